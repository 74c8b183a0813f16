"""The hardened Cisco ASA of tests/devices, with one thing changed: what may then be seen?"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from collectors.model import Target
from collectors.run import collect
from collectors.transports.replay import ReplayDevice

FOLDER = Path(__file__).parent / "devices" / "cisco_asa--hardened"
WHOLE = (FOLDER / "running.txt").read_text("utf-8")


@cache
def recording() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "transcript.yaml").read_text("utf-8"))
    return found


def seen(*edits: tuple[str, str], resolved: bool = False, **commands: str) -> dict[str, Any]:
    """Facts of the hardened device after `edits` of its configuration; `commands`: other answers, `_` for a blank."""
    text = WHOLE
    for old, new in edits:
        assert old in text, f"the configuration has grown away from this case: {old}"
        text = text.replace(old, new, 1)
    answers = {name.replace("_", " ").replace("startup config", "startup-config"): answer for name, answer in commands.items()}
    said = {**recording()["commands"], "show startup-config": text, **answers, "show running-config": text}
    said["show running-config all"] = (
        text if resolved else "                     ^\nERROR: % Invalid input detected at '^' marker.\n"
    )
    said["show ssh"] = answers.get("show ssh", "Timeout: 5 minutes\nVersions allowed: 1 and 2\n")
    found = collect(Target(name="x", via="replay"), ReplayDevice({**recording(), "commands": said}))
    assert not [record.reason for record in found.records if record.outcome == "bug"]
    return {record.fact: record.data for record in found.records if record.outcome == "seen"}


def added(line: str) -> tuple[str, str]:
    """One more line at the top level."""
    return ("pager lines 24\n", f"{line}\npager lines 24\n")
