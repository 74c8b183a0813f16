"""Who may do what through sudo? Asked of sudo's own translator, or read from its files by its own rules."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from collectors.errors import Denied, Unparsable, Unsupported
from collectors.transports.base import Shell

SUDOERS = "/etc/sudoers"
_VENDOR = "/usr/etc/sudoers"
_DROP_INS = "/etc/sudoers.d/*"
_MAX_DEPTH = 16
SELF = ("(self)",)
"""Run-as list of a rule that names a group only: the command runs as the caller."""

Aliases = Mapping[str, tuple[str, ...]]


class Grant(NamedTuple):
    """One user of one line, with one list of commands."""

    who: str
    """User, %group, %#gid, #uid, +netgroup, ALL or an alias, as written; ! before it where it is excepted."""
    run_as: tuple[str, ...]
    """() when no user is named: root then."""
    commands: tuple[str, ...]
    nopasswd: bool | None
    """What the line's own tag says; None without a tag: then Defaults decide."""


class Defaults(NamedTuple):
    """One option of a Defaults line. `users` is () when it holds for everybody, or when it is bound to hosts, commands or run-as users."""

    name: str
    on: bool
    users: tuple[str, ...]


class Sudoers(NamedTuple):
    grants: tuple[Grant, ...]
    defaults: tuple[Defaults, ...]
    user_aliases: Aliases
    command_aliases: Aliases

    def names(self, who: str, depth: int = 0) -> tuple[str, ...]:
        """`who` with user aliases replaced by what they stand for."""
        if who not in self.user_aliases or depth > _MAX_DEPTH:
            return (who,)
        return tuple(name for member in self.user_aliases[who] for name in self.names(member, depth + 1))

    def everything(self, commands: tuple[str, ...], depth: int = 0) -> bool:
        """The list holds ALL, itself or through an alias. What is taken away again (`ALL, !/bin/su`) does not count: it is easily walked around."""
        return any(
            command == "ALL" or (depth < _MAX_DEPTH and self.everything(self.command_aliases.get(command, ()), depth + 1))
            for command in commands
        )


def read_sudoers(shell: Shell) -> Sudoers | None:
    """None when sudo is not installed. Raises Denied without root: sudoers is 0440."""
    try:
        answer = shell.run("cvtsudoers", "-f", "json", "/etc/sudoers", root=True)
    except Unsupported:
        return _from_files(shell)
    if answer.status == 0:
        return parse_json(answer.out)
    if answer.refused and not answer.missing:
        raise Denied("cvtsudoers: permission denied; run as root to see /etc/sudoers")
    # no cvtsudoers (sudo before 1.8.22, or no sudo), or a file it cannot make sense of as a whole
    return _from_files(shell)


# --- what cvtsudoers says ---------------------------------------------------------------------------------------------


def parse_json(text: str) -> Sudoers:
    """The document of `cvtsudoers -f json`. Raises Unparsable."""
    try:
        document = json.loads(text) if text.strip() else {}
        grants = tuple(grant for spec in document.get("User_Specs", ()) for grant in _spec_grants(spec))
        defaults = tuple(option for entry in document.get("Defaults", ()) for option in _defaults_entry(entry))
        users = {name: tuple(map(_who, members)) for name, members in document.get("User_Aliases", {}).items()}
        commands = {name: tuple(map(_command, members)) for name, members in document.get("Command_Aliases", {}).items()}
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise Unparsable("cvtsudoers: the answer is not the JSON that sudo documents") from None
    return Sudoers(grants, defaults, users, commands)


def _spec_grants(spec: Mapping[str, Any]) -> Iterator[Grant]:
    for part in spec["Cmnd_Specs"]:
        tags = {name: on for option in part.get("Options", ()) for name, on in option.items()}
        authenticate = tags.get("authenticate")
        if authenticate is not None and not isinstance(authenticate, bool):
            raise TypeError(authenticate)
        commands = tuple(map(_command, part["Commands"]))
        # (:adm) is the user himself with another group. sudo 1.9.16 (Debian 13) names him "", older ones name nobody
        named = tuple(who for who in map(_who, part.get("runasusers", ())) if who)
        run_as = named or (SELF if "runasgroups" in part or "runasusers" in part else ())
        for user in spec["User_List"]:
            yield Grant(_who(user), run_as, commands, None if authenticate is None else not authenticate)


def _defaults_entry(entry: Mapping[str, Any]) -> Iterator[Defaults]:
    binding = entry.get("Binding", ())
    users = tuple(map(_who, binding)) if all(_USER_KEYS.keys() & set(one) for one in binding) else ()
    for option in entry.get("Options", ()):
        for name, value in option.items():
            yield Defaults(str(name), value is not False, users)


