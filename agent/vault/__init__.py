"""Where the passwords of targets come from, when they lie in no file: this machine's own store, or a vault.

A credential of the targets file names its secret, and the name says where it is:

    password_secret: core-switches                     the store of this machine (`rasoat credential add core-switches`)
    password_secret: vault:network/core#password       HashiCorp Vault, KV version 2: path under the mount, # field
    password_secret: cyberark:Network/sw-core          CyberArk Central Credential Provider: safe / object

Each is asked once in a run and kept in memory until it ends, the failure too: two hundred switches with one password are one
question to the vault, and a vault that says no is not asked two hundred times.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from collectors.errors import Unreachable

if TYPE_CHECKING:
    from agent.config import Config
    from agent.vault.cyberark import CyberArk
    from agent.vault.hashicorp import Vault

HASHICORP, CYBERARK = "vault:", "cyberark:"


class SecretError(Unreachable):
    """The secret cannot be had, so no log-on is tried. `code` is stable:

    sealed · denied · not-found · expired · changing · unreachable · damaged · not-set-up
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"no log-on was tried: {message} ({code})")
        self.code = code


class Secrets:
    """Opens a secret by its name. Called from the threads of a sweep.

    Without a config the settings of this machine are read, and only once a credential names a secret.
    """

    def __init__(self, config: Config | None = None) -> None:
        self._given = config
        self._lock = threading.Lock()
        self._had: dict[str, str | SecretError] = {}
        self._vault: Vault | None = None
        self._cyberark: CyberArk | None = None

    def __call__(self, name: str) -> str:
        """The secret. Raises SecretError."""
        with self._lock:
            if name not in self._had:
                try:
                    self._had[name] = self._opened(name)
                except SecretError as error:
                    self._had[name] = error
            found = self._had[name]
        if isinstance(found, SecretError):
            raise found.with_traceback(None)
        return found

    @property
    def _config(self) -> Config:
        if self._given is None:
            from agent.config import load
            from agent.errors import Refusal

            try:
                self._given = load()
            except Refusal as refusal:
                raise SecretError("not-set-up", " ".join(str(refusal).split())) from None
        return self._given

    def _opened(self, name: str) -> str:
        if name.startswith(HASHICORP):
            from agent.vault.hashicorp import Vault

            self._vault = self._vault or Vault.of(self._config)
            return one_line(name, self._vault.read(name.removeprefix(HASHICORP)))
        if name.startswith(CYBERARK):
            from agent.vault.cyberark import CyberArk

            self._cyberark = self._cyberark or CyberArk.of(self._config)
            return one_line(name, self._cyberark.read(name.removeprefix(CYBERARK)))
        from agent.vault.store import Store

        return Store.of(self._config).read(name)


def one_line(name: str, value: str) -> str:
    """The value, if it can be typed as a password."""
    if not value or "\n" in value or "\r" in value or "\0" in value:
        raise SecretError("damaged", f"{name} holds no password: it must be one line")
    return value
