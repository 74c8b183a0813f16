"""Minutes of an inspection: the reports of that day and no others, and two sides that sign in one row."""

from __future__ import annotations

import io
from datetime import timedelta

import pypdf
import pytest
from django.utils import timezone
from openpyxl import load_workbook

from server.assess.models import StoredAssessment
from server.campaigns.models import Campaign
from server.coverage.models import Expected
from server.documents import making
from server.documents.exports import docx as to_docx
from server.documents.exports import pdf, xlsx
from server.documents.report import Cosigner, Paragraph, Report, Style, Table, blocks
from server.documents.templates import HERE, TemplateError
from server.documents.texts import Texts
from server.ingest.models import Machine, StoredSnapshot
from tests.server.campaigns import running
from tests.server.documents import of_unit, plain, signed
from tests.server.newest import repeat
from tests.server.papers import read, report, said
from tests.server.people import Host, send

DAY = timedelta(days=1)


def sends(client, host: Host, judged: bool = True, **changes) -> StoredSnapshot:
    snapshot = host.snapshot(**changes)
    assert send(client, host.seal(snapshot)).status_code == 201
    if not judged:
        StoredAssessment.objects.filter(snapshot=snapshot.id).delete()
        repeat()
    return StoredSnapshot.objects.get(pk=snapshot.id)


def moved(stored: StoredSnapshot, by: timedelta, collected: bool = True) -> None:
    """As if it had come then."""
    changes = {"received_at": stored.received_at + by}
    if collected:
        changes |= {"orders_at": stored.orders_at + by, "collected_at": stored.collected_at + by}
    StoredSnapshot.objects.filter(pk=stored.pk).update(**changes)
    repeat()


def words(made: Report) -> str:
    return " ".join(one.text for one in made.body if isinstance(one, Paragraph))


def sheet(made: Report, name: str) -> list[tuple]:
    return [row for one in blocks(made) if isinstance(one, Table) and one.name == name for row in one.rows]


def counts(made: Report) -> dict[str, int | None]:
    return {one.text: one.number for one in made.honesty.counts}


@pytest.fixture
def visited(client, tree, another):
    """Two machines of the north that reported today, one that did so yesterday, one that never did; one of the south."""
    signed(tree["root"])
    signed(tree["north"])
    for name, unit in (("m-1", "north"), ("m-2", "north"), ("hôm-qua", "north"), ("im", "north"), ("phòng-nam", "south")):
        host = another(name, unit)
        if name != "im":
            stored = sends(client, host, **({"permit_root_login": "no"} if name == "m-2" else {}))
            if name == "hôm-qua":
                moved(stored, -DAY)
    Machine.objects.update(created_at=timezone.now() - 30 * DAY)
    return tree


@pytest.mark.django_db
def test_only_reports_of_that_very_day_count(visited, person) -> None:
    today = timezone.localdate()
    made = of_unit("minutes", visited["north"], today.isoformat(), person("bắc", "north", "operator"))
    assert [row[1] for row in sheet(made, "Báo cáo trong ngày")] == ["m-1", "m-2"]
    for row in sheet(made, "Báo cáo trong ngày"):
        held = StoredAssessment.objects.get(machine__name=row[1])
        assert row[5:] == (held.fail, held.unknown, held.passed), "as the page of the machine says"
    failed = sheet(made, "Yêu cầu không đạt")
    assert len(failed) == 1
    assert failed[0][0] == "6.1.1"
    assert str(failed[0][3]) == "1/2 máy: m-1"
    assert "yêu cầu:" in str(failed[0][4])
    assert str(failed[0][4]).endswith("(m-1)")
    assert [row[1] for row in sheet(made, "Bằng chứng")] == ["m-1"]
    unknown = sheet(made, "Yêu cầu chưa xác định")
    assert [str(row[2]) for row in unknown] == ["2/2 máy (tất cả)"]
    assert "(02 máy)" in str(unknown[0][3])
    assert {row[1]: row[3] for row in sheet(made, "Máy không có báo cáo")}.keys() == {"hôm-qua", "im"}
    told = counts(made)
    assert told["Máy thuộc phạm vi (có báo cáo trong ngày hoặc còn trong danh mục)"] == 4
    assert told["Máy có báo cáo thu thập và nhận trong ngày"] == 2
    assert told["Máy không có báo cáo trong ngày"] == 2
    assert told["Máy đạt tất cả nội dung do máy kiểm tra"] == 0
    assert {one.name for one in made.honesty.unreached} == {"hôm-qua", "im"}
    assert "phòng-nam" not in made.model_dump_json()
    assert made.provisional, "the day is not over"
    whole = of_unit("minutes", visited["root"], today.isoformat())
    assert "phòng-nam" in whole.model_dump_json(), "the console's"
    narrow = of_unit("minutes", visited["root"], today.isoformat(), person("nam", "south", "operator"))
    assert [row[1] for row in sheet(narrow, "Báo cáo trong ngày")] == ["phòng-nam"]
    assert "m-1" not in narrow.model_dump_json()


