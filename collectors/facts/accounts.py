"""Who can log on, who is administrator, and which accounts should not be there?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from collectors.errors import Unsupported
from collectors.facts.base import Fact, Gaps, Limit, Model
from collectors.linux.login_defs import LOGIN_DEFS, login_defs, whole
from collectors.linux.logons import Logons, keys, last_logons
from collectors.linux.passwd import Aging, Group, Hash, Line, Passwd, parse_group, parse_passwd, parse_shadow
from collectors.linux.sudoers import Grant, Sudoers, read_sudoers
from collectors.redact import redact
from collectors.transports.base import Shell


class Account(Model):
    """One local account. The password itself, or its hash, is never collected: only its class."""

    name: str = Field(description="Log-on name")
    uid: int = Field(
        description="Numeric id; Windows: the last part of the SID, by which 500 is the built-in administrator and 501 the guest in every language"
    )
    system: bool = Field(
        description="Id below the system's first user id (UID_MIN), root included; nobody counts as system. Windows: those it made itself, ids below 1000"
    )
    shell: str = Field(description="Log-on shell, empty if none is named, and on Windows, which has none")
    interactive: bool = Field(
        description="The shell lets a person work (not nologin, false, sync ...). Windows: the account is not disabled"
    )
    password: Literal["empty", "locked", "unusable", "set", "required", "optional"] | None = Field(
        description=(
            "empty: logs on without one · locked: a password with ! before it, or disabled (Windows) · unusable: never had one (* or !) · set · "
            "required, optional: Windows demands one or does not, and never tells whether it is empty"
        )
    )
    hash: Hash | None = Field(default=None, description="How the password is hashed; None when there is none or it was not seen")
    changed: date | None = Field(
        default=None,
        description="Day of the last password change; None when never recorded (ageing off, or a change is forced at the next log-on) or not seen",
    )
    max_age_days: Limit | None = Field(
        default=None, description="Days after which the password must be changed; unlimited where ageing is off"
    )
    min_age_days: int | None = Field(default=None, description="Days before it may be changed again")
    inactive_days: Limit | None = Field(default=None, description="Days after the password's end until the account locks")
    expires: date | None = Field(default=None, description="Day the account ends; None when never or not seen")
    last_logon: datetime | Literal["never"] | None = Field(
        default=None, description="Last log-on, UTC; never if the record says so; None if there is no record"
    )
    administrator: bool | None = Field(
        description="uid 0, or member of sudo, wheel, admin, or named with ALL in sudoers; None where only an unseen sudoers could say. Windows: a direct member of the group S-1-5-32-544"
    )
    keys: int | None = Field(
        default=None,
        description="Number of keys in authorized_keys; looked for where the shell is interactive, and for root; None if not seen",
    )


class SudoRule(Model):
    """One user's rights by one line of sudoers, already merged from all its files."""

    who: str = Field(description="User, %group, #uid, +netgroup or ALL; a user alias is taken apart, one row for each in it")
    commands: str = Field(description="Commands as written, ALL included")
    nopasswd: bool = Field(description="Runs without asking for a password, by a NOPASSWD tag or by Defaults !authenticate")


class Accounts(Fact):
    """Local accounts and administrators."""

    NAME: ClassVar[str] = "accounts"

    users: tuple[Account, ...] = Field(description="Every line of /etc/passwd; Windows: every account of this machine itself")
    root_equivalents: tuple[str, ...] = Field(description="Names other than root with uid 0")
    duplicate_ids: tuple[int, ...] = Field(description="Ids that more than one name has")
    administrators: tuple[str, ...] | None = Field(
        description="Names that are administrator, root (Windows: the built-in one) left out. Windows: also groups and accounts of the domain, and SIDs whose name is lost"
    )
    sudo_rules: tuple[SudoRule, ...] | None = Field(description="() when sudo is not installed")
    directory: bool | None = Field(
        description="Accounts also come from a directory (sss, ldap, winbind in nsswitch.conf; a Windows domain): those are not listed here"
    )
    root_locked: bool | None = Field(
        description="root has no usable password: nobody logs on as root with one. Windows: the built-in administrator is disabled"
    )


ADMIN_GROUPS = ("sudo", "wheel", "admin")
NOBODY = ("nobody", "nfsnobody")
_NOBODY_ID = 65534
_UID_MIN = 1000
"""UID_MIN where login.defs says nothing: compiled into shadow."""

_NOT_INTERACTIVE = ("nologin", "false", "true", "sync", "shutdown", "halt", "null")
_LOCAL_SOURCES = ("files", "compat", "systemd", "altfiles", "db", "usrfiles", "mymachines")
_FROM_SHADOW = (
    "users[].password",
    "users[].hash",
    "users[].changed",
    "users[].max_age_days",
    "users[].min_age_days",
    "users[].inactive_days",
    "users[].expires",
)


