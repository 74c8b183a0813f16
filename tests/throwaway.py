"""Throwaway Linux systems, made by the tests with real tools: nothing of this machine's own configuration is touched.

`within(root, ask)` asks from inside a root folder. `overlaid(ask)` asks on a copy of this machine that lives only as
long as the question: whatever is installed or configured there is gone afterwards. Both need root.
`bootstrapped("bookworm")` is the tarball of a minimal system from the archive this machine itself installs from; kept
under RASOAT_TEST_CACHE, so that only the first run takes long.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import re
import shutil
import subprocess
import sysconfig
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

T = TypeVar("T")

CACHE = Path(os.environ.get("RASOAT_TEST_CACHE", "~/.cache/rasoat-tests")).expanduser()
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
_OURS = {Path(__file__).parents[1], *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib"))}
"""Where this program and Python's own modules are: some are imported only when they are needed."""
_CLONE_NEWNS = 0x00020000
_SCRIPTS = Path("/usr/share/debootstrap/scripts")


def sh(*argv: str | Path, input: str | None = None, **environment: str) -> str:
    """Output of a command that must succeed, in the C locale."""
    done = subprocess.run(
        [str(word) for word in argv], capture_output=True, text=True, input=input, env={**ENVIRONMENT, **environment}, check=False
    )
    assert done.returncode == 0, f"{argv}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def within(root: Path, ask: Callable[[], T]) -> T:
    """The answer of `ask`, called with `root` as the whole file system, /proc and all."""

    def enter() -> None:
        for folder in ("proc", "dev"):
            (root / folder).mkdir(exist_ok=True)
            sh("mount", "--rbind", f"/{folder}", root / folder)
        for path in _OURS:
            (root / path.relative_to("/")).mkdir(parents=True, exist_ok=True)
            sh("mount", "--bind", path, root / path.relative_to("/"))
        os.chroot(root)
        os.chdir("/")

    return _elsewhere(enter, ask)


def overlaid(ask: Callable[[], T]) -> T:
    """The answer of `ask`, called on this machine with every change kept in memory and thrown away."""

    def enter() -> None:
        base = Path("/mnt")
        sh("mount", "-t", "tmpfs", "tmpfs", base)
        for folder in ("upper", "work", "all"):
            (base / folder).mkdir()
        layers = f"lowerdir=/,upperdir={base}/upper,workdir={base}/work"
        sh("mount", "-t", "overlay", "overlay", "-o", layers, base / "all")
        for folder in ("proc", "dev", "sys"):
            sh("mount", "--rbind", f"/{folder}", base / "all" / folder)
        os.chroot(base / "all")
        os.chdir("/")

    return _elsewhere(enter, ask)


def _elsewhere(enter: Callable[[], None], ask: Callable[[], T]) -> T:
    """In a child of its own mount namespace: what it mounts ends with it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        told: tuple[bool, object]
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(_CLONE_NEWNS) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
            sh("mount", "--make-rprivate", "/")
            enter()
            told = True, ask()
        except BaseException:
            told = False, traceback.format_exc()
        with os.fdopen(writing, "wb") as stream:
            pickle.dump(told, stream)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        raw = stream.read()
    os.waitpid(child, 0)
    well, answer = pickle.loads(raw) if raw else (False, "the child ended without a word")
    if not well:
        pytest.fail(str(answer))
    return answer  # type: ignore[no-any-return]


# ── systems from the archive ─────────────────────────────────────────────────────────────────────────────────────────


class Release(NamedTuple):
    """A distribution's release and what its sources list beside the base."""

    archive: str
    codename: str
    pockets: tuple[str, ...]


RELEASES = {
    "debian12": Release("debian", "bookworm", ("bookworm-updates",)),
    "debian13": Release("debian", "trixie", ("trixie-updates",)),
    "ubuntu22.04": Release("ubuntu", "jammy", ("jammy-updates", "jammy-security")),
    "ubuntu24.04": Release("ubuntu", "noble", ("noble-updates", "noble-security")),
}


def mirror(archive: str) -> str:
    """Where this machine's own apt gets Debian from; Ubuntu from the folder beside it, or RASOAT_TEST_UBUNTU_MIRROR."""
    found = sh("apt-get", "indextargets", "--format", "$(SITE)").split()
    sites = sorted({site.rstrip("/") for site in found if site.rstrip("/").endswith("/debian")})
    if not sites:
        pytest.skip("this machine's apt has no list of an archive whose address ends with /debian")
    if archive == "ubuntu" and (told := os.environ.get("RASOAT_TEST_UBUNTU_MIRROR")):
        return told.rstrip("/")
    return sites[0].removesuffix("debian") + archive


