"""A fleet of the tests, and receivers that note what they have taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from server.assess import judge
from server.outlets import deliver, webhook
from server.outlets.models import Outlet
from server.outlets.reach import Failed
from tests.server.findings import Fleet


@pytest.fixture
def fleet(db) -> Fleet:
    return Fleet.of(4)


@pytest.fixture
def got(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[str]]]:
    """What receivers have taken, by outlet. One that is `down` takes nothing."""
    found: dict[str, list[str]] = {"down": []}

    def send(known: Outlet, slice_: list[Any], now: Any) -> None:
        if known.name in found["down"]:
            raise Failed("no answer in time")
        found.setdefault(known.name, []).extend(one.id for one in slice_)

    monkeypatch.setattr(webhook, "send", send)
    monkeypatch.setattr(deliver, "BATCH", 10)
    return found


def alarms(fleet: Fleet, tree: Any, count: int, first: int = 0) -> list[str]:
    """Raise so many; the machines' names."""
    names = [f"máy-{first + number:03}" for number in range(count)]
    for name in names:
        judge.raise_alarm(fleet.machine(tree["north"], name), "forged")
    return names
