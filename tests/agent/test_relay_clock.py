"""A relay signs by the centre's clock once that calls its own wrong, and by another one as soon as either is put right."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from agent.relay.forward import Upstream
from agent.relay.settings import Settings
from agent.upload import Reply
from tests.agent.test_relay import AGENT, CENTRE

DAY = 86400


class Far:
    """The centre: takes what is signed within ten minutes of its own time."""

    base = ""

    def __init__(self) -> None:
        self.ahead = 0.0

    def ask(self, _method: str, _path: str, _body: bytes | None, headers: dict[str, str]) -> Reply:
        at = int(headers["Rasoat-Relay"].split()[1])
        if abs(at - time.time() - self.ahead) > 600:
            return Reply(401, {"error": "relay-clock"}, self.ahead)
        return Reply(200, {}, self.ahead)


def test_it_follows_the_centre_there_and_back() -> None:
    identity: Any = SimpleNamespace(id=AGENT, key=bytes(range(32)), url="http://127.0.0.1:1", centre=CENTRE)
    line, far = Upstream(Settings(), identity), Far()
    line._collector = far  # type: ignore[assignment]
    for days in (0, 20, 0, -5, 5, 0):
        far.ahead = days * DAY
        assert line.ask("POST", "/api/v1/relays/me/report", b"{}").status == 200, days
