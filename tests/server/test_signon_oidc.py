"""Log-on by an OpenID Connect provider, a real one on loopback: who gets in, as whom, and for how long."""

from __future__ import annotations

import time
import unicodedata
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from django.test import Client
from django.utils import timezone

from server.config import Config
from server.journal.models import Entry
from server.people.models import SecondFactor, Visit
from server.signon import oidc
from server.signon.errors import Refused
from server.signon.models import Identity
from server.signon.people import link
from server.units.models import Membership, Unit, User
from tests.server import signon_provider
from tests.server.certificates import Authority
from tests.server.people import PASSWORD
from tests.server.provider import Provider
from tests.server.signon_provider import ADMINS, VIEWERS, begin, configure, log_on, outside

pytestmark = pytest.mark.django_db
authority, running, provider = signon_provider.authority, signon_provider.running, signon_provider.provider


def test_who_is_in_a_group_gets_its_role_and_no_more(provider: Provider, client: Client, tree) -> None:
    assert log_on(client, provider, wanted="/units/").headers["Location"] == "/units/"
    user = User.objects.get(username="nguyen.van.a")
    assert (user.full_name, user.has_usable_password(), user.must_change) == ("Nguyễn Văn A", False, False)
    assert user.parts() == [tree["north"].path]
    assert not user.administers
    assert client.get("/units/").status_code == 200
    assert Entry.objects.filter(action="user.signon", actor=user.username, detail__identity="oidc:u-1").count() == 1
    assert Entry.objects.filter(action="user.group-role", subject=user.username).count() == 1
    assert "Nguyễn Văn A" in client.get("/units/").content.decode()


def test_the_button_is_there_only_where_there_is_a_provider(provider: Provider, client: Client, settings, authority) -> None:
    page = client.get("/log-on/?next=/units/").content.decode()
    assert 'href="/log-on/oidc/?next=/units/"' in page
    assert "Đăng nhập bằng tài khoản của cơ quan" in page
    configure(settings, provider, authority, label="VNeID <b>")
    assert "Đăng nhập bằng VNeID &lt;b&gt;" in client.get("/log-on/").content.decode()
    settings.CONFIG = Config()
    assert "/log-on/oidc/" not in client.get("/log-on/").content.decode()
    assert client.get("/log-on/oidc/").status_code == client.get("/log-on/oidc/answer/").status_code == 404


def test_one_is_led_nowhere_else(provider: Provider, client: Client) -> None:
    assert log_on(client, provider, wanted="https://evil.example/").headers["Location"] == "/"


def test_the_same_person_is_the_same_account_whatever_the_name_is_now(provider: Provider) -> None:
    log_on(Client(), provider)
    log_on(Client(), provider, preferred_username="tran.thi.b", name="Trần Thị B")
    user = User.objects.get()
    assert (user.username, user.full_name) == ("nguyen.van.a", "Trần Thị B")
    assert Identity.objects.get().name == "tran.thi.b"


def test_a_lost_group_takes_its_role_at_the_next_log_on_and_leaves_what_was_given_by_hand(provider: Provider, tree) -> None:
    log_on(Client(), provider, groups=[VIEWERS, ADMINS])
    user = User.objects.get()
    Membership.objects.create(user=user, unit=tree["north"], role="viewer")
    Membership.objects.create(user=user, unit=tree["south"], role="operator")
    assert user.may("administer", tree["root"])
    client = Client()
    log_on(client, provider, groups=["/elsewhere"])
    held = set(Membership.objects.filter(user=user).values_list("unit__name", "role", "origin"))
    assert held == {("Phòng Bắc", "viewer", ""), ("Phòng Nam", "operator", "")}
    assert Entry.objects.filter(action="user.group-role-lost").count() == 2
    assert client.get("/units/").status_code == 200


def test_who_loses_the_last_role_is_out_of_every_session(provider: Provider) -> None:
    first = Client()
    log_on(first, provider)
    answer = log_on(Client(), provider, groups=[])
    assert answer.status_code == 403
    assert first.get("/units/").status_code == 302
    assert not Membership.objects.exists()


@pytest.mark.parametrize("groups", [[], ["/unknown"], [VIEWERS.upper()], None, 7, {"a": VIEWERS}, [[VIEWERS]]])
def test_an_unknown_group_is_no_right_and_no_account(provider: Provider, client: Client, groups: Any) -> None:
    answer = log_on(client, provider, groups=groups)
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "không nhóm nào của bạn được cấp vai trò" in page
    assert "u-1" in page
    assert not User.objects.exists()
    assert outside(client)
    refused = Entry.objects.get(action="user.signon-refused")
    assert (refused.detail["code"], refused.detail["identity"]) == ("no-right", "oidc:u-1")


