"""Arista EOS: access lists of the configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping

from collectors.devices.arista_eos.text import interfaces
from collectors.devices.cidr_lists import AccessList
from collectors.devices.syntax.cidr_acl import entries
from collectors.devices.syntax.indent import Node

LIST = re.compile(r"(ip|ipv6) access-list (standard )?(\S+)$")


def access_lists(tree: Node) -> Mapping[str, AccessList]:
    """Every IPv4 and IPv6 list by name; where both families have one of a name, the IPv6 one is `NAME (ipv6)`."""
    found: dict[str, AccessList] = {}
    for node in tree.children:
        head = LIST.match(node.text)
        if head:
            name = f"{head[3]} (ipv6)" if head[1] == "ipv6" and head[3] in found else head[3]
            rows = entries((child.text for child in node.children), {}, bool(head[2]))
            found[name] = AccessList(name, head[1] == "ipv6", rows)
    return found


def named(lists: Mapping[str, AccessList], name: str | None) -> str | None:
    """The key of `lists` for an IPv6 list some line names."""
    return f"{name} (ipv6)" if name and f"{name} (ipv6)" in lists else name


def speaks_v6(tree: Node) -> bool:
    """Some interface in use has an IPv6 address."""
    return any(
        interface.stands("shutdown") is not True and (interface.matches(r"ipv6 address \S") or interface.flag("ipv6 enable"))
        for interface in interfaces(tree)
    )
