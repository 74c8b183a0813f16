"""What a unit reads and writes of a campaign when it is not, or is no longer, its own."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation
from openpyxl import load_workbook

from server.campaigns.account import Account
from server.campaigns.models import Campaign, Part, Row
from server.ingest.models import Machine
from server.journal.models import Entry
from server.programs.models import Key
from server.units.models import Unit, User
from tests.server.campaigns import DAY, GOOD, Land, body, closed, look, on, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_both]
CHECK = "remote_access.no_root"


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def everything(user: User, unit: Unit, campaign: Campaign) -> dict[str, str]:
    """All that somebody of that unit reads of a campaign, as text."""
    client, found = on(user), {}
    for path in ("", "machines/", "report/", "machines.csv"):
        found[path] = body(client.get(f"/campaigns/{campaign.pk}/{path}"))
    for path in ("machines.xlsx", "report.xlsx"):
        book = load_workbook(io.BytesIO(b"".join(client.get(f"/campaigns/{campaign.pk}/{path}"))))
        sheets = [sheet for sheet in book if sheet.title != "By check"]
        found[path] = " ".join(str(cell) for sheet in sheets for row in sheet.values for cell in row)
    text = Key.issue(user, unit, f"k{Key.objects.count()}", ["campaigns"], timezone.now() + DAY)[1]
    for path in ("machines", "machines?format=csv"):
        found[f"api {path}"] = body(
            Client().get(f"/api/v1/campaigns/{campaign.pk}/{path}", headers={"Authorization": f"Bearer {text}"})
        )
    return found


def row_of(page: str) -> str:
    """What a table says of b-2."""
    return page[page.index("b-2") :].split("</tr>")[0]


def test_a_machine_that_was_moved_tells_its_former_province_nothing(land: Land) -> None:
    held = land.started()
    land.report("b-2", **GOOD)
    assert look(held)["b-2"] == ("done", "")
    Machine.objects.filter(name="b-2").update(unit=land.units["C"])
    land.report("b-2")  # by now it is another unit's, and root may log on
    assert look(held)["b-2"] == ("not-done", "fails")
    row = Row.objects.get(name="b-2")
    former, centre = person("qt-b", "admin", land.units["B"]), person("qt", "admin", land.root)
    title = next(line.title for line in Account(held, None).checks(None) if line.check == CHECK)
    for phase in ("running", "closed"):
        for path, text in everything(former, land.units["B"], held).items():
            assert row.snapshot not in text, (phase, path)
            assert "Tỉnh C" not in text, (phase, path)
            if path not in ("", "report/"):  # those name every check that is asked
                assert CHECK not in text, (phase, path)
                assert title not in text, (phase, path)
        report = on(former).get(f"/campaigns/{held.pk}/report/")
        assert title not in row_of(body(report))
        assert "never" not in row_of(body(on(former).get(f"/campaigns/{held.pk}/machines/?state=not-done")))
        lines = {line.check: line for line in Account(held, former).checks(Part.objects.get(code="B"))}
        assert (lines[CHECK].failed, lines[CHECK].passed, lines[CHECK].unseen) == (0, 0, 3)
        told = everything(centre, land.root, held)
        assert title in row_of(told["report/"])
        assert row.snapshot in told["api machines"]
        assert CHECK in told["api machines?format=csv"]
        if phase == "running":
            closed(held)
    Machine.objects.filter(name="b-2").delete()
    assert row.snapshot in everything(centre, land.root, held)["api machines"], "what is closed stays as it was for its holder"
    assert row.snapshot not in everything(former, land.units["B"], held)["api machines"]


def test_what_came_later_and_went_on_is_no_longer_shown_either(land: Land) -> None:
    held = land.started()
    land.hosts["b-9"] = land.host("b-9")
    land.report("b-9")
    look(held)
    assert Row.objects.get(name="b-9").about == [CHECK]
    Machine.objects.filter(name="b-9").update(unit=land.units["C"])
    look(held)
    assert Row.objects.get(name="b-9").became == "moved"
    page = f"/campaigns/{held.pk}/machines.csv?place=later"
    title = next(line.title for line in Account(held, None).checks(None) if line.check == CHECK)
    assert title not in body(on(person("b", "viewer", land.units["B"])).get(page))
    assert title in body(on(person("tw", "viewer", land.root)).get(page))


FORMS: dict[str, list[dict[str, Any]]] = {
    "received": [{}, {"receive-note": "x"}],
    "roster": [{}, {"roster-roster": "An; 09"}],
    "handed-in": [{}, {"hand_in-name": "x", "hand_in-role": "y", "hand_in-note": ""}],
}


def test_who_may_not_answer_for_a_unit_does_not_learn_that_it_takes_part(land: Land) -> None:
    """Whether or not what they send is complete: a mistake in the form must not be told first."""
    held = land.started()
    part = Part.objects.get(code="B")
    row = Row.objects.get(name="b-1")
    before, journal = Part.objects.filter(pk=part.pk).values().get(), Entry.objects.filter(action__startswith="campaign.").count()
    for user in (person("a", "admin", land.units["A"]), person("xem", "viewer", land.units["B"]), person("lạ")):
        client = on(user)
        for name, forms in FORMS.items():
            for form in forms:
                assert client.post(f"/campaigns/parts/{part.pk}/{name}/", form).status_code == 404, (user, name)
            assert client.get(f"/campaigns/parts/{part.pk}/{name}/").status_code == 404
        assert client.post(f"/campaigns/{held.pk}/excuse/?row={row.pk}", {}).status_code == 404
        for action in ("start", "close", "remove", "edit"):
            assert client.post(f"/campaigns/{held.pk}/{action}/", {}).status_code == 404
    assert Part.objects.filter(pk=part.pk).values().get() == before
    assert Entry.objects.filter(action__startswith="campaign.").count() == journal
