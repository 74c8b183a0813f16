"""Everything rasoat can ask, on one screen: fact x platform -> function.

To teach rasoat a platform for a known fact: write the function in facts/<subject>.py and add its line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from collectors.facts import (
    accounts,
    antivirus,
    clock,
    firewall,
    identity,
    kernel,
    listening,
    logs,
    password_policy,
    remote_access,
    services,
    software,
    updates,
)
from collectors.facts.base import Fact
from collectors.model import Platform
from collectors.transports.base import Shell

Question = Callable[[Shell], Fact]

LINUX = (Platform.DEBIAN, Platform.REDHAT, Platform.SUSE, Platform.LINUX)

CATALOG: tuple[tuple[str, tuple[Platform, ...], Question], ...] = (
    ("identity", LINUX, identity.linux),
    ("updates", (Platform.DEBIAN,), updates.apt),
    ("updates", (Platform.REDHAT,), updates.dnf),
    ("updates", (Platform.SUSE, Platform.LINUX), updates.unsupported),
    ("antivirus", LINUX, antivirus.linux),
    ("accounts", LINUX, accounts.linux),
    ("password_policy", LINUX, password_policy.linux),
    ("remote_access", LINUX, remote_access.linux),
    ("logs", LINUX, logs.linux),
    ("clock", LINUX, clock.linux),
    ("firewall", LINUX, firewall.linux),
    ("listening", LINUX, listening.linux),
    ("services", LINUX, services.linux),
    ("kernel", LINUX, kernel.linux),
    ("software", (Platform.DEBIAN,), software.debian),
    ("software", (Platform.REDHAT, Platform.SUSE), software.redhat),
    ("software", (Platform.LINUX,), software.other),
)


def questions(platform: Platform) -> Iterator[tuple[str, Question]]:
    """(fact, function) for each fact this platform can be asked, in catalog order."""
    return ((fact, function) for fact, platforms, function in CATALOG if platform in platforms)
