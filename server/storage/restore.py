"""A backup becomes a collector again: where nothing is yet, after every byte was looked at, and all of it or nothing."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

from collectors import VERSION
from server.config import Config, ConfigError, Data
from server.database import databases
from server.storage import bundle, postgres_tools
from server.storage.bundle import DATABASE, Manifest

HALF = ".restoring"


def newer(manifest: Manifest) -> list[str]:
    """Migrations of the backup that this program does not know."""
    here = MigrationLoader(None).disk_migrations
    known = set(here) | {tuple(key) for migration in here.values() for key in migration.replaces}
    names = [(app, name) for app, names in manifest.migrations.items() for name in names]
    return [f"{app}.{name}" for app, name in names if (app, name) not in known]


def restore(source: Path, data: Data, database: str = "") -> Manifest:
    """Fill an empty data directory, and for PostgreSQL an empty database. Raises ConfigError, Damaged, OSError."""
    manifest = bundle.verify(source)
    if unknown := newer(manifest):
        words = {"file": source, "theirs": manifest.version, "ours": VERSION, "names": ", ".join(unknown[:3])}
        raise ConfigError(
            _("%(file)s was made by a newer version (%(theirs)s; this is %(ours)s): it does not know %(names)s") % words
        )
    if data.root.exists() and any(data.root.iterdir()):
        raise ConfigError(_("%s is not empty; a backup is restored where nothing is yet") % data.root)
    if database and manifest.kind == "sqlite":
        raise ConfigError(_("this backup is of SQLite; restore it, then: rasoat server move --to URL"))
    data.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = data.root / HALF
    half.mkdir(mode=0o700)
    try:
        config = _unpacked(source, manifest, half, database)
        if manifest.kind == "postgresql":
            _into_postgresql(Data(half), config, half / DATABASE)
            (half / DATABASE).unlink()
        else:
            (half / DATABASE).rename(half / data.database.name)
        # the database last: without it there is no collector here, whatever happens now
        for path in sorted(half.iterdir(), key=lambda path: path.name == data.database.name):
            path.rename(data.root / path.name)
    finally:
        shutil.rmtree(half)
    return manifest


def _unpacked(source: Path, manifest: Manifest, half: Path, database: str) -> Config:
    place = {name: half / DATABASE if (path := bundle.inside(name)) is None else half / path for name in manifest.parts}
    bundle.unpack(source, manifest, place)
    data = Data(half)
    if database:
        _point(data, database)
    config = data.config()
    if bool(config.database) != (manifest.kind == "postgresql"):
        raise ConfigError(_("%(file)s: its settings name another database than the one it holds") % {"file": source})
    return config


def _point(data: Data, database: str) -> None:
    """Write another address into settings.toml."""
    text = data.settings.read_text(encoding="utf-8") if data.settings.exists() else ""
    line = f"database = {json.dumps(database)}"
    text, count = re.subn(r"(?m)^database\s*=.*$", lambda _match: line, text)
    data.settings.write_text(text if count else f"{line}\n{text}", encoding="utf-8")


def _into_postgresql(data: Data, config: Config, dumped: Path) -> None:
    if tables := names_in(databases(data, config)["default"]):
        raise ConfigError(_("the database is not empty (%s); a backup is restored where nothing is yet") % ", ".join(tables[:3]))
    postgres_tools.restore(data, config, dumped)


def names_in(wanted: dict[str, Any]) -> list[str]:
    """Tables of a database that is not (yet) ours."""
    connections.settings["asked"] = connections.configure_settings({"default": wanted})["default"]
    connection = connections.create_connection("asked")
    try:
        return sorted(connection.introspection.table_names())
    finally:
        connection.close()
        del connections.settings["asked"]
