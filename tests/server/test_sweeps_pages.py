"""What people and programs see of lists and letters: words that promise no more than was looked at, and nothing of another part of the tree."""

from __future__ import annotations

import csv
import io
import json
from argparse import Namespace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from collectors.model import Kind
from server.ingest.models import Machine
from server.programs.models import Key
from server.sweeps import console
from server.sweeps.models import Letter, Sheet
from tests.server.feeds_given import given, mended
from tests.server.sweeping import CVE, activity, configuration, in_force, letter, listed, reports, software
from tests.server.test_matching_stored import match

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet(client: Client, another: Any) -> dict[str, Machine]:
    """In the north one that shows an indicator and carries the CVE, and a firewall; in the south one of which less was seen."""
    given("debian", mended("openssl", "3.0.16-1", CVE))
    found = {
        "bắc": reports(client, another("may-bac", "north"), activity("203.0.113.7"), software(("openssl", "3.0.15-1"))),
        "tường": reports(client, another("tuong-lua", "north", kind=Kind.FIREWALL), configuration("host 203.0.113.7\n")),
        "nam": reports(client, another("may-nam", "south"), activity(gone=("connections",)), software(("openssl", "3.0.16-1"))),
    }
    match()
    return found


def page(user: Any, url: str, **asked: Any) -> str:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(url, asked, headers={"accept-language": "vi"})
    assert answer.status_code == 200, url
    return b"".join(answer).decode() if answer.streaming else answer.content.decode()


def test_a_list_says_where_it_was_seen_and_what_was_not_looked_at(fleet: dict[str, Machine], person: Any) -> None:
    sheet = listed(("ip", "203.0.113.7"))
    everybody = person("chung")
    text = page(everybody, f"/sweeps/lists/{sheet.pk}/")
    assert "may-bac" in text
    assert "→ tcp 203.0.113.7 443 java" in text
    assert "may-nam" not in text
    assert "Cục A05" in text
    assert "1 trên 1" in text, "the firewall holds it"
    unknown = page(everybody, f"/sweeps/lists/{sheet.pk}/", verdict="not-known")
    assert "may-nam" in unknown
    assert "connections: permission denied" in unknown
    assert "may-bac" not in unknown
    assert "sạch" not in text + unknown


def test_not_seen_names_the_report_and_the_sources(client: Client, host: Any, person: Any) -> None:
    machine = reports(client, host, activity(), age=timedelta(hours=1))
    sheet = listed(("ip", "203.0.113.7"))
    text = page(person("chung"), f"/sweeps/lists/{sheet.pk}/", verdict="not-seen")
    assert machine.latest is not None
    assert timezone.localtime(machine.latest.orders_at).strftime("%H:%M") in text
    assert "tệp hosts" in text.lower()


def test_kinds_of_which_nothing_is_seen_are_named(fleet: dict[str, Machine], person: Any) -> None:
    sheet = listed(("sha256", "ab" * 32), ("ip", "198.51.100.1"))
    text = page(person("chung"), f"/sweeps/lists/{sheet.pk}/")
    assert "rasoat không lấy mã băm" in text


def test_a_letter_says_what_is_open_and_what_remains(fleet: dict[str, Machine], person: Any) -> None:
    warned = letter({"cve": CVE, "product": "OpenSSL"})
    everybody = person("chung")
    text = page(everybody, f"/sweeps/letters/{warned.pk}/")
    assert "may-bac" in text
    assert "may-nam" not in text
    assert "may-nam" in page(everybody, f"/sweeps/letters/{warned.pk}/", state="not-affected")
    assert "tuong-lua" in page(everybody, f"/sweeps/letters/{warned.pk}/", state="cannot-tell")
    assert all(
        name in page(everybody, f"/sweeps/letters/{warned.pk}/", state="all") for name in ("may-bac", "may-nam", "tuong-lua")
    )


def test_there_is_no_way_to_close_a_letter_by_hand(fleet: dict[str, Machine], admin: Any) -> None:
    warned = letter({"cve": CVE})
    client = Client()
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    for url in (f"/sweeps/letters/{warned.pk}/", f"/machines/{fleet['bắc'].pk}/sweeps/", "/sweeps/"):
        assert client.post(url).status_code == 405
        assert 'method="post"' not in client.get(url).content.decode().split("<main", 1)[1].split("</main>")[0]


def test_a_machine_shows_its_lists_and_letters(fleet: dict[str, Machine], person: Any) -> None:
    listed(("ip", "203.0.113.7"))
    letter({"cve": CVE})
    text = page(person("chung"), f"/machines/{fleet['bắc'].pk}/sweeps/")
    assert "203.0.113.7" in text
    assert CVE in text
    assert page(person("bắc", "north"), "/sweeps/")


def test_each_sees_the_own_part_and_outsiders_nothing(fleet: dict[str, Machine], person: Any, django_user_model: Any) -> None:
    sheet, warned = listed(("ip", "203.0.113.7")), letter({"cve": CVE})
    south = person("nam", "south")
    for url in (
        f"/sweeps/lists/{sheet.pk}/",
        f"/sweeps/letters/{warned.pk}/",
        f"/sweeps/lists/{sheet.pk}/table/",
        f"/sweeps/letters/{warned.pk}/table/",
    ):
        for asked in ({}, {"verdict": "seen", "state": "all"}):
            text = page(south, url, **asked)
            assert "may-bac" not in text
            assert "tuong-lua" not in text
    outsider = Client()
    stranger = django_user_model.objects.create_user("người ngoài", "một câu rất dài 9", must_change=False)
    outsider.force_login(stranger, backend="django.contrib.auth.backends.ModelBackend")
    for url in (
        f"/sweeps/lists/{sheet.pk}/", f"/sweeps/letters/{warned.pk}/", f"/sweeps/lists/{sheet.pk}/table/",
        f"/sweeps/letters/{warned.pk}/table/", f"/machines/{fleet['bắc'].pk}/sweeps/", "/sweeps/lists/x/", "/sweeps/lists/99999/",
    ):  # fmt: skip
        assert outsider.get(url).status_code == 404, url
    nothing = outsider.get("/sweeps/").content.decode()
    assert sheet.number not in nothing
    assert warned.number not in nothing
    assert sheet.number in page(south, "/sweeps/")
    for url in (f"/machines/{fleet['bắc'].pk}/sweeps/",):
        client = Client()
        client.force_login(south, backend="django.contrib.auth.backends.ModelBackend")
        assert client.get(url).status_code == 404


