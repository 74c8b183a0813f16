"""What is made of the code for those who look something up: the command line and the addresses of the API, whole and in both languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from ninja import Schema

from scripts import api_page, cli_page
from scripts.command_lines import parsers, speaking, subcommands


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return api_page.document()


@pytest.fixture(scope="module")
def addresses() -> str:
    return api_page.page()


@pytest.fixture(scope="module")
def command_line() -> str:
    return cli_page.page()


def test_every_address_stands_there_with_its_parameters_and_answers(told: dict[str, Any], addresses: str) -> None:
    parts = {part.partition("\n")[0]: part for part in addresses.split("\n### ")}
    calls = [(method, path, call) for path, methods in told["paths"].items() for method, call in methods.items()]
    assert len(calls) > 45
    for method, path, call in calls:
        part = parts[f"{method.upper()} {path}"]
        assert call["summary"] in part
        assert all(f"| `{one['name']}` |" in part for one in call.get("parameters", []))
        assert all(f"- {status} " in part for status in call["responses"])


def test_every_form_that_a_call_names_has_its_fields(told: dict[str, Any], addresses: str) -> None:
    parts = {part.partition("\n")[0]: part for part in addresses.partition("\n## Forms\n")[2].split("\n### ")}
    work = parts["WorkOut"]
    assert "`interval_seconds`" in work, "what an agent is told, not what people work on"
    assert all(f"| `{field}` |" in parts["HandledOut"] for field in told["components"]["schemas"]["HandledOut"]["properties"])
    for name in api_page._reached(told["components"]["schemas"], list(told["paths"].values())):
        assert name in parts


def _below(form: type[Schema]) -> Iterator[type[Schema]]:
    for one in form.__subclasses__():
        yield one
        yield from _below(one)


def test_no_two_forms_of_the_api_share_a_name(told: dict[str, Any]) -> None:
    """The document has one place for each name: of two, the fields of the wrong one would be told."""
    names = Counter(form.__name__ for form in set(_below(Schema)) if form.__module__.startswith("server."))
    assert len(names) > 80
    assert [name for name, times in names.items() if times > 1] == []


def test_every_command_and_option_is_on_the_page(command_line: str) -> None:
    shown = set()
    for word, parser in parsers().items():
        for name, leaf in cli_page._leaves(f"rasoat {word}", parser):
            if subcommands(leaf):
                continue
            shown.add(name)
            part = command_line.partition(f"# {name}\n")[2].partition("\n#")[0]
            assert f"    {name}" in part, name
            for action in leaf._actions:
                if action.option_strings and cli_page._shown(action):
                    assert f"`{action.option_strings[-1]}" in part, f"{name} {action.option_strings}"
    assert len(shown) > 120


def test_what_an_option_means_is_said_in_both_languages(command_line: str) -> None:
    assert (
        "| `--level N` | cấp độ an toàn dùng để đánh giá (mặc định: 2) | security level to judge at (default: 2) |"
        in command_line
    )
    assert "`--child`" not in command_line, "what is hidden stays so"


def test_the_languages_are_put_back() -> None:
    before = parsers()["scan"].format_help()
    with speaking("vi"):
        assert "rà soát" in parsers()["scan"].format_help()
    assert parsers()["scan"].format_help() == before
