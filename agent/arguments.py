"""The parser every command uses, and the options that all of them have."""

from __future__ import annotations

import argparse
import os

from agent import errors
from agent.language import _

TYPE_CHECKING = False  # typing itself would be felt in `rasoat --help`
if TYPE_CHECKING:
    from typing import Any, NoReturn


class _Formatter(argparse.HelpFormatter):
    """The usual one, told the width: finding it out itself makes argparse import shutil and five compressors."""

    def __init__(self, prog: str, **options: Any) -> None:
        options.setdefault("width", _columns() - 2)
        super().__init__(prog, **options)


def _columns() -> int:
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


class Parser(argparse.ArgumentParser):
    """argparse that says what to do after a mistake, and never guesses at abbreviated options."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("allow_abbrev", False)
        options.setdefault("formatter_class", _Formatter)
        super().__init__(*args, **options)

    def error(self, message: str) -> NoReturn:
        hint = _("See `%s --help`.") % self.prog
        self.exit(errors.USAGE, f"{self.format_usage()}rasoat: {message}\n{hint}\n")


def everywhere(parser: argparse.ArgumentParser, again: bool = True) -> None:
    """Options that may stand before the command or after it. `again`: the ones before it already have their values."""
    unset: Any = argparse.SUPPRESS if again else False
    group = parser.add_argument_group(_("everywhere"))
    group.add_argument("--quiet", action="store_true", default=unset, help=_("no progress and no remarks on stderr"))
    group.add_argument("--verbose", action="store_true", default=unset, help=_("more detail; the traceback of a bug"))
    group.add_argument(
        "--lang", choices=("vi", "en"), default=argparse.SUPPRESS if again else None, help=_("language (default: the locale)")
    )


class Actions:
    """The second word of a command, such as `list` in `rasoat baseline list`."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parsers = parser.add_subparsers(dest="action", metavar=_("ACTION"), required=True)

    def add(self, name: str, purpose: str) -> argparse.ArgumentParser:
        """The parser of one action."""
        sub = self._parsers.add_parser(name, help=purpose, description=purpose)
        everywhere(sub)
        return sub


def table_or_json(parser: argparse.ArgumentParser) -> None:
    """For what is short enough to need no other form."""
    parser.add_argument("--format", choices=("table", "json"), default="table", help=_("how to show the result (default: table)"))
