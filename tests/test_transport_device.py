"""DeviceSession against fake devices on loopback: faults end in the right words, and no answer is ever that of another question."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from collectors.catalog import device_os
from collectors.credential import Credential
from collectors.devices.witness import DeviceWitness
from collectors.errors import CollectError, Denied, UnknownHost, Unparsable, Unreachable, Unsupported
from collectors.inventory import Inventory
from collectors.log_ons import FAILURES, LogOns
from collectors.model import Kind, Platform, Target
from collectors.run import sweep
from collectors.transports.device import DeviceSession
from tests.fake_device import Fake, Fakes

pytestmark = pytest.mark.system

OS = device_os(Platform.CISCO_IOS)
VERSION = "Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(7)E3, RELEASE SOFTWARE (fc3)\n"


def configuration(name: str, lines: int = 50) -> str:
    body = "".join(f"interface Vlan{number}\n description {name}-{number}\n!\n" for number in range(lines))
    return f"version 15.2\nhostname {name}\nno aaa new-model\n{body}line con 0\nline vty 0 4\n login\nend\n"


@pytest.fixture(scope="module")
def fakes() -> Iterator[Fakes]:
    with Fakes() as found:
        yield found


def reach(fakes: Fakes, tmp_path: Path, fake: Fake, *, password: str = "", enable: str = "", **how: Any) -> DeviceSession:
    port = fakes.start(fake)
    target = Target(
        name="sw", kind=Kind.SWITCH, platform=Platform.CISCO_IOS, via="ssh", address="127.0.0.1", port=port, credential="c"
    )
    known = fakes.known_hosts(tmp_path / "known_hosts")
    return DeviceSession.connect(target, credential(tmp_path, fake, password, enable), known, OS, also_known=(), **how)


def credential(tmp_path: Path, fake: Fake, password: str = "", enable: str = "") -> Credential:
    files = {"password_file": password or fake.password}
    if enable:
        files["enable_password_file"] = enable
    for name, value in files.items():
        path = tmp_path / name
        path.write_text(value)
        path.chmod(0o600)
        files[name] = str(path)
    return Credential(user=fake.user, **files)


def answers(name: str) -> dict[str, str]:
    return {
        "show version": VERSION,
        "show privilege": "Current privilege level is 15\n",
        "show running-config": configuration(name),
    }


@pytest.mark.parametrize("echo", ["tty", "line"])
def test_an_answer_is_what_stands_between_echo_and_prompt(fakes: Fakes, tmp_path: Path, echo: Any) -> None:
    fake = Fake(name="SW-TANG3", answers=answers("SW-TANG3"), echo=echo, latency=0.02, greeting="\nXin chào\n")
    with reach(fakes, tmp_path, fake) as session:
        assert session.prompt_name == "SW-TANG3"
        assert session.privileged
        assert session.legacy_crypto is False
        for _ in range(3):
            assert session.ask("show version") == VERSION
            assert session.ask("show running-config") == configuration("SW-TANG3")
            assert "Invalid input" in session.ask("show nothing")
    assert fake.heard[:2] == list(OS.prepare)
    assert all(line.startswith(("show ", "terminal ")) for line in fake.heard)


def test_a_command_that_does_not_read_is_never_sent(fakes: Fakes, tmp_path: Path) -> None:
    fake = Fake()
    with reach(fakes, tmp_path, fake) as session:
        for command in ("configure terminal", "write memory", "reload", "showx", "show version\nreload", "show version\rreload"):
            with pytest.raises(AssertionError, match="not a reading command"):
                session.ask(command)
    assert fake.heard == list(OS.prepare)


@pytest.mark.parametrize("delay", [0.05, 0.1, 0.4, 0.8])
@pytest.mark.parametrize("echo", ["tty", "line"])
def test_a_banner_with_the_own_prompt_in_it_is_no_prompt(fakes: Fakes, tmp_path: Path, echo: Any, delay: float) -> None:
    greeting = "*****\nHệ thống của cơ quan nhà nước\nSW1#\nline vty 0 4\nSW1# show run\nSW1#"
    fake = Fake(answers=answers("SW1"), greeting=greeting, latency=0.05, prompt_delay=delay, echo=echo)
    with reach(fakes, tmp_path, fake) as session:
        assert session.prompt_name == "SW1"
        assert session.ask("show version") == VERSION
        assert session.ask("show running-config") == configuration("SW1")


def test_an_output_that_quotes_the_prompt_is_read_to_its_end(fakes: Fakes, tmp_path: Path) -> None:
    text = "".join(f"line {number}\nSW1#\n" for number in range(4000))
    with reach(fakes, tmp_path, Fake(answers={"show x": text, "show version": VERSION})) as session:
        assert session.ask("show x") == text
        assert session.ask("show version") == VERSION


def test_a_question_before_the_prompt_is_answered(fakes: Fakes, tmp_path: Path) -> None:
    from dataclasses import replace

    fake = Fake(answers=answers("SW1"), accept="a")
    port = fakes.start(fake)
    target = Target(name="sw", via="ssh", address="127.0.0.1", port=port, credential="c")
    os = replace(OS, answers=((r"to accept\):", "a"),))
    known = fakes.known_hosts(tmp_path / "known_hosts")
    with DeviceSession.connect(target, credential(tmp_path, fake), known, os, also_known=()) as session:
        assert session.ask("show version") == VERSION


def test_rights_are_raised_once_and_only_with_a_word_for_it(fakes: Fakes, tmp_path: Path) -> None:
    def fake() -> Fake:
        return Fake(answers=answers("SW1"), unprivileged=True, enable_secret="Nang-Quyen1")

    with reach(fakes, tmp_path, fake(), enable="Nang-Quyen1") as session:
        assert session.privileged
        assert session.ask("show version") == VERSION
    with reach(fakes, tmp_path, fake()) as session:
        assert not session.privileged
        assert session.ask("show version") == VERSION
    wrong = fake()
    with pytest.raises(Denied, match="enable did not raise the rights"):
        reach(fakes, tmp_path, wrong, enable="Sai-Hoan-Toan")
    assert wrong.heard == ["enable"]


@pytest.mark.parametrize("fault", [{"password": "Sai-Mat-Khau"}, {"locked": True}])
def test_a_refused_account_is_tried_once(fakes: Fakes, tmp_path: Path, fault: dict[str, Any]) -> None:
    fake = Fake(locked=fault.get("locked", False))
    log_ons = LogOns()
    with pytest.raises(Denied, match="one log-on was tried and no more"):
        reach(fakes, tmp_path, fake, password=fault.get("password", ""), log_ons=log_ons)
    assert fake.log_ons == ["refused"]
    port = fakes.ports[-1][0]
    target = Target(name="other name", via="ssh", address="127.0.0.1", port=port, credential="other")
    with pytest.raises(Denied, match="refused here in this scan already"):
        DeviceSession.connect(target, credential(tmp_path, fake), tmp_path / "known_hosts", OS, also_known=(), log_ons=log_ons)
    assert fake.log_ons == ["refused"]


def test_a_site_stops_after_three(fakes: Fakes, tmp_path: Path) -> None:
    many = [Fake(name=f"SW{number}") for number in range(12)]
    ports = fakes.start_all(many)
    known = fakes.known_hosts(tmp_path / "known_hosts")
    inventory = Inventory(
        tuple(
            Target(
                name=f"sw{port}",
                kind=Kind.SWITCH,
                platform=Platform.CISCO_IOS,
                via="ssh",
                address="127.0.0.1",
                port=port,
                credential="c",
            )
            for port in ports
        ),
        {"c": credential(tmp_path, many[0], password="Sai-Mat-Khau")},
        known_hosts=known,
    )
    snapshots = list(sweep(inventory, parallel=12))
    assert sum(len(fake.log_ons) for fake in many) == FAILURES
    assert all(record.outcome == "denied" for snapshot in snapshots for record in snapshot.records)
    stopped = [s for s in snapshots if "log-ons of credential c failed in this scan" in s.records[0].reason]
    assert len(stopped) == 12 - FAILURES


def test_an_unknown_host_key_sends_nothing(fakes: Fakes, tmp_path: Path) -> None:
    fake = Fake()
    port = fakes.start(fake)
    target = Target(name="sw", via="ssh", address="127.0.0.1", port=port, credential="c")
    with pytest.raises(UnknownHost):
        DeviceSession.connect(target, credential(tmp_path, fake), tmp_path / "none", OS, also_known=())
    assert fake.log_ons == []


def test_old_algorithms_only_where_the_targets_file_allows_them(fakes: Fakes, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="legacy_ssh: true"):
        reach(fakes, tmp_path, Fake(old_algorithms=True))
    with reach(fakes, tmp_path, Fake(old_algorithms=True, answers=answers("SW1")), legacy=True) as session:
        assert session.legacy_crypto is True
        assert session.ask("show version") == VERSION
    with reach(fakes, tmp_path, Fake(answers=answers("SW1")), legacy=True) as session:
        assert session.legacy_crypto is False


def test_a_prompt_that_never_comes(fakes: Fakes, tmp_path: Path) -> None:
    with pytest.raises(Unparsable, match="no prompt of cisco_ios within 1 s"):
        reach(fakes, tmp_path, Fake(never_prompts=True, greeting="% Loading\n"), timeout=1.0)


def test_a_device_of_another_system(fakes: Fakes, tmp_path: Path) -> None:
    with pytest.raises(Unparsable, match="is platform: right"):
        reach(fakes, tmp_path, Fake(name="[admin@MikroTik] /"), timeout=1.5)
    nexus = Fake(answers={**answers("SW1"), "show version": "Cisco Nexus Operating System (NX-OS) Software\n"})
    with reach(fakes, tmp_path, nexus) as session, pytest.raises(Unparsable, match="not Cisco IOS"):
        OS.questions["identity"](DeviceWitness(session, OS))


def test_a_line_that_is_cut_ends_the_session(fakes: Fakes, tmp_path: Path) -> None:
    with reach(fakes, tmp_path, Fake(answers=answers("SW1"), cut_in="show running-config")) as session:
        assert session.ask("show version") == VERSION
        with pytest.raises(Unreachable, match="hung up during show running-config"):
            session.ask("show running-config")
        with pytest.raises(Unreachable, match="hung up"):
            session.ask("show version")


def test_a_question_that_takes_too_long_ends_the_session(fakes: Fakes, tmp_path: Path) -> None:
    """Its answer may come any time later and would be taken for the next one's."""
    with reach(fakes, tmp_path, Fake(answers=answers("SW1"), latency=1.0), timeout=20.0) as session:
        with pytest.raises(Unreachable, match=r"no prompt within 0.2 s"):
            session.ask("show version", timeout=0.2)
        with pytest.raises(Unreachable, match=r"no prompt within 0.2 s"):
            session.ask("show running-config")


