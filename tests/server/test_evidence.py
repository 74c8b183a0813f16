"""A bundle of evidence holds, and whatever is done to it afterwards is named."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from baselines.evidence import form
from baselines.evidence.check import NotABundle, Trust, verify
from collectors.centre import CentreKeys
from server.evidence import making
from server.evidence.guard import Secret
from server.ingest.models import Machine, StoredSnapshot
from server.journal import export
from server.journal.console import _rows
from server.journal.models import Entry
from server.waivers.models import Waiver
from tests.server import evidence
from tests.server.evidence import checked, code, edited, made, members, resealed, wrong, zipped
from tests.server.people import send
from tests.server.waivers import granted


@pytest.fixture
def land(client, tree, person, tmp_path):
    """Machines that reported, people who gave their word, and a collector with keys."""
    data = evidence.data_in(tmp_path / "data")
    hosts = evidence.filled(client, tree, person("người-xin", role="admin"), person("người-duyệt", role="approver"))
    return {**tree, "hosts": hosts, "data": data}


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


# a byte, a member ------------------------------------------------------------------------------------------------------


def test_any_byte_changed_is_named(bundle, tmp_path) -> None:
    """One byte of each member, at places spread over it, changed in the packed file itself."""
    from baselines.evidence.archive import Archive

    raw = bundle.read_bytes()
    with Archive(bundle) as archive:
        entries = list(archive.entries.values())
    broken = tmp_path / "byte.zip"
    for number, entry in enumerate(entries):
        place = entry.start + (entry.packed - 1) * (number % 7) // 6
        changed = bytearray(raw)
        changed[place] ^= 1 << number % 8
        broken.write_bytes(changed)
        found = checked(broken)
        if code(found) == 0:  # the last bits of a packed member mean nothing
            assert members(broken) == members(bundle)
            continue
        assert code(found) == 1, entry.name
        about = " ".join(about for _code, about in wrong(found))
        seal = entry.name in (form.SUMS, *form.SEAL)
        assert entry.name in about or seal, f"{entry.name}: {wrong(found)}"


def test_any_byte_of_the_unpacked_is_named(bundle, tmp_path) -> None:
    """The same with sound packing: whoever repacks a ZIP writes its check sums anew."""
    inside = {name: raw for name, raw in members(bundle).items() if raw}
    empty = {name: b"" for name, raw in members(bundle).items() if not raw}
    for number, (name, raw) in enumerate(inside.items()):
        place = (len(raw) - 1) * (number % 5) // 4
        changed = bytearray(raw)
        changed[place] ^= 1 << (number + 3) % 8
        found = checked(zipped(inside | empty | {name: bytes(changed)}, tmp_path / "byte.zip"))
        assert code(found) == 1, name
        codes = dict(wrong(found))
        assert codes.get("altered") == name or {"seal", "seal-keys"} & set(codes), f"{name}: {codes}"


def test_a_member_more_or_less_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    more = zipped({**inside, "reports/9-them.txt": b"x"}, tmp_path / "more.zip")
    assert ("not-listed", "reports/9-them.txt") in wrong(checked(more))
    name = next(name for name in inside if name.endswith(".sig"))
    less = zipped({one: raw for one, raw in inside.items() if one != name}, tmp_path / "less.zip")
    assert ("missing", name) in wrong(checked(less))


# with a seal made anew: what the seal does not say ----------------------------------------------------------------------


def again(found: evidence.Members, tmp_path: Path, **more: Any) -> list[tuple[str, str]]:
    """Sealed anew with the collector's own key: only what is inside can tell."""
    path = zipped(resealed(found, making.sealing_keys(), **more), tmp_path / "anew.zip")
    checked_again = checked(path)
    assert ("seal", evidence.fingerprint()) in [
        (line.code, line.about) for line in checked_again.lines if line.outcome == "holds"
    ]
    return wrong(checked_again)


def test_sealed_anew_without_a_change_it_holds(bundle, tmp_path) -> None:
    assert again(members(bundle), tmp_path) == []


def line_of(found: evidence.Members, name: str) -> tuple[int, dict[str, Any]]:
    rows = [json.loads(row) for row in found[form.MACHINES].splitlines()]
    return next((number, row) for number, row in enumerate(rows) if row["name"] == name)


def test_a_verdict_changed_in_the_table_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    number, _row = line_of(inside, "may-2")

    def better(row: dict[str, Any]) -> None:
        for result in row["judged"]["results"]:
            if result[3] == "fail":
                result[3] = "pass"

    assert ("verdict", "may-2") in again(edited(inside, form.MACHINES, better, number), tmp_path)


def test_a_verdict_taken_out_of_the_table_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    number, _row = line_of(inside, "may-2")
    gone = edited(inside, form.MACHINES, lambda row: row["judged"]["results"].pop(0), number)
    assert ("verdict", "may-2") in again(gone, tmp_path)


