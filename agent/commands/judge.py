"""`rasoat judge`: stored facts, judged again. No machine is touched."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from agent import judging
from agent.errors import Refusal
from agent.language import _
from agent.terminal import complain

if TYPE_CHECKING:
    from agent.report.digest import Digest
    from baselines.evaluate import Turn
    from baselines.model import Assessment, Baseline
    from collectors.model import Snapshot

MAX_BYTES = 64 * 1024 * 1024


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "snapshots",
        metavar="SNAPSHOT",
        nargs="+",
        help=_("a stored snapshot, a sealed one, a result of --format json, or - for stdin"),
    )
    judging.options(parser)
    parser.add_argument("--compare-level", metavar="M", type=int, help=_("show what would turn out differently at level M"))


def run(options: argparse.Namespace) -> int:
    snapshots, mistakes = [], []
    for name in options.snapshots:
        try:
            snapshots += read(name)
        except ValueError as error:
            mistakes.append(str(error))
    if mistakes:
        raise Refusal("\n".join(mistakes))
    baseline, level = judging.load(options.baseline, options.level)
    reports = [judging.judge(snapshot, baseline, level) for snapshot in snapshots]
    if options.compare_level is not None:
        _compare(reports, baseline, judging.check_level(baseline, options.compare_level), options.format)
    else:
        judging.show(reports, options.format, options.output, options.verbose, many=len(reports) > 1)
    return judging.exit_code(report.assessment for report in reports)


def read(name: str) -> list[Snapshot]:
    """The snapshots in a file. Raises ValueError: which file, what is wrong with it, what to do."""
    from collectors.model import Snapshot
    from collectors.seal import unseal

    try:
        if name == "-":
            raw = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(_("%(file)s cannot be read: %(why)s") % {"file": name, "why": error.strerror}) from None
    if len(raw) > MAX_BYTES:
        raise ValueError(_("%(file)s is larger than %(size)d MiB: no snapshot is") % {"file": name, "size": MAX_BYTES >> 20})
    try:
        if raw[:2] == b"\x1f\x8b":
            raw = unseal(raw).snapshot
        found = [Snapshot.from_bytes(part) for part in _parts(raw)]
    except (ValueError, RecursionError) as error:  # a SealError is a ValueError
        hint = _("Give a file that `rasoat scan --format json` or an agent's spool made.")
        raise ValueError(f"{name}: {error}. {hint}") from None
    for snapshot in found:
        if problems := snapshot.problems():
            complain(
                _("%(file)s: what rests on these facts is unknown: %(why)s") % {"file": name, "why": "; ".join(problems[:5])}
            )
    return found


def _parts(raw: bytes) -> Iterator[bytes]:
    """The snapshot alone, or the snapshots inside a result of --format json."""
    document = json.loads(raw)
    if isinstance(document, dict) and isinstance(document.get("machines"), list):
        for machine in document["machines"]:
            yield json.dumps(machine.get("snapshot") if isinstance(machine, dict) else None).encode()
    elif isinstance(document, dict) and "snapshot" in document:
        yield json.dumps(document["snapshot"]).encode()
    else:
        yield raw


def _compare(reports: list[Digest], baseline: Baseline, level: int, style: str) -> None:
    from agent.report.digest import VERDICT_WORDS, text
    from agent.report.json import dumps
    from agent.terminal import clean, columns, wrap
    from baselines.evaluate import evaluate, turns

    compared = [(report, evaluate(report.snapshot, baseline, level)) for report in reports]
    if style == "json":
        found = [
            {
                "target": report.snapshot.target.name,
                "from": {"level": report.assessment.level, "summary": report.summary},
                "to": {"level": level, "summary": other.summary()},
                "turns": [
                    {"requirement": turn.requirement, "check": turn.check, "before": turn.before, "after": turn.after}
                    for turn in turns(report.assessment, other)
                ]
                + [
                    {"requirement": turn.requirement, "check": turn.check, "before": turn.after, "after": None}
                    for turn in gone(report.assessment, other)
                ],
            }
            for report, other in compared
        ]
        print(dumps({"comparisons": found}))
        return
    if style != "table":
        raise Refusal(_("--compare-level can be shown as table or json."))
    size = columns(sys.stdout)
    for report, other in compared:
        print(clean(report.snapshot.target.name))
        for assessment in (report.assessment, other):
            counts = assessment.summary()
            line = " · ".join(f"{counts[verdict]} {_(word)}" for verdict, word in VERDICT_WORDS.items())
            print(f"  {_('level %d') % assessment.level}: {line}")
        for turn in turns(report.assessment, other):
            title = text(baseline.checks[turn.check].title) if turn.check else text(baseline.requirements[turn.requirement].title)
            before = _(VERDICT_WORDS[turn.before]) if turn.before else _("not asked")
            clause = baseline.clause(turn.requirement, level) or turn.requirement
            for piece in wrap(f"{before} → {_(VERDICT_WORDS[turn.after])}  {clause} {title}", size, "   - "):
                print(piece)
        for turn in gone(report.assessment, other):
            title = text(baseline.checks[turn.check].title) if turn.check else text(baseline.requirements[turn.requirement].title)
            for piece in wrap(f"{_(VERDICT_WORDS[turn.after])} → {_('not asked')}  {title}", size, "   - "):
                print(piece)


def gone(before: Assessment, after: Assessment) -> list[Turn]:
    """What was asked before and no longer is, with its old verdict as `after`."""
    from baselines.evaluate import Turn

    kept = {(result.requirement, result.check) for result in after.results}
    return [
        Turn(result.requirement, result.check, None, result.verdict)
        for result in before.results
        if (result.requirement, result.check) not in kept
    ]
