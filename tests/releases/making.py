"""The order in which a release's folder is made, and what is put into it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from collectors import VERSION
from collectors.seal import seal, unpack
from collectors.seal_delta import make as difference
from server.cli import main as server
from tests.releases import README, sites
from tests.releases.found import BACKUP, TOLD, Office, archived, emptied, packed
from tests.server.people import Host
from tests.server.running import PACKS
from tests.systems import sample

MOST = 1_600_000
TARGETS = """\
known_hosts: known_hosts
defaults: {credential: net}
credentials:
  net: {user: rasoat, password_env: RASOAT_NET}
  may: {user: rasoat, key_file: /etc/rasoat/station.key}
targets:
  - {name: core-01, address: 10.0.0.1, kind: switch, platform: cisco_ios, labels: [so]}
  - {name: web-01, address: 10.0.0.20, port: 2222, kind: server, credential: may}
"""


def make(work: Path, target: Path) -> None:
    """Everything is made in `work`; `target` appears at the end, whole."""
    assert server(["init", "--unit", "Sở Y tế Mẫu", "--level", "3", "--hostname", "testserver", "--lang", "vi"]) == 0
    data = work / "data"
    said = (data / "settings.toml").read_text("utf-8")
    said = re.sub(
        r"(?m)^hosts = .*$",
        'hosts = ["localhost", "127.0.0.1", "[::1]", "testserver"]\nbackground_work = "off"\nlock_wait_seconds = 60',
        said,
    )
    (data / "settings.toml").write_text(said, "utf-8")
    shutil.copytree(PACKS, data / "packs")
    from django.test.utils import setup_test_environment

    from tests.releases import office as filled

    setup_test_environment()  # a page tells what it shows
    office = filled.Office(work)
    office.fill()
    ready = work / "ready"
    ready.mkdir()
    told = filled.told(office) | _sites(work, ready)
    told |= filled.stored() | _snapshots(ready)
    _own(work, ready)
    told |= {"version": VERSION, "made_at": timezone.now().isoformat(timespec="seconds")}
    told["tables"] = _collector(work, ready)
    (ready / TOLD).write_text(json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
    (ready / "README.md").write_text(README.format(version=VERSION), "utf-8")
    size = sum(path.stat().st_size for path in ready.iterdir())
    assert size < MOST, {path.name: path.stat().st_size for path in ready.iterdir()}
    for path in ready.iterdir():
        path.chmod(0o644)
    shutil.copytree(ready, target)


def _sites(work: Path, ready: Path) -> dict[str, Any]:
    """Agent, relay, and the host behind it."""
    from django.db import connections

    connections.close_all()
    serving = Office(work / "data")
    serving.start()
    try:
        waiting = sites.alone(work / sites.AGENT, serving)
        held = sites.through(work / sites.RELAY, work / sites.BEHIND, serving)
    finally:
        serving.stop()
    for name in (sites.AGENT, sites.BEHIND, sites.RELAY):
        (ready / f"{name}.tar.zst").write_bytes(packed(archived(work / name)))
    return {"waiting": waiting, "behind": held}


def _collector(work: Path, ready: Path) -> dict[str, int]:
    """The data directory as it lies there, and the collector's own backup of it; in one archive, as they are nearly the same."""
    from django.db import connections

    connections.close_all()
    emptied(work / "data")
    (work / "collector").mkdir()
    assert server(["backup", str(work / "collector" / BACKUP), "--lang", "vi"]) == 0
    connections.close_all()
    emptied(work / "data", tidy=False)
    shutil.copytree(work / "data", work / "collector" / "data")
    (ready / "collector.tar.zst").write_bytes(packed(archived(work / "collector")))
    shutil.copy(work / "data" / "settings.toml", ready)
    return Office(work / "data").tables()


def _snapshots(ready: Path) -> dict[str, Any]:
    """A report as JSON, and sealed: whole, and as a difference to the one before."""
    host = Host("may-niem-phong", agent="01890000-0000-7000-8000-000000000001")
    one = next(found for found in sample.snapshots() if found.target.name == "web-03")
    device = next(found for found in sample.snapshots() if found.target.name == "core-01")
    newer = host.snapshot(permit_root_login="no", synchronised=True)
    older = host.snapshot(timedelta(days=1))
    whole = seal(newer.to_bytes(), host.agent, host.private, host.judged(newer))
    delta = difference(unpack(whole), host.agent, older.id, older.to_bytes())
    assert delta is not None
    for name, raw in (
        ("snapshot.json", one.to_bytes()), ("device.json", device.to_bytes()), ("whole.sealed", whole),
        ("older.json", older.to_bytes()), ("difference.sealed", delta),
    ):  # fmt: skip
        (ready / f"{name}.zst").write_bytes(packed(raw))
    digests = {found.id: hashlib.sha256(found.to_bytes()).hexdigest() for found in (one, device, newer, older)}
    return {
        "sealed_by": host.public.hex(),
        "files": digests,
        "facts": {found.id: found.digest for found in (one, device, newer, older)},
    }


def _own(work: Path, ready: Path) -> None:
    """Files that people write or carry, and what was made for others to check."""
    for name in ("evidence.zip", "feeds.zip"):
        shutil.copy(work / name, ready)
    for name in ("system.yaml", "tailoring.yaml"):
        shutil.copy(sample.FOLDER / name, ready)
    (ready / "targets.yaml").write_text(TARGETS, "utf-8")
    assert settings.DATA.root == work / "data"
