"""ZIPs that were made to deceive: each trick is named, and nothing of such a member is read."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baselines.evidence import archive as reading
from baselines.evidence.archive import Archive, Damaged, NotABundle

GOOD = {"manifest.json": b"{}\n" * 50, "snapshots/a": b"x" * 1000, "SHA256SUMS": b"# y\n"}


def info(name: str, **fields: int) -> zipfile.ZipInfo:
    found = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    found.compress_type, found.create_system, found.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
    for field, value in fields.items():
        setattr(found, field, value)
    return found


def packed(*members: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for one, content in members:
            archive.writestr(one, content)
    return raw.getvalue()


def plain(**more: bytes) -> bytes:
    return packed(*((info(name), content) for name, content in (GOOD | more).items()))


def problems(raw: bytes, path: Path) -> dict[str, str]:
    path.write_bytes(raw)
    with Archive(path) as archive:
        assert not set(dict(archive.problems)) & set(archive.entries), "what has a problem is not read"
        return dict(archive.problems)


def test_a_plain_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "z"
    path.write_bytes(plain())
    with Archive(path) as archive:
        assert archive.problems == []
        assert {name: archive.read(name, 10_000) for name in archive.entries} == GOOD
        assert list(archive.lines("manifest.json")) == [b"{}"] * 50


@pytest.mark.parametrize(
    "name",
    ["../up", "/abs", "a/../b", "a//b", "./a", "C:/x", "a\\b", "a:b", "tệp", "a b", "", "x" * 300, "a/", ".hidden", "a\nb", "a/b/c/d/e/f", "nul\x1b"],
)  # fmt: skip
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    raw = packed((info("a"), b"1"), (info(name), b"2"))
    assert "name" in problems(raw, tmp_path / "z").values()


def test_the_same_name_twice_also_in_other_letters_and_as_a_folder(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = packed((info("a"), b"1"), (info("a"), b"2"))
    path = tmp_path / "z"
    path.write_bytes(twice)
    with Archive(path) as archive:
        assert archive.problems == [("a", "twice")]
    assert problems(packed((info("a"), b"1"), (info("A"), b"2")), path) == {"A": "case"}
    assert problems(packed((info("a"), b"1"), (info("a/b"), b"2")), path) == {"a/b": "file-and-folder"}
    assert problems(packed((info("a/b"), b"1"), (info("A"), b"2")), path) == {"A": "file-and-folder"}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"external_attr": 0o120777 << 16}, "link"),
        ({"external_attr": 0o040755 << 16}, "written"),
        ({"external_attr": 0o104755 << 16}, "written"),
        ({"create_system": 0}, "written"),
        ({"compress_type": zipfile.ZIP_BZIP2}, "written"),
        ({"date_time": (2026, 1, 1, 0, 0, 0)}, "written"),
        ({"extra": b"\xfe\xca\x04\x00abcd"}, "extensions"),
        ({"comment": b"x"}, "extensions"),
        ({"internal_attr": 1}, "written"),
    ],
)
def test_members_that_are_no_plain_files(tmp_path: Path, fields: dict, why: str) -> None:
    found = problems(packed((info("a"), b"1"), (info("b", **fields), b"2")), tmp_path / "z")
    assert (found["b"], "a" in found) == (why, False)


def test_64_bit_lengths(tmp_path: Path) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive, archive.open(info("a"), "w", force_zip64=True) as out:
        out.write(b"x")
    assert set(problems(raw.getvalue(), tmp_path / "z").values()) & {"written", "local", "extensions"}


def end(raw: bytes, **fields: int) -> bytes:
    """With another end."""
    names = ("disk", "first", "here", "every", "length", "offset", "comment")
    values = dict(zip(names, reading._END.unpack(raw[-22:])[1:], strict=True)) | fields
    return raw[:-22] + reading._END.pack(b"PK\x05\x06", *values.values())


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"MZ" + raw,
        lambda raw: raw + b"x",
        lambda raw: raw[:-5],
        lambda raw: raw[:40],
        lambda raw: end(raw, comment=3) + b"abc",
        lambda raw: end(raw, disk=1),
        lambda raw: end(raw, every=9),
        lambda raw: end(raw, offset=0xFFFFFFFF),
        lambda raw: end(raw, here=0xFFFF, every=0xFFFF),
        lambda raw: end(raw, offset=0),
        lambda raw: raw[:-22] + b"PK\x06\x07" + bytes(16) + raw[-22:],
    ],
    ids=["program-before", "after", "cut", "shorter", "comment", "parts", "counts", "zip64", "many", "offset", "zip64-locator"],
)
def test_ends_that_are_not_plain(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "z"
    path.write_bytes(change(plain()))
    with pytest.raises(NotABundle):
        Archive(path)


def raw_zip(members: list[tuple[bytes, bytes, int, int]], overlap: bool = False, directory_more: bytes = b"") -> bytes:
    """(name, packed bytes, size it says, crc): written by hand. `overlap`: every line of the directory points to the first one."""
    body, lines, offsets = b"", b"", []
    for name, content, size, crc in members:
        offsets.append(len(body))
        if not overlap or len(offsets) == 1:
            body += reading._LOCAL.pack(b"PK\x03\x04", 20, 0, 8, 0, 0x21, crc, len(content), size, len(name), 0) + name + content
    for (name, content, size, crc), offset in zip(members, offsets, strict=True):
        where = 0 if overlap else offset
        lines += reading._CENTRAL.pack(
            b"PK\x01\x02", 0x0314, 20, 0, 8, 0, 0x21, crc, len(content), size, len(name), 0, 0, 0, 0, 0o100644 << 16, where
        ) + name  # fmt: skip
    lines += directory_more
    return body + lines + reading._END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(lines), len(body), 0)


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def member(name: bytes, content: bytes, size: int | None = None, crc: int | None = None) -> tuple[bytes, bytes, int, int]:
    return (
        name,
        deflated(content),
        len(content) if size is None else size,
        zlib.crc32(content) if crc is None else crc,
    )


def test_members_that_lie_over_each_other(tmp_path: Path) -> None:
    """How a few kilobytes become petabytes: many lines of the directory, one content."""
    raw = raw_zip([member(b"a", b"0" * 1000), member(b"b", b"0" * 1000), member(b"c", b"0" * 1000)], overlap=True)
    assert {"gap"} <= set(problems(raw, tmp_path / "z").values())


def test_a_second_opinion_before_the_bytes(tmp_path: Path) -> None:
    """The directory and the member itself name it differently: unzip believes one, other programs the other."""
    raw = raw_zip([member(b"a", b"good"), member(b"b", b"other")])
    assert problems(raw.replace(b"\x01\x00\x00\x00b", b"\x01\x00\x00\x00c", 1), tmp_path / "z") == {"b": "local"}


def test_a_length_that_nothing_grows_to(tmp_path: Path) -> None:
    raw = raw_zip([member(b"a", b"0" * 100, size=500_000_000)])
    assert problems(raw, tmp_path / "z") == {"a": "ratio"}
    assert problems(raw_zip([(b"a", b"x" * 2_000_000, 2_000_000_000, 0)]), tmp_path / "z") == {"a": "large"}


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (member(b"a", b"0" * 100_000, size=1000), "longer"),
        (member(b"a", b"0" * 1000, size=1001), "shorter"),
        (member(b"a", b"0" * 1000, crc=1), "crc"),
        ((b"a", deflated(b"0" * 1000) + b"more", 1000, zlib.crc32(b"0" * 1000)), "end"),
        ((b"a", deflated(b"0" * 1000)[:-2], 1000, zlib.crc32(b"0" * 1000)), "end"),
        ((b"a", b"\xff\xff\xff", 10, 0), "unpack"),
    ],
)
def test_bytes_that_are_not_what_is_said_of_them(tmp_path: Path, one: tuple, why: str) -> None:
    path = tmp_path / "z"
    path.write_bytes(raw_zip([one]))
    with Archive(path) as archive, pytest.raises(Damaged, match=f"^{why}$"):
        archive.read("a", 1 << 30)


def test_a_bomb_costs_no_memory(tmp_path: Path) -> None:
    """A gigabyte of zeros that says it is a gigabyte: read a part at a time, and not at all where only little is expected."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = bytes(1 << 20)
    content = b"".join(packer.compress(block) for _ in range(64)) + packer.flush()
    path = tmp_path / "z"
    path.write_bytes(raw_zip([(b"a", content, 64 << 20, zlib.crc32(bytes(64 << 20)))]))
    with Archive(path) as archive:
        assert max(map(len, archive.chunks("a"))) <= reading.PART
        with pytest.raises(Damaged, match="large"):
            archive.read("a", 1 << 20)


