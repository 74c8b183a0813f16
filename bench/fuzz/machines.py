"""What hosts, devices and SNMP agents said once, and how each answer comes to its reader."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bench.fuzz.engine import Noted, Sample
from bench.fuzz.samples import TESTS, text
from collectors.catalog import DEVICES, questions
from collectors.errors import Unsupported
from collectors.model import Kind, Platform, Snapshot, Target
from collectors.run import collect
from collectors.run_snmp import collect as collect_snmp
from collectors.transports.replay import NotRecorded, ReplayDevice
from collectors.transports.snmp_replay import ReplaySnmp
from collectors.transports.windows import framed


@cache
def transcript(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return found


def host_samples(fact: str) -> list[Sample]:
    """Each answer of each recording of a fact: where it stands is remembered."""
    from tests.test_cases import platform_of

    found = []
    for path in sorted((TESTS / "cases" / fact).glob("*/transcript.yaml")):
        said, platform = transcript(path), platform_of(path.parent)
        if platform in DEVICES:
            continue
        if "sections" in said:
            raw = json.dumps({"schema": "rasoat-windows/1", "sections": said["sections"]}, default=str)
            found.append(Sample(raw.encode(), (fact, platform, path, "script", None)))
        runs = [("run", number, "out") for number, entry in enumerate(said.get("run", ())) if "out" in entry]
        reads = [("read", name, None) for name, body in (said.get("read") or {}).items() if isinstance(body, str)]
        for table, key, part in (*runs, *reads):
            body = said[table][key][part] if part else said[table][key]
            found.append(Sample(str(body).encode(), (fact, platform, path, table, key)))
    return found


def host(sample: Sample) -> object:
    from collectors.transports.witness import Witness
    from tests.garbled import Elsewhere

    fact, platform, path, table, key = sample.about
    said = dict(transcript(path))
    if table == "script":
        said["script"] = framed(text(sample))
    elif table == "run":
        said["run"] = [*said["run"][:key], said["run"][key] | {"out": text(sample)}, *said["run"][key + 1 :]]
    else:
        said["read"] = said["read"] | {key: text(sample)}
    return dict(questions(platform))[fact](Witness(Elsewhere(said))).model_dump_json()


def device_samples(platform: Platform) -> list[Sample]:
    found = []
    for path in sorted((TESTS / "devices").glob(f"{platform}--*/transcript.yaml")):
        for command, said in transcript(path)["commands"].items():
            if isinstance(said, dict) and "file" in said:
                found.append(Sample((path.parent / said["file"]).read_bytes(), (platform, path, command)))
            elif isinstance(said, str):
                found.append(Sample(said.encode(), (platform, path, command)))
    return found


class OtherDevice(ReplayDevice):
    """Questions that only a changed answer leads to are refused, as a device would."""

    def ask(self, command: str, *, timeout: float = 20) -> str:
        try:
            return super().ask(command, timeout=timeout)
        except NotRecorded:
            raise Unsupported(f"{command}: not here") from None


def device(sample: Sample) -> object:
    platform, path, command = sample.about
    said = dict(transcript(path))
    said["commands"] = said["commands"] | {command: text(sample)}
    target = Target(name="x", kind=Kind.OTHER, platform=platform, via="replay", address=str(path.parent))
    return _no_bug(collect(target, OtherDevice(said, path.parent)))


def _no_bug(snapshot: Snapshot) -> Snapshot:
    for record in snapshot.records:
        if record.outcome == "bug":
            raise Noted(f"{record.fact}: {record.reason}")
    snapshot.to_bytes()
    return snapshot


def snmp_samples() -> list[Sample]:
    found = []
    for path in sorted((TESTS / "snmp").glob("*/transcript.yaml")):
        for line in str(transcript(path)["oids"]).splitlines():
            oid, _, rest = line.strip().partition("|")
            kind, _, value = rest.partition("|")
            if kind in ("4", "4x"):
                found.append(Sample(bytes.fromhex(value) if kind == "4x" else value.encode(), (path, oid)))
    return found


def snmp_values(sample: Sample) -> object:
    path, oid = sample.about
    agent = ReplaySnmp(transcript(path))
    agent.values[oid] = sample.raw
    return _no_bug(asyncio.run(collect_snmp(Target(name="x", via="replay", address=str(path.parent)), agent)))


def windows_documents() -> list[Sample]:
    return [Sample(framed(one.raw.decode()).encode()) for one in host_samples("windows_hardening") if one.about[3] == "script"]


def snmp_packets() -> list[Sample]:
    from tests import snmpd

    binds = [
        ("1.3.6.1.2.1.1.1.0", b"Linux"),
        ("1.3.6.1.2.1.1.2.0", "1.3.6.1.4.1.9.1.1"),
        ("1.3.6.1.2.1.1.3.0", 77),
        ("1.3.6.1.9", None),
    ]
    return [Sample(snmpd.response(b"public", 7, binds[:most])) for most in (1, 3, 4)]


def posix_records() -> list[Sample]:
    mark = b"0123456789abcdef"
    fields = [
        b"motd",
        b"read",
        b"/etc/passwd",
        b"root:x:0:0\n",
        b"",
        b"stat",
        b"/etc/shadow",
        b"640 0 42",
        b"denied",
        b"end",
        b"",
        b"",
        b"",
        b"",
    ]
    return [Sample(mark.join(fields), mark), Sample(mark.join(fields[:7]), mark)]
