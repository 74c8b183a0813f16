"""Which updates are missing, how old is what we know about them, and will they come by themselves?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import ClassVar, Literal

from pydantic import Field

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps, Model, once
from collectors.linux import apt as newer_debs
from collectors.linux import apt_config, apt_lists, apt_sources, dnf_repos, dpkg, kernels, package_sources, rpm, zypper_repos
from collectors.linux import dnf as newer_rpms
from collectors.linux import zypper as suse
from collectors.linux.os_release import os_release
from collectors.linux.support import support
from collectors.transports.base import Shell


class PendingUpdate(Model):
    """One installed package for which the known lists hold something newer."""

    name: str = Field(description="Binary package name; Windows: the KB number, or the update's title where it has none")
    arch: str = Field(default="", description="Architecture as the package manager writes it")
    installed: str = Field(description="Installed version; empty for an update of Windows, which replaces no package of its name")
    candidate: str = Field(description="Newest version in the enabled lists; Windows: the update's title, or build.UBR")
    security: bool | None = Field(
        description="Any version above the installed one stands in a security pocket or a security advisory; None when no security list is known to tell by"
    )
    held: bool = Field(description="Held, locked or excluded: no upgrade will install it")
    phased: bool = Field(default=False, description="Ubuntu rolls it out in phases and this machine may have to wait")
    advisory: str | None = Field(default=None, description="Advisory or CVE id where the lists name one")
    severity: str | None = Field(default=None, description="Vendor's severity where the lists name one")


class PackageSource(Model):
    """One enabled place that packages come from. Of its address only scheme and host are kept: passwords stand in addresses too."""

    name: str = Field(description="apt: suite and components; rpm: id of the repository")
    scheme: str = Field(description="https, http, ftp, file, cdrom, mirror+https ...")
    host: str | None = Field(
        description="Host, of a list of mirrors the one that gives it; None for a folder or a disc, and where a variable decides it"
    )
    signed: bool = Field(
        description="A signature is asked for: False for trusted=yes, allow-insecure, gpgcheck=0 and their like, for this source or for all"
    )


class Updates(Fact):
    """Patch state. `pending` is None unless there was data to compare with: no lists is not "no updates"."""

    NAME: ClassVar[str] = "updates"

    manager: Literal["apt", "dnf", "yum", "zypper", "windows-update"] = Field(description="The package manager asked")
    installed_count: int | None = Field(description="Installed packages")
    pending: tuple[PendingUpdate, ...] | None = Field(
        description="Installed packages with a newer version in the known lists, held ones included"
    )
    pending_count: int | None = Field(description="Length of pending")
    security_count: int | None = Field(
        description="Those of pending with a version above the installed one in a security pocket, held ones included; None when no security list is known"
    )
    held_security_count: int | None = Field(description="Those of security_count that are held and so will never be installed")
    held: tuple[str, ...] | None = Field(
        description="Names of held, locked or excluded packages; a locked patch of zypper's as patch:NAME"
    )
    pins: tuple[str, ...] | None = Field(
        default=None,
        description="apt preferences, 'package: pin: priority'. They are not evaluated: a pin may keep apt from installing what pending counts",
    )
    security_source: bool | None = Field(description="A list of a security pocket (or advisories) is present")
    lists_dated: datetime | None = Field(
        description="Date the vendor put on the security list (on the newest list when there is no security list): age of the data, UTC. Windows: last successful search at Microsoft; behind WSUS the date of the newest build in the bundled table, because how old WSUS's own lists are cannot be seen from here"
    )
    lists_valid_until: datetime | None = Field(
        default=None, description="Valid-Until of the security list, UTC; None where the vendor sets none"
    )
    refreshed_at: datetime | None = Field(
        description="When the lists were last fetched or checked, as nearly as the machine tells, UTC"
    )
    last_installed_at: datetime | None = Field(
        default=None, description="Last time a package was upgraded (rpm: installed or upgraded), UTC"
    )
    support_ends: date | None = Field(
        description="Last day the vendor gives this machine security fixes: the free ones, or those of Ubuntu Pro (ESM) where apt has their lists; None if unknown to the bundled table"
    )
    extended_support_ends: date | None = Field(
        default=None, description="Last day of paid or volunteer extended support (LTS, ESM, ELS)"
    )
    running_kernel: str | None = Field(default=None, description="Package version of the running kernel; Windows: build.UBR")
    newest_kernel: str | None = Field(
        default=None,
        description="Newest installed kernel package version; Windows: build.UBR of the newest rollup, installed or waiting",
    )
    reboot_required: bool | None = Field(
        description="A newer kernel than the running one is installed, or the system says a restart is due; None if neither could be looked at"
    )
    livepatched: bool | None = Field(default=None, description="A live patch is loaded in the running kernel")
    automatic: bool | None = Field(description="Security updates install themselves (unattended-upgrades, dnf-automatic ...)")
    point_release_behind: bool | None = Field(
        default=None, description="Debian: a newer point release than the installed one is in the lists"
    )
    update_server: str | None = Field(
        default=None,
        description="Windows: where updates come from: microsoft, or the address of the WSUS server, which offers only what its administrator approved",
    )
    sources: tuple[PackageSource, ...] | None = Field(
        default=None, description="Linux: enabled package sources as the machine is told them, those of add-on software too"
    )


def apt(shell: Shell) -> Updates:
    """Debian, Ubuntu and their kin: from dpkg's and apt's own files; not one command is run."""
    gaps = Gaps()
    release = once(lambda: os_release(shell))
    packages = once(lambda: dpkg.installed(shell))
    lists = once(lambda: apt_lists.lists(shell, apt_sources.entries(shell), _system(packages)))
    pockets = once(lambda: newer_debs.security_pockets(lists(), release()))
    rows = once(lambda: newer_debs.newer(shell, packages(), lists(), _system(packages)[0]))
    told = once(lambda: kernels.texts(shell))
    known = gaps.attempt("pending[].security", lambda: _security_lists(lists(), pockets())) is not None
    pending = gaps.attempt(("pending", "pending_count"), lambda: _whole(rows(), lists().faults))
    security = gaps.attempt(
        ("security_count", "held_security_count"),
        lambda: [row for row in _whole(rows(), _security_lists(lists(), pockets()).security_faults) if row.security],
    )
    gaps.note("update_server", "unsupported", "only Windows takes all its updates from one server")
    support_ends, extended = _support(gaps, release)
    dated = gaps.attempt(("lists_dated", "lists_valid_until"), lambda: newer_debs.dated(lists(), pockets(), support_ends))
    if dated and dated.valid_until is None:
        gaps.note("lists_valid_until", "unsupported", "the vendor sets no Valid-Until for this list")
    if extended and known and newer_debs.receives_esm(lists(), pockets()):
        support_ends = extended
    return Updates(
        manager="apt",
        installed_count=gaps.attempt("installed_count", lambda: len(packages())),
        pending=None if pending is None else tuple(_row(row, known) for row in pending),
        pending_count=None if pending is None else len(pending),
        security_count=None if security is None else len(security),
        held_security_count=None if security is None else sum(row.held for row in security),
        held=gaps.attempt("held", lambda: tuple(sorted({package.name for package in packages() if package.held}))),
        pins=gaps.attempt("pins", lambda: apt_config.pins(shell)),
        security_source=gaps.attempt("security_source", lambda: bool(pockets())),
        lists_dated=dated and dated.date,
        lists_valid_until=dated and dated.valid_until,
        refreshed_at=gaps.attempt("refreshed_at", lambda: newer_debs.refreshed_at(shell, lists())),
        last_installed_at=gaps.attempt("last_installed_at", lambda: dpkg.last_upgrade(shell)),
        support_ends=support_ends,
        extended_support_ends=extended,
        running_kernel=gaps.attempt("running_kernel", lambda: kernels.debian(told(), packages()).running),
        newest_kernel=gaps.attempt("newest_kernel", lambda: kernels.newest_image(packages())),
        reboot_required=gaps.attempt(
            "reboot_required", lambda: kernels.reboot_asked(shell) or kernels.debian(told(), packages()).newer_waits
        ),
        livepatched=gaps.attempt("livepatched", lambda: kernels.livepatched(shell, told())),
        automatic=gaps.attempt(
            "automatic", lambda: apt_config.automatic(shell, packages(), pockets, release(), kernels.live(told()))
        ),
        point_release_behind=gaps.attempt(
            "point_release_behind", lambda: newer_debs.point_release_behind(shell, lists(), release())
        ),
        sources=gaps.attempt("sources", lambda: _sources(package_sources.apt(shell))),
        unseen=gaps.unseen,
    )


def dnf(shell: Shell) -> Updates:
    """RHEL and its kin 7 to 10, Amazon Linux, Fedora: rpm's database and what dnf (or yum) has fetched, network untouched."""
    gaps = Gaps()
    release = once(lambda: os_release(shell))
    packages = once(lambda: rpm.installed(shell))
    config = once(lambda: dnf_repos.config(shell))
    repos = once(lambda: dnf_repos.fetched(shell, config()))
    patterns = once(lambda: (*config().excludes, *dnf_repos.locks(shell)))
    told = once(lambda: kernels.texts(shell))
    kernel = once(lambda: kernels.redhat(told(), packages()))
    manager = _rpm_manager(release)
    advice = once(lambda: newer_rpms.advisories(shell, manager, repos()))
    known = gaps.attempt(("pending[].security", "pending[].advisory", "pending[].severity"), advice)
    upgrades = once(lambda: newer_rpms.upgrades(shell, manager, repos()))
    rows = once(lambda: _unlocked(shell, release(), newer_rpms.newer(packages(), upgrades(), known or (), patterns())))
    pending = gaps.attempt(("pending", "pending_count"), rows)
    security = gaps.attempt(("security_count", "held_security_count"), lambda: _of_security(rows(), advice()))
    gaps.note("lists_valid_until", "unsupported", "rpm repositories set no date until which they are valid")
    gaps.note("point_release_behind", "unsupported", "only Debian has point releases of this kind")
    gaps.note("pins", "unsupported", "pins are apt's")
    gaps.note("update_server", "unsupported", "only Windows takes all its updates from one server")
    support_ends, extended = _support(gaps, release)
    return Updates(
        manager=manager,
        installed_count=gaps.attempt("installed_count", lambda: len(packages())),
        pending=None if pending is None else tuple(_row(row, known is not None) for row in pending),
        pending_count=None if pending is None else len(pending),
        security_count=None if security is None else len(security),
        held_security_count=None if security is None else sum(row.held for row in security),
        held=gaps.attempt("held", lambda: _held(packages(), patterns())),
        security_source=gaps.attempt("security_source", lambda: bool(dnf_repos.advising(repos()))),
        lists_dated=gaps.attempt("lists_dated", lambda: dnf_repos.published(repos())),
        refreshed_at=gaps.attempt("refreshed_at", lambda: min(row.fetched for row in repos())),
        last_installed_at=gaps.attempt("last_installed_at", lambda: rpm.last_installed(packages())),
        support_ends=support_ends,
        extended_support_ends=extended,
        running_kernel=gaps.attempt("running_kernel", lambda: kernel().running),
        newest_kernel=gaps.attempt("newest_kernel", lambda: kernel().newest),
        reboot_required=gaps.attempt("reboot_required", lambda: kernel().newer_waits),
        livepatched=gaps.attempt(
            "livepatched",
            lambda: kernels.livepatched(shell, told()) or (release()["ID"] == "ol" and kernels.ksplice(shell)),
        ),
        automatic=gaps.attempt(
            "automatic", lambda: dnf_repos.automatic(shell, frozenset(package.nevra.name for package in packages()))
        ),
        sources=gaps.attempt("sources", lambda: _sources(package_sources.dnf(config()))),
        unseen=gaps.unseen,
    )


