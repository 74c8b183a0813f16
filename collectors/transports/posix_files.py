"""The questions about files as POSIX-sh scripts, and the reading of their answers: for hosts with no Python of ours.

A script goes to `sh` on its standard input, so the log-on shell (csh, fish, rbash) never sees a path. Its answer is a
row of records of four fields, every field closed by a mark: 128 random bits made for this one question. Contents travel
as they are (no base64, no lengths: files under /proc have none), and what .bashrc or a banner prints falls before the
first mark. The mark is never an argument of a program, so /proc/*/cmdline cannot echo it.

The scripts say what LocalShell says: absent, denied, a directory and a special file stay four different answers.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from collectors.errors import CollectError, Denied, Unparsable, Unsupported
from collectors.transports.base import MAX_BYTES, Stat

PRELUDE = r"""cd /
say() { printf '%s' "$1"; printf '%s' "$N"; }
record() { say "$1"; say "$2"; say "$3"; say "$4"; }
gone() { m=$(stat $2 "$1" 2>&1 >/dev/null) || record error "$1" '' "$m"; }
text() {
  say text; say "$1"
  { m=$(head -c LIMIT "$1" 2>&1 >&3) || m=${m:-failed}; } 3>&1
  say ''; say "$m"
}
read_one() {
  if [ -f "$1" ]; then text "$1"
  elif [ -e "$1" ] && [ ! -r "$1" ]; then record error "$1" '' 'Permission denied'
  elif [ -d "$1" ]; then record directory "$1" '' ''
  elif [ -e "$1" ]; then record special "$1" "$(stat -L -c '%F %t:%T' "$1" 2>/dev/null)" ''
  else gone "$1" -L; fi
}
read_regular() {
  if [ -f "$1" ]; then text "$1"
  elif [ ! -e "$1" ]; then gone "$1" -L; fi
}
name() { if [ -e "$1" ] || [ -L "$1" ]; then record name "$1" '' ''; else gone "$1"; fi; }
listable() {
  if [ -d "$1" ]; then
    [ -r "$1" ] && [ -x "$1" ] && return 0
    record error "$1" '' 'Permission denied'
  elif [ ! -e "$1" ]; then gone "$1" -L; fi
  return 1
}
status() {
  if m=$(stat -L -c '%f %u %g %s %Y' "$1" 2>&1); then record status "$1" "$m" ''; else record error "$1" '' "$m"; fi
}
link() {
  if [ -L "$1" ]; then
    say link; say "$1"
    { m=$(readlink -n "$1" 2>&1 >&3) || m=${m:-failed}; } 3>&1
    say ''; say "$m"
  elif [ ! -e "$1" ]; then gone "$1"; fi
}
""".replace("LIMIT", str(MAX_BYTES + 1))

STANZAS = r"""
plain() {
  case "$1" in
    *.gz) gzip -dc "$1" ;;
    *.xz) xz -dc "$1" ;;
    *.lz4|*.zst) /usr/lib/apt/apt-helper cat-file "$1" ;;
    *) cat "$1" ;;
  esac
}
stanzas() {
  if [ ! -e "$1" ]; then gone "$1" -L; return; fi
  if [ ! -r "$1" ]; then record error "$1" '' 'Permission denied'; return; fi
  say stanzas; say "$1"
  { printf '%s\n' "$N" "$W" ''; plain "$1" 2>/dev/null </dev/null || printf '\n\n%s %s\n' "$N" "$?"; } | awk "$A"
  say ''; say ''
}
"""
"""gzip, xz and apt's own helper decompress where the list lies; a failed one leaves a line of its own in the stream."""

AWK = r"""
NR == 1 { mark = $0 " "; n = split("FIELDS", f, " "); for (i = 1; i <= n; i++) field[f[i]] = 1; next }
names == 0 { if ($0 == "") { names = 1; fresh = 1 } else wanted[$0] = 1; next }
$0 == "" { fresh = 1; keep = 0; next }
index($0, mark) == 1 { print "!" substr($0, length(mark) + 1); keep = 0; next }
fresh { fresh = 0; keep = (index($0, "Package: ") == 1 && (substr($0, 10) in wanted)); if (keep) { print "="; split("", had) } }
keep { i = index($0, ": "); k = substr($0, 1, i - 1); if (i > 1 && (k in field) && !(k in had)) { had[k] = 1; print } }
END { print "." }
"""
"""Paragraphs whose first line is a wanted Package: `=`, then the fields asked for. `!` tells a failed decompressor, `.` the end."""

_END = "end"
_MAGIC = re.compile(r"\[!?[\w.-]+\]|\*|\?")


class Record(NamedTuple):
    """One answer about one path. `note` is what the tool said on its standard error: empty when all went well."""

    verb: str
    path: str
    body: bytes
    note: str


