"""Reading Debian package lists (deb822) as a stream: 50 MB of lists in little memory."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from collectors.errors import Denied, Unparsable, Unsupported

CHUNK = 1 << 20
APT_HELPER = "/usr/lib/apt/apt-helper"


def paragraphs(chunks: Iterator[bytes], wanted: frozenset[bytes]) -> Iterator[bytes]:
    """Each paragraph that begins with `Package: NAME` and NAME in `wanted`, without its trailing empty line.

    Both apt and dpkg write Package first; that is what makes a look at the first line enough.
    """
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n\n")
        for paragraph in whole:
            if paragraph[:1] == b"\n":  # more than one empty line in between
                paragraph = paragraph.lstrip(b"\n")
            # the first line by find, not by split: this runs 100,000 times
            end = paragraph.find(b"\n", 9)
            if paragraph[9 : end if end >= 0 else None] in wanted and paragraph.startswith(b"Package: "):
                yield paragraph
    rest = rest.strip(b"\n")
    if rest.startswith(b"Package: ") and rest[9:].partition(b"\n")[0] in wanted:
        yield rest


def select(paragraph: bytes, fields: tuple[bytes, ...]) -> dict[str, str]:
    """The single-line fields asked for that are present."""
    found = {}
    for field in fields:
        if paragraph.startswith(field + b": "):
            start = len(field) + 2
        else:
            at = paragraph.find(b"\n" + field + b": ")
            if at < 0:
                continue
            start = at + len(field) + 3
        end = paragraph.find(b"\n", start)
        found[field.decode()] = paragraph[start : end if end >= 0 else None].decode("utf-8", "replace")
    return found


def stanzas_of(
    path: Path, shown: str, wanted: frozenset[str], fields: tuple[str, ...]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """(shown, fields) for each wanted paragraph of one local file. `shown` is the path as the target knows it."""
    names = frozenset(name.encode() for name in wanted)
    keys = tuple(field.encode() for field in fields)
    with opened(path) as stream:
        for paragraph in paragraphs(_chunks(stream, path), names):
            yield shown, select(paragraph, keys)


def _chunks(stream: IO[bytes], path: Path) -> Iterator[bytes]:
    read: Callable[[int], bytes] = stream.read
    try:
        while chunk := read(CHUNK):
            yield chunk
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise Unparsable(f"{path}: damaged package list: {error}") from None


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's plain content, whatever apt compressed it with."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as stream:
                yield io.BufferedReader(stream)
        elif path.suffix == ".xz":
            with lzma.open(path) as stream:
                yield stream
        elif path.suffix in (".lz4", ".zst"):
            with _through_apt_helper(path) as stream:
                yield stream
        else:
            with path.open("rb") as stream:
                yield stream
    except PermissionError:
        raise Denied(f"{path}: permission denied; run as root to see it") from None
    except OSError as error:
        raise Unparsable(f"{path}: {error.strerror or error}") from None


@contextmanager
def _through_apt_helper(path: Path) -> Iterator[IO[bytes]]:
    # apt's own program knows every compression apt writes; Python's library has no lz4
    if not Path(APT_HELPER).exists():
        raise Unsupported(f"{path}: {path.suffix[1:]} lists are read with {APT_HELPER}, which is not on this machine")
    if not os.access(path, os.R_OK):
        raise PermissionError(path)
    with subprocess.Popen(
        [APT_HELPER, "cat-file", str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
    ) as process:
        assert process.stdout is not None
        stopped = True
        try:
            yield process.stdout
        finally:
            # a reader that stops early must not leave the helper blocked on a full pipe
            stopped = bool(process.stdout.read(1))
            if stopped:
                process.kill()
        # killed by someone else, the list was cut short: that must not pass for its end
        if process.wait() != 0 and not stopped:
            raise Unparsable(f"{path}: damaged package list")
