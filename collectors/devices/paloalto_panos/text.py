"""PAN-OS: the texts every question reads, asked once and parsed once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from collectors.devices.base import per_device, running
from collectors.devices.syntax.braces import Block, parse
from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import DeviceCli

if TYPE_CHECKING:
    from collectors.devices.base import DeviceOs

CONFIGURATION = (
    # with what Panorama's templates and device groups add
    ("show config effective-running-config", True),
    ("show config running", False),
)
NAME = r"^[ ]{8,12}hostname ([\w.\-]+);$"


def system() -> DeviceOs:
    """This OS; a function, because its own file imports the files that need it."""
    from collectors.devices.paloalto_panos import OS

    return OS


class Config:
    """The configuration with the parts every question looks into."""

    def __init__(self, root: Block, train: str) -> None:
        whole, devices = root.at("config"), root.at("config", "devices")
        if whole is None or devices is None or len(devices.children) != 1:
            raise Unparsable("the configuration has not one device in it")
        self.train = train
        self.management = whole.at("mgt-config")
        self.shared = whole.at("shared") or Block("shared")
        self.device = next(iter(devices.children.values()))
        self.system = self._part("deviceconfig", "system")
        self.setting = self.device.at("deviceconfig", "setting", "management") or Block("management")

    def _part(self, *path: str) -> Block:
        found = self.device.at(*path)
        if found is None:
            raise Unparsable(f"the configuration has no {' '.join(path)}")
        return found

    def vsys(self) -> Iterator[Block]:
        yield from self.device.below("vsys")

    def scopes(self) -> Iterator[Block]:
        """Where objects and profiles may stand."""
        yield self.shared
        yield from self.vsys()
        if panorama := self.device.at("panorama"):
            yield panorama


def info(cli: DeviceCli) -> Mapping[str, str]:
    """`show system info`. Raises Unparsable when the box is no PAN-OS firewall."""
    rows = (line.partition(":") for line in cli.ask("show system info").splitlines())
    found = {key.strip(): value.strip() for key, colon, value in rows if colon}
    if "sw-version" not in found or not found.get("model", "").startswith(("PA-", "CN-")):
        raise Unparsable("show system info: not a PAN-OS firewall; correct platform: in the targets file")
    return found


def train(version: str) -> str:
    found = re.match(r"\d+\.\d+", version)
    if not found:
        raise Unparsable(f"no release line in {version}")
    return found[0]


def config(cli: DeviceCli) -> Config:
    """The configuration in force."""

    def make() -> Config:
        whole = running(cli, system())
        conf = Config(parse(whole.text), train(info(cli)["sw-version"]))
        if not whole.resolved and conf.system.at("panorama"):
            raise Unsupported("the device is managed by Panorama and does not show what Panorama adds")
        return conf

    return per_device(cli, "panos.config", make)


def yes(block: Block, *path: str) -> bool | None:
    """True, False, None where nothing is said."""
    said = block.word(*path)
    return None if said is None else said == "yes"


def number(block: Block, *path: str) -> int | None:
    said = block.word(*path)
    if said is None:
        return None
    if not said.isascii() or not said.isdigit():
        raise Unparsable(f"no number in the configuration: {' '.join(path)}")
    return int(said)
