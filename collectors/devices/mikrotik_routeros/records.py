"""RouterOS: what is written down and where it is sent, and who may ask over SNMP."""

from __future__ import annotations

from typing import Literal, NamedTuple

from collectors.devices.mikrotik_routeros.addresses import any_address, speaks_v6
from collectors.devices.mikrotik_routeros.chains import Probe, filters
from collectors.devices.mikrotik_routeros.text import Config, config, flag, listed
from collectors.devices.syntax.routeros import Item
from collectors.devices.vocabulary import auth, priv, short, well_known
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.device_logs import DeviceLogs, Level, LogHost
from collectors.facts.snmp_service import Community, SnmpService, SnmpUser, TrapHost
from collectors.transports.base import DeviceCli

_SEVERITIES: tuple[tuple[str, Level], ...] = (
    ("critical", "critical"), ("error", "error"), ("warning", "warning"), ("info", "informational"), ("debug", "debug"),
)  # fmt: skip
_SPARED = frozenset(f"!{word}" for word in (*(topic for topic, _ in _SEVERITIES), "packet", "raw", "calc", "timer"))
"""Left out without a loss: other severities, and what only hunters of faults read."""
NOWHERE = ("", "0.0.0.0", "::")  # noqa: S104  (no server is set)
# topics of the messages themselves (manual, "Log": "logged in", "login failure", "... changed by admin")
LOGGED_ON = frozenset({"system", "info", "account"})
REFUSED = frozenset({"system", "error", "critical"})
CHANGED = frozenset({"system", "info"})
KEPT = ("memory", "disk")


class _Rule(NamedTuple):
    topics: tuple[str, ...]
    action: Item
    filtered: bool
    """A regex lets only some messages through."""

    @property
    def target(self) -> str:
        return self.action.word("target") or ""

    def takes(self, topics: frozenset[str]) -> bool:
        """Every topic it names is one of the message, and none it excludes."""
        return not self.filtered and all((topic.removeprefix("!") in topics) != topic.startswith("!") for topic in self.topics)


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """Rules of /system logging that are on, and where their actions lead."""
    gaps = Gaps()
    conf = config(cli)
    found = gaps.attempt(("enabled", "hosts", "buffer", "timestamps", "logons", "changes"), lambda: _rules(conf))
    if found is None:
        return DeviceLogs(enabled=None, hosts=None, timestamps=None, logons=None, changes=None, unseen=gaps.unseen)
    hosts = gaps.attempt("hosts", lambda: _hosts(found, gaps))
    lasting = [rule for rule in found if rule.target in KEPT or _sent(rule)]
    level = _least(lasting)
    if level is None:
        gaps.note("level", "unsupported", "topics decide, and not every message of one severity is kept or sent")
    return DeviceLogs(
        enabled=bool(lasting),
        hosts=hosts,
        buffer=any(rule.target in KEPT for rule in found),
        level=level,
        timestamps=gaps.attempt("timestamps", lambda: _stamped(lasting)),
        logons=all(any(rule.takes(topics) for rule in lasting) for topics in (LOGGED_ON, REFUSED)),
        changes=any(rule.takes(CHANGED) for rule in lasting),
        synchronous_source=_source(found),
        unseen=gaps.unseen,
    )


def _rules(conf: Config) -> list[_Rule]:
    actions = {item.word("name") or item.selector: item for item in conf.items("system logging action")}
    found = []
    for item in conf.active("system logging"):
        name = item.word("action")
        if name is None or name not in actions:
            raise Unparsable(f"line {item.line}: a rule of logging without an action that is in the configuration")
        found.append(_Rule(listed(item.word("topics") or ""), actions[name], bool(item.word("regex"))))
    return found


def _sent(rule: _Rule) -> bool:
    return rule.target == "remote" and (rule.action.word("remote") or "") not in NOWHERE


def _hosts(found: list[_Rule], gaps: Gaps) -> tuple[LogHost, ...]:
    hosts = []
    for action in {id(rule.action): rule.action for rule in found if _sent(rule)}.values():
        word = action.word("remote-protocol") or "udp"  # 6 and early 7 know UDP alone
        if word not in ("udp", "tcp"):
            gaps.note("hosts[].encrypted", "unsupported", f"whether {word[:10]} encrypts is not in our table")
        protocol: Literal["udp", "tcp"] | None = "udp" if word == "udp" else "tcp" if word == "tcp" else None
        level = _least([rule for rule in found if rule.action is action])
        if level is None:
            gaps.note("hosts[].level", "unsupported", "only some topics are sent, not all from one severity upwards")
        encrypted = None if protocol is None else False
        hosts.append(LogHost(address=action.values["remote"], protocol=protocol, encrypted=encrypted, level=level))
    return tuple(hosts)


def _least(found: list[_Rule]) -> Level | None:
    """The last severity down to which messages of every topic are taken: a rule that leaves out a topic takes not every one."""
    least: Level | None = None
    for topic, level in _SEVERITIES:
        if not any(not rule.filtered and all(word == topic or (word in _SPARED and word != f"!{topic}") for word in rule.topics) for rule in found):  # fmt: skip
            break
        least = level
    return least


