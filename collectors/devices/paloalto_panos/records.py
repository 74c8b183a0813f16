"""PAN-OS: where its records go, who may ask it over SNMP, and what it lets through."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.devices.paloalto_panos.objects import Scopes, any_service, anybody, scopes_of
from collectors.devices.paloalto_panos.text import Config, config, yes
from collectors.devices.syntax.braces import Block
from collectors.devices.vocabulary import everybody, network
from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.device_logs import DeviceLogs, LogHost
from collectors.facts.filtering import Action, Filtering, FilterRule, Zone
from collectors.facts.snmp_service import Community, SnmpService, SnmpUser
from collectors.transports.base import DeviceCli

_KNOWN = frozenset(
    {"public", "private", "cisco", "community", "snmp", "admin", "paloalto", "panos", "monitor", "read", "write", "test"}
)
_SHORT = 8
_AUTH = {"MD5": "md5", "SHA": "sha1", "SHA-224": "sha224", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
_PRIV = {"DES": "des", "AES": "aes128", "AES-128": "aes128", "AES-192": "aes192", "AES-256": "aes256"}
_ACTIONS: dict[str, Action] = {
    "allow": "permit", "deny": "deny", "drop": "deny", "reset-client": "reject", "reset-server": "reject", "reset-both": "reject",
}  # fmt: skip


def device_logs(cli: DeviceCli) -> DeviceLogs:
    """Syslog servers that some match list sends records of the system, the configuration or traffic to."""
    gaps = Gaps()
    conf = config(cli)
    used = {name for scope in conf.scopes() for name in _sent(scope)}
    hosts = tuple(_hosts(conf, used, gaps))
    gaps.note("level", "unsupported", "filters decide what is sent")
    gaps.note("synchronous_source", "unsupported", "service routes were not read")
    return DeviceLogs(
        enabled=True,
        hosts=hosts,
        buffer=True,  # PAN-OS always keeps its logs on its disk
        timestamps=True,
        logons=True,  # the system log holds each log-on, the configuration log each commit: there is no switch
        changes=True,
        unseen=gaps.unseen,
    )


def _sent(scope: Block) -> Iterator[str]:
    settings = scope.at("log-settings")
    for block in settings.walk() if settings else ():
        if block.name == "send-syslog":
            yield from block.values
        if block.name == "using-syslog-setting":
            yield from (*block.values, *block.children)


def _hosts(conf: Config, used: set[str], gaps: Gaps) -> Iterator[LogHost]:
    for scope in conf.scopes():
        for profile in scope.below("log-settings", "syslog"):
            if profile.name not in used:
                continue
            for server in profile.below("server"):
                transport = server.word("transport")
                if transport is None:
                    gaps.note(("hosts[].protocol", "hosts[].encrypted"), "unsupported", "transport is not set")
                gaps.note("hosts[].level", "unsupported", "filters decide what is sent")
                address = server.word("server") or server.word("address")
                if not address:
                    raise Unparsable(f"the syslog server {server.name} has no address")
                yield LogHost(
                    address=address,
                    protocol=None if transport is None else "udp" if transport == "UDP" else "tcp",
                    encrypted=None if transport is None else transport == "SSL",
                )


def snmp_service(cli: DeviceCli) -> SnmpService:
    """`snmp-setting` of the management interface."""
    gaps = Gaps()
    conf = config(cli)
    version = conf.system.at("snmp-setting", "access-setting", "version")
    sources = set(conf.system.words("permitted-ip") or ())
    anywhere = not sources or everybody(map(network, sources))
    profiles = conf.device.at("network", "profiles", "interface-management-profile")
    for profile in profiles.children.values() if profiles else ():
        own = set(profile.words("permitted-ip") or ())
        anywhere = anywhere or (bool(yes(profile, "snmp")) and (not own or everybody(map(network, own))))
    name = version.word("v2c", "snmp-community-string") if version else None
    hidden = name is not None and name.startswith("(redacted)")
    communities: tuple[Community, ...] = ()
    if name is not None:
        if hidden:
            gaps.note(("communities[].well_known", "communities[].short"), "unsupported", "its name is not shown")
        communities = (
            Community(
                write=False,
                well_known=None if hidden else name.lower() in _KNOWN,
                short=None if hidden else len(name) < _SHORT,
                anywhere=anywhere,
            ),
        )
    users = tuple(_snmp_user(user, gaps) for user in (version.below("v3", "users") if version else ()))
    closed = yes(conf.system, "service", "disable-snmp")
    inside = any(yes(profile, "snmp") for profile in (profiles.children.values() if profiles else ()))
    enabled = bool(communities or users) and (closed is not True or inside)
    gaps.note("answered", "unsupported", "not asked over SNMP")
    gaps.note("trap_hosts", "unsupported", "trap profiles were not read")
    return SnmpService(
        enabled=enabled,
        v1_v2c=enabled and bool(communities),
        communities=communities,
        users=users,
        anywhere=enabled and anywhere,
        unseen=gaps.unseen,
    )


def _snmp_user(user: Block, gaps: Gaps) -> SnmpUser:
    auth, priv = _AUTH.get(user.word("authproto") or ""), _PRIV.get(user.word("privproto") or "")
    if auth is None or priv is None:
        gaps.note(("users[].auth", "users[].priv"), "unsupported", "the algorithms are those of the release")
    return SnmpUser.model_validate({"name": user.name, "level": "authPriv", "auth": auth, "priv": priv, "write": False})


# --- filtering --------------------------------------------------------------------------------------------------------


def filtering(cli: DeviceCli) -> Filtering:
    """Security rules of each virtual system, those of Panorama around them."""
    gaps = Gaps()
    conf = config(cli)
    gaps.note("rules[].hits", "unsupported", "the counters of rules were not asked")
    gaps.note("rules[].logged", "unsupported", "where neither log-start nor log-end is set, the release decides")
    gaps.note("unbound", "unsupported", "a rule always names its zones")
    gaps.note("anti_spoofing", "unsupported", "zone protection profiles were not read")
    gaps.note("dos_protection", "unsupported", "zone protection profiles were not read")
    zones = [zone for vsys in conf.vsys() for zone in vsys.below("zone")]
    if zones:
        gaps.note("zones[].outside", "unsupported", "a name alone tells little: only untrust, outside, internet, wan count")
    return Filtering(
        stateful=True,
        default_action=gaps.attempt("default_action", lambda: _default(conf)),
        default_logged=gaps.attempt("default_logged", lambda: _default_logged(conf)),
        rules=gaps.attempt("rules", lambda: tuple(_rules(conf))),
        zones=tuple(_zone(zone) for zone in zones),
        unseen=gaps.unseen,
    )


def _bases(conf: Config) -> Iterator[tuple[str, Block]]:
    """(where, rulebase), in the order rules are tried: Panorama's first ones, the device's own, Panorama's last ones."""
    panorama = conf.device.at("panorama")
    for vsys in conf.vsys():
        for name in ("pre-rulebase", "rulebase", "post-rulebase"):
            found = [vsys.at(name), panorama.at("vsys", vsys.name, name) if panorama else None]
            found += [panorama.at(name) if panorama else None]
            yield from ((vsys.name if name == "rulebase" else f"{vsys.name} {name}", base) for base in found if base)