@pytest.mark.django_db
def test_a_day_without_reports_says_so_and_shows_no_result(visited) -> None:
    day = timezone.localdate() - 5 * DAY
    made = of_unit("minutes", visited["north"], day.isoformat())
    said = words(made)
    assert "không nhận được báo cáo nào" in said
    assert said.count("không được hiểu là đạt") == 3
    assert "không có máy không đạt" not in said
    assert sheet(made, "Yêu cầu không đạt") == sheet(made, "Báo cáo trong ngày") == []
    assert counts(made)["Máy có nội dung không đạt"] is None, "not nought"
    assert len(sheet(made, "Máy không có báo cáo")) == 4
    assert made.honesty.wording is None
    assert made.honesty.since is None
    assert not made.provisional


@pytest.mark.django_db
def test_of_a_day_whose_reports_are_kept_no_longer_it_is_not_said_that_none_came(visited, settings) -> None:
    settings.CONFIG = settings.CONFIG.model_copy(update={"keep_snapshot_days": 3})
    made = of_unit("minutes", visited["north"], (timezone.localdate() - 5 * DAY).isoformat())
    said = words(made)
    assert "không còn lưu đủ báo cáo" in said
    assert "không nhận được báo cáo nào" not in said
    assert said.count("không được hiểu là đạt") == 3
    why = Texts("minutes.yaml").at("missing_unkept")
    assert [row[-1] for row in sheet(made, "Máy không có báo cáo")] == [why] * 4


@pytest.mark.django_db
def test_what_was_collected_or_came_on_another_day_is_told_apart(client, visited, another) -> None:
    """A bundle of last week that came today, and a report of today that will come tomorrow."""
    today = timezone.localdate()
    moved(sends(client, another("mang-tới", "north"), age=2 * DAY), timedelta())
    moved(sends(client, another("tới-sau", "north")), DAY, collected=False)
    made = of_unit("minutes", visited["north"], today.isoformat())
    assert [row[1] for row in sheet(made, "Báo cáo trong ngày")] == ["m-1", "m-2"]
    missing = {row[1]: row[3] for row in sheet(made, "Máy không có báo cáo")}
    assert "thu thập từ trước" in missing["mang-tới"]
    assert "tới-sau" not in missing or missing["tới-sau"] == "Chưa từng gửi báo cáo"
    told = counts(made)
    assert told["Báo cáo nhận trong ngày nhưng thu thập từ trước, không sử dụng"] == 1
    assert told["Báo cáo thu thập trong ngày nhưng nhận sau, không sử dụng"] == 1


@pytest.mark.django_db
def test_the_newest_of_several_counts_and_what_was_not_judged_is_not_known(client, visited, another) -> None:
    host, other = another("nhiều", "north"), another("chưa-đánh-giá", "north")
    sends(client, host, age=timedelta(seconds=1))
    sends(client, host, permit_root_login="no")
    sends(client, other, judged=False)
    made = of_unit("minutes", visited["north"], timezone.localdate().isoformat())
    rows = {row[1]: row for row in sheet(made, "Báo cáo trong ngày")}
    assert "mới nhất trong 02 báo cáo" in str(rows["nhiều"][3])
    assert rows["chưa-đánh-giá"][5:] == (None, None, None)
    assert str(sheet(made, "Yêu cầu không đạt")[0][3]) == "1/3 máy: m-1", (
        "the newest report of it passes; the unjudged one is not asked"
    )
    assert counts(made)["Máy có báo cáo chưa được đánh giá"] == 1


