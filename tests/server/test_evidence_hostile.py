"""Bundles by somebody who means harm: nothing passes that does not hold, nothing ends the program, nothing takes for ever."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from agent import cli
from baselines.evidence import form
from server.evidence import making
from tests.server import evidence
from tests.server.evidence import checked, code, edited, made, members, resealed, wrong, zipped

Members = evidence.Members


@pytest.fixture
def bundle(client, tree, person, tmp_path) -> Path:
    evidence.data_in(tmp_path / "data")
    evidence.filled(client, tree, person("người-xin", role="admin"), person("người-duyệt", role="approver"))
    return made(tree["north"], tmp_path / "evidence.zip")


def again(found: Members, tmp_path: Path, change: Any = None, **trust: Any) -> evidence.Checked:
    """Sealed anew by whoever has the collector's key."""
    return checked(zipped(resealed(found, making.sealing_keys(), change), tmp_path / "anew.zip"), **trust)


def codes(found: evidence.Checked, outcome: str = "fails") -> set[str]:
    return {line.code for line in found.lines if line.outcome == outcome}


# members ---------------------------------------------------------------------------------------------------------------


def test_nothing_lies_beside_the_seal(bundle, tmp_path) -> None:
    """Without any key: what is in seal/ is in no list of digests."""
    found = checked(zipped(members(bundle) | {"seal/timestamp.pem": b"x"}, tmp_path / "x.zip"))
    assert ("not-listed", "seal/timestamp.pem") in wrong(found)


def test_a_member_that_is_in_no_check_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    keys, files = "keys/x.pem", "attachments/" + evidence.seal.digest(b"x")
    for name in ("packs/x", "tailorings/x.yaml", "centre/x", "machines2.jsonl", "snapshots/x.y", "reports/9-x.pdf", keys, files):
        assert name in {about for _code, about in wrong(again(inside | {name: b"x"}, tmp_path))}, name
    bare = {name: raw for name, raw in inside.items() if not name.startswith(("packs/", "keys/"))}
    for name in ("packs", "tailorings", "centre", "keys"):
        assert name in {about for _code, about in wrong(again(bare | {name: b"x"}, tmp_path))}, name


def test_beside_a_snapshot_lie_its_message_and_its_signature_alone(bundle, tmp_path) -> None:
    inside = members(bundle)
    one = json.loads(inside[form.MACHINES].splitlines()[0])["snapshot"]
    for name in (f"snapshots/{one}.html", f"signatures/{one}.txt"):
        assert ("nobody's", name) in wrong(again(inside | {name: b"x"}, tmp_path))


def test_a_report_that_the_manifest_names_is_there(bundle, tmp_path) -> None:
    def named(manifest: dict[str, Any]) -> None:
        manifest["reports"] = [{"member": "reports/1-x.pdf", "title": "x.pdf", "signed": False}]

    assert ("missing", "reports/1-x.pdf") in wrong(again(members(bundle), tmp_path, named))


# documents -------------------------------------------------------------------------------------------------------------

DEEP = b"[" * 990 + b"]" * 990
LINES = [b"", b"\n", b"null", b"[]", b"{}", b"NaN", b"1e999", b"9" * 5000, b'"\\ud800"', b'{"a":1,"a":1}', DEEP, b"[" * 10**6, "\ufeff{}".encode(), "{}".encode("utf-16"), b"\xff"]  # fmt: skip


def test_lines_that_are_none_are_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    for raw in LINES:
        assert ("line", f"{form.MACHINES}:1") in wrong(
            again(inside | {form.MACHINES: raw + b"\n" + inside[form.MACHINES]}, tmp_path)
        ), raw[:20]
        assert "line" in codes(again(inside | {form.COVERAGE: raw + b"x"}, tmp_path)), raw[:20]
    for name in (form.HOSTS, form.JOURNAL, form.WAIVERS, form.FEEDS, form.ATTESTATIONS):
        assert "line" in codes(again(inside | {name: inside.get(name, b"") + DEEP + b"\n"}, tmp_path)), name


