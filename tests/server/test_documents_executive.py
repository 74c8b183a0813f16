"""The page for the head of a unit: its numbers are those of the pages, what nobody knows is no nought, and it stays one page."""

from __future__ import annotations

import io
from datetime import timedelta

import docx
import pypdf
import pytest
from django.utils import timezone, translation
from openpyxl import load_workbook

from baselines.loader import load
from server.approvals.models import Request
from server.assignments.models import Assignment
from server.calendar.models import OwnDate
from server.coverage.models import Expected
from server.documents.exports import docx as to_docx
from server.documents.exports import pdf, xlsx
from server.documents.papers.executive import cut
from server.documents.report import Paragraph, Report, Table
from server.feeds.matching.models import Matched
from server.findings import rollup, tally
from server.findings.codes import SEVERITIES
from server.findings.models import Head, Rule
from server.ingest.models import Machine
from server.overview.changes import between
from server.overview.standing import below
from server.overview.views import failing
from server.registers.models import Item
from server.registers.systems import System
from server.units.models import Unit
from tests.server.documents import of_unit, signed
from tests.server.findings import BEGIN, Fleet
from tests.server.newest import repeat
from tests.server.test_rights import person

pytestmark = pytest.mark.django_db
HOSTILE = "<b>&" + "máy " * 74
REAL = "tcvn_11930_2017"


def rows(made: Report) -> dict[str, str]:
    """The table of matters, by its first column."""
    found = next(one for one in made.body if isinstance(one, Table))
    return {str(row[0])[:2]: str(row[1]) for row in found.rows}


def counts(made: Report) -> list[int | None]:
    return [one.number for one in made.honesty.counts]


def day_of(days: float) -> float:
    """As Fleet counts them: so many days before now."""
    return (timezone.now() - BEGIN) / timedelta(days=1) - days


@pytest.fixture
def fleet(tree) -> Fleet:
    """Two machines in the north, of which one is silent, one in the south; what turned a week ago and today."""
    signed(tree["root"])
    fleet = Fleet.of(4)
    bad, good = fleet.machine(tree["north"], "bac-1"), fleet.machine(tree["south"], "nam-1")
    fleet.machine(tree["north"], "bac-im-lang")
    for machine, letters in ((bad, "FPUF"), (good, "PPPP")):
        newest = fleet.report(machine, day_of(0.01), letters)
        Machine.objects.filter(pk=machine.pk).update(latest=newest)
    repeat()
    tally.fold_all()
    return fleet


def test_every_number_is_that_of_the_page(fleet, tree, admin) -> None:
    Expected.objects.create(unit=tree["north"], name="co-trong-danh-sach")
    made, mine = of_unit("executive", tree["root"], user=admin), rows
    standing = below(admin, tree["root"], timezone.now())[0]
    told = mine(made)
    assert f"Phải có 0{standing.expected} máy; đã báo cáo 0{standing.seen}" in told["1."]
    assert (standing.expected, standing.seen) == (4, 2)
    assert "01 máy trong danh sách chưa cài phần mềm; 01 máy chưa báo cáo lần nào" in told["1."]
    found, _waiting = failing(admin, tree["root"], 2)
    assert f"Chưa đạt 0{len(found)} nội dung:" in told["2."]
    with translation.override("vi"):
        worst = next(one for one in list(made.body)[::-1] if isinstance(one, Table))
        assert [row[1] for row in worst.rows] == [row.words.title for row in found][:5]
        assert [row[2] for row in worst.rows] == [row.counts.fail for row in found][:5]
    assert "chưa rõ 01; chưa đạt 02" in told["2."]
    turned = between(admin, tree["root"], timezone.now() - timedelta(days=30))
    assert f"Lượt xấu đi {turned.worse}, khắc phục {turned.better}" in told["3."].replace(" 0", " ") or turned.worse == 0


def test_what_nobody_knows_is_no_nought(fleet, tree) -> None:
    told = rows(made := of_unit("executive", tree["root"]))
    assert "chưa ghi nhận, nhưng chưa rõ ở 03 máy. Phiên" in told["4."], "no list of exploited vulnerabilities is in force"
    assert "0 máy" not in told["4."].replace("03 máy", "")
    assert told["4."].count("chưa rõ ở 03 máy") == 2, "whether anything runs that is out of support"
    exploited = next(one for one in made.honesty.counts if "bị khai thác" in one.text)
    assert exploited.number is None
    assert {one.name for one in made.honesty.unreached} == {"bac-im-lang"}