def test_a_pager_is_no_end(fakes: Fakes, tmp_path: Path) -> None:
    fake = Fake(answers=answers("SW1"), page=20, paging_stays=True)
    with reach(fakes, tmp_path, fake) as session:
        with pytest.raises(Unparsable, match="stops at a pager"):
            session.ask("show running-config")
        assert session.ask("show version") == VERSION
    with reach(fakes, tmp_path, Fake(answers=answers("SW1"), page=20)) as session:
        assert session.ask("show running-config") == configuration("SW1")


def test_the_prompt_of_another_device(fakes: Fakes, tmp_path: Path) -> None:
    with reach(fakes, tmp_path, Fake(answers=answers("SW1"), another_after="show running-config")) as session:
        with pytest.raises(Unparsable, match="that of OTHER-ROUTER, not of SW1"):
            session.ask("show running-config")
        with pytest.raises(Unreachable):
            session.ask("show version")


def test_a_configuration_of_another_device_is_not_believed(fakes: Fakes, tmp_path: Path) -> None:
    with reach(fakes, tmp_path, Fake(name="SW1", answers=answers("SW2"))) as session:
        witness = DeviceWitness(session, OS)
        with pytest.raises(Unparsable, match="that of SW2, the prompt that of SW1"):
            witness.ask("show running-config")


