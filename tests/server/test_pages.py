"""What people see: their machines and no others, worst first, down to the evidence."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from server.assess.models import Alarm, StoredAssessment
from server.ingest.models import Agent, EnrolmentToken, Machine, StoredSnapshot
from server.journal import models as journal
from tests.server.people import PASSWORD, Host, send

pytestmark = pytest.mark.django_db


def names(page: bytes) -> list[str]:
    return re.findall(r'class="name" href="/machines/\d+/">.*?<span>([^<]+)</span>', page.decode())


def report(client: Client, host: Host, **changes) -> Machine:
    snapshot = host.snapshot(**changes)
    assert send(client, host.seal(snapshot, host.judged(snapshot))).status_code == 201
    return Machine.objects.get(agent_id=host.agent)


@pytest.fixture
def viewer_of(person):
    """Makes a logged-on viewer of one unit."""

    def make(unit: str) -> Client:
        client = Client()
        client.force_login(person(f"xem {unit}", unit), backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


def test_worst_first_and_never_reported_is_not_good(client: Client, as_admin: Client, another) -> None:
    report(client, another("tốt"), permit_root_login="no", synchronised=True)
    report(client, another("xấu nhất"), root_equivalents=("toor",))
    another("im lặng")
    report(client, another("xấu"))
    assert names(as_admin.get("/machines/").content) == ["xấu nhất", "xấu", "im lặng", "tốt"]


def test_four_numbers_stay_apart(client: Client, as_admin: Client, another) -> None:
    report(client, another("mới"))
    report(client, another("cũ"), age=timedelta(days=30))
    another("chưa")
    page = as_admin.get("/machines/").content.decode()
    numbers = re.findall(r"<dt>([^<]+)</dt><dd>(\d+)</dd>", page)
    assert numbers == [
        ("Đã ghi danh", "3"),
        ("Đã báo cáo", "2"),
        ("Dữ liệu mới", "1"),
        ("Đã đánh giá", "2"),
        ("Có điểm không đạt", "2"),
    ]
    assert "mất liên lạc" in page
    assert "chưa báo cáo" in page


def test_search_and_filters(client: Client, as_admin: Client, another) -> None:
    report(client, another("may-chu-web"))
    report(client, another("may-tram-1", "north"), permit_root_login="no", synchronised=True)
    another("may-tram-2", "south")
    assert names(as_admin.get("/machines/?q=tram").content) == ["may-tram-2", "may-tram-1"]
    assert names(as_admin.get("/machines/?state=fail").content) == ["may-chu-web"]
    assert names(as_admin.get("/machines/?state=never").content) == ["may-tram-2"]
    assert names(as_admin.get(f"/machines/?unit={Machine.objects.get(name='may-tram-1').unit_id}").content) == ["may-tram-1"]
    assert "Không có máy nào phù hợp" in as_admin.get("/machines/?q=xyz").content.decode()
    for odd in ("?unit=x", "?unit=99999", "?state=x", "?page=x", "?page=-1", "?page=99999", "?q=%00", "?q=%27%22%3C"):
        assert as_admin.get(f"/machines/{odd}").status_code == 200, odd


def test_pages(as_admin: Client, another, tree) -> None:
    token = EnrolmentToken.issue(tree["root"], 1, 1, "x")[0]
    for number in range(120):
        agent = Agent.objects.create(unit=tree["root"], name=f"m{number:03}", public_key=number.to_bytes(32, "big"), token=token)
        Machine.objects.create(unit=tree["root"], agent=agent, own=True, name=agent.name, kind="server")
    assert len(names(as_admin.get("/machines/").content)) == 50
    assert names(as_admin.get("/machines/?page=3").content)[-1] == "m119"


def test_the_list_costs_the_same_for_two_machines_and_for_twenty(client: Client, as_admin: Client, another) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for size in (2, 20):
        for number in range(size):
            report(client, another(f"máy {size}-{number}", ("root", "north", "south")[number % 3]))
        as_admin.get("/machines/")  # notes once a minute that this person is here
        with CaptureQueriesContext(connection) as queries:
            as_admin.get("/machines/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_one_sees_the_machines_of_ones_own_unit_and_below(client: Client, another, viewer_of, as_admin: Client) -> None:
    north, south = report(client, another("bắc", "north")), report(client, another("nam", "south"))
    viewer = viewer_of("north")
    assert names(viewer.get("/machines/").content) == ["bắc"]
    assert viewer.get(f"/machines/{north.pk}/").status_code == 200
    assert set(names(as_admin.get("/machines/").content)) == {"bắc", "nam"}
    for path in (
        f"/machines/{south.pk}/",
        f"/machines/{south.pk}/?tab=facts",
        f"/machines/{south.pk}/snapshots/{south.latest_id}/raw/",
        "/machines/99999/",
    ):
        assert viewer.get(path).status_code == 404, path
    assert viewer.get(f"/machines/{north.pk}/?snapshot={south.latest_id}").status_code == 404
    assert viewer.get(f"/machines/{north.pk}/snapshots/{south.latest_id}/raw/").status_code == 404
    assert names(viewer.get("/machines/?q=nam").content) == []


def test_an_outsider_sees_nothing_at_all(client: Client, another, db) -> None:
    from server.units.models import User

    machine = report(client, another("bắc", "north"))
    outsider = Client()
    outsider.force_login(
        User.objects.create_user("ngoài", PASSWORD, must_change=False), backend="django.contrib.auth.backends.ModelBackend"
    )
    assert names(outsider.get("/machines/").content) == []
    assert outsider.get(f"/machines/{machine.pk}/").status_code == 404


def test_viewers_do_not_administer(client: Client, another, viewer_of) -> None:
    machine = report(client, another("bắc", "north"))
    alarm = Alarm.objects.create(machine=machine, kind="forged")
    viewer = viewer_of("north")
    token = EnrolmentToken.issue(machine.unit, 1, 1, "x")[0]
    assert viewer.get("/tokens/").status_code == 403
    assert viewer.get("/journal/").status_code == 403
    assert viewer.post("/tokens/", {"unit": machine.unit_id, "uses": 1, "hours": 1}).status_code == 403
    assert viewer.post(f"/tokens/{token.pk}/revoke/").status_code == 404
    assert viewer.post(f"/agents/{machine.agent_id}/revoke/").status_code == 404
    assert viewer.post(f"/alarms/{alarm.pk}/close/").status_code == 404
    alarm.refresh_from_db()
    assert alarm.closed_at is None
    assert Agent.objects.get().revoked_at is None


def test_a_machine_down_to_its_evidence(client: Client, host: Host, as_admin: Client) -> None:
    machine = report(client, host)
    page = as_admin.get(f"/machines/{machine.pk}/").content.decode()
    for wanted in (
        "Không cho phép đăng nhập SSH bằng tài khoản root",  # the check
        "6.1.1",  # the clause at level 2
        "Cho phép root đăng nhập",  # the field, in words
        "remote_access.permit_root_login",
        "Đặt PermitRootLogin no",  # the remedy
        "sshd -T | grep -i permitrootlogin",  # how to look by hand
        "sshd -T -C user=root",  # the command that was asked
        "bị từ chối truy cập: chronyc: 506 Cannot talk to daemon",  # why something is unknown
        "Có quy chế vận hành được phê duyệt",  # what a person decides
        "Xuất trình quyết định",
        "trùng kết luận của chính máy",
    ):
        assert wanted in page, wanted
    assert page.index('id="fail"') < page.index('id="unknown"') < page.index('id="pass"') < page.index('id="manual"')


@pytest.mark.parametrize("tab", ["verdicts", "clauses", "facts", "history", "alarms", "nonsense"])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_tab_in_both_languages(client: Client, host: Host, as_admin: Client, tab: str, language: str) -> None:
    machine = report(client, host)
    as_admin.cookies["rasoat_language"] = language
    response = as_admin.get(f"/machines/{machine.pk}/?tab={tab}")
    assert response.status_code == 200
    assert f'<html lang="{language}">' in response.content.decode()
    assert " style=" not in response.content.decode()


def test_all_facts_are_shown_and_why_some_are_not(client: Client, host: Host, as_admin: Client) -> None:
    page = as_admin.get(f"/machines/{report(client, host).pk}/?tab=facts").content.decode()
    for wanted in (
        "Debian GNU/Linux 12 (bookworm)",
        "vận-hành",
        "Độ dài tối thiểu của mật khẩu",
        "chronyc: 506 Cannot talk to daemon",
        "ClamAV",
    ):
        assert wanted in page, wanted
    assert "không thấy được" in page


def test_another_level_is_judged_on_the_fly_and_nothing_is_stored(client: Client, host: Host, as_admin: Client) -> None:
    machine = report(client, host, min_length=10)
    before = list(StoredAssessment.objects.values("pk", "level", "fail", "judged_at"))
    two, three = (as_admin.get(f"/machines/{machine.pk}/?level={level}").content.decode() for level in (2, 3))
    assert "Mật khẩu có độ dài tối thiểu" in three.split('id="unknown"')[0].split('id="fail"')[1]
    assert "Mật khẩu có độ dài tối thiểu" not in two.split('id="unknown"')[0].split('id="fail"')[1]
    assert "Đang xem đánh giá thử ở cấp độ 3, không lưu lại. Cấp độ của đơn vị là 2." in three
    assert "1 kiểm tra cho kết luận khác" in three
    assert "7.1.1" in three
    assert list(StoredAssessment.objects.values("pk", "level", "fail", "judged_at")) == before
    for odd in ("0", "6", "x", "2.5", "-1", "١"):
        assert as_admin.get(f"/machines/{machine.pk}/?level={odd}").status_code == 200


def test_history_shows_the_machine_as_it_was(client: Client, host: Host, as_admin: Client) -> None:
    report(client, host, age=timedelta(days=2), root_equivalents=("toor",))
    machine = report(client, host)
    old = StoredSnapshot.objects.earliest("orders_at")
    page = as_admin.get(f"/machines/{machine.pk}/?tab=history").content.decode()
    assert page.count("?snapshot=") >= 2
    past = as_admin.get(f"/machines/{machine.pk}/?snapshot={old.pk}").content.decode()
    assert "toor" in past
    assert "không phải hiện tại" in past
    assert "toor" not in as_admin.get(f"/machines/{machine.pk}/").content.decode()


def test_the_signed_original_is_given_byte_for_byte(client: Client, host: Host, as_admin: Client) -> None:
    machine = report(client, host)
    response = as_admin.get(f"/machines/{machine.pk}/snapshots/{machine.latest_id}/raw/")
    assert response.content == bytes(StoredSnapshot.objects.get().sealed)


def test_what_a_machine_says_cannot_become_markup(client: Client, another, as_admin: Client) -> None:
    evil = another("<script>alert(1)</script>")
    machine = report(client, evil, root_equivalents=("<img src=x onerror=alert(1)>",))
    for path in ("/", "/machines/", f"/machines/{machine.pk}/", f"/machines/{machine.pk}/?tab=facts", "/journal/"):
        page = as_admin.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<img" not in page


def test_an_alarm_shows_until_somebody_closes_it(client: Client, host: Host, as_admin: Client) -> None:
    snapshot = host.snapshot()
    send(client, host.seal(snapshot, host.judged(snapshot, verdicts="0" * 64)))
    machine = Machine.objects.get()
    said = "Máy tự đánh giá cùng dữ kiện theo cùng bộ yêu cầu nhưng kết luận khác máy chủ"
    assert said in as_admin.get(f"/machines/{machine.pk}/").content.decode()
    assert "cảnh báo" in as_admin.get("/machines/").content.decode()
    assert as_admin.post(f"/alarms/{Alarm.objects.get().pk}/close/").status_code == 302
    assert said not in as_admin.get(f"/machines/{machine.pk}/").content.decode()
    assert journal.Entry.objects.filter(action="alarm.closed").exists()


def test_judging_with_another_pack_is_said_without_an_alarm(client: Client, host: Host, as_admin: Client) -> None:
    snapshot = host.snapshot()
    send(client, host.seal(snapshot, host.judged(snapshot, digest="0" * 64)))
    page = as_admin.get(f"/machines/{Machine.objects.get().pk}/").content.decode()
    assert "máy tự đánh giá theo bộ yêu cầu khác" in page
    assert 'role="alert"' not in page


def test_a_machine_that_never_reported(as_admin: Client, host: Host) -> None:
    machine = Machine.objects.get()
    for tab in ("verdicts", "facts", "history", "alarms"):
        page = as_admin.get(f"/machines/{machine.pk}/?tab={tab}").content.decode()
        assert "Máy chưa từng báo cáo" in page


def test_a_revoked_agent_from_the_page(client: Client, host: Host, as_admin: Client) -> None:
    report(client, host)
    as_admin.post(f"/agents/{host.agent}/revoke/")
    assert send(client, host.seal(host.snapshot())).status_code == 401
    assert "đã thu hồi" in as_admin.get("/machines/").content.decode()


def test_a_token_is_shown_once_and_lets_a_machine_in(client: Client, as_admin: Client, tree) -> None:
    page = as_admin.post("/tokens/", {"unit": tree["north"].pk, "uses": 2, "hours": 8, "note": "tầng 3"}).content.decode()
    text = re.search(r"rs1\.[0-9a-f]{8}\.[0-9a-f]{40}", page)
    assert text
    assert text[0] not in as_admin.get("/tokens/").content.decode()
    assert Host().enrol(client, text[0]).json()["unit"] == "Phòng Bắc"
    token = EnrolmentToken.objects.get()
    assert token.expires_at - timezone.now() < timedelta(hours=8)
    as_admin.post(f"/tokens/{token.pk}/revoke/")
    assert Host("b").enrol(client, text[0]).status_code == 403
    assert [e.action for e in journal.Entry.objects.filter(action__startswith="token.")] == ["token.revoked", "token.new"]
    assert text[0].rpartition(".")[2] not in str(list(journal.Entry.objects.values()))


@pytest.mark.parametrize("changes", [{"uses": 0}, {"uses": 10**9}, {"hours": 9999}, {"unit": 99999}, {"uses": "x"}])
def test_a_token_with_nonsense_is_not_made(as_admin: Client, tree, changes: dict) -> None:
    response = as_admin.post("/tokens/", {"unit": tree["root"].pk, "uses": 1, "hours": 8} | changes)
    assert response.status_code == 200
    assert not EnrolmentToken.objects.exists()


def test_administrators_of_a_part_read_the_journal_of_that_part(person, tree) -> None:
    journal.write("unit.changed", "x", unit_path=tree["north"].path, subject="chuyện phía bắc")
    journal.write("unit.changed", "x", unit_path=tree["south"].path, subject="chuyện phía nam")
    journal.write("server.init", "console", subject="chuyện chung")
    client = Client()
    client.force_login(person("trưởng phòng", "north", role="admin"), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/journal/").content.decode()
    assert "chuyện phía bắc" in page
    assert "chuyện phía nam" not in page
    assert "chuyện chung" not in page
    assert client.post("/tokens/", {"unit": tree["south"].pk, "uses": 1, "hours": 8}).status_code == 200
    assert not EnrolmentToken.objects.exists()


def test_the_journal_only_grows_and_shows_tampering(tree) -> None:
    first = journal.write("server.init", "console", subject="một")
    journal.write("server.init", "console", subject="hai")
    first.subject = "khác"
    with pytest.raises(TypeError):
        first.save()
    with pytest.raises(TypeError):
        first.delete()
    with pytest.raises(TypeError):
        journal.Entry.objects.all().delete()
    with pytest.raises(TypeError):
        journal.Entry.objects.update(subject="khác")
    assert journal.broken_at() is None
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE journal_entry SET subject = 'khác' WHERE id = %s", [first.pk])
    assert journal.broken_at() == first.pk


def test_monitoring(client: Client, host: Host) -> None:
    report(client, host)
    assert client.get("/healthz").content == b"ok\n"
    ready = client.get("/readyz").json()
    assert ready["ready"] is True
    text = client.get("/metrics").content.decode()
    assert "rasoat_machines 1\n" in text
    assert 'rasoat_verdicts{verdict="fail"} 1\n' in text
    assert client.get("/metrics", REMOTE_ADDR="10.1.1.1").status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "10.1.1.1"}).status_code == 403


def test_the_api_documents_itself_without_a_cdn(client: Client, db) -> None:
    page = client.get("/api/docs").content.decode()
    assert "http://" not in page
    assert "https://" not in page
    described = client.get("/api/openapi.json").json()
    agents = {"/api/v1/enrol", "/api/v1/snapshots", "/api/v1/agents/me/work", "/api/v1/packs/{digest}"}
    assert agents | {"/api/v1/assets", "/api/v1/coverage", "/api/v1/findings"} <= set(described["paths"])
    assert "application/vnd.rasoat.snapshot" in described["paths"]["/api/v1/snapshots"]["post"]["requestBody"]["content"]


def test_rejudge_follows_the_unit(client: Client, host: Host, tree) -> None:
    from server.assess import judge

    machine = report(client, host, min_length=10)
    assert machine.latest.assessment.fail == 1
    tree["root"].level = 3
    tree["root"].save()
    assert judge.rejudge(iter(Machine.objects.select_related("unit", "latest"))) == (1, 0)
    kept = StoredAssessment.objects.get()
    assert (kept.level, kept.fail, kept.agent) == (3, 2, "other-pack")


def test_a_broken_page_says_so_without_the_database(client: Client, host: Host, as_admin: Client) -> None:
    machine = report(client, host)
    StoredSnapshot.objects.update(sealed=b"eaten by the disk")
    as_admin.raise_request_exception = False
    response = as_admin.get(f"/machines/{machine.pk}/")
    assert response.status_code == 500
    assert "Đã xảy ra lỗi" in response.content.decode()
    assert names(as_admin.get("/machines/").content) == [machine.name]
