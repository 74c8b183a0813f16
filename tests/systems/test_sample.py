"""Forty assets at levels 2, 3 and 4: every line leads to evidence, and losing sight of a machine helps nobody."""

from __future__ import annotations

from functools import cache

import pytest

from baselines.loader import load
from baselines.systems.compare import Comparison, compare
from baselines.systems.judge import judge_system
from baselines.systems.result import RequirementLine, Standing, State, SystemAssessment
from collectors.model import Kind, Snapshot
from tests.systems.sample import AT, MISSING, SILENT, STALE, snapshots, system, tailoring
from tests.systems.test_judge import GOODNESS

PACK = load("tcvn_11930_2017")
LEVELS = (2, 3, 4)


@cache
def judged(level: int) -> SystemAssessment:
    return judge_system(system(), snapshots(), PACK, level, AT, tailoring())


def line(level: int, requirement: str) -> RequirementLine:
    return next(one for one in judged(level).lines if one.requirement.id == requirement)


@cache
def upwards() -> Comparison:
    return compare(judged(3), judged(4))


def test_the_sample_is_what_it_says() -> None:
    assets = system().register.assets
    assert len(assets) == 40
    assert {Kind.SERVER, Kind.WORKSTATION, Kind.ROUTER, Kind.SWITCH, Kind.FIREWALL, Kind.OTHER} == {one.kind for one in assets}
    assert system().problems(PACK) == []
    assert tailoring().problems(PACK) == []
    assert [one.problems() for one in snapshots()] == [[]] * 39
    assert len({one.id for one in snapshots()}) == 39


@pytest.mark.parametrize("level", LEVELS)
def test_every_requirement_of_the_level_has_a_line(level: int) -> None:
    assert [one.requirement.id for one in judged(level).lines] == [
        one.id for one in PACK.requirements.values() if level in one.levels
    ]
    assert sum(judged(level).summary().values()) == len(judged(level).lines)


@pytest.mark.parametrize("level", LEVELS)
def test_every_asset_a_check_looks_at_is_counted(level: int) -> None:
    for one in judged(level).lines:
        counts = one.counts
        assert counts["applicable"] == counts["pass"] + counts["fail"] + counts["unknown"] + counts["not_reached"]
        assert counts["applicable"] + counts["excused"] == len(one.assets)


@pytest.mark.parametrize("level", LEVELS)
def test_every_line_leads_to_evidence(level: int) -> None:
    """requirement -> asset -> check -> finding -> snapshot -> what was asked, and the digest of the answer."""
    known = {one.id: one for one in (*snapshots(), judged(level).design)}
    count = 0
    for requirement, asset, found, finding in judged(level).findings():
        count += 1
        assert found.result.check in requirement.requirement.checks
        assert (finding.fact, finding.field) != ("", "")
        if found.snapshot is None:
            assert asset.asset == MISSING
            assert asset.standing in (Standing.NOT_REACHED, Standing.EXCUSED)
            continue
        assert known[found.snapshot.id].digest == found.snapshot.digest
        record = found.snapshot.by_fact.get(finding.fact)
        if finding.observed is not None:
            assert record is not None
            assert all(source.what and source.sha256 for source in record.sources)
            assert record.sources
        else:
            assert finding.reason, "what was not seen says why"
    assert count > 1000


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_met_rests_on_something(level: int) -> None:
    for one in judged(level).lines:
        if one.state is State.MET:
            assert one.assets or one.attestation
            assert one.attestation or not one.person
            assert one.counts["applicable"] == one.counts["pass"]
        if one.state is State.NOT_APPLICABLE:
            assert all(word.reason and word.by for word in one.excuses)
            assert one.excuses
        if one.state is State.NOT_MET:
            assert one.counts["fail"] or (one.attestation and one.attestation.state == "not_met")


def test_each_kind_of_not_knowing_is_named() -> None:
    reaches = {one.asset.name: one.reach for one in judged(3).assets if one.reach != "fresh"}
    assert reaches == {SILENT: "silent", STALE: "stale", MISSING: "missing"}
    patches = line(3, "servers.intrusion.patches")
    assert {one.asset: str(one.standing) for one in patches.assets if one.asset in (SILENT, STALE)} == {
        SILENT: "not_reached",
        STALE: "stale",
    }
    assert patches.counts["not_reached"] == 1


