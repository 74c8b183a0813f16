"""A paper made here goes into a bundle of evidence of what it is about; of another unit, or about another thing, it does not."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from baselines.evidence.form import MANIFEST
from server.documents import handed, making
from server.documents.models import Document, Issue
from server.evidence import console
from server.evidence.models import Bundle
from server.units.models import Membership
from tests.server import campaigns, evidence
from tests.server.documents import plain
from tests.server.evidence import checked, code
from tests.server.waivers import on


@pytest.fixture
def land(client, tree, person, tmp_path):
    evidence.data_in(tmp_path / "data")
    evidence.filled(client, tree, person("người-xin", role="admin"), person("người-duyệt", role="approver"))
    return tree


def issue(unit, about: str, title: str = "Báo cáo 12/BC – Phòng", number: int = 1) -> Issue:
    report = plain("x", title=title)
    document = Document.objects.get_or_create(unit=unit, kind="yearly", about=about, defaults={"title": title, "made_by": "x"})[0]
    return Issue.objects.create(
        document=document, number=number, made_by="x", made_at=report.made_at, sha256=report.digest, blanks=0, provisional=False,
        packed=Issue.pack(report),
    )  # fmt: skip


def test_chosen_on_the_page_and_found_in_the_bundle(land, person, tmp_path: Path) -> None:
    north, south = land["north"], land["south"]
    old = issue(north, f"unit:{north.pk}:2026")
    mine = issue(north, f"unit:{north.pk}:2026", number=2)
    theirs = issue(south, f"unit:{south.pk}:2026", "Báo cáo của phòng khác")
    client = on(person("kiểm-toán", "north", Membership.AUDITOR))
    page = client.get(f"/evidence/?paper={mine.pk}&of=unit:{north.pk}").content.decode()
    assert f'<option value="{mine.pk}" selected>' in page
    assert f'value="{old.pk}"' not in page, "the newest issue only"
    assert "của phòng khác" not in page
    assert f"/evidence/?paper={mine.pk}&amp;of=unit:{north.pk}" in client.get(f"/documents/{mine.document_id}/").content.decode()
    asked = {"of": f"unit:{north.pk}"}
    assert client.post("/evidence/", asked | {"papers": [str(theirs.pk)]}).status_code == 422
    assert not Bundle.objects.exists()
    assert client.post("/evidence/", asked | {"papers": [str(mine.pk)]}).status_code == 302
    campaigns.work()
    held = Bundle.objects.get()
    assert (held.state, held.problem) == (Bundle.MADE, "")
    seen = checked(held.path)
    assert code(seen) == 0
    assert seen.manifest is not None
    [report] = seen.manifest.reports
    assert report.title == "Báo cáo 12-BC – Phòng - 2.pdf"
    assert evidence.members(held.path)[report.member] == making.file(mine.report, "pdf")[0]
    assert MANIFEST in evidence.members(held.path)


@pytest.mark.django_db
def test_a_paper_fits_a_bundle_of_what_it_is_about_and_of_a_unit_that_holds_it(tree) -> None:
    of_system = issue(tree["north"], "system:5::").document
    of_unit = issue(tree["north"], f"unit:{tree['north'].pk}:2026").document
    north, root, south = tree["north"], tree["root"], tree["south"]
    assert handed.fits(of_system, "system", 5, north)
    assert not handed.fits(of_system, "system", 6, north)
    assert not handed.fits(of_system, "campaign", 5, north)
    assert handed.fits(of_system, "unit", root.pk, root)
    assert handed.fits(of_unit, "unit", north.pk, north)
    assert not handed.fits(of_unit, "unit", south.pk, south)
    below_only = issue(tree["root"], f"unit:{root.pk}:2026").document
    assert not handed.fits(below_only, "unit", north.pk, north), "what is said of the whole is not for a part"


def test_at_the_console_by_its_number(land, tmp_path: Path) -> None:
    north, south = land["north"], land["south"]
    mine = issue(north, f"unit:{north.pk}:2026")
    path = tmp_path / "b.zip"

    def make(*documents: str, unit: str | None = None) -> int:
        told = {"unit": unit, "campaign": None, "system": None, "report": [], "document": list(documents), "output": str(path)}
        return console.make(argparse.Namespace(**told))

    assert make(str(mine.document_id), unit=south.name) != 0
    assert make(f"{mine.document_id}/9") != 0
    assert make("x/1") != 0
    assert not path.exists()
    assert not Bundle.objects.exists()
    assert make(f"{mine.document_id}/1") == 0
    seen = checked(path)
    assert code(seen) == 0
    assert seen.manifest is not None
    assert (seen.manifest.scope.kind, seen.manifest.scope.path) == ("unit", north.path)
    assert [one.title for one in seen.manifest.reports] == ["Báo cáo 12-BC – Phòng - 1.pdf"]
