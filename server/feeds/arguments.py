"""The arguments of `rasoat feed ...`, which is `rasoat server feed ...`. Read before Django is set up."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date

Lazy = Callable[[str, str], Callable[[argparse.Namespace], int]]
CONSOLE, MAKING = "server.feeds.console", "server.feeds.making"


def add(feed: argparse._SubParsersAction[argparse.ArgumentParser], command: Callable[..., argparse.ArgumentParser], lazy: Lazy, _: Callable[[str], str]) -> None:  # fmt: skip
    """Add the commands, with the helpers of server/cli.py."""
    taken = command("import", lazy("take", CONSOLE), _("check a bundle and put its data in force, in the background"), feed)
    taken.add_argument("path", metavar="PATH", help=_("directory or zip, as it lies on the stick"))
    taken.add_argument(
        "--fingerprint", default="", metavar="HEX", help=_("of its root, the first time: from whoever makes the bundles")
    )
    taken.add_argument("--now", action="store_true", help=_("do it here and wait for it"))
    listed = command(
        "import-list", lazy("take_list", CONSOLE), _("take over a list of indicators or the table of a letter"), feed
    )
    listed.add_argument("file", metavar="FILE")
    listed.add_argument("--kind", required=True, choices=("indicators", "warnings"))
    listed.add_argument("--number", required=True, metavar="TEXT", help=_("number of the list or letter"))
    listed.add_argument("--date", required=True, type=date.fromisoformat, metavar="YYYY-MM-DD", help=_("day it was issued"))
    listed.add_argument("--issuer", default="", metavar="TEXT")
    listed.add_argument("--title", default="", metavar="TEXT")
    listed.add_argument("--columns", default="", metavar="MAP", help=_("which heading is what: cve=Code, product=System"))
    listed.add_argument("--now", action="store_true", help=_("do it here and wait for it"))
    shown = command(
        "status", lazy("status", CONSOLE), _("how old each feed is; 1 when one is over its limit or none is there"), feed
    )
    shown.add_argument("--format", choices=("table", "json"), default="table")
    made = command(
        "build", lazy("build", MAKING), _("make a signed bundle of the files in a folder; no collector is needed"), feed
    )
    made.add_argument("folder", metavar="DIR", help=_("with feeds.toml and the files it names"))
    made.add_argument("--keys", required=True, metavar="DIR", help=_("with the bundle key and the root files"))
    made.add_argument("--out", required=True, metavar="PATH", help=_("a directory, or a new .zip"))
    made.add_argument("--key", default="", metavar="FILE", help=_("another bundle key than the newest there"))
    made.add_argument(
        "--days", type=int, choices=range(1, 91), default=30, metavar="N", help=_("may be imported so long (default: 30)")
    )
    made.set_defaults(fresh=True)
    keys = feed.add_parser("keys", help=_("who may make bundles"), description=_("who may make bundles")).add_subparsers(
        required=True, metavar="ACTION"
    )
    init = command("init", lazy("keys_init", MAKING), _("make root keys and a bundle key in an empty folder"), keys)
    init.add_argument("folder", metavar="DIR")
    init.add_argument("--roots", type=int, default=1, metavar="N", help=_("root keys (default: 1)"))
    init.add_argument("--threshold", type=int, default=1, metavar="N", help=_("so many of them must sign (default: 1)"))
    renew = command("renew", lazy("keys_renew", MAKING), _("sign the next root file, before the last one ends"), keys)
    renew.add_argument("folder", metavar="DIR")
    renew.add_argument("--root-key", action="append", required=True, metavar="FILE")
    renew.add_argument("--new-bundle-key", action="store_true", help=_("because the one before may be in wrong hands"))
    show = command("show", lazy("keys_show", MAKING), _("the fingerprint, and until when the root file counts"), keys)
    show.add_argument("folder", metavar="DIR")
    for one in (init, renew, show):
        one.set_defaults(fresh=True)
    for one in (init, renew, made):
        one.add_argument(
            "--passphrase-file", default="", metavar="FILE", help=_("with the passphrase of the keys; else it is asked for")
        )
