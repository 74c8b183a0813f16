"""What another level, pack or tailoring would change in a part of the organisation, before anybody is held to it.

Stored facts are judged twice, one machine at a time; nothing is written.
"""

from __future__ import annotations

import csv
import io
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baselines.evaluate import evaluate
from baselines.model import Baseline, Verdict
from baselines.tailoring import Tailoring
from baselines.whatif import Change, UnitChange, WhatIf
from collectors.model import Kind
from server.assess import centre, packs, wording
from server.ingest.models import Machine
from server.units.models import Policy, Unit, resolve

log = logging.getLogger(__name__)

COLUMNS = ("unit", "machine", "requirement", "requirement_title", "before", "after", "remedy")
NAMED = 20
"""Machines named under one requirement in the table; csv and json name all."""


NO_STRICTER = Tailoring("", {}, "")
"""Stricter values that were removed, which is another thing than none proposed."""


@dataclass(frozen=True)
class Proposal:
    """What would hold instead. None: what the unit is held to now."""

    level: int | None = None
    baseline: Baseline | None = None
    tailoring: Tailoring | None = None
    """NO_STRICTER: the unit's own are removed, and those of the unit above hold, if it has any."""
    former: tuple[str, str] | None = None
    """Only who is held to this pack and these stricter values takes part; units with others of their own keep them."""


@dataclass
class Outlook:
    """What would change, and of which machines it cannot be said."""

    whatif: WhatIf
    failed: list[str]
    """Machines whose facts could not be judged, each with the reason."""


def ask(unit: Unit, proposal: Proposal, progress: Callable[[int, int], None] = lambda done, of: None) -> Outlook:
    """Judge the newest facts of every machine of a unit and the units below it as now, and as proposed.

    Raises BaselineError, FileNotFoundError, ValueError when what holds now or what is proposed cannot be used.
    """
    units = {one.pk: one for one in Unit.objects.all()}
    policy = resolve(unit, units)
    if proposal.tailoring is NO_STRICTER and unit.parent_id:
        above = packs.tailoring(resolve(units[unit.parent_id], units).tailoring)
        proposal = replace(proposal, tailoring=above or NO_STRICTER)
    outlook = Outlook(WhatIf(proposal.baseline or packs.get(policy.baseline)), [])
    machines = Machine.objects.filter(unit__path__under=unit.path)
    total = machines.count()
    for done, machine in enumerate(machines.select_related("latest").order_by("pk").iterator(chunk_size=200), 1):
        _one(machine, units[machine.unit_id], resolve(units[machine.unit_id], units), proposal, outlook)
        progress(done, total)
    return outlook


def _one(machine: Machine, unit: Unit, policy: Policy, proposal: Proposal, outlook: Outlook) -> None:
    if machine.latest is None:
        outlook.whatif.add_silent(machine.name, unit.name)
        return
    pack, tailoring = packs.get(policy.baseline), packs.tailoring(policy.tailoring)
    if proposal.former and proposal.former != (policy.baseline, policy.tailoring):
        proposal = Proposal()
    then = proposal.baseline or pack
    if then.id != pack.id:
        # requirements of two standards have different names: everything would look new
        outlook.failed.append(
            _("%(machine)s is held to %(now)s, which %(then)s does not succeed line by line: see docs/crosswalk.md")
            % {"machine": machine.name, "now": pack.id, "then": then.id}
        )
        return
    try:
        _sealed, seen = machine.latest.to_judge()
        seen = seen._replace(kind=Kind(machine.kind)).with_fact(centre.known(machine.pk, seen).record)
        before = evaluate(seen, pack, policy.level, tailoring)
        after = evaluate(seen, then, proposal.level or policy.level, proposal.tailoring or tailoring)
    except Exception as error:  # one machine's bad luck must not hide the others
        log.exception("machine %s: snapshot %s could not be judged", machine.pk, machine.latest_id)
        outlook.failed.append(f"{machine.name}: {type(error).__name__}: {error}")
        return
    outlook.whatif.add(machine.name, unit.name, before, after)


