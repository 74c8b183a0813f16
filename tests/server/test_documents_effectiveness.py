"""The yearly review: what systems are judged at now, what they were a year before, and what turned since their dossiers."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pypdf
import pytest
from django.utils import timezone
from openpyxl import load_workbook

from server.assignments.models import Assignment
from server.documents import making
from server.documents.exports import docx as to_docx
from server.documents.exports import pdf, xlsx
from server.documents.models import Issue
from server.documents.papers.level.gather import gather
from server.documents.papers.reviewed import Turned
from server.documents.report import Paragraph, Report, Style, Table, blocks
from server.documents.writing import day as written
from server.findings.models import Daily, Rule
from server.ingest.models import Machine
from server.registers.systems import System
from server.waivers.models import Attestation
from tests.server.documents import of_unit, signed, system
from tests.server.papers import read, said
from tests.server.waivers import granted

pytestmark = pytest.mark.django_db
STATES = ("met", "partly", "not_met", "undetermined", "not_applicable")
DAY = timedelta(days=1)


def words(made: Report) -> str:
    return " ".join(one.text for one in made.body if isinstance(one, Paragraph))


def sheet(made: Report, name: str) -> list[tuple]:
    return [row for one in blocks(made) if isinstance(one, Table) and one.name == name for row in one.rows]


def year() -> str:
    return str(timezone.localdate().year)


def review(unit, user=None, **more) -> Report:
    return of_unit("effectiveness", unit, year(), user, **more)


@pytest.fixture
def north(tree):
    signed(tree["root"])
    signed(tree["north"])
    decided = {"approval": "approved", "level_approved": "3", "decision_number": "12/QĐ", "decision_date": date(2025, 1, 5)}
    return system(tree["north"], name="Một cửa", **decided)


def attested(unit, requirement: str = "care.rules", **more) -> Attestation:
    today = timezone.localdate()
    told = {
        "baseline": "mini", "level": 5, "document": "15/QĐ-CNTT", "on": today, "until": today + 30 * DAY, "state": "met", "by": "trưởng-phòng",
        "role": "Trưởng phòng",
    }  # fmt: skip
    return Attestation.objects.create(unit=unit, requirement=requirement, **told | more)


def test_each_system_stands_as_it_is_judged_now(tree, north, person) -> None:
    System.objects.create(unit=tree["north"], name="Chưa có cấp", created_by="x")
    System.objects.create(unit=tree["north"], name="Chưa có máy", level_proposed="2", created_by="x")
    System.objects.create(unit=tree["north"], name="Đã dừng", state="stopped", created_by="x")
    System.objects.create(unit=tree["south"], name="Của phòng nam", level_proposed="2", created_by="x")
    made = review(tree["north"], person("bắc", "north", "operator"))
    judged = gather(north).assessment.summary()
    rows = {str(row[1]).partition(" (")[0]: row for row in sheet(made, "Mức độ đáp ứng")}
    assert list(rows) == ["Chưa có cấp", "Chưa có máy", "Một cửa"]
    assert rows["Một cửa"][2:] == ("3", "Số 12/QĐ ngày 05/01/2025", *(judged[state] for state in STATES))
    assert rows["Chưa có cấp"][4:] == rows["Chưa có máy"][4:] == (None,) * 5, "what was not judged is not nought"
    assert "chưa ghi máy" in str(rows["Chưa có máy"][1])
    groups = sheet(made, "Một cửa")
    assert (
        [sum(row[at] for row in groups[:-1]) for at in range(2, 7)] == list(groups[-1][2:]) == [judged[state] for state in STATES]
    )
    counts = {one.text: one.number for one in made.honesty.counts}
    assert counts["Hệ thống thông tin trong danh mục (đang xây dựng, đang vận hành)"] == 3
    assert counts["Hệ thống đã đối chiếu được"] == counts["Hệ thống đã dừng vận hành, không tính"] == 1
    assert counts["Thiết bị chưa có báo cáo"] == 1
    assert len(made.honesty.unreached) == 3, "the silent, the stale and the missing one"
    assert made.honesty.wording is not None
    assert sum(made.honesty.wording.model_dump().values()) == sum(judged.values())
    assert "Của phòng nam" not in made.model_dump_json()
    assert "Của phòng nam" in review(tree["root"]).model_dump_json(), "the console's"
    narrow = review(tree["root"], person("nam", "south", "operator"))
    assert [row[1] for row in sheet(narrow, "Mức độ đáp ứng")] == [
        "Của phòng nam (chưa ghi máy hoặc thiết bị nào thuộc hệ thống)"
    ]
    assert "Một cửa" not in narrow.model_dump_json()


def test_what_turned_since_the_last_dossier(tree, north) -> None:
    assert "Chưa lập hồ sơ" in str(sheet(review(tree["north"]), "So với hồ sơ")[0][1])
    making.of_system(north, None, "console")
    lines = gather(north).assessment.lines
    row = sheet(review(tree["north"]), "So với hồ sơ")[0]
    assert row[0:1] + row[2:] == ("Một cửa", len(lines), 0, 0, 0, 0, 0), "nothing turned"
    assert "Bản số 1" in str(row[1])
    attested(tree["north"])
    made = review(tree["north"])
    assert sheet(made, "So với hồ sơ")[0][2:] == (len(lines) - 1, 0, 0, 0, 1, 0)
    turned = sheet(made, "Thay đổi Một cửa")
    assert [row[1:] for row in turned] == [
        ("Có quy chế vận hành được phê duyệt", "Chưa xác định được", "Đã đáp ứng đầy đủ", "Nay đã xác định")
    ]
    assert "trình phê duyệt lại đối với 01 hệ thống" in " ".join(made.blanks)
    making.of_system(north, None, "console")
    row = sheet(review(tree["north"]), "So với hồ sơ")[0]
    assert "Bản số 2" in str(row[1])
    assert row[2] == len(lines)
    making.of_system(north, None, "console", level=2)
    row = sheet(review(tree["north"]), "So với hồ sơ")[0]
    assert "không so sánh được" in str(row[1])
    assert row[2:] == (None,) * 6
    Issue.objects.filter(document__about__endswith=":2").update(made_at=timezone.now() + 400 * DAY)
    assert "Bản số 2" in str(sheet(review(tree["north"]), "So với hồ sơ")[0][1]), "one of a later year is not looked at"


def test_the_same_day_of_the_year_before_or_the_nearest_that_is_kept(tree, north) -> None:
    assert "Chưa lưu số liệu tổng hợp" in words(review(tree["north"]))
    today = timezone.localdate()
    day = today - DAY

    def kept(on: date, fail: int, unit: str = "north", **more) -> None:
        told = {"machines": 40, "unknown": 7, "passed": 90, "critical": 1, "high": fail - 1, "medium": 0, "low": 0, "taken_at": timezone.now()}  # fmt: skip
        Daily.objects.create(unit=tree[unit], kind=more.pop("kind", 1), date=on, fail=fail, packed=b"", **told | more)

    kept(day, 30)
    kept(day, 3, kind=2, machines=2)
    kept(day, 500, "south")
    made = review(tree["north"])
    assert "chưa so sánh được với năm trước" in words(made)
    rows = {row[0]: row[1:] for row in sheet(made, "So sánh cùng kỳ")}
    assert rows["Kết quả không đạt"] == (None, 33, None), "of all kinds, of this unit alone; no year before is no nought"
    assert rows["Máy có kết quả đánh giá"] == (None, 42, None)
    wanted = day.replace(year=day.year - 1, day=min(day.day, 28) if day.month == 2 else day.day)
    kept(wanted + 20 * DAY, 50)
    kept(wanted - 40 * DAY, 1)
    made = review(tree["north"])
    assert f"dùng ngày gần nhất còn lưu là {written(wanted + 20 * DAY)}" in words(made)
    assert {row[0]: row[1:] for row in sheet(made, "So sánh cùng kỳ")}["Kết quả không đạt"] == (50, 33, "-17")
    assert "giảm 17" in " ".join(made.blanks)
    kept(wanted, 31)
    made = review(tree["north"])
    assert "cùng ngày năm trước" in words(made)
    assert {row[0]: row[1:] for row in sheet(made, "So sánh cùng kỳ")}["Kết quả không đạt"] == (31, 33, "+2")


def test_what_is_overdue_and_nothing_else(tree, north) -> None:
    assert "Không có thời hạn nào" in sheet_empty(review(tree["north"]), "Quá hạn")
    today = timezone.localdate()
    late = {"approval": "sent", "approval_expected": today - DAY, "plan": "partly", "plan_expected": today + DAY}
    System.objects.create(unit=tree["north"], name="Trễ", created_by="x", **late)
    System.objects.create(unit=tree["north"], name="Xong", created_by="x", plan="whole", plan_expected=today - DAY)
    machine = Machine.objects.filter(unit=tree["north"]).first()
    assert machine is not None
    for place, (due, closed) in enumerate(((today - 3 * DAY, None), (today, None), (today - DAY, timezone.now()))):
        rule = Rule.objects.create(
            baseline="mini", requirement="access.root", check_id=("remote_access.no_root", "b", "c")[place], severity=3
        )
        Assignment.objects.create(unit=tree["north"], machine=machine, rule=rule, due=due, closed_at=closed, made_by="x", changed_by="x", failed_at=timezone.now())  # fmt: skip
    rows = sheet(review(tree["north"]), "Quá hạn")
    assert [(row[0], row[3]) for row in rows] == [("Trễ", 1), (machine.name, 3)]
    assert rows[1][1] != "remote_access.no_root", "the check by its title"
    assert sheet(review(tree["south"], blank_signer=True), "Quá hạn") == []


def sheet_empty(made: Report, name: str) -> str:
    return next(one.empty for one in blocks(made) if isinstance(one, Table) and one.name == name and not one.rows)


def test_waivers_in_force_and_drills_that_people_attested(tree, north, person) -> None:
    asker, second = person("người-xin", "root", "admin"), person("người-duyệt", "root", "approver")
    machine = Machine.objects.filter(unit=tree["north"]).first()
    assert machine is not None
    granted(tree["north"], asker, second, [machine])
    ended = granted(tree["north"], asker, second)
    type(ended).objects.filter(pk=ended.pk).update(ended_at=timezone.now())
    granted(tree["south"], asker, second)
    made = review(tree["north"])
    assert [(row[2], row[3]) for row in sheet(made, "Chấp nhận có thời hạn")] == [
        ("01 máy của Phòng Bắc", "Biện pháp thay thế: Chỉ máy quản trị được phép kết nối SSH.")
    ]
    assert "01 nội dung có biện pháp thay thế, 0 nội dung chấp nhận rủi ro" in words(made)
    assert "Không có xác nhận nào về kiểm tra" in sheet_empty(made, "Kiểm tra, diễn tập")
    today = timezone.localdate()
    drill = {"baseline": "tcvn_14423_2026", "level": 4}
    attested(tree["north"], "incidents.drills", system="Một cửa", **drill)
    attested(tree["north"], "testing.external", **drill, on=today - 800 * DAY, until=today - 500 * DAY)
    attested(tree["north"], "malware.rules", **drill)
    attested(tree["south"], "incidents.drills", **drill)
    made = review(tree["north"])
    rows = sheet(made, "Kiểm tra, diễn tập")
    assert [(row[1], row[2], row[3], row[6]) for row in rows] == [
        ("Ứng phó sự cố được diễn tập theo chu kỳ", "Một cửa", "15/QĐ-CNTT", "Đáp ứng")
    ]
    assert "có 01 xác nhận về nội dung khác" in words(made)


def test_the_conclusion_is_a_blank_with_a_sentence_from_the_numbers(tree, north) -> None:
    made = review(tree["north"])
    assert [one.id for one in made.asked] == ["conclusion", "proposals"]
    summary = gather(north).assessment.summary()
    assert f"{summary['undetermined']:02} yêu cầu chưa xác định được" in made.blanks[0]
    blank = [one.text for one in made.body if isinstance(one, Paragraph) and one.style is Style.BLANK]
    assert blank == made.blanks
    filled = review(tree["north"], answers={"conclusion": "Đạt hiệu quả.", "proposals": "Không."})
    assert filled.blanks == []
    assert "Đạt hiệu quả." in words(filled)
    assert "Gợi ý" not in words(filled)
    assert made.provisional, "the year is not over"


def test_a_unit_without_systems_has_an_honest_paper(tree) -> None:
    signed(tree["south"])
    made = review(tree["south"])
    assert "chưa đủ căn cứ kết luận" in made.blanks[0]
    assert "đáp ứng đầy đủ" not in words(made)
    assert made.honesty.wording is None
    assert making.problem(made, "docx") == making.problem(made, "pdf") == making.problem(made, "xlsx") == ""


@pytest.mark.parametrize(
    ("was", "now", "way"),
    [("met", "not_met", "worse"), ("not_met", "partly", "better"), ("met", "undetermined", "lost"), ("undetermined", "not_met", "learned"),
     ("not_applicable", "met", "other"), ("not_applicable", "undetermined", "lost")],
)  # fmt: skip
def test_not_known_any_more_is_neither_better_nor_worse(was: str, now: str, way: str) -> None:
    assert Turned("1", "x", was, now).way == way


def test_hostile_names_survive_in_every_format(tree) -> None:
    signed(tree["north"])
    name = "<b>&{unit} %s " + "x" * 200
    system(tree["north"], name=name)
    made = review(tree["north"])
    assert name in said(read(to_docx.written(made)))
    cells = [cell.value for one in load_workbook(io.BytesIO(xlsx.written(made))) for row in one.iter_rows() for cell in row]
    assert name in cells
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf.written(made))).pages)
    assert "<b>&{unit}" in text
