"""Discovery without a network: what may be asked, what tables say, what is merged, and what counts as silent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import discovery
from collectors.discovery import coverage, duplicates, merge, register, states
from collectors.discovery.outside import listening_of, snapshots
from collectors.discovery.ranges import Approved, RangesError, Window, parse
from collectors.discovery.sweep import Swept, sweep
from collectors.discovery.tables import Sighting, from_snapshots, leases, mac_of, vendors
from collectors.errors import CollectError, Unparsable, Unreachable, Unsupported
from collectors.inventory import Inventory, InventoryError
from collectors.inventory_import import import_nmap, proposed
from collectors.linux.neighbours import neighbours
from collectors.model import Kind, Record, Snapshot, Target, digest_of, new_id
from collectors.transports.nmap import Answer, Network, Nmap, target
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


# ── what reaches nmap ────────────────────────────────────────────────────────────────────────────────────────────────

INJECTIONS = (
    "-oN/tmp/x", "--script=exploit", "-iL/etc/passwd", "192.0.2.1 -oN x", "192.0.2.1\t-oN x", "192.0.2.1\n--script x", "--", "-",
    "192.0.2.1;id", "$(id)", "`id`", "a'b", 'a"b', "192.0.2.1-9", "192.0.2.*", "192.0.2.0/24,192.0.3.0/24", "fd99::0-2f", "", " ",
    "192.0.2.1/33", "192.0.2.5/24", "224.0.0.0/24", "ff02::1", "fe80::1%eth0", "host name", ".example", "-a.example", "１９２.0.2.1",
)  # fmt: skip


@pytest.mark.parametrize("word", INJECTIONS)
def test_what_is_no_address_no_cidr_and_no_name_is_refused_before_nmap(word: str) -> None:
    with pytest.raises(ValueError):
        target(word)


@given(st.text(max_size=40))
def test_only_networks_come_out_whatever_goes_in(word: str) -> None:
    try:
        found = target(word if not any(letter.isalpha() for letter in word) else f"-{word}")
    except (ValueError, Unreachable):
        return
    for each in found.networks:
        assert str(each) == str(ip_network(str(each)))
        assert not str(each).startswith("-")
        assert " " not in str(each)


def test_a_range_with_host_bits_is_told_what_was_meant() -> None:
    with pytest.raises(ValueError, match=r"did you mean 192\.0\.2\.0/24"):
        target("192.0.2.5/24")


def test_a_name_is_looked_up_here_not_by_nmap() -> None:
    assert all(each.network_address.is_loopback for each in target("localhost").networks)


def test_nmap_missing_is_said_with_the_package_to_install() -> None:
    with pytest.raises(Unsupported, match="apt install nmap"):
        Nmap(("/nonexistent/nmap",))


def test_a_program_that_is_no_nmap_is_no_nmap(tmp_path: Path) -> None:
    fake = tmp_path / "nmap"
    fake.write_text("#!/bin/sh\necho hello\n")
    fake.chmod(0o755)
    with pytest.raises(Unsupported, match="nmap is not installed"):
        Nmap((str(fake),))


def scripted(tmp_path: Path, body: str) -> Nmap:
    """An nmap that says what it is, notes its arguments, and then behaves as told."""
    fake = tmp_path / "nmap"
    fake.write_text(
        '#!/bin/sh\n[ "$1" = -V ] && { echo "Nmap version 7.93 ( https://nmap.org )"; exit 0; }\n'
        f'printf "%s\\n" "$@" > {tmp_path}/arguments\n{body}\n'
    )
    fake.chmod(0o755)
    scanner = Nmap((str(fake),))
    scanner.plain = True
    return scanner


def test_the_words_nmap_gets_are_constants_networks_and_numbers(tmp_path: Path) -> None:
    scanner = scripted(tmp_path, f"cat {DATA}/hosts.xml")
    answer = scanner.scan([NET], services=False, max_rate=77, timeout=60)
    assert (tmp_path / "arguments").read_text().split("\n")[:-1] == [
        "-oX", "-", "192.0.2.0/27", "-n", "-T4", "--max-retries", "2", "--host-timeout", "10m", "--min-rate", "77", "--max-rate", "77", "--unprivileged", "-sn",
    ]  # fmt: skip
    assert len(answer.result.hosts) == 4


def test_fewer_addresses_than_asked_is_no_answer(tmp_path: Path) -> None:
    """nmap reads some targets as nothing, says "0 hosts" and ends with 0."""
    scanner = scripted(tmp_path, f"cat {DATA}/hosts.xml; echo 'Failed to resolve \"x\".' >&2")
    with pytest.raises(Unparsable, match=r"32 of 256 addresses: Failed to resolve"):
        scanner.scan([ip_network("192.0.2.0/24")], services=False, max_rate=10, timeout=60)


@pytest.mark.parametrize(
    "body",
    ["exit 1", "echo '<nmaprun>'", "echo garbage; echo 'QUITTING!' >&2", "echo '<nmaprun></nmaprun>'", "printf '\\377' >&2"],
)
def test_a_run_that_brings_no_result_is_an_error(tmp_path: Path, body: str) -> None:
    with pytest.raises(CollectError):
        scripted(tmp_path, body).scan([NET], services=False, max_rate=10, timeout=60)


def test_a_run_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="not ready after 1 seconds"):
        scripted(tmp_path, "exec sleep 30").scan([NET], services=False, max_rate=10, timeout=1)


def test_root_that_may_not_send_raw_packets_falls_back_and_says_so(tmp_path: Path) -> None:
    scanner = scripted(
        tmp_path,
        f'case "$*" in *--unprivileged*) cat {DATA}/hosts.xml;; *) echo "Could not open a raw socket." >&2; exit 1;; esac',
    )
    scanner.plain = False
    assert scanner.scan([NET], services=False, max_rate=10, timeout=60).result.total == 32
    assert scanner.plain


# ── what may be asked ────────────────────────────────────────────────────────────────────────────────────────────────

GOOD = """
approval: {number: 12/QĐ-STTTT, date: 2026-11-01, until: 2027-03-31}
ranges: [192.0.2.0/24, 2001:db8:7::/112]
excluded: [192.0.2.77]
window: 22:00-05:00
max_rate: 120
largest: {ipv4: 25}
"""


def test_the_approved_ranges() -> None:
    found = parse(GOOD)
    assert found.approval is not None
    assert (found.approval.number, found.approval.date, found.max_rate) == ("12/QĐ-STTTT", date(2026, 11, 1), 120)
    assert found.window == Window(time(22), time(5))
    assert found.largest == {4: 25, 6: 112}


def test_every_mistake_in_the_file_is_told_at_once_with_its_line() -> None:
    text = "approval: {number: '', date: soon}\nranges: [192.0.2.5/24, -oN]\nexcluded: no\nwindow: 25:00-26:00\nmax_rate: fast\nrange: x\n"
    with pytest.raises(RangesError) as caught:
        parse(text, "ranges.yaml")
    lines = [problem.split(": ")[0] for problem in caught.value.problems]
    assert set(lines) == {f"ranges.yaml:{number}" for number in range(1, 7)}
    assert len(lines) >= 8


@pytest.mark.parametrize(
    "text", ["", "[]", "a: [", "ranges: []", "approval: {number: 1, date: 2026-11-01}", "ranges: [192.0.2.0/24]"]
)
def test_a_file_that_approves_nothing(text: str) -> None:
    with pytest.raises(RangesError, match=r"ranges\.yaml:\d+: "):
        parse(text)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("192.0.2.0/24", "too large"),
        ("192.0.3.0/25", "not inside the approved ranges"),
        ("192.0.2.0/23", "not inside"),
        ("2001:db8:8::/120", "not inside"),
        ("0.0.0.0/0", "too large"),
    ],
)
def test_ranges_that_are_refused(wanted: str, why: str) -> None:
    assert any(why in problem for problem in parse(GOOD).refusals([ip_network(wanted)], date(2026, 11, 28)))


def test_ranges_that_are_allowed_and_an_approval_that_has_ended() -> None:
    approved, mine = parse(GOOD), [ip_network("192.0.2.128/25"), ip_network("2001:db8:7::ff00/120")]
    assert list(approved.refusals(mine, date(2026, 11, 28))) == []
    assert "ended on 2027-03-31" in next(approved.refusals(mine, date(2027, 4, 1)))
    assert "begins on" in next(approved.refusals(mine, date(2026, 10, 31)))


@pytest.mark.parametrize("wanted", ["10.0.0.0/15", "2001:db8::/64"])
def test_the_house_limit_holds_without_a_file_too(wanted: str) -> None:
    assert "too large" in next(Approved().refusals([ip_network(wanted)], NOW.date()))


@given(st.lists(st.integers(0, 255), max_size=8), st.integers(24, 32))
def test_an_excluded_address_is_never_asked_and_no_other_is_lost(out: list[int], prefix: int) -> None:
    net = ip_network("192.0.2.0/24")
    excluded = tuple(ip_network(f"192.0.2.{each}/{prefix}", strict=False) for each in out)
    left = Approved(excluded=excluded).without_excluded(net)
    asked = [address for each in left for address in each]
    assert sorted(asked) == [address for address in net if not any(address in each for each in excluded)]


@pytest.mark.parametrize(
    ("window", "at", "left"),
    [
        ("22:00-05:00", "22:00", 7 * 3600),
        ("22:00-05:00", "04:59", 60),
        ("22:00-05:00", "05:00", 0),
        ("22:00-05:00", "21:59", 0),
        ("08:00-17:00", "12:00", 5 * 3600),
        ("08:00-17:00", "17:00", 0),
    ],
)
def test_the_window(window: str, at: str, left: float) -> None:
    found = parse(GOOD.replace("22:00-05:00", window)).window
    assert found is not None
    assert found.left(datetime.fromisoformat(f"2026-11-28T{at}:00").astimezone()) == left


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
