"""The file that describes an information system: zones, assets, and what people answer for.

    name: Cổng dịch vụ công
    level: 3
    zones:
      - {id: dmz, type: dmz, addresses: [192.0.2.0/25], routed_by: [fw-01]}
    assets:
      - {name: web-01, kind: server, zone: dmz, role: web, public: true}
    attestations:
      - {requirement: management.policy.issued, state: met, by: Nguyễn Văn A, role: Trưởng phòng, on: 2026-10-01, until: 2027-10-01, document: QĐ 12/QĐ-CNTT}

Every mistake comes with file:line. What stands here is a person's word: it may say what a machine cannot see, and never
takes back what a machine saw.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from baselines.model import Baseline, Text
from baselines.reading import BaselineError, Loc, Mistake, Reading
from baselines.tailoring import NotApplicable
from collectors.facts.base import Model
from collectors.facts.system_design import Role, ZoneType
from collectors.model import Kind, Platform

MAX_AGE_DAYS = 30
"""Snapshots older than this say nothing of today, unless the file says otherwise. A house default."""


def _network(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError as error:
        raise ValueError(f"not a network such as 192.0.2.0/24: {error}") from None


def _address(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        raise ValueError(f"{value!r} is not an address such as 192.0.2.10") from None


def _day(value: object) -> object:
    # a bare number would be read as seconds since 1970
    if not isinstance(value, date) and not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
        raise ValueError(f"{value!r} is not a day such as 2026-12-31")
    return value


Day = Annotated[date, BeforeValidator(_day)]
Word = Annotated[str, Field(min_length=1, max_length=253)]
Sentence = Annotated[str, Field(min_length=10, max_length=2000)]


class Zone(Model):
    """A zone of the network."""

    id: Word
    type: ZoneType
    title: Text | None = Field(default=None, description="What people call it; the type's own name when left out")
    addresses: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(default=(), description="Its networks")
    routed_by: tuple[Word, ...] | None = Field(
        default=None, description="Assets that route between it and other zones; [] when nothing does. Left out: not told"
    )


class Asset(Model):
    """A machine of the system. Its name is that of the target in its snapshots."""

    name: Word
    kind: Kind
    zone: Word
    platform: Platform | None = Field(default=None, description="Narrows what would be asked of a machine nobody reached")
    addresses: tuple[Annotated[str, AfterValidator(_address)], ...] = ()
    role: Role | None = Field(default=None, description="What it is there for")
    public: bool | None = Field(default=None, description="People outside reach it. Left out: not told")
    main: bool = Field(default=False, description="A main network device: the system leans on it")
    paired_with: tuple[Word, ...] | None = Field(
        default=None, description="Assets that run beside it and take over; [] when it stands alone. Left out: not told"
    )
    cold_spare: bool = Field(default=False, description="A spare lies ready, switched off")


class Line(Model):
    """A line to the Internet."""

    carrier: Word
    device: Word | None = Field(default=None, description="Asset it ends in")


class Attestation(Model):
    """A person's word on the part of a requirement that no machine decides. It never takes back what a machine saw."""

    requirement: str
    state: Literal["met", "partly", "not_met"]
    by: Word
    role: Word
    on: Day
    until: Day
    document: Word = Field(description="What it rests on: number and date of the decision, the minutes ...")
    level: int | None = Field(default=None, description="Highest level it speaks for; the system's own when left out")
    note: str = ""


class Waiver(Model):
    """A fail that is borne until a day, with what protects instead. An overlay: the machine's verdict stays visible."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", max_length=80)]
    requirement: str
    check: str | None = Field(default=None, description="Only this check; every check of the requirement when left out")
    assets: Annotated[tuple[Word, ...], Field(min_length=1)]
    type: Literal["compensating", "accepted"] = Field(description="Another measure does as much · the risk is borne for a time")
    measure: Sentence = Field(description="What protects instead")
    approved_by: Word
    second: Word = Field(description="Name of the second person who agreed; never the one who approved")
    on: Day = Field(description="From this day")
    until: Day
    level: int | None = Field(default=None, description="Highest level it was given for; the system's own when left out")


class Excuse(NotApplicable):
    """A person's word that a requirement does not apply to the system, or to some of its assets."""

    assets: tuple[Word, ...] = Field(default=(), description="Only these assets; all of those kinds when left out")