def bootstrapped(name: str) -> Path:
    """Tarball of a minimal system of the release as published, with all lists fetched. Skips where the mirror lacks it."""
    release = RELEASES[name]
    kept = CACHE / f"{name}.tar"
    if kept.exists():
        return kept
    site = mirror(release.archive)
    probe = subprocess.run(
        ["/usr/lib/apt/apt-helper", "download-file", f"{site}/dists/{release.codename}/InRelease", "/dev/stdout"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if probe.returncode != 0 and release.archive != "debian":
        pytest.skip(f"the mirror of this machine has no {name}: {(probe.stderr or probe.stdout).strip()[-200:]}")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        root = Path(work) / "root"
        script = _SCRIPTS / release.codename
        known = script if script.exists() else _SCRIPTS / ("gutsy" if release.archive == "ubuntu" else "sid")
        unsigned = [] if release.archive == "debian" else ["--no-check-gpg"]
        sh("debootstrap", "--variant=minbase", *unsigned, release.codename, root, site, known)
        _sources(root, site, release)
        within(root, lambda: sh("apt-get", "update"))
        for package in (root / "var/cache/apt/archives").glob("*.deb"):
            package.unlink()
        half = Path(work) / "half.tar"
        sh("tar", "-C", root, "--exclude=./dev/*", "--exclude=./proc/*", "-cf", half, ".")
        half.rename(kept)
    return kept


def _sources(root: Path, site: str, release: Release) -> None:
    trust = "" if release.archive == "debian" else "[trusted=yes] "
    lines = [f"deb {trust}{site} {suite} main" for suite in (release.codename, *release.pockets)]
    if release.archive == "debian":
        lines.append(f"deb {site}-security {release.codename}-security main")
    (root / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
    for name in ("resolv.conf", "hosts"):
        shutil.copyfile(f"/etc/{name}", root / "etc" / name)
    proxies = re.findall(r'^Acquire::https?::Proxy.*";$', sh("apt-config", "dump"), re.M)
    (root / "etc/apt/apt.conf.d/99proxy").write_text("".join(f"{line}\n" for line in proxies))


@contextmanager
def unpacked(tarball: Path, folder: Path) -> Iterator[Path]:
    """A fresh copy of a bootstrapped system, removed afterwards (it is large)."""
    root = folder / "root"
    root.mkdir()
    sh("tar", "-C", root, "-xf", tarball)
    try:
        yield root
    finally:
        shutil.rmtree(root)


# ── packages and repositories of rpm ─────────────────────────────────────────────────────────────────────────────────


class Package(NamedTuple):
    """One rpm package to be built."""

    name: str
    version: str
    release: str
    arch: str = "x86_64"
    epoch: str = "0"

    @property
    def file(self) -> str:
        return f"{self.name}-{self.version}-{self.release}.{self.arch}.rpm"

    @property
    def evr(self) -> str:
        plain = f"{self.version}-{self.release}"
        return plain if self.epoch == "0" else f"{self.epoch}:{plain}"


class Advisory(NamedTuple):
    """One <update> of updateinfo.xml."""

    id: str
    kind: str
    severity: str
    packages: tuple[Package, ...]


def build(packages: tuple[Package, ...], folder: Path) -> tuple[Path, ...]:
    """The packages as files, made by rpmbuild."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        spec = folder / f"{package.file}.spec"
        spec.write_text(
            f"Name: {package.name}\nVersion: {package.version}\nRelease: {package.release}\nEpoch: {package.epoch}\n"
            f"Summary: test\nLicense: MIT\nBuildArch: {package.arch}\n%description\ntest\n%files\n"
        )
        sh(
            "rpmbuild", "-bb", "--quiet", "--target", package.arch, "--define", f"_rpmdir {folder}", "--define", f"_topdir {folder}",
            "--define", "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm", spec,
        )  # fmt: skip
        spec.unlink()
    return tuple(folder / package.file for package in packages)


def repository(folder: Path, packages: tuple[Package, ...], advisories: tuple[Advisory, ...] = ()) -> Path:
    """A repository made by createrepo_c; with updateinfo.xml where there are advisories."""
    build(packages, folder)
    sh("createrepo_c", "--quiet", folder)
    if advisories:
        texts = "".join(map(_advisory, advisories))
        (folder / "updateinfo.xml").write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<updates>{texts}</updates>\n')
        sh("modifyrepo_c", "--mdtype=updateinfo", folder / "updateinfo.xml", folder / "repodata")
    return folder


def _advisory(advisory: Advisory) -> str:
    packages = "".join(
        f'<package name="{row.name}" epoch="{row.epoch}" version="{row.version}" release="{row.release}" arch="{row.arch}">'
        f"<filename>{row.file}</filename></package>"
        for row in advisory.packages
    )
    return (
        f'<update from="x@mirror.example" status="stable" type="{advisory.kind}" version="1"><id>{advisory.id}</id>'
        f'<title>{advisory.id}</title><severity>{advisory.severity}</severity><issued date="2026-11-01 10:00:00"/>'
        f"<references/><description>d</description><pkglist><collection>{packages}</collection></pkglist></update>"
    )


def install(packages: tuple[Path, ...], release: str) -> None:
    """Into rpm's database only, and an os-release to go with it. For use within `overlaid`."""
    Path("/etc/os-release").unlink(missing_ok=True)
    Path("/etc/os-release").write_text(release)
    Path("/etc/rpm").mkdir(exist_ok=True)
    # Debian's rpm keeps its database in the home folder
    with Path("/etc/rpm/macros").open("a") as macros:
        macros.write("\n%_dbpath /var/lib/rpm\n")
    shutil.rmtree("/var/lib/rpm", ignore_errors=True)
    Path("/var/lib/rpm").mkdir(parents=True)
    sh("rpm", "--initdb")
    rpm("-i", *packages)


def rpm(how: str, *packages: Path) -> None:
    """Install (-i) or upgrade (-U) in rpm's database, without a file on the disk. For use within `overlaid`."""
    # Debian's rpm before 4.20 refuses to install without it, later ones do not know it
    forced = ["--force-debian"] if "--force-debian" in sh("rpm", "--help") else []
    sh("rpm", how, "--justdb", "--nodeps", "--ignorearch", "--ignoreos", *forced, *packages)
