"""A drawing (SVG) as a picture, for programs that show no SVG. Drawn by typst, with the shipped fonts."""

from __future__ import annotations

import re
import struct
import tempfile
from pathlib import Path
from typing import NamedTuple

import typst

from server.documents.templates import FONTS

PPI = 200
"""Of a drawing in its own size."""
FINEST = 300
"""Of one that is printed smaller: more is not seen, and takes its square in memory."""


class Picture(NamedTuple):
    png: bytes
    width_mm: float
    height_mm: float


def size_mm(svg: str) -> tuple[float, float]:
    """As the drawing says it: width and height in millimetres."""
    found = re.search(r'<svg[^>]*\bwidth="([\d.]+)mm"[^>]*\bheight="([\d.]+)mm"', svg)
    return (float(found[1]), float(found[2])) if found else (160.0, 120.0)


def drawn(svg: str, scale: float = 1.0) -> Picture:
    """`scale`: how much smaller than it is drawn it will be printed. The size told is that of the drawing."""
    ppi = min(PPI, FINEST * scale)
    with tempfile.TemporaryDirectory(prefix="rasoat-drawing-") as folder:
        root = Path(folder)
        (root / "drawing.svg").write_text(svg, "utf-8")
        (root / "main.typ").write_text('#set page(width: auto, height: auto, margin: 0pt)\n#image("drawing.svg")\n', "utf-8")
        made = typst.compile(root / "main.typ", root=root, font_paths=[FONTS], ignore_system_fonts=True, format="png", ppi=ppi, package_path=root)  # fmt: skip
    assert isinstance(made, bytes)
    width, height = struct.unpack(">II", made[16:24])
    return Picture(made, width / ppi * 25.4, height / ppi * 25.4)
