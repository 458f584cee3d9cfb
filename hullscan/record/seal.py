"""Sealing a mission folder: the hash of every file in one list, and a signature of that list.

``manifest-sha256.txt`` is what ``sha256sum -c`` reads, ``manifest-sha256.txt.sig`` what ``ssh-keygen -Y`` verifies;
``VERIFY.txt`` tells how. A folder may be sealed again, after its report was made in another language: the list before
and its signature then move to ``seals/``, and the new list holds them. So no seal is ever lost.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hullscan.errors import RecordError
from hullscan.record.signature import NAMESPACE, public_line, sign

__all__ = [
    "IDENTITY",
    "MANIFEST",
    "PUBLIC_KEY",
    "SEALS",
    "SIGNATURE",
    "SIGNERS",
    "SIGNERS_PREFIX",
    "TIME_STAMPS",
    "VERIFY",
    "digest",
    "files_below",
    "is_sealed",
    "seal",
    "unseal",
    "write_signer",
]

MANIFEST: Final = "manifest-sha256.txt"
SIGNATURE: Final = "manifest-sha256.txt.sig"
TIME_STAMPS: Final = ("manifest-sha256.txt.tsq", "manifest-sha256.txt.tsr")
"""Request for a trusted time of the list, and the answer (RFC 3161): they come after it."""
SIGNERS: Final = "signers"
"""Who may have signed, in the form that ``ssh-keygen -Y verify -f`` reads (ALLOWED SIGNERS in its manual)."""
PUBLIC_KEY: Final = "signer.pub"
SEALS: Final = "seals"
VERIFY: Final = "VERIFY.txt"
IDENTITY: Final = "hullscan"
SIGNERS_PREFIX: Final = f'{IDENTITY} namespaces="{NAMESPACE}" '
_TRANSIENT: Final = ("-wal", "-shm", "-journal")  # SQLite's own, gone when it is closed

_HOW = f"""How to check this folder without hullscan
==========================================

1. No file was changed since it was sealed (in this folder; every line must say OK):

       sha256sum -c {MANIFEST}

   macOS: shasum -a 256 -c {MANIFEST}     Windows: certutil -hashfile FILE SHA256, compared with the list

2. The list was signed with the key in the file "{SIGNERS}" (OpenSSH 8.1 or newer; it must say "Good"):

       ssh-keygen -Y verify -f {SIGNERS} -I {IDENTITY} -n {NAMESPACE} -s {SIGNATURE} < {MANIFEST}

3. The key is the right one: compare its fingerprint with the one that the operator's office tells you on another way.

       ssh-keygen -l -f {PUBLIC_KEY}

4. Every line of events.jsonl holds the SHA-256 of the line before it (without its line end) as "prev_sha256"; the
   first one holds 64 zeros. Events of the kind "segment" hold the hashes of the video files when these were closed.

5. Each line of video/*.jsonl holds as "sha256" the hash of one picture, taken when it was recorded. This prints those
   of the pictures in the file, in the same order (FFmpeg):

       ffmpeg -v error -i video/000.mkv -map 0:v -c copy -f framehash -hash sha256 -

What a seal does not prove: the time. The clock is the computer's; its offsets are in summary.json. Where a file
{TIME_STAMPS[1]} lies beside the list, a time-stamping authority says when the list was there at the latest:

       openssl ts -verify -data {MANIFEST} -in {TIME_STAMPS[1]} -CAfile THE-AUTHORITY.pem

Folders below {SEALS}/ are earlier seals of the same folder; what was recorded has the same hashes in all of them.
"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was sealed: number of files, and whether the list is signed."""

    files: int
    signed: bool


def seal(folder: Path, key: Ed25519PrivateKey | None) -> Sealed:
    """Write the list of hashes and its signature; an earlier seal is kept below ``seals/``.

    Args:
        folder: a mission folder whose files are closed.
        key: signs the list; without it the list shows changes, but not who made it.

    Raises:
        RecordError: a file cannot be read or written.
    """
    try:
        if is_sealed(folder):
            _keep_seal(folder)
        (folder / VERIFY).write_text(_HOW, encoding="utf-8", newline="\n")
        if key is not None:
            write_signer(folder, key)
        files = files_below(folder)
        text = "".join(f"{digest(folder / name)}  {name}\n" for name in files)
        _write_whole(folder / MANIFEST, text)
        if key is not None:
            _write_whole(folder / SIGNATURE, sign(text.encode(), key))
    except OSError as error:
        raise RecordError(f"cannot seal the folder: {error.strerror}", where=str(folder)) from error
    return Sealed(len(files), key is not None)


def write_signer(folder: Path, key: Ed25519PrivateKey) -> None:
    """The public key, as a ``.pub`` file and as the list of those who may have signed.

    Raises:
        OSError: one cannot be written.
    """
    line = public_line(key.public_key())
    (folder / PUBLIC_KEY).write_text(line + "\n", encoding="ascii", newline="\n")
    (folder / SIGNERS).write_text(f"{SIGNERS_PREFIX}{line}\n", encoding="ascii", newline="\n")


def is_sealed(folder: Path) -> bool:
    """Whether there is a list of hashes."""
    return (folder / MANIFEST).is_file()


def unseal(folder: Path) -> None:
    """Remove every seal of a folder of derived results that is made anew."""
    for name in (MANIFEST, SIGNATURE, *TIME_STAMPS, SIGNERS, PUBLIC_KEY, VERIFY):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / SEALS, ignore_errors=True)


def files_below(folder: Path) -> list[str]:
    """Every file that a seal holds, with forward slashes, sorted."""
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (MANIFEST, SIGNATURE, *TIME_STAMPS) and not name.endswith(_TRANSIENT):
            found.append(name)
    return sorted(found)


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _keep_seal(folder: Path) -> None:
    seals = folder / SEALS
    number = 1 + max((int(path.name) for path in seals.glob("*") if path.name.isdigit()), default=0)
    kept = seals / f"{number:04d}"
    kept.mkdir(parents=True)
    for name in (MANIFEST, SIGNATURE, *TIME_STAMPS, SIGNERS):
        if (folder / name).exists():
            (folder / name).replace(kept / name)


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_name("." + path.name)
    draft.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")
    draft.replace(path)
