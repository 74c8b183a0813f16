"""What a bundle of evidence holds, what does not get into it, and that what was made holds."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from baselines.evidence import archive, form
from baselines.evidence.check import NotABundle, Trust, verify
from collectors.centre import CentreKeys
from server.evidence import making, tasks
from server.evidence.guard import Secret
from server.evidence.models import Bundle
from server.evidence.zipped import Full, Zipped
from server.evidence.zipped import zipped as written
from server.ingest.models import Machine, StoredSnapshot
from server.waivers.models import Waiver
from tests.server import evidence
from tests.server.evidence import checked, code, made, members, wrong, zipped
from tests.server.people import send
from tests.server.waivers import granted


@pytest.fixture
def land(client, tree, person, tmp_path):
    return evidence.land(client, tree, person, tmp_path)


@pytest.fixture
def bundle(land, tmp_path) -> Path:
    return made(land["north"], tmp_path / "gói.zip")


def test_what_was_made_holds(bundle) -> None:
    found = checked(bundle)
    assert wrong(found) == []
    assert [line for line in found.lines if line.outcome == "unchecked"] == []
    assert code(found) == 0
    holding = {line.code for line in found.lines if line.outcome == "holds"}
    assert holding >= {
        "seal", "members", "enrolments", "pack", "waiver", "attestation", "signature", "verdicts", "bearing", "coverage-sum", "journal", "counts",
    }  # fmt: skip
    assert found.manifest is not None
    assert found.manifest.counts["snapshots"] == 2, "of the north alone"


def test_whose_seal_it_is_has_to_be_known(bundle) -> None:
    assert code(verify(bundle)) == 3
    stranger = checked(bundle, CentreKeys.generate().public.fingerprint)
    assert [name for name, _about in wrong(stranger)] == ["seal-stranger"]
    key = making.sealing_keys().public.sign.hex()
    assert code(verify(bundle, Trust(frozenset({key}), packs=frozenset({evidence.pack()})))) == 0, (
        "the public key itself says as much as its fingerprint"
    )


def test_snapshots_are_those_that_came(bundle, land) -> None:
    inside = members(bundle)
    for name in ("máy-1", "may-2"):
        stored = Machine.objects.get(name=name).latest
        assert inside[f"snapshots/{stored.pk}"] == stored.plain()


def test_one_kept_as_a_difference_comes_out_whole(client, land, tmp_path) -> None:
    host = land["hosts"]["may-2"]
    snapshot = host.snapshot(age=-timedelta(seconds=2))
    assert send(client, host.seal(snapshot, host.judged(snapshot))).status_code == 201
    stored = StoredSnapshot.objects.get(pk=snapshot.id)
    assert stored.base_id, "else this tests nothing"
    path = made(land["north"], tmp_path / "b.zip")
    assert members(path)[f"snapshots/{snapshot.id}"].endswith(snapshot.to_bytes())
    assert code(checked(path)) == 0


def test_who_is_missing_is_named(bundle) -> None:
    told = json.loads(members(bundle)[form.COVERAGE])
    assert (told["expected"], told["seen"]) == (3, 2)
    assert [one["name"] for one in told["missing"]] == ["may-im"]
    assert ("missing-machine", "may-im") in [(line.code, line.about) for line in checked(bundle).lines]


def test_nothing_of_other_units_is_in_it(bundle, land) -> None:
    south = Machine.objects.get(name="may-3")
    for name, raw in members(bundle).items():
        for mark in ("may-3", south.agent_id, str(south.latest_id)):
            assert mark.encode() not in raw, f"{mark} in {name}"


def test_of_units_above_what_holds_here_is_in_it_and_nothing_else(land, person, tmp_path) -> None:
    """A waiver of the root for everybody bears fails here; one of the root that names a machine elsewhere is not told."""
    asker, second = person("trung-ương", role="admin"), person("lãnh-đạo", role="approver")
    everybody = granted(land["root"], asker, second, requirement="care.malware", check="")
    elsewhere = granted(land["root"], asker, second, [Machine.objects.get(name="may-3")])
    inside = members(path := made(land["north"], tmp_path / "x.zip"))
    assert sorted(json.loads(row)["id"] for row in inside[form.WAIVERS].splitlines()) == [
        Waiver.objects.earliest("pk").pk,
        everybody.pk,
    ]
    assert not [name for name, raw in inside.items() if b"may-3" in raw]
    requests = [json.loads(row)["detail"].get("request") for row in inside[form.JOURNAL].splitlines()]
    assert everybody.request_id in requests
    assert elsewhere.request_id not in requests
    assert code(checked(path)) == 0


def test_two_made_in_the_same_second_differ_in_their_numbers_alone(land, tmp_path, monkeypatch) -> None:
    now = timezone.now()
    monkeypatch.setattr(making.timezone, "now", lambda: now)
    one, other = made(land["south"], tmp_path / "1"), made(land["south"], tmp_path / "2")
    same = [name for name, raw in members(one).items() if members(other)[name] == raw]
    changed = {form.README, form.MANIFEST, form.SUMS, form.SIGNATURE}
    assert set(members(one)) - set(same) == changed, "each has its number"


# making ----------------------------------------------------------------------------------------------------------------


def test_the_collectors_key_is_not_read_where_others_may_read_it(land, tmp_path) -> None:
    land["data"].centre_key.chmod(0o644)
    with pytest.raises(making.NoKeys):
        made(land["north"], tmp_path / "x.zip")


@pytest.mark.parametrize("secret", ["token", "key", "own"])
def test_no_key_and_no_token_gets_in(land, tmp_path, secret: str) -> None:
    """People may write them into a reason; then the bundle is not made, and the member is named."""
    from server.ingest.models import EnrolmentToken

    text = {
        "token": EnrolmentToken.issue(land["north"], 1, 1, "test")[1],
        "key": "-----BEGIN OPENSSH PRIVATE KEY-----",
        "own": land["data"].secret_key.read_text().strip(),
    }[secret]
    Waiver.objects.update(reason=f"dùng {text} để vào")
    with pytest.raises(Secret, match=form.WAIVERS):
        made(land["north"], tmp_path / "x.zip")


def test_a_snapshot_that_cannot_be_opened_is_missing_by_name(land, tmp_path) -> None:
    StoredSnapshot.objects.filter(machine__name="may-2").update(sealed=b"damaged")
    path = made(land["north"], tmp_path / "x.zip")
    told = json.loads(members(path)[form.COVERAGE])
    assert ("may-2", "unopened") in [(one["name"], one["why"]) for one in told["missing"]]
    assert wrong(checked(path)) == []


def test_a_pack_that_is_not_kept_leaves_its_machines_unchecked(land, tmp_path) -> None:
    from server.assess.models import StoredAssessment

    StoredAssessment.objects.filter(machine__name="may-2").update(digest="0" * 64)
    path = made(land["north"], tmp_path / "x.zip")
    found = checked(path)
    assert (wrong(found), code(found)) == ([], 3)
    assert ("not-judged", "may-2") in [(line.code, line.about) for line in found.lines]


def three_written() -> Zipped:
    """Members that do not pack."""
    with written(io.BytesIO()) as out:
        for number in range(3):
            out.add(f"reports/{number}", b"".join(bytes.fromhex(evidence.seal.digest(b"%d" % part)) for part in range(13))[:400])
    return out


@pytest.mark.parametrize(
    ("where", "bound", "enough"), [(archive, "MOST_MEMBERS", 3), (archive, "MAX_MEMBER", 400), (archive, "MAX_ALL", 1200)]
)
def test_nothing_is_written_that_nobody_would_read(monkeypatch, where: Any, bound: str, enough: int) -> None:
    monkeypatch.setattr(where, bound, enough)
    assert len(three_written().members) == 3
    monkeypatch.setattr(where, bound, enough - 1)
    with pytest.raises(Full, match="reports/"):
        three_written()


def test_nothing_is_written_that_needs_extensions(monkeypatch) -> None:
    """The directory would begin beyond what its end can say."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    with pytest.raises(Full):
        three_written()


def test_what_is_too_much_for_a_bundle_is_said(land, monkeypatch) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 5)
    held = evidence.asked(land["north"])
    tasks.finish(held, held.path)
    assert (held.state, held.problem.partition(":")[0]) == (Bundle.FAILED, "full")
    assert list(held.path.parent.iterdir()) == []


def test_what_is_no_bundle_is_none(tmp_path) -> None:
    for name, raw in (("text", b"xin chao"), ("empty", b""), ("zip", zipped({"a": b"b"}, tmp_path / "z").read_bytes())):
        path = tmp_path / name
        path.write_bytes(raw)
        with pytest.raises(NotABundle):
            verify(path)
