"""docs/devices.md: which network OS answers which fact, counted in the expected facts of the tests, so that it cannot promise more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from collectors.catalog import DEVICE_FACTS, DEVICES
from collectors.facts import FACTS
from collectors.model import Platform

FOLDER = Path(__file__).resolve().parents[1] / "tests/devices"
RESULT = Path(__file__).resolve().parents[1] / "bench/results/independent.json"

HEAD = """# Network devices

What rasoat reads over SSH, by system. Each cell counts the fields of the fact that at least one recorded device of that system answers, of
all the fact has; the rest is *not seen*, with its reason, and never passes. – means that the system is not asked. The devices were written from the
makers' documentation (each says from which), not recorded in the field; SNMP identifies more makes (`collectors/devices/snmp_identity.yaml`).
"""


def page() -> str:
    """The page, generated from tests/devices."""
    return HEAD + "\n" + "\n".join(_table()) + "\n\n" + _independent() + "\n"


def _table() -> Iterator[str]:
    yield "| fact | " + " | ".join(platform.value for platform in DEVICES) + " |"
    yield "|---" * (len(DEVICES) + 1) + "|"
    yield "| recorded devices | " + " | ".join(str(len(_devices(platform))) for platform in DEVICES) + " |"
    for fact in DEVICE_FACTS:
        yield f"| {fact} | " + " | ".join(_cell(platform, fact) for platform in DEVICES) + " |"


def _independent() -> str:
    """What bench/independent.py last counted on material that is not in the repository."""
    found = json.loads(RESULT.read_text("utf-8"))
    configurations = sum(found["configurations"].values())
    systems = ", ".join(f"{name} {share}" for name, share in found["by_system"].items())
    return (
        "## Other people's outputs\n\n"
        "`python bench/independent.py FOLDER --write`, where FOLDER holds clones of networktocode/ntc-templates (Apache-2.0), "
        "networktocode/netutils (Apache-2.0) and batfish/batfish (Apache-2.0): vendor, system and version are those of the reference for "
        f"{found['identified']} of {found['outputs']} outputs ({found['identified_percent']} %; {systems}). Over {configurations} configurations, most of "
        f"them fragments, every fact was asked and level 3 judged: {found['crashes']} crashes, {found['contradicted_passes']} passes that a crude "
        "search of the text contradicts. Nothing of that material is kept here."
    )


def _cell(platform: Platform, fact: str) -> str:
    fields = [name for name in FACTS[fact].model_fields if name != "unseen"]
    seen: set[str] = set()
    asked = False
    for device in _devices(platform):
        path = device / "expected" / f"{fact}.json"
        if path.exists():
            asked = True
            data: dict[str, Any] = json.loads(path.read_text("utf-8"))
            seen |= {name for name in fields if data.get(name) is not None}
    return f"{len(seen)}/{len(fields)}" if asked else "–"


def _devices(platform: Platform) -> list[Path]:
    return sorted(FOLDER.glob(f"{platform.value}--*"))
