"""An SNMP agent out of a recording.

    about: "authored from documentation: ..."
    system: snmp
    at: 2026-11-22T03:00:00Z                       # when it was asked: uptimes count back from here
    security: v2c
    without_keys: false                            # optional: what was tried beside, see Snmp
    weak: true
    oids: |                                        # the lines of a snmprec file: OID|type|value
      1.3.6.1.2.1.1.1.0|4|Cisco IOS Software, ...
      1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1.1208
      1.3.6.1.2.1.2.2.1.6.1|4x|0011223344aa
    fails:                                         # below these OIDs no answer came
      1.3.6.1.2.1.17: {unreachable: no answer within 6 s}

What is not among the lines, the agent does not show: a recording is of the whole agent, as snmpsim makes it. A backslash
and n in a text are a line's end. Types: 2 int, 4 text, 4x hex, 6 OID, 64 IPv4, 65 66 67 70 unsigned.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from collectors import errors
from collectors.errors import Unparsable
from collectors.transports.base import Security, Value

_OUTCOMES = {
    "denied": errors.Denied,
    "unreachable": errors.Unreachable,
    "unsupported": errors.Unsupported,
    "unparsable": errors.Unparsable,
}


class ReplaySnmp:
    """Answers from a transcript."""

    def __init__(self, transcript: Mapping[str, Any]) -> None:
        self.values = dict(map(_line, filter(None, str(transcript.get("oids", "")).splitlines())))
        self._order = sorted((_numbers(oid), oid) for oid in self.values)
        self._fails: Mapping[str, Any] = transcript.get("fails") or {}
        self._without_keys: bool | None = transcript.get("without_keys")
        self._weak: bool | None = transcript.get("weak")
        self.security: Security = transcript.get("security", "v2c")
        self.at = datetime.fromisoformat(str(transcript.get("at", "2026-11-22T03:00:00Z"))).astimezone(UTC)

    async def get(self, *oids: str) -> Mapping[str, Value]:
        for oid in oids:
            self._raise(oid)
        return {oid: self.values[oid] for oid in oids if oid in self.values}

    async def walk(self, *columns: str, expect: int = 8) -> Mapping[str, Mapping[str, Value]]:
        return {column: self._below(column) for column in columns}

    def _below(self, column: str) -> dict[str, Value]:
        self._raise(column)
        rows = {}
        for _, oid in self._order[bisect_right(self._order, (_numbers(column), column)) :]:
            if not oid.startswith(f"{column}."):
                break
            rows[oid[len(column) + 1 :]] = self.values[oid]
        return rows

    async def answers_without_keys(self) -> bool | None:
        return self._without_keys

    async def weak_answered(self) -> bool | None:
        return self._weak

    def _raise(self, oid: str) -> None:
        for place, said in self._fails.items():
            if oid == place or oid.startswith(f"{place}."):
                for outcome, reason in said.items():
                    raise _OUTCOMES[outcome](str(reason))


def _line(line: str) -> tuple[str, Value]:
    oid, _, rest = line.strip().partition("|")
    kind, _, text = rest.partition("|")
    try:
        if kind == "4x":
            return oid, bytes.fromhex(text)
        if kind == "4":
            return oid, text.replace("\\n", "\n").encode()
        if kind in ("6", "64"):
            return oid, text
        if kind in ("2", "65", "66", "67", "70"):
            return oid, int(text)
    except ValueError:
        pass
    raise Unparsable(f"not a line of a recording: {line[:80]}")


def _numbers(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))
