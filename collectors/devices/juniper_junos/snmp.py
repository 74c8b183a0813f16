"""Junos: who may ask over SNMP, and where notifications go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from collectors.devices.juniper_junos.ranges import Ranges, everything, network
from collectors.devices.juniper_junos.reach import Service, reach
from collectors.devices.juniper_junos.text import Version, config, scopes, version
from collectors.devices.syntax.junos import HIDDEN, Node
from collectors.devices.vocabulary import auth, priv, short, well_known
from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.snmp_service import Community, SnmpService, SnmpUser, TrapHost
from collectors.transports.base import DeviceCli

_LEVELS: dict[str, Literal["noAuthNoPriv", "authNoPriv", "authPriv"]] = {
    "none": "noAuthNoPriv", "authentication": "authNoPriv", "privacy": "authPriv",
}  # fmt: skip


def snmp_service(cli: DeviceCli) -> SnmpService:
    """`snmp`: communities with their clients, users of version 3 with what their group may."""
    gaps = Gaps()
    root, told = config(cli), version(cli)
    parts = gaps.attempt(("enabled", "v1_v2c", "communities", "users", "trap_hosts", "anywhere"), lambda: _parts(root))
    if parts is None:
        return SnmpService(enabled=None, v1_v2c=None, communities=None, users=None, unseen=gaps.unseen)
    open_door = gaps.attempt(("anywhere", "communities[].anywhere"), lambda: _reached(root, told)) if _answers(parts) else False
    communities = gaps.attempt("communities", lambda: tuple(_communities(parts, open_door, gaps)))
    users = gaps.attempt("users", lambda: tuple(_users(parts)))
    able = None if users is None else any(user.level is not None for user in users)
    if users and not able:
        able = None
        gaps.note(
            "enabled", "unsupported", "no group gives the users of version 3 a right; whether they are answered is not known"
        )
    old = None if communities is None else bool(communities)
    enabled = True if old or able else None if old is None or able is None else False
    return SnmpService(
        enabled=enabled,
        v1_v2c=old,
        communities=communities,
        users=users,
        trap_hosts=gaps.attempt("trap_hosts", lambda: tuple(_traps(parts))),
        anywhere=_anywhere(gaps, communities, able, open_door),
        unseen=gaps.unseen,
    )


def _parts(root: Node) -> tuple[Node, ...]:
    return tuple(found for _, scope in scopes(root) if (found := scope.at("snmp")) is not None)


def _answers(parts: tuple[Node, ...]) -> bool:
    return any(part.has("community") or part.has("v3") for part in parts)


def _reached(root: Node, told: Version) -> bool:
    """Filters and zones let everybody ask."""
    return reach(root, told, Service("snmp", "udp", 161)).anywhere


def _anywhere(gaps: Gaps, communities: tuple[Community, ...] | None, able: bool | None, open_door: bool | None) -> bool | None:
    if communities is None or able is None:
        gaps.note("anywhere", "unsupported", "communities or users were not seen")
        return None
    if not communities and not able:
        return False
    said = [row.anywhere for row in communities]
    if able:
        said.append(open_door)
    return True if True in said else None if None in said else False


def _communities(parts: tuple[Node, ...], open_door: bool | None, gaps: Gaps) -> Iterator[Community]:
    for part in parts:
        for node in part.below("community"):
            # "authorization: default read-only" (Junos OS CLI Reference)
            yield _community(part, node.name, node, node.word("authorization") == "read-write", open_door)
        for node in part.below("v3", "snmp-community"):
            name = node.word("community-name") or HIDDEN
            tag = node.word("tag")
            tagged = [target for target in part.below("v3", "target-address") if tag in (target.word("tag-list") or "").split()]
            # a mask of nothing but zeros leaves nobody out
            limited = bool(tagged) and not any(set(target.word("address-mask") or "x") <= set("0.:") for target in tagged)
            known = not name.startswith("$9$")
            if not known:
                gaps.note(("communities[].well_known", "communities[].short"), "unsupported", "a name stands there as $9$")
            yield Community(
                write=_group_of(part, node.word("security-name") or "", ("v1", "v2c"), "write-view") is not None,
                well_known=well_known(name) if known else None,
                short=short(name) if known else None,
                anywhere=False if limited else open_door,
            )


def _community(part: Node, name: str, node: Node, write: bool, open_door: bool | None) -> Community:
    """A routing instance may have clients of its own; without them those of the community count."""
    own = [holder for holder in node.below("routing-instance") if _limited(holder)]
    wide = not _limited(node) or any(_wide(part, holder) for holder in (node, *own))
    return Community(
        write=write,
        well_known=well_known(name),
        short=short(name),
        anywhere=open_door if wide else False,
    )


def _limited(holder: Node) -> bool:
    return holder.has("clients") or holder.has("client-list-name")


def _wide(part: Node, holder: Node) -> bool:
    """The clients named there are everybody. The longest network decides; `restrict` refuses."""
    entries = list(holder.below("clients"))
    name = holder.word("client-list-name")
    if name is not None:
        known = part.at("client-list", name)
        if known is None:
            raise Unparsable(f"the list of clients {name} is used and is not in the configuration")
        entries += known.below()
    sets: dict[bool, list[tuple[int, bool, Ranges]]] = {False: [], True: []}
    for node in entries:
        six, addresses = network("0.0.0.0/0" if node.name == "default" else node.name)
        sets[six].append((addresses.size, node.has("restrict"), addresses))
    for six, rows in sets.items():
        allowed = everything(six) if rows and all(refused for _, refused, _ in rows) else Ranges()
        for _, refused, addresses in sorted(rows, key=lambda row: -row[0]):
            allowed = allowed - addresses if refused else allowed | addresses
        if allowed.wide(six):
            return True
    return False


def _users(parts: tuple[Node, ...]) -> Iterator[SnmpUser]:
    for part in parts:
        for user in part.below("v3", "usm", "local-engine", "user"):
            yield _user(part, user)


def _user(part: Node, user: Node) -> SnmpUser:
    signs = [word.removeprefix("authentication-") for word in user.words() if word.startswith("authentication-")]
    ciphers = [word.removeprefix("privacy-") for word in user.words() if word.startswith("privacy-")]
    group = _security_level(part, user.name)
    return SnmpUser(
        name=user.name,
        level=group,
        auth=auth(signs[0]) if signs and signs != ["none"] else "none",
        priv=priv(ciphers[0]) if ciphers and ciphers != ["none"] else "none",
        write=_group_of(part, user.name, ("usm",), "write-view") is not None,
    )


def _accesses(part: Node, name: str, models: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
    """(level, views) of every access of the groups a name is in."""
    groups = {
        group
        for model in models
        if (group := part.word("v3", "vacm", "security-to-group", "security-model", model, "security-name", name, "group"))
    }
    for group in groups:
        known = part.at("v3", "vacm", "access", "group", group)
        for context in known.nodes.values() if known is not None else ():
            for node in context.walk():
                for model in ("any", *models):
                    for level in node.below("security-model", model, "security-level"):
                        yield level.name, level


def _security_level(part: Node, name: str) -> Literal["noAuthNoPriv", "authNoPriv", "authPriv"] | None:
    found = {level for level, views in _accesses(part, name, ("usm",)) if views.below()}
    return next((said for word, said in _LEVELS.items() if word in found), None)


def _group_of(part: Node, name: str, models: tuple[str, ...], view: str) -> str | None:
    return next((found for _, views in _accesses(part, name, models) if (found := views.word(view))), None)


def _traps(parts: tuple[Node, ...]) -> Iterator[TrapHost]:
    for part in parts:
        for group in part.below("trap-group"):
            # "version: default all", which sends version 1 and 2 both
            said = group.word("version")
            for node in group.below("targets"):
                yield TrapHost(address=node.name, version="2c" if said == "v2" else "1")
        for target in part.below("v3", "target-address"):
            parameters = part.at("v3", "target-parameters", target.word("target-parameters") or "", "parameters") or Node("")
            model = (parameters.word("message-processing-model") or "").removeprefix("v")
            address = target.word("address")
            # without a notification that names its tag it is a list of those who may ask
            tags = {part.word("v3", "notify", node.name, "tag") for node in part.below("v3", "notify")}
            if address and model and set((target.word("tag-list") or "").split()) & {tag for tag in tags if tag}:
                yield TrapHost.model_validate(
                    {
                        "address": address,
                        "version": model,
                        "level": _LEVELS.get(parameters.word("security-level") or "") if model == "3" else None,
                    }
                )
