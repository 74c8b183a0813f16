"""An agent and a relay with what has not been sent yet: made by their own code, against the collector that was filled.

The agent's look is the only part that is not its own: what it would see here are facts of the machine that builds the release.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from agent.config import Config
from agent.enrol import enrol
from agent.errors import Undelivered
from agent.once import once
from agent.spool import Spool
from agent.terminal import Progress
from tests.releases.found import Office
from tests.server.people import Host
from tests.server.relays import Agent, Relay

NOWHERE = "http://127.0.0.1:9"
QUIET = Progress(quiet=True)
AGENT, BEHIND, RELAY = "agent", "behind", "relay"


@contextmanager
def seen(name: str, age: timedelta, **changes: Any) -> Iterator[None]:
    """The agent looks, and sees a machine of that name."""
    snapshot = Host(name).snapshot(age, **changes)
    with patch("agent.looking.look", return_value=snapshot), patch("collectors.run.collect", return_value=snapshot):
        yield


def token(office: Office, unit: str) -> str:
    return office.command("token", "new", "--unit", unit, "--quiet").stdout.strip()


def alone(folder: Path, office: Office) -> list[str]:
    """An agent that has delivered once, and then twice could not; the ids of what waits."""
    config = Config(
        state_dir=folder, tries=1, retry_seconds=0.01, limit_memory_mb=1 << 20, limit_cpu_seconds=86400, limit_minutes=1440
    )
    with seen("may-cho", timedelta(hours=3)):
        enrol(office.url, token(office, "TN"), None, "may-cho", "server", config, QUIET)
        once(config, QUIET)
    away = replace(config, url=NOWHERE)
    for hours, permit in ((2, "no"), (1, "yes")):
        with seen("may-cho", timedelta(hours=hours), permit_root_login=permit):
            try:
                once(away, QUIET)
            except Undelivered:
                continue
            raise AssertionError("nobody is there, and it was delivered")
    return [entry.id for entry in Spool(folder, 1 << 26).waiting()]


def through(folder: Path, state: Path, office: Office) -> dict[str, Any]:
    """A relay that holds two reports of a host behind it, because the collector went away; who that host is, and their ids."""
    relay = Relay(folder, office)
    relay.start()
    try:
        agent = Agent(state, Host("may-sau-tram"))
        assert agent.enrol(relay.url, token(office, "TN"))
        agent.look(age=timedelta(hours=3))
        agent.run(relay.url)
        assert relay.drained()
        assert agent.run(relay.url).sent
        office.stop()
        held = [agent.look(age=timedelta(hours=hours)) for hours in (2, 1)]
        assert agent.run(relay.url).kept == held
    finally:
        relay.stop()
    assert agent.centre
    key = base64.b64encode(agent.host.private).decode()
    return {"name": agent.host.name, "agent": agent.host.agent, "key": key, "centre": agent.centre.document(), "held": held}
