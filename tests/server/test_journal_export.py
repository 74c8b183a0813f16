"""An exported journal is checked by itself: whatever was changed, taken out, added or cut shows, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from collectors.centre import CentreKeys
from server.journal import export
from server.journal import models as journal
from server.journal.console import _rows
from server.journal.models import Entry

KEYS = CentreKeys.generate()
OTHER = CentreKeys.generate()


def exported(path: Path, after: int = 0, keys: CentreKeys | None = KEYS) -> Path:
    before = Entry.objects.filter(pk=after).first()
    rows = export.lines(_rows(after), (before.pk, before.digest) if before else (0, ""), "Sở", keys)
    path.write_bytes(b"".join(rows))
    return path


@pytest.fixture
def written(tree) -> list[int]:
    return [journal.write("unit.changed", f"người {n}", subject=f"Đơn vị {n}", level=n).pk for n in range(6)]


@pytest.fixture
def file(written, tmp_path) -> Path:
    return exported(tmp_path / "journal.jsonl")


def test_what_was_exported_holds(file, written) -> None:
    told = export.check(file, fingerprint=KEYS.public.fingerprint)
    assert (told.rows, told.last) == (Entry.objects.count(), written[-1])
    assert told.last_digest == Entry.objects.get(pk=written[-1]).digest
    assert b"\xc4\x90\xc6\xa1n v\xe1\xbb\x8b" in file.read_bytes(), "letters stay readable"


def test_a_part_holds_by_itself_and_after_the_part_before(file, written, tmp_path) -> None:
    whole_then = file
    journal.write("unit.changed", "sau", subject="y")
    part = exported(tmp_path / "part.jsonl", after=written[-1])
    assert export.check(part, whole_then).rows == 1
    assert export.check(exported(tmp_path / "whole.jsonl"), whole_then).rows == Entry.objects.count()


def resealed(path: Path, lines: list[bytes], keys: CentreKeys | None) -> None:
    """Whoever changes rows may also write head and tail anew, with keys of their own."""
    rows = [json.loads(line) for line in lines]
    path.write_bytes(b"".join(export.lines(iter(rows[1:-1]), (rows[0]["after"]["id"], rows[0]["after"]["digest"]), "Sở", keys)))


def rechained(rows: list[dict]) -> list[dict]:
    previous = ""
    for row in rows:
        previous = row["digest"] = export.digest(previous, [row[name] for name in export.ROW])
    return rows


@pytest.mark.parametrize("at", range(1, 8))
def test_a_changed_byte_shows(file, at: int) -> None:
    raw = bytearray(file.read_bytes())
    place = len(raw) * at // 8
    raw[place] ^= 1
    file.write_bytes(raw)
    with pytest.raises(export.Broken):
        export.check(file, fingerprint=KEYS.public.fingerprint)


@pytest.mark.parametrize(
    "attack",
    [
        lambda lines: [*lines[:3], *lines[4:]],
        lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]],
        lambda lines: [*lines[:3], lines[3], *lines[3:]],
        lambda lines: [*lines[:2], lines[2].replace(b"ng\xc6\xb0\xe1\xbb\x9di 1", b"ai do"), *lines[3:]],
    ],
    ids=["taken-out", "swapped", "twice", "rewritten"],
)
def test_rows_changed_by_somebody_who_seals_anew(file, attack) -> None:
    changed = attack(file.read_bytes().splitlines(keepends=True))
    if changed == file.read_bytes().splitlines(keepends=True):
        pytest.fail("the attack changed nothing")
    resealed(file, changed, KEYS)
    with pytest.raises(export.Broken, match="row"):
        export.check(file)


def test_a_chain_written_anew_needs_the_centres_keys_and_still_shows(file, tmp_path) -> None:
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes(file.read_bytes())
    lines = file.read_bytes().splitlines(keepends=True)
    rows = rechained([{**json.loads(line), "actor": "ai đó"} for line in lines[1:-1]])
    forged = [lines[0], *(json.dumps(row).encode() for row in rows), lines[-1]]
    resealed(file, forged, OTHER)
    assert export.check(file).rows == len(rows), "by itself it holds"
    with pytest.raises(export.Broken, match="signed by"):
        export.check(file, fingerprint=KEYS.public.fingerprint)
    resealed(file, forged, KEYS)
    with pytest.raises(export.Broken, match="does not continue"):
        export.check(file, kept)


def test_rows_cut_off_at_the_end_show_against_an_earlier_export(file, tmp_path) -> None:
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes(file.read_bytes())
    lines = file.read_bytes().splitlines(keepends=True)
    resealed(file, [*lines[:-3], lines[-1]], KEYS)
    assert export.check(file).rows == len(lines) - 4
    with pytest.raises(export.Broken, match="does not continue"):
        export.check(file, kept)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "cut"),
        (b"{}\n", "not an exported journal"),
        (b'{"rasoat":"journal 1"', "cut"),
        (b"[1]\n", "not a line"),
        (b"\xff\xfe\n", "not a line"),
        (b"x" * (export.MAX_LINE + 10) + b"\n", "longer"),
        (b"[" * 100_000 + b"\n", "not a line"),
    ],
)
def test_what_is_no_journal_is_said_to_be_none(tmp_path, raw: bytes, why: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(raw)
    with pytest.raises(export.Broken, match=why):
        export.check(path)


def test_an_unsigned_file_says_so(written, tmp_path) -> None:
    told = export.check(exported(tmp_path / "plain.jsonl", keys=None))
    assert told.signed_by == ""
    with pytest.raises(export.Broken, match="nobody"):
        export.check(tmp_path / "plain.jsonl", fingerprint=KEYS.public.fingerprint)
