"""`[section]` and `key=value`, as display managers, dconf, KDE and GSettings overrides write them."""

from __future__ import annotations

from collections.abc import Mapping

from collectors.errors import Unparsable

Sections = dict[str, dict[str, str]]


def sections(text: str, path: str) -> Sections:
    """Section -> key -> value, the last of equal keys counting. Keys before any section stand under the empty name."""
    found: Sections = {"": {}}
    here = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            here = line[1:-1].strip()
            found.setdefault(here, {})
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise Unparsable(f"{path} line {number}: neither a section nor a setting")
        found[here][key.strip()] = value.strip()
    return found


def merged(texts: Mapping[str, str]) -> Sections:
    """Several files, the later ones winning key by key."""
    found: Sections = {}
    for path, text in texts.items():
        for name, settings in sections(text, path).items():
            found.setdefault(name, {}).update(settings)
    return found


def truth(word: str | None) -> bool:
    """`true`, `1`, `yes` in any case; anything else, and nothing at all, is no."""
    return word is not None and word.strip("\"'").lower() in ("true", "1", "yes")
