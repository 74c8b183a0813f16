"""Write what a judged snapshot says: the standing of its machine, what turned, and what the tallies have to count.

The one place through which verdicts come, called inside the transaction that stores the assessment. A report in which nothing
turned writes one row. Two reports of one machine wait for each other; those of different machines never do.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from server.findings import changes, rows
from server.findings.codes import DATA, MACHINE, NOT_ASKED, RULES, failing
from server.findings.models import Change, Head, Standing, Transition
from server.findings.rules import Judgement
from server.ingest.models import Machine, StoredSnapshot
from server.outlets import news
from server.statements import Rows, Select, Update, insert

EACH = 64
"""Changes between two times a report counts in what waits."""
STANDING = ("machine_id", "rule_id", "verdict", "since", "failing_since")
HEAD = ("machine_id", "unit_id", "kind", "snapshot", "at", "turn", "first_snapshot", "first_at", "rules", "verdicts")
TRANSITION = ("machine_id", "rule_id", "was", "now", "cause", "turn", "at", "written_at", "snapshot")


class Was(NamedTuple):
    """What has to be known of a verdict to see whether it turned, and since when it fails."""

    verdict: int
    failing_since: datetime | None


class Held(NamedTuple):
    """A verdict as it stands."""

    verdict: int
    since: datetime
    failing_since: datetime | None


_locked = Select(lambda machine: Head.objects.select_for_update().filter(pk=machine))
_stands = Rows(lambda machine: Standing.objects.filter(machine=machine).values_list("rule_id", "verdict", "failing_since"))
_move = Update(
    lambda machine: Head.objects.filter(pk=machine), "unit", "kind", "snapshot", "at", "turn", "rules", "verdicts"
)  # fmt: skip


def record(stored: StoredSnapshot, judged: Judgement) -> None:
    """Whatever order snapshots come in, the standing and the transitions are those of the order they were collected in."""
    position, unit = (stored.orders_at, UUID(stored.pk)), where(stored.machine)
    head = _head(stored.machine_id)
    if head is None:
        if _first(stored.machine_id, unit, position, judged):
            return
        # another report of this machine came first, in this moment
        head = _head(stored.machine_id)
        assert head is not None
    if position >= (head.at, head.snapshot):
        _forward(head, unit, position, judged)
    else:
        from server.findings import weave

        weave.late(head, position, judged)


def standing(machine: int, only: Collection[int] | None = None) -> dict[int, Held]:
    """Rule -> how it stands."""
    held = Standing.objects.filter(machine=machine)
    if only is not None:
        held = held.filter(rule__in=only)
    rows_held = held.values_list("rule_id", "verdict", "since", "failing_since")
    return {rule: Held(verdict, since, failing_since) for rule, verdict, since, failing_since in rows_held}


def withdraw(machine: Machine) -> None:
    """It stands no longer: retired, or about to be deleted. What turned before stays on record."""
    head = Head.objects.select_for_update().filter(pk=machine.pk).first()
    if head is None:
        return
    held = Standing.objects.filter(machine=machine)
    count(head.unit_id, head.kind, changes.gone(dict(held.values_list("rule_id", "verdict"))))
    held.delete()
    head.delete()


def where(machine: Machine) -> int | None:
    """The unit in which a machine is counted; what is out of service is counted nowhere, and keeps its standing."""
    return machine.unit_id if machine.retired_at is None else None


def count(unit: int | None, kind: int, packed: bytes) -> None:
    """To be counted in by the next `tally.fold`."""
    if unit is None or not packed:
        return
    number = insert(Change, {"unit_id": unit, "kind": kind, "packed": packed, "at": timezone.now()}, returning=True)
    if number and number % EACH == 0:
        # whoever runs without a worker keeps up as well; a failure here is nobody's whose report is stored
        transaction.on_commit(_fold, robust=True)


def _fold() -> None:
    from server.findings import tally

    tally.fold()


def _head(machine: int) -> Head | None:
    """Locked: whoever has it is alone with the machine's rows."""
    return _locked.first(machine)


def _first(machine: int, unit: int | None, position: tuple[datetime, UUID], judged: Judgement) -> bool:
    """False when the machine has a head already; waits for whoever is about to make one."""
    at, snapshot = position
    head = (machine, unit, judged.kind, snapshot, at, 0, snapshot, at, judged.rules, judged.digest)
    if not rows.new(Head, HEAD, head):
        return False
    new = [(machine, rule, verdict, at, failing(None, verdict, at)) for rule, verdict in judged.verdicts.items()]
    rows.insert(Standing, STANDING, new)
    count(unit, judged.kind, changes.come(judged.verdicts))
    return True


def _forward(head: Head, unit: int | None, position: tuple[datetime, UUID], judged: Judgement) -> None:
    """The snapshot is newer than all before, or it is the newest, judged again."""
    at, snapshot = position
    again = snapshot == head.snapshot
    same_rules = judged.rules == head.rules
    moved = (unit, judged.kind) != (head.unit_id, head.kind)
    if moved or not same_rules or judged.digest != head.verdicts:
        held = {rule: Was(verdict, failing_since) for rule, verdict, failing_since in _stands(head.pk)}
        turn = head.turn + 1 if again else 0
        turned = _turn(head.pk, held, position, judged, MACHINE if same_rules else RULES, turn)
        if moved:
            count(head.unit_id, head.kind, changes.gone({rule: one.verdict for rule, one in held.items()}))
            count(unit, judged.kind, changes.come(judged.verdicts))
        else:
            count(unit, judged.kind, changes.pack(turned))
    _move(unit, judged.kind, snapshot, at, head.turn + 1 if again else 0, judged.rules, judged.digest, head.pk)


def _turn(
    machine: int, held: dict[int, Was], position: tuple[datetime, UUID], judged: Judgement, cause: int, turn: int
) -> list[tuple[int, int, int]]:
    """Write the verdicts that turned, and nothing else; (rule, was, now) of each."""
    at, _snapshot = position
    turned = differences({rule: one.verdict for rule, one in held.items()}, judged.verdicts)
    new = [
        (machine, rule, now, at, failing(held[rule].failing_since if rule in held else None, now, at))
        for rule, _was, now in turned
        if now != NOT_ASKED
    ]
    rows.upsert(Standing, ("machine_id", "rule_id"), ("verdict", "since", "failing_since"), new)
    if asked_no_more := [rule for rule, _was, now in turned if now == NOT_ASKED]:
        Standing.objects.filter(Q(machine=machine, rule__in=asked_no_more)).delete()
    by_data = [one for one in turned if cause == MACHINE and one[0] in judged.by_data]
    note(machine, [one for one in turned if one not in by_data], position, cause, turn)
    if by_data:
        note(machine, by_data, position, DATA, turn)
    return turned


def note(machine: int, turned: list[tuple[int, int, int]], position: tuple[datetime, UUID], cause: int, turn: int = 0) -> None:
    """Write what turned at a snapshot, and that it is to be told."""
    (at, snapshot), written = position, timezone.now()
    rows.insert(
        Transition, TRANSITION, [(machine, rule, was, now, cause, turn, at, written, snapshot) for rule, was, now in turned]
    )
    news.note(machine, turned, cause, at, written)


def differences(before: dict[int, int], after: dict[int, int]) -> list[tuple[int, int, int]]:
    """(rule, was, now) of each rule whose verdict is another one."""
    turned = [(rule, before.get(rule, NOT_ASKED), now) for rule, now in after.items() if before.get(rule) != now]
    return turned + [(rule, was, NOT_ASKED) for rule, was in before.items() if rule not in after]
