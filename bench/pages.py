"""What the collector's pages cost a person: server time of each main page and size of a first view, with so many hosts in PostgreSQL.
Prints the median of each page, who asks (the root of the tree, a province), and what a first view weighs when it is compressed.

    pages.py [--hosts N] [--times N] [--out NAME]

Server time is taken around Django's own handling, middleware and rendering included, network and web server not. Each page is asked TIMES
in a row and comes up TIMES, so that a slow minute of the machine falls on all of them alike; what an empty loop took in between says
how fast the machine was.
"""

from __future__ import annotations

import gzip
import os
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from collector_fill import Shape, fill
from collector_storage import postgresql
from measure import arguments, write

HOSTS, RULES, DAYS, TIMES = 25_000, 200, 30, 5
TARGET_MS, TARGET_BYTES = 150, 200_000
PAGES = (
    "/", "/units/2/overview/", "/matrix/", "/matrix/?shown=fail", "/rules/{rule}/", "/machines/", "/machines/?state=fail&page=3",
    "/machines/{machine}/", "/machines/{machine}/?tab=facts", "/coverage/", "/coverage/?gap=stale", "/units/", "/vulnerabilities/", "/vulnerabilities/?shown=likely",
    "/vulnerabilities/CVE-2026-00000/", "/machines/{machine}/vulnerabilities/", "/feeds/", "/campaigns/",
    "/waivers/", "/registers/equipment/", "/registers/equipment/gaps/", "/work/", "/work/findings/", "/work/findings/{rule}/", "/calendar/",
    "/schedules/", "/units/1/differences/", "/units/2/differences/", "/vulnerabilities/?q=CVE-2026-00", "/search/?q=pc-12", "/search/?q=province 3",
    "/search/?q=mat khau",
)  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--hosts", type=int, default=HOSTS)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--out", default="pages")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="rasoat-bench-") as folder:
        os.environ |= {"RASOAT_DATA": folder, "DJANGO_SETTINGS_MODULE": "server.settings"}
        import django

        django.setup()
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["*"]
        from server.serve import settle

        with postgresql():
            filled(options.hosts)
            settle()  # as each web process does
            figures, yardstick = asked(("centre", "province"), options.times)
    worst = {who: max(page["ms"] for page in pages.values()) for who, pages in figures.items()}
    heaviest = max(page["first_view_bytes"] for pages in figures.values() for page in pages.values())
    print(f"a million turns of an empty loop meanwhile: {yardstick} ms")
    told = {
        "hosts": options.hosts,
        "loop_ms": yardstick,
        "slowest_ms": worst,
        "heaviest_first_view_bytes": heaviest,
        "pages": figures,
    }
    write(options.out, told, ("Django", "postgresql"), keep=not options.no_result)
    return 0


def filled(hosts: int) -> None:
    """Verdicts from collector_fill, a stored report for each machine (copies of one real report), tallies, days, the search, vulnerabilities."""
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
            """INSERT INTO assess_storedassessment SELECT (jsonb_populate_record(NULL::assess_storedassessment, to_jsonb(a) || jsonb_build_object(
                'id', 1000000 + m.id, 'snapshot_id', m.latest_id, 'machine_id', m.id, 'weight', m.id %% 5000,
                'fail', CASE WHEN m.id %% 7 = 0 THEN 0 ELSE a.fail END))).*
            FROM assess_storedassessment a, ingest_machine m WHERE a.machine_id = %s AND m.id <> %s""",
            [real.pk, real.pk],
        )
        cursor.execute(
            """UPDATE ingest_machine m SET reported_at = s.orders_at, fails = a.fail, unknowns = a.unknown, passes = a.passed, weight = a.weight
            FROM ingest_storedsnapshot s, assess_storedassessment a WHERE s.id = m.latest_id AND a.snapshot_id = m.latest_id"""
        )
    tally.fold_all()
    for _off in verify.verify(repair=True):
        pass
    for back in range(1, 4):
        rollup.roll_up(timezone.localdate() - timedelta(days=back))
    sum(keep.catch_up())
    attendance.look()
    sum(beforehand.add_up())
    carried = match_all()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(f"{hosts:,} hosts, {carried:,} vulnerabilities of machines filled in {time.monotonic() - began:.0f} s", flush=True)


def asked(people: tuple[str, ...], times: int) -> tuple[dict[str, dict[str, Any]], int]:
    """Of each person's pages: median, share of this process's CPU, questions to the database, sizes; and of the loop between."""
    from django.db import connections
    from django.test.utils import CaptureQueriesContext

    clients = {who: _logged_on(who) for who in people}
    pages: dict[tuple[str, str], Page] = {}
    for who, (client, there) in clients.items():
        for path in PAGES:
            url = path.format(**there)
            response = client.get(url, follow=True)
            assert response.status_code in (200, 404), f"{url}: {response.status_code}"
            if response.status_code == 404:
                continue  # not in that person's part of the tree
            with CaptureQueriesContext(connections["default"]) as queries:
                client.get(url)
            pages[who, path] = Page(url, len(queries))  # now: the next request empties the log
    loops = []
    for _ in range(times):
        for (who, _path), page in pages.items():
            for _again in range(times):
                page.ask(clients[who][0])
        began = time.perf_counter()
        for _turn in range(1_000_000):
            pass
        loops.append(1000 * (time.perf_counter() - began))
    found: dict[str, dict[str, Any]] = {who: {} for who in people}
    for (who, path), page in pages.items():
        told = found[who][path] = page.told()
        late = "  over the target" if told["ms"] > TARGET_MS or told["first_view_bytes"] > TARGET_BYTES else ""
        print(f"{who:9} {path:34} " + ", ".join(f"{name} {value:,}" for name, value in told.items()) + late, flush=True)
    return found, round(statistics.median(loops))


def _logged_on(who: str) -> tuple[Any, dict[str, int]]:
    """A browser, and the numbers that stand in its addresses."""
    from django.test import Client

    from server.findings.models import Rule
    from server.ingest.models import Machine
    from server.units.models import User

    user = User.objects.get(username=who)
    user.must_change = False
    user.save()
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    machine = Machine.objects.visible_to(user).order_by("pk")[0]
    return client, {"rule": Rule.objects.order_by("pk")[0].pk, "machine": machine.pk}


@dataclass
class Page:
    """One address, and what each time cost."""

    url: str
    queries: int
    body: bytes = b""
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def ask(self, client: Any) -> None:
        began, used = time.perf_counter(), time.process_time()
        self.body = client.get(self.url).content
        self.wall.append(1000 * (time.perf_counter() - began))
        self.cpu.append(1000 * (time.process_time() - used))

    def told(self) -> dict[str, int]:
        own = len(gzip.compress(self.body, 6))
        return {
            "ms": round(statistics.median(self.wall)), "cpu_ms": round(statistics.median(self.cpu)), "queries": self.queries,
            "bytes": len(self.body), "compressed": own, "first_view_bytes": own + _files(self.body.decode()),
        }  # fmt: skip


def _files(page: str) -> int:
    """What a browser that was never here fetches beside the page, compressed as a proxy does (deploy/nginx)."""
    from django.contrib.staticfiles import finders

    names = set(re.findall(r'(?:src|href)="/static/([^"?]+)', page))
    return sum(len(gzip.compress(Path(str(finders.find(name))).read_bytes(), 6)) for name in names)


if __name__ == "__main__":
    raise SystemExit(main())
