"""The organisation tree, the people, and which part of the tree each of them sees."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

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

    name = models.CharField(max_length=200)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    path = models.CharField(max_length=400, unique=True, editable=False, help_text="/1/4/9/: ids from the root down to itself")
    level = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(5)])
    baseline = models.CharField(max_length=100, blank=True)
    tailoring = models.TextField(blank=True, help_text="YAML; replaces what the unit above says")
    interval_seconds = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(60)])

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["parent", "name"], name="unit_name_once_per_parent")]

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

    def policy(self) -> Policy:
        """What holds here; asks for the units above."""
        return resolve(self, {unit.pk: unit for unit in Unit.objects.filter(pk__in=self.ids)})


def resolve(unit: Unit, units: dict[int, Unit]) -> Policy:
    """The policy of `unit`, from it and the units above it, which are all in `units`."""
    chain = [units[pk] for pk in reversed(unit.ids)]
    return Policy(
        level=next((u.level for u in chain if u.level), DEFAULT_LEVEL),
        baseline=next((u.baseline for u in chain if u.baseline), DEFAULT_BASELINE),
        tailoring=next((u.tailoring for u in chain if u.tailoring), ""),
        interval_seconds=next((u.interval_seconds for u in chain if u.interval_seconds), DEFAULT_INTERVAL),
    )


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

    def reach(self, role: str | None = None) -> Q:
        """Condition on a Unit: it lies in a part of the tree where this person has that role (None: any role)."""
        return self.reach_of("path", role)

    def reach_of(self, path: str, role: str | None = None) -> Q:
        """The same on another model, whose unit's path is reached by `path` (such as `unit__path`)."""
        rows = self.memberships.all() if role is None else self.memberships.filter(role=role)
        prefixes = list(rows.values_list("unit__path", flat=True))
        condition = Q(pk__in=[])
        for prefix in prefixes:
            condition |= Q(**{f"{path}__startswith": prefix})
        return condition

    @property
    def administers(self) -> bool:
        """Is administrator of at least one unit."""
        return self.memberships.filter(role=Membership.ADMIN).exists()


class Membership(models.Model):
    """A person's role in a unit and everything below it."""

    ADMIN, VIEWER = "admin", "viewer"
    ROLES = [(ADMIN, _("administrator")), (VIEWER, _("viewer"))]

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=ROLES)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "unit"], name="one_role_per_unit")]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} of {self.unit}"
