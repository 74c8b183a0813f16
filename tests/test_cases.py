"""Every folder tests/cases/<fact>/<platform>--<what-is-special>/ is a test: the recorded answers give the expected fact.

Network devices whose one configuration answers every question lie in tests/devices (see test_devices.py); a folder here is
for what one fact alone needs.

`pytest tests/test_cases.py --update` writes expected.json anew, for review.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collectors.catalog import DEVICES, device_os, questions
from collectors.devices.base import complete
from collectors.devices.redaction import clean_data
from collectors.devices.witness import DeviceWitness
from collectors.errors import CollectError
from collectors.model import Platform
from collectors.transports.replay import ReplayDevice, load
from collectors.transports.witness import Witness

CASES = Path(__file__).parent / "cases"
FAMILY = {
    "debian": Platform.DEBIAN,
    "ubuntu": Platform.DEBIAN,
    "rhel": Platform.REDHAT,
    "rocky": Platform.REDHAT,
    "alma": Platform.REDHAT,
    "oracle": Platform.REDHAT,
    "centos": Platform.REDHAT,
    "amazon": Platform.REDHAT,
    "fedora": Platform.REDHAT,
    "sles": Platform.SUSE,
    "opensuse": Platform.SUSE,
    "linux": Platform.LINUX,
    "windows": Platform.WINDOWS,
    "windowsserver": Platform.WINDOWS,
}


def platform_of(case: Path) -> Platform:
    word = case.name.partition("--")[0]
    if word in DEVICES:
        return Platform(word)
    return FAMILY[word.removesuffix("r2").rstrip("0123456789.")]


def answer(case: Path) -> dict[str, Any]:
    """What the collector makes of the case: the fact's JSON, or {"outcome": ..., "reason": ...}."""
    platform = platform_of(case)
    function = dict(questions(platform))[case.parent.name]
    shell = load(case / "transcript.yaml")
    try:
        if isinstance(shell, ReplayDevice):
            os = device_os(platform)
            found: dict[str, Any] = clean_data(os, complete(os, function(DeviceWitness(shell, os))).model_dump(mode="json"))
            return found
        return function(Witness(shell)).model_dump(mode="json")
    except CollectError as error:
        return {"outcome": error.outcome, "reason": str(error)}


@pytest.mark.parametrize(
    "case", sorted(path.parent for path in CASES.glob("*/*/transcript.yaml")), ids=lambda case: f"{case.parent.name}/{case.name}"
)
def test_recorded_answers_give_the_expected_fact(case: Path, request: pytest.FixtureRequest) -> None:
    got = answer(case)
    expected = case / "expected.json"
    if request.config.getoption("--update"):
        expected.write_text(json.dumps(got, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert expected.exists(), f"no expected.json; the collector gives:\n{json.dumps(got, indent=1, ensure_ascii=False)}"
    assert got == json.loads(expected.read_text("utf-8"))
