"""Ed25519 signatures that ``ssh-keygen -Y`` verifies, so that nobody needs this program to check them.

The armoured format is OpenSSH's ``SSHSIG`` (its PROTOCOL.sshsig, version 1) under the namespace ``hullscan``, with
SHA-512 of the message. Keys are ordinary OpenSSH keys: ``ssh-keygen -t ed25519`` makes one as well.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import textwrap
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)

from hullscan.errors import InputError

__all__ = [
    "NAMESPACE",
    "fingerprint",
    "is_canonical",
    "machine_key",
    "public_line",
    "read_public_key",
    "sign",
    "signed_by",
]

NAMESPACE: Final = "hullscan"
_MAGIC, _VERSION, _HASH = b"SSHSIG", 1, b"sha512"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"


def machine_key(path: Path) -> Ed25519PrivateKey:
    """The key of this computer in OpenSSH's format; made at its first use, readable by its owner only.

    Raises:
        InputError: it cannot be made or read, is protected by a passphrase, or is no Ed25519 key.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            made = Ed25519PrivateKey.generate()
            path.touch(mode=0o600, exist_ok=False)
            path.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        key = load_ssh_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise InputError(f"cannot make or read the signing key: {error.strerror}", where=str(path)) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(f"this is no signing key: {error}", where=str(path), todo="give an OpenSSH key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("this is no Ed25519 key", where=str(path), todo="make one with ssh-keygen -t ed25519")
    return key


def public_line(key: Ed25519PublicKey) -> str:
    """The public key as OpenSSH writes it: ``ssh-ed25519 AAAA...``."""
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")


def read_public_key(text: str) -> Ed25519PublicKey:
    """A public key from the line of a ``.pub`` file.

    Raises:
        InputError: it is none.
    """
    try:
        key = load_ssh_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"this is no public key: {error}", todo="give the .pub file of an Ed25519 key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError("this is no Ed25519 key", todo="give the .pub file of an Ed25519 key")
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """What people compare: ``SHA256:...`` as ``ssh-keygen -l`` shows it."""
    digest = hashlib.sha256(_blob(key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def sign(message: bytes, key: Ed25519PrivateKey) -> str:
    """An armoured signature of a message."""
    return _armoured(key.public_key(), key.sign(_signed_data(message)))


def _armoured(key: Ed25519PublicKey, raw: bytes) -> str:
    signature = _string(b"ssh-ed25519") + _string(raw)
    body = _MAGIC + struct.pack(">I", _VERSION) + _string(_blob(key))
    body += _string(NAMESPACE.encode()) + _string(b"") + _string(_HASH) + _string(signature)
    lines = textwrap.wrap(base64.b64encode(body).decode("ascii"), 70)
    return "\n".join([_BEGIN, *lines, _END]) + "\n"


def is_canonical(armoured: str) -> bool:
    """Whether a signature is written as ``ssh-keygen`` writes it: base64 has bits that nobody reads.

    Raises:
        InputError: the signature is damaged.
    """
    return _armoured(*_parsed(armoured)) == armoured


def signed_by(message: bytes, armoured: str) -> Ed25519PublicKey:
    """The key that signed this very message.

    Raises:
        InputError: the signature is damaged, of another kind, or of another message.
    """
    key, signature = _parsed(armoured)
    try:
        key.verify(signature, _signed_data(message))
    except InvalidSignature as error:
        raise InputError("the signature does not fit") from error
    return key


def _parsed(armoured: str) -> tuple[Ed25519PublicKey, bytes]:
    text = armoured.strip()
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise InputError("the signature is damaged")
    try:
        body = base64.b64decode("".join(text[len(_BEGIN) : -len(_END)].split()), validate=True)
        if body[:6] != _MAGIC or struct.unpack(">I", body[6:10])[0] != _VERSION:
            raise ValueError("not SSHSIG, version 1")
        blob, namespace, _, hashed, signature = _strings(body[10:], 5)
        kind, raw_key = _strings(blob, 2)
        signature_kind, raw = _strings(signature, 2)
        if (kind, signature_kind, namespace, hashed) != (b"ssh-ed25519", kind, NAMESPACE.encode(), _HASH):
            raise ValueError("of another kind")
        return Ed25519PublicKey.from_public_bytes(raw_key), raw
    except (ValueError, struct.error) as error:
        raise InputError(f"the signature is damaged: {error}") from error


def _signed_data(message: bytes) -> bytes:
    head = _MAGIC + _string(NAMESPACE.encode()) + _string(b"") + _string(_HASH)
    return head + _string(hashlib.sha512(message).digest())


def _blob(key: Ed25519PublicKey) -> bytes:
    return _string(b"ssh-ed25519") + _string(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def _string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def _strings(data: bytes, count: int) -> list[bytes]:
    """So many length-prefixed strings, and nothing behind them."""
    found = []
    for _ in range(count):
        (length,) = struct.unpack(">I", data[:4])
        if len(data) < 4 + length:
            raise ValueError("too short")
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    if data:
        raise ValueError("too long")
    return found
