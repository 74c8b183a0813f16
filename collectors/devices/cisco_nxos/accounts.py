"""Cisco NX-OS: accounts, AAA, and what is demanded of passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.devices.base import per_device
from collectors.devices.cisco_nxos.access import methods, served
from collectors.devices.cisco_nxos.text import config, major, resolved
from collectors.devices.syntax.indent import Node
from collectors.errors import Denied, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.device_accounts import AuthServer, DeviceAccount, DeviceAccounts, Secret
from collectors.facts.password_policy import PasswordPolicy
from collectors.transports.base import DeviceCli

_FACTORY = frozenset({"cisco", "admin", "administrator", "root", "manager", "guest", "user", "test"})
_HASHES: dict[str, Secret] = {"$1$": "weak-hash", "$5$": "hash", "$6$": "hash", "$8$": "hash", "$9$": "hash"}
"""5 with $1$ is MD5, with $5$ SHA-256 crypt; 8 is PBKDF2, 9 scrypt (Security Configuration Guide, 9.3(x))."""
_MAY, _MAY_NOT = ("network-admin", "vdc-admin", "priv-15"), ("network-operator", "vdc-operator")
_HIDDEN = "no account stands in the configuration: NX-OS hides them from roles that may not see them"
_READABLE = re.compile(
    r"(?:(?:tacacs|radius|ldap)-server .*\bkey (?:0 )?(?![067] )\S"
    r"|(?:tacacs|radius|ldap)-server .*\bpassword 0 "
    r"|key-(?:octet-)?string (?:0 )?(?![067] )\S"
    r"|password (?:0 )?(?![0-9] )(?!strength-check|secure-mode|prompt)\S+$"
    r"|username \S+ password 0 "
    r"|(?:ip ospf )?(?:authentication-key|message-digest-key \d+ md5) (?:0 )?(?![037] )\S"
    r"|authentication text \S"
    r"|authentication md5 key-string (?:0 )?(?![07] )\S"
    r"|ntp authentication-key \d+ \S+ \S+(?: 0)?$"
    r"|vtp password (?!\d )\S)"
)


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """Local accounts with the class of their secrets, AAA servers, and in which order a log-on asks them."""
    gaps = Gaps()
    tree = config(cli)
    order = methods(tree, "default")
    privileges = tree.flag("feature privilege") is True
    if not privileges:
        gaps.note("enable_secret", "unsupported", "without `feature privilege` no word raises rights: roles decide")
    users = gaps.attempt("users", lambda: tuple(_users(tree)))
    by_server = all(_authorised(tree, kind) for kind in ("commands", "config-commands"))
    if any(row.administrator is None for row in users or ()):
        gaps.note("users[].administrator", "unsupported", "a role is not in the configuration, or an account has none")
    if users is None and not by_server:
        gaps.note("commands_authorised", "denied", _HIDDEN)
    return DeviceAccounts(
        users=users,
        enable_secret=_enable(tree) if privileges else None,
        servers=tuple(_servers(tree)),
        remote_first=order[:1] != () and order[0].startswith("group ") and served(tree, order[0].removeprefix("group ")),
        local_fallback=gaps.attempt("local_fallback", lambda: _fallback(cli, tree, order)),
        # roles are always in force: they decide by task once somebody has a lesser one
        commands_authorised=by_server
        or (None if users is None else any(row.enabled and row.administrator is False for row in users)),
        accounting=_accounting(tree),
        passwords_encrypted=not any(_READABLE.match(node.text) for node in tree.walk()),
        unseen=gaps.unseen,
    )


def _fallback(cli: DeviceCli, tree: Node, order: tuple[str, ...]) -> bool:
    if "local" in order:
        return True
    said = tree.flag("aaa authentication login default fallback error local")
    if said is None:
        if resolved(cli):
            raise Unsupported("no line `aaa authentication login default fallback error local`, though defaults are written out")
        major(cli)  # raises outside the releases whose defaults are known
        return True  # Security Configuration Guide, Configuring AAA, Default Settings: fallback to local authentication
    return said


def _authorised(tree: Node, kind: str) -> bool:
    said = (tree.value(f"aaa authorization {kind} default ") or "").split()
    # `none` lets every command through once no server answers
    return (
        said[:1] == ["group"]
        and "none" not in said
        and any(served(tree, name) for name in said[1:] if name not in ("local", "none"))
    )


def _accounting(tree: Node) -> bool:
    said = (tree.value("aaa accounting default ") or "").split()
    return said[:1] == ["group"] and any(served(tree, name) for name in said[1:] if name not in ("local", "none"))


# --- accounts ---------------------------------------------------------------------------------------------------------


def _users(tree: Node) -> Iterator[DeviceAccount]:
    said: dict[str, list[str]] = {}
    for line in tree.lines("username "):
        name, _, rest = line.partition(" ")
        said.setdefault(name, []).append(rest)
    if not said:
        raise Denied(_HIDDEN)
    for name, lines in said.items():
        words = " ".join(lines)
        roles = list(dict.fromkeys(re.findall(r"(?:^| )role (\S+)", words)))
        may = [administrator(tree, role) for role in roles]
        secret, keyed = _kind(words), any(line.startswith("sshkey ") for line in lines)
        locked = bool(re.search(r"\bpassword \d !(?: |$)", words))
        yield DeviceAccount(
            name=name,
            administrator=True if True in may else None if None in may or not may else False,
            role=" ".join(roles),
            secret=("key" if keyed else secret) if locked else secret or ("key" if keyed else None),
            enabled=not locked or keyed,
            factory=name.lower() in _FACTORY,
        )


def administrator(tree: Node, role: str) -> bool | None:
    """The role may change the configuration; None for one whose rules are not in the configuration."""
    if role in _MAY or role in _MAY_NOT:
        return role in _MAY
    block = next((node for node in tree.children if node.text == f"role name {role}"), None)
    if block is None:
        return None
    rules = [found[1] for found in block.matches(r"rule \d+ permit (.+)$")]
    return any(rule.startswith("read-write") or re.match(r"command (?:conf|\*)", rule) for rule in rules)


def _kind(words: str) -> Secret | None:
    found = re.search(r"\bpassword (?:(\d) )?(\S+)", words)
    if not found:
        return None
    if found[1] in (None, "0"):
        return "clear"
    return _HASHES.get(found[2][:3]) if found[1] in ("5", "8", "9") else "reversible" if found[1] in ("6", "7") else None


def _enable(tree: Node) -> Secret | None:
    for line in reversed(tree.lines("enable secret ")):
        return _kind(f"password {re.sub(r' priv-lvl .*', '', line)}")
    return "none"


def _servers(tree: Node) -> Iterator[AuthServer]:
    for word in ("tacacs", "radius", "ldap"):
        shared = next((_encrypted(line) for line in reversed(tree.lines(f"{word}-server key "))), None)
        kept: dict[str, bool | None] = {}
        for line in tree.lines(f"{word}-server host "):
            own = re.search(r"\b(?:key|password) (.+)$", line)
            address = line.split()[0]
            kept[address] = _encrypted(own[1]) if own else kept.get(address)
        for address, own_key in kept.items():
            yield AuthServer.model_validate(
                {
                    "protocol": {"tacacs": "tacacs+"}.get(word, word), "address": address,
                    "encrypted_key": shared if own_key is None else own_key,
                }
            )  # fmt: skip


def _encrypted(said: str) -> bool:
    return bool(re.match(r"[67] \S", said))


# --- passwords --------------------------------------------------------------------------------------------------------


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """What the strength check demands, lengths and lifetimes of the configuration, and both ways to lock."""
    gaps = Gaps()
    tree = config(cli)
    strong = gaps.attempt(("quality_enforced", "min_classes", "dictionary_check"), lambda: _strong(cli, tree))
    lock = _lock(tree)
    ages = gaps.attempt("max_age_days", lambda: _lifetimes(tree))
    return PasswordPolicy(
        quality_enforced=strong,
        min_length=gaps.attempt("min_length", lambda: _length(tree, strong)),
        # Security Configuration Guide, Password Strength: eight characters, upper and lower case and numbers, no words
        min_classes=None if strong is None else 3 if strong else 0,
        dictionary_check=strong,
        history=None,
        max_age_days=None if ages is None else max(ages) if 99999 not in ages else "unlimited",
        min_age_days=None,
        failed_logins_before_lock=lock[0] if lock else "unlimited",
        lock_minutes=lock[2] // 60 if lock else None,
        lock_window_minutes=lock[1] // 60 if lock else None,
        lock_applies_to_root=True if lock else None,
        empty_passwords_accepted=False,  # an account without one cannot log on
        hash_algorithm=None,
        unseen=gaps.unseen,
    )


def _strong(cli: DeviceCli, tree: Node) -> bool:
    said = tree.flag("password strength-check")
    if said is not None:
        return said
    text = per_device(cli, "nxos.strength", lambda: cli.ask("show password strength-check"))
    found = re.search(r"(enabled|disabled)", text, re.I)
    if not found:
        raise Unparsable("show password strength-check: does not say whether it is on")
    return found[1].lower() == "enabled"


def _length(tree: Node, strong: bool | None) -> int:
    if not strong:
        raise Unsupported("whether any length counts without the strength check is not documented")
    given = [int(found[1]) for found in tree.matches(r"userpassphrase min-length (\d+)")]
    return max([8, *given[-1:]])


def _lifetimes(tree: Node) -> list[int]:
    """Days the passwords of local accounts live, each by its own line or the default; 99999 where nothing is said."""
    common = [int(found[1]) for found in tree.matches(r"userpassphrase default-lifetime (\d+)")][-1:] or [99999]
    own: dict[str, int] = {}
    for line in tree.lines("username "):
        name, _, rest = line.partition(" ")
        found = re.search(r"\bpassphrase lifetime (\d+)", rest)
        own[name] = int(found[1]) if found else own.get(name, common[0])
    if not own:
        raise Denied(_HIDDEN)
    return list(own.values())


def _lock(tree: Node) -> tuple[int, int, int] | None:
    """(tries, seconds they are counted in, seconds it lasts): an account is banned, or nobody may log on for a while."""
    for pattern in (
        r"aaa authentication rejected (?P<tries>\d+) in (?P<window>\d+) ban (?P<lock>\d+)",
        r"(?:system )?login block-for (?P<lock>\d+) attempts (?P<tries>\d+) within (?P<window>\d+)",
    ):
        for found in tree.matches(pattern)[-1:]:
            return int(found["tries"]), int(found["window"]), int(found["lock"])
    return None