def test_a_milder_level_or_another_kind_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    number, _row = line_of(inside, "may-2")
    milder = edited(inside, form.MACHINES, lambda row: row["judged"].update(level=1), number)
    assert ("verdict", "may-2") in again(milder, tmp_path)
    other = edited(inside, form.MACHINES, lambda row: row["judged"].update(kind="router"), number)
    assert ("verdict", "may-2") in again(other, tmp_path)


def test_swapped_snapshots_are_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    one, other = (row["snapshot"] for row in map(json.loads, inside[form.MACHINES].splitlines()))
    swapped = inside | {f"snapshots/{one}": inside[f"snapshots/{other}"], f"snapshots/{other}": inside[f"snapshots/{one}"]}
    found = again(swapped, tmp_path)
    assert {about for name, about in found if name == "snapshot-swapped"} == {f"snapshots/{one}", f"snapshots/{other}"}


def test_lines_that_point_to_each_others_snapshots_are_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    rows = [json.loads(row) for row in inside[form.MACHINES].splitlines()]
    for name in ("snapshot", "sha256", "received_at", "judged"):
        rows[0][name], rows[1][name] = rows[1][name], rows[0][name]
    found = again(inside | {form.MACHINES: b"".join(map(form.dumps, rows))}, tmp_path)
    assert [name for name, _about in found if name == "snapshot-swapped"] == ["snapshot-swapped"] * 2


def test_a_missing_signature_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    name = next(name for name in inside if name.endswith(".sig"))
    assert ("missing", name) in again({one: raw for one, raw in inside.items() if one != name}, tmp_path)


def test_a_snapshot_without_its_hosts_signature_is_named(bundle, land, tmp_path) -> None:
    inside = members(bundle)
    number, row = line_of(inside, "may-2")
    head, _newline, body = inside[f"snapshots/{row['snapshot']}"].partition(b"\n")
    header = json.loads(head)
    header["sig"] = ""
    unsigned = json.dumps(header, separators=(",", ":"), sort_keys=True).encode() + b"\n" + body
    changed = edited(inside, form.MACHINES, lambda row: row.update(sha256=evidence.seal.digest(unsigned)), number)
    found = again(changed | {f"snapshots/{row['snapshot']}": unsigned}, tmp_path)
    assert ("forged", "may-2") in found


def test_facts_made_better_are_named(bundle, tmp_path) -> None:
    """The snapshot says that root may not log on; its digest in the table is right; the host never signed that."""
    inside = members(bundle)
    number, row = line_of(inside, "may-2")
    better = inside[f"snapshots/{row['snapshot']}"].replace(b'"permit_root_login":"yes"', b'"permit_root_login":"no"')
    assert better != inside[f"snapshots/{row['snapshot']}"]
    changed = edited(inside, form.MACHINES, lambda row: row.update(sha256=evidence.seal.digest(better)), number)
    assert ("forged", "may-2") in again(changed | {f"snapshots/{row['snapshot']}": better}, tmp_path)


def test_a_key_put_in_place_of_a_hosts_is_named(bundle, tmp_path) -> None:
    """Facts signed anew with a key of the forger's, which also stands in the enrolment record: the journal knows another one."""
    import base64

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from collectors.seal import seal as seal_snapshot
    from collectors.seal import signed_message, unseal

    inside, key = members(bundle), Ed25519PrivateKey.generate()
    number, row = line_of(inside, "may-2")
    name = f"snapshots/{row['snapshot']}"
    better = inside[name].partition(b"\n")[2].replace(b'"permit_root_login":"yes"', b'"permit_root_login":"no"')
    sealed = unseal(seal_snapshot(better, row["agent"], key.private_bytes_raw()))
    public = key.public_key().public_bytes_raw()
    inside |= {
        name: sealed.plain, f"signatures/{row['snapshot']}.message": signed_message(sealed), f"signatures/{row['snapshot']}.sig": sealed.signature,
        f"keys/{row['agent']}.pem": evidence.seal.pem(public),
    }  # fmt: skip
    inside = edited(inside, form.MACHINES, lambda row: row.update(sha256=evidence.seal.digest(sealed.plain)), number)
    hosts = [json.loads(line)["agent"] for line in inside[form.HOSTS].splitlines()]
    inside = edited(
        inside,
        form.HOSTS,
        lambda host: host.update(public_key=base64.b64encode(public).decode()),
        hosts.index(row["agent"]),
    )
    assert "enrolment" in dict(again(inside, tmp_path))


