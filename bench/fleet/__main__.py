"""The one command: what is measured, and for how many hosts."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

from bench.fleet import curve, day, rates, scale, site  # noqa: E402  (the path first: benches are scripts, not installed)
from bench.measure import write  # noqa: E402


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="WHAT")

    def command(name: str, function: Any, text: str, hosts: int) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(function=function)
        added.add_argument("--hosts", type=int, default=hosts, metavar="N")
        added.add_argument("--no-result", action="store_true", help="print, and leave bench/results/ as it is")
        return added

    whole = command("day", _day, "a working day: the wave, an outage, kills, judging again; then the account", 25_000)
    whole.add_argument("--fastest", type=float, default=200, metavar="N", help="the day passes at most so many times as fast")
    whole.add_argument(
        "--crowd", type=int, default=64, metavar="N", help="the day stands still while so many hosts send or were told to wait"
    )
    whole.add_argument("--threads", type=int, default=24, metavar="N", help="connections at once")
    for name, function, text in (
        ("first-contact", rates.first_contact, "reports of unknown hosts, against raw COPY of the rows they leave"),
        ("steady", rates.steady, "reports with 1 % changed, against only decompressing and validating"),
    ):
        command(name, _one_web(name, function), text, 0)
    command("memory", _one_web("memory", rates.memory, sized=True), "a simulated week against one web process: its memory", 200)
    sizes = command("curve", _curve, "cost of a host among " + ", ".join(f"{n:,}" for n in curve.SIZES), 0)
    sizes.add_argument("--sizes", type=int, nargs="+", default=curve.SIZES, metavar="N")
    queries = command("queries", _queries, "what people ask, among 25,000 hosts (PostgreSQL) and 1,000 (SQLite)", 25_000)
    queries.add_argument("--only", choices=("postgresql", "sqlite"))
    command("scale", lambda _options: scale.write(), "docs/scale.md made anew from the result of `curve`", 0)
    command("all", _all, "every figure, one after the other", 25_000)
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return int(options.function(options))
    except KeyboardInterrupt:
        print("\nstopped; what it had made is removed")
        return 130


def _day(options: argparse.Namespace) -> int:
    with site.site() as found:
        figures, sound = day.run(found, options.hosts, options.fastest, options.crowd, options.threads)
    _write(options, "fleet_day", figures)
    return 0 if sound else 1


def _one_web(name: str, function: Any, sized: bool = False) -> Any:
    def run(options: argparse.Namespace) -> int:
        with site.site(webs=1, workers=0) as found:
            figures = function(found, options.hosts) if sized else function(found)
        _write(options, "fleet_" + name.replace("-", "_"), figures)
        return 0

    return run


def _curve(options: argparse.Namespace) -> int:
    _write(options, "fleet_curve", curve.curve(site.site, tuple(options.sizes)))
    return 0


def _queries(options: argparse.Namespace) -> int:
    """collector_storage.py measures it, and writes its own result."""
    words = [sys.executable, str(Path(__file__).parents[1] / "collector_storage.py"), "--hosts", str(options.hosts)]
    words += [*(["--only", options.only] if options.only else []), *(["--no-result"] if options.no_result else [])]
    return subprocess.run(words, check=False).returncode


def _all(options: argparse.Namespace) -> int:
    """Each in a process of its own: what one left in memory is not the next one's cost."""
    codes = []
    for name in ("first-contact", "steady", "memory", "curve", "scale", "queries", "day"):
        print(f"== {name}", flush=True)
        words = ["--hosts", str(options.hosts)] if name in ("day", "queries") else []
        words += ["--no-result"] if options.no_result else []
        codes.append(subprocess.run([sys.executable, "-m", "bench.fleet", name, *words], check=False).returncode)
    return int(any(codes))  # a part that a signal ended has a negative one


def _write(options: argparse.Namespace, name: str, figures: dict[str, Any]) -> None:
    write(name, figures, ("Django", "psycopg", "postgresql"), keep=not options.no_result)


if __name__ == "__main__":
    sys.exit(main())
