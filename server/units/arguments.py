"""The arguments of `rasoat server unit ...`. Read before Django is set up, so nothing of it is imported here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from typing import Any

Lazy = Callable[[str, str], Callable[[argparse.Namespace], int]]
CONSOLE = "server.units.console"
_FUNCTIONS = {"import": "take", "set": "change", "list": "tree"}


def add(unit: Any, command: Callable[..., argparse.ArgumentParser], policy: Callable[[argparse.ArgumentParser], None], lazy: Lazy, _: Callable[[str], str]) -> None:  # fmt: skip
    """Add the actions to the family `unit`, with the helpers of server/cli.py."""

    def action(name: str, text: str) -> argparse.ArgumentParser:
        return command(name, lazy(_FUNCTIONS.get(name, name), CONSOLE), text, unit)

    def dated(name: str, text: str, since: str) -> argparse.ArgumentParser:
        made = action(name, text)
        made.add_argument("--since", type=day, metavar="YYYY-MM-DD", help=since)
        made.add_argument("--decision", default="", metavar="TEXT", help=_("number and title of the decision"))
        return made

    one = _("code or name of a unit")
    first_day = _("first day it holds (default: today)")
    new = action("new", _("add a unit"))
    new.add_argument("name")
    new.add_argument("--parent", metavar="UNIT", help=_("unit above it (default: the root)"))
    new.add_argument("--code", default="", help=_("the organisation's own code"))
    new.add_argument("--kind", default="", help=_("such as province or base_office (server/units/kinds.yaml)"))
    new.add_argument("--from", dest="valid_from", type=day, metavar="YYYY-MM-DD", help=_("first day of the unit"))
    policy(new)
    changed = action("set", _("change what a unit's machines are held to"))
    changed.add_argument("name", metavar="unit", help=one)
    policy(changed)
    who = _("who asks for another pack or other stricter values; a second person approves it; your password is asked for")
    changed.add_argument("--by", metavar="USER", help=who)
    changed.add_argument("--why", default="", metavar="TEXT", help=_("why, for the second person"))
    action("list", _("print the tree")).add_argument("--all", action="store_true", help=_("also what has ended"))
    shown = action("show", _("what is and was known of a unit, by code or name, also one that has ended"))
    shown.add_argument("unit", help=one)
    renamed = dated("rename", _("give a unit another name or code"), first_day)
    renamed.add_argument("unit", help=one)
    renamed.add_argument("name", nargs="?", default="", help=_("the new name"))
    renamed.add_argument("--code", default="", help=_("the new code"))
    merged = dated("merge", _("merge units into one: machines, people, tokens and units below go over"), first_day)
    merged.add_argument("units", nargs="+", metavar="unit", help=one)
    merged.add_argument("--into", required=True, metavar="UNIT", help=_("the successor; it may be one that goes on"))
    moved = dated("move", _("put a unit under another one"), first_day)
    moved.add_argument("unit", help=one)
    moved.add_argument("parent", help=_("the unit above it from then on"))
    closed = dated("close", _("end a unit that nothing depends on"), _("first day it is no more (default: today)"))
    closed.add_argument("unit", help=one)
    taken = dated("import", _("bring the tree to what a CSV or YAML file says"), _("first day of changed names and parents"))
    taken.add_argument("file", metavar="FILE")
    taken.add_argument("--dry-run", action="store_true", help=_("only say what would change"))
    given = action("export", _("write the tree as a file that `import` reads"))
    given.add_argument("--format", choices=("csv", "yaml"), default="csv")
    given.add_argument("--output", metavar="FILE")


def day(text: str) -> date:
    return date.fromisoformat(text)
