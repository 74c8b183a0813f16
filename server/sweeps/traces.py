"""What a stored report shows of contacts, names and programs; and what of that could not be looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final, NamedTuple

from server.sweeps.book import Book, Found
from server.sweeps.codes import ABSENT, CONTAINERS, LOOKED_IN, NEVER, NOT_KEPT

_FACTS: Final = ("identity", "activity", "listening", "configuration")
_FIELDS: Final = {
    "connections": "connections",
    "dns-servers": "dns_servers",
    "dns-cache": "dns_cache",
    "hosts-file": "hosts",
    "startup": "startup",
    "processes": "processes",
}
"""Source -> field of the fact activity."""


_RUNTIMES: Final = frozenset({
    "containerd-shim", "conmon", "conmonrs", "lxc-start", "lxd", "incusd", "crun", "systemd-nspawn",
    "containerd-shim-runhcs-v1.exe", "cexecsvc.exe", "vmmem", "vmmemwsl",
})  # fmt: skip
"""Processes, as the kernel cuts their names, that run containers in networks of their own; of Windows also WSL 2. Small letters."""


class Trace(NamedTuple):
    """One thing that may be an indicator."""

    source: str
    what: str
    """address · name · host (either) · process"""
    value: str
    place: str


class Hit(NamedTuple):
    """An indicator that a report shows."""

    found: Found
    source: str
    place: str


@dataclass
class Traces:
    """Of one report."""

    shown: list[Trace] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    """Sources that were looked at, whatever they held."""
    missing: dict[str, str] = field(default_factory=dict)
    """Source -> why it could not be looked at."""
    configuration: str | None = None
    configuration_missing: str = ""

    def knows(self, kind: str) -> bool:
        return all(source in self.looked for source in LOOKED_IN[kind])


def read(records: Iterable[Mapping[str, Any]]) -> Traces:
    """From the records of a snapshot. A source that is not there is never an empty one."""
    seen: dict[str, Mapping[str, Any]] = {}
    whys: dict[str, str] = {}
    for record in records:
        name = record["fact"]
        if name in _FACTS:
            if record["outcome"] == "seen" and record.get("data") is not None:
                seen[name] = record["data"]
            else:
                whys[name] = f"{record['outcome']}: {record.get('reason', '')}"
    found = Traces(missing=dict.fromkeys(NEVER, ""))
    for source in NEVER:
        found.missing[source] = source
    _activity(found, seen.get("activity"), whys.get("activity", ABSENT))
    _own(found, seen.get("identity"), whys.get("identity", ABSENT))
    # which programs listen shows some that run, and proves no absence
    for socket in (seen.get("listening") or {}).get("sockets") or ():
        if socket.get("process"):
            place = f"{socket['protocol']} {socket['port']} {socket['process']}"
            found.shown.append(Trace("listening", "process", socket["process"], place))
    _configuration(found, seen.get("configuration"), whys.get("configuration", ABSENT))
    return found


def hits(traces: Traces, book: Book) -> list[Hit]:
    """What of the lists the report shows, each indicator once for each source."""
    asks = {"address": book.addresses, "name": book.names, "host": book.hosts, "process": book.processes}
    places: dict[tuple[Found, str], list[str]] = defaultdict(list)
    for trace in traces.shown:
        for found in asks[trace.what](trace.value):
            held = places[found, trace.source]
            if len(held) < 3 and trace.place not in held:
                held.append(trace.place)
    return [Hit(found, source, " · ".join(where)[:300]) for (found, source), where in places.items()]


def _activity(found: Traces, fact: Mapping[str, Any] | None, why: str) -> None:
    reasons = {entry["field"]: f"{entry['outcome']}: {entry['reason']}" for entry in (fact or {}).get("unseen") or ()}
    for source, name in _FIELDS.items():
        if fact is None:
            found.missing[source] = why
        elif fact.get(name) is None:
            found.missing[source] = reasons.get(name, ABSENT)
        else:
            found.shown.extend(_SHOW[source](fact[name]))
            # what is seen is seen; where that is not all, nothing can be said of the rest
            if why_not_all := reasons.get(f"{name}[]") or _beyond(source, fact, reasons):
                found.missing[source] = why_not_all
            else:
                found.looked.append(source)


def _beyond(source: str, fact: Mapping[str, Any], reasons: Mapping[str, str]) -> str:
    """Why there may be more than what is told; empty: that is all."""
    if source == "connections":
        return _behind(fact, reasons)
    if source == "startup":
        return reasons.get("startup[].hosts", "")
    return NOT_KEPT if source == "dns-cache" and not fact["dns_cache"] else ""


def _behind(fact: Mapping[str, Any], reasons: Mapping[str, str]) -> str:
    """Why there may be connections of containers, which are not seen from outside; empty: none run there."""
    if fact.get("processes") is None:
        return reasons.get("processes", ABSENT)
    return CONTAINERS if _RUNTIMES & {name.casefold() for name in fact["processes"]} else reasons.get("processes[]", "")


def _own(found: Traces, fact: Mapping[str, Any] | None, why: str) -> None:
    if fact is None or fact.get("addresses") is None:
        unseen = (fact or {}).get("unseen") or ()
        told = (f"{one['outcome']}: {one['reason']}" for one in unseen if one["field"] == "addresses")
        found.missing["own-addresses"] = next(told, why)
        return
    found.looked.append("own-addresses")
    found.shown.extend(Trace("own-addresses", "address", one, one) for one in fact["addresses"])


def _configuration(found: Traces, fact: Mapping[str, Any] | None, why: str) -> None:
    found.configuration = (fact or {}).get("text")
    if found.configuration is None:
        unseen = (fact or {}).get("unseen") or ()
        told = (f"{one['outcome']}: {one['reason']}" for one in unseen if one["field"] == "text")
        found.configuration_missing = next(told, why)


def _connections(rows: Iterable[Mapping[str, Any]]) -> Iterator[Trace]:
    for one in rows:
        arrow = "←" if one.get("incoming") else "→"
        place = f"{arrow} {one['protocol']} {one['address']} {one['port']} {one.get('process') or '?'}"
        yield Trace("connections", "address", one["address"], place)


def _hosts(rows: Iterable[Mapping[str, Any]]) -> Iterator[Trace]:
    """A name that the file sends to nowhere is held off, not asked for."""
    for one in rows:
        place = f"{one['address']} {' '.join(one['names'])}"
        yield Trace("hosts-file", "address", one["address"], place)
        if not _nowhere(one["address"]):
            yield from (Trace("hosts-file", "name", name, place) for name in one["names"])


def _nowhere(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    return address.is_loopback or address.is_unspecified


def _startup(rows: Iterable[Mapping[str, Any]]) -> Iterator[Trace]:
    for one in rows:
        yield from (Trace("startup", "process", name, f"{one['place']}: {name}") for name in one["programs"])
        yield from (Trace("startup", "host", host, f"{one['place']}: {host}") for host in one["hosts"])


_SHOW: Final[Mapping[str, Callable[[Any], Iterable[Trace]]]] = {
    "connections": _connections,
    "hosts-file": _hosts,
    "startup": _startup,
    "dns-servers": lambda rows: (Trace("dns-servers", "address", one, one) for one in rows),
    "dns-cache": lambda rows: (Trace("dns-cache", "name", one, one) for one in rows),
    "processes": lambda rows: (Trace("processes", "process", one, one) for one in rows),
}
