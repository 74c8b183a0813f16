"""What people write about findings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.approvals.forms import Sentence
from server.assignments.changing import Wish
from server.assignments.models import CHOSEN, STATES, WAITING, Assignment
from server.campaigns.forms import Day
from server.units.models import User

FARTHEST = 366 * 3


class TakeForm(forms.Form):
    """To whom, until when. `people`: those with rights where the findings lie."""

    owner = forms.ChoiceField(label=_("Who answers for it"), required=False)
    due = Day(label=_("Due day (last day)"), required=False)

    def __init__(self, people: Iterable[User], *args: Any, keep: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(one.pk): one for one in people}
        field = self.fields["owner"]
        assert isinstance(field, forms.ChoiceField)
        nobody = _("stays as it is") if keep else _("nobody yet")
        field.choices = [("", nobody), *((pk, _named(one)) for pk, one in self.people.items())]

    def clean_due(self) -> Any:
        due = self.cleaned_data["due"]
        if due is not None and due < timezone.localdate():
            raise forms.ValidationError(_("This day is over."))
        if due is not None and (due - timezone.localdate()).days > FARTHEST:
            raise forms.ValidationError(_("This day is more than three years ahead."))
        return due

    @property
    def given_to(self) -> User | None:
        return self.people.get(self.cleaned_data["owner"])

    @property
    def wish(self) -> Wish:
        return Wish(self.given_to, self.cleaned_data["due"])


class ChangeForm(TakeForm):
    """Of one assignment, over the version that was read."""

    state = forms.ChoiceField(label=_("State"), choices=[one for one in STATES if one[0] in CHOSEN])
    waits_for = Sentence(label=_("Waits for (only when it waits)"), max_length=300, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, one: Assignment, people: Iterable[User], *args: Any, **kwargs: Any) -> None:
        self.one = one
        begin = {
            "owner": str(one.owner_id or ""), "due": one.due, "state": one.state, "waits_for": one.waits_for, "version": one.version
        }  # fmt: skip
        people = list(people)
        kept = [one.owner] if one.owner is not None else []
        super().__init__([*people, *(owner for owner in kept if owner not in people)], *args, initial=begin, **kwargs)

    def clean_due(self) -> Any:
        """A day that is over may stand as it is."""
        return self.cleaned_data["due"] if self.cleaned_data["due"] == self.one.due else super().clean_due()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("state") == WAITING and not given.get("waits_for"):
            self.add_error("waits_for", _("Say what it waits for."))
        return given

    @property
    def wish(self) -> Wish:
        given = self.cleaned_data
        return Wish(self.given_to, given["due"], given["state"], given["waits_for"])


class CommentForm(forms.Form):
    text = Sentence(label=_("Comment"), lines=True, max_length=4000)


def _named(user: User) -> str:
    return f"{user.full_name} ({user.username})" if user.full_name else user.username
