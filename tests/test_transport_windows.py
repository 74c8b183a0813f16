"""Ways to a Windows machine, as far as they can be walked without one: a real process, a real sshd, and what they hand over.

The program behind them is a stand-in that answers with a recorded frame; PowerShell itself has not been met.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.credential import Credential
from collectors.errors import Denied, Unparsable, Unreachable, Unsupported
from collectors.inventory import Inventory
from collectors.model import Kind, Platform, Target
from collectors.run import collect, look
from collectors.transports.local import LocalShell
from collectors.transports.windows import ARGUMENTS, FROM_STDIN, LocalWindows, SshWindows, framed, script
from collectors.transports.winrm import WinRm
from collectors.transports.witness import Witness
from tests.sshd import Sshd

ANSWER = framed('{"schema": "rasoat-windows/1", "sections": {}}')


def stand_in(folder: Path, body: str) -> str:
    program = folder / "powershell"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def answering(tmp_path: Path) -> str:
    (tmp_path / "answer").write_bytes(ANSWER.encode())
    return stand_in(tmp_path, f'printf "%s\\n" "$@" > {tmp_path}/argv; cat {tmp_path}/answer')


def test_local_starts_the_script_of_the_package(answering: str, tmp_path: Path) -> None:
    assert LocalWindows(answering).run_script("collect.ps1", timeout=5) == ANSWER
    argv = (tmp_path / "argv").read_text().splitlines()
    assert argv[:-1] == [*ARGUMENTS, "-File"]
    assert Path(argv[-1]).read_text("ascii") == script("collect.ps1")


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ("exit 0", Unparsable, "status 0 and no answer: it said nothing"),
        ("echo 'không chạy được tập lệnh' >&2; exit 1", Unparsable, "không chạy được tập lệnh"),
        ("exec sleep 20", Unreachable, "no answer within 0.3 s"),
    ],
)
def test_local_says_what_went_wrong(tmp_path: Path, body: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        LocalWindows(stand_in(tmp_path, body)).run_script("collect.ps1", timeout=0.3 if "sleep" in body else 5)


def test_local_without_powershell_is_unsupported(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="could not be started"):
        LocalWindows(str(tmp_path / "nothing")).run_script("collect.ps1", timeout=5)


def test_questions_for_linux_are_refused_and_scripts_are_refused_by_linux(answering: str) -> None:
    shell = LocalWindows(answering)
    for ask in (
        lambda: shell.run("uname"),
        lambda: shell.read("/etc/passwd"),
        lambda: shell.names("/*"),
        lambda: shell.stat("/"),
        lambda: shell.link("/x"),
        lambda: shell.read_all("/*"),
    ):
        with pytest.raises(Unsupported):
            ask()
    with pytest.raises(Unsupported):
        LocalShell().run_script("collect.ps1", timeout=1)


def test_the_script_runs_once_however_many_facts_rest_on_it(tmp_path: Path) -> None:
    (tmp_path / "answer").write_bytes(ANSWER.encode())
    program = stand_in(tmp_path, f"echo x >> {tmp_path}/runs; cat {tmp_path}/answer")
    snapshot = collect(Target(name="x", kind=Kind.WORKSTATION), LocalWindows(program))
    assert (tmp_path / "runs").read_text() == "x\n"
    assert snapshot.target.platform is Platform.WINDOWS
    assert {record.outcome for record in snapshot.records} == {"unparsable"}
    assert snapshot.records[0].sources[0].what == "powershell -File collect.ps1"
    witness = Witness(LocalWindows(program))
    assert witness.run_script("collect.ps1", timeout=5) == witness.run_script("collect.ps1", timeout=5)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    if os.geteuid() != 0:
        pytest.skip("sshd needs root")
    (tmp_path / "answer").write_bytes(ANSWER.encode())
    command = stand_in(
        tmp_path, f'printf "%s" "$SSH_ORIGINAL_COMMAND" > {tmp_path}/command; cat > {tmp_path}/stdin; cat {tmp_path}/answer'
    )
    sshd = Sshd(tmp_path, f"ForceCommand {command}")
    sshd.start()
    yield sshd
    sshd.stop()


def target(server: Sshd) -> Target:
    return Target(name="win", platform=Platform.WINDOWS, via="ssh", address="127.0.0.1", port=server.port, credential="c")


@pytest.mark.system
def test_ssh_hands_the_script_to_standard_input(server: Sshd) -> None:
    credential = Credential(user="root", key_file=str(server.key))
    with SshWindows.connect(target(server), credential, server.known_hosts, also_known=()) as shell:
        assert shell.run_script("collect.ps1", timeout=10) == ANSWER
    assert (server.folder / "command").read_text() == FROM_STDIN
    assert (server.folder / "stdin").read_text() == script("collect.ps1")


@pytest.mark.system
def test_a_windows_target_of_the_inventory_is_reached_by_its_platform(server: Sshd) -> None:
    inventory = Inventory(
        (target(server),), {"c": Credential(user="root", key_file=str(server.key))}, known_hosts=server.known_hosts
    )
    snapshot = look(target(server), inventory)
    assert (server.folder / "command").read_text() == FROM_STDIN
    assert {record.outcome for record in snapshot.records} == {"unparsable"}


def test_the_line_sent_holds_nothing_a_shell_would_expand() -> None:
    assert not set("$%`'&|<>^!") & set(FROM_STDIN)


def test_winrm_without_its_extra_or_with_a_key_says_what_to_do(tmp_path: Path) -> None:
    windows = Target(name="win", platform=Platform.WINDOWS, via="winrm", address="127.0.0.1", credential="c")
    with pytest.raises((Unsupported, Denied), match=r"rasoat\[windows\]|takes a password"):
        WinRm.connect(windows, Credential(user="x", key_file=str(tmp_path / "key")))
