"""An inspector looks at a few machines without installing anything, then reads a verdict back to its evidence at the collector."""

from __future__ import annotations

from pathlib import Path

from collectors.transports.known_hosts import line_of
from scripts.walkthroughs.office import Place, passed_on
from scripts.walkthroughs.replayed import Replayed
from scripts.walkthroughs.scheduled_scans import LINUX_BEHIND, SWITCH, SWITCH_PASSWORD
from scripts.walkthroughs.story import Story as Any_Story
from tests.fake_device import Fakes
from tests.fake_fleet import recorded

STRANGER = "192.0.2.25"
"""Somebody put it there and told nobody."""
ADDRESSES = {"may-kiem-tra": "192.0.2.10", "bn-may-chu-02": "192.0.2.12"}


class Story(Any_Story):
    def place(self, name: str, address: str = "") -> Place:
        return super().place(name, address or ADDRESSES.get(name, ""))

    def others(self) -> None:
        """A server that lets the account rasoat in by its key, and a recorded switch."""
        inspector, server = self.place("may-kiem-tra"), self.place("bn-may-chu-02")
        inspector.sh("mkdir -p -m 700 .ssh && ssh-keygen -q -t ed25519 -N '' -C kiem-tra -f .ssh/rasoat")
        key = inspector.read(".ssh/rasoat.pub").decode()
        server.sh(
            "useradd --create-home --shell /bin/bash rasoat && mkdir -p /run/sshd /etc/sudoers.d && ssh-keygen -A >/dev/null"
        )
        server.write("/home/rasoat/.ssh/authorized_keys", key, 0o600)
        server.write("/etc/sudoers.d/rasoat", "rasoat ALL=(root) NOPASSWD: ALL\n", 0o440)
        server.sh("chown -R rasoat:rasoat /home/rasoat/.ssh && chmod 700 /home/rasoat/.ssh && /usr/sbin/sshd")
        host_key = server.read("/etc/ssh/ssh_host_ed25519_key.pub").decode().split()
        device = next(one for one in recorded(SWITCH_PASSWORD) if one.folder == "huawei_vrp--switch-old-messy")
        fakes = self._stack.enter_context(Fakes())
        self._stack.enter_context(passed_on(SWITCH, 22, fakes.start(device.fake)))
        self._stack.enter_context(passed_on(STRANGER, 22, fakes.start(device.fake)))
        own = fakes._key.convert_to_public()
        known = line_of(SWITCH, 22, own.get_algorithm(), own.public_data)
        inspector.write("known_hosts", f"{ADDRESSES['bn-may-chu-02']} {host_key[0]} {host_key[1]}\n{known}\n")
        inspector.write("net.pw", SWITCH_PASSWORD + "\n", 0o600)

    def collector(self) -> None:
        self.made("BHXH tỉnh Bắc Ninh", 3)
        self.come(3, Replayed("bn-may-chu-01", "BHXH tỉnh Bắc Ninh", "192.0.2.31", updates=LINUX_BEHIND))
        self.settled()

    def scan_asked(self) -> None:
        page = self.browser.open("/machines/1/")
        page.locator("form[action$='/scan/'] button").click()
        page.wait_for_load_state()

    def picture_report_html(self, file: Path) -> None:
        report = self.folder / "report.html"
        report.write_bytes(self.place("may-kiem-tra").read("report.html"))
        self.browser.page.goto(f"file://{report}")
        self.browser.keep(file, self.browser.page, tallest=1000)

    def picture_verdict(self, file: Path) -> None:
        page = self.browser.open("/machines/1/")
        evidence = page.locator("#fail .evidence").first
        evidence.locator("summary").first.click()
        self.browser.keep(file, page, "#fail", evidence)

    def picture_scan_asked(self, file: Path) -> None:
        self.browser.keep(file, self.browser.page, tallest=420)
