"""Waivers are laid over verdicts, never merged into them; both numbers; over at once."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from django.utils import timezone

from baselines.model import Result, Verdict
from server.approvals import deciding
from server.assess.models import Alarm, StoredAssessment
from server.enrolment import lifecycle
from server.findings import queries, tally
from server.findings.codes import FAIL
from server.findings.models import Rule, Standing
from server.findings.queries import RuleCount, Worst
from server.ingest.models import Machine
from server.journal.models import Entry
from server.programs.models import Key
from server.units import operations
from server.units.models import Unit
from server.units.operations import By
from server.waivers import ending, overlay
from server.waivers.models import Waiver
from tests.server import waivers_borne
from tests.server.findings import Fleet
from tests.server.people import send
from tests.server.waivers import CHECK, REQUIREMENT, asked, granted, on
from tests.server.waivers_borne import DAY, TODAY, accepted, noon, verdicts

pytestmark = pytest.mark.django_db
english, asker, second, machines = waivers_borne.english, waivers_borne.asker, waivers_borne.second, waivers_borne.machines


def test_a_waiver_turns_no_verdict_and_both_numbers_are_there(asker, second, machines, tree) -> None:
    before = verdicts(), list(StoredAssessment.objects.order_by("pk").values_list("fail", "passed", "weight", "verdicts"))
    plain = overlay.score([tree["root"].path])
    waiver = granted(tree["north"], asker, second, [machines[0]])
    assert (
        verdicts(),
        list(StoredAssessment.objects.order_by("pk").values_list("fail", "passed", "weight", "verdicts")),
    ) == before
    with_it = overlay.score([tree["root"].path])
    assert (plain.fail, plain.accepted, plain.with_waivers) == (3, 0, plain.without)
    assert (with_it.fail, with_it.accepted, with_it.without) == (3, 1, plain.without), "the number without waivers is untouched"
    assert with_it.with_waivers > with_it.without
    assert with_it.unknown == plain.unknown
    page = on(asker).get(f"/machines/{machines[0].pk}/").content.decode()
    assert f"chấp nhận đến {waiver.until:%d/%m/%Y}" in page
    assert 'class="c-fail"' in page, "it still counts as a fail"
    assert "chấp nhận đến" not in on(asker).get(f"/machines/{machines[1].pk}/").content.decode()
    worst = {one.rule.check_id: one for one in queries.worst_rules(asker, tree["root"]).rules}
    assert (worst[CHECK].fail, worst[CHECK].accepted) == (3, 1)
    assert "1 được chấp nhận" in on(asker).get("/machines/").content.decode()


def test_a_check_that_several_requirements_ask_for_is_one_line(asker, machines, monkeypatch) -> None:
    one = Rule.objects.get(check_id=CHECK, requirement=REQUIREMENT)
    second = Rule.objects.create(baseline=one.baseline, requirement="other.requirement", check_id=CHECK, severity=3)
    third = Rule.objects.create(baseline=one.baseline, requirement="third.requirement", check_id=CHECK, severity=3)
    counted = [RuleCount(one, 3, 0, 0), RuleCount(second, 3, 0, 0), RuleCount(third, 1, 2, 0)]
    monkeypatch.setattr("server.findings.queries.worst_rules", lambda *_asked, **_more: Worst(counted, 0))
    together, apart = on(asker).get("/waivers/").context["worst"]
    assert (together[0], together[2][1]) == (counted[0], "other.requirement")
    assert apart[::2] == (counted[2], ["third.requirement"]), "what is unknown there is not hidden"


def test_what_is_not_known_is_no_good_number(asker, tree, client, another, monkeypatch) -> None:
    def page() -> str:
        return on(asker).get("/waivers/").content.decode()

    assert "những gì không đạt là chưa rõ" in page(), "no machine is no machine without fails"
    well, silent = another("may-1", "north"), another("may-2", "south")
    assert "2 trên 2 máy chưa từng được đánh giá" in page()
    good = {"permit_root_login": "no", "synchronised": True}
    assert send(client, well.seal(well.snapshot(**good))).status_code == 201
    found = page()
    assert "1 trên 2 máy chưa từng được đánh giá" in found
    assert "Không có mục nào không đạt." not in found
    monkeypatch.setattr(tally, "WAITING_MAX", 0)
    found = page()
    assert "1 báo cáo chưa được tính" in found
    assert "%</dd>" not in found
    tally.fold_all()
    assert send(client, silent.seal(silent.snapshot(**good))).status_code == 201
    tally.fold_all()
    found = page()
    assert "Không có mục nào không đạt." in found
    assert "100 %</dd>" in found


def test_what_is_unknown_is_never_borne(asker, second, machines, tree) -> None:
    """The clock could not be looked at: a waiver for it bears nothing."""
    granted(tree["root"], asker, second, requirement="care.clock", check="clock.follows")
    assert not overlay.by_rule([tree["root"].path])
    assert overlay.score([tree["root"].path]).accepted == 0
    result = Result("care.clock", "6", "clock.follows", Verdict.UNKNOWN, "high", [])
    assert overlay.over([result], machines[0], "mini", 2) == {}


def test_a_term_begins_and_ends_with_the_second(asker, second, machines, tree) -> None:
    waiver = granted(tree["north"], asker, second, days=10, begin=2)
    midnight = timezone.make_aware(datetime.combine(waiver.until + DAY, time.min))
    assert accepted(tree["root"]) == 0
    assert accepted(tree["root"], now=noon(waiver.on - DAY)) == 0
    assert accepted(tree["root"], now=noon(waiver.on)) == 2
    assert accepted(tree["root"], now=midnight - timedelta(seconds=1)) == 2
    assert accepted(tree["root"], now=midnight) == 0
    assert waiver.counts(midnight - timedelta(seconds=1))
    assert not waiver.counts(midnight)


def test_a_person_ends_one_at_once(asker, second, machines, tree, person) -> None:
    waiver = granted(tree["north"], asker, second)
    assert accepted(tree["root"]) == 2
    viewer = person("người-xem", "north")
    assert on(viewer).post(f"/waivers/{waiver.pk}/end/").status_code == 404
    assert on(second).post(f"/waivers/{waiver.pk}/end/").status_code == 302
    assert accepted(tree["root"]) == 0
    assert Entry.objects.get(action="waiver.ended").actor == second.username
    waiver.refresh_from_db()
    assert waiver.stands == "ended"


@pytest.mark.on_both
def test_counts_of_machines_units_and_overlaps(asker, second, machines, tree) -> None:
    one, two, three = machines
    granted(tree["north"], asker, second, [one])
    assert (accepted(tree["root"]), accepted(tree["north"]), accepted(tree["south"])) == (1, 1, 0)
    granted(tree["north"], asker, second, [one, two])
    granted(tree["north"], asker, second)
    assert (accepted(tree["root"]), accepted(tree["south"])) == (2, 0), "a machine counts once, however many bear it"
    assert accepted(tree["north"], tree["south"]) == 2
    granted(tree["root"], asker, second)
    assert (accepted(tree["root"]), accepted(tree["north"]), accepted(tree["south"])) == (3, 2, 1)
    assert overlay.of_machines(machines) == {one.pk: 1, two.pk: 1, three.pk: 1}


@pytest.mark.parametrize("few", [overlay.FEW, 0])
def test_as_many_are_borne_as_one_by_one(asker, second, tree, monkeypatch, few: int) -> None:
    """The quick count against each machine asked alone, over a drawn pattern of verdicts and waivers."""
    monkeypatch.setattr(overlay, "FEW", few)
    fleet = Fleet.of(3)
    Rule.objects.filter(pk__in=fleet.rules).update(baseline="mini", requirement=REQUIREMENT)
    units = [tree["root"], tree["north"], tree["south"]]
    machines = [fleet.machine(units[n % 3], f"m{n}") for n in range(12)]
    for n, machine in enumerate(machines):
        fleet.report(machine, 1, "".join("FUP"[(n // 3 * k + n) % 3] for k in (1, 2, 3)))
    for n in range(6):
        named = [machine for place, machine in enumerate(machines) if n % 2 and place % (n + 1) == 0 and machine.unit == units[1]]
        request = asked(units[n % 3] if not named else units[1], asker, named)
        deciding.approve(request.pk, second, request.digest)
        Waiver.objects.filter(request=request).update(check_id=f"c{n % 3}" if n < 5 else "")
    force = overlay.Force()
    for unit in units:
        slow = dict.fromkeys(fleet.rules, 0)
        for held in Standing.objects.filter(verdict=FAIL, machine__unit__path__under=unit.path).select_related(
            "machine__unit", "rule"
        ):
            mine = [one for one in force.of(held.machine) if one.check_id in ("", held.rule.check_id)]
            slow[held.rule_id] += bool(mine)
        quick = overlay.by_rule([unit.path])
        assert {pk: quick[pk] for pk in fleet.rules} == slow
        assert sum(slow.values()) > 0


def test_a_waiver_given_for_a_level_bears_nothing_above_it(asker, second, machines, tree) -> None:
    granted(tree["root"], asker, second)
    assert accepted(tree["root"]) == 3
    Unit.objects.filter(pk=tree["north"].pk).update(level=3)
    assert accepted(tree["root"]) == 1
    failed = Result(REQUIREMENT, "6", CHECK, Verdict.FAIL, "high", [])
    machine = Machine.objects.get(name="may-3")
    assert overlay.over([failed], machine, "mini", 2)[CHECK].whole
    assert overlay.over([failed], machine, "mini", 3) == {}
    assert overlay.over([failed], machine, "another", 2) == {}, "the id in another pack is another requirement"


def test_of_several_requirements_all_must_be_borne(asker, second, machines, tree) -> None:
    granted(tree["north"], asker, second, [machines[0]])
    both = [Result(name, "6", CHECK, Verdict.FAIL, "high", []) for name in (REQUIREMENT, "access.other")]
    held = overlay.over(both, machines[0], "mini", 2)
    assert not held[CHECK].whole


def test_a_machine_that_was_moved_leaves_its_waiver_behind(asker, second, machines, tree) -> None:
    waiver = granted(tree["north"], asker, second, [machines[0]])
    assert accepted(tree["root"]) == 1
    operations.move_machines([machines[0]], tree["south"], By("test"), TODAY())
    assert accepted(tree["root"]) == 0, "nobody there agreed to it"
    assert (
        overlay.over(
            [Result(REQUIREMENT, "6", CHECK, Verdict.FAIL, "high", [])], Machine.objects.get(pk=machines[0].pk), "mini", 2
        )
        == {}
    )
    page = on(asker).get(f"/waivers/{waiver.pk}/").content.decode()
    assert "Không còn áp dụng cho" in page


def test_a_merge_makes_a_waiver_no_wider(asker, second, machines, tree) -> None:
    whole, named = granted(tree["north"], asker, second), granted(tree["north"], asker, second, [machines[0]])
    open_one = asked(tree["north"], asker)
    of_machine = asked(tree["north"], asker, [machines[1]])
    operations.merge([tree["north"]], tree["south"], By("test"), TODAY())
    whole.refresh_from_db()
    named.refresh_from_db()
    assert (whole.unit, whole.whole, named.unit) == (tree["south"], False, tree["south"])
    assert accepted(tree["root"]) == 2, "those that were in it, and not the successor's own"
    third = Machine.objects.get(name="may-3")
    assert third.pk not in overlay.Force().named[whole.pk]
    with pytest.raises(deciding.Impossible):
        deciding.approve(open_one.pk, second, open_one.digest)
    deciding.approve(of_machine.pk, second, of_machine.digest)
    assert of_machine.waiver.unit == tree["south"]


def test_what_is_out_of_service_is_counted_nowhere(asker, second, machines, tree) -> None:
    granted(tree["north"], asker, second)
    waiting = asked(tree["north"], asker, [machines[0]])
    lifecycle.retire(machines[0], "hỏng", "test")
    assert accepted(tree["root"]) == 1
    with pytest.raises(deciding.Impossible, match="out of service"):
        deciding.approve(waiting.pk, second, waiting.digest)
    assert on(asker).get(f"/machines/{machines[0].pk}/waivers/new/").status_code == 404


# ends ------------------------------------------------------------------------------------------------------------------


def test_people_are_told_30_and_7_days_before(asker, second, machines, tree, monkeypatch) -> None:
    named = granted(tree["north"], asker, second, [machines[0]], days=100)
    whole = granted(tree["south"], asker, second, days=100)

    def check(left: int) -> tuple[int, int]:
        monkeypatch.setattr(ending.timezone, "now", lambda: noon(named.until - (left - 1) * DAY))
        return ending.check()

    assert check(31) == (0, 0)
    assert check(30) == (2, 0)
    assert check(29) == (0, 0), "once each"
    alarm = Alarm.objects.get(kind="waiver-ends")
    assert (alarm.machine, alarm.times) == (machines[0], 1)
    assert check(7) == (2, 0)
    assert check(1) == (0, 0)
    assert Alarm.objects.get(kind="waiver-ends").times == 2
    assert check(0) == (0, 2)
    assert check(-5) == (0, 0)
    told = Entry.objects.filter(action="waiver.ends-soon", subject=str(whole)).order_by("pk")
    assert [entry.detail["days"] for entry in told] == [30, 30, 7, 7]
    assert Entry.objects.filter(action="waiver.ended").count() == 2


def test_a_missed_warning_is_made_up_for(asker, second, machines, tree) -> None:
    granted(tree["north"], asker, second, days=5)
    assert ending.check() == (1, 0)
    assert Entry.objects.get(action="waiver.ends-soon").detail["days"] == 5
    page = on(asker).get("/waivers/").content.decode()
    assert "sắp hết hạn" in page


# programs --------------------------------------------------------------------------------------------------------------


def test_programs_read_waivers_of_their_part(person, asker, second, machines, tree, client) -> None:
    mine, _other = granted(tree["north"], asker, second, [machines[0]], days=90), granted(tree["south"], asker, second)
    ended = granted(tree["north"], asker, second)
    ending.end(ended, "a")
    owner = person("chủ-khóa", "north")
    _key, text = Key.issue(owner, tree["north"], "k", ["waivers", "findings"], timezone.now() + DAY)
    headers = {"Authorization": f"Bearer {text}"}
    found = client.get("/api/v1/waivers", headers=headers).json()["items"]
    assert [(one["id"], one["machines"], one["stands"]) for one in found] == [(mine.pk, [machines[0].pk], "active")]
    every = client.get("/api/v1/waivers?in_force=false", headers=headers).json()["items"]
    assert [one["stands"] for one in every] == ["active", "ended"]
    assert client.post("/api/v1/waivers", headers=headers).status_code == 405
    counted = client.get("/api/v1/findings", headers=headers).json()["items"]
    assert [(one["fail"], one["accepted"]) for one in counted if one["check"] == CHECK] == [(2, 1)]
