"""Deadlines: where they come from, who answers, that somebody says they are met with proof, and that people hear of them in time."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from collectors.facts.certificates import Certificate, Certificates
from collectors.model import Record
from server.assignments import changing
from server.assignments.changing import Wish
from server.calendar import certificates, dates, events, ical, reminding
from server.calendar.events import Reach
from server.calendar.models import Certificate as Kept
from server.calendar.models import Done, OwnDate, Reminder, Setting
from server.campaigns.models import Campaign, Row
from server.feeds.models import Feed, Generation
from server.ingest.models import Machine
from server.journal.models import Entry
from server.outlets.messages import RAISED
from server.programs.models import Key
from server.registers.models import Item, System
from tests.server import campaigns
from tests.server.assignments import rule
from tests.server.people import made, send
from tests.server.test_programs import key_of
from tests.server.waivers import PDF, granted, on, paper

pytestmark = pytest.mark.django_db
YEAR = (date(2027, 1, 1), date(2027, 12, 31))


def days(rule_id: str, first: date = YEAR[0], last: date = YEAR[1]) -> list[str]:
    return [day.isoformat() for day in dates.rules()[rule_id].when.between(first, last)]


@pytest.fixture
def operator(person):
    return person("vận-hành", role="operator")


def test_every_day_of_law_says_what_it_rests_on_in_both_languages() -> None:
    rules = dates.rules()
    assert {
        "nd331-report-to-owner",
        "nd331-report-to-ministry",
        "ct14-checks",
        "nd331-transition-measures",
        "qd3582-quarterly",
    } <= set(rules)
    for one in rules.values():
        assert one.source.document
        assert one.title.vi != one.title.en
        assert list(one.when.between(date(2024, 1, 1), date(2028, 1, 1))), one.id
    assert rules["ct14-checks"].wording == "not_seen"


def test_days_fall_where_the_texts_say() -> None:
    assert days("nd331-report-to-owner") == ["2027-12-20"]
    assert days("nd331-report-to-ministry") == ["2027-12-25"]
    assert days("qd3582-quarterly") == ["2027-01-10", "2027-04-10", "2027-07-10", "2027-10-10"]
    assert days("nd331-transition-measures") == ["2027-06-30"]
    assert days("qd2358-configurations")[:2] == ["2027-01-31", "2027-02-28"]
    assert days("qd2358-configurations", date(2028, 2, 1), date(2028, 2, 29)) == ["2028-02-29"]
    assert len(days("qd510-incident-team")) == 4
    quarterly = dates.rules()["qd3582-quarterly"]
    assert quarterly.last(date(2027, 1, 10)) == date(2027, 1, 9), "before the tenth is the ninth at the latest"


def test_a_file_of_the_administrator_adds_and_a_wrong_one_is_refused_by_name(settings, tmp_path) -> None:
    from server.config import Data

    settings.DATA = Data(tmp_path)
    own = tmp_path / "calendar.yaml"
    own.write_text(
        "- {id: own-report, title: {vi: Báo cáo riêng, en: Own report}, who: {vi: Phòng, en: Office}, when: {yearly: [03-05]},\n"
        "   source: {document: 1/QĐ, clause: {vi: Điều 1, en: article 1}}, wording: seen, where: centre}\n"
    )
    assert dates.rules()["own-report"].when.yearly == ("03-05",)
    for wrong in ("- {id: x}", "a: [", "- {id: own-report, when: {yearly: [13-45]}}", "7"):
        own.write_text(wrong)
        with pytest.raises(dates.Unreadable, match=r"calendar\.yaml"):
            dates.rules()


def test_own_days_repeat_and_the_31st_falls_on_the_last_day() -> None:
    one = OwnDate(day=date(2027, 1, 31), repeats=OwnDate.MONTH)
    assert [str(day) for day in one.between(date(2027, 2, 1), date(2027, 4, 30))] == ["2027-02-28", "2027-03-31", "2027-04-30"]
    assert list(OwnDate(day=date(2027, 1, 31), repeats=OwnDate.NEVER).between(*YEAR)) == [date(2027, 1, 31)]
    ended = OwnDate(day=date(2024, 2, 29), repeats=OwnDate.YEAR, until=date(2026, 12, 31))
    assert [str(day) for day in ended.between(date(2025, 1, 1), date(2030, 1, 1))] == ["2025-02-28", "2026-02-28"]


def gathered(user, unit, kinds=events.KINDS, ahead: int = 400) -> list[events.Event]:
    today = timezone.localdate()
    return events.gather(Reach(user, unit), today - timedelta(days=1), today + timedelta(days=ahead), kinds)


def test_records_with_a_day_are_there_and_those_of_others_are_not(client, host, operator, admin, person, tree) -> None:
    today = timezone.localdate()
    assert send(client, host.seal(host.snapshot())).status_code == 201
    machine = Machine.objects.get()
    second = person("duyệt", role="approver")
    waiver = granted(tree["root"], operator, second, [machine])
    changing.take(tree["root"], rule(), [machine], Wish(operator, today + timedelta(days=3)), operator)
    Item.objects.create(unit=tree["north"], name="máy chủ", warranty_until=today + timedelta(days=20), created_by="x")
    Item.objects.create(unit=tree["north"], name="không ghi ngày", created_by="x")
    feed = Feed.objects.create(name="debian", kind="debian", limit_days=10)
    feed.generation = Generation.objects.create(feed=feed, data_date=today, digest="0" * 64)
    feed.save()
    found = {one.key: one for one in gathered(admin, tree["root"])}
    assert found[f"waiver:{waiver.pk}"].source == "12/QĐ-CNTT"
    assert found[f"work:{tree['root'].pk}:{operator.pk}"].last == today + timedelta(days=3)
    assert found[f"warranty:{tree['north'].pk}"].day == today + timedelta(days=20)
    assert found["feed:debian"].day == today + timedelta(days=10)
    south = person("nam", "south", "operator")
    kinds = {one.kind for one in gathered(south, tree["south"])}
    assert kinds <= {"law", "feed"}, "nothing of the north, nothing of the root"


def test_who_answers_follows_from_the_place_or_from_what_the_unit_says(admin, tree) -> None:
    def law(unit) -> set[str]:
        return {one.key.removeprefix("law:") for one in gathered(admin, unit, ["law"])}

    assert "nd331-report-to-owner" in law(tree["root"])
    assert "nd331-report-to-owner" not in law(tree["north"])
    assert "qd3582-quarterly" in law(tree["north"])
    page = f"/calendar/units/{tree['root'].pk}/settings/"
    client = on(admin)
    given = {"lead_days": "20, 5", "rules": ["nd331-report-to-owner", "tcvn14423-patches"], "version": 0}
    assert client.post(page, given).status_code == 422, "left out without a reason"
    assert client.post(page, given | {"why": "đơn vị theo lịch 20/12"}).status_code == 302
    assert law(tree["root"]) >= {"nd331-report-to-owner", "tcvn14423-patches"}
    assert "ct14-checks" not in law(tree["root"])
    assert events.lead_days(tree["north"]) == [20, 5], "what the unit above says holds below"
    again = client.post(page, given | {"why": "khác", "version": 0})
    assert again.status_code == 409
    assert "quản-trị" in again.content.decode()
    assert Setting.objects.get().off["ct14-checks"] == "đơn vị theo lịch 20/12"


def test_it_is_done_by_whom_when_and_with_proof_and_taken_back_by_name(operator, person, tree) -> None:
    event = gathered(operator, tree["root"], ["law"])[0]
    page = f"/calendar/day/?key={event.key}&day={event.day}&unit={event.unit.pk}"
    client = on(operator)
    assert client.get(page).status_code == 200
    today = timezone.localdate().isoformat()
    answer = client.post(page, {"on": today, "document": "12/BC-CNTT", "note": "", "file": paper()})
    assert answer.status_code == 302
    done = Done.objects.get()
    assert (done.by, done.document, bytes(done.attachment.content)) == ("vận-hành", "12/BC-CNTT", PDF)
    file = client.get(f"/calendar/done/{done.pk}/file/")
    assert file["Content-Disposition"].startswith("attachment")
    viewer = on(person("xem", role="viewer"))
    assert viewer.post(f"/calendar/done/{done.pk}/take-back/").status_code == 404
    assert on(person("nam", "south", "operator")).get(f"/calendar/done/{done.pk}/file/").status_code == 404
    assert client.post(f"/calendar/done/{done.pk}/take-back/").status_code == 302
    done.refresh_from_db()
    assert done.taken_back_by == "vận-hành"
    assert [entry.action for entry in Entry.objects.filter(action__startswith="calendar.")] == [
        "calendar.taken-back",
        "calendar.done",
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"on": "2999-01-01", "document": "1/BC"},
        {"on": "2026-01-01", "document": ""},
        {"on": "hôm qua", "document": "1/BC"},
        {"on": "2026-01-01", "document": "1/BC", "file": paper("a.exe", b"MZ\x90\x00\x03")},
    ],
)
def test_a_word_without_proof_or_ahead_of_time_is_not_taken(operator, tree, given) -> None:
    event = gathered(operator, tree["root"], ["law"])[0]
    answer = on(operator).post(f"/calendar/day/?key={event.key}&day={event.day}&unit={event.unit.pk}", given)
    assert answer.status_code == 422
    assert not Done.objects.exists()


@pytest.mark.parametrize(
    "asked", ["", "key=law:nd331-figures&day=2027-01-03", "key=law:x&day=9999-99-99", "key=waiver:1&day=2027-01-01"]
)
def test_what_falls_on_no_such_day_is_not_there(operator, tree, asked) -> None:
    assert on(operator).get(f"/calendar/day/?{asked}").status_code == 404


def test_units_are_told_once_a_step_and_not_of_what_is_done(operator, tree) -> None:
    OwnDate.objects.create(
        unit=tree["north"], title="Gia hạn hồ sơ", who="Phòng Bắc", source="1/QĐ", day=date(2027, 3, 20), changed_by="x"
    )

    def told(day: date) -> list[str]:
        before = Entry.objects.filter(action="calendar.reminder").count()
        reminding.remind(day)
        new = Entry.objects.filter(action="calendar.reminder").order_by("pk")[before:]
        return [entry.subject for entry in new if entry.unit_path == tree["north"].path and "Gia hạn hồ sơ" in entry.subject]

    assert told(date(2027, 2, 1)) == []
    assert len(told(date(2027, 2, 20))) == 1
    assert told(date(2027, 2, 21)) == []
    assert len(told(date(2027, 3, 14))) == 1
    assert len(told(date(2027, 3, 21))) == 1, "it is over"
    assert told(date(2027, 3, 22)) == []
    assert "calendar.reminder" in RAISED, "outlets carry it further"
    one = OwnDate.objects.get()
    Reminder.objects.all().delete()
    Done.objects.create(unit=tree["north"], key=f"own:{one.pk}", day=one.day, title="x", on=one.day, by="x", document="1/BC")
    assert told(date(2027, 3, 14)) == []


def test_the_second_of_two_who_change_a_day_is_refused_by_name_and_sees_both(operator, person, tree) -> None:
    client, other = on(operator), on(person("người-hai", role="operator"))
    given = {"title": "Gia hạn", "who": "Phòng", "source": "1/QĐ", "day": "2027-03-20", "repeats": "never", "until": ""}
    assert client.post(f"/calendar/own/new/?unit={tree['root'].pk}", given).status_code == 302
    page = f"/calendar/own/{OwnDate.objects.get().pk}/"
    assert client.post(page, given | {"title": "Gia hạn một", "version": 0}).status_code == 302
    answer = other.post(page, given | {"title": "Gia hạn hai", "version": 0})
    assert answer.status_code == 409
    assert all(word in answer.content.decode() for word in ("vận-hành", "Gia hạn một", "Gia hạn hai"))
    assert OwnDate.objects.get().title == "Gia hạn một"


def test_calendar_programs_read_it_by_a_key_that_opens_nothing_else(operator, admin, person, tree) -> None:
    OwnDate.objects.create(
        unit=tree["north"], title="Họp; giao ban, " + "rất dài " * 20 + "\nBEGIN:VEVENT", who="x", source="1/QĐ",
        day=timezone.localdate() + timedelta(days=5), changed_by="x",
    )  # fmt: skip
    page = on(person("bắc", "north", "operator")).post("/calendar/address/", {"unit": tree["north"].pk}).content.decode()
    address = re.search(r"/calendar/feed/rsk1\.[0-9a-f]+\.[0-9a-f]+\.ics", page)
    assert address
    answer = Client().get(address[0])
    text = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    assert text.startswith("BEGIN:VCALENDAR\r\n")
    assert text.endswith("END:VCALENDAR\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    whole = text.replace("\r\n ", "")
    assert "Họp\\; giao ban\\, " in whole
    assert whole.count("\r\nBEGIN:VEVENT\r\n") == whole.count("\r\nEND:VEVENT\r\n")
    assert "\\nBEGIN:VEVENT" in whole
    assert len(re.findall(r"^UID:(.*)\r$", whole, re.M)) == len(set(re.findall(r"^UID:(.*)\r$", whole, re.M)))
    key = Key.objects.get()
    assert key.scopes == ["calendar"]
    text_of_key = address[0].removeprefix("/calendar/feed/").removesuffix(".ics")
    assert Client().get("/api/v1/units", headers={"Authorization": f"Bearer {text_of_key}"}).status_code == 403
    wide = key_of(admin, tree["root"])
    assert Client().get(f"/calendar/feed/{wide}.ics").status_code == 404, "a key that opens more is no address"
    key.revoked_at = timezone.now()
    key.save()
    assert Client().get(address[0]).status_code == 404


def test_an_address_ends_with_the_rights_of_whoever_made_it(person, tree) -> None:
    user = person("bắc", "north", "operator")
    page = on(user).post("/calendar/address/", {"unit": tree["north"].pk}).content.decode()
    address = re.findall(r"/calendar/feed/rsk1\.[0-9a-f]+\.[0-9a-f]+\.ics", page)[0]
    assert Client().get(address).status_code == 200
    user.memberships.update(unit=tree["south"])
    answer = Client().get(address)
    assert (answer.status_code, tree["north"].name in answer.content.decode()) == (404, False), "moved to another unit"
    user.memberships.update(unit=tree["north"], until=timezone.localdate() - timedelta(days=1))
    assert Client().get(address).status_code == 404, "no right any more"
    user.memberships.update(until=None)
    assert Client().get(address).status_code == 200
    type(user).objects.filter(pk=user.pk).update(is_active=False)
    assert Client().get(address).status_code == 404, "left"


def test_a_level_is_approved_by_a_decision_and_not_by_a_word(admin, tree) -> None:
    today = timezone.localdate()
    one = System.objects.create(
        unit=tree["north"], name="một cửa", approval="approved", approval_expected=today + timedelta(days=9)
    )
    assert not gathered(admin, tree["root"], ["system"])[0].over
    System.objects.filter(pk=one.pk).update(level_approved="3", decision_number="1/QĐ", decision_date=today)
    assert gathered(admin, tree["root"], ["system"])[0].over


def test_what_was_done_too_late_says_so(operator, tree) -> None:
    today = timezone.localdate()
    one = OwnDate.objects.create(
        unit=tree["root"], title="Gia hạn", who="x", source="1/QĐ", day=today - timedelta(days=9), changed_by="x"
    )
    Done.objects.create(unit=tree["root"], key=f"own:{one.pk}", day=one.day, title="x", on=today, by="x", document="1/BC")
    page = on(operator).get("/calendar/?kind=own").content.decode()
    assert ">chậm<" in page.partition("<tbody>")[2]


def test_a_closed_campaign_that_machines_did_not_meet_says_how_many(client, host, admin, person, tree) -> None:
    assert send(client, host.seal(host.snapshot())).status_code == 201
    campaigns.running(tree["root"], tree["root"], Machine.objects.get(), "a")
    first = gathered(admin, tree["root"], ["campaign"])[0]
    assert not first.over
    Campaign.objects.update(state=Campaign.CLOSED, closed_by="lan", closed_at=timezone.now())
    for state, met in (
        ("missing", False),
        ("never", False),
        ("not-done", False),
        ("unknown", False),
        ("excused", True),
        ("done", True),
    ):
        Row.objects.update(state=state)
        event = gathered(admin, tree["root"], ["campaign"])[0]
        assert (event.over, event.met, event.unmet) == (True, met, 0 if met else 1), state
        assert ("còn 1 máy chưa hoàn thành" in event.closed) is not met
        text = ical.document("x", [event], "h", timezone.now())
        assert ("✓" in text, "máy chưa hoàn" in text) == (met, not met)
        page = on(admin).get("/calendar/?kind=campaign").content.decode().partition("<tbody>")[2]
        assert ('tag good"' in page, 'tag bad"' in page) == (met, not met)
    Row.objects.update(state="missing", place="later")
    assert gathered(admin, tree["root"], ["campaign"])[0].met, "what came later was never asked"
    south = campaigns.running(tree["root"], tree["south"], Machine.objects.get(), "b")
    Campaign.objects.filter(pk=south.campaign_id).update(state=Campaign.CLOSED, closed_by="lan")
    Row.objects.filter(part=south).update(state="done")
    [theirs] = gathered(person("nam", "south", "operator"), tree["south"], ["campaign"])
    assert theirs.met, "of the others' machines a unit is told nothing"


def test_the_notice_stays_until_it_was_done_or_the_unit_is_excused(operator, admin, tree) -> None:
    today = timezone.localdate()
    day = today - timedelta(days=60)
    one = OwnDate.objects.create(unit=tree["root"], title="Gia hạn hồ sơ", who="x", source="1/QĐ", day=day, changed_by="x")

    def stands() -> tuple[int, bool]:
        """What the notice says, and whether the list it leads to and calendar programs show the day."""
        reminding.remind(today)
        shown = "Gia hạn hồ sơ" in on(operator).get("/calendar/?kind=own").content.decode()
        return Reminder.objects.filter(key=f"own:{one.pk}").values("day").distinct().count() and reminding.told(operator), shown

    assert stands() == (0, False), "over for long when the collector first looked"
    reminding.remind(day + timedelta(days=1))
    Reminder.objects.exclude(key=f"own:{one.pk}").delete()
    assert stands()[1]
    mine = reminding.told(operator)
    assert Reminder.objects.filter(key=f"own:{one.pk}", day=day).exists()
    done = Done.objects.create(unit=tree["root"], key=f"own:{one.pk}", day=day, title="x", on=today, by="x", document="1/BC")
    assert reminding.told(operator) == mine - 1
    assert not stands()[1]
    done.taken_back_at = timezone.now()
    done.save()
    assert stands() == (mine, True), "it was not done after all"
    OwnDate.objects.filter(pk=one.pk).update(day=today + timedelta(days=300))
    reminding.remind(today)
    assert reminding.told(operator) == mine - 1, "it falls on another day now"
    law = Reminder.objects.create(unit=tree["root"], key="law:nd331-report-to-owner", day=date(today.year - 2, 12, 20), step=-1)
    reminding.remind(today)
    assert reminding.told(operator) == mine
    Setting.objects.create(unit=tree["root"], off={"nd331-report-to-owner": "đơn vị khác báo cáo"}, changed_by="x")
    reminding.remind(today)
    assert not Reminder.objects.filter(pk=law.pk).exists(), "excused"


def test_what_the_register_alone_ends_leaves_the_notice_and_what_it_still_names_stays(client, host, operator, tree) -> None:
    today = timezone.localdate()
    assert send(client, host.seal(host.snapshot())).status_code == 201
    end = timezone.now() - timedelta(days=30)
    held = Kept.objects.create(machine=Machine.objects.get(), path="/etc/ssl/a.pem", not_after=end, seen_at=end)
    item = Item.objects.create(unit=tree["root"], name="máy", warranty_until=timezone.localdate(end), created_by="x")
    reminding.remind(today - timedelta(days=29))
    both = {f"certificate:{tree['root'].pk}", f"warranty:{tree['root'].pk}"}
    told = lambda: both & set(Reminder.objects.values_list("key", flat=True))  # noqa: E731
    assert told() == both
    reminding.remind(today)
    assert told() == {f"certificate:{tree['root'].pk}"}, "a warranty has ended for ever, a certificate is still in use"
    assert "1 " in on(operator).get("/calendar/?kind=certificate").content.decode().partition("<tbody>")[2]
    held.delete()
    item.delete()
    reminding.remind(today)
    assert told() == set()


def test_lines_are_folded_between_characters() -> None:
    line = "SUMMARY:" + "ộ" * 100
    assert ical.folded(line).replace("\r\n ", "") == line
    assert all(len(part.encode()) <= 75 for part in ical.folded(line).split("\r\n"))


def test_the_month_and_the_list_show_the_same(operator, tree) -> None:
    client = on(operator)
    month = client.get("/calendar/?month=2026-12").content.decode()
    assert month.count('class="month"') == 1
    assert "gửi Bộ Công an" in month
    assert "chưa đọc văn bản gốc" in month
    for odd in ("2026-13", "abc", "9999-12", "0001-01"):
        assert client.get(f"/calendar/?month={odd}").status_code == 200
    lines = b"".join(client.get("/calendar/calendar.csv").streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("day,last_day,kind,title")
    assert len(lines) > 10


def certified(*rows: dict[str, object] | None) -> Record:
    told = None if None in rows else tuple(Certificate(path="/etc/ssl/a.pem", used_by=("nginx",), **(row or {})) for row in rows)
    fact = made(Certificates, certificates=told)
    return Record(fact="certificates", outcome="seen", data=fact.model_dump(mode="json"))


@pytest.mark.on_both
def test_certificates_end_where_a_report_saw_them_and_one_that_did_not_takes_none_away(client, host, admin, tree) -> None:
    end = timezone.now().replace(microsecond=0) + timedelta(days=20)
    default = Certificate(path="/etc/ssl/b.pem", used_by=("default",), not_after=end)
    seen = certified({"subject": "CN=cong.example", "not_after": end}, {"subject": "CN=khong-doc-duoc"})
    assert seen.data is not None
    seen.data["certificates"].append(default.model_dump(mode="json"))
    assert send(client, host.seal(host.snapshot(age=timedelta(hours=2), extra=(seen,)))).status_code == 201
    assert certificates.read() == (0, 1)
    assert certificates.read() == (0, 0), "the same facts are not read again"
    [event] = gathered(admin, tree["root"], ["certificate"])
    assert (event.day, event.unit) == (timezone.localdate(end), tree["root"])
    assert "1 " in event.title
    assert host.name in event.title
    assert send(client, host.seal(host.snapshot(age=timedelta(hours=1), extra=(certified(None),)))).status_code == 201
    assert certificates.read() == (0, 1)
    assert len(gathered(admin, tree["root"], ["certificate"])) == 1, "not seen is not gone"
    assert send(client, host.seal(host.snapshot(extra=(certified(),)))).status_code == 201
    certificates.read()
    assert gathered(admin, tree["root"], ["certificate"]) == []


def test_certificates_that_a_report_could_not_read_end_as_they_were_seen(client, host) -> None:
    end = timezone.now().replace(microsecond=0) + timedelta(days=20)
    hours = iter(range(20, 0, -1))

    def read(*rows: Certificate) -> set[str]:
        fact = made(Certificates, certificates=rows)
        record = Record(fact="certificates", outcome="seen", data=fact.model_dump(mode="json"))
        assert send(client, host.seal(host.snapshot(age=timedelta(hours=next(hours)), extra=(record,)))).status_code == 201
        certificates.read()
        return set(Kept.objects.values_list("path", flat=True))

    held = {name: Certificate(path=name, used_by=("nginx",), not_after=end) for name in ("/a.pem", "/b.pem", r"Cert:\My\1")}
    lost = Certificate(path="/a.pem", used_by=("nginx",))
    assert read(*held.values()) == set(held)
    assert read(lost, held["/b.pem"]) == {"/a.pem", "/b.pem"}, "there, and not read"
    assert read(Certificate(path="(postfix)", used_by=("postfix",))) == {"/a.pem", "/b.pem"}, "whose they are was not seen"
    assert read(held["/b.pem"]) == {"/b.pem"}, "all was seen, and one is gone"
    assert read(held[r"Cert:\My\1"]) == {r"Cert:\My\1"}
    assert read(Certificate(path="(nginx)", used_by=("nginx",))) == set(), "nginx uses no store of Windows"
    assert read(held[r"Cert:\My\1"]) == {r"Cert:\My\1"}
    ready = held[r"Cert:\My\1"].model_copy(update={"used_by": ("store",)})
    assert read(ready, Certificate(path="(http-sys)", used_by=("http-sys",))) == {r"Cert:\My\1"}
    assert read(ready) == set(), "nobody shows it"
