"""Junos: by which ways administrators reach the device, and which VPNs people come in by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from collectors.devices.juniper_junos.ranges import Ranges, network
from collectors.devices.juniper_junos.reach import MANAGEMENT, Reach, Service, Unit, reach, zoned
from collectors.devices.juniper_junos.text import Version, config, number, scopes, version
from collectors.devices.syntax.junos import Node
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Protocol, Vpn, Way
from collectors.transports.base import DeviceCli

PREDEFINED = frozenset({"super-user", "superuser", "operator", "read-only", "unauthorized"})
"""Login classes that nobody can give an idle-timeout ("Login Classes Overview")."""
REMOTE = frozenset({"tacplus", "radius", "ldaps", "ldap"})

_OUTSIDE = re.compile(
    r"(?i)(?:^|[^a-z])(?:untrust(?:ed)?|outside|external|internet|wan|isp|ngoai|viettel|vnpt|fpt|cmc)(?:[^a-z]|$)"
)
_INSIDE = re.compile(
    r"(?i)(?:^|[^a-z])(?:trust(?:ed)?|inside|internal|lan|dmz|mgmt|management|servers?|office|users?)(?:[^a-z]|$)"
)
_KEX = {
    "dh-group1-sha1": "diffie-hellman-group1-sha1", "dh-group14-sha1": "diffie-hellman-group14-sha1",
    "group-exchange-sha1": "diffie-hellman-group-exchange-sha1", "group-exchange-sha2": "diffie-hellman-group-exchange-sha256",
}  # fmt: skip


class _Door(NamedTuple):
    """A service of `system services` that lets administrators in."""

    name: str
    path: tuple[str, ...]
    protocol: Protocol
    encrypted: bool
    zone_name: str
    port: int


# ports by default: the statements of [edit system services] in the Junos OS CLI Reference
_DOORS = (
    _Door("ssh", ("ssh",), "ssh", True, "ssh", 22),
    _Door("telnet", ("telnet",), "telnet", False, "telnet", 23),
    _Door("rlogin", ("rlogin",), "rlogin", False, "rlogin", 513),
    _Door("rsh", ("rsh",), "rlogin", False, "rsh", 514),
    _Door("http", ("web-management", "http"), "http", False, "http", 80),
    _Door("https", ("web-management", "https"), "https", True, "https", 443),
    _Door("netconf", ("netconf", "ssh"), "api", True, "netconf", 830),
    _Door("netconf tls", ("netconf", "tls"), "api", True, "netconf", 6513),
    _Door("rest http", ("rest", "http"), "http", False, "rest", 3000),
    _Door("rest https", ("rest", "https"), "api", True, "rest", 3443),
    _Door("webapi http", ("webapi", "http"), "http", False, "webapi-clear-text", 8080),
    _Door("webapi https", ("webapi", "https"), "api", True, "webapi-ssl", 8443),
    _Door("xnm-clear-text", ("xnm-clear-text",), "api", False, "xnm-clear-text", 3221),
    _Door("xnm-ssl", ("xnm-ssl",), "api", True, "xnm-ssl", 3220),
    _Door("grpc", ("extension-service", "request-response", "grpc", "ssl"), "api", True, "grpc", 32767),
    _Door("grpc clear-text", ("extension-service", "request-response", "grpc", "clear-text"), "api", False, "grpc", 32767),
)

_NO_DOORS = frozenset({
    "ftp", "tftp-server", "finger", "dns", "dhcp", "dhcp-local-server", "dhcp-relay", "dhcp-proxy-client", "dynamic-dns", "reverse",
    "outbound-ssh", "outbound-https", "subscriber-management", "subscriber-management-helper", "resource-monitor", "traceoptions",
    "database-replication", "bbe-stats-service", "packet-triggered-subscribers", "static-subscribers", "service-deployment",
})  # fmt: skip
"""Statements beside the doors that let no administrator in, or call out by themselves."""


def device_access(cli: DeviceCli) -> DeviceAccess:
    """`system services`, narrowed by the zones' host-inbound-traffic and by filters; idle limits from the login classes."""
    gaps = Gaps()
    root, told = config(cli), version(cli)
    ssh = gaps.attempt("ssh_enabled", lambda: root.has("system", "services", "ssh"))
    node = root.at("system", "services", "ssh") if ssh else None
    return DeviceAccess(
        ways=gaps.attempt("ways", lambda: tuple(_ways(root, told, gaps))),
        ssh_enabled=ssh,
        ssh_v1=gaps.attempt("ssh_v1", lambda: _version_1(root, told)),
        ssh_ciphers=gaps.attempt("ssh_ciphers", lambda: _listed(node, "ciphers")),
        ssh_macs=gaps.attempt("ssh_macs", lambda: _listed(node, "macs")),
        ssh_key_exchanges=gaps.attempt("ssh_key_exchanges", lambda: _listed(node, "key-exchange")),
        ssh_max_tries=gaps.attempt("ssh_max_tries", lambda: tries(root)),
        banner=gaps.attempt("banner", lambda: bool((root.word("system", "login", "message") or "").strip())),
        max_sessions=gaps.attempt("max_sessions", lambda: _sessions(node)),
        separate_management=gaps.attempt("separate_management", lambda: _separate(root, told)),
        vpns=gaps.attempt("vpns", lambda: tuple(_vpns(root, gaps))),
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


# --- ways in ----------------------------------------------------------------------------------------------------------


def _ways(root: Node, told: Version, gaps: Gaps) -> Iterator[Way]:
    services = root.at("system", "services") or Node("services")
    for word in services.words():
        if word not in _NO_DOORS and all(word != door.path[0] for door in _DOORS):
            raise Unparsable(f"whether system services {word} lets administrators in is not known")
    for door in _DOORS:
        node = services.at(*door.path)
        if node is not None:
            yield from _door(root, told, gaps, door, node)
    for name in ("console", "auxiliary"):
        node = root.at("system", "ports", name) or Node(name)
        # "By default, the auxiliary port is disabled" (Junos OS CLI Reference, ports)
        if not node.has("disable") and (name == "console" or node.has("type")):
            yield Way(
                name=name,
                protocol="console" if name == "console" else "aux",
                encrypted=True,
                remote=False,
                anywhere=False,
                idle_seconds=_idle(root, gaps, not node.has("insecure")),
                authentication="remote" if remote_first(root) else "local",
                untrusted=False,
            )


def _door(root: Node, told: Version, gaps: Gaps, door: _Door, node: Node) -> Iterator[Way]:
    service = Service(door.zone_name, "tcp", number(node, "port") or door.port)
    only = _named(node) if door.path[0] == "web-management" else ()
    try:
        found: Reach | None = reach(root, told, service, only)
    except CollectError as error:
        gaps.note(("ways[].anywhere", "ways[].untrusted"), error.outcome, f"{door.name}: {error}")
        yield _way(root, gaps, door, node, door.name, None, None)
        return
    assert found is not None
    if not zoned(root, told):
        if found.units:
            yield _way(root, gaps, door, node, door.name, found, _leads_out(root, told, gaps, service, found.units))
        return
    groups: dict[str, list[Unit]] = {}
    for unit in found.units:
        groups.setdefault(unit.zone or unit.name, []).append(unit)
    for name, inside in groups.items():
        part = reach(root, told, service, tuple(unit.name for unit in inside))
        leads: bool | None = False
        if not name.startswith(MANAGEMENT):
            leads = any(map(described_outside, inside)) or outside(name, gaps, "ways[].untrusted")
        yield _way(root, gaps, door, node, f"{door.name} {name}", part, leads)


def _named(node: Node) -> tuple[str, ...]:
    """The interfaces a page answers on; () for all of them. A port without a unit means its unit 0."""
    said = node.words("interface")
    return () if "all" in said else tuple(name if "." in name else f"{name}.0" for name in said)


def _way(root: Node, gaps: Gaps, door: _Door, node: Node, name: str, found: Reach | None, untrusted: bool | None) -> Way:
    anywhere = None if found is None else found.anywhere
    sources = None if found is None else found.sources
    if door.path[0] == "rest" and (own := root.words("system", "services", "rest", "control", "allowed-sources")):
        nets = [network(word) for word in own]
        if not any(Ranges(pair for v6, net in nets if v6 is six for pair in net.pairs).wide(six) for six in (False, True)):
            anywhere, sources = False, own
    return Way(
        name=name,
        protocol=door.protocol,
        encrypted=door.encrypted,
        remote=True,
        anywhere=anywhere,
        sources=sources,
        idle_seconds=_idle_of(root, gaps, door),
        authentication=_authentication(root, door, node),
        untrusted=untrusted,
    )


def outside(zone: str, gaps: Gaps, field: str) -> bool | None:
    """The zone leads outside, by its name."""
    if _OUTSIDE.search(zone):
        return True
    if _INSIDE.search(zone):
        return False
    gaps.note(field, "unsupported", f"whether {zone} leads outside is told by nothing but its name, which is none we know")
    return None


def described_outside(unit: Unit) -> bool:
    """The description of the interface says that it leads outside."""
    port = unit.scope.at("interfaces", unit.name.partition(".")[0]) or Node("")
    return any(_OUTSIDE.search(node.word("description") or "") for node in (port, unit.node))


def _leads_out(root: Node, told: Version, gaps: Gaps, service: Service, open_units: tuple[Unit, ...]) -> bool | None:
    """Everybody reaches the service by an interface whose description says that it leads outside."""
    outer = tuple(unit.name for unit in open_units if described_outside(unit))
    if outer and reach(root, told, service, outer).anywhere:
        return True
    why = "a filter lets in some addresses there" if outer else "no description of an interface says that it leads outside"
    gaps.note("ways[].untrusted", "unsupported", f"{why}; there are no zones")
    return None


def remote_first(root: Node) -> bool:
    """Servers are asked before the device's own accounts, and there are some."""
    order = root.words("system", "authentication-order")
    return bool(order) and order[0] in REMOTE and bool(servers(root, order[0]))


def servers(root: Node, method: str) -> tuple[Node, ...]:
    """Servers of one method of the order."""
    path = {"tacplus": "tacplus-server", "radius": "radius-server"}.get(method)
    return root.below("system", path) if path else root.below("access", "ldap-server")


def _authentication(root: Node, door: _Door, node: Node) -> str:
    extension = root.at("system", "services", "extension-service", "request-response", "grpc")
    if (
        door.name.startswith("grpc")
        and extension is not None
        and any("skip-authentication" in one.nodes for one in extension.walk())
    ):
        return "none"
    if door.name == "ssh" and (node.has("no-password-authentication") or node.has("no-passwords")):
        return "key"
    return "remote" if remote_first(root) else "local"


# --- idle -------------------------------------------------------------------------------------------------------------


def _idle_of(root: Node, gaps: Gaps, door: _Door) -> Limit | None:
    if door.path[0] == "web-management":
        minutes = number(root, "system", "services", "web-management", "session", "idle-timeout")
        if minutes is None:
            gaps.note(
                "ways[].idle_seconds",
                "unsupported",
                "session idle-timeout of web-management is not set; its default differs by release",
            )
            return None
        return minutes * 60
    if door.protocol not in ("ssh", "telnet", "rlogin"):
        gaps.note(
            "ways[].idle_seconds", "unsupported", f"{door.name}: idle-timeout of a class counts at the prompt of the CLI alone"
        )
        return None
    # root is never let in over telnet
    return _idle(root, gaps, _root_comes(root) if door.name == "ssh" else door.protocol == "rlogin")


def _root_comes(root: Node) -> bool | None:
    """root, who is in no class and so has no limit, may come over SSH; None: cannot be told."""
    said = root.word("system", "services", "ssh", "root-login")
    if said in ("allow", "deny"):
        return said == "allow"
    if said == "deny-password":
        return any(node.name.startswith("ssh-") for node in root.below("system", "root-authentication"))
    return None


def _idle(root: Node, gaps: Gaps, root_too: bool | None) -> Limit | None:
    """The longest any account may be silent, root too where it may log on here.

    "If you omit this statement, a user is never forced off the system" (Junos OS CLI Reference, idle-timeout; 0 disables it).
    """
    longest = 0
    for user in root.below("system", "login", "user"):
        name = user.word("class") or ""
        minutes = None if name in PREDEFINED else number(root, "system", "login", "class", name, "idle-timeout")
        if not minutes:
            return "unlimited"
        longest = max(longest, minutes * 60)
    if root_too:
        return "unlimited"
    if root_too is None or not longest:
        why = "root-login is not set; whether root may come differs by release" if longest else "no account is shown"
        gaps.note("ways[].idle_seconds", "unsupported", why)
        return None
    return longest


# --- the rest ---------------------------------------------------------------------------------------------------------


def _version_1(root: Node, told: Version) -> bool:
    node = root.at("system", "services", "ssh")
    if node is None:
        return False
    said = node.words("protocol-version")
    # "SSH protocol version 2 is the default, introduced in Junos OS Release 11.4" (protocol-version)
    if not said and told.number < (11, 4):
        raise Unsupported(f"protocol-version is not set, and its default in {told.train} is not in our table")
    return "v1" in said


def _listed(ssh: Node | None, key: str) -> tuple[str, ...]:
    if ssh is None:
        raise Unsupported("SSH is off, or was not seen")
    found = ssh.words(key)
    if not found:
        raise Unsupported(f"{key} is not set; what SSH offers then differs by release")
    return tuple(_KEX.get(name, name) for name in found)


def tries(root: Node) -> int:
    """Wrong passwords until the connection ends."""
    found = number(root, "system", "login", "retry-options", "tries-before-disconnect")
    if found is None:
        raise Unsupported("tries-before-disconnect is not set; the manuals give 3 and 10")
    return found


def _sessions(ssh: Node | None) -> int:
    found = number(ssh, "connection-limit") if ssh is not None else None
    if found is None:
        raise Unsupported("connection-limit of SSH is not set")
    return found


def _separate(root: Node, told: Version) -> bool:
    """A port of its own answers and no zone does. On a device without zones every interface answers."""
    if not zoned(root, told):
        raise Unsupported(
            "without zones every interface of the device answers; a filter may say otherwise and was not read for it"
        )
    admits = {
        unit.zone or unit.name
        for door in _DOORS
        if root.has("system", "services", *door.path)
        for unit in reach(root, told, Service(door.zone_name, "tcp", door.port)).units
    }
    return bool(admits) and all(name.startswith(MANAGEMENT) or name == "management" for name in admits)


def _vpns(root: Node, gaps: Gaps) -> Iterator[Vpn]:
    """Gateways for clients: dynamic-vpn, remote-access, IKE gateways for peers without a fixed address that ask for a user."""
    for where, scope in scopes(root):
        clients = [
            *scope.below("security", "dynamic-vpn", "clients"),
            *scope.below("security", "remote-access", "profile"),
            *(
                gateway
                for gateway in scope.below("security", "ike", "gateway")
                if gateway.has("xauth") or gateway.has("aaa") or gateway.has("dynamic")
            ),
        ]
        for node in clients:
            gaps.note(
                ("vpns[].two_factors", "vpns[].idle_seconds"), "unsupported", f"{node.name}: its access profile was not followed"
            )
            yield Vpn(name=f"{where}{node.name}", kind="ipsec", two_factors=None, idle_seconds=None)
    if root.has("services", "l2tp"):
        gaps.note(
            ("vpns[].two_factors", "vpns[].idle_seconds"), "unsupported", "services l2tp: its access profile was not followed"
        )
        yield Vpn(name="l2tp", kind="l2tp", two_factors=None, idle_seconds=None)
