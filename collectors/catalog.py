"""Everything rasoat can ask, on one screen: fact x platform -> function.

To teach rasoat a platform for a known fact: write the function in facts/<subject>.py and add its line here.
A network OS answers from its own file under devices/, which lists its questions itself; here stands only where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from collectors.facts import (
    accounts,
    activity,
    antivirus,
    backup,
    certificates,
    clock,
    firewall,
    hardware,
    identity,
    kernel,
    listening,
    logs,
    password_policy,
    permissions,
    remote_access,
    services,
    sessions,
    shares,
    software,
    storage,
    updates,
)
from collectors.facts.base import Fact
from collectors.model import Platform
from collectors.transports.base import Shell

if TYPE_CHECKING:
    from collectors.devices.base import DeviceOs

Question = Callable[[Shell], Fact]

LINUX = (Platform.DEBIAN, Platform.REDHAT, Platform.SUSE, Platform.LINUX)
WINDOWS = (Platform.WINDOWS,)


def _windows(module: str, function: str = "") -> Question:
    """The question of that name in collectors/windows/, loaded when a Windows machine is asked: other systems' scans need none of it."""

    def ask(shell: Shell) -> Fact:
        found: Question = getattr(import_module(f"collectors.windows.{module}"), function or module)
        return found(shell)

    return ask


CATALOG: tuple[tuple[str, tuple[Platform, ...], Question], ...] = (
    ("identity", LINUX, identity.linux),
    ("identity", WINDOWS, _windows("identity")),
    ("updates", (Platform.DEBIAN,), updates.apt),
    ("updates", (Platform.REDHAT,), updates.dnf),
    ("updates", (Platform.SUSE,), updates.zypper),
    ("updates", (Platform.LINUX,), updates.unsupported),
    ("updates", WINDOWS, _windows("updates")),
    ("antivirus", LINUX, antivirus.linux),
    ("antivirus", WINDOWS, _windows("antivirus")),
    ("accounts", LINUX, accounts.linux),
    ("accounts", WINDOWS, _windows("accounts")),
    ("password_policy", LINUX, password_policy.linux),
    ("password_policy", WINDOWS, _windows("password_policy")),
    ("remote_access", LINUX, remote_access.linux),
    ("remote_access", WINDOWS, _windows("remote_access")),
    ("logs", LINUX, logs.linux),
    ("logs", WINDOWS, _windows("logs")),
    ("clock", LINUX, clock.linux),
    ("clock", WINDOWS, _windows("clock")),
    ("firewall", LINUX, firewall.linux),
    ("firewall", WINDOWS, _windows("firewall")),
    ("listening", LINUX, listening.linux),
    ("listening", WINDOWS, _windows("listening")),
    ("services", LINUX, services.linux),
    ("services", WINDOWS, _windows("services_fact", "services")),
    ("kernel", LINUX, kernel.linux),
    ("software", (Platform.DEBIAN,), software.debian),
    ("software", (Platform.REDHAT, Platform.SUSE), software.redhat),
    ("software", (Platform.LINUX,), software.other),
    ("software", WINDOWS, _windows("software")),
    ("storage", LINUX, storage.linux),
    ("storage", WINDOWS, _windows("storage")),
    ("hardware", LINUX, hardware.linux),
    ("hardware", WINDOWS, _windows("hardware")),
    ("sessions", LINUX, sessions.linux),
    ("sessions", WINDOWS, _windows("sessions")),
    ("backup", LINUX, backup.linux),
    ("backup", WINDOWS, _windows("backup")),
    ("certificates", LINUX, certificates.linux),
    ("certificates", WINDOWS, _windows("certificates")),
    ("windows_hardening", WINDOWS, _windows("hardening")),
    ("permissions", LINUX, permissions.linux),
    ("shares", LINUX, shares.linux),
    ("shares", WINDOWS, _windows("shares")),
    ("activity", LINUX, activity.linux),
    ("activity", WINDOWS, _windows("activity")),
)


DEVICES: dict[Platform, str] = {
    Platform.CISCO_ASA: "collectors.devices.cisco_asa",
    Platform.CISCO_IOS: "collectors.devices.cisco_ios",
    Platform.CISCO_NXOS: "collectors.devices.cisco_nxos",
    Platform.FORTINET_FORTIOS: "collectors.devices.fortinet_fortios",
    Platform.PALOALTO_PANOS: "collectors.devices.paloalto_panos",
    Platform.CHECKPOINT_GAIA: "collectors.devices.checkpoint_gaia",
    Platform.HUAWEI_VRP: "collectors.devices.huawei_vrp",
    Platform.JUNIPER_JUNOS: "collectors.devices.juniper_junos",
    Platform.HPE_COMWARE: "collectors.devices.hpe_comware",
    Platform.ARUBA_AOSCX: "collectors.devices.aruba_aoscx",
    Platform.ARUBA_AOSS: "collectors.devices.aruba_aoss",
    Platform.ARISTA_EOS: "collectors.devices.arista_eos",
    Platform.MIKROTIK_ROUTEROS: "collectors.devices.mikrotik_routeros",
    Platform.DRAYTEK: "collectors.devices.draytek",
}
"""Network OS -> module whose `OS` knows it. Imported only when such a device is asked: a host scan needs none of them."""

DEVICE_FACTS = (
    "identity", "firmware", "configuration", "device_access", "device_accounts", "password_policy", "device_logs", "clock",
    "snmp_service", "filtering", "interfaces", "redundancy", "device_services", "neighbours",
)  # fmt: skip
"""What a network device can be asked, in the order it is asked. An OS that cannot answer one leaves it out."""


def questions(platform: Platform) -> Iterator[tuple[str, Callable[[Any], Fact]]]:
    """(fact, function) for each fact this platform can be asked, in catalog order.

    The function takes a Shell, or a DeviceCli where the platform is one of DEVICES.
    """
    if platform in DEVICES:
        known = device_os(platform).questions
        return ((fact, known[fact]) for fact in DEVICE_FACTS if fact in known)
    return ((fact, function) for fact, platforms, function in CATALOG if platform in platforms)


def device_os(platform: Platform) -> DeviceOs:
    """How a network OS is spoken to. Raises KeyError for a platform that is none."""
    found: DeviceOs = import_module(DEVICES[platform]).OS
    return found


def facts_of(platform: Platform | None, network: bool = False) -> tuple[str, ...]:
    """Names of the facts a target is asked; of all hosts, or of all devices, while its platform is not known."""
    if platform in DEVICES:
        return tuple(fact for fact, _ in questions(platform))
    if network or platform is Platform.DEVICE:
        return DEVICE_FACTS
    return tuple(dict.fromkeys(fact for fact, platforms, _ in CATALOG if platform is None or platform in platforms))


def platforms_of(fact: str) -> tuple[Platform, ...]:
    """Every platform that can be asked for a fact, in the order of Platform."""
    hosts = {platform for known, platforms, _ in CATALOG if known == fact for platform in platforms}
    from collectors.snmp import QUESTIONS

    asked = {Platform.DEVICE} if fact in QUESTIONS else set()
    return tuple(p for p in Platform if p in hosts | asked or (p in DEVICES and fact in device_os(p).questions))
