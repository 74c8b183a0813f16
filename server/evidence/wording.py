"""Why a bundle could not be made, in people's words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from baselines.evidence.form import MOST_MACHINES


def problem(kept: str) -> str:
    """Of Bundle.problem: a word, a colon, and what it is about."""
    word, _colon, about = kept.partition(": ")
    if word == "keys":
        if about == "absent":
            return _("this collector has no keys of its own; run: rasoat server init")
        return _("%s can be read by others; chmod 600 it") % about
    if word == "large":
        return _("%(count)s machines are more than one bundle holds (%(most)d): make it for the units below") % {"count": about, "most": MOST_MACHINES}  # fmt: skip
    if word == "full":
        return _("it would be larger than a bundle can be: make it for the units below")
    if word == "gone":
        return _("what it was asked for is no more: %s") % about
    if word == "secret":
        return _("%s holds what looks like a key or a token; take it out where it was written") % about
    if word == "stamp":
        return _("the time-stamping authority gave no time stamp: %s") % about
    if word == "pdf":
        return _("a PDF could not be signed: %s") % about
    return kept
