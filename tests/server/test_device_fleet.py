"""A station with every recorded device in its targets file: one command scans them, the collector judges them at level 3 and
shows each with its configuration; a changed one with the difference."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fake_device import Fakes
from tests.fake_fleet import recorded, targets_file
from tests.server.running import ROOT, Collector
from tests.server.test_station import CHOSEN, Browser

pytestmark = pytest.mark.system

PASSWORD = "Mat-Khau-Doan-41877"
CHANGED = "cisco_ios--switch-hardened"


def test_from_sixty_devices_to_the_pages(tmp_path: Path) -> None:
    collector = Collector(tmp_path / "collector")
    collector.command("unit", "set", "Sở", "--baseline", "tcvn_11930_2017", "--level", "3")
    token = collector.command("token", "new", "--quiet").stdout.strip()
    devices = recorded(PASSWORD)
    assert len(devices) >= 60
    state = tmp_path / "agent"
    with Fakes() as fakes:
        file = targets_file(tmp_path, devices, fakes, "password_file: word")
        (tmp_path / "word").write_text(PASSWORD)
        (tmp_path / "word").chmod(0o600)
        env = {**os.environ, "LC_ALL": "C.UTF-8", "RASOAT_STATION_TARGETS": str(file), "RASOAT_RETRY_SECONDS": "0.1"}

        def rasoat(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "agent", *words, "--state-dir", str(state)]
            return subprocess.run(command, env=env | more, cwd=ROOT, text=True, capture_output=True, timeout=300, check=False)

        collector.start()
        try:
            enrolled = rasoat("agent", "enrol", collector.url, "--name", "tram", RASOAT_TOKEN=token)
            assert enrolled.returncode == 0, enrolled.stderr
            first = rasoat("agent", "once")
            assert first.returncode in (0, 1, 3), first.stderr
            switch = next(device.fake for device in devices if device.folder == CHANGED)
            switch.answers = {
                command: text.replace("\nline vty 0 4", "\nntp server 192.0.2.99\n!\nline vty 0 4", 1)
                for command, text in switch.answers.items()
            }
            assert rasoat("agent", "once").returncode in (0, 1, 3)

            person = Browser(collector.url)
            person.post("/log-on/", username="admin", password=collector.password)
            person.post("/password/", old_password=collector.password, new_password1=CHOSEN, new_password2=CHOSEN)
            listed = person.get("/configurations/")
            pages = {
                name: path
                for path, name in re.findall(
                    r'class="name" href="(/machines/\d+/configurations/)".*?<span>([^<]+)</span>', listed
                )
            }
            assert CHANGED in pages
            new, old = re.findall(r'name="old" value="(\d+)"', person.get(pages[CHANGED]))
            difference = person.get(f"{pages[CHANGED]}compare/?old={old}&new={new}")
            assert "ntp server 192.0.2.99" in difference
            assert "Catalyst" not in difference, "only what changed is shown"
        finally:
            collector.stop()

    with sqlite3.connect(collector.data / "db.sqlite3") as database:
        judged = dict(
            database.execute(
                "select m.name, a.level from assess_storedassessment a join ingest_machine m on m.latest_id = a.snapshot_id "
                "where a.baseline = 'tcvn_11930_2017' and a.fail + a.unknown > 0"
            )
        )
        alarms = database.execute("select kind, detail from assess_alarm where kind not in ('same-device')").fetchall()
    assert judged.pop("tram") == 3
    assert judged == dict.fromkeys((device.folder for device in devices), 3)
    assert alarms == []
