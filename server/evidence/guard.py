"""The last look before something is written into a bundle: no key and no token leaves with it.

Facts were redacted where they were collected, and what people write was looked at by nobody. So every byte that goes in is
searched for what secrets look like, and for this collector's own. What is found is not taken out (the bytes of a snapshot are
signed): the bundle is not made, and the member is named.
"""

from __future__ import annotations

import re

from django.conf import settings

OVERLAP = 4096
"""Of two parts of one file: a secret may lie across their border."""
_SHAPES = re.compile(
    rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY"
    rb"|\brs1\.[0-9a-f]{8}\.[0-9a-f]{40}"
    rb"|\brr1\.[0-9a-f-]{36}\.[0-9a-f]{40}"
    rb"|\brsk1\.[0-9A-Za-z]{4,}\.[0-9A-Za-z_-]{20,}"
    rb"|rasoat-centre-1 [0-9a-f]{64}"
    rb"|AGE-SECRET-KEY-1"
)


class Secret(ValueError):
    """What looks like a key or a token. The message names the member and nothing of what was found."""


class Guard:
    """Knows what this collector must not tell."""

    def __init__(self) -> None:
        self._own = [word for word in _own() if len(word) >= 16]

    def look(self, member: str, part: bytes, before: bytes = b"") -> bytes:
        """What is to be given as `before` with the next part of the member. Raises Secret."""
        window = before + part
        if _SHAPES.search(window) or any(word in window for word in self._own):
            raise Secret(member)
        return window[-OVERLAP:]


def _own() -> list[bytes]:
    data, config = settings.DATA, settings.CONFIG
    found = [str(config.metrics_token).encode()]
    named = [config.database_password_file]
    named += [config.oidc.client_secret_file] if config.oidc else []
    named += [config.ldap.bind_password_file] if config.ldap else []
    for path in (data.secret_key, data.centre_key, *(data.root / name for name in named if name)):
        try:
            found += path.read_bytes().split()
        except OSError:
            continue
    return found
