"""The register of information systems: their levels and who decides on them, their zones, and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nsmallest
from itertools import groupby
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.ingest.models import IN_SERVICE, Machine
from server.registers.columns import folded
from server.registers.record import Change, Record
from server.registers.zones import Zone, zones_of
from server.units.models import Unit
from server.units.scope import Scoped

LEVELS = [(str(level), format_lazy("{} {}", gettext_lazy("Level"), level)) for level in range(1, 6)]
KINDS = [
    ("internal", gettext_lazy("for internal work")),
    ("public", gettext_lazy("for citizens and businesses")),
    ("infrastructure", gettext_lazy("information infrastructure")),
    ("industrial", gettext_lazy("industrial control")),
    ("other", gettext_lazy("other system")),
]
DRAFT, SENT, APPRAISED, APPROVED = "draft", "sent", "appraised", "approved"
APPROVAL = [
    (DRAFT, gettext_lazy("being drafted")),
    (SENT, gettext_lazy("sent for appraisal")),
    (APPRAISED, gettext_lazy("appraised")),
    (APPROVED, gettext_lazy("approved")),
]
"""The states that form 08 of NĐ 331/2026 has; so are those below."""
PLANS = [
    ("none", gettext_lazy("not put into practice")),
    ("partly", gettext_lazy("some parts put into practice")),
    ("whole", gettext_lazy("put into practice in full")),
]
CHECKS = [
    ("before", gettext_lazy("before it was put to use")),
    ("regular", gettext_lazy("regularly")),
    ("both", gettext_lazy("before it was put to use and regularly")),
]
STATES = [
    ("building", gettext_lazy("being built")),
    ("in_use", gettext_lazy("in operation")),
    ("stopped", gettext_lazy("operation ended")),
]
NAMED = 200
"""Members that a cell of a file names; of the others it says how many."""


class System(Record):
    """An entry of the register of information systems (Danh mục hệ thống thông tin)."""

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="systems")
    name = models.CharField(max_length=253)
    code = models.CharField(max_length=60, blank=True)
    owner = models.CharField(max_length=200, blank=True)
    operator = models.CharField(max_length=200, blank=True)
    place = models.CharField(max_length=300, blank=True)
    appraiser = models.CharField(max_length=200, blank=True)
    approver = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=20, choices=KINDS, blank=True)
    information = models.CharField(max_length=1000, blank=True)
    scope = models.CharField(max_length=1000, blank=True)
    users = models.CharField(max_length=1000, blank=True)
    hosted = models.CharField(max_length=300, blank=True, help_text="The data centre it is rented in")
    level_proposed = models.CharField(max_length=1, choices=LEVELS, blank=True)
    basis = models.CharField(max_length=1000, blank=True)
    approval = models.CharField(max_length=10, choices=APPROVAL, blank=True)
    approval_expected = models.DateField(null=True)
    level_approved = models.CharField(max_length=1, choices=LEVELS, blank=True)
    decision_number = models.CharField(max_length=100, blank=True)
    decision_date = models.DateField(null=True)
    regulation = models.CharField(max_length=200, blank=True, help_text="Number and date of the security regulation")
    standard = models.CharField(max_length=100, blank=True, help_text="That its dossier cites")
    plan = models.CharField(max_length=10, choices=PLANS, blank=True)
    plan_expected = models.DateField(null=True)
    checked = models.CharField(max_length=10, choices=CHECKS, blank=True)
    checked_on = models.DateField(null=True)
    state = models.CharField(max_length=10, choices=STATES, default="in_use")
    used_since = models.DateField(null=True)
    zones = models.TextField(blank=True, help_text="A line for each: name | addresses inside | public addresses (zones.py)")

    objects: ClassVar[Scoped[System]] = Scoped()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["code"], condition=~Q(code=""), name="code_of_one_system")]

    def __str__(self) -> str:
        return self.name

    @property
    def decided(self) -> bool:
        """Its level is approved, and the entry names the decision: the word alone proves nothing."""
        return self.approval == APPROVED and bool(self.decision_number and self.decision_date and self.level_approved)

    @property
    def level(self) -> int | None:
        """The one that holds: as approved, else as proposed; None: neither is written down."""
        told = self.level_approved or self.level_proposed
        return int(told) if told else None

    @property
    def zones_told(self) -> list[Zone]:
        return zones_of(self.zones)

    @property
    def here(self) -> models.QuerySet[Member]:
        """What belongs to it and lies in its unit or below: whoever sees the entry sees those."""
        return self.members.filter(self._here)

    @property
    def elsewhere(self) -> int:
        """So many lie in another unit by now, and are not shown to whoever sees only this one."""
        return self.members.exclude(self._here).count()

    @property
    def _here(self) -> Q:
        """HERE, of this one: its path need not be read again for each member."""
        path = self.unit.path
        return Q(machine__unit__path__under=path) | Q(item__unit__path__under=path)

    @property
    def machines(self) -> models.QuerySet[Machine]:
        """Machines in service that belong to it, themselves or as a device of the equipment register."""
        mine = self.here.order_by().values(reporting=Coalesce("machine", "item__machine"))
        return Machine.objects.filter(IN_SERVICE, unit__path__under=self.unit.path, pk__in=mine)

    @property
    def warnings(self) -> list[str]:
        """What of the entry itself should not be so, in words."""
        return list(self._warnings())

    def _warnings(self) -> Iterator[str]:
        operator, appraiser, approver = (folded(word) for word in (self.operator, self.appraiser, self.approver))
        if operator and operator == appraiser:
            yield _("The operator is also the appraiser: another unit, or an independent council, must appraise (Circular 12/2022, article 6; Decree 331/2026, article 18.4).")  # fmt: skip
        if operator and operator == approver:
            yield _("The operator is also the approver: whoever runs the system approves its level.")
        if self.approval == APPROVED and not self.decided:
            yield _("The entry says approved, but lacks the level approved, or the number or date of the decision.")
        if self.approval not in ("", APPROVED) and self.level_approved:
            yield _("A level approved is written down, but the dossier is not approved by its state.")

    @classmethod
    def told_texts(cls, records: Sequence[System]) -> dict[int, dict[str, str]]:
        found = {one.pk: {"machines": "", "equipment": ""} for one in records}
        members = Member.objects.filter(HERE, system__in=list(found)).select_related(
            "machine", "item__machine__unit", "item__unit"
        )
        for pk, mine in groupby(members.order_by("system_id").iterator(2000), key=lambda one: one.system_id):
            names: dict[str, list[str]] = {"machines": [], "equipment": []}
            for one in mine:
                names["machines" if one.item_id is None else "equipment"].append(one.name)
            found[pk] = {name: _named(those) for name, those in names.items()}
        return found


def _named(names: list[str]) -> str:
    told = ", ".join(nsmallest(NAMED, names))
    return told if len(names) <= NAMED else f"{told} … (+{len(names) - NAMED})"


class SystemChange(Change):
    """History of a system."""

    REACHED_BY = "system__unit__path"

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="changes")

    objects: ClassVar[Scoped[SystemChange]] = Scoped()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.system_id} {self.field}"


class Member(models.Model):
    """A machine, or a device of the equipment register, belongs to a system. It may belong to several."""

    REACHED_BY = "system__unit__path"

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="members")
    machine = models.ForeignKey(Machine, null=True, on_delete=models.CASCADE, related_name="belongs")
    item = models.ForeignKey("registers.Item", null=True, on_delete=models.CASCADE, related_name="belongs")
    main = models.BooleanField(default=False, help_text="A main network device (TT 12/2022, article 3.2)")

    objects: ClassVar[Scoped[Member]] = Scoped()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["system", "machine"], name="machine_once_in_a_system"),
            models.UniqueConstraint(fields=["system", "item"], name="item_once_in_a_system"),
            models.CheckConstraint(
                condition=Q(machine__isnull=False, item=None) | Q(machine=None, item__isnull=False), name="member_is_one_thing"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.system_id} {self.name}"

    @property
    def lies_here(self) -> bool:
        """In the unit of the system or below: whoever sees only the system sees it."""
        one: Any = self.machine if self.item is None else self.item
        return bool(one.unit.path.startswith(self.system.unit.path))

    @property
    def name(self) -> str:
        one: Any = self.machine if self.item is None else self.item
        return str(one.name if self.item is None else one.shown("name").value)

    @property
    def reads(self) -> Machine | None:
        """The machine that reports on it."""
        return self.machine if self.item is None else self.item.reads


DECIDED = Q(approval=APPROVED, decision_date__isnull=False) & ~Q(decision_number="") & ~Q(level_approved="")
"""Condition on a System, as `decided` says it of one."""
HERE = Q(machine__unit__path__startswith=F("system__unit__path")) | Q(item__unit__path__startswith=F("system__unit__path"))
"""Condition on a Member."""


# --- of several systems at once ------------------------------------------------------------------------------------------


def machines_of(systems: Sequence[System]) -> dict[int, tuple[int, int | None]]:
    """(how many `machines`, how many of these are judged at another level than the system's; None: it has none) of each."""
    reporting = Coalesce("machine", "item__machine")
    members = Member.objects.filter(HERE, system__in=[one.pk for one in systems]).annotate(reporting=reporting).order_by()
    serving = Machine.objects.filter(IN_SERVICE, pk__in=members.values("reporting"))
    columns = serving.values_list("pk", "unit__path", "latest__assessment__level")
    seen: dict[int, tuple[str, int | None]] = {pk: (path, level) for pk, path, level in columns}
    levels: dict[int, list[int | None]] = {one.pk: [] for one in systems}
    paths = {one.pk: one.unit.path for one in systems}
    for pk, machine in members.values_list("system", "reporting").distinct():
        path, level = seen.get(machine, ("", None))
        if path.startswith(paths[pk]):
            levels[pk].append(level)
    return {
        one.pk: (len(of), None if one.level is None else sum(level not in (None, one.level) for level in of))
        for one, of in ((one, levels[one.pk]) for one in systems)
    }
