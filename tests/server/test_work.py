"""What an agent is told to do, and the pack it judges with. Both only for its own signature."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client
from django.utils import timezone

from baselines.loader import builtin, load_texts
from server.assess import packs
from server.config import Data
from server.ingest.models import Agent
from tests.server.people import Host

pytestmark = pytest.mark.django_db
WORK = "/api/v1/agents/me/work"


def ask(client: Client, host: Host, path: str = WORK, **changes):
    return client.get(path, headers={"Authorization": host.authorization(changes.pop("signed", path), **changes)})


def test_it_works(client: Client, host: Host) -> None:
    response = ask(client, host)
    assert response.status_code == 200
    answer = response.json()
    assert answer.pop("server_time")
    assert answer == {
        "level": 2,
        "kind": "server",
        "baseline": {"id": "mini", "digest": packs.get("mini").digest},
        "tailoring": None,
        "interval_seconds": 21600,
        "schedule": None,
        "station_schedule": None,
        "poll_seconds": 5400,
        "bytes_per_second": None,
        "recommended_version": None,
        "jobs": [],
    }


def test_the_unit_nearest_to_the_machine_decides(client: Client, another, tree) -> None:
    text = "name: Phòng Bắc\nparams:\n  access.password: {min_length: 16}\n"
    tree["north"].level, tree["north"].tailoring, tree["north"].interval_seconds = 4, text, 600
    tree["north"].save()
    answer = ask(client, another("a", "north")).json()
    assert (answer["level"], answer["interval_seconds"], answer["tailoring"]["text"]) == (4, 600, text)
    assert len(answer["tailoring"]["digest"]) == 64
    assert ask(client, another("b", "south")).json()["level"] == 2


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({}, "unsigned"),
        ({"Authorization": "Basic YTpi"}, "unsigned"),
        ({"Authorization": "Rasoat x:y:z"}, "unsigned"),
        ({"Authorization": f"Rasoat 00000000-0000-4000-8000-000000000000:1:{'A' * 88}"}, "unknown-agent"),
    ],
)
def test_strangers_are_refused(client: Client, db, header: dict, code: str) -> None:
    refused = client.get(WORK, headers=header)
    assert (refused.status_code, refused.json()["error"]) == (401, code)


def test_another_key_is_refused(client: Client, host: Host) -> None:
    assert ask(client, host, key=Ed25519PrivateKey.generate()).json()["error"] == "forged"


def test_a_signature_for_another_path_is_refused(client: Client, host: Host) -> None:
    assert ask(client, host, signed="/api/v1/packs/x").json()["error"] == "forged"


@pytest.mark.parametrize(("skew", "status"), [(-3600, 401), (-500, 200), (500, 200), (3600, 401)])
def test_an_old_request_does_not_work_again(client: Client, host: Host, skew: int, status: int) -> None:
    assert ask(client, host, skew=skew).status_code == status


def test_a_revoked_agent_gets_nothing(client: Client, host: Host) -> None:
    Agent.objects.update(revoked_at=timezone.now())
    assert ask(client, host).json()["error"] == "revoked"


def test_a_pack_travels_whole(client: Client, host: Host) -> None:
    mini = packs.get("mini")
    answer = ask(client, host, f"/api/v1/packs/{mini.digest}").json()
    assert (answer["id"], answer["digest"]) == ("mini", mini.digest)
    assert load_texts(answer["files"]).digest == mini.digest


def test_an_unknown_pack_says_so(client: Client, host: Host) -> None:
    assert ask(client, host, f"/api/v1/packs/{'0' * 64}").status_code == 404
    assert client.get(f"/api/v1/packs/{packs.get('mini').digest}").status_code == 401


def test_an_own_pack_that_cannot_be_seen_is_not_replaced_by_the_one_that_ships(settings, tmp_path: Path) -> None:
    shipped = builtin()[0]
    settings.DATA = Data(tmp_path)
    assert packs.get(shipped).id == shipped
    packs.forget()
    settings.DATA.packs.mkdir()
    (settings.DATA.packs / shipped).symlink_to(shipped)
    with pytest.raises(OSError, match=shipped):
        packs.get(shipped)


def test_polling_costs_no_write_each_time(client: Client, host: Host, django_assert_num_queries) -> None:
    ask(client, host)
    with django_assert_num_queries(6):
        ask(client, host)
