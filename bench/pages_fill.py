"""A country as the bench of pages asks it: verdicts, a month of reports of each machine, vulnerabilities, and what people make."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from collector_fill import NOW, Shape, fill
from pages_things import things

RULES, DAYS = 200, 30
NEW = 100
"""Of so many machines one came in the last week."""


def filled(hosts: int) -> dict[str, int]:
    """Which numbers stand in the addresses of pages."""
    from collector_matched import match_all
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    from server.assess import packs
    from server.differences import beforehand
    from server.findings import rollup, tally, verify
    from server.findings.models import Rule
    from server.ingest.models import EnrolmentToken, Machine
    from server.schedules import attendance
    from server.search import keep
    from server.units.models import DEFAULT_BASELINE, Membership, Unit
    from tests.server.people import Host, send

    began = time.monotonic()
    fill(Shape(hosts, RULES, DAYS))
    pack = packs.get(DEFAULT_BASELINE)
    asked = [(requirement.id, check) for requirement in pack.requirements.values() for check in requirement.checks]
    for rule, (requirement, check) in zip(Rule.objects.order_by("pk"), asked, strict=False):
        rule.baseline, rule.requirement, rule.check_id = pack.id, requirement, check  # rules of a pack that is here
        rule.save()
    Membership.objects.filter(user__username="centre").update(role=Membership.ADMIN)
    host = Host("bench-real")
    token = EnrolmentToken.issue(Unit.objects.order_by("-pk")[0], 1, 1, "bench")[1]
    assert host.enrol(Client(), token).status_code == 201
    assert send(Client(), host.seal(host.snapshot())).status_code == 201
    real = Machine.objects.get(name="bench-real")
    _reports(real)
    tally.fold_all()
    for _off in verify.verify(repair=True):
        pass
    for back in range(1, 4):
        rollup.roll_up(timezone.localdate() - timedelta(days=back))
    made = things(real)
    sum(keep.catch_up())
    attendance.look()
    sum(beforehand.add_up())
    carried = match_all()
    with connection.cursor() as cursor:
        cursor.execute("CLUSTER findings_transition USING transition_news")  # they lie as they came in, not machine by machine
        cursor.execute("VACUUM ANALYZE")
    print(f"{hosts:,} hosts, {carried:,} vulnerabilities of machines filled in {time.monotonic() - began:.0f} s", flush=True)
    return made


def _reports(real: Any) -> None:
    """Of every machine a copy of that one's report, judged, and before it one a day, kept as differences to it."""
    from django.db import connection

    from collectors import seal_delta
    from server.ingest.models import Machine

    Machine.objects.exclude(pk=real.pk).update(created_at=NOW - timedelta(days=2 * DAYS))
    Machine.objects.extra(where=[f"id %% {NEW} = 0"]).update(created_at=NOW - timedelta(days=3))
    sealed = real.latest.open()
    difference = seal_delta.make(real.latest.plain(), real.agent_id, real.latest_id, sealed.snapshot)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO ingest_storedsnapshot SELECT (jsonb_populate_record(NULL::ingest_storedsnapshot, to_jsonb(s) || jsonb_build_object(
                'id', '00000000-0000-7000-8000-' || lpad(m.id::text, 12, '0'), 'machine_id', m.id,
                'orders_at', s.orders_at - (m.id %% 50) * interval '1 hour'))).*
            FROM ingest_storedsnapshot s, ingest_machine m WHERE s.machine_id = %s AND m.latest_id IS NULL""",
            [real.pk],
        )
        cursor.execute(
            "UPDATE ingest_machine SET latest_id = '00000000-0000-7000-8000-' || lpad(id::text, 12, '0') WHERE latest_id IS NULL"
        )
        cursor.execute(
            """INSERT INTO ingest_storedsnapshot (id, received_at, collected_at, orders_at, clock_ahead, privileged, seconds, collector,
                digest, sealed_sha256, sealed, agent_id, machine_id, sound_for, base_id, deciding)
            SELECT '00000000-0000-7000-9' || lpad(k::text, 3, '0') || '-' || lpad(m.id::text, 12, '0'), s.received_at - k * interval '1 day',
                s.collected_at - k * interval '1 day', s.orders_at - k * interval '1 day', s.clock_ahead, s.privileged, s.seconds, s.collector,
                s.digest, s.sealed_sha256, %s, s.agent_id, s.machine_id, s.sound_for, s.id, s.deciding
            FROM generate_series(%s, 1, -1) k, ingest_machine m JOIN ingest_storedsnapshot s ON s.id = m.latest_id ORDER BY k DESC, m.id""",
            [difference, DAYS - 1],
        )
        cursor.execute(
            """INSERT INTO assess_storedassessment SELECT (jsonb_populate_record(NULL::assess_storedassessment, to_jsonb(a) || jsonb_build_object(
                'id', 1000000 + m.id, 'snapshot_id', m.latest_id, 'machine_id', m.id, 'weight', m.id %% 5000,
                'fail', CASE WHEN m.id %% 7 = 0 THEN 0 ELSE a.fail END))).*
            FROM assess_storedassessment a, ingest_machine m WHERE a.machine_id = %s AND m.id <> %s""",
            [real.pk, real.pk],
        )
        cursor.execute(
            """INSERT INTO assess_storedassessment SELECT (jsonb_populate_record(NULL::assess_storedassessment, to_jsonb(a) || jsonb_build_object(
                'id', 2000000 + row_number() OVER (), 'snapshot_id', s.id, 'packed', NULL))).*
            FROM assess_storedassessment a, ingest_storedsnapshot s WHERE a.snapshot_id = s.base_id"""
        )
        cursor.execute(
            """UPDATE ingest_machine m SET reported_at = s.orders_at, fails = a.fail, unknowns = a.unknown, passes = a.passed, weight = a.weight
            FROM ingest_storedsnapshot s, assess_storedassessment a WHERE s.id = m.latest_id AND a.snapshot_id = m.latest_id"""
        )
