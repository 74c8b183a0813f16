"""Facts of SNMP agents. Every folder tests/snmp/<system>--<what-is-special>/ is one agent, recorded whole, and all its facts.

`pytest tests/test_snmp.py --update` writes expected.json anew, for review.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.facts.interfaces import Interfaces
from collectors.inventory import Inventory, parse
from collectors.model import Kind, Platform, Snapshot, Target
from collectors.run import look, sweep
from collectors.run_snmp import collect
from collectors.snmp import QUESTIONS, interfaces
from collectors.snmp_credential import SnmpCredential
from collectors.transports import snmp
from collectors.transports.base import Value
from collectors.transports.replay import load
from collectors.transports.snmp_replay import ReplaySnmp
from tests import snmpd as agents
from tests.snmpd import AUTH, COMMUNITY, PRIV, FakeAgent, Snmpd

CASES = sorted(path.parent for path in Path(__file__).with_name("snmp").glob("*/transcript.yaml"))
CISCO = "cisco_ios--mac-table-of-vlan-1-alone-is-no-mac-table"


def replayed(case: Path) -> Snapshot:
    return look(Target(name="x", kind=Kind.OTHER, via="replay", address=str(case)))


def recording(name: str) -> ReplaySnmp:
    found = load(Path(__file__).with_name("snmp") / name / "transcript.yaml")
    assert isinstance(found, ReplaySnmp)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recorded_agent_gives_the_expected_facts(case: Path, request: pytest.FixtureRequest) -> None:
    snapshot = replayed(case)
    got: dict[str, Any] = {"kind": snapshot.target.kind, "platform": snapshot.target.platform}
    got |= {record.fact: record.data or {"outcome": record.outcome, "reason": record.reason} for record in snapshot.records}
    expected = case / "expected.json"
    if request.config.getoption("--update"):
        expected.write_text(json.dumps(got, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert got == json.loads(expected.read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_none_has_its_reason_once(case: Path) -> None:
    for record in replayed(case).records:
        fact = record.typed()
        if fact is None:
            assert record.reason
            continue
        empty = {name for name in type(fact).model_fields if getattr(fact, name) is None}
        noted = [gap.field for gap in fact.unseen if "[]" not in gap.field]
        assert sorted(noted) == sorted(empty), record.fact
        assert all(source.kind in ("oid", "call") for source in record.sources)


@given(st.sets(st.integers(0, 200)))
def test_taking_objects_away_never_invents_a_fact(gone: set[int]) -> None:
    """A view that hides part of an agent: what is still seen is what was seen before, or less."""
    whole = recording(CISCO)
    shown = {oid: value for at, (oid, value) in enumerate(whole.values.items()) if at not in gone}
    part = _of(shown)
    before, after = (asyncio.run(collect(Target(name="x", via="snmp"), agent)) for agent in (whole, part))
    for record in after.records:
        if record.fact in ("neighbours",) and record.data and record.data["arp"]:
            known = [(row["mac"], row["address"]) for row in before.by_fact["neighbours"].data["arp"]]  # type: ignore[index,union-attr,call-overload]
            assert all((row["mac"], row["address"]) in known for row in record.data["arp"])  # type: ignore[index,union-attr,call-overload]
        assert record.outcome != "bug", record.reason
    identity = after.by_fact["identity"].data or {}
    assert identity.get("os_id") in (None, "cisco_ios", "unknown")
    assert (after.by_fact["redundancy"].data or {}).get("second_power") is not True


ROWS = st.dictionaries(
    st.integers(1, 6),
    st.tuples(st.sampled_from([6, 24, 53, 117, 1]), st.integers(0, 4), st.integers(0, 8), st.none() | st.integers(0, 9_000_000)),
    min_size=1,
)


@given(ROWS)
def test_a_port_is_unused_only_where_everything_about_it_was_seen(rows: Mapping[int, Any]) -> None:
    values: dict[str, Value] = {"1.3.6.1.2.1.1.1.0": b"x", "1.3.6.1.2.1.1.3.0": 8_640_000}
    for index, (kind, admin, oper, changed) in rows.items():
        values |= {
            f"{interfaces.IF_TYPE}.{index}": kind,
            f"{interfaces.IF_ADMIN}.{index}": admin,
            f"{interfaces.IF_OPER}.{index}": oper,
        }
        if changed is not None:
            values[f"{interfaces.IF_CHANGED}.{index}"] = changed
    fact = asyncio.run(interfaces.snmp(_of(values)))
    assert isinstance(fact, Interfaces)
    assert fact.ports is not None
    sockets = [(admin, oper) for kind, admin, oper, _ in rows.values() if kind in interfaces.PHYSICAL]
    unclear = any(admin not in (1, 2) or (admin == 1 and oper not in (1, 2, 6, 7)) for admin, oper in sockets)
    if unclear or not sockets:
        assert fact.unused_open is None
    else:
        assert len(fact.unused_open or ()) == sum(admin == 1 and oper in (2, 6, 7) for admin, oper in sockets)
    assert all(port.idle_days is None or port.up is False for port in fact.ports)


def _of(values: Mapping[str, Value]) -> ReplaySnmp:
    agent = ReplaySnmp({})
    agent.values = dict(values)
    agent._order = sorted((tuple(map(int, oid.split("."))), oid) for oid in values)
    return agent


def listing(**targets: tuple[int, str]) -> Inventory:
    lines = [
        f"  - {{name: {name}, via: snmp, address: 127.0.0.1, port: {port}, credential: {how}}}"
        for name, (port, how) in targets.items()
    ]
    return parse("\n".join([CREDENTIALS, "targets:", *lines]))


CREDENTIALS = """
credentials:
  good: {community_env: TEST_COMMUNITY}
  wrong: {community_env: TEST_WRONG}
  unset: {community_env: TEST_UNSET}
  v3: {user: sha512, auth: sha512, auth_key_env: TEST_AUTH, priv: aes256, priv_key_env: TEST_PRIV}
  v3-wrong: {user: sha512, auth: sha512, auth_key_env: TEST_PRIV, priv: aes256, priv_key_env: TEST_AUTH}
