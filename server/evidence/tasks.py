"""Bundles made in the background, and old ones removed."""

from __future__ import annotations

import hashlib
import os
import socket
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from baselines.evidence import form
from server.background.declare import Outcome, Work, task
from server.evidence import making, stamping
from server.evidence import scope as scopes
from server.evidence.guard import Secret
from server.evidence.models import Bundle
from server.evidence.zipped import Full
from server.journal import models as journal

KEPT = timedelta(days=30)
"""A bundle is handed over, not kept."""
_CODES: dict[type[Exception], str] = {
    making.NoKeys: "keys",
    scopes.TooMuch: "large",
    scopes.Gone: "gone",
    stamping.NoStamp: "stamp",
    stamping.NoSignature: "pdf",
    Secret: "secret",
    Full: "full",
}
"""What a person has to do something about: wording.py."""


@task("evidence.make", _("Make an evidence bundle"), lock="evidence.make", retries=2)
def make(work: Work, bundle: int) -> Outcome:
    """From the beginning each time: half a bundle is none."""
    held = Bundle.objects.select_related("unit").filter(pk=bundle, state=Bundle.WAITING).first()
    if held is None:
        return None

    def progress(done: int, of: int) -> None:
        work.expect(of)
        work.advance(max(0, done - work.done))

    finish(held, held.path, progress)
    return {"machines": held.machines, "problem": held.problem} if held.ready or held.problem else None


def finish(held: Bundle, path: Path, progress: making.Progress | None = None) -> Bundle:
    """Make it at `path`: whole or not at all, for this account alone. What cannot be made says why and is not tried again."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.part")
    half.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(half, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as out:
            manifest = making.make(held, out, progress)
        digest, size = _sha256(half), half.stat().st_size
        half.replace(path)
    except tuple(_CODES) as error:
        return _ended(held, Bundle.FAILED, f"{_CODES[type(error)]}: {error}")
    finally:
        half.unlink(missing_ok=True)
    held.made_at, held.sha256, held.size, held.place = manifest.made_at, digest, size, socket.gethostname()
    held.machines = manifest.counts.get(form.MACHINES, 0)
    return _ended(held, Bundle.MADE, "")


def _ended(held: Bundle, state: str, problem: str) -> Bundle:
    held.state, held.problem = state, problem[:500]
    with transaction.atomic():
        held.save()
        detail = {"digest": held.sha256, "machines": held.machines, "bundle": str(held.identity)} if held.ready else {"code": held.problem}  # fmt: skip
        action = "evidence.made" if held.ready else "evidence.refused"
        journal.write(action, held.asked_by, unit_path=held.unit.path, subject=held.name, **detail)
    return held


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@task("evidence.prune", _("Remove old evidence bundles"))
def prune(work: Work) -> Outcome:
    """Rows of all; the files that lie on this machine, whichever machine's worker marked their rows."""
    gone = Bundle.objects.filter(state=Bundle.MADE, made_at__lt=timezone.now() - KEPT).update(state=Bundle.REMOVED)
    for held in Bundle.objects.filter(state=Bundle.REMOVED).iterator():
        held.path.unlink(missing_ok=True)
        work.check()
    return {"removed": gone} if gone else None
