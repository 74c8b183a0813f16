from __future__ import annotations

import json
from pathlib import Path

import pytest

from baselines.evaluate import evaluate, judgeable, judged_before, requirement_verdict, turns
from baselines.loader import BaselineError, load_texts
from baselines.model import Verdict
from baselines.tailoring import Tailoring
from collectors.facts import FACTS
from collectors.model import Kind, Snapshot
from tests.baselines.toy import snapshot, texts

TOY = load_texts(texts())
CASES = Path(__file__).parents[1] / "cases"


def verdict(level: int = 2, tries: object = 5, **options: object) -> Verdict:
    seen = snapshot(password_policy={"failed_logins_before_lock": tries, "unseen": []}, **options)  # type: ignore[arg-type]
    return evaluate(seen, TOY, level).results[0].verdict


@pytest.mark.parametrize(
    ("level", "tries", "expected"),
    [(2, 10, "pass"), (3, 10, "fail"), (2, "unlimited", "fail"), (3, 5, "pass"), (2, None, "unknown")],
)
def test_the_level_decides_the_threshold(level: int, tries: object, expected: str) -> None:
    assert verdict(level, tries) == expected


@pytest.mark.parametrize("outcome", ["denied", "unreachable", "unsupported", "unparsable", "bug"])
def test_what_could_not_be_looked_at_is_unknown_and_says_why(outcome: str) -> None:
    result = evaluate(snapshot(outcome=outcome, password_policy={}), TOY, 2).results[0]  # type: ignore[arg-type]
    assert result.verdict == "unknown"
    assert result.findings[0].reason == f"{outcome}: why not"


def test_a_field_not_seen_is_unknown_with_the_collectors_own_reason() -> None:
    unseen = [{"field": "failed_logins_before_lock", "outcome": "denied", "reason": "/etc/pam.d: permission denied"}]
    seen = snapshot(password_policy={"failed_logins_before_lock": None, "unseen": unseen})
    result = evaluate(seen, TOY, 2).results[0]
    assert (result.verdict, result.findings[0].reason) == ("unknown", "denied: /etc/pam.d: permission denied")


def test_a_fact_that_is_missing_altogether_is_unknown() -> None:
    assert evaluate(snapshot(), TOY, 2).results[0].verdict == "unknown"


def test_a_fact_of_a_newer_agent_is_unknown_not_guessed() -> None:
    result = evaluate(snapshot(version=99, password_policy={"failed_logins_before_lock": 1}), TOY, 2).results[0]
    assert result.verdict == "unknown"
    assert "newer" in result.findings[0].reason


def test_a_value_of_the_wrong_type_is_unknown_and_does_not_crash() -> None:
    assert verdict(tries={"nested": 1}) == "unknown"


def test_applicability_is_by_kind_only() -> None:
    assert evaluate(snapshot(Kind.SWITCH), TOY, 3).results[0].verdict == "not_applicable"


def test_what_a_person_decides_is_manual_at_its_levels() -> None:
    assert evaluate(snapshot(), TOY, 2).summary() == {"fail": 0, "unknown": 1, "pass": 0, "manual": 0, "not_applicable": 0}
    assert evaluate(snapshot(), TOY, 3).summary() == {"fail": 0, "unknown": 1, "pass": 0, "manual": 1, "not_applicable": 0}
    assert evaluate(snapshot(), TOY, 3).coverage == {"automated": 1, "partial": 0, "manual": 1, "not_yet": 0}


def test_the_clause_is_that_of_the_level() -> None:
    assert evaluate(snapshot(), TOY, 2).results[0].clause == "6.2.2.1"
    assert evaluate(snapshot(), TOY, 3).results[0].clause == "7.2.2.1"


def test_a_level_the_standard_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="no level 7; it has 2, 3"):
        evaluate(snapshot(), TOY, 7)


