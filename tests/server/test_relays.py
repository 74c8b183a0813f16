"""What comes through a relay: opened, judged by the host's own signature, answered under the centre's."""

from __future__ import annotations

import base64
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from collectors.centre import (
    FOR_CENTRE,
    SIGNED,
    Centre,
    CentreError,
    CentreKeys,
    read_answer,
    relayed,
    seal_for,
)  # fmt: skip
from server.assess.models import Alarm
from server.ingest.models import EnrolmentToken, StoredSnapshot
from server.journal.models import Entry
from server.relays.models import Behind, Relay
from tests.server.people import MEDIA_TYPE, Host

pytestmark = pytest.mark.django_db
PATH = "/api/v1/snapshots"
WORK = "/api/v1/agents/me/work"


@pytest.fixture
def centre(mini_pack, settings, tmp_path) -> Centre:
    keys = CentreKeys.generate()
    settings.DATA.centre_key = tmp_path / "centre.key"
    settings.DATA.centre_key.write_text(keys.text())
    return keys.public


@pytest.fixture
def relay(centre, tree) -> tuple[Relay, Ed25519PrivateKey]:
    key = Ed25519PrivateKey.generate()
    found, _text = Relay.invite(tree["north"], "Trạm Lạng Sơn", "test")
    found.public_key, found.enrolled_at = key.public_key().public_bytes_raw(), timezone.now()
    found.save()
    return found, key


def sealed(centre: Centre, host: Host, body: bytes, about: str, agent: str = "", key: Any = None) -> bytes:
    return seal_for(centre, body, MEDIA_TYPE, about, agent or host.agent, "ab" * 6, (key or host.key).private_bytes_raw())


def post(client, blob: bytes, relay=None, path: str = PATH, address: str = "10.9.8.7", skew: int = 0, **extra):
    headers = {}
    if relay:
        at = int(time.time()) + skew
        headers["Rasoat-Relay"] = relayed(relay[0].pk, relay[1].private_bytes_raw(), "POST", path, at, address, blob)
    return client.post(path, blob, content_type=FOR_CENTRE, headers=headers | extra)


def test_a_snapshot_sealed_for_the_centre_is_stored_as_if_it_had_come_alone(client, centre, relay, host):
    snapshot = host.snapshot()
    inside = host.seal(snapshot, host.judged(snapshot))
    blob = sealed(centre, host, inside, snapshot.id)
    assert snapshot.id.encode() in blob
    assert b"may-chu-01" not in blob
    response = post(client, blob, relay)
    answer = read_answer(centre, response.json())
    assert (response.status_code, answer.status, answer.agent, answer.about) == (201, 201, host.agent, snapshot.id)
    assert answer.body == {"id": snapshot.id, "verdicts_agree": True}
    assert answer.relay == relay[0].name
    assert base64.b64decode(answer.key) == host.public
    assert bytes(StoredSnapshot.objects.get(pk=snapshot.id).sealed) == inside
    assert Behind.objects.get().relay == relay[0]
    assert post(client, blob, relay).status_code == 200
    assert StoredSnapshot.objects.count() == 1


def test_one_altered_letter_is_refused_by_name_and_raises_an_alarm(client, centre, relay, host):
    snapshot = host.snapshot()
    blob = sealed(centre, host, host.seal(snapshot), snapshot.id)
    start = blob.index(b"\n") + 1
    bodies = [blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :] for place in (start, start + 40, len(blob) - 1)]
    bodies += [blob[:-1], blob + b"x", blob.replace(b'"abababababab"', b'"cdcdcdcdcdcd"')]
    for body in bodies:
        response = post(client, body, relay)
        answer = read_answer(centre, response.json())
        assert (answer.status, answer.body["error"]) == (400, "altered")
    assert not StoredSnapshot.objects.exists()
    assert Alarm.objects.get().kind == "altered"
    assert Alarm.objects.get().detail["relay"] == relay[0].name


def test_bodies_of_two_hosts_swapped_open_for_neither(client, centre, relay, host, another):
    other = another("may-chu-02")
    first, second = host.snapshot(), other.snapshot()
    one = sealed(centre, host, host.seal(first), first.id)
    two = sealed(centre, other, other.seal(second), second.id)
    swapped = one[: one.index(b"\n")] + two[two.index(b"\n") :]
    assert read_answer(centre, post(client, swapped, relay).json()).body["error"] == "altered"
    assert not StoredSnapshot.objects.exists()


