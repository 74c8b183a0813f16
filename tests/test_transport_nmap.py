"""What reaches nmap: networks and numbers, never a word somebody typed."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.errors import CollectError, Unparsable, Unreachable, Unsupported
from collectors.transports.nmap import Nmap, target

DATA = Path(__file__).parent / "data" / "nmap"
NET = ip_network("192.0.2.0/27")


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
