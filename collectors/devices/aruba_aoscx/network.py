"""Aruba AOS-CX: traffic between networks, a second switch, gateways, routing protocols."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from collectors.devices.aruba_aoscx.acl import AccessList, Entry, access_lists
from collectors.devices.aruba_aoscx.text import config, vrf_of, words_behind
from collectors.devices.syntax.cidr_acl import ANY, Words, sides
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.filtering import Filtering, FilterRule
from collectors.facts.redundancy import Gateway, Redundancy, Routing
from collectors.transports.base import DeviceCli

_APPLY = re.compile(r"apply access-list (ip|ipv6) (\S+) (in|out|routed-in|routed-out)$")
_KEY = re.compile(
    r"ip ospf (?:message-digest-key|authentication-key|sha-key|keychain) |ip ospf authentication (?:keychain|key-chain) "
)
_DIGESTS = ("message-digest", "hmac-sha-1", "hmac-sha-256", "hmac-sha-384", "hmac-sha-512", "keychain", "key-chain")


def filtering(cli: DeviceCli) -> Filtering:
    """Packet lists applied to ports, bundles and VLANs. Those at the control plane are left to device_access."""
    gaps = Gaps()
    tree = config(cli)
    lists = gaps.attempt(("rules", "default_action"), lambda: access_lists(tree))
    bound = _bound(tree)
    rules = None if lists is None else gaps.attempt("rules", lambda: tuple(_rules(lists, bound)))
    gaps.note(("anti_spoofing", "dos_protection"), "unsupported", "a switch's ports are not marked as leading outside")
    if rules:
        gaps.note(
            ("rules[].hits", "rules[].inspected"), "unsupported", "counters are not asked, and packet lists look into nothing"
        )
    return Filtering(
        stateful=False,
        default_action=None if lists is None else "deny" if _all_filtered(tree) else "permit",
        rules=rules,
        unbound=_unbound(tree),
        zones=(),
        unseen=gaps.unseen,
    )


def _bound(tree: Node) -> Mapping[tuple[str, str], list[tuple[str, str]]]:
    """(kind, list) -> (where, in or out), where the last word on it is no `no`."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for node in tree.children:
        if node.text.startswith(("interface ", "vlan ")):
            for child in node.children:
                if bound := _APPLY.match(child.text):
                    found.setdefault((bound[1], bound[2]), []).append((node.text.removeprefix("interface "), bound[3]))
    return found


def _rules(
    lists: Mapping[tuple[str, str], AccessList], bound: Mapping[tuple[str, str], list[tuple[str, str]]]
) -> Iterator[FilterRule]:
    for key, places in bound.items():
        if key not in lists:
            raise Unparsable(f"the list {key[1]} is applied to {places[0][0]} and is not in the configuration")
        entries = lists[key].entries
        both = sides([_words(entry) for entry in entries])
        for number, (entry, (source, destination)) in enumerate(zip(entries, both, strict=True), 1):
            yield FilterRule(
                list=key[1],
                name=entry.number or str(number),
                action="permit" if entry.action == "permit" else "deny",
                enabled=True,
                source_any=source is True,
                destination_any=destination is True,
                service_any=entry.service_any,
                source_zones=tuple(place for place, way in places if way in ("in", "routed-in")),
                destination_zones=tuple(place for place, way in places if way in ("out", "routed-out")),
                logged=entry.logged,
            )


def _words(entry: Entry) -> Words:
    source, destination = (
        ANY if nets is None else tuple(str(net) for net in nets) for nets in (entry.sources, entry.destinations)
    )
    return Words(entry.action == "permit", source, destination, entry.service_any)


def _all_filtered(tree: Node) -> bool:
    """Every routed interface in use has a list for what comes in, and its end refuses what no line names."""
    wanted = []
    for interface in tree.blocks("interface "):
        if interface.text.startswith(("interface loopback", "interface mgmt")) or interface.flag("shutdown"):
            continue
        lines = [interface, *(node for node in tree.blocks("vlan ") if f"interface {node.text}" == interface.text)]
        for family in ("ip", "ipv6"):
            if interface.matches(rf"{family} address "):
                wanted.append(any(line.matches(rf"apply access-list {family} \S+ (?:in|routed-in)$") for line in lines))
    return bool(wanted) and all(wanted)


