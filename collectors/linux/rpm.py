"""Which rpm packages are installed?"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from collectors.errors import Unparsable
from collectors.linux import versions
from collectors.transports.base import Shell

_NEVRA = re.compile(r"(?P<name>\S+)-(?:(?P<epoch>\d+):)?(?P<version>[^-\s]+)-(?P<release>[^-\s]+)\.(?P<arch>[^.\s]+)")


class Nevra(NamedTuple):
    """Name, epoch, version, release, architecture: what rpm tells packages apart by."""

    name: str
    epoch: str
    version: str
    release: str
    arch: str

    @property
    def key(self) -> versions.RpmKey:
        return versions.rpm(self.version, self.release, self.epoch)

    @property
    def evr(self) -> str:
        """[epoch:]version-release, as rpm writes it; epoch 0 is not written."""
        plain = f"{self.version}-{self.release}"
        return plain if self.epoch in ("0", "(none)") else f"{self.epoch}:{plain}"

    @property
    def spellings(self) -> tuple[str, ...]:
        """The forms in which an exclude or a lock may name it."""
        plain = f"{self.name}-{self.version}-{self.release}"
        full = f"{self.name}-{'0' if self.epoch == '(none)' else self.epoch}:{self.version}-{self.release}"
        return (self.name, f"{self.name}.{self.arch}", plain, f"{plain}.{self.arch}", full, f"{full}.{self.arch}")


class Rpm(NamedTuple):
    """One installed package."""

    nevra: Nevra
    installed_at: int


def installed(shell: Shell) -> tuple[Rpm, ...]:
    """Every installed package, but not gpg-pubkey: those are keys that rpm keeps among the packages.

    Asked of rpm itself: the database has had four formats and three places.
    """
    answer = shell.run("rpm", "-qa", "--qf", r"%{NAME}\t%{EPOCH}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{INSTALLTIME}\n")
    found = tuple(map(_rpm, answer.require().splitlines()))
    if not found:
        raise Unparsable("rpm -qa named no package: the database is empty or could not be opened")
    return tuple(package for package in found if package.nevra.name != "gpg-pubkey")


class Origin(NamedTuple):
    """Where an installed package comes from."""

    rpm: Rpm
    source: str
    """File name of the source package, such as bash-5.1.8-9.el9.src.rpm; empty where the package names none."""
    vendor: str
    """Who built it by its own account; empty when it does not say."""


def origins(shell: Shell) -> tuple[Origin, ...]:
    """Every installed package with its source package and vendor; gpg-pubkey left out as in `installed`."""
    answer = shell.run(
        "rpm", "-qa", "--qf", r"%{NAME}\t%{EPOCH}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{INSTALLTIME}\t%{SOURCERPM}\t%{VENDOR}\n"
    )
    text = answer.require()
    if text and not text.endswith("\n"):
        raise Unparsable("rpm -qa: the answer is cut in the middle of a line")
    found = tuple(map(_origin, text.splitlines()))
    if not found:
        raise Unparsable("rpm -qa named no package: the database is empty or could not be opened")
    return tuple(package for package in found if package.rpm.nevra.name != "gpg-pubkey")


def _origin(line: str) -> Origin:
    words = line.split("\t")
    if len(words) != 8:
        raise Unparsable(f"rpm -qa: cannot place {line[:80]!r}")
    source, vendor = ("" if word == "(none)" else word for word in words[6:])
    # SUSE LLC <https://www.suse.com/>: the name is what compares
    return Origin(_rpm("\t".join(words[:6])), source, vendor.partition(" <")[0].strip())


def _rpm(line: str) -> Rpm:
    words = line.split("\t")
    if len(words) != 6 or not (words[5].isdecimal() and len(words[5]) < 12) or not (words[1].isdecimal() or words[1] == "(none)"):
        raise Unparsable(f"rpm -qa: cannot place {line[:80]!r}")
    return Rpm(Nevra(*words[:5]), int(words[5]))


def nevra(text: str) -> Nevra:
    """`name-[epoch:]version-release.arch`, as dnf prints it."""
    found = _NEVRA.fullmatch(text)
    if not found:
        raise Unparsable(f"{text[:80]!r} is no package of the form name-version-release.arch")
    return Nevra(found["name"], found["epoch"] or "0", found["version"], found["release"], found["arch"])


def last_installed(packages: tuple[Rpm, ...]) -> datetime:
    """When something was last installed or upgraded; rpm does not tell the two apart."""
    return datetime.fromtimestamp(max(package.installed_at for package in packages), UTC)
