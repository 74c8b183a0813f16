"""The document that collect.ps1 writes: taken out of its frame, and each section's answer or why there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from collectors.errors import CollectError, Denied, Unparsable, Unreachable, Unsupported
from collectors.transports.base import Shell

SCHEMA: Final = "rasoat-windows/1"
SECONDS: Final = 170.0
"""The whole script; it gives up on each of its slow questions long before."""

_FRAME = re.compile(r"^RASOAT-BEGIN\s*$(?P<body>.*)^RASOAT-END (?P<size>\d+)\s*$", re.M | re.S)
_LINE = re.compile(r"^\|(.*)\|\s*$", re.M)
_BEGUN = re.compile(r"^RASOAT-BEGIN\s*$", re.M)
_STAMP = "%Y-%m-%dT%H:%M:%SZ"


class Section:
    """One section's value: an object of JSON, read with the types that are expected of it."""

    def __init__(self, name: str, value: Mapping[str, Any]) -> None:
        self._name = name
        self._value = value

    def __contains__(self, key: str) -> bool:
        return self._value.get(key) is not None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._value)

    def rows(self, key: str = "rows") -> tuple[Section, ...]:
        """The rows of a list; PowerShell's null for an empty pipeline is no row."""
        found = self._value.get(key)
        if not isinstance(found, list):
            raise Unparsable(f"{self._name}: {key} is not a list")
        rows = [row for row in found if row is not None]
        if not all(isinstance(row, dict) for row in rows):
            raise Unparsable(f"{self._name}: {key} holds something that is no row")
        return tuple(Section(f"{self._name}.{key}", row) for row in rows)

    def only(self) -> Section:
        """The one row of a class that has one instance."""
        rows = self.rows()
        if len(rows) != 1:
            raise Unparsable(f"{self._name}: {len(rows)} rows where there is always one")
        return rows[0]

    def part(self, key: str) -> Section:
        found = self._value.get(key)
        if not isinstance(found, dict):
            raise Unparsable(f"{self._name}: {key} is missing")
        return Section(f"{self._name}.{key}", found)

    def state(self, key: str) -> Section | None:
        """A part that has a state of its own, such as a registry key. None: it is absent there."""
        return _answered(f"{self._name}: {key}", self._value.get(key))

    def text(self, key: str) -> str | None:
        """None where it is null or empty: CIM writes both for "nothing known"."""
        found = self._value.get(key)
        if found is None or found == "":
            return None
        if not isinstance(found, str):
            raise Unparsable(f"{self._name}: {key} is not text")
        return found

    def number(self, key: str) -> int | None:
        found = self._value.get(key)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int):
            raise Unparsable(f"{self._name}: {key} is not a number")
        return found

    def yes(self, key: str) -> bool | None:
        found = self._value.get(key)
        if found is None or isinstance(found, bool):
            return found
        raise Unparsable(f"{self._name}: {key} is neither true nor false")

    def date(self, key: str) -> datetime | None:
        """UTC. The year 1899 or 1601 is how Windows writes "never"; that is None, and the caller says what it means."""
        found = self.text(key)
        if found is None:
            return None
        try:
            when = datetime.strptime(found, _STAMP).replace(tzinfo=UTC)
        except ValueError:
            raise Unparsable(f"{self._name}: {key} is no date of the form 2026-11-22T01:02:03Z") from None
        return when if when.year >= 1970 else None

    def hexed(self, key: str) -> bytes | None:
        found = self._value.get(key)
        if found is None:
            return None
        if not (isinstance(found, dict) and isinstance(found.get("hex"), str) and set(found) == {"hex"}):
            raise Unparsable(f"{self._name}: {key} is no string of bytes")
        try:
            return bytes.fromhex(found["hex"])
        except ValueError:
            raise Unparsable(f"{self._name}: {key} is no string of bytes") from None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; () where it is null."""
        found = self._value.get(key)
        if found is None:
            return ()
        if isinstance(found, str):
            return (found,)
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found if one is not None):
            raise Unparsable(f"{self._name}: {key} is no list of texts")
        return tuple(one for one in found if one is not None)

    def numbers(self, key: str) -> tuple[int, ...]:
        found = self._value.get(key)
        if found is None:
            return ()
        listed = found if isinstance(found, list) else [found]
        if not all(isinstance(one, int) and not isinstance(one, bool) for one in listed if one is not None):
            raise Unparsable(f"{self._name}: {key} is no list of numbers")
        return tuple(one for one in listed if one is not None)


class Document:
    """Everything that collect.ps1 answered."""

    def __init__(self, sections: Mapping[str, Any]) -> None:
        self._sections = sections

    def section(self, name: str) -> Section:
        """Raises Denied, Unreachable or Unparsable as the section ended, Unsupported where it is absent."""
        found = self.found(name)
        if found is None:
            raise Unsupported(f"{name}: {self._reason(name) or 'there is nothing of the kind on this Windows'}")
        return found

    def found(self, name: str) -> Section | None:
        """None: looked for, and not there (no such class, namespace or key)."""
        if name not in self._sections:
            raise Unparsable(f"the document has no section {name}")
        return _answered(name, self._sections[name])

    def _reason(self, name: str) -> str:
        return _said(self._sections[name])


def document(shell: Shell) -> Document:
    """Runs collect.ps1, once per target: the Witness remembers the text, and all facts rest on it.

    Raises Unparsable for anything but a whole document: a cut one, or none with exit status 0, is no answer.
    """
    return parse(shell.run_script("collect.ps1", timeout=SECONDS))


def parse(text: str) -> Document:
    frame = _FRAME.search(text)
    if frame is None:
        if _BEGUN.search(text):
            raise Unparsable("collect.ps1: its answer is cut off")
        raise Unparsable("collect.ps1: PowerShell ended without an answer (a policy may forbid scripts)")
    body = "".join(_LINE.findall(frame["body"]))
    if len(body) != int(frame["size"]):
        raise Unparsable(f"collect.ps1: {len(body)} characters came of {frame['size']}")
    try:
        # lone halves of a surrogate pair are legal in Windows names and in no UTF-8
        loaded = json.loads(body, parse_constant=_no_constant)
        clean = json.loads(json.dumps(loaded, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except (ValueError, RecursionError):
        raise Unparsable("collect.ps1: what it wrote is no JSON") from None
    if (
        not isinstance(clean, dict)
        or clean.get("schema") != SCHEMA
        or not isinstance(clean.get("sections"), dict)
        or not clean["sections"]
    ):
        raise Unparsable(f"collect.ps1: not a document of the form {SCHEMA}")
    _whole_registry(clean["sections"].get("host"))
    return Document(clean["sections"])


def _whole_registry(host: Any) -> None:
    """A 32-bit PowerShell on a 64-bit Windows is shown another registry and another System32: what is not there need not be absent."""
    value = host.get("value") if isinstance(host, dict) else None
    if isinstance(value, dict) and value.get("wow64") is True:
        raise Unsupported("collect.ps1: started by a 32-bit PowerShell on a 64-bit Windows; start the 64-bit one")


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def _answered(name: str, entry: Any) -> Section | None:
    if not isinstance(entry, dict):
        raise Unparsable(f"{name}: the document does not say how it ended")
    state, value = entry.get("state"), entry.get("value")
    if state == "ok":
        if not isinstance(value, dict):
            raise Unparsable(f"{name}: an answer without a value")
        return Section(name, value)
    if state == "absent":
        return None
    raise _failure(name, str(state), _said(entry))


def _failure(name: str, state: str, said: str) -> CollectError:
    if state == "denied":
        if said.startswith("CLM"):
            return Denied(
                f"{name}: PowerShell runs in Constrained Language Mode (AppLocker or WDAC), which refuses this question"
            )
        return Denied(f"{name}: run as administrator to see it")
    if state != "error":
        return Unparsable(f"{name}: the document does not say how it ended")
    if said.startswith("timeout"):
        return Unreachable(f"{name}: {said}")
    if "CommandNotFound" in said:
        return Unsupported(f"{name}: this Windows has no such command")
    return Unparsable(f"{name}: {said or 'failed without a word'}")


def _said(entry: Any) -> str:
    said = entry.get("error") if isinstance(entry, dict) else None
    return str(said).strip()[:300] if said else ""
