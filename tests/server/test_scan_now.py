"""Asking a station for a scan: who may, what the station is told, and when it counts as answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from collectors.model import Kind, Platform, Target
from server.ingest.models import Machine
from server.journal.models import Entry
from server.stations.models import ScanRequest
from tests.server.people import Host, send

pytestmark = pytest.mark.django_db
WORK = "/api/v1/agents/me/work"


def looked(client: Client, host: Host, name: str = "sw1", age: timedelta = timedelta()) -> Machine:
    seen = host.snapshot(age).model_copy(
        update={"target": Target(name=name, kind=Kind.SWITCH, platform=Platform.CISCO_IOS, via="ssh", address="192.0.2.1")}
    )
    assert send(client, host.seal(seen)).status_code == 201
    return Machine.objects.get(agent_id=host.agent, own=False, name=name)


def jobs(client: Client, host: Host) -> list[dict]:
    answer = client.get(WORK, headers={"Authorization": host.authorization(WORK)})
    assert answer.status_code == 200
    return answer.json()["jobs"]


def test_a_name_is_all_the_station_is_told_and_a_newer_snapshot_answers(
    client: Client, host: Host, as_admin: Client, another
) -> None:
    machine, other = looked(client, host), another("another")
    assert jobs(client, host) == []
    assert "Rà soát ngay" in as_admin.get(f"/machines/{machine.pk}/").content.decode()
    for _ in range(3):
        assert as_admin.post(f"/machines/{machine.pk}/scan/").status_code == 302
    request = ScanRequest.objects.get()
    assert jobs(client, host) == [{"id": request.pk, "scan": "sw1"}]
    assert jobs(client, other) == [], "of another agent"
    page = as_admin.get(f"/machines/{machine.pk}/").content.decode()
    assert "đã yêu cầu rà soát" in page
    assert "Rà soát ngay" not in page
    looked(client, host, age=timedelta(minutes=5))
    assert len(jobs(client, host)) == 1, "made before it was asked for"
    ScanRequest.objects.update(asked_at=datetime.now(UTC) - timedelta(minutes=1))
    looked(client, host)
    assert jobs(client, host) == []
    assert Entry.objects.filter(action="scan.asked").count() == 1


def test_only_administrators_of_the_unit_may_ask_and_only_of_a_station(
    client: Client, host: Host, person, as_admin: Client
) -> None:
    machine = looked(client, host)
    own = Machine.objects.get(agent_id=host.agent, own=True)
    assert as_admin.post(f"/machines/{own.pk}/scan/").status_code == 404
    assert "Rà soát ngay" not in as_admin.get(f"/machines/{own.pk}/").content.decode()
    assert as_admin.get(f"/machines/{machine.pk}/scan/").status_code == 405
    for name, unit, role in (("xem", "root", "viewer"), ("nam", "south", "admin")):
        stranger = Client()
        stranger.force_login(person(name, unit, role), backend="django.contrib.auth.backends.ModelBackend")
        assert stranger.post(f"/machines/{machine.pk}/scan/").status_code == 404
    assert not ScanRequest.objects.exists()


def test_what_nobody_answered_in_a_day_makes_way(client: Client, host: Host, as_admin: Client) -> None:
    machine = looked(client, host)
    as_admin.post(f"/machines/{machine.pk}/scan/")
    ScanRequest.objects.update(asked_at=datetime.now(UTC) - timedelta(days=2))
    assert jobs(client, host) == []
    assert "Rà soát ngay" in as_admin.get(f"/machines/{machine.pk}/").content.decode()
    as_admin.post(f"/machines/{machine.pk}/scan/")
    assert len(jobs(client, host)) == 1
