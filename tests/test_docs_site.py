"""The documentation as a site: it builds without a warning, every page is found by the navigation, and nothing of it is fetched from elsewhere."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from mkdocs.commands.build import build
from mkdocs.config import load_config

ROOT = Path(__file__).parent.parent
NAMES = {  # what users read, in both languages
    "index.md": "en/index.md",
    "vi/cai-mot-may.md": "en/install-one.md",
    "vi/cai-mot-tinh.md": "en/install-province.md",
    "vi/cai-ca-nuoc.md": "en/install-country.md",
    "vi/khac-phuc-loi.md": "en/troubleshooting.md",
}
FETCHED = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src",),
    "object": ("data",),
}


class Page(HTMLParser):
    """What a page fetches, what it links to, and what can be linked to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetches: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := found.get(name))}
        self.fetches += [value for name in FETCHED.get(tag, ()) if (value := found.get(name))]
        self.fetches += re.findall(r"url\(([^)]+)\)", found.get("style") or "")
        if tag == "a" and (href := found.get("href")):
            self.links.append(href)
        if tag == "html":
            self.language = found.get("lang") or ""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make docs` builds it: a warning ends it."""
    folder = tmp_path_factory.mktemp("site")
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True))
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text("utf-8")) for path in site.rglob("*.html")}


def outside(address: str) -> bool:
    return re.match(r"(?:[a-z]+:)?//", address) is not None


def test_nothing_is_fetched_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    assert len(pages) > 40
    assert not [(path.name, address) for path, page in pages.items() for address in page.fetches if outside(address)]
    for style in site.rglob("*.css"):
        text = style.read_text("utf-8")
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:[a-z]+:)?//", text), style.name
    own = [script for script in site.rglob("*.js") if script.name not in ("index.js", "theme.js") and "jquery" not in script.name]
    assert own
    for script in own:
        assert not re.search(r"(?:fetch|importScripts|getScript)\(|XMLHttpRequest", script.read_text("utf-8")), script.name


def test_whatever_is_linked_or_fetched_within_is_there(site: Path, pages: dict[Path, Page]) -> None:
    lost = []
    for path, page in pages.items():
        for address in page.links + page.fetches:
            if outside(address) or re.match(r"[a-z]+:", address):
                continue
            name, _hash, anchor = address.partition("#")
            target = (path.parent / unquote(name.partition("?")[0])).resolve() if name else path
            if path.name == "404.html" or not target.is_relative_to(site.resolve()):
                target = site / unquote(name.lstrip("/"))
            if target.is_dir():
                target /= "index.html"
            if not target.exists() or (anchor and target.suffix == ".html" and unquote(anchor) not in pages[target].anchors):
                lost.append(f"{path.relative_to(site)}: {address}")
    assert not lost


def _named(part: object) -> set[str]:
    if isinstance(part, str):
        return {part}
    return set().union(*(_named(one) for one in (part.values() if isinstance(part, dict) else part)))  # type: ignore[attr-defined]


def test_every_page_stands_in_the_navigation_and_users_pages_in_both_languages() -> None:
    named = _named(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"])
    written = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    steps = {name for name in written if name.startswith("walkthroughs/")}
    assert named == written - steps
    assert {name.split("/")[2] for name in steps if "/vi/" in name} == {name.split("/")[2] for name in steps if "/en/" in name}
    assert named >= set(NAMES) | set(NAMES.values())
    for vietnamese, english in NAMES.items():
        one, other = ((ROOT / "docs" / name).read_text("utf-8") for name in (vietnamese, english))
        assert one.count("\n## ") == other.count("\n## ") + (vietnamese == "index.md"), vietnamese
        assert one.count("```sh") == other.count("```sh"), vietnamese


def test_pages_say_their_language(site: Path, pages: dict[Path, Page]) -> None:
    for vietnamese, english in NAMES.items():
        assert pages[site / vietnamese.replace(".md", ".html")].language == "vi"
        assert pages[site / english.replace(".md", ".html")].language == "en"


def test_tables_and_lists_are_read_as_such(site: Path) -> None:
    """Others take a list or a table without an empty line before it; this one makes one long sentence of it."""
    for path in site.rglob("*.html"):
        text = re.sub(r"<pre>.*?</pre>", "", path.read_text("utf-8"), flags=re.S)
        for sentence in re.findall(r"<p>(.*?)</p>", text, re.S):
            assert not re.search(r"\n(?:- |\d+\. |\|)", sentence), f"{path.name}: {sentence[:80]}"
        assert not re.search(r"<code>[^<]*\\\|", text), f"{path.name}: a bar with its stroke"


def test_the_index_of_the_search_is_a_script_of_all_pages(site: Path) -> None:
    text = (site / "search/index.js").read_text("utf-8")
    found = json.loads(text.removeprefix("window.searchIndex=").rstrip().removesuffix(";"))
    locations = {entry["location"].partition("#")[0] for entry in found}
    assert {"index.html", "vi/khac-phuc-loi.html", "cli.html"} <= locations
    assert not (site / "search/worker.js").exists()
    scripts = Page((site / "search.html").read_text("utf-8")).fetches
    assert any(address.endswith("assets/search.js") for address in scripts)
    assert not any("search/main.js" in address for address in scripts)
