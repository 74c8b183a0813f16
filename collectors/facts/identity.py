"""What is this machine?"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import ClassVar, Literal

from pydantic import Field

from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps
from collectors.linux.os_release import Family, family, os_release
from collectors.transports.base import Shell


class Identity(Fact):
    """Who the machine is: system, kernel, hardware, addresses."""

    NAME: ClassVar[str] = "identity"

    hostname: str | None = Field(description="Name the machine gives itself; None in an unpacked system that holds none")
    os_id: str = Field(
        description="ID of /etc/os-release, such as debian, ubuntu, rhel, rocky; windows or windows-server; a network device: its platform, such as cisco_ios"
    )
    os_name: str = Field(
        description="PRETTY_NAME of /etc/os-release; Windows by its build and edition, because its ProductName says 10 on Windows 11"
    )
    os_version: str | None = Field(
        description="VERSION_ID; None when the release does not number itself (Debian testing). Windows: 22H2, 2019 ... A network device: its firmware"
    )
    os_codename: str | None = Field(default=None, description="VERSION_CODENAME, such as bookworm")
    os_family: Family | Literal["windows", "network"] = Field(
        description="Decides which package manager is asked; network: a router, switch, firewall or the like, which has none"
    )
    kernel_release: str | None = Field(description="uname -r; Windows: 10.0.build.UBR")
    kernel_version: str | None = Field(description="uname -v; on Debian the package version stands in it; Windows: BuildLabEx")
    architecture: str | None = Field(description="uname -m")
    machine_id: str | None = Field(
        description="SHA-256 of 'rasoat:' + /etc/machine-id (Windows: the firmware's UUID), first 32 hex digits: stable, and does not reveal the id itself"
    )
    serial: str | None = Field(description="Serial number from the firmware (root only); the literal text of the vendor")
    vendor: str | None = Field(default=None, description="Maker from the firmware")
    model: str | None = Field(default=None, description="Product name from the firmware")
    macs: tuple[str, ...] | None = Field(
        description="Hardware addresses of physical or virtual cards (bridges, bonds, tunnels and container ends are not cards), aa:bb:cc:dd:ee:ff, sorted"
    )
    addresses: tuple[str, ...] | None = Field(
        description="IPv4 and IPv6 addresses, loopback, link-local and temporary (privacy) ones left out, sorted"
    )
    virtualization: str | None = Field(default=None, description="kvm, vmware, microsoft, container name ...; none on bare metal")
    booted_at: datetime | None = Field(
        default=None, description="Time of the last start, UTC, to the minute: the kernel's own figure wavers by a second"
    )
    desktop: bool | None = Field(
        default=None,
        description="A graphical log-on (display manager) is installed: a workstation rather than a server. Windows: anything but Server Core",
    )


KERNEL_FILES = (
    "/proc/sys/kernel/hostname", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/version", "/proc/sys/kernel/arch", "/etc/hostname",
)  # fmt: skip
_UNAME = {"kernel_release": "/proc/sys/kernel/osrelease", "kernel_version": "/proc/sys/kernel/version"}
NOT_RUNNING = "an unpacked system: nothing runs in it"

_LOADERS = {
    "/lib64/ld-linux-x86-64.so.2": "x86_64",
    "/lib/ld-linux-aarch64.so.1": "aarch64",
    "/lib64/ld64.so.2": "ppc64le",
    "/lib/ld64.so.1": "s390x",
}
_DISPLAY_MANAGERS = {"gdm", "gdm3", "lightdm", "lxdm", "sddm"}
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_LEAF_V4 = re.compile(r"\|-- (\d+\.\d+\.\d+\.\d+)\n((?:\s+/\d+ .*\n?)+)")
_TEMPORARY_V6 = 0x01


def linux(shell: Shell) -> Identity:
    """Ask files under /etc, /proc and /sys; only `uname -m` (older kernels) and systemd-detect-virt are commands."""
    gaps = Gaps()
    release = os_release(shell)
    kernel = shell.read_all(*KERNEL_FILES)
    live = "/proc/sys/kernel/osrelease" in kernel
    if not live:
        gaps.note(("kernel_release", "kernel_version", "booted_at"), "unsupported", NOT_RUNNING)
    uname = {field: _line(kernel.get(path)) for field, path in _UNAME.items()}
    if live:
        for field in (field for field, text in uname.items() if text is None):
            gaps.note(field, "unparsable", f"{_UNAME[field]} is empty or absent")
    hostname = _line(kernel.get("/proc/sys/kernel/hostname")) or _first_line(kernel.get("/etc/hostname"))
    if hostname is None:
        gaps.note("hostname", "unsupported", "neither /proc/sys/kernel/hostname nor /etc/hostname holds a name")
    version = release.get("VERSION_ID")
    if version is None:
        gaps.note("os_version", "unsupported", "/etc/os-release has no VERSION_ID: a release that does not number itself")
    codename = release.get("VERSION_CODENAME")
    if codename is None:
        gaps.note("os_codename", "unsupported", "/etc/os-release has no VERSION_CODENAME: a release without such a name")
    return Identity(
        hostname=hostname,
        os_id=release["ID"],
        os_name=release.get("PRETTY_NAME") or release.get("NAME") or release["ID"],
        os_version=version,
        os_codename=codename,
        os_family=family(release),
        kernel_release=uname["kernel_release"],
        kernel_version=uname["kernel_version"],
        architecture=gaps.attempt("architecture", lambda: _architecture(shell, kernel, live)),
        machine_id=gaps.attempt("machine_id", lambda: _machine_id(shell)),
        serial=gaps.attempt(
            "serial", lambda: _firmware(shell.read("/sys/class/dmi/id/product_serial", root=True), "serial number")
        ),
        vendor=gaps.attempt("vendor", lambda: _firmware(shell.read("/sys/class/dmi/id/sys_vendor"), "vendor")),
        model=gaps.attempt("model", lambda: _firmware(shell.read("/sys/class/dmi/id/product_name"), "product name")),
        macs=gaps.attempt("macs", lambda: _macs(shell)),
        addresses=gaps.attempt("addresses", lambda: _addresses(shell)),
        virtualization=gaps.attempt("virtualization", lambda: _virtualization(shell)),
        booted_at=gaps.attempt("booted_at", lambda: _booted_at(shell)) if live else None,
        desktop=gaps.attempt("desktop", lambda: _desktop(shell)),
        unseen=gaps.unseen,
    )


def _line(text: str | None) -> str | None:
    return (text or "").strip().strip("\0") or None


def _first_line(text: str | None) -> str | None:
    lines = (line.strip() for line in (text or "").splitlines())
    return next((line for line in lines if line and not line.startswith("#")), None)


def _architecture(shell: Shell, kernel: Mapping[str, str], live: bool) -> str:
    if told := _line(kernel.get("/proc/sys/kernel/arch")):
        return told
    if live:
        said = shell.run("uname", "-m").require().strip()
        if not re.fullmatch(r"[\w-]+", said):
            raise Unparsable("uname -m did not answer with one word")
        return said
    for path, machine in _LOADERS.items():
        if shell.stat(path) is not None:
            return machine
    raise Unsupported(f"{NOT_RUNNING}, and it holds no program loader that would tell")


def _machine_id(shell: Shell) -> str:
    found = _line(shell.read("/etc/machine-id"))
    if found is None:
        raise Unsupported("/etc/machine-id is absent or empty: the system gets one at its first start")
    if not re.fullmatch(r"[0-9a-f]{32}", found):
        raise Unparsable("/etc/machine-id does not hold 32 hexadecimal digits")
    return hashlib.sha256(b"rasoat:" + found.encode()).hexdigest()[:32]


def _firmware(text: str | None, what: str) -> str:
    if text is None:
        raise Unsupported(f"the firmware tells no {what}: there is no such file in /sys/class/dmi/id")
    if not text.strip():
        raise Unsupported(f"the firmware leaves the {what} empty")
    return text.strip()


def _macs(shell: Shell) -> tuple[str, ...]:
    # what has a device behind it is a card; bonds, bridges, VLANs, tunnels and container ends have none
    cards = {path.rpartition("/")[0] for path in shell.names("/sys/class/net/*/device")}
    texts = shell.read_all("/sys/class/net/*/address")
    if not texts:
        raise Unsupported(f"/sys/class/net is not there ({NOT_RUNNING})")
    found = {text.strip() for path, text in texts.items() if path.rpartition("/")[0] in cards}
    return tuple(sorted(mac for mac in found if _MAC.fullmatch(mac) and mac != "00:00:00:00:00:00"))


def _addresses(shell: Shell) -> tuple[str, ...]:
    """The kernel's own tables: `ip -j` is unknown to RHEL 7, and both files exist wherever there is a network."""
    texts = shell.read_all("/proc/net/fib_trie", "/proc/net/if_inet6")
    if "/proc/net/fib_trie" not in texts:
        raise Unsupported(f"/proc/net/fib_trie is not there ({NOT_RUNNING})")
    leaves = [text for text, routes in _LEAF_V4.findall(texts["/proc/net/fib_trie"]) if "/32 host LOCAL" in routes]
    try:
        found = {ipaddress.IPv4Address(text) for text in leaves}
    except ValueError as error:
        raise Unparsable(f"/proc/net/fib_trie: {error}") from None
    kept = sorted(str(address) for address in found if not address.is_loopback and not address.is_link_local)
    return (*kept, *sorted(_v6(texts.get("/proc/net/if_inet6", ""))))


