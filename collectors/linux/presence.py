"""What is installed and what runs: the questions several facts share, asked once and in the same words.

The lists are deliberately general (`/usr/*bin/*`, every process name): a product added to a probe asks nothing new, so no
recording has to be made again, and the witness answers the next fact from memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from collectors.errors import CollectError, Denied, Unparsable, Unsupported
from collectors.transports.base import Shell

COMM = 15
"""Letters the kernel keeps of a process name: `falcon-sensor-bpf` is listed as `falcon-sensor-b`."""

_ALIVE = frozenset({"active", "reloading", "refreshing"})
_STATES = _ALIVE | {"inactive", "failed", "activating", "deactivating", "maintenance"}


class Unit(NamedTuple):
    """What systemd says of a unit."""

    load: str
    active: str
    at_boot: str

    @property
    def loaded(self) -> bool:
        return self.load == "loaded"


def programs(shell: Shell) -> frozenset[str]:
    """Base names of the programs in /usr/bin and /usr/sbin. Unsupported when none is seen: a tree of data only proves nothing."""
    found = frozenset(path.rpartition("/")[2] for path in shell.names("/usr/*bin/*"))
    if not found:
        raise Unsupported("/usr/bin and /usr/sbin hold no programs here")
    return found


def processes(shell: Shell) -> frozenset[str]:
    """Names of all processes, cut to 15 letters by the kernel.

    With hidepid a plain user sees only their own, and "not in the list" would be no absence; process 1 being in it shows
    that the list is whole.
    """
    names = shell.read_all("/proc/[0-9]*/comm")
    if "/proc/1/comm" in names:
        return frozenset(name.strip() for name in names.values())
    if names:
        raise Denied("/proc: other users' processes are hidden (hidepid); run as root to see them")
    raise Unsupported("/proc: no processes are seen here")


def units(shell: Shell, *names: str) -> Mapping[str, Unit]:
    """Unit -> state, under the asked name and under its own name (chronyd.service is chrony.service on Debian).

    Raises Unsupported where systemd is not the init system, Unparsable for text that is no answer of systemctl.
    """
    answer = shell.run("systemctl", "show", *names, "-p", "Id", "-p", "LoadState", "-p", "ActiveState", "-p", "UnitFileState")
    if answer.status != 0 and not answer.refused:
        raise Unsupported("systemd does not answer here")
    found: dict[str, Unit] = {}
    blocks = [block for block in answer.require().split("\n\n") if block.strip()]
    if len(blocks) != len(names):
        raise Unparsable(f"systemctl: {len(blocks)} answers about {len(names)} units")
    for name, block in zip(names, blocks, strict=True):
        fields = dict(line.partition("=")[::2] for line in block.strip().splitlines())
        try:
            unit = Unit(fields["LoadState"], fields["ActiveState"], fields.get("UnitFileState", ""))
        except KeyError as error:
            raise Unparsable(f"systemctl: no {error.args[0]} for {name}") from None
        if unit.active not in _STATES:
            raise Unparsable(f"systemctl: {name} is in a state not known: {unit.active[:40]}")
        found[name] = found[fields.get("Id", name)] = unit
    return found


class Running:
    """Answers "does it run?": by systemd's word where the unit is loaded, else by the process list.

    systemd goes first because on a container host /proc lists the containers' processes too: a `rsyslogd` in there does
    not keep this machine's log.
    """

    def __init__(self, shell: Shell, *names: str) -> None:
        self._shell = shell
        self.units: Mapping[str, Unit] | None
        try:
            self.units = units(shell, *names) if names else {}
        except CollectError:
            self.units = None  # the process list answers instead, or says why it cannot

    def runs(self, names: Iterable[str], process: Iterable[str]) -> bool:
        """One of the units is active, or a process of one of the names exists. CollectError when neither can be seen."""
        known = [(name, self.units[name]) for name in names if name in self.units] if self.units is not None else []
        loaded = [(name, unit) for name, unit in known if unit.loaded]
        if any(unit.active in _ALIVE for _, unit in loaded):
            return True
        # an instance of a template (clamd@scan) is "loaded" as soon as the template exists: that decides nothing
        if any("@" not in name for name, _ in loaded):
            return False
        return not processes(self._shell).isdisjoint(name[:COMM] for name in process)

    def switched_off(self, name: str) -> bool:
        """systemd knows the unit and somebody disabled or masked it."""
        unit = (self.units or {}).get(name)
        return unit is not None and (unit.load == "masked" or unit.at_boot in ("disabled", "masked"))
