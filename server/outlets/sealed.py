"""Secrets of outlets lie sealed, as second factors do: the key comes from secret.key, which is not in the database."""

from __future__ import annotations

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from django.conf import settings


class Lost(Exception):
    """secret.key is another than it was: the secret has to be given again."""


def seal(secret: str, outlet: int) -> bytes:
    """Bound to its outlet: moved to another row it opens no more."""
    nonce = secrets.token_bytes(12)
    return nonce + ChaCha20Poly1305(_key()).encrypt(nonce, secret.encode(), _about(outlet))


def open_(raw: bytes, outlet: int) -> str:
    """Raises Lost."""
    try:
        return ChaCha20Poly1305(_key()).decrypt(raw[:12], raw[12:], _about(outlet)).decode()
    except (InvalidTag, ValueError):
        raise Lost("its secret cannot be opened: secret.key is another than it was") from None


def _key() -> bytes:
    return hashlib.sha256(b"rasoat outlet 1\n" + settings.SECRET_KEY.encode()).digest()


def _about(outlet: int) -> bytes:
    return f"outlet {outlet}".encode()
