"""What is other on Windows: told by what the agent would do there. It has not run there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import psutil
import pytest

from agent import config, files, here
from agent.state import State


def test_folders_are_the_machine_s() -> None:
    assert here.folders(False, {}) == (Path("/etc/rasoat/agent.yaml"), Path("/var/lib/rasoat"))
    settings, state = here.folders(True, {"ProgramData": r"D:\Data"})
    assert (settings.as_posix(), state.as_posix()) == (r"D:\Data/rasoat/agent.yaml", r"D:\Data/rasoat/state")
    assert PureWindowsPath(str(here.folders(True, {})[1])) == PureWindowsPath(r"C:\ProgramData\rasoat\state")


def test_the_installer_and_the_agent_mean_the_same_folder() -> None:
    script = Path(__file__).parents[2].joinpath("deploy", "windows", "install-agent.ps1").read_text("utf-8-sig")
    assert "$StateFolder = Join-Path $env:ProgramData 'rasoat'" in script
    assert r"(Join-Path $StateFolder 'state\identity.json')" in script


def test_the_settings_are_those_of_here() -> None:
    assert here.folders() == (config.DEFAULT_FILE, config.SYSTEM_STATE)


def test_a_process_that_ended_is_not_alive() -> None:
    assert here.alive(os.getpid())
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    assert not here.alive(done.pid)


def test_on_windows_no_process_is_sent_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    """os.kill(pid, 0) is Ctrl+C there."""

    def never(*_words: object) -> None:
        pytest.fail("a signal was sent")

    monkeypatch.setattr(here, "WINDOWS", True)
    monkeypatch.setattr(psutil, "pid_exists", lambda pid: pid == 4711)
    monkeypatch.setattr(os, "kill", never)
    assert here.alive(4711)
    assert not here.alive(4712)


def test_on_windows_file_modes_say_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    state = State(tmp_path)
    state.key_file.write_bytes(bytes(range(32)))
    state.key_file.chmod(0o666)
    assert here.open_to_others(0o666)
    monkeypatch.setattr(here, "WINDOWS", True)
    assert state.key() == bytes(range(32))
    tmp_path.chmod(0o777)
    assert files.private_folder(tmp_path) == tmp_path


def test_on_windows_files_are_written_whole_without_opening_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = os.open

    def of_windows(path: Path, flags: int, mode: int = 0o777) -> int:
        assert not Path(path).is_dir()
        return real(path, flags, mode)

    monkeypatch.setattr(here, "WINDOWS", True)
    monkeypatch.setattr(os, "open", of_windows)
    files.write(tmp_path / "a", b"1\n2\n")
    files.append(tmp_path / "a", b"3\n")
    assert (tmp_path / "a").read_bytes() == b"1\n2\n3\n"


def test_on_windows_the_machine_is_asked_by_powershell(monkeypatch: pytest.MonkeyPatch) -> None:
    from collectors.transports.windows import LocalWindows

    monkeypatch.setattr(here, "WINDOWS", True)
    asked = here.own_shell()
    assert isinstance(asked, LocalWindows)
    assert asked.system == "windows"


LOADED = [
    "cli",
    "config",
    "enrol",
    "files",
    "looking",
    "once",
    "state",
    "upload",
    "spool",
    "delivery",
    "polling",
    "run",
    "schedule",
]
"""What `rasoat scan`, `agent enrol` and `agent once` load: a word of Linux alone in one of them ends the program on Windows."""


@pytest.mark.parametrize("word", ["fcntl", "geteuid", "O_CLOEXEC", "O_DIRECTORY", "uname"])
def test_what_only_linux_has_stands_where_linux_is(word: str) -> None:
    source = Path(files.__file__).parent
    found = [name for name in LOADED if word in source.joinpath(f"{name}.py").read_text("utf-8")]
    assert found == (["files"] if word in ("geteuid", "O_DIRECTORY", "O_CLOEXEC") else [])  # behind `here.WINDOWS`
