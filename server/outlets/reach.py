"""Connections to receivers: only to addresses an outlet may reach, and to the very address that was looked at.

Administrators of a unit write the addresses; the collector stands where they do not. So nothing is reached that only this
machine reaches (loopback, the link, a cloud's metadata), whatever a name resolves to at which moment. Private networks are
reached: a receiver inside is the ordinary case. settings.toml names exceptions (`outlets_may_reach`).
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from typing import NamedTuple

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SECONDS = 10.0
_METADATA = tuple(map(ipaddress.ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")))
"""Of clouds, where they are not of the link."""
_THIS = ipaddress.ip_network("0.0.0.0/8")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


class Failed(Exception):
    """It was not delivered. `hopeless`: the same again will not help before a person changes something; `wait`: seconds asked for."""

    def __init__(self, why: str, hopeless: bool = False, wait: float | None = None) -> None:
        super().__init__(" ".join(why.split())[:300])
        self.hopeless, self.wait = hopeless, wait


class Place(NamedTuple):
    """An address that may be reached."""

    family: int
    address: tuple[str, int]


def allowed(address: Address) -> bool:
    inner = _inner(address)
    if any(
        one in network
        for network in settings.CONFIG.outlets_may_reach
        for one in {address, inner}
        if one.version == network.version
    ):
        return True
    bad = inner.is_loopback or inner.is_link_local or inner.is_multicast or inner.is_unspecified or inner.is_reserved
    return not bad and inner not in _METADATA and inner not in _THIS


def places(host: str, port: int, kind: int = socket.SOCK_STREAM) -> list[Place]:
    """The addresses of a host that may be reached. Raises Failed."""
    try:
        found = socket.getaddrinfo(host, port, type=kind)
    except (OSError, UnicodeError) as error:
        raise Failed(f"{host}: {getattr(error, 'strerror', None) or error}") from None
    good = [
        Place(family, (str(where[0]), port))
        for family, _type, _protocol, _name, where in found
        if allowed(ipaddress.ip_address(str(where[0]).partition("%")[0]))
    ]
    if not good:
        raise Failed(f"{host}: an address that outlets may not reach (outlets_may_reach in settings.toml)", hopeless=True)
    return good


def connect(host: str, port: int, timeout: float = SECONDS) -> socket.socket:
    """A TCP connection to the first address that answers. Raises Failed."""
    why = ""
    for place in places(host, port):
        line = socket.socket(place.family, socket.SOCK_STREAM)
        line.settimeout(timeout)
        try:
            line.connect(place.address)
        except OSError as error:
            line.close()
            why = error.strerror or str(error)
        else:
            return line
    raise Failed(f"{host}:{port}: {why}")


def context(ca: str) -> ssl.SSLContext:
    """TLS as a client that checks certificate and name, by the authorities given or those of the system. Raises Failed."""
    try:
        made = ssl.create_default_context(cadata=ca or None)
    except (ssl.SSLError, ValueError):
        raise Failed("the authorities given for it are no certificates in PEM", hopeless=True) from None
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def why(error: Exception) -> str:
    """What a failed connection says, in few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv6Address):
        if found := address.ipv4_mapped or address.sixtofour:
            return found
        if address in _TRANSLATED or (int(address) >> 32 == 0 and int(address) > 1):
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
