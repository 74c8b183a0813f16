"""What every SNMP fact rests on: which device it is, its uptime, its chassis, its interfaces by number."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from collectors.devices.snmp_identity import Entry, generic, hints, recognised, shown, text
from collectors.errors import CollectError, Unparsable
from collectors.facts.base import Gaps
from collectors.transports.base import Snmp, Value

T = TypeVar("T")

DESCR, OBJECT, UPTIME, NAME = (f"1.3.6.1.2.1.1.{number}.0" for number in (1, 2, 3, 5))
PORTS = "1.3.6.1.2.1.2.1.0"
ENGINE_TIME = "1.3.6.1.6.3.10.2.1.3.0"
"""Seconds since the agent's start, which do not turn over as sysUpTime does after 497 days."""
HOST_UPTIME = "1.3.6.1.2.1.25.1.1.0"

PARENT, CLASS, ENTITY_NAME, FIRMWARE, SOFTWARE, SERIAL, MODEL = (
    f"1.3.6.1.2.1.47.1.1.1.1.{column}" for column in (4, 5, 7, 9, 10, 11, 13)
)
CHASSIS, POWER, STACK = 3, 6, 11

IF_NAME, IF_ALIAS, IF_CONNECTOR = (f"1.3.6.1.2.1.31.1.1.1.{column}" for column in (1, 18, 17))
IF_DESCR = "1.3.6.1.2.1.2.2.1.2"


class Device(NamedTuple):
    """The answer to the first question."""

    object_id: str
    descr: str
    name: str | None
    entry: Entry | None
    values: Mapping[str, Value]
    """What was asked beside, for version, model and serial number."""
    ports: int
    """ifNumber: about how many rows the interface tables have."""


async def device(agent: Snmp) -> Device:
    """Raises Unparsable for an agent that tells neither its object nor its description."""
    values = dict(await agent.get(DESCR, OBJECT, UPTIME, NAME, PORTS, HOST_UPTIME, ENGINE_TIME))
    object_id, descr = values.get(OBJECT), text(values.get(DESCR)) or ""
    if not isinstance(object_id, str) and not descr:
        raise Unparsable("the agent shows neither sysObjectID nor sysDescr; its view may leave out the system group")
    object_id = object_id if isinstance(object_id, str) else ""
    entry = recognised(object_id, descr)
    if entry is None or generic(object_id):
        beside = await agent.get(*hints())
        values.update(beside)
        entry = shown(object_id, descr, beside) or entry
    if entry is not None and entry.oids():
        values.update(await agent.get(*entry.oids()))
    ports = values.get(PORTS)
    return Device(object_id, descr, text(values.get(NAME)), entry, values, ports if isinstance(ports, int) else 8)


async def chassis(agent: Snmp) -> Mapping[str, str]:
    """Model, serial, software and firmware of the chassis in ENTITY-MIB; {} where there is none, or more than one without a stack.

    Row 1 is not always the chassis, so the class column is asked first, and then one row alone.
    """
    try:
        classes = (await agent.walk(CLASS, expect=8))[CLASS]
    except CollectError:
        return {}
    found = [index for index, kind in classes.items() if kind == CHASSIS]
    if not found:
        return {}
    # of a stack the first member speaks; model and serial number of the others stand in its own ENTITY-MIB rows
    index = found[0]
    fields = {"model": MODEL, "serial": SERIAL, "software": SOFTWARE, "firmware": FIRMWARE}
    values = await agent.get(*(f"{column}.{index}" for column in fields.values()))
    said = {field: text(values.get(f"{column}.{index}")) for field, column in fields.items()}
    return {field: value for field, value in said.items() if value}


def booted_at(device: Device, at: datetime) -> datetime | None:
    """Start of the device, to the minute; None where only the start of the agent's software is told.

    sysUpTime turns over after 497 days, and on a host it is the agent's own uptime.
    """
    host, ticks, seconds = (device.values.get(oid) for oid in (HOST_UPTIME, UPTIME, ENGINE_TIME))
    if isinstance(host, int):
        up = host / 100
    elif device.object_id.startswith(("1.3.6.1.4.1.8072.", "1.3.6.1.4.1.311.")):
        return None
    elif isinstance(ticks, int):
        up = max(ticks / 100, float(seconds) if isinstance(seconds, int) else 0.0)
    else:
        return None
    started = at - timedelta(seconds=up)
    return started.replace(second=0, microsecond=0)


async def port_names(agent: Snmp, ports: int) -> dict[str, str]:
    """ifIndex -> name, ifName before ifDescr: the names people type."""
    columns = await agent.walk(IF_DESCR, IF_NAME, expect=ports)
    names = {index: text(value) for index, value in columns[IF_DESCR].items()}
    names.update({index: said for index, value in columns[IF_NAME].items() if (said := text(value))})
    return {index: name or f"ifIndex {index}" for index, name in names.items()}


async def attempt(gaps: Gaps, fields: str | tuple[str, ...], answer: Awaitable[T]) -> T | None:
    """Gaps.attempt for a question on its way."""
    try:
        return await answer
    except CollectError as error:
        gaps.note(fields, error.outcome, str(error))
        return None


def mac(value: Value | None) -> str | None:
    """aa:bb:cc:dd:ee:ff; None for what is no hardware address, and for the zeros of a port without one."""
    if not isinstance(value, bytes) or len(value) != 6 or value == bytes(6):
        return None
    return value.hex(":")


def train(version: str) -> str | None:
    """The release line of a version: 15.2 of 15.2(7)E3, 7.4 of 7.4.3, R81.20, V200R019, WC.16."""
    found = re.match(r"V\d{3}R\d{3}|[A-Z]{1,2}\.\d+(?:\.\d+)?|R?\d+\.\d+", version)
    return found[0] if found else None
