"""The system as one HTML file in the look of the machines' report: no script, nothing fetched, fit for A4 paper.

A dossier is read by requirement: each has its state in the words of the law, x of y, who answers for it, and below it every
asset with the check, what was seen, and the snapshot it was seen in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.language import _
from agent.report.digest import KINDS, reason, seen, text, wanted
from agent.report.html import _row as row
from agent.report.html import _table as table
from agent.report.html import document, escape
from agent.report.system.parts import (
    ORDER,
    attested,
    called,
    cited,
    counted,
    excused,
    idle,
    label,
    layout,
    of,
    remedy,
    shortened,
    to_do,
    waived,
    waivers,
    why_undetermined,
)
from baselines.systems.compare import Comparison, Turn
from baselines.systems.result import AssetLine, RequirementLine, Standing, State, SystemAssessment

_CLASSES = {State.NOT_MET: "fail", State.UNDETERMINED: "unknown", State.PARTLY: "unknown", State.MET: "pass"}
_OPEN = (State.NOT_MET, State.UNDETERMINED, State.PARTLY)


def page(assessment: SystemAssessment) -> str:
    """One page for one system."""
    title = f"{_('Security of an information system')} – {assessment.system.register.name}"
    return document(title, "\n".join(_body(assessment)))


def _body(assessment: SystemAssessment) -> Iterator[str]:
    yield "<main>"
    yield from _head(assessment)
    yield f"<h2>{escape(_('Requirements'))}</h2>"
    yield from _overview(assessment)
    for state in _OPEN:
        chosen = [line for line in assessment.lines if line.state is state]
        if chosen:
            yield f"<h2>{escape(called('state', state))} ({len(chosen)})</h2>"
            for line in chosen:
                yield from _requirement(line, assessment)
    yield from _people(assessment)
    yield from _assets(assessment)
    yield from _evidence(assessment)
    yield "</main>"


def _head(assessment: SystemAssessment) -> Iterator[str]:
    register, baseline = assessment.system.register, assessment.baseline
    yield f"<h1>{escape(register.name)}</h1>"
    standard = f"{text(baseline.title)} ({baseline.standard.edition}), {_('level %d') % assessment.level}"
    yield f"<p>{escape(standard)}</p>"
    yield f'<p class="dim">{escape(text(baseline.standard.status))}</p>'
    day = _("Judged as of %(day)s by the register %(file)s (sha256 %(digest)s)") % {
        "day": assessment.at.date().isoformat(),
        "file": assessment.system.file,
        "digest": assessment.system.digest,
    }
    yield f'<p class="dim">{escape(day)}</p>'
    yield f'<p class="dim"><code>baseline {escape(baseline.id)} {escape(baseline.version)} sha256 {escape(baseline.digest)}</code></p>'
    yield f'<p class="dim"><code>assessment sha256 {escape(assessment.digest)}</code></p>'
    summary = assessment.summary()
    yield '<ul class="counts">'
    for state in ORDER:
        yield f'<li class="{_CLASSES.get(state, "")}"><b>{summary[state]}</b>{escape(called("state", state))}</li>'
    yield "</ul>"
    score = assessment.score
    met = _("Met: %(met)d of %(asked)d requirements; %(borne)d counting those that only waivers keep from it.") % {
        "met": score["met"],
        "asked": score["asked"],
        "borne": score["met_or_borne"],
    }
    parts = "; ".join(f"{count} {called('reach', reach)}" for reach, count in assessment.reaches.items() if count)
    total = _("Assets: %(total)d: %(parts)s.") % {"total": len(assessment.assets), "parts": parts}
    waiting = _("%d requirements wait for a person's word.") % len(assessment.waiting)
    yield "".join(f"<p>{escape(one)}</p>" for one in (met, total, waiting))


def _overview(assessment: SystemAssessment) -> Iterator[str]:
    """Every requirement in one table."""
    names = (_("clause"), _("requirement"), _("state"), _("assets"), _("who answers"))
    yield from _spread(names, (9, 34, 15, 22, 20), (_summary(line) for line in assessment.lines))


def _spread(names: tuple[str, ...], shares: tuple[int, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table whose columns have their share of the width in per cent: a state or an asset's name is not broken into letters."""
    first, *rest = table(names, rows)
    columns = "".join(f'<col style="width:{share}%">' for share in shares)
    yield first.replace("<table>", f"<table><colgroup>{columns}</colgroup>", 1)
    yield from rest


def _summary(line: RequirementLine) -> tuple[str, ...]:
    state = called("state", line.state)
    if line.with_waivers is not line.state:
        state += " (" + _("with waivers: %s") % called("state", line.with_waivers) + ")"
    who = attested(line.attestation) if line.attestation else "; ".join(excused(word) for word in line.excuses)
    if not who and line.waits_for_person:
        who = _("nobody yet")
    return label(line), text(line.requirement.title), state, counted(line), who


