"""The words of sshd: what `sshd -T` prints, and what its files say by OpenSSH's rules of reading."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from collectors.errors import Unparsable

MAIN = "/etc/ssh/sshd_config"
_MAX_DEPTH = 16
_TIME = re.compile(r"(\d+)([smhdw]?)", re.I)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_OLD_NAMES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
}
_REPEATED = frozenset(
    {
        "port",
        "listenaddress",
        "allowusers",
        "allowgroups",
        "denyusers",
        "denygroups",
        "hostkey",
        "acceptenv",
        "subsystem",
        "setenv",
    }
)
"""Keywords whose lines add up; of all others the first line holds."""

Values = Mapping[str, tuple[str, ...]]


class Config(NamedTuple):
    """Lower-case keyword -> its values (several only for keywords that add up)."""

    values: Values
    matches: tuple[Values, ...]
    """The Match blocks, each by itself: for some users or addresses their lines hold instead."""


def parse_effective(text: str) -> Values:
    """What `sshd -T` or `-G` printed. Raises Unparsable when it is not such a list, or was cut before its end."""
    found: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        keyword, _, value = line.strip().partition(" ")
        if not keyword:
            continue
        if not re.fullmatch(r"[a-z0-9]+", keyword):
            raise Unparsable(f"sshd -T line {number}: not a keyword and its value")
        found[keyword] = (*found.get(keyword, ()), value.strip())
    missing = [
        keyword
        for keyword in ("port", "permitrootlogin", "passwordauthentication", "ciphers", "maxstartups")
        if keyword not in found
    ]
    if missing:
        raise Unparsable(f"sshd -T: the answer lacks {', '.join(missing)}; it is no full list of settings")
    return found


def parse_files(main: str, text: str, include: Callable[[str], Mapping[str, str]]) -> Config:
    """The file with its Includes at their place: the first value of a keyword wins, so a drop-in included at the top beats the main file.

    `include(pattern)` hands over {path: text} in name order. A Match block ends with its file, and one that stands in an
    included file does not reach into the file that includes it. Raises Unparsable for a line without a value.
    """
    values: dict[str, tuple[str, ...]] = {}
    blocks: list[dict[str, tuple[str, ...]]] = []

    def walk(path: str, body: str, block: dict[str, tuple[str, ...]] | None, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise Unparsable(f"{path}: files include each other without end")
        for number, keyword, args in _lines(path, body):
            if not args:
                raise Unparsable(f"{path} line {number}: {keyword[:40]} without a value")
            if keyword == "include":
                for pattern in args:
                    pattern = pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}"
                    for name, inner in include(pattern).items():
                        walk(name, inner, block, depth + 1)
            elif keyword == "match":
                block = {}
                blocks.append(block)
            else:
                target = values if block is None else block
                keyword = _OLD_NAMES.get(keyword, keyword)
                if keyword in _REPEATED:
                    target[keyword] = (*target.get(keyword, ()), " ".join(args))
                else:
                    target.setdefault(keyword, (" ".join(args),))

    walk(main, text, None, 0)
    return Config(values, tuple(blocks))


def _lines(path: str, body: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for number, raw in enumerate(body.split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if "\0" in line:
            raise Unparsable(f"{path} line {number}: holds a zero byte")
        found = re.fullmatch(r"\"?([A-Za-z0-9]+)\"?(?:\s*=\s*|\s+|$)(.*)", line, re.S)
        if found is None:
            raise Unparsable(f"{path} line {number}: not a keyword and its value")
        try:
            args = tuple(shlex.split(found[2], comments=True))
        except ValueError:
            raise Unparsable(f"{path} line {number}: a quote is not closed") from None
        yield number, found[1].lower(), args


def overrides(text: str, variables: tuple[str, ...]) -> tuple[Values, str | None]:
    """(settings, other configuration file) that /etc/default/ssh or /etc/sysconfig/sshd put on sshd's command line.

    They win over every file, and `sshd -T` asked without them does not know them. Raises Unparsable when the line is
    not plain words.
    """
    found: dict[str, tuple[str, ...]] = {}
    file = None
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or name.removeprefix("export ").strip() not in variables:
            continue
        try:
            words = [word for part in shlex.split(value, comments=True) for word in shlex.split(part)]
        except ValueError:
            raise Unparsable(f"{name}: the options of sshd are not plain words") from None
        queue = iter(words)
        for word in queue:
            flag, rest = word[:2], word[2:]
            if flag not in ("-o", "-p", "-f"):
                continue
            given = rest or next(queue, "")
            if flag == "-f":
                file = given
                continue
            keyword, _, setting = (f"port={given}" if flag == "-p" else given).replace(" ", "=", 1).partition("=")
            keyword = _OLD_NAMES.get(keyword.strip().lower(), keyword.strip().lower())
            if not keyword or not setting.strip():
                raise Unparsable(f"{name}: {flag} without a keyword and its value")
            if keyword in _REPEATED:
                found[keyword] = (*found.get(keyword, ()), setting.strip())
            else:
                found.setdefault(keyword, (setting.strip(),))
    return found, file


def boolean(value: str) -> bool:
    """yes or no as sshd takes them. Raises Unparsable for anything else."""
    known = {"yes": True, "true": True, "no": False, "false": False}
    if value.lower() not in known:
        raise Unparsable("neither yes nor no")
    return known[value.lower()]


def number(value: str) -> int:
    if not re.fullmatch(r"\d{1,9}", value, re.A):
        raise Unparsable("not a number")
    return int(value)


def seconds(value: str) -> int:
    """A time in sshd's form: 90, 2m, 1h30m."""
    parts = _TIME.findall(value)
    if not parts or "".join(digits + unit for digits, unit in parts) != value or len(value) > 20 or not value.isascii():
        raise Unparsable("not a time")
    return sum(int(digits) * _UNITS[unit.lower()] for digits, unit in parts)


def algorithms(value: str) -> tuple[str, ...]:
    """A full list. Raises Unparsable for +, - and ^ forms: what they change is compiled into that sshd."""
    if value[:1] in "+-^":
        raise Unparsable("changes a list that is compiled into this sshd; ask sshd -T as root")
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if not names or not all(re.fullmatch(r"[A-Za-z0-9@._*?!-]+", name) for name in names):
        raise Unparsable("not a list of algorithms")
    return names
