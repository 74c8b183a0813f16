"""Aruba AOS-S: accounts, AAA, and what is demanded of passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.devices.aruba_aoss.access import guarded, has_password, login, plain_web, secure_web, telnet
from collectors.devices.aruba_aoss.text import config, known_release, unquoted
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_accounts import AuthServer, DeviceAccount, DeviceAccounts, Secret
from collectors.facts.password_policy import PasswordPolicy
from collectors.transports.base import DeviceCli

_KINDS: dict[str, Secret] = {"plaintext": "clear", "sha1": "weak-hash", "sha256": "weak-hash"}
"""Hashes without salt (ArubaOS-Switch Access Security Guide, include-credentials)."""
_FACTORY = frozenset({"manager", "operator", "admin"})
_READABLE = re.compile(r"\b(?:plaintext|(?<!encrypted-)key|key-value|key-string|authentication-key) (?!\d+ )\S")
_SERVERS = frozenset({"radius", "tacacs", "peap-mschapv2"})


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """Manager and operator with the class of their passwords, servers, and in which order a log-on asks them."""
    gaps = Gaps()
    tree = config(cli)
    orders = gaps.attempt(("remote_first", "local_fallback"), lambda: [login(tree, channel) for channel in _channels(cli, tree)])
    users = gaps.attempt("users", lambda: tuple(_users(cli, tree)))
    if any(user.secret is None for user in users or ()):
        gaps.note("users[].secret", "unsupported", "credentials are left out of the configuration (no include-credentials)")
    if any(user.administrator is None for user in users or ()):
        gaps.note(
            "users[].administrator", "unsupported", "what a group of one's own may do hangs on its rules, which are not followed"
        )
    return DeviceAccounts(
        users=users,
        enable_secret=None,
        servers=tuple(_servers(tree)),
        remote_first=None if orders is None else bool(orders) and all(order[0] in _SERVERS for order in orders),
        local_fallback=None if orders is None else all("local" in order for order in orders),
        commands_authorised=gaps.attempt("commands_authorised", lambda: _authorised(tree)),
        accounting=bool(tree.matches(r"aaa accounting commands \S+ (?:radius|tacacs|syslog)\b")),
        passwords_encrypted=not any(_READABLE.search(node.text) for node in tree.walk()),
        unseen=gaps.unseen,
    )


def _channels(cli: DeviceCli, tree: Node) -> tuple[str, ...]:
    """Ways by which somebody logs on over a network: SSH whether it is on or not, the others where they are."""
    web = plain_web(cli, tree) or secure_web(tree)
    return ("ssh", *(["telnet"] if telnet(cli, tree) else []), *(["web"] if web else []))


def _users(cli: DeviceCli, tree: Node) -> Iterator[DeviceAccount]:
    found: dict[str, DeviceAccount] = {}
    for line in tree.children:
        said = re.match(
            r"password (manager|operator|all)\b(?: user-name (\"[^\"]*\"|\S+))?(?: (plaintext|sha1|sha256) )?", line.text
        )
        if not said:
            continue
        for level in ("manager", "operator") if said[1] == "all" else (said[1],):
            name = unquoted(said[2] or level)
            found[level] = DeviceAccount(
                name=name,
                administrator=level == "manager",
                role=level,
                secret=_KINDS[said[3]] if said[3] else None,
                factory=name.lower() in _FACTORY,
            )
    for level in ("manager", "operator"):
        if not has_password(tree, level) and not guarded(cli, tree):
            # whoever comes is one, and is asked for nothing
            found[level] = DeviceAccount(name=level, administrator=level == "manager", role=level, secret="none", factory=True)  # noqa: S106
    yield from found.values()
    for user in tree.matches(
        r"aaa authentication local-user (\"[^\"]*\"|\S+)(?: group (\"[^\"]*\"|\S+))?(?:.*? password (\S+) )?"
    ):
        role = unquoted(user[2] or "")
        yield DeviceAccount(
            name=unquoted(user[1]),
            administrator={"manager": True, "level-15": True, "operator": False, "level-0": False, "level-1": False}.get(
                role.lower()
            ),
            role=role,
            secret=_KINDS.get(user[3] or ""),
            factory=unquoted(user[1]).lower() in _FACTORY,
        )


def _servers(tree: Node) -> Iterator[AuthServer]:
    for word, protocol in (("tacacs", "tacacs+"), ("radius", "radius")):
        shared = _encrypted(
            " ".join(node.text for node in tree.children if re.match(rf"{word}-server (?:encrypted-)?key ", node.text))
        )
        rows: dict[str, bool | None] = {}
        for line in tree.lines(f"{word}-server host "):  # one server may have several lines
            address, own = unquoted(line.split()[0]), _encrypted(line)
            rows[address] = own if own is not None else rows.get(address)
        for address, own in rows.items():
            yield AuthServer.model_validate(
                {"protocol": protocol, "address": address, "encrypted_key": own if own is not None else shared}
            )


def _encrypted(line: str) -> bool | None:
    """None where no key is shown."""
    if re.search(r"\bencrypted-key \S", line):
        return True
    return False if re.search(r"(?<!encrypted-)\bkey \S", line) else None


def _authorised(tree: Node) -> bool:
    said = (tree.value("aaa authorization commands ") or "none").split()
    if said[0] == "auto":
        raise Unsupported("aaa authorization commands auto: hangs on how each session logged on")
    return said[0] in ("radius", "tacacs", "local")


# --- passwords --------------------------------------------------------------------------------------------------------


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """Rules in force from `show password-configuration`, locking from the configuration."""
    gaps = Gaps()
    rules = ("quality_enforced", "min_length", "min_classes", "history", "max_age_days", "min_age_days", "warn_days")
    shown = gaps.attempt(rules, lambda: _shown(cli))
    on = None if shown is None else _row(shown, "Password control") == "Enabled"
    lock = gaps.attempt(("failed_logins_before_lock", "lock_minutes"), lambda: _lock(cli))
    tries, minutes = lock or (None, None)
    if tries == "unlimited":
        gaps.note("lock_minutes", "unsupported", "nothing locks")
    gaps.note("hash_algorithm", "unsupported", "the switch does not tell how it keeps a new password")
    ages = on and shown is not None and _row(shown, "Password aging") == "Enabled"
    keeps = on and shown is not None and _row(shown, "Password history") == "Enabled"
    return PasswordPolicy(
        quality_enforced=on,
        min_length=None if shown is None else gaps.attempt("min_length", lambda: _number(shown, "Password minimum length")),
        min_classes=None if shown is None else gaps.attempt("min_classes", lambda: _classes(shown)) if on else 0,
        history=None
        if shown is None
        else gaps.attempt("history", lambda: _number(shown, "Number of history records"))
        if keeps
        else 0,
        max_age_days=None
        if shown is None
        else gaps.attempt("max_age_days", lambda: _number(shown, "Aging time"))
        if ages
        else "unlimited",
        min_age_days=None if shown is None else gaps.attempt("min_age_days", lambda: _hours(shown) // 24) if on else 0,
        warn_days=None
        if shown is None
        else gaps.attempt("warn_days", lambda: _number(shown, "Early notice on password expiration"))
        if ages
        else 0,
        failed_logins_before_lock=tries,
        lock_minutes=minutes,
        empty_passwords_accepted=gaps.attempt("empty_passwords_accepted", lambda: not guarded(cli, config(cli))),
        hash_algorithm=None,
        unseen=gaps.unseen,
    )


def _shown(cli: DeviceCli) -> str:
    text = cli.ask("show password-configuration")
    if _row(text, "Password control") not in ("Enabled", "Disabled"):
        raise Unparsable("show password-configuration: does not say whether rules are in force")
    return text


def _row(text: str, name: str) -> str | None:
    found = re.search(rf"^\s*{name}\s*:\s*(\S.*?)\s*$", text, re.M)
    return found[1] if found else None


def _number(text: str, name: str) -> int:
    found = re.match(r"\d+", _row(text, name) or "")
    if not found:
        raise Unparsable(f"show password-configuration: no number of {name} in it")
    return int(found[0])


def _hours(text: str) -> int:
    name = "Minimum password update interval"
    said = _row(text, name) or ""
    if "hour" not in said:
        raise Unparsable(f"show password-configuration: no hours of {name} in it")
    return _number(text, name)


def _classes(text: str) -> int:
    return sum(_number(text, kind) > 0 for kind in ("Lower case", "Upper case", "Special character", "Number"))


def _lock(cli: DeviceCli) -> tuple[Limit, Limit | None]:
    """Tries count per account only with a delay; without one they end the session alone (Access Security Guide, lockout)."""
    tree = config(cli)
    tries, delay = tree.value("aaa authentication num-attempts "), tree.value("aaa authentication lockout-delay ")
    if delay is None and not known_release(cli):
        raise Unsupported("no line on locking, and the factory's setting of this release is not known")
    if not delay or int(delay) == 0:
        return "unlimited", None
    return int(tries or 3), int(delay) // 60