_ROLLING = ("opensuse-tumbleweed", "opensuse-slowroll", "opensuse-microos")


def zypper(shell: Shell) -> Updates:
    """SLES 12 and later, openSUSE: rpm's database and what zypper has fetched; nothing is refreshed or downloaded."""
    gaps = Gaps()
    release = once(lambda: os_release(shell))
    packages = once(lambda: rpm.installed(shell))
    enabled = once(lambda: zypper_repos.enabled(shell))
    repos = once(lambda: zypper_repos.fetched(shell, tuple(repo.id for repo in enabled())))
    locks = once(lambda: zypper_repos.locks(shell))
    told = once(lambda: kernels.texts(shell))
    kernel = once(lambda: kernels.suse(told(), packages()))
    advising = once(lambda: zypper_repos.advising(_by_patches(release(), repos())))
    advice = once(lambda: _patches(shell, advising()))
    known = gaps.attempt(("pending[].security", "pending[].advisory", "pending[].severity"), advice)
    hidden = once(lambda: suse.locked(shell, repos(), locks()))
    rows = once(lambda: suse.newer(packages(), suse.updates(shell, repos()), hidden(), *(known or ((), ()))))
    pending = gaps.attempt(("pending", "pending_count"), rows)
    security = gaps.attempt(("security_count", "held_security_count"), lambda: _of_security(rows(), advice()))
    gaps.note("lists_valid_until", "unsupported", "rpm repositories set no date until which they are valid")
    gaps.note("point_release_behind", "unsupported", "only Debian has point releases of this kind")
    gaps.note("pins", "unsupported", "pins are apt's")
    gaps.note("update_server", "unsupported", "only Windows takes all its updates from one server")
    support_ends, extended = _support(gaps, release)
    return Updates(
        manager="zypper",
        installed_count=gaps.attempt("installed_count", lambda: len(packages())),
        pending=None if pending is None else tuple(_row(row, known is not None) for row in pending),
        pending_count=None if pending is None else len(pending),
        security_count=None if security is None else len(security),
        held_security_count=None if security is None else sum(row.held for row in security),
        held=gaps.attempt("held", lambda: zypper_repos.held(locks(), (package.nevra.name for package in packages()))),
        security_source=gaps.attempt("security_source", lambda: any(row.advisories for row in _by_patches(release(), repos()))),
        lists_dated=gaps.attempt("lists_dated", lambda: zypper_repos.published(repos())),
        refreshed_at=gaps.attempt("refreshed_at", lambda: zypper_repos.oldest(repos())),
        last_installed_at=gaps.attempt("last_installed_at", lambda: rpm.last_installed(packages())),
        support_ends=support_ends,
        extended_support_ends=extended,
        running_kernel=gaps.attempt("running_kernel", lambda: kernel().running),
        newest_kernel=gaps.attempt("newest_kernel", lambda: kernel().newest),
        reboot_required=gaps.attempt("reboot_required", lambda: kernels.suse_reboot_asked(shell) or kernel().newer_waits),
        livepatched=gaps.attempt("livepatched", lambda: kernels.livepatched(shell, told())),
        automatic=gaps.attempt("automatic", lambda: zypper_repos.automatic(shell)),
        sources=gaps.attempt("sources", lambda: _sources(package_sources.zypper(shell, enabled()))),
        unseen=gaps.unseen,
    )