@pytest.mark.django_db
def test_results_that_cannot_be_made_again_are_named(visited) -> None:
    StoredAssessment.objects.filter(machine__name="m-1").update(verdicts="0" * 64)
    made = of_unit("minutes", visited["north"], timezone.localdate().isoformat())
    assert "không tái lập được" in words(made)
    assert counts(made)["Máy có kết quả chi tiết không tái lập được"] == 1
    assert counts(made)["Máy có nội dung không đạt"] == 1, "its kept numbers still stand"
    assert sheet(made, "Yêu cầu không đạt") == []
    assert "Không có yêu cầu nào có máy không đạt, trên số liệu của 01 máy" in words(made), "of the other one alone"


@pytest.mark.django_db
def test_lists_and_excuses(visited) -> None:
    for name, excuse in (("trong-danh-sách", ""), ("máy-in", "no-machine")):
        row = Expected.objects.create(unit=visited["north"], name=name, excuse=excuse)
        Expected.objects.filter(pk=row.pk).update(first_at=timezone.now() - DAY)
    made = of_unit("minutes", visited["north"], timezone.localdate().isoformat())
    missing = {row[1]: row[3] for row in sheet(made, "Máy không có báo cáo")}
    assert "chưa cài tác tử" in missing["trong-danh-sách"]
    assert "máy-in" not in missing
    assert counts(made)["Máy trong danh sách được miễn, không tính vào phạm vi"] == 1


@pytest.mark.django_db
def test_a_visit_that_covers_the_day_is_cited_and_no_other_campaign(visited) -> None:
    machine = Machine.objects.get(name="m-1")
    for mark, unit in (("thăm", "north"), ("khác", "north"), ("nam", "south")):
        running(visited["root"], visited[unit], machine, mark)
    Campaign.objects.exclude(number="so-khác").update(pattern="inspection")
    made = words(of_unit("minutes", visited["north"], timezone.localdate().isoformat()))
    assert "so-thăm" in made
    assert "so-khác" not in made
    assert "so-nam" not in made
    assert "không có đợt" in words(of_unit("minutes", visited["north"], (timezone.localdate() - DAY).isoformat()))
    Campaign.objects.update(started_at=timezone.now() - 9 * DAY, closed_at=timezone.now() - 3 * DAY)
    assert "so-thăm" not in words(of_unit("minutes", visited["north"], timezone.localdate().isoformat()))


@pytest.mark.django_db
def test_blanks_are_marked_until_somebody_fills_them(visited) -> None:
    day = timezone.localdate().isoformat()
    made = of_unit("minutes", visited["north"], day)
    assert len(made.blanks) == len(made.asked) == 10
    given = {one.id: f"đã ghi {one.id}" for one in made.asked}
    filled = of_unit("minutes", visited["north"], day, answers=given)
    assert filled.blanks == []
    assert all(f"đã ghi {id}" in words(filled) for id in given if id != "head")
    assert filled.front.signer_name == "đã ghi head"
    headings = [one.text for one in made.body if isinstance(one, Paragraph) and one.style in (Style.SECTION, Style.HEADING)]
    assert len(headings) == len(set(headings)) == 14, "each once"
    assert made.front.addressees == ()
    assert not any("Như trên" in one for one in made.front.receivers), "nobody is addressed"


@pytest.mark.django_db
def test_an_empty_unit_has_honest_minutes(tree) -> None:
    signed(tree["south"])
    made = of_unit("minutes", tree["south"], timezone.localdate().isoformat())
    assert "chưa có máy nào" in words(made)
    assert "Mọi máy thuộc phạm vi" not in words(made)
    assert making.problem(made, "docx") == making.problem(made, "pdf") == making.problem(made, "xlsx") == ""


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["<b>&" + "x" * 200, "máy {name} %s", "=1+1"])
def test_hostile_names_survive_in_every_format(visited, name: str) -> None:
    Machine.objects.filter(name="m-1").update(name=name)
    made = of_unit("minutes", visited["north"], timezone.localdate().isoformat())
    assert name in said(read(to_docx.written(made)))
    cells = [cell.value for one in load_workbook(io.BytesIO(xlsx.written(made))) for row in one.iter_rows() for cell in row]
    assert name in cells
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf.written(made))).pages)
    assert name.split()[0][:12] in text.replace("\u200b", "").replace("\n", "")


