"""Pictures of pages as people see them, cut to what matters and kept small: at most 256 colours, which pages rarely exceed."""

from __future__ import annotations

import base64
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = "/usr/bin/chromium"
WIDTH = 1280
_FEW_COLOURS = """async (url) => {
  const image = new Image(); image.src = url; await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height), drawn = canvas.getContext('2d');
  drawn.drawImage(image, 0, 0);
  const seen = new Uint32Array(drawn.getImageData(0, 0, image.width, image.height).data.buffer), counts = new Map();
  for (const one of seen) counts.set(one, (counts.get(one) || 0) + 1);
  const often = [...counts].sort((a, b) => b[1] - a[1]).map(([one]) => [one & 255, one >> 8 & 255, one >> 16 & 255, one]);
  const far = (a, b) => Math.max(Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1]), Math.abs(a[2] - b[2]));
  let kept = [];
  for (let apart = 0; ; apart += 2) {
    kept = [];
    for (const one of often) { if (kept.every((other) => far(one, other) > apart)) kept.push(one); if (kept.length > 256) break; }
    if (kept.length <= 256) break;
  }
  const place = new Map();
  for (const one of often) {
    let best = 0;
    kept.forEach((other, n) => { if (far(one, other) < far(one, kept[best])) best = n; });
    place.set(one[3], best);
  }
  let text = '';
  for (const one of seen) text += String.fromCharCode(place.get(one));
  return {width: image.width, height: image.height, palette: kept.map((one) => one.slice(0, 3)), pixels: btoa(text)};
}"""


class Browser:
    """Who sits before it: a light screen, 1280 wide, in that language."""

    def __init__(self, playwright: Any, language: str, address: str) -> None:
        self.language, self.url = language, "https://collector.example"
        self._chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--ignore-certificate-errors", f"--host-resolver-rules=MAP collector.example {address}"],
        )  # fmt: skip
        self.page = self.person()

    def person(self) -> Any:
        """Somebody else, who has not logged on yet."""
        context = self._chromium.new_context(
            viewport={"width": WIDTH, "height": 860}, color_scheme="light", ignore_https_errors=True, timezone_id="Asia/Ho_Chi_Minh",
            locale="vi-VN" if self.language == "vi" else "en-GB", reduced_motion="reduce",
        )  # fmt: skip
        context.add_cookies([{"name": "rasoat_language", "value": self.language, "url": self.url}])
        page = context.new_page()
        page.set_default_timeout(180_000)
        return page

    def open(self, path: str, page: Any = None) -> Any:
        page = page or self.page
        self.went(page, self.url + path)
        assert page.locator("main h1").count() == 1, f"{path}: {page.locator('body').inner_text()[:500]}"
        return page

    def went(self, page: Any, url: str) -> None:
        """A machine that is busy with other things may be too slow once."""
        from playwright.sync_api import Error

        for left in (2, 1, 0):
            try:
                page.goto(url)
                return
            except Error:
                if not left:
                    raise

    def close(self) -> None:
        self._chromium.close()

    def keep(self, file: Path, page: Any, first: Any = None, last: Any = None, tallest: int = 900) -> None:
        """From the top of one part of the page to the end of another; without them from the top of the page, `tallest` pixels."""
        page.wait_for_load_state("networkidle")
        page.evaluate("document.activeElement && document.activeElement.blur()")
        page.mouse.move(0, 0)
        whole = page.evaluate("document.documentElement.scrollHeight")
        top = 0.0
        if first is not None:
            top = max(0.0, _box(page, first)["y"] - 12)
        end = min(whole, top + tallest)
        if last is not None:
            box = _box(page, last)
            end = min(end, box["y"] + box["height"] + 14)
        clip = {"x": 0, "y": top, "width": WIDTH, "height": max(80.0, end - top)}
        self.shrink(page.screenshot(full_page=True, clip=clip, animations="disabled"), file)

    def keep_paper(self, file: Path, paper: bytes) -> None:
        """The first sheet of a PDF."""
        with tempfile.TemporaryDirectory() as folder:
            pdf = Path(folder) / "paper.pdf"
            pdf.write_bytes(paper)
            subprocess.run(["pdftoppm", "-r", "80", "-f", "1", "-l", "1", "-png", pdf, f"{folder}/page"], check=True)
            (page,) = Path(folder).glob("page*.png")
            self.shrink(page.read_bytes(), file)

    def shrink(self, picture: bytes, file: Path) -> None:
        blank = self._chromium.new_page()
        found = blank.evaluate(_FEW_COLOURS, "data:image/png;base64," + base64.b64encode(picture).decode())
        blank.close()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_png(found["width"], found["height"], found["palette"], base64.b64decode(found["pixels"])))


@contextmanager
def browser(language: str, address: str = "192.0.2.1") -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = Browser(playwright, language, address)
        yield found
        found.close()


def _box(page: Any, part: Any) -> dict[str, float]:
    found = page.locator(part).first if isinstance(part, str) else part
    box = found.bounding_box()
    assert box is not None, f"{part} is not to be seen"
    return {"y": box["y"] + page.evaluate("window.scrollY"), "height": box["height"]}


def _png(width: int, height: int, palette: list[list[int]], pixels: bytes) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = b"".join(b"\0" + pixels[y * width : (y + 1) * width] for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    colours = b"".join(bytes(one) for one in palette)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"PLTE", colours) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")  # fmt: skip
