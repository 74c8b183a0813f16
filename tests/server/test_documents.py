"""Papers: whose they are, kept issues, what differs between two, and who may see them."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from datetime import UTC, datetime

import pytest

from server.documents import changing, console, making
from server.documents.exports import docx as to_docx
from server.documents.letterhead import NoSigner, desk
from server.documents.models import Document, Issue
from server.documents.report import Dated, Figure, Paragraph, Report, Style
from server.documents.templates import HERE
from tests.server.documents import paper, plain, signed, table
from tests.server.papers import SVG, read, report
from tests.server.test_rights import on, person


@pytest.mark.django_db
def test_organisation_data_goes_down_the_tree_but_for_who_signs(tree) -> None:
    signed(tree["root"], receivers="Như trên\nLưu: VT", internal=True)
    held = desk(tree["north"])
    assert (held.above, held.issuer) == (("Sở",), ("Phòng Bắc",))
    assert held.values["place"] == "Tỉnh A"
    assert held.values["signer_name"] == "", "nobody signs for another body"
    with pytest.raises(NoSigner, match="Phòng Bắc"):
        held.front("x")
    blank = held.front("x", ("Bộ",), blank_signer=True)
    assert blank.signer_name == ""
    assert blank.mark
    assert blank.receivers == ("- Như trên", "- Lưu: VT")
    assert blank.symbol == "/STTTT-CNTT"
    assert held.symbol("BC") == "/BC-STTTT"


@pytest.mark.django_db
def test_nobody_above_is_no_receiver(tree) -> None:
    signed(tree["root"])
    assert desk(tree["root"]).front("x").receivers == ("- Lưu: VT, CNTT.",)
    assert desk(tree["root"]).front("x", ("Bộ",)).receivers == ("- Như trên;", "- Lưu: VT, CNTT.")


@pytest.mark.django_db
def test_a_unit_may_issue_through_the_one_above(tree) -> None:
    signed(tree["root"])
    changing.change(tree["north"], {"through_above": True, "drafting": "PB"}, "test")
    held = desk(tree["north"])
    assert (held.issuer, held.values["signer_name"]) == (("Sở",), "Nguyễn Văn Mẫu")
    assert held.symbol("") == "/STTTT-PB"


@pytest.mark.django_db
def test_a_blank_signer_is_marked(tree) -> None:
    front = desk(tree["north"]).front("V/v thử", blank_signer=True)
    document = read(to_docx.written(report(front=front)))
    runs = [
        run
        for cell in document.tables[1].rows[0].cells
        for one in cell.paragraphs
        for run in one.runs
        if run.font.highlight_color
    ]
    assert [run.text for run in runs] == ["[CHỨC VỤ NGƯỜI KÝ]", "[Họ và tên người ký]"]


@pytest.mark.django_db
def test_the_console_lists_by_the_clock_on_the_wall(tree, capsys) -> None:
    paper(tree["north"], "a")
    Issue.objects.update(made_at=datetime(2026, 11, 30, 22, 30, tzinfo=UTC))
    assert console.listed(Namespace()) == 0
    assert "2026-12-01 05:30  nguoi-a" in capsys.readouterr().out


@pytest.mark.django_db
def test_the_second_of_two_who_save_is_told(tree, admin) -> None:
    client = on(admin)
    page = f"/units/{tree['north'].pk}/letterhead/"
    assert client.get(page).status_code == 200
    given = {"signer_title": "Trưởng phòng", "signer_name": "A", "version": "0"}
    assert client.post(page, given).status_code == 302
    assert client.post(page, given | {"signer_name": "B"}).status_code == 409
    assert desk(tree["north"]).values["signer_name"] == "A"


# kept and compared -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_issues_are_kept_as_they_were_and_compared(tree, admin) -> None:
    first = paper(tree["north"], "một")
    later = plain("một", body=(Paragraph(style=Style.TEXT, text="Đã sửa"),))
    second = Issue.objects.create(
        document=first.document, number=2, made_by="x", made_at=datetime.now(UTC), sha256=later.digest, blanks=0, provisional=False, packed=Issue.pack(later)
    )  # fmt: skip
    assert first.report.digest == first.sha256
    turned = making.turned(first.report, second.report)
    assert [(one.sign, one.text) for one in turned] == [("-", "Phòng một báo cáo như sau:"), ("+", "Đã sửa")]
    page = on(admin).get(f"/documents/{first.document_id}/compare/", {"old": 1, "new": 2}).content.decode()
    assert "Đã sửa" in page
    for form in making.FORMATS:
        answer = on(admin).get(f"/documents/issues/{first.pk}/{form}/")
        assert answer.status_code == 200
        assert answer.content[:2] in (b"PK", b"%P")
    assert on(admin).get(f"/documents/issues/{first.pk}/exe/").status_code == 404


@pytest.mark.django_db
def test_papers_are_those_of_ones_own_part_of_the_tree(tree) -> None:
    mine, theirs = paper(tree["north"], "bắc"), paper(tree["south"], "nam")
    client = on(person("người bắc", "viewer", tree["north"]))
    assert client.get(f"/documents/{mine.document_id}/").status_code == 200
    assert client.get(f"/documents/{theirs.document_id}/").status_code == 404
    assert client.get(f"/documents/issues/{theirs.pk}/pdf/").status_code == 404
    assert client.post(f"/documents/{mine.document_id}/again/").status_code == 404, "a viewer makes none"
    page = client.get("/documents/").content.decode()
    assert "Báo cáo bắc" in page
    assert "Báo cáo nam" not in page


@pytest.mark.django_db
def test_a_paper_without_its_campaign_is_refused_in_words(tree, admin) -> None:
    held = paper(tree["north"], "x")
    answer = on(admin).post(f"/documents/{held.document_id}/again/")
    assert answer.status_code == 409
    assert Document.objects.get().issues.count() == 1


def test_a_report_comes_back_as_it_was() -> None:
    made = report(body=(Figure(title="a", svg=SVG), table(1)))
    assert Report.model_validate_json(made.model_dump_json()) == made
    assert json.loads(made.model_dump_json())["front"]["symbol"] == "/PB-CNTT"


def test_what_ships_on_machines_imports_no_maker_of_papers() -> None:
    named = re.compile(r"^\s*(?:from|import) (docx|docxtpl|typst|xlsxwriter)\b", re.MULTILINE)
    root = HERE.parents[1]
    files = [path for room in ("agent", "collectors", "baselines") for path in (root / room).rglob("*.py")]
    assert len(files) > 100
    assert [path for path in files if named.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("change", ["feeds", "blank", "figure", "addressee"])
def test_two_issues_that_differ_in_print_are_shown_to_differ(change: str) -> None:
    other = SVG.replace("0", "1", 1)
    assert len(other) == len(SVG)
    told = {
        "feeds": ({}, {"honesty": plain("x").honesty.model_copy(update={"feeds": (Dated(name="KEV", day=None, old=True),)})}),
        "blank": tuple({"body": (Paragraph(style=style, text="Không"),)} for style in (Style.BLANK, Style.TEXT)),
        "figure": tuple({"body": (Figure(title="a", svg=svg),)} for svg in (SVG, other)),
        "addressee": ({}, {"front": plain("x").front.model_copy(update={"addressees": ("Bộ",)})}),
    }[change]
    older, newer = (plain("x", **more) for more in told)
    assert making.turned(older, newer)
    assert making.turned(older, plain("x", **told[0])) == [], "when it was made is no difference"


@pytest.mark.django_db
def test_nothing_of_a_paper_of_another_unit_can_be_reached(tree) -> None:
    theirs = paper(tree["south"], "nam")
    stranger = person("người bắc", "admin", tree["north"])
    client, page = on(stranger), f"/documents/{theirs.document_id}/"
    Issue.objects.create(
        document=theirs.document, number=2, made_by="x", made_at=theirs.made_at, sha256="", blanks=0, provisional=False, packed=theirs.packed
    )  # fmt: skip
    for form in making.FORMATS:
        assert client.get(f"/documents/issues/{theirs.pk}/{form}/").status_code == 404
    assert client.get(page).status_code == 404
    assert client.get(f"{page}compare/", {"old": 1, "new": 2}).status_code == 404
    assert client.post(f"{page}answers/", {"seen": ""}).status_code == 404
    assert client.post(f"{page}again/").status_code == 404
    assert client.get(f"/units/{tree['south'].pk}/letterhead/").status_code == 404
    assert client.post(f"/units/{tree['south'].pk}/letterhead/", {"signer_name": "A", "version": "0"}).status_code == 404
    assert client.post("/documents/new/", {"unit": tree["south"].pk, "paper": "yearly/2026"}).status_code == 404
    for word in ("yearly/26", "yearly/", "reply/2026", "monthly/2026-13", "books/2026"):
        assert client.post("/documents/new/", {"unit": tree["north"].pk, "paper": word}).status_code == 404, (
            "no such time or paper"
        )
    assert Document.objects.count() == 1
