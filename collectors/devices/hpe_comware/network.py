"""HPE Comware and H3C: filtering between networks, ports, routing and redundancy."""

from __future__ import annotations

import re
from functools import partial
from typing import Literal

from collectors.devices.hpe_comware.text import access_lists, config, firewall, interfaces, list_rules
from collectors.devices.packet_lists import listed, unbound
from collectors.devices.syntax.vrp import Block
from collectors.devices.vocabulary import prefix
from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.filtering import Action, Filtering, FilterRule, Zone
from collectors.facts.interfaces import Interfaces, Port, unguarded, unused_open, vouched
from collectors.facts.redundancy import Gateway, Redundancy, Routing
from collectors.transports.base import DeviceCli

Mode = Literal["access", "trunk", "dynamic", "routed", "other"]

_PHYSICAL = re.compile(
    r"(?:M-)?(?:GigabitEthernet|Ten-GigabitEthernet|FortyGigE|HundredGigE|Twenty-FiveGigE|Ethernet|M-GigabitEthernet"
    r"|M-Ethernet|Multi-GigabitEthernet|Serial|Pos)\d+(?:/\d+)*$"
)
_LONG = {
    "GE": "GigabitEthernet", "XGE": "Ten-GigabitEthernet", "FGE": "FortyGigE", "HGE": "HundredGigE", "WGE": "Twenty-FiveGigE",
    "Eth": "Ethernet", "M-GE": "M-GigabitEthernet", "M-E": "M-Ethernet", "MGE": "M-GigabitEthernet", "Vlan": "Vlan-interface",
    "BAGG": "Bridge-Aggregation", "RAGG": "Route-Aggregation", "Loop": "LoopBack",
}  # fmt: skip
_KEYED = re.compile(r"(?:md5|hmac-md5|hmac-sha-?\w*|keychain)\b")
_OUTSIDE = re.compile(r"untrust|outside|wan|internet", re.I)


def filtering(cli: DeviceCli) -> Filtering:
    """Policies of a firewall; on routers and switches the lists that are bound to interfaces."""
    gaps = Gaps()
    wall = firewall(cli)
    return Filtering(
        stateful=wall,
        default_action=_default(cli, wall),
        default_logged=None,
        rules=gaps.attempt(
            "rules", lambda: _policies(cli) if wall else listed(_bound(cli), access_lists(cli), partial(list_rules, cli), gaps)
        ),
        unbound=gaps.attempt("unbound", lambda: unbound(config(cli), access_lists(cli))),
        zones=_zones(cli),
        anti_spoofing=None,
        dos_protection=None,
        unseen=gaps.unseen,
    )


def _default(cli: DeviceCli, wall: bool) -> Action | None:
    if config(cli).flag("security-policy disable"):
        return None
    if wall:
        return (
            "deny"  # between zones nothing passes that no rule names: "security-policy", H3C SecPath Security Command Reference
        )
    return "deny" if config(cli).flag("packet-filter default deny") else "permit"


def _bound(cli: DeviceCli) -> dict[str, list[str]]:
    """List -> interfaces whose packets it filters."""
    bound: dict[str, list[str]] = {}
    for name, block in (*interfaces(cli), ("all", config(cli))):
        for each in block.matches(r"packet-filter (ipv6 )?(?:name )?(\S+) (?:inbound|outbound)"):
            bound.setdefault(f"ipv6 {each[2]}" if each[1] else each[2], []).append(name)
    return bound


def _policies(cli: DeviceCli) -> tuple[FilterRule, ...]:
    rows = []
    for policy in (
        block for block in config(cli).blocks("security-policy ip") if re.match(r"security-policy ip(?:v6)?$", block.text)
    ):
        for rule in policy.blocks("rule "):
            named = re.match(r"rule (\d+)(?: name (.+))?$", rule.text)
            if not named:
                raise Unparsable(f"line {rule.line}: not a rule of a security policy: {rule.text[:60]}")
            action = rule.value("action ")
            if action not in ("pass", "drop", None):
                raise Unparsable(f"line {rule.line}: unknown action {action}")
            passes = action == "pass"
            services = [line for line in (*rule.lines("service "), *rule.lines("service-port ")) if line.lower() != "any"]
            narrowed = any(rule.matches(r"(?:user |user-group |application |app-group |time-range |url-category )"))
            rows.append(
                FilterRule(
                    list=policy.text,
                    name=named[2] or named[1],
                    # a rule whose action was never set drops: "action", H3C SecPath Security Command Reference
                    action="permit" if passes else "deny",
                    enabled=rule.flag("disable") is not True,
                    source_any=not any(rule.matches(r"source-(?:ip|mac|location)\S* ")),
                    destination_any=not any(rule.matches(r"destination-(?:ip|location)\S* ")),
                    service_any=not services and not narrowed,
                    source_zones=tuple(rule.lines("source-zone ")),
                    destination_zones=tuple(rule.lines("destination-zone ")),
                    logged=rule.flag("logging enable") is True,
                    inspected=any(rule.matches(r"profile ")) if passes else None,
                )
            )
    return tuple(rows)


