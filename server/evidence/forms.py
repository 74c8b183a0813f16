"""What people ask a bundle of, and the reports that go into it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from server.approvals.files import Kept
from server.approvals.forms import Paper
from server.evidence import scope
from server.evidence.models import CAMPAIGN, SYSTEM, UNIT, Bundle
from server.units.models import Unit, User
from server.units.rights import JOURNAL

MOST_REPORTS = 10


class _Several(forms.ClearableFileInput):
    allow_multiple_selected = True


class Papers(Paper):
    """Several files, each looked at like one."""

    widget = _Several

    def clean(self, data: Any, initial: Any = None) -> Any:
        given = [one for one in (data if isinstance(data, list | tuple) else [data]) if one]
        if len(given) > MOST_REPORTS:
            raise forms.ValidationError(_("At most %d files.") % MOST_REPORTS)
        return [super(Papers, self).clean(one, initial) for one in given]


class BundleForm(forms.Form):
    """Of what: only what this person may read the journal of, because its rows go in."""

    of = forms.ChoiceField(label=_("Of what"))
    reports = Papers(label=_("Reports that go into it"), required=False)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        units, campaigns, systems = scope.choices(user, JOURNAL)
        self._known: dict[str, tuple[str, int, Unit, str]] = {}
        for unit in units:
            self._known[f"{UNIT}:{unit.pk}"] = UNIT, unit.pk, unit, unit.name
        for campaign in campaigns.select_related("unit"):
            name = f"{campaign.number} {campaign.subject}"[:300]
            self._known[f"{CAMPAIGN}:{campaign.pk}"] = CAMPAIGN, campaign.pk, campaign.unit, name
        for system in systems.select_related("unit"):
            self._known[f"{SYSTEM}:{system.pk}"] = SYSTEM, system.pk, system.unit, system.name
        groups = ((UNIT, _("Units")), (CAMPAIGN, _("Campaigns")), (SYSTEM, _("Information systems")))
        field = self.fields["of"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (title, [(key, name) for key, (of, _pk, _unit, name) in self._known.items() if of == kind]) for kind, title in groups
        ]

    def asked(self, user: User) -> Bundle:
        """Saved. Call it in a transaction."""
        kind, pk, unit, name = self._known[self.cleaned_data["of"]]
        kept: list[Kept] = self.cleaned_data["reports"]
        reports = [[one.name, one.stored().pk] for one in kept]
        return Bundle.objects.create(unit=unit, kind=kind, of=pk, name=name, reports=reports, asked_by=user.username)
