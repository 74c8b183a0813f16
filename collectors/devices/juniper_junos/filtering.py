"""Junos: security policies between zones, or packet filters of interfaces where the device follows no flows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from collectors.devices.juniper_junos import packets
from collectors.devices.juniper_junos.access import described_outside, outside
from collectors.devices.juniper_junos.logs import targets
from collectors.devices.juniper_junos.objects import Addresses, Applications
from collectors.devices.juniper_junos.reach import Unit, units, zoned
from collectors.devices.juniper_junos.text import config, scopes, version
from collectors.devices.syntax.junos import Node
from collectors.devices.vocabulary import reaches
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.filtering import Action, Filtering, FilterRule, Zone
from collectors.transports.base import DeviceCli

_FLOODS = (
    ("tcp", "syn-flood"), ("icmp", "flood"), ("udp", "flood"), ("limit-session",), ("tcp", "syn-ack-ack-proxy"), ("tcp", "port-scan"),
    ("icmp", "ip-sweep"),
)  # fmt: skip


def filtering(cli: DeviceCli) -> Filtering:
    """A firewall's policies in the order they are tried; elsewhere every term of every filter that an interface uses."""
    gaps = Gaps()
    root, told = config(cli), version(cli)
    if zoned(root, told):
        return _stateful(cli, root, gaps)
    gaps.note(
        ("default_logged", "rules[].hits", "rules[].inspected"),
        "unsupported",
        "packet filters: counters are not asked, nothing looks inside",
    )
    gaps.note(("zones", "dos_protection"), "unsupported", "without flows there are neither zones nor screens")
    return Filtering(
        stateful=False,
        default_action=gaps.attempt("default_action", lambda: packets.unfiltered(root)),
        rules=gaps.attempt("rules", lambda: tuple(packets.rules(root))),
        unbound=gaps.attempt("unbound", lambda: tuple(packets.unbound(root))),
        anti_spoofing=gaps.attempt("anti_spoofing", lambda: _checked(_outer(root))),
        unseen=gaps.unseen,
    )


# --- policies ---------------------------------------------------------------------------------------------------------


class _Policies(NamedTuple):
    """What the rules of one scope are read with."""

    where: str
    scope: Node
    addresses: Addresses
    applications: Applications
    recorded: bool
    hits: dict[tuple[str, str, str], int] | None


def _stateful(cli: DeviceCli, root: Node, gaps: Gaps) -> Filtering:
    zones = gaps.attempt("zones", lambda: tuple(_zones(root, gaps)))
    edge = [zone.name for zone in zones or () if zone.outside]
    if not edge:
        gaps.note(("anti_spoofing", "dos_protection"), "unsupported", "no zone is known to lead outside")
    hits = gaps.attempt("rules[].hits", lambda: _hits(cli))
    return Filtering(
        stateful=True,
        default_action=gaps.attempt("default_action", lambda: _default(root)),
        default_logged=gaps.attempt("default_logged", lambda: _last_logged(root)),
        rules=gaps.attempt("rules", lambda: tuple(_policies(root, gaps, hits))),
        unbound=gaps.attempt("unbound", lambda: tuple(packets.unbound(root))),
        zones=zones,
        anti_spoofing=gaps.attempt("anti_spoofing", lambda: _spoofing(root, edge)) if edge else None,
        dos_protection=gaps.attempt("dos_protection", lambda: _dos(root, edge)) if edge else None,
        unseen=gaps.unseen,
    )


def _default(root: Node) -> Action:
    """The worst of all scopes; "deny-all is the default" (Junos OS CLI Reference, default-policy)."""
    _bypassed(root)
    said = [scope.has("security", "policies", "default-policy", "permit-all") for _, scope in scopes(root)]
    return "permit" if any(said) else "deny"


def _bypassed(root: Node) -> None:
    """Raises where a filter sends packets past the policies."""
    for _, scope in scopes(root):
        for part in scope.below("firewall"):
            if any(node.has("then", "packet-mode") for node in part.walk()):
                raise Unsupported("a filter lets packets pass outside flows (packet-mode), which no policy sees")


