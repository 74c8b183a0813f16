"""redact(text, path): secrets out, always on, for facts, reasons, logs and recordings."""

from __future__ import annotations

import re

GONE = "(redacted)"

_SHADOW_HASH = re.compile(r"(?m)^([^:\n]+:!{0,2})(\$[0-9a-zA-Z]+\$)[^:\n]*(?=:)")
_DES_HASH = re.compile(r"(?m)^([^:\n]+:!{0,2})[./0-9A-Za-z]{13}(?=:\d*:\d*:\d*:)")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S)
_CRYPT = re.compile(r"\$(?:y|gy|7|1|2[abxy]?|5|6|argon2[id]{1,2})\$[./0-9A-Za-z$=,+]{8,}")
_NAMED = re.compile(
    r"(?i)\b([a-z_\-]*(?:password|passwd|passphrase|secret|api[_\-]?key|access[_\-]?key|auth[_\-]?token|token|community|psk))"
    r"(\s*[:=]\s*|\s+)(\"[^\"\n]*\"|'[^'\n]*'|[^\s,;]+)"
)
_URL_USER = re.compile(r"(?i)\b([a-z][a-z0-9+.\-]*://[^\s:/@]+):[^\s@/]+@")
_NO_VALUE = {"", "yes", "no", "true", "false", "required", "requisite", "sufficient", "optional", "include", "none", "authentication"}


def redact(text: str, path: str = "") -> str:
    """`text` without password hashes, private keys, or values that stand behind a word like password.

    The class of a hash stays ($6$, $y$): it is a fact. `path` decides for files whose whole meaning is secret.
    """
    text = _PRIVATE_KEY.sub(GONE, text)
    if path.endswith(("/shadow", "/gshadow")) or path in ("", "/etc/passwd"):
        text = _SHADOW_HASH.sub(rf"\1\2{GONE}", text)
        text = _DES_HASH.sub(rf"\1DES{GONE}", text) if path else text
    text = _CRYPT.sub(lambda found: found.group(0).split("$", 2)[1].join(("$", f"${GONE}")), text)
    text = _URL_USER.sub(rf"\1:{GONE}@", text)
    return _NAMED.sub(_unless_harmless, text)


def _unless_harmless(found: re.Match[str]) -> str:
    name, between, value = found.groups()
    bare = value.strip("\"'")
    # a policy's own words (PasswordAuthentication yes, pam "password requisite ...", minlen numbers) are not secrets
    if bare.lower() in _NO_VALUE or bare.isdigit() or value.startswith(("[", "pam_", "/", "$(")) or "=" not in between and ":" not in between:
        return found.group(0)
    return f"{name}{between}{GONE}"
