"""Part III of a dossier: each requirement of the level with its approach, state, evidence and plan; and the annexes that name machines.

A state says whose word it is. What is met by measuring, met by a person's word, and met by the name of a zone look different in print.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from baselines.model import Check, Group, Verdict
from baselines.systems.result import AssetLine, RequirementLine, Standing, State
from collectors.model import Kind
from server.assess import wording
from server.assignments.models import Assignment
from server.documents.papers.level.gather import Gathered
from server.documents.papers.level.rests import reaches
from server.documents.report import Asked, Block, Cell, Style
from server.documents.texts import Texts
from server.documents.writing import Blanks, day, names_of, short, table, text

NAMES = 12
"""Devices that one cell names."""
CHECKS = 8
"""Checks that one cell names, those that most devices fail first."""
UNSURE = ("derived", "memory")
"""Confidence of a requirement whose clause and wording nobody has held against a source: marked (*)."""
_MISSING = (Standing.UNKNOWN, Standing.STALE, Standing.NOT_REACHED)


class Plan:
    def __init__(self, held: Gathered, say: Texts, blanks: Blanks, made_at: datetime) -> None:
        self.held, self.say, self.blanks, self.made_at = held, say, blanks, made_at
        self.judged = held.assessment
        self.edition = held.baseline.standard.edition
        self.by_zone = {check.id for check in held.baseline.checks.values() if _by_zone(check)}
        self._open_work: list[Assignment] | None = None

    def part(self) -> Iterator[Block]:
        say = self.say
        summary = self.judged.summary()
        asked = self.judged.score["asked"]
        told = {"edition": self.edition, "level": str(self.held.level)}
        yield text(say("headings.summary", **told), Style.HEADING)
        yield text(
            say("summary", **told, all=len(self.judged.lines), asked=asked, day=day(timezone.localdate(self.made_at)), **summary)
        )
        if by_word := sum(said_met(line) for line in self.judged.lines):
            yield text(say("summary_word", count=by_word))
        if waived := sum(line.accepted for line in self.judged.lines):
            yield text(say("summary_waived", count=waived))
        yield text(say("wording_note", edition=self.edition), Style.NOTE)
        by_group: dict[str, list[RequirementLine]] = {}
        for line in self.judged.lines:
            by_group.setdefault(self.held.baseline.group_of[line.requirement.id].id, []).append(line)
        for part in ("management", "technical"):
            yield text(say(f"headings.{part}"), Style.HEADING)
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
            self.clause(line), wording.text(line.requirement.title), self.approach(line), self.state(line), self.evidence(line),
            self.plan(line),
        )  # fmt: skip

    def clause(self, line: RequirementLine) -> str:
        """Of the standard; a dash where it has none. Marked where nobody has held it against a source."""
        if not line.clause:
            return "–"
        return self.say("unsure", clause=line.clause) if line.requirement.confidence in UNSURE else line.clause

    def state(self, line: RequirementLine) -> str:
        said = [str(self.say.at("states")[line.state])]
        if line.state is State.NOT_APPLICABLE:
            reasons = dict.fromkeys((one.reason, one.by) for one in line.excuses)
            said += [self.say("excuse", reason="; ".join(self.say("excuse_by", reason=why, by=by) for why, by in reasons))] if reasons else []  # fmt: skip
        if said_met(line):
            said.append(self.say("met_word" if line.counts["applicable"] == 0 else "met_partly_word"))
        if line.state is State.MET and self.by_zone & _checks(line):
            said.append(self.say("met_zone"))
        return ". ".join(said)

    def ask(self, id: str, words: str, empty: str) -> str:
        """What a person wrote into a cell; marked where nobody has."""
        said = self.blanks.said(id)
        self.blanks.asked.append(Asked(id=id, text=words, answer=said))
        return said or empty

    def approach(self, line: RequirementLine) -> str:
        id, said = f"approach:{line.requirement.id}", []
        checks = _checks(line)
        if checks and (count := line.counts["applicable"]):
            said.append(self.say("approach_checked", count=count, checks=len(checks)))
        if line.attestation is not None and line.attestation.note:
            said.append(self.say("approach_person", note=line.attestation.note))
        if self.blanks.said(id) or (not said and line.state is not State.NOT_APPLICABLE):
            return self.ask(id, f"{line.clause} {wording.text(line.requirement.title)}".strip(), self.say("approach_ask"))
        return "\n".join(said)

    def evidence(self, line: RequirementLine) -> str:
        """Devices by their numbers, which add up; the system as a whole is no device; then whose word there is."""
        counts, said = replace(line, assets=[one for one in line.assets if one.kind is not Kind.SYSTEM]).counts, []
        if counts["applicable"]:
            parts = [self.say("evidence_checked", passed=str(counts["pass"]), count=str(counts["applicable"]))]
            parts += [
                self.say(f"evidence_{name}", count=str(counts[name]))
                for name in ("fail", "unknown", "not_reached")
                if counts[name]
            ]
            said.append("; ".join(parts))
        for one in line.assets:
            if one.kind is Kind.SYSTEM and one.standing is not Standing.EXCUSED:
                said.append(self.say("evidence_system", state=self.say(f"system_{one.verdict}")))
        if line.state is not State.NOT_APPLICABLE and (excuses := line.excuses):
            reasons = "; ".join(self.say("excuse_by", reason=one.reason, by=one.by) for one in excuses)
            said.append(self.say("evidence_excused", count=str(line.counts["excused"]), reasons=reasons))
        if (word := line.attestation) is not None:
            said.append(
                self.say(
                    "evidence_word", document=word.document, by=word.by, role=word.role, on=day(word.on), until=day(word.until)
                )
            )
        if line.nobody:
            said.append(self.say("evidence_nobody"))
        return "\n".join(said) or self.say("evidence_none")

    # what is done about it ---------------------------------------------------------------------------------------------

    def plan(self, line: RequirementLine) -> str:
        """For what is not met: what is borne until when, what was given to whom, and a blank for the rest; for what is not known, that
        somebody looks."""
        id, said = f"plan:{line.requirement.id}", []
        written = self.blanks.said(id)
        if line.state in (State.MET, State.NOT_APPLICABLE):
            return self.say("plan_none")
        if not written:
            said = [*self.borne(line), *self.assigned(line)]
            if not said and line.state is State.UNDETERMINED and not line.waits_for_person:
                return self.say("plan_look")
            if said and not self.open(line):
                return "\n".join(said)
        rest = self.ask(
            id,
            f"{line.clause} {wording.text(line.requirement.title)}".strip(),
            self.say("plan_rest" if said else "plan_ask"),
        )
        return "\n".join((*said, rest))

    def borne(self, line: RequirementLine) -> list[str]:
        """What waivers accept, each with the number of devices it speaks of."""
        counted = Counter(waiver.id for asset in line.assets for waiver in asset.waivers)
        waivers = {waiver.id: waiver for asset in line.assets for waiver in asset.waivers}
        return [
            self.say("plan_waived", until=day(one.until), measure=one.measure, count=counted[one.id]) for one in waivers.values()
        ]

    def assigned(self, line: RequirementLine) -> list[str]:
        """What was given to people, and until when, of the checks that fail."""
        mine = self._given(line)
        days = [one.due for one in mine if one.due is not None]
        if not days:
            return []
        owners = ", ".join(dict.fromkeys(str(one.owner) for one in mine if one.owner is not None))
        said = self.say("plan_assigned", count=len(mine), due=day(max(days)), owners=owners or self.say("plan_nobody"))
        undated = len(mine) - len(days)
        return [said, *([self.say("plan_undated", count=undated)] if undated else [])]

    def open(self, line: RequirementLine) -> bool:
        """Something of it is neither borne nor given to anybody with a day."""
        if line.attestation is not None and line.attestation.state != "met":
            return True
        dated = [one for one in self._given(line) if one.due is not None]
        machines = {thing.name: thing.machine.pk for thing in self.held.things if thing.machine is not None}
        failing = [asset for asset in line.assets if asset.standing is Standing.FAIL and not asset.borne]
        return (not failing and line.waits_for_person) or any(
            not any(one.rule.check_id == check and one.machine_id in (None, machines.get(asset.asset)) for one in dated)
            for asset in failing
            for check in _failing(asset)
        )

    def _given(self, line: RequirementLine) -> list[Assignment]:
        wanted = {check for asset in line.assets for check in _failing(asset)}
        return [one for one in self._work() if one.rule.check_id in wanted and one.rule.requirement == line.requirement.id]

    def _work(self) -> list[Assignment]:
        if self._open_work is None:
            machines = [thing.machine for thing in self.held.things if thing.machine is not None]
            here = Q(machine__in=machines) | Q(machine=None, unit__in=self.held.system.unit.ids)
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
                rows.append((self.clause(line), wording.text(line.requirement.title), self._titles(failing), self._names(failing), self._names(unknown)))  # fmt: skip
        yield table(
            self.say("annexes.findings"),
            self.say.at("findings_columns"),
            (9, 26, 25, 20, 20),
            rows,
            centred=(),
            empty=self.say("findings_none"),
        )

    def _titles(self, failing: list[AssetLine]) -> str:
        checks = Counter(check for asset in failing for check in _failing(asset))
        known = self.held.baseline.checks
        titles = [wording.text(known[check].title) for check, _count in checks.most_common() if check in known]
        shown = "; ".join(titles[:CHECKS])
        return self.say("checks_more", names=shown, count=len(titles) - CHECKS) if len(titles) > CHECKS else shown

    def _names(self, lines: list[AssetLine]) -> str:
        return names_of(self.say, (one.asset for one in lines), NAMES)

    def annex_reports(self) -> Iterator[Block]:
        reach = reaches()
        rows = [
            (place, one.asset.name, short(one.snapshot.collected_at) if one.snapshot else "", reach[one.reach],
             one.snapshot.id if one.snapshot else "", one.snapshot.digest[:16] if one.snapshot else "")
            for place, one in enumerate(self.judged.assets, 1)
        ]  # fmt: skip
        yield table(self.say("annexes.reports"), self.say.at("reports_columns"), (6, 23, 17, 14, 24, 16), rows)


def said_met(line: RequirementLine) -> bool:
    """Met, and all or some of that is a person's word."""
    return line.state is State.MET and line.attestation is not None


def _checks(line: RequirementLine) -> set[str]:
    return {one.result.check for asset in line.assets for one in asset.checks if one.result.check}


def _failing(asset: AssetLine) -> list[str]:
    return [one.result.check for one in asset.checks if one.result.verdict is Verdict.FAIL and one.result.check]


def _by_zone(check: Check) -> bool:
    """It asks what kind of zone one is, which the register tells by its name alone."""
    said = json.dumps([check.assert_, check.provided])
    return "system_design" in said and ('"zones"' in said or "zone_type" in said)
