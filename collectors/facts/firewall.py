"""Does the machine filter what comes in?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps
from collectors.facts.listening import exposed_tcp_ports
from collectors.linux import firewall_iptables, firewall_nft
from collectors.linux.firewall_walk import Family, Hook, Rules, deciding, default, logged, packets, reached, refuses
from collectors.transports.base import Answer, Shell

Action = Literal["accept", "drop", "reject"]


class Firewall(Fact):
    """The host firewall as the kernel has it now, not as a service is enabled."""

    NAME: ClassVar[str] = "firewall"

    managers: tuple[str, ...] | None = Field(
        description="Front ends installed: ufw, firewalld, nftables, iptables-persistent, shorewall ..."
    )
    ufw_enabled: bool | None = Field(
        default=None,
        description="ufw.conf says ENABLED=yes: its unit brings rules at the start; False without ufw. Ubuntu enables the unit even where ufw is off",
    )
    active: bool | None = Field(
        description="Something on the way in (input hook) can turn an IPv4 packet away: a drop or reject rule, or a policy other than accept"
    )
    default_inbound: Action | None = Field(
        description="What happens to a new IPv4 connection no rule names: chain policy, or a final catch-all rule, whichever of the input chains is strictest"
    )
    default_inbound_ipv6: Action | None = Field(
        description="The same for IPv6, by the rules; told also where IPv6 is off, see ipv6"
    )
    default_forward: Action | None = Field(
        default=None, description="The same for packets passing through, IPv4; says nothing of whether the machine forwards"
    )
    ipv6: bool | None = Field(
        description="IPv6 is on: not switched off for all interfaces, or an interface has an IPv6 address all the same"
    )
    input_rules: int | None = Field(
        description="Rules on the way in that accept, refuse or hand over packets, IPv4 and IPv6 together"
    )
    open_to_strangers: tuple[int, ...] | None = Field(
        default=None,
        description="TCP ports something listens on for other machines, and which an address that no rule names reaches, by IPv4 or, where it is on, IPv6. A rule for more than a /8 (IPv6: a /16) names nobody; None where the answer hangs on a list (ipset), mark or own address that was not resolved",
    )
    refusals_logged: bool | None = Field(
        default=None,
        description="Packets that the default turns away leave a record first, if only so many a minute; False too where none is turned away. IPv4 and, where it is on, IPv6; Windows: in each profile (LogBlocked)",
    )
    kernel_seen: bool = Field(
        description="True: the kernel's rules were read, all of them. False: only a part, or only configuration files, were"
    )


def linux(shell: Shell) -> Firewall:
    """The verdict on a packet that no rule names, from nf_tables and from the older iptables tables that nft does not see.

    A packet comes in only if every base chain of both lets it. So "refused" is certain as soon as one part refuses;
    "let in" only when every part was seen.
    """
    gaps = Gaps()
    managers = gaps.attempt("managers", lambda: _managers(shell))
    ufw_enabled = gaps.attempt("ufw_enabled", lambda: _ufw_enabled(shell, managers))
    try:
        net = _network(shell)
    except CollectError as error:
        if managers is None:
            raise
        gaps.note(
            (
                "active",
                "default_inbound",
                "default_inbound_ipv6",
                "default_forward",
                "ipv6",
                "input_rules",
                "open_to_strangers",
                "refusals_logged",
            ),
            error.outcome,
            str(error),
        )
        return Firewall(
            managers=managers, ufw_enabled=ufw_enabled, active=None, default_inbound=None, default_inbound_ipv6=None, ipv6=None, input_rules=None,
            kernel_seen=False, unseen=gaps.unseen,
        )  # fmt: skip
    seen = _Seen.of(shell, net)
    missing = seen.missing["ip"] or seen.missing["ip6"]
    active: bool | None = refuses(seen.rules.bases, "ip")
    if not active and (missing4 := seen.missing["ip"]):
        active = None
        gaps.note("active", missing4.outcome, str(missing4))
    families: tuple[Family, ...] = _FAMILIES if net.ipv6 else ("ip",)
    if missing:
        gaps.note("input_rules", missing.outcome, str(missing))
    return Firewall(
        managers=managers,
        ufw_enabled=ufw_enabled,
        active=active,
        default_inbound=seen.default("ip", "input", "default_inbound", gaps),
        default_inbound_ipv6=seen.default("ip6", "input", "default_inbound_ipv6", gaps),
        default_forward=seen.default("ip", "forward", "default_forward", gaps),
        ipv6=net.ipv6,
        input_rules=None if missing else deciding(seen.rules.bases),
        open_to_strangers=gaps.attempt("open_to_strangers", lambda: seen.open_ports(families, exposed_tcp_ports(shell))),
        refusals_logged=gaps.attempt("refusals_logged", lambda: seen.refusals_logged(families)),
        kernel_seen=missing is None,
        unseen=gaps.unseen,
    )


# --- what surrounds the rules ---------------------------------------------------------------------------------------

_UNITS = {
    "ufw": "ufw", "firewalld": "firewalld", "nftables": "nftables", "netfilter-persistent": "iptables-persistent", "iptables": "iptables-services",
    "ip6tables": "iptables-services", "shorewall": "shorewall", "shorewall6": "shorewall", "csf": "csf", "ferm": "ferm", "SuSEfirewall2": "SuSEfirewall2",
}  # fmt: skip
"""Unit of the front end -> what people call it."""


def _managers(shell: Shell) -> tuple[str, ...]:
    units = shell.names("/usr/lib/systemd/system/*.service") or shell.names("/lib/systemd/system/*.service")
    if units:
        names = {path.rpartition("/")[2].removesuffix(".service") for path in units}
    else:
        names = {path.rpartition("/")[2] for path in shell.names("/usr/sbin/*")}
        if not names:
            raise Unsupported("neither unit files nor /usr/sbin are there to tell which front ends are installed")
        names = {"nftables" if name == "nft" else name for name in names}
    return tuple(sorted({_UNITS[name] for name in names if name in _UNITS}))


def _ufw_enabled(shell: Shell, managers: tuple[str, ...] | None) -> bool:
    if managers is None:
        raise Unsupported("whether ufw is installed was not seen")
    if "ufw" not in managers:
        return False
    found = re.findall(r"(?m)^\s*ENABLED\s*=\s*[\"']?(\w+)", shell.read("/etc/ufw/ufw.conf") or "")
    return bool(found) and found[-1].lower() == "yes"


class _Network(NamedTuple):
    ipv6: bool
    uplinks: frozenset[str]
    modules: frozenset[str] | None
    """None: the kernel does not list its modules."""
    release: str


def _network(shell: Shell) -> _Network:
    files = shell.read_all(
        "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/disable_ipv6", "/proc/sys/kernel/osrelease",
        "/proc/net/if_inet6", "/proc/net/route", "/proc/modules",
    )  # fmt: skip
    if "/proc/sys/net/ipv4/ip_forward" not in files:
        raise Unsupported("no kernel runs here; its rules cannot be asked for")
    modules = files.get("/proc/modules")
    return _Network(
        ipv6=_ipv6(files),
        uplinks=frozenset(_uplinks(files.get("/proc/net/route", ""))),
        modules=None if modules is None else frozenset(line.split()[0] for line in modules.splitlines() if line.strip()),
        release=files.get("/proc/sys/kernel/osrelease", "").strip(),
    )


def _ipv6(files: Mapping[str, str]) -> bool:
    switch = files.get("/proc/sys/net/ipv6/conf/all/disable_ipv6")
    if switch is None:
        return False
    if switch.strip() == "0":
        return True
    # "all" may say off while one interface was switched on again by itself
    lines = [line.split() for line in files.get("/proc/net/if_inet6", "").splitlines()]
    return any(parts and parts[-1] != "lo" for parts in lines)


def _uplinks(routes: str) -> Iterable[str]:
    for line in routes.splitlines()[1:]:
        parts = line.split()
        if len(parts) < 8:
            raise Unparsable("/proc/net/route: a line is cut")
        if parts[1] == parts[7] == "00000000" and parts[0] != "lo":
            yield parts[0]


# --- the rules ------------------------------------------------------------------------------------------------------


_FAMILIES: tuple[Family, ...] = ("ip", "ip6")


class _Seen:
    """Rules that were read, and per family why others were not."""

    def __init__(self, uplinks: frozenset[str]) -> None:
        self.rules = Rules()
        self.missing: dict[Family, CollectError | None] = {"ip": None, "ip6": None}
        self._uplinks = uplinks

    @classmethod
    def of(cls, shell: Shell, net: _Network) -> _Seen:
        seen = cls(net.uplinks)
        seen._nf_tables(shell, net)
        seen._legacy(shell)
        return seen

    def default(self, family: Family, hook: Hook, name: str, gaps: Gaps) -> Action | None:
        kind = default(self.rules.bases, hook, packets(family, self._uplinks, self.rules.interfaces)).kind
        if kind == "drop" or kind == "reject":
            return kind
        error = self.missing[family]
        if error is None and kind == "unclear":
            error = Unparsable("rules that may let a packet in use matches or programs whose answer cannot be told beforehand")
        if error is None:
            return "accept"
        gaps.note(name, error.outcome, str(error))
        return None

    def open_ports(self, families: tuple[Family, ...], ports: Mapping[Family, tuple[int, ...]]) -> tuple[int, ...]:
        """Those of the ports that a stranger reaches. Raises a CollectError where that hangs on something that was not seen."""
        found: set[int] = set()
        for family in families:
            strangers = [one for one in packets(family, self._uplinks, self.rules.interfaces) if one.protocol == "tcp"]
            for port, end in reached(self.rules, ports[family], strangers).items():
                if end in ("drop", "reject"):
                    continue
                error = self.missing[family]
                if error is not None:
                    raise error
                if end == "unclear":
                    raise Unparsable(
                        f"whether a stranger reaches port {port} hangs on a list, mark or program whose answer cannot be told beforehand"
                    )
                found.add(port)
        return tuple(sorted(found))

    def refusals_logged(self, families: tuple[Family, ...]) -> bool:
        answers = []
        for family in families:
            if (error := self.missing[family]) is not None:
                raise error
            answers.append(logged(self.rules.bases, packets(family, self._uplinks, self.rules.interfaces)))
        if False in answers:
            return False
        if None in answers:
            raise Unparsable("whether a packet meets the rules that keep a record cannot be told beforehand")
        return True

    def _add(self, rules: Rules) -> None:
        self.rules.bases += rules.bases
        self.rules.interfaces |= rules.interfaces
        self.rules.edges |= rules.edges

    def _fail(self, error: CollectError, *families: Family) -> None:
        for family in families:
            self.missing[family] = self.missing[family] or error

    def _nf_tables(self, shell: Shell, net: _Network) -> None:
        try:
            if _without_nf_tables(shell, net):
                return  # nft would make the kernel load the module: a change, and there is nothing to list
            answer = shell.run("nft", "-j", "list", "ruleset", root=True)
            if answer.missing:
                self._fail(
                    Unsupported("nft is not installed: rules of nf_tables beyond those of iptables cannot be seen"), "ip", "ip6"
                )
                self._iptables(shell, _FAMILIES)
                return
            if "json support not compiled" in answer.err.lower():
                raise Unsupported("nft was built without JSON")
            rules, opaque = firewall_nft.parse(answer.require())
            if any(base.policy.kind != "accept" or base.table.chains[base.chain] for base in rules.bases):
                asleep = firewall_nft.dormant(shell.run("nft", "-t", "list", "ruleset", root=True).require())
                rules.bases = [base for base in rules.bases if base.table.name not in asleep]
        except CollectError as error:
            self._fail(error, "ip", "ip6")
            return
        # iptables-nft writes what nft cannot spell out; there iptables itself is asked
        spelled = [family for family in _FAMILIES if any(hidden and where == family for (where, _), hidden in opaque.items())]
        got = self._iptables(shell, spelled)
        rules.bases = [base for base in rules.bases if base.table.name not in got]
        self._add(rules)

    def _iptables(self, shell: Shell, families: Iterable[Family]) -> set[tuple[str, str]]:
        """Adds the tables of iptables-nft; returns the names of those it told."""
        got: set[tuple[str, str]] = set()
        for family in families:
            try:
                answer = (
                    shell.run("iptables-nft-save", root=True) if family == "ip" else shell.run("ip6tables-nft-save", root=True)
                )
                if not answer.missing:
                    told = firewall_iptables.parse(answer.require(), family)
                    self._add(told)
                    got |= {base.table.name for base in told.bases}
            except CollectError as error:
                self._fail(error, family)
        return got

    def _legacy(self, shell: Shell) -> None:
        """Tables of the older iptables: not there unless the kernel names them; nft does not see them."""
        try:
            named = shell.read_all("/proc/net/ip_tables_names", "/proc/net/ip6_tables_names", root=True)
        except CollectError as error:
            self._fail(error, "ip", "ip6")
            return
        if named.get("/proc/net/ip_tables_names", "").strip():
            self._legacy_family(shell.run("iptables-legacy-save", root=True), shell, "ip")
        if named.get("/proc/net/ip6_tables_names", "").strip():
            self._legacy_family(shell.run("ip6tables-legacy-save", root=True), shell, "ip6")

    def _legacy_family(self, answer: Answer, shell: Shell, family: Family) -> None:
        try:
            if answer.missing:
                # before 1.8 there was one iptables, and it was the legacy one
                answer = shell.run("iptables-save", root=True) if family == "ip" else shell.run("ip6tables-save", root=True)
                if "nf_tables" in answer.out.partition("\n")[0]:
                    raise Unsupported("the kernel holds legacy iptables tables and no program here can list them")
            self._add(firewall_iptables.parse(answer.require(), family))
        except CollectError as error:
            self._fail(error, family)


def _without_nf_tables(shell: Shell, net: _Network) -> bool:
    """The running kernel has no nf_tables, neither loaded nor built in.

    A missing /sys/module/nf_tables alone does not say so: a built-in nf_tables has no folder there.
    """
    if net.modules is None or "nf_tables" in net.modules or not net.release:
        return False
    built_in = shell.read_all(f"/lib/modules/{net.release}/modules.builtin")
    return bool(built_in) and not any("/nf_tables.ko" in text for text in built_in.values())
