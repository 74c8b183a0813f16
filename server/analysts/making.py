"""Views are made and taken away here, on either database. Once somebody made them they are wanted, until `drop(forget=True)`.

What says that they are wanted depends on no table, so it survives every migration: the schema on PostgreSQL, whose comment is
the digest of the views; on SQLite a view `rasoat_views`, whose one row is that digest.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from server.analysts.definitions import PREFIX, SCHEMA, digest, views

MARK = f"{PREFIX}views"
_MARK = "rasoat "


def wanted(connection: BaseDatabaseWrapper) -> bool:
    return _mark(connection) is not None


def current(connection: BaseDatabaseWrapper) -> bool:
    """All are there, as this program says them."""
    return _mark(connection) == digest(connection.vendor) and set(there(connection)) == {view.name for view in views()}


def make(connection: BaseDatabaseWrapper) -> int:
    """All of them anew, in one transaction; how many. Rights that were granted for whatever comes into the schema hold again."""
    vendor = connection.vendor
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        drop(connection)
        if vendor == "postgresql":
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        for view in views():
            cursor.execute(f"CREATE VIEW {view.full_name(vendor)} AS\n{view.select(vendor)}")
        if vendor != "postgresql":
            cursor.execute(f"DROP VIEW IF EXISTS {MARK}")
            cursor.execute(f"CREATE VIEW {MARK} AS SELECT '{digest(vendor)}' AS digest")
            return len(views())
        for view in views():
            cursor.execute(f"COMMENT ON VIEW {view.full_name(vendor)} IS {_text(view.about)}")
            for name, (_sql, about) in view.columns.items():
                cursor.execute(f"COMMENT ON COLUMN {view.full_name(vendor)}.{name} IS {_text(about)}")
        cursor.execute(f"COMMENT ON SCHEMA {SCHEMA} IS '{_MARK}{digest(vendor)}'")
    return len(views())


def drop(connection: BaseDatabaseWrapper, forget: bool = False) -> None:
    """Take them away; unless they are to be forgotten they come back with the next `make` or migration."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for name in there(connection):
                cursor.execute(f'DROP VIEW {SCHEMA}."{name}"')
            if forget:
                cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA}")
            return
        for name in there(connection):
            cursor.execute(f'DROP VIEW "{PREFIX}{name}"')
        if forget:
            cursor.execute(f"DROP VIEW IF EXISTS {MARK}")


def there(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of those in the database, also of a version before."""
    if connection.vendor == "postgresql":
        return [name for (name,) in _asked(connection, "SELECT viewname FROM pg_views WHERE schemaname = %s", [SCHEMA])]
    found = _asked(
        connection, "SELECT name FROM sqlite_master WHERE type = 'view' AND substr(name, 1, %s) = %s", [len(PREFIX), PREFIX]
    )
    return [name.removeprefix(PREFIX) for (name,) in found if name != MARK]


def _mark(connection: BaseDatabaseWrapper) -> str | None:
    """The digest of those that were made last; None when nobody wants any."""
    if connection.vendor == "postgresql":
        found = _asked(connection, "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", [SCHEMA])
        return str(found[0][0] or "").removeprefix(_MARK) if found else None
    if not _asked(connection, "SELECT 1 FROM sqlite_master WHERE type = 'view' AND name = %s", [MARK]):
        return None
    return str(_asked(connection, f"SELECT digest FROM {MARK}")[0][0])  # noqa: S608


def _asked(connection: BaseDatabaseWrapper, sql: str, values: list[Any] | None = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
