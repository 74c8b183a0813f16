"""Lists of indicators against stored reports: what was seen, since when, what was not looked at; never "clean"."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from collectors.facts.listening import Listening, Socket
from collectors.model import Kind
from server.background.models import Job
from server.feeds.models import Feed
from server.feeds.store import swapped
from server.ingest.models import Machine, StoredSnapshot
from server.sweeps import codes, keep, state, tasks
from server.sweeps.models import Blocked, Looked, Sheet, Sighting
from tests.server import sweeping
from tests.server.people import Host, made
from tests.server.sweeping import activity, configuration, hosts_line, in_force, listed, look, record, reports, startup

pytestmark = [pytest.mark.on_both, pytest.mark.django_db]


def verdict(sheet: Sheet, machine: Machine) -> str:
    found: str = state.judged(Machine.objects.filter(pk=machine.pk), sheet).get().verdict
    return found


def seen(machine: Machine) -> dict[tuple[str, str], str]:
    return {(row.value, row.source): row.place for row in Sighting.objects.filter(machine=machine)}


def test_a_contact_is_seen_with_its_place_and_its_time(client: Any, host: Any) -> None:
    machine = reports(client, host, activity("203.0.113.77", "10.1.2.9"))
    sheet = listed(("ip", "203.0.113.77"), ("ip", "198.51.100.0/24"))
    assert seen(machine) == {("203.0.113.77", "connections"): "→ tcp 203.0.113.77 443 java"}
    row = Sighting.objects.get()
    assert machine.latest is not None
    assert (row.first, row.last, row.first_snapshot) == (machine.latest.orders_at, machine.latest.orders_at, machine.latest_id)
    assert (row.current, row.listed, row.exact, row.sheet) == (True, True, True, sheet)
    assert verdict(sheet, machine) == codes.SEEN
    assert (sheet.number, sheet.issuer, sheet.kinds) == (sweeping.NUMBER, "Cục A05", {"ip": 2})


@pytest.mark.parametrize(
    ("indicator", "record_of", "source"),
    [
        (("ip", "203.0.113.0/24"), lambda: activity("203.0.113.77"), "connections"),
        (("ip", "2001:db8:5::/48"), lambda: activity("2001:db8:5::9"), "connections"),
        (("ip", "203.0.113.53"), lambda: activity(dns_servers=("10.1.2.1", "203.0.113.53")), "dns-servers"),
        (("ip", "203.0.113.80"), lambda: activity(hosts=(hosts_line("203.0.113.80", "update.example.vn"),)), "hosts-file"),
        (("ip", "10.0.0.5"), lambda: activity(), "own-addresses"),
        (("ip", "203.0.113.90"), lambda: activity(startup=(startup("/etc/cron.d/x", "bash", hosts=("203.0.113.90",)),)), "startup"),
        (("domain", "evil.example"), lambda: activity(dns_cache=("c2.evil.example",)), "dns-cache"),
        (("domain", "evil.example"), lambda: activity(startup=(startup("/etc/rc.local", "curl", hosts=("evil.example",)),)), "startup"),
        (("domain", "xn--bcher-kva.example"), lambda: activity(dns_cache=("Bücher.example.",)), "dns-cache"),
        (("process", "xmrig.exe"), lambda: activity(processes=("XMRig.exe", "systemd")), "processes"),
        (("process", "kdevtmpfsi.sh"), lambda: activity(startup=(startup("/etc/crontab", "kdevtmpfsi.sh"),)), "startup"),
    ],
)  # fmt: skip
def test_every_source_is_looked_at(client: Any, host: Any, indicator: tuple[str, str], record_of: Any, source: str) -> None:
    machine = reports(client, host, record_of())
    sheet = listed(indicator)
    assert [(value, where) for value, where in seen(machine)] == [(indicator[1], source)]
    assert verdict(sheet, machine) == codes.SEEN


def test_not_seen_is_said_of_a_report_and_only_where_every_source_was_looked_at(client: Any, host: Any, another: Any) -> None:
    whole = reports(client, host, activity("10.1.2.9"))
    blind = reports(client, another("khong-du-quyen"), activity("10.1.2.9", gone=("connections", "startup")))
    old = reports(client, another("chuong-trinh-cu"))
    sheet = listed(("ip", "203.0.113.77"), ("domain", "evil.example"))
    assert [verdict(sheet, one) for one in (whole, blind, old)] == [codes.NOT_SEEN, codes.NOT_KNOWN, codes.NOT_KNOWN]
    looked = Looked.objects.get(machine=blind)
    assert {(one.source, one.reason) for one in looked.missing_for(("ip",))} == {
        ("connections", "denied: connections: permission denied"), ("startup", "denied: startup: permission denied"),
    }  # fmt: skip
    assert "hosts-file" in looked.sources
    assert blind.latest is not None
    assert looked.reported_at == blind.latest.orders_at
    missing = Looked.objects.get(machine=old).missing_for(("domain",))
    assert {one.source for one in missing} == {"dns-cache", "hosts-file", "startup"}
    assert all(one.reason == codes.ABSENT and one.why for one in missing)
    assert state.numbers(Machine.objects.all(), [sheet]) == {sheet.pk: {"seen": 0, "not-seen": 1, "not-known": 2}}


def test_lists_counted_at_once_say_what_is_said_of_each_machine(client: Any, host: Any, another: Any) -> None:
    reports(client, host, activity("203.0.113.77", gone=("dns_cache",)))
    reports(client, another("trang"), activity("10.1.2.9"))
    reports(client, another("mot-phan"), activity("10.1.2.9", dns_cache=("files.example",)))
    reports(client, another("khong-du-quyen"), activity(gone=("startup",)))
    gone = reports(client, another("da-thoi"), activity("203.0.113.77"))
    in_force(("ip", "203.0.113.77"), number="a")
    in_force(("domain", "evil.example"), ("process", "falcon-sensor-bad.elf"), number="b")
    in_force(("domain", "evil.example"), ("url", "http://files.example/x"), number="c")
    in_force(("ip", "203.0.113.77"), ("domain", "files.example"), number="d")
    look()
    reports(client, another("chua-xem"), activity())
    Machine.objects.filter(pk=gone.pk).update(retired_at=gone.created_at)
    machines = Machine.objects.filter(retired_at=None)
    found = state.numbers(Machine.objects.all(), Sheet.objects.all())
    for sheet in Sheet.objects.all():
        said = Counter(one.verdict for one in state.judged(machines, sheet))
        assert found[sheet.pk] == {word: said[word] for word in codes.VERDICTS}, sheet.number
    assert {sheet.number: tuple(found[sheet.pk].values()) for sheet in Sheet.objects.all()} == {
        "a": (1, 2, 2), "b": (0, 2, 3), "c": (0, 0, 5), "d": (2, 1, 2),
    }  # fmt: skip


NEEDED = {"connections": "ip", "dns_servers": "ip", "hosts": "ip", "startup": "ip", "dns_cache": "domain", "processes": "process"}


@pytest.mark.parametrize("field", NEEDED)
def test_whatever_is_taken_away_nothing_becomes_not_seen(client: Any, host: Any, field: str) -> None:
    values = {"ip": "203.0.113.77", "domain": "evil.example", "process": "evil.elf"}
    machine = reports(client, host, activity(gone=(field,)), age=timedelta(hours=1))
    sheet = listed((NEEDED[field], values[NEEDED[field]]))
    assert verdict(sheet, machine) == codes.NOT_KNOWN
    reports(client, host, activity())
    look()
    assert verdict(sheet, machine) == codes.NOT_SEEN


def test_what_containers_are_connected_with_is_not_known(client: Any, host: Any) -> None:
    machine = reports(client, host, activity("198.51.100.7", processes=("systemd", "containerd-shim")))
    sheet = listed(("ip", "203.0.113.77"))
    assert verdict(sheet, machine) == codes.NOT_KNOWN
    assert [one.reason for one in Looked.objects.get().missing_for(("ip",))] == [codes.CONTAINERS]
    assert verdict(listed(("ip", "198.51.100.7"), number="seen"), machine) == codes.SEEN


def test_where_it_was_not_seen_whether_containers_run_connections_are_not_known(client: Any, host: Any) -> None:
    machine = reports(client, host, activity("198.51.100.7", gone=("processes",)))
    assert verdict(listed(("ip", "203.0.113.77")), machine) == codes.NOT_KNOWN
    assert [one.reason for one in Looked.objects.get().missing_for(("ip",))] == ["denied: processes: permission denied"]
    assert verdict(listed(("ip", "198.51.100.7"), number="seen"), machine) == codes.SEEN


def test_where_nothing_keeps_the_names_that_were_asked_for_no_domain_is_not_seen(client: Any, host: Any) -> None:
    machine = reports(client, host, activity(dns_cache=()))
    assert verdict(listed(("domain", "evil.example")), machine) == codes.NOT_KNOWN
    assert [one.reason for one in Looked.objects.get().missing_for(("domain",))] == [codes.NOT_KEPT]
    assert verdict(listed(("ip", "203.0.113.77"), number="b"), machine) == codes.NOT_SEEN


def test_where_a_line_fetches_from_a_host_that_is_not_told_no_domain_is_not_seen(client: Any, host: Any) -> None:
    record_of = activity(cut=("startup[].hosts",), startup=(startup("/etc/crontab", "curl"),))
    machine = reports(client, host, record_of)
    assert verdict(listed(("domain", "evil.example")), machine) == codes.NOT_KNOWN


@pytest.mark.parametrize("field", ["connections", "hosts", "startup", "processes"])
def test_of_a_list_that_was_cut_nothing_is_not_seen(client: Any, host: Any, field: str) -> None:
    values = {"ip": "203.0.113.77", "domain": "evil.example", "process": "evil.elf"}
    kind = NEEDED[field]
    machine = reports(client, host, activity("198.51.100.7", cut=(field,)))
    assert verdict(listed((kind, values[kind])), machine) == codes.NOT_KNOWN
    assert "unsupported: " + field + ": cut" in {one.reason for one in Looked.objects.get().missing_for((kind,))}
    assert verdict(listed(("ip", "198.51.100.7"), number="seen"), machine) == codes.SEEN


def test_a_list_that_names_hashes_or_web_addresses_is_never_wholly_not_seen(client: Any, host: Any) -> None:
    machine = reports(client, host, activity())
    for number, (kind, value) in enumerate((("sha256", "ab" * 32), ("md5", "ab" * 16), ("url", "http://evil.example/a"))):
        sheet = listed(("ip", "203.0.113.77"), (kind, value), number=f"list {number}")
        assert verdict(sheet, machine) == codes.NOT_KNOWN
        looked = Looked.objects.get(machine=machine)
        assert looked.ip, "of its address it could be told"
        assert verdict(listed((kind, value), number=f"alone {number}"), machine) == codes.NOT_KNOWN
        assert [one.why for one in looked.missing_for((kind,))]


def test_the_host_of_a_web_address_and_a_cut_name_are_traces_and_no_proof(client: Any, host: Any) -> None:
    machine = reports(client, host, activity(dns_cache=("files.example",), processes=("systemd", "falcon-sensor-b")))
    urls = listed(("url", "https://files.example/x/evil.zip"), number="web")
    names = listed(("process", "falcon-sensor-bad.elf"), number="names")
    assert {row.value: row.exact for row in Sighting.objects.filter(machine=machine)} == {
        "https://files.example/x/evil.zip": False, "falcon-sensor-bad.elf": False,
    }  # fmt: skip
    assert verdict(urls, machine) == verdict(names, machine) == codes.NOT_KNOWN


def test_a_name_that_the_hosts_file_sends_to_nowhere_is_not_a_contact(client: Any, host: Any) -> None:
    machine = reports(client, host, activity(hosts=(hosts_line("0.0.0.0", "evil.example"),)))
    assert verdict(listed(("domain", "evil.example")), machine) == codes.NOT_SEEN


def test_names_that_only_end_alike_are_other_names(client: Any, host: Any) -> None:
    machine = reports(client, host, activity(dns_cache=("notevil.example", "evil.example.vn", "example")))
    assert verdict(listed(("domain", "evil.example")), machine) == codes.NOT_SEEN


def test_programs_that_listen_show_one_and_prove_no_absence(client: Any, host: Any) -> None:
    socket = made(Socket, protocol="tcp", address="0.0.0.0", port=4444, exposed=True, process="evil.elf")
    machine = reports(client, host, record(made(Listening, sockets=(socket,), exposed_tcp_ports=(4444,), exposed_udp_ports=())))
    assert verdict(listed(("process", "evil.elf"), number="a"), machine) == codes.SEEN
    assert verdict(listed(("process", "other.elf"), number="b"), machine) == codes.NOT_KNOWN


def test_a_later_report_that_does_not_show_it_takes_nothing_back(client: Any, host: Any) -> None:
    first = reports(client, host, activity("203.0.113.77"), age=timedelta(hours=3))
    sheet = listed(("ip", "203.0.113.77"))
    machine = reports(client, host, activity("10.1.2.9"), age=timedelta(hours=1))
    assert look() == {"looked": 1, "failed": 0, "new": 0}
    row = Sighting.objects.get()
    assert (row.current, row.last_snapshot) == (False, first.latest_id)
    assert verdict(sheet, machine) == codes.SEEN
    machine = reports(client, host, activity("203.0.113.77"))
    look()
    row.refresh_from_db()
    assert (row.current, row.first_snapshot, row.last_snapshot) == (True, first.latest_id, machine.latest_id)


def test_what_a_report_does_not_change_is_not_written_again(client: Any, host: Any) -> None:
    reports(client, host, activity("203.0.113.77"), age=timedelta(hours=3))
    listed(("ip", "203.0.113.77"))
    reports(client, host, activity("10.1.2.9"), age=timedelta(hours=1))
    look()
    reports(client, host, activity("10.1.2.9"))
    with CaptureQueriesContext(connection) as asked:
        assert look()["looked"] == 1
    assert not [one["sql"] for one in asked if one["sql"].startswith('UPDATE "sweeps_sighting"')]


def test_reports_between_two_looks_are_looked_at_too(client: Any, host: Any) -> None:
    reports(client, host, activity(), age=timedelta(hours=9))
    sheet = listed(("ip", "203.0.113.77"))
    shows = reports(client, host, activity("203.0.113.77"), age=timedelta(hours=5))
    machine = reports(client, host, activity())
    assert look()["new"] == 1
    row = Sighting.objects.get()
    assert (row.first_snapshot, row.last_snapshot, row.current) == (shows.latest_id, shows.latest_id, False)
    assert verdict(sheet, machine) == codes.SEEN


def test_another_edition_of_a_list_is_looked_for_in_what_is_stored(client: Any, host: Any) -> None:
    machine = reports(client, host, activity("203.0.113.77", "198.51.100.7"))
    listed(("ip", "203.0.113.77"))
    snapshots = machine.snapshots.count()
    sheet = listed(("ip", "198.51.100.7"))
    assert {row.value: row.listed for row in Sighting.objects.all()} == {"203.0.113.77": False, "198.51.100.7": True}
    assert Sheet.objects.count() == 1
    assert verdict(sheet, machine) == codes.SEEN
    assert machine.snapshots.count() == snapshots
    assert look() == {}, "nothing changed since"


def test_a_list_that_was_not_held_against_a_machine_yet_is_not_known(client: Any, host: Any) -> None:
    machine = reports(client, host, activity())
    sheet = listed(("ip", "203.0.113.77"))
    assert verdict(sheet, machine) == codes.NOT_SEEN
    Looked.objects.update(book="of other lists")
    assert verdict(sheet, machine) == codes.NOT_KNOWN


def test_a_swap_of_a_list_asks_for_the_look_and_other_feeds_do_not() -> None:
    for kind, asked in (("debian", 0), ("indicators", 1), ("indicators", 1)):
        feed = Feed.objects.get_or_create(name=f"of {kind}", defaults={"kind": kind})[0]
        swapped.send(sender=Feed, feed=feed)
        assert Job.objects.filter(name="sweeps.look").count() == asked
    assert not Job.objects.filter(name="sweeps.weigh").exists()


def test_a_job_killed_between_slices_goes_on_where_it_stood(
    client: Any, host: Any, another: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines = [reports(client, one, activity("203.0.113.77")) for one in (host, another("may-2"), another("may-3"))]
    in_force(("ip", "203.0.113.77"))
    monkeypatch.setattr(tasks, "SLICE", 1)
    kept, calls = keep.keep, []

    def dies_once(*told: Any) -> Any:
        calls.append(told)
        found = kept(*told)
        if len(calls) == 2:
            raise OSError("the disk is full")
        return found

    monkeypatch.setattr(keep, "keep", dies_once)
    job = tasks.look.enqueue(by="test")
    with pytest.raises(OSError, match="full"):
        sweeping.run(tasks.look, job)
    assert Sighting.objects.count() == Job.objects.get(pk=job.pk).done == 1
    assert sweeping.run(tasks.look, job) == {"looked": 3, "failed": 0, "new": 3}
    assert Sighting.objects.count() == 3
    assert {verdict(Sheet.objects.get(), one) for one in machines} == {codes.SEEN}


def test_a_report_that_cannot_be_opened_is_counted_and_stops_no_other(client: Any, host: Any, another: Any) -> None:
    bad, good = reports(client, host, activity()), reports(client, another("may-2"), activity("203.0.113.77"))
    StoredSnapshot.objects.filter(pk=bad.latest_id).update(sealed=b"broken")
    sheet = listed(("ip", "203.0.113.77"))
    assert verdict(sheet, good) == codes.SEEN
    assert verdict(sheet, bad) == codes.NOT_KNOWN


def test_a_newer_report_that_was_not_looked_at_is_not_known(client: Any, host: Any) -> None:
    machine = reports(client, host, activity(), age=timedelta(hours=1))
    sheet = listed(("ip", "203.0.113.77"))
    assert verdict(sheet, machine) == codes.NOT_SEEN
    machine = reports(client, host, activity("203.0.113.77"))
    assert verdict(sheet, machine) == codes.NOT_KNOWN, "what it shows is not looked at yet"
    StoredSnapshot.objects.filter(pk=machine.latest_id).update(sealed=b"broken")
    assert look()["failed"] == 1
    assert verdict(sheet, machine) == codes.NOT_KNOWN


def test_a_firewall_holds_a_list_when_all_of_it_stands_in_its_configuration(client: Any, another: Any) -> None:
    fortios = """config firewall address
    edit "bn-1"
        set subnet 203.0.113.7 255.255.255.255
    next
    edit "bn-2"
        set subnet 198.51.100.0 255.255.255.0
    next
    edit "bn-3"
        set comment "203.0.113.8 la cua nguoi khac"
        set type fqdn
        set fqdn "evil.example"
    next
