"""Every recorded device over a real SSH session, all makes in one sweep: the facts must be those its transcript yields."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from functools import partial
from typing import Any

import pytest

from tests.fake_device import Fakes
from tests.fake_fleet import FOLDERS, recorded, targets_file

pytestmark = pytest.mark.system

PASSWORD = "Mat-Khau-Quet-70215"


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """`rasoat scan` of all of them, by one command, judged at level 3."""
    folder = tmp_path_factory.mktemp("fleet")
    devices = recorded(PASSWORD)
    with Fakes() as fakes:
        file = targets_file(folder, devices, fakes, "password_file: word")
        (folder / "word").write_text(PASSWORD)
        (folder / "word").chmod(0o600)
        command = [sys.executable, "-m", "agent", "scan", "--inventory", str(file), "--level", "3", "--format", "json"]
        ours, theirs = pty.openpty()
        shown: list[bytes] = []
        reader = threading.Thread(target=lambda: shown.extend(iter(partial(_read, ours), b"")), daemon=True)
        reader.start()
        done = subprocess.run([*command, "--parallel", "16"], stdout=subprocess.PIPE, stderr=theirs, timeout=300, check=False)
        os.close(theirs)
        reader.join(10)
        os.close(ours)
    assert done.returncode == 1, b"".join(shown)
    assert f"{len(devices)}/{len(devices)} ".encode() in b"".join(shown), "a terminal is shown how far it is"
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_at_least_sixty_devices_of_every_make_are_in_it(scanned: dict[str, Any]) -> None:
    platforms = {machine["snapshot"]["target"]["platform"] for machine in scanned["machines"]}
    assert len(scanned["machines"]) >= 60
    assert platforms == {folder.name.partition("--")[0] for folder in FOLDERS.iterdir()}


def test_the_line_changes_nothing_of_what_is_seen(scanned: dict[str, Any]) -> None:
    differs = []
    for machine in scanned["machines"]:
        name = machine["snapshot"]["target"]["name"]
        seen = {record["fact"]: record for record in machine["snapshot"]["records"]}
        for file in sorted((FOLDERS / name / "expected").glob("*.json")):
            expected, record = json.loads(file.read_text("utf-8")), seen[file.stem]
            found = record["data"] or {"outcome": record["outcome"], "reason": record["reason"]}
            # a transcript cannot tell which algorithms a session needed; a session does
            if _without(found, "legacy_crypto_needed") != _without(expected, "legacy_crypto_needed"):
                differs.append(f"{name}: {file.stem}")
    assert differs == []


def _without(fact: dict[str, Any], field: str) -> dict[str, Any]:
    unseen = [entry for entry in fact.get("unseen", []) if entry["field"] != field]
    return {name: value for name, value in fact.items() if name not in (field, "unseen")} | {"unseen": unseen}


def test_each_is_judged_and_nothing_is_known_of_it_without_a_look(scanned: dict[str, Any]) -> None:
    for machine in scanned["machines"]:
        verdicts = {result["verdict"] for result in machine["results"]}
        assert "fail" in verdicts or "unknown" in verdicts, machine["snapshot"]["target"]["name"]
        assert machine["summary"]["pass"] + machine["summary"]["fail"] + machine["summary"]["unknown"] > 0


def test_no_planted_secret_is_in_what_came_out(scanned: dict[str, Any]) -> None:
    text = json.dumps(scanned, ensure_ascii=False)
    assert PASSWORD not in text
    for folder in FOLDERS.iterdir():
        for line in (
            (folder / "transcript.yaml")
            .read_text("utf-8")
            .partition("must_not_survive:")[2]
            .partition("\ncommands:")[0]
            .splitlines()
        ):
            secret = line.strip().removeprefix("- ").strip("'\"")
            if line.startswith("  - ") and len(secret) >= 8 and not secret.islower():
                assert secret not in text, (folder.name, secret)
