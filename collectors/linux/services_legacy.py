"""Clear-text and legacy network programs, by the names under which they run and by what starts them on demand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from collectors.errors import CollectError, Unparsable
from collectors.transports.base import Shell

_PROGRAMS: dict[str, frozenset[str]] = {
    "telnet": frozenset({"telnet", "telnetd", "in.telnetd", "inetutils-telnetd", "utelnetd", "telnetd-ssl"}),
    "rsh": frozenset({"rsh", "rshd", "in.rshd"}),
    "rlogin": frozenset({"rlogin", "rlogind", "in.rlogind"}),
    "rexec": frozenset({"rexec", "rexecd", "in.rexecd"}),
    "tftp": frozenset({"tftp", "tftpd", "in.tftpd", "tftpd-hpa", "atftpd"}),
    "ftp": frozenset(
        {
            "ftpd",
            "in.ftpd",
            "vsftpd",
            "proftpd",
            "pure-ftpd",
            "pure-ftpd-mysql",
            "pure-ftpd-ldap",
            "pure-ftpd-postgresql",
            "bftpd",
            "inetutils-ftpd",
        }
    ),
    "nis": frozenset({"nis", "ypserv", "ypbind", "ypxfrd", "yppasswdd", "rpc.yppasswdd", "rpc.ypxfrd"}),
    "talk": frozenset({"talk", "ntalk", "talkd", "ntalkd", "in.talkd", "in.ntalkd"}),
    "finger": frozenset({"finger", "fingerd", "in.fingerd", "cfingerd", "efingerd"}),
    "rwho": frozenset({"rwhod", "in.rwhod"}),
    "rstat": frozenset({"rstatd", "rpc.rstatd", "rusersd", "rpc.rusersd"}),
    "xinetd": frozenset({"xinetd"}),
    "inetd": frozenset({"inetd", "openbsd-inetd", "inetutils-inetd", "rlinetd"}),
    "snmpd": frozenset({"snmpd"}),
}
"""Tag -> names of units, scripts and processes. snmpd is no finding by itself: its configuration decides."""

_INETD_SERVICES = {
    "telnet": "telnet", "shell": "rsh", "login": "rlogin", "exec": "rexec", "tftp": "tftp", "ftp": "ftp", "talk": "talk", "ntalk": "talk", "finger": "finger",
    "rsh": "rsh", "rlogin": "rlogin", "rexec": "rexec", "echo": "echo", "chargen": "chargen", "discard": "discard", "daytime": "daytime", "time": "time",
}  # fmt: skip
"""Name in /etc/services (or file name of xinetd) -> tag."""

_COMMUNITY = re.compile(r"(?im)^\s*(?:r[ow]community6?|com2sec6?|com2secunix)\s")


def tags(names: Iterable[str], comms: Iterable[str]) -> set[str]:
    """Tags of those among unit names and process names. `comms` are cut to 15 characters, as the kernel does."""
    units = {name.partition("@")[0].lower() for name in names}
    running = set(comms)
    return {
        tag for tag, known in _PROGRAMS.items()
        if units & known or any(program[:15] in running for program in known)
    }  # fmt: skip


def configured(shell: Shell, starter: str, sure: Sequence[str]) -> set[str]:
    """What xinetd, inetd or snmpd offers by its configuration. `sure` is already found, and named in the error if this fails."""
    try:
        if starter == "snmpd":
            return _snmp(shell)
        return _xinetd(shell) if starter == "xinetd" else _inetd(shell)
    except CollectError as error:
        known = f"; found so far: {', '.join(sure)}" if sure else ""
        raise type(error)(f"what {starter} offers is not known ({error}){known}") from None


def _snmp(shell: Shell) -> set[str]:
    """Communities are SNMP v1 and v2c: passwords in clear text. Their names never leave this function."""
    files = shell.read_all(
        "/etc/snmp/snmpd.conf",
        "/etc/snmp/snmpd.local.conf",
        "/etc/snmp/snmpd.conf.d/*.conf",
        "/usr/share/snmp/snmpd.conf",
        "/var/lib/snmp/snmpd.conf",
        root=True,
    )
    return {"snmp-v1v2"} if any(_COMMUNITY.search(text) for text in files.values()) else set()


def _xinetd(shell: Shell) -> set[str]:
    files = shell.read_all("/etc/xinetd.conf", "/etc/xinetd.d/*", root=True)
    # xinetd itself skips names with a dot or a ~ at the end: copies that package managers and editors leave
    read = {
        path: text
        for path, text in files.items()
        if path == "/etc/xinetd.conf" or not ("." in path.rpartition("/")[2] or path.endswith("~"))
    }
    return {tag for path, text in read.items() for tag in xinetd(text, path)}


def xinetd(text: str, path: str) -> set[str]:
    """Services of one xinetd file that are not switched off; without a `disable` line a service is on."""
    found: set[str] = set()
    block: str | None = None
    settings: dict[str, str] = {}
    inside = False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line == "{":
            if block is None or inside:
                raise Unparsable(f"{path}, line {number}: a brace without a service")
            inside, settings = True, {}
        elif line == "}":
            if not inside:
                raise Unparsable(f"{path}, line {number}: a brace too many")
            if block and settings.get("disable", "no").lower() != "yes":
                names = {settings.get("id", block), block}
                found |= {
                    _INETD_SERVICES[base]
                    for name in names
                    if (base := re.sub(r"-(?:stream|dgram|udp|tcp)$", "", name)) in _INETD_SERVICES
                }
            block, inside = None, False
        elif inside:
            key, equals, value = line.partition("=")
            if not equals:
                raise Unparsable(f"{path}, line {number}: not a setting")
            settings[key.strip(" \t+-")] = value.strip()
        elif line.startswith("service "):
            block = line.split()[1]
        elif line == "defaults":
            block = ""
        elif not line.startswith(("includedir ", "include ")):
            raise Unparsable(f"{path}, line {number}: not understood")
    if inside:
        raise Unparsable(f"{path}: ends within a service")
    return found


def _inetd(shell: Shell) -> set[str]:
    files = shell.read_all("/etc/inetd.conf", "/etc/inetd.d/*", root=True)
    found = set()
    for path, text in files.items():
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            parts = line.split()
            if len(parts) < 6:
                raise Unparsable(f"{path}, line {number}: not a service of inetd")
            name = parts[0].rpartition(":")[2]
            if name in _INETD_SERVICES:
                found.add(_INETD_SERVICES[name])
    return found
