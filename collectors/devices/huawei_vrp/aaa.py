"""Huawei VRP: administrators, the servers that vouch for them, and what passwords must be like."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.devices.base import per_device
from collectors.devices.huawei_vrp.text import config, eighth, release
from collectors.devices.syntax.vrp import Block
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_accounts import AuthServer, DeviceAccount, DeviceAccounts, Secret
from collectors.facts.password_policy import PasswordPolicy
from collectors.transports.base import DeviceCli

_REMOTE = {"hwtacacs": "tacacs+", "radius": "radius", "ldap": "ldap", "ad": "ldap"}
_ADMIN_SERVICES = frozenset({"ssh", "telnet", "terminal", "http", "web", "ftp", "api", "snmp", "sftp", "netconf"})
_FACTORY = frozenset({"admin", "huawei", "root", "audit-admin", "api-admin"})
_LEAST_LEVEL = 2
"""Level 2 is the configuration level: from it on commands that change the device may be given."""


def aaa(cli: DeviceCli) -> Block:
    """All `aaa` views of the configuration as one."""

    def found() -> Block:
        return Block("aaa", 0, [line for block in config(cli).blocks("aaa") if block.text == "aaa" for line in block.children])

    return per_device(cli, "vrp.aaa", found)


def domain(cli: DeviceCli) -> Block | None:
    """The domain administrators belong to: `domain X admin` of the system view, else default_admin."""
    chosen = config(cli).matches(r"domain (\S+) admin$")
    name = chosen[-1][1] if chosen else "default_admin"
    return next((block for block in aaa(cli).blocks("domain ") if block.text.split()[1] == name), None)


def _scheme(cli: DeviceCli, kind: str) -> Block | None:
    """The scheme of that kind that administrators' domain is bound to; that named default where it is bound to none."""
    own = domain(cli)
    name = (own.value(f"{kind} ") if own else None) or "default"
    return next((block for block in aaa(cli).blocks(f"{kind} ") if block.text.split()[1] == name), None)


def admin_modes(cli: DeviceCli) -> tuple[str, ...]:
    """In which order administrators are authenticated: ("hwtacacs", "local"). A scheme that says nothing is local."""
    if not aaa(cli).children:
        raise Unsupported("no view `aaa` in the configuration: which authentication holds is not said")
    scheme = _scheme(cli, "authentication-scheme")
    said = scheme.value("authentication-mode ") if scheme else None
    words = tuple(word for word in (said or "local").split() if word != "authorization")
    unknown = [word for word in words if word not in ("local", "none", *_REMOTE)]
    if unknown:
        raise Unparsable(f"authentication-mode: unknown words {' '.join(unknown)}")
    return words


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """Local users, schemes and servers of the domain administrators belong to."""
    gaps = Gaps()
    modes = gaps.attempt(("remote_first", "local_fallback"), lambda: _asked(cli))
    remote = bool(modes and modes[0] in _REMOTE)
    if modes and not remote:
        gaps.note("local_fallback", "unsupported", "no server is asked first: there is nothing to fall back from")
    return DeviceAccounts(
        users=gaps.attempt("users", lambda: _users(cli, gaps)),
        enable_secret=gaps.attempt("enable_secret", lambda: _super(cli)),
        servers=gaps.attempt("servers", lambda: _servers(cli)),
        remote_first=remote if modes else None,
        local_fallback="local" in modes[1:] if modes and remote else None,
        commands_authorised=_commands(cli),
        accounting=_accounting(cli),
        passwords_encrypted=not any(_readable(block.text) for block in config(cli).walk()),
        unseen=gaps.unseen,
    )


def _asked(cli: DeviceCli) -> tuple[str, ...]:
    """What the remote log-on asks: a terminal that keeps a password of its own asks no scheme at all."""
    vty = [block.value("authentication-mode ") for block in config(cli).blocks("user-interface vty ")]
    if any(mode in ("none", "password") for mode in vty):
        return ("local",)
    if any(mode is None for mode in vty):
        raise Unsupported("a user-interface vty names no authentication mode")
    return admin_modes(cli)


