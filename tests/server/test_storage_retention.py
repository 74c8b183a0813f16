"""Old snapshots go in slices; what anything still rests on stays."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from collectors.facts.configuration import Configuration
from collectors.model import Kind, Platform, Record, Target
from server.assess.models import Alarm, StoredAssessment
from server.configurations.models import Version
from server.findings.models import Head
from server.ingest.models import Machine, StoredSnapshot
from server.journal.models import Entry, broken_at
from server.storage import console, retention
from tests.server.people import Host, made, send, source

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


def sent(client: Client, host: Host, days: float, **changes: Any) -> str:
    snapshot = host.snapshot(age=timedelta(days=days), **changes)
    assert send(client, host.seal(snapshot, host.judged(snapshot))).status_code == 201
    return snapshot.id


def here() -> set[str]:
    return set(StoredSnapshot.objects.values_list("pk", flat=True))


def test_old_ones_go_and_the_newest_stays_however_old(
    client: Client, host: Host, another: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SLICE", 2)
    first = sent(client, host, 900)
    old = [sent(client, host, 800 + number) for number in range(5)]
    young = [sent(client, host, days) for days in (399, 30, 0)]
    silent = another("im-lặng")
    long_silent = [sent(client, silent, days) for days in (1000, 950, 900)]
    assert Head.objects.get(machine__name=host.name).first_snapshot.hex == first.replace("-", "")
    assert retention.prune() == len(old) + 1
    assert here() == {first, *young, long_silent[0], long_silent[-1]}, (
        "the first contact, the young, and the last word of the silent"
    )
    assert set(StoredAssessment.objects.values_list("snapshot", flat=True)) == here()
    assert Machine.objects.get(name="im-lặng").latest_id == long_silent[-1]
    assert retention.prune() == 0, "and again is nothing"


def test_what_an_open_alarm_is_about_stays_until_it_is_closed(client: Client, host: Host) -> None:
    sent(client, host, 900)
    seen = sent(client, host, 800)
    sent(client, host, 0)
    alarm = Alarm.objects.create(machine=Machine.objects.get(), kind="verdicts-differ", snapshot=seen)
    assert retention.prune() == 0
    alarm.closed_at = timezone.now()
    alarm.save()
    assert retention.prune() == 1
    assert seen not in here()


def test_what_showed_a_kept_configuration_stays(client: Client, host: Host) -> None:
    def shown(days: float, text: str) -> str:
        fact = made(Configuration, text=text, lines=1, digest="0" * 64)
        record = Record(
            fact=fact.NAME, version=fact.VERSION, outcome="seen", data=fact.model_dump(mode="json"), sources=(source("x"),)
        )
        target = Target(name="sw-1", kind=Kind.SWITCH, platform=Platform.CISCO_IOS, via="ssh")
        snapshot = host.snapshot(age=timedelta(days=days), extra=(record,)).model_copy(update={"target": target})
        assert send(client, host.seal(snapshot)).status_code == 201
        return snapshot.id

    shown(700, "a\n")
    first, _between, last = (shown(days, "b\n") for days in (650, 600, 10))
    shown(5, "c\n")
    retention.prune()
    kept = Version.objects.get(first_snapshot=first)
    assert kept.last_snapshot == last
    assert {first, last} < here()
    assert _between not in here()


def test_what_a_room_declares_stays(client: Client, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    sent(client, host, 900)
    wanted = sent(client, host, 800)
    gone = sent(client, host, 700)
    sent(client, host, 0)
    monkeypatch.setattr(retention, "_KEEPERS", [*retention._KEEPERS, lambda ids: [wanted]])
    assert retention.prune() == 1
    assert wanted in here()
    assert gone not in here()


def test_an_interrupted_one_goes_on_behind_the_machine_it_was_at(client: Client, host: Host, another: Any) -> None:
    for one in (host, another("hai"), another("ba")):
        for days in (900, 800, 0):
            sent(client, one, days)
    parts = retention.slices()
    count, machine = next(parts)
    assert (count, machine) == (1, Machine.objects.order_by("pk").first().pk)
    parts.close()
    assert [count for count, _machine in retention.slices(after=machine) if count] == [1, 1]


def test_the_job_is_cancelled_between_slices_and_says_what_it_did(
    client: Client, host: Host, another: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.storage.tasks import prune

    class Told:
        """What a task is given, as far as this one asks."""

        def __init__(self, kept: dict[str, Any], stop: bool) -> None:
            self.kept, self.stop = kept, stop

        def advance(self, count: int, **kept: Any) -> None:
            self.kept = kept
            if self.stop:
                raise KeyboardInterrupt

    for one in (host, another("hai")):
        for days in (900, 800, 0):
            sent(client, one, days)
    first = Told({}, stop=True)
    with pytest.raises(KeyboardInterrupt):
        prune.function(first)
    assert first.kept["removed"] == 1
    assert prune.function(Told(first.kept, stop=False)) == {"removed": 2}


def test_zero_keeps_everything(client: Client, host: Host, settings: Any) -> None:
    sent(client, host, 9000)
    sent(client, host, 8000)
    sent(client, host, 0)
    settings.CONFIG = settings.CONFIG.model_copy(update={"keep_snapshot_days": 0})
    assert retention.before() is None
    assert retention.prune() == 0


def test_the_command_says_so_in_the_journal(client: Client, host: Host, capsys: Any) -> None:
    sent(client, host, 900)
    sent(client, host, 800)
    sent(client, host, 0)
    assert console.prune(argparse.Namespace()) == 0
    assert "1" in capsys.readouterr().out.split()
    entry = Entry.objects.first()
    assert (entry.action, entry.detail) == ("snapshot.pruned", {"removed": 1})
    assert broken_at() is None
    assert console.prune(argparse.Namespace()) == 0
    assert Entry.objects.first() == entry, "nothing removed, nothing said"
