"""Aruba AOS-CX: accounts, AAA, and what is demanded of passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.devices.aruba_aoscx.access import methods, vrfs
from collectors.devices.aruba_aoscx.text import config
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_accounts import AuthServer, DeviceAccount, DeviceAccounts, Secret
from collectors.facts.password_policy import PasswordPolicy
from collectors.transports.base import DeviceCli

_ROLES = {"administrators": True, "operators": False, "auditors": False}
_KINDS = {"tacacs": "tacacs+", "radius": "radius"}


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """Local accounts with the class of their secrets, servers, and in which order a log-on asks them."""
    gaps = Gaps()
    tree = config(cli)
    users = tuple(_users(tree))
    if any(user.secret is None for user in users):
        gaps.note("users[].secret", "unsupported", "no line tells by what an account logs on")
    if any(user.administrator is None for user in users):
        gaps.note(
            "users[].administrator", "unsupported", "what a group of one's own may do hangs on its rules, which are not followed"
        )
    orders = [methods(tree, channel) for channel in _channels(tree)]
    return DeviceAccounts(
        users=users,
        enable_secret=None,
        servers=tuple(_servers(tree)),
        remote_first=bool(orders) and all(order is not None and order[0] not in ("local", "none") for order in orders),
        local_fallback=gaps.attempt("local_fallback", lambda: _fallback(tree, orders)),
        commands_authorised=_authorised(tree),
        accounting=_accounted(tree),
        passwords_encrypted=not any(re.search(r"\s(?:plaintext|authentication text) \S", node.text) for node in tree.walk()),
        unseen=gaps.unseen,
    )


def _channels(tree: Node) -> tuple[str, ...]:
    """Ways by which somebody logs on over a network; the console's where none is open."""
    named = (("ssh", "ssh"), ("telnet", "telnet"), ("https", "https-server"))
    return tuple(channel for protocol, channel in named if vrfs(tree, protocol)) or ("console",)


def _users(tree: Node) -> Iterator[DeviceAccount]:
    said: dict[str, str] = {}
    for line in tree.lines("user "):
        name, _, rest = line.partition(" ")
        said[name] = f"{said.get(name, '')} {rest}"
    if not said:
        # the built-in account stands in no line until somebody gives it a password (AOS-CX Fundamentals Guide, factory state)
        said["admin"] = " group administrators"
    for name, words in said.items():
        group = re.search(r"(?:^| )group (\S+)", words)
        role = group[1] if group else ""
        yield DeviceAccount(
            name=name,
            # a line without a group is that of the built-in admin, or of a release that names it elsewhere
            administrator=_ROLES.get(role, None if role else name == "admin" or None),
            role=role,
            secret=_kind(words),
            factory=name == "admin",
        )


def _kind(words: str) -> Secret | None:
    """A ciphertext is made with the export password, and whoever knows that (the default is the same everywhere) opens it."""
    if found := re.search(r"\bpassword (ciphertext|plaintext) \S", words):
        return "reversible" if found[1] == "ciphertext" else "clear"
    return "key" if " authorized-key " in words else None


def _servers(tree: Node) -> Iterator[AuthServer]:
    for word, protocol in _KINDS.items():
        shared = _encrypted(" ".join(f"key {line}" for line in tree.lines(f"{word}-server key ")))
        for line in tree.lines(f"{word}-server host "):
            own = _encrypted(line)
            yield AuthServer.model_validate(
                {"protocol": protocol, "address": line.split()[0], "encrypted_key": own if own is not None else shared}
            )


def _encrypted(line: str) -> bool | None:
    """None without a key."""
    found = re.search(r"(?:^| )key (\S+)", line)
    return None if found is None else found[1] == "ciphertext" or found[1].startswith("AQB")


def _fallback(tree: Node, orders: list[tuple[str, ...] | None]) -> bool:
    """The list `default` ends with the local accounts whether it names them or not (AOS-CX Hardening Guide, fallback)."""
    for channel, order in zip(_channels(tree), orders, strict=True):
        own = tree.value(f"aaa authentication login {channel} ")
        if order is not None and own is not None and "local" not in order:
            raise Unparsable(
                f"aaa authentication login {channel}: names no local accounts; whether they are asked last is not told"
            )
    return True


