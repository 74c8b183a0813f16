"""The arguments of `rasoat campaign ...`, which is `rasoat server campaign ...`. Read before Django is set up, so nothing of it is imported here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

Lazy = Callable[[str, str], Callable[[argparse.Namespace], int]]
CONSOLE = "server.campaigns.console"


def add(family: Any, command: Callable[..., argparse.ArgumentParser], lazy: Lazy, _: Callable[[str], str]) -> None:
    """Add the actions, with the helpers of server/cli.py."""
    new = command("new", lazy("new", CONSOLE), _("prepare a campaign from a file (docs/campaigns.md)"), family)
    new.add_argument("file", metavar="FILE.toml")
    command("list", lazy("listed", CONSOLE), _("list campaigns and how they stand"), family)
    campaign = _("the id that `campaign list` shows")
    shown = command("show", lazy("show", CONSOLE), _("how a campaign stands, by unit; 1 when something is left to do"), family)
    shown.add_argument("campaign", type=int, metavar="ID", help=campaign)
    shown.add_argument("--unit", metavar="NAME", help=_("only this unit and all below"))
    shown.add_argument("--missing", action="store_true", help=_("also who has not reported, by name"))
    shown.add_argument("--format", choices=("table", "json"), default="table")
    for name, text in (
        ("start", _("write down who is in it, and how each stands; from then on reports count")),
        ("close", _("take the last look and close it")),
    ):
        one = command(name, lazy(name, CONSOLE), text, family)
        one.add_argument("campaign", type=int, metavar="ID", help=campaign)
        one.add_argument("--wait", action="store_true", help=_("do the background work of it here, and wait for it"))
