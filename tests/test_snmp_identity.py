"""Which device it is: every system of the table recognised by what its makers document, and nothing guessed beyond."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from collectors.devices.snmp_identity import entries, recognised, text
from collectors.errors import Unparsable
from collectors.facts.identity import Identity
from collectors.model import Kind, Platform, Target
from collectors.run_snmp import collect
from collectors.snmp import identity
from collectors.transports.snmp_replay import ReplaySnmp

KNOWN: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("data").joinpath("snmp_identities.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: case["about"])
def test_a_documented_agent_is_recognised(case: dict[str, Any]) -> None:
    snapshot = asyncio.run(collect(Target(name="x", kind=Kind.OTHER, via="snmp"), ReplaySnmp(case)))
    found = snapshot.by_fact["identity"].typed()
    assert isinstance(found, Identity)
    os_id, vendor, version, model, serial, kind = case["expect"]
    assert (found.os_id, found.vendor, found.os_version, found.model, found.serial) == (os_id, vendor, version, model, serial)
    assert snapshot.target.kind == (kind or Kind.OTHER)
    empty = {name for name in type(found).model_fields if getattr(found, name) is None}
    assert empty == {gap.field for gap in found.unseen}, "each None has its reason, once"
    assert len(found.unseen) == len(empty)


def test_every_platform_that_the_devices_have_is_in_the_table_and_has_a_case() -> None:
    devices = {p for p in Platform if p.value in {entry.platform for entry in entries()}} - {Platform.DEVICE}
    network = set(Platform) - {
        Platform.DEBIAN, Platform.REDHAT, Platform.SUSE, Platform.LINUX, Platform.WINDOWS, Platform.DEVICE, Platform.OUTSIDE,
    }  # fmt: skip
    assert network <= devices
    assert {platform.value for platform in network} <= {case["expect"][0] for case in KNOWN}


def test_an_agent_that_hides_its_system_group_is_not_understood() -> None:
    with pytest.raises(Unparsable, match="neither sysObjectID nor sysDescr"):
        asyncio.run(identity.snmp(ReplaySnmp({"oids": "1.3.6.1.2.1.1.5.0|4|sw1"})))


@given(st.text(max_size=200))
def test_text_alone_never_decides(descr: str) -> None:
    assert recognised("1.3.6.1.4.1.99999.1", descr) is None
    assert recognised("", descr) is None


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_a_longer_number_is_another_maker(entry: Any) -> None:
    for prefix in entry.objects:
        found = recognised(f"{prefix}9999", "")
        assert found is None or not any(prefix == other for other in found.objects)


@given(st.binary(max_size=64))
def test_text_of_any_bytes_is_text(raw: bytes) -> None:
    said = text(raw)
    assert said is None or (said == said.strip() and "\0" not in said and said)


def test_text_drops_padding_and_keeps_vietnamese() -> None:
    assert text("Tầng 3 – phòng máy\0\0".encode()) == "Tầng 3 – phòng máy"
    assert text(b"caf\xe9 \x01") == "café"
    assert text(b"\0\0  ") is None
    assert text(12) is None
