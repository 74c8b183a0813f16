"""What machines repeat of their newest report, held against the report itself: pages count by what is repeated."""

from __future__ import annotations

from collections.abc import Iterator

from server.ingest.models import OUTCOME, Machine


def off(repair: bool = False) -> Iterator[Machine]:
    """Machines that repeat something else than their newest report and its assessment say; put right as well with `repair`."""
    names = ("reported_at", *OUTCOME)
    sources = ("latest__orders_at", *(f"latest__assessment__{column}" for column in OUTCOME.values()))
    for pk, *values in Machine.objects.values_list("pk", *names, *sources).order_by("pk").iterator(chunk_size=2000):
        repeated, said = values[: len(names)], values[len(names) :]
        if repeated == said:
            continue
        # one that reported meanwhile says something else by now, and is left
        found = Machine.objects.filter(pk=pk, **dict(zip(names, repeated, strict=True)))
        if repair:
            found.update(**dict(zip(names, said, strict=True)))
            yield Machine.objects.get(pk=pk)
        elif (one := found.first()) is not None:
            yield one