_USER_KEYS = {
    "username": "{}", "usergroup": "%{}", "userid": "#{}", "usergid": "%#{}", "usergroupid": "%#{}", "netgroup": "+{}",
    "nonunixgroup": "%:{}", "nonunixgid": "%:#{}", "useralias": "{}", "runasalias": "{}",
}  # fmt: skip


def _who(entry: Mapping[str, Any]) -> str:
    for key, form in _USER_KEYS.items():
        if key in entry:
            return ("!" if entry.get("negated") else "") + form.format(entry[key])
    raise KeyError("user")


def _command(entry: Mapping[str, Any]) -> str:
    for key in ("command", "cmndalias", "list", "sudoedit"):
        if key in entry:
            return ("!" if entry.get("negated") else "") + str(entry[key])
    raise KeyError("command")


# --- what the files say -----------------------------------------------------------------------------------------------


def _from_files(shell: Shell) -> Sudoers | None:
    texts = dict(shell.read_all(SUDOERS, _VENDOR, _DROP_INS, root=True))
    main = SUDOERS if SUDOERS in texts else _VENDOR
    if main not in texts:
        return None

    def include(target: str, directory: bool) -> Mapping[str, str]:
        pattern = f"{target.rstrip('/')}/*" if directory else target
        if directory and pattern == _DROP_INS:
            return {path: text for path, text in texts.items() if path.startswith("/etc/sudoers.d/")}
        return shell.read_all(pattern, root=True)

    return parse_files(main, texts[main], include)


def parse_files(main: str, text: str, include: Callable[[str, bool], Mapping[str, str]]) -> Sudoers:
    """The files as sudo reads them. `include(target, directory)` hands over {path: text} of what an include names.

    In an included directory sudo passes over names with a dot in them or a ~ at their end: `90-admins.conf` is dead text.
    """
    grants: list[Grant] = []
    defaults: list[Defaults] = []
    users: dict[str, tuple[str, ...]] = {}
    commands: dict[str, tuple[str, ...]] = {}

    def walk(path: str, body: str, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise Unparsable(f"{path}: files include each other without end")
        for number, line in _logical(body):
            found = None if "\0" in line else _INCLUDE.fullmatch(line)
            if found:
                target = found["target"].strip('"').replace("\\ ", " ")
                target = target if target.startswith("/") else f"/etc/{target}"
                directory = found["kind"] == "includedir"
                for name, inner in include(target, directory).items():
                    if not directory or _counts(name):
                        walk(name, inner, depth + 1)
            elif _comment(line):
                continue
            else:
                try:
                    _line(line, grants, defaults, users, commands)
                except _Malformed:
                    raise Unparsable(f"{path} line {number}: not a line of sudoers that we understand") from None

    walk(main, text, 0)
    return Sudoers(tuple(grants), tuple(defaults), users, commands)


_INCLUDE = re.compile(r"[@#](?P<kind>include(?:dir)?)\s+(?P<target>\"[^\"]+\"|(?:\\ |\S)+)\s*")
_DEFAULTS = re.compile(r"Defaults(?P<bind>[@:!>])?(?(bind)\s*(?P<to>(?:[^\s,]|,\s*)+))(?:\s+(?P<options>.*)|$)", re.S)
_ALIAS = re.compile(r"(?P<kind>User|Runas|Host|Cmnd|Cmd)_Alias\s+(?P<rest>.*)", re.S)
_TAG = re.compile(
    r"(?P<tag>(?:NO)?(?:PASSWD|EXEC|SETENV|LOG_INPUT|LOG_OUTPUT|MAIL|FOLLOW|INTERCEPT))\s*:\s*"
    r"|(?:ROLE|TYPE|PRIVS|LIMITPRIVS|TIMEOUT|NOTBEFORE|NOTAFTER|CWD|CHROOT|APPARMOR_PROFILE)\s*=\s*(?:\"[^\"]*\"|\S+)\s*"
)
_DIGEST = re.compile(r"sha(?:224|256|384|512)\s*:\s*[0-9A-Za-z+/=]+\s*")


class _Malformed(Exception):
    pass


def _counts(path: str) -> bool:
    name = path.rpartition("/")[2]
    return "." not in name and not name.endswith("~")


def _comment(line: str) -> bool:
    # "#1000 ALL=..." is a user by number, not a comment
    return line.startswith("#") and not re.match(r"#-?\d+[\s,]", line)


def _logical(body: str) -> Iterator[tuple[int, str]]:
    """(number, line) with continuation lines joined, trailing comments cut, empty lines left out."""
    held, start = "", 0
    for number, raw in enumerate(body.split("\n"), 1):
        start = start or number
        if raw.rstrip("\r").endswith("\\") and not held.lstrip().startswith("#"):
            held += raw.rstrip("\r")[:-1] + " "
            continue
        line = _uncommented((held + raw).strip())
        if line:
            yield start, line
        held, start = "", 0
    if held.strip():
        yield start, _uncommented(held.strip())


def _uncommented(line: str) -> str:
    if _comment(line):
        return line
    quoted = False
    for at, char in enumerate(line):
        if char == '"' and line[at - 1 : at] != "\\":
            quoted = not quoted
        elif at and char == "#" and not quoted and line[at - 1].isspace() and not re.match(r"#-?\d", line[at:]):
            return line[:at].rstrip()
    return line


def _line(
    line: str,
    grants: list[Grant],
    defaults: list[Defaults],
    users: dict[str, tuple[str, ...]],
    commands: dict[str, tuple[str, ...]],
) -> None:
    if line.startswith("Defaults") and (found := _DEFAULTS.fullmatch(line)):
        bound = tuple(_items(found["to"], ",")) if found["bind"] == ":" else ()
        for option in _items(found["options"] or "", ","):
            bare = option.lstrip("!").strip()
            defaults.append(Defaults(re.split(r"[\s=+\-]", bare, maxsplit=1)[0], not option.startswith("!"), bound))
    elif found := _ALIAS.fullmatch(line):
        table = {"User": users, "Cmnd": commands, "Cmd": commands}.get(found["kind"])
        for one in _items(found["rest"], ":"):
            name, equals, members = one.partition("=")
            if not equals or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name.strip()):
                raise _Malformed
            if table is not None:
                table[name.strip()] = tuple(_DIGEST.sub("", item) for item in _items(members, ","))
    else:
        grants.extend(_user_spec(line))


