"""The extract of the audit trail: each row follows from the row before it, and none is there twice.

An extract leaves out rows of other units. Of those only the digest is known, by the row behind: that it is the journal's own is
shown by a whole export (`rasoat server journal export`), in which the same digest must stand under the same number.
"""

from __future__ import annotations

from collections.abc import Iterator

from baselines.evidence import form
from baselines.evidence.chain import ROW, digest
from baselines.evidence.form import JournalRow
from baselines.evidence.held import Held
from baselines.evidence.lines import Line, fails, holds


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
        else:
            good += 1
            runs += last is None or row.previous != last.digest
            held.journal[row.action].append(row)
        digests.add(row.digest)
        last = row
    if good:
        yield holds("journal", str(good), runs=runs, until=held.manifest.journal_until)
