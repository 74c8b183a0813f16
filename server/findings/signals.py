"""Machines that are deleted leave the tallies; tables made anew have other numbers."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_migrate, pre_delete
from django.dispatch import receiver

from server.assess import kept
from server.findings import rules
from server.ingest.models import Machine


@receiver(pre_delete, sender=Machine)
def deleted(sender: Any, instance: Machine, **rest: Any) -> None:
    from server.findings import record

    with transaction.atomic():
        record.withdraw(instance)


@receiver(post_migrate)
def made_anew(sender: Any, **rest: Any) -> None:
    rules.forget()
    kept.forget()
