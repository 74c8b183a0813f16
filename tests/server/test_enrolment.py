"""Approval, clones, installation anew, retirement: each has its word, and nothing acknowledged is lost by any of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from collectors.facts.identity import Identity
from collectors.model import Record, digest_of
from server.assess.models import Alarm, StoredAssessment
from server.coverage import numbers
from server.enrolment import hardware, lifecycle
from server.ingest.models import Agent, EnrolmentToken, Machine, StoredSnapshot
from server.journal.models import Entry
from tests.server.people import Host, made, send


def identity(name: str, serial: str | None = "SN-1", macs: tuple[str, ...] = ("52:54:00:00:00:01",), machine_id: str = "ab" * 16) -> Record:  # fmt: skip
    told = made(
        Identity, hostname=name, os_id="debian", os_name="Debian GNU/Linux 12 (bookworm)", os_version="12", os_family="debian",
        machine_id=machine_id, serial=serial, macs=macs,
    )  # fmt: skip
    return Record(fact="identity", outcome="seen", data=told.model_dump(mode="json"))


def report(client: Client, host: Host, told: Record, age: timedelta = timedelta()):
    seen = host.snapshot(age=age)
    records = (told, *(record for record in seen.records if record.fact != "identity"))
    return send(client, host.seal(seen.model_copy(update={"records": records, "digest": digest_of(records)})))


def alarms(machine: Machine | None = None) -> set[str]:
    found = Alarm.objects.filter(closed_at=None)
    return set((found.filter(machine=machine) if machine else found).values_list("kind", flat=True))


def enrolled(client: Client, tree, name: str, unit: str = "north", **terms) -> Host:
    host = Host(name=name)
    _token, text = EnrolmentToken.issue(tree[unit], 1, 1, "test", **terms)
    assert host.enrol(client, text).status_code == 201
    return host


# --- approval -----------------------------------------------------------------------------------------------------


def test_who_waits_loses_nothing_and_gives_nothing(client, tree) -> None:
    host = enrolled(client, tree, "moi", approval=True)
    blob = host.seal(host.snapshot())
    answer = send(client, blob)
    assert (answer.status_code, answer.json()["error"]) == (503, "awaiting-approval"), "a 4xx would make it throw its report away"
    path = "/api/v1/agents/me/work"
    assert client.get(path, headers={"Authorization": host.authorization(path)}).status_code == 503
    assert StoredSnapshot.objects.count() == 0
    lifecycle.approve(Agent.objects.get(), "người duyệt")
    assert send(client, blob).status_code == 201
    with pytest.raises(lifecycle.Impossible):
        lifecycle.refuse(Agent.objects.get(), "người khác")
    assert Agent.objects.get().revoked_at is None


def test_who_is_turned_away_is_gone(client, tree) -> None:
    host = enrolled(client, tree, "la", approval=True)
    lifecycle.refuse(Agent.objects.get(), "người duyệt")
    assert send(client, host.seal(host.snapshot())).status_code == 401
    assert numbers.branches(None, None, timezone.now())[0].expected == 0


def test_the_queue_is_for_those_who_may_approve(client, tree, person) -> None:
    enrolled(client, tree, "moi", approval=True)
    agent = Agent.objects.get()

    def on(user) -> Client:
        browser = Client()
        browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return browser

    viewer, elsewhere, approver = on(person("xem", "north")), on(person("khác", "south", "approver")), on(person("duyệt", "north", "approver"))  # fmt: skip
    for stranger in (viewer, elsewhere):
        assert "moi" not in stranger.get("/enrolment/").content.decode()
        assert stranger.post(f"/enrolment/{agent.pk}/approve/").status_code == 404
    assert "moi" in approver.get("/enrolment/").content.decode()
    assert approver.post(f"/enrolment/{agent.pk}/approve/").status_code == 302
    assert not Agent.objects.get().waiting
    assert Entry.objects.filter(action="agent.approved", actor="duyệt").exists()
    assert approver.post(f"/enrolment/{agent.pk}/approve/").status_code == 409


# --- installed anew -----------------------------------------------------------------------------------------------


def test_a_token_that_replaces_a_machine_keeps_its_history(client, tree) -> None:
    before = enrolled(client, tree, "srv-1")
    assert report(client, before, identity("srv-1"), timedelta(minutes=1)).status_code == 201
    machine = Machine.objects.get()
    after = enrolled(client, tree, "srv-1b", replaces=machine)
    assert report(client, after, identity("srv-1b", machine_id="cd" * 16)).status_code == 201
    machine.refresh_from_db()
    assert Machine.objects.count() == 1
    assert machine.snapshots.count() == 2
    assert (machine.name, machine.agent_id, machine.latest.agent_id) == ("srv-1b", after.agent, after.agent)
    assert report(client, before, identity("srv-1")).status_code == 401, "the earlier key is of no use"
    assert alarms() == set()


def test_a_second_enrolment_of_the_same_hardware_is_shown_and_united(client, tree, as_admin) -> None:
    before, after = enrolled(client, tree, "pc-1"), enrolled(client, tree, "pc-moi", "south")
    report(client, before, identity("pc-1"), timedelta(minutes=1))
    old = Machine.objects.get(name="pc-1")
    report(client, after, identity("pc-moi", machine_id="cd" * 16))
    new = Machine.objects.get(name="pc-moi")
    assert alarms(new) == {"installed-anew"}
    page = as_admin.get(f"/machines/{new.pk}/?tab=alarms").content.decode()
    assert f"/machines/{old.pk}/" in page
    assert "pc-1" not in page, "whoever sees this unit may not see that one"
    assert as_admin.post(f"/machines/{new.pk}/unite/", {"with": old.pk}).status_code == 302
    assert list(Machine.objects.values_list("pk", flat=True)) == [old.pk]
    old.refresh_from_db()
    assert (old.agent_id, old.snapshots.count(), old.latest.agent_id, old.name) == (after.agent, 2, after.agent, "pc-moi")
    assert StoredAssessment.objects.filter(machine=old).count() == 2
    assert alarms() == set()
    assert report(client, after, identity("pc-moi", machine_id="cd" * 16)).status_code == 201
    assert report(client, before, identity("pc-1")).status_code == 401


def test_what_cannot_be_united(client, tree, as_admin) -> None:
    one = enrolled(client, tree, "pc-1")
    report(client, one, identity("pc-1"))
    enrolled(client, tree, "pc-2")
    old, new = Machine.objects.get(name="pc-1"), Machine.objects.get(name="pc-2")
    for first, second, code in ((new, old, "never-reported"), (old, old, "one-machine")):
        with pytest.raises(lifecycle.Impossible, match=code):
            lifecycle.unite(first, second, "test")
    assert as_admin.post(f"/machines/{new.pk}/unite/", {"with": old.pk}).status_code == 409
    assert as_admin.post(f"/machines/{new.pk}/unite/", {"with": "x"}).status_code == 404
    assert Machine.objects.count() == 2


# --- copies -------------------------------------------------------------------------------------------------------


def test_a_cloned_disk_is_told_from_an_installation_anew(client, tree) -> None:
    for number in (1, 2):
        host = enrolled(client, tree, f"vm-{number}")
        report(client, host, identity(f"vm-{number}", serial=f"SN-{number}", macs=(f"52:54:00:00:00:0{number}",)))
    assert alarms(Machine.objects.get(name="vm-2")) == {"same-id"}
    assert alarms(Machine.objects.get(name="vm-1")) == set()


def test_one_key_on_two_machines_is_seen_when_the_first_reports_again(client, tree) -> None:
    host = enrolled(client, tree, "vm")
    one, other = identity("vm", "SN-1"), identity("vm", "SN-2", ("52:54:00:00:00:02",))
    for age, told, expected in (
        (3, one, set()),
        (2, other, {"hardware-changed"}),
        (1, one, {"hardware-changed", "two-machines"}),
    ):
        assert report(client, host, told, timedelta(minutes=age)).status_code == 201, "facts are kept whatever they are of"
        assert alarms() == expected


def test_a_new_network_card_or_a_dock_is_no_other_machine(client, tree) -> None:
    host = enrolled(client, tree, "laptop")
    report(client, host, identity("laptop", None, ("52:54:00:00:00:01",)), timedelta(minutes=3))
    report(client, host, identity("laptop", None, ("52:54:00:00:00:01", "52:54:00:00:00:99")), timedelta(minutes=2))
    report(client, host, identity("laptop", "SN-1", ("52:54:00:00:00:77",)), timedelta(minutes=1))
    assert "two-machines" not in alarms()
    report(client, host, identity("laptop", "SN-1", ("52:54:00:00:00:88",)))
    assert Alarm.objects.filter(kind="hardware-changed").count() <= 1, "the serial number decides where both say one"


@pytest.mark.parametrize(
    "filler", ["To Be Filled By O.E.M.", "Default string", "0", "System Serial Number", "None", "", "0000000000", "........"]
)
def test_a_makers_filler_makes_no_two_machines_one(client, tree, filler: str) -> None:
    for number in (1, 2):
        host = enrolled(client, tree, f"pc-{number}")
        report(
            client, host, identity(f"pc-{number}", filler or None, (f"52:54:00:00:00:0{number}",), machine_id=f"{number}" * 32)
        )
    assert alarms() == set()
    assert set(Machine.objects.values_list("serial", flat=True)) == {""}


def test_serial_numbers_of_makers_are_kept() -> None:
    for real in ("CZC1234XYZ", "5CG0123ABC", "VMware-56 4d 1f", "PF0ABCDE", "1234567890A"):
        assert hardware.serial_of(made(Identity, hostname="x", os_id="x", os_name="x", os_family="debian", serial=real)) == real


# --- out of service -----------------------------------------------------------------------------------------------


def test_a_retired_machine_is_expected_no_more_and_stays_in_the_books(client, tree, as_admin) -> None:
    host = enrolled(client, tree, "pc-cu")
    report(client, host, identity("pc-cu"))
    machine = Machine.objects.get()
    assert as_admin.post(f"/machines/{machine.pk}/retire/", {"why": "thanh lý, biên bản 12/BB"}).status_code == 302
    assert report(client, host, identity("pc-cu")).status_code == 401
    assert numbers.branches(None, None, timezone.now())[0].expected == 0
    assert "pc-cu" not in as_admin.get("/machines/").content.decode()
    assert "pc-cu" in as_admin.get("/machines/?state=retired").content.decode()
    page = as_admin.get(f"/machines/{machine.pk}/?tab=alarms").content.decode()
    assert "thanh lý, biên bản 12/BB" in page
    assert machine.snapshots.count() == 1
    as_admin.post(f"/machines/{machine.pk}/retire/", {"back": "1"})
    assert numbers.branches(None, None, timezone.now())[0].expected == 1
    again = enrolled(client, tree, "pc-cu", replaces=machine)
    assert report(client, again, identity("pc-cu")).status_code == 201
    assert machine.snapshots.count() == 2


def test_what_is_retired_is_nobodys_double(client, tree) -> None:
    before = enrolled(client, tree, "pc-1")
    report(client, before, identity("pc-1"))
    lifecycle.retire(Machine.objects.get(), "hỏng", "test")
    after = enrolled(client, tree, "pc-2")
    report(client, after, identity("pc-2", machine_id="cd" * 16))
    assert alarms() == set()
