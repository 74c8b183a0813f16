"""CycloneDX 1.6 (ECMA-424): the installed software as a bill of materials, for programs that look for known holes.

Written by hand because it is small. What could not be seen is said in `compositions`: a bill without packages must not
read as a machine without software.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from agent.report.digest import Digest
from collectors import VERSION
from collectors.facts.identity import Identity
from collectors.facts.software import Package, Software
from collectors.model import Snapshot

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_PURL_TYPE = {"dpkg": "deb", "rpm": "rpm"}


def document(reports: list[Digest]) -> dict[str, Any]:
    """One bill. Of one machine: its software. Of several: the machines, each with its software inside."""
    machines = [_machine(report.snapshot) for report in reports]
    found: dict[str, Any] = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"tools": {"components": [{"type": "application", "name": "rasoat", "version": VERSION}]}},
        "components": machines,
        "compositions": [_composition(report.snapshot) for report in reports],
    }
    if len(reports) == 1:
        snapshot = reports[0].snapshot
        found["serialNumber"] = f"urn:uuid:{snapshot.id}"
        found["metadata"]["timestamp"] = snapshot.collected_at.isoformat()
        found["components"] = machines[0].pop("components")
        found["metadata"]["component"] = machines[0]
    return found


def _machine(snapshot: Snapshot) -> dict[str, Any]:
    identity, software = _identity(snapshot), _software(snapshot)
    components = [_system(identity)] if identity else []
    if software is not None:
        components += _packages(software, identity)
        components += [_other(one.kind, one.name, one.revision) for one in software.others or ()]
    return {
        "type": "device",
        "bom-ref": snapshot.id,
        "name": snapshot.target.name,
        "components": components,
        "properties": [{"name": "rasoat:collected_at", "value": snapshot.collected_at.isoformat()}, *_gaps(snapshot, software)],
    }


def _system(identity: Identity) -> dict[str, Any]:
    found = {"type": "operating-system", "name": identity.os_id, "description": identity.os_name}
    return found | ({"version": identity.os_version} if identity.os_version else {})


def _packages(software: Software, identity: Identity | None) -> Iterator[dict[str, Any]]:
    for package in software.packages or ():
        found: dict[str, Any] = {"type": "library", "name": package.name, "version": package.version}
        if kind := _PURL_TYPE.get(software.manager):
            found["purl"] = purl(kind, package, identity)
        if package.origin:
            found["supplier"] = {"name": package.origin}
        told = {"source": package.source, "source_version": package.source_version, "installed": package.installed or ""}
        if properties := [{"name": f"rasoat:{name}", "value": str(value)} for name, value in told.items() if value]:
            found["properties"] = properties
        yield found


def purl(kind: str, package: Package, identity: Identity | None) -> str:
    """Package URL. An rpm's epoch is a qualifier, a Debian epoch part of the version: so the purl specification has it."""
    epoch, colon, version = package.version.partition(":")
    if kind != "rpm" or not colon:
        epoch, version = "", package.version
    system = identity.os_id.lower() if identity else ""
    distro = f"{system}-{identity.os_version}" if identity and identity.os_version else system
    qualifiers = {"arch": package.arch, "distro": distro, "epoch": epoch}
    told = "&".join(f"{name}={_escaped(value)}" for name, value in sorted(qualifiers.items()) if value)
    where = f"{_escaped(system)}/" if system else ""
    return f"pkg:{kind}/{where}{_escaped(package.name)}@{_escaped(version)}" + (f"?{told}" if told else "")


def _escaped(text: str) -> str:
    return quote(text, safe="-._~:")


def _other(kind: str, name: str, revision: str) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "application", "name": name, "properties": [{"name": "rasoat:kind", "value": kind}]}
    return found | ({"version": revision} if revision else {})


def _composition(snapshot: Snapshot) -> dict[str, Any]:
    """How whole the list is. Never "complete": what lies in home folders and containers is not looked for."""
    software = _software(snapshot)
    seen = software is not None and software.packages is not None
    return {"aggregate": "incomplete" if seen else "unknown", "assemblies": [snapshot.id]}


def _gaps(snapshot: Snapshot, software: Software | None) -> Iterator[dict[str, str]]:
    if software is None:
        record = snapshot.by_fact.get("software")
        yield {"name": "rasoat:not_seen", "value": record.reason or record.outcome if record else "software was not asked for"}
        return
    for entry in software.unseen:
        if entry.field in ("packages", "others"):
            yield {"name": f"rasoat:not_seen:{entry.field}", "value": f"{entry.outcome}: {entry.reason}"}


def _software(snapshot: Snapshot) -> Software | None:
    record = snapshot.by_fact.get("software")
    fact = record.typed() if record else None
    return fact if isinstance(fact, Software) else None


def _identity(snapshot: Snapshot) -> Identity | None:
    record = snapshot.by_fact.get("identity")
    fact = record.typed() if record else None
    return fact if isinstance(fact, Identity) else None
