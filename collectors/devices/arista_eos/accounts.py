"""Arista EOS: accounts, AAA, and what is demanded of passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.devices.arista_eos.access import methods, served
from collectors.devices.arista_eos.text import block, config, release
from collectors.devices.syntax.indent import Node
from collectors.errors import Denied
from collectors.facts.base import Gaps
from collectors.facts.device_accounts import AuthServer, DeviceAccount, DeviceAccounts, Secret
from collectors.facts.password_policy import PasswordPolicy
from collectors.transports.base import DeviceCli

_FACTORY = frozenset({"arista", "admin", "administrator", "root", "manager", "guest", "user", "test", "cvpadmin"})
_HASHES: dict[str, Secret] = {"$1$": "weak-hash", "$5$": "hash", "$6$": "hash"}
_HIDDEN = "no account stands in the configuration, while EOS always keeps admin: this account sees a part of it"
_READABLE = re.compile(
    r"(?:(?:tacacs|radius)-server .*\bkey (?:0 )?(?!(?:7|8a) )\S"
    r"|(?:username \S+ .*|enable |aaa root )(?:secret|password) 0 "
    r"|(?:ip ospf |neighbor \S+ |vrrp \d+ )?.*\b(?:authentication-key|password|key-string|message-digest-key \d+ \S+) 0 \S"
    r"|neighbor \S+ password (?!7 |8a |shared-secret )\S+$"
    r"|(?:vrrp \d+ )(?:peer )?authentication (?:text )?(?!ietf-md5|text)\S+$"
    r"|(?:isis )?authentication key (?:\d+ .*)?0 \S|(?:search )?password 0 \S"
    r"|ntp authentication-key \d+ \S+ (?:0 )?(?!(?:7|8a) )\S+$)"
)


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """Local accounts with the class of their secrets, AAA servers, and in which order a log-on asks them."""
    gaps = Gaps()
    tree = config(cli)
    order = methods(tree, "default")
    first = order[0].removeprefix("group ") if order[0].startswith("group ") else None
    users = gaps.attempt("users", lambda: tuple(_users(tree)))
    by_server = any(_by_server(tree, said) for said in _levels(tree, "authorization"))
    if users is None and not by_server:
        gaps.note("commands_authorised", "denied", _HIDDEN)
    if any(row.administrator is None for row in users or ()):
        reason = "a role is not in the configuration, or no `aaa authorization commands` puts roles in force"
        gaps.note("users[].administrator", "unsupported", reason)
    return DeviceAccounts(
        users=users,
        enable_secret=_enable(tree),
        servers=tuple(_servers(tree)),
        remote_first=first is not None and served(tree, first),
        local_fallback="local" in order,
        # roles decide by command once they are asked, and somebody has a lesser one
        commands_authorised=by_server
        or (None if users is None else any(row.enabled and row.administrator is False for row in users)),
        accounting=any(_by_server(tree, said) for said in _levels(tree, "accounting")),
        passwords_encrypted=not any(_READABLE.match(node.text) for node in tree.walk()),
        unseen=gaps.unseen,
    )


def _levels(tree: Node, word: str) -> Iterator[str]:
    """The methods for commands of level 15; for accounting only those of each command, not its start alone."""
    for found in tree.matches(rf"aaa {word} commands (\S+) default (?:(?:start-stop|stop-only) )?(.+)$"):
        if found[1] == "all" or any(_holds(part) for part in found[1].split(",")):
            yield found[2]


def accounted(tree: Node) -> tuple[str, ...]:
    """Where each command of level 15 is reported to, as configured."""
    return tuple(_levels(tree, "accounting"))


def _holds(part: str) -> bool:
    low, _, high = part.partition("-")
    return low.isdecimal() and int(low) <= 15 <= int(high or low)


def _by_server(tree: Node, said: str) -> bool:
    """A server is asked, and nothing is let through unasked once none answers."""
    return "none" not in said.split() and any(served(tree, name) for name in re.findall(r"group (\S+)", said))


# --- accounts ---------------------------------------------------------------------------------------------------------


def _users(tree: Node) -> Iterator[DeviceAccount]:
    said: dict[str, list[str]] = {}
    for line in tree.lines("username "):
        name, _, rest = line.partition(" ")
        said.setdefault(name, []).append(rest)
    if not said:
        raise Denied(_HIDDEN)
    for name, lines in said.items():
        words = " ".join(line for line in lines if not line.startswith(("ssh-key ", "sshkey ")))
        keyed = any(line.startswith(("ssh-key ", "sshkey ")) for line in lines)
        found = re.search(r"\brole (\S+)", words)
        role = found[1] if found else tree.value("aaa authorization policy local default-role ") or "network-operator"
        secret, may = _kind(words), administrator(tree, role)
        locked = bool(re.search(r"\bsecret (?:\S+ )?[*!](?: |$)", words))
        yield DeviceAccount(
            name=name,
            administrator=may if may or _roles_decide(tree) else None,
            role=role,
            secret="key" if keyed and (locked or secret is None) else secret,
            enabled=not locked or keyed,
            factory=name.lower() in _FACTORY,
        )
    root = tree.value("aaa root ")
    if root:
        yield DeviceAccount(name="root", administrator=True, role="", secret=_kind(root), factory=True)


def _roles_decide(tree: Node) -> bool:
    """Commands are authorised at all (User Manual, Role-Based Authorization: `aaa authorization commands all default local`)."""
    return any(re.search(r"\blocal\b|\bgroup \S", said) for said in _levels(tree, "authorization"))


def administrator(tree: Node, role: str) -> bool | None:
    """The role may enter the configuration: its first rule that speaks of it decides, as EOS does. None for an unknown role."""
    if role in ("network-admin", "network-operator"):
        return role == "network-admin"
    node = next((node for node in tree.children if node.text == f"role {role}"), None)
    if node is None:
        return None
    for rule in node.matches(r"(?:\d+ )?(permit|deny)(?: mode (\S+))? command (.+)$"):
        if rule[2] in (None, "exec"):
            try:
                speaks = re.match(rule[3], "configure terminal")
            except re.error:
                return None
            if speaks:
                return rule[1] == "permit"
    return False


def _kind(words: str) -> Secret | None:
    if re.search(r"\bnopassword\b", words):
        return "none"
    found = re.search(r"\b(?:secret|password) (?:(0|5|7|8a|sha512) )?(\S+)", words)
    if not found or found[2] in ("*", "!"):
        return None
    if found[1] in ("0", None):
        return _HASHES.get(found[2][:3], "clear")
    return "reversible" if found[1] in ("7", "8a") else "hash" if found[1] == "sha512" else _HASHES.get(found[2][:3], "weak-hash")


def _enable(tree: Node) -> Secret | None:
    if "none" in (tree.value("aaa authentication enable default ") or "").split():
        return "none"  # whoever makes the methods before it fail raises his rights unasked
    lines = [
        *(f"secret {line}" for line in tree.lines("enable secret ")),
        *(f"password {line}" for line in tree.lines("enable password ")),
    ]
    return _kind(lines[-1]) if lines else "none"


def _servers(tree: Node) -> Iterator[AuthServer]:
    for word in ("tacacs", "radius"):
        shared = next((_encrypted(line) for line in reversed(tree.lines(f"{word}-server key "))), None)
        for line in tree.lines(f"{word}-server host "):
            own = re.search(r"\bkey (.+)$", line)
            yield AuthServer(
                protocol="tacacs+" if word == "tacacs" else "radius",
                address=line.split()[0],
                encrypted_key=_encrypted(own[1]) if own else shared,
            )
    for line in block(tree, "ldap").lines("server host "):
        yield AuthServer(protocol="ldap", address=line.split()[0])


def _encrypted(said: str) -> bool:
    return bool(re.match(r"(?:7|8a) \S", said))


# --- passwords --------------------------------------------------------------------------------------------------------


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """The length all passwords must have, and the lockout. Policies of their own are bound elsewhere than in the configuration read."""
    gaps = Gaps()
    tree = config(cli)
    security = block(tree, "management security")
    policies = list(security.blocks("password policy "))
    if policies:
        reason = "a policy for passwords is there; to which accounts it is bound is not told"
        gaps.note(("quality_enforced", "min_classes"), "unsupported", reason)
    lock = tree.matches(r"aaa authentication policy lockout failure (\d+)(?: window (\d+))? duration (\d+)")[-1:]
    users = gaps.attempt("empty_passwords_accepted", lambda: tuple(_users(tree)))
    return PasswordPolicy(
        quality_enforced=None if policies else False,
        min_length=gaps.attempt("min_length", lambda: _length(cli, security)),
        min_classes=None if policies else 0,
        history=None,
        max_age_days="unlimited",
        min_age_days=None,
        failed_logins_before_lock=int(lock[0][1]) if lock else "unlimited",
        lock_minutes=int(lock[0][3]) // 60 if lock else None,
        # User Manual: the window is one day unless given
        lock_window_minutes=int(lock[0][2] or 86400) // 60 if lock else None,
        lock_applies_to_root=None,
        empty_passwords_accepted=None if users is None else any(user.secret == "none" for user in users),  # noqa: S105
        hash_algorithm=None,
        unseen=gaps.unseen,
    )


def _length(cli: DeviceCli, security: Node) -> int:
    said = security.value("password minimum length ")
    if said is not None and said.split()[0].isdecimal():
        return int(said.split()[0])
    release(cli)  # raises outside the releases whose defaults are known
    return 0  # User Manual, password minimum length: none is demanded without it
