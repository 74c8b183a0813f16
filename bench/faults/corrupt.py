"""Bytes of a file that turn, a file cut short, a file of zeros: while its part is stopped and while it runs.

What is expected: refused with the name of the file, or set aside, never believed; and not lost where another copy is left. Where the
damaged file was the only copy (a report that waits in its agent's spool), it must lie in refused/ with the reason.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import psycopg

from agent.state import State
from bench.faults.account import told_and_there
from bench.faults.harm import HARMS, flip, overwrite, truncate, zero
from bench.faults.hosts import Agent
from bench.faults.kill import judged_by
from bench.faults.line import REFUSE
from bench.faults.programs import until
from bench.faults.site import SYSTEMD, Site
from tests.server.running import ROOT

DAMAGED, NAMED = "file damaged", "named_the_file"


def _named(site: Site, path: Path, said: str) -> None:
    """It says which file."""
    assert path.name in said, f"{path.name} is not named: {said[-500:]}"
    site.beyond[NAMED] = site.beyond.get(NAMED, 0) + 1


# -- agent -----------------------------------------------------------------------------------------------------------------


def agent(site: Site, rounds: int) -> set[str]:
    """Reports in the spool, what it remembers, who it is, its key."""
    damaged: set[str] = set()
    for number in range(rounds):
        site.look(3)
        running = site.deliver() if number % 2 else []  # while it runs, or before
        for one in site.agents:
            if waiting := one.waiting:
                name = site.chance.choice(waiting)
                try:
                    HARMS[number % len(HARMS)](one.kept_aside(name), site.chance)
                except (StopIteration, FileNotFoundError, ValueError):
                    continue  # it was quicker, and is gone from there
                site.did(DAMAGED)
                damaged.add(name)
        for one, process in zip(site.agents, running, strict=False):
            one.ended(process)
        for one in site.agents:
            for path in sorted(one.folder.glob("*.json")):
                # without contact.json nobody knows of the last scan, and it makes one: enough of one of them
                if path.name != "identity.json" and (path.name != "contact.json" or one is site.agents[number % 4]):
                    HARMS[site.chance.randrange(3)](path, site.chance)
                    site.did(DAMAGED)
            for path in (one.folder / "acknowledged").glob("*.sealed"):
                flip(path, site.chance)
                site.did(DAMAGED)
        site.drain(refused=True)
        told_and_there(site)
    for one in site.agents:
        damaged -= {name for name in damaged if name in one.acknowledged}  # read before it was damaged: it is held to its bytes
    for number, harm in enumerate((partial(flip, within=slice(0, 60)), truncate, zero)):
        _who_it_is(site, site.agents[number % len(site.agents)], "identity.json", harm)
        _who_it_is(site, site.agents[number % len(site.agents)], "key", harm)
    _enrolled_again(site, site.agents[1])
    site.drain()
    return damaged


def _who_it_is(site: Site, one: Agent, name: str, harm: Callable[[Path, random.Random], None]) -> None:
    """It refuses to run, and sends nothing; with the file as it was, all is as it was."""
    path = one.folder / name
    before = path.read_bytes()
    one.look(site.chance)
    harm(path, site.chance)
    site.did(DAMAGED)
    code = one.ended(one.deliver())
    assert code == 2, (code, one.said[-1:])
    _named(site, path, one.said[-1])
    overwrite(path, before)


def _enrolled_again(site: Site, one: Agent) -> None:
    """As its refusal says: remove the file, enrol again; the same key is the same machine, and its spool is sent."""
    one.look(site.chance)
    path = one.folder / "identity.json"
    flip(path, site.chance)
    site.did(DAMAGED)
    path.unlink()
    token = site.collector.command("token", "new", "--quiet").stdout.strip()
    code = one.ended(one.run("enrol", site.front.url, "--token", token, "--name", one.host.name))
    assert code == 0, one.said[-1:]
    assert (State(one.folder).read("identity.json") or {})["agent_id"] == one.host.agent, "it stays the same machine"
    site.came_back("rasoat agent enrol")


# -- relay -----------------------------------------------------------------------------------------------------------------


def relay(site: Site, rounds: int) -> None:
    """Everything it has, one file after the other: its agents still hold what it holds, and the centre says again what it said."""
    for number in range(rounds):
        site.upstream.strike(REFUSE)
        site.look(3)
        site.ended(site.deliver())
        assert site.relay_waits() > 0
        stopped = number % 2 == 0
        if stopped:
            site.relay.stop()
        for path in sorted(path for part in ("spool", "agents", "packs") for path in (site.relay.folder / part).glob("*.*")):
            if site.chance.random() < 0.7:
                HARMS[site.chance.randrange(3)](path, site.chance)
                site.did(DAMAGED)
        for name in ("report.json", "dropped.log"):
            if (path := site.relay.folder / name).exists():
                flip(path, site.chance)
                site.did(DAMAGED)
        if not stopped:
            site.relay.stop()  # what it had in memory is right; the next start reads
        site.relay.start()
        site.upstream.mend()
        site.drain()
        told_and_there(site)
    for name in ("relay.json", "relay.yaml", "key"):
        path = site.relay.folder / name
        before = path.read_bytes()
        site.relay.stop()
        half = len(before) // 2
        overwrite(path, before[:half] + (b"\x00" + before[half:] if name == "relay.yaml" else b""))
        site.did(DAMAGED)
        _named(site, path, _refuses(site.relay.words, dict(site.relay.environment)))
        overwrite(path, before)
        site.came_back("files back from a copy")
        site.relay.start()
    site.look(1)
    site.drain()


def _refuses(words: list[str], environment: dict[str, str]) -> str:
    """It does not start, and says why without a traceback."""
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env={**os.environ, "LC_ALL": "C.UTF-8", **environment}, text=True, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2, (done.returncode, done.stderr[-500:])
    assert "Traceback" not in done.stderr, done.stderr[-1500:]
    return done.stderr


# -- server ----------------------------------------------------------------------------------------------------------------


def server(site: Site, rounds: int) -> None:
    """Settings, keys, packs. They come back from the backup, or from another machine of the same collector."""
    site.worker.start()
    data = site.collector.data
    backup = site.folder / "backup"
    backup.mkdir()
    site.collector.command("backup", str(backup))
    file = next(backup.glob("*.backup"))
    for number, name in enumerate(("settings.toml", "secret.key", "centre.key") * max(1, rounds // 2)):
        path = data / name
        before = path.read_bytes()
        site.look(2)
        running = site.deliver()
        HARMS[number % len(HARMS)](path, site.chance)  # while it runs: it goes on by what it read, or refuses what it cannot open
        site.did(DAMAGED)
        site.ended(running)
        told_and_there(site)
        site.web.stop()
        overwrite(path, b"\xff" + before[1 : max(2, len(before) // 2)])
        site.did(DAMAGED)
        _named(site, path, _refuses(site.web.words, site.web.environment))
        overwrite(path, _from_backup(site, file, name) if name != "settings.toml" else before)
        site.came_back("rasoat server restore")
        site.web.start()
        told_and_there(site)
    pack = next((data / "packs").rglob("servers.yaml"))
    before = pack.read_bytes()
    flip(pack, site.chance, slice(0, 20))
    overwrite(pack, b"\x00" + before)
    site.did(DAMAGED)
    site.look(2)
    site.ended(site.deliver())  # judged by the one in force
    overwrite(pack, before)
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    overwrite(file, bytes(damaged))
    site.did(DAMAGED)
    done = site.collector.command("backup", "verify", str(file), "--lang", "en", check=False)
    assert done.returncode, done
    _named(site, file, done.stdout + done.stderr)
    site.drain()


def _from_backup(site: Site, file: Path, name: str) -> bytes:
    """As docs/storage.md says: restored into an empty directory and database; the file is taken from there."""
    assert site.database
    place = site.folder / "restored"
    shutil.rmtree(place, ignore_errors=True)
    site.database.sql("DROP DATABASE IF EXISTS restored")
    site.database.sql("CREATE DATABASE restored TEMPLATE template0")
    site.collector.command("restore", str(file), "--data", str(place), "--database", site.database.url("restored"))
    return (place / name).read_bytes()


# -- worker ----------------------------------------------------------------------------------------------------------------


def worker(site: Site, rounds: int) -> None:
    """What jobs were told, what they kept to go on, the message that they are due: in rows of the database."""
    harms = (
        "UPDATE background_job SET arguments = '{\"nonsense\": 1}' WHERE pk = %s",
        'UPDATE background_job SET kept = \'{"after": "x", "judged": null}\' WHERE pk = %s',
        "UPDATE background_job SET name = 'assess.nothing' WHERE pk = %s",
        'UPDATE django_tasks_database_dbtaskresult SET args_kwargs = \'{"args": [], "kwargs": {"job": "x"}}\' WHERE id = (SELECT delivery FROM background_job WHERE id = %s)',
        "UPDATE django_tasks_database_dbtaskresult SET task_path = 'no.such.task' WHERE id = (SELECT delivery FROM background_job WHERE id = %s)",
    )
    assert site.database
    level = 2
    for number, harm in enumerate(harms):
        site.worker.stop()
        level = 3 + number % 2
        site.collector.command("unit", "set", "Sở", "--level", str(level))
        with closing(psycopg.connect(site.database.url(), autocommit=True)) as session:
            found = session.execute(
                "SELECT id FROM background_job WHERE name = 'assess.rejudge' AND state = 'waiting' ORDER BY id DESC"
            ).fetchone()
            assert found
            changed = session.execute(harm.replace("pk =", "id ="), found).rowcount  # type: ignore[arg-type]
            assert changed == 1, harm
        site.did("row damaged")
        site.look(2)
        running = site.deliver()
        site.worker.start()
        site.ended(running)
        until(lambda job=found[0]: _ended(site, job), f"job {found[0]} ends: {harm}: {site.worker.log()[-2500:]}", every=0.3)
        assert site.worker.alive, site.worker.log()[-2000:]
        state, error = site.collector.rows(f"SELECT state, error FROM background_job WHERE id = {found[0]}")[0]
        site.beyond["jobs_failed_by_name"] = site.beyond.get("jobs_failed_by_name", 0) + (state == "failed" and bool(error))
    site.collector.command("rejudge")
    site.came_back("rasoat server rejudge")
    site.drain()
    judged_by(site, level)


def _ended(site: Site, job: int) -> bool:
    return site.collector.rows(f"SELECT state FROM background_job WHERE id = {job}")[0][0] in ("done", "failed", "cancelled")


# -- database --------------------------------------------------------------------------------------------------------------


def database(site: Site, rounds: int) -> None:
    """A page of the table of snapshots, found by its checksum. Once a base copy and the log, once `rasoat server restore` of a backup."""
    site.worker.start()
    for number in range(max(2, rounds - rounds % 2)):
        if number % 2:
            _by_backup(site)
        else:
            _by_log(site)
        site.drain()
        told_and_there(site)


def _report(site: Site) -> None:
    site.look(1)
    site.drain()


def _by_log(site: Site) -> None:
    """PostgreSQL's own way: a base copy, and the log since then, which lies on the disk beside; nothing that was acknowledged is missing."""
    assert site.database
    copy = site.database.folder.parent / "base-copy"
    subprocess.run(["rm", "-rf", str(copy)], check=True)
    copy.mkdir()
    shutil.chown(copy, "postgres", "postgres")
    done = site.database.tool("pg_basebackup", "-h", "127.0.0.1", "-p", str(site.database.port), "-U", "rasoat", "-X", "none", "--checkpoint=fast", "-D", copy / "data")  # fmt: skip
    assert done.returncode == 0, done.stderr
    for _ in range(3):
        _report(site)
    _damage(site)
    data = site.database.data
    shutil.rmtree(copy / "data" / "pg_wal")
    subprocess.run(["cp", "-a", data / "pg_wal", copy / "data"], check=True)
    (copy / "data" / "backup_label").chmod(0o600)
    subprocess.run(["rm", "-rf", str(data)], check=True)
    subprocess.run(["mv", str(copy / "data"), str(data)], check=True)
    (data / "recovery.signal").touch()
    shutil.chown(data / "recovery.signal", "postgres", "postgres")
    site.database.settings = site.database.settings | {"restore_command": "false"}
    _comes_back(site, "PostgreSQL: base copy and log")


