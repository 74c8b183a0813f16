"""How long logrotate keeps a log file: its rules, read as logrotate reads them."""

from __future__ import annotations

import fnmatch
import shlex
from collections.abc import Mapping
from typing import Literal, NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import Shell

_DAYS = {"hourly": 1 / 24, "daily": 1.0, "weekly": 7.0, "monthly": 30.0, "yearly": 365.0}
_SCRIPTS = frozenset({"prerotate", "postrotate", "firstaction", "lastaction", "preremove"})
_TABOO = (
    ",v", ".bak", ".cfsaved", ".disabled", ".dpkg-bak", ".dpkg-del", ".dpkg-dist", ".dpkg-new", ".dpkg-old", ".dpkg-tmp", ".rpmnew",
    ".rpmorig", ".rpmsave", ".swp", ".ucf-dist", ".ucf-new", ".ucf-old", "~",
)  # fmt: skip


class Rule(NamedTuple):
    """One section. `days` is None when files are rotated by size: then no time is promised."""

    paths: tuple[str, ...]
    days: float | None
    keep: int
    max_age: int | None
    max_size: bool

    def keeps_days(self) -> int | Literal["unlimited"]:
        """Days a record stays at least. Unsupported where size, not time, decides; `rotate -1` never throws away."""
        if self.keep < 0 and self.max_age is None:
            return "unlimited"
        if self.keep >= 0 and (self.days is None or self.max_size):
            raise Unsupported(f"logrotate turns {self.paths[0]} by size, so the time records stay is not fixed")
        by_count = int((self.days or 0) * self.keep)
        if self.max_age is None:
            return by_count
        return self.max_age if self.keep < 0 else min(by_count, self.max_age)


def rotation(shell: Shell) -> tuple[Rule, ...]:
    """Every section of /etc/logrotate.conf and of what it includes. Unsupported where there is no logrotate."""
    texts = shell.read_all("/etc/logrotate.conf", "/etc/logrotate.d/*")
    if "/etc/logrotate.conf" not in texts:
        raise Unsupported("/etc/logrotate.conf does not exist: who removes old records is not known")
    return parse_rotation(texts)


def rule_for(rules: tuple[Rule, ...], path: str) -> Rule | None:
    """The section for a log file: the first one, for logrotate refuses a second."""
    return next((rule for rule in rules if any(fnmatch.fnmatchcase(path, pattern) for pattern in rule.paths)), None)


def parse_rotation(texts: Mapping[str, str], main: str = "/etc/logrotate.conf") -> tuple[Rule, ...]:
    """`texts` is path -> content. `include` is followed at its place with the global words said before it."""
    rules: list[Rule] = []
    _read(main, texts, _Words(), rules, (main,))
    return tuple(rules)


class _Words:
    """The directives in force."""

    def __init__(self) -> None:
        self.days: float | None = None
        self.keep = 0
        self.max_age: int | None = None
        self.max_size = False

    def copy(self) -> _Words:
        other = _Words()
        other.__dict__.update(self.__dict__)
        return other

    def take(self, words: list[str], place: str) -> None:
        name, value = words[0].rstrip("="), words[1] if len(words) > 1 else ""
        if name in _DAYS:
            self.days = _DAYS[name]
        elif name == "size" or name.startswith("size="):
            self.days = None
        elif name == "rotate":
            self.keep = _whole(value, place)
        elif name == "maxage":
            self.max_age = _whole(value, place)
        elif name == "maxsize":
            self.max_size = True


def _read(path: str, texts: Mapping[str, str], words: _Words, rules: list[Rule], trail: tuple[str, ...]) -> None:
    pending: list[str] = []
    section: _Words | None = None
    script = False
    for number, raw in enumerate(texts[path].splitlines(), 1):
        line, place = raw.strip(), f"{path} line {number}"
        if script:
            script = line != "endscript"
            continue
        if not line or line.startswith("#"):
            continue
        if section is None and line.startswith("include") and line.split()[0] == "include":
            for other in _included(line.split()[1:], texts, place):
                if other not in trail:
                    _read(other, texts, words, rules, (*trail, other))
            continue
        if section is None and (line[0] in "/\"'{~" or "{" in line):
            names, brace, rest = line.partition("{")
            pending += _split(names, place)
            if not brace:
                continue
            section, line = words.copy(), rest.strip()
        if section is None:
            words.take(line.split(), place)
            continue
        body, end, _ = line.partition("}")
        said = body.split("#")[0].split()
        if said and said[0] in _SCRIPTS:
            script = True
            continue
        if said:
            section.take(said, place)
        if end:
            if not pending:
                raise Unparsable(f"{place}: a section without a file")
            rules.append(Rule(tuple(pending), section.days, section.keep, section.max_age, section.max_size))
            pending, section = [], None
    if section is not None or script or pending:
        raise Unparsable(f"{path}: ends in the middle of a section")


def _included(where: list[str], texts: Mapping[str, str], place: str) -> list[str]:
    if len(where) != 1:
        raise Unparsable(f"{place}: include names no single place")
    base = where[0].rstrip("/")
    found = [path for path in texts if path == base or (path.rpartition("/")[0] == base and not path.endswith(_TABOO))]
    if not found and base != "/etc/logrotate.d":
        raise Unsupported(f"{place}: include {base} was not read")
    return sorted(found)


def _split(text: str, place: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise Unparsable(f"{place}: quotes do not match") from None


def _whole(value: str, place: str) -> int:
    if not value.lstrip("-").isdecimal() or len(value) > 9:
        raise Unparsable(f"{place}: a number was expected")
    return int(value)
