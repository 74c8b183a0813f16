"""What a unit may change of a pack, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baselines.compiler import Compiler
from baselines.evaluate import evaluate, try_example
from baselines.loader import BaselineError, builtin, load, load_texts
from baselines.model import Baseline, Requirement, Verdict
from baselines.tailoring import Tailoring
from collectors.model import Kind
from tests.baselines.toy import CHECKS, GROUPS, snapshot, texts

LISTS = """\
  - id: servers.software
    reference_id: may_chu.phan_mem
    levels: [2, 3]
    title: {vi: Phần mềm, en: Software}
    confidence: memory
    kinds: [server]
    coverage: partial
    guidance: {vi: Danh mục, en: The list}
    params:
      trusted: {levels: {2: [Debian, Docker], 3: [Debian]}, origin: house, stricter: subset, unit: names}
      denied: {levels: {2: [telnetd], 3: [telnetd, nis]}, origin: house, stricter: superset, unit: names}
      allowed: {levels: {2: [], 3: []}, origin: customer, stricter: replace, unit: names}
    checks: [software.trusted, software.denied, software.allowed]
"""
LIST_CHECKS = "".join(
    f"""\
- id: software.{name}
  title: {{vi: Phần mềm, en: Software}}
  kinds: [server]
  severity: low
  assert: {rule}
  examples:
  - {{verdict: pass, params: {{{name}: [Debian]}}, seen: {{software: {{packages: []}}}}}}
  - {{verdict: fail, params: {{{name}: [{hit}]}}, seen: {{software: {{packages: [{{name: nis, origin: X}}]}}}}}}
  - {{verdict: unknown, params: {{{name}: [Debian]}}, seen: {{}}}}
  remedy: {{vi: Gỡ, en: Remove it}}
