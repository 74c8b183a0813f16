"""By which ways do administrators reach a network device, from where, and for how long without a word?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Limit, Model

Protocol = Literal["ssh", "telnet", "http", "https", "console", "aux", "api", "winbox", "rlogin"]


class Way(Model):
    """One way in that is open: a VTY range, the console, a web page, an API; one row per protocol and place."""

    name: str = Field(description="As the device names it: vty 0 4, console 0, interface wan1, https")
    protocol: Protocol
    encrypted: bool | None = Field(
        description="False for telnet, http, rlogin; a console at the device itself counts as encrypted; None where an API does not say"
    )
    remote: bool = Field(description="Reached over a network (not console, not aux)")
    anywhere: bool | None = Field(
        description="Any address may try to log on: no access list, no allowed sources, or one that permits everything"
    )
    sources: tuple[str, ...] | None = Field(
        default=None, description="Networks or addresses allowed to try, as configured; () when anywhere"
    )
    idle_seconds: Limit | None = Field(
        default=None, description="Seconds without a word until the session ends; unlimited where it never does"
    )
    authentication: Literal["none", "password", "local", "remote", "key"] | None = Field(
        default=None,
        description="none: nobody is asked · password: one shared word · local: own accounts · remote: TACACS+, RADIUS, LDAP first",
    )
    untrusted: bool | None = Field(
        default=None, description="The way is open on an interface named or marked as outside (WAN, untrust, Internet)"
    )


class Vpn(Model):
    """A gateway by which people come in from outside."""

    name: str
    kind: Literal["ssl", "ipsec", "l2tp", "pptp"]
    two_factors: bool | None = Field(
        description="A second factor (token, certificate beside the password) is demanded of everybody"
    )
    idle_seconds: Limit | None = Field(default=None, description="Seconds without traffic until the tunnel ends")
    least_tls: str | None = Field(default=None, description="Oldest TLS accepted, such as 1.2")


class DeviceAccess(Fact):
    """The management plane of a network device, in force."""

    NAME: ClassVar[str] = "device_access"

    ways: tuple[Way, ...] | None = Field(description="Every open way in; () when none is")
    ssh_enabled: bool | None = Field(description="The SSH server answers")
    ssh_v1: bool | None = Field(description="Protocol version 1 is still spoken; False where SSH is off")
    ssh_ciphers: tuple[str, ...] | None = Field(default=None, description="Ciphers offered, names as OpenSSH writes them")
    ssh_macs: tuple[str, ...] | None = Field(default=None, description="Message authentication codes offered")
    ssh_key_exchanges: tuple[str, ...] | None = Field(default=None, description="Key exchanges offered")
    ssh_max_tries: int | None = Field(default=None, description="Wrong passwords within one connection")
    least_tls: str | None = Field(
        default=None, description="Oldest TLS the management page speaks, such as 1.2; None where not seen or no page"
    )
    banner: bool | None = Field(default=None, description="A text is shown before log-on")
    max_sessions: Limit | None = Field(default=None, description="Administrators' sessions at the same time")
    separate_management: bool | None = Field(
        default=None, description="Management has a port, VRF or VLAN of its own, and no other interface answers"
    )
    vpns: tuple[Vpn, ...] | None = Field(default=None, description="VPN gateways for people; () when there is none")
    legacy_crypto_needed: bool | None = Field(
        default=None,
        description="We could log on only with algorithms that are off by default (SHA-1 key exchange, CBC, ssh-rsa)",
    )
