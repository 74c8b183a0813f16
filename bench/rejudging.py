"""How long a collector takes to judge the newest facts of 25,000 machines again at another level: reading them from the
database and opening their seals included, one core. Measured on some thousand rows; memory is compared between few and many."""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import write

FLEET = 25_000
FEW, MANY = 250, 2_500


def main() -> int:
    rasoat = str(Path(sys.executable).parent / "rasoat")
    out = subprocess.run([rasoat, "scan", "--format", "json", "--quiet"], capture_output=True, text=True, check=False).stdout
    seen = json.loads(out)["snapshot"]
    with tempfile.TemporaryDirectory() as folder:
        _collector(Path(folder))
        figures: dict[str, Any] = {}
        for name, snapshot in (("server", seen), ("workstation", _fewer_packages(seen, 120))):
            figures[name] = _measured(snapshot)
            row = figures[name]
            print(
                f"{name}: {row['bytes']:,} bytes, {row['checks']} checks: {row['per_second']:,} a second, "
                f"{FLEET:,} in {FLEET / row['per_second']:.0f} s; checking every fact again takes {row['checked_over_trusted']}x as long; "
                f"peak {row['peak_mib_few']} MiB after {FEW}, {row['peak_mib_many']} MiB after {MANY}"
            )
    write("rejudging", figures)
    return 0


def _fewer_packages(snapshot: dict[str, Any], count: int) -> dict[str, Any]:
    """The same machine with the software of a workstation: what makes a server's facts large is its packages."""
    copy = json.loads(json.dumps(snapshot))
    for record in copy["records"]:
        if record["fact"] == "software" and record["data"]:
            record["data"]["packages"] = record["data"]["packages"][:count]
    return dict(copy)


def _collector(folder: Path) -> None:
    os.environ |= {"RASOAT_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "server.settings"}
    from server.config import Data

    Data.here().create(())
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def _measured(snapshot: dict[str, Any]) -> dict[str, Any]:
    from baselines.model import Assessment
    from collectors.model import facts_digest
    from server.assess import judge
    from server.ingest.models import Machine, StoredSnapshot

    raw = json.dumps(snapshot, ensure_ascii=False, separators=(",", ":")).encode()
    _store(raw)
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
    again(FEW)
    few = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    trusted, assessment = again(MANY)
    many = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    StoredSnapshot.objects.filter(sound_for=facts_digest()).update(sound_for="")
    checked, _ = again(FEW)
    return {
        "bytes": len(raw),
        "checks": len({result.check for result in assessment.results if result.check}),
        "per_second": round(1 / trusted),
        "checked_over_trusted": round(checked / trusted, 1),
        "peak_mib_few": round(few),
        "peak_mib_many": round(many),
    }


def _store(raw: bytes) -> None:
    """MANY machines, each with its newest snapshot, as if they had come in."""
    from django.utils import timezone

    from collectors.model import facts_digest, new_id
    from collectors.seal import seal
    from server.ingest.models import Agent, Machine, StoredSnapshot
    from server.units.models import Unit

    StoredSnapshot.objects.all().delete()
    Machine.objects.all().delete()
    unit, _new = Unit.objects.get_or_create(name="bench", parent=None, defaults={"level": 3})
    agent, _new = Agent.objects.get_or_create(name="bench", unit=unit, public_key=bytes(32))
    blob, now = seal(raw, agent.pk, bytes(32)), timezone.now()
    machines = Machine.objects.bulk_create(
        Machine(unit=unit, agent=agent, own=False, name=f"m{number}", kind="server") for number in range(MANY)
    )
    for machine in machines:
        machine.latest = StoredSnapshot.objects.create(
            id=new_id(), machine=machine, agent=agent, received_at=now, collected_at=now, orders_at=now, privileged=True,
            seconds=1, collector="bench", digest="", sealed_sha256="", sound_for=facts_digest(), sealed=blob,
        )  # fmt: skip
    Machine.objects.bulk_update(machines, ["latest"])


if __name__ == "__main__":
    sys.exit(main())
