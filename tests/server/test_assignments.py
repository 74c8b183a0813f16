"""Findings that are worked on: closed by a new scan alone, reopened by itself, given to people with rights, told in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from collectors.model import Record, Snapshot, digest_of
from server.assess import judge
from server.assignments import changing, looking, reminding
from server.assignments.changing import Impossible, Overtaken, Wish
from server.assignments.models import ENDED, OPEN, PASSED, WAITING, WORKING, Assignment, Note
from server.enrolment import lifecycle
from server.findings.models import Rule
from server.findings.queries import RuleCount, Worst
from server.ingest.models import Machine
from server.journal.models import Entry
from server.outlets.messages import RAISED
from server.units import operations
from server.units.operations import By
from tests.server.assignments import rule, taken
from tests.server.people import Host, send
from tests.server.test_programs import key_of
from tests.server.waivers import CHECK, on

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate


def report(client: Client, host: Host, age: timedelta = timedelta(), **changes) -> Machine:
    assert send(client, host.seal(host.snapshot(age=age, **changes))).status_code == 201
    return Machine.objects.get(name=host.name)


@pytest.fixture
def machine(client, host) -> Machine:
    return report(client, host, timedelta(hours=5))


@pytest.fixture
def operator(person):
    return person("vận-hành", role="operator")


def state(one: Assignment) -> str:
    one.refresh_from_db()
    return one.state


def test_no_click_closes_it(client, machine, operator) -> None:
    one = taken(machine, operator)
    with pytest.raises(Impossible):
        changing.change(one, Wish(operator, None, PASSED), one.version, operator)
    answer = on(operator).post(f"/work/{one.pk}/", {"owner": operator.pk, "due": "", "state": "passed", "version": 0})
    assert answer.status_code == 422
    looking.look()
    assert state(one) == OPEN, "it still fails"


@pytest.mark.on_both
def test_a_new_scan_that_passes_closes_it_and_one_that_fails_opens_it_again(client, host, machine, operator) -> None:
    one = taken(machine, operator)
    report(client, host, timedelta(hours=3), permit_root_login="no")
    assert looking.look()[1:] == (1, 0)
    assert state(one) == PASSED
    report(client, host, timedelta(hours=1))
    assert looking.look()[1:] == (0, 1)
    assert state(one) == OPEN
    assert (one.reopened, one.owner, one.closed_at) == (1, operator, None)
    assert [note.kind for note in one.notes.all()] == [Note.PASSED, Note.AGAIN]
    assert list(Entry.objects.filter(action__in=("work.passed", "work.reopened")).values_list("action", flat=True)) == [
        "work.reopened", "work.passed"
    ]  # fmt: skip


def test_what_is_not_seen_any_more_closes_and_opens_nothing(client, host, machine, operator) -> None:
    one = taken(machine, operator)
    snapshot = host.snapshot(age=timedelta(hours=3))
    without = tuple(record for record in snapshot.records if record.fact != "remote_access")
    report_of(client, host, snapshot, without)
    looking.look()
    assert state(one) == OPEN
    report(client, host, timedelta(hours=2), permit_root_login="no")
    looking.look()
    assert state(one) == PASSED
    report_of(client, host, host.snapshot(age=timedelta(hours=1)), without)
    looking.look()
    assert state(one) == PASSED, "that it is unknown now is no fail"


def report_of(client: Client, host: Host, snapshot: Snapshot, records: tuple[Record, ...]) -> None:
    snapshot = snapshot.model_copy(update={"records": records, "digest": digest_of(records)})
    assert send(client, host.seal(snapshot)).status_code == 201


@pytest.mark.on_both
def test_a_stored_report_judged_again_by_other_rules_closes_nothing(client, host, machine, operator, tree) -> None:
    """The unit's level is lowered; the machine itself was not looked at since."""
    root = tree["root"]
    root.level = 3
    root.save()
    judge.rejudge(iter([machine]))
    length = Rule.objects.get(check_id="password_policy.length")
    [one] = changing.take(root, length, [machine], Wish(operator, None), operator).new
    root.level = 2
    root.save()
    judge.rejudge(iter([Machine.objects.get()]))
    looking.look()
    assert state(one) == OPEN
    assert "hiện đạt; sẽ đóng khi" in on(operator).get(f"/work/{one.pk}/").content.decode()
    report(client, host, timedelta(hours=1))
    looking.look()
    assert state(one) == PASSED


