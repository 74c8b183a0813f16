"""What people write about deadlines."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.approvals.forms import Paper, Sentence
from server.calendar.dates import Rule, text
from server.calendar.models import OwnDate
from server.campaigns.forms import Day, Numbers


class DoneForm(forms.Form):
    """That it was done, with the paper that proves it."""

    on = Day(label=_("Done on"))
    document = Sentence(label=_("Proof: paper (number, date, title)"), max_length=300)
    note = Sentence(label=_("Note"), lines=True, max_length=2000, required=False)
    file = Paper(label=_("File"), required=False)

    def clean_on(self) -> Any:
        on = self.cleaned_data["on"]
        if on > timezone.localdate():
            raise forms.ValidationError(_("Nobody can say today what will be done."))
        return on


class OwnForm(forms.Form):
    """A day of a unit's own."""

    title = Sentence(label=_("What is to be done"), max_length=300)
    who = Sentence(label=_("Who answers for it"), max_length=200)
    source = Sentence(label=_("Clause or paper it rests on"), max_length=300)
    day = Day(label=_("First day"))
    repeats = forms.ChoiceField(label=_("Repeats"), choices=OwnDate.REPEATS)
    until = Day(label=_("Last day on which it may fall (empty: without end)"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("day") and given.get("until") and given["until"] < given["day"]:
            self.add_error("until", _("It ends before it begins."))
        return given


class SettingForm(forms.Form):
    """How long before, and which days of law and documents a unit answers for."""

    lead_days = Numbers(label=_("Reminders, days before the last day (empty: as the unit above)"), required=False, max_length=100)
    rules = forms.MultipleChoiceField(label=_("The unit answers for"), required=False, widget=forms.CheckboxSelectMultiple)
    why = Sentence(
        label=_("Why not for the others that its place in the tree would give it"), lines=True, max_length=1000, required=False
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, rules: list[Rule], by_place: set[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_place = by_place
        field = self.fields["rules"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one.id, f"{text(one.title)} – {one.source.document}") for one in rules]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.by_place - set(given.get("rules", ())) and not given.get("why"):
            self.add_error("why", _("Say why the unit does not answer for what its place in the tree would give it."))
        return given
