"""The two diagrams of a dossier as SVG: zones with what lies in them (logical), devices with the links that their tables show (physical).

Only what is known is drawn as a line: a link nobody saw is not drawn, and what has none stands apart under its own heading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from xml.sax.saxutils import escape

from collectors.facts.interfaces import Interfaces
from collectors.model import Kind
from server.documents.exports.layout import width as bold_width
from server.documents.papers.level.gather import NOWHERE, Gathered, Thing, zone_of
from server.documents.texts import Texts

WIDTH = 165.0
FONT = "Liberation Serif, Times New Roman, serif"
ACROSS, GAP, LINE = 3, 5.0, 4.2
NAMED = 6
"""Machines that a zone names; of the others it says how many."""
_NETWORK = (Kind.FIREWALL, Kind.ROUTER, Kind.SWITCH)


class _Sheet:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self.height = 0.0

    def box(self, x: float, y: float, w: float, h: float, fill: str = "#ffffff", dashed: bool = False) -> None:
        dash = ' stroke-dasharray="1.5 1"' if dashed else ""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="{fill}" stroke="#000000" stroke-width="0.35"{dash}/>'
        )
        self.height = max(self.height, y + h)

    def line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        self.parts.insert(
            0, f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#000000" stroke-width="0.35"/>'
        )

    def text(self, x: float, y: float, words: str, size: float = 3.4, bold: bool = False, middle: bool = False, room: float = 999.0) -> None:  # fmt: skip
        words = _cut(words, size, room)
        look = (' font-weight="bold"' if bold else "") + (' text-anchor="middle"' if middle else "")
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-family="{FONT}" font-size="{size}"{look}>{escape(words)}</text>')
        self.height = max(self.height, y + 1)

    def svg(self) -> str:
        height = self.height + 2
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{height:.0f}mm" viewBox="0 0 {WIDTH} {height:.0f}">'
            f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>{"".join(self.parts)}</svg>'
        )


def _cut(words: str, size: float, room: float) -> str:
    words = "".join(letter if letter.isprintable() else " " for letter in words)
    if bold_width(words, size) <= room:
        return words
    while words and bold_width(words + "…", size) > room:
        words = words[:-1]
    return words + "…"


def logical(gathered: Gathered, say: Texts) -> str:
    """Zones in the order of the register, above them the firewalls and routers that have an address in them."""
    sheet = _Sheet()
    inside: dict[str, list[Thing]] = {zone.name: [] for zone in gathered.zones}
    gates = [thing for thing in gathered.things if thing.kind in (Kind.FIREWALL, Kind.ROUTER)]
    for thing in gathered.things:
        if thing not in gates:
            inside.setdefault(thing.zone, []).append(thing)
    sheet.box(60, 2, 45, 9, "#eeeeee")
    sheet.text(82.5, 8, say("drawing.internet"), 4, bold=True, middle=True)
    places: dict[str, tuple[float, float]] = {}
    for start in range(0, len(gates), ACROSS + 1):
        places |= _row(sheet, gates[start : start + ACROSS + 1], 20 + 16 * (start // (ACROSS + 1)))
    if not gates:
        sheet.box(45, 20, 75, 10, dashed=True)
        sheet.text(82.5, 26, say("drawing.no_gate"), 3.4, middle=True, room=72)
    public = {zone.name: zone.public for zone in gathered.zones}
    networks = {zone.name: zone.inside for zone in gathered.zones}
    y, tallest = max((bottom for _x, bottom in places.values()), default=28.0) + 12, 0.0
    wide = (WIDTH - 2 * GAP - 4) / ACROSS
    for at, (name, things) in enumerate(inside.items()):
        column = at % ACROSS
        if column == 0 and at:
            y, tallest = y + tallest + 8, 0.0
        x = 2 + column * (wide + GAP)
        high = _zone(sheet, x, y, wide, name, networks.get(name, ()), public.get(name, ()), things, say)
        tallest = max(tallest, high)
        for gate in gates:
            if name != NOWHERE and _in_zone(gate, name, gathered):
                gx, gy = places[gate.name]
                sheet.line(gx, gy, x + wide / 2, y)
    return sheet.svg()


def _row(sheet: _Sheet, things: list[Thing], y: float) -> dict[str, tuple[float, float]]:
    places = {}
    wide = min(44.0, (WIDTH - 4) / max(1, len(things)) - 3)
    start = (WIDTH - len(things) * (wide + 3) + 3) / 2
    for at, thing in enumerate(things):
        x = start + at * (wide + 3)
        sheet.box(x, y, wide, 12, "#f7f7f7")
        sheet.text(x + wide / 2, y + 5, thing.name, 3.4, bold=True, middle=True, room=wide - 2)
        sheet.text(x + wide / 2, y + 9.5, thing.model or thing.os, 2.8, middle=True, room=wide - 2)
        places[thing.name] = (x + wide / 2, y + 12)
    return places


def _zone(sheet: _Sheet, x: float, y: float, wide: float, name: str, inside: Iterable[str], public: Iterable[str], things: list[Thing], say: Texts) -> float:  # fmt: skip
    title = say("drawing.nowhere") if name == NOWHERE else name
    lines = [f"{say('drawing.inside')} {', '.join(inside)}"] if inside else []
    lines += [f"{say('drawing.public')} {', '.join(public)}"] if public else []
    kinds = Counter(thing.kind for thing in things)
    words = say.at("kinds")
    lines += [", ".join(f"{count} {words[kind]}" for kind, count in kinds.items()) or say("drawing.nobody")]
    shown = [thing.name for thing in things[:NAMED]]
    more = [say("drawing.more", count=len(things) - NAMED)] if len(things) > NAMED else []
    high = 7 + LINE * (len(lines) + len(shown) + len(more)) + 2
    sheet.box(x, y, wide, high, dashed=name == NOWHERE)
    sheet.text(x + wide / 2, y + 5, title, 3.8, bold=True, middle=True, room=wide - 2)
    for at, line in enumerate((*lines, *(f"• {one}" for one in shown), *more)):
        sheet.text(x + 2, y + 9.5 + LINE * at, line, 3.1, room=wide - 4)
    return high


def _in_zone(gate: Thing, name: str, gathered: Gathered) -> bool:
    """It has an address inside, by what itself shows."""
    own = list(gate.addresses)
    ports = gate.snapshot.told(Interfaces) if gate.snapshot else None
    own += [address for port in (ports.ports if ports and ports.ports else ()) for address in port.addresses]
    zone = [one for one in gathered.zones if one.name == name]
    return any(zone_of((address,), zone) == name for address in own)


def links(things: list[Thing]) -> list[tuple[str, str, str]]:
    """(device, port, machine) where a switch has the machine's hardware address on a port that has the fewest others; else where a
    router has its address."""
    found = []
    for thing in things:
        best: tuple[int, str, str] | None = None
        for other in things:
            if other is thing or other.neighbours is None:
                continue
            rows = other.neighbours.macs or ()
            crowd = Counter(row.interface for row in rows)
            for row in rows:
                if row.mac.lower() in thing.macs and row.interface:
                    candidate = (crowd[row.interface], other.name, row.interface)
                    best = min(best, candidate) if best else candidate
        if best is None:
            for other in things:
                if other is not thing and other.neighbours is not None and _in_arp(thing, other):
                    best = (0, other.name, "")
                    break
        if best is not None:
            found.append((best[1], best[2], thing.name))
    return found


def _in_arp(thing: Thing, other: Thing) -> bool:
    assert other.neighbours is not None
    return any(row.mac.lower() in thing.macs or row.address in thing.addresses for row in other.neighbours.arp or ())


def physical(gathered: Gathered, say: Texts) -> str:
    """Network devices on top, under each what is plugged in by its tables; last what no table shows."""
    sheet = _Sheet()
    seen = links(gathered.things)
    parent = {name: (device, port) for device, port, name in seen}
    devices = [thing for thing in gathered.things if thing.kind in _NETWORK]
    order = {Kind.ROUTER: 0, Kind.FIREWALL: 1, Kind.SWITCH: 2}
    devices.sort(key=lambda one: (order[one.kind], one.name))
    places: dict[str, tuple[float, float, float]] = {}
    y = 2.0
    for kind in (Kind.ROUTER, Kind.FIREWALL, Kind.SWITCH):
        row = [thing for thing in devices if thing.kind is kind]
        for start in range(0, len(row), ACROSS + 1):
            part = row[start : start + ACROSS + 1]
            for name, (x, bottom) in _row(sheet, part, y).items():
                places[name] = (x, bottom - 12, bottom)
            y += 22
    for device, _port, name in seen:
        if name in places and device in places:
            (x1, top1, bottom1), (x2, top2, bottom2) = places[device], places[name]
            sheet.line(x1, bottom1 if bottom1 <= top2 else top1, x2, top2 if bottom1 <= top2 else bottom2)
    others = [thing for thing in gathered.things if thing.kind not in _NETWORK]
    groups: dict[str, list[Thing]] = {}
    for thing in others:
        groups.setdefault(parent[thing.name][0] if thing.name in parent else "", []).append(thing)
    wide = (WIDTH - 2 * GAP - 4) / ACROSS
    tallest = 0.0
    ordered = sorted(groups, key=lambda name: (name == "", name))
    for at, device in enumerate(ordered):
        column = at % ACROSS
        if column == 0 and at:
            y, tallest = y + tallest + 8, 0.0
        x = 2 + column * (wide + GAP)
        things = groups[device]
        ports = [f"{one.name}{f' ({parent[one.name][1]})' if one.name in parent and parent[one.name][1] else ''}" for one in things[: NAMED + 6]]  # fmt: skip
        more = [say("drawing.more", count=len(things) - len(ports))] if len(things) > len(ports) else []
        high = 7 + LINE * (len(ports) + len(more)) + 2
        sheet.box(x, y, wide, high, dashed=not device)
        title = say("drawing.under", device=device) if device else say("drawing.no_link")
        sheet.text(x + wide / 2, y + 5, title, 3.6, bold=True, middle=True, room=wide - 2)
        for place, line in enumerate((*(f"• {one}" for one in ports), *more)):
            sheet.text(x + 2, y + 9.5 + LINE * place, line, 3.1, room=wide - 4)
        if device in places:
            sheet.line(places[device][0], places[device][2], x + wide / 2, y)
        tallest = max(tallest, high)
    return sheet.svg()
