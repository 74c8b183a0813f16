"""What runs now, what starts by itself, and whom does the machine speak with?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import ClassVar, Final, Literal, TypeVar

from pydantic import Field

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps, Model, once
from collectors.linux import connections, cron
from collectors.linux.presence import processes
from collectors.transports.base import Shell

T = TypeVar("T")


class Connection(Model):
    """One peer on another machine and what speaks with it."""

    protocol: Literal["tcp", "udp"] = Field(description="tcp or udp")
    address: str = Field(description="Address of the other end")
    port: int = Field(description="Port of the other end; of what came in: the port here")
    incoming: bool = Field(description="It came to a port that this machine listens on")
    process: str | None = Field(description="Program that holds it; None where that was not seen, or it has ended (TIME-WAIT)")


class HostsLine(Model):
    """One line of the hosts file."""

    address: str = Field(description="As it stands there")
    names: tuple[str, ...] = Field(description="Names that are this address, whatever a name server says")


class Startup(Model):
    """One line that starts something. Of the line only names are kept: passwords stand in such lines too."""

    place: str = Field(
        description="File it stands in; on Windows a registry key, Startup (of whom, by SID), a scheduled task, or a service"
    )
    programs: tuple[str, ...] = Field(description="File names of the programs it starts, without their folders")
    hosts: tuple[str, ...] = Field(description="Hosts of web addresses, and addresses, that the line names")


class Activity(Fact):
    """A moment of the machine. A short list shows what is there now; it never shows that something was not there before.

    A list that is too long is cut, and `unseen` says so of its rows, as `connections[]`: what is not in it may be there. So it
    says where places of one list were looked at and others could not be.
    """

    NAME: ClassVar[str] = "activity"
    MOMENT: ClassVar[bool] = True

    processes: tuple[str, ...] | None = Field(
        description="Names of running processes, sorted, those of the kernel's workers left out; Linux keeps 15 letters of a name, "
        "Windows names the file, with its ending"
    )
    connections: tuple[Connection, ...] | None = Field(
        description="Peers on other machines at that moment, sorted; of more than 2000 those that this machine went to are kept first. "
        "Of UDP what is bound to one peer, which Windows does not tell"
    )
    dns_servers: tuple[str, ...] | None = Field(description="Addresses that are asked for names, in their order")
    dns_cache: tuple[str, ...] | None = Field(
        description="Names asked for lately; () where nothing on this machine keeps them; None where they could not be read. "
        "On Windows also other names for them (CNAME), without those that the hosts file puts there"
    )
    hosts: tuple[HostsLine, ...] | None = Field(
        description="The hosts file, comments and loopback's own lines left out; of more than 2000 lines also those that send names nowhere"
    )
    startup: tuple[Startup, ...] | None = Field(
        description="Tables of cron and the scripts of its folders, rc.local, services in /etc/systemd/system with their drop-ins, and "
        "/etc/xdg/autostart; not what packages or users bring elsewhere. Of a script one row: itself, and what its lines start. "
        "On Windows: keys Run and RunOnce, folders Startup, enabled scheduled tasks, automatic services"
    )


_WORKERS = re.compile(r"(?:kworker|ksoftirqd|migration|cpuhp|irq|rcu\w*|idle_inject|scsi_\w+|jbd2|nvme[\w-]*)/")
CACHES = frozenset({"systemd-resolve", "nscd", "dnsmasq", "unbound", "named", "sssd_nss", "pdns_recursor", "kresd", "coredns"})
"""Processes, as the kernel cuts their names, that keep answers of name servers."""
MOST: Final = 2000
"""Rows of one list. A server of the web speaks with tens of thousands, and a report says it anew each time."""
NETWORKS: Final = "/run/netns/*"
"""Names of network namespaces that `ip netns` made."""
STUB, BEHIND = "127.0.0.53", "/run/systemd/resolve/resolv.conf"


def linux(shell: Shell) -> Activity:
    """Files, the process list and `ss`; nothing is asked over the network."""
    gaps = Gaps()
    running = once(lambda: processes(shell))
    peers = gaps.attempt("connections", lambda: _connections(shell))
    if peers and any(one.process is None for one in peers):
        gaps.note(
            "connections[].process",
            "unsupported" if shell.privileged else "denied",
            "ss does not name the program of some sockets",
        )
    if peers is not None:
        _note_networks(gaps, shell)
    names = gaps.attempt("processes", lambda: tuple(sorted(name for name in running() if not _WORKERS.match(name))))
    return Activity(
        processes=cut(gaps, "processes", names),
        connections=in_order(cut(gaps, "connections", peers)),
        dns_servers=gaps.attempt("dns_servers", lambda: _dns_servers(shell)),
        dns_cache=gaps.attempt("dns_cache", lambda: _dns_cache(running())),
        hosts=cut(gaps, "hosts", gaps.attempt("hosts", lambda: _hosts(shell))),
        startup=cut(gaps, "startup", _startup_told(gaps, shell)),
        unseen=gaps.unseen,
    )


def cut(gaps: Gaps, field: str, rows: tuple[T, ...] | None) -> tuple[T, ...] | None:
    """The first of them; that there are more is said."""
    if rows is None or len(rows) <= MOST:
        return rows
    gaps.note(f"{field}[]", "unsupported", f"the first {MOST} of {len(rows)} are told")
    return rows[:MOST]


def _connections(shell: Shell) -> tuple[Connection, ...]:
    return went_first(Connection(**peer._asdict()) for peer in connections.peers(shell))


def _note_networks(gaps: Gaps, shell: Shell) -> None:
    """`ss` tells the network it is started in. Networks of containers have no name; that containers run shows in the processes."""
    try:
        named = shell.names(NETWORKS)
    except CollectError as error:
        gaps.note("connections[]", error.outcome, f"whether there are further networks was not seen: {error}")
        return
    if named:
        told = ", ".join(path.rpartition("/")[2] for path in named[:5])
        gaps.note("connections[]", "unsupported", f"network namespaces of this machine are not looked at: {told}")


def went_first(found: Iterable[Connection]) -> tuple[Connection, ...]:
    """Those that this machine went to before those that came."""
    return tuple(sorted(found, key=lambda one: (one.incoming, _place(one))))


def in_order(rows: tuple[Connection, ...] | None) -> tuple[Connection, ...] | None:
    return None if rows is None else tuple(sorted(rows, key=_place))


def _place(one: Connection) -> tuple[str, str, int, str]:
    return one.protocol, one.address, one.port, one.process or ""


def _dns_servers(shell: Shell) -> tuple[str, ...]:
    """Behind a resolver of the machine's own its servers count; where those cannot be read, none are known."""
    text = shell.read("/etc/resolv.conf")
    if text is None:
        raise Unsupported("there is no /etc/resolv.conf")
    servers = _named_in(text)
    if STUB in servers:
        behind = shell.read(BEHIND)
        servers = [one for one in servers if one != STUB] + (_named_in(behind) if behind else [])
        if behind is None:
            raise Unsupported(f"names are asked of systemd-resolved, and there is no {BEHIND}")
    if servers and all(ip_address(one.partition("%")[0]).is_loopback for one in servers):
        raise Unsupported("names are asked of a resolver on this machine; which servers that one asks was not read")
    return tuple(dict.fromkeys(servers))


