"""`rasoat inventory`: check the file that lists the machines, or make one from another tool's list."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from agent import files
from agent.arguments import Actions
from agent.errors import PASSED, Refusal
from agent.language import _, plural
from agent.terminal import Progress

if TYPE_CHECKING:
    from collectors.inventory import Inventory


def options(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser)
    check = actions.add("check", _("look for mistakes; every mistake as file:line"))
    check.add_argument("file", metavar="FILE", type=Path)
    convert = actions.add("import", _("make an inventory from an Ansible inventory, a CSV table or an nmap result (-oX)"))
    convert.add_argument("source", choices=("ansible", "csv", "nmap"))
    convert.add_argument("file", metavar="FILE", type=Path)
    convert.add_argument("--output", metavar="FILE", type=Path, help=_("write the result to a file, readable by you only"))


def _imported(source: str, file: Path) -> Inventory:
    from collectors import inventory_import

    read = {"ansible": inventory_import.import_ansible, "csv": inventory_import.import_csv, "nmap": inventory_import.import_nmap}[
        source
    ]
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise Refusal(_("%(file)s cannot be read: %(why)s") % {"file": file, "why": error.strerror}) from None
    return read(inventory_import.decoded(raw), str(file))


def run(options: argparse.Namespace) -> int:
    from collectors import inventory

    progress = Progress(options.quiet)
    try:
        if options.action == "check":
            listed = inventory.load(options.file)
            count = len(listed.targets)
            progress.say(plural("%d machine, no mistakes", "%d machines, no mistakes", count) % count)
            return PASSED
        listed = _imported(options.source, options.file)
    except inventory.InventoryError as error:
        count = len(error.problems)
        raise Refusal("\n".join([plural("%d mistake:", "%d mistakes:", count) % count, *error.problems])) from None
    body = inventory.to_yaml(listed)
    if options.output is None:
        print(body, end="")
    else:
        try:
            files.write(options.output, body.encode())
        except OSError as error:
            raise Refusal(_("%(file)s cannot be written: %(why)s") % {"file": options.output, "why": error.strerror}) from None
    for note in listed.notes:
        progress.say(note)
    return PASSED
