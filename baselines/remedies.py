"""Which lines of a remedy speak to one machine: each line begins with the system it is for, such as `Windows: ...`."""

from __future__ import annotations

import re

from baselines.model import Text
from collectors.model import Platform

_LINUX = frozenset({Platform.DEBIAN, Platform.REDHAT, Platform.SUSE, Platform.LINUX})
_WINDOWS = frozenset({Platform.WINDOWS})
_DEVICES = frozenset(Platform) - _LINUX - _WINDOWS - {Platform.OUTSIDE}
_LABELS: dict[str, frozenset[Platform]] = {
    "Linux": _LINUX,
    "Debian/Ubuntu": _LINUX,  # such lines go on with RHEL and SUSE
    "Windows": _WINDOWS,
    "Group Policy": _WINDOWS,
    "Network devices": _DEVICES,
    "Cisco": frozenset({Platform.CISCO_IOS, Platform.CISCO_NXOS, Platform.CISCO_ASA}),
    "Cisco IOS": frozenset({Platform.CISCO_IOS}),
    "Cisco IOS XE": frozenset({Platform.CISCO_IOS}),
    "FortiOS": frozenset({Platform.FORTINET_FORTIOS}),
    "RouterOS": frozenset({Platform.MIKROTIK_ROUTEROS}),
}
_LABEL = re.compile(rf"({'|'.join(map(re.escape, sorted(_LABELS, key=len, reverse=True)))}): ")


def for_platform(remedy: Text, platform: Platform | None) -> Text:
    """The lines for that system and those that name none; all of them where none would be left, or the system is not known.

    Both languages have the same lines in the same order, so the English labels speak for both.
    """
    vi, en = remedy.vi.splitlines(), remedy.en.splitlines()
    kept = _own(en, platform)
    if len(kept) == len(en) or len(vi) != len(en):
        return remedy
    return Text(vi="\n".join(vi[number] for number in kept), en="\n".join(en[number] for number in kept))


def commands_for(verify: str | None, platform: Platform | None) -> str:
    """The same of the commands by which a person looks; empty where there are none."""
    lines = (verify or "").splitlines()
    return "\n".join(lines[number] for number in _own(lines, platform))


def _own(lines: list[str], platform: Platform | None) -> list[int]:
    """Places of the lines that speak to that system."""
    everything = list(range(len(lines)))
    if platform not in _LINUX | _WINDOWS | _DEVICES:
        return everything
    kept = [place for place in everything if not (label := _LABEL.match(lines[place])) or platform in _LABELS[label[1]]]
    return kept or everything
