"""What each time daemon says of the sources it follows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from collectors.errors import Denied, Unparsable, Unreachable, Unsupported
from collectors.facts.base import Gaps
from collectors.linux.systemd_config import settings
from collectors.transports.base import Answer, Shell

_OWN_CLOCK = "7F7F0101"
"""Reference id of chrony's `local stratum`: 127.127.1.1, the machine's own clock."""


class Server(NamedTuple):
    """A source as its daemon tells of it; the fields are those of `clock.TimeServer`."""

    address: str
    selected: bool | None
    reachable: bool | None


class Followed(NamedTuple):
    """One daemon's answer. None where it does not say; the gap is noted by whoever asked."""

    synchronised: bool | None
    servers: tuple[Server, ...] | None
    stratum: int | None = None
    offset_ms: float | None = None


def chrony(shell: Shell, gaps: Gaps) -> Followed:
    """`chronyc` by its socket (root) or by UDP on loopback.

    `506 Cannot talk to daemon` is said both when chronyd is dead and when `cmdport 0` shuts plain users out: which of the
    two, the process list knows, so here it is only "no answer". A source that went silent stays in `tracking` with leap
    status Normal for hours, so `sources` must name a selected one that still answers.
    """
    refid, stratum, offset, leap = chrony_tracking(_said_by_chronyc(shell.run("chronyc", "-c", "-n", "tracking", root=True)))
    servers = gaps.attempt(
        "servers", lambda: chrony_sources(_said_by_chronyc(shell.run("chronyc", "-c", "-n", "sources", root=True)))
    )
    follows: bool | None
    if leap == "Not synchronised" or refid in (_OWN_CLOCK, "00000000") or not 0 < stratum < 16:
        follows = False
    elif servers is None:
        follows = None
        gaps.note(
            "synchronised",
            "unparsable",
            "chronyc names a reference but not the sources, so whether it still answers is not known",
        )
    else:
        follows = any(server.selected and server.reachable for server in servers)
    if servers == ():
        # names that cannot be resolved are no sources yet for chronyc, but somebody configured them
        servers = gaps.attempt("servers", lambda: _configured(shell, "chrony", reachable=False))
    if refid in (_OWN_CLOCK, "00000000"):  # the 0 printed then is no measurement
        gaps.note("offset_ms", "unsupported", "no source is followed, so there is no distance to it")
        return Followed(follows, servers, stratum if stratum else 16)
    return Followed(follows, servers, stratum if stratum else 16, abs(offset) * 1000)


def _said_by_chronyc(answer: Answer) -> str:
    if "506 Cannot talk to daemon" in answer.out:
        raise Unreachable("chronyc: 506 Cannot talk to daemon")
    if "501 Not authorised" in answer.out:
        raise Denied("chronyc: 501 Not authorised")
    return answer.require()


def chrony_tracking(text: str) -> tuple[str, int, float, str]:
    """(reference id, stratum, last offset in seconds, leap status) of `chronyc -c tracking`."""
    fields = text.strip().split(",")
    if len(fields) != 14 or not re.fullmatch(r"[0-9A-F]{8}", fields[0]):
        raise Unparsable("chronyc tracking: not the fourteen fields expected")
    if fields[13] not in ("Normal", "Insert second", "Delete second", "Not synchronised"):
        raise Unparsable("chronyc tracking: leap status not understood")
    return fields[0], _whole(fields[2]), _number(fields[5]), fields[13]


def chrony_sources(text: str) -> tuple[Server, ...]:
    """`chronyc -c -n sources`: mode, state, name, stratum, poll, reach (octal), ..."""
    found = []
    for line in text.splitlines():
        fields = line.split(",")
        if len(fields) != 10 or fields[0] not in "^=#" or fields[1] not in "*+-?x~" or not fields[0] or not fields[1]:
            raise Unparsable("chronyc sources: line not understood")
        found.append(Server(address=fields[2], selected=fields[1] == "*", reachable=_octal(fields[5]) > 0))
    return tuple(found)


