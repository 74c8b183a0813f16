"""A real net-snmp agent on loopback, and an asyncio one that misbehaves, for the tests that talk to SNMP."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from collectors.transports import snmp_v2c
from collectors.transports.base import Value

SNMPD = "/usr/sbin/snmpd"
COMMUNITY = "tram-giam-sat-7"
READERS = {
    "sha256": ("SHA-256", "AES", "aes128"),
    "sha512": ("SHA-512", "AES-256", "aes256"),
    "sha1": ("SHA", "AES", "aes128"),
    "md5": ("MD5", "DES", "des"),
}
"""User -> algorithms as net-snmp writes them, and the privacy algorithm as rasoat does."""
AUTH, PRIV = "khoa-xac-thuc-1", "khoa-ma-hoa-22"


class Snmpd:
    """One agent with a community and a user for each pair of algorithms."""

    def __init__(self, folder: Path, *extra: str) -> None:
        self.folder = folder
        self.port = free_port()
        self._extra = extra
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = self.folder / "snmpd.conf"
        state = self.folder / "state"
        state.mkdir()
        lines = [
            f"agentaddress udp:127.0.0.1:{self.port}",
            f"rocommunity {COMMUNITY} 127.0.0.1",
            *(f'createUser {user} {auth} "{AUTH}" {priv} "{PRIV}"' for user, (auth, priv, _) in READERS.items()),
            *(f"rouser {user} priv" for user in READERS),
            'createUser signed SHA-256 "' + AUTH + '"',
            "rouser signed auth",
            "createUser open",
            "rouser open noauth",
            *self._extra,
        ]
        config.write_text("\n".join(lines) + "\n")
        environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(state), "MIBS": ""}
        argv = [
            SNMPD,
            "-f",
            "-Lf",
            str(self.folder / "log"),
            "-C",
            "-c",
            str(config),
            "-I",
            "-smux",
            "-p",
            str(self.folder / "pid"),
        ]
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, env=environment)
        for _ in range(200):
            if f"127.0.0.1:{self.port}" in _listening():
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)
        raise AssertionError("snmpd did not begin to listen")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def installed() -> bool:
    return Path(SNMPD).exists() and shutil.which("snmpget") is not None


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listening() -> set[str]:
    rows = (line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:])
    return {_address(row[1]) for row in rows}


def _address(text: str) -> str:
    host, port = text.split(":")
    return f"{'.'.join(map(str, reversed(bytes.fromhex(host))))}:{int(port, 16)}"


Respond = Callable[[str, int, tuple[str, ...], int], "list[tuple[str, Value | None]] | bytes | int | None"]


class FakeAgent:
    """Answers v2c as `respond(community, verb, oids, repetitions)` says: rows, an error status, raw bytes, or None for silence.

    Serves many ports in one thread; `delay` seconds pass before each answer.
    """

    def __init__(
        self, respond: Respond, ports: int = 1, delay: float = 0.0, remember: bool = True, host: str = "127.0.0.1"
    ) -> None:
        self._respond = respond
        self._delay = delay
        self._remember = remember
        self.asked: list[tuple[str, int, tuple[str, ...]]] = []
        self.ports: list[int] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(ports, host), self._loop).result()

    async def _open(self, ports: int, host: str) -> None:
        for _ in range(ports):
            transport, _ = await self._loop.create_datagram_endpoint(lambda: _Answering(self), local_addr=(host, 0))
            self.ports.append(transport.get_extra_info("sockname")[1])

    def answer(self, transport: Any, packet: bytes, sender: tuple[str, int]) -> None:
        community, verb, request, said = snmp_v2c.decoded(packet)
        oids = tuple(oid for oid, _ in said.binds)
        if self._remember:
            self.asked.append((community.decode("latin-1"), verb, oids))
        found = self._respond(community.decode("latin-1"), verb, oids, said.place)
        if found is None:
            return
        if isinstance(found, int):
            raw = response(community, request, [(oid, None) for oid in oids], found, 1)
        else:
            raw = found if isinstance(found, bytes) else response(community, request, found)
        if self._delay:
            self._loop.call_later(self._delay, transport.sendto, raw, sender)
        else:
            transport.sendto(raw, sender)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> FakeAgent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Answering(asyncio.DatagramProtocol):
    def __init__(self, agent: FakeAgent) -> None:
        self._agent = agent

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._agent.answer(self._transport, data, addr)


def response(community: bytes, request: int, binds: list[tuple[str, Value | None]], status: int = 0, place: int = 0) -> bytes:
    """The bytes of one v2c response."""
    tagged, number = snmp_v2c._tagged, snmp_v2c._number
    pdu = tagged(snmp_v2c.RESPONSE, number(request) + number(status) + number(place) + _rows(tuple(binds)))
    return tagged(0x30, number(1) + tagged(0x04, community) + pdu)


@lru_cache(maxsize=256)
def _rows(binds: tuple[tuple[str, Value | None], ...]) -> bytes:
    tagged = snmp_v2c._tagged
    return tagged(0x30, b"".join(tagged(0x30, tagged(0x06, snmp_v2c._oid_bytes(oid)) + _value(value)) for oid, value in binds))


def _value(value: Value | None) -> bytes:
    if value is None:
        return b"\x81\x00"
    if isinstance(value, bytes):
        return snmp_v2c._tagged(0x04, value)
    if isinstance(value, str):
        return snmp_v2c._tagged(0x06, snmp_v2c._oid_bytes(value))
    return snmp_v2c._number(value)


def whole(values: dict[str, Value]) -> Respond:
    """A well-behaved agent of these values."""
    order = sorted((tuple(map(int, oid.split("."))), oid) for oid in values)

    def after(oid: str) -> tuple[str, Value | None]:
        key = tuple(map(int, oid.split(".")))
        place = bisect_right(order, (key, oid))
        if place == len(order):
            return oid, None
        return order[place][1], values[order[place][1]]

    @lru_cache(maxsize=256)
    def rows_of(verb: int, oids: tuple[str, ...], repetitions: int) -> list[tuple[str, Value | None]]:
        if verb == snmp_v2c.GET:
            return [(oid, values.get(oid)) for oid in oids]
        rows: list[tuple[str, Value | None]] = []
        at = list(oids)
        for _ in range(repetitions):
            found = [after(oid) for oid in at]
            rows += found
            at = [oid for oid, _ in found]
        return rows

    return lambda _community, verb, oids, repetitions: rows_of(verb, oids, repetitions)
