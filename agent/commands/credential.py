"""`rasoat credential`: passwords for the targets of this machine, encrypted. A secret is typed or piped in, never an argument."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agent import config, errors
from agent.arguments import Actions
from agent.errors import Refusal
from agent.language import _
from agent.terminal import Progress


def options(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser)

    def action(name: str, purpose: str) -> argparse.ArgumentParser:
        sub = actions.add(name, purpose)
        sub.add_argument("--state-dir", metavar="DIR", type=Path, help=_("the agent's folder (default: /var/lib/rasoat)"))
        return sub

    add = action("add", _("keep a secret; it is asked for, or read from stdin"))
    add.add_argument("name", metavar="NAME", help=_("by which the targets file calls it: password_secret: NAME"))
    add.add_argument("--replace", action="store_true", help=_("change the one that is there"))
    action("list", _("list the names; the secrets are not shown, here or anywhere"))
    action("remove", _("forget a secret")).add_argument("name", metavar="NAME")


def run(options: argparse.Namespace) -> int:
    from agent.vault.store import Store

    settings = config.load(state_dir=options.state_dir and options.state_dir.absolute())
    store = Store.of(settings)
    progress = Progress(options.quiet)
    try:
        if options.action == "list":
            for name, added in store.names():
                print(f"{name}  {added}")
        elif options.action == "remove":
            store.remove(options.name)
            progress.say(_("Removed: %s") % options.name)
        else:
            store.add(options.name, _secret(), options.replace)
            progress.say(_("%(name)s is kept. The key to it is %(file)s: keep a copy of that in a safe place.") % {
                "name": options.name, "file": store.key_file,
            })  # fmt: skip
    except OSError as error:
        raise Refusal(
            _("the credential store cannot be used: %(file)s: %(why)s. Run as root, or name another folder with --state-dir.")
            % {"file": error.filename or store.file, "why": error.strerror}
        ) from None
    return errors.PASSED


def _secret() -> str:
    """From the terminal, twice and unseen; else the one line that stdin holds."""
    if not sys.stdin.isatty():
        text = sys.stdin.read(65536)
        return text.removesuffix("\n").removesuffix("\r")
    import getpass

    first = getpass.getpass(_("Secret: "))
    if getpass.getpass(_("Once more: ")) != first:
        raise Refusal(_("the two differ; nothing was kept"))
    return first
