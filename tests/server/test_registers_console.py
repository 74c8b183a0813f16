"""`rasoat register ...`: what a script gets out, what it brings in, and by which exit code it knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent import cli
from server import cli as server_cli
from server.journal.models import Entry
from server.registers import looking, stocktake
from server.registers.models import Item, Stocktake, System, Upload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(tree, monkeypatch, capsys):
    """`rasoat ...` in this process, on the database of the test: exit code, what it said, what was wrong."""
    monkeypatch.setattr("server.database.there", lambda *_given: True)
    monkeypatch.setenv("RASOAT_DATA", str(Path(__file__).parent))

    def call(*words: str) -> tuple[int, str, str]:
        code = cli.main([*words, "--lang", "vi"])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_a_register_goes_out_and_comes_in_unchanged(run, tree, tmp_path: Path) -> None:
    Item.objects.create(unit=tree["north"], name="=Máy in", serial="S1", created_by="x")
    Item.objects.create(unit=tree["south"], name="UPS", created_by="x")
    for name in ("so.xlsx", "so.csv"):
        file = str(tmp_path / name)
        assert run("register", "export", "equipment", file)[0] == 0
        code, said, _wrong = run("register", "import", "equipment", file)
        assert (code, said) == (0, "0 mục mới, 0 mục sẽ sửa, 2 mục giữ nguyên, 0 dòng bị từ chối\n")
    assert run("register", "export", "equipment", str(tmp_path / "bắc.csv"), "--unit", "Phòng Bắc")[0] == 0
    assert "UPS" not in (tmp_path / "bắc.csv").read_text("utf-8")
    assert len(list(tmp_path.iterdir())) == 3, "nothing half is left"


def test_what_is_right_is_written_only_when_all_is_or_when_told_so(run, tree, tmp_path: Path) -> None:
    file = tmp_path / "so.csv"
    file.write_text("Tên hệ thống;Cấp độ đề xuất\nCổng;3\nhỏng;9\n", "utf-8")
    code, _said, wrong = run("register", "import", "systems", str(file))
    assert code == 1
    assert "so.csv:3: Cấp độ đề xuất" in wrong
    assert not System.objects.exists()
    assert run("register", "import", "systems", str(file), "--dry-run")[0] == 1
    assert not Upload.objects.exists(), "what was only looked at does not wait"
    assert run("register", "import", "systems", str(file), "--partly", "--unit", "Phòng Bắc")[0] == 1
    made = System.objects.get()
    assert (made.name, made.unit, made.created_by) == ("Cổng", tree["north"], "console")
    assert Entry.objects.get(action="register.import").actor == "console"


def test_a_large_file_too(run, tree, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(looking, "SMALL_ROWS", 2)
    file = tmp_path / "so.csv"
    file.write_text("Tên thiết bị;Số seri\n" + "".join(f"máy {n};s{n}\n" for n in range(5)), "utf-8")
    code, said, _wrong = run("register", "import", "equipment", str(file))
    assert (code, said.splitlines()[-1]) == (0, "Đã ghi: 5 mục mới, 0 mục được sửa")
    assert Item.objects.count() == 5


def test_the_list_for_people_and_for_programs(run, tree) -> None:
    System.objects.create(unit=tree["north"], name="Cổng", code="HT1", level_approved="3", created_by="x")
    System.objects.create(unit=tree["south"], name="Một cửa", created_by="x")
    assert run("register", "list", "systems")[1].splitlines()[0].split("  ")[1:] == ["Cổng", "HT1", "Cấp độ 3", "đang vận hành", "Phòng Bắc"]  # fmt: skip
    rows = json.loads(run("register", "list", "systems", "--format", "json", "--unit", "Phòng Nam")[1])
    assert [row["name"] for row in rows] == ["Một cửa"]
    assert json.loads(run("register", "list", "systems", "--format", "json", "--find", "không có")[1]) == []


@pytest.mark.parametrize(
    "words",
    [
        ("list", "equipment", "--unit", "không có"), ("export", "equipment", "so.docx"), ("export", "equipment", "/không/có/so.csv"),
        ("import", "equipment", "/không/có.csv"), ("import", "equipment", __file__), ("import", "cars", "a.csv"), (),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_words_and_exit_code_two(run, words: tuple[str, ...]) -> None:
    code, _said, wrong = run("register", *words)
    assert code == 2
    assert wrong


def test_the_short_command_is_the_long_one(run) -> None:
    assert run("campaign", "list")[0] == run("server", "campaign", "list")[0] == 0
    with pytest.raises(SystemExit):
        server_cli.main(["register", "--help"])


def test_a_stocktake_is_begun_read_and_written_as_minutes(run, tree, tmp_path: Path) -> None:
    Item.objects.create(unit=tree["north"], name="Máy in", created_by="x")
    code, said, _wrong = run("register", "stocktake", "new", "Kiểm kê 2026", "--on", "2026-12-31")
    number = said.split()[0]
    assert code == 0
    code, said, _wrong = run("register", "stocktake", "show", number, "--format", "json")
    told = json.loads(said)
    assert (code, told["undecided"], told["found"], told["differences"][0]["outcome"]) == (1, 1, 0, "")
    held = Stocktake.objects.get()
    stocktake.decide(held, {held.lines.get().pk: 1}, stocktake.Decision("found"), "Hà")
    assert run("register", "stocktake", "show", number)[0] == 1, "it is still open"
    stocktake.close(held, "Hà")
    assert run("register", "stocktake", "show", number)[0] == 0
    assert "Kiểm kê 2026" in run("register", "stocktake", "list")[1]
    assert run("register", "stocktake", "export", number, str(tmp_path / "bb.xlsx"))[0] == 0
    assert (tmp_path / "bb.xlsx").read_bytes().startswith(b"PK")
    assert run("register", "stocktake", "export", number, str(tmp_path / "bb.pdf"))[0] == 2
    assert run("register", "stocktake", "show", "999")[0] == 2
