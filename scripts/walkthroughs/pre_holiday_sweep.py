"""The centre follows what a letter asks of its provinces: three of them report, one finishes, machines stay silent."""

from __future__ import annotations

import re
import sys
from datetime import datetime, timedelta
from pathlib import Path

from collectors.model import utcnow
from scripts.walkthroughs.office import REPOSITORY
from scripts.walkthroughs.replayed import Replayed
from scripts.walkthroughs.story import Story as Any_Story

PROVINCES = {"27": "BHXH tỉnh Bắc Ninh", "40": "BHXH tỉnh Nghệ An", "96": "BHXH tỉnh Cà Mau"}
LINUX_BEHIND, LINUX_GOOD = "debian12--security-updates-pending", "debian12--up-to-date-and-automatic"
WINDOWS_BEHIND, WINDOWS_GOOD = "windows10--updates-missing-and-one-hidden", "windows11--nothing-missing-at-microsoft"
LISTED = ("bn-may-chu-01,27", "bn-may-tram-05,27", "na-may-chu-01,40", "na-may-tram-02,40", "na-may-tram-08,40", "cm-may-chu-01,96", "cm-may-tram-03,96", "cm-may-tram-04,96")  # fmt: skip
_LOOK = "import django; django.setup(); from server.campaigns.tasks import look; look.enqueue(by='console')"


class Story(Any_Story):
    def begin(self) -> None:
        self.made("Bảo hiểm xã hội Việt Nam", 3)
        self.at_once(*(f'unit new "{name}" --code {code} --kind province' for code, name in PROVINCES.items()))
        self.come(
            3,
            Replayed("bn-may-chu-01", "27", "192.0.2.31", updates=LINUX_BEHIND),
            Replayed("bn-may-tram-05", "27", "192.0.2.35", updates=WINDOWS_BEHIND),
            Replayed("na-may-chu-01", "40", "192.0.2.41", updates=LINUX_BEHIND),
            Replayed("na-may-tram-02", "40", "192.0.2.42", antivirus="windows10--bkav-installed-not-running"),
            Replayed("na-may-tram-08", "40", "192.0.2.48", updates=WINDOWS_BEHIND),
            Replayed("cm-may-chu-01", "96", "192.0.2.61", updates=LINUX_BEHIND),
        )  # fmt: skip
        listed = "".join(
            f"{name},{'server' if 'chu' in name else 'workstation'},{unit}\n" for name, unit in (one.split(",") for one in LISTED)
        )
        self.place("collector").write("may.csv", "hostname,kind,unit\n" + listed)
        self.at_once("coverage import /root/may.csv --source csv")
        self.settled()
        today = (utcnow() + timedelta(hours=7)).date()
        self.noted |= {"day before": f"{today - timedelta(days=1)}", "deadline": f"{today + timedelta(days=2)}"}
        self.noted["day after"] = f"{today + timedelta(days=3)}"

    def started(self) -> None:
        self.settled()
        self.looked()

    def looked(self) -> None:
        """What the collector does by itself every five minutes: states and reminders."""
        collector = self.place("collector")
        collector.write("/tmp/look.py", _LOOK)
        collector.sh(f"PYTHONPATH={REPOSITORY} DJANGO_SETTINGS_MODULE=server.settings {sys.executable} /tmp/look.py")
        self.settled()

    def provinces_work(self) -> None:
        """Two provinces mend what they can, the third is not heard of."""
        for name, cases in (
            ("bn-may-chu-01", {"updates": LINUX_GOOD}), ("bn-may-tram-05", {"updates": WINDOWS_GOOD}),
            ("na-may-chu-01", {"updates": LINUX_GOOD}), ("na-may-tram-02", {}), ("na-may-tram-08", {"updates": WINDOWS_GOOD}),
        ):  # fmt: skip
            self.machines[name].report(self.centre, 3, **cases)
        page = self.browser.open("/campaigns/parts/2/")
        page.locator("[name=receive-note]").locator("xpath=ancestor::form").locator("button").click()
        page.wait_for_load_state()
        first, then = (datetime.fromisoformat(self.noted[day]) for day in ("deadline", "day after"))
        page.locator("[name=roster-roster]").fill(f"Nguyễn Văn Mẫu; 0900000002; {first:%d/%m/%Y} 07:00; {then:%d/%m/%Y} 07:00")
        page.locator("[name=roster-roster]").locator("xpath=ancestor::form").locator("button").click()
        page.wait_for_load_state()
        page.locator("[name=hand_in-name]").fill("Nguyễn Văn Mẫu")
        page.locator("[name=hand_in-role]").fill("Trưởng phòng CNTT")
        page.locator("[name=hand_in-note]").fill("Đã cài bản vá cho toàn bộ máy; không còn việc tồn.")
        page.locator("[name=hand_in-name]").locator("xpath=ancestor::form").locator("button").click()
        page.wait_for_load_state()
        self.looked()

    def closed(self) -> None:
        self.settled()

    def picture_campaign_started(self, file: Path) -> None:
        self.keep(file, "/campaigns/1/", tallest=1060)

    def picture_campaign_running(self, file: Path) -> None:
        self.keep(file, "/campaigns/1/", last="main table")

    def picture_campaign_machines(self, file: Path) -> None:
        self.keep(file, "/campaigns/1/machines/", last="main tr:has-text('na-may-tram-02')")

    def picture_campaign_part(self, file: Path) -> None:
        self.keep(file, "/campaigns/parts/2/", tallest=930)

    def picture_campaign_report(self, file: Path) -> None:
        self.keep(file, "/campaigns/1/report/", tallest=1150)

    def picture_reply(self, file: Path) -> None:
        self.browser.keep_paper(file, self.place("collector").read("tra-loi.pdf"))

    def heard(self, said: str) -> None:
        super().heard(said)
        if found := re.search(r"(?:campaign|đợt rà soát) (\d+)", said):
            assert found[1] == "1"
