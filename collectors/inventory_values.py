"""What may stand behind a key of the targets file: each reader gives the value, or says what is wrong and what to do."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, get_args

import yaml

from collectors.model import MACHINES, Platform
from collectors.snmp_credential import SNMP_KEYS, Auth, Priv

VIAS = ("ssh", "winrm", "snmp", "local", "root", "replay")
HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
)


class Bad(Exception):
    """One value is wrong; says what to do."""


def text_of(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise Bad("must be one value, not a list")
    value = str(node.value)
    if not value or (node.tag.endswith(":null") and node.style is None):
        raise Bad("has no value; write one or remove the line")
    if value != value.strip() or not value.isprintable():
        raise Bad(f"{value!r} begins or ends with a blank, or holds a character that cannot be seen")
    if "PRIVATE KEY" in value:
        raise Bad("a key itself does not belong in this file; name its file")
    return value


def _name(node: yaml.Node) -> str:
    value = text_of(node)
    if len(value) > 253:
        raise Bad("longer than 253 characters")
    return value


def _flag(node: yaml.Node) -> bool:
    value = text_of(node).lower()
    if value not in ("true", "yes", "false", "no"):
        raise Bad(f"{value!r} is neither true nor false")
    return value in ("true", "yes")


def _port(node: yaml.Node) -> int:
    value = text_of(node)
    if not re.fullmatch(r"[1-9][0-9]{0,4}", value) or int(value) > 65535:
        raise Bad(f"{value!r} is no port; write a number from 1 to 65535")
    return int(value)


def _labels(node: yaml.Node) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise Bad("must be a list: [web, hanoi]")
    return tuple(text_of(item) for item in node.value)


def _one_of(words: Iterable[str]) -> Callable[[yaml.Node], str]:
    allowed = tuple(words)

    def read(node: yaml.Node) -> str:
        value = text_of(node)
        if value not in allowed:
            raise Bad(f"{value!r} is not known{hint(value, allowed)}; known are {', '.join(allowed)}")
        return value

    return read


READERS: dict[str, Callable[[yaml.Node], Any]] = {
    "name": _name,
    "kind": _one_of(MACHINES),
    "platform": _one_of(Platform),
    "via": _one_of(VIAS),
    "address": text_of,
    "port": _port,
    "credential": text_of,
    "labels": _labels,
    "sudo": _flag,
    "legacy_ssh": _flag,
    "user": text_of,
    "key_file": text_of,
    "password_file": text_of,
    "password_env": text_of,
    "password_secret": text_of,
    "enable_password_file": text_of,
    "enable_password_env": text_of,
    "enable_password_secret": text_of,
    "agent": _flag,
    "auth": _one_of(("none", *get_args(Auth))),
    "priv": _one_of(("none", *get_args(Priv))),
    **dict.fromkeys((key for key in SNMP_KEYS if key not in ("auth", "priv")), text_of),
}


def is_address(value: str) -> bool:
    """A host name or an IP address, without a port."""
    try:
        ipaddress.ip_address(value.partition("%")[0])
    except ValueError:
        # 300.1.2.3 is a valid host name by its letters, and never one that somebody meant
        return bool(HOST.fullmatch(value)) and not re.fullmatch(r"[0-9.]+", value)
    return True


def hint(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), n=1, cutoff=0.75)
    return f", did you mean {near[0]}?" if near else ""