def test_a_group_whose_unit_is_not_there_gives_nothing(provider: Provider, client: Client, tree) -> None:
    Unit.objects.filter(pk=tree["north"].pk).update(code="PB-cũ")
    assert log_on(client, provider).status_code == 403


def test_groups_may_lie_deeper_and_come_from_userinfo(provider: Provider, settings, authority, tree) -> None:
    configure(settings, provider, authority, groups_claim="realm_access.roles")
    assert log_on(Client(), provider, realm_access={"roles": [VIEWERS]}).status_code == 302
    provider.userinfo = {"sub": "u-2", "realm_access": {"roles": [VIEWERS]}}
    oidc._known.clear()
    assert log_on(Client(), provider, "u-2", preferred_username="b").status_code == 302
    provider.userinfo = {"sub": "u-9", "realm_access": {"roles": [ADMINS]}}
    assert log_on(Client(), provider, "u-2", preferred_username="b").status_code == 403, "userinfo about somebody else"


# --- whose account ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["quản-trị", "QUẢN-TRỊ", unicodedata.normalize("NFD", "quản-trị"), " quản-trị "])
def test_a_name_that_is_taken_is_not_taken_over(provider: Provider, client: Client, admin, name: str) -> None:
    answer = log_on(client, provider, preferred_username=name, groups=[ADMINS], email="admin@example.vn")
    assert answer.status_code == 403
    assert "trùng tên" in answer.content.decode()
    assert User.objects.count() == 1
    assert not Identity.objects.exists()
    assert Client().post("/log-on/", {"username": admin.username, "password": PASSWORD}).status_code == 302


def test_two_people_with_one_mail_address_are_two(provider: Provider) -> None:
    for sub, name in (("u-1", "an"), ("u-2", "bình")):
        assert log_on(Client(), provider, sub, preferred_username=name, email="chung@example.vn").status_code == 302
    assert sorted(User.objects.values_list("username", flat=True)) == ["an", "bình"]


def test_a_name_composed_or_not_is_one_name(provider: Provider) -> None:
    log_on(
        Client(),
        provider,
        preferred_username=unicodedata.normalize("NFD", "Bình.Trần"),
        name=unicodedata.normalize("NFD", "Bình"),
    )
    user = User.objects.get()
    assert user.username == unicodedata.normalize("NFC", "bình.trần")
    assert user.full_name == unicodedata.normalize("NFC", "Bình")


@pytest.mark.parametrize("name", ["a\u202eb", "a\nb", "x" * 151, "a\x00b"])
def test_names_that_are_none_get_no_account(provider: Provider, client: Client, name: str) -> None:
    assert log_on(client, provider, preferred_username=name).status_code == 403
    assert not User.objects.exists()


def test_the_administrator_links_by_subject_and_the_password_is_gone(provider: Provider, person) -> None:
    user = person("an", "south", "operator")
    link(user, "oidc", provider.issuer, "u-1")
    assert Client().post("/log-on/", {"username": "an", "password": PASSWORD}).status_code == 200
    client = Client()
    assert log_on(client, provider, groups=[]).status_code == 302
    assert client.get("/units/").status_code == 200
    with pytest.raises(Refused):
        link(person("khác"), "oidc", provider.issuer, "u-1")


def test_the_same_subject_of_another_issuer_is_another_person(provider: Provider, client: Client, person) -> None:
    link(person("an"), "oidc", "https://other.example", "u-1")
    assert log_on(client, provider, preferred_username="an").status_code == 403


def test_who_is_disabled_stays_out(provider: Provider, client: Client) -> None:
    log_on(Client(), provider)
    User.objects.update(is_active=False)
    Visit.objects.all().delete()
    assert "khóa" in log_on(client, provider).content.decode()
    assert outside(client)