def _users(cli: DeviceCli, gaps: Gaps) -> tuple[DeviceAccount, ...]:
    rows: dict[str, dict[str, str]] = {}
    for line in aaa(cli).blocks("local-user "):
        words = line.text.split(maxsplit=3)
        if len(words) < 3 or words[1] == "policy":
            continue
        row = rows.setdefault(words[1], {})
        rest = line.text.split(maxsplit=2)[2]
        for key in ("password", "privilege level", "level", "service-type", "state", "user-group"):
            if rest.startswith(f"{key} "):
                row[key] = rest[len(key) + 1 :].strip()
    keys = {found[1] for found in config(cli).matches(r"ssh user (\S+) authentication-type (?:rsa|dsa|ecc|x509\S*)$")}
    users = [_user(name, row, name in keys) for name, row in rows.items()]
    for block in aaa(cli).blocks("manager-user "):
        password = block.value("password ")
        row = {"password": password} if password else {}
        if level := block.value("level "):
            row["level"] = level
        users.append(_user(block.text.split()[1], row, False))
    if any(user.administrator is None for user in users):
        gaps.note("users[].administrator", "unsupported", "without a level of its own the terminal or a server decides")
    if any(user.secret is None for user in users):
        gaps.note("users[].secret", "unparsable", "not shown, or kept in a form whose class is not known")
    return tuple(users)


def _user(name: str, row: dict[str, str], by_key: bool) -> DeviceAccount:
    level = row.get("privilege level", row.get("level"))
    services = set(row.get("service-type", "").split())
    administrator: bool | None
    if services and not services & _ADMIN_SERVICES:
        administrator = False
    elif level is None or not level.isdecimal():
        administrator = True if row.get("user-group") == "manage-ug" else None
    else:
        administrator = int(level) >= _LEAST_LEVEL
    return DeviceAccount(
        name=name,
        administrator=administrator,
        role=f"level {level}" if level else row.get("user-group", ""),
        secret="key" if by_key and "password" not in row else _secret(row.get("password")),
        enabled=row.get("state") != "block",
        factory=name.lower() in _FACTORY,
    )


def _secret(said: str | None) -> Secret | None:
    if not said:
        return None
    word, _, rest = said.partition(" ")
    if word == "simple":
        return "clear"
    if word == "irreversible-cipher":
        # $1a$, $1c$, $1d$: PBKDF2 or scrypt with salt; older forms are SHA-256, whose salt the command references do not tell
        return "hash" if re.match(r"\$1[a-z]\$", rest) else None
    return "reversible" if word == "cipher" else None


def _super(cli: DeviceCli) -> Secret:
    found = config(cli).matches(r"super password (?:level \d+ )?(?=cipher|simple|irreversible-cipher)(.*)")
    kinds = [_secret(each[1]) for each in found]
    if not kinds:
        raise Unsupported("no `super password`: nobody raises rights with a word")
    for worst in ("clear", "reversible"):
        if worst in kinds:
            return worst
    if None in kinds:
        raise Unparsable("super password: in a form whose class is not known")
    return "hash"


def _servers(cli: DeviceCli) -> tuple[AuthServer, ...]:
    """The servers of those templates that administrators' domain is bound to, where its scheme asks them."""
    own = domain(cli)
    found: list[AuthServer] = []
    for mode in admin_modes(cli):
        if mode not in _REMOTE or own is None:
            continue
        name = own.value(f"{mode}-server ") or own.value(f"{mode} server ") or own.value(f"{mode} server group ")
        for template in _templates(cli, mode, name.split()[-1] if name else None):
            key = next((line.text for line in template.children if re.search(r"shared-key ", line.text)), None)
            encrypted = (
                None if key is None else bool(re.search(r"shared-key(?: \S+)? cipher ", key)) if "cipher" in key else False
            )
            for line in template.matches(rf"{mode}[- ]server authentication (?:ipv6 )?(\S+)"):
                if not any(known.address == line[1] for known in found):
                    found.append(AuthServer(protocol=_REMOTE[mode], address=line[1], encrypted_key=encrypted))
    return tuple(found)


def _templates(cli: DeviceCli, mode: str, name: str | None) -> Iterator[Block]:
    for block in config(cli).children:
        found = re.match(rf"{mode}[- ]server (?:template|group) (\S+)$", block.text)
        if found and found[1] == name:
            yield block


def _commands(cli: DeviceCli) -> bool:
    scheme = _scheme(cli, "authorization-scheme")
    return bool(scheme and any(scheme.matches(r"authorization-cmd \d+ (?:hwtacacs|radius)")))


def _accounting(cli: DeviceCli) -> bool:
    if any(aaa(cli).matches(r"cmd recording-scheme \S")):
        return True
    scheme = _scheme(cli, "accounting-scheme")
    return bool(scheme and any(scheme.matches(r"accounting-mode (?:hwtacacs|radius)")))


