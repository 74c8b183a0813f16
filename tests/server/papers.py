"""A paper to write to files, and its DOCX read back."""

from __future__ import annotations

import io

import docx
from docx.oxml.ns import qn

from server.documents.report import Appendix, Report
from tests.server.documents import plain, table

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="120mm" height="60mm" viewBox="0 0 120 60"><rect width="50" height="30"/></svg>'


def report(rows: int = 3, **more: object) -> Report:
    appendices = (Appendix(title="Danh sách máy", blocks=(table(rows),)),)
    return plain("thử", **{"appendices": appendices} | more)


def read(data: bytes):
    return docx.Document(io.BytesIO(data))


def said(document) -> str:
    return "\n".join(node.text or "" for node in document.element.iter(qn("w:t")))


def size(document, style: str) -> float:
    return document.styles[style].font.size.pt
