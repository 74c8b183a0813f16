"""The arguments of `rasoat server schedule ...` and `... rollout ...`. Read before Django is set up, so nothing of it is imported here."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any

Lazy = Callable[[str, str], Callable[[argparse.Namespace], int]]
CONSOLE = "server.schedules.console"
KINDS = ("all", "server", "workstation", "network")
_FUNCTIONS = {"set": "change", "list": "listed", "scan": "scan_all"}
_LENGTH = re.compile(r"(\d+)([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_BYTES = re.compile(r"(\d+)([kM]?)")


def add(schedule: Any, rollout: Any, command: Callable[..., argparse.ArgumentParser], lazy: Lazy, _: Callable[[str], str]) -> None:  # fmt: skip
    """Add the actions to both families, with the helpers of server/cli.py."""

    def action(name: str, text: str, family: Any = schedule, prefix: str = "") -> argparse.ArgumentParser:
        return command(name, lazy(prefix + _FUNCTIONS.get(name, name), CONSOLE), text, family)

    unit = _("code or name of a unit")
    changed = action("set", _("say when the machines of a unit and below report"))
    changed.add_argument("unit", help=unit)
    changed.add_argument(
        "--kind", choices=KINDS, default="all", help=_("of machines (default: all); network: devices of scan stations")
    )
    inherit = _("`inherit` takes it back")
    for flag, example, text in (
        ("--interval", "1d", _("how often")),
        ("--hours", '"mon-fri 11:30-13:00; sat 22:00-05:00"', _("windows, local time; `always` for any time")),
        ("--spread", "2h", _("over how much of a window, or of the interval, machines are spread")),
        ("--freeze", "2027-02-05..2027-02-12", _("days on which nothing is begun, several separated by commas")),
        ("--zone", "Asia/Ho_Chi_Minh", _("time zone of the windows")),
        ("--overdue", "3", _("missed runs after which a machine is looked at outside its windows too")),
        ("--scans", "10", _("scans a minute that a site is handed out when people ask for them")),
        ("--bandwidth", "64k", _("bytes a second that one sender may send")),
        ("--poll", "15m", _("how often agents ask whether somebody wants a scan now")),
    ):
        changed.add_argument(flag, metavar="VALUE", help=f"{text}; {inherit} ({example})")
    shown = action("show", _("what holds in a unit, said by whom, and when its machines will report"))
    shown.add_argument("unit", nargs="?", help=unit)
    action("list", _("every schedule there is"))
    action("check", _("see which sites are silent and how rollouts go; workers do it by themselves"))
    scanned = action("scan", _("ask every machine of a unit and below for a scan now"))
    scanned.add_argument("unit", help=unit)

    started = action(
        "start", _("give a new pack, stricter values or a version of the agent to a few machines first"), rollout, "rollout_"
    )
    started.add_argument("unit", help=unit)
    started.add_argument("--baseline", default="", metavar="PACK")
    started.add_argument("--tailoring", metavar="FILE", help=_("YAML with stricter values"))
    started.add_argument(
        "--agent-version", default="", metavar="VERSION", help=_("recommended only: agents never replace themselves")
    )
    started.add_argument("--rings", default="1,5,100", metavar="PERCENTS", help=_("percentages (default: 1,5,100)"))
    started.add_argument(
        "--by", metavar="USER", help=_("who asks for a pack; a second person approves it; your password is asked for")
    )
    started.add_argument("--why", default="", metavar="TEXT", help=_("why, for the second person"))
    started.add_argument("--bad", type=int, default=2, metavar="PERCENT", help=_("it halts by itself above so many (default: 2)"))
    action("list", _("rollouts, their rings and how they go"), rollout, "rollout_")
    for name, text in (
        ("widen", _("lead it on to the next ring, or resume it after a halt")),
        ("halt", _("hold everybody to what was before")),
        ("end", _("give it up; once it has reached all: make it the unit's own")),
    ):
        one = action(name, text, rollout, "rollout_")
        one.add_argument("rollout", type=int, metavar="ID", help=_("the id that `rollout list` shows"))
        if name == "halt":
            one.add_argument("--why", required=True, metavar="TEXT")


def seconds(text: str) -> int:
    """From `90m`. Raises ValueError."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return int(found[1]) * _SECONDS[found[2]]


def rate(text: str) -> int:
    """Bytes from `64k`. Raises ValueError."""
    found = _BYTES.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return int(found[1]) * {"": 1, "k": 1024, "M": 1024 * 1024}[found[2]]
