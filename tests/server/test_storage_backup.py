"""Backups: made while the collector runs, looked at byte by byte, restored only where nothing is."""

from __future__ import annotations

import io
import json
import sqlite3
import stat
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from server.config import ConfigError, Data
from server.ingest.models import Machine, StoredSnapshot
from server.journal import models as journal
from server.storage import bundle, console, restore
from tests.postgres import Cluster
from tests.server.stored import Stored, call, digest, made

JOURNAL = "journal_entry"


@pytest.fixture(autouse=True)
def _unblocked(django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), translation.override("en"):
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path: Path, empty_sqlite: Path) -> Stored:
    empty = empty_sqlite if request.param == "sqlite" else request.getfixturevalue("postgres").migrated()
    stored = made(tmp_path / "data", empty)
    with stored.opened():
        stored.fill()
    return stored


@pytest.fixture
def small(tmp_path: Path, empty_sqlite: Path) -> tuple[Stored, Path]:
    """A collector with nothing in it, and its backup."""
    stored = made(tmp_path / "data", empty_sqlite)
    with stored.opened():
        assert call(console.backup, words=[str(tmp_path / "b")]) == 0
    return stored, tmp_path / "b"


def test_what_was_saved_comes_back(filled: Stored, tmp_path: Path, request: pytest.FixtureRequest, capsys: Any) -> None:
    file = tmp_path / "b"
    filled.data.root.joinpath("more").mkdir()
    filled.data.root.joinpath("more", "own.yaml").write_text("của riêng")
    before = filled.sums(JOURNAL)
    with filled.opened():
        assert call(console.backup, words=[str(file)]) == 0
        assert journal.Entry.objects.first().action == "server.backup"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == [], "nothing is left lying about"
    assert call(console.backup, words=["verify", str(file)]) == 0
    url = request.getfixturevalue("postgres").create() if filled.config.database else ""
    again = Stored(Data(tmp_path / "again"))
    with again.opened():
        assert call(console.restore, file=str(file), database=url) == 0, capsys.readouterr().err
    assert again.config.database == url
    assert again.sums(JOURNAL) == before
    for name in ("secret.key", "centre.key", "more/own.yaml", "packs/mini/standard.yaml"):
        assert digest(again.data.root / name) == digest(filled.data.root / name), name
    assert stat.S_IMODE(again.data.secret_key.stat().st_mode) == 0o600
    with again.opened():
        assert journal.broken_at() is None
        assert journal.Entry.objects.first().action == "server.restored"
        stored = StoredSnapshot.objects.first()
        assert stored.snapshot().id == stored.pk


