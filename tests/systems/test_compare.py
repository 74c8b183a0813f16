"""What another level would ask: what is new, what is gone, what turns, and what there is to do."""

from __future__ import annotations

import pytest

from agent import errors
from agent.commands.system import exit_code
from baselines.systems.compare import Comparison, compare
from collectors.model import Snapshot
from tests.systems.toy import LOCKOUT, REVIEW, ROOT, TAP, attestation, judged, machine, waiver


def between(low: int, high: int, *snapshots: Snapshot, **words: str) -> Comparison:
    return compare(judged(*snapshots, level=low, **words), judged(*snapshots, level=high, **words))


def test_a_threshold_that_tightens_turns_only_the_assets_it_hits() -> None:
    found = between(2, 3, machine("web-01", tries=5), machine("web-02", tries=8))
    turn = next(one for one in found.turns if one.requirement.id == LOCKOUT)
    assert (turn.before, turn.after) == ("met", "not_met")
    assert [(one.asset, one.before, one.after, one.checks) for one in turn.assets] == [
        ("web-02", "pass", "fail", ("accounts.lockout",))
    ]
    assert found.summary["no_longer_met"] == 1
    assert found.turns[0] is turn, "work on machines comes first"


def test_new_requirements_say_whether_they_need_a_person() -> None:
    found = between(2, 3, machine("web-01"), machine("web-02"))
    new = {one.requirement.id: one.person for one in found.turns if one.new}
    assert new == {REVIEW: True, ROOT: True, TAP: False}
    assert (found.summary["new"], found.summary["new_for_a_person"]) == (3, 2)
    answered = between(2, 3, machine("web-01"), machine("web-02"), attestations=attestation(REVIEW) + attestation(ROOT))
    assert not any(one.person for one in answered.turns)


def test_what_is_no_longer_asked_is_told_last() -> None:
    found = between(3, 2, machine("web-01"), machine("web-02"))
    assert [one.requirement.id for one in found.turns if one.after is None] == [one.requirement.id for one in found.turns[-3:]]
    assert found.summary["gone"] == 3


def test_the_same_twice_turns_nothing() -> None:
    assert between(3, 3, machine("web-01", tries=9)).turns == []


GOOD = (machine("web-01"), machine("web-02"))


@pytest.mark.parametrize(
    ("snapshots", "level", "words", "code"),
    [
        (GOOD, 2, {}, errors.PASSED),
        (GOOD[:1], 2, {}, errors.UNKNOWN),
        (GOOD, 3, {}, errors.UNKNOWN),
        ((GOOD[0], machine("web-02", tries=99)), 2, {}, errors.FAILED),
        ((GOOD[0], machine("web-02", tries=99)), 2, {"waivers": waiver()}, errors.FAILED),
        (GOOD, 3, {"attestations": attestation(REVIEW, state="partly")}, errors.FAILED),
    ],
)
def test_the_exit_code_is_that_of_the_worst_requirement(
    snapshots: tuple[Snapshot, ...], level: int, words: dict[str, str], code: int
) -> None:
    assert exit_code(judged(*snapshots, level=level, **words)) == code
