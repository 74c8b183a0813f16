"""RouterOS: the forward chains of IPv4 and IPv6, in the order rules are tried."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.devices.mikrotik_routeros.addresses import (
    BUILT_IN,
    address_list,
    any_address,
    interfaces_of,
    outside_name,
    speaks_v6,
)
from collectors.devices.mikrotik_routeros.chains import DEPTH, DROPS, GOES_ON, NOT_MATCHERS, first_states
from collectors.devices.mikrotik_routeros.text import Config, config, flag, listed
from collectors.devices.syntax.routeros import Item
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.filtering import Action, Filtering, FilterRule, Zone
from collectors.transports.base import DeviceCli

OWN = ("input", "forward", "output")
_ACTIONS: dict[str, Action] = {"accept": "permit", "drop": "deny", "tarpit": "deny", "reject": "reject"}
_ANY_PORTS = ("0-65535", "1-65535")


def filtering(cli: DeviceCli) -> Filtering:
    """Forward chains and what they jump to. The chain itself lets through what no rule stops."""
    gaps = Gaps()
    conf = config(cli)
    families = gaps.attempt(("default_action", "default_logged", "rules", "unbound"), lambda: _families(conf))
    rules = families and gaps.attempt("rules", lambda: tuple(rule for family in families for rule in _rules(conf, family)))
    if rules:
        gaps.note(("rules[].hits", "rules[].inspected"), "unsupported", "counters are not asked; content is not inspected")
        gaps.note(("rules[].ips", "rules[].antivirus"), "unsupported", "RouterOS has neither")
    last = families and gaps.attempt(("default_action", "default_logged"), lambda: [_last(conf, family) for family in families])
    action = _default(last) if last else None
    if last and action == "permit":
        gaps.note("default_logged", "unsupported", "nothing is refused at the end of the chain")
    gaps.note(
        "dos_protection", "unsupported", "limits may stand in rules of several tables; what they come to is not judged here"
    )
    return Filtering(
        stateful=gaps.attempt("stateful", lambda: _stateful(conf)),
        default_action=action,
        default_logged=None if not last or action == "permit" else all(logged for _, logged in last),
        rules=rules,
        unbound=families
        and gaps.attempt("unbound", lambda: tuple(name for family in families for name in _unbound(conf, family))),
        zones=gaps.attempt("zones", lambda: tuple(_zones(conf, gaps))),
        anti_spoofing=gaps.attempt("anti_spoofing", lambda: _spoofing(conf)),
        dos_protection=None,
        unseen=gaps.unseen,
    )


def _stateful(conf: Config) -> bool:
    _no_shortcut(conf)
    return conf.say("ip firewall connection tracking", "enabled") != "no"


def _families(conf: Config) -> tuple[str, ...]:
    """IPv6 counts where it is on, with or without a rule: unfiltered, it lets everything through."""
    v6 = speaks_v6(conf)
    if v6 is None:
        raise Unsupported("whether IPv6 is on is not shown")
    return ("ip", "ipv6") if v6 and _forwards_v6(conf) else ("ip",)


def _forwards_v6(conf: Config) -> bool:
    try:
        return conf.on("ipv6 settings", "forward")
    except Unsupported:
        return True


def _chains(conf: Config, family: str) -> dict[str, list[Item]]:
    chains: dict[str, list[Item]] = {}
    for item in conf.items(f"{family} firewall filter"):
        chains.setdefault(item.word("chain") or "", []).append(item)
    return chains


def _reached(chains: dict[str, list[Item]], *starts: str) -> list[str]:
    """Chains a packet may come to, in the order they are met."""
    found: list[str] = []
    todo = list(starts)
    while todo:
        chain = todo.pop(0)
        if chain in found:
            continue
        found.append(chain)
        todo += [
            item.word("jump-target") or ""
            for item in chains.get(chain, ())
            if item.word("action") == "jump" and not item.disabled
        ]
    return found


def _unbound(conf: Config, family: str) -> Iterator[str]:
    chains = _chains(conf, family)
    reached = set(_reached(chains, *OWN))
    return (f"{family} {chain}" for chain in chains if chain not in reached)


def _rules(conf: Config, family: str) -> Iterator[FilterRule]:
    chains = _chains(conf, family)
    for chain in _reached(chains, "forward"):
        for number, item in enumerate(chains.get(chain, ())):
            yield _rule(conf, family, chain, number, item)


def _rule(conf: Config, family: str, chain: str, number: int, item: Item) -> FilterRule:
    action = item.word("action") or "accept"
    if action not in _ACTIONS and action not in (*GOES_ON, "jump", "return"):
        raise Unparsable(f"line {item.line}: unknown action of a rule: {action[:40]}")
    kind = _ACTIONS.get(action, "other")
    # answers of connections somebody else let begin: it opens nothing by itself
    if kind == "permit" and not _begins(conf, family, item):
        kind = "other"
    narrow = _narrow_source(conf, family, item)
    return FilterRule(
        list=f"{family} {chain}",
        name=str(number),
        action=kind,
        # a rule RouterOS remarks on may not be in force: no wall is made of it
        enabled=not item.disabled and not (item.note and kind in ("deny", "reject")),
        source_any=not narrow,
        destination_any=not _narrow_destination(conf, family, item),
        service_any=_any_service(item),
        source_zones=_zone_names(item, "in"),
        destination_zones=_zone_names(item, "out"),
        logged=flag(item.word("log") or "no", "log of a rule") or action == "log",
    )


def _begins(conf: Config, family: str, item: Item) -> bool:
    """It fits the first packet of a connection."""
    states = item.word("connection-state") or ""
    known = listed(states.removeprefix("!"))
    return not states or any((state in known) != states.startswith("!") for state in first_states(conf, family))


def _narrow_source(conf: Config, family: str, item: Item) -> bool:
    """ipsec-policy=in,ipsec takes only what came out of a tunnel."""
    return (
        _narrow(conf, family, item.word("src-address"), item.word("src-address-list"))
        or bool(item.word("src-mac-address"))
        or (item.word("ipsec-policy") or "") == "in,ipsec"
    )


def _narrow_destination(conf: Config, family: str, item: Item) -> bool:
    """connection-nat-state=dstnat takes only what a rule of destination NAT leads inside."""
    return (
        _narrow(conf, family, item.word("dst-address"), item.word("dst-address-list"))
        or item.word("connection-nat-state") == "dstnat"
        or (item.word("ipsec-policy") or "") == "out,ipsec"
    )


def _narrow(conf: Config, family: str, address: str | None, name: str | None) -> bool:
    """All but some is any. Raises Unparsable for a list that nothing is in: what it stands for is not known."""
    if address and not address.startswith("!") and not any_address((address,)):
        return True
    if not name or name.startswith("!"):
        return False
    known = address_list(conf, family, name)
    if known is not None and not known:
        raise Unparsable(f"the address list {name[:40]} is named in a rule and nothing is in it")
    return known is None or not any_address(known)


def _any_service(item: Item) -> bool:
    protocol = item.word("protocol") or ""
    ports = [word for key in ("dst-port", "port", "src-port") if (word := item.word(key)) and word not in _ANY_PORTS]
    return (not protocol or protocol.startswith("!")) and not [word for word in ports if not word.startswith("!")]


def _zone_names(item: Item, way: str) -> tuple[str, ...]:
    return tuple(
        word for key in (f"{way}-interface", f"{way}-interface-list") if (word := item.word(key)) and word not in ("all", "!none")
    )


def _last(conf: Config, family: str) -> tuple[Action, bool]:
    """(what happens to a packet no rule speaks of, it is logged): a rule without conditions, else the chain lets it through."""
    _no_shortcut(conf)
    return _end(_chains(conf, family), "forward", 0) or ("permit", False)


def _no_shortcut(conf: Config) -> None:
    """A switch chip that routes by itself sends packets past every filter (manual, "L3 Hardware Offloading")."""
    if any(item.word("l3-hw-offloading") == "yes" for item in conf.items("interface ethernet switch")):
        raise Unsupported("the switch chip routes (l3-hw-offloading), and what it routes meets no filter")


def _end(chains: dict[str, list[Item]], chain: str, depth: int) -> tuple[Action, bool] | None:
    if depth > DEPTH:
        raise Unparsable(f"firewall filter: jumps go round in a circle at {chain[:40]}")
    logged = False
    for item in chains.get(chain, ()):
        action = item.word("action") or "accept"
        if item.disabled or _conditions(item) or (item.note and action in DROPS):
            continue
        noted = flag(item.word("log") or "no", "log of a rule")
        if action == "jump":
            target = item.word("jump-target") or ""
            inner = _end(chains, target, depth + 1)
            # who returns on a condition comes back here, and a later rule or none decides
            if inner is not None and not any(
                each.word("action") == "return" and not each.disabled for each in chains.get(target, ())
            ):
                return inner[0], inner[1] or logged or noted
        elif action == "return":
            return None
        elif action in _ACTIONS:
            return _ACTIONS[action], noted or logged
        logged = logged or noted or action == "log"
    return None


def _conditions(item: Item) -> list[str]:
    return [
        key
        for key, value in item.values.items()
        if value and key not in NOT_MATCHERS and not (key.endswith("-interface-list") and value in ("all", "!none"))
    ]


def _default(last: list[tuple[Action, bool]]) -> Action:
    """The weakest of the families."""
    actions = {action for action, _ in last}
    return "permit" if "permit" in actions else "reject" if actions == {"reject"} else "deny"


def _zones(conf: Config, gaps: Gaps) -> Iterator[Zone]:
    """Interface lists. What they lead to, only a name tells."""
    for item in conf.items("interface list"):
        name = item.word("name")
        if not name or name in BUILT_IN:
            continue
        members = interfaces_of(conf, name)
        if members is None:
            raise Unsupported(f"the interface list {name[:30]} is made of interfaces that come and go")
        leads_out = True if outside_name(name) else False if name.upper() == "LAN" else None
        if leads_out is None:
            gaps.note("zones[].outside", "unsupported", f"no name tells where {name[:30]} leads")
        yield Zone(name=name, interfaces=tuple(sorted(members)), outside=leads_out)


def _spoofing(conf: Config) -> bool:
    """rp-filter is of IPv4 alone."""
    _no_shortcut(conf)
    word = conf.say("ip settings", "rp-filter")
    if word in ("no", "loose"):
        # loose asks only whether there is any way back, and a default route is one
        return False
    if word != "strict":
        raise Unparsable(f"no rp-filter: {word[:20]}")
    if speaks_v6(conf) is not False and (conf.has("ipv6 settings") or conf.release.major >= 7):
        raise Unsupported("rp-filter is strict for IPv4; IPv6 is on, and RouterOS does not check its senders")
    return True