class Script(NamedTuple):
    """A question ready to be sent, and the mark by which its answer is cut."""

    text: bytes
    mark: bytes

    def records(self, out: bytes) -> tuple[Record, ...] | None:
        """The records of an answer; None when there is none at all (no POSIX shell answered, or nothing ran).

        Raises Unparsable when the answer was cut short.
        """
        _noise, begun, rest = out.partition(self.mark)
        if not begun:
            return None
        *fields, _after = rest.split(self.mark)
        rows = [fields[at : at + 4] for at in range(0, len(fields), 4)]
        if not rows or len(rows[-1]) != 4 or rows[-1][0] != _END.encode():
            raise Unparsable("the answer about files was cut short")
        return tuple(
            Record(verb.decode("ascii", "replace"), os.fsdecode(path), body, note.decode("utf-8", "replace"))
            for verb, path, body, note in rows[:-1]
        )


def script(*calls: str, stanza_fields: tuple[str, ...] = (), wanted: frozenset[str] = frozenset()) -> Script:
    """The calls, as `call` and `matching` make them, with the functions they need."""
    mark = secrets.token_hex(16)
    lines = [f"N={mark}", PRELUDE]
    if stanza_fields:
        names = "\n".join(sorted(name for name in wanted if name and "\n" not in name))
        program = AWK.replace("FIELDS", " ".join(field for field in stanza_fields if re.fullmatch(r"[A-Za-z0-9-]+", field)))
        lines += [f"W={shlex.quote(names)}", f"A={shlex.quote(program)}", STANZAS]
    lines += ["printf '%s' \"$N\"", *calls, f"record {_END} '' '' ''", ""]
    return Script(os.fsencode("\n".join(lines)), mark.encode())


def call(function: str, path: str) -> str:
    """`function` asked about one path."""
    return f"{function} {shlex.quote(path)}"


def matching(function: str, pattern: str) -> str:
    """`function` asked about every path that matches a shell pattern, each directory on the way checked to be listable.

    sh itself skips what it may not list without a word; that would turn "denied" into "nothing there".
    """
    return _loops(function, "", [part for part in pattern.split("/") if part], 1)


def _loops(function: str, so_far: str, parts: list[str], depth: int) -> str:
    plain = []
    while parts and not _MAGIC.search(parts[0]):
        plain.append(parts[0])
        parts = parts[1:]
    here = so_far + (shlex.quote("/" + "/".join(plain)) if plain else "")
    if not parts:
        return f"{function} {here or '/'}"
    variable = f"p{depth}"
    inner = _loops(function, f'"${variable}"', parts[1:], depth + 1)
    return f"if listable {here or '/'}; then for {variable} in {here}/{_quoted(parts[0])}; do {inner}; done; fi"


def _quoted(part: str) -> str:
    """A component with its wildcards bare and all else quoted."""
    done, at = "", 0
    for found in _MAGIC.finditer(part):
        done += (shlex.quote(part[at : found.start()]) if found.start() > at else "") + found.group()
        at = found.end()
    return done + (shlex.quote(part[at:]) if at < len(part) else "")


def failure(path: str, said: str) -> CollectError | None:
    """The error in what a tool said in the C locale; None when it said that the path does not exist."""
    reason = said.strip().rpartition(": ")[2] or "no message"
    if reason in ("No such file or directory", "Not a directory", "No such process"):
        return None
    if reason in ("Permission denied", "Operation not permitted"):
        return Denied(f"{path}: permission denied; run as root to see it")
    return Unparsable(f"{path}: {reason}")


def text_of(record: Record) -> str | None:
    """The text in a record of `read_one` or `read_regular`; None when the file vanished. Raises as LocalShell.read does."""
    if record.verb == "directory":
        raise Unparsable(f"{record.path}: a directory stands where a file was expected")
    if record.verb == "special":
        if record.body.endswith(b" 1:3"):  # /dev/null: how a unit or a setting is masked
            return ""
        raise Unparsable(f"{record.path}: neither a file nor a directory")
    if record.verb == "error" or record.note:
        problem = failure(record.path, record.note)
        if problem:
            raise problem
        return None
    if len(record.body) > MAX_BYTES:
        raise Unparsable(f"{record.path}: larger than {MAX_BYTES >> 20} MiB")
    return record.body.decode("utf-8", "replace")


def stat_of(record: Record) -> Stat:
    """The Stat in a record of `status`."""
    try:
        raw, uid, gid, size, mtime = record.body.split()
        mode = int(raw, 16)
        return Stat(mode & 0o7777, int(uid), int(gid), int(size), float(mtime), mode & 0o170000 == 0o040000)
    except ValueError:
        raise Unparsable(f"{record.path}: stat answered {record.body[:80]!r}") from None


def stanzas_of(record: Record) -> Iterator[tuple[str, Mapping[str, str]]]:
    """(path, fields) for each paragraph in a record of `stanzas`."""
    *lines, last = record.body.decode("utf-8", "replace").removesuffix("\n").split("\n")
    if last != ".":
        raise Unsupported(f"{record.path}: package lists are filtered with awk, which did not run on the target")
    stanza: dict[str, str] | None = None
    for line in lines:
        if line.startswith("!"):
            if line == "!127":
                suffix = record.path.rpartition(".")[2]
                raise Unsupported(f"{record.path}: the target has no program that opens .{suffix} lists")
            raise Unparsable(f"{record.path}: damaged package list")
        if line == "=":
            if stanza is not None:
                yield record.path, stanza
            stanza = {}
        elif stanza is not None:
            field, _, value = line.partition(": ")
            stanza[field] = value
    if stanza is not None:
        yield record.path, stanza
