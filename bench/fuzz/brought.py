"""What people bring on sticks and in forms: bundles, lists, tables, feeds."""

from __future__ import annotations

import gzip
import io
import lzma
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from baselines.evidence import check, form
from bench.fuzz.engine import Sample
from bench.fuzz.samples import TESTS

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


DIGEST, UUID, AT = "0" * 64, "00000000-0000-0000-0000-000000000000", "2026-11-22T00:00:00Z"
MANIFEST = {
    "rasoat": form.FORM, "id": UUID, "made_at": AT, "day": "2026-11-22", "made_by": "x", "program": "0", "programs": {},
    "scope": {"kind": "unit", "name": "Sở", "unit": "Sở", "path": "/1/"}, "collector": DIGEST[:40], "counts": {"machines": 1}, "reports": [],
    "left_out": [], "journal_until": 1, "journal_digest": DIGEST, "members": [{"name": form.HOSTS, "size": 3, "sha256": DIGEST}],
}  # fmt: skip
HOST = {
    "agent": UUID, "name": "m", "path": "/1/", "public_key": "A" * 43 + "=", "enrolled_at": AT, "token": "", "waiting": False, "revoked_at": None,
}  # fmt: skip
MACHINE = {
    "machine": 1, "name": "m", "unit": "Sở", "path": "/1/", "own": True, "agent": UUID, "snapshot": UUID, "sha256": DIGEST, "received_at": AT,
    "judged": {
        "baseline": "x", "version": "1", "digest": DIGEST, "tailoring": "", "level": 2, "kind": "server", "centre": "", "judged_at": AT,
        "results": [["r", "1", "c", "pass"]],
    },
}  # fmt: skip
ASKED = {
    "id": 1, "kind": "waiver", "subject": "s", "payload": {}, "reason": "r", "attachment": "", "asked_by_id": 1, "asked_by": "a", "decided_by": "b",
    "decided_at": AT, "alone": False, "digest": DIGEST,
}  # fmt: skip
WORD = {
    "id": 1, "baseline": "x", "requirement": "r", "level": 2, "document": "d", "file": "", "file_name": "", "on": "2026-01-01", "until": "2027-01-01",
    "ended_at": None, "ended_by": "", "unit": "Sở", "path": "/1/", "system": "",
}  # fmt: skip
WAIVER = WORD | {
    "check": "c", "type": "accepted", "reason": "r", "measure": "", "whole": True, "machines": [1], "names": ["m"], "asked_by": "a",
    "approved_by": "b", "request": ASKED,
}  # fmt: skip
ATTESTATION = WORD | {"machine": 1, "state": "met", "by": "a", "role": "r", "note": "", "said_at": AT}
ROW = {
    "id": 1, "at": AT, "action": "a", "actor": "x", "unit_path": "/1/", "subject": "s", "detail": {}, "address": "", "previous": "", "digest": DIGEST,
}  # fmt: skip
COVERAGE = {
    "at": AT,
    "expected": 1,
    "seen": 1,
    "fresh": 1,
    "judged": 1,
    "excused": 0,
    "missing": [{"name": "n", "unit": "u", "why": "w"}],
}
FEED = {
    "name": "kev",
    "kind": "kev",
    "publisher": "p",
    "data_date": "2026-11-01",
    "sha256": DIGEST,
    "limit_days": 30,
    "old": False,
}
CAMPAIGN = {
    "number": "1", "date": "2026-11-01", "subject": "s", "issuer": "i", "deadline": "2026-12-01", "state": "running", "started_at": AT,
    "looked_at": AT, "sealed_at": None, "checks": ["c"], "states": {"met": 1}, "ground": {},
}  # fmt: skip
CAMPAIGN_ROW = {
    "row": 1, "unit": "u", "name": "m", "machine": 1, "state": "met", "why": "", "before": "", "before_checks": {}, "before_snapshot": "",
    "checks": {"c": "pass"}, "snapshot": UUID,
}  # fmt: skip
MEMBERS = {
    form.MANIFEST: form.dumps(MANIFEST).decode(), form.SUMS: f"{form.HEAD} {UUID}\n{DIGEST}  {form.MANIFEST}\n", form.HOSTS: form.dumps(HOST).decode(),
    form.MACHINES: form.dumps(MACHINE).decode(), form.JOURNAL: form.dumps(ROW).decode(), form.WAIVERS: form.dumps(WAIVER).decode(), form.ATTESTATIONS: form.dumps(ATTESTATION).decode(),
    form.COVERAGE: form.dumps(COVERAGE).decode(), form.FEEDS: form.dumps(FEED).decode(), form.CAMPAIGN: form.dumps(CAMPAIGN).decode(), form.ROWS: form.dumps(CAMPAIGN_ROW).decode(),
    form.PEM: "-----BEGIN PUBLIC KEY-----\n", form.KEYS: "y" * 64, form.SIGNATURE: "x" * 64, form.STAMP: "0\x82\x01",
    f"packs/{DIGEST}/standard.yaml": "id: x", f"snapshots/{UUID}": '{"rasoat": 1, "agent": "x", "sig": "AAAA"}\n{}',
}  # fmt: skip


def bundles() -> list[Sample]:
    """Each member, one sound line in it, in a ZIP of the right form: it is refused for what it says, not for how it is packed."""
    return [Sample(body.encode(), name) for name, body in MEMBERS.items()]


