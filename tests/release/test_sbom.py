"""The bill of materials beside each artefact: valid, the same each time, and naming everything that is installed with it."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from scripts.release import dependencies, sbom, source

WHEEL = f"rasoat-{source.version()}-py3-none-any.whl"
ARCHIVE = f"rasoat-agent-{source.version()}-linux-x86_64.tar.xz"
MOMENT = 1_796_000_000


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / WHEEL).write_bytes(b"a wheel")
    (tmp_path / "rasoat-agent").write_bytes(b"packed in one file")
    (tmp_path / "notes.txt").write_bytes(b"no artefact")
    with tarfile.open(tmp_path / ARCHIVE, "w:xz") as archive:
        for name, raw in (("rasoat-agent/_internal/libssl.so.3", b"ssl"), ("rasoat-agent/rasoat-agent", b"start")):
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return tmp_path


def names(document: dict[str, Any]) -> set[str]:
    return {component["name"] for component in document["components"]}


def test_each_artefact_has_one_and_it_is_valid(dist: Path) -> None:
    written = sbom.write(dist, MOMENT)
    assert [path.name for path in written] == [f"{name}.cdx.json" for name in sorted((WHEEL, ARCHIVE, "rasoat-agent"))]
    for path in written:
        text = path.read_text("utf-8")
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None, path.name
        document = json.loads(text)
        assert document["metadata"]["timestamp"] == "2026-11-30T00:53:20Z"
        own = document["metadata"]["component"]
        assert own["hashes"] == [{"alg": "SHA-256", "content": sbom._digest(dist / path.name.removesuffix(".cdx.json"))}]
        for component in document["components"]:
            if component["type"] == "library":
                assert component["purl"] == f"pkg:pypi/{component['name']}@{dependencies.pinned()[component['name']]}"
                assert component["licenses"][0]["expression"]


def test_the_same_artefact_gives_the_same_bytes_and_another_one_another_number(dist: Path) -> None:
    first = {path: path.read_bytes() for path in sbom.write(dist, MOMENT)}
    assert {path: path.read_bytes() for path in sbom.write(dist, MOMENT)} == first
    numbers = {json.loads(raw)["serialNumber"] for raw in first.values()}
    assert len(numbers) == 3
    (dist / WHEEL).write_bytes(b"another wheel")
    again = {json.loads(path.read_bytes())["serialNumber"] for path in sbom.write(dist, MOMENT)}
    assert len(numbers & again) == 2


def test_an_agent_holds_its_base_and_a_collector_everything(dist: Path) -> None:
    agent, collector = sbom.bill(dist / "rasoat-agent", MOMENT), sbom.bill(dist / WHEEL, MOMENT)
    asked = {sbom._key(one.name) for one in dependencies.asked_for() if one.marker is None}
    assert asked <= names(agent) < names(collector)
    assert "pydantic-core" in names(agent), "what comes along with another is in it"
    assert not {"django", "paramiko", "python-nmap"} & names(agent)
    assert {"django", "paramiko", "gunicorn", "lxml", "pyhanko", "pypsrp"} <= names(collector)
    assert not {"pytest", "ruff", "hypothesis"} & names(collector)


def test_every_reference_leads_somewhere(dist: Path) -> None:
    document = sbom.bill(dist / WHEEL, MOMENT)
    refs = {component["bom-ref"] for component in document["components"]}
    reached, todo = set(), [document["metadata"]["component"]["bom-ref"]]
    needs = {row["ref"]: row["dependsOn"] for row in document["dependencies"]}
    while todo:
        for ref in needs[todo.pop()]:
            if ref not in reached:
                reached.add(ref)
                todo.append(ref)
    assert reached == refs, "each is there because something needs it"


def test_what_is_not_listed_is_said(dist: Path) -> None:
    def left_out(name: str, **more: Any) -> list[str]:
        told = sbom.bill(dist / name, MOMENT, **more)["metadata"]["properties"]
        return [one["value"] for one in told if one["name"] == "rasoat:not-listed"]

    assert left_out("rasoat-agent") == [sbom.UNSEEN, "digests of packages: not looked up"]
    assert left_out(WHEEL) == ["digests of packages: not looked up"]
    assert left_out(ARCHIVE, looked_up={"psutil": "0" * 64}) == []
    document = sbom.bill(dist / ARCHIVE, MOMENT, {"psutil": "0" * 64})
    hashed = {one["name"]: one["hashes"][0]["content"] for one in document["components"] if "hashes" in one}
    assert set(hashed) == {"psutil", "rasoat-agent/_internal/libssl.so.3"}


def test_libraries_of_an_archive_for_windows_are_listed_too(dist: Path) -> None:
    path = dist / f"rasoat-agent-{source.version()}-windows-amd64.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rasoat-agent/_internal/libcrypto-3.dll", b"crypto")
        archive.writestr("rasoat-agent/rasoat.exe", b"start")
    files = [one["name"] for one in sbom.bill(path, MOMENT)["components"] if one["type"] == "file"]
    assert files == ["rasoat-agent/_internal/libcrypto-3.dll"]
    assert path in sbom.artefacts(dist)


def test_what_is_installed_otherwise_than_pinned_gets_no_bill(dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sbom, "pinned", lambda: dependencies.pinned() | {"psutil": "0.1"})
    with pytest.raises(SystemExit, match="psutil"):
        sbom.bill(dist / WHEEL, MOMENT)
