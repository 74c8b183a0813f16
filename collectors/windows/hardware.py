"""What a Windows machine is made of, as CIM tells it."""

from __future__ import annotations

import re
from datetime import date
from typing import Final, Literal

from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.hardware import Disk, Graphics, Hardware, NetworkCard
from collectors.transports.base import Shell
from collectors.windows.document import Document, Section, document

_DISPLAY: Final = "{4d36e968-e325-11ce-bfc1-08002be10318}"
_BLUETOOTH: Final = "{e0cbf06c-cd8b-4647-bb8a-263b43f0f974}"
_WORKS, _SWITCHED_OFF, _NO_DRIVER = 0, 22, 28
"""ConfigManagerErrorCode."""
_WIFI: Final = (1, 9)
"""NdisPhysicalMedium of a wireless card: of old drivers and of those since Windows Vista."""
_TURNING, _SOLID = 3, 4
"""MediaType of MSFT_PhysicalDisk; 0 where it is not known, as for disks of a hypervisor."""
_USB, _SD, _MMC = 7, 12, 13
"""BusType of MSFT_PhysicalDisk."""
_VENDORS: Final = {
    "8086": "Intel", "10de": "NVIDIA", "1002": "AMD", "15ad": "VMware", "1414": "Microsoft", "1234": "QEMU", "1b36": "Red Hat", "1af4": "Red Hat",
    "80ee": "VirtualBox", "102b": "Matrox", "1a03": "ASPEED",
}  # fmt: skip
_PCI: Final = re.compile(r"PCI\\VEN_([0-9A-F]{4})&DEV_([0-9A-F]{4})", re.I)


def hardware(shell: Shell) -> Hardware:
    answers = document(shell)
    gaps = Gaps()
    gaps.note(
        "cpu_holes", "unsupported", "Windows tells of holes of the processor only through a module that has to be installed first"
    )
    return Hardware(
        cpu_model=gaps.attempt("cpu_model", lambda: _cpu(answers)),
        cpu_sockets=gaps.attempt("cpu_sockets", lambda: len(_some(answers, "processors"))),
        cpu_threads=gaps.attempt("cpu_threads", lambda: _threads(answers)),
        memory_gib=gaps.attempt("memory_gib", lambda: _memory(answers)),
        disks=gaps.attempt("disks", lambda: _disks(answers, gaps)),
        network_cards=gaps.attempt("network_cards", lambda: _cards(answers)),
        bluetooth=gaps.attempt("bluetooth", lambda: _bluetooth(answers)),
        graphics=gaps.attempt("graphics", lambda: _graphics(answers)),
        firmware_vendor=gaps.attempt("firmware_vendor", lambda: _firmware(answers, "Manufacturer")),
        firmware_version=gaps.attempt("firmware_version", lambda: _firmware(answers, "SMBIOSBIOSVersion")),
        firmware_date=gaps.attempt("firmware_date", lambda: _firmware_date(answers)),
        tpm=gaps.attempt("tpm", lambda: _tpm(answers)),
        unseen=gaps.unseen,
    )


def _some(answers: Document, section: str) -> tuple[Section, ...]:
    rows = answers.section(section).rows()
    if not rows:
        raise Unparsable(f"{section}: none is listed, and every machine has one")
    return rows


def _cpu(answers: Document) -> str:
    name = next((row.text("Name") for row in _some(answers, "processors")), None)
    if name is None:
        raise Unsupported("the processor tells no name")
    return " ".join(name.split())[:120]


def _threads(answers: Document) -> int:
    counts = [row.number("NumberOfLogicalProcessors") for row in _some(answers, "processors")]
    known = [count for count in counts if count]
    if not known or len(known) != len(counts):
        raise Unparsable("processors: one does not tell how many threads it has")
    return sum(known)


