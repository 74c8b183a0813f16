"""A fleet's vulnerabilities as matching leaves them (server/feeds/matching), written straight into PostgreSQL: for benches that ask
what people are shown of them, not what matching costs (matching.py).

Made up, in the shape of a month without updates on workstations: every machine has about EACH of GROUNDS, common ones on most machines,
rare ones on few; one weakness in fifty is known to be exploited, one in eighteen likely to be; one machine in forty could not be matched.
"""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from server.feeds.matching.models import packed
from server.feeds.matching.outcome import Left
from server.feeds.models import Exploited, Feed, Generation

GROUNDS, WEAKNESSES, EACH = 6_000, 3_000, 100
KNOWN = {"kev": 30, "debian": 14, "msrc": 45}
"""Feeds in force, and the days after which they carry nothing."""


def match_all() -> int:
    """Rows of machine and vulnerability."""
    for name, limit in KNOWN.items():
        feed = Feed.objects.create(name=name, kind=name, limit_days=limit)
        made = Generation.objects.create(feed=feed, data_date=timezone.localdate(), complete=True, digest=f"{feed.pk:064}")
        Feed.objects.filter(pk=feed.pk).update(generation=made)
        if name == "kev":
            Exploited.objects.bulk_create(
                Exploited(generation=made, identifier=f"CVE-2026-{number:05}", added=timezone.localdate())
                for number in range(0, WEAKNESSES, 50)
            )
    with connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(statement)
        cursor.execute("SELECT count(*) FROM matching_carried")
        found = cursor.fetchone()
    return int(found[0])


LEFT = packed(Left(f"package-{number}", f"{number}.0-1", "third-party", "a publisher") for number in range(40)).hex()
STATEMENTS = (
    f"""INSERT INTO matching_weakness (identifier, title, severity, exploited, due, ransomware, epss)
        SELECT 'CVE-2026-' || lpad(n::text, 5, '0'), 'Weakness ' || n, 1 + n % 4, n % 50 = 0, NULL, n % 200 = 0, power((n % 97) / 97.0, 40)
        FROM generate_series(0, {WEAKNESSES - 1}) n""",
    f"""INSERT INTO matching_ground (key, weakness_id, package, installed, fixed, answer, decided_by, note, advisory)
        SELECT n, w.id, 'package-' || n % 400, '1.0-' || n / 400, '1.1-' || n / 400, 1 + (n % 20 = 0)::int, 1, '', ''
        FROM generate_series(0, {GROUNDS - 1}) n JOIN matching_weakness w ON w.identifier = 'CVE-2026-' || lpad((n % {WEAKNESSES})::text, 5, '0')""",
    # a square of a number between 0 and 1: low numbers are on many machines; hashint8 is the same at each run
    f"""INSERT INTO matching_carried (machine_id, ground_id, since)
        SELECT DISTINCT m.id, g.id, now() - (g.key % 40) * interval '1 day'
        FROM ingest_machine m CROSS JOIN generate_series(1, {EACH}) k
        JOIN matching_ground g ON g.key = floor({GROUNDS} * power((hashint8(m.id * 1000 + k)::bigint & 65535) / 65536.0, 2))::int
        WHERE m.id % 40 <> 0""",
    f"""INSERT INTO matching_matched (machine_id, snapshot, facts, host, book, at, ecosystem, reason, detail, feeds, carries_until, assessed, fixable,
            exploited, exploited_until, others, undetermined, left_count, packed)
        SELECT m.id, coalesce(m.latest_id, ''), '', '', '', now(), 'debian:12', CASE WHEN m.id % 40 = 0 THEN 'no-feed' ELSE '' END, '', '[]',
            current_date + {min(KNOWN.values())}, 600, coalesce(c.fixable, 0), c.exploited, current_date + {KNOWN["kev"]},
            coalesce(c.others, 0), 0, m.id % 3, decode('{LEFT}', 'hex')
        FROM ingest_machine m LEFT JOIN (
            SELECT machine_id, count(*) FILTER (WHERE answer = 1) AS fixable, count(*) FILTER (WHERE answer <> 1) AS others,
                count(*) FILTER (WHERE exploited) AS exploited
            FROM matching_carried JOIN matching_ground g ON g.id = ground_id JOIN matching_weakness w ON w.id = g.weakness_id GROUP BY 1
        ) c ON c.machine_id = m.id""",
)
