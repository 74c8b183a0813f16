"""RouterOS: ports, bridges and what guards them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from collectors.devices.mikrotik_routeros.addresses import BUILT_IN, interfaces_of
from collectors.devices.mikrotik_routeros.text import Config, config, flag, listed
from collectors.devices.syntax.routeros import Item, Row, rows
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.interfaces import Interfaces, Port, unguarded, unused_open, vouched
from collectors.transports.base import DeviceCli

_MODES: dict[str, Literal["access", "trunk"]] = {"admit-only-untagged-and-priority-tagged": "access", "admit-only-vlan-tagged": "trunk"}  # fmt: skip


def interfaces(cli: DeviceCli) -> Interfaces:
    """Every interface from /interface print, its place in a bridge from the configuration."""
    gaps = Gaps()
    conf = config(cli)
    ports = gaps.attempt(("ports", "unused_open", "unguarded"), lambda: tuple(_ports(cli, conf, gaps)))
    gaps.note("arp_inspection_vlans", "unsupported", "RouterOS does not inspect ARP")
    return Interfaces(
        ports=ports,
        unused_open=None if ports is None else unused_open(ports, gaps),
        unguarded=None if ports is None else gaps.attempt("unguarded", lambda: _unguarded(conf, ports, gaps)),
        dhcp_snooping_vlans=gaps.attempt("dhcp_snooping_vlans", lambda: _snooping(conf)),
        arp_inspection_vlans=None,
        native_vlan_default=gaps.attempt("native_vlan_default", lambda: _native_default(conf)),
        dynamic_trunks=(),  # no port of RouterOS lets the other end choose
        unseen=gaps.unseen,
    )


def members(conf: Config) -> dict[str, Item]:
    """Interface -> its line in /interface bridge port, lists taken apart."""
    found: dict[str, Item] = {}
    for item in conf.active("interface bridge port"):
        name = item.word("interface") or ""
        lists = {each.word("name") for each in conf.items("interface list")}
        if name in lists or name in BUILT_IN:
            inner = interfaces_of(conf, name)
            if inner is None:
                raise Unsupported(f"a bridge takes the interface list {name[:30]}, whose interfaces come and go")
            found |= dict.fromkeys(inner, item)
        else:
            found[name] = item
    return found


def bridges(conf: Config) -> dict[str, Item]:
    return {item.word("name") or "": item for item in conf.active("interface bridge")}


def _ports(cli: DeviceCli, conf: Config, gaps: Gaps) -> list[Port]:
    found = rows(cli.ask("/interface print detail without-paging"))
    if not found:
        raise Unparsable("/interface print detail: no interface is shown")
    sockets = {item.word("name") for item in conf.items("interface ethernet")}
    missing = sockets - {row.values.get("name") for row in found}
    if missing:
        raise Unparsable(f"/interface print detail: {sorted(str(name) for name in missing)[0]} is not in it")
    held = members(conf)
    addresses = _addresses(cli)
    arp = _arp(conf)
    authenticated = _dot1x(conf, gaps)
    redirects = gaps.attempt("ports[].redirects", lambda: conf.on("ip settings", "send-redirects"))
    loose = _switched(conf) | {row.values.get("name", "") for row in found if "S" in row.flags} - set(held)
    if loose:
        gaps.note("ports[].mode", "unsupported", "a port beneath a bond or a master-port has no place of its own")
    gaps.note(("ports[].idle_days", "ports[].port_security"), "unsupported", "RouterOS does not tell it")
    return [_port(row, conf, held, addresses, arp, authenticated, redirects, sockets) for row in found]


def _port(
    row: Row,
    conf: Config,
    held: dict[str, Item],
    addresses: dict[str, tuple[str, ...]],
    arp: dict[str, str],
    authenticated: Callable[[str], bool | None],
    redirects: bool | None,
    sockets: set[str | None],
) -> Port:
    name = row.values.get("name") or ""
    if not name:
        raise Unparsable("/interface print detail: an interface without a name")
    place = held.get(name)
    bridge = bridges(conf).get(place.word("bridge") or "") if place else None
    filtering = bridge is not None and bridge.word("vlan-filtering") == "yes"
    mode = _mode(row, place, filtering) if name not in _switched(conf) else None
    vlan = place.word("pvid") if place and filtering else None
    number = int(vlan) if vlan and vlan.isdecimal() else None
    routed = bool(addresses.get(name))
    return Port(
        name=name,
        description=row.comment,
        physical=name in sockets,
        enabled=not row.disabled,
        up="R" in row.flags,
        mode=mode,
        vlan=number if mode == "access" else None,
        native_vlan=number if mode == "other" else None,
        addresses=addresses.get(name, ()),
        port_security=None,
        authenticated=authenticated(name) if place else None,
        bpdu_guard=_bpdu_guard(bridge, place),
        snooping_trusted=_word(place, "trusted"),
        proxy_arp=arp[name] in ("proxy-arp", "local-proxy-arp") if name in arp else None,
        redirects=redirects if routed else None,
    )


def _switched(conf: Config) -> set[str]:
    """Before 6.41 a port may hang under another (master-port): the switch chip joins them, and no bridge says so."""
    return {
        item.word("name") or "" for item in conf.items("interface ethernet") if item.word("master-port") not in (None, "", "none")
    }


def _mode(row: Row, place: Item | None, filtering: bool) -> Literal["access", "trunk", "routed", "other"] | None:
    """A bridge that does not filter VLANs hands every frame to whoever plugs in. None: beneath a bond or the like."""
    if place is None:
        return None if "S" in row.flags else "routed"
    return _MODES.get(place.word("frame-types") or "", "other") if filtering else "access"


def _bpdu_guard(bridge: Item | None, place: Item | None) -> bool | None:
    """A bridge without spanning tree hears no BPDU."""
    if bridge is not None and bridge.word("protocol-mode") == "none":
        return False
    return _word(place, "bpdu-guard")


def _word(place: Item | None, key: str) -> bool | None:
    word = place.word(key) if place else None
    return None if word is None else flag(word, key)


def _addresses(cli: DeviceCli) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    texts = [cli.ask("/ip address print detail without-paging")]
    if config(cli).has("ipv6 settings"):
        texts.append(cli.ask("/ipv6 address print detail without-paging"))
    for text in texts:
        for row in rows(text):
            if not row.disabled and row.values.get("address"):
                found.setdefault(row.values.get("interface", ""), []).append(row.values["address"].lower())
    return {name: tuple(each) for name, each in found.items()}


def _arp(conf: Config) -> dict[str, str]:
    """Interface -> arp mode, of every menu that has one."""
    found = {}
    for name, section in conf.export.sections.items():
        if name.startswith("interface "):
            for item in section.items:
                if item.word("name") and item.word("arp"):
                    found[item.values["name"]] = item.values["arp"]
    return found


def _dot1x(conf: Config, gaps: Gaps) -> Callable[[str], bool | None]:
    """802.1X, or MAC authentication, at a port; a line may name a list, and VLANs for those nobody vouches for."""
    guarded: set[str] = set()
    loopholes: dict[str, str] = {}
    for item in conf.active("interface dot1x server"):
        name = item.word("interface") or ""
        named = any(name == each.word("name") for each in conf.items("interface list"))
        places = interfaces_of(conf, name) or frozenset() if named else frozenset({name})
        guarded |= places
        for key in ("guest-vlan-id", "reject-vlan-id", "server-fail-vlan-id"):
            if item.word(key) not in (None, "", "none"):
                loopholes |= dict.fromkeys(places, key)
    return lambda name: vouched(name, name in guarded, loopholes.get(name), gaps)


def _unguarded(conf: Config, ports: tuple[Port, ...], gaps: Gaps) -> tuple[str, ...] | None:
    """Sockets of a bridge that take whoever plugs in. Those beneath a bond or a VLAN alone are not in a bridge by themselves."""
    if _switched(conf):
        raise Unsupported("ports hang under a master-port; the switch chip joins them, and what guards them is not told")
    sockets = (port for port in ports if port.physical and port.enabled and port.mode in ("access", "other"))
    # RouterOS limits no number of stations
    return unguarded((port.model_copy(update={"port_security": False}) for port in sockets), gaps)


def _snooping(conf: Config) -> tuple[str, ...]:
    """A bridge as a whole snoops, not a VLAN. Raises Unsupported where one bridge does and another does not."""
    used = {item.word("bridge") or "" for item in members(conf).values()}
    found = bridges(conf)
    if used - set(found):
        raise Unparsable("a port belongs to a bridge that is not in the configuration, or is disabled")
    snoops = {name: found[name].word("dhcp-snooping") for name in sorted(used)}
    if any(word not in ("yes", "no") for word in snoops.values()):
        raise Unsupported("dhcp-snooping is not shown: this release has none (6.43 and later do)")
    if len(set(snoops.values())) > 1:
        raise Unsupported("one bridge snoops on DHCP and another does not")
    # where every port is trusted nobody is watched
    watched = {item.word("bridge") for item in members(conf).values() if item.word("trusted") == "no"}
    return tuple(name for name, word in snoops.items() if word == "yes" and name in watched)


def _native_default(conf: Config) -> bool:
    """A port that is tagged in some VLAN and takes untagged frames into VLAN 1."""
    held = members(conf)
    tagged = {name for item in conf.active("interface bridge vlan") for name in listed(item.word("tagged") or "")}
    for name, item in held.items():
        bridge = bridges(conf).get(item.word("bridge") or "")
        if bridge is None or bridge.word("vlan-filtering") != "yes" or name not in tagged:
            continue
        if item.word("frame-types") == "admit-only-vlan-tagged":
            continue
        if item.word("pvid") is None or item.word("frame-types") is None:
            raise Unsupported("pvid or frame-types of a bridge port is not shown")
        if item.word("pvid") == "1":
            return True
    if _switch_chip(conf):
        raise Unsupported("VLANs are set in the switch chip, which is not read")
    return False


def _switch_chip(conf: Config) -> bool:
    """VLANs of old models stand in the switch chip, beside the bridge."""
    if _switched(conf):
        return True
    modes = {item.word("vlan-mode") or "disabled" for item in conf.items("interface ethernet switch port")}
    return bool(modes - {"disabled", "fallback"}) or any(
        re.match(r"interface ethernet switch (?:egress-vlan|ingress-vlan|vlan)", name) for name in conf.export.sections
    )
