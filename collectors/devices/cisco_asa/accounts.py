"""Cisco ASA: administrators, AAA, and what is demanded of passwords."""

from __future__ import annotations

import re
from typing import get_args

from collectors.devices.cisco_asa.text import config, governed_here, release
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
"""username: "The default privilege level is 2" (Cisco ASA Series Command Reference, T - Z, username, Command Default)."""
_LIMITED = ("remote-access", "nas-prompt")


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """Local users, the enable password, and the server groups that the management lines name."""
    governed_here(cli, "accounts of administrators")
    gaps = Gaps()
    tree = config(cli)
    users = gaps.attempt("users", lambda: _users(tree, gaps))
    encrypted = gaps.attempt(("passwords_encrypted", "servers[].encrypted_key"), lambda: _encrypted(cli))
    return DeviceAccounts(
        users=users,
        enable_secret=gaps.attempt("enable_secret", lambda: _enable(cli, tree)),
        servers=gaps.attempt("servers", lambda: _servers(tree, encrypted)),
        remote_first=gaps.attempt("remote_first", lambda: _remote_first(tree)),
        local_fallback=gaps.attempt("local_fallback", lambda: _fallback(tree, users)),
        commands_authorised=gaps.attempt(
            "commands_authorised", lambda: any(_exists(tree, line.split()) for line in tree.lines("aaa authorization command "))
        ),
        accounting=gaps.attempt("accounting", lambda: _accounted(tree)),
        passwords_encrypted=encrypted,
        unseen=gaps.unseen,
    )


# --- accounts ---------------------------------------------------------------------------------------------------------


def _users(tree: Node, gaps: Gaps) -> tuple[DeviceAccount, ...]:
    rows: dict[str, DeviceAccount] = {}
    attributes = {block.text.split()[1]: block for block in tree.blocks("username ") if block.text.endswith(" attributes")}
    for block in tree.blocks("username "):
        words = block.text.split()
        if words[2:] == ["attributes"]:
            continue
        own = attributes.get(words[1])
        level = re.search(r" privilege (\d+)\b", block.text)
        role = level[1] if level else _DEFAULT_PRIVILEGE
        rows[words[1]] = DeviceAccount(
            name=words[1],
            administrator=True if role == "15" and not _limited(tree, own) else None,
            role=role,
            secret=_secret(words, own),
            factory=words[1].lower() in _FACTORY,
        )
    if any(row.administrator is None for row in rows.values()):
        reason = "below level 15, or limited by service-type: what `enable` asks, and the levels of commands, decide"
        gaps.note("users[].administrator", "unsupported", reason)
    if any(row.secret is None for row in rows.values()):
        gaps.note("users[].secret", "unsupported", "the account has neither password nor public key in the configuration")
    return tuple(rows.values())


def _limited(tree: Node, own: Node | None) -> bool:
    """service-type counts only with `aaa authorization exec`, and never on the serial line (Cisco ASA Series General Operations
    CLI Configuration Guide, 9.x, "Limit User CLI and ASDM Access with Management Authorization"). So such an account logs on."""
    return (
        own is not None and own.value("service-type ") in _LIMITED and any(True for _ in tree.blocks("aaa authorization exec "))
    )


def _secret(words: list[str], own: Node | None) -> Secret | None:
    if "nopassword" in words[2:3]:
        return "none"
    if words[2:3] == ["password"] and len(words) > 3:
        return _kind(words[4:])
    if words[2:] and words[2] != "privilege":
        raise Unparsable(f"username {words[1]}: cannot place its line")
    return "key" if own is not None and own.lines("ssh authentication ") else None


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
        raise Unsupported("no enable password line: blank on old releases, asked for at the first log-on on new ones")
    kinds = [_secret_of(words) for words in found[-1:]]
    # a lower level has its own word, and may do much: the worst of all counts
    kinds += [_secret_of(line.split()) for line in tree.lines("enable password ") if " level " in f" {line} "]
    return min(kinds, key=get_args(Secret).index)


def _secret_of(words: list[str]) -> Secret:
    return "none" if words[0] == BLANK else _kind(words[1:])


