"""A folder with everything that a path can be and should not be, and every question about it."""

from __future__ import annotations

import os
import pickle
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

from collectors.errors import CollectError
from collectors.transports.base import Shell


def told(ask: Callable[[], Any]) -> Any:
    """The answer, or the kind and words of the refusal."""
    try:
        return ask()
    except CollectError as error:
        return type(error), str(error)


def as_user_here(name: str, ask: Callable[[], Any]) -> Any:
    """What `ask` says in a process of its own that runs as that user. Needs root."""
    entry = pwd.getpwnam(name)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            with os.fdopen(writing, "wb") as stream:
                pickle.dump(ask(), stream)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        answer = pickle.load(stream)
    os.waitpid(child, 0)
    return answer


def plant(top: Path) -> Path:
    """Make the folder `top` and all that is odd in it."""
    top.mkdir()
    for name in (
        "plain", "with blank", "quo'te", 'double"quote', "new\nline", "$(touch pwned)", "`id`", "back\\slash", "-dash", "tiếng Việt",
        "*star", "[set]", "!bang", ";semi", "&amp", "#hash", "a: No such file or directory",
    ):  # fmt: skip
        (top / name).write_text(f"text of {name}\n")
    (top / ".hidden").write_text("hidden")
    (top / "empty").write_bytes(b"")
    (top / "no newline").write_bytes(b"last")
    (top / "newlines").write_bytes(b"\n\n\n")
    (top / "binary").write_bytes(bytes(range(256)) * 64)
    (top / "big").write_bytes(b"x" * (16 * 1024 * 1024 + 1))
    Path(os.fsdecode(os.fsencode(top) + b"/not\xffutf8")).write_text("odd bytes")
    (top / "folder").mkdir()
    (top / "folder" / "inner.conf").write_text("inner\n")
    (top / "folder2").mkdir()
    (top / "to file").symlink_to("plain")
    (top / "to nowhere").symlink_to("/nowhere/at all")
    (top / "to folder").symlink_to("folder")
    (top / "to itself").symlink_to("to itself")
    (top / "masked").symlink_to("/dev/null")
    (top / "to secret").symlink_to("closed/inside")
    os.mkfifo(top / "pipe")
    (top / "secret").write_text("secret")
    (top / "secret").chmod(0o600)
    (top / "set-uid").write_text("")
    (top / "set-uid").chmod(0o4755)
    os.utime(top / "plain", (1_700_000_000.75, 1_700_000_000.75))
    (top / "closed").mkdir()
    (top / "closed" / "inside").write_text("x")
    (top / "closed").chmod(0o700)
    return top


def questions(tree: Path) -> dict[str, Callable[[Shell], Any]]:
    """Every file question about every odd path, by a name."""
    paths = [str(tree / entry) for entry in sorted(path.name for path in tree.iterdir())]
    paths += [
        str(tree / "absent"),
        str(tree / "plain/below"),
        str(tree / "closed/inside"),
        str(tree / "closed/absent"),
        "/",
        "/etc/shadow",
    ]
    asked: dict[str, Callable[[Shell], Any]] = {}
    for path in paths:
        asked[f"read {path}"] = lambda shell, path=path: shell.read(path)
        asked[f"stat {path}"] = lambda shell, path=path: shell.stat(path)
        asked[f"link {path}"] = lambda shell, path=path: shell.link(path)
    for pattern in (
        "*", ".*", "*.conf", "f*", "[a-f]*", "[!a-f]*", "?mpty", "with blank", "with *", "*/*.conf", "to*/inner.conf", "folder*/*", "closed/*",
        "closed/inside", "absent/*", "absent*", "plain/*", "*/absent", "to itself/*", "quo'*", "new*", "to secret", "*shadow",
    ):  # fmt: skip
        where = f"{tree}/{pattern}"
        asked[f"names {pattern}"] = lambda shell, where=where: shell.names(where)
        if pattern not in ("*", "[a-f]*"):  # they hold the file that is too big: below
            asked[f"read_all {pattern}"] = lambda shell, where=where: dict(shell.read_all(where))
    asked["read_all big"] = lambda shell: shell.read_all(f"{tree}/big")
    several = (f"{tree}/n*", f"{tree}/folder/*", f"{tree}/absent*", f"{tree}/no*")
    asked["read_all several"] = lambda shell: list(shell.read_all(*several).items())
    return asked
