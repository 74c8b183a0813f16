"""What programs read: a key reaches no further than its owner does now, pages neither skip nor double, and no question breaks it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
import schemathesis
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings

from server.ingest.models import Machine
from server.programs.models import SCOPES, Key
from server.units.models import Membership, User
from server.wsgi import application
from tests.server.people import send

EVERY = tuple(SCOPES)


def key_of(user: User, unit, scopes=EVERY, **until) -> str:
    return Key.issue(user, unit, "đọc", list(scopes), timezone.now() + timedelta(**(until or {"days": 1})))[1]


def get(path: str, key: str | None = None):
    return Client().get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {key}"} if key else {})


@pytest.fixture
def reported(client, another, tree):
    """Two machines in the north, one in the south, one that never reported."""
    for name, unit in (("bac-1", "north"), ("bac-2", "north"), ("nam-1", "south")):
        host = another(name, unit=unit)
        assert send(client, host.seal(host.snapshot())).status_code == 201
    another("im-lang", unit="south")


@pytest.fixture
def key(admin, tree) -> str:
    return key_of(admin, tree["root"])


def names(answer) -> list[str]:
    return [row["name"] for row in answer.json()["items"]]


def test_a_key_is_needed_and_wrong_ones_are_limited(reported, key) -> None:
    assert get("assets").status_code == 401
    assert get("assets", key[:-1] + ("0" if key[-1] != "0" else "1")).status_code == 401
    assert get("assets", key).status_code == 200
    for _ in range(20):
        get("assets", "rsk1.00000000.0")
    assert get("assets", key).status_code == 429


def test_a_key_ends_with_its_day_its_revocation_and_its_owner(reported, person, tree) -> None:
    user = person("bắc", unit="north")
    text = key_of(user, tree["north"])
    assert names(get("assets", text)) == ["bac-1", "bac-2"]
    mine = Key.objects.get()
    for field, value in (("expires_at", timezone.now() - timedelta(seconds=1)), ("revoked_at", timezone.now())):
        before = getattr(mine, field)
        Key.objects.filter(pk=mine.pk).update(**{field: value})
        assert get("assets", text).status_code == 401
        Key.objects.filter(pk=mine.pk).update(**{field: before})
    assert get("assets", text).status_code == 200
    Membership.objects.filter(user=user).delete()
    assert names(get("assets", text)) == [], "what its owner may no longer see, it may not either"
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert get("assets", text).status_code == 401


def test_a_key_is_kept_to_its_unit_and_its_scopes(reported, admin, tree) -> None:
    text = key_of(admin, tree["north"], ["assets", "coverage"])
    assert names(get("assets", text)) == ["bac-1", "bac-2"]
    assert get(f"assets?unit={tree['south'].pk}", text).status_code == 404
    south = Machine.objects.get(name="nam-1").pk
    assert get(f"assets/{south}", text).status_code == 404
    assert get(f"assets/{south}/verdicts", text).status_code == 404
    assert get("journal", text).status_code == 403
    assert [row["name"] for row in get("coverage", text).json()] == ["Phòng Bắc"]
    with pytest.raises(ValueError, match="scopes"):
        key_of(admin, tree["north"], ["everything"])
    with pytest.raises(ValueError, match="year"):
        key_of(admin, tree["north"], days=400)


def test_the_secret_is_stored_nowhere(key) -> None:
    assert key.split(".")[2] not in str(Key.objects.values())


def test_pages_neither_skip_nor_double(reported, key) -> None:
    seen, after = [], 0
    while after is not None:
        answer = get(f"assets?limit=1&after={after}", key).json()
        seen += [row["name"] for row in answer["items"]]
        after = answer["next"]
    assert seen == ["bac-1", "bac-2", "nam-1", "im-lang"]


def test_csv_holds_all_rows_and_begins_no_formula(reported, key) -> None:
    Machine.objects.filter(name="nam-1").update(os_name='=HYPERLINK("x")')
    text = b"".join(get("assets?format=csv&limit=1", key).streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows] == ["bac-1", "bac-2", "nam-1", "im-lang"]
    assert rows[2]["os_name"] == '\'=HYPERLINK("x")'
    assert rows[3]["fail"] == "", "never judged is not 0"


def test_what_is_told_of_a_machine_and_of_a_rule(reported, key) -> None:
    pk = Machine.objects.get(name="bac-1").pk
    one = get(f"assets/{pk}", key).json()
    assert (one["fail"], one["level"]) == (1, 2)
    failed = [row for row in get(f"assets/{pk}/verdicts", key).json() if row["verdict"] == "fail"]
    assert len(failed) == 1
    machines = get(f"findings/{failed[0]['rule']}/machines", key).json()
    assert [row["name"] for row in machines] == ["bac-1", "bac-2", "nam-1"]
    north = get(f"findings/{failed[0]['rule']}/machines?unit={Machine.objects.get(pk=pk).unit_id}", key).json()
    assert [row["name"] for row in north] == ["bac-1", "bac-2"]
    silent = Machine.objects.get(name="im-lang").pk
    assert get(f"assets/{silent}", key).json()["fail"] is None
    assert get(f"assets/{silent}/verdicts", key).json() == []
    rows = {row["name"]: row for row in get("coverage", key).json()}
    assert (rows["Sở"]["expected"], rows["Sở"]["seen"], rows["Phòng Nam"]["fresh"]) == (4, 3, 1)


def test_a_browser_reads_with_its_session_and_cannot_before_the_password_is_its_own(reported, as_admin, person) -> None:
    assert as_admin.get("/api/v1/assets").status_code == 200
    fresh = Client()
    fresh.force_login(person("mới", must_change=True), backend="django.contrib.auth.backends.ModelBackend")
    assert fresh.get("/api/v1/assets").status_code == 401


def test_people_make_and_revoke_keys_on_a_page(as_admin, tree, person) -> None:
    given = {"name": "bảng điều khiển", "unit": tree["north"].pk, "scopes": ["assets"], "days": "30"}
    page = as_admin.post("/keys/", given).content.decode()
    text = page.partition('id="new-key">')[2].partition("<")[0]
    assert get("assets", text).status_code == 200
    assert text.split(".")[2] not in as_admin.get("/keys/").content.decode()
    mine = Key.objects.get()
    other = Client()
    other.force_login(person("khác", unit="south"), backend="django.contrib.auth.backends.ModelBackend")
    assert "bảng điều khiển" not in other.get("/keys/").content.decode()
    assert other.post(f"/keys/{mine.pk}/revoke/").status_code == 404
    assert as_admin.post(f"/keys/{mine.pk}/revoke/").status_code == 302
    assert get("assets", text).status_code == 401


# --- any question ---------------------------------------------------------------------------------------------------

schema = schemathesis.openapi.from_wsgi("/api/openapi.json", application)
FOR_PROGRAMS = schema.include(method="GET", tag="programs")


@pytest.fixture
def schema_key(reported, key) -> str:
    return key


@FOR_PROGRAMS.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_question_breaks_the_api(case, schema_key) -> None:
    """Every answer is one of those the document promises, of the form it promises."""
    case.headers = {**(case.headers or {}), "Authorization": f"Bearer {schema_key}"}
    case.call_and_validate()
