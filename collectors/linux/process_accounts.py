"""With whose rights does a process run now: its effective account, as the kernel has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from collectors.errors import CollectError, Unparsable
from collectors.linux.passwd import parse_passwd
from collectors.transports.base import Shell

_MANY = 200
"""More processes than that are asked all at once instead of by number."""
_UIDS = re.compile(r"(?m)^Uid:\t\d+\t(\d+)\t\d+\t\d+$", re.A)


def effective(shell: Shell, pids: Iterable[int]) -> Mapping[int, str]:
    """pid -> account; processes that have ended are left out. An account that /etc/passwd does not know is written uid=12345.

    The owner of /proc/PID would say root for each program that gave up root's rights and may not be dumped.
    """
    wanted = sorted(set(pids))
    if not wanted:
        return {}
    own = [f"/proc/{pid}/status" for pid in wanted] if len(wanted) <= _MANY else ["/proc/[0-9]*/status"]
    texts = shell.read_all("/etc/passwd", *own)
    names = _names(texts.get("/etc/passwd", ""))
    found = {}
    for pid in wanted:
        text = texts.get(f"/proc/{pid}/status")
        if text is None:
            continue
        uid = _UIDS.search(text)
        if uid is None:
            raise Unparsable(f"/proc/{pid}/status: no line of four user ids")
        found[pid] = names.get(int(uid[1]), f"uid={uid[1]}")
    return found


def _names(passwd: str) -> Mapping[int, str]:
    """The first name of each number, but root for 0: a second account with number 0 has the same rights."""
    try:
        lines = parse_passwd(passwd).lines
    except CollectError:
        lines = ()
    return {**{line.uid: line.name for line in reversed(lines)}, 0: "root"}
