"""A DeviceCli that notes what it was asked, asks each thing once, and believes an answer only when its OS lets it."""

from __future__ import annotations

import hashlib
from typing import Any

from collectors.devices.base import DeviceOs
from collectors.devices.redaction import clean
from collectors.errors import CollectError, Unreachable
from collectors.model import Source, utcnow
from collectors.transports.base import TIMEOUT, DeviceCli
from collectors.transports.testimony import Testimony


class DeviceWitness(Testimony):
    """Wraps a DeviceCli whose answers are raw text. `testimony()` hands over the sources noted since it was last called.

    Raises for a refusal, a pager, a configuration without its end or of another device: see DeviceOs.reading.
    Reasons are redacted here; answers are not, because the class of a secret is a fact and the facts keep nothing else.
    """

    platform: str

    def __init__(self, cli: DeviceCli, os: DeviceOs) -> None:
        super().__init__()
        self._cli = cli
        self._os = os
        self.platform = os.platform.value
        self._memory: dict[str, tuple[str | CollectError, Source]] = {}

    @property
    def prompt_name(self) -> str:
        return self._cli.prompt_name

    @property
    def privileged(self) -> bool:
        return self._cli.privileged

    @property
    def legacy_crypto(self) -> bool | None:
        return self._cli.legacy_crypto

    def ask(self, command: str, *, timeout: float = TIMEOUT) -> str:
        if not self._os.permits(command):
            raise AssertionError(f"{command}: not a reading command of {self.platform}")
        if command not in self._memory:
            left = self._left()
            digest = None
            value: str | CollectError
            try:
                raw = self._cli.ask(command, timeout=min(timeout, left))
                digest = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()
                value = self._os.reading(command, raw, self.prompt_name)
            except CollectError as error:
                value = type(error)(clean(self._os, str(error)))
            source = Source(kind="command", what=command, sha256=digest, at=utcnow())
            self._note(source)
            # a fact that had little time left must not speak for the next one, which has all of its own
            if isinstance(value, Unreachable) and left <= timeout:
                raise value
            self._memory[command] = (value, source)
        kept, source = self._memory[command]
        self._note(source)
        if isinstance(kept, CollectError):
            raise kept.with_traceback(None)
        return kept


class DeviceRecorder:
    """Wraps a DeviceCli; `transcript()` is what it answered, redacted, ready to be written as transcript.yaml."""

    def __init__(self, cli: DeviceCli, os: DeviceOs, about: str) -> None:
        self._cli = cli
        self._os = os
        self._about = about
        self._commands: dict[str, Any] = {}
        self.platform = os.platform.value

    @property
    def prompt_name(self) -> str:
        return self._cli.prompt_name

    @property
    def privileged(self) -> bool:
        return self._cli.privileged

    @property
    def legacy_crypto(self) -> bool | None:
        return self._cli.legacy_crypto

    def ask(self, command: str, *, timeout: float = TIMEOUT) -> str:
        try:
            text = clean(self._os, self._cli.ask(command, timeout=timeout).replace("\r\n", "\n"))
        except CollectError as error:
            self._commands[command] = {error.outcome: clean(self._os, str(error))}
            raise
        self._commands[command] = text
        return text

    def transcript(self) -> dict[str, Any]:
        return {
            "about": self._about,
            "system": "device",
            "platform": self.platform,
            "prompt": self.prompt_name,
            "privileged": self.privileged,
            "legacy_crypto": self.legacy_crypto,
            "commands": self._commands,
        }
