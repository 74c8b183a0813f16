"""Templates and texts of the organisation's own."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import docx
import pytest
from docx.shared import Pt

from server.documents.exports import docx as to_docx
from server.documents.exports import pdf
from server.documents.templates import HERE, TemplateError
from server.documents.texts import Texts
from tests.server.papers import read, report, size
from tests.server.test_rights import on


@pytest.fixture
def own(settings, tmp_path: Path) -> Path:
    """A data directory with room for templates of the organisation's own."""
    from server.config import Data

    folder = tmp_path / "documents"
    folder.mkdir()
    settings.DATA = Data(tmp_path)
    return folder


def test_a_docx_template_with_an_unknown_field_is_named_with_its_place(own: Path) -> None:
    with zipfile.ZipFile(HERE / "templates/paper.docx") as old, zipfile.ZipFile(own / "paper.docx", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "word/document.xml":
                data = data.replace(b"{{ words.place_and_day }}", b"{{ front.weather }}")
            new.writestr(name, data)
    with pytest.raises(TemplateError) as told:
        to_docx.written(report())
    message = str(told.value)
    assert str(own / "paper.docx") in message
    assert "word/document.xml" in message
    assert "front.weather" in message


def test_a_docx_template_without_a_style_is_named(own: Path) -> None:
    docx.Document().save(str(own / "paper.docx"))
    with pytest.raises(TemplateError, match=r"paper\.docx: styles are missing: .*RText"):
        to_docx.written(report())


def test_a_typst_template_with_an_unknown_field_is_named_with_its_place(own: Path) -> None:
    text = (HERE / "templates/paper.typ").read_text("utf-8").replace("words.place_and_day", "words.weather")
    (own / "paper.typ").write_text(text, "utf-8")
    with pytest.raises(TemplateError) as told:
        pdf.written(report())
    assert str(own / "paper.typ") in str(told.value)
    assert "weather" in str(told.value)


def test_texts_of_ones_own_are_held_against_those_that_ship(own: Path) -> None:
    (own / "reply.yaml").write_text("subject: V/v {number} {weather}\nintro: Kính gửi\nnobody: x\n", "utf-8")
    with pytest.raises(TemplateError) as told:
        Texts("reply.yaml")
    assert "reply.yaml:1: subject: {weather} is no field" in str(told.value)
    assert "reply.yaml:3: nobody is not known here" in str(told.value)
    (own / "reply.yaml").write_text("subject: Về {number}\n", "utf-8")
    say = Texts("reply.yaml")
    assert say("subject", number="12", date="") == "Về 12"
    assert say.at("annexes", "units"), "what it does not say is as shipped"


def test_a_template_of_ones_own_is_used(own: Path) -> None:
    shutil.copy(HERE / "templates/paper.docx", own / "paper.docx")
    document = docx.Document(str(own / "paper.docx"))
    document.styles["RText"].font.size = Pt(13)
    document.save(str(own / "paper.docx"))
    assert size(read(to_docx.written(report())), "RText") == 13


# organisation data -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("machines_columns: [TT, Tên máy]\n", "reply.yaml:1: machines_columns: 6 texts are needed, there are 2"),
        ("closing: 5\n", "reply.yaml:1: closing: a text"),
        ("kinds: máy chủ\n", "reply.yaml:1: kinds: a table is needed"),
        ("kinds: {server: }\n", "kinds.server: a text"),
        ("units_columns: [TT, {a: b}]\n", "units_columns: a list of texts is needed"),
        ('subject: V/v\nchecks_columns: "{weather}"\n', "checks_columns: a list of texts is needed"),
        ("- a\n", "a table of texts is needed"),
        ("a: [", "reply.yaml"),
    ],
)
def test_texts_that_would_break_a_paper_are_refused_with_their_place(own: Path, text: str, said: str) -> None:
    (own / "reply.yaml").write_text(text, "utf-8")
    with pytest.raises(TemplateError) as told:
        Texts("reply.yaml")
    assert said in str(told.value)


def test_texts_in_another_encoding_are_refused(own: Path) -> None:
    (own / "reply.yaml").write_bytes("closing: Kính báo cáo".encode("utf-16"))
    with pytest.raises(TemplateError, match=r"reply\.yaml"):
        Texts("reply.yaml")


@pytest.mark.django_db
def test_words_of_ones_own_that_lack_one_are_named_and_the_page_still_opens(own: Path, tree, admin) -> None:
    (own / "wording.yaml").write_text("attt: {title: Cũ}\nanm: 5\n", "utf-8")
    with pytest.raises(TemplateError) as told:
        Texts("reply.yaml")
    assert "wording.yaml:1: attt.luat: a text is needed" in str(told.value)
    assert "wording.yaml:2: anm: a table of words is needed" in str(told.value)
    client = on(admin)
    page = client.get(f"/units/{tree['north'].pk}/letterhead/")
    assert page.status_code == 200
    assert "wording.yaml" in page.content.decode()


def test_a_docx_template_that_reckons_wrongly_is_named(own: Path) -> None:
    with zipfile.ZipFile(HERE / "templates/paper.docx") as old, zipfile.ZipFile(own / "paper.docx", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "word/document.xml":
                data = data.replace(b"{{ words.place_and_day }}", b"{{ front.year + front.place }}")
            new.writestr(name, data)
    with pytest.raises(TemplateError, match=r"paper\.docx"):
        to_docx.written(report())
