"""A station against fake devices on loopback: each target ends as a sealed snapshot, and no wrong password is tried twice."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.model import Snapshot
from collectors.seal import unseal, verify
from tests.agent.collector import Collector
from tests.agent.conftest import Run, fill
from tests.fake_device import Fake, Fakes

pytestmark = pytest.mark.system

SECRET = "Kh0ng-Doan"
VERSION = "Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(7)E3, RELEASE SOFTWARE (fc3)\n"


def answers(name: str) -> dict[str, str]:
    config = f"version 15.2\nhostname {name}\nno aaa new-model\ninterface Vlan1\n!\nline con 0\nline vty 0 4\n login\nend\n"
    return {
        "show version": VERSION,
        "show privilege": "Current privilege level is 15\n",
        "show running-config": config,
        "show startup-config": config,
    }


@pytest.fixture(scope="module")
def fakes() -> Iterator[Fakes]:
    with Fakes() as found:
        yield found


class Site:
    """A station, its targets file and its devices."""

    def __init__(self, folder: Path, fakes: Fakes, state: Path, rasoat: Run) -> None:
        self.folder, self.fakes, self.state, self.rasoat = folder, fakes, state, rasoat
        self.file = folder / "targets.yaml"
        self.password = folder / "net.pw"
        self.set_password(SECRET)
        self.env = {"RASOAT_STATION_TARGETS": str(self.file)}

    def set_password(self, text: str) -> None:
        self.password.write_text(text + "\n")
        self.password.chmod(0o600)

    def targets(self, *rows: str, more: str = "") -> None:
        self.fakes.known_hosts(self.folder / "known_hosts")
        listed = "".join(f"  - {row}\n" for row in rows)
        self.file.write_text(
            "known_hosts: known_hosts\n"
            "defaults: {kind: switch, platform: cisco_ios, credential: net}\n"
            f"credentials:\n  net: {{user: rasoat, password_file: {self.password}}}\n{more}targets:\n{listed}"
        )

    def row(self, name: str, fake: Fake, **more: str) -> str:
        extra = "".join(f", {key}: {value}" for key, value in more.items())
        return f"{{name: {name}, address: 127.0.0.1, port: {self.fakes.start(fake)}{extra}}}"

    def run(self, *words: str, **env: str) -> Any:
        return self.rasoat("agent", "once", "--if-due", *words, "--state-dir", self.state, env=self.env | env)

    def again(self, **env: str) -> Any:
        """As if the interval had gone by."""
        kept = json.loads((self.state / "station.json").read_text())
        for entry in kept["targets"].values():
            entry["at"] -= 40 * 86400
        kept["due"] = 0
        (self.state / "station.json").write_text(json.dumps(kept))
        return self.run(**env)

    def status(self) -> Any:
        done = self.rasoat("agent", "status", "--format", "json", "--state-dir", self.state, env=self.env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["station"]


@pytest.fixture
def site(tmp_path: Path, fakes: Fakes, enrolled: Path, rasoat: Run) -> Site:
    return Site(tmp_path, fakes, enrolled, rasoat)


def arrived(collector: Collector) -> dict[str, Snapshot]:
    """Snapshots of each target's name, the signature checked; the newest wins."""
    found = {}
    for _, blob in sorted(collector.stored.items()):
        sealed = unseal(blob)
        verify(sealed, collector.agents["agent-1"])
        assert sealed.judged is None
        snapshot = Snapshot.from_bytes(sealed.snapshot)
        found[snapshot.target.name] = snapshot
    return found


def test_every_target_that_is_due_arrives_sealed_and_the_silent_one_says_so(site: Site, collector: Collector) -> None:
    one, two = Fake(name="SW1", answers=answers("SW1")), Fake(name="SW2", answers=answers("SW2"))
    site.targets(site.row("sw1", one), site.row("sw2", two), "{name: gone, address: 127.0.0.1, port: 1}")
    done = site.run()
    assert done.returncode == 3, done.stderr
    assert "3 targets were looked at. Of 1 nothing new is known:\n  gone: " in done.stderr
    found = arrived(collector)
    assert set(found) == {"sw1", "sw2", "gone"}
    assert found["sw1"].by_fact["configuration"].outcome == "seen"
    assert (found["sw1"].target.kind, found["sw1"].target.via) == ("switch", "ssh")
    assert {record.outcome for record in found["gone"].records} == {"unreachable"}
    told = site.status()
    assert (told["listed"], told["looked_at"]) == (3, 3)
    assert [entry["name"] for entry in told["not_reached"]] == ["gone"]
    assert told["next"] > time.time()
    shown = site.rasoat("agent", "status", "--state-dir", site.state, env=site.env).stdout
    assert "3 of 3 targets" in shown
    assert "gone: " in shown

    before = len(collector.stored)
    assert site.run().returncode == 0, "nothing is due"
    assert len(collector.stored) == before
    assert one.log_ons == ["ok"]
    assert site.again().returncode == 3
    assert len(collector.stored) == before + 3


