"""Copies that restore a device: what goes in comes out, for the right key alone, and nothing of it lies anywhere in clear."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import full_copies
from agent.errors import Refusal
from agent.full_copies import FullCopies, Seal
from agent.state import State
from collectors.catalog import DEVICES, device_os
from collectors.devices.full_text import FullText
from collectors.inventory import Inventory
from collectors.model import Kind, Platform, Snapshot, Target, new_id
from collectors.run import collect, look
from tests.agent.collector import Collector
from tests.agent.conftest import ROOT, Run
from tests.agent.snapshots import snapshot as made
from tests.agent.test_station import Site, answers, arrived
from tests.fake_device import Fake, Fakes

PLANTED = "Mat-Khau-Thiet-Bi-90417"
IDENTITY = pyrage.x25519.Identity.generate()
PUBLIC = str(IDENTITY.to_public())


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "restore.key"
    file.write_text(f"# of the tests\n{IDENTITY}\n")
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def fakes() -> Iterator[Fakes]:
    with Fakes() as found:
        yield found


@pytest.fixture
def site(tmp_path: Path, fakes: Fakes, enrolled: Path, rasoat: Run) -> Site:
    return Site(tmp_path, fakes, enrolled, rasoat)


def secret_switch(name: str) -> Fake:
    """A switch whose configuration holds a password in clear."""
    found = answers(name)
    for command in ("show running-config", "show startup-config"):
        found[command] = found[command].replace(
            "interface Vlan1\n", f"username cuu-ho privilege 15 password 0 {PLANTED}\ninterface Vlan1\n"
        )
    return Fake(name=name, answers=found)


def of(name: str = "sw1", at: datetime | None = None) -> Snapshot:
    found = made(name=name, kind=Kind.SWITCH)
    return found.model_copy(
        update={
            "target": Target(name=name, kind=Kind.SWITCH, platform=Platform.CISCO_IOS, via="ssh"),
            "collected_at": at or datetime.now(UTC).replace(microsecond=0),
            "id": new_id(at.timestamp() if at else None),
        }
    )


def everything_under(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            body = path.read_bytes()
            yield path, body
            if body[:2] == b"\x1f\x8b":
                yield path, gzip.decompress(body)


@given(st.text())
def test_what_goes_in_comes_out_byte_for_byte(text: str) -> None:
    sealed = Seal([PUBLIC])(text)
    assert pyrage.decrypt(sealed, [IDENTITY]) == text.encode("utf-8", "surrogatepass")


def test_each_of_several_recipients_opens_it_and_nobody_else() -> None:
    other, stranger = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    sealed = Seal([PUBLIC, str(other.to_public())])("x")
    assert [pyrage.decrypt(sealed, [one]) for one in (IDENTITY, other)] == [b"x", b"x"]
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [stranger])


@pytest.mark.parametrize(
    "word", ["", "age1", "age1xyz", "ssh-ed25519 AAAA", PUBLIC[:-1]], ids=["empty", "scheme", "short", "ssh", "cut"]
)
def test_what_is_no_public_key_is_refused(word: str) -> None:
    with pytest.raises(Refusal, match="public key"):
        Seal([word] if word else [])


def test_a_private_key_given_as_public_is_refused_and_not_repeated() -> None:
    with pytest.raises(Refusal, match="private key") as caught:
        Seal([str(IDENTITY)])
    assert str(IDENTITY) not in str(caught.value)


def copy_of(tmp_path: Path, text: str = "hostname SW1\nend\n") -> Path:
    copies = FullCopies(tmp_path / "copies", Seal([PUBLIC]))
    copies(of(), text)
    return copies.kept["sw1"]


def test_a_weak_key_file_is_refused_by_name(tmp_path: Path, key: Path) -> None:
    copy = copy_of(tmp_path)
    assert full_copies.opened(copy, key) == b"hostname SW1\nend\n"
    key.chmod(0o640)
    with pytest.raises(Refusal, match="can be read by others"):
        full_copies.opened(copy, key)


def test_a_wrong_key_and_a_file_without_one_are_refused_by_name(tmp_path: Path, key: Path) -> None:
    copy = copy_of(tmp_path)
    key.write_text(str(pyrage.x25519.Identity.generate()))
    with pytest.raises(Refusal, match="another key"):
        full_copies.opened(copy, key)
    for nothing in ("", "# only a remark\n", PUBLIC, "AGE-SECRET-KEY-1XYZ"):
        key.write_text(nothing)
        with pytest.raises(Refusal, match="holds no private key"):
            full_copies.opened(copy, key)
    with pytest.raises(Refusal, match="cannot be read"):
        full_copies.opened(copy, tmp_path / "none")


def test_no_changed_or_shortened_copy_is_opened(tmp_path: Path, key: Path) -> None:
    copy = copy_of(tmp_path, "hostname SW1\n" + "!\n" * 50 + "end\n")
    whole = copy.read_bytes()
    for length in range(0, len(whole), 7):
        copy.write_bytes(whole[:length])
        with pytest.raises(Refusal, match=r"damaged|no encrypted copy|another key"):
            full_copies.opened(copy, key)
    for place in range(0, len(whole), 7):
        copy.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(Refusal, match=r"damaged|no encrypted copy|another key"):
            full_copies.opened(copy, key)
    copy.write_bytes(whole + b"x")
    with pytest.raises(Refusal, match="damaged"):
        full_copies.opened(copy, key)


@pytest.mark.skipif(shutil.which("age") is None, reason="the program age is not installed")
def test_another_age_program_opens_it_too(tmp_path: Path, key: Path) -> None:
    copy = copy_of(tmp_path)
    done = subprocess.run(["age", "-d", "-i", key, copy], capture_output=True, check=False)
    assert done.stdout == b"hostname SW1\nend\n", done.stderr


@pytest.mark.parametrize("name", ["sw1", "../../etc", "..", ".ẩn", "tầng 3/tủ 2", "a\\b", "%2E"])
def test_no_target_s_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    copies = FullCopies(tmp_path / "copies", Seal([PUBLIC]))
    copies(of(name), "x")
    assert copies.trouble == {}
    assert copies.kept[name].parent.parent == tmp_path / "copies"
    assert [copy.target for copy in full_copies.copies(tmp_path / "copies")] == [name]


def test_a_station_leaves_out_what_did_not_change_but_a_password_is_a_change(tmp_path: Path, key: Path) -> None:
    state = State(tmp_path / "state")
    state.prepare()

    def take(text: str, at: datetime) -> None:
        copies = FullCopies(tmp_path / "copies", Seal([PUBLIC]), state, b"k" * 32)
        copies(of(at=at), text)
        assert copies.trouble == {}

    day = datetime(2026, 11, 10, 5, tzinfo=UTC)
    text = f"! Last configuration change at 10:00\nhostname SW1\nenable password {PLANTED}\nend\n"
    take(text, day)
    take(text.replace("10:00", "11:00"), day + timedelta(days=1))
    assert len(list(full_copies.copies(tmp_path / "copies"))) == 1
    take(text.replace(PLANTED, "another"), day + timedelta(days=2))
    assert len(list(full_copies.copies(tmp_path / "copies"))) == 2
    take(text.replace(PLANTED, "another"), day + timedelta(days=25))
    assert len(list(full_copies.copies(tmp_path / "copies"))) == 3, "each month has a copy of its own"
    for path, body in everything_under(tmp_path):
        assert PLANTED.encode() not in body, path


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("aaa-server X host 192.0.2.1\n key *****", True),
        ("snmp-server community *****", True),
        ('username u password 0 "********"', True),
        ("banner motd ********************", False),
        (f"username u password 0 {PLANTED}", False),
    ],
)
def test_asterisks_in_place_of_a_secret_are_told(tmp_path: Path, line: str, masked: bool) -> None:
    copies = FullCopies(tmp_path / "copies", Seal([PUBLIC]))
    copies(of(), f"hostname SW1\n{line}\nend\n")
    assert copies.masked == ({"sw1"} if masked else set())


def test_the_newest_and_the_last_of_each_month_stay(tmp_path: Path) -> None:
    copies = FullCopies(tmp_path, Seal([PUBLIC]))
    days = [(2024, 1, 5), (2024, 1, 30), (2024, 2, 3), (2024, 2, 28), (2026, 11, 1), (2026, 11, 2)]
    for day in days:
        copies(of(at=datetime(*day, 6, tzinfo=UTC)), "x")
    assert full_copies.prune(tmp_path, 100, datetime(2026, 11, 20, tzinfo=UTC)) == 2
    assert [(c.when.year, c.when.month, c.when.day) for c in full_copies.copies(tmp_path)] == [days[1], days[3], days[4], days[5]]


def test_a_disk_that_takes_nothing_is_told_and_costs_no_snapshot(tmp_path: Path) -> None:
    (tmp_path / "copies").write_text("a file is in the way")
    copies = FullCopies(tmp_path / "copies", Seal([PUBLIC]))
    copies(of(), PLANTED)
    assert list(copies.trouble) == ["sw1"]
    assert PLANTED not in copies.trouble["sw1"]
    assert copies.kept == {}


class Session:
    """A device's session with set answers."""

    platform, prompt_name, privileged, legacy_crypto = "cisco_ios", "SW1", True, False

    def __init__(self, said: dict[str, str]) -> None:
        self._said = said

    def ask(self, command: str, *, timeout: float = 1) -> str:
        return self._said.get(command, "        ^\n% Invalid input detected at '^' marker.\n")