def test_tailoring_tightens() -> None:
    stricter = Tailoring.parse("name: Tỉnh A\nparams: {servers.authentication.lockout: {max_failed_logins: 3}}")
    seen = snapshot(password_policy={"failed_logins_before_lock": 5})
    assert evaluate(seen, TOY, 3).results[0].verdict == "pass"
    assert evaluate(seen, TOY, 3, stricter).results[0].verdict == "fail"
    assert stricter.problems(TOY, 3) == []


def test_tailoring_never_loosens_and_says_that_a_waiver_is_needed() -> None:
    looser = Tailoring.parse("name: Tỉnh A\nparams: {servers.authentication.lockout: {max_failed_logins: 8}}")
    seen = snapshot(password_policy={"failed_logins_before_lock": 7})
    assert evaluate(seen, TOY, 3, looser).results[0].verdict == "fail"
    assert "needs a waiver" in str(looser.problems(TOY, 3)[0])
    assert looser.problems(TOY, 2) == []


def test_tailoring_of_what_the_pack_does_not_have_is_refused() -> None:
    wrong = Tailoring.parse("name: Tỉnh A\nparams: {servers.nothing: {x: 1}, servers.authentication.lockout: {y: 1}}")
    with pytest.raises(BaselineError) as refused:
        evaluate(snapshot(), TOY, 2, wrong)
    assert [mistake.message for mistake in refused.value.mistakes] == [
        "servers.authentication.lockout has no parameter 'y'; it has: max_failed_logins",
        "toy has no requirement 'servers.nothing'; `rasoat baseline show toy` lists those it has",
    ]


def test_another_level_is_compared_line_by_line() -> None:
    seen = snapshot(password_policy={"failed_logins_before_lock": 10})
    changed = turns(evaluate(seen, TOY, 2), evaluate(seen, TOY, 3))
    assert [(turn.requirement, turn.before, turn.after) for turn in changed] == [
        ("servers.authentication.lockout", "pass", "fail"),
        ("servers.authentication.review", None, "manual"),
    ]


def test_two_judges_that_agree_have_one_digest_and_a_changed_verdict_another() -> None:
    passing, failing = ({"failed_logins_before_lock": tries} for tries in (5, "unlimited"))
    one = evaluate(snapshot(password_policy=passing), TOY, 3).verdicts_digest()
    assert one == evaluate(snapshot(password_policy=passing), TOY, 3).verdicts_digest()
    assert one != evaluate(snapshot(password_policy=failing), TOY, 3).verdicts_digest()


def test_a_requirement_is_as_bad_as_its_worst_result() -> None:
    results = evaluate(snapshot(password_policy={"failed_logins_before_lock": 99}), TOY, 3).results
    assert requirement_verdict(results) == "fail"


@pytest.mark.parametrize("tries", ["", [], {"nested": 1}, -1, "5"])
def test_a_fact_that_does_not_fit_its_type_is_unparsable_once_it_comes_from_somewhere_else(tries: object) -> None:
    fact = {name: None for name in FACTS["password_policy"].model_fields if name != "unseen"} | {
        "failed_logins_before_lock": tries
    }
    read = Snapshot.from_bytes(snapshot(password_policy=fact).to_bytes())
    assert read.by_fact["password_policy"].outcome == "unparsable"
    assert read.problems()[0].startswith("password_policy: the fact does not fit its type: failed_logins_before_lock")
    assert evaluate(read, TOY, 2).results[0].verdict == "unknown"


@pytest.mark.parametrize("case", sorted(CASES.glob("password_policy/debian*/expected.json")), ids=lambda case: case.parent.name)
def test_a_snapshot_judged_before_is_judged_alike_without_checking_it_again(case: Path) -> None:
    policy = json.loads(case.read_text("utf-8"))
    seen = snapshot(password_policy=policy)
    raw = seen.to_bytes()
    assert Snapshot.from_bytes(raw) == seen, "sound, as judged_before demands"
    again = judged_before(raw)
    assert again == judgeable(seen)
    assert evaluate(again, TOY, 3) == evaluate(seen, TOY, 3)
