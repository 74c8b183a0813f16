"""The parsers of every command, as the command line builds them, in either language; nothing is run."""

from __future__ import annotations

import argparse
import gettext
import importlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from agent import cli, language
from agent.arguments import Parser, everywhere
from server import cli as server

ROOT = Path(__file__).resolve().parent.parent
CATALOGS = {"agent": "agent/locale/{}/LC_MESSAGES/rasoat.po", "server": "server/locale/{}/LC_MESSAGES/django.po"}


def catalog(of: str, spoken: str) -> gettext.NullTranslations:
    """From the .po, not from what was compiled of it some day: a page made here is the same everywhere."""
    if spoken == "en":
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with (ROOT / CATALOGS[of].format(spoken)).open("rb") as source:
        write_mo(compiled, read_po(source))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@contextmanager
def speaking(spoken: str) -> Iterator[None]:
    """Command lines built inside speak this language."""
    before = language._catalog, server._catalog
    language._catalog, server._catalog = catalog("agent", spoken), catalog("server", spoken)
    try:
        yield
    finally:
        language._catalog, server._catalog = before


def parsers() -> dict[str, argparse.ArgumentParser]:
    """By the word after `rasoat`; what belongs to the collector is under `server`."""
    found: dict[str, argparse.ArgumentParser] = {}
    for word, (where, purpose) in cli.COMMANDS.items():
        if word in cli.OF_THE_SERVER:
            continue
        found[word] = Parser(prog=f"rasoat {word}", description=language._(purpose))
        importlib.import_module(where).options(found[word])
        everywhere(found[word])
    return found | {"server": server._parser()}


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """By name; empty where the parser takes its arguments itself."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}
