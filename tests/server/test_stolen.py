"""What a stolen key of a machine or a stolen token opens: its own door, and no other."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import get_resolver

from tests.server.people import Host
from tests.server.test_rights import routes

pytestmark = [pytest.mark.django_db, pytest.mark.deep]

OWN = re.compile(r"api/v1/(?:enrol|snapshots|centre|agents/me/|packs/|relays/)")
"""What agents and relays call."""
PROGRAMS = sorted(
    f"/{re.sub(r'<[^>]*>', '1', route)}"
    for route in set(routes(get_resolver().url_patterns))
    if route.startswith("api/v1/") and not OWN.match(route)
)
PAGES = ("/", "/machines/", "/tokens/", "/journal/", "/keys/")


def test_there_are_doors_to_try() -> None:
    assert {"/api/v1/alarms", "/api/v1/campaigns", "/api/v1/evidence"} <= set(PROGRAMS)
    assert len(PROGRAMS) > 15


def test_an_agents_signature_opens_nothing_of_the_programs(client: Client, host: Host) -> None:
    for path in PROGRAMS:
        answer = client.get(path, headers={"Authorization": host.authorization(path)})
        assert answer.status_code == 401 or answer.status_code == 429, f"{path}: {answer.status_code}"
        assert b"may-chu-01" not in answer.content
    for path in PAGES:
        answer = client.get(path, headers={"Authorization": host.authorization(path)})
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/log-on/")


def test_an_enrolment_token_opens_nothing_else(client: Client, host: Host, token) -> None:
    text = token(uses=3)
    for path in (*PROGRAMS, "/api/v1/agents/me/work", "/metrics"):
        answer = client.get(path, headers={"Authorization": f"Bearer {text}"}, REMOTE_ADDR="192.0.2.7")
        assert answer.status_code in (401, 403, 429), f"{path}: {answer.status_code}"
        assert b"may-chu-01" not in answer.content
    assert Host(name="khac").enrol(client, text).status_code == 201, "it is a good one all the same"
