"""Cisco ASA: administrators, AAA, and what is demanded of passwords."""

from __future__ import annotations

import re

from collectors.devices.cisco_asa.text import config, release, resolved
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_accounts import AuthServer, DeviceAccount, DeviceAccounts, Secret
from collectors.facts.password_policy import PasswordPolicy
from collectors.transports.base import DeviceCli

BLANK = "8Ry2YjIyt7RRXU24"
"""What an empty enable password looks like in the configuration: the maker's own initial value, the same on every device."""
_FACTORY = {"admin", "cisco", "pix", "asa", "enable_15", "administrator"}
_PROTOCOLS = {"tacacs+": "tacacs+", "radius": "radius", "ldap": "ldap", "kerberos": "kerberos"}
_DEFAULT_PRIVILEGE = "2"
"""username ... privilege: "The default privilege level is 2" (Cisco ASA Series Command Reference, T - Z, all of 8.x and 9.x)."""


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """Local users, the enable password, and the server groups that the management lines name."""
    gaps = Gaps()
    tree = config(cli)
    groups = _groups(tree)
    first, fallback = _order(tree)
    if first is None:
        gaps.note(
            ("remote_first", "local_fallback"), "unsupported", "no aaa authentication line: each way in has its own shared word"
        )
    elif fallback is None:
        gaps.note("local_fallback", "unsupported", "no server is asked")
    master = tree.flag("password encryption aes") is True
    return DeviceAccounts(
        users=gaps.attempt("users", lambda: _users(tree)),
        enable_secret=gaps.attempt("enable_secret", lambda: _enable(cli, tree)),
        servers=gaps.attempt("servers", lambda: _servers(tree, groups, master)),
        remote_first=first,
        local_fallback=fallback,
        commands_authorised=any(True for _ in tree.blocks("aaa authorization command ")),
        accounting=any(True for _ in tree.blocks("aaa accounting command ")),
        passwords_encrypted=master,
        unseen=gaps.unseen,
    )


def _users(tree: Node) -> tuple[DeviceAccount, ...]:
    rows: dict[str, DeviceAccount] = {}
    services: dict[str, str] = {}
    for block in tree.blocks("username "):
        words = block.text.split()
        if words[2:] == ["attributes"]:
            services[words[1]] = block.value("service-type ") or ""
            continue
        secret, level = _secret(words), re.search(r" privilege (\d+)\b", block.text)
        role = level[1] if level else _DEFAULT_PRIVILEGE
        rows[words[1]] = DeviceAccount(
            name=words[1], administrator=role == "15", role=role, secret=secret, factory=words[1].lower() in _FACTORY
        )
    # whoever may only use the VPN administers nothing, whatever the level says
    return tuple(
        row.model_copy(update={"administrator": False, "enabled": False}) if services.get(name) == "remote-access" else row
        for name, row in rows.items()
    )


def _secret(words: list[str]) -> Secret:
    if "nopassword" in words[2:3]:
        return "none"
    if len(words) < 4 or words[2] != "password":
        raise Unparsable(f"username {words[1]}: cannot place its line")
    return _kind(words[4:])


def _kind(rest: list[str]) -> Secret:
    """By the word behind: the ASA hashes every password, `encrypted` with MD5, `nt-encrypted` with MD4, `pbkdf2` with SHA-512."""
    if "pbkdf2" in rest:
        return "hash"
    if "encrypted" in rest or "nt-encrypted" in rest or "mschap" in rest:
        return "weak-hash"
    return "clear"


def _enable(cli: DeviceCli, tree: Node) -> Secret:
    found = [
        line.split() for line in tree.lines("enable password ") if " level " not in f" {line} " or " level 15 " in f" {line} "
    ]
    if not found:
        # "the enable password is blank by default"; since 9.12(1) it must be set at the first log-on (release notes)
        if not resolved(cli):
            raise Unsupported("no enable password line: blank before 9.12, asked for at the first log-on since")
        return "none"
    words = found[-1]
    return "none" if words[0] == BLANK else _kind(words[1:])


def _groups(tree: Node) -> list[str]:
    """Server groups that administrators are sent to, in the order they are named."""
    names: list[str] = []
    for kind in ("authentication", "authorization", "accounting"):
        for line in tree.lines(f"aaa {kind} "):
            found = re.match(r"(?:(?:ssh|telnet|http|serial|enable)(?: console)?|exec|command(?: privilege \d+)?) (\S+)", line)
            if found and found[1] not in ("LOCAL", "authentication-server", "console"):
                names.append(found[1])
    return list(dict.fromkeys(names))


