"""A network device that misbehaves as told: an SSH server on loopback with a command line, a pager, banners and faults.

with Fakes() as fakes:
    port = fakes.start(Fake(name="SW1", answers={"show version": "..."}, latency=0.05, echo="tty"))
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import asyncssh

from collectors.transports.known_hosts import line_of

logging.getLogger("asyncssh").setLevel(logging.WARNING)

INVALID = "        ^\r\n% Invalid input detected at '^' marker.\r\n"


@dataclass(kw_only=True)
class Fake:
    """How one device behaves."""

    name: str = "SW1"
    answers: Mapping[str, str] = field(default_factory=dict)
    user: str = "rasoat"
    password: str = "Kh0ng-Doan"
    latency: float = 0.0
    echo: Literal["tty", "line"] = "tty"
    """tty: each letter comes back at once, before the device looks at it (Junos, EOS, Gaia); line: when it is its turn (IOS)."""
    prompt: str = "{name}{sign}"
    log_on: str = "{user}"
    """The name it expects at log-on: RouterOS takes wishes for the terminal behind it."""
    quiet: tuple[str, ...] = ()
    """Commands it obeys without a word."""
    refusal: str = INVALID
    greeting: str = ""
    """Text after log-on, before the first prompt."""
    accept: str = ""
    """Letter that must be typed before a prompt comes ("press 'a' to accept")."""
    unprivileged: bool = False
    enable_secret: str = ""
    page: int = 0
    """Lines after which the pager stops, unless `terminal length 0` was said."""
    paging_stays: bool = False
    cut_in: str = ""
    """The command in whose answer the line is cut."""
    another_after: str = ""
    """The command after which the prompt is that of another device."""
    prompt_delay: float = 0.0
    never_prompts: bool = False
    stray_after: str = ""
    """The command after whose prompt a message comes unasked."""
    raw: Mapping[str, bytes] = field(default_factory=dict)
    """Answers that are no UTF-8."""
    old_algorithms: bool = False
    locked: bool = False
    asks: tuple[tuple[str, bool], ...] = ()
    """Keyboard-interactive alone, question by question: (words, whether what is typed is shown). The first wants the password."""
    all_at_once: bool = False
    """The questions come together."""
    answered: list[str] = field(default_factory=list)
    """What was typed to the questions."""
    log_ons: list[str] = field(default_factory=list)
    """`ok` or `refused`, one per log-on tried."""
    heard: list[str] = field(default_factory=list)
    """Every line typed."""


class Fakes:
    """Many of them in one thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fakes", daemon=True)
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._rsa = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
        self._servers: list[Any] = []
        self.ports: list[tuple[int, bool]] = []

    def __enter__(self) -> Fakes:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        async def stop() -> None:
            for server in self._servers:
                server.close()
            waiting = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def start(self, fake: Fake) -> int:
        """The port it listens on."""
        return self.start_all([fake])[0]

    def start_all(self, fakes: list[Fake]) -> list[int]:
        async def listen() -> list[int]:
            return [await self._listen(fake) for fake in fakes]

        return asyncio.run_coroutine_threadsafe(listen(), self._loop).result(60)

    async def _listen(self, fake: Fake) -> int:
        old: dict[str, Any] = {}
        if fake.old_algorithms:
            old = {
                "kex_algs": ["diffie-hellman-group14-sha1"],
                "encryption_algs": ["aes128-cbc"],
                "mac_algs": ["hmac-sha1"],
                "signature_algs": ["ssh-rsa"],
            }
        server = await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[self._rsa if fake.old_algorithms else self._key],
            server_factory=lambda: _Server(fake), process_factory=lambda process: _terminal(process, fake),
            line_editor=False, encoding=None, login_timeout=60, **old,
        )  # fmt: skip
        self._servers.append(server)
        port = int(server.sockets[0].getsockname()[1])
        self.ports.append((port, fake.old_algorithms))
        return port

    def known_hosts(self, file: Path) -> Path:
        """A known_hosts file with the key of each."""
        lines = []
        for port, old in self.ports:
            key = (self._rsa if old else self._key).convert_to_public()
            lines.append(line_of("127.0.0.1", port, key.get_algorithm(), key.public_data))
        file.write_text("\n".join(lines) + "\n", "utf-8")
        return file


