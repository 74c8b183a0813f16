"""Who may read and change the files everything else rests on?"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field

from collectors.errors import CollectError, Denied, Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps, Model
from collectors.transports.base import Shell, Stat

Role = Literal["accounts", "passwords", "sudo", "ssh_server", "ssh_key", "cron", "boot", "root_home"]

_COLUMNS = ("mode", "owner", "group", "group_can_write", "others_can_read", "others_can_write")


class Guarded(Model):
    """One file or folder. All but the first two are None where it may not be looked at."""

    path: str = Field(description="Symbolic links are followed")
    role: Role = Field(description="What it is for")
    mode: str | None = Field(default=None, description="Permission bits, four octal digits")
    owner: int | None = Field(default=None, description="User id of its owner")
    group: str | None = Field(default=None, description="Name of its group; the number where /etc/group has no name for it")
    group_can_write: bool | None = Field(
        default=None, description="Its group may change it; an access list shows here too, as the mask"
    )
    others_can_read: bool | None = Field(default=None, description="Everybody may read (list) it")
    others_can_write: bool | None = Field(default=None, description="Everybody may change it")


class Permissions(Fact):
    """Mode and owner of the classic files; files that do not exist are not listed."""

    NAME: ClassVar[str] = "permissions"

    files: tuple[Guarded, ...] | None = Field(description="Those that exist, by path")


_ROLES: dict[str, Role] = {
    **dict.fromkeys(("/etc/passwd", "/etc/passwd-", "/etc/group", "/etc/group-"), "accounts"),
    **dict.fromkeys(("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/security/opasswd"), "passwords"),
    **dict.fromkeys(("/etc/sudoers", "/etc/sudoers.d"), "sudo"),
    "/etc/ssh/sshd_config": "ssh_server",
    "/etc/ssh/sshd_config.d": "ssh_server",
    **dict.fromkeys(
        ("/etc/crontab", "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly"), "cron"
    ),
    "/root": "root_home",
}  # fmt: skip
_PATTERNS: dict[str, Role] = {
    "/etc/ssh/ssh_host_*_key": "ssh_key",
    "/etc/ssh/sshd_config.d/*.conf": "ssh_server",
    "/etc/sudoers.d/*": "sudo",
    "/etc/cron.d/*": "cron",
    "/boot/grub*/*.cfg": "boot",
}
_LINE = re.compile(r"([0-7]{1,4}) (\d+) (\d+) (/.*)")
_SAID = re.compile(r"stat: (?:cannot statx?|can't stat) [‘'\"]?(/[^'’\":]*)[’'\"]?: (.*)")


def linux(shell: Shell) -> Permissions:
    """One `stat` for the files with fixed names, one question each for the few whose names differ.

    A file that may not be looked at stands as a row with nothing known; left out, it would look like one that is not there.
    """
    gaps = Gaps()
    names = _groups(shell)
    rows: dict[str, Guarded] = {}
    for path, found in _fixed(shell).items():
        _add(rows, gaps, names, path, _ROLES[path], found)
    for pattern, role in _PATTERNS.items():
        try:
            paths = shell.names(pattern, root=True)
        except CollectError as error:
            _add(rows, gaps, names, pattern, role, error)
            continue
        for path in paths:
            try:
                seen: Stat | CollectError | None = shell.stat(path, root=True)
            except CollectError as error:
                seen = error
            _add(rows, gaps, names, path, role, seen)
    if not rows:
        raise Unsupported("none of the files a system has is here: these files are not a whole system")
    return Permissions(files=tuple(rows[path] for path in sorted(rows)), unseen=gaps.unseen)


def _fixed(shell: Shell) -> dict[str, Stat | CollectError | None]:
    try:
        answer = shell.run(
            "stat", "-L", "-c", "%a %u %g %n",
            "/etc/passwd", "/etc/passwd-", "/etc/group", "/etc/group-", "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-",
            "/etc/security/opasswd", "/etc/sudoers", "/etc/sudoers.d", "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d", "/etc/crontab",
            "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly", "/root",
        )  # fmt: skip
    except Unsupported:
        answer = None
    if answer is None or answer.missing:  # only files are seen here, or there is no such program: one by one, then
        return {path: _one(shell, path) for path in _ROLES}
    return answers(answer.out, answer.err)


def answers(out: str, err: str) -> dict[str, Stat | CollectError | None]:
    """What stat(1) says of each path: its answer, None for absent, or why not. It ends with status 1 when any is absent."""
    found: dict[str, Stat | CollectError | None] = {}
    for line in out.splitlines():
        row = _LINE.fullmatch(line)
        if not row or row[4] not in _ROLES:
            raise Unparsable("stat: line not understood")
        found[row[4]] = Stat(int(row[1], 8), int(row[2]), int(row[3]), 0, 0.0, False)
    for line in err.splitlines():
        said = _SAID.fullmatch(line.strip())
        if said is None or said[1] not in _ROLES:
            continue
        absent = said[2].startswith(("No such file", "Not a directory"))
        found[said[1]] = None if absent else Denied(f"{said[1]}: {said[2].lower()}; run as root to see it")
    for path in _ROLES:
        found.setdefault(path, Unparsable(f"stat said nothing of {path}"))
    return found


def _one(shell: Shell, path: str) -> Stat | CollectError | None:
    try:
        return shell.stat(path, root=True)
    except CollectError as error:
        return error


def _add(
    rows: dict[str, Guarded], gaps: Gaps, names: dict[int, str], path: str, role: Role, found: Stat | CollectError | None
) -> None:
    if found is None:
        return
    if isinstance(found, CollectError):
        gaps.note(tuple(f"files[].{column}" for column in _COLUMNS), found.outcome, str(found))
        rows[path] = Guarded(path=path, role=role)
        return
    rows[path] = Guarded(
        path=path,
        role=role,
        mode=f"{found.mode:04o}",
        owner=found.uid,
        group=names.get(found.gid, str(found.gid)),
        group_can_write=bool(found.mode & 0o020),
        others_can_read=bool(found.mode & 0o004),
        others_can_write=bool(found.mode & 0o002),
    )


def _groups(shell: Shell) -> dict[int, str]:
    """gid -> name. Only names for the reader and for `shadow`: where the file is bad, numbers stand in their place."""
    try:
        text = shell.read("/etc/group") or ""
    except CollectError:
        return {0: "root"}
    fields = (line.split(":") for line in text.splitlines())
    found = {
        int(words[2]): words[0] for words in reversed([*fields]) if len(words) >= 3 and re.fullmatch(r"\d{1,10}", words[2], re.A)
    }
    return {**found, 0: "root"}