def test_a_message_nobody_asked_for_is_in_no_answer(fakes: Fakes, tmp_path: Path) -> None:
    with reach(fakes, tmp_path, Fake(answers=answers("SW1"), stray_after="show version")) as session:
        assert session.ask("show version") == VERSION
        threading.Event().wait(0.3)
        with pytest.raises(Unparsable, match="text came before show running-config was asked"):
            session.ask("show running-config")


def test_refusals_are_words_of_their_system(fakes: Fakes, tmp_path: Path) -> None:
    fake = Fake(answers={"show a": "% Authorization failed.\n", "show b": "Command authorization failed.\n"})
    with reach(fakes, tmp_path, fake) as session:
        witness = DeviceWitness(session, OS)
        for command, error in (("show a", Denied), ("show b", Denied), ("show c", Unsupported)):
            with pytest.raises(error):
                witness.ask(command)


def test_bytes_that_are_no_text(fakes: Fakes, tmp_path: Path) -> None:
    raw = {"show version": VERSION.encode() + b"\r\nbanner \xff\xfe\xa4\r\n"}
    with reach(fakes, tmp_path, Fake(raw=raw)) as session:
        assert session.ask("show version").startswith(VERSION)
        assert session.ask("show version").endswith("banner ���\n")


def test_a_configuration_of_200_000_lines(fakes: Fakes, tmp_path: Path) -> None:
    text = configuration("SW1", 66_700)
    assert text.count("\n") > 200_000
    with reach(fakes, tmp_path, Fake(answers={**answers("SW1"), "show running-config": text})) as session:
        assert DeviceWitness(session, OS).ask("show running-config", timeout=60) == text