@pytest.mark.parametrize(
    ("changes", "given"),
    [
        ({}, True),
        ({"show running-config": "version 15.2\nhostname SW1\nno aaa new-model\n"}, False),
        ({"show running-config": "% Authorization failed\n"}, False),
        ({"show privilege": "Current privilege level is 1\n"}, False),
    ],
)
def test_only_a_whole_configuration_that_was_believed_is_handed_over(changes: dict[str, str], given: bool) -> None:
    taken: list[str] = []
    said = secret_switch("SW1").answers | changes
    full = FullText(Session(dict(said)), device_os(Platform.CISCO_IOS))
    snapshot = collect(Target(name="sw1", kind=Kind.SWITCH), full)
    full.hand_over(snapshot, lambda _snapshot, text: taken.append(text))
    assert taken == ([said["show running-config"]] if given else [])
    assert PLANTED not in snapshot.to_bytes().decode()


@pytest.mark.system
def test_the_station_keeps_encrypted_copies_and_no_byte_of_a_secret_in_clear(
    site: Site, collector: Collector, key: Path, tmp_path: Path
) -> None:
    site.targets(
        site.row("sw1", secret_switch("SW1")), site.row("sw2", secret_switch("SW2")), "{name: gone, address: 127.0.0.1, port: 1}"
    )
    site.env["RASOAT_COPIES_RECIPIENT"] = PUBLIC
    assert site.run().returncode == 3
    copies = list(full_copies.copies(site.state / "copies"))
    assert [copy.target for copy in copies] == ["sw1", "sw2"]
    snapshots = arrived(collector)
    assert [copy.snapshot for copy in copies] == [snapshots["sw1"].id, snapshots["sw2"].id]
    for path, body in everything_under(site.state):
        assert PLANTED.encode() not in body, path
        assert b"AGE-SECRET" not in body
    for blob in collector.stored.values():
        assert PLANTED.encode() not in gzip.decompress(blob)
    assert site.status()["copies"]["count"] == 2

    sealed = tmp_path / "signed.rasoat"
    sealed.write_bytes(collector.stored[snapshots["sw1"].id])
    opened = site.rasoat("configuration", "open", copies[0].path, "--key", key, "--snapshot", sealed)
    assert opened.returncode == 0, opened.stderr
    assert PLANTED in opened.stdout
    assert opened.stdout.endswith("end\n")
    foreign = site.rasoat("configuration", "open", copies[1].path, "--key", key, "--snapshot", sealed)
    assert foreign.returncode == 2
    assert "not what the device said" in foreign.stderr
    assert PLANTED not in foreign.stdout + foreign.stderr


