"""Which device answers, told by sysObjectID and sysDescr: the table snmp_identity.yaml, read strictly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

import yaml
from pydantic import Field, model_validator

from collectors.facts.base import Model
from collectors.model import Kind, Platform
from collectors.transports.base import Value

TABLE = Path(__file__).with_name("snmp_identity.yaml")


class Reader(Model):
    """One place where a value stands."""

    says: str | None = None
    oid: str | None = None
    match: str | None = None
    entity: str | None = Field(default=None, pattern="^(software|firmware|model|serial)$")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(part is not None for part in (self.says, self.oid, self.entity)) != 1:
            raise ValueError("one of says, oid, entity")
        for pattern in (self.says, self.match):
            if pattern is not None and re.compile(pattern).groups != 1:
                raise ValueError(f"{pattern}: needs one group")
        return self

    def read(self, descr: str, values: Mapping[str, Value], entity: Mapping[str, str]) -> str | None:
        if self.says is not None:
            found = re.search(self.says, descr)
            return found[1].strip() or None if found else None
        if self.entity is not None:
            return entity.get(self.entity)
        value = values.get(self.oid or "")
        said = text(value) if isinstance(value, bytes) else None
        if said and self.match is not None:
            found = re.search(self.match, said)
            return found[1] if found else None
        return said


class Entry(Model):
    """One line of the table; see its head."""

    os_id: str
    objects: tuple[str, ...] = ()
    says: str | None = None
    shows: str | None = None
    vendor: str | None
    platform: Platform = Platform.DEVICE
    name: str
    kind: Kind | tuple[tuple[str, Kind], ...] | None = None
    version: tuple[Reader, ...] = ()
    model: tuple[Reader, ...] = ()
    serial: tuple[Reader, ...] = ()

    @model_validator(mode="after")
    def _conditional(self) -> Self:
        if not (self.objects or self.shows):
            raise ValueError(f"{self.os_id}: text alone decides nothing: anybody can write it into an agent's configuration")
        return self

    def fits(self, object_id: str, descr: str, shown: Mapping[str, Value]) -> bool:
        return (
            (not self.objects or any(object_id == prefix or object_id.startswith(f"{prefix}.") for prefix in self.objects))
            and (self.says is None or re.search(self.says, descr) is not None)
            and (self.shows is None or self.shows in shown)
        )

    def kind_of(self, descr: str) -> Kind | None:
        if self.kind is None or isinstance(self.kind, Kind):
            return self.kind
        return next((kind for pattern, kind in self.kind if re.search(pattern, descr)), None)

    def oids(self) -> tuple[str, ...]:
        """What to ask beside, to read version, model and serial number."""
        readers = (*self.version, *self.model, *self.serial)
        return tuple(dict.fromkeys(reader.oid for reader in readers if reader.oid))


class Described(NamedTuple):
    """What the table makes of a device."""

    version: str | None
    model: str | None
    serial: str | None


@cache
def entries() -> tuple[Entry, ...]:
    # an OID of few numbers reads as a float: everything but null stays text here
    loader = yaml.BaseLoader
    return tuple(Entry.model_validate(_nulls(entry)) for entry in yaml.load(TABLE.read_text("utf-8"), Loader=loader))  # noqa: S506


def recognised(object_id: str, descr: str) -> Entry | None:
    """The entry that object and text decide; None where what the agent shows beside must tell, or nothing can."""
    return next((entry for entry in entries() if entry.shows is None and entry.fits(object_id, descr, {})), None)


def generic(object_id: str) -> bool:
    """The number is that of the agent's software, which many makers ship as it is."""
    return object_id.startswith("1.3.6.1.4.1.8072.3.")


def hints() -> tuple[str, ...]:
    """OIDs whose being there tells a maker."""
    return tuple(entry.shows for entry in entries() if entry.shows)


def shown(object_id: str, descr: str, values: Mapping[str, Value]) -> Entry | None:
    """The entry that what the agent shows decides."""
    return next((entry for entry in entries() if entry.shows and entry.fits(object_id, descr, values)), None)


def described(entry: Entry, descr: str, values: Mapping[str, Value], entity: Mapping[str, str]) -> Described:
    """Version, model and serial number, each from the first place that has it."""

    def first(readers: tuple[Reader, ...], *more: str) -> str | None:
        said = (reader.read(descr, values, entity) for reader in readers)
        return next((value for value in (*said, *(entity.get(field) for field in more)) if value), None)

    return Described(first(entry.version), first(entry.model, "model"), first(entry.serial, "serial"))


def text(value: Value | None) -> str | None:
    """An octet string as text, without the zeros and blanks that agents pad with; None when nothing is left.

    Bytes that are no UTF-8 are read as Latin-1: every agent that is not UTF-8 is far more likely that than garbage.
    """
    if not isinstance(value, bytes):
        return None
    raw = value.rstrip(b"\0").strip()
    try:
        said = raw.decode()
    except UnicodeDecodeError:
        said = raw.decode("latin-1")
    kept = "".join(_printable(said)).strip()
    return kept or None


def _printable(said: str) -> Iterator[str]:
    return (char if char.isprintable() or char == "\n" else " " if char in "\r\t" else "" for char in said)


def _nulls(entry: dict[str, object]) -> dict[str, object]:
    return {key: None if value == "null" else value for key, value in entry.items()}
