"""What is installed, who published it, and which well-known products are among it?"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import ClassVar, Literal, Never

from pydantic import Field

from collectors.errors import CollectError, Unsupported
from collectors.facts.base import Fact, Gaps, Model, once
from collectors.linux import apt_lists, apt_origin, apt_sources, dnf_modules, dpkg, rpm
from collectors.linux.known_software import CATEGORIES, CLUES, Category, Clue, clues_of, recognised
from collectors.linux.presence import processes, programs
from collectors.transports.base import Shell


class Package(Model):
    """One installed package. There may be 20,000: what can be short is short."""

    name: str = Field(description="Name of the package")
    version: str = Field(description="Version as the package manager writes it, epoch included")
    arch: str = Field(
        description="Architecture as the package manager writes it; Windows: x64, arm64, x86, or user: installed by somebody for themselves"
    )
    source: str = Field(default="", description="Name of the source package; empty when it is the package's own name")
    source_version: str = Field(default="", description="Version of the source package; empty when it is the package's own")
    origin: str | None = Field(
        default=None,
        description=(
            "Who publishes it: the Origin of the apt list it is from, the VENDOR of an rpm, on Windows whom the installer names; empty when "
            "nobody does: installed by hand, or from a source that is gone; None when lists are missing, or the installer names nobody"
        ),
    )
    installed: date | None = Field(
        default=None, description="Day on which this version was installed; None where the logs do not reach back"
    )


class ModuleStream(Model):
    """One module of dnf and the stream of it that is enabled: its packages are built apart for each stream."""

    name: str = Field(description="Name of the module, such as nodejs")
    stream: str = Field(description="The enabled stream, such as 18")


class OtherSoftware(Model):
    """One program that no package manager of the system keeps."""

    kind: Literal["snap", "flatpak", "opt", "store"] = Field(
        description="snap, flatpak, opt: a folder under /opt, store: an app of the Microsoft Store"
    )
    name: str = Field(description="Name of the snap, id of the Flatpak application, name of the folder")
    revision: str = Field(
        default="", description="Newest revision of a snap, version of a Store app; empty for the others, whose names tell none"
    )


class Recognised(Model):
    """One well-known product, or a line that says that others of a category cannot be ruled out."""

    id: str = Field(description="Stable id, such as teamviewer; `others` in a line about what was not seen")
    name: str = Field(description="Name people use")
    category: Category = Field(description="What it is for")
    present: bool | None = Field(
        description="True; None in the line `others`: not every place where products of this category show could be looked at"
    )
    found_by: Literal["", "package", "program", "folder", "snap", "flatpak", "process", "service"] = Field(
        description="The first clue that gave it away; empty in the line `others`"
    )


class Software(Fact):
    """Installed software. What users keep in their home folders is seen only while it runs, on Windows also by known folder names."""

    NAME: ClassVar[str] = "software"

    manager: Literal["dpkg", "rpm", "none", "windows"] = Field(
        description="Whose database was read; windows: the lists of installed programs; none: of a kind not known to rasoat"
    )
    packages: tuple[Package, ...] | None = Field(
        description="Installed packages, sorted by name and architecture; Windows: of the machine and of those who are logged on"
    )
    modules: tuple[ModuleStream, ...] | None = Field(
        default=None, description="Enabled module streams of dnf; empty where none is, and on systems that have no dnf"
    )
    others: tuple[OtherSoftware, ...] | None = Field(description="Snaps, Flatpak applications, folders under /opt, Store apps")
    recognised: tuple[Recognised, ...] = Field(
        description="Well-known products, recognised by packages, programs, folders, processes"
    )


def debian(shell: Shell) -> Software:
    """Debian and its kin: from dpkg's and apt's own files."""
    gaps = Gaps()
    return _software(shell, gaps, "dpkg", lambda: _debs(shell, gaps), lambda: ())


def redhat(shell: Shell) -> Software:
    """RHEL, SUSE and their kin: rpm is asked, its database having had four formats."""
    gaps = Gaps()
    return _software(shell, gaps, "rpm", lambda: tuple(map(_from_rpm, rpm.origins(shell))), lambda: _modules(shell))


def other(shell: Shell) -> Software:
    """A system whose package manager we do not know: its programs are recognised, its packages are not listed."""

    def refuse() -> Never:
        raise Unsupported("the package manager of this system is not known to rasoat")

    return _software(shell, Gaps(), "none", refuse, refuse)


def _software(
    shell: Shell, gaps: Gaps, manager: Literal["dpkg", "rpm", "none"], ask: Callable[[], tuple[Package, ...]],
    modules: Callable[[], tuple[ModuleStream, ...]],
) -> Software:  # fmt: skip
    listed = once(ask)
    packages = gaps.attempt("packages", listed)
    streams = gaps.attempt("modules", modules)
    others = gaps.attempt("others", lambda: _others(shell))
    return Software(
        manager=manager,
        packages=None if packages is None else tuple(sorted(packages, key=lambda one: (one.name, one.arch, one.version))),
        modules=streams,
        others=others,
        recognised=_recognised(shell, gaps, listed),
        unseen=gaps.unseen,
    )


# --- packages -------------------------------------------------------------------------------------------------------


def _debs(shell: Shell, gaps: Gaps) -> tuple[Package, ...]:
    packages = dpkg.installed(shell)
    days = gaps.attempt("packages[].installed", lambda: dpkg.installed_days(shell))
    if days is not None and any(_key(package) not in days for package in packages):
        gaps.note("packages[].installed", "unsupported", "dpkg's logs do not reach back to when some packages were installed")
    origins = gaps.attempt("packages[].origin", lambda: _origins(shell, packages, gaps)) or {}
    return tuple(_from_deb(package, origins, days or {}) for package in packages)


def _origins(shell: Shell, packages: tuple[dpkg.Package, ...], gaps: Gaps) -> Mapping[tuple[str, str], str | None]:
    lists = apt_lists.lists(shell, apt_sources.entries(shell), dpkg.architectures(packages))
    found = apt_origin.origins(shell, packages, lists)
    if None in found.values():
        gaps.note("packages[].origin", "unparsable", f"lists that might offer them are missing: {lists.faults[0]}")
    return found


def _key(package: dpkg.Package) -> tuple[str, str, str]:
    return package.name, package.arch, package.version


def _from_deb(
    package: dpkg.Package, origins: Mapping[tuple[str, str], str | None], days: Mapping[tuple[str, str, str], date]
) -> Package:
    name = apt_origin.source_of(package)
    version = package.source.partition("(")[2].rstrip(")")
    return Package(
        name=package.name,
        version=package.version,
        arch=package.arch,
        source="" if name == package.name else name,
        source_version="" if version == package.version else version,
        origin=origins.get((package.name, package.arch)),
        installed=days.get(_key(package)),
    )


_SOURCE_RPM = re.compile(r"(?P<name>.+)-(?P<version>[^-]+-[^-]+)\.(?:no)?src\.rpm")


def _from_rpm(found: rpm.Origin) -> Package:
    nevra = found.rpm.nevra
    source = _SOURCE_RPM.fullmatch(found.source)
    version = f"{nevra.version}-{nevra.release}"
    return Package(
        name=nevra.name,
        version=nevra.evr,
        arch=nevra.arch,
        source=source["name"] if source and source["name"] != nevra.name else "",
        source_version=source["version"] if source and source["version"] != version else "",
        origin=found.vendor,
        installed=datetime.fromtimestamp(found.rpm.installed_at, UTC).date(),
    )


def _modules(shell: Shell) -> tuple[ModuleStream, ...]:
    return tuple(ModuleStream(name=one.name, stream=one.stream) for one in dnf_modules.enabled(shell))


# --- what no package manager keeps ------------------------------------------------------------------------------------


def _others(shell: Shell) -> tuple[OtherSoftware, ...]:
    return tuple(
        [OtherSoftware(kind="snap", name=name, revision=revision) for name, revision in _snaps(shell).items()]
        + [OtherSoftware(kind="flatpak", name=name) for name in _flatpaks(shell)]
        + [OtherSoftware(kind="opt", name=name) for name in _last(shell.names("/opt/*"))]
    )


def _snaps(shell: Shell) -> Mapping[str, str]:
    """Name -> newest revision, from files such as firefox_3836.snap; a snap installed by hand has revision x1."""
    found: dict[str, str] = {}
    for file in _last(shell.names("/var/lib/snapd/snaps/*.snap")):
        name, _, revision = file.removesuffix(".snap").rpartition("_")
        if name and _number(revision) >= _number(found.get(name, "")):
            found[name] = revision
    return found


def _number(revision: str) -> int:
    digits = revision.removeprefix("x")
    return int(digits) if digits.isascii() and digits.isdecimal() else -1


def _flatpaks(shell: Shell) -> tuple[str, ...]:
    return _last(shell.names("/var/lib/flatpak/app/*"))


def _last(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(path.rpartition("/")[2] for path in paths)


# --- well-known products ----------------------------------------------------------------------------------------------


def _recognised(shell: Shell, gaps: Gaps, listed: Callable[[], tuple[Package, ...]]) -> tuple[Recognised, ...]:
    """Those that show; and, for each category whose places could not all be looked at, the line that says so.

    A product that was found is a fact even where others may hide; and "none" is said only where all places were seen.
    """
    places: Mapping[Clue, Callable[[], Collection[str]]] = {
        "package": lambda: frozenset(package.name for package in listed()),
        "program": lambda: programs(shell).union(_last(shell.names("/usr/local/*bin/*"))),
        "folder": lambda: frozenset(_last(shell.names("/opt/*"))),
        "snap": lambda: frozenset(_snaps(shell)),
        "flatpak": lambda: frozenset(_flatpaks(shell)),
        "process": lambda: processes(shell),
    }
    seen: dict[Clue, Collection[str]] = {}
    blind: dict[Clue, CollectError] = {}
    for clue in CLUES:
        try:
            seen[clue] = places[clue]()
        except CollectError as error:
            blind[clue] = error
    for reason in blind.values():
        gaps.note("recognised[].present", reason.outcome, str(reason))
    return (*_found(seen), *_hidden(frozenset(blind)))


def _found(seen: Mapping[Clue, Collection[str]]) -> Iterator[Recognised]:
    for product, clue in recognised(seen):
        yield Recognised(id=product.id, name=product.name, category=product.category, present=True, found_by=clue)


def _hidden(blind: frozenset[Clue]) -> Iterator[Recognised]:
    for category in CATEGORIES:
        if blind & clues_of(category):
            yield Recognised(id="others", name="not seen whether there are others", category=category, present=None, found_by="")
