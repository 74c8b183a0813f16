"""Outlets at the console, on their page, and in the check of the collector."""

from __future__ import annotations

import argparse
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from server.deploy import check
from server.journal.models import Entry
from server.outlets import console, making
from server.outlets.making import Wish, Wrong
from server.outlets.models import Outlet
from server.units.models import Membership
from tests.server.outlets import KEY, fresh, outlet

pytestmark = pytest.mark.django_db
FORM = {
    "kind": "webhook", "name": "SIEM", "address": "https://siem.example.vn/rasoat", "tells": ["alarms", "verdicts"], "severity": "3",
    "direction": "worse", "language": "vi", "secret": KEY, "format": "json", "facility": "16", "hours": "24", "per_hour": "10",
}  # fmt: skip


def options(words: list[str]) -> argparse.Namespace:
    from server import cli

    return cli._parser().parse_args(["outlet", *words])


def add(*words: str) -> int:
    return console.add(options(["add", *words]))


def test_the_console_makes_one_and_its_secret_is_nowhere_in_clear(tree, tmp_path: Path, capsys) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    assert (
        add(
            "webhook",
            "SIEM",
            "https://siem.example.vn/x",
            "--unit",
            "Phòng Bắc",
            "--secret-file",
            str(tmp_path / "key"),
            "--tells",
            "alarms,journal",
        )
        == 0
    )
    made = Outlet.objects.get()
    assert (made.unit, made.secret, made.alarms, made.verdicts, made.journal, made.language) == (
        tree["north"],
        KEY,
        True,
        False,
        True,
        "vi",
    )
    assert KEY.encode() not in bytes(made.sealed or b"")
    entry = Entry.objects.get(action="outlet.new")
    assert entry.unit_path == tree["north"].path
    assert KEY not in str(entry.row())
    assert console.listed(options(["list"])) == 0
    assert KEY not in capsys.readouterr().out


def test_a_secret_from_standard_input(tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a password\n"))
    words = [
        "mail",
        "thư",
        "starttls://mail.example.vn",
        "--secret-file",
        "-",
        "--user",
        "u",
        "--sender",
        "a@b.vn",
        "--to",
        "c@d.vn",
    ]
    assert add(*words) == 0
    made = Outlet.objects.get()
    assert (made.secret, made.address, made.options["recipients"]) == ("a password", "starttls://mail.example.vn:587", ["c@d.vn"])


@pytest.mark.parametrize(
    ("kind", "address", "changes"),
    [
        ("webhook", "http://x.example/", {}), ("webhook", "https://user:word@x.example/", {}), ("webhook", "https://x.example/?token=1", {}),
        ("webhook", "https://x.example/", {"secret": "short"}), ("webhook", "https://x.example/\nHost: y", {}), ("webhook", "file:///etc/passwd", {}),
        ("syslog", "tls://x.example:99999", {"secret": ""}), ("syslog", "https://x.example", {"secret": ""}), ("syslog", "tcp://x.example", {}),
        ("syslog", "tls://x.example", {"secret": "", "options": {"enterprise": 32473}}), ("syslog", "tls://x.example", {"secret": "", "options": {"facility": 24}}),
        ("syslog", "tls://x.example", {"secret": "", "ca": "no PEM"}), ("syslog", "tls://x.example", {"secret": "", "tells": ()}),
        ("syslog", "tls://x.example", {"secret": "", "tells": ("everything",)}), ("syslog", "tls://x.example/path", {"secret": ""}),
        ("mail", "smtp://x.example", {"options": {"user": "u", "sender": "a@b.vn", "recipients": ["c@d.vn"]}}),
        ("mail", "starttls://x.example", {"secret": "", "options": {"sender": "a@b.vn", "recipients": []}}),
        ("mail", "starttls://x.example", {"secret": "", "options": {"sender": "a@b.vn\nBcc: x@y.vn", "recipients": ["c@d.vn"]}}),
        ("mail", "starttls://x.example", {"secret": "", "options": {"sender": "a@b.vn", "recipients": ["c@d.vn\r\nBcc: e@f.vn"]}}),
        ("mail", "starttls://x.example", {"secret": "", "tells": ("journal",), "options": {"sender": "a@b.vn", "recipients": ["c@d.vn"]}}),
        ("mail", "starttls://x.example", {"secret": "", "options": {"sender": "a@b.vn", "recipients": ["c@d.vn"], "hours": 0}}),
        ("mail", "starttls://x.example", {"secret": "mật khẩu", "options": {"user": "u", "sender": "a@b.vn", "recipients": ["c@d.vn"]}}),
    ],
)  # fmt: skip
def test_what_cannot_be_an_outlet(tree, kind: str, address: str, changes: dict[str, Any]) -> None:
    with pytest.raises(Wrong):
        making.make(tree["root"], Wish(kind, "a", address, **({"secret": KEY} | changes)), "console")
    assert not Outlet.objects.exists()
    assert not Entry.objects.filter(action="outlet.new").exists()


def test_pause_resume_remove_and_a_test_that_fails(tree, capsys) -> None:
    known = outlet(tree["root"])
    for word, function in (("pause", console.pause), ("resume", console.resume)):
        assert function(options([word, str(known.pk)])) == 0
    assert fresh(known).paused_at is None
    assert console.test(options(["test", str(known.pk)])) == 1
    assert "may not reach" in capsys.readouterr().err
    assert console.remove(options(["remove", str(known.pk)])) == 0
    assert not Outlet.objects.exists()
    assert console.remove(options(["remove", str(known.pk)])) == 2
    assert {"outlet.paused", "outlet.resumed", "outlet.removed"} <= set(Entry.objects.values_list("action", flat=True))


def test_the_page_makes_one(as_admin: Client, tree, admin) -> None:
    answer = as_admin.post("/outlets/", FORM | {"unit": tree["north"].pk})
    assert answer.status_code == 302, answer.content.decode()
    made = Outlet.objects.get()
    assert (made.unit, made.secret, made.made_by, made.verdicts) == (tree["north"], KEY, admin.username, True)
    page = as_admin.get("/outlets/").content.decode()
    assert "SIEM" in page
    assert KEY not in page


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        ("", set()),
        ("syslog", {"format", "facility", "enterprise"}),
        ("webhook", set()),
        ("mail", {"sender", "recipients", "user", "hours", "per_hour"}),
    ],
)
def test_the_form_asks_for_what_its_kind_has(as_admin: Client, tree, kind: str, own: set[str]) -> None:
    page = as_admin.get(f"/outlets/?kind={kind}").content.decode()
    assert all(f"?kind={one}#make" in page for one in ("syslog", "webhook", "mail")), "chosen by plain links"
    shown = set(re.findall(r'name="(\w+)"', page.partition('id="make"')[2])) - {"csrfmiddlewaretoken"}
    shared = {"kind", "unit", "name", "address", "tells", "severity", "direction", "rule_changes", "language", "secret", "ca"}
    assert shown == (shared | own if kind else set())
    assert ('value="journal"' in page) == (kind in ("syslog", "webhook")), "the journal does not go by e-mail"
    assert as_admin.post("/outlets/", FORM | {"unit": tree["root"].pk, "kind": "fax"}).status_code == 404


