"""RouterOS: which box, which software, which configuration, which clock, and whom it sees."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from collectors.devices import kept_text
from collectors.devices.mikrotik_routeros.text import Config, config, flag, kept, listed, release, seconds
from collectors.devices.mikrotik_routeros.text import system as own
from collectors.devices.syntax.routeros import Item, Row, pairs, rows
from collectors.devices.vocabulary import mac
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.configuration import Configuration
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.facts.neighbours import Neighbour, Neighbours
from collectors.transports.base import DeviceCli

MISSED = 8
"""Polls without an answer after which SNTP follows nobody: as many as NTP remembers."""


def identity(cli: DeviceCli) -> Identity:
    """From /system resource; model and serial number from /system routerboard, which a virtual router has not."""
    gaps = Gaps()
    found = release(cli)
    gaps.note("booted_at", "unsupported", "/system resource tells for how long it runs; no time of start")
    return Identity(
        hostname=cli.prompt_name,
        os_id=cli.platform,
        os_name=f"MikroTik RouterOS {found.major}",
        os_version=found.text,
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=found.fields.get("architecture-name"),
        machine_id=None,
        serial=gaps.attempt("serial", lambda: _board(cli, "serial-number")),
        vendor="MikroTik",
        model=gaps.attempt("model", lambda: _model(cli)),
        macs=gaps.attempt("macs", lambda: _macs(cli)),
        addresses=gaps.attempt("addresses", lambda: _addresses(cli)),
        unseen=gaps.unseen,
    )


def _board(cli: DeviceCli, key: str) -> str:
    found = pairs(cli.ask("/system routerboard print"))
    if found.get("routerboard") == "no":
        raise Unsupported("no RouterBOARD: a PC or a virtual machine has no such number here")
    if not found.get(key):
        raise Unparsable(f"/system routerboard print: no {key} in it")
    return found[key]


def _model(cli: DeviceCli) -> str:
    try:
        return _board(cli, "model")
    except Unsupported:
        name = release(cli).fields.get("board-name")
        if not name:
            raise
        return name


def _macs(cli: DeviceCli) -> tuple[str, ...]:
    found = rows(cli.ask("/interface print detail without-paging"))
    cards = [row for row in found if row.values.get("type") == "ether" and row.values.get("mac-address")]
    if not cards:
        raise Unparsable("/interface print detail: no Ethernet port with a hardware address in it")
    return tuple(sorted({mac(row.values["mac-address"]) for row in cards}))


def _addresses(cli: DeviceCli) -> tuple[str, ...]:
    """IPv4, and IPv6 where there is a menu of it; loopback and link-local left out."""
    found = _shown(rows(cli.ask("/ip address print detail without-paging")))
    if config(cli).has("ipv6 settings"):
        found |= _shown(rows(cli.ask("/ipv6 address print detail without-paging")))
    return tuple(sorted(each for each in found if not each.startswith(("127.", "fe80:")) and each != "::1"))


def _shown(found: tuple[Row, ...]) -> set[str]:
    if any("address" not in row.values for row in found):
        raise Unparsable("address print detail: a row without an address")
    return {row.values["address"].partition("/")[0].lower() for row in found if not row.disabled}


def firmware(cli: DeviceCli) -> Firmware:
    """The running version. What waits for a restart is told by /system package: nothing is asked of the maker."""
    gaps = Gaps()
    found = release(cli)
    gaps.note("support_ends", "unsupported", "no table of support dates is bundled for this system")
    return Firmware(
        version=found.text,
        train=f"{found.number[0]}.{found.number[1]}",
        pending_restart=gaps.attempt("pending_restart", lambda: _pending(cli)),
        support_ends=None,
        unseen=gaps.unseen,
    )


def _pending(cli: DeviceCli) -> bool:
    """A package is put down for the next start, or a new boot loader was written."""
    # A: could be installed, and is not
    found = [row for row in rows(cli.ask("/system package print detail without-paging")) if "A" not in row.flags]
    if not found or any("scheduled" not in row.values for row in found):
        raise Unparsable("/system package print detail: whether something is scheduled is not told")
    loader = "please reboot for changes to take effect" in cli.ask("/system routerboard print")
    return loader or any(row.values["scheduled"] for row in found)


def configuration(cli: DeviceCli) -> Configuration:
    """The export without defaults. What is set runs and is kept at once; only what safe mode holds may be undone."""
    gaps = Gaps()
    text = kept(cli).text
    when, who = gaps.attempt(("changed_at", "changed_by"), lambda: _changed(cli, gaps)) or (None, None)
    return kept_text.configuration(
        own(),
        text,
        saved=gaps.attempt("saved", lambda: not any(re.match(r" ?F\s", line) for line in _history(cli)[1])),
        changed_at=when,
        changed_by=who,
        backup_configured=gaps.attempt("backup_configured", lambda: _backup(config(cli))),
        unseen=gaps.unseen,
    )


def _history(cli: DeviceCli) -> tuple[str, list[str]]:
    """(head with the names of columns, rows), the newest first. `print detail` is not asked: it shows commands, passwords included."""
    lines = [line.rstrip() for line in cli.ask("/system history print without-paging").splitlines() if line.strip()]
    heads = [place for place, line in enumerate(lines) if re.match(r"\s*ACTION\s+BY\s+POLICY", line)]
    if not lines or not lines[0].startswith(("Flags:", "Columns:")) or len(heads) != 1:
        raise Unparsable("/system history print: not the table it should be")
    return lines[heads[0]], lines[heads[0] + 1 :]


def _changed(cli: DeviceCli, gaps: Gaps) -> tuple[datetime | None, str | None]:
    """(when, by whom). 7 tells the time of its own clock, 6 none; what the system did by itself has no author."""
    head, found = _history(cli)
    if not found:
        raise Unsupported("the history is empty: it begins anew with each start")
    by = found[0][head.index("BY") : head.index("POLICY")].strip()
    if not by:
        gaps.note("changed_by", "unsupported", "the history names nobody")
    if "TIME" not in head:
        gaps.note(
            "changed_at",
            "unsupported",
            "this release shows the time only beside the commands themselves, which may hold passwords",
        )
        return None, by or None
    said = re.match(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", found[0][head.index("TIME") :])
    if not said:
        raise Unparsable("/system history print: no time in its first row")
    moment = datetime.strptime(said[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone(_offset(cli)))
    return moment.astimezone(UTC), by or None


_MAKES = re.compile(r"(?<![\w-])(?:/?export|/?system[ /]+backup[ /]+save)(?![\w-])")
_SENDS = re.compile(r"/?tool[ /]+fetch(?![\w-]).*\bupload=yes|/?tool[ /]+e-mail[ /]+send(?![\w-])", re.S)


def _backup(conf: Config) -> bool:
    """A schedule that runs by itself makes a copy and sends it away. True only where both words stand in it."""
    scripts = {item.word("name"): item.word("source") or "" for item in conf.items("system script")}
    hidden = False
    for item in conf.active("system scheduler"):
        event = item.word("on-event") or ""
        runs = [
            event,
            *(source for name, source in scripts.items() if name and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", event)),
        ]
        hidden = hidden or any("(redacted)" in text for text in runs)
        said = re.sub(r"(?m)^\s*#.*$", "", "\n".join(runs))
        repeats = item.word("interval") not in (None, "", "0s")
        if repeats and _MAKES.search(said) and _SENDS.search(said):
            return True
    if hidden:
        raise Unsupported("a script of the schedule holds what looks like a secret, and was taken out")
    return False


def clock(cli: DeviceCli) -> Clock:
    """NTP of 7, SNTP of 6; servers from the configuration, what is followed from the state."""
    gaps = Gaps()
    conf = config(cli)
    on = conf.on("system ntp client", "enabled")
    servers = _servers(conf)
    state = gaps.attempt(("synchronised", "stratum", "offset_ms"), lambda: _followed(cli)) if on else None
    synchronised = state[0] if state else None if on else gaps.attempt("synchronised", lambda: _by_cloud(conf))
    if not on:
        gaps.note(("stratum", "offset_ms"), "unsupported", "no NTP client runs")
    chosen = state[1] if state else None
    rows = tuple(
        TimeServer(
            address=address,
            selected=None if on and chosen is None else on and address == chosen,
            # the one that is followed has answered; of the others nothing is told
            reachable=True if synchronised and address == chosen else None,
        )
        for address, _ in servers
    )
    if any(row.reachable is None for row in rows):
        gaps.note("servers[].reachable", "unsupported", "only the server that is followed is told")
    if on and servers and chosen is None:
        gaps.note("servers[].selected", "unsupported", "which server is followed is not told")
    return Clock(
        software=("ntp" if conf.release.major >= 7 else "sntp") if on else "none",
        running=on,
        synchronised=synchronised,
        servers=rows,
        stratum=state[2] if state else None,
        offset_ms=state[3] if state else None,
        authenticated=on and bool(servers) and all(keyed for _, keyed in servers),
        timezone=gaps.attempt("timezone", lambda: _zone(cli, conf)),
        unseen=gaps.unseen,
    )


def _servers(conf: Config) -> tuple[tuple[str, bool], ...]:
    """(address, asked with a key). 6 has two fields and names, 7 a menu of its own."""
    found = {address: False for item in conf.items("system ntp client") for key in ("servers", "server-dns-names") for address in listed(item.word(key) or "")}  # fmt: skip
    for item in conf.items("system ntp client"):
        for key in ("primary-ntp", "secondary-ntp"):
            if (item.word(key) or "") not in ("", "0.0.0.0", "::"):  # noqa: S104  (none is set)
                found[item.values[key]] = False
    for item in conf.active("system ntp client servers"):
        found[item.word("address") or ""] = _keyed(item)
    return tuple(found.items())


def _keyed(item: Item) -> bool:
    return (item.word("auth-key") or "none") != "none"


def _by_cloud(conf: Config) -> bool:
    """Without NTP the clock may still be set from the maker's cloud (manual, "Cloud": update-time)."""
    if conf.on("ip cloud", "update-time"):
        raise Unsupported("without NTP the maker's cloud sets the clock roughly; whether it did is not told")
    return False


