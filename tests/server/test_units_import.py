"""The tree as a file: the reorganisation of 2025 from its sample, nothing half done, nothing twice, every mistake by its line."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest
from django.utils import translation

from server.ingest.models import Agent, Machine
from server.journal.models import Entry, broken_at
from server.units import operations
from server.units.importing import Wrong, take
from server.units.models import Membership, Unit, User, by_code, unit_on
from server.units.operations import By
from server.units.rows import read, write
from tests.server.people import PASSWORD

pytestmark = pytest.mark.django_db

BY = By("người-thử", decision="Nghị quyết 202/2025/QH15")
DAY = date(2025, 7, 1)
EVE = DAY - timedelta(days=1)
HEAD = "code,name,kind,parent_code,valid_from,valid_until,successor_code,level\n"


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def sample(name: str) -> str:
    return files("server.units").joinpath("samples", name).read_text("utf-8")


def bring(text: str, file: str = "x.csv", since: date = DAY, **more: bool) -> list[str]:
    return take(file, text, BY, since, **more)


def machine_in(code: str, name: str) -> Machine:
    unit = Unit.objects.get(code=code)
    agent = Agent.objects.create(unit=unit, name=name, public_key=name.encode().ljust(32)[:32])
    at = datetime(2024, 1, 1, tzinfo=UTC)
    return Machine.objects.create(unit=unit, agent=agent, own=True, name=name, kind="server", created_at=at)


def mistakes(text: str, file: str = "x.csv") -> list[str]:
    with pytest.raises(Wrong) as caught:
        bring(text, file)
    return [str(mistake) for mistake in caught.value.mistakes]


def everything() -> list[object]:
    return [list(model.objects.order_by("pk").values()) for model in (Unit, Entry, Machine, Membership)]


@pytest.mark.on_both
def test_63_provinces_become_34_and_machines_keep_their_past(db) -> None:
    Unit.objects.create(name="Cơ quan", level=2)  # as `server init` leaves it
    bring(sample("provinces-63.csv"), since=date(2024, 1, 1))
    assert Unit.objects.filter(kind="province", valid_until=None).count() == 63
    centre = Unit.objects.get(code="00")
    assert (centre.parent, centre.name, centre.level) == (None, "Bảo hiểm xã hội Việt Nam", 2)
    in_district = machine_in(Unit.objects.get(name="Bảo hiểm xã hội huyện Quản Bạ").code, "qb")
    in_province = machine_in(Unit.objects.get(name="Bảo hiểm xã hội tỉnh Hậu Giang").code, "hg")
    elsewhere = machine_in(Unit.objects.get(name="Bảo hiểm xã hội thành phố Hà Nội").code, "hn")
    chief = User.objects.create_user("trưởng", PASSWORD)
    Membership.objects.create(user=chief, unit=in_province.unit, role=Membership.OPERATOR)
    told = bring(sample("provinces-34.csv"))
    assert Unit.objects.filter(kind="province", valid_until=None).count() == 34
    assert Unit.objects.filter(kind="district", valid_until=None).count() == 0
    assert len(told) == sum(line[0].isalnum() for line in sample("provinces-34.csv").splitlines()[5:])

    def report(machine: Machine, day: date) -> list[str]:
        unit = unit_on(Machine.objects.get(pk=machine.pk), day)
        assert unit
        return [one.name_on(day).removeprefix("Bảo hiểm xã hội ") for one in unit.line_on(day)[1:]]

    assert [report(in_district, day) for day in (EVE, DAY)] == [
        ["tỉnh Hà Giang", "huyện Quản Bạ"], ["tỉnh Tuyên Quang", "cơ sở Quản Bạ"],
    ]  # fmt: skip
    assert [report(in_province, day) for day in (EVE, DAY)] == [["tỉnh Hậu Giang"], ["thành phố Cần Thơ"]]
    assert report(elsewhere, EVE) == report(elsewhere, DAY) == ["thành phố Hà Nội"]
    old = Unit.objects.get(name="Bảo hiểm xã hội tỉnh Hậu Giang")
    assert [unit.name for unit in by_code(old.code)[0].heirs()] == ["Bảo hiểm xã hội thành phố Cần Thơ"]
    assert list(Machine.objects.visible_to(User.objects.get(pk=chief.pk))) == [in_province]
    assert old.successions.get().decision == "Nghị quyết 202/2025/QH15"
    assert broken_at() is None

    before = everything()
    assert bring(sample("provinces-34.csv")) == [], "a second time there is nothing to do"
    for style in ("csv", "yaml"):
        assert bring(write(style), f"tree.{style}") == [], "and nothing when what was exported comes back"
    assert everything() == before


def test_a_dry_run_tells_the_same_and_does_nothing(db) -> None:
    before = everything()
    told = bring(sample("provinces-63.csv"), dry_run=True)
    assert everything() == before
    assert told == bring(sample("provinces-63.csv"))
    assert len(told) == 113
    assert told[0] == "+ 00 Bảo hiểm xã hội Việt Nam, under –"


def test_a_mistake_anywhere_leaves_nothing(db) -> None:
    bring(HEAD + "00,Gốc,,,,,,\n01,Bắc,,00,2020-01-01,,,\n02,Nam,,00,2020-01-01,,,\n")
    before = everything()
    assert mistakes(
        HEAD + "03,Đông,,00,,,,\n04,Tây,,99,,,,\n02,Nam,,00,2020-01-01,2019-12-31,,\n01,Bắc,,00,2020-01-01,2999-01-01,02,\n"
    ) == ["x.csv:4: it ends before it begins"]
    assert mistakes(HEAD + "03,Đông,,00,,,,\n04,Tây,,99,,,,\n01,Bắc,,00,2020-01-01,2999-01-01,02,\n") == [
        "x.csv:3: there is no unit with code 99, neither here nor in the file",
        "x.csv:4: 2999-01-01 is still to come: enter it on the day",
    ]
    assert everything() == before


def test_every_mistake_is_told_at_once_with_its_line(db) -> None:
    text = (
        "# đầu tệp\n" + HEAD + "00,Gốc,,,,,,\n"
        "01,,tinh,00,31/02/2025,,,9\n"
        "mã,Tên,,00,,,,\n"
        ",Không mã,,00,,,,\n"
        "02,=cmd(),,00,,,,\n"
        "03,Ba,,04,,,,\n"
        "04,Bốn,,03,,,,\n"
        "05,Năm,,00,,,06,\n"
        "06,Sáu,,00,,2025-06-30,06,\n"
        "07,Bảy,,06,,,,\n"
        "07,Bảy,,00,,,,\n"
        "08,Tám,00\n"
    )
    assert mistakes(text) == [
        "x.csv:4: kind: tinh is no kind of unit; known: centre, department, data_centre, region, province, district, base_office",
        "x.csv:4: level: a level is 1 to 5",
        "x.csv:4: name: a unit needs a name",
        "x.csv:4: valid_from: '31/02/2025' is no date; write 2025-07-01 or 01/07/2025",
        "x.csv:5: code: a code is letters without marks, digits and ._/- (at most 40): 'm\\xe3'",
        "x.csv:6: code: a unit in a file needs a code",
        "x.csv:7: name: the name holds control characters, or begins as a formula does: '=cmd()'",
        "x.csv:8: its parents lead back to itself",
        "x.csv:9: its parents lead back to itself",
        "x.csv:10: it has a successor but no valid_until",
        "x.csv:11: its successors lead back to itself",
        "x.csv:12: it lies under 06, which ends on 2025-06-30",
        "x.csv:13: code 07 stands on line 12 already",
        "x.csv:14: 3 cells, the head has 8",
    ]
    assert not Unit.objects.exists()


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("x.csv", "", "x.csv:1: there is no row in it"),
        ("x.csv", "code,name\n", "x.csv:1: columns: unknown –; missing ['parent_code']; twice –; there are"),
        ("x.csv", "code,name,parent_code,code,mã\n", "x.csv:1: columns: unknown ['mã']; missing –; twice ['code']; there are"),
        ("x.csv", HEAD + '00,"Gốc,,,,,,\n', "x.csv:2: CSV: unexpected end of data"),
        ("x.yaml", "units: [\n", "x.yaml:2: not YAML"),
        ("x.yaml", "- code: x\n", "x.yaml:1: not of the form `units:`"),
        ("x.yaml", "units:\n- code: '00'\n  name: Gốc\n- code: '01'\n  tên: Bắc\n", "x.yaml:4: columns: unknown ['tên']"),
        ("x.csv", "x" * 2_200_000, "x.csv:1: larger than 2 MiB"),
    ],
)
def test_a_file_of_another_form(db, file: str, text: str, said: str) -> None:
    (only,) = mistakes(text, file)
    assert only.startswith(said)


def test_what_a_spreadsheet_writes_is_read(db) -> None:
    text = "\ufeffcode;name;parent_code;valid_from\r\n00;Gốc;;\r\n01;Ha\u0300 Nội;00;01/07/2025\r\n;;;\r\n"
    rows, wrong = read("x.csv", text)
    assert wrong == []
    assert [(row.code, row.name, row.valid_from, row.line) for row in rows] == [
        ("00", "Gốc", None, 2), ("01", "Hà Nội", date(2025, 7, 1), 3),
    ]  # fmt: skip


def test_names_parents_kinds_and_levels_follow_the_file(db) -> None:
    bring(HEAD + "00,Gốc,,,,,,\n01,Bắc,,00,2020-01-01,,,\n02,Nam,,00,2020-01-01,,,\n03,Tổ,,01,2020-01-01,,,\n")
    told = bring("units:\n- {code: '03', name: Đội, kind: department, parent_code: '02', level: 3}\n", "x.yaml")
    assert told == [
        "~ 03 Đội: code, kind, level or first day",
        "~ 03 Tổ is called Đội from 2025-07-01",
        "> 03 Đội goes under 02 from 2025-07-01",
    ]
    unit = Unit.objects.get(code="03")
    assert (unit.kind, unit.level, unit.parent and unit.parent.name) == ("department", 3, "Nam")
    assert (unit.name_on(EVE), unit.name_on(DAY)) == ("Tổ", "Đội")
    assert [one.name for one in (unit.parent_on(EVE), unit.parent_on(DAY)) if one] == ["Bắc", "Nam"]


def test_a_code_may_be_given_again_once_its_unit_has_ended(db) -> None:
    bring(HEAD + "00,Gốc,,,,,,\n01,Bắc,,00,2020-01-01,2025-06-30,,\n")
    bring(HEAD + "01,Đông,,00,2025-07-01,,,\n")
    assert [unit.name for unit in by_code("01")] == ["Đông", "Bắc"]
    wrong = mistakes(HEAD + "01,Tây,,00,2025-06-01,2025-06-15,,\n")
    assert wrong[0] == "x.csv:2: 01 began on 2025-07-01, the file says 2025-06-01"


def test_what_ended_does_not_begin_again_by_an_older_file(db) -> None:
    older = HEAD + "00,Gốc,,,,,,\n01,Bắc,,00,2020-01-01,,,\n"
    bring(older)
    operations.close(Unit.objects.get(code="01"), BY, EVE)
    assert mistakes(older) == ["x.csv:3: 01 ended on 2025-06-30 already"]


def test_there_is_one_root(db) -> None:
    bring(HEAD + "00,Gốc,,,,,,\n")
    assert mistakes(HEAD + "01,Khác,,,,,,\n") == ["x.csv:2: there is a root already: it needs a parent_code"]
