"""A check id once released never vanishes unexplained: it is there, or it has a tombstone."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines import retired
from baselines.loader import BaselineError, load_texts
from tests.baselines.test_mutation import every_check
from tests.baselines.toy import GROUPS, texts

RELEASED = (Path(retired.__file__).parent / "checks" / "ids.txt").read_text("utf-8").split()
STONE = "- {id: accounts.old, since: '2026.12', why: {vi: Trùng với kiểm tra khác, en: It asked the same}, replaced_by: [accounts.lockout]}\n"


def test_an_id_once_released_is_there_or_has_a_tombstone() -> None:
    there = {check.id for check in every_check()}
    assert sorted(set(RELEASED) - there - set(retired.tombstones())) == []
    assert sorted(set(RELEASED)) == RELEASED, "in order, each once; `make pages` adds new ones"


def test_a_tombstone_stands_for_a_released_check_that_is_gone_and_leads_to_one_that_is_there() -> None:
    there = {check.id for check in every_check()}
    for stone in retired.tombstones().values():
        assert stone.id in RELEASED
        assert stone.id not in there
        assert set(stone.replaced_by) <= there


def test_who_names_a_retired_check_is_told_where_it_went(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retired, "tombstones", lambda: retired.parse(STONE))
    with pytest.raises(
        BaselineError, match=r"unknown check 'accounts.old', retired in 2026.12: It asked the same; name accounts.lockout"
    ):
        load_texts(texts(groups=GROUPS.replace("checks: [accounts.lockout]", "checks: [accounts.old]")))


@pytest.mark.parametrize("text", [STONE + STONE, STONE.replace("since: '2026.12', ", ""), "accounts.old: gone\n"])
def test_a_tombstone_that_says_too_little_or_stands_twice_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"two tombstones|validation error"):
        retired.parse(text)
