"""`rasoat discover`: what it refuses, what it shows and how it ends. nmap's part is played from a recording."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agent import cli, language
from agent.commands import discover
from agent.report.discovery import lines
from agent.spool import Spool
from agent.terminal import plain, width
from collectors.discovery.result import Discovery
from collectors.errors import CollectError, Unreachable
from collectors.model import Snapshot
from collectors.seal import unseal
from tests.agent.conftest import Run
from tests.test_discovery import Recorded

REGISTER = """
credentials: {ops: {user: rasoat, agent: true}}
defaults: {credential: ops}
targets:
  - {name: web, address: 192.0.2.10, kind: server}
  - {name: old, address: 192.0.2.20, kind: switch}
  - {name: dark, address: 192.0.2.30, kind: workstation}
  - {name: box, address: 192.0.2.31, kind: other}
"""
APPROVED = "approval: {number: 12/QĐ-STTTT, date: 2026-01-01}\nranges: [192.0.2.0/24]\n"
RANGE = "192.0.2.0/27"


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither this machine's approved ranges nor its neighbours nor its state."""
    monkeypatch.setattr(discover, "APPROVED", tmp_path / "none.yaml")
    monkeypatch.setattr(discover, "_tables", lambda stored, progress: [])
    monkeypatch.setenv("RASOAT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("RASOAT_CONFIG", raising=False)


def play(monkeypatch: pytest.MonkeyPatch, *answers: str | CollectError) -> Recorded:
    scanner = Recorded(*answers)
    monkeypatch.setattr(discover, "_scanner", lambda: scanner)
    return scanner


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, "utf-8")
    return str(folder / name)


def found(capsys: pytest.CaptureFixture[str]) -> Discovery:
    return Discovery.model_validate_json(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("-oN/tmp/x",), "required|-oN"),
        (("192.0.2.1 -oN x",), "no address and no CIDR"),
        (("10.0.0.0/8",), "too large"),
        (("fd00::/48",), "too large"),
        (("192.0.2.5/24",), "host bits"),
        (("192.0.2.0/24", "--hosts-only", "--spool"), "--hosts-only"),
        (("192.0.2.0/24", "--max-rate", "100000"), "1 to 300"),
        (("192.0.2.0/24", "--known", "/nonexistent"), "No such file"),
        (("192.0.2.0/24", "--snapshot", "/nonexistent"), "nonexistent"),
    ],
)
def test_what_is_refused_before_a_packet_is_sent(rasoat: Run, words: tuple[str, ...], why: str) -> None:
    import re

    done = rasoat("discover", *words)
    assert done.returncode == 2
    assert re.search(why, done.stderr), done.stderr
    assert done.stdout == ""


def test_a_range_outside_the_approved_ones_is_refused(rasoat: Run, tmp_path: Path) -> None:
    done = rasoat("discover", RANGE, "198.51.100.0/24", "--approved", written(tmp_path, "a.yaml", APPROVED))
    assert done.returncode == 2
    assert "198.51.100.0/24 is not inside the approved ranges: 192.0.2.0/24" in done.stderr


def test_the_approved_file_s_mistakes_are_told_as_file_and_line(rasoat: Run, tmp_path: Path) -> None:
    done = rasoat("discover", RANGE, "--approved", written(tmp_path, "a.yaml", "ranges: [x]\nmax_rate: fast\n"))
    assert done.returncode == 2
    assert "a.yaml:1: " in done.stderr
    assert "a.yaml:2: " in done.stderr


def test_nothing_is_asked_outside_the_window(rasoat: Run, tmp_path: Path) -> None:
    now = datetime.now().astimezone()
    window = f"window: {now + timedelta(hours=2):%H:%M}-{now + timedelta(hours=3):%H:%M}\n"
    done = rasoat("discover", RANGE, "--approved", written(tmp_path, "a.yaml", APPROVED + window))
    assert done.returncode == 2
    assert "the approved window is" in done.stderr