def test_an_empty_unit_says_that_nothing_is_known(tree) -> None:
    signed(tree["north"])
    made = of_unit("executive", tree["north"])
    told = rows(made)
    assert "chưa rõ tình hình" in told["1."]
    assert "chưa rõ mức độ đáp ứng" in told["2."]
    assert "Chưa rõ" in told["3."]
    assert "Chưa đủ số liệu để nêu" in told["6."]
    assert [one.number for one in made.honesty.counts if "chưa đạt" in one.text] == [None] * 3
    assert len(made.body) == 2, "no table of the worst where nothing fails"


def test_nothing_of_another_unit_is_told(fleet, tree) -> None:
    signed(tree["north"])
    signed(tree["south"])
    Assignment.objects.create(
        unit=tree["north"], rule_id=fleet.rules[0], due=timezone.localdate() - timedelta(days=1), made_by="x", changed_by="x",
        failed_at=timezone.now(),
    )  # fmt: skip
    mine = of_unit("executive", tree["south"], user=person("người nam", "operator", tree["south"]))
    theirs = of_unit("executive", tree["north"], user=person("người nam 2", "operator", tree["south"]))
    whole = of_unit("executive", tree["root"])
    for one in (mine, theirs):
        assert "bac-" not in one.model_dump_json()
        assert "quá hạn: 0 (" in rows(one)["5."]
    assert "quá hạn: 01 (chưa có người nhận: 01)" in rows(whole)["5."]
    assert counts(theirs)[0] == 0
    assert "Phải có 03 máy" in rows(whole)["1."]


def test_decisions_follow_by_rule_and_three_are_asked(fleet, tree) -> None:
    before = rows(of_unit("executive", tree["root"]))["6."]
    assert before == "(1) yêu cầu đưa 01 máy chưa có báo cáo vào diện rà soát."
    _burning(tree, fleet)
    made = of_unit("executive", tree["root"])
    told = rows(made)["6."]
    assert told.startswith("(1) chỉ đạo khắc phục ngay 01 máy")
    assert "(2) giao người chịu trách nhiệm đối với 01 việc" in told
    assert "(4)" not in told
    assert "nội dung nữa nêu tại phụ lục" in told
    assert any("phê duyệt (hoặc trình phê duyệt) cấp độ của 01" in one for one in made.honesty.remarks), "none is lost"


def _burning(tree, fleet) -> None:
    machine = Machine.objects.get(name="bac-1")
    Matched.objects.create(
        machine=machine, snapshot="x", facts="x", host="x", book="x", at=timezone.now(), exploited=2, packed=b"", left_count=0
    )
    late = {"due": timezone.localdate() - timedelta(days=3), "made_by": "x", "changed_by": "x", "failed_at": timezone.now()}
    Assignment.objects.create(unit=tree["north"], rule_id=fleet.rules[0], **late)
    System.objects.create(unit=tree["north"], name=HOSTILE[:200], created_by="x")
    Item.objects.create(unit=tree["north"], name="tường lửa cũ", support_until=timezone.localdate() - timedelta(days=9))


