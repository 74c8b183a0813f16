"""The spool: whole files or none, oldest first, nothing lost silently."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import files
from agent.spool import Spool, SpoolFull
from collectors.model import new_id
from tests.agent.conftest import environment


def opened(folder: Path, cap: int = 1 << 20) -> Spool:
    spool = Spool(folder, cap)
    spool.prepare()
    return spool


def ids(spool: Spool) -> list[str]:
    return [entry.id for entry in spool.waiting()]


def dropped_ids(spool: Spool) -> list[str]:
    return [json.loads(line)["id"] for line in spool.log.read_text().splitlines()] if spool.log.exists() else []


def test_what_was_put_first_waits_first_and_comes_back_byte_for_byte(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    early, late = new_id(1_790_000_000), new_id(1_790_000_001)
    spool.put(late, "web01", b"late")
    spool.put(early, "web01", b"early")
    assert [entry.read() for entry in spool.waiting()] == [b"early", b"late"]
    assert all(entry.path.stat().st_mode & 0o777 == 0o600 for entry in spool.waiting())
    assert spool.folder.stat().st_mode & 0o777 == 0o700


def test_at_the_cap_the_oldest_of_the_same_machine_gives_way_and_is_counted(tmp_path: Path) -> None:
    spool = opened(tmp_path, cap=250)
    names = [new_id(1_790_000_000 + number) for number in range(4)]
    for name in names:
        spool.put(name, "web01", b"x" * 100)
    assert ids(spool) == names[2:]
    assert dropped_ids(spool) == names[:2]
    assert spool.dropped() == 2


def test_at_the_cap_the_only_snapshot_of_another_machine_never_gives_way(tmp_path: Path) -> None:
    spool = opened(tmp_path, cap=250)
    first, second, third = (new_id(1_790_000_000 + number) for number in range(3))
    spool.put(first, "switch1", b"x" * 100)
    spool.put(second, "switch2", b"x" * 100)
    with pytest.raises(SpoolFull):
        spool.put(third, "switch3", b"x" * 100)
    assert ids(spool) == [first, second]
    assert spool.dropped() == 0
    again = new_id(1_790_000_010)
    spool.put(again, "switch1", b"x" * 100)
    assert ids(spool) == [second, again]


def test_a_snapshot_larger_than_the_cap_is_refused_and_drops_nothing(tmp_path: Path) -> None:
    spool = opened(tmp_path, cap=250)
    kept = new_id(1_790_000_000)
    spool.put(kept, "web01", b"x" * 100)
    with pytest.raises(SpoolFull, match="251"):
        spool.put(new_id(), "web01", b"x" * 251)
    assert ids(spool) == [kept]


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 400)), max_size=25))
def test_whatever_is_put_the_cap_holds_and_each_snapshot_is_there_or_named(puts: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spool = opened(Path(folder), cap=1000)
        newest: dict[str, str] = {}
        accepted = set()
        for number, (machine, size) in enumerate(puts):
            name = new_id(1_790_000_000 + number)
            try:
                spool.put(name, machine, b"x" * size)
            except SpoolFull:
                continue
            accepted.add(name)
            newest[machine] = name
        waiting = ids(spool)
        assert sum(entry.size for entry in spool.waiting()) <= spool.cap
        assert waiting == sorted(waiting)
        assert set(newest.values()) <= set(waiting)
        assert accepted == set(waiting) | set(dropped_ids(spool))
        assert not set(waiting) & set(dropped_ids(spool))
        assert spool.dropped() == len(dropped_ids(spool))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB. Needs root and the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.root
def test_on_a_full_disk_the_new_one_is_refused_whole_and_the_old_ones_stay(small_disk: Path) -> None:
    spool = opened(small_disk)
    kept = new_id(1_790_000_000)
    spool.put(kept, "web01", b"k" * 20_000)
    with pytest.raises(SpoolFull) as caught:
        spool.put(new_id(), "web01", os.urandom(60_000))
    assert caught.value.disk
    assert [path.name for path in spool.folder.iterdir()] == [spool.waiting()[0].path.name]
    assert spool.waiting()[0].read() == b"k" * 20_000


def test_a_limit_on_file_size_counts_as_a_full_disk(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from agent.spool import Spool, SpoolFull\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "spool = Spool(Path(sys.argv[1]), 1 << 20); spool.prepare()\n"
        "try:\n    spool.put('0' * 8 + '-0000-7000-8000-' + '0' * 12, 'web01', b'x' * 5000)\n"
        "except SpoolFull as full:\n    print('full', full.disk, list(spool.folder.iterdir()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "full True []"


def test_no_line_in_the_journal_no_dropping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills up between the new snapshot and the line about the old one: both snapshots stay."""
    spool = opened(tmp_path, cap=150)
    first, second = new_id(1_790_000_000), new_id(1_790_000_001)
    spool.put(first, "web01", b"x" * 100)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "append", full)
    spool.put(second, "web01", b"x" * 100)
    assert ids(spool) == [first, second]


