"""What a host with two scans a day sends, and what the collector keeps of it in a year: whole, and as differences.

Real scans of this machine, sealed as its agent seals them; for "one package updated" and "one user added" the last scan with
that one change in it. Bytes are those of the bodies: the head of a request (some 400 bytes) and TLS come on top of both forms.
The year is worked out from these sizes by the rules of server/ingest/keeping.py, and holds the blobs alone: rows, indexes and
verdicts are the same in both forms.
"""

from __future__ import annotations

import copy
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measure import arguments, write

from collectors import seal_delta
from collectors.model import new_id
from collectors.seal import pack, parse, seal, unpack

SCANS = 4
A_DAY, A_YEAR, KEYS_A_YEAR = 2, 730, 4
AGENT, KEY = "0198e0a0-0000-4000-8000-000000000000", b"\x07" * 32


def main(argv: list[str] | None = None) -> int:
    options = arguments(__doc__).parse_args(argv)
    scans = [_scan() for _ in range(SCANS)]
    base = scans[-2]
    sent = {
        "unchanged": _sent(scans[-1], base),
        "one package updated": _sent(_updated(scans[-1]), base),
        "one user added": _sent(_joined(scans[-1]), base),
    }
    first = len(_sealed(scans[0]))
    figures: dict[str, Any] = {"first": first, "snapshot_bytes": len(_bytes(scans[0]))}
    print(f"the first: {first:,} bytes sealed ({figures['snapshot_bytes']:,} of JSON)")
    for name, (whole, difference) in sent.items():
        day, before = difference * A_DAY, whole * A_DAY
        figures[name] = {"whole": whole, "difference": difference, "a_day": day, "ratio": round(day / before, 4)}
        print(f"{name}: {difference:,} bytes instead of {whole:,}; a day {day:,}, {day / before:.1%} of sending whole")
    kept = statistics.median(len(_difference(scan, scans[0])) for scan in scans[1:])
    year = first * KEYS_A_YEAR + kept * (A_YEAR - KEYS_A_YEAR)
    figures["kept_a_year"] = {"whole": first * A_YEAR, "differences": round(year), "ratio": round(year / (first * A_YEAR), 4)}
    print(f"kept of one host in a year: {year:,.0f} bytes instead of {first * A_YEAR:,}, {year / (first * A_YEAR):.1%}")
    figures["against_gzip"] = _costs(scans[-1], base)
    print("time, against packing the same with gzip: " + ", ".join(f"{k} {v}x" for k, v in figures["against_gzip"].items()))
    write("wire", figures, keep=not options.no_result)
    return 0


def _scan() -> dict[str, Any]:
    rasoat = str(Path(sys.executable).parent / "rasoat")
    out = subprocess.run([rasoat, "scan", "--format", "json", "--quiet"], capture_output=True, text=True, check=False).stdout
    found: dict[str, Any] = json.loads(out)["snapshot"]
    return found


def _bytes(snapshot: dict[str, Any]) -> bytes:
    return json.dumps(snapshot, ensure_ascii=False, separators=(",", ":")).encode()


def _sealed(snapshot: dict[str, Any]) -> bytes:
    return seal(_bytes(snapshot), AGENT, KEY)


def _difference(snapshot: dict[str, Any], base: dict[str, Any]) -> bytes:
    plain, reference = unpack(_sealed(snapshot)), _bytes(base)
    blob = seal_delta.make(plain, AGENT, base["id"], reference)
    assert blob is not None
    assert parse(seal_delta.restore(seal_delta.read(blob), reference)).snapshot == _bytes(snapshot)
    return blob


def _sent(snapshot: dict[str, Any], base: dict[str, Any]) -> tuple[int, int]:
    return len(_sealed(snapshot)), len(_difference(snapshot, base))


def _fact(snapshot: dict[str, Any], name: str) -> Any:
    return next(record["data"] for record in snapshot["records"] if record["fact"] == name)


def _updated(snapshot: dict[str, Any]) -> dict[str, Any]:
    found = copy.deepcopy(snapshot) | {"id": new_id()}
    _fact(found, "software")["packages"][20]["version"] += "+deb12u1"
    return found


def _joined(snapshot: dict[str, Any]) -> dict[str, Any]:
    found = copy.deepcopy(snapshot) | {"id": new_id()}
    users = _fact(found, "accounts")["users"]
    users.append(users[-1] | {"name": "nguoi-moi", "uid": 1777})
    return found


def _costs(snapshot: dict[str, Any], base: dict[str, Any]) -> dict[str, float]:
    plain, reference = unpack(_sealed(snapshot)), _bytes(base)
    blob = _difference(snapshot, base)
    packing = _seconds(lambda: pack(plain))
    return {
        "making a difference": round(_seconds(lambda: seal_delta.make(plain, AGENT, base["id"], reference)) / packing, 2),
        "opening one": round(_seconds(lambda: seal_delta.restore(seal_delta.read(blob), reference)) / packing, 2),
    }


def _seconds(work: Any, runs: int = 15) -> float:
    found = []
    for _ in range(runs):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return statistics.median(found)


if __name__ == "__main__":
    raise SystemExit(main())
