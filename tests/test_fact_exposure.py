"""What recorded results of nmap say of an address, and what the checks make of it. The results were recorded by tests/netns.py's
hosts: real servers, documentation addresses."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from baselines.evaluate import try_example
from baselines.loader import check_examples, load_texts
from baselines.model import Baseline, Check, Example
from collectors.errors import Unparsable
from collectors.facts.exposure import Exposure, default_of, outside
from collectors.transports.nmap_result import read

DATA = Path(__file__).parent / "data" / "nmap"
NO_LIST = "no list"


def exposure(address: str, recording: str = "services.xml", change: tuple[str, str] = ("", "")) -> Exposure:
    text = (DATA / recording).read_text("utf-8")
    assert change[0] in text
    result = read(text.replace(*change) if change[0] else text)
    return next(outside(host, result, NO_LIST) for host in result.hosts if host.address == address)


def test_a_web_server_with_ssh() -> None:
    fact = exposure("192.0.2.10")
    assert (fact.method, fact.answered, fact.open_tcp_ports, fact.open_udp_ports) == ("syn", True, (22, 80, 443), ())
    assert [(row.port, row.name, row.tls) for row in fact.services or ()] == [
        (22, "ssh", False),
        (80, "http", False),
        (443, "http", True),
    ]
    assert [(row.port, row.versions) for row in fact.tls or ()] == [(443, ("TLSv1.2", "TLSv1.3"))]
    assert [(row.port, row.title, row.default_of) for row in fact.pages or ()] == [
        (80, "Welcome to nginx!", "nginx"),
        (443, "Cổng thông tin", ""),
    ]
    (shown,) = fact.certificates or ()
    assert (shown.subject, shown.key_type, shown.key_bits, shown.signature_hash, shown.self_signed) == (
        "CN=web.example", "rsa", 2048, "sha256", True,
    )  # fmt: skip
    offered = {(row.use, row.name) for row in fact.ssh_algorithms or ()}
    assert {("key_exchange", "diffie-hellman-group1-sha1"), ("cipher", "aes128-cbc"), ("host_key", "ssh-ed25519")} <= offered


def test_an_old_box_with_telnet_old_tls_and_snmp() -> None:
    fact = exposure("192.0.2.20")
    assert (fact.open_tcp_ports, fact.open_udp_ports, fact.snmp_vendor) == ((23, 8443), (161,), "net-snmp")
    assert [row.versions for row in fact.tls or ()] == [("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")]
    assert any("anon" in row.name for row in fact.tls_ciphers or ())
    (shown,) = fact.certificates or ()
    # its own signature rests on SHA-1, which no library verifies: that is not the same as "signed by another"
    assert (shown.key_bits, shown.signature_hash, shown.self_signed) == (1024, "sha1", None)
    assert any(gap.field == "certificates[].self_signed" for gap in fact.unseen)


def test_a_host_that_drops_everything_has_not_answered() -> None:
    fact = exposure("192.0.2.30")
    assert (fact.answered, fact.open_tcp_ports, fact.silent_tcp_ports) == (False, (), fact.asked_tcp_ports)


def test_a_port_whose_service_says_nothing_is_not_known_to_be_without_tls() -> None:
    fact = exposure("192.0.2.31")
    assert [(row.port, row.name, row.tls) for row in fact.services or ()] == [(9000, None, None)]
    assert fact.answered
    assert 9000 not in (fact.silent_tcp_ports or ())
    assert 22 not in (fact.silent_tcp_ports or ())
    assert 80 in (fact.silent_tcp_ports or ())


def test_without_root_udp_is_not_tried_and_says_so() -> None:
    fact = exposure("192.0.2.10", "services-plain.xml")
    assert (fact.method, fact.open_tcp_ports, fact.open_udp_ports, fact.snmp_vendor) == ("connect", (22, 80, 443), None, None)
    assert {gap.field: gap.outcome for gap in fact.unseen}["open_udp_ports"] == "denied"


def test_ipv6_is_no_different() -> None:
    assert exposure("2001:db8:7::10", "services6.xml").open_tcp_ports == exposure("192.0.2.10").open_tcp_ports


def test_a_host_that_nmap_gave_up_on_shows_nothing() -> None:
    text = (DATA / "services.xml").read_text("utf-8")
    result = read(re.sub(r"<host (starttime)", r'<host timedout="true" \1', text))
    fact = outside(result.hosts[0], result, NO_LIST)
    assert (fact.answered, fact.open_tcp_ports, fact.services, fact.tls) == (False, None, None, None)
    assert {"open_tcp_ports", "services", "tls", "pages"} <= {gap.field for gap in fact.unseen}


def test_what_is_open_without_being_listened_on() -> None:
    result = read((DATA / "services.xml").read_text("utf-8"))
    at = datetime(2026, 11, 28, tzinfo=UTC)
    fact = outside(result.hosts[0], result, (frozenset({22, 443}), at))
    assert (fact.not_listening_tcp_ports, fact.listening_at) == ((80,), at)


def test_a_script_that_did_not_answer_leaves_its_part_unseen() -> None:
    for script, fields in {
        "ssl-enum-ciphers": {"tls[].versions", "tls_ciphers"},
        "ssl-cert": {"certificates[].not_after"},
        "ssh2-enum-algos": {"ssh_algorithms"},
        "http-title": {"pages[].title", "pages[].default_of"},
    }.items():
        fact = exposure("192.0.2.10", change=(f'<script id="{script}"', '<script id="another"'))
        assert fields <= {gap.field for gap in fact.unseen}, script


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_result_cut_short_is_no_result(share: float) -> None:
    text = (DATA / "services.xml").read_text("utf-8")
    with pytest.raises(Unparsable):
        read(text[: int(len(text) * share)])


@pytest.mark.parametrize(
    ("old", "new"),
    [('exit="success"', 'exit="error" errormsg="no room"'), ("<runstats>", "<other>"), ("<!DOCTYPE nmaprun>", '<!DOCTYPE n [<!ENTITY a "b">]>')],
)  # fmt: skip
def test_a_result_that_is_none(old: str, new: str) -> None:
    with pytest.raises(Unparsable):
        read((DATA / "hosts.xml").read_text("utf-8").replace(old, new))


@pytest.mark.parametrize(
    ("title", "product"),
    [
        ("Welcome to nginx!", "nginx"),
        ("Apache2 Ubuntu Default Page: It works", "Apache"),
        ("IIS Windows Server", "IIS"),
        ("Apache Tomcat/9.0.1", "Tomcat"),
        ("Index of /", "folder listing"),
        ("Directory listing for /", "folder listing"),
        ("Cổng thông tin điện tử tỉnh", ""),
        ("", ""),
    ],
)
def test_titles_of_pages_nobody_has_set_up(title: str, product: str) -> None:
    assert default_of(title) == product


# ── the checks ───────────────────────────────────────────────────────────────────────────────────────────────────────

STANDARD = """
id: toy
title: {vi: Bộ thử, en: Toy}
version: "1"
edition: Toy
status: {vi: Thử, en: Test}
levels: {1: {title: {vi: Một, en: One}}}
"""
GROUPS = """
groups:
  - id: outside
    reference_id: outside
    title: {vi: Bên ngoài, en: Outside}
    part: technical
    clauses: {1: "1"}
    requirements:
      - id: outside.all
        reference_id: all
        levels: [1]
        title: {vi: Nhìn từ ngoài, en: From outside}
        confidence: derived
        kinds: [server, workstation, router, switch, firewall]
        coverage: automated
        checks: [%s]
