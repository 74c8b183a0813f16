"""What an agent says of a look that it stopped itself becomes an alarm of its machine; nobody else can say it."""

from __future__ import annotations

import pytest
from django.test import Client

from server.assess.models import Alarm
from server.ingest.models import Machine
from tests.server.people import Host
from tests.server.test_work import WORK, ask

pytestmark = pytest.mark.django_db
SAID = f"{WORK}?stopped=memory&at=1796020000&allowed=400&taken=512.5&doing=software"


def test_it_becomes_an_alarm_that_counts_up(client: Client, host: Host, as_admin: Client) -> None:
    for _ in range(2):
        assert ask(client, host, SAID).json()["level"] == 2, "the answer is the usual one"
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.times) == ("agent-stopped", 2)
    assert alarm.detail == {
        "limit": "memory", "allowed": "400", "taken": "512.5", "doing": "software", "stopped_at": "2026-11-30T06:26:40+00:00",
    }  # fmt: skip
    page = as_admin.get(f"/machines/{Machine.objects.get(own=True).pk}/?tab=alarms").content.decode()
    assert "bị dừng giữa chừng" in page
    assert "512.5" in page


def test_only_under_the_agent_s_own_signature(client: Client, host: Host) -> None:
    assert ask(client, host, SAID, signed=WORK).json()["error"] == "forged"
    assert not Alarm.objects.exists()


@pytest.mark.parametrize("said", ["stopped=&at=x", "stopped=heat&at=99999999999999999&doing=%00%0a" + "a" * 500, "stopped=cpu"])
def test_a_newer_agent_s_word_is_shown_and_none_breaks_the_answer(client: Client, host: Host, said: str) -> None:
    assert ask(client, host, f"{WORK}?{said}").status_code == 200
    detail = Alarm.objects.get().detail
    assert all(isinstance(value, str) and value.isprintable() and len(value) <= 60 for value in detail.values())
    assert detail["limit"] == said.partition("&")[0].removeprefix("stopped=")