def test_a_changed_targets_file_is_noticed_and_only_the_new_target_is_asked(site: Site, collector: Collector) -> None:
    one, two = Fake(name="SW1", answers=answers("SW1")), Fake(name="SW2", answers=answers("SW2"))
    rows = [site.row("sw1", one)]
    site.targets(*rows)
    assert site.run().returncode == 0
    rows.append(site.row("sw-renamed", two))
    site.targets(*rows)
    assert site.run().returncode == 0
    assert set(arrived(collector)) == {"sw1", "sw-renamed"}
    assert (one.log_ons, two.log_ons) == (["ok"], ["ok"])
    site.targets(rows[1])
    site.run()
    assert site.status()["looked_at"] == 1, "what left the file is forgotten"


def test_a_wrong_password_is_tried_once_over_all_runs_until_it_is_corrected(site: Site, collector: Collector) -> None:
    fake = Fake(name="SW1", answers=answers("SW1"))
    site.targets(site.row("sw1", fake))
    site.set_password("wrong-password-of-the-test")
    for _ in range(3):
        assert (site.run() if not (site.state / "station.json").exists() else site.again()).returncode == 3
    assert fake.log_ons == ["refused"]
    assert "earlier scan" in arrived(collector)["sw1"].by_fact["identity"].reason
    assert site.status()["refused_log_ons"] == [{"host": "127.0.0.1", "port": site.fakes.ports[-1][0], "user": "rasoat"}]
    site.set_password(SECRET)
    assert site.again().returncode == 0
    assert fake.log_ons == ["refused", "ok"]
    assert site.status()["refused_log_ons"] == []


def test_a_person_may_have_the_same_password_tried_again(site: Site, collector: Collector) -> None:
    fake = Fake(name="SW1", answers=answers("SW1"), locked=True)
    site.targets(site.row("sw1", fake))
    site.run()
    fake.locked = False
    assert site.again().returncode == 3
    kept = json.loads((site.state / "station.json").read_text())
    kept["due"], kept["targets"] = 0, {}
    (site.state / "station.json").write_text(json.dumps(kept))
    assert site.run("--retry-log-ons").returncode == 0
    assert fake.log_ons == ["refused", "ok"]


def test_a_site_stops_after_three_and_stays_stopped(site: Site, collector: Collector) -> None:
    refusing = [Fake(name=f"SW{n}", answers=answers(f"SW{n}"), locked=True) for n in range(6)]
    elsewhere = Fake(name="FREE", answers=answers("FREE"), user="other")
    other = site.folder / "other.pw"
    other.write_text(SECRET)
    other.chmod(0o600)
    site.targets(
        *(site.row(f"sw{n}", fake, labels="[hanoi]") for n, fake in enumerate(refusing)),
        site.row("free", elsewhere, credential="other", labels="[hue]"),
        more=f"  other: {{user: other, password_file: {other}}}\n",
    )
    site.run()
    site.again()
    assert sum(len(fake.log_ons) for fake in refusing) == 3
    assert elsewhere.log_ons == ["ok", "ok"]
    assert site.status()["stopped_sites"] == ["credential net", "label hanoi"]
    assert len(arrived(collector)) == 7, "those not tried say so too"
    assert "log-ons stopped" in site.rasoat("agent", "status", "--state-dir", site.state, env=site.env).stdout


def test_outside_its_window_nothing_is_begun(site: Site, collector: Collector) -> None:
    fake = Fake(name="SW1", answers=answers("SW1"))
    site.targets(site.row("sw1", fake))
    site.env["TZ"] = "UTC"
    hour = time.gmtime().tm_hour
    closed = f"{(hour + 2) % 24:02}:00-{(hour + 3) % 24:02}:00"
    assert site.run(RASOAT_STATION_WINDOW=closed).returncode == 0
    assert fake.log_ons == []
    site.env["RASOAT_STATION_WINDOW"] = f"{(hour - 1) % 24:02}:00-{(hour + 2) % 24:02}:00"
    assert site.run().returncode == 0
    assert fake.log_ons == ["ok"]


def test_while_the_collector_is_away_snapshots_wait_and_none_is_asked_again(site: Site, collector: Collector) -> None:
    fake = Fake(name="SW1", answers=answers("SW1"))
    site.targets(site.row("sw1", fake))
    collector.faults = [503] * 40
    assert site.run(RASOAT_TRIES="2").returncode == 4
    assert len(list((site.state / "spool").iterdir())) == 1
    collector.faults = []
    assert site.run().returncode == 0
    assert set(arrived(collector)) == {"sw1"}
    assert fake.log_ons == ["ok"]


def test_what_finds_no_room_is_looked_at_again_later_and_not_over_and_over(site: Site, collector: Collector) -> None:
    fake = Fake(name="SW1", answers=answers("SW1"))
    site.targets(site.row("sw1", fake))
    for number in range(40):
        fill(site.state, name=f"another-{number}")
    collector.faults = [503] * 200
    done = site.run(RASOAT_TRIES="1", RASOAT_SPOOL_MB="0.01")
    assert "no room to keep the snapshot of sw1" in done.stderr
    told = site.status()
    assert told["looked_at"] == 0
    assert told["next"] > time.time() + 200
    collector.faults = []
    site.again(RASOAT_SPOOL_MB="0.01")
    assert "sw1" in arrived(collector)
    assert fake.log_ons == ["ok", "ok"]


