"""What other registers take over: held against GLPI's own schema, in NetBox' own columns, and nothing in it that was not seen."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.test import Client

from collectors.facts.hardware import Disk, Hardware, NetworkCard
from collectors.facts.identity import Identity
from collectors.facts.interfaces import Interfaces, Port
from collectors.facts.software import Package, Software
from collectors.model import Kind, Record
from server.cli import main
from server.exports import glpi, netbox
from server.exports.seen import each, under
from server.ingest.models import Machine
from server.journal.models import Entry
from tests.server.people import made, send

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]
SCHEMA = json.loads(Path("tests/data/glpi/inventory.schema.json").read_text("utf-8"))


def strict(schema: Any) -> Any:
    """As GLPI reads it: a property nobody knows is an error there too."""
    if isinstance(schema, dict):
        closed = {name: strict(part) for name, part in schema.items()}
        return {**closed, "additionalProperties": False} if "properties" in schema else closed
    return [strict(part) for part in schema] if isinstance(schema, list) else schema


VALIDATOR = jsonschema.Draft7Validator(strict(SCHEMA), format_checker=jsonschema.FormatChecker())


def fact(value: Any) -> Record:
    return Record(fact=value.NAME, version=value.VERSION, outcome="seen", data=value.model_dump(mode="json"))


def identity(name: str, **more: Any) -> Record:
    known = {"hostname": name, "os_id": "debian", "os_name": "Debian GNU/Linux 12 (bookworm)", "os_family": "debian"}
    return fact(made(Identity, **(known | more)))


WHOLE = {
    "serial": "S-1", "vendor": "Dell Inc.", "model": "OptiPlex 7090", "macs": ("52:54:00:12:34:56",), "addresses": ("10.0.0.5", "2001:db8::5"),
    "architecture": "x86_64", "virtualization": "none", "os_version": "12",
}  # fmt: skip


@pytest.fixture
def reported(client: Client, another, tree) -> None:
    """In the north a computer of which much was seen, one of which little was, and a switch; in the south one that never reported."""
    computer = another("may-1", unit="north")
    card = NetworkCard(name="eno1", mac="52:54:00:12:34:56", driver="e1000e", wireless=False)
    disk = Disk(name="sda", size_gb=500, model="Disk", serial=None, rotational=False, removable=False)
    hardware = made(Hardware, cpu_model="Intel i5", cpu_sockets=2, memory_gib=16, disks=(disk,), network_cards=(card,))
    package = Package(name="bash", version="5.2", arch="amd64", origin=None, installed=None)
    software = made(Software, manager="dpkg", packages=(package,), recognised=())
    extra = (identity("may-1", **WHOLE), fact(hardware), fact(software))
    assert send(client, computer.seal(computer.snapshot(extra=extra))).status_code == 201
    little = another("may-2", unit="north")
    assert send(client, little.seal(little.snapshot(extra=(identity("may-2"),)))).status_code == 201
    switch = another("sw-1", unit="north", kind=Kind.SWITCH)
    ports = (
        made(Port, name="Gi0/1", physical=True, enabled=True, up=False, mode="trunk", addresses=(), description="lên tầng 2"),
        made(Port, name="Vlan1", physical=False, enabled=None, addresses=("10.0.0.2/24", "10.0.0.3")),
    )
    facts = (
        identity("sw-1", os_id="cisco_ios", os_name="Cisco IOS", os_family="network", vendor="Cisco", model="C2960", serial="F1", addresses=("10.0.0.2",)),
        fact(made(Interfaces, ports=ports)),
    )  # fmt: skip
    assert send(client, switch.seal(switch.snapshot(extra=facts))).status_code == 201
    another("im-lang", unit="south")


def seen(tree, unit: str = "root") -> dict[str, Any]:
    return {one.machine.name: one for one in each(under(tree[unit]))}


# --- GLPI -------------------------------------------------------------------------------------------------------------


def test_every_document_is_one_that_glpi_takes(reported, tree) -> None:
    every = seen(tree)
    documents = {name: glpi.document(one) for name, one in every.items()}
    assert documents.pop("im-lang") is None
    for name, document in documents.items():
        assert [error.message for error in VALIDATOR.iter_errors(document)] == [], name
    assert [error.message for error in VALIDATOR.iter_errors({**documents["may-1"], "x": 1})], "or the test could not fail"
    assert documents["may-1"]["deviceid"] == f"rasoat-{every['may-1'].machine.pk}"
    content = documents["may-1"]["content"]
    assert content["bios"] == {"smanufacturer": "Dell Inc.", "smodel": "OptiPlex 7090", "ssn": "S-1"}
    assert content["hardware"] == {"name": "may-1", "memory": 16384, "vmsystem": "Physical"}
    assert content["networks"] == [
        {"description": "eno1", "mac": "52:54:00:12:34:56", "driver": "e1000e"},
        {"description": "10.0.0.5", "ipaddress": "10.0.0.5"},
        {"description": "2001:db8::5", "ipaddress6": "2001:db8::5"},
    ]
    assert len(content["cpus"]) == 2
    assert content["storages"] == [{"name": "sda", "model": "Disk", "disksize": 500_000, "type": "disk"}]
    assert content["softwares"] == [{"name": "bash", "version": "5.2", "arch": "amd64", "from": "deb"}]


def test_what_was_not_seen_is_not_there(reported, tree) -> None:
    content = glpi.document(seen(tree)["may-2"])["content"]
    assert not {"bios", "networks", "cpus", "storages", "softwares"} & set(content), "no list nobody saw"
    assert content["hardware"] == {"name": "may-2"}
    assert set(content["operatingsystem"]) == {"name", "full_name", "kernel_name"}
    assert content["antivirus"] == [{"name": "ClamAV", "version": "1.4.2", "enabled": True}]


@pytest.mark.parametrize(
    ("known", "cards", "networks"),
    [
        ({"macs": None, "addresses": ()}, None, None),
        ({"macs": (), "addresses": None}, None, None),
        ({"macs": (), "addresses": ()}, None, []),
        ({"macs": ("52:54:00:00:00:01",), "addresses": None}, None, [{"description": "52:54:00:00:00:01", "mac": "52:54:00:00:00:01"}]),
        ({"macs": None, "addresses": ()}, (), []),
        ({"macs": None, "addresses": None}, (NetworkCard(name="eno1", mac="52:54:00:00:00:02", driver="", wireless=True),), [{"description": "eno1", "mac": "52:54:00:00:00:02", "type": "wifi"}]),
    ],
)  # fmt: skip
def test_no_card_is_another_thing_than_none_seen(client, another, tree, known, cards, networks) -> None:
    host = another("may-9", unit="north")
    hardware = made(Hardware, cpu_model="Intel i5", network_cards=cards)
    assert send(client, host.seal(host.snapshot(extra=(identity("may-9", **known), fact(hardware))))).status_code == 201
    content = glpi.document(seen(tree)["may-9"])["content"]
    assert content.get("networks") == networks
    assert "cpus" not in content, "how many processors there are was not seen"


def test_a_switch_is_network_equipment(reported, tree) -> None:
    document = glpi.document(seen(tree)["sw-1"])
    assert document["itemtype"] == "NetworkEquipment"
    assert document["content"]["network_device"]["ips"] == ["10.0.0.2"]
    first, second = document["content"]["network_ports"]
    assert first == {
        "ifnumber": 1,
        "ifname": "Gi0/1",
        "ifdescr": "Gi0/1",
        "ifalias": "lên tầng 2",
        "ifstatus": 2,
        "ifinternalstatus": 1,
        "trunk": True,
    }
    assert second["ips"] == ["10.0.0.2", "10.0.0.3"]
    assert not {"ifstatus", "ifinternalstatus", "trunk"} & set(second)


# --- NetBox -----------------------------------------------------------------------------------------------------------


def book(tree, unit: str = "root") -> dict[str, Any]:
    found = netbox.Book(netbox.names(Machine.objects.values_list("pk", "name")))
    for one in each(under(tree[unit])):
        found.add(one)
    return {
        name: list(yaml.safe_load_all(text)) if name.endswith(".yaml") else list(csv.DictReader(io.StringIO(text)))
        for name, text in found.files()
    }


def test_devices_and_all_they_need_before_them(reported, tree) -> None:
    files = book(tree)
    assert [row["name"] for row in files["01-manufacturers.csv"]] == ["Dell Inc.", "Cisco"]
    assert [row["model"] for row in files["02-device-types.yaml"]] == ["OptiPlex 7090", "C2960"]
    assert files["03-sites.csv"] == [{"name": "Phòng Bắc", "slug": f"rasoat-unit-{tree['north'].pk}", "status": "active"}]
    first, second = files["06-devices.csv"]
    machine = Machine.objects.get(name="may-1")
    assert (first["name"], first["asset_tag"], first["serial"], first["site"]) == (
        "may-1",
        f"rasoat-{machine.pk}",
        "S-1",
        "Phòng Bắc",
    )
    assert (second["role"], second["platform"]) == ("switch", "Cisco IOS")
    for row in files["06-devices.csv"]:  # every reference leads to a row that is imported before
        assert row["manufacturer"] in {one["name"] for one in files["01-manufacturers.csv"]}
        assert row["device_type"] in {one["model"] for one in files["02-device-types.yaml"]}
        assert row["role"] in {one["name"] for one in files["04-device-roles.csv"]}
        assert row["platform"] in {one["name"] for one in files["05-platforms.csv"]}
        assert row["site"] in {one["name"] for one in files["03-sites.csv"]}
    assert files["07-interfaces.csv"] == [
        {"device": "sw-1", "name": "Gi0/1", "type": "other", "description": "lên tầng 2", "enabled": "true"}
    ]
    assert [(row["device"], row["name"], row["type"]) for row in files["07-interfaces-state-not-seen.csv"]] == [
        ("may-1", "eno1", "other"),
        ("sw-1", "Vlan1", "virtual"),
    ]
    assert files["08-mac-addresses.csv"][0]["mac_address"] == "52:54:00:12:34:56"
    assert [row["address"] for row in files["09-ip-addresses.csv"]] == ["10.0.0.2/24"]


def test_what_netbox_cannot_take_is_left_out_and_said(reported, tree) -> None:
    left = {(row["name"], row["what"]): row["why"] for row in book(tree)["left-out.csv"]}
    assert left[("may-2", "machine")] == "its maker was not seen, and NetBox takes no device without one"
    assert left[("im-lang", "machine")] == "it never reported"
    assert {what for name, what in left if name == "may-1"} == {"address 10.0.0.5", "address 2001:db8::5"}
    assert ("sw-1", "address 10.0.0.3") in left


def test_what_is_left_out_is_read_in_a_spreadsheet(client, another, tree) -> None:
    host = another("=cmd()", unit="north")
    told = identity("=cmd()", **WHOLE)
    assert send(client, host.seal(host.snapshot(extra=(told,)))).status_code == 201
    found = netbox.Book(netbox.names(Machine.objects.values_list("pk", "name")))
    for one in each(under(tree["root"])):
        assert found.add(one)
    files = dict(found.files())
    assert files["left-out.csv"].startswith("\ufeffasset,name,what,why")
    left = list(csv.DictReader(io.StringIO(files["left-out.csv"].removeprefix("\ufeff"))))
    assert {row["name"] for row in left} == {"'=cmd()"}
    assert ("address 52:54:00:12:34:56", netbox.NO_CARD) in {(row["what"], row["why"]) for row in left}
    assert "'=cmd()" not in files["06-devices.csv"], "NetBox would call it so"


def test_the_columns_are_those_of_netbox() -> None:
    """Authored from documentation: the import forms of NetBox 4.6 (fields of dcim, ipam and virtualization)."""
    known = {
        "01-manufacturers.csv": "name slug description owner comments tags",
        "03-sites.csv": "name slug status region group tenant facility time_zone description physical_address shipping_address latitude longitude owner comments tags",
        "04-device-roles.csv": "name slug parent color vm_role config_template description owner comments tags",
        "05-platforms.csv": "name slug parent manufacturer config_template description owner comments tags",
        "06-devices.csv": "name role tenant manufacturer device_type platform serial asset_tag status site location rack position face comments tags",
        "07-interfaces.csv": "device name label parent bridge lag type speed duplex enabled mtu mgmt_only description mode tags",
        "07-interfaces-state-not-seen.csv": "device name label type description tags",
        "08-mac-addresses.csv": "mac_address device virtual_machine interface is_primary description comments tags",
        "09-ip-addresses.csv": "address vrf tenant status role device virtual_machine interface is_primary is_oob dns_name description comments tags",
        "10-virtual-machines.csv": "name role status site cluster device platform vcpus memory disk description serial tenant comments tags",
    }  # fmt: skip
    for file, columns in netbox.COLUMNS.items():
        assert set(columns) <= set(known[file].split()), file


def test_a_virtual_machine_is_no_device(client, another, tree) -> None:
    host = another("ao", unit="north")
    told = identity("ao", virtualization="kvm", vendor="QEMU", model="Standard PC", serial="7")
    assert send(client, host.seal(host.snapshot(extra=(told,)))).status_code == 201
    files = book(tree)
    assert files["06-devices.csv"] == []
    assert [row["name"] for row in files["10-virtual-machines.csv"]] == ["ao"]


def test_names_are_the_same_with_each_export_and_never_twice() -> None:
    many = [(1, "PC"), (2, "pc"), (3, "x" * 100), (4, "y")]
    assert netbox.names(many) == netbox.names(reversed(many)) == {1: "PC", 2: "pc~2", 3: f"{'x' * 48}~3", 4: "y"}


# --- at the console ---------------------------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr("server.database.there", lambda data, config: True)
    monkeypatch.setattr("django.setup", lambda: None)
    return lambda *words: main(["export", *words, "--lang", "en"])


def test_only_the_unit_and_what_lies_below(reported, tree, run, tmp_path, capsys) -> None:
    for what, mark in (("assets", "may-1"), ("findings", "may-1"), ("software", "bash"), ("coverage", "Phòng Bắc")):
        north, south = tmp_path / f"{what}-n.csv", tmp_path / f"{what}-s.csv"
        assert run(what, "--unit", "Phòng Bắc", "-o", str(north)) == 0, capsys.readouterr().err
        assert run(what, "--unit", "Phòng Nam", "-o", str(south)) == 0
        assert mark in north.read_text("utf-8-sig")
        assert not any(name in south.read_text("utf-8-sig") for name in ("may-", "sw-1", "Bắc")), what
        assert north.stat().st_mode & 0o077 == 0
    for form in ("glpi", "netbox"):
        assert run("assets", "--unit", "Phòng Nam", "--format", form, "-o", str(tmp_path / "x.zip")) == 0
        with zipfile.ZipFile(tmp_path / "x.zip") as archive:
            text = "".join(archive.read(name).decode() for name in archive.namelist())
        assert not any(name in text for name in ("may-", "sw-1", "Bắc")), form
        assert "im-lang" in text
    assert Entry.objects.filter(action="export.made").count() == 10


def test_the_table_of_software_says_of_whom_nothing_is_known(reported, tree, run, capsys) -> None:
    assert run("software", "--no-bom") == 0
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert (rows["may-1"]["package"], rows["may-1"]["not_seen"]) == ("bash", "")
    assert (rows["may-2"]["package"], rows["may-2"]["not_seen"]) == ("", "the packages were not seen")
    assert rows["im-lang"]["not_seen"] == "it never reported"


def test_what_makes_no_sense_is_refused_and_nothing_half_is_left(reported, run, tmp_path) -> None:
    assert run("coverage", "--format", "glpi", "-o", str(tmp_path / "x")) == 2
    assert run("assets", "--format", "netbox") == 2
    assert run("assets", "--unit", "không có") == 2
    assert run("assets", "-o", str(tmp_path / "none" / "x.csv")) == 1
    assert list(tmp_path.iterdir()) == []
