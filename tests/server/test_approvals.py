"""What takes two people: never the one who asked, whatever way; exactly what was agreed to; once."""

from __future__ import annotations

import io
import threading
import time
from datetime import timedelta

import pyotp
import pytest
from django.db import OperationalError, connections
from django.test import Client
from django.utils import timezone, translation

from server.approvals import console, deciding, packs
from server.approvals.models import Request
from server.approvals.tasks import expire
from server.assess import packs as known
from server.config import Config
from server.ingest.models import Machine
from server.journal.models import Entry
from server.people.models import SecondFactor
from server.programs.models import Key
from server.schedules.models import Rollout
from server.schedules.rollouts import CannotRoll
from server.units import operations
from server.units.models import Membership, Unit, User
from server.units.operations import By
from server.waivers.models import Waiver
from tests.server.people import PASSWORD, send
from tests.server.waivers import asked, on

pytestmark = pytest.mark.django_db
STRICTER = "name: Bắc\nparams:\n  access.password: {min_length: 16}\n"


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def three(person):
    """Who asks (and could approve), who approves, and somebody of another unit."""
    return {
        "asker": person("người-đề-nghị", "north", "admin"),
        "second": person("người-duyệt", "root", "approver"),
        "outsider": person("người-ngoài", "south", "admin"),
    }


@pytest.fixture
def machine(client: Client, another) -> Machine:
    host = another("may-01", "north")
    assert send(client, host.seal(host.snapshot())).status_code == 201
    return Machine.objects.get(name="may-01")


def actions(request: Request) -> list[str]:
    return list(Entry.objects.filter(detail__request=request.pk).order_by("pk").values_list("action", flat=True))


def test_a_second_person_approves_and_it_is_carried_out(three, machine: Machine, tree) -> None:
    request = asked(tree["north"], three["asker"], [machine])
    assert not Waiver.objects.exists(), "nothing is in force before somebody else agrees"
    page = on(three["second"]).get(f"/approvals/{request.pk}/").content.decode()
    assert all(
        text in page for text in ("may-01", "12/QĐ-CNTT", "Chỉ máy quản trị được phép kết nối SSH.", "remote_access.no_root")
    )
    answer = on(three["second"]).post(f"/approvals/{request.pk}/approve/", {"digest": request.digest})
    assert answer.status_code == 302
    waiver = Waiver.objects.get()
    assert (waiver.asked_by, waiver.approved_by) == ("người-đề-nghị", "người-duyệt")
    request.refresh_from_db()
    assert (request.state, request.decided_by, request.alone) == (Request.APPROVED, three["second"], False)
    assert actions(request) == ["request.asked", "request.approved", "waiver.begun"]
    again = on(three["second"]).post(f"/approvals/{request.pk}/approve/", {"digest": request.digest})
    assert again.status_code == 409
    assert Waiver.objects.count() == 1


def test_nobody_approves_what_they_asked_for_on_the_page(three, machine: Machine, tree) -> None:
    request = asked(tree["north"], three["asker"], [machine])
    client = on(three["asker"])
    page = client.get(f"/approvals/{request.pk}/").content.decode()
    assert "/approve/" not in page
    assert "/withdraw/" in page
    assert client.post(f"/approvals/{request.pk}/approve/", {"digest": request.digest}).status_code == 409
    assert client.post(f"/approvals/{request.pk}/refuse/").status_code == 409
    request.refresh_from_db()
    assert request.state == Request.WAITING
    assert not Waiver.objects.exists()


def test_nobody_approves_what_they_asked_for_at_the_console(three, machine: Machine, tree, monkeypatch, capsys) -> None:
    request = asked(tree["north"], three["asker"], [machine])
    options = type("Options", (), {"request": request.pk, "by": three["asker"].username, "why": ""})
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert console.approve(options) == 1
    assert "second person" in capsys.readouterr().err
    options.by = three["second"].username
    monkeypatch.setattr("sys.stdin", io.StringIO("another password\n"))
    assert console.approve(options) == 2, "a name is no proof"
    assert not Waiver.objects.exists()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert console.approve(options) == 0
    assert Waiver.objects.get().approved_by == three["second"].username


def test_who_must_have_a_second_factor_approves_nothing_without_it(
    three, machine: Machine, tree, settings, monkeypatch, capsys
) -> None:
    request = asked(tree["north"], three["asker"], [machine])
    settings.CONFIG = Config(second_factor_for=("approver",))
    options = type("Options", (), {"request": request.pk, "by": three["second"].username, "why": ""})

    def given(*lines: str) -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in (PASSWORD, *lines))))
        return console.approve(options)

    assert given() == 2
    assert "second_factor_for" in capsys.readouterr().err
    factor = SecondFactor.begin(three["second"])
    assert given() == 2, "one that nobody confirmed is none"
    SecondFactor.objects.update(confirmed_at=timezone.now())
    assert given("000000") == 2
    assert not Waiver.objects.exists()
    assert given(pyotp.TOTP(factor.secret).now()) == 0
    assert Waiver.objects.get().approved_by == three["second"].username


