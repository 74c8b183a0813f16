"""Junos: accounts and their classes, the servers that vouch for them, and the rules for their passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.devices.juniper_junos.access import PREDEFINED, REMOTE, remote_first, servers, tries
from collectors.devices.juniper_junos.logs import targets
from collectors.devices.juniper_junos.text import config, number
from collectors.devices.syntax.junos import HIDDEN, Node
from collectors.devices.vocabulary import reaches
from collectors.errors import Denied, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_accounts import AuthServer, DeviceAccount, DeviceAccounts, Secret
from collectors.facts.password_policy import PasswordPolicy
from collectors.transports.base import DeviceCli

_WRITES = frozenset({"all", "configure", "control", "maintenance", "shell", "rollback", "field", "edit", "all-control"})
_KEYS = frozenset({
    "secret", "authentication-key", "hello-authentication-key", "simple-password", "pre-shared-key", "ascii-text", "hexadecimal",
    "password", "privacy-key", "authentication-password", "privacy-password", "chap-secret", "pap-password", "passphrase",
    "local-password", "default-chap-secret", "shared-secret", "cak", "accounting-secret", "encryption-key",
})  # fmt: skip
"""Words whose value the device keeps as $9$ or $8$."""
_OBSCURED = ("$9$", "$8$")
_CHARACTERS = ("minimum-lower-cases", "minimum-upper-cases", "minimum-numerics", "minimum-punctuations")


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """root and the users of `system login`; servers of the methods in `authentication-order`."""
    gaps = Gaps()
    root = config(cli)
    users = gaps.attempt("users", lambda: _users(root, gaps))
    local = None if users is None else _comes_in(users)
    if users is not None and local is None:
        gaps.note("local_fallback", "unsupported", "what some accounts log on with is not known")
    if users is None:
        gaps.note(("local_fallback", "commands_authorised"), "unsupported", "the accounts were not seen")
    return DeviceAccounts(
        users=users,
        servers=gaps.attempt("servers", lambda: tuple(_servers(root, gaps))),
        remote_first=gaps.attempt("remote_first", lambda: remote_first(root)),
        local_fallback=local,
        commands_authorised=None
        if users is None
        else gaps.attempt(
            "commands_authorised", lambda: any(user.enabled and user.role and not _everything(root, user.role) for user in users)
        ),
        accounting=gaps.attempt("accounting", lambda: _accounting(root)),
        passwords_encrypted=gaps.attempt("passwords_encrypted", lambda: _encrypted(root)),
        unseen=gaps.unseen,
    )


def _comes_in(users: tuple[DeviceAccount, ...]) -> bool | None:
    """Some account has a secret of its own here."""
    own = [user.secret for user in users if user.enabled]
    if any(secret in ("hash", "weak-hash", "key") for secret in own):
        return True
    return None if None in own else False


def _users(root: Node, gaps: Gaps) -> tuple[DeviceAccount, ...]:
    known = root.at("system", "root-authentication")
    if known is None:
        gaps.note(
            "users[].secret", "unsupported", "root-authentication is not shown: root has no password, or it may not be seen"
        )
    rows = [
        DeviceAccount(
            name="root",
            administrator=True,
            role="root",
            secret=None if known is None else _secret(known, gaps, "root"),
            enabled=_root_enabled(root),
            factory=True,
        )
    ]
    remote = any(method in REMOTE for method in root.words("system", "authentication-order"))
    for user in root.below("system", "login", "user"):
        known = user.at("authentication")
        secret = _secret(known, gaps, user.name) if known is not None else "external"
        rows.append(
            DeviceAccount(
                name=user.name,
                administrator=_writes(root, gaps, user),
                role=user.word("class") or "",
                secret=secret,
                # without a password of its own it stands for people whom a server vouches for
                enabled=(known is not None or remote) and user.word("class") != "unauthorized",
            )
        )
    gaps.note("users[].two_factors", "unsupported", "Junos demands no second factor of its own accounts; a server may")
    gaps.note("users[].anywhere", "unsupported", "accounts have no sources of their own")
    return tuple(rows)


def _root_enabled(root: Node) -> bool:
    """It may log on somewhere: at the console unless that is insecure or off, over SSH unless root-login is denied, on a page."""
    console = root.at("system", "ports", "console") or Node("console")
    aux = root.at("system", "ports", "auxiliary") or Node("auxiliary")
    closed = console.has("insecure") or console.has("disable")
    services = root.at("system", "services") or Node("services")
    shells = services.has("ssh") or services.has("netconf", "ssh")
    pages = any(services.has(word) for word in ("web-management", "rest", "xnm-ssl", "xnm-clear-text", "webapi"))
    over_ssh = shells and services.word("ssh", "root-login") != "deny"
    return not closed or over_ssh or pages or (aux.has("type") and not aux.has("insecure"))


def _everything(root: Node, name: str) -> bool:
    """The class may do everything."""
    if name in PREDEFINED or name == "root":
        return name in ("super-user", "superuser", "root")
    return root.has("system", "login", "class", name, "permissions", "all")


def _secret(known: Node, gaps: Gaps, name: str) -> Secret | None:
    said = known.word("encrypted-password")
    keys = any(node.name.startswith("ssh-") for node in known.below())
    if said is None or said in ("*", "!", "!!", "*LK*"):
        if keys:
            return "key"
        gaps.note("users[].secret", "unsupported", f"what {name} logs on with is not shown")
        return None
    if said == HIDDEN:
        gaps.note("users[].secret", "denied", f"the device shows this account no secret: {name}")
        return None
    if said == "":
        return "none"
    if said.startswith(("$5$", "$6$")):
        return "hash"
    # $1$: MD5; $sha1$: iterated SHA-1; without such a mark: DES
    if said.startswith(("$1$", "$sha1$", "$md5$")) or not said.startswith("$"):
        return "weak-hash"
    gaps.note("users[].secret", "unparsable", f"the hash of {name} is of a kind that is not known")
    return None


def _writes(root: Node, gaps: Gaps, user: Node) -> bool | None:
    name = user.word("class") or ""
    if name in PREDEFINED:
        return name in ("super-user", "superuser")
    known = root.at("system", "login", "class", name)
    if not name or known is None:
        gaps.note("users[].administrator", "unsupported", f"the class of {user.name} is not shown")
        return None
    rights = known.words("permissions")
    if any(right in _WRITES or right.endswith("-control") for right in rights) or known.has("allow-configuration"):
        return True
    if known.has("allow-commands") or known.has("allow-commands-regexps") or known.has("allow-configuration-regexps"):
        gaps.note(
            "users[].administrator", "unsupported", f"patterns of the class of {user.name} allow more, and were not followed"
        )
        return None
    return False


def _servers(root: Node, gaps: Gaps) -> Iterator[AuthServer]:
    names = {"tacplus": "tacacs+", "radius": "radius", "ldaps": "ldap", "ldap": "ldap"}
    for method in root.words("system", "authentication-order"):
        for node in servers(root, method) if method in REMOTE else ():
            said = node.word("secret")
            if said is None or said == HIDDEN:
                gaps.note("servers[].encrypted_key", "denied", f"the key of {node.name} is not shown")
            yield AuthServer.model_validate(
                {
                    "protocol": names[method],
                    "address": node.name,
                    "encrypted_key": None if said is None or said == HIDDEN else said.startswith(_OBSCURED),
                }
            )


def _accounting(root: Node) -> bool:
    """Commands are reported to a TACACS+ or RADIUS server, or to a syslog server."""
    said = root.at("system", "accounting")
    if said is not None and said.has("events", "interactive-commands"):
        for method, server in (("tacplus", "tacplus-server"), ("radius", "radius-server")):
            where = said.at("destination", method)
            if where is not None and (where.has("server") or root.has("system", server)):
                return True
    return any(one.kind == "host" and reaches(one.level("interactive-commands"), "informational") for one in targets(root))


def _encrypted(root: Node) -> bool:
    """No key stands there readable. Communities of SNMP are a fact of their own."""
    for node in root.walk():
        if node.closed:
            node.below()  # raises, unless a secret alone is hidden
    for place in root.below():
        if place.name == "groups":
            continue
        for node in place.walk():
            if node.name in _KEYS and node.nodes and any(_readable(value) for value in _values(node)):
                return False
            if re.match(r"\w+://[^/\s:@]*:[^/\s@]+@", node.name):
                return False
    return True


def _values(node: Node) -> Iterator[str]:
    """What stands behind a key word, where that is the secret itself: `pre-shared-key ascii-text "..."` names its kind first."""
    for child in node.nodes.values():
        if not child.nodes and child.name not in _KEYS and node.name != "pre-shared-key":
            yield child.name


def _readable(value: str) -> bool:
    if value == HIDDEN:
        raise Denied("the device shows this account no secret, so how they stand there was not seen")
    return not value.startswith(_OBSCURED)


# --- passwords --------------------------------------------------------------------------------------------------------


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """`system login password` for passwords set now, `retry-options` for wrong ones."""
    gaps = Gaps()
    root = config(cli)
    gaps.note("empty_passwords_accepted", "unsupported", "Junos takes none; how it was asked is not shown")
    locks = gaps.attempt(("failed_logins_before_lock", "lock_minutes"), lambda: _lock(root))
    rules = gaps.attempt(
        ("quality_enforced", "min_length", "min_classes", "history", "max_age_days", "min_age_days", "hash_algorithm"),
        lambda: root.at("system", "login", "password") or Node("password"),
    )
    known = rules is not None
    node = rules or Node("password")
    limit: Limit | None = None
    if locks == "unlimited":
        limit = "unlimited"
        gaps.note("lock_minutes", "unsupported", "without lockout-period nothing locks")
    elif locks is not None:
        limit = gaps.attempt("failed_logins_before_lock", lambda: tries(root))
    return PasswordPolicy(
        quality_enforced=gaps.attempt("quality_enforced", lambda: _enforced(node)) if known else None,
        # "Default: 6 characters" and "minimum-changes: default 1" (Junos OS CLI Reference, password (Login))
        min_length=gaps.attempt("min_length", lambda: _or(number(node, "minimum-length"), 6)) if known else None,
        min_classes=gaps.attempt("min_classes", lambda: _classes(node)) if known else None,
        history=gaps.attempt("history", lambda: _or(number(node, "minimum-reuse"), 0)) if known else None,
        max_age_days=gaps.attempt("max_age_days", lambda: number(node, "maximum-lifetime") or "unlimited") if known else None,
        min_age_days=gaps.attempt("min_age_days", lambda: _or(number(node, "minimum-lifetime"), 0)) if known else None,
        failed_logins_before_lock=limit,
        lock_minutes=locks if locks != "unlimited" else None,
        empty_passwords_accepted=None,
        hash_algorithm=gaps.attempt("hash_algorithm", lambda: _format(node)) if known else None,
        unseen=gaps.unseen,
    )


def _or(found: int | None, default: int) -> int:
    return default if found is None else found


def _lock(root: Node) -> Limit:
    """Minutes an account stays locked; unlimited where nothing locks ("lockout-period": none by default)."""
    found = number(root, "system", "login", "retry-options", "lockout-period")
    return found or "unlimited"


def _enforced(node: Node) -> bool:
    if any(number(node, key) for key in ("minimum-length", "minimum-changes", *_CHARACTERS)):
        return True
    raise Unsupported("nothing is set; Junos' own rule alone holds: six characters and one change of case or kind")


def _classes(node: Node) -> int:
    """Kinds of characters: each that is demanded by name, or `minimum-changes` of character sets."""
    named = sum(bool(number(node, key)) for key in _CHARACTERS)
    if node.word("change-type") == "set-transitions":
        return max(named, 1)
    return max(named, _or(number(node, "minimum-changes"), 1))


def _format(node: Node) -> str:
    found = node.word("format")
    if not found:
        raise Unsupported("format is not set; its default differs by release")
    return found
