"""Whatever is done to a bundle afterwards is named: a byte, a member, a verdict, a machine; also where all of it is sealed anew."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from baselines.evidence import form
from server.evidence import making
from tests.server import evidence
from tests.server.evidence import again, checked, code, codes, edited, line_of, made, members, resealed, wrong, zipped
from tests.server.people import send

Members = evidence.Members


@pytest.fixture
def land(client, tree, person, tmp_path):
    return evidence.land(client, tree, person, tmp_path)


@pytest.fixture
def bundle(land, tmp_path) -> Path:
    return made(land["north"], tmp_path / "evidence.zip")


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


def test_sealed_anew_without_a_change_it_holds(bundle, tmp_path) -> None:
    assert wrong(again(members(bundle), tmp_path)) == []


def test_a_verdict_changed_in_the_table_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    number, _row = line_of(inside, "may-2")

    def better(row: dict[str, Any]) -> None:
        for result in row["judged"]["results"]:
            if result[3] == "fail":
                result[3] = "pass"

    assert ("verdict", "may-2") in wrong(again(edited(inside, form.MACHINES, better, number), tmp_path))


def test_a_verdict_taken_out_of_the_table_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    number, _row = line_of(inside, "may-2")
    gone = edited(inside, form.MACHINES, lambda row: row["judged"]["results"].pop(0), number)
    assert ("verdict", "may-2") in wrong(again(gone, tmp_path))


def test_a_milder_level_or_another_kind_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    number, _row = line_of(inside, "may-2")
    milder = edited(inside, form.MACHINES, lambda row: row["judged"].update(level=1), number)
    assert ("verdict", "may-2") in wrong(again(milder, tmp_path))
    other = edited(inside, form.MACHINES, lambda row: row["judged"].update(kind="router"), number)
    assert ("verdict", "may-2") in wrong(again(other, tmp_path))


def test_swapped_snapshots_are_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    one, other = (row["snapshot"] for row in map(json.loads, inside[form.MACHINES].splitlines()))
    swapped = inside | {f"snapshots/{one}": inside[f"snapshots/{other}"], f"snapshots/{other}": inside[f"snapshots/{one}"]}
    found = wrong(again(swapped, tmp_path))
    assert {about for name, about in found if name == "snapshot-swapped"} == {f"snapshots/{one}", f"snapshots/{other}"}


def test_lines_that_point_to_each_others_snapshots_are_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    rows = [json.loads(row) for row in inside[form.MACHINES].splitlines()]
    for name in ("snapshot", "sha256", "received_at", "judged"):
        rows[0][name], rows[1][name] = rows[1][name], rows[0][name]
    found = wrong(again(inside | {form.MACHINES: b"".join(map(form.dumps, rows))}, tmp_path))
    assert [name for name, _about in found if name == "snapshot-swapped"] == ["snapshot-swapped"] * 2


def test_a_missing_signature_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    name = next(name for name in inside if name.endswith(".sig"))
    assert ("missing", name) in wrong(again({one: raw for one, raw in inside.items() if one != name}, tmp_path))


def test_a_snapshot_without_its_hosts_signature_is_named(bundle, land, tmp_path) -> None:
    inside = members(bundle)
    number, row = line_of(inside, "may-2")
    head, _newline, body = inside[f"snapshots/{row['snapshot']}"].partition(b"\n")
    header = json.loads(head)
    header["sig"] = ""
    unsigned = json.dumps(header, separators=(",", ":"), sort_keys=True).encode() + b"\n" + body
    changed = edited(inside, form.MACHINES, lambda row: row.update(sha256=evidence.seal.digest(unsigned)), number)
    found = wrong(again(changed | {f"snapshots/{row['snapshot']}": unsigned}, tmp_path))
    assert ("forged", "may-2") in found


def test_facts_made_better_are_named(bundle, tmp_path) -> None:
    """The snapshot says that root may not log on; its digest in the table is right; the host never signed that."""
    inside = members(bundle)
    number, row = line_of(inside, "may-2")
    better = inside[f"snapshots/{row['snapshot']}"].replace(b'"permit_root_login":"yes"', b'"permit_root_login":"no"')
    assert better != inside[f"snapshots/{row['snapshot']}"]
    changed = edited(inside, form.MACHINES, lambda row: row.update(sha256=evidence.seal.digest(better)), number)
    assert ("forged", "may-2") in wrong(again(changed | {f"snapshots/{row['snapshot']}": better}, tmp_path))


def test_a_key_put_in_place_of_a_hosts_is_named(bundle, tmp_path) -> None:
    """Facts signed anew with a key of the forger's, which also stands in the enrolment record: the journal knows another one."""
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
    assert "enrolment" in dict(wrong(again(inside, tmp_path)))