def _by_backup(site: Site) -> None:
    """Ours: what came after the backup is sent again by agents that still hold it."""
    assert site.database
    backup = site.folder / "backup"
    shutil.rmtree(backup, ignore_errors=True)
    backup.mkdir()
    site.collector.command("backup", str(backup))
    since = 3
    for _ in range(since):
        _report(site)
    site.beyond["reports_of_each_since_the_backup"] = since
    _damage(site)
    site.web.stop()
    site.worker.stop()
    subprocess.run(["rm", "-rf", str(site.database.data)], check=True)
    site.database.anew()
    site.database.start()
    site.database.sql(f"CREATE DATABASE {site.database.NAME} TEMPLATE template0")
    place = site.folder / "restored"
    shutil.rmtree(place, ignore_errors=True)
    site.collector.command("restore", str(next(backup.glob("*.backup"))), "--data", str(place), "--database", site.database.url())
    site.came_back("rasoat server restore")
    here = {pk for (pk,) in site.collector.rows("SELECT id FROM ingest_storedsnapshot")}
    site.beyond["not_in_the_backup"] = sum(len(agent.signed.keys() - here) for agent in site.agents)
    site.web.start()
    site.worker.start()
    _report(site)  # the next report of each: whoever is asked for what it rests on sends what it still has
    site.drain()


