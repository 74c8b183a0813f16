"""Other systems' lists of machines, read into rows. Every mistake at once, as file:line; nothing is half read.

ad         Get-ADComputer ... | Export-Csv: Name, DNSHostName, Enabled, OperatingSystem
dhcp       leases of ISC dhcpd, dnsmasq, Kea, Windows (collectors/discovery/tables.py)
csv        a table with a heading line, Vietnamese or English
discovery  the JSON of `rasoat discover`
"""

from __future__ import annotations

import csv
import io
import ipaddress
import unicodedata
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from collectors.discovery.result import Discovery
from collectors.discovery.tables import leases, mac_of
from collectors.inventory import InventoryError
from collectors.inventory_import import decoded
from collectors.model import MACHINES
from server.coverage.models import DHCP, DIRECTORY, NETWORK, REGISTER

MAX_ROWS = 200_000
MAX_BYTES = 64 * 1024 * 1024


class Line(NamedTuple):
    """One that a list says is there."""

    name: str
    mac: str = ""
    address: str = ""
    kind: str = ""
    unit: str = ""
    """Code or name of its unit, where the list says it."""
    where: str = ""
    """file:line, for what is said about it later."""

    @property
    def hostname(self) -> str:
        return label_of(self.name)


class Read(NamedTuple):
    """A list, read."""

    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    """What was left out, and why."""


class ListError(ValueError):
    """The list cannot be used. `problems`: each with its place."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems[:50]))


def label_of(name: str) -> str:
    """What two spellings of a machine's name have in common: its first label in lower case. Empty for an address."""
    bare = unicodedata.normalize("NFC", name).strip().rstrip(".").lower()
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        return bare.partition(".")[0]
    return ""


def read(source: str, raw: bytes, name: str, now: datetime) -> Read:
    """The lines of a list of that kind. Raises ListError."""
    if len(raw) > MAX_BYTES:
        raise ListError([f"{name}: {len(raw)} bytes, at most {MAX_BYTES} are read"])
    try:
        text = decoded(raw)
        found = _READERS[source](text, name, now)
    except InventoryError as error:
        # an undecodable file names its line only
        raise ListError(line if line.startswith(name) else f"{name}: {line}" for line in error.problems) from None
    except UnicodeDecodeError as error:
        raise ListError([f"{name}: not UTF-16 as its first bytes say: {error.reason}"]) from None
    if len(found.lines) > MAX_ROWS:
        raise ListError([f"{name}: {len(found.lines)} lines, at most {MAX_ROWS} are taken"])
    if not found.lines:
        raise ListError([f"{name}: holds no machine; an empty list would say that none is expected any more"])
    return found


def _dhcp(text: str, name: str, now: datetime) -> Read:
    rows = leases(text, name, now)
    return Read(tuple(Line(row.name or row.address or "", row.mac or "", row.address or "", where=name) for row in rows), ())


def _discovery(text: str, name: str, now: datetime) -> Read:
    try:
        seen = Discovery.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ListError([f"{name}: not a result of `rasoat discover --output`: {place}: {first['msg']}"]) from None
    kept = [one for one in seen.hosts if not one.own]
    lines = tuple(
        Line(one.known or one.name or one.address or one.mac or "", one.mac or "", one.address or "", where=name) for one in kept
    )
    gaps = f"{name}: {seen.coverage.not_asked} addresses of the ranges were not asked" if seen.coverage.not_asked else ""
    return Read(lines, (gaps,) if gaps else ())


_AD = {
    "name": ("name", "cn", "samaccountname"),
    "dns": ("dnshostname",),
    "enabled": ("enabled",),
    "system": ("operatingsystem",),
    "address": ("ipv4address",),
}
_TABLE = {
    "name": ("name", "hostname", "host name", "computer name", "tên máy", "tên máy tính", "tên thiết bị", "tên"),
    "mac": ("mac", "mac address", "địa chỉ mac"),
    "address": ("address", "ip", "ip address", "địa chỉ ip", "địa chỉ"),
    "kind": ("kind", "type", "loại", "loại thiết bị"),
    "unit": ("unit", "unit code", "đơn vị", "mã đơn vị"),
}
_KINDS = {
    "server": "server", "máy chủ": "server",
    "workstation": "workstation", "máy trạm": "workstation", "máy tính": "workstation", "pc": "workstation", "laptop": "workstation",
    "máy tính xách tay": "workstation", "máy tính để bàn": "workstation",
    "router": "router", "bộ định tuyến": "router",
    "switch": "switch", "thiết bị chuyển mạch": "switch", "chuyển mạch": "switch",
    "firewall": "firewall", "tường lửa": "firewall", "thiết bị tường lửa": "firewall",
    "other": "other", "khác": "other", "máy in": "other", "printer": "other",
}  # fmt: skip
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")


