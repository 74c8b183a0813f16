"""LocalShell, RootShell, the package-list reader, the Witness, the recorder and its replay."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from collectors.errors import CollectError, Denied, Unparsable, Unreachable, Unsupported
from collectors.transports.base import Answer
from collectors.transports.deb822 import paragraphs, select
from collectors.transports.local import ENVIRONMENT, LocalShell, RootShell
from collectors.transports.replay import NotRecorded, Recorder, ReplayShell
from collectors.transports.witness import Witness
from tests.odd_paths import as_user_here, told


def test_a_pipe_or_a_device_is_no_file_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "masked").symlink_to("/dev/null")
    shell = LocalShell()
    for path in (f"{tmp_path}/pipe", "/dev/zero"):
        with pytest.raises(Unparsable, match="neither a file nor a directory"):
            shell.read(path)
    assert shell.read(f"{tmp_path}/masked") == ""
    assert shell.read_all(f"{tmp_path}/*") == {}


def test_a_command_that_hangs_takes_its_children_with_it() -> None:
    with pytest.raises(Unreachable, match=r"sh: no answer within 0\.3 s"):
        LocalShell().run("sh", "-c", "sleep 86397 & sleep 86397", timeout=0.3)
    time.sleep(0.1)
    assert "sleep\x0086397\x00" not in LocalShell().read_all("/proc/[0-9]*/cmdline").values()


def test_an_endless_answer_is_stopped_early() -> None:
    for argv in (("yes",), ("sh", "-c", "yes >&2")):
        with pytest.raises(Unparsable, match="more than 16 MiB"):
            LocalShell().run(*argv, timeout=60)


def test_nothing_of_our_environment_reaches_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "vi")
    monkeypatch.setenv("LANG", "vi_VN.UTF-8")
    monkeypatch.setenv("LD_PRELOAD", "")
    answer = LocalShell().run("env")
    assert sorted(answer.out.split()) == ["LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    assert LocalShell().run("no-such-command").missing


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="takes rights away from itself")
def test_what_may_not_be_listed_or_run_is_denied_not_absent(tmp_path: Path) -> None:
    """A home that is closed to us is not a home without authorized keys."""
    homes = tmp_path / "home"
    for name in ("an", "binh"):
        (homes / name / ".ssh").mkdir(parents=True)
        (homes / name / ".ssh" / "authorized_keys").write_text("key")
    (homes / "binh").chmod(0o700)
    tool = Path(f"/usr/sbin/rasoat-test-{os.getpid()}")
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o700)
    for parent in tmp_path.parents:
        if parent.is_relative_to("/tmp/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    tmp_path.chmod(0o755)
    shell = LocalShell()
    asked: dict[str, Any] = {
        "names": lambda: shell.names(f"{homes}/*/.ssh/authorized_keys"),
        "read_all": lambda: shell.read_all(f"{homes}/*/.ssh/authorized_keys"),
        "names inside": lambda: shell.names(f"{homes}/binh/*"),
        "stat": lambda: shell.stat(f"{homes}/binh/.ssh"),
        "read": lambda: shell.read(f"{homes}/binh/.ssh/authorized_keys"),
        "link": lambda: shell.link(f"{homes}/binh/.ssh"),
        "run": lambda: shell.run(tool.name),
    }
    try:
        said = as_user_here("nobody", lambda: {name: told(ask) for name, ask in asked.items()})
        open_home = as_user_here("nobody", lambda: shell.names(f"{homes}/an/.ssh/*"))
    finally:
        tool.unlink()
    assert open_home == (f"{homes}/an/.ssh/authorized_keys",)
    for name, answer in said.items():
        assert isinstance(answer, tuple), name
        assert answer[:1] == (Denied,), name


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="takes rights away from itself")
def test_a_folder_closed_to_us_is_denied_on_every_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Path.is_file, is_dir and is_symlink raise there up to Python 3.13, and say no from 3.14 on."""
    closed = tmp_path / "closed"
    (closed / "etc").mkdir(parents=True)
    (closed / "tool").write_text("#!/bin/sh\n")
    (closed / "link").symlink_to("etc")
    closed.chmod(0o700)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.is_relative_to("/tmp/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    monkeypatch.setattr("collectors.transports.local.SEARCH", (str(closed),))
    monkeypatch.setitem(ENVIRONMENT, "PATH", str(closed))
    above = RootShell(str(tmp_path))
    asked: dict[str, Any] = {
        "a program": lambda: LocalShell().run("tool"),
        "a program that may be there": lambda: LocalShell().run("absent"),
        "below a root": lambda: above.read("/closed/link/../etc/passwd"),
        "names below a root": lambda: above.names("/closed/link/passwd"),
        "a link below a root": lambda: above.link("/closed/link"),
    }
    said = as_user_here("nobody", lambda: {name: told(ask) for name, ask in asked.items()})
    assert {name: answer[0] for name, answer in said.items()} == dict.fromkeys(asked, Denied)
    roots = as_user_here("nobody", lambda: [told(lambda at=at: RootShell(f"{closed}/{at}")) for at in ("etc", "absent")])
    assert roots == [(Unreachable, f"{closed}/{name}: Permission denied") for name in ("etc", "absent")]


def test_links_of_an_unpacked_root_stay_inside(tmp_path: Path) -> None:
    root = tmp_path / "[root]"  # brackets: the root is no pattern
    (root / "etc/real").mkdir(parents=True)
    (root / "etc/real/a.conf").write_text("inside")
    (root / "etc/abs").symlink_to("/etc/real")
    (root / "etc/up").symlink_to("../../../../../etc/passwd")
    (root / "etc/loop").symlink_to("/etc/loop")
    shell = RootShell(str(root))
    assert shell.read("/etc/abs/a.conf") == "inside"
    assert shell.names("/etc/abs/*") == ("/etc/abs/a.conf",)
    assert shell.read_all("/*/abs/*.conf") == {"/etc/abs/a.conf": "inside"}
    assert shell.read("/etc/up") is None, "there is no /etc/passwd in this root, and ours is not read"
    assert shell.link("/etc/abs") == "/etc/real"
    with pytest.raises(Unparsable, match="circle"):
        shell.read("/etc/loop")
    with pytest.raises(Unsupported):
        shell.run("id")
    with pytest.raises(Unreachable):
        RootShell(str(tmp_path / "absent"))
    with pytest.raises(Unreachable, match="no such directory"):
        RootShell(str(root / "etc/real/a.conf"))


FIELD = st.text(st.characters(exclude_characters="\n\r:", codec="utf-8"), min_size=1, max_size=8).filter(lambda s: s.strip() == s)
STANZA = st.tuples(FIELD, FIELD)


@given(st.lists(STANZA, max_size=8), st.integers(1, 40), st.integers(1, 3), st.booleans())
def test_package_lists_are_read_alike_however_they_are_cut(made: list[tuple[str, str]], size: int, gap: int, ended: bool) -> None:
    text = ("\n" + "\n" * gap).join(f"Package: {name}\nOther: x\nVersion: {version}" for name, version in made) + "\n" * ended
    raw = text.encode()
    chunks = (raw[at : at + size] for at in range(0, len(raw), size))
    wanted = frozenset(name.encode() for name, _ in made[::2])
    found = [select(paragraph, (b"Package", b"Version")) for paragraph in paragraphs(chunks, wanted)]
    assert found == [{"Package": n, "Version": v} for n, v in made if n.encode() in wanted]


def test_a_package_list_whose_reader_was_killed_is_not_a_shorter_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "helper"
    helper.write_text("#!/bin/sh\nprintf 'Package: a\\nVersion: 1\\n\\n'\nkill -9 $$\n")
    helper.chmod(0o755)
    monkeypatch.setattr("collectors.transports.deb822.APT_HELPER", str(helper))
    (tmp_path / "x_Packages.lz4").write_bytes(b"")
    with pytest.raises(Unparsable, match="damaged"):
        list(LocalShell().stanzas(f"{tmp_path}/*.lz4", frozenset("a"), ("Version",)))


class Slow:
    """A shell whose answers take their time; counts what it was asked."""

    privileged = True

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def run(self, *argv: str, root: bool = False, timeout: float = 20.0) -> Answer:
        self.asked.append((argv, timeout))
        if argv[0] == "hang":
            time.sleep(min(timeout, 0.3))
            raise Unreachable("hang: no answer")
        return Answer(argv, 0, "out", "")

    def read(self, path: str, *, root: bool = False) -> str | None:
        self.asked.append(path)
        raise Denied(f"{path}: permission denied")

    def names(self, pattern: str, *, root: bool = False) -> tuple[str, ...]:
        return ("/x/\udcff",)

    def stanzas(self, pattern: str, wanted: frozenset[str], fields: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, str]]]:
        yield "/list", {"Package": "a"}
        raise Unparsable("/list: damaged")


