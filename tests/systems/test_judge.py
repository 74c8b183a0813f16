"""A system is as bad as its worst machine, and no word makes a machine better than it was seen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.loader import load_texts
from baselines.systems.judge import judge_system
from baselines.systems.result import State
from baselines.tailoring import Tailoring
from collectors.model import Kind, Platform, Record, Snapshot
from tests.systems.toy import (
    AT,
    HEAD,
    LOCKOUT,
    PACK,
    REVIEW,
    ROOT,
    TAP,
    ZONE,
    attestation,
    judged,
    line,
    machine,
    silent,
    system,
    waiver,
)

GOOD = (machine("web-01"), machine("web-02"))
GOODNESS = {State.MET: 2, State.PARTLY: 1}
"""How good a state is: not met and not determined are alike, as neither claims anything."""


def state(*snapshots: Snapshot, of: str = LOCKOUT, **words: str) -> str:
    return str(line(judged(*snapshots, **words), of).state)


# machines --------------------------------------------------------------------------------------------------------------


def test_every_machine_passing_is_met() -> None:
    found = line(judged(*GOOD), LOCKOUT)
    assert found.state == "met"
    assert found.counts["applicable"] == found.counts["pass"] == 2


def test_one_machine_that_fails_is_enough() -> None:
    found = line(judged(machine("web-01"), machine("web-02", tries=9)), LOCKOUT)
    assert found.state == "not_met"
    assert (found.counts["pass"], found.counts["fail"]) == (1, 1)


def test_a_machine_without_a_snapshot_is_counted_apart_and_never_dropped() -> None:
    found = line(judged(machine("web-01")), LOCKOUT)
    assert found.state == "undetermined"
    assert (found.counts["applicable"], found.counts["not_reached"], found.counts["unknown"]) == (2, 1, 0)
    assert [one.asset for one in found.assets] == ["web-01", "web-02"]


def test_a_machine_nobody_reached_is_the_same_and_keeps_its_reason() -> None:
    assessment = judged(machine("web-01"), silent("web-02"))
    found = line(assessment, LOCKOUT)
    assert (found.state, found.counts["not_reached"]) == ("undetermined", 1)
    assert assessment.assets[1].reason == "unreachable: no answer"
    assert found.assets[1].checks[0].result.findings[0].reason == "unreachable: no answer"


def test_a_fail_outweighs_what_is_unknown() -> None:
    assert state(machine("web-01", tries=9)) == "not_met"


@pytest.mark.parametrize("tries", [5, 9])
def test_a_snapshot_that_is_too_old_is_unknown_and_named(tries: int) -> None:
    assessment = judged(machine("web-01"), machine("web-02", tries=tries, days=31))
    found = line(assessment, LOCKOUT)
    assert found.state == "undetermined"
    assert (found.counts["unknown"], found.counts["stale"]) == (1, 1)
    assert [one.asset.name for one in assessment.assets if one.reach == "stale"] == ["web-02"]


def test_a_snapshot_from_after_the_day_of_judgement_decides_nothing() -> None:
    assert judged(*GOOD, at=AT - timedelta(days=5)).reaches["later"] == 2
    assert str(line(judged(*GOOD, at=AT - timedelta(days=5)), LOCKOUT).state) == "undetermined"


def test_the_newest_snapshot_counts_whatever_the_order() -> None:
    old, new = machine("web-02", tries=9, days=9), machine("web-02", days=2)
    assert state(GOOD[0], old, new) == state(new, old, GOOD[0]) == "met"


def test_the_registered_kind_decides_what_is_asked() -> None:
    assert state(GOOD[0], machine("web-02", tries=9, kind=Kind.OTHER)) == "not_met"


def test_targets_that_are_no_asset_are_named() -> None:
    assert judged(*GOOD, machine("db-09")).unregistered == ["db-09"]


def test_no_machine_of_the_kind_is_no_reason_to_call_it_not_applicable() -> None:
    found = line(judged(*GOOD), TAP)
    assert (found.state, found.nobody) == ("undetermined", True)


def test_what_is_seen_from_outside_never_takes_the_place_of_what_the_machine_said() -> None:
    seen = machine("nmap:192.0.2.1", tries=9, platform=Platform.OUTSIDE, via="nmap", labels=("web-02",), days=0)
    assessment = judged(*GOOD, seen)
    assert line(assessment, LOCKOUT).state == "met"
    assert assessment.assets[1].outside is not None
    assert assessment.unregistered == []


def exposed(days: float = 1) -> Snapshot:
    """web-02 as seen from outside, with telnet open."""
    seen = {"answered": True, "asked_tcp_ports": [23], "open_tcp_ports": [23], "services": []}
    made = machine("nmap:192.0.2.1", days=days, platform=Platform.OUTSIDE, via="nmap", labels=("web-02",))
    return made.model_copy(update={"records": (Record(fact="exposure", outcome="seen", data=seen),)})


@pytest.mark.parametrize(
    ("own", "outside", "standing"),
    [(1, 1, "fail"), (99, 1, "fail"), (1, 99, "unknown"), (99, 99, "stale"), (None, 1, "fail")],
)
def test_what_was_seen_from_outside_counts_while_it_is_fresh(own: float | None, outside: float, standing: str) -> None:
    pack = load_texts({**PACK.files, "checks/exposure.yaml": TELNET, "toy/more.yaml": OPEN})
    inside = [machine("web-02", days=own)] if own is not None else []
    found = line(judge_system(system(), [GOOD[0], *inside, exposed(outside)], pack, 3, AT), "servers.open.telnet")
    assert {one.asset: str(one.standing) for one in found.assets}["web-02"] == standing


TELNET = """\
- id: exposure.telnet
  title: {vi: Không mở telnet, en: No telnet}
  kinds: [server]
  platforms: [outside]
  severity: high
  assert: {none: {fact: exposure, rows: open_tcp_ports, where: {op: eq, value: 23}}}
  examples:
  - {verdict: pass, seen: {exposure: {open_tcp_ports: []}}}
  - {verdict: fail, seen: {exposure: {open_tcp_ports: [23]}}}
  - {verdict: unknown, seen: {}}
  remedy: {vi: Sửa, en: Mend}
