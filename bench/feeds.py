"""A synthetic feed of full size, and what taking it over costs. Nothing in it is true.

    python -m bench.feeds                     60,000 advisories with 300,000 ranges (OSV), on SQLite
    python -m bench.feeds --kind debian       a tracker of some 80 MB
    RASOAT_BENCH_DATABASE=postgresql://...    an empty database for it

Prints seconds and the peak of memory; target: under 60 s and 300 MB on one core. Only the first form, at its full size, is kept as
a result.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from measure import arguments, write  # noqa: E402

PACKAGES = [f"package{number}" for number in range(30_000)]


def osv(out: Path, advisories: int, ranges: int) -> None:
    """Advisories of Rocky Linux and Ubuntu with as many ranges in all; seeded, so that two runs are alike."""
    drawn = random.Random(7)
    with out.open("w", encoding="utf-8") as stream:
        for number in range(advisories):
            affected = [_affected(drawn) for _ in range(ranges // advisories)]
            told = {"id": f"UBUNTU-CVE-{2000 + number % 26}-{10_000 + number}", "details": "x" * 200, "affected": affected}
            stream.write(json.dumps(told) + "\n")


def _affected(drawn: random.Random) -> dict[str, Any]:
    ecosystem = drawn.choice(("Ubuntu:22.04:LTS", "Ubuntu:24.04:LTS", "Ubuntu:Pro:20.04:LTS", "Rocky Linux:9", "AlmaLinux:9"))
    fixed = f"{drawn.randrange(9)}.{drawn.randrange(99)}-{drawn.randrange(9)}ubuntu{drawn.randrange(9)}.{drawn.randrange(30)}"
    events = [{"introduced": "0"}, {"fixed": fixed}] if drawn.random() < 0.8 else [{"introduced": "0"}]
    package = {"ecosystem": ecosystem, "name": drawn.choice(PACKAGES)}
    return {"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}], "ecosystem_specific": {"binaries": []}}


def debian(out: Path, advisories: int, ranges: int) -> None:
    """A tracker: as many vulnerabilities, each with one package and several releases."""
    drawn, releases = random.Random(7), ("bullseye", "bookworm", "trixie", "forky", "sid")
    told: dict[str, dict[str, Any]] = {}
    for number in range(advisories):
        found = {}
        for codename in releases[: max(1, ranges // advisories)]:
            fixed = f"1:{drawn.randrange(9)}.{drawn.randrange(99)}-{drawn.randrange(9)}+deb12u{drawn.randrange(9)}"
            one: dict[str, Any] = {
                "status": "resolved",
                "repositories": {codename: fixed},
                "fixed_version": fixed,
                "urgency": "low",
            }
            found[codename] = one
        vulnerability = {"description": "x" * 200, "scope": "local", "releases": found}
        told.setdefault(drawn.choice(PACKAGES), {})[f"CVE-{2000 + number % 26}-{10_000 + number}"] = vulnerability
    out.write_text(json.dumps(told), "utf-8")


MAKERS: dict[str, Callable[[Path, int, int], None]] = {"osv": osv, "debian": debian}


class Slices:
    """In place of a job."""

    def slice(self, count: int = 1, **kept: Any) -> AbstractContextManager[None]:
        from django.db import transaction

        return transaction.atomic()


class Watch:
    """Seconds since it was made, and how many of them this process had a core."""

    def __init__(self) -> None:
        self._began, self._worked = time.monotonic(), time.process_time()

    def __call__(self) -> dict[str, float]:
        return {
            "wall_s": round(time.monotonic() - self._began, 2),
            "cpu_s": round(time.process_time() - self._worked, 2),
        }


def said(cost: dict[str, float]) -> str:
    return f"{cost['wall_s']:6.1f} s ({cost['cpu_s']:.1f} s of a core)"


def peak() -> float:
    """MiB this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--kind", choices=tuple(MAKERS), default="osv")
    parser.add_argument("--advisories", type=int, default=60_000)
    parser.add_argument("--ranges", type=int, default=300_000)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / ("feed.jsonl" if options.kind == "osv" else "feed.json")
        if (child := os.fork()) == 0:  # its memory is not that of the import
            MAKERS[options.kind](path, options.advisories, options.ranges)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            return 1
        figures = {"advisories": options.advisories, "ranges": options.ranges, **_measured(options.kind, path, Path(place))}
    own = options.kind == "osv" and figures["database"] == "sqlite"
    write("feeds", figures, ("Django", "sqlite"), keep=own and not options.no_result)
    return 0


def _measured(kind: str, path: Path, place: Path) -> dict[str, Any]:
    os.environ |= {"RASOAT_DATA": str(place), "DJANGO_SETTINGS_MODULE": "server.settings"}
    if url := os.environ.get("RASOAT_BENCH_DATABASE"):
        (place / "settings.toml").write_text(f'database = "{url}"\n')
    import django

    django.setup()
    from django.db import connection

    from server.database import migrate
    from server.feeds import store
    from server.feeds.parsers import KINDS, Source

    migrate()
    before = peak()
    watch = Watch()
    rows = sum(1 for _row in KINDS[kind].read(Source(path)))
    size = round(path.stat().st_size / 2**20)
    found: dict[str, Any] = {"database": connection.vendor, "mib": size, "rows": rows, "read": watch()}
    print(f"{connection.vendor}, {kind}, {size} MiB, {rows} rows")
    print(f"read alone:  {said(found['read'])}")
    for name, word, feed in (("taken", "taken over", date(2020, 1, 1)), ("again", "once more", date(2020, 1, 2))):
        file = store.File("bench", kind, path, path.name, feed, "0" * 64)
        watch = Watch()
        store.take(file, Slices(), "bench")
        found[name] = watch()
        print(f"{word + ':':12} {said(found[name])}")
    store.Generation.objects.filter(complete=True).update(replaced_at="2020-01-01T00:00:00Z")
    watch = Watch()
    gone = store.sweep(Slices())
    found["swept"] = watch() | {"rows": gone}
    found |= {"peak_mib": round(peak()), "peak_mib_before": round(before)}
    print(f"swept:       {said(found['swept'])} for {gone} rows of the first")
    print(f"peak memory: {found['peak_mib']} MiB, of it {found['peak_mib_before']} before")
    return found


if __name__ == "__main__":
    sys.exit(main())