def test_a_host_cannot_send_in_another_hosts_name(client, centre, relay, host, another):
    other = another("may-chu-02")
    snapshot = other.snapshot()
    blob = sealed(centre, other, other.seal(snapshot), snapshot.id, agent=host.agent)
    assert read_answer(centre, post(client, blob, relay).json()).body["error"] == "altered"
    inside = sealed(centre, host, other.seal(snapshot, key=host.key), snapshot.id)
    assert read_answer(centre, post(client, inside, relay).json()).body["error"] == "forged"
    assert not StoredSnapshot.objects.exists()


def test_sealed_for_another_centre_is_said_to_be(client, centre, host):
    snapshot = host.snapshot()
    blob = sealed(CentreKeys.generate().public, host, host.seal(snapshot), snapshot.id)
    assert read_answer(centre, post(client, blob).json()).body["error"] == "other-centre"


def test_nonsense_is_refused_and_not_signed(client, centre):
    for body in (b"{}\nx", b"x" * 10_000, b'{"rasoat":1}\n', b"[" * 3000 + b"\n"):
        response = post(client, body)
        assert (response.status_code, response.json()["error"]) == (400, "damaged")


def test_the_centre_signs_no_answer_to_a_question_of_the_askers_making(client, centre, host):
    for about in (f"GET {WORK}", "", "x" * 100):
        blob = sealed(centre, host, b"x", about)
        response = post(client, blob)
        assert (response.status_code, response.json()["error"]) == (400, "damaged")
    headers = {"Authorization": host.authorization("/api/v1/centre"), "Accept": SIGNED}
    assert "sig" not in client.get("/api/v1/centre", headers=headers).json()


def test_too_large_is_refused_before_it_is_read(client, centre):
    response = client.generic("POST", PATH, b"x", content_type=FOR_CENTRE, CONTENT_LENGTH="999999999")
    assert response.status_code == 413


def test_the_bigger_address_is_believed_only_with_the_relays_signature(client, centre, relay, host):
    body = json.dumps(Host("x").request("rs1.none.none")).encode()
    blob = seal_for(centre, body, "application/json", "1")
    assert post(client, blob, relay, "/api/v1/enrol").status_code == 403
    assert Entry.objects.filter(action="agent.refused").latest("pk").address == "10.9.8.7"
    response = post(
        client, blob, path="/api/v1/enrol", **{"Rasoat-Relay": f"{relay[0].pk} {int(time.time())} 10.1.1.1 {'A' * 88}"}
    )
    assert (response.status_code, response.json()["error"]) == (401, "relay-forged")
    late = post(client, blob, relay, "/api/v1/enrol", skew=-3600)
    assert (late.status_code, late.json()["error"]) == (401, "relay-clock")


def test_one_hosts_wrong_tries_do_not_lock_out_its_neighbours(client, centre, relay, token):
    wrong = seal_for(centre, json.dumps(Host("x").request("rs1.none.none")).encode(), "application/json", "1")
    for _ in range(21):
        last = post(client, wrong, relay, "/api/v1/enrol", "10.0.0.66")
    assert last.status_code == 429
    right = seal_for(centre, json.dumps(Host("y").request(token())).encode(), "application/json", "2")
    assert post(client, right, relay, "/api/v1/enrol", "10.0.0.7").status_code == 201


def test_nothing_goes_through_a_relay_that_was_taken_out_of_service(client, centre, relay, host, as_admin):
    assert as_admin.post(f"/relays/{relay[0].pk}/revoke/").status_code == 302
    snapshot = host.snapshot()
    blob = sealed(centre, host, host.seal(snapshot), snapshot.id)
    response = post(client, blob, relay)
    assert (response.status_code, response.json()["error"]) == (401, "unknown-relay")
    assert post(client, blob).status_code == 201, "the host's own right is untouched"


def test_enrolment_shows_a_relay_no_secret_and_its_answer_is_signed(client, centre, relay, token):
    text = token()
    assert text.split(".")[3] == centre.fingerprint
    newcomer = Host("moi")
    blob = seal_for(centre, json.dumps(newcomer.request(text)).encode(), "application/json", "0ce")
    assert text.split(".")[2].encode() not in blob
    answer = read_answer(centre, post(client, blob, relay, "/api/v1/enrol").json())
    assert (answer.status, answer.about) == (201, "0ce")
    assert answer.agent == answer.body["agent_id"]
    assert base64.b64decode(answer.key) == newcomer.public


def test_a_token_is_good_with_and_without_the_centres_fingerprint(client, centre, tree):
    _token, text = EnrolmentToken.issue(tree["root"], 2, 1, "test")
    assert Host("a").enrol(client, text).status_code == 201
    assert Host("b").enrol(client, text.rpartition(".")[0]).status_code == 201


