"""`rasoat server backup`, `restore`, `move`, `prune`."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connections
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import ValidationError

from server import database
from server.analysts import making
from server.background import worker
from server.config import Config, Data
from server.journal import models as journal
from server.serve import pending
from server.storage import backup as backups
from server.storage import bundle, lock, retention
from server.storage import move as moving
from server.storage import restore as restoring
from server.terminal import FAILED, OK, wrong


def backup(options: argparse.Namespace) -> int:
    if options.words[0] == "verify" and len(options.words) == 2:
        return _verify(Path(options.words[1]))
    if len(options.words) != 1:
        return wrong(_("one file or folder, or: verify FILE"))
    data: Data = settings.DATA
    if not database.there(data, settings.CONFIG):
        return wrong(_("no collector in %s") % data.root)
    try:
        target, manifest = backups.make(data, settings.CONFIG, Path(options.words[0]).absolute())
    except (OSError, sqlite3.Error) as error:
        return _failed(str(error))
    whole = sum(part.bytes for part in manifest.parts.values())
    journal.write("server.backup", "console", subject=target.name, bytes=whole)
    _say(_("%(file)s: %(bytes)d bytes in %(parts)d parts") % {"file": target, "bytes": whole, "parts": len(manifest.parts)})
    _say(_("It holds the collector's keys: keep it as you would keep them."))
    return OK


def _verify(path: Path) -> int:
    try:
        manifest = bundle.verify(path)
    except (bundle.Damaged, OSError) as error:
        return _failed(str(error))
    about = {"file": path, "at": manifest.made_at, "version": manifest.version, "kind": manifest.kind}
    _say(_("%(file)s: whole; made %(at)s by version %(version)s, %(kind)s") % about)
    if unknown := restoring.newer(manifest):
        _say(_("This version cannot restore it: it does not know %s") % ", ".join(unknown[:3]))
        return FAILED
    return OK


def restore(options: argparse.Namespace) -> int:
    data: Data = settings.DATA
    try:
        if options.database:
            database.parameters(options.database)
        manifest = restoring.restore(Path(options.file), data, options.database)
    except (bundle.Damaged, OSError, ValueError) as error:
        return _failed(str(error))
    database.use(database.databases(data, data.config())["default"])
    old = pending()
    if not old:
        journal.write("server.restored", "console", subject=Path(options.file).name, before=manifest.made_at)
    _say(_("Restored from %(file)s, made %(at)s") % {"file": options.file, "at": manifest.made_at})
    _say((_("Next: rasoat server init --data %s") if old else _("Next: rasoat server run --data %s")) % data.root)
    return OK


def move(options: argparse.Namespace) -> int:
    data, config = settings.DATA, settings.CONFIG
    try:
        to = Config(
            database="" if options.to == "sqlite" else options.to, database_password_file=_absolute(options.password_file)
        )
    except ValidationError as error:
        return wrong("\n".join(f"--to: {e['msg']}" for e in error.errors()))
    if pending():
        return wrong(_("the database is from another version; run: rasoat server init"))
    if not config.database and worker.lock() is None:  # ours until this process ends
        return wrong(_("a worker is at work on this database; stop it"))
    with lock.alone(data, config):
        views = making.wanted(connections["default"])
        try:
            copied = moving.move(data, to, _progress)
            database.private(data.database)
            wanted = dict(connections.settings[moving.TARGET])
        except DatabaseError as error:
            return _failed(_("nothing was changed here; begin again when this is mended: %s") % str(error).strip())
        database.use(wanted)
        if views:
            making.make(connections["default"])
        journal.write("server.moved", "console", subject="postgresql" if to.database else "sqlite", rows=copied.rows)
    _say(_("%(rows)d rows of %(tables)d tables copied, counted and compared") % copied._asdict())
    _say(_("Before you start the collector again, write in %s:") % data.settings)
    _say(f'    database = "{to.database}"')
    if to.database_password_file:
        _say(f'    database_password_file = "{to.database_password_file}"')
    return OK


def _absolute(path: str) -> str:
    return str(Path(path).absolute()) if path else ""


def prune(options: argparse.Namespace) -> int:
    database.unhurried()
    count = retention.prune(lambda total: _progress("snapshots", total, 0))
    if count:
        journal.write("snapshot.pruned", "console", removed=count)
    _say(ngettext("%d old snapshot removed", "%d old snapshots removed", count) % count)
    return OK


def _progress(name: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{name}: {done}" + (f"/{of}" if of else ""))
        sys.stderr.flush()


def _say(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    sys.stdout.write(text + "\n")


def _failed(text: str) -> int:
    sys.stderr.write(f"rasoat: {text}\n")
    return FAILED
