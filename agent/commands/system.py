"""`rasoat system`: check the file of an information system, and judge the system by it and by stored snapshots.

A command of its own beside `judge`: what is given is a register and not a machine, the answer is by requirement and not by
check, and its level and baseline come from the file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import errors, judging
from agent.arguments import Actions
from agent.errors import PASSED, Refusal
from agent.language import _, plural

if TYPE_CHECKING:
    from baselines.model import Baseline
    from baselines.systems.compare import Comparison
    from baselines.systems.design import Sighted
    from baselines.systems.register import System
    from baselines.systems.result import SystemAssessment
    from baselines.tailoring import Tailoring
    from collectors.model import Snapshot

FORMATS = ("table", "json", "html", "csv", "sarif", "oscal")
COMPARED = ("table", "json", "html", "csv")
SNAPSHOTS = ("*.json", "*.sealed")


def options(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser)
    check = actions.add("check", _("look for mistakes; every mistake as file:line"))
    _file(check)
    judge = actions.add("judge", _("requirement by requirement, over all machines of the system and what people answer for"))
    _file(judge)
    judge.add_argument("snapshots", metavar="SNAPSHOT", nargs="*", help=_("stored snapshots, or folders of them"))
    judge.add_argument("--level", type=int, metavar="N", help=_("security level to judge at (default: the file's)"))
    judge.add_argument("--at", metavar="DAY", help=_("the day to judge on, such as 2026-12-31 (default: now)"))
    judge.add_argument("--discovery", metavar="FILE", type=Path, help=_("a result of `rasoat discover --format json`"))
    judge.add_argument("--compare-level", metavar="M", type=int, help=_("show what level M would ask beyond it"))
    judge.add_argument("--format", choices=FORMATS, default="table", help=_("how to show the result (default: table)"))
    judge.add_argument("--output", metavar="FILE", type=Path, help=_("write the result to a file, readable by you only"))


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help=_("the file that describes the information system (YAML)"))
    parser.add_argument("--baseline", metavar="PACK", help=_("baseline to judge against (default: the one the file names)"))


def run(options: argparse.Namespace) -> int:
    system, baseline, tailoring = _load(options.file, options.baseline)
    if options.action == "check":
        if not options.quiet:
            count = len(system.register.assets)
            print(plural("%d asset, no mistakes", "%d assets, no mistakes", count) % count)
        return PASSED
    level = judging.check_level(baseline, options.level if options.level is not None else system.register.level)
    other = None if options.compare_level is None else judging.check_level(baseline, options.compare_level)
    if other is not None and options.format not in COMPARED:
        raise Refusal(_("--compare-level can be shown as one of: %s.") % ", ".join(COMPARED))
    at = _at(options.at)
    snapshots = _snapshots(options.snapshots)
    sighted = _sighted(options.discovery) if options.discovery else None
    from baselines.systems.judge import judge_system

    assessment = judge_system(system, snapshots, baseline, level, at, tailoring, sighted)
    if other is None:
        _write(_shown(assessment, options), options)
    else:
        from baselines.systems.compare import compare

        after = judge_system(system, snapshots, baseline, other, at, tailoring, sighted)
        _write(_compared(compare(assessment, after), options), options)
    return exit_code(assessment)


def exit_code(assessment: SystemAssessment) -> int:
    """A requirement that is not met, or met in part, outweighs one that is not determined. Waivers change nothing here."""
    counts = assessment.summary()
    if counts["not_met"] or counts["partly"]:
        return errors.FAILED
    return errors.UNKNOWN if counts["undetermined"] or not counts["met"] else errors.PASSED


# what is read ----------------------------------------------------------------------------------------------------------


def _load(file: Path, pack: str | None) -> tuple[System, Baseline, Tailoring | None]:
    from baselines.reading import BaselineError
    from baselines.systems.judge import cites
    from baselines.systems.register import System
    from baselines.tailoring import Tailoring

    try:
        system = System.parse(_text(file), str(file))
        baseline = judging.load(pack or system.register.baseline, None, any_level=True)[0]
        # against another pack than the dossier cites, its words and thresholds count as nothing and need not fit
        own = cites(system, baseline)
        mistakes = list(system.problems(baseline)) if own else []
        tailoring = None
        if system.register.tailoring and own:
            beside = file.parent / system.register.tailoring
            tailoring = Tailoring.parse(_text(beside), str(beside))
            mistakes += tailoring.problems(baseline, system.register.level)
    except BaselineError as error:
        mistakes = list(error.mistakes)
    if mistakes:
        count = plural("%d mistake:", "%d mistakes:", len(mistakes)) % len(mistakes)
        raise Refusal("\n".join([count, *map(str, mistakes)]))
    return system, baseline, tailoring


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else _("it is not UTF-8")
        raise Refusal(_("%(file)s cannot be read: %(why)s") % {"file": file, "why": why}) from None


def _at(day: str | None) -> datetime:
    """Now, or the end of a day here: what was seen on that day counts."""
    if day is None:
        return datetime.now().astimezone().replace(microsecond=0)
    try:
        if len(day) != 10:
            raise ValueError
        return datetime.combine(datetime.fromisoformat(day).date(), time(23, 59, 59)).astimezone()
    except ValueError:
        raise Refusal(_("%s is not a day such as 2026-12-31.") % day) from None


def _snapshots(names: Iterable[str]) -> list[Snapshot]:
    from agent.commands.judge import read

    found, mistakes = [], []
    for name in _files(names):
        try:
            found += read(name)
        except ValueError as error:
            mistakes.append(str(error))
    if mistakes:
        raise Refusal("\n".join(mistakes))
    return found


def _files(names: Iterable[str]) -> Iterator[str]:
    """Files as they are named, folders as the snapshots in them."""
    for name in names:
        folder = Path(name)
        if name == "-" or not folder.is_dir():
            yield name
            continue
        inside = sorted({path for pattern in SNAPSHOTS for path in folder.glob(pattern)})
        if not inside:
            raise Refusal(_("%(folder)s holds no snapshot (%(patterns)s)") % {"folder": name, "patterns": ", ".join(SNAPSHOTS)})
        yield from map(str, inside)


def _sighted(file: Path) -> Sighted:
    """What discovery saw. Where some addresses were not asked, nobody can say that there is no stranger."""
    from pydantic import ValidationError

    from baselines.systems.design import Sighted, Sighting
    from collectors.discovery.result import Discovery

    raw = _text(file)
    try:
        found = Discovery.model_validate_json(raw)
    except (ValidationError, json.JSONDecodeError) as error:
        first = str(error).splitlines()[0]
        raise Refusal(
            _("%(file)s is no result of `rasoat discover --format json`: %(why)s") % {"file": file, "why": first}
        ) from None
    whole = not any(gap.why != "excluded" for gap in found.coverage.gaps) and found.coverage.asked
    hosts = tuple(Sighting(host.address, host.known) for host in found.hosts if host.address and not host.own)
    digest = hashlib.sha256(raw.encode()).hexdigest()
    return Sighted(hosts, str(file), digest, found.ended.astimezone(UTC), found.ranges if whole else ())


# what is shown ---------------------------------------------------------------------------------------------------------


def _shown(assessment: SystemAssessment, options: argparse.Namespace) -> str:
    style = options.format
    if style == "table":
        from agent.report.system.table import lines

        return "".join(f"{line}\n" for line in lines(assessment, *_screen(options), options.verbose))
    if style == "html":
        from agent.report.system.html import page

        return page(assessment)
    if style == "csv":
        from agent.report.system.csv import document as csv

        return csv(assessment)
    from agent.report.json import dumps

    return dumps(_plain(assessment, style)) + "\n"


def _plain(assessment: SystemAssessment, style: str) -> Any:
    if style == "sarif":
        from agent.report.system.sarif import document as sarif

        return sarif(assessment)
    if style == "oscal":
        from agent.report.system.oscal import results

        return results(assessment)
    from agent.report.system.json import document

    return document(assessment)


def _compared(found: Comparison, options: argparse.Namespace) -> str:
    style = options.format
    if style == "table":
        from agent.report.system.comparison import lines

        return "".join(f"{line}\n" for line in lines(found, *_screen(options), options.verbose))
    if style == "html":
        from agent.report.system.html import comparison as html

        return html(found)
    if style == "csv":
        from agent.report.system.csv import comparison as csv

        return csv(found)
    from agent.report.json import dumps
    from agent.report.system.json import comparison

    return dumps(comparison(found)) + "\n"


def _screen(options: argparse.Namespace) -> tuple[int, Any]:
    from agent.terminal import PLAIN_COLUMNS, Ink, columns, plain

    return (PLAIN_COLUMNS, plain) if options.output else (columns(sys.stdout), Ink(sys.stdout))


def _write(body: str, options: argparse.Namespace) -> None:
    if options.output is None:
        sys.stdout.write(body)
        return
    from agent import files

    if options.format == "csv":
        body = "\ufeff" + body  # a file is for a spreadsheet, which takes it for UTF-8 by this mark alone
    try:
        files.write(options.output, body.encode())
    except OSError as error:
        raise Refusal(_("%(file)s cannot be written: %(why)s") % {"file": options.output, "why": error.strerror}) from None
