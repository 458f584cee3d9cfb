"""Trusted time (RFC 3161): a request for the list of hashes, and the answer of a time-stamping authority to it.

Nothing here touches a network. The request is a file that somebody carries to an authority; the answer is a file that
comes back. Anybody checks it with ``openssl ts -verify -queryfile X.tsq -in X.tsr -CAfile CA.pem``.
"""

from __future__ import annotations

import hashlib
import importlib.util
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from hullscan.clock import utc_text
from hullscan.errors import InputError, RecordError
from hullscan.record.bag import BAG_TAGS
from hullscan.record.seal import MANIFEST

__all__ = ["attach_response", "stamped_list", "time_of", "write_request"]

_REQUEST: Final = ".tsq"
_RESPONSE: Final = ".tsr"
_CONTEXT_0: Final = 0xA0  # DER's tag [0], of several elements
_GRANTED: Final = (0, 1)  # PKIStatus: granted, granted with modifications


def stamped_list(path: Path) -> Path:
    """The list of hashes of a sealed folder, or of a bag: what a time-stamp is of.

    Raises:
        RecordError: it is neither.
    """
    found = path / (BAG_TAGS if (path / "bagit.txt").is_file() else MANIFEST)
    if not found.is_file():
        raise RecordError(f"{path} is not sealed", todo="a survey seals its folder")
    return found


def write_request(path: Path) -> Path:
    """Write the request for a folder's list of hashes beside it; one that is there is kept, with its nonce.

    Raises:
        InputError: the extra ``timestamp`` is not installed.
        RecordError: the folder is not sealed, or the request cannot be written.
    """
    _require()
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    manifest = stamped_list(path)
    request = _beside(manifest, _REQUEST)
    raw = manifest.read_bytes()
    try:
        # the digest stands in the request as it is: an older one is of this list if it holds it
        if not request.is_file() or hashlib.sha256(raw).digest() not in request.read_bytes():
            built = TimestampRequestBuilder().data(raw).hash_algorithm(HashAlgorithm.SHA256).build()
            request.write_bytes(built.as_bytes())
    except OSError as error:
        raise RecordError(f"the request cannot be written: {error.strerror}", where=str(request)) from error
    return request


def attach_response(path: Path, response: Path, authority: Path | None = None) -> Path:
    """Keep an authority's answer beside the list that it is of.

    Args:
        authority: PEM file of the certificate that the authority's chain must end in; not checked without it.

    Raises:
        InputError: it is no answer, of another list, or not of that authority.
        RecordError: the folder is not sealed, or it cannot be written.
    """
    _require()
    manifest = stamped_list(path)
    try:
        raw = response.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {response}: {error.strerror}") from error
    _checked(raw, manifest, authority, str(response))
    kept = _beside(manifest, _RESPONSE)
    try:
        kept.write_bytes(raw)
    except OSError as error:
        raise RecordError(f"the time-stamp cannot be kept: {error.strerror}", where=str(kept)) from error
    return kept


def time_of(manifest: Path, authority: Path | None) -> str | None:
    """The time in the answer beside a list of hashes, UTC; None where there is no answer.

    Raises:
        InputError: the answer is damaged, of another list, or not of that authority; or the extra is not installed.
    """
    kept = _beside(manifest, _RESPONSE)
    if not kept.is_file():
        return None
    _require()
    return _checked(kept.read_bytes(), manifest, authority, kept.name)


def _checked(raw: bytes, manifest: Path, authority: Path | None, name: str) -> str:
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        response = decode_timestamp_response(_in_order(raw))
        granted = response.status in _GRANTED
        info = response.tst_info
    except ValueError as error:
        raise InputError(f"this is no answer of a time-stamping authority: {error}", where=name) from error
    if not granted:
        raise InputError("the authority did not grant a time-stamp", where=name)
    message = manifest.read_bytes()
    request = _beside(manifest, _REQUEST)
    nonce = None if info.nonce is None else info.nonce.to_bytes((info.nonce.bit_length() + 7) // 8, "big")
    if info.message_imprint.message not in _digests(message):
        raise InputError("the time-stamp is of another list of hashes", where=name)
    if nonce and request.is_file() and nonce not in request.read_bytes():
        raise InputError("the time-stamp answers another request", where=name)
    if authority is not None:
        builder = VerifierBuilder()
        for certificate in _certificates(authority):
            builder = builder.add_root_certificate(certificate)
        try:
            builder.build().verify_message(response, message)
        except (VerificationError, ValueError) as error:
            raise InputError(f"the time-stamp is not of that authority: {error}", where=name) from error
    return utc_text(info.gen_time.timestamp())


def _in_order(raw: bytes) -> bytes:
    """An answer with its certificates in the order that DER demands of a set.

    OpenSSL, and so many an authority, sends them in another one, which a strict reader refuses. No signature is over
    that set (RFC 5652, 5.4), so their order may be mended.
    """
    try:
        begin, end = 0, len(raw)
        # TimeStampResp > timeStampToken > content [0] > SignedData > certificates [0]
        for step in (0, 1, 1, 0):
            _, begin, end = _elements(raw, begin, end)[step]
        held = [(inner, stop) for tag, inner, stop in _elements(raw, begin, end) if tag == _CONTEXT_0]
        begin, end = held[0]
        starts = [begin, *(stop for _, _, stop in _elements(raw, begin, end))]
    except (IndexError, ValueError):
        return raw  # it is for the reader to say what is wrong
    pieces = sorted(raw[first:last] for first, last in pairwise(starts))
    return raw[:begin] + b"".join(pieces) + raw[end:]


def _elements(raw: bytes, begin: int, end: int) -> list[tuple[int, int, int]]:
    """(tag, beginning of its content, its end) of the DER elements between two places."""
    found = []
    while begin < end:
        tag, length, at = raw[begin], raw[begin + 1], begin + 2
        if length & 0x80:
            count = length & 0x7F
            length, at = int.from_bytes(raw[at : at + count], "big"), at + count
        if at + length > end:
            raise ValueError("longer than what holds it")
        found.append((tag, at, at + length))
        begin = at + length
    return found


def _digests(message: bytes) -> list[bytes]:
    return [hashlib.new(name, message).digest() for name in ("sha256", "sha384", "sha512")]


def _certificates(path: Path) -> list[Any]:
    try:
        return list(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path} holds no certificate", todo="give the authority's PEM file") from error


def _beside(manifest: Path, ending: str) -> Path:
    return manifest.with_name(manifest.name + ending)


def _require() -> None:
    if importlib.util.find_spec("rfc3161_client") is None:
        raise InputError("time-stamps need an extra that is not installed", todo="pip install 'hullscan[timestamp]'")
