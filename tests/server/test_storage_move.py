"""From SQLite to PostgreSQL and back: nothing is lost, nothing is half."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import translation

from server import database
from server.config import Config, ConfigError
from server.ingest.models import Agent, EnrolmentToken, Machine
from server.journal import models as journal
from server.storage import console, move
from server.units.models import Unit
from tests.postgres import Cluster
from tests.server.people import Host, send
from tests.server.stored import Stored, call, made

JOURNAL = "journal_entry"


@pytest.fixture(autouse=True)
def _unblocked(django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), translation.override("en"):
        yield


@pytest.fixture
def source(tmp_path: Path, empty_sqlite: Path) -> Stored:
    stored = made(tmp_path / "data", empty_sqlite)
    with stored.opened():
        stored.fill()
    return stored


def pointed(source: Stored, url: str) -> Stored:
    """As the person does it afterwards."""
    settings = source.data.settings
    settings.write_text(
        f'database = "{url}"\n' + "\n".join(line for line in settings.read_text().splitlines() if not line.startswith("database"))
    )
    return source


def test_there_and_back(source: Stored, postgres: Cluster, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(move, "ROWS", 2)
    monkeypatch.setattr(move, "WIDE", 1)
    url = postgres.create()
    before = source.sums()
    with source.opened():
        assert call(console.move, to=url, password_file="") == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert f'database = "{url}"' in said
    assert source.sums() == before, "the source is as it was"
    pointed(source, url)
    after = source.sums()
    assert {name: count for name, (count, _sum) in after.items() if count} != {}
    assert {n: s for n, s in after.items() if n != JOURNAL} == {n: s for n, s in before.items() if n != JOURNAL}
    assert after[JOURNAL][0] == before[JOURNAL][0] + 1, "that it was moved"
    with source.opened():
        assert connection.vendor == "postgresql"
        assert journal.broken_at() is None
        # the database goes on as if it had always been there: numbers, references, conditions
        host = Host(name="mới")
        text = EnrolmentToken.issue(Unit.objects.get(), 1, 1, "test")[1]
        assert host.enrol(Client(), text).status_code == 201
        assert send(Client(), host.seal(host.snapshot())).status_code == 201
        assert Machine.objects.order_by("-pk").first().name == "mới"
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("UPDATE ingest_agent SET unit_id = 4711; SET CONSTRAINTS ALL IMMEDIATE")
        connection.close()
    before = source.sums()
    source.data.database.unlink()
    with source.opened():
        assert call(console.move, to="sqlite", password_file="") == 0, capsys.readouterr().err
    pointed(source, "")
    after = source.sums()
    assert {n: s for n, s in after.items() if n != JOURNAL} == {n: s for n, s in before.items() if n != JOURNAL}
    with source.opened():
        assert journal.broken_at() is None


def test_an_interrupted_move_begins_again_and_nobody_starts_on_what_is_half(
    source: Stored, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.create()
    to = Config(database=url)

    def stop(name: str, done: int, of: int) -> None:
        if name == Agent._meta.db_table:
            raise KeyboardInterrupt

    with source.opened():
        with pytest.raises(KeyboardInterrupt):
            move.move(source.data, to, stop)
        half = made(source.data.root.parent / "half", url)
        with half.opened(), pytest.raises(ConfigError, match="not finished"):
            database.there(half.data, half.config)
        copied = move.move(source.data, to, lambda *_: None)
    before = source.sums()
    assert copied.rows == sum(count for count, _sum in before.values())
    assert half.sums() == before
    with half.opened():
        assert database.there(half.data, half.config)
    with closing(psycopg.connect(url)) as plain:
        missing = plain.execute("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated").fetchone()
        there = plain.execute("SELECT count(*) FROM pg_constraint WHERE contype = 'f'").fetchone()
    with closing(psycopg.connect(postgres.migrated())) as plain:
        assert plain.execute("SELECT count(*) FROM pg_constraint WHERE contype = 'f'").fetchone() == there
    assert missing == (0,)


def test_a_target_in_which_something_is_stays_as_it_is(source: Stored, postgres: Cluster) -> None:
    url = postgres.migrated()
    with source.opened(), pytest.raises(ConfigError, match="not empty"):
        move.move(source.data, Config(database=url), lambda *_: None)
    url = postgres.create()
    with closing(psycopg.connect(url, autocommit=True)) as plain:
        plain.execute("CREATE TABLE somebodys (x int)")
    with source.opened(), pytest.raises(ConfigError, match="somebodys"):
        move.move(source.data, Config(database=url), lambda *_: None)


def test_a_table_nobody_knows_is_not_left_behind_in_silence(source: Stored, postgres: Cluster) -> None:
    with source.opened():
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE strange (x int)")
        with pytest.raises(ConfigError, match="strange"):
            move.move(source.data, Config(database=postgres.create()), lambda *_: None)


def test_one_changed_row_is_noticed(source: Stored, postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the comparison would be for show."""
    honest = move._compare

    def after_a_change(progress: Any) -> None:
        with move.connections[move.TARGET].cursor() as cursor:
            cursor.execute("UPDATE ingest_machine SET name = name || ' ' WHERE id = (SELECT min(id) FROM ingest_machine)")
        honest(progress)

    monkeypatch.setattr(move, "_compare", after_a_change)
    with source.opened(), pytest.raises(DatabaseError, match="ingest_machine"):
        move.move(source.data, Config(database=postgres.create()), lambda *_: None)


def test_what_runs_is_not_moved_and_not_started_twice(source: Stored, postgres: Cluster) -> None:
    url = postgres.create()
    with source.data.root.joinpath("worker.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with source.opened():
            assert call(console.move, to=url, password_file="") == 2
    with source.data.root.joinpath("run.lock").open("w+") as other:
        other.write("4711\n")
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        with source.opened(), pytest.raises(ConfigError, match=r"db\.sqlite3.*4711"):
            call(console.move, to=url, password_file="")
    with closing(psycopg.connect(url)) as plain:
        assert plain.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_to_the_same_kind_or_into_a_file_that_is_there_is_refused(source: Stored, postgres: Cluster) -> None:
    with source.opened(), pytest.raises(ConfigError, match="same kind"):
        move.move(source.data, Config(), lambda *_: None)
    here = made(source.data.root.parent / "pg", postgres.migrated())
    here.data.database.write_bytes(source.data.database.read_bytes())
    with here.opened(), pytest.raises(ConfigError, match="not empty"):
        move.move(here.data, Config(), lambda *_: None)
