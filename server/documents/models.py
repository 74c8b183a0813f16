"""What a unit's papers have in common (its letterhead), and the papers that were made: each issue frozen as it was."""

from __future__ import annotations

import zlib
from typing import ClassVar

from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.documents.kinds import KINDS
from server.documents.report import Report
from server.units.models import Unit, User
from server.units.rights import SEE
from server.units.scope import Scoped

OPERATOR, ABOVE, INDEPENDENT = "operator", "above", "independent"
RELATIONS = [
    (OPERATOR, _("it operates the systems itself")),
    (ABOVE, _("a unit above the operator")),
    (INDEPENDENT, _("independent of the operator")),
]


class Letterhead(models.Model):
    """Organisation data of a unit. What is empty is taken from the unit above, but for `OWN`: whoever signs, signs for one body."""

    REACHED_BY = "unit__path"

    OWN = (
        "above", "issuer", "authority", "signer_title", "signer_name", "functions", "representative", "representative_title",
        "address", "phone", "email",
    )  # fmt: skip

    unit = models.OneToOneField(Unit, on_delete=models.CASCADE, related_name="letterhead")
    through_above = models.BooleanField(default=False, help_text="It issues no papers of its own: the unit above does")
    above = models.CharField(max_length=400, blank=True, help_text="Lines; empty: the name of the unit above")
    issuer = models.CharField(max_length=400, blank=True, help_text="Lines; empty: its own name")
    abbreviation = models.CharField(max_length=40, blank=True, help_text="In numbers of papers, such as BHXH")
    drafting = models.CharField(max_length=40, blank=True, help_text="Of the unit that drafts, such as CNTT")
    letter_pattern = models.CharField(max_length=80, blank=True, help_text="/{abbreviation}-{drafting}")
    paper_pattern = models.CharField(max_length=80, blank=True, help_text="/{type}-{abbreviation}")
    place = models.CharField(max_length=100, blank=True)
    addressees = models.CharField(max_length=1000, blank=True, help_text="Lines; empty: who issued the letter")
    receivers = models.CharField(max_length=2000, blank=True, help_text="Lines of Nơi nhận")
    authority = models.CharField(max_length=400, blank=True, help_text="Lines over the signer's title, such as KT. GIÁM ĐỐC")
    signer_title = models.CharField(max_length=200, blank=True)
    signer_name = models.CharField(max_length=200, blank=True)
    contacts = models.JSONField(default=list, help_text="[{name, email, phones}]")
    wording = models.CharField(max_length=20, blank=True, help_text="Of texts/wording.yaml")
    internal = models.BooleanField(null=True, help_text="LƯU HÀNH NỘI BỘ stands on its papers; null: as above")
    scanned_by = models.CharField(max_length=300, blank=True)
    relation = models.CharField(max_length=20, choices=RELATIONS, blank=True, help_text="Of that body to the operator")
    functions = models.CharField(max_length=600, blank=True, help_text="The decision on its functions and powers")
    representative = models.CharField(max_length=200, blank=True)
    representative_title = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=300, blank=True)
    phone = models.CharField(max_length=100, blank=True)
    email = models.CharField(max_length=200, blank=True)
    version = models.PositiveIntegerField(default=1, help_text="Counts savings: who saves over an older one is told")
    changed_by = models.CharField(max_length=200)
    changed_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[Scoped[Letterhead]] = Scoped()

    def __str__(self) -> str:
        return f"{self.unit_id}"


class Documents(Scoped["Document"]):
    def told(self, user: User, action: str = SEE) -> models.QuerySet[Document]:
        """With what is to be known of the newest issue of each: last_prepared, last_reviewed_at."""
        newest = Issue.objects.filter(document=OuterRef("pk")).order_by("-number")
        told = {f"last_{name}": Subquery(newest.values(name)[:1]) for name in ("prepared", "reviewed_at")}
        return self.visible_to(user, action).annotate(**told)

    def waiting(self, user: User, action: str = SEE) -> models.QuerySet[Document]:
        """Whose newest issue the collector prepared, and nobody has reviewed."""
        return self.told(user, action).filter(Q(last_prepared=True, last_reviewed_at__isnull=True))


class Document(models.Model):
    """A paper about one thing, for one unit, through all its issues."""

    REACHED_BY = "unit__path"

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=20, choices=KINDS)
    about = models.CharField(max_length=60, help_text="campaign:12 · system:5:tcvn_14423_2026:3 · unit:7:2026-Q3")
    title = models.CharField(max_length=300)
    answers = models.JSONField(default=dict, help_text="Blank -> what a person wrote there; goes into the next issue")
    made_by = models.CharField(max_length=200)
    made_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[Documents] = Documents()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["unit", "kind", "about"], name="one_document_of_a_thing")]

    def __str__(self) -> str:
        return self.title


class Issue(models.Model):
    """One making of it. Files are written from `packed` whenever they are asked for; what it says changes no more."""

    REACHED_BY = "document__unit__path"

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="issues")
    number = models.PositiveIntegerField()
    made_by = models.CharField(max_length=200)
    made_at = models.DateTimeField(default=timezone.now)
    sha256 = models.CharField(max_length=64, help_text="Of the report")
    blanks = models.PositiveIntegerField(help_text="Places that a person fills in before it is signed")
    provisional = models.BooleanField(help_text="What it rests on could still change")
    packed = models.BinaryField(help_text="The report: zlib of its JSON")
    prepared = models.BooleanField(default=False, help_text="By the collector on its day; a draft until somebody reviews it")
    reviewed_by = models.CharField(max_length=200, blank=True)
    reviewed_at = models.DateTimeField(null=True)

    objects: ClassVar[Scoped[Issue]] = Scoped()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["document", "number"], name="issue_number_once")]

    def __str__(self) -> str:
        return f"{self.document_id}/{self.number}"

    @property
    def waits(self) -> bool:
        """A draft that nobody has reviewed."""
        return self.prepared and self.reviewed_at is None

    @property
    def report(self) -> Report:
        return Report.model_validate_json(zlib.decompress(bytes(self.packed)))

    @staticmethod
    def pack(report: Report) -> bytes:
        return zlib.compress(report.model_dump_json().encode(), 6)


class Routine(models.Model):
    """A paper that is prepared for a unit after each of its times (kinds.PREPARED)."""

    REACHED_BY = "unit__path"

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="routines")
    kind = models.CharField(max_length=20, choices=KINDS)
    made_by = models.CharField(max_length=200)
    made_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[Scoped[Routine]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "kind"], name="one_routine_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.kind}"


class Due(models.Model):
    """What became of such a paper for one of its times. It outlives the routine: once prepared is prepared."""

    REACHED_BY = "unit__path"

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20, choices=KINDS)
    span = models.CharField(max_length=10, help_text="2026-11; also of a paper of how things stand at its end")
    about = models.CharField(max_length=60, help_text="Document.about")
    falls_at = models.DateTimeField(help_text="The first moment at which it could be made")
    made_at = models.DateTimeField(null=True, help_text="Null: it is not there yet")
    tried_on = models.DateField(null=True, help_text="The last day on which it could not be made")
    problem = models.TextField(blank=True, help_text="Why, as said then")

    objects: ClassVar[Scoped[Due]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "kind", "span"], name="due_once")]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.kind} {self.span}"
