"""From what is stored of a machine's matching to the fact `vulnerabilities`, in two steps that read nothing but their arguments.

`prepared` puts together what was matched and by which data, once for each matching; `fact_of` says what of it counts on a day,
for facts of a machine that decide as those did which were matched. A feed that is missing or over its age limit, a machine not
matched yet, or matched with other facts than those judged: then the fields that rest on it are None, with the reason.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from collectors.facts.base import Gaps
from collectors.facts.vulnerabilities import Vulnerabilities
from collectors.model import Record, Source
from server.feeds.codes import SEVERITY_WORDS
from server.feeds.matching.outcome import Left
from server.feeds.matching.said import FIX, UNCERTAIN
from server.feeds.parsers import KINDS

LISTED: Final = 50
"""Rows of one list. `fixable` begins with what is known longest, so that what is cut off is overdue after the rest."""
OTHERS: Final = frozenset({"third-party", "no-publisher", "not-covered"})
"""Why software is not assessed of which the data do not speak at all. Any other reason is a gap in what they should cover."""
SYSTEM, KEV, EPSS, LIFE = "system", "kev", "epss", "end-of-life"
PARTS: Final = {
    KEV: ("exploited_fixable", "exploited_unfixable", "exploited_undetermined"),
    LIFE: ("support_ends", "extended_support_ends"),
}
"""Fields that rest on one kind of feed, beside the data of the system's own publisher."""
_OF_SYSTEM: Final = tuple(name for name in Vulnerabilities.model_fields if name not in ("unseen", *PARTS[LIFE]))

Prepared = dict[str, Any]
"""Plain data, as it is kept: host, reason, parts, fields."""


class Resting(NamedTuple):
    """A feed that something rests on."""

    name: str
    dated: date
    until: date | None
    """Last day on which it carries a verdict; None: without end."""
    sha256: str
    imported_at: datetime
    kind: str = ""
    """A limit of that kind that this program sets shorter than `until` does holds at once."""


class Held(NamedTuple):
    """A vulnerability in a package, as the machine is stored to have it."""

    identifier: str
    package: str
    installed: str
    fixed: str
    answer: str
    since: date
    severity: int
    exploited: bool | None
    """None: nothing in force says."""
    epss: float | None


class Matching(NamedTuple):
    """How far the matching of a machine reached."""

    host: str
    reason: str
    """Set: nothing was assessed; the word and its sentence."""
    detail: str
    assessed: int
    left: Sequence[Left]
    until: date | None
    """Last day on which the data of its system carry a verdict."""


class Life(NamedTuple):
    """Until when its release is looked after."""

    support: date | None
    extended: date | None


def prepared(matching: Matching, held: Iterable[Held], parts: Mapping[str, Sequence[Resting]], life: Life | None) -> Prepared:
    """What is kept of a matching, for `fact_of`."""
    rows = list(held)
    by_answer: dict[str, list[Held]] = {FIX: [], UNCERTAIN: []}
    unfixable: list[Held] = []
    for row in rows:
        by_answer.get(row.answer, unfixable).append(row)
    fixable, uncertain = by_answer[FIX], by_answer[UNCERTAIN]
    counts = Counter(one.why for one in matching.left)
    fields: dict[str, Any] = {
        "exploited_fixable": _listed(filter(_exploited, fixable), _likeliest),
        "exploited_unfixable": _listed(filter(_exploited, unfixable), _likeliest),
        "exploited_undetermined": sum(row.exploited is not False for row in uncertain)
        + sum(row.exploited is None for row in (*fixable, *unfixable)),
        "fixable": _listed(fixable, _longest),
        "fixable_count": len(fixable),
        "unfixable_count": len(unfixable),
        "undetermined_count": len(uncertain),
        "undetermined_fixable_count": sum(bool(row.fixed) for row in uncertain),
        "assessed_count": matching.assessed,
        "unassessed": [{"why": why, "count": number} for why, number in sorted(counts.items()) if why not in OTHERS],
        "uncovered": [{"why": why, "count": number} for why, number in sorted(counts.items()) if why in OTHERS],
        "support_ends": life.support.isoformat() if life and life.support else None,
        "extended_support_ends": life.extended.isoformat() if life and life.extended else None,
    }
    return {
        "host": matching.host,
        "reason": matching.detail or matching.reason if matching.reason else "",
        "until": matching.until.isoformat() if matching.until else None,
        "parts": {part: [_plain(one) for one in feeds] for part, feeds in parts.items()},
        "fields": fields,
    }


