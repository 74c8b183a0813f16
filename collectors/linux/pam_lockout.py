"""After how many wrong passwords does PAM lock an account, and for how long: faillock, tally2?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from collectors.errors import Unparsable
from collectors.facts.base import Limit
from collectors.linux.pam import Entry, settings
from collectors.transports.base import Shell

FAILLOCK = "/etc/security/faillock.conf"
_VENDOR = "/usr/etc/security/faillock.conf"
_DEFAULTS = {"deny": 3, "fail_interval": 900, "unlock_time": 600}
_MAX_SECONDS = 604800
"""faillock passes over a longer time with a word in the log, and keeps what it had."""
_TALLIES = ("pam_tally2", "pam_tally")


class Lockout(NamedTuple):
    """How one service locks."""

    tries: int
    minutes: Limit
    window: Limit
    """Minutes within which tries add up; unlimited: until a log-on succeeds."""
    root: bool


def lockout(shell: Shell, auth: tuple[Entry, ...], account: tuple[Entry, ...]) -> Lockout | None:
    """None when nothing in these stacks locks an account."""
    return _faillock(shell, auth, account) or _tally(auth)


def worst(found: tuple[Lockout, ...]) -> Lockout:
    """The weakest of several services: whoever attacks picks it."""
    return Lockout(
        max(lock.tries for lock in found),
        min((lock.minutes for lock in found), key=_as_number),
        min((lock.window for lock in found), key=_as_number),
        all(lock.root for lock in found),
    )


def _as_number(limit: Limit) -> float:
    return float("inf") if limit == "unlimited" else float(limit)


def _faillock(shell: Shell, auth: tuple[Entry, ...], account: tuple[Entry, ...]) -> Lockout | None:
    """It takes three calls: one before the password (refuses), one after a wrong one (counts), one after the right one (account, or authsucc).

    Fewer count nothing or refuse nothing, or lock people out who typed it right. A call behind `requisite pam_deny` is
    never reached after a wrong password: Debian's stacks end in one.
    """
    calls = [(at, entry) for at, entry in enumerate(auth) if entry.module == "pam_faillock"]
    before = [entry for _, entry in calls if entry.flag("preauth") and entry.binding]
    end = next((at for at, entry in enumerate(auth) if entry.module == "pam_deny" and entry.control == "requisite"), len(auth))
    after = [entry for at, entry in calls if entry.flag("authfail") and at < end]
    cleared = any(entry.module == "pam_faillock" for entry in account) or any(entry.flag("authsucc") for _, entry in calls)
    if not (before and after and cleared):
        return None
    found = []
    for entry in (*before, *after):
        given = _file(shell, entry.value("conf"))
        lock = _one({**given, **dict(arg.partition("=")[::2] for arg in entry.args)}, given)
        if lock is None:
            return None
        found.append(lock)
    return worst(tuple(found))


def _file(shell: Shell, named: str | None) -> Mapping[str, str]:
    if named is None:
        texts = shell.read_all(FAILLOCK, _VENDOR)
        return settings(texts.get(FAILLOCK, texts.get(_VENDOR, "")))
    text = shell.read(named) if named.startswith("/") else None
    if text is None:
        raise Unparsable(f"pam_faillock: its file {named[:80]} does not exist")
    return settings(text)


def _one(given: Mapping[str, str], file: Mapping[str, str]) -> Lockout | None:
    tries = _number(given, "deny", _DEFAULTS["deny"])
    if tries == 0:
        return None
    interval = _seconds(given, file, "fail_interval")
    unlock = _seconds(given, file, "unlock_time")
    # the manual says root_unlock_time implies even_deny_root; the module does not do so
    return Lockout(tries, "unlimited" if unlock == 0 else unlock // 60, interval // 60, "even_deny_root" in given)


def _seconds(given: Mapping[str, str], file: Mapping[str, str], name: str) -> int:
    """0 for never. A number out of range leaves what stood before: the file's, else the default."""
    for source in (given, file):
        if source.get(name) == "never" and name == "unlock_time":
            return 0
        if name in source:
            seconds = _number(source, name, 0)
            if seconds <= _MAX_SECONDS:
                return seconds
    return _DEFAULTS[name]


def _tally(auth: tuple[Entry, ...]) -> Lockout | None:
    """It counts without a deny= too, but locks nobody then. Without unlock_time an administrator must open the account."""
    for entry in auth:
        if entry.module in _TALLIES and entry.binding and entry.value("deny") is not None:
            given = dict(arg.partition("=")[::2] for arg in entry.args)
            tries, unlock = _number(given, "deny", 0), _number(given, "unlock_time", 0)
            if tries:
                return Lockout(tries, unlock // 60 if unlock else "unlimited", "unlimited", entry.flag("even_deny_root"))
    return None


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    if name not in given:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", given[name]):
        raise Unparsable(f"lock-out of accounts: {name} is not a number")
    return int(given[name])
