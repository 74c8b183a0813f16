"""What people type: organisation data of a unit, and what no machine knows in a paper."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from server.campaigns import reading
from server.documents.models import RELATIONS, Letterhead
from server.documents.report import Asked
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
        self.fields["wording"].choices = [("", "–"), *wordings().items()]  # type: ignore[attr-defined]
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
    """The blanks of a paper."""

    def __init__(self, asked: list[Asked], data: Any = None) -> None:
        super().__init__(data)
        self.ids = {f"a{place}": one.id for place, one in enumerate(asked)}
        for place, one in enumerate(asked):
            self.fields[f"a{place}"] = forms.CharField(
                label=one.text, required=False, initial=one.answer, max_length=5000, widget=LINES
            )

    @property
    def answers(self) -> dict[str, str]:
        return {self.ids[name]: value.strip() for name, value in self.cleaned_data.items()}
