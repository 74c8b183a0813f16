"""`rasoat agent`: enrol, once, run, status, service."""

from __future__ import annotations

import argparse
from pathlib import Path

from agent import config
from agent.arguments import Actions, table_or_json
from agent.errors import Refusal
from agent.language import _
from agent.terminal import Progress


def options(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser)

    def action(name: str, purpose: str) -> argparse.ArgumentParser:
        sub = actions.add(name, purpose)
        sub.add_argument("--state-dir", metavar="DIR", type=Path, help=_("the agent's folder (default: /var/lib/rasoat)"))
        return sub

    enrol = action("enrol", _("make a key and become known to a collector, with a one-time token"))
    enrol.add_argument("url", metavar="URL", help=_("address of the collector, https://..."))
    enrol.add_argument("--token", metavar="T", help=_("the token; others on this machine can see it while the command runs"))
    enrol.add_argument(
        "--token-file", metavar="FILE", type=Path, help=_("file that holds the token, - for stdin (or set RASOAT_TOKEN)")
    )
    enrol.add_argument("--ca", metavar="FILE", type=Path, help=_("certificate of the authority that signed the collector's"))
    enrol.add_argument("--name", metavar="NAME", help=_("name of this machine at the collector (default: its host name)"))
    enrol.add_argument(
        "--kind", choices=("server", "workstation"), help=_("what this machine is (default: found out by looking)")
    )
    once = action("once", _("look, judge and report once"))
    once.add_argument("--if-due", action="store_true", help=_("only when the schedule says so; send what waits in any case"))
    once.add_argument("--retry-refused", action="store_true", help=_("send again what the collector once refused for good"))
    once.add_argument("--retry-log-ons", action="store_true", help=_("of a station: try again where a log-on was refused before"))
    action("run", _("stay and report on schedule, where there is no systemd timer"))
    status = action("status", _("show where this machine stands; needs no network"))
    table_or_json(status)
    service = action("service", _("install or remove the systemd timer"))
    service.add_argument("what", choices=("install", "remove"))
    service.add_argument("--print", action="store_true", dest="only_print", help=_("print the units, change nothing"))


def run(options: argparse.Namespace) -> int:
    settings = config.load(state_dir=options.state_dir and options.state_dir.absolute())
    progress = Progress(options.quiet, options.verbose)
    if options.action == "enrol":
        return _enrol(options, settings, progress)
    if options.action == "once":
        from agent.once import once

        return once(settings, progress, options.if_due, options.retry_refused, options.retry_log_ons, options.verbose)
    if options.action == "run":
        return _run(settings, options)
    if options.action == "status":
        from agent.status import show

        show(settings, options.format == "json")
        return 0
    return _service(options, settings, progress)


def _enrol(options: argparse.Namespace, settings: config.Config, progress: Progress) -> int:
    from agent.enrol import enrol, token_from

    token = token_from(options.token, options.token_file)
    ca_file = options.ca or settings.ca_file
    known = enrol(options.url, token, ca_file, options.name, options.kind, settings, progress)
    if known.get("relay"):
        progress.say(
            _("%(url)s is a relay: it passes on what it cannot read, and the centre answers under its own signature.") % known
        )
    progress.say(_("Enrolled as %(name)s in %(unit)s. Next: rasoat agent once, then rasoat agent service install") % known)
    return 0


def _run(settings: config.Config, options: argparse.Namespace) -> int:
    from agent.here import give_way
    from agent.limits import NICE
    from agent.once import outlook
    from agent.schedule import loop

    give_way(NICE)  # every run it starts has it from here
    outlook(settings)  # not enrolled is said now, not in a log later
    words = ["--state-dir", str(settings.state_dir)] + [f"--{name}" for name in ("quiet", "verbose") if getattr(options, name)]
    return loop(words, lambda: outlook(settings))


def _service(options: argparse.Namespace, settings: config.Config, progress: Progress) -> int:
    from agent import service

    if options.what == "remove":
        if options.only_print:
            raise Refusal(_("--print belongs to install."))
        gone = service.remove()
        progress.say(_("Removed: %s") % ", ".join(gone) if gone else _("Nothing was installed."))
        return 0
    from agent.limits import Limits

    texts = service.units(service.own_command(), settings.state_dir, Limits.of(settings))
    if options.only_print:
        for name, body in texts.items():
            print(f"# {service.FOLDER / name}\n{body}")
        return 0
    service.install(texts)
    progress.say(_("Installed. `systemctl list-timers rasoat.timer` shows when it runs next."))
    return 0
