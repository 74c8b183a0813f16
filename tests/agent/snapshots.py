"""Snapshots as an honest agent makes them, for tests that need no machine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from collectors.facts import FACTS
from collectors.model import Kind, Record, Snapshot, Source, Target, digest_of, new_id

WHEN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
IDENTITY = {
    "hostname": "web01",
    "os_id": "debian",
    "os_name": "Debian GNU/Linux 12 (bookworm)",
    "os_version": "12",
    "os_family": "debian",
    "kernel_release": "6.1.0-28-amd64",
    "kernel_version": None,
    "architecture": "x86_64",
    "machine_id": "0" * 32,
    "serial": None,
    "macs": (),
    "addresses": ("192.0.2.10",),
}
REMOTE = {"ssh_installed": True, "ssh_running": True, "effective": True}
CLOCK = {"software": "chrony", "running": True, "servers": ()}


def seen(fact: str, **fields: Any) -> Record:
    """A fact that was seen."""
    data = FACTS[fact](**fields).model_dump(mode="json")
    source = Source(kind="command", what=f"ask-{fact}", status=0, sha256="ab" * 32, at=WHEN)
    return Record(fact=fact, outcome="seen", data=data, sources=(source,))


def unseen(fact: str, outcome: Any, reason: str) -> Record:
    """A fact that was not."""
    return Record(fact=fact, outcome=outcome, reason=reason)


def snapshot(
    *records: Record, name: str = "web01", kind: Kind = Kind.SERVER, privileged: bool = True, at: float | None = None
) -> Snapshot:
    """One machine at one time."""
    return Snapshot(
        id=new_id(at),
        target=Target(name=name, kind=kind),
        collected_at=WHEN,
        seconds=0.4,
        collector="0.1.0",
        privileged=privileged,
        records=records,
        digest=digest_of(records),
    )


def healthy(**changes: Any) -> Snapshot:
    """A machine on which every check of the test pack passes."""
    return snapshot(
        seen("identity", **IDENTITY),
        seen("remote_access", **REMOTE, permit_root_login="no", max_auth_tries=3),
        seen("clock", **CLOCK, synchronised=True),
        **changes,
    )


def broken(**changes: Any) -> Snapshot:
    """A machine that fails, with one fact hidden from the account that looked."""
    return snapshot(
        seen("identity", **IDENTITY),
        seen("remote_access", **REMOTE, permit_root_login="yes", max_auth_tries=6),
        unseen("clock", "denied", "chronyc: 501 Not authorised"),
        **changes,
    )
