"""From a register and what machines said of themselves to the fact `system_design`, so that ordinary checks judge it.

The register is a person's word. What devices and hosts show may bear it out (`who` then names them too) or speak against it:
then the field is None with the reason, never what the register says. A machine nobody looked at might have spoken against it,
so its snapshot missing is not knowing as well: switching an agent off must never make a system look better.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from ipaddress import ip_address, ip_interface, ip_network
from typing import Literal, NamedTuple, TypeVar

from baselines.systems.register import Asset, Register, System
from baselines.systems.register import Zone as Registered
from collectors import VERSION
from collectors.facts.base import Fact, Gaps
from collectors.facts.identity import Identity
from collectors.facts.interfaces import Interfaces
from collectors.facts.redundancy import Redundancy
from collectors.facts.system_design import MainDevice, PlacedServer, SystemDesign, Zone
from collectors.model import Kind, Record, Snapshot, Source, Target, digest_of

REGISTER = "register"
T = TypeVar("T")
F = TypeVar("F", bound=Fact)
_NETWORK = (Kind.ROUTER, Kind.SWITCH, Kind.FIREWALL)


class Sighting(NamedTuple):
    """Somebody seen on the network, by discovery."""

    address: str
    known: str | None
    """Name in the register it was compared with; None when it is a stranger there."""


class Sighted(NamedTuple):
    """What discovery saw, and what it rests on."""

    hosts: tuple[Sighting, ...]
    what: str
    """Name of the result, for the reader."""
    sha256: str
    at: datetime
    ranges: tuple[str, ...] = ()
    """Networks that were asked: where nobody looked, nobody was seen."""


def snapshot_of(system: System, fresh: Mapping[str, Snapshot], at: datetime, sighted: Sighted | None = None) -> Snapshot:
    """The system as a target of its own, of kind `system`, with the one fact. `fresh`: asset -> its snapshot that counts."""
    fact = design(system.register, fresh, sighted)
    record = Record(
        fact=fact.NAME,
        version=fact.VERSION,
        outcome="seen",
        data=fact.model_dump(mode="json"),
        sources=tuple(_sources(system, fresh, at, sighted)),
    )
    digest = digest_of((record,))
    return Snapshot(
        id=_id(system, digest, at),
        target=Target(name=system.register.name, kind=Kind.SYSTEM, via="register"),
        collected_at=at,
        seconds=0.0,
        collector=VERSION,
        privileged=True,
        records=(record,),
        digest=digest,
    )


def design(register: Register, fresh: Mapping[str, Snapshot], sighted: Sighted | None = None) -> SystemDesign:
    """The fact. Reads nothing but its arguments."""
    gaps = Gaps()
    return SystemDesign(
        zones=tuple(_zones(register, fresh, gaps)),
        wireless_used=_told(register.wireless, "wireless_used", gaps),
        main_devices=_main_devices(register, fresh, gaps),
        servers=_servers(register, fresh, gaps),
        internet_carriers=_told(
            None if register.internet is None else len({line.carrier.strip().casefold() for line in register.internet}),
            "internet_carriers",
            gaps,
        ),
        strangers=_strangers(register, fresh, sighted, gaps),
        unseen=gaps.unseen,
    )


def _told(value: T | None, field: str, gaps: Gaps) -> T | None:
    if value is None:
        gaps.note(field, "unsupported", "the register does not say")
    return value


# zones -----------------------------------------------------------------------------------------------------------------


def _zones(register: Register, fresh: Mapping[str, Snapshot], gaps: Gaps) -> Iterator[Zone]:
    kinds = {asset.name: asset.kind for asset in register.assets}
    inside = {name: addresses for name, snapshot in fresh.items() if (addresses := _routed(snapshot)) is not None}
    blind = sorted(asset.name for asset in register.assets if asset.kind in _NETWORK and asset.name not in inside)
    no_networks: list[str] = []
    unfiltered: dict[str, list[str]] = {}
    for zone in register.zones:
        apart = _apart(zone, register.zones)
        if apart is None:
            no_networks.append(zone.id)
        filtered, why = _filtered(zone, register.zones, kinds, inside, blind)
        if filtered is None:
            unfiltered.setdefault(why, []).append(zone.id)
        shows = sorted(name for name, addresses in inside.items() if _within(addresses, zone))
        yield Zone(
            name=zone.id,
            type=zone.type,
            addresses=zone.addresses,
            apart=apart,
            filtered=filtered,
            who=", ".join([REGISTER, *shows]),
        )
    if no_networks:
        gaps.note("zones[].apart", "unsupported", f"the register names no network of: {', '.join(no_networks)}")
    if unfiltered:
        reasons = (f"{', '.join(zones)}: {why}" for why, zones in unfiltered.items())
        gaps.note("zones[].filtered", "unsupported", "; ".join(reasons))


def _apart(zone: Registered, zones: Iterable[Registered]) -> bool | None:
    if not zone.addresses:
        return None
    others = [ip_network(other) for one in zones if one.id != zone.id for other in one.addresses]
    own = [ip_network(address) for address in zone.addresses]
    return not any(mine.version == other.version and mine.overlaps(other) for mine in own for other in others)


def _filtered(
    zone: Registered,
    zones: tuple[Registered, ...],
    kinds: Mapping[str, Kind],
    inside: Mapping[str, tuple[str, ...]],
    blind: list[str],
) -> tuple[bool | None, str]:
    """Whether only firewalls route for a zone, and why that is not known."""
    if zone.routed_by is None:
        return None, "the register does not say who routes for it"
    if any(kinds[name] is not Kind.FIREWALL for name in zone.routed_by):
        return False, ""
    for name, addresses in sorted(inside.items()):
        here = _within(addresses, zone)
        there = [other.id for other in zones if other.id != zone.id and _within(addresses, other)]
        if here and there and kinds[name] is not Kind.FIREWALL:
            return None, f"{name} has addresses in it and in {', '.join(there)}: it may route past the firewall"
        if name in zone.routed_by and zone.addresses and not here:
            return None, f"{name} routes for it by the register, and shows no address inside it"
    if blind:
        return None, f"the interfaces of {', '.join(blind)} were not seen: one of them may route past the firewall"
    return True, ""


def _routed(snapshot: Snapshot) -> tuple[str, ...] | None:
    """Addresses of a network device's interfaces; None where they were not seen."""
    fact = _typed(snapshot, Interfaces)
    if snapshot.target.kind not in _NETWORK or fact is None or fact.ports is None:
        return None
    return tuple(address for port in fact.ports for address in port.addresses)