def timesyncd(shell: Shell, gaps: Gaps) -> Followed:
    """systemd-timesyncd through `timedatectl`.

    NTPSynchronized is the kernel's flag, which anything may have set; it counts only when timesyncd itself has had an
    answer from a server.
    """
    answer = shell.run("timedatectl", "show", "-p", "NTPSynchronized").require()
    flag = {"NTPSynchronized=yes": True, "NTPSynchronized=no": False}.get(answer.strip())
    if flag is None:
        raise Unparsable("timedatectl show: NTPSynchronized not understood")
    fields = timesync_fields(shell.run("timedatectl", "show-timesync").require())
    message = fields.get("NTPMessage", "")
    packets = re.search(r"PacketCount=(\d+)", message)
    stratum = re.search(r"Stratum=(\d+)", message)
    heard = bool(fields.get("ServerAddress")) and packets is not None and int(packets[1]) > 0
    gaps.note("offset_ms", "unsupported", "timedatectl show-timesync does not state the offset")
    return Followed(flag and heard, _timesync_servers(fields, heard, gaps), int(stratum[1]) + 1 if heard and stratum else 16)


def timesync_fields(text: str) -> dict[str, str]:
    """KEY=value lines of `timedatectl show-timesync`."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if not equals or not key.isalnum():
            raise Unparsable("timedatectl show-timesync: line not understood")
        fields[key] = value
    if "PollIntervalMinUSec" not in fields and "ServerName" not in fields and "FallbackNTPServers" not in fields:
        raise Unparsable("timedatectl show-timesync: none of its usual fields")
    return fields


def _timesync_servers(fields: dict[str, str], heard: bool, gaps: Gaps) -> tuple[Server, ...]:
    names: list[str] = []
    for key in ("RuntimeNTPServers", "LinkNTPServers", "SystemNTPServers"):
        names += fields.get(key, "").split()
    if not names:
        names = fields.get("FallbackNTPServers", "").split()
    used = fields.get("ServerName", "")
    if used and used not in names:
        names.append(used)
    if len(names) > bool(used):
        gaps.note("servers[].reachable", "unsupported", "systemd-timesyncd tells only of the server it uses")
    return tuple(
        Server(address=name, selected=name == used and heard, reachable=heard if name == used else None) for name in names
    )


def ntp(shell: Shell, gaps: Gaps) -> Followed:
    """ntpd and ntpsec through `ntpq -pn`: the peer marked `*` (or `o`, a pulse) is followed; 127.127.1.x is the own
    clock, no source."""
    answer = shell.run("ntpq", "-pn")
    if "No association" in answer.out + answer.err:
        return Followed(False, (), 16)
    if "onnection refused" in answer.err or "timed out" in answer.err:
        raise Unreachable("ntpq: ntpd does not answer")
    peers = tuple(peer for peer in ntpq_peers(answer.require()) if not peer.own_clock)
    servers = tuple(peer.server for peer in peers)
    best = next((peer for peer in peers if peer.server.selected), None)
    if best is None:
        gaps.note("offset_ms", "unsupported", "no source is followed, so there is no distance to it")
        return Followed(False, servers, 16)
    return Followed(bool(best.server.reachable), servers, best.stratum + 1, abs(best.offset))


class Peer(NamedTuple):
    """One line of `ntpq -p`."""

    server: Server
    stratum: int
    offset: float
    own_clock: bool


def ntpq_peers(text: str) -> tuple[Peer, ...]:
    """Lines of `ntpq -pn` behind the `====` rule. Pool placeholders stand for no server, unless nothing else is there."""
    head, rule, body = text.partition("==\n")
    if not rule or "remote" not in head:
        raise Unparsable("ntpq: no table of peers")
    peers: list[Peer] = []
    pools: list[Peer] = []
    carried = ""
    for line in body.splitlines():
        if not line.strip():
            continue
        mark, rest = (carried[0], carried[1:] + " " + line) if carried else (line[0], line[1:])
        carried = ""
        fields = rest.split()
        if len(fields) == 1:  # a long address stands alone and its numbers on the next line
            carried = line
            continue
        if mark not in " x.-+#*o" or len(fields) != 10:
            raise Unparsable("ntpq: peer line not understood")
        own = fields[0].startswith("127.127.1.") or fields[1] in (".LOCL.", "LOCAL(0)")
        server = Server(address=fields[0], selected=mark in "*o", reachable=_octal(fields[6]) > 0)
        (pools if fields[1] == ".POOL." else peers).append(Peer(server, _whole(fields[2]), _number(fields[8]), own))
    if carried:
        raise Unparsable("ntpq: the table is cut off")
    return tuple(peers or pools)


def openntpd(shell: Shell, gaps: Gaps) -> Followed:
    """OpenNTPD through `ntpctl -s all` (its socket is root's)."""
    synchronised, stratum, servers, offset = ntpctl_all(shell.run("ntpctl", "-s", "all", root=True).require())
    if offset is None:
        gaps.note("offset_ms", "unsupported", "no source is followed, so there is no distance to it")
    return Followed(synchronised and any(server.selected for server in servers), servers, stratum if stratum else 16, offset)


def ntpctl_all(text: str) -> tuple[bool, int | None, tuple[Server, ...], float | None]:
    """(synced, stratum, peers, offset of the chosen peer in ms)."""
    status = re.search(r"clock (synced|unsynced)(?:, stratum (\d+))?", text)
    if status is None:
        raise Unparsable("ntpctl: no clock status")
    servers, offset, name = [], None, ""
    table = text.partition("\npeer\n")[2].partition("\n\n")[0]
    for line in table.splitlines()[1:]:
        if line and not line[0].isspace():
            name = line.split()[0]
            continue
        fields = line.replace("*", " * ").split()
        if not fields or not name:
            continue
        chosen = fields[0] == "*"
        numbers = fields[chosen:]
        if len(numbers) < 5 or not numbers[1].isdecimal():
            raise Unparsable("ntpctl: peer line not understood")
        # one that does not answer says "---- peer not valid ----" or "not resolved"
        servers.append(Server(address=name, selected=chosen, reachable="not" not in numbers))
        if chosen and len(numbers) >= 6:
            offset = abs(_number(numbers[5].removesuffix("ms")))
        name = ""
    return status[1] == "synced", int(status[2]) if status[2] else None, tuple(servers), offset


Ask = Callable[[Shell, Gaps], Followed]
ASK: dict[str, Ask] = {"chrony": chrony, "systemd-timesyncd": timesyncd, "ntpd": ntp, "ntpsec": ntp, "openntpd": openntpd}


def configured(shell: Shell, software: str) -> tuple[Server, ...]:
    """Servers named in the daemon's files, for a daemon that is not there to ask."""
    return _configured(shell, software, reachable=None)


def _configured(shell: Shell, software: str, reachable: bool | None) -> tuple[Server, ...]:
    names: Iterable[str]
    if software == "systemd-timesyncd":
        found = settings(shell, "timesyncd", "Time")
        names = " ".join(found.get("NTP", ()) or found.get("FallbackNTP", ())).split()
        if not names:
            raise Unsupported("timesyncd.conf names no server; those built in or learnt by DHCP are not seen")
    elif software == "chrony":
        names = _named_in(
            shell.read_all(
                "/etc/chrony.conf",
                "/etc/chrony.d/*.conf",
                "/etc/chrony/chrony.conf",
                "/etc/chrony/conf.d/*.conf",
                "/etc/chrony/sources.d/*.sources",
                "/run/chrony-dhcp/*.sources",
            )
        )
    elif software == "openntpd":
        names = _named_in(shell.read_all("/etc/openntpd/ntpd.conf", "/etc/ntpd.conf"))
    else:
        names = _named_in(shell.read_all("/etc/ntp.conf", "/etc/ntpsec/ntp.conf", "/etc/ntpsec/ntp.d/*.conf"))
    selected = False if reachable is False else None
    return tuple(Server(address=name, selected=selected, reachable=reachable) for name in dict.fromkeys(names))


def _named_in(texts: Mapping[str, str]) -> list[str]:
    if not texts:
        raise Unsupported("none of the usual configuration files is there")
    lines = re.findall(r"(?m)^[ \t]*(?:server|servers|pool|peer)[ \t]+(\S+)", "\n".join(texts.values()))
    return [name for name in lines if not name.startswith("127.127.")]


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Unparsable(f"not a number: {text[:40]}")
    return int(text)


def _octal(text: str) -> int:
    if not re.fullmatch(r"[0-7]{1,6}", text):
        raise Unparsable(f"not an octal number: {text[:40]}")
    return int(text, 8)


def _number(text: str) -> float:
    if not re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?(e[+-]?[0-9]{1,2})?", text):
        raise Unparsable(f"not a number: {text[:40]}")
    return float(text)
