"""The results as a table for spreadsheets."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

from agent.judging import judge
from agent.report.csv import COLUMNS, document
from baselines.loader import load
from tests.agent.conftest import PACK, Run
from tests.agent.snapshots import broken, healthy, snapshot

TOY = load(PACK)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text, newline="")))


def test_every_result_is_a_line() -> None:
    reports = [judge(broken(), TOY, 3), judge(healthy(), TOY, 3)]
    found = rows(document(reports))
    assert [(row["requirement"], row["check"], row["verdict"]) for row in found] == [
        (result.requirement, result.check or "", str(result.verdict))
        for report in reports
        for result in report.assessment.results
    ]
    assert tuple(found[0]) == COLUMNS
    failed = next(row for row in found if row["verdict"] == "fail")
    assert failed["clause"]
    assert failed["seen"]
    assert failed["asked"]
    assert failed["remedy"]


def test_what_could_not_be_seen_says_why() -> None:
    unknown = [row for row in rows(document([judge(snapshot(), TOY, 3)])) if row["verdict"] == "unknown"]
    assert unknown
    assert all(row["reason"] for row in unknown)


def test_a_machines_name_is_not_a_formula() -> None:
    """Names and values come from the machine; a spreadsheet would run what begins with =, +, - or @."""
    for name in ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)"):
        found = rows(document([judge(snapshot(name=name), TOY, 3)]))
        assert {row["machine"] for row in found} == {f"'{name}"}


def test_a_file_is_marked_for_spreadsheets_and_a_pipe_is_not(rasoat: Run, tmp_path: Path) -> None:
    stored, table = tmp_path / "stored.json", tmp_path / "table.csv"
    stored.write_text(broken().model_dump_json())
    piped = rasoat("judge", stored, "--baseline", PACK, "--level", "3", "--format", "csv")
    assert rasoat("judge", stored, "--baseline", PACK, "--level", "3", "--format", "csv", "--output", table).returncode == 1
    assert piped.returncode == 1
    assert piped.stdout.startswith("machine,")
    assert table.read_bytes().startswith(b"\xef\xbb\xbfmachine,")
    assert rows(table.read_text("utf-8-sig")) == rows(piped.stdout)
