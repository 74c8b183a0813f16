"""What rasoat must know of a network OS before it may ask it anything: one DeviceOs per file of this room."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from collectors.errors import CollectError, Denied, Unparsable, Unsupported
from collectors.facts.base import Fact, Unseen
from collectors.model import Platform
from collectors.transports.base import DeviceCli

T = TypeVar("T")

Question = Callable[[DeviceCli], Fact]

CONFIGURATION_TIMEOUT = 180.0
"""Seconds a whole configuration may take: old routers build it line by line."""

SHORT = 8
"""Lines beyond which an answer is no refusal: a banner inside a configuration may quote any error message."""

_PAGER = re.compile(
    r"(?:-- ?more ?--|--\(more(?: \d+%)?\)--|<--- more --->|press any key to continue|---- more ----)\s*$", re.I | re.M
)


class Rights(NamedTuple):
    """How a session gets to see everything: a command, and the word it asks for."""

    command: str
    asks_secret: str = r"[Pp]assword:"  # noqa: S105  (a prompt)
    asks_user: str | None = None
    """Prompt for a user name that some systems put before (ArubaOS-Switch with TACACS+)."""
    raised: str = r"#\s*$"
    """How the prompt ends once it worked."""


class Running(NamedTuple):
    """A whole configuration."""

    text: str
    resolved: bool
    """Values in force are written out (`all`, `full-configuration`, `inheritance`): an absent line is no default."""
    command: str


@dataclass(frozen=True, kw_only=True)
class DeviceOs:
    """A network OS. Patterns are compiled with re.M where they speak of lines."""

    platform: Platform
    vendor: str
    """As the fact `identity` names it."""
    driver: str
    """Device type of netmiko whose log-on is used, or a class of transports/device_drivers.py where netmiko's would write."""
    prompt: str
    """Pattern of the prompt, at the end of the text; `{name}` stands for the device's own name."""
    bare_prompt: str = ""
    """Pattern of the prompt of a command line that shows no name (FTD); empty: there is none. No rights are raised there, nothing is prepared."""
    name: str = r"[A-Za-z0-9_][\w.\-/]{0,80}"
    """How a device may be called in its prompt."""
    log_on_as: str = "{user}"
    """The name at log-on: some systems take wishes for the terminal behind it, for this session alone."""
    repaints: bool = False
    """It writes prompt and command once more before it answers; such lines are no part of an answer."""
    allowed: tuple[str, ...]
    """First words of every command that may ever be sent to it; whatever else is asked for is our bug and is not sent."""
    prepare: tuple[str, ...] = ()
    """Sent once after log-on: paging off, for this session alone. Never a command that writes to the configuration."""
    answers: tuple[tuple[str, str], ...] = ()
    """(pattern, what to type) for questions between log-on and prompt, such as ("to accept", "a")."""
    rights: Rights | None = None
    denied: tuple[re.Pattern[str], ...]
    """REFUSALS: words for "this account may not"."""
    unknown: tuple[re.Pattern[str], ...]
    """REFUSALS: words for "no such command here"."""
    configuration: tuple[tuple[str, bool], ...]
    """(command, resolved): the running configuration, best form first; the next is asked where one is refused."""
    whole: tuple[re.Pattern[str], ...]
    """Each must be found in a configuration: what stands at its end, and what no complete one lacks."""
    name_line: re.Pattern[str] | None
    """Group 1 is the device's name as the configuration writes it; must be that of the prompt."""
    secrets: tuple[re.Pattern[str], ...]
    """SECRETS: the group `secret` of each goes from every text that is kept."""
    harmless: tuple[re.Pattern[str], ...] = ()
    """Lines that speak of keys and passwords and hold none. Everything else that looks like a secret goes too."""
    volatile: tuple[re.Pattern[str], ...] = ()
    """Lines that change though nobody changed anything."""
    questions: Mapping[str, Question] = field(default_factory=dict)
    elsewhere: str = ""
    """Where the facts are had that its command line does not tell: the reason each of them is recorded with. Empty: they are left out."""

    def permits(self, command: str) -> bool:
        """The command is one line and begins with an allowed word."""
        return "\n" not in command and "\r" not in command and any(_begins(command, word) for word in self.allowed)

    def reading(self, command: str, text: str, name: str) -> str:
        """The answer as it may be believed. Raises Denied, Unsupported or Unparsable when it may not."""
        clean = text.replace("\r\n", "\n").replace("\r", "").replace("\0", "")
        lines = [line for line in clean.splitlines() if line.strip()]
        if len(lines) <= SHORT:
            for patterns, error in ((self.denied, Denied), (self.unknown, Unsupported)):
                for pattern in patterns:
                    if found := pattern.search(clean):
                        raise error(f"{command}: {found.group().strip()[:200]}")
        if _PAGER.search(clean) and _PAGER.search(lines[-1] if lines else ""):
            raise Unparsable(f"{command}: the answer stops at a pager; it was not read to its end")
        if any(command == known for known, _ in self.configuration):
            self._whole(command, clean, name)
        return clean

    def _whole(self, command: str, text: str, name: str) -> None:
        for pattern in self.whole:
            if not pattern.search(text):
                raise Unparsable(
                    f"{command}: not a whole configuration: {pattern.pattern} is not in it "
                    f"({len(text.splitlines())} lines came); cut short, or this account sees only a part"
                )
        if self.name_line and (found := list(self.name_line.finditer(text))):
            own = found[-1].group(1).strip('"')
            if not _same_name(own, name):
                raise Unparsable(f"{command}: the configuration is that of {own}, the prompt that of {name}")


