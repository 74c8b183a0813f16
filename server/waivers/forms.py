"""What people write when they ask for a waiver, and when they give their word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from server.approvals.forms import Paper, Sentence
from server.ingest.models import IN_SERVICE, Machine
from server.units.models import Unit, User
from server.units.rights import HANDLE
from server.waivers.asking import Wish
from server.waivers.models import STATES, TYPES

Choices = list[tuple[str, str]]
USUAL_DAYS = 90


def _day(label: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput({"type": "date"}))


class TermForm(forms.Form):
    """From when to when, on what ground."""

    document = Sentence(label=_("Document (number, date, title)"), max_length=300)
    on = _day(_("First day"))
    until = _day(_("Last day"))
    file = Paper(label=_("File"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        self.fields["on"].initial = today.isoformat()
        self.fields["until"].initial = (today + timedelta(days=min(USUAL_DAYS, settings.CONFIG.waiver_days) - 1)).isoformat()


class WaiverForm(TermForm):
    """Of the checks that fail here. `what` is one of `choices`: requirement and check, joined by `|`."""

    what = forms.ChoiceField(label=_("What is to be borne"))
    type = forms.ChoiceField(label=_("Kind of waiver"), choices=TYPES)
    reason = Sentence(label=_("Why it cannot be repaired now"), lines=True, max_length=2000, min_length=10)
    measure = Sentence(label=_("What protects instead"), lines=True, max_length=2000, min_length=10)
    field_order: tuple[str, ...] = ("what", "type", "reason", "measure", "document", "on", "until", "file")

    def __init__(self, choices: Choices, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["what"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    @property
    def wish(self) -> Wish:
        given = self.cleaned_data
        requirement, _bar, check = given["what"].partition("|")
        return Wish(
            requirement, check, given["type"], given["reason"], given["measure"], given["document"], given["on"], given["until"]
        )


class MachineWaiverForm(WaiverForm):
    """Of one machine, or of all machines of an information system."""

    system = Sentence(label=_("Information system (when it is for all its machines)"), max_length=253, required=False)
    others = Sentence(label=_("Its other machines, one name a line"), max_length=20_000, required=False, lines=True)
    field_order = ("what", "system", "others", "type", "reason", "measure", "document", "on", "until", "file")

    def __init__(self, machine: Machine, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.machine, self.user = machine, user

    def clean_others(self) -> list[Machine]:
        """In service, and in this person's part of the tree: no other one is known here."""
        names = list(dict.fromkeys(filter(None, map(str.strip, self.cleaned_data["others"].splitlines()))))
        mine = Machine.objects.visible_to(self.user, HANDLE).filter(IN_SERVICE, name__in=names).exclude(pk=self.machine.pk)
        found = list(mine.select_related("unit"))
        for name in names:
            if [machine.name for machine in found].count(name) != 1:
                raise forms.ValidationError(gettext("%s: no machine, or more than one, has this name here") % name)
        return found

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("others") and not given.get("system"):
            raise forms.ValidationError(_("Say which information system these machines make up."))
        return given

    @property
    def machines(self) -> list[Machine]:
        return [self.machine, *self.cleaned_data["others"]]

    @property
    def unit(self) -> Unit:
        """The nearest unit that holds all of them."""
        machines = self.machines
        shared = [pk for pk in machines[0].unit.ids if all(pk in machine.unit.ids for machine in machines)]
        return Unit.objects.get(pk=shared[-1])


class AttestationForm(TermForm):
    """On a requirement that a person decides, or the rest of one."""

    requirement = forms.ChoiceField(label=_("Requirement"))
    state = forms.ChoiceField(label=_("It is"), choices=STATES)
    role = Sentence(label=_("Your position"), max_length=200)
    machine = Sentence(label=_("Machine (empty: the whole unit)"), max_length=253, required=False)
    system = Sentence(label=_("Information system (empty: none in particular)"), max_length=253, required=False)
    note = Sentence(label=_("Note"), lines=True, max_length=2000, required=False)
    field_order = ("requirement", "state", "role", "machine", "system", "document", "on", "until", "note", "file")

    def __init__(self, unit: Unit, user: User, choices: Choices, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unit, self.user = unit, user
        field = self.fields["requirement"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean_machine(self) -> Machine | None:
        name = self.cleaned_data["machine"]
        if not name:
            return None
        mine = Machine.objects.visible_to(self.user, HANDLE).filter(IN_SERVICE, name=name, unit__path__under=self.unit.path)
        found = list(mine.select_related("unit")[:2])
        if len(found) != 1:
            raise forms.ValidationError(gettext("%s: no machine, or more than one, has this name here") % name)
        return found[0]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("on") and given.get("until"):
            if given["until"] < max(given["on"], timezone.localdate()):
                raise forms.ValidationError(_("It ends before it begins, or has ended already."))
            if given["on"] > timezone.localdate():
                raise forms.ValidationError(_("Nobody can say today what will be: begin no later than today."))
        return given