def test_a_pack_altered_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    name = next(name for name in inside if name.startswith("packs/") and name.endswith("checks/mini.yaml"))
    altered = inside | {name: inside[name].replace(b"severity: high", b"severity: low", 1)}
    assert altered != inside
    found = dict(again(altered, tmp_path))
    assert {"pack-altered", "pack-gone"} <= set(found)


def test_a_pack_that_this_program_does_not_ship_never_ends_as_plain_holds(bundle) -> None:
    """It may be milder under a known name: nothing is judged by it until whoever checks says that it is trusted."""
    found = checked(bundle, packs=frozenset())
    assert (wrong(found), code(found)) == ([], 3)
    outcomes = {line.code: line.outcome for line in found.lines}
    assert (outcomes["pack-own"], outcomes["pack-strange"], outcomes.get("verdicts")) == ("unchecked", "unchecked", None)
    assert {"pack-own", "pack-shipped"}.isdisjoint(line.code for line in checked(bundle).lines)


def test_a_pattern_of_a_strange_pack_cannot_take_for_ever(bundle, tmp_path) -> None:
    """Under its own digest, sealed and named in the table; it is not even read as a pack."""
    from baselines.loader import digest_of

    inside = members(bundle)
    texts = {name.split("/", 2)[2]: raw.decode() for name, raw in inside.items() if name.startswith("packs/")}
    texts["checks/mini.yaml"] += "# (a+)+$\n"
    digest = digest_of(texts)
    left = {name: raw for name, raw in inside.items() if not name.startswith("packs/")}
    for number in range(len(inside[form.MACHINES].splitlines())):
        left = edited(left, form.MACHINES, lambda row: row["judged"].update(digest=digest), number)
    path = zipped(resealed(left | {f"packs/{digest}/{name}": text.encode() for name, text in texts.items()}, making.sealing_keys()), tmp_path / "x.zip")  # fmt: skip
    found = checked(path)
    assert code(found) == 3
    assert "verdicts" not in {line.code for line in found.lines}


def test_an_older_manifest_replayed_is_named(land, tmp_path, client) -> None:
    older = members(made(land["north"], tmp_path / "old.zip"))
    host = land["hosts"]["may-2"]
    snapshot = host.snapshot(age=-timedelta(seconds=5), permit_root_login="no")
    assert send(client, host.seal(snapshot, host.judged(snapshot))).status_code == 201
    newer = members(made(land["north"], tmp_path / "new.zip"))
    only = zipped(newer | {form.MANIFEST: older[form.MANIFEST]}, tmp_path / "1.zip")
    assert {"other-manifest", "altered"} <= set(dict(wrong(checked(only))))
    signed = {name: older[name] for name in (form.MANIFEST, form.SUMS, *form.SEAL) if name in older}
    whole = wrong(checked(zipped(newer | signed, tmp_path / "2.zip")))
    assert ("altered", form.MACHINES) in whole
    assert ("not-listed", f"snapshots/{snapshot.id}") in whole


def test_a_whole_older_bundle_handed_in_again_is_named_where_its_day_is_asked_for(bundle) -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    assert [name for name, _about in wrong(checked(bundle, since=tomorrow))] == ["older"]
    assert wrong(checked(bundle, since=timezone.localdate())) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"until": "2099-01-01"}, "waiver-edited"),
        ({"requirement": "access.password"}, "waiver-edited"),
        ({"measure": "không cần gì thêm nữa"}, "waiver-edited"),
        ({"whole": True}, "waiver-edited"),
        ({"approved_by": "người-xin"}, "waiver-edited"),
        ({"until": "2020-01-01"}, "term"),
    ],
)
def test_a_waiver_edited_is_named(bundle, tmp_path, change: dict[str, Any], expected: str) -> None:
    found = again(edited(members(bundle), form.WAIVERS, lambda row: row.update(change)), tmp_path)
    waiver = Waiver.objects.get()
    assert any(name == expected and about.startswith(f"{waiver.pk} ") for name, about in found), found


def test_a_waiver_edited_with_its_request_is_named_by_the_journal(bundle, tmp_path) -> None:
    def longer(row: dict[str, Any]) -> None:
        row["until"] = row["request"]["payload"]["until"] = "2099-01-01"
        row["request"]["digest"] = form.Asked.model_validate(row["request"]).seal()

    assert "waiver-journal" in dict(again(edited(members(bundle), form.WAIVERS, longer), tmp_path))


def test_a_fail_borne_by_nobody_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    number, _row = line_of(inside, "may-2")
    borne = edited(inside, form.MACHINES, lambda row: row["judged"]["borne"].update({"remote_access.no_root": [1]}), number)
    assert ("borne", "may-2") in again(borne, tmp_path)


def test_a_file_of_a_waiver_exchanged_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    name = next(name for name in inside if name.startswith("attachments/"))
    found = again(inside | {name: inside[name] + b"x"}, tmp_path)
    assert ("attachment", name) in found
    assert "file-gone" in dict(again({one: raw for one, raw in inside.items() if one != name}, tmp_path))


