"""DOCX, PDF and XLSX read back: what they say, and how that looks by Nghị định 30/2020/NĐ-CP."""

from __future__ import annotations

import io
import re
import struct
import unicodedata
import zipfile
from typing import NamedTuple

import docx
import pypdf
import pytest
from docx.oxml.ns import qn
from docx.shared import Pt
from fontTools.ttLib import TTFont
from openpyxl import load_workbook

from server.documents.exports import docx as to_docx
from server.documents.exports import layout, pdf, picture, xlsx
from server.documents.report import Appendix, Figure, Paragraph, Style
from server.documents.templates import FONTS, HERE
from tests.server.documents import table
from tests.server.papers import SVG, read, report, said

LETTERS = sorted(
    {unicodedata.normalize("NFC", base + mark) for base in "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY" for mark in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")}
    | {"đ", "Đ"}
)  # fmt: skip


def test_fonts_have_every_vietnamese_letter_and_their_licence() -> None:
    assert len(LETTERS) == 146
    faces = sorted(FONTS.glob("*.ttf"))
    assert len(faces) == 4
    for face in faces:
        font = TTFont(face)
        assert [letter for letter in LETTERS if ord(letter) not in font.getBestCmap()] == []
        assert font["OS/2"].fsType == 0, "it may be embedded"
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "LICENSE.txt").read_text("utf-8")


# the figures of the decree ---------------------------------------------------------------------------------------------


def test_docx_page_and_text() -> None:
    document = read(to_docx.written(report()))
    assert len(document.sections) == 3, "the paper, its appendix, and what it rests on"
    for section in document.sections:
        assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
        assert 20 <= round(section.top_margin.mm, 1) <= 25
        assert 20 <= round(section.bottom_margin.mm, 1) <= 25
        assert 30 <= round(section.left_margin.mm, 1) <= 35
        assert 15 <= round(section.right_margin.mm, 1) <= 20
        assert section.different_first_page_header_footer, "the first page has no number"
        assert section._sectPr.find(qn("w:pgNumType")).get(qn("w:start")) == "1"
        assert section.header_distance < section.top_margin, "the number stands in the top margin"
        header = section.header.paragraphs[0]
        assert "PAGE" in header._p.xml
        assert header.style.paragraph_format.alignment == docx.enum.text.WD_ALIGN_PARAGRAPH.CENTER
        assert 13 <= header.style.font.size.pt <= 14
        assert not section.first_page_header.paragraphs[0].text
        assert "PAGE" not in section.first_page_header._element.xml
    for style in document.styles:
        if style.name.startswith("R") and style.type == docx.enum.style.WD_STYLE_TYPE.PARAGRAPH:
            assert style.font.name == "Times New Roman", style.name
    text = document.styles["RText"]
    assert 13 <= text.font.size.pt <= 14
    assert text.paragraph_format.alignment == docx.enum.text.WD_ALIGN_PARAGRAPH.JUSTIFY
    assert round(text.paragraph_format.first_line_indent.mm, 1) in (10, 12.7)
    assert text.paragraph_format.space_before >= Pt(6)
    assert 1 <= text.paragraph_format.line_spacing <= 1.5


@pytest.mark.parametrize(
    ("style", "least", "most", "bold", "italic"),
    [
        ("RNation", 12, 13, True, False), ("RMotto", 13, 14, True, False), ("RAbove", 12, 13, False, False), ("RIssuer", 12, 13, True, False),
        ("RSymbol", 13, 13, False, False), ("RPlace", 13, 14, False, True), ("RType", 13, 14, True, False), ("RSubject", 13, 14, True, False),
        ("RLetterSubject", 12, 13, False, False), ("RBasis", 13, 14, False, True), ("RSection", 13, 14, True, False),
        ("RSigner", 13, 14, True, False), ("RAddressee", 13, 14, False, False), ("RReceiversHead", 12, 12, True, True),
        ("RReceiver", 11, 11, False, False), ("RAppendix", 14, 14, True, False), ("RAppendixTitle", 13, 14, True, False),
        ("RAttached", 13, 14, False, True), ("RMark", 13, 14, True, False),
    ],
)  # fmt: skip
def test_docx_styles(style: str, least: float, most: float, bold: bool, italic: bool) -> None:
    document = docx.Document(str(HERE / "templates/paper.docx"))
    found = document.styles[style].font
    assert least <= found.size.pt <= most
    assert (bool(found.bold), bool(found.italic)) == (bold, italic)
    assert found.color.rgb is None, "black"


