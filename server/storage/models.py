"""What all that runs on one database must have in common: keys, and packs of an organisation's own."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class InForce(models.Model):
    """A file that is not in the database, by its fingerprint: each machine has its own copy of it."""

    name = models.CharField(primary_key=True, max_length=120, help_text="secret.key, centre.key, pack NAME")
    fingerprint = models.CharField(max_length=64)
    since = models.DateTimeField(default=timezone.now)
    place = models.CharField(max_length=253, help_text="Name of the machine that has it so")
    refused = models.CharField(max_length=500, blank=True, help_text="Why what lies there now is not in force")

    def __str__(self) -> str:
        return f"{self.name} {self.fingerprint[:12]}"
