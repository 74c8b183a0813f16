"""What is the machine made of?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps, Model
from collectors.transports.base import Shell


class Disk(Model):
    """One disk with a device behind it; loops, memory disks, RAID and volumes on top of disks have none."""

    name: str = Field(description="Name in the kernel, such as sda; on Windows its number, such as disk0")
    size_gb: int = Field(description="Size in GB (1000^3), rounded")
    model: str = Field(description="Maker and model as the disk tells them; empty when it tells none")
    serial: str | None = Field(description="Serial number; empty when the disk tells none; None where only root sees it")
    rotational: bool | None = Field(
        description="True: turning platters. What a RAID controller or hypervisor shows is its own word; None where it tells nothing"
    )
    removable: bool = Field(description="Can be pulled out while the machine runs")


class NetworkCard(Model):
    """One network card; bridges, bonds, VLANs and tunnels are none."""

    name: str = Field(description="Interface")
    mac: str = Field(description="Hardware address as it is now")
    driver: str = Field(description="Driver in the kernel; empty when the kernel names none")
    wireless: bool = Field(description="Wi-Fi")


class Graphics(Model):
    """One graphics processor."""

    vendor: str = Field(description="Maker; the number of PCI where it is not one of the usual ones")
    id: str = Field(description="Vendor and device numbers of PCI, such as 10de:1eb8")
    driver: str = Field(description="Driver in the kernel; empty when none drives it")


class CpuHole(Model):
    """One known hole of the processor that affects it."""

    name: str = Field(description="As the kernel calls it: spectre_v2, mds, spec_store_bypass ...")
    mended: bool | None = Field(description="The kernel keeps it shut; None where the kernel itself does not know")


class Hardware(Fact):
    """Hardware for the register: Linux from /sys and /proc alone, Windows from CIM. Maker, model and serial number of the machine are in `identity`."""

    NAME: ClassVar[str] = "hardware"

    cpu_model: str | None = Field(description="Model of the processor")
    cpu_sockets: int | None = Field(default=None, description="Processors that are plugged in; what a hypervisor shows as such")
    cpu_threads: int | None = Field(description="Processors as the system counts them: threads of cores that are switched on")
    cpu_holes: tuple[CpuHole, ...] | None = Field(
        default=None, description="Known holes of the processor that affect it, mended or not, sorted by name"
    )
    memory_gib: int | None = Field(description="Memory in GiB, rounded up: the kernel keeps a part out of the count")
    disks: tuple[Disk, ...] | None = Field(description="Disks, sorted by name")
    network_cards: tuple[NetworkCard, ...] | None = Field(description="Network cards, sorted by name")
    bluetooth: bool | None = Field(default=None, description="A Bluetooth adapter is driven by the kernel")
    graphics: tuple[Graphics, ...] | None = Field(default=None, description="Graphics processors on PCI")
    firmware_vendor: str | None = Field(default=None, description="Who made the firmware (BIOS, UEFI)")
    firmware_version: str | None = Field(default=None, description="Its version")
    firmware_date: date | None = Field(default=None, description="Its date")
    tpm: Literal["none", "1.2", "2.0", "unknown"] | None = Field(
        default=None,
        description="Trusted platform module; none: the kernel drives none; unknown: an old kernel does not tell its version",
    )


NOT_RUNNING = "nothing runs here; only files are seen"


def linux(shell: Shell) -> Hardware:
    """A few questions to /sys, whose files are small and answer without root, serial numbers apart."""
    gaps = Gaps()
    firmware = gaps.attempt(("firmware_vendor", "firmware_version", "firmware_date"), lambda: _dmi(shell)) or {}
    return Hardware(
        cpu_model=gaps.attempt("cpu_model", lambda: cpu_model(shell.read("/proc/cpuinfo"))),
        cpu_sockets=gaps.attempt("cpu_sockets", lambda: cpu_sockets(shell.read("/proc/cpuinfo"))),
        cpu_threads=gaps.attempt("cpu_threads", lambda: cpu_threads(shell.read("/sys/devices/system/cpu/online"))),
        cpu_holes=gaps.attempt("cpu_holes", lambda: _holes(shell, gaps)),
        memory_gib=gaps.attempt("memory_gib", lambda: memory(shell.read("/proc/meminfo"))),
        disks=gaps.attempt("disks", lambda: _disks(shell, gaps)),
        network_cards=gaps.attempt("network_cards", lambda: _cards(shell)),
        bluetooth=gaps.attempt("bluetooth", lambda: _bluetooth(shell)),
        graphics=gaps.attempt("graphics", lambda: _graphics(shell)),
        firmware_vendor=_told(gaps, firmware, "vendor"),
        firmware_version=_told(gaps, firmware, "version"),
        firmware_date=gaps.attempt("firmware_date", lambda: firmware_date(firmware.get("date", ""))) if firmware else None,
        tpm=gaps.attempt("tpm", lambda: _tpm(shell)),
        unseen=gaps.unseen,
    )


# --- processor and memory ---------------------------------------------------------------------------------------------


def cpu_model(text: str | None) -> str:
    """`model name` on x86, `cpu` on POWER, `Model` on a Raspberry Pi; most ARM servers name only numbers."""
    if text is None:
        raise Unsupported(f"/proc/cpuinfo is not there ({NOT_RUNNING})")
    found = re.search(r"(?m)^(?:model name|cpu|Model)[ \t]*:[ \t]*(\S.*)$", text)
    if not found:
        raise Unsupported("/proc/cpuinfo names no model")
    return " ".join(found[1].split())[:120]


def cpu_sockets(text: str | None) -> int:
    """Distinct physical ids."""
    ids = set(re.findall(r"(?m)^physical id[ \t]*:[ \t]*(\d+)$", text or ""))
    if not ids:
        raise Unsupported("/proc/cpuinfo tells no physical ids")
    return len(ids)


def cpu_threads(text: str | None) -> int:
    """From a list such as 0-3,8."""
    if text is None:
        raise Unsupported(f"/sys/devices/system/cpu is not there ({NOT_RUNNING})")
    total = 0
    for part in text.strip().split(","):
        found = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part, re.ASCII)
        if not found or (found[2] and int(found[2]) < int(found[1])):
            raise Unparsable(f"/sys/devices/system/cpu/online: cannot place {text.strip()[:40]!r}")
        total += int(found[2] or found[1]) - int(found[1]) + 1
    return total


def _holes(shell: Shell, gaps: Gaps) -> tuple[CpuHole, ...]:
    texts = shell.read_all("/sys/devices/system/cpu/vulnerabilities/*")
    if not texts:
        raise Unsupported("the kernel does not tell about holes of the processor (older than 4.15, or nothing runs here)")
    found = tuple(
        CpuHole(name=path.rpartition("/")[2], mended=mended(text))
        for path, text in sorted(texts.items())
        if not text.startswith("Not affected")
    )
    if unclear := [one.name for one in found if one.mended is None]:
        gaps.note("cpu_holes[].mended", "unsupported", f"the kernel itself does not know: {', '.join(unclear)}")
    return found


def mended(text: str) -> bool | None:
    """None for what the kernel calls unknown, and for words that are new to us.

    "Processor vulnerable" is what itlb_multihit says where no KVM is loaded: then nobody can make use of it.
    """
    text = text.strip().removeprefix("KVM: ")
    if text.startswith(("Mitigation", "Processor vulnerable")):
        return True
    return False if text.startswith("Vulnerable") else None


def memory(text: str | None) -> int:
    """GiB of MemTotal, rounded up."""
    if text is None:
        raise Unsupported(f"/proc/meminfo is not there ({NOT_RUNNING})")
    found = re.search(r"(?m)^MemTotal:[ \t]+(\d{1,15}) kB$", text, re.ASCII)
    if not found:
        raise Unparsable("/proc/meminfo has no MemTotal")
    return -(-int(found[1]) // (1 << 20))


# --- disks ------------------------------------------------------------------------------------------------------------

_NO_DISKS = re.compile(r"(?:sr|fd|st|nst)\d+$")
"""Optical, floppy and tape drives."""
_SECTORS = re.compile(r"[0-9]{1,20}")  # Python refuses to read numbers of thousands of digits


def _disks(shell: Shell, gaps: Gaps) -> tuple[Disk, ...]:
    if shell.stat("/sys/block") is None:
        raise Unsupported(f"/sys/block is not there ({NOT_RUNNING})")
    names = [path.split("/")[3] for path in shell.names("/sys/block/*/device")]
    texts = shell.read_all(
        "/sys/block/*/size",
        "/sys/block/*/removable",
        "/sys/block/*/queue/rotational",
        "/sys/block/*/device/vendor",
        "/sys/block/*/device/model",
    )
    serials = gaps.attempt("disks[].serial", lambda: _serials(shell))
    return tuple(_disk(name, texts, serials) for name in sorted(names) if not _NO_DISKS.fullmatch(name))


def _serials(shell: Shell) -> Mapping[str, str]:
    """Disk -> serial number: NVMe and virtio in a file of its own, SCSI and SATA in page 80 of their vital product data."""
    texts = shell.read_all("/sys/block/*/serial", "/sys/block/*/device/serial", "/sys/block/*/device/vpd_pg80", root=True)
    found = {}
    for path, text in texts.items():
        # a page begins with four bytes of its own: type, page, length
        body = text[4:] if path.endswith("/vpd_pg80") else text
        found[path.split("/")[3]] = "".join(letter for letter in body if letter.isprintable()).strip()
    return found


def _disk(name: str, texts: Mapping[str, str], serials: Mapping[str, str] | None) -> Disk:
    def text(file: str) -> str:
        return texts.get(f"/sys/block/{name}/{file}", "").strip()

    size, vendor = text("size"), text("device/vendor")
    if not _SECTORS.fullmatch(size) or text("removable") not in ("0", "1") or text("queue/rotational") not in ("0", "1"):
        raise Unparsable(f"/sys/block/{name}: size, removable or rotational is no number")
    # ATA is the interface, not a maker; 0x1af4 is a number of virtio
    maker = "" if vendor == "ATA" or vendor.startswith("0x") else vendor
    return Disk(
        name=name,
        size_gb=round(int(size) * 512 / 1e9),  # sectors of 512 bytes, whatever the disk's own are
        model=" ".join(f"{maker} {text('device/model')}".split()),
        serial=None if serials is None else serials.get(name, ""),
        rotational=text("queue/rotational") == "1",
        removable=text("removable") == "1",
    )


# --- cards ------------------------------------------------------------------------------------------------------------


def _cards(shell: Shell) -> tuple[NetworkCard, ...]:
    addresses = shell.read_all("/sys/class/net/*/address")
    if not addresses:
        raise Unsupported(f"/sys/class/net is not there ({NOT_RUNNING})")
    devices = shell.read_all("/sys/class/net/*/device/uevent")
    wireless = {path.split("/")[4] for path in shell.names("/sys/class/net/*/phy80211")}
    return tuple(
        NetworkCard(
            name=name,
            mac=addresses.get(f"/sys/class/net/{name}/address", "").strip(),
            driver=_field(text, "DRIVER"),
            wireless=name in wireless,
        )
        for name, text in sorted((path.split("/")[4], text) for path, text in devices.items())
    )


def _field(text: str, name: str) -> str:
    found = re.search(rf"(?m)^{name}=(.*)$", text)
    return found[1].strip() if found else ""


def _bluetooth(shell: Shell) -> bool:
    if shell.stat("/sys/class") is None:
        raise Unsupported(f"/sys/class is not there ({NOT_RUNNING})")
    return bool(shell.names("/sys/class/bluetooth/hci*"))


_MAKERS = {
    "1002": "AMD", "10de": "NVIDIA", "8086": "Intel", "1a03": "ASPEED", "102b": "Matrox", "15ad": "VMware", "1234": "QEMU", "1af4": "virtio",
    "1b36": "QEMU", "1013": "Cirrus Logic", "1414": "Microsoft", "80ee": "VirtualBox", "19e5": "Huawei", "1ed5": "Moore Threads",
}  # fmt: skip


def _graphics(shell: Shell) -> tuple[Graphics, ...]:
    if shell.stat("/sys/bus") is None:
        raise Unsupported(f"/sys/bus is not there ({NOT_RUNNING})")
    found = []
    for text in shell.read_all("/sys/bus/pci/devices/*/uevent").values():
        # class 03: display controllers; PCI_CLASS is written without its leading zero
        if not re.fullmatch(r"3[0-9A-Fa-f]{4}", _field(text, "PCI_CLASS")):
            continue
        number = _field(text, "PCI_ID").lower()
        vendor = number.partition(":")[0]
        found.append(Graphics(vendor=_MAKERS.get(vendor, vendor), id=number, driver=_field(text, "DRIVER")))
    return tuple(sorted(found, key=lambda one: (one.id, one.driver)))


# --- firmware ---------------------------------------------------------------------------------------------------------


def _dmi(shell: Shell) -> Mapping[str, str]:
    texts = shell.read_all("/sys/class/dmi/id/bios_vendor", "/sys/class/dmi/id/bios_version", "/sys/class/dmi/id/bios_date")
    if not texts:
        raise Unsupported("the firmware tells nothing of itself: there is no /sys/class/dmi/id")
    return {path.rpartition("_")[2]: text.strip() for path, text in texts.items()}


def _told(gaps: Gaps, firmware: Mapping[str, str], what: str) -> str | None:
    if firmware and not firmware.get(what):
        gaps.note(f"firmware_{what}", "unsupported", f"the firmware leaves its {what} empty")
    return firmware.get(what) or None


def firmware_date(text: str) -> date:
    """Month/day/year, as SMBIOS has it; old firmware writes two figures of the year."""
    if not text:
        raise Unsupported("the firmware leaves its date empty")
    found = re.fullmatch(r"(\d{2})/(\d{2})/(\d{4}|\d{2})", text, re.ASCII)
    if not found:
        raise Unparsable(f"{text[:40]!r} is not the date of a firmware")
    year = int(found[3]) + (1900 if len(found[3]) == 2 else 0)
    try:
        return date(year, int(found[1]), int(found[2]))
    except ValueError:
        raise Unparsable(f"{text[:40]!r} is not the date of a firmware") from None


def _tpm(shell: Shell) -> Literal["none", "1.2", "2.0", "unknown"]:
    if shell.stat("/sys/class") is None:
        raise Unsupported(f"/sys/class is not there ({NOT_RUNNING})")
    if not shell.names("/sys/class/tpm/tpm*"):
        return "none"
    version = (shell.read("/sys/class/tpm/tpm0/tpm_version_major") or "").strip()
    return "2.0" if version == "2" else "1.2" if version == "1" else "unknown"
