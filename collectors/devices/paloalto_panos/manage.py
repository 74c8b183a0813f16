"""PAN-OS: by which ways administrators reach it, who they are, and the rules for their passwords."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.devices.paloalto_panos.text import Config, config, number, yes
from collectors.devices.syntax.braces import Block
from collectors.devices.vocabulary import everybody, network
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Protocol, Vpn, Way
from collectors.facts.device_accounts import AuthServer, DeviceAccount, DeviceAccounts, Secret
from collectors.facts.password_policy import PasswordPolicy
from collectors.transports.base import DeviceCli

_WAYS: tuple[Protocol, ...] = ("https", "ssh", "http", "telnet")
_IDLE = dict.fromkeys(("9.1", "10.0", "10.1", "10.2", "11.0", "11.1", "11.2"), 60)
"""Minutes: PAN-OS Web Interface Help of each release, Device > Setup > Management, Idle Timeout "default is 60"."""
_RIGHTS = {
    "superuser": True,
    "deviceadmin": True,
    "vsysadmin": True,
    "superreader": False,
    "devicereader": False,
    "vsysreader": False,
}
_CHARACTERS = (
    "minimum-uppercase-letters", "minimum-lowercase-letters", "minimum-numeric-letters", "minimum-special-characters",
)  # fmt: skip
_METHODS = {"tacplus": "tacacs+", "radius": "radius", "ldap": "ldap", "kerberos": "kerberos", "saml-idp": "saml"}


def device_access(cli: DeviceCli) -> DeviceAccess:
    """The management interface, and interfaces with a management profile."""
    gaps = Gaps()
    conf = config(cli)
    ways = gaps.attempt(("ways", "ssh_enabled"), lambda: _ways(conf, gaps))
    gaps.note(
        ("ssh_ciphers", "ssh_macs", "ssh_key_exchanges"),
        "unsupported",
        "those of the release, or of an SSH service profile; not read yet",
    )
    if cli.legacy_crypto is None:
        gaps.note("legacy_crypto_needed", "unsupported", "not known of this session")
    return DeviceAccess(
        ways=ways,
        ssh_enabled=None if ways is None else any(way.protocol == "ssh" for way in ways),
        ssh_v1=False,  # PAN-OS speaks SSH 2 alone
        least_tls=gaps.attempt("least_tls", lambda: _least_tls(conf)),
        banner=bool(conf.system.word("login-banner")),
        separate_management=None if ways is None else all(not way.remote or way.name == "management" for way in ways),
        vpns=tuple(_vpns(conf, gaps)),
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


def _ways(conf: Config, gaps: Gaps) -> tuple[Way, ...]:
    idle = gaps.attempt("ways[].idle_seconds", lambda: _idle(conf))
    found = list(_management(conf, idle))
    profiles = conf.device.at("network", "profiles", "interface-management-profile") or Block("")
    zones = {
        name: zone.name for vsys in conf.vsys() for zone in vsys.below("zone") for name in zone.words("network", "layer3") or ()
    }
    for interface, name in _bound(conf):
        profile = profiles.at(name)
        if profile is None:
            raise Unparsable(f"the management profile {name} of {interface} is not in the configuration")
        sources = tuple(profile.words("permitted-ip") or ())
        outside = _outside(zones.get(interface, ""))
        for protocol in _WAYS:
            if yes(profile, protocol):
                found.append(_way(f"interface {interface}", protocol, sources, idle, outside))
    console = Way(
        name="console",
        protocol="console",
        encrypted=True,
        remote=False,
        anywhere=False,
        idle_seconds=idle,
        authentication="local",
    )
    return (*found, console)


def _management(conf: Config, idle: Limit | None) -> Iterator[Way]:
    sources = tuple(conf.system.words("permitted-ip") or ())
    for protocol in _WAYS:
        closed = yes(conf.system, "service", f"disable-{protocol}")
        if closed is None and protocol in ("http", "telnet"):
            raise Unsupported(f"the configuration does not say whether {protocol} is on; its default is not in our table")
        if not closed:
            yield _way("management", protocol, sources, idle, False)


def _way(name: str, protocol: Protocol, sources: tuple[str, ...], idle: Limit | None, outside: bool | None) -> Way:
    anywhere = not sources or everybody(map(network, sources))
    return Way(
        name=name,
        protocol=protocol,
        encrypted=protocol in ("https", "ssh"),
        remote=True,
        anywhere=anywhere,
        sources=() if anywhere else sources,
        idle_seconds=idle,
        authentication="local",
        untrusted=outside,
    )


def _outside(zone: str) -> bool | None:
    word = zone.lower()
    return True if word.startswith(("untrust", "outside", "internet", "wan", "external")) else None


def _bound(conf: Config) -> Iterator[tuple[str, str]]:
    """(interface, its management profile)."""

    def below(block: Block, interface: str) -> Iterator[tuple[str, str]]:
        for child in block.children.values():
            own = child.name if "/" in child.name or "." in child.name else interface
            if child.name == "interface-management-profile":
                yield interface, " ".join(child.values)
            else:
                yield from below(child, own)

    for kind in conf.device.below("network", "interface"):
        yield from below(kind, kind.name)


def _idle(conf: Config) -> Limit:
    minutes = number(conf.setting, "idle-timeout")
    if minutes is None:
        minutes = _IDLE.get(conf.train)
    if minutes is None:
        raise Unsupported(f"idle-timeout is not set, and its default in PAN-OS {conf.train} is not in our table")
    return minutes * 60 if minutes else "unlimited"


def _least_tls(conf: Config) -> str:
    name = conf.system.word("ssl-tls-service-profile")
    if name is None:
        raise Unsupported("no SSL/TLS service profile is bound; what the release speaks then is not in our table")
    for scope in conf.scopes():
        said = scope.word("ssl-tls-service-profile", name, "protocol-settings", "min-version")
        if said and said.startswith("tls1-"):
            return said.removeprefix("tls").replace("-", ".")
    raise Unsupported(f"the SSL/TLS service profile {name} names no oldest version")


def _vpns(conf: Config, gaps: Gaps) -> Iterator[Vpn]:
    for vsys in conf.vsys():
        for gateway in vsys.below("global-protect", "global-protect-gateway"):
            gaps.note(("vpns[].two_factors", "vpns[].idle_seconds"), "unsupported", "what GlobalProtect demands was not followed")
            yield Vpn(name=gateway.name, kind="ssl", two_factors=None)


# --- accounts ---------------------------------------------------------------------------------------------------------


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """Administrators of `mgt-config users`."""
    gaps = Gaps()
    conf = config(cli)
    if conf.management is None or conf.management.at("users") is None:
        raise Unsupported("mgt-config users is not shown: this account may not see it")
    users = tuple(_user(user, gaps) for user in conf.management.below("users"))
    profiles = {name for user in conf.management.below("users") if (name := user.word("authentication-profile"))}
    if shared := conf.system.word("authentication-profile"):
        profiles.add(shared)
    gaps.note(
        "users[].two_factors", "unsupported", "a second factor is a matter of authentication profiles, which were not followed"
    )
    gaps.note("users[].anywhere", "unsupported", "accounts have no sources of their own here")
    return DeviceAccounts(
        users=users,
        servers=gaps.attempt("servers", lambda: tuple(_servers(conf, profiles))),
        remote_first=bool(users) and all(user.secret == "external" for user in users),  # noqa: S105
        local_fallback=any(user.secret != "external" for user in users),  # noqa: S105
        commands_authorised=any(user.role.startswith("custom") for user in users),
        accounting=bool(tuple(conf.shared.below("log-settings", "config", "match-list"))),
        passwords_encrypted=True,  # PAN-OS hashes passwords and encrypts keys always
        unseen=gaps.unseen,
    )


def _user(user: Block, gaps: Gaps) -> DeviceAccount:
    roles = user.at("permissions", "role-based")
    role = next(iter(roles.children.values()), None) if roles else None
    rights = _RIGHTS.get(role.name) if role else None
    if rights is None:
        gaps.note("users[].administrator", "unsupported", f"the rights of the role of {user.name} were not weighed")
    shown = role.name if role else ""
    if role and role.name == "custom":
        shown = f"custom {role.word('profile') or ''}".strip()
    secret = _secret(user)
    if secret is None:
        gaps.note("users[].secret", "unsupported", f"what {user.name} logs on with is not shown, or of a kind that is not known")
    return DeviceAccount(
        name=user.name,
        administrator=rights,
        role=shown,
        secret=secret,
        factory=user.name == "admin",
        anywhere=None,
        two_factors=None,
    )


def _secret(user: Block) -> Secret | None:
    if user.word("authentication-profile"):
        return "external"
    phash = user.word("phash") or ""
    if phash.startswith("$1$"):
        return "weak-hash"
    if phash.startswith(("$5$", "$6$")):
        return "hash"
    if not phash and (yes(user, "client-certificate-only") or user.word("public-key")):
        return "key"
    return None


def _servers(conf: Config, profiles: set[str]) -> Iterator[AuthServer]:
    for name in sorted(profiles):
        found = next((profile for scope in conf.scopes() if (profile := scope.at("authentication-profile", name))), None)
        if found is None:
            raise Unsupported(f"the authentication profile {name} is not shown")
        for method in found.below("method"):
            if method.name not in _METHODS:
                continue  # the device's own database
            servers = method.word("server-profile") or ""
            for scope in conf.scopes():
                for server in scope.below("server-profile", method.name, servers, "server"):
                    address = server.word("address") or server.word("ip-address") or server.word("host") or server.name
                    keyed = True if server.word("secret") else None
                    yield AuthServer.model_validate(
                        {"protocol": _METHODS[method.name], "address": address, "encrypted_key": keyed}
                    )


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """`mgt-config password-complexity`, and the lock of administrators."""
    gaps = Gaps()
    conf = config(cli)
    rules = conf.management.at("password-complexity") if conf.management else None
    on = yes(rules, "enabled") if rules else None
    length: int | None = None
    classes: int | None = None
    history: int | None = None
    age: Limit | None = None
    if rules is None or on is None:
        why = "password-complexity is not set; its default depends on the release"
        gaps.note(("quality_enforced", "min_length", "min_classes", "history", "max_age_days"), "unsupported", why)
    elif not on:
        length, classes, history, age = 0, 0, 0, "unlimited"
    else:
        length = number(rules, "minimum-length")
        history = number(rules, "password-history-count") or 0
        classes = sum((number(rules, key) or 0) > 0 for key in _CHARACTERS)
        age = number(rules, "password-change", "expiration-period") or "unlimited"
        if length is None:
            gaps.note("min_length", "unsupported", "minimum-length is not set; its default depends on the release")
    lock = conf.setting.at("admin-lockout") or Block("")
    tries, minutes = number(lock, "failed-attempts"), number(lock, "lockout-time")
    for field, value in (("failed_logins_before_lock", tries), ("lock_minutes", minutes)):
        if value is None:
            gaps.note(field, "unsupported", "admin-lockout is not set; its default depends on the release")
    gaps.note(("min_age_days", "empty_passwords_accepted", "hash_algorithm"), "unsupported", "not shown by the configuration")
    return PasswordPolicy(
        quality_enforced=on,
        min_length=length,
        min_classes=classes,
        history=history,
        max_age_days=age,
        min_age_days=None,
        failed_logins_before_lock="unlimited" if tries == 0 else tries,
        lock_minutes="unlimited" if minutes == 0 else minutes,
        empty_passwords_accepted=None,
        hash_algorithm=None,
        unseen=gaps.unseen,
    )
