"""Which updates a Windows machine lacks.

Two witnesses, and neither alone can say "nothing is missing". Windows Update (WUA) lists what it knows to be missing, and
behind WSUS it knows only what the WSUS administrator approved: 0 may mean "nothing approved". The build's UBR against the
table of builds tells whether the newest cumulative update that table knows is installed, and nothing about .NET or Office.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Final, NamedTuple

from collectors.errors import CollectError, Denied, Unparsable, Unreachable, Unsupported
from collectors.facts.base import Gaps, once
from collectors.facts.updates import PendingUpdate, Updates
from collectors.redact import redact
from collectors.transports.base import Shell
from collectors.windows.document import Document, Section, document
from collectors.windows.registry import POLICIES, Registry, filetime
from collectors.windows.release import Release, release

_WU: Final = rf"{POLICIES}\Windows\WindowsUpdate"
_OWN: Final = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update"
_CBS: Final = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing"

SECURITY: Final = frozenset({"0fa1201d-4330-4fa8-8ae9-b877473b6441", "e6cf1350-c01b-414d-a61f-263d14d133b4"})
"""Categories "Security Updates" and "Critical Updates"."""
DEFINITIONS: Final = "e0789628-ce08-4437-be74-2495b842f43b"
"""Signatures of Defender: several a day, and the antivirus fact's business."""

_INSTALLED, _PERMANENT, _WAITING = 112, 128, 96
_ROLLUP = re.compile(r"Package_for_RollupFix~[0-9a-f]+~\w+~~(\d+)\.(\d+)\.\d+\.\d+")
_MICROSOFT = "microsoft"

_WUA_ERRORS = {
    "8024402c": (Unreachable, "the update server's name could not be resolved"),
    "80072ee2": (Unreachable, "the update server did not answer in time"),
    "80072efd": (Unreachable, "the update server could not be reached"),
    "80240438": (Unsupported, "no update server is within reach of this machine"),
    "8024500c": (Denied, "policy forbids asking Windows Update"),
    "8024002e": (Denied, "policy forbids asking Windows Update"),
    "8024001e": (Unreachable, "the Windows Update service was stopping"),
    "80070422": (Unsupported, "the Windows Update service is disabled"),
}


class _Missing(NamedTuple):
    """One update that Windows Update knows to be missing."""

    row: PendingUpdate
    hidden: bool


class _Known(NamedTuple):
    """What Windows Update knows; hidden updates apart, because nobody installs those."""

    rows: tuple[_Missing, ...]
    searched: datetime | None


def updates(shell: Shell) -> Updates:
    answers = document(shell)
    registry = Registry(answers)
    found = release(registry)
    gaps = Gaps()
    known = once(lambda: _known(answers))
    server = gaps.attempt("update_server", lambda: _server(registry))
    doubt = once(lambda: _doubt(registry, server))
    packages = once(lambda: _rollups(answers))
    pending = gaps.attempt(("pending", "pending_count"), lambda: _pending(known(), found, doubt()))
    security = gaps.attempt(("security_count", "held_security_count"), lambda: _security(known, found, doubt()))
    dated = gaps.attempt("lists_dated", lambda: _dated(known, found, server if not doubt() else None))
    gaps.note("installed_count", "unsupported", "Windows does not count its packages in one place")
    gaps.note("lists_valid_until", "unsupported", "Microsoft sets no date until which its lists are valid")
    gaps.note("pins", "unsupported", "pins are apt's")
    gaps.note("livepatched", "unsupported", "whether a hotpatch is in force is not told by the registry")
    gaps.note("sources", "unsupported", "Windows has no package sources; see update_server")
    gaps.note("point_release_behind", "unsupported", "only Debian has point releases of this kind")
    support = found.support
    if support is None or support.ends is None:
        gaps.note("support_ends", "unsupported", f"how long {found.name} is supported is not in the table of builds")
    if support is None or support.extended is None:
        gaps.note("extended_support_ends", "unsupported", "no extended support of this release is known")
    if found.ubr is None:
        gaps.note("running_kernel", "unsupported", "this release has no UBR that counts its updates")
    return Updates(
        manager="windows-update",
        installed_count=None,
        pending=pending,
        pending_count=None if pending is None else len(pending),
        security_count=None if security is None else len(security),
        held_security_count=None if security is None else sum(row.held for row in security),
        held=gaps.attempt("held", lambda: tuple(sorted(one.row.name for one in known().rows if one.hidden))),
        security_source=gaps.attempt("security_source", lambda: _source(registry, answers)),
        lists_dated=dated,
        refreshed_at=gaps.attempt("refreshed_at", lambda: _searched(known())),
        last_installed_at=gaps.attempt("last_installed_at", lambda: _last(packages())),
        support_ends=support.ends if support else None,
        extended_support_ends=support.extended if support else None,
        running_kernel=None if found.ubr is None else f"{found.build}.{found.ubr}",
        newest_kernel=gaps.attempt("newest_kernel", lambda: _newest(packages(), found)),
        reboot_required=gaps.attempt("reboot_required", lambda: _reboot(registry, packages)),
        automatic=gaps.attempt("automatic", lambda: _automatic(registry, answers, found)),
        update_server=server,
        unseen=gaps.unseen,
    )


