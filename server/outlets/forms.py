"""The forms by which an administrator makes an outlet: one for each kind, which asks for what that kind has."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from server.assess.wording import SEVERITIES as SEVERITY_NAMES
from server.findings.codes import SEVERITIES
from server.outlets.making import TELLS, Wish
from server.outlets.models import MAIL, SYSLOG, WEBHOOK, Outlet
from server.units.choosing import UnitChoice
from server.units.models import Unit, User
from server.units.rights import ADMINISTER


def _text(label: Any, rows: int = 2) -> forms.CharField:
    attributes = {"rows": rows, "autocomplete": "off", "spellcheck": "false"}
    return forms.CharField(label=label, required=False, max_length=65_536, strip=False, widget=forms.Textarea(attrs=attributes))


class OutletForm(forms.Form):
    """What outlets of every kind have."""

    KIND: ClassVar[str]
    OPTIONS: ClassVar[tuple[str, ...]] = ()
    """Fields that its kind alone has."""

    unit = UnitChoice()
    name = forms.CharField(label=_("Name"), max_length=100)
    address = forms.CharField(label=_("Address"), max_length=480)
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
    secret = _text(_("Secret"))
    ca = _text(_("Authorities to trust in place of the system's (PEM)"))

    field_order = ("unit", "name", "address", "format", "facility", "enterprise", "sender", "recipients", "user", "secret", "ca")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = Unit.objects.visible_to(user, ADMINISTER).filter(valid_until=None)  # type: ignore[attr-defined]

    def wish(self) -> Wish:
        given = self.cleaned_data
        return Wish(
            self.KIND, given["name"], given["address"], tuple(given["tells"]), given["severity"], given["direction"],
            given["rule_changes"], given["language"], given["ca"].strip(), self._secret(), self._options(),
        )  # fmt: skip

    def _secret(self) -> str:
        """Of one line: what a browser puts at its end is none of it."""
        return str(self.cleaned_data["secret"]).strip("\r\n")

    def _options(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.OPTIONS}


class SyslogForm(OutletForm):
    KIND, OPTIONS = SYSLOG, ("format", "facility", "enterprise")

    address = forms.CharField(label=_("Address (tls://host:6514, tcp://host:514, udp://host:514)"), max_length=480)
    format = forms.ChoiceField(label=_("Form of the messages"), choices=[("json", "JSON"), ("cef", "CEF")])
    facility = forms.IntegerField(label=_("Facility (0 to 23)"), initial=16, min_value=0, max_value=23)
    enterprise = forms.IntegerField(label=_("Own private enterprise number"), required=False, min_value=1)
    secret = _text(_("Client certificate with key (PEM), where the receiver asks for one"))

    def _secret(self) -> str:
        return str(self.cleaned_data["secret"]) if self.cleaned_data["secret"].strip() else ""


class WebhookForm(OutletForm):
    KIND = WEBHOOK

    address = forms.CharField(label=_("Address (https://host/path)"), max_length=480)
    secret = _text(_("Signing key, at least 16 characters"))


class MailForm(OutletForm):
    KIND, OPTIONS = MAIL, ("sender", "recipients", "user", "hours", "per_hour")

    address = forms.CharField(label=_("Mail server (starttls://host:587, smtps://host:465, smtp://host:25)"), max_length=480)
    tells = forms.MultipleChoiceField(
        label=_("Tells"), choices=[(TELLS[0], _("alarms")), (TELLS[1], _("verdicts"))], widget=forms.CheckboxSelectMultiple,
        initial=["alarms"],
    )  # fmt: skip
    sender = forms.CharField(label=_("Sender"), max_length=254)
    recipients = forms.CharField(label=_("Recipients, separated by commas"), max_length=5000)
    user = forms.CharField(label=_("User name at the mail server"), required=False, max_length=254)
    secret = _text(_("Password at the mail server"))
    hours = forms.IntegerField(label=_("Hours between two digests of verdicts"), initial=24, min_value=1, max_value=744)
    per_hour = forms.IntegerField(label=_("Mails of alarms an hour, at most"), initial=10, min_value=1, max_value=1000)

    def _options(self) -> dict[str, Any]:
        recipients = [one.strip() for one in self.cleaned_data["recipients"].split(",") if one.strip()]
        return super()._options() | {"recipients": recipients}


FORMS: dict[str, type[OutletForm]] = {form.KIND: form for form in (SyslogForm, WebhookForm, MailForm)}
