"""The text of /etc/passwd, /etc/group and /etc/shadow, understood. No hash text leaves this file."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Literal, NamedTuple

from collectors.errors import Unparsable
from collectors.facts.base import Limit
from collectors.linux.login_defs import NEVER_DAYS
from collectors.redact import GONE

PasswordState = Literal["empty", "locked", "unusable", "set"]
Hash = Literal["yescrypt", "gost-yescrypt", "sha512", "sha256", "bcrypt", "scrypt", "md5", "des", "unknown"]

_EPOCH = date(1970, 1, 1)
_MAX_ID = 2**32 - 1
_LAST_DAY = (date.max - _EPOCH).days
_PREFIXES: tuple[tuple[str, Hash], ...] = (
    ("$y$", "yescrypt"),
    ("$gy$", "gost-yescrypt"),
    ("$7$", "scrypt"),
    ("$6$", "sha512"),
    ("$5$", "sha256"),
    ("$2a$", "bcrypt"),
    ("$2b$", "bcrypt"),
    ("$2x$", "bcrypt"),
    ("$2y$", "bcrypt"),
    ("$1$", "md5"),
)
_DES = re.compile(r"[./0-9A-Za-z]{13}|_[./0-9A-Za-z]{19}|DES" + re.escape(GONE))
"""Traditional crypt, its BSDi form, and what a recording leaves of them."""


class Secret(NamedTuple):
    """What may be told of a password field: never its text."""

    state: PasswordState
    hash: Hash | None


class Line(NamedTuple):
    """One account as /etc/passwd names it. `secret` is None where the password lies in /etc/shadow (the usual x)."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    secret: Secret | None


class Aging(NamedTuple):
    """One line of /etc/shadow."""

    secret: Secret
    changed: date | None
    min_days: int
    max_days: Limit
    inactive_days: Limit
    expires: date | None


class Group(NamedTuple):
    name: str
    gid: int
    members: tuple[str, ...]


class Passwd(NamedTuple):
    lines: tuple[Line, ...]
    compat: bool
    """Lines that begin with + or - stand in it: accounts are merged in from NIS."""


def classify(field: str) -> Secret:
    """State and hash class of a password field.

    `passwd -l` puts ! before the hash: it is locked, but the password is still there and keys still open the account.
    ! or * alone (also !! and !*) were never a password. What is no known hash is `unknown`, never harmless.
    """
    if field == "":
        return Secret("empty", None)
    bare = field.lstrip("!")
    if bare == "" or bare.startswith("*"):
        return Secret("unusable", None)
    return Secret("set" if bare == field else "locked", _hash(bare))


def _hash(text: str) -> Hash:
    for prefix, name in _PREFIXES:
        if text.startswith(prefix):
            return name
    return "des" if _DES.fullmatch(text) else "unknown"


def parse_passwd(text: str, path: str = "/etc/passwd") -> Passwd:
    """Every account in order. Raises Unparsable with the line's number; a file without any account is one too."""
    lines, compat = [], False
    for number, row in _rows(text):
        if row[0] in "+-":
            compat = True
            continue
        fields = row.split(":")
        if len(fields) != 7 or not fields[0] or "\0" in row:
            raise Unparsable(f"{path} line {number}: seven fields separated by colons were expected")
        name, password, uid, gid, _gecos, home, shell = fields
        # tcb writes ##name where others write x
        secret = None if password in ("x", f"##{name}") else classify(password)
        lines.append(Line(name, _id(uid, path, number), _id(gid, path, number), home, shell.strip(), secret))
    if not lines:
        raise Unparsable(f"{path}: no account stands in it")
    return Passwd(tuple(lines), compat)


def parse_group(text: str, path: str = "/etc/group") -> tuple[Group, ...]:
    """Every group in order; NIS lines left out. Raises Unparsable with the line's number."""
    groups = []
    for number, row in _rows(text):
        if row[0] in "+-":
            continue
        fields = row.split(":")
        if len(fields) != 4 or not fields[0]:
            raise Unparsable(f"{path} line {number}: four fields separated by colons were expected")
        members = tuple(member.strip() for member in fields[3].split(",") if member.strip())
        groups.append(Group(fields[0], _id(fields[2], path, number), members))
    return tuple(groups)


def parse_shadow(text: str, path: str = "/etc/shadow") -> dict[str, Aging]:
    """Name -> line; the first of two equal names wins, as in the C library. Raises Unparsable with the line's number.

    An empty day of change switches ageing off altogether, whatever stands in the other fields. Day 0 means "must be
    changed at the next log-on": no day of change is known then.
    """
    found: dict[str, Aging] = {}
    for number, row in _rows(text):
        if row[0] in "+-":
            continue
        fields = row.split(":")
        if len(fields) != 9 or not fields[0]:
            raise Unparsable(f"{path} line {number}: nine fields separated by colons were expected")
        changed, low, high, _warn, inactive, expire = (_days(field, path, number) for field in fields[2:8])
        ageing = changed is not None
        found.setdefault(
            fields[0],
            Aging(
                secret=classify(fields[1]),
                changed=_day(changed, path, number) if changed else None,
                min_days=low or 0 if ageing else 0,
                max_days=high if ageing and high is not None and high < NEVER_DAYS else "unlimited",
                inactive_days="unlimited" if inactive is None else inactive,
                expires=_day(expire, path, number),
            ),
        )
    return found


def _rows(text: str) -> list[tuple[int, str]]:
    """(number, line) of the lines that mean something; split at newlines only: other separators may stand in a name."""
    return [(n, row) for n, row in enumerate(text.split("\n"), 1) if row.strip() and not row.startswith("#")]


def _id(field: str, path: str, number: int) -> int:
    if not (field.isascii() and field.isdigit() and len(field) <= 10 and int(field) <= _MAX_ID):
        raise Unparsable(f"{path} line {number}: an id is not a number")
    return int(field)


def _days(field: str, path: str, number: int) -> int | None:
    """None for empty and for negative numbers, which the C library takes for empty."""
    bare = field.strip().removeprefix("-")
    if field.strip() == "":
        return None
    if not (bare.isascii() and bare.isdigit() and len(bare) <= 10):
        raise Unparsable(f"{path} line {number}: a number of days is not a number")
    return None if field.strip().startswith("-") else int(bare)


def _day(days: int | None, path: str, number: int) -> date | None:
    if days is None:
        return None
    if days > _LAST_DAY:
        raise Unparsable(f"{path} line {number}: a day beyond the calendar")
    return _EPOCH + timedelta(days=days)
