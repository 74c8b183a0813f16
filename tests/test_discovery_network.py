"""Discovery with a real nmap against real servers, on a network of the tests' own. Nothing leaves this machine."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from collectors.discovery.ranges import Approved, Window
from collectors.discovery.sweep import sweep
from collectors.errors import Unreachable
from collectors.facts.exposure import outside
from collectors.transports.nmap import Nmap
from tests.netns import SERVER, Lan
from tests.sshd import SSHD, make_key
from tests.throwaway import sh

pytestmark = [
    pytest.mark.root,
    pytest.mark.system,
    pytest.mark.xdist_group("netns"),
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces"),
    pytest.mark.skipif(not shutil.which("nmap"), reason="needs the Debian package nmap"),
]

ROOT = Path(__file__).parents[1]
WEB, OLD, DARK = "192.0.2.10", "192.0.2.20", "192.0.2.30"
WEB6 = "2001:db8:7::10"
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
NO_RAW = ("setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw")

REGISTER = f"""
credentials: {{ops: {{user: rasoat, agent: true}}}}
defaults: {{credential: ops}}
targets:
  - {{name: web, address: {WEB}}}
  - {{name: dark, address: {DARK}}}
  - {{name: printer, address: 192.0.2.12, kind: other}}
  - {{name: branch, address: 198.51.100.1, kind: router}}
