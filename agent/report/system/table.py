"""The system at the console: what is not met first, with the machines and what to do; then what nobody knows, and why."""

from __future__ import annotations

from collections.abc import Iterator

from agent.language import _
from agent.report.digest import reason, text
from agent.report.system.parts import (
    COLOURS,
    ORDER,
    attested,
    called,
    cited,
    counted,
    excused,
    idle,
    label,
    layout,
    remedy,
    shortened,
    to_do,
    waived,
    waivers,
    why_undetermined,
)
from agent.terminal import Colouring, clean, pad, width, wrap
from baselines.systems.result import RequirementLine, State, SystemAssessment

MAX_CHECKS = 3


def lines(assessment: SystemAssessment, columns: int, ink: Colouring, verbose: bool = False) -> Iterator[str]:
    """The report, line by line. `verbose` adds every check that fails, what waits for a person alone, and what is met."""
    yield from _head(assessment, columns, ink)
    yield ""
    yield from counts(assessment, columns, ink)
    for state in ORDER:
        chosen = [line for line in assessment.lines if line.state is state and (verbose or _worth_showing(line))]
        if not chosen:
            continue
        every = sum(line.state is state for line in assessment.lines)
        yield ""
        yield ink(f"{called('state', state)} ({every})", "bold", *_colour(state))
        for line in chosen:
            yield ""
            yield from _requirement(line, assessment, columns, ink, verbose)
        if rest := every - len(chosen):
            yield ""
            yield from wrap(_("and %d that only wait for a person's word (all of them with --verbose)") % rest, columns, " - ")
    yield from _people(assessment, columns, ink)
    yield from _assets(assessment, columns, ink)


def _worth_showing(line: RequirementLine) -> bool:
    """Not one that nobody but a person decides and has not yet: there may be a hundred of them."""
    if line.state is State.UNDETERMINED:
        return bool(line.assets or line.nobody) and not _passes(line)
    return line.state is not State.MET


def _passes(line: RequirementLine) -> bool:
    return line.counts["pass"] == line.counts["applicable"] and line.waits_for_person


def _colour(state: State) -> tuple[str, ...]:
    return (COLOURS[state],) if state in COLOURS else ()


def _head(assessment: SystemAssessment, columns: int, ink: Colouring) -> Iterator[str]:
    register, standard = assessment.system.register, assessment.baseline.standard
    yield ink(clean(register.name), "bold")
    level = _("level %d") % assessment.level
    pack = f"{assessment.baseline.id} {assessment.baseline.version}"
    yield from wrap(f"{standard.edition}, {level} · {pack} · sha256 {assessment.baseline.digest[:12]}", columns)
    yield from wrap(
        _("Judged as of %(day)s by the register %(file)s (sha256 %(digest)s)")
        % {
            "day": assessment.at.date().isoformat(),
            "file": clean(assessment.system.file),
            "digest": assessment.system.digest[:12],
        },
        columns,
    )
    if assessment.level != register.level:
        yield from wrap(_("The system itself is of level %d.") % register.level, columns)


def counts(assessment: SystemAssessment, columns: int, ink: Colouring) -> Iterator[str]:
    """Requirements by state, the score without and with waivers, and assets by what there is of them."""
    summary = assessment.summary()
    yield from wrap(" · ".join(f"{summary[state]} {called('state', state)}" for state in ORDER), columns)
    score = assessment.score
    yield from wrap(
        _("Met: %(met)d of %(asked)d requirements; %(borne)d counting those that only waivers keep from it.")
        % {"met": score["met"], "asked": score["asked"], "borne": score["met_or_borne"]},
        columns,
    )
    reaches = assessment.reaches
    total = len(assessment.assets)
    shown = [f"{count} {called('reach', reach)}" for reach, count in reaches.items() if count]
    yield from wrap(_("Assets: %(total)d: %(parts)s.") % {"total": total, "parts": "; ".join(shown)}, columns)
    if waiting := len(assessment.waiting):
        yield from wrap(_("%d requirements wait for a person's word.") % waiting, columns)


def _requirement(
    line: RequirementLine, assessment: SystemAssessment, columns: int, ink: Colouring, verbose: bool
) -> Iterator[str]:
    for piece in wrap(f"{label(line)}  {text(line.requirement.title)}", columns, " "):
        yield ink(piece, "bold")
    rows = list(_rows(line, assessment, verbose))
    size = max((width(name) for name, _text in rows), default=0)
    for name, value in rows:
        yield from wrap(clean(value), columns, f"   {pad(name, size)}  ")


def _rows(line: RequirementLine, assessment: SystemAssessment, verbose: bool) -> Iterator[tuple[str, str]]:
    if line.clause:
        yield _("clause"), cited(line, assessment)
    if found := counted(line):
        yield _("assets"), found
    if line.with_waivers is not line.state:
        yield _("with waivers"), called("state", line.with_waivers)
    if line.state is State.UNDETERMINED:
        for why in why_undetermined(line):
            yield _("why"), why
    for said in layout(line, assessment):
        yield _("layout"), said
    work = to_do(line, assessment)
    for check, assets in work if verbose else work[:MAX_CHECKS]:
        yield _("fails"), f"{text(assessment.baseline.checks[check].title)}: {shortened(assets)}"
        yield _("repair"), remedy(check, assets, assessment)
    if len(work) > MAX_CHECKS and not verbose:
        yield "", _("and %d more checks (all of them with --verbose)") % (len(work) - MAX_CHECKS)
    if line.attestation:
        yield _("attested"), attested(line.attestation)
    elif line.waits_for_person and line.requirement.guidance and verbose:
        yield _("what to show"), text(line.requirement.guidance)
    for word in line.excuses:
        yield called("state", State.NOT_APPLICABLE), excused(word)


def _people(assessment: SystemAssessment, columns: int, ink: Colouring) -> Iterator[str]:
    if found := waivers(assessment):
        yield ""
        yield ink(f"{_('Waivers in force')} ({len(found)})", "bold")
        for word in found:
            yield from wrap(clean(f"{waived(word)} · {word.requirement}: {', '.join(word.assets)}"), columns, " - ")
    if assessment.idle:
        yield ""
        yield ink(f"{_('Words that count as nothing')} ({len(assessment.idle)})", "bold", "yellow")
        for one in assessment.idle:
            yield from wrap(clean(idle(one)), columns, " - ")


def _assets(assessment: SystemAssessment, columns: int, ink: Colouring) -> Iterator[str]:
    lost = [state for state in assessment.assets if state.reach != "fresh"]
    if lost:
        yield ""
        yield ink(f"{_('Assets without a fresh snapshot')} ({len(lost)})", "bold", "yellow")
        for state in lost:
            age = "" if state.age_days is None or state.reach == "silent" else " " + _("(%d days)") % state.age_days
            why = f": {reason(state.reason)}" if state.reason else ""
            yield from wrap(clean(f"{state.asset.name}: {called('reach', state.reach)}{age}{why}"), columns, " - ")
    if assessment.unregistered:
        yield ""
        yield ink(
            f"{_('Snapshots of machines that are no asset of this system')} ({len(assessment.unregistered)})", "bold", "yellow"
        )
        yield from wrap(clean(", ".join(assessment.unregistered)), columns, " - ")
