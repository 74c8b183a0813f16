"""Do provider and directory answer, and does what settings.toml gives to groups lead anywhere? For `rasoat server check`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.utils.translation import gettext as _

from server.config import ConfigError
from server.deploy.line import BAD, GOOD, SOON, WARN, Line
from server.signon import tls
from server.signon.errors import Unavailable
from server.signon.people import unit_of
from server.signon.sections import Grant, Source


def signon() -> Iterator[Line]:
    yield from oidc()
    yield from ldap()


def oidc() -> Iterator[Line]:
    config = settings.CONFIG.oidc
    if config is None:
        return
    from server.signon import oidc as client

    try:
        settings.DATA.secret("oidc.client_secret_file", config.client_secret_file)
        lasts = _certificate("oidc-certificate", config, config.issuer)
        known = client.metadata(config, fresh=True)
    except (ConfigError, Unavailable) as error:
        yield Line("oidc", BAD, str(error), _("log-on by the provider does not work; local accounts still get in"))
    else:
        yield lasts
        proves = "S256" in (known.get("code_challenge_methods_supported") or [])
        do = "" if proves else _("the provider does not say that it checks PKCE (S256); see that it does")
        yield Line("oidc", GOOD if proves else WARN, f"{config.issuer}; {len(known['jwks'].get('keys', ()))} keys", do)
    yield _roles("oidc-roles", config.grants, [])


def ldap() -> Iterator[Line]:
    config = settings.CONFIG.ldap
    if config is None:
        return
    from server.signon import directory

    wrong = [grant.group for grant in config.grants if not directory.is_name(grant.group)]
    try:
        for server in config.servers:
            yield _certificate("ldap-certificate", config, server)
        for seen, do in directory.probe(config, settings.DATA):
            yield Line("ldap", WARN if do else GOOD, seen, do)
    except Unavailable as error:
        yield Line("ldap", BAD, str(error), _("log-on by the directory does not work; local accounts still get in"))
    yield _roles("ldap-roles", config.grants, wrong)


def _certificate(name: str, config: Source, address: str) -> Line:
    ends = tls.certificate_ends(config, address)
    soon = ends - datetime.now(UTC) < SOON
    do = _("have it renewed there, or nobody gets in by it after that day") if soon else ""
    return Line(name, WARN if soon else GOOD, f"{address}: " + _("valid until %s") % f"{ends:%Y-%m-%d}", do)


def _roles(name: str, grants: Iterable[Grant], wrong: list[str]) -> Line:
    lost = sorted({grant.unit for grant in grants if unit_of(grant) is None})
    if wrong:
        return Line(name, BAD, ", ".join(wrong), _("write the whole distinguished name of the group"))
    if lost:
        return Line(name, BAD, ", ".join(lost), _("no unit in being has this code, so the group gives nothing"))
    count = len(list(grants))
    return Line(name, GOOD if count else WARN, str(count), "" if count else _("no group gives a role: nobody new gets in"))
