"""`rasoat relay`: init, run, status, unit."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agent.arguments import Actions, table_or_json
from agent.language import _
from agent.terminal import Progress


def options(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser)

    def action(name: str, purpose: str) -> argparse.ArgumentParser:
        sub = actions.add(name, purpose)
        sub.add_argument("--state-dir", metavar="DIR", type=Path, help=_("the relay's folder (default: /var/lib/rasoat-relay)"))
        return sub

    init = action("init", _("make a key and become known to the centre, with an invitation"))
    init.add_argument("url", metavar="URL", help=_("address of the centre, https://..."))
    init.add_argument("--token", metavar="T", help=_("the invitation; others on this machine can see it while the command runs"))
    init.add_argument(
        "--token-file", metavar="FILE", type=Path, help=_("file that holds the invitation, - for stdin (or set RASOAT_TOKEN)")
    )
    init.add_argument("--ca", metavar="FILE", type=Path, help=_("certificate of the authority that signed the collector's"))
    init.add_argument("--host", help=_("address to listen on (default: this machine itself)"))
    init.add_argument("--port", type=int, help=_("port to listen on (default: 8341)"))
    init.add_argument("--certificate", metavar="FILE", type=Path, help=_("this relay's own certificate, PEM"))
    init.add_argument("--private-key", metavar="FILE", type=Path, help=_("its key, PEM"))
    action("run", _("take in what hosts send, and pass it on"))
    status = action("status", _("show what waits, and when the centre was last heard"))
    table_or_json(status)
    action("unit", _("print a systemd unit for this relay"))


def run(options: argparse.Namespace) -> int:
    from agent.relay.settings import DEFAULT_FOLDER

    folder = (options.state_dir or DEFAULT_FOLDER).absolute()
    progress = Progress(options.quiet, options.verbose)
    if options.action == "init":
        return _init(options, folder, progress)
    if options.action == "run":
        from agent.relay.run import run

        return run(folder, progress)
    if options.action == "unit":
        from agent.relay.setup import UNIT, unit
        from agent.service import FOLDER, own_command

        print(f"# {FOLDER / UNIT}\n{unit(own_command(), folder)}", end="")
        return 0
    return _status(options, folder)


def _init(options: argparse.Namespace, folder: Path, progress: Progress) -> int:
    from agent.enrol import token_from
    from agent.relay.setup import enrol

    given = {
        "ca_file": options.ca and options.ca.absolute(),
        "host": options.host,
        "port": options.port,
        "certificate": options.certificate and options.certificate.absolute(),
        "private_key": options.private_key and options.private_key.absolute(),
    }
    token = token_from(options.token, options.token_file)
    known = enrol(folder, options.url, token, {name: str(value) for name, value in given.items() if value is not None})
    progress.say(_("Enrolled as the relay %(name)s of %(unit)s. Next: look at relay.yaml, then rasoat relay run") % known)
    return 0


def _status(options: argparse.Namespace, folder: Path) -> int:
    from agent.relay.run import gather, lines
    from agent.terminal import clean, columns, pad, width, wrap

    found = gather(folder)
    if options.format == "json":
        import json

        print(json.dumps(found, ensure_ascii=False, indent=1))
        return 0
    rows = list(lines(found))
    label = max(width(name) for name, _value in rows)
    for name, value in rows:
        for line in wrap(clean(value), columns(sys.stdout), pad(name, label) + "  "):
            print(line)
    return 0
