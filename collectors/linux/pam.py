"""Which PAM modules does a log-on really pass through? Stacks with their includes followed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from collectors.errors import Unparsable, Unsupported
from collectors.transports.base import Shell

_PLACES = ("/etc/pam.d", "/usr/etc/pam.d", "/usr/lib/pam.d")
"""The administrator's files win over the vendor's of the same name."""
_ASKED = ("sshd", "login", "passwd", "common-*", "system-auth*", "password-auth*")
"""Read in one go; what else is included is read when it is met."""
_MAX_DEPTH = 16

_MODULES = ("/usr/lib/*/security/*.so", "/usr/lib64/security/*.so", "/usr/lib/security/*.so")
_GUARDS = ("pam_faillock", "pam_tally", "pam_tally2", "pam_pwquality", "pam_cracklib", "pam_passwdqc", "pam_pwhistory")
"""Modules that only count when they are really there."""

ONE_TIME = frozenset({"pam_google_authenticator", "pam_oath", "pam_yubico", "pam_u2f"})
"""They ask for something that only the holder of a token has. Duo and RSA ask only those whom a file of their own names."""

_TYPES = ("auth", "account", "password", "session")
_ARGUMENT = re.compile(r"\[(?:\\\]|[^\]])*\]|\S+")
_STRICT = ("required", "requisite")


class Entry(NamedTuple):
    """One module of a stack."""

    module: str
    """Base name without .so: pam_unix."""
    control: str
    """required, requisite, sufficient, optional, or the text inside [ ]."""
    args: tuple[str, ...]

    def flag(self, name: str) -> bool:
        return name in self.args

    def values(self, name: str) -> tuple[str, ...]:
        """What stands behind `name=`, each time it is given."""
        return tuple(arg[len(name) + 1 :] for arg in self.args if arg.startswith(f"{name}="))

    def value(self, name: str) -> str | None:
        """The last one given: modules read their arguments from left to right."""
        return (self.values(name) or (None,))[-1]

    @property
    def binding(self) -> bool:
        """A no of this module ends in a no of the stack. `optional` and [default=ignore] only advise."""
        if "=" not in self.control:
            return self.control in _STRICT
        actions = dict(pair.partition("=")[::2] for pair in self.control.split())
        deciding = [actions.get(word, actions.get("default", "ignore")) for word in ("auth_err", "authtok_err", "perm_denied")]
        return any(action in ("bad", "die") for action in deciding)


class Step(NamedTuple):
    """One line of a stack as libpam numbers them: jumps count lines of their own level, and a substack as one."""

    level: int
    entry: Entry | None
    """None where a substack begins; its lines follow, one level deeper."""


class Pam:
    """The PAM configuration of a machine."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._texts: dict[str, str | None] = dict(shell.read_all(*(f"{place}/{name}" for place in _PLACES for name in _ASKED)))
        if not self._texts:
            raise Unsupported("no PAM configuration (/etc/pam.d) is seen here")

    def has(self, service: str) -> bool:
        return self._find(service) is not None

    def stack(self, service: str, kind: str) -> tuple[Entry, ...]:
        """The modules of one type in the order they are asked. A service without lines of that type, or without a file, has none of its own.

        Jumps and substack limits are not played through. Raises Unparsable for a line that cannot be placed and for a
        file that is included but does not exist: libpam refuses the whole service then.
        """
        return tuple(step.entry for step in self.steps(service, kind) if step.entry is not None)

    def steps(self, service: str, kind: str) -> tuple[Step, ...]:
        """The same with the levels of substacks, for whoever plays jumps through."""
        found = self._find(service)
        return () if found is None else tuple(self._walk(*found, kind, 0, 0))

    def _find(self, name: str) -> tuple[str, str] | None:
        if name.startswith("/"):
            text = self._read(name)
            return None if text is None else (name, text)
        for place in _PLACES:
            text = self._read(f"{place}/{name}")
            if text is not None:
                return f"{place}/{name}", text
        return None

    def _read(self, path: str) -> str | None:
        name = path.rpartition("/")[2]
        asked = any(name == one or (one.endswith("*") and name.startswith(one[:-1])) for one in _ASKED)
        if path not in self._texts and not (asked and path.rpartition("/")[0] in _PLACES):
            self._texts[path] = self._shell.read(path)
        return self._texts.get(path)

    def _walk(self, path: str, text: str, kind: str, depth: int, level: int) -> Iterator[Step]:
        if depth > _MAX_DEPTH:
            raise Unparsable(f"{path}: PAM files include each other without end")
        for number, line in _logical(text):
            parsed = parse_line(line)
            if parsed is None:
                raise Unparsable(f"{path} line {number}: not a line of a PAM stack")
            wanted, control, module, args = parsed
            if wanted not in (kind, "*"):
                continue
            if control in ("include", "substack", "@include"):
                found = self._find(module)
                if found is None:
                    raise Unparsable(f"{path} line {number}: includes {module}, which does not exist")
                if control == "substack":
                    yield Step(level, None)
                yield from self._walk(*found, kind, depth + 1, level + (control == "substack"))
            elif not line.startswith("-") or self._installed(module):
                yield Step(level, Entry(module.rpartition("/")[2].removesuffix(".so"), control, args))

    def _installed(self, module: str) -> bool:
        """For a line with - before its type: PAM passes over it without a word when the module is not there."""
        name = module.rpartition("/")[2].removesuffix(".so")
        if name not in _GUARDS and name not in ONE_TIME:
            return True
        if module.startswith("/"):
            return self._shell.stat(module) is not None
        found = [path for pattern in _MODULES for path in self._shell.names(pattern)]
        if not found:
            raise Unsupported(f"whether {name}, which the stack may do without, is installed is not seen")
        return any(path.rpartition("/")[2] == f"{name}.so" for path in found)


def parse_line(line: str) -> tuple[str, str, str, tuple[str, ...]] | None:
    """(type, control, module or file, arguments); type is * for Debian's @include. None for what is no such line."""
    if "\0" in line:
        return None
    if line.startswith("@include"):
        words = line.split()
        return ("*", "@include", words[1], ()) if len(words) == 2 and words[0] == "@include" else None
    words = _ARGUMENT.findall(line)
    if len(words) < 3 or words[0].lstrip("-").lower() not in _TYPES:
        return None
    control = words[1][1:-1].strip() if words[1].startswith("[") else words[1].lower()
    if words[1].startswith("[") != ("=" in control):
        return None
    # [key=two words] is one argument
    args = tuple(word[1:-1].replace("\\]", "]") if word.startswith("[") and word.endswith("]") else word for word in words[3:])
    return words[0].lstrip("-").lower(), control, words[2], args


def _logical(text: str) -> Iterator[tuple[int, str]]:
    held, start = "", 0
    for number, raw in enumerate(text.split("\n"), 1):
        start = start or number
        line = re.sub(r"(?<!\\)#.*", "", raw).rstrip()
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        whole = (held + line).strip()
        if whole:
            yield start, whole
        held, start = "", 0
    if held.strip():
        yield start, held.strip()


def settings(text: str) -> Mapping[str, str]:
    """`name = value` lines of pwquality.conf, faillock.conf, pwhistory.conf; a bare name is a flag with an empty value. The last one wins."""
    found = {}
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        if line:
            name, _, value = re.sub(r"\s*=\s*|\s+", "=", line, count=1).partition("=")
            found[name] = value.strip()
    return found
