"""Which language the reader wants, and its catalog.

Texts stand in the code in English and go through `_`; Vietnamese is in locale/vi/LC_MESSAGES/rasoat.po.
"""

from __future__ import annotations

import gettext
import os

TYPE_CHECKING = False  # typing and pathlib would double what `rasoat --help` costs
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    Language = Literal["vi", "en"]

_DOMAIN = "rasoat"
_LOCALES = os.path.join(os.path.dirname(__file__), "locale")  # noqa: PTH118, PTH120
_language: Language = "en"
_catalog: gettext.NullTranslations = gettext.NullTranslations()


def wanted(argv: Sequence[str], environment: Mapping[str, str]) -> Language:
    """The language asked for by --lang, else by the locale; English when neither says Vietnamese.

    Looked up before the options are parsed, because --help is a text too.
    """
    for place, word in enumerate(argv):
        value = (
            argv[place + 1]
            if word == "--lang" and place + 1 < len(argv)
            else word.removeprefix("--lang=")
            if word.startswith("--lang=")
            else ""
        )
        if value in ("vi", "en"):
            return "vi" if value == "vi" else "en"
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name, "")
        if value:
            return "vi" if value.lower().partition("_")[0].partition(".")[0] in ("vi", "vietnamese") else "en"
    return "en"


def choose(language: Language) -> None:
    """Speak this language from now on, argparse's own words included."""
    global _language, _catalog
    _language = language
    _catalog = _read(language)
    # argparse asks gettext's global domain, which asks LANGUAGE. Commands we start get an environment of their own.
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain(_DOMAIN, _LOCALES)
    gettext.textdomain(_DOMAIN)


def _read(language: Language) -> gettext.NullTranslations:
    try:
        with open(os.path.join(_LOCALES, language, "LC_MESSAGES", f"{_DOMAIN}.mo"), "rb") as compiled:  # noqa: PTH118, PTH123
            return gettext.GNUTranslations(compiled)
    except OSError:  # English needs none; a tree that was never built speaks English
        return gettext.NullTranslations()


def current() -> Language:
    """The language that `choose` set."""
    return _language


def _(message: str) -> str:
    """The message in the reader's language."""
    return _catalog.gettext(message)


def plural(one: str, many: str, count: int) -> str:
    """`one` or `many` in the reader's language, as its grammar wants for `count`."""
    return _catalog.ngettext(one, many, count)


def mark(message: str) -> str:
    """Names a text that is translated later, where it is shown (tables built at import time)."""
    return message
