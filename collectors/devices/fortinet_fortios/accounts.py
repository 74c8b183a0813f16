"""FortiOS: administrators, the servers that vouch for them, and the rules for their passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.devices.fortinet_fortios.access import api_hosts, hosts_of
from collectors.devices.fortinet_fortios.records import event_hosts
from collectors.devices.fortinet_fortios.text import Config, config
from collectors.devices.syntax.fortios import Block
from collectors.errors import Denied, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_accounts import AuthServer, DeviceAccount, DeviceAccounts, Secret
from collectors.facts.password_policy import PasswordPolicy
from collectors.transports.base import DeviceCli

_CLASSES: dict[str, Secret] = {
    # AK1: salted SHA-1; SH2: salted SHA-256; PB2: PBKDF2 (FortiOS Administration Guide, "Administrator password hash")
    "AK1": "weak-hash", "SH2": "hash", "PB2": "hash",
}  # fmt: skip
_KEYS = re.compile(r"(?:.*(?:password|passwd|passphrase|secret|psksecret|auth-pwd|priv-pwd|api-key|key-string)\d?|key|md5-key)")
_SETTINGS = frozenset({"enable", "disable"})
_SERVERS = (("user tacacs+", "tacacs+"), ("user radius", "radius"), ("user ldap", "ldap"))
_CHARACTERS = ("min-lower-case-letter", "min-upper-case-letter", "min-number", "min-non-alphanumeric")


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """Administrators, users of the REST API and of single sign-on; servers of the groups administrators belong to."""
    gaps = Gaps()
    conf = config(cli)
    users = gaps.attempt("users", lambda: _users(conf, gaps))
    servers = gaps.attempt("servers", lambda: tuple(_servers(conf)))
    first = gaps.attempt("remote_first", lambda: _remote_first(conf, servers))
    local = None if users is None else any(user.secret not in ("external", None) and user.enabled for user in users)
    if local is None:
        gaps.note("local_fallback", "unsupported", "the accounts were not seen")
    return DeviceAccounts(
        users=users,
        servers=servers,
        remote_first=first,
        local_fallback=local,
        commands_authorised=None if users is None else any(user.role not in ("super_admin", "") for user in users),
        accounting=gaps.attempt("accounting", lambda: _accounting(conf)),
        passwords_encrypted=gaps.attempt("passwords_encrypted", lambda: _encrypted(conf)),
        unseen=gaps.unseen,
    )


def _users(conf: Config, gaps: Gaps) -> tuple[DeviceAccount, ...]:
    admins = conf.section("system admin").entries
    if not admins:
        raise Denied("no administrator is shown: this account may not see them")
    shown = any(admin.words("password") for admin in admins.values())
    rows = [_admin(conf, gaps, admin, shown) for admin in admins.values()]
    api = conf.globe.child("system api-user")
    for user in api.checked().entries.values() if api else ():
        key = user.words("api-key")
        rows.append(
            DeviceAccount(
                name=user.name,
                administrator=_may_write(conf, gaps, user),
                role=user.word("accprofile") or "",
                secret=_class(key) if key else None,
                anywhere=not api_hosts(user),
                two_factors=None,
            )
        )
        gaps.note("users[].two_factors", "unsupported", "users of the REST API log on with a token alone")
        if not key:
            gaps.note("users[].secret", "unsupported", f"what {user.name} logs on with is not shown")
    single = conf.globe.child("system sso-admin")
    for user in single.checked().entries.values() if single else ():
        gaps.note("users[].two_factors", "unsupported", "single sign-on: its provider may demand a second factor itself")
        rows.append(
            DeviceAccount(
                name=user.name,
                administrator=_may_write(conf, gaps, user),
                role=user.word("accprofile") or "",
                secret="external",  # noqa: S106
                anywhere=True,
                two_factors=None,
            )
        )
    return tuple(rows)


def _admin(conf: Config, gaps: Gaps, admin: Block, shown: bool) -> DeviceAccount:
    remote = admin.word("remote-auth") == "enable"  # shown wherever it is not the default, and the default is off
    secret: Secret | None
    if remote:
        secret = "external"  # noqa: S105
    elif words := admin.words("password"):
        secret = _class(words)
    elif admin.word("peer-auth") == "enable" or any(
        key.startswith("ssh-public-key") and value for key, value in admin.values.items()
    ):
        secret = "key"  # noqa: S105
    else:
        secret = "none" if shown else None
    if secret is None:
        gaps.note("users[].secret", "unsupported", f"what {admin.name} logs on with is not shown, or of a kind that is not known")
    factor = _factor(conf, admin)
    two = None if factor is None or (remote and factor == "disable") else factor != "disable"
    if two is None:
        why = "a server vouches for it and may demand a second factor itself" if remote else "two-factor is not shown"
        gaps.note("users[].two_factors", "unsupported", f"{admin.name}: {why}")
    return DeviceAccount(
        name=admin.name,
        administrator=_may_write(conf, gaps, admin),
        role=admin.word("accprofile") or "",
        secret=secret,
        factory=admin.name == "admin",
        anywhere=not hosts_of(admin),
        two_factors=two,
    )


def _factor(conf: Config, admin: Block) -> str | None:
    try:
        return conf.say(admin, "system admin", "two-factor")
    except Unsupported:
        return None


def _class(words: tuple[str, ...]) -> Secret | None:
    if words[0] != "ENC":
        return "clear"
    return _CLASSES.get("".join(words[1:])[:3])


def _may_write(conf: Config, gaps: Gaps, admin: Block) -> bool | None:
    name = admin.word("accprofile") or ""
    found = _writing(conf, gaps, admin, name)
    if found is False and admin.word("accprofile-override") == "enable":
        gaps.note("users[].administrator", "unsupported", f"a server may give {admin.name} another profile")
        return None
    return found


def _writing(conf: Config, gaps: Gaps, admin: Block, name: str) -> bool | None:
    if name in ("super_admin", "prof_admin"):
        return True
    if name == "super_admin_readonly":
        return False
    profile = conf.section("system accprofile").entries.get(name)
    if profile is None:
        gaps.note("users[].administrator", "unsupported", f"the profile of {admin.name} is not shown")
        return None
    return any(value and value[-1] in ("read-write", "w") for block in profile.walk() for value in block.values.values())


def _encrypted(conf: Config) -> bool:
    conf.section("system admin")  # who does not see these does not see the others either
    return not any(_readable(block) for block in conf.root.walk())


def _readable(block: Block) -> bool:
    """A password or key that stands there without ENC. Names of SNMP communities are a fact of their own."""
    return any(
        words and words[0] not in ("ENC", *_SETTINGS)
        for key, words in block.values.items()
        if _KEYS.fullmatch(key) and not key.endswith(("public-key", "reuse-password", "ssh-password"))
        and not (len(words) == 1 and words[0] in ("", "auto"))
    )  # fmt: skip


def _servers(conf: Config) -> Iterator[AuthServer]:
    """Those behind the groups of administrators whom a server vouches for."""
    wanted = {word for admin in conf.section("system admin").entries.values() for word in admin.words("remote-group") or ()}
    saml = conf.globe.child("system saml")
    if saml is not None and saml.word("status") == "enable":
        address = re.sub(r"^https?://([^/:]+).*$", r"\1", saml.word("idp-single-sign-on-url") or saml.word("idp-entity-id") or "")
        yield AuthServer(protocol="saml", address=address, encrypted_key=None)
    if not wanted:
        return
    found = False
    scopes = {id(scope): scope for scope in (conf.globe, *conf.vdoms.values())}
    for scope in scopes.values():
        groups = scope.child("user group")
        entries = groups.checked().entries if groups else {}
        members = {word for name in wanted if name in entries for word in entries[name].words("member") or ()}
        for section, protocol in _SERVERS:
            table = scope.child(section)
            for server in table.checked().entries.values() if table else ():
                if server.name in members:
                    found = True
                    yield from _addresses(server, protocol)
    if not found:
        raise Unsupported(f"the servers behind the group {sorted(wanted)[0]} are not shown")


def _addresses(server: Block, protocol: str) -> Iterator[AuthServer]:
    for number in ("", "secondary-", "tertiary-"):
        address = server.word(f"{number}server")
        if not address:
            continue
        key = (
            server.words(f"{number}secret")
            or server.words(f"{number}key")
            or server.words("password" if protocol == "ldap" else "key")
        )
        yield AuthServer.model_validate(
            {"protocol": protocol, "address": address, "encrypted_key": None if not key else key[0] == "ENC"}
        )


def _remote_first(conf: Config, servers: tuple[AuthServer, ...] | None) -> bool:
    """FortiOS looks a name up among its own administrators first, unless admin-restrict-local holds those back."""
    if servers == ():
        return False
    return conf.say(conf.section("system global"), "system global", "admin-restrict-local") != "disable"


def _accounting(conf: Config) -> bool:
    """TACACS+ accounting, or events of administrators at a log server."""
    for name in ("", "2", "3"):
        block = conf.globe.child(f"log tacacs+accounting{name} setting")
        if block is not None and block.word("status") == "enable":
            return True
    return event_hosts(conf)


# --- passwords --------------------------------------------------------------------------------------------------------


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """`system password-policy`, and the lock of `system global`."""
    gaps = Gaps()
    conf = config(cli)
    tries = gaps.attempt("failed_logins_before_lock", lambda: _global(conf, "admin-lockout-threshold"))
    seconds = gaps.attempt("lock_minutes", lambda: _global(conf, "admin-lockout-duration"))
    gaps.note("min_age_days", "unsupported", "FortiOS has no such rule")
    gaps.note(
        "empty_passwords_accepted",
        "unsupported",
        "FortiOS asks for one at the first log-on; whether it may be empty is not shown",
    )
    gaps.note("hash_algorithm", "unsupported", "the kind of each hash is in the accounts")
    block = gaps.attempt(("quality_enforced", "min_length", "min_classes", "history", "max_age_days"), lambda: _policy(conf))
    enforced = None if block is None else block[1]
    length: int | None = None
    classes: int | None = None
    age: Limit | None = None
    history: int | None = None
    if enforced is False:
        length, classes, age, history = 0, 0, "unlimited", 0
    elif block is not None:
        length = gaps.attempt("min_length", lambda: conf.number(block[0], "system password-policy", "minimum-length"))
        classes = gaps.attempt("min_classes", lambda: _classes(conf, block[0]))
        age = gaps.attempt("max_age_days", lambda: _age(conf, block[0]))
        history = gaps.attempt("history", lambda: _history(conf, block[0]))
    return PasswordPolicy(
        quality_enforced=enforced,
        min_length=length,
        min_classes=classes,
        history=history,
        max_age_days=age,
        min_age_days=None,
        failed_logins_before_lock=tries,
        lock_minutes=None if seconds is None else seconds // 60,
        empty_passwords_accepted=None,
        hash_algorithm=None,
        unseen=gaps.unseen,
    )


def _global(conf: Config, key: str) -> int:
    return conf.number(conf.section("system global"), "system global", key)


def _policy(conf: Config) -> tuple[Block, bool]:
    """(the section, whether it holds for administrators)."""
    block = conf.section("system password-policy")
    on = conf.on(block, "system password-policy", "status")
    return block, on and "admin-password" in conf.say(block, "system password-policy", "apply-to").split()


def _classes(conf: Config, block: Block) -> int:
    return sum(conf.number(block, "system password-policy", key) > 0 for key in _CHARACTERS)


def _age(conf: Config, block: Block) -> Limit:
    if not conf.on(block, "system password-policy", "expire-status"):
        return "unlimited"
    return conf.number(block, "system password-policy", "expire-day")


def _history(conf: Config, block: Block) -> int:
    if conf.on(block, "system password-policy", "reuse-password"):
        return 0
    raise Unsupported("reuse is refused; how many earlier passwords FortiOS remembers is not shown")
