"""What `rasoat discover` adds to nmap's own time: the same networks with the same options, in turns, in network namespaces.

Needs root and the Debian package nmap. `--runs N` (default 3) rounds, `--hosts N` (default 12) hosts with a web and an SSH-like
server each. Target: at most 10 % more.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import arguments, compiled, interleaved, write

from collectors.discovery.ranges import MAX_RATE
from collectors.transports.nmap import COMMON, HOSTS, SERVICES_ROOT, STEADY
from tests.netns import SERVER, Lan

RASOAT = str(Path(sys.executable).parent / "rasoat")
NET, TWO = "192.0.2.0/24", "2001:db8:7::/119"
GREETING = b"SSH-2.0-Bench\r\n".hex()


def programs(lan: Lan, folder: Path, network: str, services: bool) -> dict[str, list[str]]:
    inside = ["ip", "netns", "exec", lan.name]
    six = ["-6"] if ":" in network else []
    rate = ["--min-rate", str(min(STEADY, MAX_RATE)), "--max-rate", str(MAX_RATE)]
    bare = ["nmap", "-oX", str(folder / "bare.xml"), network, *six, *COMMON.split(), *rate]
    ours = [RASOAT, "discover", network, "--output", str(folder / "ours.json"), "--quiet"]
    return {
        "nmap": [*inside, *bare, *(SERVICES_ROOT if services else HOSTS).split()],
        "rasoat": [*inside, *ours, *([] if services else ["--hosts-only"])],
    }


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--hosts", type=int, default=12)
    options = parser.parse_args(argv)
    compiled()
    rows: dict[str, object] = {"hosts": options.hosts, "max_rate": MAX_RATE}
    with Lan() as lan, tempfile.TemporaryDirectory() as work:
        os.environ["RASOAT_STATE_DIR"] = str(Path(work) / "state")
        for number in range(1, options.hosts + 1):
            host = lan.host(f"192.0.2.{number}/24", f"2001:db8:7::{number:x}/64")
            host.serve(SERVER, "web", "80", "Bench")
            host.serve(SERVER, "greet", "22", GREETING)
            host.wait(80, 22)
        print(f"{'case':<34}{'nmap s':>9}{'rasoat s':>10}{'ratio':>8}")
        for name, network, services in (
            (f"who is there, {NET}", NET, False),
            (f"two pieces, {TWO}", TWO, False),
            (f"services, {NET}", NET, True),
        ):
            costs = interleaved(programs(lan, Path(work), network, services), options.runs)
            ratio = round(costs["rasoat"].wall_s / costs["nmap"].wall_s, 3)
            print(f"{name:<34}{costs['nmap'].wall_s:>9.2f}{costs['rasoat'].wall_s:>10.2f}{ratio:>8.2f}")
            rows |= {f"{name}: nmap": costs["nmap"], f"{name}: rasoat": costs["rasoat"], f"{name}: ratio": ratio}
    write("discovery", rows, ("nmap",), keep=not options.no_result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
