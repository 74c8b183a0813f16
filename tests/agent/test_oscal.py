"""OSCAL as NIST's own schemas want it, and nothing in it that reads as satisfied without being so."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from agent.judging import judge
from agent.report import oscal
from baselines.loader import builtin, load
from baselines.model import LEVELS
from collectors.model import Kind
from tests.agent.conftest import PACK, Run
from tests.agent.snapshots import broken, healthy, snapshot

SCHEMAS = Path(__file__).parents[1] / "data" / "oscal"


@cache
def validator(name: str) -> Draft7Validator:
    """The schema's own patterns, with the letter and number classes of Unicode in Python's spelling."""
    text = (SCHEMAS / f"oscal_{name}_schema.json").read_text("utf-8")
    token = r"^(\\p{L}|_)(\\p{L}|\\p{N}|[.\\-_])*$"
    assert text.count(r"\\p{") == text.count(token) * 3, "a pattern this test does not know"
    return Draft7Validator(json.loads(text.replace(token, r"^([^\\W\\d_]|_)([\\w.\\-])*$")), format_checker=FormatChecker())


def problems(name: str, document: Any) -> list[str]:
    found = validator(name).iter_errors(json.loads(json.dumps(document)))
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in found]


def ids(document: Any) -> list[str]:
    """Every id that something is known by."""
    if isinstance(document, dict):
        own = [document[key] for key in ("uuid", "id") if key in document]
        return own + [one for value in document.values() for one in ids(value)]
    return [one for value in document for one in ids(value)] if isinstance(document, list) else []


def findings(document: Any, machine: int = 0) -> dict[str, dict[str, str]]:
    found = document["assessment-results"]["results"][machine].get("findings", [])
    return {one["target"]["target-id"].removesuffix("_smt"): one["target"]["status"] for one in found}


def test_the_schema_would_notice() -> None:
    document = oscal.catalog(load(PACK), (1, 2, 3))
    del document["catalog"]["metadata"]["last-modified"]
    document["catalog"]["groups"][0]["controls"][0]["id"] = "not a token"
    assert len(problems("catalog", document)) >= 2


@pytest.mark.parametrize("pack", [*builtin(), str(PACK)])
def test_a_pack_is_a_catalog(pack: str) -> None:
    baseline = load(pack)
    document = oscal.catalog(baseline, baseline.standard.levels)
    assert problems("catalog", document) == []
    controls = [one for group in document["catalog"]["groups"] for one in group["controls"]]
    assert [one["id"] for one in controls] == list(baseline.requirements)
    everything = ids(document)
    assert len(everything) == len(set(everything))


def test_a_catalog_of_one_level_holds_that_level_alone() -> None:
    baseline = load("tcvn_14423_2026")
    document = oscal.catalog(baseline, [2])
    controls = [one for group in document["catalog"]["groups"] for one in group["controls"]]
    assert [one["id"] for one in controls] == [one.id for one in baseline.requirements.values() if 2 in one.levels]
    names = {prop["name"] for one in controls for prop in one["props"]}
    assert "clause-at-level-2" in names
    assert not {f"clause-at-level-{level}" for level in LEVELS if level != 2} & names


@pytest.mark.parametrize("machine", [healthy(), broken(), snapshot(), snapshot(kind=Kind.SWITCH)])
def test_results_are_assessment_results(machine: Any) -> None:
    document = oscal.results([judge(machine, load(PACK), 3), judge(machine, load("tcvn_14423_2026"), 3)])
    assert problems("assessment-results", document) == []
    everything = ids(document["assessment-results"]["results"][0])
    assert len(everything) == len(set(everything))


def test_what_was_not_seen_is_never_satisfied() -> None:
    for pack in builtin():
        for level in LEVELS:
            states = findings(oscal.results([judge(snapshot(), load(pack), level)]))
            assert {(status["state"], status["reason"]) for status in states.values()} == {("not-satisfied", "other")}


def test_what_a_person_decides_is_satisfied_by_no_machine() -> None:
    """access.remote is partial: its check passes, and the rest of it is a person's."""
    baseline = load(PACK)
    report = judge(healthy(), baseline, 2)
    document = oscal.results([report])
    by_hand = {clause.requirement.id for clause in report.by_hand}
    assert by_hand
    assert not by_hand & set(findings(document))
    assert {status["state"] for status in findings(document).values()} == {"satisfied"}
    selections = document["assessment-results"]["results"][0]["reviewed-controls"]["control-selections"]
    (left,) = (one for one in selections if "person" in one["description"])
    assert {one["control-id"] for one in left["include-controls"]} == by_hand


def test_a_fail_is_told_though_a_person_decides_the_rest() -> None:
    report = judge(broken(), load(PACK), 3)
    failed = {result.requirement for result in report.assessment.results if result.verdict == "fail"}
    states = findings(oscal.results([report]))
    assert failed
    assert {name for name, status in states.items() if status["reason"] == "fail"} == failed


def test_a_finding_leads_to_what_was_asked_of_the_machine() -> None:
    document = oscal.results([judge(broken(), load(PACK), 3)])["assessment-results"]["results"][0]
    observations = {one["uuid"]: one for one in document["observations"]}
    for finding in document["findings"]:
        for link in finding["related-observations"]:
            assert link["observation-uuid"] in observations
    assert any("answer-sha256" in json.dumps(one.get("relevant-evidence", [])) for one in observations.values())


def test_from_the_command_line(rasoat: Run, tmp_path: Path) -> None:
    stored = tmp_path / "stored.json"
    stored.write_text(broken().model_dump_json())
    done = rasoat("judge", stored, "--baseline", "tcvn_14423_2026", "--level", "3", "--format", "oscal")
    assert done.returncode == 1
    assert problems("assessment-results", json.loads(done.stdout)) == []
    for words in (["tcvn_14423_2026"], [PACK, "--level", "2", "--format", "oscal-catalog"]):
        done = rasoat("baseline", "export", *words)
        assert done.returncode == 0
        assert problems("catalog", json.loads(done.stdout)) == []
    assert rasoat("baseline", "export", PACK, "--level", "9").returncode == 2
