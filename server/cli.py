"""`rasoat server ...`: set up and run the collector. The agent's command line finds `main` by name, without importing it."""

from __future__ import annotations

import argparse
import gettext
import importlib
import itertools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import django  # here, so that `rasoat server` says what to install when it is missing
from django.db import OperationalError

from server.analysts import arguments as analysts
from server.approvals import arguments as approvals
from server.campaigns import arguments as campaigns
from server.documents import arguments as documents
from server.evidence import arguments as evidence
from server.exports import arguments as exports
from server.feeds import arguments as feeds
from server.outlets import arguments as outlets
from server.registers import arguments as registers
from server.schedules import arguments as schedules
from server.signon import arguments as signon
from server.storage import arguments as storage
from server.sweeps import arguments as sweeps
from server.units import arguments as units
from server.units.rights import RIGHTS

FAILED, USAGE = 1, 2
_language = "en"
_catalog: gettext.NullTranslations = gettext.NullTranslations()


def main(argv: Sequence[str]) -> int:
    """Exit code of `rasoat server` with these arguments."""
    _speak(argv)
    parser = _parser()
    options = parser.parse_args(argv)
    if options.data:
        os.environ["RASOAT_DATA"] = str(Path(options.data).absolute())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    os.umask(0o077)
    from server.config import ConfigError, Data
    from server.database import there

    try:
        data = Data.here()
        if options.command is _init:
            _create(data, options)
        config = data.config()
        if options.command is _init and options.database not in ("", config.database):
            raise ConfigError(_("%s is there already and names another database; change it there") % data.settings)
        django.setup()
        translation = importlib.import_module("django.utils.translation")
        translation.activate(_language)
        if not options.fresh and not there(data, config):
            return _missing(data.root)
        return int(options.command(options))
    except (ConfigError, PermissionError) as error:
        _say(f"rasoat: {error}", error=True)
        return USAGE
    except OperationalError as error:
        _say("rasoat: " + _("the database does not answer: %s") % str(error).strip(), error=True)
        return FAILED