"""


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_COMMUNITY", COMMUNITY)
    monkeypatch.setenv("TEST_WRONG", "sai-hoan-toan")
    monkeypatch.setenv("TEST_AUTH", AUTH)
    monkeypatch.setenv("TEST_PRIV", PRIV)
    monkeypatch.setattr(snmp, "TIMEOUT", 0.5)


def test_a_sweep_asks_every_agent_on_one_loop_and_none_costs_another(secrets: None) -> None:
    good = agents.whole(dict(recording(CISCO).values))

    def respond(community: str, *rest: Any) -> Any:
        return good(community, *rest) if community == COMMUNITY else None

    def circles(community: str, verb: int, oids: tuple[str, ...], repetitions: int) -> Any:
        found = good(community, verb, oids, repetitions)
        return [(f"{oids[0]}.1.1", 1)] * repetitions if verb == agents.snmp_v2c.BULK and "2.2.1" in oids[0] else found

    with FakeAgent(respond, ports=40) as fake, FakeAgent(circles) as loop, FakeAgent(lambda *_: None) as silent:
        targets = {f"sw{at}": (port, "good") for at, port in enumerate(fake.ports)}
        bad = {
            "circles": (loop.ports[0], "good"),
            "silent": (silent.ports[0], "good"),
            "wrong": (fake.ports[0], "wrong"),
            "unset": (fake.ports[0], "unset"),
        }
        inventory = listing(**targets, **bad)
        here = Target(name="here", via="replay", address="/nonexistent")
        found = {snapshot.target.name: snapshot for snapshot in sweep(inventory, (*inventory.targets, here))}
    assert set(found) == {*targets, *bad, "here"}
    for name in targets:
        records = found[name].by_fact
        assert [records[fact].outcome for fact in QUESTIONS] == ["seen"] * len(QUESTIONS), name
        assert records["identity"].data["serial"] == "FOC1932X0AB"  # type: ignore[index]
        assert found[name].target.platform is Platform.CISCO_IOS
        assert found[name].target.kind is Kind.SWITCH
    assert len({found[name].digest for name in targets} - {None}) <= 2, "only the minute of the start may differ"
    circling = found["circles"].by_fact
    assert circling["identity"].outcome == "seen"
    assert circling["interfaces"].outcome == "unparsable"
    assert "runs in circles" in circling["interfaces"].reason
    for name, words in {"silent": "no answer", "wrong": "does not know this community", "unset": "TEST_UNSET is not set"}.items():
        assert {record.outcome for record in found[name].records} == {"unreachable"}, name
        assert words in found[name].by_fact["interfaces"].reason
    assert len(silent.asked) == 2, "asked once and once more, not once per fact"
    everything = "".join(snapshot.to_bytes().decode() for snapshot in found.values())
    assert COMMUNITY not in everything
    assert "sai-hoan-toan" not in everything


def test_a_caller_who_stops_early_ends_the_sweep(secrets: None) -> None:
    with FakeAgent(agents.whole(dict(recording(CISCO).values)), ports=300, delay=0.2) as fake:
        for _ in sweep(listing(**{f"sw{at}": (port, "good") for at, port in enumerate(fake.ports)})):
            break
        assert len({oids for _, _, oids in fake.asked}) > 1
        assert len(fake.asked) < 300 * 6


@pytest.mark.system
def test_no_secret_survives_a_scan_of_a_real_agent(
    tmp_path: Path, secrets: None, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    if not agents.installed():
        pytest.skip("needs the Debian packages snmpd and snmp")
    server = Snmpd(tmp_path)
    server.start()
    weak = tmp_path / "weak"
    weak.write_text(f"public\nbi-mat-khac-9\n{COMMUNITY}\n")
    weak.chmod(0o600)
    try:
        port = server.port
        inventory = listing(a=(port, "good"), b=(port, "wrong"), c=(port, "v3"), d=(port, "v3-wrong"))._replace(
            probe_communities=weak
        )
        with caplog.at_level("DEBUG"):
            found = {snapshot.target.name: snapshot for snapshot in sweep(inventory)}
            one = look(inventory.targets[2], inventory)
    finally:
        server.stop()
    assert {name: snapshot.by_fact["identity"].outcome for name, snapshot in found.items()} == {
        "a": "seen", "b": "unreachable", "c": "seen", "d": "denied",
    }  # fmt: skip
    service = one.by_fact["snmp_service"].data
    assert service is not None
    assert (service["answered"], service["answered_unsigned"], service["weak_answered"]) == ("authPriv", False, True)
    assert (service["v1_v2c"], service["communities"]) == (True, None)
    said = (
        "".join(snapshot.to_bytes().decode() for snapshot in (*found.values(), one)) + caplog.text + "".join(capfd.readouterr())
    )
    for secret in (COMMUNITY, AUTH, PRIV, "sai-hoan-toan", "bi-mat-khac-9"):
        assert secret not in said


SECRETS = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=8, max_size=24).map(
    lambda text: f"§{text}".replace("§", "Zq#")
)


@given(SECRETS)
def test_no_secret_stands_in_what_a_credential_or_an_error_says(secret: str) -> None:
    import os

    os.environ["TEST_SECRET"] = secret
    try:
        made = [
            SnmpCredential(community_env="TEST_SECRET"),
            SnmpCredential(user="u", auth="sha256", auth_key_env="TEST_SECRET", priv="aes128", priv_key_env="TEST_SECRET"),
        ]
        assert not any(secret in repr(credential) + repr(credential.keys()) for credential in made)
        agents_of = [
            snmp.Agent(snmp.Engines(), None, credential.keys(), ("127.0.0.1", 161), False, "x:161", ()) for credential in made
        ]  # type: ignore[arg-type]
        failures = (*snmp._WRONG_KEYS, "RequestTimedOut", "Anything")
        assert not any(secret in str(agent._error(failed, 1.0)) for agent in agents_of for failed in failures)
    finally:
        del os.environ["TEST_SECRET"]
