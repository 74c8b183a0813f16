"""Arista EOS: traffic between networks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from collectors.devices.arista_eos.acl import LIST, access_lists, named
from collectors.devices.arista_eos.text import config, interfaces
from collectors.devices.cidr_lists import AccessList, Bound, checks_source, default_action, routed, rows, unbound
from collectors.devices.syntax.indent import Node
from collectors.errors import Unsupported
from collectors.facts.base import Gaps
from collectors.facts.filtering import Filtering, FilterRule
from collectors.transports.base import DeviceCli

_OUTSIDE = re.compile(r"(?i)(?:^|[^a-z])(?:wan|internet|outside|untrust|ngoai|isp|viettel|vnpt|fpt|cmc)(?:[^a-z]|$)|^out")
_GROUP = re.compile(r"(ip|ipv6) access-group (\S+) (in|out)$")


def filtering(cli: DeviceCli) -> Filtering:
    """Packet lists bound to interfaces. Lists of management access are left to device_access."""
    gaps = Gaps()
    tree = config(cli)
    lists = gaps.attempt(("rules", "unbound", "default_action"), lambda: access_lists(tree))
    bound = None if lists is None else _bound(tree, lists)
    rules = None if lists is None or bound is None else gaps.attempt("rules", lambda: _rules(tree, lists, bound))
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
        unbound=None if lists is None else unbound(
            (name for name in lists if "(ipv6)" not in name), [node for node in tree.children if not LIST.match(node.text)]
        ),
        zones=(),
        anti_spoofing=all(checks_source(node) for node in outside) if outside else None,
        unseen=gaps.unseen,
    )  # fmt: skip


def _bound(tree: Node, lists: Mapping[str, AccessList]) -> Mapping[str, list[Bound]]:
    found: dict[str, list[Bound]] = {}
    for interface in interfaces(tree):
        place = interface.text.removeprefix("interface ")
        for line in interface.children:
            if group := _GROUP.match(line.text):
                name = str(named(lists, group[2]) if group[1] == "ipv6" else group[2])
                found.setdefault(name, []).append(Bound(place, group[3] == "in", group[3] == "out"))
    return found


def _rules(tree: Node, lists: Mapping[str, AccessList], bound: Mapping[str, list[Bound]]) -> tuple[FilterRule, ...]:
    for interface in interfaces(tree):
        if interface.lines("traffic-policy input ") or interface.lines("traffic-policy output "):
            raise Unsupported(f"{interface.text}: a traffic policy filters there, whose language is not read")
    return rows(lists, bound)


def doors(tree: Node) -> list[Node]:
    """Interfaces in use that have an address; loopbacks and management ports aside."""
    return routed(interfaces(tree), r"interface (?:Loopback|Management)")
