"""What the register says is a person's word: machines bear it out, or take it back; they never make it better."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from baselines.evaluate import evaluate
from baselines.loader import load
from baselines.systems.design import Sighted, Sighting, design, snapshot_of
from baselines.systems.register import System
from collectors.model import Kind, Record, Snapshot, Target, digest_of, new_id
from tests.agent.snapshots import IDENTITY
from tests.systems.toy import AT

PACK = load("tcvn_11930_2017")
BASE = """\
name: S
level: 3
zones:
  - {id: dmz, type: dmz, addresses: [192.0.2.0/25], routed_by: [fw-01]}
  - {id: lan, type: internal, addresses: [192.0.2.128/25], routed_by: [fw-01]}
assets:
  - {name: fw-01, kind: firewall, zone: dmz, main: true, paired_with: [fw-02]}
  - {name: fw-02, kind: firewall, zone: dmz}
  - {name: sw-01, kind: switch, zone: lan, paired_with: []}
  - {name: web-01, kind: server, zone: dmz, public: true, role: web, addresses: [192.0.2.10]}
"""


def seen(name: str, kind: Kind, **facts: dict[str, Any]) -> Snapshot:
    records = tuple(Record(fact=fact, outcome="seen", data=data) for fact, data in facts.items())
    return Snapshot(
        id=new_id(),
        target=Target(name=name, kind=kind),
        collected_at=AT - timedelta(days=1),
        seconds=0.1,
        collector="test",
        privileged=True,
        records=records,
        digest=digest_of(records),
    )


def with_addresses(name: str, kind: Kind, *addresses: str) -> Snapshot:
    port = {"name": "port1", "description": "", "physical": True, "enabled": True, "addresses": list(addresses)}
    return seen(name, kind, interfaces={"ports": [port], "unused_open": []})


def cluster(name: str, word: str | None, gateways: list[Any] | None = None) -> Snapshot:
    return seen(
        name, Kind.FIREWALL, redundancy={"cluster": word, "gateways": [] if gateways is None else gateways, "routing": []}
    )


def host(name: str, *addresses: str) -> Snapshot:
    return seen(name, Kind.SERVER, identity=IDENTITY | {"macs": [], "addresses": list(addresses)})


def fact(*snapshots: Snapshot, text: str = BASE, sighted: Sighted | None = None) -> Any:
    return design(System.parse(text).register, {one.target.name: one for one in snapshots}, sighted)


def reason(found: Any, field: str) -> str:
    return next((one.reason for one in found.unseen if one.field == field), "")


def verdicts(*snapshots: Snapshot, text: str = BASE, sighted: Sighted | None = None) -> dict[str, str]:
    system = System.parse(text)
    made = snapshot_of(system, {one.target.name: one for one in snapshots}, AT, sighted)
    return {str(one.check): str(one.verdict) for one in evaluate(made, PACK, 4).results if one.check}


FW = with_addresses("fw-01", Kind.FIREWALL, "192.0.2.1/25", "192.0.2.129/25")
OTHERS = (with_addresses("fw-02", Kind.FIREWALL), with_addresses("sw-01", Kind.SWITCH, "192.0.2.140/25"))


def test_the_register_alone_is_its_own_word_and_says_so() -> None:
    zones = fact().zones
    assert [(zone.name, zone.apart, zone.who) for zone in zones] == [("dmz", True, "register"), ("lan", True, "register")]
    made = snapshot_of(System.parse(BASE, "s.yaml"), {}, AT)
    assert [source.what for source in made.records[0].sources] == ["register: s.yaml"]


def test_devices_bear_it_out() -> None:
    found = fact(FW, *OTHERS)
    assert [(zone.filtered, zone.who) for zone in found.zones] == [(True, "register, fw-01"), (True, "register, fw-01, sw-01")]
    assert verdicts(FW, *OTHERS)["system_design.zones_filtered"] == "pass"


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_device_nobody_looked_at_might_route_past_the_firewall(missing: int) -> None:
    seen_of = [FW, *OTHERS]
    name = seen_of.pop(missing).target.name
    found = fact(*seen_of)
    assert [zone.filtered for zone in found.zones] == [None, None]
    assert f"the interfaces of {name} were not seen" in reason(found, "zones[].filtered")


def test_a_switch_with_an_address_on_both_sides_makes_the_filter_unknown() -> None:
    found = fact(FW, OTHERS[0], with_addresses("sw-01", Kind.SWITCH, "192.0.2.2/25", "192.0.2.130/25"))
    assert [zone.filtered for zone in found.zones] == [None, None]
    assert "sw-01 has addresses in it and in lan" in reason(found, "zones[].filtered")


def test_a_firewall_that_shows_no_address_in_the_zone_does_not_route_for_it() -> None:
    found = fact(with_addresses("fw-01", Kind.FIREWALL, "192.0.2.1/25"), *OTHERS)
    assert [zone.filtered for zone in found.zones] == [True, None]
    assert "shows no address inside it" in reason(found, "zones[].filtered")


def test_a_switch_that_routes_by_the_register_is_a_fail() -> None:
    text = BASE.replace("[192.0.2.128/25], routed_by: [fw-01]", "[192.0.2.128/25], routed_by: [fw-01, sw-01]")
    assert verdicts(text=text)["system_design.zones_filtered"] == "fail"


def test_networks_that_overlap_are_not_apart() -> None:
    assert verdicts(text=BASE.replace("192.0.2.128/25", "192.0.2.64/26"))["system_design.zone_dmz"] == "fail"
    assert verdicts(text=BASE.replace("addresses: [192.0.2.0/25], ", ""))["system_design.zone_dmz"] == "unknown"


@pytest.mark.parametrize(
    ("snapshot", "spare", "who"),
    [
        (None, None, "register"),
        (cluster("fw-01", "active-standby"), "hot", "register, fw-01"),
        (cluster("fw-01", "none"), None, "register"),
        (cluster("fw-01", None), "hot", "register"),
    ],
)
def test_a_pair_on_paper_is_held_against_the_device(snapshot: Snapshot | None, spare: str | None, who: str) -> None:
    (row,) = fact(*([snapshot] if snapshot else [])).main_devices
    assert (row.spare, row.who) == (spare, who)


def test_a_device_that_stands_alone_by_its_own_word_and_the_registers_fails() -> None:
    text = BASE.replace("paired_with: [fw-02]", "paired_with: []")
    found = verdicts(cluster("fw-01", "none"), text=text)
    assert found["system_design.main_hot"] == "fail"
    cold = BASE.replace("paired_with: [fw-02]", "cold_spare: true")
    assert verdicts(cluster("fw-01", "none"), text=cold)["system_design.main_hot"] == "fail"
    assert verdicts(text=cold)["system_design.main_hot"] == "unknown"
    assert verdicts(text=BASE.replace(", paired_with: [fw-02]", ""))["system_design.main_hot"] == "unknown"
    assert verdicts(text=BASE.replace(", main: true", ""))["system_design.main_hot"] == "unknown"


def test_a_server_whose_addresses_lie_elsewhere_stands_nowhere() -> None:
    assert verdicts(host("web-01", "192.0.2.10"))["system_design.public_in_dmz"] == "pass"
    found = fact(host("web-01", "192.0.2.200"))
    assert found.servers[0].zone_type is None
    assert "web-01 says that it has 192.0.2.200" in reason(found, "servers[].zone_type")
    assert verdicts(host("web-01", "192.0.2.200"))["system_design.public_in_dmz"] == "unknown"
    assert verdicts()["system_design.public_in_dmz"] == "unknown", "nobody looked"


def test_what_the_register_does_not_say_is_unknown() -> None:
    text = BASE.replace("zone: dmz, public: true", "zone: lan")
    found = verdicts(text=text)
    assert found["system_design.public_in_dmz"] == found["system_design.servers_apart"] == "unknown"
    assert found["system_design.zone_wireless"] == found["system_design.two_carriers"] == "unknown"
    one = "level: 3\ninternet: [{carrier: A}, {carrier: ' a'}]"
    assert verdicts(text=BASE.replace("level: 3", one))["system_design.two_carriers"] == "fail"


def looked(*hosts: tuple[str, str | None], ranges: tuple[str, ...] = ("192.0.2.0/24",)) -> Sighted:
    return Sighted(tuple(Sighting(*one) for one in hosts), "discovery.json", "ab" * 32, AT, ranges)


@pytest.mark.parametrize(
    ("sighted", "verdict"),
    [
        (None, "unknown"),
        (looked(), "pass"),
        (looked(("192.0.2.10", None)), "pass"),
        (looked(("192.0.2.99", "web-01")), "pass"),
        (looked(("192.0.2.99", None)), "fail"),
        (looked(("198.51.100.9", None)), "pass"),
        (looked(ranges=("192.0.2.0/25",)), "unknown"),
        (looked(("192.0.2.99", None), ranges=()), "fail"),
    ],
)
def test_strangers_are_told_only_where_somebody_looked(sighted: Sighted | None, verdict: str) -> None:
    assert verdicts(sighted=sighted)["system_design.no_strangers"] == verdict


def test_the_same_things_make_the_same_snapshot() -> None:
    one, other = (snapshot_of(System.parse(BASE), {}, AT) for _ in range(2))
    assert one == other
    assert one.to_bytes() == Snapshot.from_bytes(one.to_bytes()).to_bytes()