def _followed(cli: DeviceCli) -> tuple[bool, str | None, int | None, float | None]:
    """(synchronised, server, stratum, offset). The SNTP client of 6 tells only when it last heard of whom."""
    found = pairs(cli.ask("/system ntp client print"))
    if status := found.get("status"):
        stratum = found.get("synced-stratum", "")
        offset = re.match(r"(-?[\d.]+) ms", found.get("system-offset", ""))
        server = found.get("synced-server") or None
        return (
            status == "synchronized" and not (server or "").startswith("127."),
            server,
            int(stratum) if stratum.isdecimal() else None,
            abs(float(offset[1])) if offset else None,
        )
    if not found.get("last-update-from"):
        if "poll-interval" in found:
            return False, None, None, None
        raise Unsupported("this release does not tell whether its clock follows a server")
    fresh = seconds(found.get("last-update-before", "")) <= MISSED * seconds(found.get("poll-interval", ""))
    return fresh, found["last-update-from"], None, None


def _zone(cli: DeviceCli, conf: Config) -> str:
    name = conf.say("system clock", "time-zone-name")
    if name and name != "manual":
        return name
    minutes = int(_offset(cli).total_seconds()) // 60
    sign, minutes = ("-" if minutes < 0 else "+"), abs(minutes)
    return f"UTC{sign}{minutes // 60}" + (f":{minutes % 60:02}" if minutes % 60 else "")


