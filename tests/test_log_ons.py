"""One wrong password must not lock an account, nor a whole site's accounts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from collectors.errors import Denied, Unreachable
from collectors.log_ons import FAILURES, LogOns


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
