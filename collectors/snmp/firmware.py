"""Which software runs on the device: the version, as far as SNMP tells it."""

from __future__ import annotations

from collectors.devices.releases import placed
from collectors.devices.snmp_identity import described
from collectors.errors import Unsupported
from collectors.facts.base import Gaps
from collectors.facts.firmware import Firmware
from collectors.snmp.device import chassis, device, train
from collectors.snmp.identity import HOSTS
from collectors.transports.base import Snmp


async def snmp(agent: Snmp) -> Firmware:
    """Raises Unsupported for hosts, and where the version stands nowhere we know."""
    seen = await device(agent)
    if seen.entry is not None and seen.entry.platform in HOSTS:
        raise Unsupported("a host has no firmware of the kind a network device has; its updates are asked on the host itself")
    told = described(seen.entry, seen.descr, seen.values, await chassis(agent)) if seen.entry else None
    if seen.entry is None or told is None or told.version is None:
        raise Unsupported("the agent tells no version where we know to look for it")
    gaps = Gaps()
    gaps.note(
        ("next_boot", "pending_restart", "signatures_dated"), "unsupported", "SNMP does not tell; ask over the command line"
    )
    line = train(told.version)
    if line is None:
        gaps.note("train", "unsupported", f"no release line is known in the version {told.version}")
    fact = placed(seen.entry.platform, Firmware(version=told.version, train=line, support_ends=None, unseen=gaps.unseen))
    assert isinstance(fact, Firmware)
    return fact
