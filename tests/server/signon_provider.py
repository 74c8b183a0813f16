"""A provider of the tests, and a collector that knows it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from server.config import Config, Data
from server.people.models import Visit
from server.signon import oidc
from server.units.models import Unit
from tests.server.certificates import Authority
from tests.server.conftest import HERE
from tests.server.provider import CLIENT, SECRET, Provider

ADMINS, VIEWERS = "/rasoat/quản trị", "/rasoat/xem"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def running(authority: Authority):
    provider = Provider(authority)
    yield provider
    provider.close()


@pytest.fixture
def provider(running: Provider, authority: Authority, tmp_path, settings, tree):
    """The provider, with a collector that knows it."""
    running.forget()
    oidc._known.clear()
    Unit.objects.filter(pk=tree["root"].pk).update(code="SO")
    Unit.objects.filter(pk=tree["north"].pk).update(code="PB")
    settings.DATA = Data(tmp_path)
    settings.DATA.packs.symlink_to(HERE / "packs")
    (tmp_path / "oidc.secret").write_text(SECRET + "\n")
    (tmp_path / "oidc.secret").chmod(0o600)
    configure(settings, running, authority)
    return running


def configure(settings, provider: Provider, authority: Authority, **more: Any) -> None:
    section = {
        "issuer": provider.issuer, "client_id": CLIENT, "client_secret_file": "oidc.secret", "ca_file": str(authority.file),
        "grants": [{"group": ADMINS, "role": "admin", "unit": "SO"}, {"group": VIEWERS, "role": "viewer", "unit": "PB"}],
    }  # fmt: skip
    outer = {key: more.pop(key) for key in ("second_factor_for",) if key in more}
    settings.CONFIG = Config.model_validate({"oidc": section | more, **outer})


def begin(client: Client, wanted: str = "") -> str:
    answer = client.get("/log-on/oidc/", {"next": wanted} if wanted else {})
    assert answer.status_code == 302, answer.content.decode()
    return answer.headers["Location"]


def log_on(client: Client, provider: Provider, sub: str = "u-1", groups: Any = (VIEWERS,), wanted: str = "", **claims: Any):
    said: dict[str, Any] = {"preferred_username": "nguyen.van.a", "name": "Nguyễn Văn A"}
    if groups is not None:
        said["groups"] = list(groups) if isinstance(groups, tuple) else groups
    query = provider.approve(begin(client, wanted), sub, **(said | claims))
    return client.get("/log-on/oidc/answer/", query)


def outside(client: Client) -> bool:
    return client.get("/units/").status_code == 302 and not Visit.objects.exists()
