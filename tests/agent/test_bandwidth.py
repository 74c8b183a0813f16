"""How fast this machine sends: below its cap on a real socket, and small caps get through."""

from __future__ import annotations

import os
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.bandwidth import LEAST, Bucket, Paced, stricter


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@given(st.integers(LEAST, 10_000_000), st.lists(st.integers(1, 200_000), min_size=1, max_size=40))
def test_no_stretch_of_time_brings_more_than_the_cap_and_one_portion(rate: int, sizes: list[int]) -> None:
    clock = Time()
    bucket = Bucket(rate, clock, clock.sleep)
    taken = 0
    for size in sizes:
        bucket.take(size)
        taken += size
        assert taken <= rate * clock.now + 1e-3 * taken
    assert clock.now <= taken / rate * 1.001 + 1e-6, "and it takes no longer than it must"


def test_what_was_not_used_is_not_saved_up() -> None:
    clock = Time()
    bucket = Bucket(1000, clock, clock.sleep)
    clock.now = 3600.0
    bucket.take(2000)
    assert clock.now - 3600 >= (2000 - bucket.portion) / 1000


@given(st.binary(max_size=5000), st.integers(LEAST, 100_000), st.integers(1, 4096))
def test_the_body_arrives_whole(body: bytes, rate: int, size: int) -> None:
    clock = Time()
    paced = Paced(body, Bucket(rate, clock, clock.sleep))
    parts = []
    while part := paced.read(size):
        assert len(part) <= size
        parts.append(part)
    assert b"".join(parts) == body


@pytest.mark.parametrize(
    ("caps", "counts"), [((), None), ((None, None), None), ((5000, None), 5000), ((5000, 3000), 3000), ((1, None), LEAST)]
)
def test_the_stricter_cap_counts(caps: tuple[int | None, ...], counts: int | None) -> None:
    assert stricter(*caps) == counts


class Listening:
    """Notes when which bytes came in."""

    def __init__(self) -> None:
        arrived = self.arrived = []  # type: list[tuple[float, int]]
        self.headers: dict[str, str] = {}
        self.body = b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                outer.headers = dict(self.headers)
                left = int(self.headers["Content-Length"])
                while left:
                    part = self.rfile.read1(left)
                    arrived.append((time.monotonic(), len(part)))
                    outer.body += part
                    left -= len(part)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b'{"id": "x"}')

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.mark.parametrize(("rate", "size"), [(100_000, 120_000), (600, 900)])
def test_on_a_real_socket_no_second_brings_more_than_the_cap(rate: int, size: int) -> None:
    from agent.upload import Collector

    there = Listening()
    body = os.urandom(size)
    collector = Collector(f"http://127.0.0.1:{there.server.server_address[1]}")
    collector.at_most(rate)
    began = time.monotonic()
    try:
        assert collector.ask("POST", "/", body).status == 200
    finally:
        there.server.shutdown()
        there.server.server_close()
    assert there.body == body
    assert there.headers["Content-Length"] == str(size)
    assert "Transfer-Encoding" not in there.headers
    portion = Bucket(rate).portion
    sent = 0
    for at, count in there.arrived:
        sent += count
        # a busy machine may only make it slower; what piled up on the way counts from the beginning
        assert sent <= rate * (at - began) + portion
