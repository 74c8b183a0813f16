"""A folder as an archive whose bytes depend on what is in it alone: not on who packed it, when, or in which order a disk lists names."""

from __future__ import annotations

import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path


def files_of(folder: Path) -> list[Path]:
    """All that is below the folder, in the order of names."""
    return sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix())


def mode_of(path: Path) -> int:
    """Everybody may read, those who could start it may, only the owner writes: whatever the umask of the builder was."""
    return 0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644


def pack(folder: Path, target: Path, moment: int) -> Path:
    """The folder under its own name in a .tar.xz, owned by root."""

    def plain(entry: tarfile.TarInfo, path: Path) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = moment
        entry.mode = mode_of(path)
        return entry

    with tarfile.open(target, "w:xz", format=tarfile.PAX_FORMAT, preset=6) as out:
        for path in [folder, *files_of(folder)]:
            entry = plain(out.gettarinfo(path, path.relative_to(folder.parent).as_posix()), path)
            if entry.isfile():
                with path.open("rb") as stream:
                    out.addfile(entry, stream)
            else:
                out.addfile(entry)
    return target


def pack_for_windows(folder: Path, target: Path, moment: int) -> Path:
    """The folder under its own name in a .zip, which every Windows opens."""
    day = datetime.fromtimestamp(moment, UTC)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for path in files_of(folder):
            if path.is_file():
                entry = zipfile.ZipInfo(
                    path.relative_to(folder.parent).as_posix(), (day.year, day.month, day.day, day.hour, day.minute, 0)
                )
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = mode_of(path) << 16
                out.writestr(entry, path.read_bytes())
    return target
