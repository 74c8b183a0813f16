"""Where the collector keeps what it keeps: SQLite in the data directory, or the PostgreSQL that settings.toml names.

Code that must not run twice at once says so by `alone`: on SQLite a transaction is alone from its first statement
(IMMEDIATE), on PostgreSQL two of them read side by side.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from server.config import Config, Data

SCHEMES = ("postgresql://", "postgres://")
CONNECT_SECONDS = 10
STATEMENT_SECONDS = 60
"""Requests and slices end long before; whoever needs more says `unhurried`."""
MOVING = "rasoat_moving"
"""A table of this name is in a database that `rasoat server move` has not finished filling."""
NUL, INSTEAD = "\x00", "\ufffd"
_LOCKS = 0x7261736F << 32
"""Advisory locks of rasoat begin with these bytes ("raso"), so that they meet no other program's."""


def parameters(url: str) -> dict[str, str]:
    """What libpq understands of the address. Raises ValueError, which repeats no part of it."""
    if not url.startswith(SCHEMES):
        raise ValueError("must begin with postgresql:// (empty: SQLite in the data directory)")
    try:
        from psycopg import Error
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise ValueError("PostgreSQL needs psycopg: pip install 'rasoat[server]'") from None
    try:
        found = {name: str(value) for name, value in conninfo_to_dict(url).items() if value not in (None, "")}
    except Error as error:
        raise ValueError(
            f"not an address libpq understands: {str(error).partition(chr(34))[0].strip() or 'see docs/storage.md'}"
        ) from None
    if "password" in found:
        raise ValueError("the password does not belong here: name its file in database_password_file, or use a PGPASSFILE")
    if not found.get("dbname") and not found.get("service"):
        raise ValueError("names no database: postgresql://user@host:5432/NAME")
    for port in filter(None, found.get("port", "").split(",")):
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError("port: a number from 1 to 65535")
    return found


def databases(data: Data, config: Config) -> dict[str, dict[str, Any]]:
    """Django's DATABASES. Raises ConfigError when the password's file cannot be read."""
    return {"default": _postgresql(data, config) if config.database else _sqlite(data, config)}


def _sqlite(data: Data, config: Config) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": data.database,
        "CONN_MAX_AGE": 600,
        "OPTIONS": {
            # A transaction that reads and then writes fails at once in the default mode when another writer came
            # between; IMMEDIATE makes it wait its turn.
            "transaction_mode": "IMMEDIATE",
            "timeout": config.lock_wait_seconds,
            # FULL, not NORMAL: an agent deletes its copy when it is told 201, so a power cut must not undo it.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
            "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-16384;",
        },
    }


def _postgresql(data: Data, config: Config) -> dict[str, Any]:
    from psycopg import IsolationLevel

    options: dict[str, Any] = dict(parameters(config.database))
    own = {
        "statement_timeout": f"{STATEMENT_SECONDS}s",
        "lock_timeout": f"{round(config.lock_wait_seconds * 1000)}ms",
        # a process that hangs in mid-transaction must not hold the others for ever
        "idle_in_transaction_session_timeout": f"{STATEMENT_SECONDS}s",
        # an agent deletes its copy when it is told 201, whatever the cluster's default is
        "synchronous_commit": "on",
        "TimeZone": "UTC",
    }
    said = options.pop("options", "")  # later words win: a site may say it otherwise
    defaults = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "rasoat",
        # a database host that vanished without a word is noticed in half a minute, not in a quarter of an hour
        "keepalives_idle": 20,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    return {
        "ENGINE": "server.storage.postgresql",
        "NAME": options.pop("dbname", ""),
        "USER": options.pop("user", ""),
        "PASSWORD": data.password(config),
        "HOST": options.pop("host", ""),
        "PORT": options.pop("port", ""),
        # one connection for each thread that serves; looked at before it is used, as the database may have been started anew
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **defaults,
            **options,
            "options": " ".join([*(f"-c {name}={value}" for name, value in own.items()), said]).strip(),
            # what this code was written for: conditions of an UPDATE are looked at again after waiting for a row
            "isolation_level": IsolationLevel.READ_COMMITTED,
        },
    }


def clean(value: Any) -> Any:
    """The same without U+0000, which no text of PostgreSQL may hold; keys of objects included."""
    if isinstance(value, str):
        return value.replace(NUL, INSTEAD)
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return [clean(item) for item in value] if isinstance(value, list | tuple) else value


def alone(name: str) -> None:
    """Wait until no other transaction that said this name is open; until the end of this one, others wait. Call it in a transaction."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock_number(name)])


def lock_number(name: str) -> int:
    """Number of an advisory lock."""
    return _LOCKS | zlib.crc32(name.encode())


def unhurried() -> None:
    """No time limit for this connection's statements: building an index over years of rows, copying a table."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                cursor.execute(f"SET {name} = 0")


def migrate() -> None:
    """Bring the database to this program's state. Two that begin at once do it one after the other."""
    from django.core.management import call_command
    from django.db import connection

    unhurried()
    on_postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if on_postgresql:
            cursor.execute("SELECT pg_advisory_lock(%s)", [lock_number("migrate")])
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        if on_postgresql and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [lock_number("migrate")])


def there(data: Data, config: Config) -> bool:
    """`rasoat server init` has been here. Raises ConfigError when a move into this database came to no end."""
    from django.db import connection

    from server.config import ConfigError

    if not config.database and not data.database.exists():
        return False
    tables = connection.introspection.table_names()
    if MOVING in tables:
        raise ConfigError("a move into this database was not finished; begin it again from the other one: rasoat server move")
    return "django_migrations" in tables


def use(wanted: dict[str, Any]) -> None:
    """From here on the default database of this process is that one."""
    from django.db import connections

    connections["default"].close()
    connections.settings["default"] = connections.configure_settings({"default": wanted})["default"]
    connections["default"] = connections.create_connection("default")


def private(path: Path) -> None:
    """What SQLite made is for this account alone."""
    if path.exists():
        path.chmod(0o600)
