"""When did each account last log on, and how many keys open it?"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

from collectors.errors import CollectError, Denied, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.transports.base import Shell

Logons = Mapping[str, datetime | Literal["never"]]

_KEY_FILES = ("authorized_keys", "authorized_keys2")
_KEY = re.compile(r"(?:^|\s)(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-\S+)\s+AAAA", re.M)
_LOGON = re.compile(r"\b([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2}) (\d{4})\b")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def last_logons(shell: Shell) -> Logons:
    """From lastlog, or lastlog2 where the year-2038 work replaced it.

    An empty lastlog names everybody "never": that is no record at all, and is not taken for one.
    """
    record = shell.stat("/var/log/lastlog")
    if record is not None and record.size > 0:
        answer = shell.run("lastlog", timeout=10)
        if not answer.missing:
            return parse_lastlog(answer.require())
    answer = shell.run("lastlog2", timeout=10)
    if not answer.missing:
        return parse_lastlog(answer.require())
    if record is not None and record.size == 0:
        raise Unsupported("/var/log/lastlog is empty: no log-on was ever recorded there")
    raise Unsupported("no lastlog is kept on this machine")


def parse_lastlog(text: str) -> Logons:
    """Name -> last log-on in UTC. Raises Unparsable for a line that holds neither a date nor the word for never."""
    found: dict[str, datetime | Literal["never"]] = {}
    rows = text.splitlines()
    if not rows or not rows[0].startswith("Username"):
        raise Unparsable("lastlog: the answer does not begin with its usual heading")
    for number, row in enumerate(rows[1:], 2):
        if not row.strip():
            continue
        name = row.split(None, 1)[0]
        when = _LOGON.search(row)
        if when:
            found[name] = _moment(when, number)
        elif "**Never logged in**" in row:
            found[name] = "never"
        else:
            raise Unparsable(f"lastlog line {number}: neither a date nor the word for never")
    return found


def _moment(found: re.Match[str], number: int) -> datetime:
    month, day, hour, minute, second, sign, off_hours, off_minutes, year = found.groups()
    try:
        offset = timedelta(hours=int(off_hours), minutes=int(off_minutes)) * (-1 if sign == "-" else 1)
        local = datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=timezone(offset)
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unparsable(f"lastlog line {number}: no such date") from None


def keys(shell: Shell, homes: Iterable[tuple[str, str]], gaps: Gaps) -> Mapping[str, int]:
    """Name -> number of keys that open the account, from the two files sshd looks at by default. `homes`: (name, home)."""
    wanted = {
        name: tuple(f"{home.rstrip('/')}/.ssh/{file}" for file in _KEY_FILES) for name, home in homes if home.startswith("/")
    }

    def read(paths: Iterable[str]) -> Mapping[str, str]:
        # a home's name may hold what a shell pattern takes for a wildcard
        return shell.read_all(*(glob.escape(path) for path in paths), root=True)

    try:
        texts = read(dict.fromkeys(path for paths in wanted.values() for path in paths))
    except CollectError as error:
        if not (shell.privileged and isinstance(error, Denied)):
            gaps.note("users[].keys", error.outcome, str(error))
            return {}
        texts = {}
        # one home on a network share that shuts root out must not hide the others
        for name, paths in list(wanted.items()):
            found = gaps.attempt("users[].keys", lambda paths=paths: read(paths))  # type: ignore[misc]
            if found is None:
                del wanted[name]
            else:
                texts.update(found)
    return {name: sum(count_keys(texts.get(path, "")) for path in paths) for name, paths in wanted.items()}


def count_keys(text: str) -> int:
    """Lines that hold a public key. Comments and lines sshd would pass over do not count."""
    return len([line for line in text.splitlines() if not line.lstrip().startswith("#") and _KEY.search(line)])
