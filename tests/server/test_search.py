"""One box for everything: found without diacritics, in any form of Unicode, and never beyond one's own part of the tree."""

from __future__ import annotations

import unicodedata

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from server.feeds.matching.models import Weakness
from server.ingest.models import Machine
from server.registers.models import Item
from server.search import keep
from server.search.find import find
from server.search.models import Entry, Word
from server.search.words import fold, told, words
from server.units.history import UnitName
from server.units.models import Unit
from tests.server.findings import Fleet
from tests.server.people import Host, send
from tests.server.waivers import on

pytestmark = pytest.mark.django_db


def titles(user, text: str) -> list[str]:
    return [hit.title for group in find(user, text) for hit in group.hits]


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Đà Nẵng", "da nang"), ("ĐẮK LẮK", "dak lak"), ("Trường Sơn", "truong son"), ("MÁY-CHỦ_01", "may-chu_01"), ("ﬁ", "fi")],
)
def test_spellings_of_one_word_fold_alike(text: str, folded: str) -> None:
    for form in ("NFC", "NFD"):
        assert fold(unicodedata.normalize(form, text)) == folded


def test_what_is_written_together_and_apart_is_found_both_ways() -> None:
    assert told(["pc-12"]) == ["pc", "12", "pc12"]
    assert words("a" * 500) == ["a" * 40]
    assert len(told(str(number) for number in range(500))) == 24


@pytest.mark.on_both
@pytest.mark.parametrize("asked", ["da nang", "Đà Nẵng", unicodedata.normalize("NFD", "đà nẵng"), "NANG", "nan", "da  nang "])
def test_with_and_without_diacritics(person, tree, asked: str) -> None:
    Unit.objects.create(name="BHXH Đà Nẵng", parent=tree["north"])
    Unit.objects.create(name="BHXH Đắk Lắk", parent=tree["north"])
    assert titles(person("lan"), asked) == ["BHXH Đà Nẵng"]


@pytest.mark.on_both
def test_each_word_must_begin_a_word(person, another) -> None:
    another("may-chu-07")
    another("may-tram-07")
    user = person("lan")
    assert titles(user, "tram 07") == ["may-tram-07"]
    assert titles(user, "maytram07") == ["may-tram-07"]
    assert titles(user, "tram 08") == []
    for odd in ("", " ", "%", "_", "'", "\\", "((", "-", "\U0010ffff", "a" * 1000):
        assert titles(user, odd) == [], odd


def test_nobody_finds_what_lies_elsewhere(person, another, tree) -> None:
    another("may-bac", "north")
    another("may-nam", "south")
    Item.objects.create(unit=tree["south"], name="Máy in nam", created_by="x")
    north, nobody = person("bac", "north"), person("ngoai", "north")
    nobody.memberships.all().delete()
    nobody.refresh_from_db()
    assert titles(north, "may") == ["may-bac"]
    assert titles(north, "nam") == []
    assert titles(nobody, "may") == []
    assert titles(person("ca", "root"), "may in") == ["Máy in nam"]


def test_what_was_moved_a_moment_ago_is_not_shown_to_those_it_left(person, another, tree) -> None:
    another("may-bac", "north")
    Machine.objects.filter(name="may-bac").update(unit=tree["south"])  # past the index
    assert titles(person("bac", "north"), "may-bac") == []
    assert sum(keep.catch_up()) == 1
    assert titles(person("nam", "south"), "may-bac") == ["may-bac"]


@pytest.mark.on_both
def test_the_index_catches_up_with_what_went_past_it(person, another, tree) -> None:
    for name in ("mot", "hai"):
        another(name)
    assert sum(keep.catch_up()) == 0
    Machine.objects.filter(name="mot").update(name="bốn", hostname="")
    Entry.objects.filter(ref=Machine.objects.get(name="hai").pk, kind=1).delete()
    Entry.objects.create(kind=1, ref=999_999, unit=tree["root"], text="ma")
    assert sum(keep.catch_up()) == 3
    assert sum(keep.catch_up()) == 0
    user = person("lan")
    assert [titles(user, text) for text in ("mot", "bon", "hai", "ma")] == [[], ["bốn"], ["hai"], []]
    assert Word.objects.filter(entry__kind=1).count() == 2


def test_what_is_out_of_service_takes_nobodys_place(person, tree) -> None:
    """Thirty that were retired stand before it in the index."""
    for number in (*range(30), 99):
        Fleet.of(0).machine(tree["north"], f"cu-{number:02}")
    Machine.objects.exclude(name="cu-99").update(retired_at=timezone.now())
    sum(keep.catch_up())
    assert titles(person("lan"), "cu") == ["cu-99"]


def test_former_names_of_units_lead_to_them(person, tree) -> None:
    unit = tree["north"]
    UnitName.objects.create(unit=unit, name=unit.name, code="", until=timezone.localdate())
    unit.name = "Phòng Kỹ thuật"
    unit.save()
    user = person("lan")
    assert titles(user, "ky thuat") == titles(user, "phong bac") == ["Phòng Kỹ thuật"]


def test_checks_lead_to_the_machines_that_fail_them(client: Client, host: Host, person) -> None:
    snapshot = host.snapshot()
    assert send(client, host.seal(snapshot, host.judged(snapshot))).status_code == 201
    groups = find(person("lan"), "root SSH")
    hits = [hit for group in groups for hit in group.hits if hit.url.startswith("/rules/")]
    assert hits
    assert "1 máy không đạt" in hits[0].detail
    page = on(person("mai")).get(hits[0].url).content.decode()
    assert f'href="/machines/{Machine.objects.get().pk}/#check-' in page


def test_a_vulnerability_that_no_machine_of_theirs_has_is_not_named(person) -> None:
    Weakness.objects.create(identifier="CVE-2026-1000")
    assert titles(person("lan"), "CVE-2026-1000") == []


@pytest.mark.on_both
def test_words_are_looked_up_in_their_index(db) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = Word.objects.filter(word__begins="da").explain()
    assert "~>=~" in plan if connection.vendor == "postgresql" else "SEARCH search_word USING INDEX" in plan, plan


def test_the_page(as_admin: Client, another) -> None:
    another("may-chu-07")
    page = as_admin.get("/search/?q=may").content.decode()
    assert ">may-chu-07</a>" in page
    assert 'value="may"' in page, "the box says what was looked for"
    page = as_admin.get("/search/?q=%3Cscript%3E").content.decode()
    assert "<script>" not in page.partition("<main")[2]
    assert "Không tìm thấy" in page or "Không có" in page
