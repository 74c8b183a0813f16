"""The first page: each expected machine counts once, what is not known is never good, and every number leads to its list."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from server.assess.models import StoredAssessment
from server.coverage.models import Expected
from server.findings import queries, rollup, tally
from server.findings.models import Daily
from server.findings.queries import Day
from server.ingest.models import EnrolmentToken, Machine, StoredSnapshot
from server.overview import matrix
from server.overview.changes import changes
from server.overview.standing import below
from server.overview.today import tasks
from server.overview.trend import Trend
from server.registers.systems import System
from tests.server.newest import repeat
from tests.server.people import Host, send
from tests.server.waivers import on

pytestmark = pytest.mark.django_db
CLEAN = {"permit_root_login": "no", "synchronised": True}


def report(client: Client, host: Host, **given) -> None:
    snapshot = host.snapshot(**given)
    assert send(client, host.seal(snapshot, host.judged(snapshot))).status_code == 201


@pytest.fixture
def fleet(client: Client, another, tree):
    """One of each state."""
    report(client, another("xau", "north"))
    report(client, another("chua-ro", "north"), permit_root_login="no")
    report(client, another("tot", "south"), **CLEAN)
    another("im-lang", "south")
    Expected.objects.create(unit=tree["south"], name="co-trong-danh-sach")


def test_each_expected_machine_is_in_one_state(fleet, admin, tree) -> None:
    standing, branches = below(admin, tree["root"], timezone.now())
    assert {one.code: one.number for one in standing.states} == {
        "fail": 1,
        "unknown": 1,
        "stale": 0,
        "pass": 1,
        "unjudged": 0,
        "unreached": 2,
    }
    assert sum(one.number for one in standing.states) == standing.expected == 5
    assert sum(one.share for one in standing.states) == pytest.approx(100)
    by_name = {branch.unit.name: branch.numbers for branch in branches}
    assert (by_name["Phòng Bắc"].failing, by_name["Phòng Bắc"].unclear, by_name["Phòng Bắc"].passing) == (1, 1, 0)
    assert (by_name["Phòng Nam"].passing, by_name["Phòng Nam"].unreached) == (1, 2)


def test_switching_machines_off_makes_nothing_better(fleet, admin, tree, client: Client) -> None:
    before = below(admin, tree["root"], timezone.now())[0]
    later = below(admin, tree["root"], timezone.now() + timedelta(days=30))[0]
    assert later.expected == before.expected
    assert later.fresh == 0
    assert later.silent == later.seen == before.seen


def test_what_passed_long_ago_is_no_pass_today(fleet, admin, tree) -> None:
    later = below(admin, tree["root"], timezone.now() + timedelta(days=30))[0]
    assert (later.passing, later.count("stale"), later.failing, later.unclear) == (0, 1, 1, 1)
    assert sum(one.number for one in later.states) == later.expected


def test_a_report_of_which_nothing_was_judged_does_not_pass(fleet, admin, as_admin: Client, tree) -> None:
    """No check spoke of it: that is not everything in order."""
    StoredAssessment.objects.filter(machine__name="tot").update(passed=0)
    repeat()
    standing = below(admin, tree["root"], timezone.now())[0]
    assert (standing.passing, standing.unclear) == (0, 2)
    for state, number in (("pass", 0), ("unclear", 2)):
        assert as_admin.get(f"/machines/?state={state}").content.decode().count('class="name"') == number


def test_the_numbers_of_a_branch_add_up_to_its_machines(fleet, as_admin: Client) -> None:
    StoredAssessment.objects.filter(machine__name="tot").delete()
    StoredSnapshot.objects.filter(machine__name="chua-ro").update(orders_at=timezone.now() - timedelta(days=30))
    repeat()
    table = as_admin.get("/").content.decode().partition('class="list branches"')[2].partition("</tbody>")[0]
    rows = table.partition("<tbody>")[2].split("<tr>")[1:]
    assert len(rows) == 2
    for row in rows:
        expected = int(re.findall(r'<td class="num">(\d+)</td>', row)[0])
        assert sum(map(int, re.findall(r"<b>(\d+)</b>", row))) == expected, row


def test_every_number_leads_to_a_list_of_so_many(fleet, as_admin: Client, tree) -> None:
    page = as_admin.get("/").content.decode()
    links = re.findall(r'<a href="(/machines/\?state=\w+&amp;unit=\d+)">(?:<span[^>]*></span><b>)?(\d+)', page)
    assert len(links) == 7
    for url, number in links:
        rows = as_admin.get(url.replace("&amp;", "&")).content.decode().count('class="name"')
        assert rows == int(number), url


def test_what_wants_a_person_today(fleet, admin, as_admin: Client, tree) -> None:
    standing = below(admin, tree["root"], timezone.now())[0]
    said = {task.words: task for task in tasks(admin, tree["root"], standing)}
    never, absent = (
        said["máy đã ghi danh nhưng chưa báo cáo lần nào"],
        said["máy có trong danh sách nhưng chưa có phần mềm rà soát"],
    )
    assert (never.number, absent.number) == ("1", "1")
    for task, name in ((never, "im-lang"), (absent, "co-trong-danh-sach")):
        page = as_admin.get(task.url).content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
        assert (page.count("<tr>"), name in page) == (1, True), "the list behind it holds so many"
    unsaid = said["máy chưa biết có lỗ hổng đang bị khai thác hay không"]
    assert unsaid.number == "4", "no list of exploited ones is in force: that is not none"
    for task in said.values():
        assert as_admin.get(task.url).status_code == 200, task


def test_what_turned_since_yesterday_is_told_by_check(client: Client, host: Host, admin, tree) -> None:
    report(client, host, age=timedelta(hours=2))
    report(client, host, age=timedelta(hours=1), **CLEAN)
    found = changes(admin, tree["root"], timezone.now())
    assert (found.worse, found.better, found.unclear) == (0, 2, 0)
    assert changes(admin, tree["root"], timezone.now() + timedelta(days=2)).rows == []


def test_a_day_that_was_not_kept_is_a_gap() -> None:
    day = timezone.localdate()
    kept = [Day(day - timedelta(days=3), 1, 2, 3, 4, {}), Day(day, 1, 0, 0, 9, {})]
    chart = Trend(30, kept).chart
    assert [one["values"] for one in chart["series"]] == [[2, None, None, 0], [3, None, None, 0], [4, None, None, 9]]
    assert len(chart["days"]) == 4


def test_the_matrix_says_what_was_not_looked_at(fleet, admin, tree) -> None:
    tally.fold_all()
    made = matrix.made(admin, tree["root"], "", "", "")
    lines = {line.title: line for group in made["headings"] for row in group.rows for line in row.lines}
    assert lines, made
    root = next(line for line in lines.values() if line.fail)
    assert (root.fail, root.passed, root.unlooked) == (1, 2, 1)
    levels = [[cell.asked for cell in row.levels] for group in made["headings"] for row in group.rows]
    assert any(False in row for row in levels), "a level that does not ask says so"
    assert (made["absent"], made["stale"]) == (1, 0)


def test_a_machine_counts_once_in_a_row_of_the_matrix(fleet, client: Client, admin, as_admin: Client, tree) -> None:
    """Its newest report could not be judged, the one before was; another one has been silent for a month."""
    StoredAssessment.objects.filter(machine__name="xau").delete()
    StoredSnapshot.objects.filter(machine__name="tot").update(orders_at=timezone.now() - timedelta(days=30))
    repeat()
    tally.fold_all()
    made = matrix.made(admin, tree["root"], "", "", "")
    line = next(line for group in made["headings"] for row in group.rows for line in row.lines if line.fail)
    assert (line.fail + line.unknown + line.passed, line.unlooked) == (3, 1)
    assert made["stale"] == 1
    page = as_admin.get(f"/rules/{line.rule}/?unit={tree['root'].pk}").content.decode()
    assert "1 máy lâu không báo cáo" in page
    assert re.findall(r"<dd>(\d+)</dd>", page.partition("</dl>")[0]) == [str(line.passed), "1"]


def test_days_on_which_nobody_was_asked_a_rule_are_no_nought(admin, tree) -> None:
    day = timezone.localdate()
    for back, packed in ((3, {}), (2, {7: [1, 0, 0]}), (0, {7: [0, 0, 1]})):
        Daily.objects.create(
            unit=tree["root"], kind=1, date=day - timedelta(days=back), machines=1, taken_at=timezone.now(), packed=rollup.pack(packed),
            **dict.fromkeys(("fail", "unknown", "passed", "critical", "high", "medium", "low"), 0),
        )  # fmt: skip
    found = Trend(30, queries.trend(admin, tree["root"], day, rule=7))
    assert [(one.fail, one.passed) for one in found.found] == [(1, 0), (0, 1)]
    assert "1 ngày" in found.said, "what lies between is said to whoever does not see the picture"


def test_from_the_unit_to_the_evidence_by_clicking(fleet, as_admin: Client) -> None:
    page = as_admin.get("/").content.decode()
    rule = re.findall(r'href="(/rules/\d+/\?unit=\d+)"', page)[0]
    machine = re.findall(r'href="(/machines/\d+/)#(check-[\w.]+)"', as_admin.get(rule).content.decode())[0]
    page = as_admin.get(machine[0]).content.decode()
    check = page.partition(f'id="{machine[1]}"')[2].partition("</details>\n  ")[0]
    assert "sshd -T" in check, "what was asked"
    assert f'href="/units/{Machine.objects.get(name="xau").unit_id}/overview/"' in page


def test_a_person_of_one_unit_gets_that_unit_and_of_none_a_word(fleet, person, tree) -> None:
    page = on(person("lan", "south")).get("/").content.decode()
    assert "<h1>Phòng Nam</h1>" in page
    assert "Phòng Bắc" not in page
    nobody = person("ngoài", "south")
    nobody.memberships.all().delete()
    assert "chưa được giao vai trò" in on(nobody).get("/").content.decode()


def test_the_colours_a_person_chose_stay(as_admin: Client) -> None:
    assert "data-theme" not in as_admin.get("/").content.decode()
    assert as_admin.post("/theme/", {"theme": "dark", "next": "/units/"}).headers["Location"] == "/units/"
    assert '<html lang="vi" data-theme="dark">' in as_admin.get("/").content.decode()
    assert as_admin.post("/theme/", {"theme": "x", "next": "https://elsewhere.example/"}).headers["Location"] == "/"
    assert "data-theme" not in as_admin.get("/").content.decode()


def test_the_first_machine_step_by_step(client: Client, as_admin: Client, tree, person) -> None:
    assert 'href="/first-steps/"' in as_admin.get("/").content.decode()
    page = as_admin.post("/first-steps/", {"unit": tree["north"].pk}).content.decode()
    text = re.findall(r"--token (rs1\S+)", page)
    assert len(set(text)) == 1
    token = EnrolmentToken.objects.get()
    assert (token.unit, token.uses) == (tree["north"], 1)
    address = f"/first-steps/arrived/?token={token.public}"
    assert as_admin.get(address).json() == {"machines": []}
    host = Host("máy một")
    assert host.enrol(client, text[0]).status_code == 201
    assert [(one["name"], one["reported"]) for one in as_admin.get(address).json()["machines"]] == [("máy một", False)]
    report(client, host)
    machine = as_admin.get(address).json()["machines"][0]
    assert machine["reported"]
    assert as_admin.get(machine["url"]).status_code == 200
    assert text[0] not in as_admin.get(f"/first-steps/?token={token.public}").content.decode(), "shown once"
    stranger = on(person("khác", "south", "admin"))
    assert stranger.get(address).status_code == 404
    assert on(person("xem", "north")).get("/first-steps/").status_code == 403


def test_systems_without_an_approved_level_come_first(as_admin: Client, tree, person) -> None:
    decided = {"approval": "approved", "level_approved": "3"}
    System.objects.create(
        unit=tree["north"], name="một cửa", decision_number="1/QĐ", decision_date=timezone.localdate(), **decided
    )
    System.objects.create(unit=tree["north"], name="văn bản", level_proposed="2")
    page = as_admin.get("/").content.decode()
    names = re.findall(r'href="/registers/systems/\d+/">([^<]+)<', page)
    assert names == ["văn bản", "một cửa"]
    assert "1 trong 2 chưa được phê duyệt cấp độ" in page
    assert "một cửa" not in on(person("nam", "south")).get("/").content.decode()
    System.objects.create(unit=tree["north"], name="a nói suông", **decided)
    page = as_admin.get("/").content.decode()
    assert "2 trong 3 chưa được phê duyệt cấp độ" in page, "a word without a decision approves nothing"
    assert "chưa ghi quyết định" in page
