"""Access lists of the `#` family (VRP, Comware) as rows of the fact `filtering`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from collectors.devices.syntax.vrp import Block
from collectors.devices.syntax.vrp_acl import AclRule
from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.filtering import FilterRule


def listed(
    bound: Mapping[str, Sequence[str]], lists: Mapping[str, Block], rules: Callable[[str], Iterable[AclRule]], gaps: Gaps
) -> tuple[FilterRule, ...]:
    """The rules of every bound list. `bound`: list -> interfaces. Raises Unparsable for a list that is bound and not there."""
    rows = []
    for name, places in bound.items():
        if name not in lists:
            raise Unparsable(f"the list {name} is bound to {places[0]} and is not in the configuration")
        for rule in rules(name):
            rows.append(
                FilterRule(
                    list=name,
                    name=rule.name,
                    action=rule.action,
                    enabled=True,
                    source_any=rule.source == "any" and not rule.narrowed,
                    destination_any=rule.destination == "any" and not rule.narrowed,
                    service_any=rule.service_any,
                    source_zones=tuple(places),
                    logged=rule.logged,
                )
            )
    if rows:
        gaps.note(
            ("rules[].hits", "rules[].inspected"), "unsupported", "counters are not asked, and packet lists look into nothing"
        )
    return tuple(rows)


def unbound(tree: Block, lists: Mapping[str, Block]) -> tuple[str, ...]:
    """Lists whose name stands nowhere outside lists."""
    used: set[str] = set()
    for block in tree.children:
        if not block.text.startswith("acl "):
            for line in (block, *block.walk()):
                used |= set(line.text.split())
    names: dict[int, list[str]] = {}
    for name, block in lists.items():
        names.setdefault(id(block), []).append(name)
    return tuple(both[0] for both in names.values() if not {name.removeprefix("ipv6 ") for name in both} & used)