class Register(Model):
    """The whole file."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    level: Annotated[int, Field(ge=1, le=5)]
    baseline: Word = Field(default="tcvn_11930_2017", description="The pack its dossier cites")
    tailoring: Word | None = Field(default=None, description="File with its own thresholds, beside this one")
    max_age_days: Annotated[int, Field(ge=1, le=366)] = Field(
        default=MAX_AGE_DAYS, description="A snapshot older than this counts as unknown"
    )
    wireless: bool | None = Field(default=None, description="There is Wi-Fi in the system. Left out: not told")
    internet: tuple[Line, ...] | None = Field(default=None, description="Its lines to the Internet. Left out: not told")
    zones: Annotated[tuple[Zone, ...], Field(min_length=1)]
    assets: Annotated[tuple[Asset, ...], Field(min_length=1)]
    not_applicable: tuple[Excuse, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    waivers: tuple[Waiver, ...] = ()


@dataclass(frozen=True)
class System:
    """A register that is sound in itself; `problems` holds it against a pack."""

    register: Register
    text: str
    file: str = "system.yaml"
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.text.encode()).hexdigest())

    @classmethod
    def parse(cls, text: str, file: str = "system.yaml") -> System:
        """Raises BaselineError with every mistake as file:line."""
        reading = Reading({file: text})
        parsed = reading.parsed(file, text)
        register = None if reading.mistakes else reading.valid(Register, file, parsed, ())
        if register is not None:
            for at, message in _contradictions(register):
                reading.add(file, at, message)
        if register is None or reading.mistakes:
            raise BaselineError(reading.mistakes)
        return cls(register, text, file)

    def problems(self, baseline: Baseline) -> list[Mistake]:
        """Why it does not fit this pack, each with file:line: requirements, checks and levels the pack does not have."""
        found = Reading({self.file: self.text})
        register = self.register
        if register.level not in baseline.standard.levels:
            known = ", ".join(map(str, sorted(baseline.standard.levels)))
            found.add(self.file, ("level",), f"{baseline.id} has no level {register.level}; it has {known}")
        for part, words in (
            ("not_applicable", register.not_applicable),
            ("attestations", register.attestations),
            ("waivers", register.waivers),
        ):
            for index, word in enumerate(words):
                for key, message in unfit(word, baseline):
                    found.add(self.file, (part, index, key), message)
        return sorted(found.mistakes)


def unfit(word: Any, baseline: Baseline) -> Iterator[tuple[str, str]]:
    """(field, why) of what a person's word says that this pack does not have."""
    requirement = baseline.requirements.get(word.requirement)
    if requirement is None:
        hint = f"`rasoat baseline show {baseline.id}` lists those it has"
        yield "requirement", f"{baseline.id} has no requirement {word.requirement!r}; {hint}"
        return
    if isinstance(word, Waiver) and word.check is not None and word.check not in requirement.checks:
        known = ", ".join(requirement.checks) or "none"
        yield "check", f"{requirement.id} does not ask {word.check!r}; its checks: {known}"
    if isinstance(word, Excuse):
        for kind in word.kinds:
            if requirement.kinds and kind not in requirement.kinds:
                yield "kinds", f"{requirement.id} does not speak of the kind {kind}: leave it out"
    if isinstance(word, Attestation) and requirement.coverage == "automated":
        yield "requirement", f"{requirement.id} is decided by machine alone: an attestation says nothing there; a waiver may"


def _contradictions(register: Register) -> Iterator[tuple[Loc, str]]:
    """What does not go together inside the file."""
    names = {asset.name for asset in register.assets}
    zones = {zone.id for zone in register.zones}
    for part, ids in (
        ("zones", [zone.id for zone in register.zones]),
        ("assets", [asset.name for asset in register.assets]),
        ("waivers", [waiver.id for waiver in register.waivers]),
        ("attestations", [f"{one.requirement} of {one.on}" for one in register.attestations]),
    ):
        for index, name in enumerate(ids):
            if name in ids[:index]:
                yield (part, index), f"{name!r} stands twice"
    for index, zone in enumerate(register.zones):
        for name in zone.routed_by or ():
            if name not in names:
                yield ("zones", index, "routed_by"), f"{name!r} is no asset of this file"
        if zone.type == "wireless" and register.wireless is False:
            yield ("zones", index, "type"), "a wireless zone, but `wireless: false` says that there is no Wi-Fi"
    for index, asset in enumerate(register.assets):
        yield from _asset(asset, ("assets", index), register.name, names, zones)
    for index, line in enumerate(register.internet or ()):
        if line.device is not None and line.device not in names:
            yield ("internet", index, "device"), f"{line.device!r} is no asset of this file"
    told = [("waivers", index, waiver.assets) for index, waiver in enumerate(register.waivers)]
    told += [("not_applicable", index, excuse.assets) for index, excuse in enumerate(register.not_applicable)]
    for part, index, assets in told:
        for name in assets:
            if name not in names and name != register.name:
                yield (part, index, "assets"), f"{name!r} is no asset of this file"
    yield from _people(register)


def _asset(asset: Asset, at: Loc, system: str, names: set[str], zones: set[str]) -> Iterator[tuple[Loc, str]]:
    if asset.zone not in zones:
        yield (*at, "zone"), f"{asset.name}: {asset.zone!r} is no zone of this file; it has: {', '.join(sorted(zones))}"
    if asset.name == system:
        yield (*at, "name"), f"{asset.name!r} is the name of the whole system; give the machine its own"
    if asset.kind is Kind.SYSTEM:
        yield (*at, "kind"), f"{asset.name}: a system is no asset of itself; write the kind of the machine"
    for other in asset.paired_with or ():
        if other not in names or other == asset.name:
            yield (*at, "paired_with"), f"{asset.name}: {other!r} is no other asset of this file"


def _people(register: Register) -> Iterator[tuple[Loc, str]]:
    terms = [("attestations", index, one.on, one.until) for index, one in enumerate(register.attestations)]
    terms += [("waivers", index, one.on, one.until) for index, one in enumerate(register.waivers)]
    for part, index, begins, ends in terms:
        if ends < begins:
            yield (part, index, "until"), f"ends on {ends}, before it begins on {begins}"
    for index, waiver in enumerate(register.waivers):
        if waiver.second.strip().casefold() == waiver.approved_by.strip().casefold():
            yield (
                ("waivers", index, "second"),
                f"{waiver.id}: the second person is the one who approved; a waiver takes two people",
            )
