"""NetBox' bulk import: a file for each kind of object, in the order in which they are imported.

Columns are those NetBox 4.2 and later names on its import pages (4.6 was read). Names, slugs and asset tags are the same with each export. A
machine is found again by its asset tag, `rasoat-<number>`. NetBox wants more of a device than is always seen: what lacks maker or model is left
out, and said; a mask that was not seen is not made up.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from typing import Any

import yaml
from django.utils.text import slugify

from collectors.facts.hardware import NetworkCard
from collectors.facts.identity import Identity
from server.exports.seen import Seen
from server.web.spreadsheet import written

COLUMNS = {
    "01-manufacturers.csv": ("name", "slug"),
    "03-sites.csv": ("name", "slug", "status"),
    "04-device-roles.csv": ("name", "slug", "color", "vm_role"),
    "05-platforms.csv": ("name", "slug"),
    "06-devices.csv": ("name", "role", "manufacturer", "device_type", "platform", "serial", "asset_tag", "status", "site", "comments"),
    "07-interfaces.csv": ("device", "name", "type", "enabled", "description"),
    "07-interfaces-state-not-seen.csv": ("device", "name", "type", "description"),
    "08-mac-addresses.csv": ("mac_address", "device", "interface", "is_primary"),
    "09-ip-addresses.csv": ("address", "status", "device", "interface"),
    "10-virtual-machines.csv": ("name", "status", "site", "role", "platform", "serial", "comments"),
}  # fmt: skip
LEFT_OUT, LEFT_OUT_COLUMNS = "left-out.csv", ("asset", "name", "what", "why")
"""For people and their spreadsheets; the others are for NetBox, which takes each cell as it stands."""
TYPES = "02-device-types.yaml"
"""Of device types NetBox documents YAML alone."""
GREY, NO_PLACE = "9e9e9e", 0
"""NetBox wants a colour of each role, and of each type how much of a rack it takes: nobody saw it, so it takes none."""
NO_MASK = "its mask was not seen, and NetBox takes no address without one"
NO_CARD = "the card it belongs to was not seen, and NetBox takes no address without an interface"
NAME_MAX, SERIAL_MAX, MODEL_MAX = 64, 50, 100
Row = dict[str, Any]


class Book:
    """Collects the rows of all files while machines come by."""

    def __init__(self, names: dict[int, str]) -> None:
        self._names = names
        self._rows: dict[str, list[Row]] = {name: [] for name in COLUMNS}
        self._types: list[Row] = []
        self._left_out: list[Row] = []
        self._known: set[tuple[str, ...]] = set()
        self._sites: dict[str, int] = {}

    def add(self, seen: Seen) -> bool:
        """False: it was left out, for a reason that left-out.csv tells."""
        identity, machine = seen.identity, seen.machine
        if identity is None:
            return self._left(seen, "machine", seen.why or "what it is was not seen")
        common: Row = {
            "name": self._names[machine.pk], "role": self._role(machine.kind), "status": "active", "site": self._site(seen),
            "platform": self._once("05-platforms.csv", identity.os_name[:MODEL_MAX]), "serial": (identity.serial or "")[:SERIAL_MAX],
            "comments": _comments(seen, identity),
        }  # fmt: skip
        if identity.virtualization not in (None, "none"):
            self._rows["10-virtual-machines.csv"].append(common)
            return True
        if not identity.vendor or not identity.model:
            missing = "maker" if not identity.vendor else "model"
            return self._left(seen, "machine", f"its {missing} was not seen, and NetBox takes no device without one")
        device = {
            "manufacturer": self._once("01-manufacturers.csv", identity.vendor[:MODEL_MAX]),
            "device_type": identity.model[:MODEL_MAX],
        }
        if ("type", device["manufacturer"], device["device_type"]) not in self._known:
            self._known.add(("type", device["manufacturer"], device["device_type"]))
            slug = _slug(f"{identity.vendor} {identity.model}")
            self._types.append(
                {"manufacturer": device["manufacturer"], "model": device["device_type"], "slug": slug, "u_height": NO_PLACE}
            )
        self._rows["06-devices.csv"].append(common | device | {"asset_tag": f"rasoat-{machine.pk}"})
        self._parts(seen, identity, common["name"])
        return True

    def files(self) -> Iterable[tuple[str, str]]:
        """Name and text of each."""
        for name, columns in COLUMNS.items():
            out = io.StringIO(newline="")
            writer = csv.DictWriter(out, columns)
            writer.writeheader()
            writer.writerows(self._rows[name])
            yield name, out.getvalue()
        yield LEFT_OUT, "".join(written(iter(self._left_out), dict, LEFT_OUT_COLUMNS))
        yield TYPES, yaml.safe_dump_all(self._types, allow_unicode=True, sort_keys=False)

    def _parts(self, seen: Seen, identity: Identity, device: str) -> None:
        ports = seen.interfaces.ports if seen.interfaces else None
        if ports is not None:
            for port in ports:
                self._interface(device, port.name, "other" if port.physical else "virtual", port.enabled, port.description)
                for address in port.addresses:
                    row = {"address": address, "status": "active", "device": device, "interface": port.name[:NAME_MAX]}
                    if "/" in address:
                        self._rows["09-ip-addresses.csv"].append(row)
                    else:
                        self._left(seen, f"address {address}", NO_MASK)
            return
        cards = (seen.hardware.network_cards if seen.hardware else None) or ()
        self._cards(cards, device)
        for mac in dict.fromkeys(identity.macs or ()):
            if mac not in {card.mac for card in cards}:
                self._left(seen, f"address {mac}", NO_CARD)
        for address in identity.addresses or ():
            self._left(seen, f"address {address}", NO_MASK)

    def _cards(self, cards: Iterable[NetworkCard], device: str) -> None:
        for card in cards:
            self._interface(device, card.name, "other-wireless" if card.wireless else "other", None, "")
            self._rows["08-mac-addresses.csv"].append(
                {"mac_address": card.mac, "device": device, "interface": card.name, "is_primary": "true"}
            )

    def _interface(self, device: str, name: str, kind: str, enabled: bool | None, description: str) -> None:
        row = {"device": device, "name": name[:NAME_MAX], "type": kind, "description": description[:200]}
        if enabled is None:  # an empty cell would be read as "switched off"
            self._rows["07-interfaces-state-not-seen.csv"].append(row)
        else:
            self._rows["07-interfaces.csv"].append(row | {"enabled": str(enabled).lower()})

    def _site(self, seen: Seen) -> str:
        unit = seen.machine.unit
        name = unit.name[:MODEL_MAX]
        if self._sites.setdefault(name, unit.pk) != unit.pk:  # NetBox knows each name once
            name = f"{unit.name[:80]} ({unit.code or unit.pk})"
            self._sites[name] = unit.pk
        if ("site", name) not in self._known:
            self._known.add(("site", name))
            self._rows["03-sites.csv"].append({"name": name, "slug": f"rasoat-unit-{unit.pk}", "status": "active"})
        return name

    def _role(self, kind: str) -> str:
        vm = "true" if kind in ("server", "workstation", "other") else "false"
        return self._once("04-device-roles.csv", kind, color=GREY, vm_role=vm)

    def _once(self, file: str, name: str, **more: str) -> str:
        if (file, name) not in self._known:
            self._known.add((file, name))
            self._rows[file].append({"name": name, "slug": _slug(name), **more})
        return name

    def _left(self, seen: Seen, what: str, why: str) -> bool:
        self._left_out.append({"asset": f"rasoat-{seen.machine.pk}", "name": seen.machine.name, "what": what, "why": why})
        return False


def names(every: Iterable[tuple[int, str]]) -> dict[int, str]:
    """Of all machines there are: a name that two have belongs to the older one, the other carries its number."""
    taken: set[str] = set()
    found: dict[int, str] = {}
    for pk, name in sorted(every):
        own = name if len(name) <= NAME_MAX and name.lower() not in taken else f"{name[:48]}~{pk}"
        taken.add(own.lower())
        found[pk] = own
    return found


def _comments(seen: Seen, identity: Identity) -> str:
    assert seen.snapshot is not None
    told = [f"rasoat-{seen.machine.pk}", f"seen {seen.snapshot.collected_at:%Y-%m-%d %H:%M} UTC"]
    if identity.addresses:
        told.append("addresses " + " ".join(identity.addresses))
    return "; ".join(told)


def _slug(name: str) -> str:
    """Two names that read alike without accents keep apart."""
    return f"{slugify(name)[:80]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}".lstrip("-")
