"""Reading YAML that others wrote: without its traps, within limits, and with the line of whatever turns out wrong.

What is refused, each with file:line: more than 2 MiB, nesting deeper than 40, aliases (that is how YAML bombs multiply), tags
(!!python and the like), keys that are no words, a key that stands twice in one mapping.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 40
Loc = tuple[str | int, ...]


class Mistake(NamedTuple):
    """What is wrong, and where; the message ends with the way out where there is one."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class BaselineError(ValueError):
    """A pack that cannot be used. `mistakes` holds all of them."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))


class Yaml(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML without its traps: only true/false, null and plain decimal integers are not text (`no`, `1.10`, `08`, 2026-11-22
    stay text). Nesting is counted while nodes are made: the C parser calls itself and would end the program when it gets deep."""

    depth = 0

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = None if current_node is None else current_node.start_mark
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {MAX_DEPTH}: write it flatter", mark)

    def ascend_resolver(self) -> None:
        self.depth -= 1


Yaml.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("int", r"^(?:0|-?[1-9][0-9]*)$", "-0123456789"),
):
    Yaml.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


@dataclass
class Reading:
    """Texts by name, and the mistakes found in them so far."""

    texts: Mapping[str, str]

    def __post_init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self._nodes: dict[str, Any] = {}

    # reading -------------------------------------------------------------------------------------------------------

    def parsed(self, name: str, text: str) -> Any:
        """The document, or None after a mistake."""
        if len(text) > MAX_BYTES:
            self.add(name, (), f"larger than {MAX_BYTES >> 20} MiB: split it")
            return None
        loader = None
        try:
            loader = Yaml(text)
            node = loader.get_single_node()
            return loader.construct_document(node) if node is not None and self._plain(name, node, loader) else None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or str(error)
            self.mistakes.append(Mistake(name, mark.line + 1 if mark else 1, f"not YAML: {problem}"))
        finally:
            if loader is not None:
                loader.dispose()
        return None

    def _plain(self, name: str, root: Any, loader: Yaml) -> bool:
        """False, and noted, when something stands in two places (an alias), has a tag, or is a key and no word."""
        before = len(self.mistakes)
        todo, met = [root], {id(root)}
        while todo:
            here = todo.pop()
            inside = here.value if isinstance(here, yaml.SequenceNode) else []
            if isinstance(here, yaml.MappingNode):
                self._keys(name, here)
                inside = [part for pair in here.value for part in pair]
            if _tagged(here, loader):
                self._at(name, here, f"the tag {here.tag.rpartition(':')[2]!r} is not used here: write the value alone")
            for part in inside:
                if id(part) in met:
                    # at once: what aliases multiply is never walked through
                    self._at(name, part, "aliases (*name) are not used here: write the value out")
                    return False
                met.add(id(part))
                todo.append(part)
        return len(self.mistakes) == before

    def _keys(self, name: str, mapping: Any) -> None:
        keys = set()
        for key, _ in mapping.value:
            if not isinstance(key, yaml.ScalarNode):
                self._at(name, key, "a key is a word")
            elif key.value in keys:
                self._at(name, key, f"{key.value!r} stands twice in one mapping")
            else:
                keys.add(key.value)

    def _at(self, name: str, node: Any, message: str) -> None:
        self.mistakes.append(Mistake(name, node.start_mark.line + 1, message))

    def valid(self, cls: Any, name: str, item: Any, at: Loc) -> Any:
        """`item` as a `cls`; None after mistakes."""
        try:
            return cls.model_validate(item)
        except ValidationError as error:
            for problem in error.errors():
                loc = tuple("assert" if part == "assert_" else part for part in problem["loc"])
                where = ".".join(map(str, loc))
                self.add(name, (*at, *loc), f"{where}: {problem['msg']}" if where else problem["msg"])
            return None

    # places --------------------------------------------------------------------------------------------------------

    def add(self, name: str, loc: Loc, message: str) -> None:
        """Note a mistake at the place `loc` leads to."""
        self.mistakes.append(Mistake(name, self.line(name, loc), message))

    def line(self, name: str, loc: Loc) -> int:
        """Line of the deepest part of `loc` that exists.

        The text is read once more for it: a sound pack, which is what every scan loads, need not carry its places.
        """
        if name not in self._nodes:
            try:
                self._nodes[name] = yaml.compose(self.texts.get(name, ""), Loader=Yaml)
            except yaml.YAMLError:
                self._nodes[name] = None
        node = self._nodes[name]
        line = 1
        for part in (None, *loc):
            if part is not None:
                node, mark = _step(node, part)
                if node is None:
                    break
                line = mark
            elif node is not None:
                line = node.start_mark.line + 1
        return line


def _tagged(node: Any, loader: Yaml) -> bool:
    """It has another type than its looks say: somebody wrote !!something before it."""
    kind: str = node.tag.rpartition(":")[2]
    if not isinstance(node, yaml.ScalarNode):
        return kind != ("map" if isinstance(node, yaml.MappingNode) else "seq")
    if kind == "str":
        return False
    # a plain scalar has style None, or "" where the C parser read it
    plain: str = loader.resolve(yaml.ScalarNode, node.value, (True, False))
    return bool(node.style) or node.tag != plain


def _step(node: Any, part: str | int) -> tuple[Any, int]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part].start_mark.line + 1
    return None, 0
