"""What the agent costs the machine it is on: size, start, memory, CPU time of a day and bytes of a day over the wire.

A real collector (SQLite, TLS by itself) on loopback and a real agent, woken as its systemd timer wakes it: a process of its own
every quarter of an hour, 96 in a day, two of which find that a scan is due. The day is not waited for: before each wake the times
that the agent keeps are set back by what would have gone by. `--agent FILE`: also the single-file agent, in the same run, as
another machine. Bytes are those of TCP in both directions, with TLS and the heads of requests; `with_headers` adds those of
IPv4 and TCP on each segment, as on Ethernet.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
from byte_counter import ByteCounter, Counted
from measure import arguments, compiled, interleaved, run_once, write

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.server.certificates import Authority  # noqa: E402  (the path first: benches are scripts, not installed)

RASOAT = str(Path(sys.executable).parent / "rasoat")
TICK, HALF_A_DAY = 900, 12 * 3600
WAKES = 86400 // TICK
SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of linux/prctl.h: what an agent leaves behind becomes a child of this process, and is seen."""


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--agent", type=Path, metavar="FILE", help="the single-file agent, measured beside the installed one")
    parser.add_argument("--wakes", type=int, default=WAKES, help="wakes of the day (fewer only to see that it runs)")
    parser.add_argument("--runs", type=int, default=11, help="starts")
    options = parser.parse_args(argv)
    compiled()
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    programs = {"installed": RASOAT} | ({"single file": str(options.agent.resolve())} if options.agent else {})
    figures: dict[str, Any] = {"size": _installed()}
    if options.agent:
        figures["size"]["single_file"] = options.agent.stat().st_size
    for name, count in figures["size"].items():
        print(f"size, {name}: {count:,} bytes")
    with tempfile.TemporaryDirectory(prefix="rasoat-footprint-") as name, _collector(Path(name)) as collector:
        for form, program in programs.items():
            agent = Agent(Path(name) / form.replace(" ", "-"), program, collector)
            figures[form] = _day(agent, options.wakes)
            figures[form] |= {
                "collecting": _collecting(agent, figures[form]["scan"]["peak_mib"]),
                "start": _start(agent, options.runs),
            }
            figures[form]["loop"] = _loop(agent)
            _print(form, figures[form])
    if shutil.which("lynis"):
        wall, cpu, peak = run_once(["lynis", "audit", "system", "--quick", "--no-colors"])
        figures["lynis"] = {"cpu_s_a_day": round(2 * cpu, 2), "wall_s_a_day": round(2 * wall, 2), "peak_mib": round(peak, 1)}
        print(f"lynis, two audits a day: {2 * cpu:.1f} s of CPU time")
    write("footprint", figures, ["lynis"] if "lynis" in figures else [], keep=not options.no_result)
    return 0


# -- size ----------------------------------------------------------------------------------------------------------


def _installed() -> dict[str, int]:
    """Bytes of files without bytecode: what is installed of the base agent, by the metadata of its distributions. Without the interpreter."""
    needed, todo = set(), ["rasoat"]
    while todo:
        name = todo.pop().lower().replace("_", "-")
        if name in needed:
            continue
        needed.add(name)
        for line in metadata.requires(name) or ():
            from packaging.requirements import Requirement

            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                todo.append(wanted.name)
    own = {room: _tree(ROOT / room) for room in ("agent", "collectors", "baselines", "server")}
    others = sum(
        Path(str(file.locate())).stat().st_size
        for name in needed - {"rasoat"}
        for file in metadata.files(name) or ()
        if file.suffix != ".pyc" and Path(str(file.locate())).is_file()
    )
    agent = sum(own.values()) - own["server"]
    return {
        "agent": agent,
        "collector_in_the_same_wheel": own["server"],
        "libraries": others,
        "all": agent + own["server"] + others,
    }


def _tree(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")


# -- the collector -------------------------------------------------------------------------------------------------


class Collector:
    pid = 0

    def __init__(self, folder: Path) -> None:
        self.data, authority = folder / "collector", Authority(folder)
        self.ca, (certificate, key) = authority.file, authority.issue("collector")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.say("init", "--unit", "Bench", "--level", "2", "--lang", "en")
        with (self.data / "settings.toml").open("a") as settings:
            settings.write(f'certificate = "{certificate}"\nprivate_key = "{key}"\n')
        self.say("schedule", "set", "Bench", "--interval", "12h")

    def say(self, *words: str) -> str:
        done = subprocess.run([RASOAT, "server", *words], env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"server {' '.join(words)}: {done.stderr or done.stdout}")
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "RASOAT_DATA": str(self.data), "LC_ALL": "C.UTF-8"}

    def await_ready(self) -> None:
        context = ssl.create_default_context(cafile=str(self.ca))
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(f"https://localhost:{self.port}/readyz", context=context, timeout=5):
                return
            time.sleep(0.2)
        raise SystemExit("the collector does not come up")