def _user_spec(line: str) -> list[Grant]:
    """`users hosts = (runas) TAG: commands : hosts = commands`."""
    found: list[Grant] = []
    who: list[str] = []
    for at, part in enumerate(_host_parts(line)):
        left, equals, right = _cut(part, "=")
        if not equals:
            raise _Malformed
        if at == 0:
            # users and hosts are two lists; a comma binds, a blank parts
            lists = _LIST_BREAK.split(left.strip())
            if len(lists) != 2:
                raise _Malformed
            who = _items(lists[0], ",")
        if not who or not left.strip():
            raise _Malformed
        found += _command_list(who, right)
    if not found:
        raise _Malformed
    return found


_LIST_BREAK = re.compile(r"(?<![,\\!])(?<!,\s)\s+(?!\s*,)")


def _host_parts(line: str) -> Iterator[str]:
    """The parts between the colons that separate host lists; the colons of tags, of run-as lists and of digests do not."""
    masked = _TAG.sub(lambda tag: tag.group(0).replace(":", "\0"), line)
    masked = _DIGEST.sub(lambda digest: digest.group(0).replace(":", "\0"), masked)
    return (part.replace("\0", ":") for part in _split(masked, ":"))


def _command_list(who: Iterable[str], text: str) -> list[Grant]:
    run_as: tuple[str, ...] = ()
    nopasswd: bool | None = None
    rows: list[tuple[tuple[str, ...], bool | None, list[str]]] = []
    # run-as list and tags hold for the commands that follow, until others are named
    for item in _items(text, ","):
        rest = item
        if rest.startswith("("):
            inside, closed, rest = rest[1:].partition(")")
            if not closed:
                raise _Malformed
            run_as, rest = tuple(_items(inside.partition(":")[0], ",")) or SELF, rest.strip()
        while tag := _TAG.match(rest):
            if tag["tag"] in ("PASSWD", "NOPASSWD"):
                nopasswd = tag["tag"] == "NOPASSWD"
            rest = rest[tag.end() :]
        command = _DIGEST.sub("", rest).strip()
        if not command:
            raise _Malformed
        if rows and rows[-1][:2] == (run_as, nopasswd):
            rows[-1][2].append(command)
        else:
            rows.append((run_as, nopasswd, [command]))
    if not rows:
        raise _Malformed
    return [Grant(user, run, tuple(commands), free) for run, free, commands in rows for user in who]


def _items(text: str, separator: str) -> list[str]:
    """The parts of a list. An empty part is a mistake, an empty list is not."""
    parts = [part.strip() for part in _split(text, separator)]
    if parts == [""]:
        return []
    if "" in parts:
        raise _Malformed
    return parts


def _split(text: str, separator: str) -> list[str]:
    """Split outside quotes, brackets and escapes."""
    parts, start, depth, quoted, at = [], 0, 0, False, 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char == '"':
            quoted = not quoted
        elif not quoted and char in "()":
            depth += 1 if char == "(" else -1
        elif char == separator and not quoted and depth <= 0:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    if quoted:
        raise _Malformed
    return [*parts, text[start:]]


def _cut(text: str, separator: str) -> tuple[str, str, str]:
    head, *rest = _split(text, separator)
    return head, separator if rest else "", separator.join(rest)
