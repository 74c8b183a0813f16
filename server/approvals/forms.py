"""What people write when they ask for something."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from server.approvals import files
from server.approvals.files import Kept
from server.assess import packs


class Sentence(forms.CharField):
    """Text of people in NFC, whatever their keyboard sends, without what steers a terminal. Lines stay lines."""

    def __init__(self, *, lines: bool = False, **kwargs: Any) -> None:
        self.lines = lines
        super().__init__(widget=forms.Textarea({"rows": 3}) if lines else None, **kwargs)

    def to_python(self, value: Any) -> str:
        text = unicodedata.normalize("NFC", super().to_python(value) or "").replace("\r\n", "\n")
        kept = "".join(character for character in text if character.isprintable() or character == "\n")
        return kept.strip() if self.lines else " ".join(kept.split())


class Paper(forms.FileField):
    """A file that goes with it, looked at before anything else is done with it."""

    def clean(self, data: Any, initial: Any = None) -> Kept | None:
        given = super().clean(data, initial)
        if not given:
            return None
        try:
            return files.take(given.name or "", given.size, given.file)
        except files.Unfit as error:
            raise forms.ValidationError(str(error)) from None


class PackForm(forms.Form):
    """Another pack for a unit, or stricter values."""

    baseline = forms.ChoiceField(label=_("Pack"), required=False)
    replace = forms.BooleanField(label=_("Put these stricter values in place of the present ones"), required=False)
    tailoring = Sentence(label=_("Stricter values (YAML)"), required=False, lines=True, max_length=20_000)
    reason = Sentence(label=_("Why"), lines=True, max_length=2000, min_length=10)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["baseline"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("stays as it is")), *((name, name) for name in packs.names())]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not given.get("baseline") and not given.get("replace"):
            raise forms.ValidationError(_("Say what is to change."))
        return given

    @property
    def change(self) -> dict[str, Any]:
        """As packs.ask takes it."""
        given = self.cleaned_data
        tailoring = given["tailoring"] + "\n" if given["tailoring"] else ""
        return {"baseline": given["baseline"], "tailoring": tailoring if given["replace"] else None}


class AnswerForm(forms.Form):
    """Why somebody says no, or no more."""

    why = Sentence(label=_("Why"), required=False, max_length=2000)
