"""How passwords are hashed, and how one is made for a person."""

from __future__ import annotations

import secrets
import unicodedata
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher

_ALPHABET = "abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXYZ234679"


class Argon2(Argon2PasswordHasher):
    """Argon2id with 19 MiB: the usual 100 MiB times the threads of a small server would be more than it has.

    Passwords are brought to NFC first. The same Vietnamese word typed on two keyboards comes as two different byte
    strings, and one of them would be refused.
    """

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        return super().encode(unicodedata.normalize("NFC", password), salt)

    def verify(self, password: str, encoded: str) -> bool:
        return bool(super().verify(unicodedata.normalize("NFC", password), encoded))

    def harden_runtime(self, password: str, encoded: Any) -> None:
        """Nothing to even out: there is one set of costs."""


def generate() -> str:
    """Four groups of five letters and digits that nobody confuses when reading aloud; about 112 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
