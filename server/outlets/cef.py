"""ArcSight's Common Event Format, version 0 (Implementing CEF, revision 25): one line that most SIEMs read."""

from __future__ import annotations

from collectors import VERSION
from server.outlets.messages import Message

SEVERITIES = {"critical": 10, "high": 8, "medium": 5, "low": 3, "info": 1}


def text(message: Message) -> str:
    """Header and extension. Keys are of the standard's dictionary; what it has no key for is in labelled custom strings."""
    severity = SEVERITIES[message.weight]
    head = ("CEF:0", "rasoat", "rasoat", VERSION, message.action, message.text[:512], str(severity))
    detail = message.detail
    values = {
        "rt": str(round(message.at.timestamp() * 1000)), "externalId": message.id, "cat": message.kind, "dhost": message.machine,
        "suser": str(detail.get("actor", "")), "src": str(detail.get("address", "")), "outcome": str(detail.get("now", "")),
        "msg": message.text[:1023],
    }  # fmt: skip
    custom = {"unit": message.unit, "unitCode": message.unit_code, "requirement": detail.get("requirement", ""), "check": detail.get("check", ""), "was": detail.get("was", ""), "alarmKind": detail.get("kind", "")}  # fmt: skip
    for number, (label, value) in enumerate(custom.items(), 1):
        if value:
            values |= {f"cs{number}Label": label, f"cs{number}": str(value)}
    extension = " ".join(f"{name}={in_extension(value)}" for name, value in values.items() if value)
    return "|".join((head[0], *map(in_header, head[1:]))) + "|" + extension


def in_header(value: str) -> str:
    """`\\` and `|` are escaped; a header has no line ends."""
    return _plain(value.replace("\r", " ").replace("\n", " ")).replace("\\", "\\\\").replace("|", "\\|")


def in_extension(value: str) -> str:
    """`\\`, `=` and line ends are escaped, `|` is not. Blanks at the end would be the next key's."""
    escaped = value.strip(" ").replace("\\", "\\\\").replace("=", "\\=").replace("\r", "\\r").replace("\n", "\\n")
    return _plain(escaped)


def _plain(value: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in value)
