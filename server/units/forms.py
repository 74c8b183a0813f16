"""What administrators fill in about units. Each form does its own operation; what the tree refuses stands beside the form."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from server.units import operations
from server.units.kinds import kinds, word
from server.units.models import Unit, User, by_code
from server.units.operations import By
from server.units.rights import ADMINISTER


class UnitField(forms.CharField):
    """A unit in being, by code or name, among those this person administers: no other one is known here."""

    user: User

    def clean(self, value: Any) -> Unit:
        text = super().clean(value)
        known = Unit.objects.visible_to(self.user, ADMINISTER).filter(valid_until=None)
        coded = [unit for unit in by_code(text) if known.filter(pk=unit.pk).exists()]
        found = coded or list(known.filter(name=text)[:2])
        if len(found) != 1:
            raise forms.ValidationError(
                gettext("no unit %s") % text if not found else gettext("more than one unit is called %s") % text
            )
        return found[0]


class Form(forms.Form):
    """Dated, and on the ground of a decision."""

    title = _("Change")
    since = forms.DateField(label=_("From date"), initial=timezone.localdate, widget=forms.DateInput(attrs={"type": "date"}))
    decision = forms.CharField(label=_("Decision (number, title)"), max_length=300, required=False)

    def __init__(self, unit: Unit, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unit = unit
        for field in self.fields.values():
            if isinstance(field, UnitField):
                field.user = user

    def act(self, by: By) -> Unit:
        """Do it; the unit to show afterwards. Raises Inconsistent."""
        raise NotImplementedError


class Rename(Form):
    title = _("Rename")
    name = forms.CharField(label=_("New name"), max_length=200, required=False)
    code = forms.CharField(label=_("New code"), max_length=40, required=False)
    field_order = ("name", "code")

    def act(self, by: By) -> Unit:
        chosen = self.cleaned_data
        operations.rename(self.unit, by, chosen["since"], name=chosen["name"], code=chosen["code"])
        return self.unit


class Move(Form):
    title = _("Move under another unit")
    parent = UnitField(label=_("Unit above it (code or name)"), max_length=200)
    field_order = ("parent",)

    def act(self, by: By) -> Unit:
        operations.move(self.unit, self.cleaned_data["parent"], by, self.cleaned_data["since"])
        return self.unit


class Merge(Form):
    title = _("Merge into another unit")
    into = UnitField(label=_("Successor (code or name)"), max_length=200)
    field_order = ("into",)

    def act(self, by: By) -> Unit:
        into: Unit = self.cleaned_data["into"]
        operations.merge([self.unit], into, by, self.cleaned_data["since"])
        return into


class Close(Form):
    title = _("Close without a successor")

    def act(self, by: By) -> Unit:
        last_day: date = self.cleaned_data["since"] - timedelta(days=1)
        operations.close(self.unit, by, last_day)
        return self.unit


class New(Form):
    title = _("New unit below it")
    name = forms.CharField(label=_("Name"), max_length=200)
    code = forms.CharField(label=_("Code"), max_length=40, required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    field_order = ("name", "code", "kind")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", "–"), *((kind, word(kind)) for kind in kinds())]  # type: ignore[attr-defined]

    def act(self, by: By) -> Unit:
        chosen = self.cleaned_data
        return operations.create(
            chosen["name"], self.unit, by, code=chosen["code"], kind=chosen["kind"], valid_from=chosen["since"]
        )


FORMS: dict[str, type[Form]] = {"rename": Rename, "move": Move, "merge": Merge, "close": Close, "new": New}
