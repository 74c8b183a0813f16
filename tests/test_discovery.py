"""Discovery without a network: what may be asked, what tables say, what is merged, and what counts as silent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, time
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from collectors.discovery import result as discovery
from collectors.discovery.outside import listening_of, snapshots
from collectors.discovery.ranges import Approved, Window
from collectors.discovery.result import coverage, duplicates, merge, register, states
from collectors.discovery.sweep import Swept, sweep
from collectors.discovery.tables import Sighting, from_snapshots, leases, mac_of, vendors
from collectors.errors import CollectError, Unparsable, Unreachable
from collectors.inventory import Inventory, InventoryError
from collectors.inventory_import import import_nmap, proposed
from collectors.linux.neighbours import neighbours
from collectors.model import Kind, Record, Snapshot, Target, digest_of, new_id
from collectors.transports.nmap import Answer, Network
from collectors.transports.nmap_result import read
from collectors.transports.replay import ReplayShell

DATA = Path(__file__).parent / "data" / "nmap"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
NET = ip_network("192.0.2.0/27")


class Recorded:
    """A scanner that answers each piece from a recording, or with the error given for it."""

    def __init__(self, *answers: str | CollectError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Network, ...]] = []
        self.timeouts: list[float] = []
        self.rates: list[int] = []
        self.plain = False

    def scan(self, networks: Iterable[Network], services: bool, max_rate: int, timeout: float) -> Answer:
        self.asked.append(tuple(networks))
        self.timeouts.append(timeout)
        self.rates.append(max_rate)
        answer = self.answers.pop(0)
        if isinstance(answer, CollectError):
            raise answer
        text = (DATA / answer).read_text("utf-8")
        return Answer(read(text), "nmap ...", text, ())


# ── the sweep ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_range_is_asked_in_pieces_and_a_piece_that_fails_costs_only_itself() -> None:
    scanner = Recorded("hosts.xml", Unreachable("too slow"), Unparsable("odd"))
    swept = sweep(
        scanner, [ip_network("192.0.2.0/23"), ip_network("192.0.2.0/24"), ip_network("2001:db8::/120")], Approved(), at_once=1
    )
    assert [str(each[0]) for each in scanner.asked] == ["192.0.2.0/24", "192.0.3.0/24", "2001:db8::/120"]
    assert [(gap.where, gap.why, gap.detail) for gap in swept.gaps] == [
        ("192.0.3.0/24", "failed", "too slow"),
        ("2001:db8::/120", "failed", "odd"),
    ]
    counts = coverage(swept, [ip_network("192.0.2.0/23"), ip_network("2001:db8::/120")])
    assert (counts.wanted, counts.asked, counts.answered, counts.silent, counts.not_asked) == (768, 256, 4, 252, 512)


def test_pieces_asked_together_share_the_rate() -> None:
    scanner = Recorded(*["hosts.xml"] * 8)
    found = sweep(scanner, [ip_network("192.0.0.0/21")], Approved(max_rate=100))
    assert scanner.rates == [25] * 8
    assert (len(found.asked), found.gaps) == (8, ())


def test_nothing_is_begun_after_the_window_has_closed_and_a_run_ends_with_it() -> None:
    clock = iter([datetime(2026, 11, 28, 4, 50).astimezone(), datetime(2026, 11, 28, 5, 0, 1).astimezone()])
    scanner = Recorded("hosts.xml")
    approved = Approved(window=Window(time(22), time(5)))
    swept = sweep(scanner, [ip_network("192.0.2.0/23")], approved, now=lambda: next(clock), at_once=1)
    assert scanner.timeouts == [600.0]
    assert [(gap.addresses, gap.why, gap.detail) for gap in swept.gaps] == [(256, "window", "22:00-05:00")]
    assert not swept.was_asked("192.0.3.1")


def test_excluded_addresses_are_counted_as_not_asked() -> None:
    scanner = Recorded("hosts.xml")
    swept = sweep(scanner, [NET], Approved(excluded=(ip_network("192.0.2.8/29"), ip_network("192.0.2.20"))))
    assert sum(each.num_addresses for each in scanner.asked[0]) == 32 - 9
    assert not any(ip_address("192.0.2.20") in each for each in scanner.asked[0])
    assert coverage(swept, [NET]).not_asked == 9


# ── merging ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def swept(recording: str = "services.xml", asked: str = "192.0.2.0/27") -> Swept:
    text = (DATA / recording).read_text("utf-8")
    return Swept((Answer(read(text), "nmap ...", text, ()),), (ip_network(asked),), ())


KNOWN = Inventory(
    (
        Target(name="web", kind=Kind.SERVER, via="ssh", address="192.0.2.10"),
        Target(name="printer", kind=Kind.OTHER, via="ssh", address="192.0.2.12"),
        Target(name="quiet", kind=Kind.OTHER, via="ssh", address="192.0.2.13"),
        Target(name="branch", kind=Kind.ROUTER, via="ssh", address="198.51.100.1"),
        Target(name="gone.example", via="ssh"),
        Target(name="image", via="root", address="/mnt"),
    )
)


def nobody(name: str) -> tuple[Network, ...]:
    raise Unreachable(f"{name}: the name is not known")


def test_strangers_the_silent_and_the_not_asked_are_told_apart() -> None:
    known, tables = register(KNOWN, nobody), [Sighting("192.0.2.13", "00:00:0c:00:00:13", "quiet-pc", "port 7", "switch1")]
    hosts = merge(swept(), [NET], known, tables)
    assert [(host.address, host.known, host.answered) for host in hosts] == [
        ("192.0.2.10", "web", True),
        ("192.0.2.13", "quiet", False),
        ("192.0.2.20", None, True),
        ("192.0.2.30", None, True),
        ("192.0.2.31", None, True),
    ]
    assert {row.name: (row.state, row.why) for row in states(known, hosts, swept())} == {
        "web": ("answered", ""),
        "printer": ("silent", ""),
        "quiet": ("seen_in_tables", ""),
        "branch": ("not_asked", "elsewhere"),
        "gone.example": ("not_asked", "name_unknown"),
        "image": ("not_asked", "not_over_network"),
    }


def test_who_was_not_asked_is_never_silent() -> None:
    known = register(KNOWN, nobody)
    nothing = Swept((), (), ())
    assert {row.state for row in states(known, merge(nothing, [NET], known, ()), nothing)} == {"not_asked"}


def test_a_mac_table_shows_a_card_without_an_address_once_and_names_the_port_of_those_known() -> None:
    tables = [
        Sighting(None, "02:aa:00:00:00:01", where="Gi1/0/7", source="switch1"),
        Sighting(None, "00:00:0c:00:00:10", where="Gi1/0/3", source="switch1"),
        Sighting("fe80::1", "02:aa:00:00:00:01", source="neighbours"),
        Sighting("203.0.113.9", "02:aa:00:00:00:09", source="router1"),
    ]
    hosts = merge(swept(), [NET], None, tables)
    assert [(host.mac, host.seen_in) for host in hosts if host.address is None] == [
        ("02:aa:00:00:00:01", ("switch1 Gi1/0/7", "neighbours"))
    ]
    assert next(host for host in hosts if host.address == "192.0.2.10").seen_in == ("switch1 Gi1/0/3",)


def test_two_in_one_place() -> None:
    known = register(Inventory((*KNOWN.targets, Target(name="web2", via="ssh", address="192.0.2.10"))), nobody)
    tables = [
        Sighting("192.0.2.20", "02:ff:00:00:00:01"),
        Sighting("192.0.2.21", "02:00:00:00:00:30"),
        Sighting("2001:db8::1", "02:00:00:00:00:31"),
    ]
    hosts = merge(swept(), [NET], known, tables)
    assert [(each.what, each.subject, each.others) for each in duplicates(hosts, known, tables)] == [
        ("one_card_many_addresses", "02:00:00:00:00:30", ("192.0.2.21", "192.0.2.30")),
        ("one_address_many_cards", "192.0.2.20", ("02:00:00:00:00:20", "02:ff:00:00:00:01")),
        ("registered_twice", "192.0.2.10", ("web", "web2")),
    ]


def test_the_inventory_it_proposes_is_the_one_import_nmap_makes() -> None:
    hosts = merge(swept(), [NET], None, ())
    ours = proposed((host.name, host.address or "", host.ssh_ports, None) for host in hosts)
    assert ours == import_nmap((DATA / "services.xml").read_text("utf-8"))
    assert [target.name for target in ours.targets] == ["192.0.2.10"]


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────

DNSMASQ = """1796000000 00:00:0c:00:00:10 192.0.2.10 web 01:00:00:0c:00:00:10
1000000000 00:00:0c:00:00:11 192.0.2.11 old *
0 00:00:0c:00:00:12 192.0.2.12 * *
duid 00:01:00:01:2a
1796000000 12345 2001:db8::10 web6 00:01:00:01
"""
ISC = """# The format of this file is documented in the dhcpd.leases(5) manual page.
authoring-byte-order little-endian;
lease 192.0.2.10 {
  starts 6 2026/11/28 01:00:00;
  ends 6 2026/11/28 02:00:00;
  binding state active;
  hardware ethernet 00:00:0c:00:00:10;
}
lease 192.0.2.10 {
  starts 6 2026/11/28 11:00:00;
  ends 0 2026/11/29 11:00:00;
  binding state active;
  hardware ethernet 00:00:0c:00:00:99;
  client-hostname "laptop";
}
lease 192.0.2.11 {
  ends never;
  binding state free;
}
"""
KEA = """address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context
192.0.2.10,00:00:0c:00:00:10,,4000,1796000000,1,0,0,web,0,
192.0.2.11,00:00:0c:00:00:11,,4000,1000000000,1,0,0,old,0,
192.0.2.12,00:00:0c:00:00:12,,4000,1796000000,1,0,0,bad,1,
"""
WINDOWS = """#TYPE Microsoft.Management.Infrastructure.CimInstance
"IPAddress";"ClientId";"HostName";"AddressState"
"192.0.2.10";"00-00-0c-00-00-10";"WEB.tinh.example";"Active"
"192.0.2.11";"00-00-0c-00-00-11";"OLD";"Expired"
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            DNSMASQ,
            [("192.0.2.10", "00:00:0c:00:00:10", "web"), ("192.0.2.12", "00:00:0c:00:00:12", ""), ("2001:db8::10", None, "web6")],
        ),
        (ISC, [("192.0.2.10", "00:00:0c:00:00:99", "laptop")]),
        (KEA, [("192.0.2.10", "00:00:0c:00:00:10", "web")]),
        (WINDOWS, [("192.0.2.10", "00:00:0c:00:00:10", "WEB.tinh.example")]),
        ("", []),
    ],
)
def test_leases_as_servers_write_them(text: str, expected: list[tuple[str, str | None, str]]) -> None:
    """Authored from documentation: the formats of dnsmasq, dhcpd.leases(5), Kea's memfile, Export-Csv of PowerShell 5."""
    assert [(row.address, row.mac, row.name) for row in leases(text, "x/leases", NOW)] == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (DNSMASQ.replace("192.0.2.12", "nowhere"), "leases:3: "),
        (DNSMASQ[:30] + "\n" + DNSMASQ, "leases:1: "),
        (ISC[:-3], "leases: 3 leases begin and 2 are whole"),
        (ISC.replace("0 2026/11/29 11:00:00", "soon"), "leases:9: "),
        (KEA.replace("192.0.2.11", "x"), "leases:3: "),
        ("a,b\n1,2\n", "leases:1: no table of leases"),
    ],
)
def test_a_lease_that_is_not_understood_is_a_mistake_not_a_lease_less(text: str, line: str) -> None:
    with pytest.raises(InventoryError, match=line):
        leases(text, "leases", NOW)