def _encrypted(cli: DeviceCli) -> bool:
    """`password encryption aes` alone is nothing: "If the passphrase is not configured ... the command will succeed in
    anticipation" (Cisco ASA 5500 Series Configuration Guide using the CLI, 8.4 and 8.6, Configuring the Master Passphrase)."""
    text = cli.ask("show password encryption")
    on = re.search(r"^Password Encryption: *(Enabled|Disabled)", text, re.M)
    key = re.search(r"^Master key hash: *(Not set|0x[0-9a-f]+|\(redacted\))", text, re.M | re.I)
    if not on or not key:
        raise Unparsable("show password encryption: it tells neither the state nor the master key")
    return on[1] == "Enabled" and key[1].lower() != "not set"


# --- who vouches ------------------------------------------------------------------------------------------------------


def _groups(tree: Node) -> list[str]:
    """Server groups that administrators are sent to, in the order they are named."""
    names: list[str] = []
    for kind in ("authentication", "authorization", "accounting"):
        for line in tree.lines(f"aaa {kind} "):
            found = re.match(r"(?:(?:ssh|telnet|http|serial|enable)(?: console)?|exec|command(?: privilege \d+)?) (\S+)", line)
            if found and found[1] not in ("LOCAL", "authentication-server", "console"):
                names.append(found[1])
    return list(dict.fromkeys(names))


def _hosts(tree: Node, group: str) -> list[str]:
    return [found[1] for found in tree.matches(rf"aaa-server {re.escape(group)} (?:\(\S+\) )?host (\S+)")]


def _exists(tree: Node, words: list[str]) -> bool:
    """The word behind names the accounts here, or a group that has a server."""
    name = next((word for word in words if word not in ("privilege",) and not word.isdecimal()), "")
    return name == "LOCAL" or bool(_hosts(tree, name))


def _accounted(tree: Node) -> bool:
    """`aaa accounting command` to a group that has a server; it is of TACACS+ alone."""
    return any(_exists(tree, line.split()) and "LOCAL" not in line for line in tree.lines("aaa accounting command "))


def _doors(tree: Node) -> dict[str, list[str]]:
    """Way in over the network -> the words behind its `aaa authentication`, () without a line. The serial line where it is alone."""
    open_ways = []
    for what in ("ssh", "telnet", "http"):
        enabled = what != "http" or any(True for _ in tree.blocks("http server enable"))
        if enabled and any(
            re.match(r"\S+ \S+ \S+$|\S+/\d+ \S+$", line) and not line.startswith(_SETTINGS) for line in tree.lines(f"{what} ")
        ):
            open_ways.append(what)
    return {what: (tree.value(f"aaa authentication {what} console ") or "").split() for what in open_ways or ["serial"]}


_SETTINGS = ("timeout ", "version ", "key-exchange ", "cipher ", "server ", "redirect ", "stack ", "pubkey-chain", "authentication-certificate ", "username-from")  # fmt: skip


def _remote_first(tree: Node) -> bool:
    """Every way that is open asks a server first. A way without a line asks none."""
    doors = _doors(tree)
    named = [words[0] for words in doors.values() if words and words[0] != "LOCAL"]
    if len(named) < len(doors):
        if any(words or what != "ssh" for what, words in doors.items()):
            return False
        raise Unsupported("no aaa authentication ssh line: a public key, or nobody, is let in there")
    if absent := [name for name in named if not _hosts(tree, name)]:
        raise Unparsable(f"aaa-server {absent[0]} is asked and has no server")
    if any(block.lines("ssh authentication ") for block in tree.blocks("username ")):
        raise Unsupported("some accounts log on by a public key, which asks no server")
    return True


def _fallback(tree: Node, users: tuple[DeviceAccount, ...] | None) -> bool:
    """LOCAL stands behind a server on some way, and there is an account it could mean."""
    remote = [words for words in _doors(tree).values() if words and words[0] != "LOCAL"]
    if not remote:
        raise Unsupported("no server is asked")
    behind = any("LOCAL" in words[1:] for words in remote)
    if behind and users is None:
        raise Unparsable("which accounts stand behind was not seen")
    return behind and bool(users)