def _named_in(text: str) -> list[str]:
    found = re.findall(r"^[ \t]*nameserver[ \t]+(\S+)", text, re.M)
    for server in found:
        try:
            ip_address(server.partition("%")[0])
        except ValueError:
            raise Unparsable(f"resolv.conf: {server[:60]!r} is no address") from None
    return found


def _dns_cache(running: Iterable[str]) -> tuple[str, ...]:
    if keeping := sorted(CACHES & set(running)):
        raise Unsupported(f"{keeping[0]} keeps names that were asked for, and they are not read")
    return ()


def _hosts(shell: Shell) -> tuple[HostsLine, ...]:
    text = shell.read("/etc/hosts")
    if text is None:
        raise Unsupported("there is no /etc/hosts")
    return hosts_of(text)


def hosts_of(text: str) -> tuple[HostsLine, ...]:
    """The lines of a hosts file that say something."""
    lines = tuple(_hosts_lines(text))
    # lists against advertising have a hundred thousand lines of names that lead nowhere
    return lines if len(lines) <= MOST else tuple(line for line in lines if not _nowhere(line))


def _nowhere(line: HostsLine) -> bool:
    found = ip_address(line.address.partition("%")[0])
    return found.is_loopback or found.is_unspecified


def _hosts_lines(text: str) -> Iterator[HostsLine]:
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            continue  # the resolver passes such a line over
        own = found.is_loopback and all("." not in name or name.startswith(("localhost", "ip6-")) for name in names)
        if names and not own and not found.is_multicast:
            yield HostsLine(address=address, names=tuple(names))


