"""The sh scripts that ask about files, run by every sh on this machine, say what LocalShell says."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.credential import Credential
from collectors.errors import CollectError, Denied, Unparsable, Unsupported
from collectors.transports import posix_files as files
from collectors.transports.local import LocalShell
from collectors.transports.ssh import SshShell
from collectors.transports.ssh_line import Line, Spoken
from tests.odd_paths import plant, questions, told

USUAL = "/usr/sbin:/usr/bin:/sbin:/bin"


class LineHere(Line):
    """Commands that are run by an sh of this machine."""

    def __init__(self, command: list[str]) -> None:
        self._command = command

    def ask(self, command: str, script: bytes, timeout: float, limit: int, name: str, mark: str = "") -> Spoken:
        done = subprocess.run(self._command, input=script, capture_output=True, timeout=60)
        return Spoken(done.returncode, done.stdout, done.stderr)


class ShHere(SshShell):
    """SshShell without the SSH: the same scripts, given to an sh of this machine."""

    def __init__(self, shell: list[str], path: str = USUAL) -> None:
        self._line, self._path = LineHere(["/usr/bin/env", "-i", f"PATH={path}", "LC_ALL=C", *shell]), path
        self._credential = Credential(user="x", agent=True)
        self._place, self._root_refused, self._is_root, self._privileged = "here", "", True, os.geteuid() == 0


def shells(folder: Path) -> dict[str, ShHere]:
    """Each sh found here; busybox with its own tools in front of the others, as on Alpine."""
    found = {"dash": ShHere(["/bin/dash"]), "bash": ShHere(["/bin/bash", "--posix"])}
    if busybox := shutil.which("busybox", path=USUAL):
        folder.mkdir()
        subprocess.run([busybox, "--install", "-s", str(folder)], check=True)
        found["busybox"] = ShHere([str(folder / "sh")], str(folder))
    return found


def test_every_sh_says_the_same_about_every_odd_path(tmp_path: Path) -> None:
    tree = plant(tmp_path / "tree")
    expected = {name: told(lambda ask=ask: ask(LocalShell())) for name, ask in questions(tree).items()}
    for sh, shell in shells(tmp_path / "busybox").items():
        for name, ask in questions(tree).items():
            got = told(lambda ask=ask, shell=shell: ask(shell))
            if sh == "busybox" and "to itself" in name:
                continue  # its C library may have other words for a link that goes in a circle
            assert got == expected[name], (sh, name)


def test_every_sh_filters_package_lists_alike(tmp_path: Path) -> None:
    path = tmp_path / "status"
    path.write_text("Package: a\nVersion: 1\n\n\nPackage: b\nVersion: 2: 3\n x\n\nPackage: a")
    expected = list(LocalShell().stanzas(str(path), frozenset("ab"), ("Package", "Version")))
    assert [fields for _, fields in expected] == [
        {"Package": "a", "Version": "1"},
        {"Package": "b", "Version": "2: 3"},
        {"Package": "a"},
    ]
    for sh, shell in shells(tmp_path / "busybox").items():
        assert list(shell.stanzas(str(path), frozenset("ab"), ("Package", "Version"))) == expected, sh


@pytest.mark.parametrize("missing", ["head", "stat", "readlink", "awk", "cat"])
def test_a_host_without_a_tool_is_never_empty(tmp_path: Path, missing: str) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in {"sh", "head", "stat", "readlink", "awk", "cat"} - {missing}:
        (tools / tool).symlink_to(shutil.which(tool, path=USUAL) or "")
    (tmp_path / "x_Packages").write_text("Package: a\nVersion: 1\n")
    (tmp_path / "link").symlink_to("x_Packages")
    shell = ShHere([str(tools / "sh")], str(tools))
    ask: dict[str, Any] = {
        "head": lambda: shell.read(f"{tmp_path}/x_Packages"),
        "stat": lambda: shell.stat(f"{tmp_path}/x_Packages"),
        "readlink": lambda: shell.link(f"{tmp_path}/link"),
        "awk": lambda: list(shell.stanzas(f"{tmp_path}/x_Packages", frozenset("a"), ("Version",))),
        "cat": lambda: list(shell.stanzas(f"{tmp_path}/x_Packages", frozenset("a"), ("Version",))),
    }
    with pytest.raises((Unparsable, Unsupported)):
        ask[missing]()


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 200
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(NAMES, st.binary(max_size=300)), max_size=5, unique_by=lambda pair: pair[0]))
def test_any_name_and_any_content_arrive_whole(made: list[tuple[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in made:
            with contextlib.suppress(OSError):
                Path(folder, name).write_bytes(content)
        shell, local = ShHere(["/bin/sh"]), LocalShell()
        assert shell.names(f"{folder}/*") == local.names(f"{folder}/*")
        assert list(shell.read_all(f"{folder}/*").items()) == list(local.read_all(f"{folder}/*").items())
        for name, _ in made:
            assert shell.read(f"{folder}/{name}") == local.read(f"{folder}/{name}")


def test_an_answer_cut_at_any_byte_is_never_a_shorter_answer() -> None:
    question = files.script(files.matching("read_regular", "/etc/host*"), files.call("status", "/etc/passwd"))
    whole = subprocess.run(["/bin/sh"], input=question.text, capture_output=True, env={"PATH": USUAL, "LC_ALL": "C"}).stdout
    records = question.records(whole)
    assert records is not None
    assert len(records) >= 2
    for end in range(len(whole)):
        try:
            assert question.records(whole[:end]) is None
        except Unparsable:
            continue
    assert question.records(b"noise\n" + whole + b"noise") == records


@given(st.binary(max_size=400), st.binary(max_size=50))
def test_garbage_is_no_answer(garbage: bytes, tail: bytes) -> None:
    question = files.script(files.call("read_one", "/etc/passwd"))
    for answer in (garbage, garbage + question.mark + tail, garbage + question.mark * 3 + tail + question.mark * 2):
        try:
            assert question.records(answer) is None
        except CollectError:
            continue


@given(st.text(max_size=40))
def test_what_a_tool_says_is_absent_only_in_the_system_s_own_words(said: str) -> None:
    if said.strip().rpartition(": ")[2] not in ("No such file or directory", "Not a directory", "No such process"):
        assert files.failure("/x", said) is not None
    assert isinstance(files.failure("/x", f"cat: {said}: Permission denied"), Denied)
