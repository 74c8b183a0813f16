"""The `rasoat` command: chooses the language and the command, and turns every ending into its exit code.

Only the options of the command that was asked for are built, and its module is the only one imported:
`rasoat --help` must cost little more than the interpreter itself.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys

from agent import errors, language
from agent.arguments import Parser, everywhere
from agent.language import _, mark

TYPE_CHECKING = False  # typing itself would be felt in `rasoat --help`
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TextIO

COMMANDS: dict[str, tuple[str, str]] = {
    "scan": ("agent.commands.scan", mark("look at a machine and judge it")),
    "judge": ("agent.commands.judge", mark("judge stored snapshots again, at another level or against another baseline")),
    "system": (
        "agent.commands.system",
        mark("judge an information system as a whole: its machines, its layout, what people answer for"),
    ),
    "discover": ("agent.commands.discover", mark("find what answers on a network and is not in the register")),
    "inventory": ("agent.commands.inventory", mark("check or import the file that lists the machines")),
    "configuration": (
        "agent.commands.configuration",
        mark("copies of device configurations that restore a device: make, list and open them"),
    ),
    "credential": ("agent.commands.credential", mark("passwords for the machines of an inventory, kept encrypted here")),
    "baseline": ("agent.commands.baseline", mark("list, show and check baselines")),
    "agent": ("agent.commands.agent", mark("enrol this machine, report on a schedule, show where it stands")),
    "relay": (
        "agent.commands.relay",
        mark("pass on what machines without a route to the centre send, and keep it through days without a line"),
    ),
    "server": ("", mark("the central collector (needs the extra [server])")),
    "verify": ("agent.commands.verify", mark("check an evidence bundle offline, line by line")),
    "feed": ("", mark("vulnerabilities, ends of life, indicators and warnings, without internet (needs the extra [server])")),
    "campaign": ("", mark("what a letter asks of many units before a day (needs the extra [server])")),
    "register": ("", mark("registers of equipment, software and information systems (needs the extra [server])")),
    "dossier": ("", mark("papers that people sign: replies to letters, level dossiers (needs the extra [server])")),
    "case": ("agent.commands.case", mark("record a redacted test case from a real machine")),
    "version": ("agent.commands.version", mark("show the version")),
}

OF_THE_SERVER = ("server", "feed", "campaign", "register", "dossier")
"""Handed on whole: `rasoat feed ...` is what `rasoat server feed ...` is."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. The exit code is the answer; see agent/errors.py."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        _never_fail_on_letters(stream)
    language.choose(language.wanted(arguments, os.environ))
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else errors.PASSED if stop.code is None else errors.USAGE
    except errors.Refusal as refusal:
        _say(str(refusal))
        return refusal.code
    except KeyboardInterrupt:
        _say(_("interrupted"))
        return 130
    except BrokenPipeError:
        # the reader went away, as in `| head`
        _drop_output()
        return 141
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return _bug(error, verbose="--verbose" in arguments)
        _drop_output()
        _say(_("the output cannot be written: %s") % error.strerror)
        return errors.USAGE
    except Exception as error:  # the one place where a bug ends
        return _bug(error, verbose="--verbose" in arguments)


def _drop_output() -> None:
    """What is still buffered goes nowhere; without this the interpreter complains once more while it shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _run(arguments: list[str]) -> int:
    name = _command(arguments)
    if name in OF_THE_SERVER:
        rest = arguments[arguments.index(name) + 1 :]
        return _server(rest if name == "server" else [name, *rest])
    parser = Parser(
        prog="rasoat",
        description=_("Looks at machines, judges them against security baselines, and says how to repair what fails."),
        epilog=_(
            "Exit codes: 0 all passed, 1 a fail, 2 usage or input error, 3 something could not be looked at, 4 could not deliver, 5 a bug, 6 the agent stopped itself at its limits."
        ),
    )
    everywhere(parser, again=False)
    commands = parser.add_subparsers(dest="command", metavar=_("COMMAND"), required=True, parser_class=Parser)
    module: Any = None
    for word, (where, purpose) in COMMANDS.items():
        sub = commands.add_parser(word, help=_(purpose), description=_(purpose))
        if word == name:
            module = importlib.import_module(where)
            module.options(sub)
            everywhere(sub)
    options = parser.parse_args(arguments)
    code: int = module.run(options)
    return code


def _command(arguments: list[str]) -> str | None:
    skip = False
    for word in arguments:
        if skip:
            skip = False
        elif word == "--lang":
            skip = True
        elif not word.startswith("-"):
            return word
    return None


def _server(rest: list[str]) -> int:
    try:
        # by name: the agent and the server share no import, only the snapshot's JSON and the HTTP API
        server = importlib.import_module("server.cli")
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] in ("agent", "collectors", "baselines"):
            raise
        raise errors.Refusal(
            _("the collector is not installed here (%s is missing). Install it with: pip install 'rasoat[server]'") % missing.name
        ) from None
    code: int = server.main(rest)
    return code


def _bug(error: Exception, verbose: bool) -> int:
    import tempfile
    import traceback

    text = "".join(traceback.format_exception(error))
    try:
        from collectors.redact import redact

        text = redact(text)
    except Exception:  # the redactor itself may be what is broken: then only where it happened is told, not what was said
        text = f"{''.join(traceback.format_tb(error.__traceback__))}{type(error).__name__}\n"
    _say(_("this is a bug in rasoat: %s") % text.strip().splitlines()[-1])
    if verbose:
        sys.stderr.write(text)
    try:
        handle, path = tempfile.mkstemp(prefix="rasoat-bug-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        _say(_('The details are in %s. Please send that file to the address under "Reporting a bug" in the README.') % path)
    except OSError:
        _say(_('Please run it again with --verbose and send the output to the address under "Reporting a bug" in the README.'))
    return errors.BUG


def _say(text: str) -> None:
    from agent.terminal import complain

    complain(text)


def _never_fail_on_letters(stream: TextIO | None) -> None:
    """A terminal that cannot show ế shows a question mark; a report must not die of it."""
    if stream is not None and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