def test_a_manifest_that_is_none_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    document = inside[form.MANIFEST].decode()
    spelled = [document.encode("utf-16"), document.replace("{", '{"id":"x",', 1).encode(), document.replace('"counts":{', '"counts":{"x":' + DEEP.decode() + ",").encode()]  # fmt: skip
    for raw in [*LINES, *spelled]:
        found = checked(zipped(inside | {form.MANIFEST: raw}, tmp_path / "x.zip"))
        assert {"manifest", "altered"} <= codes(found), raw[:20]


def test_a_header_nested_deep_is_refused(bundle, tmp_path) -> None:
    inside = members(bundle)
    row = json.loads(inside[form.MACHINES].splitlines()[0])
    name = f"snapshots/{row['snapshot']}"
    head, _newline, body = inside[name].partition(b"\n")
    header = json.loads(head)
    header["judged"] = {"x": "deep"}
    for depth in range(940, 1001, 10):  # somewhere here it can be read, and not be written
        raw = json.dumps(header).replace('"deep"', "[" * depth + "]" * depth).encode() + b"\n" + body
        inside = edited(inside, form.MACHINES, lambda row, raw=raw: row.update(sha256=evidence.seal.digest(raw))) | {name: raw}
        assert "forged" in codes(again(inside, tmp_path)), depth


def test_what_follows_a_packed_member_is_not_kept(bundle, tmp_path) -> None:
    """zlib copies all that follows each time more comes: of two gigabytes that is hours."""
    from baselines.evidence.archive import Archive, Damaged

    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = raw.compress(b"x") + raw.flush() + bytes(3 << 20)
    with Archive(bundle) as archive:
        entry = archive.entries[form.SUMS]
        path = tmp_path / "raw"
        path.write_bytes(packed)
        archive.entries["x"] = entry._replace(packed=len(packed), size=1, start=0, crc=zlib.crc32(b"x"))
        archive._file.close()
        archive._file = path.open("rb")
        read = []
        archive._at = lambda offset, length: read.append(length) or packed[offset : offset + length]  # type: ignore[method-assign]
        with pytest.raises(Damaged, match="end"):
            archive.read("x", 1)
    assert sum(read) < len(packed) // 2


def test_a_file_name_that_is_no_text(bundle, tmp_path, capsys) -> None:
    path = os.fsencode(tmp_path / "x") + b"\xff.zip"
    Path(os.fsdecode(path)).write_bytes(bundle.read_bytes())
    given = ["verify", os.fsdecode(path), "--trust-pack", evidence.pack(), "--key", evidence.fingerprint(), "--format", "json"]
    assert cli.main(given) == 0
    assert json.loads(capsys.readouterr().out)["result"] == "holds"
    Path(os.fsdecode(path)).write_bytes(b"x")
    assert cli.main(given) == 2


# keys ------------------------------------------------------------------------------------------------------------------


def test_a_key_file_holds_one_key(bundle, tmp_path, capsys) -> None:
    """Of two, the first would be trusted, and nobody told which that is."""
    from collectors.centre import CentreKeys

    one, other = members(bundle)[form.PEM], evidence.seal.pem(CentreKeys.generate().public.sign)
    for raw in (one + other, other + one, one + one):
        (tmp_path / "key.pem").write_bytes(raw)
        assert cli.main(["verify", str(bundle), "--key", str(tmp_path / "key.pem")]) == 2
    assert cli.main(["verify", str(bundle), "--key", evidence.fingerprint()[:20]]) == 2


def test_a_pack_is_trusted_by_its_whole_digest(bundle, capsys) -> None:
    for given in (evidence.pack()[:40], "g" * 64, "nowhere"):
        assert cli.main(["verify", str(bundle), "--trust-pack", given]) == 2
    assert cli.main(["verify", str(bundle), "--key", evidence.fingerprint()]) == 3


def test_a_stamp_that_was_asked_for_and_is_not_there(bundle, tmp_path) -> None:
    """Whoever hands it in may have taken it out: a stamp is in no list."""
    roots = tmp_path / "ca.pem"
    roots.write_text("")
    found = checked(bundle, stamp_roots=roots)
    assert (wrong(found), code(found)) == ([], 3)


# people ----------------------------------------------------------------------------------------------------------------


