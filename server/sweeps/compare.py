"""How one line of a letter stands on one machine: the one pure function. What no rule compares is "cannot tell", never "not affected"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from collectors.devices.release_forms import FORMS, reading
from collectors.errors import Unparsable
from collectors.model import Platform
from server.feeds.matching import host
from server.feeds.matching.codes import ANSWERS
from server.feeds.matching.host import Host
from server.feeds.matching.windows import SYSTEMS
from server.sweeps import spans
from server.sweeps.codes import CANNOT_TELL, NOT_AFFECTED, OPEN
from server.sweeps.letters import Update, folded, program_name, systems
from server.sweeps.spans import NotRead, Span

OWN: Final = frozenset({"third-party", "no-publisher"})
"""Why matching left a package out: its versions are those of its maker, not a distribution's."""
BLIND: Final = OWN | {"publisher-not-seen", "not-covered"}
_UNSURE: Final = ANSWERS["undetermined"]


class Named(Protocol):
    """A line of a letter."""

    cve: str
    product: str
    version: str
    fixed_version: str
    kb: str


class Data(Protocol):
    """See letters.Book."""

    said: dict[str, dict[str, frozenset[str]]]
    updates: dict[str, list[Update]]

    def knows_package(self, ecosystem: str, package: str) -> bool: ...
    def holders(self, kb: str) -> frozenset[str]: ...
    def released(self, build: int, series: str) -> frozenset[Any]: ...


class Carries(NamedTuple):
    """The machine has this CVE, by the stored matches."""

    package: str
    answer: int
    since: datetime


class Answer(NamedTuple):
    state: str
    ground: str
    detail: str = ""
    since: datetime | None = None


@dataclass
class Seen:
    """A machine: its facts, and how far matching came with them."""

    host: Host
    others: tuple[str, ...] | None
    """Programs that no package manager keeps; None: not seen."""
    carried: Mapping[str, list[Carries]]
    ecosystem: str = ""
    unmatched: str = ""
    """A ground why the stored matches say nothing; empty: they do."""
    unmatched_detail: str = ""
    left: Mapping[str, str] | None = None
    """Package -> why matching left it out."""

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]], **matched: Any) -> Seen:
        kept = list(records)
        software = next((one["data"] for one in kept if one["fact"] == "software" and one["outcome"] == "seen"), None) or {}
        told = software.get("others")
        return cls(host.read(kept), None if told is None else tuple(one["name"] for one in told), **matched)

    @property
    def windows(self) -> bool:
        return self.host.os_id in SYSTEMS


def answer(item: Named, seen: Seen, data: Data) -> Answer:
    """What is open by one column is open; what one column rules out is ruled out, unless another says it is there."""
    found = [
        one for one in (_by_cve(item, seen, data), _by_kb(item, seen, data), _by_product(item, seen, data)) if one is not None
    ]
    for state in (OPEN, NOT_AFFECTED, CANNOT_TELL):
        for one in found:
            if one.state == state:
                return one
    return Answer(CANNOT_TELL, "nothing-named")


# --- CVE ------------------------------------------------------------------------------------------------------------


def _by_cve(item: Named, seen: Seen, data: Data) -> Answer | None:
    if not item.cve:
        return None
    if seen.unmatched and seen.unmatched != "data-old":
        return Answer(CANNOT_TELL, seen.unmatched, seen.unmatched_detail)
    # what old data name may still hold; that they name nothing means nothing
    if held := seen.carried.get(item.cve):
        sure = [one for one in held if one.answer != _UNSURE]
        names = ", ".join(sorted({one.package for one in sure or held}))
        if sure:
            return Answer(OPEN, "carried", names, min(one.since for one in sure))
        return Answer(CANNOT_TELL, "undetermined", names)
    if seen.unmatched:
        return Answer(CANNOT_TELL, seen.unmatched, seen.unmatched_detail)
    packages = data.said.get(item.cve, {}).get(seen.ecosystem)
    if packages is None:
        return Answer(CANNOT_TELL, "data-silent", seen.ecosystem)
    left = seen.left or {}
    # a program called Windows something is not Windows
    product = "" if folded(item.product) in systems() else item.product
    if near := sorted(name for name in left if name in packages or _alike(product, name)):
        return Answer(CANNOT_TELL, "left-out", ", ".join(near[:5]))
    if not item.product and packages != {"windows"} and any(why in BLIND for why in left.values()):
        return Answer(CANNOT_TELL, "others-there", str(sum(why in BLIND for why in left.values())))
    return Answer(NOT_AFFECTED, "data-clear", ", ".join(sorted(packages)[:5]))