def test_a_key_decides_nothing(three, machine: Machine, tree) -> None:
    """Neither the asker's own, nor anybody's: a key reads."""
    request = asked(tree["north"], three["asker"], [machine])
    until = timezone.now() + timedelta(days=1)
    for name in ("asker", "second"):
        _key, text = Key.issue(three[name], tree["root"], "k", ["waivers"], until)
        headers = {"Authorization": f"Bearer {text}"}
        for address in (f"/approvals/{request.pk}/approve/", f"/api/v1/approvals/{request.pk}/approve"):
            answer = Client().post(address, {"digest": request.digest}, headers=headers)
            assert answer.status_code in (302, 404, 405)
            assert answer.status_code != 302 or answer.headers["Location"].startswith("/log-on/")
    request.refresh_from_db()
    assert request.state == Request.WAITING


def test_accounts_the_asker_may_have_made_do_not_approve(three, machine: Machine, tree) -> None:
    given = User.objects.create_user("tài-khoản-mới", PASSWORD)
    Membership.objects.create(user=given, unit=tree["root"], role="admin")
    request = asked(tree["north"], three["asker"], [machine])
    with pytest.raises(PermissionError, match="given password"):
        deciding.approve(request.pk, given, request.digest)
    later = User.objects.create_user("lập-sau", PASSWORD, must_change=False)
    Membership.objects.create(user=later, unit=tree["root"], role="admin")
    with pytest.raises(PermissionError, match="younger"):
        deciding.approve(request.pk, later, request.digest)
    gone = three["second"]
    User.objects.filter(pk=gone.pk).update(is_active=False)
    with pytest.raises(PermissionError):
        deciding.approve(request.pk, gone, request.digest)
    assert not Waiver.objects.exists()


def test_who_has_no_right_there_does_not_approve(three, machine: Machine, tree, person) -> None:
    request = asked(tree["north"], three["asker"], [machine])
    outsider = on(three["outsider"])
    for address in ("", "approve/", "refuse/", "withdraw/", "file/", "preview/"):
        url = f"/approvals/{request.pk}/{address}"
        assert {outsider.get(url).status_code, outsider.post(url, {"digest": request.digest}).status_code} <= {404, 405}
    assert "may-01" not in outsider.get("/approvals/").content.decode()
    operator = person("vận-hành", "north", "operator")
    assert on(operator).post(f"/approvals/{request.pk}/approve/", {"digest": request.digest}).status_code == 409
    lower = person("duyệt-nam", "south", "approver")
    with pytest.raises(PermissionError):
        deciding.approve(request.pk, lower, request.digest)
    ended = person("hết-hạn", "north", "approver")
    ended.memberships.update(until=timezone.localdate() - timedelta(days=1))
    with pytest.raises(PermissionError):
        deciding.approve(request.pk, ended, request.digest)


def test_what_was_changed_after_it_was_asked_is_not_carried_out(three, machine: Machine, tree) -> None:
    request = asked(tree["north"], three["asker"], [machine])
    with pytest.raises(deciding.Impossible, match="no longer"):
        deciding.approve(request.pk, three["second"], "0" * 64)
    longer = {**request.payload, "until": (timezone.localdate() + timedelta(days=300)).isoformat()}
    for field, value in (("payload", longer), ("reason", "khác"), ("subject", "khác")):
        before = getattr(request, field)
        Request.objects.filter(pk=request.pk).update(**{field: value})
        with pytest.raises(deciding.Impossible, match="no longer"):
            deciding.approve(request.pk, three["second"], request.digest)
        Request.objects.filter(pk=request.pk).update(**{field: before})
    assert not Waiver.objects.exists()
    assert actions(request).count("request.impossible") == 4
    deciding.approve(request.pk, three["second"], request.digest)


def test_what_ran_out_is_over_that_very_second(three, machine: Machine, tree) -> None:
    request = asked(tree["north"], three["asker"], [machine])
    assert request.expires_at - request.asked_at == pytest.approx(timedelta(days=Config().request_days), abs=timedelta(minutes=1))
    Request.objects.filter(pk=request.pk).update(expires_at=timezone.now())
    with pytest.raises(deciding.Impossible, match="expired unanswered"):
        deciding.approve(request.pk, three["second"], request.digest)
    assert "/approve/" not in on(three["second"]).get(f"/approvals/{request.pk}/").content.decode()
    assert expire.function(None) == {"removed": 1}
    assert expire.function(None) is None
    request.refresh_from_db()
    assert request.state == Request.EXPIRED
    assert actions(request) == ["request.asked", "request.expired"]


