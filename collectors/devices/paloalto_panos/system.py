"""PAN-OS: which box, which software, which configuration, what time."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal, NamedTuple

from collectors.devices import kept_text
from collectors.devices.base import plain
from collectors.devices.paloalto_panos.routing import routing
from collectors.devices.paloalto_panos.text import Config, config, info, train, yes
from collectors.devices.paloalto_panos.text import system as own
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.clock import Clock, TimeServer
from collectors.facts.configuration import Configuration
from collectors.facts.firmware import Firmware
from collectors.facts.identity import Identity
from collectors.facts.redundancy import Redundancy
from collectors.transports.base import DeviceCli

_RELEASED = ("av-release-date", "threat-release-date", "wildfire-release-date")


class _Followed(NamedTuple):
    synchronised: bool
    servers: tuple[TimeServer, ...]


def identity(cli: DeviceCli) -> Identity:
    """From `show system info`."""
    gaps = Gaps()
    told = info(cli)
    gaps.note("booted_at", "unsupported", "PAN-OS tells how long it runs, in a time zone of its own; not asked")
    return Identity(
        hostname=told.get("hostname") or cli.prompt_name,
        os_id=cli.platform,
        os_name="Palo Alto Networks PAN-OS",
        os_version=told["sw-version"],
        os_family="network",
        kernel_release=None,
        kernel_version=None,
        architecture=None,
        machine_id=None,
        serial=gaps.attempt("serial", lambda: _known(told.get("serial"), "serial number")),
        vendor="Palo Alto Networks",
        model=told["model"],
        macs=gaps.attempt("macs", lambda: (_known(told.get("mac-address"), "hardware address").lower(),)),
        addresses=gaps.attempt("addresses", lambda: _addresses(told.get("ip-address"), told.get("ipv6-address"), config(cli))),
        unseen=gaps.unseen,
    )


def _known(found: str | None, what: str) -> str:
    if not found or found == "unknown":
        raise Unsupported(f"show system info tells no {what}")
    return found


def _addresses(four: str | None, six: str | None, conf: Config) -> tuple[str, ...]:
    found = {one.partition("/")[0] for one in (four, six) if one and one not in ("unknown", "0.0.0.0")}  # noqa: S104
    for kind in conf.device.below("network", "interface"):
        for block in kind.walk():
            if block.name in ("ip", "address"):
                found |= {
                    name.partition("/")[0] for name in block.children if re.match(r"(?:\d+(?:\.\d+){3}|[0-9a-f:]+)/\d+$", name)
                }
    return tuple(sorted(found))


def firmware(cli: DeviceCli) -> Firmware:
    """From `show system info`."""
    gaps = Gaps()
    told = info(cli)
    version = told["sw-version"]
    gaps.note("support_ends", "unsupported", "no table of support dates is bundled for this system")
    return Firmware(
        version=version,
        train=gaps.attempt("train", lambda: train(version)),
        support_ends=None,
        signatures_dated=gaps.attempt("signatures_dated", lambda: _signatures([told.get(name, "") for name in _RELEASED])),
        unseen=gaps.unseen,
    )


def _signatures(said: list[str]) -> date:
    found = [re.match(r"(\d{4})/(\d\d)/(\d\d)\b", text) for text in said]
    dates = [date(int(one[1]), int(one[2]), int(one[3])) for one in found if one]
    if not dates:
        raise Unsupported("show system info tells no release date of a signature")
    return max(dates)


def configuration(cli: DeviceCli) -> Configuration:
    """What was committed last. PAN-OS starts again with that: what runs is always what is saved."""
    gaps = Gaps()
    gaps.note(("changed_at", "changed_by"), "unsupported", "commits are told in jobs and in the configuration log; not asked")
    gaps.note("backup_configured", "unsupported", "copies are made by Panorama or from outside; not seen here")
    return kept_text.configuration(own(), plain(cli, own()).text, saved=True, unseen=gaps.unseen)


def clock(cli: DeviceCli) -> Clock:
    """The servers of the configuration, and what `show ntp` says of them."""
    gaps = Gaps()
    conf = config(cli)
    zone = conf.system.word("timezone")
    if zone is None:
        gaps.note("timezone", "unsupported", "the configuration names none")
    gaps.note(("stratum", "offset_ms"), "unsupported", "PAN-OS does not tell them")
    named = tuple(address for server in conf.system.below("ntp-servers") if (address := server.word("ntp-server-address")))
    if not named:
        return Clock(software="none", running=False, synchronised=False, servers=(), timezone=zone, unseen=gaps.unseen)
    try:
        followed = _followed(cli.ask("show ntp"))
    except CollectError as error:
        gaps.note("synchronised", error.outcome, str(error))
        gaps.note(("servers[].selected", "servers[].reachable"), error.outcome, "the servers are those of the configuration")
        rows = tuple(TimeServer(address=name, selected=None, reachable=None) for name in named)
        return Clock(software="ntp", running=True, synchronised=None, servers=rows, timezone=zone, unseen=gaps.unseen)
    return Clock(
        software="ntp",
        running=True,
        synchronised=followed.synchronised,
        servers=followed.servers,
        timezone=zone,
        unseen=gaps.unseen,
    )


def _followed(text: str) -> _Followed:
    head = re.search(r"^\s*NTP (not synched|synched to)\b", text, re.M)
    if not head:
        raise Unparsable("show ntp: says neither synched nor not synched")
    servers = []
    for part in re.split(r"^\s*NTP server: *", text, flags=re.M)[1:]:
        state = re.search(r"^\s*status: *(\S+)", part, re.M)
        reach = re.search(r"^\s*reachable: *(yes|no)", part, re.M)
        servers.append(
            TimeServer(
                address=part.split()[0],
                selected=None if not state else state[1] == "synched",
                reachable=None if not reach else reach[1] == "yes",
            )
        )
    synchronised = head[1] == "synched to" and not re.search(r"synched to (?:LOCAL|local)", text)
    return _Followed(synchronised, tuple(servers))


def redundancy(cli: DeviceCli) -> Redundancy:
    """High availability and virtual routers as configured, the other one as `show high-availability state` tells it."""
    gaps = Gaps()
    cluster = gaps.attempt("cluster", lambda: _cluster(config(cli)))
    peer = None
    if cluster == "none":
        gaps.note("peer_up", "unsupported", "this box stands alone")
    elif cluster is None:
        gaps.note("peer_up", "unsupported", "whether there is another one was not seen")
    else:
        peer = gaps.attempt("peer_up", lambda: _peer_up(cli))
    rows = gaps.attempt("routing", lambda: tuple(routing(config(cli))))
    if rows and any(row.authenticated is None for row in rows):
        gaps.note(
            "routing[].authenticated", "unsupported", "an authentication profile is not shown, or of a kind that is not known"
        )
    return Redundancy(
        cluster=cluster,
        peer_up=peer,
        gateways=() if cluster else None,  # PAN-OS speaks no VRRP; its pairs share addresses by themselves
        routing=rows,
        unseen=gaps.unseen,
    )


def _peer_up(cli: DeviceCli) -> bool:
    text = cli.ask("show high-availability state")
    peer = text.partition("Peer Information:")[2]
    link = re.search(r"^\s*Connection status: *(\S+)", peer, re.M)
    state = re.search(r"^\s*State: *([\w-]+)", peer, re.M)
    if not link or not state:
        raise Unparsable("show high-availability state: does not tell of the other one")
    return link[1] == "up" and state[1] in ("active", "passive", "active-primary", "active-secondary")


def _cluster(conf: Config) -> Literal["none", "active-standby", "active-active"]:
    block = conf.device.at("deviceconfig", "high-availability")
    if block is None or yes(block, "enabled") is not True:
        return "none"
    modes = {name for inner in block.walk() if inner.name == "mode" for name in (*inner.children, *inner.values)}
    if "active-active" in modes:
        return "active-active"
    if "active-passive" in modes:
        return "active-standby"
    raise Unsupported("high availability is on; its mode is not shown")
