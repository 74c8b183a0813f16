"""The closed vocabulary of checks: what each word means, as closures that answer True, False or None (not known). What the
operators compare stands in comparisons.py.

    {fact, field, op, value}                     a leaf; value may be {param: NAME}
    {all: [...]}  {any: [...]}  {not: ...}       three-valued logic
    {every: {fact, rows, where?, must}}          over the rows of a list; inside, leaves are {field, op, value},
    {some:  {fact, rows, where}}                 or {op, value} when the rows are plain words or numbers
    {none:  {fact, rows, where}}

`like` compares with a list of names in which * stands for anything and ? for one character, upper and lower case alike.
"Now" is the time of collection. A list nobody saw is not an empty list: every, some and none over it are None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from baselines.comparisons import Test
from baselines.model import Finding

MAX_ROWS_SHOWN = 20
WORTH_GROUPING = 16


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
    others: Callable[[Context, list[Any], bool], list[Any]] | None = None
    """The rows that do not answer so. Asks each distinct value once: a package's origin is one of five words on a thousand
    rows. Raises where rows must be asked one by one."""


_CANNOT_BE_COMPARED = "the value cannot be compared, or is dated in the future"


def leaf(fact: str, place: str, op: str, test: Test, wanted: Any, shown: Any) -> Rule:
    def rule(context: Context) -> Answer:
        data = context.facts.get(fact)
        observed = None if data is None else data.get(place)
        if observed is None:
            return None, [Finding(fact, place, op, shown, None, context.why(fact, place))]
        try:
            truth = test(observed, wanted, context.now)
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
            return None if observed is None else test(observed, wanted, context.now)
        except (TypeError, ValueError, AttributeError):
            return None

    def equal(context: Context, row: Any) -> bool | None:
        observed = row.get(column) if isinstance(row, dict) else None
        return None if observed is None else observed == wanted

    if op == "eq":  # asked most often by far, of every row
        truth = equal

    def explain(context: Context, row: Any) -> Answer:
        observed = row.get(column) if isinstance(row, dict) else None
        answer = truth(context, row)
        reason = context.why(fact, where) if observed is None else _CANNOT_BE_COMPARED if answer is None else ""
        return answer, [Finding(fact, where, op, shown, observed, reason)]

    column_of = itemgetter(column)

    def others(context: Context, rows: list[Any], answer: bool) -> list[Any]:
        values = set(map(column_of, rows))
        if op == "like":  # names differ on every row, and Patterns remembers them
            alike = {value for value in values if value is not None and wanted[value] is answer}
        else:
            alike = {value for value in values if value is not None and test(value, wanted, context.now) is answer}
        return [] if len(alike) == len(values) else [row for row in rows if row[column] not in alike]

    return RowRule(truth, explain, others)


def item_leaf(fact: str, place: str, op: str, test: Test, wanted: Any, shown: Any) -> RowRule:
    def truth(context: Context, row: Any) -> bool | None:
        try:
            return test(row, wanted, context.now)
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
        worst: bool | None = True
        found: list[Finding] = []
        for part in parts:
            truth, findings = part(*args)
            if truth is worst:
                found += findings
            elif truth is False or worst is True:
                worst, found = truth, findings[:]
        return worst, found

    return rule


def any_of(parts: list[Callable[..., Answer]]) -> Callable[..., Answer]:
    def rule(*args: Any) -> Answer:
        best: bool | None = False
        found: list[Finding] = []
        for part in parts:
            truth, findings = part(*args)
            if truth is True:
                return truth, findings
            if truth is best:
                found += findings
            elif truth is None:
                best, found = None, findings[:]
        return best, found

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


def _others(context: Context, rule: RowRule, rows: list[Any], answer: bool) -> list[Any]:
    """The rows worth asking one by one: those that do not plainly answer so."""
    if rule.others is None or len(rows) < WORTH_GROUPING:
        return rows
    try:
        return rule.others(context, rows, answer)
    except (KeyError, TypeError, ValueError, AttributeError):
        return rows


def every(fact: str, place: str, where: RowRule | None, must: RowRule, shown: list[str]) -> Rule:
    def rule(context: Context) -> Answer:
        rows, missing = _looked(context, fact, place, "every")
        if rows is None:
            return None, missing
        bad: list[Any] = []
        unknown: list[tuple[Any, RowRule]] = []
        asked = rows if where is not None else _others(context, must, rows, True)
        counted = len(rows) - len(asked)
        for row in asked:
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
        for row in _others(context, where, rows, False):
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
