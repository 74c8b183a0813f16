"""Cisco ASA: do its routing neighbours prove who they are? One row per interface or neighbour, never one for all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network, ip_network
from typing import Literal

from collectors.devices.cisco_asa.text import config
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import prefix
from collectors.errors import Unparsable
from collectors.facts.redundancy import Routing
from collectors.transports.base import DeviceCli

Protocol = Literal["ospf", "ospfv3", "bgp", "eigrp", "rip", "isis"]

_KEY = "ospf message-digest-key "


def routing(cli: DeviceCli) -> tuple[Routing, ...]:
    """Every process of the configuration. Raises Unparsable for a protocol this file does not know."""
    tree = config(cli)
    rows: list[Routing] = []
    for block in tree.blocks("router "):
        kind, *rest = block.text.split()[1:]
        if kind not in _READERS:
            raise Unparsable(f"no routing protocol we know: {block.text[:60]}")
        protocol, read = _READERS[kind]
        rows += _never_none(protocol, " ".join(rest), read(tree, block, " ".join(rest)))
    for block in tree.blocks("ipv6 router ospf "):
        process = block.text.split()[3]
        rows += _never_none("ospfv3", process, _ospfv3(tree, block, process))
    return tuple(rows)


def _never_none(protocol: Protocol, name: str, found: Iterator[Routing]) -> list[Routing]:
    """A process whose interfaces or neighbours were not found is not one without any."""
    return list(found) or [Routing(protocol=protocol, name=name or protocol, authenticated=None)]


def _speakers(tree: Node, block: Node) -> Iterator[tuple[Node, str, IPv4Address | None]]:
    """(interface, name, address) of those in use that the process is not told to keep silent on; no address: a server or another
    interface gives it."""
    quiet, loud = set(block.lines("passive-interface ")), set(block.lines("no passive-interface "))
    for interface in tree.blocks("interface "):
        name = interface.value("nameif ")
        silent = name in quiet or ("default" in quiet and name not in loud)
        speaks = any(child.text.startswith(("ip address ", "ip unnumbered ")) for child in interface.children)
        if name is None or silent or not speaks or interface.flag("shutdown") is True:
            continue
        found = interface.matches(r"ip address (\d\S+) (\d\S+)")
        yield interface, name, IPv4Address(found[-1][1]) if found else None


def _network(address: str, mask: str | None) -> IPv4Network:
    """With its mask (the ASA writes no wildcards), or by the class of its address."""
    try:
        if mask is None:
            first = int(address.split(".")[0])
            return IPv4Network(f"{address}/{8 if first < 128 else 16 if first < 192 else 24}", strict=False)
        found = ip_network(prefix(address, mask), strict=False)
    except ValueError as error:
        raise Unparsable(f"network of a routing process: {address[:40]}") from error
    assert isinstance(found, IPv4Network)
    return found


# --- OSPF -------------------------------------------------------------------------------------------------------------


def _ospf(tree: Node, block: Node, process: str) -> Iterator[Routing]:
    lines = [child.text for child in block.children]
    networks = [(_network(found[1], found[2]), found[3]) for found in block.matches(r"network (\S+) (\S+) area (\S+)")]
    for interface, name, address in _speakers(tree, block):
        areas = list(dict.fromkeys(area for network, area in networks if address is None or address in network))
        proofs = {_ospf_proves(interface, _ospf_kind(lines, f"area {area} authentication")) for area in areas}
        if areas:
            # an address that a server gives, or that lies in several areas: only what holds in each
            sure = len(proofs) == 1 and address is not None
            yield Routing(
                protocol="ospf", name=f"{process} area {' or '.join(areas)} {name}", authenticated=proofs.pop() if sure else None
            )
    links: dict[tuple[str, str], list[str]] = {}
    for found in block.matches(r"area (\S+) virtual-link (\S+)(?: (.*))?$"):
        links.setdefault((found[1], found[2]), []).append(found[3] or "")
    for (area, peer), said in links.items():
        proves = _link_proves(" ".join(said), _ospf_kind(lines, "area 0 authentication"))
        yield Routing(protocol="ospf", name=f"{process} area {area} virtual-link {peer}", authenticated=proves)


def _link_proves(said: str, backbone: str | None) -> bool | None:
    """A virtual link belongs to area 0."""
    if "key-chain" in said or (backbone == "chain" and "authentication" not in said):
        return None
    plain = re.search(r"\bauthentication(?! message-digest)(?: |$)", said)
    digest = "authentication message-digest" in said or (backbone == "digest" and not plain)
    return digest and not plain and "message-digest-key " in said


def _ospf_kind(lines: list[str], start: str) -> str | None:
    """digest, chain or none by the last line that says so; None where none does."""
    found = None
    for line in lines:
        if line == f"{start} message-digest":
            found = "digest"
        elif line.startswith(f"{start} key-chain "):
            found = "chain"
        elif line in (start, f"{start} null", f"no {start}", f"no {start} message-digest"):
            found = "none"
    return found


def _ospf_proves(interface: Node, whole: str | None) -> bool | None:
    """The interface's own word before the area's; a digest without a key of its own proves nothing."""
    kind = _ospf_kind([child.text for child in interface.children], "ospf authentication") or whole
    if kind == "chain":
        return None  # whether its keys are valid now is not read
    return kind == "digest" and bool(interface.lines(_KEY))


def _ospfv3(tree: Node, block: Node, process: str) -> Iterator[Routing]:
    for interface in tree.blocks("interface "):
        name = interface.value("nameif ") or interface.text.removeprefix("interface ")
        for found in interface.matches(rf"ipv6 ospf {re.escape(process)} area (\S+)"):
            own = [line for line in interface.lines("ipv6 ospf ") if line.startswith(("authentication ", "encryption "))]
            whole = [line for line in block.lines(f"area {found[1]} ") if line.startswith(("authentication ", "encryption "))]
            said = own or whole
            proves = bool(said) and all(" ipsec spi " in f" {line}" for line in said)
            yield Routing(protocol="ospfv3", name=f"{process} area {found[1]} {name}", authenticated=proves)
    for found in block.matches(r"area (\S+) virtual-link (\S+)"):
        yield Routing(protocol="ospfv3", name=f"{process} area {found[1]} virtual-link {found[2]}", authenticated=None)


# --- EIGRP, RIP, IS-IS, BGP -------------------------------------------------------------------------------------------


def _by_network(tree: Node, block: Node) -> Iterator[tuple[Node, str, bool]]:
    """(interface, name, it certainly speaks) for those a `network` line covers."""
    networks = [_network(found[1], found[2]) for found in block.matches(r"network (\S+)(?: (\S+))?$")]
    for interface, name, address in _speakers(tree, block):
        if address is None:
            yield interface, name, False
        elif any(address in network for network in networks):
            yield interface, name, True


def _eigrp(tree: Node, block: Node, number: str) -> Iterator[Routing]:
    for interface, name, certain in _by_network(tree, block):
        proves = interface.flag(f"authentication mode eigrp {number} md5") is True and bool(
            interface.lines(f"authentication key eigrp {number} ")
        )
        yield Routing(protocol="eigrp", name=f"{number} {name}", authenticated=proves if certain else None)


def _rip(tree: Node, block: Node, _: str) -> Iterator[Routing]:
    for interface, name, certain in _by_network(tree, block):
        proves = interface.flag("rip authentication mode md5") is True and bool(interface.lines("rip authentication key "))
        yield Routing(protocol="rip", name=name, authenticated=proves if certain else None)


def _isis(tree: Node, block: Node, name: str) -> Iterator[Routing]:
    """Without any word of a digest certainly not; with some, on which links and levels is not judged."""
    lines = [child.text for node in (block, *tree.blocks("interface ")) for child in node.children]
    some = any(re.match(r"(?:isis )?authentication mode md5", line) for line in lines)
    yield Routing(protocol="isis", name=name or "isis", authenticated=None if some else False)


def _bgp(tree: Node, block: Node, number: str) -> Iterator[Routing]:
    """Each address family by itself: the same address may be a neighbour in two, and have a password in one."""
    for family in (block, *block.blocks("address-family ")):
        shared = any(" peer-group" in line or " inherit " in line for line in family.lines("neighbor "))
        keyed: dict[str, bool] = {}
        for line in family.children:
            if found := re.match(r"(no )?neighbor (\S+) (remote-as|password|peer-group|inherit)\b", line.text):
                if found[3] == "password":
                    keyed[found[2]] = found[1] is None
                elif found[1] is None:
                    keyed.setdefault(found[2], False)
        where = "" if family is block else f" {family.text.removeprefix('address-family ')}"
        for peer, proves in keyed.items():
            yield Routing(protocol="bgp", name=f"{number}{where} {peer}", authenticated=None if shared and not proves else proves)


_READERS: dict[str, tuple[Protocol, Callable[[Node, Node, str], Iterator[Routing]]]] = {
    "ospf": ("ospf", _ospf), "eigrp": ("eigrp", _eigrp), "rip": ("rip", _rip), "isis": ("isis", _isis), "bgp": ("bgp", _bgp),
}  # fmt: skip
