"""Files that go with requests: bounded, of a type that is told by the content, kept by their digest and only ever downloaded."""

from __future__ import annotations

import hashlib
import io
import unicodedata
import zipfile
from typing import IO, NamedTuple

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.approvals.models import Attachment

TYPES = {
    "pdf": gettext_lazy("PDF document"),
    "png": gettext_lazy("picture (PNG)"),
    "jpeg": gettext_lazy("picture (JPEG)"),
    "docx": gettext_lazy("Word document"),
    "xlsx": gettext_lazy("Excel workbook"),
    "odf": gettext_lazy("OpenDocument file"),
    "text": gettext_lazy("plain text"),
}
_BEGINNINGS = {b"%PDF-": "pdf", b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}
_INSIDE = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx", "META-INF/manifest.xml": "odf"}
_MACROS = "vbaProject.bin"


class Unfit(ValueError):
    """A file that is not taken. The message is for people."""


class Kept(NamedTuple):
    """A file that was looked at and may be stored."""

    name: str
    type: str
    content: bytes

    def stored(self) -> Attachment:
        digest = hashlib.sha256(self.content).hexdigest()
        defaults = {"size": len(self.content), "type": self.type, "content": self.content}
        return Attachment.objects.get_or_create(pk=digest, defaults=defaults)[0]


def take(name: str, size: int | None, source: IO[bytes]) -> Kept:
    """Look at an uploaded file. Raises Unfit."""
    most: int = settings.CONFIG.attachment_mib << 20
    content = b"" if size is not None and size > most else source.read(most + 1)
    if (size is not None and size > most) or len(content) > most:
        raise Unfit(_("The file is larger than %d MiB.") % (most >> 20))
    if not content:
        raise Unfit(_("The file is empty."))
    found = type_of(content)
    if not found:
        raise Unfit(_("Only these are taken: %s; none with macros.") % ", ".join(map(str, TYPES.values())))
    return Kept(clean_name(name), found, content)


def type_of(content: bytes) -> str:
    """By what it holds, whatever it is called; empty for what is not taken."""
    for begin, found in _BEGINNINGS.items():
        if content.startswith(begin):
            return found
    if content.startswith(b"PK\x03\x04"):
        return _office(content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return "text" if all(character.isprintable() or character in "\r\n\t\ufeff" for character in text) else ""


def _office(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return ""
    if any(name.endswith(_MACROS) for name in names):
        return ""
    return next((found for name, found in _INSIDE.items() if name in names), "")


def clean_name(name: str) -> str:
    """In NFC, without folders and without what steers a header or a terminal."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    return "".join(character if character.isprintable() else "_" for character in last).strip(". ")[:200] or "file"


def download(attachment: Attachment | None, name: str) -> HttpResponse | None:
    """As a file to be saved: it is never shown within these pages, whatever it holds."""
    if attachment is None:
        return None
    response = HttpResponse(bytes(attachment.content), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = _disposition(name)
    return response


def _disposition(name: str) -> str:
    from django.utils.http import content_disposition_header

    return content_disposition_header(True, name) or "attachment"
