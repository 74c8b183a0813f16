"""Log-on by a directory: a real slapd on loopback, and what must not let anybody in."""

from __future__ import annotations

import base64
import logging
import socket
import time
import unicodedata
import uuid
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pyotp
import pytest
from django.test import Client
from django.utils import timezone

from server.config import Config, Data
from server.journal.models import Entry
from server.people.models import SecondFactor, Visit
from server.people.sessions import end_all
from server.programs.models import Key
from server.signon import tasks
from server.signon.errors import Unavailable
from server.signon.models import Identity, Tries
from server.signon.people import link
from server.units.models import Membership, Unit, User
from tests.server.certificates import Authority
from tests.server.conftest import HERE
from tests.server.people import PASSWORD
from tests.server.slapd import BASE, READER, READER_PASSWORD, SLAPD, Slapd, free_port

directory = pytest.importorskip("server.signon.directory", reason="the extra [ldap] is not installed", exc_type=ImportError)
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.system,
    pytest.mark.skipif(not SLAPD, reason="slapd is not installed"),
]
SECRET = "mật khẩu ở thư mục"
PEOPLE, GROUPS = f"ou=người,{BASE}", f"ou=nhóm,{BASE}"
ADMINS, OPERATORS, TEAM = f"cn=quản trị,{GROUPS}", f"cn=vận hành,{GROUPS}", f"cn=tổ trực,{GROUPS}"
GUID = uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")


def encoded(name: str, value: str) -> str:
    return f"{name}:: {base64.b64encode(value.encode()).decode()}\n"


def entry(dn: str, **attributes: Any) -> str:
    lines = encoded("dn", dn)
    for name, values in attributes.items():
        for value in values if isinstance(values, list) else [values]:
            lines += f"{name}:: {base64.b64encode(value).decode()}\n" if isinstance(value, bytes) else encoded(name, value)
    return lines + "\n"


def someone(uid: str, full: str, **more: Any) -> str:
    base = {"objectClass": ["inetOrgPerson", "adPerson"], "uid": uid, "cn": full, "sn": full, "userPassword": SECRET}
    return entry(f"uid={uid},{PEOPLE}", **(base | more))


def group(dn: str, *members: str) -> str:
    return entry(dn, objectClass="groupOfNames", cn=dn.split(",")[0][3:], member=list(members))


def person_dn(uid: str) -> str:
    return f"uid={uid},{PEOPLE}"


TREE = "".join(
    [
        entry(BASE, objectClass=["dcObject", "organization"], o="Sở", dc="so"),
        *(entry(f"ou={name},{BASE}", objectClass="organizationalUnit", ou=name) for name in ("người", "nhóm", "dịch vụ")),
        entry(READER, objectClass=["applicationProcess", "simpleSecurityObject"], cn="rasoat", userPassword=READER_PASSWORD),
        someone("an", "Nguyễn Văn An", mail="chung@example.vn", sAMAccountName="an.nv", userPrincipalName="an@so.example.vn", objectGUID=GUID.bytes_le),
        someone("bình", "Trần Thị Bình", mail="chung@example.vn"),
        someone("ngoài", "Lê Ngoài"),
        someone("admin", "Kẻ Mạo Danh"),
        entry(person_dn("trống"), objectClass=["inetOrgPerson"], uid="trống", cn="Không Mật Khẩu", sn="x"),
        group(OPERATORS, person_dn("an"), TEAM),
        group(TEAM, person_dn("bình")),
        group(ADMINS, person_dn("admin")),
        group(f"cn=khác,{GROUPS}", person_dn("ngoài")),
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, authority: Authority):
    slapd = Slapd(tmp_path_factory.mktemp("slapd"), authority)
    slapd.add(TREE)
    yield slapd
    slapd.stop()


@pytest.fixture
def slapd(running: Slapd, authority: Authority, tmp_path, settings, tree) -> Slapd:
    """The directory, with a collector that knows it."""
    Unit.objects.filter(pk=tree["root"].pk).update(code="SO")
    Unit.objects.filter(pk=tree["north"].pk).update(code="PB")
    settings.DATA = Data(tmp_path)
    settings.DATA.packs.symlink_to(HERE / "packs")
    (tmp_path / "ldap.password").write_text(READER_PASSWORD + "\n", "utf-8")
    (tmp_path / "ldap.password").chmod(0o600)
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, "server.signon.directory.Directory"]
    configure(settings, running.ldaps, authority)
    return running


def configure(settings, server: str, authority: Authority, **more: Any) -> None:
    section = {
        "servers": [server], "kind": "ldap", "bind_dn": READER, "bind_password_file": "ldap.password",
        "user_base": PEOPLE, "group_base": GROUPS, "ca_file": str(authority.file), "timeout_seconds": 3,
        "grants": [
            {"group": OPERATORS, "role": "operator", "unit": "PB"},
            {"group": ADMINS.upper(), "role": "admin", "unit": "SO"},
        ],
    }  # fmt: skip
    settings.CONFIG = Config.model_validate({"ldap": section | more})


def log_on(client: Client, name: str, password: str = SECRET, **more: Any):
    return client.post("/log-on/", {"username": name, "password": password, **more})


def outside(client: Client) -> bool:
    return client.get("/units/").status_code == 302 and not Visit.objects.exists()


# --- in ---------------------------------------------------------------------------------------------------------------


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


class Stripping:
    """Between us and the directory: says that there is no STARTTLS, and keeps what it hears."""

    def __init__(self) -> None:
        self.heard = b""
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            try:
                peer, _address = self.socket.accept()
            except OSError:
                return
            peer.settimeout(5)
            try:
                while data := peer.recv(4096):
                    self.heard += data
                    # ExtendedResponse with resultCode protocolError to the message of that number
                    peer.sendall(b"\x30\x0c\x02\x01" + data[4:5] + b"\x78\x07\x0a\x01\x02\x04\x00\x04\x00")
            except OSError:
                continue


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


# --- afterwards -------------------------------------------------------------------------------------------------------


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
