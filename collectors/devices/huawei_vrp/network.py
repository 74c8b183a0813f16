"""Huawei VRP: filtering between networks, ports, routing and redundancy."""

from __future__ import annotations

import re
from functools import partial
from typing import Literal

from collectors.devices.huawei_vrp.text import access_lists, config, firewall, interfaces, list_rules, switch, virtual
from collectors.devices.packet_lists import listed, unbound
from collectors.devices.syntax.vrp import Block
from collectors.devices.vocabulary import prefix
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.filtering import Filtering, FilterRule, Zone
from collectors.facts.interfaces import Interfaces, Port, unguarded, unused_open, vouched
from collectors.facts.redundancy import Gateway, Redundancy, Routing
from collectors.transports.base import DeviceCli

_PHYSICAL = re.compile(
    r"(?:GigabitEthernet|XGigabitEthernet|MultiGE|Ethernet|Eth|GE|XGE|10GE|25GE|40GE|50GE|100GE|400GE|FortyGigE|MEth|Pos|Serial|Cellular)"
    r"\d+(?:/\d+)*$"
)
_SHORT = {"GE": "GigabitEthernet", "XGE": "XGigabitEthernet", "Eth": "Ethernet"}
_KEYED = re.compile(r"(?:md5|hmac-md5|hmac-sha256|hmac-sha1|keychain)\b")
_OUTSIDE = re.compile(r"untrust|outside|wan|internet", re.I)


def filtering(cli: DeviceCli) -> Filtering:
    """Policies of a firewall; on routers and switches the lists that are bound to interfaces."""
    gaps = Gaps()
    wall = firewall(cli)
    between = not wall and any(config(cli).blocks("firewall interzone "))
    if between:
        gaps.note(
            ("stateful", "default_action"),
            "unsupported",
            "a router with `firewall interzone`: what it does between zones is not worked out",
        )
    bound = _bound(cli)
    rules = gaps.attempt(
        "rules", lambda: _policies(cli) if wall else listed(bound, access_lists(cli), partial(list_rules, cli), gaps)
    )
    return Filtering(
        stateful=wall or (None if between else False),
        default_action=_default(cli) if wall else None if between else "permit",
        default_logged=None,
        rules=rules,
        unbound=gaps.attempt("unbound", lambda: unbound(config(cli), access_lists(cli))),
        zones=_zones(cli) if wall else (),
        anti_spoofing=None,
        dos_protection=None,
        unseen=gaps.unseen,
    )


def _bound(cli: DeviceCli) -> dict[str, tuple[str, ...]]:
    """List -> interfaces it filters, through traffic-filter, packet-filter or the classifier of a traffic-policy."""
    found: dict[str, list[str]] = {}
    classifiers: dict[str, list[str]] = {}
    for block in config(cli).blocks("traffic classifier "):
        for each in block.matches(r"if-match (ipv6 )?acl (?:name )?(\S+)"):
            classifiers.setdefault(block.text.split()[2], []).append(f"ipv6 {each[2]}" if each[1] else each[2])
    policies = {
        block.text.split()[2]: [name for each in block.matches(r"classifier (\S+)") for name in classifiers.get(each[1], ())]
        for block in config(cli).blocks("traffic policy ")
    }
    places = [*interfaces(cli), *((block.text, block) for block in config(cli).blocks("vlan ")), ("all", config(cli))]
    for name, block in places:
        for each in block.matches(
            r"traffic-(?:filter|secure) (?:(vlan \d+) )?(?:inbound|outbound) (.*?ipv6 )?(?:acl )?(ipv6 )?(?:name )?(\S+)"
        ):
            found.setdefault(f"ipv6 {each[4]}" if each[2] or each[3] else each[4], []).append(each[1] or name)
        for each in block.matches(r"(?:firewall )?packet-filter (ipv6 )?(?:name )?(\S+) (?:inbound|outbound)"):
            found.setdefault(f"ipv6 {each[2]}" if each[1] else each[2], []).append(name)
        for each in block.matches(r"traffic-policy (\S+)(?: global)? (?:inbound|outbound)"):
            for filtered in policies.get(each[1], ()):
                found.setdefault(filtered, []).append(name)
    return {name: tuple(places) for name, places in found.items()}


