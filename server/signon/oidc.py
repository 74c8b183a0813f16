"""OpenID Connect by Authlib: code flow with PKCE (S256), state, nonce; the ID token's signature, issuer, audience and times.

Authlib checks what it is told to check. Told here: which issuer, which audience, which claims must be there, and that only
signatures with a public key count, whatever the provider's own document offers.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.django_client import DjangoIntegration, DjangoOAuth2App
from django.http import HttpRequest
from django.urls import reverse
from joserfc.errors import JoseError

from server.config import ConfigError, Data
from server.signon.errors import Refused, Unavailable
from server.signon.models import OIDC
from server.signon.people import Outsider
from server.signon.sections import Oidc

SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
KEPT_SECONDS = 300
PENDING = 4
"""Log-ons that one browser may have begun and not ended."""
STATE, NEXT = "_state_oidc_", "oidc_next"
_known: dict[Oidc, tuple[float, dict[str, Any]]] = {}


class Proven(NamedTuple):
    """What the provider said, checked."""

    who: Outsider
    strong: bool
    """The provider asked for a second factor that settings.toml accepts."""
    next: str


def begin(request: HttpRequest, config: Oidc, data: Data, wanted: str) -> str:
    """The address at the provider to which the browser goes. Raises Unavailable."""
    app = _app(config, data)
    more = {"acr_values": " ".join(config.accepted_acr)} if config.second_factor == "provider" and config.accepted_acr else {}
    here = request.build_absolute_uri(reverse("oidc-answer"))
    begun = app.create_authorization_url(here, ui_locales="vi en", **more)
    app.save_authorize_data(request, redirect_uri=here, **begun)
    open_ones = filter(lambda key: key.startswith(STATE), request.session.keys())
    for key in sorted(open_ones, key=lambda key: request.session[key]["exp"])[:-PENDING]:
        del request.session[key]
    request.session[NEXT] = wanted
    return str(begun["url"])


def finish(request: HttpRequest, config: Oidc, data: Data) -> Proven:
    """What the provider's answer proves. Each state counts once. Raises Refused, Unavailable."""
    app = _app(config, data)
    if app.framework.get_state_data(request.session, request.GET.get("state", "")) is None:
        raise Refused("answer", "state unknown: replayed, too old, or of another browser")
    if request.GET.get("iss", config.issuer) != config.issuer:
        raise Refused("answer", "the answer names another issuer (RFC 9207)")
    try:
        token = app.authorize_access_token(request, claims_options=_must_hold(config), leeway=config.clock_skew_seconds)
        claims = token.get("userinfo")
        if not claims:
            raise Refused("answer", "no ID token")
        more = _userinfo(app, config, token, claims)
    except requests.RequestException as error:
        raise Unavailable(_why(error)) from None
    except OAuthError as error:
        reason = "declined" if "error" in request.GET else "answer"
        raise Refused(reason, f"{type(error).__name__}: {error.error!r} {error.description!r}") from None
    except (JoseError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise Refused("answer", f"ID token: {type(error).__name__}: {str(error)[:200]!r}") from None
    return Proven(_outsider(config, claims, more), _strong(config, claims), str(request.session.get(NEXT, "")))


def farewell(request: HttpRequest, config: Oidc, data: Data) -> str:
    """The address at which a person ends the provider's log-on too; empty where it has none."""
    app = _app(config, data)
    where = str(app.server_metadata.get("end_session_endpoint", ""))
    if not where.startswith("https://"):
        return ""
    here = request.build_absolute_uri(reverse("log-on"))
    return str(app.create_logout_url(here, client_id=config.client_id)["url"])


def metadata(config: Oidc, fresh: bool = False) -> dict[str, Any]:
    """The provider's own document with its keys, no older than five minutes. Raises Unavailable."""
    at, found = _known.get(config, (0.0, {}))
    if fresh or time.monotonic() - at > KEPT_SECONDS or not found:
        found = _fetch(config, config.discovery)
        if found.get("issuer") != config.issuer:
            raise Unavailable(f"{config.discovery} is of issuer {found.get('issuer')!r}; issuer must be written exactly so")
        for name in ENDPOINTS:
            if not str(found.get(name, "")).startswith("https://"):
                raise Unavailable(f"{config.discovery}: {name} is not an https:// address")
        offered = found.get("id_token_signing_alg_values_supported") or ["RS256"]
        found["id_token_signing_alg_values_supported"] = [name for name in SIGNATURES if name in offered]
        if not found["id_token_signing_alg_values_supported"]:
            raise Unavailable(f"{config.discovery}: signs ID tokens with none of {', '.join(SIGNATURES)}")
        found["jwks"] = _fetch(config, found["jwks_uri"])
        _known[config] = (time.monotonic(), found)
    return dict(found)


def _fetch(config: Oidc, url: str) -> dict[str, Any]:
    try:
        with requests.Session() as session:
            session.trust_env = False  # REQUESTS_CA_BUNDLE would come before `verify`, and .netrc before our own words
            session.verify = config.authorities
            answer = session.get(url, timeout=config.timeout_seconds)
        answer.raise_for_status()
        document = answer.json()
    except (requests.RequestException, ValueError, OSError) as error:
        raise Unavailable(f"{url}: {_why(error)}") from None
    if not isinstance(document, dict):
        raise Unavailable(f"{url}: no JSON object")
    return document


def _app(config: Oidc, data: Data) -> DjangoOAuth2App:
    try:
        secret = data.secret("oidc.client_secret_file", config.client_secret_file)
    except ConfigError as error:
        raise Unavailable(str(error)) from None
    if not secret.isascii():
        raise Unavailable("oidc.client_secret_file holds letters that no client secret has (RFC 6749: printable ASCII)")
    known = metadata(config)
    ways = known.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return DjangoOAuth2App(
        DjangoIntegration("oidc"),
        name="oidc",
        client_id=config.client_id,
        client_secret=secret,
        client_kwargs={
            "scope": " ".join(config.scopes),
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post",
            "default_timeout": config.timeout_seconds,
            "verify": config.authorities,
            "trust_env": False,
            "leeway": 0,  # an access token that lives a minute is used at once
        },
        **known,
    )


def _must_hold(config: Oidc) -> dict[str, dict[str, Any]]:
    return {
        "iss": {"essential": True, "value": config.issuer},
        "aud": {"essential": True, "value": config.client_id},
        "sub": {"essential": True},
        "exp": {"essential": True},
        "iat": {"essential": True},
        "nonce": {"essential": True},
    }


def _userinfo(app: DjangoOAuth2App, config: Oidc, token: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
    """What the ID token left to the provider's second source; of the same person, or it is nothing."""
    asked = [name for name in (config.name_claim, config.full_name_claim, config.groups_claim) if name]
    if all(_claim(claims, name) is not None for name in asked) or not token.get("access_token"):
        return {}
    if not str(app.server_metadata.get("userinfo_endpoint", "")).startswith("https://"):
        return {}
    found = dict(app.userinfo(token=token))
    if found.get("sub") != claims["sub"]:
        raise Refused("answer", "userinfo is about somebody else")
    return found


def _outsider(config: Oidc, claims: dict[str, Any], more: dict[str, Any]) -> Outsider:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise Refused("answer", "sub is no text of 1 to 255 letters")

    def text(name: str) -> str:
        value = _claim(claims, name) or _claim(more, name)
        return value if isinstance(value, str) else ""

    groups = _claim(claims, config.groups_claim) or _claim(more, config.groups_claim) or []
    known = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
    return Outsider(
        OIDC, config.issuer, subject, text(config.name_claim) or subject, text(config.full_name_claim),
        frozenset(group for group in known if isinstance(group, str)),
    )  # fmt: skip


def _strong(config: Oidc, claims: dict[str, Any]) -> bool:
    """By the signed words of the ID token alone."""
    if config.second_factor != "provider":
        return False
    amr = claims.get("amr") or []
    return claims.get("acr") in config.accepted_acr or any(word in config.accepted_amr for word in amr)


def _claim(claims: dict[str, Any], name: str) -> Any:
    """A claim by its name, or by a path such as realm_access.roles."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _why(error: Exception) -> str:
    """In one line: what a person who looks after certificates and lines can use."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
