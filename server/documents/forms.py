"""What people type: organisation data of a unit, and what no machine knows in a paper."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from server.campaigns import reading
from server.documents.models import RELATIONS, Letterhead
from server.documents.report import Asked
from server.documents.templates import TemplateError
from server.documents.texts import wordings

LINES = forms.Textarea(attrs={"rows": 3})
INTERNAL = [("", _("as the unit above")), ("yes", _("yes")), ("no", _("no"))]


class LetterheadForm(forms.ModelForm[Letterhead]):
    """What is empty is taken from the unit above, but for issuer, signer and address."""

    contacts = forms.CharField(
        label=_("Contact points, one a line: name; e-mail; telephones"), required=False, widget=LINES, max_length=5000
    )
    internal = forms.ChoiceField(label=_("“For internal circulation” on its papers"), required=False, choices=INTERNAL)
    wording = forms.ChoiceField(label=_("Wording of its papers"), required=False)
    relation = forms.ChoiceField(label=_("That body is"), required=False, choices=[("", "–"), *RELATIONS])
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Letterhead
        fields = (
            "issuer", "above", "through_above", "abbreviation", "drafting", "letter_pattern", "paper_pattern", "place", "authority",
            "signer_title", "signer_name", "addressees", "receivers", "contacts", "internal", "wording", "scanned_by", "relation",
            "functions", "representative", "representative_title", "address", "phone", "email",
        )  # fmt: skip
        labels = {
            "issuer": _("Issuer, as its papers are headed, one line each (empty: the unit's name)"),
            "above": _("Body above it, one line each (empty: the name of the unit above)"),
            "through_above": _("It issues no papers of its own: the unit above does"),
            "abbreviation": _("Abbreviation in numbers of papers"),
            "drafting": _("Abbreviation of the unit that drafts"),
            "letter_pattern": _("Number of a letter, after the blank number"),
            "paper_pattern": _("Number of a report, after the blank number"),
            "place": _("Place"),
            "authority": _("Lines over the signer's title (KT, TM, TL)"),
            "signer_title": _("Signer's title"),
            "signer_name": _("Signer's name"),
            "addressees": _("Addressees, one a line (empty: who issued the letter)"),
            "receivers": _("Receivers at the foot, one a line"),
            "scanned_by": _("Who runs the scans"),
            "functions": _("Decision on its functions and powers"),
            "representative": _("Representative"),
            "representative_title": _("Representative's title"),
            "address": _("Address"),
            "phone": _("Telephone"),
            "email": _("E-mail address"),
        }
        widgets = dict.fromkeys(("issuer", "above", "authority", "addressees", "receivers"), LINES)

    def __init__(self, data: Any = None, *, instance: Letterhead) -> None:
        super().__init__(data, instance=instance)
        self.trouble = ""
        try:
            known = wordings()
        except TemplateError as error:  # of the organisation's own texts; the rest can be written all the same
            known = {instance.wording: instance.wording} if instance.wording else {}
            self.trouble = str(error)
        self.fields["wording"].choices = [("", "–"), *known.items()]  # type: ignore[attr-defined]
        if data is None:
            self.initial["contacts"] = reading.written(instance.contacts, reading.CONTACT)
            self.initial["internal"] = {None: "", True: "yes", False: "no"}[instance.internal]
            self.initial["version"] = instance.version if instance.pk else 0

    def clean_contacts(self) -> list[dict[str, str]]:
        try:
            return reading.contacts(self.cleaned_data["contacts"])
        except reading.Unreadable as error:
            raise forms.ValidationError(error.problems) from None

    def clean_internal(self) -> bool | None:
        return {"yes": True, "no": False}.get(self.cleaned_data["internal"])

    @property
    def given(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self._meta.fields or ()}


class AnswersForm(forms.Form):
    """The blanks of a paper. `seen` says what stood in them when the page was shown: two people may fill one paper."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, asked: list[Asked], data: Any = None) -> None:
        super().__init__(data)
        self.asked = asked
        self.now = hashlib.sha256(json.dumps([(one.id, one.answer) for one in asked]).encode()).hexdigest()
        self.fields["seen"].initial = self.now
        # a name of its own for each: an issue made meanwhile may ask more, or less
        self.names = {one.id: f"a{hashlib.sha256(one.id.encode()).hexdigest()[:12]}" for one in asked}
        for one in asked:
            self.fields[self.names[one.id]] = forms.CharField(
                label=one.text, required=False, initial=one.answer, max_length=5000, widget=LINES
            )

    @property
    def answers(self) -> dict[str, str]:
        return {id: self.cleaned_data[name].strip() for id, name in self.names.items()}

    def overtaken(self) -> bool:
        """Somebody wrote meanwhile. What stands there now is told beside what was typed, which may then be saved over it."""
        if self.cleaned_data["seen"] == self.now:
            return False
        typed = self.answers
        self.data = {name: self.data[name] for name in self.data} | {"seen": self.now}
        for one in self.asked:
            if typed[one.id] != one.answer:
                self.add_error(self.names[one.id], _("By now it says: %s") % (one.answer or "–"))
        return True
