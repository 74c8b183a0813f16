"""Sealed snapshots: what is taken in, and every way of being refused, by name."""

from __future__ import annotations

import base64
import gzip
import json
import secrets
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.facts import FACTS
from collectors.model import Kind, Record, Target
from collectors.seal import MAX_OPEN, MAX_SEALED, seal
from server.assess.models import Alarm, StoredAssessment
from server.background import delivery
from server.background.declare import TASKS
from server.findings.codes import UNKNOWN
from server.findings.models import Standing
from server.ingest.models import Agent, Machine, Refusal, StoredSnapshot
from server.journal.models import Entry
from tests.server.people import MEDIA_TYPE, Host, send

pytestmark = pytest.mark.django_db


def raw_seal(header: dict, body: bytes) -> bytes:
    return gzip.compress(json.dumps(header).encode() + b"\n" + body, mtime=0)


def small_snapshot(**changes) -> bytes:
    document = {
        "id": "0198e0a0-0000-7000-8000-000000000000",
        "target": {"name": "x"},
        "collected_at": "2026-11-22T00:00:00Z",
        "seconds": 1,
        "collector": "1",
        "privileged": True,
        "records": [],
        "digest": "",
    }
    return json.dumps(document | changes).encode()


def stored_nothing() -> bool:
    return not StoredSnapshot.objects.exists() and not StoredAssessment.objects.exists()


def test_it_works(client: Client, host: Host) -> None:
    snapshot = host.snapshot()
    blob = host.seal(snapshot, host.judged(snapshot))
    response = send(client, blob)
    assert (response.status_code, response.json()) == (201, {"id": snapshot.id, "verdicts_agree": True})
    stored = StoredSnapshot.objects.get()
    assert bytes(stored.sealed) == blob, "kept byte for byte"
    assert stored.snapshot() == snapshot
    kept = stored.assessment
    assert (kept.fail, kept.unknown, kept.passed, kept.manual) == (1, 1, 3, 1)
    assert (kept.level, kept.agent, kept.weight) == (2, "agrees", 100)
    machine = Machine.objects.get()
    assert machine.latest == stored
    assert machine.os_name == "Debian GNU/Linux 12 (bookworm)"
    assert not Alarm.objects.exists()


def test_the_same_again_is_stored_once(client: Client, host: Host) -> None:
    snapshot = host.snapshot()
    blob = host.seal(snapshot, host.judged(snapshot))
    first, second = send(client, blob), send(client, blob)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert StoredSnapshot.objects.count() == 1


def test_the_same_contents_packed_by_another_zlib_are_the_same(client: Client, host: Host) -> None:
    blob = host.seal(host.snapshot())
    send(client, blob)
    assert send(client, gzip.compress(gzip.decompress(blob), compresslevel=1, mtime=5)).status_code == 200


def test_replayed_id_with_other_contents_is_refused(client: Client, host: Host) -> None:
    snapshot = host.snapshot()
    send(client, host.seal(snapshot))
    forged = snapshot.model_copy(update={"seconds": 99.0})
    refused = send(client, host.seal(forged))
    assert (refused.status_code, refused.json()["error"]) == (409, "id-reused")
    assert StoredSnapshot.objects.get().seconds == 1.25
    assert Entry.objects.filter(action="snapshot.refused", detail__code="id-reused").exists()
    assert Alarm.objects.get().kind == "id-reused"


def test_another_machine_cannot_take_an_id(client: Client, host: Host, another) -> None:
    snapshot = host.snapshot()
    send(client, host.seal(snapshot))
    thief = another("may-chu-02")
    assert send(client, thief.seal(snapshot)).status_code == 409
    assert StoredSnapshot.objects.get().agent_id == host.agent


def test_unsigned_is_refused(client: Client, host: Host) -> None:
    header = {"rasoat": 1, "agent": host.agent, "judged": None, "sig": ""}
    refused = send(client, raw_seal(header, host.snapshot().to_bytes()))
    assert (refused.status_code, refused.json()["error"]) == (401, "unsigned")
    assert stored_nothing()


def test_wrongly_signed_is_refused_and_raises_an_alarm(client: Client, host: Host) -> None:
    refused = send(client, host.seal(host.snapshot(), key=Ed25519PrivateKey.generate()))
    assert (refused.status_code, refused.json()["error"]) == (401, "forged")
    assert stored_nothing()
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.times, alarm.machine.name) == ("forged", 1, host.name)
    for _ in range(3):
        send(client, host.seal(host.snapshot(), key=Ed25519PrivateKey.generate()))
    assert Alarm.objects.get().times == 4, "the same again counts up, it does not pile up"
    assert Entry.objects.filter(action="snapshot.refused").count() == 1