def test_while_another_writes(tmp_path: Path, empty_sqlite: Path) -> None:
    """Committed before: in it. Not committed: not in it, and the writer is not disturbed."""
    stored = made(tmp_path / "data", empty_sqlite)
    with stored.opened():
        stored.fill(1)
        with closing(sqlite3.connect(stored.data.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("UPDATE ingest_machine SET name = 'half'")
            target, _manifest = console.backups.make(stored.data, stored.config, tmp_path / "b")
            other.execute("COMMIT")
        assert Machine.objects.get().name == "half"
    again = Stored(Data(tmp_path / "again"))
    restore.restore(target, again.data)
    with again.opened():
        assert Machine.objects.get().name == "máy-0"


def test_into_a_folder_it_gets_todays_name(small: tuple[Stored, Path], tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    with small[0].opened():
        assert call(console.backup, words=[str(folder)]) == 0
        assert call(console.backup, words=[str(small[1])]) == 1, "no backup takes another one's place"
    (file,) = folder.iterdir()
    assert file.name.startswith("rasoat-20")
    assert bundle.verify(file).kind == "sqlite"


def test_every_damaged_byte_and_every_cut_is_refused_by_name(small: tuple[Stored, Path], tmp_path: Path) -> None:
    whole = small[1].read_bytes()
    bad = tmp_path / "bad"
    for at in (*range(0, 1024, 37), *range(1024, len(whole), len(whole) // 60), *range(len(whole) - 80, len(whole), 7)):
        bad.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(bundle.Damaged, match=str(bad)):
            bundle.verify(bad)
    for size in (0, 1, 511, 512, 5000, len(whole) // 2, len(whole) - 72, len(whole) - 1):
        bad.write_bytes(whole[:size])
        with pytest.raises(bundle.Damaged, match=str(bad)):
            bundle.verify(bad)
    bad.write_bytes(whole + b"x")
    with pytest.raises(bundle.Damaged):
        bundle.verify(bad)


def test_the_damaged_part_is_named_and_nothing_is_restored(small: tuple[Stored, Path], tmp_path: Path, capsys: Any) -> None:
    raw = bytearray(small[1].read_bytes())
    at = raw.index(small[0].data.secret_key.read_bytes())
    raw[at] ^= 1
    small[1].write_bytes(raw)
    again = Stored(Data(tmp_path / "again"))
    with again.opened():
        assert call(console.restore, file=str(small[1]), database="") == 1
    assert "data/secret.key is damaged" in capsys.readouterr().err
    assert not again.data.root.exists()


def rewritten(file: Path, **changes: Any) -> None:
    """A sound backup that says something else of itself."""
    members = {}
    with tarfile.open(file) as archive:
        for member in archive:
            members[member.name] = archive.extractfile(member).read()  # type: ignore[union-attr]
    manifest = json.loads(members[bundle.MANIFEST])
    for name, value in changes.items():
        manifest[name] = value(manifest[name], members) if callable(value) else value
    members[bundle.MANIFEST] = json.dumps(manifest).encode()
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, text in members.items():
            archive.addfile(bundle._member(name, len(text)), io.BytesIO(text))
    raw.write(f"sha256:{bundle.digest(io.BytesIO(raw.getvalue()))}\n".encode())
    file.write_bytes(raw.getvalue())


def test_a_newer_schema_is_refused_by_name(small: tuple[Stored, Path], tmp_path: Path) -> None:
    rewritten(small[1], version="9.9", migrations=lambda found, _members: {**found, "ingest": [*found["ingest"], "0999_later"]})
    bundle.verify(small[1])
    with pytest.raises(ConfigError, match=r"9\.9.*ingest\.0999_later"):
        restore.restore(small[1], Data(tmp_path / "again"))
    assert not (tmp_path / "again").exists()


def test_a_newer_format_is_refused_by_name(small: tuple[Stored, Path]) -> None:
    rewritten(small[1], format=2)
    with pytest.raises(bundle.Damaged, match="format 2"):
        bundle.verify(small[1])


@pytest.mark.parametrize("name", ["data/../../out", "/etc/passwd", "data", "other/x"])
def test_a_part_that_leads_out_is_refused(small: tuple[Stored, Path], tmp_path: Path, name: str) -> None:
    def add(found: dict[str, Any], members: dict[str, bytes]) -> dict[str, Any]:
        members[name] = b"x"
        return {**found, name: {"bytes": 1, "sha256": bundle.digest(io.BytesIO(b"x"))}}

    rewritten(small[1], parts=add)
    with pytest.raises(bundle.Damaged):
        restore.restore(small[1], Data(tmp_path / "again"))
    assert not (tmp_path / "out").exists()
    assert [*(tmp_path / "again").iterdir()] == []


def test_only_where_nothing_is(small: tuple[Stored, Path], tmp_path: Path, postgres: Cluster) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "somebodys").write_text("x")
    with pytest.raises(ConfigError, match="not empty"):
        restore.restore(small[1], Data(taken))
    assert [path.name for path in taken.iterdir()] == ["somebodys"]
    here = made(tmp_path / "pg", postgres.migrated())
    with here.opened():
        assert call(console.backup, words=[str(tmp_path / "pg.backup")]) == 0
    with pytest.raises(ConfigError, match="not empty"):
        restore.restore(tmp_path / "pg.backup", Data(tmp_path / "again"), here.config.database)


def test_without_pg_dump_it_says_so(tmp_path: Path, postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    here = made(tmp_path / "pg", postgres.migrated())
    monkeypatch.setenv("PATH", str(tmp_path))
    with here.opened(), pytest.raises(ConfigError, match="pg_dump is not on PATH"):
        call(console.backup, words=[str(tmp_path / "b")])
    assert not (tmp_path / "b").exists()
