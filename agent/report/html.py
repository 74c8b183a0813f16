"""The report as one HTML file: no script, nothing fetched from elsewhere, fit for A4 paper.

Every text goes through `escape`: host names, file contents and reasons come from machines that may be hostile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape as _escape

from agent.language import _, current
from agent.report.digest import (
    COVERAGE_WORDS,
    COVERAGES,
    KINDS,
    OUTCOME_WORDS,
    SEVERITY_WORDS,
    VERDICT_WORDS,
    Clause,
    Digest,
    Entry,
    reason,
    seen,
    text,
    wanted,
)
from agent.report.table import left_words, next_step
from agent.terminal import clean
from baselines.model import Verdict

_STYLE = """
:root{--ink:#1c2330;--dim:#5b6675;--line:#d5dae1;--fail:#b3261e;--unknown:#8a5a00;--pass:#1b6e3c}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.25rem;max-width:60rem;color:var(--ink);background:#fff;
 font:15px/1.5 system-ui,"Segoe UI",Roboto,"Noto Sans",Arial,sans-serif}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:2px solid var(--line);padding-bottom:.2rem}
p{margin:.25rem 0}.dim{color:var(--dim)}code{font:13px/1.4 ui-monospace,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.counts{display:flex;flex-wrap:wrap;gap:.5rem;margin:1rem 0;padding:0;list-style:none}
.counts li{border:1px solid var(--line);border-radius:6px;padding:.4rem .8rem;min-width:7rem}.counts b{display:block;font-size:1.4rem}
.fail b,.badge.fail{color:var(--fail)}.unknown b,.badge.unknown{color:var(--unknown)}.pass b,.badge.pass{color:var(--pass)}
article{border:1px solid var(--line);border-left:5px solid var(--dim);border-radius:6px;padding:.6rem .9rem;margin:.7rem 0}
article.fail{border-left-color:var(--fail)}article.unknown{border-left-color:var(--unknown)}
article h3{font-size:1rem;margin:0 0 .3rem}.badge{font-weight:700;text-transform:uppercase;font-size:.8rem;margin-right:.5rem}
dl{display:grid;grid-template-columns:9rem 1fr;gap:.15rem .8rem;margin:0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere;white-space:pre-line}
table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid var(--line);padding:.25rem .5rem .25rem 0;text-align:left;vertical-align:top;
 overflow-wrap:anywhere}th{color:var(--dim);font-weight:600}
