"""`rasoat case`: redacted recordings of real machines and network devices, ready for tests/cases/ and tests/devices/."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.arguments import Actions
from agent.errors import PASSED, Refusal
from agent.language import _
from agent.terminal import Progress

_SPECIAL = re.compile(r"^[a-z0-9]+([.-][a-z0-9]+)*$")
_NAME = re.compile(r"^[a-z]+[0-9.]*--[a-z0-9]+(-[a-z0-9]+)*$")


def options(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser)
    record = actions.add("record", _("record what this machine answers about one fact, without its secrets"))
    record.add_argument("fact", metavar="FACT", help=_("name of the fact, such as accounts"))
    record.add_argument("name", metavar="NAME", help=_("platform and what is special, such as debian12--no-audit-daemon"))
    record.add_argument(
        "--folder", metavar="DIR", type=Path, default=Path("tests/cases"), help=_("where cases lie (default: tests/cases)")
    )
    record.add_argument("--note", metavar="TEXT", default="", help=_("a sentence about the machine, kept in the case"))
    record.set_defaults(action_run=_host)
    device = actions.add("device", _("record what a network device answers to every question, without its secrets"))
    device.add_argument("target", metavar="TARGET", help=_("its name in the targets file"))
    device.add_argument("name", metavar="NAME", help=_("what is special about it, such as switch-hardened"))
    device.add_argument("--inventory", metavar="FILE", type=Path, required=True, help=_("the targets file"))
    device.add_argument(
        "--folder",
        metavar="DIR",
        type=Path,
        default=Path("tests/devices"),
        help=_("where recorded devices lie (default: tests/devices)"),
    )
    device.add_argument("--note", metavar="TEXT", default="", help=_("a sentence about the device, kept in the recording"))
    device.set_defaults(action_run=_device)


def run(options: argparse.Namespace) -> int:
    code: int = options.action_run(options)
    return code


def _device(options: argparse.Namespace) -> int:
    from agent.sweeping import reachable_from_here
    from agent.vault import Secrets
    from collectors import inventory
    from collectors.catalog import device_os
    from collectors.devices.witness import DeviceRecorder
    from collectors.errors import CollectError
    from collectors.model import Platform
    from collectors.run import collect, open_shell
    from collectors.transports.base import DeviceCli

    if not _SPECIAL.match(options.name):
        raise Refusal(_("%s is no name of a recording. Write what is special, such as switch-hardened") % options.name)
    try:
        listed = inventory.load(options.inventory)
        (target,) = listed.select([options.target])
    except inventory.InventoryError as error:
        raise Refusal(_("the inventory has mistakes; repair them first:") + f"\n{error}") from None
    except ValueError:
        raise Refusal(_("%s is no single target of the file") % options.target) from None
    reachable_from_here((target,))
    try:
        with open_shell(target, listed.opened_by(Secrets())) as shell:
            if not isinstance(shell, DeviceCli):
                raise Refusal(_("%s is no network device; for a host run `rasoat case record` on it") % options.target)
            platform = Platform(shell.platform)
            about = ", ".join(part for part in (f"recorded {datetime.now(UTC):%Y-%m-%d}", options.note) if part)
            recorder = DeviceRecorder(shell, device_os(platform), about)
            snapshot = collect(target, recorder)
    except CollectError as error:
        raise Refusal(f"{options.target}: {error}") from None
    folder = options.folder / f"{platform}--{options.name}"
    _keep(folder, recorder.transcript())
    for record in snapshot.records:
        print(f"{record.fact}: {record.outcome}" + (f": {record.reason}" if record.reason else ""))
    Progress(options.quiet).say(
        _(
            "Recorded in %s. Read it through for what may not leave this network. Then put invented secrets in place of (redacted), list them under must_not_survive, and run: pytest tests/test_devices.py --update"
        )
        % folder
    )
    return PASSED


def _keep(folder: Path, transcript: dict[str, Any]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=False)
        (folder / "transcript.yaml").write_text(_dump(transcript), "utf-8")
    except FileExistsError:
        raise Refusal(_("%s is there already. Choose another name, or remove it first.") % folder) from None
    except OSError as error:
        raise Refusal(_("%(file)s cannot be written: %(why)s") % {"file": folder, "why": error.strerror}) from None


def _host(options: argparse.Namespace) -> int:
    from collectors.catalog import questions
    from collectors.errors import CollectError
    from collectors.run import collect
    from collectors.transports.local import LocalShell
    from collectors.transports.replay import Recorder
    from collectors.transports.witness import Witness

    if not _NAME.match(options.name):
        raise Refusal(
            _("%s is no name of a case. Write the platform, two hyphens and what is special: debian12--no-audit-daemon")
            % options.name
        )
    platform, system = _platform(collect)
    known = dict(questions(platform))
    if options.fact not in known:
        raise Refusal(
            _("%(fact)s is no fact this machine can be asked. There are: %(known)s")
            % {"fact": options.fact, "known": ", ".join(known)}
        )
    folder = options.folder / options.fact / options.name
    about = ", ".join(part for part in (system, f"recorded {datetime.now(UTC):%Y-%m-%d}", options.note) if part)
    recorder = Recorder(LocalShell(), about)
    try:
        ended = known[options.fact](Witness(recorder)).model_dump_json(indent=1)
    except CollectError as error:
        ended = f"{error.outcome}: {error}"
    _keep(folder, recorder.transcript())
    print(ended)
    Progress(options.quiet).say(
        _("Recorded in %s. Read it through for what may not leave this machine, then run: pytest tests/test_cases.py --update")
        % folder
    )
    return PASSED


def _platform(collect: Any) -> tuple[Any, str]:
    """(platform, name of the system), asked outside the recording."""
    from collectors.facts.identity import Identity
    from collectors.model import Target
    from collectors.transports.local import LocalShell

    snapshot = collect(Target(name="localhost"), LocalShell(), only=("identity",))
    identity = snapshot.told(Identity)
    return snapshot.target.platform, identity.os_name if identity else ""


def _dump(transcript: dict[str, Any]) -> str:
    import yaml

    class Block(yaml.SafeDumper):
        """Texts of several lines as blocks, so that a reviewer can read them."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Block.add_representer(str, text)
    Block.add_multi_representer(dict, lambda dumper, value: dumper.represent_dict(dict(value)))
    return yaml.dump(transcript, Dumper=Block, allow_unicode=True, sort_keys=False, width=10_000)
