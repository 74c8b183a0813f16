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
from tests.server import evidence
from tests.server.evidence import again, checked, code, codes, edited, made, members, wrong, zipped

Members = evidence.Members


@pytest.fixture
def bundle(client, tree, person, tmp_path) -> Path:
    evidence.land(client, tree, person, tmp_path)
    return made(tree["north"], tmp_path / "evidence.zip")


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
