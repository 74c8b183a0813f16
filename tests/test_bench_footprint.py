"""The bench of the agent's footprint: what its counter counts, and that the page says nothing that was not measured."""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "bench"))

from byte_counter import HEADERS, ByteCounter  # noqa: E402  (benches are scripts, not installed)

PAGE = ROOT / "docs/footprint.md"


def test_the_counter_counts_both_ways_and_each_segment() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        peer, _ = listener.accept()
        with peer:
            asked = b""
            while len(asked) < 10_000:
                asked += peer.recv(1 << 16)
            peer.sendall(b"x" * 30_000)

    threading.Thread(target=answer, daemon=True).start()
    counter = ByteCounter(listener.getsockname()[1])
    before = counter.counted()
    with socket.create_connection(("127.0.0.1", counter.port)) as client:
        client.sendall(b"y" * 10_000)
        heard = b""
        while piece := client.recv(1 << 16):
            heard += piece
    found = counter.counted().since(before)
    assert heard == b"x" * 30_000
    assert (found.connections, found.sent, found.received) == (1, 10_000, 30_000)
    assert found.segments >= 40_000 / 1448, "as on Ethernet, not the whole in one"
    assert found.with_headers == 40_000 + HEADERS * found.segments
    counter.close()
    listener.close()


def test_the_page_says_what_was_measured() -> None:
    found = json.loads((ROOT / "bench/results/footprint.json").read_text("utf-8"))
    one, size = found["installed"], found["size"]
    start = one["start"]
    bare = start["bare interpreter"]["wall_s"]
    said = {
        f"{size['all'] / 1e6:.1f} MB", f"{size['collector_in_the_same_wheel'] / 1e6:.1f} MB",
        f"{one['collecting']['rss_mib'] * 1.048576:.1f} MB", f"{one['idle']['rss_mib']:.0f} MB", f"{one['loop']['rss_mib'] * 1.048576:.1f} MB",
        f"{one['day']['cpu_s']:.1f} s", f"{one['scan']['cpu_s'] / one['scan']['times']:.1f} s", f"{one['day']['bytes'] / 1000:.0f} KB",
        f"{one['day']['with_headers'] / 1000:.0f} KB", f"{one['first']['bytes'] / 1000:.0f} KB",
        *(f"{start[name]['wall_s'] / bare:.1f}×" for name in ("rasoat --help", "agent status")),
    }  # fmt: skip
    if "lynis" in found:
        said.add(f"{found['lynis']['cpu_s_a_day']:.0f} s")
    table = [
        line
        for line in PAGE.read_text("utf-8").partition("## Measured")[2].partition("## The limits")[0].splitlines()
        if line.startswith("| ")
    ]
    told = [figure for line in table for figure in re.findall(r"\d[\d.]* (?:MB|KB|s)\b|\d[\d.]*×", line)]
    assert len(told) >= 10
    assert set(told) <= said
