"""Checks of what only the collector knows: left open by a machine, counted as nobody's fault, and no part of what is compared."""

from __future__ import annotations

from typing import Any

from baselines.evaluate import asks_centre, evaluate, judgeable, judged_before
from baselines.loader import load, load_texts
from baselines.model import Verdict
from collectors.facts.vulnerabilities import Vulnerabilities
from collectors.model import NOT_ITS_OWN, Record, Snapshot
from tests.baselines.toy import snapshot, texts

PACK, TOY = load("tcvn_11930_2017"), load_texts(texts())
CHECK = "vulnerabilities.exploited_fixed"


def record(**fields: Any) -> Record:
    blank = dict.fromkeys(name for name in Vulnerabilities.model_fields if name != "unseen")
    data = Vulnerabilities.model_validate(blank | fields).model_dump(mode="json")
    return Record(fact="vulnerabilities", outcome="seen", data=data)


FINE = record(exploited_fixable=(), unassessed=(), exploited_undetermined=0)


def verdict(assessment: Any) -> set[str]:
    return {str(one.verdict) for one in assessment.results if one.check == CHECK}


def test_a_machine_leaves_them_open_says_why_and_does_not_count_them() -> None:
    alone = evaluate(snapshot(), PACK, 2)
    assert verdict(alone) == {"unknown"}
    assert {finding.reason for one in alone.results if one.check == CHECK for finding in one.findings} == {
        "answered at the centre, from data of publishers that only it has"
    }
    assert alone.left_to_centre == alone.at_centre >= {CHECK}
    counted = {one.check for one in alone.results if one.check and one.verdict is Verdict.UNKNOWN}
    assert alone.summary()["unknown"] == len(counted - alone.left_to_centre)


def test_the_collector_decides_them_by_the_fact_it_lays_in() -> None:
    whole = evaluate(judgeable(snapshot()).with_fact(FINE), PACK, 2)
    assert verdict(whole) == {"pass"}
    assert whole.left_to_centre == frozenset()
    nothing = evaluate(judgeable(snapshot()).with_fact(record()), PACK, 2)
    assert verdict(nothing) == {"unknown"}
    assert nothing.left_to_centre == frozenset(), "not known at the centre either: that counts"
    assert nothing.summary()["unknown"] > whole.summary()["unknown"]


def test_machine_and_collector_compare_what_both_can_know() -> None:
    alone, whole = evaluate(snapshot(), PACK, 2), evaluate(judgeable(snapshot()).with_fact(FINE), PACK, 2)
    assert alone.verdicts_digest() == whole.verdicts_digest()
    assert alone.whole_digest() != whole.whole_digest()


def test_a_pack_that_asks_nothing_of_it_has_the_digest_it_always_had() -> None:
    """So an agent of before and a collector of today, or the other way round, agree as they did."""
    assert asks_centre(PACK, 2)
    assert not asks_centre(TOY, 3)
    toy = evaluate(snapshot(), TOY, 3)
    assert toy.verdicts_digest() == toy.whole_digest()


def test_a_machine_that_claims_the_fact_is_not_believed() -> None:
    seen = snapshot()
    forged = Snapshot.model_validate(
        seen.model_dump() | {"records": [*(r.model_dump() for r in seen.records), FINE.model_dump()]}
    )
    read = Snapshot.from_bytes(forged.to_bytes())
    assert (read.by_fact["vulnerabilities"].outcome, read.by_fact["vulnerabilities"].reason) == ("unparsable", NOT_ITS_OWN)
    assert read.problems(), "so it is never judged without being checked"
    for judged in (read, forged, judgeable(forged), judged_before(forged.to_bytes())):
        assert verdict(evaluate(judged, PACK, 2)) == {"unknown"}
    laid = judgeable(forged).with_fact(record())
    assert verdict(evaluate(laid, PACK, 2)) == {"unknown"}, "what is laid in takes the place of what was claimed"


def test_a_snapshot_holds_the_fact_for_its_readers_and_stays_what_it_was() -> None:
    seen = snapshot()
    assert "vulnerabilities" not in seen.by_fact
    assert seen.holding(FINE).holding(FINE).by_fact["vulnerabilities"] == FINE
    assert "vulnerabilities" not in seen.by_fact