def test_tables_hold_every_machine_with_what_it_rests_on(fleet: dict[str, Machine], person: Any) -> None:
    sheet, warned = listed(("ip", "203.0.113.7")), letter({"cve": CVE, "product": "OpenSSL"})
    everybody = person("chung")
    rows = list(csv.reader(io.StringIO(page(everybody, f"/sweeps/lists/{sheet.pk}/table/").lstrip("\ufeff"))))
    assert len(rows) == 4
    assert {row[1]: row[6] for row in rows[1:]} == {
        "may-bac": "đã thấy", "tuong-lua": "chưa xác định", "may-nam": "chưa xác định"
    }  # fmt: skip
    rows = list(csv.reader(io.StringIO(page(everybody, f"/sweeps/letters/{warned.pk}/table/").lstrip("\ufeff"))))
    by_name = {row[1]: row for row in rows[1:]}
    assert set(by_name) == {"may-bac", "tuong-lua", "may-nam"}
    assert by_name["may-bac"][3] == "chưa xử lý"
    assert CVE in by_name["may-bac"][9]
    assert by_name["may-nam"][9] == ""


def test_what_was_not_held_against_a_list_yet_says_so(fleet: dict[str, Machine], person: Any) -> None:
    sheet = listed(("ip", "203.0.113.7"))
    in_force(("ip", "198.51.100.1"), number="another")
    rows = list(csv.reader(io.StringIO(page(person("chung"), f"/sweeps/lists/{sheet.pk}/table/").lstrip("\ufeff"))))
    assert {row[7] for row in rows[1:]} == {"chưa đối chiếu với danh sách này"}
    assert {row[6] for row in rows[1:]} == {"đã thấy", "chưa xác định"}


def test_programs_read_the_same(fleet: dict[str, Machine], admin: Any, tree: Any) -> None:
    sheet, warned = listed(("ip", "203.0.113.7")), letter({"cve": CVE, "product": "OpenSSL"})

    def asks(path: str, unit: str = "root", scope: str = "sweeps") -> Any:
        text = Key.issue(admin, tree[unit], "đọc", [scope], timezone.now() + timedelta(days=1))[1]
        return Client().get(f"/api/v1/{path}", headers={"authorization": f"Bearer {text}"})

    assert [(one["number"], one["seen"], one["not_seen"], one["not_known"]) for one in asks("sweeps").json()] == [
        (sheet.number, 1, 0, 2)
    ]
    assert asks("sweeps", "south").json()[0]["seen"] == 0
    found = {one["name"]: one for one in asks(f"sweeps/{sheet.pk}/machines").json()["items"]}
    assert found["may-bac"]["verdict"] == "seen"
    assert {"source": "connections", "reason": "denied: connections: permission denied"} in found["may-nam"]["missing"]
    assert [one["name"] for one in asks("sightings").json()["items"]] == ["may-bac"]
    assert asks("sightings", "south").json()["items"] == []
    told = asks("letters").json()[0]
    assert (told["open"], told["cannot_tell"], told["closed"], told["not_affected"]) == (1, 1, 0, 1)
    rows = {one["name"]: one for one in asks(f"letters/{warned.pk}/machines?state=open").json()["items"]}
    assert set(rows) == {"may-bac"}
    assert (rows["may-bac"]["items"][0]["ground"], rows["may-bac"]["items"][0]["cve"]) == ("carried", CVE)
    assert "may-bac" in b"".join(asks(f"letters/{warned.pk}/machines?format=csv")).decode()
    assert asks("sweeps/999999/machines").status_code == asks("letters/999999/machines").status_code == 404
    assert asks("sweeps", scope="assets").status_code == 403


def test_scripts_learn_by_the_exit_code(fleet: dict[str, Machine], capsys: pytest.CaptureFixture[str]) -> None:
    listed(("ip", "203.0.113.7"))
    letter({"cve": CVE})
    assert console.lists(Namespace(unit="Phòng Bắc", format="json")) == 1
    assert json.loads(capsys.readouterr().out)[0]["seen"] == 1
    assert console.lists(Namespace(unit="Phòng Nam", format="table")) == 0
    capsys.readouterr()
    assert console.letters(Namespace(unit=None, format="json")) == 1
    assert json.loads(capsys.readouterr().out)[0]["open"] == 1


def test_a_list_and_a_letter_are_kept_with_number_date_and_issuer(fleet: dict[str, Machine]) -> None:
    listed(("ip", "203.0.113.7"))
    letter({"cve": CVE})
    day = timezone.localdate() - timedelta(days=1)
    assert [(one.number, one.dated, one.issuer) for one in (*Sheet.objects.all(), *Letter.objects.all())] == [
        ("15/CB-CNTT", day, "Cục A05"), ("1712/CATTT", day, "Cục ATTT"),
    ]  # fmt: skip
