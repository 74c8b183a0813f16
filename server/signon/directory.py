"""The directory by django-auth-ldap: who the name is, whether the password binds, which groups hold the person.

An error of the directory is never taken for "no such person" or "no groups": it ends the log-on (Unavailable) and changes nothing.
Imported only where settings.toml has a section [ldap]: python-ldap needs libldap.
"""

from __future__ import annotations

import hashlib
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import ldap
import ldap.dn
from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_auth_ldap.backend import LDAPBackend, _LDAPUser, ldap_error
from django_auth_ldap.config import LDAPSearch, LDAPSettings, MemberDNGroupType, NestedGroupOfNamesType

from server.config import ConfigError, Data
from server.ingest.access import address_of
from server.signon import models, people
from server.signon.errors import Refused, Unavailable
from server.signon.models import Identity, Tries
from server.signon.people import Outsider
from server.signon.sections import AD, IN_CHAIN, NAME, Grant, Ldap
from server.units.models import User

ISSUER = "ldap"
REFUSING = (ldap.INAPPROPRIATE_AUTH, ldap.CONSTRAINT_VIOLATION, ldap.UNWILLING_TO_PERFORM)
"""How directories say no to a person's bind, besides invalid credentials."""


class Groups(LDAPSearch):  # type: ignore[misc]
    """Puts the distinguished name of a person or a group into a filter that is formatted once more: a `%` in it is no place for a value."""

    def search_with_additional_terms(self, term_dict: dict[str, str], escape: bool = True) -> LDAPSearch:
        return super().search_with_additional_terms({name: value.replace("%", "%%") for name, value in term_dict.items()}, escape)

    def search_with_additional_term_string(self, filterstr: str) -> LDAPSearch:
        return super().search_with_additional_term_string(filterstr.replace("%", "%%"))


class Directory(LDAPBackend):  # type: ignore[misc]
    """The log-on form's second door. Whoever has a password here is never asked for at the directory."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **rest: Any
    ) -> User | None:
        config: Ldap | None = settings.CONFIG.ldap
        if config is None or not username or not password or _local(username):
            return None
        name = unicodedata.normalize("NFC", username).strip()
        if not name or not name.isprintable():
            return None
        self.settings = options(config, settings.DATA)
        found: User | None = super().authenticate(request, username=name, password=password)
        return found

    def authenticate_ldap_user(self, ldap_user: Any, password: str) -> User | None:
        config = _section()
        with asking():
            known = ldap_user.dn is not None
        subject = subject_of(config, ldap_user.attrs) if known else _stranger(ldap_user._username)
        pause = timedelta(minutes=config.tries_minutes)
        if not Tries.take(subject, config.tries, pause):
            raise Refused("tries", wait=config.tries_minutes * 60)
        if not known:
            return None
        try:
            found: User | None = ldap_user.authenticate(password)
        except Unavailable:
            Tries.give_back(subject)
            raise
        return found

    def get_or_build_user(self, username: str, ldap_user: Any) -> tuple[User, bool]:
        """Called once the password was right."""
        config = _section()
        who = outsider(config, ldap_user)
        Tries.forget(who.subject)
        request = ldap_user._request
        return people.admit(who, grants(config), address_of(request) if request else ""), False


@contextmanager
def asking() -> Iterator[None]:
    """What the directory does not answer is Unavailable."""
    try:
        yield
    except ldap.LDAPError as error:
        raise Unavailable(why(error)) from None


def _stop(sender: Any, context: str, exception: ldap.LDAPError, **rest: Any) -> None:
    """django-auth-ldap would go on as if there were no such person."""
    if not (context == "authenticate" and isinstance(exception, REFUSING)):
        raise Unavailable(why(exception))


ldap_error.connect(_stop, sender=Directory, dispatch_uid="signon")


def options(config: Ldap, data: Data) -> LDAPSettings:
    """What django-auth-ldap is told. Raises Unavailable when the password's file cannot be used."""
    try:
        password = data.secret("ldap.bind_password_file", config.bind_password_file)
    except ConfigError as error:
        raise Unavailable(str(error)) from None
    wanted = [config.subject_attribute, config.name_attribute, "displayName", "cn"]
    member = MemberDNGroupType(f"member:{IN_CHAIN}:") if config.kind == AD else NestedGroupOfNamesType()
    return LDAPSettings(
        "RASOAT_LDAP_",
        {
            "SERVER_URI": " ".join(config.servers),
            "START_TLS": config.start_tls,
            "CONNECTION_OPTIONS": connection_options(config),
            "BIND_DN": config.bind_dn,
            "BIND_PASSWORD": password,
            "USER_SEARCH": LDAPSearch(config.user_base, ldap.SCOPE_SUBTREE, config.users, wanted),
            "USER_ATTRLIST": wanted,
            "GROUP_SEARCH": Groups(config.group_base, ldap.SCOPE_SUBTREE, config.groups, ["cn"]),
            "GROUP_TYPE": member,
            "ALWAYS_UPDATE_USER": False,
            "PERMIT_EMPTY_PASSWORD": False,
        },
    )


