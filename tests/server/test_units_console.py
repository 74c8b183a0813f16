"""`rasoat server unit ...`, called as the console calls it once Django is set up."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import translation

from server import cli
from server.approvals.models import Request
from server.config import Config
from server.journal.models import Entry
from server.units.models import Membership, Unit, User
from tests.server.people import PASSWORD, send

pytestmark = pytest.mark.django_db
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(params=["en", "vi"])
def language(request: pytest.FixtureRequest):
    with translation.override(request.param):
        yield request.param


@pytest.fixture
def run(tree, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        options = cli._parser().parse_args(words)
        code = options.command(options)
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def english():
    with translation.override("en"):
        yield


def test_a_province_goes_over_into_another_and_is_found_by_its_old_code(run: Run, english) -> None:
    assert run("unit", "new", "BHXH tỉnh Hà Giang", "--code", "02", "--kind", "province", "--from", "1995-06-15")[0] == 0
    assert run("unit", "new", "BHXH tỉnh Tuyên Quang", "--code", "08", "--kind", "province", "--level", "3")[0] == 0
    assert run("unit", "new", "BHXH huyện Quản Bạ", "--parent", "02", "--from", "1996-01-01")[0] == 0
    assert run("unit", "rename", "02", "Bảo hiểm xã hội tỉnh Hà Giang", "--since", "2024-01-01")[0] == 0
    done = run("unit", "merge", "02", "--into", "08", "--since", "2025-07-01", "--decision", "Nghị quyết 202/2025/QH15")
    assert done[0] == 0
    tree = run("unit", "list")[1]
    assert "  08 BHXH tỉnh Tuyên Quang  [level 3, mini, 21600 s]\n    BHXH huyện Quản Bạ  [level 3" in tree
    assert "02" not in tree
    assert "ended on 2025-06-30" in run("unit", "list", "--all")[1]
    shown = run("unit", "show", "02")[1]
    for wanted in (
        "02 Bảo hiểm xã hội tỉnh Hà Giang",
        "first day: 1995-06-15",
        "until 2023-12-31: 02 BHXH tỉnh Hà Giang",
        "ended on 2025-06-30. Its successor today: 08 BHXH tỉnh Tuyên Quang",
    ):
        assert wanted in shown
    assert "from 2025-07-01 in place of 02" in run("unit", "show", "08")[1]
    code, _out, err = run("token", "new", "--unit", "02")
    assert code == 2
    assert "Its successor today: 08 BHXH tỉnh Tuyên Quang" in err
    assert {entry.detail["decision"] for entry in Entry.objects.filter(action="unit.merged")} == {"Nghị quyết 202/2025/QH15"}


@pytest.mark.parametrize(
    "words",
    [
        ("new", "Phòng Bắc"),
        ("new", "x", "--kind", "không có"),
        ("new", "x", "--code", "mã"),
        ("rename", "Phòng Bắc"),
        ("rename", "Phòng Bắc", "x", "--since", "2999-01-01"),
        ("merge", "Phòng Bắc", "--into", "Phòng Bắc"),
        ("merge", "không có", "--into", "Phòng Bắc"),
        ("move", "Sở", "Phòng Bắc"),
        ("move", "Phòng Bắc", "Sở"),
        ("close", "Sở"),
        ("import", "/không/có.csv"),
        ("show", "không có"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_happens(run: Run, language: str, words: tuple[str, ...]) -> None:
    before = list(Unit.objects.values()), Entry.objects.count()
    code, out, err = run("unit", *words)
    assert (code, out) == (2, "")
    assert err.startswith("rasoat: ")
    assert (list(Unit.objects.values()), Entry.objects.count()) == before


def test_move_and_close(run: Run, tree) -> None:
    assert run("unit", "move", "Phòng Bắc", "Phòng Nam", "--since", "2025-07-01")[0] == 0
    assert Unit.objects.get(name="Phòng Bắc").parent == tree["south"]
    assert run("unit", "close", "Phòng Bắc", "--decision", "QĐ 1")[0] == 0
    assert not Unit.objects.get(name="Phòng Bắc").open
    assert [entry.action for entry in Entry.objects.order_by("pk")] == ["unit.moved", "unit.closed"]


def test_a_file_comes_in_and_goes_out(run: Run, english, tmp_path: Path) -> None:
    file = tmp_path / "cây.csv"
    file.write_text("code,name,parent_code\n00,Sở,\n01,Phòng Đông,00\n", "utf-8-sig")
    code, out, _err = run("unit", "import", str(file), "--dry-run")
    assert (code, out.splitlines()[-1]) == (0, "2 changes; nothing was done (--dry-run).")
    assert not Unit.objects.filter(code="01").exists()
    assert run("unit", "import", str(file))[1].splitlines()[0] == "+ 01 Phòng Đông, under 00"
    assert run("unit", "import", str(file))[1] == "The tree is as the file says.\n"
    written = tmp_path / "ra.yaml"
    assert run("unit", "export", "--format", "yaml", "--output", str(written))[0] == 0
    assert "name: Phòng Đông" in written.read_text("utf-8")
    assert "\r\n01,Phòng Đông,,00,,,,\r\n" in run("unit", "export")[1]
    file.write_text("code,name,parent_code\n00,Sở,\n01,,00\n", "utf-8")
    assert run("unit", "import", str(file))[2] == "rasoat: cây.csv:3: name: a unit needs a name\n"


def test_two_of_one_name_are_told_apart_by_code(run: Run, english, tree) -> None:
    for parent, code in (("Phòng Bắc", "B1"), ("Phòng Nam", "N1")):
        assert run("unit", "new", "Tổ máy chủ", "--parent", parent, "--code", code)[0] == 0
    assert "more than one unit is called Tổ máy chủ (B1, N1)" in run("unit", "rename", "Tổ máy chủ", "x")[2]
    assert run("unit", "rename", "N1", "Tổ mạng")[0] == 0


def test_a_role_until_a_day(run: Run) -> None:
    User.objects.create_user("lan", PASSWORD)
    assert run("user", "grant", "lan", "--unit", "Phòng Bắc", "--role", "auditor", "--until", "2999-12-31")[0] == 0
    membership = Membership.objects.get()
    assert (membership.role, str(membership.until)) == ("auditor", "2999-12-31")


STRICTER = "name: Sở\nparams:\n  access.password: {min_length: 16}\n"


def test_what_machines_are_held_to_already_takes_two_people(
    run: Run, english, tree, person, client, another, newer: str, tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "stricter.yaml"
    file.write_text(STRICTER, "utf-8")
    assert run("unit", "set", "Phòng Nam", "--tailoring", str(file))[0] == 0, "no machine of it has reported"
    host = another("may-01", "north")
    assert run("unit", "set", "Phòng Bắc", "--baseline", "mini")[0] == 0, "enrolled alone is held to nothing"
    assert send(client, host.seal(host.snapshot())).status_code == 201
    before = list(Unit.objects.order_by("pk").values("baseline", "tailoring", "level"))
    for unit in ("Phòng Bắc", "Sở"):
        code, _out, err = run("unit", "set", unit, "--baseline", newer)
        assert (code, "two people" in err) == (2, True)
    assert run("unit", "set", "Phòng Bắc", "--baseline", newer, "--level", "1")[0] == 2
    asker = person("lan", "north", "admin")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    code, out, _err = run("unit", "set", "Phòng Bắc", "--tailoring", str(file), "--by", "lan", "--why", "Siết mật khẩu.")
    assert (code, "waits for a second person" in out) == (0, True)
    asked = Request.objects.get()
    assert (asked.asked_by, asked.payload["tailoring"], asked.payload["baseline"], asked.reason) == (
        asker,
        STRICTER,
        "",
        "Siết mật khẩu.",
    )
    assert list(Unit.objects.order_by("pk").values("baseline", "tailoring", "level")) == before
    assert run("unit", "set", "Phòng Bắc", "--level", "3")[0] == 0, "the level is the organisation's own decision"
    settings.CONFIG = Config(one_person_for=("pack-change",))
    assert run("unit", "set", "Phòng Bắc", "--baseline", newer)[0] == 0
    assert Unit.objects.get(name="Phòng Bắc").baseline == newer
    assert Entry.objects.filter(action="request.alone", actor="console").count() == 1
