"""verify(path): every line of a bundle, looked at one after the other. Offline; nothing of it is believed that can be looked at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

from baselines.evidence import form, journal, machines, people, seal, stamp, whole
from baselines.evidence.archive import Archive, Damaged, NotABundle
from baselines.evidence.form import Manifest
from baselines.evidence.held import AHEAD, Held
from baselines.evidence.lines import Line, fails, holds, note, one_line, unchecked
from collectors import VERSION

__all__ = ["Bundle", "NotABundle", "Trust", "verify"]


HERE_AND_THERE = timedelta(hours=27)
"""From the middle of a day to any moment that is of that day somewhere on earth."""
MAKING = timedelta(days=1)
"""A bundle is stamped as soon as it is made."""


class Trust(NamedTuple):
    """What whoever asks knows from elsewhere."""

    keys: frozenset[str] = frozenset()
    """Fingerprints of the collector's keys, or the public key itself in hexadecimal."""
    since: date | None = None
    """It was made on that day or later: an older one, replayed, does not pass for the newest."""
    stamp_roots: Path | None = None
    """Certificates of time-stamping authorities that are believed (PEM)."""
    journal: Path | None = None
    """An export of the whole journal, had from elsewhere or earlier."""
    packs: frozenset[str] = frozenset()
    """Digests of packs that are believed, beside those that this program ships."""


class Bundle(NamedTuple):
    """What was found."""

    manifest: Manifest | None
    lines: list[Line]
    fingerprint: str
    """Of the keys it is sealed with; empty: none that are keys."""


def verify(path: Path, trust: Trust | None = None) -> Bundle:
    """All lines. Raises NotABundle, OSError."""
    trust = trust or Trust()
    with Archive(path) as archive:
        if form.SUMS not in archive and form.MANIFEST not in archive:
            raise NotABundle("no-manifest")
        lines = [fails("archive", name or plain(path), why=why) for name, why in archive.problems]
        if not lines:
            lines.append(holds("archive-sound", plain(path), count=len(archive.entries)))
        sealed = seal.check(archive, trust.keys, trust.stamp_roots)
        lines += sealed.lines
        manifest, found = _manifest(archive)
        lines += found
        lines += whole.members(archive, manifest, sealed)
        if manifest is not None:
            if manifest.collector != sealed.fingerprint:
                lines.append(fails("other-collector", manifest.collector))
            lines += _age(manifest, trust.since)
            lines += _stamped(manifest, sealed.lines)
            lines += _inside(archive, manifest, trust)
    return Bundle(manifest, lines, sealed.fingerprint)


def plain(path: Path) -> str:
    """Its name; bytes that are no UTF-8 do not come through."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def _manifest(archive: Archive) -> tuple[Manifest | None, list[Line]]:
    try:
        raw = archive.read(form.MANIFEST, form.MAX_JSON)
        form.loads(raw)
        return Manifest.model_validate_json(raw), []
    except KeyError:
        return None, [fails("manifest", why="absent")]
    except (Damaged, ValueError) as error:  # a ValidationError is a ValueError
        return None, [fails("manifest", why=one_line(error))]


def _age(manifest: Manifest, since: date | None) -> Iterator[Line]:
    made = manifest.day.isoformat()
    if abs(datetime.combine(manifest.day, time(12), UTC) - manifest.made_at) > HERE_AND_THERE:
        yield fails("day", made, at=manifest.made_at.isoformat())
    if manifest.made_at > datetime.now(UTC) + AHEAD:
        # it would be the newest for ever; whose clock is wrong is not known
        yield unchecked("future", manifest.id, at=manifest.made_at.isoformat())
    if since is not None and manifest.day < since:
        yield fails("older", manifest.id, day=made, since=since.isoformat())
    yield note("made", manifest.id, at=manifest.made_at.isoformat(), by=manifest.made_by, scope=manifest.scope.name)
    if manifest.program != VERSION:
        yield note("other-program", manifest.program, here=VERSION)
    for why in manifest.left_out:
        yield note("left-out", why)


def _stamped(manifest: Manifest, found: list[Line]) -> Iterator[Line]:
    """Whoever dates a bundle back has it stamped today; one that was stamped before it was made is dated ahead."""
    for line in found:
        if line.code in ("stamp", "stamp-whose"):
            late = datetime.fromisoformat(line.about) - manifest.made_at
            if not -AHEAD <= late <= MAKING:
                yield fails("stamp-time", line.about, made=manifest.made_at.isoformat())


def _inside(archive: Archive, manifest: Manifest, trust: Trust) -> Iterator[Line]:
    """What the members say, held against each other."""
    held = Held(archive, manifest, trust.packs)
    yield from held.packs()
    yield from held.facts()
    yield from journal.rows(held)
    if trust.journal is not None:
        yield from journal.against(held, trust.journal)
    yield from machines.hosts(held)
    yield from people.waivers(held)
    yield from people.attestations(held)
    yield from machines.machines(held)
    yield from people.bearing(held)
    yield from whole.coverage(held)
    yield from whole.campaign(held)
    yield from whole.nobodys(held)
    yield from whole.counts(held)
    for report in manifest.reports:
        yield note("report", report.title, member=report.member)
        if report.signed:
            yield stamp.pdf(archive, report.member)
