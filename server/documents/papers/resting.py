"""What a paper of a unit's machines rests on: reports, packs, publishers' data, and who could not be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min

from server.coverage import numbers as coverage
from server.documents.report import Count as Counted
from server.documents.report import Dated, Honesty, Pack, Unreached
from server.documents.texts import Texts
from server.documents.wanted import Wanted
from server.feeds import status as feeds
from server.findings.codes import FAIL, PASS, UNKNOWN
from server.findings.models import Standing
from server.ingest.models import IN_SERVICE, Machine
from server.overview.words import pack_of

UNREACHED = 200
"""So many are named; of the others how many there are."""
SUPPORT = ("updates.supported", "vulnerabilities.release_supported", "firmware.supported")
"""Checks that say whether what a machine runs still gets fixes."""
SILENT = ("absent", "ambiguous", "never", "stale")


def honesty(of: Wanted, now: datetime, say: Texts, counts: Mapping[str, int | None], remarks: tuple[str, ...]) -> Honesty:
    """Of machines as they stand now. `say` has the sentences `counts.*` and `unreached.*`."""
    mine = of.rows(Machine).filter(IN_SERVICE)
    times = mine.aggregate(since=Min("reported_at"), until=Max("reported_at"))
    named, more = unreached(of, now, say)
    return of.honesty(
        since=times["since"], until=times["until"], unreached=named, unreached_more=more, feeds=dated(), packs=packs(of),
        counts=tuple(Counted(text=say(f"counts.{name}"), number=number) for name, number in counts.items()), remarks=remarks,
    )  # fmt: skip


def unreached(of: Wanted, now: datetime, say: Texts) -> tuple[tuple[Unreached, ...], int]:
    """Lines of lists without a machine, machines that never reported or not of late; and how many more there are."""
    found: list[Unreached] = []
    more = 0
    for gap in SILENT:
        rows = coverage.gap(of.user, gap, of.unit, now)
        some: list[Any] = list(rows[: UNREACHED - len(found)])
        more += rows.count() - len(some)
        found += [Unreached(name=one.name, unit=one.unit.name, why=say(f"unreached.{gap}")) for one in some]
    return tuple(found), more


def dated(limited: bool = False) -> tuple[Dated, ...]:
    """`limited`: only those that verdicts stop resting on when they grow old."""
    every = feeds.standings()
    return tuple(Dated(name=one.name, day=one.data_date, old=one.old) for one in every if one.limit_days or not limited)


def support(of: Wanted) -> dict[int, int]:
    """Machine in service -> FAIL: a check of SUPPORT fails; PASS: some passed, and none is unknown; else UNKNOWN."""
    said: dict[int, set[int]] = {pk: set() for pk in of.rows(Machine).filter(IN_SERVICE).order_by().values_list("pk", flat=True)}
    rows = of.rows(Standing, "machine__unit__path").filter(rule__check_id__in=SUPPORT, machine__retired_at=None)
    for machine, verdict in rows.order_by().values_list("machine_id", "verdict").distinct():
        said.setdefault(machine, set()).add(verdict)
    clear = {pk: PASS in found and UNKNOWN not in found for pk, found in said.items()}
    return {pk: FAIL if FAIL in found else PASS if clear[pk] else UNKNOWN for pk, found in said.items()}


def packs(of: Wanted) -> tuple[Pack, ...]:
    """By which the newest reports were judged, and of how many machines."""
    mine = of.rows(Machine).filter(IN_SERVICE, latest__assessment__isnull=False).order_by()
    names = ("baseline", "version", "digest", "level")
    rows = mine.values_list(*(f"latest__assessment__{name}" for name in names)).annotate(Count("pk"))
    return tuple(
        Pack(edition=edition(baseline), version=version, digest=digest, level=level, machines=machines)
        for baseline, version, digest, level, machines in sorted(rows)
    )


def edition(baseline: str) -> str:
    pack = pack_of(baseline)
    return pack.standard.edition if pack else baseline
