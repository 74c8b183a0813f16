"""A recording played back, and the recorder that makes one.

transcript.yaml:

    about: Debian 12, recorded 2026-11-22          # or: "authored from documentation: <which>"
    privileged: true
    run:
      - {argv: [sshd, -T], status: 0, out: "...", err: ""}
      - {argv: [auditctl, -s], unreachable: "no answer within 20 s"}     # any outcome that is not an answer
    read:
      /etc/passwd: "root:x:0:0:..."
      /etc/motd: null                              # does not exist
      /etc/shadow: {denied: "/etc/shadow: permission denied"}
    read_all: {"/etc/ssh/sshd_config.d/*.conf": [/etc/ssh/sshd_config.d/a.conf]}    # texts stand under read
    names: {"/etc/rc2.d/S*": []}
    stat: {/etc/shadow: {mode: "0640", uid: 0, gid: 42, size: 900, mtime: 1795000000, directory: false}}
    link: {/etc/localtime: /usr/share/zoneinfo/Asia/Ho_Chi_Minh}
    stanzas: {"/var/lib/apt/lists/*_Packages*": [[path, {Package: bash, Version: 5.2}]]}

A Windows host answers one script. Its document is written as YAML, section by section, and framed when it is played:

    system: windows
    sections: {host: {state: ok, value: {...}}, ...}
    script: "..."                                  # instead of sections: the text as it came, or {denied: ...}

A network device answers commands with text, refusals included, as they came (see devices/witness.py):

    system: device
    platform: cisco_ios
    prompt: sw-core
    privileged: true
    commands:
      show version: "Cisco IOS Software, ..."
      show vstack config: "% Invalid input detected at '^' marker."
      show running-config: {file: running.txt}     # beside the transcript
      show running-config all: {same: show running-config}
      show inventory: {unreachable: "no prompt within 20 s"}

An SNMP agent answers OIDs: see transports/snmp_replay.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml

from collectors import errors
from collectors.errors import CollectError
from collectors.redact import redact
from collectors.transports.base import TIMEOUT, Answer, Shell, Stat, System
from collectors.transports.snmp_replay import ReplaySnmp

T = TypeVar("T")

_OUTCOMES = {
    "denied": errors.Denied,
    "unreachable": errors.Unreachable,
    "unsupported": errors.Unsupported,
    "unparsable": errors.Unparsable,
}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Only null, true, false and plain decimals are not text: a hand-written `Version: 1.10` must stay 1.10."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"-?(?:0|[1-9][0-9]*)$"), list("-0123456789"))


class NotRecorded(AssertionError):
    """The collector asked something the recording does not hold: a bug of the case or a new command."""


class ReplayShell:
    """Answers from a transcript; a question that is not in it is an error, so cases list every command we ever run."""

    def __init__(self, transcript: Mapping[str, Any]) -> None:
        self._transcript = transcript
        self._runs = {tuple(entry["argv"]): entry for entry in transcript.get("run", ())}

    @classmethod
    def load(cls, path: Path) -> ReplayShell:
        """Raises Unparsable when the file is no transcript."""
        return cls(_read(path))

    @property
    def privileged(self) -> bool:
        return bool(self._transcript.get("privileged", False))

    @property
    def system(self) -> System:
        return "windows" if self._transcript.get("system") == "windows" else "posix"

    def run_script(self, name: str, *, timeout: float) -> str:
        if self.system != "windows":
            raise errors.Unsupported(f"{name}: there is no PowerShell to ask on this system")
        if "script" in self._transcript:
            _raise_outcome(self._transcript["script"])
            return str(self._transcript["script"])
        from collectors.transports.windows import framed

        return framed(json.dumps({"schema": "rasoat-windows/1", "sections": self._transcript.get("sections", {})}))

    def run(self, *argv: str, root: bool = False, timeout: float = TIMEOUT) -> Answer:
        if argv not in self._runs:
            raise NotRecorded(f"run: {list(argv)}")
        entry = self._runs[argv]
        _raise_outcome(entry)
        return Answer(argv, int(entry.get("status", 0)), str(entry.get("out", "")), str(entry.get("err", "")))

    def read(self, path: str, *, root: bool = False) -> str | None:
        found = self._look("read", path)
        _raise_outcome(found)
        return None if found is None else str(found)

    def read_all(self, *patterns: str, root: bool = False) -> Mapping[str, str]:
        texts = {}
        for pattern in patterns:
            listed = self._look("read_all", pattern)
            _raise_outcome(listed)
            for path in listed:
                text = self.read(path)
                if text is not None:
                    texts[path] = text
        return texts

    def names(self, pattern: str, *, root: bool = False) -> tuple[str, ...]:
        found = self._look("names", pattern)
        _raise_outcome(found)
        return tuple(found)

    def stat(self, path: str, *, root: bool = False) -> Stat | None:
        found = self._look("stat", path)
        _raise_outcome(found)
        if found is None:
            return None
        return Stat(
            int(str(found["mode"]), 8), found["uid"], found["gid"], found["size"], float(found["mtime"]), found["directory"]
        )

    def link(self, path: str) -> str | None:
        found = self._look("link", path)
        _raise_outcome(found)
        return None if found is None else str(found)

    def stanzas(self, pattern: str, wanted: frozenset[str], fields: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, str]]]:
        found = self._look("stanzas", pattern)
        _raise_outcome(found)
        for path, stanza in found:
            if stanza.get("Package", next(iter(wanted), "")) in wanted:
                yield path, {field: str(value) for field, value in stanza.items()}

    def _look(self, table: str, key: str) -> Any:
        recorded = self._transcript.get(table) or {}
        if key not in recorded:
            raise NotRecorded(f"{table}: {key}")
        return recorded[key]


def _raise_outcome(entry: Any) -> None:
    if isinstance(entry, Mapping):
        for outcome, error in _OUTCOMES.items():
            if outcome in entry:
                raise error(str(entry[outcome]))


class ReplayDevice:
    """Answers of a network device from a transcript. Raises NotRecorded for a command it does not hold."""

    def __init__(self, transcript: Mapping[str, Any], folder: Path = Path()) -> None:
        self._commands: Mapping[str, Any] = transcript.get("commands") or {}
        self._folder = folder
        self.platform = str(transcript.get("platform", ""))
        self.prompt_name = str(transcript.get("prompt", ""))
        self.privileged = bool(transcript.get("privileged", False))
        self.legacy_crypto: bool | None = transcript.get("legacy_crypto")

    def ask(self, command: str, *, timeout: float = TIMEOUT) -> str:
        if command not in self._commands:
            raise NotRecorded(f"ask: {command}")
        found = self._commands[command]
        if isinstance(found, Mapping):
            if "same" in found:
                return self.ask(str(found["same"]), timeout=timeout)
            if "file" in found:
                return (self._folder / str(found["file"])).read_text("utf-8", "replace")
            _raise_outcome(found)
            raise errors.Unparsable(f"{command}: the transcript holds neither text nor an outcome")
        return "" if found is None else str(found)


def load(path: Path) -> ReplayShell | ReplayDevice | ReplaySnmp:
    """What a transcript is a recording of. Raises Unparsable when the file is no transcript."""
    transcript = _read(path)
    if transcript.get("system") == "snmp":
        return ReplaySnmp(transcript)
    if transcript.get("system") == "device":
        return ReplayDevice(transcript, path.parent)
    return ReplayShell(transcript)


def _read(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506  (a safe loader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise errors.Unparsable(f"{path}: {error}") from None
    if not isinstance(loaded, dict):
        raise errors.Unparsable(f"{path}: not a transcript")
    return loaded


class Recorder:
    """Wraps a Shell; `transcript()` is what it answered, redacted, ready to be written as transcript.yaml."""

    def __init__(self, shell: Shell, about: str) -> None:
        self._shell = shell
        self._runs: list[dict[str, Any]] = []
        self._tables: dict[str, Any] = {"read": {}, "read_all": {}, "names": {}, "stat": {}, "link": {}, "stanzas": {}}
        self._about = about

    def transcript(self) -> dict[str, Any]:
        tables = {name: table for name, table in self._tables.items() if table}
        return {"about": self._about, "privileged": self.privileged, "run": self._runs, **tables}

    @property
    def privileged(self) -> bool:
        return self._shell.privileged

    @property
    def system(self) -> System:
        return self._shell.system

    def run_script(self, name: str, *, timeout: float) -> str:
        self._tables["system"] = self._shell.system
        try:
            text = redact(self._shell.run_script(name, timeout=timeout))
        except CollectError as error:
            self._tables["script"] = {error.outcome: redact(str(error))}
            raise
        self._tables["script"] = text
        return text

    def run(self, *argv: str, root: bool = False, timeout: float = TIMEOUT) -> Answer:
        entry: dict[str, Any] = {"argv": list(argv)}
        if all(run["argv"] != list(argv) for run in self._runs):
            self._runs.append(entry)
        try:
            answer = self._shell.run(*argv, root=root, timeout=timeout)
        except CollectError as error:
            entry[error.outcome] = redact(str(error))
            raise
        clean = Answer(argv, answer.status, redact(answer.out), redact(answer.err))
        entry.update(status=clean.status, out=clean.out, err=clean.err)
        return clean

    def read(self, path: str, *, root: bool = False) -> str | None:
        def ask() -> str | None:
            text = self._shell.read(path, root=root)
            return None if text is None else redact(text, path)

        return self._kept("read", path, ask)

    def read_all(self, *patterns: str, root: bool = False) -> Mapping[str, str]:
        texts: dict[str, str] = {}
        for pattern in patterns:

            def ask(pattern: str = pattern) -> dict[str, str]:
                return {path: redact(text, path) for path, text in self._shell.read_all(pattern, root=root).items()}

            found = self._kept("read_all", pattern, ask)
            if isinstance(found, dict):
                self._tables["read_all"][pattern] = list(found)
                self._tables["read"].update(found)
                texts.update(found)
        return texts

    def names(self, pattern: str, *, root: bool = False) -> tuple[str, ...]:
        found = self._kept("names", pattern, lambda: self._shell.names(pattern, root=root))
        self._tables["names"][pattern] = list(found)
        return found

    def stat(self, path: str, *, root: bool = False) -> Stat | None:
        found = self._kept("stat", path, lambda: self._shell.stat(path, root=root))
        self._tables["stat"][path] = None if found is None else {**found._asdict(), "mode": f"{found.mode:04o}"}
        return found

    def link(self, path: str) -> str | None:
        return self._kept("link", path, lambda: self._shell.link(path))

    def stanzas(self, pattern: str, wanted: frozenset[str], fields: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, str]]]:
        kept: list[Any] = []
        self._tables["stanzas"][pattern] = kept
        try:
            for path, stanza in self._shell.stanzas(pattern, wanted, fields):
                kept.append([path, dict(stanza)])
                yield path, stanza
        except CollectError as error:
            # what came before the failure must not be played back as the whole
            self._tables["stanzas"][pattern] = {error.outcome: redact(str(error))}
            raise

    def _kept(self, table: str, key: str, ask: Callable[[], T]) -> T:
        try:
            value = ask()
        except CollectError as error:
            self._tables[table][key] = {error.outcome: redact(str(error))}
            raise
        self._tables[table][key] = value
        return value
