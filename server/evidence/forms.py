"""What people ask a bundle of, and the reports that go into it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from server.approvals.files import Kept
from server.approvals.forms import Paper
from server.documents import handed
from server.documents.making import Refused
from server.evidence import scope
from server.evidence.models import CAMPAIGN, SYSTEM, UNIT, Bundle
from server.units.choosing import Written
from server.units.models import Unit, User
from server.units.rights import JOURNAL

MOST_REPORTS = 10
MOST_LISTED = 200
"""Documents that the form offers, the newest ones."""


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

    of = forms.ChoiceField(label=_("Of what"), widget=Written)
    papers = forms.MultipleChoiceField(label=_("Documents made here that go into it, as PDF"), required=False)
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

        self._issues = {str(one.pk): one for one in handed.newest(user, JOURNAL)[:MOST_LISTED]}
        papers = self.fields["papers"]
        assert isinstance(papers, forms.MultipleChoiceField)
        papers.choices = [(pk, f"{one.document.title} ({one.number})") for pk, one in self._issues.items()]

    def clean(self) -> dict[str, Any]:
        """Documents are written here, outside of any transaction."""
        given: dict[str, Any] = super().clean() or {}
        chosen = [self._issues[pk] for pk in given.get("papers", ())]
        if len(chosen) + len(given.get("reports") or ()) > MOST_REPORTS:
            self.add_error("papers", _("At most %d files.") % MOST_REPORTS)
        elif "of" in given:
            kind, pk, unit, _name = self._known[given["of"]]
            wrong = [one.document.title for one in chosen if not handed.fits(one.document, kind, pk, unit)]
            if wrong:
                self.add_error("papers", _("Not about that, or of another unit: %s") % "; ".join(wrong))
            else:
                try:
                    given["made"] = [handed.kept(one) for one in chosen]
                except Refused as error:
                    self.add_error("papers", str(error))
        return given

    def asked(self, user: User) -> Bundle:
        """Saved. Call it in a transaction."""
        kind, pk, unit, name = self._known[self.cleaned_data["of"]]
        kept: list[Kept] = [*self.cleaned_data["made"], *self.cleaned_data["reports"]]
        reports = [[one.name, one.stored().pk] for one in kept]
        return Bundle.objects.create(unit=unit, kind=kind, of=pk, name=name, reports=reports, asked_by=user.username)
