"""The seal: whose key signed SHA256SUMS, whether it is one that is trusted, and when a third party saw the signature."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from baselines.evidence import form, stamp
from baselines.evidence.archive import Archive, Damaged
from baselines.evidence.lines import Line, fails, holds, unchecked
from collectors.centre import Centre


class Sealed(NamedTuple):
    """What was found of it."""

    sums: bytes
    """SHA256SUMS; empty where it cannot be read."""
    fingerprint: str
    lines: list[Line]


def check(archive: Archive, trusted: frozenset[str], roots: Path | None) -> Sealed:
    """Whether the seal holds. Whole is not yet whose: that is said by a key one has from elsewhere."""
    lines: list[Line] = []
    read: dict[str, bytes] = {}
    for name, most in ((form.SUMS, form.MAX_JSON), (form.KEYS, 64), (form.SIGNATURE, 64), (form.PEM, 4096)):
        try:
            read[name] = archive.read(name, most)
        except KeyError:
            lines.append(fails("missing", name))
        except Damaged as error:
            lines.append(fails("damaged", name, why=str(error)))
    sums = read.get(form.SUMS, b"")
    if lines:
        return Sealed(sums, "", lines)
    keys = read[form.KEYS]
    if len(keys) != 64 or read[form.PEM] != pem(keys[:32]):
        return Sealed(sums, "", [fails("seal-keys")])
    centre = Centre(keys[:32], keys[32:])
    if not sums.startswith(f"{form.HEAD} ".encode()) or not signed(keys[:32], read[form.SIGNATURE], sums):
        return Sealed(sums, centre.fingerprint, [fails("seal", centre.fingerprint)])
    if not trusted:
        lines.append(unchecked("seal-whose", centre.fingerprint))
    elif trusted & {centre.fingerprint, keys[:32].hex()}:
        lines.append(holds("seal", centre.fingerprint))
    else:
        lines.append(fails("seal-stranger", centre.fingerprint))
    lines += stamp.check(archive, read[form.SIGNATURE], roots)
    return Sealed(sums, centre.fingerprint, lines)


def signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """True when that key (32 raw bytes of Ed25519) signed it."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def pem(public_key: bytes) -> bytes:
    """As openssl reads it. Raises ValueError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = Ed25519PublicKey.from_public_bytes(public_key)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class NoKey(ValueError):
    """What was given as a trusted key is none."""


def trusted(given: str) -> str:
    """A fingerprint as it is written on the page or said over the telephone, or a file with the public key (PEM). Raises NoKey, OSError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    bare = "".join(given.split()).replace(":", "").lower()
    if len(bare) == 40 and all(letter in "0123456789abcdef" for letter in bare):
        return bare
    with Path(given).open("rb") as file:
        raw = file.read(65536)
    if raw.count(b"-----BEGIN") != 1:  # of two keys only the first would be read, and nobody told
        raise NoKey(given)
    try:
        key = load_pem_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        raise NoKey(given) from None
    if not isinstance(key, Ed25519PublicKey):
        raise NoKey(given)
    return key.public_bytes_raw().hex()


def digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
