"""A time stamp of a third party (RFC 3161): the signature of the seal existed then, whatever the collector's clock says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from baselines.evidence import form
from baselines.evidence.archive import Archive, Damaged
from baselines.evidence.lines import Line, fails, note, unchecked


def check(archive: Archive, signature: bytes, roots: Path | None) -> Iterator[Line]:
    """Nothing where none is inside."""
    if form.STAMP not in archive:
        yield note("no-stamp")
        return
    try:
        archive.read(form.STAMP, 65536)
    except Damaged as error:
        yield fails("damaged", form.STAMP, why=str(error))
        return
    yield unchecked("stamp-extra", form.STAMP)
