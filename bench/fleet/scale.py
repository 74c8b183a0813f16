"""docs/scale.md's table: what so many hosts need, worked out from what curve.py and rates.py measured, and from nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"
PAGE = Path(__file__).parents[2] / "docs/scale.md"
HOSTS = (25_000, 100_000, 1_000_000)
REPORTS, POLLS = 2, 16
"""Of a host in a day: two reports, and a question every 90 minutes whether something is wanted, as agents ask that were told nothing else."""
BUSY = 0.5
"""Share of a core that is planned for: the rest is for waves, people and background work."""
WAVE_SHARE, WAVE_SECONDS = 0.5, 3600
"""Half of the hosts report within the hour after they were switched on."""


def rows(curve: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """(what, one figure for each number of hosts), from the curve at its largest number of hosts."""
    largest = max((name for name in curve if name.isdecimal()), key=int)
    at = curve[largest]
    a_day_ms = REPORTS * at["report_ms"] + POLLS * at["poll_ms"]
    found: list[tuple[str, list[str]]] = []

    def row(what: str, value: Any) -> None:
        found.append((what, [value(hosts) for hosts in HOSTS]))

    row("reports a second, over the day", lambda n: f"{n * REPORTS / 86_400:,.1f}")
    row("reports a second in the hour of the wave", lambda n: f"{n * WAVE_SHARE / WAVE_SECONDS:,.0f}")
    row("polls a second", lambda n: f"{n * POLLS / 86_400:,.0f}")
    row("cores, over the day (web processes and database)", lambda n: f"{n * a_day_ms / 1000 / 86_400 / BUSY:,.1f}")
    row(
        "cores in the hour of the wave",
        lambda n: f"{n * (WAVE_SHARE * at['report_ms'] / WAVE_SECONDS + POLLS * at['poll_ms'] / 86_400) / 1000 / BUSY:,.1f}",
    )
    row(
        "hours until a new fleet has reported for the first time, on 8 cores",
        lambda n: f"{n * at['first_contact_ms'] / 1000 / 8 / BUSY / 3600:,.1f}",
    )
    row("GB of the database, newest state and 30 days of turns", lambda n: f"{n * at['bytes_per_host']['all'] / 1e9:,.0f}")
    row("GB that come to it in a day", lambda n: f"{n * REPORTS * at['bytes_per_report'] / 1e9:,.1f}")
    row(
        "GB in the 400 days that snapshots are kept",
        lambda n: f"{n * (at['bytes_per_host']['all'] + 400 * REPORTS * at['bytes_per_report']) / 1e9:,.0f}",
    )
    return found


def table(curve: dict[str, Any]) -> str:
    head = "| | " + " | ".join(f"{hosts:,}" for hosts in HOSTS) + " |\n|---|" + "---|" * len(HOSTS) + "\n"
    return head + "".join(f"| {what} | " + " | ".join(values) + " |\n" for what, values in rows(curve))


def shape(curve: dict[str, Any]) -> str:
    """The curve, as ratios to its first point."""
    sizes = sorted((name for name in curve if name.isdecimal()), key=int)
    base = curve[sizes[0]]
    lines = [
        "| hosts that are known | a first contact | a report | a poll | bytes a host | slowest question of a page |",
        "|---|---|---|---|---|---|",
    ]
    for name in sizes:
        at = curve[name]
        ratios = [at[what] / base[what] for what in ("first_contact_ms", "report_ms", "poll_ms")]
        ratios.append(at["bytes_per_host"]["all"] / base["bytes_per_host"]["all"])
        lines.append(
            f"| {int(name):,} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + f" | {at['slowest_query_ms']:.0f} ms |"
        )
    return "\n".join(lines) + "\n"


def write() -> int:
    """Put both tables into the page, between their marks."""
    path = RESULTS / "fleet_curve.json"
    if not path.exists():
        print("no bench/results/fleet_curve.json: run `python -m bench.fleet curve` first")
        return 1
    curve = json.loads(path.read_text("utf-8"))
    text = PAGE.read_text("utf-8")
    for mark, made in (("curve", shape(curve)), ("million", table(curve))):
        text = re.sub(
            f"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)",
            lambda found, made=made: found[1] + "\n" + made + "\n" + found[2],
            text,
            flags=re.S,
        )
    PAGE.write_text(text, "utf-8")
    print(shape(curve) + "\n" + table(curve))
    return 0
