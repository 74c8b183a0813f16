"""PostgreSQL in place of SQLite: by one setting, with the same answers, also when many come at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import Client

from collectors.model import Kind, Platform, Target
from server.assess import judge
from server.assess.models import Alarm
from server.config import Config, ConfigError, Data
from server.database import databases
from server.ingest import admission
from server.ingest.models import Agent, Machine, StoredSnapshot
from server.journal import models as journal
from tests.server.people import Host, made, send, source

MANY = 8


def at_once(act: Callable[[int], Any], times: int = MANY) -> list[Any]:
    """What each call gave; every one in a thread with a connection of its own."""

    def own(number: int) -> Any:
        try:
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(own, range(times)))


@pytest.mark.on_both
@pytest.mark.django_db
def test_every_model_has_its_migration(database: str) -> None:
    assert connection.vendor == database
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    call_command("migrate", check_unapplied=True, verbosity=0)


@pytest.fixture
def wide_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once into the database: it is the one under test, not the gate before it."""
    monkeypatch.setattr(admission, "gate", admission.Gate(working=MANY, inside=MANY))
    monkeypatch.setattr(admission, "_enrolling", threading.BoundedSemaphore(MANY))


# ── at once ──────────────────────────────────────────────────────────────────────────────────────────────────────────
# SQLite lets one transaction in at a time from its first statement; PostgreSQL lets them read side by side.


@pytest.mark.on_postgresql
@pytest.mark.django_db(transaction=True)
def test_the_journal_stays_one_chain() -> None:
    def write(number: int) -> None:
        with transaction.atomic():
            journal.write("user.log-on", f"person-{number}", number=number)

    at_once(write, 60)
    assert journal.Entry.objects.count() == 60
    assert journal.broken_at() is None


@pytest.mark.on_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("wide_gate")
def test_one_snapshot_from_many_hands_is_stored_once(host: Host) -> None:
    blob = host.seal(host.snapshot())
    statuses = Counter(at_once(lambda _: send(Client(), blob).status_code))
    assert statuses == {201: 1, 200: MANY - 1}
    assert StoredSnapshot.objects.count() == 1


@pytest.mark.on_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("wide_gate")
def test_the_newest_of_many_is_the_latest(host: Host) -> None:
    snapshots = [host.snapshot(age=timedelta(minutes=minutes)) for minutes in (3, 1, 2, 0, 5, 4, 7, 6)]
    blobs = [host.seal(snapshot) for snapshot in snapshots]
    assert at_once(lambda number: send(Client(), blobs[number]).status_code) == [201] * MANY
    assert Machine.objects.get().latest_id == snapshots[3].id


@pytest.mark.on_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("wide_gate")
def test_one_key_enrols_once_and_one_use_is_one_machine(token: Callable[..., str]) -> None:
    text, host = token(uses=3), Host()
    statuses = at_once(lambda _: host.enrol(Client(), text).status_code)
    assert set(statuses) <= {201, 503}, "503: it crossed another one, and comes again"
    assert 201 in statuses
    assert Agent.objects.count() == 1
    others = [Host(name=f"m{number}") for number in range(MANY)]
    statuses = at_once(lambda number: others[number].enrol(Client(), text).status_code)
    assert Counter(statuses) == {201: 2, 403: MANY - 2}


@pytest.mark.on_postgresql
@pytest.mark.django_db(transaction=True)
def test_an_alarm_is_raised_once_and_counted_each_time(host: Host) -> None:
    machine = Machine.objects.get()
    at_once(lambda _: judge.raise_alarm(machine, "forged"), 20)
    assert [(alarm.kind, alarm.times) for alarm in Alarm.objects.all()] == [("forged", 20)]
    assert journal.Entry.objects.filter(action="alarm.raised").count() == 1


