"""What recorded cases of the Windows facts cannot say: calendars, names with wildcards, dates of installers."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase

import pytest

from collectors.linux import backup_tools, known_software
from collectors.windows import backup, software
from collectors.windows.document import Section


def trigger(**values: object) -> Section:
    return Section("triggers", {"enabled": True, **values})


@pytest.mark.parametrize(
    ("values", "days"),
    [
        ({"kind": "MSFT_TaskDailyTrigger", "days": 1}, 1),
        ({"kind": "MSFT_TaskDailyTrigger", "days": 3}, 3),
        ({"kind": "MSFT_TaskDailyTrigger"}, None),
        ({"kind": "MSFT_TaskWeeklyTrigger", "weeks": 1, "weekdays": 127}, 1),
        ({"kind": "MSFT_TaskWeeklyTrigger", "weeks": 1, "weekdays": 62}, 3),  # Monday to Friday
        ({"kind": "MSFT_TaskWeeklyTrigger", "weeks": 1, "weekdays": 1}, 7),
        ({"kind": "MSFT_TaskWeeklyTrigger", "weeks": 1, "weekdays": 0b0001001}, 4),  # Sunday and Wednesday
        ({"kind": "MSFT_TaskWeeklyTrigger", "weeks": 2, "weekdays": 127}, 14),
        ({"kind": "MSFT_TaskTimeTrigger", "again": "PT6H"}, 1),
        ({"kind": "MSFT_TaskTimeTrigger", "again": "P2DT1H"}, 3),
        ({"kind": "MSFT_TaskTimeTrigger", "again": "PT1H", "during": "P1D"}, None),  # ends after a day
        ({"kind": "MSFT_TaskTimeTrigger"}, None),
        ({"kind": "MSFT_TaskTimeTrigger", "again": "monthly"}, None),
        ({"kind": "MSFT_TaskLogonTrigger"}, None),
        ({"kind": "MSFT_TaskTrigger"}, None),  # monthly, whose days do not come
    ],
)
def test_days_between_two_starts(values: dict[str, object], days: int | None) -> None:
    assert backup._every(trigger(**values)) == days


def test_one_product_has_one_id_on_both_systems() -> None:
    linux = {agent.id: agent.name for agent in backup_tools.known().agents}
    shared = {agent.id: agent.name for agent in backup.known().agents if agent.id in linux}
    assert {"veeam", "acronis", "commvault"} <= set(shared)
    assert shared == {name: linux[name] for name in shared}
    programs = {product.id: product.category for product in known_software.products()}
    assert {one.id: one.category for one in software.products() if one.id in programs} == {
        one.id: programs[one.id] for one in software.products() if one.id in programs
    }


def test_ids_and_names_are_told_apart() -> None:
    ids = [product.id for product in software.products()]
    assert len(ids) == len(set(ids))
    for product in software.products():
        for clue in software.CLUES:
            for name in product.names(clue):
                assert name == name.lower(), name  # compared with names in lower case
                assert not fnmatchcase("system", name), name
        assert any(product.names(clue) for clue in software.CLUES), product.id


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20261122", date(2026, 11, 22)),
        ("20261301", None),
        ("22/11/2026", None),
        ("", None),
        ("11/22/2026", None),
        ("2026112", None),
    ],
)
def test_dates_of_installers(text: str, day: date | None) -> None:
    assert software._day(text) == day


@pytest.mark.parametrize(
    ("title", "product"),
    [
        ("TeamViewer", "teamviewer"), ("AnyDesk", "anydesk"), ("UltraViewer version 6.6.80", "ultraviewer"), ("µTorrent", "utorrent"),
        ("Mozilla Firefox (x64 vi)", "firefox"), ("Cốc Cốc", "coccoc"), ("ZeroTier One", "zerotier"), ("MySQL Server 8.0", "mysql"),
    ],
)  # fmt: skip
def test_names_in_the_list_of_programs(title: str, product: str) -> None:
    found = [one.product for one in _by_title(title)]
    assert found == [product]


@pytest.mark.parametrize(
    "title", ["Microsoft Edge", "7-Zip 24.09 (x64)", "Microsoft Visual C++ 2015-2022 Redistributable (x64) - 14.40", "UniKey 4.6"]
)
def test_ordinary_programs_are_no_finding(title: str) -> None:
    assert _by_title(title) == []


class _Found:
    def __init__(self, product: str) -> None:
        self.product = product


def _by_title(title: str) -> list[_Found]:
    return [_Found(one.id) for one in software.products() if software._pattern(one.id, "package").match(title.lower())]