# --- updates of Windows ---------------------------------------------------------------------------------------------


def _by_kb(item: Named, seen: Seen, data: Data) -> Answer | None:
    if not item.kb:
        return None
    if not seen.host.os_id:
        return Answer(CANNOT_TELL, "system-not-seen", seen.host.why("identity"))
    if not seen.windows:
        return Answer(NOT_AFFECTED, "other-system", seen.host.os_id)
    kbs = item.kb.split()
    build, _dot, ubr = (seen.host.running_kernel or "").partition(".")
    mine = [one for kb in kbs for one in data.updates.get(kb, ()) if _of(one, build, seen)]
    numbered = [one.ubr for one in mine if one.ubr is not None]
    if numbered and ubr.isdecimal():
        there = int(ubr) >= max(numbered)
        detail = f"{build}.{ubr}"
        return (
            Answer(NOT_AFFECTED, "update-there", detail)
            if there
            else Answer(OPEN, "build-below", f"{detail} < {build}.{max(numbered)}")
        )
    if seen.host.pending is not None:
        missing = {kb for kb in kbs if kb in seen.host.pending or data.holders(kb) & set(seen.host.pending)}
        if missing:
            return Answer(OPEN, "update-missing", ", ".join(sorted(missing)))
    if not mine and build.isdecimal() and _elsewhere(kbs, int(build), seen, data):
        return Answer(NOT_AFFECTED, "other-build", f"{build}.{ubr}")
    if seen.host.pending is None:
        return Answer(CANNOT_TELL, "updates-not-seen", seen.host.why("updates.pending") or seen.host.why("updates"))
    return Answer(CANNOT_TELL, "update-not-known", item.kb)


def _of(update: Update, build: str, seen: Seen) -> bool:
    return str(update.build) == build and update.series == SYSTEMS[seen.host.os_id]


def _elsewhere(kbs: list[str], build: int, seen: Seen, data: Data) -> bool:
    """All of them are other builds' updates, of days on which this build got one of its own: so the data are whole there."""
    days = data.released(build, SYSTEMS[seen.host.os_id])
    rows = [data.updates.get(kb, []) for kb in kbs]
    return all(rows) and all(one.released in days for row in rows for one in row)


# --- products and versions ------------------------------------------------------------------------------------------


def _by_product(item: Named, seen: Seen, data: Data) -> Answer | None:
    if not item.product:
        return None
    platforms = systems().get(folded(item.product))
    if not seen.host.os_id:
        return Answer(CANNOT_TELL, "system-not-seen", seen.host.why("identity"))
    if platforms is not None:
        if seen.host.os_id not in platforms:
            return Answer(NOT_AFFECTED, "other-system", seen.host.os_id)
        return None if seen.windows else _by_release(item, seen)
    if seen.host.packages is None:
        return Answer(CANNOT_TELL, "packages-not-seen", seen.host.why("software.packages") or seen.host.why("software"))
    return _by_package(item, seen, data)


def _read(item: Named) -> tuple[Span, ...] | Answer:
    try:
        found = spans.read(item.version, item.fixed_version)
    except NotRead as error:
        return Answer(CANNOT_TELL, "version-not-read", str(error))
    return found or Answer(CANNOT_TELL, "version-not-said")


