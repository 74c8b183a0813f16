"""The level dossier as a paper: overview with the lists of the law, the proposal, and what is done about each requirement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.db.models import Q
from django.utils import timezone, translation

from baselines.model import Group, Verdict
from baselines.systems.result import AssetLine, RequirementLine, Standing, State
from collectors import VERSION
from collectors.model import Kind
from server.assess import wording
from server.assignments.models import Assignment
from server.documents.letterhead import Desk, desk
from server.documents.level import drawing
from server.documents.level.gather import NOWHERE, Gathered, Thing, gather
from server.documents.report import (
    Appendix,
    Asked,
    Block,
    Cell,
    Count,
    Dated,
    Figure,
    Honesty,
    Pack,
    Report,
    Style,
    Unreached,
    Wording,
)
from server.documents.texts import Texts, number
from server.documents.writing import Blanks, day, short, table, text
from server.feeds import status as feeds
from server.registers.columns import folded
from server.registers.systems import System
from server.units.models import Unit

NAMES = 12
"""Devices that one cell names."""
CHECKS = 8
"""Checks that one cell names, those that most devices fail first."""
UNREACHED = 200
_MISSING = (Standing.UNKNOWN, Standing.STALE, Standing.NOT_REACHED)
WORDING = {"tcvn_14423_2026": "anm"}
"""Which words a standard's papers use; the others the old ones."""


def level(
    system: System, pack: str = "", answers: dict[str, str] | None = None, level: int | None = None, blank_signer: bool = False
) -> Report:
    """The dossier of a system that the caller may see. Raises NoLevel, NoMembers, NoSigner, BaselineError, TemplateError."""
    with translation.override("vi"):
        return _Dossier(gather(system, pack, level), answers or {}, blank_signer).report()


