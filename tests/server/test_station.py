"""A real station, a real collector, fake devices: versions, states and an encrypted copy from end to end, and no secret on the way."""

from __future__ import annotations

import gzip
import http.cookiejar
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest

from collectors import seal_delta
from collectors.seal import unseal
from tests.agent.test_station import answers
from tests.fake_device import Fake, Fakes
from tests.server.running import ROOT, Collector

pytestmark = pytest.mark.system

LOG_ON, PLANTED = "Mat-Khau-Tram-31882", "Mat-Khau-Thiet-Bi-66120"
CHOSEN = "một câu mật khẩu rất dài 9"


@pytest.fixture
def fakes() -> Iterator[Fakes]:
    with Fakes() as found:
        yield found


def switch(name: str) -> Fake:
    fake = Fake(name=name, answers=answers(name), password=LOG_ON)
    configure(fake, f"username cuu-ho privilege 15 password 0 {PLANTED}\n")
    return fake


def configure(fake: Fake, line: str, save: bool = True) -> None:
    """Put a line into the running configuration; into the saved one too."""
    said = dict(fake.answers)
    said["show running-config"] = said["show running-config"].replace("interface Vlan1\n", f"{line}interface Vlan1\n")
    if save:
        said["show startup-config"] = said["show running-config"]
    fake.answers = said


class Browser:
    """A person at the pages of the collector."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path: str) -> str:
        with self._opener.open(self._url + path, timeout=30) as answer:
            return answer.read().decode()

    def post(self, path: str, **fields: str) -> str:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path))
        assert token
        body = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token[1]}).encode()
        with self._opener.open(urllib.request.Request(self._url + path, data=body), timeout=30) as answer:
            return answer.read().decode()


def test_from_the_device_to_the_page(tmp_path: Path, fakes: Fakes) -> None:
    collector = Collector(tmp_path / "collector")
    token = collector.command("token", "new", "--quiet").stdout.strip()
    state, file = tmp_path / "agent", tmp_path / "targets.yaml"
    identity = pyrage.x25519.Identity.generate()
    key = tmp_path / "away" / "restore.key"
    key.parent.mkdir()
    key.write_text(str(identity))
    key.chmod(0o600)
    env = {
        **os.environ,
        "LC_ALL": "C.UTF-8",
        "RASOAT_STATION_TARGETS": str(file),
        "RASOAT_COPIES_RECIPIENT": str(identity.to_public()),
        "RASOAT_CREDENTIAL_KEY_FILE": str(tmp_path / "etc" / "credential.key"),
        "RASOAT_RETRY_SECONDS": "0.1",
    }

    def rasoat(*words: str | Path, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "agent", *map(str, words), "--state-dir", str(state)]
        return subprocess.run(command, env=env | more, cwd=ROOT, text=True, capture_output=True, timeout=180, input=stdin)

    def scan() -> subprocess.CompletedProcess[str]:
        """The devices alone, as if their interval had gone by."""
        (state / "contact.json").write_text(json.dumps({"last_scan": time.time()}))
        known = state / "station.json"
        if known.exists():
            kept = json.loads(known.read_text())
            known.write_text(json.dumps({**kept, "due": 0, "targets": {}}))
        return rasoat("agent", "once", "--if-due")

    one, two = switch("SW1"), switch("SW2")
    rows = [f"  - {{name: {fake.name.lower()}, address: 127.0.0.1, port: {fakes.start(fake)}}}\n" for fake in (one, two)]
    fakes.known_hosts(tmp_path / "known_hosts")
    file.write_text(
        "known_hosts: known_hosts\ndefaults: {kind: switch, platform: cisco_ios, credential: net}\n"
        "credentials:\n  net: {user: rasoat, password_secret: switches}\n"
        f"targets:\n{''.join(rows)}  - {{name: gone, address: 127.0.0.1, port: 1}}\n"
    )
    collector.start()
    try:
        enrolled = rasoat("agent", "enrol", collector.url, "--name", "tram-bac", RASOAT_TOKEN=token)
        assert enrolled.returncode == 0, enrolled.stderr
        assert rasoat("credential", "add", "switches", stdin=LOG_ON).returncode == 0
        first = scan()
        assert first.returncode == 3, first.stderr
        configure(one, "ntp server 192.0.2.123\n", save=False)
        assert scan().returncode == 3

        person = Browser(collector.url)
        person.post("/log-on/", username="admin", password=collector.password)
        person.post("/password/", old_password=collector.password, new_password1=CHOSEN, new_password2=CHOSEN)
        listed = person.get("/configurations/")
        assert re.findall(r'class="name" href="(/machines/\d+/configurations/)".*?<span>([^<]+)</span>', listed) != []
        pages = {
            name: path
            for path, name in re.findall(r'class="name" href="(/machines/\d+/configurations/)".*?<span>([^<]+)</span>', listed)
        }
        assert set(pages) == {"sw1", "sw2", "gone"}
        versions = person.get(pages["sw1"])
        assert "khác cấu hình đã lưu" in versions
        assert "Thay đổi trong 24 giờ qua" in versions
        new, old = re.findall(r'name="old" value="(\d+)"', versions)
        difference = person.get(f"{pages['sw1']}compare/?old={old}&new={new}")
        assert "ntp server 192.0.2.123" in difference
        assert "<b>+1</b>" in difference
        assert "<b>−0</b>" in difference
        assert len(re.findall(r'name="old" value="(\d+)"', person.get(pages["sw2"]))) == 1
        assert "Chưa từng sao lưu" in person.get(pages["gone"])
        text = person.get(f"{pages['sw1']}{new}/")
        assert "username cuu-ho" in text
        assert PLANTED not in listed + versions + difference + text
    finally:
        collector.stop()

    with sqlite3.connect(collector.data / "db.sqlite3") as database:
        rows = database.execute("select id, base_id, sealed from ingest_storedsnapshot").fetchall()
        keys = {pk: unseal(sealed).snapshot for pk, base, sealed in rows if base is None}
        for _pk, base, sealed in rows:
            body = gzip.decompress(sealed) if base is None else seal_delta.restore(seal_delta.read(sealed), keys[base])
            assert PLANTED.encode() not in body
            assert LOG_ON.encode() not in body
        for (packed,) in database.execute("select packed from configurations_text"):
            assert PLANTED.encode() not in zlib.decompress(packed)
    for folder in (collector.data, state):
        for path in folder.rglob("*"):
            if path.is_file():
                assert not any(secret.encode() in path.read_bytes() for secret in (PLANTED, LOG_ON)), path

    copies = sorted((state / "copies" / "sw1").iterdir())
    assert len(copies) == 2
    opened = subprocess.run(
        [sys.executable, "-m", "agent", "configuration", "open", str(copies[-1]), "--key", str(key)],
        env=env, cwd=ROOT, text=True, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert opened.returncode == 0, opened.stderr
    assert f"password 0 {PLANTED}" in opened.stdout
    assert "ntp server 192.0.2.123" in opened.stdout
