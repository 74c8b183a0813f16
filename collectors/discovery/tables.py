"""What other tables say is on the network: DHCP leases, ARP and MAC tables of devices, the kernel's own neighbours.

Every importer gives the same rows. A line that is not understood is a mistake, not a line less: a lease that went missing
would make its machine look unknown.
"""

from __future__ import annotations

import csv
import io
import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from collectors.inventory import InventoryError
from collectors.model import Snapshot

MAC_PREFIXES = ("/usr/share/nmap/nmap-mac-prefixes", "/usr/local/share/nmap/nmap-mac-prefixes")
"""Who makes cards with which beginning (IEEE): comes with nmap and is as fresh as it."""

_SECONDS = re.compile(r"[0-9]{1,12}")
"""A moment in Unix time."""


class Sighting(NamedTuple):
    """One line of a table: somebody was seen. Either address or mac may be unknown, not both."""

    address: str | None
    mac: str | None
    name: str = ""
    where: str = ""
    """Port or interface, in the words of the table."""
    source: str = ""
    """Which table: `neighbours`, `dhcp FILE`, `NAME` of the device whose table it is."""


def mac_of(text: str) -> str | None:
    """aa:bb:cc:dd:ee:ff out of any usual spelling (aa-bb-.., aabb.ccdd.eeff, aabb-ccdd-eeff); None for anything else."""
    digits = re.sub(r"[-:.]", "", text.strip().lower())
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2)) if re.fullmatch(r"[0-9a-f]{12}", digits) else None


def from_snapshots(snapshots: Iterable[Snapshot]) -> Iterator[Sighting]:
    """ARP and MAC tables of devices that were looked at before."""
    for snapshot in snapshots:
        record = snapshot.by_fact.get("neighbours")
        data = record.data if record is not None and record.outcome == "seen" and record.data else {}
        for table in ("arp", "macs"):
            rows = data.get(table)
            for row in rows if isinstance(rows, list) else ():
                if isinstance(row, dict) and (row.get("address") or row.get("mac")):
                    mac = mac_of(str(row.get("mac") or ""))
                    address = row.get("address")
                    where = str(row.get("interface") or "")
                    yield Sighting(str(address) if address else None, mac, where=where, source=snapshot.target.name)


def read_leases(path: Path, now: datetime) -> tuple[Sighting, ...]:
    """A file of DHCP leases: dnsmasq, ISC dhcpd, or a CSV table (Kea's memfile, Windows' Export-Csv). Leases that have ended
    are left out. Raises InventoryError with every mistake."""
    from collectors.inventory_import import decoded

    try:
        text = decoded(path.read_bytes())
    except OSError as error:
        raise InventoryError([f"{path}: {error.strerror}"]) from None
    return leases(text, str(path), now)


def leases(text: str, name: str, now: datetime) -> tuple[Sighting, ...]:
    """The same from text."""
    source = f"dhcp {Path(name).name}"
    problems: list[str] = []
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    if re.search(r"(?m)^\s*lease\s+[0-9.]+\s*\{", text) or first.startswith(("authoring-byte-order", "server-duid")):
        rows = _isc(text, name, now, problems)
    elif re.match(r"\d+ |duid ", first):
        rows = _dnsmasq(text, name, now, problems)
    elif not first:
        return ()
    else:
        rows = _csv(text, name, now, problems)
    found = tuple(row._replace(source=source) for row in rows)
    if problems:
        raise InventoryError(problems)
    return found


def _dnsmasq(text: str, name: str, now: datetime, problems: list[str]) -> list[Sighting]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split()
        if not parts or parts[0] in ("duid", "#"):
            continue
        if len(parts) < 4 or not _SECONDS.fullmatch(parts[0]) or not _is_address(parts[2]):
            problems.append(f"{name}:{number}: not a lease as dnsmasq writes it: time, hardware address, address, name")
            continue
        # 0: never ends; IPv6 leases have an association id where the hardware address stands
        if parts[0] == "0" or int(parts[0]) > now.timestamp():
            mac = mac_of(parts[1].rpartition("-")[2] if re.match(r"[0-9a-f]{2}-[0-9a-f]{2}:", parts[1]) else parts[1])
            found.append(Sighting(parts[2], mac, "" if parts[3] == "*" else parts[3]))
    return found


_LEASE = re.compile(r"(?m)^\s*lease\s+(\S+)\s*\{(.*?)^\s*\}", re.S)


