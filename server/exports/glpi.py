"""GLPI's native inventory format (GLPI 10 and later): one JSON document for each machine.

Field names are those of glpi-project/inventory_format; tests hold every document against its schema. What was not seen is not
written: GLPI takes a missing field for unknown, and an empty list for "there is none".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from collectors import VERSION
from collectors.facts.antivirus import Antivirus
from collectors.facts.hardware import Hardware
from collectors.facts.identity import Identity
from collectors.facts.interfaces import Interfaces
from collectors.facts.software import Software
from server.exports.seen import Seen

CLIENT = f"rasoat_v{VERSION}"
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "aarch64", "ppc64le": "powerpc64", "amd64": "x86_64", "arm64": "aarch64"}
UP, DOWN = 1, 2
Document = dict[str, Any]


def document(seen: Seen) -> Document | None:
    """None where nothing was seen that makes a machine of it."""
    identity = seen.identity
    if identity is None:
        return None
    content = _device(seen, identity) if seen.network else _computer(seen, identity)
    content["versionclient"] = CLIENT
    # stable: GLPI knows the machine again by it, whatever it is called by then
    return {
        "deviceid": f"rasoat-{seen.machine.pk}",
        "itemtype": "NetworkEquipment" if seen.network else "Computer",
        "action": "netinventory" if seen.network else "inventory",
        "tag": seen.machine.unit.code or seen.machine.unit.name,
        "content": content,
    }


def _computer(seen: Seen, identity: Identity) -> Document:
    snapshot, hardware = seen.snapshot, seen.hardware
    assert snapshot is not None
    found: Document = {
        "accesslog": {"logdate": _moment(snapshot.collected_at)},
        "hardware": _told(
            name=identity.hostname or seen.machine.name,
            memory=hardware.memory_gib * 1024 if hardware and hardware.memory_gib is not None else None,
            vmsystem=_virtual(identity),
        ),
        "operatingsystem": _told(
            name=identity.os_id, full_name=identity.os_name, version=identity.os_version, arch=identity.architecture,
            kernel_name="win32" if identity.os_family == "windows" else "linux", kernel_version=identity.kernel_release,
            boot_time=_moment(identity.booted_at) if identity.booted_at else None,
        ),
    }  # fmt: skip
    found |= _told(bios=_bios(identity, hardware), networks=_networks(identity, hardware))
    if hardware:
        found |= _told(cpus=_processors(identity, hardware), storages=_disks(hardware))
    return found | _told(softwares=_software(snapshot.told(Software)), antivirus=_antivirus(snapshot.told(Antivirus)))


def _device(seen: Seen, identity: Identity) -> Document:
    found: Document = {
        "network_device": {
            "type": "Networking",
            **_told(
                name=identity.hostname or seen.machine.name, manufacturer=identity.vendor, model=identity.model, serial=identity.serial,
                firmware=identity.os_version, description=identity.os_name, ips=_addresses(identity.addresses),
                mac=identity.macs[0] if identity.macs else None,
            ),
        }
    }  # fmt: skip
    interfaces = seen.interfaces
    return found | _told(network_ports=_ports(interfaces) if interfaces else None)


def _ports(interfaces: Interfaces) -> list[Document] | None:
    if interfaces.ports is None:
        return None
    return [
        _told(
            ifnumber=number, ifname=port.name, ifdescr=port.name, ifalias=port.description or None,
            ifstatus=None if port.up is None else UP if port.up else DOWN,
            ifinternalstatus=None if port.enabled is None else UP if port.enabled else DOWN,
            trunk=None if port.mode is None else port.mode == "trunk",
            ips=_addresses(port.addresses) or None,
        )
        for number, port in enumerate(interfaces.ports, 1)
    ]  # fmt: skip


def _bios(identity: Identity, hardware: Hardware | None) -> Document | None:
    found = _told(smanufacturer=identity.vendor, smodel=identity.model, ssn=identity.serial)
    if hardware:
        dated = hardware.firmware_date.isoformat() if hardware.firmware_date else None
        found |= _told(bmanufacturer=hardware.firmware_vendor, bversion=hardware.firmware_version, bdate=dated)
    return found or None


def _networks(identity: Identity, hardware: Hardware | None) -> list[Document] | None:
    """Cards with their hardware addresses. Which address lies on which card nobody asked, so addresses have lines of their own.

    GLPI wants a description of each line: a card that nobody named has its hardware address there.
    """
    cards = hardware.network_cards if hardware else None
    named = {card.mac: card for card in cards or ()}
    macs = identity.macs if identity.macs is not None or cards is None else tuple(named)
    found: list[Document] = []
    for mac in macs or ():
        card = named.get(mac)
        known = _told(type="wifi" if card.wireless else None, driver=card.driver or None) if card else {}
        found.append({"description": card.name if card else mac, "mac": mac, **known})
    for text in identity.addresses or ():
        address = ipaddress.ip_address(text)
        found.append({"description": text, "ipaddress" if address.version == 4 else "ipaddress6": text})
    return None if not found and (macs is None or identity.addresses is None) else found


def _processors(identity: Identity, hardware: Hardware) -> list[Document] | None:
    if hardware.cpu_model is None or not hardware.cpu_sockets:  # a line is a processor: how many there are is to be known
        return None
    one = _told(name=hardware.cpu_model, arch=ARCHITECTURES.get(identity.architecture or ""))
    return [one] * hardware.cpu_sockets


def _disks(hardware: Hardware) -> list[Document] | None:
    if hardware.disks is None:
        return None
    return [
        _told(name=disk.name, model=disk.model or None, serial=disk.serial or None, disksize=disk.size_gb * 1000, type="disk")
        for disk in hardware.disks
    ]


def _software(software: Software | None) -> list[Document] | None:
    if software is None or software.packages is None:
        return None
    manager = {"dpkg": "deb", "rpm": "rpm"}.get(software.manager)
    return [
        {
            "name": package.name,
            "version": package.version,
            **_told(
                arch=package.arch or None, publisher=package.origin or None, **{"from": manager},
                install_date=package.installed.isoformat() if package.installed else None,
            ),
        }
        for package in software.packages
    ]  # fmt: skip


def _antivirus(antivirus: Antivirus | None) -> list[Document] | None:
    if antivirus is None or antivirus.products is None:
        return None
    return [
        _told(
            name=one.name, version=one.version, enabled=one.running, expiration=one.expires.isoformat() if one.expires else None,
            base_creation=one.signatures_dated.date().isoformat() if one.signatures_dated else None,
        )
        for one in antivirus.products
    ]  # fmt: skip


def _virtual(identity: Identity) -> str | None:
    return "Physical" if identity.virtualization == "none" else identity.virtualization


def _addresses(texts: Iterable[str] | None) -> list[str] | None:
    return None if texts is None else [text.partition("/")[0] for text in texts]


def _moment(at: datetime) -> str:
    """As GLPI writes it: local, to the second."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")


def _told(**fields: Any) -> Document:
    return {name: value for name, value in fields.items() if value is not None}