@pytest.mark.parametrize("text", ["00:00:0C:00:00:10", "00-00-0c-00-00-10", "0000.0c00.0010", "0000-0c00-0010"])
def test_hardware_addresses_in_every_spelling(text: str) -> None:
    assert mac_of(text) == "00:00:0c:00:00:10"
    assert mac_of(text + "0") is None


def test_makers_come_from_nmaps_table_and_invented_addresses_have_none(tmp_path: Path) -> None:
    table = tmp_path / "prefixes"
    table.write_text("# comment\n00000C Cisco Systems\n020000 Nobody\n00000C00 x\n00000C000 Longer\n")
    assert vendors(["00:00:0c:00:00:10", "00:00:0c:ff:00:10", "02:00:00:00:00:01"], (str(tmp_path / "none"), str(table))) == {
        "00:00:0c:00:00:10": "Longer",
        "00:00:0c:ff:00:10": "Cisco Systems",
    }
    assert vendors(["00:00:0c:00:00:10"], (str(tmp_path / "none"),)) == {}


def snapshot(name: str, fact: str, data: dict[str, object], at: datetime = NOW, via: str = "ssh") -> Snapshot:
    record = Record(fact=fact, outcome="seen", data=data)  # type: ignore[arg-type]
    return Snapshot(
        id=new_id(), target=Target.model_validate({"name": name, "via": via}), collected_at=at, seconds=1, collector="1",
        privileged=True, records=(record,), digest=digest_of((record,)),
    )  # fmt: skip


