"""The extract of the audit trail: each row follows from the row before it, and none is there twice.

An extract leaves out rows of other units. Of those only the digest is known, by the row behind: that it is the journal's own is
shown by a whole export (`rasoat server journal export`), in which the same digest must stand under the same number.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from baselines.evidence import form
from baselines.evidence.chain import ROW, digest
from baselines.evidence.form import JournalRow
from baselines.evidence.held import Held
from baselines.evidence.lines import Line, fails, holds, unchecked


def rows(held: Held) -> Iterator[Line]:
    """Rows that hold go into `held.journal`."""
    last: JournalRow | None = None
    digests: set[str] = set()
    good, runs = 0, 0
    for row in held.lines(form.JOURNAL, JournalRow):
        if isinstance(row, Line):
            yield row
            continue
        about = f"{form.JOURNAL}:{row.id}"
        if (last is not None and row.id <= last.id) or row.digest in digests or row.id > held.manifest.journal_until:
            yield fails("journal-order", about)
        elif digest(row.previous, [getattr(row, name) for name in ROW]) != row.digest:
            yield fails("journal-row", about, action=row.action)
        elif row.id == held.manifest.journal_until and row.digest != held.manifest.journal_digest:
            yield fails("journal-end", about)
        elif row.previous in digests and last is not None and row.previous != last.digest:
            yield fails("journal-fork", about)
        elif last is not None and row.id == last.id + 1 and row.previous != last.digest:
            yield fails("journal-row", about, action=row.action)
        else:
            good += 1
            runs += last is None or row.previous != last.digest
            held.journal[row.action].append(row)
        digests.add(row.digest)
        last = row
    if good:
        yield holds("journal", str(good), runs=runs, until=held.manifest.journal_until)


def against(held: Held, export: Path) -> Iterator[Line]:
    """The rows that are here against an export of the whole journal, whose chain is followed from row to row. Raises OSError."""
    wanted = {row.id: row.digest for found in held.journal.values() for row in found}
    previous, first, last, same = "", 0, 0, 0
    with export.open("rb") as file:
        for number, raw in enumerate(iter(lambda: file.readline(form.MAX_LINE), b""), 1):
            try:
                document = form.loads(raw)
                if number == 1:
                    previous, first = document["after"]["digest"], int(document["after"]["id"])
                    continue
                if "sha256" in document:
                    break
                here = digest(previous, [document[name] for name in ROW])
                if here != document["digest"]:
                    raise ValueError
                previous, last = here, int(document["id"])
            except (ValueError, KeyError, TypeError, RecursionError):
                yield fails("export-broken", f"{export.name}:{number}")
                return
            said = wanted.pop(last, None)
            if said is not None and said != here:
                yield fails("journal-other", f"{form.JOURNAL}:{last}", export=export.name)
            same += said == here
    for row in sorted(wanted):
        if first < row <= last:
            yield fails("journal-other", f"{form.JOURNAL}:{row}", export=export.name)
    beyond = sum(not first < row <= last for row in wanted)
    if beyond:
        yield unchecked("journal-beyond", str(beyond), export=export.name)
    if same:
        yield holds("journal-whole", str(same), export=export.name)
