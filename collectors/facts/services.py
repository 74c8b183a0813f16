"""What runs as a service, and what starts at boot?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Model


class Service(Model):
    """One service of the init system."""

    name: str = Field(description="Unit name without .service, or the SysV script's name")
    running: bool | None = Field(description="Active now; None when only files were seen")
    at_boot: bool | None = Field(description="Starts at boot, itself or through its socket; None if not seen")


class Services(Fact):
    """Services and legacy network programs."""

    NAME: ClassVar[str] = "services"

    manager: Literal["systemd", "sysv", "none"] = Field(description="none: no init system answers (a container); then processes were looked at instead")
    services: tuple[Service, ...] | None = Field(description="Services that run or start at boot, sorted by name")
    failed: tuple[str, ...] | None = Field(default=None, description="Units that failed")
    legacy: tuple[str, ...] | None = Field(
        description="Clear-text or legacy programs that run or start at boot: telnet, rsh, rlogin, rexec, tftp, ftp, nis, talk, finger, xinetd, snmp-v1v2 ..."
    )
    processes: int | None = Field(default=None, description="Processes running")
