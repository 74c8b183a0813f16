"""This machine's own store: one file of secrets, each encrypted with a key that lies elsewhere.

    /var/lib/rasoat/credentials.json     {"rasoat-credentials": 1, "entries": {name: {"nonce", "sealed", "added_at"}}}
    /etc/rasoat/credential.key           32 random bytes, base64; readable by root alone; made by the first `credential add`

Under systemd the key may come from `LoadCredentialEncrypted=rasoat-credential-key:...` instead, which binds it to the TPM or to
the machine; then it is looked for first in $CREDENTIALS_DIRECTORY.

What this protects against: a backup, a copied disk image or a support bundle of the state folder tells no password, nor does
anybody who may read but is not root. What it does not: root of this running machine can read both files, as it could read
the passwords from the memory of a scan. An entry is bound to its name; who may write the file can put back an older one.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import files
from agent.errors import Refusal
from agent.language import _
from agent.vault import CYBERARK, HASHICORP, SecretError

if TYPE_CHECKING:
    from agent.config import Config

FORMAT = 1
FROM_SYSTEMD = "rasoat-credential-key"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MAX_SECRET = 4096


class Store:
    """The store, opened when it is asked."""

    def __init__(self, file: Path, key_file: Path) -> None:
        self.file = file
        self.key_file = key_file

    @classmethod
    def of(cls, config: Config) -> Store:
        given = os.environ.get("CREDENTIALS_DIRECTORY")
        loaded = Path(given) / FROM_SYSTEMD if given else None
        key = loaded if loaded is not None and loaded.is_file() else config.credential_key_file
        return cls(config.state_dir / "credentials.json", key)

    def read(self, name: str) -> str:
        """The secret of that name. Raises SecretError."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        try:
            entry = self._entries().get(name)
            if entry is None:
                raise SecretError(
                    "not-found", f"the credential store holds nothing called {name}; run: rasoat credential add {name}"
                )
            key = self._key()
        except Refusal as refusal:
            raise SecretError("not-set-up", str(refusal)) from None
        except OSError as error:
            raise SecretError("denied", f"the credential store cannot be read: {error.filename}: {error.strerror}") from None
        try:
            nonce, sealed = (base64.b64decode(entry[part], validate=True) for part in ("nonce", "sealed"))
            return ChaCha20Poly1305(key).decrypt(nonce, sealed, _bound(name)).decode()
        except (KeyError, TypeError, ValueError, binascii.Error, InvalidTag):
            raise SecretError(
                "damaged", f"{name} in the credential store was changed, or was encrypted with another key than {self.key_file}"
            ) from None

    def add(self, name: str, secret: str, replace: bool) -> None:
        """Keep a secret. Raises Refusal; OSError when it cannot be written."""
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        if not NAME.fullmatch(name) or name.startswith((HASHICORP, CYBERARK)):
            raise Refusal(_("%r is no name for a credential: letters, digits, dot, dash and underscore, at most 100") % name)
        if not secret or len(secret.encode()) > MAX_SECRET or not secret.isprintable():
            raise Refusal(_("the secret must be one line of at most %d bytes, and not empty") % MAX_SECRET)
        entries = self._entries()
        if name in entries and not replace:
            raise Refusal(_("%s is in the store already; give --replace to change it") % name)
        nonce = os.urandom(12)
        sealed = ChaCha20Poly1305(self._key(make=not entries)).encrypt(nonce, secret.encode(), _bound(name))
        entries[name] = {
            "nonce": base64.b64encode(nonce).decode(),
            "sealed": base64.b64encode(sealed).decode(),
            "added_at": datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z"),
        }
        self._write(entries)

    def remove(self, name: str) -> None:
        """Forget one. Raises Refusal when there is none."""
        entries = self._entries()
        if entries.pop(name, None) is None:
            raise Refusal(_("the store holds nothing called %s") % name)
        self._write(entries)

    def names(self) -> list[tuple[str, str]]:
        """(name, when it was added); needs no key."""
        return sorted((name, str(entry.get("added_at", "?"))) for name, entry in self._entries().items())

    def _entries(self) -> dict[str, dict[str, Any]]:
        try:
            found = json.loads(self.file.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            found = None
        entries = found.get("entries") if isinstance(found, dict) and found.get("rasoat-credentials") == FORMAT else None
        if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
            # never taken for an empty one: the next `add` would write over what can perhaps be repaired
            raise Refusal(_("%s is damaged, or from a newer rasoat") % self.file)
        return entries

    def _write(self, entries: dict[str, dict[str, Any]]) -> None:
        files.private_folder(self.file.parent)
        body = {"rasoat-credentials": FORMAT, "entries": entries}
        files.write(self.file, json.dumps(body, sort_keys=True, indent=1).encode())

    def _key(self, make: bool = False) -> bytes:
        """`make`: where there is none yet, and nothing that an earlier one encrypted."""
        try:
            mode = self.key_file.stat().st_mode
            text = self.key_file.read_bytes()
        except FileNotFoundError:
            if not make:
                raise Refusal(
                    _("%s is gone, and without it nobody can open the credential store. Bring it back from where it is kept.")
                    % self.key_file
                ) from None
            key = os.urandom(32)
            self.key_file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            files.write(self.key_file, base64.b64encode(key) + b"\n")
            return key
        if mode & 0o077:
            raise Refusal(
                _("%(file)s can be read by others, so it protects nothing. Run: chmod 600 %(file)s") % {"file": self.key_file}
            )
        try:
            key = base64.b64decode(text.strip(), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != 32:
            raise Refusal(_("%s holds no key: 32 bytes in base64") % self.key_file)
        return key


def _bound(name: str) -> bytes:
    return b"rasoat credential 1\0" + name.encode()
