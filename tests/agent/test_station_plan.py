"""When a station looks at which target."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest

from agent.station_plan import Window, due, last_day, waves
from collectors.model import Target

DAY = 86400


def local(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("window", "now", "opens"),
    [
        ("22:00-05:00", "2026-11-24T21:59", "2026-11-24T22:00"),
        ("22:00-05:00", "2026-11-24T22:00", "2026-11-24T22:00"),
        ("22:00-05:00", "2026-11-25T04:59", "2026-11-25T04:59"),
        ("22:00-05:00", "2026-11-25T05:00", "2026-11-25T22:00"),
        ("8:30-17:00", "2026-11-25T08:00", "2026-11-25T08:30"),
        ("08:30-17:00", "2026-11-25T17:00", "2026-11-26T08:30"),
    ],
)
def test_a_window_may_reach_over_midnight(window: str, now: str, opens: str) -> None:
    assert Window.parse(window).opens(local(now)) == local(opens)


@pytest.mark.parametrize("text", ["", "22:00", "22:00-22:00", "24:00-05:00", "22:60-05:00", "ten to five", "22:00-05:00x"])
def test_what_is_no_window_is_a_mistake(text: str) -> None:
    with pytest.raises(ValueError):
        Window.parse(text)


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        ("2026-11-15T10:00", "2026-11-30T00:00"),
        ("2026-11-29T23:59", "2026-11-30T00:00"),
        ("2026-11-30T00:00", "2026-12-31T00:00"),
        ("2026-11-30T12:00", "2026-12-31T00:00"),
        ("2026-12-31T23:00", "2027-01-31T00:00"),
        ("2028-02-10T00:00", "2028-02-29T00:00"),
        ("2027-02-10T00:00", "2027-02-28T00:00"),
    ],
)
def test_the_last_day_of_a_month(now: str, begins: str) -> None:
    assert last_day(local(now)) == local(begins)


def test_a_target_is_due_each_interval_and_on_the_last_day_of_the_month() -> None:
    seen = local("2026-11-26T12:00")
    assert due(None, seen, 30 * DAY, 0) == seen
    assert due(seen, seen + 60, DAY, 0) <= seen + DAY
    assert due(seen, seen + 60, 3650 * DAY, 0) == local("2026-11-30T00:00")
    on_the_day = local("2026-11-30T01:00")
    assert due(on_the_day, on_the_day + 60, 3650 * DAY, 0) == local("2026-12-31T00:00")


def test_no_site_is_asked_more_than_its_rate_and_none_is_forgotten() -> None:
    targets = [
        Target(name=f"t{number}", via="ssh", labels=labels)
        for number, labels in enumerate([("hanoi",)] * 7 + [("hue",)] * 2 + [()] * 4 + [("hanoi", "hue")])
    ]
    found = list(waves(targets, 3))
    assert Counter(target.name for wave in found for target in wave) == Counter(target.name for target in targets)
    for wave in found:
        count = Counter(site for target in wave for site in (target.labels or ("",)))
        assert max(count.values()) <= 3
    assert len(found) == 3, "eight at hanoi, three a minute"
    assert list(waves([], 3)) == []
