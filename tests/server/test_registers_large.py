"""Large files: looked at and written in the background, in slices, and whatever dies on the way, as if nothing had happened."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from server.background import delivery, keeper, queue
from server.background.models import Job
from server.background.run import perform
from server.journal.models import Entry
from server.registers import changing, looking, tasks, writing
from server.registers.books import BOOKS
from server.registers.models import Item, ItemChange, Upload
from server.units.models import User
from tests.server.registers import HEAD, bring, on, sheet
from tests.server.test_campaigns_killed import Killed, dying

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_both]
POINTS = 6
"""Of the statements that write, it dies before so many, spread over all of them."""


@pytest.fixture
def operator(person) -> User:
    return person("vận-hành", role="operator")


@pytest.fixture
def page(operator, monkeypatch) -> Client:
    monkeypatch.setattr(looking, "SMALL_ROWS", 3)
    monkeypatch.setattr(writing, "SLICE", 2)
    return on(operator)


def rows(mark: str, count: int = 7) -> bytes:
    return sheet(HEAD, *((f"máy {mark}{n}", "Phòng Bắc", f"{mark}-{n}", None, None, None, "Máy in") for n in range(count)))


def work() -> None:
    delivery.take("tests", 0.05, until_empty=True, signals=False)


def looked(page: Client, unit: Any, raw: bytes) -> Any:
    """The preview, once the background has made it."""
    shown = bring(page, unit, raw)
    assert "counts" not in shown.context, "it is not known yet what would change"
    assert shown["Refresh"]
    work()
    return page.get(f"/registers/uploads/{shown.context['upload'].pk}/")


def said_yes(page: Client, shown: Any) -> Upload:
    pk = shown.context["upload"].pk
    assert page.post(f"/registers/uploads/{pk}/", {"take": "", "digest": shown.context["digest"]}).status_code == 302
    return Upload.objects.get(pk=pk)


def test_a_large_file_is_looked_at_shown_and_written_in_the_background(page, tree) -> None:
    shown = looked(page, tree["root"], rows("a"))
    assert shown.context["counts"] == {"new": 7, "changed": 0, "same": 0, "refused": 0}
    assert next(row.name for row, _turned in shown.context["parts"]["new"]) == "máy a0"
    assert not Item.objects.exists(), "looking writes nothing"
    upload = said_yes(page, shown)
    moving = page.get(f"/registers/uploads/{upload.pk}/")
    assert (moving.context["of"], moving.context["halted"], moving["Refresh"]) == (7, False, "3")
    assert not Item.objects.exists(), "no request waits for it"
    work()
    upload.refresh_from_db()
    assert (upload.state, upload.result) == ("done", {"new": 7, "changed": 0, "same": 0, "refused": 0, "left": 0})
    assert (bytes(upload.packed), bytes(upload.promised), upload.preview) == (b"", b"", {}), "nothing of it is kept twice"
    assert Item.objects.filter(unit=tree["north"]).count() == 7
    entry = Entry.objects.get(action="register.import")
    assert (entry.actor, entry.detail["new"]) == ("vận-hành", 7)
    assert Job.objects.get(name="registers.take").outcome["new"] == 7


def test_a_large_file_is_read_in_the_background_and_refused_there_in_words(page, tree, monkeypatch) -> None:
    monkeypatch.setattr(looking, "SMALL_BYTES", 10)
    shown = looked(page, tree["root"], "Tên thiết bị;Số seri\nmáy;s1\n".encode())
    assert shown.context["counts"]["new"] == 1
    said = bring(page, tree["root"], b"\x00\x01\x02 no table at all", "a.csv")
    work()
    upload = Upload.objects.get(pk=said.context["upload"].pk)
    assert upload.state == "useless"
    assert upload.useless in page.get(f"/registers/uploads/{upload.pk}/").content.decode()


def test_columns_named_by_hand_are_looked_at_anew(page, tree) -> None:
    shown = bring(page, tree["root"], b"A;B\n" + b"".join(b"may %d;s%d\n" % (n, n) for n in range(5)), "a.csv")
    assert shown.status_code == 409, "no heading means anything"
    pk = shown.context["upload"].pk
    page.post(f"/registers/uploads/{pk}/", {"map": "", "column-0": "name", "column-1": "serial"})
    assert Upload.objects.get(pk=pk).state == "reading"
    work()
    assert page.get(f"/registers/uploads/{pk}/").context["counts"]["new"] == 5
    page.post(f"/registers/uploads/{pk}/", {"map": "", "column-0": "name", "column-1": ""})
    assert Upload.objects.get(pk=pk).state == "reading", "what was shown was of other columns"


def test_what_was_not_shown_is_not_written(page, tree) -> None:
    shown = looked(page, tree["root"], rows("a"))
    pk = shown.context["upload"].pk
    assert page.post(f"/registers/uploads/{pk}/", {"take": "", "digest": "0" * 64}).status_code == 409
    assert Upload.objects.get(pk=pk).started_at is None
    said_yes(page, shown)
    page.post(f"/registers/uploads/{pk}/", {"take": "", "digest": shown.context["digest"]})
    assert Job.objects.filter(name="registers.take").count() == 1, "twice is once"


def test_what_somebody_changed_meanwhile_is_left_and_named_and_the_rest_is_written(page, tree, operator) -> None:
    book = BOOKS["equipment"]
    old = Item.objects.create(unit=tree["north"], name="cũ", tag="T1", created_by="x")
    raw = ("Tên thiết bị;Tem tài sản;Số seri\nmới tên;T1;\n" + "".join(f"m{n};;s{n}\n" for n in range(5))).encode()
    shown = looked(page, tree["root"], raw)
    assert (shown.context["counts"]["changed"], shown.context["counts"]["new"]) == (1, 5)
    upload = said_yes(page, shown)
    changing.edit(book, old, 1, tree["north"], {"person": "Hà"}, operator)
    Item.objects.create(unit=tree["south"], name="của Nam", serial="s3", created_by="x")
    work()
    upload.refresh_from_db()
    assert (upload.result["new"], upload.result["changed"], upload.result["left"]) == (4, 0, 2)
    assert sorted(line for lines in upload.left.values() for line in lines) == [2, 6]
    old.refresh_from_db()
    assert (old.name, old.person) == ("cũ", "Hà")
    text = page.get(f"/registers/uploads/{upload.pk}/").content.decode()
    assert all(why in text for why in upload.left)


def test_a_serial_number_taken_between_plan_and_slice_is_named(page, tree, monkeypatch) -> None:
    upload = said_yes(page, looked(page, tree["root"], rows("a")))
    honest = writing._still

    def late(book: Any, found: Any, user: Any) -> Any:
        if not Item.objects.filter(serial="a-3").exists():
            Item.objects.create(unit=tree["south"], name="nhanh hơn", serial="a-3", created_by="x")
        return honest(book, found, user)

    monkeypatch.setattr(writing, "_still", late)
    work()
    upload.refresh_from_db()
    assert upload.result["new"] == 6
    assert list(upload.left.values()) == [[5]]


def test_a_person_halts_it_goes_on_or_leaves_the_rest(page, tree, monkeypatch) -> None:
    upload = said_yes(page, looked(page, tree["root"], rows("a")))
    honest = writing._fit
    address = f"/registers/uploads/{upload.pk}/"

    def halting(*given: Any) -> Any:
        job = Job.objects.get(name="registers.take", state=Job.RUNNING)
        if Item.objects.count() == 2:
            queue.cancel(job)
        return honest(*given)

    monkeypatch.setattr(writing, "_fit", halting)
    work()
    monkeypatch.setattr(writing, "_fit", honest)
    halted = page.get(address)
    assert halted.context["halted"]
    assert "Refresh" not in halted
    written = Upload.objects.get(pk=upload.pk).written
    assert Item.objects.count() == written == 2, "a slice whose job was ended is not there"
    page.post(address, {"leave": ""})
    upload.refresh_from_db()
    assert (upload.state, upload.result["new"], upload.result["left"]) == ("done", 2, 5)
    assert list(upload.left.values()) == [[4, 5, 6, 7, 8]]
    page.post(address, {"go-on": ""})
    work()
    assert Item.objects.count() == 2, "what was ended stays ended"


def test_going_on_writes_the_rest_and_nothing_twice(page, tree) -> None:
    upload = said_yes(page, looked(page, tree["root"], rows("a")))
    job = Job.objects.get(name="registers.take")
    assert job.delivery is not None
    queue.cancel(job)
    work()
    page.post(f"/registers/uploads/{upload.pk}/", {"go-on": ""})
    work()
    upload.refresh_from_db()
    assert (upload.result["new"], Item.objects.count(), ItemChange.objects.count()) == (7, 7, 7)


def test_whoever_may_no_longer_writes_nothing(page, tree, operator) -> None:
    upload = said_yes(page, looked(page, tree["root"], rows("a")))
    operator.memberships.all().delete()
    work()
    upload.refresh_from_db()
    assert (Item.objects.count(), upload.result["left"]) == (0, 7)


def told(mark: str) -> Any:
    """What the file left behind, less what differs between two files."""
    upload = Upload.objects.get(file_name=f"{mark}.xlsx")
    items = Item.objects.filter(name__contains=f" {mark}").order_by("pk")
    changes = ItemChange.objects.filter(item__in=items).order_by("item", "pk")
    return (
        [(one.name.replace(mark, ""), one.serial.replace(mark, ""), one.person, one.version) for one in items],
        [(kind, field, new.replace(mark, "")) for kind, field, new in changes.values_list("kind", "field", "new")],
        upload.result, upload.written, upload.left, Entry.objects.filter(subject=upload.file_name).count(),
    )  # fmt: skip


def given(page: Client, unit: Any, mark: str) -> Job:
    """A file that changes three entries and makes four, and a person's yes."""
    for number in range(3):
        Item.objects.create(unit=unit, name=f"máy {mark}{number}", tag=f"{mark}{number}", created_by="x")
    head = ("Tên thiết bị", "Tem tài sản", "Cán bộ sử dụng", "Số seri")
    raw = sheet(head, *((f"máy {mark}{n}", f"{mark}{n}", f"người {n}", f"{mark}s{n}") for n in range(7)))
    shown = bring(page, unit, raw, f"{mark}.xlsx")
    work()
    upload = said_yes(page, page.get(f"/registers/uploads/{shown.context['upload'].pk}/"))
    found = tasks.job_of(upload)
    assert found is not None
    return found


def killed(job: Job, at: int) -> int:
    """Statements done until then."""
    assert job.delivery is not None
    with dying(at, ("registers_", "journal_")) as done:
        try:
            perform(job.delivery, job.pk)
        except Killed:
            assert keeper.look(alone=True) == 1, "the job is given to the living"
    return done[0]


def test_killed_between_slices_the_register_is_as_if_nothing_had_happened(page, tree) -> None:
    steps = killed(given(page, tree["north"], "x"), 10**6)
    expected = told("x")
    assert (expected[2]["new"], expected[2]["changed"], expected[3]) == (4, 3, 7)
    assert steps > POINTS, "there are several slices to die between"
    for number in range(1, POINTS + 1):
        mark = "abcdef"[number - 1]
        job = given(page, tree["north"], mark)
        assert killed(job, number * steps // (POINTS + 1)) < steps
        upload = Upload.objects.get(file_name=f"{mark}.xlsx")
        there = Item.objects.filter(name__contains=f" {mark}").count() - 3
        assert there == upload.result.get("new", 0), "what is said to be written is, and no more"
        work()
        assert told(mark) == expected
