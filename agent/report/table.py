"""The report at the console: worst first, and for each line what was seen, what was wanted, how to repair it."""

from __future__ import annotations

from collections.abc import Iterator

from agent.language import _, plural
from agent.report.digest import (
    COVERAGE_WORDS,
    COVERAGES,
    KINDS,
    OUTCOME_WORDS,
    SEVERITY_WORDS,
    VERDICT_WORDS,
    Blank,
    Clause,
    Digest,
    Entry,
    reason,
    seen,
    shown,
    text,
    wanted,
)
from agent.terminal import Colouring, clean, pad, width, wrap
from baselines.model import Finding, Verdict

MAX_FINDINGS = 5
MAX_BLANKS = 12
_ORDER = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS, Verdict.MANUAL, Verdict.NOT_APPLICABLE)
_COLOUR = {Verdict.FAIL: "red", Verdict.UNKNOWN: "yellow", Verdict.PASS: "green"}


def lines(report: Digest, columns: int, ink: Colouring, verbose: bool = False) -> Iterator[str]:
    """The report, line by line. `verbose` adds the checks that passed and what a person decides."""
    yield from _head(report, columns, ink)
    if blank := report.unreached:
        yield ""
        yield ink(_("Nothing was seen of this machine"), "bold", "yellow")
        yield from wrap(f"{_(OUTCOME_WORDS[blank.outcome])}: {clean(blank.reason)}", columns, "   ")
        yield ""
        yield from _counts(report, columns, ink)
        return
    for verdict, title in ((Verdict.FAIL, _("What fails")), (Verdict.UNKNOWN, _("What could not be decided"))):
        entries = report.of(verdict)
        if entries:
            yield ""
            yield ink(f"{title} ({len(entries)})", "bold", _COLOUR[verdict])
            for entry in entries:
                yield ""
                yield from _entry(entry, columns, ink)
    if verbose:
        yield from _rest(report, columns, ink)
    yield from _left_to_centre(report, columns, ink)
    yield ""
    yield from _foot(report, columns, ink)


def _head(report: Digest, columns: int, ink: Colouring) -> Iterator[str]:
    snapshot, assessment = report.snapshot, report.assessment
    about = ", ".join(part for part in (_(KINDS.get(str(assessment.kind), "other")), report.system) if part)
    name = clean(snapshot.target.name)
    yield from (line.replace(name, ink(name, "bold"), 1) for line in wrap(f"{name} ({clean(about)})", columns))
    level = _("level %d") % assessment.level
    yield from wrap(
        f"{report.baseline.standard.edition}, {level} · {report.baseline.id} {assessment.version} · sha256 {assessment.digest[:12]}",
        columns,
    )
    when = snapshot.collected_at.astimezone().strftime("%Y-%m-%d %H:%M %z")
    yield from wrap(
        _("Collected %(when)s in %(seconds).1f s, %(rights)s")
        % {"when": when, "seconds": snapshot.seconds, "rights": report.rights},
        columns,
    )


def _entry(entry: Entry, columns: int, ink: Colouring) -> Iterator[str]:
    colour = _COLOUR.get(entry.verdict, "dim")
    badge = f" {_(SEVERITY_WORDS[entry.check.severity])} "
    title = list(wrap(text(entry.check.title), columns, " " * width(badge) + " "))
    yield ink(badge, colour, "bold") + ink(title[0][width(badge) :], "bold")
    yield from (ink(line, "bold") for line in title[1:])
    rows: list[tuple[str, str]] = [(_("clause"), _clauses(entry.clauses))]
    shown_findings = entry.findings[:MAX_FINDINGS]
    for number, finding in enumerate(shown_findings):
        rows += _finding(entry.verdict, finding)
        # said once for neighbours that ask the same: ten accounts, one rule
        if number + 1 == len(shown_findings) or wanted(shown_findings[number + 1]) != wanted(finding):
            rows.append((_("wanted"), clean(wanted(finding))))
    if len(entry.findings) > MAX_FINDINGS:
        more = len(entry.findings) - MAX_FINDINGS
        rows.append(
            (
                "",
                plural("and %d more (all of them with --format html)", "and %d more (all of them with --format html)", more)
                % more,
            )
        )
    rows.append((_("repair") if entry.verdict is Verdict.FAIL else _("if it fails"), text(entry.remedy)))
    if entry.verify:
        rows.append((_("look by hand"), entry.verify))
    label = max(width(name) for name, _text in rows)
    for name, value in rows:
        first = "   " + pad(name, label) + "  "
        for number, line in enumerate(wrap(value, columns, first)):
            yield (
                ink(line[: 3 + len(pad(name, label))], "dim") + line[3 + len(pad(name, label)) :]
                if number == 0 and name
                else line
            )


