"""A report of a machine alone says plainly what only the collector answers, and counts it as nobody's fault."""

from __future__ import annotations

from agent import errors, judging
from agent.report.html import page
from agent.report.json import document, worst
from agent.report.table import lines
from agent.terminal import plain
from baselines.loader import load
from baselines.model import Verdict
from tests.baselines.toy import snapshot

PACK = load("tcvn_11930_2017")
LEFT = {"vulnerabilities.exploited_fixed", "vulnerabilities.exploited_unfixed", "vulnerabilities.fixes_in_time"}


def test_they_stand_apart_and_are_not_counted() -> None:
    report = judging.judge(snapshot(), PACK, 2)
    assert {entry.check.id for entry in report.left_to_centre} == LEFT
    assert not LEFT & {entry.check.id for entry in report.of(Verdict.UNKNOWN)}
    assert report.summary["unknown"] == len(report.of(Verdict.UNKNOWN))
    text = "\n".join(lines(report, 100, plain))
    title = PACK.checks["vulnerabilities.fixes_in_time"].title.en
    assert "What the collector answers (3)" in text
    assert text.index("What the collector answers") < text.index(title)
    assert "What the collector answers (3)" in page([report])
    assert not LEFT & {line["check"] for line in worst(report, 1000)}


def test_programs_see_them_unknown_with_the_reason() -> None:
    found = [one for one in document(judging.judge(snapshot(), PACK, 2))["results"] if one["check"] in LEFT]
    assert {(one["verdict"], one["findings"][0]["reason"].split(",")[0]) for one in found} == {
        ("unknown", "answered at the centre")
    }


def test_alone_they_are_no_reason_for_the_exit_code_of_what_is_open() -> None:
    assessment = judging.judge(snapshot(), PACK, 2).assessment
    assessment.results = [one for one in assessment.results if one.check in LEFT or one.verdict == Verdict.MANUAL]
    assert assessment.summary()["unknown"] == 0
    assert judging.exit_code([assessment]) == errors.UNKNOWN, "nothing passed: that alone is no success"
    for one in assessment.results[:1]:
        one.check, one.verdict = "a.check", Verdict.PASS
    assert judging.exit_code([assessment]) == errors.PASSED
