"""A release's folder as tests take it up: its archives unpacked into an empty place, what it held by its own account."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.server.running import Collector

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

HERE = Path(__file__).parent
TOLD, BACKUP = "told.json", "server.backup"
WINDOW = 26


def releases() -> list[Path]:
    """All of them, the oldest first."""
    return sorted((path for path in HERE.iterdir() if path.name[0].isdigit()), key=lambda path: [*map(int, path.name.split("."))])


class Release:
    """One of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: dict[str, Any] = json.loads((folder / TOLD).read_text("utf-8"))

    def file(self, name: str) -> bytes:
        """As it was when it was made, packed or not."""
        packed = self.folder / f"{name}.zst"
        return _unpacked(packed.read_bytes()) if packed.exists() else (self.folder / name).read_bytes()

    def folder_of(self, name: str, target: Path) -> Path:
        """An archive, unpacked."""
        with tarfile.open(fileobj=io.BytesIO(self.file(f"{name}.tar"))) as archive:
            archive.extractall(target, filter="data")
        for path in (target, *target.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
        return target

    def placed(self, name: str, target: Path) -> Path:
        """A single file, unpacked."""
        target.write_bytes(self.file(name))
        return target


def _unpacked(raw: bytes) -> bytes:
    return zstd.decompress(raw, options={zstd.DecompressionParameter.window_log_max: WINDOW})


def packed(raw: bytes) -> bytes:
    """As small as it gets: what comes twice, megabytes apart, is kept once."""
    wanted = zstd.CompressionParameter
    options = {
        wanted.compression_level: 19,
        wanted.window_log: WINDOW,
        wanted.enable_long_distance_matching: 1,
        wanted.checksum_flag: 1,
    }
    return zstd.compress(raw, options=options)


def archived(folder: Path) -> bytes:
    """A tar of what lies in the folder: no owner, no times, and no locks, which are of the moment."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            if path.name.endswith((".lock", "-wal", "-shm")) or path.name in ("lock", "log"):
                continue
            info = tarfile.TarInfo(str(path.relative_to(folder)))
            if path.is_dir():
                info.type, info.mode = tarfile.DIRTYPE, 0o700
                archive.addfile(info)
            else:
                info.size, info.mode = path.stat().st_size, 0o600
                with path.open("rb") as source:
                    archive.addfile(info, source)
    return out.getvalue()


class Office(Collector):
    """The present collector over a data directory that is there already."""

    PATIENCE = 240.0

    def __init__(self, data: Path, database: str = "") -> None:
        self.data, self.database, self.tls = data, database, None
        self._place()

    def names(self) -> list[str]:
        """Its tables; those of SQLite and Django itself are left out."""
        found = self.rows("select name from sqlite_master where type = 'table' order by name")
        return [name for (name,) in found if not name.startswith("sqlite_")]

    def tables(self) -> dict[str, int]:
        """Rows of each."""
        return {name: self.rows(f'select count(*) from "{name}"')[0][0] for name in self.names()}


def emptied(data: Path, tidy: bool = True) -> None:
    """All of a write-ahead log is in the file itself, which then is the whole database; `tidy`: without what was deleted."""
    with closing(sqlite3.connect(data / "db.sqlite3")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("PRAGMA journal_mode=DELETE")
        if tidy:
            database.execute("VACUUM")
    for name in ("db.sqlite3-wal", "db.sqlite3-shm"):
        (data / name).unlink(missing_ok=True)
