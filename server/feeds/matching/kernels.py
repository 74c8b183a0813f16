"""Of kernels only the running one decides: several are installed side by side, and one that is mended helps once it is started."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from server.feeds.codes import FIXED
from server.feeds.matching.host import Host, Package
from server.feeds.matching.outcome import Found, Left
from server.feeds.matching.said import FIX, Verdict
from server.feeds.matching.versions import Key, NoRule, Rule

_DEB_IMAGE = re.compile(r"linux-image-(?:unsigned-)?\d+\.\d+\S*(?<!-dbg)(?<!-dbgsym)")
_DEB_KIN = re.compile(
    r"linux-(?:\S+-)?(?:headers|modules|kbuild|compiler|support|buildinfo|tools|source|config|doc|libc-dev)\b.*"
)
_DEB_SIGNED = re.compile(r"linux-signed(?P<flavour>-(?!amd64$|arm64$|i386$).+)?(?:-amd64|-arm64|-i386)?")
_RPM_IMAGE = re.compile(r"kernel(?:-uek|-rt|-64k|-debug)?(?:-core)?")
_RPM_SOURCE = re.compile(r"kernel(?:-rt|-uek|-64k)?")

RUNNING, NEWEST = "running-kernel", "newest-kernel"


def deb_source(package: Package) -> str:
    """The source that data are kept by: signed images are made from another one, whose number is none of the kernel's."""
    found = _DEB_SIGNED.fullmatch(package.source)
    return f"linux{found['flavour'] or ''}" if found else package.source


def is_deb_image(package: Package) -> bool:
    """A kernel that can be started."""
    return _DEB_IMAGE.fullmatch(package.name) is not None


def is_deb_kin(package: Package) -> bool:
    """Made from a kernel's source, the kernel itself among it: headers, modules, perf. The kernel that runs decides."""
    source = deb_source(package)
    return source == "linux" or (
        source.startswith("linux-") and (is_deb_image(package) or bool(_DEB_KIN.fullmatch(package.name)))
    )


def is_rpm_image(package: Package) -> bool:
    """A kernel that can be started; on RHEL 8 and later the package `kernel` beside it is empty."""
    return _RPM_IMAGE.fullmatch(package.name) is not None


def is_rpm_kin(package: Package) -> bool:
    """Made from a kernel's source: the kernel beside them decides."""
    return _RPM_SOURCE.fullmatch(package.source) is not None


def imageless(names: Iterable[str], kin: Iterable[Package]) -> list[Left]:
    """What is made from a kernel's source is installed, and no kernel is: the one that runs is of no package, or its host's.

    `names`: what data of each are kept by. One of each is enough.
    """
    first: dict[str, Package] = {}
    for name, package in zip(names, kin, strict=True):
        first.setdefault(name, package)
    return [Left(name, package.version, "kernel-not-packaged", package.name) for name, package in first.items()]


def matched(host: Host, name: str, versions: Iterable[str], judge: Callable[[Key], Iterable[Verdict]], rule: Rule) -> Found:
    """The vulnerabilities of the running kernel; of the newest installed one where it was not seen which one runs.

    `name`: what data are kept by. `versions`: of its installed images. `judge`: what follows for one of them.
    """
    left: list[Left] = []
    installed = {}
    for version in sorted(set(versions)):
        try:
            installed[version] = rule(version)
        except NoRule as error:
            left.append(Left(name, version, "no-rule", str(error)))
    if not installed:
        return [], left
    newest = max(installed, key=lambda version: installed[version])
    runs = host.running_kernel
    if runs is None:
        # what runs may be older than all that is installed
        left.append(Left(name, newest, "kernel-not-seen", host.why("updates.running_kernel") or host.why("updates")))
    elif runs not in installed:
        return [], [*left, Left(name, runs, "kernel-not-packaged", "")]
    decided_by, decides = (NEWEST, newest) if runs is None else (RUNNING, runs)
    notes = ("livepatched",) if host.livepatched else ()
    found = []
    for verdict in judge(installed[decides]):
        waits = verdict.answer == FIX and verdict.said.state == FIXED and installed[newest] >= rule(verdict.said.fixed)
        found.append(verdict.match(name, decides, decided_by, *(("restart",) if waits else ()), *notes))
    return found, left
