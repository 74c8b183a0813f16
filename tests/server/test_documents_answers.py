"""What people write into the blanks of a paper by a file: each name is one that the paper asks, or it is told."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from server.documents import console, making
from server.documents.models import Document
from server.documents.report import Paragraph
from server.registers.systems import System
from tests.server.documents import signed

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(tree, tmp_path: Path):
    """The yearly report of the root, made at the console from a file of answers: its exit code."""
    signed(tree["root"])
    path = tmp_path / "answers.json"

    def make(content: bytes) -> int:
        path.write_bytes(content)
        told = {
            "kind": "yearly",
            "unit": None,
            "period": "2026",
            "blank_signer": False,
            "format": "xlsx",
            "output": str(tmp_path / "paper.xlsx"),
        }
        return console.report(argparse.Namespace(answers=str(path), **told))

    return make


def test_what_the_paper_asks_is_printed(made, capsys) -> None:
    assert made(json.dumps({"owner": "Sở Mẫu", "expected": "2027"}).encode()) == 0
    told = capsys.readouterr()
    assert "answers.json" not in told.out + told.err
    report = Document.objects.get().issues.get().report
    said = " ".join(one.text for one in report.body if isinstance(one, Paragraph))
    assert "Sở Mẫu" in said
    assert [one.id for one in report.asked if one.answer] == ["owner", "expected"]


def test_a_name_without_a_blank_is_told_and_nothing_is_made(made, capsys) -> None:
    assert made(json.dumps({"owner": "Sở Mẫu", "ownr": "x"}).encode()) != 0
    told = capsys.readouterr().err
    assert "answers.json: " in told
    assert "ownr" in told
    assert "owner" not in told
    assert "rasoat dossier asks" in told, "what to do"
    assert not Document.objects.exists()


def test_what_is_not_asked_now_is_told_and_kept(made, tree, capsys) -> None:
    one = System.objects.create(unit=tree["root"], name="A", approval="approved", created_by="x")
    assert made(json.dumps({"expected": "quý II năm 2027"}).encode()) == 0
    told = capsys.readouterr().out
    assert any("answers.json" in line and "expected" in line for line in told.splitlines())
    System.objects.filter(pk=one.pk).update(approval="draft")
    later = making.again(Document.objects.get(), None, "x").report
    assert any("quý II năm 2027" in said.text for said in later.body if isinstance(said, Paragraph))


def test_what_was_kept_for_another_paper_keeps_none_from_being_made(made) -> None:
    assert made(b"{}") == 0
    Document.objects.update(answers={"của bản trước": "x"})
    assert made(b"{}") == 0


@pytest.mark.parametrize(
    "content", [b"[", b"[]", b'{"owner": 5}', b"\xff", b"[" * 200_000], ids=["cut", "list", "number", "bytes", "deep"]
)
def test_a_file_that_holds_no_texts_is_named(made, content: bytes, capsys) -> None:
    assert made(content) != 0
    assert "answers.json: " in capsys.readouterr().err
    assert not Document.objects.exists()
