"""The arguments of `rasoat server views ...`. Read before Django is set up."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

Lazy = Callable[[str, str], Callable[[argparse.Namespace], int]]
CONSOLE = "server.analysts.console"


def add(family: Any, command: Callable[..., argparse.ArgumentParser], lazy: Lazy, _: Callable[[str], str]) -> None:
    """Add the actions, with the helpers of server/cli.py."""
    command("make", lazy("make", CONSOLE), _("make the views, or make them anew; migrations keep them from then on"), family)
    command("drop", lazy("drop", CONSOLE), _("remove the views for good"), family)
    command("list", lazy("listed", CONSOLE), _("list views and columns and what they say"), family)
    granted = command(
        "grant", lazy("grant", CONSOLE), _("print the SQL that lets a role read the views and nothing else"), family
    )
    granted.add_argument("role", metavar="ROLE")
    granted.add_argument(
        "--execute", action="store_true", help=_("carry it out, too, and see that the role can read nothing else")
    )
