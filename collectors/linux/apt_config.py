"""How is apt set up? Its merged configuration, its pins, and whether security updates install themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from collectors.errors import Unparsable, Unsupported
from collectors.linux.apt_lists import Release
from collectors.linux.dpkg import Package
from collectors.transports.base import Shell

# apt reads the parts in name order and the main file last; a part's name may end in .conf or have no dot at all
FILES = ("/etc/apt/apt.conf.d/*", "/etc/apt/apt.conf")
PREFERENCES = ("/etc/apt/preferences", "/etc/apt/preferences.d/*")
TIMER = "apt-daily-upgrade.timer"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_TOKEN = re.compile(r'\s+|//[^\n]*|/\*.*?\*/|(#(?!clear)[^\n]*)|("[^"]*")|([{};])|((?:[^\s{};"/]|/(?![/*]))+)', re.S)
_SHORT = {"o": "origin", "l": "label", "a": "suite", "archive": "suite", "n": "codename", "c": "component"}


def config(shell: Shell) -> Mapping[str, tuple[str, ...]]:
    """option -> its values, as apt merges them; names in small letters, as apt compares them.

    A list (`Origins-Pattern { "a"; "b"; };`) has its members; a plain option set twice has its last value.
    """
    merged: dict[str, tuple[str, ...]] = {}
    for path, text in shell.read_all(*FILES).items():
        if path == "/etc/apt/apt.conf" or _taken(path, "conf"):
            _merge(merged, path, text)
    return merged


def _taken(path: str, extension: str) -> bool:
    name = path.rpartition("/")[2]
    return bool(_NAME.fullmatch(name)) and ("." not in name or name.endswith(f".{extension}"))


def _merge(merged: dict[str, tuple[str, ...]], path: str, text: str) -> None:
    scope: list[str] = []
    words: list[str] = []
    for piece in _tokens(path, text):
        if piece == "{":
            scope.append("::".join([*scope[-1:], *(word.strip('"') for word in words)]))
            words = []
        elif piece in ("}", ";"):
            _assign(merged, scope[-1] if scope else "", words)
            words = []
            if piece == "}":
                if not scope:
                    raise Unparsable(f"{path}: a closing brace too many")
                scope.pop()
        else:
            words.append(piece)
    if scope or words:
        raise Unparsable(f"{path}: ends before its last statement does")


def _tokens(path: str, text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found or found.end() == at:
            raise Unparsable(f"{path}: cannot place {text[at : at + 40]!r}")
        at = found.end()
        if piece := found[2] or found[3] or found[4]:
            yield piece


def _assign(merged: dict[str, tuple[str, ...]], scope: str, words: list[str]) -> None:
    if not words:
        return
    if words[0] == "#clear":
        for name in words[1:]:
            doomed = name.lower()
            for key in [key for key in merged if key == doomed or key.startswith(f"{doomed}::")]:
                del merged[key]
        return
    if words[0].startswith('"'):  # a member of a list, without a name
        key, values = scope, words
    else:
        key, values = "::".join(part for part in (scope, words[0]) if part), words[1:]
    listed = words[0].startswith('"') or key.endswith("::")
    key = key.removesuffix("::").lower()
    value = " ".join(word.strip('"') for word in values)
    merged[key] = (*merged.get(key, ()), value) if listed else (value,)


def on(settings: Mapping[str, tuple[str, ...]], option: str) -> bool:
    """A period of APT::Periodic is set: a number of days, a span such as 12h, or always. Unset and 0 are off."""
    value = settings.get(option.lower(), ("0",))[-1]
    if not re.fullmatch(r"\d+[smhd]?|always", value):
        raise Unparsable(f"{option}: {value[:40]!r} is no period")
    return value == "always" or int(value.rstrip("smhd")) > 0


def automatic(
    shell: Shell, packages: Iterable[Package], pockets: Callable[[], tuple[Release, ...]], release: Mapping[str, str], live: bool
) -> bool:
    """Do security updates install themselves? Five things must come together; the first that is missing says no.

    The package, both periods of APT::Periodic, an allowed origin that covers the security pocket in the lists (a
    pattern with last release's code name covers nothing), and something that starts it.
    """
    if all(package.name != "unattended-upgrades" for package in packages):
        return False
    settings = config(shell)
    if settings.get("apt::periodic::enable", ("1",))[-1] == "0":
        return False
    if not (on(settings, "APT::Periodic::Unattended-Upgrade") and on(settings, "APT::Periodic::Update-Package-Lists")):
        return False
    covered = pockets()
    if not covered:
        raise Unsupported("unattended-upgrades is switched on, but no security list is known that it could install from")
    if not any(_covers(pattern, pocket, release) for pattern in _patterns(settings) for pocket in covered):
        return False
    return _started(shell, live)


def _patterns(settings: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, str]]:
    for text in settings.get("unattended-upgrade::allowed-origins", ()):
        origin, _, suite = text.rpartition(":") if ":" in text else text.rpartition(" ")
        yield {"origin": origin, "suite": suite}
    for text in settings.get("unattended-upgrade::origins-pattern", ()):
        parts = [part.strip().partition("=") for part in re.split(r"(?<!\\),", text)]
        yield {_SHORT.get(key, key): value for key, _, value in parts}


def _covers(pattern: Mapping[str, str], pocket: Release, release: Mapping[str, str]) -> bool:
    has = {
        "origin": pocket.origin,
        "label": pocket.label,
        "suite": pocket.suite,
        "codename": pocket.codename,
        "component": "main",
    }
    for key, wanted in pattern.items():
        filled = wanted.replace("${distro_id}", release.get("ID", "").capitalize())
        filled = filled.replace("${distro_codename}", release.get("VERSION_CODENAME", ""))
        # site= names a host: not in the Release file, so it is not counted as covering
        if key not in has or not fnmatchcase(has[key], filled):
            return False
    return bool(pattern)


def _started(shell: Shell, live: bool) -> bool:
    wanted = bool(shell.names(f"/etc/systemd/system/timers.target.wants/{TIMER}"))
    masked = shell.link(f"/etc/systemd/system/{TIMER}") == "/dev/null"
    if live and shell.stat("/run/systemd/system") is None:
        raise Unsupported(
            "unattended-upgrades is switched on, but no systemd runs here to start it; whether cron does was not looked at"
        )
    return wanted and not masked


def pins(shell: Shell) -> tuple[str, ...]:
    """`package: pin: priority` of every paragraph of the preferences files, in the order apt reads them."""
    found: list[str] = []
    for path, text in shell.read_all(*PREFERENCES).items():
        if path != PREFERENCES[0] and not _taken(path, "pref"):
            continue
        for stanza in re.split(r"\n[ \t]*\n", text):
            lines = [line for line in stanza.splitlines() if line.strip() and not line.startswith("#")]
            words = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*?)[ \t]*$", "\n".join(lines), re.M))
            if not {"Package", "Pin", "Pin-Priority"} <= words.keys():
                if words.keys() <= {"Explanation"}:
                    continue
                raise Unparsable(f"{path}: a paragraph without Package, Pin or Pin-Priority")
            found.append(f"{words['Package']}: {words['Pin']}: {words['Pin-Priority']}")
    return tuple(found)