@contextmanager
def _collector(folder: Path) -> Iterator[Collector]:
    found = Collector(folder)
    with (folder / "collector.log").open("wb") as log:
        words = [RASOAT, "server", "run", "--host", "127.0.0.1", "--port", str(found.port), "--workers", "1"]
        process = subprocess.Popen(words, env=found.environment, stdout=log, stderr=log, start_new_session=True)
        found.pid = process.pid
        try:
            found.await_ready()
            yield found
        finally:
            process.terminate()
            process.wait(60)


# -- the agent -----------------------------------------------------------------------------------------------------


class Agent:
    """Enrolled through the counter, and woken one process at a time."""

    def __init__(self, state: Path, program: str, collector: Collector) -> None:
        self.state, self.program, self.collector = state, program, collector
        self.counter = ByteCounter(collector.port)
        token = collector.say("token", "new", "--quiet", "--uses", "1").strip()
        self.environment = {"PATH": os.environ["PATH"], "HOME": "/root", "LC_ALL": "C.UTF-8", "RASOAT_STATE_DIR": str(state)}
        url = f"https://localhost:{self.counter.port}"
        enrol = [program, "agent", "enrol", url, "--ca", str(collector.ca), "--name", state.name]
        subprocess.run(enrol, env=self.environment | {"RASOAT_TOKEN": token}, check=True, capture_output=True)

    @property
    def wake(self) -> list[str]:
        """As in the unit of agent/service.py."""
        return [self.program, "agent", "once", "--if-due", "--quiet", "--state-dir", str(self.state)]

    def past(self, seconds: float, scan: bool) -> None:
        """So much goes by: the times it keeps are set back. `scan`: its own moment came meanwhile."""
        for name, keys in (("asked.json", ("at",)), ("awake.json", ("at", "woke"))):
            self._change(name, dict.fromkeys(keys, -seconds))
        contact = json.loads((self.state / "contact.json").read_text())
        contact["last_scan"] = time.time() - (2 * HALF_A_DAY if scan else 0)
        (self.state / "contact.json").write_text(json.dumps(contact))

    def _change(self, name: str, by: dict[str, float]) -> None:
        with suppress(FileNotFoundError):
            kept = json.loads((self.state / name).read_text())
            changed = {key: kept[key] + add for key, add in by.items() if kept.get(key)}
            (self.state / name).write_text(json.dumps(kept | changed))

    def last_scan(self) -> float:
        found: float = json.loads((self.state / "contact.json").read_text())["last_scan"]
        return found


