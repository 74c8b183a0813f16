"""What an outlet is to tell: read from the journal and from the list of what turned, cut down to its part of the tree.

A machine's verdicts go where the machine is now, as on every page. A row of the journal goes where its unit was then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baselines.loader import BaselineError
from server.assess import packs, wording
from server.assess.models import Alarm
from server.findings import changes
from server.findings.codes import CAUSES, FAIL, NOT_ASKED, PASS, RULES, SEVERITY_WORDS, UNKNOWN, WORDS
from server.findings.models import Rule
from server.journal.models import ACTIONS, DETAILS, Entry, described
from server.outlets import news
from server.outlets.models import WORSE, Outlet, Turned
from server.units.models import UnitPlace
from server.units.paths import outermost

RAISED = (
    "alarm.raised",
    "silence.raised",
    "rollout.halted",
    "outlet.failing",
    "outlet.skipped",
    "user.locked-out",
    "campaign.reminder",
    "waiver.ends-soon",
    "attestation.ends-soon",
    "work.due",
    "calendar.reminder",
)
CLOSED = ("alarm.closed", "silence.closed", "outlet.recovered")
ALARMS = (*RAISED, *CLOSED)
"""What the journal says that a person should hear of at once."""
REPORTS = 50
"""Reports of machines that are read at once."""
_NOT_ASKED = gettext_noop("not asked")


@dataclass(frozen=True)
class Message:
    """One thing to tell, in the outlet's language. `id` is the same whenever it is told: receivers drop doubles by it."""

    id: str
    kind: str
    """alarm · verdict · journal · skipped · test"""
    action: str
    """For programs: alarm.raised, verdict.fail, …"""
    at: datetime
    severity: str
    """critical · high · medium · low · info: of the rule, or of the alarm"""
    text: str
    unit: str = ""
    unit_code: str = ""
    machine: str = ""
    better: bool = False
    worse: bool = False
    """A verdict may be neither: what failed and is now unknown, or not asked any more, is not mended."""
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def weight(self) -> str:
        """How grave it is to whoever hears of it: a verdict that did not get worse is an information."""
        return "info" if self.better or (self.kind == "verdict" and not self.worse) else self.severity

    @property
    def severity_word(self) -> str:
        return str(wording.SEVERITIES.get(self.severity, self.severity))

    @property
    def shown(self) -> list[tuple[str, str]]:
        """The details in people's words."""
        known = {name: value for name, value in self.detail.items() if name in DETAILS}
        return [(name, value) for name, value, _whole in described(known)]

    def document(self) -> dict[str, Any]:
        """As JSON can hold it; what is empty is left out."""
        found = {name: value for name, value in asdict(self).items() if value not in ("", {})}
        return found | {"at": self.at.astimezone(UTC).isoformat(timespec="microseconds")}


class Slice(NamedTuple):
    """Messages, and how far an outlet is when they are taken."""

    messages: list[Message]
    entry: int
    number: int


def read(outlet: Outlet, limit: int, entry: int | None = None, number: int | None = None) -> Slice:
    """The next messages, the journal's first, to the end of what there is or to that row and that number."""
    to_entry = _last_entry() if entry is None else entry
    to_number = news.last() if number is None else number
    found, reached = _entries(outlet, to_entry, limit)
    if len(found) >= limit:
        return Slice(found, reached, outlet.number)
    turned, numbered = _turned(outlet, to_number, limit - len(found))
    return Slice(found + turned, reached, numbered)


def ends() -> tuple[int, int]:
    """Where a new outlet begins: it tells nothing of what was before."""
    return _last_entry(), news.last()


def _last_entry() -> int:
    """Writers of the journal wait for one another until they have committed, so its ids appear in their own order."""
    return Entry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _entries(outlet: Outlet, to: int, limit: int) -> tuple[list[Message], int]:
    if not (outlet.alarms or outlet.journal) or outlet.entry >= to:
        return [], max(outlet.entry, to)
    rows = Entry.objects.filter(_of_unit(outlet), pk__gt=outlet.entry, pk__lte=to)
    if not outlet.journal:
        rows = rows.filter(action__in=ALARMS)
    found = list(rows.order_by("pk")[:limit])
    return [_of_entry(row, outlet) for row in found], found[-1].pk if len(found) == limit else to


