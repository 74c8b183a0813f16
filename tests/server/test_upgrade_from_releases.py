"""What each release left behind is taken over whole: its database, its backup, an agent and a relay with reports not yet sent."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.apps import apps
from django.test import Client
from django.utils import translation

from agent.config import Config
from agent.delivery import deliver_and_note
from agent.run import Run
from agent.spool import Spool
from agent.state import State
from collectors.centre import Centre
from collectors.seal import parse, unpack, verify
from collectors.seal_delta import MEDIA_TYPE, make
from server.assess import packs
from server.config import Data
from server.database import migrate
from server.feeds.matching.models import Weakness
from server.ingest.models import StoredSnapshot
from server.storage import console
from server.units.models import User
from tests.postgres import Cluster
from tests.releases.found import BACKUP, Office, Release, releases
from tests.releases.sites import QUIET
from tests.server.people import Host
from tests.server.relays import Agent, Relay, free_port
from tests.server.stored import Stored, call, forget
from tests.server.test_rights import LISTS, OF_AN_OBJECT, Place, address
from tests.server.waivers import on

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("releases")]
"""Together: each takes up where the one before left off."""

EMPTY = {
    "auth.Group": "roles are memberships, Django's groups are not used",
    "axes.AccessAttemptExpiration": "its setting is off",
    "axes.AccessFailureLog": "its setting is off",
    "axes.AccessLog": "its setting is off: the journal says who logged on",
    "differences.Summed": "came after 1.0: a worker adds it up",
    "schedules.Attendance": "came after 1.0: a worker works it out",
}
"""Tables in which the newest release left nothing, and why. A table that came later stands here until the next release."""
GONE: dict[str, str] = {}
"""Tables of earlier releases that are no more, and where their rows went."""
GROWS = {"journal_entry", "django_migrations", "django_content_type", "auth_permission"}
"""Tables to which setting up adds."""
EXCEPT = {
    "calendar/day/": (404,),  # it wants a day
    "log-on/oidc/": (404,),  # no provider is set up
    "log-on/oidc/answer/": (404,),
    "evidence/<int:pk>/": (409,),  # not made yet
    "api/v1/evidence/<int:bundle>": (409,),
    "api/v1/evidence/<int:bundle>/file": (409,),
    "machines/<int:pk>/configurations/compare/": (400, 404),  # it wants two versions
    "documents/<int:pk>/compare/": (404,),  # it wants two issues
}
NOT_IN_IT: dict[str, str] = {}
"""Routes about an object of a kind that an old release does not have, and since when there is one."""


@pytest.fixture(scope="module", params=releases(), ids=lambda folder: folder.name)
def release(request: pytest.FixtureRequest) -> Release:
    return Release(request.param)


@pytest.fixture(scope="module")
def left(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its collector, as it lay there."""
    return release.folder_of("collector", tmp_path_factory.mktemp("left"))


