"""docs/vi/khac-phuc-loi.md and docs/en/troubleshooting.md, of scripts/troubleshooting/*.yaml: each message as the program prints it.

The Vietnamese of a message comes from the catalog; one that has none is printed in English everywhere, and the page says it so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from agent import errors
from scripts.command_lines import catalog

FOLDER = Path(__file__).with_name("troubleshooting")
Language = Literal["vi", "en"]
WORDS = {
    "vi": {"means": "Ý nghĩa", "do": "Xử lý", "english": "bản tiếng Anh"},
    "en": {"means": "Means", "do": "Do", "english": ""},
}
HEAD = {
    "vi": """\
# Khắc phục lỗi

Tìm đúng câu mà chương trình in ra (ô **Tìm** ở góc trái không phân biệt dấu), đọc ý nghĩa rồi làm theo. `…`, `N` và `<…>` là phần thay đổi theo từng trường hợp.

## Mã thoát
""",
    "en": """\
# Troubleshooting

Look for the sentence that was printed (the box **Search** at the left), read what it means and do what stands below. `…`, `N` and `<…>` stand for what differs each time.

## Exit codes
""",
}
CODES: tuple[tuple[str, str, str], ...] = (
    ("0", "mọi điểm được kiểm tra đều đạt; với lệnh khác: đã làm xong", "everything judged passed; of other commands: done"),
    ("1", "có ít nhất một điểm không đạt; với các lệnh trong bảng dưới: có điều cần người xem", "at least one fail; of the commands below: something for a person to look at"),
    ("2", "lệnh, tham số hoặc dữ liệu vào sai; thông báo nêu chỗ sai và cách sửa", "a usage or input error: the message says what, where and what to do"),
    ("3", "có điều không xem được, và không có điểm nào không đạt", "something could not be looked at, and nothing failed"),
    ("4", "chưa gửi được; báo cáo nằm trong hàng đợi, không mất gì", "could not deliver; it is spooled, nothing is lost"),
    ("5", "lỗi của phần mềm; thông báo nêu tên tệp cần gửi", "a bug; the message names the file to send"),
    ("6", "tác tử tự dừng vì vượt giới hạn tài nguyên của nó; không mất gì", "the agent stopped itself at its limits; nothing is lost"),
    ("130, 141", "người dùng dừng lệnh (Ctrl-C); chương trình đọc kết quả đã đóng (`| head`)", "interrupted (Ctrl-C); the reader went away (`| head`)"),
)  # fmt: skip
"""(code, Vietnamese, English)"""
ONES: tuple[tuple[str, str, str], ...] = (
    ("rasoat server check", "1: có điểm hỏng; 3: không hỏng nhưng có điểm không xem được", "1: something is bad; 3: nothing is, and something could not be looked at"),
    ("rasoat verify BUNDLE", "1: có dòng không đúng; 2: không phải gói chứng cứ; 3: có điều không kiểm tra được", "1: a line does not hold; 2: not a bundle; 3: something could not be checked"),
    ("rasoat system judge", "3: còn yêu cầu chưa xác định", "3: a requirement is undetermined"),
    ("rasoat configuration backup", "3: có thiết bị chưa sao chép được", "3: a device was not copied"),
    ("rasoat discover", "3: có phần chưa quét được", "3: something could not be asked"),
    ("rasoat feed status", "1: có nguồn quá hạn, không có dữ liệu, hoặc chưa nhập lần nào", "1: a feed is over its limit or has no data, or none was ever imported"),
    ("rasoat feed import FILE", "1: gói hoặc một tệp trong gói bị từ chối", "1: the bundle or a file of it is refused"),
    ("rasoat server coverage show", "1: còn máy thiếu", "1: machines are missing"),
    ("rasoat server schedule check", "1: có điểm im lặng", "1: a site is silent"),
    ("rasoat server relay list", "1: có trạm cần xem", "1: a relay needs a look"),
    ("rasoat server outlet list", "1: có kênh không gửi được", "1: an outlet does not get through"),
    ("rasoat server sweep lists", "1: đã thấy một chỉ báo", "1: an indicator was seen"),
    ("rasoat server sweep letters", "1: còn việc mở hoặc chưa xác định", "1: something is open or cannot be told"),
    ("rasoat campaign show N", "1: còn máy chưa hoàn thành", "1: machines are not done"),
    ("rasoat server backup verify FILE", "1: bản này không khôi phục được bằng phiên bản đang cài; 2: tệp hỏng", "1: this version cannot restore it; 2: the file is damaged"),
    ("rasoat server journal verify", "1: nhật ký bị sửa hoặc thiếu", "1: the journal was changed or cut"),
)  # fmt: skip
"""(command, Vietnamese, English): where the code says more than done and not done."""


@cache
def groups() -> tuple[dict[str, Any], ...]:
    return tuple(yaml.safe_load(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.yaml")))


def codes() -> list[tuple[str, str, str]]:
    """Those that the program knows."""
    known = {str(value) for name, value in vars(errors).items() if name.isupper() and type(value) is int}
    return [row for row in CODES if row[0] in known or "," in row[0]]


def page(language: Language) -> str:
    at = 1 if language == "vi" else 2
    lines = [
        HEAD[language],
        "| mã | nghĩa |\n|---|---|" if language == "vi" else "| code | means |\n|---|---|",
        *(f"| {row[0]} | {_cell(row[at])} |" for row in codes()),
        "",
        "| lệnh | mã riêng |\n|---|---|" if language == "vi" else "| command | its own codes |\n|---|---|",
        *(f"| `{row[0]}` | {row[at]} |" for row in ONES),
    ]
    for group in groups():
        lines.append(f"\n## {group['title'][language]}\n\n{group['about'][language]}\n")
        for entry in group["entries"]:
            lines += _entry(entry, language)
    return "\n".join(lines).rstrip() + "\n"


def _entry(entry: dict[str, Any], language: Language) -> Iterator[str]:
    says, told, words = entry["says"], entry[language], WORDS[language]
    own = translated(says) if language == "vi" else ""
    yield f"### {_code(own or says)}\n"
    if own:
        yield f"*{words['english']}:* {_code(says)}\n"
    yield f"**{words['means']}:** {told['means']}\n"
    yield f"**{words['do']}:** {told['do']}\n"


def translated(message: str) -> str:
    """In Vietnamese; empty where it is printed in English everywhere."""
    for name in ("agent", "server"):
        found = catalog_of(name).gettext(message)
        if found != message:
            return found
    return ""


@cache
def catalog_of(name: str) -> Any:
    return catalog(name, "vi")


def shown(message: str) -> str:
    """As a reader meets it: what is filled in is a mark."""
    text = re.sub(r"%\((\w+)\)[sd]", r"<\1>", message)
    return text.replace("%s", "…").replace("%r", "…").replace("%d", "N").replace("{}", "…").rstrip(":")


def _code(message: str) -> str:
    text = shown(message)
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _cell(text: str) -> str:
    return text.replace("| ", "\\| ")