def test_tables_of_devices_come_from_their_snapshots() -> None:
    arp = {"mac": "00:00:0c:00:00:10", "address": "192.0.2.10", "interface": "Vlan1", "vlan": None}
    mac = {"mac": "02:aa:00:00:00:01", "address": None, "interface": "Gi1/0/7", "vlan": 1}
    found = list(from_snapshots([snapshot("switch1", "neighbours", {"arp": [arp], "macs": [mac]}), snapshot("web", "clock", {})]))
    assert [(row.address, row.mac, row.where, row.source) for row in found] == [
        ("192.0.2.10", "00:00:0c:00:00:10", "Vlan1", "switch1"),
        (None, "02:aa:00:00:00:01", "Gi1/0/7", "switch1"),
    ]


def shell(**answers: object) -> ReplayShell:
    return ReplayShell({"about": "authored from documentation", **answers})


NEIGH = ["ip", "-json", "neigh", "show"]


def test_the_kernels_own_neighbours() -> None:
    rows = [
        {"dst": "192.0.2.10", "dev": "eth0", "lladdr": "00:00:0c:00:00:10", "state": ["REACHABLE"]},
        {"dst": "192.0.2.11", "dev": "eth0", "state": ["FAILED"]},
        {"dst": "fe80::1", "dev": "eth0", "lladdr": "00:00:0c:00:00:11", "router": None, "state": ["STALE"]},
    ]
    ask = [{"argv": NEIGH, "status": 0, "out": json.dumps(rows)}]
    assert [row.address for row in neighbours(shell(run=ask))] == ["192.0.2.10", "fe80::1"]
    arp = (
        "IP address       HW type     Flags       HW address            Mask     Device\n"
        "192.0.2.10       0x1         0x2         00:00:0c:00:00:10     *        eth0\n"
        "192.0.2.11       0x1         0x0         00:00:00:00:00:00     *        eth0\n"
    )
    missing = [{"argv": NEIGH, "status": 127}]
    assert [row.mac for row in neighbours(shell(run=missing, read={"/proc/net/arp": arp}))] == ["00:00:0c:00:00:10"]
    with pytest.raises(Unparsable):
        neighbours(shell(run=[{"argv": NEIGH, "status": 0, "out": "[{}"}]))


