"""Which host keys we know: OpenSSH's known_hosts format, read and written without asking ssh.

Own reader instead of paramiko's: that one ignores @revoked lines and wildcard names, so a revoked key would be trusted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

_SPECIAL = frozenset("*?!,[|")

Standing = Literal["known", "unknown", "changed", "revoked"]


class Entry(NamedTuple):
    """One usable line."""

    file: str
    line: int
    marker: str
    names: str
    key_type: str
    blob: bytes

    def matches(self, name: str) -> bool:
        """This line speaks of the host. Hashed names (|1|salt|hash) are compared by HMAC-SHA1, as ssh writes them."""
        if self.names.startswith("|1|"):
            try:
                salt, digest = (base64.b64decode(part, validate=True) for part in self.names[3:].split("|"))
            except (ValueError, binascii.Error):
                return False
            return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)
        found = False
        for pattern in self.names.lower().split(","):
            if pattern.startswith("!") and fnmatchcase(name, _literal(pattern[1:])):
                return False
            found = found or fnmatchcase(name, _literal(pattern))
        return found


class KnownHosts:
    """The lines of several known_hosts files; files that do not exist hold none."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._plain: dict[str, list[tuple[int, Entry]]] = {}
        """Lines that name hosts as they are, by name: a sweep of 2,000 devices asks 2,000 times among 2,000 lines."""
        self._others: list[tuple[int, Entry]] = []
        for number, entry in enumerate(entries):
            if _SPECIAL & set(entry.names.replace("[", "", 1)) or entry.names.startswith("|1|"):
                self._others.append((number, entry))
            else:
                self._plain.setdefault(entry.names.lower(), []).append((number, entry))

    @staticmethod
    def load(*files: Path) -> KnownHosts:
        """Lines that are no host keys (comments, unknown formats) are passed over, as ssh does. Raises OSError."""
        there = tuple((file, file.stat()) for file in files if file.is_file())
        return _loaded(tuple((file, stat.st_mtime_ns, stat.st_size, stat.st_ino) for file, stat in there))

    def _of(self, name: str) -> tuple[Entry, ...]:
        found = [*self._plain.get(name, ()), *((number, entry) for number, entry in self._others if entry.matches(name))]
        return tuple(entry for _, entry in sorted(found, key=lambda pair: pair[0]))

    def of(self, host: str, port: int) -> tuple[Entry, ...]:
        """The trusted entries of a host, @revoked and @cert-authority lines left out."""
        return tuple(entry for entry in self._of(name_of(host, port)) if not entry.marker)

    def standing(self, host: str, port: int, blob: bytes) -> Standing:
        """What we think of the key a host shows.

        `changed` also when we know the host by a key of another type only: we prefer the types we know when we
        connect, so the host no longer has the key we trust.
        """
        name = name_of(host, port)
        if any(e.marker == "@revoked" and e.blob == blob for e in self._of(name)):
            return "revoked"
        trusted = self.of(host, port)
        if any(entry.blob == blob for entry in trusted):
            return "known"
        return "changed" if trusted else "unknown"


@lru_cache(maxsize=4)
def _loaded(files: tuple[tuple[Path, int, int, int], ...]) -> KnownHosts:
    return KnownHosts(entry for file, *_ in files for entry in _entries(file))


def name_of(host: str, port: int) -> str:
    """The name under which known_hosts keeps a host."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def line_of(host: str, port: int, key_type: str, blob: bytes) -> str:
    """The known_hosts line that makes a key trusted."""
    return f"{name_of(host, port)} {key_type} {base64.b64encode(blob).decode()}"


def fingerprint(blob: bytes) -> str:
    """As `ssh-keygen -lf` prints it: SHA256:..."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def trust(file: Path, line: str) -> None:
    """Append a line as `line_of` gives it; the file is made, with its folder, readable by its owner alone."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as stream:
        before = stream.read()
        # a last line without its newline would swallow ours
        stream.write((b"\n" if before and not before.endswith(b"\n") else b"") + line.encode() + b"\n")


def _literal(pattern: str) -> str:
    # ssh knows * and ? only; fnmatch would read the brackets of [host]:port as a set of letters
    return pattern.replace("[", "[[]")


def _entries(file: Path) -> Iterable[Entry]:
    for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0) if words[0].startswith("@") else ""
        if len(words) < 3:
            continue
        try:
            blob = base64.b64decode(words[2], validate=True)
        except (ValueError, binascii.Error):
            continue
        yield Entry(str(file), number, marker, words[0], words[1], blob)
