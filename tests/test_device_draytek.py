"""DrayTek: three facts over its command line, and for the others where they are had."""

from __future__ import annotations

from pathlib import Path

from collectors.catalog import DEVICE_FACTS, device_os
from collectors.model import Kind, Platform, Target
from collectors.run import collect
from collectors.transports.device import _PAGER
from collectors.transports.replay import load

OS = device_os(Platform.DRAYTEK)
FOLDER = Path(__file__).parent / "devices" / "draytek--vigor3912-4.4"


def test_what_the_command_line_does_not_tell_is_recorded_with_the_way_to_have_it() -> None:
    seen = collect(Target(name="x", kind=Kind.ROUTER, via="replay", address=str(FOLDER)), load(FOLDER / "transcript.yaml"))
    assert {record.fact for record in seen.records} == set(DEVICE_FACTS)
    others = [record for record in seen.records if record.fact not in OS.questions]
    assert {record.outcome for record in others} == {"unsupported"}
    assert all("via: snmp" in record.reason for record in others)


def test_only_the_facts_asked_for_are_recorded() -> None:
    target = Target(name="x", kind=Kind.ROUTER, via="replay", address=str(FOLDER))
    seen = collect(target, load(FOLDER / "transcript.yaml"), only=("firmware", "clock"))
    assert {record.fact: record.outcome for record in seen.records} == {
        "identity": "seen",
        "firmware": "seen",
        "clock": "unsupported",
    }


def test_nothing_that_writes_or_prints_passwords_may_be_sent() -> None:
    for command in (
        "sys adminuser view",
        "sys commit",
        "sys reboot",
        "sys cfg default",
        "ip arp flush",
        "mngt rmtcfg enable",
        "sys mpage off",
    ):
        assert not OS.permits(command)


def test_its_pager_is_known() -> None:
    assert _PAGER.search("\n--- MORE --- ['q': Quit, 'Enter': New Lines, 'Space Bar': Next Page] ---")
