"""Junos: its partner, first-hop gateways, routing neighbours, and services nobody needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from collectors.devices.juniper_junos.reach import speaks, units
from collectors.devices.juniper_junos.text import Version, config, instances, scopes, version
from collectors.devices.syntax.junos import Node
from collectors.errors import CollectError, Unparsable
from collectors.facts.base import Gaps
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.facts.redundancy import Gateway, Redundancy, Routing
from collectors.transports.base import DeviceCli

Cluster = Literal["none", "active-standby", "active-active", "stack"]


class _Partner(NamedTuple):
    cluster: Cluster
    up: bool | None


def redundancy(cli: DeviceCli) -> Redundancy:
    """Chassis cluster or Virtual Chassis, VRRP, and whether OSPF, BGP, IS-IS and RIP sign what they say."""
    gaps = Gaps()
    root, told = config(cli), version(cli)
    partner = gaps.attempt(("cluster", "peer_up"), lambda: _partner(cli, told))
    if partner is not None and partner.up is None:
        gaps.note("peer_up", "unsupported", "this device stands alone")
    return Redundancy(
        cluster=partner.cluster if partner else None,
        peer_up=partner.up if partner else None,
        gateways=gaps.attempt("gateways", lambda: tuple(_gateways(cli, root))),
        routing=gaps.attempt("routing", lambda: tuple(_routing(root, gaps))),
        second_power=gaps.attempt("second_power", lambda: _power(cli)),
        unseen=gaps.unseen,
    )


def _partner(cli: DeviceCli, told: Version) -> _Partner:
    return _cluster(cli) if told.firewall else _chassis(cli)


def _cluster(cli: DeviceCli) -> _Partner:
    """Redundancy groups above 0 carry traffic; with primaries on both nodes both do."""
    text = cli.ask("show chassis cluster status")
    if re.search(r"(?i)chassis cluster is not enabled", text):
        return _Partner("none", None)
    groups = re.split(r"^Redundancy group: (\d+)", text, flags=re.M)[1:]
    rows = {
        (int(group), node): (state, failures)
        for group, body in zip(groups[::2], groups[1::2], strict=True)
        for node, state, failures in re.findall(r"^(node\d) +\d+ +([\w\-]+) +\S+ +\S+ *(.*?)\s*$", body, re.M)
    }
    if not rows:
        raise Unparsable("show chassis cluster status: no redundancy group in it")
    primaries = {node for (group, node), (state, _) in rows.items() if state == "primary" and group > 0}
    both = {node for _, node in rows} == {"node0", "node1"}
    good = all(state in ("primary", "secondary") and (failures or "None") in ("None", "n/a") for state, failures in rows.values())
    return _Partner("active-active" if len(primaries) > 1 else "active-standby", both and good)


def _chassis(cli: DeviceCli) -> _Partner:
    """Members of a Virtual Chassis; a switch on its own is one of one."""
    text = cli.ask("show virtual-chassis")
    states = re.findall(r"^\s*\d+ +\(FPC +\d+\) +(\S+)", text, re.M)
    if not states:
        raise Unparsable("show virtual-chassis: no member in it")
    if len(states) == 1:
        return _Partner("none", None)
    return _Partner("stack", all(state == "Prsnt" for state in states))


def _power(cli: DeviceCli) -> bool:
    """Each chassis, of a cluster or a Virtual Chassis too, has two supplies that work."""
    text = cli.ask("show chassis environment")
    works: dict[tuple[str, str], bool] = {}
    node = ""
    for line in text.splitlines():
        if head := re.match(r"(node\d):", line):
            node = head[1]
        elif row := _SUPPLY.match(line):
            supply = (f"{node} {row[1] or ''}", row[2])
            works[supply] = works.get(supply, True) and row[3] == "OK"
    if not works:
        raise Unparsable("show chassis environment: no power supply in it")
    chassis = {name for name, _ in works}
    return all(sum(good for (where, _), good in works.items() if where == name) > 1 for name in chassis)


# routers tell of their supplies among the temperatures
_SUPPLY = re.compile(
    r"(?:Power|Temp)? *(FPC \d+ )?(?:Power Supply|PSU|PEM|PSM) (\d+) {2,}(OK|Absent|Failed|Check|Present|Testing|Empty|Offline|Online)\b"
)


# --- gateways ---------------------------------------------------------------------------------------------------------


def _gateways(cli: DeviceCli, root: Node) -> Iterator[Gateway]:
    groups = [
        (f"{port.name}.{unit.name}", family, group)
        for _, scope in scopes(root)
        for port in scope.below("interfaces")
        if port.name != "interface-range"
        for unit in port.below("unit")
        for family, word in (("inet", "vrrp-group"), ("inet6", "vrrp-inet6-group"))
        for address in unit.below("family", family, "address")
        for group in address.below(word)
    ]
    # version 3 of VRRP knows no authentication (RFC 5798)
    newer = root.has("protocols", "vrrp", "version-3")
    states = _states(cli) if groups else {}
    for name, family, group in groups:
        yield Gateway(
            interface=f"{name} group {group.name}",
            protocol="vrrp",
            authenticated=not newer
            and family == "inet"
            and group.option("authentication-type") == "md5"
            and bool(group.option("authentication-key")),
            state=states.get((name, group.name), ""),
        )


def _states(cli: DeviceCli) -> dict[tuple[str, str], str]:
    try:
        text = cli.ask("show vrrp summary")
    except CollectError:
        return {}
    return {(row[1], row[2]): row[3] for row in re.finditer(r"^(\S+\.\d+) +(?:up|down) +(\d+) +(\w+) ", text, re.M)}


# --- routing ----------------------------------------------------------------------------------------------------------


def _routing(root: Node, gaps: Gaps) -> Iterator[Routing]:
    for where, scope in instances(root):
        protocols = scope.at("protocols")
        if protocols is None:
            continue
        for word in ("ospf", "ospf3"):
            for known in (protocols.at(word), *protocols.below(word, "realm")):
                if known is not None and not known.has("disable"):
                    yield from _ospf(root, where, word, known)
        for word in ("bgp", "isis", "rip"):
            known = protocols.at(word)
            if known is not None and not known.has("disable"):
                yield from {"bgp": _bgp, "isis": _isis, "rip": _rip}[word](root, where, known)


def _ospf(root: Node, where: str, word: str, known: Node) -> Iterator[Routing]:
    """Each interface that speaks to neighbours, and each virtual link."""
    for area in known.below("area"):
        old = area.word("authentication-type") == "md5"
        for node in area.below("interface"):
            if not node.has("disable") and not node.has("passive") and not node.name.startswith("lo0"):
                yield _ospf_row(root, where, word, f"area {area.name} {node.name}", node, old)
        for node in area.below("virtual-link", "neighbor-id"):
            yield _ospf_row(root, where, word, f"area {area.name} virtual-link {node.name}", node, old)


def _ospf_row(root: Node, where: str, word: str, name: str, node: Node, old: bool) -> Routing:
    signed = (
        _has_key(node.at("authentication", "md5"))
        or (old and node.has("authentication-key"))
        or _chain(root, node.at("authentication"), "keychain")
        or _sa(root, node)
    )
    return Routing(protocol="ospf" if word == "ospf" else "ospfv3", name=f"{where}{name}", authenticated=signed)


def _has_key(md5: Node | None) -> bool:
    """One key id with a key in it."""
    return md5 is not None and any(bool(key.option("key")) for key in md5.below())


def _chain(root: Node, holder: Node | None, word: str) -> bool:
    """A key chain that exists and holds a secret."""
    name = holder.word(word) if holder is not None else None
    chain = root.at("security", "authentication-key-chains", "key-chain", name) if name else None
    return chain is not None and any(key.option("secret") for key in chain.below("key"))


def _sa(root: Node, holder: Node) -> bool:
    """A security association of IPsec that exists."""
    name = holder.word("ipsec-sa")
    return bool(name) and root.has("security", "ipsec", "security-association", name or "")


def _bgp(root: Node, where: str, known: Node) -> Iterator[Routing]:
    """Each neighbour, and each group that takes neighbours from a whole network; what is said above counts below."""
    for group in known.below("group"):
        if group.has("disable"):
            continue
        for node in group.below("neighbor"):
            if not node.has("disable"):
                name = f"{where}neighbor {node.name}"
                yield Routing(protocol="bgp", name=name, authenticated=_bgp_signed(root, (node, group, known)))
        if group.has("allow") or group.has("dynamic-neighbor"):
            name = f"{where}group {group.name} allow {' '.join(group.words('allow')) or 'dynamic-neighbor'}"
            yield Routing(protocol="bgp", name=name, authenticated=_bgp_signed(root, (group, known)))


def _bgp_signed(root: Node, places: tuple[Node, ...]) -> bool:
    return any(
        bool(place.word("authentication-key")) or _chain(root, place, "authentication-key-chain") or _sa(root, place)
        for place in places
    )


def _isis(root: Node, where: str, known: Node) -> Iterator[Routing]:
    """Each level that is on: its key signs every kind of packet, unless one kind is excepted."""
    for number in ("1", "2"):
        level = known.at("level", number) or Node(number)
        speaking = [
            node
            for node in known.below("interface")
            if not node.has("passive")
            and not node.has("disable")
            and not node.name.startswith("lo0")
            and not node.has("level", number, "disable")
        ]
        if level.has("disable") or not speaking:
            continue
        keyed = (level.word("authentication-type") == "md5" and bool(level.word("authentication-key"))) or _chain(
            root, level, "authentication-key-chain"
        )
        bare = any(
            holder.has(word)
            for holder in (known, level)
            for word in ("no-authentication-check", "no-hello-authentication", "no-csnp-authentication", "no-psnp-authentication")
        )
        yield Routing(protocol="isis", name=f"{where}level {number}", authenticated=keyed and not bare)


def _rip(root: Node, where: str, known: Node) -> Iterator[Routing]:
    """Each neighbour; a key of its own takes the place of the common one."""
    for group in known.below("group"):
        for node in group.below("neighbor"):
            places = [place for place in (node, group, known) if place.has("authentication-type")][:1]
            signed = any(
                place.word("authentication-type") == "md5"
                and (known.has("authentication-key") or place.has("authentication-key"))
                for place in places
            ) or any(_has_key(place.at("authentication-selective-md5")) for place in (node, group, known))
            yield Routing(protocol="rip", name=f"{where}neighbor {node.name}", authenticated=signed)


# --- small services ---------------------------------------------------------------------------------------------------

# off unless configured, on every release ("system services" of the Junos OS CLI Reference)
_OFF: tuple[tuple[Service, tuple[tuple[str, ...], ...]], ...] = (
    ("ftp", (("system", "services", "ftp"),)),
    ("tftp", (("system", "services", "tftp-server"),)),
    ("finger", (("system", "services", "finger"),)),
    ("telnet", (("system", "services", "telnet"),)),
    ("http", (("system", "services", "web-management", "http"),)),
    ("rest-api", (("system", "services", "rest"), ("system", "services", "webapi"))),
    ("dns-proxy", (("system", "services", "dns", "dns-proxy"),)),
    ("call-home", (("system", "phone-home"), ("system", "services", "outbound-ssh"), ("system", "services", "outbound-https"))),
)


def device_services(cli: DeviceCli) -> DeviceServices:
    """Statements of the configuration; what none names is off."""
    gaps = Gaps()
    root = config(cli)
    services = gaps.attempt("services", lambda: tuple(sorted(_services(root), key=lambda row: row.name)))
    return DeviceServices(services=services, unknown=() if services is not None else None, unseen=gaps.unseen)


def _services(root: Node) -> Iterator[DeviceService]:
    for name, paths in _OFF:
        on = any(root.has(*path) for path in paths)
        yield DeviceService(name=name, on=on, explicit=on)
    dhcp = [
        scope
        for _, scope in instances(root)
        if scope.has("system", "services", "dhcp", "pool") or scope.has("system", "services", "dhcp-local-server")
    ]
    yield DeviceService(name="dhcp", on=bool(dhcp), explicit=bool(dhcp))
    lldp = root.at("protocols", "lldp")
    yield DeviceService(
        name="lldp", on=lldp is not None and not lldp.has("disable") and lldp.has("interface"), explicit=lldp is not None
    )
    proxy = any(
        unit.has("proxy-arp") for _, scope in scopes(root) for port in scope.below("interfaces") for unit in port.below("unit")
    )
    yield DeviceService(name="proxy-arp", on=proxy, explicit=proxy)
    # "By default, the router sends protocol redirect messages" (no-redirects); IPv6 has a statement of its own
    quiet = root.has("system", "no-redirects") and (
        root.has("system", "no-redirects-ipv6") or not any(speaks(unit.node, "inet6") for unit in units(root))
    )
    yield DeviceService(name="redirects", on=not quiet, explicit=quiet)
    source = any(scope.has("routing-options", "source-routing") for _, scope in instances(root))
    if source:
        yield DeviceService(name="source-route", on=True, explicit=True)
    console = root.has("system", "ports", "console", "insecure")
    # an insecure console lets nobody recover the password of root (ports, insecure)
    yield DeviceService(name="password-recovery", on=not console, explicit=console)
    snmp = root.at("snmp")
    yield DeviceService(name="snmp", on=snmp is not None and (snmp.has("community") or snmp.has("v3")), explicit=snmp is not None)
