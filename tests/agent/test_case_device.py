"""A recording of a network device over a real SSH session: whole, played back to the same facts, and without its secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from collectors.model import Target
from collectors.run import collect
from collectors.transports import replay
from collectors.transports.replay import load
from tests.agent.conftest import ROOT
from tests.fake_device import Fakes
from tests.fake_fleet import FOLDERS, recorded, targets_file

pytestmark = pytest.mark.system

PASSWORD = "Mat-Khau-Ghi-20913"


@pytest.fixture
def record(tmp_path: Path):
    """Runs `rasoat case device` on one of the recorded devices, which answers over SSH."""
    (device,) = (device for device in recorded(PASSWORD) if device.folder == "cisco_ios--switch-hardened")
    with Fakes() as fakes:
        file = targets_file(tmp_path, [device], fakes, "password_env: WORD")

        def run(*words: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "agent", "case", "device", *words, "--inventory", str(file)]
            return subprocess.run(
                [*command, "--folder", str(tmp_path / "devices"), "--lang", "en"],
                env=os.environ | {"WORD": PASSWORD}, cwd=ROOT, text=True, capture_output=True, timeout=120, check=False,
            )  # fmt: skip

        yield run


def test_a_device_is_recorded_without_its_secrets(record, tmp_path: Path) -> None:
    done = record("cisco_ios--switch-hardened", "as-found", "--note", "a switch of the test")
    assert done.returncode == 0, done.stderr
    assert "identity: seen" in done.stdout
    folder = tmp_path / "devices" / "cisco_ios--as-found"
    text = (folder / "transcript.yaml").read_text("utf-8")
    assert "a switch of the test" in text
    original = load(FOLDERS / "cisco_ios--switch-hardened" / "transcript.yaml")
    for secret in replay._read(FOLDERS / "cisco_ios--switch-hardened" / "transcript.yaml")["must_not_survive"]:
        assert secret not in text
    assert PASSWORD not in text
    again = collect(Target(name="x", via="replay"), load(folder / "transcript.yaml"))
    before = collect(Target(name="x", via="replay"), original)
    for name, found in before.by_fact.items():
        if name not in ("snmp_service", "device_access"):  # how well known a community is; which algorithms the session needed
            assert again.by_fact[name].data == found.data, name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody", "as-found"), "nobody"),
        (("cisco_ios--switch-hardened", "Tên Sai"), "switch-hardened"),
    ],
)
def test_mistakes_are_said_and_nothing_is_written(record, tmp_path: Path, words: tuple[str, str], said: str) -> None:
    done = record(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "devices").exists()
