"""What runs on a Windows machine now, what starts by itself, and whom does it speak with?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv6Address, ip_address
from typing import Final

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.activity import Activity, Connection, HostsLine, Startup, cut, hosts_of, in_order, went_first
from collectors.facts.base import Gaps, once
from collectors.transports.base import Shell
from collectors.windows.document import Document, Section, document
from collectors.windows.services import lasting, services

_LISTEN: Final = 2
_STATES: Final = frozenset({*range(1, 13), 100})
"""MSFT_NetTCPConnection.State: 1 closed to 12 about to be deleted; 100 bound, and without a peer yet."""
_SYSTEM: Final = 4
_CNAME: Final = 5
_PLACEHOLDERS: Final = frozenset({"fec0:0:0:ffff::1", "fec0:0:0:ffff::2", "fec0:0:0:ffff::3"})
"""What Windows lists for an interface that was given no name server of IPv6."""
_PLACES: Final = ("startup_keys", "startup_folders", "startup_tasks", "startup_services")
_FILE: Final = re.compile(r"[^\\/:*?\"<>|\x00-\x1f]{1,110}")
_HOST: Final = re.compile(r"[\w.:-]{1,253}")
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,255}")


def activity(shell: Shell) -> Activity:
    """Nothing is asked over the network."""
    answers = document(shell)
    gaps = Gaps()
    programs = once(lambda: _programs(answers))
    lines = once(lambda: _hosts_lines(answers))
    names = gaps.attempt("processes", lambda: tuple(sorted(set(programs().values()))))
    peers = gaps.attempt("connections", lambda: _connections(answers, {} if names is None else programs()))
    if peers and any(one.process is None for one in peers):
        gaps.note(
            "connections[].process",
            "unsupported",
            "the list of processes does not name the program of some, which may have ended",
        )
    return Activity(
        processes=cut(gaps, "processes", names),
        connections=in_order(cut(gaps, "connections", peers)),
        dns_servers=gaps.attempt("dns_servers", lambda: _dns_servers(answers)),
        dns_cache=cut(gaps, "dns_cache", gaps.attempt("dns_cache", lambda: _dns_cache(answers, lines()))),
        hosts=cut(gaps, "hosts", gaps.attempt("hosts", lambda: _hosts(lines()))),
        startup=cut(gaps, "startup", gaps.attempt("startup", lambda: _startup(answers, gaps))),
        unseen=gaps.unseen,
    )


def _programs(answers: Document) -> dict[int, str]:
    """Process number -> name of its file. Number 0 is no program. Raises Unparsable where the list cannot be all of them."""
    found = {}
    for row in answers.section("images").rows():
        number, name = row.number("ProcessId"), row.text("Name")
        if number is None or name is None:
            raise Unparsable("images: a process without its number or its name")
        if number:
            found[number] = name
    if _SYSTEM not in found:
        raise Unparsable("images: System, which every Windows runs, is not listed: the list is not whole")
    return found


# --- connections --------------------------------------------------------------------------------------------------------


def _connections(answers: Document, programs: Mapping[int, str]) -> tuple[Connection, ...]:
    """Those of TCP: Windows does not tell the peers of UDP."""
    rows = answers.section("connections").rows()
    if strange := {row.number("State") for row in rows} - _STATES:
        raise Unparsable(f"connections: {strange.pop()} is no state of TCP")
    doors = {_end(row, "Local")[1] for row in rows if row.number("State") == _LISTEN}
    if not doors:
        raise Unparsable("connections: nothing listens, and no running Windows is without its RPC")
    found = (_peer(row, doors, programs) for row in rows if row.number("State") != _LISTEN)
    return went_first({one for one in found if one is not None})


def _peer(row: Section, doors: set[int], programs: Mapping[int, str]) -> Connection | None:
    """None: the other end is this machine, or there is none yet."""
    address, port = _end(row, "Remote")
    here = _end(row, "Local")[1]
    other = ip_address(address)
    if other.is_loopback or other.is_unspecified:
        return None
    incoming = here in doors
    return Connection(
        protocol="tcp",
        address=address,
        port=here if incoming else port,  # the peer's port of what came in is a number of the moment
        incoming=incoming,
        process=programs.get(row.number("OwningProcess") or 0),
    )


def _end(row: Section, side: str) -> tuple[str, int]:
    text, port = row.text(f"{side}Address") or "", row.number(f"{side}Port")
    if port is None or not 0 <= port <= 65535:
        raise Unparsable(f"connections: {side.lower()} port {port}")
    return _address("connections", text), port


def _address(name: str, text: str) -> str:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        raise Unparsable(f"{name}: {text[:60]!r} is no address") from None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


# --- names --------------------------------------------------------------------------------------------------------------


def _dns_servers(answers: Document) -> tuple[str, ...]:
    """Those of the interfaces, then those of rules that send some names elsewhere."""
    texts = [text for row in answers.section("dns_servers").rows() for text in row.texts("ServerAddresses")]
    for rule in answers.section("dns_rules").rows():
        for name in ("GenericDNSServers", "DirectAccessDNSServers"):
            texts += [word.strip() for text in rule.texts(name) for word in text.split(";") if word.strip()]
    found = [_address("dns_servers", text) for text in texts]
    servers = tuple(dict.fromkeys(one for one in found if one not in _PLACEHOLDERS))
    if servers and all(ip_address(one).is_loopback for one in servers):
        raise Unsupported("names are asked of a resolver on this machine; which servers that one asks was not read")
    return servers


def _dns_cache(answers: Document, hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Windows puts the names of the hosts file into the cache though nobody asked for them: those are told with that file."""
    client = services(answers).get("dnscache")
    if client is None or not client.running:
        raise Unsupported("dns_cache: the service DNS Client does not run, so nothing keeps the names that are asked for")
    put = {_plain(name) for line in hosts for name in line.split()[1:]}
    found: set[str] = set()
    for row in answers.section("dns_cache").rows():
        entry, kind = row.text("Entry"), row.number("Type")
        if entry is None:
            raise Unparsable("dns_cache: a record that does not tell which name was asked for")
        told = [entry, row.text("Name") or entry, (row.text("Data") if kind == _CNAME else None) or entry]
        if strange := next((name for name in told if not _NAME.fullmatch(name)), None):
            raise Unparsable(f"dns_cache: {strange[:60]!r} is no name")
        names = {_plain(name) for name in told}
        if _plain(entry) not in put:
            found |= names
    return tuple(sorted(found - {""}))


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


