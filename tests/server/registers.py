"""Entries and files of the tests of registers."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from openpyxl import Workbook

from collectors.facts.hardware import Disk, Hardware
from collectors.facts.identity import Identity
from collectors.model import Record, digest_of
from server.ingest.models import Machine
from server.registers import seen
from server.registers.columns import mapping_of
from server.registers.models import Upload
from server.registers.reading import read
from server.registers.stocks import Line, Stocktake
from server.units.models import Unit
from tests.server.people import made, send


def waiting_file(unit: Unit, mark: str) -> Upload:
    """A file that was read and waits for a person."""
    table = read(f"Tên thiết bị;Số seri\nmoi-{mark};s-{mark}\n".encode(), f"{mark}.csv", "equipment")
    return Upload.objects.create(
        unit=unit, book="equipment", file_name=f"{mark}.csv", sha256="0" * 64, encoding=table.encoding, by=f"nguoi-{mark}",
        mapping=mapping_of("equipment", table.heading), packed=table.packed(),
    )  # fmt: skip


def stocktake_of(unit: Unit, mark: str) -> Stocktake:
    """One with a line, both named so that they are found on a page."""
    told = {"name": f"kiem-ke-{mark}", "on": timezone.localdate(), "created_by": f"nguoi-{mark}"}
    held = Stocktake.objects.create(unit=unit, unit_name=unit.name, state=Stocktake.OPEN, frozen_at=timezone.now(), **told)
    Line.objects.create(stocktake=held, number=1, name=f"dong-{mark}")
    return held


def text_in(raw: bytes) -> str:
    """Of a page or a table; of a workbook what lies packed inside."""
    if not raw.startswith(b"PK"):
        return raw.decode()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


HEAD = ("Tên thiết bị", "Đơn vị sử dụng", "Số seri", "Ngày trang bị", "Thời hạn bảo hành", "Nơi bảo hành", "Loại thiết bị")


def on(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def hardware(memory: int | None = 8, disks: tuple[tuple[str, int], ...] | None = (("SSD A", 512),)) -> Record:
    listed = None if disks is None else tuple(
        made(Disk, name=f"sd{number}", size_gb=size, model=name, serial=None, rotational=False, removable=False)
        for number, (name, size) in enumerate(disks)
    )  # fmt: skip
    fact = made(Hardware, cpu_model="Xeon", memory_gib=memory, disks=listed)
    return Record(fact="hardware", version=Hardware.VERSION, outcome="seen", data=fact.model_dump(mode="json"))


def reports(client: Client, host, *extra: Record, serial: str | None = None, digest: str = "", **ago) -> Machine:
    """It reports, and the registers read it. `digest`: another than its facts have."""
    snapshot = host.snapshot(timedelta(**ago), extra)
    identity = next(record for record in snapshot.records if record.fact == Identity.NAME)
    told = identity.model_copy(update={"data": identity.data | {"serial": serial, "vendor": "Dell Inc.", "model": "R740"}})
    records = tuple(told if record.fact == Identity.NAME else record for record in snapshot.records)
    snapshot = snapshot.model_copy(update={"records": records})
    snapshot = snapshot.model_copy(update={"digest": digest or digest_of(records)})
    assert send(client, host.seal(snapshot)).status_code == 201
    for machine in seen.stale():
        seen.note(machine)
    return Machine.objects.get(name=host.name)


def given(**changes):
    """A form that says nothing but these."""
    return {"device_class": "printer", "state": "in_use"} | changes


def sheet(*rows) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def bring(client: Client, unit, raw: bytes, name: str = "so.xlsx", book: str = "equipment"):
    """Give the file; what the page would then show."""
    answer = client.post(f"/registers/{book}/import/", {"unit": unit.pk, "file": SimpleUploadedFile(name, raw)})
    if answer.status_code != 302:
        return answer
    return client.get(answer.url)


def take(client: Client, shown) -> None:
    pk = shown.context["upload"].pk
    assert client.post(f"/registers/uploads/{pk}/", {"take": "", "digest": shown.context["digest"]}).status_code == 302


def refused(shown) -> list[tuple[int, str]]:
    return [(row.line, column) for row, _turned in shown.context["parts"]["refused"] for column, _why in row.problems]
