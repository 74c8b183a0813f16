"""People's words on what no machine decides."""

from __future__ import annotations

import pytest

from server.config import Config
from server.ingest.models import Machine
from server.journal.models import Entry
from server.units import operations
from server.units.operations import By
from server.waivers import attesting, overlay
from server.waivers.models import Attestation
from tests.server import waivers_borne
from tests.server.waivers import on, paper
from tests.server.waivers_borne import DAY, TODAY, verdicts

pytestmark = pytest.mark.django_db
english, asker, second, machines = waivers_borne.english, waivers_borne.asker, waivers_borne.second, waivers_borne.machines


def said(**changes) -> dict:
    given = {
        "requirement": "care.rules", "state": "met", "role": "Trưởng phòng", "machine": "", "system": "", "document": "45/QĐ-BHXH",
        "on": TODAY().isoformat(), "until": (TODAY() + 90 * DAY).isoformat(), "note": "",
    }  # fmt: skip
    return given | changes


def test_a_word_on_what_people_decide(person, machines, tree) -> None:
    operator = person("vận-hành", "north", "operator")
    client, url = on(operator), f"/units/{tree['north'].pk}/attestations/new/"
    page = client.get(url).content.decode()
    assert "care.rules" in page
    assert "access.root" not in page, "a machine decides that"
    assert client.post(url, said(requirement="access.root")).status_code == 200
    assert client.post(url, said(until=(TODAY() - DAY).isoformat())).status_code == 200
    assert not Attestation.objects.exists()
    assert client.post(url, said() | {"file": paper()}).status_code == 302
    word = Attestation.objects.get()
    assert (word.by, word.role, word.attachment.type, word.level) == ("vận-hành", "Trưởng phòng", "pdf", 2)
    assert attesting.of(machines[0], "mini", 2).counting == {"care.rules": word}
    assert attesting.of(machines[2], "mini", 2).counting == {}
    assert attesting.of(machines[0], "mini", 3).counting == {}, "met at level 2 says nothing of level 3"
    assert "45/QĐ-BHXH" in client.get(f"/machines/{machines[0].pk}/").content.decode()
    client.post(url, said(state="not_met"))
    assert attesting.of(machines[0], "mini", 2).counting["care.rules"].state == "not_met", "of two of one day the worse"
    for one in Attestation.objects.all():
        client.post(f"/attestations/{one.pk}/take-back/")
    assert attesting.of(machines[0], "mini", 2).counting == {}
    assert Entry.objects.filter(action__startswith="attestation.").count() == 4


def test_a_word_takes_nothing_back_that_a_machine_saw(person, machines, tree) -> None:
    before = verdicts()
    score = overlay.score([tree["root"].path])
    on(person("a", "root", "admin")).post(f"/units/{tree['root'].pk}/attestations/new/", said(machine="may-1"))
    assert Attestation.objects.get().unit == tree["north"]
    assert (verdicts(), overlay.score([tree["root"].path])) == (before, score)


def test_a_word_on_an_information_system_speaks_of_its_machines_alone(person, machines, tree, monkeypatch) -> None:
    client = on(person("a", "root", "admin"))
    client.post(f"/units/{tree['north'].pk}/attestations/new/", said(system="Một cửa"))
    word = Attestation.objects.get()
    first = attesting.of(machines[0], "mini", 2)
    assert (first.counting, first.uncertain) == ({}, {"care.rules": [word]}), "which machines make it up is not known"
    page = client.get(f"/machines/{machines[0].pk}/").content.decode()
    assert "hệ thống thông tin Một cửa" in page
    assert "45/QĐ-BHXH" not in page
    monkeypatch.setattr(
        attesting, "MEMBERSHIP", [lambda machine, system: (machine.name, system) == ("may-1", "Một cửa"), lambda *_: None]
    )
    assert attesting.of(machines[0], "mini", 2) == ({"care.rules": word}, {})
    assert attesting.of(machines[1], "mini", 2) == ({}, {})
    client.post(f"/units/{tree['north'].pk}/attestations/new/", said(system="Khác", machine="may-2"))
    assert attesting.of(machines[1], "mini", 2).counting["care.rules"].system == "Khác", "it names the machine itself"


def test_in_a_merge_a_word_on_a_unit_ends_and_one_on_a_machine_goes_along(person, machines, tree) -> None:
    client = on(person("a", "root", "admin"))
    for name in ("", "may-1"):
        client.post(f"/units/{tree['north'].pk}/attestations/new/", said(machine=name))
    operations.merge([tree["north"]], tree["south"], By("test"), TODAY())
    first, third = Machine.objects.get(name="may-1"), Machine.objects.get(name="may-3")
    assert attesting.of(first, "mini", 2).counting["care.rules"].machine == first
    assert attesting.of(third, "mini", 2).counting == {}


def test_a_word_is_for_a_time_too(asker, machines, tree, settings) -> None:
    settings.CONFIG = Config(waiver_days=30)
    url = f"/units/{tree['north'].pk}/attestations/new/"
    for days, status in ((30, 200), (29, 302)):
        answer = on(asker).post(url, said(until=(TODAY() + days * DAY).isoformat()))
        assert answer.status_code == status, "the first day counts as well"
    assert "Nhiều nhất 30 ngày" in on(asker).post(url, said()).content.decode()
    assert Attestation.objects.count() == 1
