"""What vendors keep in the registry about their protection. Written from others' documentation; none was tried on a real machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Final

from collectors.errors import Unparsable, Unsupported
from collectors.windows.document import Section
from collectors.windows.registry import Registry, dword

_SOFTWARE: Final = r"HKLM:\SOFTWARE"
_WOW: Final = r"HKLM:\SOFTWARE\WOW6432Node"


class Vendor:
    """What one vendor's keys tell; each question raises a CollectError where they do not."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def version(self) -> str:
        raise Unsupported("its keys tell no version")

    def signatures(self) -> datetime:
        raise Unsupported("its keys tell no date of signatures")

    def realtime(self) -> bool:
        raise Unsupported("its keys do not tell whether files are scanned when they are used")

    def last_full_scan(self) -> datetime:
        raise Unsupported("its keys tell no scan")

    def managed(self) -> bool:
        raise Unsupported("its keys tell no console")

    def _key(self, *paths: str) -> Section:
        for path in paths:
            found = self._registry.key(path)
            if found is not None:
                return found
        raise Unsupported(f"{paths[0]} is not there")


class Kaspersky(Vendor):
    """AVState of the administration agent: dd-MM-yyyy HH-mm-ss, UTC."""

    _STATE = r"KasperskyLab\Components\34\1103\1.0.0.0\Statistics\AVState"

    def _state(self) -> Section:
        return self._key(rf"{_SOFTWARE}\{self._STATE}", rf"{_WOW}\{self._STATE}")

    def _when(self, name: str) -> datetime:
        text = self._state().text(name)
        if text is None:
            raise Unsupported(f"{name} is not there")
        try:
            return datetime.strptime(text, "%d-%m-%Y %H-%M-%S").replace(tzinfo=UTC)
        except ValueError:
            raise Unparsable(f"{name} is {text[:40]!r}, no date as Kaspersky writes it") from None

    def signatures(self) -> datetime:
        return self._when("Protection_BasesDate")

    def realtime(self) -> bool:
        state = dword(self._state(), "Protection_RtpState")
        if state is None:
            raise Unsupported("Protection_RtpState is not there")
        # as its administration server counts: 1 stopped, 2 paused, 3 starting, 4 to 8 running at some level, 9 failed
        if 4 <= state <= 8:
            return True
        if state in (1, 2, 3, 9):
            return False
        raise Unparsable(f"Protection_RtpState is {state}")

    def last_full_scan(self) -> datetime:
        return self._when("Protection_LastFscan")

    def managed(self) -> bool:
        return self._when("Protection_LastConnected") is not None


class Eset(Vendor):
    """ScannerVersion holds its date in brackets: 30123 (20261120)."""

    def _info(self) -> Section:
        return self._key(rf"{_SOFTWARE}\ESET\ESET Security\CurrentVersion\Info")

    def version(self) -> str:
        found = self._info().text("ProductVersion")
        if found is None:
            raise Unsupported("ProductVersion is not there")
        return found

    def signatures(self) -> datetime:
        found = re.search(r"\((\d{8})\)", self._info().text("ScannerVersion") or "")
        if not found:
            raise Unparsable("ScannerVersion holds no date in brackets")
        return day(found[1])


class Trend(Vendor):
    """OfficeScan's keys, which Apex One kept."""

    _MISC = r"TrendMicro\PC-cillinNTCorp\CurrentVersion\Misc."
    _SCAN = r"TrendMicro\PC-cillinNTCorp\CurrentVersion\Real Time Scan Configuration"

    def _misc(self) -> Section:
        return self._key(rf"{_WOW}\{self._MISC}", rf"{_SOFTWARE}\{self._MISC}")

    def version(self) -> str:
        found = self._misc().text("TmListen_Ver") or self._misc().text("ProgramVer")
        if found is None:
            raise Unsupported("TmListen_Ver is not there")
        return found

    def signatures(self) -> datetime:
        return day(self._misc().text("PatternDate") or "")

    def realtime(self) -> bool:
        found = dword(self._key(rf"{_WOW}\{self._SCAN}", rf"{_SOFTWARE}\{self._SCAN}"), "Enable")
        if found is None:
            raise Unsupported("Real Time Scan Configuration holds no Enable")
        return found == 1


class Symantec(Vendor):
    """The part of the registry that the vendor opened to others."""

    _ROOT = rf"{_SOFTWARE}\Symantec\Symantec Endpoint Protection\CurrentVersion"

    def version(self) -> str:
        found = self._key(self._ROOT).text("PRODUCTVERSION")
        if found is None:
            raise Unsupported("PRODUCTVERSION is not there")
        return found

    def signatures(self) -> datetime:
        return day((self._key(rf"{self._ROOT}\public-opstate").text("LatestVirusDefsDate") or "").replace("-", ""))

    def realtime(self) -> bool:
        key = self._key(rf"{self._ROOT}\public-opstate")
        states = [dword(key, name) for name in ("AVRunningStatus", "ASRunningStatus")]
        if None in states:
            raise Unsupported("public-opstate does not tell both AVRunningStatus and ASRunningStatus")
        return states == [1, 1]


class Trellix(Vendor):
    """Endpoint Security 10 and later."""

    def version(self) -> str:
        found = self._key(rf"{_SOFTWARE}\McAfee\Endpoint\AV").text("ProductVersion")
        if found is None:
            raise Unsupported("ProductVersion is not there")
        return found

    def signatures(self) -> datetime:
        text = self._key(rf"{_SOFTWARE}\McAfee\AVSolution\DS\DS").text("szContentCreationDate") or ""
        return day(text[:10].replace("-", "").replace("/", ""))

    def realtime(self) -> bool:
        found = dword(self._key(rf"{_SOFTWARE}\McAfee\AVSolution\MCSHIELDGLOBAL\GLOBAL"), "enableoas")
        if found is None:
            raise Unsupported("enableoas is not there")
        return found == 1


def day(text: str) -> datetime:
    """YYYYMMDD, as the start of that day. Raises Unparsable."""
    if not re.fullmatch(r"20\d{6}", text, re.A):
        raise Unparsable(f"{text[:40]!r} is no date of the form YYYYMMDD")
    try:
        return datetime.combine(date(int(text[:4]), int(text[4:6]), int(text[6:])), time(), UTC)
    except ValueError:
        raise Unparsable(f"{text} is no date") from None


READERS: dict[str, Callable[[Registry], Vendor]] = {
    "kaspersky": Kaspersky, "eset": Eset, "trend": Trend, "symantec": Symantec, "trellix": Trellix, "none": Vendor,
}  # fmt: skip
