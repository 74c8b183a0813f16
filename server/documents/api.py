"""What programs read of documents: which there are, and their files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from server.documents import making
from server.documents.kinds import KINDS
from server.documents.models import Document, Issue
from server.documents.views import answer
from server.errors import Refused
from server.programs.access import reader
from server.programs.asking import NO, Code, fits, under
from server.programs.listing import CSV, PageIn, page

router = Router(tags=["programs"])


class DocumentOut(Schema):
    id: int
    unit: int
    unit_name: str
    kind: str = Field(description=" · ".join(name for name, _words in KINDS))
    title: str
    issue: int = Field(description="Number of the newest issue")
    made_at: datetime
    made_by: str
    blanks: int = Field(description="Places of it that a person fills in before it is signed")
    provisional: bool = Field(description="What it rests on could still change when it was made")
    reviewed_by: str = Field(description="Who said that they read that issue through; empty: nobody")
    reviewed_at: datetime | None
    draft: bool = Field(description="The collector prepared that issue on its day, and nobody has reviewed it")
    sha256: str = Field(description="Of the report that its files are written from")


class DocumentPage(Schema):
    items: list[DocumentOut]
    next: int | None


class DocumentsIn(PageIn):
    unit: Code = ""


@router.get("documents", openapi_extra=CSV, response={200: DocumentPage, **NO}, summary="Papers, with the newest issue of each")
def documents(request: HttpRequest, asked: Query[DocumentsIn]) -> Any:
    who = reader(request, "documents")
    rows = under(who, who.rows(Document), asked.unit, "unit__path").select_related("unit")
    return page(request, rows.filter(issues__isnull=False).distinct(), asked, DocumentOut, _document)


def _document(one: Document) -> dict[str, Any]:
    newest = one.issues.defer("packed").first()
    assert newest is not None
    return {
        "id": one.pk, "unit": one.unit_id, "unit_name": one.unit.name, "kind": one.kind, "title": one.title, "issue": newest.number,
        "made_at": newest.made_at, "made_by": newest.made_by, "blanks": newest.blanks, "provisional": newest.provisional,
        "reviewed_by": newest.reviewed_by, "reviewed_at": newest.reviewed_at, "draft": newest.waits, "sha256": newest.sha256,
    }  # fmt: skip


class FileIn(Schema):
    format: str = Field("docx", pattern="^(docx|pdf|xlsx)$")
    issue: int = Field(0, ge=0, le=2**31 - 1, description="Its number; 0: the newest")


@router.get("documents/{int:pk}/file", response={200: None, **NO}, summary="A paper as DOCX, PDF/A or XLSX")
def file(request: HttpRequest, pk: int, asked: Query[FileIn]) -> Any:
    who = reader(request, "documents")
    issues = who.rows(Issue).filter(document=fits(pk)).select_related("document")
    found = (issues.filter(number=asked.issue) if asked.issue else issues).first()
    if found is None:
        raise Refused(404, "not-found", "no such document here")
    made = answer(found, asked.format)
    if made is None:
        raise Refused(409, "template", making.problem(found.report, asked.format))
    return made
