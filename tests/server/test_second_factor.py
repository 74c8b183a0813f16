"""The second factor: asked for where it is on, taken once, shut after wrong tries; and how long a log-on lasts."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pyotp
import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from server.config import Config
from server.journal.models import Entry
from server.people import sessions
from server.people.models import PAUSE, TRIES, SecondFactor, Visit
from tests.server.people import PASSWORD


def log_on(client: Client, name: str, **more: str):
    return client.post("/log-on/", {"username": name, "password": PASSWORD, **more})


def code(factor: SecondFactor, later: int = 0) -> str:
    return pyotp.TOTP(factor.secret).at(time.time() + later)


@pytest.fixture
def factor(admin) -> SecondFactor:
    made = SecondFactor.begin(admin)
    made.confirmed_at = timezone.now()
    made.save()
    return made


def test_a_password_alone_is_half_a_log_on(factor, admin) -> None:
    client = Client()
    assert log_on(client, admin.username).headers["Location"] == "/log-on/second/"
    for path in ("/", "/keys/", "/second-factor/", "/password/"):
        assert client.get(path).status_code == 302, path
    assert client.get("/api/v1/assets").status_code == 401
    assert client.post("/log-on/second/", {"code": code(factor)}).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert Entry.objects.filter(action="user.second-factor").count() == 1


def test_where_one_wanted_to_go_is_kept_and_leads_nowhere_else(factor, admin) -> None:
    for wanted, led in (("/journal/", "/journal/"), ("https://evil.example/", "/")):
        client = Client()
        log_on(client, admin.username, next=wanted)
        SecondFactor.objects.update(last_step=0)
        assert client.post("/log-on/second/", {"code": code(factor)}).headers["Location"] == led


def test_a_code_counts_once(factor, admin) -> None:
    now = code(factor)
    assert factor.accepts(now)
    assert not factor.accepts(now)
    assert not factor.accepts(code(factor, -30)), "nor does one from before it"


@pytest.mark.parametrize("wrong", ["", "000000", "abc", "12345", "1234567", "٠٠٠٠٠٠", "0" * 40, "null", "-"])
def test_other_words_are_no_codes(factor, wrong: str) -> None:
    if wrong == code(factor):
        pytest.skip("one in a million")
    assert not factor.accepts(wrong)


def test_it_is_shut_after_wrong_codes_even_for_the_right_one(factor, admin) -> None:
    client = Client()
    log_on(client, admin.username)
    for _ in range(TRIES):
        answer = client.post("/log-on/second/", {"code": "wrong"})
    assert answer.status_code == 429
    assert client.post("/log-on/second/", {"code": code(factor)}).status_code == 429
    SecondFactor.objects.update(failed_at=timezone.now() - PAUSE)
    assert client.post("/log-on/second/", {"code": code(factor)}).status_code == 302


def test_half_a_log_on_does_not_wait_for_ever(factor, admin, monkeypatch) -> None:
    client = Client()
    log_on(client, admin.username)
    at = time.time() + 301
    monkeypatch.setattr("server.people.views.time.time", lambda: at)
    assert client.post("/log-on/second/", {"code": code(factor)}).headers["Location"] == "/log-on/"


def test_the_second_step_alone_is_no_door(factor) -> None:
    assert Client().post("/log-on/second/", {"code": code(factor)}).headers["Location"] == "/log-on/"


def test_who_is_disabled_between_the_steps_stays_out(factor, admin) -> None:
    client = Client()
    log_on(client, admin.username)
    admin.is_active = False
    admin.save()
    assert client.post("/log-on/second/", {"code": code(factor)}).headers["Location"] == "/log-on/"
    assert client.get("/").status_code == 302


def test_a_person_sets_it_up_loses_the_telephone_and_gets_in(as_admin, admin) -> None:
    page = as_admin.get("/second-factor/").content.decode()
    assert "data:image/svg" in page
    assert "second_factor" not in str(Entry.objects.values())
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page)[1]
    assert as_admin.post("/second-factor/", {"code": "000000"}).status_code == 200
    assert not sessions.has_factor(admin), "an unproven one locks nobody out"
    done = as_admin.post("/second-factor/", {"code": pyotp.TOTP(secret).now()}).content.decode()
    codes = re.findall(r"<code>([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})</code>", done)
    assert len(codes) == 10
    client = Client()
    log_on(client, admin.username)
    assert client.post("/log-on/second/", {"code": codes[0].upper()}).status_code == 302
    assert client.get("/").status_code == 200
    assert not SecondFactor.objects.get().accepts(codes[0]), "each lets in once"
    renewed = client.post("/second-factor/", {"code": codes[1], "renew": ""}).content.decode()
    assert codes[2] not in renewed
    assert not SecondFactor.objects.get().accepts(codes[2]), "earlier ones are void"
    again = re.findall(r"<code>([a-z0-9-]{14})</code>", renewed)
    assert client.post("/second-factor/", {"code": again[0], "remove": ""}).status_code == 302
    assert not SecondFactor.objects.exists()


def test_what_codes_are_made_from_is_in_no_column(factor) -> None:
    secret = factor.secret
    with connection.cursor() as cursor:
        cursor.execute("select * from people_secondfactor")
        row = str(cursor.fetchall())
    assert secret not in row
    assert factor.new_recovery()[0].replace("-", "") not in str(factor.recovery.values())


def test_another_secret_key_opens_none(factor, settings) -> None:
    right = code(factor)
    settings.SECRET_KEY = "x" * 50
    assert not factor.accepts(right)


def test_a_role_that_needs_one_sees_nothing_before(person, settings) -> None:
    settings.CONFIG = Config(second_factor_for=("admin",))
    person("quản trị", role="admin")
    person("xem")
    admin, viewer = Client(), Client()
    log_on(admin, "quản trị")
    log_on(viewer, "xem")
    assert viewer.get("/").status_code == 200
    for path in ("/", "/keys/", "/units/"):
        assert admin.get(path).headers["Location"] == "/second-factor/"
    assert admin.get("/api/v1/assets").status_code == 401
    assert "Bật" in admin.get("/second-factor/").content.decode()


def test_where_it_is_asked_for_it_cannot_be_switched_off(factor, as_admin, settings) -> None:
    settings.CONFIG = Config(second_factor_for=("admin",))
    as_admin.post("/second-factor/", {"code": code(factor), "remove": ""})
    assert SecondFactor.objects.exists()


# --- sessions -----------------------------------------------------------------------------------------------------


def test_an_unused_log_on_ends(admin, settings, monkeypatch) -> None:
    client = Client()
    log_on(client, admin.username)
    assert client.get("/").status_code == 200
    later = time.time() + settings.CONFIG.idle_minutes * 60 + 5
    monkeypatch.setattr("server.people.sessions.time.time", lambda: later)
    assert "log-on" in client.get("/").headers["Location"]
    assert client.get("/").status_code == 302


def test_one_person_has_so_many_log_ons_and_the_oldest_ends(admin, settings) -> None:
    settings.CONFIG = Config(sessions_per_person=2)
    clients = [Client() for _ in range(3)]
    for number, client in enumerate(clients):
        log_on(client, admin.username)
        Visit.objects.filter(key=client.session.session_key).update(began_at=timezone.now() - timedelta(minutes=9 - number))
    assert [client.get("/").status_code for client in clients] == [302, 200, 200]
    assert Visit.objects.count() == 2


def test_who_is_disabled_is_out_at_once(admin) -> None:
    client = Client()
    log_on(client, admin.username)
    sessions.end_all(admin)
    assert client.get("/").status_code == 302
    assert not Session.objects.filter(session_key__in=Visit.objects.values("key")).exists()
    call_command("clearsessions")