@media (max-width:40rem){dl{grid-template-columns:1fr}dt{margin-top:.3rem}}
@media print{@page{size:A4;margin:16mm 14mm}body{padding:0;max-width:none;font-size:10.5pt}article,tr,.counts li{break-inside:avoid}h2,h3{break-after:avoid}}
"""


def escape(value: object) -> str:
    """Text for HTML: markup made harmless, control characters made visible."""
    return _escape(clean(str(value)), quote=True)


def page(reports: list[Digest]) -> str:
    """One page for one machine or for many."""
    title = _("Security posture") + " – " + ", ".join(report.snapshot.target.name for report in reports[:3])
    return document(title, "\n".join(part for report in reports for part in _machine(report)))


def document(title: str, body: str) -> str:
    """The whole file around a body that is escaped already."""
    # the policy forbids what is not there anyway, should an escape ever be forgotten
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="{current()}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _machine(report: Digest) -> Iterator[str]:
    yield "<main>"
    yield from _head(report)
    for verdict, title in ((Verdict.FAIL, _("What fails")), (Verdict.UNKNOWN, _("What could not be decided"))):
        entries = report.of(verdict)
        if entries:
            yield f"<h2>{escape(title)} ({len(entries)})</h2>"
            for entry in entries:
                yield from _entry(entry)
    if report.blanks:
        yield f"<h2>{escape(_('Not seen'))}</h2>"
        rows = ((b.place, _(OUTCOME_WORDS.get(b.outcome, b.outcome)), b.reason) for b in report.blanks)
        yield from _table((_("what"), _("how it ended"), _("why")), rows)
    passed = report.of(Verdict.PASS)
    if passed:
        yield f"<h2>{escape(_('What passes'))} ({len(passed)})</h2>"
        yield from _table(
            (_("clause"), _("check"), _("seen")), ((_labels(e.clauses), text(e.check.title), _evidence(e)) for e in passed)
        )
    if left := report.left_to_centre:
        yield f"<h2>{escape(_('What the collector answers'))} ({len(left)})</h2>"
        yield f"<p>{escape(left_words())}</p>"
        yield from _table((_("clause"), _("check")), ((_labels(e.clauses), text(e.check.title)) for e in left))
    if report.by_hand:
        yield f"<h2>{escape(_('What a person decides'))} ({len(report.by_hand)})</h2>"
        yield from _table((_("clause"), _("requirement"), _("what to show")), (_duty(clause) for clause in report.by_hand))
    if report.not_applicable:
        yield f"<h2>{escape(_('Not applicable to this kind of machine'))} ({len(report.not_applicable)})</h2>"
        yield from _table((_("clause"), _("requirement")), ((c.label, text(c.requirement.title)) for c in report.not_applicable))
    yield "</main>"


def _head(report: Digest) -> Iterator[str]:
    snapshot, assessment = report.snapshot, report.assessment
    kind = _(KINDS.get(str(assessment.kind), "other"))
    yield f"<h1>{escape(snapshot.target.name)}</h1>"
    yield f"<p>{escape(', '.join(part for part in (kind, report.system) if part))}</p>"
    standard = f"{text(report.baseline.title)} ({report.baseline.standard.edition}), {_('level %d') % assessment.level}"
    yield f"<p>{escape(standard)}</p>"
    when = snapshot.collected_at.astimezone().strftime("%Y-%m-%d %H:%M %z")
    seconds = _("Collected %(when)s in %(seconds).1f s, %(rights)s") % {
        "when": when,
        "seconds": snapshot.seconds,
        "rights": report.rights,
    }
    yield f'<p class="dim">{escape(seconds)}. rasoat {escape(snapshot.collector)}, {escape(assessment.baseline)} {escape(assessment.version)}</p>'
    yield f'<p class="dim"><code>snapshot {escape(snapshot.id)} sha256 {escape(snapshot.digest)}</code></p>'
    yield f'<p class="dim"><code>baseline sha256 {escape(assessment.digest)}</code></p>'
    yield '<ul class="counts">'
    for verdict, word in VERDICT_WORDS.items():
        yield f'<li class="{verdict}"><b>{report.summary[verdict]}</b>{escape(_(word))}</li>'
    yield "</ul>"
    coverage = "; ".join(f"{assessment.coverage.get(name, 0)} {_(COVERAGE_WORDS[name])}" for name in COVERAGES)
    yield f"<p>{escape(_('Requirements at this level: %s.') % coverage)}</p>"
    yield f"<p><b>{escape(_('Next:'))}</b> {escape(next_step(report))}</p>"


def _entry(entry: Entry) -> Iterator[str]:
    yield f'<article class="{entry.verdict}">'
    badge = f'<span class="badge {entry.verdict}">{escape(_(SEVERITY_WORDS[entry.check.severity]))}</span>'
    yield f"<h3>{badge}{escape(text(entry.check.title))}</h3>\n<dl>"
    for clause in {clause.requirement.id: clause for clause in entry.clauses}.values():
        yield _row(_("clause"), f"{clause.label} {text(clause.requirement.title)}")
    for finding in entry.findings:
        yield _row(_("seen"), seen(finding))
        if finding.observed is None and finding.reason:
            yield _row(_("why unknown"), reason(finding.reason))
        yield _row(_("wanted"), wanted(finding))
    yield _row(_("repair") if entry.verdict is Verdict.FAIL else _("if it fails"), text(entry.remedy))
    if entry.verify:
        yield f"<dt>{escape(_('look by hand'))}</dt><dd><code>{escape(entry.verify)}</code></dd>"
    yield "</dl></article>"


def _row(name: str, value: str) -> str:
    lines = "\n".join(escape(line) for line in value.split("\n"))
    return f"<dt>{escape(name)}</dt><dd>{lines}</dd>"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "<table><thead><tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    yield "</tbody></table>"


def _labels(clauses: list[Clause]) -> str:
    return ", ".join(dict.fromkeys(clause.label for clause in clauses))


def _evidence(entry: Entry) -> str:
    return "; ".join(seen(finding) for finding in entry.findings[:3])


def _duty(clause: Clause) -> tuple[str, str, str]:
    requirement = clause.requirement
    return clause.label, text(requirement.title), text(requirement.guidance) if requirement.guidance else ""
