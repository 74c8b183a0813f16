"""Log-on by a directory: a real slapd on loopback, and what must not let anybody in."""

from __future__ import annotations

import socket
import unicodedata
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from server.journal.models import Entry
from server.signon.models import Identity, Tries
from server.signon.people import link
from server.units.models import Membership, Unit, User
from tests.server import signon_directory
from tests.server.certificates import Authority
from tests.server.people import PASSWORD
from tests.server.signon_directory import (
    GUID,
    SECRET,
    Stripping,
    configure,
    log_on,
    outside,
    person_dn,
)
from tests.server.slapd import BASE, READER, READER_PASSWORD, SLAPD, Slapd, free_port

directory = pytest.importorskip("server.signon.directory", reason="the extra [ldap] is not installed", exc_type=ImportError)
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.system,
    pytest.mark.skipif(not SLAPD, reason="slapd is not installed"),
]
authority, running, slapd = signon_directory.authority, signon_directory.running, signon_directory.slapd


def test_who_is_in_a_group_gets_its_role_and_no_more(slapd: Slapd, client: Client, tree) -> None:
    assert log_on(client, "an", next="/units/").headers["Location"] == "/units/"
    user = User.objects.get()
    assert (user.username, user.full_name, user.has_usable_password()) == ("an", "Nguyễn Văn An", False)
    assert set(Membership.objects.values_list("unit__name", "role", "origin")) == {("Phòng Bắc", "operator", "ldap")}
    assert client.get("/units/").status_code == 200
    assert Entry.objects.filter(action="user.signon", actor="an").exists()
    assert SECRET not in str(list(Entry.objects.values()))
    client.post("/log-off/")
    assert client.get("/units/").status_code == 302


def test_a_group_in_a_group_counts(slapd: Slapd, client: Client) -> None:
    assert log_on(client, "bình").status_code == 302
    assert Membership.objects.get().role == "operator"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_from_any_keyboard_is_the_same_person(slapd: Slapd, form: str) -> None:
    for name in ("bình", "BÌNH", " bình "):
        assert log_on(Client(), unicodedata.normalize(form, name)).status_code == 302, name
    assert User.objects.count() == Identity.objects.count() == 1


def test_starttls_works_as_well(slapd: Slapd, client: Client, settings, authority) -> None:
    configure(settings, slapd.ldap, authority, start_tls=True)
    assert log_on(client, "an").status_code == 302


def test_in_no_known_group_one_sees_nothing_and_is_told(slapd: Slapd, client: Client) -> None:
    answer = log_on(client, "ngoài")
    assert answer.status_code == 403
    assert "không nhóm nào của bạn được cấp vai trò" in answer.content.decode()
    assert not User.objects.exists()
    assert outside(client)
    assert Entry.objects.get(action="user.signon-refused").detail["code"] == "no-right"


def test_two_people_with_one_mail_address_are_two(slapd: Slapd) -> None:
    assert log_on(Client(), "an").status_code == log_on(Client(), "bình").status_code == 302
    assert User.objects.count() == Identity.objects.count() == 2


