"""What stands around the collector: its own check, nginx in front of it, the units of systemd."""

from __future__ import annotations

import ipaddress
import re
import shutil
import socket
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server import serve
from server.config import Config, Data
from server.deploy import check
from tests.server.people import Host
from tests.server.running import Collector

ROOT = Path(__file__).parents[2]


def certificate(folder: Path, days: int = 365) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=2)).not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = folder / "server.crt", folder / "server.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return paths


# --- rasoat server check --------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path, settings, db) -> Data:
    folder = Data(tmp_path / "data")
    folder.create()
    settings.DATA, settings.CONFIG = folder, Config()
    return folder


def states(deploy: bool = True) -> dict[str, str]:
    found: dict[str, str] = {}
    worst = [check.GOOD, check.WARN, check.UNKNOWN, check.BAD]
    for line in check.look(deploy):
        found[line.name] = max(found.get(line.name, check.GOOD), line.state, key=worst.index)
        assert line.state == check.GOOD or line.do or line.state == check.UNKNOWN, f"{line.name} says not what to do"
    return found


def test_a_fresh_collector_is_whole_but_not_fit(data) -> None:
    assert set(states(deploy=False).values()) == {check.GOOD}
    found = states()
    assert (found["https"], found["second-factor"]) == (check.BAD, check.WARN)


@pytest.mark.parametrize(("name", "mode"), [("secret.key", 0o640), ("centre.key", 0o604), ("settings.toml", 0o644)])
def test_keys_that_others_may_read(data, name: str, mode: int) -> None:
    (data.root / name).chmod(mode)
    assert states()["files"] == check.BAD


def test_a_directory_that_others_may_enter_and_a_key_that_is_gone(data) -> None:
    data.root.chmod(0o755)
    assert states()["files"] == check.BAD
    data.root.chmod(0o700)
    data.centre_key.unlink()
    assert states()["files"] == check.BAD


@pytest.mark.parametrize(("days", "state"), [(365, check.GOOD), (10, check.WARN), (-1, check.BAD)])
def test_certificates_end(data, settings, tmp_path, days: int, state: str) -> None:
    crt, key = certificate(tmp_path, days)
    settings.CONFIG = Config(certificate=str(crt), private_key=str(key))
    assert states()["certificate"] == state


def test_a_certificate_may_lie_beside_the_settings(data, settings, monkeypatch, capsys) -> None:
    began: list[dict[str, Any]] = []
    monkeypatch.setattr(serve.Collector, "__init__", lambda self, options: began.append(options))
    monkeypatch.setattr(serve.Collector, "run", lambda self: None)
    monkeypatch.setattr(serve.connections, "close_all", lambda: None)  # the test's own
    settings.CONFIG = Config(certificate="server.crt", private_key="server.key")
    assert serve.serve(None, None, None) == 2
    assert f"{data.root / 'server.key'}" in capsys.readouterr().err, "what is missing is named, and is no bug of ours"
    crt, key = certificate(data.root)
    assert serve.serve(None, None, None) == 0
    assert (began[0]["certfile"], began[0]["keyfile"]) == (str(crt), str(key))
    assert states()["certificate"] == check.GOOD


def test_a_certificate_of_another_key(data, settings, tmp_path) -> None:
    crt, _key = certificate(tmp_path)
    (tmp_path / "other").mkdir()
    _crt, key = certificate(tmp_path / "other")
    settings.CONFIG = Config(certificate=str(crt), private_key=str(key))
    assert states()["certificate"] == check.BAD
    settings.CONFIG = Config(certificate=str(tmp_path / "none"))
    assert states()["certificate" if "certificate" in states() else "https"] in (check.BAD, check.UNKNOWN)


def test_behind_a_proxy_nobody_may_come_past_it(data, settings) -> None:
    settings.CONFIG = Config(behind_tls_proxy=True)
    assert states()["https"] == check.GOOD
    settings.CONFIG = Config(behind_tls_proxy=True, host="0.0.0.0")
    assert states()["https"] == check.WARN


