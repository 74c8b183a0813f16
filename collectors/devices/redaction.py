"""Secrets out of a device's text, fail closed: what an OS lists goes, and so does what merely looks like a secret."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from typing import Any

from collectors.devices.base import DeviceOs
from collectors.redact import GONE, redact

_SUSPECT = re.compile(
    r"(?i)(?<![\w])(?P<word>[\w-]*(?:password|passwd|passphrase|secret|pre-?shared(?:-key)?|psk(?:secret)?|key-string|keystring"
    r"|authentication-key|shared-key|auth-?pwd|priv-?pwd|community|phash|cipher-text|ciphertext|key|private-key|md5"
    r"|wep-key|auth-pass|priv-pass|localized[_-]?key))\b[ \t:=]+(?P<rest>[^\n]*\S)"
)
_HASHES = re.compile(
    r"(?<![\w$])(?:\$\w{1,8}\$[^\s\"']{8,}|[0-9a-fA-F]{32,}(?![\w])|\$9\$[^\s\"']{4,}|%\^%#[^\n]*?%\^%#|%@%@[^\n]*?%@%@)"
)


LONG = 4096
_CLEANED: deque[bytes] = deque(maxlen=64)
"""Digests of long texts that came out of here lately: a configuration passes twice, and 200,000 lines take seconds."""


def clean(os: DeviceOs, text: str) -> str:
    """`text` as it may be kept, shown and sent. The class of a hash (secret 5, $9$) stays: it is a fact."""
    if len(text) > LONG and _digest(os, text) in _CLEANED:
        return text
    for pattern in os.secrets:
        text = pattern.sub(_secret, text)
    text = redact(text)
    text = "\n".join(_closed(os, line) for line in text.split("\n"))
    if len(text) > LONG:
        _CLEANED.append(_digest(os, text))
    return text


def _digest(os: DeviceOs, text: str) -> bytes:
    return hashlib.sha256(f"{os.platform}\0{text}".encode("utf-8", "surrogatepass")).digest()


def _secret(found: re.Match[str]) -> str:
    start, end = found.span("secret")
    if start < 0 or found["secret"].startswith(GONE):
        return found.group()
    offset = found.start()
    whole = found.group()
    return whole[: start - offset] + GONE + whole[end - offset :]


def _closed(os: DeviceOs, line: str) -> str:
    """The net below the lists: a line nobody declared harmless loses what stands behind a suspicious word."""
    if any(pattern.search(line) for pattern in os.harmless):
        return line
    line = _HASHES.sub(_hash, line)
    found = _SUSPECT.search(line)
    if not found or GONE in line[found.start() :]:
        return line
    return f"{line[: found.start('rest')]}{GONE}"


def _hash(found: re.Match[str]) -> str:
    kind = re.match(r"\$\w{1,8}\$", found.group())
    return f"{kind.group() if kind else ''}{GONE}"


def clean_data(os: DeviceOs, data: Any) -> Any:
    """The same for every text inside a fact: a port's description may hold anything."""
    if isinstance(data, str):
        # one word alone is a name; `password:x` is not
        return clean(os, data) if any(mark in data for mark in " \n:=") else data
    if isinstance(data, dict):
        return {key: clean_data(os, value) for key, value in data.items()}
    if isinstance(data, list):
        return [clean_data(os, value) for value in data]
    return data
