"""RouterOS: accounts and their groups, RADIUS, and what a new password must be."""

from __future__ import annotations

import re
from typing import NamedTuple

from collectors.devices.base import per_device
from collectors.devices.mikrotik_routeros.addresses import any_address
from collectors.devices.mikrotik_routeros.text import Config, config, listed
from collectors.devices.syntax.routeros import rows
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.device_accounts import AuthServer, DeviceAccount, DeviceAccounts
from collectors.facts.password_policy import PasswordPolicy
from collectors.transports.base import DeviceCli


class Account(NamedTuple):
    """One row of `/user print detail`."""

    name: str
    group: str
    disabled: bool
    values: dict[str, str]


def accounts(cli: DeviceCli) -> tuple[Account, ...]:
    """Raises Unparsable when none is shown: somebody has just logged on."""

    def make() -> tuple[Account, ...]:
        found = []
        for row in rows(cli.ask("/user print detail without-paging")):
            if not row.values.get("name") or not row.values.get("group"):
                raise Unparsable("/user print detail: an account without name or group")
            found.append(Account(row.values["name"], row.values["group"], row.disabled, row.values))
        if not found:
            raise Unparsable("/user print detail: no account is shown")
        return tuple(found)

    return per_device(cli, "routeros.accounts", make)


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """Accounts from /user, their rights from the policy of their group."""
    gaps = Gaps()
    conf = config(cli)
    users = gaps.attempt("users", lambda: _users(cli, conf))
    if users:
        gaps.note("users[].secret", "unsupported", "how it is kept is never shown")
        gaps.note("users[].two_factors", "unsupported", "local accounts have no second factor; User Manager behind RADIUS may")
    servers = gaps.attempt("servers", lambda: _servers(conf))
    if servers:
        gaps.note("servers[].encrypted_key", "unsupported", "the export hides it")
    gaps.note("passwords_encrypted", "unsupported", "the export hides all of them; how they are kept is not told")
    radius = gaps.attempt(("remote_first", "accounting"), lambda: conf.on("user aaa", "use-radius"))
    return DeviceAccounts(
        users=users,
        servers=servers,
        # RADIUS is asked only for a name that is no local account (manual, "User": Router Users with RADIUS)
        remote_first=None if radius is None else False,
        local_fallback=None if users is None else any(user.enabled for user in users),
        commands_authorised=gaps.attempt("commands_authorised", lambda: _by_task(users)),
        accounting=None if radius is None else gaps.attempt("accounting", lambda: _accounting(conf, radius)),
        passwords_encrypted=None,
        unseen=gaps.unseen,
    )


def _users(cli: DeviceCli, conf: Config) -> tuple[DeviceAccount, ...]:
    found = []
    for user in accounts(cli):
        address = user.values.get("address")
        if address is None:
            raise Unparsable("/user print detail: an account without its addresses")
        found.append(
            DeviceAccount(
                name=user.name,
                administrator=_changes(conf, user.group),
                role=user.group,
                secret=None,
                enabled=not user.disabled,
                factory=user.name == "admin",
                anywhere=not listed(address) or any_address(listed(address)),
            )
        )
    return tuple(found)


def _changes(conf: Config, group: str) -> bool:
    """`write` changes the configuration, `policy` the accounts, `ftp` files; none of the three only looks."""
    for item in conf.items("user group"):
        if group in (item.word("name"), item.selector):
            policy = item.word("policy")
            if policy is None:
                break
            return bool({"write", "policy", "ftp"} & set(listed(policy)))
    raise Unparsable(f"the group {group[:40]} and its policy are not in the configuration")


def _by_task(users: tuple[DeviceAccount, ...] | None) -> bool:
    """Policies of groups decide by task; they decide nothing where everybody may do everything."""
    if users is None:
        raise Unsupported("the accounts were not seen")
    return any(user.enabled and user.administrator is False for user in users)


def _servers(conf: Config) -> tuple[AuthServer, ...]:
    """RADIUS servers that are asked about log-ons to the router."""
    return tuple(
        AuthServer(protocol="radius", address=item.word("address") or "", encrypted_key=None)
        for item in conf.active("radius")
        if "login" in listed(item.word("service") or "")
    )


def _accounting(conf: Config, radius: bool) -> bool:
    if not radius or not _servers(conf) or not conf.on("user aaa", "accounting"):
        return False
    raise Unsupported("RADIUS is told when its own users come and go; what anybody does is not reported to it")


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """/user settings, which 6 has since 6.48. There is no lock, no history and no age."""
    gaps = Gaps()
    conf = config(cli)
    length = gaps.attempt("min_length", lambda: _number(conf, "minimum-password-length"))
    classes = gaps.attempt("min_classes", lambda: _classes(conf))
    if length is None or classes is None:
        gaps.note("quality_enforced", "unsupported", "the demands are not shown")
    return PasswordPolicy(
        quality_enforced=None if length is None or classes is None else length > 0 and classes > 0,
        min_length=length,
        min_classes=classes,
        history=None,
        max_age_days=None,
        min_age_days=None,
        failed_logins_before_lock=None,
        empty_passwords_accepted=None if length is None else length == 0,
        hash_algorithm=None,
        unseen=gaps.unseen,
    )


def _number(conf: Config, key: str) -> int:
    word = conf.say("user settings", key)
    if not re.fullmatch(r"\d{1,4}", word):
        raise Unparsable(f"no number: {key} of /user settings")
    return int(word)


def _classes(conf: Config) -> int:
    """Some releases of 7 have a switch beside the number: what it does to it is not in the manual."""
    if any(item.word("password-complexity") for item in conf.items("user settings")):
        raise Unsupported("this release has password-complexity too; what it makes of minimum-categories is not told")
    return _number(conf, "minimum-categories")
