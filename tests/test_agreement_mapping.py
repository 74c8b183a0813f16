"""The mapping of other tools' findings to our checks: every id exists, every explanation has its row, the page is that of the figures."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

BENCH = Path(__file__).parents[1] / "bench"
sys.path.insert(0, str(BENCH))

from peers import ask, mapping, page  # noqa: E402

RESULTS = json.loads((BENCH / "results" / "agreement.json").read_text("utf-8"))
TOOLS = ("oscap", "lynis")


def checks() -> set[str]:
    files = (Path(__file__).parents[1] / "baselines" / "checks").glob("*.yaml")
    return {found for path in files for found in re.findall(r"^- id: (\S+)$", path.read_text("utf-8"), re.M)}


@pytest.mark.parametrize("tool", TOOLS)
def test_every_check_of_the_mapping_exists(tool: str) -> None:
    assert {group["check"] for group in mapping.load(tool).groups} <= checks()


@pytest.mark.parametrize("tool", TOOLS)
def test_no_rule_is_mapped_twice(tool: str) -> None:
    counts = Counter(rule for group in mapping.load(tool).groups for rule in group["rules"])
    assert [rule for rule, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("tool", TOOLS)
def test_explanations_and_reasons_belong_together(tool: str) -> None:
    told = mapping.load(tool)
    used = [(pair, name) for group in told.groups for pair, name in group.get("explain", {}).items()]
    assert {name for _, name in used} == set(told.reasons)
    for pair, _ in used:
        theirs, ours = pair.split("/")
        assert theirs in mapping.JUDGED
        assert mapping.outcome(theirs, ours) != "agree"
    assert {reason["right"] for reason in told.reasons.values()} <= set(mapping.RIGHT)
    assert all(len(reason["text"].split()) > 5 for reason in told.reasons.values())


@pytest.mark.parametrize("tool", TOOLS)
def test_every_row_of_the_figures_is_one_of_the_mapping_and_explained(tool: str) -> None:
    told = mapping.load(tool)
    wanted = {(rule, group["check"]) for group in told.groups for rule in group["rules"]}
    rows = [mapping.Row(**row) for row in RESULTS["rows"] if row["tool"] == tool]
    assert {(row.subject, row.check) for row in rows} == wanted
    assert mapping.unexplained(rows) == []
    texts = {reason["text"] for reason in told.reasons.values()} | set(told.silent.values())
    assert {row.explanation for row in rows if row.explanation} <= texts


def test_counts_that_differ_are_explained() -> None:
    told = yaml.safe_load((mapping.FOLDER / "counts.yaml").read_text("utf-8"))["explain"]
    rows = [mapping.Row(**row) for row in RESULTS["rows"] if row["tool"] == "counts"]
    assert set(told) <= {row.subject for row in rows}
    assert mapping.unexplained(rows) == []


def test_topics_take_no_mapped_rule_of_the_figures_and_have_reasons() -> None:
    for topic in RESULTS["without"]:
        own = next(one for one in mapping.load(topic["tool"]).unmapped if one["topic"] == topic["topic"])
        assert own["reason"] == topic["reason"]
        assert all(any(fnmatchcase(finding, glob) for glob in own["rules"]) for finding in topic["findings"])
    assert RESULTS["unplaced"] == []


def test_the_page_is_that_of_the_figures() -> None:
    assert (BENCH.parent / "docs" / "agreement.md").read_text("utf-8") == page.page(RESULTS)


def scan(verdict: str, *findings: dict[str, Any]) -> mapping.Ours:
    return mapping.Ours({"results": [{"check": "a.b", "verdict": verdict, "findings": list(findings)}]})


def told(**group: Any) -> mapping.Mapping:
    return mapping.Mapping(
        "oscap",
        {"known": {"right": "ours", "text": "because"}},
        {"notchecked": "no test"},
        [{"check": "a.b", "rules": ["r"], **group}],
        [],
    )


@pytest.mark.parametrize(
    ("theirs", "ours", "outcome", "open_rows"),
    [
        ("pass", "pass", "agree", 0),
        ("fail", "pass", "disagree", 0),
        ("pass", "fail", "disagree", 1),
        ("fail", "unknown", "only theirs", 1),
        ("notchecked", "fail", "only ours", 0),
        ("error", "fail", "only ours", 1),
        ("error", "unknown", "neither", 0),
    ],
)
def test_only_an_explained_pair_is_closed(theirs: str, ours: str, outcome: str, open_rows: int) -> None:
    rows = mapping.compare(told(explain={"fail/pass": "known"}), "here", {"r": theirs}, scan(ours))
    assert [row.outcome for row in rows] == [outcome]
    assert len(mapping.unexplained(rows)) == open_rows


def test_a_fail_of_another_part_is_no_fail_of_this_one() -> None:
    failed = {"field": "ipv4", "observed": True}
    assert scan("fail", failed).verdict("a.b", {"field": "ipv6"}) == "pass"
    assert scan("fail", failed).verdict("a.b", {"field": "ipv4"}) == "fail"
    assert scan("unknown").verdict("a.b", {"field": "ipv6"}) == "unknown"
    assert scan("pass").verdict("c.d") == "not asked"


def test_a_report_of_lynis_gives_single_settings_instead_of_their_sum() -> None:
    report = (
        "suggestion[]=KRNL-6000|One or more sysctl values differ||x|\n"
        "details[]=KRNL-6000|sysctl|desc:d;field:kernel.sysrq;prefval:0;value:1;|\n"
        "warning[]=AUTH-9204|More than one account with UID 0|-|-|\ntests_executed=KRNL-6000|AUTH-9204|AUTH-9208|\n"
    )
    read = ask.read_lynis(report)
    assert read.findings == ("KRNL-6000|kernel.sysrq is 1, preferred 0", "AUTH-9204|More than one account with UID 0")
    groups = told(rules=["KRNL-6000|kernel.sysrq", "KRNL-6000|kernel.kptr", "AUTH-9204", "AUTH-9208", "SSH-7408|Port"])
    assert list(mapping.lynis_words(groups, read).values()) == ["fail", "pass", "fail", "pass", "not run"]


def test_the_guide_keeps_its_other_conditions() -> None:
    text = '<p:platform id="package_pam"><p:platform idref="#package_pam_and_system_with_kernel"/><p:platform idref="#machine"/><p:platform idref="#package_gdm"/>'
    loose, count = ask.loosened(text)
    assert count == 2
    assert loose == '<p:platform id="package_pam"><p:platform idref="#package_pam"/><p:platform idref="#package_gdm"/>'
