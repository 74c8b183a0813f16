"""The one command: the matrix, cell by cell, and its table."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

from bench.faults import matrix  # noqa: E402  (the path first: benches are scripts, not installed)
from bench.measure import RESULTS, write  # noqa: E402

ROUNDS = 3


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="PART:FAULT",
        help="these cells, in place of those of the last result; a part or a fault alone is all of its cells",
    )
    parser.add_argument("--list", action="store_true", help="what each cell does")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, metavar="N", help=f"how often each fault strikes (default: {ROUNDS})"
    )
    parser.add_argument("--no-result", action="store_true", help="print, and leave bench/results/ as it is")
    options = parser.parse_args(argv)
    try:
        chosen = matrix.choose(options.only)
    except KeyError as unknown:
        parser.error(f"no cell {unknown.args[0]}; --list names them")
    if options.list:
        for name in chosen:
            print(f"{name:18} {matrix.words()[name].done.en}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    before = {} if options.no_result or not options.only else kept()
    rows = run(chosen, options.rounds, before, keep=not options.no_result)
    print("\n".join(matrix.table(matrix.figures(before | rows))))
    return int(not all(row.get("sound") for row in rows.values()))


def kept() -> dict[str, dict[str, Any]]:
    """Rows of the last result; those that are run again take the place of the earlier ones."""
    path = RESULTS / "faults.json"
    return dict(json.loads(path.read_text("utf-8"))["rows"]) if path.exists() else {}


def run(chosen: list[str], rounds: int, before: dict[str, dict[str, Any]], keep: bool) -> dict[str, dict[str, Any]]:
    """Each cell's row; the result is written after each of them, so that nothing of an hour's work is lost."""
    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="rasoat-faults-", ignore_cleanup_errors=True) as folder:
        bases = matrix.Bases(Path(folder))
        for name in chosen:
            print(f"== {name}", flush=True)
            rows[name] = one(bases, name, rounds)
            print(f"   {rows[name]}", flush=True)
            write("faults", matrix.figures(before | rows), ("postgresql", "Django"), keep=keep)
    return rows


def one(bases: matrix.Bases, name: str, rounds: int) -> dict[str, Any]:
    began = time.monotonic()
    try:
        row = asdict(matrix.run(bases, name, rounds))
    except Exception as error:
        traceback.print_exc()
        row = {"cell": name, "failed": f"{type(error).__name__}: {error}"[:2000]}
    return row | {"seconds": round(time.monotonic() - began), "rounds": rounds}


if __name__ == "__main__":
    sys.exit(main())
