"""Papers made and kept: each making is an issue of its document, and two issues can be laid side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import NamedTuple, TypeVar

from django.db import models, transaction
from django.db.models import Max
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from baselines.loader import BaselineError
from server.campaigns.models import Campaign
from server.documents import grounds
from server.documents.exports import docx, layout, pdf, xlsx
from server.documents.kinds import LEVEL, REPLY, SPANS
from server.documents.letterhead import NoSigner
from server.documents.models import Document, Issue
from server.documents.papers import writer
from server.documents.papers.level.dossier import level
from server.documents.papers.level.gather import NoLevel, NoMembers
from server.documents.papers.reply import NoAccount, reply
from server.documents.report import Figure, Paragraph, Report, Style, blocks
from server.documents.spans import Span, parse
from server.documents.templates import TemplateError
from server.documents.wanted import Wanted
from server.documents.writing import Blanks
from server.journal import models as journal
from server.registers.systems import System
from server.units.models import Unit, User
from server.units.scope import Scoped

M = TypeVar("M", bound=models.Model)

FORMATS = {
    "docx": (docx.written, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "pdf": (pdf.written, "application/pdf"),
    "xlsx": (xlsx.written, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}

UNASKED = 20
"""So many names without a blank are told."""


class Refused(ValueError):
    """The paper cannot be made. The message says why, and what to do."""


class Unasked(Refused):
    """Something is written for a blank that this paper does not have."""


def of_campaign(campaign: Campaign, unit: Unit, user: User | None, by: str, answers: dict[str, str] | None = None, blank_signer: bool = False, address: str = "") -> Issue:  # fmt: skip
    """A new issue of a unit's reply. Raises Refused."""
    return _made(unit, REPLY, f"campaign:{campaign.pk}", user, by, answers, blank_signer, address)


def of_system(system: System, user: User | None, by: str, pack: str = "", level: int | None = None, answers: dict[str, str] | None = None, blank_signer: bool = False, address: str = "") -> Issue:  # fmt: skip
    """A new issue of a system's dossier. Raises Refused."""
    return _made(system.unit, LEVEL, f"system:{system.pk}:{pack}:{level or ''}", user, by, answers, blank_signer, address)


def of_unit(kind: str, unit: Unit, span: Span, user: User | None, by: str, answers: dict[str, str] | None = None, blank_signer: bool = False, address: str = "") -> Issue:  # fmt: skip
    """A new issue of one of kinds.SPANS. Raises Refused."""
    return _made(unit, kind, f"unit:{unit.pk}:{span.written}", user, by, answers, blank_signer, address)


def again(document: Document, user: User | None, by: str, blank_signer: bool = False, address: str = "") -> Issue:
    """A new issue, from how things stand now and what people have written. Raises Refused."""
    return _made(document.unit, document.kind, document.about, user, by, None, blank_signer, address)


def draft(kind: str, unit: Unit, about: str) -> Report:
    """One of kinds.SPANS with what people have written so far, for nobody in particular and not kept. Raises Refused."""
    held = Document.objects.filter(unit=unit, kind=kind, about=about).first()
    return _report(unit, kind, about, None, Blanks(held.answers if held else {}), True)


def _made(unit: Unit, kind: str, about: str, user: User | None, by: str, answers: dict[str, str] | None, blank_signer: bool, address: str) -> Issue:  # fmt: skip
    held = Document.objects.filter(unit=unit, kind=kind, about=about).first()
    said = {**(held.answers if held else {}), **(answers or {})}
    blanks = Blanks(said)
    report = _report(unit, kind, about, user, blanks, blank_signer)
    # of what is given now; what was kept may be of a level or a standard that this paper was of before
    if unasked := [id for id in answers or () if id not in blanks.known]:
        raise Unasked(_("no blank of this paper is called %s. Take it out, or call it as `rasoat dossier asks` does. Nothing was made.") % ", ".join(unasked[:UNASKED]))  # fmt: skip
    return keep(unit, kind, about, report, by, answers, address)


