"""Evidence of 200 machines: how long the collector takes to make it, and `rasoat verify` to check every line of it; and that memory
does not grow with the number of machines.

Snapshots are this machine's own, each with its own name, id, time and key; judged by the real pack at level 3.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import arguments, compiled, run_once, write

from collectors.model import new_id

FEW, MANY = 50, 200
LIMIT = 10.0
"""Seconds for 200 machines, from the requirements."""


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--machines", type=int, nargs=2, default=(FEW, MANY), metavar="N", help="of the two bundles")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.make:
        return make(options.make, options.machines)
    compiled()
    rasoat = str(Path(sys.executable).parent / "rasoat")
    with tempfile.TemporaryDirectory() as folder:
        # in a process of its own: what is started from a large one counts that one's memory as its own
        counts = [str(count) for count in options.machines]
        subprocess.run([sys.executable, __file__, "--make", folder, "--machines", *counts], check=True)
        made = json.loads((Path(folder) / "made.json").read_text())
        figures: dict[str, Any] = {"snapshot_bytes": made["snapshot_bytes"]}
        for count in options.machines:
            words = [rasoat, "verify", str(Path(folder) / f"{count}.zip"), "--key", made["key"]]
            holds = subprocess.run(words, capture_output=True, text=True, check=False)
            assert holds.returncode == 0, holds.stdout[-2000:]
            wall, cpu, peak = sorted(run_once(words) for _ in range(3))[1]
            told = {"verify_s": round(wall, 2), "verify_cpu_s": round(cpu, 2), "verify_peak_mib": round(peak)}
            figures[str(count)] = made[str(count)] | told | {"lines": len(holds.stdout.splitlines())}
            print(f"{count} machines: {figures[str(count)]}")
    figures["limit_s"] = LIMIT
    many = options.machines[-1]
    last = figures[str(many)]
    within = "within" if last["verify_s"] < LIMIT else "OVER"
    print(f"{many} machines in {last['verify_s']} s ({last['verify_cpu_s']} s of one core), {within} {LIMIT:.0f} s")
    write("evidence", figures, ("cryptography",), keep=not options.no_result)
    return 0


def make(folder: Path, counts: list[int]) -> int:
    """The bundles, and what making them cost."""
    rasoat = str(Path(sys.executable).parent / "rasoat")
    out = subprocess.run([rasoat, "scan", "--format", "json", "--quiet"], capture_output=True, text=True, check=False).stdout
    seen = json.loads(out)["snapshot"]
    _collector(folder)
    made: dict[str, Any] = {"snapshot_bytes": len(json.dumps(seen)), "key": _fingerprint()}
    for count, unit in _filled(seen, counts).items():
        path = folder / f"{count}.zip"
        wall, cpu = _made(unit, path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = round(path.stat().st_size / 2**20, 1)
        made[str(count)] = {
            "bundle_mib": size,
            "make_s": round(wall, 1),
            "make_cpu_s": round(cpu, 1),
            "make_peak_mib": round(peak),
        }
    (folder / "made.json").write_text(json.dumps(made))
    return 0


def _collector(folder: Path) -> None:
    os.environ |= {"RASOAT_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "server.settings"}
    from server.config import Data

    Data.here().create(("testserver",))
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def _filled(seen: dict[str, Any], counts: list[int]) -> dict[int, Any]:
    """A unit of few machines and one of many; each reported once, through the collector's own door."""
    import base64

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from django.test import Client

    from collectors.seal import seal
    from server.ingest.models import EnrolmentToken
    from server.units.models import Unit

    root = Unit.objects.create(name="Sở", level=3)
    found = {}
    for count in counts:
        unit = found[count] = Unit.objects.create(name=f"{count}", parent=root)
        _row, token = EnrolmentToken.issue(unit, count, 1, "bench")
        for number in range(count):
            key, name = Ed25519PrivateKey.generate(), f"may-{count}-{number:03}"
            public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
            body = {"token": token, "name": name, "kind": "server", "public_key": public}
            answer = Client().post("/api/v1/enrol", body, content_type="application/json")
            agent = answer.json()["agent_id"]
            snapshot = {**seen, "id": new_id(), "target": {**seen["target"], "name": name}}
            raw = json.dumps(snapshot, ensure_ascii=False, separators=(",", ":")).encode()
            blob = seal(raw, agent, key.private_bytes_raw())
            told = Client().post("/api/v1/snapshots", blob, content_type="application/vnd.rasoat.snapshot")
            assert told.status_code == 201, told.content
    return found


def _made(unit: Any, path: Path) -> tuple[float, float]:
    from server.evidence import making
    from server.evidence.models import Bundle

    held = Bundle.objects.create(unit=unit, kind="unit", of=unit.pk, name=unit.name, asked_by="bench")
    wall, cpu = time.perf_counter(), time.process_time()
    with path.open("w+b") as out:
        making.make(held, out)
    return time.perf_counter() - wall, time.process_time() - cpu


def _fingerprint() -> str:
    from server.evidence.making import sealing_keys

    return sealing_keys().public.fingerprint


if __name__ == "__main__":
    sys.exit(main())