def _policies(cli: DeviceCli) -> tuple[FilterRule, ...]:
    rows = []
    for vsys, policy in virtual(cli, "security-policy"):
        for rule in policy.blocks("rule name "):
            action = rule.value("action ")
            if action not in ("permit", "deny", None):
                raise Unparsable(f"line {rule.line}: unknown action {action}")
            services = [line for line in rule.lines("service ") if line != "any"]
            narrowed = any(rule.matches(r"(?:user |application |time-range |url )"))
            intrusion = any(rule.matches(r"profile ips ")) if action == "permit" else None
            virus = any(rule.matches(r"profile av ")) if action == "permit" else None
            rows.append(
                FilterRule(
                    list=f"{vsys} {policy.text}".strip(),
                    name=rule.text.removeprefix("rule name "),
                    # a rule whose action was never set refuses: "action", USG6000 administrator guide
                    action="permit" if action == "permit" else "deny",
                    enabled=rule.flag("disable") is not True,
                    source_any=not [line for line in rule.lines("source-address ") if line != "any"],
                    destination_any=not [line for line in rule.lines("destination-address ") if line != "any"],
                    service_any=not services and not narrowed,
                    source_zones=tuple(rule.lines("source-zone ")),
                    destination_zones=tuple(rule.lines("destination-zone ")),
                    logged=bool(rule.flag("policy logging")) or bool(rule.flag("session logging")),
                    inspected=any(rule.matches(r"profile ")) if action == "permit" else None,
                    ips=intrusion,
                    antivirus=virus,
                )
            )
    return tuple(rows)


def _default(cli: DeviceCli) -> Literal["permit", "deny"]:
    defaults = [policy.value("default action ") for _, policy in virtual(cli, "security-policy")]
    return "permit" if any(said and said.split()[0] == "permit" for said in defaults) else "deny"


def _zones(cli: DeviceCli) -> tuple[Zone, ...]:
    rows = []
    for vsys, block in virtual(cli, "firewall zone "):
        words = block.text.removeprefix("firewall zone ").split()
        name = words[1] if words[0] == "name" and len(words) > 1 else words[0]
        rows.append(
            Zone(
                name=f"{vsys} {name}".strip(),
                interfaces=tuple(block.lines("add interface ")),
                outside=bool(_OUTSIDE.search(name)),
            )
        )
    return tuple(rows)


def interfaces_fact(cli: DeviceCli) -> Interfaces:
    """Settings from the configuration, what is connected from `display interface brief`."""
    gaps = Gaps()
    states = gaps.attempt(("unused_open", "ports[].up"), lambda: _states(cli))
    ports = gaps.attempt("ports", lambda: tuple(_port(cli, name, block, states, gaps) for name, block in interfaces(cli)))
    trunks = [port for port in ports or () if port.mode == "trunk" and port.enabled is not False]
    if any(port.mode is None and port.physical for port in ports or ()):
        gaps.note("ports[].mode", "unsupported", "where a port names no link-type, the default depends on model and release")
    return Interfaces(
        ports=ports,
        unused_open=unused_open(ports, gaps) if ports is not None and states is not None else None,
        unguarded=None if ports is None else unguarded((port for port in ports if _for_desks(cli, port)), gaps),
        dhcp_snooping_vlans=_vlans(cli, "dhcp snooping enable", config(cli).flag("dhcp snooping enable") is True),
        arp_inspection_vlans=_vlans(cli, "arp anti-attack check user-bind enable", True),
        native_vlan_default=any(port.native_vlan == 1 for port in trunks) if ports is not None else None,
        dynamic_trunks=gaps.attempt("dynamic_trunks", lambda: _dynamic(cli, ports or ())),
        unseen=gaps.unseen,
    )


