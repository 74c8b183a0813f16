"""Numbers for monitoring: read by Prometheus' own parser, true, cheap, and not for everybody."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from server.assess import judge
from server.assess.models import StoredAssessment
from server.background.models import Job
from server.findings.models import Change, Head
from server.ingest.models import Machine, Refusal
from server.journal import models as journal
from server.programs import figures
from server.programs.metrics import lines
from server.relays.models import Relay
from tests.server.newest import repeat
from tests.server.people import send
from tests.server.test_programs import key_of

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


def read(client: Client, **extra) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Name -> labels -> value, as Prometheus understands the answer."""
    cache.clear()  # what is kept for a minute
    answer = client.get("/metrics", **extra)
    assert answer.status_code == 200, answer.content
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        assert family.documentation, family.name
        assert family.type in ("gauge", "counter"), family.name
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {}), f"{sample.name} twice"
            found[sample.name][labels] = sample.value
    return found


def plain(numbers, name: str) -> float:
    return numbers[name][()]


@pytest.fixture
def reported(client, another) -> None:
    for name in ("a", "b", "c"):
        host = another(name, unit="south")
        if name != "c":
            assert send(client, host.seal(host.snapshot())).status_code == 201


def test_names_are_as_prometheus_wants_them(client, reported) -> None:
    for name, samples in read(client).items():
        assert re.fullmatch(r"rasoat_[a-z_]+", name)
        assert samples or name
        assert not name.endswith(("_count", "_sum", "_bucket")), "kept for histograms"
    kinds = {family.name: family.kind for family in figures.families()}
    assert {name for name, kind in kinds.items() if kind == "counter"} == {name for name in kinds if name.endswith("_total")}


def test_machines_in_service_are_counted_and_no_others(client, reported) -> None:
    numbers = read(client)
    assert [plain(numbers, f"rasoat_machines{end}") for end in ("", "_reported", "_retired", "_unjudged", "_silent")] == [
        3,
        2,
        0,
        0,
        0,
    ]
    assert numbers["rasoat_verdicts"][(("verdict", "fail"),)] == 2
    machine = Machine.objects.get(name="a")
    judge.raise_alarm(machine, "forged", target="x")
    assert read(client)["rasoat_alarms_open"][(("kind", "forged"),)] == 1
    Head.objects.filter(machine=machine).update(at=timezone.now() - timedelta(days=30))
    StoredAssessment.objects.filter(machine__name="b").delete()
    repeat()
    numbers = read(client)
    assert plain(numbers, "rasoat_machines_silent") == 1
    assert plain(numbers, "rasoat_machines_unjudged") == 1
    assert 0 < plain(numbers, "rasoat_oldest_unjudged_seconds") < 60
    Machine.objects.update(retired_at=timezone.now())
    numbers = read(client)
    assert [plain(numbers, f"rasoat_machines{end}") for end in ("", "_reported", "_retired", "_unjudged", "_silent")] == [
        0,
        0,
        3,
        0,
        0,
    ]
    assert numbers["rasoat_alarms_open"][(("kind", "forged"),)] == 0


def test_what_waits_and_what_failed(client, reported, tree) -> None:
    now = timezone.now()
    Job.objects.all().delete()
    Job.objects.create(name="x", asked_by="x", asked_at=now - timedelta(minutes=5))
    Job.objects.create(name="x", asked_by="x", asked_at=now, due_at=now + timedelta(days=1))
    Job.objects.create(name="x", asked_by="x", state=Job.FAILED, finished_at=now - timedelta(hours=1))
    Job.objects.create(name="x", asked_by="x", state=Job.FAILED, finished_at=now - timedelta(days=3))
    numbers = read(client)
    assert numbers["rasoat_jobs"][(("state", "waiting"),)] == 2
    assert 300 <= plain(numbers, "rasoat_oldest_job_waiting_seconds") < 360, "what is not due yet does not wait"
    assert plain(numbers, "rasoat_jobs_failed_last_day") == 1
    assert plain(numbers, "rasoat_jobs_unattended") == 1
    assert plain(numbers, "rasoat_tallies_waiting") == Change.objects.count() > 0
    assert plain(numbers, "rasoat_disk_free_bytes") > 0
    assert plain(numbers, "rasoat_database_size_bytes") > 10_000
    assert "rasoat_last_backup_timestamp_seconds" not in numbers, "none was made"
    journal.write("server.backup", "console")
    assert plain(read(client), "rasoat_last_backup_timestamp_seconds") == pytest.approx(now.timestamp(), abs=60)


def test_refusals_by_reason_and_relays_by_name(client, reported, tree) -> None:
    Refusal.objects.create(address="10.0.0.1", code="forged")
    Refusal.objects.create(address="10.0.0.1", code="forged")
    Refusal.objects.create(address="10.0.0.1", code="token", at=timezone.now() - timedelta(days=2))
    relay = Relay.invite(tree["south"], 'trạm "một"\\\n', "x")[0]
    assert "rasoat_relay_waiting_snapshots" not in read(client), "it has not come yet"
    hour = timezone.now() - timedelta(hours=1)
    Relay.objects.filter(pk=relay.pk).update(enrolled_at=hour, contact_at=hour, report={"waiting": 7, "oldest": hour.timestamp()})
    numbers = read(client)
    assert numbers["rasoat_refused_last_day_by_reason"] == {(("reason", "forged"),): 2}
    labels = (("name", relay.name), ("relay", relay.pk))
    assert numbers["rasoat_relay_waiting_snapshots"] == {labels: 7}
    assert numbers["rasoat_relay_silent_seconds"][labels] == pytest.approx(3600, abs=60)
    assert numbers["rasoat_relay_oldest_seconds"][labels] == pytest.approx(3600, abs=60)


