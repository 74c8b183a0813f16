"""FortiOS: its ports, its partner, the routing protocols, and small services."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

from collectors.devices.fortinet_fortios.access import device_access
from collectors.devices.fortinet_fortios.text import Config, config, quiet
from collectors.devices.syntax.fortios import Block
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.facts.interfaces import Interfaces, Port, unused_open
from collectors.facts.redundancy import Gateway, Redundancy, Routing
from collectors.transports.base import DeviceCli

_DIGESTS = frozenset({"md5", "message-digest"})


def interfaces(cli: DeviceCli) -> Interfaces:
    """From the configuration; whether a link works from `get system interface physical`."""
    gaps = Gaps()
    conf = config(cli)
    links = gaps.attempt(("ports[].up", "unused_open"), lambda: _links(cli, conf))
    ports = tuple(_port(entry, links or {}) for entry in conf.section("system interface").entries.values())
    gaps.note("ports[].port_security", "unsupported", "ports of a firewall have none")
    if links is not None and any(port.physical and port.up is None for port in ports):
        gaps.note("ports[].up", "unsupported", "get system interface physical does not name every port")
    unused = None if links is None else unused_open(ports, gaps)
    for field in ("unguarded", "dhcp_snooping_vlans", "arp_inspection_vlans", "native_vlan_default", "dynamic_trunks"):
        gaps.note(field, "unsupported", "a firewall is no access switch; its switch ports were not looked at")
    return Interfaces(ports=ports, unused_open=unused, unseen=gaps.unseen)


def _links(cli: DeviceCli, conf: Config) -> dict[str, bool]:
    if conf.multi:
        text = cli.ask("sudo global get system interface physical | grep .")
    else:
        text = cli.ask("get system interface physical | grep .")
    quiet(text)
    found: dict[str, bool] = {}
    name = ""
    for row in text.splitlines():
        if head := re.match(r"\s*==\s*\[(.+)\]\s*$", row):
            name = head[1]
        elif state := re.match(r"\s*status: (\w+)\s*$", row):
            found[name] = state[1] == "up"
    if not found:
        raise Unparsable("get system interface physical: no port in it")
    return found


def _port(entry: Block, links: dict[str, bool]) -> Port:
    physical = entry.word("type") == "physical" or (entry.word("type") is None and entry.name in links)
    vlan = entry.word("vlanid") or ""
    return Port(
        name=entry.name,
        description=entry.word("description") or entry.word("alias") or "",
        physical=physical,
        enabled=entry.word("status") != "down",
        up=links.get(entry.name) if physical else None,
        mode="routed",
        vlan=int(vlan) if vlan.isdecimal() and vlan != "0" else None,
        addresses=tuple(_addresses(entry)),
    )


def _addresses(entry: Block) -> Iterator[str]:
    more = entry.child("secondaryip")
    for block in (entry, *(more.entries.values() if more else ())):
        words = block.words("ip")
        if words and len(words) == 2 and words[0] != "0.0.0.0":  # noqa: S104
            try:
                yield str(ipaddress.ip_interface("/".join(words)))
            except ValueError:
                raise Unparsable(f"ip of {entry.name}: {' '.join(words)[:60]}") from None
    six = entry.child("ipv6")
    address = six.word("ip6-address") if six else None
    if address and not address.startswith("::/"):
        yield address.lower()


# --- redundancy -------------------------------------------------------------------------------------------------------


def redundancy(cli: DeviceCli) -> Redundancy:
    """HA of the whole box, VRRP of interfaces, routing protocols of each virtual domain."""
    gaps = Gaps()
    conf = config(cli)
    mode = gaps.attempt("cluster", lambda: conf.say(conf.section("system ha"), "system ha", "mode"))
    cluster = {"standalone": "none", "a-p": "active-standby", "a-a": "active-active"}.get(mode or "")
    if mode is not None and cluster is None:
        gaps.note("cluster", "unparsable", f"config system ha: mode {mode[:40]}")
    if cluster in (None, "none"):
        gaps.note("peer_up", "unsupported", "this box stands alone, or its HA was not seen")
        peer = None
    else:
        peer = gaps.attempt("peer_up", lambda: _peer(cli, conf))
    gaps.note("second_power", "unsupported", "not asked: FortiOS tells it on some models only")
    return Redundancy.model_validate(
        {
            "cluster": cluster,
            "peer_up": peer,
            "gateways": gaps.attempt("gateways", lambda: tuple(_gateways(conf))),
            "routing": gaps.attempt("routing", lambda: tuple(_routing(conf))),
            "second_power": None,
            "unseen": gaps.unseen,
        }
    )


def _peer(cli: DeviceCli, conf: Config) -> bool:
    text = cli.ask("sudo global get system ha status | grep .") if conf.multi else cli.ask("get system ha status | grep .")
    quiet(text)
    health = re.search(r"^HA Health Status: *(.*)$", text, re.M)
    members = re.findall(r"^(?:Primary|Secondary|Master|Slave) *:.*\bcluster index = (\d+)", text, re.M)
    if not health or not members:
        raise Unparsable("get system ha status: no health or no members in it")
    return health[1].strip() == "OK" and len(set(members)) > 1


def _gateways(conf: Config) -> Iterator[Gateway]:
    for port in conf.section("system interface").entries.values():
        six = port.child("ipv6")
        for table in (port.child("vrrp"), six.child("vrrp6") if six else None):
            for group in table.entries.values() if table else ():
                if group.word("status") != "disable":
                    # FortiOS speaks VRRP without authentication
                    yield Gateway(interface=f"{port.name} {group.name}", protocol="vrrp", authenticated=False)


def _routing(conf: Config) -> Iterator[Routing]:
    for vdom, scope in conf.vdoms.items():
        ospf, six, bgp = (conf.section(f"router {name}", scope) for name in ("ospf", "ospf6", "bgp"))
        for name, area in _table(ospf, "area"):
            yield Routing(protocol="ospf", name=f"{vdom} area {name}", authenticated=area.word("authentication") in _DIGESTS)
        for name, port in _table(ospf, "ospf-interface"):
            if port.word("authentication") not in (None, ""):
                yield Routing(
                    protocol="ospf", name=f"{vdom} interface {name}", authenticated=port.word("authentication") in _DIGESTS
                )
        for name, area in _table(six, "area"):
            yield Routing(
                protocol="ospfv3", name=f"{vdom} area {name}", authenticated=area.word("authentication") in ("ah", "esp")
            )
        groups = dict(_table(bgp, "neighbor-group"))
        for name, peer in _table(bgp, "neighbor"):
            yield Routing(protocol="bgp", name=f"{vdom} neighbor {name}", authenticated=bool(peer.words("password")))
        used = {entry.word("neighbor-group") for _, entry in _table(bgp, "neighbor-range")}
        for name, group in groups.items():
            if name in used:
                yield Routing(protocol="bgp", name=f"{vdom} neighbor-group {name}", authenticated=bool(group.words("password")))
        rip = scope.child("router rip")
        if rip is not None and any(True for _ in _table(rip, "network")):
            ports = dict(_table(rip, "interface"))
            for name, port in ports.items():
                yield Routing(protocol="rip", name=f"{vdom} interface {name}", authenticated=port.word("auth-mode") == "md5")
            if not ports:
                yield Routing(protocol="rip", name=f"{vdom} process", authenticated=False)
        isis = scope.child("router isis")
        if isis is not None and any(True for _ in _table(isis, "isis-net")):
            yield Routing(protocol="isis", name=f"{vdom} process", authenticated=isis.word("auth-mode-l2") == "md5")


def _table(block: Block, name: str) -> Iterator[tuple[str, Block]]:
    inner = block.child(name)
    yield from inner.entries.items() if inner else ()


# --- services ---------------------------------------------------------------------------------------------------------


def device_services(cli: DeviceCli) -> DeviceServices:
    """Each by its own section; what the section and the table of this release leave open is in `unknown`."""
    gaps = Gaps()
    conf = config(cli)
    ways = device_access(cli).ways
    asked: dict[Service, Callable[[], DeviceService]] = {
        "dhcp": lambda: _entries_on(conf, "dhcp", "system dhcp server"),
        "dns-proxy": lambda: _entries_on(conf, "dns-proxy", "system dns-server"),
        "ntp-server": lambda: _switch(conf, "ntp-server", "system ntp", "server-mode"),
        "snmp": lambda: _switch(conf, "snmp", "system snmp sysinfo", "status"),
        "usb-install": lambda: _usb(conf),
        "web-proxy": lambda: _everywhere_on(conf, "web-proxy", "web-proxy explicit"),
    }
    if ways is not None:
        protocols = {way.protocol for way in ways}
        asked["http"] = lambda: DeviceService(name="http", on="http" in protocols, explicit=True)
        asked["telnet"] = lambda: DeviceService(name="telnet", on="telnet" in protocols, explicit=True)
    seen: list[DeviceService] = []
    unknown: list[Service] = [] if ways is not None else ["http", "telnet"]
    for name, ask in asked.items():
        try:
            seen.append(ask())
        except CollectError:
            unknown.append(name)
    return DeviceServices(
        services=tuple(sorted(seen, key=lambda service: service.name)), unknown=tuple(sorted(unknown)), unseen=gaps.unseen
    )


def _switch(conf: Config, name: Service, section: str, key: str) -> DeviceService:
    block = conf.section(section)
    return DeviceService(name=name, on=conf.on(block, section, key), explicit=block.word(key) is not None)


def _usb(conf: Config) -> DeviceService:
    block = conf.section("system auto-install")
    keys = ("auto-install-config", "auto-install-image")
    on = [conf.on(block, "system auto-install", key) for key in keys]
    return DeviceService(name="usb-install", on=any(on), explicit=all(block.word(key) is not None for key in keys))


def _entries_on(conf: Config, name: Service, section: str) -> DeviceService:
    entries = [entry for _, block in conf.everywhere(section) for entry in block.entries.values()]
    on = any(entry.word("status") != "disable" for entry in entries)
    return DeviceService(name=name, on=on, explicit=bool(entries))


def _everywhere_on(conf: Config, name: Service, section: str) -> DeviceService:
    said = [block.word("status") for _, block in conf.everywhere(section)]
    if "enable" not in said and None in said:
        raise Unsupported(f"status of config {section} is not shown")
    return DeviceService(name=name, on="enable" in said, explicit=True)
