"""Run whole programs and print how they compare, as ratios within one run: machines are shared and noisy, so figures of
different runs are not compared."""

from __future__ import annotations

import compileall
import json
import os
import platform
import statistics
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


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
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}


def write(name: str, rows: dict[str, object]) -> None:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    plain = {key: asdict(value) if isinstance(value, Cost) else value for key, value in rows.items()}
    path.write_text(json.dumps({"machine": machine(), **plain}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"written: bench/results/{name}.json")