"""
OPEN = """\
groups:
- id: servers.open
  reference_id: may_chu.mo
  title: {vi: Cổng mở, en: Open ports}
  part: technical
  clauses: {3: "7.2.2.9"}
  requirements:
  - id: servers.open.telnet
    reference_id: may_chu.mo.telnet
    levels: [3]
    title: {vi: Không mở telnet, en: No telnet}
    confidence: memory
    kinds: [server]
    coverage: partial
    checks: [exposure.telnet, remote_access.root]
    guidance: {vi: Biên bản quét, en: A scan}
"""


# people ----------------------------------------------------------------------------------------------------------------


def test_a_partial_requirement_takes_the_machines_and_a_person() -> None:
    assert state(*GOOD, of=ROOT) == "undetermined"
    assert state(*GOOD, of=ROOT, attestations=attestation()) == "met"
    assert state(*GOOD, of=ROOT, attestations=attestation(state="partly")) == "partly"
    assert state(*GOOD, of=ROOT, attestations=attestation(state="not_met")) == "not_met"


def test_a_machines_fail_wins_over_a_word() -> None:
    assert state(GOOD[0], machine("web-02", root="yes"), of=ROOT, attestations=attestation()) == "not_met"


@pytest.mark.parametrize("second", [machine("web-02", root=None), silent("web-02"), machine("web-02", days=99)])
def test_what_no_machine_could_tell_does_not_become_met_by_a_word(second: Snapshot) -> None:
    assert state(GOOD[0], second, of=ROOT, attestations=attestation()) == "undetermined"


def test_what_people_alone_decide_needs_their_word_and_no_machine() -> None:
    assert state(of=REVIEW) == "undetermined"
    assert state(of=REVIEW, attestations=attestation(REVIEW)) == "met"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"until": "2026-11-21"}, "expired"),
        ({"on": "2026-11-23"}, "not_yet"),
        ({"more": ", level: 2"}, "lower_level"),
    ],
)
def test_a_word_out_of_force_counts_as_nothing_and_is_named(words: dict[str, str], why: str) -> None:
    assessment = judged(*GOOD, attestations=attestation(**words))
    assert line(assessment, ROOT).state == "undetermined"
    assert [(one.word.requirement, one.why) for one in assessment.idle] == [(ROOT, why)]


def test_the_last_day_of_a_word_still_counts() -> None:
    assert state(*GOOD, of=ROOT, attestations=attestation(until="2026-11-22")) == "met"


def test_not_met_at_a_lower_level_holds_at_a_higher_one() -> None:
    assert state(*GOOD, of=ROOT, attestations=attestation(state="not_met", more=", level: 2")) == "not_met"


def test_of_two_words_the_later_counts() -> None:
    words = attestation(on="2026-03-01", state="not_met") + attestation(on="2026-05-01")
    assert state(*GOOD, of=ROOT, attestations=words) == "met"


def test_a_waiver_leaves_the_verdict_and_is_counted_apart() -> None:
    assessment = judged(GOOD[0], machine("web-02", tries=9), waivers=waiver())
    found = line(assessment, LOCKOUT)
    assert (found.state, found.with_waivers, found.accepted) == ("not_met", "partly", True)
    assert (found.counts["fail"], found.counts["waived"]) == (1, 1)
    assert found.assets[1].verdict == "fail"
    assert assessment.score["met_or_borne"] == assessment.score["met"] + 1


def test_a_waiver_never_makes_a_requirement_met() -> None:
    assessment = judged(machine("web-01", tries=9), machine("web-02", tries=9), waivers=waiver(assets="web-01, web-02"))
    assert line(assessment, LOCKOUT).with_waivers == "partly"


def test_a_waiver_bears_only_its_own_fails() -> None:
    both_fail = (machine("web-01", tries=9), machine("web-02", tries=9))
    assert line(judged(*both_fail, waivers=waiver()), LOCKOUT).with_waivers == "not_met"
    other = waiver(requirement=ROOT, more=", check: remote_access.root")
    found = judged(GOOD[0], machine("web-02", tries=9), waivers=other)
    assert line(found, LOCKOUT).with_waivers == "not_met"
    assert [one.why for one in found.idle] == ["unneeded"]


def test_a_waiver_bears_no_not_knowing() -> None:
    assert line(judged(GOOD[0], waivers=waiver()), LOCKOUT).with_waivers == "undetermined"


def test_a_waiver_ends_with_its_last_day() -> None:
    failing = (GOOD[0], machine("web-02", tries=9))
    assert line(judged(*failing, waivers=waiver(until="2026-11-22")), LOCKOUT).with_waivers == "partly"
    ended = judged(*failing, waivers=waiver(until="2026-11-21"))
    assert line(ended, LOCKOUT).with_waivers == "not_met"
    assert [one.why for one in ended.idle] == ["expired"]


def test_not_applicable_takes_a_reason_and_a_name_and_keeps_what_was_seen() -> None:
    excuse = f"  - {{requirement: {LOCKOUT}, assets: [web-02], type: absent, reason: Không có tài khoản người dùng, by: A}}\n"
    found = line(judged(GOOD[0], machine("web-02", tries=9), excuses=excuse), LOCKOUT)
    assert (found.state, found.counts["excused"], found.assets[1].verdict) == ("met", 1, "fail")
    both = excuse.replace("assets: [web-02], ", "")
    found = line(judged(excuses=both), LOCKOUT)
    assert (found.state, [one.by for one in found.excuses]) == ("not_applicable", ["A"])


def test_the_systems_own_thresholds_hold() -> None:
    stricter = Tailoring.parse("name: X\nparams: {servers.authentication.lockout: {max_failed_logins: 3}}")
    assert line(judge_system(system(), GOOD, PACK, 3, AT, stricter), LOCKOUT).state == "not_met"


def test_the_system_itself_is_judged_by_its_register() -> None:
    found = line(judged(*GOOD), ZONE)
    assert found.state == "met"
    (itself,) = found.assets
    assert (itself.asset, itself.kind) == ("Hệ thống thử", Kind.SYSTEM)
    snapshot = itself.checks[0].snapshot
    assert snapshot is not None
    assert snapshot.records[0].sources[0].what == "register: system.yaml"


def test_words_given_for_another_pack_count_as_nothing() -> None:
    excuse = f"  - {{requirement: {LOCKOUT}, type: absent, reason: Không có tài khoản người dùng, by: A}}\n"
    other = system(
        attestations=attestation(), waivers=waiver(), excuses=excuse, head=HEAD.replace("baseline: toy", "baseline: older")
    )
    found = judge_system(other, (GOOD[0], machine("web-02", tries=9)), PACK, 3, AT)
    assert (line(found, LOCKOUT).with_waivers, line(found, ROOT).state) == ("not_met", "undetermined")
    assert [one.why for one in found.idle] == ["other_pack", "other_pack"]


# properties ------------------------------------------------------------------------------------------------------------

MACHINES = st.one_of(
    st.none(),
    st.builds(
        lambda tries, root, days: (tries, root, days),
        st.sampled_from([5, 9, None, "unlimited"]),
        st.sampled_from(["yes", "no", None]),
        st.sampled_from([1.0, 40.0]),
    ),
)
WORDS = st.lists(
    st.builds(
        attestation,
        st.sampled_from([ROOT, REVIEW]),
        st.sampled_from(["met", "partly", "not_met"]),
        st.sampled_from(["2026-01-01", "2026-02-02", "2026-12-01"]),
        st.sampled_from(["2026-12-31", "2026-12-30"]),
    ),
    max_size=2,
    unique_by=lambda text: text.partition(" state:")[0] + text.partition("on: ")[2][:10],
)
WAIVERS = st.lists(st.sampled_from(["web-01", "web-02", "web-01, web-02"]), max_size=1)


def made(first: tuple[object, str | None, float] | None, second: tuple[object, str | None, float] | None) -> list[Snapshot]:
    both = (("web-01", first), ("web-02", second))
    return [machine(name, tries=one[0], root=one[1], days=one[2]) for name, one in both if one is not None]


@given(MACHINES, MACHINES, WORDS, WAIVERS)
def test_taking_a_snapshot_away_improves_no_state(first: object, second: object, words: list[str], borne: list[str]) -> None:
    all_of_them = made(first, second)  # type: ignore[arg-type]
    texts = {"attestations": "".join(words), "waivers": "".join(waiver(assets=assets) for assets in borne)}
    before = judged(*all_of_them, **texts)
    for missing in all_of_them:
        after = judged(*(one for one in all_of_them if one is not missing), **texts)
        for old, new in zip(before.lines, after.lines, strict=True):
            assert GOODNESS.get(new.state, 0) <= GOODNESS.get(old.state, 0)
            assert GOODNESS.get(new.with_waivers, 0) <= GOODNESS.get(old.with_waivers, 0)
            assert new.counts["applicable"] == old.counts["applicable"]


@given(MACHINES, MACHINES, WORDS)
def test_a_word_never_turns_a_fail_or_an_unknown_into_met(first: object, second: object, words: list[str]) -> None:
    snapshots = made(first, second)  # type: ignore[arg-type]
    after = judged(*snapshots, attestations="".join(words))
    for old, new in zip(judged(*snapshots).lines, after.lines, strict=True):
        if old.counts["fail"]:
            assert new.state is State.NOT_MET
        if old.counts["unknown"] or old.counts["not_reached"]:
            assert new.state in (State.NOT_MET, State.UNDETERMINED)
        assert {one.asset: one.standing for one in new.assets} == {one.asset: one.standing for one in old.assets}


@given(MACHINES, MACHINES, st.booleans())
def test_the_order_of_assets_and_snapshots_does_not_matter(first: object, second: object, turned: bool) -> None:
    snapshots = made(first, second)  # type: ignore[arg-type]
    here = system()
    assets = here.register.assets[::-1] if turned else here.register.assets
    other = type(here)(here.register.model_copy(update={"assets": assets}), here.text, here.file)
    one = judge_system(here, snapshots, PACK, 3, AT)
    assert one.digest == judge_system(other, snapshots[::-1], PACK, 3, AT).digest
    assert one.digest == judge_system(here, snapshots, PACK, 3, AT).digest
