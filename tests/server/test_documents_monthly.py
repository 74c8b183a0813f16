"""The monthly report: numbers of dated rows alone. What was not written down then is unknown, and today's state is nobody's month."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import docx
import pypdf
import pytest
from django.utils import timezone
from openpyxl import load_workbook

from server.calendar.models import OwnDate
from server.campaigns.models import Campaign, Part
from server.documents.exports import docx as to_docx
from server.documents.exports import pdf, xlsx
from server.documents.report import Paragraph, Report, Style, Table, tables
from server.documents.spans import Span, containing
from server.feeds.matching.models import Ended, Weakness
from server.findings import queries, rollup, tally
from server.findings.models import Head, Rule, Transition
from server.ingest.models import Machine
from server.journal import models as journal
from server.overview.changes import between
from server.sweeps.models import Concern, Letter, Sheet, Sighting
from server.waivers.models import Waiver
from tests.server.campaigns import running
from tests.server.documents import of_unit, signed
from tests.server.findings import BEGIN, Fleet
from tests.server.newest import repeat
from tests.server.sweeping import warned
from tests.server.test_rights import person
from tests.server.waivers import granted

pytestmark = pytest.mark.django_db
HOSTILE = ("<b>&" + "máy " * 74).strip()


def said(made: Report) -> str:
    return "\n".join(one.text for one in made.body if isinstance(one, Paragraph))


def named(made: Report, name: str) -> Table:
    return next(one for one in tables(made) if one.name.startswith(name))


def counts(made: Report) -> dict[str, int | None]:
    return {one.text: one.number for one in made.honesty.counts}


@dataclass
class Past:
    """The month before this one, and what was written down in it."""

    span: Span
    fleet: Fleet
    machine: Machine

    @property
    def middle(self) -> datetime:
        return self.span.begins + timedelta(days=12)

    def report(self, machine: Machine, at: datetime, letters: str) -> None:
        """As if it had come in at that moment."""
        before = set(Transition.objects.values_list("pk", flat=True))
        stored = self.fleet.report(machine, (at - BEGIN) / timedelta(days=1), letters)
        Transition.objects.exclude(pk__in=before).update(written_at=at)
        Machine.objects.filter(pk=machine.pk).update(latest=stored, created_at=self.span.begins - timedelta(days=60))
        repeat()


@pytest.fixture
def past(tree) -> Past:
    """One machine in the north: it failed two checks from the middle of the month on, and was mended after its end."""
    signed(tree["root"])
    names = ("updates.pending", "remote_access.no_root", "antivirus.present")
    rules = [Rule.objects.create(baseline="mini", requirement="r", check_id=name, severity=3).pk for name in names]
    fleet = Fleet(rules)
    span = containing("month", timezone.localdate()).before
    found = Past(span, fleet, fleet.machine(tree["north"], "bac-1"))
    found.report(found.machine, span.begins + timedelta(days=3), "PPU")
    found.report(found.machine, found.middle, "FFU")
    tally.fold_all()
    rollup.roll_up(span.last - timedelta(days=2))
    found.report(found.machine, span.ends + timedelta(hours=1), "PPP")
    tally.fold_all()
    return found


def test_the_month_is_told_by_what_was_dated_in_it_and_not_by_today(past: Past, tree) -> None:
    made = of_unit("monthly", tree["root"], past.span.written)
    kept = queries.trend(None, tree["root"], past.span.last - timedelta(days=2), 1)[0]
    assert (kept.fail, kept.unknown, kept.passed) == (2, 1, 0)
    text = said(made)
    assert f"cuối ngày {(past.span.last - timedelta(days=2)):%d/%m/%Y}".replace("/0", "/") in text.replace("/0", "/")
    assert "chưa đạt là 02" in text
    assert "Tháng trước không có số liệu chốt" in text
    turned = between(None, tree["root"], past.span.begins, past.span.ends)
    assert (turned.worse, turned.better) == (2, 0), "what was mended after the month is not of it"
    assert [row[1:] for row in named(made, "Bản vá").rows] == [
        ("Đã cài phần mềm phòng chống mã độc", 0, 1, 0, 0, 0),
        ("updates.pending", 1, 0, 0, 1, 0),
    ]
    assert [row[1:] for row in named(made, "Cấu hình").rows] == [
        ("Không cho phép đăng nhập SSH bằng tài khoản root", "cao", 1, 0, 0)
    ]
    assert counts(made)["Lượt nội dung xấu đi trong tháng"] == 2
    assert not made.provisional


def test_what_was_not_kept_is_unknown_and_never_taken_from_today(past: Past, tree) -> None:
    long_ago = past.span.before.before
    made = of_unit("monthly", tree["root"], long_ago.written)
    text = said(made)
    for words in (
        "Tình hình cuối tháng: chưa rõ",
        "Tình hình cuối tháng về bản vá",
        "chưa có máy nào được đối chiếu",
        "việc có hay không",
    ):
        assert words in text, words
    unknown = {name for name, number in counts(made).items() if number is None}
    assert len(unknown) == 9, unknown
    assert named(made, "Số liệu theo đơn vị").rows[0][2:8] == (None,) * 6


def test_history_that_was_removed_is_said(past: Past, tree) -> None:
    Head.objects.update(kept_from=past.middle)
    assert "Lịch sử của 01 máy" in said(of_unit("monthly", tree["root"], past.span.written))
    Head.objects.update(kept_from=timezone.now())
    made = of_unit("monthly", tree["root"], past.span.written)
    assert "lịch sử của tháng đã được lược bớt" in said(made)
    assert counts(made)["Lượt nội dung xấu đi trong tháng"] is None


def test_a_month_that_is_not_over_is_provisional(past: Past, tree) -> None:
    made = of_unit("monthly", tree["root"], past.span.after.written)
    assert made.provisional
    assert "số liệu tạm tính đến" in said(made)
    assert any("còn thay đổi" in one for one in made.honesty.remarks)


def test_warnings_lists_and_holes_count_in_the_month_of_their_day(past: Past, tree) -> None:
    sighting, concern = warned(past.machine, "dấu")
    outside = of_unit("monthly", tree["root"], past.span.written)
    assert named(outside, "Cảnh báo").rows == ()
    assert "việc có hay không có chỉ dấu là chưa rõ" in said(outside), "the list came after the month"
    Letter.objects.update(since=past.middle)
    Sheet.objects.update(since=past.middle)
    Sighting.objects.filter(pk=sighting.pk).update(first=past.middle)
    Concern.objects.filter(pk=concern.pk).update(state=3, closed_at=past.middle)
    weakness = Weakness.objects.create(identifier="CVE-2026-1000", exploited=True)
    for package, by_data in (("a", False), ("b", True)):
        Ended.objects.create(
            machine=past.machine, weakness=weakness, package=package, since=past.middle, until=past.middle, by_data=by_data
        )
    made = of_unit("monthly", tree["root"], past.span.written)
    assert [row[-2:] for row in named(made, "Cảnh báo").rows] == [(1, 0)]
    assert [row[-2:] for row in named(made, "Danh sách chỉ dấu").rows] == [(1, 0)]
    text = said(made)
    assert "thêm 02 lượt lỗ hổng (máy – gói phần mềm) trên 01 máy, trong đó 01 máy" in text
    assert "thay đổi: 01 lượt" in text
    assert "không phải do khắc phục: 01 lượt" in text


def test_letters_of_campaigns_count_what_units_did_in_the_month(past: Past, tree) -> None:
    part = running(tree["root"], tree["north"], past.machine, "thư-<b>")
    assert named(of_unit("monthly", tree["root"], past.span.written), "Công văn").rows == (), "it began after the month"
    Part.objects.filter(pk=part.pk).update(received_at=past.middle, handed_at=past.span.ends)
    Campaign.objects.filter(pk=part.campaign_id).update(started_at=past.middle)
    (row,) = named(of_unit("monthly", tree["root"], past.span.written), "Công văn").rows
    assert row[3:7] == ("thư-<b>", 1, 1, 0), "what was handed in as the month was over is of the next one"
    assert row[7] == f"bắt đầu {timezone.localdate(past.middle):%d/%m/%Y}"
    signed(tree["south"])
    assert named(of_unit("monthly", tree["south"], past.span.written), "Công văn").rows == ()


def test_machines_waivers_and_acts_of_the_month(past: Past, tree, admin) -> None:
    fleet, second = past.fleet, person("người duyệt", "approver", tree["root"])
    new, old, silent = (fleet.machine(tree["north"], name) for name in ("moi", "cu", "im-lang"))
    Machine.objects.filter(pk__in=[old.pk, silent.pk]).update(created_at=past.span.begins - timedelta(days=60))
    Machine.objects.filter(pk=new.pk).update(created_at=past.middle)
    Machine.objects.filter(pk=old.pk).update(retired_at=past.middle, retired_why="thanh lý")
    waiver = granted(tree["north"], admin, second)
    day = timezone.localdate(past.middle)
    Waiver.objects.filter(pk=waiver.pk).update(on=day, until=day + timedelta(days=3))
    this = of_unit("monthly", tree["root"], past.span.after.written, admin)
    journal.write("user.rights", "quản-trị", unit_path=tree["north"].path, subject="x")
    made = of_unit("monthly", tree["root"], past.span.written, admin)
    text = said(made)
    assert "Máy mới đăng ký: 01. Máy thôi sử dụng: 01." in text
    assert "không nhận được báo cáo nào trong tháng: 01." in text
    assert [one.name for one in made.honesty.unreached] == ["im-lang"]
    assert "Bắt đầu trong tháng: 01. Kết thúc trong tháng: 01." in text
    assert named(made, "Nhật ký").rows == (), "what was done this month is not of the one before"
    acts = {row[1]: row[2] for row in named(of_unit("monthly", tree["root"], past.span.after.written, admin), "Nhật ký").rows}
    before = {row[1]: row[2] for row in named(this, "Nhật ký").rows}
    assert acts["Thay đổi quyền"] == before.get("Thay đổi quyền", 0) + 1, "it is told in the month in which it was done"
    operator = person("vận hành", "operator", tree["root"])
    assert "không có quyền đọc nhật ký" in said(of_unit("monthly", tree["root"], past.span.written, operator))


def test_nothing_of_another_unit_is_told(past: Past, tree) -> None:
    signed(tree["north"])
    signed(tree["south"])
    warned(past.machine, "dấu-bắc")
    Machine.objects.filter(pk=past.machine.pk).update(created_at=past.middle)
    stranger = person("người nam", "operator", tree["south"])
    for unit in (tree["south"], tree["north"]):
        made = of_unit("monthly", unit, past.span.written, stranger)
        assert "bac-1" not in made.model_dump_json()
        assert "Tình hình cuối tháng: chưa rõ" in said(made)
        assert "Máy mới đăng ký: 0." in said(made)
    assert "bac-1" in of_unit("monthly", tree["north"], past.span.written).model_dump_json(), "the console sees it"


def test_an_appendix_has_every_unit_right_below(past: Past, tree) -> None:
    rows = named(of_unit("monthly", tree["root"], past.span.written), "Số liệu theo đơn vị").rows
    assert [row[1] for row in rows] == ["Phòng Bắc", "Phòng Nam", "Toàn đơn vị (kể cả máy thuộc chính đơn vị)"]
    assert rows[0][2:] == (1, 2, 1, 0, 2, 0, 0, 0)
    assert rows[1][2:] == (None,) * 6 + (0, 0), "nothing of it was kept: not 0"
    assert rows[2][2:] == rows[0][2:]


def test_blanks_are_marked_until_a_person_fills_them(past: Past, tree) -> None:
    empty = of_unit("monthly", tree["root"], past.span.written)
    asked = {one.id for one in empty.asked}
    assert asked == {"warnings", "malware", "leaked", "incidents", "difficulties", "plan"}
    assert sum(isinstance(one, Paragraph) and one.style is Style.BLANK for one in empty.body) == 6
    filled = of_unit("monthly", tree["root"], past.span.written, answers=dict.fromkeys(asked, "Không có."))
    assert filled.blanks == []
    assert said(filled).count("Không có.") == 6


def test_an_empty_unit_yields_an_honest_paper(tree) -> None:
    signed(tree["south"])
    made = of_unit("monthly", tree["south"], containing("month", timezone.localdate()).written)
    known: dict[str, Any] = {name: number for name, number in counts(made).items() if number is not None}
    assert set(known.values()) == {0}
    assert all("trong tháng" in name for name in known), "of machines and reports alone"
    assert made.honesty.since is None
    assert "tự phát hiện: chưa rõ" in said(made)


def test_hostile_names_survive_into_every_file(past: Past, tree) -> None:
    new = past.fleet.machine(tree["north"], HOSTILE[:250])
    Machine.objects.filter(pk=new.pk).update(created_at=past.middle)
    after = past.span.after.first + timedelta(days=3)
    OwnDate.objects.create(unit=tree["north"], title=HOSTILE, who="x", source="x", changed_by="x", day=after)
    made = of_unit("monthly", tree["root"], past.span.written)
    (row,) = (row for row in named(made, "Thời hạn").rows if "<b>" in str(row[2]))
    assert row[2] == HOSTILE
    word = docx.Document(io.BytesIO(to_docx.written(made)))
    told = "".join(node.text or "" for node in word.element.iter() if node.tag.endswith("}t"))
    assert HOSTILE in told
    assert HOSTILE[:250] in told
    cells = [cell.value for sheet in load_workbook(io.BytesIO(xlsx.written(made))) for row in sheet.iter_rows() for cell in row]
    assert HOSTILE in cells
    whole = pdf.written(made)
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(whole)).pages)
    assert "<b>&máy máy" in text.replace("\u200b", "").replace("\n", " ")
