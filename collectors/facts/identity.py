"""What is this machine?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact


class Identity(Fact):
    """Who the machine is: system, kernel, hardware, addresses."""

    NAME: ClassVar[str] = "identity"

    hostname: str = Field(description="Name the machine gives itself")
    os_id: str = Field(description="ID of /etc/os-release, such as debian, ubuntu, rhel, rocky")
    os_name: str = Field(description="PRETTY_NAME of /etc/os-release")
    os_version: str | None = Field(description="VERSION_ID; None when the release does not number itself (Debian testing)")
    os_codename: str | None = Field(default=None, description="VERSION_CODENAME, such as bookworm")
    os_family: Literal["debian", "redhat", "suse", "linux"] = Field(description="Decides which package manager is asked")
    kernel_release: str | None = Field(description="uname -r")
    kernel_version: str | None = Field(description="uname -v; on Debian the package version stands in it")
    architecture: str | None = Field(description="uname -m")
    machine_id: str | None = Field(
        description="SHA-256 of 'rasoat:' + /etc/machine-id, first 32 hex digits: stable, and does not reveal the id itself"
    )
    serial: str | None = Field(description="Serial number from the firmware (root only); the literal text of the vendor")
    vendor: str | None = Field(default=None, description="Maker from the firmware")
    model: str | None = Field(default=None, description="Product name from the firmware")
    macs: tuple[str, ...] | None = Field(description="Hardware addresses of physical or virtual cards, aa:bb:cc:dd:ee:ff, sorted")
    addresses: tuple[str, ...] | None = Field(description="IPv4 and IPv6 addresses, loopback and link-local left out, sorted")
    virtualization: str | None = Field(default=None, description="kvm, vmware, microsoft, container name ...; none on bare metal")
    booted_at: datetime | None = Field(default=None, description="Time of the last start, UTC")
    desktop: bool | None = Field(default=None, description="A graphical log-on (display manager) is installed: a workstation rather than a server")
