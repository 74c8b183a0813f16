"""The Windows installers as text: no PowerShell can be had here, so the grammar of tree-sitter stands in for its parser, and what
they must never do is looked for in what it finds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_powershell

FOLDER = Path(__file__).parents[2] / "deploy" / "windows"
MARK = b"\xef\xbb\xbf"
SCRIPTS = {path.stem: path.read_bytes() for path in FOLDER.glob("*.ps1")}
INSTALL, UNINSTALL = SCRIPTS["install-agent"], SCRIPTS["uninstall-agent"]

CHANGING = {
    "install-agent": {
        "Disable-ScheduledTask", "Enable-ScheduledTask", "Move-Item", "New-Item", "Register-ScheduledTask", "Remove-Item", "Set-Acl", "Stop-ScheduledTask",
    },
    "uninstall-agent": {"Remove-Item", "Stop-ScheduledTask", "Unregister-ScheduledTask"},
}  # fmt: skip
"""All that changes something on the machine."""
LOOKING = {
    "Add-Type", "Get-Acl", "Get-FileHash", "Get-Process", "Get-ScheduledTask", "Get-UICulture", "Join-Path", "New-Object", "Out-Null", "Read-Host",
    "Resolve-Path", "Set-StrictMode", "Split-Path", "Start-Sleep", "Test-Path", "Where-Object", "Write-Output",
}  # fmt: skip


def parsed(source: bytes) -> tree_sitter.Node:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
    return parser.parse(source.removeprefix(MARK)).root_node


def nodes(kind: str, within: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    todo = [within]
    while todo:
        node = todo.pop()
        if node.type == kind:
            yield node
        todo += node.children


def text(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode()


def code(source: bytes) -> str:
    """The script without its comments."""
    bare = bytearray(source.removeprefix(MARK))
    for node in nodes("comment", parsed(source)):
        bare[node.start_byte : node.end_byte] = b" " * (node.end_byte - node.start_byte)
    return bare.decode()


def function(source: bytes, name: str) -> str:
    (found,) = [text(node) for node in nodes("function_statement", parsed(source)) if text(node).startswith(f"function {name} ")]
    return found


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_grammar_takes_all_of_it_and_would_notice(name: str) -> None:
    root = parsed(SCRIPTS[name])
    assert not root.has_error
    assert len(list(nodes("command", root))) > 10
    assert parsed(SCRIPTS[name].replace(b"} catch {", b"} catch ", 1)).has_error


@pytest.mark.parametrize("name", SCRIPTS)
def test_windows_powershell_reads_its_vietnamese(name: str) -> None:
    """Without the mark it would be read in the machine's own code page; with bare line feeds here-strings and editors go wrong."""
    assert SCRIPTS[name].startswith(MARK)
    assert SCRIPTS[name].count(b"\n") == SCRIPTS[name].count(b"\r\n")


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_says_that_it_has_not_run(name: str) -> None:
    assert "has not run on a Windows machine yet" in SCRIPTS[name].decode("utf-8-sig").split("#>")[0]


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_changes_what_it_must_and_nothing_else(name: str) -> None:
    root = parsed(SCRIPTS[name])
    own = {text(node) for node in nodes("function_name", root)}
    called = {text(node) for node in nodes("command_name", root)} - own
    assert called - LOOKING == CHANGING[name]


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize(
    "pattern",
    [
        r"Invoke-WebRequest|Invoke-RestMethod|DownloadString|Net\.WebClient|Start-BitsTransfer",  # the package is what was handed in
        r"Invoke-Expression|\biex\b|-EncodedCommand|FromBase64",
        r"::new\(|\?\?|\?\.|&&|\|\||\bGet-LocalUser\b|\bExpand-Archive\b|-AsByteStream|\bclass\s|\busing\s",  # later than PowerShell 4
        r"\bEveryone\b|S-1-1-0|S-1-5-32-545|\bWD\)|;BU\)|;AU\)",  # rights to anybody
        r"Set-ExecutionPolicy|Set-MpPreference|Add-MpPreference|netsh|New-NetFirewallRule",
        r"https?://(?!schemas\.microsoft\.com)",
    ],
)  # fmt: skip
def test_it_does_without(name: str, pattern: str) -> None:
    assert not re.search(pattern, code(SCRIPTS[name]))


