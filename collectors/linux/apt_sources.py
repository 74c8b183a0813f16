"""Which package sources is apt told to use? sources.list and sources.list.d, in both of apt's notations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from collectors.errors import Unparsable
from collectors.transports.base import Shell

FILES = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources")
_LINE = re.compile(r"(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(cdrom:\[[^\]]*\]\S*|\S+)\s+(\S+)\s*(.*)")
_SCHEME = re.compile(r"(?:tor\+)?(?:https?|ftp|file|copy)", re.I)
_QUOTED = set('\\|{}[]<>"^~_=!@#$%^&*')


YES = ("yes", "true", "with", "on", "enable", "1")
"""Words apt takes for yes."""
_WEAKENING = ("trusted", "allow-insecure", "allow-downgrade-to-insecure")


class Entry(NamedTuple):
    """One enabled source of binary packages: one address and one suite."""

    uri: str
    suite: str
    components: tuple[str, ...]
    arches: tuple[str, ...]
    unsigned: bool = False
    """Its own options let it in without a signature."""

    @property
    def shown(self) -> str:
        """The source as a person writes it, without a password that may stand in the address."""
        return " ".join((re.sub(r"//[^/@]*@", "//", self.uri), self.suite, *self.components))

    @property
    def security(self) -> bool:
        """Its name looks like a security pocket (Debian 10 and older: buster/updates)."""
        return self.suite.endswith(("-security", "/updates")) or "security" in self.uri

    def prefix(self, native: str) -> str | None:
        """How the names of its lists begin; None where that cannot be foretold (CD-ROM, mirror lists)."""
        uri = self.uri.replace("$(ARCH)", native)
        scheme, _, rest = uri.partition(":")
        if not _SCHEME.fullmatch(scheme) or "$(" in uri + self.suite:
            return None
        base = re.sub(r"^//(?:[^/@]*@)?", "", rest).rstrip("/") + "/"
        folder = ("" if self.suite == "/" else self.suite) if self.suite.endswith("/") else f"dists/{self.suite}/"
        return _quoted(base + folder).replace("/", "_")

    def indexes(self, system: tuple[str, ...]) -> Iterator[str]:
        """Names, as the Release file writes them, of the package lists apt fetches from it on a system of these architectures."""
        if self.suite.endswith("/"):
            yield "Packages"
        for component in self.components:
            for arch in self.arches or system:
                yield f"{component}/binary-{arch}/Packages"


def entries(shell: Shell) -> tuple[Entry, ...]:
    """Every enabled source. () when there is none, as in an unpacked system without /etc/apt.

    Raises Unparsable for what apt itself would refuse: then nothing can be installed either.
    """
    found: list[Entry] = []
    for path, text in shell.read_all(*FILES).items():
        if path.endswith(".sources"):
            found += _deb822(path, text)
        else:
            found += _one_line(path, text)
    return tuple(found)


def _one_line(path: str, text: str) -> Iterator[Entry]:
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        found = _LINE.fullmatch(line)
        if not found:
            raise Unparsable(f"{path}:{number}: not a package source")
        kind, options, uri, suite, components = found.groups()
        given = dict(word.partition("=")[::2] for word in (options or "").lower().split())
        arches = tuple(given["arch"].split(",")) if "arch" in given else ()
        if kind == "deb":
            yield Entry(uri, suite, tuple(components.split()), arches, _unsigned(given))


def _deb822(path: str, text: str) -> Iterator[Entry]:
    for stanza in re.split(r"\n[ \t]*\n", text):
        words: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t" and key:
                words[key] += " " + line.strip()
                continue
            key, colon, value = line.partition(":")
            key = key.strip().lower()
            if not colon:
                raise Unparsable(f"{path}: cannot place the line {line[:40]!r}")
            words[key] = value.strip()
        if not words or words.get("enabled", "yes").lower() in ("no", "false", "0", "off", "without", "disable"):
            continue
        if not {"types", "uris", "suites"} <= words.keys():
            raise Unparsable(f"{path}: a source without Types, URIs or Suites")
        if "deb" not in words["types"].split():
            continue
        for uri in words["uris"].split():
            for suite in words["suites"].split():
                components, arches = tuple(words.get("components", "").split()), tuple(words.get("architectures", "").split())
                yield Entry(uri, suite, components, arches, _unsigned(words))


def _unsigned(words: Mapping[str, str]) -> bool:
    return any(words.get(option, "").strip().lower() in YES for option in _WEAKENING)


def _quoted(text: str) -> str:
    # apt writes the address into the file name like this
    return "".join(f"%{ord(c):02x}" if c in _QUOTED or not 0x20 < ord(c) < 0x7F else c for c in text)
