"""What the stored facts of a machine tell for matching: its release, its packages, what runs. Facts are read as they are kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from pydantic_core import to_json

from collectors.model import Record


class Package(NamedTuple):
    """One installed package."""

    name: str
    version: str
    source: str
    """Name of the source package."""
    source_version: str
    origin: str | None
    """None: not seen. Empty: nobody publishes it."""


class Host(NamedTuple):
    """All that decides which vulnerabilities a machine has. Equal hosts have the same ones."""

    os_id: str
    os_version: str
    packages: tuple[Package, ...] | None
    running_kernel: str | None
    livepatched: bool | None
    modules: tuple[tuple[str, str], ...] | None
    """Module and stream, of those in use; None: not seen."""
    has: frozenset[str]
    """What it has of what fixes need: esm."""
    stream: str
    """eus, aus ... where packages come from such repositories, by spaces; empty: the main stream."""
    pending: tuple[str, ...] | None
    """Windows: names of the updates that Windows Update knows to be missing."""
    firmware: str | None
    """A network device: its version."""
    reasons: tuple[tuple[str, str], ...] = ()
    """Fact, and why it was not seen."""

    def why(self, fact: str) -> str:
        return dict(self.reasons).get(fact, "")


FACTS: Final = ("identity", "software", "updates", "firmware")
"""Those that decide."""
_STREAM = re.compile(r"-(eus|aus|tus|e4s|els)-")
_ESM = re.compile(r"(?:^|\.)esm\.ubuntu\.com$")


def deciding(records: Iterable[Record]) -> str:
    """sha256 of the records that decide, as the collector has them: equal ones make the same Host. What a machine says of its
    facts, such as that they are the same as before, decides nothing."""
    told = [(one.fact, one.version, one.outcome, one.reason, one.data) for one in records if one.fact in FACTS]
    return hashlib.sha256(to_json(told)).hexdigest()


def read(records: Iterable[Mapping[str, Any]]) -> Host:
    """From the records of a snapshot."""
    seen: dict[str, Mapping[str, Any]] = {name: {} for name in FACTS}
    reasons: dict[str, str] = {}
    for record in records:
        name = record["fact"]
        if name not in seen:
            continue
        if record["outcome"] == "seen" and record.get("data") is not None:
            seen[name] = record["data"]
        else:
            reasons[name] = f"{record['outcome']}: {record.get('reason', '')}"
    identity, software, updates, firmware = (seen[name] for name in FACTS)
    for name, field in (("software", "packages"), ("updates", "running_kernel"), ("updates", "pending")):
        for entry in seen[name].get("unseen") or ():
            if entry["field"] == field:
                reasons[f"{name}.{field}"] = f"{entry['outcome']}: {entry['reason']}"
    listed = software.get("packages")
    pending = updates.get("pending")
    packages = None if listed is None else tuple(sorted(map(_package, listed)))
    return Host(
        os_id=identity.get("os_id") or "",
        os_version=identity.get("os_version") or "",
        packages=packages,
        running_kernel=_running(identity, updates),
        livepatched=updates.get("livepatched"),
        modules=_modules(software),
        has=_has(updates, packages or ()),
        stream=_stream(updates),
        pending=tuple(sorted(row["name"] for row in pending)) if pending is not None and _windows(identity) else None,
        firmware=firmware.get("version"),
        reasons=tuple(sorted(reasons.items())),
    )


def _package(row: Mapping[str, Any]) -> Package:
    """What is empty in the fact is the package's own."""
    name, version = row["name"], row["version"]
    return Package(name, version, row.get("source") or name, row.get("source_version") or version, row.get("origin"))


def _windows(identity: Mapping[str, Any]) -> bool:
    return identity.get("os_family") == "windows"


def _running(identity: Mapping[str, Any], updates: Mapping[str, Any]) -> str | None:
    told: str | None = updates.get("running_kernel")
    if told is None and _windows(identity):
        found = re.fullmatch(r"\d+\.\d+\.(\d+\.\d+)", identity.get("kernel_release") or "")
        return found[1] if found else None
    return told


def _modules(software: Mapping[str, Any]) -> tuple[tuple[str, str], ...] | None:
    told = software.get("modules")
    return None if told is None else tuple(sorted((row["name"], row["stream"]) for row in told))


def _has(updates: Mapping[str, Any], packages: Iterable[Package]) -> frozenset[str]:
    """Ubuntu Pro shows by its sources, or by what has come from them."""
    hosts = (source.get("host") or "" for source in updates.get("sources") or ())
    esm = any(_ESM.search(host) for host in hosts) or any((one.origin or "").startswith("UbuntuESM") for one in packages)
    return frozenset({"esm", "esm-infra", "esm-apps"}) if esm else frozenset()


def _stream(updates: Mapping[str, Any]) -> str:
    found = {match[1] for source in updates.get("sources") or () if (match := _STREAM.search(f"-{source.get('name', '')}-"))}
    return " ".join(sorted(found))
