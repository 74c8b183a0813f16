"""The Protocols a collector may be handed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from collectors.errors import Denied, Unparsable, Unsupported

TIMEOUT = 20.0
"""Seconds one command may take before it counts as no answer."""

MAX_BYTES = 16 * 1024 * 1024
"""Bytes of one answer we are willing to hold; more is Unparsable, never silently cut."""


class Answer(NamedTuple):
    """What a command said.

    `status` is its exit status; 127 means the target has no such command (an established absence).
    `out` and `err` are decoded as UTF-8, undecodable bytes replaced.
    """

    argv: tuple[str, ...]
    status: int
    out: str
    err: str

    @property
    def missing(self) -> bool:
        """The target has no such command."""
        return self.status == 127

    @property
    def refused(self) -> bool:
        """The words by which Linux tools say "not with your rights" in the C locale."""
        text = (self.err or self.out).lower()
        return self.status != 0 and any(word in text for word in _REFUSALS)

    def require(self) -> str:
        """`out` of a command that must succeed.

        Raises Unsupported when the command is absent, Denied when it was refused, Unparsable when it failed otherwise.
        """
        if self.status == 0:
            return self.out
        name = self.argv[0]
        said = (self.err.strip() or self.out.strip()).splitlines()
        last = said[-1][:200] if said else "no message"
        if self.missing:
            raise Unsupported(f"{name} is not installed")
        if self.refused:
            raise Denied(f"{name}: {last}")
        raise Unparsable(f"{name} ended with status {self.status}: {last}")


_REFUSALS = (
    "permission denied",
    "operation not permitted",
    "you must be root",
    "must be root",
    "authorization failed",
    "not authorised",
    "a password is required",
    "a terminal is required",
    "not allowed to execute",
    "is not in the sudoers",
    "access denied",
    "you need to be root",
)


class Stat(NamedTuple):
    """What `stat` says of a path (symbolic links followed)."""

    mode: int
    """Permission bits only, as in 0o644."""
    uid: int
    gid: int
    size: int
    mtime: float
    """Whole seconds since 1970, UTC."""
    directory: bool


System = Literal["posix", "windows"]


class Shell(Protocol):
    """A host that can be asked: this one, one behind SSH, an unpacked root, or a recording.

    A POSIX host answers everything but `run_script`, a Windows host `run_script` alone: starting PowerShell costs more than
    all questions together, so one script asks them. What the other kind answers raises Unsupported.

    None where a path does not exist (an established absence). Denied, Unreachable and Unsupported are raised, never
    returned. Commands run with LC_ALL=C, a fixed PATH, no standard input, and change nothing on the target.
    """

    @property
    def privileged(self) -> bool:
        """True when this shell may see what only root sees (uid 0, or sudo without a password)."""
        ...

    @property
    def system(self) -> System:
        """Which of the two it is."""
        ...

    def run_script(self, name: str, *, timeout: float) -> str:
        """What a PowerShell script of collectors/windows wrote. Raises Unsupported on a POSIX host.

        Raises Denied, Unreachable or Unparsable when PowerShell itself could not be started or did not end in time; what
        the script could not see, it says in what it writes.
        """
        ...

    def run(self, *argv: str, root: bool = False, timeout: float = TIMEOUT) -> Answer:
        """Run one read-only command, without a shell in between. `root`: worth asking sudo for.

        A missing command is `Answer.missing`. No answer within `timeout` seconds raises Unreachable.
        """
        ...

    def read(self, path: str, *, root: bool = False) -> str | None:
        """The text of a file, or None if it does not exist. Denied if we may not read it."""
        ...

    def read_all(self, *patterns: str, root: bool = False) -> Mapping[str, str]:
        """path -> text of every regular file matching the shell patterns, in name order.

        A pattern that matches nothing adds nothing; a directory that may not be listed raises Denied.
        """
        ...

    def names(self, pattern: str, *, root: bool = False) -> tuple[str, ...]:
        """The paths (of any type) matching a shell pattern, sorted; () when none does."""
        ...

    def stat(self, path: str, *, root: bool = False) -> Stat | None:
        """None if the path does not exist."""
        ...

    def link(self, path: str) -> str | None:
        """Target text of a symbolic link; None if it is absent or no link."""
        ...

    def stanzas(self, pattern: str, wanted: frozenset[str], fields: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, str]]]:
        """(path, {field: value}) for each deb822 paragraph whose Package is in `wanted`, in every file matching `pattern`.

        Files may be plain, .gz, .xz or .lz4. Filtered where the file is, so that 50 MB of package lists never
        cross a thin line. Only single-line fields.
        """
        ...


@runtime_checkable
class DeviceCli(Protocol):
    """The command line of a network device: a session behind SSH, or a recording.

    What it answers is text of the maker's making. DeviceWitness stands between it and the collectors and turns refusals,
    pagers and half configurations into errors; a bare session raises only Unreachable (no answer, cut) and Unparsable
    (another device's prompt).
    """

    @property
    def platform(self) -> str:
        """Value of the Platform it was opened as."""
        ...

    @property
    def prompt_name(self) -> str:
        """The device's name as its prompt says it."""
        ...

    @property
    def privileged(self) -> bool:
        """The session has the rights that show everything (IOS: the prompt ends in #)."""
        ...

    @property
    def legacy_crypto(self) -> bool | None:
        """Log-on needed algorithms that are off by default; None where nothing was encrypted (a recording)."""
        ...

    def ask(self, command: str, *, timeout: float = TIMEOUT) -> str:
        """The answer to one reading command, without echo and prompt.

        Raises Denied when this account may not, Unsupported when the device has no such command, Unreachable when no
        prompt came back in time, Unparsable when the answer is cut short, stopped by a pager or from another device.
        """
        ...


Value = int | str | bytes
"""What stands under an OID: int (numbers, counters, ticks), str (an OID or an IPv4 address, dotted), bytes (text, anything)."""

Security = Literal["v2c", "noAuthNoPriv", "authNoPriv", "authPriv"]


class Snmp(Protocol):
    """An SNMP agent. Only GET, GETNEXT and GETBULK are ever sent.

    An OID it does not show is left out of the answer. That is no established absence: an agent hides in the same way what
    this account may not see, so a collector calls it not seen. Raises Unreachable, Denied and Unparsable.
    """

    @property
    def security(self) -> Security:
        """How the agent was asked, and answered."""
        ...

    @property
    def at(self) -> datetime:
        """When it was asked: uptimes count back from here."""
        ...

    async def get(self, *oids: str) -> Mapping[str, Value]:
        """OID -> value of each scalar the agent shows."""
        ...

    async def walk(self, *columns: str, expect: int = 8) -> Mapping[str, Mapping[str, Value]]:
        """column -> {index: value}, in the agent's order. `expect`: about how many rows, so that one answer holds them.

        Raises Unparsable where the agent's rows run in circles or are more than anybody's table.
        """
        ...

    async def answers_without_keys(self) -> bool | None:
        """The agent also answers its v3 user when nothing is signed; None where it was not asked with keys."""
        ...

    async def weak_answered(self) -> bool | None:
        """One of the weak communities on the administrator's list is answered; None where there is no list."""
        ...
