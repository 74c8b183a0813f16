"""What feeds say, a generation at a time.

Every row of content belongs to one Generation of one Feed. A new import fills a generation of its own that nobody reads;
then `Feed.generation` is set to it, in one update, and that is the swap. Rows of old generations go afterwards, in slices.

So whoever reads asks by the generations in force, never by a feed's name:

    Affected.objects.filter(generation__in=in_force(), ecosystem="debian:12", package__in=sources)

and takes one snapshot of `in_force()` for one piece of work, so that all of it rests on the same data. Rows that were replaced
stay for a day (store.KEPT), so such a piece of work must not take longer.
Versions are the publisher's text, compared by nobody here. Empty text and null: the publisher does not say.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from django.db import models
from django.utils import timezone

from server.feeds.codes import NOT_SAID, STATES, UNDETERMINED
from server.feeds.parsers import KINDS


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


class Content(models.Model):
    """A row of a generation. No constraint in the database: there are hundreds of thousands, written once."""

    generation = models.ForeignKey(Generation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")

    class Meta:
        abstract = True


class Vulnerability(Content):
    """A vulnerability as one feed describes it. Two feeds may both have a row for one CVE, each with its vendor's severity.

    `identifier` is the CVE where there is one, else the publisher's own number.
    """

    identifier = models.CharField(max_length=60)
    title = models.CharField(max_length=300, blank=True)
    severity = models.PositiveSmallIntegerField(default=NOT_SAID, help_text="4 critical ... 1 low; 0: not said")

    class Meta:
        indexes = [
            models.Index(fields=["identifier", "generation"], name="vulnerability_found"),
            models.Index(fields=["generation"], name="vulnerability_of"),
        ]

    def __str__(self) -> str:
        return self.identifier


class Exploited(Content):
    """A CVE known to be exploited (CISA KEV)."""

    identifier = models.CharField(max_length=60)
    added = models.DateField()
    due = models.DateField(null=True)
    ransomware = models.BooleanField(null=True, help_text="null: not known to be used so, which is not the same as no")
    name = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["generation", "identifier"], name="exploited_found")]

    def __str__(self) -> str:
        return self.identifier


class Likelihood(Content):
    """EPSS of a CVE: probability of exploitation within 30 days, and its rank among all, both 0 to 1."""

    identifier = models.CharField(max_length=60)
    epss = models.FloatField()
    percentile = models.FloatField()

    class Meta:
        indexes = [models.Index(fields=["generation", "identifier"], name="likelihood_found")]

    def __str__(self) -> str:
        return self.identifier


class Affected(Content):
    """What a publisher says of one package and one vulnerability. Several rows: several ranges, each judged alone.

    ecosystem  debian:12 · ubuntu:22.04 · rhel:9 · rhel:9.4-eus · rocky:9 · almalinux:9 · windows:26100:server (build and
               client/server, since the same build has two series)
    package    the SOURCE package of deb systems; the binary name of rpm systems; "windows"
    module     stream of a module, nodejs:18; empty: no module
    fixed_version, introduced   the ecosystem's own versions. FIXED: vulnerable from `introduced` (empty: from the first on)
               up to, not with, `fixed_version`. Windows: 26100.4061, which is build.UBR
    urgency    the publisher's own word (Debian: unimportant, low ...; unimportant is no vulnerability in Debian's view)
    needs      what one must have to get the fix: esm, fips ...; empty: nothing
    note       why, in the publisher's words: ignored, postponed, no_dsa, no_fix_planned ...
    advisory   DSA-..., USN-..., RHSA-..., KB...
    """

    ecosystem = models.CharField(max_length=40)
    package = models.CharField(max_length=120)
    module = models.CharField(max_length=60, blank=True)
    identifier = models.CharField(max_length=60)
    state = models.PositiveSmallIntegerField(default=UNDETERMINED, help_text="codes.STATES")
    fixed_version = models.CharField(max_length=120, blank=True)
    introduced = models.CharField(max_length=120, blank=True)
    urgency = models.CharField(max_length=24, blank=True)
    needs = models.CharField(max_length=24, blank=True)
    note = models.CharField(max_length=120, blank=True)
    advisory = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["generation", "ecosystem", "package"], name="affected_package"),
            models.Index(fields=["identifier"], name="affected_vulnerability"),
        ]

    def __str__(self) -> str:
        return f"{self.ecosystem} {self.package} {self.identifier}: {STATES[self.state]}"


class EndOfLife(Content):
    """Until when a release of a product is looked after. `product` and `cycle` are words of os-release: debian 12.

    A null date beside `ended`: the publisher says only that it is over (true) or is not (false).
    """

    product = models.CharField(max_length=60)
    cycle = models.CharField(max_length=60)
    codename = models.CharField(max_length=60, blank=True)
    released = models.DateField(null=True)
    support_ends = models.DateField(null=True, help_text="Last day of changes of any kind")
    security_ends = models.DateField(null=True, help_text="Last day of security fixes for everybody")
    extended_ends = models.DateField(null=True, help_text="Last day of fixes that need a contract or a group of volunteers")
    extended_by = models.CharField(max_length=20, blank=True, help_text="lts · esm ...")
    ended = models.BooleanField(null=True)

    class Meta:
        indexes = [models.Index(fields=["generation", "product", "cycle"], name="end_of_life_found")]

    def __str__(self) -> str:
        return f"{self.product} {self.cycle}"


class WindowsBuild(Content):
    """One cumulative update of one series: whoever has this UBR or a higher one has all fixes up to `released`.

    `series` is client or server: 26100 is both, with other numbers. The CVEs it mends are rows of Affected, `advisory` its KB.
    Builds without numbered rollups (9600) have ubr null: only the KB counts.
    """

    build = models.PositiveIntegerField()
    series = models.CharField(max_length=10)
    ubr = models.PositiveIntegerField(null=True)
    kb = models.CharField(max_length=20, help_text="KB5058411")
    released = models.DateField()
    security = models.BooleanField(null=True, help_text="false: a preview or a fix out of turn, without security fixes")

    class Meta:
        indexes = [models.Index(fields=["generation", "build", "series"], name="windows_build_found")]

    def __str__(self) -> str:
        return f"{self.build}.{self.ubr} {self.kb}"


class Superseded(Content):
    """`by` holds everything `kb` does: a machine with `by` does not need `kb`. Chains are followed by who reads."""

    kb = models.CharField(max_length=20)
    by = models.CharField(max_length=20)

    class Meta:
        indexes = [models.Index(fields=["generation", "kb"], name="superseded_found")]

    def __str__(self) -> str:
        return f"{self.kb} by {self.by}"


class NetworkRelease(Content):
    """A train of a network system, as collectors/devices/releases.yaml says it (same file form, same words)."""

    os = models.CharField(max_length=30, help_text="A word of collectors.model.Platform")
    train = models.CharField(max_length=60)
    support_ends = models.DateField(null=True)
    sale_ends = models.DateField(null=True)
    covers = models.CharField(max_length=10, help_text="all · exploited · some: how whole its list of advisories is")

    class Meta:
        indexes = [models.Index(fields=["generation", "os", "train"], name="network_release_found")]

    def __str__(self) -> str:
        return f"{self.os} {self.train}"


class NetworkAdvisory(Content):
    """One advisory as it concerns one train; the columns are those of collectors.devices.releases.Advisory."""

    os = models.CharField(max_length=30)
    train = models.CharField(max_length=60)
    identifier = models.CharField(max_length=60)
    severity = models.PositiveSmallIntegerField(default=NOT_SAID)
    exploited = models.BooleanField(default=False)
    since = models.CharField(max_length=60, blank=True, help_text="First release named; empty: from the train's first on")
    fixed = models.CharField(max_length=60, blank=True, help_text="First release mended for good; empty: none in this train")
    also = models.CharField(max_length=300, blank=True, help_text="Rebuilds of earlier releases that are mended, by spaces")
    condition = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["generation", "os", "train"], name="network_advisory_found")]

    def __str__(self) -> str:
        return f"{self.os} {self.train} {self.identifier}"


class AntivirusRelease(Content):
    """What is current of an antivirus product. `product` is an id of collectors/facts/antivirus.yaml."""

    product = models.CharField(max_length=60)
    version = models.CharField(max_length=60, blank=True)
    engine = models.CharField(max_length=60, blank=True)
    signature_version = models.CharField(max_length=60, blank=True)
    signature_date = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["generation", "product"], name="antivirus_found")]

    def __str__(self) -> str:
        return f"{self.product} {self.version}"


class IndicatorList(Content):
    """A list of indicators, by its number and date. Each list is a feed of its own, so a new one does not push out an old one."""

    number = models.CharField(max_length=100)
    dated = models.DateField()
    issuer = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["generation"], name="indicator_list_of")]

    def __str__(self) -> str:
        return self.number


class Indicator(Content):
    """`kind`: ip (also a network, 203.0.113.0/24) · domain · url · md5 · sha1 · sha256 · process. Values are lower case, not defanged."""

    kind = models.CharField(max_length=10)
    value = models.CharField(max_length=500)
    note = models.CharField(max_length=200, blank=True)
    line = models.PositiveIntegerField(help_text="Line or record of the list it stands in")

    class Meta:
        indexes = [
            models.Index(fields=["generation", "kind"], name="indicator_of"),
            models.Index(fields=["kind", "value"], name="indicator_found"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class Warning(Content):
    """A warning by letter. Each letter is a feed of its own (warnings/<number>)."""

    number = models.CharField(max_length=100)
    dated = models.DateField()
    issuer = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["generation"], name="warning_of")]

    def __str__(self) -> str:
        return self.number


class WarningItem(Content):
    """One line of a letter, in its own words; `version` may be a sentence. An empty column: the letter does not say."""

    line = models.PositiveIntegerField()
    cve = models.CharField(max_length=60, blank=True)
    product = models.CharField(max_length=300, blank=True)
    version = models.CharField(max_length=300, blank=True)
    fixed_version = models.CharField(max_length=120, blank=True)
    kb = models.CharField(max_length=60, blank=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["generation", "line"], name="warning_item_of"),
            models.Index(fields=["cve"], name="warning_item_cve"),
        ]

    def __str__(self) -> str:
        return f"{self.line}: {self.cve or self.product}"


CONTENT: Final[tuple[type[Content], ...]] = (
    Vulnerability,
    Exploited,
    Likelihood,
    Affected,
    EndOfLife,
    WindowsBuild,
    Superseded,
    NetworkRelease,
    NetworkAdvisory,
    AntivirusRelease,
    IndicatorList,
    Indicator,
    Warning,
    WarningItem,
)
"""Every table of content."""
