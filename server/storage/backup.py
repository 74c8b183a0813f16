"""Everything a collector is, in one file, while it runs: its database at one moment, its settings, keys and packs."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from collectors import VERSION
from server.config import Config, Data
from server.storage import bundle, postgres_tools
from server.storage.bundle import DATABASE, FILES, Manifest


def make(data: Data, config: Config, target: Path) -> tuple[Path, Manifest]:
    """Write it to that file, or into that folder under today's name. Raises ConfigError, OSError, sqlite3.Error."""
    now = timezone.localtime()
    if target.is_dir():
        target = target / f"rasoat-{now:%Y%m%d-%H%M%S}.backup"
    with tempfile.TemporaryDirectory(prefix=".rasoat-", dir=target.parent) as folder:
        copy = Path(folder) / DATABASE
        if config.database:
            postgres_tools.dump(data, config, copy)
        else:
            _copy(data.database, copy)
        sources = {DATABASE: copy} | {f"{FILES}{path.relative_to(data.root)}": path for path in files(data, target)}
        return target, bundle.write(target, _about(config, now), sources)


def _copy(source: Path, target: Path) -> None:
    """SQLite's own online copy, in one step: it is of one moment, and in WAL mode no writer waits for it."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as here,
        closing(sqlite3.connect(target)) as there,
    ):
        here.execute("PRAGMA busy_timeout=10000")
        here.backup(there)
        there.execute("PRAGMA journal_mode=DELETE")
        found = there.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"{source}: {found}")


def files(data: Data, target: Path) -> list[Path]:
    """What lies in the data directory beside the database. Locks are of the moment; what is being written is no part of itself."""
    found = []
    for folder, folders, names in os.walk(data.root):
        folders[:] = [name for name in sorted(folders) if not name.startswith(".")]
        for name in sorted(names):
            path = Path(folder) / name
            own = path.name.startswith(data.database.name) and path.parent == data.root
            if (
                path.is_file()
                and not own
                and path.suffix not in (".lock", ".backup")
                and not path.name.startswith(".")
                and path != target
            ):
                found.append(path)
    return found


def _about(config: Config, now: datetime) -> dict[str, Any]:
    return {
        "made_at": now.isoformat(timespec="seconds"),
        "version": VERSION,
        "kind": "postgresql" if config.database else "sqlite",
        "migrations": applied(),
    }


def applied() -> dict[str, list[str]]:
    """The migrations that made the database what it is, by app."""
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    found: dict[str, list[str]] = {}
    for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
        found.setdefault(app, []).append(name)
    return found
