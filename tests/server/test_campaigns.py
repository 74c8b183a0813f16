"""A letter, three provinces that report through the real doors, and the account: states from proof, frozen, adding up."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from server.approvals import deciding
from server.approvals.models import Request
from server.campaigns import freezing, proof, reminding
from server.campaigns.account import Account, Numbers
from server.campaigns.models import LATER, LEFT_OUT, SCOPE, Campaign, Notice, Part, Row
from server.campaigns.patterns import patterns
from server.campaigns.states import BEFORE, STATES
from server.coverage.models import Expected
from server.enrolment import lifecycle
from server.findings import codes
from server.ingest.models import Machine
from server.journal.models import Entry
from server.programs.models import Key
from server.units import operations
from server.units.models import User
from server.units.operations import By
from tests.server import waivers
from tests.server.campaigns import CHECKS, DAY, GOOD, HOUR, Land, body, closed, look, on, person, work
from tests.server.newest import repeat

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_both]


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def test_from_the_letter_to_the_final_report(land: Land) -> None:
    held = land.started()
    before = look(held)
    assert before["a-1"] == ("missing", "silent"), "what passed, or failed, before the start counts for nothing"
    assert before["c-chưa-thấy"] == ("never", "listed")
    assert Row.objects.get(name="c-thanh-lý").place == LEFT_OUT
    assert Row.objects.get(name="a-1").before == "fail"
    for name in ("a-1", "a-2", "b-1"):
        land.report(name, **GOOD)
    land.report("b-2")
    land.hosts["b-9"] = land.host("b-9")
    land.report("b-9", **GOOD)
    after = look(held)
    assert after["a-1"] == after["a-2"] == after["b-1"] == ("done", "")
    assert after["b-2"] == ("not-done", "fails")
    assert Row.objects.get(name="b-2").about == ["remote_access.no_root"]
    assert after["b-3"] == after["c-1"] == ("missing", "silent")
    assert "b-9" not in after
    assert Row.objects.get(name="b-9").place == LATER
    numbers = {part.code: Account(held, None).sum(part) for part in Part.objects.filter(campaign=held)}
    assert [(numbers[code].scope, numbers[code].done) for code in "ABC"] == [(2, 2), (3, 1), (2, 0)]
    lines = {line.check: line for line in Account(held, None).checks(None)}
    root = lines["remote_access.no_root"]
    assert (root.failed_before, root.passed_before, root.unseen_before) == (6, 0, 1)
    assert (root.failed, root.passed, root.unseen) == (1, 3, 3)
    closed(held)
    kept = list(Row.objects.order_by("pk").values())
    lifecycle.retire(Machine.objects.get(name="a-1"), "hỏng", "x")
    operations.rename(land.units["A"], By("x"), timezone.localdate(), name="Tỉnh Khác")
    land.report("b-2", **GOOD)
    freezing.look(held, timezone.now())
    assert list(Row.objects.order_by("pk").values()) == kept, "a closed campaign never changes"
    assert Part.objects.get(code="A").name == "Tỉnh A"
    page = body(on(person("ttcntt", "viewer", land.root)).get(f"/campaigns/{held.pk}/report/"))
    for said in ("Final report.", "Tỉnh A", "c-chưa-thấy", "b-3", "c-thanh-lý", "b-9", "mini"):
        assert said in page
    assert "Tỉnh Khác" not in page
    assert list(Entry.objects.filter(action__startswith="campaign.").order_by("pk").values_list("action", flat=True)) == [
        "campaign.new", "campaign.started", "campaign.frozen", "campaign.closed",
    ]  # fmt: skip


def test_every_state_has_its_proof(land: Land) -> None:
    held = land.started(checks=[*CHECKS, "clock.follows"])
    land.report("a-1", **GOOD)
    assert look(held)["a-1"] == ("unknown", "unknown"), "the clock could not be asked: never done"
    land.report("a-1", **GOOD, synchronised=True)
    assert look(held)["a-1"] == ("done", "")
    land.report("a-1", synchronised=True)
    assert look(held)["a-1"] == ("not-done", "fails"), "the newest report counts"
    asker, second = person("xin", "operator", land.root), person("duyệt", "approver", land.root)
    waiver = waivers.granted(land.root, asker, second, [Machine.objects.get(name="a-1")])
    assert look(held)["a-1"] == ("excused", "borne")
    waivers_end(waiver)
    assert look(held)["a-1"] == ("not-done", "fails")
    Machine.objects.filter(name="a-2").update(latest=None)
    repeat()
    assert look(held)["a-2"] == ("never", "never")
    lifecycle.retire(Machine.objects.get(name="b-1"), "thanh lý", "x")
    Machine.objects.filter(name="b-2").update(unit=land.units["C"])
    found = look(held)
    assert found["b-1"] == found["b-2"] == ("missing", "silent"), "switching machines off completes nothing"
    assert {row.name: row.became for row in Row.objects.exclude(became="")} == {"b-1": "retired", "b-2": "moved"}
    Machine.objects.get(name="b-3").delete()
    assert look(held)["b-3"] == ("missing", "removed")
    assert Account(held, None).sum(None).scope == 7


def waivers_end(waiver: Any) -> None:
    from server.waivers import ending

    ending.end(waiver, "x")


def test_what_is_no_longer_asked_and_what_nobody_asks_is_not_done(land: Land) -> None:
    held = land.started()
    land.report("a-1", **GOOD)
    row = Row.objects.get(name="a-1")
    row.before_checks = {**row.before_checks, "password_policy.length": codes.FAIL}
    row.save()
    assert look(held)["a-1"] == ("unknown", "asked-no-more")
    other = land.started(checks=["firmware.fixed"], number="3/X")
    assert look(other)["a-1"] == ("unknown", "nothing-asked")


def test_a_clock_that_runs_ahead_proves_nothing(land: Land) -> None:
    held = land.started()
    land.report("a-1", age=-3 * HOUR, **GOOD)
    assert look(held)["a-1"] == ("unknown", "clock")


def test_freezing_twice_and_a_late_machine_of_a_list(land: Land) -> None:
    held = land.started()
    count = Row.objects.count()
    for step in (freezing.freeze_machines, freezing.freeze_lines):
        after: int | None = 0
        while after is not None:
            after = step(held, after)
    assert Row.objects.count() == count
    land.hosts["c-chua-thay"] = land.host("c-chua-thay")
    land.report("c-chua-thay", **GOOD)
    assert look(held)["c-chưa-thấy"] == ("done", ""), "the machine that the list expected has come"
    assert not Row.objects.filter(place=LATER).exists()


def test_who_is_excused_under_coverage_is_left_out_by_name_also_where_the_machine_is_known(land: Land) -> None:
    today = timezone.localdate()

    def line(name: str, unit: Any, **excused: Any) -> None:
        machine = Machine.objects.get(name=name)
        Expected.objects.create(
            unit=unit, name=f"{name}.dòng", hostname=name, machine=machine, matched_by="name", first_at=timezone.now() - DAY,
            excused_by="chị Hai" if excused else "", **excused,
        )  # fmt: skip

    a, b, c = (land.units[name] for name in "ABC")
    line("c-1", c, excuse="repair", excuse_note="chờ linh kiện", excused_until=today)
    line("a-1", land.root, excuse="other", excuse_note="máy trưng bày")
    line("a-1", a, excuse="twice")
    # over on the day of the start, which may be yesterday: an hour ago
    line("a-2", a, excuse="repair", excused_until=today - 2 * DAY)
    line("b-1", b, excuse="twice")
    line("b-2", b, excuse="repair")
    line("b-2", land.root)
    line("b-3", c, excuse="scrapped")
    held = land.started()
    left_out = dict(Row.objects.filter(place=LEFT_OUT, machine__isnull=False).values_list("name", "note"))
    assert left_out == {"c-1": "in repair or in store: chờ linh kiện (chị Hai)", "a-1": "another reason: máy trưng bày (chị Hai)"}
    for name in ("a-1", "a-2"):
        land.report(name, **GOOD)
    found = look(held)
    assert set(found) == {"a-2", "b-1", "b-2", "b-3", "c-chưa-thấy"}, "over, listed twice, expected by another list, not theirs"
    assert not Row.objects.filter(place=LATER).exists(), "and none is told of as new"
    assert Account(held, None).sum(None).scope == 5
    closed(held)
    page = body(on(person("tw", "viewer", land.root)).get(f"/campaigns/{held.pk}/report/"))
    told = page[page.index("Left out at the start by an excuse") :].split("</section>")[0]
    for name, note in left_out.items():
        unit = {"a-1": "A", "c-1": "C"}[name]
        assert f"<strong>{name}</strong> ({land.units[unit].name}): {note}. Last report: " in told, (
            "who excused a machine that still reports is seen"
        )
    assert "c-thanh-lý" in told


def test_an_exemption_takes_two_people_and_a_reason(land: Land) -> None:
    held = land.started()
    operator, second = person("tỉnh-c", "operator", land.units["C"]), person("duyệt", "approver", land.root)
    row = Row.objects.get(name="c-1")
    client = on(operator)
    url = f"/campaigns/{held.pk}/excuse/?row={row.pk}"
    assert client.post(url, {"reason": "ngắn"}).status_code == 422
    assert client.post(url, {"reason": "Máy đang bảo hành tại hãng.", "document": "5/BB"}).status_code == 302
    request = Request.objects.get()
    with pytest.raises(PermissionError):
        deciding.approve(request.pk, operator, request.digest)
    assert look(held)["c-1"][0] == "missing"
    deciding.approve(request.pk, second, request.digest)
    assert look(held)["c-1"] == ("excused", "excused")
    page = body(client.get(f"/campaigns/{held.pk}/report/"))
    assert "Máy đang bảo hành tại hãng." in page
    assert "duyệt" in page
    land.report("c-1", **GOOD)
    assert look(held)["c-1"][0] == "done"


def test_a_province_sees_its_part_and_an_outsider_nothing(land: Land) -> None:
    held = land.started()
    mine = on(person("tỉnh-b", "operator", land.units["B"]))
    for path in ("", "machines/", "report/", "machines.csv", "machines.xlsx", "report.xlsx"):
        answer = mine.get(f"/campaigns/{held.pk}/{path}")
        assert answer.status_code == 200
        raw = b"".join(answer) if answer.streaming else answer.content
        if path.endswith("xlsx"):
            raw = " ".join(str(cell) for sheet in load_workbook(io.BytesIO(raw)) for row in sheet.values for cell in row).encode()
        text = raw.decode()
        words = set(re.findall(r"[\w-]+", text))  # as words: a UUID may hold "a-1" as well
        assert "b-1" in words or path == ""
        assert words.isdisjoint({"a-1", "c-1"})
        assert "Tỉnh A" not in text
        assert on(User.objects.get_or_create(username="lạ")[0]).get(f"/campaigns/{held.pk}/{path}").status_code in (302, 404)
    outsider = on(person("người-ngoài"))
    assert outsider.get(f"/campaigns/{held.pk}/").status_code == 404
    theirs = Part.objects.get(code="A")
    assert mine.get(f"/campaigns/{held.pk}/?part={theirs.pk}").status_code == 404
    assert mine.get(f"/campaigns/parts/{theirs.pk}/").status_code == 404
    assert mine.post(f"/campaigns/{held.pk}/close/").status_code == 404, "the centre leads it"
    assert on(person("xem", "viewer", land.units["B"])).post(
        f"/campaigns/parts/{Part.objects.get(code='B').pk}/received/", {}
    ).status_code == 404  # fmt: skip
    admin = person("qt-b", "admin", land.units["B"])
    text = Key.issue(admin, land.units["B"], "k", ["campaigns"], timezone.now() + DAY)[1]
    read = lambda path: Client().get(f"/api/v1/campaigns{path}", headers={"Authorization": f"Bearer {text}"}).json()  # noqa: E731
    (told,) = read("")["items"]
    assert told["scope"] == told["missing"] == 3
    assert [unit["name"] for unit in read(f"/{held.pk}/units")] == ["Tỉnh B"]
    assert {row["name"] for row in read(f"/{held.pk}/machines")["items"]} == {"b-1", "b-2", "b-3"}


def test_names_are_text_on_pages_and_in_spreadsheets(land: Land) -> None:
    bad = "=HYPERLINK('http://x')<script>alert(1)</script>"
    Expected.objects.create(unit=land.units["A"], name=bad, kind="server", first_at=timezone.now() - DAY)
    held = land.started(subject="<b>đậm</b>")
    look(held)
    client = on(person("qt", "admin", land.root))
    for path in ("", "machines/", "report/"):
        page = body(client.get(f"/campaigns/{held.pk}/{path}"))
        assert "<script>alert" not in page
        assert "<b>đậm" not in page
    assert f"'{bad}" in body(client.get(f"/campaigns/{held.pk}/machines.csv"))
    book = load_workbook(io.BytesIO(b"".join(client.get(f"/campaigns/{held.pk}/report.xlsx"))))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.data_type for cell in cells if cell.value == bad] == ["s"]
    assert not [cell for cell in cells if cell.data_type == "f"]


def test_reminders_once_each_for_those_with_something_left(land: Land) -> None:
    held = land.started()
    for name in ("a-1", "a-2"):
        land.report(name, **GOOD)
    look(held)
    assert reminding.remind(held, timezone.now()) == 2
    assert reminding.remind(held, timezone.now()) == 0
    assert reminding.remind(held, timezone.now() + 3 * DAY) == 2
    assert {notice.part.code for notice in Notice.objects.all()} == {"B", "C"}
    assert Entry.objects.filter(action="campaign.reminder").count() == 4
    assert "Tỉnh B" in body(on(person("b", "viewer", land.units["B"])).get("/campaigns/"))


def test_over_deadline_and_grace_it_closes_by_itself(land: Land) -> None:
    from server.campaigns import tasks

    held = land.started()
    Campaign.objects.filter(pk=held.pk).update(deadline=timezone.localdate() - 4 * DAY)
    tasks.look.enqueue(by="collector")
    work()
    held.refresh_from_db()
    assert (held.state, held.closed_by) == (Campaign.CLOSED, "collector")


def test_from_a_file_at_the_console(land: Land, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from argparse import Namespace

    from server.campaigns import console

    file = tmp_path / "cv.toml"
    today = timezone.localdate()
    file.write_text(
        f'number = "2070/BHXH-CNTT"\ndate = {today}\nsubject = "Trước lễ"\nissuer = "BHXH Việt Nam"\ndeadline = {today + 3 * DAY}\n'
        'units = ["A", "B"]\nkinds = ["server"]\nchecks = ["remote_access.no_root"]\nrequirements = ["care.malware"]\n'
        '[[contacts]]\nname = "NOC"\nphones = ["0911", "0922333444"]\n'
        "[[roster]]\nname = \"An\"\nphone = \"0912345678\"\nfrom = 2025-08-30T07:00:00\nto = 2025-08-31T07:00:00\n",
        "utf-8",
    )  # fmt: skip
    assert console.new(Namespace(file=str(file))) == 0
    held = Campaign.objects.get()
    assert held.checks == ["antivirus.present", "remote_access.no_root"]
    assert console.start(Namespace(campaign=held.pk, wait=True)) == 0
    assert console.show(Namespace(campaign=held.pk, unit=None, missing=True, format="table")) == 1
    said = capsys.readouterr().out
    assert "a-1\tNo report since the start" in said
    assert "c-1" not in said
    assert "(3 days left)" in said
    closed(held)
    assert console.show(Namespace(campaign=held.pk, unit=None, missing=False, format="table")) == 1
    assert "days left" not in capsys.readouterr().out, "nothing runs out any more"
    file.write_text('nummer = "1"\n', "utf-8")
    assert console.new(Namespace(file=str(file))) == 2
    assert "nummer" in capsys.readouterr().err


@given(
    st.dictionaries(st.sampled_from([*STATES]), st.integers(0, 50)),
    st.dictionaries(st.sampled_from([*BEFORE]), st.integers(0, 50)),
)
def test_numbers_add_up(states: dict[str, int], before: dict[str, int]) -> None:
    total = Numbers()
    for numbers in (states, states):
        total.add(Numbers(states=dict.fromkeys(STATES, 0) | numbers, before=dict.fromkeys(BEFORE, 0) | before))
    assert total.scope == 2 * sum(states.values()) == total.done + sum(n for s, _w, n, _t in total.told if s != "done")


VERDICT = st.sampled_from([None, codes.FAIL, codes.UNKNOWN, codes.PASS])


@given(st.lists(VERDICT, min_size=3, max_size=3))
def test_the_worst_of_several_requirements_counts(verdicts: list[int | None]) -> None:
    rules = {1: "a", 2: "a", 3: "b"}
    held = {rule: verdict for rule, verdict in zip(rules, verdicts, strict=True) if verdict is not None}
    found = proof.worst(held, rules)
    assert set(found) == {rules[rule] for rule in held}
    assert all(found[rules[rule]] <= verdict for rule, verdict in held.items())


def test_the_account_adds_up_at_every_step(land: Land) -> None:
    held = land.started()
    for step, name in enumerate(("a-1", "b-1", "b-2", "c-1")):
        land.report(name, **(GOOD if step % 2 else {}))
        look(held)
        account = Account(held, None)
        whole = account.sum(None)
        rows = Row.objects.filter(campaign=held, place=SCOPE).count()
        assert whole.scope == sum(whole.states.values()) == sum(whole.before.values()) == rows
        top = account.tops()[0]
        for state in STATES:
            assert sum(branch.numbers.states[state] for branch in account.branches(top)) == whole.states[state]
        for line in account.checks(None):
            assert line.failed + line.unknown + line.passed + line.unseen == whole.scope
            assert line.unseen >= 0
            assert line.unseen_before >= 0


def test_patterns_name_checks_that_exist() -> None:
    from baselines.loader import builtin, load

    known = {check for name in builtin() for check in load(name).checks}
    for pattern in patterns().values():
        assert set(pattern.checks) <= known
        assert len(set(pattern.checks)) == len(pattern.checks)