def connection_options(config: Ldap) -> dict[int, Any]:
    """Said in full, so that no ldap.conf and no variable of the environment can ask for less. The last one makes them count."""
    return {
        ldap.OPT_REFERRALS: 0,
        ldap.OPT_NETWORK_TIMEOUT: config.timeout_seconds,
        ldap.OPT_TIMEOUT: config.timeout_seconds,
        ldap.OPT_X_TLS_REQUIRE_CERT: ldap.OPT_X_TLS_DEMAND,
        ldap.OPT_X_TLS_CACERTFILE: config.authorities,
        ldap.OPT_X_TLS_PROTOCOL_MIN: ldap.OPT_X_TLS_PROTOCOL_TLS1_2,
        ldap.OPT_X_TLS_NEWCTX: 0,
    }


def look(config: Ldap, data: Data, name: str) -> Outsider | None:
    """The person whom the directory calls so, as it knows them now; None when the filter finds no such person. Raises Unavailable.

    `name` is what an earlier log-on was told, which the filter need not know: people may type their mail address. An entry
    without the attribute was given what was typed.
    """
    by_name = f"(&{config.anybody}({config.name_attribute}={NAME}))"
    return _found(config, data, name, by_name) or _found(config, data, name, config.users)


def _found(config: Ldap, data: Data, name: str, filter_: str) -> Outsider | None:
    backend = Directory()
    backend.settings = options(config.model_copy(update={"user_filter": filter_}), data)
    found = _LDAPUser(backend, username=name)
    with asking():
        return outsider(config, found) if found.dn is not None else None


def outsider(config: Ldap, found: Any) -> Outsider:
    """Raises Unavailable: also for an entry without what tells it from all others."""
    with asking():
        attributes = found.attrs
        groups = frozenset(canonical(dn) for dn in found.group_dns)
    full = _first(attributes, "displayName") or _first(attributes, "cn")
    name = _first(attributes, config.name_attribute) or found._username
    return Outsider(models.LDAP, ISSUER, subject_of(config, attributes), name, full, groups)


def subject_of(config: Ldap, attributes: Any) -> str:
    values = (attributes or {}).get(config.subject_attribute) or [""]
    try:
        if config.kind == AD:
            raw = values[0] if isinstance(values[0], bytes) else values[0].encode()
            return str(uuid.UUID(bytes_le=raw))
        return str(uuid.UUID(values[0]))
    except (ValueError, AttributeError):
        raise Unavailable(
            f"the directory does not show {config.subject_attribute}; the bind account must be able to read it"
        ) from None


def canonical(dn: str) -> str:
    """Two ways to write one name come out the same: case, blanks, composed or not. Raises ldap.DECODING_ERROR for no name."""
    return ",".join(
        "+".join(sorted(f"{attribute.lower()}={_value(value)}" for attribute, value, _flag in part))
        for part in ldap.dn.str2dn(dn)
    )


def grants(config: Ldap) -> list[Grant]:
    """Those of settings.toml whose group is a name; `server check` names the others."""
    found = []
    for grant in config.grants:
        try:
            found.append(grant.model_copy(update={"group": canonical(grant.group)}))
        except ldap.DECODING_ERROR:
            continue
    return found


def why(error: ldap.LDAPError) -> str:
    """What the library says, in one line; it holds no password."""
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    parts = [str(told[key]) for key in ("desc", "info") if told.get(key)]
    return " ".join(f"{type(error).__name__}: {'; '.join(parts)}".split())[:300]


def _value(text: str) -> str:
    escaped = "".join(f"\\{letter}" if letter in ',+"\\<>;=' else letter for letter in unicodedata.normalize("NFC", text))
    return " ".join(escaped.casefold().split())


def _first(attributes: Any, name: str) -> str:
    values = attributes.get(name) or [""]
    return values[0] if isinstance(values[0], str) else ""


def _section() -> Ldap:
    found: Ldap | None = settings.CONFIG.ldap
    assert found is not None  # looked at by `authenticate`
    return found


def _local(username: str) -> bool:
    """Whether somebody here has that name and a password of their own: it must never travel to the directory."""
    named = User.objects.filter(Q(username=User.normalize_username(username)) | Q(username__iexact=username))
    return any(user.has_usable_password() for user in named) or named.exclude(pk__in=Identity.objects.values("user")).exists()


def _stranger(name: str) -> str:
    """Names nobody has are counted like those somebody has: the page must not tell which is which."""
    return "name:" + hashlib.sha256(name.casefold().encode()).hexdigest()[:32]


def is_name(dn: str) -> bool:
    return bool(dn) and ldap.dn.is_dn(dn) and "=" in dn


def probe(config: Ldap, data: Data) -> Iterator[tuple[str, str]]:
    """(what was seen, what to do) of each server and each base. Raises Unavailable."""
    for server in config.servers:
        wish = config.model_copy(update={"servers": (server,)})
        backend = Directory()
        backend.settings = options(wish, data)
        with asking():
            connection = _LDAPUser(backend, username="-").connection  # TLS and the bind account
        yield f"{server}; {config.bind_dn}", ""
        for base, filter_ in ((config.user_base, config.anybody), (config.group_base, config.groups)):
            try:
                with asking():
                    found = connection.search_ext_s(base, ldap.SCOPE_SUBTREE, filter_, ["1.1"], sizelimit=1)
            except Unavailable as error:
                if "SIZELIMIT" not in str(error):
                    raise Unavailable(f"{server}: {base}: {error}") from None
                found = [base]
            yield f"{server}; {base}", "" if found else _("nothing is found there by the filter; see base and filter")