def test_no_answer_is_wrong_under_load(fakes: Fakes, tmp_path: Path) -> None:
    """300 sessions, 50 threads, 50 ms, letters echoed before they are looked at; some refuse, page, or hang up midway."""
    sessions, threads, per = 300, 50, 60

    def fake(number: int) -> Fake:
        name = f"R{number}"
        return Fake(
            name=name,
            latency=0.05,
            answers={**answers(name), "show version": f"{VERSION}{name} uptime is 1 day\n"},
            greeting="" if number % 3 else f"\n*** {name} ***\n{name}#\n",
            page=20 if number % 4 == 0 else 0,
            paging_stays=number % 20 == 0,
            cut_in="show running-config" if number % 10 == 1 else "",
        )

    many = [fake(number) for number in range(per)]
    ports = fakes.start_all(many)
    known = fakes.known_hosts(tmp_path / "known_hosts")
    secret = credential(tmp_path, many[0])

    def one(turn: int) -> list[str]:
        fake, port = many[turn % per], ports[turn % per]
        target = Target(name=fake.name, via="ssh", address="127.0.0.1", port=port, credential="c")
        wrong = []
        with DeviceSession.connect(target, secret, known, OS, also_known=(), timeout=60.0) as session:
            witness = DeviceWitness(session, OS)
            if session.prompt_name != fake.name:
                wrong.append(session.prompt_name)
            for command in ("show version", "show absent", "show running-config", "show privilege"):
                try:
                    said = witness.ask(command, timeout=60)
                except CollectError as error:
                    if command == "show absent" or fake.cut_in or fake.paging_stays:
                        continue
                    return [*wrong, f"{command}: {error}"]
                if said != fake.answers.get(command):
                    wrong.append(f"{fake.name} {command}: {said[:80]!r}")
        return wrong

    with ThreadPoolExecutor(threads) as pool:
        assert [wrong for wrongs in pool.map(one, range(sessions)) for wrong in wrongs] == []


