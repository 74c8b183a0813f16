"""The form by which an administrator makes an outlet."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from server.assess.wording import SEVERITIES as SEVERITY_NAMES
from server.findings.codes import SEVERITIES
from server.outlets.making import TELLS, Wish
from server.outlets.models import MAIL, SYSLOG, Outlet
from server.units.models import Unit, User
from server.units.rights import ADMINISTER


class OutletForm(forms.Form):
    """All kinds in one: what a kind does not have is not read."""

    unit = forms.ModelChoiceField(Unit.objects.none(), label=_("Unit"), empty_label=None)
    kind = forms.ChoiceField(label=_("Kind"), choices=Outlet.KINDS)
    name = forms.CharField(label=_("Name"), max_length=100)
    address = forms.CharField(label=_("Address (tls://host:6514, https://host/path, starttls://host:587)"), max_length=480)
    tells = forms.MultipleChoiceField(
        label=_("Tells"), choices=list(zip(TELLS, (_("alarms"), _("verdicts"), _("journal")), strict=True)),
        widget=forms.CheckboxSelectMultiple, initial=["alarms"],
    )  # fmt: skip
    severity = forms.TypedChoiceField(
        label=_("Verdicts of rules at least"), choices=[(SEVERITIES[word], name) for word, name in SEVERITY_NAMES.items()],
        coerce=int, initial=SEVERITIES["high"],
    )  # fmt: skip
    direction = forms.ChoiceField(label=_("Of verdicts"), choices=Outlet.DIRECTIONS)
    rule_changes = forms.BooleanField(label=_("Also when other rules turned them"), required=False)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    secret = forms.CharField(
        label=_("Signing key, password, or client certificate with key (PEM)"), required=False, max_length=65_536, strip=False,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    ca = forms.CharField(
        label=_("Authorities to trust in place of the system's (PEM)"), required=False, max_length=65_536,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )  # fmt: skip
    format = forms.ChoiceField(label=_("Syslog: form"), choices=[("json", "JSON"), ("cef", "CEF")])
    facility = forms.IntegerField(label=_("Syslog: facility"), initial=16, min_value=0, max_value=23)
    enterprise = forms.IntegerField(label=_("Syslog: own private enterprise number"), required=False, min_value=1)
    sender = forms.CharField(label=_("E-mail: sender"), required=False, max_length=254)
    recipients = forms.CharField(label=_("E-mail: recipients, separated by commas"), required=False, max_length=5000)
    user = forms.CharField(label=_("E-mail: user name"), required=False, max_length=254)
    hours = forms.IntegerField(label=_("E-mail: hours between two digests"), initial=24, min_value=1, max_value=744)
    per_hour = forms.IntegerField(label=_("E-mail: mails of alarms an hour, at most"), initial=10, min_value=1, max_value=1000)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = Unit.objects.visible_to(user, ADMINISTER).filter(valid_until=None)  # type: ignore[attr-defined]

    def wish(self) -> Wish:
        given = self.cleaned_data
        kind = given["kind"]
        names = {SYSLOG: ("format", "facility", "enterprise"), MAIL: ("sender", "recipients", "user", "hours", "per_hour")}
        options = {name: given[name] for name in names.get(kind, ())}
        if kind == MAIL:
            options["recipients"] = [one.strip() for one in given["recipients"].split(",") if one.strip()]
        secret = given["secret"] if kind == SYSLOG else given["secret"].strip("\r\n")
        return Wish(
            kind, given["name"], given["address"], tuple(given["tells"]), given["severity"], given["direction"],
            given["rule_changes"], given["language"], given["ca"], secret, options,
        )  # fmt: skip
