"""What an nmap XML result says, as typed rows. Reads nmap's own document, because python-nmap's dictionary drops the half of it
that matters here: whether a port speaks TLS, the certificate itself, and what became of the ports that are not listed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from xml.etree import ElementTree

from collectors.errors import Unparsable

MAX_BYTES = 64 * 1024 * 1024
MOST_PORT = 65535
"""A /24 whose hosts all have every service is about 5 MB."""

_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")


class Door(NamedTuple):
    """One port that nmap names one by one."""

    protocol: str
    port: int
    state: str
    """open, closed, filtered (no answer, or an answer that forbids), open|filtered (UDP: no answer), unfiltered."""
    service: str
    """What speaks there, in nmap's words; empty where only the port number would tell."""
    product: str
    version: str
    tls: bool
    """The service was found inside TLS."""
    scripts: Mapping[str, ElementTree.Element]


class Rest(NamedTuple):
    """The ports nmap did not list because too many are in the same state. `ports` is empty where it does not name them."""

    protocol: str
    state: str
    ports: tuple[int, ...]


class Host(NamedTuple):
    """One host that is up."""

    address: str
    mac: str | None
    vendor: str | None
    reason: str
    """Why nmap believes that it is up: arp-response, echo-reply, syn-ack, localhost-response ..."""
    gave_up: bool
    """Its time ran out: what is said of its ports is worth nothing."""
    doors: tuple[Door, ...]
    rests: tuple[Rest, ...]


class Result(NamedTuple):
    """One run of nmap."""

    hosts: tuple[Host, ...]
    methods: Mapping[str, str]
    """Protocol -> how its ports were asked: syn, connect, udp."""
    asked: Mapping[str, tuple[int, ...]]
    """Protocol -> the ports asked."""
    total: int
    """Addresses nmap looked at."""


def read(text: str) -> Result:
    """Raises Unparsable when this is no complete result: a document cut short would make hosts look silent."""
    if len(text) > MAX_BYTES:
        raise Unparsable(f"nmap: more than {MAX_BYTES} bytes of result")
    if "<!ENTITY" in text:
        raise Unparsable("nmap: the result declares entities, which nmap never does")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  (no entities: checked above)
    except ElementTree.ParseError as error:
        raise Unparsable(f"nmap: the result is not XML: {error}") from None
    finished, counts = root.find("runstats/finished"), root.find("runstats/hosts")
    if root.tag != "nmaprun" or finished is None or counts is None:
        raise Unparsable("nmap: the result has no end")
    if finished.get("exit") != "success":
        raise Unparsable(f"nmap did not finish: {finished.get('errormsg', 'no reason given')}")
    infos = [(info.get("protocol", ""), info) for info in root.iter("scaninfo")]
    try:
        return Result(
            hosts=tuple(_host(host) for host in root.iter("host") if _up(host)),
            methods={protocol: info.get("type", "") for protocol, info in infos},
            asked={protocol: _numbers(info.get("services", "")) for protocol, info in infos},
            total=int(counts.get("total", "")),
        )
    except ValueError as error:
        raise Unparsable(f"nmap: {error}") from None


def _up(host: ElementTree.Element) -> bool:
    status = host.find("status")
    return status is not None and status.get("state") == "up"


def _host(host: ElementTree.Element) -> Host:
    addresses = {each.get("addrtype"): each for each in host.iter("address")}
    own = addresses.get("ipv4", addresses.get("ipv6"))
    if own is None:
        raise ValueError("a host without an address")
    card, status = addresses.get("mac"), host.find("status")
    mac = card.get("addr", "") if card is not None else ""
    return Host(
        address=own.get("addr", ""),
        mac=mac.lower() if _MAC.fullmatch(mac) else None,
        vendor=card.get("vendor") if card is not None else None,
        reason=status.get("reason", "") if status is not None else "",
        gave_up=host.get("timedout") == "true",
        doors=tuple(map(_door, host.iterfind("ports/port"))),
        rests=tuple(_rests(host)),
    )


def _door(port: ElementTree.Element) -> Door:
    state, service = port.find("state"), port.find("service")
    if state is None:
        raise ValueError("a port without a state")
    told = service if service is not None and service.get("method") == "probed" else ElementTree.Element("none")
    return Door(
        protocol=port.get("protocol", ""),
        port=int(port.get("portid", "")),
        state=state.get("state", ""),
        service=told.get("name", ""),
        product=told.get("product", ""),
        version=told.get("version", ""),
        tls=told.get("tunnel") == "ssl",
        scripts={script.get("id", ""): script for script in port.iterfind("script")},
    )


def _rests(host: ElementTree.Element) -> Iterator[Rest]:
    for extra in host.iterfind("ports/extraports"):
        for reason in extra.iterfind("extrareasons"):
            yield Rest(reason.get("proto", "tcp"), extra.get("state", ""), _numbers(reason.get("ports", "")))


def _numbers(text: str) -> tuple[int, ...]:
    """1,3-5 -> 1, 3, 4, 5. Raises ValueError."""
    found: list[int] = []
    for part in filter(None, text.split(",")):
        low, _, high = part.partition("-")
        first, last = int(low), int(high or low)
        if not 0 <= first <= last <= MOST_PORT:
            raise ValueError(f"{part} is no range of ports")
        found += range(first, last + 1)
    return tuple(found)