def test_docx_head_and_foot() -> None:
    document = read(to_docx.written(report()))
    left, right = (cell.paragraphs for cell in document.tables[0].rows[0].cells)
    assert [one.text for one in right if one.text][:2] == ["CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc"]
    assert " ".join(right[-1].text.split()) == "Tỉnh A, ngày tháng năm 2026", "the day is left to the clerk"
    assert [one.text for one in left if one.text][:2] == ["SỞ", "PHÒNG THỬ"]
    symbol = next(one.text for one in left if one.text.startswith("Số:"))
    assert symbol.split() == ["Số:", "/PB-CNTT"], "the number is left to the clerk"
    rules = [one for cell in (left, right) for one in cell if one.style.name == "RRule"]
    assert len(rules) == 2
    long = []
    for rule, room in zip(rules, (70, 95), strict=True):
        indent = rule._p.pPr.find(qn("w:ind"))
        long.append(room / 25.4 * 72 - int(indent.get(qn("w:left"))) / 20 - int(indent.get(qn("w:right"))) / 20)
    assert 1 / 3 <= long[0] / layout.width("PHÒNG THỬ", 12) <= 1 / 2
    assert long[1] == pytest.approx(layout.width("Độc lập - Tự do - Hạnh phúc", 13), rel=0.02)
    foot = document.tables[1].rows[0].cells
    assert [one.text for one in foot[0].paragraphs] == ["Nơi nhận:", "- Như trên;", "- Lưu: VT."]
    assert [one.text for one in foot[1].paragraphs if one.text] == ["TRƯỞNG PHÒNG", "Nguyễn Văn Mẫu"]
    assert "MẬT" not in said(document)


def test_the_widths_that_rules_are_made_by_are_those_of_the_font() -> None:
    font = TTFont(FONTS / "LiberationSerif-Bold.ttf")
    cmap, widths, units = font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm
    for words in ("BẢO HIỂM XÃ HỘI VIỆT NAM", "Độc lập - Tự do - Hạnh phúc"):
        true = sum(widths[cmap[ord(letter)]][0] for letter in words) / units * 12
        assert layout.width(words, 12) == pytest.approx(true, rel=0.03)


class Placed(NamedTuple):
    """A piece of text on a page, in points from its lower left corner."""

    x: float
    y: float
    size: float
    font: str
    text: str


def placed(page) -> list[Placed]:
    found: list[Placed] = []

    def note(text, cm, tm, font, size) -> None:
        if text.strip():
            x, y = tm[4] * cm[0] + tm[5] * cm[2] + cm[4], tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
            found.append(Placed(x, y, abs(size * tm[3] * cm[3]), str(font["/BaseFont"]), text.strip()))

    page.extract_text(visitor_text=note)
    return found


def test_pdf_is_measured() -> None:
    made = report(rows=80, body=tuple(Paragraph(style=Style.TEXT, text="Nội dung " * 60) for _ in range(12)))
    reader = pypdf.PdfReader(io.BytesIO(pdf.written(made)))
    pages = reader.pages
    assert {
        (round(float(page.mediabox.width) / 72 * 25.4), round(float(page.mediabox.height) / 72 * 25.4)) for page in pages
    } == {(210, 297)}
    fonts, left, tops = set(), 999.0, []
    numbers = []
    for page in pages:
        seen = placed(page)
        fonts |= {one.font for one in seen}
        height = float(page.mediabox.height)
        inside = [one for one in seen if height - one.y > 20 / 25.4 * 72]
        left = min(left, *(one.x for one in inside))
        tops += [one.y for one in inside]
        over = [one for one in seen if one not in inside]
        numbers.append(over[0].text if over else "")
        if over:
            assert over[0].size == pytest.approx(14, abs=1)
            assert over[0].x == pytest.approx((30 + 165 / 2) / 25.4 * 72, abs=8), "in the middle of the text"
    assert left >= 30 / 25.4 * 72 - 0.5
    assert min(tops) >= 20 / 25.4 * 72 - 1
    assert all("LiberationSerif" in name for name in fonts), fonts
    first = [at for at, number in enumerate(numbers) if not number]
    assert first[0] == 0
    assert len(first) == 3, "each appendix begins without a number"
    assert numbers[1] == "2"
    for start, end in zip(first, [*first[1:], len(numbers)], strict=True):
        assert numbers[start + 1 : end] == [str(number) for number in range(2, end - start + 1)]


