"""What becomes of waivers and attestations when a unit goes over into another one."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from server.ingest.models import Machine
from server.units.models import Unit
from server.units.operations import succeeding
from server.waivers.models import Attestation, Cover, Waiver


@receiver(succeeding)
def merged(sender: Any, old: Unit, new: Unit, **rest: Any) -> None:
    """A waiver for a whole unit goes on for the machines that were in it, by name: nobody agreed to it for the successor's own.

    A word on a machine goes along with the machine; one on a unit ends with the unit.
    """
    for waiver in Waiver.objects.filter(unit=old, whole=True):
        here = Machine.objects.filter(unit__path__under=old.path).values_list("pk", flat=True)
        Cover.objects.bulk_create([Cover(waiver=waiver, machine_id=pk) for pk in here], ignore_conflicts=True, batch_size=500)
        Waiver.objects.filter(pk=waiver.pk).update(whole=False)
    Attestation.objects.filter(unit=old, machine__isnull=False).update(unit=new)
