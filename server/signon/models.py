"""Who a person is at the provider or in the directory, and how often the directory was asked with a wrong password."""

from __future__ import annotations

from datetime import timedelta

from django.db import models, transaction
from django.utils import timezone

from server.units.models import User

OIDC, LDAP = "oidc", "ldap"


class Identity(models.Model):
    """An account's person elsewhere. Known by the subject alone: names and mail addresses are given to others in time.

    An account with an identity has no password of its own: one account, one way in.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="identity")
    kind = models.CharField(max_length=10, choices=[(OIDC, "OpenID Connect"), (LDAP, "LDAP")])
    issuer = models.CharField(max_length=300, help_text="Of the provider; `ldap` for the directory")
    subject = models.CharField(max_length=255, help_text="`sub` of the provider; objectGUID or entryUUID of the directory")
    name = models.CharField(max_length=300, help_text="What the person is called there; for people to read, and to look again")
    since = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True, help_text="When it was last vouched for: a log-on, or a look into the directory")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "issuer", "subject"], name="one_account_per_identity")]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind} {self.subject}"


class Tries(models.Model):
    """Wrong passwords tried on an entry of the directory, from whatever address and by whichever of its names."""

    subject = models.CharField(max_length=255, unique=True)
    failures = models.PositiveSmallIntegerField(default=0)
    failed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.subject}: {self.failures}"

    @classmethod
    def take(cls, subject: str, most: int, pause: timedelta) -> bool:
        """Whether the directory may be asked once more. Counted before it is asked: two side by side are two."""
        cls.objects.get_or_create(subject=subject)
        with transaction.atomic():
            found = cls.objects.select_for_update().get(subject=subject)
            now = timezone.now()
            if now - found.failed_at >= pause:
                found.failures = 0
            if found.failures >= most:
                return False
            found.failures, found.failed_at = found.failures + 1, now
            found.save()
        return True

    @classmethod
    def forget(cls, subject: str) -> None:
        cls.objects.filter(subject=subject).delete()

    @classmethod
    def give_back(cls, subject: str) -> None:
        """A try that reached nobody."""
        cls.objects.filter(subject=subject, failures__gt=0).update(failures=models.F("failures") - 1)
