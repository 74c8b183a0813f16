"""What an agent says of a look that it stopped itself: it comes with its next question, and becomes an alarm of its machine."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import QueryDict

from server.assess import judge
from server.ingest.models import Agent, Machine

MOST = 60


def note(agent: Agent, said: QueryDict) -> None:
    """Signed by the agent, so only its length and letters are looked at. A limit that a newer agent names is shown as it is."""
    machine = Machine.objects.select_related("unit").filter(agent=agent, own=True).first()
    if machine is not None:
        detail = {name: _plain(said.get(name)) for name in ("allowed", "taken", "doing")}
        given = {name: text for name, text in detail.items() if text}
        judge.raise_alarm(machine, "agent-stopped", limit=_plain(said.get("stopped")), **given, **_moment(said.get("at")))


def _plain(text: str | None) -> str:
    return "".join(letter for letter in text or "" if letter.isprintable())[:MOST]


def _moment(text: str | None) -> dict[str, str]:
    try:
        return {"stopped_at": datetime.fromtimestamp(int(text or ""), UTC).isoformat()}
    except (ValueError, OverflowError, OSError):
        return {}
