"""Plays the walk-throughs and writes docs/walkthroughs and docs/images/walkthroughs.

    python -m scripts.walkthroughs [NAME ...] [--language vi|en]
    python -m scripts.walkthroughs --text        only the wording changed: outputs and pictures stay as they are

Needs root (a network of its own, private copies of this machine), Debian's chromium, openssh-server and nmap. Some minutes each.
"""

from __future__ import annotations

import argparse
import atexit
import importlib
import os
import tempfile
from pathlib import Path

from scripts.walkthroughs import office
from scripts.walkthroughs.pages import DOCS, LANGUAGES, NAMES, Played, retold, template
from scripts.walkthroughs.story import EMPTY


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.walkthroughs", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--language", choices=LANGUAGES, action="append")
    parser.add_argument("--text", action="store_true", help="play nothing: put the templates' wording around what is there")
    options = parser.parse_args()
    asked = [(name, language) for name in options.names or NAMES for language in options.language or LANGUAGES]
    if options.text:
        for name, language in asked:
            file = DOCS / "walkthroughs" / language / f"{name}.md"
            file.write_text(retold(template(language, name), file.read_text("utf-8"), language), "utf-8")
        return 0
    office.enter()
    if "RASOAT_WALKTHROUGHS_EMPTY" not in os.environ:
        atexit.register(EMPTY.unlink, missing_ok=True)
    for name, language in asked:
        module = importlib.import_module(f"scripts.walkthroughs.{name.replace('-', '_')}")
        with tempfile.TemporaryDirectory(prefix="rasoat-walk-") as folder, module.Story(Path(folder), language) as story:
            page = Played(language, name, story, DOCS / "images" / "walkthroughs" / language).page()
        file = DOCS / "walkthroughs" / language / f"{name}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
