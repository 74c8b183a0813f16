"""What a paper rests on, as its last appendix: the same in every paper, so that nobody can leave it out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone

from server.documents.report import Appendix, Block, Column, Honesty, Paragraph, Report, Style, Table
from server.documents.texts import Texts


def appendix(report: Report) -> Appendix:
    say = Texts("grounds.yaml")
    return Appendix(title=say("title"), blocks=tuple(_blocks(report, say)))


def moment(at: datetime) -> str:
    """Hour and day, as papers write them."""
    here = timezone.localtime(at)
    return Texts("paper.yaml")("moment", time=f"{here:%H:%M}", day=f"{here:%d/%m/%Y}")


def _text(text: str, style: Style = Style.TEXT) -> Paragraph:
    return Paragraph(style=style, text=text)


def _blocks(report: Report, say: Texts) -> Iterator[Block]:
    held = report.honesty
    yield _text(say("intro"))
    yield _text(say("who"), Style.HEADING)
    if held.scanned_by:
        yield _text(say("scanned_by", name=held.scanned_by))
    else:
        yield _text(say("scanned_by_blank"), Style.BLANK)
    yield _text(say(f"relation.{held.relation}"))
    yield _text(say("when"), Style.HEADING)
    yield from _when(report, say)
    yield _text(say("numbers"), Style.HEADING)
    yield _text(say("numbers_note"))
    yield _counts(held, say)
    if held.wording is not None:
        yield _text(say("wording"), Style.HEADING)
        yield _text(say("wording_note"))
        yield _wording(held, say)
    yield _text(say("unreached"), Style.HEADING)
    yield from _unreached(held, say)
    if held.remarks:
        yield _text(say("remarks"), Style.HEADING)
        yield from (_text(f"- {one}", Style.ITEM) for one in held.remarks)


def _when(report: Report, say: Texts) -> Iterator[Block]:
    held = report.honesty
    if held.since and held.until:
        yield _text(say("period", since=moment(held.since), until=moment(held.until)))
    else:
        yield _text(say("period_none"))
    yield _text(say("made", at=moment(report.made_at), version=held.program))
    if report.provisional:
        yield _text(say("provisional"))
    for pack in held.packs:
        level = say("pack_level", level=str(pack.level)) if pack.level else ""
        machines = say("pack_machines", machines=pack.machines) if pack.machines is not None else ""
        digest = pack.digest[:16]
        yield _text("- " + say("pack", edition=pack.edition, version=pack.version, level=level, digest=digest, machines=machines), Style.ITEM)  # fmt: skip
        if pack.status:
            yield _text(say("pack_status", status=pack.status))
    if not held.feeds:
        yield _text(say("feeds_none"))
    for feed in held.feeds:
        if feed.day is None:
            yield _text("- " + say("feed_none", name=feed.name), Style.ITEM)
        else:
            old = say("feed_old") if feed.old else ""
            yield _text("- " + say("feed", name=feed.name, day=f"{feed.day:%d/%m/%Y}", old=old), Style.ITEM)


def _counts(held: Honesty, say: Texts) -> Table:
    names = say.at("number_columns")
    return Table(
        name=str(say.at("title"))[:31],
        columns=(Column(title=names[0], share=75), Column(title=names[1], share=25, align="right")),
        rows=tuple((one.text, one.number if one.number is not None else say("unknown_number")) for one in held.counts),
    )


def _wording(held: Honesty, say: Texts) -> Table:
    names = say.at("wording_columns")
    assert held.wording is not None
    return Table(
        name=str(names[0])[:31],
        columns=(Column(title=names[0], share=75), Column(title=names[1], share=25, align="right")),
        rows=tuple((say(f"wording_{name}"), count) for name, count in held.wording.model_dump().items()),
    )


def _unreached(held: Honesty, say: Texts) -> Iterator[Block]:
    if not held.unreached:
        yield _text(say("unreached_none" if held.since else "unreached_unread"))
        return
    names = say.at("unreached_columns")
    shares = (8, 32, 30, 30)
    columns = tuple(
        Column(title=name, share=share, align="center" if place == 0 else "left")
        for place, (name, share) in enumerate(zip(names, shares, strict=True))
    )
    rows = tuple((place, one.name, one.unit, one.why) for place, one in enumerate(held.unreached, 1))
    yield Table(name=str(say.at("unreached"))[:31], columns=columns, rows=rows)
    if held.unreached_more:
        yield _text(say("unreached_more", count=held.unreached_more), Style.NOTE)
