"""PostgreSQL's texts hold every character but U+0000, and machines do send it: in a serial number padded by its maker, in a
search typed by somebody who is no friend. SQLite keeps it; here U+FFFD stands in its place.

Only columns are concerned, which repeat what pages show. The snapshot itself is bytes, and stays as it was signed.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql.base import DatabaseWrapper as Django
from django.db.backends.postgresql.operations import DatabaseOperations
from psycopg.types.string import StrDumperUnknown

from server.database import INSTEAD, NUL, clean


class Text(StrDumperUnknown):
    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace(NUL, INSTEAD) if NUL in obj else obj)


class Operations(DatabaseOperations):
    def adapt_json_value(self, value: Any, encoder: Any) -> Any:
        return super().adapt_json_value(clean(value), encoder)


class DatabaseWrapper(Django):
    ops_class = Operations

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.adapters.register_dumper(str, Text)
        return connection
