"""Access lists of the `#` family (VRP, Comware) as rows of the fact `filtering`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from collectors.devices.syntax.cidr_acl import ANY, Nets, Words, sides
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
        found = tuple(rules(name))
        both = sides([_words(rule) for rule in found])
        for rule, (source, destination) in zip(found, both, strict=True):
            if _may_be_all(rule, source, destination):
                raise Unparsable(f"the list {name}, rule {rule.name}: a wildcard with holes may be everybody")
            rows.append(
                FilterRule(
                    list=name,
                    name=rule.name,
                    action=rule.action,
                    enabled=True,
                    source_any=source is True and not rule.narrowed,
                    destination_any=destination is True and not rule.narrowed,
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


def _words(rule: AclRule) -> Words:
    return Words(rule.action == "permit", _nets(rule.source), _nets(rule.destination), rule.service_any and not rule.narrowed)


def _nets(said: str) -> Nets:
    """Words that are no address (a user group, a hardware address) narrow, and add no network."""
    if said == "any":
        return ANY
    return (said,) if re.match(r"[\d.]+(?:/\d+)?$|[\d.]+ [\d.]+$|[\dA-Fa-f:]+/\d+$", said) else ()


def _may_be_all(rule: AclRule, *sides: bool | None) -> bool:
    return rule.action == "permit" and rule.service_any and None in sides and False not in sides


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
