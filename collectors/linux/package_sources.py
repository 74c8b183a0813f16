"""Where do packages come from, and is their signature asked for? What apt, dnf, yum and zypper are told, in one form.

Of an address only its scheme and its host are kept: accounts, passwords and tokens stand in addresses too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.linux import apt_config, apt_sources
from collectors.linux.dnf_repos import Config, Repo
from collectors.transports.base import Shell

ZYPP = ("/etc/zypp/zypp.conf", "/usr/etc/zypp/zypp.conf")
"""The administrator's file wins over the vendor's."""
_YES = ("1", "yes", "true", "on")
_NO = ("0", "no", "false", "off")
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]{0,30}):", re.I)
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_.])?|\[[0-9a-f:.]{2,45}\])", re.I)


class Source(NamedTuple):
    """One enabled place that packages come from; the fields of updates.PackageSource."""

    name: str
    scheme: str
    host: str | None
    signed: bool


def apt(shell: Shell) -> tuple[Source, ...]:
    """Enabled sources of binary packages. Options for all sources in apt.conf weaken each of them."""
    entries = apt_sources.entries(shell)
    settings = apt_config.config(shell)
    weak = any(settings.get(option.lower(), ("",))[-1].lower() in apt_sources.YES for option in _APT_WEAK)
    return _once(
        Source(" ".join((entry.suite, *entry.components)), *place(entry.uri), not (weak or entry.unsigned)) for entry in entries
    )


_APT_WEAK = (
    "APT::Get::AllowUnauthenticated",
    "Acquire::AllowInsecureRepositories",
    "Acquire::AllowDowngradeToInsecureRepositories",
)


def dnf(config: Config) -> tuple[Source, ...]:
    """Enabled repositories of dnf or yum."""
    if config.folders:
        raise Unsupported(f"dnf is told to look for repositories in {config.folders[:80]}; only /etc/yum.repos.d was read")
    return rpm(config.repos)


def rpm(repos: Iterable[Repo]) -> tuple[Source, ...]:
    """A list of mirrors counts by the host that gives it."""
    found = []
    for repo in repos:
        if not repo.addresses:
            raise Unparsable(f"repository {repo.id}: neither baseurl, metalink nor mirrorlist says where it is")
        found += [Source(repo.id, *place(address), repo.signed) for address in repo.addresses]
    return _once(found)


def zypper(shell: Shell, repos: Iterable[Repo]) -> tuple[Source, ...]:
    """Enabled repositories of zypper, whose signatures are asked for unless it is told otherwise."""
    texts = shell.read_all(*ZYPP)
    text = next((texts[path] for path in ZYPP if path in texts), "")
    told = dict(re.findall(r"(?m)^[ \t]*((?:repo_|pkg_)?gpgcheck)[ \t]*=[ \t]*(\w+)", text))
    return rpm(repo._replace(signed=zypper_signed({**told, **repo.gpg})) for repo in repos)


def zypper_signed(told: Mapping[str, str]) -> bool:
    """gpgcheck asks for signed metadata and, without it, for signed packages; the other two set each by itself."""
    general = told.get("gpgcheck", "on").lower() not in _NO
    each = [told[word].lower() for word in ("repo_gpgcheck", "pkg_gpgcheck") if word in told]
    return any(word in _YES for word in each) or (general and not any(word in _NO for word in each))


def place(address: str) -> tuple[str, str | None]:
    """(scheme, host) of an address. No host: a folder, a disc, or a name that a variable decides."""
    scheme = _SCHEME.match(address)
    if scheme is None:
        return ("file", None) if address.startswith("/") else _unplaced()
    rest = address[scheme.end() :]
    if not rest.startswith("//"):
        return scheme[1].lower(), None
    authority = re.split(r"[/?#]", rest[2:], maxsplit=1)[0].rpartition("@")[2]
    host = re.sub(r":\d*$", "", authority).lower()
    if "$" in host or not host:
        return scheme[1].lower(), None
    return (scheme[1].lower(), host) if _HOST.fullmatch(host) else _unplaced()


def _unplaced() -> tuple[str, str | None]:
    # the address itself is not quoted: it may hold a password
    raise Unparsable("the address of a package source is none that can be read")


def _once(sources: Iterable[Source]) -> tuple[Source, ...]:
    return tuple(dict.fromkeys(sources))