def _zones(cli: DeviceCli) -> tuple[Zone, ...]:
    return tuple(
        Zone(
            name=block.text.removeprefix("security-zone name "),
            interfaces=tuple(line.split(" vlan ")[0] for line in block.lines("import interface ")),
            outside=bool(_OUTSIDE.search(block.text.removeprefix("security-zone name "))),
        )
        for block in config(cli).blocks("security-zone name ")
    )


def interfaces_fact(cli: DeviceCli) -> Interfaces:
    """Settings from the configuration, what is connected from `display interface brief`."""
    gaps = Gaps()
    states = gaps.attempt(("unused_open", "ports[].up"), lambda: _states(cli))
    ports = gaps.attempt("ports", lambda: tuple(_port(cli, name, block, states, gaps) for name, block in interfaces(cli)))
    trunks = [port for port in ports or () if port.mode == "trunk" and port.enabled is not False]
    snooping = config(cli).flag("dhcp snooping enable") is True or config(cli).stands("dhcp-snooping") is True
    return Interfaces(
        ports=ports,
        unused_open=unused_open(ports, gaps) if ports is not None and states is not None else None,
        unguarded=None
        if ports is None
        else unguarded((port for port in ports if port.mode in ("access", "other") and _in_use(port)), gaps),
        dhcp_snooping_vlans=("all",) if snooping else _vlans(cli, "dhcp snooping enable"),
        arp_inspection_vlans=_vlans(cli, "arp detection enable"),
        native_vlan_default=any(port.native_vlan == 1 for port in trunks) if ports is not None else None,
        dynamic_trunks=(),
        unseen=gaps.unseen,
    )


def _in_use(port: Port) -> bool:
    return port.physical and port.enabled is not False


def _vlans(cli: DeviceCli, text: str) -> tuple[str, ...]:
    return tuple(block.text.removeprefix("vlan ") for block in config(cli).blocks("vlan ") if block.flag(text))


def _states(cli: DeviceCli) -> dict[str, str]:
    text = cli.ask("display interface brief")
    if not re.search(r"^Interface\s+Link\s", text, re.M):
        raise Unparsable("display interface brief: not the table it should be")
    found = re.findall(r"^\s*([A-Z][\w-]*?)(\d[\d/.:]*)\s+(UP|DOWN|ADM|Stby)\b", text, re.M)
    return {f"{_LONG.get(kind, kind)}{number}": state for kind, number, state in found}


def _port(cli: DeviceCli, name: str, block: Block, states: dict[str, str] | None, gaps: Gaps) -> Port:
    state = states.get(name) if states else None
    physical = bool(_PHYSICAL.match(name))
    shut = block.flag("shutdown")
    # up unless shut down: "shutdown", Comware 5 and 7 Interface command references (switches and routers)
    enabled = state != "ADM" if state else shut is not True
    mode, vlan, native = _switching(name, block, physical)
    edge = block.stands("stp edged-port") or block.stands("stp edged-port enable")  # `stp edged-port disable` is another word
    guard = (config(cli).flag("stp bpdu-protection") is True and edge is True) or block.flag("stp root-protection") is True
    guarded = config(cli).flag("port-security enable") is True and any(
        block.matches(r"port-security (?:port-mode|max-mac-count) ")
    )
    # `dot1x authentication-method eap` or `mac-authentication domain X` alone asks nobody
    one_x, by_mac = (config(cli).stands(word) is True and block.stands(word) is True for word in ("dot1x", "mac-authentication"))
    if (block.value("dot1x port-control ") or "").startswith("authorized-force"):
        one_x = by_mac = False  # whoever plugs in is in
    return Port(
        name=name,
        description=block.value("description ") or "",
        physical=physical,
        enabled=enabled,
        up=state == "UP" if state else None,
        mode=mode,
        vlan=vlan,
        native_vlan=native,
        addresses=_addresses(block),
        port_security=(guarded or any(block.matches(r"mac-address max-mac-count \d"))) if physical else None,
        authenticated=vouched(name, one_x or by_mac, _fails_open(cli, block), gaps) if physical else None,
        bpdu_guard=guard if physical else None,
        snooping_trusted=(block.flag("dhcp snooping trust") or block.flag("dhcp-snooping trust")) is True if physical else None,
        proxy_arp=True if block.flag("proxy-arp enable") else None,
        redirects=None,
    )