@pytest.mark.parametrize("times", [1, 2], ids=["long", "longest"])
def test_it_is_one_page_for_thirty_units_with_long_names_and_everything_burning(tree, times: int) -> None:
    long = "Trung tâm Công nghệ thông tin và Chuyển đổi số, Bảo hiểm xã hội khu vực liên tỉnh số " * times
    root = tree["root"]
    Unit.objects.filter(pk=root.pk).update(name=f"{long}I", baseline=REAL)
    root.refresh_from_db()
    signed(root, above="BẢO HIỂM XÃ HỘI VIỆT NAM", issuer=f"{long}I", authority="TM. BAN LÃNH ĐẠO\nKT. GIÁM ĐỐC")
    pack = load(REAL)
    longest = sorted(
        ((check, one.id) for one in pack.requirements.values() for check in one.checks if 2 in one.levels),
        key=lambda pair: -len(pack.checks[pair[0]].title.vi),
    )[:12]
    made = [
        Rule.objects.create(baseline=REAL, requirement=of, check_id=check, severity=SEVERITIES[pack.checks[check].severity]).pk
        for check, of in longest
    ]
    fleet = Fleet(made)
    for place in range(30):
        unit = Unit.objects.create(name=f"{long}{place + 1}", parent=root)
        machine = fleet.machine(unit, f"{HOSTILE[:200]}{place}")
        fleet.machine(unit, f"im-lang-{place}")
        for ago, letters in ((9, "FP" * 6), (0.01, "FFUF" * 3)):
            newest = fleet.report(machine, day_of(ago), letters)
        Machine.objects.filter(pk=machine.pk).update(latest=newest)
        repeat()
        Expected.objects.create(unit=unit, name=f"danh-sach-{place}")
        Expected.objects.create(unit=unit, name=f"trung-{place}", matched_by="ambiguous")
        Expected.objects.create(unit=unit, name=f"may-in-{place}", excuse="no-machine")
        OwnDate.objects.create(
            unit=unit, title=f"Gửi báo cáo kết quả thực hiện {HOSTILE[:200]}", who="x", source="x", changed_by="x",
            day=timezone.localdate() + timedelta(days=place),
        )  # fmt: skip
    tree["north"] = unit
    Machine.objects.filter(pk=machine.pk).update(name="bac-1")
    tally.fold_all()
    _burning(tree, fleet)
    Head.objects.update(kept_from=timezone.now())
    asker, soon = person("người xin", "operator", root), timezone.now() + timedelta(days=3)
    Request.objects.create(kind="waiver", unit=unit, subject="x", payload={}, reason="x", asked_by=asker, expires_at=soon)
    for ago in (8, 1):
        rollup.roll_up(timezone.localdate() - timedelta(days=ago))
    report = of_unit("executive", root)
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf.written(report))).pages]
    assert ["Nguồn số liệu" in page or "NGUỒN SỐ LIỆU" in page for page in pages[:2]] == [False, True], (
        "one page, then what it rests on"
    )
    assert "Nguyễn Văn Mẫu" in pages[0]
    assert "(2) xem xét 01 đề nghị miễn trừ" in " ".join(pages[0].split())
    assert "(3)" in pages[0]
    assert "Lịch sử của 30 máy" in " ".join(pages[0].split())
    worst = [one for one in report.body if isinstance(one, Table)][1]
    assert len(worst.rows) == 5
    titles = [check.title.vi for check in pack.checks.values()]
    for place, row in enumerate(worst.rows, 1):
        (remark,) = (one for one in report.honesty.remarks if one.startswith(f"Nội dung chưa đạt số {place} "))
        assert any(title in remark and title.startswith(str(row[1]).rstrip("…")) for title in titles), (
            "what is cut stands there whole"
        )


def test_hostile_names_survive_into_every_file(fleet, tree) -> None:
    # today's, and named so that it comes before what a law asks for today: on the first of a year that is much
    OwnDate.objects.create(unit=tree["north"], title=HOSTILE, who="x", source="x", changed_by="x", day=timezone.localdate())
    made = of_unit("executive", tree["root"])
    word = docx.Document(io.BytesIO(to_docx.written(made)))
    assert "<b>&máy máy" in "".join(node.text or "" for node in word.element.iter() if node.tag.endswith("}t"))
    cells = [cell.value for sheet in load_workbook(io.BytesIO(xlsx.written(made))) for row in sheet.iter_rows() for cell in row]
    assert any("<b>&máy máy" in str(cell) for cell in cells)
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf.written(made))).pages)
    assert "<b>&máy" in text.replace("\u200b", "").replace("\n", " ")


def test_what_is_cut_shows_it() -> None:
    assert cut("ngắn gọn", 20) == "ngắn gọn"
    assert cut("một hai  ba bốn", 12) == "một hai ba…"
    assert cut("x" * 50, 10) == "x" * 9 + "…"


def test_it_asks_nothing_of_people_and_is_never_provisional(fleet, tree) -> None:
    made = of_unit("executive", tree["root"])
    assert made.asked == ()
    assert not made.provisional
    assert sum(isinstance(one, Paragraph) for one in made.body) == 1
