"""The organisation tree, the people, and which part of the tree each of them sees."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from server.statements import Select
from server.units.history import MachinePlacement, UnitName, UnitPlace, UnitSuccession
from server.units.paths import outermost
from server.units.rights import ADMIN, ADMINISTER, APPROVER, AUDITOR, OPERATOR, ROLES, VIEWER, roles_for
from server.units.scope import Scoped

if TYPE_CHECKING:
    from server.ingest.models import Machine

__all__ = ["MachinePlacement", "Membership", "Policy", "Unit", "UnitName", "UnitPlace", "UnitSuccession", "User"]

DEFAULT_LEVEL = 2
DEFAULT_BASELINE = "tcvn_11930_2017"
DEFAULT_INTERVAL = 6 * 3600


class Policy(NamedTuple):
    """What the machines of a unit are held to."""

    level: int
    baseline: str
    tailoring: str
    interval_seconds: int


class Unit(models.Model):
    """A part of the organisation. What it does not say itself it inherits from above."""

    REACHED_BY = "path"

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=40, blank=True, db_index=True, help_text="The organisation's own")
    kind = models.CharField(max_length=40, blank=True, help_text="One of kinds.yaml")
    valid_from = models.DateField(null=True, blank=True, help_text="First day; null: from before it was entered here")
    valid_until = models.DateField(null=True, blank=True, help_text="Last day; null: it is in being")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    path = models.CharField(max_length=400, unique=True, editable=False, help_text="/1/4/9/: ids from the root down to itself")
    level = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(5)])
    baseline = models.CharField(max_length=100, blank=True)
    tailoring = models.TextField(blank=True, help_text="YAML; replaces what the unit above says")
    interval_seconds = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(60)])

    objects: ClassVar[Scoped[Unit]] = Scoped()

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(
                fields=["code"], condition=Q(valid_until=None) & ~Q(code=""), name="code_of_one_unit_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """The path holds the own id, which a new row does not have before it is written."""
        if self.path:
            super().save(*args, **kwargs)
            return
        with transaction.atomic():
            self.path = f"new-{timezone.now().timestamp()}"
            super().save(*args, **kwargs)
            self.path = f"{self.parent.path if self.parent else '/'}{self.pk}/"
            super().save(update_fields=["path"])

    @property
    def ids(self) -> list[int]:
        """Ids from the root down to itself."""
        return [int(part) for part in self.path.strip("/").split("/")]

    @property
    def open(self) -> bool:
        """It is in being. What ended keeps its row: under its successor, or where it was."""
        return self.valid_until is None

    def valid_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_until is None or day <= self.valid_until)

    def name_on(self, day: date) -> str:
        """What it was called that day; before its first day the first name, after its last day the last one."""
        return next((former.name for former in self.names.all() if day <= former.until), self.name)

    def code_on(self, day: date) -> str:
        return next((former.code for former in self.names.all() if day <= former.until), self.code)

    def parent_on(self, day: date) -> Unit | None:
        """The unit it lay under that day."""
        return next((former.parent for former in self.places.all() if day <= former.until), self.parent)

    def line_on(self, day: date) -> list[Unit]:
        """The units from the root down to itself, as they lay that day."""
        line, unit = [self], self.parent_on(day)
        while unit is not None:
            line.append(unit)
            unit = unit.parent_on(day)
        return line[::-1]

    def heirs(self) -> list[Unit]:
        """The units in being that its duties went over to, at last; itself while it is in being."""
        if self.open:
            return [self]
        found = {unit.pk: unit for step in self.successions.select_related("new") for unit in step.new.heirs()}
        return list(found.values())

    def policy(self) -> Policy:
        """What holds here; asks for the units above."""
        return resolve(self, {unit.pk: unit for unit in chain(len(self.ids))(*self.ids)})


@cache
def chain(length: int) -> Select[Unit]:
    """A unit and those above it, by their ids."""
    return Select(lambda *ids: Unit.objects.filter(pk__in=ids).order_by())


def by_code(code: str) -> list[Unit]:
    """Every unit that has or had this code: those in being first, then the newest."""
    wanted = Unit.objects.filter(Q(code=code) | Q(names__code=code)).distinct() if code else Unit.objects.none()
    return sorted(wanted, key=lambda unit: (not unit.open, -(unit.valid_until or date.max).toordinal(), -unit.pk))


def unit_on(machine: Machine, day: date) -> Unit | None:
    """The unit a machine was in that day; None before it was known here."""
    if day < timezone.localtime(machine.created_at).date():
        return None
    return next((former.unit for former in machine.placements.select_related("unit") if day <= former.until), machine.unit)


def resolve(unit: Unit, units: dict[int, Unit]) -> Policy:
    """The policy of `unit`, from it and the units above it, which are all in `units`."""
    chain = [units[pk] for pk in reversed(unit.ids)]
    return Policy(
        level=next((u.level for u in chain if u.level), DEFAULT_LEVEL),
        baseline=next((u.baseline for u in chain if u.baseline), DEFAULT_BASELINE),
        tailoring=next((u.tailoring for u in chain if u.tailoring), ""),
        interval_seconds=next((u.interval_seconds for u in chain if u.interval_seconds), DEFAULT_INTERVAL),
    )


def everything() -> dict[int, Unit]:
    """All units. A page that needs them asks once and hands them on: a country has hundreds."""
    return {unit.pk: unit for unit in Unit.objects.all()}


class Ruled(Protocol):
    """What a policy is made of: a Unit, or those columns of one."""

    pk: int
    parent_id: int | None
    path: str
    level: int | None
    baseline: str
    tailoring: str
    interval_seconds: int | None


def rules_of_all() -> Mapping[int, Ruled]:
    """Of every unit only what policies are made of: where nothing else of them is asked, a quarter of what `everything` takes."""
    columns = ("pk", "parent_id", "path", "level", "baseline", "tailoring", "interval_seconds")
    return {row.pk: row for row in Unit.objects.order_by().values_list(*columns, named=True)}


def policies(units: Mapping[int, Ruled]) -> dict[int, Policy]:
    """The policy of each, where all of the tree is in `units`: in one walk, and in the order of one, from the root down."""
    found: dict[int, Policy] = {}
    none = Policy(DEFAULT_LEVEL, DEFAULT_BASELINE, "", DEFAULT_INTERVAL)
    for unit in sorted(units.values(), key=lambda one: one.path.count("/")):
        above = found[unit.parent_id] if unit.parent_id else none
        found[unit.pk] = Policy(
            unit.level or above.level, unit.baseline or above.baseline, unit.tailoring or above.tailoring,
            unit.interval_seconds or above.interval_seconds,
        )  # fmt: skip
    return found


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, password: str, **fields: Any) -> User:
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who logs on. Rights come from memberships alone; there is no superuser."""

    username = models.CharField(_("user name"), max_length=150, unique=True)
    full_name = models.CharField(_("full name"), max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    must_change = models.BooleanField(default=True, help_text="Sees nothing before choosing an own password")
    created_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "username"
    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.full_name or self.username

    def reach(self, wanted: str | None = None) -> Q:
        """Condition on a Unit: it lies where this person has that role, or may do that (rights.py); None: any role."""
        return self.reach_of("path", wanted)

    def reach_of(self, path: str, wanted: str | None = None, former: bool = False) -> Q:
        """The same on another model, whose unit's path is reached by `path` (such as `unit__path`).

        `former`: `path` is a text of its day, as in the journal, and counts also where the units lay before they were moved.
        """
        condition = Q(pk__in=[])
        for part in self.former_parts(wanted) if former else self.parts(wanted):
            condition |= Q(**{f"{path}__under": part})
        return condition

    def may(self, action: str, unit: Unit) -> bool:
        """Whether this person may do that in this unit."""
        return unit.path.startswith(tuple(self.parts(action)))

    def part_of(self, units: dict[int, Unit], action: str) -> dict[int, Unit]:
        """Those of `units` where this person may do that."""
        tops = tuple(self.parts(action))
        return {pk: unit for pk, unit in units.items() if unit.path.startswith(tops)}

    def does(self, action: str) -> bool:
        """Whether there is any unit where this person may do that: whether to offer the page."""
        return bool(self.parts(action))

    def parts(self, wanted: str | None = None) -> list[str]:
        """Paths of the topmost units where this person has that role, or may do that."""
        if wanted not in self._tops:
            roles = roles_for(wanted)
            self._tops[wanted] = outermost(path for path, role in self._held if role in roles)
        return list(self._tops[wanted])

    def former_parts(self, wanted: str | None = None) -> list[str]:
        """The same with the paths under which those units lay before."""
        now = self.parts(wanted)
        moved = UnitPlace.objects.filter(self.reach_of("unit__path", wanted)).values_list("path", flat=True)
        return outermost([*now, *moved])

    @cached_property
    def _held(self) -> list[tuple[str, str]]:
        """(path, role) of each membership that holds today; asked once per request, as each makes its own User."""
        holding = self.memberships.filter(Q(until=None) | Q(until__gte=timezone.localdate()))
        return list(holding.values_list("unit__path", "role"))

    @cached_property
    def _tops(self) -> dict[str | None, list[str]]:
        """What `parts` answered; a page asks dozens of times."""
        return {}

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        for name in ("_held", "_tops"):
            self.__dict__.pop(name, None)
        super().refresh_from_db(*args, **kwargs)

    @property
    def administers(self) -> bool:
        """Is administrator of at least one unit."""
        return self.does(ADMINISTER)


class Membership(models.Model):
    """A person's role in a unit and everything below it, until a last day or until it is taken away."""

    VIEWER, OPERATOR, APPROVER, AUDITOR, ADMIN = VIEWER, OPERATOR, APPROVER, AUDITOR, ADMIN
    ROLES = ROLES
    REACHED_BY = "unit__path"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=ROLES)
    until = models.DateField(null=True, blank=True, help_text="Last day; null: until it is taken away")
    origin = models.CharField(
        max_length=10, blank=True, default="", help_text="Empty: given here by a person; oidc, ldap: by a group, and goes with it"
    )

    objects: ClassVar[Scoped[Membership]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "unit", "role", "origin"], name="each_role_once_per_unit")]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} of {self.unit}"
