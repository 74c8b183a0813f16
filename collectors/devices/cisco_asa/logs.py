"""Cisco ASA: what is written down, and who may ask over SNMP."""

from __future__ import annotations

import re
from typing import NamedTuple

from collectors.devices.cisco_asa.objects import objects
from collectors.devices.cisco_asa.text import config, governed_here, threat_defense
from collectors.devices.syntax.cidr_acl import covers
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import auth, priv, reaches, short, well_known
from collectors.errors import Unparsable, Unsupported
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
_SEVERITIES: dict[str, Level] = {
    "emergencies": "emergency", "alerts": "alert", "critical": "critical", "errors": "error", "warnings": "warning",
    "notifications": "notice", "informational": "informational", "debugging": "debug",
    "0": "emergency", "1": "alert", "2": "critical", "3": "error", "4": "warning", "5": "notice", "6": "informational", "7": "debug",
}  # fmt: skip
UNLISTED: dict[str, Level] = {"106001": "critical", "106006": "critical", "106010": "error", "106014": "error"}
"""TCP, UDP, other protocols and ICMP refused where no list stands, by the security levels."""


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """The `logging` lines. Without `logging enable` nothing is written; without `logging trap` nothing is sent."""
    governed_here(cli, "records of log-ons, changes and connections")
    gaps = Gaps()
    tree = config(cli)
    on = tree.flag("logging enable") is True
    trap = tree.value("logging trap ") if on else None
    sent = gaps.attempt("hosts[].level", lambda: severity(trap)) if trap else None
    hosts = gaps.attempt("hosts", lambda: _hosts(tree, sent)) if trap else ()
    return DeviceLogs(
        enabled=on,
        hosts=hosts,
        buffer=on and tree.value("logging buffered ") is not None,
        level=gaps.attempt("level", lambda: _least(tree, on, sent, hosts)),
        timestamps=tree.flag("logging timestamp") is True,
        logons=gaps.attempt("logons", lambda: written(tree, _LOGONS)),
        changes=gaps.attempt("changes", lambda: written(tree, _CHANGES)),
        synchronous_source=None,
        unseen=gaps.unseen,
    )


def severity(word: str) -> Level:
    """A severity by its whole word. Anything else is a list of messages, whatever it is called: `debugging-aaa` is one."""
    if word not in _SEVERITIES:
        raise Unparsable(f"{word[:40]}: a list of messages, no severity")
    return _SEVERITIES[word]


def _least(tree: Node, on: bool, sent: Level | None, hosts: tuple[LogHost, ...] | None) -> Level:
    """The severity of what is sent; of what the device keeps where nothing is."""
    buffered = tree.value("logging buffered ")
    if not on or (not hosts and buffered is None):
        raise Unsupported("nothing is sent to servers and nothing kept: no severity counts")
    if hosts is None or (hosts and sent is None):
        raise Unparsable("a list of messages decides what is sent; it was not read")
    return sent if hosts and sent else severity(buffered or "")


def _hosts(tree: Node, sent: Level | None) -> tuple[LogHost, ...]:
    rows = []
    for line in tree.lines("logging host "):
        words = line.split()
        if len(words) < 2:
            raise Unparsable(f"logging host: cannot place {line[:80]}")
        port = re.search(r"(?:^| )(tcp|udp|6|17)/\d+", " ".join(words[2:]))
        tcp = port is not None and port[1] in ("tcp", "6")
        rows.append(
            LogHost(
                address=words[1],
                protocol="tcp" if tcp else "udp",
                encrypted=tcp and "secure" in words[3:],
                level=sent,
            )
        )
    return tuple(rows)


def written(tree: Node, messages: dict[str, Level]) -> bool:
    """Each of these messages reaches the buffer or a server that is configured."""
    if tree.flag("logging enable") is not True:
        return False
    if any(True for _ in tree.blocks("logging class ")):
        raise Unparsable("`logging class` gives classes of messages severities of their own; they were not read")
    reach: list[Level] = []
    unclear = False
    targets = ["logging buffered ", *(["logging trap "] if tree.lines("logging host ") else [])]
    for target in targets:
        if (said := tree.value(target)) is not None:
            try:
                reach.append(severity(said))
            except Unparsable:
                unclear = True
    for number, usual in messages.items():
        if tree.flag(f"logging message {number}") is False:
            return False
        if any(re.search(rf"\bmessage {number}$", line) for line in tree.lines("logging rate-limit ")):
            raise Unparsable(f"message {number} has a ceiling of its own (logging rate-limit): not each is written")
        own = re.match(r"level (\S+)", tree.value(f"logging message {number} ") or "")
        if not any(reaches(least, severity(own[1]) if own else usual) for least in reach):
            if unclear:
                raise Unparsable("a list of messages decides what is written; it was not read")
            return False
    return True


# --- SNMP -------------------------------------------------------------------------------------------------------------


