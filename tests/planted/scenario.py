"""One misconfiguration, its repair, and the checks it must turn."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest

from tests.planted.machine import Machine, Verdicts

MARKS = [
    pytest.mark.root,
    pytest.mark.system,
    pytest.mark.xdist_group("planted"),  # one copy, so one worker
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a private copy of this machine"),
]


LOOKS = 6


class Planted(NamedTuple):
    """`breaks` and `repairs` are shell scripts. Of all the checks of the standard these turn, and no other."""

    name: str
    breaks: str
    repairs: str
    red: str = ""
    """Checks that fail then, with blanks between."""
    unknown: str = ""
    green: str = ""
    """Checks that pass then although they did not before."""


class Patient(NamedTuple):
    """The healthy copy and its verdicts."""

    machine: Machine
    healthy: Verdicts


def turned(before: Verdicts, after: Verdicts) -> Verdicts:
    return {check: after.get(check, "gone") for check in before.keys() | after.keys() if before.get(check) != after.get(check)}


def plant(patient: Patient, case: Planted) -> None:
    """Break, look, repair, look again."""
    machine, healthy = patient
    expected = {
        check: verdict
        for verdict, checks in (("fail", case.red), ("unknown", case.unknown), ("pass", case.green))
        for check in checks.split()
    }
    already = {check for check, verdict in expected.items() if healthy[check] == verdict}
    assert not already, f"these are so before anything is broken: {already}"
    machine.sh(case.breaks)
    assert settled(patient, expected) == expected
    machine.sh(case.repairs)
    assert settled(patient, {}) == {}


def settled(patient: Patient, expected: Verdicts) -> Verdicts:
    """What has turned, looked at again a few times while it is not as expected: time daemons of a busy machine answer late."""
    found = turned(patient.healthy, patient.machine.verdicts())
    for look in range(1, LOOKS):
        if found == expected:
            break
        time.sleep(2 * look)
        found = turned(patient.healthy, patient.machine.verdicts())
    return found


def blindfold(patient: Patient, case: Planted) -> None:
    """Like `plant`, for damage that hides more than one subject: all that is named is unknown then, and nothing is judged anew."""
    machine, healthy = patient
    machine.sh(case.breaks)
    after = turned(healthy, machine.verdicts())
    assert {check: after.get(check) for check in case.unknown.split()} == dict.fromkeys(case.unknown.split(), "unknown")
    assert set(after.values()) == {"unknown"}, (
        "nothing was repaired and nothing else broken, so nothing may pass or fail that did not before"
    )
    machine.sh(case.repairs)
    assert settled(patient, {}) == {}


def scenarios(cases: Iterable[Planted]) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases])
