"""The closed vocabulary of checks: what each word means, as closures that answer True, False or None (not known).

    {fact, field, op, value}                     a leaf; value may be {param: NAME}
    {all: [...]}  {any: [...]}  {not: ...}       three-valued logic
    {every: {fact, rows, where?, must}}          over the rows of a list; inside, leaves are {field, op, value},
    {some:  {fact, rows, where}}                 or {op, value} when the rows are plain words or numbers
    {none:  {fact, rows, where}}

`like` compares with a list of names in which * stands for anything and ? for one character, upper and lower case alike.
"Now" is the time of collection. A list nobody saw is not an empty list: every, some and none over it are None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from baselines.model import Finding

MAX_ROWS_SHOWN = 20
MAX_MATCHED = 256
MAX_REMEMBERED = 50_000


@dataclass(slots=True)
class Context:
    """One snapshot, ready to be asked."""

    facts: Mapping[str, Mapping[str, Any]]
    """Facts that were seen, as JSON."""
    missing: Mapping[str, str]
    """Why the others were not."""
    now: datetime

    def why(self, fact: str, place: str) -> str:
        """Why a field holds None."""
        if fact not in self.facts:
            return self.missing.get(fact, "not collected")
        for entry in self.facts[fact].get("unseen") or ():
            if entry["field"] == place:
                return f"{entry['outcome']}: {entry['reason']}"
        return "not seen"


Answer = tuple[bool | None, list[Finding]]
Rule = Callable[[Context], Answer]


class RowRule(NamedTuple):
    """A rule about one row. `truth` alone is asked of every row; `explain` only of the few that are shown."""

    truth: Callable[[Context, Any], bool | None]
    explain: Callable[[Context, Any], Answer]


Test = Callable[[Any, Any, Context], bool | None]
"""(observed, wanted, context): observed is never None."""


# --- comparisons ---------------------------------------------------------------------------------------------------


def _number(observed: Any) -> float:
    return float("inf") if observed == "unlimited" else observed


def _at_least(observed: Any, wanted: Any, _: Context) -> bool:
    return _number(observed) >= _number(wanted)


def _at_most(observed: Any, wanted: Any, _: Context) -> bool:
    return _number(observed) <= _number(wanted)


def _age_days(observed: Any, now: datetime) -> float:
    if observed == "never":
        return float("inf")
    if len(observed) == 10:
        return float((now.date() - date.fromisoformat(observed)).days)
    moment = datetime.fromisoformat(observed)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (now - moment).total_seconds() / 86400


def _within_days(observed: Any, wanted: Any, context: Context) -> bool | None:
    age = _age_days(observed, context.now)
    if age < -1:
        return None  # dated in the future: a wrong clock somewhere, not freshness
    return bool(age <= wanted)


def _older_than(observed: Any, wanted: Any, context: Context) -> bool:
    return bool(_age_days(observed, context.now) > wanted)


def _days_ahead(observed: Any, wanted: Any, context: Context) -> bool:
    return bool(-_age_days(observed, context.now) >= wanted)


def _contains(observed: Any, wanted: Any, _: Context) -> bool:
    return all(item in observed for item in wanted) if isinstance(wanted, list) else wanted in observed


def _cidr_in(observed: Any, wanted: Any, _: Context) -> bool:
    networks = [ip_network(item) for item in (wanted if isinstance(wanted, list) else [wanted])]
    addresses = [ip_address(item.split("%")[0]) for item in (observed if isinstance(observed, list) else [observed])]
    return all(any(address in network for network in networks) for address in addresses)


class Patterns(dict[str, bool]):
    """Whether a name is one of the listed names or patterns; upper and lower case are alike, * stands for anything, ? for one
    character. What was asked once is remembered: thousands of packages have the same names on every machine."""

    def __init__(self, listed: list[str]) -> None:
        super().__init__()
        lower = [item.lower() for item in listed]
        wild = [item for item in lower if "*" in item or "?" in item]
        self._names = frozenset(lower) - frozenset(wild)
        self._wild = re.compile("|".join(re.escape(item).replace(r"\*", ".*").replace(r"\?", ".") for item in wild))

    def __missing__(self, name: str) -> bool:
        lower = name.lower()
        found = lower in self._names or (bool(self._wild.pattern) and self._wild.fullmatch(_short(lower)) is not None)
        if len(self) < MAX_REMEMBERED:
            self[name] = found
        return found


def _short(text: str) -> str:
    """Text a pattern may be tried on: matching longer ones could take for ever, so they cannot be compared."""
    if len(text) > MAX_MATCHED:
        raise ValueError(f"longer than {MAX_MATCHED} characters")
    return text


def _version(text: str) -> list[tuple[int, int | str]]:
    return [(1, int(part)) if part.isdigit() else (0, part) for part in re.findall(r"\d+|[a-zA-Z]+", text)]


OPERATORS: dict[str, Test] = {
    "eq": lambda observed, wanted, _: observed == wanted,
    "ne": lambda observed, wanted, _: observed != wanted,
    "in": lambda observed, wanted, _: observed in wanted,
    "not_in": lambda observed, wanted, _: observed not in wanted,
    "at_least": _at_least,
    "at_most": _at_most,
    "matches": lambda observed, wanted, _: wanted.fullmatch(_short(observed)) is not None,
    "like": lambda observed, wanted, _: wanted[observed],
    "within_days": _within_days,
    "older_than": _older_than,
    "days_ahead": _days_ahead,
    "version_at_least": lambda observed, wanted, _: _version(observed) >= _version(wanted),
    "is_empty": lambda observed, wanted, _: (len(observed) == 0) is wanted,
    "contains": _contains,
    "cidr_in": _cidr_in,
}


# --- closures ------------------------------------------------------------------------------------------------------


_CANNOT_BE_COMPARED = "the value cannot be compared, or is dated in the future"


def leaf(fact: str, place: str, op: str, test: Test, wanted: Any, shown: Any) -> Rule:
    def rule(context: Context) -> Answer:
        data = context.facts.get(fact)
        observed = None if data is None else data.get(place)
        if observed is None:
            return None, [Finding(fact, place, op, shown, None, context.why(fact, place))]
        try:
            truth = test(observed, wanted, context)
        except (TypeError, ValueError, AttributeError) as error:
            return None, [Finding(fact, place, op, shown, observed, f"the value cannot be compared: {error}")]
        reason = "dated in the future" if truth is None else ""
        return truth, [Finding(fact, place, op, shown, observed, reason)]

    return rule


def row_leaf(fact: str, place: str, column: str, op: str, test: Test, wanted: Any, shown: Any) -> RowRule:
    where = f"{place}[].{column}"

    def truth(context: Context, row: Any) -> bool | None:
        try:
            observed = row.get(column)
            return None if observed is None else test(observed, wanted, context)
        except (TypeError, ValueError, AttributeError):
            return None

    def explain(context: Context, row: Any) -> Answer:
        observed = row.get(column) if isinstance(row, dict) else None
        answer = truth(context, row)
        reason = context.why(fact, where) if observed is None else _CANNOT_BE_COMPARED if answer is None else ""
        return answer, [Finding(fact, where, op, shown, observed, reason)]

    return RowRule(truth, explain)


def item_leaf(fact: str, place: str, op: str, test: Test, wanted: Any, shown: Any) -> RowRule:
    def truth(context: Context, row: Any) -> bool | None:
        try:
            return test(row, wanted, context)
        except (TypeError, ValueError, AttributeError):
            return None

    def explain(context: Context, row: Any) -> Answer:
        answer = truth(context, row)
        return answer, [Finding(fact, f"{place}[]", op, shown, row, _CANNOT_BE_COMPARED if answer is None else "")]

    return RowRule(truth, explain)


def all_rows(parts: list[RowRule]) -> RowRule:
    truths = [part.truth for part in parts]

    def truth(context: Context, row: Any) -> bool | None:
        worst: bool | None = True
        for one in truths:
            answer = one(context, row)
            if answer is False:
                return False
            if answer is None:
                worst = None
        return worst

    return RowRule(truth, all_of([part.explain for part in parts]))


def any_row(parts: list[RowRule]) -> RowRule:
    truths = [part.truth for part in parts]

    def truth(context: Context, row: Any) -> bool | None:
        best: bool | None = False
        for one in truths:
            answer = one(context, row)
            if answer is True:
                return True
            if answer is None:
                best = None
        return best

    return RowRule(truth, any_of([part.explain for part in parts]))


def negate_row(part: RowRule) -> RowRule:
    def truth(context: Context, row: Any) -> bool | None:
        answer = part.truth(context, row)
        return None if answer is None else not answer

    return RowRule(truth, negate(part.explain))


def all_of(parts: list[Callable[..., Answer]]) -> Callable[..., Answer]:
    def rule(*args: Any) -> Answer:
        answers = [part(*args) for part in parts]
        worst = (
            False if any(truth is False for truth, _ in answers) else None if any(truth is None for truth, _ in answers) else True
        )
        return worst, [finding for truth, findings in answers if truth is worst for finding in findings]

    return rule


def any_of(parts: list[Callable[..., Answer]]) -> Callable[..., Answer]:
    def rule(*args: Any) -> Answer:
        answers = []
        for part in parts:
            answer = part(*args)
            if answer[0] is True:
                return answer
            answers.append(answer)
        best = None if any(truth is None for truth, _ in answers) else False
        return best, [finding for truth, findings in answers if truth is best for finding in findings]

    return rule


def negate(part: Callable[..., Answer]) -> Callable[..., Answer]:
    def rule(*args: Any) -> Answer:
        truth, findings = part(*args)
        for finding in findings:
            finding.op = finding.op[4:] if finding.op.startswith("not ") else f"not {finding.op}"
        return (None if truth is None else not truth), findings

    return rule


_NAMING = ("name", "id", "protocol", "address", "port", "target", "who", "software")


def _display(row: Any, shown: list[str]) -> Any:
    """What of a row a reader needs: what names it, and what was looked at."""
    if not isinstance(row, dict):
        return row
    return {key: value for key, value in row.items() if key in _NAMING or key in shown}


def _listed(fact: str, place: str, word: str, rows: list[Any], shown: list[str], reason: str) -> list[Finding]:
    found = [Finding(fact, place, word, None, _display(row, shown), reason) for row in rows[:MAX_ROWS_SHOWN]]
    if len(rows) > MAX_ROWS_SHOWN:
        found.append(Finding(fact, place, word, None, len(rows) - MAX_ROWS_SHOWN, "more rows like these"))
    return found


def _looked(context: Context, fact: str, place: str, word: str) -> tuple[list[Any] | None, list[Finding]]:
    data = context.facts.get(fact)
    rows = None if data is None else data.get(place)
    if rows is None:
        return None, [Finding(fact, place, word, None, None, context.why(fact, place))]
    if not isinstance(rows, list):
        return None, [Finding(fact, place, word, None, rows, "not a list")]
    return rows, []


def _unknowns(
    context: Context, fact: str, place: str, word: str, unknown: list[tuple[Any, RowRule]], shown: list[str]
) -> list[Finding]:
    row, rule = unknown[0]
    reason = next((finding.reason for finding in rule.explain(context, row)[1] if finding.reason), "not seen")
    return _listed(fact, place, word, [row for row, _ in unknown], shown, reason)


def every(fact: str, place: str, where: RowRule | None, must: RowRule, shown: list[str]) -> Rule:
    def rule(context: Context) -> Answer:
        rows, missing = _looked(context, fact, place, "every")
        if rows is None:
            return None, missing
        bad: list[Any] = []
        unknown: list[tuple[Any, RowRule]] = []
        counted = 0
        for row in rows:
            selected = True if where is None else where.truth(context, row)
            if selected is False:
                continue
            counted += 1
            holds = must.truth(context, row)
            if holds is True:
                continue
            if holds is False and selected is True:
                bad.append(row)
            else:
                unknown.append((row, where if where is not None and selected is None else must))
        if bad:
            return False, _failed_rows(context, fact, place, bad, must, shown)
        if unknown:
            return None, _unknowns(context, fact, place, "every", unknown, shown)
        return True, [Finding(fact, place, "every", None, counted, "rows looked at")]

    return rule


def _failed_rows(context: Context, fact: str, place: str, bad: list[Any], must: RowRule, shown: list[str]) -> list[Finding]:
    found = []
    for row in bad[:MAX_ROWS_SHOWN]:
        first = must.explain(context, row)[1][0]
        found.append(Finding(fact, first.field, first.op, first.expected, _display(row, shown)))
    if len(bad) > MAX_ROWS_SHOWN:
        found.append(Finding(fact, place, "every", None, len(bad) - MAX_ROWS_SHOWN, "more rows like these"))
    return found


def some(fact: str, place: str, where: RowRule, _: None, shown: list[str]) -> Rule:
    def rule(context: Context) -> Answer:
        rows, missing = _looked(context, fact, place, "some")
        if rows is None:
            return None, missing
        unknown: list[tuple[Any, RowRule]] = []
        for row in rows:
            truth = where.truth(context, row)
            if truth is True:
                return True, _listed(fact, place, "some", [row], shown, "")
            if truth is None:
                unknown.append((row, where))
        if unknown:
            return None, _unknowns(context, fact, place, "some", unknown, shown)
        return False, [Finding(fact, place, "some", None, len(rows), "rows looked at, none fits")]

    return rule


def none(fact: str, place: str, where: RowRule, _: None, shown: list[str]) -> Rule:
    def rule(context: Context) -> Answer:
        rows, missing = _looked(context, fact, place, "none")
        if rows is None:
            return None, missing
        hits: list[Any] = []
        unknown: list[tuple[Any, RowRule]] = []
        for row in rows:
            truth = where.truth(context, row)
            if truth is True:
                hits.append(row)
            elif truth is None:
                unknown.append((row, where))
        if hits:
            return False, _listed(fact, place, "none", hits, shown, "")
        if unknown:
            return None, _unknowns(context, fact, place, "none", unknown, shown)
        return True, [Finding(fact, place, "none", None, len(rows), "rows looked at")]

    return rule