"""
    for name, hit, rule in (
        (
            "trusted",
            "Debian",
            "{every: {fact: software, rows: packages, must: {field: origin, op: in, value: {param: trusted}}}}",
        ),
        ("denied", "nis", "{none: {fact: software, rows: packages, where: {field: name, op: like, value: {param: denied}}}}"),
        ("allowed", "bash", "{every: {fact: software, rows: packages, must: {field: name, op: like, value: {param: allowed}}}}"),
    )
)
TOY = load_texts(texts(groups=GROUPS + LISTS, checks=CHECKS + LIST_CHECKS))


def tailored(body: str) -> Tailoring:
    return Tailoring.parse(f"name: Tỉnh A\nparams:\n  {body}\n", "tinh-a.yaml")


def refused(body: str, level: int | None = 3, pack: Baseline = TOY) -> str:
    return "\n".join(map(str, tailored(body).problems(pack, level)))


def verdicts(tailoring: Tailoring | None, level: int = 3, kind: Kind = Kind.SERVER, **facts: Any) -> dict[str, Verdict]:
    return {
        result.check or result.requirement: result.verdict
        for result in evaluate(snapshot(kind, **facts), TOY, level, tailoring).results
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("servers.authentication.lockout: {max_failed_logins: 8}", "tinh-a.yaml:3: servers.authentication.lockout.max_failed_logins: 8 is looser than 5 of level 3; loosening needs a waiver, which is given at the collector"),
        ("servers.software: {trusted: [Debian, Docker]}", "[Debian, Docker] is looser than [Debian] of level 3; loosening needs a waiver"),
        ("servers.software: {trusted: [Chocolatey]}", "[Chocolatey] is looser than [Debian] of level 3"),
        ("servers.software: {trusted: []}", "an empty list would ask nothing: leave the parameter out"),
        ("servers.software: {allowed: bash}", "give a list of names"),
        ("servers.software: {allowed: [1]}", "give a list of names"),
        ("servers.software: {allowed: ['*']}", "a pattern of * alone would name everything"),
        ("servers.software: {denied: [a*b*c*d*e*f]}", "more than 4 *"),
        ("servers.authentication.lockout: {max_failed_logins: 08}", "cannot be tailored to '08': give a whole number of tries"),
        ("servers.authentication.lockout: {max_failed_logins: no}", "cannot be tailored to 'no': give a whole number of tries"),
        ("servers.authentication.lockout: {max_failed_logins: 2026-11-22}", "give a whole number of tries"),
        ("servers.authentication.lockout: {max_failed_logins: [3]}", "give a whole number of tries"),
        ("servers.authentication.lockout: {tries: 3}", "has no parameter 'tries'; it has: max_failed_logins"),
        ("servers.lockout: {max_failed_logins: 3}", "`rasoat baseline show toy` lists those it has"),
    ],
)  # fmt: skip
def test_what_may_not_be_is_refused_with_its_line_and_the_way_out(body: str, message: str) -> None:
    found = refused(body)
    assert message in found
    assert found.startswith("tinh-a.yaml:3: ")


@pytest.mark.parametrize(
    "text",
    [
        "name: &a x\nparams: {servers.software: {allowed: [*a]}}",
        "name: x\nname: y",
        "name: x\nwaivers: []",
        "name: x\nparams: {servers.software: {allowed: !!python/name:os.system ''}}",
        "name: x\nparams: [servers.software]",
        "name: " + "[" * 100_000,
        "name: x\nparams: {servers.authentication.lockout: {max_failed_logins: !!int '3'}}",
        "name: x\nnot_applicable: [{requirement: servers.software, type: too_hard, reason: Khó thực hiện được, by: An}]",
        "name: x\nnot_applicable: [{requirement: servers.software, type: absent, reason: Không, by: An}]",
        "name: x\nnot_applicable: [{requirement: servers.software, type: absent, reason: Không có phần mềm}]",
        "",
        "- x",
        "\x00",
    ],
)
def test_bad_text_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(BaselineError) as error:
        Tailoring.parse(text, "t.yaml")
    assert all(str(mistake).startswith("t.yaml:") for mistake in error.value.mistakes)


def test_a_stricter_list_of_what_may_be_holds_and_a_looser_one_never_does() -> None:
    packages = {"packages": [{"name": "docker-ce", "origin": "Docker"}]}
    assert verdicts(None, 2, software=packages)["software.trusted"] == "pass"
    assert verdicts(tailored("servers.software: {trusted: [Debian]}"), 2, software=packages)["software.trusted"] == "fail"
    looser = tailored("servers.software: {trusted: [Debian, Docker]}")
    assert verdicts(looser, 3, software=packages)["software.trusted"] == "fail", "in force already, and still it loosens nothing"
    assert "waiver" in str(looser.problems(TOY, 3)[0])
    assert looser.problems(TOY, 2) == []
    assert looser.problems(TOY) == [], "fit for one level, so a unit above may hand it down"


def test_what_the_unit_denies_is_added_to_what_the_pack_denies() -> None:
    more = tailored("servers.software: {denied: ['*Torrent*']}")
    assert more.problems(TOY, 3) == []
    for name, verdict in (("nis", "fail"), ("qbittorrent", "fail"), ("bash", "pass")):
        assert verdicts(more, software={"packages": [{"name": name, "origin": "Debian"}]})["software.denied"] == verdict


def test_what_only_the_customer_can_say_is_not_asked_until_it_is_said() -> None:
    packages = {"packages": [{"name": "nmap", "origin": "Debian"}]}
    assert "software.allowed" not in verdicts(None, software=packages), "neither pass nor unknown"
    assert verdicts(tailored("servers.software: {allowed: [bash]}"), software=packages)["software.allowed"] == "fail"
    assert verdicts(tailored("servers.software: {allowed: [n*p]}"), software=packages)["software.allowed"] == "pass"
    assert verdicts(tailored("servers.software: {allowed: [bash]}"), software={"packages": None})["software.allowed"] == "unknown"


WORD = "name: x\nnot_applicable: [{requirement: servers.authentication.lockout, type: absent, reason: Máy không có tài khoản người dùng, by: Nguyễn Văn An}]"


def test_what_does_not_apply_says_whose_word_it_is_and_is_no_pass() -> None:
    word = Tailoring.parse(WORD)
    assert word.problems(TOY) == []
    before, after = (evaluate(snapshot(password_policy={"failed_logins_before_lock": 1}), TOY, 2, one) for one in (None, word))
    assert (before.results[0].verdict, after.results[0].verdict) == ("pass", "not_applicable")
    said = after.results[0].findings[0]
    assert (said.expected, said.observed, said.reason) == ("absent", "Nguyễn Văn An", "Máy không có tài khoản người dùng")
    assert after.coverage["automated"] == before.coverage["automated"] - 1, "what does not apply is not counted as covered"


def test_a_word_about_what_the_pack_does_not_have_is_refused() -> None:
    unknown = Tailoring.parse(WORD.replace("servers.authentication.lockout", "servers.moon"), "t.yaml").problems(TOY)
    assert str(unknown[0]).startswith("t.yaml:2: toy has no requirement 'servers.moon'")
    kinds = Tailoring.parse(WORD.replace("type: absent", "kinds: [switch], type: absent")).problems(TOY)
    assert "does not speak of the kind switch" in str(kinds[0])


NAMES = st.sampled_from(["bash", "nis", "telnetd", "n*", "*t*", "Debian", "Docker", "X"])
VALUES = st.one_of(st.integers(-5, 30), st.lists(NAMES, max_size=4), st.just("unlimited"))
TAILORED = st.fixed_dictionaries(
    {},
    optional={
        "servers.authentication.lockout": st.fixed_dictionaries({"max_failed_logins": VALUES}),
        "servers.software": st.fixed_dictionaries({}, optional=dict.fromkeys(("trusted", "denied", "allowed"), VALUES)),
    },
)
PACKAGES = st.none() | st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["bash", "nis", "telnetd"]), "origin": st.sampled_from(["Debian", "Docker", "", None])}
    ),
    max_size=4,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(TAILORED, PACKAGES, st.none() | st.integers(0, 20) | st.just("unlimited"), st.sampled_from([2, 3]))
def test_no_tailoring_makes_a_pass_of_what_is_none_without_it(
    params: dict[str, Any], packages: list[dict[str, Any]] | None, tries: object, level: int
) -> None:
    """Whatever a file says: it is refused, or every check asked without it comes out the same or worse."""
    facts: dict[str, Any] = {"software": {"packages": packages}, "password_policy": {"failed_logins_before_lock": tries}}
    before = verdicts(None, level, **facts)
    tailoring = Tailoring("Tỉnh A", params, repr(params))
    try:
        after = verdicts(tailoring, level, **facts)
    except BaselineError:
        return
    assert set(before) <= set(after), "nothing that was asked is no longer asked"
    for check, verdict in before.items():
        assert not (after[check] == "pass" and verdict != "pass"), check
    TOY.rulesets.clear()


def directed(pack: Baseline) -> list[tuple[Requirement, str, str]]:
    return [
        (requirement, name, check)
        for requirement in pack.requirements.values()
        for name, spec in requirement.params.items()
        if spec.stricter in ("lower", "higher")
        for check in requirement.checks
    ]


@pytest.mark.parametrize("name", builtin())
def test_the_direction_a_parameter_calls_stricter_is_stricter_for_its_checks(name: str) -> None:
    """Move each threshold of each pack its stricter way: no example that failed passes."""
    pack = load(name)
    looked = set()
    for requirement, param, check_id in directed(pack):
        check, spec = pack.checks[check_id], requirement.params[param]
        compiler = Compiler(params=None)
        compiler.rule(check.assert_)
        if check.provided is not None:
            compiler.rule(check.provided)
        if param not in compiler.used or (param, check_id, spec.stricter) in looked:
            continue
        looked.add((param, check_id, spec.stricter))
        for example in check.examples:
            given_value = example.params[param]
            assert isinstance(given_value, int)
            for step in (1, 2, 10, 100):
                value = given_value + (step if spec.stricter == "higher" else -step)
                if value < 0:
                    continue
                verdict, why = try_example(check, example.model_copy(update={"params": example.params | {param: value}}))
                assert verdict != "pass" or example.verdict == "pass", f"{requirement.id}.{param}: {check_id}: {why}"
    assert looked or not directed(pack)
