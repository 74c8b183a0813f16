"""Who is let in: host keys, keys, passwords and the agent, against the real OpenSSH server on loopback."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.credential import Credential
from collectors.errors import Denied, UnknownHost, Unreachable
from collectors.model import Target
from collectors.transports.known_hosts import KnownHosts, trust
from collectors.transports.ssh import SshShell
from tests.sshd import Sshd, account, free_port, make_key, open_folder, target_of, wait_for

pytestmark = [
    pytest.mark.system,
    pytest.mark.root,
    pytest.mark.xdist_group("this machine"),
    pytest.mark.skipif(os.geteuid() != 0, reason="starts sshd and makes an account"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(open_folder(tmp_path_factory))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with account(open_folder(tmp_path_factory) / "home") as name:
        yield name


def test_an_unknown_host_key_is_refused_with_what_to_do(server: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "new" / "known_hosts"
    credential = Credential(user="root", key_file=str(server.key))
    with pytest.raises(UnknownHost) as caught:
        SshShell.connect(target_of(server), credential, file, also_known=())
    shown = subprocess.run(
        ["ssh-keygen", "-lf", f"{server.host_key}.pub"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    assert shown in str(caught.value)
    assert "ssh-ed25519" in str(caught.value)
    assert f"echo '{caught.value.line}' >> {file}" in str(caught.value)
    trust(file, caught.value.line)
    with SshShell.connect(target_of(server), credential, file, also_known=()) as shell:
        assert shell.run("true").status == 0
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_changed_or_revoked_host_key_is_refused(server: Sshd, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text().split()
    file = tmp_path / "known_hosts"
    credential = Credential(user="root", key_file=str(server.key))
    for line, word in (
        (f"[127.0.0.1]:{server.port} {other[0]} {other[1]}", "CHANGED"),
        (
            server.known_hosts.read_text()
            + f"@revoked * {' '.join(server.host_key.with_suffix('.pub').read_text().split()[:2])}",
            "revoked",
        ),
    ):
        file.write_text(line + "\n")
        with pytest.raises(UnknownHost, match=word) as caught:
            SshShell.connect(target_of(server), credential, file, also_known=())
        assert not caught.value.line, "such a key is not simply accepted"


def test_a_hashed_known_hosts_line_counts(server: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(server.known_hosts.read_text())
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    assert file.read_text().startswith("|1|")
    assert KnownHosts.load(file).of("127.0.0.1", server.port)
    with SshShell.connect(target_of(server), Credential(user="root", key_file=str(server.key)), file, also_known=()) as shell:
        assert shell.privileged


def test_a_wrong_key_is_one_attempt_and_says_so(server: Sshd, user: str, tmp_path: Path) -> None:
    wrong = make_key(tmp_path / "wrong")
    before = (server.folder / "log").read_text()
    with pytest.raises(Denied, match=rf"127\.0\.0\.1:{server.port}: {user} was not let in with the key .*one log-on"):
        SshShell.connect(target_of(server), Credential(user=user, key_file=str(wrong)), server.known_hosts, also_known=())
    wait_for(lambda: "Connection closed" in (server.folder / "log").read_text()[len(before) :] or None)


def test_a_password_is_not_tried_where_the_host_takes_none(
    server: Sshd, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "password"
    file.write_text("kX9-very-secret\n")
    file.chmod(0o600)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Denied, match="may not log on with a password; the host accepts: publickey") as caught:
        SshShell.connect(target_of(server), Credential(user="root", password_file=str(file)), server.known_hosts, also_known=())
    assert "kX9-very-secret" not in str(caught.value) + caplog.text


def test_a_password_opens_the_door_once(
    user: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Sshd(open_folder(tmp_path_factory), "PasswordAuthentication yes", "MaxAuthTries 2", "LogLevel VERBOSE")
    server.start()
    try:
        subprocess.run(["chpasswd"], input=f"{user}:kX9-very-secret".encode(), check=True)
        credential = Credential(user=user, password_env="RASOAT_TEST_PASSWORD")
        monkeypatch.setenv("RASOAT_TEST_PASSWORD", "kX9-very-secret")
        with SshShell.connect(target_of(server), credential, server.known_hosts, also_known=()) as shell:
            assert shell.run("id", "-un").out.strip() == user
            assert "kX9-very-secret" not in "".join(shell.read_all("/proc/[0-9]*/cmdline").values())
        monkeypatch.setenv("RASOAT_TEST_PASSWORD", "wrong-wrong")
        with pytest.raises(Denied, match="was not let in with a password") as caught:
            SshShell.connect(target_of(server), credential, server.known_hosts, also_known=())
        assert "wrong-wrong" not in str(caught.value)
        wait_for(lambda: "Failed password" in (server.folder / "log").read_text())
        assert (server.folder / "log").read_text().count("Failed password") == 1
        monkeypatch.delenv("RASOAT_TEST_PASSWORD")
        with pytest.raises(Unreachable, match="RASOAT_TEST_PASSWORD is not set"):
            SshShell.connect(target_of(server), credential, server.known_hosts, also_known=())
    finally:
        subprocess.run(["usermod", "-p", "*", user], check=True)
        server.stop()


def test_key_files_that_cannot_be_used_cost_no_connection(tmp_path: Path) -> None:
    nobody_listens = Target(name="x", via="ssh", address="127.0.0.1", port=free_port())
    locked = make_key(tmp_path / "locked", "a password")
    no_key = tmp_path / "no key"
    no_key.write_text("hello")
    no_key.chmod(0o600)
    open_key = make_key(tmp_path / "open")
    open_key.chmod(0o644)
    for path, words in (
        (locked, "locked with a password"),
        (no_key, "no private key"),
        (open_key, "chmod 600"),
        (tmp_path / "absent", "No such file"),
    ):
        with pytest.raises(Unreachable, match=words):
            SshShell.connect(nobody_listens, Credential(user="root", key_file=str(path)), also_known=())


def test_a_locked_key_opens_with_its_password(server: Sshd, tmp_path: Path) -> None:
    locked = make_key(tmp_path / "locked", "a password")
    secret = tmp_path / "password"
    secret.write_text("a password\n")
    secret.chmod(0o600)
    authorized = server.folder / "authorized"
    before = authorized.read_text()
    authorized.write_text(before + locked.with_suffix(".pub").read_text())
    try:
        credential = Credential(user="root", key_file=str(locked), password_file=str(secret))
        with SshShell.connect(target_of(server), credential, server.known_hosts, also_known=()) as shell:
            assert shell.privileged
    finally:
        authorized.write_text(before)


def test_the_agent_gives_the_one_key_that_is_named(server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sock = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    try:
        wait_for(sock.exists)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
        with pytest.raises(Unreachable, match="holds no key"):
            SshShell.connect(target_of(server), Credential(user="root", agent=True), server.known_hosts, also_known=())
        for key in (make_key(tmp_path / "other"), server.key):
            subprocess.run(["ssh-add", "-q", str(key)], check=True, env={**os.environ, "SSH_AUTH_SOCK": str(sock)})
        with pytest.raises(Unreachable, match="holds 2 keys; say which"):
            SshShell.connect(target_of(server), Credential(user="root", agent=True), server.known_hosts, also_known=())
        credential = Credential(user="root", agent=True, key_file=f"{server.key}.pub")
        with SshShell.connect(target_of(server), credential, server.known_hosts, also_known=()) as shell:
            assert shell.privileged
    finally:
        agent.terminate()
        agent.wait()
