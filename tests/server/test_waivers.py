"""Waivers and attestations: laid over verdicts, never merged into them; both numbers; over at once."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from datetime import date, datetime, time, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone, translation

from baselines.model import Result, Verdict
from server.approvals import deciding, files
from server.approvals.models import Attachment, Request
from server.assess.models import Alarm, StoredAssessment
from server.config import Config
from server.enrolment import lifecycle
from server.findings import queries, tally
from server.findings.codes import FAIL
from server.findings.models import Rule, Standing
from server.ingest.models import Machine
from server.journal.models import Entry
from server.programs.models import Key
from server.units import operations
from server.units.models import Unit
from server.units.operations import By
from server.waivers import asking, attesting, ending, overlay
from server.waivers.models import Attestation, Waiver
from tests.server.findings import Fleet
from tests.server.people import send
from tests.server.waivers import CHECK, PDF, REQUIREMENT, asked, form, granted, on, paper, wish

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def asker(person):
    return person("người-đề-nghị", "root", "admin")


@pytest.fixture
def second(person):
    return person("người-duyệt", "root", "approver")


@pytest.fixture
def machines(client: Client, another) -> list[Machine]:
    """may-1 and may-2 in the north, may-3 in the south; each fails one check and cannot be looked at for another."""
    for name, unit in (("may-1", "north"), ("may-2", "north"), ("may-3", "south")):
        host = another(name, unit)
        assert send(client, host.seal(host.snapshot())).status_code == 201
    tally.fold_all()
    return list(Machine.objects.order_by("name"))


def rule() -> int:
    return Rule.objects.get(requirement=REQUIREMENT, check_id=CHECK).pk


def accepted(*parts: Unit, **how) -> int:
    return overlay.by_rule([unit.path for unit in parts], **how)[rule()]


def noon(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(12)))


def verdicts() -> list[tuple[int, int, int]]:
    return sorted(Standing.objects.values_list("machine_id", "rule_id", "verdict"))


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
    assert "1 được chấp nhận" in on(asker).get("/").content.decode()


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


# asking ----------------------------------------------------------------------------------------------------------------


def test_from_a_failed_verdict_to_a_request(asker, machines, tree) -> None:
    client, url = on(asker), f"/machines/{machines[0].pk}/waivers/new/"
    assert f"{url}?what={REQUIREMENT}%7C{CHECK}" in client.get(f"/machines/{machines[0].pk}/").content.decode()
    page = client.get(f"{url}?what={REQUIREMENT}%7C{CHECK}").content.decode()
    assert "clock.follows" not in page, "what is unknown cannot be chosen"
    answer = client.post(url, {**form(), "file": paper()})
    request = Request.objects.get()
    assert answer.headers["Location"] == f"/approvals/{request.pk}/"
    assert (request.unit, request.payload["machines"], request.attachment.type) == (tree["north"], [machines[0].pk], "pdf")
    assert client.post(url, {**form(), "what": "care.clock|clock.follows"}).status_code == 200
    assert Request.objects.count() == 1
    system = client.post(url, form(system="Hệ thống một cửa", others="may-2\nmay-3\n"))
    assert system.status_code == 302
    latest = Request.objects.first()
    assert (latest.unit, len(latest.payload["machines"]), latest.payload["system"]) == (tree["root"], 3, "Hệ thống một cửa")


def test_a_machine_of_others_is_not_known_here(person, machines, tree) -> None:
    operator = on(person("vận-hành", "north", "operator"))
    assert operator.get(f"/machines/{machines[2].pk}/waivers/new/").status_code == 404
    answer = operator.post(f"/machines/{machines[0].pk}/waivers/new/", form(system="A", others="may-3"))
    assert answer.status_code == 200
    assert not Request.objects.exists()
    viewer = on(person("người-xem", "north"))
    assert viewer.get(f"/machines/{machines[0].pk}/waivers/new/").status_code == 404
    assert viewer.get(f"/units/{tree['north'].pk}/waivers/new/").status_code == 404
    assert "waivers/new" not in viewer.get(f"/machines/{machines[0].pk}/").content.decode()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"days": 0}, "ends before"),
        ({"days": 500}, "At most 366"),
        ({"requirement": "không.có"}, "no requirement"),
        ({"check": "password_policy.length"}, "does not ask"),
        ({"requirement": "care.rules", "check": ""}, "No check decides"),
        ({"measure": "ngắn"}, "ten letters"),
    ],
)
def test_what_does_not_fit_is_not_asked_for(asker, tree, changes, why) -> None:
    with pytest.raises(asking.Unfit, match=why):
        asking.ask(tree["north"], asker, wish(**changes))
    assert not Request.objects.exists()


def test_nothing_is_borne_of_the_days_before_somebody_agreed(asker, second, machines, tree, monkeypatch, client) -> None:
    with pytest.raises(asking.Unfit, match="today at the earliest"):
        asking.ask(tree["north"], asker, wish(begin=-1))
    request = asked(tree["north"], asker, days=10)
    later = noon(TODAY() + 3 * DAY)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    deciding.approve(request.pk, second, request.digest)
    waiver = request.waiver
    assert (waiver.on, waiver.until) == (later.date(), wish(days=10, begin=-3).until)
    assert accepted(tree["root"], now=later - DAY) == 0
    _key, text = Key.issue(asker, tree["root"], "k", ["waivers"], later + DAY)
    found = client.get("/api/v1/waivers", headers={"Authorization": f"Bearer {text}"}).json()["items"]
    assert [datetime.fromisoformat(one["agreed_at"]) for one in found] == [later]


def test_a_word_is_for_a_time_too(asker, machines, tree, settings) -> None:
    settings.CONFIG = Config(waiver_days=30)
    url = f"/units/{tree['north'].pk}/attestations/new/"
    for days, status in ((30, 200), (29, 302)):
        answer = on(asker).post(url, said(until=(TODAY() + days * DAY).isoformat()))
        assert answer.status_code == status, "the first day counts as well"
    assert "Nhiều nhất 30 ngày" in on(asker).post(url, said()).content.decode()
    assert Attestation.objects.count() == 1


def test_a_term_that_the_settings_have_shortened_is_not_granted(asker, second, tree, settings) -> None:
    request = asked(tree["north"], asker, days=100)
    settings.CONFIG = Config(waiver_days=30)
    with pytest.raises(deciding.Impossible, match="At most 30"):
        deciding.approve(request.pk, second, request.digest)


def test_names_and_texts_are_shown_and_not_run(asker, second, client, another, tree) -> None:
    evil = "<script>alert(1)</script>"
    host = another(evil, "north")
    assert send(client, host.seal(host.snapshot())).status_code == 201
    machine = Machine.objects.get(name=evil)
    texts = {"reason": f"{evil} vì phần mềm cũ", "measure": f"{evil} tường lửa riêng", "document": evil}
    answer = on(asker).post(f"/machines/{machine.pk}/waivers/new/", form(**texts) | {"file": paper(f"{evil}.pdf")})
    request = Request.objects.get()
    assert answer.status_code == 302
    deciding.approve(request.pk, second, request.digest)
    for url in (
        "/approvals/",
        f"/approvals/{request.pk}/",
        "/waivers/",
        f"/waivers/{request.waiver.pk}/",
        f"/machines/{machine.pk}/",
    ):
        page = on(second).get(url).content.decode()
        assert evil not in page, url
        assert "&lt;script&gt;" in page, url
    download = on(second).get(f"/waivers/{request.waiver.pk}/file/")
    assert download.headers["Content-Disposition"].startswith("attachment")
    assert download.headers["X-Content-Type-Options"] == "nosniff"
    assert "\n" not in download.headers["Content-Disposition"]


def test_any_form_of_vietnamese_is_one(asker, machines, tree) -> None:
    words = "Đề nghị chấp thuận tạm thời cho máy chủ"
    loose = unicodedata.normalize("NFD", words)
    assert loose != words
    url = f"/machines/{machines[0].pk}/waivers/new/"
    on(asker).post(
        url, form(reason=loose, measure=loose, document=loose) | {"file": paper(unicodedata.normalize("NFD", "giấy tờ.pdf"))}
    )
    request = Request.objects.get()
    assert (request.reason, request.payload["measure"], request.payload["document"], request.file_name) == (
        words,
        words,
        words,
        "giấy tờ.pdf",
    )


# files -----------------------------------------------------------------------------------------------------------------


def office(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (PDF, "pdf"),
        (b"\x89PNG\r\n\x1a\n....", "png"),
        (office("word/document.xml"), "docx"),
        (office("word/document.xml", "word/vbaProject.bin"), ""),
        (office("a.exe"), ""),
        (b"PK\x03\x04 cut short", ""),
        ("Biên bản họp.\n".encode(), "text"),
        (b"MZ\x90\x00\x03", ""),
        (b"\x1b[2J", ""),
    ],
)
def test_a_file_is_what_it_holds(content: bytes, found: str) -> None:
    assert files.type_of(content) == found


def test_a_file_over_the_limit_is_not_taken(asker, machines, settings) -> None:
    settings.CONFIG = Config(attachment_mib=1)
    url = f"/machines/{machines[0].pk}/waivers/new/"
    for content in (PDF + b"x" * (1 << 20), b"MZ" + bytes(10), b""):
        answer = on(asker).post(url, form() | {"file": SimpleUploadedFile("a.pdf", content)})
        assert answer.status_code == 200
        assert 'class="error"' in answer.content.decode()
    assert not Request.objects.exists()
    assert not Attachment.objects.exists()
    assert on(asker).post(url, form() | {"file": paper()}).status_code == 302


def test_the_same_file_is_kept_once_and_bound_to_the_request(asker, second, machines) -> None:
    for machine in machines[:2]:
        on(asker).post(f"/machines/{machine.pk}/waivers/new/", form() | {"file": paper(f"{machine.name}.pdf")})
    first, other = Request.objects.order_by("pk")
    assert first.attachment == other.attachment
    exchanged = Attachment.objects.create(pk="0" * 64, size=1, type="pdf", content=b"x")
    Request.objects.filter(pk=first.pk).update(attachment=exchanged)
    with pytest.raises(deciding.Impossible):
        deciding.approve(first.pk, second, first.digest)
    deciding.approve(other.pk, second, other.digest)
    assert on(second).get(f"/waivers/{other.waiver.pk}/file/").content == PDF


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


# attestations ----------------------------------------------------------------------------------------------------------


def said(**changes) -> dict:
    given = {
        "requirement": "care.rules", "state": "met", "role": "Trưởng phòng", "machine": "", "system": "", "document": "45/QĐ-BHXH",
        "on": TODAY().isoformat(), "until": (TODAY() + 90 * DAY).isoformat(), "note": "",
    }  # fmt: skip
    return given | changes


def test_a_word_on_what_people_decide(person, machines, tree) -> None:
    operator = person("vận-hành", "north", "operator")
    client, url = on(operator), f"/units/{tree['north'].pk}/attestations/new/"
    page = client.get(url).content.decode()
    assert "care.rules" in page
    assert "access.root" not in page, "a machine decides that"
    assert client.post(url, said(requirement="access.root")).status_code == 200
    assert client.post(url, said(until=(TODAY() - DAY).isoformat())).status_code == 200
    assert not Attestation.objects.exists()
    assert client.post(url, said() | {"file": paper()}).status_code == 302
    word = Attestation.objects.get()
    assert (word.by, word.role, word.attachment.type, word.level) == ("vận-hành", "Trưởng phòng", "pdf", 2)
    assert attesting.of(machines[0], "mini", 2).counting == {"care.rules": word}
    assert attesting.of(machines[2], "mini", 2).counting == {}
    assert attesting.of(machines[0], "mini", 3).counting == {}, "met at level 2 says nothing of level 3"
    assert "45/QĐ-BHXH" in client.get(f"/machines/{machines[0].pk}/").content.decode()
    client.post(url, said(state="not_met"))
    assert attesting.of(machines[0], "mini", 2).counting["care.rules"].state == "not_met", "of two of one day the worse"
    for one in Attestation.objects.all():
        client.post(f"/attestations/{one.pk}/take-back/")
    assert attesting.of(machines[0], "mini", 2).counting == {}
    assert Entry.objects.filter(action__startswith="attestation.").count() == 4


def test_a_word_takes_nothing_back_that_a_machine_saw(person, machines, tree) -> None:
    before = verdicts()
    score = overlay.score([tree["root"].path])
    on(person("a", "root", "admin")).post(f"/units/{tree['root'].pk}/attestations/new/", said(machine="may-1"))
    assert Attestation.objects.get().unit == tree["north"]
    assert (verdicts(), overlay.score([tree["root"].path])) == (before, score)


def test_a_word_on_an_information_system_speaks_of_its_machines_alone(person, machines, tree, monkeypatch) -> None:
    client = on(person("a", "root", "admin"))
    client.post(f"/units/{tree['north'].pk}/attestations/new/", said(system="Một cửa"))
    word = Attestation.objects.get()
    first = attesting.of(machines[0], "mini", 2)
    assert (first.counting, first.uncertain) == ({}, {"care.rules": [word]}), "which machines make it up is not known"
    page = client.get(f"/machines/{machines[0].pk}/").content.decode()
    assert "hệ thống thông tin Một cửa" in page
    assert "45/QĐ-BHXH" not in page
    monkeypatch.setattr(
        attesting, "MEMBERSHIP", [lambda machine, system: (machine.name, system) == ("may-1", "Một cửa"), lambda *_: None]
    )
    assert attesting.of(machines[0], "mini", 2) == ({"care.rules": word}, {})
    assert attesting.of(machines[1], "mini", 2) == ({}, {})
    client.post(f"/units/{tree['north'].pk}/attestations/new/", said(system="Khác", machine="may-2"))
    assert attesting.of(machines[1], "mini", 2).counting["care.rules"].system == "Khác", "it names the machine itself"


def test_in_a_merge_a_word_on_a_unit_ends_and_one_on_a_machine_goes_along(person, machines, tree) -> None:
    client = on(person("a", "root", "admin"))
    for name in ("", "may-1"):
        client.post(f"/units/{tree['north'].pk}/attestations/new/", said(machine=name))
    operations.merge([tree["north"]], tree["south"], By("test"), TODAY())
    first, third = Machine.objects.get(name="may-1"), Machine.objects.get(name="may-3")
    assert attesting.of(first, "mini", 2).counting["care.rules"].machine == first
    assert attesting.of(third, "mini", 2).counting == {}


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
