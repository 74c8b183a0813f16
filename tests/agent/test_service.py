"""The systemd units: valid, and no protection that hides a fact."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from agent.service import own_command, units
from tests.agent.conftest import Run

HIDING = (
    "ProtectSystem=strict",
    "PrivateDevices",
    "ProtectKernelModules",
    "ProtectProc",
    "ProcSubset",
    "PrivateUsers",
    "PrivateNetwork",
    "PrivateTmp",
    "ProtectHome=yes",
    "ProtectHome=tmpfs",
    "InaccessiblePaths",
    "DynamicUser",
    "User=",
    "MemoryDenyWriteExecute",
)


@pytest.mark.system
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for name, body in units("/bin/true", tmp_path).items():
        (tmp_path / name).write_text(body)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "rasoat.service", tmp_path / "rasoat.timer"],
        capture_output=True,
        text=True,
        check=False,
    )
    mine = [line for line in done.stderr.splitlines() if "rasoat." in line]
    assert mine == []


def test_no_protection_hides_a_fact() -> None:
    service = units("/usr/bin/rasoat", Path("/var/lib/rasoat"))["rasoat.service"]
    assert [word for word in HIDING if word in service] == []
    assert "NoNewPrivileges=yes" in service
    assert "CAP_SYS_ADMIN" not in service
    assert "CAP_SYS_MODULE" not in service


def test_print_changes_nothing_and_starts_this_very_program(rasoat: Run, tmp_path: Path) -> None:
    done = rasoat("agent", "service", "install", "--print", "--state-dir", tmp_path / "s")
    assert done.returncode == 0, done.stderr
    assert f"ExecStart={own_command_of_the_environment()} agent once --if-due" in done.stdout
    assert f"--state-dir {tmp_path / 's'}" in done.stdout
    assert not (tmp_path / "s").exists()


def own_command_of_the_environment() -> str:
    import sys

    return str(Path(sys.executable).with_name("rasoat"))


def test_a_program_that_is_not_installed_cannot_be_started_by_systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from agent.errors import Refusal

    monkeypatch.setattr("sys.argv", [str(tmp_path / "gone")])
    with pytest.raises(Refusal, match="install rasoat first"):
        own_command()


@pytest.mark.skipif(
    Path("/run/systemd/system").is_dir(), reason="systemd runs here; nothing is installed on the machine that runs the tests"
)
@pytest.mark.parametrize("what", ["install", "remove"])
def test_without_systemd_it_says_what_to_do_instead(rasoat: Run, what: str) -> None:
    done = rasoat("agent", "service", what)
    assert done.returncode == 2
    assert "agent run" in done.stderr
