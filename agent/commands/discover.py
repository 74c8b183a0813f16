"""`rasoat discover`: what answers on a network, and what of it is not in the register."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from agent import errors, files
from agent.arguments import table_or_json
from agent.errors import Refusal
from agent.language import _, plural
from agent.terminal import Progress, complain

if TYPE_CHECKING:
    from collectors.discovery.ranges import Approved
    from collectors.discovery.result import Discovery
    from collectors.discovery.sweep import Swept
    from collectors.discovery.tables import Sighting
    from collectors.inventory import Inventory
    from collectors.model import Snapshot
    from collectors.transports.nmap import Network, Nmap

APPROVED = Path("/etc/rasoat/approved-ranges.yaml")
JOURNAL = "discovery.jsonl"


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ranges", metavar="CIDR", nargs="+", help=_("a range such as 192.0.2.0/24, an address or a host name"))
    parser.add_argument(
        "--known", metavar="INVENTORY", type=Path, help=_("the register: what answers and is not in it is shown first")
    )
    parser.add_argument(
        "--approved",
        metavar="FILE",
        type=Path,
        help=_("the approved ranges, with the number of the written approval (default: %s, where it exists)") % APPROVED,
    )
    parser.add_argument(
        "--leases",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help=_("DHCP leases: dnsmasq, ISC dhcpd or a CSV table (may be repeated)"),
    )
    parser.add_argument(
        "--snapshot",
        metavar="FILE",
        action="append",
        default=[],
        help=_(
            "a stored snapshot: of a device for its ARP and MAC tables, of a host for what it says it listens on (may be repeated)"
        ),
    )
    parser.add_argument("--hosts-only", action="store_true", help=_("only ask who is there, not what they offer"))
    parser.add_argument("--max-rate", metavar="N", type=int, help=_("at most N packets a second; never more than was approved"))
    table_or_json(parser)
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help=_("write to a file, readable by you only: an inventory of what is new when it ends in .yaml, else the whole result"),
    )
    parser.add_argument(
        "--outside",
        metavar="FOLDER",
        type=Path,
        help=_("write a snapshot of each host as seen from outside into this folder, for `rasoat judge`"),
    )
    parser.add_argument(
        "--spool", action="store_true", help=_("put those snapshots into the spool of this agent; its next run delivers them")
    )


def run(options: argparse.Namespace) -> int:
    from collectors.discovery.ranges import RangesError
    from collectors.discovery.sweep import sweep

    progress = Progress(options.quiet, options.verbose)
    started = datetime.now(UTC).replace(microsecond=0)
    if options.hosts_only and (options.outside or options.spool):
        raise Refusal(_("--outside and --spool need the services to be asked: leave --hosts-only out."))
    if options.spool:
        from agent import config
        from agent.state import State

        # said now, not after an hour of asking
        State(config.load().state_dir).identity()
    try:
        approved = _approved(options)
    except RangesError as error:
        raise _mistakes(error.problems) from None
    known, leases = _lists(options, started)
    stored = _stored(options.snapshot) if options.snapshot else []
    wanted = _wanted(options.ranges, approved, started)
    scanner = _scanner()
    progress.say(_("Asking %s ...") % ", ".join(options.ranges))
    if approved.approval is None:
        progress.say(_("No written approval was given, so none is kept with this run. See --approved."))
    # what is needed afterwards is loaded while nmap works
    Thread(target=_preload, daemon=True).start()
    swept = sweep(scanner, wanted, approved, not options.hosts_only, progress.step)
    progress.clear()
    found = _found(options, approved, known, wanted, swept, scanner, [*leases, *_tables(stored, progress)], started)
    outside = _outside(swept, found, known, stored)
    _show(found, options)
    _write(found, swept, known, options, progress)
    _keep(found, outside, options, progress)
    return exit_code(found)


def _preload() -> None:
    from agent.report import discovery
    from collectors import inventory_import
    from collectors.discovery import outside, result
    from collectors.transports import local

    del discovery, outside, inventory_import, local, result


def _mistakes(problems: Sequence[str]) -> Refusal:
    count = len(problems)
    return Refusal("\n".join([plural("%d mistake:", "%d mistakes:", count) % count, *problems]))


def _lists(options: argparse.Namespace, now: datetime) -> tuple[Inventory | None, list[Sighting]]:
    """The register and the leases, where they were given. Raises Refusal with every mistake in them."""
    if not options.known and not options.leases:
        return None, []
    from collectors import inventory
    from collectors.discovery.tables import read_leases

    try:
        known = inventory.load(options.known) if options.known else None
        return known, [row for path in options.leases for row in read_leases(path, now)]
    except inventory.InventoryError as error:
        raise _mistakes(error.problems) from None


def _approved(options: argparse.Namespace) -> Approved:
    from collectors.discovery.ranges import Approved, load

    path = options.approved or (APPROVED if APPROVED.exists() else None)
    approved = load(path) if path else Approved()
    if options.max_rate is None:
        return approved
    if not 1 <= options.max_rate <= approved.max_rate:
        raise Refusal(_("--max-rate is a number from 1 to %d.") % approved.max_rate)
    return approved._replace(max_rate=options.max_rate)


def _wanted(words: Iterable[str], approved: Approved, now: datetime) -> tuple[Network, ...]:
    """The networks, all of them allowed now. Raises Refusal with every reason why not."""
    from collectors.errors import CollectError
    from collectors.transports.nmap import target

    problems: list[str] = []
    wanted: list[Network] = []
    for word in words:
        try:
            wanted += target(word).networks
        except (ValueError, CollectError) as error:
            problems.append(str(error))
    here = now.astimezone()
    problems += approved.refusals(wanted, date.fromordinal(here.toordinal()))
    if approved.window and not approved.window.left(here):
        problems.append(
            _("it is %(now)s; the approved window is %(window)s") % {"now": f"{here:%H:%M}", "window": approved.window}
        )
    if problems:
        raise Refusal(_("nothing was asked:") + "\n" + "\n".join(dict.fromkeys(problems)))
    return tuple(wanted)


def _scanner() -> Nmap:
    from collectors.errors import Unsupported
    from collectors.transports.nmap import Nmap

    try:
        return Nmap()
    except Unsupported as error:
        raise Refusal(str(error)) from None


def _stored(names: Iterable[str]) -> list[Snapshot]:
    from agent.commands.judge import read

    found, mistakes = [], []
    for name in names:
        try:
            found += read(name)
        except ValueError as error:
            mistakes.append(str(error))
    if mistakes:
        raise Refusal("\n".join(mistakes))
    return found


def _tables(stored: list[Snapshot], progress: Progress) -> list[Sighting]:
    """What tables know: those of devices, and this machine's own neighbours, who are fresh after a sweep."""
    from collectors.discovery.tables import Sighting, from_snapshots
    from collectors.errors import CollectError
    from collectors.linux.neighbours import neighbours
    from collectors.transports.local import LocalShell

    rows = list(from_snapshots(stored))
    if sys.platform == "linux":
        try:
            rows += [Sighting(row.address, row.mac, "", row.interface, "neighbours") for row in neighbours(LocalShell())]
        except CollectError as error:
            progress.say(_("this machine's own neighbour table could not be read: %s") % error)
    return rows


