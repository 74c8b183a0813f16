"""A network device over SSH: log on once, know its prompt, ask, and never take one answer for another.

netmiko knows how each system ends its lines and paints its screen; its classes are used for that. Its own log-on and its
`send_command` are not: left to their defaults they write to FortiOS, and return cut or swapped answers without an error
when a late prompt is taken for the end of the next command. Here

- a prompt counts only as the last line, with the device's own name, after the echo of what was asked;
- nothing is sent before that prompt is there, and whatever else comes before an echo ends the session;
- a configuration counts only with its end marker and its own host name (DeviceOs.reading, in the witness).
"""

from __future__ import annotations

import codecs
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from collectors.credential import Credential
from collectors.devices.base import DeviceOs
from collectors.errors import CollectError, Denied, Unparsable, Unreachable
from collectors.log_ons import LogOns, sites_of
from collectors.model import Target
from collectors.transports.base import MAX_BYTES, TIMEOUT
from collectors.transports.ssh_connect import NothingInCommon, logged_on

if TYPE_CHECKING:
    import paramiko
    from netmiko import BaseConnection

CONNECT = 20.0
"""Seconds for connection, key exchange and log-on; for the first prompt as long again."""

SETTLE = 0.02
"""Seconds in which nothing may follow a prompt: inside a long answer a line may look like one where a packet ends."""

QUIET = 0.15
"""The same after log-on, where a banner may quote the device's own prompt and nothing was asked yet."""

ELSEWHERE = 1.0
"""Seconds of silence after which another device's prompt is believed."""

TAIL = 4096
"""Characters at the end of an answer among which a prompt is looked for."""

_PAGER = re.compile(r"(?:-- ?more ?--|--\(more(?: \d+%)?\)--|<--- more --->|press any key|---- more ----)[^\n]{0,80}\Z", re.I)
_OLD = re.compile(r"(?:-sha1$|-cbc$|^3des|^arcfour|^blowfish|md5|^ssh-rsa$|^ssh-dss$|^hmac-sha1-96$)")


_PAINTED_OVER = re.compile(r"[^\n\x08]\x08")


