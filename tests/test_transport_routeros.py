"""DeviceSession against a command line that paints its prompt again before it answers, as RouterOS does. Loopback only."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from collectors.catalog import device_os
from collectors.credential import Credential
from collectors.model import Platform, Target
from collectors.transports.device import DeviceSession
from collectors.transports.known_hosts import line_of

pytestmark = pytest.mark.system

OS = device_os(Platform.MIKROTIK_ROUTEROS)
NAME = "RT Tang 3"
PROMPT = f"[rasoat@{NAME}] > "
RESOURCE = "                   uptime: 5w3d\n                  version: 7.16.1 (stable)\n                 platform: MikroTik\n"
ANSWERS = {"/system resource print": RESOURCE, "/ip arp print detail without-paging": ""}


class _Server(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("rasoat+ct511w4098h", "Kh0ng-Doan")


class Painter:
    """Letters come back at once; with Enter the whole line is painted anew, then, `pause` seconds later, the answer."""

    def __init__(self) -> None:
        self.pause = 0.0
        self.loop = asyncio.new_event_loop()
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        threading.Thread(target=self.loop.run_forever, name="painter", daemon=True).start()
        self.server = asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result(30)
        self.port = int(self.server.sockets[0].getsockname()[1])

    async def _listen(self) -> Any:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[self.key], server_factory=_Server, process_factory=self._talk,
            line_editor=False, encoding=None, login_timeout=60,
        )  # fmt: skip

    async def _talk(self, process: Any) -> None:
        def write(text: str) -> None:
            process.stdout.write(text.replace("\n", "\r\n").encode())

        write(f"\n\n  MikroTik RouterOS 7.16.1\n\n\r\r\r{PROMPT}{' ' * 20}\r{PROMPT}")
        kept = b""
        while data := await process.stdin.read(4096):
            process.stdout.write(data.replace(b"\n", b"").replace(b"\r", b""))
            kept += data.replace(b"\n", b"")
            while b"\r" in kept:
                line, _, kept = kept.partition(b"\r")
                write(f"\n\r\r{PROMPT}")
                await asyncio.sleep(self.pause)
                write(f"{line.decode()}\n")
                await asyncio.sleep(self.pause)
                write(
                    f"{ANSWERS.get(line.decode(), 'bad command name x (line 1 column 1)' + chr(10))}\r\r{PROMPT}{' ' * 30}\r{PROMPT}"
                )
        process.close()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture(scope="module")
def painter() -> Iterator[Painter]:
    found = Painter()
    yield found
    found.stop()


def reach(painter: Painter, tmp_path: Path) -> DeviceSession:
    secret = tmp_path / "password"
    secret.write_text("Kh0ng-Doan")
    secret.chmod(0o600)
    public = painter.key.convert_to_public()
    known = tmp_path / "known_hosts"
    known.write_text(f"{line_of('127.0.0.1', painter.port, public.get_algorithm(), public.public_data)}\n")
    target = Target(
        name="rt", platform=Platform.MIKROTIK_ROUTEROS, via="ssh", address="127.0.0.1", port=painter.port, credential="c"
    )
    return DeviceSession.connect(target, Credential(user="rasoat", password_file=str(secret)), known, OS, also_known=())


@pytest.mark.parametrize("pause", [0.0, 0.05, 0.4])
def test_what_is_painted_again_is_no_answer(painter: Painter, tmp_path: Path, pause: float) -> None:
    painter.pause = pause
    with reach(painter, tmp_path) as session:
        assert session.prompt_name == NAME
        for _ in range(2):
            assert session.ask("/system resource print") == RESOURCE
            assert session.ask("/ip arp print detail without-paging") == ""
            assert session.ask("/system health print") == "bad command name x (line 1 column 1)\n"


def test_only_exports_that_hide_secrets_and_write_no_file_may_be_sent() -> None:
    for command in (
        "/export", "/export show-sensitive", "/export verbose show-sensitive", "/export file=x", "/export verbose file=x",
        "/user set admin password=x", "/system package update check-for-updates", "/ip service set telnet disabled=no",
    ):  # fmt: skip
        assert not OS.permits(command), command
