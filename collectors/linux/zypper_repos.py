"""Which repositories may zypper use, what has it fetched of them, what is locked, and do patches install themselves?

Read from files, before zypper is asked anything: told `--no-refresh`, it still downloads what it has never fetched, and
with no data it says "no updates" and ends with status 0.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.linux.dnf_repos import Fetched, Repo, repository, revised
from collectors.transports.base import Shell

REPOS = "/etc/zypp/repos.d/*.repo"
LOCKS = "/etc/zypp/locks"
CREDENTIALS = "/etc/zypp/credentials.d/SCCcredentials"
# a repository whose address has a `path` keeps its data one folder further down
FETCHED = ("/var/cache/zypp/raw/*/repodata/repomd.xml", "/var/cache/zypp/raw/*/*/repodata/repomd.xml")
AOU = "/etc/sysconfig/automatic_online_update"
TIMERS = ("transactional-update.timer", "os-update.timer")
_CACHE = re.compile(r"/var/cache/zypp/raw/([^/]+)/")
_POOL = re.compile(r"-pool\b")
_UPDATES = re.compile(r"\bupdates?\b|-updates?$|^update", re.I)


class Lock(NamedTuple):
    """One paragraph of /etc/zypp/locks: what zypper must neither install nor upgrade."""

    kind: str
    """package, patch, pattern, product; several are written comma-separated."""
    name: str
    match: str
    """glob, exact, regex, substring or word."""

    def holds(self, name: str) -> bool:
        """It names this package. A lock may be of one repository or of certain versions only: zypper alone knows whether it bites."""
        if "package" not in self.kind:
            return False
        if self.match == "exact":
            return name == self.name
        if self.match == "substring":
            return self.name in name
        if self.match in ("regex", "word"):
            pattern = rf"\b{re.escape(self.name)}\b" if self.match == "word" else self.name
            try:
                return bool(re.search(pattern, name))
            except re.error:
                raise Unparsable(f"{LOCKS}: {self.name[:60]!r} is no regular expression") from None
        return fnmatchcase(name, self.name)


def enabled(shell: Shell) -> tuple[Repo, ...]:
    """The enabled repositories. Raises Unparsable for a file zypper would not understand either."""
    found: dict[str, Repo] = {}
    for path, text in shell.read_all(REPOS).items():
        parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",), comment_prefixes=("#", ";"))
        try:
            parser.read_string(text, path)
        except configparser.Error as error:
            raise Unparsable(f"{path}: {str(error).splitlines()[0][:120]}") from None
        for alias in parser.sections():
            found[alias] = repository(parser[alias])
    return tuple(repo for repo in found.values() if repo.enabled)


def fetched(shell: Shell, aliases: tuple[str, ...]) -> tuple[Fetched, ...]:
    """What was fetched of each enabled repository.

    Raises Unsupported when none is enabled or one of them was never fetched: what zypper says then is not "no updates",
    and asking it would make it download.
    """
    if not aliases:
        registered = shell.stat(CREDENTIALS) is not None
        why = "" if registered else f", and the system is not registered with SUSE ({CREDENTIALS} is absent)"
        raise Unsupported(f"no package repository is enabled{why}")
    known: dict[str, Fetched] = {}
    for path, text in shell.read_all(*FETCHED).items():
        place = _CACHE.match(path)
        # a refresh that finds nothing new touches the file; a fetch keeps the server's time on it and makes its folder anew
        times = [stat.mtime for stat in (shell.stat(path), shell.stat(path.rpartition("/")[0])) if stat]
        if not times or place is None:
            continue
        seen = datetime.fromtimestamp(int(max(times)), UTC)
        row = Fetched(place[1], path, revised(path, text), seen, '<data type="updateinfo"' in text)
        if place[1] not in known or row.fetched > known[place[1]].fetched:
            known[place[1]] = row
    absent = [alias for alias in aliases if _folder(alias) not in known]
    if absent:
        raise Unsupported(f"nothing was ever fetched of the enabled repository {', '.join(absent)}: no data to compare with")
    return tuple(known[_folder(alias)]._replace(repo=alias) for alias in aliases)


def _folder(alias: str) -> str:
    return alias.replace("/", "_")  # as libzypp names the folder of a repository


def advising(rows: tuple[Fetched, ...]) -> tuple[Fetched, ...]:
    """Repositories with patches; raises Unsupported where one that should bring them does not, for then silence proves nothing.

    SUSE keeps a product as released (`…-Pool`, rightly without patches) apart from what mends it (`…-Updates`): a
    pool whose updates are not enabled would be a product nobody mends, and everything would look fine.
    """
    names = {row.repo.lower() for row in rows}
    # Package Hub names its repositories in another way
    lonely = [name for name in names if "packagehub" not in name and _POOL.sub("-updates", name) not in names]
    if lonely:
        raise Unsupported(f"the updates of {', '.join(sorted(lonely))} are not enabled: what they mend is not seen")
    silent = [row.repo for row in rows if _UPDATES.search(row.repo) and not row.advisories]
    found = tuple(row for row in rows if row.advisories)
    if silent or not found:
        lacking = ", ".join(silent or [row.repo for row in rows])
        raise Unsupported(f"the repositories {lacking} come without patches: which updates mend security holes cannot be told")
    return found


def locks(shell: Shell) -> tuple[Lock, ...]:
    """Every lock; () where there is no file of locks."""
    found: list[Lock] = []
    for stanza in re.split(r"\n[ \t]*\n", shell.read(LOCKS) or ""):
        words: dict[str, str] = {}
        for line in stanza.splitlines():
            text = line.partition("#")[0].strip()
            key, colon, value = text.partition(":")
            if text and not colon:
                raise Unparsable(f"{LOCKS}: cannot place the line {line[:60]!r}")
            if text:
                words[key.strip()] = value.strip()
        if words:
            found.append(Lock(words.get("type", "package"), words.get("solvable_name", "*"), words.get("match_type", "glob")))
    return tuple(found)


def held(locks: Iterable[Lock], installed: Iterable[str]) -> tuple[str, ...]:
    """Installed packages that a lock names, and locked patches as `patch:NAME`."""
    locks = tuple(locks)
    packages = {name for name in installed if any(lock.holds(name) for lock in locks)}
    return (*sorted(packages), *sorted(f"patch:{lock.name}" for lock in locks if "patch" in lock.kind))


def automatic(shell: Shell) -> bool:
    """Do security patches install themselves? YaST's online update through cron, or a timer of transactional-update or os-update.

    YaST's job wants both its word in sysconfig and the link in cron's folder; limited to categories, security must be one.
    """
    names = {path.rpartition("/")[2] for path in shell.names("/etc/systemd/system/*.wants/*-update.timer")}
    if any(timer in names and shell.link(f"/etc/systemd/system/{timer}") != "/dev/null" for timer in TIMERS):
        return True
    settings = dict(_settings(shell.read(AOU) or ""))
    categories = settings.get("AOU_PATCH_CATEGORIES", "").split()
    return (
        settings.get("AOU_ENABLE_CRONJOB", "").lower() == "true"
        and bool(shell.names("/etc/cron.*/opensuse.org-online_update"))
        and (not categories or "security" in categories)
    )


def _settings(text: str) -> Iterator[tuple[str, str]]:
    return ((key, value.strip()) for key, value in re.findall(r'(?m)^\s*([A-Z_]+)=["\']?([^"\'#\n]*)', text))


def oldest(rows: Iterable[Fetched]) -> datetime:
    """When the repository that waited longest was last fetched."""
    return min(row.fetched for row in rows)


def published(rows: tuple[Fetched, ...]) -> datetime:
    """The newest date among the repositories with patches (among all, when none has any)."""
    dates = [row.published for row in [row for row in rows if row.advisories] or rows if row.published]
    if not dates:
        raise Unparsable("no repomd.xml says when it was made")
    return max(dates)