def keep(unit: Unit, kind: str, about: str, report: Report, by: str, answers: dict[str, str] | None = None, address: str = "", prepared: bool = False) -> Issue:  # fmt: skip
    """As the newest issue of its document."""
    with transaction.atomic():
        document, _new = Document.objects.get_or_create(
            unit=unit, kind=kind, about=about, defaults={"title": report.title, "made_by": by}
        )
        document = Document.objects.select_for_update(of=("self",)).get(pk=document.pk)
        # over what stands there now: somebody may have filled other blanks while this was made
        document.title, document.answers = report.title, {**document.answers, **(answers or {})}
        document.save(update_fields=["title", "answers"])
        newest = document.issues.aggregate(newest=Max("number"))["newest"] or 0
        issue = Issue.objects.create(
            document=document, number=newest + 1, made_by=by, made_at=report.made_at, sha256=report.digest, blanks=len(report.blanks),
            provisional=report.provisional, packed=Issue.pack(report), prepared=prepared,
        )  # fmt: skip
        journal.write(
            "document.made",
            by,
            unit_path=unit.path,
            subject=f"{report.title} ({issue.number})"[:200],
            address=address,
            digest=issue.sha256,
        )
    return issue


def _report(unit: Unit, kind: str, about: str, user: User | None, blanks: Blanks, blank_signer: bool) -> Report:
    _what, number, *rest = about.split(":")
    try:
        if kind == REPLY:
            campaign = _there(Campaign.objects, number, user)
            return reply(campaign, unit, user, blanks, blank_signer)
        if kind in SPANS:
            span = parse(SPANS[kind], rest[0] if rest else "", timezone.localdate())
            with translation.override("vi"):
                return writer(kind)(Wanted(unit, span, user, blanks, blank_signer))
        system = _there(System.objects, number, user)
        wanted = int(rest[1]) if rest[1:] and rest[1] else None
        return level(system, rest[0] if rest else "", blanks, wanted, blank_signer)
    except NoSigner as error:
        raise Refused(error.advice) from None
    except NoAccount:
        raise Refused(_("%s takes no part in this campaign, or its account was not written down yet.") % unit.name) from None
    except NoLevel:
        raise Refused(_("The register names no level of this system that the standard has. Write the proposed level there first.")) from None  # fmt: skip
    except NoMembers:
        raise Refused(
            _("No machine or device belongs to this system by the register. Say there first what belongs to it.")
        ) from None
    except (TemplateError, BaselineError, OSError) as error:
        raise Refused(str(error)) from None


def _there(rows: Scoped[M], number: str, user: User | None) -> M:
    """Raises Refused where it is gone, or this person does not see it."""
    found = (rows.all() if user is None else rows.visible_to(user)).filter(pk=int(number)).first()
    if found is None:
        raise Refused(_("What this document is about is no longer there, or not in your part of the tree."))
    return found


def file(report: Report, form: str) -> tuple[bytes, str]:
    """(bytes, media type) of a report in one of FORMATS. Raises Refused."""
    write, media = FORMATS[form]
    try:
        return write(report), media
    except (TemplateError, OSError) as error:
        raise Refused(str(error)) from None


def problem(report: Report, form: str) -> str:
    """Why a file of it cannot be made; empty: it can."""
    try:
        file(report, form)
    except Refused as error:
        return str(error)
    return ""


# two issues ------------------------------------------------------------------------------------------------------------


class Turn(NamedTuple):
    """A line that only the older or only the newer issue has."""

    sign: str
    """- or +"""
    text: str


MOST = 1000


def lines(report: Report) -> Iterator[str]:
    """What a reader would compare, a line each: the head, paragraphs, rows of tables, and what it rests on."""
    front = report.front
    yield " ".join((*front.above, *front.issuer, front.symbol, front.place, front.mark)).strip()
    yield f"{front.type} {front.subject}".strip()
    yield from front.addressees
    for side in layout.sides(front):
        yield " ".join((*side.authority, side.title, side.name)).strip()
    yield from front.receivers
    for one in (*blocks(report), *grounds.appendix(report).blocks):
        if isinstance(one, Paragraph):
            yield f"[{one.text}]" if one.style is Style.BLANK else one.text
        elif isinstance(one, Figure):
            yield f"{one.title}: {hashlib.sha256(one.svg.encode()).hexdigest()[:16]}"
        else:
            for row in one.rows:
                yield " | ".join("–" if cell is None else str(cell) for cell in row)


def turned(older: Report, newer: Report) -> list[Turn]:
    """In the order of the paper; at most MOST."""
    # when each was made is told beside them, and is no difference in what they say
    before, after = list(lines(older)), list(lines(newer.model_copy(update={"made_at": older.made_at})))
    found: list[Turn] = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        found += [Turn("-", line) for line in before[a:b]] + [Turn("+", line) for line in after[c:d]]
        if len(found) > MOST:
            break
    return found[:MOST]
