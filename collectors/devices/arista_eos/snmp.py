"""Arista EOS: SNMP."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from collectors.devices.arista_eos.acl import access_lists, named, speaks_v6
from collectors.devices.arista_eos.text import config
from collectors.devices.cidr_lists import SNMP, AccessList, reach
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import auth, priv, short, well_known
from collectors.facts.base import Gaps
from collectors.facts.snmp_service import Community, SnmpService, SnmpUser, TrapHost
from collectors.transports.base import DeviceCli

Level = Literal["noAuthNoPriv", "authNoPriv", "authPriv"]

_LEVELS: dict[str, Level] = {"noauth": "noAuthNoPriv", "auth": "authNoPriv", "priv": "authPriv"}


def snmp_service(cli: DeviceCli) -> SnmpService:
    """Everything from the configuration; the agent answers once a community or a user is there."""
    gaps = Gaps()
    tree = config(cli)
    lists, v6 = access_lists(tree), speaks_v6(tree)
    whole = _whole(tree, lists, v6)
    communities = tuple(_communities(tree, lists, v6, gaps))
    users = tuple(_users(tree))
    on = bool(communities or tree.lines("snmp-server user ")) and bool(_vrfs(tree))
    doors = [*(row.anywhere for row in communities), *(whole for _ in users)]
    anywhere = False if not on or all(door is False for door in doors) else True if True in doors else None
    if anywhere is None:
        gaps.note("anywhere", "unsupported", "a list is empty or not in the configuration")
    return SnmpService(
        enabled=on,
        # a user of version 1 or 2c is a community by another name
        v1_v2c=on
        and bool(communities or tree.matches(r"snmp-server user \S+ \S+(?: remote \S+(?: udp-port \d+)?)? v(?:1|2c)\b")),
        communities=communities,
        users=users,
        trap_hosts=tuple(_trap_hosts(tree)),
        anywhere=anywhere,
        unseen=gaps.unseen,
    )


def _vrfs(tree: Node) -> tuple[str, ...]:
    """Where it answers: in the default VRF unless that is taken away, and where a line says so."""
    said = {"default": True}
    for line in tree.children:
        if found := re.match(r"(no )?snmp-server vrf (\S+)$", line.text):
            said[found[2]] = not found[1]
    return tuple(vrf for vrf, answers in said.items() if answers)


def _whole(tree: Node, lists: Mapping[str, AccessList], v6: bool) -> bool | None:
    """From anywhere, by the lists that guard the whole service in each VRF where it answers."""
    doors = [
        reach(lists, _guard(tree, "ipv4", vrf), named(lists, _guard(tree, "ipv6", vrf)), v6, SNMP).anywhere for vrf in _vrfs(tree)
    ]
    return True if True in doors else None if None in doors else False


def _guard(tree: Node, family: str, vrf: str) -> str | None:
    tail = "" if vrf == "default" else f" vrf {re.escape(vrf)}"
    found = tree.matches(rf"snmp-server {family} access-list (\S+){tail}$")
    return found[-1][1] if found else None


def _communities(tree: Node, lists: Mapping[str, AccessList], v6: bool, gaps: Gaps) -> Iterator[Community]:
    whole = _whole(tree, lists, v6)
    for line in tree.lines("snmp-server community "):
        name, _, rest = line.partition(" ")
        words = re.sub(r"\bview \S+ ?", "", rest).split()
        six = words[words.index("ipv6") + 1] if "ipv6" in words[:-1] else None
        four = next((word for word in words if word not in ("ro", "rw", "ipv6") and word != six), None)
        own = reach(lists, four, named(lists, six), v6, SNMP).anywhere
        anywhere = False if own is False or whole is False else True if own and whole else None
        if anywhere is None:
            gaps.note("communities[].anywhere", "unsupported", "a list is empty or not in the configuration")
        yield Community(write="rw" in words, well_known=well_known(name), short=short(name), anywhere=anywhere)


def _users(tree: Node) -> Iterator[SnmpUser]:
    groups = tree.matches(r"snmp-server group (\S+) v3(?: (noauth|auth|priv))?(.*)$")
    for found in tree.matches(r"snmp-server user (\S+) (\S+)(?: remote \S+(?: udp-port \d+)?)? v3(.*)$"):
        signed = re.search(r"\bauth (\S+) ", f"{found[3]} ")
        encrypted = re.search(r"\bpriv (\S+) ", f"{found[3]} ")
        own = [group for group in groups if group[1] == found[2]]
        # a group may stand there once per level: the least of them is enough to ask
        levels = [word for word in _LEVELS if any(group[2] == word for group in own)]
        yield SnmpUser(
            name=found[1],
            level=_LEVELS[levels[0]] if levels else "noAuthNoPriv",
            auth=auth(signed[1]) if signed else "none",
            priv=priv(encrypted[1]) if encrypted else "none",
            write=any(" write " in f"{group[3]} " for group in own),
        )


def _trap_hosts(tree: Node) -> Iterator[TrapHost]:
    for line in tree.lines("snmp-server host "):
        found = re.search(r"\bversion (1|2c|3)(?: (noauth|auth|priv))?", line)
        # User Manual, snmp-server host: version 2c unless told otherwise
        yield TrapHost.model_validate(
            {
                "address": line.split()[0], "version": found[1] if found else "2c",
                "level": _LEVELS[found[2]] if found and found[2] else None,
            }
        )  # fmt: skip
