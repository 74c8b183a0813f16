"""How to log on to a target: which account, and where its secret lies. The secret itself is never held here."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

from pydantic import PrivateAttr, model_validator

from collectors.errors import Unreachable
from collectors.facts.base import Model

Opener = Callable[[str], str]
"""Gives the secret of a name: from a store or a vault of the carrier's. Raises Unreachable, without the secret."""


class Credential(Model):
    """One account and one way to prove it: a key file, the running SSH agent, or a password kept elsewhere.

    `key_file` with `password_file` or `password_env`: the password opens the key and is never sent to a host.
    `agent` with `key_file`: the public key file that says which of the agent's keys to use.
    `enable_password_file` or `enable_password_env`: the word that raises rights on a network device, where it asks for one.
    `password_secret`, `enable_password_secret`: the same by a name that the carrier's store or vault knows (see `opened_by`).
    """

    user: str
    key_file: str | None = None
    password_file: str | None = None
    password_env: str | None = None
    password_secret: str | None = None
    enable_password_file: str | None = None
    enable_password_env: str | None = None
    enable_password_secret: str | None = None
    agent: bool = False
    sudo: bool = False
    _opener: Opener | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        for word in ("password", "enable_password"):
            given = [key for key in (f"{word}_file", f"{word}_env", f"{word}_secret") if getattr(self, key) is not None]
            if len(given) > 1:
                raise ValueError(f"{' and '.join(given)} exclude each other; keep one")
        password = bool(self.password_file or self.password_env or self.password_secret)
        if self.agent and password:
            raise ValueError("agent and a password exclude each other; keep one")
        if not (self.agent or password or self.key_file):
            raise ValueError("says no way to log on; give key_file, agent: true, password_file, password_env or password_secret")
        return self

    def opened_by(self, opener: Opener) -> Self:
        """The same, with somebody who knows the secrets it names."""
        copy = self.model_copy()
        copy._opener = opener
        return copy

    def password(self) -> str | None:
        """The password, read now; None when this credential has none.

        Raises Unreachable, without the secret, when it cannot be had or lies open to others.
        """
        return _secret(self.password_file, self.password_env, self.password_secret, self._opener)

    def enable_password(self) -> str | None:
        """The same for the word that raises rights."""
        return _secret(self.enable_password_file, self.enable_password_env, self.enable_password_secret, self._opener)


def _secret(file: str | None, variable: str | None, name: str | None, opener: Opener | None) -> str | None:
    if name:
        return by_name(name, opener)
    if variable:
        value = os.environ.get(variable)
        if not value:
            raise Unreachable(f"no log-on was tried: the environment variable {variable} is not set")
        return value
    if not file:
        return None
    value = private_bytes(file).decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    if not value or "\n" in value:
        raise Unreachable(f"no log-on was tried: {file} must hold one line, the password")
    return value


def by_name(name: str, opener: Opener | None) -> str:
    """The secret of that name. Raises Unreachable when nobody here knows it."""
    if opener is None:
        raise Unreachable(f"no log-on was tried: nobody here opens {name}; only rasoat's own commands know its store and vaults")
    return opener(name)


def private_bytes(path: str) -> bytes:
    """The content of a file that only its owner may read. Raises Unreachable when others can, or when we cannot."""
    real = Path(path).expanduser()
    try:
        mode = real.stat().st_mode
        if sys.platform != "win32" and stat.S_IMODE(mode) & 0o077:
            raise Unreachable(f"no log-on was tried: {path} can be read by other users; run: chmod 600 {path}")
        return real.read_bytes()
    except OSError as error:
        raise Unreachable(f"no log-on was tried: {path}: {error.strerror}") from None
