"""Views for analysts: they say what the tables hold, outlive migrations, backups and moves, and open nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection, migrations, models
from django.db.migrations.state import ProjectState
from django.utils import timezone

from server.analysts import making, signals
from server.analysts.definitions import views
from server.assess import judge
from server.cli import main
from server.coverage.models import Expected
from server.findings import rollup, tally
from server.findings.models import Standing
from server.ingest.models import Machine
from server.units import operations
from server.units.models import Unit
from tests.server.people import send

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


def ask(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql.format(**{view.name: view.full_name(connection.vendor) for view in views()}))
        return cursor.fetchall()


@pytest.fixture
def made(db) -> None:
    making.make(connection)
    yield
    making.drop(connection, forget=True)


@pytest.fixture
def reported(client, another, tree):
    host = another("nam-1", unit="south")
    assert send(client, host.seal(host.snapshot(age=timedelta(hours=3)))).status_code == 201
    assert send(client, host.seal(host.snapshot(permit_root_login="no"))).status_code == 201
    another("im-lang", unit="south")
    Unit.objects.filter(pk=tree["south"].pk).update(code="N1")
    tree["south"].refresh_from_db()


def test_they_say_what_the_tables_hold(reported, made, tree) -> None:
    machine = Machine.objects.get(name="nam-1")
    south = tree["south"]
    assert ask("SELECT full_name, code_path, depth FROM {units} WHERE code = 'N1'") == [("Sở / Phòng Nam", "/N1", 1)]
    found = ask("SELECT name, unit_code, level, fail, passed, reported_at IS NULL FROM {assets} ORDER BY name")
    counts = machine.latest.assessment
    assert [row[:5] for row in found] == [("im-lang", "N1", None, None, None), ("nam-1", "N1", 2, counts.fail, counts.passed)]
    assert [bool(row[5]) for row in found] == [True, False]
    turned = ask("SELECT was, now, cause, severity FROM {transitions}")
    assert turned == [("fail", "pass", "machine", "high")]
    assert len(ask("SELECT * FROM {standings}")) == Standing.objects.count() > 0
    assert ask("SELECT COUNT(*) FROM {standings} WHERE verdict = 'unknown'") == [(Standing.objects.filter(verdict=2).count(),)]
    Expected.objects.create(unit=south, name="phải-có")
    Expected.objects.create(unit=south, name="máy in", excuse="no-machine")
    columns = "expected, enrolled, seen, judged, reported_within_day, listed_only, excused"
    assert ask(f"SELECT {columns} FROM {{coverage}} WHERE unit_code = 'N1'") == [(3, 2, 1, 1, 1, 1, 1)]
    assert ask(f"SELECT {columns} FROM {{coverage}} WHERE unit_name = 'Phòng Bắc'") == [(0,) * 7]
    judge.raise_alarm(machine, "forged", target="x")
    assert ask("SELECT asset_id, kind, times FROM {alarms}") == [(machine.pk, "forged", 1)]
    tally.fold_all()
    rollup.roll_up(timezone.localdate())
    assert ask("SELECT kind, machines, fail FROM {daily} WHERE unit_code = 'N1'") == [("server", 1, counts.fail)]
    Machine.objects.update(retired_at=machine.created_at)
    assert ask("SELECT COUNT(*) FROM {standings}") == [(0,)], "who is out of service stands no more"
    assert ask("SELECT COUNT(*) FROM {assets} WHERE retired_at IS NOT NULL") == [(2,)]


def test_former_names_and_codes_lead_to_the_unit(reported, made, tree) -> None:
    operations.rename(tree["south"], operations.By("x"), timezone.localdate(), name="Phòng Nam Mới", code="N2")
    assert set(ask("SELECT code, name FROM {unit_codes} WHERE code LIKE 'N_'")) == {("N1", "Phòng Nam"), ("N2", "Phòng Nam Mới")}


def test_every_view_can_be_read_and_has_the_columns_it_says(made) -> None:
    for view in views():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {view.full_name(connection.vendor)}")
            assert [column.name if hasattr(column, "name") else column[0] for column in cursor.description] == list(view.columns)
    assert making.current(connection)


def test_none_reads_a_table_with_secrets() -> None:
    """By name: whatever is not listed here has to be thought about first."""
    open_tables = {
        "units_unit", "units_unitname", "ingest_machine", "ingest_storedsnapshot", "assess_storedassessment", "findings_rule",
        "findings_standing", "findings_transition", "findings_daily", "coverage_expected", "assess_alarm", "schedules_silence",
    }  # fmt: skip
    tables = {model._meta.db_table for model in apps.get_models()}
    for view in views():
        text = view.select("postgresql")
        assert {name for name in tables if name in text.replace("(", " ").split()} <= open_tables, view.name
        assert not any(word in text for word in ("sealed ", "packed", "secret", "password", ".detail")), view.name


# --- migrations -----------------------------------------------------------------------------------------------------


class Widens(migrations.Migration):
    """A column that a view reads is of another type."""

    operations = [migrations.AlterField("Machine", "os_name", models.CharField(max_length=300, blank=True))]


@pytest.mark.django_db(transaction=True)
def test_a_column_under_a_view_can_change_because_they_step_aside(db) -> None:
    making.make(connection)
    sender, widens = apps.get_app_config("analysts"), Widens("x", "ingest")
    state = ProjectState.from_apps(apps)
    try:
        if connection.vendor == "postgresql":
            with pytest.raises(DatabaseError, match="used by a view"), connection.schema_editor() as editor:
                widens.apply(state.clone(), editor)
        signals.away(sender, using="default", plan=[(widens, False)])
        assert making.there(connection) == []
        assert making.wanted(connection)
        with connection.schema_editor() as editor:
            widens.apply(state.clone(), editor)
        signals.back(sender, using="default")
        assert making.current(connection)
        making.drop(connection)
        with connection.schema_editor() as editor:
            widens.unapply(state.clone(), editor)
    finally:
        making.drop(connection, forget=True)


@pytest.mark.django_db(transaction=True)
def test_migrations_that_ran_leave_them_as_they_are_and_a_broken_one_is_made_good(db) -> None:
    making.make(connection)
    try:
        call_command("migrate", verbosity=0)
        assert making.current(connection)
        making.drop(connection)  # as if it had broken off in between
        call_command("migrate", verbosity=0)
        assert making.current(connection)
        making.drop(connection, forget=True)
        call_command("migrate", verbosity=0)
        assert not making.there(connection), "nobody wants them"
        assert not making.wanted(connection)
    finally:
        making.drop(connection, forget=True)


def test_another_version_makes_them_anew(made, monkeypatch) -> None:
    monkeypatch.setattr(making, "views", lambda: views()[:3])
    monkeypatch.setattr(making, "digest", lambda vendor: "other")
    assert not making.current(connection)
    signals.back(apps.get_app_config("analysts"), using="default")
    assert len(making.there(connection)) == 3
    monkeypatch.undo()
    signals.back(apps.get_app_config("analysts"), using="default")
    assert making.current(connection)


# --- at the console -------------------------------------------------------------------------------------------------


def run(*words: str) -> int:
    return main(["views", *words, "--lang", "en"])


def test_at_the_console(db, capsys, monkeypatch) -> None:
    monkeypatch.setattr("server.database.there", lambda data, config: True)
    monkeypatch.setattr("django.setup", lambda: None)
    assert run("grant", "analyst") == 2
    assert run("make") == 0
    capsys.readouterr()
    code = run("grant", "analyst")
    said = capsys.readouterr()
    if connection.vendor == "postgresql":
        assert code == 0
        assert "GRANT SELECT ON ALL TABLES IN SCHEMA rasoat_views TO analyst;" in said.out
        assert "PASSWORD" not in said.out
    else:
        assert (code, said.out) == (2, "")
    assert run("list") == 0
    assert "failing_since" in capsys.readouterr().out
    assert run("drop") == 0
    assert not making.wanted(connection)
