"""A paper as PDF/A-2b, by typst: the layout is templates/paper.typ, the fonts are those shipped."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import typst

from server.documents.exports import layout
from server.documents.exports.picture import size_mm
from server.documents.report import Figure, Paragraph, Report, Style, Table
from server.documents.templates import FONTS, TemplateError, find
from server.documents.texts import Texts

NAME = "paper.typ"
STANDARD: Literal["a-2b"] = "a-2b"
WIDTH_MM, HEIGHT_MM = 165, 170
ACROSS_MM = 252
"""Of the text on a page that lies on its side."""
POINTS = 72 / 25.4
CELL_SIZE, INSETS = 11, 7
"""Points, as paper.typ sets tables."""
_LONG = re.compile(r"\S{24,}")
_WORD = re.compile(r"\S+")
_PARTS = re.compile(r"[^-:./_@]*[-:./_@]|[^-:./_@]+")
_BREAK = "\u200b"


def written(report: Report) -> bytes:
    """The file. Raises TemplateError with the file and the place."""
    path = find(NAME)
    if report.front.cosigners and "front.sides" not in path.read_text("utf-8", "replace"):
        raise TemplateError(
            f"{path}: front.sides is missing: this paper is signed by two sides, as the template that ships prints it"
        )
    with tempfile.TemporaryDirectory(prefix="rasoat-paper-") as folder:
        root = Path(folder)
        maker = _Maker(root, report)
        (root / "data.json").write_text(json.dumps(maker.data(), ensure_ascii=False), "utf-8")
        (root / NAME).write_bytes(path.read_bytes())
        try:
            # without tags, which PDF/A-2b does not ask for: they make a long table eleven times as large
            made = typst.compile(
                root / NAME, None, root=root, font_paths=[FONTS], ignore_system_fonts=True, format="pdf", pdf_standards=STANDARD,
                package_path=root, pdf_tags=False, timestamp=report.made_at.replace(microsecond=0),
            )  # fmt: skip
        except typst.TypstError as error:
            told = getattr(error, "diagnostic", "") or str(error)
            raise TemplateError(f"{path}: {told.strip()}") from None
    assert isinstance(made, bytes)
    return made


class _Maker:
    """data.json, and the drawings beside it."""

    def __init__(self, root: Path, report: Report) -> None:
        self.root, self.report = root, report
        self.say = Texts("paper.yaml")
        self.words = layout.words(report.front, self.say)
        self.figures = 0

    def data(self) -> dict[str, Any]:
        front = self.report.front
        told = front.model_dump(mode="json")
        head = layout.head(front)
        told |= {"above": head.above, "issuer": head.issuer, "subject_lines": head.subject, "addressees": head.addressees}
        told["signer_title"] = front.signer_title.upper()
        told["sides"] = (
            [{"authority": one.authority, "title": one.title.upper(), "name": one.name} for one in layout.sides(front)]
            if front.cosigners
            else []
        )
        return {
            "title": layout.printable(self.report.title),
            "landscape": self.report.landscape,
            "front": _safe(told),
            "words": _safe({name: getattr(self.words, name) for name in self.words.__dataclass_fields__}),
            "body": self.blocks(self.report.body),
            "appendices": [
                {
                    "heading": one.heading,
                    "title": _safe(one.title),
                    "attached": _safe(one.attached),
                    "blocks": self.blocks(one.blocks),
                }
                for one in layout.appendices(self.report, self.say)
            ],
        }

    def blocks(self, blocks: Sequence[Any]) -> list[dict[str, Any]]:
        return [self.block(one) for one in blocks]

    def block(self, one: Any) -> dict[str, Any]:
        if isinstance(one, Paragraph):
            text = self.say("to_fill", text=one.text) if one.style is Style.BLANK else one.text
            return {"kind": "paragraph", "style": one.style, "text": _safe(text)}
        if isinstance(one, Table):
            across = (ACROSS_MM if self.report.landscape else WIDTH_MM) * POINTS
            rooms = [column.share / 100 * across - INSETS for column in one.columns]
            told = ([layout.printable(layout.shown(cell, self.words.unseen)) for cell in row] for row in one.rows)
            rows = [[_fitting(cell, room) for cell, room in zip(row, rooms, strict=True)] for row in told]
            columns = [column.model_dump() for column in one.columns]
            return {"kind": "table", "title": _safe(one.title), "columns": _safe(columns), "rows": rows, "strong": one.strong, "empty": _safe(one.empty)}  # fmt: skip
        assert isinstance(one, Figure)
        self.figures += 1
        name = f"drawing-{self.figures}.svg"
        (self.root / name).write_text(layout.printable(one.svg), "utf-8")
        width, height = size_mm(one.svg)
        scale = min(1.0, WIDTH_MM / width, HEIGHT_MM / height)
        caption = self.say("figure", number=str(self.figures), title=one.title)
        return {
            "kind": "figure",
            "file": name,
            "title": layout.printable(one.title),
            "caption": _safe(caption),
            "width": round(width * scale, 1),
        }


def _fitting(text: str, room: float) -> str:
    """A cell with places where a word wider than its column may break: addresses and serial numbers would run into the next one."""
    return _WORD.sub(lambda found: _broken(found[0], room), text)


@lru_cache(maxsize=8192)
def _broken(word: str, room: float) -> str:
    if len(word) * CELL_SIZE <= room or layout.width(word, CELL_SIZE) <= room:
        return word
    # behind its signs first, as people would
    return _BREAK.join(piece for part in _PARTS.findall(word) for piece in _pieces(part, room))


def _pieces(part: str, room: float) -> list[str]:
    wide = layout.width(part, CELL_SIZE)
    return [part] if wide <= room else re.findall(f".{{1,{max(1, int(len(part) * room / wide * 0.9))}}}", part)


def _safe(given: Any) -> Any:
    """Text as it is, with places where a word too long for a column may break."""
    if isinstance(given, str):
        return _LONG.sub(lambda found: _BREAK.join(re.findall(r".{1,12}", found[0])), layout.printable(given))
    if isinstance(given, dict):
        return {key: _safe(value) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return [_safe(value) for value in given]
    return given
