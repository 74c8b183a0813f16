"""What a bundle holds: the names of its members, and what each of them says.

README.html                    for people: what it is, and how to check it by hand
reports/…                      what was handed in with it, as it came
machines.jsonl                 one line per machine: whose snapshot, judged by what, with which verdicts
snapshots/<id>                 header line, newline, snapshot: the bytes that the host signed
signatures/<id>.message .sig   what its signature is over, and the signature: for checking by hand
hosts.jsonl, keys/<agent>.pem  enrolment records, and the public keys by themselves
packs/<digest>/…               the texts it was judged by; tailorings/<digest>.yaml the stricter values
centre/<sha256>.json           facts that only the collector makes; feeds.json the data they rest on
waivers.jsonl, attestations.jsonl, attachments/<sha256>     people's words with their files
campaign.json, campaign.jsonl  the account of a campaign
coverage.json                  how many should be there, and by name who is not
journal.jsonl                  rows of the audit trail, each with the digest of the row before
manifest.json                  what was asked, by whom, when, and every member above with its sha256
SHA256SUMS                     the same for `sha256sum -c`, the manifest included: this is what is signed
seal/…                         signature and public keys of the collector; a time stamp where one is configured
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import date as Day
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from collectors.facts.base import Model
from collectors.model import Kind

FORM = "evidence 1"
HEAD = "# rasoat evidence bundle 1"
"""How SHA256SUMS begins; `sha256sum -c` passes over it. Nothing else that the collector's key signs begins so."""
MANIFEST, SUMS, README = "manifest.json", "SHA256SUMS", "README.html"
MACHINES, HOSTS, JOURNAL = "machines.jsonl", "hosts.jsonl", "journal.jsonl"
WAIVERS, ATTESTATIONS = "waivers.jsonl", "attestations.jsonl"
COVERAGE, FEEDS, CAMPAIGN, ROWS = "coverage.json", "feeds.json", "campaign.json", "campaign.jsonl"
PEM, KEYS, SIGNATURE = "seal/collector.pem", "seal/keys.bin", "seal/signature.bin"
STAMP = "seal/timestamp.tsr"
SEAL = (PEM, KEYS, SIGNATURE, STAMP)
"""Members that no list of digests can name: they are made from it."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,119}){0,4}")
MOST_MACHINES = 12_500
"""Of one bundle: five members each (snapshot, message, signature, key, a fact of the centre), and a ZIP without extensions names
65,534. The rest is for packs and people's files."""
MAX_JSON = 64 * 1024 * 1024
MAX_LINE = 8 * 1024 * 1024

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
NoDigest = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,254}$")]
Way = Annotated[str, Field(pattern=r"^/([0-9]{1,18}/)+$")]
"""Numbers of units from the root down."""
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class Member(Model):
    """One member and its digest."""

    name: Name
    size: Annotated[int, Field(ge=0)]
    sha256: Digest


class Report(Model):
    """A file that was handed in."""

    member: Name
    title: str = Field(description="What it was called")
    signed: bool = Field(default=False, description="The collector put its PAdES signature on it")


class Scope(Model):
    """What the bundle speaks of."""

    kind: Literal["unit", "campaign", "system"]
    name: str
    unit: str = Field(description="Names from the root down, with / between")
    path: Way = Field(description="The same by numbers: /1/4/")
    number: str = Field(default="", description="Code of the unit, number of the letter")


class Manifest(Model):
    """What was asked, by whom, when, and what is inside."""

    rasoat: Literal["evidence 1"]
    id: Uuid
    made_at: AwareDatetime
    day: Day = Field(description="The collector's own day: terms of waivers are days")
    made_by: str
    program: str = Field(description="Version of rasoat")
    programs: dict[str, str] = Field(default={}, description="Versions of what it runs on")
    scope: Scope
    collector: str = Field(description="Fingerprint of the keys it is sealed with")
    reports: tuple[Report, ...] = ()
    counts: dict[str, int]
    left_out: tuple[str, ...] = Field(default=(), description="What should be in it and is not, each with its reason")
    journal_until: int = Field(description="Number of the newest row of the whole journal")
    journal_digest: NoDigest = Field(description="Its digest")
    members: tuple[Member, ...]


class Verdicts(Model):
    """How a snapshot was judged, and with what."""

    baseline: str
    version: str
    digest: Digest
    tailoring: NoDigest
    level: Annotated[int, Field(ge=1, le=5)]
    kind: Kind
    centre: NoDigest = Field(description="sha256 of the member with the fact made at the centre; empty: none was laid in")
    judged_at: AwareDatetime
    results: tuple[tuple[str, str, str | None, str], ...] = Field(description="requirement, clause, check, verdict")
    borne: dict[str, tuple[int, ...]] = Field(default={}, description="Check that fails -> waivers that bear it")


class MachineLine(Model):
    """A machine and the snapshot it is known by."""

    machine: int
    name: str
    unit: str
    path: Way
    own: bool = Field(description="Its agent runs on it")
    moment: Literal["now", "start"] = Field(default="now", description="start: as a campaign found it")
    agent: Uuid
    snapshot: Uuid
    sha256: Digest = Field(description="Of header line, newline and snapshot")
    received_at: AwareDatetime
    judged: Verdicts | None
    why: str = Field(default="", description="Why it carries no verdicts")

    @property
    def member(self) -> str:
        return f"snapshots/{self.snapshot}"


