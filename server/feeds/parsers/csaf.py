"""CSAF-VEX documents as Red Hat publishes them: one a CVE, also for what is not mended and what was never affected.

Rows are of (stream of the platform, binary package, version). Where nothing is mended Red Hat names the component, which is
the name of the source package; the row has that name then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, unquote

from server.feeds import codes
from server.feeds.codes import END_OF_LIFE, FIXED, NOT_AFFECTED, OPEN, UNDETERMINED, WONT_FIX
from server.feeds.parsers.rows import AffectedRow, Row, VulnerabilityRow
from server.feeds.parsers.source import CVE, Source

_MAIN: Final = re.compile(r"cpe:/[ao]:redhat:enterprise_linux:(\d+)(?:[.:].*)?")
_STREAM: Final = re.compile(r"cpe:/[ao]:redhat:rhel_(eus|aus|tus|e4s|els|eus_long_life):(\d+(?:\.\d+)?)(?:[.:].*)?")
_STATES: Final = {
    "fixed": FIXED,
    "first_fixed": FIXED,
    "known_affected": OPEN,
    "known_not_affected": NOT_AFFECTED,
    "under_investigation": UNDETERMINED,
}
_ELSEWHERE: Final = {"recommended", "first_affected", "last_affected"}
"""Groups of products that repeat others or say which version to take."""


class Package(NamedTuple):
    name: str
    version: str
    module: str
    source: bool


class Tree(NamedTuple):
    """Product id -> ecosystem, product id -> package, product id of a pair -> the two."""

    platforms: dict[str, str | None]
    packages: dict[str, Package]
    pairs: dict[str, tuple[str, str]]


def read(source: Source) -> Iterator[Row]:
    for place, document in source.documents():
        source.records += 1
        tree = _tree(source, place, source.mapping(f"{place}, product_tree", document.get("product_tree")))
        about = source.mapping(f"{place}, document", document.get("document"))
        vulnerabilities = source.listing(place, document.get("vulnerabilities"))
        if not vulnerabilities:
            raise source.malformed(place, "a document without a vulnerability")
        for number, one in enumerate(vulnerabilities, 1):
            yield from _vulnerability(source, f"{place}, vulnerability {number}", source.mapping(place, one), about, tree)


def _vulnerability(source: Source, place: str, one: dict[str, Any], about: dict[str, Any], tree: Tree) -> Iterator[Row]:
    identifier = source.word(place, one.get("cve"), "cve")
    if not CVE.fullmatch(identifier):
        raise source.malformed(place, f"no CVE: {identifier!r}")
    rating = about.get("aggregate_severity")
    word = rating.get("text") if isinstance(rating, dict) else ""
    rows = [*dict.fromkeys(_rows(source, place, identifier, one, tree))]
    if not rows:
        source.left_out += 1
        return
    yield VulnerabilityRow(identifier, str(one.get("title") or about.get("title") or "")[:300], codes.severity(word))
    yield from rows


def _rows(source: Source, place: str, identifier: str, one: dict[str, Any], tree: Tree) -> Iterator[AffectedRow]:
    remedies = _remedies(source, place, one)
    status = source.mapping(f"{place}, product_status", one.get("product_status") or {})
    for group, products in status.items():
        if group in _ELSEWHERE:
            continue
        for product in source.listing(f"{place}, {group}", products):
            found = _resolved(str(product), tree)
            if found is None:
                source.left_out += 1
                continue
            ecosystem, package = found
            state = _STATES.get(group, UNDETERMINED)
            if state == FIXED and package.source:
                continue  # machines have the binary packages that stand beside it
            category, details, advisory = remedies.get(str(product), ("", "", ""))
            note = "" if state in (FIXED, NOT_AFFECTED) else f"{category}: {details}".strip(": ")
            if state == OPEN and category == "no_fix_planned":
                state = END_OF_LIFE if details.casefold().startswith("out of support") else WONT_FIX
            if group not in _STATES:
                note = group
            if state == FIXED and not package.version:
                state, note = UNDETERMINED, "fixed, and no version is named"
            yield AffectedRow(
                ecosystem, package.name, identifier, state, package.version if state == FIXED else "", module=package.module,
                note=note[:120], advisory=advisory if state == FIXED else "",
            )  # fmt: skip


def _remedies(source: Source, place: str, one: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    """Product id -> category, details, advisory. A fix or the refusal of one counts before a workaround."""
    found: dict[str, tuple[str, str, str]] = {}
    for each in source.listing(f"{place}, remediations", one.get("remediations")):
        remedy = source.mapping(f"{place}, remediations", each)
        category = str(remedy.get("category") or "")
        if category in ("workaround", "mitigation"):
            continue
        advisory = str(remedy.get("url") or "").rpartition("/")[2]
        told = (category, " ".join(str(remedy.get("details") or "").split())[:80], advisory[:60])
        for product in source.listing(f"{place}, remediations", remedy.get("product_ids")):
            found[str(product)] = told
    return found


def _resolved(product: str, tree: Tree) -> tuple[str, Package] | None:
    """(ecosystem, package); None for products rasoat does not look at."""
    pair = tree.pairs.get(product)
    if pair is None:
        return None
    inside, platform = pair
    package = tree.packages.get(inside)
    if platform not in tree.platforms and platform in tree.pairs:
        # a package of a module stands in the module, and that one in the platform
        module, platform = tree.pairs[platform]
        if package is not None and not package.module:
            package = package._replace(module=_stream(module))
    ecosystem = tree.platforms.get(platform)
    return (ecosystem, package) if ecosystem and package else None


def _tree(source: Source, place: str, found: dict[str, Any]) -> Tree:
    tree = Tree({}, {}, {})
    waiting = [*source.listing(place, found.get("branches"))]
    while waiting:
        branch = source.mapping(f"{place}, branches", waiting.pop())
        waiting.extend(source.listing(place, branch.get("branches")))
        product = branch.get("product")
        if isinstance(product, dict):
            _product(product, str(branch.get("category")), tree)
    for each in source.listing(place, found.get("relationships")):
        one = source.mapping(f"{place}, relationships", each)
        name = source.mapping(f"{place}, relationships", one.get("full_product_name"))
        tree.pairs[str(name.get("product_id"))] = (
            str(one.get("product_reference")),
            str(one.get("relates_to_product_reference")),
        )
    return tree


def _product(product: dict[str, Any], category: str, tree: Tree) -> None:
    identifier = str(product.get("product_id"))
    helper = product.get("product_identification_helper")
    helper = helper if isinstance(helper, dict) else {}
    if cpe := str(helper.get("cpe") or ""):
        tree.platforms[identifier] = _platform(cpe)
    if purl := str(helper.get("purl") or ""):
        if (package := _package(purl)) is not None:
            tree.packages[identifier] = package
    elif category == "product_version" and not cpe:
        # a component of a module is nodejs:18/nodejs
        module, _sign, name = str(product.get("name") or identifier).rpartition("/")
        tree.packages[identifier] = Package(name, "", _stream(module), True)


def _platform(cpe: str) -> str | None:
    if found := _MAIN.fullmatch(cpe):
        return f"rhel:{found.group(1)}"
    if found := _STREAM.fullmatch(cpe):
        return f"rhel:{found.group(2)}-{found.group(1)}"
    return None


def _stream(module: str) -> str:
    """nodejs:18:8090020240229:a75119d5 -> nodejs:18; empty: no module."""
    name, colon, rest = module.partition(":")
    return f"{name}:{rest.partition(':')[0]}" if colon else ""


def _package(purl: str) -> Package | None:
    """pkg:rpm/redhat/polkit@0.117-11.el9_1?arch=x86_64&epoch=1&rpmmod=nodejs:18:..."""
    head, _mark, query = purl.partition("?")
    if not head.startswith("pkg:rpm/"):
        return None
    name, _at, version = head.removeprefix("pkg:rpm/").rpartition("/")[2].partition("@")
    more = {key: values[0] for key, values in parse_qs(query).items()}
    epoch, version = more.get("epoch", "0"), unquote(version)
    module = _stream(unquote(more.get("rpmmod", "")))
    full = f"{epoch}:{version}" if version and epoch not in ("", "0") else version
    return Package(unquote(name), full, module, more.get("arch", "src") == "src")