def test_a_pack_altered_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    name = next(name for name in inside if name.startswith("packs/") and name.endswith("checks/mini.yaml"))
    altered = inside | {name: inside[name].replace(b"severity: high", b"severity: low", 1)}
    assert altered != inside
    found = dict(wrong(again(altered, tmp_path)))
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


def test_a_machine_taken_out_is_missing_in_the_numbers(bundle, tmp_path) -> None:
    inside = members(bundle)
    number, row = line_of(inside, "may-2")
    rows = inside[form.MACHINES].splitlines(keepends=True)
    gone = {form.MACHINES: b"".join(rows[:number] + rows[number + 1 :])}
    left = {name: raw for name, raw in inside.items() if row["snapshot"] not in name}
    found = dict(wrong(again(left | gone, tmp_path, change=lambda manifest: manifest["counts"].update({form.MACHINES: 1}))))
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
    assert {"centre-foreign", "centre-gone"} <= set(dict(wrong(again(forged, tmp_path))))


# machines and numbers --------------------------------------------------------------------------------------------------


def test_machines_under_each_others_names_are_named(bundle, tmp_path) -> None:
    """All else of the two lines is right: the fails of the one would be read as the other's."""
    inside = members(bundle)
    one, other = line_of(inside, "máy-1")[0], line_of(inside, "may-2")[0]
    swapped = edited(edited(inside, form.MACHINES, lambda row: row.update(name="may-2"), one), form.MACHINES, lambda row: row.update(name="máy-1"), other)  # fmt: skip
    assert [name for name, _about in wrong(again(swapped, tmp_path))].count("name-other") == 2
    hosts = [json.loads(row)["name"] for row in inside[form.HOSTS].splitlines()]
    renamed = edited(swapped, form.HOSTS, lambda host: host.update(name="may-2"), hosts.index("máy-1"))
    assert "enrolment" in codes(again(renamed, tmp_path))


def test_a_machine_under_anothers_number_is_not_borne_by_the_others_waiver(bundle, tmp_path) -> None:
    """The waiver names máy-1; the table gives its number to may-2, with what that bears."""
    inside = members(bundle)
    one, other = line_of(inside, "máy-1")[0], line_of(inside, "may-2")[0]
    rows = [json.loads(row) for row in inside[form.MACHINES].splitlines()]
    rows[one]["machine"], rows[other]["machine"] = rows[other]["machine"], rows[one]["machine"]
    rows[one]["judged"]["borne"], rows[other]["judged"]["borne"] = rows[other]["judged"]["borne"], rows[one]["judged"]["borne"]
    assert rows[other]["judged"]["borne"]
    found = again(inside | {form.MACHINES: b"".join(map(form.dumps, rows))}, tmp_path)
    assert ("unchecked", "waiver-name") in {(line.outcome, line.code) for line in found.lines}
    assert code(found) == 3