def _v6(text: str) -> Iterator[str]:
    for line in text.splitlines():
        words = line.split()
        if len(words) != 6 or not re.fullmatch(r"[0-9a-f]{32}", words[0]) or not re.fullmatch(r"[0-9a-f]{1,8}", words[4]):
            raise Unparsable(f"/proc/net/if_inet6: cannot place {line[:80]!r}")
        address = ipaddress.IPv6Address(int(words[0], 16))
        temporary = int(words[4], 16) & _TEMPORARY_V6
        if not (address.is_loopback or address.is_link_local or temporary):
            yield str(address)


def _virtualization(shell: Shell) -> str:
    answer = shell.run("systemd-detect-virt")
    said = answer.out.strip()
    # on bare metal it says none and ends with status 1
    if said == "none" or (answer.status == 0 and re.fullmatch(r"[a-z0-9-]+", said)):
        return said
    answer.require()
    raise Unparsable(f"systemd-detect-virt: cannot place {said[:80]!r}")


def _booted_at(shell: Shell) -> datetime:
    found = re.search(r"^btime (\d{1,11})$", shell.read("/proc/stat") or "", re.M)
    if not found:
        raise Unparsable("/proc/stat has no btime")
    seconds = int(found[1])
    return datetime.fromtimestamp(seconds - seconds % 60, UTC)


def _desktop(shell: Shell) -> bool:
    if shell.link("/etc/systemd/system/display-manager.service") or shell.stat("/etc/X11/default-display-manager"):
        return True
    if any(path.rpartition("/")[2] in _DISPLAY_MANAGERS for path in shell.names("/usr/*bin/[gls]*dm*")):
        return True
    if shell.stat("/usr/bin") is None:
        raise Unsupported("there is no /usr/bin: these files are not a whole system")
    return False