@pytest.fixture(scope="module")
def office(release: Release, left: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A copy of it, taken over by the present program."""
    found = Office(release.folder_of("collector", tmp_path_factory.mktemp("office")) / "data")
    assert "was there already" in found.command("init", "--lang", "en").stdout
    yield found
    found.stop()


@pytest.fixture
def opened(office: Office, django_db_blocker: Any) -> Iterator[Stored]:
    """The same inside this process."""
    stored = Stored(Data(office.data))
    with django_db_blocker.unblock(), stored.opened(), translation.override("en"):
        packs.let_go()
        yield stored
    packs.let_go()


def test_no_table_is_lost_and_no_row(release: Release, office: Office) -> None:
    now = office.tables()
    told = release.told["tables"]
    assert set(told) - set(now) == set(GONE) & set(told)
    kept = {name: count for name, count in told.items() if name in now and name not in GROWS}
    assert {name: now[name] for name in kept} == kept
    assert all(now[name] >= told[name] for name in GROWS)


def test_the_newest_release_left_something_in_every_table(release: Release, opened: Stored) -> None:
    if release.folder != releases()[-1]:
        pytest.skip("an older one cannot hold what came later")
    empty = {model._meta.label for model in apps.get_models() if not model._base_manager.exists()}
    assert empty == set(EMPTY)


def test_it_is_fit(office: Office) -> None:
    lines = json.loads(office.command("check", "--format", "json", check=False).stdout)
    assert {line["name"]: line["seen"] for line in lines if line["state"] == "bad"} == {}
    assert any(line["name"] == "database" and line["state"] == "good" for line in lines)
    assert office.command("journal", "verify").returncode == 0
    assert office.command("findings", "verify").returncode == 0


def test_every_report_is_there_byte_for_byte_and_its_signature_holds(release: Release, opened: Stored) -> None:
    rows = StoredSnapshot.objects.select_related("agent", "base").order_by("pk")
    read = {}
    for row in rows:
        sealed = row.open()
        verify(sealed, bytes(row.agent.public_key))
        assert verify(parse(unpack(row.whole())), bytes(row.agent.public_key)) is None
        assert hashlib.sha256(row.plain()).hexdigest() == row.sealed_sha256
        assert row.snapshot().id == row.pk
        read[row.pk] = hashlib.sha256(sealed.snapshot).hexdigest()
    told = release.told["snapshots"]
    assert {name: read[name] for name in told} == told
    assert rows.exclude(base=None).count() > 5, "differences are among them"


def test_judged_again_by_what_holds_now_nothing_is_lost(office: Office) -> None:
    before = office.tables()
    said = office.command("rejudge", "--now", "--lang", "en").stdout
    found = re.search(r"(\d+) judged again, (\d+) could not", said)
    assert found, said
    assert int(found[1]) > 40
    assert int(found[2]) == 0
    now = office.tables()
    for name in ("ingest_storedsnapshot", "ingest_machine", "findings_transition"):
        assert now[name] >= before[name]
    assert office.command("findings", "verify").returncode == 0


def asked(client: Client, routes: list[str]) -> tuple[dict[str, int], int, list[str]]:
    """Of pages of those routes: (answers that are none, how many were shown, routes for which the release left no object)."""
    wrong, found, missing = {}, 0, []
    for route in routes:
        try:
            url = address(route.replace("<slug:weakness>", Weakness.objects.all()[0].identifier), Lying())
        except LookupError:
            missing.append(route)
            continue
        answer = client.get(url)
        b"".join(answer)
        found += answer.status_code == 200
        if answer.status_code not in (200, 302, 405, *EXCEPT.get(route, ())):
            wrong[url] = answer.status_code
    return wrong, found, missing


def test_every_list_opens_for_the_administrator(opened: Stored) -> None:
    wrong, found, missing = asked(on(User.objects.get(username="admin")), LISTS)
    assert (wrong, missing) == ({}, [])
    assert found > 60


def test_every_page_about_something_opens_too(opened: Stored) -> None:
    wrong, found, missing = asked(on(User.objects.get(username="admin")), OF_AN_OBJECT)
    assert wrong == {}
    assert set(missing) <= set(NOT_IN_IT)
    assert found > 40


class Lying(Place):
    """What pages are about, as the release's maker left it there. Raises LookupError for a kind that release did not have."""

    KINDS = {
        "alarm": "assess.Alarm", "token": "ingest.EnrolmentToken", "key": "programs.Key", "job": "background.Job", "relay": "relays.Relay",
        "sighting": "sweeps.Sighting", "concern": "sweeps.Concern", "outlet": "outlets.Outlet", "waiver": "waivers.Waiver",
        "attestation": "waivers.Attestation", "assignment": "assignments.Assignment", "filter": "filters.SavedFilter",
        "issue": "documents.Issue", "routine": "documents.Routine", "program": "registers.Program", "system": "registers.System",
        "stocktake": "registers.Stocktake", "upload": "registers.Upload", "bundle": "evidence.Bundle", "own_date": "calendar.OwnDate",
        "done": "calendar.Done", "part": "campaigns.Part", "version": "configurations.Version", "expected": "coverage.Expected",
        "item": "registers.Item",
    }  # fmt: skip
    NAMED = {
        "machine": ("ingest.Machine", "may-mauthu"),
        "target": ("ingest.Machine", "dich-mauthu"),
        "waiting": ("ingest.Agent", "cho-mauthu"),
    }

    def __missing__(self, key: str) -> Any:
        if key == "unit":
            return self["machine"].unit
        label, name = self.NAMED[key] if key in self.NAMED else (self.KINDS[key], "")
        rows = apps.get_model(label)._default_manager.order_by("pk")
        return rows.filter(name=name)[0] if name else rows[0]


def test_a_machine_that_was_not_upgraded_goes_on_reporting(release: Release, office: Office, opened: Stored) -> None:
    told = release.told["host"]
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(told["key"]))
    host = Host(name=told["name"], key=key, agent=told["agent"])
    base = StoredSnapshot.objects.get(pk=told["snapshot"])
    snapshot = host.snapshot(permit_root_login="yes")
    delta = make(unpack(host.seal(snapshot, host.judged(snapshot))), host.agent, base.pk, base.open().snapshot)
    assert delta is not None
    client = Client()
    for status in (201, 200):
        answer = client.post("/api/v1/snapshots", delta, content_type=MEDIA_TYPE)
        assert answer.status_code == status, answer.content
    kept = StoredSnapshot.objects.select_related("machine", "agent").get(pk=snapshot.id)
    assert kept.machine.name == host.name
    assert kept.machine.latest_id == kept.pk
    assert kept.open().snapshot == snapshot.to_bytes()
    path = "/api/v1/agents/me/work"
    work = client.get(path, headers={"Authorization": host.authorization(path)}).json()
    assert {"server_time", "level", "kind", "baseline", "tailoring", "interval_seconds", "jobs"} <= set(work)


