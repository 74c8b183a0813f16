"""Cisco NX-OS: SNMP. Every account of the command line is a user of SNMP v3 too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from collectors.devices.cidr_lists import SNMP, AccessList, reach
from collectors.devices.cisco_nxos.accounts import administrator
from collectors.devices.cisco_nxos.acl import access_lists, named, speaks_v6
from collectors.devices.cisco_nxos.text import config
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import auth, priv, short, well_known
from collectors.facts.base import Gaps
from collectors.facts.snmp_service import Community, SnmpService, SnmpUser, TrapHost
from collectors.transports.base import DeviceCli

Level = Literal["noAuthNoPriv", "authNoPriv", "authPriv"]

_LEVELS: dict[str, Level] = {"noauth": "noAuthNoPriv", "auth": "authNoPriv", "priv": "authPriv"}
_USER = re.compile(
    r"(?P<name>\S+)(?: (?P<group>(?!auth |use-ipv|enforcePriv)\S+))?(?: auth (?P<auth>\S+) \S+(?: priv (?P<priv>(?:aes-\d+|des)(?= ))?)?)?(?P<rest>.*)$"
)


def snmp_service(cli: DeviceCli) -> SnmpService:
    """Everything from the configuration; the agent runs unless `no snmp-server protocol enable` stands there."""
    gaps = Gaps()
    tree = config(cli)
    lists, v6 = access_lists(tree), speaks_v6(tree)
    communities = tuple(_communities(tree, lists, v6, gaps))
    users, open_users = _users(tree, lists, v6, gaps)
    on = tree.flag("snmp-server protocol enable") is not False and bool(communities or users)
    doors = [*(row.anywhere for row in communities), *open_users]
    anywhere = False if not on or all(door is False for door in doors) else True if True in doors else None
    if anywhere is None:
        gaps.note("anywhere", "unsupported", "a list is empty, not there, or names a group that is not there")
    return SnmpService(
        enabled=on,
        v1_v2c=on and bool(communities),
        communities=communities,
        users=users,
        trap_hosts=tuple(_trap_hosts(tree)),
        anywhere=anywhere,
        unseen=gaps.unseen,
    )


def _door(words: str, lists: Mapping[str, AccessList], v6: bool) -> bool | None:
    """`use-acl` counts for IPv4 and IPv6 (old releases); `use-ipv4acl` and `use-ipv6acl` each for its own."""
    four = re.search(r"\buse-(?:ipv4)?acl (\S+)", words)
    six = re.search(r"\buse-ipv6acl (\S+)", words)
    return reach(
        lists, four[1] if four else None, named(lists, six[1] if six else None, True), v6, SNMP, both="use-acl " in words
    ).anywhere


def _communities(tree: Node, lists: Mapping[str, AccessList], v6: bool, gaps: Gaps) -> Iterator[Community]:
    said: dict[str, str] = {}
    for line in tree.lines("snmp-server community "):
        name, _, rest = line.partition(" ")
        said[name] = f"{said.get(name, '')} {rest} "
    for name, words in said.items():
        groups = re.findall(r"\bgroup (\S+)", words)
        anywhere = _door(words, lists, v6)
        if anywhere is None:
            gaps.note("communities[].anywhere", "unsupported", "a list is empty, not there, or names a group that is not there")
        yield Community(
            # a role whose rules are not seen is taken for one that may write
            write=" rw " in words or any(administrator(tree, group) is not False for group in groups),
            well_known=well_known(name),
            short=short(name),
            anywhere=anywhere,
        )


def _users(tree: Node, lists: Mapping[str, AccessList], v6: bool, gaps: Gaps) -> tuple[tuple[SnmpUser, ...], list[bool | None]]:
    """(the users, from anywhere or not)."""
    strict = tree.flag("snmp-server globalEnforcePriv") is True
    said: dict[str, list[re.Match[str]]] = {}
    for line in tree.lines("snmp-server user "):
        if found := _USER.match(line):
            said.setdefault(found["name"], []).append(found)
    rows, doors = [], []
    for name, lines in said.items():
        words = " ".join(line["rest"] for line in lines) + " "
        keyed = next((line for line in lines if line["auth"]), None)
        encrypted = keyed is not None and " priv " in keyed[0]
        # where the line names an engine it leaves the group out; an account's role is its group
        groups = [line["group"] for line in lines if line["group"]] or [
            role for line in tree.lines(f"username {name} ") for role in re.findall(r"\brole (\S+)", line)
        ]
        may = [administrator(tree, group) for group in groups]
        enforced = strict or "enforcePriv" in words
        if not groups:
            gaps.note("users[].write", "unsupported", f"{name}: the configuration does not name its group")
        rows.append(
            SnmpUser(
                name=name,
                # Configuring SNMP, Default Settings and `enforcePriv`: without it requests without authentication
                # and encryption are accepted
                level="authPriv" if enforced and encrypted else "noAuthNoPriv",
                auth=auth(keyed["auth"]) if keyed else "none",
                priv=priv(keyed["priv"] or "des") if keyed and encrypted else "none",
                write=True if True in may else None if None in may or not may else False,
            )
        )
        doors.append(_door(words, lists, v6))
    return tuple(rows), doors


def _trap_hosts(tree: Node) -> Iterator[TrapHost]:
    for line in tree.lines("snmp-server host "):
        address, _, rest = line.partition(" ")
        if rest.startswith(("use-vrf ", "filter-vrf ", "source-interface ")):
            continue  # says more of a host that has a line of its own
        found = re.search(r"\bversion (1|2c|3)(?: (noauth|auth|priv))?", rest)
        yield TrapHost.model_validate(
            {
                "address": address, "version": found[1] if found else "1",
                "level": _LEVELS[found[2]] if found and found[2] else None,
            }
        )  # fmt: skip