def _found(
    options: argparse.Namespace,
    approved: Approved,
    known: Inventory | None,
    wanted: tuple[Network, ...],
    swept: Swept,
    scanner: Nmap,
    tables: list[Sighting],
    started: datetime,
) -> Discovery:
    from collectors.discovery.result import Discovery, coverage, duplicates, merge, register, states
    from collectors.discovery.tables import vendors
    from collectors.model import new_id, utcnow

    registered = register(known) if known else None
    hosts = merge(swept, wanted, registered, tables)
    makers = vendors(host.mac for host in hosts if host.mac and not host.vendor)
    hosts = tuple(host.model_copy(update={"vendor": host.vendor or makers.get(host.mac or "")}) for host in hosts)
    return Discovery(
        id=new_id(),
        approval=approved.approval,
        ranges=tuple(options.ranges),
        started=started,
        ended=utcnow(),
        services_asked=not options.hosts_only,
        privileged=not scanner.plain,
        max_rate=approved.max_rate,
        coverage=coverage(swept, wanted),
        hosts=hosts,
        register_compared=known is not None,
        registered=tuple(states(registered, hosts, swept)) if registered else (),
        duplicates=tuple(duplicates(hosts, registered, tables)),
        notes=tuple(dict.fromkeys(warning for answer in swept.answers for warning in answer.warnings)),
    )


