"""Bundles for tests: made with real keys and real metadata, of the hand-made files in tests/server/feeds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from server.feeds.bundle import build, keys

SAMPLES = Path(__file__).parent / "feeds"
PASSPHRASE = "a passphrase of tests"


def ask(name: str) -> str:
    return PASSPHRASE


def yesterday() -> str:
    return str(timezone.localdate() - timedelta(days=1))


class Maker:
    """Who makes bundles: keys in a folder, files in another."""

    def __init__(self, root: Path, roots: int = 1, threshold: int = 1) -> None:
        self.keys, self.files = root / "keys", root / "files"
        self.files.mkdir(parents=True)
        self.fingerprint = keys.init(self.keys, roots, threshold, ask)
        self.feeds: list[dict[str, Any]] = []

    def feed(self, name: str, kind: str, sample: str, **more: str) -> None:
        """A feed of a sample file, of yesterday unless the file says it."""
        shutil.copyfile(SAMPLES / sample, self.files / sample)
        dated = {} if kind in ("kev", "epss", "msrc", "network") else {"data_date": yesterday()}
        self.feeds = [one for one in self.feeds if one["name"] != name]
        self.feeds.append({"name": name, "kind": kind, "file": sample, **dated, **more})

    def build(self, out: Path, **more: Any) -> int:
        """The version. `out` is made or made anew."""
        lines = []
        for one in self.feeds:
            lines.append("[[feed]]")
            lines += [f"{key} = {value}" if key in ("data_date", "dated") else f'{key} = "{value}"' for key, value in one.items()]
        (self.files / "feeds.toml").write_text("\n".join(lines), "utf-8")
        return build.build(self.files, self.keys, out, ask, **more)


class Unhurried:
    """In place of a job: slices without one, and a place where an import can be made to die."""

    def __init__(self, dies_at: int | None = None, error: BaseException | None = None) -> None:
        self.slices, self._dies_at, self._error = 0, dies_at, error

    def slice(self, count: int = 1, **kept: Any) -> AbstractContextManager[None]:
        from django.db import transaction

        self.slices += 1
        if self.slices == self._dies_at:
            return _Dies(self._error or KeyboardInterrupt())
        return transaction.atomic()


class _Dies(AbstractContextManager[None]):
    """The slice's work is done, and then it ends without a commit."""

    def __init__(self, error: BaseException) -> None:
        from django.db import transaction

        self._error, self._around = error, transaction.atomic()

    def __enter__(self) -> None:
        self._around.__enter__()

    def __exit__(self, *about: Any) -> None:
        self._around.__exit__(type(self._error), self._error, None)
        raise self._error


def files_of(path: Path) -> Iterator[Path]:
    return (one for one in sorted(path.rglob("*")) if one.is_file())
