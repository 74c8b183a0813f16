"""SNMP: 500 agents of 40 values each, asked in one process, against net-snmp's own tools one after another, at 50 ms latency.

The agents are one process with a socket each on loopback that waits 50 ms before every answer. Two rounds of work, the same for
both: "get", one question of 40 values, which is the most that the tools can do in one process and the hardest comparison; and
"columns", 10 scalars and five columns of six rows, which the tools need six processes for. The tools are measured on fewer
agents (`--tools`, default 50) and scaled: one after another, each agent costs them the same. Then whole sweeps, facts and
snapshots and all, over 50, 500 and 2,000 agents: CPU per agent and peak memory. Needs the Debian package snmp.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measure import arguments, compiled, write

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

LATENCY = 0.05
SWEEPS = (50, 500, 2000)
COMMUNITY = "bench-community"
SYSTEM = [f"1.3.6.1.2.1.1.{number}.0" for number in range(1, 8)] + [f"1.3.6.1.2.1.11.{number}.0" for number in (1, 2, 3)]
COLUMNS = [f"1.3.6.1.2.1.2.2.1.{column}" for column in (2, 3, 7, 8, 9)]
ROWS = 6
CELLS = [f"{column}.{row}" for column in COLUMNS for row in range(1, ROWS + 1)]
FORTY = [*SYSTEM, *CELLS]


def values() -> dict[str, Any]:
    """One agent: a Cisco switch of six ports."""
    found: dict[str, Any] = dict.fromkeys(SYSTEM, 7)
    found["1.3.6.1.2.1.1.1.0"] = (
        b"Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(2)E6, RELEASE SOFTWARE (fc1)"
    )
    found["1.3.6.1.2.1.1.2.0"] = "1.3.6.1.4.1.9.1.1208"
    found["1.3.6.1.2.1.1.3.0"] = 8_640_000
    found["1.3.6.1.2.1.1.5.0"] = b"sw-tang3"
    found["1.3.6.1.2.1.2.1.0"] = ROWS
    for row in range(1, ROWS + 1):
        cells = (b"GigabitEthernet1/0/%d" % row, 6, 1, 1 + row % 2, 6000)
        found.update({f"{column}.{row}": cell for column, cell in zip(COLUMNS, cells, strict=True)})
        found[f"1.3.6.1.2.1.31.1.1.1.1.{row}"] = b"Gi1/0/%d" % row
        found[f"1.3.6.1.2.1.2.2.1.6.{row}"] = bytes((0, 0xAA, 0xBB, 0xCC, 0xDD, row))
    found["1.3.6.1.2.1.4.20.1.2.10.20.0.13"] = 1
    found["1.3.6.1.2.1.47.1.1.1.1.5.1001"] = 3
    found["1.3.6.1.2.1.47.1.1.1.1.11.1001"] = b"FOC1932X0AB"
    found["1.3.6.1.2.1.47.1.1.1.1.13.1001"] = b"WS-C2960X-24TS-L"
    return found


def serve(count: int) -> None:
    from tests.snmpd import FakeAgent, whole

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    agents = FakeAgent(whole(values()), ports=count, delay=LATENCY, remember=False)
    print(json.dumps(agents.ports), flush=True)
    sys.stdin.read()


async def ask_all(ports: list[int], work: str) -> int:
    """Every agent, as many at a time as a sweep asks; the values that came."""
    from collectors.model import Target
    from collectors.run_snmp import AGENTS
    from collectors.snmp_credential import Keys
    from collectors.transports.snmp import Engines

    engines, gate, keys = Engines(), asyncio.Semaphore(AGENTS), Keys(community=COMMUNITY.encode())

    async def one(port: int) -> int:
        async with gate:
            with await engines.agent(Target(name="x", via="snmp", address="127.0.0.1", port=port), keys) as agent:
                if work == "get":
                    return len(await agent.get(*FORTY))
                scalars, columns = await agent.get(*SYSTEM), await agent.walk(*COLUMNS, expect=ROWS)
                return len(scalars) + sum(map(len, columns.values()))

    try:
        return sum(await asyncio.gather(*map(one, ports)))
    finally:
        engines.close()


def tools(ports: list[int], work: str) -> None:
    common = ["-v2c", "-c", COMMUNITY, "-On", "-m", "", "-t", "5"]
    for port in ports:
        place = f"127.0.0.1:{port}"
        if work == "get":
            questions = [["snmpget", *common, place, *FORTY]]
        else:
            questions = [["snmpget", *common, place, *SYSTEM], *(["snmpbulkwalk", *common, place, column] for column in COLUMNS)]
        for argv in questions:
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "MIBS": ""})


def child(what: str, ports: list[int]) -> dict[str, float]:
    """One measurement in this fresh process."""
    started, cpu = time.perf_counter(), time.process_time()
    if what == "sweep":
        from collectors.inventory import Inventory
        from collectors.model import Kind, Target
        from collectors.run import sweep
        from collectors.snmp_credential import SnmpCredential

        os.environ["BENCH_COMMUNITY"] = COMMUNITY
        targets = tuple(
            Target(name=f"sw{at}", kind=Kind.OTHER, via="snmp", address="127.0.0.1", port=port, credential="c")
            for at, port in enumerate(ports)
        )
        inventory = Inventory(targets, snmp={"c": SnmpCredential(community_env="BENCH_COMMUNITY")})
        came = 0
        for snapshot in sweep(inventory):
            assert snapshot.by_fact["identity"].outcome == "seen", snapshot.by_fact["identity"].reason
            came += 1
        assert came == len(ports)
    else:
        came = asyncio.run(ask_all(ports, what))
        assert came == 40 * len(ports), came
    return {
        "wall_s": round(time.perf_counter() - started, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def measured(what: str, ports: list[int]) -> dict[str, float]:
    """The same in a process of its own, so that memory is its own."""
    argv = [sys.executable, str(Path(__file__)), "--child", what]
    done = subprocess.run(argv, input=json.dumps(ports), capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--tools", type=int, default=50, help="agents the tools are measured on")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sweeps", type=int, nargs="+", default=SWEEPS, metavar="N", help="agents of whole sweeps, rising")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.serve:
        serve(options.serve)
        return 0
    if options.child:
        print(json.dumps(child(options.child, json.loads(sys.stdin.read()))))
        return 0
    compiled()
    most = max(*options.sweeps, options.agents)
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__)), "--serve", str(most)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        ports = json.loads(server.stdout.readline())
        rows: dict[str, Any] = {"latency_s": LATENCY, "agents": options.agents, "values": 40, "tools_measured_on": options.tools}
        for work in ("get", "columns"):
            rows[work] = _compared(work, ports, options)
        rows["sweep"] = {}
        for count in options.sweeps:
            cost = measured("sweep", ports[:count])
            rows["sweep"][str(count)] = {**cost, "cpu_ms_per_agent": round(cost["cpu_s"] / count * 1000, 2)}
            print(f"sweep of {count}: {rows['sweep'][str(count)]}")
        few, many = (rows["sweep"][str(count)] for count in (options.sweeps[0], options.sweeps[-1]))
        print(f"memory from {options.sweeps[0]} to {options.sweeps[-1]} agents: {many['peak_mib'] - few['peak_mib']:+.1f} MiB")
    finally:
        server.terminate()
        server.wait()
    write("snmp_sweep", rows, ("snmp", "pysnmp"), keep=not options.no_result)
    return 0


def _compared(work: str, ports: list[int], options: argparse.Namespace) -> dict[str, Any]:
    """rasoat and the tools in turns, the best of each: a slow minute of the machine falls on both."""
    ours: list[dict[str, float]] = []
    theirs: list[float] = []
    for _ in range(options.runs):
        ours.append(measured(work, ports[: options.agents]))
        started = time.perf_counter()
        tools(ports[: options.tools], work)
        theirs.append((time.perf_counter() - started) / options.tools * options.agents)
    best, tool = min(ours, key=lambda cost: cost["wall_s"]), min(theirs)
    row = {"rasoat": best, "tools_wall_s_scaled": round(tool, 1), "ratio": round(tool / best["wall_s"], 1)}
    print(f"{work}: rasoat {best['wall_s']:.2f} s, tools {tool:.1f} s (scaled): {row['ratio']}x")
    return row


if __name__ == "__main__":
    sys.exit(main())
