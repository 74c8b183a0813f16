"""The table of parsers that eat foreign bytes, each with its samples and the ways in which it may refuse."""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from agent.policy import PolicyError
from baselines.evidence import check
from baselines.evidence.archive import NotABundle
from baselines.reading import BaselineError
from baselines.systems.register import System
from baselines.tailoring import Tailoring
from bench.fuzz.brought import (
    AD,
    ANSIBLE,
    ARCHIVES,
    DISCOVERY,
    FEEDS,
    GIVEN,
    LEASES,
    RANGES,
    REGISTER,
    RELEASES,
    TARGETS,
    UNITS,
    as_zip,
    bundle_member,
    bundle_zips,
    bundles,
    on_disk,
    workbooks,
)
from bench.fuzz.engine import Parser, Sample
from bench.fuzz.machines import (
    device,
    device_samples,
    host,
    host_samples,
    posix_records,
    snmp_packets,
    snmp_samples,
    snmp_values,
    windows_documents,
)
from bench.fuzz.samples import NOW, TESTS, document_of, files, parser, text
from bench.fuzz.travelling import (
    TIMES,
    answer,
    answers,
    differences,
    envelopes,
    opened_snapshot,
    pack,
    pack_samples,
    sealed,
    snapshots,
    unsealed,
    work,
    work_answers,
)
from collectors import inventory, inventory_import, seal, seal_delta
from collectors.catalog import DEVICES
from collectors.centre import CentreError, read_envelope
from collectors.discovery import ranges, tables
from collectors.errors import CollectError
from collectors.timetable import Timetable
from collectors.transports import nmap_result, posix_files, snmp_v2c
from collectors.windows import document


def own() -> list[Parser]:
    """Of agent, relay, station and verifier: no Django."""
    facts = sorted(path.name for path in (TESTS / "cases").iterdir() if path.is_dir())
    return [
        *(parser(f"host {fact}", host, CollectError, corpus=partial(host_samples, fact)) for fact in facts),
        *(parser(f"device {platform}", device, corpus=partial(device_samples, platform)) for platform in DEVICES),
        parser("windows document", lambda it: document.parse(text(it)), CollectError, corpus=windows_documents),
        parser("snmp packet", lambda it: snmp_v2c.decoded(it.raw), ValueError, IndexError, corpus=snmp_packets),
        parser("snmp values", snmp_values, corpus=snmp_samples),
        parser("posix file records", lambda it: posix_files.Script(b"", it.about).records(it.raw), CollectError, corpus=posix_records),
        parser("nmap result", lambda it: nmap_result.read(text(it)), CollectError, corpus=lambda: files("data/nmap/*.xml")),
        parser("dhcp leases", lambda it: tables.leases(text(it), "leases", NOW), inventory.InventoryError, corpus=lambda: [*map(Sample, LEASES)]),
        parser("sealed snapshot", unsealed, ValueError, corpus=sealed),
        parser("sealed snapshot, unpacked", lambda it: seal.parse(it.raw), seal.SealError, corpus=lambda: [Sample(seal.unseal(one.raw).plain) for one in sealed()]),
        parser("difference", lambda it: seal_delta.restore(seal_delta.read(it.raw), it.about), seal.SealError, corpus=differences),
        parser("snapshot", opened_snapshot, ValueError, corpus=snapshots),
        parser("envelope for the centre", lambda it: read_envelope(it.raw), CentreError, corpus=envelopes),
        parser("answer of the centre", answer, ValueError, corpus=answers),
        parser("work answer", work, PolicyError, ValueError, corpus=work_answers),
        parser("timetable", lambda it: Timetable.read(document_of(it)), ValueError, corpus=lambda: [Sample(json.dumps(TIMES).encode())]),
        parser("pack from the centre", pack, BaselineError, corpus=pack_samples),
        parser("tailoring", lambda it: Tailoring.parse(text(it)), BaselineError, corpus=lambda: files("systems/sample/tailoring.yaml")),
        parser("system register", lambda it: System.parse(text(it)), BaselineError, corpus=lambda: files("systems/sample/system.yaml")),
        parser("targets file", lambda it: inventory.parse(text(it)), inventory.InventoryError, corpus=lambda: [Sample(TARGETS)]),
        parser("approved ranges", lambda it: ranges.parse(text(it)), ranges.RangesError, corpus=lambda: [Sample(RANGES)]),
        parser("import ansible", lambda it: inventory_import.import_ansible(text(it)), inventory.InventoryError, corpus=lambda: [*map(Sample, ANSIBLE)]),
        parser("import csv", lambda it: inventory_import.import_csv(text(it)), inventory.InventoryError, corpus=lambda: [Sample(b"name,address,kind\nsw-01,10.0.0.2,switch\n")]),
        parser("import nmap", lambda it: inventory_import.import_nmap(text(it)), inventory.InventoryError, corpus=lambda: files("data/nmap/*.xml")),
        parser("letters of a file", lambda it: inventory_import.decoded(it.raw), inventory.InventoryError, UnicodeDecodeError, corpus=lambda: [Sample(REGISTER), Sample("é".encode("utf-16"))]),
        parser("bundle, a member", bundle_member, NotABundle, corpus=bundles),
        parser("bundle, the ZIP", lambda it: on_disk(it.raw, "bundle.zip", check.verify), NotABundle, corpus=bundle_zips),
    ]  # fmt: skip


