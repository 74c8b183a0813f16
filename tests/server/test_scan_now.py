"""Asking a station for a scan: who may, what the station is told, and when it counts as answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from collectors.model import Kind, Platform, Target
from server.ingest.models import Machine
from server.journal.models import Entry
from server.schedules.models import Schedule
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


def test_a_machine_with_an_agent_is_asked_itself(client: Client, host: Host, as_admin: Client) -> None:
    own = Machine.objects.get(agent_id=host.agent, own=True)
    assert "Rà soát ngay" in as_admin.get(f"/machines/{own.pk}/").content.decode()
    assert as_admin.post(f"/machines/{own.pk}/scan/").status_code == 302
    assert jobs(client, host) == [{"id": ScanRequest.objects.get().pk, "itself": True}]
    assert "khi đến lượt" in as_admin.get(f"/machines/{own.pk}/").content.decode()
    ScanRequest.objects.update(asked_at=datetime.now(UTC) - timedelta(minutes=1))
    assert send(client, host.seal(host.snapshot())).status_code == 201
    assert jobs(client, host) == []


@pytest.mark.on_both
def test_a_site_is_handed_out_no_more_than_its_rate_a_minute(client: Client, another, tree, as_admin: Client) -> None:
    Schedule.objects.create(unit=tree["root"], scans_per_minute=2)
    north, south = [another(f"n{number}", "north") for number in range(5)], another("s", "south")
    assert as_admin.post(f"/units/{tree['root'].pk}/scan-all/").status_code == 302
    assert ScanRequest.objects.filter(told_at=None).count() == 6
    told = [host.name for host in north if jobs(client, host)]
    assert told == ["n0", "n1"]
    assert jobs(client, south), "another site has its own rate"
    assert len(jobs(client, north[0])) == 1, "and stays told until it came"
    assert jobs(client, north[4]) == []
    ScanRequest.objects.exclude(told_at=None).update(told_at=datetime.now(UTC) - timedelta(minutes=1))
    assert [host.name for host in north if jobs(client, host)] == ["n0", "n1", "n2", "n3"]
    assert as_admin.post(f"/units/{tree['root'].pk}/scan-all/").status_code == 302
    assert ScanRequest.objects.count() == 6, "nobody is asked twice"
    assert [entry.detail["machines"] for entry in Entry.objects.filter(action="scan.asked-all").order_by("pk")] == [6, 0]


def test_what_would_take_more_than_a_day_and_what_is_frozen_is_refused(
    client: Client, another, tree, as_admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    another("a", "north")
    monkeypatch.setattr("server.stations.asking.GOOD_FOR", timedelta(seconds=30))
    refused = as_admin.post(f"/units/{tree['north'].pk}/scan-all/")
    assert refused.status_code == 409
    assert "quá một ngày" in refused.content.decode()
    monkeypatch.undo()
    today = timezone.localdate()
    Schedule.objects.create(unit=tree["root"], freezes=[[str(today - timedelta(days=1)), str(today + timedelta(days=1))]])
    refused = as_admin.post(f"/units/{tree['north'].pk}/scan-all/")
    assert refused.status_code == 409
    assert "tạm dừng" in refused.content.decode()
    assert not ScanRequest.objects.exists()


def test_in_a_freeze_nothing_is_handed_out(client: Client, host: Host, tree, as_admin: Client) -> None:
    machine = looked(client, host)
    as_admin.post(f"/machines/{machine.pk}/scan/")
    today = timezone.localdate()
    Schedule.objects.create(unit=tree["root"], freezes=[[str(today - timedelta(days=1)), str(today + timedelta(days=1))]])
    assert jobs(client, host) == []
    Schedule.objects.all().delete()
    assert len(jobs(client, host)) == 1


def test_only_those_who_may_scan_in_the_unit_may_ask(client: Client, host: Host, person, as_admin: Client) -> None:
    machine = looked(client, host)
    assert as_admin.get(f"/machines/{machine.pk}/scan/").status_code == 405
    for name, unit, role in (("xem", "root", "viewer"), ("nam", "south", "admin")):
        stranger = Client()
        stranger.force_login(person(name, unit, role), backend="django.contrib.auth.backends.ModelBackend")
        assert stranger.post(f"/machines/{machine.pk}/scan/").status_code == 404
        assert stranger.post(f"/units/{machine.unit_id}/scan-all/").status_code == 404
    assert not ScanRequest.objects.exists()


def test_what_nobody_answered_in_a_day_makes_way(client: Client, host: Host, as_admin: Client) -> None:
    machine = looked(client, host)
    as_admin.post(f"/machines/{machine.pk}/scan/")
    ScanRequest.objects.update(asked_at=datetime.now(UTC) - timedelta(days=2))
    assert jobs(client, host) == []
    assert "Rà soát ngay" in as_admin.get(f"/machines/{machine.pk}/").content.decode()
    as_admin.post(f"/machines/{machine.pk}/scan/")
    assert len(jobs(client, host)) == 1
