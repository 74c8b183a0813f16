"""After a log-on by a directory: who leaves it is put out, a directory that is away puts nobody out, and what is asked for besides."""

from __future__ import annotations

import logging
import socket
import time
import uuid
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from django.test import Client
from django.utils import timezone

from server.journal.models import Entry
from server.people.models import SecondFactor, Visit
from server.people.sessions import end_all
from server.programs.models import Key
from server.signon import tasks
from server.signon.errors import Unavailable
from server.signon.models import Identity, Tries
from server.signon.people import link
from server.units.models import Membership, Unit, User
from tests.server import signon_directory
from tests.server.certificates import Authority
from tests.server.people import PASSWORD
from tests.server.signon_directory import (
    ADMINS,
    GROUPS,
    OPERATORS,
    PEOPLE,
    SECRET,
    TEAM,
    Stripping,
    configure,
    encoded,
    group,
    log_on,
    outside,
    person_dn,
    someone,
)
from tests.server.slapd import READER_PASSWORD, SLAPD, Slapd, free_port

directory = pytest.importorskip("server.signon.directory", reason="the extra [ldap] is not installed", exc_type=ImportError)
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.system,
    pytest.mark.skipif(not SLAPD, reason="slapd is not installed"),
]
authority, running, slapd = signon_directory.authority, signon_directory.running, signon_directory.slapd


class Doing:
    """A job that goes on."""

    def check(self) -> None:
        pass


def recheck() -> Any:
    Identity.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    return tasks.recheck.function(Doing()) if hasattr(tasks.recheck, "function") else tasks.recheck(Doing())


@pytest.fixture
def changed(running: Slapd):
    """Changes the directory for one test."""
    undo: list[str] = []

    def change(ldif: str, back: str) -> None:
        running.modify(ldif)
        undo.append(back)

    yield change
    for back in undo:
        running.modify(back)


def member(change: str, dn: str, of: str) -> str:
    return encoded("dn", of) + f"changetype: modify\n{change}: member\n" + encoded("member", dn)


def test_who_leaves_the_group_loses_the_role_at_the_next_log_on(slapd: Slapd, changed, person, tree) -> None:
    log_on(Client(), "an")
    user = User.objects.get(username="an")
    Membership.objects.create(user=user, unit=tree["south"], role="viewer")
    changed(member("delete", person_dn("an"), OPERATORS), member("add", person_dn("an"), OPERATORS))
    client = Client()
    assert log_on(client, "an").status_code == 302
    assert set(Membership.objects.values_list("unit__name", "role", "origin")) == {("Phòng Nam", "viewer", "")}
    assert Entry.objects.filter(action="user.group-role-lost", subject="an").exists()


def test_who_leaves_the_group_or_the_directory_is_put_out(slapd: Slapd, changed) -> None:
    an, binh = Client(), Client()
    log_on(an, "an")
    log_on(binh, "bình")
    assert recheck() is None
    assert an.get("/units/").status_code == binh.get("/units/").status_code == 200
    changed(member("delete", person_dn("an"), OPERATORS), member("add", person_dn("an"), OPERATORS))
    assert recheck() == {"ended": 1}
    assert an.get("/units/").status_code == 302
    assert binh.get("/units/").status_code == 200
    dn = encoded("dn", person_dn("bình"))
    changed(
        f"{dn}changetype: modrdn\n{encoded('newrdn', 'uid=xưa')}deleteoldrdn: 1\n",
        f"{encoded('dn', 'uid=xưa,' + PEOPLE)}changetype: modrdn\n{encoded('newrdn', 'uid=bình')}deleteoldrdn: 1\n",
    )
    assert recheck() == {"ended": 1}
    assert binh.get("/units/").status_code == 302
    codes = Entry.objects.filter(action="user.signon-refused").order_by("pk").values_list("detail__code", flat=True)
    assert list(codes) == ["no-right", "gone"]


def reads(text: str) -> bool:
    """Whether a program with that key sees the unit in the north."""
    answer = Client().get("/api/v1/units", headers={"Authorization": f"Bearer {text}"})
    return "Phòng Bắc" in {unit["name"] for unit in answer.json().get("items", ())}


