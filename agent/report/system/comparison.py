"""What another level would ask of the system, at the console: counts first, then each requirement that turns."""

from __future__ import annotations

from collections.abc import Iterator

from agent.language import _
from agent.report.digest import text
from agent.report.system.parts import ORDER, called, remedy, shortened
from agent.terminal import Colouring, clean, wrap
from baselines.systems.compare import Comparison, Turn

MAX_CHECKS = 3


def lines(found: Comparison, columns: int, ink: Colouring, verbose: bool = False) -> Iterator[str]:
    """The comparison, line by line. `verbose` adds every check, and what a person shows."""
    yield ink(clean(found.before.system.register.name), "bold")
    for assessment in (found.before, found.after):
        summary = assessment.summary()
        counts = " · ".join(f"{summary[state]} {called('state', state)}" for state in ORDER)
        yield from wrap(f"{_('level %d') % assessment.level}: {counts}", columns, "  ")
    for one in totals(found):
        yield from wrap(one, columns, "  ")
    for title, turns in _sections(found):
        if turns:
            yield ""
            yield ink(f"{title} ({len(turns)})", "bold")
            for turn in turns:
                yield from _turn(turn, found, columns, verbose)


def totals(found: Comparison) -> list[str]:
    """The counts, as sentences."""
    counts = found.summary
    return [
        _("%(turned)d requirements turn: %(new)d are new, %(gone)d are no longer asked, %(lost)d are met now and would not be.")
        % {"turned": counts["turned"], "new": counts["new"], "gone": counts["gone"], "lost": counts["no_longer_met"]},
        _("%(requirements)d need work on machines (%(assets)d assets); %(person)d need a person's word, %(new)d of them new.")
        % {
            "requirements": counts["with_work_on_assets"],
            "assets": counts["assets_with_work"],
            "person": counts["for_a_person"],
            "new": counts["new_for_a_person"],
        },
    ]


def moved(turn: Turn) -> str:
    """From what to what."""
    before = called("state", turn.before) if turn.before else _("not asked")
    after = called("state", turn.after) if turn.after else _("not asked")
    return f"{before} → {after}"


def _sections(found: Comparison) -> Iterator[tuple[str, list[Turn]]]:
    stays = [turn for turn in found.turns if turn.after is not None]
    work = [turn for turn in stays if turn.checks]
    person = [turn for turn in stays if turn.person and not turn.checks]
    yield _("Work on machines"), work
    yield _("What a person has to say"), person
    yield _("Other changes"), [turn for turn in stays if turn not in work and turn not in person]
    yield _("No longer asked"), [turn for turn in found.turns if turn.after is None]


def _turn(turn: Turn, found: Comparison, columns: int, verbose: bool) -> Iterator[str]:
    label = turn.clause or turn.requirement.id
    yield from wrap(f"{moved(turn)}  {label} {text(turn.requirement.title)}", columns, " - ")
    names = turn.checks if verbose else turn.checks[:MAX_CHECKS]
    for name in names:
        check = found.after.baseline.checks[name]
        on = [one.asset for one in turn.assets if name in one.checks]
        yield from wrap(clean(f"{text(check.title)}: {shortened(on)}"), columns, "   · ")
        yield from wrap(remedy(name, on, found.after), columns, "     ")
    if len(turn.checks) > len(names):
        more = _("and %d more checks (all of them with --verbose)") % (len(turn.checks) - len(names))
        yield from wrap(more, columns, "   · ")
    if turn.person and turn.requirement.guidance and verbose:
        yield from wrap(f"{_('a person shows')}: {text(turn.requirement.guidance)}", columns, "   · ")