def _fails_open(cli: DeviceCli, block: Block) -> str | None:
    """VLANs for guests, for those that fail, and while no server answers; a domain that asks nobody (Security Command References)."""
    for line in (*block.children, *config(cli).children):
        found = re.match(
            r"(?:dot1x|mac-authentication) (?:guest-vlan|guest-vsi|auth-fail (?:vlan|vsi)|critical (?:vlan|vsi|eapol|profile)|critical-voice-vlan)\b"
            r"|port-security authentication open\b|(?:dot1x|mac-authentication) .*\bopen\b",
            line.text,
        )
        if found:
            return found[0]
    for domain in config(cli).blocks("domain "):
        for each in domain.matches(r"authentication (?:lan-access|default) (?:.* )?none$"):
            return f"{domain.text}: {each[0]}"
    return None


def _addresses(block: Block) -> tuple[str, ...]:
    v4 = [
        prefix(found[1], found[2]) if "." in found[2] else f"{found[1]}/{found[2]}"
        for found in block.matches(r"ip address (\d+\.\d+\.\d+\.\d+) (\S+)")
    ]
    v6 = [f"{found[1].lower()}/{found[2]}" for found in block.matches(r"ipv6 address ([0-9A-Fa-f:]+)[ /](\d+)")]
    return (*v4, *v6)


def _switching(name: str, block: Block, physical: bool) -> tuple[Mode | None, int | None, int | None]:
    """(mode, access VLAN, untagged VLAN of a trunk). Access in VLAN 1 by default: "port link-type", Layer 2 references."""
    said = block.value("port link-type ")
    if block.value("port link-mode ") == "route" or name.startswith("M-") or any(block.matches(r"ip(?:v6)? address ")):
        return "routed", None, None
    if not physical and said is None:
        return None, None, None
    if said == "trunk":
        if any(block.matches(r"undo port trunk permit vlan 1(?: |$)")):
            return "trunk", None, None
        pvid = block.value("port trunk pvid vlan ") or "1"
        return "trunk", None, int(pvid) if pvid.isdecimal() else None
    if said in ("access", None):
        vlan = block.value("port access vlan ") or "1"
        return ("access" if said or block.value("port link-mode ") == "bridge" or vlan != "1" else "other"), int(vlan), None
    return "other", None, None


def redundancy(cli: DeviceCli) -> Redundancy:
    """A stack (IRF) and power supplies from their state, the rest from the configuration."""
    gaps = Gaps()
    return Redundancy(
        cluster=gaps.attempt("cluster", lambda: _cluster(cli)),
        peer_up=None,
        gateways=_gateways(cli),
        routing=gaps.attempt("routing", lambda: _routing(cli, gaps)),
        second_power=gaps.attempt("second_power", lambda: _power(cli)),
        unseen=gaps.unseen,
    )


def _cluster(cli: DeviceCli) -> Literal["none", "stack"]:
    members = re.findall(r"^\s*[*+ ]*\d+\s+(?:\d+\s+)?(?:Master|Slave|Standby)\b", cli.ask("display irf"), re.M)
    if not members:
        raise Unparsable("display irf: no member in it")
    return "stack" if len(members) > 1 else "none"


def _power(cli: DeviceCli) -> bool:
    text = cli.ask("display power")
    rows = re.findall(r"^\s*(?:Power\s+)?\d+\s+(?:State: )?(Normal|Absent|Fault\S*|Error)\b", text, re.M | re.I)
    if not rows:
        raise Unparsable("display power: no supply in it")
    return sum(1 for row in rows if row.lower() == "normal") >= 2


def _gateways(cli: DeviceCli) -> tuple[Gateway, ...]:
    rows = []
    for name, block in interfaces(cli):
        for six, group in dict.fromkeys((found[1], found[2]) for found in block.matches(r"vrrp (ipv6 )?vrid (\d+) virtual-ip ")):
            keyed = bool(block.matches(rf"vrrp {six or ''}vrid {group} authentication-mode md5 "))
            rows.append(Gateway(interface=name, protocol="vrrp", authenticated=keyed))
    return tuple(rows)


def _routing(cli: DeviceCli, gaps: Gaps) -> tuple[Routing, ...]:
    tree = config(cli)
    rows: list[Routing] = []
    ports = [block for _, block in interfaces(cli) if any(block.matches(r"ospf authentication-mode "))]
    for process in tree.blocks("ospf "):
        for area in process.blocks("area "):
            answer: bool | None = bool(_KEYED.match(area.value("authentication-mode ") or ""))
            if not answer and ports:
                answer = None
                gaps.note("routing[].authenticated", "unsupported", "some ports sign OSPF for themselves, the area does not")
            if answer and any(block.matches(r"ospf authentication-mode (?:null|simple)") for block in ports):
                answer = False
            rows.append(Routing(protocol="ospf", name=f"{process.text} {area.text}", authenticated=answer))
    for process in tree.blocks("ospfv3 "):
        rows.append(Routing(protocol="ospfv3", name=process.text, authenticated=any(process.matches(r"enable ipsec-profile "))))
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