def of_server() -> list[Parser]:
    """Of the collector."""
    from server.coverage import lists
    from server.feeds.bundle.check import opened
    from server.feeds.parsers import KINDS, Malformed, Source
    from server.feeds.store import Refused
    from server.registers import reading
    from server.units import rows

    def feed(kind: str, sample: Sample) -> object:
        return on_disk(sample.raw, sample.about, lambda path: [*KINDS[kind].read(Source(path, sample.about, dict(GIVEN)))])

    def feed_workbook(sample: Sample) -> object:
        name, parts = sample.about or ("", {})
        return feed("warnings", Sample(as_zip(parts | {name: sample.raw}) if name else sample.raw, "letter.xlsx"))

    def table(sample: Sample) -> object:
        raw = sample.raw
        if sample.about:
            name, parts = sample.about
            raw = as_zip(parts | {name: raw})
        return reading.read(raw, "x", "equipment")

    def archives() -> list[Sample]:
        return [Sample(made(), name) for name, made in ARCHIVES.items()]

    def named(names: Sequence[str]) -> list[Sample]:
        own = TESTS.parent / "collectors/devices"
        return [Sample((own if name == RELEASES else TESTS / "server/feeds").joinpath(name).read_bytes(), name) for name in names]

    def feed_bundles() -> list[Sample]:
        from tests.server.feeding import Maker

        with tempfile.TemporaryDirectory() as folder:
            maker, out = Maker(Path(folder)), Path(folder) / "feeds.zip"
            maker.feed("kev", "kev", "kev.json")
            maker.build(out)
            raw = out.read_bytes()
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        return [Sample(raw, (maker.fingerprint, "", {}))] + [
            Sample(body, (maker.fingerprint, name, parts)) for name, body in parts.items()
        ]

    def feed_bundle(sample: Sample) -> object:
        fingerprint, name, parts = sample.about
        raw = as_zip(parts | {name: sample.raw}) if name else sample.raw

        def read(path: Path) -> object:
            with opened(path, {}, fingerprint) as found:
                return found

        return on_disk(raw, "feeds.zip", read)

    kinds = {kind: [name for name, its in FEEDS.items() if its == kind] for kind in KINDS if kind in FEEDS.values()}
    brought = {
        "ad": [AD],
        "csv": [REGISTER],
        "dhcp": [*LEASES],
        "discovery": [json.dumps(DISCOVERY).encode()],
    }
    return [
        *(parser(f"feed {kind}", partial(feed, kind), Malformed, corpus=partial(named, names)) for kind, names in kinds.items()),
        *(
            parser(f"list {kind}", lambda it, kind=kind: lists.read(kind, it.raw, "list", NOW), lists.ListError, corpus=lambda raw=raw: [*map(Sample, raw)])
            for kind, raw in brought.items()
        ),
        parser("feed archives", partial(feed, "osv"), Malformed, corpus=archives),
        parser("feed workbook", feed_workbook, Malformed, corpus=partial(workbooks, True)),
        parser("feed bundle", feed_bundle, Refused, corpus=feed_bundles),
        parser("register csv", table, reading.ReadingError, corpus=lambda: [Sample(REGISTER), Sample("Tên thiết bị,Số sê-ri\nMáy,1\n".encode("utf-16"))]),
        parser("register xlsx", table, reading.ReadingError, corpus=workbooks),
        parser("units file", lambda it: rows.read("units.csv", text(it)), corpus=lambda: [Sample(UNITS)]),
        parser("units file, yaml", lambda it: rows.read("units.yaml", text(it)), corpus=lambda: [Sample(b"- {code: SO, name: So}\n- {code: PB, name: Phong, parent_code: SO}\n")]),
    ]  # fmt: skip


@contextmanager
def everything() -> Iterator[list[Parser]]:
    """All of them; the collector's need a data directory that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"RASOAT_DATA": folder, "DJANGO_SETTINGS_MODULE": "server.settings"}
        import django

        django.setup()
        yield own() + of_server()
