"""Snapshots that come as a difference, and snapshots that are kept as one. On both databases."""

from __future__ import annotations

import gzip
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import RestrictedError
from django.test import Client
from django.utils import timezone

from collectors import seal_delta
from collectors.centre import FOR_CENTRE, CentreKeys, read_answer, seal_for
from collectors.model import Record, Snapshot, Target, digest_of, new_id
from collectors.seal import MAX_OPEN, SealError, seal, unpack, unseal
from server.assess.models import Alarm, StoredAssessment
from server.ingest.keeping import KEY_FOR
from server.ingest.models import Machine, Refusal, StoredSnapshot
from server.storage import retention
from tests.server.people import Host, send

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


def difference(host: Host, snapshot: Snapshot, base: Snapshot, **changes: Any) -> bytes:
    """As an honest agent makes it; or not."""
    plain = changes.get("plain") or unpack(host.seal(snapshot, changes.get("judged")))
    found = seal_delta.make(
        plain, changes.get("agent", host.agent), changes.get("named", base.id), changes.get("reference", base.to_bytes())
    )
    assert found is not None
    return found


def send_difference(client: Client, blob: bytes) -> Any:
    return send(client, blob, content_type=seal_delta.MEDIA_TYPE)


def large(host: Host, **changes: Any) -> Snapshot:
    """With a fact of some size, as real ones have: else a difference is not worth its header."""
    lines = [f"package-{number} {zlib.crc32(str(number).encode()):08x}" for number in range(500)]
    lines[7] += changes.pop("other", "")
    return host.snapshot(extra=(Record(fact="of_tomorrow", version=1, outcome="seen", data={"lines": lines}),), **changes)


def said(response: Any) -> tuple[int, str]:
    return response.status_code, response.json().get("error", "")


def kept(snapshot: Snapshot) -> StoredSnapshot:
    return StoredSnapshot.objects.select_related("base").get(pk=snapshot.id)


@pytest.fixture
def first(client: Client, host: Host) -> Snapshot:
    """A snapshot that is here, whole."""
    found = large(host, age=timedelta(hours=12))
    assert send(client, host.seal(found, host.judged(found))).status_code == 201
    return found


def test_what_came_as_a_difference_is_what_was_signed(client: Client, host: Host, first: Snapshot) -> None:
    second = large(host, permit_root_login="no")
    judged = host.judged(second)
    blob = difference(host, second, first, judged=judged)
    response = send_difference(client, blob)
    assert (response.status_code, response.json()) == (201, {"id": second.id, "verdicts_agree": True})
    assert len(blob) < len(host.seal(second, judged)) / 5
    assert kept(second).plain() == unpack(host.seal(second, judged))
    assert kept(second).open() == unseal(host.seal(second, judged)), "header, signature and snapshot, byte for byte"
    assert kept(second).snapshot() == second
    assert StoredAssessment.objects.get(snapshot=second.id).fail == 0, "it was judged by what it says, not by what was before"
    assert Machine.objects.get().latest_id == second.id


def test_the_same_whole_and_as_a_difference_is_the_same(client: Client, host: Host, first: Snapshot) -> None:
    second = large(host)
    assert send_difference(client, difference(host, second, first)).status_code == 201
    assert send(client, host.seal(second)).status_code == 200
    assert send_difference(client, difference(host, second, first)).status_code == 200
    third = large(host)
    assert send(client, host.seal(third)).status_code == 201
    assert send_difference(client, difference(host, third, second)).status_code == 200
    assert send_difference(client, difference(host, third, first)).status_code == 200, "whatever it starts from"
    assert StoredSnapshot.objects.count() == 3


def test_a_difference_to_one_that_is_kept_as_a_difference(client: Client, host: Host, first: Snapshot) -> None:
    chain = [first]
    for number in range(4):
        chain.append(large(host, min_length=10 + number))
        assert send_difference(client, difference(host, chain[-1], chain[-2])).status_code == 201
    rows = [kept(snapshot) for snapshot in chain]
    assert [row.base_id for row in rows] == [None, *[first.id] * 4], "never longer a chain than one"
    assert [row.snapshot() for row in rows] == chain


