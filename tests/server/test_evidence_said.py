"""What people said, and the journal that tells of it: a waiver, an attestation, a file or a row that was changed is named."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from baselines.evidence import form
from baselines.evidence.chain import ROW, digest
from server.evidence import making
from server.journal import export
from server.journal.console import _rows
from server.journal.models import Entry
from server.units.models import User
from server.waivers import ending
from server.waivers.models import Attestation, Waiver
from tests.server import evidence
from tests.server.evidence import again, checked, code, codes, edited, line_of, made, members, resealed, wrong, zipped
from tests.server.waivers import granted

Members = evidence.Members


@pytest.fixture
def land(client, tree, person, tmp_path):
    return evidence.land(client, tree, person, tmp_path)


@pytest.fixture
def bundle(land, tmp_path) -> Path:
    return made(land["north"], tmp_path / "evidence.zip")


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
    found = wrong(again(edited(members(bundle), form.WAIVERS, lambda row: row.update(change)), tmp_path))
    waiver = Waiver.objects.get()
    assert any(name == expected and about.startswith(f"{waiver.pk} ") for name, about in found), found


def test_a_waiver_edited_with_its_request_is_named_by_the_journal(bundle, tmp_path) -> None:
    def longer(row: dict[str, Any]) -> None:
        row["until"] = row["request"]["payload"]["until"] = "2099-01-01"
        row["request"]["digest"] = form.Asked.model_validate(row["request"]).seal()

    assert "waiver-journal" in dict(wrong(again(edited(members(bundle), form.WAIVERS, longer), tmp_path)))


def test_a_fail_borne_by_nobody_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    number, _row = line_of(inside, "may-2")
    borne = edited(inside, form.MACHINES, lambda row: row["judged"]["borne"].update({"remote_access.no_root": [1]}), number)
    assert ("borne", "may-2") in wrong(again(borne, tmp_path))


def test_a_file_of_a_waiver_exchanged_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    name = next(name for name in inside if name.startswith("attachments/"))
    found = wrong(again(inside | {name: inside[name] + b"x"}, tmp_path))
    assert ("attachment", name) in found
    assert "file-gone" in dict(wrong(again({one: raw for one, raw in inside.items() if one != name}, tmp_path)))


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
        row["approved_by"] = row["request"]["decided_by"] = unicodedata.normalize("NFC", twin.lower())

    assert "one-person" in waiver(inside, tmp_path, one)
    moved = again(edited(inside, form.WAIVERS, lambda row: row.update(path=row["path"].rsplit("/", 2)[0] + "/")), tmp_path)
    assert ("unchecked", "waiver-merged") in {(line.outcome, line.code) for line in moved.lines}, "no unit was merged"
    twice = again(inside | {form.WAIVERS: inside[form.WAIVERS] + form.dumps(row | {"id": row["id"] + 1})}, tmp_path)
    assert "waiver-twice" in codes(twice)


def test_a_waiver_of_a_whole_unit_is_of_that_unit(bundle, tree, tmp_path) -> None:
    """Taken up to the root, it would bear what fails everywhere."""
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
    ending.end(Waiver.objects.get(), "người-duyệt")
    ending.take_back(Attestation.objects.get(), "người-xin")
    Waiver.objects.update(ended_at=None, ended_by="", over=False)
    Attestation.objects.update(ended_at=None, ended_by="", over=False)
    later()
    found = checked(made(tree["north"], tmp_path / "e.zip"))
    assert [name for name, _about in wrong(found)].count("word-ended") == 2


def later() -> None:
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


# the journal ----------------------------------------------------------------------------------------------------------


def test_a_row_of_the_journal_changed_or_doubled_is_named(bundle, tmp_path) -> None:
    inside = members(bundle)
    changed = wrong(again(edited(inside, form.JOURNAL, lambda row: row.update(actor="người khác"), 1), tmp_path))
    assert "journal-row" in dict(changed)
    rows = inside[form.JOURNAL].splitlines(keepends=True)
    assert "journal-order" in dict(wrong(again(inside | {form.JOURNAL: b"".join([*rows, rows[-1]])}, tmp_path)))


def test_rows_next_to_each_other_in_the_journal_follow_from_each_other(bundle, tmp_path) -> None:
    """A hole where there is none: a row between two that have neighbouring numbers cannot have been left out."""
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