def _begins(command: str, word: str) -> bool:
    return command == word or command.startswith(f"{word} ")


def _same_name(configured: str, prompt: str) -> bool:
    """Prompts cut long names (IOS at 20 letters and more) and leave out the domain."""
    return configured == prompt or (len(prompt) >= 15 and configured.startswith(prompt)) or configured.partition(".")[0] == prompt


def running(cli: DeviceCli, os: DeviceOs) -> Running:
    """The running configuration with as many resolved values as this release and account give.

    A form that does not exist, may not be seen or came in part gives way to the next, which must be whole by itself.
    Raises what says most when none came.
    """
    return _first(cli, os.configuration)


def plain(cli: DeviceCli, os: DeviceOs) -> Running:
    """The running configuration as people know it, without the defaults; for keeping and comparing."""
    unresolved = tuple(form for form in os.configuration if not form[1])
    return _first(cli, unresolved or os.configuration)


def _first(cli: DeviceCli, forms: tuple[tuple[str, bool], ...]) -> Running:
    first: CollectError | None = None
    for command, resolved in forms:
        try:
            return Running(cli.ask(command, timeout=CONFIGURATION_TIMEOUT), resolved, command)
        except (Denied, Unsupported, Unparsable) as error:
            # "no such command" says least: of a newer form an older release knows nothing
            if first is None or (isinstance(first, Unsupported) and not isinstance(error, Unsupported)):
                first = error
    assert first is not None, "an OS without a configuration command"
    raise first


_KEPT: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def complete(os: DeviceOs, fact: Fact) -> Fact:
    """The fact with a reason for every None its question left unexplained: this system has no such thing, or was not asked."""
    named = {entry.field for entry in fact.unseen}
    rest = tuple(
        Unseen(field=name, outcome="unsupported", reason=f"not asked of {os.platform.value}, or it has no such thing")
        for name, value in fact
        if value is None and name not in named
    )
    return fact.model_copy(update={"unseen": (*fact.unseen, *rest)}) if rest else fact


def per_device(cli: DeviceCli, name: str, make: Callable[[], T]) -> T:
    """`make()`, once per device and name: twelve facts read one configuration, and parsing 200,000 lines takes a second."""
    with _LOCK:
        kept = _KEPT.setdefault(cli, {})
    if name not in kept:
        kept[name] = make()
    return kept[name]  # type: ignore[no-any-return]