def test_active_directorys_names_and_numbers(slapd: Slapd, client: Client, settings, authority, monkeypatch) -> None:
    """Its own rule for nested groups is asked for; slapd does not know it and finds nothing, so the role is given by hand."""
    asked: list[str] = []
    search = directory.ldap.ldapobject.SimpleLDAPObject.search_s

    def heard(self: Any, base: str, scope: int, filter_: str, *rest: Any) -> Any:
        asked.append(filter_)
        return search(self, base, scope, filter_, *rest)

    monkeypatch.setattr(directory.ldap.ldapobject.SimpleLDAPObject, "search_s", heard)
    filter_ = "(&(objectClass=inetOrgPerson)(|(sAMAccountName=%(user)s)(userPrincipalName=%(user)s)))"
    configure(
        settings, slapd.ldaps, authority, kind="active-directory", user_filter=filter_, group_filter="(objectClass=groupOfNames)"
    )
    assert log_on(client, "an@so.example.vn").status_code == 403
    assert Entry.objects.get(action="user.signon-refused").detail["identity"] == f"ldap:{GUID}"
    assert asked[-1] == f"(&(objectClass=groupOfNames)(member:1.2.840.113556.1.4.1941:={person_dn('an')}))"
    user = User.objects.create_user("người cũ", PASSWORD, must_change=False)
    Membership.objects.create(user=user, unit=Unit.objects.get(code="PB"), role="viewer")
    link(user, "ldap", "ldap", str(GUID))
    for name in ("an.nv", "AN@so.example.vn"):
        assert log_on(Client(), name).status_code == 302
    assert Identity.objects.get().name == "an.nv"


# --- whose account ----------------------------------------------------------------------------------------------------


def test_a_local_account_is_never_asked_for_at_the_directory(slapd: Slapd, person, settings) -> None:
    user = person("admin", "south")
    before = slapd.heard().count("SRCH")
    assert log_on(Client(), "admin", SECRET).status_code == 200, "the directory's password of that name"
    assert log_on(Client(), "ADMIN", SECRET).status_code == 200
    user.is_active = False
    user.save()
    assert log_on(Client(), "admin", SECRET).status_code == 200
    assert slapd.heard().count("SRCH") == before
    assert not Identity.objects.exists()
    assert not user.administers


def test_an_account_without_password_and_link_is_not_taken_over(slapd: Slapd, client: Client, person) -> None:
    user = person("admin", "south")
    user.set_unusable_password()
    user.save()
    assert log_on(client, "admin").status_code == 200
    assert outside(client)


def test_a_renamed_person_does_not_become_who_has_that_name_here(slapd: Slapd, client: Client, person) -> None:
    user = person("an", "south")
    link(user, "ldap", "ldap", str(uuid.uuid4()))
    answer = log_on(client, "an")
    assert answer.status_code == 403
    assert "trùng tên" in answer.content.decode()


# --- out --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["*", "a*", "*)(uid=*", "*)(|(uid=*", "an)(objectClass=*", "an\\2a", "\\61\\6e", "an,ou=người", "(&)", "an\x00"]
)
def test_a_name_is_a_name_and_no_filter(slapd: Slapd, client: Client, name: str) -> None:
    assert log_on(client, name).status_code == 200
    assert outside(client)
    assert not User.objects.exists()


@pytest.mark.parametrize("password", ["", "sai", SECRET + " ", SECRET.upper(), "\x00"])
def test_other_passwords_let_nobody_in(slapd: Slapd, client: Client, password: str) -> None:
    assert log_on(client, "an", password).status_code == 200
    assert outside(client)


def test_an_empty_password_is_never_sent(slapd: Slapd, rf) -> None:
    """An LDAP server answers a bind with a name and no password with success: it is anonymous."""
    binds = slapd.heard().count("BIND")
    request = rf.post("/log-on/")
    assert directory.Directory().authenticate(request, username="an", password="") is None
    assert directory.Directory().authenticate(request, username="an", password=None) is None
    assert slapd.heard().count("BIND") == binds


def test_an_entry_without_password_lets_nobody_in(slapd: Slapd, client: Client) -> None:
    assert log_on(client, "trống", "gì đó").status_code == 200
    assert outside(client)