def _requirement(line: RequirementLine, assessment: SystemAssessment) -> Iterator[str]:
    style = _CLASSES.get(line.state, "")
    yield f'<article class="{style}">'
    badge = f'<span class="badge {style}">{escape(called("state", line.state))}</span>'
    yield f"<h3>{badge}{escape(label(line))} {escape(text(line.requirement.title))}</h3>\n<dl>"
    if line.clause:
        yield row(_("clause"), cited(line, assessment))
    if found := counted(line):
        yield row(_("assets"), found)
    if line.state is State.UNDETERMINED:
        for why in why_undetermined(line):
            yield row(_("why"), why)
    for said in layout(line, assessment):
        yield row(_("layout"), said)
    for check, assets in to_do(line, assessment):
        checked = assessment.baseline.checks[check]
        yield row(_("fails"), f"{text(checked.title)}: {shortened(assets, 40)}")
        yield row(_("repair"), remedy(check, assets, assessment))
    if line.attestation:
        yield row(_("attested"), attested(line.attestation))
    elif line.waits_for_person and line.requirement.guidance:
        yield row(_("what to show"), text(line.requirement.guidance))
    for word in dict.fromkeys(word.id for asset in line.assets for word in asset.waivers):
        yield row(_("waiver"), waived(next(one for one in waivers(assessment) if one.id == word)))
    for excuse in line.excuses:
        yield row(called("state", State.NOT_APPLICABLE), excused(excuse))
    yield "</dl>"
    failing = of(line, Standing.FAIL)
    if failing:
        names = (_("asset"), _("check"), _("seen"), _("wanted"), _("snapshot"))
        yield from _spread(names, (12, 24, 34, 12, 18), (cells for asset in failing for cells in _failing(asset, assessment)))
    yield "</article>"


def _failing(asset: AssetLine, assessment: SystemAssessment) -> Iterator[tuple[str, ...]]:
    name = f"{asset.asset} ({called('standing', 'waived')})" if asset.borne else asset.asset
    for one in asset.checks:
        if one.result.verdict != "fail":
            continue
        findings = one.result.findings[:5]
        yield (
            name,
            text(assessment.baseline.checks[str(one.result.check)].title),
            "; ".join(seen(finding) for finding in findings),
            "; ".join(dict.fromkeys(wanted(finding) for finding in findings)),
            one.snapshot.id if one.snapshot else "",
        )


def _people(assessment: SystemAssessment) -> Iterator[str]:
    if found := waivers(assessment):
        yield f"<h2>{escape(_('Waivers in force'))} ({len(found)})</h2>"
        yield from table(
            (_("requirement"), _("assets"), _("waiver")), ((one.requirement, ", ".join(one.assets), waived(one)) for one in found)
        )
    if assessment.idle:
        yield f"<h2>{escape(_('Words that count as nothing'))} ({len(assessment.idle)})</h2>"
        yield "<ul>" + "".join(f"<li>{escape(idle(one))}</li>" for one in assessment.idle) + "</ul>"
    if assessment.unregistered:
        yield f"<h2>{escape(_('Snapshots of machines that are no asset of this system'))} ({len(assessment.unregistered)})</h2>"
        yield f"<p>{escape(', '.join(assessment.unregistered))}</p>"


def _assets(assessment: SystemAssessment) -> Iterator[str]:
    zones = {zone.id: zone for zone in assessment.system.register.zones}
    yield f"<h2>{escape(_('Assets'))} ({len(assessment.assets)})</h2>"
    yield from table(
        (_("asset"), _("kind"), _("zone"), _("snapshot"), _("collected"), _("what there is of it")),
        (
            (
                state.asset.name,
                _(KINDS[state.asset.kind]),
                f"{state.asset.zone}: {called('zone', zones[state.asset.zone].type)}",
                f"{state.snapshot.id} sha256 {state.snapshot.digest[:12]}" if state.snapshot else "",
                state.snapshot.collected_at.isoformat() if state.snapshot else "",
                ": ".join(part for part in (called("reach", state.reach), reason(state.reason)) if part),
            )
            for state in assessment.assets
        ),
    )


def _evidence(assessment: SystemAssessment) -> Iterator[str]:
    """What the system as a whole was put together from."""
    yield f"<h2>{escape(_('What the layout of the system rests on'))}</h2>"
    rows = (
        (source.what, source.sha256 or "", source.at.isoformat())
        for record in assessment.design.records
        for source in record.sources
    )
    yield from table((_("what"), "sha256", _("collected")), rows)


def comparison(found: Comparison) -> str:
    """What another level would ask, as one page."""
    levels = {"low": found.before.level, "high": found.after.level}
    title = _("From level %(low)d to level %(high)d") % levels
    return document(f"{title} – {found.before.system.register.name}", "\n".join(_turns(title, found)))


def _turns(title: str, found: Comparison) -> Iterable[str]:
    from agent.report.system.comparison import moved, totals

    yield f"<main><h1>{escape(found.before.system.register.name)}</h1><p>{escape(title)}</p>"
    yield "".join(f"<p>{escape(one)}</p>" for one in totals(found))
    yield "<table><thead><tr>"
    yield "".join(f"<th>{escape(one)}</th>" for one in (_("clause"), _("requirement"), _("state"), _("what to do")))
    yield "</tr></thead><tbody>"
    for turn in found.turns:
        cells = (turn.clause or turn.requirement.id, text(turn.requirement.title), moved(turn))
        yield "<tr>" + "".join(f"<td>{escape(one)}</td>" for one in cells) + f"<td>{_work(turn, found)}</td></tr>"
    yield "</tbody></table></main>"


def _work(turn: Turn, found: Comparison) -> str:
    parts = []
    for name in turn.checks:
        on = [one.asset for one in turn.assets if name in one.checks]
        parts.append(f"{remedy(name, on, found.after)} [{shortened(on, 40)}]")
    if turn.person and turn.requirement.guidance:
        parts.append(f"{_('a person shows')}: {text(turn.requirement.guidance)}")
    return "<br>".join(escape(part) for part in parts)