def _last_logged(root: Node) -> bool:
    """The policy by default writes nothing: a global one that refuses everything and logs it must stand before, in each scope."""
    return _recorded(root) and all(
        any(_refuses_all(policy) for policy in scope.below("security", "policies", "global", "policy"))
        for _, scope in scopes(root)
        if scope.has("security", "policies")
    )


def _refuses_all(policy: Node) -> bool:
    match, then = policy.at("match") or Node("match"), policy.at("then") or Node("then")
    everything = all("any" in match.words(key) for key in ("source-address", "destination-address", "application"))
    narrowed = any(match.has(key) for key in ("from-zone", "to-zone", "dynamic-application", "source-identity")) or any(
        match.has(f"{side}-address-excluded") for side in ("source", "destination")
    )
    return everything and not narrowed and not then.has("permit") and then.has("log", "session-init")


def _policies(root: Node, gaps: Gaps, hits: dict[tuple[str, str, str], int] | None) -> Iterator[FilterRule]:
    _bypassed(root)
    recorded = _recorded(root)
    if not recorded:
        gaps.note(
            "rules[].logged",
            "unsupported",
            "policies may say log, but neither a stream nor a syslog target of severity info takes it",
        )
    for where, scope in scopes(root):
        if where and scope.has("security", "policies"):
            gaps.note("rules[].hits", "unsupported", f"counters of {where.strip()} were not asked")
        parts = _Policies(where, scope, Addresses(scope), Applications(root, scope), recorded, hits if not where else None)
        for source in scope.below("security", "policies", "from-zone"):
            for destination in source.below("to-zone"):
                for policy in destination.below("policy"):
                    yield _policy(
                        parts, policy, (source.name,), (destination.name,), f"{where}{source.name} to {destination.name}"
                    )
        for policy in scope.below("security", "policies", "global", "policy"):
            yield _policy(parts, policy, policy.words("match", "from-zone"), policy.words("match", "to-zone"), f"{where}global")


def _policy(parts: _Policies, policy: Node, sources: tuple[str, ...], destinations: tuple[str, ...], where: str) -> FilterRule:
    match, then = policy.at("match") or Node("match"), policy.at("then") or Node("then")
    action: Action | None = next((word for word in ("permit", "deny", "reject") if then.has(word)), None)
    if action is None:
        raise Unparsable(f"the policy {policy.name} of {where} says neither permit nor deny nor reject")
    logs = then.words("log")
    looks = then.at("permit", "application-services") or Node("")
    pair = ("junos-global", "junos-global") if where.endswith("global") else (sources[0], destinations[0])
    return FilterRule(
        list=where,
        name=policy.name,
        action=action,
        enabled=True,
        source_any=_any(parts, match, "source", sources),
        destination_any=_any(parts, match, "destination", destinations),
        service_any=_any_service(parts, match),
        source_zones=sources,
        destination_zones=destinations,
        # a session that is refused never closes
        logged=False if not logs or (action != "permit" and "session-init" not in logs) else True if parts.recorded else None,
        hits=None if parts.hits is None else parts.hits.get((*pair, policy.name)),
        inspected=bool(looks.nodes),
        ips=_ips(parts.scope, looks),
        antivirus=_antivirus(parts.scope, looks),
    )


def _any(parts: _Policies, match: Node, side: str, zones: tuple[str, ...]) -> bool:
    names = match.words(f"{side}-address")
    return parts.addresses.wide(names, zones, match.has(f"{side}-address-excluded")) if names else True


def _any_service(parts: _Policies, match: Node) -> bool:
    dynamic = match.words("dynamic-application")
    if dynamic and not {"any", "junos:UNKNOWN"} & set(dynamic) and "none" not in dynamic:
        return False
    names = match.words("application")
    return parts.applications.wide(names) if names else True


def _ips(scope: Node, looks: Node) -> bool:
    """A policy of its own that exists, or the active one of the device."""
    name = looks.word("idp-policy")
    if name is not None:
        return scope.has("security", "idp", "idp-policy", name)
    return looks.has("idp") and bool(scope.word("security", "idp", "active-policy"))