class _Server(asyncssh.SSHServer):
    def __init__(self, fake: Fake) -> None:
        self._fake = fake

    def password_auth_supported(self) -> bool:
        return not self._fake.asks

    def kbdint_auth_supported(self) -> bool:
        return bool(self._fake.asks)

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        asks = self._fake.asks
        return "", "", lang, asks if self._fake.all_at_once else asks[:1]

    def validate_kbdint_response(self, username: str, responses: Any) -> Any:
        fake = self._fake
        fake.answered += responses
        left = fake.asks[len(fake.answered) :]
        if not self.validate_password(username, fake.answered[0]):
            return False
        return ("", "", "", left[:1]) if left else True

    def validate_password(self, username: str, password: str) -> bool:
        expected = self._fake.log_on.format(user=self._fake.user), self._fake.password
        fine = not self._fake.locked and (username, password) == expected
        self._fake.log_ons.append("ok" if fine else "refused")
        return fine


async def _terminal(process: Any, fake: Fake) -> None:
    try:
        await _Terminal(process, fake).run()
    except (asyncssh.Error, OSError, asyncio.CancelledError):
        pass
    finally:
        process.close()


class _Terminal:
    def __init__(self, process: Any, fake: Fake) -> None:
        self._process = process
        self._fake = fake
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()
        self._keys: asyncio.Queue[bytes] = asyncio.Queue()
        self._wants_key = False
        self._silent = False
        self._paging = bool(fake.page)
        self._name = fake.name
        self._sign = ">" if fake.unprivileged else "#"

    def _write(self, text: str | bytes) -> None:
        self._process.stdout.write(text if isinstance(text, bytes) else text.replace("\r\n", "\n").replace("\n", "\r\n").encode())

    async def run(self) -> None:
        reader = asyncio.ensure_future(self._read())
        try:
            await self._talk()
        finally:
            reader.cancel()

    async def _read(self) -> None:
        """Takes letters as they come; a tty sends them back at once."""
        with contextlib.suppress(asyncssh.Error, OSError):
            await self._letters()

    async def _letters(self) -> None:
        kept = b""
        while data := await self._process.stdin.read(4096):
            if self._wants_key:
                await self._keys.put(data)
                continue
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")  # RouterOS is sent both: one Enter
            if self._fake.echo == "tty" and not self._silent:
                self._write(data.replace(b"\n", b"\r\n"))
            kept += data
            while b"\n" in kept:
                line, _, kept = kept.partition(b"\n")
                await self._lines.put(line)

    async def _talk(self) -> None:
        fake = self._fake
        self._write(fake.greeting)
        if fake.accept:
            self._write(f"\n(Press '{fake.accept}' to accept):")
            self._wants_key = True
            while fake.accept.encode() not in await self._keys.get():
                pass
            self._wants_key = False
            self._write("\n")
        if fake.never_prompts:
            await asyncio.sleep(3600)
        if fake.prompt_delay:
            await asyncio.sleep(fake.prompt_delay)
            self._write("\n")
        self._prompt()
        while True:
            line = (await self._lines.get()).decode()
            fake.heard.append(line)
            if fake.echo == "line":
                self._write(f"{line}\n")
            await asyncio.sleep(fake.latency)
            if not await self._answer(line):
                return
            self._prompt()
            if fake.stray_after and line == fake.stray_after:
                await asyncio.sleep(0.1)
                self._write("\n%SYS-5-CONFIG_I: Configured from console by admin\n")

    def _prompt(self) -> None:
        self._write(self._fake.prompt.format(name=self._name, sign=self._sign))

    async def _answer(self, line: str) -> bool:
        fake = self._fake
        if line == "terminal length 0":
            self._paging = self._paging and fake.paging_stays
            return True
        if line.startswith("terminal ") or not line or line in fake.quiet:
            return True
        if line == "enable":
            return await self._enable()
        if line == fake.another_after:
            self._name = "OTHER-ROUTER"
        if line in fake.raw:
            self._write(fake.raw[line])
            return True
        text = fake.answers.get(line, fake.refusal)
        if line == fake.cut_in:
            self._write(text[: len(text) // 2])
            await asyncio.sleep(0.05)
            return False
        rows = text.splitlines(keepends=True)
        if self._paging and len(rows) > fake.page:
            return await self._page(rows)
        self._write(text)
        return True

    async def _page(self, rows: list[str]) -> bool:
        for start in range(0, len(rows), self._fake.page):
            self._write("".join(rows[start : start + self._fake.page]))
            if start + self._fake.page >= len(rows):
                return True
            self._write(" --More-- ")
            self._wants_key = True
            key = await self._keys.get()
            self._wants_key = False
            self._write("\b" * 10 + " " * 10 + "\b" * 10)
            if key.startswith(b"q"):
                return True
        return True

    async def _enable(self) -> bool:
        self._write("Password: ")
        self._silent = True
        given = (await self._lines.get()).decode()
        self._silent = False
        self._write("\n")
        if given == self._fake.enable_secret:
            self._sign = "#"
        else:
            self._write("% Access denied\n")
        return True