@pytest.fixture
def serving(office: Office) -> Iterator[Office]:
    office.start()
    yield office
    office.stop()


def test_what_an_agent_had_not_sent_is_sent_by_the_present_one(release: Release, serving: Office, tmp_path: Path) -> None:
    state = State(release.folder_of("agent", tmp_path / "agent"))
    spool = Spool(state.folder, 1 << 26)
    waiting = [entry.id for entry in spool.waiting()]
    assert waiting == release.told["waiting"]
    config = Config(url=serving.url, state_dir=state.folder, tries=2, retry_seconds=0.01)
    state.prepare()
    delivery = deliver_and_note(Run(config, state, spool, state.identity(), QUIET, state.read("contact.json") or {}))
    assert (sorted(delivery.sent), delivery.refused, delivery.left) == (waiting, [], 0), delivery
    assert spool.waiting() == []
    assert set(waiting) <= {pk for pk, _size in serving.stored()}


class Found(Relay):
    """A relay that an earlier version left, for a collector that is elsewhere now."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.port, self.process = folder, free_port(), None
        self.url = f"http://127.0.0.1:{self.port}"
        state = State(folder)
        state.keep_sound("relay.json", (state.read("relay.json") or {}) | {"url": url})
        said = (folder / "relay.yaml").read_text("utf-8")
        (folder / "relay.yaml").write_text(re.sub(r"(?m)^port: .*$", f"port: {self.port}", said), "utf-8")


def test_what_a_relay_held_is_passed_on_and_its_agent_hears_of_it(release: Release, serving: Office, tmp_path: Path) -> None:
    relay = Found(release.folder_of("relay", tmp_path / "relay"), serving.url)
    told = release.told["behind"]
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(told["key"]))
    agent = Agent(release.folder_of("behind", tmp_path / "behind"), Host(told["name"], key=key, agent=told["agent"]))
    agent.centre = Centre.parse(told["centre"])
    assert agent.waiting == told["held"]
    relay.start()
    try:
        assert relay.drained()
        assert set(told["held"]) <= {pk for pk, _size in serving.stored()}
        assert sorted(agent.run(relay.url, tries=3).sent) == told["held"]
    finally:
        relay.stop()
    assert agent.waiting == []


def test_its_backup_is_restored_and_moves_to_postgresql(
    release: Release, left: Path, tmp_path: Path, postgres: Cluster, django_db_blocker: Any
) -> None:
    again = Stored(Data(tmp_path / "again"))
    with django_db_blocker.unblock(), again.opened(), translation.override("en"):
        assert call(console.restore, file=str(left / BACKUP), database="") == 0
        migrate()
    forget()
    now = Office(again.data.root).tables()
    told = {name: count for name, count in release.told["tables"].items() if name not in GROWS | set(GONE)}
    assert {name: now.get(name) for name in told} == told
    url = postgres.create()
    with django_db_blocker.unblock(), again.opened(), translation.override("en"):
        before = again.sums("journal_entry")
        assert call(console.move, to=url, password_file="") == 0
    said = again.data.settings.read_text("utf-8")
    again.data.settings.write_text(f'database = "{url}"\n{said}', "utf-8")
    with django_db_blocker.unblock():
        assert again.sums("journal_entry") == before
    forget()
