"""Vietnamese as old programs wrote it: TCVN3 (ABC), VNI, code page 1258. Told apart by what becomes of the words, never guessed.

A file in one of them is converted when all but a few of its words are Vietnamese in that encoding and in no other; else it is
refused by name. A sheet in Unicode may hold cells that were pasted from such a document: those are named and refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from django.utils.translation import gettext as _

TABLES = Path(__file__).with_name("vietnamese.yaml")
UNICODE, TCVN3, VNI, WINDOWS = "unicode", "tcvn3", "vni", "windows-1258"
NAMES: Final = {UNICODE: "Unicode", TCVN3: "TCVN3 (ABC)", VNI: "VNI Windows", WINDOWS: "Windows-1258"}
ENOUGH, MARGIN = 0.9, 0.25
"""So many of the words with signs must be Vietnamese, and so many more than by the next encoding."""
TONES = "\u0300\u0301\u0303\u0309\u0323"
_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)
_LATIN = re.compile(r"[A-Za-z\u00a1-\u00ff\u00ad]+")
_LOST = re.compile(r"[^\W\d_]\?[^\W\d_]")


class Unreadable(ValueError):
    """Nobody can say what letters these are. The message names why, and what to do."""


class Decoded(NamedTuple):
    """Text, and as what it was read."""

    text: str
    encoding: str


@cache
def _told() -> Mapping[str, Any]:
    return yaml.safe_load(TABLES.read_text("utf-8"))  # type: ignore[no-any-return]


@cache
def _tcvn3() -> Mapping[int, str]:
    return {ord(sign): letter for signs, letters in _told()["tcvn3"] for sign, letter in zip(signs, letters, strict=True)}


@cache
def _vni() -> Mapping[str, str]:
    """Every spelling, capitals and mixed ones too, as fonts made no difference between them."""
    signs, letters = _told()["vni"]["single"]
    found = dict(zip(signs, letters, strict=True))
    for base, (marks, marked) in _told()["vni"]["marked"].items():
        found |= {base + mark: letter for mark, letter in zip(marks, marked, strict=True)}
    for spelling, letter in list(found.items()):
        found[spelling.upper()] = letter.upper()
        if len(spelling) == 2:
            found[spelling[0].upper() + spelling[1]] = letter.upper()
    return found


@cache
def _vni_pattern() -> re.Pattern[str]:
    return re.compile("|".join(sorted(map(re.escape, _vni()), key=len, reverse=True)))


def from_tcvn3(text: str) -> str:
    return text.translate(_tcvn3())


def from_vni(text: str) -> str:
    return _vni_pattern().sub(lambda found: _vni()[found[0]], text)


def to_tcvn3(text: str) -> str:
    """As a document in .VnTime holds it. A capital with a tone comes out small, as there; used by tests."""
    back = {letter: chr(sign) for sign, letter in _tcvn3().items()}
    return "".join(back.get(letter) or back.get(letter.lower(), letter) for letter in unicodedata.normalize("NFC", text))


def to_vni(text: str) -> str:
    back = {letter: spelling for spelling, letter in reversed(list(_vni().items()))}
    return "".join(back.get(letter, letter) for letter in unicodedata.normalize("NFC", text))


_CONVERT: Mapping[str, Callable[[str], str]] = {TCVN3: from_tcvn3, VNI: from_vni}


# --- which one -----------------------------------------------------------------------------------------------------------


@cache
def _syllable() -> re.Pattern[str]:
    told = _told()
    rhymes = sorted(told["rhymes"], key=len, reverse=True)
    pattern = f"(?:{'|'.join(told['onsets'])})?(?:{'|'.join(rhymes)})(?:{'|'.join(told['codas'])})?"
    return re.compile(unicodedata.normalize("NFC", pattern))


def is_syllable(word: str) -> bool:
    """The word could be Vietnamese."""
    apart = unicodedata.normalize("NFD", word.lower())
    tones = [letter for letter in apart if letter in TONES]
    bare = unicodedata.normalize("NFC", "".join(letter for letter in apart if letter not in TONES))
    return len(tones) < 2 and _syllable().fullmatch(bare) is not None


def _share(texts: Iterable[str]) -> float:
    """How many of the words with signs are Vietnamese; a sign of no letter inside a word makes it none."""
    good = words = 0
    for text in texts:
        for word in re.findall(r"[^\s\d_!-/:-@\[-`{-~]+", text):
            if word.isascii():
                continue
            words += 1
            good += is_syllable(word)
    return good / words if words else 0.0


def _odd(text: str) -> bool:
    return not text.isascii()


def is_vietnamese_unicode(texts: Iterable[str]) -> bool:
    """Some letter that no Latin code page has."""
    return any("\u1ea0" <= letter <= "\u1ef9" or letter in "\u0103\u0102\u0111\u0110\u01a1\u01a0\u01b0\u01af" or letter in TONES for text in texts for letter in text)  # fmt: skip


def encoding_of(texts: Iterable[str], as_it_is: str = UNICODE) -> str:
    """In which encoding these texts make sense. `as_it_is`: what it is taken for where all is plain. Raises Unreadable."""
    odd = [text for text in texts if _odd(text)]
    if not odd or is_vietnamese_unicode(odd):
        return as_it_is
    shares = {as_it_is: _share(odd)} | {name: _share(map(convert, odd)) for name, convert in _CONVERT.items()}
    best, next_best = sorted(shares, key=lambda name: -shares[name])[:2]
    if shares[best] >= ENOUGH and shares[best] - shares[next_best] >= MARGIN:
        return best
    if as_it_is == UNICODE and shares[UNICODE] >= shares[best]:
        return UNICODE  # the file says so, and nothing speaks against it
    raise Unreadable(
        _("It cannot be told in which encoding its letters are (%(first)s or %(second)s?). Convert it to Unicode, for example with UniKey, save it as UTF-8 or as an Excel workbook, and try again.")
        % {"first": NAMES[best], "second": NAMES[next_best]}
    )  # fmt: skip


def decode(raw: bytes) -> Decoded:
    """The text of a file. Raises Unreadable."""
    for mark, name in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig")):
        if not raw.startswith(mark):
            continue
        try:
            return convert(raw.decode(name), UNICODE)
        except UnicodeDecodeError as error:
            if name == "utf-16":
                raise Unreadable(_("It begins like UTF-16 and is none: %s") % error.reason) from None
    if b"\0" in raw:
        raise Unreadable(_("It is no text: save it as CSV UTF-8 or as an Excel workbook."))
    latin = raw.decode("latin-1")
    spoken = unicodedata.normalize("NFC", raw.decode("cp1258", "replace"))
    lines = spoken.splitlines()
    if (
        "\ufffd" not in spoken
        and is_vietnamese_unicode(lines)
        and _share(lines) >= ENOUGH > _share(map(from_tcvn3, latin.splitlines()))
    ):
        return Decoded(spoken, WINDOWS)
    found = encoding_of(latin.splitlines(), WINDOWS)
    return Decoded(spoken if found == WINDOWS else converted(latin, found), found)


def convert(text: str, as_it_is: str) -> Decoded:
    """Text that calls itself Unicode and may hold the letters of an older encoding all over."""
    found = encoding_of(text.splitlines(), as_it_is)
    return Decoded(converted(text, found), found)


def converted(text: str, encoding: str) -> str:
    """Text of that encoding in Unicode."""
    return _CONVERT[encoding](text) if encoding in _CONVERT else text


def suspicion(text: str) -> str:
    """Why this one cell of a sheet in Unicode is not what it seems; empty where nothing speaks against it."""
    if _LOST.search(text) and "/" not in text and "=" not in text:  # those of an address
        return "lost"
    if text.isascii() or is_vietnamese_unicode([text]):
        return ""
    as_it_is = _share([text])
    if as_it_is < ENOUGH and any(_share([change(text)]) >= ENOUGH for change in _CONVERT.values()):
        return "legacy"
    return ""