def _isc(text: str, name: str, now: datetime, problems: list[str]) -> list[Sighting]:
    """A journal: the last word about an address is the one that holds."""
    last: dict[str, Sighting | None] = {}
    opened = len(re.findall(r"(?m)^\s*lease\s", text))
    blocks = list(_LEASE.finditer(text))
    if opened != len(blocks):
        problems.append(f"{name}: {opened} leases begin and {len(blocks)} are whole; the file is cut or damaged")
    for block in blocks:
        address, body = block[1], block[2]
        number = text.count("\n", 0, block.start(1)) + 1
        card = re.search(r"(?m)^\s*hardware\s+\S+\s+([0-9a-fA-F:]+);", body)
        ends = re.search(r"(?m)^\s*ends\s+([^;]+);", body)
        state = re.search(r"(?m)^\s*binding state\s+(\w+);", body)
        called = re.search(r'(?m)^\s*client-hostname\s+"([^"]*)";', body)
        until = _isc_time(ends[1]) if ends else None
        if not _is_address(address) or (ends and until is None):
            problems.append(f"{name}:{number}: lease {address}: not understood")
            continue
        active = (state is None or state[1] == "active") and (until is None or until > now)
        last[address] = Sighting(address, mac_of(card[1]) if card else None, called[1] if called else "") if active else None
    return [row for row in last.values() if row is not None]


def _isc_time(text: str) -> datetime | None:
    """`4 2026/11/26 10:00:00` (UTC), `epoch 1795...; # ...`, `never`."""
    words = text.split()
    try:
        if words[0] == "never":
            return datetime.max.replace(tzinfo=UTC)
        if words[0] == "epoch":
            return datetime.fromtimestamp(int(words[1]), UTC)
        return datetime.strptime(" ".join(words[1:3]), "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC)
    except (ValueError, IndexError, OverflowError, OSError):
        return None


_COLUMNS = {
    "address": ("ipaddress", "ip address", "ip", "address"),
    "mac": ("clientid", "hwaddr", "mac", "mac address", "hardware address", "unique id"),
    "name": ("hostname", "host name", "name"),
    "state": ("addressstate", "state"),
    "expire": ("expire", "leaseexpirytime"),
}


def _csv(text: str, name: str, now: datetime, problems: list[str]) -> list[Sighting]:
    lines = text.splitlines(keepends=True)
    # PowerShell 5 writes its type into the first line
    skipped = 1 if lines[0].startswith("#TYPE") else 0
    mark = max(",;\t", key=lines[skipped].count)
    rows = csv.reader(io.StringIO("".join(lines[skipped:]), newline=""), delimiter=mark)
    heading = [cell.strip().lower() for cell in next(rows, [])]
    place = {key: next((heading.index(word) for word in words if word in heading), None) for key, words in _COLUMNS.items()}
    if place["address"] is None or place["mac"] is None:
        problems.append(
            f"{name}:{skipped + 1}: no table of leases: a column of addresses and one of hardware addresses is needed"
        )
        return []
    found: dict[str, Sighting | None] = {}
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        told = {key: row[at].strip() if at is not None and at < len(row) else "" for key, at in place.items()}
        if not _is_address(told["address"]):
            problems.append(f"{name}:{rows.line_num + skipped}: {told['address']!r} is no address")
            continue
        # Kea: 0 is in use, 1 declined, 2 ended; Windows: Active, ActiveReservation, Expired, Declined ...
        over = told["state"].lower() not in ("", "0", "active", "activereservation", "inactivereservation") or (
            _SECONDS.fullmatch(told["expire"]) is not None and 0 < int(told["expire"]) <= now.timestamp()
        )
        found[told["address"]] = None if over else Sighting(told["address"], mac_of(told["mac"]), told["name"])
    return [row for row in found.values() if row is not None]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def vendors(macs: Iterable[str], files: Sequence[str] = MAC_PREFIXES) -> dict[str, str]:
    """mac -> maker of the card, for those whose beginning nmap's table knows. A card that made up its address has none."""
    wanted: dict[str, list[str]] = {}
    for mac in set(macs):
        if not int(mac[1], 16) & 2:
            digits = mac.replace(":", "").upper()
            for length in (9, 7, 6):
                wanted.setdefault(digits[:length], []).append(mac)
    found: dict[str, tuple[int, str]] = {}
    for path in files if wanted else ():
        try:
            with Path(path).open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    prefix, _, maker = line.rstrip("\n").partition(" ")
                    for mac in wanted.get(prefix, ()):
                        found[mac] = max(found.get(mac, (0, "")), (len(prefix), maker))
        except OSError:
            continue
        break
    return {mac: maker for mac, (_length, maker) in found.items()}