def unsupported(shell: Shell) -> Updates:
    """A platform whose package manager is not known here. Says which; never "no updates"."""
    release = os_release(shell)
    raise Unsupported(
        f"updates of {release.get('PRETTY_NAME') or release['ID']} cannot be looked at yet: its package manager is not known to rasoat"
    )


def _sources(found: tuple[package_sources.Source, ...]) -> tuple[PackageSource, ...]:
    return tuple(PackageSource.model_validate(source._asdict()) for source in found)


def _system(packages: Callable[[], tuple[dpkg.Package, ...]]) -> tuple[str, ...]:
    try:
        return dpkg.architectures(packages())
    except CollectError:
        return ("",)  # the dates of the lists are worth seeing even when dpkg's own file is damaged


def _security_lists(lists: apt_lists.Lists, pockets: tuple[apt_lists.Release, ...]) -> apt_lists.Lists:
    if not pockets:
        raise Unsupported(
            "apt has no list of a security pocket of this release: which updates mend security holes cannot be told"
        )
    return lists


def _whole(rows: tuple[newer_debs.Newer, ...], faults: tuple[str, ...]) -> tuple[newer_debs.Newer, ...]:
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        found = f"the other lists alone hold {len(rows)} updates, {sum(row.security for row in rows)} of them for security"
        raise Unparsable(f"{faults[0]}{more}; {found}")
    return rows


