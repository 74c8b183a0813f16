"""What people write: a campaign, a word of a unit, an exemption. The console fills in the same form from a file."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baselines.loader import BaselineError
from baselines.model import Baseline
from server.approvals.forms import Sentence
from server.assess import packs, wording
from server.campaigns import reading
from server.campaigns.models import Campaign
from server.campaigns.patterns import Pattern
from server.ingest.models import KINDS
from server.units.models import Unit

FROZEN = ("number", "date", "subject", "issuer", "units", "kinds", "checks", "requirements", "lists")
"""Fields that a running campaign no longer has: the account was made by them."""
LONGEST = timedelta(days=366)
LISTS = 50


class Day(forms.DateField):
    """Written as here or as in ISO, picked in a browser."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput({"type": "date"}, format="%Y-%m-%d")
        super().__init__(widget=widget, input_formats=["%Y-%m-%d", "%d/%m/%Y"], **kwargs)


class Numbers(forms.CharField):
    """Whole numbers, parted by commas."""

    def clean(self, value: Any) -> Any:
        words = re.split(r"[,;\s]+", str(super().clean(value)).strip())
        numbers = [int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 4]
        if len(numbers) != len([word for word in words if word]):
            raise forms.ValidationError(_("Write numbers of days, parted by commas, such as 5, 2, 0."))
        return sorted(set(numbers), reverse=True)


class Lines(Sentence):
    """Contact points or shifts, one a line."""

    def __init__(self, read: Any, **kwargs: Any) -> None:
        self._read = read
        super().__init__(lines=True, required=False, max_length=40_000, **kwargs)

    def to_python(self, value: Any) -> str:
        # tabs part cells that were pasted from a spreadsheet; Sentence takes them for what does not print
        return super().to_python(str(value or "").replace("\t", ";"))

    def clean(self, value: Any) -> Any:
        try:
            return self._read(super().clean(value))
        except reading.Unreadable as error:
            raise forms.ValidationError(list(error.problems)) from None


class CampaignForm(forms.Form):
    """`campaign`: one that is changed; `pattern`: what a new one begins from."""

    number = Sentence(label=_("Number of the letter"), max_length=100)
    date = Day(label=_("Date of the letter"))
    issuer = Sentence(label=_("Issued by"), max_length=200)
    subject = Sentence(label=_("Subject"), max_length=300)
    deadline = Day(label=_("Deadline (last day)"))
    grace_days = forms.IntegerField(
        label=_("Closes by itself so many days after the deadline (empty: a person closes it)"), required=False, min_value=0, max_value=366
    )  # fmt: skip
    remind_days = Numbers(label=_("Reminders, days before the deadline"), required=False, max_length=100)
    units = forms.MultipleChoiceField(label=_("Units (none: the whole unit with everything below)"), required=False)
    kinds = forms.MultipleChoiceField(label=_("Kinds of machines"), choices=KINDS, widget=forms.CheckboxSelectMultiple)
    checks = forms.MultipleChoiceField(label=_("Checks"), required=False)
    requirements = forms.MultipleChoiceField(label=_("Every check of these requirements as well"), required=False)
    lists = Sentence(label=_("Lists that go with it: their numbers, one a line"), lines=True, required=False, max_length=5000)
    contacts = Lines(reading.contacts, label=_("Contact points, one a line: name; e-mail; telephones"))
    roster = Lines(reading.roster, label=_("On duty, one a line: name; telephone; from; to (30/08/2025 07:00)"))
    note = Sentence(label=_("Note to the units"), lines=True, required=False, max_length=4000)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, unit: Unit, pattern: Pattern | None, data: Any = None, *, campaign: Campaign | None = None) -> None:
        self.campaign, self.unit, self.pack = campaign, unit, _pack(unit)
        begin = _of_campaign(campaign) if campaign else _of_pattern(pattern, self.pack) if pattern else {}
        super().__init__(data, initial=begin)
        if campaign is not None and not campaign.is_draft:
            for name in FROZEN:
                del self.fields[name]
            return
        below = Unit.objects.filter(path__under=unit.path, valid_until=None).exclude(pk=unit.pk).order_by("code", "name")
        self.below = list(below)
        known = self.pack.checks if self.pack else {}
        kept = campaign.checks if campaign else []
        _choose(self.fields["units"], [(str(one.pk), one.name) for one in self.below])
        _choose(self.fields["checks"], [(check, check) for check in dict.fromkeys([*known, *kept])])
        asked = [one for one in self.pack.requirements.values() if one.checks] if self.pack else []
        _choose(self.fields["requirements"], [(one.id, f"{wording.text(one.title)} ({one.id})") for one in asked])

    def clean_lists(self) -> list[str]:
        found = list(dict.fromkeys(filter(None, map(str.strip, self.cleaned_data["lists"].splitlines()))))
        if len(found) > LISTS or any(len(one) > 100 for one in found):
            raise forms.ValidationError(_("At most %d lists, each with a number of at most 100 characters.") % LISTS)
        return found

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        running = "number" not in self.fields
        date, deadline = self.campaign.date if running and self.campaign else given.get("date"), given.get("deadline")
        if date and deadline and deadline < date:
            self.add_error("deadline", _("The deadline lies before the date of the letter."))
        if deadline and deadline > timezone.localdate() + LONGEST:
            self.add_error("deadline", _("The deadline lies more than a year ahead."))
        if running:
            return given
        if not given.get("checks") and not given.get("requirements") and not self.errors.get("checks"):
            self.add_error("checks", _("Choose at least one check."))
        return given

    @property
    def given(self) -> dict[str, Any]:
        """As leading.py takes it."""
        told = dict(self.cleaned_data)
        told.pop("version", None)
        if "checks" in told:
            asked = self.pack.requirements if self.pack else {}
            more = [check for name in told.pop("requirements") for check in asked[name].checks]
            told["checks"] = sorted({*told["checks"], *more})
            told["units"] = sorted(map(int, told["units"]))
        return told

    @property
    def groups(self) -> list[tuple[str, list[tuple[str, str, bool]], int]]:
        """(subject, [(check, title, chosen)], how many chosen) for the page; those with a chosen one first."""
        if "checks" not in self.fields:
            return []
        chosen = set(self["checks"].value() or ())
        found: dict[str, list[tuple[str, str, bool]]] = {}
        titles = {check: wording.text(one.title) for check, one in (self.pack.checks.items() if self.pack else ())}
        for check, _word in self.fields["checks"].choices:  # type: ignore[attr-defined]
            about = wording.fact_title(check.partition(".")[0])
            found.setdefault(about, []).append((check, titles.get(check, check), check in chosen))
        rows = [(about, ticks, sum(tick[2] for tick in ticks)) for about, ticks in found.items()]
        return sorted(rows, key=lambda row: (not row[2], row[0]))

    @property
    def unit_ticks(self) -> list[tuple[str, str, bool]]:
        """The units right below, and any other that is chosen."""
        if "units" not in self.fields:
            return []
        chosen = set(map(str, self["units"].value() or ()))
        return [
            (str(one.pk), one.name, str(one.pk) in chosen)
            for one in self.below
            if one.parent_id == self.unit.pk or str(one.pk) in chosen
        ]


