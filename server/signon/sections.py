"""The sections [oidc] and [ldap] of settings.toml. Every mistake names its field and what to write instead."""

from __future__ import annotations

import re
import ssl
from importlib.util import find_spec
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1, max_length=1000)]
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
AD, LDAP = "active-directory", "ldap"
NAME = "%(user)s"
"""Where the name that was typed comes into a filter, escaped (the way django-auth-ldap writes it)."""
IN_CHAIN = "1.2.840.113556.1.4.1941"
"""LDAP_MATCHING_RULE_IN_CHAIN of Active Directory: member of a group, or of a group within it, however deep."""
BIT_AND = "1.2.840.113556.1.4.803"
DISABLED = "2"
"""ADS_UF_ACCOUNTDISABLE in userAccountControl."""


def _https(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("an address that begins with https://, without query, fragment or password, is needed")
    return url


def _needs(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise ValueError(f"needs a package that is not installed: pip install 'rasoat[{extra}]' (docs/signon.md)")


class Grant(BaseModel):
    """Who is in that group has that role in the unit of that code and everything below it. Nothing else is ever granted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: Text
    role: Literal["viewer", "operator", "approver", "auditor", "admin"]
    unit: Text


class Source(BaseModel):
    """What both have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Annotated[str, Field(max_length=60)] = ""
    ca_file: str = ""
    session_hours: Annotated[float, Field(gt=0, le=24)] = 8.0
    timeout_seconds: Annotated[float, Field(ge=1, le=30)] = 5.0
    grants: tuple[Grant, ...] = ()

    @property
    def authorities(self) -> str:
        """The file of those whose certificates count: the one named, or the system's."""
        return self.ca_file or ssl.get_default_verify_paths().cafile or BUNDLE


class Oidc(Source):
    """[oidc]"""

    issuer: Annotated[str, Field(max_length=300), AfterValidator(_https)]
    client_id: Text
    client_secret_file: Text
    scopes: tuple[Text, ...] = ("openid", "profile")
    groups_claim: str = "groups"
    name_claim: Text = "preferred_username"
    full_name_claim: Text = "name"
    second_factor: Literal["own", "provider"] = "own"
    accepted_acr: tuple[Text, ...] = ()
    accepted_amr: tuple[Text, ...] = ()
    clock_skew_seconds: Annotated[int, Field(ge=0, le=300)] = 60

    @model_validator(mode="after")
    def _whole(self) -> Oidc:
        _needs("authlib", "signon")
        if "openid" not in self.scopes:
            raise ValueError('scopes must hold "openid"; without it the provider sends no signed word about the person')
        if self.second_factor == "provider" and not (self.accepted_acr or self.accepted_amr):
            raise ValueError('second_factor = "provider" needs accepted_acr or accepted_amr: which word of the provider counts')
        return self

    @property
    def discovery(self) -> str:
        return self.issuer.rstrip("/") + "/.well-known/openid-configuration"


def _present(assertion: re.Match[str]) -> str:
    return f"({assertion[1].partition(':')[0] or 'objectClass'}=*)"


class Ldap(Source):
    """[ldap]"""

    servers: Annotated[tuple[Text, ...], Field(min_length=1)]
    start_tls: bool = False
    kind: Literal["active-directory", "ldap"] = "active-directory"
    bind_dn: Text
    bind_password_file: Text
    user_base: Text
    user_filter: str = ""
    group_base: Text
    group_filter: str = ""
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    tries_minutes: Annotated[int, Field(ge=1, le=1440)] = 30
    recheck_minutes: Annotated[int, Field(ge=5, le=1440)] = 15

    @model_validator(mode="after")
    def _whole(self) -> Ldap:
        _needs("django_auth_ldap", "ldap")
        for server in self.servers:
            scheme = urlsplit(server).scheme
            if scheme == "ldap" and not self.start_tls:
                raise ValueError(f"{server}: passwords would travel in clear; write ldaps://, or add start_tls = true")
            if scheme == "ldaps" and self.start_tls:
                raise ValueError(f"{server}: start_tls = true goes with ldap://; ldaps:// is encrypted from its first byte")
            if scheme not in ("ldap", "ldaps") or not urlsplit(server).hostname or any(mark in server for mark in " ,"):
                raise ValueError(f"{server}: write ldaps://name or ldaps://name:port, one for each server")
        if self.user_filter and NAME not in self.user_filter:
            raise ValueError(f"user_filter must hold {NAME} where the typed name belongs, such as (uid={NAME})")
        for field in (self.user_filter.replace(NAME, ""), self.group_filter):
            if "%" in field:
                raise ValueError(f"no % but that of {NAME}, which stands in user_filter alone")
        return self

    @property
    def users(self) -> str:
        """The filter that finds a person; who is not found is not let in, and a log-on of who is no longer found ends."""
        if self.user_filter:
            return self.user_filter
        if self.kind == AD:
            enabled = f"(!(userAccountControl:{BIT_AND}:={DISABLED}))"
            return f"(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={NAME})(userPrincipalName={NAME})){enabled})"
        return f"(&(objectClass=person)(uid={NAME}))"

    @property
    def anybody(self) -> str:
        """The same for everybody who may log on, whatever name they would type. A star counts only after a plain `=`."""
        told = re.sub(rf"\(([^()=]*)[:~<>]=[^()]*{re.escape(NAME)}[^()]*\)", _present, self.users)
        return told.replace(NAME, "*")

    @property
    def groups(self) -> str:
        if self.group_filter:
            return self.group_filter
        return "(objectClass=group)" if self.kind == AD else "(objectClass=groupOfNames)"

    @property
    def subject_attribute(self) -> str:
        """What stays the same when a person is renamed or moved, and is never given to another."""
        return "objectGUID" if self.kind == AD else "entryUUID"

    @property
    def name_attribute(self) -> str:
        return "sAMAccountName" if self.kind == AD else "uid"
