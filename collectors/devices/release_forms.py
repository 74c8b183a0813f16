"""How each maker numbers the releases of a network OS, so that two of one train can be compared. A form nobody laid down here is Unparsable.

Only releases of one train compare: 15.2(7)E9 says nothing of 15.7(3)M8, and a release of another train is not "newer".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from collectors.errors import Unparsable
from collectors.model import Platform


class Release(NamedTuple):
    """A version taken apart."""

    train: str
    """The line the maker gives dates and fixes for, as the table names it."""
    base: tuple[int, ...]
    """Its place in the train."""
    rebuild: tuple[int, ...]
    """Fixes put upon that very release: rebuild, service release, hotfix, patch."""

    @property
    def place(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return self.base, self.rebuild


def _number(text: str | None) -> int:
    return int(text) if text else 0


def _letter(text: str | None) -> int:
    return ord(text) - ord("a") + 1 if text else 0


def _ios(found: re.Match[str]) -> Release:
    """15.2(7)E9, 12.4(25g), 15.1(4)M12a: major.minor and the letters are the train."""
    return Release(
        f"{int(found[1])}.{int(found[2])}{found[5]}",
        (int(found[3]), _letter(found[4])),
        (_number(found[6]), _letter(found[7])),
    )


def _ios_xe(found: re.Match[str]) -> Release:
    """17.9.4a, 17.03.04b."""
    return Release(f"{int(found[1])}.{int(found[2])}", (int(found[3]),), (_letter(found[4]),))


def _nxos(found: re.Match[str]) -> Release:
    """9.3(12), 10.3(4a), 7.3(7)N1(1): the letter after the bracket is the train of a hardware family."""
    return Release(
        f"{int(found[1])}.{int(found[2])}{found[5] or ''}",
        (int(found[3]), _letter(found[4]), _number(found[6])),
        (_number(found[7]), _letter(found[8])),
    )


def _asa(found: re.Match[str]) -> Release:
    """9.16(4)18, which advisories also write 9.16.4.18."""
    return Release(f"{int(found[1])}.{int(found[2])}", (int(found[3] or found[5]),), (_number(found[4] or found[6]),))


def _junos(found: re.Match[str]) -> Release:
    """21.4R3-S5.4: the last number is the build; without it the first build is meant."""
    evolved = "-EVO" if found[6] else ""
    return Release(f"{int(found[1])}.{int(found[2])}{evolved}", (int(found[3]),), (_number(found[4]), _number(found[5])))


def _junos_x(found: re.Match[str]) -> Release:
    """15.1X49-D110.4: a special line of one hardware family."""
    return Release(f"{int(found[1])}.{int(found[2])}X{int(found[3])}", (int(found[4]),), (_number(found[5]),))


def _dotted(found: re.Match[str]) -> Release:
    """7.4.3, 10.2.9-h1, 4.30.5M, 4.30.5.1M."""
    return Release(f"{int(found[1])}.{int(found[2])}", (int(found[3]),), (_number(found[4]),))


def _vrp(found: re.Match[str]) -> Release:
    """V200R019C10SPC500: V, R and C are the train. Patches (SPH) are no part of a version."""
    return Release(found[1], (_number(found[2]),), ())


def _comware(found: re.Match[str]) -> Release:
    """7.1.070 Release 3208P16. Releases are numbered per family of hardware: its hundreds tell which, and belong to the train."""
    return Release(f"{found[1]} R{found[2]}xx", (int(found[3]),), (_number(found[4]),))


def _routeros(found: re.Match[str]) -> Release:
    """7.16.1. The line is the major version; long-term releases are fixes upon one minor version."""
    return Release(str(int(found[1])), (int(found[2]),), (_number(found[3]),))


def _aruba(found: re.Match[str]) -> Release:
    """WC.16.11.0027, FL.10.13.1010: letters name the hardware, advisories leave them out."""
    return Release(f"{int(found[1])}.{int(found[2]):02}", (int(found[3]),), ())


_Form = tuple[re.Pattern[str], Callable[[re.Match[str]], Release]]

_ARUBA: Final[_Form] = (re.compile(r"(?:[A-Z]{1,3}\.)?(\d+)\.(\d+)\.(\d+)"), _aruba)

FORMS: Final[Mapping[Platform, tuple[_Form, ...]]] = {
    Platform.CISCO_IOS: (
        (re.compile(r"(\d+)\.(\d+)\((\d+)([a-z]?)\)(?=[A-Z]|$)([A-Z]*)(\d*)([a-z]?)"), _ios),
        (re.compile(r"(1[6-9]|[2-9]\d)\.(\d+)\.(\d+)([a-z]?)"), _ios_xe),
    ),
    Platform.CISCO_NXOS: ((re.compile(r"(\d+)\.(\d+)\((\d+)([a-z]?)\)(?:([A-Z]+)(\d+)\((\d+)([a-z]?)\))?"), _nxos),),
    Platform.CISCO_ASA: ((re.compile(r"(\d+)\.(\d+)(?:\((\d+)\)(\d*)|\.(\d+)(?:\.(\d+))?)"), _asa),),
    Platform.JUNIPER_JUNOS: (
        (re.compile(r"(\d+)\.(\d+)R(\d+)(?:-S(\d+))?(?:\.(\d+))?(-EVO)?"), _junos),
        (re.compile(r"(\d+)\.(\d+)X(\d+)-D(\d+)(?:\.(\d+))?"), _junos_x),
    ),
    Platform.FORTINET_FORTIOS: ((re.compile(r"(\d+)\.(\d+)\.(\d+)()"), _dotted),),
    Platform.PALOALTO_PANOS: ((re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-h(\d+))?"), _dotted),),
    Platform.HUAWEI_VRP: ((re.compile(r"(V\d{3}R\d{3}C\d{2})(?:SPC(\d+))?"), _vrp),),
    Platform.HPE_COMWARE: ((re.compile(r"(\d+\.\d+\.\d+),? Release (\d{2})(\d{2})(?:P(\d+))?"), _comware),),
    Platform.MIKROTIK_ROUTEROS: ((re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?"), _routeros),),
    Platform.ARISTA_EOS: ((re.compile(r"(\d+)\.(\d+)\.(\d+)(?:\.(\d+))?[FM]"), _dotted),),
    Platform.ARUBA_AOSS: (_ARUBA,),
    Platform.ARUBA_AOSCX: (_ARUBA,),
}


def reading(platform: Platform, version: str) -> Release:
    """The version taken apart. Raises Unparsable for a system or a form that is not in FORMS: engineering, beta and special builds."""
    for pattern, make in FORMS.get(platform, ()):
        # ASCII digits alone, and nothing after: a suffix nobody knows may mean that a fix is missing
        if version.isascii() and (found := pattern.fullmatch(version)):
            return make(found)
    raise Unparsable(f"{version[:60]!r} is no form in which releases of {platform.value} can be compared")
