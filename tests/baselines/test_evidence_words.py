"""What a check of evidence says: every line has its sentence."""

from __future__ import annotations

import ast
from pathlib import Path

from baselines.evidence import form
from baselines.evidence.lines import Line, words


def test_every_word_that_is_said_has_its_sentence() -> None:
    """In both languages, filled in from what the line carries: a sentence that is missing would end the program."""
    folder = Path(form.__file__).parent
    said = 0
    for source in folder.glob("*.py"):
        for call in ast.walk(ast.parse(source.read_text("utf-8"))):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id in ("holds", "fails", "unchecked", "note")
            ):
                if not (call.args and isinstance(call.args[0], ast.Constant)) or any(word.arg is None for word in call.keywords):
                    continue
                code_of = call.args[0].value
                detail = {word.arg or "": "x" for word in call.keywords}
                words("line", code_of)
                for language in ("vi", "en"):
                    assert Line("note", code_of, "x", detail).text(language)
                said += 1
    assert said > 80
