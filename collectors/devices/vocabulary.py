"""Words that several makers share: severities of syslog, names of communities, algorithms of SNMP v3, masks, hardware addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Literal, get_args

from collectors.errors import Unparsable
from collectors.facts.device_logs import Level

Auth = Literal["none", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"]
Priv = Literal["none", "des", "3des", "aes128", "aes192", "aes256"]

Network = IPv4Network | IPv6Network

LEVELS: tuple[Level, ...] = get_args(Level)
"""Emergency first: the index is the number of RFC 5424."""

WELL_KNOWN = frozenset(
    {"public", "private", "cisco", "community", "snmp", "admin", "arista", "default", "manager", "monitor", "network", "secret"}
    | {"test", "read", "write", "readonly", "readwrite", "rocommunity", "rwcommunity", "password", "switch", "router", "all"}
)
"""Communities that every scanner tries first."""

SHORT = 8
"""Letters below which a community is short."""

_AUTHS: dict[str, Auth] = {
    "md5": "md5", "sha": "sha1", "sha1": "sha1", "sha-1": "sha1", "sha224": "sha224", "sha-224": "sha224", "sha256": "sha256",
    "sha-256": "sha256", "sha384": "sha384", "sha-384": "sha384", "sha512": "sha512", "sha-512": "sha512",
}  # fmt: skip
_PRIVS: dict[str, Priv] = {
    "des": "des", "des56": "des", "3des": "3des", "aes": "aes128", "aes128": "aes128", "aes-128": "aes128", "aes 128": "aes128",
    "aes192": "aes192", "aes-192": "aes192", "aes 192": "aes192", "aes256": "aes256", "aes-256": "aes256", "aes 256": "aes256",
}  # fmt: skip


def level(word: str) -> Level:
    """The severity a configuration names by number, in full, or cut short (`warnings`, `notifications`, `errors`)."""
    low = word.strip().lower()
    if low.isdecimal() and int(low) < len(LEVELS):
        return LEVELS[int(low)]
    for known in LEVELS:
        if len(low) >= 3 and (low.startswith(known[:5]) or known.startswith(low)):
            return known
    if low.startswith("emergenc"):
        return "emergency"
    if low.startswith("notif"):
        return "notice"
    raise Unparsable(f"no severity of syslog: {word[:40]}")


def reaches(least: Level | None, wanted: Level) -> bool:
    """Records of severity `wanted` are among those from `least` upwards."""
    return least is not None and LEVELS.index(wanted) <= LEVELS.index(least)


def well_known(community: str) -> bool | None:
    """None where the device, or our own redaction, hides it."""
    return None if hidden(community) else community.strip('"').lower() in WELL_KNOWN


def short(community: str) -> bool | None:
    """Fewer than eight letters; None where it is hidden."""
    return None if hidden(community) else len(community.strip('"')) < SHORT


def hidden(secret: str) -> bool:
    """Stars, or what redaction left."""
    return secret.startswith("(redacted)") or set(secret.strip('"')) <= {"*"}


def auth(word: str) -> Auth:
    """How a user of SNMP v3 proves who it is."""
    if word.lower() not in _AUTHS:
        raise Unparsable(f"no way to sign of SNMP v3: {word[:20]}")
    return _AUTHS[word.lower()]


def priv(words: str) -> Priv:
    """How its messages are encrypted."""
    if words.lower() not in _PRIVS:
        raise Unparsable(f"no cipher of SNMP v3: {words[:20]}")
    return _PRIVS[words.lower()]


def prefix(address: str, mask: str) -> str:
    """10.0.0.1 255.255.255.0 -> 10.0.0.1/24. Raises Unparsable for what is no mask."""
    try:
        bits = "".join(f"{int(part):08b}" for part in mask.split("."))
    except ValueError as error:
        raise Unparsable(f"no mask: {mask[:40]}") from error
    if len(bits) != 32 or "01" in bits:
        raise Unparsable(f"no mask: {mask[:40]}")
    return f"{address}/{bits.count('1')}"


def mac(text: str) -> str:
    """aa:bb:cc:dd:ee:ff, however the maker groups it."""
    digits = re.sub(r"[^0-9a-f]", "", text.lower())
    if len(digits) != 12:
        raise Unparsable(f"no hardware address: {text[:30]}")
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def network(text: str) -> Network:
    """10.0.0.0/24, 10.0.0.0/255.255.255.0, 10.0.0.1, 2001:db8::/64. Raises Unparsable for masks with holes and for names."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise Unparsable(f"no address: {text[:60]!r}") from None


_HALF = {4: 2**31, 6: 2**124}
"""Half of IPv4; half of 2000::/3, which is the whole Internet of IPv6."""


def everybody(networks: Iterable[Network]) -> bool:
    """Together they keep nobody out who could come: half of a family or more, however it is cut up.

    0.0.0.0/0, two halves, four /2, everything but the private networks; 0.0.0.0/1 alone has its sister in some other line.
    For what is let in only: what is refused must be `every_address`.
    """
    return any(size >= _HALF[version] for version, size in _sizes(networks).items())


def every_address(networks: Iterable[Network]) -> bool:
    """No address of a family is left out."""
    return any(size == 2 ** (32 if version == 4 else 128) for version, size in _sizes(networks).items())


def _sizes(networks: Iterable[Network]) -> dict[int, int]:
    """Addresses of each family, each counted once."""
    nets = tuple(networks)
    four = collapse_addresses(net for net in nets if isinstance(net, IPv4Network))
    six = collapse_addresses(net for net in nets if isinstance(net, IPv6Network))
    return {4: sum(net.num_addresses for net in four), 6: sum(net.num_addresses for net in six)}
