"""The crash matrix: two of its cells on SQLite, an account that sees whatever is planted, a line that harms as it says."""

from __future__ import annotations

import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "bench")]

from bench.faults import account, kill, matrix  # noqa: E402
from bench.faults.line import MID_BODY, NO_ANSWER, REFUSE, SILENT, Line  # noqa: E402
from bench.faults.site import Base, Site, site  # noqa: E402
from scripts import faults_page  # noqa: E402

PLANTED: dict[str, tuple[str, str]] = {
    "a snapshot is gone": ("DELETE FROM ingest_storedsnapshot WHERE id = (SELECT max(id) FROM ingest_storedsnapshot)", "lost"),
    "one nobody signed": (
        "UPDATE ingest_storedsnapshot SET id = replace(id, substr(id, 30), '0000000') WHERE id = (SELECT max(id) FROM ingest_storedsnapshot)",
        "doubled",
    ),
    "other bytes under its id": (
        "UPDATE ingest_storedsnapshot SET sealed = (SELECT sealed FROM ingest_storedsnapshot WHERE base_id IS NULL ORDER BY id LIMIT 1)",
        "altered",
    ),
    "bytes that are none": ("UPDATE ingest_storedsnapshot SET sealed = x'00' WHERE base_id IS NOT NULL", "altered"),
    "a report that was not judged": ("DELETE FROM assess_storedassessment WHERE snapshot_id = (SELECT max(id) FROM ingest_storedsnapshot)", "unjudged"),
    "what stands is not what turned last": ("UPDATE findings_transition SET now = 4 - now WHERE now <> 2", "doubled"),
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return Base(tmp_path_factory.mktemp("base"), postgresql=False, machines=2)


@pytest.mark.system
def test_two_cells_and_an_account_that_sees_what_is_planted(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    with site(base, "server:kill") as found:
        kill.server(found, 1)
        kill.relay(found, 1)
        taken = account.take(found)
        assert taken.sound, taken
        assert (taken.made, taken.acknowledged, taken.stored, taken.judged) == (2 + 4 * 8,) * 4
        assert (found.done, found.back) == ({kill.KILL: 2}, ["systemd"])
        found.web.stop()
        monkeypatch.setattr(found.collector, "both_verified", lambda: _said(0))
        path = found.collector.data / "db.sqlite3"
        with closing(sqlite3.connect(path)) as held:
            held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.read_bytes()
        for what, (query, shows) in PLANTED.items():
            with closing(sqlite3.connect(path)) as held:
                held.execute(query)
                held.commit()
                held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            seen = account.take(found)
            assert getattr(seen, shows) > 0, (what, seen)
            assert not seen.sound, what
            path.write_bytes(before)
        assert account.take(found).sound, "and nothing else is"
        _not_delivered(found)
        monkeypatch.setattr(found.collector, "both_verified", lambda: _said(1))
        assert account.take(found).counts_off == 1


def _said(code: int) -> Any:

    return subprocess.CompletedProcess([], code, "", "a tally is off")


def _not_delivered(found: Site) -> None:
    """What waits is not lost and not well; damaged and silent is not told; refused though whole is lost."""
    agent = found.agents[0]
    name = agent.look(found.chance)
    assert (account.take(found).still_waiting, account.take(found).lost) == (1, 0)
    entry = agent.spool.waiting()[0]
    assert account.take(found, {name}).untold == 1
    agent.spool.refuse(entry, 400, "damaged")
    told = account.take(found, {name})
    assert (told.set_aside, told.untold, told.lost) == (1, 0, 0)
    assert account.take(found).lost == 2, "nowhere, and refused though it is whole"
    (agent.folder / "refused" / entry.path.name).unlink()


# -- the line ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def echo() -> Iterator[tuple[int, list[bytes]]]:
    """Answers each piece with `answered`; what came is kept."""
    got: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                one, _address = server.accept()
            except OSError:
                return
            threading.Thread(target=_answer, args=(one, got), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1], got
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def _answer(one: socket.socket, got: list[bytes]) -> None:
    with one:
        while piece := one.recv(1000):
            got.append(piece)
            try:
                one.sendall(b"answered")
            except OSError:
                return


def asked(line: Line, timeout: float = 5) -> bytes | None:
    """The answer; empty where the line ended, None where nothing came."""
    with socket.create_connection(("127.0.0.1", line.port)) as one:
        one.settimeout(timeout)
        try:
            one.sendall(b"q" * 100)
            return one.recv(100)
        except TimeoutError:
            return None
        except OSError:
            return b""


def test_a_line_harms_as_it_says(echo: tuple[int, list[bytes]]) -> None:
    port, got = echo
    line = Line(port)
    try:
        assert asked(line) == b"answered"
        for mode, answer, came in ((MID_BODY, b"", range(1, 100)), (NO_ANSWER, b"", [100]), (REFUSE, b"", [0])):
            got.clear()
            line.strike(mode)
            assert asked(line) == answer, mode
            for _ in range(200 if came[-1] else 1):  # whoever answers is a thread of its own
                if got:
                    break
                time.sleep(0.01)
            assert sum(map(len, got)) in came, mode
            assert line.struck[mode] == 1
        got.clear()
        line.strike(SILENT)
        assert asked(line, 0.3) is None
        assert got == []
        line.mend()
        assert asked(line) == b"answered"
    finally:
        line.close()


# -- the matrix and its page ---------------------------------------------------------------------------------------------


def test_every_cell_has_a_function_and_its_words() -> None:
    assert len(matrix.names()) == 25
    assert set(matrix.words()) == set(matrix.names())
    assert all(callable(matrix.FAULTS[fault][part]) for part in matrix.PARTS for fault in matrix.FAULTS)
    assert matrix.choose(["relay", "agent:kill"]) == ["agent:kill", *(f"relay:{fault}" for fault in matrix.FAULTS)]
    with pytest.raises(KeyError):
        matrix.choose(["relay:flood"])


def row(name: str, **changes: Any) -> dict[str, Any]:
    counts = {"made": 10, "stored": 10, "judged": 10, "lost": 0, "doubled": 0, "altered": 0, "set_aside": 0, "examples": []}
    found: dict[str, Any] = {
        "cell": name,
        "struck": {},
        "account": counts | changes,
        "sound": not changes,
        "back": [],
        "beyond": {},
    }
    return found


def test_what_did_not_come_to_its_end_is_not_counted_as_nothing() -> None:
    whole = {name: row(name) for name in matrix.names()}
    assert matrix.figures(whole)["lost"] == 0
    assert matrix.figures(whole)["unsound"] == 0
    assert matrix.figures(whole | {"agent:kill": row("agent:kill", lost=1)})["lost"] == 1
    for rows in ({**whole, "agent:kill": {"cell": "agent:kill", "failed": "AssertionError"}}, {"agent:kill": row("agent:kill")}):
        found = matrix.figures(rows)
        assert (found["lost"], found["doubled"]) == (None, None)
        assert found["unsound"] > 0
    assert "NOT TO THE END" in "\n".join(matrix.table(matrix.figures({"agent:kill": {"failed": "x"}})))


def test_the_page_has_words_for_whatever_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from the cells' own code: a new word without a translation is found here, not on the page."""
    names = yaml.safe_load((faults_page.FOLDER / "names.yaml").read_text("utf-8"))
    code = "\n".join(path.read_text("utf-8") for path in faults_page.FOLDER.glob("*.py"))
    assert set(re.findall(r"site\.beyond\[\"([a-z_]+)\"\]", code)) <= set(names["beyond"])
    assert set(re.findall(r"site\.did\(\"([a-z ]+)\"", code)) <= set(names["struck"])
    assert tuple(names["parts"]) == matrix.PARTS
    assert tuple(names["faults"]) == tuple(matrix.FAULTS)
    page = faults_page.page()
    assert all(text.done.vi in page and text.says.en in page for text in matrix.words().values())
