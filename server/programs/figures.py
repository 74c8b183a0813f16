"""What an operator watches, in numbers. Each function gives a family; none walks a table that grows with reports.

Per machine there is one row in `ingest_machine` and one in `findings_head`: those are counted. Of verdicts the tallies of the root
are read, of jobs, relays, alarms and silences there are few.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Count, F, Max, Min, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from collectors import VERSION
from server.assess.freshness import JUDGED, SILENT
from server.assess.models import Alarm
from server.background import keeper
from server.background.models import Job
from server.findings import tally
from server.findings.models import Change, Head
from server.ingest import counters
from server.ingest.access import REFUSALS_KEPT
from server.ingest.models import IN_SERVICE, Agent, Machine, Refusal
from server.journal.models import Entry
from server.relays.models import Relay, in_trouble
from server.schedules.models import Silence
from server.schedules.resolve import paced
from server.units.models import Unit, policies

GAUGE, COUNTER = "gauge", "counter"
DAY = timedelta(days=1)
KEPT_SECONDS = 60
"""What has to look at each machine's newest report is up to a minute old: it takes longer than all the rest."""
Samples = list[tuple[dict[str, str], float]]


class Family(NamedTuple):
    """One name of the answer."""

    name: str
    kind: str
    help: str
    samples: Samples


Figures = Callable[[datetime], Iterator[Family]]
_ALL: list[Figures] = []


def figures(function: Figures) -> Figures:
    """Declare figures of a room; `function` gets the present time."""
    _ALL.append(function)
    return function


def families(now: datetime | None = None) -> Iterator[Family]:
    now = now or timezone.now()
    for function in _ALL:
        yield from function(now)


def one(name: str, help: str, value: float, kind: str = GAUGE) -> Family:
    return Family(name, kind, help, [({}, value)])


def by(name: str, help: str, label: str, values: dict[str, float]) -> Family:
    return Family(name, GAUGE, help, [({label: key}, value) for key, value in values.items()])


def since(at: datetime | None, now: datetime) -> float:
    """Seconds; 0 where there is nothing to wait for."""
    return max(0.0, round((now - at).total_seconds(), 3)) if at else 0.0


@figures
def itself(now: datetime) -> Iterator[Family]:
    yield Family("rasoat_info", GAUGE, "The collector", [({"version": VERSION, "database": connection.vendor}, 1)])
    disk = shutil.disk_usage(settings.DATA.root) if settings.DATA.root.exists() else None
    if disk:
        yield one("rasoat_disk_free_bytes", "Free where the data directory lies", disk.free)
        yield one("rasoat_disk_size_bytes", "Size of that file system", disk.total)
    yield one("rasoat_database_size_bytes", "Of the database", _database_size())
    backup = Entry.objects.filter(action="server.backup").aggregate(at=Max("at"))["at"]
    if backup:  # without one there is nothing to say, and 0 would be a day in 1970
        yield one("rasoat_last_backup_timestamp_seconds", "When the newest backup was made by this collector", backup.timestamp())


@figures
def machines(now: datetime) -> Iterator[Family]:
    counted = Machine.objects.filter(IN_SERVICE).aggregate(all=Count("pk"), reported=Count("latest_id"))
    yield one("rasoat_machines", "Machines in service", counted["all"])
    yield one("rasoat_machines_reported", "Of those: reported at least once", counted["reported"])
    yield one(
        "rasoat_machines_retired", "Machines out of service, counted nowhere else", Machine.objects.exclude(IN_SERVICE).count()
    )
    kept: Any = cache.get_or_set("rasoat.figures.machines", lambda: (_silent(now), *_unjudged()), KEPT_SECONDS)
    silent, unjudged, oldest = kept
    yield one("rasoat_machines_silent", f"Reported, but not for {SILENT} of their unit's intervals", silent)
    yield one("rasoat_machines_unjudged", "Machines whose newest report was not judged", unjudged)
    yield one("rasoat_oldest_unjudged_seconds", "How long the oldest such report has been here", since(oldest, now))
    yield one(
        "rasoat_enrolments_waiting", "Machines that wait for a person to let them in", Agent.objects.filter(waiting=True).count()
    )
    open_silences = Silence.objects.filter(closed_at=None).aggregate(sites=Count("pk"), missing=Sum("missing", default=0))
    yield one("rasoat_sites_silent", "Sites and stations from which reports are missing", open_silences["sites"])
    yield one("rasoat_sites_machines_missing", "Machines of those sites that do not report", open_silences["missing"])


@figures
def verdicts(now: datetime) -> Iterator[Family]:
    root = Unit.objects.filter(parent=None).values_list("path", flat=True)
    counts = tally.read(root).by_rule.values()
    sums = [sum(numbers) for numbers in zip(*counts, strict=True)] or [0, 0, 0]
    words = dict(zip(("fail", "unknown", "pass"), map(float, sums), strict=True))
    yield by("rasoat_verdicts", "Pairs of machine in service and rule, by how they stand", "verdict", words)
    waiting = Change.objects.aggregate(count=Count("pk"), at=Min("at"))
    yield one("rasoat_tallies_waiting", "Reports not counted in yet", waiting["count"])
    yield one("rasoat_oldest_tally_waiting_seconds", "How long the oldest of them waits", since(waiting["at"], now))
    serving = Alarm.objects.filter(closed_at=None, machine__retired_at=None).order_by()
    kinds = {kind: float(count) for kind, count in serving.values_list("kind").annotate(Count("pk"))}
    yield by("rasoat_alarms_open", "Open alarms of machines in service, by kind", "kind", dict.fromkeys(Alarm.KINDS, 0.0) | kinds)