def _unbound(tree: Node) -> tuple[str, ...]:
    """Lists whose name stands nowhere outside lists."""
    used = {
        word
        for node in tree.children
        if not node.text.startswith("access-list ")
        for line in (node, *node.walk())
        for word in line.text.split()
    }
    names = (node.text.split()[2] for node in tree.blocks("access-list ") if len(node.text.split()) == 3)
    return tuple(name for name in dict.fromkeys(names) if name not in used)


# --- redundancy -------------------------------------------------------------------------------------------------------


def redundancy(cli: DeviceCli) -> Redundancy:
    """VSX and VSF with the state of the other switch, VRRP, routing protocols, power supplies."""
    gaps = Gaps()
    tree = config(cli)
    pair = any(block.lines("inter-switch-link ") for block in tree.blocks("vsx"))
    stack = len({line.split()[0] for line in tree.lines("vsf member ")}) > 1
    peer = None
    if pair:
        peer = gaps.attempt("peer_up", lambda: _vsx_peer(cli))
    elif stack:
        peer = gaps.attempt("peer_up", lambda: _vsf_peers(cli))
    else:
        gaps.note("peer_up", "unsupported", "the switch stands alone")
    return Redundancy(
        cluster="active-active" if pair else "stack" if stack else "none",
        peer_up=peer,
        gateways=gaps.attempt("gateways", lambda: tuple(_gateways(tree))),
        routing=gaps.attempt("routing", lambda: (*_ospf(tree), *_bgp(tree), *_unread(tree))),
        second_power=gaps.attempt("second_power", lambda: _second_power(cli)),
        unseen=gaps.unseen,
    )


def _vsx_peer(cli: DeviceCli) -> bool:
    text = cli.ask("show vsx status")
    found = re.search(r"^\s*ISL channel\s*:\s*(\S+)", text, re.M)
    if not found:
        raise Unparsable("show vsx status: does not say how the channel to the other switch is")
    return found[1] == "In-Sync" and bool(re.search(r"^\s*Device Role\s+\S+\s+(?:primary|secondary)\s*$", text, re.M))


def _vsf_peers(cli: DeviceCli) -> bool:
    """Each member of the stack is there."""
    text = cli.ask("show vsf detail")
    members = re.split(r"^Member ID\s*:", text, flags=re.M)[1:]
    if not members:
        raise Unparsable("show vsf detail: no member in it")
    states = [found[1] if (found := re.search(r"^\s*Status\s*:\s*(\S.*?)\s*$", member, re.M)) else "" for member in members]
    return len(states) > 1 and all(state in ("Master", "Conductor", "Standby", "Member") for state in states)


def _gateways(tree: Node) -> Iterator[Gateway]:
    for interface in tree.blocks("interface "):
        for group in interface.blocks("vrrp "):
            found = re.match(r"vrrp (\d+) address-family (ipv4|ipv6)$", group.text)
            if not found:
                continue
            if group.blocks("authentication") and any(child.text.startswith("authentication") for child in group.children):
                raise Unparsable(f"{interface.text}: {group.text}: cannot place its line on authentication")
            name = interface.text.removeprefix("interface ")
            # VRRP of AOS-CX signs nothing (AOS-CX IP Routing Guide, VRRP)
            yield Gateway(interface=f"{name} {found[1]} {found[2]}", protocol="vrrp", authenticated=False)


