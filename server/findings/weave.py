"""A snapshot that comes after a newer one is woven in where it belongs.

What stands now is the newer one's word and stays. What the late one tells is since when, and what lay between: its neighbours'
transitions are split, and "since" moves back where it shows that a verdict was there earlier.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from server.assess.models import StoredAssessment
from server.findings import rows
from server.findings.codes import FAIL, MACHINE, NOT_ASKED, RULES, UNKNOWN, failing
from server.findings.models import Head, Standing, Transition
from server.findings.rules import Judgement, digest_of
from server.findings.turning import differences, note, standing

Position = tuple[datetime, UUID]


def late(head: Head, position: Position, judged: Judgement) -> None:
    """`position` lies before the head."""
    after = [step for step in _steps(head.pk, position[0]) if (step.at, step.snapshot) > position]
    before = {rule: one.verdict for rule, one in standing(head.pk).items()}
    undo(before, after)
    following, rules_following = _following(head, position)
    if after and (after[0].at, after[0].snapshot) < following:
        # the snapshot itself was removed, with what it was judged by; what turned at it is still told
        following, rules_following = (after[0].at, after[0].snapshot), ""
    if position < (head.first_at, head.first_snapshot):
        following = head.first_at, head.first_snapshot
        # what followed was the first contact, of which nothing is written
        turned = [(rule, now, was) for rule, was, now in differences(before, judged.verdicts)]
        note(head.pk, turned, following, _cause(judged.rules == rules_following))
        Head.objects.filter(pk=head.pk).update(first_at=position[0], first_snapshot=position[1])
        head.first_at, head.first_snapshot = position
        _date(head, None)
        return
    turned = differences(before, judged.verdicts)
    note(head.pk, turned, position, _cause(judged.rules == _rules_before(head.pk, position)))
    _split(head.pk, turned, [step for step in after if (step.at, step.snapshot) == following and step.turn == 0], following)
    Transition.objects.filter(machine=head.pk, at=following[0], snapshot=following[1], turn=0).update(
        cause=_cause(judged.rules == rules_following)
    )
    _date(head, [rule for rule, _was, _now in turned])


def undo(verdicts: dict[int, int], steps: Iterable[Transition]) -> None:
    """Take back transitions, given oldest first, so that `verdicts` become those before the first of them."""
    for step in reversed(list(steps)):
        if step.was == NOT_ASKED:
            verdicts.pop(step.rule_id, None)
        else:
            verdicts[step.rule_id] = step.was


def _steps(machine: int, since: datetime) -> list[Transition]:
    return list(Transition.objects.filter(machine=machine, at__gte=since).order_by("at", "snapshot", "turn"))


def _split(machine: int, turned: list[tuple[int, int, int]], there: list[Transition], following: Position) -> None:
    """What turned at the late snapshot turned from another state at the next one; or, being the same, did not turn there."""
    at_next = {step.rule_id: step for step in there}
    new = []
    for rule, was, now in turned:
        step = at_next.get(rule)
        if step is None:
            new.append((rule, now, was))
        elif step.now == now:
            step.delete()
        else:
            step.was = now
            step.save(update_fields=["was"])
    note(machine, new, following, MACHINE)


def _cause(same_rules: bool) -> int:
    return MACHINE if same_rules else RULES


def _following(head: Head, position: Position) -> tuple[Position, str]:
    """The next snapshot that was judged, and the digest of the rules it was judged by; the head is the last of them."""
    later = _assessments(head.pk).filter(snapshot__orders_at__gte=position[0]).order_by("snapshot__orders_at", "snapshot_id")
    found = next((one for one in later.iterator(chunk_size=20) if _position(one) > position), None)
    if found is None or _position(found) >= (head.at, head.snapshot):
        return (head.at, head.snapshot), head.rules
    return _position(found), _rules(found)


def _rules_before(machine: int, position: Position) -> str:
    earlier = _assessments(machine).filter(snapshot__orders_at__lte=position[0]).order_by("-snapshot__orders_at", "-snapshot_id")
    found = next((one for one in earlier.iterator(chunk_size=20) if _position(one) < position), None)
    return "" if found is None else _rules(found)


def _assessments(machine: int) -> QuerySet[StoredAssessment]:
    wanted = ("baseline", "digest", "tailoring", "level", "kind", "snapshot__orders_at")
    return StoredAssessment.objects.filter(snapshot__machine=machine).select_related("snapshot").only(*wanted)


def _position(assessment: StoredAssessment) -> Position:
    return assessment.snapshot.orders_at, UUID(assessment.snapshot_id)


def _rules(assessment: StoredAssessment) -> str:
    return digest_of(assessment.baseline, assessment.digest, assessment.tailoring, assessment.level, assessment.kind)


def _date(head: Head, only: list[int] | None) -> None:
    """Set "since" and "failing since" anew, from the transitions; `only` some rules."""
    held = standing(head.pk, only)
    steps: dict[int, list[Transition]] = {}
    known = Transition.objects.filter(machine=head.pk)
    for step in (known if only is None else known.filter(rule__in=only)).order_by("at", "snapshot", "turn"):
        steps.setdefault(step.rule_id, []).append(step)
    new = []
    for rule, one in held.items():
        chain = steps.get(rule, [])
        base = chain[0].was if chain else one.verdict
        start = failing(None, base, head.first_at)
        since = chain[-1].at if chain else head.first_at
        if head.kept_from is not None and base in (FAIL, UNKNOWN):
            # what led here was removed: the row alone remembers
            start = one.failing_since
        if head.kept_from is not None and not chain:
            since = one.since
        for step in chain:
            start = failing(start, step.now, step.at)
        if (since, start) != (one.since, one.failing_since):
            new.append((head.pk, rule, one.verdict, since, start))
    rows.upsert(Standing, ("machine_id", "rule_id"), ("verdict", "since", "failing_since"), new)
