"""Makes server/documents/templates/paper.docx, the layout of Nghị định 30/2020/NĐ-CP for Word: run it after changing it, commit what it makes.

An organisation that wants its papers otherwise edits a copy of the made file in Word; fields are written `{{ front.place }}`.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from docx import Document
from docx.enum.section import WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

OUT = Path(__file__).parents[1] / "server/documents/templates/paper.docx"
FONT = "Times New Roman"
LEFT, RIGHT = Mm(70), Mm(95)


def main() -> int:
    document = Document()
    _page(document.sections[0])
    _styles(document)
    _header(document.sections[0])
    _head(document)
    _opening(document)
    document.add_paragraph("{{p body }}", style="RText")
    _signature(document)
    document.add_paragraph("{{p appendices }}", style="RText")
    document.core_properties.author = document.core_properties.comments = document.core_properties.title = ""
    document.core_properties.language = "vi-VN"
    for name, one in list(document.part.package.rels.items()):
        if one.reltype.endswith("/thumbnail"):
            document.part.package.rels.pop(name)
    document.save(OUT)
    _same_every_time(OUT)
    sys.stdout.write(f"{OUT}\n")
    return 0


def _page(section) -> None:
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin = section.bottom_margin = Mm(20)
    section.left_margin, section.right_margin = Mm(30), Mm(15)
    section.header_distance, section.footer_distance = Mm(10), Mm(10)
    section.start_type = WD_SECTION.NEW_PAGE
    section.different_first_page_header_footer = True


def _styles(document) -> None:
    normal = document.styles["Normal"]
    _font(normal, 14)
    normal.paragraph_format.space_before = normal.paragraph_format.space_after = Pt(0)
    normal.paragraph_format.line_spacing = 1.0
    cm1 = Mm(10)
    make = _maker(document)
    make("RText", align=ALIGN.JUSTIFY, first=cm1, before=6)
    make("RBasis", align=ALIGN.JUSTIFY, first=cm1, before=6, italic=True)
    make("RPart", align=ALIGN.CENTER, before=12, bold=True, keep=True)
    make("RPartTitle", align=ALIGN.CENTER, before=0, bold=True, keep=True)
    make("RSection", align=ALIGN.JUSTIFY, first=cm1, before=8, bold=True, keep=True)
    make("RHeading", align=ALIGN.JUSTIFY, first=cm1, before=6, bold=True, keep=True)
    make("RSubheading", align=ALIGN.JUSTIFY, first=cm1, before=6, keep=True, italic=True)
    make("RItem", align=ALIGN.JUSTIFY, first=cm1, before=6)
    make("RNote", size=12, align=ALIGN.JUSTIFY, before=6, italic=True)
    make("RBlank", align=ALIGN.JUSTIFY, first=cm1, before=6)
    make("RCaption", size=13, align=ALIGN.CENTER, before=8, after=4, bold=True, keep=True)
    make("RCell", size=11)
    make("RCellHead", size=11, align=ALIGN.CENTER, bold=True)
    make("RFigure", align=ALIGN.CENTER, before=4)
    make("RRule", size=2, align=ALIGN.CENTER)
    make("RAbove", size=12, align=ALIGN.CENTER)
    make("RIssuer", size=12, align=ALIGN.CENTER, bold=True)
    make("RNation", size=12, align=ALIGN.CENTER, bold=True)
    make("RMotto", size=13, align=ALIGN.CENTER, bold=True)
    make("RSymbol", size=13, align=ALIGN.CENTER, before=6)
    make("RPlace", size=13, align=ALIGN.CENTER, before=6, italic=True)
    make("RLetterSubject", size=12, align=ALIGN.CENTER, before=6)
    make("RType", size=14, align=ALIGN.CENTER, before=12, bold=True, keep=True)
    make("RSubject", size=14, align=ALIGN.CENTER, bold=True, keep=True)
    make("RMark", size=13, align=ALIGN.CENTER, before=6, bold=True)
    make("RAddressee", align=ALIGN.LEFT, before=6)
    make("RSigner", size=14, align=ALIGN.CENTER, bold=True, keep=True)
    make("RReceiversHead", size=12, bold=True, italic=True)
    make("RReceiver", size=11)
    make("RAppendix", size=14, align=ALIGN.CENTER, bold=True, keep=True)
    make("RAppendixTitle", size=14, align=ALIGN.CENTER, bold=True, keep=True)
    make("RAttached", size=13, align=ALIGN.CENTER, before=2, after=6, italic=True)
    make("RPageNumber", size=14, align=ALIGN.CENTER)


def _font(style, size) -> None:
    style.font.name, style.font.size = FONT, Pt(size)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in list(fonts.attrib):
        if "Theme" in name:
            del fonts.attrib[name]
    for name in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
        fonts.set(qn(name), FONT)


def _maker(document):
    def make(name, size=14, align=ALIGN.LEFT, first=None, before=0, after=0, bold=False, italic=False, keep=False) -> None:
        style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = document.styles["Normal"]
        _font(style, size)
        style.font.bold, style.font.italic = bold, italic
        form = style.paragraph_format
        form.alignment, form.first_line_indent = align, first
        form.space_before, form.space_after, form.line_spacing = Pt(before), Pt(after), 1.0
        form.keep_with_next = keep
        form.widow_control = True

    return make


def _header(section) -> None:
    paragraph = section.header.paragraphs[0]
    paragraph.style = "RPageNumber"
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        run = paragraph.add_run()
        if kind:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
        else:
            mark = OxmlElement("w:instrText")
            mark.set(qn("xml:space"), "preserve")
            mark.text = text
        run._r.append(mark)
    section.first_page_header.paragraphs[0].style = "RPageNumber"


def _table(document, *widths):
    table = document.add_table(rows=1, cols=len(widths))
    table.autofit = False
    for cell, column, width in zip(table.rows[0].cells, table.columns, widths, strict=True):
        column.width = cell.width = width
        margins = OxmlElement("w:tcMar")
        for side in ("left", "right"):
            one = OxmlElement(f"w:{side}")
            one.set(qn("w:w"), "0")
            one.set(qn("w:type"), "dxa")
            margins.append(one)
        cell._tc.get_or_add_tcPr().append(margins)
    return table.rows[0].cells


def _write(cell, *lines) -> None:
    """(text, style) of each paragraph."""
    for number, (text, style) in enumerate(lines):
        paragraph = cell.paragraphs[0] if number == 0 else cell.add_paragraph()
        paragraph.text, paragraph.style = text, style


def _head(document) -> None:
    left, right = _table(document, LEFT, RIGHT)
    _write(
        left,
        ("{%p for line in front.above %}", "RAbove"), ("{{ line }}", "RAbove"), ("{%p endfor %}", "RAbove"),
        ("{%p for line in front.issuer %}", "RIssuer"), ("{{ line }}", "RIssuer"), ("{%p endfor %}", "RIssuer"),
        ("{{p issuer_rule }}", "RRule"),
        ("{{ words.number }} {{ words.blank_number }}{{ front.symbol }}", "RSymbol"),
        ("{%p if not front.type %}", "RLetterSubject"), ("{{ subject }}", "RLetterSubject"), ("{%p endif %}", "RLetterSubject"),
        ("{%p if front.mark %}", "RMark"), ("{{p mark }}", "RMark"), ("{%p endif %}", "RMark"),
    )  # fmt: skip
    _write(
        right,
        ("{{ words.nation }}", "RNation"), ("{{ words.motto }}", "RMotto"), ("{{p motto_rule }}", "RRule"),
        ("{{ words.place_and_day }}", "RPlace"),
    )  # fmt: skip


def _opening(document) -> None:
    add = document.add_paragraph
    add("{%p if front.type %}", style="RType")
    add("{{ front.type }}", style="RType")
    add("{{ subject }}", style="RSubject")
    add("{{p subject_rule }}", style="RRule")
    add("{%p endif %}", style="RType")
    add("{{p addressees }}", style="RAddressee")


def _signature(document) -> None:
    document.add_paragraph("", style="RRule").paragraph_format.space_before = Pt(12)
    left, right = _table(document, Mm(80), Mm(85))
    _write(
        left,
        ("{{ words.receivers }}", "RReceiversHead"),
        ("{%p for line in front.receivers %}", "RReceiver"), ("{{ line }}", "RReceiver"), ("{%p endfor %}", "RReceiver"),
    )  # fmt: skip
    _write(
        right,
        ("{%p for line in front.authority %}", "RSigner"), ("{{ line }}", "RSigner"), ("{%p endfor %}", "RSigner"),
        ("{{p signer_title }}", "RSigner"),
        *[("", "RSigner")] * 4,
        ("{{p signer_name }}", "RSigner"),
    )  # fmt: skip
    for cell in (left, right):
        row = cell._tc.getparent()
        rules = row.get_or_add_trPr()
        if rules.find(qn("w:cantSplit")) is None:
            rules.append(OxmlElement("w:cantSplit"))


def _same_every_time(path: Path) -> None:
    """The day a file was packed says nothing."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in held.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    sys.exit(main())
