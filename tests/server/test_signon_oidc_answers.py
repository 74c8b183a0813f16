"""Answers of an OpenID Connect provider that must not let anybody in."""

from __future__ import annotations

import base64
import json
import logging
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from server.journal.models import Entry
from server.signon import oidc
from server.units.models import User
from tests.server import signon_provider
from tests.server.certificates import Authority
from tests.server.provider import CLIENT, SECRET, Provider
from tests.server.signon_provider import ADMINS, VIEWERS, begin, configure, log_on, outside

pytestmark = pytest.mark.django_db
authority, running, provider = signon_provider.authority, signon_provider.running, signon_provider.provider


def unsigned(claims: dict[str, Any]) -> str:
    def part(document: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'kid': 'k1'})}.{part(claims)}."


FOREIGN = RSAKey.generate_key(2048, {"kid": "k1"})
NOW = time.time
TWISTS: dict[str, Any] = {
    "wrong issuer": lambda c: c.update(iss="https://evil.example"),
    "wrong audience": lambda c: c.update(aud="another"),
    "another beside it as the authorized party": lambda c: c.update(aud=[CLIENT, "another"], azp="another"),
    "several audiences and nobody authorized": lambda c: c.update(aud=[CLIENT, "another"]),
    "expired beyond the skew": lambda c: c.update(exp=int(NOW()) - 90, iat=int(NOW()) - 400),
    "from the future": lambda c: c.update(iat=int(NOW()) + 600),
    "not yet": lambda c: c.update(nbf=int(NOW()) + 600),
    "another nonce": lambda c: c.update(nonce="x"),
    "no nonce": lambda c: c.pop("nonce"),
    "empty nonce": lambda c: c.update(nonce=""),
    "no exp": lambda c: c.pop("exp"),
    "no iat": lambda c: c.pop("iat"),
    "no issuer": lambda c: c.pop("iss"),
    "no audience": lambda c: c.pop("aud"),
    "no subject": lambda c: c.pop("sub"),
    "empty subject": lambda c: c.update(sub=""),
    "a subject that is a number": lambda c: c.update(sub=1),
    "wrong hash of the access token": lambda c: c.update(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
}


@pytest.mark.parametrize("twist", TWISTS)
def test_claims_that_do_not_fit_let_nobody_in(provider: Provider, client: Client, twist: str) -> None:
    provider.twist = TWISTS[twist]
    answer = log_on(client, provider)
    assert answer.status_code == 403
    assert outside(client)
    assert not User.objects.exists()
    assert Entry.objects.get(action="user.signon-refused").detail["code"] == "answer"


def test_the_same_claims_untwisted_let_in_even_a_little_late(provider: Provider, client: Client) -> None:
    """Or the tests above could pass for another reason."""
    provider.twist = lambda c: c.update(exp=int(NOW()) - 30, aud=[CLIENT, "another"], azp=CLIENT)
    assert log_on(client, provider).status_code == 302


SEALS: dict[str, Any] = {
    "alg none": lambda p, c: unsigned(c),
    "foreign key of that name": lambda p, c: p.sign(c, FOREIGN),
    "unknown key": lambda p, c: p.sign(c, FOREIGN, kid="k2"),
    "our secret as a key": lambda p, c: jwt.encode({"alg": "HS256", "kid": "k1"}, c, OctKey.import_key(SECRET)),
    "the public key as a secret": lambda p, c: jwt.encode(
        {"alg": "HS256", "kid": "k1"}, c, OctKey.import_key(json.dumps(p.key.as_dict(private=False)))
    ),
    "changed after signing": lambda p, c: p.sign(c)[:-6] + "AAAAAA",
    "key inside the token": lambda p, c: p.sign(c, FOREIGN, kid="k2", jwk=FOREIGN.as_dict(private=False)),
    "nothing": lambda p, c: "",
    "no token": lambda p, c: "a.b.c",
}


@pytest.mark.parametrize("seal", SEALS)
def test_a_token_the_provider_did_not_sign_lets_nobody_in(provider: Provider, client: Client, seal: str) -> None:
    provider.seal = lambda claims: SEALS[seal](provider, claims)
    answer = log_on(client, provider, groups=[ADMINS])
    assert answer.status_code == 403
    assert outside(client)
    assert not User.objects.exists()


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(provider: Provider, client: Client) -> None:
    query = provider.approve(begin(client), "u-1", preferred_username="an", groups=[VIEWERS])
    assert Client().get("/log-on/oidc/answer/", query).status_code == 403, "another browser: log-on by a stranger's link"
    assert client.get("/log-on/oidc/answer/", {**query, "state": "x"}).status_code == 403
    asked = provider.asked.count("token")
    assert asked == 0, "the code was not even sent"
    assert client.get("/log-on/oidc/answer/", query).status_code == 302
    client.post("/log-off/")
    assert client.get("/log-on/oidc/answer/", query).status_code == 403
    assert provider.asked.count("token") == 1


def test_a_code_that_was_begun_elsewhere_does_not_pass_pkce(provider: Provider, client: Client) -> None:
    stolen = provider.approve(begin(Client()), "u-1", preferred_username="an", groups=[VIEWERS])
    mine = provider.approve(begin(client), "u-2", preferred_username="bình", groups=[VIEWERS])
    assert client.get("/log-on/oidc/answer/", {**mine, "code": stolen["code"]}).status_code == 403
    assert outside(client)


def test_an_answer_of_another_issuer_is_refused_before_the_code_is_sent(provider: Provider, client: Client) -> None:
    query = provider.approve(begin(client), "u-1", groups=[VIEWERS])
    assert client.get("/log-on/oidc/answer/", {**query, "iss": "https://evil.example"}).status_code == 403
    assert "token" not in provider.asked


def test_a_person_the_provider_turns_away_is_told(provider: Provider, client: Client) -> None:
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    answer = client.get("/log-on/oidc/answer/", {"error": "access_denied", "error_description": "<b>", "state": state})
    assert answer.status_code == 403
    assert "không cho bạn vào" in answer.content.decode()


def test_pending_log_ons_of_one_browser_are_few(provider: Provider, client: Client) -> None:
    for _ in range(8):
        begin(client)
    assert sum(key.startswith("_state") for key in dict(client.session)) == oidc.PENDING


def test_a_document_of_another_issuer_or_without_https_is_not_believed(provider: Provider, client: Client) -> None:
    for wrong in (
        {"issuer": provider.issuer + "/"},
        {"token_endpoint": provider.issuer.replace("https", "http") + "/token"},
        {"id_token_signing_alg_values_supported": ["none", "HS256"]},
        {"jwks_uri": None},
    ):
        provider.document = wrong
        oidc._known.clear()
        assert client.get("/log-on/oidc/").status_code == 503, wrong


def test_a_certificate_nobody_vouches_for_is_not_believed(provider: Provider, client: Client, settings, tmp_path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    configure(settings, provider, Authority(folder))
    assert client.get("/log-on/oidc/").status_code == 503


def test_a_provider_that_goes_away_in_the_middle_is_503(provider: Provider, client: Client) -> None:
    query = provider.approve(begin(client), "u-1", groups=[VIEWERS])
    provider.broken = True
    assert client.get("/log-on/oidc/answer/", query).status_code == 503


def test_secrets_are_in_no_log_journal_or_page(provider: Provider, client: Client, settings, tmp_path, caplog) -> None:
    caplog.set_level(logging.DEBUG, "server")
    provider.twist = lambda c: c.update(iss="x")
    pages = [log_on(client, provider).content.decode()]
    (tmp_path / "oidc.secret").chmod(0o644)
    refused = client.get("/log-on/oidc/")
    assert refused.status_code == 503
    assert "chmod 600" in caplog.text
    pages.append(refused.content.decode())
    for text in (caplog.text, str(list(Entry.objects.values())), *pages, repr(settings.CONFIG)):
        assert SECRET not in text
