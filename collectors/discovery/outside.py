"""Snapshots of hosts as seen from outside: what discovery hands to whoever judges.

Each is a target of its own (`nmap:ADDRESS`): under the machine's name it would take the place of what the machine said itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from collectors import VERSION
from collectors.discovery.result import Found
from collectors.discovery.sweep import Swept
from collectors.facts import exposure
from collectors.facts.listening import Listening
from collectors.model import Kind, Platform, Record, Snapshot, Source, Target, digest_of, new_id

LISTENING_DAYS = 7
"""A host's own list of sockets that is older says little about today's."""

Own = tuple[frozenset[int], datetime] | str
"""The TCP ports a host says it exposes and when, or why there is no such list."""


def snapshots(
    swept: Swept, hosts: Iterable[Found], kinds: dict[str, Kind], own: Iterable[Snapshot], at: datetime
) -> Iterator[Snapshot]:
    """One per host whose services were asked. `kinds`: register name -> what it is; `own`: what hosts said of themselves."""
    known = {host.address: host.known for host in hosts}
    lists = tuple(own)
    for host, answer in swept.hosts():
        if "tcp" not in answer.result.asked:
            continue
        name = known.get(host.address)
        fact = exposure.outside(host, answer.result, listening_of(name, host.address, lists, at))
        source = Source(
            kind="command", what=answer.command, status=0, sha256=hashlib.sha256(answer.raw.encode()).hexdigest(), at=at
        )
        record = Record(
            fact=fact.NAME, version=fact.VERSION, outcome="seen", data=fact.model_dump(mode="json"), sources=(source,)
        )
        yield Snapshot(
            id=new_id(),
            target=Target(
                name=f"nmap:{host.address}",
                kind=kinds.get(name or "", Kind.OTHER),
                platform=Platform.OUTSIDE,
                via="nmap",
                address=host.address,
                labels=(name,) if name else (),
            ),
            collected_at=at,
            seconds=0.0,
            collector=VERSION,
            privileged="udp" in answer.result.asked,
            records=(record,),
            digest=digest_of((record,)),
        )


def listening_of(name: str | None, address: str, lists: Iterable[Snapshot], at: datetime) -> Own:
    """The newest list of sockets of the host of that name or address."""
    best: tuple[frozenset[int], datetime] | None = None
    for snapshot in lists:
        if snapshot.target.via == "nmap" or not (snapshot.target.name == name or snapshot.target.address == address):
            continue
        record = snapshot.by_fact.get("listening")
        fact = record.typed() if record else None
        if isinstance(fact, Listening) and (best is None or snapshot.collected_at > best[1]):
            best = frozenset(fact.exposed_tcp_ports), snapshot.collected_at
    if best is None:
        return "no snapshot of the host itself was given to compare with"
    if abs(at - best[1]) > timedelta(days=LISTENING_DAYS):
        return f"the host's own list is of {best[1]:%Y-%m-%d}: more than {LISTENING_DAYS} days from this scan"
    return best
