"""The cells: which there are, what each needs, how one is run, and the table of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from bench.faults import account, clock, corrupt, disk, kill, network
from bench.faults.harm import Clock
from bench.faults.site import Base, site

PARTS = ("agent", "relay", "server", "worker", "database")
FAULTS = {"kill": kill.CELLS, "network": network.CELLS, "disk": disk.CELLS, "clock": clock.CELLS, "corrupt": corrupt.CELLS}
ON_SQLITE = ("server:disk",)
"""There the server's data directory holds the database."""


class Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    vi: str
    en: str


class Cell(BaseModel):
    """What a cell does and what comes of it, in words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    done: Words
    says: Words


@cache
def words() -> dict[str, Cell]:
    found = yaml.safe_load(Path(__file__).with_name("cells.yaml").read_text("utf-8"))
    return {name: Cell.model_validate(entry) for name, entry in found.items()}


@dataclass
class Row:
    """What became of one cell."""

    cell: str
    struck: dict[str, int]
    account: dict[str, Any]
    sound: bool
    back: list[str]
    beyond: dict[str, int]
    """Figures of what the cell says beside the account."""


def names() -> list[str]:
    return [f"{part}:{fault}" for part in PARTS for fault in FAULTS]


def choose(only: Sequence[str] | None) -> list[str]:
    """In the order of the matrix. Raises KeyError for what nobody knows."""
    if not only:
        return names()
    wanted = [name for name in names() for one in only if one in (name, *name.split(":"))]
    for one in only:
        if not any(one in (name, *name.split(":")) for name in names()):
            raise KeyError(one)
    return list(dict.fromkeys(wanted))


class Bases:
    """Made when first asked for: one on PostgreSQL, one on SQLite."""

    def __init__(self, folder: Path, machines: int | None = None) -> None:
        self._folder, self._made = folder, dict[bool, Base]()
        self._machines = {} if machines is None else {"machines": machines}

    def get(self, postgresql: bool) -> Base:
        if postgresql not in self._made:
            self._folder.chmod(0o755)
            place = Path(tempfile.mkdtemp(prefix="postgresql-" if postgresql else "sqlite-", dir=self._folder))
            self._made[postgresql] = Base(place, postgresql, **self._machines)
        return self._made[postgresql]


def run(bases: Bases, name: str, rounds: int, postgresql: bool | None = None) -> Row:
    part, fault = name.split(":")
    cell: Callable[..., set[str] | None] = FAULTS[fault][part]
    base = bases.get(name not in ON_SQLITE if postgresql is None else postgresql)
    given: dict[str, Any] = {}
    clocks = []
    if fault == "disk":
        given["disks"] = {part: disk.MIB[part]}
    if fault == "clock":
        clocks.append(Clock(base.folder))
        given["clock"] = {part: clocks[0].environment}
    with site(base, name, **given) as found:
        damaged = cell(found, rounds, *clocks)
        taken = account.take(found, damaged or set())
        return Row(name, found.done, asdict(taken), taken.sound, found.back, found.beyond)


def figures(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The result. A cell that came to no end has no account, and then nobody knows the sums."""
    rows = {name: rows[name] for name in names() if name in rows}
    counted = [row.get("account") for row in rows.values()] + [None] * (len(names()) - len(rows))
    sums = {
        name: None if None in counted else sum(one[name] for one in counted if one)
        for name in ("made", "stored", "judged", "lost", "doubled", "altered", "set_aside")
    }
    return {
        "cells": len(names()),
        "unsound": len(names()) - sum(bool(row.get("sound")) for row in rows.values()),
        **sums,
        "rows": dict(rows),
    }


def table(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'cell':18} {'made':>6} {'stored':>6} {'judged':>6} {'aside':>5} {'lost':>5} {'double':>6} {'altered':>7}  back; struck"
    for name, row in found["rows"].items():
        taken = row.get("account")
        if taken is None:
            yield f"{name:18} NOT TO THE END: {row['failed'][:140]}"
            continue
        struck = ", ".join(f"{what} {times}" for what, times in row["struck"].items())
        yield (
            f"{name:18} {taken['made']:6} {taken['stored']:6} {taken['judged']:6} {taken['set_aside']:5} {taken['lost']:5} {taken['doubled']:6} "
            f"{taken['altered']:7}  {'; '.join(row['back']) or 'by itself'}; {struck}{'' if row['sound'] else '   UNSOUND ' + str(taken['examples'])}"
        )
    yield f"lost {found['lost']}, doubled {found['doubled']}, altered {found['altered']}; {found['unsound']} of {found['cells']} cells unsound"
