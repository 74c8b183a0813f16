"""A relay that lies. Whatever it does, nothing false is believed, nothing is lost, and the agent names what happened."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agent.centre import Distrusted, ask_sealed, meet, named_in
from agent.custody import Custody
from agent.errors import Refusal
from agent.upload import Collector as Direct
from agent.upload import Offline
from collectors.centre import FOR_CENTRE, Answer, CentreKeys, open_envelope, read_envelope, sign_answer
from tests.server.people import Host
from tests.server.relays import Agent, Wire
from tests.server.running import Collector

pytestmark = pytest.mark.system


class Scene(NamedTuple):
    collector: Collector
    relay: Wire
    """Stands where a relay stands, and does what the test says."""
    token: str

    def agent(self, folder: Path, name: str = "may-01") -> Agent:
        agent = Agent(folder, Host(name))
        agent.enrol(self.relay.url, self.token)
        return agent

    def stored(self) -> list[str]:
        return [pk for pk, _size in self.collector.stored()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    collector = Collector(tmp_path_factory.mktemp("centre"))
    collector.start()
    relay = Wire(collector.url)
    yield Scene(collector, relay, collector.command("token", "new", "--uses", "99", "--quiet").stdout.strip())
    relay.close()
    collector.stop()


@pytest.fixture
def scene(whole: Scene) -> Scene:
    whole.relay.honest()
    return whole


def kept_and_named(agent: Agent, url: str, name: str, words: str) -> None:
    delivery = agent.run(url)
    assert (delivery.sent, delivery.refused, delivery.left) == ([], [], 1)
    assert agent.waiting == [name]
    assert any(words in said for said in agent.distrusted), agent.distrusted


def test_it_alters_a_body(scene: Scene, tmp_path: Path) -> None:
    agent = scene.agent(tmp_path)
    name = agent.look()
    scene.relay.sent = lambda path, body: body[:-9] + bytes([body[-9] ^ 1]) + body[-8:] if path.endswith("/snapshots") else body
    kept_and_named(agent, scene.relay.url, name, "altered on its way")
    assert name not in scene.stored()
    scene.relay.honest()
    assert agent.run(scene.relay.url).sent == [name], "nothing was given up"


def test_it_swaps_the_bodies_of_two_hosts(scene: Scene, tmp_path: Path) -> None:
    one, two = scene.agent(tmp_path / "1"), scene.agent(tmp_path / "2", "may-02")
    first, second = one.look(), two.look()
    scene.relay.cut = True
    for agent in (one, two):
        agent.run(scene.relay.url)
    scene.relay.cut = False
    bodies: dict[str, bytes] = {}
    scene.relay.sent = lambda _path, body: bodies.setdefault(read_envelope(body).about, body) if body else body
    scene.relay.answered = lambda path, status, body: (503, b"{}") if path.endswith("/snapshots") else (status, body)
    for agent in (one, two):
        agent.run(scene.relay.url)
    scene.relay.honest()
    stored = scene.stored()
    other = {first: second, second: first}
    scene.relay.sent = lambda _path, body: bodies[other[read_envelope(body).about]] if body else body
    kept_and_named(one, scene.relay.url, first, "another agent")
    kept_and_named(two, scene.relay.url, second, "another agent")
    assert scene.stored() == stored


def test_it_says_stored_without_having_stored(scene: Scene, tmp_path: Path) -> None:
    agent = scene.agent(tmp_path)
    name = agent.look()
    said = json.dumps({"id": name, "verdicts_agree": True}).encode()
    scene.relay.sent = lambda path, body: b"x" if path.endswith("/snapshots") else body
    scene.relay.answered = lambda _path, _status, _body: (201, said)
    kept_and_named(agent, scene.relay.url, name, "does not bear the centre's signature")


def test_it_signs_an_acknowledgement_itself(scene: Scene, tmp_path: Path) -> None:
    agent = scene.agent(tmp_path)
    name = agent.look()
    real: list[bytes] = []
    scene.relay.answered = lambda _path, status, body: (real.append(body), (503, b"{}"))[1]
    agent.run(scene.relay.url)
    text = json.loads(real[-1])["text"]
    forged = {"text": text, "sig": base64.b64encode(bytes(64)).decode()}
    scene.relay.answered = lambda _path, _status, _body: (201, json.dumps(forged).encode())
    kept_and_named(agent, scene.relay.url, name, "another key than the centre's")


def test_it_shows_the_acknowledgement_of_another_snapshot(scene: Scene, tmp_path: Path) -> None:
    agent = scene.agent(tmp_path)
    answers: list[bytes] = []
    scene.relay.answered = lambda _path, status, body: (answers.append(body), (status, body))[1]
    agent.look()
    agent.run(scene.relay.url)
    name = agent.look()
    scene.relay.answered = lambda _path, _status, _body: (201, answers[-1])
    kept_and_named(agent, scene.relay.url, name, "another question")


@pytest.mark.parametrize("status", [400, 401, 403, 409, 413, 422])
def test_it_says_refused_for_good(scene: Scene, tmp_path: Path, status: int) -> None:
    agent = scene.agent(tmp_path)
    name = agent.look()
    scene.relay.answered = lambda _path, _status, _body: (status, b'{"error": "forged", "message": "go away"}')
    delivery = agent.run(scene.relay.url)
    assert (delivery.refused, delivery.left, agent.waiting) == ([], 1, [name])
    assert "go away" in delivery.error
    scene.relay.honest()
    assert agent.run(scene.relay.url).sent == [name]


def test_it_takes_custody_and_throws_away(scene: Scene, tmp_path: Path) -> None:
    agent = scene.agent(tmp_path)
    name = agent.look()
    scene.relay.answered = lambda path, status, body: (
        (202, json.dumps({"id": name, "custody": "Trạm"}).encode()) if path.endswith("/snapshots") else (status, body)
    )
    scene.relay.sent = lambda path, body: b"x" if path.endswith("/snapshots") else body
    assert agent.run(scene.relay.url).kept == [name]
    assert name not in scene.stored()
    waits = json.dumps({"receipts": {}, "waiting": [name]}).encode()
    scene.relay.answered = lambda _path, _status, _body: (200, waits)
    assert agent.run(scene.relay.url).left == 0
    assert agent.waiting == [name], "as long as it says so; but not for ever:"
    custody = json.loads((tmp_path / "custody.json").read_text())
    custody[name]["at"] -= 4 * 86400
    (tmp_path / "custody.json").write_text(json.dumps(custody))
    scene.relay.honest()
    assert agent.run(scene.relay.url).sent == [name]


def test_it_invents_receipts(scene: Scene, tmp_path: Path) -> None:
    agent = scene.agent(tmp_path)
    name = agent.look()
    Custody(agent.state).took(name, "Trạm")
    made_up = {"receipts": {name: {"text": json.dumps({"status": 200}), "sig": base64.b64encode(bytes(64)).decode()}}}
    scene.relay.answered = lambda path, status, body: (
        (200, json.dumps(made_up).encode()) if "receipts" in path else (status, body)
    )
    delivery = agent.run(scene.relay.url)
    assert any("another key" in said for said in agent.distrusted)
    assert delivery.sent == [name], "sent again, and this time it arrived"
    assert name in scene.stored()


def test_it_keeps_back_every_acknowledgement(scene: Scene, tmp_path: Path) -> None:
    agent = scene.agent(tmp_path)
    name = agent.look()
    scene.relay.answered = lambda path, status, body: (504, b"{}") if path.endswith("/snapshots") else (status, body)
    for _ in range(3):
        assert agent.run(scene.relay.url).left == 1
    assert agent.waiting == [name]
    assert scene.stored().count(name) == 1, "stored once, however often it came"


def test_it_replays_what_it_carried(scene: Scene, tmp_path: Path) -> None:
    agent = scene.agent(tmp_path)
    name = agent.look()
    agent.run(scene.relay.url)
    carried = next(body for path, body in reversed(scene.relay.seen) if path.endswith("/snapshots"))
    for _ in range(3):
        assert scene.collector.post("/api/v1/snapshots", carried, FOR_CENTRE).status == 200
    assert scene.stored().count(name) == 1


def test_it_puts_its_own_keys_in_place_of_the_centres_at_enrolment(scene: Scene, tmp_path: Path) -> None:
    own = json.dumps(CentreKeys.generate().public.document()).encode()
    scene.relay.answered = lambda path, status, body: (200, own) if path.endswith("/centre") else (status, body)
    scene.relay.seen.clear()
    with pytest.raises(Refusal, match="put others in their place"):
        Agent(tmp_path, Host()).enrol(scene.relay.url, scene.token)
    assert [path for path, _body in scene.relay.seen] == ["/api/v1/centre"], "the token was shown to nobody"


def test_it_answers_an_enrolment_itself(scene: Scene, tmp_path: Path) -> None:
    fake = {"agent_id": "0" * 36, "unit": "x", "server_time": "2026-11-29T00:00:00Z"}
    thief = CentreKeys.generate()
    bodies: list[dict[str, Any]] = [fake, sign_answer(thief, Answer("0" * 36, "x", 201, 0, 0, "", "", fake))]
    for body in bodies:
        scene.relay.answered = lambda path, status, answer, body=body: (  # type: ignore[misc]
            (201, json.dumps(body).encode()) if path.endswith("/enrol") else (status, answer)
        )
        with pytest.raises(Refusal, match="made it up"):
            Agent(tmp_path, Host()).enrol(scene.relay.url, scene.token)


def test_what_it_carries_at_enrolment_opens_with_no_key_of_its_own(scene: Scene, tmp_path: Path) -> None:
    scene.relay.seen.clear()
    scene.agent(tmp_path)
    body = next(body for path, body in scene.relay.seen if path.endswith("/enrol"))
    thief = CentreKeys.generate()
    envelope = read_envelope(body)._replace(key=thief.public.fingerprint)
    with pytest.raises(ValueError, match="does not open"):
        open_envelope(envelope, thief, thief.public)
    assert scene.token.split(".")[2].encode() not in body


def test_it_repeats_the_enrolment_of_one_machine_to_another(scene: Scene, tmp_path: Path) -> None:
    answers: list[bytes] = []
    scene.relay.answered = lambda path, status, body: (answers.append(body) if path.endswith("/enrol") else None, (status, body))[
        1
    ]
    scene.agent(tmp_path / "1")
    scene.relay.answered = lambda path, status, body: (201, answers[0]) if path.endswith("/enrol") else (status, body)
    collector = Direct(scene.relay.url)
    centre, _relay = meet(collector, named_in(scene.token))
    with pytest.raises(Refusal, match="made it up"):
        ask_sealed(collector, centre, "/api/v1/enrol", json.dumps(Host("x").request(scene.token)).encode())


def test_it_alters_what_the_centre_wants(scene: Scene, tmp_path: Path) -> None:
    agent = scene.agent(tmp_path)
    scene.relay.answered = lambda _path, status, body: (status, body.replace(b'\\"level\\":2', b'\\"level\\":1'))
    with pytest.raises(Distrusted, match="another key"):
        agent.work(scene.relay.url)
    plain = json.dumps({"level": 1, "kind": "server"}).encode()
    scene.relay.answered = lambda _path, _status, _body: (200, plain)
    with pytest.raises(Distrusted, match="does not bear"):
        agent.work(scene.relay.url)


def test_it_returns_what_the_centre_wants_of_another(scene: Scene, tmp_path: Path) -> None:
    one, two = scene.agent(tmp_path / "1"), scene.agent(tmp_path / "2", "may-02")
    answers: list[bytes] = []
    scene.relay.answered = lambda _path, status, body: (answers.append(body), (status, body))[1]
    two.work(scene.relay.url)
    scene.relay.answered = lambda _path, _status, _body: (200, answers[0])
    with pytest.raises(Distrusted, match="another agent"):
        one.work(scene.relay.url)


def test_it_serves_old_instructions_for_ever(scene: Scene, tmp_path: Path) -> None:
    agent = scene.agent(tmp_path)
    answers: list[bytes] = []
    scene.relay.answered = lambda _path, status, body: (answers.append(body), (status, body))[1]
    agent.work(scene.relay.url)
    scene.relay.answered = lambda _path, _status, _body: (200, answers[0])
    time.sleep(1.1)  # a question of the same second is the same question
    assert agent.work(scene.relay.url).status == 200, "a little old: as in an outage"
    with pytest.raises(Distrusted, match="days old"):
        agent.work(scene.relay.url, max_days=-1)
    heard = agent.state.read("heard.json") or {}
    agent.state.keep("heard.json", heard | {"work_at": heard["work_at"] + 2 * 86400})
    with pytest.raises(Distrusted, match="older than those it gave before"):
        agent.work(scene.relay.url)
    assert len(agent.distrusted) == 2


def test_it_says_that_nothing_is_new_for_ever(scene: Scene, tmp_path: Path) -> None:
    agent = scene.agent(tmp_path)
    scene.relay.answered = lambda _path, _status, _body: (304, b"")
    with pytest.raises(Offline, match="signature"):
        agent.work(scene.relay.url)