def linux(shell: Shell) -> Accounts:
    """From /etc/passwd, /etc/group, /etc/shadow, sudoers, nsswitch.conf, lastlog and authorized_keys.

    Without root the passwords, the keys and sudoers are not seen; who exists and which groups they are in still is.
    Raises Unsupported where there is no /etc/passwd, Unparsable where a line of it cannot be placed.
    """
    text = shell.read("/etc/passwd")
    if text is None:
        raise Unsupported("/etc/passwd does not exist: this is no complete Linux system")
    passwd = parse_passwd(text)
    gaps = Gaps()
    groups = gaps.attempt(("administrators", "users[].administrator"), lambda: _groups(shell))
    shadow = _shadow(shell, passwd, gaps)
    sudoers = gaps.attempt("sudo_rules", lambda: _sudoers(shell))
    if sudoers is None and groups is not None:
        reason = gaps.unseen[-1]
        gaps.note(("administrators", "users[].administrator"), reason.outcome, f"{reason.reason}; whom it names is not known")
    admins = None if groups is None else _administrators(passwd, groups, sudoers)
    complete = admins is not None and sudoers is not None
    uid_min = _uid_min(shell)
    logons = gaps.attempt("users[].last_logon", lambda: last_logons(shell)) or {}
    opened = keys(
        shell, ((line.name, line.home) for line in passwd.lines if interactive(line.shell) or line.name == "root"), gaps
    )
    users = tuple(_account(line, shadow, uid_min, logons, opened, admins, complete) for line in passwd.lines)
    ids = [line.uid for line in passwd.lines]
    return Accounts(
        users=users,
        root_equivalents=tuple(line.name for line in passwd.lines if line.uid == 0 and line.name != "root"),
        duplicate_ids=tuple(sorted({uid for uid in ids if ids.count(uid) > 1})),
        administrators=tuple(sorted(admins - {"root"})) if admins is not None and complete else None,
        sudo_rules=None if sudoers is None else _rules(sudoers, groups or (), passwd),
        directory=gaps.attempt("directory", lambda: _directory(shell, passwd)),
        root_locked=_root_locked(users, gaps),
        unseen=gaps.unseen,
    )


def _account(
    line: Line,
    shadow: Mapping[str, Aging],
    uid_min: int,
    logons: Logons,
    opened: Mapping[str, int],
    admins: frozenset[str] | None,
    complete: bool,
) -> Account:
    age = shadow.get(line.name)
    secret = line.secret or (age.secret if age else None)
    named = admins is not None and line.name in admins
    return Account(
        name=line.name,
        uid=line.uid,
        system=line.uid < uid_min or line.uid == _NOBODY_ID or line.name in NOBODY,
        shell=line.shell,
        interactive=interactive(line.shell),
        password=secret.state if secret else None,
        hash=secret.hash if secret else None,
        changed=age.changed if age else None,
        max_age_days=age.max_days if age else None,
        min_age_days=age.min_days if age else None,
        inactive_days=age.inactive_days if age else None,
        expires=age.expires if age else None,
        last_logon=logons.get(line.name),
        administrator=True if named or line.uid == 0 else (False if complete else None),
        keys=opened.get(line.name),
    )


def interactive(shell: str) -> bool:
    """A person could work with it. An empty field means /bin/sh; a shell we do not know counts as one."""
    return shell.rpartition("/")[2] not in _NOT_INTERACTIVE


def _groups(shell: Shell) -> tuple[Group, ...]:
    text = shell.read("/etc/group")
    if text is None:
        raise Unsupported("/etc/group does not exist")
    return parse_group(text)


def _shadow(shell: Shell, passwd: Passwd, gaps: Gaps) -> Mapping[str, Aging]:
    """{} when it was not seen, and then the gap is named. A name that has no line in it is a gap too: a cut file must not look clean."""

    def ask() -> Mapping[str, Aging]:
        text = shell.read("/etc/shadow", root=True)
        if text is None:
            raise Unsupported("/etc/shadow does not exist")
        return parse_shadow(text)

    needed = [line.name for line in passwd.lines if line.secret is None]
    # where no password lies in it (all of them in passwd itself), only the ageing is missed
    found = gaps.attempt(_FROM_SHADOW if needed else _FROM_SHADOW[2:], ask)
    if found is None:
        return {}
    missing = [name for name in needed if name not in found]
    if missing:
        shown = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        gaps.note(_FROM_SHADOW, "unparsable", f"/etc/shadow has no line for {shown}")
    return found


def _root_locked(users: tuple[Account, ...], gaps: Gaps) -> bool | None:
    root = next((user for user in users if user.name == "root"), None)
    if root is None:
        gaps.note("root_locked", "unsupported", "no account is named root")
        return None
    if root.password is None:
        known = next((entry for entry in gaps.unseen if entry.field == "users[].password"), None)
        gaps.note(
            "root_locked", known.outcome if known else "unparsable", known.reason if known else "root's password was not seen"
        )
        return None
    return root.password in ("locked", "unusable")


