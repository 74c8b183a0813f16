"""A paper for Word: the layout is templates/paper.docx, filled by docxtpl; body and appendices are written here in its styles."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import docx.document
import jinja2
from docx.enum.section import WD_ORIENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Emu, Mm
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment
from lxml import etree

from server.documents.exports import layout, picture
from server.documents.report import Block, Figure, Front, Paragraph, Report, Style, Table
from server.documents.templates import TemplateError, find
from server.documents.texts import Texts

NAME = "paper.docx"
STYLES = {
    Style.BASIS: "RBasis", Style.TEXT: "RText", Style.PART: "RPart", Style.PART_TITLE: "RPartTitle", Style.SECTION: "RSection",
    Style.HEADING: "RHeading", Style.SUBHEADING: "RSubheading", Style.ITEM: "RItem", Style.NOTE: "RNote", Style.BLANK: "RBlank",
}  # fmt: skip
OTHERS = ("RCaption", "RCell", "RCellHead", "RFigure", "RRule", "RAppendix", "RAppendixTitle", "RAttached", "RSigner", "RAddressee", "RMark")  # fmt: skip
_CENTRE = '<w:jc w:val="center"/>'


def written(report: Report) -> bytes:
    """The file. Raises TemplateError with the file and the place."""
    path = find(NAME)
    template = DocxTemplate(str(path))
    _opened(template, path)
    maker = _Maker(template, report)
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=True)
    context = maker.context()
    try:
        template.render(context, jinja_env=environment, autoescape=True)
    except (
        jinja2.TemplateError,
        SecurityError,
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        etree.XMLSyntaxError,
    ) as error:
        raise TemplateError(_placed(path, error)) from None
    document = template.docx
    assert document is not None
    document.core_properties.title = layout.plain(report.title)[:250]
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _opened(template: DocxTemplate, path: Path) -> None:
    try:
        template.init_docx()
    except (KeyError, ValueError, zipfile.BadZipFile, etree.XMLSyntaxError) as error:
        raise TemplateError(f"{path}: {error}") from None
    assert template.docx is not None
    known = {style.style_id for style in template.docx.styles}
    missing = sorted({*STYLES.values(), *OTHERS} - known)
    if missing:
        raise TemplateError(f"{path}: styles are missing: {', '.join(missing)}")


class Xml(str):
    """Made here, with every text in it escaped: it goes into the file as it is."""

    def __html__(self) -> str:
        return self


class _Maker:
    """The pieces of one paper."""

    def __init__(self, template: DocxTemplate, report: Report) -> None:
        assert template.docx is not None
        self.document: docx.document.Document = template.docx
        self.report = report
        self.say = Texts(NAME.replace(".docx", ".yaml"))
        self.words = layout.words(report.front, self.say)
        section = self.document.sections[0]
        if report.landscape:
            _turn(self.document)
        assert section.page_width is not None
        assert section.left_margin is not None
        assert section.right_margin is not None
        self.width = round((section.page_width - section.left_margin - section.right_margin) / 635)
        self.figures = 0

    def context(self) -> dict[str, Any]:
        front, words = self.report.front, replace(self.words, place_and_day=layout.plain(self.words.place_and_day))
        head = layout.head(front)
        attached = layout.appendices(self.report, self.say)
        told = {"above": head.above, "issuer": head.issuer}
        signer = (
            self.signer(front.signer_title.upper(), words.signer_title_blank),
            self.signer(front.signer_name, words.signer_name_blank),
        )
        signed = ""
        if front.cosigners:
            # all sides sign in one row of the body; the foot of the template keeps the receivers alone
            told |= {"authority": (), "cosigners": ()}
            signer, signed = (Xml(""), Xml("")), self.signatures()
        return {
            "front": _plain(front.model_copy(update=told)),
            "subject": layout.plain("\n".join(head.subject)),
            "words": words,
            "issuer_rule": self.rule(0.42 * layout.width(head.issuer[-1], 12), _cell_width(self.document, 0)), "motto_rule": self.rule(layout.width(words.motto, 13), _cell_width(self.document, 1)),
            "subject_rule": self.rule(0.42 * layout.width(head.subject[-1], 14), self.width / 20),
            "mark": Xml(_boxed(front.mark, "RMark")),
            "addressees": Xml(self.addressees(head.addressees)),
            "signer_title": signer[0],
            "signer_name": signer[1],
            "body": Xml("".join(map(self.block, self.report.body)) + signed),
            "appendices": Xml(self.section_end() + "".join(self.appendix(one, place == len(attached)) for place, one in enumerate(attached, 1))),
        }  # fmt: skip

    def rule(self, points: float, room: float) -> Xml:
        """A line in the middle, that long."""
        side = max(0, round((room - points) * 10))
        border = '<w:pBdr><w:top w:val="single" w:sz="6" w:space="1" w:color="000000"/></w:pBdr>'
        return Xml(
            f'<w:p><w:pPr><w:pStyle w:val="RRule"/>{border}<w:spacing w:before="40"/><w:ind w:left="{side}" w:right="{side}"/></w:pPr></w:p>'
        )

    def addressees(self, told: tuple[str, ...]) -> str:
        """One stands behind the words; several stand below, one a line."""
        word = self.words.addressee
        if not told:
            return ""
        if len(told) == 1:
            return _paragraph(f"{word} {told[0]}.", "RAddressee", _CENTRE)
        indent = '<w:ind w:left="2268"/>'
        rows = [f"- {one}{'.' if place == len(told) else ';'}" for place, one in enumerate(told, 1)]
        return _paragraph(word, "RAddressee", '<w:ind w:left="1134"/>') + "".join(
            _paragraph(row, "RAddressee", indent) for row in rows
        )

    def signer(self, text: str, blank: str) -> Xml:
        return Xml(_paragraph(text, "RSigner") if text else _paragraph(blank, "RSigner", marked=True))

    def signatures(self) -> str:
        """Everybody who signs, side by side, on one page."""
        sides = layout.sides(self.report.front)
        width = self.width // len(sides)
        # names in a row of their own: they stand level, however many lines are above them
        titles, names = [], []
        for side in sides:
            over = [_paragraph(line, "RSigner") for line in side.authority]
            titles.append("".join((*over, self.signer(side.title.upper(), self.words.signer_title_blank))))
            names.append(_paragraph("", "RSigner") * 4 + self.signer(side.name, self.words.signer_name_blank))
        rows = "".join(
            f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{''.join(_column(cell, width) for cell in row)}</w:tr>"
            for row in (titles, names)
        )
        grid = f'<w:gridCol w:w="{width}"/>' * len(sides)
        return (
            _paragraph("", "RRule", '<w:keepNext/><w:spacing w:before="240"/>')
            + f'<w:tbl><w:tblPr><w:tblW w:w="{width * len(sides)}" w:type="dxa"/><w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>'
            f"{rows}</w:tbl>" + _paragraph("", "RRule")
        )

    def block(self, one: Block) -> str:
        if isinstance(one, Paragraph):
            if one.style is Style.BLANK:
                return _paragraph(self.say("to_fill", text=one.text), "RBlank", marked=True)
            return _paragraph(one.text, STYLES[one.style])
        return self.table(one) if isinstance(one, Table) else self.figure(one)

    def table(self, table: Table) -> str:
        if not table.rows and table.empty:
            title = _paragraph(table.title, "RCaption") if table.title else ""
            return title + _paragraph(table.empty, "RText")
        widths = [round(self.width * column.share / 100) for column in table.columns]
        grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
        head = "".join(_cell(column.title, width, "RCellHead") for column, width in zip(table.columns, widths, strict=True))
        strong = set(table.strong)
        aligned = [f'<w:jc w:val="{column.align}"/>' if column.align != "left" else "" for column in table.columns]
        rows = []
        for place, row in enumerate(table.rows):
            cells = "".join(
                _cell(layout.shown(cell, self.words.unseen), width, "RCell", align, place in strong)
                for cell, width, align in zip(row, widths, aligned, strict=True)
            )
            rows.append(f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{cells}</w:tr>")
        title = (
            _paragraph(table.title, "RCaption")
            if table.title
            else _paragraph("", "RRule", '<w:keepNext/><w:spacing w:before="80"/>')
        )
        return (
            f'{title}<w:tbl><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/>{_BORDERS}<w:tblLayout w:type="fixed"/>{_MARGINS}</w:tblPr><w:tblGrid>{grid}</w:tblGrid>'
            f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{head}</w:tr>{''.join(rows)}</w:tbl>" + _paragraph("", "RRule")
        )

    def figure(self, figure: Figure) -> str:
        self.figures += 1
        room: float = self.width / 20 / 72 * 25.4

        def fitting(width: float, height: float) -> float:
            # pages are tall: a drawing fills the text in one direction only
            return min(room / width, 170 / height, 1.0)

        image = picture.drawn(figure.svg, fitting(*picture.size_mm(figure.svg)))
        scale = fitting(image.width_mm, image.height_mm)
        run = OxmlElement("w:r")
        drawing = OxmlElement("w:drawing")
        inline = self.document.part.new_pic_inline(io.BytesIO(image.png), Mm(image.width_mm * scale), Mm(image.height_mm * scale))
        inline.docPr.set("descr", layout.plain(figure.title))
        drawing.append(inline)
        run.append(drawing)
        said = self.say("figure", number=str(self.figures), title=figure.title)
        return (
            f'<w:p><w:pPr><w:pStyle w:val="RFigure"/><w:keepNext/></w:pPr>{etree.tostring(run, encoding="unicode")}</w:p>'
            + _paragraph(said, "RCaption")
        )

    def appendix(self, one: layout.Attached, last: bool) -> str:
        parts = [
            _paragraph(one.heading, "RAppendix"),
            _paragraph(one.title, "RAppendixTitle"),
            _paragraph(one.attached, "RAttached"),
            *(self.block(block) for block in one.blocks),  # type: ignore[arg-type]
        ]
        if not last:
            parts.append(self.section_end())
        return "".join(parts)

    def section_end(self) -> str:
        """What was before has its own page numbers, and so has what comes."""
        held = self.document.element.body.sectPr
        assert held is not None
        _numbered(held)
        ends = etree.tostring(deepcopy(held), encoding="unicode")
        return f'<w:p><w:pPr><w:pStyle w:val="RRule"/>{ends}</w:pPr></w:p>'


_MARGINS = '<w:tblCellMar><w:left w:w="60" w:type="dxa"/><w:right w:w="60" w:type="dxa"/></w:tblCellMar>'
_BORDERS = "<w:tblBorders>" + "".join(
    f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="000000"/>'
    for side in ("top", "left", "bottom", "right", "insideH", "insideV")
) + "</w:tblBorders>"  # fmt: skip


def _turn(document: docx.document.Document) -> None:
    """Lay the page on its side; the head and the foot of the paper grow with it."""
    section = document.sections[0]
    width, height, left, right = section.page_width, section.page_height, section.left_margin, section.right_margin
    assert width is not None
    assert height is not None
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = height, width
    more = (height - (left or 0) - (right or 0)) / (width - (left or 0) - (right or 0))
    for table in document.tables[:2]:
        for column, cell in zip(table.columns, table.rows[0].cells, strict=True):
            column.width = cell.width = Emu(round((cell.width or 0) * more))


def _numbered(section: Any) -> None:
    """Pages count from 1 in it."""
    numbers = section.find(qn("w:pgNumType"))
    if numbers is None:
        numbers = OxmlElement("w:pgNumType")
        margins = section.find(qn("w:pgMar"))
        margins.addnext(numbers) if margins is not None else section.append(numbers)
    numbers.set(qn("w:start"), "1")


def _plain(front: Front) -> Front:
    """For the template, which puts it into the file as text."""
    told = front.model_dump()
    clean = {name: layout.plain(value) if isinstance(value, str) else value for name, value in told.items()}
    return Front.model_validate(
        clean | {name: tuple(map(layout.plain, value)) for name, value in told.items() if isinstance(value, tuple)}
    )


def _text(text: str) -> str:
    lines = layout.plain(text).split("\n")
    return "<w:br/>".join(f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in lines)


def _paragraph(text: str, style: str, more: str = "", marked: bool = False) -> str:
    look = '<w:rPr><w:highlight w:val="yellow"/></w:rPr>' if marked else ""
    run = f"<w:r>{look}{_text(text)}</w:r>" if text else ""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{more}</w:pPr>{run}</w:p>'


def _boxed(text: str, style: str) -> str:
    sides = "".join(
        f'<w:{side} w:val="single" w:sz="6" w:space="2" w:color="000000"/>' for side in ("top", "left", "bottom", "right")
    )
    return _paragraph(text, style, f'<w:pBdr>{sides}</w:pBdr><w:ind w:left="567" w:right="567"/>')


def _cell(text: str, width: int, style: str, align: str = "", strong: bool = False) -> str:
    bold = "<w:rPr><w:b/></w:rPr>" if strong else ""
    run = f"<w:r>{bold}{_text(text)}</w:r>" if text else ""
    return f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr><w:p><w:pPr><w:pStyle w:val="{style}"/>{align}</w:pPr>{run}</w:p></w:tc>'


def _column(paragraphs: str, width: int) -> str:
    return f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>{paragraphs}</w:tc>'


def _cell_width(document: docx.document.Document, column: int) -> float:
    """Points, of the head of the paper."""
    held = document.tables[0].rows[0].cells[column].width if document.tables else None
    return held.pt if held else 200.0


def _placed(path: Path, error: Exception) -> str:
    """The message with the paragraph that it comes from."""
    message = str(error)
    word = next(iter(re.findall(r"'([A-Za-z_]\w*)'", message)[::-1]), "") or next(iter(re.findall(r"\w+", message)), "")
    for part, place, text in _tagged(path):
        if word and re.search(rf"\b{re.escape(word)}\b", text):
            return f"{path}: {part}, paragraph {place}: “{text.strip()[:120]}”: {message}"
    return f"{path}: {message}"


def _tagged(path: Path) -> Iterable[tuple[str, int, str]]:
    """(part, number, text) of the paragraphs with a tag of the template."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not re.fullmatch(r"word/(document|header\d*|footer\d*)\.xml", name):
                continue
            root = etree.fromstring(archive.read(name))
            for place, paragraph in enumerate(root.iter(qn("w:p")), 1):
                text = "".join(node.text or "" for node in paragraph.iter(qn("w:t")))
                if "{{" in text or "{%" in text:
                    yield name, place, text
