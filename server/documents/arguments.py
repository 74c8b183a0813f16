"""The arguments of `rasoat dossier ...`, which is `rasoat server dossier ...`, and of `rasoat server letterhead ...`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

Lazy = Callable[[str, str], Callable[[argparse.Namespace], int]]
CONSOLE = "server.documents.console"
REPORTS = ("executive", "monthly", "equipment", "yearly", "effectiveness", "books", "minutes", "monitoring")
PREPARED = ("executive", "monthly", "equipment", "yearly", "effectiveness")
"""kinds.SPANS and kinds.PREPARED, named here because a command line is read before Django is there."""
FIELDS = (
    "above", "issuer", "abbreviation", "drafting", "letter_pattern", "paper_pattern", "place", "addressees", "receivers", "authority",
    "signer_title", "signer_name", "wording", "scanned_by", "relation", "functions", "representative", "representative_title", "address",
    "phone", "email",
)  # fmt: skip


def add(dossier: argparse._SubParsersAction[argparse.ArgumentParser], letterhead: argparse._SubParsersAction[argparse.ArgumentParser], command: Callable[..., argparse.ArgumentParser], lazy: Lazy, _: Callable[[str], str]) -> None:  # fmt: skip
    """Add the commands, with the helpers of server/cli.py."""
    reply = command("reply", lazy("reply", CONSOLE), _("a unit's reply to the letter of a campaign, with its annexes"), dossier)
    reply.add_argument("campaign", type=int, metavar="CAMPAIGN", help=_("the number that `rasoat server campaign list` shows"))
    reply.add_argument("--unit", metavar="NAME", help=_("whose reply (default: the unit that holds the campaign)"))
    level = command("level", lazy("level", CONSOLE), _("the level dossier of an information system"), dossier)
    level.add_argument("system", metavar="SYSTEM", help=_("number, code or name in the register"))
    level.add_argument("--baseline", default="", metavar="PACK", help=_("standard it cites (default: the register's)"))
    level.add_argument("--level", type=int, choices=range(1, 6), help=_("default: as approved, else as proposed"))
    report = command(
        "report", lazy("report", CONSOLE), _("a report of a unit and all below, of a time or of how things stand"), dossier
    )
    report.add_argument("kind", choices=REPORTS, metavar="KIND", help=", ".join(REPORTS))
    report.add_argument("--unit", metavar="NAME", help=_("default: the root"))
    report.add_argument("--period", metavar="TIME", help=_("2026-11, 2026-Q4, 2026 or 2026-11-30, whichever the kind is of"))
    for one in (reply, level, report):
        one.add_argument("--format", choices=("docx", "pdf", "xlsx"), default="docx")
        one.add_argument("--output", required=True, metavar="FILE")
        one.add_argument(
            "--answers", metavar="FILE", help=_("JSON: what people write into the blanks, by the names that `asks` shows")
        )
        one.add_argument("--blank-signer", action="store_true", help=_("leave title and name of the signer marked and blank"))
    command("list", lazy("listed", CONSOLE), _("list documents and their issues"), dossier)
    asks = command("asks", lazy("asks", CONSOLE), _("print as JSON what is still blank in a document"), dossier)
    asks.add_argument("document", type=int, metavar="DOCUMENT")
    routine = dossier.add_parser("routine", help=_("papers that are prepared by themselves, as drafts"))
    routine_actions = routine.add_subparsers(required=True, metavar="ACTION")
    command("list", lazy("routines_listed", CONSOLE), _("list them, and what could not be prepared"), routine_actions)
    for name, text in (
        ("add", _("prepare a paper for a unit after each of its times")),
        ("remove", _("prepare it no more; what was prepared stays")),
    ):
        one = command(name, lazy(f"routine_{name}", CONSOLE), text, routine_actions)
        one.add_argument("--unit", metavar="NAME", help=_("default: the root"))
        one.add_argument("--kind", required=True, choices=PREPARED, metavar="KIND", help=", ".join(PREPARED))
    shown = command("show", lazy("show", CONSOLE), _("organisation data of a unit, with what it inherits"), letterhead)
    shown.add_argument("--unit", metavar="NAME")
    put = command("set", lazy("put", CONSOLE), _("write organisation data of a unit; what is not named stays, an empty word takes it away"), letterhead)  # fmt: skip
    put.add_argument("--unit", metavar="NAME")
    for name in FIELDS:
        put.add_argument(f"--{name.replace('_', '-')}", metavar="TEXT")
    put.add_argument(
        "--contact", action="append", metavar="TEXT", help=_("`name; e-mail; telephones`, once for each contact point")
    )
    put.add_argument("--internal", choices=("yes", "no", "inherit"), help=_("for internal circulation stands on its papers"))
    put.add_argument("--through-above", choices=("yes", "no"), help=_("it issues no papers of its own: the unit above does"))
