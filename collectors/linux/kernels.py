"""Which kernel runs, and which is the newest installed? Compared as package versions, never as `uname -r` texts.

Debian keeps one `uname -r` across security updates: only the banner of `uname -v` holds the package version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from collectors.errors import Unsupported
from collectors.linux import versions
from collectors.linux.dpkg import Package
from collectors.linux.rpm import Rpm
from collectors.transports.base import Shell

FILES = ("/proc/sys/kernel/osrelease", "/proc/sys/kernel/version", "/proc/version_signature")
_NOT_RUNNING = "an unpacked system: no kernel of its own runs"
_IMAGE = re.compile(r"linux-image-(?:unsigned-)?\d+\.\d+\S*(?<!-dbg)(?<!-dbgsym)")
_DEBIAN_BANNER = re.compile(r" Debian (\S+) \(")
_UBUNTU_SIGNATURE = re.compile(r"Ubuntu (\d\S*?)-[a-z][a-z0-9-]* ")


class Kernels(NamedTuple):
    """Package versions."""

    running: str
    newest: str
    newer_waits: bool


def texts(shell: Shell) -> Mapping[str, str]:
    """What the running kernel says of itself; {} in an unpacked system."""
    return shell.read_all(*FILES)


def live(told: Mapping[str, str]) -> bool:
    """A kernel answers: this is no unpacked system."""
    return FILES[0] in told


def livepatched(shell: Shell, told: Mapping[str, str]) -> bool:
    """Some patch is loaded into the running kernel (kpatch, Canonical and SUSE live patching; Ksplice shows elsewhere, see below)."""
    if not live(told):
        raise Unsupported(_NOT_RUNNING)
    return bool(shell.names("/sys/kernel/livepatch/*"))


def ksplice(shell: Shell) -> bool:
    """Oracle's Ksplice has put a patch into the running kernel; it loads modules of its own instead of the kernel's live patches."""
    return bool(shell.names("/sys/module/ksplice_*"))


def reboot_asked(shell: Shell) -> bool:
    """The system says a restart is due. Its silence proves nothing: the file is written only where a package does so."""
    return shell.stat("/run/reboot-required") is not None


def debian(told: Mapping[str, str], packages: Iterable[Package]) -> Kernels:
    """Raises Unsupported where the running kernel is none of dpkg's: a container, a kernel of one's own."""
    newest = newest_image(packages)
    running = _debian_running(told)
    return Kernels(running, newest, versions.debian(newest) > versions.debian(running))


def newest_image(packages: Iterable[Package]) -> str:
    """Highest version among installed kernel packages; Unsupported where there is none."""
    images = [package.version for package in packages if _IMAGE.fullmatch(package.name)]
    if not images:
        raise Unsupported("no kernel package is installed: a container, or a kernel that did not come from a package")
    return max(images, key=versions.debian)


def _debian_running(told: Mapping[str, str]) -> str:
    release = told.get(FILES[0], "").strip()
    if not release:
        raise Unsupported(_NOT_RUNNING)
    if banner := _DEBIAN_BANNER.search(told.get(FILES[1], "")):
        return banner[1]
    if signature := _UBUNTU_SIGNATURE.match(told.get(FILES[2], "")):
        return signature[1]
    raise Unsupported(
        f"the running kernel {release} does not say which package it is from; no package of dpkg's can be matched to it"
    )


_RPM_KERNEL = re.compile(r"kernel(\d+\.\d+)?(-uek|-rt|-64k|-debug)?(-core)?")


def redhat(told: Mapping[str, str], packages: Iterable[Rpm]) -> Kernels:
    """`uname -r` is version-release.arch of the package; several kernels stand side by side.

    Newest is looked for among packages of the running one's name: who runs Red Hat's kernel beside Oracle's chose so.
    """
    release = told.get(FILES[0], "").strip().partition("+")[0]
    if not release:
        raise Unsupported(_NOT_RUNNING)
    kernels = [package.nevra for package in packages if _RPM_KERNEL.fullmatch(package.nevra.name)]
    running = [package for package in kernels if f"{package.version}-{package.release}.{package.arch}" == release]
    if not running:
        what = "none of the installed kernel packages" if kernels else "no package's: no kernel package is installed"
        raise Unsupported(f"the running kernel {release} is {what}")
    now = running[0]
    newest = max((package for package in kernels if package.name == now.name), key=lambda package: package.key)
    return Kernels(now.evr, newest.evr, newest.key > now.key)


def suse(told: Mapping[str, str], packages: Iterable[Rpm]) -> Kernels:
    """`uname -r` is version-release-flavour; the package's release has the number of its rebuild after that."""
    release, _, flavour = told.get(FILES[0], "").strip().rpartition("-")
    if not release:
        raise Unsupported(_NOT_RUNNING)
    names = (f"kernel-{flavour}", f"kernel-{flavour}-base")
    kernels = [package.nevra for package in packages if package.nevra.name in names]
    running = [kernel for kernel in kernels if f"{kernel.version}-{kernel.release}.".startswith(f"{release}.")]
    if not running:
        what = "none of the installed kernel packages" if kernels else f"no package's: {names[0]} is not installed"
        raise Unsupported(f"the running kernel {release}-{flavour} is {what}")
    now = max(running, key=lambda kernel: kernel.key)
    newest = max((kernel for kernel in kernels if kernel.name == now.name), key=lambda kernel: kernel.key)
    return Kernels(now.evr, newest.evr, newest.key > now.key)


def suse_reboot_asked(shell: Shell) -> bool:
    """libzypp leaves this file after it installed a package that asks for a restart; `zypper needs-rebooting` looks at no more."""
    return shell.stat("/run/reboot-needed") is not None
