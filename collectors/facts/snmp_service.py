"""Who may ask the device over SNMP, and can others read along?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Model


class Community(Model):
    """One community of SNMP v1/v2c. Its name is a secret and never collected."""

    write: bool = Field(description="It may change the device")
    well_known: bool | None = Field(
        description="Its name is one everybody tries first: public, private, cisco, community, snmp ...; None when the device hides it"
    )
    short: bool | None = Field(description="Its name has fewer than 8 characters; None when the device hides it")
    anywhere: bool | None = Field(
        description="Any address may use it: no access list or allowed hosts, or one that permits everything"
    )


class SnmpUser(Model):
    """One user of SNMP v3."""

    name: str
    level: Literal["noAuthNoPriv", "authNoPriv", "authPriv"] | None = Field(description="Least security demanded of it")
    auth: Literal["none", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"] | None = Field(
        description="How it proves who it is"
    )
    priv: Literal["none", "des", "3des", "aes128", "aes192", "aes256"] | None = Field(
        description="How its messages are encrypted"
    )
    write: bool | None = Field(default=None, description="It may change the device")


class TrapHost(Model):
    """A station that receives notifications."""

    address: str
    version: Literal["1", "2c", "3"] | None = Field(description="Version spoken; None if not seen")
    level: Literal["noAuthNoPriv", "authNoPriv", "authPriv"] | None = Field(default=None, description="Only for version 3")


class SnmpService(Fact):
    """The SNMP agent of a device, in force."""

    NAME: ClassVar[str] = "snmp_service"

    enabled: bool | None = Field(description="The agent answers requests (some version, some user or community)")
    v1_v2c: bool | None = Field(description="Versions 1 or 2c, which send the community readable, are answered")
    communities: tuple[Community, ...] | None = Field(description="() when there is none")
    users: tuple[SnmpUser, ...] | None = Field(description="Users of version 3; () when there is none")
    trap_hosts: tuple[TrapHost, ...] | None = Field(default=None, description="() when there is none")
    anywhere: bool | None = Field(
        default=None, description="Some community or user may be used from any address; False where the agent is off"
    )
    answered: Literal["v2c", "noAuthNoPriv", "authNoPriv", "authPriv"] | None = Field(
        default=None, description="How the agent answered this scan, where it asked over SNMP; None over the command line"
    )
    answered_unsigned: bool | None = Field(
        default=None, description="It also answers its v3 user when nothing is signed; None where it was not asked with keys"
    )
    weak_answered: bool | None = Field(
        default=None,
        description="It answers a community of the administrator's list of weak ones, each asked once; None where there is no list",
    )
