"""What is this device? From sysDescr, sysObjectID, ENTITY-MIB and the maker's own objects."""

from __future__ import annotations

import ipaddress
import re

from collectors.devices.snmp_identity import described
from collectors.errors import Unsupported
from collectors.facts.base import Gaps
from collectors.facts.identity import Identity
from collectors.model import Platform
from collectors.redact import redact
from collectors.snmp.addresses import addresses
from collectors.snmp.device import Device, attempt, booted_at, chassis, device, mac
from collectors.snmp.interfaces import IF_TYPE, PHYSICAL
from collectors.transports.base import Snmp

IF_MAC = "1.3.6.1.2.1.2.2.1.6"
HOSTS = {Platform.LINUX: "linux", Platform.WINDOWS: "windows"}

_NO_SAY = ("os_codename", "architecture", "machine_id", "virtualization", "desktop")
_KERNEL = re.compile(r"Linux \S+ (?P<release>\S+) (?P<version>#.+?)(?: \w+)?$", re.S)


async def snmp(agent: Snmp) -> Identity:
    gaps = Gaps()
    seen = await device(agent)
    entry = seen.entry
    told = described(entry, seen.descr, seen.values, await chassis(agent)) if entry else None
    who = entry.name if entry else f"sysObjectID {seen.object_id or 'unknown'}"
    fields = dict(told._asdict() if told else {"version": None, "model": None, "serial": None})
    for field, value in fields.items():
        if value is None:
            gaps.note(
                "os_version" if field == "version" else field, "unsupported", f"the agent shows no {field} where {who} keeps it"
            )
    if entry is None:
        gaps.note(
            "vendor", "unsupported", f"no maker is known for sysObjectID {seen.object_id or '(none)'} with this description"
        )
    elif entry.vendor is None:
        gaps.note("vendor", "unsupported", "the agent's software tells nothing of the maker of the machine")
    if seen.name is None:
        gaps.note("hostname", "unsupported", "the agent has no sysName")
    kernel = _KERNEL.match(seen.descr) if entry and entry.platform is Platform.LINUX else None
    if kernel is None:
        gaps.note(("kernel_release", "kernel_version"), "unsupported", "the agent tells of no kernel")
    gaps.note(_NO_SAY, "unsupported", "SNMP does not tell")
    started = booted_at(seen, agent.at)
    if started is None:
        gaps.note("booted_at", "unsupported", "the agent tells only how long its own software runs")
    return Identity(
        hostname=seen.name,
        os_id=entry.os_id if entry else "unknown",
        os_name=redact((seen.descr.splitlines() or [who])[0].strip()[:200]) or who,
        os_version=fields["version"],
        os_family=HOSTS.get(entry.platform, "network") if entry else "network",
        kernel_release=kernel["release"] if kernel else None,
        kernel_version=kernel["version"] if kernel else None,
        architecture=None,
        machine_id=None,
        serial=fields["serial"],
        vendor=entry.vendor if entry else None,
        model=fields["model"],
        macs=await attempt(gaps, "macs", _macs(agent, seen)),
        addresses=await attempt(gaps, "addresses", _addresses(agent)),
        booted_at=started,
        unseen=gaps.unseen,
    )


async def _macs(agent: Snmp, seen: Device) -> tuple[str, ...]:
    columns = await agent.walk(IF_TYPE, IF_MAC, expect=seen.ports)
    found = {mac(value) for index, value in columns[IF_MAC].items() if columns[IF_TYPE].get(index) in PHYSICAL}
    if not columns[IF_TYPE]:
        raise Unsupported("the agent shows no interfaces")
    return tuple(sorted(found - {None}))  # type: ignore[arg-type]


async def _addresses(agent: Snmp) -> tuple[str, ...]:
    found = await addresses(agent)
    kept = {ipaddress.ip_interface(text).ip for texts in found.values() for text in texts}
    own = [address for address in kept if not (address.is_loopback or address.is_link_local or address.is_unspecified)]
    if not own:
        raise Unsupported("the agent shows no addresses of its own")
    return tuple(map(str, sorted(own, key=lambda address: (address.version, str(address)))))
