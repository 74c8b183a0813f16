"""A unit's reply says what the campaign's account says: what is unknown or missing is no machine done, and has its own number."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta

import pytest
from django.utils import timezone

from server.campaigns.models import Campaign, Excuse, Part, Row
from server.documents import grounds, making
from server.documents.exports import docx
from server.documents.models import Document
from server.documents.papers.reply import NoAccount, reply
from server.documents.report import Paragraph, Report, Style, Table, blocks
from server.documents.writing import Blanks
from server.units.models import Unit
from server.waivers.models import Waiver
from tests.server import waivers
from tests.server.documents import signed
from tests.server.test_rights import on, person

pytestmark = pytest.mark.django_db
STATES = {"done": 6, "not-done": 1, "unknown": 1, "missing": 1, "never": 1}
CHECKS = ["updates.security_pending", "antivirus.running", "accounts.lockout"]


@pytest.fixture
def campaign(tree) -> Campaign:
    """Of the letter that the model customer wrote, with two units: one answers, and a part of it lies below."""
    now = timezone.now()
    held = Campaign.objects.create(
        unit=tree["root"], pattern="patches", number="2070/BHXH-CNTT", date=date(2025, 8, 26), issuer="Bảo hiểm xã hội Việt Nam",
        subject="Tăng cường công tác bảo đảm an toàn thông tin mạng trong dịp nghỉ Lễ Quốc khánh 02/9", state="running",
        deadline=timezone.localdate(), started_at=now - timedelta(days=3), frozen_at=now, looked_at=now, made_by="x", changed_by="x",
        checks=CHECKS, kinds=["server", "workstation"], lists=["12/DS"],
    )  # fmt: skip
    below = Unit.objects.create(name="Tổ <Một>", code="T1", parent=tree["north"])
    for unit in (tree["root"], tree["north"], below, tree["south"]):
        counts = {check: [1, 1, 2, 0, 0, 0] for check in CHECKS} if unit == below else {}
        part = Part.objects.create(
            campaign=held, unit=unit, name=unit.name, code=unit.code, path=unit.path, answers=unit != below, level=2, baseline="mini",
            checks=counts, received_at=now if unit == tree["north"] else None,
        )  # fmt: skip
        for state, count in STATES.items() if unit == below else ():
            for number in range(count):
                Row.objects.create(
                    campaign=held, part=part, name=f"may-{state}-{number}", kind="server" if state == "never" else "workstation",
                    state=state, before="pass" if number == 0 else "fail", seen_at=now if state in ("done", "not-done") else None,
                )  # fmt: skip
    signed(tree["north"], addressees="Bảo hiểm xã hội Việt Nam (qua Trung tâm CNTT)")
    return held


def texts(report: Report) -> list[str]:
    return [one.text for one in report.body if isinstance(one, Paragraph)]


def tables(report: Report) -> dict[str, Table]:
    return {one.name: one for one in blocks(report) if isinstance(one, Table)}


def test_it_reads_as_the_letter_asks(campaign, tree) -> None:
    said = texts(made := reply(campaign, tree["north"], None))
    assert said[0] == (
        "Thực hiện Công văn số 2070/BHXH-CNTT ngày 26/8/2025 của Bảo hiểm xã hội Việt Nam về việc tăng cường công tác bảo đảm an toàn "
        "thông tin mạng trong dịp nghỉ Lễ Quốc khánh 02/9, Phòng Bắc báo cáo kết quả thực hiện như sau:"
    )
    headings = [one.text for one in made.body if isinstance(one, Paragraph) and one.style is Style.HEADING]
    assert [text.partition(".")[0] for text in headings] == [str(number) for number in range(1, 9)], "as the letter has them"
    assert said[-1].endswith("tổng hợp./.")
    assert made.front.addressees == ("Bảo hiểm xã hội Việt Nam (qua Trung tâm CNTT)",)
    assert made.front.subject.startswith("V/v báo cáo kết quả thực hiện Công văn số 2070/BHXH-CNTT")
    assert made.provisional
    assert any("số liệu tạm tính" in text for text in said)


def test_unknown_and_missing_are_numbers_of_their_own(campaign, tree) -> None:
    made = reply(campaign, tree["north"], None)
    said = " ".join(texts(made))
    assert "06/10 máy (60%)" in said
    for words in ("01 máy chưa đạt", "01 máy chưa xác định", "01 máy không có báo cáo", "01 máy chưa từng gửi báo cáo"):
        assert words in said
    assert "không được tính là đã hoàn thành" in said
    assert "chưa đối chiếu được" in said, "a list that is not here is not matched"
    counts = {one.text: one.number for one in made.honesty.counts}
    assert counts["Máy trong phạm vi rà soát (chốt tại thời điểm bắt đầu)"] == 10
    assert counts["Máy đã hoàn thành"] == 6
    assert [one.name for one in made.honesty.unreached] == ["may-missing-0", "may-never-0"]
    units = tables(made)["Kết quả thực hiện theo đơn vị"]
    assert units.rows[-1][2:] == (10, 5, 6, 1, 0, 1, 1, 1, 60)
    assert all(row[2] == sum(row[4:10]) for row in units.rows)  # type: ignore[misc]
    named = tables(made)["Danh sách máy chưa hoàn thành"]
    assert [row[1] for row in named.rows] == ["may-missing-0", "may-never-0", "may-not-done-0", "may-unknown-0"]


def test_an_exemption_is_told_with_its_reason(campaign, tree) -> None:
    row = Row.objects.get(name="may-not-done-0")
    asker, second = person("xin"), person("duyệt", "approver", tree["north"])
    from tests.server.people import Host

    waiver = waivers.with_file(tree["north"], asker, second, _machine(tree["north"], Host))
    Row.objects.filter(pk=row.pk).update(state="excused")
    Excuse.objects.create(
        row=row, reason="Máy <đo> chuyên dùng", document="12/TB", asked_by="a", approved_by="b", request=waiver.request
    )
    assert Waiver.objects.exists()
    rows = {row[1]: row[4] for row in tables(reply(campaign, tree["north"], None))["Danh sách máy chưa hoàn thành"].rows}
    assert rows["may-not-done-0"] == "Máy <đo> chuyên dùng (12/TB)"


def _machine(unit, host):
    from django.test import Client

    from server.ingest.models import EnrolmentToken, Machine

    one = host("may-mien-tru")
    assert one.enrol(Client(), EnrolmentToken.issue(unit, 1, 1, "x")[1]).status_code == 201
    return Machine.objects.get(name="may-mien-tru")


def test_what_people_do_is_blank_until_they_write_it(campaign, tree) -> None:
    made = reply(campaign, tree["north"], None)
    assert [one.id for one in made.asked] == ["accounts", "malware", "people", "ready", "duty", "contacts", "wishes"]
    assert len(made.blanks) == 7
    word = docx.written(made)
    assert word[:2] == b"PK"
    filled = reply(campaign, tree["north"], None, Blanks({"people": "Đã phát 300 tờ rơi.\nĐã hướng dẫn 12 người."}))
    assert "Đã hướng dẫn 12 người." in texts(filled)
    assert len(filled.blanks) == 6


def test_it_is_made_through_the_pages_and_kept(campaign, tree) -> None:
    client = on(person("người bắc", "operator", tree["north"]))
    assert client.post("/documents/new/", {"reply": f"{campaign.pk}-{tree['north'].pk}"}).status_code == 302
    held = Document.objects.get()
    page = client.get(f"/documents/{held.pk}/").content.decode()
    assert "Hình thức, số lượt tuyên truyền" in page
    assert client.post(f"/documents/{held.pk}/answers/", form(page, {"Hình thức": "Đã phát 300 tờ rơi."})).status_code == 302
    newest = held.issues.first()
    assert newest is not None
    assert (newest.number, newest.blanks) == (2, 6)
    turned = making.turned(held.issues.get(number=1).report, newest.report)
    assert ("+", "Đã phát 300 tờ rơi.") in [tuple(one) for one in turned]


def test_whoever_does_not_see_the_unit_makes_no_reply_of_it(campaign, tree) -> None:
    stranger = person("người nam", "admin", tree["south"])
    with pytest.raises(NoAccount):
        reply(campaign, tree["north"], stranger)
    client = on(stranger)
    assert client.post("/documents/new/", {"reply": f"{campaign.pk}-{tree['north'].pk}"}).url == "/documents/"
    assert not Document.objects.exists()


def test_a_unit_without_a_signer_is_refused_in_words(campaign, tree) -> None:
    with pytest.raises(making.Refused, match="Phòng Nam") as told:
        making.of_campaign(campaign, tree["south"], None, "console")
    assert "--signer-title" in str(told.value)
    assert making.of_campaign(campaign, tree["south"], None, "console", blank_signer=True).number == 1


def form(page: str, written: dict[str, str]) -> dict[str, str]:
    """What a browser sends of a page: each blank by the beginning of its label, as it stands there or as it is written now."""
    labels = dict(re.findall(r'<label for="id_(a[0-9a-f]{12})"[^>]*>\s*([^<]+)', page))
    assert labels
    stands = {
        name: html.unescape(text).strip() for name, text in re.findall(r'<textarea name="(a[0-9a-f]{12})"[^>]*>([^<]*)', page)
    }
    for name, label in labels.items():
        stands[name] = next((text for begin, text in written.items() if html.unescape(label).startswith(begin)), stands[name])
    return stands | {"seen": re.findall(r'name="seen" value="([0-9a-f]+)"', page)[0]}


def test_two_people_who_fill_one_paper_lose_nothing(campaign, tree) -> None:
    first, second = (on(person(name, "operator", tree["north"])) for name in ("một", "hai"))
    first.post("/documents/new/", {"reply": f"{campaign.pk}-{tree['north'].pk}"})
    held = Document.objects.get()
    url = f"/documents/{held.pk}/"
    pages = [client.get(url).content.decode() for client in (first, second)]
    assert first.post(f"{url}answers/", form(pages[0], {"Hình thức": "300 tờ rơi"})).status_code == 302
    late = second.post(f"{url}answers/", form(pages[1], {"Khó khăn": "Thiếu người"}))
    assert late.status_code == 409
    said = late.content.decode()
    assert "300 tờ rơi" in said, "what the other wrote is shown"
    assert "Thiếu người" in said, "what was typed is not lost"
    held.refresh_from_db()
    assert held.answers["people"] == "300 tờ rơi"
    again = form(said, {"Hình thức": "300 tờ rơi"})
    assert second.post(f"{url}answers/", again).status_code == 302
    held.refresh_from_db()
    assert (held.answers["people"], held.answers["wishes"]) == ("300 tờ rơi", "Thiếu người")


def test_what_is_written_while_an_issue_is_made_stays(campaign, tree, monkeypatch) -> None:
    held = making.of_campaign(campaign, tree["north"], None, "console").document
    made = making._report

    def meanwhile(*told):
        Document.objects.filter(pk=held.pk).update(answers={"people": "viết trong lúc đó"})
        return made(*told)

    monkeypatch.setattr(making, "_report", meanwhile)
    making.of_campaign(campaign, tree["north"], None, "console", {"wishes": "Không"})
    held.refresh_from_db()
    assert held.answers == {"people": "viết trong lúc đó", "wishes": "Không"}


def test_nothing_that_no_report_shows_is_called_complete(campaign, tree) -> None:
    """A unit without machines, and one whose machines are all unknown."""
    nobody = said_of(reply(campaign, tree["south"], None, blank_signer=True))
    assert "không dựa trên báo cáo của máy nào" in nobody
    assert "Mọi máy" not in nobody
    Row.objects.filter(campaign=campaign).exclude(state__in=("done", "unknown")).delete()
    some = said_of(reply(campaign, tree["north"], None))
    assert "chưa xác định được kết quả có số riêng" in some


def said_of(made: Report) -> str:
    return " ".join(one.text for one in grounds.appendix(made).blocks if isinstance(one, Paragraph))
