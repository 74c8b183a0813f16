"""What a certificate file says. Public certificates alone: a private key that stands in the same file is passed over."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from collectors.errors import Unparsable, Unsupported

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

KeyType = Literal["rsa", "ec", "ed25519", "ed448", "dsa", "other"]

_BLOCK = re.compile(r"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----\s.*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----", re.S)


class Facts(NamedTuple):
    """One certificate."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    key_type: KeyType
    key_bits: int
    signature_hash: str
    self_signed: bool | None
    """None where the names say so and the signature is of a kind nobody verifies any more (SHA-1, MD5)."""
    fingerprint: str


def first_certificate(text: str, path: str) -> Facts:
    """The first certificate of a PEM file: a server's own; those of its issuers follow it."""
    # imported here: it costs 10 MB and 40 ms, and most machines have no certificate to look at
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    block = _BLOCK.search(text)
    if block is None:
        raise Unparsable(f"{path}: no certificate in it")
    if "TRUSTED" in block[0][:40]:
        raise Unsupported(f"{path}: OpenSSL's own form (TRUSTED CERTIFICATE) is not read")
    try:
        return _facts(x509.load_pem_x509_certificate(block[0].encode()))
    except (ValueError, UnsupportedAlgorithm):
        raise Unparsable(f"{path}: the certificate is not understood") from None


def bare_certificate(raw: bytes, path: str) -> Facts:
    """A certificate as bytes (DER), the way Windows keeps it."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return _facts(x509.load_der_x509_certificate(raw))
    except (ValueError, UnsupportedAlgorithm):
        raise Unparsable(f"{path}: the certificate is not understood") from None


def _facts(certificate: Certificate) -> Facts:
    from cryptography.hazmat.primitives import hashes

    kind, bits = _key(certificate)
    digest = certificate.signature_hash_algorithm
    # Ed25519 and Ed448 hash inside the signature and name no algorithm
    signed = digest.name if digest is not None else certificate.signature_algorithm_oid._name.lower()
    return Facts(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_type=kind,
        key_bits=bits,
        signature_hash=signed,
        self_signed=_self_signed(certificate),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def unverified(place: str, facts: Facts) -> str:
    """Why it is not known whether a certificate is signed by its own key."""
    return f"{place}: a signature with {facts.signature_hash} is not verified any more"


def _key(certificate: Certificate) -> tuple[KeyType, int]:
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "ec", key.key_size
    if isinstance(key, dsa.DSAPublicKey):
        return "dsa", key.key_size
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519", 256
    if isinstance(key, ed448.Ed448PublicKey):
        return "ed448", 456
    return "other", 0


def _self_signed(certificate: Certificate) -> bool | None:
    """Equal names prove nothing: an issuer may bear its subject's name. The signature decides, where it can be verified."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    if certificate.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError, TypeError):
        return None
    return True
