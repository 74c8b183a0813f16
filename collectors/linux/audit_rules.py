"""What loaded audit rules watch: `auditctl -l` mapped to topics.

`auditctl -l` prints a normal form (syscalls merged and sorted, `-k x` as `-F key=x`, `auid!=unset` as `auid!=-1`), and newer
versions print a watch as `-a always,exit -F path=...`; so rules are compared as sets of what is watched, never as text.
A topic counts only when all of it is watched: half of the clock calls leaves a way to set the clock unseen. Names of system calls
are those of x86-64; on processors that never had open or unlink (arm64) permissions and deletion stay unnamed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from collectors.errors import Unparsable

_ALL_OF: dict[str, frozenset[str]] = {
    "time": frozenset({"adjtimex", "settimeofday", "clock_settime"}),
    "permissions": frozenset(
        {
            "chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat", "lchown",
            "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
        }
    ),
    "deletion": frozenset({"unlink", "unlinkat", "rename", "renameat"}),
    "mounts": frozenset({"mount"}),
    "modules": frozenset({"init_module", "finit_module", "delete_module"}),
    "network": frozenset({"sethostname", "setdomainname"}),
}  # fmt: skip
"""System calls a topic needs, all of them."""

_DENIED = frozenset({"openat", "truncate", "ftruncate"})
_FILES: dict[str, tuple[frozenset[str], ...]] = {
    "time": (frozenset({"/etc/localtime"}),),
    "identity": (frozenset({"/etc/passwd"}), frozenset({"/etc/shadow"}), frozenset({"/etc/group"})),
    "logons": (frozenset({"/var/log/lastlog"}), frozenset({"/run/faillock", "/var/log/tallylog", "/var/log/faillog"})),
    "sessions": (frozenset({"/run/utmp"}), frozenset({"/var/log/wtmp"}), frozenset({"/var/log/btmp"})),
    "sudoers": (frozenset({"/etc/sudoers"}), frozenset({"/etc/sudoers.d"})),
    "mac-policy": (frozenset({"/etc/selinux", "/etc/apparmor"}),),
    "network": (frozenset({"/etc/hosts"}),),
}
"""Files a topic needs watched for writing: one of each group."""

ORDER = (
    "time", "identity", "logons", "sessions", "permissions", "denied-access", "deletion", "mounts", "modules", "sudoers", "mac-policy", "network",
)  # fmt: skip

_FIELD = re.compile(r"([A-Za-z0-9_]+)(!=|>=|<=|&=|=|>|<|&)(.*)", re.S)
_BROAD = frozenset({"arch", "key", "auid", "success"})
"""Fields that do not narrow a rule below "what people do"; auid is looked at closer."""


class Rule(NamedTuple):
    """One loaded rule."""

    always: bool
    filter: str
    calls: frozenset[str]
    watched: str
    writes: bool
    arch32: bool
    narrow: bool
    exits: frozenset[str]


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Every rule of `auditctl -l`; () for `No rules`. A line that is no rule raises Unparsable."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise Unparsable("auditctl -l: said nothing, not even `No rules`")
    if not text.endswith("\n"):  # a rule without its last fields would look broader than it is
        raise Unparsable("auditctl -l: the answer is cut in the middle of a line")
    return () if lines == ["No rules"] else tuple(_rule(line) for line in lines)


def topics(rules: tuple[Rule, ...]) -> tuple[str, ...]:
    """Topics wholly watched, in the order of AuditTopic. `never` rules take away: one `never,task` silences every system call."""
    if any(not rule.always and rule.filter == "task" and not rule.narrow for rule in rules):
        return ()
    calls, muted, files, denied = set[str](), set[str](), set[str](), dict[str, set[str]]()
    for rule in rules:
        if rule.filter != "exit" or rule.arch32:
            continue
        if not rule.always:
            if not rule.narrow and not rule.watched:  # the first matching rule decides, so only rules behind it are muted
                muted |= rule.calls
        elif rule.narrow:
            continue
        elif rule.watched:
            if rule.writes:
                files.add(rule.watched)
        elif rule.exits:
            for exit_code in rule.exits:
                denied.setdefault(exit_code, set()).update(rule.calls - muted)
        elif "all" not in muted:
            calls |= rule.calls - muted
    found = {name for name, wanted in _ALL_OF.items() if wanted <= calls or "all" in calls}
    found |= {name for name in _FILES if name not in _ALL_OF}
    found = {name for name in found if all(any(_under(path, files) for path in group) for group in _FILES.get(name, ()))}
    if all(denied.get(code, set()) >= _DENIED or "all" in denied.get(code, set()) for code in ("-EACCES", "-EPERM")):
        found.add("denied-access")
    return tuple(name for name in ORDER if name in found)


def _under(path: str, files: set[str]) -> bool:
    """The path itself or a directory above it is watched."""
    return any(path == seen or path.startswith(f"{seen}/") for seen in files)


def _rule(line: str) -> Rule:
    words = line.split()
    if words[0] == "-w" and len(words) >= 2:
        perm = words[words.index("-p") + 1] if "-p" in words[:-1] else "rwxa"
        return Rule(True, "exit", frozenset(), _plain(words[1]), "w" in perm, False, False, frozenset())
    if words[0] not in ("-a", "-A") or len(words) < 2:
        raise Unparsable(f"auditctl -l: not a rule: {line[:80]}")
    verbs = set(words[1].split(","))
    action, where = (
        verbs & {"always", "never", "possible"},
        verbs & {"exit", "task", "user", "exclude", "filesystem", "io_uring", "entry"},
    )
    if len(action) != 1 or len(where) != 1 or len(verbs) != 2:
        raise Unparsable(f"auditctl -l: action not understood: {words[1][:40]}")
    return _with_fields(action == {"always"}, where.pop(), words[2:])


def _with_fields(always: bool, where: str, words: list[str]) -> Rule:
    calls, exits, watched, perm, arch32, narrow = set[str](), set[str](), "", "rwxa", False, False
    at = 0
    while at < len(words):
        flag = words[at]
        if at + 1 >= len(words) or flag not in ("-S", "-F", "-C", "-k", "-p"):
            if flag not in ("-S", "-F", "-C", "-k", "-p") and "key" in "".join(words[:at]).rpartition("-F")[2]:
                at += 1  # a key with a space in it
                continue
            raise Unparsable(f"auditctl -l: not understood: {flag[:40]}")
        value = words[at + 1]
        at += 2
        if flag == "-S":
            calls |= set(value.split(","))
        elif flag == "-C":
            narrow = True
        elif flag == "-F":
            field = _FIELD.fullmatch(value)
            if field is None:
                raise Unparsable(f"auditctl -l: field not understood: {value[:40]}")
            name, op, want = field.groups()
            if name in ("path", "dir"):
                watched = _plain(want)
            elif name == "perm":
                perm = want
            elif name == "exit":
                exits.add(want) if op == "=" else None
            elif name == "arch":
                arch32 = want == "b32"
            elif name == "a0" and op == "=" and want in ("0", "0x0") and calls == {"clock_settime"}:
                continue  # CLOCK_REALTIME: the only clock worth watching
            elif name not in _BROAD or (name == "auid" and not _people(op, want)):
                narrow = True
    return Rule(always, where, frozenset(calls), watched, "w" in perm, arch32, narrow, frozenset(exits))


def _people(op: str, want: str) -> bool:
    """auid>=1000 (500 on old systems) and auid!=unset say "what logged-on people do"; anything else singles some out."""
    if op == "!=":
        return want in ("-1", "4294967295", "unset")
    return op == ">=" and want.isdecimal() and int(want) <= 1000


def _plain(path: str) -> str:
    """/var/run is a link to /run; a closing slash means nothing."""
    path = path.rstrip("/") or "/"
    return path.removeprefix("/var") if path.startswith("/var/run/") else path