def _antivirus(scope: Node, looks: Node) -> bool:
    if looks.has("advanced-anti-malware-policy"):
        return True
    name = looks.word("utm-policy")
    if name is None:
        return False
    return name == "junos-av-policy" or scope.has("security", "utm", "utm-policy", name, "anti-virus")


def _recorded(root: Node) -> bool:
    """Records of sessions go to a stream, or through syslog to something that takes severity info of `user`.

    Where `mode` is set, the other way carries none of them (Junos OS CLI Reference, mode of security log).
    """
    modes = {mode for _, scope in scopes(root) if (mode := scope.word("security", "log", "mode"))}
    streams = [stream for _, scope in scopes(root) for stream in scope.below("security", "log", "stream")]
    if any(stream.has("host") for stream in streams) and "event" not in modes:
        return True
    return "stream" not in modes and any(reaches(one.level("user"), "informational") for one in targets(root))


def _hits(cli: DeviceCli) -> dict[tuple[str, str, str], int]:
    text = cli.ask("show security policies hit-count", timeout=120.0)
    found: dict[tuple[str, str, str], int] = {}
    # of a cluster both nodes may answer
    for row in re.finditer(r"^ *\d+ +(\S+) +(\S+) +(\S+) +(\d+)(?: +\w+)?\s*$", text, re.M):
        found[row[1], row[2], row[3]] = found.get((row[1], row[2], row[3]), 0) + int(row[4])
    if not found and not re.search(r"^ *Index +From zone|Number of policy: 0", text, re.M):
        raise Unparsable("show security policies hit-count: no table in it")
    return found


# --- zones and floods -------------------------------------------------------------------------------------------------


def _zones(root: Node, gaps: Gaps) -> Iterator[Zone]:
    known = {unit.name: unit for unit in units(root)}
    for where, scope in scopes(root):
        for zone in scope.below("security", "zones", "security-zone"):
            members = zone.words("interfaces")
            told = any(described_outside(known[name]) for name in members if name in known)
            yield Zone(
                name=f"{where}{zone.name}",
                interfaces=members,
                outside=told or outside(zone.name, gaps, "zones[].outside"),
            )


def _screens(root: Node, edge: list[str]) -> list[Node]:
    """The screen of each outside zone; an empty one where it has none, or only raises an alarm."""
    found = []
    for where, scope in scopes(root):
        for zone in scope.below("security", "zones", "security-zone"):
            if f"{where}{zone.name}" in edge:
                screen = scope.at("security", "screen", "ids-option", zone.word("screen") or "")
                found.append(Node("") if screen is None or screen.has("alarm-without-drop") else screen)
    return found


def _dos(root: Node, edge: list[str]) -> bool:
    return all(any(screen.has(*flood) for flood in _FLOODS) for screen in _screens(root, edge))


def _spoofing(root: Node, edge: list[str]) -> bool:
    """The screen watches for it, or each interface outside checks the way back."""
    if all(screen.has("ip", "spoofing") for screen in _screens(root, edge)):
        return True
    outer = {
        id(zone)
        for where, scope in scopes(root)
        for zone in scope.below("security", "zones", "security-zone")
        if f"{where}{zone.name}" in edge
    }
    return _checked([unit for unit in units(root) if unit.place and id(unit.place.zone) in outer])


def _outer(root: Node) -> list[Unit]:
    found = [unit for unit in units(root) if described_outside(unit)]
    if not found:
        raise Unsupported("no description of an interface says that it leads outside")
    return found


def _checked(outer: list[Unit]) -> bool:
    """rpf-check of every family each of them speaks; a loose one is content with any way back, such as the default route."""
    return bool(outer) and all(
        unit.node.has("family", family, "rpf-check") and unit.node.word("family", family, "rpf-check", "mode") != "loose"
        for unit in outer
        for family in ("inet", "inet6")
        if unit.node.has("family", family)
    )
