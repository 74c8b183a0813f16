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
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from collector_storage import postgresql
from measure import arguments, write
from pages_fill import filled

HOSTS, TIMES = 25_000, 5
TARGET_MS, TARGET_BYTES = 150, 200_000
PAGES = (
    "/", "/units/2/overview/", "/matrix/", "/matrix/?shown=fail", "/rules/{rule}/", "/units/", "/search/?q=pc-12", "/search/?q=province 3",
    "/search/?q=mat khau", "/coverage/", "/coverage/?gap=stale", "/schedules/", "/feeds/", "/relays/", "/tokens/", "/journal/", "/evidence/",
    "/machines/", "/machines/?state=fail&page=3", "/machines/{machine}/", "/machines/{machine}/?tab=facts",
    "/machines/{machine}/differences/", "/units/1/differences/", "/units/2/differences/",
    "/vulnerabilities/", "/vulnerabilities/?shown=likely", "/vulnerabilities/?q=CVE-2026-00", "/vulnerabilities/CVE-2026-00000/",
    "/machines/{machine}/vulnerabilities/",
    "/campaigns/", "/campaigns/new/", "/campaigns/{campaign}/", "/campaigns/{campaign}/machines/", "/campaigns/{campaign}/report/",
    "/campaigns/parts/{part}/",
    "/registers/equipment/", "/registers/equipment/{item}/", "/registers/equipment/new/", "/registers/equipment/gaps/",
    "/registers/equipment/gaps/?gap=unseen", "/registers/software/", "/registers/software/{program}/", "/registers/systems/",
    "/registers/systems/{system}/", "/registers/expiry/", "/registers/stocktakes/", "/registers/stocktakes/{stocktake}/",
    "/waivers/", "/waivers/{waiver}/", "/approvals/", "/approvals/{request}/", "/work/", "/work/{work}/", "/work/findings/",
    "/work/findings/{rule}/", "/calendar/", "/documents/", "/documents/{document}/",
)  # fmt: skip
"""In braces: the number of a thing that `filled` made."""


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
            made = filled(options.hosts)
            settle()  # as each web process does
            figures, yardstick = asked(("centre", "province"), options.times, made)
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


def asked(people: tuple[str, ...], times: int, made: dict[str, int]) -> tuple[dict[str, dict[str, Any]], int]:
    """Of each person's pages: median, share of this process's CPU, questions to the database, sizes; and of the loop between."""
    from django.db import connections
    from django.test.utils import CaptureQueriesContext

    clients = {who: _logged_on(who, made) for who in people}
    pages: dict[tuple[str, str], Page] = {}
    for who, (client, there) in clients.items():
        for path in PAGES:
            url = path.format(**there)
            response = client.get(url, follow=True)
            if who != "centre" and response.status_code in (403, 404):
                continue  # not in that person's part of the tree, or not for readers
            assert response.status_code == 200, f"{url}: {response.status_code}"
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


def _logged_on(who: str, made: dict[str, int]) -> tuple[Any, dict[str, int]]:
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
    return client, made | {"rule": Rule.objects.order_by("pk")[0].pk, "machine": machine.pk}


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
