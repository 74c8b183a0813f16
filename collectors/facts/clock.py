"""Does the machine follow a time source, and which?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.errors import CollectError, Denied, Unreachable, Unsupported
from collectors.facts.base import Fact, Gaps, Model
from collectors.linux.presence import Running, processes, programs
from collectors.linux.time_daemons import ASK, Followed, configured
from collectors.transports.base import Shell

Software = Literal["chrony", "systemd-timesyncd", "ntpd", "ntpsec", "openntpd"]


class TimeServer(Model):
    """A source the time software knows."""

    address: str = Field(description="Name or address as the software prints it")
    selected: bool | None = Field(description="The clock follows this one now; None if the software does not say")
    reachable: bool | None = Field(description="At least one of the last eight requests was answered")


class Clock(Fact):
    """Which software keeps the clock, and what it follows."""

    NAME: ClassVar[str] = "clock"

    software: Literal["chrony", "systemd-timesyncd", "ntpd", "ntpsec", "openntpd", "w32time", "ntp", "sntp", "none"] | None = (
        Field(
            description="The time software that runs, or is installed when none runs; none if there is none. ntp, sntp: a network device's own"
        )
    )
    running: bool | None = Field(description="That software runs now")
    synchronised: bool | None = Field(
        description="The clock follows a source other than itself now (chrony's `local stratum` does not count)"
    )
    servers: tuple[TimeServer, ...] | None = Field(
        description="Configured or learnt sources; those of the configuration files when the software does not run"
    )
    stratum: int | None = Field(default=None, description="Distance from a reference clock; 16 is unsynchronised")
    offset_ms: float | None = Field(default=None, description="Last measured distance from the source, milliseconds, absolute")
    authenticated: bool | None = Field(
        default=None, description="Every source must prove itself with a key that is trusted (NTP authentication)"
    )
    timezone: str | None = Field(
        default=None,
        description="Name of the time zone, such as Asia/Ho_Chi_Minh; Windows' own name where it is another than SE Asia Standard Time, which is that of Hanoi. A network device: UTC+7",
    )


_UNITS: dict[Software, tuple[str, ...]] = {
    "chrony": ("chrony.service", "chronyd.service"),
    "systemd-timesyncd": ("systemd-timesyncd.service",),
    "ntpsec": ("ntpsec.service", "ntp.service", "ntpd.service"),
    "openntpd": ("openntpd.service", "ntpd.service"),
    "ntpd": ("ntp.service", "ntpd.service"),
}
_PROCESS: dict[Software, str] = {
    "chrony": "chronyd", "systemd-timesyncd": "systemd-timesyncd", "ntpsec": "ntpd", "openntpd": "ntpd", "ntpd": "ntpd",
}  # fmt: skip
_GUEST_TOOLS = frozenset({"vmtoolsd", "VBoxService", "hv_utils", "prltoolsd", "xe-daemon"})
"""They may set the clock from the hypervisor's: that is neither claimed nor denied."""

_FOLLOWED = ("synchronised", "servers", "stratum", "offset_ms")


def linux(shell: Shell) -> Clock:
    """Ask the time daemon that runs; its files when none does.

    "Configured" is not "followed": a dead server, an unresolved name, or chrony serving its own clock (`local stratum`)
    leaves the configuration just as pretty.
    """
    gaps = Gaps()
    zone = gaps.attempt("timezone", lambda: _timezone(shell))
    software = gaps.attempt("software", lambda: _installed(shell))
    if software is None:
        gaps.note(("running", *_FOLLOWED), "unsupported", "which time software is installed could not be seen")
        return Clock(software=None, running=None, synchronised=None, servers=None, timezone=zone, unseen=gaps.unseen)
    if not software:
        return _without(shell, gaps, zone)
    running = Running(shell, *dict.fromkeys(unit for name in software for unit in _UNITS[name]))
    chosen, runs, why = _chosen(running, software)
    if runs is False:
        followed = _silent(shell, gaps, chosen)
    else:
        try:
            followed = _asked(shell, gaps, chosen)
            runs = True  # it answered
        except CollectError as error:
            if runs is None and why is not None:
                gaps.note("running", why.outcome, str(error if why.outcome == "unsupported" else why))
            refused = runs and isinstance(error, Unreachable) and not shell.privileged
            told = Denied(f"{error}; run as root to ask it") if refused else error
            followed = _unanswered(shell, gaps, chosen, told)
    servers = None if followed.servers is None else tuple(TimeServer(**server._asdict()) for server in followed.servers)
    return Clock(
        software=chosen, running=runs, synchronised=followed.synchronised, servers=servers,
        stratum=followed.stratum, offset_ms=followed.offset_ms, timezone=zone, unseen=gaps.unseen,
    )  # fmt: skip