def _by_release(item: Named, seen: Seen) -> Answer:
    """Releases of a network system, of one train each."""
    told = _read(item)
    if isinstance(told, Answer):
        return told
    version = seen.host.firmware or ""
    platform = Platform(seen.host.os_id)
    if not version or platform not in FORMS:
        return Answer(CANNOT_TELL, "version-no-rule", version or seen.host.why("firmware"))
    try:
        own = reading(platform, version)
        bounds = [[reading(platform, one) for one in (span.low, span.high) if one] for span in told]
    except Unparsable as error:
        return Answer(CANNOT_TELL, "version-no-rule", str(error))
    mine = [span for span, ends in zip(told, bounds, strict=True) if all(end.train == own.train for end in ends)]
    try:
        inside = spans.within(version, tuple(mine), lambda text: reading(platform, text).place)
    except (Unparsable, ValueError) as error:
        return Answer(CANNOT_TELL, "version-no-rule", str(error))
    if inside:
        return Answer(OPEN, "version-below", version)
    if len(mine) < len(told) and not mine:
        return Answer(CANNOT_TELL, "train-not-known", version)
    return Answer(NOT_AFFECTED, "version-clear", version)


def _by_package(item: Named, seen: Seen, data: Data) -> Answer:
    wanted = folded(item.product)
    name = program_name if seen.windows else folded
    mine = [one for one in seen.host.packages or () if wanted in (name(one.name), name(one.source), folded(one.name))]
    if not mine:
        return _not_there(item, seen, data)
    told = _read(item)
    if isinstance(told, Answer):
        return told
    left = seen.left or {}
    found = [_one_package(one.name, one.version, told, seen.windows or left.get(one.name) in OWN) for one in mine]
    for state in (OPEN, CANNOT_TELL, NOT_AFFECTED):
        for one in found:
            if one.state == state:
                return one
    raise AssertionError(found)


def _one_package(name: str, version: str, told: tuple[Span, ...], makers: bool) -> Answer:
    """`makers`: the version is its maker's; a distribution mends within versions of its own."""
    detail = f"{name} {version}"
    try:
        inside = spans.within(_upstream(version), told, spans.dotted)
    except ValueError:
        return Answer(CANNOT_TELL, "version-no-rule", detail)
    if not inside:
        return Answer(NOT_AFFECTED, "version-clear", detail)
    return Answer(OPEN, "version-below", detail) if makers else Answer(CANNOT_TELL, "own-versions", detail)


def _upstream(version: str) -> str:
    """Of a package's version the part its maker gave it: 1:3.0.16+dfsg-1~deb12u1 -> 3.0.16. Anything else has no order here."""
    found = re.fullmatch(r"(?:\d+:)?(\d+(?:\.\d+)*)(?:\+(?:dfsg|ds|repack)[\w.]*)?(?:-[\w.+~^]+)?", version, re.ASCII)
    return found[1] if found else version


def _not_there(item: Named, seen: Seen, data: Data) -> Answer:
    """Not affected only where machines of this system would have the package under that very name."""
    others = seen.others or ()
    near = sorted(
        {one.name for one in seen.host.packages or () if _alike(item.product, one.name)}
        | {o for o in others if _alike(item.product, o)}
    )
    if near:
        return Answer(CANNOT_TELL, "name-alike", ", ".join(near[:5]))
    word = item.product.strip().lower()
    if seen.windows or seen.others is None or not seen.ecosystem or not data.knows_package(seen.ecosystem, word):
        return Answer(CANNOT_TELL, "name-not-known", item.product)
    return Answer(NOT_AFFECTED, "not-installed", word)


def _alike(product: str, name: str) -> bool:
    """A word of the product, of three letters at least, stands in the name."""
    bare = folded(name)
    return any(len(word) > 2 and word in bare for word in folded(product).split())