def test_people_with_given_passwords_and_a_single_administrator(data, person, settings) -> None:
    person("một", role="admin", must_change=True)
    assert states()["people"] == check.BAD
    for name in ("hai", "ba"):
        person(name, role="admin")
    from server.units.models import User

    User.objects.filter(username="một").update(is_active=False)
    assert states()["people"] == check.GOOD
    settings.CONFIG = Config(second_factor_for=("admin",))
    assert states()["second-factor"] == check.GOOD


def test_what_could_not_be_looked_at_is_not_good(data, monkeypatch) -> None:
    def gone(*_: object) -> None:
        raise OSError("no such device")

    monkeypatch.setattr(check.shutil, "disk_usage", gone)
    assert states()["room"] == check.UNKNOWN


# --- nginx ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def nginx(tmp_path):
    """The file we ship, with only its addresses changed, before a real collector."""
    collector = Collector(tmp_path / "data")
    with (tmp_path / "data" / "settings.toml").open("a") as out:
        out.write("\nbehind_tls_proxy = true\n")
    collector.start()
    crt, key = certificate(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    text = (ROOT / "deploy/nginx/rasoat.conf").read_text()
    text = text.replace("127.0.0.1:8340", f"127.0.0.1:{collector.port}").replace(
        "listen 443 ssl", f"listen 127.0.0.1:{number} ssl"
    )
    text = re.sub(r"(?m)^.*listen \[::\]:443 ssl;\n", "", text)
    text = text.replace("/etc/rasoat/server.crt", str(crt)).replace("/etc/rasoat/server.key", str(key))
    work = tmp_path / "nginx"
    work.mkdir()
    paths = "".join(f"{name}_temp_path {work}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (work / "nginx.conf").write_text(
        f"daemon off; pid {work}/pid; error_log {work}/error.log; worker_processes 1;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{text}\n}}\n"
    )
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    tried = subprocess.run([program, "-t", "-c", work / "nginx.conf", "-p", work], capture_output=True, text=True)
    assert tried.returncode == 0, tried.stderr
    process = subprocess.Popen([program, "-c", work / "nginx.conf", "-p", work], stderr=subprocess.DEVNULL)
    collector.url, collector.tls = f"https://127.0.0.1:{number}", ssl.create_default_context(cafile=str(crt))
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                if collector.get("/readyz").status == 200:
                    break
            except OSError:
                assert time.monotonic() < deadline, (work / "error.log").read_text()
                time.sleep(0.1)
        yield collector
    finally:
        process.terminate()
        process.wait(20)
        collector.stop()


@pytest.mark.system
def test_agents_and_people_come_through_nginx(nginx) -> None:
    host = Host()
    nginx.enrol(host)
    assert nginx.send(host.seal(host.snapshot())).status == 201
    page = nginx.get("/log-on/")
    assert page.status == 200
    assert "max-age" in page.headers["Strict-Transport-Security"]
    assert "nginx/" not in page.headers.get("Server", "")
    assert nginx.get("/metrics").status == 404, "monitoring asks the collector itself"
    # what the sender writes of himself counts for nothing
    for _ in range(25):
        nginx.get("/api/v1/assets", {"Authorization": "Bearer rsk1.0.0", "X-Forwarded-For": "203.0.113.7"})
    assert nginx.get("/api/v1/assets", {"Authorization": "Bearer rsk1.0.0", "X-Forwarded-For": "203.0.113.8"}).status == 429


# --- systemd --------------------------------------------------------------------------------------------------------


@pytest.mark.system
def test_the_units_are_such_as_systemd_reads(tmp_path) -> None:
    for unit in sorted((ROOT / "deploy/systemd").glob("*.service")):
        text = unit.read_text().replace("/opt/rasoat/bin/rasoat", "/bin/true")
        (tmp_path / unit.name).write_text(text)
        done = subprocess.run(["systemd-analyze", "verify", tmp_path / unit.name], capture_output=True, text=True)
        ours = [line for line in done.stderr.splitlines() if unit.name in line]
        assert ours == []
        assert "ProtectSystem=strict" in text
        assert "User=rasoat" in text
