"""Is this bundle what its makers signed, whole, of now and not older than what was believed before? Each no has a name.

python-tuf's client does the checking; here its answers get the names people and programs know, and what was believed is kept
in the database, so that it moves with a backup and two servers of one collector share it.
"""

from __future__ import annotations

import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any, Final, cast

from tuf.api import exceptions as tuf
from tuf.api.metadata import Metadata, Root, TargetFile, Targets
from tuf.api.serialization import DeserializationError
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from server.feeds.bundle import keys
from server.feeds.store import File, Refused

ROLES: Final = ("timestamp", "snapshot", "targets")
BLOCK: Final = 2**20
FILES_MAX: Final = 2000
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, UnicodeDecodeError)
"""What reading a broken ZIP ends with. RuntimeError: a member with a password, or packed in a way nobody here knows."""


class Tree(FetcherInterface):
    """The files of a bundle, in a directory or a zip. Nothing outside of it is reached."""

    def __init__(self, path: Path) -> None:
        self.path, self.asked = path, ""
        self._archive = zipfile.ZipFile(path) if path.is_file() else None

    def close(self) -> None:
        if self._archive:
            self._archive.close()

    def _fetch(self, url: str) -> Iterator[bytes]:
        """For the metadata; python-tuf ends it at the length it expects."""
        self.asked = url.removeprefix("bundle:///")
        try:
            stream = self.open(self.asked)
        except FileNotFoundError:
            raise tuf.DownloadHTTPError(f"{self.asked} is not there", 404) from None
        return self._blocks(stream)

    def _blocks(self, stream: AbstractContextManager[IO[bytes]]) -> Iterator[bytes]:
        with stream as opened:
            while block := opened.read(BLOCK):
                yield block

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Raises FileNotFoundError, and what _DAMAGED names."""
        if self._archive:
            try:
                return self._archive.open(name)
            except KeyError:
                raise FileNotFoundError(name) from None
            except OSError as error:  # its directory points to before the beginning, or the stick cannot be read
                raise zipfile.BadZipFile(str(error)) from None
        path = self.path / name
        if any(part.is_symlink() for part in (path, *path.parents) if part.is_relative_to(self.path) and part != self.path):
            raise FileNotFoundError(name)
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileNotFoundError(name)
        return path.open("rb")


class Bundle:
    """A bundle that was believed: its version and the files its signed list names."""

    def __init__(self, tree: Tree, targets: Targets, trusted: dict[str, tuple[int, bytes]]) -> None:
        self._tree, self._targets, self.version = tree, targets, targets.version
        self.trusted = trusted
        """Role -> version and file, to be kept."""

    def files(self, into: Path) -> Iterator[File]:
        """Each file, copied into a directory of ours and checked on the way: what is read later is what was checked. Raises Refused."""
        if len(self._targets.targets) > FILES_MAX:
            raise Refused("too-large", f"the list names more than {FILES_MAX} files")
        for name, target in self._targets.targets.items():
            yield self._copied(name, target, into)

    def _copied(self, name: str, target: TargetFile, into: Path) -> File:
        told = _told(name, target)
        digest = target.hashes.get("sha256", "")
        head, _sign, tail = name.rpartition("/")
        path = into / f"{digest}.{tail}"
        place = f"targets/{head}/{digest}.{tail}" if head else f"targets/{digest}.{tail}"
        size = 0
        try:
            with self._tree.open(place) as stream, path.open("wb") as out:
                while block := stream.read(BLOCK):
                    size += len(block)
                    if size > target.length:
                        raise Refused("too-large", f"{name}: is larger than the {target.length} bytes that were signed")
                    out.write(block)
        except FileNotFoundError:
            raise Refused("missing", f"{name}: the list names it, the bundle does not hold it") from None
        except _DAMAGED as error:
            raise Refused("truncated", f"{name}: {error}") from None
        if size < target.length:
            raise Refused("truncated", f"{name}: cut off after {size} of {target.length} bytes")
        try:
            with path.open("rb") as copied:
                target.verify_length_and_hashes(copied)
        except tuf.LengthOrHashMismatchError:
            raise Refused("tampered", f"{name}: is not the file that was signed") from None
        return File(
            feed=str(told["feed"]), kind=str(told["kind"]), path=path, name=name, data_date=date.fromisoformat(told["data_date"]),
            digest=digest, publisher=str(told.get("publisher", "")), licence=str(told.get("licence", "")), bundle=self.version,
            given={str(key): str(value) for key, value in (told.get("given") or {}).items()},
        )  # fmt: skip


def _told(name: str, target: TargetFile) -> dict[str, Any]:
    """What the list says of the file."""
    told = target.custom
    try:
        assert isinstance(told, dict)
        date.fromisoformat(told["data_date"])
        if not (told["feed"] and told["kind"] and set(target.hashes) >= {"sha256"}):
            raise ValueError(name)
    except (AssertionError, KeyError, TypeError, ValueError):
        raise Refused("malformed", f"{name}: the list does not say which feed, kind and date it is") from None
    return cast(dict[str, Any], told)


@contextmanager
def opened(path: Path, trusted: dict[str, bytes], pinned: str) -> Iterator[Bundle]:
    """The bundle, believed. `trusted`: role -> file believed before; `pinned`: the fingerprint a person gave, where nothing was.

    Raises Refused.
    """
    try:
        tree = Tree(path)
    except (OSError, *_DAMAGED) as error:
        raise Refused("no-bundle", f"{path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        try:
            believed = _believed(tree, trusted.get("root") or _first(tree, pinned), trusted)
        except _DAMAGED as error:
            raise Refused("truncated", f"{path}: {tree.asked or 'metadata/1.root.json'}: cannot be read: {error}") from None
        yield believed
    finally:
        tree.close()


def _first(tree: Tree, pinned: str) -> bytes:
    """The first root file, if it is the one a person named."""
    try:
        with tree.open("metadata/1.root.json") as stream:
            raw = stream.read(UpdaterConfig.root_max_length + 1)
    except FileNotFoundError:
        raise Refused("no-bundle", f"{tree.path}: no metadata/1.root.json in it") from None
    found = keys.fingerprint(raw)
    if not pinned:
        raise Refused("not-pinned", f"no root is trusted here yet; compare this fingerprint and give it: {keys.spoken(found)}")
    if keys.typed(pinned) != found:
        raise Refused("other-root", f"its root has the fingerprint {keys.spoken(found)}, which is not the one given")
    return raw


def _believed(tree: Tree, root: bytes, trusted: dict[str, bytes]) -> Bundle:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for role in ROLES:
            if role in trusted:
                (folder / f"{role}.json").write_bytes(trusted[role])
        try:
            updater = Updater(place, "bundle:///metadata/", fetcher=tree, bootstrap=root)
            updater.refresh()
        except (tuf.RepositoryError, tuf.DownloadError, DeserializationError) as error:
            raise _named(error, tree) from None
        kept = {role: (folder / f"{role}.json").read_bytes() for role in ("root", *ROLES)}
    found = {role: (Metadata[Any].from_bytes(raw).signed.version, raw) for role, raw in kept.items()}
    return Bundle(tree, Metadata[Targets].from_bytes(kept["targets"]).signed, found)


def _named(error: Exception, tree: Tree) -> Refused:
    """python-tuf's no, by the name of the attack or mistake."""
    file, said = tree.asked.removeprefix("metadata/"), " ".join(str(error).split())[:200]
    if isinstance(error, tuf.UnsignedMetadataError):
        return _badly_signed(tree, file)
    if isinstance(error, tuf.ExpiredMetadataError):
        return Refused("expired", f"{said}: the bundle was to be brought here earlier; make a new one")
    if isinstance(error, tuf.BadVersionNumberError):
        if ("snapshot" in file and said.startswith("Expected snapshot version")) or "targets.json" in file:
            return Refused("mixed", f"{file}: is of another bundle than the files beside it")
        return Refused("rolled-back", f"{file}: is older than what was believed before: {said}")
    if isinstance(error, tuf.DownloadLengthMismatchError | tuf.LengthOrHashMismatchError):
        return _unlike(tree, file, said)
    if isinstance(error, tuf.DownloadHTTPError):
        return Refused("missing", f"{file}: is not in the bundle")
    if isinstance(error, tuf.DownloadError):
        return Refused("truncated", f"{file}: cannot be read")
    if "missing info" in said:
        return Refused("mixed", f"{file}: {said}")
    return Refused("malformed", f"{file}: {said}")


