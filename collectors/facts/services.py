"""What runs as a service, and what starts at boot?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from collectors.errors import CollectError, Denied, Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps, Model
from collectors.linux import services_legacy
from collectors.transports.base import Shell

Manager = Literal["systemd", "sysv", "none"]


class Service(Model):
    """One service of the init system."""

    name: str = Field(description="Unit name without .service, or the SysV script's name")
    running: bool | None = Field(description="Active now; None when only files were seen")
    at_boot: bool | None = Field(description="Starts at boot, itself or through its socket; None if not seen")


class Services(Fact):
    """Services and legacy network programs."""

    NAME: ClassVar[str] = "services"

    manager: Literal["systemd", "sysv", "scm", "none"] = Field(
        description="none: no init system answers (a container); then processes were looked at instead. scm: the service control manager of Windows"
    )
    services: tuple[Service, ...] | None = Field(description="Services that run or start at boot, sorted by name")
    failed: tuple[str, ...] | None = Field(default=None, description="Services, sockets, timers and mounts that failed")
    legacy: tuple[str, ...] | None = Field(
        description=(
            "Clear-text or legacy programs that run or start at boot: telnet, rsh, rlogin, rexec, tftp, ftp, nis, talk, finger, xinetd, inetd, "
            "snmp-v1v2 (snmpd accepts community names), echo, chargen ...; None unless every place they may start from was seen"
        )
    )


class Unit(NamedTuple):
    """One line of systemctl list-units."""

    name: str
    load: str
    active: str
    sub: str


def linux(shell: Shell) -> Services:
    """Units from systemd, boot links from its folders, programs from the process table.

    systemctl list-unit-files would tell what is enabled, at half a second; the links under *.wants say it at once.
    """
    gaps = Gaps()
    comms: tuple[str, ...] | None = None
    hidden = False
    try:
        comms = _comms(shell)
    except CollectError as error:
        hidden = not isinstance(error, Unsupported) or _answers(shell)
    links = gaps.attempt("services[].at_boot", lambda: shell.names("/*/systemd/*/*.[wr][ae]*s/*"))
    boot = None if links is None else at_boot(links)
    manager, rc_names = _manager(shell, comms, boot)
    units: tuple[Unit, ...] | None = None
    alive = hidden or comms is not None
    if manager == "systemd" and alive:
        units = gaps.attempt(("services[].running", "failed"), lambda: _units(shell))
    elif manager == "systemd":
        boot = None if boot is None else boot | _generated(shell)
        gaps.note(("services[].running", "failed"), "unsupported", "nothing runs here; only the files of the system are seen")
    else:
        gaps.note("failed", "unsupported", "no systemd answers; nothing keeps a list of what failed")
        if manager == "sysv":
            boot = frozenset(rc_names)
            gaps.note("services[].running", "unsupported", "SysV scripts tell only when they are run, which is not read-only")
        else:
            gaps.note("services", "unsupported", "no init system answers; processes were looked at instead")
    # without what runs the list would hold only what starts at boot, and look whole
    blind = manager == "systemd" and alive and units is None
    services = None if manager == "none" or blind else _services(units, boot)
    if services is None and manager != "none":
        reason = (
            "what runs now could not be seen"
            if boot is not None
            else "neither the running services nor the boot links could be seen"
        )
        gaps.note("services", "unsupported", reason)
    legacy = gaps.attempt("legacy", lambda: _legacy(shell, _Seen(manager, services, units, boot, comms, hidden)))
    if services is None and legacy is None and comms is None:
        raise Unsupported(
            "what runs now could not be seen"
            if blind
            else "neither an init system, its files, nor processes are there to be seen"
        )
    return Services(
        manager=manager,
        services=services,
        failed=None if units is None else tuple(sorted(unit.name for unit in units if unit.active == "failed")),
        legacy=legacy,
        unseen=gaps.unseen,
    )


def _answers(shell: Shell) -> bool:
    """Programs can be started: a running system whose /proc is not shown, and not the files of one."""
    try:
        shell.run(
            "systemctl", "list-units", "--all", "--plain", "--no-legend", "--no-pager", "--full", "--type=service,socket,timer,mount"
        )  # fmt: skip
    except Unsupported:
        return False
    except CollectError:
        return True
    return True


def _generated(shell: Shell) -> frozenset[str]:
    """Units that systemd would make from SysV scripts when it starts; a unit file of the same name goes before a script."""
    files = (*shell.names("/lib/systemd/system/*.service"), *shell.names("/etc/systemd/system/*.service"))
    native = {path.rpartition("/")[2].removesuffix(".service") for path in files}
    return frozenset(f"{script}.service" for script in _scripts(shell) if script not in native)


def _comms(shell: Shell) -> tuple[str, ...]:
    """Names of all processes, cut to 15 characters by the kernel.

    Raises Denied when the process table hides others' processes (hidepid): what is not shown may still run.
    """
    texts = shell.read_all("/proc/[0-9]*/comm")
    if not texts:
        raise Unsupported("no process table; nothing runs here")
    if "/proc/1/comm" not in texts:
        raise Denied("the process table is hidden from this account (hidepid); run as root to see it")
    return tuple(text.strip() for text in texts.values())


def _manager(shell: Shell, comms: tuple[str, ...] | None, boot: frozenset[str] | None) -> tuple[Manager, tuple[str, ...]]:
    """(manager, SysV scripts that start at boot). sd_booted(3): systemd runs when /run/systemd/system is there."""
    if shell.stat("/run/systemd/system") is not None:
        return "systemd", ()
    scripts = _scripts(shell)
    if comms is None:
        return ("systemd", ()) if boot else ("sysv", scripts) if scripts else ("none", ())
    first = shell.read_all("/proc/[0-9]*/comm")["/proc/1/comm"].strip()
    return ("sysv", scripts) if first == "init" and scripts else ("none", ())


def _scripts(shell: Shell) -> tuple[str, ...]:
    """SysV scripts that start at boot."""
    return tuple(sorted({re.sub(r"^S\d*", "", path.rpartition("/")[2]) for path in shell.names("/etc/rc[2-5].d/S*")}))


# --- systemd --------------------------------------------------------------------------------------------------------

_LOADS = frozenset({"loaded", "not-found", "bad-setting", "error", "merged", "masked", "stub", "bad"})
_ACTIVES = frozenset({"active", "reloading", "inactive", "failed", "activating", "deactivating", "maintenance", "refreshing"})
_NOT_BOOT = frozenset(
    {
        "shutdown", "halt", "reboot", "poweroff", "kexec", "rescue", "emergency", "sleep", "suspend", "hibernate", "hybrid-sleep",
        "suspend-then-hibernate", "system-update", "soft-reboot", "factory-reset", "initrd", "initrd-root-device", "initrd-root-fs", "initrd-switch-root",
    }
)  # fmt: skip
"""Targets that an ordinary start does not pass."""


def _units(shell: Shell) -> tuple[Unit, ...]:
    answer = shell.run(
        "systemctl", "list-units", "--all", "--plain", "--no-legend", "--no-pager", "--full", "--type=service,socket,timer,mount"
    )
    text = answer.require()
    if text and not text.endswith("\n"):
        raise Unparsable("systemctl: the answer is cut in the middle of a line")
    units = tuple(unit(line) for line in text.splitlines() if line.strip())
    if not any(one.active == "active" for one in units):
        raise Unparsable("systemctl: the answer names no active unit, which no running system gives")
    return units


def unit(line: str) -> Unit:
    """One line of the table; old releases put a dot before failed units even where --plain asks not to."""
    parts = line.lstrip("●*○↻× ").split(None, 4)
    if len(parts) < 4 or parts[1] not in _LOADS or parts[2] not in _ACTIVES or "." not in parts[0]:
        raise Unparsable(f"systemctl: {line.strip()[:80]!r} is not a line about a unit")
    return Unit(*parts[:4])


def at_boot(links: Iterable[str]) -> frozenset[str]:
    """Unit names that a start of the system pulls in, from links such as /etc/systemd/system/multi-user.target.wants/ssh.service."""
    found = set()
    for path in links:
        _, _, kind, wants, name = path.rsplit("/", 4)
        target, _, relation = wants.rpartition(".")
        if relation in ("wants", "requires") and kind != "user" and target.removesuffix(".target") not in _NOT_BOOT:
            found.add(name)
    return frozenset(found)


def _services(units: tuple[Unit, ...] | None, boot: frozenset[str] | None) -> tuple[Service, ...] | None:
    if units is None and boot is None:
        return None
    known = {one.name: one for one in units or ()}
    starts = (
        None
        if boot is None
        else {_bare(name) for name in boot if not name.endswith((".target", ".timer", ".mount", ".path", ".slice", ".automount"))}
    )
    masked = {_bare(one.name) for one in known.values() if one.load == "masked"}
    running = {_bare(one.name) for one in known.values() if one.name.endswith(".service") and _runs(one)}
    return tuple(
        Service(
            name=name,
            running=None if units is None else name in running,
            at_boot=None if starts is None else name in starts and name not in masked,
        )
        for name in sorted(running | (starts or set()) - masked)
    )


def _bare(name: str) -> str:
    return name.removesuffix(".service").removesuffix(".socket")


def _runs(one: Unit) -> bool:
    return one.active in ("active", "reloading", "refreshing") or (one.active == "activating" and one.sub != "auto-restart")


# --- legacy ---------------------------------------------------------------------------------------------------------


class _Seen(NamedTuple):
    """All that tells what may start."""

    manager: Manager
    services: tuple[Service, ...] | None
    units: tuple[Unit, ...] | None
    boot: frozenset[str] | None
    comms: tuple[str, ...] | None
    hidden: bool

    def require_all(self) -> None:
        """Raises a CollectError when one of the places a program may start from could not be seen."""
        if self.hidden:
            raise Denied("processes could not be seen, and one started by hand belongs to no unit")
        if self.manager == "none" and self.comms is None:
            raise Unsupported("neither processes nor boot files could be seen")
        if self.manager == "systemd" and (self.boot is None or (self.units is None and self.comms is not None)):
            raise Unsupported("units or boot links could not be seen, so what they may start is not known")


def _legacy(shell: Shell, seen: _Seen) -> tuple[str, ...]:
    seen.require_all()
    listening = {_bare(one.name) for one in seen.units or () if one.name.endswith(".socket") and one.active == "active"}
    names = {one.name for one in seen.services or ()} | listening
    found = services_legacy.tags(names, seen.comms or ())
    extra: set[str] = set()
    for started in ("xinetd", "inetd", "snmpd"):
        if started in found:
            extra |= services_legacy.configured(shell, started, sorted(found - {"snmpd"}))
    return tuple(sorted((found | extra) - {"snmpd"}))
