"""Look at the machines of an inventory, several at a time, and report on all of them."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from typing import TYPE_CHECKING

from agent import judging
from agent.errors import Refusal
from agent.language import _, plural
from agent.terminal import Ink, Progress, clean, pad, width

if TYPE_CHECKING:
    from agent.report.digest import Digest
    from collectors.model import Target


def scan_inventory(options: argparse.Namespace) -> int:
    """`rasoat scan --inventory`: the exit code of the worst machine."""
    from agent.looking import quieten
    from agent.vault import Secrets
    from collectors import inventory
    from collectors.run import sweep

    if options.root or options.kind:
        raise Refusal(_("--root and --kind belong to the scan of this machine; the inventory says them for each of its own."))
    if not 1 <= options.parallel <= 256:
        raise Refusal(_("--parallel is a number from 1 to 256."))
    try:
        listed = inventory.load(options.inventory)
        targets = listed.select(options.only)
    except inventory.InventoryError as error:
        raise Refusal(_("the inventory has mistakes; repair them first:") + f"\n{error}") from None
    reachable_from_here(targets)
    baseline, level = judging.load(options.baseline, options.level)
    progress = Progress(options.quiet, options.verbose)
    progress.say(plural("Looking at %d machine ...", "Looking at %d machines ...", len(targets)) % len(targets))
    quieten(options.verbose)
    reports: list[Digest] = []
    for snapshot in sweep(listed.opened_by(Secrets()), targets, options.parallel):
        reports.append(judging.judge(snapshot, baseline, level))
        progress.step(len(reports), len(targets), snapshot.target.name)
    progress.clear()
    place = {target.name: number for number, target in enumerate(targets)}
    reports.sort(key=lambda report: place[report.snapshot.target.name])
    judging.show(reports, options.format, options.output, options.verbose, many=True)
    if options.format == "table" and options.output is None and len(reports) > 1:
        _overview(reports)
    return judging.exit_code(report.assessment for report in reports)


def reachable_from_here(targets: tuple[Target, ...]) -> None:
    """Raises Refusal where the extra is missing that a way to one of them needs."""
    if any(target.via == "ssh" for target in targets) and importlib.util.find_spec("paramiko") is None:
        raise Refusal(
            _("reaching machines over SSH needs an extra that is not installed. Install it with: pip install 'rasoat[network]'")
        )


def _overview(reports: list[Digest]) -> None:
    """One line per machine, last, where the terminal shows it."""
    ink = Ink(sys.stdout)
    names = max(width(clean(report.snapshot.target.name)) for report in reports)
    print("\n" + ink(_("Overview"), "bold"))
    for report in reports:
        counts = report.summary
        line = _("%(fail)d fail, %(unknown)d unknown, %(pass)d pass") % counts
        colour = "red" if counts["fail"] else "yellow" if counts["unknown"] or not counts["pass"] else "green"
        note = f"  {_('not reached')}" if report.unreached else ""
        print(f" {pad(clean(report.snapshot.target.name), names)}  {ink(line, colour)}{note}")
