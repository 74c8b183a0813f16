"""Check Point Gaia: which box, which software, which configuration, what time, where records go."""

from __future__ import annotations

import re

from collectors.devices import kept_text
from collectors.devices.base import plain
from collectors.devices.checkpoint_gaia.text import config, version
from collectors.devices.checkpoint_gaia.text import system as own
from collectors.devices.syntax.set_lines import Lines
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.configuration import Configuration
from collectors.facts.device_logs import DeviceLogs, Level, LogHost
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.transports.base import DeviceCli

_LEVELS: dict[str, Level] = {
    "emerg": "emergency", "alert": "alert", "crit": "critical", "err": "error", "warning": "warning", "notice": "notice",
    "info": "informational", "debug": "debug", "all": "debug",
}  # fmt: skip


def identity(cli: DeviceCli) -> Identity:
    """From `show version all` and `show asset all`."""
    gaps = Gaps()
    release = version(cli)
    gaps.note("booted_at", "unsupported", "not asked of Gaia")
    return Identity(
        hostname=cli.prompt_name,
        os_id=cli.platform,
        os_name="Check Point Gaia",
        os_version=release,
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=None,
        machine_id=None,
        serial=gaps.attempt("serial", lambda: _asset(cli, "Serial Number")),
        vendor="Check Point",
        model=gaps.attempt("model", lambda: _asset(cli, "Model")),
        macs=None,
        addresses=gaps.attempt("addresses", lambda: _addresses(config(cli))),
        unseen=gaps.unseen,
    )


def _asset(cli: DeviceCli, name: str) -> str:
    found = re.search(rf"^{name}: *(\S.*?)\s*$", cli.ask("show asset all"), re.M)
    if not found:
        raise Unsupported(f"show asset all tells no {name}: a virtual machine has none")
    return found[1]


def _addresses(lines: Lines) -> tuple[str, ...]:
    found = set()
    for words in lines.each("set", "interface"):
        if len(words) > 2 and words[1] in ("ipv4-address", "ipv6-address") and not words[2].startswith(("127.", "::1")):
            found.add(words[2].lower())
    return tuple(sorted(found))


def firmware(cli: DeviceCli) -> Firmware:
    """From `show version all`."""
    gaps = Gaps()
    release = version(cli)
    gaps.note("support_ends", "unsupported", "no table of support dates is bundled for this system")
    return Firmware(version=release, train=release, support_ends=None, unseen=gaps.unseen)


def configuration(cli: DeviceCli) -> Configuration:
    """`show configuration`, and what `show config-state` says of it."""
    gaps = Gaps()
    version(cli)
    return kept_text.configuration(
        own(), plain(cli, own()).text, saved=gaps.attempt("saved", lambda: _saved(cli)), unseen=gaps.unseen
    )


def _saved(cli: DeviceCli) -> bool:
    said = cli.ask("show config-state").strip().lower()
    if said in ("saved", "unsaved"):
        return said == "saved"
    raise Unparsable(f"show config-state: {said[:60]}")


def clock(cli: DeviceCli) -> Clock:
    """The servers of the configuration. What NTP follows now is not asked."""
    gaps = Gaps()
    lines = config(cli)
    zone = "".join(lines.after("set", "timezone") or ()) or None
    if zone is None:
        gaps.note("timezone", "unsupported", "the configuration names none")
    active = lines.word("set", "ntp", "active")
    if active is None:
        raise Unsupported("the configuration does not say whether NTP is on")
    gaps.note(("stratum", "offset_ms"), "unsupported", "not asked of Gaia")
    if active != "on":
        return Clock(software="none", running=False, synchronised=False, servers=(), timezone=zone, unseen=gaps.unseen)
    gaps.note("synchronised", "unsupported", "what NTP follows now was not asked")
    gaps.note(("servers[].selected", "servers[].reachable"), "unsupported", "the servers are those of the configuration")
    rows = {
        words[1]: TimeServer(address=words[1], selected=None, reachable=None)
        for words in lines.each("set", "ntp", "server")
        if len(words) > 1
    }
    return Clock(software="ntp", running=True, synchronised=None, servers=tuple(rows.values()), timezone=zone, unseen=gaps.unseen)


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """Remote addresses of syslog, and the audit log of the configuration."""
    gaps = Gaps()
    lines = config(cli)
    hosts = tuple(_host(words, gaps) for words in lines.each("add", "syslog", "log-remote-address") if words)
    audit = lines.word("set", "syslog", "auditlog")
    if audit is None:
        gaps.note("changes", "unsupported", "the configuration does not tell whether changes are recorded (syslog auditlog)")
    gaps.note("logons", "unsupported", "log-ons are recorded by the system below; not seen here")
    gaps.note("level", "unsupported", "each remote address has a level of its own")
    gaps.note("synchronous_source", "unsupported", "none is fixed")
    return DeviceLogs(
        enabled=True,
        hosts=hosts,
        buffer=True,  # Gaia always writes /var/log
        timestamps=True,
        logons=None,
        changes=None if audit is None else audit == "permanent",
        unseen=gaps.unseen,
    )


def _host(words: tuple[str, ...], gaps: Gaps) -> LogHost:
    pairs = dict(zip(words[1::2], words[2::2], strict=False))
    level = _LEVELS.get(pairs.get("level", ""))
    if level is None:
        gaps.note("hosts[].level", "unsupported", "the level is not shown")
    protocol = pairs.get("protocol", "udp")
    gaps.note("hosts[].protocol", "unsupported", "shown by newer releases only") if "protocol" not in pairs else None
    return LogHost.model_validate(
        {"address": words[0], "protocol": protocol if "protocol" in pairs else None, "encrypted": False, "level": level}
    )
