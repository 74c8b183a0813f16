"""A full local scan against Lynis and OpenSCAP on the same machine, in turns, and against the physical limit.

Needs root and the Debian packages lynis, openscap-scanner and ssg-debian. `--runs N` (default 3) rounds; `--guide FILE` where
the guide of Debian 12 with its CIS profiles is (the package has them since 0.1.79; `dpkg -x` unpacks it anywhere).
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Cost, compiled, interleaved, measure, write

RASOAT = str(Path(sys.executable).parent / "rasoat")
GUIDE = "/usr/share/xml/scap/ssg/content/ssg-debian12-ds.xml"
CIS2 = "xccdf_org.ssgproject.content_profile_cis_level2_server"


def sources() -> list[list[str]]:
    """What the scan itself says it asked, each once."""
    out = subprocess.run([RASOAT, "scan", "--format", "json", "--quiet"], capture_output=True, text=True, check=False).stdout
    records = json.loads(out)["snapshot"]["records"]
    asked = {(source["kind"], source["what"]) for record in records for source in record["sources"]}
    return sorted([kind, what] for kind, what in asked)


def main() -> int:
    compiled()
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--guide", type=Path, default=Path(GUIDE))
    options = arguments.parse_args()
    runs = options.runs
    programs = {"rasoat": [RASOAT, "scan", "--level", "3"]}
    if shutil.which("lynis"):
        programs["lynis"] = ["lynis", "audit", "system", "--quick", "--no-colors"]
    if shutil.which("oscap") and options.guide.exists():
        programs["oscap CIS level 2"] = ["oscap", "xccdf", "eval", "--profile", CIS2, str(options.guide)]
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
    write("host_scan", {**costs, "limit": limit, "rasoat beside the limit": ours})
    return 0


def _row(name: str, cost: Cost, ours: Cost) -> None:
    wall, cpu = cost.wall_s / ours.wall_s, cost.cpu_s / ours.cpu_s
    print(f"{name:<20}{cost.wall_s:>9.2f}{cost.cpu_s:>9.2f}{cost.peak_mib:>10.1f}{wall:>9.1f}{cpu:>8.1f}")


if __name__ == "__main__":
    sys.exit(main())
