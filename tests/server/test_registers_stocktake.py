"""Stock-takes: frozen as the register was, decided by people alone, closed and then never changed."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from server.background import delivery, keeper
from server.background.run import perform
from server.journal.models import Entry
from server.registers import stocktake, tasks
from server.registers.models import Item
from server.registers.stocks import Line, Stocktake
from tests.server.registers import hardware, on, reports
from tests.server.test_campaigns_killed import Killed, dying

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_both]


@pytest.fixture
def page(person) -> Client:
    return on(person("người kiểm kê", role="operator"))


def work() -> None:
    delivery.take("tests", 0.05, until_empty=True, signals=False)


def begun(unit: Any, name: str = "Kiểm kê 2026") -> Stocktake:
    held = stocktake.begin(unit, name, date(2026, 12, 31), "x", people="Nguyễn Văn Hà\nTrần Thị Lan")
    tasks.ask_to_freeze(held, "x")
    work()
    return Stocktake.objects.get(pk=held.pk)


def say(page: Client, held: Stocktake, outcome: str, *lines: Line, **more: Any) -> Any:
    told = {"outcome": outcome, "line": [line.pk for line in lines], **{f"version-{line.pk}": line.version for line in lines}}
    return page.post(f"/registers/stocktakes/{held.pk}/", told | {"decide": ""} | more)


def test_the_list_is_what_the_register_said_and_stays_so(page, tree) -> None:
    kept = Item.objects.create(unit=tree["north"], name="Máy in", serial="S1", tag="T1", person="Hà", created_by="x")
    Item.objects.create(unit=tree["north"], name="thanh lý", state="disposed", created_by="x")
    Item.objects.create(unit=tree["south"], name="của Nam", created_by="x")
    answer = page.post(
        "/registers/stocktakes/", {"unit": tree["north"].pk, "name": "Kiểm kê", "on": "2026-12-31", "decision": "12/QĐ"}
    )
    held = Stocktake.objects.get()
    assert answer.url == f"/registers/stocktakes/{held.pk}/"
    assert page.get(answer.url)["Refresh"], "it is still being written down"
    assert say(page, held, "found").status_code == 409, "nothing is decided before the list is whole"
    work()
    line = Line.objects.get()
    assert (line.number, line.name, line.serial, line.tag, line.person, line.outcome) == (kept.pk, "Máy in", "S1", "T1", "Hà", "")
    Item.objects.update(name="tên khác")
    Item.objects.filter(pk=kept.pk).delete()
    line.refresh_from_db()
    assert line.name == "Máy in"
    assert "Máy in" in page.get(answer.url).content.decode()


def test_a_report_ticks_nothing(client, another, page, tree) -> None:
    machine = reports(client, another("srv-1", "north"), hardware(), serial="S1")
    Item.objects.create(unit=tree["north"], name="a", machine=machine, created_by="x")
    held = begun(tree["root"])
    line = Line.objects.get()
    assert line.seen_at is not None
    shown = page.get(f"/registers/stocktakes/{held.pk}/")
    assert "srv-1" in shown.content.decode()
    assert shown.context["counts"] == {"all": 1, "found": 0, "missing": 0, "elsewhere": 0, "surplus": 0, "undecided": 1}
    stocktake.close(held, "x")
    line.refresh_from_db()
    assert (line.outcome, line.by) == ("", "")
    assert line.last_at is not None
    assert stocktake.counts(held)["undecided"] == 1, "nobody looked: that is neither found nor missing"
    assert "không có nghĩa là thiếu" in page.get(f"/registers/stocktakes/{held.pk}/").content.decode()


def test_a_machine_that_moved_away_is_not_told_of(client, another, person, tree) -> None:
    machine = reports(client, another("srv-1", "north"), hardware(), serial="S1")
    Item.objects.create(unit=tree["north"], name="a", machine=machine, created_by="x")
    held = begun(tree["north"])
    type(machine).objects.update(unit=tree["south"], name="tên mới")
    text = on(person("bắc", "north")).get(f"/registers/stocktakes/{held.pk}/").content.decode()
    assert "máy nay thuộc đơn vị khác" in text
    assert "tên mới" not in text
    assert "Phòng Nam" not in text


def test_people_decide_and_who_comes_second_sees_both(page, person, tree) -> None:
    for name in ("a", "b", "c"):
        Item.objects.create(unit=tree["north"], name=name, created_by="x")
    held = begun(tree["root"])
    a, b, c = Line.objects.order_by("pk")
    assert say(page, held, "found", a).status_code == 302
    assert say(page, held, "elsewhere", b, place="Kho 2", note="chuyển phòng").status_code == 302
    a.refresh_from_db()
    assert (a.outcome, a.by, a.version) == ("found", "người kiểm kê", 2)
    a.version = 1  # as somebody else has it on the screen
    answer = say(on(person("người hai", role="operator")), held, "missing", a, c)
    assert answer.status_code == 409
    assert [line.name for line in answer.context["late"]] == ["a"]
    text = answer.content.decode()
    assert "người kiểm kê" in text
    assert dict(Line.objects.values_list("name", "outcome")) == {"a": "found", "b": "elsewhere", "c": "missing"}
    assert say(page, held, "surplus", c).status_code == 409, "what stands in the register is no surplus"
    assert say(page, held, "found").status_code == 409, "no line was ticked"
    page.post(f"/registers/stocktakes/{held.pk}/", {"add": "", "name": "Máy lạ", "serial": "X1", "place": "Kho 1"})
    assert stocktake.counts(held) == {"all": 4, "found": 1, "missing": 1, "elsewhere": 1, "surplus": 1, "undecided": 0}
    differs = page.get(f"/registers/stocktakes/{held.pk}/", {"outcome": "differs"}).context["lines"]
    assert [line.name for line, _class in differs] == ["b", "c", "Máy lạ"]


def test_closed_nothing_changes_any_more(page, tree) -> None:
    Item.objects.create(unit=tree["north"], name="a", created_by="x")
    held = begun(tree["root"])
    line = Line.objects.get()
    say(page, held, "missing", line)
    page.post(f"/registers/stocktakes/{held.pk}/", {"add": "", "name": "lạ"})
    page.post(f"/registers/stocktakes/{held.pk}/", {"close": "", "words": "Thiếu một thiết bị."})
    held.refresh_from_db()
    assert (held.state, held.closed_by, held.words) == ("closed", "người kiểm kê", "Thiếu một thiết bị.")
    before = list(Line.objects.values())
    line.refresh_from_db()
    surplus = Line.objects.get(number=None)
    for told in ({"add": "", "name": "x"}, {"drop": surplus.pk}, {"close": "", "words": "khác"}):
        assert page.post(f"/registers/stocktakes/{held.pk}/", told).status_code == 409
    assert say(page, held, "found", line).status_code == 409
    assert list(Line.objects.values()) == before
    assert Entry.objects.get(action="stocktake.closed").detail["missing"] == 1
    tasks.ask_to_freeze(held, "x")
    work()
    assert Line.objects.count() == 2


def test_the_minutes_hold_every_line_and_the_sums(page, tree) -> None:
    Item.objects.create(unit=tree["north"], name="=HYPERLINK(1)", serial="S1", created_by="x")
    held = begun(tree["root"])
    say(page, held, "found", Line.objects.get(), place="Phòng máy")
    stocktake.add(held, "Máy lạ", "x")
    stocktake.close(held, "x", "Khớp sổ.")
    raw = b"".join(page.get(f"/registers/stocktakes/{held.pk}/minutes.xlsx"))
    sheet = load_workbook(io.BytesIO(raw)).active
    rows = [[cell for cell in row if cell is not None] for row in sheet.iter_rows(values_only=True)]
    assert rows[0] == ["BIÊN BẢN KIỂM KÊ THIẾT BỊ"]
    flat = [str(cell) for row in rows for cell in row]
    assert {"Kiểm kê 2026", "Nguyễn Văn Hà", "Trần Thị Lan", "Khớp sổ.", "Phòng máy", "Máy lạ", "=HYPERLINK(1)"} <= set(flat)
    assert ["có thấy", 1] in rows
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_whoever_only_reads_decides_nothing(person, tree) -> None:
    Item.objects.create(unit=tree["north"], name="a", created_by="x")
    held = begun(tree["root"])
    client = on(person("xem"))
    assert client.get(f"/registers/stocktakes/{held.pk}/").status_code == 200
    for told in ({"close": ""}, {"add": "", "name": "x"}, {"decide": "", "outcome": "found", "line": "1"}):
        assert client.post(f"/registers/stocktakes/{held.pk}/", told).status_code == 404
    assert client.post("/registers/stocktakes/", {"unit": tree["north"].pk, "name": "x", "on": "2026-01-01"}).status_code == 404


def test_killed_while_it_is_written_down_each_line_is_there_once(page, tree, monkeypatch) -> None:
    monkeypatch.setattr(stocktake, "SLICE", 2)
    for number in range(7):
        Item.objects.create(unit=tree["north"], name=f"máy {number}", created_by="x")
    for at in range(5):
        held = stocktake.begin(tree["north"], f"Kiểm kê {at}", date(2026, 12, 31), "x")
        job = tasks.ask_to_freeze(held, "x")
        assert job.delivery is not None
        with dying(at, ("registers_",)), pytest.raises(Killed):
            perform(job.delivery, job.pk)
        held.refresh_from_db()
        assert held.state == "preparing", "no list is told whole before it is"
        assert keeper.look(alone=True) == 1
        work()
        held.refresh_from_db()
        assert held.state == "open"
        assert list(held.lines.values_list("name", flat=True)) == [f"máy {number}" for number in range(7)]