def table(outlook: Outlook) -> Iterator[str]:
    """Lines for a person at a terminal: how much, where, what to do."""
    whatif = outlook.whatif
    assets = sum(share.assets for share in whatif.units.values())
    yield ngettext("%(count)d machine judged twice", "%(count)d machines judged twice", assets) % {"count": assets}
    for name, share in sorted(whatif.units.items()):
        yield f"  {name}: {_share(share)}"
        if share.silent:
            yield "    " + _("nothing was ever seen of: %s") % _names(share.silent)
    for line in outlook.failed:
        yield "  " + _("not judged: %s") % line
    changes = whatif.worst_first()
    if not changes and not outlook.failed:
        yield _("No requirement turns.")
    for change in changes:
        yield ""
        yield from _change(whatif.baseline, change, change.requirement in whatif.for_person)


def _share(share: UnitChange) -> str:
    def counted(counts: Counter[Verdict]) -> str:
        return " · ".join(
            f"{counts[verdict]} {wording.VERDICTS[verdict]}" for verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS)
        )

    worse = _("%(worse)d of %(all)d machines get worse") % {"worse": share.assets_worse, "all": share.assets}
    return f"{worse}; {counted(share.before)} → {counted(share.after)}"


def _change(baseline: Baseline, change: Change, for_person: bool) -> Iterator[str]:
    requirement = baseline.requirements.get(change.requirement)
    yield f"{change.requirement}  {wording.text(requirement.title) if requirement else ''}".rstrip()
    for (before, after), count in change.moves.most_common():
        names = [turn.asset for turn in change.turned if (turn.before, turn.after) == (before, after)]
        yield f"  {_word(before)} → {_word(after)}: {count}  ({_names(names)})"
    if for_person and requirement and requirement.guidance:
        yield "  " + _("for a person: %s") % wording.text(requirement.guidance)
    for check, _machines in change.to_do.most_common():
        yield "  - " + wording.text(baseline.checks[check].title)
        for line in wording.text(baseline.checks[check].remedy).splitlines():
            yield f"      {line}"


def document(outlook: Outlook) -> dict[str, Any]:
    """The same for programs."""
    whatif = outlook.whatif
    return {
        "units": {
            name: {
                "machines": share.assets, "machines_worse": share.assets_worse, "silent": share.silent,
                "before": dict(share.before), "after": dict(share.after),
            }
            for name, share in sorted(whatif.units.items())
        },
        "failed": outlook.failed,
        "changes": [
            {
                "requirement": change.requirement, "for_person": change.requirement in whatif.for_person, "worse": change.worse,
                "checks": dict(change.to_do.most_common()),
                "machines": [turn._asdict() | {"worse": turn.worse} for turn in change.turned],
            }
            for change in whatif.worst_first()
        ],
    }  # fmt: skip


def rows(outlook: Outlook) -> Iterator[list[str]]:
    """One row per machine and requirement that turns, for a spreadsheet."""
    whatif = outlook.whatif
    yield list(COLUMNS)
    for change in whatif.worst_first():
        requirement = whatif.baseline.requirements.get(change.requirement)
        for turn in change.turned:
            todo = "\n".join(wording.text(whatif.baseline.checks[check].remedy) for check in turn.checks)
            title = wording.text(requirement.title) if requirement else ""
            yield [turn.unit, turn.asset, change.requirement, title, turn.before or "", turn.after or "", todo]


def render(outlook: Outlook, style: str) -> str:
    """`table`, `json` or `csv`."""
    if style == "json":
        return json.dumps(document(outlook), ensure_ascii=False, indent=1) + "\n"
    if style == "csv":
        out = io.StringIO(newline="")
        csv.writer(out).writerows([_harmless(cell) for cell in row] for row in rows(outlook))
        return out.getvalue()
    return "".join(f"{_printable(line)}\n" for line in table(outlook))


def _harmless(cell: str) -> str:
    """A spreadsheet takes a cell that begins so for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _printable(line: str) -> str:
    """Names come from the machines: nothing of them may steer a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in line)


def _word(verdict: Verdict | None) -> str:
    return _("not asked") if verdict is None else str(wording.VERDICTS[verdict])


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else _("%(names)s and %(more)d more") % {"names": shown, "more": len(names) - NAMED}
