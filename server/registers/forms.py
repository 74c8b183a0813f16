"""Forms of the registers, made from their columns."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from server.approvals.forms import Sentence
from server.registers.books import Book
from server.registers.columns import Column, value_of
from server.registers.record import Record
from server.registers.zones import Unfit
from server.units.choosing import UnitChoice
from server.units.models import Unit, User
from server.units.rights import HANDLE


class Cell(forms.CharField):
    """A column as a field: what a cell of a file may say, a form may say, and nothing else."""

    def __init__(self, column: Column, choices: Any) -> None:
        self.column, self.words = column, choices
        widget: forms.Widget | None = (
            forms.Textarea({"rows": 3}) if column.long else forms.DateInput({"type": "date"}) if column.kind == "day" else None
        )
        if column.kind == "choice":
            widget = forms.Select(choices=[("", "–"), *choices[column.id].items()])
        super().__init__(label=column.title, required=column.need, widget=widget, strip=False)

    def to_python(self, value: Any) -> Any:
        try:
            return value_of(self.column, str(value or ""), self.words)
        except Unfit as error:
            raise forms.ValidationError(str(error)) from None

    def validate(self, value: Any) -> None:
        """Said already; 0 is no empty value."""

    def run_validators(self, value: Any) -> None:
        """None."""


class EntryForm(forms.Form):
    """An entry, new or as it stands."""

    def __init__(self, book: Book, user: User, record: Record | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.book, self.record = book, record
        unit = UnitChoice(book.columns["unit"].title)
        unit.queryset = Unit.objects.visible_to(user, HANDLE).filter(valid_until=None)
        choices = book.choices
        self.read: list[str] = []
        for column in book.columns.values():
            if column.id == "unit":
                self.fields["unit"] = unit
            if column not in book.fields:
                continue
            field = self.fields[column.id] = Cell(column, choices)
            model_field = book.model._meta.get_field(column.id)
            if column.kind == "choice" and not model_field.blank:
                field.required = True
                field.widget.choices = [*choices[column.id].items()]
            shown = record.shown(column.id) if record is not None else None
            if shown is not None and shown.read:
                field.disabled, field.required = True, False
                field.initial = shown.value
                self.read.append(column.id)
            elif record is not None:
                field.initial = getattr(record, column.id)
            elif model_field.has_default():
                field.initial = model_field.get_default()
        if record is not None:
            self.fields["unit"].initial = record.unit_id  # type: ignore[attr-defined]

    @property
    def given(self) -> dict[str, Any]:
        """What was typed; not what a machine tells."""
        return {column.id: self.cleaned_data[column.id] for column in self.book.fields if column.id not in self.read}


class ImportForm(forms.Form):
    unit = UnitChoice()
    file = forms.FileField(label=_("File (XLSX or CSV)"))

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = Unit.objects.visible_to(user, HANDLE).filter(valid_until=None)  # type: ignore[attr-defined]


class NoteForm(forms.Form):
    text = Sentence(label=_("What happened (repair, maintenance, hand-over)"), max_length=1000, lines=True)