def _finding(verdict: Verdict, finding: Finding) -> Iterator[tuple[str, str]]:
    yield _("seen"), clean(seen(finding))
    if verdict is Verdict.UNKNOWN and finding.reason and finding.observed is None:
        yield _("why unknown"), clean(reason(finding.reason))


def _clauses(clauses: list[Clause]) -> str:
    first = clauses[0]
    labels = ", ".join(dict.fromkeys(clause.label for clause in clauses))
    return f"{labels} – {text(first.requirement.title)}"


def _rest(report: Digest, columns: int, ink: Colouring) -> Iterator[str]:
    passed = report.of(Verdict.PASS)
    if passed:
        yield ""
        yield ink(f"{_('What passes')} ({len(passed)})", "bold", "green")
        for entry in passed:
            yield from wrap(
                f"{text(entry.check.title)} [{', '.join(dict.fromkeys(c.label for c in entry.clauses))}]", columns, " - "
            )
    if report.by_hand:
        yield ""
        yield ink(f"{_('What a person decides')} ({len(report.by_hand)})", "bold")
        for clause in report.by_hand:
            yield from wrap(f"{clause.label} {text(clause.requirement.title)}", columns, " - ")


def _left_to_centre(report: Digest, columns: int, ink: Colouring) -> Iterator[str]:
    """Told in a few lines: no fault of the machine, nor of who looks after it."""
    if entries := report.left_to_centre:
        yield ""
        yield ink(f"{_('What the collector answers')} ({len(entries)})", "bold")
        yield from wrap(left_words(), columns, "   ")
        for entry in entries:
            yield from wrap(
                f"{text(entry.check.title)} [{', '.join(dict.fromkeys(c.label for c in entry.clauses))}]", columns, " - "
            )


def left_words() -> str:
    """Why these lines have no verdict here."""
    return _(
        "They rest on data of publishers that only the collector has: they are not counted here, neither as open nor as passed."
    )


def _foot(report: Digest, columns: int, ink: Colouring) -> Iterator[str]:
    yield from _counts(report, columns, ink)
    coverage = [f"{report.assessment.coverage.get(name, 0)} {_(COVERAGE_WORDS[name])}" for name in COVERAGES]
    yield from wrap(_("Requirements at this level: %s.") % "; ".join(coverage), columns)
    if report.blanks:
        yield ""
        yield ink(_("Not seen"), "bold", "yellow")
        yield from _blanks(report.blanks, columns)
    yield ""
    label = _("Next:")
    yield from (line.replace(label, ink(label, "bold"), 1) for line in wrap(next_step(report), columns, f"{label} ", ""))


def _blanks(blanks: list[Blank], columns: int) -> Iterator[str]:
    """One line for each reason, however many fields it hid."""
    places: dict[tuple[str, str], list[str]] = {}
    for blank in blanks:
        places.setdefault((blank.outcome, blank.reason), []).append(blank.place)
    for (outcome, why), hidden in list(places.items())[:MAX_BLANKS]:
        yield from wrap(f"{clean(', '.join(hidden))}: {_(OUTCOME_WORDS.get(outcome, outcome))}: {clean(why)}", columns, " - ")
    if len(places) > MAX_BLANKS:
        more = len(places) - MAX_BLANKS
        yield " - " + plural("and %d more", "and %d more", more) % more


def _counts(report: Digest, columns: int, ink: Colouring) -> Iterator[str]:
    line, used = "", 0
    for verdict in _ORDER:
        piece = f"{report.summary[verdict]} {_(VERDICT_WORDS[verdict])}"
        if used and used + 3 + width(piece) > columns:
            yield line
            line, used = "", 0
        gap = " · " if used else ""
        line, used = line + gap + ink(piece, *_lit(verdict, report.summary[verdict])), used + len(gap) + width(piece)
    yield line


def _lit(verdict: Verdict, count: int) -> tuple[str, ...]:
    return (_COLOUR[verdict], "bold") if count and verdict in _COLOUR else ("dim",)


def next_step(report: Digest) -> str:
    """The one thing to do now."""
    if report.denied:
        return _("run it again as root: part of the machine was hidden from this account.")
    if report.summary[Verdict.FAIL]:
        return _("repair the worst line first, then run the same command again; a repaired line disappears.")
    if report.summary[Verdict.UNKNOWN]:
        return _("nothing failed, but some questions stayed open; each says why.")
    if not report.summary[Verdict.PASS]:
        return _("no check applied to this machine; look at the kind and the level that were used.")
    return _("everything a machine can decide has passed; %s lines are left for a person.") % shown(
        report.summary[Verdict.MANUAL]
    )
