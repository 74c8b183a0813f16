"""Log on, lock-out, passwords, languages, headers."""

from __future__ import annotations

import unicodedata

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client

from server.journal.models import Entry
from server.units.models import User
from tests.server.people import PASSWORD

pytestmark = pytest.mark.django_db


def log_on(client: Client, name: str, password: str = PASSWORD):
    return client.post("/log-on/", {"username": name, "password": password})


def test_it_works(client: Client, admin) -> None:
    assert log_on(client, admin.username).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert Entry.objects.filter(action="user.log-on", actor=admin.username).exists()
    client.post("/log-off/")
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("path", ["/", "/machines/1/", "/tokens/", "/journal/", "/password/", "/machines/1/snapshots/x/raw/"])
def test_nothing_is_shown_before_log_on(client: Client, db, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/log-on/")


def test_vietnamese_passwords_work_from_every_keyboard(client: Client, admin) -> None:
    decomposed = unicodedata.normalize("NFD", PASSWORD)
    assert decomposed != PASSWORD
    assert log_on(client, admin.username, decomposed).status_code == 302
    assert check_password(PASSWORD, make_password(decomposed))


def test_passwords_are_argon2_of_modest_memory() -> None:
    assert make_password("x").startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_failures_lock_the_log_on_and_only_from_there(client: Client, admin) -> None:
    for _ in range(4):
        assert log_on(client, admin.username, "sai mật khẩu").status_code == 200
    assert log_on(client, admin.username, "sai mật khẩu").status_code == 429
    locked = log_on(client, admin.username)
    assert locked.status_code == 429
    assert "15 phút" in locked.content.decode()
    assert log_on(Client(REMOTE_ADDR="10.0.0.9"), admin.username).status_code == 302
    assert Entry.objects.filter(action="user.locked-out").exists()


def test_a_mistyped_password_in_the_name_field_stays_out_of_the_journal(client: Client, admin) -> None:
    log_on(client, PASSWORD, "x")
    assert PASSWORD not in str(list(Entry.objects.values()))


def test_a_given_password_must_be_changed_first(client: Client, person) -> None:
    person("mới", must_change=True)
    log_on(client, "mới")
    for path in ("/", "/tokens/", "/machines/1/"):
        assert client.get(path).headers["Location"] == "/password/"
    own = "câu mật khẩu của riêng tôi"
    weak = client.post("/password/", {"old_password": PASSWORD, "new_password1": "ngan", "new_password2": "ngan"})
    assert weak.status_code == 200
    assert User.objects.get(username="mới").must_change
    changed = client.post("/password/", {"old_password": PASSWORD, "new_password1": own, "new_password2": own})
    assert changed.headers["Location"] == "/"
    assert client.get("/").status_code == 200, "still logged on"
    assert log_on(Client(), "mới", own).status_code == 302
    assert Entry.objects.filter(action="user.password").count() == 1


def test_a_disabled_person_does_not_get_in(client: Client, admin) -> None:
    User.objects.update(is_active=False)
    assert log_on(client, admin.username).status_code == 200
    assert client.get("/").status_code == 302


def test_vietnamese_unless_switched_whatever_the_browser_wishes(client: Client, db) -> None:
    page = client.get("/log-on/", headers={"Accept-Language": "en-US,en;q=0.9"})
    assert '<html lang="vi">' in page.content.decode()
    assert "Đăng nhập" in page.content.decode()
    switched = client.post("/language/", {"language": "en", "next": "/log-on/"})
    assert switched.headers["Location"] == "/log-on/"
    page = client.get("/log-on/").content.decode()
    assert '<html lang="en">' in page
    assert "Log on" in page
    client.post("/language/", {"language": "vi"})
    assert '<html lang="vi">' in client.get("/log-on/").content.decode()


def test_the_language_switch_leads_nowhere_else(client: Client, db) -> None:
    assert client.post("/language/", {"language": "en", "next": "https://evil.example/"}).headers["Location"] == "/"


def test_after_log_on_nobody_is_led_elsewhere(client: Client, admin) -> None:
    response = client.post(
        "/log-on/?next=https://evil.example/", {"username": admin.username, "password": PASSWORD, "next": "https://evil.example/"}
    )
    assert response.headers["Location"] == "/"


def test_forms_need_their_token(admin) -> None:
    strict = Client(enforce_csrf_checks=True)
    response = log_on(strict, admin.username)
    assert response.status_code == 403
    assert "Biểu mẫu đã quá hạn" in response.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/log-on/",
        "/tokens/",
        "/journal/",
        "/password/",
        "/nothing/",
        "/api/docs",
        "/api/v1/nothing",
        "/healthz",
        "/static/rasoat/style.css",
    ],
)
def test_every_page_carries_the_content_policy(as_admin: Client, path: str) -> None:
    response = as_admin.get(path)
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/tokens/", "/journal/", "/password/", "/log-on/", "/nothing/"])
def test_no_page_has_inline_script_or_style_or_a_foreign_address(as_admin: Client, path: str) -> None:
    page = as_admin.get(path).content.decode()
    for forbidden in (" style=", "<style", "onclick=", "javascript:", "http://", "https://"):
        assert forbidden not in page.replace("http://testserver", ""), forbidden
    assert page.count("<script") == page.count('<script src="/static/')


def test_cookies_are_kept_from_scripts(client: Client, admin) -> None:
    log_on(client, admin.username)
    session = client.cookies["rasoat_session"]
    assert session["httponly"]
    assert session["samesite"] == "Lax"


def test_debug_is_off(settings) -> None:
    from server import settings as ours

    assert ours.DEBUG is False
    assert len(ours.SECRET_KEY) >= 50


def test_behind_a_proxy_the_senders_own_word_does_not_count(client: Client, admin, settings) -> None:
    settings.CONFIG = settings.CONFIG.model_copy(update={"behind_tls_proxy": True})

    def through_proxy(address: str, password: str):
        forwarded = {"X-Forwarded-For": f"1.2.3.4, {address}"}
        return client.post("/log-on/", {"username": admin.username, "password": password}, headers=forwarded)

    for _ in range(5):
        through_proxy("10.0.0.66", "sai")
    assert through_proxy("10.0.0.66", PASSWORD).status_code == 429
    assert through_proxy("10.0.0.7", PASSWORD).status_code == 302
    assert Entry.objects.filter(action="user.log-on", address="10.0.0.7").exists()


def test_no_migration_is_missing(db) -> None:
    from django.core.management import call_command

    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
