"""The treaty between LOOK, JUDGE, CARRY and KEEP: a Snapshot and what it is made of.

The same JSON travels on the wire, lies on disk and is kept in the database.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, cached_property
from importlib.metadata import version
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, Field, ValidationError
from pydantic_core import to_json

from collectors.facts import FACTS
from collectors.facts.base import Fact, Model, Outcome

F = TypeVar("F", bound=Fact)


class Kind(StrEnum):
    """What an asset *is*. Applicability uses only this and the platform, never what the asset has done right."""

    SERVER = "server"
    WORKSTATION = "workstation"
    ROUTER = "router"
    SWITCH = "switch"
    FIREWALL = "firewall"
    OTHER = "other"
    SYSTEM = "system"
    """No machine: an information system as a whole, as its register and its devices show it (baselines/systems)."""


MACHINES = tuple(kind for kind in Kind if kind is not Kind.SYSTEM)
"""What a machine can be."""


class Platform(StrEnum):
    """Which functions of the catalog can ask it."""

    DEBIAN = "debian"
    REDHAT = "redhat"
    SUSE = "suse"
    LINUX = "linux"
    WINDOWS = "windows"
    CISCO_IOS = "cisco_ios"
    CISCO_NXOS = "cisco_nxos"
    CISCO_ASA = "cisco_asa"
    JUNIPER_JUNOS = "juniper_junos"
    FORTINET_FORTIOS = "fortinet_fortios"
    PALOALTO_PANOS = "paloalto_panos"
    CHECKPOINT_GAIA = "checkpoint_gaia"
    HUAWEI_VRP = "huawei_vrp"
    HPE_COMWARE = "hpe_comware"
    ARUBA_AOSS = "aruba_aoss"
    ARUBA_AOSCX = "aruba_aoscx"
    MIKROTIK_ROUTEROS = "mikrotik_routeros"
    ARISTA_EOS = "arista_eos"
    DRAYTEK = "draytek"
    DEVICE = "device"
    """Some network device or printer, asked over SNMP alone."""
    OUTSIDE = "outside"
    """Whatever it is, seen from outside alone (discovery)."""


class Target(Model):
    """A machine to look at. Credentials are named here, never held."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    kind: Kind = Kind.SERVER
    platform: Platform | None = Field(default=None, description="None: found out by asking")
    via: Literal["local", "ssh", "winrm", "root", "replay", "nmap", "snmp", "register"] = "local"
    address: str | None = Field(default=None, description="Host name or address; a directory for via=root and via=replay")
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    credential: str | None = Field(
        default=None, description="Name of a credential; where the secret lies is the carrier's business"
    )
    labels: tuple[str, ...] = ()


class Source(Model):
    """Where a fact comes from, so that a reader can ask again by hand."""

    kind: Literal["command", "file", "call", "oid"]
    what: str = Field(description="The command line, the path, the library call, or the OID or table column of SNMP")
    status: int | None = Field(default=None, description="Exit status of a command; None for files and calls")
    sha256: str | None = Field(
        default=None, description="Digest of the answer as received; None when nothing came (absent, denied)"
    )
    at: AwareDatetime


class Record(Model):
    """One question and how it ended."""

    fact: str
    version: int = 1
    outcome: Outcome
    data: dict[str, Any] | None = Field(default=None, description="The fact as JSON, exactly when the outcome is `seen`")
    reason: str = Field(default="", description="A sentence for the reader when the outcome is not `seen`")
    sources: tuple[Source, ...] = ()

    def typed(self) -> Fact | None:
        """The fact in its own type; None unless it was seen.

        Raises ValueError when this program does not know the fact or only an older version of it, or when the data
        does not fit the type.
        """
        if self.outcome != "seen":
            return None
        cls = FACTS.get(self.fact)
        if cls is None or self.version > cls.VERSION:
            raise ValueError(f"{self.fact} version {self.version} is newer than this program")
        # strict, and through JSON, where a list may stand for a tuple and a text for a date, but not "5" for 5: rules
        # look at the data as it is, and what pydantic would kindly convert they would misjudge
        return cls.model_validate_json(to_json(self.data), strict=True)


