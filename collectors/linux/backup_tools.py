"""Does a command or script make a backup, of what kind, and where does the copy go? By what backup.yaml says of the tools."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import yaml

from collectors.facts.base import Model

Kind = Literal["files", "database", "image", "sync", "other"]
NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "fuse.sshfs",
        "sshfs",
        "ceph",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.rclone",
        "davfs",
        "afs",
        "ocfs2",
    }
)


class Tool(Model):
    """An entry of tools; the head of backup.yaml explains the fields."""

    id: str
    name: str
    kind: Kind
    command: str
    target: str = ""
    words: str = ""


class Agent(Model):
    """An entry of agents."""

    id: str
    name: str
    processes: tuple[str, ...]
    units: tuple[str, ...]
    paths: tuple[str, ...]


class Known(Model):
    """backup.yaml."""

    tools: tuple[Tool, ...]
    agents: tuple[Agent, ...]


@cache
def known() -> Known:
    """Tools and agents as data."""
    text = Path(__file__).with_name("backup.yaml").read_text("utf-8")
    return Known.model_validate(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), strict=False)  # noqa: S506  (safe)


class Found(NamedTuple):
    """One backup command."""

    tool: str
    kind: Kind
    target: str | None
    """Where the copy goes, as written; None where the command does not tell, or tells it through a variable."""
    system: bool
    """It names the whole system or /etc, or it is an image."""


# the program at the start of a command: after a path, after sudo, nice, env and the like, after VARIABLE=value
_BEFORE = (
    r"^(?:\w+=\S*\s+)*+(?:(?:sudo|nice|ionice|env|exec|time|timeout|flock|chronic|systemd-inhibit|setsid|nohup|runuser)\s+"
    r"(?:-[ugn]\s+[\w.-]+\s+|-\S+\s+|\d[^\s=]*\s+|/\S+\.lock\s+|\w+=\S*\s+)*+)*+(?:/[\w./+-]*/)?"
)
_LONG = 4096
_SPLIT = re.compile(
    r"""&&|\|\||;|\$\(|`|\b(?:ba|da|z|k)?sh\s+(?:-\w+\s+)*?-\w*c\s+["']?|\bsu\s[^|;&]{0,80}?-c\s+["']?|\bthen\b|\bdo\b|\belse\b|\{ """
)
_WHOLE = re.compile(r"(?:^|[\s\"'=:])(?:/|/etc)/?(?=[\s\"',;)*]|$)")
_REMOTE = re.compile(
    r"[\w.-]+@[\w.-]+:|(?:ssh|sftp|ftps?|rsync|https?|rest|s3|swift|webdavs?|b2|gs|azure|rclone|scp|smb|nfs):|[\w.-]{2,}::?|//\w",
    re.A,
)


def pipelines(script: str) -> list[str]:
    """The pipelines of a shell script or a line of a crontab, comments dropped, lines ending in \\ joined."""
    joined = re.sub(r"\\\n", " ", script)
    lines = [line.strip() for line in joined.splitlines() if not line.lstrip().startswith("#")]
    return [part.strip()[:_LONG] for line in lines for part in _SPLIT.split(line) if part.strip()]


def backups(script: str) -> tuple[Found, ...]:
    """The backup commands of a script, one per tool and target."""
    found = []
    for pipeline in pipelines(script):
        parts = [part.strip() for part in pipeline.split("|")]
        for at, part in enumerate(parts):
            for tool, pattern in _patterns():
                if pattern.match(part):
                    # pg_dump shop | gzip > /backup/shop.gz: the target stands behind the pipe
                    target = _target(tool, " | ".join(parts[at:]), script)
                    found.append(Found(tool.id, tool.kind, target, tool.kind == "image" or bool(_WHOLE.search(part))))
    return tuple(dict.fromkeys(found))


@cache
def _patterns() -> tuple[tuple[Tool, re.Pattern[str]], ...]:
    return tuple((tool, re.compile(f"{_BEFORE}(?:{tool.command})")) for tool in known().tools)


def _target(tool: Tool, part: str, script: str) -> str | None:
    for pattern, text in ((tool.target, part), (tool.words, script)):
        found = re.search(pattern, text) if pattern else None
        if found:
            target = found[1].strip("\"'")
            # through a variable: what it holds is not worked out
            return None if target in ("", "-") or "$" in target else target
    return None


def remote(target: str | None, mounts: dict[str, str]) -> bool | None:
    """The copy leaves the machine: by its address, or because its folder is a network file system. None where not told."""
    if target is None:
        return None
    if _REMOTE.match(target):
        return True
    if not target.startswith("/"):
        return None
    if not mounts:
        return None
    point = max(
        (point for point in mounts if target == point or target.startswith(point.rstrip("/") + "/")), key=len, default="/"
    )
    return mounts.get(point, "") in NETWORK_FILE_SYSTEMS
