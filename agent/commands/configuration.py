"""`rasoat configuration`: copies of device configurations that restore a device, encrypted; make them, list them, open them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agent import errors, files, full_copies
from agent.arguments import Actions
from agent.errors import Refusal
from agent.language import _, plural
from agent.terminal import Progress, clean, complain


def options(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser)
    key = actions.add("key", _("make a key pair: the private key into a file, the public one is printed"))
    key.add_argument("file", metavar="FILE", type=Path)
    backup = actions.add("backup", _("copy the whole configuration of devices now, such as before a change"))
    backup.add_argument("--inventory", metavar="FILE", type=Path, required=True, help=_("file that lists the devices"))
    backup.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        default=[],
        help=_("of the inventory, only this machine or label (may be repeated)"),
    )
    backup.add_argument("--to", metavar="DIR", type=Path, required=True, help=_("folder of the copies"))
    backup.add_argument(
        "--recipient",
        metavar="KEY",
        action="append",
        required=True,
        help=_("public key (age1...) or a file of such keys to encrypt to (may be repeated)"),
    )
    backup.add_argument("--parallel", metavar="N", type=int, default=8, help=_("how many machines at a time (default: 8)"))
    listed = actions.add("list", _("list the copies in a folder"))
    listed.add_argument("folder", metavar="DIR", type=Path)
    opening = actions.add("open", _("decrypt a copy for a restore"))
    opening.add_argument("file", metavar="FILE", type=Path)
    opening.add_argument("--key", metavar="FILE", type=Path, required=True, help=_("file of the private key"))
    opening.add_argument(
        "--output", metavar="FILE", type=Path, help=_("write it to a file, readable by you only (default: print it)")
    )
    opening.add_argument(
        "--snapshot", metavar="FILE", type=Path, help=_("check it against a signed snapshot, as the collector hands it out")
    )


def run(options: argparse.Namespace) -> int:
    progress = Progress(options.quiet, options.verbose)
    if options.action == "key":
        public = full_copies.new_key(options.file)
        progress.say(
            _("The private key is in %s: keep it away from the station, and a copy of it in a safe place.") % options.file
        )
        print(public)
        return errors.PASSED
    if options.action == "backup":
        return _backup(options, progress)
    if options.action == "list":
        for copy in full_copies.copies(options.folder):
            print(f"{copy.when:%Y-%m-%d %H:%M:%S}Z  {clean(copy.target)}  {copy.path}")
        return errors.PASSED
    return _open(options, progress)


def _backup(options: argparse.Namespace, progress: Progress) -> int:
    """Exit code 0 only when every device that was meant has a copy now: a change may rest on it."""
    from agent.looking import quieten
    from agent.sweeping import reachable_from_here
    from agent.vault import Secrets
    from collectors import inventory
    from collectors.run import sweep

    if not 1 <= options.parallel <= 256:
        raise Refusal(_("--parallel is a number from 1 to 256."))
    copies = full_copies.FullCopies(options.to.absolute(), full_copies.Seal(_recipients(options.recipient)))
    try:
        listed = inventory.load(options.inventory)
        targets = listed.select(options.only)
    except inventory.InventoryError as error:
        raise Refusal(_("the inventory has mistakes; repair them first:") + f"\n{error}") from None
    reachable_from_here(targets)
    quieten(options.verbose)
    done = 0
    missed = 0
    listed = listed.opened_by(Secrets())._replace(full_text=copies)
    for snapshot in sweep(listed, targets, options.parallel, only=("configuration",)):
        done += 1
        name = snapshot.target.name
        progress.step(done, len(targets), name)
        path = copies.kept.get(name)
        progress.clear()
        if path is not None:
            print(path)
            if name in copies.lossy:
                complain(_("%s: some letters of its configuration are no UTF-8 and are not in the copy as they were.") % name)
            if name in copies.masked:
                complain(
                    _("%s: the device shows asterisks in place of some passwords or keys; after a restore type those anew.")
                    % name
                )
            continue
        missed += 1
        record = snapshot.by_fact.get("configuration")
        why = copies.trouble.get(name) or (record.reason if record else _("it has no configuration that rasoat can read"))
        complain(_("%(name)s was not copied: %(why)s") % {"name": name, "why": clean(why)})
    if missed:
        complain(plural("%d device was not copied.", "%d devices were not copied.", missed) % missed)
        return errors.UNKNOWN
    return errors.PASSED


def _recipients(given: list[str]) -> list[str]:
    found: list[str] = []
    for word in given:
        file = Path(word)
        if word.startswith("age1") or not file.is_file():
            found.append(word)
            continue
        try:
            found += full_copies.recipients_in(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise Refusal(
                _("%(file)s cannot be read: %(why)s") % {"file": file, "why": getattr(error, "strerror", None) or error}
            ) from None
    return found


def _open(options: argparse.Namespace, progress: Progress) -> int:
    text = full_copies.opened(options.file, options.key)
    if options.snapshot is not None:
        _check(text, options.snapshot)
        progress.say(_("It is what the device said when that snapshot was made."))
    if options.output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
        return errors.PASSED
    try:
        files.write(options.output, text)
    except OSError as error:
        raise Refusal(_("%(file)s cannot be written: %(why)s") % {"file": options.output, "why": error.strerror}) from None
    progress.say(_("The configuration, with every password in it, is in %s. Remove it after the restore.") % options.output)
    return errors.PASSED


def _check(text: bytes, file: Path) -> None:
    """Raises Refusal unless the snapshot names this very text as one of its sources."""
    import hashlib

    from collectors.model import Snapshot
    from collectors.seal import SealError, unseal

    try:
        snapshot = Snapshot.from_bytes(unseal(file.read_bytes()).snapshot)
    except (OSError, SealError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise Refusal(_("%(file)s cannot be read: %(why)s") % {"file": file, "why": why}) from None
    digest = hashlib.sha256(text).hexdigest()
    if not any(source.sha256 == digest for record in snapshot.records for source in record.sources):
        raise Refusal(_("the copy is not what the device said when snapshot %s was made.") % snapshot.id)
