"""How to log on to a target: which account, and where its secret lies. The secret itself is never held here."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Self

from pydantic import model_validator

from collectors.errors import Unreachable
from collectors.facts.base import Model


class Credential(Model):
    """One account and one way to prove it: a key file, the running SSH agent, or a password kept elsewhere.

    `key_file` with `password_file` or `password_env`: the password opens the key and is never sent to a host.
    `agent` with `key_file`: the public key file that says which of the agent's keys to use.
    `enable_password_file` or `enable_password_env`: the word that raises rights on a network device, where it asks for one.
    """

    user: str
    key_file: str | None = None
    password_file: str | None = None
    password_env: str | None = None
    enable_password_file: str | None = None
    enable_password_env: str | None = None
    agent: bool = False
    sudo: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.password_file and self.password_env:
            raise ValueError("password_file and password_env exclude each other; keep one")
        if self.enable_password_file and self.enable_password_env:
            raise ValueError("enable_password_file and enable_password_env exclude each other; keep one")
        password = bool(self.password_file or self.password_env)
        if self.agent and password:
            raise ValueError("agent and a password exclude each other; keep one")
        if not (self.agent or password or self.key_file):
            raise ValueError("says no way to log on; give key_file, agent: true, password_file or password_env")
        return self

    def password(self) -> str | None:
        """The password, read now; None when this credential has none.

        Raises Unreachable, without the secret, when it cannot be had or lies open to others.
        """
        return _secret(self.password_file, self.password_env)

    def enable_password(self) -> str | None:
        """The same for the word that raises rights."""
        return _secret(self.enable_password_file, self.enable_password_env)


def _secret(file: str | None, variable: str | None) -> str | None:
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
