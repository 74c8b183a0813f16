"""Entries and files of the tests of registers."""

from __future__ import annotations

import io
import zipfile

from server.registers.columns import mapping_of
from server.registers.models import Upload
from server.registers.reading import read
from server.units.models import Unit


def waiting_file(unit: Unit, mark: str) -> Upload:
    """A file that was read and waits for a person."""
    table = read(f"Tên thiết bị;Số seri\nmoi-{mark};s-{mark}\n".encode(), f"{mark}.csv", "equipment")
    return Upload.objects.create(
        unit=unit, book="equipment", file_name=f"{mark}.csv", sha256="0" * 64, encoding=table.encoding, by=f"nguoi-{mark}",
        mapping=mapping_of("equipment", table.heading), packed=table.packed(),
    )  # fmt: skip


def text_in(raw: bytes) -> str:
    """Of a page or a table; of a workbook what lies packed inside."""
    if not raw.startswith(b"PK"):
        return raw.decode()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())