def test_a_line_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINE", 1000)
    path = tmp_path / "z"
    path.write_bytes(raw_zip([member(b"a", b"0" * 5000), member(b"b", b"x\ny")]))
    with Archive(path) as archive:
        with pytest.raises(Damaged, match="large"):
            list(archive.lines("a"))
        with pytest.raises(Damaged, match="cut"):
            list(archive.lines("b"))


def test_something_between_members_and_behind_the_directory(tmp_path: Path) -> None:
    raw = raw_zip([member(b"a", b"good")], directory_more=b"hidden")
    assert "directory-rest" in problems(raw, tmp_path / "z").values()
    start = struct.unpack("<L", raw[-6:-2])[0]
    hole = (
        raw[:start] + b"hole" + raw[start:-22] + reading._END.pack(b"PK\x05\x06", 0, 0, 1, 1, len(raw) - 22 - start, start + 4, 0)
    )
    assert "hole" in problems(hole, tmp_path / "z").values()


SOUND = plain()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(SOUND) - 1), bit=st.integers(0, 7))
def test_no_bit_of_the_file_changes_what_is_read(tmp_path: Path, place: int, bit: int) -> None:
    """Not in the members, not around them, not in the directory. (Deflate ends on bits that mean nothing; those may differ.)"""
    changed = bytearray(SOUND)
    changed[place] ^= 1 << bit
    path = tmp_path / "z"
    path.write_bytes(changed)
    try:
        with Archive(path) as archive:
            if not archive.problems:
                assert set(archive.entries) == set(GOOD)
                assert {name: archive.read(name, 10_000) for name in GOOD} == GOOD
                assert any(entry.start <= place < entry.start + entry.packed for entry in archive.entries.values())
    except (NotABundle, Damaged):
        pass


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200), cut=st.integers(0, len(SOUND)), keep=st.integers(0, 60))
def test_rubbish_is_refused_and_never_a_crash(tmp_path: Path, raw: bytes, cut: int, keep: int) -> None:
    path = tmp_path / "z"
    for content in (raw, SOUND[:cut] + raw + SOUND[len(SOUND) - keep :], SOUND[:cut] + raw + SOUND[cut:]):
        if content == SOUND:
            continue
        path.write_bytes(content)
        try:
            with Archive(path) as archive:
                assert archive.problems
        except NotABundle:
            pass