def test_whole_ones_are_kept_small_too(client: Client, host: Host, first: Snapshot, as_admin: Client) -> None:
    second = large(host)
    blob = host.seal(second)
    assert send(client, blob).status_code == 201
    row = kept(second)
    assert row.base_id == first.id
    assert len(row.sealed) < len(blob) / 5
    assert row.plain() == unpack(blob)
    machine = Machine.objects.get()
    for snapshot in (first, second):
        page = as_admin.get(f"/machines/{machine.pk}/snapshots/{snapshot.id}/raw/")
        assert page.status_code == 200
        assert unseal(page.content).snapshot == snapshot.to_bytes(), "what is handed out needs no other file"


def test_a_new_key_is_begun_when_much_changed_or_the_key_is_old(client: Client, host: Host, first: Snapshot) -> None:
    other = host.snapshot(extra=(Record(fact="of_tomorrow", outcome="seen", data={"lines": [new_id() for _ in range(500)]}),))
    assert send(client, host.seal(other)).status_code == 201
    assert kept(other).base_id is None, "nothing of it was there before"
    again = other.model_copy(update={"id": new_id()})
    assert send(client, host.seal(again)).status_code == 201
    assert kept(again).base_id == other.id
    StoredSnapshot.objects.update(received_at=timezone.now() - KEY_FOR)
    later = other.model_copy(update={"id": new_id()})
    assert send_difference(client, difference(host, later, again)).status_code == 201
    assert kept(later).base_id is None
    assert bytes(kept(later).sealed) == kept(later).whole()


def test_a_key_stays_while_a_difference_rests_on_it(client: Client, host: Host, first: Snapshot, settings: Any) -> None:
    second, third = large(host), large(host, other="x" * 9)
    for snapshot in (second, third):
        assert send(client, host.seal(snapshot)).status_code == 201
    with pytest.raises(RestrictedError):
        StoredSnapshot.objects.filter(pk=first.id).delete()
    settings.CONFIG = settings.CONFIG.model_copy(update={"keep_snapshot_days": 30})
    long_ago = timezone.now() - timedelta(days=40)
    StoredSnapshot.objects.filter(pk__in=(first.id, second.id)).update(orders_at=long_ago)
    retention.prune()
    assert StoredSnapshot.objects.filter(pk=first.id).exists()
    assert kept(third).snapshot() == third, "what it rests on was older than anything is kept, and stayed"


def test_a_machine_goes_with_all_of_it(client: Client, host: Host, first: Snapshot) -> None:
    assert send(client, host.seal(large(host))).status_code == 201
    Machine.objects.get().delete()
    assert not StoredSnapshot.objects.exists()


@pytest.mark.parametrize("lost", ["unknown", "nonsense", "removed", "another's", "damaged", "forged"])
def test_without_its_base_it_is_to_be_sent_whole(client: Client, host: Host, first: Snapshot, another, lost: str) -> None:
    second = large(host)
    blob = difference(host, second, first)
    if lost == "unknown":
        blob = difference(host, second, first, named=new_id())
    elif lost == "nonsense":
        blob = difference(host, second, first, named="\x00" * 36)
    elif lost == "removed":
        StoredSnapshot.objects.all().delete()
    elif lost == "another's":
        stranger = another("may-2")
        theirs = large(stranger)
        assert send(client, stranger.seal(theirs)).status_code == 201
        blob = difference(host, second, theirs)
    elif lost == "damaged":
        StoredSnapshot.objects.update(sealed=b"eaten by the disk")
    else:
        blob = difference(host, second, first, reference=first.to_bytes() + b" ")
    before = StoredSnapshot.objects.count()
    assert said(send_difference(client, blob)) == (412, "base-unknown")
    assert StoredSnapshot.objects.count() == before
    assert not Refusal.objects.exists(), "nobody did anything wrong"
    assert send(client, host.seal(second)).status_code == 201
    assert kept(second).snapshot() == second