def _damage(site: Site) -> None:
    """Stop, turn bytes in the middle of pages of the newest snapshots, start: what reads them is refused, and nothing of it is believed."""
    assert site.database
    relation = site.collector.rows(
        "SELECT pg_relation_filepath('ingest_storedsnapshot'), pg_relation_filepath('assess_storedassessment')"
    )[0]
    site.database.sql("CHECKPOINT")  # else the log would put the pages right again
    site.database.stop(signal.SIGINT)
    for name in relation:
        path = site.database.data / name
        body = bytearray(path.read_bytes())
        for page in range(0, len(body), 8192):
            body[page + 4000 : page + 4010] = bytes(10)
            body[page + 8100] ^= 0x55
        overwrite(path, bytes(body))
        site.did("page damaged", len(body) // 8192)
    found = site.database.tool("pg_checksums", "--check", "-D", site.database.data)
    assert found.returncode, "pg_checksums sees it"
    site.database.start()
    with suppress(psycopg.Error):
        site.collector.rows("SELECT count(sealed), max(received_at) FROM ingest_storedsnapshot")
        raise AssertionError("a damaged page was believed")
    site.look(1)
    site.ended(site.deliver())  # nobody is told that anything is stored
    site.database.stop(signal.SIGINT)


def _comes_back(site: Site, how: str) -> None:
    assert site.database
    site.database.start()
    site.came_back(how)
    until(site.web.answers, "the collector is ready again")
    if not site.worker.alive:
        site.came_back(SYSTEMD)
        site.worker.start()


CELLS = {"agent": agent, "relay": relay, "server": server, "worker": worker, "database": database}
