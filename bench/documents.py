"""How long papers take: the dossier of a system of 200 machines (facts of recorded cases), a PDF of 60 pages and more, a workbook of
25,000 rows. Each in a process of its own, for its memory. CPU seconds stand beside wall seconds: machines are shared."""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from measure import arguments, write

HERE = Path(__file__).parents[1]
TIMES = 5


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--times", type=int, default=TIMES, help="so many times the sample system of 40 machines")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.inside:
        print(json.dumps(_inside(options.inside, options.times)))
        return 0
    with tempfile.TemporaryDirectory(prefix="rasoat-bench-") as folder:
        env = {**os.environ, "RASOAT_DATA": folder, "DJANGO_SETTINGS_MODULE": "server.settings", "PYTHONPATH": str(HERE)}
        _run(env, "prepare", options.times)
        figures = {name: _run(env, name, options.times) for name in ("dossier", "pdf", "xlsx")}
    for name, row in figures.items():
        print(f"{name}: {row}")
    peers = ("python-docx", "docxtpl", "typst", "XlsxWriter")
    write("documents", figures, peers, keep=not options.no_result)
    return 0


def _run(env: dict[str, str], what: str, times: int) -> dict[str, Any]:
    words = [sys.executable, __file__, "--inside", what, "--times", str(times)]
    out = subprocess.run(words, capture_output=True, text=True, env=env, check=True, cwd=HERE).stdout
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def _inside(what: str, times: int) -> dict[str, Any]:
    from server.config import Data

    data = Data.here()
    if what == "prepare":
        data.create((), "")
    import django

    django.setup()
    return {"prepare": partial(_prepare, times), "dossier": partial(_dossier, times), "pdf": _pdf, "xlsx": _xlsx}[what]()


def _prepare(times: int) -> dict[str, Any]:
    from django.core.management import call_command

    from server.units.models import Unit
    from tests.server.documents import signed, system

    call_command("migrate", verbosity=0)
    root = Unit.objects.create(name="Sở Thông tin và Truyền thông tỉnh A", level=3, baseline="tcvn_11930_2017")
    signed(root)
    system(root, times)
    return {}


def _timed(function: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    wall, cpu = time.perf_counter(), time.process_time()
    made = function()
    return made, {"wall_s": round(time.perf_counter() - wall, 2), "cpu_s": round(time.process_time() - cpu, 2)}


def _peak() -> dict[str, Any]:
    return {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def _dossier(times: int) -> dict[str, Any]:
    """From the database to a DOCX; and once again, as a collector that runs does it: packs are read once."""
    from server.documents.exports import docx
    from server.documents.papers.level.dossier import level
    from server.registers.systems import System

    one = System.objects.get()
    first, told = _timed(lambda: docx.written(level(one, "tcvn_11930_2017")))
    _again, later = _timed(lambda: docx.written(level(one, "tcvn_11930_2017")))
    return {"machines": 40 * times, "bytes": len(first), "first": told, "again": later, **_peak()}


def _pdf() -> dict[str, Any]:
    import pypdf

    from server.documents.exports import pdf
    from server.documents.report import Appendix
    from tests.server.documents import plain, table

    made, told = _timed(lambda: pdf.written(plain("x", appendices=(Appendix(title="Danh sách máy", blocks=(table(2800),)),))))
    return {"pages": len(pypdf.PdfReader(io.BytesIO(made)).pages), "bytes": len(made), **told, **_peak()}


def _xlsx() -> dict[str, Any]:
    from server.documents.exports import xlsx
    from server.documents.report import Appendix
    from tests.server.documents import plain, table

    made, told = _timed(lambda: xlsx.written(plain("x", appendices=(Appendix(title="Danh sách máy", blocks=(table(25_000),)),))))
    return {"rows": 25_000, "bytes": len(made), **told, **_peak()}


if __name__ == "__main__":
    sys.exit(main())
