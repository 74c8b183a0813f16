"""Make a bundle on a machine with a connection, of files in a folder. Every file is read by its parser before it is signed.

The folder holds feeds.toml, which names the files:

    [[feed]]
    name = "debian"
    kind = "debian"
    file = "debian.json.gz"
    # address = "https://security-tracker.debian.org/tracker/data/json"   fetched into `file` first
    # data_date = 2026-11-28     where the file does not say it; of a fetched one it is what the server says
"""

from __future__ import annotations

import os
import re
import shutil
import ssl
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Signed, Snapshot, TargetFile, Targets, Timestamp

from server.feeds.bundle import keys
from server.feeds.bundle.keys import KeyProblem
from server.feeds.parsers import BARE, KINDS, Malformed, Source

FETCH_MAX: Final = 4 * 2**30
FETCH_SECONDS: Final = 60
NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,80}(/[A-Za-z0-9][A-Za-z0-9._-]{0,80})?$"
GIVEN: Final = ("number", "dated", "issuer", "title", "product", "columns")
Say = Callable[[str], None]


class BuildError(ValueError):
    """There is no bundle. The message says which feed, and why."""


class Entry(BaseModel):
    """A [[feed]] of feeds.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=NAME)
    kind: str
    file: str = Field(pattern=NAME)
    address: str = Field("", pattern=r"^(https://.*|http://(127\.0\.0\.1|localhost)(:\d+)?/.*)?$")
    data_date: date | None = None
    publisher: str = Field("", max_length=200)
    licence: str = Field("", max_length=200)
    number: str = Field("", max_length=100)
    dated: date | None = None
    issuer: str = Field("", max_length=200)
    title: str = Field("", max_length=300)
    product: str = Field("", max_length=60)
    columns: str = Field("", max_length=500)


def read_settings(folder: Path) -> list[Entry]:
    """What feeds.toml lists. Raises BuildError."""
    path = folder / "feeds.toml"
    try:
        found = tomllib.loads(path.read_text("utf-8"))
        entries = [Entry.model_validate(one) for one in found.get("feed", [])]
    except OSError as error:
        raise BuildError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError, TypeError) as error:
        raise BuildError(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise BuildError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if set(found) - {"feed"} or not entries:
        raise BuildError(f"{path}: holds [[feed]] entries and nothing else")
    for one in entries:
        if one.kind not in KINDS:
            raise BuildError(f"{path}: {one.name}: no kind {one.kind!r}; there are {', '.join(KINDS)}")
    for what in ("name", "file"):
        told = [getattr(one, what) for one in entries]
        if twice := sorted({one for one in told if told.count(one) > 1}):
            raise BuildError(f"{path}: {what} {', '.join(twice)} stands there twice")
    return entries


def build(folder: Path, key_folder: Path, out: Path, ask: keys.Ask, *, key: Path | None = None, valid_days: int = 30, say: Say = lambda text: None) -> int:  # fmt: skip
    """The bundle's version. `out`: a directory that holds the bundle before this one or nothing, or a new .zip.

    Raises BuildError, KeyProblem.
    """
    entries = read_settings(folder)
    root = keys.newest(key_folder).signed
    key = key or _bundle_key(key_folder, root)
    signer = keys.load(key, ask)
    if signer.public_key.keyid not in root.roles["timestamp"].keyids:
        raise KeyProblem(f"{key}: is not the bundle key of the newest root file")
    fetched = {}
    for one in entries:
        if one.address:
            say(f"{one.name}: {one.address}")
            fetched[one.name] = _fetch(one, folder)
    checked = [_checked(one, folder, fetched.get(one.name), say) for one in entries]
    zipped = out.suffix == ".zip"
    if zipped and out.exists():
        raise BuildError(f"{out}: is there already")
    tree = out.with_suffix(".building") if zipped else out
    version = _next_version(key_folder)
    _write(tree, folder, checked, key_folder, signer, version, valid_days)
    if zipped:
        _zip(tree, out)
        shutil.rmtree(tree)
    return version


def _bundle_key(folder: Path, root: Root) -> Path:
    own = folder / f"bundle-{root.version}.key"
    found = sorted(folder.glob("bundle-*.key"), key=lambda path: path.stat().st_mtime)
    return own if own.exists() else found[-1] if found else folder / "bundle.key"


def _next_version(key_folder: Path) -> int:
    """One more than the last bundle made with these keys. By the clock at least: a lost note must not make versions go back."""
    note = key_folder / "last-bundle"
    last = int(note.read_text("ascii")) if note.exists() else 0
    version = max(last + 1, int(datetime.now(UTC).timestamp()) // 60 - 28_000_000)
    fresh = note.with_suffix(".new")
    fresh.write_text(f"{version}\n", "ascii")
    fresh.replace(note)
    return version


def _checked(one: Entry, folder: Path, fetched: date | None, say: Say) -> tuple[Entry, dict[str, Any]]:
    """Read by its parser, and what the signed list says of it."""
    path = folder / one.file
    if not path.is_file():
        raise BuildError(f"{one.name}: {path}: no such file")
    given = {name: str(getattr(one, name)) for name in GIVEN if getattr(one, name)}
    source, rows, empty = Source(path, one.file, given), 0, True
    try:
        for row in KINDS[one.kind].read(source):
            rows, empty = rows + 1, empty and isinstance(row, BARE)
    except Malformed as error:
        raise BuildError(f"{one.name}: {error}") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise BuildError(f"{one.name}: {one.file}: record {source.records}: {type(error).__name__}: {error}") from None
    if empty:
        raise BuildError(f"{one.name}: {one.file}: holds no record that rasoat uses")
    dated = source.data_date or one.data_date or one.dated or fetched
    if one.data_date and source.data_date and one.data_date != source.data_date:
        raise BuildError(f"{one.name}: the file says it is of {source.data_date}, feeds.toml says {one.data_date}")
    if dated is None:
        # the time of a file is that of its copy as often as not, and would make old data young
        raise BuildError(f"{one.name}: {one.file} does not say of which day its data are; write data_date into feeds.toml")
    say(f"{one.name}: {source.records} records, {rows} rows, {source.left_out} left out, of {dated}")
    kind = KINDS[one.kind]
    told = {"feed": one.name, "kind": one.kind, "data_date": str(dated), "given": given}
    told |= {"publisher": one.publisher or kind.publisher, "licence": one.licence or kind.licence}
    return one, told


def _write(
    tree: Path, folder: Path, checked: Iterable[tuple[Entry, dict[str, Any]]], key_folder: Path, signer: CryptoSigner, version: int,
    valid_days: int,
) -> None:  # fmt: skip
    expires = (datetime.now(UTC) + timedelta(days=valid_days)).replace(microsecond=0)
    metadata, files = tree / "metadata", tree / "targets"
    for made in (metadata, files):
        made.mkdir(parents=True, exist_ok=True)
    listed = Targets(version=version, expires=expires)
    for one, told in checked:
        target = TargetFile.from_file(one.file, str(folder / one.file), ["sha256"])
        target.unrecognized_fields["custom"] = told
        listed.targets[one.file] = target
        head, _sign, tail = one.file.rpartition("/")
        put = files / head / f"{target.hashes['sha256']}.{tail}"
        put.parent.mkdir(parents=True, exist_ok=True)
        if not put.exists():
            shutil.copyfile(folder / one.file, put.with_suffix(".part"))
            put.with_suffix(".part").replace(put)
    for path in keys.roots(key_folder):
        shutil.copyfile(path, metadata / path.name)
    raw = _signed(listed, signer)
    (metadata / f"{version}.targets.json").write_bytes(raw)
    snapshot = Snapshot(version=version, expires=expires, meta={"targets.json": _meta(version, raw)})
    raw = _signed(snapshot, signer)
    (metadata / f"{version}.snapshot.json").write_bytes(raw)
    # last: until it is there, the bundle is the one before
    stamp = metadata / "timestamp.json.part"
    stamp.write_bytes(_signed(Timestamp(version=version, expires=expires, snapshot_meta=_meta(version, raw)), signer))
    stamp.replace(metadata / "timestamp.json")
    _tidy(tree, version, listed)


def _tidy(tree: Path, version: int, listed: Targets) -> None:
    """What the bundle before had: a stick is small."""
    for path in (tree / "metadata").glob("*.json"):
        number, _dot, role = path.name.partition(".")
        if role in ("targets.json", "snapshot.json") and number != str(version):
            path.unlink()
    kept = {
        (Path(name).parent / f"{target.hashes['sha256']}.{Path(name).name}").as_posix() for name, target in listed.targets.items()
    }
    for path in (tree / "targets").rglob("*"):
        if (
            path.is_file()
            and path.relative_to(tree / "targets").as_posix() not in kept
            and re.match(r"[0-9a-f]{64}\.", path.name)
        ):
            path.unlink()


def _meta(version: int, raw: bytes) -> MetaFile:
    return MetaFile.from_data(version, raw, ["sha256"])


def _signed(signed: Signed, signer: CryptoSigner) -> bytes:
    document: Metadata[Any] = Metadata(signed)
    document.sign(signer)
    return document.to_bytes()


def _zip(tree: Path, out: Path) -> None:
    """Stored, not packed: what is large is packed already."""
    part = out.with_suffix(".zip.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(tree.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(tree).as_posix())
    with part.open("rb") as done:
        os.fsync(done.fileno())
    part.replace(out)


class _Faithful(urllib.request.HTTPRedirectHandler):
    """Follows to HTTPS only, before anything is asked there."""

    def redirect_request(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not newurl.startswith("https://"):
            raise urllib.error.URLError(f"leads away from HTTPS, to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(one: Entry, folder: Path) -> date | None:
    """Into its file, which stays as it is when anything fails. The day the server says it is of; None: it does not say.

    Never today: a site may serve what is a year old, and that would become young by being fetched.
    """
    path = folder / one.file
    part = path.with_name(path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    request = urllib.request.Request(one.address, headers={"User-Agent": "rasoat"})  # noqa: S310  (https, or this machine: Entry.address)
    try:
        opener = urllib.request.build_opener(_Faithful, urllib.request.HTTPSHandler(context=ssl.create_default_context()))
        with opener.open(request, timeout=FETCH_SECONDS) as answer:
            told, size = answer.headers.get("Content-Length"), 0
            with part.open("wb") as out:
                while block := answer.read(2**20):
                    size += len(block)
                    if size > FETCH_MAX:
                        raise BuildError(f"{one.name}: {one.address}: more than {FETCH_MAX} bytes")
                    out.write(block)
            if told is not None and told.isdecimal() and int(told) != size:
                raise BuildError(f"{one.name}: {one.address}: cut off after {size} of {told} bytes")
            changed = answer.headers.get("Last-Modified")
        part.replace(path)
        return parsedate_to_datetime(changed).date() if changed else None
    except (OSError, ValueError) as error:
        if isinstance(error, BuildError):
            raise
        why = getattr(error, "reason", None) or error
        raise BuildError(f"{one.name}: {one.address}: {why}") from None
    finally:
        part.unlink(missing_ok=True)
