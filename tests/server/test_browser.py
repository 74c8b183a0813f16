"""A person with a browser: log on, choose a password, see the worst machine, look at it at another level."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.people import PASSWORD, Host
from tests.server.running import Collector

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [pytest.mark.system, pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium")]


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    found = Collector(tmp_path_factory.mktemp("browser"))
    found.start()
    for name, changes in (("tốt", {"permit_root_login": "no", "synchronised": True}), ("xấu", {"root_equivalents": ("toor",)})):
        host = Host(name)
        collector_snapshot = host.snapshot(**changes)
        found.enrol(host)
        assert found.send(host.seal(collector_snapshot)).status == 201
    yield found
    found.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield (
            found := playwright.chromium.launch(
                executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            )
        )
        found.close()


def test_from_log_on_to_another_level(collector: Collector, browser) -> None:
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))

    page.goto(collector.url)
    assert page.title() == "Đăng nhập · rasoat"
    page.get_by_label("Tên đăng nhập").fill("admin")
    page.get_by_label("Mật khẩu").fill(collector.password)
    page.get_by_role("button", name="Đăng nhập").click()

    page.get_by_role("heading", name="Đổi mật khẩu").wait_for()
    page.goto(f"{collector.url}/")
    assert page.url.endswith("/password/"), "no way around it"
    fields = page.locator("main input[type=password]")
    for number, text in enumerate((collector.password, PASSWORD, PASSWORD)):
        fields.nth(number).fill(text)
    page.get_by_role("button", name="Lưu mật khẩu mới").click()

    page.get_by_role("heading", name="Sở").wait_for()
    page.locator("main").get_by_role("link", name="Máy", exact=True).click()
    assert page.locator(".machines .name span").all_inner_texts() == ["xấu", "tốt"]
    page.get_by_role("link", name="xấu").click()
    assert page.locator("#fail summary .title").first.inner_text() == "Không có tài khoản nào khác mang quyền root"
    before = page.locator("#fail .check").count()
    page.locator(".levels").get_by_role("link", name="5").click()
    page.get_by_text("Đang xem đánh giá thử ở cấp độ 5").wait_for()
    assert page.locator("#fail .check").count() == before + 1

    page.locator("#fail .evidence summary").first.click()
    assert page.locator("#fail .sources").first.get_by_text("/etc/passwd").is_visible()
    page.get_by_role("button", name="EN").click()
    page.get_by_text("Judged on the fly at level 5").wait_for()
    page.get_by_role("link", name="Facts").click()
    assert page.get_by_text("Debian GNU/Linux 12 (bookworm)").first.is_visible()

    page.goto(f"{collector.url}/api/docs")
    page.get_by_text("/api/v1/snapshots").wait_for()
    assert said == [], "no error in the console, no violation of the content policy"
    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {f"127.0.0.1:{collector.port}"}
    context.close()


def test_a_phone_needs_no_sideways_scrolling(collector: Collector, browser) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(f"{collector.url}/log-on/")
    page.get_by_label("Tên đăng nhập").fill("admin")
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    for path in (
        "/",
        "/matrix/",
        "/rules/1/",
        "/machines/",
        "/machines/2/",
        "/machines/2/?tab=facts",
        "/machines/2/?tab=clauses",
        "/machines/2/?tab=history",
        "/tokens/",
        "/journal/",
    ):
        page.goto(collector.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    context.close()