@pytest.mark.on_both
def test_a_unit_is_closed_when_every_machine_passes_and_none_was_never_judged(client, another, tree, operator) -> None:
    first, second = another("bac-1", "north"), another("bac-2", "north")
    report(client, first, timedelta(hours=5))
    machine = report(client, second, timedelta(hours=5))
    [one] = changing.take(tree["north"], rule(), [], Wish(operator, None), operator).new
    assert one.machine is None
    report(client, first, timedelta(hours=3), permit_root_login="no")
    looking.look()
    assert state(one) == OPEN, "the other one fails"
    third = another("bac-3", "north")
    report(client, second, timedelta(hours=3), permit_root_login="no")
    looking.look()
    assert state(one) == OPEN, "of the third nothing is known"
    report(client, third, timedelta(hours=3), permit_root_login="no")
    looking.look()
    assert state(one) == PASSED
    report(client, second, timedelta(hours=1))
    looking.look()
    assert state(one) == OPEN
    assert machine.unit == tree["north"]


@pytest.mark.on_both
def test_a_unit_is_not_closed_by_taking_away_the_machine_that_fails(client, another, tree, operator) -> None:
    """The other one passed before the finding was taken up: no newer report says that it still does."""
    good, bad = another("bac-1", "north"), another("bac-2", "north")
    report(client, good, timedelta(days=9), permit_root_login="no")
    machine = report(client, bad, timedelta(hours=5))
    [one] = changing.take(tree["north"], rule(), [], Wish(operator, None), operator).new
    lifecycle.retire(machine, "thanh lý", "x")
    looking.look()
    assert state(one) == OPEN
    assert "hiện đạt; sẽ đóng khi" in on(operator).get(f"/work/{one.pk}/").content.decode()
    report(client, good, timedelta(hours=1), permit_root_login="no")
    looking.look()
    assert state(one) == PASSED


def test_findings_of_units_are_asked_for_together(client, another, tree, operator, django_assert_num_queries) -> None:
    one = another("bac-1", "north")
    other = another("nam-1", "south")
    for host in (one, other):
        report(client, host, timedelta(hours=5))
    some = [changing.take(tree[unit], rule(), [], Wish(operator, None), operator).new[0] for unit in ("north", "south", "root")]
    with CaptureQueriesContext(connection) as few:
        first = looking.all_seen(some[:1])
    with django_assert_num_queries(len(few)):
        found = looking.all_seen(some)
    assert found[0] == first[0]
    assert [(seen.fail, seen.passed, seen.not_judged) for seen in found] == [(1, 0, 0), (1, 0, 0), (2, 0, 0)]
    report(client, other, timedelta(hours=1), permit_root_login="no")
    assert [(seen.fail, seen.passed) for seen in looking.all_seen(some)] == [(1, 0), (0, 1), (1, 1)]


def test_a_machine_out_of_service_ends_it_and_does_not_pass(client, machine, operator) -> None:
    one = taken(machine, operator)
    lifecycle.retire(machine, "thanh lý", "x")
    looking.look()
    assert (state(one), one.why) == (ENDED, "retired")
    assert "Kết thúc khi chưa đạt".casefold() in on(operator).get("/work/?state=closed").content.decode().casefold()


def test_only_people_with_rights_there_can_be_given_it(machine, operator, person, tree) -> None:
    for other in (person("xem", role="viewer"), person("bắc", "north", "operator")):
        with pytest.raises(Impossible):
            taken(machine, operator, owner=other)
    assert not Assignment.objects.exists()
    page = on(operator).get(f"/work/findings/{rule().pk}/?unit={tree['root'].pk}").content.decode()
    assert "vận-hành" in page
    assert "xem" not in page.partition('name="owner"')[2].partition("</select>")[0]


