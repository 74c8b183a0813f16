"""From an agent's upload to the questions people ask: the real pack, the real judging, the pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from baselines.loader import load_texts
from server.assess import judge, kept, packs
from server.assess.models import KeptPack, StoredAssessment
from server.findings import queries, tally
from server.findings.codes import FAIL, RULES, WORDS
from server.findings.models import Rule, Standing, Transition
from server.ingest.models import Machine, StoredSnapshot
from tests.server.people import Host, send

pytestmark = pytest.mark.on_both


def verdict(check: str) -> set[str]:
    return {WORDS[code] for code in Standing.objects.filter(rule__check_id=check).values_list("verdict", flat=True)}


def test_an_upload_becomes_rows_by_rule(client: Client, host: Host) -> None:
    snapshot = host.snapshot(age=timedelta(hours=2))
    assert send(client, host.seal(snapshot)).status_code == 201
    assessment = judge.judge(snapshot, Machine.objects.get().unit.policy(), "server")
    asked = {(one.requirement, one.check, str(one.verdict)) for one in assessment.results if one.check}
    rows = Standing.objects.values_list("rule__requirement", "rule__check_id", "verdict")
    assert {(requirement, check, WORDS[code]) for requirement, check, code in rows} == asked
    assert not Transition.objects.exists()
    assert verdict("remote_access.no_root") == {"fail"}
    assert send(client, host.seal(host.snapshot(permit_root_login="no"))).status_code == 201
    assert verdict("remote_access.no_root") == {"pass"}
    assert {row.rule.check_id for row in Transition.objects.select_related("rule")} == {"remote_access.no_root"}
    assert StoredAssessment.objects.filter(packed=None).count() == 2, "results follow from the facts"


def test_the_same_upload_twice_turns_and_counts_nothing_twice(client: Client, host: Host, tree) -> None:
    blob = host.seal(host.snapshot())
    assert [send(client, blob).status_code for _ in range(3)] == [201, 200, 200]
    assert max(sum(row) for row in tally.read([tree["root"].path]).by_rule.values()) == 1


def test_another_level_turns_verdicts_because_of_the_rules(client: Client, host: Host, tree) -> None:
    send(client, host.seal(host.snapshot()))
    before = set(Standing.objects.values_list("rule", "verdict"))
    tree["root"].level = 3
    tree["root"].save()
    assert judge.rejudge(iter(Machine.objects.select_related("unit", "latest"))) == (1, 0)
    assert set(Standing.objects.values_list("rule", "verdict")) != before
    assert set(Transition.objects.values_list("cause", flat=True)) == {RULES}
    written = Transition.objects.count()
    judge.rejudge(iter(Machine.objects.select_related("unit", "latest")))
    assert Transition.objects.count() == written, "judged so already"


def test_an_old_snapshot_is_shown_as_it_was_judged_then(as_admin: Client, host: Host) -> None:
    old = host.snapshot(age=timedelta(days=2))
    send(as_admin, host.seal(old))
    then = packs.get("mini")
    newer = load_texts(dict(then.files) | {"mini/standard.yaml": then.files["mini/standard.yaml"] + "# another edition\n"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packs, "get", lambda pack: newer)
        send(as_admin, host.seal(host.snapshot(permit_root_login="no")))
        address = f"/machines/{Machine.objects.get().pk}/?snapshot={old.id}"
        page = as_admin.get(address)
        assert (page.context["view"].digest, page.context["view"].counts["fail"]) == (then.digest, 1)
        assert "rules_gone" not in page.context
        KeptPack.objects.filter(digest=then.digest).delete()
        kept._former.cache_clear()
        page = as_admin.get(address)
        assert page.context["rules_gone"]
        assert page.context["view"].digest == newer.digest


def test_the_machines_page_says_since_when_it_fails(as_admin: Client, host: Host) -> None:
    send(as_admin, host.seal(host.snapshot(age=timedelta(days=3))))
    send(as_admin, host.seal(host.snapshot()))
    first = StoredSnapshot.objects.order_by("orders_at").first()
    address = f"/machines/{Machine.objects.get().pk}/"
    page = as_admin.get(address)
    assert first
    assert page.context["failing_since"] == {"remote_access.no_root": first.orders_at}
    assert f'datetime="{timezone.localtime(first.orders_at).isoformat()}"' in page.content.decode()
    assert "failing_since" not in as_admin.get(f"{address}?level=3").context
    assert "failing_since" not in as_admin.get(f"{address}?snapshot={first.pk}").context


def test_every_question_goes_by_an_index(client: Client, another, tree, admin) -> None:
    """On PostgreSQL with sequential scans forbidden where there is another way: so few rows are read fastest all at once."""
    for number in range(3):
        host = another(f"m{number}", "north")
        send(client, host.seal(host.snapshot(age=timedelta(hours=1))))
        send(client, host.seal(host.snapshot(permit_root_login="no")))
    tally.fold_all()
    rule = Rule.objects.get(check_id="remote_access.no_root").pk
    machine = Machine.objects.first()
    assert machine
    now, today = timezone.now(), timezone.localdate()
    asked = {
        "failing": lambda: queries.failing(admin, tree["root"], rule, FAIL),
        "worst": lambda: queries.worst_rules(admin, tree["root"]),
        "changed": lambda: queries.changed_since(admin, tree["root"], now - timedelta(days=1)),
        "failing, large unit": lambda: queries.failing(admin, tree["root"], rule, FAIL),
        "changed, large unit": lambda: queries.changed_since(admin, tree["root"], now - timedelta(days=1)),
        "history": lambda: queries.history(admin, machine.pk, rule),
        "trend": lambda: queries.trend(admin, tree["root"], today, 90),
    }
    assert _scans("SELECT since FROM findings_standing"), "a scan would be seen"
    for question, ask in asked.items():
        with pytest.MonkeyPatch.context() as patch, CaptureQueriesContext(connection) as seen:
            if question.endswith("large unit"):
                patch.setattr(queries, "FEW", 1)
            ask()
        for query in seen.captured_queries:
            if re.search(r'FROM "findings_(standing|transition|tally|daily)"', query["sql"]):
                assert not _scans(query["sql"]), (question, _scans(query["sql"]))


def _scans(sql: str) -> list[str]:
    """Lines of the plan that read a whole table of ours."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {sql}")
            lines = [row[0] for row in cursor.fetchall()]
            return [line for line in lines if re.search(r"Seq Scan on findings_(standing|transition|tally|daily)", line)]
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [row[3] for row in cursor.fetchall() if re.match(r"SCAN findings_(standing|transition|tally|daily)\b", row[3])]
