"""An issue of a paper as a file that is handed on: into a bundle of evidence of the unit, the campaign or the system it is about."""

from __future__ import annotations

from django.db.models import F, Max, QuerySet

from server.approvals.files import Kept, clean_name
from server.documents import making
from server.documents.models import Document, Issue
from server.units.models import Unit, User

CAMPAIGN, SYSTEM = "campaign", "system"


def about(document: Document) -> tuple[str, int]:
    """(unit, campaign or system; its number)."""
    what, number, *_rest = document.about.split(":")
    return what, int(number)


def fits(document: Document, kind: str, of: int, unit: Unit) -> bool:
    """It may lie in a bundle of that kind that speaks of that unit: whoever gets the bundle sees all that the paper says. A bundle of
    a unit takes every paper of it and below, one of a campaign or a system those about it."""
    return document.unit.path.startswith(unit.path) and (kind not in (CAMPAIGN, SYSTEM) or about(document) == (kind, of))


def newest(user: User, action: str) -> QuerySet[Issue]:
    """The newest issue of each document, where this person may do that."""
    rows = Issue.objects.visible_to(user, action).annotate(last=Max("document__issues__number")).filter(number=F("last"))
    return rows.defer("packed").select_related("document__unit").order_by("-document__pk")


def kept(issue: Issue) -> Kept:
    """As PDF/A, under its title and number of issue. Raises making.Refused."""
    content, _media = making.file(issue.report, "pdf")
    title = issue.document.title[:150].replace("/", "-").replace("\\", "-")  # a number such as 12/CV is no folder
    return Kept(clean_name(f"{title} - {issue.number}.pdf"), "pdf", content)
