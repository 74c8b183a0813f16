"""New packs and versions in rings: few first, told and judged by alike, and back when something is wrong."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone, translation

from server.assess import packs
from server.assess.models import StoredAssessment
from server.ingest.models import Agent, Machine, StoredSnapshot
from server.journal.models import Entry
from server.schedules import rollouts
from server.schedules.models import Rollout
from server.schedules.rollouts import CannotRoll
from server.schedules.tasks import check
from server.units.models import Unit
from tests.server.people import Host, send

pytestmark = pytest.mark.django_db
WORK = "/api/v1/agents/me/work"
STRICTER = "name: Sở\nparams:\n  access.password: {min_length: 16}\n"


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def told(client: Client, host: Host) -> dict:
    return client.get(WORK, headers={"Authorization": host.authorization(WORK)}).json()


def place(rollout: Rollout, host: Host, percent: float) -> None:
    """As if the draw had put this machine there."""
    original = rollouts.place
    rollouts.place = lambda one, agent: percent if agent == host.agent else original(one, agent)  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def drawn_fairly():
    original = rollouts.place
    yield
    rollouts.place = original


def test_the_rings_hold_as_many_as_they_say_and_not_always_the_same_ones(tree) -> None:
    first, second = (Rollout(pk=pk, percents=[1, 5, 100]) for pk in (1, 2))
    agents = [f"agent-{number}" for number in range(20_000)]
    for rollout in (first, second):
        rollout.ring = 0
        assert 140 <= sum(rollouts.reached(rollout, agent) for agent in agents) <= 260
        rollout.ring = 1
        assert 880 <= sum(rollouts.reached(rollout, agent) for agent in agents) <= 1120
        rollout.ring = 2
        assert all(rollouts.reached(rollout, agent) for agent in agents)
    both = {agent for agent in agents if rollouts.place(first, agent) < 5} & {a for a in agents if rollouts.place(second, a) < 5}
    assert len(both) < 120
    narrow = {agent for agent in agents if rollouts.place(first, agent) < 1}
    assert narrow <= {agent for agent in agents if rollouts.place(first, agent) < 5}, "who was reached stays reached"


def test_who_is_reached_is_told_and_judged_by_the_new_and_the_others_by_what_was(
    client: Client, another, tree, newer: str
) -> None:
    early, late = another("early", "north"), another("late", "north")
    rollout = rollouts.start(tree["root"], "a", baseline=newer)
    place(rollout, early, 0.5)
    place(rollout, late, 50)
    assert told(client, early)["baseline"]["id"] == newer
    assert told(client, late)["baseline"]["id"] == "mini"
    for host, pack in ((early, newer), (late, "mini")):
        seen = host.snapshot()
        assert send(client, host.seal(seen, host.judged(seen, pack=pack))).json()["verdicts_agree"] is True
        assert StoredAssessment.objects.get(machine__agent_id=host.agent).baseline == pack
    rollouts.halt(rollout, "a", "because")
    assert told(client, early)["baseline"]["id"] == "mini", "halted: everybody back"
    rollouts.widen(rollout, "a")
    assert (rollout.percent, told(client, early)["baseline"]["id"]) == (1, newer), "resumed where it was"
    rollouts.widen(rollout, "a")
    rollouts.widen(rollout, "a")
    assert told(client, late)["baseline"]["id"] == newer
    with pytest.raises(CannotRoll, match="reached all"):
        rollouts.widen(rollout, "a")
    rollouts.end(rollout, "a")
    assert Unit.objects.get(pk=tree["root"].pk).baseline == newer
    assert told(client, late)["baseline"]["id"] == newer
    actions = Counter(Entry.objects.filter(action__startswith="rollout.").values_list("action", flat=True))
    assert actions == {"rollout.started": 1, "rollout.halted": 1, "rollout.widened": 3, "rollout.ended": 1}


@pytest.mark.on_both
def test_what_is_stored_is_judged_again_by_whoever_is_held_to_it(client: Client, another, tree, newer: str) -> None:
    from server.assess.tasks import _wanted

    early, late = another("early", "north"), another("late", "north")
    for host in (early, late):
        assert send(client, host.seal(host.snapshot())).status_code == 201
    assert not _wanted(None, False).exists()
    rollout = rollouts.start(tree["root"], "a", baseline=newer)
    place(rollout, early, 0.5)
    place(rollout, late, 50)
    assert [machine.name for machine in _wanted(None, False)] == ["early"]
    from server.assess.judge import rejudge

    assert rejudge(_wanted(None, False).iterator()) == (1, 0)
    assert not _wanted(None, False).exists(), "and not back again the next night"


def test_a_unit_with_its_own_word_keeps_it(client: Client, another, tree, newer: str) -> None:
    host = another("own", "north")
    Unit.objects.filter(pk=tree["north"].pk).update(tailoring=STRICTER)
    rollout = rollouts.start(tree["root"], "a", tailoring="", baseline=newer)
    place(rollout, host, 0.1)
    answer = told(client, host)
    assert (answer["baseline"]["id"], answer["tailoring"]["text"]) == ("mini", STRICTER)
    assert sum(ring.machines for ring in rollouts.rings(rollout)) == 0


def test_who_removes_the_own_stricter_values_falls_back_to_those_above(client: Client, another, tree) -> None:
    host = another("a", "north")
    Unit.objects.filter(pk=tree["root"].pk).update(tailoring=STRICTER)
    Unit.objects.filter(pk=tree["north"].pk).update(tailoring=STRICTER.replace("Sở", "Riêng"))
    rollout = rollouts.start(Unit.objects.get(pk=tree["north"].pk), "a", tailoring="")
    place(rollout, host, 0.1)
    assert told(client, host)["tailoring"]["text"] == STRICTER, "while it travels, as after it"


def test_stricter_values_alone_travel_in_rings_too(client: Client, another, tree) -> None:
    host = another("a", "north")
    rollout = rollouts.start(tree["root"], "a", tailoring=STRICTER)
    place(rollout, host, 0.1)
    assert told(client, host)["tailoring"]["text"] == STRICTER
    rollouts.end(rollout, "a")
    assert told(client, host)["tailoring"] is None, "given up before it reached all"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "say what is new"), ({"baseline": "mini", "version": "1"}, "say what is new"), ({"baseline": "nowhere"}, "nowhere"),
        ({"baseline": "mini", "percents": [5, 1, 100]}, "grow"), ({"baseline": "mini", "percents": [1, 5]}, "end with 100"),
        ({"baseline": "mini", "percents": []}, "grow"), ({"tailoring": "params: 5"}, "params"),
    ],
)  # fmt: skip
def test_what_cannot_be_rolled_out_is_said(tree, given: dict, words: str) -> None:
    with pytest.raises(CannotRoll, match=words):
        rollouts.start(tree["root"], "a", **given)
    assert not Rollout.objects.exists()


def test_one_at_a_time(tree) -> None:
    rollouts.start(tree["root"], "a", tailoring=STRICTER)
    with pytest.raises(CannotRoll, match="under way"):
        rollouts.start(tree["root"], "a", baseline="mini")
    rollouts.start(tree["root"], "a", version="0.2.0")
    rollouts.start(tree["north"], "a", tailoring="")


@pytest.mark.on_both
def test_it_halts_by_itself_when_verdicts_differ_and_goes_on_while_all_is_well(client: Client, another, tree, newer: str) -> None:
    hosts = [another(f"h{number}", "north") for number in range(3)]
    rollout = rollouts.start(tree["root"], "a", baseline=newer, percents=[50, 100])
    for number, host in enumerate(hosts):
        place(rollout, host, number)
        seen = host.snapshot()
        assert send(client, host.seal(seen, host.judged(seen, pack=newer))).status_code == 201
    rollouts.watch(rollout)
    assert rollout.halted_at is None
    assert [(ring.machines, ring.judged, ring.bad) for ring in rollouts.rings(rollout)] == [(3, 3, 0), (0, 0, 0)]
    seen = hosts[0].snapshot(min_length=4)
    said = hosts[0].judged(seen, pack=newer, verdicts="0" * 64)
    assert send(client, hosts[0].seal(seen, said)).json()["verdicts_agree"] is False
    rollouts.watch(rollout)
    assert rollout.halted_at is not None
    assert "1 of 3" in rollout.halted_why
    assert told(client, hosts[1])["baseline"]["id"] == "mini"
    assert Entry.objects.get(action="rollout.halted").actor == "collector"


def test_it_halts_when_agents_can_no_longer_judge(client: Client, another, tree, newer: str) -> None:
    (host,) = [another("h", "north")]
    rollout = rollouts.start(tree["root"], "a", baseline=newer, percents=[50, 100])
    place(rollout, host, 1)
    assert send(client, host.seal(host.snapshot())).status_code == 201
    rollouts.watch(rollout)
    assert rollout.halted_at is not None


def test_reports_from_before_the_ring_say_nothing_of_it(client: Client, another, tree, newer: str) -> None:
    host = another("h", "north")
    assert send(client, host.seal(host.snapshot())).status_code == 201
    StoredSnapshot.objects.update(received_at=timezone.now() - timedelta(hours=1))
    rollout = rollouts.start(tree["root"], "a", baseline=newer, percents=[50, 100])
    place(rollout, host, 1)
    rollouts.watch(rollout)
    assert rollout.halted_at is None
    assert rollouts.rings(rollout)[0].judged == 0


def test_a_pack_changed_under_a_rollout_halts_it(tree, settings, newer: str) -> None:
    rollout = rollouts.start(tree["root"], "a", baseline=newer)
    standard = settings.DATA.packs / newer / "standard.yaml"
    standard.write_text(standard.read_text("utf-8") + "\n# changed\n", "utf-8")
    packs.forget()
    rollouts.watch(rollout)
    assert "no longer the one" in rollout.halted_why


def test_a_version_is_recommended_to_the_ring_and_those_who_lag_are_shown(client: Client, another, tree) -> None:
    early, late = another("early", "north"), another("late", "north")
    rollout = rollouts.start(tree["root"], "a", version="9.9.0", percents=[10, 100])
    place(rollout, early, 0)
    place(rollout, late, 50)
    assert told(client, early)["recommended_version"] == "9.9.0"
    assert told(client, late)["recommended_version"] is None
    for host in (early, late):
        assert send(client, host.seal(host.snapshot())).status_code == 201
    StoredSnapshot.objects.filter(machine__agent_id=early.agent).update(collector="9.9.0")
    narrow, wide = rollouts.rings(rollout)
    assert (narrow.versions, narrow.current) == ({"9.9.0": 1}, 1)
    assert (wide.versions, wide.current) == ({"0.1.0": 1}, 0)
    rollouts.watch(rollout)
    assert rollout.halted_at is None


def test_the_background_looks_after_it(tree, newer: str) -> None:
    from server.background.declare import TASKS
    from server.background.periodic import TABLE

    assert any(entry.task == "schedules.check" for entry in TABLE)
    assert TASKS["schedules.check"] is check


def test_the_page_shows_a_rollout_to_those_of_its_unit_alone(as_admin: Client, person, tree, newer: str) -> None:
    rollouts.start(tree["north"], "a", baseline=newer, approved_by="người thứ hai")
    assert newer in as_admin.get("/schedules/").content.decode()
    other = Client()
    other.force_login(person("nam", "south"), backend="django.contrib.auth.backends.ModelBackend")
    assert newer not in other.get("/schedules/").content.decode()
    assert Machine.objects.count() == Agent.objects.count() == 0