class Snapshot(Model):
    """What was seen on one target at one time, what could not be seen, and where each came from."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
    target: Target
    collected_at: AwareDatetime
    seconds: Annotated[float, Field(ge=0)]
    collector: str = Field(description="Version of rasoat that looked")
    privileged: bool = Field(description="It could see what only root sees")
    records: tuple[Record, ...]
    digest: str = Field(
        description="sha256 over the facts that last (no times, no sources): equal digests mean none of them changed"
    )

    @cached_property
    def by_fact(self) -> dict[str, Record]:
        """Record of each fact; the last one wins where a fact stands twice."""
        return {record.fact: record for record in self.records}

    def told(self, cls: type[F]) -> F | None:
        """That fact in its own type; None where it was not seen, or is told in the words of a newer program."""
        record = self.by_fact.get(cls.NAME)
        try:
            fact = record.typed() if record else None
        except ValueError:
            return None
        return fact if isinstance(fact, cls) else None

    def holding(self, record: Record) -> Snapshot:
        """The same with this record, in place of its own of that fact: for facts that are made where it is kept."""
        records = (*(one for one in self.records if one.fact != record.fact), record)
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return Snapshot.model_construct(**given | {"records": records})

    def to_bytes(self) -> bytes:
        """The JSON that is signed, sent and kept: UTF-8, no spaces."""
        return self.model_dump_json(exclude_defaults=False).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Snapshot:
        """A snapshot from somewhere else: facts that do not fit their own type count as unparsable from here on.

        Rules look at the JSON as it is; an empty word where a list belongs would count as "nobody there" and pass.
        Raises ValueError, in words a person can act on, when the bytes are no snapshot.
        """
        try:
            snapshot = cls.model_validate_json(raw)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "document"
            more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
            raise ValueError(f"not a snapshot: {place}: {first['msg']}{more}") from None
        sound = tuple(map(_sound, snapshot.records))
        return snapshot if sound == snapshot.records else snapshot.model_copy(update={"records": sound})

    def problems(self) -> list[str]:
        """Facts this program does not understand, as `fact: why`: newer than it is, or not of their own type."""
        found = [f"{record.fact}: {record.reason}" for record in self.records if record.reason.startswith(MISFIT)]
        for record in self.records:
            cls = FACTS.get(record.fact)
            if cls is None or record.version > cls.VERSION:
                found.append(f"{record.fact}: version {record.version} is newer than this program")
        return found


MISFIT = "the fact does not fit its type"
NOT_ITS_OWN = f"{MISFIT}: no machine is asked for it, the collector alone makes it"


@cache
def facts_digest() -> str:
    """sha256 over the release and the types of all facts: while it stays the same, what was sound once still is."""
    types = {name: [cls.VERSION, cls.model_json_schema()] for name, cls in FACTS.items()}
    text = json.dumps([version("rasoat"), types], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _sound(record: Record) -> Record:
    cls = FACTS.get(record.fact)
    if cls is not None and cls.AT_CENTRE:
        return record.model_copy(update={"outcome": "unparsable", "data": None, "reason": NOT_ITS_OWN})
    try:
        record.typed()
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        reason = f"{MISFIT}: {place}: {first['msg']}"
        return record.model_copy(update={"outcome": "unparsable", "data": None, "reason": reason})
    except ValueError:  # newer than this program: whoever judges sees that by the version
        pass
    return record


def digest_of(records: tuple[Record, ...]) -> str:
    """sha256 over fact, version, outcome and data of each record; independent of order, times and sources, and of facts that
    are of the moment: whoever reads again only what changed would else read every report."""
    lasting = (r for r in records if r.fact not in FACTS or not FACTS[r.fact].MOMENT)
    rows: list[Any] = sorted(([r.fact, r.version, r.outcome, r.data] for r in lasting), key=lambda row: str(row[0]))
    text = json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def new_id(now: float | None = None) -> str:
    """A UUID of version 7 (RFC 9562): sorts by time, so a spool sends oldest first by name alone."""
    millis = int((time.time() if now is None else now) * 1000) & ((1 << 48) - 1)
    rand = int.from_bytes(os.urandom(10), "big")
    value = millis << 80 | 0x7 << 76 | (rand >> 68 & 0xFFF) << 64 | 0b10 << 62 | rand & ((1 << 62) - 1)
    return str(uuid.UUID(int=value))


def utcnow() -> datetime:
    """Now, UTC, whole seconds: finer would only make equal scans look different."""
    return datetime.now(UTC).replace(microsecond=0)