def _hosts_lines(answers: Document) -> tuple[str, ...]:
    """Without comments, each with an address first: what Windows makes of another line is not known."""
    lines = tuple(line for line in answers.section("hosts_file").texts("lines") if line.strip())
    for line in lines:
        _address("hosts_file", line.split()[0])
    return lines


def _hosts(lines: Iterable[str]) -> tuple[HostsLine, ...]:
    return hosts_of("\n".join(lines))


# --- what starts by itself ----------------------------------------------------------------------------------------------


def _startup(answers: Document, gaps: Gaps) -> tuple[Startup, ...]:
    """Places that could not be looked at are noted of the rows; None only where none could be."""
    found: set[Startup] = set()
    reasons: list[CollectError] = []
    for place in _PLACES:
        try:
            found.update(_lines(answers, place, reasons))
        except CollectError as error:
            reasons.append(error)
    if reasons and not found:
        raise reasons[0]
    if reasons:
        gaps.note("startup[]", reasons[0].outcome, "; ".join(str(one) for one in reasons))
    return tuple(sorted(found, key=lambda one: (one.place, one.programs, one.hosts)))


def _lines(answers: Document, place: str, reasons: list[CollectError]) -> Iterator[Startup]:
    known = services(answers) if place == "startup_services" else {}
    section = answers.section(place)
    if place == "startup_tasks" and not section.number("tasks"):
        raise Unparsable("startup_tasks: no task at all, and no Windows is without")
    if place == "startup_keys":
        people, seen = section.number("people"), section.number("people_seen")
        if people is None or seen is None:
            raise Unparsable("startup_keys: how many people have worked here is not told")
        if seen < people:
            reasons.append(
                Unsupported(f"startup_keys: keys of {people - seen} of {people} people are there only while they are logged on")
            )
    rows = section.rows()
    unnamed = sum(row.yes("named") is not True for row in rows)
    if unnamed:
        reasons.append(Unparsable(f"{place}: of {unnamed} lines the program cannot be told from its arguments"))
    for row in rows:
        line = _line(row, place)
        if line.programs or line.hosts:
            yield line.model_copy(update={"place": f"service {lasting(line.place, known)}"}) if known else line


def _line(row: Section, section: str) -> Startup:
    """Arguments are left where they are: a text that is no name of a file or host is nothing that the script may send."""
    place, programs, hosts = row.text("place"), row.texts("programs"), row.texts("hosts")
    if place is None or not all(map(_FILE.fullmatch, programs)) or not all(map(_HOST.fullmatch, hosts)):
        raise Unparsable(f"{section}: a line that holds something else than names")
    return Startup(place=place, programs=tuple(dict.fromkeys(programs)), hosts=tuple(dict.fromkeys(hosts)))
