"""Run whole programs and print how they compare, as ratios within one run: machines are shared and noisy, so figures of
different runs are not compared."""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from collectors import VERSION

RESULTS = Path(os.environ.get("RASOAT_BENCH_RESULTS") or Path(__file__).parent / "results")
"""Where results are kept; `python -m bench --quick` takes another folder, because figures of small sizes stand for nothing."""
_STARTED = time.monotonic()


@dataclass
class Cost:
    """Medians of several runs of one program, its children included."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    runs: int


def run_once(argv: list[str], env: dict[str, str] | None = None) -> tuple[float, float, float]:
    """(wall seconds, CPU seconds, peak MiB of the largest process) of one run. The exit status is the program's own
    business: an audit that finds something does not end with 0."""
    started = time.perf_counter()
    with Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen(argv, stdout=nowhere, stderr=nowhere, stdin=subprocess.DEVNULL, env=env)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    return time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def measure(argv: list[str], runs: int, env: dict[str, str] | None = None, warm: bool = True) -> Cost:
    if warm:
        run_once(argv, env)
    seen = [run_once(argv, env) for _ in range(runs)]
    wall, cpu, peak = (statistics.median(column) for column in zip(*seen, strict=True))
    return Cost(round(wall, 4), round(cpu, 4), round(peak, 1), runs)


def interleaved(programs: dict[str, list[str]], runs: int) -> dict[str, Cost]:
    """Programs taken in turns, so that a slow minute of the machine falls on all of them. Only the quick first one is
    warmed up: for the others, a minute and more each, what the disk cache holds does not show."""
    run_once(next(iter(programs.values())))
    seen: dict[str, list[tuple[float, float, float]]] = {name: [] for name in programs}
    for _ in range(runs):
        for name, argv in programs.items():
            seen[name].append(run_once(argv))
    costs = {}
    for name, rows in seen.items():
        wall, cpu, peak = (statistics.median(column) for column in zip(*rows, strict=True))
        costs[name] = Cost(round(wall, 4), round(cpu, 4), round(peak, 1), runs)
    return costs


def compiled() -> None:
    """Byte-compile what an installed rasoat has compiled: an editable install in an environment that forbids writing
    bytecode would otherwise be measured at compiling."""
    root = Path(__file__).resolve().parent.parent
    for package in ("agent", "collectors", "baselines"):
        compileall.compile_dir(root / package, quiet=1)


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """What every bench understands; each adds its own."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-result", action="store_true", help="print, and leave bench/results/ as it is")
    return parser


def machine() -> dict[str, object]:
    """What it was measured on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "",
    )
    try:
        system = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        system = platform.system()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": model, "cores": os.cpu_count(), "memory_mib": round(memory / 2**20), "system": system, "kernel": platform.release(),
        "python": platform.python_version(),
    }  # fmt: skip


def versions(peers: Iterable[str]) -> dict[str, str]:
    """Of rasoat and of what it was measured with: names of Python distributions or of Debian packages, `postgresql` (the server that
    the benches start) and `sqlite`. What is not there is left out: it was not measured. `commit`, where there is a repository."""
    commit = _said(["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--exclude", "*"])
    found = {"rasoat": VERSION, "commit": commit} | {name: version_of(name) for name in peers}
    return {name: version for name, version in found.items() if version}


def version_of(name: str) -> str | None:
    if name == "sqlite":
        return sqlite3.sqlite_version
    if name == "postgresql":
        places = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
        return _said([str(places[-1]), "--version"]).rpartition("PostgreSQL) ")[2].split(" ")[0] if places else None
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        word, _, version = _said(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", name]).partition(" ")
        return version if word == "installed" else None


def _said(argv: list[str]) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def write(name: str, rows: Mapping[str, object], peers: Iterable[str] = (), *, keep: bool = True) -> None:
    """The figures with what they were measured on, of what and when. `keep` False: `--no-result` was asked."""
    if not keep:
        return
    head: dict[str, object] = {
        "machine": machine(), "day": datetime.now(UTC).date().isoformat(), "versions": versions(peers),
        "seconds_taken": round(time.monotonic() - _STARTED),
    }  # fmt: skip
    assert not head.keys() & rows.keys(), head.keys() & rows.keys()
    RESULTS.mkdir(exist_ok=True)
    plain = {key: asdict(value) if isinstance(value, Cost) else value for key, value in rows.items()}
    (RESULTS / f"{name}.json").write_text(json.dumps({**head, **plain}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"written: {name}.json")