def _unlike(tree: Tree, file: str, said: str) -> Refused:
    """Not the file that the list before it names: another bundle's, or one that was changed, cut or blown up."""
    number = file.partition(".")[0]
    try:
        with tree.open(f"metadata/{file}") as stream:
            raw = stream.read(UpdaterConfig.targets_max_length + 1)
        if len(raw) > UpdaterConfig.targets_max_length:
            return Refused("too-large", f"{file}: {said}")
        other = str(Metadata[Any].from_bytes(raw).signed.version) != number
    except (OSError, DeserializationError):
        other = False
    if other and number.isdecimal():
        return Refused("mixed", f"{file}: is of another bundle than the files beside it")
    return Refused("too-large" if "exceeding" in said else "tampered", f"{file}: {said}")


def _badly_signed(tree: Tree, file: str) -> Refused:
    """Without a signature, or with others than the root names."""
    try:
        with tree.open(f"metadata/{file}") as stream:
            signatures = Metadata[Root].from_bytes(stream.read(UpdaterConfig.targets_max_length)).signatures
    except (OSError, DeserializationError):
        signatures = {}
    if not any(one.signature for one in signatures.values()):
        return Refused("unsigned", f"{file}: is not signed")
    return Refused("wrongly-signed", f"{file}: is not signed by the keys that the trusted root names")


__all__ = ["Bundle", "opened"]