class Host(Model):
    """An enrolment record: whose key that is, as the collector knows it."""

    agent: Uuid
    name: str
    path: Way
    public_key: str = Field(description="base64 of 32 raw bytes, Ed25519")
    enrolled_at: AwareDatetime
    token: str = Field(description="Public part of the token it came in by; empty: no longer known")
    waiting: bool
    revoked_at: AwareDatetime | None

    @property
    def key(self) -> bytes:
        """Raises ValueError."""
        return base64.b64decode(self.public_key, validate=True)


class Asked(Model):
    """The request that two people decided, as far as its digest binds it."""

    id: int
    kind: str
    subject: str
    payload: dict[str, Any]
    reason: str
    attachment: NoDigest
    asked_by_id: int
    asked_by: str
    decided_by: str
    decided_at: AwareDatetime | None
    alone: bool
    digest: Digest

    def seal(self) -> str:
        """As server/approvals/models.py makes it."""
        bound = [self.kind, self.subject, self.payload, self.reason, self.attachment, self.asked_by_id]
        return hashlib.sha256(json.dumps(bound, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()


class Word(Model):
    """What a waiver and an attestation have in common."""

    id: int
    baseline: str
    requirement: str
    level: int
    document: str
    file: NoDigest
    file_name: str
    on: Day
    until: Day
    ended_at: AwareDatetime | None
    ended_by: str
    unit: str
    path: Way
    system: str

    @property
    def unit_number(self) -> int:
        """Stays when a unit is moved; its path does not."""
        return last_of(self.path)


class WaiverLine(Word):
    """A fail that is borne for a time."""

    check: str
    type: Literal["compensating", "accepted"]
    reason: str
    measure: str
    whole: bool
    machines: tuple[int, ...]
    names: tuple[str, ...]
    asked_by: str
    approved_by: str
    request: Asked


class AttestationLine(Word):
    """A person's word on what no machine decides."""

    machine: int | None
    state: Literal["met", "partly", "not_met"]
    by: str
    role: str
    note: str
    said_at: AwareDatetime

    def seal(self) -> str:
        """As the row of the journal that tells of it names it."""
        return word_digest(self.model_dump(mode="json"))


class Missing(Model):
    """Somebody who is not among the snapshots, by name."""

    name: str
    unit: str
    why: str


class Coverage(Model):
    """How far the bundle reaches: four numbers and the names behind the gaps between them."""

    at: AwareDatetime
    expected: int
    seen: int
    fresh: int
    judged: int
    excused: int
    missing: tuple[Missing, ...]


class FeedLine(Model):
    """Data of a publisher, as they stood when the bundle was made."""

    name: str
    kind: str
    publisher: str
    data_date: Day | None
    sha256: str
    limit_days: int
    old: bool


class CampaignRow(Model):
    """A machine in the account of a campaign."""

    row: int
    unit: str
    name: str
    machine: int | None
    state: str
    why: str
    before: str
    before_checks: dict[str, str]
    before_snapshot: str
    checks: dict[str, str]
    snapshot: str


class Campaign(Model):
    """The account of a campaign: what was asked, and the numbers its rows add up to."""

    number: str
    date: Day
    subject: str
    issuer: str
    deadline: Day
    state: str
    started_at: AwareDatetime | None
    looked_at: AwareDatetime | None
    sealed_at: AwareDatetime | None
    checks: tuple[str, ...]
    states: dict[str, int]
    ground: dict[str, Any]


class JournalRow(Model):
    """A row of the audit trail with the digest of the one before it."""

    id: Annotated[int, Field(ge=1)]
    at: str
    action: str
    actor: str
    unit_path: str
    subject: str
    detail: dict[str, Any]
    address: str
    previous: NoDigest
    digest: Digest


def dumps(document: Any) -> bytes:
    """JSON as bundles hold it: one spelling for one content."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def loads(raw: bytes) -> Any:
    """JSON that means the same to everybody: UTF-8, no key twice, no NaN. Raises ValueError."""
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


_SAID = (
    "baseline",
    "requirement",
    "level",
    "state",
    "by",
    "role",
    "document",
    "file",
    "on",
    "until",
    "machine",
    "system",
    "note",
)


def word_digest(said: dict[str, Any]) -> str:
    """sha256 over what an attestation says; days as text."""
    return hashlib.sha256(json.dumps([said[name] for name in _SAID]).encode()).hexdigest()


def last_of(path: str) -> int:
    """Number of the unit that a path leads to; 0: none."""
    last = path.rstrip("/").rpartition("/")[2]
    return int(last) if last.isascii() and last.isdigit() and len(last) < 19 else 0


def sums(head: str, members: dict[str, str]) -> bytes:
    """SHA256SUMS of member -> digest."""
    return "".join([f"{head}\n", *(f"{digest}  {name}\n" for name, digest in sorted(members.items()))]).encode()


def head_of(identity: str, made_at: str) -> str:
    return f"{HEAD} {identity} {made_at}"
