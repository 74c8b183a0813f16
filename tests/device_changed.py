"""A device of tests/devices with its configuration changed here and there: what may then be seen of it?"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from collectors.catalog import device_os
from collectors.devices.witness import DeviceWitness
from collectors.facts.base import Fact
from collectors.model import Platform
from collectors.transports.replay import ReplayDevice

DEVICES = Path(__file__).parent / "devices"


@cache
def recording(folder: str) -> dict[str, Any]:
    """The transcript with the texts of its files in place."""
    found: dict[str, Any] = yaml.load((DEVICES / folder / "transcript.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    texts: dict[str, Any] = {}
    for command, said in found["commands"].items():
        named = said.get("file") if isinstance(said, dict) else None
        texts[command] = (DEVICES / folder / named).read_text("utf-8", "replace") if named else said
    for command, said in found["commands"].items():
        if isinstance(said, dict) and "same" in said:
            texts[command] = texts[said["same"]]
    return {**found, "commands": texts}


def changed(folder: str, *edits: tuple[str, str], **answers: str) -> dict[str, Any]:
    """The recording after `edits` of its configurations; `answers`: other answers, `_` for a blank. Each edit must find its place."""
    found = recording(folder)
    commands = dict(found["commands"])
    forms = {command for command, _ in device_os(Platform(found["platform"])).configuration}
    for old, new in edits:
        places = [command for command in forms if isinstance(commands.get(command), str) and old in commands[command]]
        assert places, f"the configuration has grown away from this case: {old}"
        for command in places:
            commands[command] = commands[command].replace(old, new, 1)
    commands |= {command.replace("_", " "): said for command, said in answers.items()}
    return {**found, "commands": commands}


def device(folder: str, *edits: tuple[str, str], **answers: str) -> DeviceWitness:
    document = changed(folder, *edits, **answers)
    return DeviceWitness(ReplayDevice(document), device_os(Platform(document["platform"])))


def fact(name: str, folder: str, *edits: tuple[str, str], **answers: str) -> Any:
    """One fact of the device after the edits. Raises what the question raises."""
    cli = device(folder, *edits, **answers)
    found: Fact = device_os(Platform(cli.platform)).questions[name](cli)
    return found
