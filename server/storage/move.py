"""From SQLite to PostgreSQL, or back: every row of every table, in slices, counted and digested on both sides.

The source is held still (whoever would write has to wait, and is refused) and never written. While the target is being
filled a table of ours there says so, and no collector starts on it; a second run begins again from there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DatabaseError, connections, models, transaction
from django.utils.translation import gettext as _

from server.config import Config, ConfigError, Data
from server.database import MOVING, clean, databases
from server.journal.models import broken_at

SOURCE, TARGET = "default", "target"
ROWS, WIDE = 1000, 50
"""Rows of a slice; of tables that hold what was sent, which may be megabytes a row."""
LEFT = {"django_migrations", "sqlite_sequence", MOVING}
Progress = Callable[[str, int, int], None]


class Copied(NamedTuple):
    tables: int
    rows: int


def move(data: Data, to: Config, progress: Progress) -> Copied:
    """Raises ConfigError, DatabaseError."""
    if connections[SOURCE].vendor == ("postgresql" if to.database else "sqlite"):
        raise ConfigError(_("the target is of the same kind as what is in use"))
    connections.settings[TARGET] = connections.configure_settings({"default": databases(data, to)["default"]})["default"]
    connections[TARGET] = connections.create_connection(TARGET)
    try:
        with _still():
            _same_tables()
            _begin()
            copied = _copy(progress)
            _compare(progress)
            _finish()
        return copied
    finally:
        connections[TARGET].close()


@contextmanager
def _still() -> Iterator[None]:
    """Nobody writes to the source, and everything is read as of one moment."""
    connection = connections[SOURCE]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
            if (others := cursor.fetchone()[0]) > 0:
                raise ConfigError(_("%d other connections to the database are open; stop the collector everywhere") % others)
    with transaction.atomic(using=SOURCE):  # on SQLite IMMEDIATE
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


def _models() -> list[type[models.Model]]:
    found = apps.get_models(include_auto_created=True)
    return [model for model in found if model._meta.managed and not model._meta.proxy]


def _same_tables() -> None:
    """Whatever is in the source has a model, or it would be left behind in silence."""
    here = set(connections[SOURCE].introspection.table_names())
    strangers = here - {model._meta.db_table for model in _models()} - LEFT
    if strangers:
        raise ConfigError(_("the database holds tables this program does not know: %s") % ", ".join(sorted(strangers)))


def _begin() -> None:
    """An empty target with all tables; what an interrupted run left is emptied."""
    target = connections[TARGET]
    there = set(target.introspection.table_names())
    if there and MOVING not in there:
        raise ConfigError(_("the target is not empty: %s") % ", ".join(sorted(there)[:5]))
    with target.cursor() as cursor:
        if target.vendor == "postgresql":
            cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        if MOVING not in there:
            cursor.execute(f"CREATE TABLE {MOVING} (name text PRIMARY KEY, said text NOT NULL)")
    source, connections[SOURCE] = connections[SOURCE], target  # a migration that says no name means the default one
    try:
        call_command("migrate", database=TARGET, verbosity=0, interactive=False)
    finally:
        connections[SOURCE] = source
    _loosen()
    for model in _models():  # what migrations put in themselves comes from the source, too
        _empty(model)


def _empty(model: type[models.Model]) -> None:
    with connections[TARGET].cursor() as cursor:
        table = connections[TARGET].ops.quote_name(model._meta.db_table)
        cursor.execute(f"TRUNCATE {table} CASCADE" if connections[TARGET].vendor == "postgresql" else f"DELETE FROM {table}")  # noqa: S608


def _loosen() -> None:
    """References point both ways between tables, so they are let go while rows come, and made and checked again at the end."""
    target = connections[TARGET]
    with target.cursor() as cursor:
        if target.vendor != "postgresql":
            cursor.execute("PRAGMA foreign_keys = OFF")
            return
        cursor.execute(
            "SELECT conname, format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)),"
            " format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)"
            " FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::text::regnamespace"
        )
        for name, again, gone in cursor.fetchall():
            with transaction.atomic(using=TARGET):
                cursor.execute(f"INSERT INTO {MOVING} VALUES (%s, %s) ON CONFLICT DO NOTHING", [name, again])  # noqa: S608
                cursor.execute(gone)


def _copy(progress: Progress) -> Copied:
    tables = rows = 0
    for model in _models():
        name, total, done = model._meta.db_table, model._base_manager.using(SOURCE).count(), 0
        fields = [field for field in model._meta.local_concrete_fields if not field.generated]
        found = _rows(model, SOURCE)
        while part := [_cleaned(row) for row in islice(found, _width(model))]:
            try:
                # as it is: neither a model's own save nor "now" of a column that notes when it was written
                model._base_manager.using(TARGET)._insert(part, fields=fields, using=TARGET, raw=True)  # type: ignore[attr-defined]
            except DatabaseError as error:
                raise DatabaseError(f"{name}: {str(error).strip()}") from error
            done += len(part)
            progress(name, done, total)
        if done != total:
            raise DatabaseError(f"{name}: {done} of {total} rows read")
        tables, rows = tables + 1, rows + done
    return Copied(tables, rows)


def _rows(model: type[models.Model], using: str) -> Iterator[models.Model]:
    return model._base_manager.using(using).order_by("pk").iterator(chunk_size=_width(model))


def _width(model: type[models.Model]) -> int:
    return WIDE if any(isinstance(field, models.BinaryField) for field in model._meta.local_concrete_fields) else ROWS


def _cleaned(row: models.Model) -> models.Model:
    for field in row._meta.local_concrete_fields:
        value = getattr(row, field.attname)
        if isinstance(value, str | dict | list):
            setattr(row, field.attname, clean(value))
    return row


def _compare(progress: Progress) -> None:
    """Both sides read anew. Raises DatabaseError."""
    for model in _models():
        here, there = _sum(model, SOURCE), _sum(model, TARGET)
        progress(model._meta.db_table, *there[:1], here[0])
        if here != there:
            raise DatabaseError(f"{model._meta.db_table}: {here[0]} rows here, {there[0]} there, or with other contents")
    if (at := broken_at(TARGET)) is not None and broken_at(SOURCE) is None:
        raise DatabaseError(f"the journal does not follow from itself at row {at} of the target")


def _sum(model: type[models.Model], using: str) -> tuple[int, int]:
    """How many rows, and the sum of their digests: it does not depend on the order, in which databases differ."""
    count = total = 0
    for row in _rows(model, using):
        values = [_plain(getattr(row, field.attname)) for field in model._meta.local_concrete_fields if not field.generated]
        text = json.dumps(values, sort_keys=True, default=str).encode()
        total = (total + int.from_bytes(hashlib.sha256(text).digest())) % (1 << 256)
        count += 1
    return count, total


def _plain(value: Any) -> Any:
    """One form for what databases give back in several."""
    if isinstance(value, bytes | memoryview):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, datetime):
        return value.isoformat()
    return clean(value)


def _finish() -> None:
    """References hold again, numbers go on where they were, and the target is a collector's."""
    target = connections[TARGET]
    with target.cursor() as cursor:
        if target.vendor == "postgresql":
            cursor.execute(f"SELECT said FROM {MOVING}")  # noqa: S608
            again = [said for (said,) in cursor.fetchall()]
            with transaction.atomic(using=TARGET):
                for statement in again:
                    cursor.execute(statement)
                for statement in target.ops.sequence_reset_sql(no_style(), _models()):
                    cursor.execute(statement)
                cursor.execute(f"DROP TABLE {MOVING}")
            cursor.execute("ANALYZE")
            return
        target.check_constraints()
        cursor.execute(f"DROP TABLE {MOVING}")