def waiver(inside: Members, tmp_path: Path, change: Any, request: Any = None) -> set[str]:
    """What is said of a bundle whose waiver, and the request it rests on, were written anew."""

    def anew(row: dict[str, Any]) -> None:
        change(row)
        if request:
            request(row["request"])
            row["request"]["digest"] = form.Asked.model_validate(row["request"]).seal()

    found = again(edited(inside, form.WAIVERS, anew), tmp_path)
    assert code(found) != 0
    return codes(found)


def test_a_waiver_says_nothing_else_than_was_agreed_to(bundle, tmp_path) -> None:
    inside = members(bundle)
    nothing = lambda _row: None  # noqa: E731
    row = json.loads(inside[form.WAIVERS])
    twin = "người-duyệt\u0301".upper()
    assert "waiver-journal" in waiver(inside, tmp_path, nothing, lambda asked: asked["payload"].pop("whole"))
    assert "waiver-edited" in waiver(inside, tmp_path, nothing, lambda asked: asked.update(kind="policy"))
    assert "waiver-edited" in waiver(inside, tmp_path, lambda row: row.update(whole=True, machines=[], names=[], path="/1/"))
    assert "waiver-journal" in waiver(inside, tmp_path, lambda row: row["request"].update(alone=True))
    assert "waiver-journal" in waiver(inside, tmp_path, lambda row: row["request"].update(decided_at="2020-01-01T00:00:00Z"))

    def other(row: dict[str, Any]) -> None:
        row["asked_by"] = row["request"]["asked_by"] = "người-khác"

    assert "waiver-journal" in waiver(inside, tmp_path, other), "its digest names the asker by number alone"

    def one(row: dict[str, Any]) -> None:
        row["asked_by"] = row["request"]["asked_by"] = twin
        row["approved_by"] = row["request"]["decided_by"] = __import__("unicodedata").normalize("NFC", twin.lower())

    assert "one-person" in waiver(inside, tmp_path, one)
    moved = again(edited(inside, form.WAIVERS, lambda row: row.update(path=row["path"].rsplit("/", 2)[0] + "/")), tmp_path)
    assert ("unchecked", "waiver-merged") in {(line.outcome, line.code) for line in moved.lines}, "no unit was merged"
    twice = again(inside | {form.WAIVERS: inside[form.WAIVERS] + form.dumps(row | {"id": row["id"] + 1})}, tmp_path)
    assert "waiver-twice" in codes(twice)


def test_a_waiver_of_a_whole_unit_is_of_that_unit(bundle, tree, tmp_path) -> None:
    """Taken up to the root, it would bear what fails everywhere."""
    from server.units.models import User
    from tests.server.waivers import granted

    granted(
        tree["north"],
        User.objects.get(username="người-xin"),
        User.objects.get(username="người-duyệt"),
        requirement="care.malware",
        check="",
    )
    inside = members(made(tree["north"], tmp_path / "w.zip"))
    assert code(again(inside, tmp_path)) == 0
    above = lambda row: row.update(path=tree["root"].path)  # noqa: E731
    assert "waiver-edited" in codes(again(edited(inside, form.WAIVERS, above, 1), tmp_path))

    def others(row: dict[str, Any]) -> None:
        row.update(whole=False, machines=list(range(100)), names=[])

    found = again(edited(inside, form.WAIVERS, others, 1), tmp_path)
    assert code(found) != 0
    assert "waiver-merged" in codes(found, "unchecked")


def test_a_waiver_that_was_ended_bears_nothing_whatever_the_table_says(bundle, tree, tmp_path) -> None:
    """Brought back in the database; the journal has its end."""
    from server.waivers import ending
    from server.waivers.models import Attestation, Waiver

    ending.end(Waiver.objects.get(), "người-duyệt")
    ending.take_back(Attestation.objects.get(), "người-xin")
    Waiver.objects.update(ended_at=None, ended_by="", over=False)
    Attestation.objects.update(ended_at=None, ended_by="", over=False)
    later(tmp_path)
    found = checked(made(tree["north"], tmp_path / "e.zip"))
    assert [name for name, _about in wrong(found)].count("word-ended") == 2


