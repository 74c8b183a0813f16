"""The role that reads the views on PostgreSQL, and what becomes of the views when a database is copied."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from server.analysts import console as analysts
from server.analysts import granting, making
from server.analysts.definitions import views
from server.config import Config, Data
from server.storage import console, postgres_tools
from tests.postgres import using
from tests.server.stored import call, made


@pytest.fixture
def analyst(postgres):
    """A database with views and two roles: the collector's own, which owns it, and that of the analysts."""
    with using(postgres.migrated()) as name:
        postgres.sql("CREATE ROLE analyst_owner LOGIN")
        postgres.sql(f"ALTER DATABASE {name} OWNER TO analyst_owner")
        making.make(connection)
        granting.carry_out(granting.statements("analyst", *granting.about(), new=True))
        yield name
        making.drop(connection, forget=True)
        with connection.cursor() as cursor:
            for role in ("analyst", "analyst_owner"):
                cursor.execute(f"REASSIGN OWNED BY {role} TO rasoat; DROP OWNED BY {role}")
    for role in ("analyst", "analyst_owner"):
        postgres.sql(f"DROP ROLE {role}")


@pytest.mark.django_db
@pytest.mark.on_postgresql
def test_the_role_reads_the_views_and_not_one_table(postgres, analyst) -> None:
    where = f"postgresql://analyst@/{analyst}?host={postgres.folder}"
    assert granting.sees_more("analyst") == []
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    assert {"units_user", "django_session", "programs_key", "ingest_storedsnapshot"} <= set(tables)
    with psycopg.connect(where, autocommit=True) as other:
        for view in views():
            other.execute(f"SELECT * FROM {view.name}")
        assert other.execute("SHOW statement_timeout").fetchone() == ("1min",)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            other.execute("CREATE TEMP TABLE x (a int); DELETE FROM x")
        other.execute("SET default_transaction_read_only = off")  # it may: what guards is that nothing was granted
        for table in tables:
            for words in ("SELECT 1 FROM {}", "DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES", "TRUNCATE {}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    other.execute(words.format(f"public.{table}"))
        for sql in (
            "DELETE FROM units", "DELETE FROM alarms", "INSERT INTO rasoat_views.assets DEFAULT VALUES", "DROP VIEW units",
            "CREATE TABLE rasoat_views.x (a int)", "CREATE TABLE public.x (a int)", "SELECT pg_read_file('/etc/passwd')",
            "COPY units TO PROGRAM 'cat'", "SET ROLE rasoat", "SELECT rolpassword FROM pg_authid",
        ):  # fmt: skip
            with pytest.raises(psycopg.Error):
                other.execute(sql)
        making.make(connection)
        assert other.execute("SELECT COUNT(*) FROM units").fetchone() == (0,), "those made later are granted as well"
    comment = postgres.sql("SELECT obj_description('rasoat_views.assets'::regclass)", database=analyst)
    assert comment[0][0].startswith("Machines")


@pytest.mark.django_db
@pytest.mark.on_postgresql
def test_a_role_that_reads_more_is_told(postgres, analyst) -> None:
    postgres.sql("GRANT SELECT (username) ON units_user TO analyst", database=analyst)
    assert granting.sees_more("analyst") == ["public.units_user"]


@pytest.mark.django_db
@pytest.mark.on_postgresql
@pytest.mark.parametrize("execute", [False, True])
def test_the_collector_does_not_hold_itself_to_reading(postgres, analyst, capsys, execute: bool) -> None:
    before = postgres.sql("SELECT rolname, rolconfig, rolconnlimit FROM pg_roles ORDER BY 1")
    for role in ("rasoat", "analyst_owner"):
        assert call(analysts.grant, role=role, execute=execute) == 2
        said = capsys.readouterr()
        assert role in said.err
        assert "ALTER ROLE" not in said.out
    assert postgres.sql("SELECT rolname, rolconfig, rolconnlimit FROM pg_roles ORDER BY 1") == before
    assert call(analysts.grant, role="analyst", execute=execute) == 0, "that of the analysts as often as wanted"


@pytest.mark.django_db
@pytest.mark.on_postgresql
def test_a_name_that_would_have_to_be_quoted_is_refused() -> None:
    for name in ('x"; DROP', "Người", "", "a b", "a" * 64):
        with pytest.raises(ValueError, match=r".*"):
            granting.statements(name, "rasoat", "rasoat", new=True)


@pytest.mark.django_db
@pytest.mark.on_postgresql
def test_a_backup_of_postgresql_brings_them_back(postgres, tmp_path) -> None:
    source = postgres.migrated()
    with using(source):
        making.make(connection)
    data = Data(tmp_path)
    postgres_tools.dump(data, Config(database=source), tmp_path / "dump")
    target = postgres.create()
    postgres_tools.restore(data, Config(database=target), tmp_path / "dump")
    with using(target):
        assert making.current(connection)
        assert postgres.sql("SELECT COUNT(*) FROM rasoat_views.assets", database=str(connection.settings_dict["NAME"])) == [(0,)]


def test_a_move_takes_them_along(postgres, tmp_path, empty_sqlite, django_db_blocker) -> None:
    with django_db_blocker.unblock():
        stored, url = made(tmp_path / "data", empty_sqlite), postgres.create()
        with stored.opened():
            stored.fill()
            making.make(connection)
            assert call(console.move, to=url, password_file="") == 0
        with using(url):
            assert making.current(connection)
            assert postgres.sql(
                "SELECT COUNT(*) > 0 FROM rasoat_views.assets", database=str(connection.settings_dict["NAME"])
            ) == [(True,)]
