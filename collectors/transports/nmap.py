"""python-nmap behind one adapter (GPL-3: extra [network], imported only when a network is looked at).

python-nmap splits its `hosts` at blanks and hands the words to nmap as they are, so `-oN/etc/passwd` would be an option. Here
nothing reaches it but networks that the standard library has understood, and numbers. Options are constants.

Read-only: ping, TCP and UDP probes, a greeting and one request per service, the start of TLS and SSH. Scripts are the five of
SCRIPTS; none tries a password or a community. `ssl-enum-ciphers`, which nmap counts as intrusive because it opens many
connections, is among them: nothing else tells which TLS versions a server accepts.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from collectors.errors import CollectError, Denied, Unparsable, Unreachable, Unsupported
from collectors.transports.nmap_result import Result, read

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SEARCH = ("/usr/bin/nmap", "/usr/local/bin/nmap", "nmap")

TCP_PORTS = (
    "21-23,25,53,80,81,88,102,110,111,113,135,139,143,179,389,443-445,465,502,512-515,548,554,587,631,636,830,853,873,990,993,"
    "995,1080,1433,1521,1723,1883,2000,2049,2121,2222,2323,2375,2376,2379,3000,3050,3128,3268,3269,3306,3389,4433,4443,4786,"
    "4899,5000,5060,5061,5432,5555,5601,5671,5800,5900-5905,5984-5986,6000-6003,6379,6443,7001,7547,8000,8006,8008,8009,8069,"
    "8080,8081,8086,8088,8089,8291,8443,8728,8729,8834,8888,9000,9042,9090,9100,9200,9300,9443,10000,10050,10250,11211,15672,"
    "27017,27018,34567,37777,50000,61616"
)
"""What offices, server rooms and their devices run, and what attackers look for. Not all 65,535: the network is others' too."""

UDP_PORTS = "161"
SCRIPTS = "ssh2-enum-algos,ssl-enum-ciphers,ssl-cert,http-title,snmp-info"

COMMON = "-n -T4 --max-retries 2 --host-timeout 10m"
STEADY = 300
"""Packets a second (about 150 kbit/s) that are sent even where nobody answers, if so many are allowed: nmap takes silence for a
crowded line and slows down to a fifth, and most addresses of most networks are silent."""

HOSTS = "-sn"
SERVICES_ROOT = f"-sS -sU -sV --version-light --script {SCRIPTS} --script-timeout 60s -p T:{TCP_PORTS},U:{UDP_PORTS}"
SERVICES_OTHERS = f"--unprivileged -sT -sV --version-light --script {SCRIPTS} --script-timeout 60s -p {TCP_PORTS}"
HOSTS_OTHERS = "--unprivileged -sn"

_HOST_NAME = re.compile(r"(?=.{1,253}$)(?!-)[A-Za-z0-9_-]{1,63}(?:\.(?!-)[A-Za-z0-9_-]{1,63})*\.?")
_RAW = re.compile(r"(?i)raw socket|operation not permitted|requires root privileges|dnet: failed to open|pcap_open|pcap_activate")


class Named(NamedTuple):
    """A target as it was given, and the networks it means."""

    word: str
    networks: tuple[Network, ...]


class Answer(NamedTuple):
    """What one run of nmap brought."""

    result: Result
    command: str
    """The command line, for whoever wants to ask again by hand."""
    raw: str
    warnings: tuple[str, ...]


def network(word: str) -> Network:
    """An address or a CIDR, strictly: 192.0.2.1/24 has host bits and 192.0.2.1-9 is nmap's own notation.

    Raises ValueError, in words a person can act on. nmap itself reads an IPv6 range as nothing and ends with 0.
    """
    if not word or word != word.strip() or not re.fullmatch(r"[0-9A-Fa-f:./]+", word):
        hint = "; write a range as a CIDR, such as 192.0.2.0/24" if "-" in word.strip("-") or "*" in word else ""
        raise ValueError(f"{word!r} is no address and no CIDR{hint}")
    try:
        found = ipaddress.ip_network(word)
    except ValueError as error:
        if "host bits set" in str(error):
            raise ValueError(f"{word} has host bits; did you mean {ipaddress.ip_network(word, strict=False)}?") from None
        raise ValueError(f"{word!r} is no address and no CIDR") from None
    if found.is_multicast:
        raise ValueError(f"{word} is a multicast address: nobody lives there")
    return found


def target(word: str) -> Named:
    """What a word on the command line means: an address, a CIDR, or a host name, which is looked up here and now.

    Raises ValueError for anything else, before any of it goes near nmap; Unreachable when nobody knows the name.
    """
    # 192.0.2.1-9 is a host name by its letters, and nmap's own notation for nine addresses
    if not _HOST_NAME.fullmatch(word) or not re.search(r"[A-Za-z]", word):
        return Named(word, (network(word),))
    return Named(word, addresses_of(word))