def _within(addresses: Iterable[str], zone: Registered) -> bool:
    networks = [ip_network(network) for network in zone.addresses]
    return any(_host(address) in network for address in addresses for network in networks)


def _host(text: str) -> object:
    return ip_interface(text.partition("%")[0] if "/" not in text else text).ip


# machines --------------------------------------------------------------------------------------------------------------


def _main_devices(register: Register, fresh: Mapping[str, Snapshot], gaps: Gaps) -> tuple[MainDevice, ...] | None:
    main = [asset for asset in register.assets if asset.main]
    if not main:
        gaps.note("main_devices", "unsupported", "the register calls no device a main one")
        return None
    found, open_questions = [], []
    for asset in main:
        spare, who, why = _spare(asset, fresh)
        if spare is None:
            open_questions.append(f"{asset.name}: {why}")
        found.append(MainDevice(name=asset.name, role=asset.role, spare=spare, who=who))
    if open_questions:
        gaps.note("main_devices[].spare", "unsupported", "; ".join(open_questions))
    return tuple(found)


def _spare(asset: Asset, fresh: Mapping[str, Snapshot]) -> tuple[Literal["hot", "cold", "none"] | None, str, str]:
    """(what stands ready, whose word it is, why it is not known)."""
    told: Literal["hot", "cold", "none"] | None = None
    if asset.paired_with:
        told = "hot"
    elif asset.cold_spare:
        told = "cold"
    elif asset.paired_with is not None:
        told = "none"
    shown = _runs_beside(fresh.get(asset.name))
    if told is None:
        return None, REGISTER, "the register does not say whether it is paired"
    if asset.name not in fresh and told != "none":
        return None, REGISTER, f"by the register its spare is {told}, and nobody looked at it"
    if shown is None:
        return told, REGISTER, ""
    if shown is not (told == "hot"):
        differs = "it shows that it runs beside another" if shown else "it shows that it stands alone"
        return None, REGISTER, f"by the register its spare is {told}, and {differs}"
    return told, f"{REGISTER}, {asset.name}", ""


def _runs_beside(snapshot: Snapshot | None) -> bool | None:
    """Whether the device itself shows a second one beside it; None where that was not seen."""
    fact = _typed(snapshot, Redundancy)
    if fact is None:
        return None
    if fact.cluster not in (None, "none") or fact.gateways:
        return True
    return False if fact.cluster == "none" and fact.gateways is not None else None