def _missing(root: Path) -> int:
    missing = _("no collector in %(data)s; make one with: rasoat server init --data %(data)s")
    _say(f"rasoat: {missing % {'data': root}}", error=True)
    return USAGE


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data", metavar="DIR", help=_("data directory (default: $RASOAT_DATA or /var/lib/rasoat-server)"))
    shared.add_argument("--lang", choices=("vi", "en"), help=_("language of the messages"))
    parser = argparse.ArgumentParser(prog="rasoat server", description=_("The central collector"))
    actions = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Callable[[argparse.Namespace], int], text: str, under: argparse._SubParsersAction[argparse.ArgumentParser] = actions) -> argparse.ArgumentParser:  # fmt: skip
        added = under.add_parser(name, parents=[shared], help=text, description=text)
        added.set_defaults(command=function, fresh=function is _init)
        return added

    def family(name: str, text: str) -> argparse._SubParsersAction[argparse.ArgumentParser]:
        return actions.add_parser(name, help=text, description=text).add_subparsers(required=True, metavar="ACTION")

    init = command("init", _init, _("make the data directory, the database, the first unit and the administrator"))
    init.add_argument("--unit", metavar="NAME", help=_("name of the organisation (the root of the tree)"))
    init.add_argument("--level", type=int, choices=range(1, 6), help=_("level its machines are held to (default: 2)"))
    init.add_argument(
        "--hostname",
        action="append",
        default=[],
        metavar="NAME",
        help=_("a name or address under which browsers and agents call it"),
    )
    init.add_argument(
        "--database", default="", metavar="URL", help=_("postgresql://user@host:5432/name in place of SQLite; without a password")
    )

    run = command("run", _run, _("run the collector"))
    run.add_argument("--host", help=_("address to listen on (default: settings.toml)"))
    run.add_argument("--port", type=int, help=_("port to listen on (default: settings.toml)"))
    run.add_argument("--workers", type=int, help=_("processes (default: settings.toml)"))

    token = family("token", _("enrolment tokens"))
    new = command("new", _lazy("token_new"), _("print a token with which machines enrol; it is shown once"), token)
    new.add_argument("--unit", metavar="NAME", help=_("unit the machines come into (default: the root)"))
    new.add_argument("--uses", type=_positive, default=1, metavar="N", help=_("how many machines (default: 1)"))
    new.add_argument("--hours", type=float, default=24, metavar="H", help=_("valid so long (default: 24)"))
    new.add_argument("--note", default="")
    new.add_argument("--approval", action="store_true", help=_("whoever comes in by it waits until a person agrees"))
    new.add_argument("--replaces", metavar="MACHINE", help=_("whoever comes in by it is this machine, installed anew"))
    new.add_argument("--quiet", "-q", action="store_true", help=_("print the token and nothing else"))
    command("list", _lazy("token_list"), _("list tokens; their secret is not stored"), token)
    command("revoke", _lazy("token_revoke"), _("make a token useless"), token).add_argument(
        "public", help=_("the id that `token list` shows")
    )

    unit = family("unit", _("the organisation tree"))
    units.add(unit, command, _policy, _lazy, _)

    user = family("user", _("people who log on"))
    new = command("new", _lazy("user_new"), _("add a person; the password is shown once"), user)
    new.add_argument("username")
    new.add_argument("--name", default="", help=_("full name"))
    new.add_argument("--unit", metavar="NAME", help=_("what the person sees: this unit and all below (default: the root)"))
    new.add_argument("--role", choices=tuple(RIGHTS), default="viewer")
    grant = command("grant", _lazy("user_grant"), _("give a role in a unit, in place of an earlier one there"), user)
    grant.add_argument("username")
    grant.add_argument("--unit", metavar="NAME")
    grant.add_argument("--role", choices=(*RIGHTS, "none"), default="viewer", help=_("none takes it away"))
    grant.add_argument(
        "--until", type=units.day, metavar="YYYY-MM-DD", help=_("last day it holds (default: until it is taken away)")
    )
    command("reset", _lazy("user_reset"), _("give a new password, shown once, and end a lock-out"), user).add_argument("username")
    command("disable", _lazy("user_disable"), _("let a person no longer log on"), user).add_argument("username")
    command("list", _lazy("user_list"), _("list people and their rights"), user)

    signon.add(user, command, _lazy, _)

    rejudge = command("rejudge", _lazy("rejudge"), _("judge the newest snapshot of every machine again, in the background"))
    rejudge.add_argument("--now", action="store_true", help=_("do it here and wait for it"))
    worker = command("worker", _lazy("work", "server.background.console"), _("do background work until told to stop"))
    worker.add_argument(
        "--concurrency", type=_positive, default=1, metavar="N", help=_("so many jobs at once (default: 1; PostgreSQL)")
    )
    worker.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    jobs = family("jobs", _("background work"))
    found = command("list", _lazy("listed", "server.background.console"), _("list jobs, the newest first"), jobs)
    found.add_argument("--state", choices=("waiting", "running", "done", "failed", "cancelled"))
    found.add_argument("--limit", type=_positive, default=50, metavar="N")
    for name, text in (
        ("show", _("all about one job")),
        ("cancel", _("do no more of it")),
        ("retry", _("start a failed or cancelled one again")),
    ):
        command(name, _lazy(name, "server.background.console"), text, jobs).add_argument("job", type=_positive, metavar="ID")
    whatif = command(
        "whatif",
        _lazy("whatif"),
        _("show what another level, pack or stricter values would change, by unit, requirement and machine; nothing is stored"),
    )
    whatif.add_argument("--unit", metavar="NAME", help=_("this unit and all below (default: the root)"))
    whatif.add_argument("--level", type=int, choices=range(1, 6))
    whatif.add_argument("--baseline", metavar="PACK", help=_("id of a pack, or the folder of a changed one"))
    whatif.add_argument("--tailoring", metavar="FILE", help=_("YAML with stricter values; `none` removes it"))
    whatif.add_argument("--format", choices=("table", "json", "csv"), default="table")
    whatif.add_argument("--output", metavar="FILE")
    storage.add(command, _lazy, _)
    configurations = family("configurations", _("versions of device configurations"))
    command("prune", _lazy("configurations_prune"), _("remove those that settings.toml no longer keeps"), configurations)
    findings = family("findings", _("verdicts of all machines, counted"))
    recount = command(
        "verify", _lazy("verify", "server.findings.console"), _("count again, and say what was counted otherwise"), findings
    )
    recount.add_argument("--repair", action="store_true", help=_("put it right as well"))
    command(
        "count",
        _lazy("count", "server.findings.console"),
        _("count in what reports have changed; workers do it by themselves"),
        findings,
    )
    kept = command(
        "roll-up", _lazy("roll_up", "server.findings.console"), _("keep the counts of each day that is over"), findings
    )
    kept.add_argument("--date", type=units.day, metavar="YYYY-MM-DD", help=_("that day, once more"))
    relay = family("relay", _("programs at a site that pass on what machines without a route to here send"))
    new = command("new", _lazy("new", "server.relays.console"), _("print an invitation for a relay; it is shown once"), relay)
    new.add_argument("name")
    new.add_argument("--unit", metavar="NAME", help=_("unit it belongs to (default: the root)"))
    new.add_argument("--quiet", "-q", action="store_true", help=_("print the invitation and nothing else"))
    command("list", _lazy("listed", "server.relays.console"), _("list relays and what is wrong with them"), relay)
    revoked = command("revoke", _lazy("revoke", "server.relays.console"), _("take a relay out of service"), relay)
    revoked.add_argument("relay", metavar="ID", help=_("the id that `relay list` shows"))
    enrolment = family("enrolment", _("machines that wait to be let in"))
    command("list", _lazy("waiting", "server.enrolment.console"), _("list who waits"), enrolment)
    for word, text in (("approve", _("let a machine in")), ("refuse", _("send a machine away"))):
        command(word, _lazy(word, "server.enrolment.console"), text, enrolment).add_argument("agent", metavar="ID")
    machine = family("machine", _("machines in and out of service"))
    retired = command(
        "retire", _lazy("retire", "server.enrolment.console"), _("take a machine out of service; what it sent stays"), machine
    )
    retired.add_argument("machine", metavar="MACHINE", help=_("name or number"))
    retired.add_argument("--why", required=True, metavar="TEXT")
    command("restore", _lazy("restore", "server.enrolment.console"), _("put a machine back in service"), machine).add_argument(
        "machine", metavar="MACHINE", help=_("name or number")
    )
    coverage = family("coverage", _("which machines should report, and which do"))
    take = command(
        "import", _lazy("take", "server.coverage.console"), _("take over a list of machines that should be there"), coverage
    )
    take.add_argument("file", metavar="FILE")
    take.add_argument("--source", required=True, choices=("ad", "dhcp", "csv", "discovery"), help=_("what kind of list it is"))
    take.add_argument("--unit", metavar="NAME", help=_("unit it speaks of, with all below (default: the root)"))
    take.add_argument("--dry-run", action="store_true", help=_("only say what would change"))
    take.add_argument("--shorter", action="store_true", help=_("the list is whole, even if much shorter than the one before"))
    shown = command(
        "show",
        _lazy("show", "server.coverage.console"),
        _("expected, seen, fresh, judged; 1 when something is missing"),
        coverage,
    )
    shown.add_argument("--unit", metavar="NAME")
    shown.add_argument("--format", choices=("table", "json"), default="table")
    gap = command("list", _lazy("gap", "server.coverage.console"), _("print the machines behind a gap"), coverage)
    gap.add_argument("gap", choices=("absent", "never", "stale", "unjudged", "unlisted", "ambiguous", "excused"))
    gap.add_argument("--unit", metavar="NAME")
    schedules.add(
        family("schedule", _("when machines report")), family("rollout", _("new packs and versions, in rings")), command, _lazy, _
    )
    documents.add(
        family("dossier", _("papers that people sign: replies to letters, level dossiers")),
        family("letterhead", _("organisation data of a unit for its papers: issuer, signer, place, receivers")),
        command, _lazy, _,
    )  # fmt: skip
    exports.add(command, _lazy, _)
    analysts.add(family("views", _("views in SQL for people who ask the database themselves")), command, _lazy, _)
    approvals.add(
        family("approval", _("what takes two people")), family("waiver", _("fails that are borne for a time")), command, _lazy, _
    )
    campaigns.add(family("campaign", _("what a letter asks of many units before a day")), command, _lazy, _)
    evidence.add(family("evidence", _("bundles that anybody can check without this collector")), command, _lazy, _)
    registers.add(family("register", _("registers of equipment, software and information systems")), command, _lazy, _)
    outlets.add(family("outlet", _("what leaves by itself: syslog, webhooks, e-mail")), command, _lazy, _)
    fit = command("check", _lazy("check", "server.deploy.console"), _("see whether this collector is fit to be relied on"))
    fit.add_argument("--deploy", action="store_true", help=_("with what matters once other people's machines report here"))
    fit.add_argument("--format", choices=("table", "json"), default="table")
    fit.add_argument("--accept-keys", action="store_true", help=_("from now on the keys of this machine are the right ones"))
    feeds.add(family("feed", _("vulnerabilities, ends of life, indicators and warnings, without internet")), command, _lazy, _)
    sweeps.add(family("sweep", _("lists of indicators and warnings by letter, held against stored reports")), command, _lazy, _)
    journal = family("journal", _("the audit trail"))
    room = "server.journal.console"
    command("verify", _lazy("verify", room), _("check that no row of the journal was changed or removed"), journal)
    written = command("export", _lazy("write", room), _("write the journal into a file that anybody can check"), journal)
    written.add_argument("file", metavar="FILE")
    written.add_argument("--after", type=_positive, metavar="ROW", help=_("only the rows after this one"))
    checked = command("check", _lazy("check", room), _("check such a file; no collector is needed"), journal)
    checked.add_argument("file", metavar="FILE")
    checked.add_argument("--continues", metavar="FILE", help=_("an earlier export, which this one must continue"))
    checked.add_argument("--signed-by", default="", metavar="FINGERPRINT", help=_("keys of the centre that must have signed it"))
    checked.set_defaults(fresh=True)
    return parser


