"""What is installed on Windows: its own lists of programs, the Store's apps, and the traces of programs that no list knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from fnmatch import translate
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from collectors.errors import CollectError, Unparsable
from collectors.facts.base import Gaps, Model, once
from collectors.facts.software import OtherSoftware, Package, Recognised, Software
from collectors.linux.known_software import CATEGORIES, Category
from collectors.transports.base import Shell
from collectors.windows.document import Document, Section, document
from collectors.windows.registry import CONTROL, Registry
from collectors.windows.release import release
from collectors.windows.services import services

Clue = Literal["package", "service", "store", "folder", "process"]
CLUES: Final[tuple[Clue, ...]] = ("package", "service", "store", "folder", "process")
_ARCHITECTURES: Final = {"AMD64": "x64", "ARM64": "arm64", "x86": "x86"}
_DAY: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")


class Product(Model):
    """An entry of software.yaml, whose head explains the fields."""

    id: str
    name: str
    category: Category
    titles: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    store: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()

    def names(self, clue: Clue) -> tuple[str, ...]:
        """By which names this clue gives it away, lower case."""
        found: Mapping[Clue, tuple[str, ...]] = {
            "package": self.titles, "service": self.services, "store": self.store, "folder": self.folders, "process": self.processes,
        }  # fmt: skip
        return found[clue]


class Products(Model):
    """software.yaml."""

    products: tuple[Product, ...]


@cache
def products() -> tuple[Product, ...]:
    """The products as data."""
    text = Path(__file__).with_name("software.yaml").read_text("utf-8")
    loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (safe)
    return Products.model_validate(loaded, strict=False).products


def software(shell: Shell) -> Software:
    answers = document(shell)
    gaps = Gaps()
    registry = Registry(answers)
    listed = once(lambda: _packages(answers, registry, gaps))
    store = once(lambda: _store(answers, registry))
    return Software(
        manager="windows",
        packages=gaps.attempt("packages", listed),
        modules=(),
        others=gaps.attempt("others", store),
        recognised=_recognised(answers, gaps, listed, store),
        unseen=gaps.unseen,
    )


# --- the lists that Windows keeps ---------------------------------------------------------------------------------------


def _packages(answers: Document, registry: Registry, gaps: Gaps) -> tuple[Package, ...]:
    """Never from Win32_Product: asking it makes Windows Installer repair what it lists."""
    section = answers.section("software")
    rows = section.rows()
    if not rows:
        raise Unparsable("software: no program at all is listed, and no Windows in use has none")
    word = registry.text(rf"{CONTROL}\Session Manager\Environment", "PROCESSOR_ARCHITECTURE") or ""
    native = _ARCHITECTURES.get(word, word.lower())
    found = {_package(row, native) for row in rows if not row.yes("unread")}
    if any(row.yes("unread") for row in rows):
        gaps.note("packages[].name", "unparsable", "an entry in the list of programs holds values that PowerShell cannot read")
    people, seen = section.number("people"), section.number("people_seen")
    away = None if people is None or seen is None else max(people - seen, 0)
    if away is None or away:
        gaps.note(
            "packages[].name",
            "unsupported",
            f"what {away or 'some'} people installed for themselves is listed only while they are logged on",
        )
    if any(one.installed is None for one in found):
        gaps.note("packages[].installed", "unsupported", "some installers write no date, or none that can be placed")
    if any(one.origin is None for one in found):
        gaps.note("packages[].origin", "unsupported", "some installers name no publisher")
    return tuple(sorted(found, key=lambda one: (one.name.lower(), one.arch, one.version, one.origin or "")))


def _package(row: Section, native: str) -> Package:
    name, view = row.text("name"), row.text("view")
    if name is None or view is None:
        raise Unparsable("software: an entry without a name")
    return Package(
        name=" ".join(name.split()),
        version=row.text("version") or "",
        arch={"native": native, "wow64": "x86"}.get(view, "user"),
        origin=row.text("publisher"),
        installed=_day(row.text("installed") or ""),
    )


def _day(text: str) -> date | None:
    """Installers are told to write 20261122; some write the date as people of their country do, which cannot be placed."""
    found = _DAY.fullmatch(text.strip())
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def _store(answers: Document, registry: Registry) -> tuple[OtherSoftware, ...]:
    """Server Core has no Store, and need not have the command that would say so."""
    try:
        rows = answers.section("store").rows()
    except CollectError as error:
        if error.outcome == "unsupported" and release(registry).core:
            return ()
        raise
    newest: dict[str, str] = {}
    for row in rows:
        name, version = row.text("name"), row.text("version") or ""
        if name is None:
            raise Unparsable("store: an app without a name")
        newest[name] = max(newest.get(name, ""), version, key=_parts)
    return tuple(OtherSoftware(kind="store", name=name, revision=newest[name]) for name in sorted(newest))


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"[0-9]{1,9}", version)))


# --- well-known products ----------------------------------------------------------------------------------------------


def _recognised(
    answers: Document, gaps: Gaps, listed: Callable[[], tuple[Package, ...]], store: Callable[[], tuple[OtherSoftware, ...]]
) -> tuple[Recognised, ...]:
    """Those that show; and, for each category whose places could not all be looked at, the line that says so."""
    places: Mapping[Clue, Callable[[], Iterable[str]]] = {
        "package": lambda: (package.name for package in listed()),
        "service": lambda: services(answers),
        "store": lambda: (one.name for one in store()),
        "folder": lambda: (
            *answers.section("program_folders").texts("names"),
            *answers.section("profile_folders").texts("names"),
        ),
        "process": lambda: _processes(answers),
    }
    seen: dict[Clue, Collection[str]] = {}
    blind: dict[Clue, CollectError] = {}
    for clue in CLUES:
        try:
            seen[clue] = frozenset(name.lower() for name in places[clue]())
        except CollectError as error:
            blind[clue] = error
    if "package" in seen and any(row.yes("unread") for row in answers.section("software").rows()):
        blind["package"] = Unparsable("an entry in the list of programs could not be read: which program it is of is not known")
    for reason in blind.values():
        gaps.note("recognised[].present", reason.outcome, str(reason))
    return (*_found(seen), *_hidden(frozenset(blind)))


def _processes(answers: Document) -> tuple[str, ...]:
    names = answers.section("processes").texts("names")
    if "system" not in map(str.lower, names):
        raise Unparsable("processes: System, which runs on every Windows, is not listed: the list is not whole")
    return names


def _found(seen: Mapping[Clue, Collection[str]]) -> Iterator[Recognised]:
    for product in products():
        clue = next((clue for clue in seen if any(map(_pattern(product.id, clue).match, seen[clue]))), None)
        if clue is not None:
            by: Any = "package" if clue == "store" else clue
            yield Recognised(id=product.id, name=product.name, category=product.category, present=True, found_by=by)


def _hidden(blind: frozenset[Clue]) -> Iterator[Recognised]:
    for category in CATEGORIES:
        if blind & _clues_of(category):
            yield Recognised(id="others", name="not seen whether there are others", category=category, present=None, found_by="")


@cache
def _clues_of(category: Category) -> frozenset[Clue]:
    return frozenset(clue for product in products() if product.category == category for clue in CLUES if product.names(clue))


@cache
def _pattern(product: str, clue: Clue) -> re.Pattern[str]:
    """What its names with their wildcards may be; nothing where it has none."""
    names = next(one for one in products() if one.id == product).names(clue)
    return re.compile("|".join(map(translate, names)) or r"(?!)")