class Asker(NamedTuple):
    """One line `snmp-server host` or `host-group`."""

    address: str
    version: str
    word: str
    """Community, or user of version 3."""
    told: bool
    """It only receives notifications. Where neither trap nor poll stands, both hold."""
    group: bool


def snmp_service(cli: DeviceCli) -> SnmpService:
    """The `snmp-server` lines. The agent answers the hosts it lists and nobody else."""
    gaps = Gaps()
    tree = config(cli)
    hosts = gaps.attempt(("trap_hosts", "communities", "v1_v2c", "enabled", "anywhere"), lambda: _askers(tree))
    if hosts is None:
        users = gaps.attempt("users", lambda: _snmp_users(tree))
        return SnmpService(enabled=None, v1_v2c=None, communities=None, users=users, unseen=gaps.unseen)
    # lines on traps begin alike: only the whole line turns the agent off
    said = [node.text for node in tree.children if node.text in ("snmp-server enable", "no snmp-server enable")]
    asked = [] if said[-1:] == ["no snmp-server enable"] else [host for host in hosts if not host.told]
    old = [host for host in asked if host.version != "3"]
    if threat_defense(cli):
        return _beside_the_chassis(asked, old, gaps)
    if any(host.word == "" or set(host.word) <= {"*"} for host in old):
        gaps.note(("communities[].well_known", "communities[].short"), "unsupported", "the device shows stars for communities")
    return SnmpService(
        enabled=bool(asked),
        v1_v2c=bool(old),
        communities=gaps.attempt("communities", lambda: tuple(_communities(cli, tree, old))),
        users=gaps.attempt("users", lambda: _snmp_users(tree)),
        trap_hosts=tuple(
            TrapHost.model_validate({"address": host.address, "version": host.version, "level": _level_of(tree, host.word)})
            for host in hosts
        ),
        anywhere=gaps.attempt("anywhere", lambda: any(_open(cli, host) for host in asked)),
        unseen=gaps.unseen,
    )


def _beside_the_chassis(asked: list[Asker], old: list[Asker], gaps: Gaps) -> SnmpService:
    """Chassis and management port of an FTD have agents of their own: what is seen here is so, what is not may still be."""
    reason = "FTD: chassis and management port have agents of their own, which are not in this configuration"
    gaps.note(("communities", "users", "trap_hosts", "anywhere"), "unsupported", reason)
    gaps.note(tuple(name for name, seen in (("enabled", asked), ("v1_v2c", old)) if not seen), "unsupported", reason)
    return SnmpService(
        enabled=True if asked else None, v1_v2c=True if old else None, communities=None, users=None, unseen=gaps.unseen
    )


def _askers(tree: Node) -> list[Asker]:
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
            word = (version[2] or "") if shown == "3" and version else community[1] if community else ""
            rows.append(Asker(words[1], shown, word, words[2:3] == ["trap"], kind == "host-group"))
    return rows


def _open(cli: DeviceCli, host: Asker) -> bool:
    """A host-group names a network object, which may hold any address."""
    return host.group and covers(objects(cli).networks(host.address)) is True


def _communities(cli: DeviceCli, tree: Node, hosts: list[Asker]) -> list[Community]:
    """One per word; a host without its own uses `snmp-server community`. The ASA hides them behind stars. None may write:
    "provides read-only access" (Cisco ASA Series General Operations CLI Configuration Guide, SNMP)."""
    common = next(iter(tree.lines("snmp-server community ")), "").split()
    rows: dict[str, bool] = {}
    for host in hosts:
        word = host.word or (common[-1] if common else "")
        rows[word] = rows.get(word, False) or _open(cli, host)
    return [
        Community(
            write=False, well_known=well_known(word) if word else None, short=short(word) if word else None, anywhere=anywhere
        )
        for word, anywhere in rows.items()
    ]


_LEVELS = {"noauth": "noAuthNoPriv", "auth": "authNoPriv", "priv": "authPriv"}


def _groups(tree: Node) -> dict[str, str]:
    """group -> least level demanded, where it stands there more than once."""
    found: dict[str, list[str]] = {}
    for line in tree.matches(r"snmp-server group (\S+) v3 (noauth|auth|priv)\b"):
        found.setdefault(line[1], []).append(line[2])
    return {name: next(_LEVELS[word] for word in _LEVELS if word in said) for name, said in found.items()}


def _level_of(tree: Node, user: str) -> str | None:
    found = tree.matches(rf"snmp-server user {re.escape(user)} (\S+) v3") if user else []
    return _groups(tree).get(found[-1][1]) if found else None


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
            SnmpUser.model_validate(
                {
                    "name": found[1],
                    "level": groups.get(found[2]),
                    "auth": auth(signs[1]) if signs else "none",
                    "priv": priv(ciphers[1]) if ciphers else "none",
                    "write": False,
                }
            )
        )
    return tuple(rows)
