"""What a dossier may not say: more than is known. Each level asks what the standard asks there; each word says whose it is."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from baselines.loader import load
from baselines.systems import register
from baselines.systems.result import Standing
from collectors.model import Kind, Record
from server.documents.papers.level import drawing, gather
from server.documents.papers.level.dossier import level
from server.documents.papers.level.gather import NOWHERE, Thing, zone_of, zone_type
from server.documents.report import Paragraph, Report, Style, Table, blocks
from server.documents.texts import Texts
from server.documents.writing import Blanks
from server.ingest.models import Agent, Machine
from server.registers.systems import Member, System
from server.registers.zones import zones_of
from server.waivers.models import Attestation
from tests.server.documents import report, signed, system
from tests.systems import sample

PACKS = ["tcvn_11930_2017", "tcvn_14423_2026"]
OLD = "tcvn_11930_2017"


def answers(made: Report) -> list[tuple[str, ...]]:
    """The lines of part III: clause, requirement, approach, state, evidence, plan."""
    tables = [one for one in blocks(made) if isinstance(one, Table) and one.columns[0].title == "Mục" and len(one.columns) == 6]
    return [tuple(map(str, row)) for one in tables for row in one.rows]


def counts(made: Report) -> dict[str, int | None]:
    return {one.text: one.number for one in made.honesty.counts}


@pytest.fixture
def held(tree) -> System:
    signed(tree["root"])
    return system(tree["root"], name="Cổng")


@pytest.mark.django_db
@pytest.mark.parametrize("pack", PACKS)
def test_each_level_lists_the_requirements_of_that_level_and_no_other(held, pack: str) -> None:
    baseline = load(pack)
    for wanted in (1, 2, 4, 5):
        made = level(held, pack, level=wanted)
        asked = [one for one in baseline.requirements.values() if wanted in one.levels]
        rows = answers(made)
        assert sorted(row[1] for row in rows) == sorted(one.title.vi for one in asked), wanted
        clauses = sorted(baseline.clause(one.id, wanted) for one in asked if baseline.clause(one.id, wanted))
        assert sorted(row[0].removesuffix(" (*)") for row in rows if row[0] != "–") == clauses, (
            "no name of ours stands as a clause"
        )
        told = counts(made)
        assert told["Yêu cầu phải áp dụng"] == sum(
            told[f"Yêu cầu {one}"] or 0 for one in ("đã đáp ứng đầy đủ", "đáp ứng một phần", "chưa đáp ứng", "chưa xác định được")
        )
        assert len(rows) == (told["Yêu cầu phải áp dụng"] or 0) + (told["Yêu cầu không áp dụng, có lý do"] or 0)
        said = " ".join(one.text for one in made.body if isinstance(one, Paragraph))
        assert f"có {len(rows)} yêu cầu đối với cấp độ {wanted}" in said
        assert ("thuyết minh bổ sung" in said.lower()) == (wanted >= 4)
        headings = [one.text for one in made.body if isinstance(one, Paragraph) and one.style is Style.HEADING]
        second = headings[headings.index("1. Danh mục hệ thống thông tin và cấp độ đề xuất tương ứng") :]
        numbered = [int(found[1]) for one in second if (found := re.match(r"(\d)\. ", one))]
        assert numbered == list(range(1, len(numbered) + 1)), "headings count without a gap"


@pytest.mark.django_db
def test_what_fails_is_not_said_to_be_set_up_and_wording_is_said_to_be_ours(held) -> None:
    made = level(held, OLD)
    failing = [row for row in answers(made) if row[3].startswith("Chưa đáp ứng") and "thiết bị đạt" in row[4]]
    assert failing
    assert not [row for row in failing if "theo yêu cầu" in row[2]], "that it is asked does not mean that it is done"
    notes = " ".join(one.text for one in made.body if isinstance(one, Paragraph) and one.style is Style.NOTE)
    assert "không phải nguyên văn" in notes
    unsure = {one.title.vi for one in load(OLD).requirements.values() if one.confidence in ("derived", "memory")}
    for row in answers(made):
        assert row[0] == "–" or row[0].endswith("(*)") == (row[1] in unsure)
    for row in answers(made):
        if found := re.match(r"(\d+)/(\d+) thiết bị đạt(.*)", row[4]):
            others = sum(int(number) for number in re.findall(r"; (\d+) ", found[3]))
            assert int(found[1]) + others == int(found[2]) <= 40, row


@pytest.mark.django_db
def test_a_persons_word_and_the_name_of_a_zone_are_told_apart_from_measuring(held, monkeypatch) -> None:
    now = timezone.localdate()
    first = gather.gather(held, OLD).assessment
    word_only = next(one.requirement.id for one in first.lines if one.waits_for_person and not one.assets)
    failing = next(
        one
        for one in first.lines
        if sum(asset.standing is Standing.FAIL and asset.kind is not Kind.SYSTEM for asset in one.assets) > 1
    )
    asset = next(one.asset for one in failing.assets if one.standing is Standing.FAIL and one.kind is not Kind.SYSTEM)
    told = {"on": now, "until": now + timedelta(days=30), "level": 3}
    said = register.Attestation(
        requirement=word_only, state="met", by="Trần Văn Mẫu", role="Trưởng phòng", document="12/QC-CNTT", **told
    )
    borne = register.Waiver(
        id="w1", requirement=failing.requirement.id, assets=(asset,), type="compensating", measure="Cách ly mạng",
        approved_by="a", second="b", **told,
    )  # fmt: skip
    monkeypatch.setattr(gather, "_words", lambda *_: ((said,), (borne,)))
    made = level(held, OLD)
    by_title = {row[1]: row for row in answers(made)}
    requirements = load(OLD).requirements
    row = by_title[requirements[word_only].title.vi]
    assert row[3] == "Đã đáp ứng đầy đủ. Theo xác nhận của người có trách nhiệm, không do máy đo"
    assert counts(made)["Yêu cầu đã đáp ứng đầy đủ mà toàn bộ hoặc một phần theo xác nhận của người"] == 1
    row = by_title[failing.requirement.title.vi]
    assert "đối với 01 đối tượng: Cách ly mạng" in row[5]
    assert "[bổ sung kế hoạch, thời hạn cho phần còn lại]" in row[5], "one device is borne, the others have no plan"
    zones = [row for row in by_title.values() if "Loại vùng mạng hiểu theo tên" in row[3]]
    assert all(row[3].startswith("Đã đáp ứng") for row in zones)
    table = next(one for one in blocks(made) if isinstance(one, Table) and one.name.startswith("4.5"))
    assert "Vùng DMZ\n(vùng DMZ)" in [row[1] for row in table.rows]


@pytest.mark.django_db
def test_machines_out_of_service_and_old_reports_are_told(held) -> None:
    gone = Machine.objects.get(name="acc-01")
    Machine.objects.filter(pk=gone.pk).update(retired_at=timezone.now())
    made = level(held, OLD)
    told = counts(made)
    assert told["Thiết bị thuộc hệ thống theo danh mục"] == 39
    assert told["Máy của hệ thống đã ngừng sử dụng (không thể hiện trong hồ sơ)"] == 1
    assert any("acc-01" in one for one in made.honesty.remarks)
    reach = ("còn hiệu lực", "đã quá cũ", "ghi thời điểm sau ngày lập")
    parts = [told[f"Thiết bị có báo cáo {one}"] or 0 for one in reach]
    parts += [told["Thiết bị không trả lời khi rà soát"] or 0, told["Thiết bị chưa có báo cáo"] or 0]
    assert sum(parts) == 39
    notes = [one.text for one in made.body if isinstance(one, Paragraph) and one.style is Style.NOTE]
    assert any("đã quá cũ" in one and sample.STALE in one for one in notes)


@pytest.mark.django_db
def test_a_word_that_may_be_of_another_system_counts_for_neither(held, tree) -> None:
    now = timezone.localdate()
    requirement = next(
        one.requirement.id for one in gather.gather(held, OLD).assessment.lines if one.waits_for_person and not one.assets
    )
    Attestation.objects.create(
        unit=tree["root"], baseline=OLD, requirement=requirement, system="Cổng", state="met", by="x", role="y", level=3, document="1",
        on=now, until=now + timedelta(days=9),
    )  # fmt: skip
    baseline = load(OLD)
    assert len(gather._words(held, baseline, [])[0]) == 1
    System.objects.create(unit=tree["root"], name="Cổng", created_by="x")
    assert gather._words(held, baseline, [])[0] == ()


@pytest.mark.django_db
def test_the_standard_is_named_by_the_register_or_said_to_be_another(held) -> None:
    for said, pack in (
        ("TCVN 14423:2026", "tcvn_14423_2026"),
        ("tcvn 11930:2017", OLD),
        ("TCVN", ""),
        ("TCVN 11930:2017, TCVN 14423:2026", ""),
    ):
        held.standard = said
        assert gather._cited(held) == pack, said
    held.standard = "ISO/IEC 27001"
    assert any("ISO/IEC 27001" in one for one in level(held, OLD).honesty.remarks)


@pytest.mark.django_db
def test_what_only_the_collector_knows_is_not_taken_from_the_machine(tree) -> None:
    """A machine that says that it has no vulnerability is judged by what was matched here: nothing, so it is not known."""
    made = System.objects.create(unit=tree["root"], name="Nhỏ", level_proposed="3", created_by="x")
    key = Ed25519PrivateKey.generate()
    agent = Agent.objects.create(unit=tree["root"], name="x", public_key=key.public_key().public_bytes_raw())
    machine = Machine.objects.create(unit=tree["root"], agent=agent, own=False, name="app-01", kind="server")
    Member.objects.create(system=made, machine=machine)
    seen = next(one for one in sample.snapshots() if any(record.fact == "listening" for record in one.records))
    own = Record(fact="vulnerabilities", version=1, outcome="seen", data={"fixable_count": 0})
    report(machine, key, seen.model_copy(update={"records": (*seen.records, own)}))
    [thing] = gather.gather(made, OLD).things
    assert thing.snapshot is not None
    [record] = [one for one in thing.snapshot.records if one.fact == "vulnerabilities"]
    assert record.data is None or record.data.get("fixable_count") is None
    assert len(thing.snapshot.records) == len(seen.records) + 1


def test_an_address_lies_in_the_smallest_zone_that_has_it() -> None:
    zones = zones_of("Nội bộ | 10.0.0.0/8\nDMZ | 10.1.1.0/24")
    assert zone_of(("10.1.1.9",), zones) == "DMZ"
    assert zone_of(("10.2.1.9",), zones) == "Nội bộ"
    assert zone_of(("192.0.2.1",), zones) == NOWHERE


@pytest.mark.parametrize("name", ["Phòng Quản lý Thu", "Tổ Biên tập", "Văn phòng Biển Đông", "Lan Anh"])
def test_a_name_of_an_office_is_no_kind_of_zone(name: str) -> None:
    assert zone_type(name) == "other"


def test_sixty_firewalls_are_drawn_and_none_lies_outside() -> None:
    things = [Thing(f"fw-{number}", Kind.FIREWALL, True, NOWHERE, None, None) for number in range(60)]
    svg = drawing.logical(SimpleNamespace(zones=[], things=things), Texts("level.yaml"))  # type: ignore[arg-type]
    assert all(f">fw-{number}<" in svg for number in range(60))
    assert min(map(float, re.findall(r'<rect x="([-\d.]+)"', svg))) >= 0
    assert min(map(float, re.findall(r'<rect [^>]*width="([-\d.]+)"', svg))) > 0


@pytest.mark.django_db
def test_every_cell_that_a_person_may_write_is_known_by_its_name(held) -> None:
    """Also those that are not asked now, as the requirement is met; a word of a person stands before what is made from checks."""
    first = level(held, OLD)
    one = next(row for row in gather.gather(held, OLD).assessment.lines if row.counts["applicable"] and row.counts["pass"])
    id = f"approach:{one.requirement.id}"
    assert id not in {asked.id for asked in first.asked}
    blanks = Blanks({id: "Đã ban hành quy trình."})
    made = level(held, OLD, blanks)
    row = next(row for row in answers(made) if row[1] == one.requirement.title.vi)
    assert row[2] == "Đã ban hành quy trình."
    assert id in {asked.id for asked in made.asked if asked.answer}
    asked = [one.id for one in load(OLD).requirements.values() if 3 in one.levels]
    assert {f"{what}:{id}" for what in ("approach", "plan") for id in asked} <= blanks.known
    assert {"scope", "users", "information", "kind", "basis", "owner.name", "operator.reach"} <= blanks.known
    assert "connected" not in blanks.known, "of levels 4 and 5"