def test_work_is_signed_when_asked_and_plain_when_not(client, centre, host):
    plain = client.get(WORK, headers={"Authorization": host.authorization(WORK)}).json()
    question = host.authorization(WORK)
    answer = read_answer(centre, client.get(WORK, headers={"Authorization": question, "Accept": SIGNED}).json())
    assert answer.body["baseline"] == plain["baseline"]
    assert (answer.agent, answer.about) == (host.agent, f"GET {WORK}")
    assert answer.asked == int(question.split(":")[1])
    assert abs(answer.at - time.time()) < 60


def test_an_altered_answer_is_noticed(centre, client, host):
    document = client.get(WORK, headers={"Authorization": host.authorization(WORK), "Accept": SIGNED}).json()
    for wrong in (
        document | {"text": document["text"].replace('"level":2', '"level":1')},
        document | {"sig": base64.b64encode(bytes(64)).decode()},
    ):
        with pytest.raises(CentreError, match="not signed by the centre"):
            read_answer(centre, wrong)
    for nothing in ({}, {"text": document["text"]}, {"text": 1, "sig": ""}, []):
        with pytest.raises(CentreError, match="signature"):
            read_answer(centre, nothing)


def test_receipts_are_signed_one_by_one_and_only_for_ones_own(client, centre, host, another):
    other = another("may-chu-02")
    mine, theirs = host.snapshot(), other.snapshot()
    for who, snapshot in ((host, mine), (other, theirs)):
        assert client.post(PATH, who.seal(snapshot), content_type=MEDIA_TYPE).status_code == 201
    path = f"/api/v1/agents/me/receipts?ids={mine.id},{theirs.id},none"
    found = client.get(path, headers={"Authorization": host.authorization(path)}).json()["receipts"]
    assert list(found) == [mine.id]
    receipt = read_answer(centre, found[mine.id])
    assert (receipt.agent, receipt.about, receipt.status) == (host.agent, mine.id, 200)


def test_a_relay_is_invited_enrols_once_and_reports(client, centre, tree, as_admin):
    page = as_admin.post("/relays/", {"unit": tree["north"].pk, "name": "Trạm Bắc"})
    text = next(word for word in page.content.decode().split() if word.startswith("rr1.")).partition("<")[0]
    key, stranger = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()

    def come(who: Ed25519PrivateKey):
        body = {"token": text, "public_key": base64.b64encode(who.public_key().public_bytes_raw()).decode()}
        return post(client, seal_for(centre, json.dumps(body).encode(), "application/json", "0"), path="/api/v1/relays/enrol")

    assert come(key).status_code == come(key).status_code == 201, "an answer may get lost"
    assert come(stranger).status_code == 403
    relay = Relay.objects.get()
    assert (relay.name, relay.unit) == ("Trạm Bắc", tree["north"])
    path = "/api/v1/relays/me/report"
    said = {"waiting": 3, "bytes": 9000, "cap": 10**9, "dropped": 0, "oldest": time.time() - 90_000, "agents": 7, "free": 10**9}
    body = json.dumps(said).encode()
    assert client.post(path, body, content_type="application/json").status_code == 401
    header = relayed(relay.pk, key.private_bytes_raw(), "POST", path, int(time.time()), "", body)
    assert client.post(path, body, content_type="application/json", headers={"Rasoat-Relay": header}).status_code == 200
    relay.refresh_from_db()
    assert relay.trouble(timezone.now()) == ["backlog"]
    assert relay.trouble(timezone.now() + timedelta(hours=2)) == ["silent", "backlog"]
    relay.report["dropped_at"] = time.time() - 60
    assert relay.trouble(timezone.now()) == ["backlog", "dropped"]
    Relay.objects.update(report=relay.report)
    assert "\nrasoat_relays_in_trouble 1\n" in as_admin.get("/metrics").content.decode()
    assert "7" in as_admin.get("/relays/").content.decode()


def test_people_see_the_relays_of_their_part_of_the_tree(client, relay, person):
    for name, unit, seen in (("an", "north", True), ("binh", "south", False), ("chi", "root", True)):
        client.force_login(person(name, unit), backend="django.contrib.auth.backends.ModelBackend")
        assert (relay[0].name in client.get("/relays/").content.decode()) is seen
        assert client.post(f"/relays/{relay[0].pk}/revoke/").status_code == 404
        assert client.post("/relays/", {"unit": relay[0].unit_id, "name": "x"}).status_code == 403


def test_a_collector_without_keys_of_its_own_works_as_before(client, host, token):
    assert len(token().split(".")) == 3
    assert client.get("/api/v1/centre").status_code == 404
    assert client.post(PATH, b"x", content_type=FOR_CENTRE).status_code == 415
