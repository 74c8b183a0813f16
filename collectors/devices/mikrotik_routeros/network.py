"""RouterOS: VRRP and routing protocols, and the small services nobody needs."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import Literal

from collectors.devices.mikrotik_routeros.access import mac_server, services
from collectors.devices.mikrotik_routeros.text import Config, config, listed
from collectors.devices.syntax.routeros import Item
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.facts.redundancy import Gateway, Redundancy, Routing
from collectors.transports.base import DeviceCli

HIDDEN = "the export hides keys, so whether one is set is not told"
_KEYED = ("md5", "sha1", "sha256", "sha384", "sha512")
_READABLE = ("", "none", "simple", "null")


def redundancy(cli: DeviceCli) -> Redundancy:
    """VRRP of each interface, routing protocols by neighbour, template or interface."""
    gaps = Gaps()
    conf = config(cli)
    routing = gaps.attempt("routing", lambda: tuple(_routing(conf)))
    if routing and any(row.authenticated is None for row in routing):
        gaps.note("routing[].authenticated", "unsupported", HIDDEN)
    gaps.note("peer_up", "unsupported", "the state of the other router is not asked")
    return Redundancy(
        cluster=gaps.attempt("cluster", lambda: _cluster(conf)),
        peer_up=None,
        gateways=gaps.attempt("gateways", lambda: tuple(_gateway(item) for item in conf.active("interface vrrp"))),
        routing=routing,
        second_power=gaps.attempt("second_power", lambda: _power(cli)),
        unseen=gaps.unseen,
    )


def _cluster(conf: Config) -> Literal["none"]:
    """RouterOS knows no cluster; MLAG pairs two switches."""
    if any(item.word("peer-port") not in (None, "", "none") for item in conf.items("interface bridge mlag")):
        raise Unsupported("MLAG pairs this switch with another; whether both carry is not read")
    return "none"


def _gateway(item: Item) -> Gateway:
    """`ah` signs, `simple` sends a readable word; version 3 has no authentication at all (RFC 5798)."""
    kind, version = item.word("authentication"), item.word("version")
    if kind is None or version is None:
        raise Unparsable(f"line {item.line}: authentication or version of VRRP is not told")
    return Gateway(interface=item.word("interface") or "", protocol="vrrp", authenticated=kind == "ah" and version == "2")


def _routing(conf: Config) -> Iterator[Routing]:
    yield from _ospf_7(conf)
    yield from _ospf_6(conf)
    for menu, key in (("routing bgp connection", "tcp-md5-key"), ("routing bgp peer", "tcp-md5-key")):
        for item in conf.active(menu):
            word = item.word(key)
            name = item.word("name") or item.word("remote.address") or item.word("remote-address") or ""
            # written and empty: none; left out: hidden
            yield Routing(protocol="bgp", name=name, authenticated=None if word is None else bool(word))
    for item in conf.active("routing rip interface"):
        yield Routing(protocol="rip", name=item.word("interface") or "", authenticated=_signed(item.word("authentication")))
    for item in conf.active("routing rip interface-template"):
        # a key chain signs, but what is in it the export hides; a password is a readable word
        keyed = item.word("key-chain") not in (None, "", "none")
        yield Routing(protocol="rip", name=item.word("interfaces") or "", authenticated=None if keyed else False)
    for item in conf.active("routing isis interface-template"):
        yield Routing(protocol="isis", name=item.word("interfaces") or "", authenticated=None)


def _signed(word: str | None) -> bool | None:
    """A readable word does not count; None where the line says nothing."""
    if word is None:
        return None
    if word in _KEYED:
        return True
    if word in _READABLE:
        return False
    raise Unparsable(f"unknown authentication of a routing protocol: {word[:20]}")


def _ospf_7(conf: Config) -> Iterator[Routing]:
    """Templates of 7. One that leaves out `auth` runs without, and `!auth` says so."""
    versions = {item.word("name"): item.word("version") for item in conf.active("routing ospf instance")}
    areas = {item.word("name"): item.word("instance") for item in conf.active("routing ospf area")}
    for item in conf.active("routing ospf interface-template"):
        if "passive" in item.unset or item.word("passive") in (None, "no", "false"):
            third = versions.get(areas.get(item.word("area") or "")) == "3"
            name = item.word("interfaces") or item.word("networks") or item.word("area") or ""
            yield Routing(protocol="ospfv3" if third else "ospf", name=name, authenticated=_signed(item.word("auth") or "none"))


def _ospf_6(conf: Config) -> Iterator[Routing]:
    """6: an interface inside a network that no line of `interface` speaks of runs without authentication."""
    networks = [_network(item.word("network") or "") for item in conf.active("routing ospf network")]
    named: set[str] = set()
    if networks:
        for item in conf.active("routing ospf interface"):
            name = item.word("interface") or ""
            named.add(name)
            if item.word("passive") != "yes":
                yield Routing(protocol="ospf", name=name, authenticated=_signed(item.word("authentication")))
        if "all" not in named:
            for item in conf.active("ip address"):
                name = item.word("interface") or ""
                address = ipaddress.ip_interface(item.word("address") or "0.0.0.0/32").ip
                if name not in named and any(address in network for network in networks):
                    named.add(name)
                    yield Routing(protocol="ospf", name=name, authenticated=False)
    for item in conf.active("routing ospf-v3 interface"):
        yield Routing(protocol="ospfv3", name=item.word("interface") or "", authenticated=False)


def _network(word: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(word, strict=False)
    except ValueError as error:
        raise Unparsable(f"no network of OSPF: {word[:30]}") from error


def _power(cli: DeviceCli) -> bool:
    """psu1-state and psu2-state, where the model has two. 7 prints a table, 6 one line for each."""
    text = cli.ask("/system health print")
    found = {}
    for line in text.splitlines():
        words = line.replace(":", " ").split()
        for place, word in enumerate(words[:-1]):
            if word in ("psu1-state", "psu2-state"):
                found[word] = words[place + 1]
    if len(found) < 2:
        raise Unsupported("/system health tells of no second power supply")
    return all(state == "ok" for state in found.values())


def device_services(cli: DeviceCli) -> DeviceServices:
    """Each from the export, where every value in force is written out."""
    conf = config(cli)
    found: dict[Service, DeviceService] = {}
    unknown: list[Service] = []
    for name, ask in _ASK.items():
        try:
            found[name] = DeviceService(name=name, on=ask(conf), explicit=True)
        except CollectError:
            unknown.append(name)
    return DeviceServices(services=tuple(found[name] for name in sorted(found)), unknown=tuple(sorted(unknown)))


def _ip_service(name: str) -> Callable[[Config], bool]:
    return lambda conf: any(item.selector == name for item in services(conf))


def _menu(name: str, key: str = "enabled") -> Callable[[Config], bool]:
    return lambda conf: conf.on(name, key)


def _some(name: str) -> Callable[[Config], bool]:
    return lambda conf: bool(conf.active(name))


def _mac_server(conf: Config) -> bool:
    menus = ("tool mac-server", "tool mac-server mac-winbox")
    return any(mac_server(conf, menu) != "none" for menu in menus) or conf.on("tool mac-server ping", "enabled")


def _discovery(conf: Config) -> str:
    """The list of interfaces the device makes itself known on; "none" where on none."""
    return conf.say("ip neighbor discovery-settings", "discover-interface-list")


def _announces(protocol: str) -> Callable[[Config], bool]:
    def ask(conf: Config) -> bool:
        return _discovery(conf) != "none" and protocol in listed(conf.say("ip neighbor discovery-settings", "protocol"))

    return ask


def _cloud(conf: Config) -> bool:
    """DDNS, or the VPN that needs it. `auto` means: with the VPN (manual, "Cloud")."""
    home = [item.word("back-to-home-vpn") for item in conf.items("ip cloud")]
    ddns = conf.say("ip cloud", "ddns-enabled")
    if ddns not in ("yes", "no", "auto"):
        raise Unparsable(f"no ddns-enabled: {ddns[:20]}")
    return ddns == "yes" or "enabled" in home


def _proxy_arp(conf: Config) -> bool:
    modes = [
        item.word("arp")
        for name, section in conf.export.sections.items()
        if name.startswith("interface ")
        for item in section.checked().items
        if item.word("arp") is not None and not item.disabled
    ]
    if not modes or any(lost.startswith("interface") for lost in conf.export.failed):
        raise Unsupported("not every interface shows its arp mode")
    return any(mode in ("proxy-arp", "local-proxy-arp") for mode in modes)


_ASK: dict[Service, Callable[[Config], bool]] = {
    "telnet": _ip_service("telnet"),
    "ftp": _ip_service("ftp"),
    "http": _ip_service("www"),
    "tftp": _some("ip tftp"),
    "dhcp": _some("ip dhcp-server"),
    "dns-proxy": _menu("ip dns", "allow-remote-requests"),
    "ntp-server": _menu("system ntp server"),
    "source-route": _menu("ip settings", "accept-source-route"),
    "redirects": _menu("ip settings", "send-redirects"),
    "proxy-arp": _proxy_arp,
    "upnp": _menu("ip upnp"),
    "socks": _menu("ip socks"),
    "web-proxy": _menu("ip proxy"),
    "bandwidth-test": _menu("tool bandwidth-server"),
    "romon": _menu("tool romon"),
    "mac-server": _mac_server,
    "neighbour-discovery": lambda conf: _discovery(conf) != "none",
    "cdp": _announces("cdp"),
    "lldp": _announces("lldp"),
    "ip-cloud": _cloud,
    "pptp": _menu("interface pptp-server server"),
    "snmp": _menu("snmp"),
}
