"""The arguments of `rasoat server user link` and its kin. Read before Django is set up, so nothing of it is imported here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

CONSOLE = "server.signon.console"


def add(user: Any, command: Callable[..., argparse.ArgumentParser], lazy: Callable[[str, str], Callable[[argparse.Namespace], int]], _: Callable[[str], str]) -> None:  # fmt: skip
    """Add the actions to the family `user`, with the helpers of server/cli.py."""
    linked = command(
        "link",
        lazy("link", CONSOLE),
        _("let an account be entered by an identity elsewhere, and no longer by a password"),
        user,
    )
    linked.add_argument("username")
    linked.add_argument(
        "identity",
        metavar="KIND:SUBJECT",
        help=_("oidc:… or ldap:…, as the page says to whom is not let in, and as the journal names it"),
    )
    command("unlink", lazy("unlink", CONSOLE), _("undo it; `user reset` then gives the account a password"), user).add_argument(
        "username"
    )
