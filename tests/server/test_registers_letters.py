"""Vietnamese in every form it comes in: no letter is lost, what cannot be told apart is refused, and files come back as they went."""

from __future__ import annotations

import csv
import io
import unicodedata
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.registers import encodings, reading
from server.registers.columns import clean, columns, day_of, mapping_of
from server.registers.reading import guarded, read
from server.web.workbook import written

SMALL = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđ"
WITHOUT_TONE = "ĂÂÊÔƠƯĐAEIOUY"
TEXT = "Tên thiết bị;Đơn vị sử dụng;Cán bộ sử dụng\nMáy tính để bàn;Phòng Kế hoạch - Tài chính;Nguyễn Thị Hằng\nLưu điện;Phòng Giám định;Đỗ Văn Hải\n"
words = st.text(st.sampled_from(SMALL + SMALL.upper() + "bcghklmnpqrstvx BCH 019.-"), max_size=40)


def windows_1258(text: str) -> bytes:
    """As Windows writes it: the tone stands behind its vowel."""
    out = []
    for letter in text:
        apart = unicodedata.normalize("NFD", letter)
        tones = "".join(mark for mark in apart if mark in encodings.TONES)
        out.append(unicodedata.normalize("NFC", "".join(mark for mark in apart if mark not in encodings.TONES)) + tones)
    return "".join(out).encode("cp1258")


def test_every_letter_is_known_to_both_tables() -> None:
    told = encodings._told()
    assert sorted(told["letters"]) == sorted(SMALL)
    assert len(SMALL) == 73
    for letter in SMALL:
        assert encodings.from_tcvn3(encodings.to_tcvn3(letter)) == letter
        for case in (letter, letter.upper()):
            assert encodings.from_vni(encodings.to_vni(case)) == case
    for letter in WITHOUT_TONE:
        assert encodings.from_tcvn3(encodings.to_tcvn3(letter)) == letter
    assert encodings.from_tcvn3(encodings.to_tcvn3("Ế")) == "ế", "TCVN3 has no capital with a tone: the font made it one"


@given(words)
def test_words_come_back_out_of_vni(text: str) -> None:
    encoded = encodings.to_vni(text)
    assert len(encoded.encode("cp1252")) == len(encoded)
    assert encodings.from_vni(encoded) == text


@given(st.text(st.sampled_from(SMALL + WITHOUT_TONE + "bcdghklmnpqrstvx 019.-"), max_size=40))
def test_words_come_back_out_of_tcvn3(text: str) -> None:
    encoded = encodings.to_tcvn3(text)
    assert len(encoded.encode("latin-1")) == len(encoded)
    assert encodings.from_tcvn3(encoded) == text


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (TEXT.encode(), encodings.UNICODE),
        (TEXT.encode("utf-8-sig"), encodings.UNICODE),
        (TEXT.encode("utf-16"), encodings.UNICODE),
        (unicodedata.normalize("NFD", TEXT).encode(), encodings.UNICODE),
        (encodings.to_tcvn3(TEXT).encode("latin-1"), encodings.TCVN3),
        (encodings.to_vni(TEXT).encode("cp1252"), encodings.VNI),
        (encodings.to_tcvn3(TEXT).encode(), encodings.TCVN3),
        (windows_1258(TEXT), encodings.WINDOWS),
        (TEXT.replace(";", "\t").encode(), encodings.UNICODE),
        (b"sep=;\n" + TEXT.encode(), encodings.UNICODE),
    ],
)
def test_a_table_reads_the_same_in_every_encoding(raw: bytes, encoding: str) -> None:
    table = read(raw, "a.csv", "equipment")
    assert table.encoding == encoding
    assert mapping_of("equipment", table.heading) == ["name", "unit", "person"]
    cells = [[clean(cell) for cell in row] for _line, row in table.rows]
    assert [row[2] for row in cells] == ["Nguyễn Thị Hằng", "Đỗ Văn Hải"]
    assert cells[1][0] == "Lưu điện"
    assert table.bad == {}