def test_a_key_of_who_left_reads_no_more_though_nobody_is_logged_on(slapd: Slapd, changed, tree) -> None:
    log_on(Client(), "an")
    until = timezone.now() + timedelta(days=30)
    _key, text = Key.issue(User.objects.get(), tree["north"], "k", ["units"], until)
    end_all(User.objects.get())
    assert recheck() is None
    assert reads(text)
    changed(member("delete", person_dn("an"), OPERATORS), member("add", person_dn("an"), OPERATORS))
    assert recheck() == {"ended": 1}
    assert not reads(text)
    assert recheck() is None, "said once"
    assert Entry.objects.get(action="user.signon-refused").detail["code"] == "no-right"


def test_a_key_that_is_over_asks_the_directory_nothing(slapd: Slapd, tree) -> None:
    log_on(Client(), "an")
    user = User.objects.get()
    key, _text = Key.issue(user, tree["north"], "k", ["units"], timezone.now() + timedelta(days=30))
    end_all(user)
    for change in ({"revoked_at": timezone.now()}, {"revoked_at": None, "expires_at": timezone.now() - timedelta(days=1)}):
        Key.objects.filter(pk=key.pk).update(**change)
        before = slapd.heard().count("SRCH")
        assert recheck() is None
        assert slapd.heard().count("SRCH") == before


@pytest.mark.parametrize("filter_", ["(mail=%(user)s)", "(mail:caseIgnoreIA5Match:=%(user)s)"])
def test_who_types_the_mail_address_is_found_again(slapd: Slapd, changed, settings, authority, filter_: str) -> None:
    mail = encoded("dn", person_dn("an")) + "changetype: modify\nreplace: mail\n"
    changed(mail + encoded("mail", "an@so.example.vn"), mail + encoded("mail", "chung@example.vn"))
    configure(settings, slapd.ldaps, authority, user_filter=f"(&(objectClass=inetOrgPerson){filter_})")
    client = Client()
    assert log_on(client, "an@so.example.vn").status_code == 302
    assert Identity.objects.get().name == "an"
    assert recheck() is None
    assert client.get("/units/").status_code == 200
    changed(mail + "-\n", mail + encoded("mail", "an@so.example.vn"))
    assert recheck() == {"ended": 1}, "who is no longer found by the filter"
    assert client.get("/units/").status_code == 302


def test_an_entry_that_cannot_be_read_hides_nobody_behind_it(slapd: Slapd, changed, monkeypatch) -> None:
    an, binh = Client(), Client()
    log_on(an, "an")
    log_on(binh, "bình")
    changed(member("delete", TEAM, OPERATORS), member("add", TEAM, OPERATORS))
    look = directory.look
    asked: list[str] = []

    def some(config: Any, data: Any, name: str) -> Any:
        asked.append(name)
        if name == "bình":
            return look(config, data, name)
        raise Unavailable("unreadable")

    monkeypatch.setattr(directory, "look", some)
    number = Identity.objects.get(name="an").subject
    with pytest.raises(Unavailable, match=f"ldap:{number}: unreadable"):
        recheck()
    assert an.get("/units/").status_code == 200
    assert binh.get("/units/").status_code == 302
    for place in range(10):
        user = User.objects.create_user(f"ai-{place}", PASSWORD)
        link(user, "ldap", "ldap", str(uuid.uuid4()))
        Key.issue(user, Unit.objects.get(code="PB"), "k", ["units"], timezone.now() + timedelta(days=1))
    asked.clear()
    with pytest.raises(Unavailable):
        recheck()
    assert len(asked) == tasks.AT_MOST, "a directory that answers nobody is not asked for everybody"


def test_a_per_cent_sign_in_a_distinguished_name_is_one(slapd: Slapd, changed) -> None:
    boss, crew = f"uid=lãi 5% s,{PEOPLE}", f"cn=100%(user)s,{GROUPS}"
    for dn, new in ((boss, someone("lãi 5% s", "Người Phần Trăm")), (crew, group(crew, boss))):
        changed(new.replace("\n", "\nchangetype: add\n", 1), encoded("dn", dn) + "changetype: delete\n")
    changed(member("add", crew, OPERATORS), member("delete", crew, OPERATORS))
    client = Client()
    assert log_on(client, "lãi 5% s").status_code == 302
    assert Membership.objects.get().role == "operator"
    assert recheck() is None
    assert client.get("/units/").status_code == 200


