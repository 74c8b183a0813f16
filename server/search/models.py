"""Which words lead to which thing. Only a way there: what is shown is read from the thing itself, as far as the person sees it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from server.units.models import Unit
from server.units.scope import Scoped


class Entry(models.Model):
    """A thing that can be found."""

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    kind = models.PositiveSmallIntegerField(help_text="sources.SOURCES")
    ref = models.BigIntegerField(help_text="Its number")
    text = models.TextField(help_text="Its words: equal means nothing changed")

    objects: ClassVar[Scoped[Entry]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "ref"], name="thing_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}"


class Word(models.Model):
    """A word of it."""

    REACHED_BY = "entry__unit__path"

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="words")
    word = models.CharField(max_length=40, db_index=True)

    objects: ClassVar[Scoped[Word]] = Scoped()

    def __str__(self) -> str:
        return self.word
