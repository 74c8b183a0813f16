"""What may be asked of a network: approved ranges, their limits and their hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.discovery.ranges import Approved, RangesError, Window, parse

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


GOOD = """
approval: {number: 12/QĐ-STTTT, date: 2026-11-01, until: 2027-03-31}
ranges: [192.0.2.0/24, 2001:db8:7::/112]
excluded: [192.0.2.77]
window: 22:00-05:00
max_rate: 120
largest: {ipv4: 25}
"""


def test_the_approved_ranges() -> None:
    found = parse(GOOD)
    assert found.approval is not None
    assert (found.approval.number, found.approval.date, found.max_rate) == ("12/QĐ-STTTT", date(2026, 11, 1), 120)
    assert found.window == Window(time(22), time(5))
    assert found.largest == {4: 25, 6: 112}


def test_every_mistake_in_the_file_is_told_at_once_with_its_line() -> None:
    text = "approval: {number: '', date: soon}\nranges: [192.0.2.5/24, -oN]\nexcluded: no\nwindow: 25:00-26:00\nmax_rate: fast\nrange: x\n"
    with pytest.raises(RangesError) as caught:
        parse(text, "ranges.yaml")
    lines = [problem.split(": ")[0] for problem in caught.value.problems]
    assert set(lines) == {f"ranges.yaml:{number}" for number in range(1, 7)}
    assert len(lines) >= 8


@pytest.mark.parametrize(
    "text", ["", "[]", "a: [", "ranges: []", "approval: {number: 1, date: 2026-11-01}", "ranges: [192.0.2.0/24]"]
)
def test_a_file_that_approves_nothing(text: str) -> None:
    with pytest.raises(RangesError, match=r"ranges\.yaml:\d+: "):
        parse(text)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("192.0.2.0/24", "too large"),
        ("192.0.3.0/25", "not inside the approved ranges"),
        ("192.0.2.0/23", "not inside"),
        ("2001:db8:8::/120", "not inside"),
        ("0.0.0.0/0", "too large"),
    ],
)
def test_ranges_that_are_refused(wanted: str, why: str) -> None:
    assert any(why in problem for problem in parse(GOOD).refusals([ip_network(wanted)], date(2026, 11, 28)))


def test_ranges_that_are_allowed_and_an_approval_that_has_ended() -> None:
    approved, mine = parse(GOOD), [ip_network("192.0.2.128/25"), ip_network("2001:db8:7::ff00/120")]
    assert list(approved.refusals(mine, date(2026, 11, 28))) == []
    assert "ended on 2027-03-31" in next(approved.refusals(mine, date(2027, 4, 1)))
    assert "begins on" in next(approved.refusals(mine, date(2026, 10, 31)))


@pytest.mark.parametrize("wanted", ["10.0.0.0/15", "2001:db8::/64"])
def test_the_house_limit_holds_without_a_file_too(wanted: str) -> None:
    assert "too large" in next(Approved().refusals([ip_network(wanted)], NOW.date()))


@given(st.lists(st.integers(0, 255), max_size=8), st.integers(24, 32))
def test_an_excluded_address_is_never_asked_and_no_other_is_lost(out: list[int], prefix: int) -> None:
    net = ip_network("192.0.2.0/24")
    excluded = tuple(ip_network(f"192.0.2.{each}/{prefix}", strict=False) for each in out)
    left = Approved(excluded=excluded).without_excluded(net)
    asked = [address for each in left for address in each]
    assert sorted(asked) == [address for address in net if not any(address in each for each in excluded)]


@pytest.mark.parametrize(
    ("window", "at", "left"),
    [
        ("22:00-05:00", "22:00", 7 * 3600),
        ("22:00-05:00", "04:59", 60),
        ("22:00-05:00", "05:00", 0),
        ("22:00-05:00", "21:59", 0),
        ("08:00-17:00", "12:00", 5 * 3600),
        ("08:00-17:00", "17:00", 0),
    ],
)
def test_the_window(window: str, at: str, left: float) -> None:
    found = parse(GOOD.replace("22:00-05:00", window)).window
    assert found is not None
    assert found.left(datetime.fromisoformat(f"2026-11-28T{at}:00").astimezone()) == left
