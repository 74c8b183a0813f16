"""On the page of a unit with many below, what falls on one day in several of them is one line; each unit is reminded of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from server.calendar import events, reminding
from server.calendar.events import Reach
from server.calendar.models import Reminder
from server.registers.models import Item
from tests.server.waivers import on

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def ends(unit, day, count: int = 1) -> None:
    for number in range(count):
        Item.objects.create(unit=unit, name=f"máy {number}", warranty_until=day, created_by="x")


@pytest.mark.on_both
def test_a_day_of_several_units_is_one_line_with_their_sum(tree, admin) -> None:
    day = timezone.localdate() + 20 * DAY
    ends(tree["north"], day, 2)
    ends(tree["south"], day)
    ends(tree["south"], day + DAY)
    joined = events.gather(Reach(admin, tree["root"], joined=True), day, day + DAY, ["expiry"])
    assert [(one.day, one.unit, one.places) for one in joined] == [(day, tree["root"], 2), (day + DAY, tree["south"], 0)]
    assert "3" in joined[0].title
    assert f"unit={tree['root'].pk}" in joined[0].address
    each = events.gather(Reach(admin, tree["root"]), day, day + DAY, ["expiry"])
    assert sorted((one.unit.name, one.day, one.places) for one in each) == sorted(
        (tree[name].name, on, 0) for name, on in (("north", day), ("south", day), ("south", day + DAY))
    )
    page = on(admin).get(f"/calendar/?unit={tree['root'].pk}").content.decode()
    assert "tại 2 đơn vị" in page
    lines = b"".join(on(admin).get(f"/calendar/calendar.csv?unit={tree['root'].pk}").streaming_content).decode()
    assert lines.count("expiry") + lines.count("bảo hành") >= 3, "the file names each unit"


def test_each_unit_is_reminded_of_its_own(tree, admin) -> None:
    day = timezone.localdate() + 5 * DAY
    ends(tree["north"], day)
    ends(tree["south"], day)
    reminding.remind(timezone.localdate())
    told = Reminder.objects.filter(key__startswith="warranty").values_list("unit", "key")
    assert set(told) == {(tree[name].pk, f"warranty:{tree[name].pk}") for name in ("north", "south")}


def test_a_long_list_opens_at_today_and_every_line_is_on_some_page(tree, admin, monkeypatch) -> None:
    today = timezone.localdate()
    monkeypatch.setattr("server.calendar.views.PAGE", 2)
    for back in (-20, -10, -5, 3, 8):
        ends(tree["north"], today + back * DAY)
    client, path = on(admin), f"/calendar/?kind=expiry&unit={tree['root'].pk}"
    stamp = [f'datetime="{today + back * DAY:%Y-%m-%d}"' for back in (-20, -10, -5, 3, 8)]

    def shown(page: str) -> list[int]:
        text = client.get(path + page).content.decode()
        return [place for place, one in enumerate(stamp) if one in text]

    assert shown("") == [2, 3]
    assert [shown(f"&page={number}") for number in (1, 2, 3)] == [[0, 1], [2, 3], [4]]
