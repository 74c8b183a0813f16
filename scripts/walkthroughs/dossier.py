"""A province describes an information system, makes its level dossier, and hands over a bundle that an inspector checks alone."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from collectors.model import utcnow
from scripts.walkthroughs.office import Place
from scripts.walkthroughs.replayed import Replayed
from scripts.walkthroughs.scheduled_scans import LINUX_BEHIND
from scripts.walkthroughs.story import Story as Any_Story

ADDRESSES = {"may-kiem-tra": "192.0.2.50"}
UNIT = "BHXH tỉnh Bắc Ninh"
POLICY = "management.policy.established"


class Story(Any_Story):
    def place(self, name: str, address: str = "") -> Place:
        return super().place(name, address or ADDRESSES.get(name, ""))

    def begin(self) -> None:
        self.made(UNIT, 3)
        self.come(
            3,
            Replayed("htmc-may-chu-01", UNIT, "192.0.2.71", updates=LINUX_BEHIND),
            Replayed("htmc-may-chu-02", UNIT, "192.0.2.72"),
        )  # fmt: skip
        self.settled()

    def members(self) -> None:
        page = self.browser.open("/registers/systems/1/members/")
        page.locator("textarea[name=names]").fill("htmc-may-chu-01\nhtmc-may-chu-02")
        page.locator("textarea[name=names]").locator("xpath=ancestor::form").locator("button.main").click()
        page.wait_for_load_state()

    def attested(self) -> None:
        today = (utcnow() + timedelta(hours=7)).date()
        page = self.browser.open("/units/1/attestations/new/")
        page.locator("[name=requirement]").select_option(value=POLICY)
        page.locator("[name=state]").select_option(value="met")
        for name, text in (
            ("role", "Trưởng phòng CNTT"), ("document", "QĐ 15/QĐ-BHXH"), ("on", f"{today}"), ("until", f"{today + timedelta(days=365)}"),
        ):  # fmt: skip
            page.locator(f"[name={name}]").fill(text)
        page.locator("main form button.main").last.click()
        page.wait_for_url("**/waivers/**")

    def handed_over(self) -> None:
        """On a stick, to somebody who has no way to the collector."""
        inspector = self.place("may-kiem-tra")
        inspector.put("evidence.zip", self.place("collector").read("evidence.zip"))

    def heard(self, said: str) -> None:
        super().heard(said)
        if re.fullmatch(r"[0-9a-f]{40}\s*", said):
            self.noted["key"] = said.strip()

    def picture_system(self, file: Path) -> None:
        self.keep(file, "/registers/systems/1/", tallest=1150)

    def picture_attestation(self, file: Path) -> None:
        page = self.browser.open("/waivers/?unit=1")
        words = page.locator("main section:has-text('QĐ 15/QĐ-BHXH')").last
        self.browser.keep(file, page, words.locator("xpath=preceding-sibling::h2[1]"), words)

    def picture_level_dossier(self, file: Path) -> None:
        self.browser.keep_paper(file, self.place("collector").read("ho-so.pdf"))

    def picture_documents(self, file: Path) -> None:
        self.keep(file, "/documents/1/", tallest=900)
