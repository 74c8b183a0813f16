"""Secrets by name from HashiCorp Vault and CyberArk: each refusal by its name, and a secret in no place but memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.config import Config
from agent.vault import SecretError, Secrets
from collectors.seal import unseal
from tests.agent.collector import Collector
from tests.agent.conftest import Run
from tests.agent.test_station import Site, answers, arrived
from tests.agent.test_upload import authority
from tests.agent.vaults import CyberArkCcp, HashiCorp
from tests.fake_device import Fake, Fakes

__all__ = ["authority"]
PLANTED = "Bi-Mat-Kho-77154"


def private(file: Path, text: str) -> Path:
    file.write_text(text)
    file.chmod(0o600)
    return file


# --- HashiCorp Vault ------------------------------------------------------------------------------------------------------


@pytest.fixture
def vault() -> Iterator[HashiCorp]:
    serving = HashiCorp()
    serving.secrets = {"network/core": {"password": PLANTED, "number": 5}, "other/x": {"password": "y"}, "gone": None}
    serving.tokens = {"hvs.good": {"network/core", "gone", "none"}}
    yield serving
    serving.close()


def with_token(vault: HashiCorp, tmp_path: Path, token: str = "hvs.good", **more: Any) -> Secrets:
    return Secrets(Config(vault_url=vault.url, vault_token_file=private(tmp_path / "token", token + "\n"), **more))


def with_role(vault: HashiCorp, tmp_path: Path, secret_id: str = "secret-id-1") -> Secrets:
    file = private(tmp_path / "secret-id", secret_id)
    return Secrets(Config(vault_url=vault.url, vault_role_id="role-1", vault_secret_id_file=file))


def refused(secrets: Secrets, name: str) -> str:
    with pytest.raises(SecretError, match="no log-on was tried") as caught:
        secrets(name)
    said = str(caught.value)
    for secret in (PLANTED, "hvs.", "secret-id-1", "words of its own"):
        assert secret not in said
    return caught.value.code


def test_a_secret_is_read_once_in_a_run(vault: HashiCorp, tmp_path: Path) -> None:
    secrets = with_token(vault, tmp_path)
    assert [secrets("vault:network/core#password") for _ in range(3)] == [PLANTED] * 3
    assert vault.asked == ["GET /v1/secret/data/network/core"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("vault:none#password", "not-found"),
        ("vault:gone#password", "not-found"),
        ("vault:network/core#nothing", "not-found"),
        ("vault:network/core#number", "not-found"),
        ("vault:other/x#password", "denied"),
        ("vault:network/core", "not-set-up"),
        ("vault:#password", "not-set-up"),
    ],
)
def test_what_the_vault_does_not_give_is_named(vault: HashiCorp, tmp_path: Path, name: str, code: str) -> None:
    assert refused(with_token(vault, tmp_path), name) == code


def test_a_sealed_vault_and_a_token_that_ran_out(vault: HashiCorp, tmp_path: Path) -> None:
    assert refused(with_token(vault, tmp_path, "hvs.old"), "vault:network/core#password") == "expired"
    vault.sealed = True
    assert refused(with_token(vault, tmp_path), "vault:network/core#password") == "sealed"
    assert refused(with_role(vault, tmp_path), "vault:network/core#password") == "sealed"


def test_approle_logs_on_once_and_again_only_when_its_token_ends(vault: HashiCorp, tmp_path: Path) -> None:
    secrets = with_role(vault, tmp_path)
    assert secrets("vault:network/core#password") == PLANTED
    assert secrets("vault:other/x#password") == "y"
    assert vault.log_ons == 1
    wrong = with_role(vault, tmp_path, "secret-id-of-yesterday")
    assert [refused(wrong, f"vault:{path}#password") for path in ("network/core", "other/x")] == ["expired"] * 2
    assert vault.log_ons == 2, "a wrong secret id is tried once"


def test_an_answer_that_no_vault_gives(vault: HashiCorp, tmp_path: Path) -> None:
    for raw in ((200, b"<html>Welcome</html>"), (307, b""), (500, b"{}"), (200, b"[1]"), (200, b"x" * (2 << 20))):
        vault.raw = raw
        assert refused(with_token(vault, tmp_path), "vault:network/core#password") == "unreachable", raw[:1]
    vault.raw = (200, b'{"data": {"password": "version 1"}}')
    assert refused(with_token(vault, tmp_path), "vault:network/core#password") == "not-found"


def test_a_password_of_two_lines_is_none(vault: HashiCorp, tmp_path: Path) -> None:
    vault.secrets["network/core"] = {"password": f"{PLANTED}\nx"}
    assert refused(with_token(vault, tmp_path), "vault:network/core#password") == "damaged"


def test_settings_that_lead_to_no_vault(vault: HashiCorp, tmp_path: Path) -> None:
    assert refused(Secrets(Config()), "vault:a#b") == "not-set-up"
    assert refused(Secrets(Config(vault_url=vault.url)), "vault:a#b") == "not-set-up"
    assert refused(Secrets(Config(vault_url="http://vault.example")), "vault:a#b") == "not-set-up"
    assert refused(Secrets(Config(vault_url=vault.url, vault_token_file=tmp_path / "none")), "vault:a#b") == "not-set-up"
    token = private(tmp_path / "open", "hvs.good")
    token.chmod(0o644)
    assert refused(Secrets(Config(vault_url=vault.url, vault_token_file=token)), "vault:network/core#password") == "not-set-up"
    vault.close()
    assert refused(with_token(vault, tmp_path), "vault:network/core#password") == "unreachable"


@pytest.mark.system
def test_the_certificate_of_a_vault_is_checked(authority: tuple[Path, Path], tmp_path: Path) -> None:
    secure = HashiCorp(certificate=authority[1])
    secure.secrets, secure.tokens = {"a": {"b": PLANTED}}, {"hvs.good": {"a"}}
    try:
        assert with_token(secure, tmp_path, vault_ca_file=authority[0])("vault:a#b") == PLANTED
        assert refused(with_token(secure, tmp_path), "vault:a#b") == "unreachable"
        assert refused(with_token(secure, tmp_path, vault_ca_file=tmp_path / "token"), "vault:a#b") == "not-set-up"
        assert secure.asked == ["GET /v1/secret/data/a"], "the token was sent to nobody who was not known"
    finally:
        secure.close()


# --- CyberArk -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ccp() -> Iterator[CyberArkCcp]:
    serving = CyberArkCcp()
    serving.passwords = {("Network", "", "sw core+1"): PLANTED, ("Network", "Root\\Hà Nội", "sw"): "y"}
    yield serving
    serving.close()


def from_ccp(ccp: CyberArkCcp, **changes: Any) -> Secrets:
    return Secrets(Config(**({"cyberark_url": ccp.url, "cyberark_app_id": "rasoat"} | changes)))


def test_a_password_by_safe_folder_and_object(ccp: CyberArkCcp) -> None:
    secrets = from_ccp(ccp)
    assert [secrets("cyberark:Network/sw core+1") for _ in range(2)] == [PLANTED] * 2
    assert secrets("cyberark:Network/Root/Hà Nội/sw") == "y"
    assert len(ccp.asked) == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ((404, "APPAP004E"), "not-found"),
        ((400, "APPAP228E"), "not-found"),
        ((403, "APPAP306E"), "denied"),
        ((500, "APPAP008E"), "denied"),
        ((500, "APPAP282E"), "changing"),
        ((400, "APPAP007E"), "sealed"),
        ((500, "APPAP999E"), "unreachable"),
        ((200, "APPAP004E"), "not-found"),
    ],
)
def test_what_cyberark_does_not_give_is_named_by_its_code(ccp: CyberArkCcp, error: tuple[int, str], code: str) -> None:
    ccp.error = error
    assert refused(from_ccp(ccp), "cyberark:Network/sw core+1") == code


def test_an_application_that_is_not_let_in_and_a_password_that_is_not_there(ccp: CyberArkCcp) -> None:
    assert refused(from_ccp(ccp, cyberark_app_id="stranger"), "cyberark:Network/sw core+1") == "denied"
    assert refused(from_ccp(ccp), "cyberark:Network/none") == "not-found"
    for name in ("cyberark:", "cyberark:Network", "cyberark:/x", "cyberark:a//b"):
        assert refused(from_ccp(ccp), name) == "not-set-up", name
    assert refused(Secrets(Config()), "cyberark:a/b") == "not-set-up"


@pytest.mark.parametrize("word", ["True", "true", True])
def test_a_password_that_is_being_changed_is_not_tried(ccp: CyberArkCcp, word: Any) -> None:
    ccp.changing = word
    assert refused(from_ccp(ccp), "cyberark:Network/sw core+1") == "changing"


def test_an_answer_without_a_password(ccp: CyberArkCcp) -> None:
    for raw in (b"{}", b'{"Content": 5}', b'{"Content": ""}', b'{"Content": "a\\nb"}'):
        ccp.raw = (200, raw)
        assert refused(from_ccp(ccp), "cyberark:Network/sw core+1") in ("not-found", "damaged")


@pytest.mark.system
def test_the_certificate_of_cyberark_is_checked(authority: tuple[Path, Path], tmp_path: Path) -> None:
    secure = CyberArkCcp(certificate=authority[1])
    secure.passwords = {("S", "", "o"): PLANTED}
    try:
        assert from_ccp(secure, cyberark_ca_file=authority[0])("cyberark:S/o") == PLANTED
        assert refused(from_ccp(secure), "cyberark:S/o") == "unreachable"
        assert len(secure.asked) == 1
    finally:
        secure.close()


# --- with a station -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fakes() -> Iterator[Fakes]:
    with Fakes() as found:
        yield found


@pytest.mark.system
def test_a_station_takes_its_passwords_from_the_store_and_the_vaults(
    tmp_path: Path, fakes: Fakes, enrolled: Path, rasoat: Run, collector: Collector, vault: HashiCorp, ccp: CyberArkCcp
) -> None:
    site = Site(tmp_path, fakes, enrolled, rasoat)
    site.env |= {
        "RASOAT_CREDENTIAL_KEY_FILE": str(tmp_path / "key"),
        "RASOAT_VAULT_URL": vault.url,
        "RASOAT_VAULT_TOKEN_FILE": str(private(tmp_path / "token", "hvs.good")),
        "RASOAT_CYBERARK_URL": ccp.url,
        "RASOAT_CYBERARK_APP_ID": "rasoat",
    }
    names = {"stored": "core", "vaulted": "vault:network/core#password", "arked": "cyberark:Network/sw core+1", "lost": "nothing"}
    assert rasoat("credential", "add", "core", "--state-dir", enrolled, env=site.env, stdin=PLANTED).returncode == 0
    devices = {name: Fake(name=f"SW-{name}", answers=answers(f"SW-{name}"), password=PLANTED) for name in names}
    site.targets(
        *(site.row(name, fake, credential=name) for name, fake in devices.items()),
        more="".join(f"  {name}: {{user: rasoat, password_secret: '{secret}'}}\n" for name, secret in names.items()),
    )
    assert site.run().returncode == 3
    found = arrived(collector)
    assert {name: snapshot.by_fact["configuration"].outcome for name, snapshot in found.items()} == {
        "stored": "seen", "vaulted": "seen", "arked": "seen", "lost": "unreachable",
    }  # fmt: skip
    assert "credential add nothing" in found["lost"].by_fact["identity"].reason
    assert devices["lost"].log_ons == []
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name not in ("token",):
            assert PLANTED.encode() not in path.read_bytes(), path
    for blob in collector.stored.values():
        assert PLANTED.encode() not in unseal(blob).snapshot
    assert PLANTED not in json.dumps(site.status())


@pytest.mark.system
def test_a_password_corrected_in_the_store_is_tried_again(
    tmp_path: Path, fakes: Fakes, enrolled: Path, rasoat: Run, collector: Collector
) -> None:
    site = Site(tmp_path, fakes, enrolled, rasoat)
    site.env["RASOAT_CREDENTIAL_KEY_FILE"] = str(tmp_path / "key")
    fake = Fake(name="SW1", answers=answers("SW1"), password=PLANTED)
    site.targets(site.row("sw1", fake, credential="c"), more="  c: {user: rasoat, password_secret: core}\n")

    def add(secret: str, *words: str) -> None:
        done = rasoat("credential", "add", "core", *words, "--state-dir", enrolled, env=site.env, stdin=secret)
        assert done.returncode == 0, done.stderr

    add("wrong-one")
    site.run()
    site.again()
    assert fake.log_ons == ["refused"]
    add(PLANTED, "--replace")
    assert site.again().returncode == 0
    assert fake.log_ons == ["refused", "ok"]
    assert "RASOAT_CREDENTIAL_KEY_FILE" not in os.environ
