"""Webhooks against a real receiver over TLS on loopback."""

from __future__ import annotations

import hmac
import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from server.assess import judge
from server.config import Config
from server.outlets import deliver, reach, webhook
from server.outlets.models import Outlet
from server.outlets.reach import Failed
from tests.server.findings import Fleet
from tests.server.outlets import KEY, LOOPBACK, NOW, Authority, Clock, Receiver, fresh, message, outlet

SLICE = [message(id="m-1"), message("b", id="m-2")]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def receiver(authority: Authority) -> Iterator[Receiver]:
    made = Receiver(authority)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def loopback(settings) -> None:
    settings.CONFIG = LOOPBACK


@pytest.fixture
def hook(receiver: Receiver, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Outlet:
    monkeypatch.setattr(Outlet, "secret", KEY)
    return Outlet(pk=1, kind="webhook", name="kênh", address=receiver.url, ca=authority.pem)


def test_what_is_posted_is_signed_and_says_its_ids(hook: Outlet, receiver: Receiver) -> None:
    webhook.send(hook, SLICE, NOW)
    got = receiver.got[0]
    stamp, _comma, digest = got.headers["Rasoat-Signature"].partition(",")
    assert stamp == f"t={int(NOW.timestamp())}"
    assert digest == "v1=" + hmac.digest(KEY.encode(), stamp[2:].encode() + b"." + got.body, "sha256").hex()
    assert got.ids == ["m-1", "m-2"]
    document = json.loads(got.body)
    assert (document["version"], document["outlet"], document["messages"][0]["text"]) == (
        1,
        "kênh",
        "máy-01: khóa tài khoản: đạt → không đạt",
    )
    assert KEY not in str(got)
    webhook.send(hook, SLICE, NOW + timedelta(hours=1))
    assert receiver.got[1].headers["Rasoat-Delivery"] == got.headers["Rasoat-Delivery"], "the same slice"
    assert receiver.got[1].headers["Rasoat-Signature"] != got.headers["Rasoat-Signature"], "at another time"


@pytest.mark.parametrize(
    ("status", "headers", "hopeless", "wait"),
    [
        (500, {}, False, None), (503, {"Retry-After": "7"}, False, 7), (429, {"Retry-After": "90"}, False, 90),
        (429, {"Retry-After": format_datetime(NOW + timedelta(minutes=5), usegmt=True)}, False, 300), (429, {"Retry-After": "soon"}, False, None),
        (429, {"Retry-After": "999999999"}, False, 86_400), (429, {}, False, None), (408, {}, False, None), (400, {}, True, None),
        (401, {}, True, None), (404, {"Retry-After": "5"}, True, None), (410, {}, True, None), (301, {"Location": "/other"}, True, None),
    ],
)  # fmt: skip
def test_what_an_answer_means(hook: Outlet, receiver: Receiver, status: int, headers: dict[str, str], hopeless: bool, wait: float | None) -> None:  # fmt: skip
    receiver.answers.append((status, headers))
    with pytest.raises(Failed, match=str(status)) as caught:
        webhook.send(hook, SLICE, NOW)
    assert (caught.value.hopeless, caught.value.wait) == (hopeless, wait)
    assert not receiver.got


def test_no_redirect_is_followed(hook: Outlet, receiver: Receiver) -> None:
    receiver.answers.append((307, {"Location": receiver.url}))
    with pytest.raises(Failed, match="redirects are not followed"):
        webhook.send(hook, SLICE, NOW)
    assert not receiver.got


def test_the_certificate_counts_and_its_name(authority: Authority, hook: Outlet, tmp_path: Path) -> None:
    hook.ca = ""
    with pytest.raises(Failed, match="certificate") as caught:
        webhook.send(hook, SLICE, NOW)
    assert caught.value.hopeless
    other = Receiver(authority, "elsewhere.example")
    try:
        hook.ca, hook.address = authority.pem, other.url
        with pytest.raises(Failed, match="certificate"):
            webhook.send(hook, SLICE, NOW)
        assert not other.got
    finally:
        other.close()


def test_addresses_of_this_machine_only_where_settings_allow_them(hook: Outlet, receiver: Receiver, settings) -> None:
    settings.CONFIG = Config()
    with pytest.raises(Failed, match="may not reach") as caught:
        webhook.send(hook, SLICE, NOW)
    assert caught.value.hopeless
    assert not receiver.got


def test_a_name_that_says_another_address_a_moment_later(
    hook: Outlet, receiver: Receiver, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every answer of the name is looked at, and what was looked at is what is connected to."""
    settings.CONFIG = Config()
    answers = [[("93.184.216.34", 1)], [("127.0.0.1", receiver.port)]]
    asked, tried = [], []

    def getaddrinfo(host: str, port: int, **rest: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", where) for where in answers.pop(0)]

    class Line(socket.socket):
        def connect(self, where: Any) -> None:
            tried.append(where)
            raise OSError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(reach.socket, "socket", Line)
    hook.address = f"https://rebinds.example:{receiver.port}/"
    with pytest.raises(Failed, match="refused"):
        webhook.send(hook, SLICE, NOW)
    assert asked == ["rebinds.example"]
    assert tried == [("93.184.216.34", receiver.port)]
    with pytest.raises(Failed, match="may not reach"):
        webhook.send(hook, SLICE, NOW)


def test_mixed_addresses_leave_out_those_inside(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CONFIG = Config()
    found = [(socket.AF_INET, 1, 6, "", ("127.0.0.1", 1)), (socket.AF_INET, 1, 6, "", ("10.0.0.9", 1))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: found)
    assert [place.address for place in reach.places("x.example", 443)] == [("10.0.0.9", 443)]


@pytest.mark.django_db
def test_down_for_a_while_and_back(tree, authority: Authority) -> None:
    """The whole way: sealed key, slices, a port where nobody listens, then somebody does."""
    receiver = Receiver(authority)
    port = receiver.port
    known, clock = outlet(tree["root"], address=receiver.url, ca=authority.pem, name="a"), Clock()
    fleet = Fleet.of(1)

    def alarm(name: str) -> None:
        judge.raise_alarm(fleet.machine(tree["north"], name), "forged")

    def run() -> int:
        return deliver.deliver(fresh(known), clock, jitter=lambda: 1.0)

    alarm("một")
    assert run() == 1
    receiver.close()
    alarm("hai")
    alarm("ba")
    for _again in range(3):
        assert run() == 0
        clock.now = fresh(known).next_at or clock.now
    assert "refused" in fresh(known).error
    back = Receiver(authority, port=port)
    try:
        assert run() == 2
        assert [json.loads(hook.body)["messages"][0]["machine"] for hook in back.got] == ["hai", "ba"], (
            "one by itself after a failure"
        )
    finally:
        back.close()
    assert len({*receiver.ids, *back.ids}) == 3
