"""Which protection against malware is installed, does it run, is it fresh?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

import yaml
from pydantic import Field

from collectors.errors import CollectError, Unsupported
from collectors.facts.base import Fact, Gaps, Model
from collectors.linux.antivirus_readers import READERS, Product
from collectors.linux.presence import COMM, Running, processes, programs
from collectors.transports.base import Shell

T = TypeVar("T")


class AntivirusProduct(Model):
    """One product found on the machine."""

    id: str = Field(description="Stable id, such as clamav, mdatp, trend-deep-security")
    name: str = Field(description="Name people use")
    version: str | None = Field(default=None, description="Product version")
    running: bool | None = Field(description="Its service or process runs now")
    realtime: bool | None = Field(description="Files are scanned when they are used, now (not: could be)")
    signatures_dated: datetime | None = Field(
        description="When the vendor built the newest signatures on this machine, UTC; not a file time, which copying refreshes"
    )
    has_signatures: bool | None = Field(
        default=None, description="There are signatures on this machine; False: none at all, so nothing known is found"
    )
    last_full_scan: datetime | None = Field(default=None, description="End of the last full scan, UTC")
    managed: bool | None = Field(description="Reports to a central console")
    console: str | None = Field(default=None, description="Address or id of that console")
    expires: date | None = Field(default=None, description="Last day of the licence")


class Antivirus(Fact):
    """Protection against malware. Host intrusion detection (AIDE, Wazuh, rkhunter) is listed apart: it is no antivirus."""

    NAME: ClassVar[str] = "antivirus"

    products: tuple[AntivirusProduct, ...] | None = Field(
        description="Installed antivirus and EDR products; () when every probe found nothing"
    )
    integrity_tools: tuple[str, ...] | None = Field(
        default=None, description="Integrity and host intrusion tools found: aide, wazuh-agent, rkhunter ..."
    )


class Probe(Model):
    """How one product is recognised: an entry of antivirus.yaml, whose head explains the fields."""

    id: str
    name: str = ""
    programs: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    alone: bool = True
    services: Literal["known", "guessed"] = "known"
    reader: str = "none"
    signatures: str = ""


class Probes(Model):
    """antivirus.yaml."""

    products: tuple[Probe, ...]
    integrity_tools: tuple[Probe, ...]


@cache
def probes() -> Probes:
    """The probes as data; a new product is an entry there."""
    text = Path(__file__).parent.parent.joinpath("linux", "antivirus.yaml").read_text("utf-8")
    return Probes.model_validate(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), strict=False)  # noqa: S506  (safe)


def linux(shell: Shell) -> Antivirus:
    """Look for every known product by programs, folders and processes; then ask those that were found.

    "None" is only said when all three could be looked at. A vendor's command that fails costs its answers, never the product.
    """
    gaps = Gaps()
    sight = _Sight(shell)
    tools = gaps.attempt("integrity_tools", lambda: tuple(probe.id for probe in sight.found(probes().integrity_tools)))
    found = gaps.attempt("products", lambda: sight.found(probes().products))
    if found is None:
        return Antivirus(products=None, integrity_tools=tools, unseen=gaps.unseen)
    running = Running(shell, *dict.fromkeys(unit for probe in found for unit in probe.units))
    asked = [_ask(shell, running, sight, probe) for probe in found]
    _note_gaps(gaps, [(probe, product, row) for probe, (product, row) in zip(found, asked, strict=True)])
    return Antivirus(products=tuple(row for _, row in asked), integrity_tools=tools, unseen=gaps.unseen)


class _Sight:
    """What can be seen of the machine: programs, folders, processes."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._blind: CollectError | None = None
        nothing: frozenset[str] = frozenset()
        self._programs = self._look(lambda: programs(shell), nothing)
        self._folders = self._look(lambda: frozenset(shell.names("/opt/*")), nothing)
        self._processes = self._look(lambda: processes(shell), nothing)

    def found(self, wanted: tuple[Probe, ...]) -> tuple[Probe, ...]:
        """Those that are there. When none is, and something could not be looked at, that reason is raised."""
        there = tuple(probe for probe in wanted if self._finds(probe))
        if not there and self._blind is not None:
            raise self._blind
        return there

    def _finds(self, probe: Probe) -> bool:
        if not self._programs.isdisjoint(probe.programs) or self.paths(probe.paths):
            return True
        return probe.alone and not self._processes.isdisjoint(name[:COMM] for name in probe.processes)

    def paths(self, wanted: Iterable[str]) -> frozenset[str]:
        """Those that exist. Deeper ones are asked for only where their first folder is there."""
        return frozenset(path for path in wanted if self._exists(path))

    def _exists(self, path: str) -> bool:
        top = "/".join(path.split("/")[:3])
        if path.startswith("/opt/"):
            if not any(fnmatchcase(folder, top) for folder in self._folders):
                return False
            if path == top:
                return True
        return self._look(lambda: self._shell.stat(path), None) is not None

    def _look(self, ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except CollectError as error:
            self._blind = self._blind or error
            return otherwise


def _ask(shell: Shell, running: Running, sight: _Sight, probe: Probe) -> tuple[Product, AntivirusProduct]:
    product = Product(shell, running, sight.paths(probe.paths))
    runs = product.attempt("running", lambda: _runs(running, probe))
    if probe.reader in READERS:
        READERS[probe.reader](product)
    if runs is False:
        product.realtime = False  # what does not run scans nothing, whatever its settings say
    elif product.realtime and runs is None:
        product.realtime = None  # its own settings alone prove nothing
        product.reasons["realtime"] = product.reasons["running"]
    row = AntivirusProduct(
        id=probe.id,
        name=probe.name,
        version=product.version,
        running=runs,
        realtime=product.realtime,
        signatures_dated=product.signatures_dated,
        has_signatures=True if product.signatures_dated else product.has_signatures,
        managed=product.managed,
        console=product.console,
        expires=product.expires,
    )
    return product, row


def _note_gaps(gaps: Gaps, asked: list[tuple[Probe, Product, AntivirusProduct]]) -> None:
    """Why fields are None: each reason by itself, and one line for all products that simply do not tell."""
    for field in (
        "running",
        "realtime",
        "signatures_dated",
        "has_signatures",
        "version",
        "managed",
        "console",
        "expires",
        "last_full_scan",
    ):
        silent = []
        for probe, product, row in asked:
            if getattr(row, field) is not None:
                continue
            dated = field in ("signatures_dated", "has_signatures")
            error = product.reasons.get("signatures_dated" if dated else field)
            if dated and probe.signatures:
                gaps.note(f"products[].{field}", "unsupported", f"{probe.name}: {probe.signatures}")
            elif error is not None:
                gaps.note(f"products[].{field}", error.outcome, f"{probe.name}: {error}")
            else:
                silent.append(probe.name)
        if silent:
            gaps.note(f"products[].{field}", "unsupported", f"not told by a command we know: {', '.join(silent)}")


def _runs(running: Running, probe: Probe) -> bool:
    """Its unit or one of its processes. Where names are guesses, not finding them says nothing."""
    if running.runs(probe.units, probe.processes):
        return True
    if probe.services == "guessed":
        raise Unsupported("the vendor publishes no names of its services, and none of those guessed runs")
    return False