# ── as seen from outside ─────────────────────────────────────────────────────────────────────────────────────────────


def listening(name: str, ports: list[int], at: datetime) -> Snapshot:
    return snapshot(name, "listening", {"sockets": [], "exposed_tcp_ports": ports, "exposed_udp_ports": []}, at)


def test_each_host_becomes_a_target_of_its_own_compared_with_what_it_says_itself() -> None:
    hosts = merge(swept(), [NET], register(KNOWN, nobody), ())
    made = {
        each.target.name: each for each in snapshots(swept(), hosts, {"web": Kind.SERVER}, [listening("web", [22, 80], NOW)], NOW)
    }
    web, old = made["nmap:192.0.2.10"], made["nmap:192.0.2.20"]
    assert (web.target.kind, web.target.via, web.target.labels, old.target.kind) == (Kind.SERVER, "nmap", ("web",), Kind.OTHER)
    fact = Snapshot.from_bytes(web.to_bytes()).by_fact["exposure"].data
    assert fact is not None
    assert fact["not_listening_tcp_ports"] == [443]
    assert old.by_fact["exposure"].data is not None
    assert old.by_fact["exposure"].data["not_listening_tcp_ports"] is None
    assert web.problems() == []


def test_a_list_that_is_old_is_not_compared_with() -> None:
    new, old = (
        listening("web", [22], datetime(2026, 11, 27, tzinfo=UTC)),
        listening("web", [80], datetime(2026, 11, 1, tzinfo=UTC)),
    )
    assert listening_of("web", "192.0.2.10", [old, new], NOW) == (frozenset({22}), new.collected_at)
    assert "more than 7 days" in str(listening_of("web", "192.0.2.10", [old], NOW))
    assert "no snapshot of the host itself" in str(listening_of("other", "192.0.2.99", [new], NOW))


def test_hosts_whose_services_were_not_asked_give_no_snapshot() -> None:
    assert list(snapshots(swept("hosts.xml"), (), {}, (), NOW)) == []
    assert discovery.merge(swept("hosts.xml"), [NET], None, ())[0].open_tcp_ports is None