def test_a_refusal_is_testimony_too_and_is_remembered() -> None:
    slow = Slow()
    witness = Witness(slow)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(Denied):
            witness.read("/etc/shadow")
        assert [(source.what, source.sha256) for source in witness.testimony()] == [("/etc/shadow", None)]
    assert slow.asked == ["/etc/shadow"]


def test_a_fact_that_takes_too_long_does_not_cost_the_next() -> None:
    slow = Slow()
    witness = Witness(slow)  # type: ignore[arg-type]
    witness.allow(0.2)
    with pytest.raises(Unreachable, match="hang: no answer"):
        witness.run("hang")
    with pytest.raises(Unreachable, match=r"took more than 0\.2 s"):
        witness.run("id")
    witness.allow(100)
    assert witness.run("id").out == "out"
    with pytest.raises(Unreachable, match="hang: no answer"):
        witness.run("hang")
    assert [argv for argv, _ in slow.asked] == [("hang",), ("id",), ("hang",)]
    assert slow.asked[0][1] <= 0.2


def test_a_list_that_breaks_off_leaves_a_source_without_a_digest() -> None:
    witness = Witness(Slow())  # type: ignore[arg-type]
    with pytest.raises(Unparsable):
        list(witness.stanzas("/list", frozenset("a"), ()))
    assert [source.sha256 for source in witness.testimony()] == [None]


