"""The arguments of `rasoat server backup`, `restore`, `move` and `prune`. Read before Django is set up."""

from __future__ import annotations

import argparse
from collections.abc import Callable

Lazy = Callable[[str, str], Callable[[argparse.Namespace], int]]
CONSOLE = "server.storage.console"


def add(command: Callable[..., argparse.ArgumentParser], lazy: Lazy, _: Callable[[str], str]) -> None:
    """Add the commands, with the helpers of server/cli.py."""
    backup = command(
        "backup", lazy("backup", CONSOLE), _("save database, settings, keys and packs in one file, while the collector runs")
    )
    backup.add_argument(
        "words", nargs="+", metavar="FILE|DIR | verify FILE", help=_("where to; `verify`: look at a backup's every byte")
    )
    backup.set_defaults(fresh=True)
    restore = command("restore", lazy("restore", CONSOLE), _("make a collector of a backup, where nothing is yet"))
    restore.add_argument("file", metavar="FILE")
    restore.add_argument(
        "--database", default="", metavar="URL", help=_("an empty PostgreSQL database in place of the one it came from")
    )
    restore.set_defaults(fresh=True)
    move = command("move", lazy("move", CONSOLE), _("copy everything into another database; the collector must be stopped"))
    move.add_argument("--to", required=True, metavar="URL", help=_("postgresql://user@host:5432/name, empty; or: sqlite"))
    move.add_argument("--password-file", default="", metavar="FILE", help=_("with the password of that database"))
    command("prune", lazy("prune", CONSOLE), _("remove snapshots that settings.toml no longer keeps"))