# two sides that sign ---------------------------------------------------------------------------------------------------

SIDE = Cosigner(authority=("BÊN MỘT",), title="Trưởng phòng", name="Lê Văn Mẫu")


def two_sides(**more: str) -> Report:
    front = plain("thử").front.model_copy(update={"cosigners": (SIDE.model_copy(update=more),), "authority": ("BÊN HAI",)})
    return report(front=front)


def test_docx_has_both_sides_in_one_row_and_the_receivers_below() -> None:
    document = read(to_docx.written(two_sides()))
    table = next(one for one in document.tables if "BÊN MỘT" in one.rows[0].cells[0].text)
    said_of = [[cell.text.split() for cell in row.cells] for row in table.rows]
    assert said_of[0] == [["BÊN", "MỘT", "TRƯỞNG", "PHÒNG"], ["BÊN", "HAI", "TRƯỞNG", "PHÒNG"]]
    assert said_of[1] == [["Lê", "Văn", "Mẫu"], ["Nguyễn", "Văn", "Mẫu"]]
    text = said(document)
    assert text.count("Nguyễn Văn Mẫu") == 1, "the foot does not sign a second time"
    assert text.index("Nguyễn Văn Mẫu") < text.index("Nơi nhận:")
    marked = read(to_docx.written(two_sides(title="", name="")))
    runs = [run.text for one in marked.tables for row in one.rows for cell in row.cells for part in cell.paragraphs for run in part.runs if run.font.highlight_color]  # fmt: skip
    assert runs == ["[CHỨC VỤ NGƯỜI KÝ]", "[Họ và tên người ký]"]


def test_pdf_has_both_sides_on_one_line_and_the_receivers_below() -> None:
    found: dict[str, tuple[float, float]] = {}

    def note(text: str, page, line, _font, _size) -> None:
        across, down = (line[4] * page[at] + line[5] * page[at + 2] + page[at + 4] for at in (0, 1))
        found.setdefault(text.strip(), (across, down))

    for page in pypdf.PdfReader(io.BytesIO(pdf.written(two_sides()))).pages[:1]:
        page.extract_text(visitor_text=note)
    (x, y), (beside, same) = found["BÊN MỘT"], found["BÊN HAI"]
    assert x < beside
    assert y == pytest.approx(same, abs=1)
    assert found["Lê Văn Mẫu"][1] == pytest.approx(found["Nguyễn Văn Mẫu"][1], abs=1)
    assert found["Nơi nhận:"][1] < found["Lê Văn Mẫu"][1], "further down: a page is measured from its foot"


def test_a_paper_with_one_signer_is_kept_as_before_and_two_that_differ_are_told_apart() -> None:
    one = report()
    assert "cosigners" not in one.model_dump(mode="json")["front"], "the digests of kept issues stay"
    assert Report.model_validate_json(two_sides().model_dump_json()).front.cosigners == (SIDE,)
    assert [turn.text for turn in making.turned(two_sides(), two_sides(name="Ai đó"))] == [
        "BÊN MỘT Trưởng phòng Lê Văn Mẫu",
        "BÊN MỘT Trưởng phòng Ai đó",
    ]


def test_a_template_of_ones_own_without_a_second_side_is_named(settings, tmp_path) -> None:
    from server.config import Data

    settings.DATA = Data(tmp_path)
    (tmp_path / "documents").mkdir()
    typ = (HERE / "templates/paper.typ").read_text("utf-8").replace("front.sides", "()")
    (tmp_path / "documents/paper.typ").write_text(typ, "utf-8")
    with pytest.raises(TemplateError, match=r"paper\.typ: front\.sides is missing"):
        pdf.written(two_sides())
    assert pdf.written(report()), "papers that one side signs are made as before"