KILLED = """
import os, signal, sys
from pathlib import Path
step = int(sys.argv[2])
calls = 0
def counted(real):
    def call(*args, **options):
        global calls
        calls += 1
        if calls == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **options)
    return call
from agent.spool import Spool
spool = Spool(Path(sys.argv[1]), 250)
spool.prepare()
for name in ("open", "write", "fsync", "close"):
    setattr(os, name, counted(getattr(os, name)))
Path.replace = counted(Path.replace)
Path.unlink = counted(Path.unlink)
spool.put(sys.argv[3], "web01", b"n" * 100)
print("done")
"""


def test_killed_between_any_two_steps_the_spool_is_whole(tmp_path: Path) -> None:
    finished = False
    for step in range(1, 60):
        folder = tmp_path / str(step)
        spool = opened(folder, cap=250)
        old = [new_id(1_790_000_000 + number) for number in range(2)]
        for name in old:
            spool.put(name, "web01", b"o" * 100)
        new = new_id(1_790_000_009)
        done = subprocess.run(
            [sys.executable, "-c", KILLED, folder, str(step), new], env=environment(), capture_output=True, text=True, check=False
        )
        spool = opened(folder, cap=250)
        waiting = ids(spool)
        assert all(entry.read() in (b"o" * 100, b"n" * 100) for entry in spool.waiting()), step
        assert set(old) <= set(waiting) | set(dropped_ids(spool)), step
        assert old[1] in waiting, step
        assert not [path for path in spool.folder.iterdir() if path.name.startswith(".")], "leftovers of the dead are swept"
        if done.returncode == 0:
            assert waiting == [old[1], new]
            finished = True
            break
        assert done.returncode == -signal.SIGKILL
    assert finished, "the steps were not all reached"
    assert step > 8


def test_leftovers_of_a_living_writer_are_not_swept(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    other = subprocess.Popen(["sleep", "60"])
    try:
        mine = spool.folder / f".{other.pid}~half"
        mine.write_bytes(b"half")
        spool.prepare()
        assert mine.exists()
    finally:
        other.kill()
        other.wait()
    spool.prepare()
    assert not mine.exists()


def test_refused_ones_are_kept_with_their_reason_and_can_go_back_in_line(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    name = new_id()
    spool.put(name, "web01", b"x")
    spool.refuse(spool.waiting()[0], 413, "too large")
    assert spool.waiting() == []
    assert [(refusal["id"], refusal["status"], refusal["why"]) for refusal in spool.refusals()] == [(name, 413, "too large")]
    assert spool.retry_refused() == 1
    assert ids(spool) == [name]
    assert spool.refusals() == []


def test_the_journal_of_the_dropped_stays_small_and_keeps_its_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.spool.MAX_LOG", 500)
    spool = opened(tmp_path, cap=150)
    for number in range(30):
        spool.put(new_id(1_790_000_000 + number), "web01", b"x" * 100)
    assert spool.dropped() == 29
    assert spool.log.stat().st_size < 1000


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(PermissionError):
        opened(tmp_path)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "state.json"
    files.write(target, b"old")
    reader = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\nwhile True:\n    assert open(sys.argv[1],'rb').read() in (b'old', b'n' * 200000)",
            target,
        ]
    )
    try:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            files.write(target, b"n" * 200_000)
            files.write(target, b"old")
        assert reader.poll() is None
    finally:
        reader.kill()
        reader.wait()
