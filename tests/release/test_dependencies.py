"""What rasoat rests on: pinned, used, and under licences that go together with ours."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from scripts.release import audit
from scripts.release.dependencies import Part, asked_for, closure, imports, known, of_group, pinned, project, refused

CODE = ("agent", "collectors", "baselines", "server")
EXTRAS = tuple(project()["project"]["optional-dependencies"])
NOT_IMPORTED = {"argon2-cffi": "Django's password hasher imports it", "whitenoise": "named in the settings"}
COMES_ALONG = {
    "django-tasks": "django-tasks-db",
    "jinja2": "docxtpl",
    "joserfc": "authlib",
    "lxml": "python-docx",
    "pydantic-core": "pydantic",
}
"""What our code imports without asking for it, and who brings it."""
APART = {"audit", "release"}
"""Groups for environments of their own, which `make setup` does not install."""
ELSEWHERE = {
    "altgraph", "pyinstaller", "pyinstaller-hooks-contrib", "setuptools",
    "cachecontrol", "msgpack", "pip-api", "pip-audit", "pip-requirements-parser", "pyparsing", "tomli", "tomli-w",
    "editables",
}  # fmt: skip
"""Pinned for those groups, and for the build of an editable installation."""


@pytest.fixture(scope="module")
def everything() -> dict[str, Part]:
    groups = set(project()["dependency-groups"]) - APART
    return closure([*asked_for(EXTRAS), *(one for name in sorted(groups) for one in of_group(name))])


def test_each_is_pinned_to_what_is_installed(everything: dict[str, Part]) -> None:
    assert len(everything) > 100
    pins = pinned()
    assert {name: part.version for name, part in everything.items() if pins.get(name) != part.version} == {}


def test_nothing_is_pinned_that_nobody_needs(everything: dict[str, Part]) -> None:
    assert set(pinned()) - set(everything) == ELSEWHERE
    named = {canonicalize_name(one.name) for group in APART for one in of_group(group)}
    assert named <= ELSEWHERE


def test_every_licence_is_on_our_list(everything: dict[str, Part]) -> None:
    assert {name: part.licence for name, part in everything.items() if refused(part.licence)} == {}
    assert all(why.strip() for why in known()["allowed"].values())
    assert all(told["seen"].strip() for told in known()["packages"].values())


def test_the_list_names_nothing_that_is_gone(everything: dict[str, Part]) -> None:
    assert set(known()["packages"]) <= set(everything) | ELSEWHERE
    used = {word for part in everything.values() for word in part.licence.replace("(", "").replace(")", "").split()}
    assert set(known()["allowed"]) <= used


def test_only_what_is_said_is_under_the_gpl(everything: dict[str, Part]) -> None:
    gpl = {name for name, part in everything.items() if "GPL-3.0-or-later" in part.licence and "LGPL" not in part.licence}
    assert gpl == {"python-nmap"}
    assert not gpl & set(closure(asked_for())), "a packed agent would be under it as a whole"
    assert "python-nmap" in (Path(__file__).parents[2] / "docs" / "decisions.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("expression", "missing"),
    [
        ("MIT", []),
        ("SSPL-1.0", ["SSPL-1.0"]),
        ("MIT AND SSPL-1.0", ["SSPL-1.0"]),
        ("SSPL-1.0 OR MIT", []),
        ("(SSPL-1.0 OR BUSL-1.1)", ["BUSL-1.1"]),
        ("SSPL-1.0 AND BUSL-1.1", ["SSPL-1.0", "BUSL-1.1"]),
    ],
)
def test_of_two_one_is_enough_and_of_both_both_are_needed(expression: str, missing: list[str]) -> None:
    assert refused(expression) == missing


def used() -> set[str]:
    """Packages whose modules our code imports."""
    ours = packages_distributions()
    return {canonicalize_name(name) for _path, module in imports(CODE) for name in ours.get(module, ())}


def test_what_pyproject_asks_for_is_used() -> None:
    named = {canonicalize_name(one.name) for one in asked_for(EXTRAS)}
    assert named - used() == set(NOT_IMPORTED), "take it out, or say who needs it"


def test_what_is_used_is_asked_for(everything: dict[str, Part]) -> None:
    named = {canonicalize_name(one.name) for one in asked_for(EXTRAS)}
    assert used() - named - {"rasoat"} == set(COMES_ALONG), "ask for it, or say who brings it"
    assert {name for name, bringer in COMES_ALONG.items() if name not in everything[bringer].requires} == set()


# `make audit` ---------------------------------------------------------------------------------------------------------

WANTED = {"one": "1.0", "two": "2.0"}
SOUND = [{"name": "One", "version": "1.0", "vulns": []}, {"name": "two", "version": "2.0", "vulns": []}]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (SOUND, 0),
        (SOUND[:1], 3),
        ([], 3),
        ([SOUND[0], {"name": "two", "skip_reason": "not found"}], 3),
        ([SOUND[0], {"name": "two", "version": "1.9", "vulns": []}], 3),
        ([SOUND[0], {"name": "two", "version": "2.0", "vulns": [{"id": "CVE-2026-1"}]}], 1),
        ([{"name": "one", "skip_reason": "x"}, {"name": "two", "version": "2.0", "vulns": [{"id": "CVE-2026-1"}]}], 1),
    ],
)
def test_what_was_not_looked_at_is_never_nothing_found(rows: list[dict[str, object]], code: int) -> None:
    assert audit.judged({"dependencies": rows}, WANTED).code == code


@pytest.mark.parametrize(
    "program",
    [
        "import sys; sys.exit('no name service')",
        "print('{}')",
        "print('not JSON')",
        "import json; print(json.dumps({'dependencies': []}))",
    ],
)
def test_a_tool_that_cannot_look_ends_with_three(program: str) -> None:
    answer = audit.advisories([sys.executable, "-c", program], "pypi")
    assert (answer.code, len(answer.unseen)) == (3, len(pinned()))


def test_a_tool_that_is_not_there_ends_with_three(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--pip-audit", "/nonexistent/pip-audit"]) == 3
    assert "could not be looked at" in capsys.readouterr().out


def test_what_it_says_is_taken_over(tmp_path: Path) -> None:
    rows = [{"name": name, "version": version, "vulns": []} for name, version in pinned().items()]
    told = tmp_path / "told.json"
    told.write_text(json.dumps({"dependencies": rows}))
    words = [sys.executable, "-c", f"print(open({str(told)!r}).read())"]
    assert audit.advisories(words, "osv") == audit.Answer({}, {})
    assert subprocess.run(words, capture_output=True, check=True).stdout
