"""What others wrote is read with suspicion: each trap is refused with file:line, and nothing runs for ever or ends the program."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from baselines.compiler import Compiler
from baselines.fields import FieldType
from baselines.loader import BaselineError, load_texts
from baselines.operators import Context
from baselines.reading import MAX_BYTES, MAX_DEPTH, Reading
from tests.baselines.toy import CHECKS, GROUPS, STANDARD, texts

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def mistakes(**changed: str) -> list[str]:
    with pytest.raises(BaselineError) as refused:
        load_texts(texts(**changed))
    return [str(mistake) for mistake in refused.value.mistakes]


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000 + "x", "{a: " * 100_000, "[" * 100_000 + "]" * 100_000])
def test_deep_nesting_is_refused_and_does_not_end_the_program(text: str) -> None:
    assert f"toy/standard.yaml:1: not YAML: nested deeper than {MAX_DEPTH}: write it flatter" in mistakes(standard=text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [x]\nb: *a", "1: aliases"),
        ("a: &a x\nb:\n  c: *a", "1: aliases"),
        ("&a [*a]", "1: aliases"),
        ("a: !!timestamp 2026-11-22", "1: the tag 'timestamp' is not used here"),
        ("x: 1\na: !!python/object/apply:os.system [id]", "2: the tag"),
        ("a: !!int '08'", "1: the tag 'int' is not used here"),
        ("? [a]\n: b", "1: a key is a word"),
        ("a: 1\nb: 2\na: 3", "3: 'a' stands twice in one mapping"),
        ("a: 1\n---\nb: 2", "2: not YAML"),
        ("a: \x01", "1: not YAML"),
        ("x" * (MAX_BYTES + 1), "1: larger than 2 MiB"),
    ],
)
def test_traps_of_yaml_are_named_with_their_line(text: str, message: str) -> None:
    reading = Reading({"f.yaml": text})
    assert reading.parsed("f.yaml", text) is None
    assert any(str(mistake).startswith(f"f.yaml:{message}") for mistake in reading.mistakes), reading.mistakes


def test_a_bomb_of_aliases_is_refused_before_it_is_walked_through() -> None:
    # 9 to the 40th: whoever walks through it never comes back
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]" for number in range(1, 40)]
    assert any("aliases" in line for line in mistakes(standard="\n".join(lines)))


@pytest.mark.parametrize(
    "word", ["no", "yes", "on", "off", "08", "1.10", "0x1F", "1_000", "2026-11-22", "12:30:00", "1e3", ".inf", "<<", "="]
)
def test_words_other_yaml_readers_turn_into_something_else_stay_text(word: str) -> None:
    assert Reading({}).parsed("f", f"a: {word}\nb: [{word}]") == {"a": word, "b": [word]}


@pytest.mark.parametrize(
    "pattern",
    ["(A+)+B", "((a+)b)+", "(a|a)*", "(a|aa)+$", "(.*a){20}", r"(.)\1+", "(?P<a>x+)(?P=a)", ".*.*.*.*x", "a?" * 30 + "a" * 30, "(?:ab)+", "a" * 501, "([a-z]+)*", "((((a*)*)*)*)*", "(", "[", "a{2,1}"],
)  # fmt: skip
def test_a_regular_expression_that_may_run_for_ever_or_is_none_is_refused(pattern: str) -> None:
    assert re.match(
        "this regular expression may run for ever|not a regular expression", FieldType("text").refuses("matches", pattern) or ""
    )


@pytest.mark.parametrize(
    "pattern", [".*sha1(-.*)?(@.*)?", "[)*]*a", r"\)*", "(a|b|c.*)", "0?[0-7][2367]7", r"(?i)(x|y)(\..*)?", "a{2,5}"]
)
def test_a_regular_expression_that_ends_soon_is_taken(pattern: str) -> None:
    assert FieldType("text").refuses("matches", pattern) is None


def test_text_too_long_for_a_pattern_is_unknown_and_says_so() -> None:
    compiler = Compiler(params={})
    rule = compiler.rule({"fact": "remote_access", "field": "log_level", "op": "matches", "value": "A*B*C*"})
    assert rule(Context({"remote_access": {"log_level": "A" * 256}}, {}, NOW))[0] is True
    truth, findings = rule(Context({"remote_access": {"log_level": "A" * 257}}, {}, NOW))
    assert truth is None
    assert "longer than 256 characters" in findings[0].reason


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        (["bash"], "BASH", True),
        (["bash"], "bash-completion", False),
        (["lib*"], "libc6", True),
        (["*torrent*"], "qBittorrent", True),
        (["python3.?"], "python3.9", True),
        (["python3.?"], "python3x9", False),
        (["a.b"], "axb", False),
        (["[a-z]*"], "bash", False),
        (["x", "y*"], "yes", True),
    ],
)
def test_like_knows_star_and_question_mark_only(value: list[str], name: str, expected: bool) -> None:
    compiler = Compiler(params={})
    rule = compiler.rule(
        {"every": {"fact": "software", "rows": "packages", "must": {"field": "name", "op": "like", "value": value}}}
    )
    assert not compiler.mistakes
    assert rule(Context({"software": {"packages": [{"name": name}]}}, {}, NOW))[0] is expected


PARAM = "max_failed_logins: {levels: {2: 10, 3: 5}, origin: house, stricter: lower, unit: tries}"
LIST = "names: {levels: {2: [a, b], 3: [a]}, origin: house, stricter: subset, unit: names}"


@pytest.mark.parametrize(
    ("param", "message"),
    [
        (PARAM.replace(", stricter: lower", ""), "is a number or a list, so it says which way is stricter"),
        (PARAM.replace(", unit: tries", ""), "so it names its unit"),
        (PARAM.replace("origin: house", "origin: mine"), "Input should be 'standard', 'regulation', 'house' or 'customer'"),
        (
            PARAM.replace("stricter: lower", "stricter: smaller"),
            "Input should be 'lower', 'higher', 'subset', 'superset' or 'replace'",
        ),
        (PARAM.replace("3: 5", "3: 05"), "its values are whole numbers"),
        (PARAM.replace("3: 5", "3: [5]"), "its values are whole numbers"),
        (LIST.replace("3: [a]", "3: [a, c]"), "becomes looser at a higher level"),
        (LIST.replace("subset", "superset"), "becomes looser at a higher level"),
        (LIST.replace("3: [a]", "3: 5"), "its values are lists of words"),
        (LIST.replace("3: [a]", "3: []"), "only the customer can say it: its origin is customer"),
        (LIST.replace("subset", "replace"), "is replaced by the customer's list, so it is empty"),
    ],
)
def test_a_parameter_that_does_not_say_whose_it_is_or_loosens_is_refused(param: str, message: str) -> None:
    groups = GROUPS.replace(PARAM, param if param.startswith("max") else f"{PARAM}\n      {param}")
    found = mistakes(groups=groups)
    assert any(
        message in line and line.startswith(f"toy/servers.yaml:{16 if param.startswith('max') else 17}:") for line in found
    ), found


EXCEPTION = (
    "    exceptions: [{kinds: [server], platforms: [windows], type: elsewhere, reason: {vi: Ở miền, en: In the domain}}]\n"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (EXCEPTION.replace(", platforms: [windows]", ""), "automated, yet an exception speaks of every platform"),
        (EXCEPTION.replace("[server]", "[switch]"), "does not speak of the kind switch"),
        (EXCEPTION.replace("[server]", "[]"), "at least 1 item"),
        (EXCEPTION.replace("elsewhere", "too_hard"), "Input should be 'elsewhere', 'person' or 'not_collected'"),
        (EXCEPTION.replace(", reason: {vi: Ở miền, en: In the domain}", ""), "Field required"),
        (EXCEPTION.replace("[{", "[{kinds: [server], platforms: [windows], type: person, reason: {vi: Khác, en: Other}}, {"), "the same assets are excepted twice"),
    ],
)  # fmt: skip
def test_an_exception_without_a_reason_or_of_what_is_not_asked_is_refused(text: str, message: str) -> None:
    checks = "    checks: [accounts.lockout]\n"
    load_texts(texts(groups=GROUPS.replace(checks, checks + EXCEPTION)))
    found = mistakes(groups=GROUPS.replace(checks, checks + text))
    assert any(message in line and line.startswith("toy/servers.yaml:18:") for line in found), found


def test_a_clause_outside_the_chapter_of_its_level_is_unknown() -> None:
    standard = STANDARD + "chapters: {2: '6', 3: '7'}\n"
    load_texts(texts(standard=standard))
    found = mistakes(standard=standard, groups=GROUPS.replace('3: "7.2.2.1"', '3: "6.2.2.1"'))
    assert found == [
        "toy/servers.yaml:6: servers.authentication: the standard has no clause '6.2.2.1' at level 3: there they begin with 7."
    ]


def test_one_id_for_two_checks_is_refused_with_both_places() -> None:
    assert any(
        "check 'accounts.lockout' exists already in checks/password_policy.yaml" in line
        for line in mistakes(checks=CHECKS + CHECKS)
    )
