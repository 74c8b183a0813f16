"""`rasoat baseline`: list, show, check, coverage, export, schema."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from agent import judging
from agent.arguments import Actions, table_or_json
from agent.errors import PASSED, Refusal
from agent.language import _, mark, plural

if TYPE_CHECKING:
    from baselines.model import Baseline, Excepted, Requirement

REASONS = {
    "elsewhere": mark("the answer lies elsewhere"),
    "person": mark("a person knows or decides"),
    "not_collected": mark("not collected yet"),
}
SCHEMAS = ("check", "requirements", "standard", "tailoring", "system")
"""Kinds of files, as baselines.schema knows them; written out so that `--help` need not load it."""


def options(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser)
    table_or_json(actions.add("list", _("the baselines that come with rasoat")))
    show = actions.add("show", _("what a baseline asks, with clauses and thresholds"))
    show.add_argument("pack", metavar="PACK")
    show.add_argument("--level", type=int, metavar="N", help=_("only this level"))
    table_or_json(show)
    check = actions.add("check", _("look for mistakes in packs; every mistake as file:line"))
    check.add_argument("paths", metavar="PATH", nargs="+")
    coverage = actions.add("coverage", _("how much of a baseline a machine decides, per level"))
    coverage.add_argument("pack", metavar="PACK")
    table_or_json(coverage)
    export = actions.add("export", _("a baseline in a form other programs read"))
    export.add_argument("pack", metavar="PACK")
    export.add_argument("--level", type=int, metavar="N", help=_("only this level"))
    export.add_argument(
        "--format", choices=("oscal-catalog",), default="oscal-catalog", help=_("the form (default: oscal-catalog)")
    )
    schema = actions.add("schema", _("JSON Schema of the files of a baseline, for editors"))
    schema.add_argument(
        "kind", metavar="KIND", nargs="?", choices=SCHEMAS, default="check", help=_("one of: %s") % ", ".join(SCHEMAS)
    )


def run(options: argparse.Namespace) -> int:
    handlers = {"list": _list, "show": _show, "check": _check, "coverage": _coverage, "export": _export, "schema": _schema}
    return handlers[options.action](options)


def _print_json(value: Any) -> None:
    from agent.report.json import dumps

    print(dumps(value))


def _list(options: argparse.Namespace) -> int:
    from agent.report.digest import text
    from agent.terminal import columns, wrap
    from baselines.loader import builtin

    packs = [judging.load(name, None, any_level=True)[0] for name in builtin()]
    if options.format == "json":
        _print_json([_head(baseline) for baseline in packs])
        return PASSED
    for baseline in packs:
        standard = baseline.standard
        print(f"{baseline.id} {baseline.version}  {standard.edition}")
        for words in (text(standard.title), text(standard.status)):
            for line in wrap(words, columns(sys.stdout), "   "):
                print(line)
        print(f"   sha256 {baseline.digest}")
    return PASSED


def _head(baseline: Baseline) -> dict[str, Any]:
    standard = baseline.standard
    return {
        "id": baseline.id,
        "version": baseline.version,
        "edition": standard.edition,
        "title": standard.title.model_dump(),
        "levels": sorted(standard.levels),
        "digest": baseline.digest,
    }


def _show(options: argparse.Namespace) -> int:
    from agent.report.digest import COVERAGE_WORDS, shown, text
    from agent.terminal import Ink, columns, wrap

    baseline = judging.load(options.pack, None, any_level=True)[0]
    levels = sorted(baseline.standard.levels) if options.level is None else [judging.check_level(baseline, options.level)]
    if options.format == "json":
        found = [
            _plain(baseline, requirement, levels)
            for requirement in baseline.requirements.values()
            if set(requirement.levels) & set(levels)
        ]
        _print_json(_head(baseline) | {"requirements": found})
        return PASSED
    size, ink = columns(sys.stdout), Ink(sys.stdout)
    for group in baseline.groups:
        requirements = [requirement for requirement in group.requirements if set(requirement.levels) & set(levels)]
        if not requirements:
            continue
        clauses = ", ".join(dict.fromkeys(group.clauses[level] for level in levels if level in group.clauses))
        print(ink(f"{clauses} {text(group.title)}".strip(), "bold"))
        for requirement in requirements:
            mine = ", ".join(str(level) for level in requirement.levels if level in levels)
            tail = f"({_('level')} {mine}; {_(COVERAGE_WORDS[requirement.coverage])})"
            own = ", ".join(requirement.clauses[level] for level in levels if level in requirement.clauses)
            for line in wrap(f"{own} {text(requirement.title)} {tail}".strip(), size, " - "):
                print(line)
            for name, param in requirement.params.items():
                values = ", ".join(f"{level}: {shown(param.levels[level])}" for level in requirement.levels if level in levels)
                print(f"     {name} = {{{values}}} {param.unit or ''} [{param.origin}]")
            for check in requirement.checks:
                if not set(levels) & set(requirement.only_at.get(check, levels)):
                    continue
                for line in wrap(f"{check}: {text(baseline.checks[check].title)}", size, "     · "):
                    print(line)
            for one in requirement.exceptions:
                for line in wrap(_excepted(one), size, "     ! "):
                    print(line)
    return PASSED


def _excepted(one: Excepted) -> str:
    """Which assets are excepted, why in a word, and the reason."""
    from agent.report.digest import KINDS, text

    assets = ", ".join(_(KINDS[kind]) for kind in one.kinds) + (f" ({', '.join(one.platforms)})" if one.platforms else "")
    return f"{assets}: {_(REASONS[one.type])}: {text(one.reason)}"


def _plain(baseline: Baseline, requirement: Requirement, levels: list[int]) -> dict[str, Any]:
    return {
        "id": requirement.id,
        "clauses": {level: baseline.clause(requirement.id, level) for level in requirement.levels if level in levels},
        "title": requirement.title.model_dump(),
        "coverage": requirement.coverage,
        "params": {name: param.model_dump(mode="json") for name, param in requirement.params.items()},
        "checks": list(requirement.checks),
        "only_at": dict(requirement.only_at),
        "exceptions": [one.model_dump(mode="json") for one in requirement.exceptions],
        "succeeds": [link.model_dump() for link in requirement.succeeds],
    }


def _check(options: argparse.Namespace) -> int:
    from baselines.loader import BaselineError, check_examples, load

    mistakes: list[str] = []
    for path in options.paths:
        try:
            mistakes += map(str, check_examples(load(path)))
        except BaselineError as error:
            mistakes += map(str, error.mistakes)
        except FileNotFoundError as error:
            mistakes.append(str(error))
    if mistakes:
        count = plural("%d mistake:", "%d mistakes:", len(mistakes)) % len(mistakes)
        raise Refusal("\n".join([count, *mistakes]))
    if not options.quiet:
        print(_("no mistakes"))
    return PASSED


def _coverage(options: argparse.Namespace) -> int:
    from agent.report.digest import COVERAGE_WORDS, COVERAGES
    from agent.terminal import columns, wrap

    baseline = judging.load(options.pack, None, any_level=True)[0]
    found: dict[int, Counter[str]] = {level: Counter() for level in sorted(baseline.standard.levels)}
    for requirement in baseline.requirements.values():
        for level in requirement.levels:
            found[level][requirement.coverage] += 1
    if options.format == "json":
        table = {level: {name: counts[name] for name in COVERAGES} for level, counts in found.items()}
        excepted = {name: [one.model_dump(mode="json") for one in r.exceptions] for name, r in baseline.requirements.items()}
        exceptions = {name: entries for name, entries in excepted.items() if entries}
        head = _head(baseline) | {"requirements": len(baseline.requirements)}
        _print_json(head | {"coverage": table, "exceptions": exceptions})
        return PASSED
    print(f"{baseline.id} {baseline.version}, {baseline.standard.edition}")
    for level, counts in found.items():
        print(_("level %d") % level + ": " + plural("%d requirement", "%d requirements", counts.total()) % counts.total())
        for name in COVERAGES:
            print(f"   {counts[name]:4d}  {_(COVERAGE_WORDS[name])}")
    size = columns(sys.stdout)
    reasons = [(r.id, one) for r in baseline.requirements.values() for one in r.exceptions]
    if reasons:
        print(_("excepted, each with its reason:"))
    for identity, one in reasons:
        for line in wrap(f"{identity}: {_excepted(one)}", size, " ! "):
            print(line)
    return PASSED


def _export(options: argparse.Namespace) -> int:
    from agent.report.oscal import catalog

    baseline = judging.load(options.pack, None, any_level=True)[0]
    levels = sorted(baseline.standard.levels) if options.level is None else [judging.check_level(baseline, options.level)]
    _print_json(catalog(baseline, levels))
    return PASSED


def _schema(options: argparse.Namespace) -> int:
    from baselines.schema import schema

    _print_json(schema(options.kind))
    return PASSED