"""


@pytest.fixture(scope="module")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lan]:
    folder = tmp_path_factory.mktemp("lan")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    sh(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=web.example",
        "-keyout", key, "-out", certificate,
    )  # fmt: skip
    host_key = make_key(folder / "host_key")
    config = folder / "sshd_config"
    config.write_text(f"Port 22\nHostKey {host_key}\nPidFile none\nUsePAM no\nPasswordAuthentication no\n")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with Lan() as made:
        web = made.host(f"{WEB}/24", f"{WEB6}/64")
        web.serve(SERVER, "web", "80", "Welcome to nginx!")
        web.serve(SERVER, "tls", "443", "Cổng thông tin", certificate, key, "TLSv1_2")
        web.serve(SSHD, "-D", "-f", config)
        old = made.host(f"{OLD}/24")
        old.serve(SERVER, "greet", "23", "fffd18fffd20fffd23fffd27")
        old.serve(SERVER, "tls", "8443", "Tomcat", certificate, key, "TLSv1")
        dark = made.host(f"{DARK}/24")
        rules = "table inet f { chain i { type filter hook input priority 0; policy drop; }; }"
        sh("ip", "netns", "exec", dark.name, "nft", "-f", "-", input=rules)
        web.wait(22, 80, 443)
        old.wait(23, 8443)
        yield made


@pytest.fixture
def scanner(lan: Lan, tmp_path: Path) -> Nmap:
    return Nmap((lan.wrapper(tmp_path),))


def rasoat(lan: Lan, folder: Path, *words: str | Path, before: tuple[str, ...] = ()) -> CompletedProcess[str]:
    environment = {"PYTHONPATH": str(ROOT), "RASOAT_STATE_DIR": str(folder / "state"), "LC_ALL": "C.UTF-8"}
    return lan.run(*before, sys.executable, "-m", "agent", "discover", *words, **environment)


def test_ipv4_services_tls_and_ssh_as_seen_from_outside(scanner: Nmap) -> None:
    result = scanner.scan([ip_network("192.0.2.0/27")], services=True, max_rate=1000, timeout=300).result
    assert result.methods["tcp"] == "syn"
    seen = {host.address: outside(host, result, "no list") for host in result.hosts}
    assert set(seen) == {WEB, OLD, DARK}
    web, old, dark = seen[WEB], seen[OLD], seen[DARK]
    assert web.open_tcp_ports == (22, 80, 443)
    assert [row.versions for row in web.tls or ()] == [("TLSv1.2", "TLSv1.3")]
    assert [row.subject for row in web.certificates or ()] == ["CN=web.example"]
    assert {row.use for row in web.ssh_algorithms or ()} == {"key_exchange", "host_key", "cipher", "mac"}
    assert [(row.port, row.default_of) for row in web.pages or ()] == [(80, "nginx"), (443, "")]
    assert (old.open_tcp_ports, [row.name for row in old.services or ()]) == ((23, 8443), ["telnet", "http"])
    assert "TLSv1.0" in ((old.tls or ())[0].versions or ())
    assert (dark.answered, dark.open_tcp_ports) == (False, ())
    assert all(host.mac for host in result.hosts)


def test_ipv6(scanner: Nmap) -> None:
    result = scanner.scan([ip_network("2001:db8:7::/123")], services=True, max_rate=1000, timeout=300).result
    assert [(host.address, outside(host, result, "no list").open_tcp_ports) for host in result.hosts] == [(WEB6, (22, 80, 443))]


@pytest.mark.parametrize("rights", [NOBODY, NO_RAW], ids=["not root", "root without raw sockets"])
@pytest.mark.parametrize("services", [True, False], ids=["services", "hosts"])
def test_without_raw_sockets_connections_are_opened_instead(
    lan: Lan, tmp_path: Path, rights: tuple[str, ...], services: bool
) -> None:
    scanner = Nmap((lan.wrapper(tmp_path, *rights),))
    scanner.plain = rights == NOBODY
    result = scanner.scan([ip_network("192.0.2.8/29")], services, max_rate=1000, timeout=300).result
    assert scanner.plain
    assert [host.address for host in result.hosts] == [WEB]
    if services:
        fact = outside(result.hosts[0], result, "no list")
        assert (fact.method, fact.open_tcp_ports, fact.open_udp_ports) == ("connect", (22, 80, 443), None)


def test_a_window_that_closes_ends_the_scan_and_leaves_its_hosts_not_asked(lan: Lan, tmp_path: Path) -> None:
    now = datetime.now().astimezone()
    closing = (now + timedelta(hours=1)).replace(second=0, microsecond=0)
    window = Window((now - timedelta(hours=1)).time(), closing.time())
    clock = iter([closing - timedelta(seconds=1.5), closing + timedelta(seconds=1)])
    swept = sweep(
        Nmap((lan.wrapper(tmp_path),)),
        [ip_network("192.0.2.0/27"), ip_network("2001:db8:7::/123")],
        Approved(window=window),
        now=lambda: next(clock),
        at_once=1,
    )
    assert [(gap.where, gap.why) for gap in swept.gaps] == [("192.0.2.0/27", "failed"), ("2001:db8:7::/123", "window")]
    assert not swept.was_asked(WEB)


def test_too_little_time_is_said(scanner: Nmap) -> None:
    with pytest.raises(Unreachable, match="was stopped"):
        scanner.scan([ip_network("192.0.2.0/24")], services=True, max_rate=10, timeout=1)


def test_an_excluded_host_receives_not_one_packet(lan: Lan, tmp_path: Path) -> None:
    host = lan.host("192.0.2.77/24")
    approved = Approved(excluded=(ip_network("192.0.2.77"),))
    swept = sweep(Nmap((lan.wrapper(tmp_path),)), [ip_network("192.0.2.72/29")], approved, services=False)
    assert swept.gaps[0].why == "excluded"
    assert not swept.was_asked("192.0.2.77")
    # whoever asks for a hardware address is remembered by the one who has it
    assert "192.0.2.254" not in host.ip("neigh", "show")
    sweep(Nmap((lan.wrapper(tmp_path),)), [ip_network("192.0.2.72/29")], Approved(), services=False)
    assert "192.0.2.254" in host.ip("neigh", "show")


def test_the_command_tells_strangers_the_silent_and_the_not_asked_apart(lan: Lan, tmp_path: Path) -> None:
    register, approved = tmp_path / "register.yaml", tmp_path / "approved.yaml"
    register.write_text(REGISTER)
    approved.write_text("approval: {number: 12/QĐ-STTTT, date: 2026-01-01}\nranges: [192.0.2.0/24]\nmax_rate: 1000\n")
    (tmp_path / "state").mkdir()
    words = ("192.0.2.0/27", "--known", register, "--approved", approved, "--format", "json", "--outside", tmp_path / "outside")
    done = rasoat(lan, tmp_path, *words)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["approval"]["number"] == "12/QĐ-STTTT"
    assert {row["address"]: row["known"] for row in found["hosts"] if row["address"]} == {WEB: "web", OLD: None, DARK: "dark"}
    states = {row["name"]: row["state"] for row in found["registered"]}
    assert states == {"web": "answered", "dark": "answered", "printer": "silent", "branch": "not_asked"}
    counts = found["coverage"]
    assert (counts["wanted"], counts["asked"], counts["answered"], counts["silent"]) == (32, 32, 3, 29)
    journal = json.loads((tmp_path / "state" / "discovery.jsonl").read_text("utf-8"))
    assert (journal["id"], journal["approval"]["number"]) == (found["id"], "12/QĐ-STTTT")
    snapshot = json.loads((tmp_path / "outside" / f"{WEB}.json").read_text("utf-8"))
    assert (snapshot["target"]["via"], snapshot["target"]["kind"]) == ("nmap", "server")


def test_the_command_writes_an_inventory_of_what_is_new(lan: Lan, tmp_path: Path) -> None:
    listed = tmp_path / "new.yaml"
    done = rasoat(lan, tmp_path, WEB, OLD, "--output", listed, "--lang", "vi")
    assert done.returncode == 0, done.stderr
    assert "Chưa có văn bản chấp thuận" in done.stdout
    text = listed.read_text("utf-8")
    assert f"address: {WEB}" in text
    assert f"address: {OLD}" not in text  # no SSH: said in a note
    assert f"# {OLD}: no open SSH port was found" in text


def test_the_command_without_raw_sockets_says_so(lan: Lan, tmp_path: Path) -> None:
    done = rasoat(lan, tmp_path, "192.0.2.8/29", "--hosts-only", "--lang", "en", before=NO_RAW)
    assert (done.returncode, WEB in done.stdout) == (0, True), done.stderr
    assert "Without root nmap can only open connections" in done.stdout
