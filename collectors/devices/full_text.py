"""The one place where a configuration with its secrets in it may be taken: for a copy that restores a device.

It stands between the session and the witness, hears the answer the witness hears, and hands it to whoever the inventory
names (`Inventory.full_text`), once, in memory. It becomes part of no Record: what a Snapshot holds has been through redaction
all the same, and neither the snapshot nor a log knows that a copy was taken.
"""

from __future__ import annotations

from collections.abc import Callable

from collectors.devices.base import DeviceOs
from collectors.errors import CollectError
from collectors.model import Snapshot
from collectors.transports.base import TIMEOUT, DeviceCli

Taker = Callable[[Snapshot, str], None]
"""Gets the snapshot and the whole configuration of its device. Must not raise, and must not let the text touch a disk in clear."""


class FullText:
    """A DeviceCli that remembers the plain running configuration, as it came, while one device is asked."""

    def __init__(self, cli: DeviceCli, os: DeviceOs) -> None:
        self._cli = cli
        self._os = os
        plain = [command for command, resolved in os.configuration if not resolved]
        self._commands = tuple(plain or [command for command, _ in os.configuration])
        self._text: str | None = None
        self.platform = cli.platform

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
        answer = self._cli.ask(command, timeout=timeout)
        if command in self._commands and self._text is None and self._whole(command, answer):
            self._text = answer
        return answer

    def hand_over(self, snapshot: Snapshot, taker: Taker) -> None:
        """Give away what was heard, if the device's configuration was believed; then forget it."""
        text, self._text = self._text, None
        record = snapshot.by_fact.get("configuration")
        if text is not None and record is not None and record.outcome == "seen":
            taker(snapshot, text)

    def _whole(self, command: str, answer: str) -> bool:
        try:
            self._os.reading(command, answer, self._cli.prompt_name)
        except CollectError:
            return False
        return True


def steady(os: DeviceOs, text: str) -> str:
    """The text without the lines that change though nobody changed anything; its secrets are still in it."""
    lines = (line.rstrip() for line in text.replace("\r", "").split("\n"))
    return "\n".join(line for line in lines if line and not any(pattern.search(line) for pattern in os.volatile))
