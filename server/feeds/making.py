"""`rasoat feed build` and `rasoat feed keys`: on the machine with a connection, without a collector."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path

from django.utils.translation import gettext as _

from server.feeds.bundle import build as building
from server.feeds.bundle import keys
from server.feeds.bundle.build import BuildError
from server.feeds.bundle.keys import KeyProblem
from server.terminal import OK, say, wrong


def build(options: argparse.Namespace) -> int:
    try:
        version = building.build(
            Path(options.folder),
            Path(options.keys),
            Path(options.out),
            _passphrase(options),
            key=Path(options.key) if options.key else None,
            valid_days=options.days,
            say=_progress,
        )
    except (BuildError, KeyProblem) as error:
        return wrong(error)
    except OSError as error:
        return wrong(f"{error.filename}: {error.strerror}")
    say(
        _("Bundle %(version)d in %(path)s, to be imported within %(days)d days.")
        % {"version": version, "path": options.out, "days": options.days}
    )
    return OK


def keys_init(options: argparse.Namespace) -> int:
    folder = Path(options.folder)
    try:
        found = keys.init(folder, options.roots, options.threshold, _passphrase(options, new=True))
    except KeyProblem as error:
        return wrong(error)
    except OSError as error:
        return wrong(f"{error.filename}: {error.strerror}")
    say(_("Fingerprint: %s") % keys.spoken(found))
    say(
        _(
            "Give it to the centre on paper or by telephone. Put the root keys into a safe, away from this machine; bundles need only bundle.key."
        )
    )
    return OK


def keys_renew(options: argparse.Namespace) -> int:
    try:
        made = keys.renew(
            Path(options.folder),
            [Path(one) for one in options.root_key],
            _passphrase(options, new=options.new_bundle_key),
            options.new_bundle_key,
        )
    except KeyProblem as error:
        return wrong(error)
    except OSError as error:
        return wrong(f"{error.filename}: {error.strerror}")
    say(str(made))
    return OK


def keys_show(options: argparse.Namespace) -> int:
    folder = Path(options.folder)
    try:
        newest = keys.newest(folder).signed
        say(_("Fingerprint: %s") % keys.spoken(keys.fingerprint(keys.roots(folder)[0].read_bytes())))
    except KeyProblem as error:
        return wrong(error)
    told = {"version": newest.version, "until": newest.expires.date(), "threshold": newest.roles["root"].threshold}
    say(_("Root file %(version)d counts until %(until)s; %(threshold)d root keys sign the next one.") % told)
    return OK


def _passphrase(options: argparse.Namespace, new: bool = False) -> keys.Ask:
    """From the file, whose first line it is, or from the person, twice for a new key. Never from the command line."""

    def ask(name: str) -> str:
        if options.passphrase_file:
            path = Path(options.passphrase_file)
            try:
                lines = path.read_text("utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise KeyProblem(f"{path}: {getattr(error, 'strerror', None) or error}") from None
            return lines[0] if lines else ""
        try:
            found = getpass.getpass(_("Passphrase of %s: ") % name)
            if new and getpass.getpass(_("Once more: ")) != found:
                raise KeyProblem(_("the two were not the same"))
        except EOFError:
            raise KeyProblem(_("nobody is here to be asked; use --passphrase-file")) from None
        return found

    return ask


def _progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")
