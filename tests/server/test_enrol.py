"""A machine comes in with a token, and only with one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from collectors.model import Kind
from server.ingest.models import Agent, EnrolmentToken, Machine
from server.journal.models import Entry
from tests.server.people import Host

pytestmark = pytest.mark.django_db


def test_it_works(client: Client, token, tree) -> None:
    host = Host()
    response = host.enrol(client, token("north"))
    assert response.status_code == 201
    answer = response.json()
    assert answer["unit"] == "Phòng Bắc"
    assert answer["server_time"]
    agent = Agent.objects.get(pk=answer["agent_id"])
    assert bytes(agent.public_key) == host.public
    machine = Machine.objects.get(agent=agent)
    assert (machine.name, machine.kind, machine.own, machine.unit) == ("may-chu-01", "server", True, tree["north"])
    assert Entry.objects.filter(action="agent.enrolled", subject="may-chu-01", unit_path=tree["north"].path).count() == 1


def test_the_secret_is_not_stored(client: Client, token) -> None:
    text = token()
    stored = EnrolmentToken.objects.values().get()
    assert text.rpartition(".")[2] not in str(stored)


def test_an_answer_lost_on_the_way_costs_nothing(client: Client, token) -> None:
    host, text = Host(), token(uses=1)
    first, second = host.enrol(client, text), host.enrol(client, text)
    assert first.json()["agent_id"] == second.json()["agent_id"]
    assert second.status_code == 201
    assert Agent.objects.count() == 1


def test_the_same_key_with_another_token_stays_the_same_agent(client: Client, token, tree) -> None:
    host = Host()
    first = host.enrol(client, token("north")).json()
    second = host.enrol(client, token("south")).json()
    assert first["agent_id"] == second["agent_id"]
    assert second["unit"] == "Phòng Bắc"


def test_a_used_up_token_is_refused(client: Client, token) -> None:
    text = token(uses=1)
    assert Host("a").enrol(client, text).status_code == 201
    refused = Host("b").enrol(client, text)
    assert (refused.status_code, refused.json()["error"]) == (403, "token")
    assert Agent.objects.count() == 1


def test_a_token_lets_in_as_many_as_it_says(client: Client, token) -> None:
    text = token(uses=3)
    assert [Host(str(n)).enrol(client, text).status_code for n in range(4)] == [201, 201, 201, 403]


@pytest.mark.parametrize("spoil", ["expired", "revoked", "other secret", "unknown", "empty", "garbage"])
def test_no_other_token_is_taken_and_all_get_one_answer(client: Client, token, spoil: str) -> None:
    text = token()
    known = EnrolmentToken.objects.get()
    if spoil == "expired":
        EnrolmentToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif spoil == "revoked":
        EnrolmentToken.objects.update(revoked_at=timezone.now())
    text = {
        "other secret": f"rs1.{known.public}.{'0' * 40}",
        "unknown": f"rs1.00000000.{text.rpartition('.')[2]}",
        "empty": "",
        "garbage": "đây không phải mã \u0000 ...",
    }.get(spoil, text)
    refused = Host().enrol(client, text)
    assert refused.status_code == 403
    assert refused.json() == {"error": "token", "message": refused.json()["message"]}
    assert not Agent.objects.exists()


def test_an_expired_token_does_not_repeat_an_enrolment(client: Client, token) -> None:
    host, text = Host(), token()
    host.enrol(client, text)
    EnrolmentToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert host.enrol(client, text).status_code == 403


def test_a_revoked_machine_does_not_come_back_with_its_old_key(client: Client, token, host: Host) -> None:
    Agent.objects.update(revoked_at=timezone.now())
    refused = host.enrol(client, token())
    assert (refused.status_code, refused.json()["error"]) == (403, "revoked")


@pytest.mark.parametrize(
    "changes",
    [
        {"public_key": "AAAA"},
        {"public_key": "không phải base64"},
        {"name": ""},
        {"name": "two\nlines"},
        {"name": "x" * 254},
        {"kind": "toaster"},
        {"identity": {"hostname": "a", "machine_id": "<script>", "os_name": ""}},
    ],
)
def test_a_malformed_request_is_refused_and_uses_nothing_up(client: Client, token, changes) -> None:
    response = client.post("/api/v1/enrol", Host().request(token(), **changes), content_type="application/json")
    assert response.status_code == 422
    assert set(response.json()) == {"error", "message"}
    assert EnrolmentToken.objects.get().uses_left == 1


def test_broken_json_gets_the_same_form_of_answer(client: Client, db) -> None:
    response = client.post("/api/v1/enrol", b"{", content_type="application/json")
    assert 400 <= response.status_code < 500
    assert set(response.json()) == {"error", "message"}


def test_guessing_is_stopped_and_does_not_fill_the_journal(client: Client, token) -> None:
    good = token()
    answers = [Host().enrol(client, f"rs1.{n:08x}.{'0' * 40}").status_code for n in range(25)]
    assert answers == [403] * 20 + [429] * 5
    assert Host().enrol(client, good).status_code == 429
    assert Host().enrol(Client(REMOTE_ADDR="10.9.9.9"), good).status_code == 201
    assert Entry.objects.filter(action="agent.refused").count() == 1


def test_a_system_is_no_machine_and_does_not_come_in(client: Client, token) -> None:
    host = Host(kind=Kind.SYSTEM)
    assert host.enrol(client, token()).status_code == 422
    assert not Agent.objects.exists()
