r"""RouterOS: what `/export` writes, and the rows of `print detail`.

    export = parse(text)
    export.section("ip service")                       # its items in the order of the text; None when it is not there
    item.values["disabled"]                            # "yes"; a name after `!` stands in `unset` instead
    item.selector                                      # telnet; find default-name=ether1; "" after `add`

    rows(text)                                         # print detail: flags, comment, values
    pairs(text)                                        # print of a menu that holds one thing: {"version": "7.14.3 (stable)"}

A line ends where no backslash stands at its end; what follows is stripped of the blanks RouterOS indents it with. Inside
quotes `\r`, `\n`, `\"` and bytes such as `\C4` are written with a backslash, so no text somebody typed (a note, a script,
a comment) can begin a line. A comment that is too long goes on with two blanks. A menu that did not answer in time stands
there as `#error exporting`: it is missing, not empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from collectors.errors import Unparsable

_PATH = re.compile(r"/[\w\-]+(?:[ /][\w\-]+)*\Z")
_FAILED = re.compile(r"#\s*error exporting\s+\"?(/[\w\-/ ]+?)\"?(?:\s*\(.*)?\Z", re.I)
_INTERRUPTED = re.compile(r"#\s*interrupted", re.I)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.S)
_BARE = re.compile(r"[^\s\"]*")
_KEY = re.compile(r"!?[A-Za-z.][\w./\-]*")
# RouterOS puts no quotes around a moment, though a blank stands in it
_MOMENT = re.compile(r"(?:[a-z]{3}/\d\d/\d{4}|\d{4}-\d\d-\d\d) \d\d:\d\d:\d\d(?=\s|\Z)")
_SELECTOR = re.compile(r"\[[^\]\n]*\]")
_ESCAPED = re.compile(r"\\([0-9A-F]{2}|.)", re.S)
_LETTERS = {"r": "\r", "n": "\n", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "_": " ", "\n": ""}
_SWITCH = {"true": "yes", "false": "no"}
"""Some releases of 7 write switches so."""
_VERBS = ("add", "set")
_ROW = re.compile(r"\s*(\d+)\s+(?:([A-Za-z*]{1,6}(?: [A-Za-z*]{1,4})?)\s+)?(?=;;;|[A-Za-z][\w.\-]*=)")
_VALUES = re.compile(r"\s+[A-Za-z][\w.\-]*=")
_FLAGS = re.compile(r"(?:Flags|Columns): ", re.I)


@dataclass(slots=True)
class Item:
    """One `add` or `set`."""

    line: int
    verb: str
    selector: str
    values: dict[str, str]
    unset: frozenset[str]
    note: str = ""
    """The comment RouterOS wrote above it: why it is not in force (`# no interface`), or what ails it."""

    def word(self, key: str) -> str | None:
        """The value; "" where it is written as unset (`!key`); None where the line says nothing of it."""
        return "" if key in self.unset else self.values.get(key)

    @property
    def disabled(self) -> bool:
        return self.values.get("disabled", "no") in ("yes", "true")


@dataclass(slots=True)
class Section:
    """One menu."""

    name: str
    items: list[Item] = field(default_factory=list)
    strays: list[int] = field(default_factory=list)
    """Numbers of lines that were not understood."""

    def checked(self) -> Section:
        """Itself. Raises Unparsable when a line in it was not understood."""
        if self.strays:
            raise Unparsable(f"line {self.strays[0]} of the export, in /{self.name}, is not understood")
        return self


@dataclass(slots=True)
class Export:
    """The menus of one export."""

    sections: dict[str, Section]
    failed: tuple[str, ...]
    """Menus that RouterOS could not write out."""

    def section(self, name: str) -> Section | None:
        """The menu, None where nothing of it is written. Raises Unparsable where it could not be read."""
        if any(name == lost or name.startswith(f"{lost} ") for lost in self.failed):
            raise Unparsable(f"RouterOS itself could not export /{name}")
        found = self.sections.get(name)
        return None if found is None else found.checked()


def parse(text: str) -> Export:
    """The menus. Raises Unparsable for text outside any menu, quotes that never close and an interrupted export."""
    sections: dict[str, Section] = {}
    failed: list[str] = []
    current: Section | None = None
    note = ""
    for number, line, after_comment in _lines(text):
        if line.startswith("#"):
            note = line[1:].strip()
            if found := _FAILED.match(line):
                failed.append(_name(found[1]))
            elif _INTERRUPTED.match(line):
                raise Unparsable(f"line {number}: the export was interrupted")
        elif line[0] in " \t" and after_comment:
            continue
        elif _PATH.match(line):
            current = sections.setdefault(_name(line), Section(_name(line)))
        elif current is None:
            raise Unparsable(f"line {number} of the export stands in no menu")
        else:
            item = _item(line, number)
            if item is None:
                current.strays.append(number)
            else:
                item.note = note
                current.items.append(item)
            note = ""
    return Export(sections, tuple(failed))


def _name(path: str) -> str:
    return path.strip().lstrip("/").replace("/", " ")


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """(number of the first line, the whole line, the line before was a comment)."""
    rows = enumerate(text.replace("\r", "").split("\n"), 1)
    comment = False
    for number, raw in rows:
        line = raw.rstrip()
        if not line:
            comment = False
            continue
        if not line.startswith("#"):
            while _goes_on(line):
                following = next(rows, None)
                if following is None:
                    raise Unparsable(f"the line that begins as line {number} of the export never ends")
                line = line[:-1] + following[1].lstrip(" \t").rstrip()
        yield number, line, comment
        comment = line.startswith("#") or (comment and line[0] in " \t")


def _goes_on(line: str) -> bool:
    """An odd number of backslashes at the end: an even one is backslashes of a value."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _item(line: str, number: int) -> Item | None:
    verb, _, rest = line.partition(" ")
    if verb not in _VERBS:
        return None
    selector = ""
    if verb == "set":
        rest, selector = _selected(rest)
    values: dict[str, str] = {}
    unset: set[str] = set()
    for key, value in _words(rest, number):
        if value is None and key.startswith("!"):
            unset.add(key[1:])
            values.pop(key[1:], None)
        else:
            # a word by itself is a switch that is on: `passive`, `no-summaries`, `blackhole`
            values[key] = "yes" if value is None else value
            unset.discard(key)
    return Item(number, verb, selector, values, frozenset(unset))


