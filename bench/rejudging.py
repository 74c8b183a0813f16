"""How long a collector takes to judge the newest facts of 25,000 machines again at another level: reading them from the
database and opening their seals included, one core. Measured on some thousand rows; memory is compared between few and many."""

from __future__ import annotations

import gc
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import arguments, write

from collectors.facts import FACTS
from collectors.model import new_id

CASES = Path(__file__).parents[1] / "tests/cases"
FLEET = 25_000
SERVERS = 0.04
"""A thousand of the model customer's twenty-five thousand."""
MANY = 2_500
"""Machines that are judged; memory is looked at after a tenth of them as well."""


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--machines", type=int, default=MANY, metavar="N")
    options = parser.parse_args(argv)
    few, many = max(1, options.machines // 10), options.machines
    rasoat = str(Path(sys.executable).parent / "rasoat")
    out = subprocess.run([rasoat, "scan", "--format", "json", "--quiet"], capture_output=True, text=True, check=False).stdout
    seen = json.loads(out)["snapshot"]
    with tempfile.TemporaryDirectory() as folder:
        _collector(Path(folder))
        figures: dict[str, Any] = {}
        for name, snapshot in (("server", seen), ("workstation", _workstation())):
            figures[name] = _measured(snapshot, few, many)
            row = figures[name]
            print(
                f"{name}: {row['bytes']:,} bytes, {row['checks']} checks: {row['per_second']:,} a second, "
                f"{FLEET:,} in {FLEET / row['per_second']:.0f} s; checking every fact again takes {row['checked_over_trusted']}x as long; "
                f"peak {row['peak_mib_few']} MiB after {few}, {row['peak_mib_many']} MiB after {many}"
            )
    mixed = FLEET * (SERVERS / figures["server"]["per_second"] + (1 - SERVERS) / figures["workstation"]["per_second"])
    figures["fleet_seconds"] = round(mixed)
    print(f"{FLEET:,} machines, {SERVERS:.0%} of them servers: {mixed:.0f} s on one core")
    write("rejudging", figures, ("Django", "sqlite"), keep=not options.no_result)
    return 0


def _workstation() -> dict[str, Any]:
    """A Windows workstation: the facts that tests/cases expect of one (authored from documentation), its lists filled up to the
    length they have in an office: 120 programs, 220 services, 40 sockets."""
    records = []
    for folder in sorted(CASES.iterdir()):
        for case in sorted(folder.glob("windows1*"), reverse=True):
            data = json.loads((case / "expected.json").read_text("utf-8"))
            if "outcome" not in data:
                for rows, length in (("packages", 120), ("services", 220), ("sockets", 40)):
                    if isinstance(data.get(rows), list) and data[rows] and isinstance(data[rows][0], dict):
                        data[rows] = [row | {"name": f"{row.get('name', '')} {n}"} if "name" in row else row
                                      for n, row in zip(range(length), itertools.cycle(data[rows]))]  # fmt: skip
                source = {"kind": "call", "what": "collect.ps1", "status": 0, "sha256": "0" * 64, "at": "2026-11-22T00:00:00Z"}
                version = FACTS[folder.name].VERSION
                records.append({"fact": folder.name, "version": version, "outcome": "seen", "data": data, "sources": [source]})
                break
    return {
        "id": new_id(), "target": {"name": "pc", "kind": "workstation", "platform": "windows"}, "records": records,
        "collected_at": "2026-11-22T00:00:00Z", "seconds": 9.0, "collector": "bench", "privileged": True, "digest": "0" * 64,
    }  # fmt: skip


def _collector(folder: Path) -> None:
    os.environ |= {"RASOAT_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "server.settings"}
    from server.config import Data

    Data.here().create(())
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def _measured(snapshot: dict[str, Any], few: int, many: int) -> dict[str, Any]:
    from baselines.model import Assessment
    from collectors.model import facts_digest
    from server.assess import judge
    from server.ingest.models import Machine, StoredSnapshot

    raw = json.dumps(snapshot, ensure_ascii=False, separators=(",", ":")).encode()
    _store(raw, snapshot["target"]["kind"], many)
    policy = Machine.objects.select_related("unit").first().unit.policy()  # type: ignore[union-attr]

    def again(count: int) -> tuple[float, Assessment]:
        started = time.process_time()
        machines = Machine.objects.exclude(latest=None).select_related("latest").order_by("pk")[:count]
        for machine in machines.iterator(chunk_size=200):
            _sealed, facts = machine.latest.to_judge()  # type: ignore[union-attr]
            assessment = judge.judge(facts, policy, machine.kind, 4)
        return (time.process_time() - started) / count, assessment

    again(50)
    gc.collect()
    gc.freeze()  # what a process keeps for good need not be looked at again for every machine
    again(few)
    peak_few = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    trusted, assessment = again(many)
    peak_many = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    StoredSnapshot.objects.filter(sound_for=facts_digest()).update(sound_for="")
    checked, _ = again(few)
    return {
        "bytes": len(raw),
        "checks": len({result.check for result in assessment.results if result.check}),
        "per_second": round(1 / trusted),
        "checked_over_trusted": round(checked / trusted, 1),
        "peak_mib_few": round(peak_few),
        "peak_mib_many": round(peak_many),
    }


def _store(raw: bytes, kind: str, many: int) -> None:
    """So many machines, each with its newest snapshot, as if they had come in."""
    from django.utils import timezone

    from collectors.model import facts_digest
    from collectors.seal import seal
    from server.ingest.models import Agent, Machine, StoredSnapshot
    from server.units.models import Unit

    StoredSnapshot.objects.all().delete()
    Machine.objects.all().delete()
    unit, _new = Unit.objects.get_or_create(name="bench", parent=None, defaults={"level": 3})
    agent, _new = Agent.objects.get_or_create(name="bench", unit=unit, public_key=bytes(32))
    blob, now = seal(raw, agent.pk, bytes(32)), timezone.now()
    machines = Machine.objects.bulk_create(
        Machine(unit=unit, agent=agent, own=False, name=f"m{number}", kind=kind) for number in range(many)
    )
    for machine in machines:
        machine.latest = StoredSnapshot.objects.create(
            id=new_id(), machine=machine, agent=agent, received_at=now, collected_at=now, orders_at=now, privileged=True,
            seconds=1, collector="bench", digest="", sealed_sha256="", sound_for=facts_digest(), sealed=blob,
        )  # fmt: skip
    Machine.objects.bulk_update(machines, ["latest"])


if __name__ == "__main__":
    sys.exit(main())