def test_a_directory_that_is_away_puts_nobody_out(slapd: Slapd, client: Client, settings, authority) -> None:
    log_on(client, "an")
    configure(settings, f"ldaps://127.0.0.1:{free_port()}", authority)
    with pytest.raises(Unavailable):
        recheck()
    assert client.get("/units/").status_code == 200
    assert Membership.objects.exists()


def test_who_is_disabled_here_stays_out(slapd: Slapd, client: Client) -> None:
    log_on(Client(), "an")
    User.objects.update(is_active=False)
    Visit.objects.all().delete()
    assert log_on(client, "an").status_code == 403
    assert outside(client)


def test_a_session_of_who_is_disabled_ends_at_once(slapd: Slapd, client: Client) -> None:
    log_on(client, "an")
    User.objects.update(is_active=False)
    assert client.get("/units/").status_code == 302


def test_the_second_factor_is_asked_for_as_of_local_people(slapd: Slapd, client: Client) -> None:
    log_on(Client(), "an")
    factor = SecondFactor.begin(User.objects.get())
    factor.confirmed_at = timezone.now()
    factor.save()
    Visit.objects.all().delete()
    assert log_on(client, "an").headers["Location"] == "/log-on/second/"
    assert outside(client)
    assert client.post("/log-on/second/", {"code": pyotp.TOTP(factor.secret).at(time.time())}).status_code == 302
    assert client.get("/units/").status_code == 200
    assert Entry.objects.filter(action="user.signon").count() == 2


def test_secrets_are_in_no_log_and_no_journal(slapd: Slapd, client: Client, settings, caplog) -> None:
    caplog.set_level(logging.DEBUG, "server")
    log_on(client, "an", "sai mật khẩu")
    log_on(client, SECRET, "x")
    log_on(client, "an")
    for text in (caplog.text, str(list(Entry.objects.values())), str(list(Tries.objects.values())), repr(settings.CONFIG)):
        for secret in (SECRET, READER_PASSWORD, "sai mật khẩu"):
            assert secret not in text


def test_check_names_what_is_wrong(slapd: Slapd, settings, authority, tmp_path, tree) -> None:
    from server.signon import check

    def seen() -> list[tuple[str, str, str]]:
        return [(line.name, line.state, line.seen) for line in check.ldap()]

    assert {state for _name, state, _seen in seen()} == {"good"}
    configure(settings, slapd.ldaps, authority, group_filter="(cn=không)")
    assert ("ldap", "warn") in [line[:2] for line in seen()]
    configure(settings, slapd.ldaps, authority, grants=[{"group": "quản trị", "role": "admin", "unit": "SO"}])
    assert ("ldap-roles", "bad", "quản trị") in seen()
    configure(settings, slapd.ldaps, authority, grants=[{"group": ADMINS, "role": "admin", "unit": "XX"}])
    assert ("ldap-roles", "bad", "XX") in seen()
    folder = tmp_path / "other"
    folder.mkdir()
    configure(settings, slapd.ldaps, Authority(folder))
    assert seen()[0][:2] == ("ldap", "bad")
    assert "certificate not trusted" in seen()[0][2]
    configure(settings, slapd.ldaps.replace("127.0.0.1", socket.gethostname()), authority)
    assert seen()[0][1] == "bad"
    configure(settings, slapd.ldap, authority, start_tls=True)
    assert {state for _name, state, _seen in seen()} == {"good"}
    between = Stripping()
    configure(settings, f"ldap://127.0.0.1:{between.port}", authority, start_tls=True)
    assert "does not grant STARTTLS" in seen()[0][2]
    between.socket.close()
    (tmp_path / "ldap.password").write_text("sai")
    configure(settings, slapd.ldaps, authority)
    assert "INVALID_CREDENTIALS" in seen()[1][2]
