"""What an administrator gives: a list, and an excuse."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from server.coverage.models import EXCUSES, SOURCES
from server.units.choosing import UnitChoice
from server.units.models import Unit, User
from server.units.rights import ADMINISTER


class ListForm(forms.Form):
    unit = UnitChoice()
    source = forms.ChoiceField(label=_("Kind of list"), choices=SOURCES)
    file = forms.FileField(label=_("File"))
    shorter = forms.BooleanField(label=_("The list is whole, even if it is much shorter than the one before"), required=False)

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["unit"].queryset = Unit.objects.visible_to(user, ADMINISTER).filter(valid_until=None)  # type: ignore[attr-defined]


class ExcuseForm(forms.Form):
    excuse = forms.ChoiceField(label=_("Reason"), choices=[("", "-"), *EXCUSES], required=False)
    excuse_note = forms.CharField(label=_("Note"), max_length=300, required=False)
    excused_until = forms.DateField(label=_("Until (empty: for good)"), required=False, widget=forms.DateInput({"type": "date"}))

    def clean(self) -> dict[str, object]:
        given = super().clean() or {}
        if given.get("excuse") == "other" and not given.get("excuse_note"):
            raise forms.ValidationError(_("Say in the note what the reason is."))
        return given
