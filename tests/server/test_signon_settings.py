"""The sections [oidc] and [ldap], and the commands that link accounts."""

from __future__ import annotations

import importlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from server import console as people_console
from server.config import Config, ConfigError, Data
from server.journal.models import Entry
from server.signon import console, people, sections
from server.signon.models import Identity
from server.signon.sections import Ldap
from server.units.models import Membership, User
from tests.server.people import PASSWORD

OIDC = """
[oidc]
issuer = "https://id.example.vn/realms/so"
client_id = "rasoat"
client_secret_file = "oidc.secret"
"""
LDAP = """
[ldap]
servers = ["ldaps://dc1.example.vn", "ldaps://dc2.example.vn:3269"]
bind_dn = "CN=rasoat,DC=example,DC=vn"
bind_password_file = "ldap.password"
user_base = "DC=example,DC=vn"
group_base = "DC=example,DC=vn"
"""


@pytest.fixture(autouse=True)
def with_packages(monkeypatch) -> None:
    """What is asked here needs none of them."""
    monkeypatch.setattr(sections, "find_spec", lambda module: module)


def read(folder: Path, text: str) -> Config:
    (folder / "settings.toml").write_text(text, "utf-8")
    return Data(folder).config()


def test_sections_are_read(tmp_path: Path) -> None:
    grants = 'grants = [{ group = "CN=vận hành,DC=example,DC=vn", role = "operator", unit = "SO" }]\n'
    config = read(tmp_path, OIDC + LDAP + grants)
    assert config.oidc
    assert config.oidc.discovery == "https://id.example.vn/realms/so/.well-known/openid-configuration"
    assert config.ldap
    assert config.ldap.grants[0].role == "operator"
    assert "1.2.840.113556.1.4.803:=2" in config.ldap.users, "who is disabled in Active Directory is not found"
    assert read(tmp_path, "").oidc is None


@pytest.mark.parametrize(
    ("filter_", "anybody"),
    [
        ("(mail=%(user)s)", "(mail=*)"),
        ("(&(objectClass=person)(|(uid=%(user)s)(mail=%(user)s@example.vn)))", "(&(objectClass=person)(|(uid=*)(mail=*@example.vn)))"),
        ("(&(mail:2.5.13.2:=%(user)s)(!(flags:1.2.840.113556.1.4.803:=2)))", "(&(mail=*)(!(flags:1.2.840.113556.1.4.803:=2)))"),
        ("(|(cn~=%(user)s)(:dn:2.5.13.2:=%(user)s))", "(|(cn=*)(objectClass=*))"),
    ],
)  # fmt: skip
def test_a_filter_for_a_name_becomes_one_for_everybody(filter_: str, anybody: str) -> None:
    """A star is a wildcard after a plain `=` alone."""
    section = {
        "servers": ["ldaps://dc1"],
        "bind_dn": "cn=a",
        "bind_password_file": "p",
        "user_base": "dc=a",
        "group_base": "dc=a",
    }
    assert Ldap.model_validate(section | {"user_filter": filter_}).anybody == anybody


@pytest.mark.parametrize(
    ("text", "field", "what"),
    [
        (OIDC.replace("https://id", "http://id"), "oidc.issuer", "https://"),
        (OIDC.replace("https://id", "https://a:b@id"), "oidc.issuer", "https://"),
        (OIDC + 'client_secret = "x"\n', "oidc.client_secret", "Extra"),
        (OIDC + 'scopes = ["profile"]\n', "oidc", "openid"),
        (OIDC + 'second_factor = "provider"\n', "oidc", "accepted_acr"),
        (OIDC + "clock_skew_seconds = 3600\n", "oidc.clock_skew_seconds", "300"),
        (OIDC + 'grants = [{ group = "", role = "admin", unit = "SO" }]\n', "oidc.grants.0.group", "at least 1"),
        (OIDC + 'grants = [{ group = "g", role = "chief", unit = "SO" }]\n', "oidc.grants.0.role", "'admin'"),
        (OIDC.replace('client_id = "rasoat"', ""), "oidc.client_id", "required"),
        (LDAP.replace('"ldaps://dc1.example.vn"', '"ldap://dc1.example.vn"'), "ldap", "passwords would travel in clear"),
        (LDAP + "start_tls = true\n", "ldap", "goes with ldap://"),
        (LDAP.replace("ldaps://dc1", "ldapi://dc1"), "ldap", "write ldaps://name"),
        (LDAP.replace("ldaps://dc1.example.vn", "ldaps://dc1 ldap://dc9"), "ldap", "write ldaps://name"),
        (LDAP.replace('["ldaps://dc1.example.vn", "ldaps://dc2.example.vn:3269"]', "[]"), "ldap.servers", "at least 1"),
        (LDAP.replace("CN=rasoat,DC=example,DC=vn", "", 1), "ldap.bind_dn", "at least 1"),
        (LDAP + 'user_filter = "(uid=an)"\n', "ldap", "%(user)s"),
        (LDAP + 'user_filter = "(uid=%(user)s)(cn=%s)"\n', "ldap", "no %"),
        (LDAP + 'bind_password = "x"\n', "ldap.bind_password", "Extra"),
        (LDAP + "tries = 0\n", "ldap.tries", "greater"),
    ],
)
def test_mistakes_name_their_field_and_what_to_do(tmp_path: Path, text: str, field: str, what: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        read(tmp_path, text)
    assert f"settings.toml: {field}: " in str(wrong.value)
    assert what in str(wrong.value)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sections, "find_spec", lambda module: None)
    for text, extra in ((OIDC, "rasoat[signon]"), (LDAP, "rasoat[ldap]")):
        with pytest.raises(ConfigError, match="pip install") as wrong:
            read(tmp_path, text)
        assert extra in str(wrong.value)


