"""A POSIX host behind SSH, asked with paramiko: nothing is installed there, nothing is written there.

Every question is one exec of the same constant command line, `env -i PATH=... LC_ALL=C sh`; what to do goes to that
sh on its standard input. So neither the log-on shell's quoting nor the locale our side sends (AcceptEnv LANG LC_*) can
change an answer, and what .bashrc prints comes before the mark that begins it.
"""

from __future__ import annotations

import logging
import os
import secrets
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from collectors.credential import Credential
from collectors.errors import CollectError, Denied, Unparsable, Unsupported
from collectors.model import Target
from collectors.redact import redact
from collectors.transports import posix_files as files
from collectors.transports.base import MAX_BYTES, TIMEOUT, Answer, Stat, System
from collectors.transports.local import ENVIRONMENT
from collectors.transports.ssh_line import Line, Spoken

if TYPE_CHECKING:
    import paramiko

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0
LISTS_TIMEOUT = 60.0
"""Seconds to filter all package lists on the target."""
MAX_FILES = 4 * MAX_BYTES
"""Bytes of one answer about several files."""

CLEAN = "env -i " + " ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())
PLAIN = f"{CLEAN} sh"
AS_ROOT = f"{CLEAN} sudo -n -- sh"


class SshShell:
    """A Shell over one connection. Use as a context manager: `with SshShell.connect(target, credential) as shell`."""

    def __init__(self, transport: paramiko.Transport, credential: Credential, place: str) -> None:
        self._line = Line(transport, place)
        self._credential = credential
        self._place = place
        self._privileged = False
        self._root_refused = ""

    @classmethod
    def connect(
        cls,
        target: Target,
        credential: Credential,
        known_hosts: Path | None = None,
        *,
        also_known: Sequence[Path] | None = None,
        timeout: float = CONNECT_TIMEOUT,
    ) -> SshShell:
        """Log on, once: no second method and no second key is ever tried, so no account is locked by us.

        Host keys are looked up in `known_hosts` (where a new one would be accepted) and in `also_known`, which is the
        user's and the system's own files unless given. Raises Unreachable, UnknownHost or Denied with what to do, and
        Unsupported when no POSIX shell answers.
        """
        from collectors.transports.ssh_connect import logged_on

        place = f"{target.address or target.name}:{target.port or 22}"
        shell = cls(logged_on(target, credential, known_hosts, also_known, timeout), credential, place)
        try:
            shell._look_around()
        except BaseException:
            shell.close()
            raise
        return shell

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._line.close()

    @property
    def privileged(self) -> bool:
        return self._privileged

    @property
    def system(self) -> System:
        return "posix"

    def run_script(self, name: str, *, timeout: float) -> str:
        raise Unsupported(f"{name}: there is no PowerShell to ask on this system")

    def run(self, *argv: str, root: bool = False, timeout: float = TIMEOUT) -> Answer:
        sudo = root and self._sudo
        mark = secrets.token_hex(16)
        words = ["sudo", "-n", "--", *argv] if sudo else list(argv)
        script = f"cd /\nprintf '%s%s %s' {mark} $$ {mark}\nprintf '%s' {mark} >&2\nexec {shlex.join(words)} </dev/null\n"
        spoken = self._line.ask(PLAIN, script.encode("utf-8", "surrogateescape"), timeout, MAX_BYTES + 4096, argv[0], mark)
        out = _after(spoken.out, mark, 2)
        if out is None:
            raise Unsupported(f"{self._place}: {_no_shell(spoken)}")
        err = _after(spoken.err, mark, 1) or b""
        if len(out) + len(err) > MAX_BYTES:
            raise Unparsable(f"{argv[0]}: answered more than {MAX_BYTES >> 20} MiB")
        return self._judged(argv, spoken.status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), sudo)

    def read(self, path: str, *, root: bool = False) -> str | None:
        try:
            rows = self._ask(files.script(files.call("read_one", path)), root)
            return files.text_of(rows[0]) if rows else None
        except Denied as error:
            if not (root and self._root_refused):
                raise
            # sudo may allow this one file where it refuses a whole shell
            try:
                return self.run("cat", path, root=True).require()
            except CollectError:
                raise self._with_advice(error, f"cat {path}") from None

    def read_all(self, *patterns: str, root: bool = False) -> Mapping[str, str]:
        texts: dict[str, str] = {}
        asked = files.script(*(line for pattern in patterns for line in _separately("read_regular", pattern)))
        for rows in _by_pattern(self._advised(asked, root, patterns), len(patterns)):
            for row in sorted(rows, key=lambda row: row.path):
                text = files.text_of(row)
                if text is not None:
                    texts.setdefault(row.path, text)
        return texts

    def names(self, pattern: str, *, root: bool = False) -> tuple[str, ...]:
        rows = self._advised(files.script(files.matching("name", pattern)), root, (pattern,))
        for row in rows:
            _raise_failure(row)
        # a pattern that begins with a dot matches . and .. in some shells
        return tuple(sorted(row.path for row in rows if row.verb == "name" and not row.path.endswith(("/.", "/.."))))

    def stat(self, path: str, *, root: bool = False) -> Stat | None:
        for row in self._advised(files.script(files.call("status", path)), root, (path,)):
            _raise_failure(row)
            if row.verb == "status":
                return files.stat_of(row)
        return None

    def link(self, path: str) -> str | None:
        for row in self._ask(files.script(files.call("link", path)), root=False):
            _raise_failure(row)
            if row.verb == "link":
                return os.fsdecode(row.body)
        return None

    def stanzas(self, pattern: str, wanted: frozenset[str], fields: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, str]]]:
        question = files.script(files.matching("stanzas", pattern), stanza_fields=fields, wanted=wanted)
        for row in sorted(self._ask(question, root=False, timeout=LISTS_TIMEOUT), key=lambda row: row.path):
            _raise_failure(row)
            if row.verb == "stanzas":
                yield from files.stanzas_of(row)

    @property
    def _sudo(self) -> bool:
        return self._credential.sudo and not self._is_root

    def _look_around(self) -> None:
        """Who are we there, and does sudo let us have a shell?"""
        self._is_root = True  # until asked: no sudo
        self._is_root = self._uid(self._ask(files.script(_WHO), root=False)) == b"0"
        self._privileged = self._is_root
        if self._sudo:
            self._privileged = self._uid(self._ask(files.script(_WHO), root=True)) == b"0"

    @staticmethod
    def _uid(rows: tuple[files.Record, ...]) -> bytes:
        return rows[0].body.strip() if rows else b""

    def _ask(self, question: files.Script, root: bool, timeout: float = TIMEOUT) -> tuple[files.Record, ...]:
        """The records of a question about files; without sudo where sudo refuses a shell."""
        sudo = root and self._sudo and not self._root_refused
        spoken = self._line.ask(AS_ROOT if sudo else PLAIN, question.text, timeout, MAX_FILES, "files")
        if len(spoken.out) >= MAX_FILES:
            raise Unparsable(f"files: more than {MAX_FILES >> 20} MiB in one answer")
        rows = question.records(spoken.out)
        if rows is not None:
            return rows
        if sudo:
            said = spoken.err.decode("utf-8", "replace").strip()
            self._root_refused = said.splitlines()[-1][:200] if said else "sudo gave no shell"
            log.info("%s: %s", self._place, redact(self._root_refused))
            return self._ask(question, root=False, timeout=timeout)
        raise Unsupported(f"{self._place}: {_no_shell(spoken)}")

    def _advised(self, question: files.Script, root: bool, what: tuple[str, ...]) -> tuple[files.Record, ...]:
        """_ask, and what to put in sudoers when something is denied that sudo could have shown."""
        rows = self._ask(question, root)
        if root and self._root_refused:
            for row in rows:
                try:
                    _raise_failure(row)
                except Denied as error:
                    raise self._with_advice(error, "sh") from None
        return rows

    def _with_advice(self, error: CollectError, command: str) -> Denied:
        program, _, rest = command.partition(" ")
        return Denied(
            f"{str(error).partition(';')[0]}; sudo on {self._place} refuses it ({redact(self._root_refused)}); "
            f"allow it in sudoers: {self._sudoers(program, rest)}"
        )

    def _sudoers(self, program: str, rest: str) -> str:
        path = program
        rows = self._ask(files.script(f'record where "$(command -v {shlex.quote(program)})" "" ""'), root=False)
        if rows and rows[0].path.startswith("/"):
            path = rows[0].path
        # in sudoers these have a meaning of their own
        safe = "".join("\\" + letter if letter in ",:=\\" else letter for letter in rest)
        return f"{self._credential.user} ALL=(root) NOPASSWD: {path} {safe}".rstrip()

    def _judged(self, argv: tuple[str, ...], status: int, out: str, err: str, sudo: bool) -> Answer:
        name = argv[0]
        lines = [line for line in err.splitlines(keepends=True) if not line.startswith("sudo: unable to resolve host")]
        if not sudo:
            if status == 127:
                return Answer(argv, 127, "", f"{name}: not found")
            if status == 126 and "Permission denied" in err:
                raise Denied(f"{name}: permission denied; run as root to see it")
            return Answer(argv, status, out, err)
        err = "".join(lines)
        if status == 127 and "sudo" in err and "not found" in err:
            raise Denied(f"{name}: sudo is not installed on {self._place}; log on as root, or install sudo")
        if status == 1 and f"sudo: {name}: command not found" in err:
            return Answer(argv, 127, "", f"{name}: not found")
        refusal = next((line.strip() for line in lines if _refused(line)), None) if status else None
        if refusal is None:
            return Answer(argv, status, out, err)
        rows = self._ask(files.script(f'record where "$(command -v {shlex.quote(name)})" "" ""'), root=False)
        if not (rows and rows[0].path):
            return Answer(argv, 127, "", f"{name}: not found")
        advice = self._sudoers(name, " ".join(argv[1:]))
        raise Denied(f"{name}: sudo on {self._place} refuses it ({redact(refusal)}); allow it in sudoers: {advice}")