def test_words_that_count_and_words_that_do_not() -> None:
    assert line(3, "management.policy.established").state == "met"
    assert line(3, "management.policy.approved").state == "undetermined"
    assert line(3, "management.incidents.plan").state == "partly"
    assert line(3, "management.leaving.secrecy").state == "not_met"
    assert line(3, "design.zone_border").state == "met"
    assert line(3, "design.hot_standby").state == "not_met", "a device that stands alone outweighs the drill's minutes"
    assert line(3, "design.mail_protection").state == "not_applicable"
    assert line(3, "design.hosting_separation").state == "not_applicable"
    assert {(one.word.requirement, one.why) for one in judged(3).idle} == {
        ("management.policy.approved", "expired"),
        ("management.unit.appointed", "not_yet"),
        ("servers.authentication.lockout", "expired"),
        ("network.logging.enabled", "unneeded"),
    }


def test_a_waiver_is_counted_apart_and_an_expired_one_not_at_all() -> None:
    central = {one.asset: one for one in line(3, "servers.malware.central").assets}
    assert (central["web-02"].verdict, central["web-02"].borne) == ("fail", True)
    assert line(3, "servers.malware.central").counts["waived"] == 1
    lockout = {one.asset: one for one in line(3, "servers.authentication.lockout").assets}
    assert (lockout["app-01"].verdict, lockout["app-01"].waivers) == ("fail", ())


def test_two_zones_that_a_switch_joins_are_not_called_filtered() -> None:
    itself = next(one for one in line(3, "design.zone_control_ips").assets if one.kind is Kind.SYSTEM)
    assert itself.standing is not Standing.PASS
    record = judged(3).design.records[0]
    assert any("core-02 has addresses in it and in" in str(one) for one in (record.data or {})["unseen"])
    assert any(source.what.startswith("snapshot") and "of core-02" in source.what for source in record.sources)


def test_the_way_from_3_to_4() -> None:
    found = upwards()
    new = {one.id for one in PACK.requirements.values() if 4 in one.levels and 3 not in one.levels}
    assert {turn.requirement.id for turn in found.turns if turn.new} == new
    assert found.summary["new"] == len(new)
    mfa = next(turn for turn in found.turns if turn.requirement.id == "network.devices.mfa")
    assert mfa.checks == ("device_accounts.two_factors",)
    assert {turn.asset for turn in mfa.assets if turn.checks} <= {
        one.name for one in system().register.assets if one.kind in (Kind.ROUTER, Kind.SWITCH, Kind.FIREWALL)
    }
    again = {turn.requirement.id for turn in found.turns if turn.before is State.MET and turn.person}
    assert "management.policy.established" in again, "a word for level 3 is no word for level 4"
    assert "design.zone_management" not in again, "this one was given for level 4"
    kinds = [0 if turn.checks else 1 for turn in found.turns if turn.after is not None]
    assert kinds == sorted(kinds), "work on machines first"
    assert compare(judged(3), judged(3)).turns == []


def test_losing_sight_of_any_machine_improves_no_state() -> None:
    before = judged(3)
    every: tuple[Snapshot, ...] = snapshots()
    for missing in every:
        after = judge_system(system(), [one for one in every if one is not missing], PACK, 3, AT, tailoring())
        for old, new in zip(before.lines, after.lines, strict=True):
            where = f"{new.requirement.id} without {missing.target.name}"
            assert GOODNESS.get(new.state, 0) <= GOODNESS.get(old.state, 0), where
            assert GOODNESS.get(new.with_waivers, 0) <= GOODNESS.get(old.with_waivers, 0), where
            assert new.counts["pass"] <= old.counts["pass"], where
            assert new.counts["applicable"] >= old.counts["applicable"], where


def test_the_order_does_not_matter() -> None:
    assert judge_system(system(), snapshots()[::-1], PACK, 3, AT, tailoring()).digest == judged(3).digest