def _readable(line: str) -> bool:
    """A password or key anybody can read: behind simple or plain, or without a word of how it is kept."""
    if re.search(
        r"\b(?:password|shared-key|pre-shared-key|md5|key \d+|authentication-mode|key-string) (?:\d+ )?(?:simple|plain) ", line
    ):
        return True
    if re.search(r"\b(?:key-string|authentication-mode md5 \d+|authentication-mode simple) plain ", line):
        return True
    if re.match(r"snmp-agent community (?:read|write) (?!cipher )", line):
        return True
    return bool(
        re.search(
            r"(?:shared-key|pre-shared-key|set authentication password|local-user \S+ password) (?!cipher |irreversible-cipher )\S+$",
            line,
        )
    )


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """What the configuration says. Defaults of quality and locking changed with the releases: unsaid is unseen."""
    gaps = Gaps()
    tree = aaa(cli)
    rules = next(iter(tree.blocks("local-aaa-user password policy administrator")), None)
    lock = gaps.attempt(("failed_logins_before_lock", "lock_minutes", "lock_window_minutes"), lambda: _lock(tree))
    return PasswordPolicy(
        quality_enforced=gaps.attempt("quality_enforced", lambda: _complexity(cli)),
        min_length=gaps.attempt("min_length", lambda: _length(cli)),
        min_classes=None,
        history=gaps.attempt("history", lambda: _history(cli, rules)),
        max_age_days=gaps.attempt("max_age_days", lambda: _days(cli, rules)),
        min_age_days=None,
        warn_days=gaps.attempt("warn_days", lambda: _warn(rules)),
        failed_logins_before_lock=lock[1] if lock else None,
        lock_minutes=lock[2] if lock else None,
        lock_window_minutes=lock[0] if lock else None,
        empty_passwords_accepted=None,
        hash_algorithm=None,
        unseen=gaps.unseen,
    )


def _complexity(cli: DeviceCli) -> bool:
    for tree in (aaa(cli), config(cli)):
        for text in ("user-password complexity-check", "local-user policy security-enhance"):
            said = tree.flag(text)
            if said is not None:
                return said
    raise Unsupported("no line about the complexity of passwords: whether the release checks it by itself is not in our table")


def _length(cli: DeviceCli) -> int:
    for tree in (aaa(cli), config(cli)):
        said = tree.matches(r"(?:local-user policy password|user-password|set password) min-len(?:gth)? (\d+)")
        if said:
            return int(said[-1][1])
    raise Unsupported("no line about the length of passwords: what the release demands by itself is not in our table")


def _without(cli: DeviceCli) -> None:
    """Without the policy nothing ends and nothing is remembered; where another command rules that, it was not looked at.

    Disabled by default: "local-aaa-user password policy administrator", S-series V200R and AR V200R/V300R command references.
    """
    if release(cli).v not in (200, 300) or eighth(cli):
        raise Unsupported("no local-aaa-user policy for administrators, and this release may rule it by another command")


def _history(cli: DeviceCli, rules: Block | None) -> int:
    if rules is None:
        _without(cli)
        return 0
    said = rules.value("password history record number ")
    if said is None or not said.isdecimal():
        raise Unsupported("the policy names no number of records: its default is not in our table")
    return int(said)


def _days(cli: DeviceCli, rules: Block | None) -> Limit:
    if rules is None:
        _without(cli)
        return "unlimited"
    said = rules.value("password expire ")
    if said is None:
        raise Unsupported("the policy names no age: its default is not in our table")
    if not said.isdecimal():
        raise Unparsable(f"password expire {said}")
    return int(said) or "unlimited"


def _warn(rules: Block | None) -> int:
    if rules is None:
        raise Unsupported("no policy for administrators: nothing ends, so nothing is warned of")
    said = rules.value("password alert before-expire ")
    if said is None or not said.isdecimal():
        raise Unsupported("the policy names no days of warning: its default is not in our table")
    return int(said)


def _lock(tree: Block) -> tuple[Limit | None, Limit, Limit | None]:
    """(window, tries, minutes)."""
    said = tree.flag("local-aaa-user wrong-password")
    if said is False:
        return None, "unlimited", None
    found = tree.matches(r"local-aaa-user wrong-password retry-interval (\d+) retry-time (\d+) block-time (\d+)$")
    if not found:
        raise Unsupported("no `local-aaa-user wrong-password`: whether the release locks by itself is not in our table")
    window, tries, minutes = (int(each) for each in found[-1].groups())
    return window, tries, minutes or "unlimited"