def _implicit(conf: Config) -> list[Block]:
    return [rule for _, base in _bases(conf) if (rule := base.at("default-security-rules", "rules", "interzone-default"))]


def _default(conf: Config) -> Action:
    said = {rule.word("action") for rule in _implicit(conf)} - {None}
    return "permit" if "allow" in said else "deny"


def _default_logged(conf: Config) -> bool:
    """PAN-OS records nothing of its last rules unless they are overridden."""
    rules = _implicit(conf)
    return bool(rules) and all(yes(rule, "log-end") or yes(rule, "log-start") for rule in rules)


def _rules(conf: Config) -> Iterator[FilterRule]:
    groups = {group.name: group for scope in conf.scopes() for group in scope.below("profile-group")}
    for where, base in _bases(conf):
        for rule in base.below("security", "rules"):
            action = _ACTIONS.get(rule.word("action") or "")
            if action is None:
                raise Unparsable(f"the action of the rule {rule.name}")
            yield _rule(scopes_of(conf, where.split()[0]), where, rule, action, groups)


def _rule(scopes: Scopes, where: str, rule: Block, action: Action, groups: dict[str, Block]) -> FilterRule:
    names = rule.words("profile-setting", "group") or ()
    looks = {profile.name for profile in rule.below("profile-setting", "profiles")}
    for name in names:
        if name not in groups and name != "None":
            raise Unparsable(f"the profile group {name} of the rule {rule.name} is not in the configuration")
        looks |= set(groups[name].children) if name in groups else set()
    looks = looks if action == "permit" else set()
    return FilterRule(
        list=where,
        name=rule.name,
        action=action,
        enabled=not yes(rule, "disabled"),
        source_any=anybody(scopes, rule, "source"),
        destination_any=anybody(scopes, rule, "destination"),
        service_any=any_service(scopes, rule),
        source_zones=rule.words("from") or (),
        destination_zones=rule.words("to") or (),
        logged=True if yes(rule, "log-start") else yes(rule, "log-end"),
        inspected=bool(looks),
        ips="vulnerability" in looks,
        antivirus="virus" in looks,
    )


def _zone(zone: Block) -> Zone:
    inside = tuple(name for kind in ("layer3", "layer2", "virtual-wire", "tap") for name in zone.words("network", kind) or ())
    word = zone.name.lower()
    outside = True if word.startswith(("untrust", "outside", "internet", "wan", "external")) else None
    return Zone(name=zone.name, interfaces=inside, outside=outside)
