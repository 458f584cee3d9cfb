"""A mission folder as a BagIt bag (RFC 8493), signed: what is handed over and kept.

The mission's files lie below ``data/`` with their own seal. What people read in it goes into a second bag, which names
the first one by its hash: a bag that was handed over is never written again. Of each bag ``tagmanifest-sha256.txt``,
which holds the hashes of the bag's own lists, is signed as ``ssh-keygen -Y verify`` reads it; ``bagit.py --validate``
checks the rest.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hullscan import __version__
from hullscan.errors import RecordError
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result
from hullscan.record.seal import IDENTITY, PUBLIC_KEY, SIGNERS, VERIFY, digest, write_signer
from hullscan.record.signature import NAMESPACE, fingerprint, machine_key, sign
from hullscan.record.verdicts import read_verdicts, readings_path

__all__ = ["BAG_TAGS", "write_bag", "write_readings_bag"]

BAG_TAGS: Final = "tagmanifest-sha256.txt"

_HOW: Final = f"""How to check this bag without hullscan
======================================

1. Every file below data/ is as it was packed, and so are the bag's own lists (every line must say OK):

       sha256sum -c manifest-sha256.txt
       sha256sum -c {BAG_TAGS}

   macOS: shasum -a 256 -c     anywhere with Python: bagit.py --validate .

2. The last list was signed with the key in the file "{SIGNERS}" (OpenSSH 8.1 or newer; it must say "Good"):

       ssh-keygen -Y verify -f {SIGNERS} -I {IDENTITY} -n {NAMESPACE} -s {BAG_TAGS}.sig < {BAG_TAGS}

3. The key is the right one: compare its fingerprint with the one that the operator's office tells you on another way.

       ssh-keygen -l -f {PUBLIC_KEY}

4. What was packed has a seal of its own, older than the bag: data/{VERIFY} tells how to check that.

A bag of readings names the mission that was read: bag-info.txt holds the SHA-256 of that mission's list of hashes, and
data/readings.json those of its list and of its findings.
"""


def write_bag(folder: MissionFolder, out: Path, seal_key: Path) -> Path:
    """Copy a mission folder into a new bag and sign it.

    Returns:
        The bag: ``out/NAME-bag``.

    Raises:
        RecordError: it is there already, or cannot be written.
        InputError: the key cannot be used.
    """
    key, source = machine_key(seal_key), folder.path.resolve()
    return _packed(source, out / f"{source.name}-bag", _info(folder, fingerprint(key.public_key())), key)


def write_readings_bag(folder: MissionFolder, mission_bag: Path, seal_key: Path) -> Path | None:
    """Copy the signed readings of a mission into a second bag beside the mission's, which it names by its hash.

    Returns:
        ``NAME-readings-bag``; None when nobody has signed the mission off.

    Raises:
        RecordError: it is there already, or cannot be written; the readings are of other findings.
        InputError: the key cannot be used.
    """
    verdicts = read_verdicts(folder)
    if verdicts is None:
        return None
    key, source = machine_key(seal_key), readings_path(folder.path)
    info = {
        "Bag-Software-Agent": f"hullscan {__version__}",
        "External-Identifier": source.name,
        "External-Description": f"Readings of {folder.path.resolve().name}, signed off by {verdicts.signed_off_by}",
        "Hullscan-Signed-Off-UTC": verdicts.signed_off_utc,
        "Hullscan-Mission-Bag": mission_bag.name,
        "Hullscan-Mission-Bag-Tagmanifest-SHA256": digest(mission_bag / BAG_TAGS),
        "Hullscan-Key": fingerprint(key.public_key()),
    }
    return _packed(source / "signed", mission_bag.with_name(f"{source.name}-bag"), info, key)


def _packed(source: Path, bag: Path, info: dict[str, Any], key: Ed25519PrivateKey) -> Path:
    import bagit

    if bag.exists():
        raise RecordError(f"{bag} is there already", todo="choose another --out")
    try:
        shutil.copytree(source, bag)
        made = bagit.make_bag(str(bag), info, checksums=["sha256"], encoding="utf-8")
        (bag / VERIFY).write_text(_HOW, encoding="utf-8", newline="\n")
        write_signer(bag, key)
        made.save()  # the last list holds these two as well
        # a signature is no tag file that the signed list could hold, so it comes after it (RFC 8493, 2.2.4)
        (bag / f"{BAG_TAGS}.sig").write_text(sign((bag / BAG_TAGS).read_bytes(), key), encoding="ascii", newline="\n")
    except (OSError, bagit.BagError) as error:
        raise RecordError(f"cannot write the bag: {error}", where=str(bag)) from error
    return bag


def _info(folder: MissionFolder, key: str) -> dict[str, Any]:
    """``bag-info.txt``: what it is, with which program and model it was made, how far its clock could be trusted."""
    summary = read_result(folder.path / "summary.json")
    return {
        "Bag-Software-Agent": f"hullscan {__version__}",
        "External-Identifier": folder.path.resolve().name,
        "External-Description": (
            f"Underwater hull search of {summary.get('ship')}, mission {summary.get('mission')}"
            if folder.placed
            else f"Findings without a place in {summary.get('analysed_from')}"
        ),
        "Hullscan-Operator": str(summary.get("pilot") or "not told"),
        "Hullscan-Model-SHA256": str(summary.get("model_sha256")),
        "Hullscan-Software-SHA256": str(summary.get("software_sha256")),
        "Hullscan-Start-UTC": str(summary.get("start_utc")),
        "Hullscan-End-UTC": str(summary.get("end_utc")),
        "Hullscan-Picture-Time-Uncertainty-ms": str(summary.get("time_sigma_ms")),
        "Hullscan-Key": key,
    }
