"""Cisco NX-OS: traffic between networks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from collectors.devices.cidr_lists import AccessList, Bound, checks_source, default_action, routed, rows, unbound
from collectors.devices.cisco_nxos.acl import LIST, access_lists, named
from collectors.devices.cisco_nxos.text import config, interfaces
from collectors.devices.syntax.indent import Node
from collectors.facts.base import Gaps
from collectors.facts.filtering import Filtering, FilterRule
from collectors.transports.base import DeviceCli

_OUTSIDE = re.compile(r"(?i)(?:^|[^a-z])(?:wan|internet|outside|untrust|ngoai|isp|viettel|vnpt|fpt|cmc)(?:[^a-z]|$)|^out")
_GROUP = re.compile(r"(?P<six>ipv6 )?(?:ip |ipv6 )?(?:port )?(?:access-group|traffic-filter) (?P<name>\S+) (?P<way>in|out)$")


def filtering(cli: DeviceCli) -> Filtering:
    """Packet lists bound to interfaces and VLANs. Lists of management access are left to device_access."""
    gaps = Gaps()
    tree = config(cli)
    lists = gaps.attempt(("rules", "unbound", "default_action"), lambda: access_lists(tree))
    bound = None if lists is None else _bound(tree, lists)
    rules = (
        None
        if lists is None or bound is None
        else gaps.attempt("rules", lambda: (*rows(lists, bound), *_vlan_rules(tree, lists)))
    )
    if rules:
        gaps.note(
            ("rules[].hits", "rules[].inspected"), "unsupported", "counters are not asked, and packet lists look into nothing"
        )
    outside = [node for node in doors(tree) if _OUTSIDE.search(node.value("description ") or "")]
    if not outside:
        gaps.note("anti_spoofing", "unsupported", "no interface is marked as leading outside by its description")
    return Filtering(
        stateful=False,
        default_action=None if lists is None or bound is None else default_action(doors(tree), lists, bound),
        rules=rules,
        unbound=None if lists is None else _unbound(tree, lists),
        zones=(),
        anti_spoofing=all(checks_source(node) for node in outside) if outside else None,
        unseen=gaps.unseen,
    )


def _bound(tree: Node, lists: Mapping[str, AccessList]) -> Mapping[str, list[Bound]]:
    found: dict[str, list[Bound]] = {}
    for interface in interfaces(tree):
        place = interface.text.removeprefix("interface ")
        for line in interface.children:
            if group := _GROUP.match(line.text):
                name = str(named(lists, group["name"], "traffic-filter" in line.text))
                found.setdefault(name, []).append(Bound(place, group["way"] == "in", group["way"] == "out"))
    return found


def _vlan_rules(tree: Node, lists: Mapping[str, AccessList]) -> Iterator[FilterRule]:
    """What `vlan access-map` lets through or drops where `vlan filter` binds it: the map's action decides of what a list permits."""
    for found in tree.matches(r"vlan filter (\S+) vlan-list (\S+)"):
        for block in tree.children:
            head = re.match(rf"vlan access-map {re.escape(found[1])}(?: \d+)?$", block.text)
            matched = (
                [line.split()[-1] for word in ("ip", "ipv6") for line in block.lines(f"match {word} address ")] if head else []
            )
            drops = (block.value("action ") or "forward").startswith("drop")
            for rule in rows(lists, {name: [Bound(f"vlan {found[2]}", True, False)] for name in matched}):
                action = "other" if rule.action == "deny" else "deny" if drops else "permit"
                yield rule.model_copy(update={"action": action})


def _unbound(tree: Node, lists: Mapping[str, AccessList]) -> tuple[str, ...]:
    return unbound(
        (name for name in lists if "(ipv6)" not in name), [node for node in tree.children if not LIST.match(node.text)]
    )


def doors(tree: Node) -> list[Node]:
    """Interfaces in use that have an address; loopbacks and management ports aside."""
    return routed(interfaces(tree), r"interface (?:loopback|mgmt)")
