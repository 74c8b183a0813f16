"""The targets file speaks of SNMP: where secrets lie, never the secrets, and no credential of one way used for another."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.errors import Unsupported
from collectors.inventory import InventoryError, parse, to_yaml
from collectors.model import Kind, Target
from collectors.run import look
from collectors.snmp_credential import SnmpCredential

GOOD = """
probe_communities_file: weak.txt
credentials:
  mon: {user: rasoat, auth: sha256, auth_key_file: mon.auth, priv: aes128, priv_key_file: mon.priv}
  old: {community_file: mon.community}
  open: {user: guest, auth: none}
  ops: {user: rasoat, key_file: id}
targets:
  - {name: printer3, via: snmp, address: 10.20.0.30, credential: mon}
  - {name: sw1, via: snmp, kind: switch, port: 1161, credential: old}
  - {name: web1, credential: ops}
"""


def test_a_good_file() -> None:
    found = parse(GOOD, folder=Path("/site"))
    printer, switch, web = found.targets
    assert printer == Target(name="printer3", kind=Kind.OTHER, via="snmp", address="10.20.0.30", credential="mon")
    assert (switch.kind, switch.port, web.kind) == (Kind.SWITCH, 1161, Kind.SERVER)
    mon = found.snmp_credential_of(printer)
    assert (mon.auth_key_file, mon.priv_key_file, mon.auth, mon.priv) == ("/site/mon.auth", "/site/mon.priv", "sha256", "aes128")
    assert found.snmp["open"] == SnmpCredential(user="guest")
    assert found.probe_communities == Path("/site/weak.txt")
    with pytest.raises(Unsupported, match="no SNMP credential ops"):
        found.snmp_credential_of(web)
    assert parse(to_yaml(found)) == found


def test_nothing_is_tried_unless_the_file_says_so() -> None:
    assert parse(GOOD.replace("probe_communities_file: weak.txt", "")).probe_communities is None


@pytest.mark.parametrize(
    ("credential", "words"),
    [
        ("{community: bi-mat-1}", "community: secrets do not belong in this file"),
        ("{user: u, auth: sha256, auth_key: bi-mat-1}", "auth_key: secrets do not belong in this file"),
        ("{user: u, auth: sha256, auth_key_env: E, priv_key: bi-mat-1}", "priv_key: secrets do not belong in this file"),
        ("{user: u, community_file: c}", "needs either community_file"),
        ("{community_file: c, community_env: C}", "exclude each other"),
        ("{community_file: c, auth: sha1, auth_key_file: a}", "mean nothing with a community"),
        ("{user: u, auth: sha256}", "auth and auth_key_file"),
        ("{user: u, auth: sha256, auth_key_file: a, priv: aes128}", "priv and priv_key_file"),
        ("{user: u, priv: aes128, priv_key_file: p}", "priv needs auth"),
        ("{user: u, auth: sha3}", "'sha3' is not known"),
        ("{user: u, auth: sha256, auth_key_file: a, key_file: k}", "key_file means nothing beside auth"),
        ("{user: u, key_file: k}", "credential c is not for via: snmp"),
    ],
)
def test_mistakes_are_told_and_no_secret_repeated(credential: str, words: str) -> None:
    with pytest.raises(InventoryError) as caught:
        parse(f"credentials:\n  c: {credential}\ntargets:\n  - {{name: a, via: snmp, credential: c}}", "t.yaml")
    assert words in str(caught.value)
    assert "bi-mat-1" not in str(caught.value)


def test_an_snmp_credential_is_no_way_to_log_on() -> None:
    with pytest.raises(InventoryError, match="is not for via: ssh"):
        parse("credentials: {c: {community_file: x}}\ntargets: [{name: a, credential: c}]")


def test_an_agent_without_a_targets_file_is_told_what_is_missing() -> None:
    snapshot = look(Target(name="x", via="snmp", address="127.0.0.1"))
    assert {record.outcome for record in snapshot.records} == {"unsupported"}
    assert "targets file" in snapshot.records[0].reason