# --- what starts by itself ------------------------------------------------------------------------------------------

_PLAIN = re.compile(r"[\w.+@-]{1,100}")
_INTERPRETERS = re.compile(r"(?:(?:ba|da|z|k)?sh|python[\d.]*|perl|php[\d.]*|ruby|node)")
_CARRIERS = {
    "env": 1, "nice": 1, "ionice": 1, "nohup": 1, "sudo": 1, "setsid": 1, "timeout": 1, "exec": 1, "flock": 2, "su": 2,
    "if": 1, "then": 1, "elif": 1, "else": 1, "do": 1, "while": 1, "until": 1, "time": 1,
}  # fmt: skip
"""Programs that start the next one named; before it flock names its lock, and su may name an account."""
_WORDS = frozenset({
    "if", "then", "elif", "else", "fi", "for", "do", "done", "while", "until", "case", "esac", "in", "function", "time", "set", "unset",
    "exit", "return", "export", "local", "readonly", "shift", "break", "continue", "true", "false", "test", "echo", "printf", "cd",
    "read", "trap", "umask", "eval", "exec",
})  # fmt: skip
"""Of the shell itself: they start nothing."""
_PIECE: Final = r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\."
_QUOTED = re.compile(_PIECE)
_GIVEN = re.compile(r"=(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\.|[^\s\"'\\;&|()<>]|[\"'].*$)*")
"""A value, its quotes included; one whose quotes do not end goes on to the end of the line."""
_READ = re.compile(rf"(?:{_PIECE}|(?!\s#)[^\\\"'])*")
"""A line up to a remark, or to quotes that do not end on it."""
_CLOSED = {"'": re.compile(r"[^']*'"), '"': re.compile(r"(?:[^\"\\]|\\.)*\"")}
"""What was quoted on lines before, to its end."""
_ARGUMENTS = re.compile(rf"(?:{_PIECE}|(?!\s#)[^\\\"';&|()])*(?:\s#.*)?")
"""What belongs to the same command still."""
_BEFORE = re.compile(r"(?:^|[;&|()])\s*(?:\w+=\S*\s+)*\w+=$")
"""A variable set for the command that comes after it."""
_TEXT = re.compile(r"(?<!<)<<-?\s*(?!<)[\\\"']?([A-Za-z_]\w*)")
_WITH_VALUE = frozenset({"-u", "-g"})
_NUMBER = re.compile(r"\d+[smhd]?")
_REDIRECTION = re.compile(r"\d*[<>]+&?\s*[^\s;&|()]*")
_URL_HOST = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#\s'\"]*@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)", re.I)
_DEVICE_HOST = re.compile(r"/dev/(?:tcp|udp)/([A-Za-z0-9._-]+)/")
_ADDRESS = re.compile(r"(?<![\w./:-])(\d{1,3}(?:\.\d{1,3}){3})(?![\w.-])")


FETCHERS: Final = frozenset(
    {"curl", "wget", "aria2c", "nc", "ncat", "netcat", "socat", "telnet", "ssh", "scp", "sftp", "rsync", "ftp", "tftp", "lftp"}
)
"""Programs that speak with a host which their line names. A bare name among arguments cannot be told from a password."""


def _startup_told(gaps: Gaps, shell: Shell) -> tuple[Startup, ...] | None:
    broken: list[str] = []
    found = gaps.attempt("startup", lambda: _startup(shell, broken))
    if broken:
        gaps.note("startup[]", "unparsable", f"{broken[0]}: where its quotes or its texts (<<) end was not understood")
    if silent := sorted({name for one in found or () if not one.hosts for name in FETCHERS & set(one.programs)}):
        gaps.note("startup[].hosts", "unsupported", f"a line starts {silent[0]}, and with which host is not read")
    return found


def _startup(shell: Shell, broken: list[str]) -> tuple[Startup, ...]:
    """`broken`: scripts of which not all lines could be told are put there."""
    found = {line for line in _lines(shell, broken) if line.programs or line.hosts}
    scripts = shell.read_all(*(f"{folder}/*" for folder in cron.FOLDERS))
    found.update(_of_script(path, text, broken) for path, text in scripts.items())
    return tuple(sorted(found, key=lambda one: (one.place, one.programs, one.hosts)))


