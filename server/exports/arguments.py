"""The arguments of `rasoat server export`. Read before Django is set up."""

from __future__ import annotations

import argparse
from collections.abc import Callable

Lazy = Callable[[str, str], Callable[[argparse.Namespace], int]]
CONSOLE = "server.exports.console"


def add(command: Callable[..., argparse.ArgumentParser], lazy: Lazy, _: Callable[[str], str]) -> None:
    """Add the command, with the helpers of server/cli.py."""
    export = command("export", lazy("export", CONSOLE), _("write machines, findings, coverage or software for other programs"))
    export.add_argument("what", choices=("assets", "findings", "coverage", "software"))
    export.add_argument(
        "--format",
        choices=("csv", "glpi", "netbox"),
        default="csv",
        help=_("glpi, netbox: of assets, a zip file (docs/export.md)"),
    )
    export.add_argument("--unit", metavar="CODE", help=_("this unit and all below (default: the root)"))
    export.add_argument("--no-bom", action="store_true", help=_("csv: without the mark by which Excel knows UTF-8"))
    export.add_argument("-o", "--output", metavar="FILE", help=_("where to (csv: default: what is printed)"))
