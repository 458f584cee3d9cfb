"""A mission folder as a BagIt bag (RFC 8493), signed: what is handed over and kept.

The mission's files lie below ``data/`` with their own seal; ``tagmanifest-sha256.txt``, which holds the hashes of
the bag's own lists, is signed as ``ssh-keygen -Y verify`` reads it. ``bagit.py --validate`` checks the rest.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

from hullscan import __version__
from hullscan.errors import RecordError
from hullscan.record.folder import MissionFolder
from hullscan.record.results import read_result
from hullscan.record.seal import write_signer
from hullscan.record.signature import fingerprint, machine_key, sign

__all__ = ["BAG_TAGS", "write_bag"]

BAG_TAGS: Final = "tagmanifest-sha256.txt"


def write_bag(folder: MissionFolder, out: Path, seal_key: Path) -> Path:
    """Copy a mission folder into a new bag and sign it.

    Returns:
        The bag: ``out/NAME-bag``.

    Raises:
        RecordError: it is there already, or cannot be written.
        InputError: the key cannot be used.
    """
    import bagit

    key = machine_key(seal_key)
    source = folder.path.resolve()
    bag = out / f"{source.name}-bag"
    if bag.exists():
        raise RecordError(f"{bag} is there already", todo="choose another --out")
    public = key.public_key()
    try:
        shutil.copytree(source, bag)
        bagit.make_bag(str(bag), _info(folder, fingerprint(public)), checksums=["sha256"], encoding="utf-8")
        # a signature is no tag file that the signed list could hold, so it and its key come after it (RFC 8493, 2.2.4)
        (bag / f"{BAG_TAGS}.sig").write_text(sign((bag / BAG_TAGS).read_bytes(), key), encoding="ascii", newline="\n")
        write_signer(bag, key)
    except (OSError, bagit.BagError) as error:
        raise RecordError(f"cannot write the bag: {error}", where=str(bag)) from error
    return bag


def _info(folder: MissionFolder, key: str) -> dict[str, Any]:
    """``bag-info.txt``: what it is, with which program and model it was made, how far its clock could be trusted."""
    summary = read_result(folder.path / "summary.json")
    return {
        "Bag-Software-Agent": f"hullscan {__version__}",
        "External-Identifier": folder.path.resolve().name,
        "External-Description": f"Underwater hull search of {summary.get('ship')}, mission {summary.get('mission')}",
        "Hullscan-Model-SHA256": str(summary.get("model_sha256")),
        "Hullscan-Start-UTC": str(summary.get("start_utc")),
        "Hullscan-End-UTC": str(summary.get("end_utc")),
        "Hullscan-Picture-Time-Uncertainty-ms": str(summary.get("time_sigma_ms")),
        "Hullscan-Key": key,
    }
