"""What feeds say, a generation at a time.

Every row of content (contents.py) belongs to one Generation of one Feed. A new import fills a generation of its own that nobody reads;
then `Feed.generation` is set to it, in one update, and that is the swap. Rows of old generations go afterwards, in slices.

So whoever reads asks by the generations in force, never by a feed's name:

    Affected.objects.filter(generation__in=in_force(), ecosystem="debian:12", package__in=sources)

and takes one snapshot of `in_force()` for one piece of work, so that all of it rests on the same data. Rows that were replaced
stay for a day (store.KEPT), so such a piece of work must not take longer.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.db import models
from django.utils import timezone

from server.feeds.contents import (
    CONTENT,
    Affected,
    AntivirusRelease,
    Content,
    EndOfLife,
    Exploited,
    Indicator,
    IndicatorList,
    Likelihood,
    NetworkAdvisory,
    NetworkRelease,
    Superseded,
    Vulnerability,
    Warning,
    WarningItem,
    WindowsBuild,
)
from server.feeds.parsers import KINDS

__all__ = [
    "CONTENT",
    "Affected",
    "AntivirusRelease",
    "Content",
    "EndOfLife",
    "Exploited",
    "Feed",
    "Generation",
    "Indicator",
    "IndicatorList",
    "Likelihood",
    "NetworkAdvisory",
    "NetworkRelease",
    "Superseded",
    "Trusted",
    "Vulnerability",
    "Warning",
    "WarningItem",
    "WindowsBuild",
    "in_force",
]


class Feed(models.Model):
    """One source and the generation of its data in force. Rows stay: a feed that no longer comes must show its age."""

    name = models.CharField(max_length=100, unique=True, help_text="debian · ubuntu · kev · epss · indicators/<number> ...")
    kind = models.CharField(max_length=20, help_text="The parser: a word of parsers.KINDS")
    publisher = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=200, blank=True)
    limit_days = models.PositiveSmallIntegerField(default=0, help_text="Older than this it carries no verdict; 0: does not age")
    generation = models.ForeignKey(
        "Generation", null=True, on_delete=models.SET_NULL, related_name="+", help_text="In force; null: never imported"
    )
    refused_at = models.DateTimeField(null=True, help_text="Newest import that was refused; null once one came in after it")
    refused = models.CharField(max_length=500, blank=True, help_text="Why, with the place in the file")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def limit(self) -> int:
        """Older than so many days it carries no verdict; 0: does not age. The stricter of what held at its import and what this
        program says: one that was shortened holds at once, one that was lengthened from the next import on."""
        kind = KINDS.get(self.kind)
        return min((days for days in (self.limit_days, kind.limit_days if kind else 0) if days), default=0)

    def age_days(self, today: date | None = None) -> int | None:
        """Days since its data were made; None while there are none."""
        if self.generation is None:
            return None
        return ((today or timezone.localdate()) - self.generation.data_date).days

    def is_old(self, today: date | None = None) -> bool:
        """Over its limit, or without data: what rests on it is unknown. A date in the future is no age either."""
        age = self.age_days(today)
        return age is None or age < -1 or (self.limit > 0 and age > self.limit)

    def carries_until(self) -> date | None:
        """Last day on which verdicts may rest on it; None: without end, or no data."""
        if self.generation is None or not self.limit:
            return None
        return self.generation.data_date + timedelta(days=self.limit)


class Generation(models.Model):
    """One import of one feed. Complete once it was in force; what a killed import left is not, and the next start removes it."""

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="generations")
    data_date = models.DateField(help_text="Day the publisher made the data, not the day they came here")
    imported_at = models.DateTimeField(default=timezone.now)
    complete = models.BooleanField(default=False)
    replaced_at = models.DateTimeField(
        null=True, help_text="Its rows stay a day longer: work that began with them is still reading"
    )
    bundle = models.PositiveIntegerField(default=0, help_text="Version of the bundle's signed list; 0: brought without a bundle")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file as published")
    parser = models.PositiveSmallIntegerField(
        default=0, help_text="Kind.number of the parser that read it; 0: before it was noted"
    )
    given = models.JSONField(default=dict, help_text="What was said beside the file: its columns, product, number ...")
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes of that file")
    records = models.PositiveIntegerField(default=0, help_text="Records in the file")
    rows = models.PositiveIntegerField(default=0, help_text="Rows made of them")
    left_out = models.PositiveIntegerField(default=0, help_text="Records of products rasoat does not look at")

    def __str__(self) -> str:
        return f"{self.feed_id} of {self.data_date}"


class Trusted(models.Model):
    """The newest signed list of each role of the bundle that was believed here. What is older than these is refused."""

    role = models.CharField(max_length=20, primary_key=True, help_text="root · timestamp · snapshot · targets")
    version = models.PositiveIntegerField()
    signed = models.BinaryField(help_text="The file as it came")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.role} {self.version}"


def in_force(*kinds: str) -> tuple[int, ...]:
    """Numbers of the generations in force, of all feeds or of those kinds."""
    feeds = Feed.objects.exclude(generation=None)
    if kinds:
        feeds = feeds.filter(kind__in=kinds)
    return tuple(feeds.order_by("generation").values_list("generation", flat=True))
