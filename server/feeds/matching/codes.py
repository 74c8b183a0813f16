"""Words of matches as the small numbers that rows hold, and what people read. Numbers are in databases: add, never change."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

ANSWERS: Final = {"fix": 1, "not-yet": 2, "will-not-fix": 3, "undetermined": 4}
ANSWER_WORDS: Final = {number: word for word, number in ANSWERS.items()}
ANSWER_TITLES: Final = {
    "fix": _("a fix exists"),
    "not-yet": _("not mended yet"),
    "will-not-fix": _("the publisher will not mend it"),
    "undetermined": _("cannot be told"),
}
DECIDED: Final = {
    "source-package": 1,
    "rpm-package": 2,
    "running-kernel": 3,
    "newest-kernel": 4,
    "build": 5,
    "supersedence": 6,
    "windows-update": 7,
    "release-train": 8,
}
DECIDED_WORDS: Final = {number: word for word, number in DECIDED.items()}
DECIDED_TITLES: Final = {
    "source-package": _("version of the source package"),
    "rpm-package": _("version of the package"),
    "running-kernel": _("the running kernel"),
    "newest-kernel": _("the newest installed kernel; which one runs was not seen"),
    "build": _("build and UBR"),
    "supersedence": _("Windows Update misses an update that holds it"),
    "windows-update": _("Windows Update"),
    "release-train": _("release of the network system"),
}
NOTE_TITLES: Final = {
    "restart": _("the fix is installed; it holds after a restart"),
    "livepatched": _("a live patch is loaded; which holes it closes is not told"),
    "publisher-not-seen": _("it was not seen who published the package"),
    "needs-esm": _("the fix comes with Ubuntu Pro (ESM), which was not seen here"),
    "postponed": _("to be mended with a later release"),
    "ignored": _("the publisher decided not to mend it"),
    "end-of-life": _("the publisher looks after it no longer"),
    "no-rule": _("a version has no place in the order of versions"),
    "stream-not-told": _("the publisher does not say for which stream of the module"),
    "condition": _("matters only where a certain function is in use"),
    "main-stream": _("said of the main stream; of this machine's stream of extended support the publisher says nothing"),
}
LEFT_TITLES: Final = {
    "third-party": _("published by others: the distribution's data do not cover it"),
    "no-publisher": _("nobody known publishes it"),
    "publisher-not-seen": _("it was not seen who published it"),
    "no-rule": _("its version has no place in the order of versions"),
    "stream-not-seen": _("of a module whose stream was not seen"),
    "stream-not-told": _("of a module, and the publisher does not name streams"),
    "epoch-not-known": _("the epoch of its source is not known"),
    "kernel-not-seen": _("which kernel runs was not seen"),
    "kernel-not-packaged": _("the running kernel is of no installed package"),
    "list-not-whole": _("the list of advisories for this release is not whole"),
    "not-covered": _("no feed speaks of programs on Windows"),
    "updates-not-seen": _("what Windows Update misses was not seen"),
    "support-not-covered": _("the data have nothing on its stream of extended support; those of the main stream were used"),
}
REASON_TITLES: Final = {
    "packages-not-seen": _("The packages of this machine were not seen."),
    "no-feed": _("No feed that was imported speaks of this system."),
    "no-feed-for-system": _("There is no feed for this system: rasoat reads no publisher's data on it."),
    "system-not-seen": _("What system this is was not seen."),
}
PROTECTION_TITLES: Final = {
    "behind": _("behind the newest known"),
    "unknown": _("not known"),
    "current": _("nothing newer is known"),
    "no-table": _("No table of antivirus products was imported."),
    "table-old": _("The table of antivirus products is over its limit."),
    "not-in-table": _("The table does not name this product."),
    "version-not-in-table": _("The table names no version of it."),
    "version-not-seen": _("Its version was not seen."),
    "no-order": _("Its version has no place in the order of versions."),
    "signatures-not-in-table": _("The table names no day of its signatures."),
    "signatures-not-seen": _("The day of its signatures was not seen."),
}