def _memory(answers: Document) -> int:
    found = answers.section("computer").only().number("TotalPhysicalMemory")
    if not found or found < 0:
        raise Unparsable("computer: TotalPhysicalMemory is not told")
    return -(-found // 2**30)


def _disks(answers: Document, gaps: Gaps) -> tuple[Disk, ...]:
    """Win32_DiskDrive knows model and serial number, MSFT_PhysicalDisk the kind of disk and how it is joined; DeviceId is Index."""
    found = gaps.attempt("disks[].rotational", lambda: answers.section("physical_disks").rows())
    kinds = {row.text("DeviceId"): row for row in found or ()}
    rows = []
    for disk in answers.section("disks").rows():
        index, size = disk.number("Index"), disk.number("Size")
        if index is None:
            raise Unparsable("disks: one has no number")
        kind = kinds.get(str(index))
        medium, bus = (None, None) if kind is None else (kind.number("MediaType"), kind.number("BusType"))
        medium_told = (disk.text("MediaType") or "").lower()
        # a fast USB disk calls itself SCSI, but its medium external; an empty card reader is listed without a size
        removable = (
            medium_told.startswith(("removable", "external")) or disk.text("InterfaceType") == "USB" or bus in (_USB, _SD, _MMC)
        )
        rows.append(
            Disk(
                name=f"disk{index}",
                size_gb=round((size or 0) / 10**9),
                model=" ".join((disk.text("Model") or "").split()),
                serial=(disk.text("SerialNumber") or "").strip().rstrip("."),
                rotational=medium == _TURNING if medium in (_TURNING, _SOLID) else None,
                removable=removable,
            )
        )
    if found is not None and any(disk.rotational is None for disk in rows):
        gaps.note(
            "disks[].rotational",
            "unsupported",
            "disks of a hypervisor, a RAID controller or USB do not tell what they are made of",
        )
    return tuple(sorted(rows, key=lambda disk: disk.name))


def _cards(answers: Document) -> tuple[NetworkCard, ...]:
    """HardwareInterface: there is a device behind it, be it the hypervisor's."""
    rows = []
    for card in answers.section("network_cards").rows():
        name, real, address = card.text("Name"), card.yes("HardwareInterface"), (card.text("PermanentAddress") or "").lower()
        medium = card.number("NdisPhysicalMedium")
        if name is None or real is None or (real and medium is None):
            raise Unparsable("network_cards: one does not tell its name, its medium or whether it is a device")
        if not real:
            continue
        plain = re.sub("[^0-9a-f]", "", address)
        driver = (card.text("DriverName") or "").replace("/", "\\").rpartition("\\")[2]
        rows.append(
            NetworkCard(
                name=name,
                mac=":".join(plain[at : at + 2] for at in range(0, len(plain), 2)),
                driver=driver,
                wireless=medium in _WIFI,
            )
        )
    return tuple(sorted(rows, key=lambda card: card.name))


def _bluetooth(answers: Document) -> bool:
    states = [row.number("ConfigManagerErrorCode") for row in _devices(answers, _BLUETOOTH)]
    if None in states:
        raise Unparsable("devices: a Bluetooth device does not tell whether it works")
    # what is broken may be mended by the next start; what is switched off or has no driver stays silent
    return any(state not in (_SWITCHED_OFF, _NO_DRIVER) for state in states)


def _graphics(answers: Document) -> tuple[Graphics, ...]:
    rows = []
    for row in _devices(answers, _DISPLAY):
        found = _PCI.match(row.text("DeviceID") or "")
        if found:
            vendor, device = found[1].lower(), found[2].lower()
            works = row.number("ConfigManagerErrorCode") == _WORKS
            rows.append(
                Graphics(
                    vendor=_VENDORS.get(vendor, vendor),
                    id=f"{vendor}:{device}",
                    driver=(row.text("Service") or "") if works else "",
                )
            )
    return tuple(sorted(rows, key=lambda one: (one.id, one.driver)))


def _devices(answers: Document, kind: str) -> list[Section]:
    return [row for row in answers.section("devices").rows() if (row.text("ClassGuid") or "").lower() == kind]


def _firmware(answers: Document, name: str) -> str:
    found = (answers.section("firmware").only().text(name) or "").strip()
    if not found:
        raise Unsupported(f"the firmware tells no {name}")
    return found


def _firmware_date(answers: Document) -> date:
    found = answers.section("firmware").only().date("ReleaseDate")
    if found is None:
        raise Unsupported("the firmware tells no date")
    return found.date()


def _tpm(answers: Document) -> Literal["none", "1.2", "2.0", "unknown"]:
    """SpecVersion is "2.0, 0, 1.59". Whoever is no administrator is told of no TPM at all, which proves nothing."""
    rows = answers.section("tpm").rows()
    if not rows:
        return "none"
    word = (rows[0].text("SpecVersion") or "").partition(",")[0].strip()
    return "2.0" if word == "2.0" else "1.2" if word == "1.2" else "unknown"
