"""The journal as a file that anybody can check, without this collector and without trusting who keeps it.

    line 1        {"rasoat": "journal 1", "unit", "exported_at", "after": {"id", "digest"}, "keys": {...}}
    one per row   {"id", "at", "action", "actor", "unit_path", "subject", "detail", "address", "digest"}
    last line     {"rows", "last": {"id", "digest"}, "sha256": of all bytes before this line, "sig": Ed25519 by the centre}

Each row's digest is sha256 over the digest before it and the row, so a row that was changed or taken out shows. Rows cut off at
the end, or a chain written anew from some row on, show against an earlier export: its last digest must stand in the later one.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from baselines.evidence.chain import ROW, digest
from collectors.centre import Centre, CentreError, CentreKeys

__all__ = ["FORM", "ROW", "Broken", "Checked", "check", "digest", "lines"]

FORM = "journal 1"
_CONTEXT = b"rasoat journal export 1\n"
MAX_LINE = 1024 * 1024


class Broken(ValueError):
    """The file does not hold. The message names the line and what is wrong with it."""


class Checked(NamedTuple):
    """A file that holds."""

    rows: int
    first: int | None
    last: int | None
    last_digest: str
    exported_at: str
    signed_by: str
    """Fingerprint of the centre's keys; empty where nobody signed."""


def lines(rows: Iterable[dict[str, Any]], after: tuple[int, str], unit: str, keys: CentreKeys | None) -> Iterator[bytes]:
    """The file, line by line. `after`: id and digest of the row before the first; (0, "") for the very first."""
    whole = hashlib.sha256()
    head = {
        "rasoat": FORM, "unit": unit, "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "after": {"id": after[0], "digest": after[1]}, "keys": keys.public.document() if keys else None,
    }  # fmt: skip
    last, count = after, -1
    for document in itertools.chain((head,), rows):
        count += 1
        line = _line(document)
        whole.update(line)
        if count:
            last = (document["id"], document["digest"])
        yield line
    yield _line(
        {
            "rows": count,
            "last": {"id": last[0], "digest": last[1]},
            "sha256": whole.hexdigest(),
            "sig": _sign(keys, whole.digest()) if keys else None,
        }
    )


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _sign(keys: CentreKeys, whole: bytes) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(keys.sign).sign(_CONTEXT + whole)).decode()


def check(path: Path, earlier: Path | None = None, fingerprint: str = "") -> Checked:
    """Raises Broken at the first line that does not hold; OSError.

    `earlier`: an export made before, which this one must continue. `fingerprint`: of the centre that must have signed.
    """
    whole = hashlib.sha256()
    known: dict[int, str] = {}
    before = check(earlier, None, fingerprint) if earlier else None
    head: dict[str, Any] | None = None
    previous, count, first, last, tail = "", 0, None, None, None
    with path.open("rb") as file:
        for number, raw in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), 1):
            if tail is not None:
                raise Broken(f"{path}:{number}: something follows the end")
            document = _read(path, number, raw)
            if head is None:
                head = document
                if head.get("rasoat") != FORM:
                    raise Broken(f"{path}:1: not an exported journal of this form")
                previous, last = head["after"]["digest"], head["after"]["id"]
                known[last] = previous
                whole.update(raw)
            elif "sha256" in document:
                tail = document
            else:
                previous = _follows(path, number, document, previous, last)
                last = document["id"]
                first = last if first is None else first
                count += 1
                if before and last == before.last:
                    known[last] = previous
                whole.update(raw)
    if head is None or tail is None:
        raise Broken(f"{path}: cut: its last line is missing")
    if tail != {**tail, "rows": count, "last": {"id": last, "digest": previous}, "sha256": whole.hexdigest()}:
        raise Broken(f"{path}: the last line tells of other rows than there are")
    signed = _signer(path, head, tail, whole.digest())
    if fingerprint and signed != fingerprint:
        raise Broken(f"{path}: signed by {signed or 'nobody'}, not by {fingerprint}")
    if before and known.get(before.last or 0) != before.last_digest:
        raise Broken(f"{path}: does not continue {earlier}: row {before.last} is another one or is not there")
    return Checked(count, first, last, previous, str(head.get("exported_at")), signed)


def _read(path: Path, number: int, raw: bytes) -> dict[str, Any]:
    if not raw.endswith(b"\n"):
        raise Broken(f"{path}:{number}: cut" if len(raw) <= MAX_LINE else f"{path}:{number}: longer than {MAX_LINE} bytes")
    try:
        document = json.loads(raw)
        if not isinstance(document, dict):
            raise ValueError
        # as it was written: the same content in other bytes would have another digest
        if _line(document) != raw:
            raise ValueError
    except (ValueError, RecursionError):
        raise Broken(f"{path}:{number}: not a line of an exported journal") from None
    return document


def _follows(path: Path, number: int, document: dict[str, Any], previous: str, last: int | None) -> str:
    try:
        row = [document[name] for name in ROW]
        told, pk = document["digest"], document["id"]
    except KeyError as missing:
        raise Broken(f"{path}:{number}: the row has no {missing}") from None
    if not isinstance(pk, int) or (last is not None and pk <= last):
        raise Broken(f"{path}:{number}: row {pk} stands after row {last}")
    found = digest(previous, row)
    if told != found:
        raise Broken(f"{path}:{number}: row {pk} does not follow from the one before: one of them was changed or taken out")
    return found


def _signer(path: Path, head: dict[str, Any], tail: dict[str, Any], whole: bytes) -> str:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not head.get("keys") and not tail.get("sig"):
        return ""
    try:
        centre = Centre.parse(head.get("keys"))
        signature = base64.b64decode(tail.get("sig") or "", validate=True)
        Ed25519PublicKey.from_public_bytes(centre.sign).verify(signature, _CONTEXT + whole)
    except (CentreError, InvalidSignature, ValueError, TypeError):
        raise Broken(f"{path}: the signature does not belong to the keys it names") from None
    return centre.fingerprint