@pytest.mark.system
def test_a_copy_before_a_change_succeeds_only_when_every_device_was_copied(site: Site, key: Path, tmp_path: Path) -> None:
    site.targets(site.row("sw1", secret_switch("SW1")), "{name: gone, address: 127.0.0.1, port: 1}")
    words = ("configuration", "backup", "--inventory", site.file, "--to", tmp_path / "out", "--recipient", PUBLIC)
    one = site.rasoat(*words, "--only", "sw1")
    assert one.returncode == 0, one.stderr
    output = tmp_path / "restored.cfg"
    done = site.rasoat("configuration", "open", one.stdout.strip(), "--key", key, "--output", output)
    assert done.returncode == 0, done.stderr
    assert PLANTED in output.read_text()
    assert output.stat().st_mode & 0o777 == 0o600
    both = site.rasoat(*words)
    assert both.returncode == 3
    assert "gone was not copied: " in both.stderr
    assert site.rasoat("configuration", "list", tmp_path / "out").stdout.count("sw1") >= 2
    assert site.rasoat(*words[:-1], "age1nonsense").returncode == 2


@pytest.mark.system
def test_a_key_is_made_once_and_never_written_over(rasoat: Run, tmp_path: Path) -> None:
    file = tmp_path / "new.key"
    made_now = rasoat("configuration", "key", file)
    assert made_now.returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert made_now.stdout.startswith("age1")
    assert "SECRET" not in made_now.stdout + made_now.stderr
    assert rasoat("configuration", "key", file).returncode == 2
    copies = FullCopies(tmp_path / "c", Seal(full_copies.recipients_in(made_now.stdout)))
    copies(of(), "x")
    assert full_copies.opened(copies.kept["sw1"], file) == b"x"


