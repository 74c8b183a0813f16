"""Agent, relay and centre as they are in a province: three programs, real sockets, a line that is cut, and one of them killed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.custody import Custody
from agent.upload import Offline
from tests.server.people import Host
from tests.server.relays import Agent, Relay, Wire
from tests.server.running import ROOT, Collector

pytestmark = pytest.mark.system


class Province(NamedTuple):
    collector: Collector
    line: Wire
    """Between relay and centre."""
    relay: Relay
    token: str

    def agent(self, folder: Path, name: str = "may-01") -> Agent:
        agent = Agent(folder, Host(name))
        assert agent.enrol(self.relay.url, self.token), "it says that it is a relay"
        return agent

    def stored(self) -> list[str]:
        return [pk for pk, _size in self.collector.stored()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    collector = Collector(tmp_path_factory.mktemp("centre"))
    collector.start()
    line = Wire(collector.url)
    relay = Relay(tmp_path_factory.mktemp("relay"), collector, line.url)
    relay.start()
    yield Province(collector, line, relay, collector.command("token", "new", "--uses", "99", "--quiet").stdout.strip())
    relay.stop()
    line.close()
    collector.stop()


@pytest.fixture
def province(whole: Province) -> Province:
    whole.line.honest()
    return whole


def test_enrolled_delivered_and_acknowledged_through_a_relay(province: Province, tmp_path: Path) -> None:
    agent, relay = province.agent(tmp_path), province.relay
    name = agent.look()
    first = agent.run(relay.url)
    assert (first.kept, first.sent, first.left) == ([name], [], 0)
    assert agent.waiting == [name], "our own copy stays until the centre has spoken"
    assert Custody(agent.state).summary()["relays"] == ["Trạm Bắc"]
    assert relay.drained()
    assert name in province.stored()
    second = agent.run(relay.url)
    assert (second.sent, second.kept, agent.waiting) == ([name], [], [])
    assert agent.distrusted == []
    kept = b"".join(path.read_bytes() for path in relay.folder.rglob("*") if path.is_file())
    passed = b"".join(body for _path, body in province.line.seen)
    for secret in (b"may-01", province.token.split(".")[2].encode()):
        assert secret not in kept
        assert secret not in passed


def test_both_show_where_things_stand(province: Province) -> None:
    listed = province.collector.command("relay", "list", "--lang", "en")
    assert "Trạm Bắc" in listed.stdout
    assert listed.stdout.rstrip().endswith("in order")
    status = province.relay.command("status").stdout
    assert "Trạm Bắc of Sở" in status
    assert "has not been reached" not in status


def test_without_a_line_the_relay_repeats_what_the_centre_signed_for_that_agent(province: Province, tmp_path: Path) -> None:
    agent = province.agent(tmp_path / "a")
    fresh = agent.work(province.relay.url)
    province.line.cut = True
    time.sleep(1.1)  # a question of the same second is the same question
    assert agent.work(province.relay.url).document["baseline"] == fresh.document["baseline"]
    with pytest.raises(Offline, match="days old"):
        agent.work(province.relay.url, max_days=0)
    assert "days old" in agent.distrusted[0]
    thief = Agent(tmp_path / "b", Host("x"))
    thief.centre, thief.host.agent = agent.centre, agent.host.agent
    with pytest.raises(Offline, match="signature does not belong"):
        thief.work(province.relay.url)
    nobody = Agent(tmp_path / "c", Host("y", agent="0" * 8 + "-0000-0000-0000-" + "0" * 12))
    nobody.centre = agent.centre
    with pytest.raises(Offline, match="503"):
        nobody.work(province.relay.url)


def test_the_commands_a_person_types_work_the_same_against_a_relay(province: Province, tmp_path: Path) -> None:
    def rasoat(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "agent", "agent", *words, "--state-dir", str(tmp_path / "state"), "--lang", "en"],
            cwd=ROOT, text=True, capture_output=True, check=False, timeout=120,
        )  # fmt: skip

    done = rasoat("enrol", province.relay.url, "--token", province.token, "--name", "may-09")
    assert done.returncode == 0, done.stderr
    assert "is a relay" in done.stderr
    done = rasoat("once")
    assert done.returncode in (0, 1, 3), done.stderr
    status = rasoat("status").stdout
    assert "through" in status
    assert "the relay Trạm Bắc" in status
    assert "1 snapshot lies with a relay" in status
    assert province.relay.drained()
    assert rasoat("once", "--if-due").returncode == 0
    found = json.loads(rasoat("status", "--format", "json").stdout)
    assert (found["spool"]["waiting"], found["custody"]["count"], found["distrusted"]) == (0, 0, {})
    assert found["contact"]["last_delivery"]
    assert found["last_scan"]["snapshot_id"] in province.stored()
    province.line.answered = lambda path, status, body: (status, body.replace(b"mini", b"maxi"))
    rasoat("once")
    assert "attention" in rasoat("status").stdout
    assert "signed with another key than the centre's" in " ".join(rasoat("status").stdout.split())


def test_days_without_a_line_and_a_relay_killed_in_them(province: Province, tmp_path: Path) -> None:
    relay, agents = province.relay, [province.agent(tmp_path / str(number), f"may-{number}") for number in range(3)]
    for agent in agents:
        agent.work(relay.url)
    province.line.cut = True
    names: set[str] = set()
    for _day in range(3):
        for agent in agents:
            names.add(agent.look())
            assert agent.run(relay.url).left == 0
        relay.kill()
        relay.start()
    assert relay.health()["waiting"] == 9
    assert "9 snapshots" in relay.command("status").stdout
    province.line.honest()
    assert relay.drained()
    assert names <= set(province.stored())
    for agent in agents:
        assert len(agent.run(relay.url).sent) == 3
        assert agent.waiting == []


def test_a_relay_whose_disk_died_costs_a_second_delivery_and_nothing_else(province: Province, tmp_path: Path) -> None:
    agent, relay = province.agent(tmp_path), province.relay
    province.line.cut = True
    name = agent.look()
    agent.run(relay.url)
    relay.kill()
    for part in ("spool", "agents", "packs"):
        shutil.rmtree(relay.folder / part)
    relay.start()
    province.line.honest()
    assert agent.run(relay.url).kept == [name], "offered again, because the relay no longer has it"
    assert relay.drained()
    assert agent.run(relay.url).sent == [name]
    assert province.stored().count(name) == 1


def test_what_the_centre_has_is_known_even_when_the_relay_forgot(province: Province, tmp_path: Path) -> None:
    agent, relay = province.agent(tmp_path), province.relay
    name = agent.look()
    agent.run(relay.url)
    assert relay.drained()
    relay.stop()
    shutil.rmtree(relay.folder / "agents")
    relay.start()
    delivery = agent.run(relay.url)
    assert (delivery.sent, delivery.kept) == ([name], [])


def test_an_agent_that_is_taken_to_the_centre_itself_delivers_there(province: Province, tmp_path: Path) -> None:
    agent = province.agent(tmp_path)
    first = agent.look()
    agent.run(province.relay.url)
    assert province.relay.drained()
    second = agent.look()
    delivery = agent.run(province.collector.url)
    assert sorted(delivery.sent) == sorted([first, second])
    assert agent.waiting == []


def test_what_the_centre_refuses_is_refused_under_its_signature(province: Province, tmp_path: Path) -> None:
    agent = province.agent(tmp_path)
    snapshot = agent.host.snapshot()
    agent.spool.put(snapshot.id, "x", agent.host.seal(snapshot, key=Host().key))
    agent.run(province.relay.url)
    assert province.relay.drained()
    delivery = agent.run(province.relay.url)
    assert delivery.refused[0][0] == snapshot.id
    assert "does not belong" in delivery.refused[0][1]


def test_a_relay_taken_out_of_service_keeps_what_it_has_and_passes_nothing_on(whole: Province, tmp_path: Path) -> None:
    """The last one: its relay is of no use afterwards."""
    agent = whole.agent(tmp_path)
    agent.work(whole.relay.url)
    shown = whole.collector.command("relay", "list").stdout.split()[0]
    whole.collector.command("relay", "revoke", shown)
    name = agent.look()
    assert agent.run(whole.relay.url).kept == [name]
    assert not whole.relay.drained(2)
    assert name not in whole.stored()
    assert agent.waiting == [name]
    assert "no such relay" in whole.relay.command("status").stdout