"""


def pack() -> Baseline:
    checks = (Path(__file__).parents[1] / "baselines" / "checks" / "exposure.yaml").read_text("utf-8")
    names = ", ".join(re.findall(r"(?m)^- id: (\S+)", checks))
    return load_texts({"toy/standard.yaml": STANDARD, "toy/outside.yaml": GROUPS % names, "checks/exposure.yaml": checks})


def test_the_examples_of_every_check_come_out() -> None:
    assert check_examples(pack()) == []


AFTER = datetime(2026, 12, 1, tzinfo=UTC)
"""After the recordings, whose certificates were a few seconds old."""


def judged(check: Check, fact: Exposure) -> str:
    verdict, _why = try_example(check, Example(verdict="pass", seen={"exposure": fact.model_dump(mode="json")}, at=AFTER))
    return str(verdict)


def test_the_old_box_fails_what_it_should_and_nothing_else() -> None:
    checks = pack().checks
    old = {name.removeprefix("exposure."): judged(check, exposure("192.0.2.20")) for name, check in checks.items()}
    assert {name for name, verdict in old.items() if verdict == "fail"} == {
        "no_telnet", "no_old_tls", "no_weak_ciphers", "certificate_strength", "no_default_page",
    }  # fmt: skip
    assert old["certificate_issued"] == "unknown"
    assert old["no_databases"] == "pass"


@pytest.mark.parametrize("address", ["192.0.2.30", "192.0.2.31"])
def test_nothing_about_tls_or_pages_passes_where_it_could_not_be_seen(address: str) -> None:
    """One host drops everything, the other has a port that keeps silent about what it is."""
    fact = exposure(address)
    for name, check in pack().checks.items():
        verdict = judged(check, fact)
        if address == "192.0.2.30" or name.split(".")[1].startswith(("no_old", "no_weak", "cert", "ssh", "no_default", "only")):
            assert verdict == "unknown", name


def test_knowing_less_never_turns_a_verdict_into_another_answer() -> None:
    for check in pack().checks.values():
        for example in check.examples:
            fields = example.seen.get("exposure", {})
            for field in fields:
                less = {key: value for key, value in fields.items() if key != field}
                verdict, why = try_example(check, example.model_copy(update={"seen": {"exposure": less}}))
                assert verdict in (example.verdict, "unknown"), f"{check.id}: {field} taken away: {verdict} ({why})"
