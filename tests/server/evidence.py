"""Bundles of evidence for tests: made by the real maker from machines that reported through the real doors."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import Client

from baselines.evidence import form, seal
from baselines.evidence.check import Bundle as Checked
from baselines.evidence.check import Trust, verify
from baselines.evidence.lines import exit_code
from baselines.loader import load
from collectors.centre import CentreKeys
from server.approvals import deciding, files
from server.assess import packs
from server.config import Data
from server.evidence import making
from server.evidence.models import UNIT, Bundle
from server.ingest.models import EnrolmentToken, Machine
from server.units.models import Unit, User
from server.waivers import asking, attesting
from tests.server.people import Host, send
from tests.server.waivers import PDF, wish

PACKS = Path(__file__).parent / "packs"
Members = dict[str, bytes]


def data_in(root: Path) -> Data:
    """A data directory with keys of its own and the tests' packs."""
    data = Data(root)
    data.create()
    shutil.copytree(PACKS, data.packs)
    settings.DATA = data
    packs.let_go()
    return data


def filled(client: Client, tree: dict[str, Unit], asker: User, second: User) -> dict[str, Host]:
    """Two machines in the north and one in the south; a waiver with its file, an attestation, one that never reported."""
    hosts = {}
    for name, unit in (("máy-1", "north"), ("may-2", "north"), ("may-3", "south"), ("may-im", "north")):
        hosts[name] = Host(name)
        assert hosts[name].enrol(client, EnrolmentToken.issue(tree[unit], 1, 1, "test")[1]).status_code == 201
        if name != "may-im":
            snapshot = hosts[name].snapshot()
            assert send(client, hosts[name].seal(snapshot, hosts[name].judged(snapshot))).status_code == 201
    machine = Machine.objects.get(name="máy-1")
    request = asking.ask(tree["north"], asker, wish(), [machine], file=files.Kept("giấy.pdf", "pdf", PDF))
    deciding.approve(request.pk, second, request.digest)
    given = {
        "on": wish().on, "until": wish().until, "machine": None, "system": "", "requirement": "care.rules", "state": "met",
        "role": "Trưởng phòng", "document": "15/QĐ", "note": "", "file": None,
    }  # fmt: skip
    attesting.say(tree["north"], asker, given)
    return hosts


def land(client: Client, tree: dict[str, Unit], person: Callable[..., User], root: Path) -> dict[str, Any]:
    """The units, `hosts` that reported with people who gave their word, and the `data` of a collector with keys."""
    data = data_in(root / "data")
    hosts = filled(client, tree, person("người-xin", role="admin"), person("người-duyệt", role="approver"))
    return {**tree, "hosts": hosts, "data": data}


def asked(unit: Unit, kind: str = UNIT, of: int = 0, **fields: Any) -> Bundle:
    return Bundle.objects.create(unit=unit, kind=kind, of=of or unit.pk, name=unit.name, asked_by="người-lập", **fields)


def made(unit: Unit, path: Path, **fields: Any) -> Path:
    """A bundle at `path`."""
    with path.open("w+b") as out:
        making.make(asked(unit, **fields), out)
    return path


def fingerprint() -> str:
    return making.sealing_keys().public.fingerprint


@cache
def pack() -> str:
    """Digest of the tests' pack, which no program ships."""
    return load(PACKS / "mini").digest


def checked(path: Path, key: str = "", **trust: Any) -> Checked:
    return verify(path, Trust(frozenset({key or fingerprint()}), **{"packs": frozenset({pack()}), **trust}))


def wrong(found: Checked) -> list[tuple[str, str]]:
    """(code, about) of the lines that do not hold."""
    return [(line.code, line.about) for line in found.lines if line.outcome == "fails"]


def codes(found: Checked, outcome: str = "fails") -> set[str]:
    return {line.code for line in found.lines if line.outcome == outcome}


def code(found: Checked) -> int:
    return exit_code(found.lines)


# what somebody else might do with it ------------------------------------------------------------------------------------


def members(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(found: Members, path: Path) -> Path:
    """As a bundle is written, whatever is in it."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in found.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
            archive.writestr(info, content)
    path.write_bytes(raw.getvalue())
    return path


def line_of(found: Members, name: str) -> tuple[int, dict[str, Any]]:
    """Where a machine stands in the table, and what stands there."""
    rows = [json.loads(row) for row in found[form.MACHINES].splitlines()]
    return next((number, row) for number, row in enumerate(rows) if row["name"] == name)


def resealed(found: Members, keys: CentreKeys, change: Callable[[dict[str, Any]], None] | None = None) -> Members:
    """Whoever has the collector's key, or one of their own, makes manifest, list and seal anew after changing members."""
    manifest = json.loads(found[form.MANIFEST])
    body = {name: raw for name, raw in found.items() if name not in (form.MANIFEST, form.SUMS, *form.SEAL)}
    manifest["members"] = [{"name": name, "size": len(raw), "sha256": seal.digest(raw)} for name, raw in sorted(body.items())]
    manifest["collector"] = keys.public.fingerprint
    for name in ("snapshots", "attachments"):
        count = sum(one.startswith(f"{name}/") for one in body)
        manifest["counts"] = {key: value for key, value in (manifest["counts"] | {name: count}).items() if value}
    if change:
        change(manifest)
    body[form.MANIFEST] = form.dumps(manifest)
    model = form.Manifest.model_validate(manifest)
    body[form.SUMS] = form.sums(
        form.head_of(model.id, model.made_at.isoformat()), {name: seal.digest(raw) for name, raw in body.items()}
    )
    body[form.PEM] = seal.pem(keys.public.sign)
    body[form.KEYS] = keys.public.sign + keys.public.seal
    body[form.SIGNATURE] = making.sign(keys, body[form.SUMS])
    return body


def edited(found: Members, name: str, change: Callable[[dict[str, Any]], None], line: int = 0) -> Members:
    """One line of a member, changed."""
    rows = found[name].splitlines(keepends=True)
    document = json.loads(rows[line])
    change(document)
    rows[line] = form.dumps(document)
    return found | {name: b"".join(rows)}


def again(found: Members, tmp_path: Path, change: Callable[[dict[str, Any]], None] | None = None) -> Checked:
    """Sealed anew by whoever has the collector's key: only what is inside can tell."""
    told = checked(zipped(resealed(found, making.sealing_keys(), change), tmp_path / "anew.zip"))
    assert "seal" in codes(told, "holds")
    return told
