"""Which repositories may dnf use, what has it fetched of them, and what is it told to leave alone?

dnf without data says "nothing to do" and ends with status 0. So each enabled repository must have its fetched
repomd.xml, and that must name advisories (updateinfo): mirrors without them offer updates that nobody calls security.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import Shell

CONFIG = ("/etc/yum.conf", "/etc/dnf/dnf.conf", "/etc/yum.repos.d/*.repo")
LOCKS = ("/etc/dnf/plugins/versionlock.list", "/etc/yum/pluginconf.d/versionlock.list", "/etc/dnf/versionlock.toml")
FETCHED = (
    "/var/cache/dnf/*/repodata/repomd.xml", "/var/cache/libdnf5/*/repodata/repomd.xml", "/var/cache/yum/*/*/*/repomd.xml",
)  # fmt: skip
_DNF_CACHE = re.compile(r"/var/cache/(?:dnf|libdnf5)/(.+)-[0-9a-f]{16}/repodata/repomd\.xml")
_YUM_CACHE = re.compile(r"/var/cache/yum/[^/]+/[^/]+/([^/]+)/repomd\.xml")
# the repositories a distribution's own fixes come from; fedora itself (as released) has no advisories, its updates have
_BASE = re.compile(r"baseos|appstream|^rhel-\d.*-server-rpms|^ol\d+_latest|^amzn2-core|^amazonlinux$|^updates$|^base$", re.I)
_LOCK = re.compile(r"!?(?:\d+:)?(?P<name>[^\s/]+?)-(?:\d+:)?\d[^-\s]*-[^-\s]+")
_OFF = ("0", "no", "false", "off")


class Repo(NamedTuple):
    """One section of a .repo file."""

    id: str
    enabled: bool
    excludes: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    """As they stand there: with variables, and with a password where somebody wrote one."""
    signed: bool = True
    """Signatures of packages or of the metadata that names them are asked for."""
    gpg: Mapping[str, str] = {}
    """What the section itself says: gpgcheck, repo_gpgcheck, pkg_gpgcheck."""


class Config(NamedTuple):
    """What dnf is told."""

    repos: tuple[Repo, ...]
    """Enabled ones."""
    excludes: tuple[str, ...]
    """Patterns for all repositories, and those of a repository as well: whoever excludes, holds."""
    folders: str = ""
    """Where else than in /etc/yum.repos.d repositories are looked for."""


class Fetched(NamedTuple):
    """The state of one repository as fetched."""

    repo: str
    path: str
    published: datetime | None
    fetched: datetime
    advisories: bool


def config(shell: Shell) -> Config:
    """Raises Unparsable for a file dnf would not understand either."""
    repos: dict[str, Repo] = {}
    excludes: list[str] = []
    folders, general = "", dict[str, str]()
    for path, text in shell.read_all(*CONFIG).items():
        parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",), comment_prefixes=("#", ";"))
        try:
            parser.read_string(text, path)
        except configparser.Error as error:
            raise Unparsable(f"{path}: {str(error).splitlines()[0][:120]}") from None
        for name in parser.sections():
            section = parser[name]
            mine = tuple(re.split(r"[\s,]+", " ".join(section.get(key, "") for key in ("exclude", "excludepkgs")).strip()))
            mine = tuple(pattern for pattern in mine if pattern)
            if name == "main":
                excludes += mine
                folders = section.get("reposdir", folders).strip()
                general |= signatures(section)
            else:
                repos[name] = repository(section, mine)
    enabled = tuple(
        repo._replace(
            signed=any({**general, **repo.gpg}.get(word, "0").lower() not in _OFF for word in ("gpgcheck", "repo_gpgcheck"))
        )
        for repo in repos.values()
        if repo.enabled
    )
    held = tuple(dict.fromkeys([*excludes, *(pattern for repo in enabled for pattern in repo.excludes)]))
    return Config(enabled, held, "" if folders.rstrip("/") == "/etc/yum.repos.d" else folders)


def repository(section: configparser.SectionProxy, excludes: tuple[str, ...] = ()) -> Repo:
    """One section of a .repo file, of dnf's or of zypper's."""
    addresses = re.split(r"[\s,]+", " ".join(section.get(key, "") for key in ("metalink", "mirrorlist", "baseurl")).strip())
    on = section.get("enabled", "1").strip().lower() not in _OFF
    return Repo(section.name, on, excludes, tuple(one for one in addresses if one), True, signatures(section))


def signatures(section: configparser.SectionProxy) -> dict[str, str]:
    """What a section says of signatures."""
    return {word: section[word].strip() for word in ("gpgcheck", "repo_gpgcheck", "pkg_gpgcheck") if section.get(word)}


def locks(shell: Shell) -> tuple[str, ...]:
    """Patterns of names that versionlock keeps at their version; a lock on `!` versions counts too."""
    found: list[str] = []
    for path, text in shell.read_all(*LOCKS).items():
        if path.endswith(".toml"):
            found += re.findall(r'^\s*name\s*=\s*["\']([^"\']+)["\']', text, re.M)
            continue
        for raw in text.splitlines():
            line = raw.partition("#")[0].strip()
            if line:
                lock = _LOCK.fullmatch(line)
                found.append(lock["name"] if lock else line.lstrip("!"))
    return tuple(dict.fromkeys(found))


def fetched(shell: Shell, config: Config) -> tuple[Fetched, ...]:
    """What was fetched of each enabled repository; the newest, where an address changed and both are kept.

    Raises Unsupported when no repository is enabled or one of them was never fetched: what dnf says then is not "no updates".
    """
    if not config.repos:
        raise Unsupported("no package repository is enabled (a system that is not registered with its vendor?)")
    known: dict[str, Fetched] = {}
    for path, text in shell.read_all(*FETCHED).items():
        found = _DNF_CACHE.fullmatch(path) or _YUM_CACHE.fullmatch(path)
        stat = shell.stat(path)
        if not found or stat is None:
            continue
        row = Fetched(
            found[1],
            path,
            revised(path, text),
            datetime.fromtimestamp(int(stat.mtime), UTC),
            '<data type="updateinfo"' in text,
        )
        if found[1] not in known or row.fetched > known[found[1]].fetched:
            known[found[1]] = row
    rows, absent = [], []
    for repo in config.repos:
        row_of = known.get(repo.id) or next(
            (row for name, row in known.items() if fnmatchcase(name, _variables_out(repo.id))), None
        )
        if row_of:
            rows.append(row_of)
        else:
            absent.append(repo.id)
    if absent:
        raise Unsupported(f"nothing was ever fetched of the enabled repository {', '.join(absent)}: no data to compare with")
    return tuple(rows)


def _variables_out(repo: str) -> str:
    return re.sub(r"\$\{?\w+\}?", "*", repo)


def revised(path: str, text: str) -> datetime | None:
    """When a repomd.xml was made: its revision where that is a time, else its newest member. Unparsable when it is cut off."""
    if "</repomd>" not in text:
        raise Unparsable(f"{path}: not a whole repomd.xml")
    revision = re.search(r"<revision>(\d{10})</revision>", text)
    stamps = [int(stamp) for stamp in re.findall(r"<timestamp>(\d{9,10})(?:\.\d+)?</timestamp>", text)]
    seconds = int(revision[1]) if revision else max(stamps, default=0)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def advising(rows: Iterable[Fetched]) -> tuple[Fetched, ...]:
    """Repositories with advisories; () when one of the distribution's own has none, for then silence proves nothing.

    Where no repository has a name that is known for the distribution's own (a site's mirror), all of them count as such.
    """
    rows = tuple(rows)
    own = [row for row in rows if _BASE.search(row.repo)] or list(rows)
    return tuple(row for row in rows if row.advisories) if all(row.advisories for row in own) else ()


def without_advisories(rows: Iterable[Fetched]) -> str:
    """Names for a sentence."""
    return ", ".join(row.repo for row in rows if not row.advisories)


def matching(patterns: Iterable[str], spellings: Iterable[str]) -> bool:
    """Some pattern names the package."""
    forms = tuple(spellings)
    return any(fnmatchcase(form, pattern) for pattern in patterns for form in forms)


def published(rows: tuple[Fetched, ...]) -> datetime:
    """The newest date among the repositories with advisories (among all, when none has any)."""
    dates = [row.published for row in advising(rows) or rows if row.published]
    if not dates:
        raise Unparsable("no repomd.xml says when it was made")
    return max(dates)


def automatic(shell: Shell, names: frozenset[str]) -> bool:
    """Do updates install themselves? dnf-automatic or yum-cron, started by its timer or service, and told to apply.

    dnf-automatic-install.timer applies whatever its file says; the plain timer only with apply_updates, which is off as shipped.
    """
    if names & {"dnf-automatic", "dnf5-plugin-automatic"}:
        timers = _enabled(shell, shell.names("/etc/systemd/system/*.wants/dnf*automatic*.timer"))
        if "dnf-automatic-install.timer" in timers:
            return True
        if timers & {"dnf-automatic.timer", "dnf5-automatic.timer"} and _applies(
            shell, "/etc/dnf/automatic.conf", "/etc/dnf/dnf5-plugins/automatic.conf"
        ):
            return True
    if "yum-cron" in names:
        services = _enabled(shell, shell.names("/etc/systemd/system/*.wants/yum-cron.service"))
        return bool(services) and _applies(shell, "/etc/yum/yum-cron.conf")
    return False


def _enabled(shell: Shell, wanted: tuple[str, ...]) -> set[str]:
    # masking leaves the link in .wants and wins over it
    names = {path.rpartition("/")[2] for path in wanted}
    return {name for name in names if shell.link(f"/etc/systemd/system/{name}") != "/dev/null"}


def _applies(shell: Shell, *paths: str) -> bool:
    return any(
        value in ("yes", "true", "1", "on")
        for text in shell.read_all(*paths).values()
        for value in _values(text, "apply_updates")
    )


def _values(text: str, key: str) -> Iterator[str]:
    return (found.lower() for found in re.findall(rf"(?m)^\s*{key}\s*[=:]\s*(\S+)", text))


def locked_release(shell: Shell, release: Mapping[str, str]) -> bool:
    """Amazon Linux 2023 shows only what stood in its repositories at the installed release, unless told `latest`."""
    if (release.get("ID"), release.get("VERSION_ID")) != ("amzn", "2023"):
        return False
    return (shell.read("/etc/dnf/vars/releasever") or "").strip() != "latest"
