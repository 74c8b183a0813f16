"""The file of a backup: a tar archive whose first member says what the others must be, and a last line over all of it.

manifest.json      what was saved, when, by which version, at which state of the schema; bytes and sha256 of each part
database           the SQLite file, or what pg_dump -Fc wrote
data/...           the files of the data directory: settings, keys, packs
(end of the archive)
sha256:<64 digits>\\n   of everything before: a byte that is no part's is looked after too
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MANIFEST, DATABASE, FILES = "manifest.json", "database", "data/"
TAIL = len("sha256:") + 64 + 1
CHUNK = 1 << 20
_MANIFEST_MAX = 16 << 20


class Damaged(ValueError):
    """The file is not what was written. The message names it and says what is wrong."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What a backup holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    made_at: str
    version: str
    kind: Literal["sqlite", "postgresql"]
    migrations: dict[str, list[str]]
    parts: dict[str, Part]


def digest(source: IO[bytes], size: int | None = None) -> str:
    """sha256 of what is left of it, or of the next so many bytes."""
    found = hashlib.sha256()
    while chunk := source.read(CHUNK if size is None else min(CHUNK, size)):
        found.update(chunk)
        if size is not None:
            size -= len(chunk)
    return found.hexdigest()


def write(target: Path, about: dict[str, Any], sources: dict[str, Path]) -> Manifest:
    """Make the file, for this account alone, under its name only once it is whole and on the disk."""
    half = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(half, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as out:
            manifest = _archive(out, about, sources)
            end = out.seek(0, io.SEEK_END)
            out.seek(0)
            line = f"sha256:{digest(out, end)}\n"
            out.write(line.encode())
            out.flush()
            os.fsync(out.fileno())
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        half.rename(target)
        _settle(target.parent)
    finally:
        with suppress(FileNotFoundError):
            half.unlink()
    return manifest


def _archive(out: IO[bytes], about: dict[str, Any], sources: dict[str, Path]) -> Manifest:
    parts = {}
    for name, path in sources.items():
        with path.open("rb") as source:
            parts[name] = Part(bytes=os.fstat(source.fileno()).st_size, sha256=digest(source))
    manifest = Manifest(**about, parts=parts)
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        text = manifest.model_dump_json(indent=1).encode()
        archive.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))
        for name, path in sources.items():
            with path.open("rb") as source:
                archive.addfile(_member(name, parts[name].bytes), source)
    return manifest


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def _settle(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def verify(path: Path) -> Manifest:
    """Look at every byte. Raises Damaged, OSError."""
    with path.open("rb") as source:
        size = os.fstat(source.fileno()).st_size
        if size <= TAIL:
            raise Damaged(f"{path}: is no backup of rasoat, or was cut short")
        whole = digest(source, size - TAIL)
        last = source.read()
        problem = "" if last == f"sha256:{whole}\n".encode() else _what(path, last)
        manifest = _manifest(path)
        for name, found in _parts(path, manifest):
            expected = manifest.parts[name]
            if found != expected.sha256:
                raise Damaged(f"{path}: {name} is damaged: its sha256 is {found[:12]}…, not {expected.sha256[:12]}…")
    if problem:
        raise Damaged(problem)
    return manifest


def _what(path: Path, last: bytes) -> str:
    ends = last.startswith(b"sha256:") and last.endswith(b"\n")
    return f"{path}: is damaged outside its parts" if ends else f"{path}: was cut short: its last line is missing"


def _manifest(path: Path) -> Manifest:
    try:
        with tarfile.open(path, "r:") as archive:
            first = archive.next()
            if first is None or first.name != MANIFEST or first.size > _MANIFEST_MAX:
                raise Damaged(f"{path}: is no backup of rasoat")
            source = archive.extractfile(first)
            raw = source.read() if source else b""
        document = json.loads(raw)
        if isinstance(document, dict) and document.get("format") != 1:
            raise Damaged(f"{path}: is of format {document.get('format')}, this program knows format 1")
        return Manifest.model_validate(document)
    except ValidationError as error:
        first_error = error.errors()[0]
        raise Damaged(f"{path}: {MANIFEST}: {'.'.join(map(str, first_error['loc']))}: {first_error['msg']}") from None
    except (tarfile.TarError, ValueError, EOFError) as error:
        if isinstance(error, Damaged):
            raise
        raise Damaged(f"{path}: {MANIFEST} cannot be read: the file is damaged or no backup of rasoat") from None


def _parts(path: Path, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """(name, sha256) of each part as it is now. Raises Damaged when one is missing, too much, or cannot be read."""
    left = dict(manifest.parts)
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                if member.name == MANIFEST:
                    continue
                part = left.pop(member.name, None)
                if part is None or not member.isreg() or member.size != part.bytes:
                    raise Damaged(f"{path}: {member.name} is not what {MANIFEST} says")
                source = archive.extractfile(member)
                assert source is not None
                yield member.name, digest(source)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        if isinstance(error, Damaged):
            raise
        raise Damaged(f"{path}: is damaged or was cut short: {error}") from None
    if left:
        raise Damaged(f"{path}: was cut short: {', '.join(sorted(left))} missing")


def unpack(path: Path, manifest: Manifest, place: dict[str, Path]) -> None:
    """Write parts to where `place` says; each is compared once more while it is written. Raises Damaged, OSError."""
    with tarfile.open(path, "r:") as archive:
        for member in archive:
            if member.name not in place:
                continue
            target, source = place[member.name], archive.extractfile(member)
            assert source is not None
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = hashlib.sha256()
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                while chunk := source.read(CHUNK):
                    found.update(chunk)
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            if found.hexdigest() != manifest.parts[member.name].sha256:
                raise Damaged(f"{path}: {member.name} changed while it was read")


def inside(name: str) -> PurePosixPath | None:
    """The path below the data directory of a part; None for the database. Raises Damaged for one that leads out of it."""
    if name == DATABASE:
        return None
    path = PurePosixPath(name)
    if not name.startswith(FILES) or ".." in path.parts or path.is_absolute() or len(path.parts) < 2:
        raise Damaged(f"{name}: is no name of a part")
    return PurePosixPath(*path.parts[1:])
