"""What is sent as a difference, to what, and what becomes of it when the collector cannot use it. Real sockets."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.acknowledged import KEPT, WHOLE_SECONDS, Acknowledged
from agent.spool import Spool, Waiting
from agent.state import State
from agent.upload import Collector, Delivery, Reply, deliver, spread
from collectors.seal import seal, unseal
from collectors.seal_delta import read
from tests.agent.collector import Collector as Serving
from tests.agent.conftest import ROOT, fill
from tests.agent.snapshots import healthy

pytestmark = pytest.mark.system
DAY = 86400


def send(state: Path, serving: Serving, differences: bool = True) -> tuple[Delivery, Spool]:
    spool = Spool(state, 1 << 20)
    spool.prepare()
    bases = Acknowledged(State(state)) if differences else None
    return deliver(spool, Collector(serving.url), 2, 0.001, sleep=lambda _: None, bases=bases), spool


def kept(state: Path) -> list[str]:
    return sorted(path.name for path in (state / "acknowledged").iterdir())


def test_the_first_travels_whole_and_the_next_as_a_difference(enrolled: Path, collector: Serving) -> None:
    names = fill(enrolled, 3)
    whole = [Spool(enrolled, 1 << 20).waiting()[number].read() for number in range(3)]
    delivery, spool = send(enrolled, collector)
    assert delivery.sent == names
    assert collector.forms == ["snapshot", "snapshot-delta", "snapshot-delta"]
    assert [unseal(collector.stored[name]) for name in names] == [unseal(blob) for blob in whole], "byte for byte"
    assert max(collector.sizes[1:]) < collector.sizes[0]
    assert spool.waiting() == []
    assert [name.split(".")[1] for name in kept(enrolled)] == names, "the last of each target"


def test_it_can_be_switched_off(enrolled: Path, collector: Serving) -> None:
    fill(enrolled, 2)
    send(enrolled, collector, differences=False)
    assert collector.forms == ["snapshot", "snapshot"]
    assert not (enrolled / "acknowledged").exists()


def test_each_target_has_its_own(enrolled: Path, collector: Serving) -> None:
    fill(enrolled, name="target sw1")
    fill(enrolled, name="target sw2")
    send(enrolled, collector)
    assert collector.forms == ["snapshot", "snapshot"], "sw2 is no difference to sw1"
    fill(enrolled, name="target sw2")
    send(enrolled, collector)
    assert collector.forms[2:] in (["snapshot-delta"], ["snapshot"]), collector.forms
    assert len({name.split(".")[0] for name in kept(enrolled)}) == 2


def test_a_collector_that_lost_the_base_gets_it_whole_in_the_same_run(enrolled: Path, collector: Serving) -> None:
    (first,) = fill(enrolled)
    send(enrolled, collector)
    del collector.stored[first]
    later = later_ones(enrolled, 2)
    delivery, spool = send(enrolled, collector)
    assert delivery.sent[:2] == later
    assert delivery.refused == []
    assert collector.forms[:4] == ["snapshot", "snapshot-delta", "snapshot", "snapshot-delta"]
    assert spool.waiting() == []


def test_a_collector_that_was_put_back_to_an_earlier_day_gets_what_came_since(enrolled: Path, collector: Serving) -> None:
    """Its database was restored from a backup: the last KEPT reports come back though it had acknowledged them."""
    names = fill(enrolled, KEPT + 3)
    whole = {entry.id: unseal(entry.read()) for entry in Spool(enrolled, 1 << 20).waiting()}
    send(enrolled, collector)
    for name in names:
        del collector.stored[name]
    (later,) = later_ones(enrolled, 1)
    delivery, spool = send(enrolled, collector)
    assert (delivery.refused, delivery.left, spool.waiting()) == ([], 0, [])
    assert sorted(collector.stored) == [*names[-KEPT:], later]
    assert {name: unseal(collector.stored[name]) for name in names[-KEPT:]} == {name: whole[name] for name in names[-KEPT:]}
    send(enrolled, collector)
    later_ones(enrolled, 1)
    assert send(enrolled, collector)[0].left == 0
    assert collector.forms[-1] == "snapshot-delta", "and differences go on"


def later_ones(state: Path, count: int, name: str = "web01") -> list[str]:
    spool, ids = Spool(state, 1 << 20), []
    for number in range(count):
        made = healthy(name=name, at=1_790_100_000.0 + number)
        spool.put(made.id, name, seal(made.to_bytes(), "agent-1", (state / "key").read_bytes()))
        ids.append(made.id)
    return ids


def test_an_old_collector_is_sent_whole_ones_for_a_day(enrolled: Path, collector: Serving) -> None:
    collector.knows_differences = False
    names = fill(enrolled, 3)
    delivery, _spool = send(enrolled, collector)
    assert delivery.sent == names
    assert collector.forms == ["snapshot", "snapshot-delta", "snapshot", "snapshot"], "asked once"
    state = State(enrolled)
    state.keep("differences.json", {"whole_until": time.time() - 1})
    collector.knows_differences = True
    later_ones(enrolled, 2)
    send(enrolled, collector)
    assert collector.forms[-1] == "snapshot-delta", "a day later it may have become a new one"
    state.keep("differences.json", {"whole_until": time.time() + 2 * WHOLE_SECONDS})
    assert Acknowledged(state)._only_whole(time.time()) is False, "a clock that was set back does not switch it off for ever"


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_no_refusal_of_a_difference_is_final(enrolled: Path, collector: Serving, status: int) -> None:
    fill(enrolled)
    send(enrolled, collector)
    (name,) = later_ones(enrolled, 1)
    collector.faults = [status]
    delivery, spool = send(enrolled, collector)
    assert (delivery.sent, delivery.refused) == ([name], [])
    assert collector.forms[1:] == ["snapshot-delta", "snapshot"]
    assert spool.refusals() == []


def test_what_a_relay_brings_back_later(enrolled: Path, collector: Serving) -> None:
    """A difference went by a relay; days later the centre says that it lacks the base: it waits, and goes whole."""
    (first,) = fill(enrolled)
    send(enrolled, collector)
    (name,) = later_ones(enrolled, 1)
    spool, bases = Spool(enrolled, 1 << 20), Acknowledged(State(enrolled))
    (entry,) = spool.waiting()
    assert bases.difference(entry, entry.read()) is not None
    delivery = Delivery(bases=bases)
    delivery.settle(spool, entry, Reply(412, {"error": "base-unknown", "message": "no such snapshot"}, 0.0))
    assert (delivery.sent, delivery.refused) == ([], [])
    assert [one.id for one in spool.waiting()] == [first, name], "what it lacks goes there again too"
    assert bases.difference(entry, entry.read()) is None
    delivery.settle(spool, entry, Reply(200, {"id": name, "verdicts_agree": True}, 0.0))
    assert delivery.sent == [name]
    assert [one.id for one in spool.waiting()] == [first]
    assert [one.split(".")[1] for one in kept(enrolled)] == [name]


def test_an_older_one_acknowledged_late_does_not_displace_a_newer(enrolled: Path, collector: Serving) -> None:
    first, second = fill(enrolled, 2)
    spool, bases = Spool(enrolled, 1 << 20), Acknowledged(State(enrolled))
    older, newer = spool.waiting()
    for entry in (newer, older):
        Delivery(bases=bases).settle(spool, entry, Reply(201, {"id": entry.id}, 0.0))
    assert [one.split(".")[1] for one in kept(enrolled)] == [first, second]
    assert spool.waiting() == []
    (third,) = later_ones(enrolled, 1)
    (entry,) = spool.waiting()
    assert entry.id == third
    made = bases.difference(entry, entry.read())
    assert made is not None
    assert read(made).base == second


def test_enrolled_anew_it_refers_to_nothing_of_its_former_self(enrolled: Path, collector: Serving) -> None:
    fill(enrolled)
    send(enrolled, collector)
    made = healthy(at=1_790_200_000.0)
    blob = seal(made.to_bytes(), "agent-2", (enrolled / "key").read_bytes())
    spool, bases = Spool(enrolled, 1 << 20), Acknowledged(State(enrolled))
    spool.put(made.id, "web01", blob)
    (entry,) = spool.waiting()
    assert bases.difference(entry, blob) is None
    assert kept(enrolled) == []


@pytest.mark.parametrize("harm", [b"", b"not a seal", b"\x1f\x8b cut"])
def test_a_damaged_base_costs_a_whole_snapshot_and_no_more(enrolled: Path, collector: Serving, harm: bytes) -> None:
    fill(enrolled)
    send(enrolled, collector)
    (enrolled / "acknowledged" / kept(enrolled)[0]).write_bytes(harm)
    (name,) = later_ones(enrolled, 1)
    delivery, _spool = send(enrolled, collector)
    assert delivery.sent == [name]
    assert collector.forms == ["snapshot", "snapshot"]


def test_what_is_kept_is_bounded_in_number_and_in_bytes(enrolled: Path) -> None:
    bases = Acknowledged(State(enrolled), max_files=3, max_bytes=250)
    bases.folder.mkdir(mode=0o700)
    for number, size in enumerate((50, 100, 100, 100, 20)):
        path = enrolled / f"{number}"
        path.write_bytes(b"x" * size)
        bases.keep(Waiting(f"00000000-0000-7000-8000-00000000000{number}", f"{number:012x}", path, size))
        assert len(kept(enrolled)) <= 3
        assert sum((bases.folder / name).stat().st_size for name in kept(enrolled)) <= 250
    assert [name[11] for name in kept(enrolled)] == ["2", "3", "4"], "the newest stay"


def test_killed_at_any_moment_what_is_kept_was_acknowledged(enrolled: Path, collector: Serving) -> None:
    Spool(enrolled, 1 << 20).prepare()
    chance, names = random.Random(7), []
    for number in range(6):
        made = healthy(at=1_790_300_000.0 + number)
        Spool(enrolled, 1 << 20).put(made.id, "web01", seal(made.to_bytes(), "agent-1", (enrolled / "key").read_bytes()))
        names.append(made.id)
        process = subprocess.Popen(
            [sys.executable, "-m", "agent", "agent", "once", "--if-due", "--quiet", "--state-dir", str(enrolled)],
            cwd=ROOT, env={**os.environ, "RASOAT_TRIES": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(chance.uniform(0.2, 0.9))
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        if (enrolled / "acknowledged").is_dir():
            assert {name.split(".")[1] for name in kept(enrolled)} <= set(collector.stored)
    send(enrolled, collector)
    assert sorted(collector.stored) == sorted(names)


def test_who_was_turned_away_together_does_not_come_back_together() -> None:
    waits = [spread(30) for _ in range(200)]
    assert min(waits) >= 30, "never sooner than asked"
    assert max(waits) <= 60
    assert max(waits) - min(waits) > 20
    assert spread(0) == 0
