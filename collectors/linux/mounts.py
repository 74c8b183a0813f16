"""What is mounted, what fstab plans, and how full it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.transports.base import Answer, Shell

GUARDS = ("nodev", "nosuid", "noexec")
_ESCAPE = re.compile(r"\\([0-7]{3})")
_IMPLIED = {"user": GUARDS, "users": GUARDS, "owner": GUARDS[:2], "group": GUARDS[:2]}
"""Words of fstab that bring others with them, as mount(8) says; a later `exec` takes them back."""


class Mount(NamedTuple):
    """One line of mountinfo."""

    path: str
    type: str
    source: str
    device: str
    """major:minor; 0:N for what has no block device of its own (tmpfs, network, btrfs)."""
    options: frozenset[str]


class Plan(NamedTuple):
    """One line of fstab that mounts something."""

    path: str
    type: str
    at_boot: bool
    guards: frozenset[str]


def mounts(shell: Shell) -> Mapping[str, Mount]:
    """Path -> what is seen there, the topmost where several lie over one another.

    Process 1 is asked first: a service may run in a view of its own (a private /tmp), and would tell of that.
    """
    try:
        text = shell.read("/proc/1/mountinfo", root=True)
    except CollectError:
        text = None
    if text is None:
        text = shell.read("/proc/self/mountinfo")
    if text is None:
        raise Unsupported("/proc: no running kernel is seen here")
    return mountinfo(text)


def mountinfo(text: str) -> Mapping[str, Mount]:
    """id parent major:minor root path options [tags ...] - type source super-options."""
    found: dict[str, Mount] = {}
    for line in text.splitlines():
        own, dash, rest = line.partition(" - ")
        left, right = own.split(" "), rest.split(" ")
        if not dash or len(left) < 6 or len(right) < 3 or not re.fullmatch(r"\d+:\d+", left[2]):
            raise Unparsable("mountinfo: line not understood")
        path = unescaped(left[4])
        found.pop(path, None)  # so that the topmost also stands last
        found[path] = Mount(path, right[0], unescaped(right[1]), left[2], frozenset(left[5].split(",")))
    if "/" not in found:
        raise Unparsable("mountinfo: no root file system in it")
    return found


def carrier(found: Mapping[str, Mount], path: str) -> Mount:
    """The mount a path lies on."""
    while path not in found:
        path = path.rpartition("/")[0] or "/"
    return found[path]


def plans(text: str) -> tuple[Plan, ...]:
    """fstab, without swap and what is mounted nowhere."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = line.split()
        if len(words) < 3:
            raise Unparsable(f"/etc/fstab line {number}: fewer than three fields")
        path, kind = unescaped(words[1]), words[2]
        if kind == "swap" or not path.startswith("/"):
            continue
        options = words[3].split(",") if len(words) > 3 else []
        guards: set[str] = set()
        for option in options:
            guards.update(_IMPLIED.get(option, ()))
            if option in GUARDS:
                guards.add(option)
            elif f"no{option}" in GUARDS:
                guards.discard(f"no{option}")
        rows.append(Plan(path.rstrip("/") or "/", kind, "noauto" not in options, frozenset(guards)))
    return tuple(rows)


def used_percents(answer: Answer) -> Mapping[str, int]:
    """Path -> percent in use of `df -Pl`, rounded up to five so that equal machines stay equal and no threshold is passed by rounding.

    df ends with status 1 as soon as one place may not be looked at (a user's FUSE mount); its other lines are good.
    """
    lines = answer.out.splitlines()
    if answer.missing or not lines:
        answer.require()
    if not lines or not lines[0].startswith("Filesystem"):
        raise Unparsable("df: not the table expected")
    found = {}
    for line in lines[1:]:
        row = re.fullmatch(r".*\s\d+\s+\d+\s+-?\d+\s+(\d+%|-)\s(/.*)", line)
        if not row:
            raise Unparsable("df: line not understood")
        if row[1] != "-":
            found[row[2]] = -(-int(row[1][:-1]) // 5) * 5
    return found


def unescaped(text: str) -> str:
    """The kernel and fstab write blanks in names as octal: `\\040`."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)
