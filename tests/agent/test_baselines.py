"""The packs that ship, as the command line shows them; the schemas it prints; one scan against both editions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.conftest import Run, environment
from tests.agent.snapshots import broken

OLD, NEW = "tcvn_11930_2017", "tcvn_14423_2026"


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    file = tmp_path / "stored.json"
    file.write_text(broken().model_dump_json())
    return file


def test_both_editions_are_listed(rasoat: Run) -> None:
    listed = json.loads(rasoat("baseline", "list", "--format", "json").stdout)
    assert {OLD, NEW} <= {pack["id"] for pack in listed}


def test_a_requirement_is_shown_with_its_own_clause_and_its_predecessor(rasoat: Run) -> None:
    shown = rasoat("baseline", "show", NEW, "--level", "2").stdout
    assert "4.5 Secure configuration" in shown
    assert "4.5.2.1 b There is a standard configuration" in shown
    assert "sessions.no_auto_logon" in shown
    assert "sessions.no_auto_logon" not in rasoat("baseline", "show", NEW, "--level", "1").stdout
    found = json.loads(rasoat("baseline", "show", NEW, "--level", "2", "--format", "json").stdout)["requirements"]
    lockout = next(one for one in found if one["id"] == "configuration.lockout")
    assert lockout["clauses"] == {"2": "4.5.2.2 a"}
    assert {"id": "servers.authentication.account_lock", "fit": "close"} in lockout["succeeds"]


def test_coverage_counts_every_line_of_each_level(rasoat: Run) -> None:
    table = json.loads(rasoat("baseline", "coverage", NEW, "--format", "json").stdout)["coverage"]
    assert {level: sum(counts.values()) for level, counts in table.items()} == {"1": 111, "2": 131, "3": 197, "4": 275, "5": 290}


def test_one_scan_is_judged_against_both_editions(rasoat: Run, stored: Path) -> None:
    results = {}
    for pack in (OLD, NEW):
        done = rasoat("judge", stored, "--baseline", pack, "--level", "3", "--format", "json")
        assert done.returncode == 1, done.stderr
        results[pack] = json.loads(done.stdout)
        assert results[pack]["baseline"]["id"] == pack
    assert results[OLD]["snapshot"] == results[NEW]["snapshot"]
    verdicts = [
        {one["check"]: one["verdict"] for one in result["results"] if one["check"] == "clock.synchronised"}
        for result in results.values()
    ]
    assert verdicts[0] == verdicts[1] != {}


@pytest.mark.parametrize("kind", ["", "check", "requirements", "standard", "tailoring"])
def test_a_schema_is_printed(rasoat: Run, kind: str) -> None:
    done = rasoat("baseline", "schema", *([kind] if kind else []))
    assert done.returncode == 0
    assert json.loads(done.stdout)["$schema"].startswith("https://json-schema.org/")


def test_a_kind_of_file_there_is_not_is_refused_with_those_there_are(rasoat: Run) -> None:
    done = rasoat("baseline", "schema", "checks")
    assert done.returncode == 2
    assert "tailoring" in done.stderr


def test_what_a_table_does_not_need_is_not_loaded(stored: Path) -> None:
    code = f"import sys\nfrom agent.cli import main\nmain(['judge', {str(stored)!r}, '--quiet'])\n"
    code += "print(sorted(set(sys.modules) & {'agent.report.oscal', 'agent.report.csv', 'baselines.schema', 'jsonschema'}))"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
