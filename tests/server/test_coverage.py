"""Coverage: who is expected and who reports; no gap hides, and switching a machine off raises nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.discovery.result import Coverage, Discovery, Found
from server.coverage import lists, numbers, register
from server.coverage.models import Expected, Listing
from server.ingest.models import Agent, Machine, StoredSnapshot
from server.units.models import Unit
from tests.server.newest import repeat
from tests.server.people import MEDIA_TYPE, Host

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)
AD = """#TYPE Microsoft.ActiveDirectory.Management.ADComputer
"Name","DNSHostName","Enabled","OperatingSystem","IPv4Address"
"PC-KT-01","pc-kt-01.bhxh.example","True","Windows 10 Pro","10.1.0.11"
"PC-KT-02","pc-kt-02.bhxh.example","True","Windows 11 Pro","10.1.0.12"
"PC-CU","pc-cu.bhxh.example","False","Windows 7 Professional",""
"SRV-DB","srv-db.bhxh.example","True","Windows Server 2022 Standard","10.1.0.5"
"""
DHCPD = """authoring-byte-order little-endian;
lease 10.1.0.50 {
  starts 0 2026/11/29 01:00:00;
  ends 0 2026/11/29 23:00:00;
  binding state active;
  hardware ethernet 52:54:00:aa:bb:01;
  client-hostname "may-in-tang-2";
}
"""


def table(*rows: str) -> bytes:
    return "\n".join(("tên máy;địa chỉ mac;loại;mã đơn vị", *rows)).encode()


def taken(unit: Unit, source: str, raw: bytes | str, name: str = "list.csv", now: datetime | None = None, **how) -> register.Plan:
    data = raw.encode() if isinstance(raw, str) else raw
    at = now or timezone.now()
    return register.take(unit, source, name, data, lists.read(source, data, name, at), "test", at, **how)


def send(client: Client, host: Host):
    return client.post("/api/v1/snapshots", host.seal(host.snapshot()), content_type=MEDIA_TYPE)


def counted(unit: Unit | None = None) -> numbers.Numbers:
    return numbers.branches(None, unit, timezone.now())[0]


def names(gap: str, unit: Unit | None = None) -> list[str]:
    return [row.name for row in numbers.gap(None, gap, unit, timezone.now())]


def test_a_directory_tells_who_is_expected(tree) -> None:
    read = lists.read("ad", AD.encode("utf-16"), "ad.csv", NOW)
    assert [(line.hostname, line.kind) for line in read.lines] == [
        ("pc-kt-01", "workstation"),
        ("pc-kt-02", "workstation"),
        ("srv-db", "server"),
    ]
    assert "1 accounts" in read.notes[0]
    plan = taken(tree["north"], "ad", AD, "ad.csv")
    assert (plan.new, plan.matched) == (3, 0)
    assert vars(counted()) == {"expected": 3, "seen": 0, "fresh": 0, "judged": 0, "excused": 0}
    assert counted(tree["south"]).expected == 0
    assert names("absent") == ["pc-kt-01.bhxh.example", "pc-kt-02.bhxh.example", "srv-db.bhxh.example"]


def test_who_enrols_is_the_one_the_list_means(client, another, tree) -> None:
    taken(tree["root"], "ad", AD)
    host = another("PC-KT-01", unit="north")
    assert counted().expected == 3, "the line and the machine are one"
    assert names("never") == ["PC-KT-01"]
    assert send(client, host).status_code == 201
    assert vars(counted()) == {"expected": 3, "seen": 1, "fresh": 1, "judged": 1, "excused": 0}
    assert names("absent") == ["pc-kt-02.bhxh.example", "srv-db.bhxh.example"]
    assert names("unlisted") == []
    another("la", unit="north")
    assert counted().expected == 4
    assert names("unlisted") == ["la"]


def test_a_hardware_address_says_more_than_a_name(client, another, tree) -> None:
    """The list calls it otherwise; the card it tells of itself is on the list."""
    taken(tree["root"], "csv", table("may-moi;52-54-00-12-34-56;máy chủ;"))
    host = another("srv-x")
    assert counted().expected == 2
    send(client, host)
    assert counted().expected == 1
    row = Expected.objects.get()
    assert (row.matched_by, row.machine.name) == ("mac", "srv-x")


def test_one_name_in_two_offices_is_two_machines(another, tree) -> None:
    taken(tree["root"], "csv", table("pc01;;pc;Phòng Bắc", "pc01;52:54:00:00:00:02;pc;Phòng Nam"))
    another("pc01", unit="north")
    assert counted(tree["north"]).expected == 1
    assert counted(tree["south"]).expected == 1
    assert names("absent") == ["pc01"]
    assert [row.unit.name for row in numbers.gap(None, "absent", None, NOW)] == ["Phòng Nam"]


def test_one_name_without_a_card_in_two_offices_is_two_machines_as_well(tree) -> None:
    taken(tree["root"], "csv", table("pc01;;pc;Phòng Bắc", "pc01;;pc;Phòng Nam"))
    assert counted().expected == 2


def test_an_address_that_answers_again_is_no_second_machine(tree) -> None:
    leased = DHCPD.replace("  hardware ethernet 52:54:00:aa:bb:01;\n", "").replace('  client-hostname "may-in-tang-2";\n', "")
    for _ in range(2):
        taken(tree["root"], "dhcp", leased, "dhcpd.leases", now=NOW)
    assert counted().expected == 1


def test_a_name_that_fits_two_machines_fits_none(another, tree) -> None:
    another("pc01", unit="north")
    another("pc01", unit="south")
    taken(tree["root"], "csv", table("pc01;;pc;"))
    assert names("ambiguous") == ["pc01"]
    assert counted().expected == 3
    # one of them moves out of the way
    Machine.objects.filter(unit=tree["south"]).update(name="pc02", hostname="pc02")
    taken(tree["root"], "csv", table("pc01;;pc;"))
    assert names("ambiguous") == []
    assert counted().expected == 2


def test_what_a_newer_register_lacks_is_no_longer_expected(tree) -> None:
    taken(tree["root"], "csv", table("a;;;", "b;;;", "c;;;"))
    assert taken(tree["root"], "csv", table("a;;;", "b;;;")).gone == 1
    assert names("absent") == ["a", "b"]
    assert Expected.objects.count() == 3, "the line stays as history"
    assert taken(tree["root"], "csv", table("a;;;", "b;;;", "c;;;")).known == 3
    assert names("absent") == ["a", "b", "c"]


def test_another_list_still_holds_it(tree) -> None:
    taken(tree["root"], "csv", table("pc-kt-01;;;", "x;;;"))
    taken(tree["root"], "ad", AD)
    assert Expected.objects.count() == 4, "both lists name pc-kt-01"
    taken(tree["root"], "csv", table("x;;;"))
    assert "pc-kt-01.bhxh.example" in names("absent")


def test_a_list_that_shrank_is_taken_for_cut(tree) -> None:
    taken(tree["root"], "csv", table(*(f"pc{n};;;" for n in range(10))))
    with pytest.raises(lists.ListError, match="10"):
        taken(tree["root"], "csv", table("pc1;;;"))
    assert counted().expected == 10
    taken(tree["root"], "csv", table("pc1;;;"), shorter=True)
    assert counted().expected == 1


def test_leases_say_nothing_about_what_is_switched_off(tree) -> None:
    taken(tree["root"], "dhcp", DHCPD, "dhcpd.leases", now=NOW)
    other = DHCPD.replace("aa:bb:01", "aa:bb:02").replace("may-in-tang-2", "pc-9").replace("2026/11/29 23", "2027/12/31 23")
    taken(tree["root"], "dhcp", other, "dhcpd.leases", now=NOW + timedelta(days=30))
    assert counted().expected == 2
    taken(tree["root"], "dhcp", other, "dhcpd.leases", now=NOW + timedelta(days=91))
    assert names("absent") == ["pc-9"]


def test_who_answers_on_the_network_is_expected(tree) -> None:
    """What `rasoat discover` writes; the scanning machine itself is no news."""
    found = Discovery(
        id="0", approval=None, ranges=("10.1.0.0/24",), started=NOW, ended=NOW, services_asked=False, privileged=True, max_rate=300,
        coverage=Coverage(wanted=256, asked=250, answered=2, silent=248, not_asked=6, gaps=()),
        hosts=(
            Found(address="10.1.0.9", mac="52:54:00:aa:00:09", answered=True),
            Found(address="10.1.0.1", answered=True, own=True),
            Found(address="10.1.0.7", name="may-7", answered=None, seen_in=("sw-01 Gi0/7",)),
        ),
        register_compared=False, registered=(), duplicates=(), notes=(),
    )  # fmt: skip
    raw = found.model_dump_json().encode()
    assert "6 addresses" in lists.read("discovery", raw, "found.json", NOW).notes[0]
    taken(tree["root"], "discovery", raw, "found.json")
    assert names("absent") == ["10.1.0.9", "may-7"]


def test_nothing_is_taken_of_a_list_with_a_mistake(tree) -> None:
    with pytest.raises(lists.ListError) as caught:
        taken(tree["root"], "csv", table("a;;;", "b;52:54:00;;", "c;;bánh mì;", ";;;x"))
    assert [line.split(":")[1] for line in caught.value.problems] == ["3", "4", "5"]
    with pytest.raises(lists.ListError, match="Phòng Đông"):
        taken(tree["root"], "csv", table("a;;;Phòng Đông"))
    with pytest.raises(lists.ListError, match="no machine"):
        taken(tree["root"], "csv", table())
    with pytest.raises(lists.ListError, match="no column"):
        taken(tree["root"], "csv", b"x,y\n1,2\n")
    with pytest.raises(lists.ListError, match="UTF-8"):
        taken(tree["root"], "csv", "tên máy\nmáy\n".encode("cp1258", "replace") + b"\xff")
    with pytest.raises(lists.ListError, match="rasoat discover"):
        taken(tree["root"], "discovery", "{}")
    assert Expected.objects.count() == Listing.objects.count() == 0


def test_a_dry_run_changes_nothing(tree) -> None:
    assert taken(tree["root"], "csv", table("a;;;"), dry=True).new == 1
    assert Expected.objects.count() == Listing.objects.count() == 0


def test_an_excuse_is_counted_apart_and_ends(tree) -> None:
    taken(tree["root"], "csv", table("a;;;", "b;;;"))
    Expected.objects.filter(name="a").update(excuse="repair", excused_until=timezone.localdate())
    assert (counted().expected, counted().excused, names("absent"), names("excused")) == (1, 1, ["b"], ["a"])
    Expected.objects.filter(name="a").update(excused_until=timezone.localdate() - timedelta(days=1))
    assert (counted().expected, counted().excused, names("absent"), names("excused")) == (2, 0, ["a", "b"], [])


def test_an_excuse_for_a_machine_that_enrolled_changes_nothing(another, tree) -> None:
    taken(tree["root"], "csv", table("a;;;"))
    another("a")
    Expected.objects.update(excuse="scrapped")
    assert (counted().expected, counted().excused) == (1, 0)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["off", "revoke", "never-again", "unjudged"]), st.integers(0, 3)), max_size=6))
def test_taking_machines_away_raises_no_share(transactional_parts, steps) -> None:
    """Whatever happens to agents, no share of the expected rises; the counts behind it only fall."""
    machines = transactional_parts
    now = timezone.now()
    Machine.objects.filter(pk__in=machines).update(latest=None)
    for number, pk in enumerate(machines):
        stored, _new = StoredSnapshot.objects.update_or_create(
            id=f"snapshot-{number}",
            defaults={
                "machine_id": pk, "agent": Machine.objects.get(pk=pk).agent, "received_at": now, "collected_at": now, "orders_at": now,
                "privileged": True, "seconds": 1, "collector": "x", "digest": "", "sealed_sha256": "", "sealed": b"",
            },
        )  # fmt: skip
        Machine.objects.filter(pk=pk).update(latest=stored)
    repeat()
    Agent.objects.update(revoked_at=None)
    before = counted()
    for what, index in steps:
        machine = Machine.objects.get(pk=machines[index])
        if what == "off":
            StoredSnapshot.objects.filter(machine=machine).update(orders_at=now - timedelta(days=30))
            repeat()
        elif what == "revoke":
            Agent.objects.filter(pk=machine.agent_id).update(revoked_at=now)
        elif what == "never-again":
            Machine.objects.filter(pk=machine.pk).update(latest=None)
            repeat()
        after = counted()
        assert after.expected >= before.expected
        for name in ("seen", "fresh", "judged"):
            assert (after.share(name) or 0) <= (before.share(name) or 0)
        before = after


@pytest.fixture
def transactional_parts(another, tree) -> list[int]:
    for number in range(4):
        another(f"m{number}", unit="north" if number % 2 else "south")
    taken(tree["root"], "csv", table("m0;;;", "khong-co;;;"))
    return list(Machine.objects.order_by("pk").values_list("pk", flat=True))


def test_the_page_names_each_gap(as_admin: Client, another, tree) -> None:
    taken(tree["root"], "ad", AD)
    another("PC-KT-01", unit="north")
    page = as_admin.get("/coverage/").content.decode()
    assert "Độ phủ" in page
    assert "Phòng Bắc" in page
    page = as_admin.get(f"/coverage/?gap=absent&unit={tree['root'].pk}").content.decode()
    assert "pc-kt-02.bhxh.example" in page
    assert "pc-kt-01" not in page
    answer = as_admin.get("/coverage/absent.csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert len(text.splitlines()) == 3
    assert "srv-db.bhxh.example" in text


def test_the_heading_of_the_csv_is_in_the_language_of_whoever_asked(as_admin: Client, tree) -> None:
    taken(tree["root"], "csv", table("a;;;"))
    for language, word in (("vi", "Đơn vị"), ("en", "Unit")):
        as_admin.post("/language/", {"language": language})
        text = b"".join(as_admin.get("/coverage/absent.csv").streaming_content).decode("utf-8-sig")
        assert text.startswith(f"{word},")


def test_cells_of_the_csv_begin_no_formula(as_admin: Client, tree) -> None:
    taken(tree["root"], "csv", table("=cmd|x;;;"))
    text = b"".join(as_admin.get("/coverage/absent.csv").streaming_content).decode("utf-8-sig")
    assert ",'=cmd|x," in text


def test_a_viewer_of_one_office_sees_its_numbers_only(person, another, tree) -> None:
    taken(tree["root"], "csv", table("a;;;Phòng Bắc", "b;;;Phòng Nam"))
    client = Client()
    client.force_login(person("bắc", unit="north"), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/coverage/?gap=absent").content.decode()
    assert ">a<" in page.replace("\n", "")
    assert ">b<" not in page.replace("\n", "")
    assert client.get(f"/coverage/?unit={tree['south'].pk}").status_code == 404
    assert client.get("/coverage/lists/").status_code == 403
    row = Expected.objects.get(name="a")
    assert client.post(f"/coverage/expected/{row.pk}/excuse/", {"excuse": "scrapped"}).status_code == 404


def test_a_list_by_the_page_is_looked_at_and_then_taken(as_admin: Client, tree) -> None:
    def send(word: str) -> str:
        upload = SimpleUploadedFile("ad.csv", AD.encode())
        given = {"unit": tree["north"].pk, "source": "ad", "file": upload, word: "1"}
        return as_admin.post("/coverage/lists/", given).content.decode()

    assert "Chưa có gì thay đổi" in send("look")
    assert Expected.objects.count() == 0
    assert "Đã tiếp nhận" in send("take")
    assert Expected.objects.count() == 3
    row = Expected.objects.get(hostname="srv-db")
    url = f"/coverage/expected/{row.pk}/excuse/"
    assert as_admin.post(url, {"excuse": "other"}).status_code == 422, "another reason has to be said"
    assert as_admin.post(url, {"excuse": "other", "excuse_note": "đang chờ thanh lý"}).status_code == 302
    assert counted().excused == 1


def test_the_host_of_the_tests_tells_its_card(client, host: Host) -> None:
    send(client, host)
    assert list(Machine.objects.get().cards.values_list("mac", flat=True)) == ["52:54:00:12:34:56"]


def test_a_strangers_file_is_not_kept(client, tree, monkeypatch) -> None:
    from django.core.files import uploadhandler

    monkeypatch.setattr(uploadhandler, "TemporaryUploadedFile", None)  # whoever made one would fail
    upload = SimpleUploadedFile("ad.csv", AD.encode())
    answer = Client(enforce_csrf_checks=True).post("/coverage/lists/", {"unit": tree["root"].pk, "source": "ad", "file": upload})
    assert answer.status_code in (302, 403)