def _for_desks(cli: DeviceCli, port: Port) -> bool:
    """A port that says nothing of its kind carries VLAN 1 untagged, as an access port does."""
    access = port.mode not in ("trunk", "routed") if switch(cli) else port.mode == "access"
    return access and port.physical and port.enabled is not False


def _states(cli: DeviceCli) -> dict[str, str]:
    text = cli.ask("display interface brief")
    if not re.search(r"^Interface\s+PHY\s+Protocol", text, re.M):
        raise Unparsable("display interface brief: not the table it should be")
    rows = re.findall(r"^\s*([A-Z0-9]\S*\d)(?:\([a-zA-Z0-9]+\))?\s+([*^#!+-]?(?:up|down)\S*)\s+\S", text, re.M)
    return {_long(name): phy for name, phy in rows}


def _long(name: str) -> str:
    found = re.match(r"(GE|XGE|Eth)(\d.*)", name)
    return f"{_SHORT[found[1]]}{found[2]}" if found else name


def _port(cli: DeviceCli, name: str, block: Block, states: dict[str, str] | None, gaps: Gaps) -> Port:
    phy = states.get(_long(name)) if states else None
    physical = bool(_PHYSICAL.match(name))
    shut = block.flag("shutdown")
    enabled = not phy.startswith("*") if phy else (None if shut is None else not shut)
    # a port of a bundle is what the bundle is
    bundle = next((own for other, own in interfaces(cli) if other == f"Eth-Trunk{block.value('eth-trunk ')}"), block)
    mode, vlan, native = _switching(cli, bundle, physical)
    edge = block.flag("stp edged-port enable") or block.flag("stp edged-port default")
    guard = (config(cli).flag("stp bpdu-protection") is True and edge is True) or block.flag("stp root-protection") is True
    return Port(
        name=name,
        description=block.value("description ") or "",
        physical=physical,
        enabled=enabled,
        up=phy.startswith("up") if phy else None,
        mode=mode,
        vlan=vlan,
        native_vlan=native,
        addresses=_addresses(block),
        port_security=block.flag("port-security enable") is True or any(block.matches(r"mac-limit maximum \d"))
        if physical
        else None,
        authenticated=vouched(name, _authenticated(cli, block), _fails_open(cli, block), gaps) if physical else None,
        bpdu_guard=guard if physical else None,
        snooping_trusted=(block.flag("dhcp snooping trusted") or block.flag("dhcp snooping trust")) is True if physical else None,
        proxy_arp=True if block.flag("arp-proxy enable") else None,
        redirects=False if block.flag("icmp redirect send") is False else None,
    )


def _authenticated(cli: DeviceCli, block: Block) -> bool:
    if (block.value("dot1x port-control ") or "").startswith("authorized-force"):
        return False  # whoever plugs in is in
    # each counts once it is on for the whole switch too (S series, NAC configuration in common mode)
    one_x = block.stands("dot1x enable") or block.stands("dot1x mac-bypass")
    if (one_x and config(cli).stands("dot1x enable")) or (block.stands("mac-authen") and config(cli).stands("mac-authen")):
        return True
    profile = block.value("authentication-profile ")
    for known in config(cli).blocks("authentication-profile name "):
        if profile and known.text.removeprefix("authentication-profile name ") == profile.split()[-1]:
            return any(known.matches(r"(?:dot1x|mac)-access-profile \S"))
    return False


_LETS_IN = re.compile(
    r"authentication event \S+ action authorize\b|(?:dot1x |mac-authen )?authentication (?:guest|restrict|critical)-vlan\b"
    r"|(?:authentication|dot1x|mac-authen) (?:guest|restrict|critical)-vlan\b|authentication open\b"
)