def test_the_page_makes_one_for_mail(as_admin: Client, tree) -> None:
    given = FORM | {
        "unit": tree["root"].pk,
        "kind": "mail",
        "address": "starttls://mail.example.vn",
        "sender": "a@b.vn",
        "user": "u",
        "secret": "a password",
    }
    page = as_admin.post("/outlets/", given).content.decode()
    assert 'class="field wrong"' in page, "recipients are missing"
    assert "a password" not in page
    assert as_admin.post("/outlets/", given | {"recipients": "c@d.vn, e@f.vn,"}).status_code == 302
    made = Outlet.objects.get()
    assert made.options == {"sender": "a@b.vn", "recipients": ["c@d.vn", "e@f.vn"], "user": "u", "hours": 24, "per_hour": 10}
    assert (made.kind, made.secret) == ("mail", "a password")


def test_a_secret_does_not_come_back_with_a_form_that_is_wrong(as_admin: Client, tree) -> None:
    page = as_admin.post("/outlets/", FORM | {"unit": tree["north"].pk, "address": "http://x.example/"}).content.decode()
    assert "https://" in page
    assert KEY not in page
    assert not Outlet.objects.exists()


def test_administrators_of_another_unit_neither_see_nor_make_it(client: Client, person, tree) -> None:
    mine = outlet(tree["south"], name="kênh của Nam")
    client.force_login(person("a", "north", Membership.ADMIN), backend="django.contrib.auth.backends.ModelBackend")
    assert "kênh của Nam" not in client.get("/outlets/").content.decode()
    for act in ("test", "pause", "resume", "remove"):
        assert client.post(f"/outlets/{mine.pk}/{act}/").status_code == 404
    assert client.post("/outlets/", FORM | {"unit": tree["south"].pk}).status_code == 200
    assert list(Outlet.objects.all()) == [mine]


def test_whoever_does_not_administer_has_no_such_page(client: Client, person, tree) -> None:
    client.force_login(person("a", "root", Membership.AUDITOR), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/outlets/").status_code == 403
    assert client.post("/outlets/", FORM | {"unit": tree["root"].pk}).status_code == 403


def test_acts_of_the_page(as_admin: Client, tree) -> None:
    from server.background.models import Job

    known = outlet(tree["root"])
    assert as_admin.post(f"/outlets/{known.pk}/test/").status_code == 302
    assert Job.objects.get(name="outlets.test").subject == known.name
    as_admin.post(f"/outlets/{known.pk}/pause/")
    assert fresh(known).paused_at
    assert as_admin.post(f"/outlets/{known.pk}/other/").status_code == 404
    assert as_admin.get(f"/outlets/{known.pk}/remove/").status_code == 405
    as_admin.post(f"/outlets/{known.pk}/remove/")
    assert not Outlet.objects.exists()


def lines() -> list[check.Line]:
    return list(check._outlets())


def test_the_check_names_what_has_not_got_through_for_a_day(tree) -> None:
    known = outlet(tree["root"], name="kênh một")
    now = timezone.now()
    Outlet.objects.update(failing_since=now - timedelta(hours=23), error="no answer in time")
    assert lines() == []
    Outlet.objects.update(failing_since=now - timedelta(hours=25))
    (line,) = lines()
    assert line.state == check.BAD
    assert "kênh một" in line.seen
    assert "no answer in time" in line.seen
    assert str(known.pk) in line.do
    assert console.listed(options(["list"])) == 1
    Outlet.objects.update(paused_at=now)
    assert lines() == []


def test_the_check_names_those_whose_maker_has_left(tree, person) -> None:
    maker, heir = person("người làm", "root", Membership.ADMIN), person("người sau", "root", Membership.ADMIN)
    making.make(tree["north"], Wish("syslog", "k", "tls://x.example"), maker.username)
    assert lines() == []
    maker.is_active = False
    maker.save()
    (line,) = lines()
    assert (line.state, "người làm" in line.seen) == (check.WARN, True)
    making.resume(Outlet.objects.select_related("unit").get(), heir.username)
    assert lines() == []
    heir.memberships.all().delete()
    assert [line.state for line in lines()] == [check.WARN]