def test_one_changed_byte_of_the_snapshot_breaks_the_signature(client: Client, host: Host) -> None:
    plain = bytearray(gzip.decompress(host.seal(host.snapshot())))
    at = plain.index(b'"seconds":1.25')
    plain[at + 10] = ord("2")
    assert send(client, gzip.compress(bytes(plain), mtime=0)).json()["error"] == "forged"


def test_what_the_agent_judged_is_signed_too(client: Client, host: Host) -> None:
    snapshot = host.snapshot()
    line, _, body = gzip.decompress(host.seal(snapshot, host.judged(snapshot))).partition(b"\n")
    header = json.loads(line)
    header["judged"]["verdicts"] = "0" * 64
    assert send(client, raw_seal(header, body)).json()["error"] == "forged"


def test_unknown_agent_is_refused_before_its_bomb_is_opened(client: Client, tree) -> None:
    stranger = Host(agent="00000000-0000-4000-8000-000000000000")
    refused = send(client, stranger.seal(stranger.snapshot()))
    assert (refused.status_code, refused.json()["error"]) == (401, "unknown-agent")
    header = {"rasoat": 1, "agent": stranger.agent, "judged": None, "sig": "AAAA"}
    assert send(client, raw_seal(header, b"0" * (MAX_OPEN + 1))).json()["error"] == "unknown-agent"


@pytest.mark.parametrize("agent", ["", "\ud800", "x" * 5000, 7, None, "../../etc/passwd"])
def test_nonsense_instead_of_an_agent_is_refused(client: Client, tree, agent) -> None:
    refused = send(client, raw_seal({"rasoat": 1, "agent": agent, "judged": None, "sig": "AAAA"}, b"{}"))
    assert refused.status_code in (400, 401)
    assert set(refused.json()) == {"error", "message"}


def test_revoked_agent_is_refused(client: Client, host: Host) -> None:
    Agent.objects.update(revoked_at=timezone.now())
    refused = send(client, host.seal(host.snapshot()))
    assert (refused.status_code, refused.json()["error"]) == (401, "revoked")
    assert stored_nothing()


def test_oversized_is_refused_by_its_announced_length(client: Client, host: Host) -> None:
    refused = send(client, b"x", CONTENT_LENGTH=str(MAX_SEALED + 1))
    assert (refused.status_code, refused.json()["error"]) == (413, "too-large")


def test_no_announced_length_is_refused(client: Client, host: Host) -> None:
    refused = send(client, host.seal(host.snapshot()), CONTENT_LENGTH="")
    assert (refused.status_code, refused.json()["error"]) == (411, "length-required")


def test_bomb_is_refused(client: Client, host: Host) -> None:
    header = {"rasoat": 1, "agent": host.agent, "judged": None, "sig": base64.b64encode(b"0" * 64).decode()}
    blob = raw_seal(header, b"\0" * (MAX_OPEN + 1))
    assert len(blob) < MAX_SEALED, "small on the wire"
    refused = send(client, blob)
    assert (refused.status_code, refused.json()["error"]) == (413, "too-large")
    assert stored_nothing()


@pytest.mark.parametrize(
    "blob",
    [b"hello", gzip.compress(b""), gzip.compress(b"[1]\n{}"), gzip.compress(b"{" * 2000), gzip.compress(b"{}\n")[:-4]],
    ids=["no gzip", "nothing inside", "no object", "no JSON", "cut header"],
)
def test_damaged_is_refused(client: Client, host: Host, blob: bytes) -> None:
    refused = send(client, blob)
    assert (refused.status_code, refused.json()["error"]) == (400, "damaged")


def test_cut_inside_is_damaged(client: Client, host: Host) -> None:
    assert send(client, host.seal(host.snapshot())[:-5]).json()["error"] == "damaged"


def test_another_media_type_is_refused(client: Client, host: Host) -> None:
    assert send(client, host.seal(host.snapshot()), content_type="application/json").status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'{"id": 1}',
        b"\xff\xfe",
        b'{"a":' * 50_000,
        small_snapshot(one_more=1),
        small_snapshot(collected_at="2026-11-22T00:00:00"),
        small_snapshot(collected_at="9999-12-31T23:59:59-14:00"),
        small_snapshot(id="../../etc/passwd"),
    ],
)
def test_signed_but_no_snapshot_is_refused(client: Client, host: Host, body: bytes) -> None:
    refused = send(client, seal(body, host.agent, host.private))
    assert (refused.status_code, refused.json()["error"]) == (422, "not-a-snapshot")
    assert stored_nothing()