def test_pdf_claims_pdf_a_and_keeps_what_that_asks() -> None:
    """What can be seen without a validator: the claim, embedded fonts, an output intent, no encryption, no script."""
    reader = pypdf.PdfReader(io.BytesIO(pdf.written(report())))
    root = reader.trailer["/Root"]
    xmp = root["/Metadata"].get_data().decode()
    assert ">2</pdfaid:part>" in xmp
    assert ">B</pdfaid:conformance>" in xmp
    assert not reader.is_encrypted
    assert root["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"
    assert "/OpenAction" not in root
    assert "/Names" not in root or "/JavaScript" not in root["/Names"]
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            descriptor = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile2", "/FontFile3"} & set(descriptor)
            assert "/ToUnicode" in font.get_object()


def test_all_three_say_the_same() -> None:
    made = report(
        body=(Paragraph(style=Style.TEXT, text="Ước mơ của những người lính ở Đắk Lắk"), Figure(title="Mô hình", svg=SVG))
    )
    word = said(read(to_docx.written(made)))
    reader = pypdf.PdfReader(io.BytesIO(pdf.written(made)))
    page = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    for words in ("Ước mơ của những người lính ở Đắk Lắk", "Phụ lục II", "máy-3", "không rõ"):
        assert words in word
        assert words in page
    sheets = load_workbook(io.BytesIO(xlsx.written(made)))
    rows = list(sheets["Danh sách"].iter_rows(values_only=True))
    assert rows[1:4] == [("TT", "Tên", "Số"), (1, "máy-1", 1000), (2, "máy-2", "không rõ")], "not known is no 0"


def test_a_drawing_that_is_printed_smaller_is_drawn_as_fine_as_paper_shows() -> None:
    tall = SVG.replace('height="60mm" viewBox="0 0 120 60"', 'height="1200mm" viewBox="0 0 120 1200"')
    with zipfile.ZipFile(io.BytesIO(to_docx.written(report(body=(Figure(title="cao", svg=tall),))))) as file:
        png = file.read("word/media/image1.png")
        width, height = (
            int(one) / 36000
            for one in re.findall(r'<wp:extent cx="(\d+)" cy="(\d+)"', file.read("word/document.xml").decode())[0]
        )
    assert (round(width), round(height)) == (17, 170), "the whole drawing, in its shape"
    assert abs(struct.unpack(">I", png[20:24])[0] / (height / 25.4) - picture.FINEST) < 2, "dots an inch of paper"
    assert picture.drawn(SVG)[1:] == pytest.approx((120, 60), abs=0.2)
    assert picture.drawn(SVG, 0.5)[1:] == pytest.approx((120, 60), abs=0.2)


# bad input -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["<b>A & B</b>", "{{ front.place }}", "#text[x] $x$ *y*", "=1+1", "\x00\x1b[31m\ud800"])
def test_names_with_markup_stay_text(name: str) -> None:
    made = report(appendices=(Appendix(title=name[:200], blocks=(table(2, name),)),))
    clean = name.replace("\x00", "\ufffd").replace("\x1b", "\ufffd").replace("\ud800", "\ufffd")
    assert f"{clean}-1" in said(read(to_docx.written(made)))
    text = pypdf.PdfReader(io.BytesIO(pdf.written(made))).pages[1].extract_text()
    if name.isprintable():
        assert f"{clean}-1" in text
    cells = [cell for row in load_workbook(io.BytesIO(xlsx.written(made)))["Danh sách"].iter_rows() for cell in row]
    assert f"{clean}-1" in [cell.value for cell in cells]
    assert not any(cell.data_type == "f" for cell in cells)


def test_a_name_of_300_letters_stays_in_its_column() -> None:
    made = report(appendices=(Appendix(title="Dài", blocks=(table(2, "x" * 300),)),))
    page = pypdf.PdfReader(io.BytesIO(pdf.written(made))).pages[1]
    seen = [one for one in placed(page) if "xxx" in one.text]
    assert len(seen) > 1
    assert max(one.x + 0.5 * one.size * len(one.text.replace("\u200b", "")) for one in seen) < (210 - 15) / 25.4 * 72
    assert "x" * 300 in said(read(to_docx.written(made)))


def test_a_table_of_2000_rows_repeats_its_heading() -> None:
    made = report(rows=2000)
    document = read(to_docx.written(made))
    rows = document.element.body.findall(f".//{qn('w:tbl')}")[2].findall(qn("w:tr"))
    assert len(rows) == 2001
    assert rows[0].find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None
    pages = pypdf.PdfReader(io.BytesIO(pdf.written(made))).pages
    assert len(pages) > 40
    assert "TT" in pages[20].extract_text()
    assert load_workbook(io.BytesIO(xlsx.written(made)), read_only=True)["Danh sách"].max_row == 2002


STRANGE = ["máy-中文", "máy-😀", "đảo\u202etxt", "nửa\x85\x7f", "một\x01"]


@pytest.mark.parametrize("name", STRANGE)
def test_one_strange_letter_keeps_no_paper_from_being_made(name: str) -> None:
    """In cells, titles, the head, and drawings: what no font or file holds is named or marked, never left out."""
    svg = SVG.replace("</svg>", f"<text>{layout.plain(name)}</text></svg>")
    made = report(title=name, body=(Figure(title=name, svg=svg),), appendices=(Appendix(title=name, blocks=(table(2, name),)),))
    made = made.model_copy(update={"front": made.front.model_copy(update={"place": name, "subject": name, "signer_name": name})})
    kept = layout.plain(name)
    assert f"{kept}-1" in said(read(to_docx.written(made)))
    assert "\u202e" not in said(read(to_docx.written(made)))
    cells = [cell.value for row in load_workbook(io.BytesIO(xlsx.written(made)))["Danh sách"].iter_rows() for cell in row]
    assert f"{kept}-1" in cells
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf.written(made))).pages).replace("\u200b", "")
    assert f"{layout.printable(name)}-1" in text