def test_a_row_of_the_journal_changed_or_doubled_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    changed = again(edited(inside, form.JOURNAL, lambda row: row.update(actor="người khác"), 1), tmp_path)
    assert "journal-row" in dict(changed)
    rows = inside[form.JOURNAL].splitlines(keepends=True)
    assert "journal-order" in dict(again(inside | {form.JOURNAL: b"".join([*rows, rows[-1]])}, tmp_path))


def test_a_machine_taken_out_is_missing_in_the_numbers(bundle, tmp_path) -> None:
    inside = members(bundle)
    number, row = line_of(inside, "may-2")
    rows = inside[form.MACHINES].splitlines(keepends=True)
    gone = {form.MACHINES: b"".join(rows[:number] + rows[number + 1 :])}
    left = {name: raw for name, raw in inside.items() if row["snapshot"] not in name}
    found = dict(again(left | gone, tmp_path, change=lambda manifest: manifest["counts"].update({form.MACHINES: 1})))
    assert "coverage" in found


def test_a_fact_of_a_machine_does_not_come_by_the_centres_door(bundle, tmp_path) -> None:
    """The collector lays facts in that only it can make; another one would overwrite what the host signed."""
    inside = members(bundle)
    number, row = line_of(inside, "may-2")
    facts = json.loads(inside[f"snapshots/{row['snapshot']}"].partition(b"\n")[2])["records"]
    access = next(one for one in facts if one["fact"] == "remote_access")
    access["data"]["permit_root_login"] = "no"
    raw = form.dumps(access)
    digest = evidence.seal.digest(raw)
    forged = edited(
        inside | {f"centre/{digest}.json": raw}, form.MACHINES, lambda row: row["judged"].update(centre=digest), number
    )
    assert {"centre-foreign", "centre-gone"} <= set(dict(again(forged, tmp_path)))


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


def test_the_whole_organisations_extract_is_one_run(land, tmp_path) -> None:
    found = checked(made(land["root"], tmp_path / "x.zip"))
    assert code(found) == 0
    journal = next(line for line in found.lines if line.code == "journal")
    rows = Entry.objects.filter(unit_path__under=land["root"].path).count()
    assert int(journal.about) == rows


def exported(path: Path, after: int = 0) -> Path:
    before = Entry.objects.filter(pk__lte=after).order_by("-pk").first()
    start = (before.pk, before.digest) if before else (0, "")
    path.write_bytes(b"".join(export.lines(_rows(start[0]), start, "Sở", making.sealing_keys())))
    return path


def test_the_extract_is_the_whole_journals_own(bundle, tmp_path) -> None:
    """Rows left out between those of the bundle are in the export; a journal written anew has other digests."""
    whole = exported(tmp_path / "whole.jsonl")
    found = checked(bundle, journal=whole)
    assert code(found) == 0
    assert "journal-whole" in {line.code for line in found.lines if line.outcome == "holds"}
    later = checked(bundle, journal=exported(tmp_path / "later.jsonl", after=Entry.objects.order_by("pk")[3].pk))
    assert (wrong(later), code(later)) == ([], 3)
    rows = whole.read_bytes().splitlines(keepends=True)
    whole.write_bytes(b"".join([*rows[:2], *rows[3:]]))
    assert [name for name, _about in wrong(checked(bundle, journal=whole))] == ["export-broken"]


def test_rows_that_the_whole_journal_does_not_have_are_named(bundle, tmp_path) -> None:
    """Somebody with the key puts in a row, properly chained: by itself it holds, and the journal knows nothing of it."""
    from baselines.evidence.chain import ROW, digest

    def invent(row: dict[str, Any]) -> None:
        row["subject"] = "bịa"
        row["digest"] = digest(row["previous"], [row[name] for name in ROW])

    inside = members(bundle)
    last = len(inside[form.JOURNAL].splitlines()) - 1
    own = making.sealing_keys()
    number = json.loads(inside[form.JOURNAL].splitlines()[last])["id"]
    changed = edited(inside, form.JOURNAL, invent, last)
    path = zipped(resealed(changed, own, lambda manifest: manifest.update(journal_until=10**6)), tmp_path / "x.zip")
    assert ("journal-other", f"{form.JOURNAL}:{number}") in wrong(checked(path, journal=exported(tmp_path / "whole.jsonl")))


def test_what_is_no_bundle_is_none(tmp_path) -> None:
    for name, raw in (("text", b"xin chao"), ("empty", b""), ("zip", zipped({"a": b"b"}, tmp_path / "z").read_bytes())):
        path = tmp_path / name
        path.write_bytes(raw)
        with pytest.raises(NotABundle):
            verify(path)
