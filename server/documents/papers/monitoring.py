"""The sheet for the national monitoring system: what of each information system is to be watched, by the register and by reports.

Nothing of accounts is read. An address, service or release that nobody saw is a marked blank.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from django.utils import timezone

from collectors.facts.identity import Identity
from collectors.facts.listening import Listening
from collectors.model import Snapshot
from collectors.seal import SealError
from server.documents.letterhead import Desk, desk
from server.documents.papers.level.gather import NOWHERE, zone_of
from server.documents.report import Block, Cell, Count, Honesty, Report, Style, Unreached
from server.documents.texts import Texts
from server.documents.wanted import Wanted
from server.documents.writing import day, short, table, text
from server.ingest.models import IN_SERVICE, Machine
from server.registers.models import COMPUTERS
from server.registers.systems import Member, System
from server.registers.zones import Zone
from server.units.models import Unit

WORKSTATION = "workstation"
CLASSES = tuple(one for one in COMPUTERS if one not in ("desktop", "laptop"))
"""Devices without a machine that are watched by such a system; people's own computers are not."""
LEVEL = 3
"""From here on a system must be monitored (TT 31/2017/TT-BTTTT)."""
UNREACHED = 200
PORTS = 12
"""Services that a cell names; of the others it says how many."""
_INSIDE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10")))  # fmt: skip
SHARES = (4, 10, 5, 10, 12, 12, 8, 13, 9, 8, 9)


def write(of: Wanted) -> Report:
    """Raises NoSigner, TemplateError."""
    return _Sheet(of).report()


class Row(NamedTuple):
    """An address or a machine to be watched. None: not known."""

    name: str
    public: str | None
    private: str | None
    services: str | None
    os: str | None
    version: str | None


