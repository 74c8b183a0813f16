"""Look at this machine, or at one unpacked in a folder, and find out what kind it is."""

from __future__ import annotations

import socket
from pathlib import Path

from agent import here
from agent.errors import Refusal
from agent.language import _
from agent.terminal import Progress
from collectors.catalog import CATALOG
from collectors.errors import CollectError
from collectors.facts.identity import Identity
from collectors.model import Kind, Snapshot, Target
from collectors.run import collect
from collectors.transports.base import Shell
from collectors.transports.local import RootShell


def quieten(verbose: bool) -> None:
    """Keep tracebacks of a collector's bug off the screen: the report says `bug` and why; --verbose shows them."""
    import logging

    logging.getLogger("collectors").setLevel(logging.NOTSET if verbose else logging.CRITICAL + 1)


def look(root: Path | None, kind: str | None, progress: Progress, name: str | None = None) -> Snapshot:
    """The snapshot of this machine, or of the system unpacked under `root`. Raises Refusal when there is no such folder."""
    try:
        shell: Shell = here.own_shell() if root is None else RootShell(str(root))
        # asked of the shell: Path.is_dir takes "may not be seen" for "is not there" from Python 3.14 on
        etc = None if root is None else shell.stat("/etc")
    except CollectError as error:
        raise Refusal(_("%s. Give the folder that holds the system's etc, usr and var.") % error) from None
    if root is not None and not (etc and etc.directory):
        raise Refusal(_("%s holds no etc folder, so it is not the root of a Linux system.") % root)
    name = name or socket.gethostname() if root is None else root.resolve().name or "root"
    quieten(progress.verbose)
    target = Target(
        name=name or "localhost", via="local" if root is None else "root", address=None if root is None else str(root)
    )
    facts = list(dict.fromkeys(fact for fact, _platforms, _function in CATALOG))
    if not progress.live:
        progress.say(_("Looking at %s ...") % target.name)
    snapshot = collect(target, shell, progress=lambda fact: progress.step(facts.index(fact), len(facts), fact))
    progress.clear()
    return of_kind(snapshot, Kind(kind) if kind else guessed(snapshot))


def guessed(snapshot: Snapshot) -> Kind:
    """A workstation when a graphical log-on is installed; a server otherwise."""
    identity = snapshot.told(Identity)
    return Kind.WORKSTATION if identity is not None and identity.desktop else Kind.SERVER


def of_kind(snapshot: Snapshot, kind: Kind) -> Snapshot:
    """The same facts, of an asset that is this kind."""
    return snapshot.model_copy(update={"target": snapshot.target.model_copy(update={"kind": kind})})
