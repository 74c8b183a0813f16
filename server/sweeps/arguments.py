"""The arguments of `rasoat server sweep ...`. Read before Django is set up."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

Lazy = Callable[[str, str], Callable[[argparse.Namespace], int]]
CONSOLE = "server.sweeps.console"


def add(sweep: Any, command: Callable[..., argparse.ArgumentParser], lazy: Lazy, _: Callable[[str], str]) -> None:
    """Add the actions, with the helpers of server/cli.py."""
    lists = command(
        "lists", lazy("lists", CONSOLE), _("lists of indicators and how many machines showed one; 1 when one was seen"), sweep
    )
    letters = command(
        "letters",
        lazy("letters", CONSOLE),
        _("warnings by letter and how they stand; 1 when one is open or cannot be told"),
        sweep,
    )
    for one in (lists, letters):
        one.add_argument("--unit", metavar="NAME", help=_("this unit and all below (default: the root)"))
        one.add_argument("--format", choices=("table", "json"), default="table")