def _directory(text: str, name: str, now: datetime) -> Read:
    rows, problems = _table(text, name, _AD, need=("name",))
    lines, off = [], 0
    for where, told in rows:
        enabled = told.get("enabled", "").lower()
        if enabled in _NO:
            off += 1
            continue
        if enabled and enabled not in _YES:
            problems.append(f"{where}: Enabled: {told['enabled']!r} is neither True nor False")
            continue
        called = told.get("dns") or told.get("name", "").rstrip("$")
        system = told.get("system", "").lower()
        kind = "server" if "server" in system else "workstation" if "windows" in system else ""
        lines.append(_line(called, "", told.get("address", ""), kind, "", where, problems))
    if problems:
        raise ListError(problems)
    return Read(_once(lines), (f"{name}: {off} accounts that are switched off were left out",) if off else ())


def _register(text: str, name: str, now: datetime) -> Read:
    rows, problems = _table(text, name, _TABLE, need=("name", "mac"))
    lines = []
    for where, told in rows:
        kind = unicodedata.normalize("NFC", told.get("kind", "")).lower()
        if kind and kind not in _KINDS:
            problems.append(f"{where}: {told['kind']!r} is no kind; one of {', '.join(MACHINES)}")
            continue
        lines.append(
            _line(told.get("name", ""), told.get("mac", ""), told.get("address", ""), _KINDS.get(kind, ""), told.get("unit", ""), where, problems)
        )  # fmt: skip
    if problems:
        raise ListError(problems)
    return Read(_once(lines), ())


def _line(name: str, mac: str, address: str, kind: str, unit: str, where: str, problems: list[str]) -> Line:
    card = mac_of(mac) if mac else ""
    if card is None:
        problems.append(f"{where}: {mac!r} is no hardware address")
    try:
        address = str(ipaddress.ip_address(address)) if address else ""
    except ValueError:
        problems.append(f"{where}: {address!r} is no address")
    if not (name or card):
        problems.append(f"{where}: neither a name nor a hardware address")
    if len(name) > 253 or any(ord(letter) < 32 for letter in name):
        problems.append(f"{where}: {name[:40]!r} is no name of a machine")
    return Line(
        unicodedata.normalize("NFC", name) or card or "", card or "", address, kind, unicodedata.normalize("NFC", unit), where
    )


def _once(lines: list[Line]) -> tuple[Line, ...]:
    """A machine that stands in a list twice is one; the later line completes the earlier. PC01 of two units is two."""
    found: dict[tuple[str, str], Line] = {}
    for line in lines:
        key = ("", line.mac) if line.mac else (line.unit, line.name.lower())
        before = found.get(key)
        found[key] = line if before is None else Line(*(old or new for old, new in zip(before, line, strict=True)))
    return tuple(found.values())


def _table(text: str, name: str, columns: dict[str, tuple[str, ...]], need: tuple[str, ...]) -> tuple[list[tuple[str, dict[str, str]]], list[str]]:  # fmt: skip
    """(where, cells by meaning) of each row under the heading, and the mistakes."""
    lines = text.splitlines(keepends=True)
    skipped = 1 if lines and lines[0].startswith("#TYPE") else 0  # PowerShell 5 writes its type first
    if len(lines) <= skipped:
        raise ListError([f"{name}: is empty"])
    mark = max(",;\t", key=lines[skipped].count)
    rows = csv.reader(io.StringIO("".join(lines[skipped:]), newline=""), delimiter=mark, strict=True)
    problems: list[str] = []
    told: list[tuple[str, dict[str, str]]] = []
    try:
        heading = [unicodedata.normalize("NFC", cell).strip().lower() for cell in next(rows, [])]
        place = {key: next((heading.index(word) for word in words if word in heading), None) for key, words in columns.items()}
        if all(place[key] is None for key in need):
            wanted = " / ".join(columns[key][0] for key in need)
            raise ListError([f"{name}:{skipped + 1}: no column {wanted} among: {', '.join(filter(None, heading)) or '-'}"])
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            where = f"{name}:{rows.line_num + skipped}"
            if len(row) > len(heading):
                problems.append(f"{where}: {len(row)} columns, the heading has {len(heading)}")
                continue
            told.append((where, {key: row[at].strip() for key, at in place.items() if at is not None and at < len(row)}))
    except csv.Error as error:
        problems.append(f"{name}:{rows.line_num + skipped}: {error}")
    return told, problems


_READERS: dict[str, Callable[[str, str, datetime], Read]] = {
    DIRECTORY: _directory,
    DHCP: _dhcp,
    REGISTER: _register,
    NETWORK: _discovery,
}