def test_a_base_is_of_the_same_target(client: Client, host: Host, first: Snapshot) -> None:
    def of(name: str) -> Snapshot:
        found = large(host)
        return found.model_copy(update={"target": Target(name=name, kind=found.target.kind, via="ssh")})

    one, two = of("sw1"), of("sw2")
    assert said(send_difference(client, difference(host, one, first))) == (412, "base-unknown")
    assert send(client, host.seal(one)).status_code == 201
    assert said(send_difference(client, difference(host, two, one))) == (412, "base-unknown")
    assert said(send_difference(client, difference(host, large(host), one))) == (412, "base-unknown")
    assert send_difference(client, difference(host, of("sw1"), one)).status_code == 201


def test_cut_or_followed_by_something_it_is_to_be_sent_whole(client: Client, host: Host, first: Snapshot) -> None:
    blob = difference(host, large(host), first)
    for harmed in (blob[:-1], blob[:-9], blob + b"x", blob[: len(blob) // 2], blob[:-1] + bytes([blob[-1] ^ 1])):
        assert said(send_difference(client, harmed)) == (412, "difference-damaged")
    assert StoredSnapshot.objects.count() == 1


@pytest.mark.parametrize(
    "body", [b"\n", b"{}\n", b"[]\nx", b"[" * 5000 + b"\n", b'{"rasoat":1,"agent":[],"base":1,"sha256":2}\nx']
)
def test_nonsense_is_damaged(client: Client, host: Host, first: Snapshot, body: bytes) -> None:
    assert said(send_difference(client, body)) == (400, "damaged")


def test_nobody_speaks_in_anothers_name(client: Client, host: Host, first: Snapshot, another) -> None:
    other = another("may-2")
    mine = large(other)
    assert send(client, other.seal(mine)).status_code == 201
    # signed by the other, carried in this one's name to reach this one's base
    blob = difference(host, first, first, plain=unpack(other.seal(large(other))))
    assert said(send_difference(client, blob)) == (401, "forged")
    # its own name inside, somebody else's key
    forged = unpack(host.seal(large(host), key=other.key))
    assert said(send_difference(client, difference(host, first, first, plain=forged))) == (401, "forged")
    assert Alarm.objects.filter(kind="forged").exists()
    blob = difference(host, large(host), first, agent="0" * 36)
    assert said(send_difference(client, blob)) == (401, "unknown-agent")
    assert StoredSnapshot.objects.count() == 2


def test_an_id_with_other_contents_is_refused(client: Client, host: Host, first: Snapshot) -> None:
    other = large(host, permit_root_login="no").model_copy(update={"id": first.id})
    assert said(send_difference(client, difference(host, other, first))) == (409, "id-reused")
    assert kept(first).snapshot() == first


def test_a_bomb_is_refused_by_what_it_says_of_itself(client: Client, host: Host, first: Snapshot) -> None:
    bomb = bytearray(difference(host, first, first, plain=b"x" * (15 << 20)))
    response = send_difference(client, bytes(bomb))
    assert said(response) == (400, "damaged"), "no header line in it"
    from collectors.seal_delta import zstd

    line = difference(host, large(host), first).partition(b"\n")[0]
    assert said(send_difference(client, line + b"\n" + zstd.compress(b"x" * (40 << 20)))) == (413, "too-large")
    # one that does not say how large it grows
    endless = zstd.ZstdCompressor()
    frame = endless.compress(b"x" * (40 << 20)) + endless.flush()
    assert said(send_difference(client, line + b"\n" + frame)) == (412, "difference-damaged")


def test_a_hundred_megabytes_of_facts_are_refused_before_they_are_spent(client: Client, host: Host, first: Snapshot) -> None:
    import tracemalloc

    def refuse(blob: bytes, status: tuple[int, str]) -> int:
        tracemalloc.start()
        assert said(send(client, blob)) == status
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    huge = seal(b'{"records": "' + b"a" * (100 << 20) + b'"}', host.agent, host.private)
    assert refuse(huge, (413, "too-large")) < 4 << 20
    # one that lies about its size gets as much memory as it said
    liar = huge[:-4] + (1000).to_bytes(4, "little")
    assert refuse(liar, (413, "too-large")) < 4 << 20
    assert len(huge) < MAX_OPEN / 100


def test_a_day_that_has_not_come_and_days_late(client: Client, host: Host, first: Snapshot) -> None:
    future = large(host, age=timedelta(days=-40))
    assert send_difference(client, difference(host, future, first)).status_code == 201
    assert Alarm.objects.filter(kind="clock-ahead").exists()
    late = large(host, age=timedelta(days=40))
    assert send_difference(client, difference(host, late, future)).status_code == 201
    now = large(host, age=timedelta(seconds=-1))  # snapshots count whole seconds
    assert send_difference(client, difference(host, now, future)).status_code == 201
    assert [kept(snapshot).snapshot() for snapshot in (future, late, now)] == [future, late, now]
    assert Machine.objects.get().latest_id == now.id, "a clock that runs ahead is not newest for ever"


def test_facts_of_a_newer_agent_are_kept_and_unknown(client: Client, host: Host, first: Snapshot) -> None:
    newer = large(host)
    records = tuple(
        record.model_copy(update={"version": 99, "data": {"new": "shape"}}) if record.fact == "remote_access" else record
        for record in newer.records
    )
    newer = newer.model_copy(update={"records": records, "digest": digest_of(records)})
    assert send_difference(client, difference(host, newer, first)).status_code == 201
    assert kept(newer).snapshot().by_fact["remote_access"].version == 99
    before, after = (StoredAssessment.objects.get(snapshot=snapshot.id) for snapshot in (first, newer))
    assert (after.fail, after.unknown) == (before.fail - 1, before.unknown + 1)


def test_what_was_kept_before_there_were_differences(client: Client, host: Host, first: Snapshot) -> None:
    """Rows of an earlier version: the digest is of the file, and nothing rests on anything."""
    row = kept(first)
    StoredSnapshot.objects.update(sealed_sha256="ab" * 32)
    assert send(client, host.seal(first, host.judged(first))).status_code == 200
    assert send(client, gzip.compress(unpack(bytes(row.sealed)), compresslevel=1)).status_code == 200
    assert send_difference(client, difference(host, large(host), first)).status_code == 201
    other = large(host, permit_root_login="no").model_copy(update={"id": first.id})
    assert said(send(client, host.seal(other))) == (409, "id-reused")


def test_sealed_for_the_centre_it_is_the_same(client: Client, host: Host, first: Snapshot, settings: Any, tmp_path: Path) -> None:
    """A relay passes it on unread; that the base is missing is said under the centre's signature, so that the agent believes it."""
    keys = CentreKeys.generate()
    settings.DATA.centre_key = tmp_path / "centre.key"
    settings.DATA.centre_key.write_text(keys.text())

    def answered(snapshot: Snapshot, blob: bytes) -> tuple[int, dict[str, Any]]:
        sealed = seal_for(keys.public, blob, seal_delta.MEDIA_TYPE, snapshot.id, host.agent, "ab" * 6, host.private)
        found = read_answer(keys.public, client.post("/api/v1/snapshots", sealed, content_type=FOR_CENTRE).json())
        assert (found.agent, found.about) == (host.agent, snapshot.id)
        return found.status, found.body

    second = large(host)
    assert answered(second, difference(host, second, first)) == (201, {"id": second.id, "verdicts_agree": None})
    third = large(host)
    status, body = answered(third, difference(host, third, first, named=new_id()))
    assert (status, body["error"]) == (412, "base-unknown")


def test_only_the_right_base_opens_it() -> None:
    blob = seal_delta.make(b"{}\nabc" * 50, "a", "b", b"abc" * 100)
    assert blob is not None
    assert seal_delta.restore(seal_delta.read(blob), b"abc" * 100) == b"{}\nabc" * 50
    with pytest.raises(SealError) as caught:
        seal_delta.restore(seal_delta.read(blob), b"abc" * 99)
    assert caught.value.code == "base"
    assert seal_delta.make(b"x" * (17 << 20), "a", "b", b"abc") is None
