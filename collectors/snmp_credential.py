"""How an SNMP agent is asked: a community, or a user with keys; and where those secrets lie. They are read when they are used."""

from __future__ import annotations

import os
from typing import Literal, NamedTuple, Self

from pydantic import PrivateAttr, model_validator

from collectors.credential import Opener, by_name, private_bytes
from collectors.errors import Unreachable
from collectors.facts.base import Model
from collectors.transports.base import Security

Auth = Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]
Priv = Literal["des", "3des", "aes128", "aes192", "aes256", "aes192-cisco", "aes256-cisco"]
"""The two with -cisco stretch a short digest to the length of the key in their own way; with sha256 and more both are the same."""

SHORTEST_KEY = 8
"""RFC 3414, 11.2: agents refuse shorter pass phrases."""

MAX_PROBES = 20
"""Weak communities a list may hold: asking for more would be guessing."""

SNMP_KEYS = (
    "community_file", "community_env", "community_secret", "auth", "auth_key_file", "auth_key_env", "auth_key_secret", "priv",
    "priv_key_file", "priv_key_env", "priv_key_secret",
)  # fmt: skip
"""Keys by which a credential of the targets file shows that it is one for SNMP."""


class Keys(NamedTuple):
    """The secrets of one credential, in memory while a sweep lasts. Equal keys share one engine."""

    community: bytes = b""
    user: str = ""
    auth: Auth | None = None
    auth_key: bytes = b""
    priv: Priv | None = None
    priv_key: bytes = b""

    def __repr__(self) -> str:
        return f"Keys({self.security})"

    @property
    def security(self) -> Security:
        if not self.user:
            return "v2c"
        if self.auth is None:
            return "noAuthNoPriv"
        return "authNoPriv" if self.priv is None else "authPriv"


class SnmpCredential(Model):
    """A community of v2c, or a user of v3 with the algorithms and key files it needs."""

    user: str | None = None
    community_file: str | None = None
    community_env: str | None = None
    community_secret: str | None = None
    auth: Auth | None = None
    auth_key_file: str | None = None
    auth_key_env: str | None = None
    auth_key_secret: str | None = None
    priv: Priv | None = None
    priv_key_file: str | None = None
    priv_key_env: str | None = None
    priv_key_secret: str | None = None
    _opener: Opener | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        community = _one(self.community_file, self.community_env, self.community_secret, "community")
        auth = _one(self.auth_key_file, self.auth_key_env, self.auth_key_secret, "auth_key")
        priv = _one(self.priv_key_file, self.priv_key_env, self.priv_key_secret, "priv_key")
        if community == (self.user is not None):
            raise ValueError("needs either community_file (or community_env) for v2c, or user for v3")
        if community and (self.auth or self.priv or auth or priv):
            raise ValueError("auth and priv mean nothing with a community; give user instead")
        if auth != (self.auth is not None):
            raise ValueError("auth and auth_key_file (or auth_key_env) go together")
        if priv != (self.priv is not None):
            raise ValueError("priv and priv_key_file (or priv_key_env) go together")
        if self.priv and not self.auth:
            raise ValueError("priv needs auth: SNMP v3 encrypts only what it signs")
        return self

    def opened_by(self, opener: Opener) -> Self:
        """The same, with somebody who knows the secrets it names."""
        copy = self.model_copy()
        copy._opener = opener
        return copy

    def keys(self) -> Keys:
        """The secrets, read now. Raises Unreachable, without them, when they cannot be had or lie open to others."""
        if self.user is None:
            return Keys(community=self._secret(self.community_file, self.community_env, self.community_secret))
        auth_key = self._secret(self.auth_key_file, self.auth_key_env, self.auth_key_secret) if self.auth else b""
        priv_key = self._secret(self.priv_key_file, self.priv_key_env, self.priv_key_secret) if self.priv else b""
        for key, what in ((auth_key, "auth_key"), (priv_key, "priv_key")):
            if key and len(key) < SHORTEST_KEY:
                raise Unreachable(
                    f"no log-on was tried: the {what} is shorter than the {SHORTEST_KEY} characters SNMP v3 demands"
                )
        return Keys(user=self.user, auth=self.auth, auth_key=auth_key, priv=self.priv, priv_key=priv_key)

    def _secret(self, file: str | None, env: str | None, name: str | None) -> bytes:
        return by_name(name, self._opener).encode() if name else _secret(file, env)


def weak_communities(path: str) -> tuple[bytes, ...]:
    """The administrator's list, one a line, # for remarks. Raises Unreachable when it cannot be read or is too long."""
    lines = (line.strip() for line in private_bytes(path).splitlines())
    found = tuple(dict.fromkeys(line for line in lines if line and not line.startswith(b"#")))
    if len(found) > MAX_PROBES:
        raise Unreachable(f"{path}: holds {len(found)} communities; more than {MAX_PROBES} would be guessing, nothing was asked")
    return found


def _one(file: str | None, env: str | None, name: str | None, what: str) -> bool:
    given = [f"{what}_{way}" for way, value in (("file", file), ("env", env), ("secret", name)) if value]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} exclude each other; keep one")
    return bool(given)


def _secret(file: str | None, env: str | None) -> bytes:
    if env:
        value = os.environ.get(env, "").encode()
        if not value:
            raise Unreachable(f"no log-on was tried: the environment variable {env} is not set")
        return value
    assert file is not None, "checked when the credential was made"
    value = private_bytes(file).removesuffix(b"\n").removesuffix(b"\r")
    if not value or b"\n" in value:
        raise Unreachable(f"no log-on was tried: {file} must hold one line, the secret")
    return value
