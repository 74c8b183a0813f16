"""Write what a judged snapshot says: the standing of its machine, what turned, and what the tallies have to count.

The one place through which verdicts come, called inside the transaction that stores the assessment. A report in which nothing
turned writes one row. Two reports of one machine wait for each other; those of different machines never do.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from server.findings import changes, rows, weave
from server.findings.codes import DATA, MACHINE, NOT_ASKED, RULES, failing
from server.findings.models import Head, Standing
from server.findings.rules import Judgement
from server.findings.tally import count, where
from server.findings.turning import differences, note
from server.ingest.models import Machine, StoredSnapshot
from server.statements import Rows, Select, Update

STANDING = ("machine_id", "rule_id", "verdict", "since", "failing_since")
HEAD = ("machine_id", "unit_id", "kind", "snapshot", "at", "turn", "first_snapshot", "first_at", "rules", "verdicts")


class Was(NamedTuple):
    """What has to be known of a verdict to see whether it turned, and since when it fails."""

    verdict: int
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
        weave.late(head, position, judged)


def withdraw(machine: Machine) -> None:
    """It stands no longer: retired, or about to be deleted. What turned before stays on record."""
    head = Head.objects.select_for_update().filter(pk=machine.pk).first()
    if head is None:
        return
    held = Standing.objects.filter(machine=machine)
    count(head.unit_id, head.kind, changes.gone(dict(held.values_list("rule_id", "verdict"))))
    held.delete()
    head.delete()


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
