"""Check Point Gaia: by which ways administrators reach it, who they are, their passwords, and SNMP."""

from __future__ import annotations

from collectors.devices.checkpoint_gaia.text import config, version, whole_number
from collectors.devices.syntax.set_lines import Lines
from collectors.devices.vocabulary import everybody, network
from collectors.errors import Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import DeviceAccess, Protocol, Way
from collectors.facts.device_accounts import AuthServer, DeviceAccount, DeviceAccounts, Secret
from collectors.facts.password_policy import PasswordPolicy
from collectors.facts.snmp_service import Community, SnmpService, SnmpUser
from collectors.transports.base import DeviceCli

_SHIPPED = frozenset({"admin", "monitor"})
_KNOWN = frozenset(
    {"public", "private", "cisco", "community", "snmp", "admin", "checkpoint", "gaia", "monitor", "read", "write", "test"}
)
_SHORT = 8
_LEVELS = {"noauthnopriv": "noAuthNoPriv", "authnopriv": "authNoPriv", "authpriv": "authPriv"}
_AUTH = {"MD5": "md5", "SHA": "sha1", "SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
_PRIV = {"DES": "des", "AES": "aes128", "AES128": "aes128", "AES256": "aes256"}


def device_access(cli: DeviceCli) -> DeviceAccess:
    """SSH and the portal, narrowed by allowed clients."""
    gaps = Gaps()
    version(cli)
    lines = config(cli)
    ways = gaps.attempt("ways", lambda: _ways(lines, gaps))
    gaps.note(("ssh_ciphers", "ssh_macs", "ssh_key_exchanges", "least_tls"), "unsupported", "not read yet")
    banner = lines.word("set", "message", "banner")
    if banner is None:
        gaps.note("banner", "unsupported", "the configuration does not tell")
    if cli.legacy_crypto is None:
        gaps.note("legacy_crypto_needed", "unsupported", "not known of this session")
    gaps.note("vpns", "unsupported", "VPN is a matter of the security policy, which Gaia does not hold")
    return DeviceAccess(
        ways=ways,
        ssh_enabled=True,  # Gaia has no switch for it
        ssh_v1=False,
        banner=None if banner is None else banner == "on",
        legacy_crypto_needed=cli.legacy_crypto,
        unseen=gaps.unseen,
    )


def _ways(lines: Lines, gaps: Gaps) -> tuple[Way, ...]:
    sources = _sources(lines)
    shell, web = _minutes(lines, "set", "inactivity-timeout"), _minutes(lines, "set", "web", "session-timeout")
    if shell is None or web is None:
        gaps.note("ways[].idle_seconds", "unsupported", "the configuration does not tell it")
    telnet = lines.word("set", "net-access", "telnet")
    if telnet is None:
        raise Unsupported("the configuration does not say whether telnet is on")
    portal = lines.word("set", "web", "daemon-enable")
    found: list[tuple[str, Protocol, Limit | None]] = [("ssh", "ssh", shell)]
    if portal != "off":
        found.append(("portal", "https", web))
    if telnet == "on":
        found.append(("telnet", "telnet", shell))
    remote = tuple(
        Way(
            name=name,
            protocol=protocol,
            encrypted=protocol != "telnet",
            remote=True,
            anywhere=None if sources is None else not sources,
            sources=sources,
            idle_seconds=idle,
            authentication="local",
        )
        for name, protocol, idle in found
    )
    if sources is None:
        gaps.note(
            "ways[].anywhere", "unsupported", "the configuration names no allowed client; what holds then is not documented"
        )
    gaps.note("ways[].untrusted", "unsupported", "which interface is outside is a matter of the security policy")
    console = Way(
        name="console",
        protocol="console",
        encrypted=True,
        remote=False,
        anywhere=False,
        idle_seconds=shell,
        authentication="local",
    )
    return (*remote, console)


def _sources(lines: Lines) -> tuple[str, ...] | None:
    """() where any host may; None where nothing is said."""
    said = list(lines.each("add", "allowed-client"))
    if not said:
        return None
    found = []
    for words in said:
        if "any-host" in words:
            return ()
        if len(words) > 2 and words[0] == "host":
            found.append(words[2])
        elif len(words) > 4 and words[0] == "network":
            found.append(f"{words[2]}/{words[4]}")
        else:
            raise Unsupported(f"an allowed client is not understood: {' '.join(words)[:60]}")
    return () if everybody(map(network, found)) else tuple(found)


def _minutes(lines: Lines, *start: str) -> Limit | None:
    minutes = whole_number(lines.word(*start))
    return None if minutes is None else minutes * 60 if minutes else "unlimited"


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """Users of Gaia with their roles. Users of the management server are others."""
    gaps = Gaps()
    lines = config(cli)
    names = list(dict.fromkeys(words[0] for verb in ("add", "set") for words in lines.each(verb, "user") if words))
    if not names:
        raise Unsupported("no user is shown: this account may not see them")
    tacacs, radius = lines.word("set", "aaa", "tacacs-servers", "state"), list(lines.each("add", "aaa", "radius-servers"))
    servers = [*_servers(lines, "tacacs"), *_servers(lines, "radius")]
    gaps.note("users[].two_factors", "unsupported", "a second factor is a matter of the server asked")
    gaps.note("users[].anywhere", "unsupported", "accounts have no sources of their own here")
    gaps.note(
        "remote_first", "unsupported", "the order between own users and servers is not shown"
    ) if tacacs == "on" or radius else None
    gaps.note("accounting", "unsupported", "whether servers are told what administrators do is not shown")
    roles = {words[0]: words[2] for words in lines.each("add", "rba", "user") if len(words) > 2 and words[1] == "roles"}
    users = tuple(_user(lines, name, roles.get(name, ""), gaps) for name in names)
    return DeviceAccounts(
        users=users,
        enable_secret=_class(lines.word("set", "expert-password-hash")),
        servers=tuple(servers) if tacacs != "off" else tuple(server for server in servers if server.protocol != "tacacs+"),
        remote_first=None if tacacs == "on" or radius else False,
        local_fallback=any(user.enabled for user in users),
        commands_authorised=any(user.enabled and user.role not in ("", "adminRole") for user in users),
        passwords_encrypted=gaps.attempt("passwords_encrypted", lambda: _encrypted(lines)),
        unseen=gaps.unseen,
    )


def _encrypted(lines: Lines) -> bool:
    """Passwords are printed as hashes alone; a key of a routing protocol may be a readable word."""
    rows = [words for verb in ("set", "add") for words in lines.each(verb)]
    if any("simple" in words and words[words.index("simple") - 1] == "authtype" for words in rows):
        return False
    if any("secret" in words or ("key" in words[:-1] and not words[words.index("key") + 1].isdecimal()) for words in rows):
        raise Unsupported("keys of servers or routing protocols are printed; the guides do not tell whether they are encrypted")
    return True


def _user(lines: Lines, name: str, role: str, gaps: Gaps) -> DeviceAccount:
    hashed = lines.word("set", "user", name, "password-hash")
    shell = lines.word("set", "user", name, "shell") or ""
    secret = _class(hashed)
    if secret is None:
        gaps.note("users[].secret", "unsupported", f"what {name} logs on with is not shown, or of a kind that is not known")
    if "/bash" in shell or role == "adminRole":
        administrator: bool | None = True
    else:
        administrator = False if role == "monitorRole" else None
        if administrator is None:
            gaps.note("users[].administrator", "unsupported", f"the rights of the role of {name} were not weighed")
    return DeviceAccount(
        name=name,
        administrator=administrator,
        role=role,
        secret=secret,
        enabled=not (hashed or "").startswith(("*", "!")) and "nologin" not in shell,
        factory=name in _SHIPPED,
        anywhere=None,
        two_factors=None,
    )


def _class(hashed: str | None) -> Secret | None:
    if hashed is None:
        return None
    if hashed.startswith("$1$"):
        return "weak-hash"
    return "hash" if hashed.startswith(("$5$", "$6$", "grub.pbkdf2")) else None


def _servers(lines: Lines, kind: str) -> list[AuthServer]:
    found = []
    for words in lines.each("add", "aaa", f"{kind}-servers"):
        pairs = dict(zip(words[::2], words[1::2], strict=False))
        address = pairs.get("server") or pairs.get("host")
        if address:
            protocol = "tacacs+" if kind == "tacacs" else "radius"
            found.append(AuthServer.model_validate({"protocol": protocol, "address": address, "encrypted_key": None}))
    return found


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """`password-controls`, all of which Gaia prints."""
    gaps = Gaps()
    lines = config(cli)

    def said(name: str, *more: str) -> str:
        found = lines.word("set", "password-controls", name, *more)
        if found is None:
            raise Unsupported(f"the configuration does not tell {name}")
        return found

    def number(field: str, name: str, *more: str) -> int | None:
        return gaps.attempt(field, lambda: whole_number(said(name, *more)))

    classes = number("min_classes", "complexity")
    lock = gaps.attempt(("failed_logins_before_lock", "lock_minutes"), lambda: said("deny-on-fail", "enable"))
    tries: Limit | None = "unlimited" if lock == "off" else None
    minutes: int | None = None
    if lock == "on":
        tries = number("failed_logins_before_lock", "deny-on-fail", "failures-allowed")
        seconds = number("lock_minutes", "deny-on-fail", "allow-after")
        minutes = None if seconds is None else seconds // 60
    elif lock == "off":
        gaps.note("lock_minutes", "unsupported", "nothing locks")
    history = gaps.attempt("history", lambda: said("history-checking"))
    expires = gaps.attempt("max_age_days", lambda: said("password-expiration"))
    if classes is None:
        gaps.note("quality_enforced", "unsupported", "the configuration does not tell complexity")
    gaps.note(("min_age_days", "empty_passwords_accepted"), "unsupported", "Gaia has no such rule")
    algorithm = lines.word("set", "password-controls", "password-hash-type")
    if algorithm is None:
        gaps.note("hash_algorithm", "unsupported", "the configuration does not tell")
    return PasswordPolicy(
        quality_enforced=None if classes is None else classes > 1,
        min_length=number("min_length", "min-password-length"),
        min_classes=classes,
        history=0 if history == "off" else number("history", "history-length") if history else None,
        max_age_days="unlimited" if expires == "never" else gaps.attempt("max_age_days", lambda: whole_number(expires)),
        min_age_days=None,
        failed_logins_before_lock=tries,
        lock_minutes=minutes,
        empty_passwords_accepted=None,
        hash_algorithm=None if algorithm is None else algorithm.lower(),
        unseen=gaps.unseen,
    )


def snmp_service(cli: DeviceCli) -> SnmpService:
    """The agent, its communities and its users."""
    gaps = Gaps()
    lines = config(cli)
    agent, spoken = lines.word("set", "snmp", "agent"), (lines.word("set", "snmp", "agent-version") or "").lower()
    if agent is None:
        raise Unsupported("the configuration does not say whether the SNMP agent is on")
    communities = tuple(
        Community(
            write="read-write" in words,
            well_known=None if words[0].startswith("(redacted)") else words[0].lower() in _KNOWN,
            short=None if words[0].startswith("(redacted)") else len(words[0]) < _SHORT,
            anywhere=None,
        )
        for words in lines.each("set", "snmp", "community")
        if words
    )
    if communities:
        gaps.note("communities[].anywhere", "unsupported", "who may ask is a matter of the security policy")
    users = tuple(_snmp_user(lines, words, gaps) for words in lines.each("add", "snmp", "usm", "user") if words)
    on = agent == "on"
    if on:
        gaps.note("anywhere", "unsupported", "who may ask is a matter of the security policy")
    gaps.note("answered", "unsupported", "not asked over SNMP")
    gaps.note("trap_hosts", "unsupported", "trap receivers were not read")
    return SnmpService(
        enabled=on,
        v1_v2c=on and spoken != "v3-only" and bool(communities),
        communities=communities,
        users=users,
        anywhere=None if on else False,
        unseen=gaps.unseen,
    )


def _snmp_user(lines: Lines, words: tuple[str, ...], gaps: Gaps) -> SnmpUser:
    pairs = dict(zip(words[1::2], words[2::2], strict=False))
    level = _LEVELS.get(pairs.get("security-level", "").lower())
    auth = _AUTH.get(pairs.get("authentication-protocol", "").upper().replace("-", ""))
    priv = _PRIV.get(pairs.get("privacy-protocol", "").upper().replace("-", ""))
    if level == "noAuthNoPriv":
        auth, priv = "none", "none"
    elif level == "authNoPriv":
        priv = "none"
    if auth is None or priv is None or level is None:
        gaps.note(("users[].auth", "users[].priv", "users[].level"), "unsupported", "the line does not name every one")
    access = [more for more in lines.each("set", "snmp", "usm", "user", words[0]) if more]
    write = any("usm-read-write" in more for more in access) if access else None
    return SnmpUser.model_validate({"name": words[0], "level": level, "auth": auth, "priv": priv, "write": write})
