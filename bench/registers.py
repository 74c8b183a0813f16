"""A register of 25,000 devices on one core: written as a workbook while it is read, the same file looked at in the background
(read and planned), and taken over in slices; once into an empty register and once over itself, where nothing is to be changed."""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from measure import arguments, write
from rejudging import _collector as collector

MANY = 25_000
TARGET_SECONDS = 10.0
"""For the workbook (issue 8)."""


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=MANY, metavar="N")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        collector(Path(folder))
        figures = measured(options.rows)
    print(json.dumps(figures, indent=1))
    write("registers", figures, ("Django", "openpyxl", "XlsxWriter", "sqlite"), keep=not options.no_result)
    return 0


def measured(many: int) -> dict[str, Any]:
    from django.utils.translation import activate

    from server.registers.books import BOOKS
    from server.registers.files import workbook
    from server.registers.models import Item

    activate("vi")
    root, user = _people()
    _items(root, many)
    book = BOOKS["equipment"]
    with spent() as writing:
        raw = b"".join(workbook(book, book.rows(user)))  # type: ignore[arg-type]
    same = _taken(raw, root, user)
    assert same["counts"]["same"] == many, "what goes out comes in unchanged"
    Item.objects.all().delete()
    raw = b"".join(_strange(raw))
    fresh = _taken(raw, root, user)
    assert Item.objects.count() == many
    return {
        "rows": many, "bytes": len(raw), "workbook": writing, "target_seconds": TARGET_SECONDS,
        "within_target": writing["seconds"] < TARGET_SECONDS, "again_over_itself": same, "into_an_empty_register": fresh,
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }  # fmt: skip


@contextlib.contextmanager
def spent() -> Iterator[dict[str, float]]:
    """Seconds by the clock and of the processor. Where others use the machine too, only the second is told by the program."""
    found: dict[str, float] = {}
    clock, processor = time.perf_counter(), time.process_time()
    yield found
    found["seconds"], found["processor"] = (round(value, 2) for value in (time.perf_counter() - clock, time.process_time() - processor))  # fmt: skip


def _people() -> tuple[Any, Any]:
    from server.units.models import Membership, Unit, User

    root = Unit.objects.filter(parent=None).first() or Unit.objects.create(name="Sở")
    user = User.objects.create_user("bench", "x")
    Membership.objects.create(user=user, unit=root, role=Membership.ADMIN)
    return root, user


def _items(root: Any, many: int) -> None:
    """Devices as an office has them, each with two lines of history; in 34 units."""
    from server.registers.models import Item, ItemChange
    from server.units.models import Unit

    units = [Unit.objects.create(name=f"BHXH tỉnh {number}", code=f"T{number:02}", parent=root) for number in range(34)]
    told = [
        Item(
            unit=units[number % 34], name=f"Máy tính để bàn {number}", device_class="desktop", serial=f"SN{number:07}", tag=f"TS-{number:06}",
            equipped=date(2024, 1, 1) + timedelta(days=number % 700), supplier="Công ty TNHH Thiết bị Tin học", warranty_place="on_site",
            warranty_until=date(2027, 1, 1) + timedelta(days=number % 700), person=f"Nguyễn Văn {number}", created_by="bench",
            configuration="Core i5; RAM 8 GiB; SSD 256 GB", serial_key=f"SN{number:07}",
        )
        for number in range(many)
    ]  # fmt: skip
    made = Item.objects.bulk_create(told, batch_size=500)
    past = (ItemChange(item=one, by="bench", kind=kind, field=field, old="", new="x") for one in made for kind, field in (("created", ""), ("typed", "person")))  # fmt: skip
    ItemChange.objects.bulk_create(past, batch_size=500)


def _taken(raw: bytes, root: Any, user: Any) -> dict[str, Any]:
    """Look at it and take it over, as the jobs do."""
    from server.background.models import Job
    from server.registers import looking, tasks, writing
    from server.registers.importing import keep
    from server.registers.models import Upload

    upload = keep(raw, "so.xlsx", "equipment", root, user)
    assert upload.background
    figures: dict[str, Any] = {}
    for name, step in (("read", lambda: looking._read(upload)), ("planned", lambda: looking.look(upload, user))):
        with spent() as figures[name]:
            step()
    upload.refresh_from_db()
    figures["counts"] = upload.preview["counts"]
    if figures["counts"]["new"]:
        assert writing.begin(upload, user, upload.preview["digest"])
        job = tasks.ask_to_take(upload, user.username)
        with spent() as figures["written"]:
            _performed(job)
        upload.refresh_from_db()
        assert (upload.state, upload.left) == ("done", {}), upload.left
    Job.objects.all().delete()
    Upload.objects.all().delete()
    return figures


def _performed(job: Any) -> None:
    from server.background.run import perform

    perform(job.delivery, job.pk)


def _strange(raw: bytes) -> Iterator[bytes]:
    """The same table without numbers of entries: each row is new."""
    import io

    from openpyxl import load_workbook

    from server.web.workbook import written

    heading, *rows = load_workbook(io.BytesIO(raw), read_only=True).active.iter_rows(values_only=True)
    plain = ([cell.date() if isinstance(cell, datetime) else cell for cell in row[2:]] for row in rows)
    yield from written(plain, [str(cell) for cell in heading[2:]])


if __name__ == "__main__":
    sys.exit(main())
