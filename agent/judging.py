"""From a snapshot to an exit code: load the baseline, judge, render. Shared by `scan`, `judge` and `agent once`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from agent import errors
from agent.errors import Refusal
from agent.language import _

if TYPE_CHECKING:
    from agent.report.digest import Digest
    from baselines.model import Assessment, Baseline
    from baselines.tailoring import Tailoring
    from collectors.model import Snapshot

DEFAULT_BASELINE = "tcvn_11930_2017"
DEFAULT_LEVEL = 2
FORMATS = ("table", "json", "html", "csv", "sarif", "cyclonedx", "oscal")


def options(parser: argparse.ArgumentParser) -> None:
    """What to judge against, and how to show it."""
    parser.add_argument("--level", type=int, metavar="N", help=_("security level to judge at (default: %d)") % DEFAULT_LEVEL)
    parser.add_argument(
        "--baseline",
        metavar="PACK",
        help=_("baseline: a name from `rasoat baseline list` or a folder (default: %s)") % DEFAULT_BASELINE,
    )
    parser.add_argument("--format", choices=FORMATS, default="table", help=_("how to show the result (default: table)"))
    parser.add_argument("--output", metavar="FILE", type=Path, help=_("write the result to a file, readable by you only"))


def load(pack: str | None, level: int | None, any_level: bool = False) -> tuple[Baseline, int]:
    """The baseline and the level asked for. Raises Refusal with every mistake of the pack.

    `any_level`: the caller does not judge, so the default level need not exist.
    """
    from baselines.loader import BaselineError
    from baselines.loader import load as load_pack

    try:
        baseline = load_pack(pack or DEFAULT_BASELINE)
    except FileNotFoundError as error:
        raise Refusal(_("%s. `rasoat baseline list` shows the names.") % error) from None
    except BaselineError as error:
        raise Refusal(_("the baseline has mistakes; repair them first:") + f"\n{error}") from None
    wanted = DEFAULT_LEVEL if level is None else level
    return baseline, wanted if any_level else check_level(baseline, wanted)


def check_level(baseline: Baseline, level: int) -> int:
    """The level, if the baseline has it. Raises Refusal."""
    if level not in baseline.standard.levels:
        known = ", ".join(map(str, sorted(baseline.standard.levels)))
        raise Refusal(
            _("%(baseline)s has no level %(level)d. Choose one of: %(known)s.")
            % {"baseline": baseline.id, "level": level, "known": known}
        )
    return level


def judge(snapshot: Snapshot, baseline: Baseline, level: int, tailoring: Tailoring | None = None) -> Digest:
    """The snapshot judged, in the order reports want."""
    from agent.report.digest import digest
    from baselines.evaluate import evaluate

    return digest(snapshot, evaluate(snapshot, baseline, level, tailoring), baseline)


def exit_code(assessments: Iterable[Assessment]) -> int:
    """The law of exit codes: a fail outweighs an unknown, and where nothing was judged nothing has passed."""
    judged = list(assessments)
    code = errors.PASSED if judged else errors.UNKNOWN
    for assessment in judged:
        counts = assessment.summary()
        if counts["fail"]:
            return errors.FAILED
        if counts["unknown"] or not counts["pass"]:
            code = errors.UNKNOWN
    return code


def show(reports: list[Digest], style: str, output: Path | None, verbose: bool = False, many: bool = False) -> None:
    """Render and write. `many`: the JSON is an object with a list, even for one machine. Raises Refusal when the file cannot be written."""
    if output is None:
        sys.stdout.writelines(_table(reports, verbose) if style == "table" else [_rendered(reports, style, many)])
        return
    from agent import files

    body = "".join(_table(reports, verbose, output=True)) if style == "table" else _rendered(reports, style, many)
    if style == "csv":
        body = "\ufeff" + body  # a file is for a spreadsheet, which takes it for UTF-8 by this mark alone
    try:
        files.write(output, body.encode())
    except OSError as error:
        raise Refusal(_("%(file)s cannot be written: %(why)s") % {"file": output, "why": error.strerror}) from None


def _rendered(reports: list[Digest], style: str, many: bool) -> str:
    if style == "html":
        from agent.report.html import page

        return page(reports)
    if style == "csv":
        from agent.report.csv import document as lines

        return lines(reports)
    from agent.report.json import document, dumps

    if style == "sarif":
        from agent.report.sarif import document as sarif

        return dumps(sarif(reports)) + "\n"
    if style == "cyclonedx":
        from agent.report.cyclonedx import document as cyclonedx

        return dumps(cyclonedx(reports)) + "\n"
    if style == "oscal":
        from agent.report.oscal import results

        return dumps(results(reports)) + "\n"
    found = [document(report) for report in reports]
    return dumps({"machines": found} if many else found[0]) + "\n"


def _table(reports: list[Digest], verbose: bool, output: bool = False) -> Iterable[str]:
    from agent.report.table import lines
    from agent.terminal import PLAIN_COLUMNS, Ink, columns, plain

    ink, size = (plain, PLAIN_COLUMNS) if output else (Ink(sys.stdout), columns(sys.stdout))
    for number, report in enumerate(reports):
        if number:
            yield "\n"
        for line in lines(report, size, ink, verbose):
            yield line + "\n"