def _uid_min(shell: Shell) -> int:
    values = login_defs(shell) or {}
    return whole(values.get("UID_MIN") or str(_UID_MIN), f"{LOGIN_DEFS}: UID_MIN")


def _directory(shell: Shell, passwd: Passwd) -> bool:
    """A source of nsswitch.conf that we do not know to be local counts as a directory, and so do NIS lines in passwd."""
    texts = shell.read_all("/etc/nsswitch.conf", "/usr/etc/nsswitch.conf")
    text = next((texts[path] for path in ("/etc/nsswitch.conf", "/usr/etc/nsswitch.conf") if path in texts), "")
    sources: list[str] = []
    for line in text.splitlines():
        name, colon, rest = line.partition("#")[0].partition(":")
        if colon and name.strip() in ("passwd", "passwd_compat"):
            sources += re.sub(r"\[[^\]]*\]", " ", rest).split()
    return passwd.compat or any(source not in _LOCAL_SOURCES for source in sources)


# --- administrators ---------------------------------------------------------------------------------------------------


class _Sudo(NamedTuple):
    """sudo as it is here; `rules` is None where no sudo is installed, which is an established absence."""

    rules: Sudoers | None


def _sudoers(shell: Shell) -> _Sudo:
    return _Sudo(read_sudoers(shell))


def _members(groups: tuple[Group, ...], passwd: Passwd, which: str) -> frozenset[str]:
    """Names in a group (by name, or #gid), those who have it as primary group included."""
    hits = [group for group in groups if group.name == which or f"#{group.gid}" == which]
    ids = {group.gid for group in hits} | ({int(which[1:])} if which[1:].isdecimal() and which.startswith("#") else set())
    primary = {line.name for line in passwd.lines if line.gid in ids}
    return frozenset(primary.union(*(group.members for group in hits)))


def _people(who: str, groups: tuple[Group, ...], passwd: Passwd) -> frozenset[str]:
    """The names that one word of sudoers' user list stands for. Those of a directory or netgroup stay unnamed."""
    if who.startswith("%"):
        return _members(groups, passwd, who[1:].strip('"'))
    if who.startswith("#"):
        return frozenset(line.name for line in passwd.lines if str(line.uid) == who[1:])
    if who == "ALL":
        return frozenset(line.name for line in passwd.lines)
    return frozenset() if who.startswith(("+", "!")) else frozenset({who.strip('"')})


def _administrators(passwd: Passwd, groups: tuple[Group, ...], sudo: _Sudo | None) -> frozenset[str]:
    names = {line.name for line in passwd.lines if line.uid == 0}
    for group in ADMIN_GROUPS:
        names |= _members(groups, passwd, group)
    rules = sudo.rules if sudo else None
    if rules is None:
        return frozenset(names)
    # SUSE ships "ALL ALL=(ALL) ALL" with targetpw: whoever knows root's password may act as root, which makes nobody administrator
    roots_password = any(
        option.on and option.name in ("targetpw", "rootpw", "runaspw") and not option.users for option in rules.defaults
    )
    for grant in rules.grants:
        if not (_as_root(grant) and rules.everything(grant.commands)):
            continue
        for who in rules.names(grant.who):
            if not (who == "ALL" and roots_password):
                names |= _people(who, groups, passwd)
    return frozenset(names)


def _as_root(grant: Grant) -> bool:
    """The line lets the user become root. Run-as aliases count as if they held root."""
    return not grant.run_as or any(name in ("root", "ALL", "#0") or name.isupper() for name in grant.run_as)


def _rules(sudo: _Sudo, groups: tuple[Group, ...], passwd: Passwd) -> tuple[SudoRule, ...]:
    if sudo.rules is None:
        return ()
    rules = sudo.rules
    return tuple(
        SudoRule(
            who=who,
            commands=redact(", ".join(grant.commands)),
            nopasswd=_free(grant, rules, groups, passwd) if grant.nopasswd is None else grant.nopasswd,
        )
        for grant in rules.grants
        for who in rules.names(grant.who)
    )


def _free(grant: Grant, rules: Sudoers, groups: tuple[Group, ...], passwd: Passwd) -> bool:
    """Some Defaults line switches the password off for one of these users. A binding to hosts, commands or run-as users counts for all."""
    mine: frozenset[str] = frozenset().union(*(_people(who, groups, passwd) | {who} for who in rules.names(grant.who)))
    for option in rules.defaults:
        if option.name == "authenticate" and not option.on:
            theirs = [name for user in option.users for name in rules.names(user)]
            if not theirs or any((_people(name, groups, passwd) | {name}) & mine for name in theirs):
                return True
    return False
