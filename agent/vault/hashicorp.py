"""HashiCorp Vault, secrets engine KV version 2, with a token from a file or by AppRole. Authored from its HTTP API documentation.

    vault_url: https://vault.example:8200    vault_ca_file: /etc/rasoat/vault-ca.pem
    vault_mount: secret                      vault_namespace: hanoi                 (both only where they differ)
    vault_token_file: /run/rasoat/token      (a file that Vault Agent renews)       or
    vault_role_id: ...                       vault_secret_id_file: /etc/rasoat/vault.secret-id

How answers are read: 503 and 501 say sealed or not initialised; 404 not there, or its newest version deleted; 403 either a token
that is no longer good or one that may not read this, which a look at the token itself tells apart.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from agent.vault import SecretError
from agent.vault.asking import Line, Reply
from collectors.credential import private_bytes
from collectors.errors import Unreachable

if TYPE_CHECKING:
    from agent.config import Config

WHERE = re.compile(r"(?P<path>[^#?\s]+)#(?P<field>[^#\s]+)")


class Vault:
    """Logged on when it is first asked, once: AppRole counts wrong tries too."""

    def __init__(self, config: Config, line: Line) -> None:
        self._config = config
        self._line = line
        self._token = ""
        self._until = float("inf")
        self._refused: SecretError | None = None

    @classmethod
    def of(cls, config: Config) -> Vault:
        if config.vault_url is None:
            raise SecretError("not-set-up", "no vault is set up here: write vault_url to agent.yaml")
        return cls(config, Line("the vault", config.vault_url, config.vault_ca_file))

    def read(self, where: str) -> str:
        """The field of the newest version. Raises SecretError."""
        found = WHERE.fullmatch(where)
        if found is None:
            raise SecretError("not-set-up", f"vault:{where} names no secret; write it like vault:network/core#password")
        path, field = found["path"].strip("/"), found["field"]
        reply = self._asked("GET", f"/v1/{quote(self._config.vault_mount.strip('/'))}/data/{quote(path)}")
        if reply.status == 403:
            raise self._no(path)
        if reply.status == 404:
            data = reply.document.get("data")
            gone = isinstance(data, dict) and isinstance(data.get("metadata"), dict)
            raise SecretError(
                "not-found", f"the vault has no secret {path}" + (": its newest version was deleted" if gone else "")
            )
        if reply.status != 200:
            raise _unusual(reply)
        return _field(reply.document, path, field)

    def _asked(self, method: str, path: str) -> Reply:
        headers = self._headers() | {"X-Vault-Token": self._good_token()}
        reply = self._line.ask(method, path, headers)
        _sealed(reply)
        return reply

    def _headers(self) -> dict[str, str]:
        space = self._config.vault_namespace
        return {"X-Vault-Request": "true"} | ({"X-Vault-Namespace": space} if space else {})

    def _good_token(self) -> str:
        if self._refused is not None:
            raise self._refused
        if not self._token or time.monotonic() > self._until:
            try:
                self._token = self._log_on()
            except SecretError as error:
                self._refused = error
                raise
        return self._token

    def _log_on(self) -> str:
        config = self._config
        try:
            if config.vault_token_file is not None:
                return _word(private_bytes(str(config.vault_token_file)))
            if config.vault_role_id is None or config.vault_secret_id_file is None:
                raise SecretError(
                    "not-set-up",
                    "no way to log on to the vault: write vault_token_file, or vault_role_id and vault_secret_id_file",
                )
            secret = _word(private_bytes(str(config.vault_secret_id_file)))
        except SecretError:
            raise
        except Unreachable as error:
            raise SecretError("not-set-up", str(error).removeprefix("no log-on was tried: ")) from None
        body = {"role_id": config.vault_role_id, "secret_id": secret}
        reply = self._line.ask("POST", "/v1/auth/approle/login", self._headers(), body)
        _sealed(reply)
        if reply.status in (400, 403):
            raise SecretError(
                "expired", "the vault does not let this station in: its secret id has expired, was used up, or is wrong"
            )
        given = reply.document.get("auth")
        if reply.status != 200 or not isinstance(given, dict) or not isinstance(given.get("client_token"), str):
            raise _unusual(reply)
        lease = given.get("lease_duration")
        # renewed a little before its end; 0 means that it has none
        self._until = time.monotonic() + max(1.0, 0.9 * lease) if isinstance(lease, (int, float)) and lease > 0 else float("inf")
        return str(given["client_token"])

    def _no(self, path: str) -> SecretError:
        reply = self._asked("GET", "/v1/auth/token/lookup-self")
        if reply.status == 200:
            return SecretError("denied", f"the vault's policy does not let this station read {path}")
        return SecretError("expired", "the vault no longer takes this station's token: it has expired or was revoked")


def _sealed(reply: Reply) -> None:
    if reply.status == 503:
        raise SecretError("sealed", "the vault is sealed; somebody must unseal it")
    if reply.status == 501:
        raise SecretError("sealed", "the vault is not initialised")


def _field(document: dict[str, Any], path: str, field: str) -> str:
    outer = document.get("data")
    inner = outer.get("data") if isinstance(outer, dict) else None
    if not isinstance(inner, dict):
        raise SecretError("not-found", f"the vault's answer for {path} is none of KV version 2; is vault_mount right?")
    value = inner.get(field)
    if not isinstance(value, str):
        raise SecretError("not-found", f"the secret {path} in the vault has no text field {field}")
    return value


def _unusual(reply: Reply) -> SecretError:
    return SecretError("unreachable", f"the vault cannot answer now (HTTP {reply.status})")


def _word(raw: bytes) -> str:
    word = raw.decode("ascii", "replace").strip()
    if not word or not word.isprintable() or not word.isascii():
        raise SecretError("not-set-up", "the file for the vault must hold one line, the token or secret id")
    return word