def test_nmap_missing_names_the_package(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("collectors.transports.nmap.Nmap.__init__.__defaults__", (("/nonexistent/nmap",),))
    assert cli.main(["discover", RANGE]) == 2
    assert "apt install nmap" in capsys.readouterr().err


def test_a_stranger_is_a_fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play(monkeypatch, "services.xml")
    without = REGISTER.replace("  - {name: box, address: 192.0.2.31, kind: other}\n", "")
    assert cli.main(["discover", RANGE, "--known", written(tmp_path, "r.yaml", without), "--format", "json"]) == 1
    assert [host.address for host in found(capsys).unknown] == ["192.0.2.31"]


def test_who_is_silent_is_an_open_question_not_a_fail(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(monkeypatch, "hosts.xml")
    more = REGISTER + "  - {name: printer, address: 192.0.2.5}\n"
    assert cli.main(["discover", RANGE, "--known", written(tmp_path, "r.yaml", more), "--hosts-only", "--format", "json"]) == 3
    assert [row.name for row in found(capsys).registered if row.state == "silent"] == ["printer"]


def test_what_could_not_be_asked_is_an_open_question(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(monkeypatch, Unreachable("nmap was stopped"))
    assert cli.main(["discover", RANGE, "--known", written(tmp_path, "r.yaml", REGISTER), "--format", "json"]) == 3
    told = found(capsys)
    assert {row.state for row in told.registered} == {"not_asked"}
    assert (told.coverage.asked, told.coverage.not_asked) == (0, 32)


def test_everybody_known_and_there_is_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(monkeypatch, "services.xml")
    approved = written(tmp_path, "a.yaml", APPROVED)
    words = ["discover", RANGE, "--known", written(tmp_path, "r.yaml", REGISTER), "--approved", approved, "--format", "json"]
    assert cli.main(words) == 0
    told = found(capsys)
    assert told.approval is not None
    assert told.approval.number == "12/QĐ-STTTT"


def test_no_run_is_noted_where_this_machine_is_not_enrolled_and_each_is_where_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(monkeypatch, "hosts.xml", "hosts.xml")
    words = ["discover", RANGE, "--approved", written(tmp_path, "a.yaml", APPROVED), "--hosts-only", "--quiet"]
    cli.main(words)
    assert not (tmp_path / "state").exists()
    (tmp_path / "state").mkdir()
    cli.main(words)
    noted = [json.loads(line) for line in (tmp_path / "state" / "discovery.jsonl").read_text("utf-8").splitlines()]
    assert [(row["approval"]["number"], row["ranges"]) for row in noted] == [("12/QĐ-STTTT", [RANGE])]


def test_snapshots_from_outside_can_be_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    play(monkeypatch, "services.xml")
    words = [
        "discover",
        RANGE,
        "--known",
        written(tmp_path, "r.yaml", REGISTER),
        "--outside",
        str(tmp_path / "outside"),
        "--quiet",
    ]
    cli.main(words)
    made = {path.stem: Snapshot.from_bytes(path.read_bytes()) for path in (tmp_path / "outside").iterdir()}
    assert {name: str(snapshot.target.kind) for name, snapshot in made.items()} == {
        "192.0.2.10": "server", "192.0.2.20": "switch", "192.0.2.30": "workstation", "192.0.2.31": "other",
    }  # fmt: skip
    assert all(snapshot.problems() == [] for snapshot in made.values())


def test_snapshots_from_outside_wait_in_the_spool_of_an_enrolled_agent(monkeypatch: pytest.MonkeyPatch, enrolled: Path) -> None:
    play(monkeypatch, "services.xml")
    monkeypatch.setenv("RASOAT_STATE_DIR", str(enrolled))
    assert cli.main(["discover", RANGE, "--spool", "--quiet"]) == 0
    waiting = [Snapshot.from_bytes(unseal(each.path.read_bytes()).snapshot) for each in Spool(enrolled, 1 << 20).waiting()]
    assert sorted(snapshot.target.name for snapshot in waiting) == [f"nmap:192.0.2.{number}" for number in (10, 20, 30, 31)]
    assert all(snapshot.by_fact["exposure"].outcome == "seen" for snapshot in waiting)


def test_a_machine_that_is_not_enrolled_is_told_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scanner = play(monkeypatch, "services.xml")
    assert cli.main(["discover", RANGE, "--spool"]) == 2
    assert "not enrolled" in capsys.readouterr().err
    assert scanner.asked == []


def test_the_table_begins_with_the_strangers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(monkeypatch, "services.xml")
    register = REGISTER.replace("192.0.2.31", "192.0.2.5")
    cli.main(["discover", RANGE, "--known", written(tmp_path, "r.yaml", register), "--format", "json"])
    told = found(capsys)
    for tongue, stranger, silent in (
        ("vi", "Có trên mạng, không có trong danh sách quản lý (1)", "không có nghĩa là không còn"),
        ("en", "On the network, not in the register (1)", "that does not mean gone"),
    ):
        language.choose(tongue)  # type: ignore[arg-type]
        for columns in (60, 80, 120):
            rows = list(lines(told, columns, plain, verbose=True))
            text = " ".join(" ".join(rows).split())
            assert 0 < text.index(stranger) < text.index(silent)
            assert all(width(row) <= columns for row in rows if row.startswith(" "))


def test_what_a_host_says_cannot_rewrite_the_screen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(monkeypatch, "hosts.xml")
    lease = "0 00:00:0c:00:00:10 192.0.2.10 a\x1b[2J *\n"
    cli.main(["discover", RANGE, "--leases", written(tmp_path, "leases", lease), "--hosts-only", "--quiet"])
    assert "\x1b" not in capsys.readouterr().out
