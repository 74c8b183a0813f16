"""RouterOS: names in rules as what they stand for: address lists, interface lists, and what counts as any."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from collectors.devices.mikrotik_routeros.text import Config, listed
from collectors.devices.vocabulary import everybody
from collectors.errors import Unparsable, Unsupported

IPV4, IPV6 = "ip", "ipv6"

BUILT_IN = ("all", "none", "dynamic", "static")

_FILLERS = ("firewall", "dhcp-server", "ppp", "hotspot", "dns")
"""Menus whose things put addresses into lists: where one could not be exported, nobody knows what it fills."""

_OUTSIDE = re.compile(r"(?:\A|[-_. /])(?:wan|internet|inet|isp|untrust|outside|external)s?\d*(?:\Z|[-_. /])", re.I)


def any_address(addresses: Iterable[str]) -> bool:
    """Together they are everybody: /0, two halves, a range from 1.0.0.0 to the end, 2000::/3. Host names count as narrow."""
    return everybody(networks_of(addresses))


def networks_of(addresses: Iterable[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """What addresses, networks and ranges stand for; nothing for host names."""
    return [network for text in addresses for network in _networks(text)]


def _networks(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    first, dash, last = text.partition("-")
    try:
        if dash:
            return list(ipaddress.summarize_address_range(ipaddress.ip_address(first), ipaddress.ip_address(last)))
        return [ipaddress.ip_network(text, strict=False)]
    except (ValueError, TypeError):
        return []


def address_list(conf: Config, family: str, name: str) -> tuple[str, ...] | None:
    """Addresses of a list; () where nobody is in it and nothing fills it. None where rules, leases or log-ons fill it by themselves."""
    if name in _filled(conf) or any(word in lost for lost in conf.export.failed for word in _FILLERS):
        return None
    return tuple(
        item.values.get("address", "") for item in conf.active(f"{family} firewall address-list") if item.word("list") == name
    )


def _filled(conf: Config) -> set[str]:
    """Lists something else than the administrator puts addresses into."""
    found: set[str] = set()
    for name, section in conf.export.sections.items():
        if name.endswith("firewall address-list"):
            continue
        for item in section.items:
            for key in ("address-list", "address-lists"):
                found |= set(listed(item.word(key) or ""))
    return found


def _moving(conf: Config) -> set[str]:
    """Interface lists the router itself puts interfaces into: where it looks for the Internet, and for callers and wireless."""
    found: set[str] = set()
    for item in conf.items("interface detect-internet"):
        if item.word("detect-interface-list") not in (None, "", "none"):
            found |= {item.word(f"{kind}-interface-list") or "" for kind in ("internet", "lan", "wan")}
    for menu in ("ppp profile", "interface wifi datapath", "caps-man datapath"):
        found |= {item.word("interface-list") or "" for item in conf.items(menu)}
    return found - {"", "none"}


def interfaces_of(conf: Config, name: str) -> frozenset[str] | None:
    """Interfaces of an interface list. None where that depends on what comes and goes."""
    return _interfaces(conf, name, ())


def _interfaces(conf: Config, name: str, above: tuple[str, ...]) -> frozenset[str] | None:
    if name == "none":
        return frozenset()
    if name in BUILT_IN or name in above or name in _moving(conf):
        return None
    heads = [item for item in conf.items("interface list") if item.word("name") == name]
    if not heads:
        raise Unparsable(f"the interface list {name[:40]} is named and is not in the configuration")
    found = {item.values.get("interface", "") for item in conf.active("interface list member") if item.word("list") == name}
    for head in heads:
        for other in listed(head.word("include") or ""):
            inner = _interfaces(conf, other, (*above, name))
            if inner is None:
                return None
            found |= inner
        for other in listed(head.word("exclude") or ""):
            inner = _interfaces(conf, other, (*above, name))
            if inner is None:
                return None
            found -= inner
    # of an interface that is gone no name is left
    return frozenset(found - {""})


def outside_name(name: str) -> bool:
    """The name says that it leads out."""
    return _OUTSIDE.search(name) is not None


def outside(conf: Config) -> frozenset[str]:
    """Interfaces named, or put in a list named, as outside; PPPoE and mobile uplinks too. Empty where none is."""
    found = {item.values["name"] for item in conf.active("interface pppoe-client") if item.word("name")}
    found |= {item.values["name"] for item in conf.active("interface lte") if item.word("name")}
    for menu in ("interface ethernet", "interface vlan", "interface bonding", "interface bridge"):
        found |= {name for item in conf.active(menu) if (name := item.word("name")) and outside_name(name)}
    for item in conf.items("interface list"):
        name = item.word("name")
        if name and name not in BUILT_IN and outside_name(name):
            found |= interfaces_of(conf, name) or frozenset()
    return frozenset(found)


def speaks_v6(conf: Config) -> bool | None:
    """IPv6 is on. RouterOS 6 has no menu of it unless its package is on; None where the menu is not shown on 7."""
    if conf.has("ipv6 settings"):
        try:
            return not conf.on("ipv6 settings", "disable-ipv6")
        except Unsupported:
            return True  # 6 has no such switch: its package is the switch
    if conf.release.major == 6:
        return any(name.startswith("ipv6 ") for name in conf.export.sections)
    return None
