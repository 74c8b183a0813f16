"""FortiOS: what it lets through between interfaces, for each virtual domain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from ipaddress import IPv4Address, ip_address, ip_network, summarize_address_range
from typing import NamedTuple

from collectors.devices.fortinet_fortios.access import outside
from collectors.devices.fortinet_fortios.text import Config, config
from collectors.devices.syntax.fortios import Block
from collectors.devices.vocabulary import Network, every_address, everybody
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.filtering import Action, Filtering, FilterRule, Zone
from collectors.transports.base import DeviceCli

_ACTIONS: dict[str, Action] = {"accept": "permit", "deny": "deny", "ipsec": "permit", "redirect": "other", "isolate": "other"}
_PROFILES = (
    "av-profile", "webfilter-profile", "dnsfilter-profile", "emailfilter-profile", "dlp-profile", "dlp-sensor", "file-filter-profile",
    "ips-sensor", "application-list", "voip-profile", "waf-profile", "sctp-filter-profile", "virtual-patch-profile", "casb-profile",
)  # fmt: skip
_DEPTH = 16
_EVERYTHING: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))


class _Objects(NamedTuple):
    """What names of one virtual domain stand for; of services those that are every one."""

    addresses: Mapping[str, tuple[Network, ...]]
    services: frozenset[str]


def filtering(cli: DeviceCli) -> Filtering:
    """Firewall policies in the order of each virtual domain."""
    gaps = Gaps()
    conf = config(cli)
    gaps.note("rules[].hits", "unsupported", "the counters of policies were not asked")
    gaps.note("unbound", "unsupported", "a policy always names its interfaces")
    return Filtering(
        stateful=True,
        default_action="deny",
        default_logged=gaps.attempt("default_logged", lambda: _implicit(conf)),
        rules=gaps.attempt("rules", lambda: tuple(_rules(conf))),
        zones=gaps.attempt("zones", lambda: tuple(_zones(conf, gaps))),
        anti_spoofing=gaps.attempt("anti_spoofing", lambda: _anti_spoofing(conf)),
        dos_protection=gaps.attempt("dos_protection", lambda: _dos(conf)),
        unseen=gaps.unseen,
    )


def _implicit(conf: Config) -> bool:
    return all(conf.on(block, "log setting", "fwpolicy-implicit-log") for _, block in conf.everywhere("log setting"))


# --- rules ------------------------------------------------------------------------------------------------------------


def _rules(conf: Config) -> Iterator[FilterRule]:
    for vdom, scope in conf.vdoms.items():
        settings = scope.child("system settings")
        if settings is not None and settings.word("ngfw-mode") == "policy-based":
            raise Unsupported(f"{vdom} decides by security policies (ngfw-mode policy-based), which are not read yet")
        objects = _objects(conf, scope)
        groups = scope.child("firewall profile-group")
        for name in ("firewall policy", "firewall policy6"):
            # policy6 is one of releases before 6.4
            if name == "firewall policy6" and scope.child(name) is None:
                continue
            for entry in conf.section(name, scope).entries.values():
                yield _rule(conf, vdom if name == "firewall policy" else f"{vdom} policy6", entry, objects, groups)


def _rule(conf: Config, where: str, entry: Block, objects: _Objects, groups: Block | None) -> FilterRule:
    say = partial(_say, conf, entry)
    said = say("action", "deny")
    if said not in _ACTIONS:
        raise Unparsable(f"action of policy {entry.name}: {said[:40]}")
    action = _ACTIONS[said]
    profiles = _profiles(say, entry, groups) if action == "permit" else frozenset()
    log = say("logtraffic", None)
    return FilterRule(
        list=where,
        name=entry.name,
        action=action,
        enabled=say("status", "enable") != "disable",
        source_any=_any(say, entry, "src", objects.addresses),
        destination_any=_any(say, entry, "dst", objects.addresses),
        service_any=_any_service(say, entry, objects.services),
        source_zones=entry.words("srcintf") or (),
        destination_zones=entry.words("dstintf") or (),
        logged=None if log == "" else log == "all",
        inspected=bool(profiles),
        ips="ips-sensor" in profiles,
        antivirus="av-profile" in profiles,
    )


def _say(conf: Config, entry: Block, key: str, absent: str | None) -> str:
    """A value of a policy. What a policy does not show has no meaning for it (service of an internet service, ...)."""
    try:
        return conf.say(entry, "firewall policy", key)
    except Unsupported:
        if absent is None:
            return ""
        if conf.resolved:
            return absent
        raise


def _any(say: partial[str], entry: Block, side: str, addresses: Mapping[str, tuple[Network, ...]]) -> bool:
    """The side is everybody, by one name or by several together; negated, unless the names leave nobody."""
    service = "internet-service-src" if side == "src" else "internet-service"
    if say(service, "disable") == "enable":
        return False
    names = (*(entry.words(f"{side}addr") or ()), *(entry.words(f"{side}addr6") or ()))
    nets = [net for name in names for net in addresses.get(name, ())]
    if say(f"{side}addr-negate", "disable") == "enable":
        return not every_address(nets)
    return everybody(nets)


def _any_service(say: partial[str], entry: Block, everything: frozenset[str]) -> bool:
    if say("service-negate", "disable") == "enable" or say("internet-service", "disable") == "enable":
        return False
    return any(name in everything for name in entry.words("service") or ())


def _profiles(say: partial[str], entry: Block, groups: Block | None) -> frozenset[str]:
    """Profiles that look inside. Without utm-status those named do not count."""
    if say("utm-status", "disable") != "enable":
        return frozenset()
    holder: Block | None = entry
    if say("profile-type", "single") == "group":
        name = entry.word("profile-group") or ""
        holder = groups.checked().entries.get(name) if groups else None
        if holder is None:
            raise Unsupported(f"the profile group {name} of policy {entry.name} is not shown")
    return frozenset(key for key in _PROFILES if holder is not None and holder.word(key))


def _objects(conf: Config, scope: Block) -> _Objects:
    for name in ("firewall address", "firewall service custom"):
        conf.section(name, scope)  # a policy whose objects are hidden says little
    return _Objects(
        _addresses(scope),
        _closed({"ALL"} | set(_wide_services(scope)), scope, ("firewall service group",)),
    )


def _addresses(scope: Block) -> Mapping[str, tuple[Network, ...]]:
    """Name -> networks; none for names that are narrow whatever they hold (FQDN, geography, dynamic ones)."""
    found = {"all": _EVERYTHING}
    for table in ("firewall address", "firewall address6"):
        for name, entry in _entries(scope, table):
            found[name] = found.get(name, ()) + _nets(entry, six=table.endswith("6"))
    groups = {
        name: entry.words("member") or ()
        for table in ("firewall addrgrp", "firewall addrgrp6")
        for name, entry in _entries(scope, table)
    }
    for _ in range(_DEPTH):
        more = {
            name: tuple(dict.fromkeys(net for member in members for net in found.get(member, ())))
            for name, members in groups.items()
        }
        if all(found.get(name) == nets for name, nets in more.items()):
            break
        found |= more
    return found


def _nets(entry: Block, *, six: bool) -> tuple[Network, ...]:
    kind = entry.word("type") or ("ipprefix" if six else "ipmask")
    try:
        if kind in ("ipmask", "ipprefix"):
            words = entry.words("ip6" if six else "subnet")
            # an address without one is that of everything
            return (ip_network("/".join(words), strict=False),) if words else (_EVERYTHING[six],)
        if kind == "iprange":
            ends = [ip_address(entry.word(key) or "") for key in ("start-ip", "end-ip")]
            return tuple(summarize_address_range(*ends))
    except (ValueError, TypeError):
        raise Unparsable(f"the address {entry.name[:60]} is neither a network nor a range") from None
    if kind == "wildcard":
        words = entry.words("wildcard") or ()
        if len(words) != 2:
            raise Unparsable(f"the address {entry.name[:60]} has no wildcard")
        bits = bin(int(IPv4Address(words[1]))).count("1")
        return (_EVERYTHING[0],) if bits <= 1 else ()
    return ()


def _wide_services(scope: Block) -> Iterator[str]:
    block = scope.child("firewall service custom")
    for entry in block.checked().entries.values() if block else ():
        if entry.word("protocol") == "IP" and entry.word("protocol-number") in (None, "0"):
            yield entry.name


def _closed(names: set[str], scope: Block, tables: tuple[str, ...]) -> frozenset[str]:
    """The names, and those of groups that hold one of them, however deep."""
    groups = {name: set(entry.words("member") or ()) for table in tables for name, entry in _entries(scope, table)}
    for _ in range(_DEPTH):
        more = {name for name, members in groups.items() if members & names} - names
        if not more:
            break
        names |= more
    return frozenset(names)


def _entries(scope: Block, table: str) -> Iterator[tuple[str, Block]]:
    block = scope.child(table)
    yield from block.checked().entries.items() if block else ()


# --- zones and floods -------------------------------------------------------------------------------------------------


def _zones(conf: Config, gaps: Gaps) -> Iterator[Zone]:
    ports = conf.section("system interface").entries
    held: set[str] = set()
    for scope in conf.vdoms.values():
        for name, entry in conf.section("system zone", scope).entries.items():
            inside = entry.words("interface") or ()
            held |= set(inside)
            leads = [outside(ports[port]) for port in inside if port in ports]
            yield _zone(gaps, name, inside, True if any(leads) else None if None in leads or not leads else False)
    for name, port in ports.items():
        if name not in held and port.word("status") != "down":
            yield _zone(gaps, name, (name,), outside(port))


def _zone(gaps: Gaps, name: str, inside: tuple[str, ...], leads: bool | None) -> Zone:
    if leads is None:
        gaps.note("zones[].outside", "unsupported", f"{name} has no role, and its name tells nothing")
    return Zone(name=name, interfaces=inside, outside=leads)


def _outer(conf: Config) -> tuple[str, ...]:
    found = tuple(
        name for name, port in conf.section("system interface").entries.items() if port.word("status") != "down" and outside(port)
    )
    if not found:
        raise Unsupported("no interface is marked or named as leading outside")
    return found


def _anti_spoofing(conf: Config) -> bool:
    """FortiOS checks that a way back exists; asymroute and src-check disable take that away."""
    ports = conf.section("system interface").entries
    for _, block in conf.everywhere("system settings"):
        if conf.on(block, "system settings", "asymroute"):
            return False
    return all(ports[name].word("src-check") != "disable" for name in _outer(conf))


def _dos(conf: Config) -> bool:
    """Each outside interface has a DoS policy that is on and blocks something."""
    guarded: set[str] = set()
    for scope in conf.vdoms.values():
        for _, entry in _entries(scope, "firewall DoS-policy"):
            table = entry.child("anomaly")
            blocks = any(
                anomaly.word("status") == "enable" and anomaly.word("action") == "block"
                for anomaly in (table.entries.values() if table else ())
            )
            if entry.word("status") != "disable" and blocks:
                guarded |= set(entry.words("interface") or ())
    outer = _outer(conf)
    if not guarded:
        for scope in conf.vdoms.values():
            conf.section("firewall DoS-policy", scope)  # is it there at all, or not for this account to see?
    return "any" in guarded or set(outer) <= guarded
