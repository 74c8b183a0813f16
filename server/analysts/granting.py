"""Who may read the views: a role of PostgreSQL that can read them and nothing else."""

from __future__ import annotations

import re

from django.db import connection, transaction

from server.analysts.definitions import SCHEMA

ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")
SECONDS, CONNECTIONS = 60, 10


def statements(role: str, owner: str, database: str, new: bool) -> list[str]:
    """SQL that lets a role read the views, those to come included. Raises ValueError for a name that would have to be quoted."""
    if not ROLE.fullmatch(role):
        raise ValueError(role)
    made = [f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"] if new else []
    quoted = '"' + owner.replace('"', '""') + '"'
    return [
        *made,
        f"ALTER ROLE {role} CONNECTION LIMIT {CONNECTIONS}",
        f"ALTER ROLE {role} SET statement_timeout = '{SECONDS}s'",
        f"ALTER ROLE {role} SET idle_in_transaction_session_timeout = '{SECONDS}s'",
        f"ALTER ROLE {role} SET default_transaction_read_only = on",
        f"ALTER ROLE {role} SET search_path = {SCHEMA}",
        'GRANT CONNECT ON DATABASE "' + database.replace('"', '""') + f'" TO {role}',
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {role}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {role}",
        # views go and come with migrations: whatever this account makes there later is readable as well
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted} IN SCHEMA {SCHEMA} GRANT SELECT ON TABLES TO {role}",
    ]


def about() -> tuple[str, str]:
    """The account to which the views belong, and the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_userbyid(nspowner), current_database() FROM pg_namespace WHERE nspname = %s", [SCHEMA])
        owner, database = cursor.fetchone()
    return owner, database


def exists(role: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        return cursor.fetchone() is not None


def own(role: str) -> bool:
    """The collector works by this role, or an administrator of the database does: held to reading, they would stand still."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT %s IN (current_user::text, session_user::text) OR EXISTS (SELECT 1 FROM pg_roles r WHERE r.rolname = %s AND ("
            " r.rolsuper OR EXISTS (SELECT 1 FROM pg_class c WHERE c.relowner = r.oid)"
            " OR EXISTS (SELECT 1 FROM pg_namespace n WHERE n.nspowner = r.oid)"
            " OR EXISTS (SELECT 1 FROM pg_database d WHERE d.datdba = r.oid)))",
            [role, role],
        )
        return bool(cursor.fetchone()[0])


def carry_out(found: list[str]) -> None:
    """All or nothing. Raises DatabaseError when this account may not."""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in found:
            cursor.execute(statement)


def sees_more(role: str) -> list[str]:
    """What else of this database the role can read: tables outside the schema, or everything, for a superuser."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname NOT IN (%s, 'pg_catalog', 'information_schema')"
            " AND n.nspname NOT LIKE 'pg\\_%%' AND (has_table_privilege(%s, c.oid, 'SELECT, INSERT, UPDATE, DELETE')"
            " OR has_any_column_privilege(%s, c.oid, 'SELECT')) ORDER BY 1",
            [SCHEMA, role, role],
        )
        return [name for (name,) in cursor.fetchall()]
