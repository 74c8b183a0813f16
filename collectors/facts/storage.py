"""Where do files lie, what may be done there, and is it encrypted?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps, Model, once
from collectors.linux.block_devices import BlockDevices, block_devices
from collectors.linux.mounts import GUARDS, Mount, Plan, carrier, mounts, plans, used_percents
from collectors.transports.base import Shell

Medium = Literal["disk", "network", "other"]


class FileSystem(Model):
    """A mounted file system that holds files of this machine."""

    path: str = Field(description="Where it is mounted; on Windows C: or a folder")
    type: str = Field(description="ext4, xfs, tmpfs, nfs4, NTFS ...")
    device: str = Field(description="What is mounted, as the kernel writes it")
    medium: Medium = Field(
        description="Where its bytes lie; other: in another file system (overlay) or in a pool of its own (zfs)"
    )
    encrypted: bool | None = Field(
        description="All of it passes through dm-crypt in this machine, or BitLocker protects all of it; not seen for network and pools"
    )
    read_only: bool | None = Field(description="Mounted read-only; not asked of Windows")
    used_percent: int | None = Field(description="Share in use, rounded up to five")


class Place(Model):
    """A folder the rules speak of, and the mount it lies on."""

    path: str = Field(description="The folder")
    own: bool = Field(description="A file system of its own is mounted there")
    nodev: bool = Field(description="Device files do not work there")
    nosuid: bool = Field(description="Set-user-id programs get no other rights there")
    noexec: bool = Field(description="Programs cannot be started there")
    used_percent: int | None = Field(description="Share in use of the file system it lies on, rounded up to five")


class Planned(Model):
    """A line of fstab."""

    path: str = Field(description="Where it is to be mounted")
    at_boot: bool = Field(description="Mounted at start (no `noauto`)")
    mounted: bool = Field(description="Something is mounted there now")
    agrees: bool | None = Field(
        description="nodev, nosuid and noexec are now as written there; not seen while nothing is mounted"
    )


class Swap(Model):
    """A place memory is moved out to."""

    device: str = Field(description="Device or file")
    medium: Literal["disk", "memory"] = Field(description="memory: compressed in memory (zram), never written to a disk")
    encrypted: bool | None = Field(
        description="All of it passes through dm-crypt, or lies on a volume that BitLocker protects; not seen for zram"
    )


class Storage(Fact):
    """Mounted file systems, the folders that need limits, the plan in fstab, and swap."""

    NAME: ClassVar[str] = "storage"

    filesystems: tuple[FileSystem, ...] | None = Field(
        description="Mounted now, without the kernel's own, those in memory, containers', users' sessions' and snaps'"
    )
    places: tuple[Place, ...] | None = Field(
        description="Folders the rules speak of, with the limits in force there; none on Windows"
    )
    planned: tuple[Planned, ...] | None = Field(description="Lines of /etc/fstab, without swap; none when there is no such file")
    swaps: tuple[Swap, ...] | None = Field(description="Swap in use now")


PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/home", "/var", "/var/log", "/var/log/audit")  # noqa: S108  (looked at, not used)
_USED = ("filesystems[].used_percent", "places[].used_percent")
_LINKED = ("/tmp", "/var/tmp", "/home")  # noqa: S108
_ON_NETWORK = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "ceph",
        "glusterfs",
        "fuse.glusterfs",
        "fuse.sshfs",
        "ocfs2",
        "gfs2",
        "lustre",
        "9p",
        "virtiofs",
    }
)
_ELSEWHERE = frozenset({"overlay", "zfs", "aufs", "bcachefs"})
_PASSING = (
    "/run",
    "/proc",
    "/sys",
    "/dev",
    "/snap",
    "/var/snap",
    "/media",
    "/run/media",
)
_SHELVES = ("/var/lib/docker", "/var/lib/containers", "/var/lib/kubelet", "/var/lib/containerd")
"""What is mounted within comes and goes with containers; a disk mounted at the folder itself stays."""


def linux(shell: Shell) -> Storage:
    """Ask the kernel what is mounted; fstab only for whether that is what was planned.

    Encryption by the hypervisor, the storage network or the disk itself is not seen from inside: `encrypted` speaks of
    dm-crypt alone.
    """
    gaps = Gaps()
    found = mounts(shell)  # without it there is nothing to tell
    devices = once(lambda: block_devices(shell))
    used = gaps.attempt(_USED, lambda: _used(found, used_percents(shell.run("df", "-Pl"))))
    if used is not None and any(path not in used for path in found if _medium(found[path]) or path in PLACES):
        gaps.note(_USED, "unsupported", "df tells only of local file systems")
    return Storage(
        filesystems=gaps.attempt("filesystems", lambda: _filesystems(found, devices, used, gaps)),
        places=gaps.attempt("places", lambda: _places(shell, found, used)),
        planned=gaps.attempt("planned", lambda: _planned(shell, found)),
        swaps=gaps.attempt("swaps", lambda: _swaps(shell, found, devices, gaps)),
        unseen=gaps.unseen,
    )


def _used(found: Mapping[str, Mount], told: Mapping[str, int]) -> Mapping[str, int]:
    """Path -> percent: df tells of each file system once, at whichever of its places it likes."""
    by_device = {found[path].device: percent for path, percent in told.items() if path in found}
    return {mount.path: by_device[mount.device] for mount in found.values() if mount.device in by_device}


def _filesystems(
    found: Mapping[str, Mount], devices: Callable[[], BlockDevices], used: Mapping[str, int] | None, gaps: Gaps
) -> tuple[FileSystem, ...]:
    rows = []
    why: dict[str, CollectError] = {}
    for mount in found.values():
        medium = _medium(mount)
        if medium is None:
            continue
        encrypted = None
        try:
            encrypted = _encrypted(mount, medium, devices)
        except CollectError as error:
            why.setdefault(str(error), error)
        rows.append(
            FileSystem(
                path=mount.path,
                type=mount.type,
                device=mount.source,
                medium=medium,
                encrypted=encrypted,
                read_only="ro" in mount.options,
                used_percent=None if used is None else used.get(mount.path),
            )
        )
    for reason, cause in why.items():
        gaps.note("filesystems[].encrypted", cause.outcome, reason)
    return tuple(sorted(rows, key=lambda row: row.path))


def _medium(mount: Mount) -> Medium | None:
    """None: not a place where files of this machine lie, or one that comes and goes."""
    if any(mount.path.startswith(f"{folder}/") for folder in (*_PASSING, *_SHELVES)) or mount.path in _PASSING:
        return None
    if mount.type in _ON_NETWORK:
        return "network"
    if mount.type in _ELSEWHERE:
        return "other" if mount.path == "/" or mount.type in ("zfs", "bcachefs") else None
    # what the kernel makes up has no device; btrfs has one that only its source names
    return "disk" if not mount.device.startswith("0:") or mount.source.startswith("/dev/") else None


def _encrypted(mount: Mount, medium: Medium, devices: Callable[[], BlockDevices]) -> bool | None:
    if medium == "disk":
        return devices().holds_secret(mount.device, mount.source)
    reasons = {
        "network": "what a network file system's server encrypts is not seen from here",
        "other": "what lies under an overlay or a pool is not followed",
    }
    raise Unsupported(reasons[medium])


def _places(shell: Shell, found: Mapping[str, Mount], used: Mapping[str, int] | None) -> tuple[Place, ...]:
    rows = []
    for path in PLACES:
        real = _followed(shell, path) if path in _LINKED else path
        mount = carrier(found, real)
        rows.append(
            Place(
                path=path,
                own=mount.path == real,
                nodev="nodev" in mount.options,
                nosuid="nosuid" in mount.options,
                noexec="noexec" in mount.options,
                used_percent=None if used is None else used.get(mount.path),
            )
        )
    return tuple(rows)


def _followed(shell: Shell, path: str) -> str:
    """Where a folder that is a symbolic link leads: /var/tmp -> /tmp, /home -> var/home."""
    target = shell.link(path)
    if target is None:
        return path
    parts: list[str] = [] if target.startswith("/") else path.split("/")[1:-1]
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def _planned(shell: Shell, found: Mapping[str, Mount]) -> tuple[Planned, ...]:
    text = shell.read("/etc/fstab")
    return tuple(_compared(plan, found.get(plan.path)) for plan in plans(text or ""))


def _compared(plan: Plan, mount: Mount | None) -> Planned:
    agrees = None
    if mount is not None and mount.type != "autofs":  # autofs waits for the first use
        agrees = plan.guards == mount.options.intersection(GUARDS)
    return Planned(path=plan.path, at_boot=plan.at_boot, mounted=mount is not None, agrees=agrees)


def _swaps(shell: Shell, found: Mapping[str, Mount], devices: Callable[[], BlockDevices], gaps: Gaps) -> tuple[Swap, ...]:
    text = shell.read("/proc/swaps")
    if text is None:
        return ()  # a kernel built without swap: /proc itself was seen, the mounts came from it
    lines = text.splitlines()
    if not lines or not lines[0].startswith("Filename"):
        raise Unparsable("/proc/swaps: not the table expected")
    rows = []
    for line in lines[1:]:
        words = line.replace("\\040", " ").rsplit(None, 4)
        if len(words) != 5 or words[1] not in ("partition", "file"):
            raise Unparsable("/proc/swaps: line not understood")
        device = words[0].strip()
        if device.startswith("/dev/zram"):
            rows.append(Swap(device=device, medium="memory", encrypted=None))
            continue
        mount = carrier(found, device) if words[1] == "file" else None
        number, source = (mount.device, mount.source) if mount else ("", device)
        encrypted = gaps.attempt("swaps[].encrypted", lambda number=number, source=source: devices().holds_secret(number, source))  # type: ignore[misc]
        rows.append(Swap(device=device, medium="disk", encrypted=encrypted))
    return tuple(sorted(rows, key=lambda row: row.device))