def fact_of(kept: Prepared | None, host: str, today: date) -> Vulnerabilities:
    """The fact on a day, for facts of a machine of which `host` is the digest (store.digest_of)."""
    gaps, blank = Gaps(), dict.fromkeys((name for name in Vulnerabilities.model_fields if name != "unseen"), None)
    if why := _not_matched(kept, host):
        gaps.note(tuple(blank), "unsupported", why)
        return Vulnerabilities(**blank, unseen=gaps.unseen)
    assert kept is not None
    fields: dict[str, Any] = kept["fields"] | {}
    system = kept["reason"] or _over(kept["parts"].get(SYSTEM, ()), today, kept["until"]) or ""
    if system:
        gaps.note(_OF_SYSTEM, "unsupported", system)
        fields |= dict.fromkeys(_OF_SYSTEM)
    for part, names in PARTS.items():
        told = [name for name in names if not (system and name in _OF_SYSTEM)]
        if told and (why := _missing(kept["parts"].get(part, ()), part, today)):
            gaps.note(tuple(told), "unsupported", why)
            fields |= dict.fromkeys(told)
    for name in PARTS[LIFE]:
        if fields[name] is None and not any(one.field == name for one in gaps.unseen):
            gaps.note(name, "unsupported", "the data on ends of life name no such day of this release")
    epss = _missing(kept["parts"].get(EPSS, ()), EPSS, today)
    for name in ("exploited_fixable", "exploited_unfixable", "fixable"):
        _rows_of(fields, name, epss, gaps)
    return Vulnerabilities.model_validate_json(json.dumps(fields | {"unseen": [one.model_dump() for one in gaps.unseen]}))


def record_of(kept: Prepared | None, host: str, today: date) -> Record:
    """The fact with the feeds it rests on as its sources."""
    fact = fact_of(kept, host, today)
    sources = [] if kept is None or _not_matched(kept, host) else _sources(kept["parts"])
    data = fact.model_dump(mode="json")
    return Record(fact=fact.NAME, version=fact.VERSION, outcome="seen", data=data, sources=tuple(sources))


def digest_of(record: Record) -> str:
    """Of what it says, but not of EPSS, which changes daily and decides nothing: equal means that nothing turns."""
    assert record.data is not None
    said = {name: _without_epss(value) for name, value in record.data.items()}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _without_epss(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [
        {name: part for name, part in row.items() if name != "epss"}
        for row in value
        if not str(row.get("field", "")).endswith("[].epss")
    ]


def _not_matched(kept: Prepared | None, host: str) -> str:
    if kept is None:
        return "the machine has not been matched with the data on vulnerabilities yet"
    if kept["host"] != host:
        return "what the machine was matched with last is not what it reports now; it is matched anew in the background"
    return ""


def _missing(feeds: Sequence[Sequence[Any]], part: str, today: date) -> str:
    """Why nothing can rest on them; empty where it can."""
    if not feeds:
        return f"no data of the kind {part} were imported"
    return _over(feeds, today, None)


def _over(feeds: Sequence[Sequence[Any]], today: date, until: str | None) -> str:
    for name, dated, ends, *more in feeds:
        ends = _shorter(date.fromisoformat(dated), ends, more[-1])
        if date.fromisoformat(dated) > today + timedelta(days=1):
            return f"the data of {name} are of {dated}, which is still to come"
        if ends and date.fromisoformat(ends) < today:
            return f"the data of {name}, of {dated}, are over their age limit since {ends}"
    if until and date.fromisoformat(until) < today:
        return f"the data of this system are over their age limit since {until}"
    return ""


def _shorter(dated: date, ends: str | None, kind: str) -> str | None:
    """The earlier of the last day as it was when it was matched, and as this program says."""
    limit = KINDS[kind].limit_days if kind in KINDS else 0
    return min(filter(None, (ends, (dated + timedelta(days=limit)).isoformat() if limit else None)), default=None)


def _rows_of(fields: dict[str, Any], name: str, epss: str, gaps: Gaps) -> None:
    """Columns of a list that are not seen, each with its reason."""
    rows = fields[name]
    if not rows:
        return
    if epss:
        fields[name] = rows = [{**row, "epss": None} for row in rows]
        gaps.note(f"{name}[].epss", "unsupported", epss)
    elif any(row["epss"] is None for row in rows):
        gaps.note(f"{name}[].epss", "unsupported", "not in the data of EPSS")
    if any(row["severity"] is None for row in rows):
        gaps.note(f"{name}[].severity", "unsupported", "no feed says how severe it is")


def _exploited(row: Held) -> bool:
    return row.exploited is True


def _likeliest(row: Held) -> tuple[Any, ...]:
    return -(row.epss or 0), -row.severity, row.identifier, row.package


def _longest(row: Held) -> tuple[Any, ...]:
    return row.since, -row.severity, row.identifier, row.package


def _listed(rows: Iterable[Held], order: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": row.identifier, "package": row.package, "installed": row.installed, "fixed": row.fixed,
            "since": row.since.isoformat(), "severity": SEVERITY_WORDS.get(row.severity), "epss": row.epss,
        }
        for row in sorted(rows, key=order)[:LISTED]
    ]  # fmt: skip


def _plain(feed: Resting) -> list[Any]:
    until = feed.until.isoformat() if feed.until else None
    return [feed.name, feed.dated.isoformat(), until, feed.sha256, feed.imported_at.isoformat(), feed.kind]


def _sources(parts: Mapping[str, Sequence[Sequence[Any]]]) -> Iterable[Source]:
    for name, dated, _until, sha256, at, *_kind in (feed for feeds in parts.values() for feed in feeds):
        yield Source(kind="file", what=f"feed {name}, data of {dated}", sha256=sha256, at=datetime.fromisoformat(at))