def test_a_machine_that_calls_itself_a_system_is_refused(client: Client, host: Host) -> None:
    """Of a system almost nothing is asked: the machine would look faultless."""
    seen = host.snapshot()
    posing = seen.model_copy(update={"target": seen.target.model_copy(update={"kind": Kind.SYSTEM})})
    refused = send(client, host.seal(posing))
    assert (refused.status_code, refused.json()["error"]) == (422, "not-a-machine")
    assert stored_nothing()


@pytest.mark.parametrize("judged", [{}, {"level": "two"}, {"baseline": 1, "digest": [], "level": 2, "verdicts": ""}])
def test_an_unreadable_judgement_is_refused(client: Client, host: Host, judged: dict) -> None:
    assert send(client, host.seal(host.snapshot(), judged)).status_code == 422


def test_a_clock_ahead_is_kept_and_marked_and_does_not_stay_newest(client: Client, host: Host) -> None:
    ahead = host.snapshot(age=timedelta(days=-400))
    assert send(client, host.seal(ahead)).status_code == 201
    assert StoredSnapshot.objects.get().clock_ahead
    assert Alarm.objects.get().kind == "clock-ahead"
    honest = host.snapshot(age=timedelta(seconds=-5))
    send(client, host.seal(honest))
    assert Machine.objects.get().latest_id == honest.id


def test_spooled_snapshots_come_late_and_do_not_displace_newer_ones(client: Client, host: Host) -> None:
    new, old = host.snapshot(), host.snapshot(age=timedelta(days=3), permit_root_login="no")
    send(client, host.seal(new))
    assert send(client, host.seal(old)).status_code == 201
    assert Machine.objects.get().latest_id == new.id
    assert StoredSnapshot.objects.count() == 2


def test_a_newer_agents_facts_are_kept_and_unknown(client: Client, host: Host) -> None:
    newer = (
        Record(fact="quantum_safety", version=1, outcome="seen", data={"ready": False}),
        Record(fact="remote_access", version=99, outcome="seen", data={"permit_root_login": "no", "new_field": 1}),
    )
    snapshot = host.snapshot(extra=newer)
    assert send(client, host.seal(snapshot)).status_code == 201
    assert Standing.objects.get(rule__check_id="remote_access.no_root").verdict == UNKNOWN, "a value we cannot read is no pass"
    assert StoredSnapshot.objects.get().snapshot().by_fact["quantum_safety"].data == {"ready": False}


@pytest.mark.parametrize("nobody", [0, "", {}, [[]], False])
def test_facts_that_do_not_fit_their_type_never_pass(client: Client, host: Host, nobody) -> None:
    twisted = (Record(fact="accounts", version=1, outcome="seen", data={"root_equivalents": nobody}),)
    assert send(client, host.seal(host.snapshot(extra=twisted))).status_code == 201
    assert Standing.objects.get(rule__check_id="accounts.one_root").verdict == UNKNOWN


def test_other_verdicts_by_the_same_pack_raise_an_alarm(client: Client, host: Host) -> None:
    snapshot = host.snapshot()
    response = send(client, host.seal(snapshot, host.judged(snapshot, verdicts="f" * 64)))
    assert response.json()["verdicts_agree"] is False
    assert StoredAssessment.objects.get().agent == "differs"
    assert Alarm.objects.get().kind == "verdicts-differ"
    assert Entry.objects.filter(action="alarm.raised", detail__kind="verdicts-differ").exists()


@pytest.mark.parametrize("changes", [{"digest": "0" * 64}, {"level": 3}, {"tailoring": "0" * 64}])
def test_another_pack_tailoring_or_level_is_no_alarm(client: Client, host: Host, changes: dict) -> None:
    snapshot = host.snapshot()
    response = send(client, host.seal(snapshot, host.judged(snapshot, verdicts="f" * 64) | changes))
    assert response.json()["verdicts_agree"] is None
    assert StoredAssessment.objects.get().agent == "other-pack"
    assert not Alarm.objects.exists()


