"""How many snapshots of this machine one core judges in a second, and what reading them from JSON adds."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from measure import write

from baselines.evaluate import evaluate
from baselines.loader import load, load_texts, texts_of
from collectors.model import Snapshot


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


def main() -> int:
    rasoat = str(Path(sys.executable).parent / "rasoat")
    out = subprocess.run([rasoat, "scan", "--format", "json", "--quiet"], capture_output=True, text=True, check=False).stdout
    raw = json.dumps(json.loads(out)["snapshot"]).encode()
    snapshot, pack = Snapshot.from_bytes(raw), load("tcvn_11930_2017")
    assessment = evaluate(snapshot, pack, 3)
    checks = len({result.check for result in assessment.results if result.check})
    started = time.process_time()
    load("tcvn_11930_2017")
    loading = time.process_time() - started
    started = time.process_time()
    load_texts(texts_of("tcvn_11930_2017"))
    reading = time.process_time() - started
    judge = rate(lambda: evaluate(snapshot, pack, 3))
    whole = rate(lambda: evaluate(Snapshot.from_bytes(raw), pack, 3))
    print(
        f"{checks} checks, snapshot of {len(raw)} bytes; loading the pack {loading * 1000:.0f} ms, {reading / loading:.0f}x that from its YAML"
    )
    print(f"judging: {judge:,.0f} snapshots a second per core ({1e6 / judge / checks:.1f} us a check)")
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
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