def test_a_name_that_is_no_utf8_can_be_testified() -> None:
    witness = Witness(Slow())  # type: ignore[arg-type]
    assert witness.names("/x/*") == ("/x/\udcff",)
    (source,) = witness.testimony()
    assert source.model_dump_json()


def ask_all(shell: Any, folder: Path) -> list[Any]:
    answers: list[Any] = []
    for ask in (
        lambda: shell.run("sh", "-c", "echo 010; exit 3"),
        lambda: shell.run("no-such-command"),
        lambda: shell.read(f"{folder}/a"),
        lambda: shell.read(f"{folder}/absent"),
        lambda: shell.read(f"{folder}"),
        lambda: dict(shell.read_all(f"{folder}/?", f"{folder}/absent*")),
        lambda: shell.names(f"{folder}/*"),
        lambda: shell.stat(f"{folder}/a"),
        lambda: shell.stat(f"{folder}/absent"),
        lambda: shell.link(f"{folder}/l"),
        lambda: shell.link(f"{folder}/a"),
        lambda: list(shell.stanzas(f"{folder}/list", frozenset({"a", "b"}), ("Package", "Version"))),
        lambda: list(shell.stanzas(f"{folder}/list.gz", frozenset({"a"}), ("Package", "Version"))),
    ):
        try:
            answers.append(ask())
        except CollectError as error:
            answers.append((type(error), str(error)))
    return answers


def test_what_is_recorded_is_played_back(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("no\n")
    (tmp_path / "b").write_text("password = hunter2\n")
    (tmp_path / "l").symlink_to("a")
    (tmp_path / "list").write_text("Package: a\nVersion: 1.10\n\nPackage: b\nVersion: 010\n")
    subprocess.run(["gzip", "-k", str(tmp_path / "list")], check=True)
    whole = (tmp_path / "list.gz").read_bytes()
    (tmp_path / "list.gz").write_bytes(whole[:-8])
    recorder = Recorder(LocalShell(), "a test")
    answers = ask_all(recorder, tmp_path)
    assert answers[-1][0] is Unparsable
    file = tmp_path / "transcript.yaml"
    file.write_text(yaml.safe_dump(recorder.transcript(), allow_unicode=True, sort_keys=False))
    assert "hunter2" not in file.read_text()
    replay = ReplayShell.load(file)
    assert ask_all(replay, tmp_path) == answers
    with pytest.raises(NotRecorded):
        replay.read("/etc/other")


def test_a_transcript_written_by_hand_keeps_its_text(tmp_path: Path) -> None:
    file = tmp_path / "transcript.yaml"
    file.write_text(
        "about: by hand\nprivileged: true\nrun: [{argv: [a, 1.10], out: 1.10, status: 4}]\nread: {/x: 010, /y: null, /z: no}\n"
        "stat: {/s: {mode: 0640, uid: 0, gid: 42, size: 9, mtime: 1795000000, directory: false}}\n"
        "stanzas: {/l: [[/l, {Package: a, Version: 1.10}], [/l, {Package: other, Version: 2}]]}\n"
    )
    shell = ReplayShell.load(file)
    assert shell.run("a", "1.10") == (("a", "1.10"), 4, "1.10", "")
    assert [shell.read(path) for path in ("/x", "/y", "/z")] == ["010", None, "no"]
    found = shell.stat("/s")
    assert found is not None
    assert (found.mode, found.uid, found.mtime, found.directory) == (0o640, 0, 1795000000.0, False)
    assert list(shell.stanzas("/l", frozenset("a"), ("Version",))) == [("/l", {"Package": "a", "Version": "1.10"})]
    file.write_text("[" * 10_000)
    with pytest.raises(Unparsable):
        ReplayShell.load(file)