def test_refused_and_withdrawn(three, machine: Machine, tree) -> None:
    first, second = (asked(tree["north"], three["asker"], [machine]) for _ in range(2))
    on(three["second"]).post(f"/approvals/{first.pk}/refuse/", {"why": "Sửa được trong tuần."})
    with pytest.raises(PermissionError):
        deciding.withdraw(second.pk, three["second"])
    on(three["asker"]).post(f"/approvals/{second.pk}/withdraw/")
    for request, state in ((first, Request.REFUSED), (second, Request.WITHDRAWN)):
        request.refresh_from_db()
        assert request.state == state
        with pytest.raises(deciding.Impossible):
            deciding.approve(request.pk, three["second"], request.digest)
    assert first.answer == "Sửa được trong tuần."
    assert not Waiver.objects.exists()


def test_one_person_alone_where_the_settings_say_so(three, machine: Machine, tree, settings) -> None:
    request = asked(tree["north"], three["asker"], [machine])
    settings.CONFIG = Config(one_person_for=("pack-change",))
    with pytest.raises(PermissionError):
        deciding.approve(request.pk, three["asker"], request.digest)
    settings.CONFIG = Config(one_person_for=("waiver",))
    page = on(three["asker"]).get(f"/approvals/{request.pk}/").content.decode()
    assert "nhật ký sẽ ghi rõ điều đó" in page
    on(three["asker"]).post(f"/approvals/{request.pk}/approve/", {"digest": request.digest})
    request.refresh_from_db()
    assert request.alone
    assert actions(request) == ["request.asked", "request.alone", "waiver.begun"]
    assert "một người tự phê duyệt" in on(three["second"]).get("/waivers/").content.decode()


