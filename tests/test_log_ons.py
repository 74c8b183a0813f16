"""One wrong password must not lock an account, nor a whole site's accounts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh
import pytest

from collectors.credential import Credential
from collectors.errors import Denied, Unreachable
from collectors.inventory import Inventory
from collectors.log_ons import FAILURES, LogOns, Refused
from collectors.model import Target
from collectors.run import sweep
from tests.fake_device import Fake, Fakes


def fail(log_ons: LogOns, host: str, sites: tuple[str, ...] = ("credential c",)) -> None:
    with pytest.raises(Denied, match="no"), log_ons.one(host, 22, "u", sites):
        raise Denied("no")


def test_an_account_that_was_refused_is_not_tried_again() -> None:
    log_ons = LogOns()
    fail(log_ons, "SW1")
    with pytest.raises(Denied, match="refused here in this scan already"), log_ons.one("sw1", 22, "u", ("credential other",)):
        raise AssertionError("tried")
    with log_ons.one("sw1", 22, "another", ("credential other",)):
        pass
    with log_ons.one("sw1", 2222, "u", ("credential other",)):
        pass


def test_a_site_stops_after_three_and_others_go_on() -> None:
    log_ons = LogOns()
    for number in range(FAILURES):
        fail(log_ons, f"sw{number}", ("credential c", "label hanoi"))
    for sites in (("credential c",), ("credential d", "label hanoi")):
        with pytest.raises(Denied, match=r"log-ons of .* failed in this scan"), log_ons.one("sw9", 22, "u", sites):
            raise AssertionError("tried")
    with log_ons.one("sw9", 22, "u", ("credential d", "label hue")):
        pass


def test_a_device_that_is_silent_is_no_failed_log_on() -> None:
    log_ons = LogOns()
    for _ in range(10):
        with pytest.raises(Unreachable), log_ons.one("sw1", 22, "u", ("credential c",)):
            raise Unreachable("no answer")
    with log_ons.one("sw1", 22, "u", ("credential c",)):
        pass


def test_fifty_threads_with_a_wrong_password_try_it_three_times() -> None:
    log_ons, tried, lock = LogOns(), [], threading.Lock()

    def attempt(number: int) -> str:
        try:
            with log_ons.one(f"sw{number}", 22, "u", ("credential c",)):
                with lock:
                    tried.append(number)
                threading.Event().wait(0.02)
                raise Denied("wrong password")
        except Denied as error:
            return str(error)

    with ThreadPoolExecutor(50) as pool:
        said = list(pool.map(attempt, range(50)))
    assert len(tried) == FAILURES
    assert said.count("wrong password") == FAILURES


def test_a_site_that_let_somebody_in_is_asked_by_many_at_once() -> None:
    log_ons, together = LogOns(), threading.Barrier(10, timeout=10)
    with log_ons.one("first", 22, "u", ("credential c",)):
        pass

    def attempt(number: int) -> None:
        with log_ons.one(f"sw{number}", 22, "u", ("credential c",)):
            together.wait()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(attempt, range(10)))


def test_what_was_refused_before_is_not_tried_and_counts_for_its_site() -> None:
    before = [Refused(f"sw{number}", 22, "u", ("credential c", "label hanoi")) for number in range(FAILURES)]
    log_ons = LogOns(before[:1])
    with pytest.raises(Denied, match="by an earlier scan"), log_ons.one("SW0", 22, "u", ("credential d",)):
        raise AssertionError("tried")
    with log_ons.one("sw9", 22, "u", ("credential c",)):
        pass
    with pytest.raises(Denied, match="log-ons of label hanoi failed"), LogOns(before).one("sw9", 22, "x", ("label hanoi",)):
        raise AssertionError("tried")


@pytest.mark.system
@pytest.mark.parametrize(("how", "tried"), [("password_file", 1), ("key_file", 2)])
def test_a_host_s_password_is_tried_once_and_a_key_wherever_it_is_named(tmp_path: Path, how: str, tried: int) -> None:
    secret = tmp_path / "secret"
    if how == "key_file":
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(secret))
    else:
        secret.write_text("wrong")
    secret.chmod(0o600)
    with Fakes() as fakes:
        fake = Fake(name="web1")
        port = fakes.start(fake)
        targets = tuple(Target(name=name, via="ssh", address="127.0.0.1", port=port, credential="c") for name in ("web1", "same"))
        credentials = {"c": Credential(user=fake.user, **{how: str(secret)})}
        listed = Inventory(targets, credentials, known_hosts=fakes.known_hosts(tmp_path / "known_hosts"))
        reasons = [snapshot.records[0].reason for snapshot in sweep(listed, parallel=1)]
    assert sum("was not let in" in reason or "may not log on" in reason for reason in reasons) == tried
    assert sum("not tried again" in reason for reason in reasons) == 2 - tried
