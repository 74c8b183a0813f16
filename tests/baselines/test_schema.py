"""The schemas for editors take every file that ships, and notice what the loader notices first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from baselines.loader import builtin
from baselines.reading import Yaml
from baselines.schema import FILES, schema
from tests.baselines.toy import CHECKS, GROUPS, STANDARD

ROOT = Path(__file__).parents[2] / "baselines"


def problems(kind: str, text: str) -> list[str]:
    # as an editor sees it: keys are text
    document: Any = json.loads(json.dumps(yaml.load(text, Loader=Yaml)))
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in Draft202012Validator(schema(kind)).iter_errors(document)
    ]


def shipped() -> list[tuple[str, Path]]:
    packs = [path for pack in builtin() for path in sorted((ROOT / pack).glob("*.yaml"))]
    kinds = [("standard" if path.name == "standard.yaml" else "requirements", path) for path in packs]
    return [("check", path) for path in sorted((ROOT / "checks").glob("*.yaml"))] + kinds


@pytest.mark.parametrize("kind", FILES)
def test_a_schema_is_one(kind: str) -> None:
    Draft202012Validator.check_schema(schema(kind))


def test_every_file_that_ships_is_taken() -> None:
    assert {str(path): found[:3] for kind, path in shipped() if (found := problems(kind, path.read_text("utf-8")))} == {}


@pytest.mark.parametrize(
    ("kind", "text", "old", "new"),
    [
        ("check", CHECKS, "op: at_most", "op: at_mots"),
        ("check", CHECKS, "fact: password_policy, field", "fact: pasword_policy, field"),
        ("check", CHECKS, "severity: high", "severity: hihg"),
        ("check", CHECKS, "remedy:", "remdy:"),
        ("check", CHECKS, "assert: {fact", "assert: {all: [], fact"),
        ("check", CHECKS, "seen: {password_policy:", "seen: {pasword_policy:"),
        ("check", CHECKS, "{vi: Khóa tài khoản khi đăng nhập sai, en: ", "{en: "),
        ("requirements", GROUPS, "coverage: automated", "coverage: automatic"),
        ("requirements", GROUPS, "origin: house", "origin: hose"),
        ("requirements", GROUPS, "groups:", "group:"),
        ("standard", STANDARD, "edition:", "editon:"),
        ("tailoring", "name: Unit\nparams: {a.b: {c: 1}}\n", "params", "parameters"),
    ],
)
def test_a_slip_is_noticed_while_typing(kind: str, text: str, old: str, new: str) -> None:
    assert problems(kind, text) == []
    assert problems(kind, text.replace(old, new, 1)) != []
