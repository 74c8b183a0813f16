"""`rasoat scan`: look at this machine, at an unpacked one, or at those of an inventory; judge; report."""

from __future__ import annotations

import argparse
from pathlib import Path

from agent import judging
from agent.errors import Refusal
from agent.language import _


def options(parser: argparse.ArgumentParser) -> None:
    judging.options(parser)
    parser.add_argument(
        "--kind", choices=("server", "workstation"), help=_("what this machine is (default: found out by looking)")
    )
    parser.add_argument(
        "--root", metavar="DIR", type=Path, help=_("look at a mounted or unpacked Linux system instead: its files only")
    )
    parser.add_argument("--inventory", metavar="FILE", type=Path, help=_("look at the machines listed in this file instead"))
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        default=[],
        help=_("of the inventory, only this machine or label (may be repeated)"),
    )
    parser.add_argument("--parallel", metavar="N", type=int, default=8, help=_("how many machines at a time (default: 8)"))


def run(options: argparse.Namespace) -> int:
    if options.inventory:
        from agent.sweeping import scan_inventory

        return scan_inventory(options)
    if options.only:
        raise Refusal(_("--only chooses from an inventory: give --inventory FILE too."))
    from agent.looking import look
    from agent.terminal import Progress

    progress = Progress(options.quiet, options.verbose)
    snapshot = look(options.root, options.kind, progress)
    # after looking: both need memory for a moment, and the peak is what a small machine feels
    baseline, level = judging.load(options.baseline, options.level)
    report = judging.judge(snapshot, baseline, level)
    judging.show([report], options.format, options.output, options.verbose)
    if options.output:
        progress.say(_("The result is in %s.") % options.output)
    return judging.exit_code([report.assessment])
