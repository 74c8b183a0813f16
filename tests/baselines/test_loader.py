from __future__ import annotations

import pytest

from baselines.loader import BaselineError, builtin, check_examples, load, load_texts
from collectors.model import Kind
from tests.baselines.toy import CHECKS, GROUPS, STANDARD, texts


def mistakes(**changed: str) -> list[str]:
    with pytest.raises(BaselineError) as refused:
        load_texts(texts(**changed))
    return [str(mistake) for mistake in refused.value.mistakes]


def test_a_sound_pack_loads_and_its_examples_come_out() -> None:
    toy = load_texts(texts())
    assert list(toy.requirements) == ["servers.authentication.lockout", "servers.authentication.review"]
    assert check_examples(toy) == []


def test_all_mistakes_are_reported_at_once_with_their_lines() -> None:
    checks = CHECKS.replace("failed_logins_before_lock, op: at_most", "failed_logins, op: at_mots").replace(
        "severity: high", "severity: hihg"
    )
    groups = GROUPS.replace("checks: [accounts.lockout]", "checks: [accounts.lokout]").replace("{2: 10, 3: 5}", "{2: 10}")
    found = mistakes(checks=checks, groups=groups)
    assert found[0].startswith("checks/password_policy.yaml:4: severity: Input should be 'critical', 'high'")
    assert "toy/servers.yaml:16: servers.authentication.lockout: parameter max_failed_logins has no value for level 3" in found
    assert "toy/servers.yaml:17: servers.authentication.lockout: unknown check 'accounts.lokout'" in found


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "failed_logins_before_lock, op",
            "failed_logins, op",
            "5: accounts.lockout: password_policy has no field 'failed_logins'; it has: quality_enforced",
        ),
        ("op: at_most", "op: at_mots", "5: accounts.lockout: unknown operator 'at_mots'; known: eq, ne"),
        ("op: at_most", "op: matches", "5: accounts.lockout: matches does not fit a field of type limit"),
        ("fact: password_policy", "fact: pasword_policy", "5: accounts.lockout: unknown fact 'pasword_policy'"),
        ("{param: max_failed_logins}}", "ten}", "5: accounts.lockout: 'ten' does not fit a field of type limit"),
        ("op: at_most,", "op: at_most, wrong: 1,", "5: accounts.lockout: unknown word 'wrong'"),
        ("  - {verdict: unknown, params: {max_failed_logins: 5}, seen: {}}\n", "", "6: "),
        ("remedy: ", "remdy: ", "10: remdy: Extra inputs are not permitted"),
        ("kinds: [server, workstation]", "kinds: [servers]", "3: kinds.0: Input should be 'server'"),
        ("severity: high", "severity: high\n  severity: low", "5: 'severity' stands twice"),
        ("title: {vi: ", "title: &a {vi: ", None),
    ],
)
def test_a_mistake_in_a_check_is_named_with_its_line(old: str, new: str, message: str | None) -> None:
    if message is None:
        load_texts(texts(checks=CHECKS.replace(old, new)))
        return
    assert any(line.startswith(f"checks/password_policy.yaml:{message}") for line in mistakes(checks=CHECKS.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("levels: [2, 3]", "levels: [2, 3, 4]", "level 4 is not one of the standard's"),
        ("levels: [2, 3]", "levels: [2, 3, 4]", "the group has no clause at level 4"),
        ("coverage: automated", "coverage: manual", "names checks, so its coverage is automated or partial"),
        ("coverage: automated", "coverage: partial", "guidance is needed"),
        ("    checks: [accounts.lockout]\n", "", "automated, but names no check"),
        ("{2: 10, 3: 5}", "{2: 5, 3: 10}", "becomes looser at a higher level"),
        ("{2: 10, 3: 5}", "{2: 10, 3: five}", "its values are whole numbers"),
        ("max_failed_logins: {levels", "max_tries: {levels", "parameter 'max_failed_logins' has no value"),
        ("  - id: servers.authentication.review", "  - id: servers.authentication.lockout", "stands twice"),
        ("kinds: [server]", "kinds: [switch]", "looks at no kind of asset"),
    ],
)
def test_a_mistake_in_a_requirement_is_named(old: str, new: str, message: str) -> None:
    assert any(message in line and line.startswith("toy/servers.yaml:") for line in mistakes(groups=GROUPS.replace(old, new)))


def test_yaml_traps_stay_text() -> None:
    # `no` is a setting of sshd, 08 and 1.10 are versions, 22:30 is a time
    toy = load_texts(texts(standard=STANDARD.replace('version: "1"', "version: 1.10").replace("en: Toy", "en: no")))
    assert (toy.version, toy.title.en) == ("1.10", "no")


def test_aliases_are_refused_because_they_multiply() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    assert any("aliases" in line for line in mistakes(standard=bomb))


def test_a_regular_expression_that_may_run_for_ever_is_refused() -> None:
    rule = "{fact: remote_access, field: log_level, op: matches, value: '(A+)+B'}"
    old = CHECKS.splitlines()[4].partition("assert: ")[2]
    assert any("may run for ever" in line for line in mistakes(checks=CHECKS.replace(old, rule)))


def test_broken_yaml_is_named_with_its_line() -> None:
    assert any(
        line.startswith("toy/standard.yaml:3: not YAML") for line in mistakes(standard="id: toy\ntitle: {vi: x\nversion: ]\n")
    )


def test_an_example_that_comes_out_otherwise_is_named() -> None:
    wrong = CHECKS.replace(
        "{verdict: fail, params: {max_failed_logins: 5}, seen: {password_policy: {failed_logins_before_lock: unlimited}}}",
        "{verdict: fail, params: {max_failed_logins: 5}, seen: {password_policy: {failed_logins_before_lock: 4}}}",
    )
    found = check_examples(load_texts(texts(checks=wrong)))
    assert [(mistake.line, "should be fail, is pass" in mistake.message) for mistake in found] == [(8, True)]


def test_the_digest_follows_every_byte() -> None:
    assert load_texts(texts()).digest != load_texts(texts(checks=CHECKS + "# a word\n")).digest


def test_a_pack_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(FileNotFoundError, match="tcvn_11930_2017"):
        load("tcvn_99999")


def test_every_pack_that_ships_is_sound_and_its_examples_come_out() -> None:
    for pack in builtin():
        assert check_examples(load(pack)) == []


@pytest.mark.parametrize(
    ("kind", "mistake"), [("system", None), ("server", "does not speak of the kind server: nothing to except")]
)
def test_what_speaks_of_the_organisation_is_excepted_for_the_system_as_a_whole(kind: str, mistake: str | None) -> None:
    entry = f"    exceptions: [{{kinds: [{kind}], type: person, reason: {{vi: Biên bản, en: Minutes}}}}]\n"
    text = texts(groups=GROUPS.replace("    guidance: {vi: Biên bản", entry + "    guidance: {vi: Biên bản"))
    if mistake is None:
        assert load_texts(text).requirements["servers.authentication.review"].exceptions[0].kinds == (Kind.SYSTEM,)
    else:
        with pytest.raises(BaselineError, match=mistake):
            load_texts(text)
