"""FortiOS: what it writes down and where it sends it; who may ask it over SNMP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from collectors.devices.fortinet_fortios.access import network
from collectors.devices.fortinet_fortios.text import Config, config
from collectors.devices.syntax.fortios import Block
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.device_logs import DeviceLogs, Level, LogHost
from collectors.facts.snmp_service import Community, SnmpService, SnmpUser, TrapHost
from collectors.transports.base import DeviceCli

_LEVELS: dict[str, Level] = {
    "emergency": "emergency", "alert": "alert", "critical": "critical", "error": "error", "warning": "warning",
    "notification": "notice", "information": "informational", "debug": "debug",
}  # fmt: skip
_SYSLOGS = ("syslogd", "syslogd2", "syslogd3", "syslogd4")
_ANALYZERS = ("fortianalyzer", "fortianalyzer2", "fortianalyzer3", "fortianalyzer-cloud")
_LOCAL = ("memory", "disk")


class _Sent(NamedTuple):
    host: LogHost
    source: str | None


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """Syslog servers, FortiAnalyzer, memory and disk; events of the system filtered or not."""
    gaps = Gaps()
    conf = config(cli)
    sent = gaps.attempt("hosts", lambda: tuple(_sent(conf, gaps)))
    buffer = gaps.attempt("buffer", lambda: _kept(conf))
    sources = sorted({one.source for one in sent or () if one.source})
    events = gaps.attempt(("logons", "changes"), lambda: _events(conf, sent))
    if not sources:
        gaps.note("synchronous_source", "unsupported", "none is fixed, or the servers were not seen")
    if not sent and not buffer and (sent is None or buffer is None):
        gaps.note("enabled", "unsupported", "not every place where records may go was seen")
    gaps.note("level", "unsupported", "each destination has a level of its own")
    return DeviceLogs(
        enabled=True if sent or buffer else None if sent is None or buffer is None else False,
        hosts=None if sent is None else tuple(one.host for one in sent),
        buffer=buffer,
        timestamps=True,  # every record of FortiOS carries date= and time=; there is no switch
        logons=events,
        changes=events,
        synchronous_source=sources[0] if sources else None,
        unseen=gaps.unseen,
    )


def _sent(conf: Config, gaps: Gaps) -> Iterator[_Sent]:
    seen = False
    for scope, suffix in ((conf.globe, "setting"), *((scope, "override-setting") for scope in conf.vdoms.values())):
        for name in (*_SYSLOGS, *_ANALYZERS, "fortiguard"):
            block = scope.child(f"log {name} {suffix}")
            if block is None:
                continue
            seen = seen or suffix == "setting"
            yield from _one(conf, gaps, scope, block.checked(), name, suffix)
    if not seen:
        # nothing of its own stands there: believed only where the account sees that part at all
        conf.section("log syslogd setting")


def _one(conf: Config, gaps: Gaps, scope: Block, block: Block, name: str, suffix: str) -> Iterator[_Sent]:
    family = name.rstrip("234") if name != "fortianalyzer-cloud" else "fortianalyzer"
    section = f"log {family} setting"
    overridden = scope.child("log setting")
    if suffix != "setting":
        switch = "syslog-override" if family == "syslogd" else "faz-override"
        told = overridden.word(switch) if overridden else None
        own = told or block.word("override")
        if own != "enable":
            return
        if block.word("status") == "disable":
            raise Unsupported(f"a virtual domain overrides {section} and sends nothing there; the others do not speak for it")
    if not conf.on(block, section, "status"):
        return
    if family == "fortiguard":
        yield _Sent(LogHost(address="FortiCloud", protocol="tcp", encrypted=True, level=None), None)
        gaps.note("hosts[].level", "unsupported", "FortiCloud: not looked at")
        return
    address = block.word("server") or ("FortiAnalyzer Cloud" if name == "fortianalyzer-cloud" else "")
    if not address:
        raise Unparsable(f"config log {name} {suffix} is on and names no server")
    level = gaps.attempt("hosts[].level", lambda: _severity(conf, scope, name, suffix))
    source = block.word("source-ip") or block.word("interface") or None
    if family == "syslogd":
        reliable = conf.say(block, section, "mode") != "udp"
        # the cipher is shown only where it can be used
        encrypted = reliable and block.word("mode") != "legacy-reliable" and _cipher(conf, block, section) != "disable"
        host = LogHost(address=address, protocol="tcp" if reliable else "udp", encrypted=encrypted, level=level)
    else:
        reliable = conf.on(block, section, "reliable")
        if not reliable:
            gaps.note(
                ("hosts[].encrypted", "hosts[].protocol"),
                "unsupported",
                "FortiAnalyzer without reliable: how records travel is not shown",
            )
        certain = reliable and conf.say(block, section, "enc-algorithm") in ("high", "high-medium", "low")
        host = LogHost(address=address, protocol="tcp" if reliable else None, encrypted=True if certain else None, level=level)
    yield _Sent(host, None if source in ("0.0.0.0", "::") else source)  # noqa: S104


def _cipher(conf: Config, block: Block, section: str) -> str:
    try:
        return conf.say(block, section, "enc-algorithm")
    except Unsupported:
        return "disable"


def _severity(conf: Config, scope: Block, name: str, suffix: str) -> Level:
    family = "syslogd" if name.startswith("syslogd") else "fortianalyzer" if name.startswith("fortianalyzer") else name
    kind = "override-filter" if suffix != "setting" else "filter"
    said = conf.say(conf.section(f"log {name} {kind}", scope), f"log {family} filter", "severity")
    if said not in _LEVELS:
        raise Unparsable(f"severity of log {name} filter: {said[:40]}")
    return _LEVELS[said]


def _kept(conf: Config) -> bool:
    """Memory or disk. Which of them is on without a word depends on the model."""
    said = [block.word("status") for name in _LOCAL if (block := conf.globe.child(f"log {name} setting")) is not None]
    for scope in conf.vdoms.values():
        said += [block.word("status") for name in _LOCAL if (block := scope.child(f"log {name} setting")) is not None]
    if "enable" in said:
        return True
    if said.count("disable") >= len(_LOCAL):
        return False
    raise Unsupported("status of log memory and log disk is not shown; their default depends on the model")


def _events(conf: Config, sent: tuple[_Sent, ...] | None) -> bool:
    """Log-ons and changes are events of the system, written at the level information."""
    if not _wanted(conf):
        return False
    levels: list[Level | None] = [one.host.level for one in sent or ()]
    levels += [_severity(conf, conf.globe, name, "setting") for name in _LOCAL if _local_on(conf, name)]
    if any(level in ("informational", "debug") for level in levels):
        return True
    if sent is None or None in levels:
        raise Unsupported("a destination of records, or its level, is not shown")
    _kept(conf)  # raises where memory and disk are not shown: one of them may take them
    return False


def _wanted(conf: Config) -> bool:
    block = conf.section("log eventfilter")
    return conf.on(block, "log eventfilter", "event") and conf.on(block, "log eventfilter", "system")


def _local_on(conf: Config, name: str) -> bool:
    block = conf.globe.child(f"log {name} setting")
    return block is not None and block.word("status") == "enable"


def event_hosts(conf: Config) -> bool:
    """Events of administrators reach a server."""
    sent = tuple(_sent(conf, Gaps()))
    if not _wanted(conf) or not sent:
        return False
    levels = [one.host.level for one in sent]
    if any(level in ("informational", "debug") for level in levels):
        return True
    if None in levels:
        raise Unsupported("the level of a log server is not shown")
    return False


# --- SNMP -------------------------------------------------------------------------------------------------------------

_KNOWN = frozenset(
    {
        "public",
        "private",
        "cisco",
        "community",
        "snmp",
        "admin",
        "fortinet",
        "fortigate",
        "manager",
        "monitor",
        "read",
        "write",
        "test",
    }
)
_SECURITY = {"no-auth-no-priv": "noAuthNoPriv", "auth-no-priv": "authNoPriv", "auth-priv": "authPriv"}
_AUTH = {
    "md5": "md5",
    "sha": "sha1",
    "sha1": "sha1",
    "sha224": "sha224",
    "sha256": "sha256",
    "sha384": "sha384",
    "sha512": "sha512",
}
_PRIV = {"des": "des", "aes": "aes128", "aes256": "aes256", "aes256cisco": "aes256"}
_SHORT = 8


def snmp_service(cli: DeviceCli) -> SnmpService:
    """Communities and users that are on. FortiOS lets nobody write over SNMP."""
    gaps = Gaps()
    conf = config(cli)
    on = gaps.attempt("enabled", lambda: conf.on(conf.section("system snmp sysinfo"), "system snmp sysinfo", "status"))
    communities = gaps.attempt(("communities", "v1_v2c"), lambda: tuple(_communities(conf, gaps)))
    users = gaps.attempt("users", lambda: tuple(_users(conf)))
    if on is False:
        enabled: bool | None = False
    elif on and (communities or users):
        enabled = True
    else:
        enabled = False if on and communities is not None and users is not None else None
        if on and enabled is None:
            gaps.note("enabled", "unsupported", "the agent is on; its communities or users were not seen")
    anywhere: bool | None = False if enabled is False else None
    if enabled and communities is not None and users is not None:
        anywhere = any(row.anywhere for row in communities) or (None if users else False)
        if anywhere is None:
            gaps.note(
                "anywhere", "unsupported", "users of version 3 have no list of addresses; what else narrows them is not weighed"
            )
    elif enabled is not False:
        gaps.note("anywhere", "unsupported", "the agent, its communities or its users were not seen")
    gaps.note("answered", "unsupported", "not asked over SNMP")
    answered_v2 = None if communities is None or enabled is None else bool(enabled and communities)
    if answered_v2 is None and communities is not None:
        gaps.note("v1_v2c", "unsupported", "whether the agent answers was not seen")
    return SnmpService(
        enabled=enabled,
        v1_v2c=answered_v2,
        communities=communities,
        users=users,
        trap_hosts=gaps.attempt("trap_hosts", lambda: tuple(_traps(conf))),
        anywhere=anywhere,
        unseen=gaps.unseen,
    )


def _communities(conf: Config, gaps: Gaps) -> Iterator[Community]:
    section = "system snmp community"
    for entry in conf.section(section).entries.values():
        queried = any(conf.on(entry, section, f"query-{version}-status") for version in ("v1", "v2c"))
        if not conf.on(entry, section, "status") or not queried:
            continue
        name = entry.word("name") or ""
        hidden = not name or name.startswith("(redacted)") or name == "*"
        if hidden:
            gaps.note(("communities[].well_known", "communities[].short"), "unsupported", "its name is not shown")
        yield Community(
            write=False,
            well_known=None if hidden else name.lower() in _KNOWN,
            short=None if hidden else len(name) < _SHORT,
            anywhere=_open(entry, gaps),
        )


def _open(entry: Block, gaps: Gaps) -> bool | None:
    """No list of hosts, or one of them is every network."""
    hosts = _hosts(entry)
    if hosts and all(":" in host for host in hosts):
        gaps.note(
            "communities[].anywhere", "unsupported", "it has hosts of IPv6 alone: what holds for IPv4 then is not documented"
        )
        return None
    return not hosts


def _hosts(entry: Block) -> list[str]:
    """Networks that may ask; empty where there is none, or one of them is every network."""
    found = []
    for table, key, cover in (("hosts", "ip", "0.0.0.0/0"), ("hosts6", "ipv6", "::/0")):
        block = entry.child(table)
        for host in block.entries.values() if block else ():
            if host.word("host-type") == "trap":
                continue
            words = host.words(key) or (("0.0.0.0", "0.0.0.0") if key == "ip" else ("::/0",))  # noqa: S104
            said = network(words, key)
            if said == cover:
                return []
            found.append(said)
    return found


def _users(conf: Config) -> Iterator[SnmpUser]:
    section = "system snmp user"
    for entry in conf.section(section).entries.values():
        if entry.word("status") == "disable" or entry.word("queries") == "disable":
            continue
        level = _SECURITY.get(conf.say(entry, section, "security-level"))
        if level is None:
            raise Unparsable(f"security-level of the SNMP user {entry.name}")
        auth = "none" if level == "noAuthNoPriv" else _AUTH.get(conf.say(entry, section, "auth-proto"))
        priv = "none" if level != "authPriv" else _PRIV.get(conf.say(entry, section, "priv-proto"))
        if auth is None or priv is None:
            raise Unparsable(f"auth-proto or priv-proto of the SNMP user {entry.name}")
        yield SnmpUser.model_validate({"name": entry.name, "level": level, "auth": auth, "priv": priv, "write": False})


def _traps(conf: Config) -> Iterator[TrapHost]:
    section = "system snmp community"
    for entry in conf.section(section).entries.values():
        if not conf.on(entry, section, "status"):
            continue
        for table, key in (("hosts", "ip"), ("hosts6", "ipv6")):
            block = entry.child(table)
            for host in block.entries.values() if block else ():
                words = host.words(key)
                single = words and ipaddress_of(words)
                if host.word("host-type") == "query" or not single:
                    continue
                yield from (
                    TrapHost.model_validate({"address": single, "version": version.removeprefix("v")})
                    for version in ("v1", "v2c")
                    if conf.on(entry, section, f"trap-{version}-status")
                )
    for entry in conf.section("system snmp user").entries.values():
        if entry.word("status") == "disable" or entry.word("trap-status") == "disable":
            continue
        try:
            level = _SECURITY.get(conf.say(entry, "system snmp user", "security-level"))
        except CollectError:
            level = None
        for address in (*(entry.words("notify-hosts") or ()), *(entry.words("notify-hosts6") or ())):
            if address not in ("0.0.0.0", "::"):  # noqa: S104
                yield TrapHost.model_validate({"address": address, "version": "3", "level": level})


def ipaddress_of(words: tuple[str, ...]) -> str | None:
    """The address, where the words name one and no network."""
    said = network(words, "ip")
    address, _, length = said.partition("/")
    return address if length in ("32", "128") else None
