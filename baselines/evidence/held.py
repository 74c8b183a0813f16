"""What the parts of a check know of one another: the open bundle, its packs, and what was met on the way."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from baselines.evidence import form
from baselines.evidence.archive import Archive, Damaged
from baselines.evidence.form import FeedLine, Host, JournalRow, MachineLine, Manifest, WaiverLine
from baselines.evidence.lines import Line, fails, holds, note, unchecked
from baselines.loader import BaselineError, builtin, digest_of, load, load_texts, texts_of
from baselines.model import Baseline, Verdict
from baselines.tailoring import Tailoring
from collectors.facts import FACTS
from collectors.facts.base import Model
from collectors.model import Record

M = TypeVar("M", bound=Model)
AHEAD = timedelta(minutes=10)
"""Clocks of two machines that are right differ by less."""
NEAR = timedelta(minutes=1)
"""What was done and its row in the journal are of one transaction."""


@dataclass
class Judged:
    """A machine as it was judged again here."""

    line: MachineLine
    verdicts: dict[str, Verdict]
    """Check -> the worst, over the requirements that name it."""
    failing: dict[str, set[str]]
    """Check -> requirements for which it fails."""
    level: int
    baseline: str
    at: datetime
    """When it was collected, by a clock that does not run ahead of the collector's."""


@dataclass
class Held:
    """One bundle while it is checked."""

    archive: Archive
    manifest: Manifest
    trusted_packs: frozenset[str] = frozenset()
    """Digests of packs that are judged by though this program does not ship them."""
    baselines: dict[str, Baseline] = field(default_factory=dict)
    strange_packs: set[str] = field(default_factory=set)
    """Digests of packs that are inside, whole, and nobody's: not judged by."""
    tailorings: dict[str, Tailoring] = field(default_factory=dict)
    centre: dict[str, Record] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    judged: dict[tuple[int, str], Judged] = field(default_factory=dict)
    """(machine, moment) -> how it came out here."""
    silent: set[int] = field(default_factory=set)
    """Machines whose newest snapshot is here and was not judged again."""
    waivers: dict[int, WaiverLine] = field(default_factory=dict)
    """Those that hold by themselves."""
    journal: dict[str, list[JournalRow]] = field(default_factory=lambda: defaultdict(list))
    """Action -> its rows, of those that hold."""
    carry: int = 0
    """Machines whose newest snapshot carries verdicts, right or wrong."""
    named: set[str] = field(default_factory=set)
    """Members beside the tables that a line of a table speaks of."""
    met: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Member of lines -> how many there were."""

    def lines(self, name: str, shape: type[M]) -> Iterator[M | Line]:
        """The lines of a member in their shape; a Line for each that has none."""
        if name not in self.archive:
            return
        number = 0
        try:
            for number, raw in enumerate(self.archive.lines(name), 1):
                self.met[name] += 1
                try:
                    form.loads(raw)
                    yield shape.model_validate_json(raw)
                except ValueError as error:
                    yield fails("line", f"{name}:{number}", why=str(error).splitlines()[0])
        except Damaged as error:
            yield fails("line", f"{name}:{number + 1}", why=str(error))

    def one(self, name: str, shape: type[M]) -> M | Line | None:
        """A member that is one document; None: not there."""
        if name not in self.archive:
            return None
        try:
            raw = self.archive.read(name, form.MAX_JSON)
            form.loads(raw)
            return shape.model_validate_json(raw)
        except (Damaged, ValueError) as error:
            return fails("line", name, why=str(error).splitlines()[0])

    # what it was judged by -----------------------------------------------------------------------------------------

    def packs(self) -> Iterator[Line]:
        """Every pack that is inside: its digest, whether it loads, whether this program ships the same."""
        texts: dict[str, dict[str, str]] = defaultdict(dict)
        for name in self.archive.entries:
            folder, _slash, rest = name.partition("/")
            if folder == "packs":
                digest, slash, file = rest.partition("/")
                if not slash:
                    yield fails("nobody's", name)
                    continue
                texts[digest][file] = ""
            elif folder == "tailorings":
                yield from self._tailoring(name, rest.removesuffix(".yaml"))
        shipped = {digest_of(texts_of(pack)): pack for pack in builtin()}
        for digest, names in texts.items():
            yield from self._pack(digest, names, shipped)

    def _pack(self, digest: str, names: dict[str, str], shipped: dict[str, str]) -> Iterator[Line]:
        about = f"packs/{digest[:12]}"
        try:
            for file in names:
                names[file] = self.archive.read(f"packs/{digest}/{file}", form.MAX_LINE).decode("utf-8")
            found = digest_of(names)
            if found != digest:
                yield fails("pack-altered", about, found=found[:12])
                return
            if digest not in shipped and digest not in self.trusted_packs:
                # its rules could be anything: weaker ones under a known name, or patterns that take for ever
                self.strange_packs.add(digest)
                yield unchecked("pack-own", about, id=min(names).partition("/")[0], digest=digest)
                return
            pack = load(shipped[digest]) if digest in shipped else load_texts(names)
        except (Damaged, BaselineError, ValueError) as error:
            yield fails("pack-unusable", about, why=str(error).splitlines()[0])
            return
        self.baselines[digest] = pack
        yield holds("pack", about, id=pack.id, version=pack.version, edition=pack.standard.edition)
        if digest in shipped:
            yield holds("pack-shipped", about, id=pack.id)
        else:
            yield holds("pack-trusted", about, id=pack.id)

    def _tailoring(self, name: str, digest: str) -> Iterator[Line]:
        try:
            text = self.archive.read(name, form.MAX_LINE).decode("utf-8")
            found = Tailoring.parse(text, name)
        except (Damaged, BaselineError, ValueError) as error:
            yield fails("tailoring-unusable", name, why=str(error).splitlines()[0])
            return
        if found.digest != digest:
            yield fails("tailoring-altered", name, found=found.digest[:12])
            return
        self.tailorings[digest] = found
        yield holds("tailoring", name, who=found.name)
        for word in found.not_applicable:  # the one thing in it that takes something away
            kinds = ", ".join(word.kinds) or "*"
            yield note("tailoring-excuse", word.requirement, who=found.name, by=word.by, kinds=kinds, reason=word.reason)

    def facts(self) -> Iterator[Line]:
        """Facts that only the collector makes, and the data they rest on. No machine's own fact may come this way."""
        for name in self.archive.entries:
            if not name.startswith("centre/"):
                continue
            try:
                raw = self.archive.read(name, form.MAX_JSON)
                form.loads(raw)
                record = Record.model_validate_json(raw)
                record.typed()
            except (Damaged, ValueError) as error:
                yield fails("centre-unusable", name, why=str(error).splitlines()[0])
                continue
            cls = FACTS.get(record.fact)
            if cls is None or not cls.AT_CENTRE or f"centre/{hashlib.sha256(raw).hexdigest()}.json" != name:
                yield fails("centre-foreign", name, fact=record.fact)
                continue
            self.centre[name[len("centre/") : -len(".json")]] = record
        if self.centre:
            yield note("centre", str(len(self.centre)))
        for feed in self.lines(form.FEEDS, FeedLine):
            if isinstance(feed, Line):
                yield feed
            else:
                dated = feed.data_date.isoformat() if feed.data_date else "–"
                yield note("feed-old" if feed.old else "feed", feed.name, day=dated)