def _offset(cli: DeviceCli) -> timedelta:
    found = re.fullmatch(r"([+-])(\d\d):(\d\d)", pairs(cli.ask("/system clock print")).get("gmt-offset", ""))
    if not found:
        raise Unparsable("/system clock print: no gmt-offset in it")
    distance = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return -distance if found[1] == "-" else distance


def neighbours(cli: DeviceCli) -> Neighbours:
    """ARP and the hosts of bridges as they are now."""
    gaps = Gaps()
    return Neighbours(
        arp=gaps.attempt("arp", lambda: _arp(cli)),
        macs=gaps.attempt("macs", lambda: _hosts(cli)),
        unseen=gaps.unseen,
    )


def _arp(cli: DeviceCli) -> tuple[Neighbour, ...]:
    return tuple(
        Neighbour(mac=mac(row.values["mac-address"]), address=row.values["address"], interface=row.values.get("interface"))
        for row in rows(cli.ask("/ip arp print detail without-paging"))
        if row.values.get("mac-address") and row.values.get("address") and not row.disabled
    )


def _hosts(cli: DeviceCli) -> tuple[Neighbour, ...]:
    found = []
    for row in rows(cli.ask("/interface bridge host print detail without-paging")):
        # L, or local=yes on 6: its own address
        if not row.values.get("mac-address") or "L" in row.flags or flag(row.values.get("local", "no"), "local of a bridge host"):
            continue
        vlan = row.values.get("vid", "")
        found.append(
            Neighbour(
                mac=mac(row.values["mac-address"]),
                interface=row.values.get("on-interface") or row.values.get("interface"),
                vlan=int(vlan) if vlan.isdecimal() else None,
            )
        )
    return tuple(found)