def _servers(register: Register, fresh: Mapping[str, Snapshot], gaps: Gaps) -> tuple[PlacedServer, ...] | None:
    servers = [asset for asset in register.assets if asset.kind is Kind.SERVER]
    if not servers:
        gaps.note("servers", "unsupported", "the register names no server")
        return None
    zones = {zone.id: zone for zone in register.zones}
    found, elsewhere = [], []
    for asset in servers:
        zone = zones[asset.zone]
        looked = asset.name in fresh
        identity = _typed(fresh.get(asset.name), Identity)
        own = (identity.addresses if identity else None) or ()
        placed = not own or not zone.addresses or _within(own, zone)
        if not looked:
            elsewhere.append(f"nobody looked at {asset.name}")
        elif not placed:
            elsewhere.append(f"{asset.name} says that it has {', '.join(own)}, none of them in {zone.id}")
        shows = bool(own and zone.addresses and placed)
        found.append(
            PlacedServer(
                name=asset.name,
                role=asset.role,
                public=asset.public,
                zone_type=zone.type if looked and placed else None,
                who=f"{REGISTER}, {asset.name}" if shows else REGISTER,
            )
        )
    if elsewhere:
        gaps.note("servers[].zone_type", "unsupported", "; ".join(elsewhere))
    for column in ("role", "public"):
        silent = [row.name for row in found if getattr(row, column) is None]
        if silent:
            gaps.note(f"servers[].{column}", "unsupported", f"the register does not say of: {', '.join(silent)}")
    return tuple(found)


def _strangers(register: Register, fresh: Mapping[str, Snapshot], sighted: Sighted | None, gaps: Gaps) -> tuple[str, ...] | None:
    networks = [(zone.id, ip_network(network)) for zone in register.zones for network in zone.addresses]
    if sighted is None or not networks:
        why = "the register names no network of its zones" if sighted else "no result of `rasoat discover` was given"
        gaps.note("strangers", "unsupported", why)
        return None
    known = {address for asset in register.assets for address in asset.addresses}
    for snapshot in fresh.values():
        identity = _typed(snapshot, Identity)
        known |= {
            str(_host(address)) for address in (*((identity.addresses if identity else None) or ()), *(_routed(snapshot) or ()))
        }
    names = {asset.name for asset in register.assets}
    found = tuple(
        host.address
        for host in sighted.hosts
        if host.known not in names
        and host.address not in known
        and any(ip_address(host.address) in network for _, network in networks)
    )
    asked = [ip_network(text, strict=False) for text in sighted.ranges if _is_network(text)]
    blind = [name for name, network in networks if not any(_covers(one, network) for one in asked)]
    if blind and not found:
        gaps.note("strangers", "unsupported", f"discovery did not ask the whole of: {', '.join(dict.fromkeys(blind))}")
        return None
    return found


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _covers(one: object, other: object) -> bool:
    return one.version == other.version and other.subnet_of(one)  # type: ignore[attr-defined,no-any-return]


def _typed(snapshot: Snapshot | None, cls: type[F]) -> F | None:
    """The fact of a snapshot in its own type; None when it was not seen, or is not understood."""
    record = snapshot.by_fact.get(cls.NAME) if snapshot else None
    try:
        fact = record.typed() if record else None
    except ValueError:
        return None
    return fact if isinstance(fact, cls) else None


# provenance ------------------------------------------------------------------------------------------------------------


def _sources(system: System, fresh: Mapping[str, Snapshot], at: datetime, sighted: Sighted | None) -> Iterator[Source]:
    """The register first, then each snapshot whose facts were held against it."""
    yield Source(kind="file", what=f"{REGISTER}: {system.file}", sha256=system.digest, at=at)
    for name in sorted(fresh):
        snapshot = fresh[name]
        held = [fact.NAME for fact in (Interfaces, Redundancy, Identity) if _typed(snapshot, fact) is not None]
        if held:
            what = f"snapshot {snapshot.id} of {name}: {', '.join(held)}"
            yield Source(kind="call", what=what, sha256=snapshot.digest, at=snapshot.collected_at)
    if sighted is not None:
        yield Source(kind="file", what=f"discovery: {sighted.what}", sha256=sighted.sha256, at=sighted.at)


def _id(system: System, digest: str, at: datetime) -> str:
    """An id of version 7 made from what went in: the same register, snapshots and day have the same."""
    bits = int(hashlib.sha256(f"{system.digest}|{digest}|{at.isoformat()}".encode()).hexdigest(), 16)
    value = (int(at.timestamp() * 1000) & ((1 << 48) - 1)) << 80 | 0x7 << 76 | (bits >> 80 & 0xFFF) << 64
    text = f"{value | 0b10 << 62 | bits & ((1 << 62) - 1):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
