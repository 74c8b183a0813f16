"""The level dossier as a paper: overview with the lists of the law, the proposal, and what is done about each requirement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.utils import timezone, translation

from collectors.model import Kind
from server.documents.letterhead import Desk, desk
from server.documents.papers.level import drawing
from server.documents.papers.level.gather import NOWHERE, Gathered, Thing, gather, zone_type
from server.documents.papers.level.plan import NAMES, Plan
from server.documents.papers.level.rests import honesty
from server.documents.report import Appendix, Block, Cell, Figure, Report, Style
from server.documents.texts import Texts, number
from server.documents.writing import Blanks, names_of, table, text
from server.registers.columns import folded
from server.registers.systems import System
from server.units.models import Unit

WORDING = {"tcvn_14423_2026": "anm"}
"""Which words a standard's papers use; the others the old ones."""


def level(
    system: System, pack: str = "", blanks: Blanks | None = None, level: int | None = None, blank_signer: bool = False
) -> Report:
    """The dossier of a system that the caller may see. Raises NoLevel, NoMembers, NoSigner, BaselineError, TemplateError."""
    with translation.override("vi"):
        return _Dossier(gather(system, pack, level), blanks or Blanks(), blank_signer).report()


class _Dossier:
    def __init__(self, gathered: Gathered, blanks: Blanks, blank_signer: bool) -> None:
        self.held, self.system = gathered, gathered.system
        self.judged = gathered.assessment
        self.blank_signer = blank_signer
        self.desk = desk(self.system.unit)
        self.say = Texts("level.yaml", WORDING.get(gathered.baseline.id, "attt"))
        self.blanks = blanks
        self.edition = gathered.baseline.standard.edition
        self.made_at = timezone.now()
        self.plan = Plan(gathered, self.say, self.blanks, self.made_at)

    def report(self) -> Report:
        say = self.say
        told = {"system": self.system.name, "level": str(self.held.level), "edition": self.edition}
        front = self.desk.front(
            say("subject", **told), (), str(say.at("type")), str(say.at("short")), blank_signer=self.blank_signer
        )
        body: list[Block] = [text(one, Style.BASIS) for one in self.bases()]
        body.append(text(say("basis_last", unit=self.desk.named, system=self.system.name)))
        for part in ("overview", "proposal", "plan"):
            body += [text(say.filled(words, f"parts.{part}"), style) for words, style in zip(say.at("parts", part), (Style.PART, Style.PART_TITLE), strict=True)]  # fmt: skip
            body += self.plan.part() if part == "plan" else getattr(self, f"part_{part}")()
        appendices = tuple(
            Appendix(title=say(f"annexes.{name}"), blocks=tuple(getattr(self.plan, f"annex_{name}")()))
            for name in ("findings", "reports")
        )
        return Report(
            kind="level", title=say("title", **told)[:300], made_at=self.made_at, front=front, body=tuple(body), appendices=appendices,
            honesty=honesty(self.held, self.desk, say), asked=tuple(self.blanks.asked), provisional=False,
        )  # fmt: skip

    def bases(self) -> list[str]:
        """One a line, the last with a full stop; what an earlier one names already is not named again."""
        found: list[str] = []
        for words in self.say.at("bases"):
            one = self.say.filled(words, "bases", edition=self.edition).rstrip(";. ")
            if not any(one in other for other in found):
                found.append(one)
        return [f"{one}{'.' if place == len(found) else ';'}" for place, one in enumerate(found, 1)]

    def heading(self, name: str, **values: object) -> Block:
        style = Style.SUBHEADING if name in ("logical", "physical", "devices", "services", "zones") else Style.HEADING
        return text(self.say(f"headings.{name}", **values), style)

    def told(self, id: str, value: str, **values: object) -> list[Block]:
        """What the register says; else what a person wrote, or a marked blank."""
        self.blanks.known.add(id)
        if value.strip():
            return [text(self.say(id, value=value.strip()))]
        return list(self.blanks.put(id, self.say(f"asks.{id}", **values)))

    # part I ------------------------------------------------------------------------------------------------------------

    def part_overview(self) -> Iterator[Block]:
        system = self.system
        for role, name in (("owner", system.owner), ("operator", system.operator)):
            yield self.heading(role)
            yield from self.body_of(role, name)
        yield self.heading("scope")
        yield from self.told("scope", system.scope)
        yield from self.told("users", system.users)
        if system.hosted:
            yield text(self.say("hosted", value=system.hosted))
        reporting = self.judged.reaches["fresh"]
        yield text(self.say("counted", things=len(self.held.things), kinds=self._kinds(), reporting=reporting))
        yield self.heading("architecture")
        for name in ("logical", "physical"):
            yield self.heading(name)
            yield Figure(title=self.say(name), svg=getattr(drawing, name)(self.held, self.say))
            yield text(self.say(f"{name}_note"), Style.NOTE)
        for name in ("devices", "services", "zones"):
            yield self.heading(name)
            yield getattr(self, f"list_{name}")()
            if name != "zones":
                yield from self.old()
        yield text(self.say("zones_note"), Style.NOTE)

    def old(self) -> Iterator[Block]:
        """Which lines of a list rest on reports that are too old, or on none."""
        for reach, names in self.held.not_fresh.items():
            more = names_of(self.say, names, NAMES)
            yield text(self.say(f"lists_{reach}", count=len(names), names=more), Style.NOTE)

    def _kinds(self) -> str:
        words = self.say.at("kinds")
        counted = Counter(thing.kind for thing in self.held.things)
        return ", ".join(f"{number(counted[Kind(kind)])} {word}" for kind, word in words.items() if counted[Kind(kind)])

    def body_of(self, role: str, name: str) -> Iterator[Block]:
        """The owner or operator: what is known of the unit of that name."""
        body = self.say.at("bodies", role)
        held = self._desk_of(name)
        values = {"name": name or (held.named if held else "")}
        if held is not None:
            reach = ", ".join(filter(None, (held.values["phone"], held.values["email"])))
            person = ", ".join(filter(None, (held.values["representative"], held.values["representative_title"])))
            values |= {
                "functions": held.values["functions"],
                "representative": person,
                "address": held.values["address"],
                "reach": reach,
            }
        for field in ("name", "functions", "representative", "address", "reach"):
            self.blanks.known.add(f"{role}.{field}")
            if value := values.get(field, "").strip():
                yield text(self.say(f"body.{field}", value=value))
            else:
                yield from self.blanks.put(f"{role}.{field}", self.say(f"asks.{field}", body=body))

    def _desk_of(self, name: str) -> Desk | None:
        if not name:
            return None
        line = Unit.objects.filter(pk__in=self.system.unit.ids)
        return next((desk(unit) for unit in line if folded(unit.name) == folded(name)), None)

    def list_devices(self) -> Block:
        words = self.say.at("kinds")
        things = sorted(self.held.things, key=lambda one: (not one.main, list(words).index(one.kind), one.zone, one.name))
        rows = [
            (place, one.name, self._model(one), self._place(one), self._purpose(one, words[one.kind]))
            for place, one in enumerate(things, 1)
        ]  # fmt: skip
        return table(self.say("headings.devices"), self.say.at("devices_columns"), (6, 25, 29, 22, 18), rows)

    def _purpose(self, thing: Thing, kind: str) -> str:
        word = kind[:1].upper() + kind[1:]
        return self.say("main_device", kind=word) if thing.main else word

    def _model(self, thing: Thing) -> Cell:
        typed = thing.item.configuration if thing.item is not None else ""
        return " – ".join(filter(None, (thing.model, thing.os))) or typed or None

    def _place(self, thing: Thing) -> str:
        zone = self.say("drawing.nowhere") if thing.zone == NOWHERE else thing.zone
        place = self.system.hosted or self.system.place
        return self.say("place_hosted", zone=zone, place=place) if place else zone

    def list_services(self) -> Block:
        rows: list[tuple[Cell, ...]] = []
        add = self.say("to_add")
        for one in sorted((one for one in self.held.things if one.kind is Kind.SERVER), key=lambda one: one.name):
            services = one.services
            if services is None:
                named = [self.say("services_unseen")]
            else:
                named = [f"{name} ({ports})" for name, ports in services] or [self.say("services_nothing")]
            rows.append((len(rows) + 1, "\n".join(named), one.name, self._place(one), one.os or None, add))
        return table(
            self.say("headings.services"), self.say.at("services_columns"), (6, 32, 20, 17, 14, 11), rows,
            empty=self.say("services_none"),
        )  # fmt: skip

    def list_zones(self) -> Block:
        counted = Counter(thing.zone for thing in self.held.things)
        kinds = self.say.at("zone_kinds")
        rows: list[tuple[Cell, ...]] = [
            (
                place,
                f"{zone.name}\n({kinds[zone_type(zone.name)]})",
                "\n".join(zone.inside),
                "\n".join(zone.public),
                counted[zone.name],
            )
            for place, zone in enumerate(self.held.zones, 1)
        ]
        if rows and counted[NOWHERE]:
            rows.append((len(rows) + 1, self.say("drawing.nowhere"), "", "", counted[NOWHERE]))
        return table(
            self.say("headings.zones"),
            self.say.at("zones_columns"),
            (6, 30, 27, 25, 12),
            rows,
            numbers=(4,),
            empty=self.say("zones_none"),
        )

    # part II -----------------------------------------------------------------------------------------------------------

    def part_proposal(self) -> Iterator[Block]:
        system, say = self.system, self.say
        yield self.heading("list")
        add = say("to_add")
        rows = [(1, system.name, str(self.held.level), system.basis or add)]
        yield table(say("headings.list"), say.at("list_columns"), (8, 42, 15, 35), rows, centred=(0, 2))
        yield self.heading("detail")
        kind = say.at("system_kinds").get(system.kind, "")
        for id, value in (("information", system.information), ("kind", kind), ("basis", system.basis)):
            self.blanks.known.add(id)
            if not value:
                yield from self.blanks.put(id, say(f"asks.{id}"))
        values = (system.information or add, kind or add, system.basis or add)
        yield table(say("headings.detail"), say.at("detail_columns"), (35, 65), list(zip(say.at("detail_rows"), values, strict=True)), centred=())  # fmt: skip
        if self.held.baseline.id in WORDING:
            yield self.heading("risks")
            yield from self.blanks.put("risks", say("asks.risks"))
        if self.held.level >= 4:
            yield self.heading("high", place=str(4 if self.held.baseline.id in WORDING else 3))
            for id in ("connected", "attacks", "impact", "always"):
                yield from self.blanks.put(id, say(f"asks.{id}"))