def test_what_a_station_saw_elsewhere_is_a_machine_of_its_own(client: Client, host: Host) -> None:
    seen = host.snapshot().model_copy(update={"target": Target(name="switch-tầng-2", kind="switch", via="ssh")})
    send(client, host.seal(seen))
    assert Machine.objects.get(own=True).latest is None
    assert Machine.objects.get(own=False).latest_id == seen.id


def test_a_bug_in_judging_loses_no_facts(client: Client, host: Host, tree) -> None:
    tree["root"].baseline = "no_such_pack"
    tree["root"].save()
    assert send(client, host.seal(host.snapshot())).status_code == 201
    assert StoredSnapshot.objects.count() == 1
    assert Alarm.objects.get().kind == "not-judged"


@pytest.mark.on_sqlite
@pytest.mark.django_db(transaction=True)
def test_full_disk_is_retried_later_and_loses_nothing(client: Client, host: Host) -> None:
    filler = Record(fact="filler", outcome="seen", data={"x": secrets.token_hex(20_000)})
    blob = host.seal(host.snapshot(extra=(filler,)))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # what tests before left free would be room
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count={pages}")
        response = send(client, blob)
        cursor.execute("PRAGMA max_page_count=1073741823")
    assert (response.status_code, response.json()["error"]) == (503, "unavailable")
    assert response["Retry-After"]
    assert stored_nothing()
    assert send(client, blob).status_code == 201


def test_every_known_fact_travels(client: Client, host: Host) -> None:
    missing = tuple(Record(fact=name, outcome="unreachable", reason="no answer") for name in FACTS)
    assert send(client, host.seal(host.snapshot(extra=missing))).status_code == 201
    assert StoredAssessment.objects.get().passed == 0


@pytest.mark.django_db(transaction=True)  # a worker closes its connection
def test_refusals_are_counted_and_forgotten(client: Client, host: Host) -> None:
    send(client, b"x")
    Refusal.objects.update(at=timezone.now() - timedelta(days=2))
    send(client, b"x")
    assert "rasoat_refused_last_day 1\n" in client.get("/metrics").content.decode()
    TASKS["ingest.forget-refusals"].enqueue(by="collector")
    delivery.take("tests", 0.05, until_empty=True, signals=False)
    assert Refusal.objects.count() == 1
    assert MEDIA_TYPE.endswith("snapshot")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(at=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.booleans())
def test_no_damage_is_a_bug_or_gets_stored(client: Client, host: Host, at: int, byte: int, cut: bool) -> None:
    blob = bytearray(host.seal(host.snapshot()))
    at %= len(blob)
    before = bytes(blob)
    blob[at] = byte
    sent = bytes(blob[:at]) if cut else bytes(blob)
    response = send(client, sent) if sent else None
    if response is None or sent == before:
        return
    # the few bytes of gzip's own header that mean nothing (time, system) may change: the contents are the same then
    assert response.status_code in (201, 400, 401, 413, 422)
    if response.status_code == 201:
        assert gzip.decompress(sent) == gzip.decompress(before)


@many
@given(document=JSON, judged=JSON, agent=JSON)
def test_no_document_is_a_bug(client: Client, host: Host, document, judged, agent) -> None:
    body = json.dumps(document).encode()
    assert send(client, seal(body, host.agent, host.private)).status_code == 422
    header = {"rasoat": 1, "agent": agent, "judged": judged, "sig": "AAAA"}
    assert send(client, raw_seal(header, body)).status_code in (400, 401)
    snapshot = host.snapshot()
    if isinstance(judged, dict):
        assert send(client, host.seal(snapshot, judged)).status_code in (201, 422)


@many
@given(
    data=st.dictionaries(
        st.sampled_from(["products", "users", "min_length", "permit_root_login", "synchronised", "unseen", "x"]), JSON, max_size=4
    )
)
def test_no_fact_is_a_bug_and_its_page_opens(client: Client, host: Host, as_admin: Client, data) -> None:
    extra = tuple(
        Record(fact=name, outcome="seen", data=data) for name in ("antivirus", "accounts", "password_policy", "remote_access")
    )
    try:
        blob = host.seal(host.snapshot(age=timedelta(seconds=-1), extra=extra))
    except ValueError:
        return  # nan and lone surrogates are no JSON
    assert send(client, blob).status_code == 201
    machine = Machine.objects.get()
    for tab in ("verdicts", "clauses", "facts"):
        assert as_admin.get(f"/machines/{machine.pk}/?tab={tab}").status_code == 200