@pytest.mark.parametrize(("mode", "text", "why"), [(0o644, "x", "chmod 600"), (0o620, "x", "chmod 600"), (0o600, "\n", "is empty"), (0o600, None, "No such file")])  # fmt: skip
def test_a_secrets_file_is_for_us_alone(tmp_path: Path, mode: int, text: str | None, why: str) -> None:
    if text is not None:
        (tmp_path / "s").write_text(text)
        (tmp_path / "s").chmod(mode)
    with pytest.raises(ConfigError, match=why):
        Data(tmp_path).secret("oidc.client_secret_file", "s")
    (tmp_path / "s").write_text("geheim\n")
    (tmp_path / "s").chmod(0o640)
    assert Data(tmp_path).secret("oidc.client_secret_file", "s") == "geheim"


def test_a_collector_without_sections_reads_no_package(monkeypatch) -> None:
    """The extras are for those who use them."""
    for module in (
        "server.signon.views",
        "server.signon.people",
        "server.signon.sessions",
        "server.signon.check",
        "server.signon.tasks",
    ):
        source = Path(str(importlib.import_module(module).__file__)).read_text("utf-8")
        head = source[: source.index("\ndef ")]
        assert "authlib" not in head
        assert "import ldap" not in head
        assert "import directory" not in head


# --- rasoat server user link ------------------------------------------------------------------------------------------


class Options:
    def __init__(self, **given: Any) -> None:
        self.__dict__ |= given


NUMBER = "ldap:6f9619ff-8b86-d011-b42d-00c04fc964ff"


def test_link_takes_the_password_and_keeps_the_roles(person, admin, capsys) -> None:
    user = person("an", "south", "operator")
    client = Client()
    client.post("/log-on/", {"username": "an", "password": PASSWORD})
    assert console.link(Options(username="an", identity=NUMBER.upper().replace("LDAP", "ldap"))) == 0
    user.refresh_from_db()
    assert not user.has_usable_password()
    assert client.get("/units/").status_code == 302
    assert Identity.objects.get().subject == NUMBER.partition(":")[2]
    assert Membership.objects.filter(user=user, role="operator").exists()
    assert Entry.objects.get(action="user.linked").detail["identity"] == NUMBER
    assert console.link(Options(username="an", identity=NUMBER)) == 2
    assert console.link(Options(username=admin.username, identity=NUMBER)) == 2, "the last one who gets in without them"


def test_an_administrator_whose_day_is_past_is_no_other_one(person, admin, tree, capsys) -> None:
    other = Membership.objects.create(user=person("khác"), unit=tree["root"], role=Membership.ADMIN)
    Membership.objects.filter(pk=other.pk).update(until=timezone.localdate() - timedelta(days=1))
    assert console.link(Options(username=admin.username, identity=NUMBER)) == 2
    Membership.objects.filter(pk=other.pk).update(until=timezone.localdate())
    assert console.link(Options(username=admin.username, identity=NUMBER)) == 0


def test_reset_of_a_linked_account_gives_no_second_way_in(person, admin, capsys) -> None:
    user = person("an", "south", "operator")
    people.link(user, *NUMBER.split(":")[:1], "ldap", NUMBER.partition(":")[2])
    assert people_console.user_reset(Options(username="an")) == 0
    user.refresh_from_db()
    assert not user.has_usable_password()
    assert not user.must_change
    assert console.unlink(Options(username="an")) == 0
    assert console.unlink(Options(username="an")) == 2
    assert people_console.user_reset(Options(username="an")) == 0
    user.refresh_from_db()
    assert user.has_usable_password()
    assert user.must_change


def test_unlink_takes_what_groups_gave_and_leaves_what_hands_gave(person, tree, admin) -> None:
    user = person("an", "south", "operator")
    people.link(user, "ldap", "ldap", NUMBER.partition(":")[2])
    people.settle(user, "ldap", {(tree["root"], "admin"), (tree["south"], "operator")})
    assert user.administers
    console.unlink(Options(username="an"))
    assert set(Membership.objects.filter(user=user).values_list("unit__name", "role", "origin")) == {
        ("Phòng Nam", "operator", "")
    }
    assert not User.objects.get(pk=user.pk).administers


def test_grant_by_hand_leaves_what_groups_gave(person, tree, admin) -> None:
    user = person("an", "root", "viewer")
    people.settle(user, "ldap", {(tree["root"], "auditor")})
    people_console.user_grant(Options(username="an", unit="Sở", role="none", until=None))
    assert list(Membership.objects.filter(user=user).values_list("role", "origin")) == [("auditor", "ldap")]


@pytest.mark.parametrize("identity", ["", "ldap:", "ldap:an", "oidc:x", "an@example.vn", "mail:an@example.vn"])
def test_what_is_no_identity_is_refused(person, admin, identity: str, capsys) -> None:
    person("an")
    assert console.link(Options(username="an", identity=identity)) == 2
    assert not Identity.objects.exists()


def test_names_of_groups_are_compared_as_names(db) -> None:
    directory = pytest.importorskip("server.signon.directory", reason="the extra [ldap] is not installed", exc_type=ImportError)
    one = directory.canonical("CN=Vận  hành, OU=Nhóm ,DC=example,DC=vn")
    assert one == directory.canonical("cn=vận hành,ou=nhóm,dc=EXAMPLE,dc=vn")
    assert one != directory.canonical("cn=vận hành,dc=example,dc=vn")
    assert directory.canonical(r"cn=a\,ou=b,dc=vn") != directory.canonical("cn=a,ou=b,dc=vn")
    assert not directory.is_name("quản trị")
    assert Ldap.model_fields["tries"].default < 5, "below what directories lock at"
