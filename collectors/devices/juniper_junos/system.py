"""Junos: which device, which release, which configuration, what time."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone

from collectors.devices import kept_text
from collectors.devices.base import plain
from collectors.devices.juniper_junos.reach import units
from collectors.devices.juniper_junos.text import bare, config, version
from collectors.devices.juniper_junos.text import system as own
from collectors.devices.syntax.junos import Node
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.configuration import Configuration
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.transports.base import DeviceCli

_ZONES = {"UTC": 0, "GMT": 0, "ICT": 7, "SGT": 8, "JST": 9, "CET": 1, "CEST": 2, "WIB": 7}
"""Abbreviations that mean one time zone alone; `CST`, `IST` and `EST` mean several."""


def identity(cli: DeviceCli) -> Identity:
    """From `show version`; addresses from the configuration."""
    gaps = Gaps()
    told = version(cli)
    return Identity(
        hostname=cli.prompt_name,
        os_id=cli.platform,
        os_name="Juniper Junos OS",
        os_version=told.release,
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=None,
        machine_id=None,
        serial=gaps.attempt("serial", lambda: _serial(cli)),
        vendor="Juniper",
        model=told.model,
        macs=None,
        addresses=gaps.attempt("addresses", lambda: _addresses(config(cli))),
        booted_at=gaps.attempt("booted_at", lambda: _booted(cli)),
        unseen=gaps.unseen,
    )


def _serial(cli: DeviceCli) -> str:
    found = re.search(r"^Chassis +(?:REV \d+ +\S+ +)?(\S+) +\S", cli.ask("show chassis hardware"), re.M)
    if not found:
        raise Unparsable("show chassis hardware: no serial number of the chassis in it")
    return found[1]


def _addresses(root: Node) -> tuple[str, ...]:
    said = {
        address.partition("/")[0].lower()
        for unit in units(root)
        for family in ("inet", "inet6")
        for address in unit.node.words("family", family, "address")
    }
    for scope in (root,):
        for unit in scope.below("interfaces", "lo0", "unit"):
            said |= {
                word.partition("/")[0].lower() for family in ("inet", "inet6") for word in unit.words("family", family, "address")
            }
    try:
        known = [ipaddress.ip_address(one) for one in said]
    except ValueError as error:
        raise Unparsable(f"an interface has what is no address: {error}") from None
    return tuple(str(one) for one in sorted(known, key=lambda one: (one.version, int(one))))


def _booted(cli: DeviceCli) -> datetime:
    found = re.search(r"^System booted: (\S+ \S+) (\S+)", cli.ask("show system uptime"), re.M)
    if not found:
        raise Unparsable("show system uptime: no time of the last start in it")
    return _time(found[1], found[2]).replace(second=0)


def _time(said: str, zone: str) -> datetime:
    """2023-05-01 10:00:00 and the abbreviation of a zone. Raises Unsupported for one that means several."""
    hours = _ZONES.get(zone)
    if offset := re.fullmatch(r"([+-]\d\d)(\d\d)?", zone):
        hours = int(offset[1])
    if hours is None or (offset and offset[2] not in (None, "00")):
        raise Unsupported(f"{zone} is no zone whose distance from UTC is known")
    try:
        return datetime.strptime(said, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone(timedelta(hours=hours))).astimezone(UTC)
    except ValueError:
        raise Unparsable(f"no time: {said[:40]}") from None


def firmware(cli: DeviceCli) -> Firmware:
    """From `show version`; attack signatures of a firewall that has them."""
    gaps = Gaps()
    told = version(cli)
    gaps.note("support_ends", "unsupported", "no table of support dates is bundled for this system")
    gaps.note(("next_boot", "pending_restart"), "unsupported", "what the next start loads was not asked")
    return Firmware(
        version=told.release,
        train=told.train,
        support_ends=None,
        signatures_dated=gaps.attempt("signatures_dated", lambda: _signatures(cli)) if told.firewall else None,
        unseen=gaps.unseen,
    )


def _signatures(cli: DeviceCli) -> date:
    text = cli.ask("show security idp security-package-version")
    found = re.search(r"Attack database version: *\d+ *\(\w{3} (\w{3} +\d+) [\d:]+ (?:(\d{4}) )?\w+(?: (\d{4}))?\)", text)
    year = (found[2] or found[3]) if found else None
    if not found or not year:
        raise Unparsable("show security idp security-package-version: no date of an attack database in it")
    try:
        return datetime.strptime(f"{found[1]} {year}", "%b %d %Y").date()  # noqa: DTZ007
    except ValueError:
        raise Unparsable(f"no date: {found[1]} {year}") from None


# --- configuration ----------------------------------------------------------------------------------------------------


def configuration(cli: DeviceCli) -> Configuration:
    """What is committed is what runs and what the next start loads; only a commit that waits to be confirmed is not kept."""
    gaps = Gaps()
    text = bare(plain(cli, own()).text)
    return kept_text.configuration(
        own(),
        text,
        saved=gaps.attempt("saved", lambda: _saved(cli)),
        changed_at=gaps.attempt("changed_at", lambda: _last(cli)[0]),
        changed_by=gaps.attempt("changed_by", lambda: _last(cli)[1]),
        backup_configured=gaps.attempt("backup_configured", lambda: _archived(config(cli))),
        unseen=gaps.unseen,
    )


_COMMIT = re.compile(r"^\s*0 +(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (\S+) by (\S+)(.*)$", re.M)


def _commit(cli: DeviceCli) -> re.Match[str]:
    found = _COMMIT.search(cli.ask("show system commit"))
    if not found:
        raise Unparsable("show system commit: no commit numbered 0 in it")
    return found


def _saved(cli: DeviceCli) -> bool:
    """Not while the newest commit goes back by itself unless somebody confirms it."""
    return "rollback in" not in _commit(cli)[4]


def _last(cli: DeviceCli) -> tuple[datetime, str]:
    found = _commit(cli)
    return _time(found[1], found[2]), found[3]


def _archived(root: Node) -> bool:
    known = root.at("system", "archival", "configuration")
    return (
        known is not None and known.has("archive-sites") and (known.has("transfer-on-commit") or known.has("transfer-interval"))
    )


# --- clock ------------------------------------------------------------------------------------------------------------


def clock(cli: DeviceCli) -> Clock:
    """Servers from the configuration; whether they are followed from `show ntp associations` and `show ntp status`."""
    gaps = Gaps()
    root = config(cli)
    ntp = gaps.attempt(
        ("software", "running", "synchronised", "servers", "authenticated"), lambda: root.at("system", "ntp") or Node("")
    )
    zone = gaps.attempt("timezone", lambda: root.word("system", "time-zone") or "UTC")
    if ntp is None:
        return Clock(software=None, running=None, synchronised=None, servers=None, timezone=zone, unseen=gaps.unseen)
    if not any(ntp.has(word) for word in _SOURCES):
        return Clock(software="none", running=False, synchronised=False, servers=(), timezone=zone, unseen=gaps.unseen)
    status = gaps.attempt(("running", "synchronised", "stratum", "offset_ms"), lambda: _status(cli))
    return Clock(
        software="ntp",
        running=None if status is None else bool(status),
        synchronised=None if status is None else _follows(status),
        servers=gaps.attempt("servers", lambda: tuple(_servers(cli, ntp))),
        stratum=None if not status else int(status["stratum"]) if status.get("stratum", "").isdecimal() else None,
        offset_ms=None if not status else gaps.attempt("offset_ms", lambda: _offset(status)),
        authenticated=gaps.attempt("authenticated", lambda: _authenticated(ntp)),
        timezone=zone,
        unseen=gaps.unseen,
    )


_SOURCES = ("server", "peer", "broadcast-client", "multicast-client")


def _status(cli: DeviceCli) -> dict[str, str]:
    """Variables of `show ntp status`; {} where nothing answers."""
    text = cli.ask("show ntp status")
    if re.search(r"Connection refused|ntp(?:d)? is not running", text):
        return {}
    found = {key: said.strip('"') for key, said in re.findall(r'([\w]+)=("[^"]*"|[^,\s]*)', text)}
    if "stratum" not in found:
        raise Unparsable("show ntp status: no stratum in it")
    if sync := re.search(r"\b(sync_\w+)", text):
        found["source"] = sync[1]
    return found


def _follows(status: dict[str, str]) -> bool:
    """A source other than its own clock."""
    return (
        bool(status)
        and status.get("source", "").startswith("sync_")
        and status.get("source") not in ("sync_unspec", "sync_local")
        and status["stratum"].isdecimal()
        and 0 < int(status["stratum"]) < 16
        and not status.get("refid", "").startswith(("LOCAL", ".LOCL", "LOCL", "127.127.1."))
    )


def _offset(status: dict[str, str]) -> float:
    try:
        return abs(float(status["offset"]))
    except (KeyError, ValueError):
        raise Unparsable("show ntp status: no offset in it") from None


def _servers(cli: DeviceCli, ntp: Node) -> Iterator[TimeServer]:
    text = cli.ask("show ntp associations no-resolve")
    rows = re.findall(r"^([*+#o\-x. ]?)([0-9A-Fa-f.:]{3,}) +\S+ +\d+ +\S +\S+ +\d+ +([0-7]+) ", text, re.M)
    if not rows and not re.search(r"^ *remote +refid|No association|Connection refused", text, re.M):
        raise Unparsable("show ntp associations: no table in it")
    seen = {address: (mark in "*o" and mark != "", reached != "0") for mark, address, reached in rows}
    names = [node.name for word in ("server", "peer") for node in ntp.below(word)]
    for name in names:
        # a table cuts addresses of IPv6 at fifteen letters
        found = seen.get(name) or next(
            (state for address, state in seen.items() if len(address) >= 15 and name.startswith(address)), None
        )
        yield TimeServer(address=name, selected=found[0] if found else None, reachable=found[1] if found else None)


def _authenticated(ntp: Node) -> bool:
    """Every source names a key that is there and trusted."""
    keys = {node.name for node in ntp.below("authentication-key") if node.option("value") is not None} & set(
        ntp.words("trusted-key")
    )
    sources = [node for word in ("server", "peer") for node in ntp.below(word)]
    if ntp.has("multicast-client") or ntp.has("broadcast-client"):
        return False  # whoever shouts is heard
    return bool(sources) and all(node.option("key") in keys or node.has("nts") for node in sources)