# ── what machines send ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.on_both
@pytest.mark.django_db
def test_a_character_no_text_may_hold_and_names_without_end(client: Client, host: Host, database: str) -> None:
    """Padding with NUL is real (serial numbers of devices); what came is kept as it came."""
    from collectors.facts.configuration import Configuration
    from collectors.facts.identity import Identity
    from collectors.model import Record

    identity = made(
        Identity,
        os_id="ios",
        os_family="network",
        hostname="sw\x00" + "x" * 300,
        os_name="IOS\x00" * 90,
        serial="FOC1\x00\x00",
        machine_id="ab" * 50,
        macs=(),
        addresses=(),
    )
    text = "hostname sw\n"
    configuration = made(Configuration, text=text, lines=1, digest="0" * 64, changed_by="a\x00b" * 100)
    records = [
        Record(fact=fact.NAME, version=fact.VERSION, outcome="seen", data=fact.model_dump(mode="json"), sources=(source("x"),))
        for fact in (identity, configuration)
    ]
    target = Target(name="sw\x00" + "y" * 250, kind=Kind.SWITCH, platform=Platform.CISCO_IOS, via="ssh")
    snapshot = host.snapshot(extra=tuple(records)).model_copy(update={"target": target, "collector": "\x00" * 80})
    judged = host.judged(snapshot, baseline="\x00" * 9, verdicts="\x00")
    blob = host.seal(snapshot, judged)
    assert send(client, blob).status_code == 201
    stored = StoredSnapshot.objects.get(pk=snapshot.id)
    assert bytes(stored.sealed) == blob
    assert stored.machine.name == snapshot.target.name.replace("\x00", "\x00" if database == "sqlite" else "\ufffd")
    again = host.seal(snapshot.model_copy(update={"id": host.snapshot().id}), judged)
    assert send(client, again).status_code == 201
    assert stored.machine.snapshots.count() == 2, "and the same target is found again"


@pytest.mark.on_both
@pytest.mark.django_db
def test_the_journals_chain_is_of_what_was_stored() -> None:
    journal.write("agent.refused", "x\x00y", subject="\x00", token="a\x00", hours=24.0, nested={"b\x00": [None, 1e-7, "ữ"]})
    journal.write("agent.refused", "after it")
    assert journal.broken_at() is None


@pytest.mark.on_both
def test_a_search_nobody_means_well(as_admin: Client) -> None:
    for query in ("?q=%00", "?unit=%00", "?unit=99999999999999999999", "?page=%00"):
        assert as_admin.get("/machines/" + query).status_code in (200, 400, 404), query


# ── the setting ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return Data(tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('database = "mysql://u@h/n"', "must begin with postgresql://"),
        ('database = "postgresql://u@h:99999/n"', "port"),
        ('database = "postgresql://u@h:0x1/n"', "port"),
        ('database = "postgresql://u@h"', "names no database"),
        ('database = "postgresql://u@h/n?sslmod=require"', "not an address"),
        ('database = "postgresql://u:hunter2secret@h/n"', "database_password_file"),
        ("database = 5432", "string"),
    ],
)
def test_a_wrong_address_is_named_and_no_password_repeated(data: Data, line: str, said: str) -> None:
    data.settings.write_text(line)
    with pytest.raises(ConfigError) as refused:
        data.config()
    assert str(data.settings) in str(refused.value)
    assert "database" in str(refused.value)
    assert said in str(refused.value)
    assert "hunter2secret" not in str(refused.value)


def test_addresses_of_every_kind(data: Data) -> None:
    def made_of(url: str, **more: str) -> dict[str, Any]:
        return databases(data, Config(database=url, **more))["default"]

    tcp = made_of("postgresql://rasoat@db.example.vn:5433/thuthap?sslmode=verify-full")
    assert (tcp["USER"], tcp["HOST"], tcp["PORT"], tcp["NAME"]) == ("rasoat", "db.example.vn", "5433", "thuthap")
    assert tcp["OPTIONS"]["sslmode"] == "verify-full"
    socket = made_of("postgresql:///thuthap?host=/var/run/postgresql")
    assert (socket["HOST"], socket["USER"]) == ("/var/run/postgresql", "")
    assert made_of("postgresql:///?service=rasoat")["OPTIONS"]["service"] == "rasoat"
    own = made_of("postgresql://u@h/n?options=-c%20statement_timeout%3D5s")
    assert own["OPTIONS"]["options"].endswith("-c statement_timeout=5s"), "what a site says comes last and wins"


def test_the_password_comes_from_its_file(data: Data) -> None:
    data.root.joinpath("pg").write_text("mật khẩu\n")
    config = Config(database="postgresql://u@h/n", database_password_file="pg")
    assert databases(data, config)["default"]["PASSWORD"] == "mật khẩu"
    for wrong in ("", None):
        if wrong is None:
            data.root.joinpath("pg").unlink()
        else:
            data.root.joinpath("pg").write_text(wrong)
        with pytest.raises(ConfigError, match="database_password_file"):
            databases(data, config)
