"""collect.ps1 as text: PowerShell's grammar takes it, it changes nothing, and it keeps to what PowerShell 4.0 knows.

No PowerShell can be had here, so the grammar of tree-sitter stands in for its parser. What the script asks for and what the
Python side reads are compared as well: a key that only one of them knows would be a question without an answer.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_powershell

from collectors.errors import CollectError
from collectors.windows.antivirus_readers import READERS

SCRIPT = Path(__file__).parent.parent / "collectors" / "windows" / "collect.ps1"
SOURCE = SCRIPT.read_bytes()
PYTHON = {path.name: path.read_text("utf-8") for path in SCRIPT.parent.glob("*.py")}

READING = {
    "ForEach-Object", "Get-Acl", "Get-AppxPackage", "Get-ChildItem", "Get-CimInstance", "Get-Content", "Get-Date", "Get-Item", "Get-ItemProperty",
    "Get-NetConnectionProfile", "Get-NetFirewallProfile", "Get-NetTCPConnection", "Get-NetUDPEndpoint", "Get-Process", "Get-ScheduledTask",
    "Get-ScheduledTaskInfo", "Get-Service", "Get-SmbClientConfiguration", "Get-SmbServerConfiguration", "Get-SmbShare", "Get-WinEvent", "Join-Path", "New-Object", "Out-Null", "Sort-Object", "Test-Path", "Where-Object", "Write-Output",
}  # fmt: skip
"""Cmdlets that look, and those that shape what was seen. New-Object makes objects in memory; which ones is a test of its own."""

WATCHED = {"Invoke-CimMethod", "Remove-Item"}
"""Each has a test that says on what."""

PROGRAMS = ("whoami.exe", "secedit.exe", "auditpol.exe", "w32tm.exe")


def nodes(kind: str, within: tree_sitter.Node | None = None, source: bytes = SOURCE) -> Iterator[tree_sitter.Node]:
    todo = [within or parsed(source).root_node]
    while todo:
        node = todo.pop()
        if node.type == kind:
            yield node
        todo += node.children


def parsed(source: bytes) -> tree_sitter.Tree:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language())).parse(source)


def text(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode("ascii")


def code() -> str:
    """The script without its comments."""
    bare = bytearray(SOURCE)
    for node in nodes("comment"):
        bare[node.start_byte : node.end_byte] = b" " * (node.end_byte - node.start_byte)
    return bare.decode("ascii")


def test_the_grammar_takes_all_of_it() -> None:
    root = parsed(SOURCE).root_node
    assert not root.has_error
    assert len(list(nodes("command"))) > 100  # a grammar that takes anything would find none


def test_the_grammar_would_notice() -> None:
    assert parsed(SOURCE.replace(b"} else {", b"} else ", 1)).root_node.has_error


def test_it_is_ascii_so_that_no_code_page_can_change_it() -> None:
    assert SOURCE.isascii()


def test_it_calls_only_what_looks() -> None:
    own = {text(node) for node in nodes("function_name")}
    called = {text(node) for node in nodes("command_name")}
    assert called - own <= READING | WATCHED
    assert called & WATCHED == WATCHED  # so that a test below cannot pass for want of its subject


def test_what_it_removes_is_the_file_it_made() -> None:
    removed = [text(node) for node in nodes("command") if text(node).startswith("Remove-Item")]
    assert removed == ["Remove-Item -LiteralPath $file -ErrorAction SilentlyContinue"]
    assert re.findall(r"\$file = .*", code()) == ["$file = Join-Path $env:TEMP ('rasoat-' + [guid]::NewGuid() + $Suffix)"]


def test_methods_of_wmi_are_those_that_only_tell() -> None:
    methods = re.findall(r"Invoke-CimMethod .*?-MethodName '(\w+)'", code())
    assert methods
    assert all(name.startswith("Get") for name in methods)
    assert code().count("Invoke-CimMethod") == len(methods)


def test_objects_are_made_of_kinds_that_only_tell() -> None:
    made = set(re.findall(r"New-Object (?:-ComObject )?([\w.]+)", code()))
    assert made == {
        "Microsoft.Update.Session", "Microsoft.Update.AutoUpdate", "Security.Principal.SecurityIdentifier", "WScript.Shell",
    }  # fmt: skip
    assert "$searcher.Online = $false" in code()


def test_programs_are_those_the_head_names_by_their_whole_path() -> None:
    started = re.findall(r'& ("[^"]*"|\S+)', code())
    programs = [word.strip('"') for word in started if not word.startswith(("$Ask", "$Export"))]
    assert sorted(programs) == sorted(rf"$env:windir\System32\{name}" for name in PROGRAMS)
    head = SOURCE.decode().partition("$ErrorActionPreference")[0]
    assert "secedit" in head
    assert "auditpol" in head
    assert "/export" in code()
    assert "/backup" in code()
    assert not re.search(r"/(configure|set|restore|clear|import|resync|config|register|unregister)\b", code(), re.I)


@pytest.mark.parametrize(
    "pattern",
    [
        r"::new\(",  # PowerShell 5
        r"\?\?", r"\?\.", r"(?<![%?])\?\s+[^{\n]+ : ",  # 7: null-coalescing, null-conditional, ternary
        r"&&", r"\|\|",  # 7: chains
        r"Get-LocalUser|Get-LocalGroup",  # 5.1
        r"\bGet-WmiObject\b",  # gone in 6
        r"Win32_Product\b",  # asking it repairs programs
        r"\bAdd-Type\b",  # starts a compiler, which writes files
        r"-EncodedCommand|FromBase64|DownloadString|Invoke-WebRequest|Invoke-RestMethod|Start-Process|Start-Job|Invoke-Command",
        r"\bSet-(?!StrictMode)\w+|\bNew-Item|\bNew-ItemProperty|\bClear-\w+|\bRestart-\w+|\bStop-\w+|\bEnable-\w+|\bDisable-\w+|\bInstall-\w+",
        r"\bOut-File\b|\bSet-Content\b|\bAdd-Content\b|[^0-9=]>\s*\$|>>",
        r"DefaultPassword|UnicodePwd|\bpwdLastSet\b",
        r"\.(?:SetInfo|Put|Delete|Download|Install|Commit|CommitChanges|SetPassword|Hide|AcceptEula)\(",
        r"\.IsHidden\s*=",
    ],
)  # fmt: skip
def test_it_does_without(pattern: str) -> None:
    assert not re.search(pattern, code())


@pytest.mark.parametrize("kind", ["class_statement", "enum_statement", "parallel_statement", "inlinescript_statement"])
def test_it_holds_no_statement_that_powershell_4_lacks(kind: str) -> None:
    assert list(nodes(kind)) == []


NEWER = {
    "5.0": r"\busing\s+(?:namespace|module|assembly)\b|\bGet-ChildItem\b[^\n|;]*\s-Depth\b|-NoNewline\b"
    r"|\b(?:Get-ItemPropertyValue|ConvertFrom-SddlString|New-TemporaryFile|Expand-Archive|Format-Hex|ConvertFrom-String|Get-Clipboard)\b",
    "5.1": r"\b(?:Get-ComputerInfo|Get-TimeZone|New-Guid|Get-LocalGroupMember)\b",
    "6": r"-(?:AsByteStream|AsHashtable|AsArray|AsUTC|Top|Bottom|AdditionalChildPath|LeafBase|Extension|EscapeHandling)\b"
    r"|\$Is(?:Windows|Linux|MacOS|CoreCLR)\b|-Encoding\s+'?utf8(?:BOM|NoBOM)",
    "7": r"-Parallel\b|\bJoin-String\b|\bGet-Error\b|\$PSStyle\b|\bclean\s*\{",
}
"""What a later PowerShell brought and somebody might write without noticing; what 4.0 lacks in syntax stands in the list above."""


@pytest.mark.parametrize("version", NEWER)
def test_it_keeps_to_what_powershell_4_knows(version: str) -> None:
    assert not re.search(NEWER[version], code(), re.I)


def unwrapped() -> set[str]:
    """Commands that run when the script does, and not within a function or the block of a section."""
    todo = [parsed(SOURCE).root_node]
    found = set()
    while todo:
        node = todo.pop()
        if node.type == "command_name":
            found.add(text(node))
        if node.type not in ("function_statement", "script_block_expression"):
            todo += node.children
    return found


def test_nothing_is_asked_outside_a_section() -> None:
    """Whatever fails ends in the error of its own section: under 'Stop' a question outside of one would end the whole script."""
    assert unwrapped() == {"Add-Section", "Add-Guarded", "Get-Exported", "Format-Json", "Write-Output"}


@pytest.mark.parametrize("name", ["Add-Section", "Get-Exported"])
def test_what_wraps_a_section_catches_everything(name: str) -> None:
    (body,) = [text(node) for node in nodes("function_statement") if text(node).startswith(f"function {name}")]
    assert re.search(r"\btry \{.*\}\s*catch \{[^{}]*Get-Failure \$_", body, re.S)
    assert "& $Ask" in body or "& $Export" in body


def test_blocks_are_handed_to_what_wraps_them_or_shape_what_was_seen() -> None:
    """A block that something else starts would run outside of every try."""
    for node in nodes("script_block_expression"):
        above = node.parent
        while above is not None and above.type not in ("command", "assignment_expression"):
            above = above.parent
        assert above is not None
        head = text(above).split()[0]
        assert head in {"Add-Section", "Add-Guarded", "Get-Exported", "Where-Object", "ForEach-Object", "$Search"}, head


def test_what_runs_beside_the_script_is_the_search_for_updates_alone() -> None:
    assert code().count("[powershell]::Create()") == 1
    assert re.findall(r"AddScript\((.*?)\)", code()) == ['"$Search"']


def test_what_a_task_starts_never_leaves_the_machine() -> None:
    """Arguments may hold passwords: only words of a fixed list go into the answer."""
    (block,) = [text(node) for node in nodes("command") if text(node).startswith("Add-Guarded 'backup_tasks'")]
    assert block.count("Arguments") == 1
    assert block.count("$line") == block.count("if ($line -match") + 1
    assert not re.search(
        r"=\s*\"?\$\(?\$?(?:line|action)", block.replace('$line = "$($action.Execute) $($action.Arguments)"', "")
    )


def test_a_shortcut_is_opened_and_neither_saved_nor_followed() -> None:
    """WScript.Shell can do more than that; it is made once, and one method is called of it."""
    assert re.findall(r"-ComObject WScript\.Shell\)(\S*)", code()) == [".CreateShortcut($file.FullName)"]
    assert set(re.findall(r"\$link\.(\w+)", code())) == {"TargetPath", "Arguments"}
    assert not re.search(r"\.(?:Save|Run|Exec|SendKeys|RegRead|RegWrite|RegDelete|Popup|AppActivate)\(", code())


def test_command_lines_leave_the_machine_as_names_alone() -> None:
    """What starts by itself goes through Get-Start, and what that hands on are its own lists."""
    (body,) = [text(node) for node in nodes("function_statement") if text(node).startswith("function Get-Start(")]
    assert [text(node) for node in nodes("hash_literal_expression") if "named" in text(node)] == [
        "@{ place = $Place; named = $named; programs = @($names); hosts = @($hosts) }"
    ]
    assert set(re.findall(r"\$names \+= (\S+)", body)) == {"$leaf", "$found.Value"}
    for name in ("startup_keys", "startup_folders", "startup_tasks", "startup_services"):
        (block,) = [text(node) for node in nodes("command") if re.match(rf"Add-(?:Section|Guarded) '{name}'", text(node))]
        assert "Get-Start" in block
        kept = re.findall(r"@\{ ([^}]*) \}", block.replace("@{ 'HKLM", ""))
        assert all(re.fullmatch(r"rows = @\(\$rows\)(?:; \w+ = \$\w+\.Count)*", one) for one in kept), kept
    assert code().count("'PathName'") == block.count("'PathName'") == 1, "no other section asks how services are started"


def test_command_lines_of_processes_are_not_even_read() -> None:
    assert "if ($Class -eq 'Win32_Process') { $how['Property'] = $Properties }" in code()
    assert re.findall(r"'Win32_Process' (@\([^)]*\))", code()) == ["@('ProcessId', 'Name')"]
    assert "CommandLine" not in code().replace("IncludeCmdLine", "")


def test_the_hosts_file_and_people_are_looked_for_on_this_machine_alone() -> None:
    """A path in the registry may lead to another machine, and asking there is not looking."""
    for variable in ("$folder", "$common", "$home_of"):
        assert re.search(rf"if \({re.escape(variable)} -notmatch '\^\[A-Za-z\]:\\\\'\) \{{ throw ", code()), variable


def test_the_words_for_backup_tools_are_those_python_knows() -> None:
    from collectors.windows.backup import known

    (listed,) = re.findall(r"\$known = ([^\n]+)", code())
    assert {*re.findall(r"'([^']+)'", listed), "script"} == {tool.word for tool in known().tools}


def test_no_private_key_is_asked_for() -> None:
    assert "HasPrivateKey" in code()
    assert not re.search(r"\.PrivateKey\b|GetRSAPrivateKey|GetECDsaPrivateKey|Export-PfxCertificate|\.Export\(", code())


def test_enumerations_and_dates_never_leave_as_words() -> None:
    assert "ConvertTo-Json" not in code()
    assert ".ToString('s') + 'Z'" in code()
    assert not re.search(r"\.ToString\((?!'s'\))", code())


def test_every_section_that_python_reads_is_asked_for() -> None:
    # log_$log stands for three
    asked = {
        name
        for name in re.findall(r"Add-(?:Section|Guarded) ['\"]([\w$]+)['\"]|\$Sections\['(\w+)'\] =", code())
        for name in name
        if name
    }
    asked |= {"log_Security", "log_System", "log_Application", "users", "ageing", "administrators"}
    read = {name for body in PYTHON.values() for name in re.findall(r"\.(?:section|found)\(\"(\w+)\"\)", body)}
    assert len(read) > 15
    assert read <= asked


def wanted_values() -> set[str]:
    return {name for names in re.findall(r"=\s*'([\w,. ]*)'\s*$", code(), re.M) for name in names.split(",")}


def test_every_registry_value_that_python_reads_is_asked_for() -> None:
    values = wanted_values() | {
        "NetbiosOptions",
        "ScreenSaveActive",
        "ScreenSaverIsSecure",
        "ScreenSaveTimeOut",
        "EnableFirewall",
    }
    read = {name for body in PYTHON.values() for name in re.findall(r"(?:dword|value|text)\([^()]*?,\s*\"([A-Za-z_]\w+)\"", body)}
    assert len(read) > 40
    assert read <= values | {"Name"}


def test_the_readers_of_vendors_keys_find_their_keys_in_the_script() -> None:
    """A path that the script does not read would make the product silent on every machine."""
    listed = set(re.findall(r"^    '(HKLM:\\SOFTWARE\\[^']+)' =", code(), re.M))
    for name, reader in READERS.items():
        asked: list[str] = []

        class Keys:
            def key(self, path: str, asked: list[str] = asked) -> None:
                asked.append(path)

            def dword(self, path: str, name: str, asked: list[str] = asked) -> None:
                asked.append(path)

        vendor = reader(Keys())  # type: ignore[arg-type]
        for question in (vendor.version, vendor.signatures, vendor.realtime, vendor.last_full_scan, vendor.managed):
            with contextlib.suppress(CollectError):
                question()
        assert bool(asked) == (name != "none"), name
        assert set(asked) <= listed, name
