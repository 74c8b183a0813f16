"""Words of sweeps as the small numbers that rows hold, and what people read. Numbers are in databases: add, never change."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

# --- indicators -----------------------------------------------------------------------------------------------------

SEEN, NOT_SEEN, NOT_KNOWN = "seen", "not-seen", "not-known"
VERDICTS: Final = {SEEN: _("seen"), NOT_SEEN: _("not seen in the newest report"), NOT_KNOWN: _("not known")}
"""Of an indicator, or a list of them, and a machine. That a report of one moment does not show it is never called clean."""

SOURCES: Final = {
    "connections": _("connections at the moment of the report"),
    "dns-servers": _("DNS servers"),
    "dns-cache": _("names asked of DNS lately"),
    "hosts-file": _("hosts file"),
    "own-addresses": _("addresses of its own"),
    "startup": _("startup items"),
    "processes": _("running processes"),
    "listening": _("programs that listen"),
    "file-hashes": _("hashes of files"),
    "web-addresses": _("web addresses that were opened"),
}
LOOKED_IN: Final = {
    "ip": ("connections", "dns-servers", "hosts-file", "startup", "own-addresses"),
    "domain": ("dns-cache", "hosts-file", "startup"),
    "process": ("processes", "startup"),
    "md5": ("file-hashes",),
    "sha1": ("file-hashes",),
    "sha256": ("file-hashes",),
    "url": ("web-addresses",),
}
"""Kind of indicator -> sources that must all have been looked at before "not seen" may be said."""
KINDS: Final = {
    "ip": _("addresses and networks"),
    "domain": _("domains"),
    "process": _("process names"),
    "md5": "MD5",
    "sha1": "SHA-1",
    "sha256": "SHA-256",
    "url": _("web addresses"),
}
NEVER: Final = {
    "file-hashes": _("rasoat takes no hashes of files"),
    "web-addresses": _("rasoat sees no web addresses; of their hosts it sees names and addresses"),
}
"""Sources that nothing looks at, on any machine."""
ABSENT: Final = "absent"
CONTAINERS: Final = "containers"
NOT_KEPT: Final = "not-kept"
REASONS: Final = {
    ABSENT: _("the report does not tell it: an older program, or a system of which rasoat does not ask it"),
    NOT_KEPT: _("no names that were asked for are kept on this machine"),
    CONTAINERS: _("containers run there, and what they are connected with is not seen from outside of them"),
    **NEVER,
}
"""Words that stand in place of a reason of the report's own."""

# --- warnings -------------------------------------------------------------------------------------------------------

OPEN, CLOSED, NOT_AFFECTED, CANNOT_TELL = "open", "closed", "not-affected", "cannot-tell"
STATES: Final = {OPEN: 1, CANNOT_TELL: 2, CLOSED: 3, NOT_AFFECTED: 4}
"""Of an item of a letter, or a whole letter, and a machine: the lowest number of the items is the letter's."""
STATE_WORDS: Final = {number: word for word, number in STATES.items()}
STATE_TITLES: Final = {
    OPEN: _("open"),
    CANNOT_TELL: _("cannot be told"),
    CLOSED: _("closed by a new report"),
    NOT_AFFECTED: _("not affected"),
}
GROUNDS: Final = {
    "carried": _("the data of the publisher say that it has it"),
    "undetermined": _("the publisher leaves it open, or a version has no place in the order of versions"),
    "data-clear": _("the data of the publisher speak of it for this system, and not of its versions"),
    "not-matched": _("its newest report is not matched with the data on vulnerabilities yet"),
    "not-assessed": _("nothing of it was assessed"),
    "data-old": _("the data on vulnerabilities are over their limit"),
    "data-silent": _("the data do not speak of this CVE for this system"),
    "left-out": _("a package of that name was not assessed"),
    "others-there": _("programs of other publishers are installed, and the letter does not say which product is meant"),
    "update-missing": _("the update, or one that holds it, is missing"),
    "update-there": _("its build holds the update"),
    "build-below": _("its build is below that of the update"),
    "other-build": _("the update is for other builds of Windows"),
    "other-system": _("it is for another system"),
    "update-not-known": _("the data do not know the update, and Windows does not name it as missing"),
    "updates-not-seen": _("which updates are missing was not seen"),
    "version-below": _("its version is one of those named"),
    "version-clear": _("its version is none of those named"),
    "not-installed": _("the package is not installed, by its whole list of packages"),
    "own-versions": _("the distribution mends within versions of its own: only a CVE can be held against its data"),
    "version-not-read": _("the letter says the versions in words that no rule reads"),
    "version-not-said": _("the letter names no versions"),
    "version-no-rule": _("its version has no place in an order that is known"),
    "name-not-known": _("no program of that name is installed; whether it goes by another name is not known"),
    "name-alike": _("a program of a similar name is installed"),
    "packages-not-seen": _("its list of programs was not seen"),
    "system-not-seen": _("what system it is was not seen"),
    "train-not-known": _("its release is of another line than the versions named"),
    "nothing-named": _("the letter names nothing that can be compared"),
}
"""Why an item stands as it does."""
NOTES: Final = {
    "newest-cannot-tell": _("the newest report cannot tell: it stays open until one proves otherwise"),
    "by-data": _("the data or the letter changed: by those of now the report that showed it open does not show it either"),
    "not-proved": _(
        "whether a new report or other data ended it is not proved: the report that showed it open cannot be asked again"
    ),
}
