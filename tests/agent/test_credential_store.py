"""This machine's own store of passwords: what was kept comes back, what was touched does not, and nothing of it is seen."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.config import Config
from agent.errors import Refusal
from agent.vault import SecretError, Secrets
from agent.vault.store import Store
from tests.agent.conftest import Run, environment
from tests.agent.test_vault import PLANTED, private


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "state" / "credentials.json", tmp_path / "etc" / "credential.key")


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_kept_comes_back_and_lies_nowhere_in_clear(tmp_path_factory: pytest.TempPathFactory, secret: str) -> None:
    folder = tmp_path_factory.mktemp("store")
    store = Store(folder / "state" / "credentials.json", folder / "etc" / "credential.key")
    store.add("core", secret, replace=False)
    assert Store(store.file, store.key_file).read("core") == secret
    if len(secret.encode()) > 4:
        assert secret.encode() not in store.file.read_bytes()
    assert {path.stat().st_mode & 0o777 for path in (store.file, store.key_file)} == {0o600}


def test_names_are_listed_replaced_and_removed(store: Store) -> None:
    store.add("core", "one", replace=False)
    store.add("edge", "two", replace=False)
    with pytest.raises(Refusal, match="--replace"):
        store.add("core", "three", replace=False)
    store.add("core", "three", replace=True)
    assert [name for name, _ in store.names()] == ["core", "edge"]
    assert store.read("core") == "three"
    store.remove("core")
    with pytest.raises(SecretError) as caught:
        store.read("core")
    assert caught.value.code == "not-found"
    with pytest.raises(Refusal, match="nothing called core"):
        store.remove("core")


@pytest.mark.parametrize("name", ["", "a b", "../x", "vault:x", "cyberark:a/b", "-x", "x" * 101, "tên"])
def test_a_name_that_means_something_else_is_refused(store: Store, name: str) -> None:
    with pytest.raises(Refusal, match="no name"):
        store.add(name, "x", replace=False)


@pytest.mark.parametrize("secret", ["", "two\nlines", "x" * 5000, "bell\a"])
def test_what_cannot_be_typed_as_a_password_is_refused_and_not_repeated(store: Store, secret: str) -> None:
    with pytest.raises(Refusal, match="one line") as caught:
        store.add("core", secret, replace=False)
    assert len(secret) < 5 or secret not in str(caught.value)


def code_of(store: Store, name: str = "core") -> str:
    with pytest.raises(SecretError, match="no log-on was tried") as caught:
        store.read(name)
    assert PLANTED not in str(caught.value)
    return caught.value.code


def test_a_store_that_was_touched_gives_nothing(store: Store) -> None:
    store.add("core", PLANTED, replace=False)
    store.add("edge", "other", replace=False)
    whole = json.loads(store.file.read_text())
    swapped = {**whole, "entries": {"core": whole["entries"]["edge"]}}
    store.file.write_text(json.dumps(swapped))
    assert code_of(store) == "damaged", "an entry is bound to its name"
    for part in ("nonce", "sealed"):
        for value in ("", "AAAA", "not base64", 5, None):
            entry = whole["entries"]["core"] | {part: value}
            store.file.write_text(json.dumps({**whole, "entries": {"core": entry}}))
            assert code_of(store) == "damaged"
    for body in ("", "[]", "{}", '{"rasoat-credentials": 2, "entries": {}}', '{"rasoat-credentials": 1, "entries": {"core": 1}}'):
        store.file.write_text(body)
        assert code_of(store) == "not-set-up"
        with pytest.raises(Refusal, match="damaged"):
            store.add("new", "x", replace=False)
        assert store.file.read_text() == body, "what can perhaps be repaired is not written over"


def test_a_key_that_is_gone_foreign_or_open_to_others(store: Store) -> None:
    store.add("core", PLANTED, replace=False)
    key = store.key_file.read_bytes()
    store.key_file.chmod(0o644)
    assert code_of(store) == "not-set-up"
    store.key_file.chmod(0o600)
    store.key_file.write_text("short")
    assert code_of(store) == "not-set-up"
    private(store.key_file, "A" * 43 + "=")
    assert code_of(store) == "damaged"
    store.key_file.unlink()
    assert code_of(store) == "not-set-up"
    with pytest.raises(Refusal, match="is gone"):
        store.add("edge", "x", replace=False)
    assert not store.key_file.exists(), "a new key would lock the old entries away for ever"
    private(store.key_file, key.decode())
    assert store.read("core") == PLANTED


def test_the_key_systemd_hands_over_comes_first(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add("core", PLANTED, replace=False)
    handed = tmp_path / "run"
    handed.mkdir()
    store.key_file.rename(handed / "rasoat-credential-key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    config = Config(state_dir=store.file.parent, credential_key_file=tmp_path / "none")
    assert Secrets(config)("core") == PLANTED


@pytest.mark.system
def test_the_command_takes_a_secret_from_stdin_and_shows_it_nowhere(rasoat: Run, tmp_path: Path) -> None:
    env = {"RASOAT_CREDENTIAL_KEY_FILE": str(tmp_path / "key")}
    words = ("--state-dir", tmp_path / "state")
    added = rasoat("credential", "add", "core", *words, env=env, stdin=f"{PLANTED}\n")
    assert added.returncode == 0, added.stderr
    listed = rasoat("credential", "list", *words, env=env)
    assert listed.stdout.startswith("core  20")
    again = rasoat("credential", "add", "core", *words, env=env, stdin="x")
    assert (again.returncode, "--replace" in again.stderr) == (2, True)
    assert rasoat("credential", "add", "edge", *words, env=env, stdin="").returncode == 2
    assert rasoat("credential", "remove", "core", *words, env=env).returncode == 0
    assert rasoat("credential", "add", "core", PLANTED, *words, env=env).returncode == 2, "never an argument"
    for done in (added, listed, again):
        assert PLANTED not in done.stdout + done.stderr
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or PLANTED.encode() not in path.read_bytes(), path


@pytest.mark.system
def test_while_a_secret_is_given_no_list_of_processes_shows_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agent", "credential", "add", "core", "--state-dir", str(tmp_path / "state")]
    env = environment(RASOAT_CREDENTIAL_KEY_FILE=str(tmp_path / "key"))
    process = subprocess.Popen(command, env=env, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin
    process.stdin.write(PLANTED.encode())
    process.stdin.flush()
    deadline = time.monotonic() + 20
    # it waits for the end of stdin now
    while "State:\tS" not in Path(f"/proc/{process.pid}/status").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    shown = Path(f"/proc/{process.pid}/cmdline").read_bytes() + Path(f"/proc/{process.pid}/environ").read_bytes()
    process.stdin.close()
    assert process.wait(30) == 0
    assert b"credential" in shown
    assert PLANTED.encode() not in shown
