"""Cisco ASA: what is written down, and who may ask over SNMP."""

from __future__ import annotations

import re

from collectors.devices.cisco_asa.text import config
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import auth, level, priv, reaches, short, well_known
from collectors.errors import CollectError, Unparsable
from collectors.facts.base import Gaps
from collectors.facts.device_logs import DeviceLogs, Level, LogHost
from collectors.facts.snmp_service import Community, SnmpService, SnmpUser, TrapHost
from collectors.transports.base import DeviceCli

_LOGONS: dict[str, Level] = {"605004": "informational", "605005": "informational"}
"""Log-on to the device denied, permitted (Cisco ASA Series Syslog Messages)."""
_CHANGES: dict[str, Level] = {"111008": "notice", "111010": "notice"}
"""A user executed a command; a user changed the configuration from an address."""
REFUSED: dict[str, Level] = {"106023": "warning"}
"""A packet denied by an access list without `log`, or by its end."""


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """The `logging` lines. Without `logging enable` nothing is written; without `logging trap` nothing is sent."""
    gaps = Gaps()
    tree = config(cli)
    on = tree.flag("logging enable") is True
    trap = tree.value("logging trap ")
    sent = gaps.attempt("level", lambda: _named_level(trap)) if trap else None
    if trap is None:
        gaps.note("level", "unsupported", "no logging trap line: nothing is sent to servers")
    return DeviceLogs(
        enabled=on,
        hosts=gaps.attempt("hosts", lambda: _hosts(tree, sent)) if trap else (),
        buffer=on and tree.value("logging buffered ") is not None,
        level=sent,
        timestamps=tree.flag("logging timestamp") is True,
        logons=gaps.attempt("logons", lambda: written(tree, _LOGONS)),
        changes=gaps.attempt("changes", lambda: written(tree, _CHANGES)),
        synchronous_source=None,
        unseen=gaps.unseen,
    )


def _named_level(word: str) -> Level:
    """A message list of the administrator's own says what goes there: no single level does."""
    try:
        return level(word)
    except Unparsable as error:
        raise Unparsable(f"logging trap {word[:40]}: a list of messages, no severity") from error


def _hosts(tree: Node, sent: Level | None) -> tuple[LogHost, ...]:
    rows = []
    for line in tree.lines("logging host "):
        found = re.match(r"\S+ (\S+)((?: \S+)*)$", line)
        if not found:
            raise Unparsable(f"logging host: cannot place {line[:80]}")
        port = re.search(r"(?:^| )(tcp|udp|6|17)/\d+", found[2])
        tcp = port is not None and port[1] in ("tcp", "6")
        rows.append(
            LogHost(
                address=found[1],
                protocol="tcp" if tcp else "udp",
                encrypted=(tcp and found[2].split()[-1:] == ["secure"]) or " secure" in found[2],
                level=sent,
            )
        )
    return tuple(rows)


def written(tree: Node, messages: dict[str, Level]) -> bool:
    """Each of these messages reaches the buffer or a server that is configured."""
    if tree.flag("logging enable") is not True:
        return False
    reach: list[Level] = []
    unclear = False
    targets = ["logging buffered "]
    if tree.lines("logging host "):
        targets.append("logging trap ")
    for target in targets:
        if (said := tree.value(target)) is not None:
            try:
                reach.append(level(said))
            except CollectError:
                unclear = True
    for number, usual in messages.items():
        if tree.flag(f"logging message {number}") is False:
            return False
        own = re.match(r"level (\S+)", tree.value(f"logging message {number} ") or "")
        if not any(reaches(least, level(own[1]) if own else usual) for least in reach):
            if unclear:
                raise Unparsable("a list of messages decides what is written; it was not read")
            return False
    return True


def snmp_service(cli: DeviceCli) -> SnmpService:
    """The `snmp-server` lines. The agent answers the hosts it lists and nobody else."""
    gaps = Gaps()
    tree = config(cli)
    hosts = gaps.attempt(("trap_hosts", "communities", "v1_v2c", "enabled"), lambda: _snmp_hosts(tree))
    on = not tree.has("no snmp-server enable")
    asked = [host for host in hosts or () if not host[3]]
    users = gaps.attempt("users", lambda: _snmp_users(tree))
    old = [host for host in asked if host[1] != "3"]
    enabled = None if hosts is None else on and bool(asked)
    return SnmpService(
        enabled=enabled,
        v1_v2c=None if hosts is None else on and bool(old),
        communities=None if hosts is None else tuple(_communities(tree, old)),
        users=users,
        trap_hosts=None
        if hosts is None
        else tuple(TrapHost(address=a, version=v, level=_level_of(tree, w)) for a, v, w, _ in hosts),
        anywhere=None if enabled is None else False,
        unseen=gaps.unseen,
    )


def _snmp_hosts(tree: Node) -> list[tuple[str, str, str, bool]]:
    """(address or object, version, community or user, notifications alone). Where neither trap nor poll stands, both hold."""
    rows = []
    for kind in ("host", "host-group"):
        for line in tree.lines(f"snmp-server {kind} "):
            words = line.split()
            if len(words) < 2:
                raise Unparsable(f"snmp-server {kind}: cannot place {line[:60]}")
            rest = " ".join(words[2:])
            version = re.search(r"(?:^| )version (\S+)(?: (\S+))?", rest)
            shown = version[1].lower() if version else "1"
            if shown not in ("1", "2c", "3"):
                raise Unparsable(f"snmp-server {kind} {words[1]}: no version we know: {shown[:10]}")
            community = re.search(r"(?:^| )community (?:[08] )?(\S+)", rest)
            word = version[2] if shown == "3" and version and version[2] else community[1] if community else ""
            rows.append((words[1], shown, word, words[2:3] == ["trap"]))
    return rows


def _communities(tree: Node, hosts: list[tuple[str, str, str, bool]]) -> list[Community]:
    """One per host and word; a host without its own uses `snmp-server community`. The ASA hides them behind stars."""
    common = next(iter(tree.lines("snmp-server community ")), "").split()
    rows: list[Community] = []
    for word in dict.fromkeys(host[2] or (common[-1] if common else "") for host in hosts):
        rows.append(
            Community(
                write=False, well_known=well_known(word) if word else None, short=short(word) if word else None, anywhere=False
            )
        )
    return rows


def _groups(tree: Node) -> dict[str, str]:
    return {found[1]: found[2] for found in tree.matches(r"snmp-server group (\S+) v3 (noauth|auth|priv)")}


_LEVELS = {"noauth": "noAuthNoPriv", "auth": "authNoPriv", "priv": "authPriv"}


def _level_of(tree: Node, user: str) -> str | None:
    found = tree.matches(rf"snmp-server user {re.escape(user)} (\S+) v3") if user else []
    return _LEVELS.get(_groups(tree).get(found[-1][1], "")) if found else None


def _snmp_users(tree: Node) -> tuple[SnmpUser, ...]:
    groups = _groups(tree)
    rows = []
    for line in tree.lines("snmp-server user "):
        found = re.match(r"(\S+) (\S+) v3((?: \S+)*)$", line)
        if not found:
            raise Unparsable("snmp-server user: cannot place its line")
        signs = re.search(r" auth (\S+)", found[3])
        ciphers = re.search(r" priv (aes \d+|\S+)", found[3])
        rows.append(
            SnmpUser(
                name=found[1],
                level=_LEVELS.get(groups.get(found[2], "")),
                auth=auth(signs[1]) if signs else "none",
                priv=priv(ciphers[1]) if ciphers else "none",
                write=False,
            )
        )
    return tuple(rows)