class _Sheet:
    def __init__(self, of: Wanted) -> None:
        self.of, self.blanks = of, of.blanks
        self.say = Texts("monitoring.yaml", of.desk.values["wording"] or "anm")
        self.blank = self.say("to_add")
        self.now, self.today = timezone.now(), timezone.localdate()
        every = list(of.rows(System).select_related("unit"))
        self.systems = sorted((one for one in every if one.state != "stopped"), key=lambda one: (-(one.level or 0), one.unit.path, one.name, one.pk))  # fmt: skip
        self.stopped = len(every) - len(self.systems)
        self.desks: dict[int, Desk] = {}
        self.machines: set[int] = set()
        self.workstations: set[int] = set()
        self.times: list[datetime] = []
        self.silent: list[Unreached] = []
        self.unwatched: list[str] = []
        """Systems of which no address is in the sheet."""
        self.rows = [(system, row) for system in self.systems for row in self.of_system(system)]

    def report(self) -> Report:
        say, told = self.say, {"unit": self.of.desk.named, "today": day(self.today)}
        front = self.of.front(say("subject", **told), str(say.at("type")), str(say.at("short")))
        body: list[Block] = [text(say("intro", **told)), text(say("sheet_heading"), Style.SECTION)]
        domains = {one.pk: self.blanks.said(f"domain.{one.pk}") for one in self.systems}
        rows = [(place, *self.cells(system, row, domains[system.pk])) for place, (system, row) in enumerate(self.rows, 1)]
        body.append(table(say("sheet"), say.at("columns"), SHARES, rows, centred=(0, 2), empty=say("none")))
        body.append(text(say("sheet_note"), Style.NOTE))
        body.append(text(say("connect_heading"), Style.SECTION))
        for id in ("sensor", "link", "data"):
            body.append(text(say(f"asks.{id}.title"), Style.HEADING))
            body += self.blanks.put(id, say(f"asks.{id}.ask"))
        body.append(text(say("people_heading"), Style.SECTION))
        body += self.people()
        body.append(text(say("closing", **told)))
        return Report(
            kind="monitoring", title=say("title", **told)[:300], made_at=self.now, front=front, body=tuple(body), honesty=self.honesty(),
            asked=tuple(self.blanks.asked), provisional=self.of.provisional, landscape=True,
        )  # fmt: skip

    def people(self) -> Iterator[Block]:
        """Domain names, which no register has, and the contact where the organisation data name none."""
        say = self.say
        for one in self.systems:
            words = say("domain_ask", system=one.name)
            said = self.blanks.put(f"domain.{one.pk}", words)
            answer = self.blanks.said(f"domain.{one.pk}")
            yield from [text(say("domain", system=one.name, value=answer))] if answer else said
        self.blanks.known.add("contact")
        for name, told in {one.unit.name: self.contacts(one.unit, True) for one in self.systems}.items():
            if told:
                yield text(say("contacts", unit=name, value="; ".join(told)))
        if not self.systems or not all(self.contacts(one.unit) for one in self.systems):
            said = self.blanks.put("contact", say("contact_ask"))
            answer = self.blanks.said("contact")
            yield from [text(say("contact", value=answer))] if answer else said

    # rows --------------------------------------------------------------------------------------------------------------

    def cells(self, system: System, row: Row, domain: str) -> tuple[Cell, ...]:
        level = str(system.level) if system.level is not None else self.blank
        known = (row.services, row.os, row.version)
        return (
            system.name, level, row.name, row.public or self.blank, row.private or self.blank, domain or self.blank,
            *(self.blank if value is None else value for value in known), self.reach(system),
        )  # fmt: skip

    def reach(self, system: System) -> str:
        """The unit that runs it, and whom to call there."""
        said = "; ".join(self.contacts(system.unit)) or " ".join(self.blanks.said("contact").split()) or self.blank
        return f"{system.operator or system.unit.name}: {said}"

    def contacts(self, unit: Unit, mail: bool = False) -> list[str]:
        """Contact points by the organisation data of the unit, or of one above."""
        if unit.pk not in self.desks:
            self.desks[unit.pk] = desk(unit)
        told = ((one.get("name"), one.get("phones"), one.get("email") if mail else "") for one in self.desks[unit.pk].contacts)
        return [", ".join(filter(None, one)) for one in told]

    def of_system(self, system: System) -> Iterator[Row]:
        """Its public addresses by the zones of the register, then what belongs to it."""
        zones, found = system.zones_told, 0
        for zone in zones:
            if zone.public:
                found += 1
                # which address inside answers for which outside, no report tells
                inside = "\n".join(zone.inside) or None
                yield Row(self.say("zone_row", zone=zone.name), "\n".join(zone.public), inside, None, None, None)
        seen: set[int] = set()
        members = system.here.select_related("machine__unit", "machine__latest__base", "item__unit", "item__machine__unit", "item__machine__latest__base")  # fmt: skip
        for member in members:
            machine = member.reads
            if machine is not None and machine.retired_at is not None:
                if member.item is None:
                    continue  # out of service, and nothing else is known of it
                machine = None
            if machine is not None and machine.pk in seen:
                continue
            if (row := self.of_machine(machine, member, zones) if machine else self.of_item(member)) is None:
                continue
            seen |= {machine.pk} if machine else set()
            found += 1
            yield row
        if not found:
            self.unwatched.append(system.name)

    def of_item(self, member: Member) -> Row | None:
        """A device of the register of which no machine reports."""
        item = member.item
        if item is None or item.device_class not in CLASSES:
            return None
        self.silent.append(Unreached(name=member.name, unit=item.unit.name, why=self.say("silent.alone")))
        return Row(member.name, None, None, None, None, None)

    def of_machine(self, machine: Machine, member: Member, zones: list[Zone]) -> Row | None:
        if machine.kind == WORKSTATION:
            self.workstations.add(machine.pk)
            return None
        new = machine.pk not in self.machines
        self.machines.add(machine.pk)
        snapshot, why = _read(machine)
        identity = snapshot.told(Identity) if snapshot else None
        listening = snapshot.told(Listening) if snapshot else None
        if new and snapshot is None:
            self.silent.append(Unreached(name=member.name, unit=machine.unit.name, why=self.say(f"silent.{why}")))
        if new and machine.latest is not None and snapshot is not None:
            self.times.append(machine.latest.orders_at)
        addresses = tuple(identity.addresses or ()) if identity else ()
        public = [one for one in addresses if not _inside(one)]
        private = [one for one in addresses if _inside(one)]
        zone = zone_of(addresses, zones)
        name = member.name if zone == NOWHERE else self.say("machine_row", name=member.name, zone=zone)
        seen_none = identity is not None and identity.addresses is not None
        # a machine behind translation of addresses does not know what the public sees
        return Row(
            name, "\n".join(public) or None, "\n".join(private) or (self.say("no_private") if seen_none and public else None),
            None if listening is None else self.services(listening), (identity.os_name if identity else machine.os_name) or None,
            (identity.os_version if identity else None) or None,
        )  # fmt: skip

    def services(self, listening: Listening) -> str:
        """Programs and ports that other machines reach; never the account that runs them."""
        ports: dict[str, list[str]] = {}
        for socket in listening.sockets:
            if socket.exposed:
                held = ports.setdefault(socket.process or self.say("unnamed"), [])
                if (port := f"{socket.protocol}/{socket.port}") not in held:
                    held.append(port)
        told = [f"{name} ({', '.join(held)})" for name, held in sorted(ports.items())]
        more = self.say("services_more", count=len(told) - PORTS) if len(told) > PORTS else ""
        return "; ".join(told[:PORTS]) + more if told else self.say("services_none")

    # what it rests on --------------------------------------------------------------------------------------------------

    def honesty(self) -> Honesty:
        say = self.say
        mine = self.of.rows(Machine).filter(IN_SERVICE).exclude(kind=WORKSTATION)
        told = {
            "systems": len(self.systems), "stopped": self.stopped, "level": sum((one.level or 0) >= LEVEL for one in self.systems),
            "unlevelled": sum(one.level is None for one in self.systems), "unwatched": len(self.unwatched), "rows": len(self.rows),
            "machines": len(self.machines), "silent": len(self.silent), "workstations": len(self.workstations),
            "outside": mine.exclude(pk__in=self.machines).count(), "elsewhere": sum(one.elsewhere for one in self.systems),
        }  # fmt: skip
        remarks = [say(f"remarks.{name}") for name in ("form", "domains", "public", "services", "networks")]
        if self.unwatched:
            remarks.append(say("remarks.unwatched", names=", ".join(self.unwatched)))
        if self.times:
            remarks.append(say("remarks.oldest", at=short(min(self.times))))
        return self.of.honesty(
            since=min(self.times, default=None), until=max(self.times, default=None),
            counts=tuple(Count(text=say(f"counts.{name}"), number=count) for name, count in told.items()),
            unreached=tuple(self.silent[:UNREACHED]), unreached_more=max(0, len(self.silent) - UNREACHED), remarks=tuple(remarks),
        )  # fmt: skip


def _read(machine: Machine) -> tuple[Snapshot | None, str]:
    """Its newest report; why there is none."""
    if machine.latest is None:
        return None, "never"
    try:
        return machine.latest.snapshot(), ""
    except (SealError, ValueError):
        return None, "unreadable"


def _inside(text: str) -> bool:
    """Of a network that the Internet does not know. What is no address is taken for one of them: it is shown, and as nothing public."""
    try:
        address = ip_address(text.partition("%")[0].partition("/")[0])
    except ValueError:
        return True
    return any(address.version == network.version and address in network for network in _INSIDE)