def addresses_of(name: str) -> tuple[Network, ...]:
    """What a host name means now, each address as a network of one. Raises Unreachable when nobody knows it."""
    try:
        found = {str(row[4][0]) for row in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{name}: the name is not known: {getattr(error, 'strerror', None) or error}") from None
    networks = tuple(sorted((ipaddress.ip_network(each) for each in found if "%" not in each), key=str))
    if not networks:
        raise Unreachable(f"{name}: the name has no address that can be used from here")
    return networks


class PortScanner(Protocol):
    """Somebody who can look at networks from outside: nmap, or a recording of it."""

    plain: bool

    def scan(self, networks: Iterable[Network], services: bool, max_rate: int, timeout: float) -> Answer:
        """See Nmap.scan."""
        ...


class Nmap:
    """The nmap of this machine. Raises Unsupported, naming the package, where it or python-nmap is missing."""

    def __init__(self, search: Sequence[str] = SEARCH) -> None:
        try:
            import nmap
        except ModuleNotFoundError:
            raise Unsupported("python-nmap is not installed; install it with: pip install 'rasoat[network]'") from None
        self._nmap, self._search = nmap, tuple(search)
        self._new()
        self.plain = hasattr(os, "geteuid") and os.geteuid() != 0 and "NMAP_PRIVILEGED" not in os.environ
        """nmap may not send packets of its own: connections only, no ARP, no UDP. Root in a container may find out later."""

    def _new(self) -> Any:
        """A python-nmap scanner: it holds one result, so each run has its own."""
        try:
            return self._nmap.PortScanner(nmap_search_path=self._search)
        except self._nmap.PortScannerError:
            raise Unsupported("nmap is not installed; install the package nmap (apt install nmap, dnf install nmap)") from None

    def scan(self, networks: Iterable[Network], services: bool, max_rate: int, timeout: float) -> Answer:
        """Look at these networks, all of one IP version. `max_rate` packets a second; killed after `timeout` seconds.

        Raises Unreachable when the time was not enough, Denied when nmap may do nothing here, Unparsable when it failed or
        looked at fewer addresses than it was given.
        """
        wanted = tuple(networks)
        if not self.plain:
            try:
                return self._scan(wanted, SERVICES_ROOT if services else HOSTS, max_rate, timeout)
            except Denied:
                self.plain = True
        return self._scan(wanted, SERVICES_OTHERS if services else HOSTS_OTHERS, max_rate, timeout)

    def _scan(self, networks: tuple[Network, ...], options: str, max_rate: int, timeout: float) -> Answer:
        versions = {each.version for each in networks}
        if len(versions) != 1:
            raise ValueError("networks of one IP version each time")
        six = "-6 " if versions == {6} else ""
        arguments = f"{six}{COMMON} --min-rate {min(int(max_rate), STEADY)} --max-rate {int(max_rate)} {options}"
        hosts = " ".join(map(str, networks))
        scanner = self._new()
        try:
            told = scanner.scan(hosts=hosts, arguments=arguments, timeout=max(1, int(timeout)))
        except self._nmap.PortScannerTimeout:
            raise Unreachable(f"nmap was not ready after {int(timeout)} seconds and was stopped") from None
        except (self._nmap.PortScannerError, AttributeError, UnicodeDecodeError) as error:
            raise _failure(str(error)) from None
        raw = scanner.get_nmap_last_output()
        text = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
        errors = [line for each in told["nmap"]["scaninfo"].get("error", ()) for line in str(each).splitlines()]
        problems = dict.fromkeys(line.strip() for line in errors if line.strip())
        if any(map(_RAW.search, problems)):
            raise _failure("\n".join(problems))
        result = read(text)
        size = sum(each.num_addresses for each in networks)
        if result.total != size:
            said = f": {next(iter(problems))[:200]}" if problems else ""
            raise Unparsable(f"nmap looked at {result.total} of {size} addresses{said}")
        warnings = (*problems, *(str(each).strip() for each in told["nmap"]["scaninfo"].get("warning", ())))
        return Answer(result, f"nmap {hosts} {arguments}", text, tuple(dict.fromkeys(warnings)))


def _failure(said: str) -> CollectError:
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.lstrip().startswith("<")]
    first = next((line for line in lines if _RAW.search(line)), lines[0] if lines else "it gave no result")[:200]
    return Denied(f"nmap: {first}") if _RAW.search(said) else Unparsable(f"nmap: {first}")
