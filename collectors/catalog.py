"""Everything rasoat can ask, on one screen: fact x platform -> function.

To teach rasoat a platform for a known fact: write the function in facts/<subject>.py and add its line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from collectors.facts import (
    accounts,
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
    windows_hardening,
)
from collectors.facts.base import Fact
from collectors.model import Platform
from collectors.transports.base import Shell

Question = Callable[[Shell], Fact]

LINUX = (Platform.DEBIAN, Platform.REDHAT, Platform.SUSE, Platform.LINUX)
WINDOWS = (Platform.WINDOWS,)

CATALOG: tuple[tuple[str, tuple[Platform, ...], Question], ...] = (
    ("identity", LINUX, identity.linux),
    ("identity", WINDOWS, identity.windows),
    ("updates", (Platform.DEBIAN,), updates.apt),
    ("updates", (Platform.REDHAT,), updates.dnf),
    ("updates", (Platform.SUSE,), updates.zypper),
    ("updates", (Platform.LINUX,), updates.unsupported),
    ("updates", WINDOWS, updates.windows),
    ("antivirus", LINUX, antivirus.linux),
    ("antivirus", WINDOWS, antivirus.windows),
    ("accounts", LINUX, accounts.linux),
    ("accounts", WINDOWS, accounts.windows),
    ("password_policy", LINUX, password_policy.linux),
    ("password_policy", WINDOWS, password_policy.windows),
    ("remote_access", LINUX, remote_access.linux),
    ("remote_access", WINDOWS, remote_access.windows),
    ("logs", LINUX, logs.linux),
    ("logs", WINDOWS, logs.windows),
    ("clock", LINUX, clock.linux),
    ("clock", WINDOWS, clock.windows),
    ("firewall", LINUX, firewall.linux),
    ("firewall", WINDOWS, firewall.windows),
    ("listening", LINUX, listening.linux),
    ("listening", WINDOWS, listening.windows),
    ("services", LINUX, services.linux),
    ("services", WINDOWS, services.windows),
    ("kernel", LINUX, kernel.linux),
    ("software", (Platform.DEBIAN,), software.debian),
    ("software", (Platform.REDHAT, Platform.SUSE), software.redhat),
    ("software", (Platform.LINUX,), software.other),
    ("storage", LINUX, storage.linux),
    ("hardware", LINUX, hardware.linux),
    ("sessions", LINUX, sessions.linux),
    ("backup", LINUX, backup.linux),
    ("certificates", LINUX, certificates.linux),
    ("windows_hardening", WINDOWS, windows_hardening.windows),
    ("permissions", LINUX, permissions.linux),
    ("shares", LINUX, shares.linux),
)


def questions(platform: Platform) -> Iterator[tuple[str, Question]]:
    """(fact, function) for each fact this platform can be asked, in catalog order."""
    return ((fact, function) for fact, platforms, function in CATALOG if platform in platforms)