def _ospf(tree: Node) -> Iterator[Routing]:
    for word, family in (("ospf", "ip"), ("ospfv3", "ipv6")):
        for process in tree.blocks(f"router {word} "):
            number = process.text.split()[2]
            areas: dict[str, list[bool | None]] = {line.split()[0]: [] for line in process.lines("area ")}
            place = words_behind(process.text, "vrf") or "default"
            for interface in (node for node in tree.blocks("interface ") if vrf_of(node) == place):
                for found in interface.matches(rf"{family} {word} {number} area (\S+)"):
                    if _loud(process, interface, f"{family} {word}"):
                        areas.setdefault(found[1], []).append(_keyed(process, interface, found[1], word))
            for area, links in areas.items():
                links += [_link_keyed(link) for link in process.blocks(f"area {area} virtual-link ")]
                if links:
                    keyed = False if False in links else None if None in links else True
                    yield Routing.model_validate(
                        {"protocol": word, "name": f"{process.text.split(' ', 2)[2]} area {area}", "authenticated": keyed}
                    )


def _loud(process: Node, interface: Node, start: str) -> bool:
    """It looks for neighbours."""
    if interface.text.startswith("interface loopback") or interface.flag("shutdown"):
        return False
    own = interface.flag(f"{start} passive")
    return not (own if own is not None else bool(process.flag("passive-interface default")))


def _keyed(process: Node, interface: Node, area: str, word: str) -> bool | None:
    """None for a way of signing this file cannot place."""
    if word == "ospfv3":
        said = interface.value("ipv6 ospfv3 authentication ") or interface.value("ipv6 ospfv3 encryption ")
        said = said or process.value(f"area {area} authentication ") or process.value(f"area {area} encryption ")
        return said is not None and said.startswith(("ipsec ", "keychain ", "trailer ")) and "null" not in said.split()
    said = interface.value("ip ospf authentication ") or process.value(f"area {area} authentication ")
    if said is None or said.split()[0] in ("null", "simple-text"):
        return False
    if said.split()[0] not in _DIGESTS:
        return None
    return any(_KEY.match(child.text) for child in interface.children)


def _link_keyed(link: Node) -> bool | None:
    said = link.value("authentication ")
    if said is None or said.split()[0] in ("null", "simple-text"):
        return False
    if said.split()[0] not in (*_DIGESTS, "ipsec"):
        return None
    named = ("message-digest-key ", "sha-key ", "keychain ", "authentication keychain ", "authentication ipsec ")
    return any(child.text.startswith(named) for child in link.children)


def _bgp(tree: Node) -> Iterator[Routing]:
    for process in tree.blocks("router bgp "):
        number = process.text.split()[2]
        for scope in (process, *process.blocks("vrf ")):
            groups = {found[1]: found[2] for found in scope.matches(r"neighbor (\S+) peer-group (\S+)$")}
            declared = {found[1] for found in scope.matches(r"neighbor (\S+) peer-group$")}
            keyed = {found[1] for found in scope.matches(r"neighbor (\S+) password \S")}
            place = f"{number} {scope.text} " if scope is not process else f"{number} "
            peers = dict.fromkeys(found[1] for found in scope.matches(r"neighbor (\S+) (?:remote-as|peer-group) "))
            for peer in peers:
                if peer not in declared:
                    yield Routing(
                        protocol="bgp", name=f"{place}neighbor {peer}", authenticated=peer in keyed or groups.get(peer) in keyed
                    )


def _unread(tree: Node) -> Iterator[Routing]:
    """RIP and IS-IS: whether their messages are signed is not followed."""
    for process in tree.children:
        if found := re.match(r"router (rip|isis)", process.text):
            yield Routing.model_validate(
                {"protocol": found[1], "name": process.text.removeprefix("router "), "authenticated": None}
            )


def _second_power(cli: DeviceCli) -> bool:
    """Two supplies work; in a stack two in each member."""
    text = cli.ask("show environment power-supply")
    if not re.search(r"PSU\s+Number\s+Number\s+Status", text):
        raise Unparsable("show environment power-supply: no table in it")
    working: dict[str, int] = {}
    for found in re.finditer(r"^(\d+)/\d+\s+\S+\s+\S+\s+(\S+)", text, re.M):
        working[found[1]] = working.get(found[1], 0) + (found[2].upper() == "OK")
    if not working:
        raise Unparsable("show environment power-supply: an empty table")
    return all(count > 1 for count in working.values())
