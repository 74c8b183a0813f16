"""The account of the fleet bench: it balances when nothing was lost, and whatever is planted shows."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "bench")]

from agent.upload import Offline, Reply  # noqa: E402
from bench.fleet import account  # noqa: E402
from bench.fleet.clock import Stage  # noqa: E402
from bench.fleet.hosts import Held, Host, Template  # noqa: E402
from bench.rejudging import _workstation  # noqa: E402
from server.assess import packs  # noqa: E402
from server.assess.models import StoredAssessment  # noqa: E402
from server.findings.models import Head, Standing, Tally, Transition  # noqa: E402
from server.ingest.models import EnrolmentToken, Machine, StoredSnapshot  # noqa: E402
from server.units.models import Unit  # noqa: E402

HOSTS, PACK = 20, "tcvn_14423_2026"


class Direct:
    """The agent's client, without a network. `away`: the answer to every second delivery gets lost on its way."""

    def __init__(self, client: Client, away: bool = False) -> None:
        self.client, self.away, self.asked = client, away, 0

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Any = None) -> Reply:
        answer = self.client.generic(method, path, body or b"", content_type=headers["Content-Type"])
        self.asked += 1
        if self.away and self.asked % 2:
            raise Offline("cut")
        return Reply(answer.status_code, json.loads(answer.content), 0.0)


@pytest.fixture
def hosts(db: None, client: Client) -> list[Host]:
    """Twenty, after two reports each; of the first, half the answers were lost and it was sent again."""
    unit = Unit.objects.create(name="Sở", level=3, baseline=PACK)
    token, template = EnrolmentToken.issue(unit, HOSTS, 1, "test")[1], Template(_workstation(), "workstation")
    held = Held(PACK, packs.get(PACK).digest, 3)
    made = [Host(number, template, "Sở") for number in range(HOSTS)]
    now = time.time() - 3600
    for host in made:
        answer = client.post("/api/v1/enrol", host.enrolment(token), content_type="application/json")
        host.agent = answer.json()["agent_id"]
        for report in range(2):
            host.look(now + 600 * report, held)
            while host.deliver(Direct(client, away=report == 0 and host.number % 2 == 0)).left:  # type: ignore[arg-type]
                host.deliver(Direct(client))  # type: ignore[arg-type]
    return made


def lose() -> None:
    StoredSnapshot.objects.exclude(base=None).order_by("pk")[:1].get().delete()


def alter() -> None:
    one, other = StoredSnapshot.objects.filter(base=None).order_by("pk")[:2]
    StoredSnapshot.objects.filter(pk=one.pk).update(sealed=bytes(other.sealed))


def swap() -> None:
    StoredSnapshot.objects.filter(pk=StoredSnapshot.objects.order_by("pk")[0].pk).update(sealed_sha256="0" * 64)


def twice() -> None:
    one = StoredSnapshot.objects.exclude(base=None).order_by("pk")[0]
    one.pk = one.pk[:-4] + "0000"
    one.save(force_insert=True)


def turn_twice() -> None:
    one = Transition.objects.order_by("pk")[0]
    one.pk, one.turn = None, one.turn + 1
    one.save(force_insert=True)


def miscount() -> None:
    one = Tally.objects.filter(passed__gt=0)[0]
    Tally.objects.filter(unit=one.unit_id, below=one.below, kind=one.kind, rule=one.rule_id).update(passed=one.passed + 1)


def stand_otherwise() -> None:
    one = Transition.objects.order_by("pk")[0]
    Standing.objects.filter(machine=one.machine_id, rule=one.rule_id).update(verdict=4 - one.now if one.now != 2 else 1)


def lose_turn() -> None:
    Transition.objects.order_by("-pk")[:1].get().delete()


def stand_still() -> None:
    Head.objects.filter(pk=Head.objects.order_by("pk")[0].pk).update(snapshot=uuid4())


def judge_otherwise() -> None:
    StoredAssessment.objects.update(agent=StoredAssessment.OTHER_PACK)


def unjudge() -> None:
    StoredAssessment.objects.order_by("pk")[:1].get().delete()


def go_back() -> None:
    one = Machine.objects.order_by("pk")[0]
    Machine.objects.filter(pk=one.pk).update(latest=one.snapshots.order_by("orders_at")[0])


PLANTED: dict[str, tuple[Callable[[], None], str]] = {
    "a snapshot is gone": (lose, "lost"),
    "other bytes under its id": (alter, "altered"),
    "another digest": (swap, "altered"),
    "the same under two ids": (twice, "foreign"),
    "a verdict turned twice": (turn_twice, "broken_chains"),
    "a tally one too high": (miscount, "tallies_off"),
    "what stands is not what turned last": (stand_otherwise, "not_standing"),
    "a turn is gone": (lose_turn, "broken_chains"),
    "a report that never came to stand": (stand_still, "not_standing"),
    "a report that was not judged": (unjudge, "unjudged"),
    "an older report is the newest": (go_back, "not_latest"),
}


def test_the_account(hosts: list[Host]) -> None:
    taken = account.take(hosts)
    assert taken.sound, taken
    assert (taken.signed, taken.acknowledged, taken.stored, taken.judged) == (2 * HOSTS,) * 4
    assert taken.opened == 2 * HOSTS
    assert taken.transitions >= HOSTS, "a setting turned at each second report"
    assert StoredSnapshot.objects.exclude(base=None).count() == HOSTS
    for what, (plant, shows) in PLANTED.items():
        with transaction.atomic():
            plant()
            found = account.take(hosts)
            assert getattr(found, shows) > 0, what
            assert not found.sound, what
            transaction.set_rollback(True)
    with transaction.atomic():
        judge_otherwise()
        assert not account.take(hosts).sound, "no host's verdicts were held against ours"
        transaction.set_rollback(True)
    assert not account.Account().sound, "nothing was looked at"
    hosts[0].look(time.time(), None)
    assert account.take(hosts).still_waiting == 1


def test_time_stands_still_while_the_collector_is_busy() -> None:
    done: list[float] = []
    stage = Stage(1000.0, fastest=500, crowd=4, threads=2)
    stage.at(1010.0, lambda: done.append(stage.now))
    stage.after(0.01, lambda: done.append(stage.now))
    stage.run(1005.0)
    assert stage.now == 1005.0
    assert all(moment < 1010 for moment in done), "nothing happens before its time"
    stage.run(1005.0, drain=True)
    assert len(done) == 2
    assert stage.left == 0
    stage.close()
