"""Is what lies on a block device encrypted? Read from the kernel's own tree, which needs neither udev nor root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from collectors.errors import Unsupported
from collectors.transports.base import Shell

_CLASS = "/sys/class/block/"
_NOT_SECRET = ("CRYPT-VERITY-", "CRYPT-INTEGRITY-")
"""Volumes of cryptsetup's sister tools: they notice changes, and hide nothing."""


class BlockDevices(NamedTuple):
    """The devices of the running kernel, each by the kernel's own name (`dm-0`, `sda2`)."""

    by_number: Mapping[str, str]
    """major:minor -> name."""
    by_label: Mapping[str, str]
    """Name under /dev/mapper -> name."""
    identity: Mapping[str, str]
    """Name -> device-mapper identity, such as CRYPT-LUKS2-... or LVM-..."""
    below: Mapping[str, tuple[str, ...]]
    """Name -> names it is made of."""
    pools: tuple[frozenset[str], ...]
    """btrfs file systems, each with all its devices."""

    def encrypted(self, name: str) -> bool:
        """Everything under this device passes through dm-crypt (in this machine: what a hypervisor or the disk does is not seen)."""
        return self._encrypted(name, frozenset())

    def _encrypted(self, name: str, above: frozenset[str]) -> bool:
        identity = self.identity.get(name, "")
        if identity.startswith("CRYPT-") and not identity.startswith(_NOT_SECRET):
            return True
        parts = self.below.get(name, ())
        return bool(parts) and name not in above and all(self._encrypted(part, above | {name}) for part in parts)

    def named(self, source: str) -> str | None:
        """Kernel's name of a path under /dev."""
        folder, _, last = source.rpartition("/")
        if folder == "/dev/mapper":
            return self.by_label.get(last)
        return last if folder == "/dev" and last in self.by_number.values() else None

    def holds_secret(self, device: str, source: str) -> bool:
        """`encrypted` for a mount. Unsupported where no block device of this kernel is behind it."""
        name = self.by_number.get(device) or self.named(source)
        if name is None:
            raise Unsupported(f"{source}: no block device of that name is seen, so what encrypts it is not known")
        if name.startswith("loop"):
            raise Unsupported(f"{source}: a file made a disk; where the file lies is not followed")
        pool = next((pool for pool in self.pools if name in pool), frozenset((name,)))
        return all(self.encrypted(member) for member in pool)


def block_devices(shell: Shell) -> BlockDevices:
    """Ask /sys. Unsupported where it shows no block devices: an unpacked system, some containers."""
    texts = shell.read_all(f"{_CLASS}*/dev", f"{_CLASS}*/dm/uuid", f"{_CLASS}*/dm/name")
    numbers = {texts[path].strip(): path.split("/")[4] for path in texts if path.endswith("/dev")}
    if not numbers:
        raise Unsupported("/sys/class/block: no block devices are seen here")
    below: dict[str, tuple[str, ...]] = {}
    for path in shell.names(f"{_CLASS}*/slaves/*"):
        name = path.split("/")[4]
        below[name] = (*below.get(name, ()), path.rpartition("/")[2])
    pools: dict[str, set[str]] = {}
    for path in shell.names("/sys/fs/btrfs/*/devices/*"):
        pools.setdefault(path.split("/")[4], set()).add(path.rpartition("/")[2])
    return BlockDevices(
        by_number=numbers,
        by_label={texts[path].strip(): path.split("/")[4] for path in texts if path.endswith("/dm/name")},
        identity={path.split("/")[4]: texts[path].strip() for path in texts if path.endswith("/dm/uuid")},
        below=below,
        pools=tuple(frozenset(pool) for pool in pools.values()),
    )
