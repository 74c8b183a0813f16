"""What an rsyslog configuration does with records: where it sends them, and where log-ons are written.

Understands both dialects (`authpriv.* @@host` and `action(type="omfwd" ...)`), followed in order with includes at their place,
because a `stop` in front of a forward decides what is left to send. Whether rsyslog accepts the text is another question:
`rsyslogd -N1` answers that, for a line that fails to load stands in the file and does nothing.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from collectors.errors import Unparsable
from collectors.linux.rsyslog_lexer import Scanner, without_comments

MAIN = "/etc/rsyslog.conf"
_TLS_DRIVERS = frozenset({"gtls", "ossl", "mbedtls"})
_PRIORITIES = ("debug", "info", "notice", "warning", "warn", "err", "error", "crit", "alert", "emerg", "panic")
_SENDERS = {
    "omelasticsearch": "server",
    "omhttp": "server",
    "omkafka": "broker",
    "omgelf": "host",
    "omazureeventhubs": "azurehost",
}

_LOGON_PROGRAMS = (
    "sshd",
    "sudo",
    "su",
    "login",
    "systemd-logind",
    "pam",
    "cron",
    "CRON",
    "passwd",
    "gdm",
    "lightdm",
    "xrdp",
    "polkit",
    "dropbear",
    "vsftpd",
)


class Send(NamedTuple):
    """One action that sends records to a host. `logons`: log-on records are among them; None where a condition decides."""

    target: str
    port: int | None
    protocol: str | None
    encrypted: bool | None
    logons: bool | None


class Config(NamedTuple):
    """What the configuration does."""

    sends: tuple[Send, ...]
    logon_files: tuple[str, ...]
    logons: bool | None
    """Log-ons are written to a file; None where a condition decides."""


def parse_rsyslog(texts: Mapping[str, str], more: Callable[[str], Mapping[str, str]] | None = None) -> Config:
    """`texts` holds the main file and its usual drop-ins; `more` reads a pattern included from elsewhere."""
    if MAIN not in texts:
        raise Unparsable(f"{MAIN} was not read")
    reader = _Reader(texts, more)
    reader.file(MAIN, None)
    return Config(tuple(reader.sends), tuple(dict.fromkeys(reader.files)), reader.logons)


def covers_logons(selector: str) -> bool:
    """The selector takes `authpriv` records of priority info, as PAM writes log-ons. Parts apply from left to right."""
    taken = False
    for part in selector.split(";"):
        facilities, dot, priority = part.rpartition(".")
        if not dot or not facilities or not priority:
            raise Unparsable(f"rsyslog: not a selector: {selector[:60]}")
        if not {"*", "authpriv", "10"} & set(facilities.lower().split(",")):
            continue
        negated, word = priority.startswith("!"), priority.lstrip("!=").lower()
        if word not in (*_PRIORITIES, "*", "none") and not word.isdecimal():
            raise Unparsable(f"rsyslog: no such priority: {word[:40]}")
        reaches = word in ("*", "debug", "info", "7", "6")
        if word == "none" or (negated and reaches):
            taken = False
        elif reaches and not negated and "=" not in priority:
            taken = True
    return taken


def _and(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _by_program(condition: str) -> bool | None:
    """False when the condition takes only records of programs that log nobody on; else a condition decides: None."""
    compared = re.fullmatch(
        r"""\s*\(?\s*\$(?:programname|app-name)\s*(?:==|startswith)\s*["'][^"']+["']\s*\)?"""
        r"""(?:\s*or\s*\(?\s*\$(?:programname|app-name)\s*(?:==|startswith)\s*["'][^"']+["']\s*\)?)*\s*\)?\s*""",
        condition,
    )
    if compared is None or any(_logs_on(name) for name in re.findall(r"""["']([^"']+)["']""", condition)):
        return None
    return False


def _by_property(text: str) -> bool | None:
    found = re.fullmatch(r':\s*(?:programname|syslogtag|app-name)\s*,\s*(?:isequal|startswith)\s*,\s*"([^"]+)"\s*', text)
    return False if found is not None and not _logs_on(found[1]) else None


def _logs_on(program: str) -> bool:
    return any(name.startswith(program.rstrip(":")) or program.startswith(name) for name in _LOGON_PROGRAMS)


class _Reader:
    def __init__(self, texts: Mapping[str, str], more: Callable[[str], Mapping[str, str]] | None) -> None:
        self._texts, self._more = texts, more
        self.sends: list[Send] = []
        self.files: list[str] = []
        self.logons: bool | None = False
        self._alive: bool | None = True  # log-on records still travel on; a `stop` ends that
        self._selector: bool | None = None  # of the last rule, for `&`
        self._driver, self._mode = "", ""  # $DefaultNetstreamDriver, $ActionSendStreamDriverMode
        self._trail: list[str] = []

    def file(self, path: str, cover: bool | None, top: bool = True) -> None:
        if path in self._trail or len(self._trail) > 20:
            return
        self._trail.append(path)
        scan = Scanner(without_comments(self._texts[path]), path)
        while not scan.done:
            self._statement(scan, True if top else cover)
        self._trail.pop()

    def _statement(self, scan: Scanner, cover: bool | None) -> None:
        """One statement. `cover`: log-on records reach this place (None: a condition decides)."""
        if scan.take("{"):
            while not scan.take("}"):
                if scan.done:
                    raise Unparsable(f"{scan.place}: a block is not closed")
                self._statement(scan, cover)
        elif scan.peek("$") and (words := scan.line().split(None, 1)):
            self._directive(words[0].lower(), words[1].strip() if len(words) > 1 else "", cover)
        elif scan.keyword("if"):
            here = _and(cover, _by_program(scan.until_word("then")))
            self._selector = here
            self._statement(scan, here)
            if scan.keyword("else"):
                self._statement(scan, _and(cover, None if here is not False else True))
        elif scan.keyword("foreach"):
            scan.until_word("do")
            self._statement(scan, None)
        elif scan.keyword("set") or scan.keyword("unset") or scan.keyword("reset"):
            scan.until(";")
        elif scan.keyword("call") or scan.keyword("call_indirect"):
            scan.rest_of_call()  # what a ruleset does is read where it stands, as conditional
        elif scan.keyword("stop") or scan.take("~"):
            self._stop(cover)
        elif scan.keyword("continue"):
            pass
        elif found := scan.object():
            self._object(found[0], found[1], scan, cover)
        elif scan.take("&"):
            self._action(scan, _and(cover, self._selector))
        elif any(scan.peek(start) for start in ("/", "-/", "@", "?", "-?", "|", ":om", "^")):
            self._legacy(scan.line(), scan.place, cover)
        elif scan.peek(":"):
            self._selector = _by_property(scan.property_filter())
            self._action(scan, _and(cover, self._selector))
        elif selector := scan.selector():
            self._selector = covers_logons(selector)
            self._action(scan, _and(cover, self._selector))
        else:
            raise Unparsable(f"{scan.place}: not understood: {scan.line()[:60]}")

    def _stop(self, cover: bool | None) -> None:
        if cover is not False:
            self._alive = False if cover and self._alive else _and(self._alive, None)

    def _directive(self, name: str, value: str, cover: bool | None) -> None:
        if name == "$includeconfig":
            self._include(value.strip("\"'"), cover)
        elif name == "$defaultnetstreamdriver":
            self._driver = value.lower()
        elif name == "$actionsendstreamdrivermode":
            self._mode = value
        elif name == "$actionsendstreamdriver":
            self._driver = value.lower()
        elif name == "$ruleset" and value.lower() != "rsyslog_defaultruleset":
            self._alive = None  # what follows belongs to a ruleset that something else must call

    def _object(self, name: str, params: Mapping[str, str], scan: Scanner, cover: bool | None) -> None:
        if name == "action":
            self._do(params, cover)
        elif name == "include":
            self._include(params.get("file", ""), cover)
        elif name == "global":
            self._driver = params.get("defaultnetstreamdriver", self._driver).lower()
        elif name == "ruleset" and scan.peek("{"):
            alive, self._alive = self._alive, None
            self._statement(scan, None)
            self._alive = alive
        elif name == "template" and scan.peek("{"):
            scan.block()

    def _include(self, pattern: str, cover: bool | None) -> None:
        if pattern.endswith("/"):
            pattern += "*"
        paths = [path for path in self._texts if fnmatch.fnmatchcase(path, pattern) and path.count("/") == pattern.count("/")]
        if not paths and not pattern.startswith("/etc/rsyslog.d/") and self._more is not None and pattern.startswith("/"):
            self._texts = {**self._texts, **self._more(pattern)}
            paths = [path for path in self._texts if fnmatch.fnmatchcase(path, pattern)]
        for path in sorted(paths):
            self.file(path, cover, top=False)

    def _action(self, scan: Scanner, cover: bool | None) -> None:
        """What stands behind a selector, a filter or `&`."""
        if scan.peek("{"):
            self._statement(scan, cover)
        elif scan.keyword("stop") or scan.take("~"):
            self._stop(cover)
        elif scan.keyword("call"):
            scan.rest_of_call()
        elif found := scan.object():
            if found[0] != "action":
                raise Unparsable(f"{scan.place}: {found[0]} stands where an action was expected")
            self._do(found[1], cover)
        else:
            self._legacy(scan.line(), scan.place, cover)

    def _legacy(self, text: str, place: str, cover: bool | None) -> None:
        logons = _and(cover, self._alive)
        if text.startswith(("/", "-/")):
            self._write(text.lstrip("-").split(";")[0].strip(), logons)
        elif text.startswith("@"):
            tcp = text.startswith("@@")
            host, port = _host_port(re.sub(r"^\([^)]*\)", "", text.lstrip("@").split(";")[0].strip()), place)
            tls = tcp and self._mode == "1" and self._driver in _TLS_DRIVERS
            self.sends.append(Send(host, port or 514, "tcp" if tcp else "udp", tls, logons))
        elif text.startswith(":omrelp:"):
            host, port = _host_port(text[len(":omrelp:") :].split(";")[0].strip(), place)
            self.sends.append(Send(host, port or 514, "relp", False, logons))
        elif text.startswith(("?", "-?")):
            self._write("", logons)
        elif not text:
            raise Unparsable(f"{place}: a rule without an action")
        # what is left stays on the machine: pipes, users' terminals, programs, :omusrmsg:, :omjournal:

    def _do(self, params: Mapping[str, str], cover: bool | None) -> None:
        logons, kind = _and(cover, self._alive), params.get("type", "").lower()
        if kind == "omfile":
            self._write(params.get("file", ""), logons)
        elif kind == "omfwd":
            protocol = params.get("protocol", "udp").lower()
            tls = params.get("streamdrivermode", params.get("streamdriver.mode", "0")) == "1"
            driver = params.get("streamdriver", params.get("streamdriver.name", self._driver)).lower()
            encrypted = protocol == "tcp" and tls and driver in _TLS_DRIVERS
            port = _port(params.get("port", "514"))
            for target in _list(params.get("target", "")):
                self.sends.append(Send(target, port, protocol if protocol in ("udp", "tcp") else None, encrypted, logons))
        elif kind == "omrelp":
            self.sends.append(
                Send(
                    params.get("target", ""),
                    _port(params.get("port", "514")),
                    "relp",
                    params.get("tls", "off").lower() == "on",
                    logons,
                )
            )
        elif kind in _SENDERS:
            secure = (
                params.get("usehttps", "on" if kind == "omhttp" else "off").lower() == "on"
                if kind in ("omhttp", "omelasticsearch")
                else None
            )
            for target in _list(params.get(_SENDERS[kind], "")):
                port = _port(params.get("serverport", params.get("restport", "")))
                self.sends.append(Send(target, port, "https" if secure else None, secure, logons))
        elif not kind:
            raise Unparsable("rsyslog: an action without a type")

    def _write(self, path: str, logons: bool | None) -> None:
        if logons is not False and path.startswith("/dev/"):
            return
        if logons:
            self.logons = True
        elif logons is None and not self.logons:
            self.logons = None
        if logons and path:
            self.files.append(path)


def _list(text: str) -> Iterable[str]:
    """ "a" or ["a", "b"]."""
    return re.findall(r'"([^"]+)"', text) if text.startswith("[") else [text]


def _host_port(text: str, place: str) -> tuple[str, int | None]:
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%a-z]+)\]|([^\s:;\[\]]+))(?::(\w+))?(?:\s.*)?", text)
    if found is None:
        raise Unparsable(f"{place}: no host to send to: {text[:60]}")
    return found[1] or found[2], _port(found[3] or "")


def _port(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= 5 and int(text) <= 65535 else None
