"""Every bench, one after the other, and the whole table of targets beside what was measured.

    python -m bench                       all of it: hours, most of them the fleet's; root and the packages that --list names
    python -m bench --only startup wire   some scripts; or ids of targets: --only scan.peak
    python -m bench --quick               small sizes, to see that every script runs: its figures are kept nowhere and stand for nothing
    python -m bench --table               only the table, from bench/results/

A script that fails does not stop the others; the exit status is 1 then. A target that is missed is no failure.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from bench import targets as book  # noqa: E402  (the path first: benches are scripts, not installed)
from bench.measure import version_of  # noqa: E402


def main(argv: list[str] | None = None) -> int:
    told = book.read()
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="ID|SCRIPT", help="these targets or scripts")
    parser.add_argument("--list", action="store_true", help="what there is, how long it takes and what it needs")
    parser.add_argument("--quick", action="store_true", help="small sizes; nothing is kept")
    parser.add_argument("--table", action="store_true", help="run nothing, print the table of what was kept")
    options = parser.parse_args(argv)
    try:
        chosen = choose(told, options.only)
    except KeyError as unknown:
        parser.error(f"no target or script {unknown.args[0]}; --list names them")
    if options.list:
        print("\n".join(listed(told, chosen)))
        return 0
    if options.table:
        print("\n".join(table(shown(told, chosen, options.only))))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with book.FILE.open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another `python -m bench` is running here: two at once would measure each other", file=sys.stderr)
            return 1
        if not options.quick:
            failed = run(told, chosen, asked=bool(options.only))
            print(
                "\n".join(
                    [
                        "",
                        *table(shown(told, chosen, options.only, failed=failed)),
                        "`make pages` puts it into docs/benchmarks.md.",
                    ]
                )
            )
            return int(bool(failed))
        with tempfile.TemporaryDirectory(prefix="rasoat-bench-results-") as folder:
            failed = run(told, chosen, asked=bool(options.only), small=Path(folder))
            rows = shown(told, chosen, options.only, Path(folder), failed)
            rows = [row if row.value is None else row._replace(state="small sizes") for row in rows]
            print("\n".join(["", *table(rows)]))
        print("Sizes are small, so nothing here says whether a target is met, and nothing was kept.")
        return int(bool(failed))


def choose(told: book.Targets, only: Sequence[str] | None) -> list[str]:
    """Names of scripts, in the order of the file. Raises KeyError for what nobody knows."""
    if not only:
        return list(told.scripts)
    of = {target.id: target.script for target in told.targets}
    names = [name if name in told.scripts else of[name] for name in only]
    return [name for name in told.scripts if name in names]


def shown(
    told: book.Targets, chosen: Iterable[str], only: Sequence[str] | None, folder: Path = book.RESULTS, failed: Iterable[str] = ()
) -> list[book.Standing]:
    """All targets; where some were asked for, those of the scripts that ran, and those asked for that no script measures."""
    found, broken = book.results(told, folder), frozenset(failed)
    wanted = [one for one in told.targets if not only or one.script in chosen or one.id in only]
    return [book.standing(target, found, broken) for target in wanted]


def run(told: book.Targets, chosen: Iterable[str], *, asked: bool, small: Path | None = None) -> list[str]:
    """Each in a process of its own, never two at once; the names of those that failed."""
    failed = []
    for name in chosen:
        script = told.scripts[name]
        why = script.by_hand or ("it has no small form" if small and script.quick is None else "")
        if why:
            print(f"== {name}: left out: {why}", flush=True)
            continue
        words = [*script.command, *((script.quick or ()) if small else ())]
        about = "" if small else f" (about {script.minutes} min)"
        print(f"== {name}: python {' '.join(words)}{about}", flush=True)
        if lacking := absent(script):
            print(f"   not installed: {', '.join(lacking)}", flush=True)
        began = time.monotonic()
        env = os.environ | ({"RASOAT_BENCH_RESULTS": str(small)} if small else {})
        code = ended([sys.executable, *words], env)
        print(f"== {name}: {time.monotonic() - began:.0f} s{f', FAILED with {code}' if code else ''}", flush=True)
        if code:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    elif asked and not list(chosen):
        print("no script measures that yet")
    return failed


def ended(words: Sequence[str], env: dict[str, str]) -> int:
    """Whoever stops this stops the script, and waits until it has put away what it made."""
    with subprocess.Popen(words, cwd=ROOT, env=env) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise


def absent(script: book.Script) -> list[str]:
    return [name for name in script.packages if version_of(name) is None]


def listed(told: book.Targets, chosen: Iterable[str]) -> Iterable[str]:
    for name in chosen:
        script = told.scripts[name]
        needs = [f"{one} (not installed)" if one in absent(script) else one for one in script.packages]
        yield f"{name}: python {' '.join(script.command)}, about {script.minutes} min" + (
            f"; needs {', '.join(needs)}" if needs else ""
        )
        for word in (
            script.note,
            script.by_hand and f"by hand: {script.by_hand}",
            script.without_target and f"no target: {script.without_target}",
        ):
            if word:
                yield f"    {word}"
        for target in told.targets:
            if target.script == name:
                yield f"    {target.id:28} {target.wanted:>20}  {target.what.en}"
    yield f"no bench yet: {', '.join(target.id for target in told.targets if target.script is None) or 'none'}"


def table(rows: Sequence[book.Standing]) -> Iterable[str]:
    yield f"{'target':<30}{'wanted':>18} {'measured':>32}  {'':<18} {'of wanted':>9}  peer"
    for row in rows:
        yield f"{row.target.id:<30}{row.target.wanted:>18} {row.shown:>32}  {row.state:<18} {row.of_target:>9}  {row.peer}".rstrip()
    count = {state: sum(row.state == state for row in rows) for state in ("met", "MISSED", "small sizes")}
    small = f", {count['small sizes']} at small sizes" if count["small sizes"] else ""
    yield f"{len(rows)} targets: {count['met']} met, {count['MISSED']} missed{small}, {len(rows) - sum(count.values())} not measured"


if __name__ == "__main__":
    sys.exit(main())
