"""A full local scan against Lynis and OpenSCAP on the same machine, in turns, and against the physical limit.

Needs root and the Debian packages lynis, openscap-scanner and ssg-debian. `--runs N` (default 3) rounds; `--guide FILE` (or
RASOAT_BENCH_GUIDE) where the guide of Debian 12 with its CIS profiles is (the package has them since 0.1.79; `dpkg -x` unpacks it
anywhere). A peer that is not there is left out and has no figure.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Cost, arguments, compiled, interleaved, measure, write

RASOAT = str(Path(sys.executable).parent / "rasoat")
GUIDE = "/usr/share/xml/scap/ssg/content/ssg-debian12-ds.xml"
CIS2 = "xccdf_org.ssgproject.content_profile_cis_level2_server"


def sources() -> list[list[str]]:
    """What the scan itself says it asked, each once."""
    out = subprocess.run([RASOAT, "scan", "--format", "json", "--quiet"], capture_output=True, text=True, check=False).stdout
    records = json.loads(out)["snapshot"]["records"]
    asked = {(source["kind"], source["what"]) for record in records for source in record["sources"]}
    return sorted([kind, what] for kind, what in asked)


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--guide", type=Path, default=Path(os.environ.get("RASOAT_BENCH_GUIDE") or GUIDE))
    parser.add_argument("--alone", action="store_true", help="without the peers, which take minutes")
    options = parser.parse_args(argv)
    compiled()
    runs = options.runs
    programs = {"rasoat": [RASOAT, "scan", "--level", "3"]}
    peers = []
    if shutil.which("lynis") and not options.alone:
        peers.append("lynis")
        programs["lynis"] = ["lynis", "audit", "system", "--quick", "--no-colors"]
    if shutil.which("oscap") and not options.alone and _has_profile(options.guide):
        peers += ["openscap-scanner", "ssg-debian"]
        programs["oscap CIS level 2"] = ["oscap", "xccdf", "eval", "--profile", CIS2, str(options.guide)]
    elif not options.alone:
        print(f"OpenSCAP is left out: no oscap, or {options.guide} has not the profile {CIS2}")
    costs = interleaved(programs, runs)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as listed:
        json.dump(sources(), listed)
        listed.flush()
        limit = measure([sys.executable, "-S", "-E", str(Path(__file__).parent / "limit.py"), listed.name], max(5, runs))
    ours = measure(programs["rasoat"], max(5, runs))
    print(f"{'program':<20}{'wall s':>9}{'CPU s':>9}{'peak MiB':>10}{'wall x':>9}{'CPU x':>8}")
    for name, cost in costs.items():
        _row(name, cost, costs["rasoat"])
    _row("limit (bare Python)", limit, ours)
    print(f"rasoat / limit: wall {ours.wall_s / limit.wall_s:.2f}x, CPU {ours.cpu_s / limit.cpu_s:.2f}x")
    figures = {**costs, "limit": limit, "rasoat beside the limit": ours}
    write("host_scan", figures, peers, keep=not options.no_result)
    return 0


def _has_profile(guide: Path) -> bool:
    """oscap that does not find its profile ends at once, and would be a fast one."""
    return guide.exists() and f'"{CIS2}"'.encode() in guide.read_bytes()


def _row(name: str, cost: Cost, ours: Cost) -> None:
    wall, cpu = cost.wall_s / ours.wall_s, cost.cpu_s / ours.cpu_s
    print(f"{name:<20}{cost.wall_s:>9.2f}{cost.cpu_s:>9.2f}{cost.peak_mib:>10.1f}{wall:>9.1f}{cpu:>8.1f}")


if __name__ == "__main__":
    sys.exit(main())
