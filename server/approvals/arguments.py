"""The arguments of `rasoat server approval ...` and `... waiver ...`. Read before Django is set up, so nothing of it is imported here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

Lazy = Callable[[str, str], Callable[[argparse.Namespace], int]]
CONSOLE = "server.approvals.console"


def add(approval: Any, waiver: Any, command: Callable[..., argparse.ArgumentParser], lazy: Lazy, _: Callable[[str], str]) -> None:
    """Add the actions to both families, with the helpers of server/cli.py."""
    command("list", lazy("listed", CONSOLE), _("requests that wait for a second person"), approval)
    for name, text in (
        ("show", _("what exactly would change")),
        ("approve", _("agree to it as the second person, and carry it out")),
        ("refuse", _("say no")),
    ):
        one = command(name, lazy(name, CONSOLE), text, approval)
        one.add_argument("request", type=int, metavar="ID", help=_("the id that `approval list` shows"))
        if name != "show":
            by(one, _, required=True)
        if name == "refuse":
            one.add_argument("--why", default="", metavar="TEXT")
    listed = command("list", lazy("waivers", CONSOLE), _("waivers in force"), waiver)
    listed.add_argument("--unit", metavar="NAME", help=_("this unit and all below (default: the root)"))


def by(parser: argparse.ArgumentParser, _: Callable[[str], str], required: bool = False) -> None:
    """Who it is that decides or asks: a person, whose password is asked for."""
    parser.add_argument("--by", required=required, metavar="USER", help=_("your user name; your password is asked for"))
