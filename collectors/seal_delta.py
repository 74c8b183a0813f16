"""The difference between a sealed snapshot and one that both sides have: what travels and what is kept where little changed.

One blob: a line of JSON + "\\n" + a zstd frame. The line is {"rasoat": 1, "agent": id, "base": id of a snapshot, "sha256": of
that snapshot's bytes}; the frame, read with those bytes in front of it, holds what a whole sealed snapshot holds: header line
+ "\\n" + snapshot. So nothing is signed anew: the signature covers the whole snapshot, and a base that is not the right one
gives bytes that it does not fit.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import NamedTuple

from collectors.seal import FORMAT, MAX_SEALED, SealError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MEDIA_TYPE = "application/vnd.rasoat.snapshot-delta"
MAX_PLAIN = 16 * 1024 * 1024
"""Bytes of each, the base and what is made of it; what is larger travels whole. Real snapshots are a tenth of that."""
MAX_LINE = 512
_WINDOW_LOG = 25
"""32 MiB: the base and what follows it, so a decoder never needs more."""
_LEVEL = 3
"""More costs ten times the time and saves little (bench/wire.py)."""


class Delta(NamedTuple):
    """A difference, not yet opened."""

    agent: str
    base: str
    """Id of the snapshot it was made from."""
    sha256: str
    """Of that snapshot's bytes."""
    frame: bytes


def make(plain: bytes, agent: str, base: str, reference: bytes) -> bytes | None:
    """The blob from which `plain` (header line, newline, snapshot) comes back with `reference`. None: too large for this form."""
    if not reference or max(len(plain), len(reference)) > MAX_PLAIN:
        return None
    line = {"rasoat": FORMAT, "agent": agent, "base": base, "sha256": hashlib.sha256(reference).hexdigest()}
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: _LEVEL,
        zstd.CompressionParameter.window_log: max(10, (len(plain) + len(reference)).bit_length()),
        zstd.CompressionParameter.enable_long_distance_matching: 1,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    packer = zstd.ZstdCompressor(options=options, zstd_dict=zstd.ZstdDict(reference, is_raw=True).as_prefix)
    packer.set_pledged_input_size(len(plain))
    frame = packer.compress(plain, packer.FLUSH_FRAME)
    return json.dumps(line, sort_keys=True, separators=(",", ":")).encode() + b"\n" + frame


def read(blob: bytes, max_blob: int = MAX_SEALED) -> Delta:
    """What its line says. Opens nothing. Raises SealError: too-large, damaged."""
    if len(blob) > max_blob:
        raise SealError("too-large", f"{len(blob)} bytes, at most {max_blob} are accepted")
    line, newline, _rest = blob[: MAX_LINE + 1].partition(b"\n")
    try:
        found = json.loads(line)
        words = found["agent"], found["base"], found["sha256"]
        known = found["rasoat"] == FORMAT
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SealError("damaged", "header is not readable") from None
    if not newline or not known or not all(isinstance(word, str) for word in words):
        raise SealError("damaged", "header is not readable")
    return Delta(*words, blob[len(line) + 1 :])


def restore(delta: Delta, reference: bytes) -> bytes:
    """Header line, newline, snapshot. Raises SealError: base (those are not the bytes it was made from), too-large, damaged."""
    if len(reference) > MAX_PLAIN or hashlib.sha256(reference).hexdigest() != delta.sha256:
        raise SealError("base", "it was made from other bytes than those of the snapshot it names")
    try:
        size = zstd.get_frame_info(delta.frame).decompressed_size
    except zstd.ZstdError as error:
        raise SealError("damaged", f"not zstd: {error}") from None
    if size is None:
        raise SealError("damaged", "does not say how large it grows")
    if size > MAX_PLAIN:
        raise SealError("too-large", f"grows to {size} bytes, in this form at most {MAX_PLAIN}")
    limits: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
    opener = zstd.ZstdDecompressor(zstd_dict=zstd.ZstdDict(reference, is_raw=True).as_prefix, options=limits)
    try:
        plain = opener.decompress(delta.frame, size + 1)
        if len(plain) == size and not opener.eof:
            plain += opener.decompress(b"", 1)  # the checksum stands behind the last byte
    except (zstd.ZstdError, EOFError) as error:
        raise SealError("damaged", f"not zstd: {error}") from None
    if not opener.eof or opener.unused_data or len(plain) != size:
        raise SealError("damaged", "cut short, or something follows the end")
    return plain
