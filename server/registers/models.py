"""The register of equipment, its history, what reports tell of each machine, and files that wait to be taken over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.enrolment.hardware import filler
from server.ingest.models import Machine
from server.registers.installed import Listing
from server.registers.record import Change, Record, Shown
from server.registers.stocks import Line, Stocktake
from server.registers.systems import Member, System, SystemChange
from server.units.models import Unit
from server.units.scope import Scoped

__all__ = ["Item", "ItemChange", "Line", "Member", "Seen", "Stocktake", "System", "SystemChange", "Upload"]

CLASSES = [
    ("server", _("Server")),
    ("desktop", _("Desktop computer")),
    ("laptop", _("Laptop")),
    ("printer", _("Printer")),
    ("network", _("Network device")),
    ("power", _("Power device (AVR, UPS, generator)")),
    ("storage", _("Storage device")),
    ("special", _("Special device (scanner, card reader)")),
    ("other", _("Other device")),
]
"""The classes of the regulation (QĐ 3582/QĐ-BHXH II.1.1); computers by what they are."""
IN_USE, IN_STORE, IN_REPAIR, DISPOSED = "in_use", "in_store", "in_repair", "disposed"
STATES = [(IN_USE, _("in use")), (IN_STORE, _("in store")), (IN_REPAIR, _("in repair")), (DISPOSED, _("disposed of"))]
PLACES = [("on_site", _("on site")), ("at_centre", _("at the repair centre"))]
COMPUTERS = ("server", "desktop", "laptop", "network")
"""Classes of which a report may be expected."""
READ = ("name", "serial", "configuration")
"""Fields that a linked machine tells itself."""


class Seen(models.Model):
    """What the newest report of a machine says for the registers. null: not seen."""

    REACHED_BY = "machine__unit__path"

    machine = models.OneToOneField(Machine, on_delete=models.CASCADE, primary_key=True, related_name="told")
    snapshot = models.CharField(max_length=36)
    facts = models.CharField(max_length=64, help_text="digest_of what seen.py reads; empty: it could not be read")
    at = models.DateTimeField()
    maker = models.CharField(max_length=200, null=True)
    model = models.CharField(max_length=200, null=True)
    cpu = models.CharField(max_length=200, null=True)
    memory_gib = models.PositiveIntegerField(null=True)
    disks = models.JSONField(null=True, help_text="[name, model, GB, serial] of each that does not come out")
    known = models.JSONField(default=dict, help_text="The same, as the last report told it that saw it")
    programs = models.ForeignKey(
        Listing, null=True, on_delete=models.PROTECT, related_name="+", help_text="null: its programs were not seen"
    )
    counted = models.CharField(max_length=64, blank=True, default="", help_text="By which rules its programs were counted")
    counted_in = models.BigIntegerField(null=True, help_text="Number of the unit in whose counts it is")
    reader = models.PositiveSmallIntegerField(default=0, help_text="READER of seen.py that read it")
    why = models.CharField(max_length=300, blank=True, help_text="The report could not be read")

    objects: ClassVar[Scoped[Seen]] = Scoped()

    def __str__(self) -> str:
        return f"{self.machine_id} at {self.at}"

    @property
    def configuration(self) -> str:
        """The same words in every language; a part that was not seen has a question mark, one that is not there nothing."""
        if self.cpu is None and self.memory_gib is None and self.disks is None:
            return ""
        parts = [f"{self.maker or ''} {self.model or ''}".strip(), f"CPU {self.cpu or '?'}"]
        parts.append(f"RAM {self.memory_gib if self.memory_gib is not None else '?'} GiB")
        parts += ["HDD/SSD ?"] if self.disks is None else [f"{disk[1] or disk[0]} {disk[2]} GB" for disk in self.disks]
        return "; ".join(filter(None, parts))[:1000]


class Item(Record):
    """A device of the equipment register (Sổ theo dõi thiết bị), with or without a machine that reports."""

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True
    read_fields = READ

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="items")
    name = models.CharField(max_length=253)
    device_class = models.CharField(max_length=20, choices=CLASSES, default="other")
    serial = models.CharField(max_length=128, blank=True)
    configuration = models.CharField(max_length=1000, blank=True)
    equipped = models.DateField(null=True)
    supplier = models.CharField(max_length=200, blank=True)
    warranty_until = models.DateField(null=True)
    warranty_place = models.CharField(max_length=20, choices=PLACES, blank=True)
    warranty_terms = models.CharField(max_length=300, blank=True)
    support_until = models.DateField(null=True)
    person = models.CharField(max_length=200, blank=True)
    tag = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=20, choices=STATES, default=IN_USE)
    machine = models.OneToOneField(Machine, null=True, on_delete=models.SET_NULL, related_name="item")
    serial_key = models.CharField(max_length=128, blank=True, help_text="What two spellings have in common; empty: filler")

    objects: ClassVar[Scoped[Item]] = Scoped()

    class Meta:
        ordering = ["name", "pk"]
        indexes = [
            models.Index(fields=["name", "id"], name="item_name"),
            models.Index(fields=["tag"], name="item_tag"),
            models.Index(fields=["warranty_until"], name="item_warranty"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["serial_key"], condition=~Q(serial_key="") & ~Q(state=DISPOSED), name="serial_of_one_item"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.serial_key = key_of(self.serial)
        super().save(*args, **kwargs)

    @property
    def shown_serial(self) -> Shown:
        return self.shown("serial")

    @property
    def reads(self) -> Machine | None:
        """The linked machine, while it lies in the unit of the entry: whoever sees the entry sees the machine."""
        machine = self.machine
        return machine if machine is not None and machine.unit.path.startswith(self.unit.path) else None

    @property
    def told(self) -> Seen | None:
        """What reports tell of the linked machine."""
        return getattr(self.reads, "told", None)

    @property
    def seen_at(self) -> datetime | None:
        """When the linked machine reported last."""
        machine = self.reads
        return machine.reported_at if machine is not None and machine.latest_id is not None else None

    def shown(self, field: str) -> Shown:
        """What the machine told goes before what was typed; what it did not tell takes nothing away."""
        typed = getattr(self, field)
        if field not in READ or (machine := self.reads) is None:
            return Shown(typed, False)
        match field:
            case "name":
                read = machine.hostname or machine.name
            case "serial":
                read = machine.serial
            case _:
                told: Seen | None = getattr(machine, "told", None)
                read = told.configuration if told else ""
        return Shown(read, True) if read else Shown(typed, False)

    @classmethod
    def told_texts(cls, records: Sequence[Item]) -> dict[int, dict[str, str]]:
        never = str(_("not seen yet"))
        found = {}
        for item in records:
            machine, at = item.reads, item.seen_at
            seen = timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else never
            found[item.pk] = {"machine": machine.name, "seen": seen} if machine is not None else {"machine": "", "seen": ""}
        return found

    @property
    def differs(self) -> bool:
        """The register names another serial number than the machine."""
        machine = self.reads
        return bool(machine and machine.serial and self.serial_key and key_of(machine.serial) != self.serial_key)


class ItemChange(Change):
    """History of a device (quá trình sử dụng)."""

    REACHED_BY = "item__unit__path"

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="changes")

    objects: ClassVar[Scoped[ItemChange]] = Scoped()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.item_id} {self.field}"


class Upload(models.Model):
    """A file that waits for a person to say that it is taken over.

    A small one is read, looked at and written within requests. A large one is read and looked at in the background, and written
    there in slices once a person has said so; `written` and `left` then say how far that is, whatever dies meanwhile.
    """

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True
    READING, READY, WRITING, DONE, USELESS = "reading", "ready", "writing", "done", "useless"

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE)
    book = models.CharField(max_length=20)
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    encoding = models.CharField(max_length=20, blank=True, help_text="As what the letters were read")
    by = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now)
    mapping = models.JSONField(default=list, help_text="Column of the register for each column of the file; empty: left out")
    raw = models.BinaryField(default=b"", help_text="The file itself, until it was read in the background")
    packed = models.BinaryField(default=b"", help_text="Table of reading.py, as zlib of JSON; empty once it was taken over")
    rows = models.PositiveIntegerField(default=0)
    background = models.BooleanField(default=False, help_text="Too large for a request")
    language = models.CharField(max_length=10, default="vi", help_text="In which what is wrong with a row is said")
    useless = models.CharField(max_length=500, blank=True, help_text="Why it could not be read")
    preview = models.JSONField(default=dict, help_text="What taking it over would change, as looking.py found it")
    promised = models.BinaryField(default=b"", help_text="What each row would write, as zlib of JSON; nothing else is written")
    started_at = models.DateTimeField(null=True, help_text="A person said that it is to be written")
    started_by = models.CharField(max_length=200, blank=True)
    written = models.PositiveIntegerField(default=0, help_text="Of the promised rows so many were gone through")
    left = models.JSONField(default=dict, help_text="Why -> lines that were promised and not written")
    applied_at = models.DateTimeField(null=True)
    result = models.JSONField(default=dict)

    objects: ClassVar[Scoped[Upload]] = Scoped()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return self.file_name

    @property
    def state(self) -> str:
        if self.applied_at is not None:
            return self.DONE
        if self.started_at is not None:
            return self.WRITING
        if self.useless:
            return self.USELESS
        waits = self.background and (self.raw or (any(self.mapping) and self.preview.get("mapping") != self.mapping))
        return self.READING if waits else self.READY


def key_of(serial: str) -> str:
    """Equal for spellings of one serial number. Filler of makers is nobody's."""
    text = "".join(serial.split()).upper()
    return "" if filler(serial.strip()) else text[:128]