def test_what_was_seen_before_and_finds_no_room_now_is_not_seen(site: Site, collector: Collector) -> None:
    site.targets(site.row("sw1", Fake(name="SW1", answers=answers("SW1"))))
    assert site.run().returncode == 0
    for number in range(40):
        fill(site.state, name=f"another-{number}")
    collector.faults = [503] * 200
    done = site.again(RASOAT_TRIES="1", RASOAT_SPOOL_MB="0.01")
    assert "Of 1 nothing new is known:\n  sw1: it could not be kept" in done.stderr


@pytest.mark.parametrize("row", ["{name: here, via: local}", "{name: image, via: root, address: /}"])
def test_a_target_that_is_this_machine_is_refused(site: Site, row: str) -> None:
    site.file.write_text(f"targets:\n  - {row}\n")
    done = site.run()
    assert done.returncode == 2
    assert "looks at other machines" in done.stderr
    assert "looks at other machines" in site.status()["error"]
    assert site.run().returncode == 0, "said once, until the file is changed"


def test_a_mistake_in_the_targets_file_is_told_with_its_line_and_costs_nothing_else(site: Site, collector: Collector) -> None:
    site.file.write_text("targets:\n  - {name: sw1, plattform: cisco_ios}\n")
    (site.state / "contact.json").unlink()
    done = site.run()
    assert done.returncode == 2
    assert f"{site.file}:2: " in done.stderr
    assert len(collector.stored) == 1, "the station's own snapshot"


def test_no_byte_of_the_password_lies_in_the_state(site: Site, collector: Collector) -> None:
    wrong = "Mat-Khau-Sai-8472"
    good, bad = Fake(name="SW1", answers=answers("SW1")), Fake(name="SW2", answers=answers("SW2"), password="else")
    site.targets(site.row("sw1", good), site.row("sw2", bad))
    site.set_password(SECRET)
    site.run(RASOAT_TRIES="1")
    site.set_password(wrong)
    site.again(RASOAT_TRIES="1")
    for path in site.state.rglob("*"):
        if path.is_file():
            body = path.read_bytes()
            assert SECRET.encode() not in body, path
            assert wrong.encode() not in body, path
    for blob in collector.stored.values():
        assert SECRET.encode() not in unseal(blob).snapshot
    assert os.environ.get("RASOAT_STATION_TARGETS") is None


def ask(collector: Collector, *jobs: Any) -> None:
    from baselines.loader import digest_of
    from tests.agent.test_policy import texts, work

    collector.packs = {digest_of(texts()): texts()}
    collector.work = work() | {"jobs": list(jobs)}


def test_a_scan_asked_for_at_the_collector_is_done_once_and_only_of_ones_own_targets(site: Site, collector: Collector) -> None:
    one, two = Fake(name="SW1", answers=answers("SW1")), Fake(name="SW2", answers=answers("SW2"))
    site.targets(site.row("sw1", one), site.row("sw2", two))
    assert site.run().returncode == 0
    ask(collector, {"id": 7, "scan": "sw2"}, {"id": 8, "scan": "10.0.0.1"}, {"id": 9, "scan": "sw1; reboot"})
    assert site.run().returncode == 0
    assert (len(one.log_ons), len(two.log_ons)) == (1, 2)
    assert site.run().returncode == 0
    assert len(two.log_ons) == 2, "the collector may still list it; it was done"
    ask(collector, {"id": 10, "scan": "sw1"})
    assert site.run().returncode == 0
    assert (len(one.log_ons), len(two.log_ons)) == (2, 2)


def test_a_scan_asked_for_waits_for_the_window(site: Site, collector: Collector) -> None:
    fake = Fake(name="SW1", answers=answers("SW1"))
    site.targets(site.row("sw1", fake))
    assert site.run().returncode == 0
    ask(collector, {"id": 1, "scan": "sw1"})
    site.env["TZ"] = "UTC"
    hour = time.gmtime().tm_hour
    assert site.run(RASOAT_STATION_WINDOW=f"{(hour + 2) % 24:02}:00-{(hour + 3) % 24:02}:00").returncode == 0
    assert len(fake.log_ons) == 1
    assert site.run().returncode == 0
    assert len(fake.log_ons) == 2


@pytest.mark.parametrize(
    "job",
    [
        None,
        5,
        "sw1",
        [],
        {},
        {"id": "1", "scan": "sw1"},
        {"id": 1},
        {"id": True, "scan": "sw1"},
        {"id": 1, "run": "sw1"},
        {"id": 1, "itself": 1},
        {"itself": True},
    ],
)
def test_what_is_no_job_is_not_obeyed(enrolled: Path, collector: Collector, job: Any) -> None:
    from agent.policy import poll
    from agent.state import State
    from agent.upload import Collector as Calling

    ask(collector, job)
    found = poll(Calling(collector.url), "agent-1", (enrolled / "key").read_bytes(), State(enrolled), "")
    assert found is not None
    assert (found.own, found.targets) == ([], [])
