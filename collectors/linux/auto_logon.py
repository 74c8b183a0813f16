"""Who is logged on without being asked, when the machine starts or a console opens."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from collectors.linux.ini import merged, truth
from collectors.transports.base import Shell

By = Literal["gdm", "lightdm", "sddm", "getty", "displaymanager"]

_AGETTY = re.compile(r"(?m)^\s*(?:ExecStart\s*=|[^#\n]*:respawn:)[^\n]*?getty\b[^\n]*?\s(?:--autologin(?:=|\s+)|-a\s*)(\S+)")
_SUSE = re.compile(r"(?m)^\s*DISPLAYMANAGER_AUTOLOGIN=[\"']?([^\"'\s]+)")


class AutoLogon(NamedTuple):
    """A log-on without a question."""

    by: By
    user: str


def auto_logons(shell: Shell) -> tuple[AutoLogon, ...]:
    """What the display managers' and consoles' configurations say, whether or not the program runs now."""
    texts = shell.read_all(
        "/etc/gdm3/custom.conf",
        "/etc/gdm3/daemon.conf",
        "/etc/gdm/custom.conf",
        "/usr/share/lightdm/lightdm.conf.d/*.conf",
        "/etc/lightdm/lightdm.conf.d/*.conf",
        "/etc/lightdm/lightdm.conf",
        "/usr/lib/sddm/sddm.conf.d/*.conf",
        "/etc/sddm.conf.d/*.conf",
        "/etc/sddm.conf",
        "/usr/lib/systemd/system/*getty*.service",
        "/usr/lib/systemd/system/*getty*.service.d/*.conf",
        "/etc/systemd/system/*getty*.service",
        "/etc/systemd/system/*getty*.service.d/*.conf",
        "/run/systemd/system/*getty*.service.d/*.conf",
        "/etc/inittab",
        "/etc/sysconfig/displaymanager",
    )

    def of(word: str) -> dict[str, str]:
        return {path: text for path, text in texts.items() if word in path}

    found: list[AutoLogon] = [AutoLogon("gdm", user) for user in _gdm(of("/gdm"))]
    found += [AutoLogon("lightdm", user) for user in _lightdm(of("/lightdm"))]
    user = merged(of("/sddm")).get("Autologin", {}).get("User")
    if user:
        found.append(AutoLogon("sddm", user))
    for path, text in texts.items():
        if "getty" in path or path == "/etc/inittab":
            found += [AutoLogon("getty", name) for name in _AGETTY.findall(text)]
    found += [AutoLogon("displaymanager", name) for name in _SUSE.findall(texts.get("/etc/sysconfig/displaymanager", ""))]
    return tuple(sorted(set(found)))


def _gdm(texts: dict[str, str]) -> list[str]:
    daemon = merged(texts).get("daemon", {})
    found = []
    for switch, name in (("AutomaticLoginEnable", "AutomaticLogin"), ("TimedLoginEnable", "TimedLogin")):
        if truth(daemon.get(switch)) and daemon.get(name):
            found.append(daemon[name])
    return found


def _lightdm(texts: dict[str, str]) -> list[str]:
    found = []
    for section, settings in merged(texts).items():
        if section == "SeatDefaults" or section.startswith("Seat:"):
            if settings.get("autologin-user"):
                found.append(settings["autologin-user"])
            if truth(settings.get("autologin-guest")):
                found.append("guest")
    return found