def test_a_private_key_in_the_settings_is_not_repeated(tmp_path: Path) -> None:
    from agent import config

    (tmp_path / "agent.yaml").write_text(f"copies_recipient: {IDENTITY}\n")
    with pytest.raises(Refusal) as caught:
        config.load({"RASOAT_CONFIG": str(tmp_path / "agent.yaml")})
    assert str(IDENTITY) not in str(caught.value)
    assert json.dumps(str(IDENTITY))[5:40] not in str(caught.value)


@pytest.mark.parametrize("platform", sorted(DEVICES))
def test_of_every_system_a_copy_is_what_the_signed_snapshot_names(tmp_path: Path, platform: Platform) -> None:
    """Each recorded device has a copy exactly where its configuration was seen."""
    folders = [path.parent for path in (ROOT / "tests" / "devices").glob(f"{platform}--*/transcript.yaml")]
    assert folders, "a system without a recording"
    copies = FullCopies(tmp_path, Seal([PUBLIC]))
    seen = set()
    for folder in folders:
        target = Target(name=folder.name, kind=Kind.SWITCH, via="replay", address=str(folder))
        found = look(target, Inventory((), full_text=copies), only=("configuration",))
        if found.by_fact["configuration"].outcome == "seen":
            seen.add(folder.name)
            digest = hashlib.sha256(pyrage.decrypt(copies.kept[folder.name].read_bytes(), [IDENTITY])).hexdigest()
            assert digest in {source.sha256 for record in found.records for source in record.sources}
    assert set(copies.kept) == seen
    assert copies.trouble == {}