class DeviceSession:
    """One terminal on one device. A context manager; implements DeviceCli with answers as they came."""

    def __init__(self, channel: paramiko.Channel, driver: BaseConnection, os: DeviceOs, place: str) -> None:
        self._channel = channel
        self._driver = driver
        self._os = os
        self._place = place
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._ended: str | None = None
        self.platform = os.platform.value
        self.prompt_name = ""
        self.privileged = False
        self.legacy_crypto: bool | None = None
        self._prompt: re.Pattern[str] | None = None
        self._anybody = os.prompt.replace("{name}", f"(?P<name>{os.name})")
        self._last_prompt = ""

    @classmethod
    def connect(
        cls,
        target: Target,
        credential: Credential,
        known_hosts: Path | None,
        os: DeviceOs,
        *,
        legacy: bool = False,
        log_ons: LogOns | None = None,
        also_known: Sequence[Path] | None = None,
        timeout: float = CONNECT,
    ) -> Self:
        """Log on, once. Raises Unreachable, UnknownHost or Denied; Unparsable when no prompt of this OS is found."""
        host, port = target.address or target.name, target.port or 22
        # before anything is sent: a secret that cannot be read must not cost a connection
        enable = credential.enable_password()
        with (log_ons or LogOns()).one(host, port, credential.user, sites_of(target)):
            user = os.log_on_as.replace("{user}", credential.user)
            transport, old = _transport(
                target, credential.model_copy(update={"user": user}), known_hosts, also_known, timeout, legacy
            )
            try:
                channel = transport.open_session(timeout=timeout)
                channel.get_pty("vt100", 511, 1000)
                channel.invoke_shell()
                session = cls(channel, driver(os), os, f"{host}:{port}")
                session.legacy_crypto = old
                session._begin(enable, timeout)
            except CollectError:
                transport.close()
                raise
            except Exception as error:
                transport.close()
                raise Unreachable(f"{host}:{port}: the device hung up after log-on: {error or 'no reason given'}") from None
            except BaseException:
                transport.close()
                raise
        return session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up. No `exit` is typed: a device that asks whether to save would wait for an answer."""
        transport = self._channel.get_transport()
        self._channel.close()
        transport.close()

    def ask(self, command: str, *, timeout: float = TIMEOUT) -> str:
        if not self._os.permits(command):
            raise AssertionError(f"{command}: not a reading command of {self.platform}")
        return self._say(command, timeout)

    # --- log-on ---------------------------------------------------------------------------------------------------

    def _begin(self, enable: str | None, timeout: float) -> None:
        bare = rf"|(?P<bare>{self._os.bare_prompt})" if self._os.bare_prompt else ""
        first = re.compile(rf"(?:^|\n)[\r\x00]*(?:{self._anybody}{bare})\Z")
        shown = self._first_prompt(first, timeout)
        found = first.search(shown)
        assert found is not None
        if found.groupdict().get("bare"):
            self._last_prompt = found["bare"]
            self._prompt = re.compile(rf"(?:^|\n)[\r\x00]*{self._os.bare_prompt}\Z")
            self.privileged = True
            return
        self._know(found)
        if self._os.rights and not re.search(self._os.rights.raised, self._last_prompt):
            if enable is not None:
                self._raise_rights(enable, timeout)
        else:
            self.privileged = True
        began = time.monotonic()
        for command in self._os.prepare:
            self._say(command, timeout, settle=0.0)  # it says nothing, so no line of it can look like a prompt
        if shown[: found.start()].strip():
            # a banner may end in a line like the prompt; the true one would come late and be taken for an answer's end
            while self._receive(max(QUIET, time.monotonic() - began)):
                began = time.monotonic()

    def _first_prompt(self, pattern: re.Pattern[str], timeout: float) -> str:
        """What came until a prompt stood still; questions on the way are answered once each."""
        until = time.monotonic() + timeout
        text, answered = "", set()
        while time.monotonic() < until:
            found = pattern.search(text[-TAIL:])
            # nothing but a prompt came: no banner that may quote one
            still = SETTLE if found and not text[: -len(found.group())].strip() else QUIET
            more = self._receive(still if found else min(0.5, timeout))
            if more:
                text = (text + more)[-MAX_BYTES:]
                for place, (question, reply) in enumerate(self._os.answers):
                    if place not in answered and re.search(question, text):
                        answered.add(place)
                        self._channel.sendall(reply.encode())
            elif found:
                return text[-TAIL:]
        raise Unparsable(
            f"{self._place}: no prompt of {self.platform} within {timeout:g} s after log-on; is platform: right in the targets "
            "file, and does the account get a command line?"
        )

    def _know(self, found: re.Match[str]) -> None:
        self.prompt_name = found["name"]
        self._last_prompt = found.group().lstrip("\n")
        self._prompt = re.compile(rf"(?:^|\n)[\r\x00]*{self._os.prompt.replace('{name}', re.escape(self.prompt_name))}\Z")

    def _raise_rights(self, secret: str, timeout: float) -> None:
        rights = self._os.rights
        assert rights is not None
        self._type(rights.command)
        asked = re.compile(rf"(?:{rights.asks_secret})\s*\Z")
        text = self._until(rights.command, timeout, also=asked)
        if rights.asks_user and re.search(rf"(?:{rights.asks_user})\s*\Z", text):
            raise Denied(f"{self._place}: {rights.command} asks for a user name; rasoat has none to give there")
        if asked.search(text):
            self._channel.sendall(f"{secret}{self._driver.RETURN}".encode())
            text = self._until("", timeout, also=asked)
            if asked.search(text):
                # the device asks again; another try could lock it
                raise Denied(f"{self._place}: the word for {rights.command} was refused; one was tried and no more")
        if not re.search(rights.raised, self._last_prompt):
            raise Denied(f"{self._place}: {rights.command} did not raise the rights of this account")
        self.privileged = True

    # --- question and answer --------------------------------------------------------------------------------------

    def _say(self, command: str, timeout: float, settle: float = SETTLE) -> str:
        if self._ended:
            raise Unreachable(self._ended)
        self._nothing_waits(command)
        self._type(command)
        return self._until(command, timeout, settle=settle)

    def _nothing_waits(self, command: str) -> None:
        """An answer whose end we took too early, or a line the device sends by itself, may not become the next answer."""
        late = ""
        while self._channel.recv_ready():
            late += self._receive(0.0)
        if late.strip() and not (self._prompt and self._prompt.search(f"\n{late.strip()}")):
            self._end(f"{self._place}: text came before {command} was asked; what belongs to which question is not certain")
            assert self._ended
            raise Unparsable(self._ended)

    def _type(self, text: str) -> None:
        try:
            self._channel.sendall(f"{text}{self._driver.RETURN}".encode())
        except OSError:
            self._end(f"{self._place}: the device hung up before {text} was asked")
            assert self._ended
            raise Unreachable(self._ended) from None

    def _until(self, command: str, timeout: float, also: re.Pattern[str] | None = None, settle: float = SETTLE) -> str:
        """What came between the echo of the command and the next prompt."""
        assert self._prompt is not None
        began = heard = time.monotonic()
        parts: list[str] = []
        size = 0
        tail = ""
        echoed = not command
        while True:
            now = time.monotonic()
            if now - began > timeout:
                self._end(f"{self._place}: {command}: no prompt within {timeout:g} s; the session was given up")
                assert self._ended
                raise Unreachable(self._ended)
            complete = echoed and self._prompt.search(tail)
            more = self._receive(self._still(parts, command, settle) if complete else min(0.5, timeout), command)
            if more:
                heard = now
                size += len(more)
                if size > MAX_BYTES:
                    self._end(f"{self._place}: {command}: more than {MAX_BYTES} characters")
                    raise Unparsable(f"{command}: more than {MAX_BYTES} characters; not read to the end")
                parts.append(more)
                tail = (tail + more)[-TAIL:]
                if not echoed:
                    joined = self._plain("".join(parts))
                    place = joined.find(command)
                    if place >= 0:
                        echoed = True
                        parts = [joined[place + len(command) :]]
                        tail = parts[0][-TAIL:]
                if "\x1b" in tail or "\b" in tail:
                    tail = self._plain(tail)
                continue
            if also and also.search(tail):
                return "".join(parts)
            if complete:
                return self._answer("".join(parts), command)
            if echoed and (stopped := _PAGER.search(tail)):
                self._at_pager(command, parts, stopped.group())
                tail = "".join(parts)[-TAIL:]
                continue
            if echoed and now - heard > ELSEWHERE:
                self._another(command, tail)

    def _still(self, parts: list[str], command: str, settle: float) -> float:
        """Where the line is painted anew before the answer, a prompt after which nothing stands is believed after a longer silence."""
        if not self._os.repaints or len(parts) > 8:
            return settle
        plain = self._plain("".join(parts))
        if self._unpainted(plain, command).strip():
            return settle
        return QUIET if command in plain else ELSEWHERE

    def _unpainted(self, text: str, command: str) -> str:
        """Without lines that are a prompt, alone or with the command, before and behind the answer."""
        painted = re.compile(rf"{self._os.prompt.replace('{name}', re.escape(self.prompt_name))}(?:{re.escape(command)})?[ ]*\Z")
        lines = text.split("\n")
        while lines and (not lines[0].strip() or painted.match(lines[0])):
            del lines[0]
        while lines and (not lines[-1].strip() or painted.match(lines[-1])):
            del lines[-1]
        return "\n".join((*lines, "")) if lines else ""

    def _answer(self, text: str, command: str) -> str:
        assert self._prompt is not None
        plain = self._plain(text)
        found = self._prompt.search(plain)
        if found is None:
            raise Unparsable("the prompt was lost among the device's screen codes")
        self._last_prompt = found.group().lstrip("\n")
        if self._os.repaints:
            return self._unpainted(plain[: found.start()], command)
        return plain[: found.start()].lstrip("\r").removeprefix("\n") + ("\n" if plain[: found.start()].strip() else "")

    def _at_pager(self, command: str, parts: list[str], shown: str) -> None:
        """Paging was not switched off. Leave it, so that the session stays usable; what came is not the whole."""
        self._channel.sendall(b"q")
        self._until("", TIMEOUT)
        raise Unparsable(f"{command}: the answer stops at a pager ({shown.strip()[:40]}); paging could not be switched off")

    def _another(self, command: str, tail: str) -> None:
        found = re.search(rf"(?:^|\n)[\r\x00]*{self._anybody}\Z", tail)
        if found and found["name"] != self.prompt_name:
            self._end(f"{self._place}: {command}: the prompt became that of {found['name']}, not of {self.prompt_name}")
            assert self._ended
            raise Unparsable(self._ended)

    def _plain(self, text: str) -> str:
        """Without screen codes and what was painted over."""
        if "\x1b" in text:
            text = self._driver.strip_ansi_escape_codes(text)
        if "\b" in text:
            while (shorter := _PAINTED_OVER.sub("", text)) != text:
                text = shorter
            text = text.replace("\b", "")
        return self._driver.normalize_linefeeds(text)

    def _receive(self, seconds: float, command: str = "log-on") -> str:
        """Text that came within so many seconds; empty when none did. Raises Unreachable when the line is cut."""
        self._channel.settimeout(seconds)
        try:
            raw = self._channel.recv(65536)
        except TimeoutError:
            return ""
        if not raw:
            self._end(f"{self._place}: the device hung up during {command}")
            assert self._ended
            raise Unreachable(self._ended)
        return self._decode.decode(raw)

    def _end(self, reason: str) -> None:
        """No further question is put to this session: each would risk the answer of another."""
        self._ended = self._ended or reason


def driver(os: DeviceOs) -> BaseConnection:
    """netmiko's class for the system, not connected: it lends its line ends and its knowledge of screen codes."""
    from netmiko.ssh_dispatcher import CLASS_MAPPER_BASE

    made: BaseConnection = CLASS_MAPPER_BASE[os.driver](
        host="unused", device_type=os.driver, auto_connect=False, disable_lf_normalization=False
    )
    made.ansi_escape_codes = True
    return made


def _transport(
    target: Target,
    credential: Credential,
    known_hosts: Path | None,
    also_known: Sequence[Path] | None,
    timeout: float,
    legacy: bool,
) -> tuple[paramiko.Transport, bool]:
    """(connection, old algorithms were needed). Old ones are offered only when the targets file allows it, and only then second."""
    try:
        return logged_on(target, credential, known_hosts, also_known, timeout, _modern), False
    except NothingInCommon as error:
        if not legacy:
            raise NothingInCommon(
                f"{error}. Old algorithms (SHA-1 key exchange, CBC, ssh-rsa) are not offered unless the targets file says "
                "legacy_ssh: true for this device"
            ) from None
    return logged_on(target, credential, known_hosts, also_known, timeout), True


def _modern(transport: paramiko.Transport) -> None:
    options = transport.get_security_options()
    options.kex = tuple(name for name in options.kex if not _OLD.search(name))
    options.ciphers = tuple(name for name in options.ciphers if not _OLD.search(name))
    options.digests = tuple(name for name in options.digests if not _OLD.search(name))
    options.key_types = tuple(name for name in options.key_types if not _OLD.search(name))
