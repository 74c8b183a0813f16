"""collect and sweep: one question's, or one target's, trouble never costs another."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from collectors import catalog, run
from collectors.catalog import facts_of, questions
from collectors.credential import Credential
from collectors.errors import Denied, Unreachable, Unsupported
from collectors.facts import FACTS
from collectors.facts.clock import Clock
from collectors.inventory import Inventory
from collectors.model import Kind, Platform, Target
from collectors.run import collect, look, open_shell, sweep
from collectors.transports.base import Shell
from collectors.transports.local import LocalShell, RootShell
from collectors.transports.replay import Recorder, ReplayShell
from collectors.transports.ssh import SshShell
from collectors.unanswered import unreachable


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    return tmp_path


def asking(monkeypatch: pytest.MonkeyPatch, **functions: Any) -> None:
    """Put other questions in the place of the catalog's; identity stays what it is."""
    monkeypatch.setattr(
        run, "questions", lambda platform: iter(({"identity": dict(questions(platform))["identity"]} | functions).items())
    )


def test_each_trouble_is_the_record_of_its_own_fact(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    def refused(shell: Shell) -> Clock:
        shell.read("/etc/os-release")
        raise Denied("/etc/x: password = hunter2 refused")

    def broken(shell: Shell) -> Clock:
        raise KeyError("token=hunter2")

    def silent(shell: Shell) -> Clock:
        raise Unreachable("nothing came")

    asking(monkeypatch, clock=refused, logs=broken, firewall=silent)
    heard: list[str] = []
    snapshot = collect(Target(name="x", via="root"), RootShell(str(root)), progress=heard.append)
    outcomes = {record.fact: record.outcome for record in snapshot.records}
    assert outcomes == {"identity": "seen", "clock": "denied", "logs": "bug", "firewall": "unreachable"}
    assert heard == ["clock", "logs", "firewall"]
    assert snapshot.target.platform is Platform.DEBIAN
    assert "hunter2" not in snapshot.to_bytes().decode()
    assert [source.what for source in snapshot.by_fact["clock"].sources] == ["/etc/os-release"]
    assert all(record.data is None for record in snapshot.records if record.outcome != "seen")


def test_a_fact_s_time_is_its_own(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    def endless(shell: Shell) -> Clock:
        for number in range(1_000_000_000):
            shell.read(f"/absent/{number}")
        raise AssertionError("nobody stopped it")

    def quick(shell: Shell) -> Clock:
        shell.read("/etc/hostname")
        raise Unsupported("reached")

    monkeypatch.setattr(run, "FACT_LIMIT", 0.2)
    asking(monkeypatch, clock=endless, logs=quick)
    found = collect(Target(name="x", via="root"), RootShell(str(root))).by_fact
    assert (found["clock"].outcome, found["clock"].reason) == (
        "unreachable",
        "this fact took more than 0.2 s; it was not asked further",
    )
    assert found["logs"].reason == "reached"


def test_the_way_to_a_target_is_as_it_says(root: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    (case / "transcript.yaml").write_text("about: x\nrun: []\n")
    for target, kind in (
        (Target(name="x"), LocalShell),
        (Target(name="x", via="root", address=str(root)), RootShell),
        (Target(name="x", via="replay", address=str(case)), ReplayShell),
        (Target(name="x", via="replay", address=str(case / "transcript.yaml")), ReplayShell),
    ):
        with open_shell(target) as shell:
            assert isinstance(shell, kind)
    with pytest.raises(Unsupported, match="a targets file with credentials is needed"):
        open_shell(Target(name="x", via="ssh"))


def test_who_never_answered_has_every_question_recorded() -> None:
    snapshot = unreachable(Target(name="x"), Unreachable("https://u:hunter2@h refused"))
    assert {record.fact for record in snapshot.records} == set(facts_of(None)) <= set(FACTS)
    assert {record.outcome for record in snapshot.records} == {"unreachable"}
    assert "hunter2" not in snapshot.to_bytes().decode()
    assert {record.outcome for record in unreachable(Target(name="x"), KeyError("x")).records} == {"bug"}


def test_who_never_answered_is_recorded_with_the_questions_of_its_own_kind() -> None:
    def facts(**fields: Any) -> set[str]:
        return {record.fact for record in unreachable(Target(name="x", **fields), Unreachable("no")).records}

    assert facts(platform=Platform.DEBIAN) == {fact for fact, _ in questions(Platform.DEBIAN)}
    assert facts(platform=Platform.CISCO_IOS) == {fact for fact, _ in questions(Platform.CISCO_IOS)}
    assert "updates" not in facts(kind=Kind.SWITCH)
    assert "device_access" in facts(kind=Kind.SWITCH)
    assert "device_access" not in facts()


def test_a_network_device_is_not_asked_before_its_system_is_known() -> None:
    for kind in (Kind.ROUTER, Kind.SWITCH, Kind.FIREWALL):
        with pytest.raises(Unsupported, match=r"add platform: to the targets file, one of .*cisco_ios"):
            open_shell(Target(name="x", via="ssh", kind=kind), Inventory(()))


@pytest.mark.parametrize("platform", [one for one in Platform if one not in (*catalog.LINUX, *catalog.WINDOWS, *catalog.DEVICES)])
def test_a_network_system_without_a_reader_is_not_logged_on_to(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def connected(*_: Any, **__: Any) -> Any:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(SshShell, "connect", connected)
    credential = Credential(user="x", password_env="X")
    target = Target(name="x", via="ssh", kind=Kind.ROUTER, platform=platform, address="127.0.0.1", credential="c")
    with pytest.raises(Unsupported, match="via: snmp"):
        open_shell(target, Inventory((target,), {"c": credential}))


def test_a_bug_on_the_way_costs_one_target(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    whole = run.open_shell

    def sometimes(target: Target, inventory: Inventory | None = None) -> Any:
        if target.name == "2":
            raise ZeroDivisionError("ours")
        return whole(target, inventory)

    monkeypatch.setattr(run, "open_shell", sometimes)
    asking(monkeypatch)
    targets = tuple(Target(name=str(number), via="root", address=str(root)) for number in range(5))
    found = {snapshot.target.name: snapshot.by_fact["identity"].outcome for snapshot in sweep(Inventory(targets), parallel=2)}
    assert found == {"0": "seen", "1": "seen", "2": "bug", "3": "seen", "4": "seen"}


def test_a_finished_target_is_handed_over_while_others_still_hang(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    release, running, most, lock = threading.Event(), 0, 0, threading.Lock()

    def reach(target: Target, inventory: Inventory | None = None, only: Any = None) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        if target.name == "slow":
            assert release.wait(30)
        with lock:
            running -= 1
        return look(target, inventory, only)

    monkeypatch.setattr(run, "look", reach)
    asking(monkeypatch)
    targets = [Target(name=name, via="root", address=str(root)) for name in ("slow", "a", "b", "c", "d")]
    order = []
    for snapshot in sweep(Inventory(()), targets, parallel=2):
        order.append(snapshot.target.name)
        if len(order) == 4:
            release.set()
    assert order == ["a", "b", "c", "d", "slow"]
    assert most == 2


def test_a_caller_who_stops_begins_no_further_target(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    begun: list[str] = []

    def reach(target: Target, inventory: Inventory | None = None, only: Any = None) -> Any:
        begun.append(target.name)
        return look(target, inventory, only)

    monkeypatch.setattr(run, "look", reach)
    asking(monkeypatch)
    targets = tuple(Target(name=str(number), via="root", address=str(root)) for number in range(100))
    for _ in sweep(Inventory(targets), parallel=2):
        break
    assert len(begun) <= 4


@pytest.mark.system
def test_this_machine_and_its_recording_give_the_same_facts(tmp_path: Path) -> None:
    """The recording is redacted, and what is redacted is in no fact.

    A clock that ticked between the two looks is chance, and so are ports: tests beside this one open and close theirs.
    """
    for _ in range(3):
        recorder = Recorder(LocalShell(), "this machine")
        recorded = collect(Target(name="here"), recorder)
        path = tmp_path / "transcript.yaml"
        path.write_text(yaml.safe_dump(recorder.transcript(), allow_unicode=True, width=10_000), "utf-8")
        replayed = collect(Target(name="here"), ReplayShell.load(path))
        live = collect(Target(name="here"), LocalShell())
        if replayed.digest == live.digest:
            break
    for record in (*(record for record in live.records if record.fact != "listening"), recorded.by_fact["listening"]):
        other = replayed.by_fact[record.fact]
        assert (record.fact, other.outcome, other.data, other.reason) == (record.fact, record.outcome, record.data, record.reason)