def _outside(swept: Swept, found: Discovery, known: Inventory | None, stored: list[Snapshot]) -> list[Snapshot]:
    from collectors.discovery.outside import snapshots

    kinds = {target.name: target.kind for target in known.targets} if known else {}
    return list(snapshots(swept, found.hosts, kinds, stored, found.ended))


def _show(found: Discovery, options: argparse.Namespace) -> None:
    if options.format == "json":
        print(found.model_dump_json(indent=1))
        return
    from agent.report.discovery import lines
    from agent.terminal import Ink, columns

    for line in lines(found, columns(sys.stdout), Ink(sys.stdout), options.verbose):
        print(line)


def _write(found: Discovery, swept: Swept, known: Inventory | None, options: argparse.Namespace, progress: Progress) -> None:
    if options.output is None:
        return
    if options.output.suffix in (".yaml", ".yml"):
        from collectors.inventory import to_yaml
        from collectors.inventory_import import proposed

        new = [host for host in found.unknown if host.answered and host.address and not host.own]
        body = to_yaml(proposed((host.name, host.address or "", host.ssh_ports, None) for host in new))
    else:
        body = found.model_dump_json(indent=1) + "\n"
    try:
        files.write(options.output, body.encode())
    except OSError as error:
        raise Refusal(_("%(file)s cannot be written: %(why)s") % {"file": options.output, "why": error.strerror}) from None
    progress.say(_("The result is in %s.") % options.output)


def _keep(found: Discovery, outside: list[Snapshot], options: argparse.Namespace, progress: Progress) -> None:
    """The run in the agent's journal, where this machine is enrolled; the snapshots where they were asked for."""
    from agent import config

    settings = config.load()
    if settings.state_dir.is_dir():
        entry = found.model_dump(mode="json", include={"id", "approval", "ranges", "started", "ended", "max_rate", "coverage"})
        try:
            files.append(settings.state_dir / JOURNAL, (json.dumps(entry, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            complain(_("the run cannot be noted in %(folder)s: %(why)s") % {"folder": settings.state_dir, "why": error.strerror})
    if options.outside:
        try:
            options.outside.mkdir(mode=0o700, parents=True, exist_ok=True)
            for snapshot in outside:
                name = (snapshot.target.address or "").replace(":", "-")
                files.write(options.outside / f"{name}.json", snapshot.to_bytes())
        except OSError as error:
            raise Refusal(_("%(file)s cannot be written: %(why)s") % {"file": options.outside, "why": error.strerror}) from None
    if options.spool:
        _spool(outside, settings, progress)


def _spool(outside: list[Snapshot], settings: object, progress: Progress) -> None:
    from agent.config import Config
    from agent.spool import Spool, SpoolFull
    from agent.state import State
    from collectors.seal import seal

    assert isinstance(settings, Config)
    state = State(settings.state_dir)
    identity, key = state.identity(), state.key()
    spool = Spool(settings.state_dir, settings.spool_bytes)
    spool.prepare()
    try:
        for snapshot in outside:
            spool.put(snapshot.id, snapshot.target.name, seal(snapshot.to_bytes(), identity["agent_id"], key, None))
    except SpoolFull as full:
        raise Refusal(_("there is no room in the spool: %s") % full) from None
    count = len(outside)
    progress.say(
        plural(
            "%d snapshot waits for the next `rasoat agent once`.", "%d snapshots wait for the next `rasoat agent once`.", count
        )
        % count
    )


def exit_code(found: Discovery) -> int:
    """A stranger or two that claim one place is a fail; who was not seen, or not asked, is unknown."""
    strangers = found.register_compared and any(not host.own for host in found.unknown)
    if strangers or any(each.what != "one_card_many_addresses" for each in found.duplicates):
        return errors.FAILED
    hidden = any(gap.why != "excluded" for gap in found.coverage.gaps) or not found.coverage.asked
    if hidden or any(each.state in ("silent", "seen_in_tables") for each in found.registered):
        return errors.UNKNOWN
    return errors.PASSED
