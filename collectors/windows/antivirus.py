"""Protection against malware on Windows.

Four witnesses: the Security Center (clients only; what a product says of itself), Defender's own status, services, and the
list of installed programs. A registration in the Security Center outlives a bad uninstall: it counts as installed only when
a second witness (its service, its program file, the list of programs) agrees.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import yaml

from collectors.errors import CollectError, Denied, Unparsable, Unsupported
from collectors.facts.antivirus import Antivirus, AntivirusProduct
from collectors.facts.base import Gaps, Model, once
from collectors.transports.base import Shell
from collectors.windows.antivirus_readers import READERS, Vendor
from collectors.windows.document import Document, Section, document
from collectors.windows.registry import Registry
from collectors.windows.services import WindowsService, matching, services

T = TypeVar("T")

DEFENDER: Final = "microsoft-defender"
NEVER: Final = 0xFFFFFFFF
_ON, _OFF = frozenset({1}), frozenset({0, 2, 3})
_MODES = frozenset({"Normal", "Passive Mode", "EDR Block Mode", "SxS Passive Mode", "Not running", "EDR Blocked"})
_DEFENDER_NAMES = ("windows defender", "microsoft defender")


class Probe(Model):
    """How one product is recognised: an entry of antivirus.yaml, whose head explains the fields."""

    id: str
    name: str = ""
    services: tuple[str, ...] = ()
    software: tuple[str, ...] = ()
    centre: tuple[str, ...] = ()
    reader: str = "none"
    signatures: str = ""


class Registered(NamedTuple):
    """One product in the Security Center, its state taken apart."""

    name: str
    on: bool | None
    """None: a state nobody has documented."""
    up_to_date: bool
    microsoft: bool
    file_exists: bool | None


class _Row(NamedTuple):
    product: AntivirusProduct
    reasons: dict[str, CollectError]


@cache
def probes() -> tuple[tuple[Probe, ...], tuple[Probe, ...]]:
    """(products, integrity tools)."""
    text = (Path(__file__).parent / "antivirus.yaml").read_text("utf-8")
    loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (safe)
    both = ([Probe.model_validate(row, strict=False) for row in loaded[name]] for name in ("products", "integrity_tools"))
    products, tools = map(tuple, both)
    return products, tools


def decoded(state: int) -> tuple[bool | None, bool, bool]:
    """(on, signatures up to date, Microsoft's) of productState.

    Never documented by Microsoft; by what thousands of machines show: bits 12 to 15 are 0 off, 1 on, 2 snoozed, 3 expired.
    Looking at 0x1000 alone would take an expired product for one that is on.
    """
    if not 0 <= state <= 0xFFFFFFFF:
        raise Unparsable(f"productState {state} is out of range")
    kind = state >> 12 & 0xF
    on = True if kind in _ON else False if kind in _OFF else None
    return on, not state & 0x00F0, state & 0x0F00 == 0x0100


def antivirus(shell: Shell) -> Antivirus:
    answers = document(shell)
    gaps = Gaps()
    known = once(lambda: services(answers))
    registry = Registry(answers)
    products, tools = probes()
    integrity = gaps.attempt("integrity_tools", lambda: tuple(tool.id for tool in tools if matching(known(), tool.services)))
    centre = once(lambda: _registered(answers))
    software = once(lambda: _software(answers))
    found = gaps.attempt("products", lambda: _found(products, known, centre, software))
    if found is None:
        return Antivirus(products=None, integrity_tools=integrity, unseen=gaps.unseen)
    rows = [_product(probe, registry, known, centre) for probe in found]
    defender = _defender(answers, known)
    if defender is not None:
        rows.append(defender)
    _note(gaps, products, rows)
    return Antivirus(products=tuple(row.product for row in rows), integrity_tools=integrity, unseen=gaps.unseen)


# --- what is there ----------------------------------------------------------------------------------------------------------


def _registered(answers: Document) -> tuple[Registered, ...]:
    """() where there is no Security Center: servers have none."""
    section = answers.found("security_center")
    if section is None:
        return ()
    found = []
    for row in section.rows():
        name, state = row.text("displayName"), row.number("productState")
        if name is None or state is None:
            raise Unparsable("the Security Center lists a product without name or state")
        on, fresh, microsoft = decoded(state)
        found.append(Registered(name, on, fresh, microsoft, row.yes("reporting_exe_exists")))
    return tuple(found)


def _software(answers: Document) -> tuple[str, ...]:
    rows = answers.section("software").rows()
    if any(row.yes("unread") for row in rows):
        raise Unparsable("software: an entry in the list of programs could not be read: which program it is of is not known")
    return tuple((row.text("name") or "").lower() for row in rows)


def _found(
    products: tuple[Probe, ...],
    known: Callable[[], dict[str, WindowsService]],
    centre: Callable[[], tuple[Registered, ...]],
    software: Callable[[], tuple[str, ...]],
) -> tuple[Probe, ...]:
    """Products other than Defender that are there. "None" is only said when services and programs could both be seen."""
    there = tuple(probe for probe in products if _is_there(probe, known(), _or_none(centre), _or_none(software)))
    if not there and "windefend" not in known():
        software()
        centre()
    unknown = [
        one for one in _or_none(centre) if not one.microsoft and one.file_exists and not any(_names(p, one) for p in products)
    ]
    return there + tuple(Probe(id=_slug(one.name), name=one.name[:100], centre=(one.name.lower(),)) for one in unknown)


def _is_there(probe: Probe, known: dict[str, WindowsService], centre: tuple[Registered, ...], software: tuple[str, ...]) -> bool:
    if matching(known, probe.services):
        return True
    listed = any(name.startswith(probe.software) for name in software if probe.software)
    return listed or any(one.file_exists for one in centre if _names(probe, one))


def _names(probe: Probe, one: Registered) -> bool:
    return any(word in one.name.lower() for word in probe.centre)


def _slug(name: str) -> str:
    bare = unicodedata.normalize("NFKD", name.lower().replace("đ", "d"))
    letters = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:40] or "unknown"


def _or_none(ask: Callable[[], tuple[T, ...]]) -> tuple[T, ...]:
    try:
        return ask()
    except CollectError:
        return ()


# --- products of others -------------------------------------------------------------------------------------------------------


class _Asked:
    """Asks one after another and keeps why something was not answered."""

    def __init__(self) -> None:
        self.reasons: dict[str, CollectError] = {}

    def attempt(self, field: str, ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except CollectError as error:
            self.reasons[field] = error
            return None


def _product(
    probe: Probe,
    registry: Registry,
    known: Callable[[], dict[str, WindowsService]],
    centre: Callable[[], tuple[Registered, ...]],
) -> _Row:
    asked = _Asked()
    vendor = READERS[probe.reader](registry)
    mine = tuple(one for one in _or_none(centre) if _names(probe, one))
    runs = asked.attempt("running", lambda: _runs(probe, known(), mine))
    realtime = False if runs is False else asked.attempt("realtime", lambda: _realtime(vendor, mine))
    if realtime and runs is None:
        realtime = None
        asked.reasons["realtime"] = asked.reasons["running"]
    if probe.signatures:
        dated: datetime | None = None
        asked.reasons["signatures_dated"] = Unsupported(probe.signatures)
    else:
        dated = asked.attempt("signatures_dated", vendor.signatures)
    row = AntivirusProduct(
        id=probe.id,
        name=probe.name,
        version=asked.attempt("version", vendor.version),
        running=runs,
        realtime=realtime,
        signatures_dated=dated,
        has_signatures=True if dated else None,
        last_full_scan=asked.attempt("last_full_scan", vendor.last_full_scan),
        managed=asked.attempt("managed", vendor.managed),
    )
    return _Row(row, asked.reasons)


def _runs(probe: Probe, known: dict[str, WindowsService], mine: tuple[Registered, ...]) -> bool:
    found = matching(known, probe.services)
    if found:
        return any(service.running for service in found)
    if probe.services:
        return False  # listed or registered, and its service is gone: left over
    if any(one.on for one in mine):
        return True
    raise Unsupported("the vendor publishes no names of its services")


def _realtime(vendor: Vendor, mine: tuple[Registered, ...]) -> bool:
    """The vendor's own key, and the Security Center's word: one that says off is enough."""
    states = {one.on for one in mine}
    if False in states and True not in states:
        return False
    try:
        return vendor.realtime()
    except CollectError:
        if True in states:
            return True
        raise


# --- Defender -------------------------------------------------------------------------------------------------------------


def _defender(answers: Document, known: Callable[[], dict[str, WindowsService]]) -> _Row | None:
    """None where it is not installed (removed from a server, or Server 2012 R2, which has none)."""
    if "windefend" not in known():
        return None
    asked = _Asked()
    running = known()["windefend"].running
    status = asked.attempt("status", lambda: _status(answers)) if running else None
    if not running:
        told = Unsupported("Defender does not run, and it is asked nothing then")
        asked.reasons |= dict.fromkeys(("version", "signatures_dated", "has_signatures", "last_full_scan"), told)
    elif status is None:
        asked.reasons |= dict.fromkeys(
            ("version", "realtime", "signatures_dated", "has_signatures", "last_full_scan"), asked.reasons["status"]
        )
    dated = asked.attempt("signatures_dated", lambda: _built(status)) if status else None
    asked.reasons["managed"] = Unsupported("whether Defender reports to a console is not told by its status")
    return _Row(
        AntivirusProduct(
            id=DEFENDER,
            name="Microsoft Defender Antivirus",
            version=asked.attempt("version", lambda: _required(status, "AMProductVersion")) if status else None,
            running=running,
            realtime=False if not running else asked.attempt("realtime", lambda: _guards(status)) if status else None,
            signatures_dated=dated,
            has_signatures=True if dated else None,
            last_full_scan=asked.attempt("last_full_scan", lambda: _scanned(status)) if status else None,
            managed=None,
        ),
        asked.reasons,
    )


def _status(answers: Document) -> Section:
    section = answers.section("defender")
    if section.text("service") != "running":
        raise Unparsable("Defender's service runs by one list and does not by another")
    rows = section.rows()
    if not rows:
        # seen on machines where an ordinary account asks
        raise Denied("Defender gave no status to this account; run as administrator to see it")
    if len(rows) > 1:
        raise Unparsable("Defender gave more than one status")
    return rows[0]


def _guards(status: Section) -> bool:
    """Real-time protection is on and Defender is the one that blocks. In passive mode it looks and lets through."""
    mode = status.text("AMRunningMode")
    realtime = status.yes("RealTimeProtectionEnabled")
    enabled = status.yes("AntivirusEnabled")
    if mode is not None and mode not in _MODES:
        raise Unparsable(f"Defender's running mode is {mode[:40]!r}")
    if realtime is False or enabled is False or (mode is not None and mode != "Normal"):
        return False
    if realtime is None or enabled is None or mode is None:
        raise Unsupported("Defender does not tell its mode and whether real-time protection is on")
    return True


def _built(status: Section) -> datetime:
    found = status.date("AntivirusSignatureLastUpdated")
    if found is None:
        raise Unsupported("Defender tells no date of its signatures")
    return found


def _scanned(status: Section) -> datetime:
    if status.number("FullScanAge") == NEVER:
        raise Unsupported("Defender has never finished a full scan of this machine, by what it remembers")
    found = status.date("FullScanEndTime")
    if found is None:
        raise Unsupported("Defender tells no end of a full scan")
    return found


def _required(status: Section, name: str) -> str:
    found = status.text(name)
    if found is None:
        raise Unsupported(f"Defender tells no {name}")
    return found


def _note(gaps: Gaps, products: tuple[Probe, ...], rows: list[_Row]) -> None:
    for field in (
        "running",
        "realtime",
        "signatures_dated",
        "has_signatures",
        "version",
        "managed",
        "console",
        "last_full_scan",
        "expires",
    ):
        silent = []
        for product, reasons in rows:
            if getattr(product, field) is not None:
                continue
            error = reasons.get("signatures_dated" if field == "has_signatures" else field)
            if error is None:
                silent.append(product.name)
            else:
                gaps.note(f"products[].{field}", error.outcome, f"{product.name}: {error}")
        if silent:
            gaps.note(f"products[].{field}", "unsupported", f"not told by what was asked: {', '.join(silent)}")
