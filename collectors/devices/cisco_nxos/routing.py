"""Cisco NX-OS: vPC, first-hop gateways, routing protocols, power supplies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from collectors.devices.cisco_nxos.text import config, interfaces
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.redundancy import Gateway, Redundancy, Routing
from collectors.transports.base import DeviceCli


def redundancy(cli: DeviceCli) -> Redundancy:
    """vPC as `show vpc` says it, gateways and routing from the configuration, power supplies from their table."""
    gaps = Gaps()
    tree = config(cli)
    pair = tree.flag("feature vpc") is True and any(tree.blocks("vpc domain "))
    if not pair:
        gaps.note("peer_up", "unsupported", "no vPC domain is configured: there is no peer")
    return Redundancy(
        cluster="active-active" if pair else "none",
        peer_up=gaps.attempt("peer_up", lambda: _peer(cli)) if pair else None,
        gateways=tuple(_gateways(tree)),
        routing=(*_ospf(tree), *_ospfv3(tree), *_bgp(tree), *_by_interface(tree)),
        second_power=gaps.attempt("second_power", lambda: _power(cli)),
        unseen=gaps.unseen,
    )


def _peer(cli: DeviceCli) -> bool:
    text = cli.ask("show vpc")
    found = re.search(r"^Peer status\s*:\s*(\S.*?)\s*$", text, re.M)
    alive = re.search(r"^vPC keep-alive status\s*:\s*(\S.*?)\s*$", text, re.M)
    if not found or not alive:
        raise Unparsable("show vpc: does not say how the peer is")
    return found[1].lower() == "peer adjacency formed ok" and alive[1].lower().startswith("peer is alive")


def _power(cli: DeviceCli) -> bool:
    """Two supplies say that they work."""
    head, _, _ = cli.ask("show environment power").partition("Power Usage Summary")
    head = re.split(r"^Mod(?:ule)? +Model", head, flags=re.M)[0]
    states: list[str] = [found[1] for found in re.finditer(r"^\d+ +[\w.-]*[A-Za-z][\w.-]* .*?([A-Za-z][\w/]*)\s*$", head, re.M)]
    if not states:
        raise Unparsable("show environment power: no power supply in it")
    return sum(state.lower() == "ok" for state in states) > 1


# --- key chains --------------------------------------------------------------------------------------------------------


def _chain(tree: Node, name: str | None) -> bool:
    """The key chain is there and some key of it has a word."""
    return name is not None and any(
        key.lines("key-string ") or key.lines("key-octet-string ")
        for chain in tree.children
        if re.match(rf"key chain {re.escape(name)}(?: \S+)?$", chain.text)
        for key in chain.blocks("key ")
    )


# --- gateways ---------------------------------------------------------------------------------------------------------


def _gateways(tree: Node) -> Iterator[Gateway]:
    for interface in _in_use(tree):
        name = interface.text.removeprefix("interface ")
        for group in interface.children:
            if re.match(r"hsrp \d+(?: ipv[46])?$", group.text):
                yield Gateway(interface=f"{name} {group.text[5:]}", protocol="hsrp", authenticated=_hsrp_keyed(tree, group))
            elif re.match(r"vrrp(?:v3)? \d+", group.text):
                # VRRP of NX-OS knows a readable word, version 3 nothing at all
                yield Gateway(interface=f"{name} {group.text.split()[1]}", protocol="vrrp", authenticated=False)
            elif re.match(r"glbp \d+$", group.text):
                yield Gateway(interface=f"{name} {group.text[5:]}", protocol="glbp", authenticated=_hsrp_keyed(tree, group))


def _hsrp_keyed(tree: Node, group: Node) -> bool:
    said = (group.value("authentication ") or "").split()
    if said[:2] == ["md5", "key-chain"]:
        return _chain(tree, said[2] if len(said) > 2 else None)
    return said[:2] == ["md5", "key-string"] and len(said) > 2


def _in_use(tree: Node) -> Iterator[Node]:
    return (node for node in interfaces(tree) if node.stands("shutdown") is not True)


# --- routing ----------------------------------------------------------------------------------------------------------


def _parts(process: Node) -> Iterator[tuple[str, Node]]:
    """(VRF, block): the process itself for the default VRF, and its blocks `vrf X`."""
    yield "default", process
    for block in process.blocks("vrf "):
        yield block.text.split()[1], block


def _area(text: str) -> str:
    """0 -> 0.0.0.0"""
    return ".".join(str(int(text) >> shift & 255) for shift in (24, 16, 8, 0)) if text.isdecimal() else text


def _vrf(interface: Node) -> str:
    return interface.value("vrf member ") or "default"


def _rows(tree: Node, process: Node, tag: str, word: str) -> Mapping[tuple[str, str], list[Node]]:
    """(VRF, area) -> interfaces that look for neighbours in it."""
    found: dict[tuple[str, str], list[Node]] = {}
    parts = dict(_parts(process))
    for interface in _in_use(tree):
        for said in interface.matches(rf"{word} {re.escape(tag)} area (\S+)"):
            key = (_vrf(interface), _area(said[1]))
            neighbours = found.setdefault(key, [])
            part = parts.get(key[0])
            own = interface.flag("ip ospf passive-interface" if word.startswith("ip router") else "ospfv3 passive-interface")
            quiet = bool(part and part.flag("passive-interface default")) if own is None else own
            if not quiet and "loopback" not in interface.text:
                neighbours.append(interface)
    return found


def _ospf(tree: Node) -> Iterator[Routing]:
    for process in tree.blocks("router ospf "):
        tag = process.text.split()[2]
        if process.stands("shutdown"):
            continue
        for (vrf, area), speakers in _rows(tree, process, tag, "ip router ospf").items():
            part = dict(_parts(process)).get(vrf)
            own = [_ospf_keyed(tree, interface, _area_mode(part, area)) for interface in speakers]
            where = "" if vrf == "default" else f" vrf {vrf}"
            yield Routing(protocol="ospf", name=f"{tag}{where} area {area}", authenticated=all(own) if own else None)
        yield from _links(tree, process, tag)


def _links(tree: Node, process: Node, tag: str) -> Iterator[Routing]:
    """Virtual links have a key of their own; what their area demands without one is an empty key."""
    for vrf, part in _parts(process):
        for link in part.blocks("area "):
            if found := re.match(r"area (\S+) virtual-link (\S+)", link.text):
                mode = (link.value("authentication ") or "").split()
                keyed = bool(link.lines("message-digest-key ")) or (mode[:1] == ["key-chain"] and _chain(tree, mode[-1]))
                where = "" if vrf == "default" else f" vrf {vrf}"
                yield Routing(protocol="ospf", name=f"{tag}{where} virtual-link {found[2]}", authenticated=keyed)


def _area_mode(part: Node | None, area: str) -> str:
    """What the process demands in the area: message-digest, a readable word, or nothing."""
    said = "null"
    for found in part.matches(r"area (\S+) authentication(?: (\S+))?$") if part else ():
        if _area(found[1]) == area:
            said = found[2] or "simple"
    return said


def _ospf_keyed(tree: Node, interface: Node, mode: str) -> bool:
    for line in interface.matches(r"ip ospf authentication(?: (message-digest|null))?$"):
        mode = line[1] or "simple"
    chain = interface.value("ip ospf authentication key-chain ")
    return mode == "message-digest" and (bool(interface.lines("ip ospf message-digest-key ")) or _chain(tree, chain))


def _ospfv3(tree: Node) -> Iterator[Routing]:
    for process in tree.blocks("router ospfv3 "):
        tag = process.text.split()[2]
        if process.stands("shutdown"):
            continue
        for (vrf, area), speakers in _rows(tree, process, tag, "ipv6 router ospfv3").items():
            part = dict(_parts(process)).get(vrf)
            whole = part is not None and (
                _ipsec(part, "") or any(_ipsec(part, f"area {word} ") for word in _words_of(part, area))
            )
            own = [_ospfv3_keyed(interface, whole) for interface in speakers]
            where = "" if vrf == "default" else f" vrf {vrf}"
            yield Routing(protocol="ospfv3", name=f"{tag}{where} area {area}", authenticated=all(own) if own else None)


def _words_of(part: Node, area: str) -> set[str]:
    return {found[1] for found in part.matches(r"area (\S+) ") if _area(found[1]) == area}


def _ipsec(node: Node, start: str) -> bool:
    """Neither `null` nor ESP without authentication counts."""
    return bool(
        node.matches(
            rf"{start}authentication ipsec spi \d+ (?:md5|sha1) \S|{start}encryption ipsec spi \d+ esp .*\b(?:md5|sha1) \S"
        )
    )


def _ospfv3_keyed(interface: Node, whole: bool) -> bool:
    if interface.matches(r"ospfv3 (?:authentication|encryption) (?:disable|null|ipsec disable)"):
        return False
    return whole or _ipsec(interface, "ospfv3 ")


def _bgp(tree: Node) -> Iterator[Routing]:
    for process in tree.blocks("router bgp "):
        number = process.text.split()[2]
        templates = {
            node.text.split()[-1]: node for word in ("peer", "peer-session") for node in process.blocks(f"template {word} ")
        }
        for vrf, part in _parts(process):
            for peer in part.blocks("neighbor "):
                if peer.stands("shutdown"):
                    continue
                where = "" if vrf == "default" else f" vrf {vrf}"
                yield Routing(
                    protocol="bgp",
                    name=f"{number}{where} neighbor {peer.text.split()[1]}",
                    authenticated=_bgp_keyed(tree, peer, templates, 0),
                )


def _bgp_keyed(tree: Node, node: Node, templates: Mapping[str, Node], depth: int) -> bool:
    if node.flag("password") is False:
        return False
    if node.lines("password ") or _chain(tree, (node.value("ao ") or "").split(" ")[0] or None):
        return True
    above = [name for word in ("peer", "peer-session") for name in node.lines(f"inherit {word} ")]
    return depth < 4 and any(name in templates and _bgp_keyed(tree, templates[name], templates, depth + 1) for name in above)


def _by_interface(tree: Node) -> Iterator[Routing]:
    """EIGRP and RIP: every interface that speaks must demand a digest and have a chain. IS-IS: levels are not told apart."""
    for process in tree.blocks("router eigrp "):
        tag = process.text.split()[2]
        yield Routing(protocol="eigrp", name=tag, authenticated=_all_keyed(tree, tag, "eigrp"))
    for process in tree.blocks("router rip "):
        tag = process.text.split()[2]
        yield Routing(protocol="rip", name=tag, authenticated=_all_keyed(tree, tag, "rip"))
    for process in tree.blocks("router isis "):
        some = any(re.match(r"(?:isis )?authentication", node.text) for node in tree.walk())
        yield Routing(protocol="isis", name=process.text.split()[2], authenticated=None if some else False)


def _all_keyed(tree: Node, tag: str, word: str) -> bool | None:
    """In each family an interface speaks it in; RIP knows IPv4 alone."""
    own = []
    tail, rip = (f" eigrp {tag}", "") if word == "eigrp" else ("", "rip ")
    for interface in _in_use(tree):
        for family in ("ip", "ipv6"):
            if not interface.flag(f"{family} router {word} {tag}") or "loopback" in interface.text:
                continue
            if not interface.flag(f"{family} passive-interface{tail}"):
                chain = interface.value(f"{family} {rip}authentication key-chain{tail} ")
                mode = interface.value(f"{family} {rip}authentication mode{tail} ")
                own.append(mode == "md5" and _chain(tree, chain))
    return all(own) if own else None
