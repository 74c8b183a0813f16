"""What the site needs beyond mkdocs: the language of each page, and a search that works where pages are opened as files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from collectors import VERSION

ENGLISH, VIETNAMESE = '<html class="writer-html5" lang="en"', '<html class="writer-html5" lang="vi"'
LUNR = ("search_index.json", "main.js", "worker.js", "lunr.js")
"""mkdocs' own search: a worker that fetches its index, which a page opened as a file may not do."""
STEPS = {"Tiếng Việt": ("Từng bước", "vi"), "English": ("Step by step", "en")}
"""Heading of the navigation: what its walk-throughs are called, and their folder under walkthroughs/."""
ORDER = ("index", "scheduled-scans", "ad-hoc-audit", "pre-holiday-sweep", "dossier")
"""As people meet them; what is named in none of these comes last."""


def _walkthroughs(config: Any) -> None:
    """The pages that scripts/walkthroughs writes, under the headings of their languages, before the last page there."""
    for part in config.nav:
        for heading, pages in part.items():
            name, language = STEPS.get(heading, ("", ""))
            found = Path(config.docs_dir).glob(f"walkthroughs/{language}/*.md") if name else ()
            found = sorted(found, key=lambda path: (ORDER.index(path.stem) if path.stem in ORDER else len(ORDER), path.stem))
            if found:
                pages.insert(-1, {name: [path.relative_to(config.docs_dir).as_posix() for path in found]})


def on_config(config: Any) -> None:
    _walkthroughs(config)
    config.extra["version"] = VERSION
    config.extra_javascript[:] = [script for script in config.extra_javascript if str(script) != "search/main.js"]


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    name = page.file.src_uri
    page.meta.setdefault("lang", "vi" if name == "index.md" or "vi/" in name or name.endswith(".vi.md") else "en")
    return "\n".join(_code_in_table(line) if line.startswith("|") else line for line in markdown.split("\n"))


def _code_in_table(row: str) -> str:
    """`a\\|b` is how others write a bar inside code inside a table; here the code protects it already, and the stroke would be seen."""
    return re.sub(r"`[^`]+`", lambda code: code[0].replace("\\|", "|"), row)


def on_post_page(output: str, page: Any, config: Any) -> str:
    return output.replace(ENGLISH, VIETNAMESE) if page.meta.get("lang") == "vi" else output


def on_post_build(config: Any) -> None:
    folder = Path(config.site_dir) / "search"
    pages = json.loads((folder / "search_index.json").read_text("utf-8"))["docs"]
    kept = [{key: page[key] for key in ("location", "title", "text")} for page in pages]
    (folder / "index.js").write_text(f"window.searchIndex={json.dumps(kept, ensure_ascii=False)};\n", "utf-8")
    for name in LUNR:
        (folder / name).unlink(missing_ok=True)