def _day(agent: Agent, wakes: int) -> dict[str, Any]:
    """The first contact, then a day."""
    before = agent.counter.counted()
    first = _woken(agent)
    figures: dict[str, Any] = {"first": _cost(first, agent.counter.counted().since(before))}
    scans = {wakes // 4, wakes * 3 // 4}
    costs: dict[str, list[tuple[float, float, float]]] = {"scan": [], "wake": []}
    wire = {"scan": Counted(), "wake": Counted()}
    left = resident = 0
    for number in range(wakes):
        scan = number in scans
        agent.past(TICK, scan)
        before, began = agent.counter.counted(), time.time()
        cost = _woken(agent)
        sort = "scan" if scan else "wake"
        assert (agent.last_scan() >= began) == scan, "it scanned when none was due, or did not when one was"
        costs[sort].append(cost)
        counted = agent.counter.counted().since(before)
        wire[sort] = Counted(*(getattr(wire[sort], name) + getattr(counted, name) for name in vars(counted)))
        for process in _left(agent):
            left, resident = left + 1, resident + process.memory_info().rss
    for sort, rows in costs.items():
        cpu = sum(row[1] for row in rows)
        figures[sort] = {"times": len(rows), "cpu_s": round(cpu, 3), "peak_mib": round(max(row[2] for row in rows), 1)} | _bytes(
            wire[sort]
        )
    whole = Counted(*(getattr(wire["scan"], name) + getattr(wire["wake"], name) for name in vars(wire["scan"])))
    figures["day"] = {"cpu_s": round(sum(figures[sort]["cpu_s"] for sort in costs), 2)} | _bytes(whole)
    figures["idle"] = {"processes": left, "rss_mib": round(resident / 2**20, 1)}
    return figures


def _woken(agent: Agent) -> tuple[float, float, float]:
    return run_once(agent.wake, agent.environment)


def _left(agent: Agent) -> list[psutil.Process]:
    """Processes that the wake left behind: they would be children of this one by now."""
    return [
        child
        for child in psutil.Process().children()
        if child.pid != agent.collector.pid and child.status() != psutil.STATUS_ZOMBIE
    ]


def _cost(cost: tuple[float, float, float], counted: Counted) -> dict[str, Any]:
    return {"cpu_s": round(cost[1], 3), "peak_mib": round(cost[2], 1)} | _bytes(counted)


def _bytes(counted: Counted) -> dict[str, int]:
    return {
        "connections": counted.connections, "sent": counted.sent, "received": counted.received, "bytes": counted.bytes,
        "segments": counted.segments, "with_headers": counted.with_headers,
    }  # fmt: skip


def _collecting(agent: Agent, peak_mib: float) -> dict[str, Any]:
    """One more scan, looked at every few milliseconds: resident memory of the agent and the commands it runs at one moment, pages
    that they share with the agent counted once; at least what the kernel kept as the peak of the scans before."""
    agent.past(TICK, True)
    most = count = 0
    with Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen(agent.wake, env=agent.environment, stdout=nowhere, stderr=nowhere)
        root = psutil.Process(process.pid)
        while process.poll() is None:
            with suppress(psutil.Error):
                own, commands = root.memory_info(), root.children(recursive=True)
                # a child of the same size is the agent itself, about to become a command: it has no memory of its own yet
                together = own.rss + sum(_own_pages(child) for child in commands if child.memory_info().vms != own.vms)
                most, count = max(most, together), max(count, 1 + len(commands))
            time.sleep(0.005)
    return {"rss_mib": max(round(most / 2**20, 1), peak_mib), "processes": count}


def _own_pages(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:  # it has ended
        return 0


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has ended
        return []


def _loop(agent: Agent) -> dict[str, Any]:
    """Where there is no systemd: what `rasoat agent run` holds between two wakes."""
    words = [agent.program, "agent", "run", "--quiet", "--state-dir", str(agent.state)]
    process = subprocess.Popen(words, env=agent.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    root, woken = psutil.Process(process.pid), False
    try:
        for _ in range(6000):
            commands = [child for child in root.children(recursive=True) if "once" in _words(child)]
            if woken and not commands:
                time.sleep(1)
                held = root.memory_info().rss + sum(map(_own_pages, root.children(recursive=True)))
                return {"rss_mib": round(held / 2**20, 1)}
            woken = woken or bool(commands)
            time.sleep(0.02)
        raise SystemExit("agent run starts nothing, or does not come back")
    finally:
        process.terminate()
        process.wait(60)


def _start(agent: Agent, runs: int) -> dict[str, Any]:
    costs = interleaved(
        {
            "bare interpreter": [sys.executable, "-c", "pass"],
            "rasoat --help": [agent.program, "--help"],
            "agent status": [agent.program, "agent", "status", "--state-dir", str(agent.state)],
        },
        runs,
    )
    # without their peaks: that of so small a program is the one of the process that started it
    return {name: {"wall_s": cost.wall_s, "cpu_s": cost.cpu_s, "runs": cost.runs} for name, cost in costs.items()}


def _print(form: str, found: dict[str, Any]) -> None:
    day, bare = found["day"], found["start"]["bare interpreter"]["wall_s"]
    print(
        f"{form}: first contact {found['first']['bytes']:,} bytes; then a day of {found['wake']['times']} wakes and {found['scan']['times']} scans:"
    )
    print(
        f"  {day['cpu_s']} s of CPU time, {day['bytes']:,} bytes in {day['connections']} connections ({day['with_headers']:,} with IPv4 and TCP)"
    )
    print(
        f"  memory: {found['collecting']['rss_mib']} MiB while it collects, idle {found['idle']['rss_mib']}; as a loop {found['loop']['rss_mib']} MiB"
    )
    for name, cost in found["start"].items():
        print(f"  start of {name}: {cost['wall_s'] * 1000:.0f} ms, {cost['wall_s'] / bare:.2f}x")


if __name__ == "__main__":
    sys.exit(main())