def _fails_open(cli: DeviceCli, block: Block) -> str | None:
    """An event that gives rights to whom nobody vouched for, in the port's profile or at the port; a scheme that ends in asking nobody."""
    tree = config(cli)
    named = (block.value("authentication-profile ") or "").split()[-1:]
    profiles = [own for own in tree.blocks("authentication-profile name ") if own.text.split()[-1:] == named]
    inner = {line.text.split()[-1] for own in profiles for line in own.blocks("dot1x-access-profile ")}
    profiles += [own for own in tree.blocks("dot1x-access-profile name ") if own.text.split()[-1] in inner]
    for line in (*block.children, *(line for own in profiles for line in own.children)):
        if found := _LETS_IN.match(line.text):
            return found[0]
    for aaa in tree.blocks("aaa"):
        for scheme in aaa.blocks("authentication-scheme "):
            if "none" in (scheme.value("authentication-mode ") or "").split():
                return f"{scheme.text}: authentication-mode none"
    return None


def _addresses(block: Block) -> tuple[str, ...]:
    v4 = [
        prefix(found[1], found[2]) if "." in found[2] else f"{found[1]}/{found[2]}"
        for found in block.matches(r"ip address (\d+\.\d+\.\d+\.\d+) (\S+)")
    ]
    v6 = [f"{found[1].lower()}/{found[2]}" for found in block.matches(r"ipv6 address ([0-9A-Fa-f:]+)[ /](\d+)")]
    return (*v4, *v6)


def _switching(cli: DeviceCli, block: Block, physical: bool) -> tuple[str | None, int | None, int | None]:
    """(mode, access VLAN, untagged VLAN of a trunk)."""
    said = block.value("port link-type ")
    if said == "access":
        vlan = block.value("port default vlan ") or "1"
        return "access", int(vlan) if vlan.isdecimal() else None, None
    if said == "trunk":
        if block.flag("port trunk allow-pass vlan 1") is False or any(block.matches(r"undo port trunk allow-pass vlan 1(?: |$)")):
            return "trunk", None, None
        pvid = block.value("port trunk pvid vlan ") or "1"
        return "trunk", None, int(pvid) if pvid.isdecimal() else None
    if said is not None:
        return ("dynamic" if "auto" in said or "desirable" in said or "negotiation" in said else "other"), None, None
    if block.flag("portswitch") is False or any(block.matches(r"ip(?:v6)? address ")) or not physical:
        return ("routed" if physical or any(block.matches(r"ip(?:v6)? address ")) else None), None, None
    if own := block.value("port default vlan "):
        return "access", int(own) if own.isdecimal() else None, None
    return None, None, None


def _vlans(cli: DeviceCli, text: str, on: bool) -> tuple[str, ...]:
    if not on:
        return ()
    found = [block.text.removeprefix("vlan ") for block in config(cli).blocks("vlan ") if block.flag(text)]
    found += [each[1] for each in config(cli).matches(rf"{text} vlan (.+)")]
    return tuple(dict.fromkeys(found))


def _dynamic(cli: DeviceCli, ports: tuple[Port, ...]) -> tuple[str, ...]:
    if switch(cli) and any(port.physical and port.mode is None for port in ports):
        raise Unsupported("some port names no link-type: whether the release negotiates by itself is not in our table")
    return tuple(port.name for port in ports if port.mode == "dynamic")


def redundancy(cli: DeviceCli) -> Redundancy:
    """HRP from the configuration, a stack and power supplies from their state."""
    gaps = Gaps()
    return Redundancy(
        cluster=gaps.attempt("cluster", lambda: _cluster(cli)),
        peer_up=None,
        gateways=_gateways(cli),
        routing=gaps.attempt("routing", lambda: _routing(cli, gaps)),
        second_power=gaps.attempt("second_power", lambda: _power(cli)),
        unseen=gaps.unseen,
    )


