"""Which protection against malware is installed, does it run, is it fresh?"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

from pydantic import Field

from collectors.facts.base import Fact, Model


class AntivirusProduct(Model):
    """One product found on the machine."""

    id: str = Field(description="Stable id, such as clamav, mdatp, trend-deep-security")
    name: str = Field(description="Name people use")
    version: str | None = Field(default=None, description="Product version")
    running: bool | None = Field(description="Its service or process runs now")
    realtime: bool | None = Field(description="Files are scanned when they are used, now (not: could be)")
    signatures_dated: datetime | None = Field(
        description="When the vendor built the newest signatures on this machine, UTC; not a file time, which copying refreshes"
    )
    last_full_scan: datetime | None = Field(default=None, description="End of the last full scan, UTC")
    managed: bool | None = Field(description="Reports to a central console")
    console: str | None = Field(default=None, description="Address or id of that console")
    expires: date | None = Field(default=None, description="Last day of the licence")


class Antivirus(Fact):
    """Protection against malware. Host intrusion detection (AIDE, Wazuh, rkhunter) is listed apart: it is no antivirus."""

    NAME: ClassVar[str] = "antivirus"

    products: tuple[AntivirusProduct, ...] | None = Field(description="Installed antivirus and EDR products; () when every probe found nothing")
    integrity_tools: tuple[str, ...] | None = Field(default=None, description="Integrity and host intrusion tools found: aide, wazuh-agent, rkhunter ...")
