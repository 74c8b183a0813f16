"""The vocabulary itself: three-valued logic, and that not knowing never helps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.compiler import Compiler
from baselines.evaluate import EXAMPLE_TIME, try_example
from baselines.loader import builtin, load
from baselines.model import Check, Example
from baselines.operators import Context

NOW = datetime(2026, 11, 22, tzinfo=UTC)
A = {"fact": "clock", "field": "running", "op": "eq", "value": True}
B = {"fact": "clock", "field": "synchronised", "op": "eq", "value": True}


def ask(rule: dict[str, Any], **facts: dict[str, Any]) -> bool | None:
    compiler = Compiler(params={})
    compiled = compiler.rule(rule)
    assert not compiler.mistakes, compiler.mistakes
    return compiled(Context(facts, {}, NOW))[0]


THREE = st.sampled_from([True, False, None])


@given(THREE, THREE)
def test_all_any_and_not_follow_kleene(a: bool | None, b: bool | None) -> None:
    clock = {"running": a, "synchronised": b}
    worst = False if False in (a, b) else None if None in (a, b) else True
    best = True if True in (a, b) else None if None in (a, b) else False
    assert ask({"all": [A, B]}, clock=clock) is worst
    assert ask({"any": [A, B]}, clock=clock) is best
    assert ask({"not": A}, clock=clock) is (None if a is None else not a)


def leaf(fact: str, field: str, op: str, value: Any, observed: Any) -> bool | None:
    return ask({"fact": fact, "field": field, "op": op, "value": value}, **{fact: {field: observed}})


@pytest.mark.parametrize(
    ("fact", "field", "op", "value", "observed", "expected"),
    [
        ("password_policy", "failed_logins_before_lock", "at_most", 5, "unlimited", False),
        ("password_policy", "failed_logins_before_lock", "at_least", 5, "unlimited", True),
        ("password_policy", "failed_logins_before_lock", "at_most", 5, 0, True),
        ("password_policy", "min_length", "at_least", 8, 8, True),
        ("password_policy", "min_length", "at_least", 8, 7, False),
        ("remote_access", "permit_root_login", "in", ["no", "prohibit-password"], "yes", False),
        ("remote_access", "permit_root_login", "not_in", ["yes"], "no", True),
        ("remote_access", "log_level", "matches", "INFO|VERBOSE", "INFO", True),
        ("remote_access", "log_level", "matches", "INFO|VERBOSE", "INFORMATION", False),
        ("identity", "os_version", "version_at_least", "12", "9.10", False),
        ("identity", "os_version", "version_at_least", "9.9", "9.10", True),
        ("identity", "addresses", "cidr_in", ["10.0.0.0/8"], ["10.1.2.3", "192.0.2.1"], False),
        ("logs", "audit_topics", "contains", ["time", "identity"], ["identity", "time"], True),
        ("logs", "audit_topics", "contains", ["time", "identity"], ["identity"], False),
        ("logs", "forwards", "is_empty", False, [], False),
        ("updates", "lists_dated", "within_days", 7, "2026-11-16T00:00:00Z", True),
        ("updates", "lists_dated", "within_days", 7, "2026-11-14T00:00:00Z", False),
        ("updates", "lists_dated", "within_days", 7, "2027-11-14T00:00:00Z", None),
        ("updates", "support_ends", "older_than", 0, "2026-11-21", True),
        ("updates", "support_ends", "older_than", 0, "2026-11-22", False),
        ("updates", "support_ends", "older_than", 0, "2030-01-01", False),
        ("updates", "support_ends", "days_ahead", 30, "2026-12-22", True),
        ("updates", "support_ends", "days_ahead", 30, "2026-12-21", False),
        ("updates", "support_ends", "days_ahead", 0, "2026-11-21", False),
    ],
)
def test_comparisons(fact: str, field: str, op: str, value: Any, observed: Any, expected: bool | None) -> None:
    assert leaf(fact, field, op, value, observed) is expected


def test_never_logged_on_counts_as_longer_ago_than_anything() -> None:
    rows = {"users": [{"name": "an", "last_logon": "never"}]}
    assert (
        ask(
            {"none": {"fact": "accounts", "rows": "users", "where": {"field": "last_logon", "op": "older_than", "value": 45}}},
            accounts=rows,
        )
        is False
    )
    assert (
        ask(
            {"every": {"fact": "accounts", "rows": "users", "must": {"field": "last_logon", "op": "within_days", "value": 45}}},
            accounts=rows,
        )
        is False
    )


EMPTY = {"field": "password", "op": "eq", "value": "empty"}
PERSON = {"field": "interactive", "op": "eq", "value": True}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (None, None),
        ([], True),
        ([{"name": "an", "interactive": True, "password": "set"}], True),
        ([{"name": "an", "interactive": True, "password": "empty"}], False),
        ([{"name": "an", "interactive": True, "password": None}], None),
        ([{"name": "an", "interactive": False, "password": None}], True),
        (
            [{"name": "an", "interactive": True, "password": None}, {"name": "bi", "interactive": True, "password": "empty"}],
            False,
        ),
    ],
)
def test_none_over_rows_and_over_a_list_nobody_saw(rows: Any, expected: bool | None) -> None:
    assert (
        ask({"none": {"fact": "accounts", "rows": "users", "where": {"all": [PERSON, EMPTY]}}}, accounts={"users": rows})
        is expected
    )


@pytest.mark.parametrize(
    ("word", "rows", "expected"),
    [
        ("every", None, None),
        ("every", [], True),
        ("every", ["aes"], True),
        ("every", ["aes", "3des"], False),
        ("some", None, None),
        ("some", [], False),
        ("some", ["aes", "3des"], True),
        ("some", ["3des"], False),
    ],
)
def test_plain_rows(word: str, rows: Any, expected: bool | None) -> None:
    part = "must" if word == "every" else "where"
    rule = {word: {"fact": "remote_access", "rows": "ciphers", part: {"op": "in", "value": ["aes"]}}}
    assert ask(rule, remote_access={"ciphers": rows}) is expected


def test_a_failing_row_is_shown_with_its_name_and_what_was_looked_at() -> None:
    compiler = Compiler(params={})
    rule = compiler.rule({"none": {"fact": "accounts", "rows": "users", "where": EMPTY}})
    _, findings = rule(Context({"accounts": {"users": [{"name": "an", "uid": 1000, "password": "empty"}]}}, {}, NOW))
    assert findings[0].observed == {"name": "an", "password": "empty"}


def test_a_thousand_failing_rows_are_counted_not_all_shown() -> None:
    compiler = Compiler(params={})
    rule = compiler.rule({"none": {"fact": "accounts", "rows": "users", "where": EMPTY}})
    rows = [{"name": f"u{number}", "password": "empty"} for number in range(1000)]
    _, findings = rule(Context({"accounts": {"users": rows}}, {}, NOW))
    assert (len(findings), findings[-1].observed, findings[-1].reason) == (21, 980, "more rows like these")


SHIPPED = [check for pack in builtin() for check in load(pack).checks.values()]


@pytest.mark.parametrize("check", SHIPPED, ids=lambda check: check.id)
def test_knowing_less_never_turns_a_verdict_into_another_answer(check: Check) -> None:
    """Take each seen field away from each example: the verdict stays or becomes unknown."""
    for example in check.examples:
        for fact, fields in example.seen.items():
            for field in fields:
                less = {**example.seen, fact: {key: value for key, value in fields.items() if key != field}}
                verdict, why = try_example(
                    check, Example(verdict=example.verdict, params=example.params, seen=less, at=example.at or EXAMPLE_TIME)
                )
                assert verdict in (example.verdict, "unknown"), f"{fact}.{field} taken away: {verdict} ({why})"


ORIGIN = st.sampled_from(["Debian", "debian", "", "Ubuntu", None, 3, True, ["Debian"]])
ROW = st.one_of(
    st.fixed_dictionaries({"origin": ORIGIN, "name": st.just("x")}), st.just({"name": "no origin"}), st.just("a word")
)


@given(st.lists(ROW, max_size=40), st.sampled_from([("eq", ""), ("in", ["Debian", "Ubuntu"]), ("like", ["deb*"])]))
def test_many_rows_are_judged_like_a_few(rows: list[Any], asked: tuple[str, Any]) -> None:
    """Long lists are asked each distinct value once: this must not change what comes out, nor which rows are shown."""
    part = {"field": "origin", "op": asked[0], "value": asked[1]}
    for rule in (
        {"every": {"fact": "software", "rows": "packages", "must": part}},
        {"none": {"fact": "software", "rows": "packages", "where": part}},
    ):
        compiled = Compiler(params={}).rule(rule)
        context = Context({"software": {"packages": rows}}, {}, NOW)
        answers = []
        for worth in (1, 1000):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("baselines.operators.WORTH_GROUPING", worth)
                answers.append(compiled(context))
        assert answers[0] == answers[1]
