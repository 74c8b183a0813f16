"""Junos: what is written down, and where it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from collectors.devices.juniper_junos.text import config
from collectors.devices.syntax.junos import Node
from collectors.devices.vocabulary import LEVELS, level, reaches
from collectors.errors import Unsupported
from collectors.facts.base import Gaps
from collectors.facts.device_logs import DeviceLogs, Level, LogHost
from collectors.transports.base import DeviceCli

_FACILITIES = frozenset({
    "any", "authorization", "change-log", "conflict-log", "daemon", "dfc", "external", "firewall", "ftp", "interactive-commands",
    "kernel", "ntp", "pfe", "security", "user",
})  # fmt: skip
_OTHER_ENGINES = frozenset({"other-routing-engine", "scc-master", "sfc0-master"})


class Target(NamedTuple):
    """A file or a server, and the least severity of each facility that goes there."""

    kind: str
    name: str
    levels: Mapping[str, Level | None]
    node: Node

    def level(self, facility: str) -> Level | None:
        """A facility named for itself is not decided by `any`."""
        return self.levels[facility] if facility in self.levels else self.levels.get("any")


def targets(root: Node) -> Iterator[Target]:
    """Files and servers that something is written to; one with `match` takes a part nobody can tell, and is left out."""
    for kind in ("file", "host"):
        for node in root.below("system", "syslog", kind):
            levels = {child.name: _level(child.word() or "") for child in node.below() if child.name in _FACILITIES}
            if (
                any(levels.values())
                and not node.has("match")
                and not node.has("match-strings")
                and node.name not in _OTHER_ENGINES
            ):
                yield Target(kind, node.name, levels, node)


def _level(word: str) -> Level | None:
    if word == "none":
        return None
    return "debug" if word == "any" else level(word)


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """`system syslog`. Records of sessions that a firewall streams away (`security log`) are not the device's own."""
    gaps = Gaps()
    root = config(cli)
    found = gaps.attempt(("enabled", "hosts", "buffer", "logons", "changes", "level"), lambda: list(targets(root)))
    if found is None:
        return DeviceLogs(enabled=None, hosts=None, timestamps=True, logons=None, changes=None, unseen=gaps.unseen)
    hosts = [one for one in found if one.kind == "host"]
    return DeviceLogs(
        enabled=bool(found),
        hosts=gaps.attempt("hosts", lambda: tuple(_host(one) for one in hosts)),
        buffer=any(one.kind == "file" for one in found),
        level=gaps.attempt("level", lambda: _common(hosts or found)),
        # RFC 3164 and 5424 records carry both; Junos has no statement that leaves them out
        timestamps=True,
        # sshd writes a log-on that succeeds at severity info, facility authorization
        logons=any(reaches(one.level("authorization"), "informational") for one in found),
        changes=any(
            reaches(one.level("change-log"), "informational") or reaches(one.level("interactive-commands"), "informational")
            for one in found
        ),
        synchronous_source=gaps.attempt("synchronous_source", lambda: _source(root, hosts)),
        unseen=gaps.unseen,
    )


def _host(one: Target) -> LogHost:
    transport = (one.node.word("transport") or "udp").lower()
    return LogHost(
        address=one.name,
        protocol="udp" if transport == "udp" else "tcp",
        encrypted=transport == "tls",
        level=one.levels.get("any"),
    )


def _common(found: list[Target]) -> Level | None:
    """The severity that reaches every server, or the best file where there is none."""
    said = [one.levels["any"] for one in found if one.levels.get("any")]
    if not said or (found[0].kind == "host" and len(said) < len(found)):
        raise Unsupported("facilities have severities of their own; none counts for the device")
    ranked = sorted(LEVELS.index(one) for one in said if one)
    return LEVELS[ranked[0] if found[0].kind == "host" else ranked[-1]]


def _source(root: Node, hosts: list[Target]) -> str:
    common = root.word("system", "syslog", "source-address")
    found = {one.node.word("source-address") or common for one in hosts}
    if len(found) == 1 and (only := found.pop()):
        return only
    raise Unsupported("no source-address is fixed for every server")
