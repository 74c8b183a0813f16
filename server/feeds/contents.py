"""Tables of what feeds say. Each row belongs to one generation of one feed (models.py), and whoever reads asks by those in force.

Versions are the publisher's text, compared by nobody here. Empty text and null: the publisher does not say.
"""

from __future__ import annotations

from typing import Final

from django.db import models

from server.feeds.codes import NOT_SAID, STATES, UNDETERMINED


class Content(models.Model):
    """A row of a generation. No constraint in the database: there are hundreds of thousands, written once."""

    generation = models.ForeignKey(
        "feeds.Generation", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )

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
