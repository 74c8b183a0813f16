"""Saved filters: one's own, or offered to a unit; an address, and what it opens is what the opener may see."""

from __future__ import annotations

import pytest

from server.filters.models import SavedFilter, kept
from server.ingest.models import Machine
from tests.server.people import send
from tests.server.waivers import on

pytestmark = pytest.mark.django_db


def save(user, name: str, page: str = "work", query: str = "state=overdue", **rest) -> int:
    return on(user).post("/filters/save/", {"name": name, "page": page, "query": query, **rest}).status_code


@pytest.mark.parametrize(
    ("query", "stays"),
    [
        ("state=overdue&unit=3&page=7", "state=overdue&unit=3"),
        ("b=2&a=1", "a=1&b=2"),
        ("q=a%26b%3D%3Cscript%3E", "q=a%26b%3D%3Cscript%3E"),
        ("q=", ""),
        ("next=//evil&Q=1&q%0d=1", "next=%2F%2Fevil"),
        (
            "&".join(f"q{letter}=x" for letter in "abcdefghijklmnopqrstuvwxyz"),
            "&".join(f"q{letter}=x" for letter in "abcdefghijklmnopqrst"),
        ),
        ("q=" + "x" * 5000, "q=" + "x" * 200),
    ],
)
def test_what_of_an_address_is_kept(query: str, stays: str) -> None:
    assert kept(query) == stays


def test_ones_own_is_ones_own_and_a_shared_one_is_everybodys_there_and_below(person, tree) -> None:
    operator, below, beside = person("vận-hành", "root", "operator"), person("bắc", "north"), person("nam", "south", "operator")
    assert save(operator, "của tôi") == 302
    assert save(operator, "quá hạn chung", unit=tree["root"].pk) == 302
    assert save(beside, "của phòng Nam", unit=tree["south"].pk) == 302
    page = on(below).get("/work/").content.decode()
    assert "quá hạn chung" in page
    assert 'href="/work/?state=overdue"' in page
    assert "của tôi" not in page
    assert "của phòng Nam" not in page
    assert "của phòng Nam" in on(operator).get("/work/").content.decode(), "who sees a unit sees what is shared with it"


def test_only_who_handles_a_unit_shares_with_it_and_only_the_owner_or_administrator_removes(person, tree) -> None:
    operator, viewer, admin = person("vận-hành", "north", "operator"), person("xem"), person("quản-trị", role="admin")
    assert save(viewer, "x", unit=tree["north"].pk) == 404
    assert save(operator, "x", unit=tree["root"].pk) == 404
    assert save(operator, "x", unit=tree["north"].pk) == 302
    one = SavedFilter.objects.get()
    assert on(viewer).post(f"/filters/{one.pk}/remove/").status_code == 404
    assert on(admin).post(f"/filters/{one.pk}/remove/").status_code == 302
    assert not SavedFilter.objects.exists()


def test_a_name_used_again_stands_for_the_newer_one(person) -> None:
    user = person("a", role="operator")
    save(user, "một")
    save(user, "một", query="whose=mine")
    assert SavedFilter.objects.get().address == "/work/?whose=mine"


@pytest.mark.parametrize("given", [{"name": ""}, {"name": "x" * 101}, {"page": "//evil"}, {"unit": "x"}])
def test_what_is_no_filter_is_refused(person, given) -> None:
    user = person("a", role="operator")
    assert on(user).post("/filters/save/", {"name": "một", "page": "work", "query": ""} | given).status_code == 422
    assert not SavedFilter.objects.exists()


def test_a_name_is_text(person) -> None:
    user = person("a", role="operator")
    save(user, "<b>đậm</b>")
    page = on(user).get("/work/").content.decode()
    assert "<b>đậm</b>" not in page
    assert "&lt;b&gt;đậm&lt;/b&gt;" in page


def test_rights_hold_at_use(client, another, person, tree) -> None:
    host = another("nam-1", "south")
    assert send(client, host.seal(host.snapshot())).status_code == 201
    save(person("chung", "root", "operator"), "máy Nam", "machines", "q=nam", unit=tree["root"].pk)
    north = on(person("bắc", "north"))
    page = north.get("/machines/" if Machine.objects.exists() else "/").content.decode()
    assert "máy Nam" in page
    opened = north.get(SavedFilter.objects.get().address).content.decode()
    assert f"/machines/{Machine.objects.get().pk}/" not in opened
