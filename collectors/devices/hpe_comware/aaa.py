"""HPE Comware and H3C: administrators, the servers that vouch for them, and what passwords must be like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from collectors.devices.hpe_comware.text import config, seventh
from collectors.devices.syntax.vrp import Block
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_accounts import AuthServer, DeviceAccount, DeviceAccounts, Secret
from collectors.facts.password_policy import PasswordPolicy
from collectors.transports.base import DeviceCli

_SCHEMES: dict[str, Literal["tacacs+", "radius", "ldap"]] = {
    "hwtacacs-scheme": "tacacs+",
    "radius-scheme": "radius",
    "ldap-scheme": "ldap",
}
_ADMINS = re.compile(r"(?:network-admin|mdc-admin|context-admin|vsys-admin|level-(?:9|1[0-5]))$")
_READERS = re.compile(r"(?:network-operator|mdc-operator|context-operator|vsys-operator|level-[01]|guest-manager)$")
_FACTORY = frozenset({"admin", "h3c", "hp", "root"})


def domain(cli: DeviceCli) -> Block | None:
    """The domain of whoever names none: `domain default enable X`, else system."""
    chosen = config(cli).value("domain default enable ") or "system"
    return next(
        (block for block in config(cli).blocks("domain ") if re.match(rf"domain (?:name )?{re.escape(chosen)}$", block.text)),
        None,
    )


def login_methods(cli: DeviceCli) -> tuple[str, ...]:
    """In which order log-ons are authenticated: ("hwtacacs-scheme", "local"). Local where the domain says nothing."""
    return tuple(name for name, _ in _methods(cli, "authentication"))


def _methods(cli: DeviceCli, what: str) -> tuple[tuple[str, str | None], ...]:
    own = domain(cli)
    said = (own.value(f"{what} login ") or own.value(f"{what} default ")) if own else None
    words = (said or "local").split()
    found: list[tuple[str, str | None]] = []
    while words:
        word = words.pop(0)
        if word in _SCHEMES and words:
            found.append((word, words.pop(0)))
        elif word in ("local", "none"):
            found.append((word, None))
        else:
            raise Unparsable(f"{what} login: unknown word {word}")
    return tuple(found)


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """Local users, the domain of log-ons, and the schemes it names."""
    gaps = Gaps()
    methods = gaps.attempt(("remote_first", "local_fallback"), lambda: _asked(cli))
    remote = bool(methods and methods[0] in _SCHEMES)
    if methods and not remote:
        gaps.note("local_fallback", "unsupported", "no server is asked first: there is nothing to fall back from")
    lines = [block for start in ("line ", "user-interface ") for block in config(cli).blocks(start)]
    return DeviceAccounts(
        users=gaps.attempt("users", lambda: _users(cli, gaps)),
        enable_secret=gaps.attempt("enable_secret", lambda: _super(cli)),
        servers=gaps.attempt("servers", lambda: _servers(cli)),
        remote_first=remote if methods else None,
        local_fallback="local" in methods[1:] if methods and remote else None,
        commands_authorised=_decided(cli, lines),
        accounting=any(block.flag("command accounting") for block in lines) or _accounts(cli),
        passwords_encrypted=not any(_readable(block.text) for block in config(cli).walk()),
        unseen=gaps.unseen,
    )


def _decided(cli: DeviceCli, lines: list[Block]) -> bool:
    """A server is asked for each command, or somebody has a role with less than everything (Comware 7)."""
    users = [
        [found[1] for found in user.matches(r"authorization-attribute .*?user-role (\S+)")]
        for user in config(cli).blocks("local-user ")
    ]
    asked = any(block.flag("command authorization") for block in lines)
    return asked or any(roles and not any(_ADMINS.match(role) for role in roles) for roles in users)


def _asked(cli: DeviceCli) -> tuple[str, ...]:
    """What the remote log-on asks: a line that keeps a password of its own asks no domain at all."""
    classes = {block.text.split()[2]: block for block in config(cli).blocks("line class ")}
    for start in ("line vty ", "user-interface vty "):
        for block in config(cli).blocks(start):
            said = block.value("authentication-mode ") or (
                classes["vty"].value("authentication-mode ") if "vty" in classes else None
            )
            if said != "scheme" and (said or "").split()[:1] != ["scheme"]:
                return ("local",)
    return login_methods(cli)


def _users(cli: DeviceCli, gaps: Gaps) -> tuple[DeviceAccount, ...]:
    keys = {found[1] for found in config(cli).matches(r"ssh user (\S+) .*?authentication-type publickey")}
    users = [_user(cli, block, keys) for block in config(cli).blocks("local-user ")]
    if any(user.administrator is None for user in users):
        gaps.note("users[].administrator", "unsupported", "a role of the customer's own, or none")
    if any(user.secret is None for user in users):
        gaps.note("users[].secret", "unparsable", "not shown, or kept in a form whose class is not known")
    return tuple(users)


def _user(cli: DeviceCli, block: Block, keys: set[str]) -> DeviceAccount:
    words = block.text.split()
    roles = [found[1] for found in block.matches(r"authorization-attribute (?:.*? )?user-role (\S+)")]
    levels = [found[1] for found in block.matches(r"authorization-attribute (?:.*? )?level (\d)")]
    return DeviceAccount(
        name=words[1],
        administrator=False if words[-1] == "network" and "class" in words else _administrator(roles, levels),
        role=" ".join(roles or [f"level {level}" for level in levels]),
        secret=_secret(cli, block, words[1] in keys),
        enabled=block.value("state ") != "block",
        factory=words[1].lower() in _FACTORY,
    )


def _administrator(roles: list[str], levels: list[str]) -> bool | None:
    if any(_ADMINS.match(role) for role in roles):
        return True
    if roles:
        return False if all(_READERS.match(role) for role in roles) else None
    return int(levels[-1]) >= 2 if levels else None


def _secret(cli: DeviceCli, block: Block, by_key: bool) -> Secret | None:
    said = block.value("password ")
    if said is None:
        # without one a user of Comware 7 logs on with the name alone: "password", Security Command Reference
        return "key" if by_key else "none" if seventh(cli) else None
    return _kept(said)


def _kept(said: str) -> Secret | None:
    word, _, rest = said.partition(" ")
    if word == "hash":
        return "hash" if rest.startswith("$h$") else None  # $h$6$ is SHA-512 with salt; Comware knows no other
    return "clear" if word == "simple" else "reversible" if word == "cipher" else None


def _super(cli: DeviceCli) -> Secret:
    kinds = [
        _kept(found[1])
        for found in config(cli).matches(r"super password (?:(?:role \S+|level \d+) )?((?:hash|simple|cipher) .*)")
    ]
    if not kinds:
        raise Unsupported("no `super password`: nobody raises rights with a word")
    for worst in ("clear", "reversible"):
        if worst in kinds:
            return worst
    if None in kinds:
        raise Unparsable("super password: in a form whose class is not known")
    return "hash"


def _servers(cli: DeviceCli) -> tuple[AuthServer, ...]:
    found: dict[str, AuthServer] = {}
    for kind, name in _methods(cli, "authentication"):
        if kind in _SCHEMES:
            for scheme in _scheme(cli, kind, name):
                keys = [*scheme.lines("key authentication "), *(line for line in scheme.lines("login-password "))]
                for line in scheme.matches(
                    r"(?:primary|secondary) authentication (?:ipv6 )?(\S+)(.*)|authentication-server (\S+)()"
                ):
                    own = re.search(r" key (\S+) ", line[2] or "")
                    word = own[1] if own else keys[0].split()[0] if keys else None
                    address = line[1] or line[3]
                    found[address] = AuthServer(
                        protocol=_SCHEMES[kind], address=address, encrypted_key=None if word is None else word == "cipher"
                    )
    return tuple(found.values())


def _scheme(cli: DeviceCli, kind: str, name: str | None) -> Iterator[Block]:
    return (block for block in config(cli).children if block.text == f"{kind.replace('-', ' ')} {name}")


def _accounts(cli: DeviceCli) -> bool:
    own = domain(cli)
    said = (own.value("accounting login ") or own.value("accounting default ") or "") if own else ""
    return said.split()[:1] != [] and said.split()[0] in _SCHEMES


def _readable(line: str) -> bool:
    if re.search(
        r"\b(?:password|key|authentication-mode \S+|key-string|community (?:read|write)) (?:\S+ )?(?:simple|plain) ", line
    ):
        return True
    return bool(re.match(r"snmp-agent community (?:read|write) (?!cipher )", line))


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """Password control: what the configuration says. Off as a whole unless switched on, and nothing is demanded then."""
    gaps = Gaps()
    tree = config(cli)
    on = tree.flag("password-control enable") is True
    if not on:
        gaps.note(
            ("min_length", "min_classes"),
            "unsupported",
            "the control of passwords is off: what the release demands without it is not in our table",
        )
    lock = gaps.attempt(("failed_logins_before_lock", "lock_minutes"), lambda: _lock(tree))
    kinds = tree.matches(r"password-control composition type-number (\d)")
    return PasswordPolicy(
        quality_enforced=(
            on and tree.flag("password-control composition enable") is not False and bool(kinds) and int(kinds[-1][1]) > 1
        ),
        min_length=gaps.attempt("min_length", lambda: _number(tree, "length")) if on else None,
        min_classes=gaps.attempt("min_classes", lambda: _classes(kinds)) if on else None,
        history=gaps.attempt("history", lambda: _number(tree, "history")) if on else 0,
        max_age_days=gaps.attempt("max_age_days", lambda: _number(tree, "aging") or "unlimited") if on else "unlimited",
        min_age_days=None,
        failed_logins_before_lock=lock[0] if lock else None,
        lock_minutes=lock[1] if lock else None,
        empty_passwords_accepted=None,
        hash_algorithm=None,
        unseen=gaps.unseen,
    )


def _classes(kinds: list[re.Match[str]]) -> int:
    if not kinds:
        raise Unsupported("no `password-control composition`: the default of the release is not in our table")
    return int(kinds[-1][1])


def _number(tree: Block, what: str) -> int:
    """The weakest value: a group or a user may have one of its own. 0 where the part is switched off."""
    if tree.flag(f"password-control {what} enable") is False:
        return 0
    own = [int(found[1]) for block in tree.walk() if (found := re.match(rf"password-control {what} (\d+)$", block.text))]
    if not any(tree.matches(rf"password-control {what} \d+$")):
        raise Unsupported(f"no value for {what}: the default of the release is not in our table")
    return max(own) if what == "aging" else min(own)


def _lock(tree: Block) -> tuple[Limit, Limit | None]:
    found = tree.matches(r"password-control login-attempt (\d+)(?: exceed (lock-time (\d+)|lock|unlock))?")
    if not found or tree.flag("password-control enable") is not True:
        raise Unsupported("no value for wrong tries, or the control is off: the default of the release is not in our table")
    tries, how, minutes = int(found[-1][1]), found[-1][2], found[-1][3]
    if how == "unlock":
        return "unlimited", None
    if how is None:
        raise Unsupported("what follows too many wrong tries is not said")
    return tries, "unlimited" if minutes is None else int(minutes)
