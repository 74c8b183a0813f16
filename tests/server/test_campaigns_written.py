"""What people write of a campaign: that they received the letter, who is on duty, that it is done; and the letter itself."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone, translation

from server.campaigns import reading
from server.campaigns.models import Campaign, Part
from server.journal.models import Entry
from tests.server.campaigns import CHECKS, DAY, Land, body, closed, letter, look, on, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_both]


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def test_a_unit_confirms_and_hands_in_and_no_state_changes(land: Land) -> None:
    held = land.started()
    before = look(held)
    client, part = on(person("tỉnh-c", "operator", land.units["C"])), Part.objects.get(code="C")
    url = f"/campaigns/parts/{part.pk}"
    assert client.post(f"{url}/received/", {"receive-note": "đã giao phòng CNTT"}).status_code == 302
    again = client.post(f"{url}/received/", {})
    assert again.status_code == 409
    assert "tỉnh-c" in body(again)
    assert "line 2" in body(
        client.post(f"{url}/roster/", {"roster-roster": "An; 0912345678; 30/08/2025 07:00; 31/08/2025 07:00\nBình; 09"})
    )
    assert client.post(f"{url}/handed-in/", {"hand_in-name": "Lê B", "hand_in-role": "", "hand_in-note": ""}).status_code == 422
    assert (
        client.post(
            f"{url}/handed-in/", {"hand_in-name": "Lê B", "hand_in-role": "Phó phòng", "hand_in-note": "xong"}
        ).status_code
        == 302
    )
    part.refresh_from_db()
    assert (part.received_by, part.handed_name) == ("tỉnh-c", "Lê B")
    assert look(held) == before
    assert Entry.objects.filter(action__in=("campaign.received", "campaign.handed-in"), unit_path=part.unit.path).count() == 2
    closed(held)
    assert client.post(f"{url}/handed-in/", {"hand_in-name": "x", "hand_in-role": "y"}).status_code == 409


def test_the_second_of_two_who_answer_for_a_unit_overwrites_nothing_in_silence(land: Land) -> None:
    land.started()
    first, second = (on(person(name, "operator", land.units["C"])) for name in ("chị-một", "anh-hai"))
    part = Part.objects.get(code="C")
    shift = "; 0912345678; 30/08/2025 07:00; 31/08/2025 07:00"
    forms: dict[str, tuple[str, Any]] = {
        "roster": ("roster", lambda who: {"roster": f"Trực {who}{shift}"}),
        "handed-in": ("hand_in", lambda who: {"name": f"Ký {who}", "role": "Phó phòng", "note": f"lời {who}"}),
    }
    for path, (prefix, words) in forms.items():
        url = f"/campaigns/parts/{part.pk}/{path}/"
        send = lambda client, who, version: client.post(  # noqa: E731
            url, {f"{prefix}-{name}": value for name, value in {**words(who), "version": version}.items()}  # noqa: B023
        )  # fmt: skip
        seen = version_in(body(first.get(f"/campaigns/parts/{part.pk}/")), prefix)
        assert version_in(body(second.get(f"/campaigns/parts/{part.pk}/")), prefix) == seen
        assert send(first, "Một", seen).status_code == 302
        kept = Part.objects.filter(pk=part.pk).values().get()
        late = send(second, "Hai", seen)
        assert late.status_code == 409
        page = body(late)
        assert "chị-một saved this" in page
        for word in [*words("Một").values(), *words("Hai").values()]:
            assert word.partition(";")[0] in page, "what is saved and what was typed"
        assert send(second, "Hai", "").status_code == 409, "who says nothing of what was read has not read it"
        assert Part.objects.filter(pk=part.pk).values().get() == kept
        assert send(second, "Hai", version_in(page, prefix)).status_code == 302, "knowing both"
        assert send(first, "Một", version_in(page, prefix)).status_code == 409
    part.refresh_from_db()
    assert (part.roster[0]["name"], part.handed_name, part.handed_by) == ("Trực Hai", "Ký Hai", "anh-hai")
    entries = Entry.objects.filter(unit_path=part.unit.path).order_by("pk")
    told = [(entry.action, entry.actor, entry.detail["people"]) for entry in entries if entry.action.startswith("campaign.")]
    times = "; 30/08/2025 07:00; 31/08/2025 07:00"
    assert told == [
        ("campaign.roster", "chị-một", f"Trực Một{times}"), ("campaign.roster", "anh-hai", f"Trực Hai{times}"),
        ("campaign.handed-in", "chị-một", "Ký Một, Phó phòng"), ("campaign.handed-in", "anh-hai", "Ký Hai, Phó phòng"),
    ], "what was put in the place of another is still to be read"  # fmt: skip


def version_in(page: str, prefix: str) -> str:
    found = re.search(rf'name="{prefix}-version" value="(\d+)"', page)
    assert found, "the page says which one was read"
    return found[1]


def form(**changes: Any) -> dict[str, Any]:
    """As a browser sends it."""
    given = letter(**changes)
    return {
        **{name: given[name] for name in ("number", "subject", "issuer", "grace_days", "kinds", "checks", "note")},
        "date": given["date"].isoformat(), "deadline": given["deadline"].isoformat(), "remind_days": "5, 2, 0", "lists": "12/DS",
        "contacts": "Đội ứng cứu; ung-cuu@example.vn; 024.3000000", "roster": "", "units": [], "version": changes.get("version", ""),
    }  # fmt: skip


def test_the_second_of_two_who_edit_is_told_who_was_faster(land: Land) -> None:
    one, two = (on(person(name, "admin", land.root)) for name in ("chị-một", "anh-hai"))
    made = one.post("/campaigns/new/?pattern=patches", form())
    assert made.status_code == 302
    held = Campaign.objects.get()
    assert held.checks == sorted(CHECKS)
    assert one.post(f"/campaigns/{held.pk}/edit/", form(subject="của chị Một", version=1)).status_code == 302
    late = two.post(f"/campaigns/{held.pk}/edit/", form(subject="của anh Hai", version=1))
    assert late.status_code == 409
    assert "chị-một" in body(late)
    assert "của anh Hai" in body(late), "what was typed is not lost"
    held.refresh_from_db()
    assert held.subject == "của chị Một"


def test_what_is_wrong_in_a_form_is_said_with_its_place(land: Land) -> None:
    client = on(person("qt", "admin", land.root))
    wrong = form(deadline=timezone.localdate() - 9 * DAY, checks=[]) | {
        "contacts": "Đội; khong-phai-thu\n; a@b.vn",
        "remind_days": "x",
    }
    page = client.post("/campaigns/new/?pattern=patches", wrong)
    assert page.status_code == 422
    for said in (
        "line 1: khong-phai-thu is no e-mail",
        "line 2: the name",
        "lies before the date",
        "at least one check",
        "Write numbers",
    ):
        assert said in body(page)
    assert not Campaign.objects.exists()


def test_lines_pasted_from_a_spreadsheet() -> None:
    (shift,) = reading.roster("Trần Bình\t0912 345 678\t30/08/2025 07:00\t31/08/2025 07:00\n\n")
    assert reading.written([shift], reading.SHIFT) == "Trần Bình; 0912 345 678; 30/08/2025 07:00; 31/08/2025 07:00"
