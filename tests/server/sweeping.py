"""Lists, letters and reports for tests of sweeps. Addresses and names are those of documentation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from collectors.facts.activity import Activity, Connection, HostsLine, Startup
from collectors.facts.base import Unseen
from collectors.facts.configuration import Configuration
from collectors.facts.software import OtherSoftware, Package, Software
from collectors.model import Record, digest_of
from server.background.declare import Task, Work
from server.background.models import Job
from server.feeds.models import Indicator, IndicatorList, Warning, WarningItem
from server.ingest.models import Machine
from server.sweeps import tasks
from server.sweeps.models import Blocked, Concern, Item, Letter, Sheet, Sighting, Standing, packed
from tests.server.feeds_given import given, mended
from tests.server.people import made, send

NUMBER = "15/CB-CNTT"
CVE = "CVE-2026-1000"


class Calm:
    """Nobody wants the job to end."""

    def stopping(self) -> bool:
        return False

    cancelled = lost = others_wait = stopping


def run(task: Task, job: Job | None = None) -> dict[str, Any]:
    """A worker does it, as far as it comes."""
    if job is None:
        job = task.enqueue(by="test")
    Job.objects.filter(pk=job.pk).update(state=Job.RUNNING)
    told = task.function(Work(Job.objects.get(pk=job.pk), Calm()))
    Job.objects.filter(pk=job.pk).update(state=Job.DONE)
    return dict(told or {})


def look() -> dict[str, Any]:
    return run(tasks.look)


def weigh() -> dict[str, Any]:
    return run(tasks.weigh_letters)


def listed(*indicators: tuple[str, str], number: str = NUMBER) -> Sheet:
    """A list in force, and looked for."""
    in_force(*indicators, number=number)
    look()
    return Sheet.objects.get(number=number)


def in_force(*indicators: tuple[str, str], number: str = NUMBER) -> None:
    """A list that nobody has looked for yet."""
    day = timezone.localdate() - timedelta(days=1)
    rows = [Indicator(kind=kind, value=value, line=line) for line, (kind, value) in enumerate(indicators, 1)]
    told = IndicatorList(number=number, dated=day, issuer="Cục A05")
    given(f"indicators/{number}", told, *rows, kind="indicators", limit=0)


def letter(*items: dict[str, str], number: str = "1712/CATTT") -> Letter:
    """A letter in force, and held against what is there."""
    day = timezone.localdate() - timedelta(days=1)
    rows = [WarningItem(line=line, **item) for line, item in enumerate(items, 2)]
    given(f"warnings/{number}", Warning(number=number, dated=day, issuer="Cục ATTT"), *rows, kind="warnings", limit=0)
    weigh()
    return Letter.objects.get(number=number)


def record(fact: Any) -> Record:
    return Record(fact=fact.NAME, version=fact.VERSION, outcome="seen", data=fact.model_dump(mode="json"))


def activity(*peers: str, gone: tuple[str, ...] = (), cut: tuple[str, ...] = (), **fields: Any) -> Record:
    """A moment with these peers. `gone`: fields that could not be looked at; `cut`: lists of which some rows are told."""
    whole: dict[str, Any] = {
        "processes": ("sshd", "systemd"),
        "connections": tuple(
            Connection(protocol="tcp", address=peer, port=443, incoming=False, process="java") for peer in peers
        ),
        "dns_servers": ("10.1.2.1",), "dns_cache": ("noi-bo.example",), "hosts": (), "startup": (),
    }  # fmt: skip
    seen = {**whole, **fields, **dict.fromkeys(gone)}
    unseen = tuple(Unseen(field=name, outcome="denied", reason=f"{name}: permission denied") for name in gone)
    unseen += tuple(
        Unseen(field=name if "[]" in name else f"{name}[]", outcome="unsupported", reason=f"{name}: cut") for name in cut
    )
    return record(made(Activity, **seen, unseen=unseen))


def hosts_line(address: str, *names: str) -> HostsLine:
    return HostsLine(address=address, names=names)


def startup(place: str, *programs: str, hosts: tuple[str, ...] = ()) -> Startup:
    return Startup(place=place, programs=programs, hosts=hosts)


def configuration(text: str | None) -> Record:
    return record(made(Configuration, lines=1, digest="0" * 64, text=text, saved=True))


def reports(client: Any, host: Any, *extra: Record, age: timedelta = timedelta()) -> Machine:
    """A new report of the host, with these facts, in place of its own where it has them."""
    snapshot = host.snapshot(age)
    told = {one.fact for one in extra}
    records = (*(one for one in snapshot.records if one.fact not in told), *extra)
    changed = snapshot.model_copy(update={"records": records, "digest": digest_of(records)})
    assert send(client, host.seal(changed)).status_code == 201
    return Machine.objects.select_related("latest").get(name=host.name)


def warned(machine: Machine, mark: str) -> tuple[Sighting, Concern]:
    """A machine that shows an indicator of a list, and on which a letter is open; both named so that they are found on a page."""
    now = timezone.now()
    day = timezone.localdate()
    sheet = Sheet.objects.get_or_create(
        feed="indicators/1", defaults={"number": "1", "dated": day, "kinds": {"ip": 1}, "since": now}
    )[0]
    sighting = Sighting.objects.create(
        machine=machine, sheet=sheet, key=1, kind="ip", value="203.0.113.7", source="connections", place=f"→ tcp {mark}", exact=True,
        first=now, last=now, first_snapshot="x", last_snapshot="x", current=True,
    )  # fmt: skip
    Blocked.objects.create(machine=machine, sheet=sheet, snapshot="x", reported_at=now, entries=1, held=None, reason=mark)
    warning = Letter.objects.get_or_create(feed="warnings/1", defaults={"number": "1", "dated": day, "since": now})[0]
    item = Item.objects.get_or_create(letter=warning, key="k", defaults={"line": 2, "cve": "CVE-2026-1000"})[0]
    standing = Standing(item.key, "open", now.isoformat(), "carried", mark, "x")
    concern = Concern.objects.create(
        machine=machine, letter=warning, state=1, since=now, open=1, untold=0, packed=packed([standing])
    )
    return sighting, concern


def software(
    *packages: tuple[str, str], origin: str | None = "Debian", others: tuple[str, ...] | None = (), manager: str = "dpkg"
) -> Record:
    listed = tuple(
        made(Package, name=name, version=version, arch="amd64", origin=origin, source="", source_version="")
        for name, version in packages
    )
    more = None if others is None else tuple(OtherSoftware(kind="opt", name=name) for name in others)
    return record(made(Software, manager=manager, packages=listed, others=more, recognised=()))


def one(standing: Letter, machine: Machine) -> Concern:
    return Concern.objects.get(letter=standing, machine=machine)


def told(standing: Letter, machine: Machine) -> list[tuple[str, str]]:
    return [(row.state, row.ground) for row in one(standing, machine).standings]


def data(**more: Any) -> None:
    given("debian", mended("openssl", "3.0.16-1", CVE), mended("zlib", "1.3-1", "CVE-2026-2"), **more)