def test_failures_lock_here_as_for_local_people(slapd: Slapd, client: Client, settings, authority) -> None:
    configure(settings, slapd.ldaps, authority, tries=10)
    answers = [log_on(client, "an", "sai").status_code for _ in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    assert log_on(client, "an").status_code == 429


@pytest.mark.parametrize("names", [("an", "AN", " an", "An"), ("lạ", "LẠ", "lạ ", "Lạ")])
def test_the_directory_is_asked_so_often_and_no_more_from_wherever(slapd: Slapd, names: tuple[str, ...]) -> None:
    """Or a stranger could lock the person's account at the directory; and names that nobody has are answered alike."""
    before = len(slapd.heard())
    answers = [log_on(Client(REMOTE_ADDR=f"10.0.0.{place}"), name, "sai").status_code for place, name in enumerate(names)]
    assert answers == [200, 200, 200, 429]
    binds = [
        line for line in slapd.heard()[before:].splitlines() if "BIND dn=" in line and "method=" in line and READER not in line
    ]
    assert len(binds) == (3 if names[0] == "an" else 0)
    if names[0] == "an":
        last = log_on(Client(REMOTE_ADDR="10.0.0.9"), "an")
        assert last.status_code == 429
        assert last.headers["Retry-After"]
        Tries.objects.update(failed_at=timezone.now() - timedelta(minutes=31))
        assert log_on(Client(REMOTE_ADDR="10.0.0.9"), "an").status_code == 302
        assert not Tries.objects.exists()


def test_a_directory_that_is_away_is_503_and_local_people_get_in(
    slapd: Slapd, client: Client, settings, authority, admin, caplog
) -> None:
    configure(settings, f"ldaps://127.0.0.1:{free_port()}", authority)
    answer = log_on(client, "mật khẩu gõ nhầm vào tên", SECRET)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "không trả lời" in answer.content.decode()
    assert "gõ nhầm" not in caplog.text
    assert SECRET not in caplog.text
    assert not Tries.objects.filter(failures__gt=0).exists()
    assert log_on(Client(), admin.username, PASSWORD).status_code == 302


@pytest.mark.parametrize("wrong", ["authority", "host", "reader", "reader-file", "base", "attribute"])
def test_what_is_set_wrongly_is_503_and_never_no_such_person(
    slapd: Slapd, client: Client, settings, authority, tmp_path: Path, wrong: str
) -> None:
    more: dict[str, Any] = {}
    server = slapd.ldaps
    if wrong == "authority":
        folder = tmp_path / "other"
        folder.mkdir()
        more["ca_file"] = str(Authority(folder).file)
    elif wrong == "host":
        server = server.replace("127.0.0.1", socket.gethostname())
    elif wrong == "reader":
        (tmp_path / "ldap.password").write_text("sai")
    elif wrong == "reader-file":
        (tmp_path / "ldap.password").chmod(0o644)
    elif wrong == "base":
        more["user_base"] = f"ou=không có,{BASE}"
    else:
        more |= {"kind": "active-directory", "user_filter": "(uid=%(user)s)"}
    configure(settings, server, authority, **more)
    name = "bình" if wrong == "attribute" else "an"
    assert log_on(client, name).status_code == 503
    assert outside(client)
    assert not User.objects.exists()


def test_an_environment_that_asks_for_less_gets_no_less(slapd: Slapd, client: Client, settings, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LDAPTLS_REQCERT", "never")
    folder = tmp_path / "other"
    folder.mkdir()
    configure(settings, slapd.ldaps, Authority(folder))
    assert log_on(client, "an").status_code == 503


def test_without_starttls_nothing_is_said(slapd: Slapd, client: Client, settings, authority, tmp_path) -> None:
    between = Stripping()
    configure(settings, f"ldap://127.0.0.1:{between.port}", authority, start_tls=True)
    assert log_on(client, "an").status_code == 503
    between.socket.close()
    assert b"1.3.6.1.4.1.1466.20037" in between.heard
    for secret in (READER_PASSWORD, SECRET, READER, "an,"):
        assert secret.encode() not in between.heard
    clear = Slapd(tmp_path / "clear", authority, clear=True)
    try:
        configure(settings, clear.ldap, authority, start_tls=True)
        assert log_on(client, "an").status_code == 503
        assert "BIND" not in clear.heard()
    finally:
        clear.stop()