def _choose(field: forms.Field, choices: list[tuple[str, str]]) -> None:
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices


def _pack(unit: Unit) -> Baseline | None:
    try:
        return packs.get(unit.policy().baseline)
    except (BaselineError, OSError):
        return None


def _of_pattern(pattern: Pattern, pack: Baseline | None) -> dict[str, Any]:
    known = pack.checks if pack else {}
    return {
        "subject": wording.text(pattern.subject), "kinds": list(pattern.kinds), "grace_days": pattern.grace_days,
        "checks": [check for check in pattern.checks if check in known], "remind_days": ", ".join(map(str, pattern.remind_days)),
        "date": timezone.localdate(),
    }  # fmt: skip


def _of_campaign(campaign: Campaign) -> dict[str, Any]:
    same = ("number", "date", "issuer", "subject", "deadline", "grace_days", "kinds", "checks", "note", "version")
    return {
        **{name: getattr(campaign, name) for name in same}, "units": list(map(str, campaign.units)),
        "remind_days": ", ".join(map(str, campaign.remind_days)), "lists": "\n".join(campaign.lists),
        "contacts": reading.written(campaign.contacts, reading.CONTACT), "roster": reading.written(campaign.roster, reading.SHIFT),
    }  # fmt: skip


class ReceiveForm(forms.Form):
    note = Sentence(label=_("Note"), required=False, max_length=1000)


class HandInForm(forms.Form):
    """`version`: of what is handed in so far, as the person has read it."""

    name = Sentence(label=_("Responsible person"), max_length=200)
    role = Sentence(label=_("Position"), max_length=200)
    note = Sentence(label=_("What was done, what is left and why"), lines=True, required=False, max_length=2000)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)


class RosterForm(forms.Form):
    """`version`: of the roster that the person has read."""

    roster = Lines(reading.roster, label=_("On duty, one a line: name; telephone; from; to (30/08/2025 07:00)"))
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)


class ExcuseForm(forms.Form):
    reason = Sentence(label=_("Why it cannot be done"), lines=True, max_length=2000, min_length=10)
    document = Sentence(label=_("Document (number, date, title)"), required=False, max_length=300)


def problems(form: forms.Form) -> list[str]:
    """Every mistake with the field it lies in, for the console."""
    found = []
    for name, errors in form.errors.items():
        label = name if name in form.fields else ""
        found += [f"{label}: {error}" if label else str(error) for error in errors]
    return found or [gettext("nothing is wrong")]