def _selected(rest: str) -> tuple[str, str]:
    """(what follows, the item that is meant): `[ find default-name=ether1 ]`, `telnet`, `0`, `"IN LAN"`; "" where there is one alone."""
    if found := _SELECTOR.match(rest):
        return rest[found.end() :].lstrip(), found.group()[1:-1].strip()
    if found := _QUOTED.match(rest):
        return rest[found.end() :].lstrip(), unescaped(found[1])
    first, _, after = rest.partition(" ")
    if first and "=" not in first and not first.startswith("!"):
        return after, first
    return rest, ""


def _words(rest: str, number: int) -> Iterator[tuple[str, str | None]]:
    """(key, value) of each word; the value is None for a word without `=`. Raises Unparsable for what is none."""
    place = 0
    while place < len(rest):
        if rest[place].isspace():
            place += 1
            continue
        found = _KEY.match(rest, place)
        if not found:
            raise Unparsable(f"line {number}: no name where one must stand")
        key = found.group()
        place = found.end()
        if place >= len(rest) or rest[place] != "=":
            if place < len(rest) and not rest[place].isspace():
                raise Unparsable(f"line {number}: no name where one must stand")
            yield key, None
            continue
        place += 1
        if quoted := _QUOTED.match(rest, place):
            yield key, unescaped(quoted[1])
            place = quoted.end()
        else:
            bare = _MOMENT.match(rest, place) or _BARE.match(rest, place)
            assert bare is not None
            yield key, _SWITCH.get(bare.group(), bare.group())
            place = bare.end()
        if place < len(rest) and not rest[place].isspace():
            raise Unparsable(f"line {number}: quotes where none may stand, or that never close")


def unescaped(text: str) -> str:
    """A value between quotes as it was meant. Bytes (`\\C4\\91`) are UTF-8."""
    if "\\" not in text:
        return text
    parts: list[bytes] = []
    place = 0
    for found in _ESCAPED.finditer(text):
        parts.append(text[place : found.start()].encode("utf-8", "surrogatepass"))
        said = found[1]
        parts.append(bytes([int(said, 16)]) if len(said) == 2 else _LETTERS.get(said, said).encode("utf-8", "surrogatepass"))
        place = found.end()
    parts.append(text[place:].encode("utf-8", "surrogatepass"))
    return b"".join(parts).decode("utf-8", "replace")


@dataclass(slots=True)
class Row:
    """One row of `print detail`."""

    flags: frozenset[str]
    comment: str
    values: dict[str, str]

    @property
    def disabled(self) -> bool:
        return "X" in self.flags


def rows(text: str) -> tuple[Row, ...]:
    """Rows of `print detail`. Raises Unparsable for what is none, and where not even a head came: nothing is not an empty table.

    A comment may have lines of its own and say anything: whatever has no name and `=` in it belongs to the comment, and a
    number that does not grow is none of RouterOS.
    """
    lines = [line.rstrip() for line in text.replace("\r", "").split("\n") if line.strip()]
    if not lines or not (_FLAGS.match(lines[0]) or _ROW.match(lines[0])):
        raise Unparsable("print detail: no table: its first line tells no flags")
    found: list[list[str]] = []
    last = -1
    for line in lines:
        if head := _ROW.match(line):
            if int(head[1]) <= last:
                raise Unparsable(f"print detail: the row {head[1]} comes after the row {last}")
            last = int(head[1])
            found.append([line])
        elif found:
            found[-1].append(line)
        elif not _FLAGS.match(line) and ("=" in line or re.match(r"\s*\d", line)):
            raise Unparsable(f"print detail: not understood: {line.strip()[:40]}")
        # else the flags go on
    return tuple(_row(each) for each in found)


def _row(lines: list[str]) -> Row:
    head = _ROW.match(lines[0])
    assert head is not None
    first, rest = lines[0][head.end() :], lines[1:]
    comment = ""
    if first.startswith(";;;"):
        comment, first = first[3:].strip(), ""
        while rest and not _VALUES.match(rest[0]):
            comment = f"{comment} {rest.pop(0).strip()}"
    values = {}
    for key, value in _words(" ".join((first, *rest)).strip(), 0):
        if value is None:
            raise Unparsable(f"print detail: a word without a value: {key[:40]}")
        values[key] = value
    return Row(frozenset((head[2] or "").replace(" ", "")), comment, values)


def pairs(text: str) -> dict[str, str]:
    """`print` of a menu that holds one thing. A list goes on below its first word. Raises Unparsable for what is none."""
    found: dict[str, str] = {}
    last = ""
    for line in text.replace("\r", "").split("\n"):
        if not line.strip():
            continue
        if said := re.match(r"\s*([a-z][\w\-]*): ?(.*?)\s*\Z", line):
            last = said[1]
            found[last] = said[2].strip()
        elif last and line[0] == " " and found[last]:
            found[last] = f"{found[last]},{line.strip()}"
        elif not line.strip().startswith(";;;"):
            raise Unparsable(f"not the answer it should be: {line.strip()[:40]}")
    if not found:
        raise Unparsable("an empty answer")
    return found