def _installed(shell: Shell) -> tuple[Software, ...]:
    """Time software found, the one most likely meant first. ntpd is a name three projects share: their tools tell them apart."""
    found: list[Software] = []
    there = programs(shell)
    if "chronyd" in there:
        found.append("chrony")
    if "ntpd" in there:
        found.append("openntpd" if "ntpctl" in there else "ntpsec" if "ntpdig" in there else "ntpd")
    if shell.stat("/lib/systemd/systemd-timesyncd") is not None:
        found.append("systemd-timesyncd")
    return tuple(found)


def _chosen(running: Running, software: tuple[Software, ...]) -> tuple[Software, bool | None, CollectError | None]:
    """(the one that runs or else the first, whether it runs, why that was not seen)."""
    why: CollectError | None = None
    for name in software:
        try:
            if running.runs(_UNITS[name], (_PROCESS[name],)):
                return name, True, None
        except CollectError as error:
            why = error
    return software[0], None if why else False, why


def _asked(shell: Shell, gaps: Gaps, chosen: Software) -> Followed:
    """The daemon's own word. Gaps noted on the way count only if it answered at all."""
    own = Gaps()
    followed = ASK[chosen](shell, own)
    for entry in own.unseen:
        gaps.note(entry.field, entry.outcome, entry.reason)
    return followed


def _silent(shell: Shell, gaps: Gaps, chosen: Software) -> Followed:
    """A daemon that does not run follows nothing; its servers are those somebody once wrote down."""
    servers = gaps.attempt("servers", lambda: configured(shell, chosen))
    if servers:
        gaps.note("servers[].reachable", "unsupported", f"{chosen} does not run, so nothing is asked of its servers")
        servers = tuple(server._replace(selected=False) for server in servers)
    gaps.note(("stratum", "offset_ms"), "unsupported", f"{chosen} does not run")
    return Followed(_by_guest_tools(shell, gaps), servers)


def _unanswered(shell: Shell, gaps: Gaps, chosen: Software, error: CollectError) -> Followed:
    gaps.note(("synchronised", "stratum", "offset_ms"), error.outcome, str(error))
    servers = gaps.attempt("servers", lambda: configured(shell, chosen))
    if servers:
        gaps.note(
            ("servers[].selected", "servers[].reachable"), error.outcome, "the servers are those of the configuration files"
        )
    return Followed(None, servers)


def _without(shell: Shell, gaps: Gaps, zone: str | None) -> Clock:
    gaps.note(("stratum", "offset_ms"), "unsupported", "there is no time software to ask")
    follows = _by_guest_tools(shell, gaps)
    return Clock(software="none", running=False, synchronised=follows, servers=(), timezone=zone, unseen=gaps.unseen)


def _by_guest_tools(shell: Shell, gaps: Gaps) -> bool | None:
    """False: nothing here follows a source. None where a hypervisor's tools run, which may set the clock unasked."""
    try:
        tools = sorted(processes(shell) & _GUEST_TOOLS)
    except CollectError as error:
        gaps.note("synchronised", error.outcome, str(error))
        return None
    if not tools:
        return False
    gaps.note(
        "synchronised", "unsupported", f"{tools[0]} may set the clock from the hypervisor; whether it does is not seen here"
    )
    return None


def _timezone(shell: Shell) -> str:
    """Where /etc/localtime leads; /etc/timezone only where it is a copy, because that text changes nothing by itself."""
    target = shell.link("/etc/localtime")
    if target is not None and "/zoneinfo/" in target:
        return target.rpartition("/zoneinfo/")[2]
    if target is None and shell.stat("/etc/localtime") is None:
        programs(shell)  # a tree of data only has no zone; a system without the link does
        return "UTC"  # what the C library falls back to
    text = shell.read("/etc/timezone")
    if text is not None and text.strip():
        return text.split()[0]
    raise Unsupported("/etc/localtime is a copy and nothing names the zone it was copied from")