def test_a_workbook_in_an_old_font_is_converted_whole() -> None:
    rows = [[encodings.to_tcvn3(cell) for cell in line.split(";")] for line in TEXT.strip().split("\n")]
    raw = b"".join(written(rows[1:], rows[0]))
    table = read(raw, "a.xlsx", "equipment")
    assert table.encoding == encodings.TCVN3
    assert table.rows[1][1][2] == "Đỗ Văn Hải"


@pytest.mark.parametrize("old", [encodings.to_tcvn3, encodings.to_vni])
def test_a_cell_of_an_old_font_among_unicode_is_refused_by_its_place(old) -> None:
    text = f"Tên thiết bị;Ghi chú\nMáy tính;{old('Phòng Kế toán')}\nMáy in;Café\n"
    assert read(text.encode(), "a.csv", "equipment").bad == {(2, 1): reading.LEGACY}


def test_letters_that_were_lost_are_told_from_questions() -> None:
    text = "Tên thiết bị;Ghi chú\nM?y t?nh;x\nMáy in;xem http://may/tim?ten=x\nMáy in;Hỏng? Chưa\n"
    assert read(text.encode(), "a.csv", "equipment").bad == {(2, 0): reading.LOST}


def test_letters_that_nobody_can_tell_are_refused_by_name() -> None:
    with pytest.raises(reading.ReadingError) as error:
        read(b"Name;Note\nx;\xe9\xf2\xb5\xde\xf1 \xa7\xa8\xb6\n", "a.csv", "equipment")
    assert "TCVN3" in str(error.value) or "VNI" in str(error.value)
    assert "UniKey" in str(error.value)


def test_a_heading_is_understood_in_any_form() -> None:
    for heading in (
        "Tên thiết bị",
        "TÊN THIẾT BỊ",
        "ten thiet bi",
        unicodedata.normalize("NFD", "Tên thiết bị "),
        "Device name",
        "name",
    ):
        assert mapping_of("equipment", [heading]) == ["name"], heading
    assert mapping_of("equipment", ["Số seri", "Serial"]) == ["serial", ""], "the second of two that mean the same is left out"


def test_no_heading_means_two_columns() -> None:
    from server.registers.columns import folded

    for book in ("equipment", "software"):
        told = columns(book).values()
        names = [folded(word) for column in told for word in {column.vi, column.en}]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("text", "day"),
    [("2025-07-01", date(2025, 7, 1)), ("01/07/2025", date(2025, 7, 1)), ("1/7/2025", date(2025, 7, 1)), ("31.12.2025", date(2025, 12, 31)), ("2025-07-01 00:00:00", date(2025, 7, 1)), ("", None)],
)  # fmt: skip
def test_days_are_read_day_first(text: str, day) -> None:
    assert day_of(text) == day


@pytest.mark.parametrize("text", ["07/31/2025", "2025", "45678", "hôm qua", "01/01/1900", "01/01/25"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text[:4]):
        day_of(text)


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("=+-@'\"\n;,_x0041"), max_size=30)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60, deadline=None)
@given(st.lists(st.lists(texts, min_size=3, max_size=3), min_size=1, max_size=4))
def test_cells_come_back_as_they_went(rows) -> None:
    """Whatever people type: out of a workbook, and out of CSV with its apostrophes."""
    kept = [[clean(cell) or "x" for cell in row] for row in rows]
    heading = ["Tên thiết bị", "Ghi chú", "Cán bộ sử dụng"]
    raw = b"".join(written(kept, heading))
    assert _cells(read(raw, "a.xlsx", "equipment")) == kept
    out = io.StringIO(newline="")
    csv.writer(out).writerows([[guarded(cell) for cell in row] for row in [heading, *kept]])
    assert _cells(read(("\ufeff" + out.getvalue()).encode(), "a.csv", "equipment")) == kept
    for row in csv.reader(io.StringIO(out.getvalue(), newline="")):
        assert not any(cell.startswith(reading.FORMULA) for cell in row), "no cell of it is a formula"


def _cells(table: reading.Table) -> list[list[str]]:
    return [[clean(cell) for cell in row] for _line, row in table.rows]