# --- Windows Update -----------------------------------------------------------------------------------------------------


def _known(answers: Document) -> _Known:
    try:
        section = answers.section("wua")
    except Unparsable as error:
        for number, (kind, words) in _WUA_ERRORS.items():
            if f"0x{number}" in str(error).lower():
                raise kind(f"Windows Update: {words} (0x{number})") from None
        raise
    code = section.number("result_code")
    if code != 2:
        raise Unparsable(f"Windows Update: the search ended with result {code}, so what it lists may not be all")
    rows = section.rows()
    if len(rows) >= 500:
        raise Unparsable("Windows Update lists 500 updates or more: not all were asked for")
    missing = tuple(_missing(row) for row in rows if DEFINITIONS not in _categories(row))
    searched = section.date("last_search")
    if not missing and searched is None:
        raise Unsupported("Windows Update has never finished a search on this machine: that it names nothing says nothing")
    return _Known(missing, searched)


def _categories(row: Section) -> frozenset[str]:
    return frozenset(text.lower() for text in row.texts("categories"))


def _missing(row: Section) -> _Missing:
    title = redact(row.text("title") or "")[:300]
    kb = next(iter(row.texts("kb")), "")
    if not title and not kb:
        raise Unparsable("Windows Update names an update neither by title nor by number")
    hidden = row.yes("hidden")
    if hidden is None:
        raise Unparsable("Windows Update does not say whether an update is hidden")
    severity = row.text("severity")
    return _Missing(
        PendingUpdate(
            name=f"KB{kb}" if kb else title,
            installed="",
            candidate=title,
            security=bool(_categories(row) & SECURITY) or severity is not None or bool(row.texts("cve")),
            held=hidden,
            advisory=next(iter(row.texts("cve")), None),
            severity=severity,
        ),
        hidden,
    )


def _searched(known: _Known) -> datetime:
    if known.searched is None:
        raise Unsupported("Windows Update has never finished a search on this machine")
    return known.searched


# --- both witnesses -------------------------------------------------------------------------------------------------------


def _behind(found: Release) -> PendingUpdate | None:
    """The cumulative update this machine lacks by the table of builds. None: it lacks none that the table knows, or the table knows none."""
    newest = found.known.newest if found.known else None
    if newest is None or found.ubr is None or found.ubr >= newest.ubr:
        return None
    return PendingUpdate(
        name=newest.kb, installed=f"{found.build}.{found.ubr}", candidate=f"{found.build}.{newest.ubr}", security=True, held=False
    )


def _confirmed(found: Release) -> bool:
    """The table knows this build's newest update, and it is installed."""
    return bool(found.known and found.known.newest and found.ubr is not None and _behind(found) is None)


def _pending(known: _Known, found: Release, doubt: str) -> tuple[PendingUpdate, ...]:
    behind = _behind(found)
    rows = [one.row for one in known.rows]
    # a later cumulative update brings what an earlier one lacks: WUA then offers that one instead
    if behind and not any(re.search(rf"\({found.build}\.\d+\)", row.candidate) or row.name == behind.name for row in rows):
        rows.append(behind)
    if not rows:
        _vouched(doubt, found)
    return tuple(sorted(rows, key=lambda row: (row.name, row.candidate)))


def _doubt(registry: Registry, server: str | None) -> str:
    """Why Windows Update may know of an update and not name it; empty where nothing of the kind is set."""
    if server is None:
        return "where updates come from was not seen"
    if server != _MICROSOFT:
        return f"updates come from {server}, and a WSUS server offers only what its administrator approved"
    if registry.dword(_WU, "DeferQualityUpdatesPeriodInDays") or registry.text(_WU, "PauseQualityUpdatesStartTime"):
        return "policy defers or pauses updates, and Windows Update does not name what it defers"
    return ""


def _vouched(doubt: str, found: Release) -> None:
    """Raises Unsupported where "none" of Windows Update is doubtful and the table of builds cannot confirm it."""
    if doubt and not _confirmed(found):
        raise Unsupported(f"Windows Update names none, but {doubt}; the table of builds cannot confirm it")