FTD = device_os(Platform.CISCO_ASA)


def test_a_command_line_that_shows_no_name(fakes: Fakes, tmp_path: Path) -> None:
    """Firepower Threat Defense: `> ` from the log-on to the end; nothing is raised there and nothing prepared."""
    said = {"show version": "Model : Cisco Firepower 1010 Threat Defense (78) Version 7.2.5 (Build 208)\n> not the end\n"}
    fake = Fake(answers=said, prompt="> ", greeting="Copyright\n\n", refusal="Syntax error: Illegal parameter\n")
    port = fakes.start(fake)
    target = Target(
        name="f", kind=Kind.FIREWALL, platform=Platform.CISCO_ASA, via="ssh", address="127.0.0.1", port=port, credential="c"
    )
    known = fakes.known_hosts(tmp_path / "known_hosts")
    with DeviceSession.connect(target, credential(tmp_path, fake, "", "Bi-Mat-2"), known, FTD, also_known=()) as session:
        assert (session.prompt_name, session.privileged) == ("", True)
        assert session.ask("show version") == said["show version"]
        with pytest.raises(Unsupported):
            DeviceWitness(session, FTD).ask("show mode")
    assert fake.heard == ["show version", "show mode"]


# --- log-on by questions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["Password: ", "Password for rasoat@SW1:", "(rasoat@10.0.0.1) Password:", "Mật khẩu: "])
def test_a_device_that_takes_passwords_by_questions_only(fakes: Fakes, tmp_path: Path, words: str) -> None:
    fake = Fake(answers=answers("SW1"), asks=((words, False),))
    with reach(fakes, tmp_path, fake) as session:
        assert session.ask("show version") == VERSION
    assert (fake.log_ons, fake.answered) == (["ok"], [fake.password])


def test_a_wrong_password_to_a_question_is_tried_once(fakes: Fakes, tmp_path: Path) -> None:
    fake = Fake(asks=(("Password: ", False),))
    log_ons = LogOns()
    with pytest.raises(Denied, match="one log-on was tried and no more"):
        reach(fakes, tmp_path, fake, password="Sai-Mat-Khau", log_ons=log_ons)
    assert (fake.log_ons, fake.answered) == (["refused"], ["Sai-Mat-Khau"])


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("second", [("One-time password (OTP): ", False), ("Verification code: ", False), ("", True)])
def test_a_one_time_code_is_never_guessed(fakes: Fakes, tmp_path: Path, second: tuple[str, bool], at_once: bool) -> None:
    fake = Fake(asks=(("Password: ", False), second), all_at_once=at_once)
    log_ons = LogOns()
    with pytest.raises(Denied, match="asks for more than a password") as caught:
        reach(fakes, tmp_path, fake, log_ons=log_ons)
    assert fake.password not in str(caught.value)
    assert fake.answered == ([] if at_once else [fake.password])
    port = fakes.ports[-1][0]
    target = Target(name="other name", via="ssh", address="127.0.0.1", port=port, credential="other")
    with pytest.raises(Denied, match="refused here in this scan already"):
        DeviceSession.connect(target, credential(tmp_path, fake), tmp_path / "known_hosts", OS, also_known=(), log_ons=log_ons)
    assert fake.answered == ([] if at_once else [fake.password])


@pytest.mark.parametrize("words", ["Enter PASSCODE: ", "Challenge 4711, response: ", "PIN:", ""])
def test_a_question_for_something_else_gets_no_password(fakes: Fakes, tmp_path: Path, words: str) -> None:
    fake = Fake(asks=((words, False),))
    with pytest.raises(Denied, match="nothing was sent to that"):
        reach(fakes, tmp_path, fake)
    assert (fake.log_ons, fake.answered) == ([], [])
