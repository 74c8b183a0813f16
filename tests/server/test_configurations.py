"""Versions of configurations: kept once, in the order they were in force, shown to whom they concern, forgotten by the rule."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from collectors.facts.configuration import Configuration
from collectors.facts.identity import Identity
from collectors.model import Kind, Platform, Record, Snapshot, Target, digest_of, new_id
from server.assess.models import Alarm
from server.configurations import difference, retention
from server.configurations.models import MonthEnd, Standing, Text, Version
from server.ingest.models import Machine, StoredSnapshot
from server.journal.models import Entry
from tests.server.people import Host, made, send

pytestmark = pytest.mark.django_db

BASE = "hostname SW1\ninterface Vlan10\n ip address 10.0.0.1 255.255.255.0\n shutdown\nline vty 0 4\n login\nend\n"
OPEN = BASE.replace(" shutdown\n", "")
NOW = datetime.now(UTC).replace(microsecond=0)


def snapshot(
    text: str | None,
    age: timedelta = timedelta(),
    name: str = "sw1",
    kind: Kind = Kind.SWITCH,
    serial: str | None = None,
    fact=(),
    **fields,
) -> Snapshot:
    """A switch as a station saw it; without a text it was not reached."""
    records = []
    if serial:
        identity = made(Identity, hostname=name, os_id="cisco_ios", os_name="Cisco IOS", os_family="network", serial=serial)
        records.append(Record(fact="identity", outcome="seen", data=identity.model_dump(mode="json")))
    if text is None:
        records.append(Record(fact="configuration", outcome="unreachable", reason="no answer from the device"))
    else:
        told = made(
            Configuration, **{"lines": text.count("\n"), "digest": "0" * 64, "text": text, "saved": True, **fields, **dict(fact)}
        )
        records.append(Record(fact="configuration", outcome="seen", data=told.model_dump(mode="json")))
    at = NOW - age
    return Snapshot(
        id=new_id(at.timestamp()), target=Target(name=name, kind=kind, platform=Platform.CISCO_IOS, via="ssh", address="192.0.2.1"),
        collected_at=at, seconds=1.0, collector="0.1.0", privileged=True, records=tuple(records), digest=digest_of(tuple(records)),
    )  # fmt: skip


@pytest.fixture
def seen(client: Client, host: Host):
    """Delivers a snapshot; the machine it is about."""

    def deliver(*args, by: Host = host, **kwargs) -> Machine:
        made_now = snapshot(*args, **kwargs)
        answer = send(client, by.seal(made_now))
        assert answer.status_code == 201, answer.content
        return Machine.objects.get(agent_id=by.agent, own=False, name=made_now.target.name)

    return deliver


def spans(machine: Machine) -> list[tuple[str, timedelta, timedelta]]:
    """(text, age of the first sight, age of the last) of each version, oldest first."""
    return [(one.text.text, NOW - one.first_at, NOW - one.last_at) for one in machine.configurations.order_by("first_at")]


def days(count: float) -> timedelta:
    return timedelta(days=count)


def test_a_version_is_kept_only_when_the_text_changed(seen) -> None:
    for age, text in ((5, BASE), (4, BASE), (3, OPEN), (2, OPEN), (1, BASE)):
        machine = seen(text, days(age), changed_by="vận-hành" if text == OPEN else None)
    assert spans(machine) == [(BASE, days(5), days(4)), (OPEN, days(3), days(2)), (BASE, days(1), days(1))]
    assert Text.objects.count() == 2, "the text that came back is stored once"
    assert [one.changed_by for one in machine.configurations.order_by("first_at")] == ["", "vận-hành", ""]
    assert machine.configuration.current.text.text == BASE


def test_what_arrives_late_finds_its_place(seen) -> None:
    machine = seen(BASE, days(9))
    seen(OPEN, days(3))
    seen(BASE, days(6))
    seen(OPEN, days(4))
    assert spans(machine) == [(BASE, days(9), days(6)), (OPEN, days(4), days(3))]
    seen(OPEN, days(1))
    seen(BASE, days(2))
    assert machine.configuration.current.text.text == OPEN, "what is older does not become the current one"
    seen(OPEN, days(0))
    standing = Standing.objects.get()
    assert (standing.current.text.text, NOW - standing.current.last_at) == (OPEN, days(0))
    assert NOW - standing.changed_at == days(3), "and nothing changed meanwhile"


def test_two_devices_share_a_text_and_not_their_versions(seen) -> None:
    one, two = seen(BASE), seen(BASE, name="sw2")
    assert Text.objects.count() == 1
    assert [machine.configurations.count() for machine in (one, two)] == [1, 1]


def test_a_text_too_long_to_be_sent_is_known_to_have_changed_and_no_more(seen, as_admin: Client) -> None:
    gap = [{"field": "text", "outcome": "unsupported", "reason": "too long"}]
    long: dict[str, object] = {"text": None, "unseen": gap}
    machine = seen(BASE, days(2))
    seen(BASE, days(1), fact=long | {"digest": "a" * 64})
    seen(BASE, days(0), fact=long | {"digest": "b" * 64})
    assert [one.text.text is None for one in machine.configurations.order_by("first_at")] == [False, True, True]
    newest, before, _ = machine.configurations.all()
    page = as_admin.get(f"/machines/{machine.pk}/configurations/compare/?old={before.pk}&new={newest.pk}").content.decode()
    assert "quá dài" in page
    assert "giống nhau" not in page
    assert as_admin.get(f"/machines/{machine.pk}/configurations/{newest.pk}/text/").status_code == 404


def test_a_digest_that_was_only_claimed_replaces_no_text(seen) -> None:
    machine = seen(BASE, days(1))
    digest = machine.configuration.current.text_id
    seen(OPEN, digest=digest)
    assert Standing.objects.get().current.text.text == OPEN


@pytest.mark.parametrize(
    ("story", "state"),
    [
        ([(BASE, 9, {"saved": False})], {"unsaved"}),
        ([(BASE, 9, {"saved": False}), (BASE, 1, {"saved": True})], set()),
        ([(BASE, 9, {"saved": None, "unseen": [{"field": "saved", "outcome": "denied", "reason": "no"}]})], set()),
        ([(BASE, 9, {}), (OPEN, 0.5, {})], {"changed"}),
        ([(BASE, 9, {}), (OPEN, 1.5, {})], set()),
        ([(BASE, 0.5, {})], set()),
        ([(None, 1, {})], {"never"}),
        ([(BASE, 9, {}), (None, 1, {})], {"missed"}),
        ([(BASE, 9, {"saved": False}), (None, 1, {})], {"unsaved", "missed"}),
        ([(BASE, 9, {}), (None, 3, {}), (BASE, 1, {})], set()),
    ],
)
def test_the_list_and_the_filter_agree_on_each_state(seen, as_admin: Client, story, state) -> None:
    for text, age, fields in story:
        machine = seen(text, days(age), **fields)
    for code in ("unsaved", "changed", "never", "missed"):
        shown = f"/machines/{machine.pk}/configurations/" in as_admin.get(f"/configurations/?state={code}").content.decode()
        assert shown == (code in state), code
    row = as_admin.get("/configurations/").content.decode()
    words = {
        "unsaved": "chưa lưu</span>",
        "changed": "24 giờ qua</span>",
        "never": "Chưa từng sao lưu</span>",
        "missed": "không lấy được</span>",
    }
    assert {code for code, said in words.items() if said in row} == state
    last = story[-1]
    assert ("đã lưu</span>" in row) == (last[0] is not None and last[2].get("saved", True) is True), (
        "never of a copy that is not the last word"
    )
    overview = as_admin.get("/machines/").content.decode()
    assert {code for code, said in words.items() if said.replace("span", "a") in overview} == state


def test_a_device_nobody_could_read_is_never_backed_up_and_a_server_is_not_asked(client: Client, host: Host, as_admin) -> None:
    snmp = snapshot(None).model_copy(
        update={"records": (), "target": Target(name="ups", kind=Kind.SWITCH, via="snmp", address="192.0.2.9")}
    )
    assert send(client, host.seal(snmp)).status_code == 201
    assert send(client, host.seal(host.snapshot())).status_code == 201
    page = as_admin.get("/configurations/").content.decode()
    assert re.findall(r'class="name" href="[^"]+">.*?<span>([^<]+)</span>', page) == ["ups"]
    assert "Chưa từng sao lưu</span>" in page
    assert not Standing.objects.filter(machine__own=True).exists()


def test_outsiders_get_404_and_readers_their_own(seen, person, another) -> None:
    station = another("trạm bắc", "north")
    machine = seen(BASE, days(2), by=station)
    seen(OPEN, days(1), by=station)
    newest, oldest = machine.configurations.all()
    pages = [
        f"/machines/{machine.pk}/configurations/",
        f"/machines/{machine.pk}/configurations/{newest.pk}/",
        f"/machines/{machine.pk}/configurations/{newest.pk}/text/",
        f"/machines/{machine.pk}/configurations/compare/?old={oldest.pk}&new={newest.pk}",
    ]
    for unit, status in (("north", 200), ("root", 200), ("south", 404)):
        reader = Client()
        reader.force_login(person(f"xem {unit}", unit), backend="django.contrib.auth.backends.ModelBackend")
        assert [reader.get(page).status_code for page in pages] == [status] * 4, unit
        listed = reader.get("/configurations/").content.decode()
        assert (f"/machines/{machine.pk}/" in listed) == (status == 200)
    assert [Client().get(page).status_code for page in pages] == [302] * 4


def test_a_version_of_another_machine_is_not_reached_through_ones_own(seen, as_admin: Client) -> None:
    one, two = seen(BASE), seen(OPEN, name="sw2")
    foreign = two.configurations.get().pk
    own = one.configurations.get().pk
    for page in (
        f"{foreign}/",
        f"{foreign}/text/",
        f"compare/?old={own}&new={foreign}",
        "compare/",
        "compare/?old=x&new=²",
        f"compare/?old={own}&new={10**30}",
    ):
        assert as_admin.get(f"/machines/{one.pk}/configurations/{page}").status_code == 404, page


def test_the_difference_names_the_block_and_escapes_what_the_device_said(seen, as_admin: Client) -> None:
    nasty = OPEN.replace("login", "login <script>alert(1)</script>")
    machine = seen(BASE, days(3))
    seen(nasty, days(1), changed_by="<b>ai đó</b>", changed_at=NOW - days(2))
    newest, oldest = machine.configurations.all()
    for query in (f"old={oldest.pk}&new={newest.pk}", f"old={newest.pk}&new={oldest.pk}"):
        page = as_admin.get(f"/machines/{machine.pk}/configurations/compare/?{query}").content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page
        assert "<b>ai đó" not in page
        assert "interface Vlan10" in page
        assert "<b>+1</b>" in page
        assert "<b>−2</b>" in page
    assert "<b>ai đó" not in as_admin.get(f"/machines/{machine.pk}/configurations/").content.decode()


def test_a_download_is_in_the_journal(seen, as_admin: Client) -> None:
    machine = seen(BASE)
    version = machine.configurations.get()
    answer = as_admin.get(f"/machines/{machine.pk}/configurations/{version.pk}/text/")
    assert answer.content.decode() == BASE
    assert "attachment" in answer["Content-Disposition"]
    assert Entry.objects.get(action="configuration.exported").detail == {"version": version.text_id}


def test_pages_speak_english_too(seen, as_admin: Client) -> None:
    machine = seen(BASE, saved=False)
    as_admin.cookies["rasoat_language"] = "en"
    pages = [
        "/configurations/",
        f"/machines/{machine.pk}/configurations/",
        f"/machines/{machine.pk}/configurations/{machine.configurations.get().pk}/",
    ]
    for page in pages:
        body = re.sub(r'lang="vi"|Tiếng Việt|Sở|quản-trị', "", as_admin.get(page).content.decode())
        assert re.findall(r"[ạảãấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹđ]", body) == [], page


def test_the_list_costs_the_same_for_two_devices_and_for_ten(seen, as_admin: Client) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for size in (2, 10):
        for number in range(size):
            seen(f"hostname S{size}-{number}\nend\n", name=f"s{size}-{number}")
        as_admin.get("/configurations/")  # notes once a minute that this person is here
        with CaptureQueriesContext(connection) as queries:
            as_admin.get("/configurations/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_last_copy_of_each_month_outlives_the_others(seen, settings) -> None:
    machine = seen(BASE)
    Version.objects.all().delete()
    MonthEnd.objects.all().delete()
    Text.objects.all().delete()
    year = NOW.year - 3
    for day in ((1, 5), (1, 20), (1, 31), (2, 10), (2, 28), (3, 3)):
        at = datetime(year, *day, 12, tzinfo=UTC)
        seen(f"hostname D{day[0]}-{day[1]}\nend\n", NOW - at)
    seen("hostname NOW\nend\n", timedelta())
    settings.CONFIG = settings.CONFIG.model_copy(update={"keep_configuration_days": 30, "keep_configuration_months": 0})
    retention.prune()
    left = [re.search(r"hostname (\S+)", one.text.text)[1] for one in machine.configurations.order_by("first_at")]
    assert left == ["D1-31", "D2-28", "D3-3", "NOW"]
    assert Text.objects.count() == 4, "texts nobody refers to are gone"
    settings.CONFIG = settings.CONFIG.model_copy(update={"keep_configuration_months": 12})
    retention.prune()
    assert [one.text.text for one in machine.configurations.all()] == ["hostname NOW\nend\n"]


def test_an_unchanged_configuration_is_never_forgotten(seen, settings) -> None:
    machine = seen(BASE, days(900))
    settings.CONFIG = settings.CONFIG.model_copy(update={"keep_configuration_days": 1, "keep_configuration_months": 1})
    retention.prune()
    assert machine.configurations.count() == 1


def test_the_page_says_whether_a_copy_was_made_on_the_last_day(seen, as_admin: Client) -> None:
    machine = seen(BASE)
    today = NOW.astimezone().date()
    first = retention.months_back(today, 0)
    last_month, before = first - timedelta(days=1), retention.months_back(today, 1) - timedelta(days=3)
    machine.created_at = NOW - days(100)
    machine.save()
    for day in (last_month, before):
        seen(BASE, NOW - datetime(day.year, day.month, day.day, 5, tzinfo=UTC))
    page = as_admin.get(f"/machines/{machine.pk}/configurations/").content.decode()
    rows = re.findall(r"<td>(\d\d/\d{4})</td>.*?tag (good|warn)", page, re.S)
    assert rows[:2] == [(f"{last_month:%m/%Y}", "good"), (f"{before:%m/%Y}", "warn")]


def test_a_target_under_two_names_raises_an_alarm_once(seen) -> None:
    seen(BASE, days(3), serial="FOC1234X0AB")
    renamed = seen(BASE, days(2), name="sw-tang-3", serial="FOC1234X0AB")
    seen(BASE, days(1), name="sw-tang-3", serial="FOC1234X0AB")
    seen(BASE, days(1), name="sw9", serial="FOC9999X0AB")
    alarm = Alarm.objects.get(kind="same-device")
    assert (alarm.machine, alarm.times, alarm.detail["target"]) == (renamed, 1, "sw1")


def test_the_kind_of_a_target_follows_the_station_s_file_and_other_takes_nothing_back(seen) -> None:
    machine = seen(BASE, days(5), kind=Kind.OTHER)
    assert machine.kind == "other"
    assert seen(BASE, days(4), kind=Kind.ROUTER).kind == "router"
    assert seen(BASE, days(3), kind=Kind.OTHER).kind == "router"
    assert seen(BASE, days(2), kind=Kind.FIREWALL).kind == "firewall"
    assert seen(BASE, days(4.5), kind=Kind.SWITCH).kind == "firewall", "what arrives late changes nothing"
    assert Entry.objects.filter(action="machine.kind").count() == 2


def test_a_bug_in_keeping_loses_no_facts(seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "prune", lambda machine: 1 // 0)
    machine = seen(BASE)
    assert StoredSnapshot.objects.count() == 1
    assert machine.configurations.count() == 0
    assert Alarm.objects.get().kind == "not-kept"


def test_the_same_snapshot_twice_counts_once(client: Client, host: Host) -> None:
    blob = host.seal(snapshot(BASE))
    assert [send(client, blob).status_code for _ in range(3)] == [201, 200, 200]
    assert (StoredSnapshot.objects.count(), Version.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("old", "new", "added", "removed"),
    [
        ("a\nb\n", "a\nb\n", 0, 0),
        ("", "a\n", 1, 0),
        ("a\n", "", 0, 1),
        ("!\n" * 3000 + "x\n" + "!\n" * 3000, "!\n" * 3000 + "y\n" + "!\n" * 3000, 1, 1),
    ],
)
def test_what_was_added_and_removed(old: str, new: str, added: int, removed: int) -> None:
    assert difference.counts(difference.hunks(old, new)) == (added, removed)


def test_two_texts_with_nothing_in_common_are_not_compared() -> None:
    with pytest.raises(difference.TooLong):
        difference.hunks("".join(f"a{n}\n" for n in range(15_000)), "".join(f"b{n}\n" for n in range(15_000)))


def test_a_month_before_another() -> None:
    assert retention.months_back(date(2026, 3, 31), 1) == date(2026, 2, 1)
    assert retention.months_back(date(2026, 1, 5), 13) == date(2024, 12, 1)
    assert retention.months_back(date(2026, 12, 5), 0) == date(2026, 12, 1)