def _authorised(tree: Node) -> bool:
    """Each way to the command line sends commands to a server or to rules on the switch; a list that begins with none does not."""
    for channel in (*(channel for channel in ("ssh", "telnet") if vrfs(tree, channel)), "console"):
        said = tree.value(f"aaa authorization commands {channel} ") or tree.value("aaa authorization commands default ")
        if not said or [word for word in said.split() if word != "group"][:1] == ["none"]:
            return False
    return True


def _accounted(tree: Node) -> bool:
    """To a server of AAA by each way in, or with the system's records (include-auditable-events)."""
    if any(re.search(r"\binclude-auditable-events\b", line) for line in tree.lines("logging ")):
        return True
    for channel in _channels(tree):
        said = tree.value(f"aaa accounting all-mgmt {channel} ") or tree.value("aaa accounting all-mgmt default ")
        found = re.match(r"(?:start-stop|stop-only) (.+)$", said or "")
        if not found or not [word for word in found[1].split() if word not in ("group", "local", "none")]:
            return False
    return True


# --- passwords --------------------------------------------------------------------------------------------------------


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """Rules in force from `show password-complexity`, locking from `show aaa authentication`."""
    gaps = Gaps()
    rules = ("quality_enforced", "min_length", "min_classes", "history")
    shown = gaps.attempt(rules, lambda: _complexity(cli))
    on = None if shown is None else _row(shown, r"Password complexity") == "Enabled"
    tries, minutes = gaps.attempt(("failed_logins_before_lock", "lock_minutes"), lambda: _lock(cli)) or (None, None)
    gaps.note("empty_passwords_accepted", "unsupported", "the switch does not tell whether an account may go without a password")
    gaps.note(("max_age_days", "min_age_days", "hash_algorithm"), "unsupported", "AOS-CX shows no such thing")
    if tries == "unlimited":
        gaps.note("lock_minutes", "unsupported", "nothing locks")
    return PasswordPolicy(
        quality_enforced=on,
        min_length=None
        if shown is None
        else gaps.attempt("min_length", lambda: _number(shown, "Minimum password length"))
        if on
        else 0,
        min_classes=None if shown is None else gaps.attempt("min_classes", lambda: _classes(shown)) if on else 0,
        history=None
        if shown is None
        else gaps.attempt("history", lambda: _number(shown, "Previous passwords to check"))
        if on
        else 0,
        max_age_days=None,
        min_age_days=None,
        failed_logins_before_lock=tries,
        lock_minutes=minutes,
        empty_passwords_accepted=None,
        hash_algorithm=None,
        unseen=gaps.unseen,
    )


def _complexity(cli: DeviceCli) -> str:
    text = cli.ask("show password-complexity")
    if _row(text, "Password complexity") not in ("Enabled", "Disabled"):
        raise Unparsable("show password-complexity: does not say whether rules are in force")
    return text


def _row(text: str, name: str) -> str | None:
    found = re.search(rf"^\s*{name}\s*:\s*(\S.*?)\s*$", text, re.M)
    return found[1] if found else None


def _number(text: str, name: str) -> int:
    said = _row(text, name)
    if said is None or not said.isdecimal():
        raise Unparsable(f"show password-complexity: no number of {name} in it")
    return int(said)


def _classes(text: str) -> int:
    return sum(_number(text, f"Minimum {kind} characters") > 0 for kind in ("lowercase", "uppercase", "special", "numeric"))


def _lock(cli: DeviceCli) -> tuple[Limit, Limit | None]:
    """The weaker of network and console, where the release knows both."""
    text = cli.ask("show aaa authentication")
    doors = [("Limit Login Attempts", "Lockout Time"), ("Console Login Attempts", "Console Lockout Time")]
    found = [(_row(text, tries), _row(text, time)) for tries, time in doors]
    if found[0][0] is None:
        raise Unparsable("show aaa authentication: does not say whether wrong tries lock an account")
    limits: list[tuple[Limit, Limit | None]] = [
        (int(tries), int(time) // 60 if time and time.isdecimal() else None)
        if tries.isdecimal() and int(tries)
        else ("unlimited", None)
        for tries, time in found
        if tries is not None
    ]
    if any(tries == "unlimited" for tries, _ in limits):
        return "unlimited", None
    times = [time for _, time in limits if isinstance(time, int)]
    return max(tries for tries, _ in limits if isinstance(tries, int)), min(times) if len(times) == len(limits) else None
