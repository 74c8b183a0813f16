"""One thing was saved or removed by itself: it is found under its new words at once."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from server.search import keep
from server.search.sources import BY_MODEL
from server.units.history import UnitName


@receiver(post_save)
def saved(sender: type[Any], instance: Any, update_fields: frozenset[str] | None = None, raw: bool = False, **rest: Any) -> None:
    source = BY_MODEL.get(sender)
    if source is None or raw:
        return
    if update_fields is not None and not {*source.fields, "unit", "unit_id"} & update_fields:
        return
    keep.put(source, [instance.pk])


@receiver(post_delete)
def removed(sender: type[Any], instance: Any, **rest: Any) -> None:
    if (source := BY_MODEL.get(sender)) is not None:
        keep.put(source, [instance.pk])


@receiver(post_save, sender=UnitName)
def renamed(sender: type[Any], instance: UnitName, raw: bool = False, **rest: Any) -> None:
    if not raw:
        keep.put(BY_MODEL[instance._meta.get_field("unit").related_model], [instance.unit_id])
