"""A sealed snapshot: what is spooled, sent and kept. One blob: gzip( header line + "\\n" + the snapshot's JSON bytes ).

The header is one line of JSON: {"rasoat": 1, "agent": id, "judged": {...} or null, "sig": base64}. The Ed25519 signature
covers the agent's id, what it judged and the digest of the snapshot bytes, so none of them can be swapped.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from typing import Any, NamedTuple

FORMAT = 1
MAX_SEALED = 4 * 1024 * 1024
"""Bytes of a sealed snapshot that a collector accepts."""
MAX_OPEN = 64 * 1024 * 1024
"""Bytes it may grow to when decompressed."""
_CONTEXT = b"rasoat sealed snapshot 1\n"


class SealError(ValueError):
    """The blob is not one that an honest agent made. `code` is stable: too-large, damaged, unsigned, forged."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Sealed(NamedTuple):
    """An opened seal whose signature is not yet checked: see `verify`."""

    agent: str
    judged: dict[str, Any] | None
    """What the agent's own judgement said: {baseline, digest, tailoring, level, verdicts} (digests), or None."""
    signature: bytes
    snapshot: bytes
    """Verbatim JSON bytes of the snapshot."""
    line: bytes = b""
    """The header line as it was sent."""

    @property
    def plain(self) -> bytes:
        """What the blob holds when it is unpacked, byte for byte."""
        return self.line + b"\n" + self.snapshot


def seal(snapshot: bytes, agent: str, private_key: bytes, judged: dict[str, Any] | None = None) -> bytes:
    """The sealed blob. `private_key`: 32 raw bytes of Ed25519."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(_signed(agent, judged, snapshot))
    header = {"rasoat": FORMAT, "agent": agent, "judged": judged, "sig": base64.b64encode(signature).decode()}
    line = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return pack(line + b"\n" + snapshot)


def pack(plain: bytes) -> bytes:
    """The blob of that header line and snapshot."""
    return gzip.compress(plain, compresslevel=6, mtime=0)


def unseal(blob: bytes, max_sealed: int = MAX_SEALED, max_open: int = MAX_OPEN) -> Sealed:
    """Open without trusting. Raises SealError: too-large (also for decompression bombs), damaged, unsigned."""
    return parse(unpack(blob, max_sealed, max_open))


def unpack(blob: bytes, max_sealed: int = MAX_SEALED, max_open: int = MAX_OPEN) -> bytes:
    """Header line, newline, snapshot, as they were packed. Raises SealError: too-large, damaged."""
    if len(blob) > max_sealed:
        raise SealError("too-large", f"{len(blob)} bytes, at most {max_sealed} are accepted")
    said = int.from_bytes(blob[-4:], "little")  # gzip ends with its own size: no memory is spent on what is too large
    if said > max_open:
        raise _misfit(blob, max_open)
    inflate = zlib.decompressobj(wbits=31)
    try:
        plain = inflate.decompress(blob, said + 1)
    except zlib.error as error:
        raise SealError("damaged", f"not gzip: {error}") from None
    if len(plain) != said or not inflate.eof or inflate.unused_data:
        raise _misfit(blob, max_open)
    return plain


def _misfit(blob: bytes, max_open: int) -> SealError:
    """What is wrong with one that does not end as it says; nothing of it is kept meanwhile."""
    inflate, size = zlib.decompressobj(wbits=31), 0
    try:
        while blob and not inflate.eof:
            size += len(inflate.decompress(blob, 1 << 16))
            blob = inflate.unconsumed_tail
            if size > max_open:
                return SealError("too-large", f"grows beyond {max_open} bytes when decompressed")
    except zlib.error as error:
        return SealError("damaged", f"not gzip: {error}")
    return SealError("damaged", "cut short, or something follows the end")


def parse(plain: bytes) -> Sealed:
    """What an unpacked seal says, unverified. Raises SealError: damaged, unsigned, forged."""
    line, newline, snapshot = plain.partition(b"\n")
    try:
        header = json.loads(line)
        if header["rasoat"] != FORMAT:
            raise SealError("damaged", f"format {header['rasoat']} is not known here")
        agent, judged, encoded = header["agent"], header["judged"], header["sig"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise error if isinstance(error, SealError) else SealError("damaged", "header is not readable") from None
    if not newline or not isinstance(agent, str) or not (judged is None or isinstance(judged, dict)):
        raise SealError("damaged", "header is not readable")
    if not encoded:
        raise SealError("unsigned", "the snapshot carries no signature")
    try:
        signature = base64.b64decode(encoded, validate=True)
    except (ValueError, TypeError):
        raise SealError("forged", "the signature is not base64") from None
    return Sealed(agent, judged, signature, snapshot, line)


def verify(sealed: Sealed, public_key: bytes) -> None:
    """Raises SealError("forged") unless `public_key` (32 raw bytes) signed this agent, judgement and snapshot."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(sealed.signature, _signed(sealed.agent, sealed.judged, sealed.snapshot))
    except (InvalidSignature, ValueError):
        raise SealError("forged", "the signature does not belong to this agent's key") from None


def signed_message(sealed: Sealed) -> bytes:
    """What its signature is over, for whoever checks it with other tools."""
    return _signed(sealed.agent, sealed.judged, sealed.snapshot)


def _signed(agent: str, judged: dict[str, Any] | None, snapshot: bytes) -> bytes:
    verdicts = json.dumps(judged, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return _CONTEXT + json.dumps([agent, verdicts, hashlib.sha256(snapshot).hexdigest()]).encode()


def request_token(agent: str, private_key: bytes, method: str, path: str, now: int) -> str:
    """Value of the Authorization header of an agent's request without a body: `Rasoat AGENT:UNIXTIME:BASE64`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(_request(agent, method, path, now))
    return f"Rasoat {agent}:{now}:{base64.b64encode(signature).decode()}"


def check_request(public_key: bytes, agent: str, method: str, path: str, at: int, signature: bytes) -> bool:
    """True when that agent's key signed this request. How old `at` may be is the caller's to decide."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _request(agent, method, path, at))
    except (InvalidSignature, ValueError):
        return False
    return True


def _request(agent: str, method: str, path: str, at: int) -> bytes:
    return f"rasoat request 1\n{agent}\n{method}\n{path}\n{at}".encode()
