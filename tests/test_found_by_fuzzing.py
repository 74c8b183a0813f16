"""What `python -m bench.fuzz` found, each with the bytes that showed it."""

from __future__ import annotations

import re
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.upload import _pause
from collectors.catalog import device_os
from collectors.devices.witness import DeviceWitness
from collectors.discovery.tables import leases
from collectors.errors import Unparsable
from collectors.inventory_import import import_ansible, import_nmap
from collectors.model import Platform
from collectors.transports.nmap_result import read as read_nmap
from collectors.transports.replay import ReplayDevice
from server.feeds.bundle.check import opened
from server.feeds.parsers import KINDS, Malformed, Source
from server.feeds.store import Refused
from tests.server.feeding import SAMPLES, Maker
from tests.test_devices import transcript

DEVICES = Path(__file__).with_name("devices")
KEA = "address,hwaddr,expire,state,hostname\n10.0.0.5,52:54:00:12:34:56,{},0,pc-01\n"


@pytest.mark.parametrize("moment", ["²1795000000", "9" * 5000])
def test_a_moment_that_is_no_number_is_no_crash(moment: str) -> None:
    """`isdigit` is true of a raised two, and `int` reads neither it nor five thousand digits."""
    assert [row.address for row in leases(KEA.format(moment), "leases", datetime(2026, 11, 22, tzinfo=UTC))] == ["10.0.0.5"]


def test_a_host_that_cannot_be_a_target_is_left_out_and_said() -> None:
    """A longer name than any has; a port that is none."""
    found = import_ansible(f"[web]\n{'a.' * 140}x ansible_host=10.0.0.5\nweb01 ansible_host=10.0.0.6\n")
    assert [target.name for target in found.targets] == ["web01"]
    assert any("left out" in note for note in found.notes)
    text = (DEVICES.parent / "data/nmap/services.xml").read_text("utf-8")
    assert import_nmap(text).targets
    assert import_nmap(text.replace('portid="22"', 'portid="99999"')).targets == ()


@pytest.mark.parametrize("services", ["1-99999999999", "5-1", "-3"])
def test_a_range_of_ports_that_is_none_takes_no_memory(services: str) -> None:
    text = (DEVICES.parent / "data/nmap/services.xml").read_text("utf-8")
    with pytest.raises(Unparsable):
        read_nmap(re.sub(r'services="[^"]*"', f'services="{services}"', text))


@pytest.mark.parametrize("said", ["²", "²5", "soon", "", None])
def test_a_pause_that_is_no_number_is_none(said: str | None) -> None:
    assert _pause(said) is None


def test_a_feed_that_is_no_utf_8_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "debian.json"
    path.write_bytes(
        (SAMPLES / "debian.json").read_bytes().replace(b"polkit", b"pol\xed\xa0\x80", 1).replace(b"policykit", b"\xed\xa0", 1)
    )
    with pytest.raises(Malformed, match="no JSON"):
        [*KINDS["debian"].read(Source(path))]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    folder = tmp_path_factory.mktemp("bundle")
    maker = Maker(folder)
    maker.feed("kev", "kev", "kev.json")
    maker.build(folder / "feeds.zip")
    return maker.fingerprint, (folder / "feeds.zip").read_bytes()


@pytest.mark.parametrize(
    "damage", ["no member's head", "a directory before the beginning", "a name that is no text", "a password"]
)
def test_a_bundle_whose_zip_is_damaged_is_refused_in_words(bundle: tuple[str, bytes], tmp_path: Path, damage: str) -> None:
    fingerprint, raw = bundle[0], bytearray(bundle[1])
    start = struct.unpack("<L", raw[-6:-2])[0]
    if damage == "no member's head":
        for at in range(start - 3):
            if raw[at : at + 4] == b"PK\x03\x04":
                raw[at] = 0
    elif damage == "a directory before the beginning":
        raw[-6:-2] = struct.pack("<L", start + 40)
    else:
        at = start
        while raw[at : at + 4] == b"PK\x01\x02":
            flags, name, extra, comment = (
                *struct.unpack("<H", raw[at + 8 : at + 10]),
                *struct.unpack("<HHH", raw[at + 28 : at + 34]),
            )
            if damage == "a password":
                raw[at + 8 : at + 10] = struct.pack("<H", flags | 1)
            else:
                raw[at + 8 : at + 10] = struct.pack("<H", flags | 0x800)
                raw[at + 46] = 0xED
            at += 46 + name + extra + comment
    path = tmp_path / "feeds.zip"
    path.write_bytes(raw)
    with pytest.raises(Refused), opened(path, {}, fingerprint):
        pass


def changed(folder: str, question: str, old: str, new: str) -> object:
    """What a question makes of the device with that text replaced in all its answers."""
    path = DEVICES / folder
    commands = {}
    for command, said in transcript(path)["commands"].items():
        text = (path / said["file"]).read_text("utf-8") if isinstance(said, dict) and "file" in said else said
        commands[command] = text.replace(old, new) if isinstance(text, str) else text
    assert commands != dict(transcript(path)["commands"])
    platform = Platform(folder.partition("--")[0])
    os = device_os(platform)
    return os.questions[question](DeviceWitness(ReplayDevice(transcript(path) | {"commands": commands}, path), os))


@pytest.mark.parametrize(
    ("folder", "question", "old", "new", "field"),
    [
        ("cisco_ios--switch-hardened", "device_access", "line vty 0 4", "line vty 0 4*", "max_sessions"),
        ("cisco_ios--switch-hardened", "device_access", "exec-timeout 5 0", "exec-timeout 5 ²", "ways"),
        ("fortinet_fortios--hardened", "identity", "set ip 10.10.1.1", "set ip 10.wan", "addresses"),
    ],
)
def test_a_number_or_an_address_that_is_none_is_not_seen(folder: str, question: str, old: str, new: str, field: str) -> None:
    """It costs the field and says why; the rest of the fact stays."""
    found: Any = changed(folder, question, old, new)
    assert getattr(found, field) is None
    assert [gap.outcome for gap in found.unseen if gap.field == field] == ["unparsable"]
