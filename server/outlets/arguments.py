"""The arguments of `rasoat server outlet ...`. Read before Django is set up, so nothing of it is imported here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

Lazy = Callable[[str, str], Callable[[argparse.Namespace], int]]
CONSOLE = "server.outlets.console"


def add(family: Any, command: Callable[..., argparse.ArgumentParser], lazy: Lazy, _: Callable[[str], str]) -> None:
    """Add the actions, with the helpers of server/cli.py. No secret is an argument: others see those of a process."""
    new = command("add", lazy("add", CONSOLE), _("make an outlet: syslog, a webhook or e-mail"), family)
    new.add_argument("kind", choices=("syslog", "webhook", "mail"))
    new.add_argument("name")
    new.add_argument(
        "address", help=_("tls://host:6514, tcp://…, udp://…; https://host/path; starttls://host:587, smtps://…, smtp://…")
    )
    new.add_argument("--unit", metavar="NAME", help=_("it tells of this unit and all below (default: the root)"))
    new.add_argument("--tells", default="alarms", metavar="LIST", help=_("of alarms,verdicts,journal (default: alarms)"))
    new.add_argument(
        "--severity",
        choices=("low", "medium", "high", "critical"),
        default="high",
        help=_("of verdicts: at least (default: high)"),
    )
    new.add_argument("--both", action="store_true", help=_("also verdicts that got better"))
    new.add_argument("--rule-changes", action="store_true", help=_("also verdicts that turned because other rules hold"))
    new.add_argument("--language", choices=("vi", "en"), default="vi", help=_("of its texts (default: vi)"))
    new.add_argument("--ca", metavar="FILE", help=_("PEM: authorities to trust in place of the system's"))
    new.add_argument(
        "--secret-file", metavar="FILE",
        help=_("signing key of a webhook, password of e-mail, client certificate with key of syslog; - reads standard input"),
    )  # fmt: skip
    new.add_argument("--format", choices=("json", "cef"), default="json", help=_("of syslog's messages"))
    new.add_argument("--facility", type=int, default=16, metavar="N", help=_("of syslog, 0 to 23 (default: 16, local0)"))
    new.add_argument(
        "--enterprise", type=int, default=0, metavar="N", help=_("your own private enterprise number, for structured data")
    )
    new.add_argument("--sender", default="", metavar="ADDRESS")
    new.add_argument(
        "--to", action="append", default=[], metavar="ADDRESS", help=_("recipient of e-mail; may be given several times")
    )
    new.add_argument("--user", default="", metavar="NAME", help=_("for the mail server"))
    new.add_argument("--hours", type=int, default=24, metavar="N", help=_("between two digests of verdicts (default: 24)"))
    new.add_argument("--per-hour", type=int, default=10, metavar="N", help=_("mails of alarms an hour, at most (default: 10)"))
    command("list", lazy("listed", CONSOLE), _("list outlets and how they get through; 1 when one does not"), family)
    for word, function, text in (
        ("test", "test", _("send a test message now")),
        ("pause", "pause", _("send nothing; what there is to tell waits")),
        ("resume", "resume", _("go on, and at once")),
        ("remove", "remove", _("remove an outlet")),
    ):
        command(word, lazy(function, CONSOLE), text, family).add_argument(
            "outlet", type=int, metavar="ID", help=_("the id that `outlet list` shows")
        )