def test_a_check_that_several_requirements_ask_for_is_one_line(machine, monkeypatch, operator, tree) -> None:
    one = rule()
    second = Rule.objects.create(baseline=one.baseline, requirement="other.requirement", check_id=one.check_id, severity=3)
    third = Rule.objects.create(baseline=one.baseline, requirement="third.requirement", check_id=one.check_id, severity=3)
    counted = [RuleCount(one, 1, 0, 0), RuleCount(second, 1, 0, 0), RuleCount(third, 0, 5, 0)]
    monkeypatch.setattr("server.findings.queries.worst_rules", lambda *_asked, **_more: Worst(counted, 0))
    taken(machine, operator)
    page = on(operator).get(f"/work/findings/?unit={tree['root'].pk}")
    row, apart = page.context["rows"]
    assert (row.one, row.taken, len(row.requirements)) == (counted[0], 1, 2)
    assert f'href="/work/findings/{second.pk}/?unit={tree["root"].pk}">' in page.content.decode(), (
        "each leads to its own machines"
    )
    assert (apart.one.unknown, [rule for rule, _title in apart.requirements]) == (5, [third.pk]), (
        "what is unknown there is not hidden"
    )
    assert len(on(operator).get("/work/findings/?q=other.requirement").context["rows"]) == 1, "found by either"


def test_who_may_only_see_changes_nothing(machine, operator, person) -> None:
    one = taken(machine, operator)
    viewer = on(person("xem", role="viewer"))
    assert viewer.get(f"/work/{one.pk}/").status_code == 200
    assert viewer.post(f"/work/{one.pk}/", {"state": "working"}).status_code == 404
    assert viewer.post(f"/work/{one.pk}/comment/", {"text": "x"}).status_code == 404
    assert viewer.post("/work/give/", {"item": one.pk, "due": TODAY().isoformat()}).status_code == 422
    assert state(one) == OPEN


def test_the_second_of_two_is_refused_by_name_and_sees_both(machine, operator, person) -> None:
    one, second = taken(machine, operator), person("người-hai", role="operator")
    changing.change(one, Wish(operator, None, WORKING), 0, operator)
    with pytest.raises(Overtaken, match="vận-hành"):
        changing.change(one, Wish(second, None, OPEN), 0, second)
    answer = on(second).post(
        f"/work/{one.pk}/", {"owner": second.pk, "due": "", "state": "waiting", "waits_for": "chờ mua thiết bị", "version": 0}
    )
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "vận-hành" in page
    assert "đang xử lý" in page, "what is saved"
    assert "chờ mua thiết bị" in page, "what the second wrote"
    assert state(one) == WORKING
    assert 'name="version" value="1"' in page, "saved again, it is over what was read"