def test_a_local_administrator_still_gets_in_when_the_provider_is_away(provider: Provider, client: Client, admin) -> None:
    provider.broken = True
    answer = client.get("/log-on/oidc/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "không trả lời" in answer.content.decode()
    assert client.post("/log-on/", {"username": admin.username, "password": PASSWORD}).status_code == 302


# --- second factor, time, log-off -------------------------------------------------------------------------------------


def test_roles_that_need_a_second_factor_need_ours_unless_the_providers_counts(provider: Provider, settings, authority) -> None:
    configure(settings, provider, authority, second_factor_for=["admin"])
    client = Client()
    log_on(client, provider, groups=[ADMINS], amr=["pwd", "otp"])
    assert client.get("/units/").headers["Location"] == "/second-factor/"
    configure(settings, provider, authority, second_factor_for=["admin"], second_factor="provider", accepted_amr=["otp"])
    weak, strong = Client(), Client()
    log_on(weak, provider, groups=[ADMINS], amr=["pwd"])
    log_on(strong, provider, groups=[ADMINS], amr=["pwd", "otp"])
    assert weak.get("/units/").headers["Location"] == "/second-factor/"
    assert weak.get("/api/v1/assets").status_code == 401
    assert strong.get("/units/").status_code == 200
    assert strong.get("/api/v1/assets").status_code == 200


def test_acr_is_asked_for_and_counts(provider: Provider, settings, authority, client: Client) -> None:
    configure(settings, provider, authority, second_factor="provider", accepted_acr=["urn:loa:2", "gold"])
    assert parse_qs(urlsplit(begin(client)).query)["acr_values"] == ["urn:loa:2 gold"]
    log_on(client, provider, acr="gold")
    assert client.session["factor-provided"] is True
    other = Client()
    log_on(other, provider, acr="bronze")
    assert "factor-provided" not in other.session


def test_an_own_second_factor_is_asked_for_as_of_local_people(provider: Provider, client: Client) -> None:
    log_on(Client(), provider)
    factor = SecondFactor.begin(User.objects.get())
    factor.confirmed_at = timezone.now()
    factor.save()
    Visit.objects.all().delete()
    assert log_on(client, provider, wanted="/units/").headers["Location"] == "/log-on/second/"
    assert outside(client)
    done = client.post("/log-on/second/", {"code": pyotp.TOTP(factor.secret).now()})
    assert done.headers["Location"] == "/units/"
    assert client.get("/units/").status_code == 200


def test_however_busy_it_ends_when_its_time_is_over(provider: Provider, client: Client, settings, authority, monkeypatch) -> None:
    configure(settings, provider, authority, session_hours=0.5)
    log_on(client, provider)
    later = time.time() + 1801
    monkeypatch.setattr("server.signon.sessions.time.time", lambda: later)
    assert client.get("/api/v1/assets").status_code == 401
    assert client.get("/units/").status_code == 302


def test_a_provider_taken_out_of_the_settings_ends_its_log_ons(provider: Provider, client: Client, settings) -> None:
    log_on(client, provider)
    settings.CONFIG = Config()
    assert client.get("/units/").status_code == 302


def test_log_off_ends_ours_and_offers_the_providers(provider: Provider, client: Client, admin) -> None:
    log_on(client, provider)
    page = client.post("/log-off/").content.decode()
    assert f'href="{provider.issuer}/logout?' in page
    assert client.get("/units/").status_code == 302
    log_on(client, provider)
    provider.broken = True
    oidc._known.clear()
    assert client.post("/log-off/").headers["Location"] == "/log-on/"
    local = Client()
    local.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    assert local.post("/log-off/").headers["Location"] == "/log-on/"


def test_there_is_no_password_to_change(provider: Provider, client: Client) -> None:
    log_on(client, provider)
    page = client.get("/password/").content.decode()
    assert "mật khẩu được lưu và đổi ở đó" in page
    assert 'type="password"' not in page


def test_check_names_what_is_wrong(provider: Provider, settings, authority, tmp_path, tree) -> None:
    from server.signon import check

    def seen() -> dict[str, tuple[str, str]]:
        return {line.name: (line.state, line.seen) for line in check.oidc()}

    assert seen()["oidc"][0] == "good"
    assert seen()["oidc-roles"][0] == "good"
    Unit.objects.filter(pk=tree["north"].pk).update(code="khác")
    assert "PB" in seen()["oidc-roles"][1]
    provider.document = {"issuer": "https://other"}
    assert seen()["oidc"][0] == "bad"
    provider.document = {"code_challenge_methods_supported": ["plain"]}
    assert seen()["oidc"][0] == "warn"
    provider.document = {}
    folder = tmp_path / "other"
    folder.mkdir()
    configure(settings, provider, Authority(folder))
    assert "certificate not trusted" in seen()["oidc"][1]
    configure(settings, provider, authority, issuer="https://localhost:9/none")
    assert seen()["oidc"][0] == "bad"
    (tmp_path / "oidc.secret").unlink()
    assert "oidc.secret" in seen()["oidc"][1]
