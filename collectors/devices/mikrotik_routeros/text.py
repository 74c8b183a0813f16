"""RouterOS: the texts every question reads, asked once and parsed once."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from collectors.devices.base import Running, per_device, plain, running
from collectors.devices.syntax.routeros import Export, Item, pairs, parse
from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import DeviceCli

if TYPE_CHECKING:
    from collectors.devices.base import DeviceOs

# RouterOS writes no end under an export; `;` runs the next command only where the one before did not fail
END = '; :put "# rasoat: end of export"'
# 7 hides secrets unless told otherwise, 6 shows them unless told otherwise
FORMS_7 = ((f"/export verbose{END}", True), (f"/export compact{END}", False))
FORMS_6 = ((f"/export verbose hide-sensitive{END}", True), (f"/export compact hide-sensitive{END}", False))
CONFIGURATION = (*FORMS_7, *FORMS_6)
NAME = r'^/system identity\nset name="?([^"\n]+)"?'

MENUS = ("ip service", "system identity", "system logging", "user group")
"""Menus every whole `/export verbose` holds: an account that may not see them sees no whole configuration."""


class Release(NamedTuple):
    """`/system resource print`."""

    text: str
    number: tuple[int, ...]
    fields: dict[str, str]

    @property
    def major(self) -> int:
        return self.number[0]


class Config:
    """`/export verbose`: every menu with its values in force. A menu of many things that is not there holds none."""

    def __init__(self, export: Export, release: Release) -> None:
        self.export = export
        self.release = release

    def items(self, name: str) -> list[Item]:
        """What a menu of many things holds, disabled ones too."""
        found = self.export.section(name)
        return [] if found is None else found.items

    def active(self, name: str) -> list[Item]:
        """The same without what is disabled."""
        return [item for item in self.items(name) if not item.disabled]

    def has(self, name: str) -> bool:
        return self.export.section(name) is not None

    def say(self, name: str, key: str) -> str:
        """The value in a menu that holds one thing. Raises Unsupported where this release or account has none."""
        for item in reversed(self.items(name)):
            if not item.selector and (found := item.word(key)) is not None:
                return found
        raise Unsupported(f"not shown, because this release has none or this account may not see it: {key} of /{name}")

    def on(self, name: str, key: str) -> bool:
        return flag(self.say(name, key), f"{key} of /{name}")


def flag(word: str, what: str) -> bool:
    """yes or no. Raises Unparsable for anything else."""
    if word not in ("yes", "no", "true", "false"):
        raise Unparsable(f"neither yes nor no but {word[:40]}: {what}")
    return word in ("yes", "true")


def listed(value: str) -> tuple[str, ...]:
    """`a,b` as RouterOS writes lists."""
    return tuple(each.strip() for each in value.split(",") if each.strip())


_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}


def seconds(word: str) -> int:
    """1w2d3h4m5s, or 00:10:00. Raises Unparsable for what is no time."""
    if found := re.fullmatch(r"(?:(\d+)d)?(\d+):(\d\d):(\d\d)", word):
        return int(found[1] or 0) * 86400 + int(found[2]) * 3600 + int(found[3]) * 60 + int(found[4])
    parts = re.findall(r"(\d+)([wdhms])(?!s)", word)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != re.sub(r"\d+ms\Z", "", word):
        raise Unparsable(f"no time: {word[:30]}")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def system() -> DeviceOs:
    """This OS; a function, because its own file imports the files that need it."""
    from collectors.devices.mikrotik_routeros import OS

    return OS


def release(cli: DeviceCli) -> Release:
    """Raises Unparsable when the box runs no RouterOS 6 or 7."""

    def make() -> Release:
        fields = pairs(cli.ask("/system resource print"))
        found = re.match(r"(([67])\.\d+(?:\.\d+)?\w*)", fields.get("version", ""))
        if not found or fields.get("platform", "MikroTik") != "MikroTik":
            raise Unparsable("/system resource print: not RouterOS 6 or 7; correct platform: in the targets file")
        return Release(
            found[1], tuple(int(part) for part in re.findall(r"\d+", found[1].split("rc")[0].split("beta")[0])), fields
        )

    return per_device(cli, "routeros.release", make)


def config(cli: DeviceCli) -> Config:
    """The configuration in force."""

    def make() -> Config:
        export = parse(running(cli, _asked(cli)).text)
        for menu in MENUS:
            if export.section(menu) is None:
                raise Unparsable(f"/export verbose: no /{menu} in it; this account sees only a part")
        return Config(export, release(cli))

    return per_device(cli, "routeros.config", make)


def kept(cli: DeviceCli) -> Running:
    """The configuration as people know it, without defaults."""
    return plain(cli, _asked(cli, resolved=False))


def _asked(cli: DeviceCli, resolved: bool = True) -> DeviceOs:
    """This OS with the form of the export that its release must be asked, and no other: the wrong one shows secrets."""
    forms = FORMS_7 if release(cli).major >= 7 else FORMS_6
    return replace(system(), configuration=tuple(form for form in forms if form[1] is resolved))