def as_zip(members: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as out:
        for name, body in members.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
            out.writestr(info, body)
    return raw.getvalue()


def on_disk(raw: bytes, name: str, read: Callable[[Path], object]) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(raw)
        return read(path)


def bundle_member(sample: Sample) -> object:
    members = {name: body.encode() for name, body in MEMBERS.items()} | {sample.about: sample.raw}
    return on_disk(as_zip(members), "bundle.zip", check.verify)


def bundle_zips() -> list[Sample]:
    return [Sample(as_zip({name: body.encode() for name, body in MEMBERS.items()}))]


AD = b'"Name","DNSHostName","Enabled","OperatingSystem"\r\n"PC-01","pc-01.example","True","Windows 11 Pro"\r\n'
REGISTER = "Tên máy;Địa chỉ IP;MAC;Loại;Đơn vị\nmay-01;10.0.0.5;52:54:00:12:34:56;server;Sở\n".encode()
LEASES = (
    b"1795000000 52:54:00:12:34:56 10.0.0.5 pc-01 *\n",
    b'lease 10.0.0.5 {\n  starts 4 2026/11/19 01:02:03;\n  ends never;\n  hardware ethernet 52:54:00:12:34:56;\n  client-hostname "pc-01";\n}\n',
    b"address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state\n10.0.0.5,52:54:00:12:34:56,,3600,1795000000,1,0,0,pc-01,0\n",
)
TARGETS = b"targets:\n  - {name: sw-01, address: 10.0.0.2, kind: switch, via: ssh, credential: net}\ncredentials:\n  net: {user: rasoat, password_env: X}\n"
RANGES = (
    b"approval: {number: 12/QD-STTTT, date: 2026-11-01, until: 2027-03-31}\nranges: [192.0.2.0/24, 2001:db8:7::/112]\n"
    b"excluded: [192.0.2.77]\nwindow: 22:00-05:00\nmax_rate: 120\nlargest: {ipv4: 25}\n"
)
DISCOVERY = {
    "id": "x", "approval": None, "ranges": ["192.0.2.0/24"], "started": AT, "ended": AT, "services_asked": False, "privileged": True, "max_rate": 9,
    "coverage": {"wanted": 256, "asked": 250, "answered": 1, "silent": 249, "not_asked": 6, "gaps": []},
    "hosts": [{"address": "192.0.2.5", "mac": "52:54:00:12:34:56", "answered": True, "open_tcp_ports": [22]}],
    "register_compared": False, "registered": [], "duplicates": [], "notes": [],
}  # fmt: skip
ANSIBLE = (
    b"[web]\nweb[01:03].example ansible_host=10.0.0.5 ansible_port=22 ansible_user=root\n[all:vars]\nx=1\n[g:children]\nweb\n",
    b"all:\n  children:\n    web:\n      hosts:\n        web01: {ansible_host: 10.0.0.5, ansible_port: 2222}\n",
)
UNITS = b"code,name,parent_code,level\nSO,So,,2\nPB,Phong Bac,SO,\n"


RELEASES = "releases.yaml"
"""Ships with rasoat; sites bring files of its form."""
FEEDS = {
    "debian.json": "debian", "debian_bookworm.json": "debian", "osv.jsonl": "osv", "csaf.json": "csaf", "csaf_module.json": "csaf",
    "windows.csv": "windows", "msrc.json": "msrc", "kev.json": "kev", "epss.csv": "epss", "debian.csv": "end-of-life",
    "antivirus.csv": "antivirus", "indicators.csv": "indicators", "stix.json": "indicators", "letter.csv": "warnings", RELEASES: "network",
}  # fmt: skip
OSV = (TESTS / "server/feeds/osv.jsonl").read_bytes


def _tar(mode: Literal["w", "w:gz"]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode=mode) as out:
        info = tarfile.TarInfo("a.json")
        info.size = len(line := OSV().splitlines()[0])
        out.addfile(info, io.BytesIO(line))
    return raw.getvalue()


ARCHIVES: dict[str, Callable[[], bytes]] = {
    "osv.zip": lambda: as_zip({"a.json": OSV().splitlines()[0]}),
    "osv.tar": lambda: _tar("w"),
    "osv.tgz": lambda: _tar("w:gz"),
    "osv.jsonl.gz": lambda: gzip.compress(OSV()),
    "osv.jsonl.xz": lambda: lzma.compress(OSV()),
    "osv.jsonl.zst": lambda: zstd.compress(OSV()),
}
GIVEN = {"number": "15/CB", "dated": "2026-11-01", "product": "debian"}


def workbook(rows: Sequence[Sequence[object]]) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def workbooks(of_feed: bool = False) -> list[Sample]:
    """Each part of a workbook, to be changed inside a sound ZIP; and the ZIP as it is."""
    register = [["Tên thiết bị", "Số sê-ri", "Ngày mua", "Giá"], ["May chu", "SN-1", date(2026, 1, 2), 12.5]]
    lines = (TESTS / "server/feeds/letter.csv").read_text("utf-8").splitlines()
    whole = workbook([line.split(",") for line in lines] if of_feed else register)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return [Sample(body, (name, parts)) for name, body in parts.items()] + [Sample(whole)]
