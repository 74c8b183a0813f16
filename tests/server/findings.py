"""Machines and judged snapshots without agents and packs: only what the findings read."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from server.assess.models import StoredAssessment
from server.findings import record
from server.findings.codes import FAIL, KINDS, PASS, UNKNOWN
from server.findings.models import Head, Rule, Standing, Transition
from server.findings.rules import Judgement, digest_of
from server.ingest.models import Agent, Machine, StoredSnapshot

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
LETTERS = {"F": FAIL, "U": UNKNOWN, "P": PASS}
"""A snapshot's verdicts are written as one letter per rule; `-` where it is not asked."""


@dataclass
class Fleet:
    """Machines, and rules to judge them by."""

    rules: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, number: int = 4) -> Fleet:
        made = [
            Rule.objects.get_or_create(baseline="mini", requirement=f"r{n}", check_id=f"c{n}", severity=n % 4 + 1)[0]
            for n in range(number)
        ]
        return cls([rule.pk for rule in made])

    def machine(self, unit: Any, name: str = "", kind: str = "server") -> Machine:
        name = name or uuid.uuid4().hex
        agent = Agent.objects.create(unit=unit, name=name, public_key=uuid.uuid4().bytes * 2)
        return Machine.objects.create(unit=unit, agent=agent, own=True, name=name, kind=kind)

    def verdicts(self, letters: str) -> dict[int, int]:
        return {rule: LETTERS[letter] for rule, letter in zip(self.rules, letters, strict=False) if letter != "-"}

    def judged(self, letters: str, edition: str = "1", kind: str = "server") -> Judgement:
        return Judgement(self.verdicts(letters), KINDS[kind], digest_of("mini", edition, "", 2, kind), f"{letters:>64}")

    def snapshot(self, machine: Machine, at: timedelta) -> StoredSnapshot:
        when = BEGIN + at
        return StoredSnapshot.objects.create(
            id=str(uuid.uuid4()), machine=machine, agent_id=machine.agent_id, received_at=when, collected_at=when, orders_at=when,
            privileged=True, seconds=1, collector="1", digest="", sealed_sha256="", sealed=b"",
        )  # fmt: skip

    def judge(self, stored: StoredSnapshot, letters: str, edition: str = "1") -> None:
        """As the collector does when a snapshot comes in, or is judged again."""
        kind = stored.machine.kind
        columns = {
            "baseline": "mini", "version": "1", "digest": edition, "tailoring": "", "level": 2, "kind": kind, "verdicts": letters,
            "agent": "not-judged", "machine": stored.machine,
        } | dict.fromkeys(("fail", "unknown", "passed", "manual", "not_applicable", "weight"), 0)  # fmt: skip
        with transaction.atomic():
            StoredAssessment.objects.update_or_create(snapshot=stored, defaults=columns)
            record.record(stored, self.judged(letters, edition, kind))

    def report(self, machine: Machine, day: float, letters: str, edition: str = "1") -> StoredSnapshot:
        stored = self.snapshot(machine, timedelta(days=day))
        self.judge(stored, letters, edition)
        return stored


def standing(machine: Machine) -> dict[int, tuple[int, datetime, datetime | None]]:
    rows = Standing.objects.filter(machine=machine).values_list("rule_id", "verdict", "since", "failing_since")
    return {rule: tuple(rest) for rule, *rest in rows}


def transitions(machine: Machine) -> list[Transition]:
    return list(Transition.objects.filter(machine=machine).order_by("at", "snapshot", "turn", "rule"))


def state_after(machine: Machine, snapshot: uuid.UUID, at: datetime, turn: int = 99) -> dict[int, int]:
    """The verdicts as they were after a snapshot: what stands, with the transitions since taken back."""
    found = {rule: row[0] for rule, row in standing(machine).items()}
    for step in reversed(transitions(machine)):
        if (step.at, step.snapshot, step.turn) <= (at, snapshot, turn):
            break
        assert found.get(step.rule_id, 0) == step.now, "the transitions of a rule hang together"
        found.pop(step.rule_id, None)
        if step.was:
            found[step.rule_id] = step.was
    return found


def head(machine: Machine) -> Head:
    return Head.objects.get(pk=machine.pk)
