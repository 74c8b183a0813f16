"""Every main page in a real browser: both languages, light and dark, wide and narrow. axe finds nothing, nothing scrolls sideways, the
console is silent, and each page is kept as a picture that people can look at (RASOAT_PICTURES names the folder).

What the browser asks is answered in this process; test_browser.py meets a real collector.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextvars import Context, copy_context
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from server.findings import rollup, tally
from server.findings.codes import FAIL
from server.findings.models import Daily, Standing
from server.ingest.models import Machine
from tests.server.people import Host, send

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.system,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium"),
]
PAGES = {
    "overview": "/",
    "matrix": "/matrix/?shown=all",
    "rule": "/rules/{rule}/",
    "machines": "/machines/",
    "machine": "/machines/{machine}/",
    "facts": "/machines/{machine}/?tab=facts",
    "clauses": "/machines/{machine}/?tab=clauses",
    "history": "/machines/{machine}/?tab=history",
    "coverage": "/coverage/",
    "units": "/units/",
    "unit": "/units/{unit}/",
    "tokens": "/tokens/",
    "first-steps": "/first-steps/",
    "search": "/search/?q=xau",
    "vulnerabilities": "/vulnerabilities/",
    "feeds": "/feeds/",
    "campaigns": "/campaigns/",
    "equipment": "/registers/equipment/",
    "waivers": "/waivers/",
    "work": "/work/",
    "work-findings": "/work/findings/",
    "calendar": "/calendar/",
    "schedules": "/schedules/",
    "journal": "/journal/",
}
LOOKS = [("vi", "light", 1440), ("en", "dark", 1440), ("en", "light", 390), ("vi", "dark", 390)]
"""Each language and each scheme once wide and once narrow."""
TALLEST = 2600
HERE = "http://localhost"


@pytest.fixture
def there(client: Client, another, tree) -> dict[str, int]:
    """Machines of each state, and two days behind them."""
    for name, unit, changes in (
        ("tốt", "north", {"permit_root_login": "no", "synchronised": True}), ("xấu", "south", {"root_equivalents": ("toor",)}),
    ):  # fmt: skip
        host: Host = another(name, unit)
        snapshot = host.snapshot(**changes)
        assert send(client, host.seal(snapshot, host.judged(snapshot))).status_code == 201
    another("im lặng", "south")
    tally.fold_all()
    rollup.roll_up(timezone.localdate())
    for row in Daily.objects.all():
        row.pk = (row.unit_id, row.kind, row.date - timedelta(days=1))
        row.save(force_insert=True)
    machine = Machine.objects.get(name="xấu")
    rule = Standing.objects.filter(machine=machine, verdict=FAIL).order_by("rule")[0].rule_id
    return {"rule": rule, "machine": machine.pk, "unit": tree["root"].pk}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("RASOAT_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    # its library runs a loop in this thread, in which Django would not ask the database
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield (found := playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]))
        found.close()


@pytest.fixture
def opened(browser: Any, there: dict[str, int], as_admin: Client) -> Iterator[Any]:
    """Makes a page of a person who is in."""
    contexts = []
    ours = copy_context()  # the browser's library calls back in a context of its own, in which Django would open another database

    def make(**look: Any) -> Any:
        context = browser.new_context(**look)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.route("**/*", lambda route: _answer(ours, as_admin, route))
        return page

    yield make
    for context in contexts:
        context.close()


def _answer(ours: Context, client: Client, route: Any) -> None:
    try:
        status, told, body = ours.run(_got, client, route.request.url.removeprefix(HERE))
    except Exception as error:  # else the browser waits for ever, and nobody learns why
        status, told, body = 500, {}, repr(error).encode()
    route.fulfill(status=status, headers=told, body=body)


def _got(client: Client, path: str) -> tuple[int, dict[str, str], bytes]:
    response: Any = client.get(path, follow=True, headers={"host": "localhost"})
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return response.status_code, {name: value for name, value in response.headers.items() if name != "Content-Length"}, body


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
def test_pages_can_be_used_and_looked_at(
    opened: Any, there: dict[str, int], as_admin: Client, pictures: Path, language: str, scheme: str, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    axe, found = Axe(), []
    as_admin.cookies["rasoat_language"] = language
    page = opened(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.on("pageerror", lambda error: found.append(f"{page.url}: {error}"))
    page.on("console", lambda said: found.append(f"{page.url}: {said.text}"))
    for name, path in PAGES.items():
        page.goto(HERE + path.format(**there))
        assert page.locator("main h1").count() == 1, f"{path}: {page.content()[:500]}"
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{name} scrolls sideways")
        tall = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
        picture = pictures / f"{name}-{language}-{scheme}-{width}.png"
        page.screenshot(path=picture, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": tall})
        assert picture.stat().st_size > 5000
        for one in axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]:
            found.append(f"{name}: {one['id']}: {one['nodes'][0]['html'][:200]} ({len(one['nodes'])})")
    assert found == []


def test_whoever_has_no_mouse_gets_everywhere(opened: Any) -> None:
    page = opened()
    page.goto(f"{HERE}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_url("**/#main")
    for _ in range(5):
        page.keyboard.press("Tab")
        seen = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert seen != "none", page.evaluate("document.activeElement.outerHTML")
    headings = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((one) => Number(one.tagName[1]))")
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(headings)), headings


def test_a_chart_is_drawn_and_said(opened: Any) -> None:
    page = opened()
    page.goto(f"{HERE}/")
    page.locator(".chart canvas").wait_for()
    assert "Từ" in page.locator(".chart").get_attribute("aria-label")
    page.get_by_text("Xem dạng bảng").click()
    assert page.locator(".trend details tbody tr").count() == 2


def test_a_link_to_a_check_opens_it(opened: Any, there: dict[str, int]) -> None:
    page = opened()
    page.goto(f"{HERE}/rules/{there['rule']}/")
    page.locator("main .name").first.click()
    assert page.evaluate("document.getElementById(decodeURIComponent(location.hash.slice(1))).open")


def test_paper_gets_no_navigation_and_black_on_white(opened: Any, there: dict[str, int]) -> None:
    page = opened(color_scheme="dark")
    page.goto(f"{HERE}/machines/{there['machine']}/")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("header.top").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.pdf()[:5] == b"%PDF-"