@pytest.mark.on_both
@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_decide_once(three, tree, person, client: Client, another) -> None:
    host = another("may-01", "north")
    assert send(client, host.seal(host.snapshot())).status_code == 201
    machine = Machine.objects.get(name="may-01")
    people = [three["second"], person("người-duyệt-2", "root", "approver")]
    request = asked(tree["north"], three["asker"], [machine])
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def approve(user: User) -> None:
        ready.wait(timeout=10)
        try:
            outcomes.append(once(user))
        finally:
            connections.close_all()

    def once(user: User) -> str:
        try:
            deciding.approve(request.pk, User.objects.get(pk=user.pk), request.digest)
        except deciding.Impossible:
            return "late"
        except OperationalError:  # the tests' SQLite lies in memory and does not wait for its turn
            time.sleep(0.05)
            return once(user)
        return "done"

    threads = [threading.Thread(target=approve, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes) == ["done", "late"]
    assert Waiver.objects.count() == 1
    assert Entry.objects.filter(action="request.approved").count() == 1


# packs -----------------------------------------------------------------------------------------------------------------


def test_a_pack_change_is_a_rollout_that_a_second_person_agreed_to(three, machine: Machine, tree, newer: str, person) -> None:
    asker = person("quản-trị-gốc", "root", "admin")
    client = on(asker)
    given = {"baseline": newer, "tailoring": "", "reason": "Ấn bản mới của bộ kiểm tra."}
    answer = client.post(f"/units/{tree['root'].pk}/pack-change/", given)
    request = Request.objects.get()
    assert answer.headers["Location"] == f"/approvals/{request.pk}/"
    assert not Rollout.objects.exists()
    second = person("duyệt-gốc", "root", "approver")
    User.objects.filter(pk=second.pk).update(created_at=request.asked_at - timedelta(days=1))
    page = on(second).get(f"/approvals/{request.pk}/").content.decode()
    assert newer in page
    assert f"/approvals/{request.pk}/preview/" in page
    assert on(second).get(f"/approvals/{request.pk}/preview/").status_code == 200
    on(second).post(f"/approvals/{request.pk}/approve/", {"digest": request.digest})
    rollout = Rollout.objects.get()
    assert (rollout.baseline, rollout.started_by, rollout.approved_by) == (newer, "quản-trị-gốc", "duyệt-gốc")
    assert Entry.objects.get(action="rollout.started").detail["approved"] == "duyệt-gốc"


def test_the_preview_judges_and_keeps_nothing(three, machine: Machine, tree) -> None:
    request = packs.ask(tree["north"], three["asker"], "Siết mật khẩu.", tailoring=STRICTER)
    page = on(three["second"]).get(f"/approvals/{request.pk}/preview/").content.decode()
    assert "may-01" in page
    assert "access.password" in page
    assert not Rollout.objects.exists()


def test_the_preview_of_removed_stricter_values_shows_what_turns(three, machine: Machine, tree, person) -> None:
    tree["north"].tailoring = STRICTER
    tree["north"].save()
    request = packs.ask(tree["north"], three["asker"], "Bỏ ngưỡng riêng.", tailoring="")
    page = on(three["second"]).get(f"/approvals/{request.pk}/preview/").content.decode()
    assert "access.password" in page, "it fails by sixteen characters, and passes without them"
    assert "Không đạt → Đạt: 1" in page
    Unit.objects.filter(pk=tree["root"].pk).update(tailoring=STRICTER)
    page = on(three["second"]).get(f"/approvals/{request.pk}/preview/").content.decode()
    assert "access.password" not in page, "those of the unit above hold then, as strict as these"
    assert "min_length: 16" in dict(Request.objects.get().told)["Stricter values then"]


def test_the_preview_leaves_out_units_that_keep_their_own(three, machine: Machine, tree, person) -> None:
    tree["north"].tailoring = "name: Bắc\nparams:\n  access.password: {min_length: 9}\n"
    tree["north"].save()
    asker = person("quản-trị-gốc", "root", "admin")
    request = packs.ask(tree["root"], asker, "Siết mật khẩu.", tailoring=STRICTER)
    assert "access.password" not in on(three["second"]).get(f"/approvals/{request.pk}/preview/").content.decode()


def test_stricter_values_of_a_unit_above_are_removed_there(three, tree) -> None:
    Unit.objects.filter(pk=tree["root"].pk).update(tailoring=STRICTER)
    with pytest.raises(CannotRoll, match="unit above"):
        packs.ask(tree["north"], three["asker"], "Bỏ ngưỡng.", tailoring="")
    assert not Request.objects.exists()


def test_a_pack_that_was_changed_meanwhile_is_not_rolled_out(three, tree, newer: str, settings) -> None:
    request = packs.ask(tree["north"], three["asker"], "Ấn bản mới.", baseline=newer)
    standard = settings.DATA.packs / newer / "standard.yaml"
    standard.write_text(standard.read_text("utf-8").replace('version: "1"', 'version: "2"'), "utf-8")
    known.forget()
    with pytest.raises(deciding.Impossible, match="no longer the one"):
        deciding.approve(request.pk, three["second"], request.digest)
    assert not Rollout.objects.exists()


def test_what_the_unit_is_held_to_changed_meanwhile(three, tree, newer: str) -> None:
    request = packs.ask(tree["north"], three["asker"], "Ấn bản mới.", baseline=newer)
    Unit.objects.filter(pk=tree["root"].pk).update(tailoring="name: Sở\nparams:\n  access.password: {min_length: 16}\n")
    with pytest.raises(deciding.Impossible, match="has changed since"):
        deciding.approve(request.pk, three["second"], request.digest)
    request.refresh_from_db()
    assert request.state == Request.WAITING


def test_a_unit_that_was_merged_meanwhile_is_not_changed(three, tree, newer: str) -> None:
    request = packs.ask(tree["north"], three["asker"], "Ấn bản mới.", baseline=newer)
    operations.merge([tree["north"]], tree["south"], By("test"), timezone.localdate())
    with pytest.raises(deciding.Impossible, match="gone over"):
        deciding.approve(request.pk, three["second"], request.digest)
    assert not Rollout.objects.exists()


def test_what_cannot_be_is_not_asked_for(three, tree) -> None:
    with pytest.raises(CannotRoll):
        packs.ask(tree["north"], three["asker"], "vì sao", baseline="không-có")
    with pytest.raises(CannotRoll):
        packs.ask(tree["north"], three["asker"], "vì sao", tailoring="params: {không: [}")
    assert not Request.objects.exists()


def test_the_console_asks_and_does_not_roll_out_by_itself(three, tree, newer: str, settings, monkeypatch, capsys) -> None:
    from server.schedules import console as schedules

    options = type(
        "Options", (), {"unit": "Sở", "tailoring": None, "rings": "1,5,100", "agent_version": "", "baseline": newer, "bad": 2, "by": None, "why": ""}
    )  # fmt: skip
    assert schedules.rollout_start(options) == 2
    assert "two people" in capsys.readouterr().err
    options.by, options.unit = three["asker"].username, "Phòng Bắc"
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert schedules.rollout_start(options) == 0
    assert Request.objects.get().asked_by == three["asker"]
    assert not Rollout.objects.exists()
    settings.CONFIG = Config(one_person_for=("pack-change",))
    assert schedules.rollout_start(options) == 0
    assert Rollout.objects.get().approved_by == ""
    assert Entry.objects.filter(action="request.alone", actor="console").count() == 1
