"""The arguments of `rasoat server evidence ...`. Read before Django is set up."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

Lazy = Callable[[str, str], Callable[[argparse.Namespace], int]]
CONSOLE = "server.evidence.console"


def add(family: Any, command: Callable[..., argparse.ArgumentParser], lazy: Lazy, _: Callable[[str], str]) -> None:
    """Add the actions, with the helpers of server/cli.py."""
    made = command("make", lazy("make", CONSOLE), _("make a bundle that anybody can check without this collector"), family)
    of = made.add_mutually_exclusive_group()
    of.add_argument("--unit", metavar="NAME", help=_("of this unit and all below (default: the root)"))
    of.add_argument("--campaign", type=int, metavar="ID", help=_("of this campaign: the id that `campaign list` shows"))
    of.add_argument("--system", metavar="NAME", help=_("of this information system: code or name in the register"))
    made.add_argument("--report", action="append", default=[], metavar="FILE", help=_("a report that goes into it, unchanged"))
    made.add_argument(
        "--document", action="append", default=[], metavar="N[/ISSUE]",
        help=_("a document made here, as PDF: by its number, its newest issue if none is named (alone: of what that document is about)"),
    )  # fmt: skip
    made.add_argument("-o", "--output", required=True, metavar="FILE")
    command("list", lazy("listed", CONSOLE), _("list bundles, the newest first"), family)
    key = command(
        "key", lazy("key", CONSOLE), _("show with which key bundles are sealed: tell its fingerprint to whoever checks"), family
    )
    key.add_argument("--pem", action="store_true", help=_("print the public key instead, for a file"))
