"""Which well-known products are on a machine? Recognised by what software.yaml says of each, never asked of the products."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase, translate
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import yaml

from collectors.facts.base import Model
from collectors.linux.presence import COMM

Category = Literal[
    "remote_control", "tunnel", "file_sharing", "cloud_storage", "crypto_mining", "attack_tool", "sniffer", "compiler",
    "browser", "office", "messenger", "game", "database", "web_server", "container",
]  # fmt: skip
Clue = Literal["package", "program", "folder", "snap", "flatpak", "process"]
_MAGIC = re.compile(r"[*\[]")
CLUES: tuple[Clue, ...] = get_args(Clue)
CATEGORIES: tuple[Category, ...] = get_args(Category)


class Product(Model):
    """An entry of software.yaml, whose head explains the fields."""

    id: str
    name: str
    category: Category
    packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    snaps: tuple[str, ...] = ()
    flatpaks: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()

    def names(self, clue: Clue) -> tuple[str, ...]:
        """By which names this clue gives it away; process names as the kernel cuts them."""
        found: Mapping[Clue, tuple[str, ...]] = {
            "package": self.packages, "program": self.programs, "folder": self.folders, "snap": self.snaps,
            "flatpak": self.flatpaks, "process": tuple(name[:COMM] for name in self.processes),
        }  # fmt: skip
        return found[clue]


class Products(Model):
    """software.yaml."""

    products: tuple[Product, ...]


class Match(NamedTuple):
    """A product that is there, and the first clue that gave it away."""

    product: Product
    clue: Clue


@cache
def products() -> tuple[Product, ...]:
    """The products as data."""
    text = Path(__file__).with_name("software.yaml").read_text("utf-8")
    loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (safe)
    return Products.model_validate(loaded, strict=False).products


def recognised(seen: Mapping[Clue, Collection[str]]) -> Iterator[Match]:
    """The products of which at least one clue was seen, in the order of software.yaml."""
    # 20,000 packages against 60 patterns one by one would take a second; one pattern of all of them sorts out the few
    close = {clue: tuple(filter(_patterns(clue).match, names)) for clue, names in seen.items()}
    for product in products():
        clue = next((clue for clue in seen if _any(product.names(clue), seen[clue], close[clue])), None)
        if clue is not None:
            yield Match(product, clue)


@cache
def clues_of(category: Category) -> frozenset[Clue]:
    """The clues that products of a category rest on: all of these must be seen before "none of them" may be said."""
    return frozenset(clue for product in products() if product.category == category for clue in CLUES if product.names(clue))


def _any(names: tuple[str, ...], seen: Collection[str], close: tuple[str, ...]) -> bool:
    return any(any(fnmatchcase(one, name) for one in close) if _MAGIC.search(name) else name in seen for name in names)


@cache
def _patterns(clue: Clue) -> re.Pattern[str]:
    """What any name with a wildcard could be; matches nothing when no name has one."""
    found = [translate(name) for product in products() for name in product.names(clue) if _MAGIC.search(name)]
    return re.compile("|".join(found) or r"(?!)")
