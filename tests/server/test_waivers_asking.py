"""Asking for a waiver: what fits, by whom, with which file."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from datetime import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from server.approvals import deciding, files
from server.approvals.models import Attachment, Request
from server.config import Config
from server.ingest.models import Machine
from server.programs.models import Key
from server.waivers import asking
from tests.server import waivers_borne
from tests.server.people import send
from tests.server.waivers import CHECK, PDF, REQUIREMENT, asked, form, on, paper, wish
from tests.server.waivers_borne import DAY, TODAY, accepted, noon

pytestmark = pytest.mark.django_db
english, asker, second, machines = waivers_borne.english, waivers_borne.asker, waivers_borne.second, waivers_borne.machines


def test_from_a_failed_verdict_to_a_request(asker, machines, tree) -> None:
    client, url = on(asker), f"/machines/{machines[0].pk}/waivers/new/"
    assert f"{url}?what={REQUIREMENT}%7C{CHECK}" in client.get(f"/machines/{machines[0].pk}/").content.decode()
    page = client.get(f"{url}?what={REQUIREMENT}%7C{CHECK}").content.decode()
    assert "clock.follows" not in page, "what is unknown cannot be chosen"
    answer = client.post(url, {**form(), "file": paper()})
    request = Request.objects.get()
    assert answer.headers["Location"] == f"/approvals/{request.pk}/"
    assert (request.unit, request.payload["machines"], request.attachment.type) == (tree["north"], [machines[0].pk], "pdf")
    assert client.post(url, {**form(), "what": "care.clock|clock.follows"}).status_code == 200
    assert Request.objects.count() == 1
    system = client.post(url, form(system="Hệ thống một cửa", others="may-2\nmay-3\n"))
    assert system.status_code == 302
    latest = Request.objects.first()
    assert (latest.unit, len(latest.payload["machines"]), latest.payload["system"]) == (tree["root"], 3, "Hệ thống một cửa")


def test_a_machine_of_others_is_not_known_here(person, machines, tree) -> None:
    operator = on(person("vận-hành", "north", "operator"))
    assert operator.get(f"/machines/{machines[2].pk}/waivers/new/").status_code == 404
    answer = operator.post(f"/machines/{machines[0].pk}/waivers/new/", form(system="A", others="may-3"))
    assert answer.status_code == 200
    assert not Request.objects.exists()
    viewer = on(person("người-xem", "north"))
    assert viewer.get(f"/machines/{machines[0].pk}/waivers/new/").status_code == 404
    assert viewer.get(f"/units/{tree['north'].pk}/waivers/new/").status_code == 404
    assert "waivers/new" not in viewer.get(f"/machines/{machines[0].pk}/").content.decode()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"days": 0}, "ends before"),
        ({"days": 500}, "At most 366"),
        ({"requirement": "không.có"}, "no requirement"),
        ({"check": "password_policy.length"}, "does not ask"),
        ({"requirement": "care.rules", "check": ""}, "No check decides"),
        ({"measure": "ngắn"}, "ten letters"),
    ],
)
def test_what_does_not_fit_is_not_asked_for(asker, tree, changes, why) -> None:
    with pytest.raises(asking.Unfit, match=why):
        asking.ask(tree["north"], asker, wish(**changes))
    assert not Request.objects.exists()


def test_nothing_is_borne_of_the_days_before_somebody_agreed(asker, second, machines, tree, monkeypatch, client) -> None:
    with pytest.raises(asking.Unfit, match="today at the earliest"):
        asking.ask(tree["north"], asker, wish(begin=-1))
    request = asked(tree["north"], asker, days=10)
    later = noon(TODAY() + 3 * DAY)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    deciding.approve(request.pk, second, request.digest)
    waiver = request.waiver
    assert (waiver.on, waiver.until) == (later.date(), wish(days=10, begin=-3).until)
    assert accepted(tree["root"], now=later - DAY) == 0
    _key, text = Key.issue(asker, tree["root"], "k", ["waivers"], later + DAY)
    found = client.get("/api/v1/waivers", headers={"Authorization": f"Bearer {text}"}).json()["items"]
    assert [datetime.fromisoformat(one["agreed_at"]) for one in found] == [later]


def test_a_term_that_the_settings_have_shortened_is_not_granted(asker, second, tree, settings) -> None:
    request = asked(tree["north"], asker, days=100)
    settings.CONFIG = Config(waiver_days=30)
    with pytest.raises(deciding.Impossible, match="At most 30"):
        deciding.approve(request.pk, second, request.digest)


def test_names_and_texts_are_shown_and_not_run(asker, second, client, another, tree) -> None:
    evil = "<script>alert(1)</script>"
    host = another(evil, "north")
    assert send(client, host.seal(host.snapshot())).status_code == 201
    machine = Machine.objects.get(name=evil)
    texts = {"reason": f"{evil} vì phần mềm cũ", "measure": f"{evil} tường lửa riêng", "document": evil}
    answer = on(asker).post(f"/machines/{machine.pk}/waivers/new/", form(**texts) | {"file": paper(f"{evil}.pdf")})
    request = Request.objects.get()
    assert answer.status_code == 302
    deciding.approve(request.pk, second, request.digest)
    for url in (
        "/approvals/",
        f"/approvals/{request.pk}/",
        "/waivers/",
        f"/waivers/{request.waiver.pk}/",
        f"/machines/{machine.pk}/",
    ):
        page = on(second).get(url).content.decode()
        assert evil not in page, url
        assert "&lt;script&gt;" in page, url
    download = on(second).get(f"/waivers/{request.waiver.pk}/file/")
    assert download.headers["Content-Disposition"].startswith("attachment")
    assert download.headers["X-Content-Type-Options"] == "nosniff"
    assert "\n" not in download.headers["Content-Disposition"]


def test_any_form_of_vietnamese_is_one(asker, machines, tree) -> None:
    words = "Đề nghị chấp thuận tạm thời cho máy chủ"
    loose = unicodedata.normalize("NFD", words)
    assert loose != words
    url = f"/machines/{machines[0].pk}/waivers/new/"
    on(asker).post(
        url, form(reason=loose, measure=loose, document=loose) | {"file": paper(unicodedata.normalize("NFD", "giấy tờ.pdf"))}
    )
    request = Request.objects.get()
    assert (request.reason, request.payload["measure"], request.payload["document"], request.file_name) == (
        words,
        words,
        words,
        "giấy tờ.pdf",
    )


# files -----------------------------------------------------------------------------------------------------------------


def office(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (PDF, "pdf"),
        (b"\x89PNG\r\n\x1a\n....", "png"),
        pytest.param(office("word/document.xml"), "docx", id="document"),
        pytest.param(office("word/document.xml", "word/vbaProject.bin"), "", id="macros"),
        pytest.param(office("a.exe"), "", id="archive"),
        (b"PK\x03\x04 cut short", ""),
        ("Biên bản họp.\n".encode(), "text"),
        (b"MZ\x90\x00\x03", ""),
        (b"\x1b[2J", ""),
    ],
)
def test_a_file_is_what_it_holds(content: bytes, found: str) -> None:
    assert files.type_of(content) == found


def test_a_file_over_the_limit_is_not_taken(asker, machines, settings) -> None:
    settings.CONFIG = Config(attachment_mib=1)
    url = f"/machines/{machines[0].pk}/waivers/new/"
    for content in (PDF + b"x" * (1 << 20), b"MZ" + bytes(10), b""):
        answer = on(asker).post(url, form() | {"file": SimpleUploadedFile("a.pdf", content)})
        assert answer.status_code == 200
        assert 'class="error"' in answer.content.decode()
    assert not Request.objects.exists()
    assert not Attachment.objects.exists()
    assert on(asker).post(url, form() | {"file": paper()}).status_code == 302


def test_the_same_file_is_kept_once_and_bound_to_the_request(asker, second, machines) -> None:
    for machine in machines[:2]:
        on(asker).post(f"/machines/{machine.pk}/waivers/new/", form() | {"file": paper(f"{machine.name}.pdf")})
    first, other = Request.objects.order_by("pk")
    assert first.attachment == other.attachment
    exchanged = Attachment.objects.create(pk="0" * 64, size=1, type="pdf", content=b"x")
    Request.objects.filter(pk=first.pk).update(attachment=exchanged)
    with pytest.raises(deciding.Impossible):
        deciding.approve(first.pk, second, first.digest)
    deciding.approve(other.pk, second, other.digest)
    assert on(second).get(f"/waivers/{other.waiver.pk}/file/").content == PDF
