"""Between two days: what turned, came and went; and that what was not seen on a day is never drawn as equal."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from collectors.facts.software import Package, Software
from collectors.model import Record, Snapshot, digest_of
from server.differences import facts, units
from server.enrolment import lifecycle
from server.findings.codes import FAIL, PASS, UNKNOWN
from server.findings.models import Head, Rule, Transition
from server.ingest.models import Machine
from server.units import operations
from server.units.operations import By
from tests.server.people import Host, made, send
from tests.server.waivers import on

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def software(**versions: str) -> Record:
    packages = tuple(Package(name=name, version=version, arch="amd64") for name, version in versions.items())
    fact = made(Software, manager="dpkg", packages=packages, recognised=())
    return Record(fact="software", outcome="seen", data=fact.model_dump(mode="json"))


def without(snapshot: Snapshot, *names: str) -> Snapshot:
    records = tuple(one for one in snapshot.records if one.fact not in names)
    return snapshot.model_copy(update={"records": records, "digest": digest_of(records)})


def report(client: Client, host: Host, days: float, *extra: Record, left_out: tuple[str, ...] = (), **changes) -> Machine:
    snapshot = host.snapshot(age=timedelta(days=days), extra=extra, **changes)
    assert send(client, host.seal(without(snapshot, *left_out))).status_code == 201
    return Machine.objects.get(name=host.name)


def back(days: int) -> str:
    return (timezone.localdate() - days * DAY).isoformat()


@pytest.fixture
def reader(person) -> Client:
    return on(person("xem"))


def changes(before: Snapshot, after: Snapshot) -> dict[tuple[str, str, str], facts.Change]:
    return {(one.fact, one.field, one.what): one for one in facts.between(before, after).changes}


def test_packages_that_came_went_and_changed(host) -> None:
    before = host.snapshot(extra=(software(bash="5.1", curl="7.88", sudo="1.9"),))
    after = host.snapshot(extra=(software(bash="5.2", curl="7.88", nginx="1.22"),))
    found = changes(before, after)
    assert {(what, one.kind, one.before, one.after) for (_fact, _field, what), one in found.items()} == {
        ("bash amd64", "changed", "5.1", "5.2"), ("sudo amd64", "out", "1.9", ""), ("nginx amd64", "in", "", "1.22")
    }  # fmt: skip


def test_what_one_side_did_not_see_is_unknown_and_what_neither_saw_is_no_equality(host) -> None:
    before, after = host.snapshot(extra=(software(bash="5.1"),)), host.snapshot()
    one = changes(before, after)["software", "", ""]
    assert one.kind == "unknown"
    fact = made(Software, manager="dpkg", packages=None, recognised=())
    unseen = host.snapshot(extra=(Record(fact="software", outcome="seen", data=fact.model_dump(mode="json")),))
    assert changes(before, unseen)["software", "packages", ""].kind == "unknown"
    compared = facts.between(host.snapshot(), host.snapshot())
    assert compared.changes == []
    assert "clock" in compared.seen_by_neither, "denied on both days"


def partial(*users: dict[str, object], unseen: tuple[str, ...] = ()) -> Record:
    gaps = [{"field": name, "outcome": "denied", "reason": "x"} for name in unseen]
    data = {"users": list(users), "administrators": ["root"], "unseen": gaps}
    return Record(fact="accounts", outcome="seen", data=data)


def between(before: Record, after: Record) -> facts.Compared:
    def alone(record: Record) -> Snapshot:
        return Host().snapshot().model_copy(update={"records": (record,)})

    return facts.between(alone(before), alone(after))


def test_parts_that_neither_saw_are_not_the_same_on_both_days() -> None:
    one = {"name": "an", "password": None}
    found = between(partial(one, unseen=("users[].password",)), partial(one, unseen=("users[].password",)))
    assert (found.changes, found.equal, found.partly, found.unseen) == ([], 0, 1, ["accounts.users[].password"])
    assert between(partial({"name": "an"}), partial({"name": "an"})).equal == 1


def test_a_column_that_one_side_did_not_see_did_not_change() -> None:
    before, after = (
        partial({"name": "an", "shell": "sh", "password": "set"}),
        partial({"name": "an", "shell": "zsh", "password": None}),
    )
    found = between(before, after).changes
    assert [(one.kind, one.what, "sh" in one.before) for one in found] == [("changed", "an", True), ("unknown", "an", False)]


def test_a_list_that_was_cut_says_nothing_of_what_it_does_not_hold() -> None:
    whole, cut = partial({"name": "an"}, {"name": "binh"}), partial({"name": "an"}, unseen=("users[]",))
    assert [one.kind for one in between(whole, cut).changes] == ["unknown"]
    assert [one.kind for one in between(cut, whole).changes] == ["unknown"]


def test_a_machine_that_left_before_that_day_is_not_counted_in_it(client, host, admin, tree) -> None:
    machine = report(client, host, 20)
    Machine.objects.update(created_at=timezone.now() - 30 * DAY)
    lifecycle.retire(machine, "thanh lý", "x")
    Machine.objects.update(retired_at=timezone.now() - 10 * DAY)
    today = timezone.localdate()
    assert [tuple(units.known(units.machines_of(admin, tree["root"]), today - days * DAY).__dict__.values())[1:] for days in (15, 2)] == [
        (0, 1, 0), (0, 0, 0)
    ]  # fmt: skip


def test_an_order_is_no_change(host) -> None:
    assert changes(host.snapshot(extra=(software(a="1", b="2"),)), host.snapshot(extra=(software(b="2", a="1"),))) == {}


def test_a_machine_between_two_days(client, host, reader) -> None:
    report(client, host, 9, software(bash="5.1"))
    machine = report(client, host, 2, software(bash="5.2"), permit_root_login="no")
    page = reader.get(f"/machines/{machine.pk}/differences/?from={back(9)}&to={back(2)}").content.decode()
    assert "bash amd64" in page
    assert "5.1" in page
    assert "v-fail" in page.partition("Kết quả thay đổi")[2] or "v-fail" in page
    assert "không có báo cáo trong ngày" not in page
    lines = b"".join(reader.get(f"/machines/{machine.pk}/differences.csv?from={back(9)}&to={back(2)}").streaming_content).decode()
    assert "verdict,access.root,remote_access.no_root,changed,fail,pass" in lines
    assert "software.packages,bash amd64,changed,5.1,5.2" in lines


def test_a_day_without_a_report_is_said(client, host, reader) -> None:
    machine = report(client, host, 9)
    report(client, host, 2)
    page = reader.get(f"/machines/{machine.pk}/differences/?from={back(20)}&to={back(2)}").content.decode()
    assert "chưa có báo cáo nào được lưu tính đến ngày này" in page
    assert "Không có kết quả nào thay đổi" not in page
    page = reader.get(f"/machines/{machine.pk}/differences/?from={back(7)}&to={back(2)}").content.decode()
    assert "không có báo cáo trong ngày" in page
    page = reader.get(f"/machines/{machine.pk}/differences/?from={back(8)}&to={back(4)}").content.decode()
    assert "không chứng minh được là không đổi" in page, "both days rest on one report"
    assert "Không có kết quả nào thay đổi" not in page
    lines = b"".join(
        reader.get(f"/machines/{machine.pk}/differences.csv?from={back(20)}&to={back(4)}").streaming_content
    ).decode()
    assert lines.count("no-report") == 2


@pytest.mark.on_both
def test_a_unit_adds_up_what_turned_once_for_each_machine(client, another, tree, person) -> None:
    first, second = another("bac-1", "north"), another("bac-2", "north")
    Machine.objects.update(created_at=timezone.now() - 30 * DAY)
    for host in (first, second):
        report(client, host, 9)
    report(client, first, 6, permit_root_login="no")
    report(client, second, 6, permit_root_login="no")
    report(client, second, 3)
    third = another("bac-3", "north")
    report(client, third, 1)
    user = person("xem", "north")
    today = timezone.localdate()
    rules = {
        one.rule.check_id: (one.better, one.worse)
        for one in units.sums(units.machines_of(user, tree["north"]), today - 8 * DAY, today)
    }
    assert rules == {"remote_access.no_root": (1, 0)}, "back and forth is nothing; the third is new, not worse"
    assert [machine.name for machine, _how, _at in units.came(user, tree["north"], today - 8 * DAY, today)] == ["bac-3"]
    known = units.known(units.machines_of(user, tree["north"]), today - 8 * DAY)
    assert (known.reported, known.before, known.never) == (0, 2, 0)
    assert units.known(units.machines_of(user, tree["north"]), today - 20 * DAY).never == 2
    assert units.nets(person("nam", "south"), tree["north"], today - 8 * DAY, today) == []


@pytest.mark.on_both
def test_what_the_database_adds_up_is_what_the_machines_add_up_to(client, another, tree, person) -> None:
    """Turns in any order of writing, several of one moment, back and forth, some outside the span."""
    report(client, another("bac-1", "north"), 30)
    report(client, another("nam-1", "south"), 30)
    Machine.objects.update(created_at=timezone.now() - 60 * DAY)
    Head.objects.update(first_at=timezone.now() - 30 * DAY)
    rules, draw = list(Rule.objects.order_by("pk")[:3]), random.Random(11)
    today, now = timezone.localdate(), timezone.now()
    Transition.objects.all().delete()
    Transition.objects.bulk_create(
        Transition(
            machine=machine, rule=draw.choice(rules), was=draw.choice((FAIL, UNKNOWN, PASS)), now=draw.choice((FAIL, UNKNOWN, PASS)),
            cause=1, turn=draw.randrange(2), at=now - draw.randrange(12) * DAY, written_at=now, snapshot=uuid.UUID(int=draw.randrange(3)),
        )
        for machine in Machine.objects.all() for _ in range(60)
    )  # fmt: skip
    user = person("xem", "root")
    for where in ("root", "south"):
        told = Counter((one.rule, one.was, one.now) for one in units.nets(user, tree[where], today - 8 * DAY, today))
        added = units.sums(units.machines_of(user, tree[where]), today - 8 * DAY, today)
        assert told
        assert {(one.rule.pk, *turned): count for one in added for turned, count in one.turned.items()} == told
    assert units.came_count(user, tree["root"], today - 90 * DAY, today) == 2
    assert [one.name for one, _how, _at in units.came(user, tree["root"], today - 90 * DAY, today, 1)] == ["bac-1"]


def test_of_many_that_came_the_file_names_the_rest(client, another, tree, as_admin, monkeypatch) -> None:
    for number in range(3):
        report(client, another(f"bac-{number}", "north"), 1)
    monkeypatch.setattr("server.differences.views.NAMED", 2)
    page = as_admin.get(f"/units/{tree['north'].pk}/differences/?from={back(9)}&to={back(0)}").content.decode()
    assert "bac-1" in page
    assert "bac-2" not in page
    assert "Các máy còn lại có trong tệp" in page
    assert "<dd>3</dd>" in page
    lines = b"".join(
        as_admin.get(f"/units/{tree['north'].pk}/differences.csv?from={back(9)}&to={back(0)}").streaming_content
    ).decode()
    assert lines.count(",came,") == 3


def test_machines_that_went_and_those_moved_away_without_their_names(client, another, tree, person) -> None:
    hosts = [another(f"bac-{n}", "north") for n in range(2)]
    gone, moved = (report(client, host, 9) for host in hosts)
    Machine.objects.update(created_at=timezone.now() - 30 * DAY)
    lifecycle.retire(gone, "thanh lý", "x")
    operations.move_machines([Machine.objects.get(pk=moved.pk)], tree["south"], By("x"), timezone.localdate())
    client = on(person("bắc", "north"))
    page = client.get(f"/units/{tree['north'].pk}/differences/?from={back(8)}&to={back(0)}").content.decode()
    assert "bac-0" in page
    assert "1 máy đã chuyển sang phần khác của tổ chức" in page
    assert "bac-1" not in page
    south = on(person("nam", "south")).get(f"/units/{tree['south'].pk}/differences/").content.decode()
    assert "bac-1" in south
    assert "chuyển đến" in south


def test_days_that_are_none_are_the_last_week(client, host, reader) -> None:
    machine = report(client, host, 1)
    for odd in ("from=x&to=y", "from=9999-01-01", "from=0001-01-01&to=2026-02-30", f"from={back(0)}&to={back(9)}"):
        assert reader.get(f"/machines/{machine.pk}/differences/?{odd}").status_code == 200


def test_the_configuration_of_a_device_is_reached_from_its_page_and_from_here(client, host, reader) -> None:
    from collectors.facts.configuration import Configuration

    told = made(Configuration, lines=1, digest="0" * 64, text="hostname a\n", saved=True)
    record = Record(fact="configuration", outcome="seen", data=told.model_dump(mode="json"))
    machine = report(client, host, 1, record)
    for page in (f"/machines/{machine.pk}/", f"/machines/{machine.pk}/differences/"):
        assert f"/machines/{machine.pk}/configurations/" in reader.get(page).content.decode()
    assert f"/machines/{machine.pk}/differences/" in reader.get(f"/machines/{machine.pk}/").content.decode()
