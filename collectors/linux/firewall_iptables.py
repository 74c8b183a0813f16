"""The text of iptables-save (legacy or nft flavour), read into chains that can be walked."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network

from collectors.errors import Unparsable
from collectors.linux.firewall_walk import (
    GO_ON,
    UNCLEAR,
    Base,
    Family,
    Hook,
    Packet,
    Rule,
    Rules,
    Table,
    Truth,
    Verdict,
    nobody_in_particular,
)

Test = Callable[[Packet], Truth]

_words = str.split

_HOOKS: dict[str, Hook] = {"INPUT": "input", "FORWARD": "forward"}
_PRIORITY = {"mangle": -150, "filter": 0, "security": 50}
"""Tables that filter, in the order the kernel asks them. raw and nat have no input or forward verdict worth telling."""

_ENDS = {
    "ACCEPT": Verdict("accept"), "DROP": Verdict("drop"), "REJECT": Verdict("reject"), "RETURN": Verdict("return"),
    "TARPIT": Verdict("drop"), "QUEUE": UNCLEAR, "NFQUEUE": UNCLEAR,
}  # fmt: skip
_GO_ON = frozenset(
    _words(
        "LOG NFLOG ULOG MARK CONNMARK SECMARK CONNSECMARK TRACE AUDIT CT NOTRACK SET CLASSIFY DSCP TOS TTL HL TCPMSS CHECKSUM RATEEST "
        "IDLETIMER LED HMARK TEE ECN TCPOPTSTRIP"
    )
)
_LOGS = frozenset(("LOG", "NFLOG", "ULOG"))
_PORTS = frozenset(("--dport", "--dports", "--ports", "--destination-port"))
_ANYBODY = frozenset(
    _words(
        "--match-set --mark --source-country --src-cc --ctorigsrc --ctorigdst --ctorigdstport --u32 --bytecode --path --cgroup --sport "
        "--sports --source-port --ttl-eq --hl-eq --tos --dscp --dscp-class --tcp-option --physdev-in --realm"
    )
)
"""Lists and marks made elsewhere, and what a stranger chooses himself: whom they mean, and whether that is everybody, cannot be told here."""
_NAMING = frozenset(
    _words(
        "--match-set --mac-source --mark --string --hex-string --icmp-type --icmpv6-type --ttl-eq --hl-eq --rt-type "
        "--uid-owner --gid-owner --dir --pol --physdev-in --physdev-out --physdev-is-bridged --tos --dscp --dscp-class --source-country "
        "--src-cc --dst-cc --path --cgroup --helper --ctorigsrc --ctorigdst --ctorigdstport --espspi --ahspi --tcp-option --dest-type "
        "--vdir --vaddr -f --fragment --out-interface -o --transparent --invert --loose --validmark --u32 --bytecode --realm "
        "--update --rcheck --seconds --hitcount"
    )
)
"""Options that single something out: an ordinary new connection is not meant by them."""
_SOMETIMES = frozenset(
    _words(
        "--limit --hashlimit --hashlimit-upto --hashlimit-above --connlimit-above --connlimit-upto --probability --every --mode "
        "--timestart --timestop --datestart --datestop --weekdays --monthdays --quota --length --connbytes"
    )
)
_SILENT = frozenset(
    _words(
        "--comment --limit-burst --hashlimit-burst --hashlimit-mode --hashlimit-name --hashlimit-srcmask --hashlimit-dstmask --hashlimit-htable-size "
        "--hashlimit-htable-max --hashlimit-htable-expire --hashlimit-htable-gcinterval --connlimit-mask --connlimit-saddr --connlimit-daddr --name "
        "--mask --rsource --rdest --packet --algo --from --to --reap --rttl --kerneltz --contiguous --limit-iface-in --limit-iface-out "
        "--connbytes-dir --connbytes-mode --return-nomatch --ctdir --strict --set --remove -m --match -c --set-counters"
    )
)
_SAMPLE = Packet("ip", "tcp", "", 1)
_WIDE = 60_000
"""A range of so many ports names none."""


def parse(text: str, family: Family) -> Rules:
    """Raises Unparsable when a line is none that iptables-save writes, or the text ends within a table."""
    rules = Rules()
    table: Table | None = None
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        where = f"iptables-save, line {number}"
        if line.startswith("*"):
            if table is not None:
                raise Unparsable(f"{where}: a table begins within a table")
            table = Table((family, line[1:]), frozenset({family}))
        elif table is None:
            raise Unparsable(f"{where}: outside of any table")
        elif line.startswith(":"):
            _chain(line, where, table, rules)
        elif line == "COMMIT":
            _check_jumps(table, where)
            table = None
        elif line.startswith(("-A ", "[")):
            _append(line, where, table, rules, family)
        else:
            raise Unparsable(f"{where}: not understood")
    if table is not None:
        raise Unparsable("iptables-save: the answer ends within a table")
    return rules


def _chain(line: str, where: str, table: Table, rules: Rules) -> None:
    parts = line[1:].split()
    if len(parts) < 2 or parts[1] not in ("ACCEPT", "DROP", "-"):
        raise Unparsable(f"{where}: not a chain with a policy")
    chain, policy = parts[0], parts[1]
    table.chains[chain] = []
    if policy != "-" and chain in _HOOKS and table.name[1] in _PRIORITY:
        rules.bases.append(Base(table, chain, _HOOKS[chain], _PRIORITY[table.name[1]], _ENDS[policy]))


def _append(line: str, where: str, table: Table, rules: Rules, family: Family) -> None:
    try:
        words = shlex.split(line)
    except ValueError:
        raise Unparsable(f"{where}: a quotation does not end") from None
    if words[0].startswith("["):
        words = words[1:]
    if len(words) < 2 or words[0] != "-A" or words[1] not in table.chains:
        raise Unparsable(f"{where}: a rule of no known chain")
    tests, verdict, logs = _rule(words[2:], where, rules)

    def matches(packet: Packet) -> Truth:
        return min((test(packet) for test in tests), default=Truth.YES)

    table.chains[words[1]].append(Rule(matches, lambda _: verdict, (verdict,), frozenset({family}), logs))


def _rule(words: list[str], where: str, rules: Rules) -> tuple[list[Test], Verdict, bool]:
    tests: list[Test] = []
    verdict, at, negated = GO_ON, 0, False
    while at < len(words):
        option = words[at]
        at += 1
        if option == "!":
            negated = True
            continue
        if not option.startswith("-") or option == "-":
            raise Unparsable(f"{where}: {option!r} stands where an option was expected")
        values = []
        while at < len(words) and words[at] != "!" and not _is_option(words[at]):
            values.append(words[at])
            at += 1
        if option in ("-j", "-g", "--jump", "--goto"):
            if not values:
                raise Unparsable(f"{where}: no target behind {option}")
            return tests, _target(values[0], option in ("-g", "--goto")), values[0] in _LOGS
        if option in ("-i", "--in-interface") and values:
            rules.interfaces.add(values[0].replace("+", "*"))
        if option in _PORTS:
            for first, last in _ranges(values):
                rules.ports(first, last)
        if option not in _SILENT:
            _truth(option, values, _SAMPLE)  # what cannot be read shows now, not while judging
            tests.append(_test(option, values, negated))
        negated = False
    return tests, verdict, False


def _is_option(word: str) -> bool:
    return word.startswith("-") and len(word) > 1 and not word[1:].isdecimal()


def _target(name: str, goto: bool) -> Verdict:
    if name in _ENDS:
        return _ENDS[name]
    if name in _GO_ON:
        return GO_ON
    return Verdict("goto" if goto else "jump", name)


def _check_jumps(table: Table, where: str) -> None:
    """A target that is no chain of the table is an extension we do not know: what it does is unclear."""
    for chain in table.chains.values():
        for index, rule in enumerate(chain):
            verdict = rule.verdicts[0]
            if verdict.kind == "goto" and verdict.chain not in table.chains:
                raise Unparsable(f"{where}: goto {verdict.chain}, which is no chain")
            if verdict.kind == "jump" and verdict.chain not in table.chains:
                chain[index] = rule._replace(verdict=lambda _: UNCLEAR, verdicts=(UNCLEAR,))


def _test(option: str, values: list[str], negated: bool) -> Test:
    def test(packet: Packet) -> Truth:
        truth = _truth(option, values, packet)
        return truth.flipped() if negated and truth is not Truth.UNCLEAR else truth

    # a port of another protocol than the packet's never matches, negated or not; -p before it sees to that
    return test


def _truth(option: str, values: list[str], packet: Packet) -> Truth:
    first = values[0] if values else ""
    words = {word.upper() for word in first.split(",")}
    if option in ("-p", "--protocol"):
        number = {"tcp": "6", "udp": "17"}[packet.protocol]
        return _is(first.lower() in ("all", "0", packet.protocol, number))
    if option in ("-i", "--in-interface"):
        return _is(fnmatchcase(packet.interface, first.replace("+", "*")))
    if option in ("-s", "--source", "--src-range"):
        return _is(_whole_world(first))
    if option in ("-d", "--destination", "--dst-range"):
        # a single address there may well be this machine's own
        return Truth.YES if _whole_world(first) else Truth.NO if packet.port is None or _elsewhere(first) else Truth.UNCLEAR
    if packet.port is not None and option in _ANYBODY:
        return Truth.UNCLEAR
    if packet.port is not None and option in _PORTS:
        return _is(any(low <= packet.port <= high for low, high in _ranges(values)))
    if option in ("--dport", "--dports", "--sport", "--sports", "--ports", "--destination-port", "--source-port"):
        return _is(any(_wide(part) for part in first.split(",")))
    if option in ("--ctstate", "--state"):
        return _is("NEW" in words)
    if option == "--ctstatus":
        return _is("NONE" in words)
    if option == "--dst-type":
        return _is("LOCAL" in words)
    if option == "--src-type":
        return _is("UNICAST" in words)
    if option == "--pkt-type":
        return _is(first == "unicast")
    if option == "--syn":
        return Truth.YES
    if option == "--tcp-flags" and len(values) == 2:
        mask = set(values[0].split(",")) if values[0] != "ALL" else {"SYN"}
        wanted: set[str] = set() if values[1] == "NONE" else set(values[1].split(","))
        return _is(({"SYN"} & mask) == wanted)
    if option in _NAMING:
        return Truth.NO
    return Truth.SOMETIMES if option in _SOMETIMES else Truth.UNCLEAR


def _is(truth: bool) -> Truth:
    return Truth.YES if truth else Truth.NO


def _wide(ports: str) -> bool:
    low, _, high = ports.partition(":")
    return bool(high) and low.isdecimal() and high.isdecimal() and int(high) - int(low) >= _WIDE


def _ranges(values: list[str]) -> list[tuple[int, int]]:
    """22, 80,443 or 6000:6010 as iptables-save writes them, always in digits."""
    found = []
    for part in ",".join(values[:1]).split(","):
        low, colon, high = part.partition(":")
        if not low.isdecimal() or (colon and not high.isdecimal()):
            raise Unparsable(f"iptables-save: {part[:20]!r} is not a port")
        found.append((int(low), int(high) if colon else int(low)))
    return found


def _whole_world(addresses: str) -> bool:
    try:
        return nobody_in_particular(*_bounds(addresses))
    except ValueError:
        raise Unparsable("iptables-save: a network that is none") from None


def _elsewhere(addresses: str) -> bool:
    """No packet from a stranger to this machine goes there: to groups, or to the machine itself from within."""
    first = ip_address(_bounds(addresses)[0])
    return first.is_multicast or first.is_loopback


def _bounds(addresses: str) -> tuple[str, str]:
    first, dash, last = addresses.partition("-")
    if dash:
        return first, last
    found = ip_network(addresses, strict=False)
    return str(found[0]), str(found[-1])