def _cluster(cli: DeviceCli) -> Literal["none", "active-standby", "active-active", "stack"]:
    tree = config(cli)
    if tree.flag("hrp enable"):
        balanced = tree.flag("hrp loadbalance-device") or tree.flag("hrp load balance device")
        return "active-active" if balanced else "active-standby"
    text = cli.ask("display stack")
    members = re.findall(r"^\s*\+?\d+\s+(?:\d+\s+)?(?:Master|Standby|Slave)\b", text, re.M)
    if members:
        return "stack" if len(members) > 1 else "none"
    if re.search(r"stack.*(?:not enabled|disabled)|not in stack", text, re.I):
        return "none"
    raise Unparsable("display stack: no member in it")


def _power(cli: DeviceCli) -> bool:
    text = cli.ask("display power")
    rows = re.findall(r"^\s*(?:\d+\s+)?PWR\S*\s+(\S+)\s+(.*)$", text, re.M | re.I)
    if not rows:
        raise Unparsable("display power: no supply in it")
    return (
        sum(1 for online, rest in rows if online.lower() in ("present", "yes") and re.search(r"\b(?:Supply|Normal)\b", rest)) >= 2
    )


def _gateways(cli: DeviceCli) -> tuple[Gateway, ...]:
    rows = []
    for name, block in interfaces(cli):
        groups = dict.fromkeys(found[1] for found in block.matches(r"vrrp6? vrid (\d+) virtual-ip "))
        for group in groups:
            keyed = bool(block.matches(rf"vrrp6? vrid {group} authentication-mode (?:md5|hmac-sha256) "))
            rows.append(Gateway(interface=name, protocol="vrrp", authenticated=keyed))
    return tuple(rows)


def _routing(cli: DeviceCli, gaps: Gaps) -> tuple[Routing, ...]:
    tree = config(cli)
    rows: list[Routing] = []
    for process in tree.blocks("ospf "):
        if not re.match(r"ospf \d+", process.text):
            continue
        for area in process.blocks("area "):
            keyed = _KEYED.match(area.value("authentication-mode ") or "")
            ports = [block for _, block in interfaces(cli) if any(block.matches(r"ospf authentication-mode "))]
            answer: bool | None = bool(keyed)
            if not keyed and ports:
                # single ports may sign for themselves: which of them lie in the area is not worked out
                answer = None
                gaps.note("routing[].authenticated", "unsupported", "some ports sign OSPF for themselves, the area does not")
            if keyed and any(block.matches(r"ospf authentication-mode (?:null|simple)") for block in ports):
                answer = False
            rows.append(Routing(protocol="ospf", name=f"{process.text} {area.text}", authenticated=answer))
    for process in tree.blocks("ospfv3 "):
        rows.append(
            Routing(protocol="ospfv3", name=process.text, authenticated=any(process.matches(r"authentication-mode hmac-sha256")))
        )
    for process in tree.blocks("bgp "):
        rows += _peers(process)
    for process in tree.blocks("isis "):
        keyed = _KEYED.match(process.value("area-authentication-mode ") or "")
        rows.append(Routing(protocol="isis", name=process.text, authenticated=bool(keyed)))
    for process in tree.blocks("rip "):
        rows.append(Routing(protocol="rip", name=process.text, authenticated=False))
    return tuple(rows)


def _peers(process: Block) -> list[Routing]:
    signed = {found[1] for found in process.matches(r"peer (\S+) (?:password (?:cipher|simple)|keychain) ")}
    groups = {found[1]: found[2] for found in process.matches(r"peer (\S+) group (\S+)")}
    names = {found[1] for found in process.matches(r"group (\S+)")}
    peers = dict.fromkeys(found[1] for found in process.matches(r"peer (\S+) (?:as-number|group) ") if found[1] not in names)
    return [
        Routing(protocol="bgp", name=f"{process.text} peer {peer}", authenticated=peer in signed or groups.get(peer) in signed)
        for peer in peers
    ]