def later(_tmp_path: Path) -> None:
    """The clock of bundles has whole seconds."""
    import time

    time.sleep(1.01 - time.time() % 1)


def test_an_attestation_says_nothing_else_than_was_said(bundle, tmp_path) -> None:
    inside = members(bundle)
    for change in (
        {"machine": 1},
        {"system": "x"},
        {"level": 1},
        {"document": "99/QĐ"},
        {"role": "Giám đốc"},
        {"note": "x"},
        {"path": "/1/"},
        {"said_at": "2026-01-01T00:00:00Z"},
    ):
        found = again(edited(inside, form.ATTESTATIONS, lambda row, change=change: row.update(change)), tmp_path)
        assert "attestation-edited" in codes(found), change


# machines and numbers --------------------------------------------------------------------------------------------------


def number_of(inside: Members, name: str) -> int:
    return next(at for at, row in enumerate(inside[form.MACHINES].splitlines()) if json.loads(row)["name"] == name)


def test_machines_under_each_others_names_are_named(bundle, tmp_path) -> None:
    """All else of the two lines is right: the fails of the one would be read as the other's."""
    inside = members(bundle)
    one, other = number_of(inside, "máy-1"), number_of(inside, "may-2")
    swapped = edited(edited(inside, form.MACHINES, lambda row: row.update(name="may-2"), one), form.MACHINES, lambda row: row.update(name="máy-1"), other)  # fmt: skip
    assert [name for name, _about in wrong(again(swapped, tmp_path))].count("name-other") == 2
    hosts = [json.loads(row)["name"] for row in inside[form.HOSTS].splitlines()]
    renamed = edited(swapped, form.HOSTS, lambda host: host.update(name="may-2"), hosts.index("máy-1"))
    assert "enrolment" in codes(again(renamed, tmp_path))


def test_a_machine_under_anothers_number_is_not_borne_by_the_others_waiver(bundle, tmp_path) -> None:
    """The waiver names máy-1; the table gives its number to may-2, with what that bears."""
    inside = members(bundle)
    one, other = number_of(inside, "máy-1"), number_of(inside, "may-2")
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
    number = number_of(inside, "may-2")
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


def test_rows_next_to_each_other_in_the_journal_follow_from_each_other(bundle, tmp_path) -> None:
    """A hole where there is none: a row between two that have neighbouring numbers cannot have been left out."""
    from baselines.evidence.chain import ROW, digest

    inside = members(bundle)
    rows = [json.loads(row) for row in inside[form.JOURNAL].splitlines()]
    at = next(at for at in range(1, len(rows)) if rows[at]["id"] == rows[at - 1]["id"] + 1)

    def invent(row: dict[str, Any]) -> None:
        row["previous"] = "0" * 64
        row["digest"] = digest(row["previous"], [row[name] for name in ROW])

    assert "journal-row" in codes(again(edited(inside, form.JOURNAL, invent, at), tmp_path))


@pytest.mark.parametrize(
    "head", ['{"after":{"id":"x","digest":""}}', '{"after":{"id":[1],"digest":5}}', "[]", "[" * 995 + "]" * 995]
)
def test_an_export_that_is_none(bundle, tmp_path, head: str) -> None:
    path = tmp_path / "whole.jsonl"
    path.write_text(head + "\n" + head + "\n")
    assert "export-broken" in codes(checked(bundle, journal=path))


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


def test_every_word_that_is_said_has_its_sentence() -> None:
    """In both languages, filled in from what the line carries: a sentence that is missing would end the program."""
    import ast

    from baselines.evidence.lines import Line, words

    folder = Path(form.__file__).parent
    said = 0
    for source in folder.glob("*.py"):
        for call in ast.walk(ast.parse(source.read_text("utf-8"))):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id in ("holds", "fails", "unchecked", "note")
            ):
                if not (call.args and isinstance(call.args[0], ast.Constant)) or any(word.arg is None for word in call.keywords):
                    continue
                code_of = call.args[0].value
                detail = {word.arg or "": "x" for word in call.keywords}
                words("line", code_of)
                for language in ("vi", "en"):
                    assert Line("note", code_of, "x", detail).text(language)
                said += 1
    assert said > 80
