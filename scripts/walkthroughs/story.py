"""What all stories have: a collector of their own, its administrator before a browser, machines that report."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from scripts.walkthroughs.office import REPOSITORY, Place
from scripts.walkthroughs.pictures import Browser, browser
from scripts.walkthroughs.replayed import Centre, Replayed
from tests.server.certificates import Authority

PASSWORD = "một câu mật khẩu rất dài 9"
COLLECTOR = "192.0.2.1"
URL = "https://collector.example"
EMPTY = Path(
    os.environ.get("RASOAT_WALKTHROUGHS_EMPTY") or Path(tempfile.gettempdir()) / f"rasoat-walk-{secrets.token_hex(4)}.sqlite3"
)
"""Made by the first story and used by all; the variable names one to be kept."""


_SETTLED = """
import sqlite3, time
quiet, until = 0, time.monotonic() + 180
while quiet < 3 and time.monotonic() < until:
    with sqlite3.connect("/var/lib/rasoat-server/db.sqlite3", timeout=20) as database:
        (left,) = database.execute("select count(*) from background_job where state in ('waiting', 'running')").fetchone()
    quiet = 0 if left else quiet + 1
    time.sleep(0.4)
"""
_PASSWORD = re.compile(r"\b[0-9A-Za-z]{5}(?:-[0-9A-Za-z]{5}){3}\b")


class Story:
    """`place` names the machines of the story; `noted` is what commands may use as {name}."""

    def __init__(self, folder: Path, language: str) -> None:
        self.folder, self.language = folder, language
        self.noted: dict[str, str] = {}
        self._stack = ExitStack()
        self._places: dict[str, Place] = {}
        self.machines: dict[str, Replayed] = {}

    def __enter__(self) -> Self:
        self.browser: Browser = self._stack.enter_context(browser(self.language, COLLECTOR))
        (self.folder / "ca").mkdir()
        self.authority = Authority(self.folder / "ca")
        return self

    def __exit__(self, *exc: object) -> None:
        for place in self._places.values():
            place.close()
        self._stack.close()

    def place(self, name: str, address: str = "") -> Place:
        if name not in self._places:
            self._places[name] = Place(self.folder, name, address or COLLECTOR, self.language)
            self._places[name].write("ca.pem", self.authority.file.read_text())
        return self._places[name]

    def empty_database(self) -> None:
        """With its tables, as `server init` would make it: that takes a minute, and each story begins with it."""
        if not EMPTY.exists():
            data = self.folder / "empty"
            environment = {**os.environ, "RASOAT_DATA": str(data), "DJANGO_SETTINGS_MODULE": "server.settings"}
            data.mkdir(mode=0o700)
            subprocess.run(
                [sys.executable, "-m", "django", "migrate", "--verbosity", "0"], check=True, env=environment, cwd=REPOSITORY
            )
            shutil.copyfile(data / "db.sqlite3", EMPTY)
        collector = self.place("collector")
        collector.sh("install -d -m 700 /var/lib/rasoat-server")
        collector.put("/var/lib/rasoat-server/db.sqlite3", EMPTY.read_bytes(), 0o600)

    # -- the collector -----------------------------------------------------------------------------------------------

    def certificates(self) -> None:
        """The organisation's authority gave them; they lie beside settings.toml."""
        certificate, key = self.authority.issue("collector", "collector.example")
        for file, mode in ((certificate, 0o644), (key, 0o600)):
            self.place("collector").write(f"/var/lib/rasoat-server/{file.name}", file.read_text(), mode)

    def serve(self) -> None:
        """As its systemd unit does."""
        collector = self.place("collector")
        collector.start("rasoat server run --workers 1")
        context = ssl.create_default_context(cafile=str(self.authority.file))
        os.environ.pop("https_proxy", None)
        self.centre = Centre("https://collector.example", context)
        _resolve("collector.example", COLLECTOR)
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{URL}/readyz", timeout=5, context=context).close()
                return
            except (OSError, urllib.error.URLError):
                time.sleep(0.2)
        raise AssertionError((self.folder / "collector.log").read_text())

    def made(self, unit: str, level: int) -> None:
        """The collector as the first walk-through leaves it."""
        self.empty_database()
        said = self.place("collector").sh(f'rasoat server init --unit "{unit}" --level {level} --hostname collector.example')
        self.heard(said)
        self.place("collector").write("/var/lib/rasoat-server/settings.toml", self.settings())
        self.certificates()
        self.serve()
        self.log_on()

    def settings(self) -> str:
        text = self.place("collector").read("/var/lib/rasoat-server/settings.toml").decode()
        text = re.sub(r"(?m)^(host|port|certificate|private_key)\b.*\n", "", text)
        return text + 'host = "0.0.0.0"\nport = 443\ncertificate = "collector.crt"\nprivate_key = "collector.key"\n'

    def log_on(self, user: str = "admin", first: str = "", page: Any = None) -> None:
        """With the first password, which is changed at once."""
        page = page or self.browser.page
        first = first or self.noted["password"]
        self.browser.went(page, f"{URL}/log-on/")
        page.locator("input[name=username]").fill(user)
        page.locator("input[name=password]").fill(first)
        page.locator("main button").first.click()
        fields = page.locator("main input[type=password]")
        fields.nth(2).wait_for()
        for number, text in enumerate((first, PASSWORD, PASSWORD)):
            fields.nth(number).fill(text)
        page.locator("main button").last.click()
        page.wait_for_url(f"{URL}/**")
        page.locator("main h1").wait_for()

    def heard(self, said: str) -> None:
        """What commands of the page said: the first password is needed before the browser."""
        if found := _PASSWORD.search(said):
            self.noted["password"] = found[0]

    # -- machines ----------------------------------------------------------------------------------------------------

    def at_once(self, *commands: str) -> list[str]:
        """Many commands of the collector in one process: each by itself costs seconds. What each said."""
        script = (
            "import contextlib, io, json, shlex, sys\nfrom server.cli import main\nsaid = []\nfor line in json.load(sys.stdin):\n"
        )
        script += "    with contextlib.redirect_stdout(io.StringIO()) as out:\n        code = main(shlex.split(line))\n"
        script += "    assert code == 0, (line, out.getvalue())\n    said.append(out.getvalue())\nprint(json.dumps(said))"
        collector = self.place("collector")
        collector.write("/tmp/at-once.py", script)
        collector.write("/tmp/at-once.json", json.dumps(commands))
        said: list[str] = json.loads(
            collector.sh(f"PYTHONPATH={REPOSITORY} {sys.executable} /tmp/at-once.py </tmp/at-once.json").splitlines()[-1]
        )
        return said

    def come(self, level: int, *machines: Replayed) -> None:
        """Replayed machines enrol, each in its unit, and report."""
        units = sorted({machine.unit for machine in machines})
        said = self.at_once(*(f'token new --quiet --unit "{unit}" --uses {len(machines)}' for unit in units))
        tokens = dict(zip(units, map(str.strip, said), strict=True))
        for machine in machines:
            self.machines[machine.name] = machine
            machine.enrol(self.centre, tokens[machine.unit])
            machine.report(self.centre, level)

    def settled(self) -> None:
        """Until the collector's own background work has nothing left to do; what is yet to be done it looks for each minute."""
        collector = self.place("collector")
        collector.write("/tmp/settled.py", _SETTLED)
        collector.sh(f"{sys.executable} -S /tmp/settled.py")

    def keep(self, file: Path, path: str, first: Any = None, last: Any = None, tallest: int = 900) -> None:
        self.browser.keep(file, self.browser.open(path), first, last, tallest)


def _resolve(name: str, address: str) -> None:
    """For this program alone; its own machine knows nothing of the office."""
    import socket

    asked = socket.getaddrinfo

    def answered(host: Any, *words: Any, **named: Any) -> Any:
        return asked(address if host == name else host, *words, **named)

    socket.getaddrinfo = answered
