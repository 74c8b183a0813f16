"""`rasoat case record`: a redacted test case from a real machine, ready for tests/cases/."""

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

_NAME = re.compile(r"^[a-z]+[0-9.]*--[a-z0-9]+(-[a-z0-9]+)*$")


def options(parser: argparse.ArgumentParser) -> None:
    record = Actions(parser).add("record", _("record what this machine answers about one fact, without its secrets"))
    record.add_argument("fact", metavar="FACT", help=_("name of the fact, such as accounts"))
    record.add_argument("name", metavar="NAME", help=_("platform and what is special, such as debian12--no-audit-daemon"))
    record.add_argument(
        "--folder", metavar="DIR", type=Path, default=Path("tests/cases"), help=_("where cases lie (default: tests/cases)")
    )
    record.add_argument("--note", metavar="TEXT", default="", help=_("a sentence about the machine, kept in the case"))


def run(options: argparse.Namespace) -> int:
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
    try:
        folder.mkdir(parents=True, exist_ok=False)
        (folder / "transcript.yaml").write_text(_dump(recorder.transcript()), "utf-8")
    except FileExistsError:
        raise Refusal(_("%s is there already. Choose another name, or remove it first.") % folder) from None
    except OSError as error:
        raise Refusal(_("%(file)s cannot be written: %(why)s") % {"file": folder, "why": error.strerror}) from None
    print(ended)
    Progress(options.quiet).say(
        _("Recorded in %s. Read it through for what may not leave this machine, then run: pytest tests/test_cases.py --update")
        % folder
    )
    return PASSED


def _platform(collect: Any) -> tuple[Any, str]:
    """(platform, name of the system), asked outside the recording."""
    from agent.report.digest import identity_of
    from collectors.model import Target
    from collectors.transports.local import LocalShell

    snapshot = collect(Target(name="localhost"), LocalShell(), only=("identity",))
    identity = identity_of(snapshot)
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
