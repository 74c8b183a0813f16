"""Cisco NX-OS: logging and the clock."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.devices.cisco_nxos.text import config, major, resolved
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import level, reaches
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.device_logs import DeviceLogs, LogHost
from collectors.transports.base import DeviceCli


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """Everything from the configuration."""
    gaps = Gaps()
    tree = config(cli)
    hosts = tuple(_hosts(tree, gaps))
    buffer = gaps.attempt("buffer", lambda: _file(cli, tree))
    enabled = True if hosts else buffer
    if enabled is None:
        gaps.note("enabled", "unsupported", "neither a server nor the log file is in the configuration")
    gaps.note("level", "unsupported", "NX-OS keeps a level for each facility, and one for each server")
    return DeviceLogs(
        enabled=enabled,
        hosts=hosts,
        buffer=buffer,
        level=None,
        # System Management Configuration Guide, System Message Logging: the date is always there; its fraction is chosen
        timestamps=True,
        logons=tree.flag("login on-failure log") is True
        and tree.flag("login on-success log") is True
        and all(_recorded(tree, facility) for facility in ("aaa", "authpriv", "daemon")),
        changes=_changes(tree),
        synchronous_source=tree.value("logging source-interface "),
        unseen=gaps.unseen,
    )


def _hosts(tree: Node, gaps: Gaps) -> Iterator[LogHost]:
    for line in tree.lines("logging server "):
        words = line.split()
        least = words[1] if len(words) > 1 and words[1].isdecimal() else None
        secure = "secure" in words
        if least is None:
            gaps.note("hosts[].level", "unsupported", f"{words[0]}: no severity is written, and the default differs")
        yield LogHost(
            address=words[0], protocol="tcp" if secure else "udp", encrypted=secure, level=level(least) if least else None
        )


def _recorded(tree: Node, facility: str) -> bool:
    """No line keeps records of log-ons (warnings and below) out of its facility."""
    said = [found[1] for found in tree.matches(rf"logging level (?:{facility}|all) (\d)")]
    return not said or reaches(level(said[-1]), "notice")


def _file(cli: DeviceCli, tree: Node) -> bool:
    """A file that keeps emergencies alone keeps nothing of what people look for."""
    for found in tree.matches(r"logging logfile \S+ (\d)")[-1:]:
        if not reaches(level(found[1]), "error"):
            return False
    said = tree.flag("logging logfile")
    if said is None:
        if resolved(cli):
            raise Unsupported("no line `logging logfile`, though defaults are written out")
        major(cli)  # raises outside the releases whose defaults are known
        return True  # same guide, Default Settings: log file logging
    return said


def _changes(tree: Node) -> bool:
    """Every command that changes something goes to the accounting log, on the device where no server is named."""
    said = (tree.value("aaa accounting default ") or "local").split()
    return said[0] != "none"


# --- clock ------------------------------------------------------------------------------------------------------------

_PEER = re.compile(
    r"^[ \t]*(?P<mark>[*+=-])[ \t]*(?P<address>[0-9A-Za-z.:]+)\s+[0-9A-Za-z.:]+\s+(?P<stratum>\d+)\s+\d+\s+(?P<reach>[0-7]{1,3})\s+\d+\.\d+",
    re.M,
)


def clock(cli: DeviceCli) -> Clock:
    """Servers from the configuration, what is followed from `show ntp peer-status`."""
    gaps = Gaps()
    tree = config(cli)
    shift = re.fullmatch(r"\S+ (-?\d+) (\d+)", tree.value("clock timezone ") or "")
    zone = f"UTC{int(shift[1]):+d}" + (f":{int(shift[2]):02d}" if int(shift[2]) else "") if shift else "UTC"
    named = [line.split()[0] for word in ("server", "peer") for line in tree.lines(f"ntp {word} ")]
    if not named or tree.flag("feature ntp") is False or tree.flag("ntp enable") is False:
        return Clock(software="none", running=False, synchronised=False, servers=(), timezone=zone)
    found = gaps.attempt(("synchronised", "servers", "stratum"), lambda: _peers(cli, len(set(named))))
    chosen = [row for row in found or () if row["mark"] == "*" and not row["address"].startswith("127.127.")]
    by_ntp = _protocol(tree)
    if found is not None and not chosen:
        gaps.note("stratum", "unsupported", "no server is followed now")
    gaps.note("offset_ms", "unsupported", "NX-OS tells the delay of its servers, not the offset")
    return Clock(
        software="ntp",
        running=True,
        synchronised=None if found is None else bool(chosen) and by_ntp,
        servers=None if found is None else tuple(
            TimeServer(address=row["address"], selected=row["mark"] == "*", reachable=int(row["reach"], 8) > 0)
            for row in found
            if not row["address"].startswith("127.127.")
        ),
        stratum=int(chosen[0]["stratum"]) + 1 if chosen else None,
        timezone=zone,
        authenticated=_authenticated(tree),
        unseen=gaps.unseen,
    )  # fmt: skip


def _protocol(tree: Node) -> bool:
    """`clock protocol none` and `ptp` take the clock from NTP's hands."""
    return (tree.value("clock protocol ") or "ntp").split()[0] == "ntp"


def _peers(cli: DeviceCli, named: int) -> list[re.Match[str]]:
    text = cli.ask("show ntp peer-status")
    total = re.search(r"Total peers : (\d+)", text)
    body = re.split(r"^-{20,}[-\s]*$", text, flags=re.M)[-1]
    rows = list(_PEER.finditer(body))
    if not total or len(rows) != int(total[1]):
        raise Unparsable(f"show ntp peer-status: {len(rows)} of {total[1] if total else named} peers could be read")
    return rows


def _authenticated(tree: Node) -> bool:
    """Keys are demanded, and each server has one that is there and trusted."""
    if tree.flag("ntp authenticate") is not True:
        return False
    trusted = {line.split()[0] for line in tree.lines("ntp trusted-key ")}
    trusted &= {line.split()[0] for line in tree.lines("ntp authentication-key ")}
    keys = [re.search(r"\bkey (\d+)", line) for word in ("server", "peer") for line in tree.lines(f"ntp {word} ")]
    return all(key is not None and key[1] in trusted for key in keys)
