"""Every parser that eats foreign bytes, fed with its own samples after random changes (`python -m bench.fuzz`).

A parser may refuse what it gets in its own words (`allowed` of the table in bench/fuzz/table.py); anything else that comes
out of it, and an answer that takes longer than HANG seconds, is a finding. Each one is told with the number that repeats it:
`python -m bench.fuzz --only NAME --seed NUMBER --count 1`.
"""

from __future__ import annotations

import argparse
import re
import resource
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence

from bench.fuzz.engine import HANG, MEMORY, Hang, Told, run
from bench.fuzz.table import everything
from bench.measure import write


def _hangs(_signal: int, _frame: object) -> None:
    raise Hang(f"no end within {HANG} s")


def lines(told: Iterable[Told]) -> Iterator[str]:
    for one in told:
        yield f"{one.parser:28} {one.executions:9,} executions, {one.refused:9,} refused, {len(one.crashes)} crashes"
        for place, crash in one.crashes.items():
            yield f"  {place}\n  {crash.error}\n  again: python -m bench.fuzz --only '^{one.parser}$' --seed {crash.seed} --count 1"
            yield crash.trace


def main(words: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, default=60, help="for each parser (default 60)")
    options.add_argument("--count", type=int, help="executions of each parser, instead of a time")
    options.add_argument("--seed", type=int, default=1, help="number of the first execution")
    options.add_argument("--only", default="", help="parsers whose name this expression fits")
    options.add_argument("--list", action="store_true", help="names of the parsers")
    options.add_argument("--no-result", action="store_true", help="print, and leave bench/results/ as it is")
    given = options.parse_args(words)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _hangs)
    table: list[Told] = []
    with everything() as parsers:
        for parser in parsers:
            if not re.search(given.only, parser.name):
                continue
            if given.list:
                print(parser.name)
                continue
            found = run(parser, given.seed, given.count, given.seconds)
            table.append(found)
            print("\n".join(lines([found])), flush=True)
    crashes = sum(len(one.crashes) for one in table)
    if not (given.list or given.only or given.count):  # all of them, for a stated time
        executions = sum(one.executions for one in table)
        print(f"{len(table)} parsers, {given.seconds:g} s each: {executions:,} executions, {crashes} crashes")
        each = {one.parser: {"executions": one.executions, "refused": one.refused} for one in table}
        rows = {
            "seconds_each": given.seconds,
            "seed": given.seed,
            "parsers": len(table),
            "executions": executions,
            "crashes": crashes,
        }
        write("fuzz", {**rows, "each": each}, keep=not given.no_result)
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main())
