"""Statements that are put together once. Django takes several times as long to compose one as the database takes to answer it.

For the path every report takes, and nowhere else: a queryset with a `Hole` where a value goes is composed at its first use,
once for each kind of database, and filled in from then on. What comes out is what the queryset itself would have given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from django.db import connection, models
from django.db.models import query as django_query
from django.db.models.expressions import Expression
from django.db.models.sql import UpdateQuery

from server.trips import Statement, ask, later

M = TypeVar("M", bound=models.Model)
_populators: Any = django_query.get_related_populators  # its stubs are of another version


class Hole(Expression):
    """Stands in a queryset for the value of that place."""

    def __init__(self, place: int) -> None:
        super().__init__(output_field=models.Field())
        self.place = place

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


class _Shape(NamedTuple):
    """How a row becomes a model with its related ones: see django.db.models.query.ModelIterable."""

    model: Any
    names: list[str]
    columns: slice
    related: Any
    annotations: dict[str, int]

    def object(self, values: list[Any]) -> Any:
        found = self.model.from_db(connection.alias, self.names, values[self.columns])
        for populator in self.related:
            populator.populate(values, found)
        for name, place in self.annotations.items():
            setattr(found, name, values[place])
        return found


class _Composed(NamedTuple):
    sql: str
    parameters: tuple[Any, ...]
    """Values, and holes for those that are to come."""
    converters: list[tuple[int, Any, Any]]
    """Place in the row, how it is read, and of which expression."""
    shape: _Shape | None
    """Of the objects; None where none come back."""

    def filled(self, values: tuple[Any, ...]) -> Statement:
        return Statement(self.sql, [_plain(values[one.place]) if isinstance(one, Hole) else one for one in self.parameters])


class _Made:
    """Composed at its first use, once for each kind of database."""

    def __init__(self, make: Callable[..., models.QuerySet[Any, Any]]) -> None:
        self._make = make
        self._by_vendor: dict[str, _Composed] = {}

    def of(self, *values: Any) -> Statement:
        """The statement for these values, for `trips.ahead`."""
        return self._composed(len(values)).filled(values)

    def _composed(self, count: int) -> _Composed:
        return self._by_vendor.get(connection.vendor) or self._by_vendor.setdefault(connection.vendor, self._compose(count))

    def _compose(self, count: int) -> _Composed:
        compiler: Any = self._make(*map(Hole, range(count))).query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        converters = [(place, *found) for place, found in compiler.get_converters([one[0] for one in compiler.select]).items()]
        return _Composed(sql, tuple(parameters), converters, _shape(compiler) if compiler.klass_info else None)


class Select(_Made, Generic[M]):
    """`make` gets a Hole for each value and returns a queryset of models, `select_related` and `defer` included."""

    def __init__(self, make: Callable[..., models.QuerySet[M]]) -> None:
        super().__init__(make)

    def __call__(self, *values: Any) -> list[M]:
        composed = self._composed(len(values))
        rows = ask(composed.filled(values)).rows
        assert composed.shape is not None
        return [composed.shape.object(_converted(row, composed.converters)) for row in rows]

    def first(self, *values: Any) -> M | None:
        """The first of them; the queryset should ask for no more."""
        return next(iter(self(*values)), None)


class Rows(_Made):
    """As Select, for `values_list`: what comes out are tuples."""

    def __call__(self, *values: Any) -> list[tuple[Any, ...]]:
        composed = self._composed(len(values))
        rows = ask(composed.filled(values)).rows
        return [tuple(_converted(row, composed.converters)) for row in rows] if composed.converters else rows


class Update(_Made):
    """`make` gets a Hole for each value after the first ones and returns the rows; `columns` are set, each to a value, in order.

    Values: of the columns, then of the rows.
    """

    def __init__(self, make: Callable[..., models.QuerySet[Any]], *columns: str) -> None:
        super().__init__(make)
        self._columns = columns

    def __call__(self, *values: Any) -> None:
        later(self.of(*values))

    def _compose(self, count: int) -> _Composed:
        sets = len(self._columns)
        query: Any = self._make(*map(Hole, range(sets, count))).query.chain(UpdateQuery)
        query.add_update_values({name: Hole(place) for place, name in enumerate(self._columns)})
        sql, parameters = query.get_compiler(connection=connection).as_sql()
        return _Composed(sql, tuple(parameters), [], None)


def insert(model: type[models.Model], values: Mapping[str, Any], over: str = "") -> None:
    """Write one row, by attribute names. Defaults of the model are the caller's to give.

    `over`: where there is a row of the same value in that column, the new one takes its place.
    """
    fields = {field.attname: field for field in model._meta.concrete_fields if field.attname in values}
    assert len(fields) == len(values), sorted(values.keys() - fields.keys())
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(field.column)) for field in fields.values())
    sql = f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES ({', '.join(['%s'] * len(fields))})"  # noqa: S608
    if over:
        key = quote(str(fields[over].column))
        sets = ", ".join(f"{quote(str(field.column))} = excluded.{quote(str(field.column))}" for field in fields.values())
        sql += f" ON CONFLICT ({key}) DO UPDATE SET {sets}"
    later(Statement(sql, [field.get_db_prep_save(values[name], connection) for name, field in fields.items()]))


def _converted(row: Any, converters: list[tuple[int, Any, Any]]) -> list[Any]:
    values = list(row)
    for place, functions, expression in converters:
        for convert in functions:
            values[place] = convert(values[place], expression, connection)
    return values


def _shape(compiler: Any) -> _Shape:
    select, info = compiler.select, compiler.klass_info
    columns = slice(info["select_fields"][0], info["select_fields"][-1] + 1)
    return _Shape(
        info["model"],
        [one[0].target.attname for one in select[columns]],
        columns,
        _populators(info, select, connection.alias),
        dict(compiler.annotation_col_map or {}),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value
