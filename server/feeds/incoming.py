"""A bundle comes in: it is believed or refused as a whole, its files are copied here, and a job puts them in force one by one."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from server.background.models import Job
from server.database import alone
from server.feeds.bundle import check
from server.feeds.models import Trusted
from server.feeds.store import File, Refused, sha256
from server.journal import models as journal

FORGOTTEN: Final = 2 * 86_400
"""Seconds after which copies that no job names are of an import that was killed."""


def folder() -> Path:
    """Where copies wait for their job."""
    found = Path(settings.DATA.root) / "feeds"
    found.mkdir(mode=0o700, exist_ok=True)
    return found


def bring(path: Path, pinned: str, by: str) -> Job:
    """The job that will put the bundle's files in force. Raises Refused: nothing is kept of such a bundle."""
    place = Path(tempfile.mkdtemp(dir=folder()))
    try:
        trusted = {one.role: bytes(one.signed) for one in Trusted.objects.all()}
        with check.opened(path, trusted, pinned or settings.CONFIG.feed_root) as bundle:
            files = [*bundle.files(place)]
            with transaction.atomic():
                _believe(bundle)
                journal.write("feed.bundle", by, subject=path.name, bundle=bundle.version, files=len(files))
                return _asked(place, files, by)
    except BaseException as error:
        shutil.rmtree(place, ignore_errors=True)
        _placed(error, place)
        if isinstance(error, Refused):
            journal.write("feed.refused", by, subject=path.name, reason=error.reason, said=str(error)[:300])
        raise


def bring_list(path: Path, file: File, by: str) -> Job:
    """A list of indicators or a letter's table that came here by itself, not in a bundle."""
    place = Path(tempfile.mkdtemp(dir=folder()))
    try:
        copy = place / path.name
        shutil.copyfile(path, copy)
        with transaction.atomic():
            return _asked(place, [File(**{**_shallow(file), "path": copy, "digest": sha256(copy)})], by)
    except BaseException as error:
        shutil.rmtree(place, ignore_errors=True)
        _placed(error, place)
        raise


def _placed(error: BaseException, place: Path) -> None:
    """A full disk says only that it is full: name the one."""
    if isinstance(error, OSError) and error.filename is None:
        error.filename = str(place)


def _believe(bundle: check.Bundle) -> None:
    """Keep what is not to be undercut from now on. Another import may have believed a newer one meanwhile."""
    alone("feeds.trusted")
    for role, (version, signed) in bundle.trusted.items():
        known = Trusted.objects.filter(role=role).first()
        if known is not None and known.version > version:
            raise Refused("rolled-back", f"{role}: a newer one was believed while this bundle was looked at")
        Trusted.objects.update_or_create(role=role, defaults={"version": version, "signed": signed, "at": timezone.now()})


def _asked(place: Path, files: Iterable[File], by: str) -> Job:
    from server.feeds.tasks import take_files

    told = [{**_shallow(file), "path": file.path.name, "data_date": str(file.data_date)} for file in files]
    return take_files.enqueue(by=by, subject=", ".join(file["feed"] for file in told)[:300], place=place.name, files=told)


def _shallow(file: File) -> dict[str, Any]:
    return asdict(file)


def told(place: str, files: list[dict[str, Any]]) -> list[File]:
    """The files of a job."""
    return [
        File(**{**one, "path": folder() / place / one["path"], "data_date": date.fromisoformat(one["data_date"])})
        for one in files
    ]


def clear(place: str) -> None:
    """The job is done with them."""
    shutil.rmtree(folder() / place, ignore_errors=True)


def forget() -> None:
    """Copies of imports that were killed before they had a job."""
    named = {job.arguments.get("place") for job in Job.objects.filter(name="feeds.import", state__in=(Job.WAITING, Job.RUNNING))}
    for path in folder().iterdir():
        with contextlib.suppress(OSError):
            if path.is_dir() and path.name not in named and time.time() - path.stat().st_mtime > FORGOTTEN:
                shutil.rmtree(path, ignore_errors=True)