def _lines(shell: Shell, broken: list[str]) -> Iterator[Startup]:
    for path, text in shell.read_all("/etc/crontab", "/etc/cron.d/*").items():
        yield from (of_line(path, one.command) for one in cron.entries(text, path, with_user=True))
    for path, text in shell.read_all("/var/spool/cron/crontabs/*", "/var/spool/cron/*", root=True).items():
        yield from (of_line(path, one.command) for one in cron.entries(text, path, with_user=False))
    for path, text in shell.read_all("/etc/rc.local", "/etc/rc.d/rc.local").items():
        lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.lstrip().startswith("#")]
        yield from (of_line(path, line) for line in _commands(path, lines, broken))
    units = shell.read_all("/etc/systemd/system/*.service", "/etc/systemd/system/*.d/*.conf", "/etc/xdg/autostart/*.desktop")
    for path, text in units.items():
        # a line that ends in a backslash goes on in the next one; comments between do not end it
        whole = re.sub(r"\\\n(?:[ \t]*[#;].*\n)*", " ", text)
        for command in re.findall(r"^[ \t]*Exec\w*[ \t]*=[ \t]*[-@:+!|]*(.*)$", whole, re.M):
            yield of_line(path, command)


def _of_script(path: str, text: str, broken: list[str]) -> Startup:
    """A script that cron's folders start: itself, the programs its lines begin with, and the hosts they name."""
    lines = [line for line in text.replace("\\\n", " ").splitlines() if not line.lstrip().startswith("#")]
    first = text.partition("\n")[0]
    shell = not first.startswith("#!") or re.search(r"/(?:env\s+)?\w*sh\b", first) is not None
    told = [of_line(path, path)] + ([of_line(path, line) for line in _commands(path, lines, broken)] if shell else [])
    programs = dict.fromkeys(name for one in told for name in one.programs if name not in _WORDS)
    hosts = dict.fromkeys(host for line in lines for host in of_line(path, line).hosts)
    return Startup(place=path, programs=tuple(programs), hosts=tuple(hosts))


def _commands(path: str, lines: list[str], broken: list[str]) -> Iterator[str]:
    """What is quoted over several lines, stands there as text (<<) or is given to a variable is no command: it may be a password."""
    ends, quoted, given = "", "", False
    for line in lines:
        if ends:
            ends = "" if line.strip() == ends else ends
            continue
        if quoted:
            closed = _CLOSED[quoted].match(line)
            if closed is None:
                continue
            line = line[closed.end() :]
            quoted, line = "", f"={line}" if given else _ARGUMENTS.sub("", line, count=1)
        read = _READ.match(line)
        assert read is not None
        whole, after = _without_values(read[0]), line[read.end() : read.end() + 1]
        if after in _CLOSED:
            quoted, given = after, _BEFORE.search(whole) is not None
        elif "<<" in _QUOTED.sub("", whole) and (text := _TEXT.search(whole)):
            ends = text[1]
        yield whole
    if ends or quoted:
        broken.append(path)


def of_line(place: str, command: str) -> Startup:
    """What of a command may be told: names of programs and hosts."""
    programs: list[str] = []
    for part in re.split(r"[;&|()]+", _REDIRECTION.sub(" ", _without_values(command))):
        programs += _named_first(part.split())
    hosts = [one.strip("[]") for one in (*_URL_HOST.findall(command), *_DEVICE_HOST.findall(command), *_ADDRESS.findall(command))]
    return Startup(place=place, programs=tuple(dict.fromkeys(programs)), hosts=tuple(dict.fromkeys(one.lower() for one in hosts)))


def _without_values(command: str) -> str:
    """Values may be passwords, and one in quotes has words that look like commands. What one is worked out by (`$(...)`) stays."""
    return _GIVEN.sub(lambda value: value[0] if "$(" in value[0] or "`" in value[0] else "=", command)


def _named_first(words: list[str]) -> Iterator[str]:
    """The program, and the one it starts; never what follows as an argument."""
    left, value = 1, False
    for word in words:
        name = word.strip("'\"").rpartition("/")[2]
        if value or word == "!" or "=" in word or word.startswith("-") or _NUMBER.fullmatch(name):
            value = word in _WITH_VALUE  # variables set for the command, options, seconds of `timeout`
            continue
        if not _PLAIN.fullmatch(name):
            return
        yield name
        left += _CARRIERS.get(name, 1 if _INTERPRETERS.fullmatch(name) else 0) - 1
        if left < 1:
            return