def _of_unit(outlet: Outlet) -> Q:
    """Rows of its part of the tree, where that lay then; what concerns no unit is the root's."""
    former = UnitPlace.objects.filter(unit__path__under=outlet.unit.path).values_list("path", flat=True)
    condition = Q(unit_path="") if outlet.unit.parent_id is None else Q(pk__in=[])
    for path in outermost([outlet.unit.path, *former]):
        condition |= Q(unit_path__under=path)
    return condition


def _of_entry(row: Entry, outlet: Outlet) -> Message:
    alarm = outlet.alarms and row.action in ALARMS
    raised = row.action in RAISED
    title, detail = (
        str(ACTIONS.get(row.action, row.action)),
        {name: value for name, value in row.detail.items() if value not in ("", None)},
    )
    if row.action.startswith("alarm.") and (kind := Alarm.KINDS.get(str(detail.get("kind")))):
        title = f"{title}: {kind}"
    return Message(
        id=f"journal-{row.pk}-{row.digest[:16]}", kind="alarm" if alarm else "journal", action=row.action, at=row.at,
        severity="high" if alarm and raised else "info", text=f"{title}: {row.subject}" if row.subject else title,
        machine=row.subject if row.action.startswith("alarm.") else "", better=row.action in CLOSED,
        detail={**detail, "actor": row.actor, **({"address": row.address} if row.address else {}), "subject": row.subject},
    )  # fmt: skip


def _turned(outlet: Outlet, to: int, limit: int) -> tuple[list[Message], int]:
    """Reports are told whole, so this may be some more than the limit."""
    at, found = outlet.number, list[Message]()
    if not outlet.verdicts or at >= to:
        return found, max(at, to)
    rows = Turned.objects.filter(machine__unit__path__under=outlet.unit.path, number__lte=to).select_related("machine__unit")
    while len(found) < limit:
        part = list(rows.filter(number__gt=at).order_by("number")[:REPORTS])
        for row in part:
            found += _of_report(row, outlet)
            at = row.number or at
            if len(found) >= limit:
                return found, at
        if len(part) < REPORTS:
            return found, to
    return found, at


def _of_report(row: Turned, outlet: Outlet) -> Iterator[Message]:
    if row.cause == RULES and not outlet.rule_changes:
        return
    steps = [step for step in changes.unpack(row.packed) if outlet.direction != WORSE or worse(step[1], step[2])]
    rules = Rule.objects.in_bulk([rule for rule, _was, _now in steps])
    for number, was, now in steps:
        rule = rules.get(number) or Rule(check_id=f"{number}", severity=max(SEVERITY_WORDS))
        if rule.severity < outlet.severity:
            continue
        unit, machine = row.machine.unit, row.machine.name
        yield Message(
            id=f"verdict-{row.uid}-{number}", kind="verdict", action=f"verdict.{WORDS[now].replace('_', '-')}", at=row.at,
            severity=SEVERITY_WORDS.get(rule.severity, "info"), better=better(was, now), worse=worse(was, now),
            unit=unit.name, unit_code=unit.code, machine=machine, text=f"{machine}: {_check_title(rule)}: {_word(was)} → {_word(now)}",
            detail={
                "baseline": rule.baseline, "requirement": rule.requirement, "check": rule.check_id, "was": WORDS[was], "now": WORDS[now],
                "known_at": row.written_at.astimezone(UTC).isoformat(), "cause": CAUSES[row.cause],
            },
        )  # fmt: skip


def worse(was: int, now: int) -> bool:
    """Failing is worse than not knowing, not knowing worse than passing. Not being asked is no trouble."""
    return _RANK[now] < _RANK[was]


def better(was: int, now: int) -> bool:
    """It passes, which it did not. What is not known or not asked any more did not get better by that."""
    return now == PASS and was in (FAIL, UNKNOWN)


_RANK = {FAIL: 0, UNKNOWN: 1, PASS: 2, NOT_ASKED: 2}


def _word(verdict: int) -> str:
    return _(_NOT_ASKED) if verdict == NOT_ASKED else str(wording.VERDICTS[WORDS[verdict]])


def _check_title(rule: Rule) -> str:
    """In words, where its pack is still here."""
    try:
        check = packs.get(rule.baseline).checks.get(rule.check_id)
    except (BaselineError, OSError):
        check = None
    return wording.text(check.title) if check else rule.check_id