def test_what_is_said_is_text_and_nothing_else(machine, operator) -> None:
    one = taken(machine, operator)
    client = on(operator)
    assert client.post(f"/work/{one.pk}/comment/", {"text": "<script>alert(1)</script>\n=1+1"}).status_code == 302
    page = client.get(f"/work/{one.pk}/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>=1+1" in page
    assert client.post(f"/work/{one.pk}/comment/", {"text": "x" * 4001}).status_code == 422
    assert client.post(f"/work/{one.pk}/comment/", {"text": "  "}).status_code == 422
    assert one.notes.count() == 1


def test_several_are_given_at_once(client, another, tree, operator, person) -> None:
    hosts = [another(f"nam-{n}", "south") for n in range(3)]
    some = [taken(report(client, host), operator, owner=None) for host in hosts]
    other = person("nam", "south", "operator")
    due = TODAY() + timedelta(days=9)
    answer = on(operator).post("/work/give/", {"item": [one.pk for one in some[:2]], "owner": other.pk, "due": due.isoformat()})
    assert answer.status_code == 302
    assert [(one.owner, one.due) for one in Assignment.objects.order_by("pk")] == [(other, due), (other, due), (None, None)]
    assert Entry.objects.filter(action="work.changed", detail__owner="nam").count() == 2
    assert "nam-0" in on(other).get("/work/?whose=mine").content.decode()


@pytest.mark.on_both
def test_taking_up_ticked_machines_makes_each_once(client, another, tree, operator) -> None:
    machines = [report(client, another(f"nam-{n}", "south")) for n in range(2)]
    page, numbers = f"/work/findings/{rule().pk}/?unit={tree['south'].pk}", [machine.pk for machine in machines]
    for _again in range(2):
        given = {"item": numbers, "owner": operator.pk, "due": TODAY().isoformat(), "of": "machines"}
        assert on(operator).post(page, given).status_code == 302
    assert Assignment.objects.count() == 2
    assert on(operator).post(page, {"of": "machines", "owner": "", "due": ""}).status_code == 409, "nothing is ticked"


def test_what_passes_is_nothing_to_work_on(client, host, operator) -> None:
    machine = report(client, host, permit_root_login="no")
    with pytest.raises(Impossible):
        taken(machine, operator)


def test_reminders_come_once_a_step_and_again_for_another_day(machine, operator, tree) -> None:
    one = taken(machine, operator, due=TODAY() + timedelta(days=7))
    assert [reminding.remind(TODAY()), reminding.remind(TODAY())] == [1, 0]
    assert reminding.remind(TODAY() + timedelta(days=6)) == 1
    assert reminding.remind(TODAY() + timedelta(days=8)) == 1
    assert reminding.remind(TODAY() + timedelta(days=9)) == 0
    said = Entry.objects.filter(action="work.due").order_by("pk")
    assert [entry.detail["overdue"] for entry in said] == [0, 0, 1]
    assert said[0].detail["owner"] == "vận-hành"
    assert said[0].unit_path == tree["root"].path
    assert "work.due" in RAISED, "outlets carry it further"
    one.refresh_from_db()
    changing.change(one, Wish(operator, TODAY() + timedelta(days=1)), one.version, operator)
    assert reminding.remind(TODAY()) == 1
    assert "1 việc của anh/chị đến hạn" in on(operator).get("/work/").content.decode()


def test_waiting_says_for_what(machine, operator) -> None:
    one = taken(machine, operator)
    with pytest.raises(Impossible):
        changing.change(one, Wish(operator, None, WAITING), 0, operator)
    changing.change(one, Wish(operator, None, WAITING, "chờ bản vá"), 0, operator)
    changing.change(one, Wish(operator, None, WORKING, "chờ bản vá"), 1, operator)
    assert (state(one), one.waits_for) == (WORKING, "")


def test_it_goes_along_with_a_machine_that_is_moved(machine, operator, person, tree) -> None:
    one = taken(machine, operator)
    operations.move_machines([machine], tree["north"], By("x"), TODAY())
    south = person("nam", "south", "operator")
    looking.look()
    one.refresh_from_db()
    assert one.unit == tree["north"]
    assert not Assignment.objects.visible_to(south).exists()


def test_the_file_is_the_list_and_no_formula(machine, operator, tree) -> None:
    one = taken(machine, operator, due=TODAY())
    changing.change(one, Wish(operator, TODAY(), WAITING, "=cmd"), 0, operator)
    text = b"".join(on(operator).get("/work/work.csv?state=waiting").streaming_content).decode("utf-8-sig")
    assert text.splitlines()[0].startswith("no,unit,machine")
    assert "'=cmd" in text
    assert len(text.splitlines()) == 2
    none = b"".join(on(operator).get("/work/work.csv?state=overdue").streaming_content).decode("utf-8-sig")
    assert len(none.splitlines()) == 1


def test_programs_read_it_with_a_key_of_that_scope(machine, operator, tree) -> None:
    one = taken(machine, operator, due=TODAY() - timedelta(days=1))
    changing.comment(one, "đã hỏi nhà cung cấp", operator)
    headers = {"Authorization": f"Bearer {key_of(operator, tree['root'])}"}
    [found] = Client().get("/api/v1/work?overdue=true", headers=headers).json()["items"]
    assert (found["id"], found["check"], found["owner"], found["overdue"]) == (one.pk, CHECK, "vận-hành", True)
    [said] = Client().get(f"/api/v1/work/{one.pk}/notes", headers=headers).json()
    assert said["text"] == "đã hỏi nhà cung cấp"


def test_a_machines_failed_verdict_leads_to_its_work(machine, operator, person) -> None:
    client = on(operator)
    link = f"/machines/{machine.pk}/work/?what=access.root%7Cremote_access.no_root"
    assert link in client.get(f"/machines/{machine.pk}/").content.decode()
    assert client.get(link).status_code == 200
    made = client.post(link, {"owner": operator.pk, "due": (TODAY() + timedelta(days=5)).isoformat()})
    one = Assignment.objects.get()
    assert (made.status_code, made["Location"], one.owner) == (302, f"/work/{one.pk}/", operator)
    assert client.get(link)["Location"] == f"/work/{one.pk}/", "it is worked on already"
    assert client.get(f"/machines/{machine.pk}/work/?what=access.root%7Cnothing")["Location"] == "/work/"
    assert on(person("xem", role="viewer")).get(link).status_code == 404