def test_letters_that_fonts_lack_are_told_apart() -> None:
    assert layout.printable("máy-中") == "máy-[U+4E2D]"
    assert layout.printable("máy-中") != layout.printable("máy-文")
    everything = [set(TTFont(path).getBestCmap()) for path in FONTS.glob("*.ttf")]
    assert len(everything) == 4
    both = set.intersection(*everything)
    assert all(layout._drawn(letter) == (letter in both) for letter in range(128, 0x3000))


def test_a_blank_in_a_workbook_is_no_statement() -> None:
    made = report(body=(Paragraph(style=Style.BLANK, text="Đầu mối phối hợp"),))
    book = load_workbook(io.BytesIO(xlsx.written(made)))
    cells = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row]
    assert "[Đầu mối phối hợp]" in cells
    assert "Đầu mối phối hợp" not in cells
    assert "Tên đơn vị thực hiện rà soát" not in cells, "who ran the scan is blank too"


def test_a_cell_that_a_sheet_cannot_hold_says_so() -> None:
    made = report(appendices=(Appendix(title="Dài", blocks=(table(2, "x" * 40_000),)),))
    cells = [cell.value for row in load_workbook(io.BytesIO(xlsx.written(made)))["Danh sách"].iter_rows() for cell in row]
    assert [one for one in cells if isinstance(one, str) and len(one) > 30_000 and one.endswith("…")]


@pytest.mark.parametrize("word", ["2001:db8:10:210::1", "V200R005C10SPC800", "W" * 300, "Ứ" * 23])
def test_a_word_wider_than_its_column_may_break_and_others_may_not(word: str) -> None:
    room = 60.0
    pieces = pdf._fitting(word, room).split("\u200b")
    assert "".join(pieces) == word
    assert len(pieces) > 1
    assert max(layout.width(one, pdf.CELL_SIZE) for one in pieces) <= room
    assert pdf._fitting("01/07/2026 Phòng Bắc", room) == "01/07/2026 Phòng Bắc"
    assert pdf._fitting("TS-2026-00012", room) == "TS-\u200b2026-\u200b00012"