def _servers(tree: Node, encrypted: bool | None) -> tuple[AuthServer, ...]:
    protocols = {found[1]: found[2] for found in tree.matches(r"aaa-server (\S+) protocol (\S+)")}
    rows = []
    for group in _groups(tree):  # others vouch for people on the VPN
        protocol, hosts = protocols.get(group, ""), _hosts(tree, group)
        if protocol not in _PROTOCOLS or not hosts:
            raise Unparsable(f"aaa-server {group}: no protocol we know, or no host: {protocol[:20]}")
        rows += [
            AuthServer.model_validate({"protocol": _PROTOCOLS[protocol], "address": host, "encrypted_key": encrypted})
            for host in hosts
        ]
    return tuple(rows)


# --- passwords --------------------------------------------------------------------------------------------------------


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """`password-policy` and `aaa local authentication attempts`, both for local accounts alone."""
    governed_here(cli, "rules of passwords")
    gaps = Gaps()
    tree = config(cli)
    kinds = ("minimum-uppercase", "minimum-lowercase", "minimum-numeric", "minimum-special")
    demanded = gaps.attempt(("quality_enforced", "min_classes"), lambda: [_number(cli, tree, kind) for kind in kinds])
    counted = None if demanded is None else sum(1 for number in demanded if number)
    lifetime = gaps.attempt("max_age_days", lambda: _number(cli, tree, "lifetime"))
    tries = gaps.attempt(("failed_logins_before_lock", "lock_minutes", "lock_applies_to_root"), lambda: _tries(tree))
    newer = None
    if tries == "unlimited":
        gaps.note(("lock_minutes", "lock_applies_to_root"), "unsupported", "nothing locks an account here")
    elif tries is not None:
        # 9.17(1): "users will be unlocked after 10 minutes ... Privilege level 15 users are also now affected" (Release Notes
        # for the Cisco ASA Series, 9.17(x), New Features); before, until an administrator unlocked them, and not level 15
        newer = gaps.attempt(("lock_minutes", "lock_applies_to_root"), lambda: release(cli) >= (9, 17))
    return PasswordPolicy(
        quality_enforced=None if counted is None else counted > 0,
        min_length=gaps.attempt("min_length", lambda: _number(cli, tree, "minimum-length")),
        min_classes=counted,
        history=gaps.attempt("history", lambda: _history(tree)),
        max_age_days=None if lifetime is None else lifetime or "unlimited",
        min_age_days=None,
        failed_logins_before_lock=tries,
        lock_minutes=None if newer is None else 10 if newer else "unlimited",
        lock_applies_to_root=newer,
        empty_passwords_accepted=None,
        hash_algorithm=None,
        unseen=gaps.unseen,
    )


_ZERO = frozenset({"minimum-uppercase", "minimum-lowercase", "minimum-numeric", "minimum-special", "lifetime"})
_ZERO_RELEASES = frozenset({(8, 4), (8, 6)})
"""Releases whose guide says "The default value is 0" of these (Cisco ASA 5500 Series Configuration Guide using the CLI, 8.4 and
8.6, chapter Configuring AAA Servers and the Local Database, password-policy). It tells no default of the length."""


def _number(cli: DeviceCli, tree: Node, what: str) -> int:
    said = tree.value(f"password-policy {what} ")
    if said is not None:
        if not said.isdecimal():
            raise Unparsable(f"password-policy {what}: no number: {said[:20]}")
        return int(said)
    if what not in _ZERO or release(cli) not in _ZERO_RELEASES:
        raise Unsupported(f"password-policy {what} is not in the configuration, and the release is outside our table")
    return 0


def _history(tree: Node) -> int:
    said = tree.value("password-policy reuse-interval ")
    if said is None or not said.isdecimal():
        raise Unsupported("no reuse-interval in the configuration; older releases know none")
    return int(said)


def _tries(tree: Node) -> Limit:
    said = tree.value("aaa local authentication attempts max-fail ")
    if said is None:
        # "If you omit this command, there is no limit on the number of times a user can enter an incorrect password" (Cisco ASA
        # Series Command Reference, A - H, aaa local authentication attempts max-fail, Usage Guidelines)
        return "unlimited"
    if not said.isdecimal():
        raise Unparsable(f"aaa local authentication attempts: no number: {said[:20]}")
    return int(said)