class _Dossier:
    def __init__(self, gathered: Gathered, answers: dict[str, str], blank_signer: bool) -> None:
        self.held, self.system = gathered, gathered.system
        self.judged = gathered.assessment
        self.blank_signer = blank_signer
        self.desk = desk(self.system.unit)
        self.say = Texts("level.yaml", WORDING.get(gathered.baseline.id, "attt"))
        self.blanks = Blanks(answers)
        self.edition = gathered.baseline.standard.edition
        self.made_at = timezone.now()
        self._open_work: list[Assignment] | None = None

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
            body += getattr(self, f"part_{part}")()
        appendices = tuple(
            Appendix(title=say(f"annexes.{name}"), blocks=tuple(getattr(self, f"annex_{name}")()))
            for name in ("findings", "reports")
        )
        return Report(
            kind="level", title=say("title", **told)[:300], made_at=self.made_at, front=front, body=tuple(body), appendices=appendices,
            honesty=self.honesty(), asked=tuple(self.blanks.asked), provisional=False,
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
        rows: list[tuple[Cell, ...]] = [
            (place, zone.name, "\n".join(zone.inside), "\n".join(zone.public), counted[zone.name])
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
            if not value:
                yield from self.blanks.put(id, say(f"asks.{id}"))
        values = (system.information or add, kind or add, system.basis or add)
        yield table(say("headings.detail"), say.at("detail_columns"), (35, 65), list(zip(say.at("detail_rows"), values, strict=True)), centred=())  # fmt: skip
        if self.held.baseline.id in WORDING:
            yield self.heading("risks")
            yield from self.blanks.put("risks", say("asks.risks"))
        if self.held.level >= 4:
            yield self.heading("high")
            for id in ("connected", "attacks", "impact", "always"):
                yield from self.blanks.put(id, say(f"asks.{id}"))

    # part III ----------------------------------------------------------------------------------------------------------

    def part_plan(self) -> Iterator[Block]:
        say = self.say
        summary = self.judged.summary()
        asked = sum(count for state, count in summary.items() if state != State.NOT_APPLICABLE)
        told = {"edition": self.edition, "level": str(self.held.level)}
        yield self.heading("summary", **told)
        yield text(say("summary", **told, asked=asked, day=day(timezone.localdate(self.made_at)), **summary))
        if waived := sum(line.accepted for line in self.judged.lines):
            yield text(say("summary_waived", count=waived))
        by_group: dict[str, list[RequirementLine]] = {}
        for line in self.judged.lines:
            by_group.setdefault(self.held.baseline.group_of[line.requirement.id].id, []).append(line)
        for part in ("management", "technical"):
            yield self.heading(part)
            for group in self.held.baseline.groups:
                if group.part == part and group.id in by_group:
                    yield from self.group(group, by_group[group.id])

    def group(self, group: Group, lines: list[RequirementLine]) -> Iterator[Block]:
        clause = group.clauses.get(self.held.level, "")
        yield text(" ".join(filter(None, (clause, wording.text(group.title)))), Style.SUBHEADING)
        rows = [self.row(line) for line in lines]
        yield table(wording.text(group.title), self.say.at("group_columns"), (9, 25, 22, 13, 18, 13), rows, centred=())

    def row(self, line: RequirementLine) -> tuple[Cell, ...]:
        return (
            line.clause or line.requirement.id.rpartition(".")[2], wording.text(line.requirement.title), self.approach(line),
            self.state(line), self.evidence(line), self.plan(line),
        )  # fmt: skip

    def state(self, line: RequirementLine) -> str:
        said = str(self.say.at("states")[line.state])
        reasons = "; ".join(dict.fromkeys(one.reason for one in line.excuses))
        return f"{said}. {self.say('excuse', reason=reasons)}" if line.state is State.NOT_APPLICABLE and reasons else said

    def ask(self, id: str, words: str, empty: str) -> str:
        """What a person wrote into a cell; marked where nobody has."""
        said = self.blanks.answers.get(id, "").strip()
        self.blanks.asked.append(Asked(id=id, text=words, answer=said))
        return said or empty

    def approach(self, line: RequirementLine) -> str:
        id, said = f"approach:{line.requirement.id}", []
        if answer := self.blanks.answers.get(id, "").strip():
            said = [answer]
        checks = {one.result.check for asset in line.assets for one in asset.checks if one.result.check}
        if not said and checks and (count := line.counts["applicable"]):
            said.append(self.say("approach_checked", count=count, checks=len(checks)))
        if not answer and line.attestation is not None and line.attestation.note:
            said.append(self.say("approach_person", note=line.attestation.note))
        if not said and line.state is not State.NOT_APPLICABLE:
            return self.ask(id, f"{line.clause} {wording.text(line.requirement.title)}".strip(), self.say("approach_ask"))
        return "\n".join(said)

    def evidence(self, line: RequirementLine) -> str:
        counts, said = line.counts, []
        if counts["applicable"]:
            parts = [self.say("evidence_checked", passed=str(counts["pass"]), count=str(counts["applicable"]))]
            parts += [
                self.say(f"evidence_{name}", count=str(counts[name]))
                for name in ("fail", "unknown", "not_reached")
                if counts[name]
            ]
            said.append("; ".join(parts))
        if (word := line.attestation) is not None:
            said.append(
                self.say(
                    "evidence_word", document=word.document, by=word.by, role=word.role, on=day(word.on), until=day(word.until)
                )
            )
        if line.nobody:
            said.append(self.say("evidence_nobody"))
        return "\n".join(said) or self.say("evidence_none")

    def plan(self, line: RequirementLine) -> str:
        """For what is not met: what a person planned, what is borne until when; for what is not known, that somebody looks."""
        if line.state in (State.MET, State.NOT_APPLICABLE):
            return self.say("plan_none")
        id = f"plan:{line.requirement.id}"
        if not self.blanks.answers.get(id):
            waivers = {waiver.id: waiver for asset in line.assets for waiver in asset.waivers}
            if waivers:
                return "\n".join(self.say("plan_waived", until=day(one.until), measure=one.measure) for one in waivers.values())
            if work := self.assigned(line):
                return work
            if line.state is State.UNDETERMINED and not line.waits_for_person:
                return self.say("plan_look")
        return self.ask(id, f"{line.clause} {wording.text(line.requirement.title)}".strip(), self.say("plan_ask"))

    def assigned(self, line: RequirementLine) -> str:
        """What was given to people, and until when, of the checks that fail; empty where nothing was."""
        wanted = {one.result.check for asset in line.assets for one in asset.checks if one.result.verdict is Verdict.FAIL}
        mine = [one for one in self._work() if one.rule.check_id in wanted and one.rule.requirement == line.requirement.id]
        days = [one.due for one in mine if one.due is not None]
        if not days:
            return ""
        owners = ", ".join(dict.fromkeys(str(one.owner) for one in mine if one.owner is not None))
        return self.say("plan_assigned", count=len(mine), due=day(max(days)), owners=owners or self.say("plan_nobody"))

    def _work(self) -> list[Assignment]:
        if self._open_work is None:
            machines = [thing.machine for thing in self.held.things if thing.machine is not None]
            here = Q(machine__in=machines) | Q(machine=None, unit__in=self.system.unit.ids)
            rows = Assignment.objects.filter(here, closed_at=None, rule__baseline=self.held.baseline.id)
            self._open_work = list(rows.select_related("rule", "owner"))
        return self._open_work

    # annexes -----------------------------------------------------------------------------------------------------------

    def annex_findings(self) -> Iterator[Block]:
        rows: list[tuple[Cell, ...]] = []
        for line in self.judged.lines:
            failing = [one for one in line.assets if one.standing is Standing.FAIL]
            unknown = [one for one in line.assets if one.standing in _MISSING]
            if failing or unknown:
                rows.append((line.clause, wording.text(line.requirement.title), self._checks(failing), self._names(failing), self._names(unknown)))  # fmt: skip
        yield table(
            self.say("annexes.findings"),
            self.say.at("findings_columns"),
            (9, 26, 25, 20, 20),
            rows,
            centred=(),
            empty=self.say("findings_none"),
        )

    def _checks(self, failing: list[AssetLine]) -> str:
        checks = Counter(one.result.check for asset in failing for one in asset.checks if one.result.verdict is Verdict.FAIL)
        known = self.held.baseline.checks
        titles = [wording.text(known[check].title) for check, _count in checks.most_common() if check in known]
        shown = "; ".join(titles[:CHECKS])
        return self.say("checks_more", names=shown, count=len(titles) - CHECKS) if len(titles) > CHECKS else shown

    def _names(self, lines: list[AssetLine]) -> str:
        names = [one.asset for one in lines]
        shown = ", ".join(names[:NAMES])
        return self.say("names_more", names=shown, count=len(names) - NAMES) if len(names) > NAMES else shown

    def annex_reports(self) -> Iterator[Block]:
        reach = self._reach()
        rows = [
            (place, one.asset.name, short(one.snapshot.collected_at) if one.snapshot else "", reach[one.reach],
             one.snapshot.id if one.snapshot else "", one.snapshot.digest[:16] if one.snapshot else "")
            for place, one in enumerate(self.judged.assets, 1)
        ]  # fmt: skip
        yield table(self.say("annexes.reports"), self.say.at("reports_columns"), (6, 23, 17, 14, 24, 16), rows)

    def _reach(self) -> dict[str, str]:
        from baselines.systems.words import words

        return {name: wording.text(both) for name, both in words()["reach"].items()}

    # what it rests on --------------------------------------------------------------------------------------------------

    def honesty(self) -> Honesty:
        judged, say = self.judged, self.say
        times = [one.snapshot.collected_at for one in judged.assets if one.snapshot is not None]
        silent = [one for one in judged.assets if one.reach != "fresh"]
        reach = self._reach()
        sure = Counter(line.requirement.confidence for line in judged.lines)
        standard = self.held.baseline.standard
        remarks = [say("remark_machine")]
        if self.system.operator and folded(self.system.operator) == folded(self.system.appraiser):
            remarks.append(say("remark_same"))
        if self.held.unreadable:
            remarks.append(
                say("remark_unreadable", count=len(self.held.unreadable), names=", ".join(self.held.unreadable[:NAMES]))
            )
        if judged.idle:
            remarks.append(say("remark_idle", count=len(judged.idle)))
        return Honesty(
            scanned_by=self.desk.scanned_by, relation=self.desk.relation or "not_said", program=VERSION,
            since=min(times, default=None), until=max(times, default=None), counts=tuple(self._counts()),
            unreached=tuple(Unreached(name=one.asset.name, unit=self.system.unit.name, why=reach[one.reach]) for one in silent[:UNREACHED]),
            unreached_more=max(0, len(silent) - UNREACHED),
            feeds=tuple(Dated(name=one.name, day=one.data_date, old=one.old) for one in feeds.standings() if one.limit_days),
            packs=(Pack(
                edition=standard.edition, version=standard.version, digest=self.held.baseline.digest, level=self.held.level,
                machines=len(judged.assets), status=" ".join(wording.text(standard.status).split()),
            ),),
            wording=Wording.model_validate(sure), remarks=tuple(remarks),
        )  # fmt: skip

    def _counts(self) -> Iterator[Count]:
        summary, judged = self.judged.summary(), self.judged
        told = {
            "things": len(judged.assets), **judged.reaches, "elsewhere": self.system.elsewhere, "asked": judged.score["asked"],
            **{state: summary[state] for state in ("met", "partly", "not_met", "undetermined")}, "waiting": len(judged.waiting),
        }  # fmt: skip
        return (Count(text=self.say(f"counts.{name}"), number=count) for name, count in told.items())
