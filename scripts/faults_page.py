"""docs/faults.md: the matrix of parts and faults, from bench/results/faults.json and the words of bench/faults/ alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from scripts.commands_page import ROOT, cell

RESULT = ROOT / "bench/results/faults.json"
FOLDER = ROOT / "bench/faults"
HEAD = """\
# Faults · Sự cố

Each part of rasoat with each fault, on real programs: agents in state folders of their own, a relay, web processes, a worker and a PostgreSQL with page checksums
on one machine, a line that can be cut between any two of them. After each cell every snapshot is accounted for by its id and its bytes.
`python -m bench.faults` runs all of it (root; Debian packages postgresql and gcc), `--only relay:disk` one cell, `--list` says what each does. Clocks jump under
real programs, PostgreSQL too (bench/faults/clock.c): the time of day jumps, the monotonic clock goes on.

Mỗi bộ phận của rasoat chịu từng loại sự cố, với chương trình thật: các tác tử có thư mục trạng thái riêng, một trạm chuyển tiếp, tiến trình web, tiến trình nền và PostgreSQL có
tổng kiểm trang, giữa hai bộ phận bất kỳ là một đường truyền cắt được. Sau mỗi ô, từng bản ghi được đối chiếu theo mã và theo từng byte.

- *made · đã tạo*: came into an agent's spool. *lost · mất*: an agent was told that it is stored and it is not, or at the end it is nowhere. *doubled · trùng*: a row too many, of
  snapshots, judgements or turns. *altered · bị đổi*: other bytes than were signed.
- *set aside · để riêng*: the only copy was damaged on purpose; it lies in the agent's `refused/` with the reason, and is in no database. · Bản duy nhất bị cố ý làm hỏng; nằm trong `refused/` kèm lý do.
- Nothing of it was on a failing disk or without power: `kill -9` leaves what the kernel has taken. Each file is synced before anything is acknowledged (agent/files.py, `fsync=on`, `synchronous=FULL`), and the
  matrix does not show that. · Chưa thử mất điện thật: mỗi tệp được ghi xuống đĩa trước khi xác nhận, nhưng ma trận này không chứng minh điều đó.
"""


def page() -> str:
    found = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {"rows": {}}
    names = yaml.safe_load((FOLDER / "names.yaml").read_text("utf-8"))
    cells = yaml.safe_load((FOLDER / "cells.yaml").read_text("utf-8"))
    lines = [HEAD, *_sums(found), "", *_table(found, names)]
    for part, title in names["parts"].items():
        lines += [f"\n## {title['en']} · {title['vi']}\n", *_cells(part, found, names, cells)]
    return "\n".join(lines) + "\n"


def _sums(found: Mapping[str, Any]) -> Iterator[str]:
    if not found["rows"]:
        yield "Not run yet. · Chưa chạy."
        return
    counts = [_number(found[name]) for name in ("made", "lost", "doubled", "altered", "set_aside")]
    yield (
        f"{found['day']}: {len(found['rows'])} of {found['cells']} cells; {counts[0]} snapshots made, {counts[1]} lost, {counts[2]} doubled, {counts[3]} altered, "
        f"{counts[4]} set aside. · {counts[0]} bản ghi, mất {counts[1]}, trùng {counts[2]}, bị đổi {counts[3]}, để riêng {counts[4]}."
    )


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _table(found: Mapping[str, Any], names: Mapping[str, Any]) -> Iterator[str]:
    yield "| part · bộ phận | fault · sự cố | made · tạo | stored · lưu | judged · đánh giá | set aside · để riêng | lost · mất | doubled · trùng | altered · đổi | came back · trở lại |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for part, title in names["parts"].items():
        for fault, word in names["faults"].items():
            row = found["rows"].get(f"{part}:{fault}", {})
            taken = row.get("account")
            head = f"| {title['en']} · {title['vi']} | {word['en']} · {word['vi']} |"
            if taken is None:
                yield f"{head} – | – | – | – | – | – | – | not to the end · chưa chạy hết |"
                continue
            counts = " | ".join(
                f"{taken[name]:,}" for name in ("made", "stored", "judged", "set_aside", "lost", "doubled", "altered")
            )
            mark = "" if row["sound"] else " **UNSOUND · KHÔNG KHỚP**"
            yield f"{head} {counts} | {_back(row, names)}{mark} |"


def _back(row: Mapping[str, Any], names: Mapping[str, Any]) -> str:
    return "; ".join(_both(names["back"].get(how)) or f"`{how}`" for how in row["back"] or ["itself"])


def _both(word: Mapping[str, str] | None) -> str:
    return cell(f"{word['en']} · {word['vi']}") if word else ""


def _cells(part: str, found: Mapping[str, Any], names: Mapping[str, Any], cells: Mapping[str, Any]) -> Iterator[str]:
    yield "| fault · sự cố | what was done · đã làm gì | how often · số lần | what comes of it · kết quả |"
    yield "|---|---|---|---|"
    for fault, word in names["faults"].items():
        text, row = cells[f"{part}:{fault}"], found["rows"].get(f"{part}:{fault}", {})
        struck = [f"{times} {_both(names['struck'][what])}" for what, times in row.get("struck", {}).items()]
        struck += [f"{times} {_both(names['beyond'][what])}" for what, times in row.get("beyond", {}).items()]
        yield f"| {_both(word)} | {_both(text['done'])} | {'; '.join(struck) or '–'} | {_both(text['says'])} |"
