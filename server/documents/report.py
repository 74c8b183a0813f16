"""What a paper says, frozen: front matter, paragraphs, tables, figures, and what it rests on. Exporters see this and nothing else.

It holds words and numbers as they stand in the paper, in the language of the paper. A cell that is None was not seen or is not
known, and is printed as such, never as 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Cell = int | str | None


class Part(BaseModel):
    """A piece of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Style(StrEnum):
    """What a paragraph is, as Nghị định 30/2020/NĐ-CP names it; how that looks is the template's business."""

    BASIS = "basis"  # căn cứ
    TEXT = "text"
    PART = "part"  # PHẦN I
    PART_TITLE = "part-title"
    SECTION = "section"  # I. HEADING
    HEADING = "heading"  # 1. Heading
    SUBHEADING = "subheading"  # 1.1. or a) Heading
    ITEM = "item"  # - something
    NOTE = "note"
    BLANK = "blank"  # a person fills it in before signing


class Paragraph(Part):
    kind: Literal["paragraph"] = "paragraph"
    style: Style
    text: str


class Column(Part):
    title: str
    share: int = Field(description="Of the width, in per cent; those of a table together 100")
    align: Literal["left", "center", "right"] = "left"


class Table(Part):
    kind: Literal["table"] = "table"
    name: str = Field(description="Of its sheet in a workbook")
    title: str = ""
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    strong: tuple[int, ...] = Field(default=(), description="Rows that are headings or sums, by their place")
    empty: str = Field(default="", description="What stands there when it has no row")


class Figure(Part):
    kind: Literal["figure"] = "figure"
    title: str
    svg: str


Block = Annotated[Paragraph | Table | Figure, Field(discriminator="kind")]


class Appendix(Part):
    title: str
    blocks: tuple[Block, ...]


class Cosigner(Part):
    """Another side that signs, in a paper that two sides sign."""

    authority: tuple[str, ...] = Field(default=(), description="Lines above the title, as of the paper's own signer")
    title: str = Field(description="Empty: a marked blank")
    name: str = Field(description="Empty: a marked blank")


class Front(Part):
    """Components 1 to 9 of the decree. Number and day are the clerk's: they are left blank (article 15)."""

    above: tuple[str, ...] = Field(description="Lines of the body above; () when there is none")
    issuer: tuple[str, ...]
    symbol: str = Field(description="What follows the blank number, such as /BHXH-CNTT")
    place: str
    year: int
    type: str = Field(description="BÁO CÁO and so on; empty: a letter (công văn)")
    subject: str
    addressees: tuple[str, ...] = Field(default=(), description="Kính gửi")
    receivers: tuple[str, ...] = Field(description="Nơi nhận, each line as it is printed")
    authority: tuple[str, ...] = Field(default=(), description="KT. GIÁM ĐỐC, TM. ... above the signer's own title")
    signer_title: str = Field(description="Empty: a marked blank")
    signer_name: str = Field(description="Empty: a marked blank")
    cosigners: tuple[Cosigner, ...] = Field(
        default=(), exclude_if=lambda told: not told, description="Left of the signer, in one row; receivers stand below them"
    )
    mark: str = Field(default="", description="LƯU HÀNH NỘI BỘ, where the unit asks for it; secrecy is never stamped here")


class Count(Part):
    """One number of its own, with what it counts."""

    text: str
    number: int | None


class Unreached(Part):
    name: str
    unit: str
    why: str


class Dated(Part):
    """Data of a publisher, and their day; None: there are none."""

    name: str
    day: date | None
    old: bool


class Pack(Part):
    """What was judged by."""

    edition: str
    version: str
    digest: str
    level: int | None
    machines: int | None = None
    status: str = Field(default="", description="Standing of the edition, and what of its wording was seen")


class Wording(Part):
    """Requirements of this report by how sure their wording is (baselines.model.Confidence)."""

    quoted: int = 0
    paraphrased: int = 0
    derived: int = 0
    memory: int = 0


class Honesty(Part):
    """What the paper rests on, and what it does not know."""

    scanned_by: str = Field(description="Who ran the scan; empty: the unit has not said")
    relation: Literal["operator", "above", "independent", "not_said"] = Field(description="Of that body to the operator")
    program: str = Field(description="rasoat's version")
    since: datetime | None = Field(description="The oldest report it rests on")
    until: datetime | None = Field(description="The newest")
    counts: tuple[Count, ...] = Field(description="Expected, reached, unknown, missing: each by itself")
    unreached: tuple[Unreached, ...] = ()
    unreached_more: int = 0
    feeds: tuple[Dated, ...] = ()
    packs: tuple[Pack, ...] = ()
    wording: Wording | None = None
    remarks: tuple[str, ...] = ()


class Asked(Part):
    """What no machine knows and a person writes; empty until then, and a marked blank in the paper."""

    id: str
    text: str
    answer: str = ""


class Report(Part):
    """The whole paper."""

    kind: str = Field(description="reply, level ...")
    title: str = Field(description="As lists of documents call it")
    made_at: datetime
    front: Front
    body: tuple[Block, ...]
    appendices: tuple[Appendix, ...] = ()
    honesty: Honesty
    asked: tuple[Asked, ...] = ()
    landscape: bool = Field(default=False, description="Its own table, which is no appendix, is too wide for an upright page")
    provisional: bool = Field(default=False, description="What it rests on may still change: a campaign that is not closed")

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def blanks(self) -> list[str]:
        """What a person has to fill in before it is signed."""
        return [one.text for one in self.asked if not one.answer]


def blocks(report: Report) -> Iterator[Paragraph | Table | Figure]:
    """Body first, then the appendices."""
    yield from report.body
    for appendix in report.appendices:
        yield from appendix.blocks


def tables(report: Report) -> Iterator[Table]:
    return (one for one in blocks(report) if isinstance(one, Table))
