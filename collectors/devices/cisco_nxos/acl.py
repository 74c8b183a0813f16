"""Cisco NX-OS: access lists of the configuration with their groups of addresses resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping

from collectors.devices.cidr_lists import AccessList
from collectors.devices.cisco_nxos.text import interfaces
from collectors.devices.syntax.cidr_acl import ANY, Nets, entries, network
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable

LIST = re.compile(r"(ip|ipv6) access-list (?!resequence |match-local|logging)(\S+)$")


def groups(tree: Node) -> Mapping[str, Nets]:
    """`object-group ip address NAME` -> its networks; None for an empty one."""
    found: dict[str, Nets] = {}
    for node in tree.children:
        head = re.match(r"object-group (?:ip|ipv6) address (\S+)$", node.text)
        if head:
            nets = tuple(net for child in node.children for net in _member(child.text))
            found[head[1]] = nets or None
    return found


def _member(line: str) -> tuple[str, ...]:
    words = re.sub(r"^\d+ (?=\S)", "", line).split()
    if words == ["any"]:
        return ANY
    if words[0] == "host" and len(words) == 2:
        return (network(words[1]),)
    if len(words) in (1, 2):
        return (network(*words),)
    raise Unparsable(f"object group: cannot place {line[:80]!r}")


def access_lists(tree: Node) -> Mapping[str, AccessList]:
    """Every IPv4 and IPv6 list by name. A name may be that of one list of each family: the IPv6 one is `NAME (ipv6)` then."""
    known = groups(tree)
    found: dict[str, AccessList] = {}
    for node in tree.children:
        head = LIST.match(node.text)
        if head:
            name = f"{head[2]} (ipv6)" if head[1] == "ipv6" and head[2] in found else head[2]
            rows = entries((child.text for child in node.children), known)
            found[name] = AccessList(name, head[1] == "ipv6", rows)
    return found


def named(lists: Mapping[str, AccessList], name: str | None, v6: bool = False) -> str | None:
    """The key of `lists` for a list some line names."""
    return f"{name} (ipv6)" if v6 and name and f"{name} (ipv6)" in lists else name


def speaks_v6(tree: Node) -> bool:
    """Some interface in use has an IPv6 address."""
    return any(
        interface.stands("shutdown") is not True and interface.matches(r"ipv6 (?:address|link-local) (?!none)\S")
        for interface in interfaces(tree)
    )