def _security(known: Callable[[], _Known], found: Release, doubt: str) -> tuple[PendingUpdate, ...]:
    """A hole that either witness names counts, whatever became of the other."""
    behind = _behind(found)
    try:
        rows = tuple(row for row in _pending(known(), found, doubt) if row.security)
    except CollectError:
        if behind is None:
            raise
        return (behind,)
    if not rows:
        _vouched(doubt, found)
    return rows


def _dated(known: Callable[[], _Known], found: Release, server: str | None) -> datetime:
    if server == _MICROSOFT:
        return _searched(known())
    newest = found.known.newest if found.known else None
    if newest is None:
        raise Unsupported(
            "how old the lists behind this answer are cannot be seen from here, and the table knows no update of this build"
        )
    return datetime.combine(newest.date, time(), UTC)


# --- where updates come from ------------------------------------------------------------------------------------------------


def _server(registry: Registry) -> str:
    if registry.dword(rf"{_WU}\AU", "UseWUServer") == 1:
        address = registry.text(_WU, "WUServer")
        if address is None:
            raise Unsupported("policy says to use a WSUS server and names none")
        return redact(address)
    return _MICROSOFT


def _service_disabled(answers: Document) -> bool:
    modes = {(row.text("Name") or "").lower(): row.text("StartMode") for row in answers.section("services").rows()}
    if "wuauserv" not in modes:
        raise Unparsable("services: wuauserv, which every Windows has, is not listed")
    return modes["wuauserv"] == "Disabled"


def _source(registry: Registry, answers: Document) -> bool:
    """Something answers when this machine asks for updates: the service may run, and a server is allowed."""
    if _service_disabled(answers) or registry.dword(_WU, "DisableWindowsUpdateAccess") == 1:
        return False
    if registry.dword(rf"{_WU}\AU", "UseWUServer") == 1:
        return registry.text(_WU, "WUServer") is not None
    return registry.dword(_WU, "DoNotConnectToWindowsUpdateInternetLocations") != 1


def _automatic(registry: Registry, answers: Document, found: Release) -> bool:
    """Updates install themselves: AUOptions 4. Without a policy clients since Windows 10 do, servers only download."""
    if not _source(registry, answers) or registry.dword(rf"{_WU}\AU", "NoAutoUpdate") == 1:
        return False
    option = registry.first("AUOptions", rf"{_WU}\AU", _OWN)
    if option is not None:
        return option == 4
    if found.build < 10240:
        raise Unsupported("neither policy nor the control panel says whether updates install themselves")
    return not found.server


# --- servicing packages -------------------------------------------------------------------------------------------------------


class _Rollup(NamedTuple):
    build: int
    ubr: int
    state: int
    at: datetime | None


def _rollups(answers: Document) -> tuple[_Rollup, ...]:
    found = []
    for row in answers.section("packages").rows():
        name = _ROLLUP.fullmatch(row.text("name") or "")
        if not name:
            continue
        state, high, low = row.number("state"), row.number("high"), row.number("low")
        if state is None:
            raise Unparsable(f"servicing package {name[0][:80]} has no state")
        at = None if high is None or low is None else filetime((high & 0xFFFFFFFF) << 32 | low & 0xFFFFFFFF)
        found.append(_Rollup(int(name[1]), int(name[2]), state, at))
    if not found:
        raise Unsupported("no cumulative update stands among the servicing packages (Server 2012 R2 has another kind)")
    return tuple(found)


def _last(rollups: tuple[_Rollup, ...]) -> datetime:
    dates = [one.at for one in rollups if one.state in (_INSTALLED, _PERMANENT) and one.at is not None]
    if not dates:
        raise Unsupported("no cumulative update is installed whose date is kept")
    return max(dates)


def _newest(rollups: tuple[_Rollup, ...], found: Release) -> str:
    """Builds that an enablement package made (19045 from 19041, 22631 from 22621) keep the packages of the older number."""
    there = [(one.build, one.ubr) for one in rollups if one.state in (_INSTALLED, _PERMANENT, _WAITING)]
    if not there:
        raise Unsupported("no cumulative update is installed or waiting")
    _, ubr = max(there)
    return f"{found.build}.{ubr}"


def _reboot(registry: Registry, packages: Callable[[], tuple[_Rollup, ...]]) -> bool:
    """A key that says so, or a package that waits. Renames that wait are not counted: nearly every installer leaves some."""
    if registry.exists(rf"{_CBS}\RebootPending") or registry.exists(rf"{_OWN}\RebootRequired"):
        return True
    try:
        return any(one.state == _WAITING for one in packages())
    except Unsupported:
        return False  # no such packages: the keys alone tell
