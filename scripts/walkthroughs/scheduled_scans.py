"""A province sets up its collector, and machines report by themselves."""

from __future__ import annotations

import email
import re
import ssl
from email import policy
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from collectors.transports.known_hosts import line_of
from scripts.walkthroughs.office import HERE, Place, passed_on
from scripts.walkthroughs.replayed import Replayed
from scripts.walkthroughs.story import Story as Any_Story
from tests.fake_device import Fakes
from tests.fake_fleet import recorded

ADDRESSES = {"bn-may-chu-01": "192.0.2.10"}
SWITCH, SWITCH_PASSWORD = "192.0.2.20", "Mat-Khau-Quet-70215"
WINDOWS_BEHIND, LINUX_BEHIND = "windows10--updates-missing-and-one-hidden", "debian12--security-updates-pending"


class Post:
    """The organisation's mail server, as far as it is needed here."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append(envelope.content)
        return "250 OK"


class Story(Any_Story):
    def place(self, name: str, address: str = "") -> Place:
        return super().place(name, address or ADDRESSES.get(name, ""))

    def begin(self) -> None:
        self.empty_database()

    def settings_changed(self) -> None:
        """What the text tells the reader to write into settings.toml."""
        collector = self.place("collector")
        collector.write("/var/lib/rasoat-server/settings.toml", self.settings(), 0o600)
        self.certificates()
        self.serve()

    def logged_on(self) -> None:
        self.log_on()

    def token_made(self) -> None:
        page = self.browser.open("/first-steps/")
        page.locator("form.actions button.button").first.click()
        page.locator("#on-linux").wait_for()
        found = re.search(r"rs1\.\S+", page.locator("#on-linux").inner_text())
        assert found
        self.place("bn-may-chu-01").write("token", found[0] + "\n", 0o600)
        # the secret's place is kept, the secret is not
        page.evaluate("(text) => document.querySelectorAll('#on-linux, #on-windows').forEach((one) => { one.textContent = one.textContent.replaceAll(text, 'rs1.xxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxx'); })", found[0])  # fmt: skip

    def picture_first_steps(self, file: Path) -> None:
        self.browser.keep(file, self.browser.page, tallest=930)

    def picture_first_machine(self, file: Path) -> None:
        page = self.browser.page
        page.locator(".arrived li").first.wait_for()
        page.locator(".arrived").get_by_text(re.compile("Đã báo cáo|It has reported")).wait_for()
        self.browser.keep(file, page, "ol.steps > li:nth-child(3)", "ol.steps > li:nth-child(4)")

    def offices_report(self) -> None:
        self.come(
            3,
            Replayed("td-may-chu-01", "BN01", "192.0.2.31"),
            Replayed("td-may-tram-05", "BN01", "192.0.2.35", updates=WINDOWS_BEHIND),
            Replayed("td-may-tram-06", "BN01", "192.0.2.36"),
            Replayed("tt-may-chu-01", "BN02", "192.0.2.41", updates=LINUX_BEHIND, antivirus="debian12--nothing-installed"),
            Replayed("tt-may-tram-02", "BN02", "192.0.2.42", antivirus="windows10--bkav-installed-not-running"),
        )  # fmt: skip
        self.settled()

    def picture_coverage(self, file: Path) -> None:
        self.keep(file, "/coverage/", last=".tables, table")

    def picture_schedules(self, file: Path) -> None:
        self.keep(file, "/schedules/", tallest=930)

    def switch(self) -> None:
        """A recorded switch stands where the targets file says."""
        device = next(one for one in recorded(SWITCH_PASSWORD) if one.folder == "huawei_vrp--switch-old-messy")
        fakes = self._stack.enter_context(Fakes())
        self._stack.enter_context(passed_on(SWITCH, 22, fakes.start(device.fake)))
        key = fakes._key.convert_to_public()
        station = self.place("bn-may-chu-01")
        station.write("/etc/rasoat/known_hosts", line_of(SWITCH, 22, key.get_algorithm(), key.public_data) + "\n")
        station.write("password", SWITCH_PASSWORD + "\n", 0o600)

    def picture_switch(self, file: Path) -> None:
        self.settled()
        self.keep(file, "/configurations/", last="main table")

    def mail_server(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.authority.issue("mail", "mail.example"))
        self.post = Post()
        server = Controller(self.post, hostname=HERE, port=587, tls_context=context, require_starttls=True)
        server.start()
        self._stack.callback(server.stop)
        self.place("collector").sh(f"echo {HERE} mail.example >>/etc/hosts")

    def mail_came(self) -> None:
        """What it says is put into the page as the output of a command would be."""
        message = email.message_from_bytes(self.post.got[-1], policy=policy.default)
        part = message.get_body(("plain",))
        assert part is not None
        told = f"From: {message['from']}\nSubject: {str(message['subject']).strip()}\n\n{part.get_content().strip()}\n"
        self.place("collector").write("mail.txt", told)

    def picture_overview(self, file: Path) -> None:
        self.settled()
        self.keep(file, "/", tallest=1010)
