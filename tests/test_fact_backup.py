"""What recorded cases of `backup` cannot say."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError
from collectors.facts.backup import linux
from collectors.linux.backup_tools import backups, known, remote
from collectors.linux.cron import entries
from collectors.linux.timers import blocks, interval, moment
from tests.garbled import NOISE, changed, transcripts

TRANSCRIPTS = transcripts("backup")


@settings(deadline=None)
@given(text=NOISE)
def test_garbage_is_refused_in_words_or_holds_no_backup(text: str) -> None:
    with contextlib.suppress(CollectError):
        list(entries(text, "/etc/crontab", True))
    with contextlib.suppress(CollectError):
        blocks(text)
    with contextlib.suppress(CollectError):
        moment(text, UTC)
    interval(text)
    assert backups(text) == ()


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 50), text=NOISE)
def test_what_is_none_says_why(transcript: dict[str, Any], which: int, text: str) -> None:
    fact = linux(changed(transcript, which, lambda _: text))
    named = {entry.field for entry in fact.unseen}
    assert fact.agents is not None or "agents" in named
    for place in ("jobs", "agents"):
        for row in getattr(fact, place) or ():
            for column in type(row).model_fields:
                assert getattr(row, column) is not None or f"{place}[].{column}" in named, (place, column)


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 50), share=st.floats(0, 1))
def test_a_cut_off_answer_never_makes_a_success(transcript: dict[str, Any], which: int, share: float) -> None:
    whole = {(job.where, job.tool, job.last_success) for job in linux(changed(transcript, 0, lambda text: text)).jobs}
    for job in linux(changed(transcript, which, lambda text: text[: int(len(text) * share)])).jobs:
        assert job.last_success is None or (job.where, job.tool, job.last_success) in whole


@pytest.mark.parametrize(
    ("command", "tool"),
    [
        ("restic -r sftp:u@h:/x backup /srv", "restic"),
        ("sudo -u postgres nice -n 10 pg_dump shop > /mnt/x.sql", "pg_dump"),
        ("flock -n /run/x.lock /usr/bin/rclone sync /srv r:b", "rclone"),
        ('su - postgres -c "pg_dumpall -f /b/all.sql"', "pg_dump"),
        ("/bin/sh -c mongodump --archive=/b/m", "mongodump"),
        ("cd /srv && BORG_PASSPHRASE=x borg create /mnt/usb::a .", "borg"),
        ("tar czf /b/e.tgz /etc", "tar"),
        ("rsync -a /srv/ b@h:/v/", "rsync"),
    ],
)
def test_commands_that_make_a_backup(command: str, tool: str) -> None:
    assert [found.tool for found in backups(command)] == [tool]


@pytest.mark.parametrize(
    "command",
    [
        "restic snapshots", "restic restore latest", "borg prune --keep-daily 7", "borg list", "tar xzf a.tgz", "tar tf a.tar", "rsync --daemon",
        "# restic backup /", "echo backup", "timeshift --list", "logrotate /etc/logrotate.conf", "cd / && run-parts --report /etc/cron.daily",
        "dd if=/dev/zero of=/swap", "duplicity restore x y", "pgbackrest info", "rclone ls r:b",
    ],
)  # fmt: skip
def test_commands_that_make_none(command: str) -> None:
    assert backups(command) == ()


@pytest.mark.parametrize(
    "line",
    ["sudo " + "1=a " * 1000, "sudo " + "-n " * 1000, "a=b " * 1000, "-c " * 1300, "rsync " + "a " * 2000, "tar " + "c" * 4000],
)
def test_no_line_keeps_the_patterns_busy(line: str) -> None:
    """A pattern that runs away would never come back: the suite itself would stand still."""
    assert len(backups(line)) <= 1


def test_where_a_copy_goes() -> None:
    mounts = {"/": "ext4", "/mnt/nas": "nfs4"}
    assert remote("/mnt/nas/x.tar", mounts) is True
    assert remote("/mnt/nasty/x.tar", mounts) is False
    assert remote("/var/backups", mounts) is False
    assert remote("backup@10.0.0.5:/vol", mounts) is True
    assert remote("/var/backups", {}) is None
    assert remote(None, mounts) is None


@pytest.mark.parametrize(
    ("schedule", "days"),
    [("0 2 * * *", 1), ("*/5 * * * *", 1), ("0 3 * * sun", 7), ("0 3 * * 1-5", 3), ("0 0 1,15 * *", 17), ("0 0 13 * 5", 7), ("0 0 31 * *", 62), ("0 0 1 1 *", None), ("@weekly", 7), ("@reboot", None)],
)  # fmt: skip
def test_how_often_cron_starts(schedule: str, days: int | None) -> None:
    assert [entry.every_days for entry in entries(f"{schedule} x", "/var/spool/cron/root", False)] == [days]


@pytest.mark.parametrize(
    ("calendar", "days"),
    [("*-*-* 06,18:00:00", 1), ("Sun *-*-* 02:00:00", 7), ("Mon..Fri *-*-* 01:00:00", 3), ("*-*-01 00:00:00", 31), ("*-*-31 00:00:00", 62), ("weekly", 7), ("2026-01-01 00:00:00", None), ("*-01-01 00:00:00", None)],
)  # fmt: skip
def test_how_often_a_timer_elapses(calendar: str, days: int | None) -> None:
    assert interval(calendar) == days


def test_every_tool_and_agent_of_the_data_is_sound() -> None:
    for tool in known().tools:
        for pattern in (tool.command, tool.target, tool.words):
            assert re.compile(pattern).groups == (0 if pattern in (tool.command, "") else 1), tool.id
    ids = [one.id for one in (*known().tools, *known().agents)]
    assert len(ids) == len(set(ids))
    assert all(agent.processes and agent.units and agent.paths for agent in known().agents)