def test_a_relay_that_has_not_said_what_waits_there_has_no_number(client, tree, admin) -> None:
    relay = Relay.invite(tree["south"], "trạm", "x")[0]
    hour = timezone.now() - timedelta(hours=1)
    labels = (("name", relay.name), ("relay", relay.pk))
    key = key_of(admin, tree["root"])

    def told(**report: float) -> tuple[float | None, float | None, int | None]:
        Relay.objects.filter(pk=relay.pk).update(enrolled_at=hour, report=report)
        numbers = read(client)
        assert numbers["rasoat_relay_silent_seconds"][labels] >= 3600
        found = client.get("/api/v1/relays", headers={"Authorization": f"Bearer {key}"}).json()[0]
        first, second = (numbers.get(f"rasoat_relay_{name}", {}).get(labels) for name in ("waiting_snapshots", "oldest_seconds"))
        return first, second, found["waiting"]

    assert told() == (None, None, None)
    assert told(waiting=0) == (0, 0, 0)
    assert told(waiting=3) == (3, None, 3), "since when was not understood"


def test_what_is_told_does_not_grow_with_machines(client, reported, tree) -> None:
    cache.clear()
    with CaptureQueriesContext(connection) as few:
        read(client)
    agent = Machine.objects.filter(own=True)[0].agent
    Machine.objects.bulk_create(
        Machine(unit=tree["south"], agent=agent, own=False, name=f"m{n}", kind="server") for n in range(300)
    )
    with CaptureQueriesContext(connection) as many:
        read(client)
    assert len(few) == len(many)
    text = "\n".join(query["sql"] for query in many.captured_queries)
    for table in ("findings_standing", "findings_transition", "findings_daily", 'assess_storedassessment" WHERE', "sealed"):
        assert table not in text, "grows with reports"
    assert 'COUNT(*) AS "__count" FROM "ingest_storedsnapshot"' not in text


def test_who_may_ask(client, reported, tree, admin, person, monkeypatch) -> None:
    away = {"REMOTE_ADDR": "10.1.1.1"}

    def status(key: str = "", **extra: str) -> int:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return client.get("/metrics", headers=headers, **(away | extra)).status_code

    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "10.1.1.1"}).status_code == 403, "through the proxy"
    assert client.post("/metrics").status_code == 405
    assert status() == 403
    assert status("wrong") == 403
    whole = key_of(admin, tree["root"], ["metrics"])
    assert status(whole) == 200
    assert status(key_of(admin, tree["root"], ["assets"])) == 403, "not for that"
    assert status(key_of(admin, tree["north"], ["metrics"])) == 403, "numbers of others as well"
    assert status(key_of(person("bắc", unit="north"), tree["root"], ["metrics"])) == 403, "its owner sees the north only"
    assert status("rsk1.00000000.0") == 401
    assert status("rsk1.00000000.0", REMOTE_ADDR="127.0.0.1") == 401
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"metrics_token": "bi-mat"}))
    assert status("bi-mat") == 200
    assert status("bi-mat2") == 403


def test_an_outlet_that_falls_behind_is_seen(client, tree, reported) -> None:
    from server.outlets.models import Order, Outlet, Turned

    Turned.objects.all().delete()

    since = timezone.now() - timedelta(minutes=10)
    behind = Outlet.objects.create(
        unit=tree["root"], name="x", kind="syslog", address="tls://host:6514", made_by="x", verdicts=True, failing_since=since
    )
    Outlet.objects.create(unit=tree["root"], name="y", kind="syslog", address="tls://host:6514", made_by="x", paused_at=since)
    alarms, verdicts = (
        Outlet.objects.create(unit=tree["root"], name=f"z-{tells}", kind="mail", address="smtp://host:25", made_by="x", **tells)
        for tells in ({"alarms": True}, {"alarms": False, "verdicts": True})
    )
    journal.write("server.backup", "console")
    entry = journal.Entry.objects.latest("pk").pk
    Order.objects.update_or_create(pk=1, defaults={"last": 5})
    machine = Machine.objects.first()
    for number in (4, 5, None, None):
        Turned.objects.create(machine=machine, at=since, written_at=since, cause=0, packed=b"", number=number)
    labels = (("kind", "syslog"), ("outlet", str(behind.pk)))
    numbers = read(client)
    assert numbers["rasoat_outlet_behind"] == {
        labels: entry + 7,
        (("kind", "mail"), ("outlet", str(alarms.pk))): entry,
        (("kind", "mail"), ("outlet", str(verdicts.pk))): 7,
    }, "what has no number yet waits too, and what an outlet does not tell waits for nobody"
    assert numbers["rasoat_outlet_failing_seconds"][labels] == pytest.approx(600, abs=60)


def test_rooms_add_their_own() -> None:
    family = figures.Family("rasoat_x", "gauge", "a\\b\nc", [({"l": 'q"\\\n'}, 1.5), ({"l": "b"}, 2.0)])
    parsed = list(text_string_to_metric_families("\n".join(lines(family)) + "\n"))
    assert [(sample.labels["l"], sample.value) for sample in parsed[0].samples] == [('q"\\\n', 1.5), ("b", 2.0)]
    assert parsed[0].documentation == "a\\b\nc"
