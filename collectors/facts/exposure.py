"""What does this address show to others, as seen from where we stand?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import ClassVar, Literal
from xml.etree import ElementTree

import yaml
from pydantic import Field

from collectors.errors import CollectError
from collectors.facts.base import Fact, Gaps, Model
from collectors.linux.certificates import KeyType, first_certificate, unverified
from collectors.transports.nmap_result import Door, Host, Result

Version = Literal["SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
VERSIONS: tuple[Version, ...] = ("SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_CERTIFICATE = ("subject", "issuer", "not_before", "not_after", "key_type", "key_bits", "signature_hash", "self_signed")


class Service(Model):
    """An open port, and what speaks there."""

    protocol: Literal["tcp", "udp"] = Field(description="tcp or udp")
    port: int = Field(description="Port")
    name: str | None = Field(description="Protocol spoken there in nmap's words; None when it did not say")
    product: str | None = Field(default=None, description="Program and version as it introduces itself; None when it does not")
    tls: bool | None = Field(default=None, description="Speaks inside TLS; None when what speaks there is not known")


class Tls(Model):
    """A TLS service and the versions it accepts."""

    port: int = Field(description="Port")
    versions: tuple[Version, ...] | None = Field(description="Oldest first (SSLv2 is not tried); None when none could be tried")


class Cipher(Model):
    """A TLS cipher suite that is accepted."""

    port: int = Field(description="Port")
    version: Version = Field(description="Under which version")
    name: str = Field(description="As IANA names it")


class ShownCertificate(Model):
    """The certificate a port shows to who names no host. All but the port are None where it was not read."""

    port: int = Field(description="Port")
    subject: str | None = Field(default=None, description="Whom it names, as in RFC 4514")
    issuer: str | None = Field(default=None, description="Who signed it, as in RFC 4514")
    not_before: datetime | None = Field(default=None, description="Good from, UTC")
    not_after: datetime | None = Field(default=None, description="Good until, UTC")
    key_type: KeyType | None = Field(default=None, description="Kind of its key")
    key_bits: int | None = Field(default=None, description="Size of its key, bits")
    signature_hash: str | None = Field(default=None, description="Hash its signature rests on")
    self_signed: bool | None = Field(default=None, description="Signed by its own key")


class SshAlgorithm(Model):
    """One algorithm an SSH server offers before anybody has logged on."""

    port: int = Field(description="Port")
    use: Literal["key_exchange", "host_key", "cipher", "mac"] = Field(description="What for")
    name: str = Field(description="As SSH names it")


class Page(Model):
    """The first page of a web service."""

    port: int = Field(description="Port")
    title: str | None = Field(description="Its title; empty when it has none, None when no page came")
    default_of: str | None = Field(
        description="Product whose untouched first page this is, or folder listing; empty when it is none that we know"
    )


class Exposure(Fact):
    """Ports, services, TLS and pages of one address as seen over the network from the scanning machine."""

    NAME: ClassVar[str] = "exposure"

    address: str = Field(description="The address asked")
    method: Literal["syn", "connect"] = Field(description="How TCP ports were tried; connect where rasoat was not root")
    answered: bool = Field(
        description="At least one TCP port was open or refused; otherwise a firewall, or a guard that cut us off, hides everything"
    )
    asked_tcp_ports: tuple[int, ...] | None = Field(description="TCP ports tried, sorted; None when nmap gave up half way")
    open_tcp_ports: tuple[int, ...] | None = Field(description="TCP ports that accepted, sorted")
    silent_tcp_ports: tuple[int, ...] | None = Field(description="TCP ports from which nothing came back (filtered), sorted")
    open_udp_ports: tuple[int, ...] | None = Field(description="UDP ports that answered; None when UDP was not tried")
    services: tuple[Service, ...] | None = Field(description="One per open port, sorted")
    tls: tuple[Tls, ...] | None = Field(description="One per open port that speaks TLS")
    tls_ciphers: tuple[Cipher, ...] | None = Field(description="Every suite accepted; None when one service could not be tried")
    certificates: tuple[ShownCertificate, ...] | None = Field(description="One per open port that speaks TLS")
    ssh_algorithms: tuple[SshAlgorithm, ...] | None = Field(
        description="What its SSH servers offer; None when one of them could not be asked"
    )
    pages: tuple[Page, ...] | None = Field(description="First page of each web service")
    snmp_vendor: str | None = Field(
        default=None, description="Maker by the SNMPv3 engine id, told to anybody who asks; empty when SNMP did not answer"
    )
    not_listening_tcp_ports: tuple[int, ...] | None = Field(
        default=None,
        description="Open as seen from outside, but not in the host's own list of the same days; None without such a list",
    )
    listening_at: datetime | None = Field(default=None, description="When the host's own list was taken")


def outside(host: Host, result: Result, listening: tuple[frozenset[int], datetime] | str) -> Exposure:
    """One host of an nmap result. `listening`: the TCP ports the host itself says it exposes and when it said so, or why
    there is no such list."""
    gaps = Gaps()
    asked = frozenset(result.asked.get("tcp", ()))
    doors = [door for door in host.doors if door.protocol == "tcp"]
    if host.gave_up or not asked:
        why = "nmap ran out of time for this host" if host.gave_up else "its ports were not asked"
        return _unseen(host, result, gaps, why)
    opened = sorted(door.port for door in doors if door.state == "open")
    silent = _silent(host, doors, asked)
    if silent is None:
        gaps.note("silent_tcp_ports", "unparsable", "nmap did not name the ports that were silent")
    shown = [door for door in host.doors if door.state == "open"]
    tls = [door for door in shown if door.tls or "ssl-cert" in door.scripts or "ssl-enum-ciphers" in door.scripts]
    ssh = [door for door in shown if door.service == "ssh" or "ssh2-enum-algos" in door.scripts]
    web = [door for door in shown if door.service.startswith("http") or "http-title" in door.scripts]
    if isinstance(listening, str):
        gaps.note(("not_listening_tcp_ports", "listening_at"), "unsupported", listening)
    udp = "udp" in result.asked
    if not udp:
        gaps.note(("open_udp_ports", "snmp_vendor"), "denied", "UDP ports are tried only by root")
    return Exposure(
        address=host.address,
        method=_method(result),
        answered=bool(opened) or any(door.state == "closed" for door in doors) or _refused(host),
        asked_tcp_ports=tuple(sorted(asked)),
        open_tcp_ports=tuple(opened),
        silent_tcp_ports=silent,
        open_udp_ports=tuple(sorted(door.port for door in shown if door.protocol == "udp")) if udp else None,
        services=tuple(sorted((_service(door, gaps) for door in shown), key=lambda row: (row.protocol, row.port))),
        tls=tuple(_tls(door, gaps) for door in tls),
        tls_ciphers=_ciphers(tls, gaps),
        certificates=tuple(_certificate(door, gaps) for door in tls),
        ssh_algorithms=_algorithms(ssh, gaps),
        pages=tuple(_page(door, gaps) for door in web),
        snmp_vendor=_snmp_vendor(host, gaps) if udp else None,
        not_listening_tcp_ports=None if isinstance(listening, str) else tuple(p for p in opened if p not in listening[0]),
        listening_at=None if isinstance(listening, str) else listening[1],
        unseen=gaps.unseen,
    )


def _method(result: Result) -> Literal["syn", "connect"]:
    return "syn" if result.methods.get("tcp") == "syn" else "connect"


def _unseen(host: Host, result: Result, gaps: Gaps, why: str) -> Exposure:
    known = {"unseen", "address", "method", "answered"}
    fields = tuple(name for name in Exposure.model_fields if name not in known)
    gaps.note(fields, "unreachable", why)
    nothing = dict.fromkeys(fields)
    return Exposure.model_validate(
        {"address": host.address, "method": _method(result), "answered": False, **nothing, "unseen": gaps.unseen}
    )


def _refused(host: Host) -> bool:
    return any(rest.protocol == "tcp" and rest.state == "closed" for rest in host.rests)


def _silent(host: Host, doors: list[Door], asked: frozenset[int]) -> tuple[int, ...] | None:
    """None when the ports that nmap did not list cannot be told apart."""
    found = {door.port for door in doors if door.state == "filtered"}
    rests = [rest for rest in host.rests if rest.protocol == "tcp"]
    left = asked - {door.port for door in doors}
    if left and len({rest.state for rest in rests}) == 1:
        return tuple(sorted(found | left)) if rests[0].state == "filtered" else tuple(sorted(found))
    named = {port for rest in rests for port in rest.ports}
    if left != named:
        return None
    return tuple(sorted(found | {port for rest in rests if rest.state == "filtered" for port in rest.ports}))


def _service(door: Door, gaps: Gaps) -> Service:
    # tcpwrapped: it accepted and hung up
    name = door.service if door.service not in ("", "tcpwrapped", "unknown") else None
    if name is None:
        gaps.note("services[].name", "unparsable", "what speaks there did not introduce itself")
        gaps.note("services[].tls", "unparsable", "what speaks there did not introduce itself")
    product = " ".join(part for part in (door.product, door.version) if part) or None
    return Service.model_validate(
        {"protocol": door.protocol, "port": door.port, "name": name, "product": product, "tls": door.tls if name else None}
    )


# --- TLS ------------------------------------------------------------------------------------------------------------


def _tls(door: Door, gaps: Gaps) -> Tls:
    versions = {version for version, _name in _suites(door)}
    if not versions:
        gaps.note("tls[].versions", "unparsable", f"port {door.port}: TLS was not accepted as nmap spoke it")
        return Tls(port=door.port, versions=None)
    return Tls(port=door.port, versions=tuple(version for version in VERSIONS if version in versions))


def _suites(door: Door) -> Iterator[tuple[Version, str]]:
    script = door.scripts.get("ssl-enum-ciphers", ElementTree.Element("none"))
    for table in script.iterfind("table"):
        version = next((each for each in VERSIONS if each == table.get("key")), None)
        for cipher in table.iterfind("table[@key='ciphers']/table"):
            name = cipher.findtext("elem[@key='name']")
            if version and name:
                yield version, name


def _ciphers(doors: Iterable[Door], gaps: Gaps) -> tuple[Cipher, ...] | None:
    rows = []
    for door in doors:
        suites = tuple(_suites(door))
        if not suites:
            gaps.note("tls_ciphers", "unparsable", f"port {door.port}: TLS was not accepted as nmap spoke it")
            return None
        rows += [Cipher(port=door.port, version=version, name=name) for version, name in suites]
    return tuple(rows)


def _certificate(door: Door, gaps: Gaps) -> ShownCertificate:
    script = door.scripts.get("ssl-cert", ElementTree.Element("none"))
    try:
        facts = first_certificate(script.findtext("elem[@key='pem']") or "", f"port {door.port}")
    except CollectError as error:
        gaps.note(tuple(f"certificates[].{column}" for column in _CERTIFICATE), error.outcome, str(error))
        return ShownCertificate(port=door.port)
    values = facts._asdict()
    del values["fingerprint"]
    if facts.self_signed is None:
        gaps.note("certificates[].self_signed", "unsupported", unverified(f"port {door.port}", facts))
    return ShownCertificate(port=door.port, **values)


# --- SSH, web, SNMP -------------------------------------------------------------------------------------------------

_USES: dict[str, Literal["key_exchange", "host_key", "cipher", "mac"]] = {
    "kex_algorithms": "key_exchange",
    "server_host_key_algorithms": "host_key",
    "encryption_algorithms": "cipher",
    "mac_algorithms": "mac",
}


def _algorithms(doors: Iterable[Door], gaps: Gaps) -> tuple[SshAlgorithm, ...] | None:
    rows = []
    for door in doors:
        script = door.scripts.get("ssh2-enum-algos", ElementTree.Element("none"))
        found = [
            SshAlgorithm(port=door.port, use=use, name=each.text)
            for key, use in _USES.items()
            for each in script.iterfind(f"table[@key='{key}']/elem")
            if each.text
        ]
        if not {row.use for row in found} >= set(_USES.values()):
            gaps.note("ssh_algorithms", "unparsable", f"port {door.port}: its SSH server did not say all it offers")
            return None
        rows += found
    return tuple(rows)


def _page(door: Door, gaps: Gaps) -> Page:
    script = door.scripts.get("http-title")
    if script is None:
        gaps.note(("pages[].title", "pages[].default_of"), "unparsable", f"port {door.port}: no page came")
        return Page(port=door.port, title=None, default_of=None)
    title = " ".join(_letters(script.findtext("elem[@key='title']") or "").split())
    if not title and "doesn't have a title" not in script.get("output", ""):
        gaps.note(("pages[].title", "pages[].default_of"), "unparsable", f"port {door.port}: it sends visitors elsewhere")
        return Page(port=door.port, title=None, default_of=None)
    return Page(port=door.port, title=title[:200], default_of=default_of(title))


_ESCAPED = re.compile(r"(?:\\x[89A-F][0-9A-F])+")


def _letters(text: str) -> str:
    """nmap writes every byte beyond ASCII as \\xE1; a Vietnamese title would be unreadable."""
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[0].replace("\\x", "")).decode(errors="replace"), text)


@cache
def _default_titles() -> tuple[tuple[re.Pattern[str], str], ...]:
    rows = yaml.safe_load((files("collectors.facts") / "default_pages.yaml").read_text("utf-8"))
    return tuple((re.compile(row["title"]), row["product"]) for row in rows)


def default_of(title: str) -> str:
    """The product whose untouched page bears this title; empty for any other title."""
    return next((product for pattern, product in _default_titles() if pattern.fullmatch(title)), "")


def _snmp_vendor(host: Host, gaps: Gaps) -> str | None:
    door = next((each for each in host.doors if (each.protocol, each.port) == ("udp", 161)), None)
    if door is None or door.state != "open":
        return ""
    script = door.scripts.get("snmp-info", ElementTree.Element("none"))
    vendor = script.findtext("elem[@key='enterprise']")
    if vendor is None:
        gaps.note("snmp_vendor", "unparsable", "its SNMP answers without naming an engine")
    return vendor
