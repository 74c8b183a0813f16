"""The arguments of `rasoat register ...`, which is `rasoat server register ...`. Read before Django is set up."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from typing import Any

Lazy = Callable[[str, str], Callable[[argparse.Namespace], int]]
CONSOLE = "server.registers.console"
BOOKS = ("equipment", "software", "systems")


def add(family: Any, command: Callable[..., argparse.ArgumentParser], lazy: Lazy, _: Callable[[str], str]) -> None:
    """Add the actions, with the helpers of server/cli.py."""
    listed = command("list", lazy("listed", CONSOLE), _("list the entries of a register"), family)
    listed.add_argument("book", choices=BOOKS)
    listed.add_argument("--unit", metavar="NAME", help=_("only this unit and all below"))
    listed.add_argument("--find", default="", metavar="TEXT", help=_("only entries that hold this"))
    listed.add_argument("--format", choices=("table", "json"), default="table")
    written = command("export", lazy("export", CONSOLE), _("write a register into a file that can be taken over again"), family)
    written.add_argument("book", choices=BOOKS)
    written.add_argument("file", metavar="FILE", help=_("its ending says what it is: .xlsx or .csv"))
    written.add_argument("--unit", metavar="NAME", help=_("only this unit and all below"))
    taken = command("import", lazy("take", CONSOLE), _("take a file over into a register; 1 when a row was not"), family)
    taken.add_argument("book", choices=BOOKS)
    taken.add_argument("file", metavar="FILE")
    taken.add_argument("--unit", metavar="NAME", help=_("where rows that name no unit belong; none reaches out of it (default: the root)"))  # fmt: skip
    taken.add_argument("--dry-run", action="store_true", help=_("only say what would change"))
    taken.add_argument("--partly", action="store_true", help=_("write the rows that are right even if others are refused"))
    text = _("stock-takes: what the register said on a day, and what was found")
    takes = family.add_parser("stocktake", help=text, description=text).add_subparsers(required=True, metavar="ACTION")
    room = "server.registers.console_stocktake"
    command("list", lazy("listed", room), _("list stock-takes and how they stand"), takes)
    new = command("new", lazy("new", room), _("write down what the equipment register says of a unit"), takes)
    new.add_argument("name", metavar="NAME")
    new.add_argument("--unit", metavar="NAME", help=_("with all below (default: the root)"))
    new.add_argument("--on", type=date.fromisoformat, metavar="YYYY-MM-DD", help=_("its day (default: today)"))
    new.add_argument("--decision", default="", metavar="TEXT", help=_("number and date of the paper that asks for it"))
    number = _("the id that `stocktake list` shows")
    shown = command("show", lazy("show", room), _("what was found, and every difference; 1 when there is one, or it is still open"), takes)  # fmt: skip
    shown.add_argument("stocktake", type=int, metavar="ID", help=number)
    shown.add_argument("--format", choices=("table", "json"), default="table")
    minutes = command("export", lazy("export", room), _("write its minutes as a workbook"), takes)
    minutes.add_argument("stocktake", type=int, metavar="ID", help=number)
    minutes.add_argument("file", metavar="FILE.xlsx")
