"""FortiOS: the texts every question reads, asked once and parsed once, and the values in force."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from collectors.devices.base import per_device, running
from collectors.devices.syntax.fortios import Block, parse
from collectors.errors import Denied, Unparsable, Unsupported
from collectors.transports.base import DeviceCli

if TYPE_CHECKING:
    from collectors.devices.base import DeviceOs

CONFIGURATION = (
    # without `| grep .` the console stops at --More--, and switching that off writes to the configuration
    ("show full-configuration | grep .", True),
    ("show | grep .", False),
)
NAME = r'^config system global\n(?:[ \t]+(?![ \t]|set hostname )[^\n]*\n)*[ \t]+set hostname "?([^"\n]+)"?'

TRAINS = ("7.0", "7.2", "7.4", "7.6")
_NOT_76 = TRAINS[:3]

# Values in force where `show` has no line: column Default of the FortiOS CLI references 7.0.1, 7.2.0, 7.4.7 and 7.6.2
# (docs.fortinet.com, "config system global" and the sections named here), and CIS FortiGate 7.0.x and 7.4.x benchmarks.
# What differs by model (log memory and disk) or changed within a train (vpn ssl status, admin-maintainer) is left out.
_GLOBAL = {
    "admintimeout": "5", "admin-console-timeout": "0", "admin-lockout-threshold": "3", "admin-lockout-duration": "60",
    "admin-telnet": "enable", "admin-ssh-v1": "disable", "admin-https-redirect": "enable", "pre-login-banner": "disable",
    "admin-https-ssl-versions": "tlsv1-2 tlsv1-3", "admin-login-max": "100", "admin-restrict-local": "disable",
    "cfg-save": "automatic",
}  # fmt: skip
_PASSWORDS = {
    "status": "disable", "apply-to": "admin-password", "minimum-length": "8", "min-lower-case-letter": "0",
    "min-upper-case-letter": "0", "min-non-alphanumeric": "0", "min-number": "0", "expire-status": "disable",
    "expire-day": "90", "reuse-password": "enable",
}  # fmt: skip
_POLICY = {
    "action": "deny", "status": "enable", "logtraffic": "utm", "utm-status": "disable", "srcaddr-negate": "disable",
    "dstaddr-negate": "disable", "service-negate": "disable", "internet-service": "disable",
    "internet-service-src": "disable", "profile-type": "single",
}  # fmt: skip
_SNMP_COMMUNITY = {
    "status": "enable", "query-v1-status": "enable", "query-v2c-status": "enable", "trap-v1-status": "enable",
    "trap-v2c-status": "enable",
}  # fmt: skip
DEFAULTS: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "system global": (TRAINS, _GLOBAL),
    # the lengths demanded changed in 7.6
    "system password-policy": (_NOT_76, _PASSWORDS),
    "system admin": (TRAINS, {"two-factor": "disable", "remote-auth": "disable"}),
    "system interface": (TRAINS, {"status": "up", "role": "undefined", "src-check": "enable"}),
    "system settings": (TRAINS, {"strict-src-check": "disable", "asymroute": "disable", "ngfw-mode": "profile-based"}),
    "system ntp": (TRAINS, {"ntpsync": "enable", "type": "fortiguard", "server-mode": "disable"}),
    "system ha": (TRAINS, {"mode": "standalone"}),
    "system auto-install": (TRAINS, {"auto-install-config": "enable", "auto-install-image": "enable"}),
    "system snmp sysinfo": (TRAINS, {"status": "disable"}),
    "system snmp community": (TRAINS, _SNMP_COMMUNITY),
    "system snmp user": (
        _NOT_76,
        {"status": "enable", "queries": "enable", "security-level": "no-auth-no-priv", "auth-proto": "sha", "priv-proto": "aes"},
    ),
    "log syslogd setting": (TRAINS, {"status": "disable", "mode": "udp", "enc-algorithm": "disable"}),
    "log fortianalyzer setting": (TRAINS, {"status": "disable", "enc-algorithm": "high", "reliable": "disable"}),
    "log fortiguard setting": (TRAINS, {"status": "disable"}),
    "log tacacs+accounting setting": (TRAINS, {"status": "disable"}),
    "log eventfilter": (TRAINS, {"event": "enable", "system": "enable"}),
    "log syslogd filter": (TRAINS, {"severity": "information"}),
    "log fortianalyzer filter": (TRAINS, {"severity": "information"}),
    "log memory filter": (TRAINS, {"severity": "information"}),
    "log setting": (TRAINS, {"fwpolicy-implicit-log": "disable"}),
    "firewall policy": (TRAINS, _POLICY),
    "vpn ssl settings": (
        TRAINS,
        {"idle-timeout": "300", "ssl-min-proto-ver": "tls1-2", "reqclientcert": "disable", "force-two-factor-auth": "disable"},
    ),
}


class Status(NamedTuple):
    """`get system status`."""

    model: str
    version: str
    train: str
    fields: Mapping[str, str]

    @property
    def vdoms(self) -> bool:
        return self.fields.get("Virtual domain configuration", "disable") != "disable"


class Config:
    """The configuration with its scopes: one part for the whole box, one for each virtual domain."""

    def __init__(self, root: Block, resolved: bool, train: str) -> None:
        self.root = root
        self.resolved = resolved
        self.train = train
        both = root.child("global"), root.child("vdom")
        self.multi = both[0] is not None and both[1] is not None
        self.globe = both[0] or root
        self.vdoms: Mapping[str, Block] = both[1].entries if self.multi and both[1] else {"root": root}
        if not self.multi and both[1] is not None:
            raise Denied("the configuration has virtual domains but no global part: this account may not see it")

    def section(self, name: str, where: Block | None = None) -> Block:
        """`config <name>`; empty where everything in it is the default. Raises where that cannot be told."""
        scope = where or self.globe
        found = scope.child(name)
        if found is not None:
            return found.checked()
        if self.resolved:
            raise Unsupported(f"not shown, because this release has none or this account may not see it: config {name}")
        if not self._sees(name, scope):
            raise Denied(f"not shown, nor anything like it, so this account may not see it: config {name}")
        return Block(name)

    def _sees(self, name: str, scope: Block) -> bool:
        """In the short form a section without own values is missing; so is one the account may not see."""
        if name in ("system admin", "system accprofile", "system api-user"):
            return scope.child("system admin") is not None
        if name.startswith("system ") and scope is self.globe:
            return scope.child("system global") is not None
        first = f"{name.partition(' ')[0]} "
        return any(other.startswith(first) for other in scope.children)

    def everywhere(self, name: str) -> Iterator[tuple[str, Block]]:
        """(virtual domain, section) of each."""
        return ((vdom, self.section(name, scope)) for vdom, scope in self.vdoms.items())

    def say(self, block: Block, section: str, key: str) -> str:
        """The value in force. Raises Unsupported where neither the text nor the table of this release tells it."""
        found = block.word(key)
        if found is not None:
            return found
        if not self.resolved:
            trains, values = DEFAULTS.get(section, ((), {}))
            if self.train in trains and key in values:
                return values[key]
        why = "is not shown" if self.resolved else f"is not shown, and its default in FortiOS {self.train} is not in our table"
        # the section last: whoever redacts the sentence cuts behind words such as community
        raise Unsupported(f"{key} {why}: config {section}")

    def on(self, block: Block, section: str, key: str) -> bool:
        return self.say(block, section, key) == "enable"

    def number(self, block: Block, section: str, key: str) -> int:
        found = self.say(block, section, key)
        if not found.isascii() or not found.isdigit():
            raise Unparsable(f"{key} is no number but {found[:40]}: config {section}")
        return int(found)


def system() -> DeviceOs:
    """This OS; a function, because its own file imports the files that need it."""
    from collectors.devices.fortinet_fortios import OS

    return OS


_VERSION = re.compile(r"^Version: (Forti(?:Gate|WiFi|GateRugged|OS)[\w\-]*) v((\d+\.\d+)\.\d+),build", re.M)


def status(cli: DeviceCli) -> Status:
    """Raises Unparsable when the box is no FortiGate."""
    text = cli.ask("get system status | grep .")
    found = _VERSION.search(text)
    if not found:
        raise Unparsable("get system status: not FortiOS; correct platform: in the targets file")
    pairs = (line.partition(":") for line in text.splitlines())
    return Status(found[1], found[2], found[3], {key.strip(): value.strip() for key, colon, value in pairs if colon})


def config(cli: DeviceCli) -> Config:
    """The configuration in force."""

    def make() -> Config:
        whole = running(cli, system())
        return Config(parse(whole.text), whole.resolved, status(cli).train)

    return per_device(cli, "fortios.config", make)


def quiet(text: str) -> str:
    """An answer that may be believed: FortiOS says nothing at all where there is nothing, and names its errors."""
    if re.search(r"^(?:Command fail\.|Unknown action|command parse error)", text, re.M):
        raise Unsupported(text.strip().splitlines()[0][:200])
    return text
