"""An information system as the judge understands it (baselines/systems): from its entry in the register, the people's words, and the
newest report of each of its machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from ipaddress import ip_address

import yaml
from django.db.models import Q
from django.utils import timezone

from baselines.evaluate import judgeable
from baselines.model import Baseline
from baselines.systems import register
from baselines.systems.judge import judge_system
from baselines.systems.result import SystemAssessment
from collectors.facts.hardware import Hardware
from collectors.facts.identity import Identity
from collectors.facts.listening import Listening
from collectors.facts.neighbours import Neighbours
from collectors.model import Kind, Snapshot
from collectors.seal import SealError
from server.assess import centre, packs
from server.ingest.models import Machine
from server.registers.columns import folded
from server.registers.models import Item
from server.registers.systems import Member, System
from server.registers.zones import Zone
from server.units.models import Unit, resolve
from server.waivers.models import Attestation, in_force
from server.waivers.overlay import Force

NOWHERE = "?"
"""Zone of what lies in none of those that are registered."""
_CLASSES = {"server": Kind.SERVER, "desktop": Kind.WORKSTATION, "laptop": Kind.WORKSTATION}


class NoLevel(ValueError):
    """The register names no level, or the pack does not have it."""


class NoMembers(ValueError):
    """Nothing belongs to the system by the register."""


@dataclass
class Thing:
    """A machine, or a device of the equipment register that does not report."""

    name: str
    kind: Kind
    main: bool
    zone: str
    machine: Machine | None
    item: Item | None
    snapshot: Snapshot | None = None
    addresses: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    os: str = ""
    model: str = ""
    services: tuple[tuple[str, str], ...] | None = None
    """(program, ports) that other machines reach; None: not seen."""
    neighbours: Neighbours | None = None


@dataclass
class Gathered:
    system: System
    baseline: Baseline
    level: int
    zones: list[Zone]
    things: list[Thing]
    assessment: SystemAssessment
    unreadable: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    """Machines that belong to it by the register and are out of service."""
    cited: bool = True
    """It is judged by the standard that the register names."""

    @property
    def not_fresh(self) -> dict[str, list[str]]:
        """`old` or `none` -> names of the devices whose report is too old, or that have none."""
        found: dict[str, list[str]] = {}
        for one in self.assessment.assets:
            if one.reach != "fresh":
                found.setdefault("old" if one.reach in ("stale", "later") else "none", []).append(one.asset.name)
        return found


def gather(system: System, pack: str = "", level: int | None = None) -> Gathered:
    """Raises NoLevel, NoMembers, BaselineError."""
    units = {unit.pk: unit for unit in Unit.objects.filter(pk__in=system.unit.ids)}
    policy = resolve(system.unit, units)
    cited = _cited(system)
    baseline = packs.get(pack or cited or policy.baseline)
    wanted = level or system.level
    if wanted is None or wanted not in baseline.standard.levels:
        raise NoLevel(system.name)
    zones = system.zones_told
    retired: list[str] = []
    things = _things(system, retired)
    if not things:
        raise NoMembers(system.name)
    unreadable = _read(things, zones)
    told = _register(system, baseline, wanted, zones, things)
    tailoring = packs.tailoring(policy.tailoring) if baseline.id == policy.baseline else None
    snapshots = [thing.snapshot for thing in things if thing.snapshot is not None]
    made = register.System(told, text=told.model_dump_json(), file=f"{system.name}")
    assessment = judge_system(made, snapshots, baseline, wanted, timezone.localtime(), tailoring)
    return Gathered(system, baseline, wanted, zones, things, assessment, unreadable, retired, cited == baseline.id)


def _cited(system: System) -> str:
    """The pack of the standard that the register names, such as TCVN 14423:2026; empty where its words fit none, or several."""
    words = folded(system.standard)
    editions = {name: folded(packs.get(name).standard.edition) for name in packs.names()} if words else {}
    found = [name for name, edition in editions.items() if edition and (edition in words or words in edition)]
    return found[0] if len(found) == 1 else ""


def _things(system: System, retired: list[str]) -> list[Thing]:
    """What belongs to it. A device of the equipment register stays, without a report, when the machine that was it is out of service;
    a machine out of service is none, and is noted."""
    members = system.here.select_related("machine__unit", "machine__latest__base", "item__unit", "item__machine__unit", "item__machine__latest__base")  # fmt: skip
    found: dict[str, Thing] = {}
    seen: set[int] = set()
    for member in members:
        machine = member.reads
        if machine is not None and machine.retired_at is not None:
            if member.item is None:
                retired.append(member.name)
                continue
            machine = None
        if machine is not None:
            if machine.pk in seen:
                continue
            seen.add(machine.pk)
        name = member.name if member.name not in found else f"{member.name} ({member.pk})"
        found[name] = Thing(name, _kind(member, machine), member.main, NOWHERE, machine, member.item)
    return list(found.values())


def _kind(member: Member, machine: Machine | None) -> Kind:
    if machine is not None:
        return Kind(machine.kind)
    return _CLASSES.get(member.item.device_class, Kind.OTHER) if member.item else Kind.OTHER


def _read(things: list[Thing], zones: list[Zone]) -> list[str]:
    """Give each what its newest report tells; the names of those whose report cannot be read."""
    unreadable = []
    for thing in things:
        stored = thing.machine.latest if thing.machine else None
        if stored is None:
            continue
        try:
            snapshot = stored.snapshot()
        except (SealError, ValueError):
            unreadable.append(thing.name)
            continue
        snapshot = _with_centre(snapshot, thing.machine)
        # the name that the register knows it by, which need not be the one the agent enrolled with
        thing.snapshot = snapshot.model_copy(update={"target": snapshot.target.model_copy(update={"name": thing.name})})
        _tell(thing, snapshot)
        thing.zone = zone_of(thing.addresses, zones)
    return unreadable


def _with_centre(snapshot: Snapshot, machine: Machine | None) -> Snapshot:
    """With what only the collector knows of it, in place of whatever it said of that itself; nothing where nothing was seen of it."""
    if machine is None or all(record.outcome != "seen" for record in snapshot.records):
        return snapshot
    laid = centre.known(machine.pk, judgeable(snapshot)).record
    records = (*(record for record in snapshot.records if record.fact != laid.fact), laid)
    return snapshot.model_copy(update={"records": records})


def _tell(thing: Thing, snapshot: Snapshot) -> None:
    identity, hardware = snapshot.told(Identity), snapshot.told(Hardware)
    if identity is not None:
        thing.addresses = tuple(identity.addresses or ())
        thing.macs = tuple(mac.lower() for mac in identity.macs or ())
        thing.os = identity.os_name or ""
        thing.model = f"{identity.vendor or ''} {identity.model or ''}".strip()
    if not thing.model and hardware is not None:
        thing.model = hardware.cpu_model or ""
    listening = snapshot.told(Listening)
    if listening is not None:
        ports: dict[str, list[str]] = {}
        for socket in listening.sockets:
            if socket.exposed:
                place = ports.setdefault(socket.process or "?", [])
                if (port := f"{socket.protocol}/{socket.port}") not in place:
                    place.append(port)
        thing.services = tuple((name, ", ".join(held)) for name, held in sorted(ports.items()))
    thing.neighbours = snapshot.told(Neighbours)


def zone_of(addresses: tuple[str, ...], zones: list[Zone]) -> str:
    """The zone of the first address that lies in one; of zones that lie in each other the smallest."""
    for text in addresses:
        try:
            address = ip_address(text.partition("%")[0].partition("/")[0])
        except ValueError:
            continue
        holding = [
            (network.prefixlen, -place, zone.name)
            for place, zone in enumerate(zones)
            for network in zone.networks
            if address.version == network.version and address in network
        ]
        if holding:
            return max(holding)[2]
    return NOWHERE


# as the judge understands it -------------------------------------------------------------------------------------------


def _register(system: System, baseline: Baseline, level: int, zones: list[Zone], things: list[Thing]) -> register.Register:
    named = [register.Zone(id=zone.name, type=zone_type(zone.name), addresses=_networks(zone)) for zone in zones]
    if not named or any(thing.zone == NOWHERE for thing in things):
        named.append(register.Zone(id=NOWHERE, type="other"))
    assets = [register.Asset(name=thing.name, kind=thing.kind, zone=thing.zone, main=thing.main) for thing in things]
    attestations, waivers = _words(system, baseline, things)
    return register.Register(
        name=system.name, level=level, baseline=baseline.id, zones=tuple(named), assets=tuple(assets),
        attestations=attestations, waivers=waivers,
    )  # fmt: skip


def _networks(zone: Zone) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(str, zone.networks)))


def zone_type(name: str) -> str:
    """What kind of zone a name means; `other` where none of the known words stands in it."""
    words = f" {folded(name)} "
    for kind, signs in _signs().items():
        if any(f" {folded(sign)} " in words for sign in signs):
            return kind
    return "other"


@cache
def _signs() -> dict[str, list[str]]:
    text = files("server.documents").joinpath("texts/zones.yaml").read_text("utf-8")
    loaded: dict[str, list[str]] = yaml.safe_load(text)
    return loaded


def _words(
    system: System, baseline: Baseline, things: list[Thing]
) -> tuple[tuple[register.Attestation, ...], tuple[register.Waiver, ...]]:
    """People's words that are in force and speak of the system: those of its unit and above."""
    now = timezone.now()
    said = Attestation.objects.filter(in_force(now), unit__in=system.unit.ids, machine=None, baseline=baseline.id)
    attestations: dict[tuple[str, object], register.Attestation] = {}
    # a word says a name: where another system bears it too, it may be of that one
    named = System.objects.filter(name=system.name, unit__in=system.unit.ids).exclude(pk=system.pk)
    doubtful = set(named.values_list("unit", flat=True))
    for one in said.filter(Q(system="") | Q(system=system.name)).order_by("said_at"):
        if one.requirement in baseline.requirements and not (one.system and one.unit_id in doubtful):
            attestations[one.requirement, one.on] = one.word()
    waivers: dict[int, register.Waiver] = {}
    force = Force(now, Q(unit__in=system.unit.ids) | Q(unit__path__under=system.unit.path))
    for thing in things:
        for waiver in force.of(thing.machine) if thing.machine else ():
            if waiver.baseline != baseline.id:
                continue
            word = waiver.word(thing.name)
            held = waivers.get(waiver.pk)
            waivers[waiver.pk] = held.model_copy(update={"assets": (*held.assets, thing.name)}) if held else word
    return tuple(attestations.values()), tuple(waivers.values())