@figures
def uploads(now: datetime) -> Iterator[Family]:
    found = counters.total()
    yield one("rasoat_uploads_total", "Uploads that were opened and answered", found.taken, COUNTER)
    yield one("rasoat_uploads_turned_away_total", "Uploads told to come again later", found.away, COUNTER)
    yield one("rasoat_upload_seconds_total", "Time the opened ones took", round(found.seconds, 3), COUNTER)
    yield one("rasoat_uploads_inside", "Uploads being read, waiting or opened now", found.inside)
    refused = Refusal.objects.filter(at__gt=now - REFUSALS_KEPT).order_by().values_list("code").annotate(Count("pk"))
    reasons = {code: float(count) for code, count in refused}
    yield one("rasoat_refused_last_day", "Refused uploads, enrolments and keys, last 24 hours", sum(reasons.values()))
    yield by("rasoat_refused_last_day_by_reason", "The same by reason; one address counts up to 1000", "reason", reasons)


@figures
def work(now: datetime) -> Iterator[Family]:
    counted = dict(Job.objects.order_by().values_list("state").annotate(Count("pk")))
    states = {state: float(counted.get(state, 0)) for state, _word in Job.STATES}
    yield by("rasoat_jobs", "Background jobs kept, by state", "state", states)
    due = Job.objects.filter(Q(due_at=None) | Q(due_at__lte=now), state=Job.WAITING)
    oldest = due.aggregate(at=Min(Coalesce(F("due_at"), F("asked_at"))))["at"]
    yield one("rasoat_oldest_job_waiting_seconds", "How long the oldest job that could begin waits", since(oldest, now))
    failed = Job.objects.filter(state=Job.FAILED, finished_at__gt=now - DAY).count()
    yield one("rasoat_jobs_failed_last_day", "Jobs that failed, last 24 hours", failed)
    yield one("rasoat_jobs_unattended", "1: jobs wait and no worker runs", int(keeper.unattended()))


@figures
def relays(now: datetime) -> Iterator[Family]:
    serving = list(Relay.objects.filter(revoked_at=None, enrolled_at__isnull=False).order_by("pk"))
    yield one("rasoat_relays_in_trouble", "Relays silent, with an old backlog, or short of room", in_trouble())

    def each(name: str, help: str, value: Callable[[Relay], float | None]) -> Family:
        """Without those of which it is not known: 0 would be an answer."""
        values = [({"relay": relay.pk, "name": relay.name}, value(relay)) for relay in serving]
        return Family(name, GAUGE, help, [(labels, found) for labels, found in values if found is not None])

    yield each("rasoat_relay_waiting_snapshots", "Snapshots that wait at a relay, by its last word", lambda relay: relay.waiting)
    yield each("rasoat_relay_oldest_seconds", "How long the oldest of them waits", lambda relay: _oldest(relay, now))
    yield each(
        "rasoat_relay_silent_seconds", "Since it was last heard", lambda relay: since(relay.contact_at or relay.enrolled_at, now)
    )


@figures
def outlets(now: datetime) -> Iterator[Family]:
    """Where the room is there: what each outlet has not sent yet."""
    if not apps.is_installed("server.outlets"):
        return
    rows: Any = apps.get_model("outlets", "Outlet").objects.filter(paused_at=None).order_by("pk")
    found: list[dict[str, Any]] = list(
        rows.values("pk", "kind", "alarms", "verdicts", "journal", "entry", "number", "failing_since")
    )
    entry = Entry.objects.aggregate(last=Max("pk"))["last"] or 0
    number = apps.get_model("outlets", "Order").objects.aggregate(last=Max("last"))["last"] or 0
    unsorted = apps.get_model("outlets", "Turned").objects.filter(number=None).count()
    labels = [{"outlet": str(one["pk"]), "kind": one["kind"]} for one in found]
    # what an outlet does not tell it need not look at
    behind = [
        float((one["alarms"] or one["journal"]) and max(0, entry - one["entry"]))
        + float(one["verdicts"] and max(0, number - one["number"]) + unsorted)
        for one in found
    ]
    failing = [since(one["failing_since"], now) for one in found]
    for name, help, values in (
        ("rasoat_outlet_behind", "Entries and changes an outlet has not looked at yet", behind),
        ("rasoat_outlet_failing_seconds", "How long its receiver has not taken anything", failing),
    ):
        yield Family(name, GAUGE, help, list(zip(labels, values, strict=True)))


def _oldest(relay: Relay, now: datetime) -> float | None:
    return None if relay.waiting is None or (relay.waiting and relay.oldest is None) else since(relay.oldest, now)


def _unjudged() -> tuple[int, datetime | None]:
    rows = Machine.objects.filter(IN_SERVICE, ~JUDGED, latest__isnull=False)
    found = rows.aggregate(count=Count("pk"), at=Min("latest__received_at"))
    return found["count"], found["at"]


def _silent(now: datetime) -> int:
    """By the heads, which are small rows; a machine that was never judged has none and counts as unjudged."""
    units = {unit.pk: unit for unit in Unit.objects.all()}
    groups: dict[int, list[int]] = {}
    for pk, policy in paced(policies(units), units).items():
        groups.setdefault(policy.interval_seconds, []).append(pk)
    condition = Q(pk__in=[])
    for seconds, pks in groups.items():
        condition |= Q(machine__unit__in=pks, at__lt=now - timedelta(seconds=SILENT * seconds))
    return Head.objects.filter(condition, machine__retired_at=None).count()


def _database_size() -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return int(cursor.fetchone()[0])