end
"""
    wall: Host = another("tuong-lua", kind=Kind.FIREWALL)
    machine = reports(client, wall, configuration(fortios), age=timedelta(hours=2))
    sheet = listed(
        ("ip", "203.0.113.7"), ("ip", "198.51.100.0/24"), ("domain", "evil.example"), ("ip", "203.0.113.8"), ("md5", "ab" * 16)
    )
    row = Blocked.objects.get(machine=machine, sheet=sheet)
    assert (row.entries, row.held, row.whole_since, row.known) == (4, 3, None, True)
    whole = reports(client, wall, configuration(fortios + "set subnet 203.0.113.8 255.255.255.255\n"), age=timedelta(hours=1))
    look()
    row.refresh_from_db()
    assert whole.latest is not None
    assert (row.held, row.whole_since) == (4, whole.latest.orders_at)
    reports(client, wall, configuration(fortios + "set subnet 203.0.113.8 255.255.255.255\n! x\n"))
    look()
    row.refresh_from_db()
    assert row.whole_since == whole.latest.orders_at, "since the first report with all of them"


def test_of_a_firewall_whose_configuration_was_not_seen_nothing_is_said(client: Any, another: Any) -> None:
    wall = another("tuong-lua", kind=Kind.FIREWALL)
    machine = reports(client, wall)
    listed(("ip", "203.0.113.7"))
    row = Blocked.objects.get(machine=machine)
    assert (row.held, row.known, row.reason) == (None, False, codes.ABSENT)


def test_what_a_firewall_fetches_by_itself_may_hold_the_rest(client: Any, another: Any) -> None:
    text = 'config system external-resource\n edit "ncsc"\n  set resource "https://feeds.example/ip.txt"\n'
    machine = reports(client, another("tuong-lua", kind=Kind.FIREWALL), configuration(text))
    listed(("ip", "203.0.113.7"))
    row = Blocked.objects.get(machine=machine)
    assert (row.held, row.known, row.fetched) == (0, False, "config system external-resource")


def test_an_empty_line_in_a_configuration_hides_nothing(client: Any, another: Any) -> None:
    text = "hostname tuong-lua\n\n   \n***\naccess-list 1 deny host 203.0.113.7\n"
    machine = reports(client, another("tuong-lua", kind=Kind.FIREWALL), configuration(text))
    listed(("ip", "203.0.113.7"))
    assert Blocked.objects.get(machine=machine).held == 1


def test_only_firewalls_are_asked_for_lists(client: Any, host: Any) -> None:
    reports(client, host, configuration("203.0.113.7"))
    listed(("ip", "203.0.113.7"))
    assert not Blocked.objects.exists()


def test_every_word_has_a_text() -> None:
    named = {source for sources in codes.LOOKED_IN.values() for source in sources}
    assert named <= set(codes.SOURCES)
    assert set(codes.LOOKED_IN) == set(codes.KINDS)
    assert set(codes.NEVER) <= named
