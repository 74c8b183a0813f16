"""Is a machine's protection against malware behind the newest that is known? What its report tells, held against the site's table.

Pure, but for `table`. Three answers, as everywhere: what the table does not name, what the report does not tell, versions that no
rule can order and a table over its age limit are not known, and never "not behind". That nothing newer is known is said as of
the day of the table. The report tells one version of a product and the day of its signatures; engines it does not tell apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from server.feeds.matching.codes import PROTECTION_TITLES
from server.feeds.models import AntivirusRelease, Feed

BEHIND, UNKNOWN, CURRENT = "behind", "unknown", "current"
LAG: Final = 3
"""Days that signatures may be behind the newest known: house default, that of the check antivirus.signatures."""
_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,7}", re.ASCII)


class Newest(NamedTuple):
    """A row of the table. A product has several where several trains of it are looked after."""

    version: str = ""
    signed: date | None = None


class Table(NamedTuple):
    """What of the site's tables may be rested on."""

    rows: Mapping[str, tuple[Newest, ...]]
    dated: date | None = None
    """Day of the oldest of them."""
    why: str = ""
    """Set: nothing may be rested on."""


class Standing(NamedTuple):
    """One product of a machine."""

    name: str
    installed: str
    newest: str
    version: str
    """BEHIND, UNKNOWN or CURRENT; so `signatures`."""
    signed: date | None
    newest_signed: date | None
    signatures: str
    why: tuple[str, ...]
    """Words of codes.PROTECTION_TITLES: why something is not known."""

    @property
    def answer(self) -> str:
        """Both together."""
        said = {self.version, self.signatures}
        return BEHIND if BEHIND in said else UNKNOWN if UNKNOWN in said else CURRENT

    @property
    def answer_title(self) -> str:
        return str(PROTECTION_TITLES[self.answer])

    @property
    def reasons(self) -> list[str]:
        return [str(PROTECTION_TITLES[word]) for word in self.why]


def table(today: date) -> Table:
    """Of the feeds in force: one over its limit is left out, and when none is left nothing is known."""
    feeds = list(Feed.objects.filter(kind="antivirus").exclude(generation=None).select_related("generation"))
    fresh = [feed for feed in feeds if not feed.is_old(today)]
    if not fresh:
        return Table({}, None, "table-old" if feeds else "no-table")
    rows: dict[str, tuple[Newest, ...]] = {}
    for one in AntivirusRelease.objects.filter(generation__in=[feed.generation_id for feed in fresh]).order_by("pk"):
        rows[one.product] = (*rows.get(one.product, ()), Newest(one.version, one.signature_date))
    return Table(rows, min(feed.generation.data_date for feed in fresh if feed.generation is not None))


def standings(products: Iterable[Mapping[str, Any]], known: Table) -> list[Standing]:
    """Of the rows of the fact `antivirus`, those that are behind first."""
    found = [_standing(product, known) for product in products]
    return sorted(found, key=lambda one: ((BEHIND, UNKNOWN, CURRENT).index(one.answer), one.name))


def _standing(product: Mapping[str, Any], known: Table) -> Standing:
    rows = known.rows.get(product["id"], ())
    why = known.why or ("" if rows else "not-in-table")
    installed = product.get("version") or ""
    newest, version, why_version = _version(installed, [one.version for one in rows if one.version])
    told = product.get("signatures_dated")
    signed = date.fromisoformat(told[:10]) if told else None
    newest_signed = max((one.signed for one in rows if one.signed), default=None)
    signatures, why_signed = _signatures(product.get("has_signatures"), signed, newest_signed)
    reasons = (why,) if why else tuple(dict.fromkeys(filter(None, (why_version, why_signed))))
    return Standing(product.get("name") or product["id"], installed, newest, version, signed, newest_signed, signatures, reasons)


def _version(installed: str, listed: list[str]) -> tuple[str, str, str]:
    """(newest of its train, else of all; answer; why it is not known)"""
    keys = {text: _key(text) for text in listed}
    mine = _key(installed)
    if not listed:
        return "", UNKNOWN, "version-not-in-table"
    if not installed:
        return max(listed, key=lambda text: keys[text] or ()), UNKNOWN, "version-not-seen"
    if mine is None or None in keys.values():
        return listed[0], *((CURRENT, "") if installed in listed else (UNKNOWN, "no-order"))
    of_train = [text for text, key in keys.items() if key is not None and key[:-1] == mine[: len(key) - 1]]
    newest = max(of_train or listed, key=lambda text: keys[text] or ())
    wanted = keys[newest] or ()
    size = max(len(wanted), len(mine))
    return newest, BEHIND if _padded(mine, size) < _padded(wanted, size) else CURRENT, ""


def _key(text: str) -> tuple[int, ...] | None:
    return tuple(map(int, text.split("."))) if _VERSION.fullmatch(text) else None


def _padded(key: tuple[int, ...], size: int) -> tuple[int, ...]:
    return key + (0,) * (size - len(key))


def _signatures(has: bool | None, signed: date | None, newest: date | None) -> tuple[str, str]:
    if newest is None:
        return UNKNOWN, "signatures-not-in-table"
    if has is False:
        return BEHIND, ""
    if signed is None:
        return UNKNOWN, "signatures-not-seen"
    return (BEHIND if (newest - signed).days > LAG else CURRENT), ""