def test_the_token_is_on_no_command_line_and_on_no_screen() -> None:
    register = function(INSTALL, "Register-Machine")
    assert "'--token-file', '-'" in register
    assert re.search(r"^\s*Read-Token \| & \$Program @arguments\s*$", register, re.M)
    assert "'--token'" not in code(INSTALL)
    assert "RASOAT_TOKEN" not in code(INSTALL)
    read = function(INSTALL, "Read-Token")
    assert "-AsSecureString" in read
    assert "ZeroFreeBSTR" in read
    assert code(INSTALL).count("Read-Token") == 2  # made, and used once
    assert not re.search(r"(?:Say|Stop-With|Write-Output)[^\n]*\$(?:typed|pointer)", code(INSTALL))


def test_what_is_started_is_the_program_of_the_package_alone() -> None:
    assert set(re.findall(r"& (\S+)", code(INSTALL))) == {"$Program", "$trial"}
    assert re.findall(r"& (\S+)", code(UNINSTALL)) == []


def test_the_state_is_for_the_system_and_its_administrators() -> None:
    folder = function(INSTALL, "New-PrivateFolder")
    assert re.findall(r"'(O:[^']*)'", folder) == ["O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"]
    assert "Set-Acl -LiteralPath $StateFolder" in folder
    assert "Stop-With 2" in folder  # a folder that somebody else made before
    body = code(INSTALL).rpartition("try {")[2]
    assert (
        body.index("New-PrivateFolder")
        < body.index("Install-Program")
        < body.index("Register-Machine")
        < body.index("Register-Agent")
    )


def test_the_task_is_well_formed_and_runs_what_a_timer_runs_elsewhere() -> None:
    from xml.etree import ElementTree

    (raw,) = re.findall(r'@"\r\n(.*?)\r\n"@', code(INSTALL), re.S)
    document = (
        raw.partition("?>")[2]
        .replace("$System", "S-1-5-18")
        .replace("$command", r"C:\Program Files\rasoat\rasoat-agent\rasoat.exe")
    )
    task = ElementTree.fromstring(document)
    told = {node.tag.rpartition("}")[2]: node.text for node in task.iter()}
    assert told["Arguments"] == "agent once --if-due --quiet"
    assert told["UserId"] == "S-1-5-18"
    assert told["Interval"] == "PT15M"
    assert told["MultipleInstancesPolicy"] == "IgnoreNew"
    assert told["StopIfGoingOnBatteries"] == "false"


def test_every_exit_code_is_one_that_the_head_explains() -> None:
    for source in SCRIPTS.values():
        head = source.decode("utf-8-sig").split("#>")[0].partition("Exit codes")[2]
        used = set(re.findall(r"Stop-With (\d)", code(source))) | set(re.findall(r"\bexit (\d)", code(source)))
        assert used
        assert used == set(re.findall(r"(?:^|[|:] |, for those who deploy it: )\s*(\d) ", head, re.M))


@pytest.mark.parametrize("switch", ["RemoveTokenFile", "Purge"])
def test_what_takes_something_away_is_asked_for(switch: str) -> None:
    source = INSTALL if switch == "RemoveTokenFile" else UNINSTALL
    (line,) = [line for line in code(source).splitlines() if f"${switch} -and" in line]
    assert "Remove-Item -LiteralPath" in line
    assert f"[switch]${switch}" in code(source)


def test_messages_are_in_both_languages() -> None:
    for source in SCRIPTS.values():
        for call in re.findall(r"^\s*(?:.*[{;] )?(?:Say|Stop-With \d) (['\"].*)$", code(source), re.M):
            if "Exception.Message" in call:
                continue
            said = re.findall(r"'[^']*'|\"[^\"]*\"", call)
            assert len(said) >= 2, call
            assert not said[1].isascii(), call
