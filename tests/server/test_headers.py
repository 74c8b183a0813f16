"""Headers, cookies and the token of forms: every address there is, asked by nobody, by a viewer and by a form from elsewhere."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.urls import get_resolver

from collectors.centre import FOR_CENTRE
from server.units.models import Membership
from server.web.middleware import OPEN, POLICY
from tests.server.registers import text_in
from tests.server.test_rights import OBJECTS, Place, address, on, person, routes

pytestmark = [pytest.mark.django_db, pytest.mark.deep]

ELSEWHERE = {
    "agents/<str:agent>": "agents/agent-1",
    "<str:digest>": "0" * 64,
    "<str:key>.ics": "x.ics",
    "<path:path>": "rasoat/style.css",
    "<str:pk>": "x",
    "<int:pk>": "1",
}
"""Words of addresses that belong to no unit's object, and what stands there in this walk."""
EVERY = sorted(set(routes(get_resolver().url_patterns)))
HOLDS = re.compile(
    r"""<style|<script(?![^>]* (?:src="/static/|type="application/json"))| style=|<[^>]* on[a-z]+=|javascript:""", re.IGNORECASE
)
"""What the policy would not let run: it should not be there in the first place. (A block of JSON is data and does not run.)"""

VERBS = {"nobody": ("GET", "HEAD", "OPTIONS", "TRACE"), "viewer": ("GET",), "administrator": ("GET", "OPTIONS")}


@pytest.fixture
def there(client: Client, tree) -> Place:
    return Place.of(client, tree["root"], "kia")


def asked(route: str, there: Place) -> str:
    """The address, with the objects of that place where it names one."""
    for part, word in ELSEWHERE.items():
        if not any(known in route for known in OBJECTS):
            route = route.replace(part, word)
    return f"/{re.sub(r'<[^>]*>', 'x', route)}" if not any(known in route for known in OBJECTS) else address(route, there)


def guarded(answer: HttpResponseBase, url: str) -> None:
    """What every answer carries, whatever it says."""
    heads = answer.headers
    assert heads["Content-Security-Policy"] == POLICY, url
    assert heads["X-Content-Type-Options"] == "nosniff", url
    assert heads["Referrer-Policy"] == "same-origin", url
    assert heads["X-Frame-Options"] == "DENY", url
    assert heads["Cross-Origin-Opener-Policy"] == "same-origin", url
    assert "Cache-Control" in heads, url
    for cookie in answer.cookies.values():
        assert cookie["samesite"] in ("Lax", "Strict"), f"{url}: {cookie.key}"
        assert cookie["httponly"] or not cookie.value, f"{url}: {cookie.key}"
    if heads.get("Content-Type", "").startswith("text/html"):
        page = text_in(b"".join(answer))
        assert not HOLDS.search(page), f"{url}: {HOLDS.search(page)}"


def test_the_policy_lets_nothing_run_that_is_not_ours() -> None:
    rules = dict(rule.strip().partition(" ")[::2] for rule in POLICY.split(";"))
    assert rules["default-src"] == rules["form-action"] == "'self'"
    assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in POLICY
    assert "script-src" not in rules, "default-src decides"


def test_the_walk_meets_every_way_in() -> None:
    assert {"", "log-on/", "machines/", "healthz", "metrics", "api/v1/snapshots", "calendar/feed/<str:key>.ics"} <= set(EVERY)


@pytest.mark.parametrize("who", VERBS)
def test_every_answer_is_guarded(there: Place, tree, who: str) -> None:
    role = {"viewer": Membership.VIEWER, "administrator": Membership.ADMIN}.get(who)
    client = on(person("người xem", role, there["unit"])) if role else Client()
    seen = set()
    for route in EVERY:
        url = asked(route, there)
        for verb in VERBS[who]:
            answer = client.generic(verb, url)
            assert answer.status_code < 500, f"{verb} {url}: {answer.status_code}"
            guarded(answer, f"{verb} {url}")
            seen.add((verb, answer.status_code))
    assert ("GET", 200) in seen
    assert ("GET", 302 if who == "nobody" else 404) in seen


def test_nobody_is_shown_nothing_but_the_way_in(there: Place) -> None:
    """200 for somebody without a log-on, from another machine: what is the same for everybody."""
    client = Client(REMOTE_ADDR="192.0.2.7")
    shown = {route for route in EVERY if client.get(asked(route, there)).status_code == 200}
    assert shown <= {"log-on/", "healthz", "readyz", "api/docs", "api/openapi.json", "api/v1/centre"}, shown
    assert "log-on/" in shown


def test_a_form_from_elsewhere_changes_nothing(there: Place) -> None:
    """Each address that takes a form refuses one without its token, also from somebody who may do everything there.
    Only the interface for programs asks for none: it believes no cookie."""
    client = on(person("quản trị", Membership.ADMIN, there["unit"]))
    client.handler.enforce_csrf_checks = True
    refused = 0
    for route in EVERY:
        url = asked(route, there)
        if url.startswith(OPEN):
            continue
        for verb in ("POST", "PUT", "PATCH", "DELETE"):
            answer = client.generic(verb, url, b"a=1", content_type="application/x-www-form-urlencoded")
            assert answer.status_code in (403, 405), f"{verb} {url}: {answer.status_code}"
            guarded(answer, f"{verb} {url}")
            refused += answer.status_code == 403
    assert refused > 100


def test_a_session_sends_nothing_to_the_interface_for_programs(there: Place) -> None:
    """It asks for no token of a form, so a cookie must not count there for anything but reading."""
    client = on(person("quản trị", Membership.ADMIN, there["unit"]))
    client.handler.enforce_csrf_checks = True
    for route in EVERY:
        if route.startswith("api/v1/"):
            url = asked(route, there)
            for verb in ("POST", "PUT", "PATCH", "DELETE"):
                answer = client.generic(verb, url, b"{}", content_type="application/json")
                assert 400 <= answer.status_code < 500, f"{verb} {url}: {answer.status_code}"
                guarded(answer, url)


def test_what_is_refused_before_any_page_is_guarded_too(client: Client) -> None:
    """server/relays/middleware.py stands above the middlewares that set some of these; here it has no keys to open anything."""
    for path in ("/api/v1/centre", "/api/v1/snapshots"):
        answer = client.post(path, b"x", content_type=FOR_CENTRE, headers={"Rasoat-Relay": "nobody"})
        assert answer.status_code == 415, path
        guarded(answer, path)


def test_with_tls_cookies_travel_under_it_alone(client: Client, settings) -> None:
    from server import settings as ours

    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "LANGUAGE_COOKIE_SECURE")
    assert {getattr(ours, name) for name in names} == {ours.CONFIG.https}
    assert bool(ours.SECURE_HSTS_SECONDS) is ours.CONFIG.https
