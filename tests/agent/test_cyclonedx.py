"""The bill of materials: valid by the official schema, and honest about what it does not list."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from agent import judging
from agent.report.cyclonedx import document, purl
from agent.report.json import dumps
from baselines.loader import load
from collectors.facts.identity import Identity
from collectors.facts.software import Package
from collectors.model import Record, Snapshot
from tests.agent.conftest import PACK
from tests.agent.snapshots import IDENTITY, seen, snapshot, unseen

HOUSE = load(PACK)
BASH = Package(
    name="bash", version="5.2.15-2+b8", arch="amd64", source_version="5.2.15-2", origin="Debian", installed=date(2026, 11, 20)
)
EPOCH = Package(
    name="openssl-libs", version="1:3.2.2-6.el9_5", arch="x86_64", source="openssl", origin="Rocky Enterprise Software Foundation"
)
NAMELESS = Package(name="g++", version="4:12.2.0-3", arch="amd64", origin=None)


def software(*packages: Package, **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "manager": "dpkg",
        "packages": packages,
        "others": ({"kind": "opt", "name": "veeam"},),
        "recognised": (),
    }
    return seen("software", **{**fields, **changes})


def bill(*snapshots: Snapshot) -> dict[str, Any]:
    return document([judging.judge(one, HOUSE, 2) for one in snapshots])


def mistakes(found: dict[str, Any]) -> object:
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(dumps(found))


@pytest.mark.parametrize(
    "records",
    [
        (seen("identity", **IDENTITY), software(BASH, NAMELESS)),
        (seen("identity", **IDENTITY), software(EPOCH, manager="rpm")),
        (software(BASH, manager="none"),),
        (seen("identity", **IDENTITY), unseen("software", "unparsable", "the database is damaged")),
        (seen("identity", **IDENTITY),),
    ],
    ids=["deb", "rpm", "unknown-system", "damaged", "never-asked"],
)
def test_valid_by_the_official_schema(records: tuple[Record, ...]) -> None:
    assert mistakes(bill(snapshot(*records))) is None


def test_several_machines_stand_in_one_bill_each_with_its_own_software() -> None:
    found = bill(snapshot(software(BASH), name="web01"), snapshot(software(EPOCH, manager="rpm"), name="db01"))
    assert mistakes(found) is None
    assert [machine["name"] for machine in found["components"]] == ["web01", "db01"]
    assert [[part["name"] for part in machine["components"]] for machine in found["components"]] == [
        ["bash", "veeam"],
        ["openssl-libs", "veeam"],
    ]


def test_a_package_carries_what_a_search_for_holes_needs() -> None:
    found = bill(snapshot(seen("identity", **IDENTITY), software(BASH)))
    system, bash, veeam = found["components"]
    assert (system["type"], system["name"], system["version"]) == ("operating-system", "debian", "12")
    assert bash["purl"] == "pkg:deb/debian/bash@5.2.15-2%2Bb8?arch=amd64&distro=debian-12"
    assert bash["supplier"] == {"name": "Debian"}
    assert {"name": "rasoat:source_version", "value": "5.2.15-2"} in bash["properties"]
    assert (veeam["type"], veeam["name"]) == ("application", "veeam")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (unseen("software", "unparsable", "the database is damaged"), "the database is damaged"),
        (
            software(packages=None, unseen=({"field": "packages", "outcome": "denied", "reason": "not with your rights"},)),
            "not with your rights",
        ),
    ],
)
def test_packages_nobody_saw_are_no_empty_machine(record: Record, said: str) -> None:
    found = bill(snapshot(record))
    assert found["compositions"] == [{"aggregate": "unknown", "assemblies": [found["metadata"]["component"]["bom-ref"]]}]
    assert said in json.dumps(found["metadata"]["component"]["properties"])


def test_the_list_never_claims_to_be_complete() -> None:
    assert bill(snapshot(software(BASH)))["compositions"][0]["aggregate"] == "incomplete"


word = st.text(alphabet="abcxyz0189.+-~_", min_size=1, max_size=12)


@given(kind=st.sampled_from(["deb", "rpm"]), name=word, version=word, epoch=st.sampled_from(["", "0:", "7:"]), arch=word)
def test_a_purl_reads_back_as_what_it_was_made_of(kind: str, name: str, version: str, epoch: str, arch: str) -> None:
    package = Package(name=name, version=epoch + version, arch=arch)
    found = PackageURL.from_string(purl(kind, package, Identity(**IDENTITY)))
    assert (found.type, found.namespace, found.name) == (kind, "debian", name)
    qualifiers = dict(found.qualifiers)
    assert qualifiers["arch"] == arch
    if kind == "rpm" and epoch:
        assert (found.version, qualifiers["epoch"]) == (version, epoch[:-1])
    else:
        assert found.version == epoch + version
