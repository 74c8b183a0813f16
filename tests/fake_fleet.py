"""The recorded devices of tests/devices as SSH servers: what their transcripts hold, each behind its own kind of prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from collectors.catalog import device_os
from collectors.model import Platform
from collectors.transports import replay
from tests.fake_device import Fake, Fakes

FOLDERS = Path(__file__).parent / "devices"
_PROMPTS = {
    "checkpoint_gaia": "{name}> ",
    "draytek": "{name}> ",
    "fortinet_fortios": "{name} # ",
    "hpe_comware": "<{name}>",
    "huawei_vrp": "<{name}>",
    "juniper_junos": "rasoat@{name}> ",
    "mikrotik_routeros": "[rasoat@{name}] > ",
    "paloalto_panos": "rasoat@{name}> ",
}


class Recorded(NamedTuple):
    """One device to be started."""

    folder: str
    platform: str
    kind: str
    fake: Fake


def recorded(password: str) -> list[Recorded]:
    """Every device whose transcript holds nothing but answers; one that also holds faults cannot be played over a line."""
    found = []
    for folder in sorted(FOLDERS.iterdir()):
        transcript: dict[str, Any] = replay._read(folder / "transcript.yaml")
        commands = {command: _text(entry, transcript["commands"], folder) for command, entry in transcript["commands"].items()}
        if None in commands.values():
            continue
        platform = transcript["platform"]
        system = device_os(Platform(platform))
        fake = Fake(
            name=transcript["prompt"], password=password, answers={name: _ended(text or "") for name, text in commands.items()},
            prompt=_PROMPTS.get(platform, "{name}{sign}") if transcript["prompt"] else "> ", log_on=system.log_on_as, quiet=system.prepare,
            unprivileged=not transcript.get("privileged", True),
        )  # fmt: skip
        found.append(Recorded(folder.name, platform, _kind(folder.name), fake))
    return found


def targets_file(folder: Path, devices: list[Recorded], fakes: Fakes, secret: str) -> Path:
    """Starts them, and writes the targets file that names them all. `secret`: where the password of the credential lies."""
    ports = fakes.start_all([device.fake for device in devices])
    fakes.known_hosts(folder / "known_hosts")
    rows = [
        f"  - {{name: {device.folder}, address: 127.0.0.1, port: {port}, kind: {device.kind}, platform: {device.platform}}}\n"
        for device, port in zip(devices, ports, strict=True)
    ]
    file = folder / "targets.yaml"
    head = f"known_hosts: known_hosts\ndefaults: {{credential: net}}\ncredentials:\n  net: {{user: rasoat, {secret}}}\n"
    file.write_text(f"{head}targets:\n{''.join(rows)}", "utf-8")
    return file


def _ended(text: str) -> str:
    """A prompt stands at the beginning of a line."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def _text(entry: Any, commands: dict[str, Any], folder: Path) -> str | None:
    """The answer; None for a fault."""
    if isinstance(entry, str):
        return entry
    if "file" in entry:
        return (folder / entry["file"]).read_text("utf-8")
    return _text(commands[entry["same"]], commands, folder) if "same" in entry else None


def _kind(folder: str) -> str:
    """What the targets file calls it."""
    platform, _, special = folder.partition("--")
    if (
        platform in ("fortinet_fortios", "paloalto_panos", "checkpoint_gaia", "cisco_asa")
        or "firewall" in special
        or "srx" in special
    ):
        return "firewall"
    return "router" if "router" in special or platform in ("mikrotik_routeros", "draytek") else "switch"