_WHO = 'record who "" "$(id -u)" ""'
_NEXT = "record next '' '' ''"

_REFUSALS = (
    "a password is required",
    "a terminal is required",
    "no tty present",
    "must have a tty",
    "authentication is required",
    "not in the sudoers file",
    "may not run sudo",
    "not allowed to execute",
    "account validation failure",
    "account or password is expired",
    "afraid i can't do that",
    "effective uid is not 0",
    "no new privileges",
)


def _refused(line: str) -> bool:
    said = line.lower()
    return any(words in said for words in _REFUSALS) and ("sudo" in said or said.startswith("sorry, user"))


def _after(raw: bytes, mark: str, times: int) -> bytes | None:
    """What follows the mark's last expected appearance; None when it never came."""
    pieces = raw.split(mark.encode(), times)
    return pieces[times] if len(pieces) > times else None


def _no_shell(spoken: Spoken) -> str:
    said = (spoken.out.strip() or spoken.err.strip()).decode("utf-8", "replace").splitlines()
    what = f": {redact(said[0][:120])}" if said else ""
    return f"no POSIX shell answers for this account{what}; give it a log-on shell such as /bin/sh"


def _separately(function: str, pattern: str) -> tuple[str, str]:
    return files.matching(function, pattern), _NEXT


def _by_pattern(rows: Sequence[files.Record], count: int) -> Iterator[list[files.Record]]:
    at = 0
    for _ in range(count):
        group = []
        while rows[at].verb != "next":
            group.append(rows[at])
            at += 1
        at += 1
        yield group


def _raise_failure(row: files.Record) -> None:
    if row.verb == "error" or row.note:
        problem = files.failure(row.path, row.note)
        if problem:
            raise problem
