"""How many snapshots of this machine one core judges in a second, against all checks of it and against sixty of them, and what
reading them from JSON adds; how long the packs take to load."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from measure import arguments, write

from baselines.evaluate import evaluate
from baselines.loader import builtin, load, load_texts, texts_of
from baselines.model import Baseline
from collectors.model import Snapshot

SIXTY, HUNDREDS = 60, 300
"""Checks the targets speak of."""


def rate(action: object, seconds: float = 3.0) -> float:
    """Calls a second, best of three stretches."""
    assert callable(action)
    best = 0.0
    for _ in range(3):
        count, started = 0, time.process_time()
        while (spent := time.process_time() - started) < seconds / 3:
            action()
            count += 1
        best = max(best, count / spent)
    return best


def fewer(pack: Baseline, names: list[str], count: int) -> Baseline:
    """The pack with so many of those checks, taken evenly, and the requirements that name them."""
    kept = {names[place * len(names) // count] for place in range(min(count, len(names)))}
    groups = []
    for group in pack.groups:
        left = ((one, tuple(name for name in one.checks if name in kept)) for one in group.requirements)
        requirements = tuple(one.model_copy(update={"checks": checks}) for one, checks in left if checks)
        groups.append(group.model_copy(update={"requirements": requirements}))
    return replace(pack, groups=tuple(groups), rulesets={})


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each rate")
    options = parser.parse_args(argv)
    rasoat = str(Path(sys.executable).parent / "rasoat")
    out = subprocess.run([rasoat, "scan", "--format", "json", "--quiet"], capture_output=True, text=True, check=False).stdout
    raw = json.dumps(json.loads(out)["snapshot"]).encode()
    snapshot, pack = Snapshot.from_bytes(raw), load("tcvn_11930_2017")
    assessment = evaluate(snapshot, pack, 3)
    names = sorted({result.check for result in assessment.results if result.check})
    checks, sixty = len(names), fewer(pack, names, SIXTY)
    asked = len({result.check for result in evaluate(snapshot, sixty, 3).results if result.check})
    started = time.process_time()
    load("tcvn_11930_2017")
    loading = time.process_time() - started
    started = time.process_time()
    load_texts(texts_of("tcvn_11930_2017"))
    reading = time.process_time() - started
    started = time.process_time()
    for one in builtin():
        load(one)
    loading_all = time.process_time() - started
    judge = rate(lambda: evaluate(snapshot, pack, 3), options.seconds)
    few = rate(lambda: evaluate(snapshot, sixty, 3), options.seconds)
    whole = rate(lambda: evaluate(Snapshot.from_bytes(raw), pack, 3), options.seconds)
    hundreds = 1000 / judge / checks * HUNDREDS
    print(
        f"{checks} checks, snapshot of {len(raw)} bytes; loading the pack {loading * 1000:.0f} ms, {reading / loading:.0f}x that from its YAML"
    )
    print(f"judging: {judge:,.0f} snapshots a second per core ({1e6 / judge / checks:.1f} us a check)")
    print(f"{asked} checks: {few:,.0f} snapshots a second per core; {HUNDREDS} would take {hundreds:.2f} ms a snapshot")
    print(f"loading all {len(builtin())} packs: {loading_all * 1000:.0f} ms")
    print(f"reading from JSON and judging: {whole:,.0f} a second per core")
    write(
        "judging",
        {
            "checks": checks,
            "bytes": len(raw),
            "load_ms": round(loading * 1000, 1),
            "yaml_over_ready": round(reading / loading, 1),
            "per_second": round(judge),
            "with_reading_per_second": round(whole),
            "facts": len(snapshot.records),
            "sixty": {"checks": asked, "per_second": round(few)},
            "ms_of_300_checks": round(hundreds, 3),
            "load_all_ms": round(loading_all * 1000, 1),
        },
        keep=not options.no_result,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
