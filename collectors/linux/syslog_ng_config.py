"""What a syslog-ng configuration does with records: which hosts its log paths send them to, and where log-ons are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from collectors.errors import Unparsable
from collectors.linux.rsyslog_config import Config, Send

MAIN = "/etc/syslog-ng/syslog-ng.conf"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|[{}();]|[^\s{}();"\']+|\S', re.S)
_NETWORK = frozenset({"network", "syslog", "tcp", "udp", "tcp6", "udp6"})

Tree = list["str | Tree"]
"""Words, with what stands in brackets as a list that begins with its bracket."""


def parse_syslog_ng(texts: Mapping[str, str], more: Callable[[str], Mapping[str, str]] | None = None) -> Config:
    """A destination counts only when a `log` path uses it. What a filter lets through is known where it names authpriv plainly."""
    if MAIN not in texts:
        raise Unparsable(f"{MAIN} was not read")
    tokens = iter(_TOKEN.findall(_plain(MAIN, texts, more, 0)))
    blocks = {"destination": dict[str, Tree](), "filter": dict[str, Tree](), "log": dict[str, Tree]()}
    for number, statement in enumerate(_statements(_tree(tokens, ""))):
        kind, name = str(statement[0]), statement[1] if len(statement) > 1 else ""
        body = statement[-1]
        if kind in blocks and isinstance(body, list):
            blocks[kind][name if isinstance(name, str) and name else str(number)] = body
    sends: list[Send] = []
    files: list[str] = []
    logons: bool | None = False
    for log in blocks["log"].values():
        carries = _carries(log, blocks["filter"])
        for driver, arguments in _drivers(log, blocks["destination"]):
            if driver in _NETWORK:
                sends.append(_send(driver, arguments, carries))
            elif driver == "file" and carries is not False:
                logons = True if carries or logons else None
                if carries and arguments:
                    files += [word for word in arguments[:1] if isinstance(word, str) and "$" not in word]
    return Config(tuple(sends), tuple(dict.fromkeys(files)), logons)


def _plain(path: str, texts: Mapping[str, str], more: Callable[[str], Mapping[str, str]] | None, depth: int) -> str:
    """The text without comments, with @include at its place; the library scl.conf defines drivers and sends nothing itself."""
    lines = []
    for raw in texts[path].splitlines():
        line = re.sub(r'("(?:[^"\\]|\\.)*")|(?:^|(?<=\s))#.*', lambda found: found[1] or "", raw)
        included = re.match(r"""\s*@include\s+["']?([^"']+)["']?""", line)
        if included and included[1].strip() != "scl.conf" and depth < 10:
            pattern = included[1].strip() if included[1].startswith("/") else f"/etc/syslog-ng/{included[1].strip()}"
            found = {name: text for name, text in texts.items() if _matches(name, pattern)} or (more(pattern) if more else {})
            lines += [_plain(name, {**texts, **found}, more, depth + 1) for name in sorted(found)]
        elif not line.lstrip().startswith("@"):
            lines.append(line)
    return "\n".join(lines)


def _matches(name: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", "[^/]*") + "(/[^/]*)?", name) is not None


def _tree(tokens: Iterator[str], opening: str, depth: int = 0) -> Tree:
    closing = {"(": ")", "{": "}"}.get(opening, "")
    found: Tree = [opening]
    if depth > 100:
        raise Unparsable(f"{MAIN}: brackets nested too deep")
    for token in tokens:
        if token == closing:
            return found
        if token in ("(", "{"):
            found.append(_tree(tokens, token, depth + 1))
        elif token in (")", "}", '"', "'"):
            raise Unparsable(f"{MAIN}: brackets or quotes do not match")
        else:
            found.append(token)
    if closing:
        raise Unparsable(f"{MAIN}: `{opening}` is not closed")
    return found


def _statements(tree: Tree) -> Iterator[Tree]:
    now: Tree = []
    for item in tree[1:]:
        if item == ";":
            if now:
                yield now
            now = []
        else:
            now.append(item)
    if now:
        yield now


def _calls(tree: Tree) -> Iterator[tuple[str, Tree]]:
    """name(...) pairs directly inside a bracket."""
    for name, arguments in pairwise(tree):
        if isinstance(name, str) and isinstance(arguments, list) and arguments[0] == "(":
            yield name, [word.strip("\"'") if isinstance(word, str) else word for word in arguments[1:]]


def _drivers(log: Tree, destinations: Mapping[str, Tree]) -> Iterator[tuple[str, Tree]]:
    for name, arguments in _calls(log):
        if name == "destination" and arguments and isinstance(arguments[0], str):
            yield from _calls(destinations.get(arguments[0], [""]))
    for word, body in pairwise(log):
        if word == "destination" and isinstance(body, list) and body[0] == "{":
            yield from _calls(body)
        elif isinstance(body, list) and body[0] == "{" and word in ("log", "junction", "channel"):
            yield from _drivers(body, destinations)


def _carries(log: Tree, filters: Mapping[str, Tree]) -> bool | None:
    """Log-on records pass the path's filters."""
    named = [arguments[0] for name, arguments in _calls(log) if name == "filter" and arguments]
    if any(
        item in ("if", "elif", "filter", "junction", "channel") and isinstance(log[at + 1], list) and log[at + 1][0] == "{"
        for at, item in enumerate(log[:-1])
    ):
        return None
    carried: bool | None = True
    for name in named:
        words = _flat(filters.get(str(name), ["?"]))
        only_facility = set(words) <= {"{", "(", "facility", "auth", "authpriv", ",", ";", "or"} or words == ["{"]
        if only_facility and any("authpriv" in word for word in words):
            continue
        plain = set(words) - {"{", "(", ",", ";", "or"}
        if (
            plain
            and "facility" in plain
            and plain.isdisjoint({"not", "authpriv", "level", "program", "match", "?"})
            and not any("." in word for word in plain)
        ):
            return False
        carried = None
    return carried


def _flat(tree: Tree) -> list[str]:
    return [
        word
        for item in tree
        for word in (_flat(item) if isinstance(item, list) else [part for part in re.split(r"(,)", item) if part])
    ]


def _send(driver: str, arguments: Tree, carries: bool | None) -> Send:
    host = next((word for word in arguments if isinstance(word, str)), "")
    options = {name: inside for name, inside in _calls(arguments)}  # noqa: C416  (later options win)
    transport = str((options.get("transport") or [""])[0]).lower()
    tls = transport == "tls" or (driver in ("tcp", "tcp6") and "tls" in options)
    protocol = "udp" if driver.startswith("udp") or transport == "udp" else "tcp"
    port = str((options.get("port") or [""])[0])
    default = 6514 if tls else 601 if driver == "syslog" and protocol == "tcp" else 514
    return Send(host, int(port) if port.isdecimal() and len(port) <= 5 else default, protocol, tls, carries)
