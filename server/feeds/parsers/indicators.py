"""Lists of indicators: CSV (Vietnamese headings, or columns named), one a line (TXT), a workbook, or STIX 2.1.

Values are told apart by their form where no column says it. A value of no known form refuses the list, with its line:
an indicator left out would read as "not found anywhere".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any, Final

from server.feeds.parsers.rows import IndicatorListRow, IndicatorRow, Row
from server.feeds.parsers.source import Source
from server.feeds.parsers.tables import rows

HASHES: Final = {32: "md5", 40: "sha1", 64: "sha256"}
COLUMNS: Final = ("value", "ip", "domain", "url", "md5", "sha1", "sha256", "hash", "process")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})", re.ASCII)
_PROCESS: Final = re.compile(r"[^\x00-\x1f/\\:*?\"<>|]{1,200}\.(?:exe|dll|sys|bat|cmd|ps1|vbs|js|scr|com|sh|elf|bin|py|so|msi)")
_STIX: Final = re.compile(r"([a-z0-9-]+):([A-Za-z0-9_.'-]+)\s*=\s*'((?:[^'\\]|\\.)*)'")
_OBJECTS: Final = {
    ("ipv4-addr", "value"): "ip",
    ("ipv6-addr", "value"): "ip",
    ("domain-name", "value"): "domain",
    ("url", "value"): "url",
    ("file", "name"): "process",
    ("process", "name"): "process",
    ("file", "hashes.md5"): "md5",
    ("file", "hashes.sha1"): "sha1",
    ("file", "hashes.sha256"): "sha256",
}


def read(source: Source) -> Iterator[Row]:
    yield IndicatorListRow(
        source.given.get("number") or source.name,
        source.day("dated", source.given.get("dated")),
        source.given.get("issuer", ""),
        source.given.get("title", ""),
    )
    if source.name.endswith(".json"):
        found = _stix(source)
    elif source.name.endswith((".csv", ".xlsx")):
        found = _table(source)
    else:
        found = _lines(source)
    seen: set[tuple[str, str]] = set()
    for row in found:
        source.records += 1
        if (key := (row.kind, row.value)) not in seen:
            seen.add(key)
            yield row


def _lines(source: Source) -> Iterator[IndicatorRow]:
    with source.text() as lines:
        for number, line in enumerate(lines, 1):
            if text := line.partition("#")[0].strip():
                yield _row(source, number, text, "")


def _table(source: Source) -> Iterator[IndicatorRow]:
    for line, row in rows(source, "indicators", COLUMNS):
        note = row.get("note", "")[:200]
        found = False
        for column in COLUMNS:
            kind = row.get("kind", "").lower() if column == "value" else "" if column == "hash" else column
            for text in re.split(r"[\s,;]+", row.get(column, "")) if column != "process" else [row.get(column, "")]:
                if text:
                    found = True
                    yield _row(source, line, text, kind, note)
        if not found:
            raise source.malformed(f"line {line}", "holds no indicator")


def _row(source: Source, line: int, text: str, kind: str, note: str = "") -> IndicatorRow:
    value = plain(text)
    if kind in ("", "domain") and (named := ascii_name(value)) and not value.isascii() and kind_of(named) == "domain":
        value = named
    own = kind_of(value)
    if kind == "process":
        own = "process"
    if own is None or (kind in ("ip", "domain", "url", "md5", "sha1", "sha256") and kind != own):
        raise source.malformed(f"line {line}", f"no {kind or 'indicator of a known form'}: {text!r}")
    if own == "ip":
        network = ipaddress.ip_network(value, strict=False)
        if nobody := _nobody(network):
            raise source.malformed(f"line {line}", f"{text!r} is or holds {nobody}: every machine would show it")
        value = str(network) if "/" in value else str(ipaddress.ip_address(value))
    return IndicatorRow(own, value[:500], note, line)


def _nobody(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str | None:
    """What makes an address no indicator: it is on every machine. Private ones may be a machine of one's own in wrong hands."""
    if network.prefixlen == 0:
        return "every address there is (/0)"
    for name, text in _EVERYWHERE:
        everywhere = ipaddress.ip_network(text)
        if network.version == everywhere.version and network.overlaps(everywhere):
            return f"the {name} address {text}"
    return None


_EVERYWHERE: Final = (
    ("loopback", "127.0.0.0/8"), ("any", "0.0.0.0/32"), ("broadcast", "255.255.255.255/32"), ("loopback", "::1/128"), ("any", "::/128"),
    ("mapped loopback", "::ffff:127.0.0.0/104"),
)  # fmt: skip


def ascii_name(name: str) -> str:
    """A name of DNS in the letters that travel: bücher.example is xn--bcher-kva.example. Empty where it is none."""
    try:
        return name.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""


def plain(text: str) -> str:
    """Lower case, and as it was before somebody made it harmless: hxxp://a[.]b → http://a.b"""
    value = re.sub(r"[\[({](\.|dot|:|://)[\])}]", lambda found: "." if found[1] == "dot" else found[1], text.strip().lower())
    return re.sub(r"^hxxp", "http", value).rstrip(".").strip("'\"")


def kind_of(value: str) -> str | None:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        pass
    else:
        return "ip"
    if re.fullmatch(r"[0-9a-f]+", value, re.ASCII) and len(value) in HASHES:
        return HASHES[len(value)]
    if re.match(r"https?://[^\s]+$", value):
        return "url"
    # a name such as update.com is a domain, unless a column says otherwise
    if _DOMAIN.fullmatch(value) and not re.search(r"\.(?:exe|dll|sys|bat|cmd|ps1|vbs|scr|msi|elf|bin)$", value):
        return "domain"
    return "process" if _PROCESS.fullmatch(value) else None


def _stix(source: Source) -> Iterator[IndicatorRow]:
    for place, bundle in source.documents():
        if bundle.get("type") != "bundle":
            raise source.malformed(place, "no bundle of STIX")
        for number, each in enumerate(source.listing(place, bundle.get("objects")), 1):
            one = source.mapping(f"object {number}", each)
            if one.get("type") != "indicator" or one.get("revoked") is True:
                continue
            yield from _pattern(source, number, one)


def _pattern(source: Source, number: int, one: dict[str, Any]) -> Iterator[IndicatorRow]:
    """Only comparisons for equality; joined by AND they would mean something else when each is looked for alone.

    Hashes of one file may be: each of them alone means that file.
    """
    place, pattern = f"object {number}", str(one.get("pattern") or "")
    if one.get("pattern_type", "stix") != "stix":
        raise source.malformed(place, f"patterns of {one.get('pattern_type')} are not read")
    rest = _STIX.sub("", pattern)
    if all(kind == "file" and path.startswith("hashes") for kind, path, _value in _STIX.findall(pattern)):
        rest = re.sub(r"\bAND\b", "", rest)
    if not pattern or re.search(r"[a-z0-9-]+:[a-z]|'|\b(AND|FOLLOWEDBY|NOT)\b", rest):
        raise source.malformed(place, f"a pattern that is not read: {pattern[:80]}")
    for kind, path, value in _STIX.findall(pattern):
        column = _OBJECTS.get((kind, re.sub(r"['-]", "", path).lower()))
        if column is None:
            raise source.malformed(place, f"{kind}:{path} is not looked for")
        yield _row(source, number, value.replace("\\'", "'").replace("\\\\", "\\"), column, str(one.get("name") or "")[:200])