def _stamped(lasting: list[_Rule]) -> bool:
    """Memory and disk keep the time of each record; syslog carries one only in its BSD or CEF form (manual, "Log")."""
    if not lasting:
        raise Unsupported("nothing is kept or sent")
    for rule in lasting:
        if rule.target in KEPT:
            continue
        form = rule.action.word("remote-log-format")
        if form is not None and form not in ("default", "syslog", "bsd-syslog", "cef"):
            raise Unsupported(f"whether records of the form {form[:20]} carry a time is not in our table")
        if form in (None, "default") and not flag(rule.action.word("bsd-syslog") or "no", "bsd-syslog"):
            return False
    return True


def _source(found: list[_Rule]) -> str | None:
    sources = {rule.action.word("src-address") or "" for rule in found if _sent(rule)}
    return sources.pop() if len(sources) == 1 and not sources & set(NOWHERE) else None


def snmp_service(cli: DeviceCli) -> SnmpService:
    """/snmp and its communities; one with security is a user of version 3, one without is a community."""
    gaps = Gaps()
    conf = config(cli)
    if not conf.on("snmp", "enabled"):
        return SnmpService(enabled=False, v1_v2c=False, communities=(), users=(), trap_hosts=(), anywhere=False)
    if not conf.has("snmp community"):
        raise Unsupported("the menu of communities is not shown, though one cannot be removed: this account may not see it")
    found = conf.active("snmp community")
    for item in found:
        if (
            item.word("security") not in ("none", "authorized", "private")
            or item.word("addresses") is None
            or not item.word("name")
        ):
            raise Unparsable(f"line {item.line}: name, security or addresses of an SNMP community are not told")
    wall = _wall(conf)
    bare = [item for item in found if item.word("security") == "none"]
    communities = tuple(
        Community(
            write=flag(item.word("write-access") or "", "write-access"),
            well_known=well_known(item.values["name"]),
            short=short(item.values["name"]),
            anywhere=_free(item, wall),
        )
        for item in bare
    )
    signed = [item for item in found if item.word("security") != "none"]
    users = tuple(_user(item) for item in signed)
    if users and not communities:
        gaps.note("v1_v2c", "unsupported", "no manual tells that one with security is refused in version 1 or 2c")
    free = [_free(item, wall) for item in found]
    if None in free:
        gaps.note(("anywhere", "communities[].anywhere"), "unsupported", "the filter admits some senders who cannot be told here")
    return SnmpService(
        enabled=bool(found),
        v1_v2c=True if communities else None if users else False,
        communities=communities,
        users=users,
        trap_hosts=gaps.attempt("trap_hosts", lambda: _traps(conf, gaps)),
        anywhere=True if True in free else None if None in free else False,
        unseen=gaps.unseen,
    )


def _wall(conf: Config) -> bool | None:
    """The filter lets anybody ask. None: some may, and who they are is not told. False: only named addresses, or nobody."""
    # here, because access.py builds upon us through the accounts
    from collectors.devices.mikrotik_routeros.access import judged

    walls = filters(conf)
    admitted = list(walls["ip"].admitted(Probe("ip", "udp", 161)))
    v6 = speaks_v6(conf)
    if v6 is not False:
        admitted += walls["ipv6"].admitted(Probe("ipv6", "udp", 161))
    found = judged(admitted).anywhere
    return None if v6 is None and found is False else found


def _free(item: Item, wall: bool | None) -> bool | None:
    addresses = listed(item.word("addresses") or "")
    return wall if not addresses or any_address(addresses) else False


def _user(item: Item) -> SnmpUser:
    private = item.word("security") == "private"
    return SnmpUser(
        name=item.values["name"],
        level="authPriv" if private else "authNoPriv",
        auth=auth(item.word("authentication-protocol") or ""),
        priv=priv(item.word("encryption-protocol") or "") if private else "none",
        write=flag(item.word("write-access") or "", "write-access"),
    )


def _traps(conf: Config, gaps: Gaps) -> tuple[TrapHost, ...]:
    word = conf.say("snmp", "trap-version")
    versions: dict[str, Literal["1", "2c", "3"]] = {"1": "1", "2": "2c", "3": "3"}
    if word not in versions:
        raise Unparsable(f"no version of traps: {word[:10]}")
    targets = [each for each in listed(conf.say("snmp", "trap-target")) if each not in NOWHERE]
    level: Literal["authPriv", "authNoPriv"] | None = None
    if word == "3" and targets:
        # the export hides which community is meant: the name stands for a secret where it has no security
        named = [item for item in conf.active("snmp community") if item.word("name") == conf.say("snmp", "trap-community")]
        secured = {item.word("security") for item in named}
        level = "authPriv" if secured == {"private"} else "authNoPriv" if secured == {"authorized"} else None
        if level is None:
            gaps.note("trap_hosts[].level", "unsupported", "what signs them has no security, or is not in the configuration")
    return tuple(TrapHost(address=each, version=versions[word], level=level) for each in targets)
