"""The sweep before a holiday as its people do it: an empty collector, a browser, three provinces whose machines report over HTTP.

The letter is CV 2070/BHXH-CNTT of the customer (of the year before: its days are moved to today).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.server.people import PASSWORD, Host
from tests.server.running import Collector
from tests.server.test_browser import CHROMIUM, browser  # noqa: F401

pytestmark = [pytest.mark.system, pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium")]

PROVINCES = {"BHXH tỉnh An Giang": ("ag-1", "ag-2"), "BHXH tỉnh Bắc Ninh": ("bn-1", "bn-2"), "BHXH tỉnh Cà Mau": ("cm-1",)}
NUMBER, SUBJECT = "2070/BHXH-CNTT", "Tăng cường công tác bảo đảm an toàn thông tin mạng trong dịp nghỉ Lễ Quốc khánh 02/9"
ROOT_LOGIN, ONE_ROOT = "remote_access.no_root", "accounts.one_root"
TILES = "dl.tiles.six"
HELD = timedelta(seconds=120)
"""How long background work may take before something is wrong."""


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    found = Collector(tmp_path_factory.mktemp("sweep"), works=True)
    for name in PROVINCES:
        found.command("unit", "new", name)
    found.start()
    yield found
    found.stop()


def log_on(page: Any, collector: Collector) -> None:
    page.goto(collector.url)
    page.get_by_label("Tên đăng nhập").fill("admin")
    page.get_by_label("Mật khẩu").fill(collector.password)
    page.get_by_role("button", name="Đăng nhập").click()
    fields = page.locator("main input[type=password]")
    for number, text in enumerate((collector.password, PASSWORD, PASSWORD)):
        fields.nth(number).fill(text)
    page.get_by_role("button", name="Lưu mật khẩu mới").click()
    page.locator("main h1").wait_for()


def enrol_by_page(page: Any, collector: Collector, unit: str, host: Host) -> None:
    """The first steps of a new machine: the token stands in the commands to copy."""
    page.goto(f"{collector.url}/first-steps/")
    page.locator("#id_unit").select_option(
        label=next(one for one in page.locator("#id_unit option").all_inner_texts() if unit in one)
    )
    page.locator("ol.steps form button").click()
    command = page.locator("#on-linux").inner_text()
    token = re.search(r"--token (\S+)", command)
    assert token, command
    answer = collector.post("/api/v1/enrol", json.dumps(host.request(token[1])).encode(), "application/json")
    assert answer.status == 201, answer
    host.agent = answer.document["agent_id"]


def report(collector: Collector, host: Host, age: timedelta = timedelta(), **changes: Any) -> None:
    assert collector.send(host.seal(host.snapshot(age=age, **changes))).status == 201


def until(page: Any, what: str) -> None:
    """Looked at again and again, as a person would."""
    end = time.monotonic() + HELD.total_seconds()
    while page.locator(what).count() == 0:
        assert time.monotonic() < end, page.locator("main").inner_text()
        time.sleep(0.5)
        page.reload()


def numbers(page: Any) -> dict[str, int]:
    words = page.locator(f"{TILES} dt").all_inner_texts()
    return dict(zip(words, map(int, page.locator(f"{TILES} dd").all_inner_texts()), strict=True))


def picture(page: Any, name: str, folder: Path) -> None:
    page.screenshot(path=folder / f"{name}.png", full_page=True)


def test_from_the_letter_to_the_final_report(collector: Collector, browser: Any, tmp_path: Path) -> None:  # noqa: F811
    context = browser.new_context(locale="vi-VN", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    log_on(page, collector)

    # three provinces: five machines report what is wrong with them, one more stands only on a list
    hosts = {name: Host(name) for names in PROVINCES.values() for name in names}
    for unit, names in PROVINCES.items():
        for name in names:
            enrol_by_page(page, collector, unit, hosts[name])
            report(collector, hosts[name], timedelta(minutes=10))
    listed = tmp_path / "danh-sach.csv"
    listed.write_text("tên máy,loại\ncm-9,server\n", encoding="utf-8")
    collector.command("coverage", "import", str(listed), "--source", "csv", "--unit", "BHXH tỉnh Cà Mau")

    # the letter becomes a campaign
    page.goto(f"{collector.url}/campaigns/")
    page.locator("select[name=unit]").select_option(label="Sở")
    page.get_by_role("button", name="Tạo đợt rà soát").click()
    today = datetime.now(UTC).astimezone(timezone(timedelta(hours=7))).date()
    page.locator("#id_number").fill(NUMBER)
    page.locator("#id_date").fill(today.isoformat())
    page.locator("#id_issuer").fill("Bảo hiểm xã hội Việt Nam")
    page.locator("#id_subject").fill(SUBJECT)
    page.locator("#id_deadline").fill((today + timedelta(days=5)).isoformat())
    page.locator("#id_contacts").fill("Thường trực Đội ứng cứu sự cố; hta.cntt@vss.gov.vn; 024.37753102")
    for check in (ROOT_LOGIN, ONE_ROOT):
        box = page.locator(f"input[name=checks][value='{check}']")
        fold = box.locator("xpath=ancestor::details")
        if fold.get_attribute("open") is None:
            fold.locator("summary").click()
        box.check()
    page.get_by_role("button", name="Lưu", exact=True).click()
    page.get_by_role("heading", name=NUMBER).wait_for()
    page.get_by_role("button", name="Bắt đầu đợt rà soát").click()
    until(page, TILES)
    begun = numbers(page)
    assert sum(begun.values()) == 6
    assert begun["Đã hoàn thành"] == 0
    picture(page, "dot-vua-bat-dau", tmp_path)

    # An Giang mends both machines, Bắc Ninh one of two, Cà Mau says nothing
    time.sleep(1)  # what counts was collected after the second of the start
    for name in ("ag-1", "ag-2", "bn-1"):
        report(collector, hosts[name], permit_root_login="no")
    report(collector, hosts["bn-2"])

    page.get_by_role("button", name="Kết thúc đợt rà soát").click()
    page.goto(page.url.split("?")[0] + "report/")
    until(page, "text=Báo cáo tổng kết.")
    picture(page, "bao-cao-cuoi", tmp_path)
    ended = numbers(page)
    assert (ended["Đã hoàn thành"], sum(ended.values())) == (3, 6)
    told = page.locator("main").inner_text()
    missing = page.locator(
        "section.card.flush.heading", has=page.get_by_role("heading", name=re.compile("^Chưa báo cáo từ khi bắt đầu"))
    )
    assert "cm-1" in missing.inner_text()
    never = page.locator("section.card.flush.heading", has=page.get_by_role("heading", name=re.compile("^Chưa từng báo cáo")))
    assert "cm-9" in never.inner_text()
    assert SUBJECT in told
    # before and after, by check: pass, fail, unknown, not seen
    row = page.locator("tr", has_text="SSH bằng tài khoản root")
    assert list(map(int, row.locator("td.num").all_inner_texts())) == [0, 5, 0, 1, 3, 1, 0, 2]

    # nothing that comes afterwards changes it
    report(collector, hosts["bn-2"], permit_root_login="no")
    page.reload()
    assert numbers(page) == ended
    with page.expect_download() as file:
        page.get_by_role("link", name="XLSX").click()
    assert Path(file.value.path()).read_bytes()[:2] == b"PK"
    assert said == [], "no error in the console, no violation of the content policy"
    context.close()
