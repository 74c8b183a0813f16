"""Every folder tests/devices/<platform>--<what-is-special>/ is a device: its answers give the expected facts, and no secret.

    transcript.yaml          the recorded or authored answers, with must_not_survive: [...]
    expected/<fact>.json     what each question of its OS makes of them: the fact, or {"outcome": ..., "reason": ...}

`pytest tests/test_devices.py --update` writes the expected files anew, for review.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from collectors.catalog import DEVICES, device_os, questions
from collectors.devices.redaction import clean
from collectors.devices.witness import DeviceRecorder
from collectors.model import Kind, Platform, Snapshot, Target
from collectors.run import collect
from collectors.transports.replay import ReplayDevice, load

FOLDERS = sorted(path.parent for path in (Path(__file__).parent / "devices").glob("*/transcript.yaml"))
LEAST = 4
"""Letters below which a secret would be found inside harmless words."""


def platform_of(folder: Path) -> Platform:
    return Platform(folder.name.partition("--")[0])


@cache
def transcript(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((folder / "transcript.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    return found


def device(folder: Path) -> ReplayDevice:
    found = load(folder / "transcript.yaml")
    assert isinstance(found, ReplayDevice)
    return found


@cache
def looked(folder: Path) -> Snapshot:
    return collect(Target(name="x", kind=Kind.OTHER, via="replay", address=str(folder)), device(folder))


def everything(folder: Path) -> str:
    """Every text of the recording."""
    texts = []
    for said in transcript(folder)["commands"].values():
        if isinstance(said, dict) and "file" in said:
            texts.append((folder / said["file"]).read_text("utf-8", "replace"))
        else:
            texts.append(str(said))
    return "\n".join(texts)


@pytest.mark.parametrize(
    ("folder", "fact"),
    [(folder, fact) for folder in FOLDERS for fact, _ in questions(platform_of(folder))],
    ids=lambda value: value.name if isinstance(value, Path) else value,
)
def test_a_device_gives_the_expected_fact(folder: Path, fact: str, request: pytest.FixtureRequest) -> None:
    record = looked(folder).by_fact[fact]
    got = record.data if record.outcome == "seen" else {"outcome": record.outcome, "reason": record.reason}
    assert record.outcome != "bug", record.reason
    expected = folder / "expected" / f"{fact}.json"
    if request.config.getoption("--update"):
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(json.dumps(got, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert expected.exists(), f"no {expected}; the collector gives:\n{json.dumps(got, indent=1, ensure_ascii=False)}"
    assert got == json.loads(expected.read_text("utf-8"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_nothing_is_missing_without_a_reason(folder: Path) -> None:
    for record in looked(folder).records:
        fact = record.typed()
        if fact is not None:
            assert {name for name, value in fact if value is None} <= {entry.field for entry in fact.unseen}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_secret_survives(folder: Path) -> None:
    secrets = transcript(folder)["must_not_survive"]
    assert secrets, "name the secrets of the recording: passwords, hashes, keys, communities"
    assert all(len(secret) >= LEAST for secret in secrets)
    raw = everything(folder)
    assert [secret for secret in secrets if secret not in raw] == [], "not in the recording at all: the list has grown old"
    os = device_os(platform_of(folder))
    recorder = DeviceRecorder(device(folder), os, "x")
    collect(Target(name="x", via="replay"), recorder)
    places = {
        "snapshot": looked(folder).model_dump_json(),
        "recording": json.dumps(recorder.transcript(), ensure_ascii=False),
        "redacted text": clean(os, raw),
    }
    found = [(place, secret) for place, text in places.items() for secret in secrets if secret in text]
    assert found == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_redacting_twice_is_redacting_once(folder: Path) -> None:
    os = device_os(platform_of(folder))
    once = clean(os, everything(folder))
    assert clean(os, once) == once


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_redacted_recording_gives_the_same_facts(folder: Path) -> None:
    """What redaction takes is in no fact but one: how well known a community's name is."""
    os = device_os(platform_of(folder))
    recorder = DeviceRecorder(device(folder), os, "x")
    collect(Target(name="x", via="replay"), recorder)
    again = collect(Target(name="x", via="replay"), ReplayDevice(recorder.transcript()))
    for record in looked(folder).records:
        other = again.by_fact[record.fact]
        if record.fact != "snmp_service":
            assert (record.fact, other.outcome, other.data) == (record.fact, record.outcome, record.data)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_command_lies_there_unasked(folder: Path) -> None:
    asked: set[str] = set()

    class Asked(ReplayDevice):
        def ask(self, command: str, *, timeout: float = 0.0) -> str:
            asked.add(command)
            return super().ask(command, timeout=timeout)

    cli = Asked(transcript(folder), folder)
    collect(Target(name="x", via="replay"), cli)
    spare = set(transcript(folder).get("spare", ()))
    assert set(transcript(folder)["commands"]) - asked - spare == set(), "remove them, or name them under spare:"


@pytest.mark.parametrize("platform", DEVICES, ids=str)
def test_an_os_is_whole(platform: Platform) -> None:
    os = device_os(platform)
    assert os.platform is platform
    assert os.questions
    assert {"identity"} <= set(os.questions)
    if os.configuration:
        assert os.whole
        assert all(os.permits(command) for command, _ in os.configuration)
        assert any("secret" in pattern.groupindex for pattern in os.secrets)
    assert all("secret" in pattern.groupindex for pattern in os.secrets)
    assert "{name}" in os.prompt
    folders = [folder for folder in FOLDERS if platform_of(folder) is platform]
    assert folders, f"no tests/devices/{platform}--*"


def test_nothing_of_netmiko_that_could_change_a_device_is_named() -> None:
    """Its classes lend their knowledge of screens; what types, saves, configures or raises rights stays unused."""
    import ast

    import collectors

    used: dict[str, set[str]] = {}
    for path in Path(collectors.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        forbidden = names & {
            "ConnectHandler", "send_config_set", "send_config_from_file", "config_mode", "save_config", "commit", "send_command",
            "send_command_timing", "session_preparation", "disable_paging", "set_terminal_width", "establish_connection", "enable",
        }  # fmt: skip
        if forbidden:
            used[path.name] = forbidden
    assert used == {}