def _rpm_manager(release: Callable[[], Mapping[str, str]]) -> Literal["dnf", "yum"]:
    try:
        words = release()
    except CollectError:
        return "dnf"
    old = words.get("VERSION_ID", "").partition(".")[0] == "7" or (words["ID"], words.get("VERSION_ID")) == ("amzn", "2")
    return "yum" if old else "dnf"


def _unlocked(shell: Shell, release: Mapping[str, str], rows: tuple[newer_rpms.Newer, ...]) -> tuple[newer_rpms.Newer, ...]:
    if dnf_repos.locked_release(shell, release):
        raise Unsupported(
            f"Amazon Linux 2023 holds its repositories at the installed release: what later releases mend is not seen; "
            f"{len(rows)} updates wait within this release"
        )
    return rows


def _by_patches(release: Mapping[str, str], repos: tuple[dnf_repos.Fetched, ...]) -> tuple[dnf_repos.Fetched, ...]:
    if release["ID"] in _ROLLING:
        raise Unsupported("this release mends security holes by whole snapshots, not by patches: which updates do cannot be told")
    return repos


def _patches(shell: Shell, advising: tuple[dnf_repos.Fetched, ...]) -> tuple[tuple[suse.Patch, ...], tuple[suse.Mended, ...]]:
    wanted = suse.patches(shell, advising)
    return wanted, suse.mended(shell, wanted)


def _of_security(rows: tuple[newer_rpms.Newer, ...], _known: object) -> list[newer_rpms.Newer]:
    return [row for row in rows if row.security]


def _held(packages: tuple[rpm.Rpm, ...], patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({package.nevra.name for package in packages if dnf_repos.matching(patterns, package.nevra.spellings)}))


def _row(row: newer_debs.Newer | newer_rpms.Newer, known: bool) -> PendingUpdate:
    return PendingUpdate.model_validate({**row._asdict(), "security": row.security if known else None})


def _support(gaps: Gaps, release: Callable[[], Mapping[str, str]]) -> tuple[date | None, date | None]:
    found = gaps.attempt(("support_ends", "extended_support_ends"), lambda: support(release()))
    if found and found.extended is None:
        gaps.note("extended_support_ends", "unsupported", "no extended support of this release is known")
    return found or (None, None)
