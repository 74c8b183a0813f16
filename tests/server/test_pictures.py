"""Every main page in a real browser: both languages, light and dark, wide and narrow. axe finds nothing, nothing scrolls sideways, the
console is silent, and each page is kept as a picture that people can look at (RASOAT_PICTURES names the folder)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.server.people import PASSWORD, Host
from tests.server.running import Collector

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [pytest.mark.system, pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium")]
PAGES = {
    "overview": "/",
    "matrix": "/matrix/?shown=all",
    "rule": "/rules/1/",
    "machines": "/machines/",
    "machine": "/machines/2/",
    "facts": "/machines/2/?tab=facts",
    "clauses": "/machines/2/?tab=clauses",
    "history": "/machines/2/?tab=history",
    "coverage": "/coverage/",
    "units": "/units/",
    "unit": "/units/1/",
    "tokens": "/tokens/",
    "first-steps": "/first-steps/",
    "search": "/search/?q=xau",
    "vulnerabilities": "/vulnerabilities/",
    "feeds": "/feeds/",
    "campaigns": "/campaigns/",
    "equipment": "/registers/equipment/",
    "waivers": "/waivers/",
    "work": "/work/",
    "calendar": "/calendar/",
    "schedules": "/schedules/",
    "journal": "/journal/",
}
LOOKS = [("vi", "light", 1440), ("en", "dark", 1440), ("en", "light", 390), ("vi", "dark", 390)]
"""Each language and each scheme once wide and once narrow."""
TALLEST = 2600


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    found = Collector(tmp_path_factory.mktemp("pictures"))
    found.start()
    for name, changes in (("tốt", {"permit_root_login": "no", "synchronised": True}), ("xấu", {"root_equivalents": ("toor",)})):
        host = Host(name)
        found.enrol(host)
        assert found.send(host.seal(host.snapshot(**changes))).status == 201
    yield found
    found.stop()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wanted = os.environ.get("RASOAT_PICTURES")
    folder = Path(wanted) if wanted else tmp_path_factory.mktemp("pages")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield (found := playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]))
        found.close()


@pytest.fixture(scope="module")
def logged_on(collector: Collector, browser: Any) -> Any:
    """The cookies of a person who is in."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{collector.url}/log-on/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", collector.password)
    page.click("main button.main")
    fields = page.locator("main input[type=password]")
    for number, text in enumerate((collector.password, PASSWORD, PASSWORD)):
        fields.nth(number).fill(text)
    page.click("main button.main")
    page.wait_for_url(f"{collector.url}/")
    return context.storage_state()


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
def test_pages_can_be_used_and_looked_at(
    collector: Collector, browser: Any, logged_on: Any, pictures: Path, language: str, scheme: str, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    axe, found = Axe(), []
    # a browser that lets axe in, and is else as strict as any: the policy itself is tested in test_browser.py
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, storage_state=logged_on, bypass_csp=True
    )
    context.add_cookies([{"name": "rasoat_language", "value": language, "url": collector.url}])
    page = context.new_page()
    page.on("pageerror", lambda error: found.append(f"{page.url}: {error}"))
    for name, path in PAGES.items():
        page.goto(collector.url + path)
        assert page.locator("main h1").count() == 1, path
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{name} scrolls sideways")
        tall = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
        picture = pictures / f"{name}-{language}-{scheme}-{width}.png"
        page.screenshot(path=picture, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": tall})
        assert picture.stat().st_size > 5000
        for one in axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]:
            found.append(f"{name}: {one['id']}: {one['nodes'][0]['html'][:200]} ({len(one['nodes'])})")
    context.close()
    assert found == []


def test_whoever_has_no_mouse_gets_everywhere(collector: Collector, browser: Any, logged_on: Any) -> None:
    context = browser.new_context(storage_state=logged_on)
    page = context.new_page()
    page.goto(f"{collector.url}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    for _ in range(5):
        page.keyboard.press("Tab")
        seen = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert seen != "none", page.evaluate("document.activeElement.outerHTML")
    headings = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((one) => Number(one.tagName[1]))")
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(headings)), headings
    context.close()


def test_paper_gets_no_navigation_and_everything_that_is_folded(collector: Collector, browser: Any, logged_on: Any) -> None:
    context = browser.new_context(storage_state=logged_on, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{collector.url}/machines/2/")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("header.top").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf()[:5] == b"%PDF-"
    context.close()