def _policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--level", type=int, choices=range(1, 6))
    parser.add_argument("--baseline", metavar="PACK")
    parser.add_argument("--tailoring", metavar="FILE", help=_("YAML with stricter values; `none` removes it"))
    parser.add_argument("--interval", type=_positive, metavar="SECONDS", help=_("how often its machines report"))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(_("at least 1"))
    return number


def _lazy(name: str, module: str = "server.console") -> Callable[[argparse.Namespace], int]:
    """A function of a console, which can be imported only once Django is set up."""

    def call(options: argparse.Namespace) -> int:
        code: int = getattr(importlib.import_module(module), name)(options)
        return code

    return call


def _create(data: object, options: argparse.Namespace) -> None:
    from server.config import Data

    assert isinstance(data, Data)
    data.create(tuple(options.hostname), options.database)


def _init(options: argparse.Namespace) -> int:
    from server import console

    return console.init(options)


def _run(options: argparse.Namespace) -> int:
    from server.serve import serve

    return serve(options.host, options.port, options.workers)


def _speak(argv: Sequence[str]) -> None:
    """Choose the language before the arguments are understood: --help is one of them."""
    global _language, _catalog
    wish = next((after for word, after in itertools.pairwise((*argv, "")) if word == "--lang"), "")
    wish = next((word.removeprefix("--lang=") for word in argv if word.startswith("--lang=")), wish)
    spoken = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    _language = "vi" if (wish or spoken).startswith("vi") else "en"
    _catalog = gettext.translation("django", Path(__file__).with_name("locale"), languages=[_language], fallback=True)


def _(message: str) -> str:
    return _catalog.gettext(message)


def _say(text: str, error: bool = False) -> None:
    (sys.stderr if error else sys.stdout).write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
