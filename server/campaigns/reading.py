"""Lines that people paste into a form: contact points and duty rosters. What is wrong is said with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext as _

Entry = dict[str, str]
MOST = 200
PHONES = re.compile(r"[0-9+().\-/,; ]{6,100}")
TIMES = ("%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%d/%m/%Y %Hh%M", "%d/%m/%Y %Hh")


class Unreadable(ValueError):
    """Lines that cannot be used; `problems`: each with its place."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


def contacts(text: str) -> list[Entry]:
    """`name; e-mail; phones` a line; one of e-mail and phones may be empty. Raises Unreadable."""
    return _lines(text, _contact)


def roster(text: str) -> list[Entry]:
    """`name; phone; from; to` a line, as pasted from a spreadsheet too. Raises Unreadable."""
    return _lines(text, _shift)


def written(entries: list[Entry], names: tuple[str, ...]) -> str:
    """The lines again, for a form."""
    return "\n".join("; ".join(_again(name, entry.get(name, "")) for name in names) for entry in entries)


CONTACT, SHIFT = ("name", "email", "phones"), ("name", "phone", "begin", "end")


def _lines(text: str, read: Callable[[list[str]], Entry]) -> list[Entry]:
    found: list[Entry] = []
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(read([cell.strip() for cell in re.split(r"[\t;]", line.strip())]))
        except ValueError as error:
            problems.append(_("line %(number)d: %(problem)s") % {"number": number, "problem": error})
    if len(found) > MOST:
        problems.append(_("at most %d lines") % MOST)
    if problems:
        raise Unreadable(problems)
    return found


def _contact(cells: list[str]) -> Entry:
    name, email, *phones = [*cells, "", ""]
    numbers = ", ".join(filter(None, phones))
    if not name:
        raise ValueError(_("the name of the contact point is missing"))
    if not (email or numbers):
        raise ValueError(_("an e-mail address or a telephone number is missing: name; e-mail; telephones"))
    if email:
        try:
            validate_email(email)
        except ValidationError:
            raise ValueError(_("%s is no e-mail address") % email) from None
    return {"name": name[:200], "email": email, "phones": _phones(numbers)}


def _shift(cells: list[str]) -> Entry:
    if len(cells) != 4:
        raise ValueError(_("four parts are needed: name; telephone; from; to"))
    name, phone, begin, end = cells
    if not name:
        raise ValueError(_("the name of the person on duty is missing"))
    since, until = _moment(begin), _moment(end)
    if until <= since:
        raise ValueError(_("the shift ends before it begins"))
    return {"name": name[:200], "phone": _phones(phone), "begin": since.isoformat(), "end": until.isoformat()}


def _phones(text: str) -> str:
    if text and not PHONES.fullmatch(text):
        raise ValueError(_("%s is no telephone number") % text)
    return text


def _moment(text: str) -> datetime:
    for form in TIMES:
        try:
            return timezone.make_aware(datetime.strptime(text, form))  # noqa: DTZ007  (made aware at once)
        except ValueError:
            continue
    raise ValueError(_("%s is no time; write 30/08/2025 07:00") % (text or "–"))


def _again(name: str, value: Any) -> str:
    if name in ("begin", "end") and value:
        return timezone.localtime(datetime.fromisoformat(value)).strftime(TIMES[0])
    return str(value)


def shifts(entries: list[Entry]) -> list[dict[str, Any]]:
    """With times as times, for a page."""
    return [{**one, "begin": datetime.fromisoformat(one["begin"]), "end": datetime.fromisoformat(one["end"])} for one in entries]
