"""Who administers a network device, how are their passwords kept, and who vouches for them?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Model

Secret = Literal["none", "clear", "reversible", "weak-hash", "hash", "key", "external"]
"""none: logs on without one · clear: readable · reversible: type 7, $9$, ENC by a known key · weak-hash: MD5, DES, unsalted
SHA-1/SHA-256 (IOS type 4, 5) · hash: PBKDF2, scrypt, SHA-512 crypt, bcrypt ... · key: an SSH key alone · external: a server keeps it."""


class DeviceAccount(Model):
    """One account the device itself keeps. Neither password nor hash is ever collected, only its class."""

    name: str = Field(description="Log-on name")
    administrator: bool | None = Field(
        description="May change the configuration (privilege 15, network-admin, super-user, super_admin ...)"
    )
    role: str = Field(description="Privilege, class, role or profile as the device writes it; empty when it has none of its own")
    secret: Secret | None = Field(
        description="How its password is kept in the configuration; None when the device does not show it"
    )
    enabled: bool = Field(default=True, description="It can log on")
    factory: bool = Field(default=False, description="A name the maker ships: admin, cisco, root, Administrator, manager ...")
    anywhere: bool | None = Field(
        default=None, description="It may log on from any address; None when accounts have no sources of their own here"
    )
    two_factors: bool | None = Field(
        default=None, description="A second factor is demanded; None when this system has none for local accounts"
    )


class AuthServer(Model):
    """A server that vouches for administrators."""

    protocol: Literal["tacacs+", "radius", "ldap", "saml", "kerberos"]
    address: str = Field(description="Address or name as configured")
    encrypted_key: bool | None = Field(
        default=None, description="The shared key stands in the configuration only encrypted or hashed"
    )


class DeviceAccounts(Fact):
    """Administrators of a network device and AAA."""

    NAME: ClassVar[str] = "device_accounts"

    users: tuple[DeviceAccount, ...] | None = Field(description="Local accounts; () when there is none")
    enable_secret: Secret | None = Field(
        default=None,
        description="How the word that raises rights is kept; none: nobody is asked. None where the system knows no such word",
    )
    servers: tuple[AuthServer, ...] | None = Field(description="Servers that vouch for administrators; () when there is none")
    remote_first: bool | None = Field(description="Log-on asks those servers first; False: local accounts alone or first")
    local_fallback: bool | None = Field(default=None, description="When no server answers, local accounts still let somebody in")
    commands_authorised: bool | None = Field(
        default=None, description="A server, or roles on the device, decide command by command or by task"
    )
    accounting: bool | None = Field(
        default=None, description="What administrators do is reported to a server (AAA accounting, command log)"
    )
    passwords_encrypted: bool | None = Field(
        default=None,
        description="No password or key stands readable in the configuration (service password-encryption and the like count)",
    )