def _order(tree: Node) -> tuple[bool | None, bool | None]:
    """(servers first on every way that is open, a local account still lets in). Only ways with a line count."""
    said = []
    open_ways = [
        what for what in ("ssh", "telnet", "http", "serial") if what == "serial" or any(True for _ in tree.blocks(f"{what} "))
    ]
    for what in open_ways:
        line = tree.value(f"aaa authentication {what} console ")
        if line is not None:
            said.append(line.split())
    if not said:
        return None, None
    remote = [words for words in said if words[0] != "LOCAL"]
    return len(remote) == len(said), any("LOCAL" in words[1:] for words in remote) if remote else None


def _servers(tree: Node, groups: list[str], master: bool) -> tuple[AuthServer, ...]:
    protocols = {found[1]: found[2] for found in tree.matches(r"aaa-server (\S+) protocol (\S+)")}
    rows = []
    for found in tree.matches(r"aaa-server (\S+) (?:\(\S+\) )?host (\S+)"):
        if found[1] not in groups:
            continue  # it vouches for people on the VPN
        protocol = protocols.get(found[1], "")
        if protocol not in _PROTOCOLS:
            raise Unparsable(f"aaa-server {found[1]}: no protocol we know: {protocol[:20]}")
        rows.append(AuthServer(protocol=_PROTOCOLS[protocol], address=found[2], encrypted_key=master))
    return tuple(rows)


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """`password-policy` and `aaa local authentication attempts`, both for local accounts alone."""
    gaps = Gaps()
    tree = config(cli)
    kinds = ("minimum-uppercase", "minimum-lowercase", "minimum-numeric", "minimum-special")
    demanded = gaps.attempt(("quality_enforced", "min_classes"), lambda: [_number(cli, tree, kind) for kind in kinds])
    counted = None if demanded is None else sum(1 for number in demanded if number)
    lifetime = gaps.attempt("max_age_days", lambda: _number(cli, tree, "lifetime"))
    tries = _tries(tree)
    if tries == "unlimited":
        gaps.note(("lock_minutes", "lock_applies_to_root"), "unsupported", "nothing locks an account here")
    else:
        since = gaps.attempt(("lock_minutes", "lock_applies_to_root"), lambda: release(cli))
    # "users will be unlocked after 10 minutes ... Privilege level 15 users are also now affected" (release notes, 9.17(1))
    new = tries != "unlimited" and since is not None and since >= (9, 17)
    known = tries != "unlimited" and since is not None
    return PasswordPolicy(
        quality_enforced=None if counted is None else counted > 0,
        min_length=gaps.attempt("min_length", lambda: _number(cli, tree, "minimum-length")),
        min_classes=counted,
        history=gaps.attempt("history", lambda: _history(tree)),
        max_age_days=None if lifetime is None else lifetime or "unlimited",
        min_age_days=None,
        failed_logins_before_lock=tries,
        lock_minutes=(10 if new else "unlimited") if known else None,
        lock_applies_to_root=new if known else None,
        empty_passwords_accepted=None,
        hash_algorithm=None,
        unseen=gaps.unseen,
    )


_POLICY_DEFAULTS = {
    "minimum-length": 3,
    "minimum-uppercase": 0,
    "minimum-lowercase": 0,
    "minimum-numeric": 0,
    "minimum-special": 0,
    "lifetime": 0,
}
"""Defaults of `password-policy` (Cisco ASA Series Command Reference, I - R, 9.1 to 9.22)."""


def _number(cli: DeviceCli, tree: Node, what: str) -> int:
    said = tree.value(f"password-policy {what} ")
    if said is not None:
        if not said.isdigit():
            raise Unparsable(f"password-policy {what}: no number: {said[:20]}")
        return int(said)
    if not (9, 1) <= release(cli) <= (9, 22):
        raise Unsupported(f"password-policy {what} is not in the configuration, and the release is outside our table")
    return _POLICY_DEFAULTS[what]


def _history(tree: Node) -> int:
    said = tree.value("password-policy reuse-interval ") or tree.value("password-history ")
    if said is None or not said.isdigit():
        raise Unsupported("no reuse-interval in the configuration; older releases know none")
    return int(said)


def _tries(tree: Node) -> Limit:
    said = tree.value("aaa local authentication attempts max-fail ")
    if said is None:
        return "unlimited"
    if not said.isdigit():
        raise Unparsable(f"aaa local authentication attempts: no number: {said[:20]}")
    return int(said)