def test_a_machine_of_elsewhere_or_of_later_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    assert "outside" in codes(again(edited(inside, form.MACHINES, lambda row: row.update(path="/99/")), tmp_path))
    for change in ({"received_at": "2099-01-01T00:00:00Z"}, {"received_at": "0001-01-01T00:00:00+14:00"}):
        assert code(again(edited(inside, form.MACHINES, lambda row, change=change: row.update(change)), tmp_path)) == 1


def test_judged_as_another_kind_with_a_table_to_match_is_no_plain_holds(bundle, tmp_path) -> None:
    """As a router nothing is asked of it."""
    from baselines.evaluate import evaluate, judgeable
    from baselines.loader import load
    from collectors.model import Kind, Snapshot

    inside = members(bundle)
    number = line_of(inside, "may-2")[0]
    row = json.loads(inside[form.MACHINES].splitlines()[number])
    snapshot = Snapshot.from_bytes(inside[f"snapshots/{row['snapshot']}"].partition(b"\n")[2])
    found = evaluate(judgeable(snapshot)._replace(kind=Kind.ROUTER), load(evidence.PACKS / "mini"), row["judged"]["level"])
    results = [[one.requirement, one.clause, one.check, str(one.verdict)] for one in found.results]
    as_router = edited(inside, form.MACHINES, lambda row: row["judged"].update(kind="router", results=results, borne={}), number)
    checked_again = again(as_router, tmp_path)
    assert (wrong(checked_again), code(checked_again)) == ([], 3)
    assert "kind-other" in codes(checked_again, "unchecked")


def test_numbers_that_nobody_counts_are_counted(bundle, tmp_path) -> None:
    inside = members(bundle)
    for change in ({"fresh": 3}, {"fresh": 1}, {"judged": 1}, {"judged": 3}, {"excused": 1}, {"seen": 3}):
        assert {"count", "coverage"} & codes(
            again(edited(inside, form.COVERAGE, lambda told, change=change: told.update(change)), tmp_path)
        ), change


def test_clocks_of_the_manifest(bundle, tmp_path) -> None:
    """A day of next week would let an old bundle pass for new for a week."""
    inside = members(bundle)
    assert "count" in codes(again(edited(inside, form.COVERAGE, lambda told: told.update(at="2026-01-01T00:00:00Z")), tmp_path))
    assert "day" in codes(again(inside, tmp_path, lambda told: told.update(day="2099-01-01")))
    ahead = again(inside, tmp_path, lambda told: told.update(day="2099-01-01", made_at="2099-01-01T00:00:00Z"))
    assert "future" in codes(ahead, "unchecked")
    assert code(again(inside, tmp_path, lambda told: told.update(made_at="9999-12-31T23:59:59-12:00"))) == 1
    assert "other-collector" in codes(checked(zipped(altered(inside), tmp_path / "k.zip")))


def altered(inside: Members) -> Members:
    """Sealed by the collector, and says that another one made it."""
    found = resealed(inside, making.sealing_keys())
    manifest = json.loads(found[form.MANIFEST]) | {"collector": "0" * 40}
    found[form.MANIFEST] = form.dumps(manifest)
    return found


TAILORED = """
name: Phòng Bắc
not_applicable:
  - {requirement: access.root, type: absent, reason: Không có máy nào như vậy, by: Nguyễn Văn A}
"""


def test_stricter_values_that_take_a_requirement_away_are_told(bundle, tree, tmp_path) -> None:
    """Nothing fails by them; whose word it is stands among the lines."""
    from server.assess import judge
    from server.ingest.models import Machine
    from server.units.models import Unit

    Unit.objects.filter(pk=tree["north"].pk).update(tailoring=TAILORED)
    judge.rejudge(iter(Machine.objects.filter(name="may-2").select_related("unit", "latest")))
    found = checked(made(tree["north"], tmp_path / "t.zip"))
    assert wrong(found) == []
    told = next(line for line in found.lines if line.code == "tailoring-excuse")
    assert (told.outcome, told.about, told.detail["by"]) == ("note", "access.root", "Nguyễn Văn A")
