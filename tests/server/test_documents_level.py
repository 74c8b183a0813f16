"""The level dossier of a system of 40 machines, for both standards: every requirement answered once, and nothing unknown is met."""

from __future__ import annotations

import io
from datetime import date
from xml.etree import ElementTree

import docx
import pytest

from baselines.loader import load
from server.documents import making
from server.documents.exports import docx as to_docx
from server.documents.papers.level.dossier import level
from server.documents.papers.level.gather import zone_type
from server.documents.report import Figure, Paragraph, Style, Table, blocks
from server.registers.systems import System
from tests.server.documents import of_unit, signed, system
from tests.server.test_rights import person
from tests.systems import sample

STATES = [
    "Đã đáp ứng đầy đủ",
    "Chưa đáp ứng đầy đủ (đáp ứng một phần)",
    "Chưa đáp ứng đầy đủ",
    "Chưa xác định được",
    "Không áp dụng",
]


@pytest.mark.django_db
@pytest.mark.parametrize(("pack", "words"), [("tcvn_11930_2017", "85/2016"), ("tcvn_14423_2026", "331/2026")])
def test_dossier(tree, pack: str, words: str) -> None:
    signed(tree["root"])
    made = level(system(tree["root"], name="Hệ thống <Một cửa>"), pack)
    bases = [one.text for one in made.body if isinstance(one, Paragraph) and one.style is Style.BASIS]
    assert any(words in one for one in bases)
    assert len(bases) == len(set(bases))
    tables = [one for one in blocks(made) if isinstance(one, Table)]
    answers = [row for one in tables if one.columns[0].title == "Mục" and len(one.columns) == 6 for row in one.rows]
    baseline = load(pack)
    asked = [one for one in baseline.requirements.values() if 3 in one.levels]
    assert sorted(str(row[1]) for row in answers) == sorted(one.title.vi for one in asked), "each once, none left out"
    counts = {one.text: one.number for one in made.honesty.counts}
    told = [str(row[3]).partition(". ")[0] for row in answers]
    assert set(told) <= set(STATES)
    assert told.count("Chưa xác định được") == counts["Yêu cầu chưa xác định được"]
    assert told.count("Đã đáp ứng đầy đủ") == counts["Yêu cầu đã đáp ứng đầy đủ"]
    for row in answers:
        if "chưa rà soát được" in str(row[4]) or "chưa xác định" in str(row[4]):
            assert row[3] != "Đã đáp ứng đầy đủ", row
        if row[3] in STATES[1:4]:
            assert row[5], f"what is not met has a plan, or a marked blank: {row}"
    assert counts["Thiết bị thuộc hệ thống theo danh mục"] == 40
    assert counts["Thiết bị có báo cáo đã quá cũ"] == 1
    assert counts["Thiết bị chưa có báo cáo"] == 1
    assert {one.name for one in made.honesty.unreached} == {sample.SILENT, sample.STALE, sample.MISSING}
    assert made.honesty.wording is not None
    assert sum(made.honesty.wording.model_dump().values()) == len(asked)
    devices = next(one for one in tables if one.name.startswith("4.3"))
    assert len(devices.rows) == 40
    assert "chính" in str(devices.rows[0][4]), "main network devices first"
    zones = next(one for one in tables if one.name.startswith("4.5"))
    assert sum(int(str(row[4])) for row in zones.rows) == 40
    for figure in (one for one in made.body if isinstance(one, Figure)):
        ElementTree.fromstring(figure.svg)
    word = docx.Document(io.BytesIO(to_docx.written(made)))
    assert len(word.inline_shapes) == 2
    assert "Hệ thống <Một cửa>" in "".join(node.text or "" for node in word.element.iter() if node.tag.endswith("}t"))


@pytest.mark.django_db
def test_a_system_without_level_or_machines_is_refused_in_words(tree) -> None:
    signed(tree["root"])
    bare = System.objects.create(unit=tree["root"], name="Mới", created_by="x")
    with pytest.raises(making.Refused, match=r"level|cấp độ"):
        making.of_system(bare, None, "console")
    System.objects.filter(pk=bare.pk).update(level_proposed="2")
    with pytest.raises(making.Refused, match=r"belongs|thuộc"):
        making.of_system(System.objects.get(pk=bare.pk), None, "console")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Vùng DMZ", "dmz"), ("Vung may chu CSDL", "databases"), ("Máy chủ nội bộ", "internal_servers"), ("Mạng Wi-Fi khách", "wireless"),
     ("Vùng quản trị thiết bị hệ thống", "device_management"), ("Quản trị", "management"), ("Zone 7", "other")],
)  # fmt: skip
def test_zones_are_known_by_their_names(name: str, kind: str) -> None:
    assert zone_type(name) == kind


@pytest.mark.django_db
def test_the_yearly_report_counts_what_the_register_says_and_nothing_more(tree) -> None:
    signed(tree["root"])
    for name, approval, more in (
        ("A", "approved", {"checked": "regular", "level_proposed": "3", "decision_number": "12/QĐ", "decision_date": date(2025, 1, 5)}),
        ("B", "approved", {"checked": "before", "level_proposed": "2"}), ("C", "appraised", {}), ("D", "", {"level_proposed": "2"}),
        ("E", "approved", {"state": "stopped"}),
    ):  # fmt: skip
        System.objects.create(unit=tree["north"], name=name, approval=approval, created_by="x", **more)
    System.objects.create(unit=tree["south"], name="của phòng khác", approval="draft", created_by="x")
    signed(tree["north"])
    made = of_unit("yearly", tree["north"], "2026", person("bắc", "operator", tree["north"]))
    said = " ".join(one.text for one in made.body if isinstance(one, Paragraph))
    for words in (
        "Tổng số hệ thống thông tin: 04",
        "xác định cấp độ: 03",
        "hồ sơ đề xuất cấp độ: 03",
        "được thẩm định: 03",
        "phê duyệt cấp độ: 02",
        "định kỳ: 01",
    ):
        assert words in said
    assert "01 hệ thống mà danh mục chưa ghi tình trạng" in said, "what is not said is not counted, and is told"
    table = next(one for one in made.body if isinstance(one, Table))
    assert [row[1] for row in table.rows] == ["A", "B", "C", "D"]
    assert len(table.columns) == 12
    assert table.rows[0][6] == "12/QĐ ngày 05/01/2025"
    document = docx.Document(io.BytesIO(to_docx.written(made)))
    assert all(section.page_width > section.page_height for section in document.sections)


@pytest.mark.django_db
def test_a_register_without_systems_has_finished_nothing(tree) -> None:
    signed(tree["north"])
    made = of_unit("yearly", tree["north"], "2026")
    said = " ".join(one.text for one in made.body if isinstance(one, Paragraph))
    assert "đã hoàn thành" not in said
    assert "7. Dự kiến thời gian hoàn thành" in " ".join(made.blanks)
    assert any("lúc lập văn bản" in one for one in made.honesty.remarks), "the register of today, whichever year it is for"
